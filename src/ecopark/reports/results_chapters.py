"""The chapters on results: summary, totals, the main total by every dimension, and the figures beside them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import polars as pl

from ecopark.accounting import views
from ecopark.accounting.remarks import doubtful_parameters
from ecopark.accounting.result import Inventory
from ecopark.reports.figures import Label, draw
from ecopark.reports.numbers import MISSING, decimals_for
from ecopark.reports.scribe import GAP_NAMES, SCOPE_NAMES, STATUS_NAMES, Row, Scribe
from ecopark.translation import N_

TABLES = (
    ("categories", "category"),
    ("scopes", "scope"),
    ("gases", "gas"),
    ("firms", "node"),
    ("commodities", "commodity"),
)
"""Name of a results table in the template -> dimension of `Inventory.by`."""

_REFERENCE = re.compile(r"^R\d+(~R\d+)?-")
_RANGES = {
    "id": pl.String, "name_zh": pl.String, "name_en": pl.String, "colour": pl.String, "value": pl.Float64,
    "low": pl.Float64, "high": pl.Float64, "key": pl.String,
}  # fmt: skip


def headline(inventory: Inventory) -> str:
    """Return the explain key of the inventory's main total."""
    return f"total:{inventory.scheme.total().id}"


def short_key(inventory: Inventory, key: str) -> str:
    """Return the short form of a key of the main total: "total:co2&category:fuel" is also "category:fuel"."""
    return "total" if key == headline(inventory) else key.removeprefix(f"{headline(inventory)}&")


def word_for_total(scribe: Scribe, inventory: Inventory) -> str:
    """Return "total" or, where the data gate failed, "subtotal of the covered sources"."""
    return scribe.say(N_("total")) if inventory.complete else scribe.say(N_("subtotal of the covered sources"))


def titled(scribe: Scribe, inventory: Inventory, name: str) -> str:
    """Return a number's name, with "subtotal of the covered sources" before it where the data gate failed."""
    if inventory.complete:
        return name
    return scribe.say(N_("{basis}: {name}"), basis=word_for_total(scribe, inventory), name=name)


def number_row(scribe: Scribe, inventory: Inventory, key: str, value: float, unit: str, decimals: int) -> Row:
    """Return the cells that every number of an inventory has: amount, range, unit, reference."""
    short = short_key(inventory, key)
    reference = inventory.reference(short)
    found = scribe.material.uncertainties.get(inventory.scheme.id)
    low, high = found.ranges.get(short, (None, None)) if found else (None, None)
    if low == high:  # nothing in it has a range: exact by lack of knowledge, which is no range to print
        low = high = None
    return {
        "amount": scribe.register.number(reference, value, unit, decimals),
        "range": scribe.register.span(reference, low, high, unit, decimals),
        "unit": scribe.unit(unit),
        "reference": reference,
    }


def summary_rows(scribe: Scribe) -> list[Row]:
    """Return a row for the main total of each scheme."""
    rows = []
    for inventory in scribe.material.inventories:
        total, chosen = inventory.total(), inventory.scheme.total()
        name = scribe.both(chosen.name_zh, chosen.name_en)
        basis = scribe.say(N_("{basis}: {name}"), basis=word_for_total(scribe, inventory), name=name)
        cells = number_row(scribe, inventory, headline(inventory), total, chosen.unit, decimals_for([total]))
        rows.append({"scheme": scribe.scheme(inventory), "basis": basis} | cells)
    return rows


