"""Compiled products of the sampling of supply systems; samples lie side by side in the last axis ("lanes").

This module imports numba; import it only where samples are about to be drawn.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ecopark.accounting.uncertainty.kernel import Doubles, Singles, compiled

Indices = NDArray[np.int32]


@compiled
def series_of_block(
    starts: Indices,
    columns: Indices,
    entries: Singles,
    first: Doubles,
    right: Doubles,
    products: int,
    rest: float,
    total: Doubles,
    settled: NDArray[np.bool_],
) -> None:
    """Set `total` (n, lanes) to first + r + A r + A² r + … with r = right + A first - first, for each lane's A.

    A is given in rows: `starts`, `columns`, `entries` (entries, lanes). `settled` tells for each lane whether the terms
    left out make less than `rest` of the sum of absolute values, judged by the rate at which the terms shrink.
    """
    n, lanes = total.shape
    term = np.empty((n, lanes))
    following = np.empty((n, lanes))
    line = np.empty(lanes)
    for i in range(n):
        line[:] = right[i] - first[i]
        for k in range(starts[i], starts[i + 1]):
            value = first[columns[k]]
            for lane in range(lanes):
                line[lane] += np.float64(entries[k, lane]) * value
        for lane in range(lanes):
            term[i, lane] = line[lane]
            total[i, lane] = first[i] + line[lane]
    before = np.abs(term).sum(axis=0)
    settled[:] = before == 0.0
    steps = 3
    for count in range(1, products + 1):
        for i in range(n):
            line[:] = 0.0
            for k in range(starts[i], starts[i + 1]):
                j = columns[k]
                for lane in range(lanes):
                    line[lane] += np.float64(entries[k, lane]) * term[j, lane]
            for lane in range(lanes):
                following[i, lane] = line[lane]
                total[i, lane] += line[lane]
        term, following = following, term
        if count % steps == 0:
            size = np.abs(term).sum(axis=0)
            whole = np.abs(total).sum(axis=0)
            for lane in range(lanes):
                rate = (size[lane] / before[lane]) ** (1.0 / steps) if before[lane] > 0.0 else 0.0
                settled[lane] = rate < 1.0 and size[lane] * rate <= rest * (1.0 - rate) * whole[lane]
            if settled.all():
                return
            before = size


@compiled
def weighted_flows(
    starts: Indices, rows: Indices, entries: Singles, levels: Doubles, weights: Doubles, result: Doubles
) -> None:
    """Add W B s of each lane to `result` (lanes, categories); B in columns: `starts`, `rows`, `entries`."""
    n, lanes = levels.shape
    line = np.empty(lanes)
    for category in range(weights.shape[0]):
        for j in range(n):
            line[:] = 0.0
            for k in range(starts[j], starts[j + 1]):
                weight = weights[category, rows[k]]
                for lane in range(lanes):
                    line[lane] += weight * np.float64(entries[k, lane])
            for lane in range(lanes):
                result[lane, category] += line[lane] * levels[j, lane]
