"""IPCC Approach 1: uncertainty of an inventory by error propagation, lines taken as uncorrelated.

Source: IPCC 2006 Guidelines, volume 1, chapter 3, section 3.2.3.1, equations 3.1 and 3.2, and Table 3.2 with its notes
A and B. Uncertainties are half-widths of the 95 % interval in per cent of the central value. Asymmetric ranges are
propagated twice, the lower halves and the upper halves apart. For a correlated calculation use `linear.first_order`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import ArrayLike

from ecopark.accounting.uncertainty.linear import sensitivities
from ecopark.accounting.uncertainty.product_sum import ProductSum
from ecopark.accounting.uncertainty.quantiles import EXACT, FloatArray
from ecopark.accounting.uncertainty.remarks import exact_variables
from ecopark.model.problems import Problem
from ecopark.translation import N_

LARGE = 30.0
"""Half-width in per cent above which Approach 1 is no longer reliable."""

_LARGE = N_("{count} of {all} values have a 95 % half-width above 30 %; Approach 1 holds for smaller ones only.")
_USE_APPROACH_2 = N_("Rely on Approach 2 (Monte Carlo).")
_CORRELATED = N_("Factors that several lines share correlate these lines; Approach 1 takes them as independent.")
_USE_CORRELATED = N_("Rely on the correlated first-order result or on Approach 2 (Monte Carlo).")


@dataclass(frozen=True, eq=False)
class Approach1:
    """Result of `approach_1`.

    `totals`: group, value, lower_percent, upper_percent (half-widths U of the 95 % range in per cent of |value|, null
    where the value is zero), low, high. `line_half_widths` (2, L): lower and upper half-width of every line in its own
    unit.
    """

    product_sum: ProductSum
    totals: pl.DataFrame
    remarks: list[Problem]
    line_half_widths: FloatArray

    def lines(self, group: str) -> pl.DataFrame:
        """Return the lines of `group`, with the columns of Table 3.2 of the Guidelines, for either half.

        line, value, lower_percent and upper_percent (column G, equation 3.1), lower_contribution and
        upper_contribution (column H, (G·D)²/(ΣD)² in per cent squared), lower_share and upper_share (H over ΣH).
        """
        members = self.product_sum.groups[group]
        value = self.product_sum.line_values()[members]
        half = self.line_half_widths[:, members]
        columns: dict[str, pl.Series | FloatArray] = {
            "line": self.product_sum.line_id.gather(members), "value": value,
        }  # fmt: skip
        for name, width in zip(("lower", "upper"), half, strict=True):
            contribution = _ratio(width, value.sum()) ** 2 * 1e4
            columns[f"{name}_percent"] = _ratio(width, value) * 100
            columns[f"{name}_contribution"] = contribution
            columns[f"{name}_share"] = _ratio(width**2, (width**2).sum())
        return pl.DataFrame(columns).fill_nan(None)


def approach_1(product_sum: ProductSum) -> Approach1:
    """Propagate the 95 % half-widths of `product_sum` to lines (equation 3.1) and to every group (equation 3.2).

    Equation 3.1, a product: U = √(U₁² + … + U_n²). Equation 3.2, a sum: U = √(Σ (U_l x_l)²) / |Σ x_l|. A half-width
    counts on the side to which it moves the line, so a factor of a negative line (sold power) widens the other side.

    Warns (`remarks`) where a half-width is above 30 % and where shared factors correlate the lines.
    """
    sums = product_sum
    exact = sums.shapes.kind == EXACT
    reach = np.stack([np.where(exact, 0.0, sums.central - sums.low), np.where(exact, 0.0, sums.high - sums.central)])
    # A variable that a line uses twice is one variable with twice the slope: sum before squaring.
    pair = sums.incidence_line * max(sums.variable_count, 1) + sums.line_variable
    pairs, of_pair = np.unique(pair, return_inverse=True)
    slope = np.bincount(of_pair, sensitivities(sums, sums.central), len(pairs))
    line, variable = np.divmod(pairs, max(sums.variable_count, 1))
    half = np.empty((2, sums.line_count))
    for side in (0, 1):
        width = np.where(slope >= 0, reach[side, variable], reach[1 - side, variable]) * slope
        half[side] = np.sqrt(np.bincount(line, width**2, sums.line_count))
    values = sums.line_values()
    rows = []
    for name, members in sums.groups.items():
        value = float(values[members].sum())
        lower, upper = (float(np.sqrt((half[side, members] ** 2).sum())) for side in (0, 1))
        percent = (lower / abs(value) * 100, upper / abs(value) * 100) if value else (None, None)
        rows.append((name, value, *percent, value - lower, value + upper))
    names = ["group", "value", "lower_percent", "upper_percent", "low", "high"]
    totals = pl.DataFrame(rows, schema=dict.fromkeys(names, pl.Float64) | {"group": pl.String}, orient="row")
    return Approach1(sums, totals, exact_variables(sums) + _warnings(sums, reach), half)


def _warnings(sums: ProductSum, reach: FloatArray) -> list[Problem]:
    used = np.unique(sums.line_variable)
    large = int((_ratio(reach.max(axis=0), sums.central) * 100 > LARGE)[used].sum())
    warnings = []
    if large:
        values: dict[str, object] = {"count": large, "all": len(used)}
        warnings.append(Problem("uncertainty.large", "", _LARGE, _USE_APPROACH_2, values, "warning"))
    if sums.shared:
        warnings.append(Problem("uncertainty.correlated", "", _CORRELATED, _USE_CORRELATED, severity="warning"))
    return warnings


@dataclass(frozen=True, eq=False)
class Trend:
    """Result of `trend`.

    `base` and `value` are the totals of the two years, `change` the change in per cent of the base year, `uncertainty`
    the half-width of its 95 % range in percentage points. `lines` has the columns of Table 3.2 by their letters: C and
    D (emissions), E and F (uncertainties), I and J (sensitivities of type A and B), K (factor), L (activity), M (their
    sum of squares).
    """

    base: float
    value: float
    change: float
    uncertainty: float
    lines: pl.DataFrame


def trend(
    base: ArrayLike,
    value: ArrayLike,
    activity_uncertainty: ArrayLike,
    factor_uncertainty: ArrayLike,
    *,
    activity_correlated: ArrayLike = False,
    factor_correlated: ArrayLike = True,
) -> Trend:
    """Return the uncertainty of the change from a base year to a year, after Table 3.2 of the Guidelines.

    `base` (C) and `value` (D) are the emissions of the L lines in the two years, in one unit; `activity_uncertainty`
    (E) and `factor_uncertainty` (F) their half-widths in per cent, the same in both years. With the sums over lines

        I = |(0.01·D_l + ΣD - (0.01·C_l + ΣC)) / (0.01·C_l + ΣC) · 100 - (ΣD - ΣC) / ΣC · 100|   (type A, correlated)
        J = |D_l / ΣC|                                                                           (type B, independent)

    the factor's part is K = I·F where factors are correlated between the years (the default), else J·F·√2; the
    activity's part is L = J·E·√2 (the default), or I·E where correlated; the trend's uncertainty √(Σ (K² + L²)). For
    asymmetric ranges call twice, with the lower and with the upper half-widths. Raises ValueError where ΣC is zero.
    """
    names = ("C", "D", "E", "F")
    c, d, e, f = np.broadcast_arrays(
        *(np.asarray(a, dtype=np.float64) for a in (base, value, activity_uncertainty, factor_uncertainty))
    )
    sum_c, sum_d = float(c.sum()), float(d.sum())
    if sum_c == 0:
        raise ValueError("the base year's total is zero: a change in per cent of it has no meaning")
    change = (sum_d - sum_c) / sum_c * 100
    type_a = np.abs((0.01 * d + sum_d - (0.01 * c + sum_c)) / (0.01 * c + sum_c) * 100 - change)
    type_b = np.abs(d / sum_c)
    k = np.where(factor_correlated, type_a * f, type_b * f * np.sqrt(2))
    activity = np.where(activity_correlated, type_a * e, type_b * e * np.sqrt(2))
    m = k**2 + activity**2
    columns = dict(zip((*names, "I", "J", "K", "L", "M"), (c, d, e, f, type_a, type_b, k, activity, m), strict=True))
    return Trend(sum_c, sum_d, change, float(np.sqrt(m.sum())), pl.DataFrame(columns))


def _ratio(part: FloatArray, whole: FloatArray | float) -> FloatArray:
    """Return part / |whole|, NaN where the whole is zero."""
    whole = np.broadcast_to(np.abs(whole), part.shape)
    result: FloatArray = np.divide(part, whole, out=np.full(part.shape, np.nan), where=whole != 0)
    return result