def sentence(scribe: Scribe, inventory: Inventory) -> str:
    """Return what the inventory says in a few sentences; without a verdict where the data gate failed."""
    total, chosen = inventory.total(), inventory.scheme.total()
    row = number_row(scribe, inventory, headline(inventory), total, chosen.unit, decimals_for([total]))
    values: dict[str, object] = {
        "scheme": scribe.scheme(inventory), "year": inventory.year, "name": scribe.both(chosen.name_zh, chosen.name_en),
        "quantity": scribe.quantity(row["amount"], chosen.unit),
    }  # fmt: skip
    if inventory.complete:
        sentences = [scribe.say(N_("Under “{scheme}”, the total of {year} ({name}) is {quantity}."), **values)]
    else:
        missing = scribe.register.count(inventory.reference("gaps"), len(inventory.gaps))
        text = N_(
            "Under “{scheme}”, the subtotal of the covered sources of {year} ({name}) is {quantity}. It is not a "
            "total: {missing} required item(s) are missing, and no indicator and no verdict is given."
        )
        sentences = [scribe.say(text, missing=missing, **values)]
    if row["range"] != MISSING:
        text = N_("With 95 % probability the value lies in {range}.")
        sentences.append(scribe.say(text, range=scribe.quantity(row["range"], chosen.unit)))
    parts = inventory.by("category")
    if parts.height > 1 and shares_make_sense(parts):
        first = parts.row(0, named=True)
        share = scribe.register.share(_share_reference(inventory, first["key"]), first["value"], total)
        category = scribe.category(inventory, first["category"])
        sentences.append(
            scribe.say(N_("The largest category is “{category}” with {share} %."), category=category, share=share)
        )
    return scribe.prose(sentences)


def shares_make_sense(parts: pl.DataFrame) -> bool:
    """Tell whether parts of a total may be given in per cent: none is negative and some is positive."""
    return bool((parts["value"] >= 0).all()) and bool((parts["value"] > 0).any())


def _share_reference(inventory: Inventory, key: str) -> str:
    return inventory.reference(f"share:{key}")


def resting(scribe: Scribe) -> list[str]:
    """Return the sentences that name the unverified and contested values on which the results rest."""
    sentences = []
    for inventory in scribe.material.inventories:
        rows = doubtful_parameters(inventory).filter(pl.col("share") >= 0.0005)
        items = []
        for row in rows.head(4).iter_rows(named=True):
            reference = f"{inventory.reference('total')}@{row['factor']}"
            share = scribe.register.number(reference, 100 * row["share"], "%", 1, kind="resting")
            status = scribe.named(STATUS_NAMES, row["status"])
            name = scribe.factor_name(inventory, row["factor"], row["symbol"])
            items.append(scribe.say(N_("{factor} ({status}, {share} %)"), factor=name, status=status, share=share))
        if not items:
            continue
        if rows.height > len(items):
            more = scribe.register.count(inventory.reference("more doubtful factors"), rows.height - len(items))
            items.append(scribe.say(N_("{more} more"), more=more))
        text = N_("The result of “{scheme}” rests on values that are unverified or contested: {items}.")
        sentences.append(scribe.say(text, scheme=scribe.scheme(inventory), items=scribe.join(items)))
    if sentences:
        text = N_("The per cent say how much of the line results uses the value; the factor table marks each of them.")
        sentences.append(scribe.say(text))
    return sentences


def tasks(scribe: Scribe) -> list[Row]:
    """Return one task for everything that a scheme requires and the record does not hold, with its schemes."""
    found: dict[tuple[str, str, str], Row] = {}
    schemes: dict[tuple[str, str, str], list[str]] = {}
    for inventory in scribe.material.inventories:
        for gap in inventory.gaps:
            reason, remedy = gap.describe(scribe.language)
            key = (gap.name_en, gap.owner, gap.kind)
            found.setdefault(
                key,
                {
                    "name": scribe.both(gap.name_zh, gap.name_en),
                    "kind": scribe.named(GAP_NAMES, gap.kind),
                    "owner": scribe.name(inventory, gap.owner, "node"),
                    "reason": reason,
                    "remedy": remedy,
                },
            )
            schemes.setdefault(key, []).append(scribe.scheme(inventory))
    return [row | {"scheme": scribe.join(list(dict.fromkeys(schemes[key])))} for key, row in found.items()]


def total_rows(scribe: Scribe, inventory: Inventory) -> list[Row]:
    """Return a row for every total of the scheme."""
    rows = []
    for row in inventory.totals().iter_rows(named=True):
        name = titled(scribe, inventory, scribe.both(row["name_zh"], row["name_en"]))
        cells = number_row(scribe, inventory, row["key"], row["value"], row["unit"], decimals_for([row["value"]]))
        rows.append({"name": name} | cells)
    return rows


