"""Weighted least squares under nonlinear balances by successive linearisation.

Each step fits the balances linearised at the last point (Knepper and Gorman, "Statistical analysis of constrained data
sets", AIChE Journal 26, 1980; Pai and Fisher, AIChE Journal 34, 1988, 873-876), bounds included; a step is shortened
until it lessens the sum of objective and weighted open balances (the exact penalty function of sequential quadratic
programming: Han, Journal of Optimization Theory and Applications 22, 1977).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ecopark.metabolism.reconciliation.bounds import fit_bounded
from ecopark.metabolism.reconciliation.constraints import Constraints
from ecopark.metabolism.reconciliation.least_squares import ContradictionError, Fit, fit_linear
from ecopark.metabolism.reconciliation.measurements import Floats, Measurements
from ecopark.metabolism.reconciliation.normal_equations import FILL_LIMIT, Method

_CONVERGED = 1e-8
_CLOSED = 1e-11


class NoConvergenceError(RuntimeError):
    """The successive linearisations did not come to rest."""


@dataclass(frozen=True, eq=False)
class Path:
    """The last `fit` (its matrix is the Jacobian at the solution) and the `linearisations` it took."""

    fit: Fit
    linearisations: int


def fit_constraints(
    measurements: Measurements,
    constraints: Constraints,
    *,
    method: Method = "auto",
    limit: float = FILL_LIMIT,
    rounds: int = 200,
) -> Path:
    """Fit any constraints; linear ones need one fit.

    Raises ContradictionError where linearised balances contradict exact values, NoConvergenceError where the steps
    do not come to rest.
    """
    start = np.zeros(measurements.size) if measurements.start is None else measurements.start
    x = np.where(measurements.measured, np.nan_to_num(measurements.values), start)
    if constraints.linear:
        origin = np.zeros_like(x)
        fit = fit_bounded(
            constraints.jacobian(origin), -constraints.residual(origin), measurements, constraints.groups,
            method=method, limit=limit,
        )  # fmt: skip
        return Path(fit, 1)
    errors: Floats | None = None
    penalty = np.zeros(constraints.count)
    reach = constraints.size(np.maximum(np.abs(x), measurements.deviations))
    active = None
    for step in range(1, rounds + 1):
        matrix, residual = constraints.jacobian(x), constraints.residual(x)
        current = replace(measurements, start=x)
        constant = matrix @ x - residual
        longest = 1.0
        try:
            fit = fit_bounded(
                matrix, constant, current, constraints.groups, at_bound=active, method=method, limit=limit
            )
            active = fit.at_bound
        except ContradictionError:
            # the linearised balances have no solution within the bounds: a step towards that without, short of them
            fit = fit_linear(matrix, constant, current, constraints.groups, method=method, limit=limit)
            active = None
            longest = _to_the_bounds(x, fit.x, measurements.bounds)
        if errors is None:
            errors = np.zeros_like(fit.errors)
        goal = fit.ordered_errors
        penalty = np.maximum(penalty, 2.0 * np.abs(fit.multipliers[: constraints.count]))
        length = _step_length(constraints, x, fit.x, errors, goal, penalty, longest)
        moved = _moved(x, fit.x, measurements, errors, goal)
        x = x + length * (fit.x - x) if length < 1 else fit.x
        errors = errors + length * (goal - errors)
        size = np.maximum(np.maximum(constraints.size(x), reach), 1e-300)
        closed = float(np.max(np.abs(constraints.residual(x)) / size, initial=0.0))
        if moved < _CONVERGED and closed < _CLOSED and longest == 1.0:
            return Path(replace(fit, x=x, measurements=measurements), step)
    raise NoConvergenceError(f"no solution of the nonlinear balances found in {rounds} linearisations")


def _moved(x: Floats, goal: Floats, measurements: Measurements, errors: Floats, goal_errors: Floats) -> float:
    """Return how far a step goes: in deviations for measured variables, in parts of itself for unmeasured ones."""
    unmeasured = ~measurements.measured
    size = np.maximum(np.abs(goal[unmeasured]), 1e-300)
    relative = float(np.max(np.abs(goal - x)[unmeasured] / size, initial=0.0))
    return max(relative, float(np.max(np.abs(goal_errors - errors), initial=0.0)))


def _to_the_bounds(x: Floats, goal: Floats, bounds: Floats) -> float:
    """Return the part of the way to `goal` that keeps a tenth of every distance to a bound."""
    down = (goal < bounds) & (x > bounds)
    return float(np.min(0.9 * (x - bounds)[down] / (x - goal)[down], initial=1.0))


def _step_length(
    constraints: Constraints, x: Floats, goal: Floats, errors: Floats, goal_errors: Floats, penalty: Floats,
    longest: float,
) -> float:  # fmt: skip
    """Return how far towards the fit to go: `longest`, or less where the balances bend too much."""

    def merit(point: Floats, error: Floats) -> tuple[float, float]:
        with np.errstate(all="ignore"):
            open_by = np.abs(constraints.residual(point))
        weighted = float(penalty @ open_by)
        found = 0.5 * float(error @ error) + weighted
        return (found if np.isfinite(found) else np.inf), weighted

    before, open_before = merit(x, errors)
    slope = float(errors @ (goal_errors - errors)) - open_before
    length = longest
    for _ in range(30):
        after, open_after = merit(x + length * (goal - x), errors + length * (goal_errors - errors))
        if after <= before + 1e-4 * length * min(slope, 0.0) + 1e-10 * abs(before) or (
            length == longest and open_after <= 0.25 * open_before
        ):
            return length
        length *= 0.5
    return length
