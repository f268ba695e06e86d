"""Explain the numbers of an inventory: lines, totals split by anything, indicators."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import polars as pl

from ecopark.accounting.certificates import CERTIFICATE_FLOW
from ecopark.accounting.coefficients import parameters_of
from ecopark.accounting.derived import explain_derived, is_derived
from ecopark.accounting.explanation import NOTE_SEPARATOR, Explanation, Input
from ecopark.accounting.inventory_uncertainty import explain_uncertainty, is_uncertainty
from ecopark.accounting.result import DIMENSIONS, Inventory


def explain(inventory: Inventory, key: str) -> Explanation:
    """Return the explanation of `key` (see `Inventory.explain`)."""
    if key.startswith("line:"):
        return _explain_line(inventory, key)
    if key.startswith("indicator:"):
        return _explain_indicator(inventory, key)
    if key.startswith("gap:"):
        return _explain_limit_gap(inventory, key)
    if is_uncertainty(key):
        return explain_uncertainty(inventory, key)
    if key.startswith("statistic:"):
        statistic = inventory.statistics[key.removeprefix("statistic:")]
        names = (statistic.name_zh, statistic.name_en)
        return Explanation(key, *names, statistic.value, statistic.unit, statistic.symbol, [statistic])
    if is_derived(key):
        return explain_derived(inventory, key)
    return _explain_sum(inventory, key)


def select_lines(inventory: Inventory, key: str) -> pl.DataFrame:
    """Return the lines behind a key such as "total:co2&category:fuel&node:chp"; KeyError for an unknown dimension."""
    head, *filters = (key if key.startswith("total") else f"total&{key}").split("&")
    lines = inventory.lines_of(head.partition(":")[2] or None)
    for part in filters:
        dimension, _, value = part.partition(":")
        if dimension not in DIMENSIONS:
            raise KeyError(f"{key!r}: unknown dimension {dimension!r}; known: {', '.join(DIMENSIONS)}")
        lines = lines.filter(pl.col(DIMENSIONS[dimension]).fill_null("") == value)
    return lines


def _explain_sum(inventory: Inventory, key: str) -> Explanation:
    head, *filters = (key if key.startswith("total") else f"total&{key}").split("&")
    total = inventory.scheme.total(head.partition(":")[2] or None)
    lines = select_lines(inventory, key)
    zh, en = [total.name_zh], [total.name_en]
    for part in filters:
        dimension, _, value = part.partition(":")
        zh.append(inventory.name(value, "zh", dimension))
        en.append(inventory.name(value, "en", dimension))
    inputs = [
        Input(
            "lines",
            _line_name(inventory, row, "zh"),
            _line_name(inventory, row, "en"),
            row["result"],
            row["result_unit"],
            "line",
            inventory.reference(f"line:{row['line']}"),
        )
        for row in lines.iter_rows(named=True)
    ]
    return Explanation(
        key, " · ".join(zh), " · ".join(en), float(lines["result"].sum()), total.unit, "sum(lines)", inputs
    )


def _line_name(inventory: Inventory, row: dict[str, Any], language: str) -> str:
    parts = (inventory.name(row["rule"], language, "rule"), inventory.name(row["commodity"], language, "commodity"))
    measure = row["measure"] if row["measure"] not in ("energy", "electricity") else ""
    return " · ".join(part for part in (*parts, measure, inventory.name(row["node"] or "", language, "node")) if part)


def _explain_line(inventory: Inventory, key: str) -> Explanation:
    number = key.removeprefix("line:")
    rows = inventory.lines.filter(pl.col("line") == int(number)) if number.isdigit() else inventory.lines.clear()
    if rows.is_empty():
        raise KeyError(f"no line {number!r}; lines run from 1 to {inventory.lines.height}")
    line = rows.row(0, named=True)
    coefficient = inventory.coefficients.filter(pl.col("coefficient") == line["coefficient"]).row(0, named=True)
    inputs = [_amount_input(inventory, line)]
    formula = str(coefficient["formula"])
    if line["share"] != 1.0:
        inputs.append(
            Input(
                "share",
                "期间内份额",
                "share counted",
                line["share"],
                "1",
                "share",
                note="share",
            )
        )
        formula = formula.replace("amount", "amount * share", 1)
    inputs += [parameter_input(inventory, row) for row in parameters_of(inventory.parameters, line["coefficient"])]
    if coefficient["unit_scale"] != 1.0:
        inputs.append(
            Input("unit_scale", "单位换算与符号", "unit conversion and sign", coefficient["unit_scale"], "1", "scale")
        )
        formula += " * unit_scale"
    return Explanation(
        key,
        _line_name(inventory, line, "zh"),
        _line_name(inventory, line, "en"),
        line["result"],
        line["result_unit"],
        formula,
        inputs,
    )


def _amount_input(inventory: Inventory, line: dict[str, Any]) -> Input:
    flow = str(line["flow"])
    if flow.startswith(CERTIFICATE_FLOW):
        return Input("amount", "绿证绿电电量", "certificate volume", line["amount"], line["unit"], "certificate", flow)
    rows = inventory.flows.filter(pl.col("id") == flow)
    evidence = rows["evidence"][0] if rows.height else None
    zh, en = inventory.sources.get(evidence or "", (evidence or "", evidence or ""))
    return Input(
        "amount",
        f"{inventory.name(line['commodity'], 'zh', 'commodity')} 数量",
        f"amount of {inventory.name(line['commodity'], 'en', 'commodity')}",
        line["amount"],
        line["unit"],
        "flow",
        flow,
        zh,
        en,
        rows["method"][0] if rows.height else "",
        low=rows["low"][0] if rows.height else None,
        high=rows["high"][0] if rows.height else None,
    )


class Named(Protocol):
    """A result that knows the names of symbols and the titles of sources."""

    @property
    def sources(self) -> Mapping[str, tuple[str, str]]:
        """Titles of sources by id."""

    def name(self, identity: str, language: str, kind: str = "") -> str:
        """Return the name of something of a kind."""


def parameter_input(result: Named, row: Mapping[str, Any]) -> Input:
    """Return a row of a result's `parameters` as an input of an explanation."""
    zh, en = result.sources.get(row["source"], (row["source"], row["source"]))
    names = (result.name(row["symbol"], "zh", "symbol"), result.name(row["symbol"], "en", "symbol"))
    own = row["set"] in ("local", "constants")
    parts = (
        "" if row["set"] == "constants" else f"level:{row['level']}",
        "" if own else f"set:{row['set']}",
        f"version:{row['version']}" if row["version"] else "",
        row["remark"] or "",
    )
    note = NOTE_SEPARATOR.join(part for part in parts if part)
    kind = "constant" if str(row["factor"]).startswith("constant:") else "factor"
    return Input(
        row["symbol"],
        names[0],
        names[1],
        row["value"],
        row["unit"],
        "constant" if kind == "constant" else "factor",
        row["factor"],
        zh,
        en,
        row["status"],
        note,
        row["low"],
        row["high"],
        row["range_source"] or "",
    )