def split_rows(scribe: Scribe, inventory: Inventory, dimension: str) -> list[Row]:
    """Return the main total by `dimension`, largest first, with shares; empty where there is nothing to split."""
    frame = inventory.by(dimension)
    if frame.height < 2 and dimension != "category":
        return []
    total, meaningful = inventory.total(), shares_make_sense(frame)
    decimals = decimals_for(frame["value"].to_list())
    rows = []
    for row in frame.iter_rows(named=True):
        share = MISSING
        if meaningful:
            share = scribe.register.share(_share_reference(inventory, row["key"]), row["value"], total)
        names = {"name": member(scribe, inventory, dimension, row[dimension]), "share": share}
        rows.append(names | number_row(scribe, inventory, row["key"], row["value"], row["unit"], decimals))
    return rows


def member(scribe: Scribe, inventory: Inventory, dimension: str, identity: str) -> str:
    """Return the printed name of a value of a dimension."""
    if dimension == "scope":
        return scribe.named(SCOPE_NAMES, identity)
    if dimension == "category":
        return scribe.category(inventory, identity)
    return scribe.name(inventory, identity, dimension) or MISSING


def remark_texts(scribe: Scribe, inventory: Inventory) -> list[str]:
    """Return the remarks that no other chapter shows (doubtful and substituted factors stand in the factor chapter)."""
    shown = ("rests_on_", "substituted_", "below_guidance")
    texts = [remark.text(scribe.language) for remark in inventory.remarks if not remark.code.startswith(shown)]
    return list(dict.fromkeys(texts))


def label_for(scribe: Scribe, inventory: Inventory, unit: str) -> Label:
    """Return the printer of a figure's numbers: each is registered under its reference, like those of the tables."""

    def label(key: str | None, value: float) -> str:
        if key is None:
            raise ValueError("a figure wants to print a number that has no reference")
        stated = key.startswith("statistics:") or "-statistic:" in key
        reference = key if stated or _REFERENCE.match(key) else inventory.reference(short_key(inventory, key))
        decimals = decimals_for([value], significant=4, most=3)
        return scribe.register.number(reference, value, unit, decimals, kind="record" if stated else "result")

    return label


def figure(scribe: Scribe, view: views.View, caption: str, label: Label) -> dict[str, Any]:
    """Draw a view and return it with its caption, unit included."""
    unit = scribe.unit(view.unit)
    return {
        "image": draw(view, scribe.language, label),
        "caption": scribe.say(N_("{title} ({unit})"), title=caption, unit=unit),
    }


def result_figures(scribe: Scribe, inventory: Inventory) -> list[dict[str, Any]]:
    """Return the figures of one inventory: categories with their ranges, sources, firms."""
    found = scribe.material.uncertainties.get(inventory.scheme.id)
    ranges = found.ranges if found else {}
    drawn: list[tuple[views.View, str]] = []
    if ranges:
        drawn.append((_category_view(inventory, ranges), N_("By category, with ranges (95 %)")))
    elif inventory.by("category").height > 1:
        drawn.append((_category_view(inventory, {}), N_("By category")))
    if inventory.by("commodity").height > 1:
        drawn.append((views.source_view(inventory), N_("By commodity")))
    if inventory.by("node").height > 1:
        drawn.append((views.firm_view(inventory), N_("By firm")))
    label = label_for(scribe, inventory, inventory.scheme.total().unit)
    return [
        figure(scribe, view, f"{scribe.say(title)} · {scribe.scheme(inventory)}", label)
        for view, title in drawn
        if not view.empty
    ]


def _category_view(inventory: Inventory, ranges: Mapping[str, tuple[float, float]]) -> views.View:
    rows = []
    for row in inventory.by("category").iter_rows(named=True):
        names = views.names_of(inventory, "category", row["category"])
        low, high = ranges.get(short_key(inventory, row["key"]), (None, None))
        if low == high:
            low = high = None
        rows.append((row["category"], *names, f"category:{row['category']}", row["value"], low, high, row["key"]))
    frame = pl.DataFrame(rows, schema=_RANGES, orient="row")
    return views.View(
        "category", "ranges", N_("By category"), inventory.scheme.total().unit, frame, headline(inventory)
    )
