"""Streams inside streams: a sub-meter's amount is taken out of the stream that it is part of.

So the network holds the finer streams and the rest of the coarser one: what reaches a firm and what of it
reaches one of its processes. Sums over the firm stay as they were.
"""

from __future__ import annotations

import polars as pl

from ecopark.accounting.result import Remark
from ecopark.translation import N_
from ecopark.units import column_factors

_SLACK = 1e-9


def take_out_parts(totals: pl.DataFrame, streams: pl.DataFrame) -> tuple[pl.DataFrame, tuple[Remark, ...]]:
    """Return the totals with the amounts of parts taken out of their wholes, and a remark per whole they exceed.

    `totals`: one row per stream and period with stream, period_start, amount, unit, sd. Adds `part` (Boolean: a rest)
    and `whole` (the stream that a part was taken out of, or null). The rest's deviation is that of whole and parts
    together, ``sqrt(sd_whole^2 + sum sd_part^2)``. A rest below zero is set to zero and told: the parts are then
    counted as they stand. A part whose whole has no amount in the period stands by itself, and so does one whose unit
    does not convert to the whole's, which is told; parts of parts leave their own part first.
    """
    inside = streams.filter(pl.col("part_of").is_not_null()).select(pl.col("id").alias("stream"), "part_of")
    if inside.is_empty():
        return totals.with_columns(pl.lit(False).alias("part"), pl.lit(None, pl.String).alias("whole")), ()
    wholes = totals.filter(pl.col("amount").is_not_null()).select(
        pl.col("stream").alias("part_of"), "period_start", pl.col("unit").alias("whole_unit")
    )
    placed = totals.join(inside, on="stream", how="inner", maintain_order="left").join(
        wholes, on=["part_of", "period_start"], how="inner", maintain_order="left"
    )
    scale, _ = column_factors(placed["unit"], placed["whole_unit"])
    same = pl.col("unit").eq_missing(pl.col("whole_unit")) | pl.col("amount").is_null()
    placed = placed.with_columns(pl.when(same).then(1.0).otherwise(scale).alias("scale"))
    foreign = placed.filter(pl.col("scale").is_null()).unique("stream", maintain_order=True)
    remarks = [
        Remark(
            "part_unit",
            N_("{part} is given in {unit} and cannot be taken out of {stream} ({whole}): both count in full."),
            {"part": row["stream"], "unit": row["unit"], "stream": row["part_of"], "whole": row["whole_unit"]},
            "warning",
        )
        for row in foreign.iter_rows(named=True)
    ]
    placed = placed.filter(pl.col("scale").is_not_null())
    parts = (
        placed.filter(pl.col("amount").is_not_null())
        .group_by("part_of", "period_start")
        .agg((pl.col("amount") * pl.col("scale")).sum().alias("inner"),
             (pl.col("sd") * pl.col("scale")).pow(2).sum().alias("inner_variance"))
        .rename({"part_of": "stream"})
    )  # fmt: skip
    joined = totals.join(parts, on=["stream", "period_start"], how="left", maintain_order="left").join(
        placed.select("stream", "period_start", pl.col("part_of").alias("whole")), on=["stream", "period_start"],
        how="left", maintain_order="left",
    )  # fmt: skip
    holds = pl.col("inner").is_not_null() & pl.col("amount").is_not_null()
    rest = pl.col("amount") - pl.col("inner")
    exceeded = joined.filter(holds & (rest < -_SLACK * pl.col("amount").abs()))
    remarks += [
        Remark(
            "parts_exceed",
            N_("The parts of {stream} add up to {parts} {unit}, more than its {whole} {unit}; its rest is set to 0."),
            {"stream": row["stream"], "parts": f"{row['inner']:.6g}", "whole": f"{row['amount']:.6g}",
             "unit": row["unit"]},
            "warning",
        )
        for row in exceeded.iter_rows(named=True)
    ]  # fmt: skip
    variance = pl.col("sd").fill_null(0.0).pow(2) + pl.col("inner_variance").fill_null(0.0)
    return (
        joined.with_columns(
            holds.alias("part"),
            pl.when(holds).then(rest.clip(lower_bound=0.0)).otherwise("amount").alias("amount"),
            pl.when(holds & pl.col("sd").is_not_null()).then(variance.sqrt()).otherwise("sd").alias("sd"),
        ).select(*totals.columns, "part", "whole"),
        tuple(remarks),
    )
