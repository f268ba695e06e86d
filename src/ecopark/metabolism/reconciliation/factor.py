"""Direct factorisation of the normal equations S = B B', and the entries of its inverse that variances need.

Small systems by their eigenvalues, which tell best which balances follow from others (a zone's is the sum of its
firms'). Larger ones sparse: L D L' by the up-looking method (Davis, "Algorithm 849: a concise sparse Cholesky
factorization package", ACM Transactions on Mathematical Software 31, 2005), with the rows in a given order; a pivot
of nothing marks a balance that follows from others and is left out. The entries of the inverse on the factor's
pattern by the equations of Takahashi, Fagan and Chin (1973), as in Erisman and Tinney, "On computing certain elements
of the inverse of a sparse matrix", Communications of the ACM 18, 1975, 177-179.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from ecopark.accounting.uncertainty.kernel import compiled
from ecopark.metabolism.reconciliation.measurements import Floats, Integers

_NOTHING = 1e-10
"""A pivot this small beside its diagonal entry is one of a balance that follows from others."""

_NULL = 1e-11
"""An eigenvalue this small beside the largest is one of balances that follow from others."""


class DenseFactor:
    """The pseudo-inverse of a small symmetric positive semidefinite matrix of unit diagonal."""

    def __init__(self, matrix: sp.spmatrix) -> None:
        values, vectors = np.linalg.eigh(matrix.toarray())
        kept = values > _NULL * max(float(values[-1]), 1.0) if len(values) else values > 0
        self.rank = int(kept.sum())
        self.entries = matrix.shape[0] ** 2
        basis = vectors[:, kept]
        self._inverse: Floats = (basis / values[kept]) @ basis.T

    def solve(self, right: Floats) -> Floats:
        """Solve S y = right for right (rows,) or (rows, k): the shortest solution."""
        found: Floats = self._inverse @ right
        return found

    def quadratic(self, columns: sp.csc_matrix) -> Floats:
        """Return c' S^-1 c of every column c (rows, k)."""
        columns = sp.csc_matrix(columns)
        found = np.empty(columns.shape[1])
        for begin in range(0, len(found), 4096):
            part = columns[:, begin : begin + 4096].toarray()
            found[begin : begin + part.shape[1]] = np.einsum("ij,ij->j", part, self._inverse @ part)
        return found


class DirectFactor:
    """L D L' of a symmetric positive semidefinite matrix in a given order of its rows."""

    def __init__(self, matrix: sp.spmatrix, order: Integers) -> None:
        permuted = sp.csc_matrix(matrix)[order][:, order].tocsc()
        permuted.sort_indices()
        self.order = order
        self.place = np.empty_like(order)
        self.place[order] = np.arange(len(order))
        self._pointers, parent = _column_counts(permuted.indptr.astype(np.int64), permuted.indices.astype(np.int64))
        self._rows, self._values, self._pivots, self.rank = _factor(
            permuted.indptr.astype(np.int64), permuted.indices.astype(np.int64), permuted.data, self._pointers, parent,
            _NOTHING,
        )  # fmt: skip
        self._inverse: tuple[Floats, Floats] | None = None

    @property
    def entries(self) -> int:
        """Entries of the factor, the diagonal included."""
        return len(self._rows) + len(self.order)

    def solve(self, right: Floats) -> Floats:
        """Solve S y = right for right (rows,) or (rows, k); one solution where S is singular."""
        ordered = np.ascontiguousarray(right[self.order].reshape(len(self.order), -1), dtype=np.float64)
        solution = np.empty_like(ordered)
        _solve(self._pointers, self._rows, self._values, self._pivots, ordered)
        solution[self.order] = ordered
        return solution.reshape(right.shape)

    def quadratic(self, columns: sp.csc_matrix) -> Floats:
        """Return c' S^-1 c of every column c (rows, k), whose entries' pairs must lie on the pattern of S."""
        if self._inverse is None:
            self._inverse = _selected_inverse(self._pointers, self._rows, self._values, self._pivots)
        columns = sp.csc_matrix(columns)
        found: Floats = _quadratic(
            self._pointers, self._rows, *self._inverse, columns.indptr.astype(np.int64),
            self.place[columns.indices], columns.data,
        )  # fmt: skip
        return found


@compiled
def _column_counts(indptr: Integers, indices: Integers) -> tuple[Integers, Integers]:
    """Return the pointers of L's columns and the elimination tree."""
    size = len(indptr) - 1
    parent = np.full(size, -1, dtype=np.int64)
    flag = np.full(size, -1, dtype=np.int64)
    count = np.zeros(size, dtype=np.int64)
    for k in range(size):
        flag[k] = k
        for p in range(indptr[k], indptr[k + 1]):
            i = indices[p]
            if i < k:
                while flag[i] != k:
                    if parent[i] == -1:
                        parent[i] = k
                    count[i] += 1
                    flag[i] = k
                    i = parent[i]
    pointers = np.zeros(size + 1, dtype=np.int64)
    for k in range(size):
        pointers[k + 1] = pointers[k] + count[k]
    return pointers, parent


