"""The uncertainty of residuals: first order, with everything that is shared kept together.

    var(R) = sum over independent variables u of (sum over values v that hold u of sign_v * v * power * s_u)^2

where s_u is the relative standard deviation of an amount or a factor. Amounts of one correlation group
are one variable.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl

from ecopark.metabolism.flows import LayeredFlows
from ecopark.metabolism.layers import standard_deviation

Numbers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


def residual_deviation(
    layered: LayeredFlows, values: pl.DataFrame, rows: Numbers, bucket: Numbers, sign: Floats, size: int
) -> Floats:
    """Return the variance of the signed sum of values in each bucket; NaN where no value in it has a range.

    `rows` (of `values`, which has edge, coefficient and value), `bucket` and `sign` are aligned: one entry per value
    that counts in a bucket.
    """
    variance = np.full(size, np.nan)
    for number, variable, change, alone in (*_amounts(layered, values), *_factors(layered, values)):
        if alone:
            # each variable stands in one value of a bucket: its square adds directly
            change_of = np.full(len(values), np.nan)
            change_of[number] = change
            part = change_of[rows]
            ranged = ~np.isnan(part)
            found = np.bincount(bucket[ranged], part[ranged] ** 2, size)
            touched = np.bincount(bucket[ranged], minlength=size) > 0
        else:
            found, touched = _shared(number, variable, change, rows, bucket, sign, size)
        variance = np.where(touched, np.nan_to_num(variance) + found, variance)
    return variance


def _shared(
    number: Numbers, variable: Numbers, change: Floats, rows: Numbers, bucket: Numbers, sign: Floats, size: int
) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Return per bucket the sum of squares over variables of the sum over values, and whether it holds any.

    `number` (rows of values) is ascending; a value may hold several variables and a variable stand in several values.
    """
    first = np.searchsorted(number, rows, side="left")
    count = np.searchsorted(number, rows, side="right") - first
    entry = np.repeat(np.arange(len(rows)), count)
    at = first[entry] + np.arange(len(entry)) - np.repeat(np.cumsum(count) - count, count)
    most = int(variable.max()) + 1
    unique, inverse = np.unique(bucket[entry] * most + variable[at], return_inverse=True)
    summed = np.bincount(inverse, sign[entry] * change[at], len(unique))
    return np.bincount(unique // most, summed**2, size), np.bincount(unique // most, minlength=size) > 0


Variables = tuple[Numbers, Numbers, Floats, bool]
"""Rows of values (ascending), the variable each holds, its change per standard deviation, whether none is shared."""


def _amounts(layered: LayeredFlows, values: pl.DataFrame) -> list[Variables]:
    """Return the amounts with a range: those that stand alone, and those shared by rules or correlation groups."""
    edges = layered.edges.select("edge", "variable", "amount", "sd", "correlation_group").with_columns(
        (pl.len().over("variable") > 1).alias("shared")
    )
    groups = edges["correlation_group"].drop_nulls().unique().sort()
    numbers = pl.DataFrame(
        {"correlation_group": groups, "group": np.arange(len(groups)) + edges.height},
        schema={"correlation_group": pl.String, "group": pl.Int64},
    )
    joined = (
        values.select("edge", "value")
        .with_row_index("row")
        .join(edges.join(numbers, on="correlation_group", how="left"), on="edge", how="left", maintain_order="left")
        .filter(pl.col("sd").is_not_null() & (pl.col("amount") != 0))
        .with_columns(pl.col("group").is_null().and_(~pl.col("shared")).alias("alone"))
    )
    found = []
    for alone in (True, False):
        part = joined.filter(pl.col("alone") == alone)
        if part.height:
            variable = part.select(pl.coalesce("group", "variable").alias("variable"))["variable"].to_numpy()
            change = (part["value"] * part["sd"] / part["amount"]).to_numpy()
            found.append((part["row"].cast(pl.Int64).to_numpy(), variable, change, alone))
    return found


def _factors(layered: LayeredFlows, values: pl.DataFrame) -> list[Variables]:
    """Return the factors with a range; a coefficient with a range but no parameters is a factor of its own."""
    ranged: list[tuple[int, str, float]] = []
    stated = layered.parameters.filter(pl.col("low").is_not_null() | pl.col("high").is_not_null())
    for row in stated.iter_rows(named=True):
        deviation = standard_deviation(row["value"], row["low"], row["high"])
        if deviation and row["value"]:
            slope = -1.0 if str(row["symbol"]).startswith("not_") else 1.0
            ranged.append((row["coefficient"], row["factor"], slope * row["power"] * deviation / row["value"]))
    known = {row[0] for row in ranged}
    own = layered.coefficients.filter((pl.col("sd") > 0) & (pl.col("value") != 0)).select("coefficient", "value", "sd")
    for number, value, deviation in own.iter_rows():
        if number not in known:
            ranged.append((number, f"coefficient:{number}", deviation / value))
    if not ranged:
        return []
    factors = pl.DataFrame(
        ranged, schema={"coefficient": pl.Int32, "factor": pl.String, "relative": pl.Float64}, orient="row"
    ).with_columns((pl.col("factor").rank("dense") - 1).cast(pl.Int64).alias("variable"))
    joined = (
        values.select("coefficient", "value")
        .with_row_index("row")
        .join(factors, on="coefficient", how="inner", maintain_order="left")
    )
    if joined.is_empty():
        return []
    change = (joined["value"] * joined["relative"]).to_numpy()
    return [(joined["row"].cast(pl.Int64).to_numpy(), joined["variable"].to_numpy(), change, False)]
