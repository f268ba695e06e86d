"""First-order propagation of uncertainty with correlation, and the contributions to the variance.

General law (JCGM 100:2008, GUM, equations 13 and H.9): for y = f(x) with Jacobian J and covariance V of the inputs,
the covariance of the outputs is J V Jᵀ.

For a `ProductSum` the inputs are the variables, correlated fully where they share a draw and not at all elsewhere.
With the sensitivities c_v = ∂T/∂x_v of a total T at the variables' means and their standard deviations u_v,

    u²(T) = Σ_draws S_d²,   S_d = Σ_{v with draw d} c_v u_v

(GUM equations 10 and 16 with r = 1 inside a draw): summed first and squared afterwards, so that a factor shared by many
lines is counted as the one number that it is. The part of a line or variable is its covariance with the total over
the variance of the total, S_d·c_v·u_v / u²(T); the parts sum to 1 and one is negative where a source offsets others.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ecopark.accounting.uncertainty.product_sum import IntArray, ProductSum
from ecopark.accounting.uncertainty.quantiles import Z975, FloatArray
from ecopark.accounting.uncertainty.remarks import exact_variables
from ecopark.model.problems import Problem

if TYPE_CHECKING:
    from scipy.sparse import csr_array


def propagate(jacobian: FloatArray, covariance: FloatArray) -> FloatArray:
    """Return the covariance (m, m) of m outputs, J V Jᵀ, from the `jacobian` (m, n) and the `covariance` (n, n).

    Units: entry (i, j) of the result has the unit of output i times that of output j. Source: GUM equation 13 (one
    output) and annex H.2 (several). Raises ValueError where the shapes do not fit or the covariance is not symmetric.
    """
    jacobian, covariance = np.atleast_2d(jacobian), np.atleast_2d(covariance)
    if covariance.shape != (jacobian.shape[1],) * 2:
        raise ValueError(f"a Jacobian of shape {jacobian.shape} needs no covariance of shape {covariance.shape}")
    if not np.allclose(covariance, covariance.T, rtol=1e-9, atol=0):
        raise ValueError("the covariance is not symmetric")
    result: FloatArray = jacobian @ covariance @ jacobian.T
    return result


def correlation(covariance: FloatArray) -> FloatArray:
    """Return the correlation matrix of a `covariance` (n, n): r_ij = V_ij / √(V_ii V_jj); NaN for an exact entry."""
    sd = np.sqrt(np.diag(covariance))
    with np.errstate(invalid="ignore", divide="ignore"):
        result: FloatArray = covariance / np.outer(sd, sd)
    return result


def sensitivities(product_sum: ProductSum, variables: FloatArray) -> FloatArray:
    """Return ∂y_l/∂x for every incidence of `product_sum` at `variables` (V entries): the product of the others."""
    factors = variables[product_sum.line_variable]
    line = product_sum.incidence_line
    zero = factors == 0
    zeros = np.bincount(line[zero], minlength=product_sum.line_count)
    others = (product_sum.constant * product_sum.products(np.where(zero, 1.0, factors)))[line]
    # One zero in a line leaves a slope for that factor alone, two leave none.
    result: FloatArray = np.where(zero, others, np.divide(others, factors, out=np.zeros_like(others), where=~zero))
    result[(zeros[line] - zero) > 0] = 0.0
    return result


@dataclass(frozen=True, eq=False)
class FirstOrder:
    """Result of `first_order`.

    `totals` has a row per group: group, value (at the central values), mean (at the variables' means), sd, low and
    high (mean ∓ 1.96 sd, a 95 % range where the total is near normal), in the unit of the lines.
    """

    product_sum: ProductSum
    totals: pl.DataFrame
    remarks: list[Problem]
    _deviation: FloatArray
    _draw: IntArray
    _group_draw: csr_array

    def lines(self, group: str) -> pl.DataFrame:
        """Return the lines of `group`: line, value, sd (alone), share (part in the variance of the group's total)."""
        sums = self.product_sum
        members = sums.groups[group]
        weighted = self._weight(group) * self._deviation
        covariance = np.bincount(sums.incidence_line, weighted, sums.line_count)[members]
        return pl.DataFrame(
            {
                "line": sums.line_id.gather(members),
                "value": sums.line_values()[members],
                "sd": self._line_sd[members],
                "share": _shares(covariance),
            }
        )

    def variables(self, group: str) -> pl.DataFrame:
        """Return the uncertain variables of `group`: variable, central, sd, sensitivity ∂T/∂x, share in the variance.

        Sorted by share, the largest first.
        """
        sums = self.product_sum
        member = np.zeros(sums.line_count, dtype=bool)
        member[sums.groups[group]] = True
        deviation = np.where(member[sums.incidence_line], self._deviation, 0.0)
        count = sums.variable_count
        covariance = np.bincount(sums.line_variable, self._weight(group) * deviation, count)
        total = np.bincount(sums.line_variable, deviation, count)
        sd = sums.shapes.sd()
        at = np.flatnonzero(np.bincount(sums.line_variable[member[sums.incidence_line]], minlength=count) * sd)
        frame = pl.DataFrame(
            {
                "variable": sums.variable_id.gather(at),
                "central": sums.central[at],
                "sd": sd[at],
                "sensitivity": total[at] / sd[at],
                "share": _shares(covariance[at]),
            }
        )
        return frame.sort("share", descending=True, maintain_order=True)

    def draw_sd(self, group: str) -> FloatArray:
        """Return |S_d| of every distinct draw (in the order of ``np.unique(product_sum.draw)``) for `group`."""
        return np.abs(self._draw_sums(group))

    def _draw_sums(self, group: str) -> FloatArray:
        row = list(self.product_sum.groups).index(group)
        return np.asarray(self._group_draw[[row]].todense(), dtype=np.float64).ravel()

    def _weight(self, group: str) -> FloatArray:
        """S_d of the draw of every incidence."""
        result: FloatArray = self._draw_sums(group)[self._draw]
        return result

    @cached_property
    def _line_sd(self) -> FloatArray:
        from scipy.sparse import csr_array

        sums = self.product_sum
        shape = (sums.line_count, int(self._group_draw.shape[1]))
        # a copy: adding up duplicates works in place and would spoil what `variables` reads
        per_draw = csr_array((self._deviation, self._draw, sums.line_start), shape=shape, copy=True)
        per_draw.sum_duplicates()
        squares = per_draw.power(2).sum(axis=1)
        result: FloatArray = np.sqrt(np.asarray(squares).ravel())
        return result


def first_order(product_sum: ProductSum) -> FirstOrder:
    """Propagate the ranges of `product_sum` to first order, correlation exact, onto every group's total.

    The slopes are taken at the means of the variables. What is left out is of second order: the variance of a product
    of two independent factors with relative standard deviations a and b is a² + b² + a²b², of which a²b² is missing.
    Source: GUM equations 10, 13, 16.
    """
    from scipy.sparse import csr_array

    sums = product_sum
    means, sd = sums.shapes.mean(), sums.shapes.sd()
    deviation = sensitivities(sums, means) * sd[sums.line_variable]
    draws, draw_of = np.unique(sums.draw, return_inverse=True)
    draw = draw_of[sums.line_variable]
    jacobian = csr_array((deviation, draw, sums.line_start), shape=(sums.line_count, len(draws)))
    members = list(sums.groups.values())
    starts = np.concatenate([[0], np.cumsum([len(lines) for lines in members])])
    columns = np.concatenate([*members, np.empty(0, dtype=np.int64)])
    grouping = csr_array((np.ones(len(columns)), columns, starts), shape=(len(members), sums.line_count))
    group_draw = csr_array(grouping @ jacobian)
    group_draw.sum_duplicates()
    spread = np.sqrt(np.asarray(group_draw.power(2).sum(axis=1)).ravel())
    mean = np.asarray(grouping @ sums.line_values(means)).ravel()
    totals = pl.DataFrame(
        {
            "group": list(sums.groups),
            "value": np.asarray(grouping @ sums.line_values()).ravel(),
            "mean": mean,
            "sd": spread,
            "low": mean - Z975 * spread,
            "high": mean + Z975 * spread,
        }
    )
    return FirstOrder(sums, totals, exact_variables(sums), deviation, draw, group_draw)


def _shares(covariance: NDArray[Any]) -> FloatArray:
    """Return the parts in the variance: covariances with the total over their sum (zeros where nothing varies)."""
    variance = float(covariance.sum())
    result: FloatArray = covariance / (variance if variance > 0 else 1.0)
    return result
