"""The chapters that set results against something: schemes, years, reported values, limits, the sum of the firms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import polars as pl

from ecopark.accounting import views
from ecopark.accounting.comparison import Comparison, Step
from ecopark.accounting.consolidation import Consolidation
from ecopark.accounting.result import IndicatorResult, Inventory
from ecopark.reports.finishing import clean
from ecopark.reports.numbers import MISSING, decimals_for
from ecopark.reports.results_chapters import figure, headline, label_for, word_for_total
from ecopark.reports.scribe import NOTATION_NAMES, Row, Scribe
from ecopark.translation import N_

if TYPE_CHECKING:
    from ecopark.workspace import Reported

VERDICTS = {
    "met": N_("met"),
    "not_met": N_("not met"),
    "no_threshold": N_("no threshold"),
    "not_available": N_("not available"),
}
_COMPARISONS = {"<=": "≤", ">=": "≥", "<": "<", ">": ">"}
_MOST_STEPS = 12


def pairs(scribe: Scribe) -> list[dict[str, Any]]:
    """Return each comparison of two results: a sentence, the steps that add up to the difference, a waterfall."""
    return [_pair(scribe, comparison) for comparison in scribe.material.comparisons]


def _link(comparison: Comparison) -> str:
    """What the references to a comparison's numbers start with: "R3~R4-"."""
    first, second = comparison.first.run, comparison.second.run
    return f"{first}~{second}-" if first and second else ""


def _pair(scribe: Scribe, comparison: Comparison) -> dict[str, Any]:
    first, second, link = comparison.first, comparison.second, _link(comparison)
    names = (_title(scribe, first, second), _title(scribe, second, first))
    title = f"{names[0]} → {names[1]}"
    values = [first.total(), second.total(), *(step.value for step in comparison.steps)]
    decimals, unit = decimals_for(values), scribe.unit(comparison.unit)
    ends: list[Row] = [
        {
            "name": f"{name} ({word_for_total(scribe, one)})"
            if scribe.language == "en"
            else f"{name}（{word_for_total(scribe, one)}）",
            "amount": scribe.register.number(one.reference("total"), one.total(), comparison.unit, decimals),
            "unit": unit,
            "reference": one.reference("total"),
        }
        for one, name in ((first, names[0]), (second, names[1]))
    ]
    steps: list[Row] = [
        {
            "name": clean(step.label(scribe.language)),
            "amount": scribe.register.number(f"{link}step:{number}", step.value, comparison.unit, decimals),
            "unit": unit,
            "reference": f"{link}step:{number}",
        }
        for number, step in _visible_steps(comparison)
    ]
    difference = scribe.register.number(f"{link}difference", comparison.difference, comparison.unit, decimals)
    text = N_("From “{first}” to “{second}” the result changes by {quantity}; the steps add up to it exactly.")
    sentence = scribe.say(text, first=names[0], second=names[1], quantity=scribe.quantity(difference, comparison.unit))
    figures = [_waterfall(scribe, comparison, title)] if comparison.steps else []
    return {"title": title, "sentence": sentence, "steps": [ends[0], *steps, ends[1]], "figures": figures}


def _visible_steps(comparison: Comparison) -> list[tuple[int, Step]]:
    """The steps with their numbers, without those that are nothing but rounding of binary fractions."""
    smallest = 1e-12 * max(abs(comparison.first.total()), abs(comparison.second.total()))
    return [(number, step) for number, step in enumerate(comparison.steps, start=1) if abs(step.value) > smallest]


def _title(scribe: Scribe, inventory: Inventory, other: Inventory) -> str:
    """The scheme's name, or the year where both are of one scheme."""
    return str(inventory.year) if inventory.scheme.id == other.scheme.id else scribe.scheme(inventory)


def _waterfall(scribe: Scribe, comparison: Comparison, title: str) -> dict[str, Any]:
    """Draw the steps; the references are put in by row, since a figure's own keys are those of a page."""
    view, link = views.waterfall_view(comparison, _MOST_STEPS), _link(comparison)
    drawn = view.frame.filter(pl.col("id").str.starts_with("step:")).height
    named = {"first": comparison.first.reference("total"), "second": comparison.second.reference("total")}
    named["rest"] = rest = f"{link}step:{drawn + 1}…{len(comparison.steps)}"
    keys = [named.get(identity, f"{link}{identity}") for identity in view.frame["id"]]
    view = replace(view, frame=view.frame.with_columns(pl.Series("key", keys, dtype=pl.String)))

    def label(key: str | None, value: float) -> str:
        decimals = decimals_for([value], significant=4, most=3)
        return scribe.register.number(key or "", value, view.unit, decimals, kind="rest" if key == rest else "result")

    caption = scribe.say(N_("Why the two numbers differ"))
    return figure(scribe, view, f"{caption} · {title}", label)


