"""Unmeasured variables are eliminated from the balances: what is left tells which measurements are checked.

Sparse Gaussian elimination on the columns of the unmeasured variables, pivots chosen for little fill (Markowitz, "The
elimination form of the inverse and its application to linear programming", Management Science 3, 1957). The rows that
remain hold measured variables only: these are the balances of Crowe's projection method (Crowe, Garcia Campos, Hrymak,
AIChE Journal 29, 1983, 881-888). On a network it is the merging of nodes that an unmeasured flow joins (Kuehn and
Davidson 1961; Mah, Stanley and Downing 1976).
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from ecopark.metabolism.reconciliation.measurements import Booleans, Floats, Integers

Row = dict[int, float]

_PIVOT = 0.05
"""A pivot is at least this part of the largest (scaled) entry of its column, so that errors do not grow."""
_CANCELLED = 1e-12
"""What is left of a sum is nothing when it is this small beside its terms."""

_NOTHING = 1e-10
"""The same for what a variable depends on, whose terms carry the errors of several steps."""


@dataclass(frozen=True, eq=False)
class Reduction:
    """Balances in measured variables only, and how unmeasured ones follow from them.

    `combination` E (reduced rows, rows): how the reduced balances are made of the given ones; `matrix` (reduced rows,
    n) = E A without unmeasured columns; `groups` (reduced rows,). `dependence` (n, n): row u of an observable variable
    holds its derivatives with respect to the measured ones; `offset` (n,): its constant. `observable` (n,): unmeasured
    variables that the balances determine. `redundant` (n,): variables that a reduced balance holds.
    """

    combination: sp.csr_matrix
    matrix: sp.csr_matrix
    groups: Integers
    dependence: sp.csr_matrix
    offset: Floats
    observable: Booleans
    redundant: Booleans
    unmeasured: Booleans

    def complete(self, x: Floats) -> Floats:
        """Return x with the unmeasured variables worked out from the measured ones (free ones at their start)."""
        return np.where(self.unmeasured, self.dependence @ x + self.offset, x)


def eliminate(
    matrix: sp.csr_matrix, constant: Floats, unmeasured: Booleans, groups: Integers, start: Floats | None = None
) -> Reduction:
    """Eliminate the unmeasured variables from A x = b.

    Shapes: `matrix` (rows, n), `constant` (rows,), `unmeasured` (n,), `groups` (rows,). A variable that the balances
    leave free counts as `start` (n,) (0 unless given) in those that depend on it, and none of them is observable.
    """
    rows, size = matrix.shape
    free = np.zeros(size) if start is None else start
    columns = matrix.tocsc()
    touched = np.zeros(rows, dtype=bool)
    unknown = np.flatnonzero(unmeasured & (np.diff(columns.indptr) > 0))
    for u in unknown:
        touched[columns.indices[columns.indptr[u] : columns.indptr[u + 1]]] = True
    untouched = np.flatnonzero(~touched)
    elimination = _Elimination(matrix, unmeasured, np.flatnonzero(touched))
    elimination.run()
    left = elimination.left()
    kept = sp.csr_matrix(
        (np.ones(len(untouched)), (np.arange(len(untouched)), untouched)), shape=(len(untouched), rows)
    )
    combination = sp.vstack([kept, _sparse([made for _, made in left.values()], rows)], format="csr")
    plain = matrix[untouched]
    measured_rows = sp.vstack([plain, _sparse([row for row, _ in left.values()], size)], format="csr")
    measured_rows.eliminate_zeros()
    order = np.concatenate([untouched, np.fromiter(left, dtype=np.int64, count=len(left))]).astype(np.int64)
    dependence, offset, observable = elimination.substitute(constant, free, size)
    redundant = np.zeros(size, dtype=bool)
    redundant[measured_rows.indices] = True
    return Reduction(combination, measured_rows, groups[order], dependence, offset, observable, redundant, unmeasured)


def _sparse(rows: list[Row], width: int) -> sp.csr_matrix:
    lengths = np.array([0, *(len(row) for row in rows)])
    indices = np.array([column for row in rows for column in row], dtype=np.int64)
    values = np.array([value for row in rows for value in row.values()], dtype=np.float64)
    return sp.csr_matrix((values, indices, np.cumsum(lengths)), shape=(len(rows), width))


class _Elimination:
    """Rows as dictionaries of their entries, each with the combination of given rows that it is."""

    def __init__(self, matrix: sp.csr_matrix, unmeasured: Booleans, touched: Integers) -> None:
        self.rows: dict[int, Row] = {}
        self.made: dict[int, Row] = {}
        self.holders: dict[int, set[int]] = {}
        self.unmeasured = unmeasured
        self.pivots: list[tuple[int, Row, Row]] = []  # variable, its row, the combination that the row is
        self.free: list[int] = []
        scale = np.abs(matrix).max(axis=0).toarray().ravel() if matrix.nnz else np.zeros(matrix.shape[1])
        self.scale: Floats = np.where(scale > 0, scale, 1.0)
        for row in touched:
            part = slice(matrix.indptr[row], matrix.indptr[row + 1])
            pairs = zip(matrix.indices[part].tolist(), matrix.data[part].tolist(), strict=True)
            self.rows[int(row)] = {column: value for column, value in pairs if value != 0.0}
            self.made[int(row)] = {int(row): 1.0}
            for column in self.rows[int(row)]:
                if unmeasured[column]:
                    self.holders.setdefault(column, set()).add(int(row))
        self.size = {row: max(map(abs, entries.values()), default=1.0) for row, entries in self.rows.items()}

    def run(self) -> None:
        """Eliminate every unmeasured variable, those in the fewest rows first."""
        queue = [(len(rows), column) for column, rows in self.holders.items()]
        heapq.heapify(queue)
        while queue:
            count, column = heapq.heappop(queue)
            rows = self.holders.get(column)
            if rows is None or count != len(rows):
                continue  # done, or its entry further on in the queue is the current one
            if not rows:
                self.free.append(column)
                del self.holders[column]
                continue
            for changed in self._pivot(column, rows):
                heapq.heappush(queue, (len(self.holders[changed]), changed))

    def _pivot(self, column: int, rows: set[int]) -> set[int]:
        """Take `column` out of all rows but one; return the unmeasured columns whose rows have changed."""
        strength = {row: abs(self.rows[row][column]) / self.size[row] for row in rows}
        least = _PIVOT * max(strength.values())
        pivot = min((row for row in rows if strength[row] >= least), key=lambda row: (len(self.rows[row]), row))
        entries, made = self.rows.pop(pivot), self.made.pop(pivot)
        changed = {other for other in entries if self.unmeasured[other] and other != column}
        for other in changed:
            self.holders[other].discard(pivot)
        for row in rows - {pivot}:
            factor = self.rows[row][column] / entries[column]
            del self.rows[row][column]
            self._subtract(row, entries, made, factor, column)
        del self.holders[column]
        self.pivots.append((column, entries, made))
        return changed

    def _subtract(self, row: int, entries: Row, made: Row, factor: float, column: int) -> None:
        target, combined = self.rows[row], self.made[row]
        for other, value in entries.items():
            if other == column:
                continue
            before, change = target.get(other, 0.0), factor * value
            after = before - change
            if abs(after) <= _CANCELLED * max(abs(before), abs(change)):
                target.pop(other, None)
                if self.unmeasured[other]:
                    self.holders[other].discard(row)
            else:
                target[other] = after
                if self.unmeasured[other]:
                    self.holders[other].add(row)
        for given, value in made.items():
            combined[given] = combined.get(given, 0.0) - factor * value
        self.size[row] = max(map(abs, target.values()), default=1.0)

    def left(self) -> Mapping[int, tuple[Row, Row]]:
        """Return the rows that hold measured variables only, with the combinations that they are."""
        return {row: (entries, self.made[row]) for row, entries in self.rows.items() if entries or self.made[row]}

    def substitute(self, constant: Floats, free: Floats, size: int) -> tuple[sp.csr_matrix, Floats, Booleans]:
        """Return how each eliminated variable follows from the measured ones, last pivot first."""
        found: dict[int, tuple[Row, float]] = {u: ({u: 1.0}, 0.0) for u in self.free}
        for column, entries, made in reversed(self.pivots):
            offset = sum(value * float(constant[row]) for row, value in made.items())
            derivatives: Row = {}
            largest: Row = {}
            for other, value in entries.items():
                if other == column:
                    continue
                further, shift = found[other] if self.unmeasured[other] else ({other: 1.0}, 0.0)
                offset -= value * shift
                for known, change in further.items():
                    term = value * change
                    derivatives[known] = derivatives.get(known, 0.0) - term
                    largest[known] = max(largest.get(known, 0.0), abs(term))
            pivot = entries[column]
            # free variables may cancel: a sum of flows can be known where its parts are not
            kept = {k: v / pivot for k, v in derivatives.items() if abs(v) > _NOTHING * largest[k]}
            found[column] = (kept, offset / pivot)
        rows: list[Row] = [{}] * size
        shifts, determined = free.copy(), np.zeros(size, dtype=bool)
        loose = set(self.free)
        for column, (derivatives, offset) in found.items():
            if column in loose:
                continue
            determined[column] = not loose.intersection(derivatives)
            shifts[column] = offset + sum(v * float(free[k]) for k, v in derivatives.items() if k in loose)
            rows[column] = {k: v for k, v in derivatives.items() if k not in loose}
        return _sparse(rows, size), shifts, determined
