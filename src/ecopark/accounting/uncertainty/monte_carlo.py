"""IPCC Approach 2: Monte Carlo simulation of an inventory's totals.

Source: IPCC 2006 Guidelines, volume 1, chapter 3, section 3.2.3.2. Two ways to choose the samples:

* ``sobol`` (default): scrambled Sobol points (Owen's scrambling, as scipy.stats.qmc has it) through the variables'
  quantile functions. Each distinct draw number is one coordinate, the most influential first. A few thousand points
  do for means and quantiles.
* ``random``: counter-based random numbers through quantile tables (see `kernel`), for very many samples, for more
  variables than Sobol points have coordinates, and where a single sample must be computed again: every number depends
  on seed, sample and draw number only, not on threads, other variables or the number of samples.

Nothing of the size lines x samples is ever held: totals of the groups are, a few groups at a time where memory is
short, drawing again for the next.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl

from ecopark.accounting.uncertainty.linear import first_order
from ecopark.accounting.uncertainty.plan import Batch, batches, tables_of
from ecopark.accounting.uncertainty.product_sum import IntArray, ProductSum
from ecopark.accounting.uncertainty.quantiles import FloatArray
from ecopark.accounting.uncertainty.remarks import exact_variables
from ecopark.model.problems import Problem
from ecopark.translation import N_

Method = Literal["sobol", "random"]
SOBOL_SAMPLES = 8192
RANDOM_SAMPLES = 100_000
SOBOL_COORDINATES = 21201
"""Most coordinates that scipy's direction numbers (Joe and Kuo, 2008) have."""
MEMORY = 32 * 2**20
SETTLED = 0.01
_BLOCK = 1024
_SOBOL_NUMBERS = 1_000_000
"""Numbers that one chunk of Sobol points may have (8 MB an array)."""

_TOO_MANY = N_("{count} independent variables are more than Sobol points have coordinates ({most}).")
_RANDOM_USED = N_("Random samples were used instead; the result is good to a few per cent of the range.")
_NOT_SETTLED = N_("The 95 % range of {count} of {all} totals still changes by more than 1 % with twice the samples.")
_MORE_SAMPLES = N_("Use more samples.")


@dataclass(frozen=True, eq=False)
class Approach2:
    """Result of `approach_2`.

    `totals` has a row per group: group, value (at the central values), mean, sd, low (2.5 %), median, high (97.5 %),
    in the unit of the lines; lower_percent and upper_percent (distance of low and high from value in per cent of it,
    null where it is zero); settling (relative difference between the widths of the 95 % range from the first half of
    the samples and from all; the Guidelines ask for less than 0.01).
    """

    totals: pl.DataFrame
    method: Method
    samples: int
    seed: int
    remarks: list[Problem]