def years(scribe: Scribe) -> dict[str, Any]:
    """Return the main scheme's total year by year, with a figure by category; empty for a single year."""
    found = [one for one in scribe.material.years if one.lines_of().height]
    if len(found) < 2:
        return {"years": [], "year_figures": []}
    unit = found[0].scheme.total().unit
    decimals = decimals_for([one.total() for one in found])
    rows: list[Row] = [
        {
            "year": str(one.year),
            "basis": word_for_total(scribe, one),
            "amount": scribe.register.number(one.reference("total"), one.total(), unit, decimals),
            "unit": scribe.unit(unit),
            "reference": one.reference("total"),
        }
        for one in found
    ]
    by_year = {str(one.year): one for one in found}
    view = views.trend_view(found)
    keys = [
        by_year[year].reference(f"{headline(by_year[year])}&category:{category}")
        for year, category in view.frame.select("group", "series").iter_rows()
    ]
    view = replace(view, frame=view.frame.with_columns(pl.Series("key", keys, dtype=pl.String)))
    caption = scribe.say(N_("By year and category"))
    drawn = figure(scribe, view, f"{caption} · {scribe.scheme(found[0])}", label_for(scribe, found[-1], unit))
    return {"years": rows, "year_figures": [drawn]}


def statistic_reference(variable: str, item: Reported) -> str:
    """Return the reference of a reported value: a statistic of the run beside it, else its row of the record."""
    if item.reference:
        return f"{item.reference}-statistic:{variable}"
    return f"statistics:{item.node}/{item.year}-01-01/{variable}"


def reported(scribe: Scribe) -> dict[str, Any]:
    """Return calculated against reported, by node and year, with difference and quotient, and what is not covered."""
    material = scribe.material
    if not material.reported:
        return {"reported": [], "reported_sentence": "", "reported_figures": [], "not_covered": []}
    scheme = material.catalogue.scheme(material.reported_scheme)
    covered = [
        node for node in dict.fromkeys(item.node for item in material.reported) if _calculated(material.reported, node)
    ]
    order = covered + [node for node in dict.fromkeys(item.node for item in material.reported) if node not in covered]
    items = sorted(material.reported, key=lambda item: (order.index(item.node), item.year))
    unit = items[0].unit
    decimals = decimals_for([item.reported for item in items])
    rows = [_reported_row(scribe, item, scheme.reported, unit, decimals) for item in items]
    text = N_(
        "Calculated is the result of “{scheme}” for the node itself; reported is what its operator stated to the "
        "authority ({variable}). Both may rest on the same meters: the comparison then tests boundary, units, heating-"
        "value basis and factors, not the fuel itself. Years without a calculated value have no flows in the record."
    )
    sentence = scribe.say(text, scheme=scribe.both(scheme.name_zh, scheme.name_en), variable=scheme.reported)
    return {
        "reported": rows,
        "reported_sentence": sentence,
        "reported_figures": [_reported_figure(scribe, material.reported, node, scheme.reported) for node in covered],
        "not_covered": notations(scribe, material.main),
    }


def _calculated(items: Sequence[Reported], node: str) -> list[Reported]:
    return [item for item in items if item.node == node and item.calculated is not None]


def _reported_row(scribe: Scribe, item: Reported, variable: str, unit: str, decimals: int) -> Row:
    other = statistic_reference(variable, item)
    row = {
        "node": scribe.name(scribe.material.main, item.node, "node"),
        "year": str(item.year),
        "reported": scribe.register.number(other, item.reported, unit, decimals, kind="record"),
        "unit": scribe.unit(unit),
    }
    if item.calculated is None:
        return row | dict.fromkeys(("calculated", "difference", "ratio", "reference"), MISSING)
    reference = f"{item.reference}-total"
    of = (reference, other)
    difference = item.calculated - item.reported
    return row | {
        "calculated": scribe.register.number(reference, item.calculated, unit, decimals),
        "difference": scribe.register.number(" − ".join(of), difference, unit, decimals, kind="difference", of=of),
        "ratio": scribe.register.ratio(reference, item.calculated, other, item.reported),
        "reference": reference,
    }


