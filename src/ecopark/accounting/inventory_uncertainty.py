"""The uncertainty of an inventory: its lines as products of uncertain amounts and factors, each factor one variable."""

from __future__ import annotations

from typing import Literal

import numpy as np
import polars as pl

from ecopark.accounting.result import Inventory
from ecopark.accounting.uncertainty.product_sum import ProductSum

DIMENSIONS = ("category", "scope", "node")
"""The splits of the headline total that get a range of their own."""

Method = Literal["approach_1", "approach_2"]


def product_sum(inventory: Inventory, total: str | None = None) -> ProductSum:
    """Return a total as ``sum over lines of constant * amount * product of parameters``.

    The amount of a flow is one variable (correlated with those of its correlation group) and every factor is one
    variable, however many lines use it. A parameter in the denominator enters as its reciprocal. The share of the
    period, unit conversion and sign are in the constant. Groups: "total", and "category:ID", "scope:ID", "node:ID".
    """
    lines = inventory.lines_of(total).with_columns(
        pl.concat_str(pl.lit("flow:"), pl.col("flow")).alias("amount_variable")
    )
    scales = inventory.coefficients.select("coefficient", "unit_scale")
    lines = lines.join(scales, on="coefficient", how="left", maintain_order="left")
    parameters = inventory.parameters.with_columns(
        pl.when(pl.col("power") < 0)
        .then(pl.concat_str(pl.lit("1/"), pl.col("factor")))
        .otherwise("factor")
        .alias("variable"),
    )
    inverse = pl.col("power") < 0
    factors = (
        parameters.select(
            "variable",
            pl.when(inverse).then(1 / pl.col("value")).otherwise("value").alias("central"),
            pl.when(inverse).then(1 / pl.col("high")).otherwise("low").alias("low"),
            pl.when(inverse).then(1 / pl.col("low")).otherwise("high").alias("high"),
            "distribution",
            pl.lit(None, pl.String).alias("correlation_group"),
        )
        .unique("variable", maintain_order=True)
        .filter(pl.col("variable").is_in(_used(lines, parameters).implode()))
    )
    flows = inventory.flows.select(
        pl.concat_str(pl.lit("flow:"), pl.col("id")).alias("amount_variable"),
        "low",
        "high",
        "distribution",
        "correlation_group",
    )
    amounts = (
        lines.unique("amount_variable", maintain_order=True)
        .select("amount_variable", pl.col("amount").alias("central"))
        .join(flows, on="amount_variable", how="left", maintain_order="left")
        .rename({"amount_variable": "variable"})
        .select(factors.columns)
    )
    incidence = pl.concat(
        [
            lines.select("line", pl.col("amount_variable").alias("variable")),
            lines.select("line", "coefficient")
            .join(parameters.select("coefficient", "variable"), on="coefficient", how="inner", maintain_order="left")
            .select("line", "variable"),
        ]
    )
    return ProductSum.from_frames(
        lines.select("line", (pl.col("share") * pl.col("unit_scale")).alias("constant"), *DIMENSIONS),
        incidence,
        pl.concat([amounts, factors]),
        dimensions=DIMENSIONS,
    )


def _used(lines: pl.DataFrame, parameters: pl.DataFrame) -> pl.Series:
    return parameters.join(lines.select("coefficient").unique(), on="coefficient", how="semi")["variable"].unique()


def without_range(inventory: Inventory, total: str | None = None) -> pl.DataFrame:
    """Return what enters a total as exact because no range is stated: variable, kind (flow, factor), result, share.

    A range that leaves these out is too narrow; a report says so.
    """
    lines = inventory.lines_of(total)
    whole = float(lines["result"].abs().sum()) or 1.0
    bare = inventory.flows.filter(pl.col("low").is_null() & pl.col("high").is_null())["id"]
    flows = (
        lines.filter(pl.col("flow").is_in(bare.implode()))
        .group_by(pl.col("flow").alias("variable"), maintain_order=True)
        .agg(pl.col("result").sum(), (pl.col("result").abs().sum() / whole).alias("share"))
        .with_columns(pl.lit("flow").alias("kind"))
    )
    exact = inventory.parameters.filter(
        pl.col("low").is_null()
        & pl.col("high").is_null()
        & (pl.col("set") != "constants")
        & (pl.col("symbol") != "gwp")
    )
    factors = (
        lines.join(exact.select("coefficient", pl.col("factor").alias("variable")), on="coefficient", how="inner")
        .group_by("variable", maintain_order=True)
        .agg(pl.col("result").sum(), (pl.col("result").abs().sum() / whole).alias("share"))
        .with_columns(pl.lit("factor").alias("kind"))
    )
    columns = ["variable", "kind", "result", "share"]
    return pl.concat([flows.select(columns), factors.select(columns)]).sort("share", descending=True)


def relative_half_width(low: float, central: float, high: float) -> float:
    """Return half the width of a range relative to its central value, in percent (NaN for a central value of zero)."""
    return float(np.divide(100 * (high - low) / 2, abs(central))) if central else float("nan")
