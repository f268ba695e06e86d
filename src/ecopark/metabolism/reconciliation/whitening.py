"""Balances in units of their measurements' errors, those of one node made orthonormal.

The normal equations' diagonal blocks become identities, and balances of a node that follow from its others fall out.
With covariance V = W W' the balances A x = b become B e = r for the errors e of unit variance, B = A W, r = A m - b.
The rows of one group (a node's layers, which are nearly parallel) are replaced by an orthonormal basis of what they
span, by Gram-Schmidt with row pivoting and a second pass. That is both the block-Jacobi preconditioner of the normal
equations B B' and the rank decision, without squaring the condition number.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from ecopark.accounting.uncertainty.kernel import compiled
from ecopark.metabolism.reconciliation.measurements import Booleans, Floats, Integers

_PARALLEL = 1e-11
"""A row is one of its node's others when this part of its length is left after they are taken out."""


@dataclass(frozen=True, eq=False)
class WhitenedBalances:
    """Orthonormal balances.

    `matrix` B (rows, errors), `transform` (rows, given rows) with B = transform A W; `groups`
    (rows,) numbered from 0; `dropped`: given rows that follow from others of their group, `open_by` (dropped,) what
    their right-hand side differs by, relative to their largest term (0 where the balances agree).
    """

    matrix: sp.csr_matrix
    transform: sp.csr_matrix
    groups: Integers
    dropped: Integers
    open_by: Floats


def whiten(
    matrix: sp.csr_matrix, root: sp.csr_matrix, residual: Floats, size: Floats, groups: Integers
) -> WhitenedBalances:
    """Return the balances whitened by `root` and made orthonormal group by group.

    Shapes: `matrix` (rows, n), `root` W (n, errors), `residual` (rows,) = A m - b and `size` (rows,) its largest term,
    `groups` (rows,).
    """
    raw = sp.csr_matrix(matrix @ root)
    raw.sort_indices()
    _, numbered = np.unique(groups, return_inverse=True)
    numbered = numbered.astype(np.int64)
    order = np.argsort(numbered, kind="stable").astype(np.int64)
    starts = np.searchsorted(numbered[order], np.arange(numbered.max() + 2 if len(numbered) else 1))
    size = np.where(size > 0, size, 1.0)
    kept, data, columns, pointers, made, made_pointers, open_by = _orthonormal(
        raw.indptr.astype(np.int64), raw.indices.astype(np.int64), raw.data, residual, size, order,
        starts.astype(np.int64), raw.shape[1], _PARALLEL,
    )  # fmt: skip
    rows = order[kept]
    shape = (len(rows), raw.shape[1])
    basis = sp.csr_matrix((data, columns, pointers), shape=shape)
    group_rows = np.repeat(starts[:-1], np.diff(starts))  # where each ordered row's group begins
    lengths = np.diff(made_pointers)
    within = np.arange(len(made)) - np.repeat(made_pointers[:-1], lengths)
    given = order[np.repeat(group_rows[kept], lengths) + within]
    transform = sp.csr_matrix((made, given, made_pointers), shape=(len(rows), raw.shape[0]))
    dropped = order[~kept]
    return WhitenedBalances(basis, transform, numbered[rows], dropped, open_by[~kept])