@compiled
def _factor(
    indptr: Integers, indices: Integers, data: Floats, pointers: Integers, parent: Integers, nothing: float
) -> tuple[Integers, Floats, Floats, int]:
    """Return rows and values of L by column (diagonal left out), the pivots (0: dependent) and the rank."""
    size = len(indptr) - 1
    rows = np.empty(pointers[size], dtype=np.int64)
    values = np.empty(pointers[size], dtype=np.float64)
    pivots = np.zeros(size, dtype=np.float64)
    work = np.zeros(size, dtype=np.float64)
    pattern = np.empty(size, dtype=np.int64)
    flag = np.full(size, -1, dtype=np.int64)
    filled = np.zeros(size, dtype=np.int64)
    rank = 0
    for k in range(size):
        top = size
        flag[k] = k
        for p in range(indptr[k], indptr[k + 1]):
            i = indices[p]
            if i <= k:
                work[i] += data[p]
                length = 0
                while flag[i] != k:
                    pattern[length] = i
                    length += 1
                    flag[i] = k
                    i = parent[i]
                while length > 0:
                    top -= 1
                    length -= 1
                    pattern[top] = pattern[length]
        diagonal = work[k]
        pivot = diagonal
        work[k] = 0.0
        for q in range(top, size):
            i = pattern[q]
            value = work[i]
            work[i] = 0.0
            last = pointers[i] + filled[i]
            for p in range(pointers[i], last):
                work[rows[p]] -= values[p] * value
            factor = 0.0
            if pivots[i] > 0.0:
                factor = value / pivots[i]
                pivot -= factor * value
            rows[last] = k
            values[last] = factor
            filled[i] += 1
        if pivot > nothing * diagonal:
            pivots[k] = pivot
            rank += 1
    return rows, values, pivots, rank


@compiled
def _solve(pointers: Integers, rows: Integers, values: Floats, pivots: Floats, x: Floats) -> None:
    """Solve L D L' x = x in place for x (rows, k)."""
    size, width = x.shape
    for j in range(size):
        for p in range(pointers[j], pointers[j + 1]):
            for c in range(width):
                x[rows[p], c] -= values[p] * x[j, c]
    for j in range(size):
        for c in range(width):
            x[j, c] = x[j, c] / pivots[j] if pivots[j] > 0.0 else 0.0
    for j in range(size - 1, -1, -1):
        if pivots[j] > 0.0:
            for p in range(pointers[j], pointers[j + 1]):
                for c in range(width):
                    x[j, c] -= values[p] * x[rows[p], c]


@compiled
def _selected_inverse(pointers: Integers, rows: Integers, values: Floats, pivots: Floats) -> tuple[Floats, Floats]:
    """Return the inverse's entries on the pattern of L (below the diagonal by column, and the diagonal)."""
    size = len(pivots)
    lower = np.zeros(len(rows), dtype=np.float64)
    diagonal = np.zeros(size, dtype=np.float64)
    sums = np.zeros(size, dtype=np.float64)
    below = np.zeros(size, dtype=np.float64)
    member = np.full(size, -1, dtype=np.int64)
    for j in range(size - 1, -1, -1):
        if pivots[j] == 0.0:
            continue
        begin, end = pointers[j], pointers[j + 1]
        for p in range(begin, end):
            sums[rows[p]] = 0.0
            below[rows[p]] = values[p]
            member[rows[p]] = j
        # Z_ij = - sum_k Z_ik L_kj over the column's rows k: all those Z lie on the pattern, in one of its triangles
        for p in range(begin, end):
            k = rows[p]
            factor = values[p]
            other = diagonal[k] * factor
            for q in range(pointers[k], pointers[k + 1]):
                i = rows[q]
                if member[i] == j:
                    sums[i] -= lower[q] * factor
                    other += lower[q] * below[i]
            sums[k] -= other
        total = 1.0 / pivots[j]
        for p in range(begin, end):
            if pivots[rows[p]] > 0.0:  # a dependent row has no part in the inverse
                lower[p] = sums[rows[p]]
                total -= lower[p] * values[p]
        diagonal[j] = total
    return lower, diagonal


@compiled
def _quadratic(
    pointers: Integers, rows: Integers, lower: Floats, diagonal: Floats, indptr: Integers, places: Integers,
    data: Floats,
) -> Floats:  # fmt: skip
    """Return the quadratic form of every column by the inverse's entries."""
    found = np.zeros(len(indptr) - 1, dtype=np.float64)
    for column in range(len(indptr) - 1):
        total = 0.0
        for p in range(indptr[column], indptr[column + 1]):
            i = places[p]
            total += data[p] * data[p] * diagonal[i]
            for q in range(indptr[column], p):
                j = places[q]
                first, second = min(i, j), max(i, j)
                begin, end = pointers[first], pointers[first + 1]
                while begin < end:
                    middle = (begin + end) // 2
                    if rows[middle] < second:
                        begin = middle + 1
                    else:
                        end = middle
                if begin < pointers[first + 1] and rows[begin] == second:
                    total += 2.0 * data[p] * data[q] * lower[begin]
        found[column] = total
    return found
