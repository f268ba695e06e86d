"""Explain the numbers of balances: residuals, their terms, and the value of a single edge."""

from __future__ import annotations

import polars as pl

from ecopark.accounting.explaining import parameter_input
from ecopark.accounting.explanation import Explanation, Input
from ecopark.metabolism.balances.balances import Balances
from ecopark.translation import N_, translate

TERM_NAMES = {
    "inflow": N_("Inflow"),
    "outflow": N_("Outflow"),
    "stock_change": N_("Stock change"),
    "by_rule": N_("Leaves by rule"),
    "remainder": N_("Remainder"),
    "residual": N_("Residual"),
}
"""The terms of a balance as a reader sees them."""

_SIDES = {"inflow": "in", "outflow": "out", "by_rule": "rule"}


def explain(balances: Balances, key: str) -> Explanation:
    """Return the explanation of `key` (see `Balances.explain`)."""
    term, _, rest = key.partition(":")
    if term == "value":
        layer, _, edge = rest.partition(":")
        return _explain_value(balances, key, layer, edge)
    if term == "stock":
        return _explain_stock(balances, key, rest)
    parts = rest.split(":", 2)
    if term not in TERM_NAMES or len(parts) != 3:
        raise KeyError(f"no number {key!r}")
    layer, period, node = parts
    rows = balances.rows.filter(
        (pl.col("layer") == layer) & (pl.col("node") == node) & (pl.col("period_start").cast(pl.String) == period)
    )
    if rows.is_empty():
        raise KeyError(f"no balance of {node!r} in {layer!r} for {period}")
    row = rows.row(0, named=True)
    names = _titled(balances, term, layer, node)
    place = f"{layer}:{period}:{node}"
    if term == "residual":
        inputs = [
            Input(name, translate(TERM_NAMES[name], "zh"), translate(TERM_NAMES[name], "en"), row[name], row["unit"],
                  "total", balances.reference(f"{name}:{place}"))
            for name in ("inflow", "outflow", "stock_change", "by_rule", "remainder")
        ]  # fmt: skip
        formula = "inflow - outflow - stock_change - by_rule - remainder"
        return Explanation(key, *names, row["residual"], row["unit"], formula, inputs)
    if term == "remainder":
        return Explanation(key, *names, row["remainder"], row["unit"], "sum(parts)",
                           _remainder_inputs(balances, layer, period, node, row["unit"]))  # fmt: skip
    if term == "stock_change":
        inputs = _stock_inputs(balances, layer, period, node, row["unit"])
        return Explanation(key, *names, row["stock_change"], row["unit"], "sum(parts)", inputs)
    edges = balances.crossing(node, layer).filter(
        (pl.col("side") == _SIDES[term]) & (pl.col("period_start").cast(pl.String) == period)
    )
    inputs = [
        Input("parts", *_edge_names(balances, edge), edge["value"], row["unit"], "line",
              balances.reference(f"value:{layer}:{edge['edge']}"), status=edge["method"] or "")
        for edge in edges.iter_rows(named=True)
    ]  # fmt: skip
    return Explanation(key, *names, row[term], row["unit"], "sum(parts)", inputs)


def _titled(balances: Balances, term: str, layer: str, node: str) -> tuple[str, str]:
    zh, en = balances.both(node, "node")
    return (
        f"{zh}：{balances.name(layer, 'zh', 'layer')}{translate(TERM_NAMES[term], 'zh')}",
        f"{en}: {translate(TERM_NAMES[term], 'en').lower()} of {balances.name(layer, 'en', 'layer').lower()}",
    )


def _edge_names(balances: Balances, edge: dict[str, object]) -> tuple[str, str]:
    def name(language: str) -> str:
        goods = balances.name(str(edge["commodity"]), language, "commodity")
        source, target = (balances.name(str(edge[end]), language, "node") for end in ("source", "target"))
        rule = balances.name(str(edge["implied"]), language, "disposition") if edge["implied"] else goods
        return f"{rule}: {source} → {target}"

    return name("zh"), name("en")