def _explain_indicator(inventory: Inventory, key: str) -> Explanation:
    identity = key.removeprefix("indicator:")
    indicator = next((item for item in inventory.scheme.indicators if item.id == identity), None)
    result = next((item for item in inventory.indicators if item.id == identity), None)
    if indicator is None or result is None or result.value is None:
        raise KeyError(f"no value for indicator {identity!r}")
    names = (indicator.name_zh, indicator.name_en)
    if indicator.statistic:
        statistic = inventory.statistics[indicator.statistic]
        return Explanation(key, *names, result.value, indicator.unit, statistic.symbol, [statistic])
    inputs = []
    for symbol in (indicator.numerator, indicator.denominator):
        total = inventory.scheme.total(symbol)
        inputs.append(
            Input(
                symbol,
                total.name_zh,
                total.name_en,
                inventory.total(symbol),
                total.unit,
                "total",
                inventory.reference(f"total:{symbol}"),
            )
        )
    formula = f"{indicator.numerator} / {indicator.denominator}"
    return Explanation(key, *names, result.value, indicator.unit, formula, inputs)


def _explain_limit_gap(inventory: Inventory, key: str) -> Explanation:
    """Explain what is missing to a limit; key "gap:INDICATOR:VARIANT" or "gap:INDICATOR:VARIANT:YEAR"."""
    identity, variant, *year = key.removeprefix("gap:").split(":")
    result = next(
        (
            item
            for item in inventory.indicators
            if item.id == identity and item.variant == variant and (not year or str(item.limit_year) == year[0])
        ),
        None,
    )
    indicator = next((item for item in inventory.scheme.indicators if item.id == identity), None)
    if result is None or indicator is None or result.gap is None or result.limit is None or result.value is None:
        raise KeyError(f"no gap {key!r}")
    limit = Input(
        "limit",
        "限值",
        "limit",
        result.limit,
        result.unit,
        "limit",
        result.source,
        *inventory.sources.get(result.source, (result.source, result.source)),
    )
    names = (f"{result.name_zh} 差距", f"{result.name_en}: gap to the limit")
    if result.gap == 0.0:
        return Explanation(key, *names, 0.0, result.gap_unit, "limit - limit", [limit])
    value = Input(
        "value",
        result.name_zh,
        result.name_en,
        result.value,
        result.unit,
        "total",
        inventory.reference(f"indicator:{identity}"),
    )
    difference = "value - limit" if result.comparison == "<=" else "limit - value"
    if not indicator.denominator:
        return Explanation(key, *names, result.gap, result.gap_unit, difference, [value, limit])
    total = inventory.scheme.total(indicator.denominator)
    size = Input(
        indicator.denominator,
        total.name_zh,
        total.name_en,
        inventory.total(total.id),
        total.unit,
        "total",
        inventory.reference(f"total:{total.id}"),
    )
    return Explanation(key, *names, result.gap, result.gap_unit, f"({difference}) * {total.id}", [value, limit, size])
