"""What a stream moves in a span of days: its effective flows summed, with their range and what is missing of them."""

from __future__ import annotations

from datetime import date

import polars as pl

from ecopark.accounting.result import Remark
from ecopark.metabolism.layers import NORMAL_95
from ecopark.model.record import Record
from ecopark.translation import N_
from ecopark.units import column_factors

MISSING = ("NE", "C")
"""Notations of flows whose amount is not known."""


def in_one_unit(record: Record, goods: pl.DataFrame) -> tuple[pl.DataFrame, tuple[Remark, ...]]:
    """Return the record's flows with every stream in one unit, and a remark for each stream where that fails.

    Amounts and ranges are scaled to the unit of the commodity (`goods`: id, unit). A unit that does not convert stays
    if it is the stream's only one (a property may bridge it); beside another one its amounts count as not estimated.
    """
    flows = record.flows
    units = record.streams.select(pl.col("id").alias("stream"), "commodity").join(
        goods.select(pl.col("id").alias("commodity"), pl.col("unit").alias("wanted")), on="commodity", how="left"
    ).select("stream", "wanted").unique("stream")  # fmt: skip
    marked = flows.join(units, on="stream", how="left", maintain_order="left")
    foreign = marked.filter(pl.col("unit").is_not_null() & pl.col("unit").ne_missing(pl.col("wanted")))
    if foreign.is_empty():
        return flows, ()
    scale, _ = column_factors(marked["unit"], marked["wanted"])
    marked = marked.with_columns(scale.alias("scale"))
    scaled = pl.col("scale").is_not_null()
    for name in ("amount", "low", "high"):
        marked = marked.with_columns(pl.when(scaled).then(pl.col(name) * pl.col("scale")).otherwise(name).alias(name))
    marked = marked.with_columns(pl.when(scaled).then("wanted").otherwise("unit").alias("unit"))
    mixed = (
        marked.filter(pl.col("amount").is_not_null())
        .group_by("stream", maintain_order=True)
        .agg(pl.col("unit").drop_nulls().unique(maintain_order=True).alias("units"),
             pl.when(scaled).then("unit").drop_nulls().first().alias("kept"))
        .filter(pl.col("units").list.len() > 1)
        .with_columns(pl.coalesce("kept", pl.col("units").list.first()).alias("kept"))
    )  # fmt: skip
    remarks = tuple(
        Remark(
            "units_mixed",
            N_("The amounts of {stream} stand in {units}, which do not convert; only those in {kept} are counted."),
            {"stream": row["stream"], "units": ", ".join(row["units"]), "kept": row["kept"]},
            "warning",
        )
        for row in mixed.iter_rows(named=True)
    )
    if mixed.height:
        marked = marked.join(mixed.select("stream", "kept"), on="stream", how="left", maintain_order="left")
        lost = pl.col("kept").is_not_null() & pl.col("amount").is_not_null() & (pl.col("unit") != pl.col("kept"))
        marked = marked.with_columns(
            *(pl.when(lost).then(None).otherwise(name).alias(name) for name in ("amount", "low", "high")),
            pl.when(lost).then(pl.lit("NE")).otherwise("notation").alias("notation"),
            pl.when(lost).then("kept").otherwise("unit").alias("unit"),
        )
    return marked.select(flows.columns), remarks


