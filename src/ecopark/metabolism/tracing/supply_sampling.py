"""Monte Carlo over the uncertain entries of a supply system: burdens of a demand, thousands of samples a second.

What is asked for is ``g = W B s`` with ``s = A s + f``: s the activity levels that a final demand f sets off, A what
the processes need of each other, B what they emit or take per unit of activity, W the weights of those flows (such as
characterisation factors) in k categories. Entries of A and B are lognormal (median and standard deviation of the
logarithm) or exact.

A sample does not factorise anything: from the solution s₀ at the medians, the rest is the Neumann series
``s = s₀ + r + A r + A² r + …`` with ``r = f + A s₀ - s₀``, cut where what is left is below `REST` of the solution. The
samples of a block are worked on side by side, so that the products are vector code. A sample whose series settles too
slowly is solved by `SupplySystem` instead.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_array, csr_array

from ecopark.accounting.supply_system import Floats, SupplySystem

Singles = NDArray[np.float32]

LANES = 32
"""Samples worked on side by side."""
REST = 1e-11
"""Part of the solution (sum of absolute values) that the terms left out of the series may make."""
PRODUCTS = 400
"""Products after which a sample is solved by other means."""


@dataclass(frozen=True, eq=False)
class UncertainSystem:
    """A supply system with flows to and from nature, some of whose entries are uncertain.

    `inputs` (n by n, sparse, row i the supplier, column j the user, entries ≥ 0, medians), `flows` (m by n, sparse,
    medians), `weights` (k by m). `inputs_spread` and `flows_spread` are the standard deviations of the logarithms, in
    the order of the stored entries of ``csr_array(inputs)`` and ``csc_array(flows)``; 0 is exact. ValueError where
    shapes do not fit or a spread is negative.
    """

    inputs: Any
    inputs_spread: Floats
    flows: Any
    flows_spread: Floats
    weights: Floats

    def __post_init__(self) -> None:
        if len(self.inputs_spread) != self._inputs.nnz or len(self.flows_spread) != self._flows.nnz:
            raise ValueError("one spread is needed for every stored entry")
        if self._flows.shape[1] != self._inputs.shape[1] or self.weights.shape[1] != self._flows.shape[0]:
            raise ValueError("flows need a column for every process, and weights one for every flow")
        if min(self.inputs_spread.min(initial=0.0), self.flows_spread.min(initial=0.0)) < 0:
            raise ValueError("a spread is a standard deviation: not negative")

    @cached_property
    def _inputs(self) -> csr_array:
        return csr_array(self.inputs, dtype=np.float64)

    @cached_property
    def _flows(self) -> csc_array:
        return csc_array(self.flows, dtype=np.float64)

    @cached_property
    def system(self) -> SupplySystem:
        """The system at the medians."""
        return SupplySystem(self._inputs)

    def burdens(self, demand: Floats) -> Floats:
        """Return g (k,) at the medians for a final demand (n,)."""
        return np.asarray(self.weights @ (self._flows @ self.system.solve(demand)))

    def sample(self, number: int, seed: int = 0) -> tuple[csr_array, csc_array]:
        """Return the inputs and flows of one sample, as `simulate` draws them with the same seed."""
        inputs, flows = self._draw(seed, number // LANES)
        lane = number % LANES
        return (
            _refilled(csr_array, self._inputs, inputs[:, lane]),
            _refilled(csc_array, self._flows, flows[:, lane]),
        )

    def _draw(self, seed: int, block: int) -> tuple[Singles, Singles]:
        """Return the entries of A and of B for a block of samples: (entries, `LANES`), one generator a block."""
        random = np.random.Generator(np.random.SFC64(np.random.SeedSequence([seed, block])))
        return (
            _lognormal(random, self._inputs.data, self.inputs_spread),
            _lognormal(random, self._flows.data, self.flows_spread),
        )

    def simulate(self, demand: Floats, samples: int, *, seed: int = 0, threads: int | None = None) -> Floats:
        """Return g of every sample, shape (samples, k), for a final demand (n,).

        A sample depends on the seed and its number only, not on threads or the number of samples. The series is cut
        where what is left is below 1e-11 of the activity levels. UnsolvableSupply where a sample has no solution.
        """
        first = self.system.solve(np.asarray(demand, dtype=np.float64))
        blocks = -(-samples // LANES)
        result = np.empty((blocks * LANES, self.weights.shape[0]))

        def work(block: int) -> None:
            result[block * LANES : (block + 1) * LANES] = self._block(demand, first, seed, block)

        threads = min(threads or _cores(), blocks)
        if threads <= 1:
            for block in range(blocks):
                work(block)
        else:
            work(0)  # compiles before the threads start
            with ThreadPoolExecutor(threads) as pool:
                list(pool.map(work, range(1, blocks)))
        return result[:samples]

    def _block(self, demand: Floats, first: Floats, seed: int, block: int) -> Floats:
        from ecopark.metabolism.tracing.supply_kernel import series_of_block, weighted_flows

        inputs, flows = self._draw(seed, block)
        levels = np.empty((len(first), LANES))
        settled = np.zeros(LANES, dtype=np.bool_)
        matrix = self._inputs
        series_of_block(
            matrix.indptr, matrix.indices, inputs, first, np.asarray(demand, dtype=np.float64), PRODUCTS, REST, levels,
            settled,
        )  # fmt: skip
        for lane in np.flatnonzero(~settled):
            sampled = _refilled(csr_array, matrix, inputs[:, lane])
            levels[:, lane] = SupplySystem(sampled).solve(np.asarray(demand, dtype=np.float64))
        result = np.zeros((LANES, self.weights.shape[0]))
        weights = np.ascontiguousarray(self.weights, dtype=np.float64)
        weighted_flows(self._flows.indptr, self._flows.indices, flows, levels, weights, result)
        return result


def _refilled(kind: Any, matrix: Any, entries: Singles) -> Any:
    """Return a matrix of the same pattern with other entries."""
    return kind((entries.astype(np.float64), matrix.indices, matrix.indptr), shape=matrix.shape)


def _lognormal(random: np.random.Generator, median: Floats, spread: Floats) -> Singles:
    """Return draws (entries, `LANES`) in single precision: what they are, not how exactly they are computed with."""
    uncertain = spread > 0
    if uncertain.all():
        drawn = random.standard_normal((len(median), LANES), dtype=np.float32)
        drawn *= spread.astype(np.float32)[:, None]
        np.exp(drawn, out=drawn)
        drawn *= median.astype(np.float32)[:, None]
        return drawn
    result = np.repeat(median.astype(np.float32)[:, None], LANES, axis=1)
    if uncertain.any():
        result[uncertain] = _lognormal(random, median[uncertain], spread[uncertain])
    return result


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
