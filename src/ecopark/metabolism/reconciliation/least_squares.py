"""Weighted least squares under linear balances: min (x - m)' V^-1 (x - m) subject to A x = b.

With lambda from (A V A') lambda = A m - b, x = m - V A' lambda (Kuehn and Davidson, "Computer control II: mathematics
of control", Chemical Engineering Progress 57, 1961; VDI 2048-1). Unmeasured variables are eliminated first
(`elimination`), the rest is whitened (`whitening`) and solved by what the fill asks for (`normal_equations`). V is
never inverted, so that exact variables and perfectly correlated errors need no special case.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from ecopark.metabolism.reconciliation.constraints import largest_terms
from ecopark.metabolism.reconciliation.elimination import Reduction, eliminate
from ecopark.metabolism.reconciliation.measurements import Floats, Integers, Measurements
from ecopark.metabolism.reconciliation.normal_equations import FILL_LIMIT, Method, NormalEquations
from ecopark.metabolism.reconciliation.whitening import WhitenedBalances, whiten

_OPEN = 1e-9
"""Relative to a balance's largest term: exact values that differ by more contradict each other."""
_CLOSED = 1e-11
"""Relative to a balance's largest term: refinement ends here."""
_STEP = 1e-12
"""Relative residual of each step of the refinement where the equations are iterated."""


class ContradictionError(ValueError):
    """Exact values, or bounds, that no solution satisfies; `rows` are the balances that cannot be closed."""

    def __init__(self, rows: Integers) -> None:
        self.rows = rows
        super().__init__(f"the balances {rows.tolist()} contradict values that are exact")


@dataclass(frozen=True, eq=False)
class Fit:
    """A weighted least squares solution.

    Shapes: `x` (n,) the reconciled variables (unobservable ones at their start), `errors` (errors,) in units of their
    deviations with x = m - W errors for measured ones, `root` W (n, errors) whose column `place`[k] is
    column k of the measurements' root, `score` (whitened rows,) = S^-1 r,
    `multipliers` (rows,), `objective` J. `matrix` A and `constant`
    b are the balances fitted, whose rows are those given and one for each variable `at_bound` (k,).
    """

    x: Floats
    errors: Floats
    root: sp.csr_matrix
    place: Integers
    score: Floats
    multipliers: Floats
    objective: float
    matrix: sp.csr_matrix
    constant: Floats
    at_bound: Integers
    measurements: Measurements
    reduction: Reduction
    whitened: WhitenedBalances
    equations: NormalEquations

    @property
    def ordered_errors(self) -> Floats:
        """The errors in the order of the measurements' root."""
        found: Floats = self.errors[self.place]
        return found

    @property
    def degrees_of_freedom(self) -> int:
        """The number of independent balances among the measured variables."""
        return self.equations.rank


def fit_linear(
    matrix: sp.csr_matrix,
    constant: Floats,
    measurements: Measurements,
    groups: Integers,
    *,
    at_bound: Integers | None = None,
    method: Method = "auto",
    limit: float = FILL_LIMIT,
) -> Fit:
    """Fit A x = b, the variables `at_bound` fixed at their lower bounds.

    Shapes: `matrix` (rows, n), `constant` (rows,), `groups` (rows,). Raises ContradictionError where exact values
    leave a balance open.
    """
    given = matrix.shape[0]
    held = np.zeros(0, dtype=np.int64) if at_bound is None else at_bound
    if len(held):
        fixed = sp.csr_matrix((np.ones(len(held)), (np.arange(len(held)), held)), shape=(len(held), matrix.shape[1]))
        matrix = sp.vstack([matrix, fixed], format="csr")
        constant = np.concatenate([constant, measurements.bounds[held]])
        first = int(groups.max(initial=-1)) + 1
        groups = np.concatenate([groups, first + np.arange(len(held))])
    unmeasured = ~measurements.measured
    start = np.zeros(measurements.size) if measurements.start is None else measurements.start
    reduction = eliminate(matrix, constant, unmeasured, groups, np.where(unmeasured, start, 0.0))
    values = np.where(unmeasured, 0.0, measurements.values)
    reduced_constant = reduction.combination @ constant
    residual = reduction.matrix @ values - reduced_constant
    reach = np.maximum(np.abs(values), measurements.deviations)
    size = np.maximum(largest_terms(reduction.matrix, reach), largest_terms(reduction.combination, constant))
    root, place = _arranged(measurements.root, reduction.matrix)
    whitened = whiten(reduction.matrix, root, residual, size, reduction.groups)
    wrong = whitened.dropped[whitened.open_by > _OPEN]
    if len(wrong):
        raise ContradictionError(_given_rows(reduction, wrong, given))
    equations = NormalEquations(whitened.matrix, whitened.groups, method, limit)
    score = np.zeros(len(whitened.groups))
    errors = np.zeros(root.shape[1])
    x, left, last = values, residual, np.inf
    scale = np.where(size > 0, size, 1.0)
    for _ in range(6):  # refinement: the residual is worked out anew from the balances as given
        change = equations.solve(whitened.transform @ left, _STEP)
        step = equations.transposed @ change
        better = x - root @ step
        left = reduction.matrix @ better - reduced_constant
        worst = float(np.max(np.abs(left) / scale, initial=0.0))
        if worst > 0.5 * last:
            break
        score, errors, x, last = score + change, errors + step, better, worst
        if worst < _CLOSED:
            break
    left = np.abs(reduction.matrix @ x - reduced_constant)
    scale = np.maximum(size, largest_terms(reduction.matrix, x))
    wrong = np.flatnonzero(left > _OPEN * np.where(scale > 0, scale, 1.0))
    if len(wrong):
        raise ContradictionError(_given_rows(reduction, wrong, given))
    multipliers = reduction.combination.T @ (whitened.transform.T @ score)
    return Fit(
        reduction.complete(x), errors, root, place, score, multipliers, float(errors @ errors), matrix, constant, held,
        measurements, reduction, whitened, equations,
    )  # fmt: skip


def _arranged(root: sp.csr_matrix, matrix: sp.csr_matrix) -> tuple[sp.csr_matrix, Integers]:
    """Return the root with its columns in the order of the balances that they enter, and each column's place.

    So neighbours lie near in memory.
    """
    balances = sp.csc_matrix(matrix @ root)
    balances.sort_indices()
    filled = np.flatnonzero(np.diff(balances.indptr) > 0)
    first, last = (np.full(root.shape[1], matrix.shape[0], dtype=np.int64) for _ in range(2))
    first[filled] = balances.indices[balances.indptr[filled]]
    last[filled] = balances.indices[balances.indptr[filled + 1] - 1]
    order = np.lexsort((last, first))
    place = np.empty(len(order), dtype=root.indices.dtype)
    place[order] = np.arange(len(order))
    arranged = sp.csr_matrix((root.data, place[root.indices], root.indptr), shape=root.shape)
    arranged.sort_indices()
    return arranged, place


def _given_rows(reduction: Reduction, rows: Integers, given: int) -> Integers:
    """Return the given balances that reduced ones are made of."""
    found: Integers = np.unique(reduction.combination[rows].indices).astype(np.int64)
    return found[found < given]
