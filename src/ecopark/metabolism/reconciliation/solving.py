"""Reconciliation of arrays: fit, classification, tests and suspects in one call."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ecopark.metabolism.reconciliation.constraints import Constraints
from ecopark.metabolism.reconciliation.gross_errors import Suspect, single_errors
from ecopark.metabolism.reconciliation.least_squares import Fit
from ecopark.metabolism.reconciliation.measurements import Floats, Measurements
from ecopark.metabolism.reconciliation.nonlinear import fit_constraints
from ecopark.metabolism.reconciliation.normal_equations import FILL_LIMIT, Method
from ecopark.metabolism.reconciliation.testing import (
    BalanceTests,
    GlobalTest,
    MeasurementTests,
    balance_tests,
    global_test,
    measurement_tests,
    sidak,
)
from ecopark.metabolism.reconciliation.variances import Variances, variances

REDUNDANT, NONREDUNDANT, EXACT, OBSERVABLE, UNOBSERVABLE = (
    "redundant", "nonredundant", "exact", "observable", "unobservable",
)  # fmt: skip
"""redundant: others check it; nonredundant: measured, nothing checks it; observable: unmeasured, but determined."""


@dataclass(frozen=True, eq=False)
class Solution:
    """Reconciled variables with all that is known about them.

    Shapes: `x` (n,), NaN where unobservable; `sd` (n,) its standard deviation; `classification` (n,) of the names in
    this module; `open_after` (rows,) the balances' residuals
    relative to their largest term, measured or reconciled.
    """

    x: Floats
    sd: Floats
    classification: npt.NDArray[np.str_]
    fit: Fit
    variances: Variances
    test: GlobalTest
    measurement_tests: MeasurementTests
    balance_tests: BalanceTests
    open_after: Floats
    suspects: list[Suspect]
    linearisations: int

    @property
    def method(self) -> str:
        """How the equations were solved: direct, iterative or mixed."""
        found = {component.method for component in self.fit.equations.components}
        return "mixed" if len(found) > 1 else next(iter(found), "direct")


def reconcile_measurements(
    measurements: Measurements,
    constraints: Constraints,
    *,
    level: float = 0.05,
    method: Method = "auto",
    limit: float = FILL_LIMIT,
    suspects: int = 10,
) -> Solution:
    """Reconcile measured variables with balances.

    `level`: significance of all tests; `method`: auto chooses by the fill of the factor, `limit` its entries;
    `suspects`: how many single errors of each kind to look for (0: none). Raises ContradictionError for exact values or
    bounds that no solution satisfies, NoConvergenceError where nonlinear balances do not come to rest.
    """
    path = fit_constraints(measurements, constraints, method=method, limit=limit)
    fit = path.fit
    known = variances(fit, level=sidak(level, measurements.size))
    tests = measurement_tests(fit, known, level)
    test = global_test(fit.objective, fit.degrees_of_freedom, level)
    raw = np.where(measurements.measured, np.nan_to_num(measurements.values), fit.x)
    size = np.maximum(constraints.size(fit.x), constraints.size(raw))
    after = np.abs(constraints.residual(fit.x)) / np.where(size > 0, size, 1.0)
    found = single_errors(fit, known, constraints.count, level=level, count=suspects) if suspects else []
    kinds = classify(fit)
    x = np.where(kinds == UNOBSERVABLE, np.nan, fit.x)
    return Solution(
        x, known.deviations(), kinds, fit, known, test, tests, balance_tests(fit, constraints.count, level), after,
        found, path.linearisations,
    )  # fmt: skip


def classify(fit: Fit) -> npt.NDArray[np.str_]:
    """Return what the balances say about each variable: (n,) of redundant, nonredundant, exact, observable, ..."""
    known, reduction = fit.measurements, fit.reduction
    found = np.full(known.size, NONREDUNDANT, dtype="<U12")
    found[known.measured & reduction.redundant] = REDUNDANT
    found[known.exact] = EXACT
    found[~known.measured] = UNOBSERVABLE
    found[reduction.observable] = OBSERVABLE
    return found
