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
    for number, variable, change in (*_amounts(layered, values), *_factors(layered, values)):
        # entries whose value holds the variable, as a sparse join of row numbers
        order = np.argsort(number, kind="stable")
        sorted_rows, sorted_variable, sorted_change = number[order], variable[order], change[order]
        first = np.searchsorted(sorted_rows, rows, side="left")
        count = np.searchsorted(sorted_rows, rows, side="right") - first
        if not count.sum():
            continue
        entry = np.repeat(np.arange(len(rows)), count)
        within = np.arange(len(entry)) - np.repeat(np.cumsum(count) - count, count)
        at = first[entry] + within
        most = int(sorted_variable.max()) + 1
        together = bucket[entry] * most + sorted_variable[at]
        unique, inverse = np.unique(together, return_inverse=True)
        summed = np.bincount(inverse, sign[entry] * sorted_change[at])
        found = np.bincount(unique // most, summed**2, size)
        touched = np.zeros(size, dtype=bool)
        touched[unique // most] = True
        variance = np.where(touched, np.nan_to_num(variance) + found, variance)
    return variance


def _amounts(layered: LayeredFlows, values: pl.DataFrame) -> list[tuple[Numbers, Numbers, Floats]]:
    """Return (row of values, variable, change per standard deviation) for amounts with a range."""
    edges = layered.edges.select("edge", "variable", "amount", "sd", "correlation_group")
    groups = edges["correlation_group"].drop_nulls().unique().sort()
    numbers = pl.DataFrame(
        {"correlation_group": groups, "shared": np.arange(len(groups)) + edges.height},
        schema={"correlation_group": pl.String, "shared": pl.Int64},
    )
    joined = (
        values.select("edge", "value")
        .with_row_index("row")
        .join(edges.join(numbers, on="correlation_group", how="left"), on="edge", how="left", maintain_order="left")
        .filter(pl.col("sd").is_not_null() & (pl.col("amount") != 0))
    )
    if joined.is_empty():
        return []
    variable = joined.select(pl.coalesce("shared", "variable"))["shared"].to_numpy()
    change = (joined["value"] * joined["sd"] / joined["amount"]).to_numpy()
    return [(joined["row"].cast(pl.Int64).to_numpy(), variable, change)]


def _factors(layered: LayeredFlows, values: pl.DataFrame) -> list[tuple[Numbers, Numbers, Floats]]:
    """Return (row of values, variable, change per standard deviation) for factors with a range."""
    ranged: list[tuple[int, str, float]] = []
    for row in layered.parameters.iter_rows(named=True):
        deviation = standard_deviation(row["value"], row["low"], row["high"])
        if deviation and row["value"]:
            slope = -1.0 if str(row["symbol"]).startswith("not_") else 1.0
            ranged.append((row["coefficient"], row["factor"], slope * row["power"] * deviation / row["value"]))
    known = {row[0] for row in ranged}
    for number, value, deviation in layered.coefficients.select("coefficient", "value", "sd").iter_rows():
        if deviation and value and number not in known:
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
    return [(joined["row"].cast(pl.Int64).to_numpy(), joined["variable"].to_numpy(), change)]