def approach_2(
    product_sum: ProductSum,
    *,
    method: Method = "sobol",
    samples: int | None = None,
    seed: int = 0,
    threads: int | None = None,
    memory: int = MEMORY,
) -> Approach2:
    """Simulate the totals of all groups of `product_sum`.

    `samples` is 8192 for ``sobol`` (raised to a power of two, which the points need) and 100,000 for ``random`` by
    default. `seed` (0 to 2⁶⁴ - 1) fixes the result for good; `threads` (for ``random``; all cores by default) and
    `memory` (bytes for the totals of samples) do not change it. Falls back to ``random``, with a remark, where there
    are more independent variables than Sobol points have coordinates (21,201). Raises ValueError for fewer than two
    samples or a seed out of range.
    """
    if method not in ("sobol", "random"):
        raise ValueError(f"unknown method {method!r}; known: sobol, random")
    if not 0 <= seed < 2**64:
        raise ValueError("the seed must be between 0 and 2**64 - 1")
    remarks = exact_variables(product_sum)
    coordinates = _coordinates(product_sum)
    if method == "sobol" and len(coordinates) > SOBOL_COORDINATES:
        method = "random"
        values: dict[str, object] = {"count": len(coordinates), "most": SOBOL_COORDINATES}
        remarks.append(Problem("uncertainty.too_many", "", _TOO_MANY, _RANDOM_USED, values, "warning"))
        samples = max(samples or 0, SOBOL_SAMPLES)
    count = samples if samples is not None else SOBOL_SAMPLES if method == "sobol" else RANDOM_SAMPLES
    if count < 2:
        raise ValueError("at least two samples are needed")
    if method == "sobol":
        count = 1 << (count - 1).bit_length()
        rows = _statistics(product_sum, _sobol_totals(product_sum, coordinates, count, seed), threads)
    else:
        # As many groups at a time as fit into memory; the next ones draw the same numbers again.
        names = list(product_sum.groups)
        at_once = max(1, memory // (8 * count))
        rows = []
        for begin in range(0, len(names), at_once):
            some = names[begin : begin + at_once]
            drawn = sample_totals(product_sum, seed=seed, first=0, stop=count, groups=some, threads=threads)
            rows += _statistics(product_sum, drawn, threads)
            del drawn
    totals = pl.DataFrame(rows, schema=_SCHEMA, orient="row")
    unsettled = int((totals["settling"] > SETTLED).sum())
    if unsettled:
        values = {"count": unsettled, "all": totals.height}
        remarks.append(Problem("uncertainty.not_settled", "", _NOT_SETTLED, _MORE_SAMPLES, values, "warning"))
    return Approach2(totals, method, count, seed, remarks)


def sample_totals(
    product_sum: ProductSum,
    *,
    seed: int,
    first: int,
    stop: int,
    groups: Sequence[str] | None = None,
    threads: int | None = None,
) -> dict[str, FloatArray]:
    """Return the totals of `groups` (all by default) in the random samples `first` to `stop` (exclusive).

    They are the same numbers as `approach_2` with method ``random`` has in these samples, whatever else it computed.
    """
    names = list(product_sum.groups) if groups is None else list(groups)
    return dict(zip(names, _random_totals(product_sum, names, seed, first, stop, threads), strict=True))


def draw(product_sum: ProductSum, seed: int, sample: int, variable: int) -> float:
    """Return the value that the variable at position `variable` has in the random sample number `sample`."""
    from ecopark.accounting.uncertainty import kernel

    shapes = product_sum.shapes.take(np.array([variable]))
    if not product_sum.uncertain[variable]:
        return float(product_sum.central[variable])
    words = np.empty(kernel.BLOCK, dtype=np.uint32)
    place = np.empty(kernel.BLOCK, dtype=np.float32)
    at = sample % kernel.BLOCK
    kernel.random_words(sample - at, product_sum.draw[variable], np.uint64(seed), words)
    kernel.places(words, place)
    pairs, _ = tables_of(shapes)
    value, step = pairs[0, words[at : at + 1]].view(np.float32)
    return float(value + place[at] * step) * float(shapes.scale[0])


_SCHEMA = {
    "group": pl.String,
    **dict.fromkeys(
        ("value", "mean", "sd", "low", "median", "high", "lower_percent", "upper_percent", "settling"), pl.Float64
    ),
}


Row = tuple[str | float | None, ...]


def _statistics(sums: ProductSum, sampled: dict[str, FloatArray], threads: int | None) -> list[Row]:
    """Return the rows of `Approach2.totals`; the samples are put out of order."""
    central = sums.totals()
    with ThreadPoolExecutor(threads or _cores()) as executor:
        return list(executor.map(lambda name: _row(name, central[name], sampled[name]), sampled))


def _row(name: str, value: float, sampled: FloatArray) -> Row:
    # Moments about the central value: nothing is lost where the spread is small beside the total.
    sampled -= value
    mean, sd = value + float(sampled.mean()), float(sampled.std(ddof=1))
    half_low, half_high = np.quantile(sampled[: len(sampled) // 2], (0.025, 0.975)).tolist()
    distances = np.quantile(sampled, (0.025, 0.5, 0.975), overwrite_input=True)
    width = float(distances[2] - distances[0])
    settling = abs(half_high - half_low - width) / width if width > 0 else 0.0
    low, median, high = (value + distances).tolist()
    percent = ((value - low) / abs(value) * 100, (high - value) / abs(value) * 100) if value else (None, None)
    return name, value, mean, sd, low, median, high, *percent, settling


def _coordinates(sums: ProductSum) -> IntArray:
    """Return the distinct draws (positions in ``np.unique(draw)``) of uncertain variables in use."""
    used = np.zeros(sums.variable_count, dtype=bool)
    used[sums.line_variable] = True
    _, position = np.unique(sums.draw, return_inverse=True)
    return np.unique(position[used & sums.uncertain])


# Scrambled Sobol points ----------------------------------------------------------------------------------------------


def _sobol_totals(sums: ProductSum, coordinates: IntArray, count: int, seed: int) -> dict[str, FloatArray]:
    """Return the totals of all groups at `count` scrambled Sobol points."""
    totals = {name: np.empty(count) for name in sums.groups}
    values = sums.shapes.mean()[sums.line_variable][None, :]
    if not len(coordinates):
        lines = sums.constant * sums.products(values)
        return {name: np.full(count, lines[0, members].sum()) for name, members in sums.groups.items()}
    from scipy.sparse import csr_array
    from scipy.stats import qmc

    # The first coordinates of Sobol points are the most even ones: they go to the draws that matter most.
    propagated = first_order(sums)
    influence = np.zeros(len(np.unique(sums.draw)))
    for name in sums.groups:
        deviation = propagated.draw_sd(name)
        influence = np.maximum(influence, deviation / max(float(np.sqrt((deviation**2).sum())), np.finfo(float).tiny))
    ranked = coordinates[np.argsort(-influence[coordinates], kind="stable")]
    _, position = np.unique(sums.draw, return_inverse=True)
    coordinate = np.zeros(len(influence), dtype=np.int64)
    coordinate[ranked] = np.arange(len(ranked))

    active = np.unique(sums.line_variable)
    place = np.zeros(sums.variable_count, dtype=np.int64)
    place[active] = np.arange(len(active))
    shapes, column = sums.shapes.take(active), coordinate[position[active]]
    scale, incidence = shapes.scale, place[sums.line_variable]
    exact = ~sums.uncertain[active]
    starts = np.concatenate([[0], np.cumsum([len(members) for members in sums.groups.values()])])
    members = np.concatenate([*sums.groups.values(), np.empty(0, dtype=np.int64)])
    grouping = csr_array((np.ones(len(members)), members, starts), shape=(len(sums.groups), sums.line_count))

    points = qmc.Sobol(len(ranked), scramble=True, rng=np.random.default_rng(seed))
    chunk = max(16, _SOBOL_NUMBERS // max(len(incidence), len(active), len(ranked)))
    chunk = min(count, 1 << (chunk.bit_length() - 1))
    half_step = 2.0**-31  # points have 30 bits: their middles keep away from 0 and 1
    for begin in range(0, count, chunk):
        uniform = points.random(chunk) + half_step
        variables = shapes.relative_quantile(uniform[:, column]) * scale
        variables[:, exact] = sums.central[active[exact]]
        lines = sums.constant * sums.products(variables[:, incidence])
        sampled = np.asarray(grouping @ lines.T)
        for row, name in zip(sampled, sums.groups, strict=True):
            totals[name][begin : begin + chunk] = row
    return totals


# Counter-based random numbers ----------------------------------------------------------------------------------------


def _random_totals(
    sums: ProductSum, groups: Sequence[str], seed: int, first: int, stop: int, threads: int | None
) -> FloatArray:
    """Return the totals (groups, stop - first) in the random samples `first` to `stop`."""
    totals = np.zeros((len(groups), stop - first))
    workers = threads or _cores()
    step = max(_BLOCK, -(-(stop - first) // (8 * workers)) // _BLOCK * _BLOCK)
    begins = range(first - first % _BLOCK, stop, step)
    with ThreadPoolExecutor(workers) as executor:
        for batch in batches(sums, groups):
            tasks = [(batch, max(begin, first), min(begin + step, stop), seed, totals, first) for begin in begins]
            # The kernel releases the interpreter lock; the ranges of samples are disjoint.
            list(executor.map(_accumulate, tasks))
    return totals


def _accumulate(task: tuple[Batch, int, int, int, FloatArray, int]) -> None:
    from ecopark.accounting.uncertainty import kernel

    batch, first, stop, seed, totals, origin = task
    block = _BLOCK if len(batch.shared_draw) <= 512 else kernel.BLOCK  # shared variables of a block stay near the core
    kernel.accumulate(
        first,
        stop,
        block,
        np.uint64(seed),
        batch.shared_draw,
        batch.shared_table,
        batch.bundle_line,
        batch.bundle_scale,
        batch.bundle_shared_start,
        batch.bundle_shared,
        batch.bundle_group_start,
        batch.bundle_group,
        batch.line_coefficient,
        batch.line_start,
        batch.line_draw,
        batch.line_table,
        batch.tables,
        totals,
        origin,
    )


def _cores() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