def stream_totals(flows: pl.DataFrame, span: tuple[date, date]) -> pl.DataFrame:
    """Return one row per stream: amount over the span, its standard deviation, and how it is known.

    Errors of one correlation group move together (their deviations add), others are independent (squares add). Days
    that another stream includes (IE) are covered and add nothing; a stream of which all is elsewhere has no row. A flow
    with neither amount nor notation is one that is not estimated.
    """
    days = (span[1] - span[0]).days
    blank = pl.col("amount").is_null() & pl.col("notation").is_null()
    elsewhere = pl.col("notation") == "IE"
    amount = pl.when(pl.col("notation").is_in(["NO", "IE"])).then(0.0).otherwise(pl.col("amount") * pl.col("share"))
    ranged = pl.col("low").is_not_null() | pl.col("high").is_not_null()
    below = pl.col("amount") - pl.col("low")
    above = pl.col("high") - pl.col("amount")
    half = pl.mean_horizontal(below, above) * pl.col("share")
    length = (pl.col("period_end") - pl.col("period_start")).dt.total_days()
    single = flows.with_columns(pl.when(blank).then(pl.lit("NE")).otherwise("notation").alias("notation")).with_columns(
        amount.alias("part"),
        pl.when(ranged).then(half.abs() / NORMAL_95).alias("deviation"),
        (length * pl.col("share")).alias("days"),
        ((length > days) & ~elsewhere.fill_null(False)).alias("longer"),
        elsewhere.fill_null(False).alias("elsewhere"),
    )  # fmt: skip
    together = single.filter(pl.col("correlation_group").is_not_null()).group_by("stream", "correlation_group").agg(
        pl.col("deviation").sum().pow(2).alias("variance"), pl.col("deviation").is_not_null().any().alias("ranged")
    )  # fmt: skip
    apart = single.filter(pl.col("correlation_group").is_null()).group_by("stream").agg(
        pl.col("deviation").pow(2).sum().alias("variance"), pl.col("deviation").is_not_null().any().alias("ranged")
    )  # fmt: skip
    spread = (
        pl.concat([together.select("stream", "variance", "ranged"), apart])
        .group_by("stream")
        .agg(pl.col("variance").sum(), pl.col("ranged").any())
        .select("stream", pl.when("ranged").then(pl.col("variance").sqrt()).alias("sd"))
    )
    here = ~pl.col("elsewhere")
    groups = pl.col("correlation_group").filter(pl.col("deviation").is_not_null())
    return (
        single.group_by("stream", maintain_order=True)
        .agg(
            pl.when(pl.col("part").filter(here).is_not_null().any()).then(pl.col("part").sum()).alias("amount"),
            pl.col("unit").filter(here).drop_nulls().first(),
            pl.when((groups.n_unique() == 1) & groups.is_not_null().all()).then(groups.first())
            .alias("correlation_group"),
            pl.col("method").filter(here).first(),
            pl.col("notation").filter(pl.col("notation").is_in(MISSING)).first(),
            pl.col("id").filter(here).first().alias("flow"),
            here.sum().cast(pl.Int64).alias("flows"),
            (pl.col("days").sum() / days).clip(0.0, 1.0).alias("coverage"),
            pl.col("longer").any().alias("spread"),
        )
        .filter(pl.col("flows") > 0)
        .join(spread, on="stream", how="left", maintain_order="left")
        .with_columns(pl.lit(span[0]).alias("period_start"), pl.lit(span[1]).alias("period_end"))
    )  # fmt: skip


def silent_months(totals: pl.DataFrame, elsewhere: pl.DataFrame) -> pl.DataFrame:
    """Return `totals` with a row without an amount for each stream and span of which nothing is said.

    A stream that has flows in some months of a year and none in others lacks the others: without a row they would look
    like zeros. `elsewhere` (stream, period_start) are those that another stream includes.
    """
    spans = totals.select("period_start", "period_end").unique().sort("period_start")
    streams = totals.group_by("stream", maintain_order=True).agg(pl.col("unit").drop_nulls().first())
    silent = (
        streams.join(spans, how="cross")
        .join(totals.select("stream", "period_start"), on=["stream", "period_start"], how="anti")
        .join(elsewhere, on=["stream", "period_start"], how="anti")
    )
    if silent.is_empty():
        return totals
    rows = silent.with_columns(
        pl.lit(0, pl.Int64).alias("flows"), pl.lit(0.0).alias("coverage"), pl.lit(False).alias("spread")
    )
    return pl.concat([totals, rows], how="diagonal_relaxed").sort("period_start", maintain_order=True)
