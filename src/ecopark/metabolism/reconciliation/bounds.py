"""No negative flow: weighted least squares under balances and lower bounds.

First an active set by block principal pivoting (Judice and Pires, "A block principal pivoting algorithm for large-scale
strictly monotone linear complementarity problems", Computers & Operations Research 21, 1994): all variables below their
bound are fixed there and all whose multiplier has the wrong sign are released at once, until the Karush-Kuhn-Tucker
conditions hold. Where that does not come to rest, or fixes more than the balances allow, the dual problem is solved:

    min 1/2 mu' Q mu + (x - lower)' mu,  mu >= 0,   with Q the covariance of the reconciled values x without bounds

over the variables that fall below their bounds, by the active set of non-negative least squares (Lawson and Hanson,
"Solving least squares problems", 1974, chapter 23); x + Q mu is the answer.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import scipy.sparse as sp

from ecopark.metabolism.reconciliation.least_squares import ContradictionError, Fit, fit_linear
from ecopark.metabolism.reconciliation.measurements import Booleans, Floats, Integers, Measurements
from ecopark.metabolism.reconciliation.normal_equations import FILL_LIMIT, Method

_BELOW = 1e-9
_ROUNDS = 12
_GROWTH = 60


def fit_bounded(
    matrix: sp.csr_matrix,
    constant: Floats,
    measurements: Measurements,
    groups: Integers,
    *,
    at_bound: Integers | None = None,
    method: Method = "auto",
    limit: float = FILL_LIMIT,
) -> Fit:
    """Fit A x = b with x >= lower; `at_bound` is a first guess of the variables at their bounds.

    Raises ContradictionError where no such x exists.
    """

    def fitted(held: Integers) -> Fit:
        return fit_linear(matrix, constant, measurements, groups, at_bound=held, method=method, limit=limit)

    active = np.zeros(measurements.size, dtype=bool)
    if at_bound is not None:
        active[at_bound] = True
    fewest = measurements.size + 1
    for _ in range(_ROUNDS):
        try:
            fit = fitted(np.flatnonzero(active))
        except ContradictionError:
            if not active.any():
                raise
            break
        wrong = violations(fit)
        count = int(wrong.sum())
        if count == 0:
            return _clipped(fit)
        if count >= fewest and not active.any():
            break
        fewest = min(fewest, count)
        active ^= wrong
    free = fitted(np.zeros(0, dtype=np.int64))
    if not _below(free).any():
        return _clipped(free)
    fit = fitted(_dual(free))
    if np.any(_below(fit)):
        raise ContradictionError(_balances_of(fit, np.flatnonzero(_below(fit))))
    return _clipped(fit)


def _dual(fit: Fit) -> Integers:
    """Return the variables at their bounds, by the dual problem of a fit without bounds."""
    reduction, equations, known = fit.reduction, fit.equations, fit.measurements
    # how every variable follows from the errors: x = x0 - response e
    response = sp.csr_matrix(fit.root + reduction.dependence @ fit.root)
    x = fit.x
    chosen = np.flatnonzero(_below(fit))
    held: Integers = np.zeros(0, dtype=np.int64)
    if not len(chosen):
        return held
    columns = np.zeros((known.size, 0))
    for _ in range(_GROWTH):
        new = chosen[columns.shape[1] :]
        directions = response[new].T.toarray()
        free = directions - equations.transposed @ equations.solve(equations.matrix @ directions)
        columns = np.hstack([columns, response @ free])
        covariance = columns[chosen]
        spread = np.sqrt(np.maximum(np.diag(covariance), 0.0))
        stiff = spread <= 1e-9 * np.maximum(np.sqrt(np.asarray(response[chosen].power(2).sum(axis=1)).ravel()), 1e-300)
        if np.any(stiff):
            raise ContradictionError(_balances_of(fit, chosen[stiff]))
        scaled = covariance / np.outer(spread, spread)
        gap = (fit.x - known.bounds)[chosen] / spread
        weight = _nonnegative(0.5 * (scaled + scaled.T) + 1e-10 * np.eye(len(chosen)), gap)
        multipliers = weight / spread
        x = fit.x + columns @ multipliers
        held = chosen[weight > 1e-12 * weight.max(initial=1.0)]
        below = np.flatnonzero(_below(replace(fit, x=x)))
        further = np.setdiff1d(below, chosen)
        if not len(further):
            return held
        chosen = np.concatenate([chosen, further])
    return held


def _nonnegative(matrix: Floats, linear: Floats) -> Floats:
    """Return the mu >= 0 that minimises 1/2 mu' matrix mu + linear' mu for a positive definite matrix (k, k)."""
    count = len(linear)
    found = np.zeros(count)
    free = np.zeros(count, dtype=bool)
    tolerance = 1e-12 * max(float(np.abs(linear).max(initial=0.0)), 1.0)
    for _ in range(20 * count + 20):
        pull = np.where(free, -np.inf, -(matrix @ found + linear))
        best = int(np.argmax(pull))
        if pull[best] <= tolerance:
            break
        free[best] = True
        while True:
            goal = np.zeros(count)
            goal[free] = np.linalg.solve(matrix[np.ix_(free, free)], -linear[free])
            blocked = free & (goal <= 0)
            if not blocked.any():
                found = goal
                break
            steps = found[blocked] / np.maximum(found[blocked] - goal[blocked], 1e-300)
            found = np.where(free, found + float(steps.min()) * (goal - found), 0.0)
            free &= ~(blocked & (found <= tolerance * 1e-3))
            free[np.flatnonzero(blocked)[int(np.argmin(steps))]] = False
            found[~free] = 0.0
    return found


def _balances_of(fit: Fit, variables: Integers) -> Integers:
    """Return the balances that hold any of the variables."""
    found: Integers = np.unique(fit.matrix.tocsc()[:, variables].indices).astype(np.int64)
    balances: Integers = found[found < fit.matrix.shape[0] - len(fit.at_bound)]
    return balances


def _clipped(fit: Fit) -> Fit:
    """Return the fit without what rounding has left below a bound."""
    bounds = np.where(fit.measurements.measured | fit.reduction.observable, fit.measurements.bounds, -np.inf)
    return replace(fit, x=np.maximum(fit.x, bounds))


def _below(fit: Fit) -> Booleans:
    """Return which variables lie below their bound by more than rounding."""
    known = fit.measurements
    found = np.zeros(known.size, dtype=bool)
    checked = np.isfinite(known.bounds) & (known.measured | fit.reduction.observable)
    checked[fit.at_bound] = False
    gap = np.where(checked, fit.x - np.where(checked, known.bounds, 0.0), 0.0)
    below = np.flatnonzero(gap < 0)
    if not len(below):
        return found
    magnitude = np.abs(np.where(known.measured, known.values, 0.0)) + known.deviations
    missing = below[magnitude[below] == 0]
    if len(missing):  # unmeasured: judged against the largest flow of the balances that it stands in
        columns = fit.matrix.tocsc()
        terms = np.abs(fit.matrix) @ np.abs(fit.x)
        for variable in missing:
            part = slice(columns.indptr[variable], columns.indptr[variable + 1])
            slope = np.abs(columns.data[part])
            magnitude[variable] = (terms[columns.indices[part]][slope > 0] / slope[slope > 0]).max(initial=0.0)
    found[below] = gap[below] < -_BELOW * magnitude[below]
    return found


def violations(fit: Fit) -> Booleans:
    """Return which variables break a Karush-Kuhn-Tucker condition: below their bound, or held there wrongly.

    Raises ContradictionError for an exact value below its bound.
    """
    known = fit.measurements
    found = _below(fit)
    exact = np.flatnonzero(found & known.exact)
    if len(exact):
        raise ContradictionError(_balances_of(fit, exact))
    held = fit.multipliers[fit.matrix.shape[0] - len(fit.at_bound) :] if len(fit.at_bound) else np.zeros(0)
    # a multiplier times the deviation is in units of one: beside the others that it is compared with
    size = held * np.where(known.deviations[fit.at_bound] > 0, known.deviations[fit.at_bound], 1.0)
    found[fit.at_bound] = size > 1e-9 * np.abs(size).max(initial=0.0)
    return found
