"""Explain the numbers of life-cycle burdens: a row by its amount and the parts of its coefficient, a total by rows."""

from __future__ import annotations

import math
from typing import Any

import polars as pl

from ecopark.accounting.explaining import parameter_input
from ecopark.accounting.explanation import Explanation, Input
from ecopark.metabolism.burdens.burdens import STAGE_NAMES, Burdens
from ecopark.translation import N_, translate

PART_NAMES = {
    "characterisation": N_("characterisation factor"),
    "link": N_("product per unit of the commodity"),
    "intensity": N_("burden of the background product"),
    "category_factor": N_("factor between the impact categories"),
}
SHARE = N_("{layer}: share that is not covered")
MOST_LISTED = 2000
"""Rows that a total lists one by one; the rest is one input, so that an explanation stays readable."""


def explain(burdens: Burdens, key: str) -> Explanation:
    """Return the explanation of `key` (see `Burdens.explain`)."""
    kind, _, rest = key.partition(":")
    if kind == "row" and rest.isdigit():
        return _explain_row(burdens, key, int(rest))
    if kind == "total":
        return _explain_total(burdens, key, rest)
    if kind == "background":
        return _explain_background(burdens, key)
    if kind == "share":
        return _explain_share(burdens, key, rest)
    raise KeyError(f"no number {key!r}")


def _explain_total(burdens: Burdens, key: str, rest: str) -> Explanation:
    category, *conditions = rest.split("&")
    rows = burdens.rows.filter(pl.col("category") == category)
    if category not in burdens.categories:
        raise KeyError(f"no impact category {category!r}")
    words = {"zh": "", "en": ""}
    for condition in conditions:
        name, _, wanted = condition.partition(":")
        if name not in ("stage", "node", "firm", "commodity", "stream", "activity", "group"):
            raise KeyError(f"no number {key!r}")
        rows = rows.filter(pl.col(name).fill_null("") == wanted)
        for language in words:
            words[language] += ", " + _name(burdens, wanted, name, language)
    if conditions and rows.is_empty():
        raise KeyError(f"no number {key!r}")
    unit = str(burdens.totals.filter(pl.col("category") == category)["unit"].item())
    ordered = rows.sort(pl.col("value").abs(), descending=True, maintain_order=True)
    inputs = [
        Input("lines", _title(burdens, row, "zh"), _title(burdens, row, "en"), row["value"], unit, "line",
              burdens.reference(f"row:{row['row']}"))
        for row in ordered.head(MOST_LISTED).iter_rows(named=True)
    ]  # fmt: skip
    if ordered.height > MOST_LISTED:
        other = math.fsum(ordered[MOST_LISTED:]["value"])
        inputs.append(Input("lines", "其余各行", "all other rows", other, unit, "total"))
    return Explanation(
        key, burdens.name(category, "zh", "category") + words["zh"],
        burdens.name(category, "en", "category") + words["en"], math.fsum(rows["value"]), unit, "sum(lines)", inputs,
    )  # fmt: skip


def _name(burdens: Burdens, identity: str, dimension: str, language: str) -> str:
    if dimension == "stage":
        return translate(STAGE_NAMES[identity], language) if identity in STAGE_NAMES else identity
    return burdens.name(identity, language, "node" if dimension == "firm" else dimension)


def _title(burdens: Burdens, row: dict[str, Any], language: str) -> str:
    goods = burdens.name(row["commodity"] or "", language, "commodity")
    node = burdens.name(row["node"] or "", language, "node")
    return f"{goods}: {node} ({_name(burdens, row['stage'], 'stage', language)})"


def _explain_row(burdens: Burdens, key: str, number: int) -> Explanation:
    found = burdens.rows.filter(pl.col("row") == number)
    if found.is_empty():
        raise KeyError(f"no row {number}")
    row = found.row(0, named=True)
    factor = burdens.factors.filter(pl.col("factor") == row["factor"]).row(0, named=True)
    inputs, formula = _amount_inputs(burdens, row, factor["kind"])
    used: dict[str, int] = {}
    for part in burdens.parts.filter(pl.col("factor") == row["factor"]).iter_rows(named=True):
        symbol = part["symbol"]
        used[symbol] = used.get(symbol, 0) + 1
        if used[symbol] > 1:
            symbol = f"{symbol}_{used[part['symbol']]}"
        inputs.append(_part_input(burdens, part, symbol))
        operator = " * " if part["power"] > 0 else " / "
        formula += "".join(f"{operator}{symbol}" for _ in range(abs(part["power"])))
    if factor["scale"] != 1.0:
        inputs.append(Input("unit_scale", "单位换算", "conversion of units", factor["scale"], "1", "scale"))
        formula += " * unit_scale"
    category = burdens.both(row["category"], "category")
    return Explanation(
        key, f"{category[0]}：{_title(burdens, row, 'zh')}", f"{category[1]}: {_title(burdens, row, 'en')}",
        row["value"], row["unit"], formula, inputs,
    )  # fmt: skip