def reported_sentence(scribe: Scribe) -> list[str]:
    """Return the summary's sentence on calculated over reported in the report's year; empty where there is none."""
    sentences = []
    for item in scribe.material.reported:
        if item.year != scribe.material.year or item.calculated is None:
            continue
        scheme = scribe.material.catalogue.scheme(scribe.material.reported_scheme)
        other = statistic_reference(scheme.reported, item)
        ratio = scribe.register.ratio(f"{item.reference}-total", item.calculated, other, item.reported)
        text = N_("For {node} under “{scheme}”, calculated over reported is {ratio} in {year}.")
        name = scribe.both(scheme.name_zh, scheme.name_en)
        node = scribe.name(scribe.material.main, item.node, "node")
        sentences.append(scribe.say(text, node=node, scheme=name, ratio=ratio, year=item.year))
    return sentences


def _reported_figure(scribe: Scribe, items: Sequence[Reported], node: str, variable: str) -> dict[str, Any]:
    chosen = _calculated(items, node)
    rows = [
        (item.year, item.calculated, item.reported, f"{item.reference}-total", statistic_reference(variable, item))
        for item in chosen
    ]
    view = views.calculated_and_reported(rows, chosen[0].unit)
    main = scribe.material.main
    caption = scribe.say(N_("Calculated against reported, by year"))
    return figure(scribe, view, f"{caption} · {scribe.name(main, node, 'node')}", label_for(scribe, main, view.unit))


def notations(scribe: Scribe, inventory: Inventory) -> list[Row]:
    """Return every stream of the year that is stated by a notation instead of an amount."""
    record = scribe.material.record
    streams = {row["id"]: row for row in record.streams.iter_rows(named=True)} if record is not None else {}
    rows: list[Row] = []
    stated = inventory.flows.filter(pl.col("notation").is_not_null() & pl.col("amount").is_null())
    for flow in stated.unique("stream", maintain_order=True).iter_rows(named=True):
        stream = streams.get(flow["stream"], {})
        note = clean(flow.get("note") or stream.get("note") or "")
        rows.append(
            {
                "name": stream_name(scribe, inventory, stream) if stream else flow["stream"],
                "notation": scribe.named(NOTATION_NAMES, flow["notation"]),
                "note": note,
            }
        )
    return rows


def stream_name(scribe: Scribe, inventory: Inventory, stream: dict[str, Any]) -> str:
    """Return "what: from → to"."""
    ends = f"{scribe.name(inventory, stream['source'], 'node')} → {scribe.name(inventory, stream['target'], 'node')}"
    return f"{scribe.name(inventory, stream['commodity'], 'commodity')}{scribe.colon}{ends}"


def indicators(scribe: Scribe) -> dict[str, Any]:
    """Return the indicators of complete inventories; for others the sentence that none is given."""
    rows: list[Row] = []
    sentences: list[str] = []
    for inventory in scribe.material.inventories:
        if not inventory.scheme.indicators:
            continue
        if not inventory.complete:
            text = N_(
                "“{scheme}”: the data gate is not passed, so no indicator and no verdict is given; the tasks are in "
                "the summary."
            )
            sentences.append(scribe.say(text, scheme=scribe.scheme(inventory)))
            continue
        for indicator in inventory.indicators:
            rows.append(_indicator(scribe, inventory, indicator))
            sentences += _indicator_sentences(scribe, inventory, indicator)
    if not rows and not sentences:
        sentences.append(scribe.say(N_("The schemes of this report define no indicator.")))
    return {"indicators": rows, "indicator_sentences": list(dict.fromkeys(sentences))}


