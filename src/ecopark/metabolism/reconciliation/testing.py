"""Do the measurements fit together? The global test, and tests of every measurement and of every raw balance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from scipy import stats

from ecopark.metabolism.reconciliation.constraints import largest_terms
from ecopark.metabolism.reconciliation.least_squares import Fit
from ecopark.metabolism.reconciliation.measurements import Booleans, Floats
from ecopark.metabolism.reconciliation.variances import Variances

VDI_CRITICAL = 1.96
"""Limit of VDI 2048-1's test of a single measurement."""
VDI_FLOOR = 0.1
"""Least part of a measurement's own variance that VDI 2048-1 puts under an adjustment."""


@dataclass(frozen=True, slots=True)
class GlobalTest:
    """The chi-square test of the objective: `passed` where it is not above `critical` at significance `level`.

    Without redundant balances there is nothing to test: degrees_of_freedom is 0, `passed` True, `p_value` 1.
    """

    objective: float
    degrees_of_freedom: int
    level: float
    critical: float
    p_value: float
    passed: bool


def global_test(objective: float, degrees_of_freedom: int, level: float = 0.05) -> GlobalTest:
    """Test J against the chi-square distribution (VDI 2048-1; Reilly and Carpani 1963)."""
    if degrees_of_freedom <= 0:
        return GlobalTest(objective, 0, level, 0.0, 1.0, True)
    critical = float(stats.chi2.isf(level, degrees_of_freedom))
    p_value = float(stats.chi2.sf(objective, degrees_of_freedom))
    return GlobalTest(objective, degrees_of_freedom, level, critical, p_value, objective <= critical)


def sidak(level: float, tests: int) -> float:
    """Return the two-sided normal limit at which `tests` independent tests together have significance `level`.

    1 - (1 - level)^(1 / tests) for each of them (Sidak, Journal of the American Statistical Association 62, 1967; Mah
    and Tamhane, AIChE Journal 28, 1982).
    """
    single = -np.expm1(np.log1p(-level) / max(tests, 1))
    return float(stats.norm.isf(single / 2))


@dataclass(frozen=True, eq=False)
class MeasurementTests:
    """Tests of single measurements, (n,) each, NaN where a variable cannot be tested.

    `standardised`: |v| / s_v, the measurement test, which has the standard normal distribution where all is well;
    `suspicious` where it exceeds `critical` (corrected for the number of tests). `vdi`: |v| / sqrt(max(s_v^2,
    s_x^2 / 10)), VDI 2048-1's local test with its floor, against `VDI_CRITICAL`, which is not corrected.
    """

    standardised: Floats
    vdi: Floats
    critical: float
    tested: int
    suspicious: Booleans
    vdi_suspicious: Booleans


def measurement_tests(fit: Fit, known: Variances, level: float = 0.05) -> MeasurementTests:
    """Test every redundant measurement by its adjustment."""
    measurements = fit.measurements
    adjustment = np.where(measurements.measured, np.nan_to_num(measurements.values) - fit.x, 0.0)
    own = measurements.deviations**2
    testable = measurements.measured & (known.adjustment > 1e-10 * own) & (own > 0)
    standardised = np.full(measurements.size, np.nan)
    vdi = np.full(measurements.size, np.nan)
    standardised[testable] = np.abs(adjustment[testable]) / np.sqrt(known.adjustment[testable])
    floor = np.maximum(known.adjustment[testable], VDI_FLOOR * own[testable])
    vdi[testable] = np.abs(adjustment[testable]) / np.sqrt(floor)
    tested = int(testable.sum())
    critical = sidak(level, tested)
    with np.errstate(invalid="ignore"):
        return MeasurementTests(standardised, vdi, critical, tested, standardised > critical, vdi > VDI_CRITICAL)


@dataclass(frozen=True, eq=False)
class BalanceTests:
    """Tests of the balances as measured, (rows,) each, NaN where a balance has unmeasured flows or no uncertainty.

    `residual` A m - b, `deviation` its standard deviation, `standardised` |residual| / deviation against `critical`
    (corrected for the number of tests; Reilly and Carpani 1963, Mah, Stanley and Downing 1976).
    """

    residual: Floats
    deviation: Floats
    standardised: Floats
    critical: float
    suspicious: Booleans


def balance_tests(fit: Fit, rows: int, level: float = 0.05) -> BalanceTests:
    """Test each of the first `rows` balances of a fit by its residual before reconciliation."""
    known = fit.measurements
    matrix = fit.matrix[:rows]
    unmeasured = (~known.measured).astype(np.float64)
    complete = np.asarray(abs(matrix) @ unmeasured).ravel() == 0
    values = np.where(known.measured, known.values, 0.0)
    residual = np.where(complete, matrix @ values - fit.constant[:rows], np.nan)
    spread = sp.csr_matrix(matrix @ known.root)
    deviation = np.sqrt(np.asarray(spread.multiply(spread).sum(axis=1)).ravel())
    size = largest_terms(matrix, values)
    residual = np.where(np.abs(residual) <= 1e-14 * size, 0.0, residual)
    tested = complete & (deviation > 0)
    standardised = np.full(rows, np.nan)
    standardised[tested] = np.abs(residual[tested]) / deviation[tested]
    critical = sidak(level, int(tested.sum()))
    with np.errstate(invalid="ignore"):
        suspicious = standardised > critical
    return BalanceTests(residual, np.where(complete, deviation, np.nan), standardised, critical, suspicious)