def _amount_inputs(burdens: Burdens, row: dict[str, Any], kind: str) -> tuple[list[Input], str]:
    """Return the flows behind a row's amount, with what was taken out of them as recorded parts."""
    flows = burdens.flows.filter(
        (pl.col("stream") == row["stream"])
        & (pl.col("notation").is_null() | (pl.col("notation") != "IE"))
        & pl.col("amount").is_not_null()
    )
    if kind == "inventory":
        flows = flows.filter(pl.col("id") == row["flow"])
    names = burdens.both(row["commodity"] or "", "commodity")
    inputs = [
        Input("amounts", *names, flow["amount"] * flow["share"], flow["unit"] or row["amount_unit"], "flow",
              flow["id"], *burdens.source_titles(flow["evidence"] or ""), flow["method"] or "", low=flow["low"],
              high=flow["high"])
        for flow in flows.iter_rows(named=True)
    ]  # fmt: skip
    whole = math.fsum(item.value for item in inputs)
    if not inputs:
        # certificates and the like are no flows: the amount stands for itself
        amount = Input("amount", *names, row["amount"], row["amount_unit"], "flow", row["flow"] or "")
        return [amount], "amount"
    if abs(whole - row["amount"]) <= 1e-12 * max(abs(whole), abs(row["amount"]), 1e-300):
        return inputs, "sum(amounts)"
    inputs.append(
        Input("parts", "已单列的分表", "its parts, listed apart", whole - row["amount"], row["amount_unit"], "share")
    )
    return inputs, "(sum(amounts) - parts)"


def _part_input(burdens: Burdens, part: dict[str, Any], symbol: str) -> Input:
    if title := PART_NAMES.get(part["symbol"]):
        zh, en = translate(title, "zh"), translate(title, "en")
        source = burdens.source_titles(part["source"] or "")
        return Input(symbol, zh, en, part["value"], part["unit"] or "1", "factor", _led(burdens, part), *source,
                     part["status"] or "", part["remark"] or "", part["low"], part["high"],
                     part["range_source"] or "")  # fmt: skip
    given = parameter_input(burdens, {**part, "factor": part["reference"]})
    return Input(symbol, given.name_zh, given.name_en, given.value, given.unit, given.kind, given.reference,
                 given.source_zh, given.source_en, given.status, given.note, given.low, given.high,
                 given.range_source)  # fmt: skip


def _led(burdens: Burdens, part: dict[str, Any]) -> str:
    """Return where a part leads on to: the intensity of a background product is explained by this result itself."""
    reference = part["reference"] or ""
    return burdens.reference(reference) if part["symbol"] == "intensity" else reference


def _explain_background(burdens: Burdens, key: str) -> Explanation:
    """Explain the burden of one unit of a background product by the processes behind it."""
    rows = burdens.behind.filter(pl.col("key") == key)
    stated = burdens.parts.filter((pl.col("symbol") == "intensity") & (pl.col("reference") == key))
    if rows.is_empty() or stated.is_empty():
        raise KeyError(f"no number {key!r}")
    part = stated.row(0, named=True)
    unit = part["unit"] or "1"
    inputs = [
        Input("lines", row["process"], row["process"], row["value"], unit, "factor", source_zh=part["source"],
              source_en=part["source"])
        for row in rows.iter_rows(named=True)
    ]  # fmt: skip
    title = f"{rows['product'][0]} ({rows['category'][0]})"
    return Explanation(key, title, title, part["value"], unit, "sum(lines)", inputs)


def _explain_share(burdens: Burdens, key: str, rest: str) -> Explanation:
    parts = rest.split(":", 3)
    if len(parts) != 4 or f"share_{parts[1]}" not in burdens.uncovered.columns:
        raise KeyError(f"no number {key!r}")
    stage, layer, category, commodity = parts
    found = burdens.uncovered.filter(
        (pl.col("stage") == stage) & (pl.col("category") == category) & (pl.col("commodity") == commodity)
    )
    if found.is_empty() or found[f"share_{layer}"].first() is None:
        raise KeyError(f"no number {key!r}")
    row = found.row(0, named=True)
    unit = {"mass": "t", "energy": "GJ", "money": "CNY"}[layer]
    names = burdens.both(commodity, "commodity")
    titles = [
        f"{names[i]}: " + translate(SHARE, language, layer=burdens.name(layer, language, "layer"))
        for i, language in enumerate(("zh", "en"))
    ]
    inputs = [
        Input("part", *names, row[layer], unit, "total"),
        Input("whole", translate(STAGE_NAMES[stage], "zh"), translate(STAGE_NAMES[stage], "en"),
              row[layer] / row[f"share_{layer}"], unit, "total"),
    ]  # fmt: skip
    return Explanation(key, titles[0], titles[1], row[f"share_{layer}"], "1", "part / whole", inputs)
