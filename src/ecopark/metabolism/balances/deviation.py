"""The uncertainty of residuals: first order, with everything that is shared kept together.

    var(R) = sum over independent variables u of (sum over values v that hold u of sign_v * v * power * s_u)^2

where s_u is the relative standard deviation of an amount or a factor. Amounts of one correlation group
are one variable; the rest of a stream holds the variables of its parts with the opposite sign.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl

from ecopark.metabolism.flows import LayeredFlows
from ecopark.metabolism.layers import standard_deviation
from ecopark.units import column_factors

_ROUNDING = 1e-12
_LEVELS = 16

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
            found = np.asarray(np.bincount(bucket[ranged], part[ranged] ** 2, size), dtype=np.float64)
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
    parts = sign[entry] * change[at]
    summed: Floats = np.asarray(np.bincount(inverse, parts, len(unique)), dtype=np.float64)
    # what cancels leaves no range behind: neither in the sum of squares nor as a range of zero
    size_of = np.bincount(inverse, np.abs(parts), len(unique))
    summed = np.where(np.abs(summed) <= _ROUNDING * size_of, 0.0, summed)
    left = (summed != 0.0) | (size_of == 0.0)
    where = unique // most
    squares: Floats = np.asarray(np.bincount(where, summed**2, size), dtype=np.float64)
    return squares, np.bincount(where[left], minlength=size) > 0


Variables = tuple[Numbers, Numbers, Floats, bool]
"""Rows of values (ascending), the variable each holds, its change per standard deviation, whether none is shared."""


def _amounts(layered: LayeredFlows, values: pl.DataFrame) -> list[Variables]:
    """Return the amounts with a range: those that stand alone, and those shared by rules, parts or correlation groups.

    The rest of a stream is its whole less its parts: it moves with the whole's own error, and against those of the
    parts, so that whole and parts together have the error of the whole.
    """
    edges = layered.edges.select(
        "edge",
        "variable",
        "amount",
        "unit",
        "sd",
        "correlation_group",
        "whole",
        pl.col("implied").is_null().alias("own"),
    )
    groups = edges["correlation_group"].drop_nulls().unique().sort()
    numbers = pl.DataFrame(
        {"correlation_group": groups, "group": np.arange(len(groups)) + edges.height},
        schema={"correlation_group": pl.String, "group": pl.Int64},
    )
    edges = edges.join(numbers, on="correlation_group", how="left", maintain_order="left")
    edges, parts = _own_errors(edges)
    involved = pl.concat([parts["rest"], parts["part"]]).unique()
    edges = edges.with_columns(
        ((pl.len().over("variable") > 1) | pl.col("variable").is_in(involved.implode())).alias("shared")
    )
    coefficients = layered.coefficients["coefficient"].to_numpy()
    worth = np.zeros(int(coefficients.max(initial=0)) + 1)
    worth[coefficients] = layered.coefficients["value"].to_numpy()
    if edges.is_empty():
        return []
    each = worth[values["coefficient"].to_numpy()]
    edges = edges.sort("edge")
    at = np.searchsorted(edges["edge"].to_numpy(), values["edge"].to_numpy())
    stored = (values["edge"] < 0).to_numpy()
    own = edges["sd"].fill_null(np.nan).to_numpy()[at]
    ranged = ~stored & ~np.isnan(own)
    alone = (edges["group"].is_null() & ~edges["shared"]).to_numpy()[at]
    of = edges.select(pl.coalesce("group", "variable").alias("of"))["of"].to_numpy()[at]
    found: list[Variables] = []
    single = np.flatnonzero(ranged & alone)
    if len(single):
        found.append((single, of[single], each[single] * own[single], True))
    shared = np.flatnonzero(ranged & ~alone)
    entries = pl.DataFrame({"row": shared, "of": of[shared], "change": each[shared] * own[shared]},
                           schema={"row": pl.Int64, "of": pl.Int64, "change": pl.Float64})  # fmt: skip
    if parts.height:
        rests = pl.DataFrame({"row": np.arange(values.height), "rest": edges["variable"].to_numpy()[at], "worth": each})
        moved = rests.filter(pl.Series(~stored)).join(parts, on="rest", how="inner", maintain_order="left")
        moved = moved.select("row", "of", (-pl.col("worth") * pl.col("moved")).alias("change"))
        entries = pl.concat([entries, moved]).sort("row", maintain_order=True)
    if entries.height:
        found.append((entries["row"].to_numpy(), entries["of"].to_numpy(), entries["change"].to_numpy(), False))
    return found


def _own_errors(edges: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the edges with their own deviation (a rest's without its parts'), and the parts with a range.

    Parts: rest and part (edges), `of` (the variable), `moved` (its deviation in the rest's unit).
    """
    empty = pl.DataFrame(schema={"rest": pl.Int64, "part": pl.Int64, "of": pl.Int64, "moved": pl.Float64})
    inner = edges.filter(pl.col("own") & pl.col("whole").is_not_null() & pl.col("sd").is_not_null())
    rests = edges.filter(pl.col("own") & pl.col("sd").is_not_null()).select(
        pl.col("edge").alias("whole"), pl.col("unit").alias("whole_unit")
    )
    inner = inner.join(rests, on="whole", how="inner", maintain_order="left")
    if inner.is_empty():
        return edges, empty
    scale, _ = column_factors(inner["unit"], inner["whole_unit"])
    links = inner.select(
        pl.col("whole").alias("rest"),
        pl.col("edge").alias("part"),
        pl.coalesce("group", "variable").alias("of"),
        scale.fill_null(1.0).alias("scale"),
    )
    own = edges.filter("own").select(pl.col("edge").alias("part"), pl.col("sd").alias("own_sd"))
    parts, known = empty, pl.Series(dtype=pl.Float64)
    # parts may hold parts: each round settles one more level
    for _ in range(_LEVELS):
        parts = links.join(own, on="part", how="left", maintain_order="left").with_columns(
            (pl.col("own_sd") * pl.col("scale")).alias("moved")
        )
        if parts["moved"].equals(known):
            break
        known = parts["moved"]
        taken = parts.group_by("rest").agg(pl.col("moved").pow(2).sum().alias("inner"))
        own = edges.filter("own").select("edge", "sd").join(taken, left_on="edge", right_on="rest", how="left").select(
            pl.col("edge").alias("part"),
            (pl.col("sd").pow(2) - pl.col("inner").fill_null(0.0)).clip(0.0).sqrt().alias("own_sd"),
        )  # fmt: skip
    # an implied edge has the error of the edge that it follows from
    edges = edges.join(own.rename({"part": "variable"}), on="variable", how="left", maintain_order="left")
    return edges.with_columns(pl.col("own_sd").alias("sd")).drop("own_sd"), parts.select(empty.columns)


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