def _indicator(scribe: Scribe, inventory: Inventory, indicator: IndicatorResult) -> Row:
    reference = inventory.reference(f"indicator:{indicator.id}")
    limit = MISSING
    if indicator.limit is not None:
        where = f"{reference}@limit:{indicator.variant}:{indicator.limit_year or ''}"
        printed = scribe.register.exact(where, indicator.limit, indicator.unit, kind="limit")
        limit = f"{_COMPARISONS.get(indicator.comparison, indicator.comparison)} {printed}"
    verdict = scribe.named(VERDICTS, indicator.verdict)
    place = f"{scribe.both(indicator.variant_zh, indicator.variant_en)} {indicator.limit_year or ''}".strip()
    if place:
        verdict = scribe.say(N_("{verdict} ({place})"), verdict=verdict, place=place)
    return {
        "name": scribe.both(indicator.name_zh, indicator.name_en),
        "amount": scribe.register.number(
            reference, indicator.value, indicator.unit, decimals_for([indicator.value], 4)
        ),
        "unit": scribe.unit(indicator.unit),
        "limit": limit,
        "verdict": verdict,
        "reference": reference if indicator.value is not None else MISSING,
    }


def _indicator_sentences(scribe: Scribe, inventory: Inventory, indicator: IndicatorResult) -> list[str]:
    name = scribe.both(indicator.name_zh, indicator.name_en)
    remarks = [remark.text(scribe.language) for remark in (indicator.reason, indicator.warning) if remark is not None]
    sentences = [f"{name}{scribe.colon}{remark}" for remark in remarks]
    if indicator.gap:
        year = f":{indicator.limit_year}" if indicator.limit_year else ""
        reference = inventory.reference(f"gap:{indicator.id}:{indicator.variant}{year}")
        value = scribe.register.number(reference, indicator.gap, indicator.gap_unit, decimals_for([indicator.gap]))
        variant = f"{scribe.both(indicator.variant_zh, indicator.variant_en)} {indicator.limit_year or ''}".strip()
        text = N_("{name}: {quantity} are missing to the limit of {variant} ({reference}).")
        quantity = scribe.quantity(value, indicator.gap_unit)
        sentences.append(scribe.say(text, name=name, quantity=quantity, variant=variant, reference=reference))
    return sentences


def eliminations(scribe: Scribe) -> list[dict[str, Any]]:
    """Return what enterprises count of the supply between them, stream by stream, for every scheme with some."""
    return [
        _elimination(scribe, found) for found in scribe.material.consolidations.values() if found.eliminations.height
    ]


def _elimination(scribe: Scribe, found: Consolidation) -> dict[str, Any]:
    park = found.park
    unit = park.scheme.total().unit
    decimals = decimals_for([found.enterprise_sum, park.total()])
    rows: list[Row] = []
    for row in found.eliminations.iter_rows(named=True):
        reference = park.reference(f"elimination:{row['stream']}")
        amount = scribe.register.number(
            f"{reference}@amount", row["amount"], row["unit"], decimals_for([row["amount"]]), kind="amount"
        )
        ends = f"{scribe.name(park, row['seller'], 'node')} → {scribe.name(park, row['buyer'], 'node')}"
        rows.append(
            {
                "name": f"{scribe.name(park, row['commodity'], 'commodity')}{scribe.colon}{ends}",
                "supplied": amount,
                "supplied_unit": scribe.unit(row["unit"]),
                "bought": scribe.register.number(f"{reference}@bought", row["bought"], unit, decimals, kind="amount"),
                "sold": scribe.register.number(f"{reference}@sold", row["sold"], unit, decimals, kind="amount"),
                "amount": scribe.register.number(reference, row["elimination"], unit, decimals),
                "reference": reference,
            }
        )
    numbers = {
        "sum": scribe.register.number(found.enterprises.reference("total"), found.enterprise_sum, unit, decimals),
        "eliminated": scribe.register.number(park.reference("eliminated"), found.eliminated, unit, decimals),
        "park": scribe.register.number(park.reference("total"), park.total(), unit, decimals),
    }
    text = N_("“{scheme}”: the enterprises add up to {sum}; {eliminated} of it is counted twice; the park has {park}.")
    quantities = {name: scribe.quantity(number, unit) for name, number in numbers.items()}
    return {
        "about": scribe.say(N_("{title} ({unit})"), title=scribe.scheme(park), unit=scribe.unit(unit)),
        "sentence": scribe.say(text, scheme=scribe.scheme(park), **quantities),
        "rows": rows,
        "total": numbers["eliminated"],
        "reference": park.reference("eliminated"),
    }
