"""Balances as a reader is shown them: the nodes of a level, the sheet of one node, and what is missing from a layer."""

from __future__ import annotations

from typing import Any

import polars as pl

from ecopark.metabolism.balances.balances import Balances
from ecopark.metabolism.flows import Level

TERMS = ("inflow", "outflow", "stock_change", "by_rule", "remainder", "residual")
"""Terms of a balance, in the order of its table."""
SIDES = ("in", "out", "rule", "stock", "rest")
"""Sides of a balance sheet: what enters, leaves, leaves by rule, goes into stores, and the remainder."""

GAP_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "reason": pl.String, "quantity": pl.String, "commodity": pl.String, "flows": pl.Int64,
    "streams": pl.List(pl.String),
}  # fmt: skip
"""One gap: reason (of `REASONS`), the missing quantity, how many flows of which commodity, and their streams."""
REASONS = ("no_amount", "no_property", "unit", "unstated")
"""Why a flow has no value in a layer, gravest first; "unstated" is a content that is taken as none."""

_LOW = ("process", "equipment", "store")


def term_key(row: dict[str, Any], term: str) -> str:
    """Return the explain key of a term of a balance's row."""
    return f"{term}:{row['layer']}:{row['period_start']}:{row['node']}"


def stations(balances: Balances, level: Level) -> list[str]:
    """Return the nodes inside the boundary that stand for themselves at a level.

    What stands in no node of this level (a store in no firm, a firm in no zone) stands for itself; "node" gives all,
    "park" none.
    """
    about = {row["node"]: row for row in balances.nodes.iter_rows(named=True)}

    def kind_of(node: str | None) -> str:
        return str(about[node]["kind"]) if node in about else ""

    def stands(row: dict[str, Any]) -> bool:
        topmost = row["kind"] in _LOW and kind_of(row["parent"]) not in _LOW
        if level == "process":
            return topmost
        if level == "firm":
            return row["kind"] == "firm" or (topmost and kind_of(row["firm"]) != "firm")
        if level == "zone":
            return row["kind"] == "zone" or (row["kind"] == "firm" and row["zone"] is None)
        return level == "node"

    return [node for node, row in about.items() if row["inside"] and stands(row)]


def rows_at(balances: Balances, layer: str, level: Level) -> pl.DataFrame:
    """Return the rows of the `stations` of a level, largest significance first, then those of the boundary."""
    rows = balances.of(layer=layer)
    whole = rows.filter(pl.col("kind") == "boundary")
    return pl.concat([rows.filter(pl.col("node").is_in(stations(balances, level))), whole])


def balance_sheet(balances: Balances, layer: str, node: str) -> list[dict[str, Any]]:
    """Return the balance sheet of a node in a layer: every flow over its border, stock changes and remainders.

    Each row: side (of `SIDES`), period_start, commodity, disposition, other (the node at the other end), amount, unit,
    value and sd (in the layer's unit), method, stream, key; by period and side, largest first.
    """
    rows: list[dict[str, Any]] = [
        {
            "side": edge["side"], "period_start": edge["period_start"], "commodity": edge["commodity"],
            "disposition": edge["implied"], "other": edge["source"] if edge["side"] == "in" else edge["target"],
            "amount": edge["amount"], "unit": edge["unit"], "value": edge["value"], "sd": edge["sd_value"],
            "method": edge["method"], "stream": edge["stream"], "key": f"value:{layer}:{edge['edge']}",
        }
        for edge in balances.crossing(node, layer).iter_rows(named=True)
    ]  # fmt: skip
    here = (pl.col("layer") == layer) & pl.col("node").is_in(balances.members(node).implode())
    rows += [
        {
            "side": "stock", "period_start": row["period_start"], "commodity": row["commodity"], "disposition": None,
            "other": row["node"], "amount": row["amount"], "unit": row["unit"], "value": row["value"],
            "sd": row["sd"], "method": None, "stream": None, "key": f"stock:{row['row']}",
        }
        for row in balances.stocks.with_row_index("row").filter(here).iter_rows(named=True)
    ]  # fmt: skip
    rows += [
        {
            "side": "rest", "period_start": row["period_start"], "commodity": None,
            "disposition": row["disposition"], "other": row["node"], "amount": None, "unit": None,
            "value": row["value"], "sd": None, "method": "calculated", "stream": None,
            "key": f"remainder:{layer}:{row['period_start']}:{row['node']}",
        }
        for row in balances.remainders.filter(here).iter_rows(named=True)
    ]  # fmt: skip
    return sorted(rows, key=lambda row: (row["period_start"], SIDES.index(row["side"]), -abs(row["value"] or 0.0)))


def gaps_of(balances: Balances, layer: str, node: str | None = None) -> pl.DataFrame:
    """Return what could not be brought to a layer (`GAP_SCHEMA`), gravest reason first, then by number of flows.

    With `node` only flows count that cross its border; without, all that have an end inside the boundary.
    """
    members = balances.nodes.filter("inside")["node"] if node is None else balances.members(node)
    source, target = pl.col("source").is_in(members.implode()), pl.col("target").is_in(members.implode())
    touching = (source ^ target) if node is not None else (source | target)
    return (
        balances.unknown.filter((pl.col("layer") == layer) & touching)
        .group_by("reason", pl.col("quantity").fill_null(""), "commodity", maintain_order=True)
        .agg(
            pl.col("edge").n_unique().cast(pl.Int64).alias("flows"),
            pl.col("stream").unique(maintain_order=True).alias("streams"),
        )
        .sort(pl.col("reason").cast(pl.Enum(REASONS)), pl.col("flows"), pl.col("commodity"),
              descending=[False, True, False])
        .select(list(GAP_SCHEMA))
        .cast(GAP_SCHEMA)  # type: ignore[arg-type]
    )  # fmt: skip
