"""What can be said of a residual: what is missing around a node, and whether that could explain it."""

from __future__ import annotations

import numpy as np
import polars as pl

from ecopark.metabolism.balances.balance_index import Floats, Index, Numbers
from ecopark.metabolism.flows import LayeredFlows
from ecopark.metabolism.layers import NORMAL_95

_UNBOUNDED = ("energy", "money")
"""Layers of which a tonne may hold any number of units; elsewhere at most one (elements; water at 1 t/m3)."""


def verdict() -> pl.Expr:
    """Return the verdict on a balance (see `balances.ROW_SCHEMA`), over its columns.

    Flows whose content nobody stated leave a significant residual open only if they cannot explain it: a tonne holds at
    most a tonne of an element or a cubic metre of water, so what is missing among outflows cannot exceed the mass of
    the outflows without a content (`unstated_out`; `unstated_in` for what is missing among inflows). A node is
    one-sided only where nothing that is missing could be its other side.
    """
    leaving = pl.col("outflow") + pl.col("by_rule") + pl.col("remainder").abs() + pl.col("stock_change").clip(0.0)
    coming = pl.col("inflow") + (-pl.col("stock_change")).clip(0.0)
    within = pl.col("residual").abs() <= NORMAL_95 * pl.col("sd").fill_null(0.0)
    room = pl.when(pl.col("residual") > 0).then("unstated_out").otherwise("unstated_in")
    excused = (pl.col("unstated") > 0) & (pl.col("residual").abs() <= room)
    one_sided = (leaving == 0.0) ^ (coming == 0.0)
    nothing = (leaving == 0.0) & (coming == 0.0)
    return (
        pl.when(~pl.col("conserved")).then(pl.lit("not_testable"))
        .when(pl.col("taken") | pl.col("below")).then(pl.lit("not_testable"))
        .when(pl.col("unknown") > 0).then(pl.lit("incomplete"))
        .when(one_sided & excused).then(pl.lit("incomplete"))
        .when(one_sided).then(pl.lit("one_sided"))
        .when(pl.col("partial") > 0).then(pl.lit("incomplete"))
        # zeros say nothing where contents are not stated
        .when(nothing & (pl.col("unstated") > 0)).then(pl.lit("incomplete"))
        .when((pl.col("by_rule") > 0) & (pl.col("outflow") == 0.0) & (pl.col("residual") == 0.0)
              & (pl.col("sd").fill_null(0.0) == 0.0))
        .then(pl.lit("by_rule"))
        .when((pl.col("residual") == 0.0) | (pl.col("sd").is_not_null() & within)).then(pl.lit("closed"))
        .when(excused).then(pl.lit("incomplete"))
        .when(pl.col("sd").is_null()).then(pl.lit("no_range"))
        .otherwise(pl.lit("open"))
    )  # fmt: skip


def gap_counts(layered: LayeredFlows, index: Index) -> dict[str, Floats]:
    """Return per station and slot what is missing among the edges that cross its border.

    Counts: "unknown" (no amount, no property, no unit), "unstated" (no content stated), "partial" (part of the period);
    and the mass (t) of edges without a stated content, "unstated_in" and "unstated_out", infinite where it is not known
    or the layer has no bound per tonne.
    """
    size = (index.count + 1) * index.slots
    counts = {name: np.zeros(size) for name in ("unknown", "unstated", "partial", "unstated_in", "unstated_out")}
    source, target, when = (index.edges[name].to_numpy() for name in ("from", "to", "when"))
    wholes = index.edges["whole"].drop_nulls()
    whole = np.full(index.edges.height, -1, dtype=np.int64)
    whole[index.edges["whole"].is_not_null().to_numpy()] = index.edge_rows(wholes)
    columns = (*index.station.T, np.where(index.station[:, 0] >= 0, index.count, -1))

    def count(name: str, rows: Numbers, slots: Numbers, covering: Numbers, mass: Floats | None = None) -> None:
        start, end = source[rows], target[rows]
        held = covering >= 0
        inside_whole = bool(held.any())
        for column in columns:
            crosses = column[start] != column[end]
            for ends, side, beside in ((start, "out", source), (end, "in", target)):
                station = column[ends]
                # where the whole crosses too, its amount holds what is not known of the part
                kept = (station >= 0) & crosses
                if inside_whole:
                    leaves = column[source[covering]] != column[target[covering]]
                    kept &= ~(held & leaves & (station == column[beside[covering]]))
                bucket = station[kept] * index.slots + slots[kept]
                counts[name] += np.bincount(bucket, minlength=size)
                if mass is not None:
                    counts[f"unstated_{side}"] += np.bincount(bucket, mass[kept], size)

    gaps = layered.unknown
    rows = index.edge_rows(gaps["edge"])
    layer = gaps["layer"].replace_strict(index.layers, range(len(index.layers)), return_dtype=pl.Int64).to_numpy()
    slots = layer * len(index.periods) + when[rows]
    # a part that is unknown for want of its amount is inside its whole; one without a content is not
    covering = np.where((gaps["reason"] == "no_amount").to_numpy(), whole[rows], -1)
    stated = (gaps["reason"] == "unstated").to_numpy()
    count("unknown", rows[~stated], slots[~stated], covering[~stated])
    heavy = np.full(index.edges.height, np.inf)
    masses = layered.values.filter(pl.col("layer") == "mass")
    heavy[index.edge_rows(masses["edge"])] = masses["value"].abs().to_numpy()
    unbounded = gaps["layer"].is_in(_UNBOUNDED).to_numpy()
    mass = np.where(unbounded, np.inf, heavy[rows])
    count("unstated", rows[stated], slots[stated], covering[stated], mass[stated])
    short = (index.edges["coverage"] < 0.999).fill_null(False).to_numpy() & ~index.edges["implied"].to_numpy()
    chosen = short[index.edge_row]
    rows = index.edge_row[chosen]
    count("partial", rows, index.slot[chosen], whole[rows])
    return counts
