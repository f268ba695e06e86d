"""Statistics of nodes (value added, system cost …) brought to a unit, and added up where only the parts state them."""

from __future__ import annotations

from datetime import date

import polars as pl

from ecopark.model.record import Record
from ecopark.units import UnitError, factor

STATED_SCHEMA: dict[str, type[pl.DataType]] = {"node": pl.String, "value": pl.Float64, "reference": pl.String}


def stated(record: Record, variable: str, unit: str, start: date, end: date) -> pl.DataFrame:
    """Return node, value (in `unit`), reference: what each node states of a variable for [start, end).

    One row over the whole period counts; else rows inside it that together last as long as it does. Rows in a unit that
    does not convert are left out.
    """
    days = (end - start).days
    rows: list[dict[str, object]] = []
    chosen = record.statistics.filter(pl.col("variable") == variable)
    for (node,), found in chosen.group_by("node", maintain_order=True):
        covering = found.filter((pl.col("period_start") <= start) & (pl.col("period_end") >= end))
        exact = covering.filter((pl.col("period_start") == start) & (pl.col("period_end") == end))
        inside = found.filter((pl.col("period_start") >= start) & (pl.col("period_end") <= end))
        length = sum((last - first).days for first, last in inside.select("period_start", "period_end").iter_rows())
        part = 1.0
        if exact.height:
            picked = exact.head(1)
        elif inside.height and length == days:
            picked = inside
        elif covering.height:
            picked = covering.head(1)
            whole = (picked["period_end"].item() - picked["period_start"].item()).days
            part = days / whole if unit == "CNY" else 1.0
        else:
            continue
        try:
            value = sum(row["value"] * factor(row["unit"], unit) for row in picked.iter_rows(named=True)) * part
        except UnitError:
            continue
        if unit == "1" and picked.height > 1:
            value /= picked.height
        first = picked.sort("period_start")["period_start"].item(0)
        rows.append({"node": node, "value": value, "reference": f"statistics:{node}/{first}/{variable}"})
    return pl.DataFrame(rows, schema=STATED_SCHEMA)


def added_up(own: pl.DataFrame, tree: pl.DataFrame, firms: pl.DataFrame) -> pl.DataFrame:
    """Return node, value, reference, lacking: a node's own statement, else the sum of those of the firms in it.

    `tree` has node, holder (`regions.holders`); `firms` node, firm of the nodes that have flows. Where a firm in the
    node states nothing, the value is null and `lacking` names the firms. A node inside a firm
    states its own or nothing.
    """
    needed = (
        firms.select(pl.col("firm").alias("node"))
        .unique(maintain_order=True)
        .join(tree, on="node", how="inner")
        .filter(pl.col("node") != pl.col("holder"))
        .join(own.select("node", "value"), on="node", how="left", maintain_order="left")
    )
    sums = needed.group_by("holder", maintain_order=True).agg(
        pl.when(pl.col("value").is_not_null().all()).then(pl.col("value").sum()).alias("sum"),
        pl.col("node").filter(pl.col("value").is_null()).sort().alias("lacking"),
    )
    nodes = tree.select(pl.col("holder").alias("node")).unique(maintain_order=True)
    return (
        nodes.join(own, on="node", how="left", maintain_order="left")
        .join(sums.rename({"holder": "node"}), on="node", how="left", maintain_order="left")
        .select(
            "node",
            pl.coalesce("value", "sum").alias("value"),
            "reference",
            pl.when(pl.col("value").is_null()).then(pl.col("lacking").list.join("; ")).alias("lacking"),
        )
    )
