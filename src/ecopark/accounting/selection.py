"""Which streams a scheme's rules count: by commodity, activity, technology and how a stream lies to the boundary."""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal

import polars as pl

from ecopark.catalogue.schemes import Rule

Perspective = Literal["park", "firms"]
"""Whose boundary counts: the boundary itself, or that of every firm in it on its own (the enterprise sum)."""


def place_streams(
    streams: pl.DataFrame,
    commodities: pl.DataFrame,
    members: Collection[str],
    firms: pl.DataFrame,
    perspective: Perspective = "park",
) -> pl.DataFrame:
    """Return the streams with their commodity's group and unit and how they lie to the boundary.

    `firms` maps every node to its firm (`Network.firm_frame`). Adds `index` (row number), `group`, `commodity_unit`,
    the firms at both ends, and the truth values `received`, `sent`, `used`, `produced`, `inside` and `passed_on` (the
    source itself receives the same commodity). Under the perspective "firms" a stream between two firms of the boundary
    is received by one and sent by the other.
    """
    inside = pl.DataFrame({"node": sorted(members)}, schema={"node": pl.String})
    receives = streams.select(pl.col("target").alias("source"), "commodity", passed_on=True).unique()
    goods = commodities.select(pl.col("id").alias("commodity"), "group", pl.col("unit").alias("commodity_unit"))
    placed = (
        streams.with_row_index("index")
        .join(goods, on="commodity", how="left", maintain_order="left")
        .join(receives, on=["source", "commodity"], how="left", maintain_order="left")
        .join(firms.rename({"node": "source", "firm": "source_firm"}), on="source", how="left", maintain_order="left")
        .join(firms.rename({"node": "target", "firm": "target_firm"}), on="target", how="left", maintain_order="left")
        .with_columns(
            pl.col("source").is_in(inside["node"].implode()).alias("source_inside"),
            pl.col("target").is_in(inside["node"].implode()).alias("target_inside"),
        )
    )
    source, target = pl.col("source_inside"), pl.col("target_inside")
    apart = (
        (pl.col("source_firm") != pl.col("target_firm")).fill_null(True) if perspective == "firms" else pl.lit(False)
    )
    return placed.with_columns(
        (target & (~source | apart)).alias("received"),
        (source & (~target | apart)).alias("sent"),
        target.alias("used"),
        source.alias("produced"),
        (source & target & ~apart).alias("inside"),
        pl.col("passed_on").fill_null(False),
    )


def matches(rule: Rule) -> pl.Expr:
    """Return the condition on a placed stream for `rule` to count it."""
    condition = pl.lit(True)
    if rule.commodities or rule.groups:
        condition &= pl.col("commodity").is_in(rule.commodities) | pl.col("group").is_in(rule.groups)
    if rule.activities:
        condition &= pl.col("activity").is_in(rule.activities)
    if rule.technologies:
        condition &= pl.col("technology").fill_null("").is_in(rule.technologies)
    if rule.passed_on:
        condition &= pl.col("passed_on")
    return condition


def select_streams(placed: pl.DataFrame, rules: Collection[Rule]) -> pl.DataFrame:
    """Return one row for every rule that counts a stream: `rule_index`, `index` (of the stream), `node`.

    `node` is the firm whom the line belongs to: the user of what is received or used, the maker of what is sent or
    produced. Certificate rules choose no streams and are left out.
    """
    parts: list[pl.DataFrame] = []
    for rule_index, rule in enumerate(rules):
        if rule.crossing == "certificate":
            continue
        side = "source" if rule.crossing in ("sent", "produced") else "target"
        parts.append(
            placed.filter(pl.col(rule.crossing) & matches(rule)).select(
                pl.lit(rule_index, pl.Int32).alias("rule_index"),
                "index",
                pl.col("id").alias("stream"),
                "commodity",
                "commodity_unit",
                "technology",
                pl.col(f"{side}_firm").alias("node"),
                pl.col(side).alias("site"),
                "owner",
            )
        )
    return pl.concat(parts) if parts else placed.clear()
