"""What can be said of a residual: what is missing around a node, and whether that could explain it."""

from __future__ import annotations

import numpy as np
import polars as pl

from ecopark.metabolism.balance_index import Floats, Index
from ecopark.metabolism.flows import LayeredFlows
from ecopark.metabolism.layers import NORMAL_95

_UNBOUNDED = ("energy", "money")
"""Layers of which a tonne may hold any number of units; elsewhere at most one (elements; water at 1 t/m3)."""


def verdict() -> pl.Expr:
    """Return the verdict on a balance (see `balances.ROW_SCHEMA`), over its columns.

    Flows whose content nobody stated leave a significant residual open only if they cannot explain it: a tonne holds at
    most a tonne of an element or a cubic metre of water, so what is missing among outflows cannot exceed the mass of
    the outflows without a content (`unstated_out`; `unstated_in` for what is missing among inflows).
    """
    leaving = pl.col("outflow") + pl.col("by_rule") + pl.col("remainder").abs() + pl.col("stock_change").clip(0.0)
    coming = pl.col("inflow") + (-pl.col("stock_change")).clip(0.0)
    within = pl.col("residual").abs() <= NORMAL_95 * pl.col("sd").fill_null(0.0)
    gaps = (pl.col("unknown") + pl.col("partial")) > 0
    room = pl.when(pl.col("residual") > 0).then("unstated_out").otherwise("unstated_in")
    return (
        pl.when(~pl.col("conserved")).then(pl.lit("not_testable"))
        .when(pl.col("taken") | pl.col("below")).then(pl.lit("not_testable"))
        .when((leaving == 0.0) ^ (coming == 0.0)).then(pl.lit("one_sided"))
        .when(gaps).then(pl.lit("incomplete"))
        .when((pl.col("by_rule") > 0) & (pl.col("residual") == 0.0) & (pl.col("sd").fill_null(0.0) == 0.0))
        .then(pl.lit("by_rule"))
        .when((pl.col("residual") == 0.0) | (pl.col("sd").is_not_null() & within)).then(pl.lit("closed"))
        .when((pl.col("unstated") > 0) & (pl.col("residual").abs() <= room)).then(pl.lit("incomplete"))
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
    masses = layered.values.filter(pl.col("layer") == "mass").select("edge", pl.col("value").abs().alias("mass"))
    gaps = (
        layered.unknown.join(layered.edges.select("edge", "period_start"), on="edge", how="left", maintain_order="left")
        .join(masses, on="edge", how="left", maintain_order="left")
        .with_columns(
            pl.when(pl.col("layer").is_in(_UNBOUNDED))
            .then(float("inf"))
            .otherwise(pl.col("mass").fill_null(float("inf")))
            .alias("mass")
        )
    )
    short = layered.edges.filter((pl.col("coverage") < 0.999) & pl.col("implied").is_null()).select("edge")
    partial = layered.values.join(short, on="edge", how="semi").join(
        layered.edges.select("edge", "source", "target", "period_start"), on="edge", how="left"
    )
    whole = np.where(index.station[:, 0] >= 0, index.count, -1)
    stated = pl.col("reason") == "unstated"
    for name, frame in (("unknown", gaps.filter(~stated)), ("unstated", gaps.filter(stated)), ("partial", partial)):
        if frame.is_empty():
            continue
        source = np.array([index.number[node] for node in frame["source"]], dtype=np.int64)
        target = np.array([index.number[node] for node in frame["target"]], dtype=np.int64)
        slot = index.slot_of(frame)
        for column in (*index.station.T, whole):
            start, end = column[source], column[target]
            for station, side in ((start, "out"), (end, "in")):
                kept = (station >= 0) & (start != end)
                bucket = station[kept] * index.slots + slot[kept]
                counts[name] += np.bincount(bucket, minlength=size)
                if name == "unstated":
                    mass = frame["mass"].to_numpy()[kept]
                    np.add.at(counts[f"unstated_{side}"], bucket, mass)
    return counts