@compiled
def _orthonormal(
    indptr: Integers, indices: Integers, values: Floats, residual: Floats, size: Floats, order: Integers,
    starts: Integers, width: int, parallel: float,
) -> tuple[Booleans, Floats, Integers, Integers, Floats, Integers, Floats]:  # fmt: skip
    """Return, for the rows in `order`: which are kept; the orthonormal rows; their combinations; open right sides."""
    count = len(order)
    kept = np.zeros(count, dtype=np.bool_)
    open_by = np.zeros(count, dtype=np.float64)
    place = np.full(width, -1, dtype=np.int64)
    made_capacity = 0
    for g in range(len(starts) - 1):
        made_capacity += (starts[g + 1] - starts[g]) ** 2
    pointers = np.zeros(count + 1, dtype=np.int64)
    made_pointers = np.zeros(count + 1, dtype=np.int64)
    made_all = np.empty(made_capacity, dtype=np.float64)
    data = np.empty(len(values) + 16, dtype=np.float64)
    columns = np.empty(len(data), dtype=np.int64)
    used, made_used = 0, 0
    for g in range(len(starts) - 1):
        first, rows = starts[g], starts[g + 1] - starts[g]
        support = 0
        for k in range(rows):
            row = order[first + k]
            support += indptr[row + 1] - indptr[row]
        mine = np.empty(support, dtype=np.int64)
        support = 0
        for k in range(rows):
            row = order[first + k]
            for p in range(indptr[row], indptr[row + 1]):
                if place[indices[p]] < 0:
                    place[indices[p]] = support
                    mine[support] = indices[p]
                    support += 1
        work = np.zeros((rows, support), dtype=np.float64)
        made = np.zeros((rows, rows), dtype=np.float64)
        length = np.zeros(rows, dtype=np.float64)
        right = np.zeros(rows, dtype=np.float64)
        scale = np.zeros(rows, dtype=np.float64)
        for k in range(rows):
            row = order[first + k]
            total = 0.0
            for p in range(indptr[row], indptr[row + 1]):
                work[k, place[indices[p]]] += values[p]
            for c in range(support):
                total += work[k, c] * work[k, c]
            length[k] = np.sqrt(total)
            right[k], scale[k] = residual[row], size[row]
            factor = 1.0 / length[k] if length[k] > 0.0 else 1.0 / size[row]
            made[k, k] = factor
            right[k] *= factor
            scale[k] *= factor
            for c in range(support):
                work[k, c] *= factor
        for c in range(support):
            place[mine[c]] = -1
        basis = np.empty(rows, dtype=np.int64)
        rank = 0
        left = np.ones(rows, dtype=np.float64)
        taken = np.zeros(rows, dtype=np.bool_)
        for k in range(rows):
            if length[k] == 0.0:
                left[k] = 0.0
        while True:
            best = -1
            for k in range(rows):
                if not taken[k] and left[k] > parallel and (best < 0 or left[k] > left[best]):
                    best = k
            if best < 0:
                break
            for _ in range(2):  # the second pass takes out what rounding left of the first
                for r in range(rank):
                    other = basis[r]
                    dot = 0.0
                    for c in range(support):
                        dot += work[best, c] * work[other, c]
                    for c in range(support):
                        work[best, c] -= dot * work[other, c]
                    for c in range(rows):
                        made[best, c] -= dot * made[other, c]
                    right[best] -= dot * right[other]
                    scale[best] = max(scale[best], abs(dot) * scale[other])
            total = 0.0
            for c in range(support):
                total += work[best, c] * work[best, c]
            norm = np.sqrt(total)
            taken[best] = True
            if norm <= parallel:
                left[best] = 0.0
                open_by[first + best] = abs(right[best]) / scale[best]
                continue
            for c in range(support):
                work[best, c] /= norm
            for c in range(rows):
                made[best, c] /= norm
            right[best] /= norm
            scale[best] /= norm
            basis[rank] = best
            rank += 1
            kept[first + best] = True
            for k in range(rows):
                if taken[k] or left[k] <= parallel:
                    continue
                dot = 0.0
                for c in range(support):
                    dot += work[k, c] * work[best, c]
                total = 0.0
                for c in range(support):
                    work[k, c] -= dot * work[best, c]
                    total += work[k, c] * work[k, c]
                for c in range(rows):
                    made[k, c] -= dot * made[best, c]
                right[k] -= dot * right[best]
                scale[k] = max(scale[k], abs(dot) * scale[best])
                left[k] = np.sqrt(total)
        for k in range(rows):
            if not kept[first + k]:
                open_by[first + k] = abs(right[k]) / scale[k]
        needed = used + rank * support
        if needed > len(data):
            larger, wider = np.empty(2 * needed, dtype=np.float64), np.empty(2 * needed, dtype=np.int64)
            larger[:used], wider[:used] = data[:used], columns[:used]
            data, columns = larger, wider
        for k in range(rows):
            if kept[first + k]:
                for c in range(support):
                    data[used] = work[k, c]
                    columns[used] = mine[c]
                    used += 1
                pointers[first + k + 1] = support
                for c in range(rows):
                    made_all[made_used] = made[k, c]
                    made_used += 1
                made_pointers[first + k + 1] = rows
    final = kept.sum()
    ends, made_ends = np.zeros(final + 1, dtype=np.int64), np.zeros(final + 1, dtype=np.int64)
    number = 0
    for k in range(count):
        if kept[k]:
            ends[number + 1] = ends[number] + pointers[k + 1]
            made_ends[number + 1] = made_ends[number] + made_pointers[k + 1]
            number += 1
    return kept, data[:used], columns[:used], ends, made_all[:made_used], made_ends, open_by