def _explain_value(balances: Balances, key: str, layer: str, number: str) -> Explanation:
    found = (
        balances.layered().layer(layer).filter(pl.col("edge") == int(number)) if number.isdigit() else pl.DataFrame()
    )
    if found.is_empty():
        raise KeyError(f"no edge {number!r} in the layer {layer!r}")
    edge = found.row(0, named=True)
    coefficient = balances.coefficients.filter(pl.col("coefficient") == edge["coefficient"]).row(0, named=True)
    origin = balances.edges.filter(pl.col("edge") == edge["variable"]).row(0, named=True)
    behind = balances.flows.filter(
        (pl.col("stream") == origin["stream"])
        & (pl.col("span_start") == edge["period_start"])
        & (pl.col("notation").is_null() | (pl.col("notation") != "IE"))
        & pl.col("amount").is_not_null()
    )
    whole = float((behind["amount"] * behind["share"]).sum())
    inputs = [
        Input("amounts", *balances.both(edge["commodity"], "commodity"), row["amount"] * row["share"],
              row["unit"] or edge["unit"], "flow", row["id"], *balances.source_titles(row["evidence"] or ""),
              row["method"] or "", low=row["low"], high=row["high"])
        for row in behind.iter_rows(named=True)
    ]  # fmt: skip
    formula = "sum(amounts)"
    if abs(whole - edge["amount"]) > 1e-12 * max(abs(whole), 1.0):
        inputs.append(Input("parts", "已单列的分表", "its parts, listed apart", whole - edge["amount"], edge["unit"],
                            "share"))  # fmt: skip
        formula = "(sum(amounts) - parts)"
    inputs += [
        parameter_input(balances, row)
        for row in balances.parameters.filter(pl.col("coefficient") == edge["coefficient"]).iter_rows(named=True)
    ]
    tail = str(coefficient["formula"]).removeprefix("amount")
    if coefficient["unit_scale"] != 1.0:
        inputs.append(Input("unit_scale", "单位换算", "unit conversion", coefficient["unit_scale"], "1", "scale"))
        tail += " * unit_scale"
    return Explanation(key, *_edge_names(balances, edge), edge["value"], coefficient["unit"], formula + tail, inputs)


def _paired(balances: Balances, node: str, identity: str, kind: str) -> tuple[str, str]:
    """Return "node: thing" in both languages."""
    (zh, en), (thing_zh, thing_en) = balances.both(node, "node"), balances.both(identity, kind)
    return f"{zh}：{thing_zh}", f"{en}: {thing_en}"


def _remainder_inputs(balances: Balances, layer: str, period: str, node: str, unit: str) -> list[Input]:
    rows = balances.remainders.filter(
        (pl.col("layer") == layer)
        & (pl.col("period_start").cast(pl.String) == period)
        & pl.col("node").is_in(balances.members(node).implode())
    )
    return [
        Input("parts", *_paired(balances, row["node"], row["disposition"], "disposition"), row["value"], unit, "total")
        for row in rows.iter_rows(named=True)
    ]  # fmt: skip


def _stock_inputs(balances: Balances, layer: str, period: str, node: str, unit: str) -> list[Input]:
    rows = balances.stocks.with_row_index("row").filter(
        (pl.col("layer") == layer)
        & (pl.col("period_start").cast(pl.String) == period)
        & pl.col("node").is_in(balances.members(node).implode())
    )
    return [
        Input("parts", *_paired(balances, row["node"], row["commodity"], "commodity"), row["value"], unit, "line",
              balances.reference(f"stock:{row['row']}"))
        for row in rows.iter_rows(named=True)
    ]  # fmt: skip


def _explain_stock(balances: Balances, key: str, number: str) -> Explanation:
    if not number.isdigit() or int(number) >= balances.stocks.height:
        raise KeyError(f"no stock change {number!r}")
    row = balances.stocks.row(int(number), named=True)
    coefficient = balances.coefficients.filter(pl.col("coefficient") == row["coefficient"]).row(0, named=True)
    inputs = [
        Input("amount", f"{row['first']} 至 {row['last']} 的库存变化", f"change of the level, {row['first']} to "
              f"{row['last']}", row["amount"], row["unit"], "share"),
        *(
            parameter_input(balances, item)
            for item in balances.parameters.filter(pl.col("coefficient") == row["coefficient"]).iter_rows(named=True)
        ),
    ]  # fmt: skip
    formula = str(coefficient["formula"])
    if coefficient["unit_scale"] != 1.0:
        inputs.append(Input("unit_scale", "单位换算", "unit conversion", coefficient["unit_scale"], "1", "scale"))
        formula += " * unit_scale"
    names = _paired(balances, row["node"], row["commodity"], "commodity")
    return Explanation(key, *names, row["value"], coefficient["unit"], formula, inputs)
