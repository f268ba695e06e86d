"""Conjugate gradients on the normal equations of whitened balances, several right-hand sides at once.

Hestenes and Stiefel, "Methods of conjugate gradients for solving linear systems", Journal of Research of the National
Bureau of Standards 49, 1952. The balances of each node are orthonormal already (see `whitening`), which is the
block-Jacobi preconditioner. Where balances depend on each other the system is singular but, unless exact values
contradict, consistent, and the iteration stays in the range where the solution is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from ecopark.metabolism.reconciliation.measurements import Floats


@dataclass(frozen=True, eq=False)
class Iterated:
    """A solution (rows, k), its largest relative residual and the iterations it took."""

    solution: Floats
    residual: float
    iterations: int


def conjugate_gradients(
    matrix: sp.csr_matrix, transposed: sp.csr_matrix, right: Floats, tolerance: float, limit: int = 5_000
) -> Iterated:
    """Solve B B' Y = right for right (rows, k) until every column's residual is `tolerance` of what it was.

    Stops at `limit` iterations, or when nothing has improved for 100 (contradictory exact values); `residual` tells how
    near it came.
    """
    solution = np.zeros_like(right)
    residual = right.copy()
    direction = residual.copy()
    square = np.einsum("ij,ij->j", residual, residual)
    first = np.where(square > 0, square, 1)
    goal = first * tolerance**2
    kept, kept_at = solution.copy(), float(np.max(square / first, initial=0.0))
    worst, least, since, iterations = kept_at, kept_at, 0, 0
    while iterations < limit and since < 100 and np.any(square > goal):
        iterations += 1
        product = matrix @ (transposed @ direction)
        curvature = np.einsum("ij,ij->j", direction, product)
        active = (square > goal * 1e-2) & (curvature > 0)
        step = np.where(active, square / np.where(active, curvature, 1), 0).astype(right.dtype)
        solution += step * direction
        residual -= step * product
        following = np.einsum("ij,ij->j", residual, residual)
        direction *= (following / np.where(square > 0, square, 1)).astype(right.dtype)
        direction += residual
        square = following
        worst = float(np.max(square / first, initial=0.0))
        since += 1
        if worst < 0.9 * least:
            least, since = worst, 0
        if worst < 1e-4 * kept_at:  # something to fall back on where rounding takes over
            kept, kept_at = solution.copy(), worst
    if worst <= kept_at:
        return Iterated(solution, float(np.sqrt(worst)), iterations)
    return Iterated(kept, float(np.sqrt(kept_at)), iterations)
