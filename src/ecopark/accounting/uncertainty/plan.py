"""Preparation of a `ProductSum` for the sampling kernel: lines bundled, equal distributions sharing one table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ecopark.accounting.uncertainty.product_sum import DrawArray, IntArray, ProductSum
from ecopark.accounting.uncertainty.quantiles import FloatArray, Shapes, quantile_tables

BUNDLE = 64
"""Most lines of a bundle: float32 sums stay this short."""
BATCH = 2048
"""Most random variables of lines of their own in one batch, hence (at 9.8 kB a table) about 20 MB of tables."""
MIXING_SEED = 20_060_103


@dataclass(frozen=True)
class Batch:
    """Arrays that `kernel.accumulate` reads for one batch of bundles (names as its arguments)."""

    shared_draw: DrawArray
    shared_table: IntArray
    bundle_line: IntArray
    bundle_scale: FloatArray
    bundle_shared_start: IntArray
    bundle_shared: IntArray
    bundle_group_start: IntArray
    bundle_group: IntArray
    line_coefficient: NDArray[np.float32]
    line_start: IntArray
    line_draw: DrawArray
    line_table: IntArray
    tables: NDArray[np.uint64]


def tables_of(shapes: Shapes) -> tuple[NDArray[np.uint64], IntArray]:
    """Return the tables of the distinct `shapes`, each node one 8-byte word, and the table of every shape."""
    rows = np.stack([shapes.kind.astype(np.float64), shapes.centre, shapes.first, shapes.second], axis=1)
    _, first, table = np.unique(rows, axis=0, return_index=True, return_inverse=True)
    tables = quantile_tables(shapes.take(first))
    return tables.view(np.uint64)[..., 0], table.astype(np.int64).reshape(-1)


def batches(product_sum: ProductSum, groups: Sequence[str]) -> Iterator[Batch]:
    """Yield the batches whose sum gives the totals of `groups` (numbered in that order)."""
    plan = _Plan(product_sum, groups)
    for begin, end in plan.cuts():
        yield plan.batch(begin, end)


class _Plan:
    """Lines of some groups in bundles: equal groups and equal shared variables together, at most `BUNDLE` lines."""

    def __init__(self, sums: ProductSum, groups: Sequence[str]) -> None:
        self.sums = sums
        group_line = np.concatenate([*(sums.groups[name] for name in groups), np.empty(0, dtype=np.int64)])
        group = np.repeat(np.arange(len(groups)), [len(sums.groups[name]) for name in groups])
        used = np.zeros(sums.line_count, dtype=bool)
        used[group_line] = True
        line, variable = sums.incidence_line, sums.line_variable

        uncertain = sums.uncertain[variable] & used[line]
        uses = np.bincount(variable[uncertain], minlength=sums.variable_count)
        shared = uncertain & (uses[variable] > 1)
        own = uncertain & ~shared
        # Scales and exact values go into the constants: tables hold relative values only.
        constants = np.where(sums.uncertain, sums.shapes.scale, sums.central)[variable]
        self.coefficient = sums.constant * sums.products(constants)

        mixing = np.random.default_rng(MIXING_SEED)
        word = np.iinfo(np.uint64).max
        group_word = mixing.integers(0, word, len(groups), dtype=np.uint64)
        variable_word = mixing.integers(0, word, sums.variable_count, dtype=np.uint64)
        # Sets are compared by the sum of random words of their members: equal sets have equal sums.
        groups_key = np.zeros(sums.line_count, dtype=np.uint64)
        np.add.at(groups_key, group_line, group_word[group])
        shared_key = np.zeros(sums.line_count, dtype=np.uint64)
        np.add.at(shared_key, line[shared], variable_word[variable[shared]])
        lines = np.flatnonzero(used)
        order = lines[np.lexsort((lines, shared_key[lines], groups_key[lines]))]
        change = np.ones(len(order), dtype=bool)
        change[1:] = (np.diff(groups_key[order]) != 0) | (np.diff(shared_key[order]) != 0)
        run_start = np.maximum.accumulate(np.where(change, np.arange(len(order)), 0))
        self.order = order
        self.starts = np.flatnonzero((np.arange(len(order)) - run_start) % BUNDLE == 0)
        self.ends = np.append(self.starts[1:], len(order))

        self.own = _rows(line[own], variable[own], sums.line_count)
        self.shared = _rows(line[shared], variable[shared], sums.line_count)
        by_line = np.argsort(group_line, kind="stable")
        self.groups = _rows(group_line[by_line], group[by_line], sums.line_count)

    def cuts(self) -> Iterator[tuple[int, int]]:
        """Yield runs of bundles with about `BATCH` variables of their own and as many uses of shared ones."""
        if not len(self.starts):
            return
        own = np.concatenate([[0], np.cumsum(np.diff(self.own[0])[self.order])])[self.ends]
        shared = np.cumsum(np.diff(self.shared[0])[self.order[self.starts]])
        batch = np.maximum(own, shared) // BATCH
        edges = np.flatnonzero(np.diff(batch, prepend=-1))
        yield from zip(edges.tolist(), [*edges[1:].tolist(), len(self.starts)], strict=True)

    def batch(self, begin: int, end: int) -> Batch:
        """Return the batch of the bundles `begin` to `end`."""
        starts = self.starts[begin:end]
        first, last = int(starts[0]), int(self.ends[end - 1])
        lines, heads = self.order[first:last], self.order[starts]
        shared_start, shared_of = _take(self.shared, heads)
        group_start, group_of = _take(self.groups, heads)
        line_start, own = _take(self.own, lines)
        shared, shared_place = np.unique(shared_of, return_inverse=True)
        variables = np.concatenate([shared, own])
        tables, table = tables_of(self.sums.shapes.take(variables))
        coefficient = self.coefficient[lines]
        scale = np.maximum.reduceat(np.abs(coefficient), starts - first)
        scale = np.where(scale > 0, scale, 1.0)
        bundle_line = np.append(starts - first, last - first)
        return Batch(
            shared_draw=self.sums.draw[shared],
            shared_table=table[: len(shared)],
            bundle_line=bundle_line,
            bundle_scale=scale,
            bundle_shared_start=shared_start,
            bundle_shared=shared_place.astype(np.int64),
            bundle_group_start=group_start,
            bundle_group=group_of,
            line_coefficient=(coefficient / np.repeat(scale, np.diff(bundle_line))).astype(np.float32),
            line_start=line_start,
            line_draw=self.sums.draw[own],
            line_table=table[len(shared) :],
            tables=tables,
        )


Rows = tuple[IntArray, IntArray]


def _rows(row: IntArray, value: IntArray, count: int) -> Rows:
    """Return sorted (row, value) pairs in compressed rows."""
    return np.concatenate([[0], np.cumsum(np.bincount(row, minlength=count))]), value


def _take(rows: Rows, index: IntArray) -> Rows:
    """Return the compressed rows at `index`, in that order."""
    start, value = rows
    lengths = (start[1:] - start[:-1])[index]
    new_start = np.concatenate([[0], np.cumsum(lengths)])
    at = np.arange(new_start[-1]) - np.repeat(new_start[:-1], lengths) + np.repeat(start[index], lengths)
    return new_start, value[at]
