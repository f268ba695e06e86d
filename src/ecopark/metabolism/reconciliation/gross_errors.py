"""Which single error would explain what does not fit, and which measurements to leave out one after the other.

The generalised likelihood ratio (Narasimhan and Mah, "Generalized likelihood ratio method for gross error
identification", AIChE Journal 33, 1987, 1514-1521): an error of size b with signature f changes the balances' residuals
by b f; the best size is b = f' S^-1 r / f' S^-1 f and it lowers the objective by T = (f' S^-1 r)^2 / f' S^-1 f. For a
biased measurement f = A e_j; for a loss (or an unrecorded flow) at a balance f = e_i. Serial elimination after Ripps
(1965) and Serth and Heenan (AIChE Journal 32, 1986).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import scipy.sparse as sp

from ecopark.metabolism.reconciliation.bounds import fit_bounded
from ecopark.metabolism.reconciliation.least_squares import ContradictionError, Fit
from ecopark.metabolism.reconciliation.measurements import Floats, Integers
from ecopark.metabolism.reconciliation.normal_equations import Method
from ecopark.metabolism.reconciliation.testing import GlobalTest, global_test, measurement_tests
from ecopark.metabolism.reconciliation.variances import Variances, variances

Kind = Literal["measurement", "balance"]
Candidate = tuple[Kind, int, float, float]


@dataclass(frozen=True, slots=True)
class Suspect:
    """One error that would lower the objective by `statistic` (chi-square with one degree where all is well).

    `kind` measurement: variable `index` reads too much by `size`; balance: `size` more enters balance `index` than
    leaves it. `explains`: without this error the global test passes.
    """

    kind: Kind
    index: int
    statistic: float
    size: float
    objective_without: float
    explains: bool


def single_errors(fit: Fit, known: Variances, balances: int, *, level: float = 0.05, count: int = 10) -> list[Suspect]:
    """Return the single errors that lower the objective most, at most `count` of each kind, the strongest first.

    `known`: the variances of the fit; `balances`: how many of its rows are balances. Candidates that cannot be told
    apart (the two flows of a node with only these) have the same statistic.
    """
    candidates = [*_biases(fit, known, count), *_losses(fit, balances, count)]
    dof = max(fit.degrees_of_freedom - 1, 0)
    found = []
    for kind, index, slope, square in candidates:
        statistic = slope**2 / square
        left = max(fit.objective - statistic, 0.0)
        found.append(Suspect(kind, index, statistic, slope / square, left, global_test(left, dof, level).passed))
    found.sort(key=lambda suspect: (-suspect.statistic, suspect.kind, suspect.index))
    return found


def _biases(fit: Fit, known: Variances, count: int) -> list[Candidate]:
    """Return measurements with f' S^-1 r and f' S^-1 f of a bias, f = A e_j."""
    own = fit.measurements.deviations**2
    signatures = sp.csc_matrix(fit.whitened.transform @ fit.reduction.matrix)
    slope = np.asarray(signatures.T @ fit.score).ravel()
    square = np.full(len(slope), np.nan)
    tested = fit.measurements.measured & (known.adjustment > 1e-10 * own) & (own > 0)
    alone = tested & ~fit.measurements.correlated & known.exact
    square[alone] = known.adjustment[alone] / own[alone] ** 2
    joint = np.flatnonzero(tested & fit.measurements.correlated)
    joint = joint[np.argsort(-np.abs(slope[joint]) * fit.measurements.deviations[joint])][: max(20 * count, 200)]
    square[joint] = fit.equations.quadratic(signatures[:, joint])
    return _strongest("measurement", slope, square, own, count)


def _losses(fit: Fit, balances: int, count: int) -> list[Candidate]:
    """Return balances with f' S^-1 r and f' S^-1 f of a loss, f = e_i."""
    signatures = sp.csc_matrix(fit.whitened.transform @ fit.reduction.combination)[:, :balances]
    slope = np.asarray(signatures.T @ fit.score).ravel()
    length = np.asarray(signatures.multiply(signatures).sum(axis=0)).ravel()
    best: Integers = np.flatnonzero(length > 0)
    scale = np.divide(1.0, length, out=np.zeros_like(length), where=length > 0)
    square = np.full(balances, np.nan)
    whole = fit.reduction.combination.shape[0] == fit.matrix.shape[0]
    if fit.equations.direct and whole:  # each balance is its own: its block of the inverse is at hand
        square[best] = fit.equations.selected_quadratic(signatures[:, best])
        return _strongest("balance", slope, square, scale, count)
    if not fit.equations.direct or len(best) > 1_000:
        # a node's own block of S is the identity, so f' S^-1 f is not below the square of f's length
        best = best[np.argsort(-(slope[best] ** 2) / length[best])][: max(count, 12)]
    square[best] = fit.equations.quadratic(signatures[:, best])
    return _strongest("balance", slope, square, scale, count)


def _strongest(kind: Kind, slope: Floats, square: Floats, scale: Floats, count: int) -> list[Candidate]:
    """Return the candidates with the largest statistic; `square` times `scale` has no unit and says if one is seen."""
    known = np.flatnonzero(np.nan_to_num(square * scale) > 1e-12)
    statistic = slope[known] ** 2 / square[known]
    order = known[np.lexsort((known, -statistic))][:count]
    return [(kind, int(k), float(slope[k]), float(square[k])) for k in order if slope[k] != 0]


@dataclass(frozen=True, eq=False)
class Elimination:
    """Measurements left out one after the other (`removed`, with their statistics), and the `fit` and `test` after."""

    removed: list[tuple[int, float]]
    fit: Fit
    test: GlobalTest


def serial_elimination(
    fit: Fit, groups: Integers, *, level: float = 0.05, method: Method = "auto", steps: int = 10
) -> Elimination:
    """Leave out the measurement with the largest significant test, reconcile again, until the rest fits together.

    `groups` (rows,): those of the balances of `fit`. Ends when the global test passes, no test is significant, nothing
    redundant is left, or after `steps`.
    """
    rows = fit.matrix.shape[0] - len(fit.at_bound)
    matrix, constant = fit.matrix[:rows], fit.constant[:rows]
    removed: list[tuple[int, float]] = []
    current = fit
    test = global_test(current.objective, current.degrees_of_freedom, level)
    while not test.passed and len(removed) < steps:
        tests = measurement_tests(current, variances(current), level)
        if not np.any(tests.suspicious):
            break
        worst = int(np.nanargmax(tests.standardised))
        values = current.measurements.values.copy()
        values[worst] = np.nan
        known = replace(current.measurements, values=values, start=fit.x)
        try:
            following = fit_bounded(matrix, constant, known, groups[:rows], at_bound=current.at_bound, method=method)
        except ContradictionError:
            break
        removed.append((worst, float(tests.standardised[worst])))
        current = following
        test = global_test(current.objective, current.degrees_of_freedom, level)
    return Elimination(removed, current, test)
