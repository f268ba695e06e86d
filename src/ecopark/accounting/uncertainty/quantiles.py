"""How a stated 95 % range becomes a probability distribution, and its quantiles, mean and standard deviation.

One rule holds for every distribution: **`low` and `high` are the 2.5 % and the 97.5 % quantile, exactly.** Where the
central value stands is the distribution's own matter (c central, l low, h high, z standard normal quantile of p,
z₉₇ = 1.959964):

* normal: c is the median; x = c + z·(c - l)/z₉₇ below it and c + z·(h - c)/z₉₇ above it. For a symmetric range this
  is the normal distribution with standard deviation (h - l)/2/z₉₇; for an asymmetric one it is two halves of normal
  distributions that meet at the median.
* lognormal: c is the median; ln x = ln c + z·ln(c/l)/z₉₇ below it and ln c + z·ln(h/c)/z₉₇ above it. Where c is the
  geometric mean of l and h this is the lognormal distribution with ln-sd = ln(h/l)/2/z₉₇. Its mean is above c.
* triangular: c is the mode; the two ends lie outside [l, h] such that 2.5 % of the mass is beyond either.
* uniform: over the interval of which [l, h] is the middle 95 %; c does not shape it.
* not stated: normal where the range is symmetric (to 1 % of its width), else lognormal where l, c and h have one sign,
  else the two halves of a normal distribution.
* no range: exact.

The choice of normal for symmetric and of lognormal for skewed positive quantities is that of IPCC 2006 Guidelines,
volume 1, chapter 3, section 3.2.2.4. That the three stated numbers are kept as quantiles is this program's choice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
CodeArray = NDArray[np.int8]

UNSTATED, EXACT, NORMAL, LOGNORMAL, TRIANGULAR, UNIFORM = -1, 0, 1, 2, 3, 4
CODES: dict[str | None, int] = {
    None: UNSTATED,
    "": UNSTATED,
    "none": EXACT,
    "normal": NORMAL,
    "lognormal": LOGNORMAL,
    "triangular": TRIANGULAR,
    "uniform": UNIFORM,
}
"""Codes of the distributions' names; None and "" mean: choose by the shape of the range."""

Z975 = NormalDist().inv_cdf(0.975)
TAIL = 0.025
SYMMETRY = 0.01
"""A range is symmetric where its middle is off the central value by less than this share of its width."""


def distribution_codes(names: Sequence[str | None]) -> CodeArray:
    """Return the codes of the distributions named in `names`; ValueError for a name that does not exist."""
    unknown = sorted({str(name) for name in names if name not in CODES})
    if unknown:
        known = ", ".join(name for name in CODES if name)
        raise ValueError(f"unknown distributions: {', '.join(unknown)}; known: {known}")
    return np.array([CODES[name] for name in names], dtype=np.int8)


@dataclass(frozen=True, slots=True)
class Shapes:
    """Fitted distributions of n variables: variable = `scale` · shape(`kind`, `centre`, `first`, `second`).

    `scale` is the absolute central value (1 where that is zero), so that variables with equal relative ranges have
    equal shapes; `centre` is -1, 0 or 1. `first` and `second` are, by kind: normal and lognormal the lower and upper
    standard deviation (of x/scale, of ln x); triangular the lower and upper reach from the mode to the ends; uniform
    the lower and upper end. All arrays have n entries.
    """

    kind: CodeArray
    centre: FloatArray
    first: FloatArray
    second: FloatArray
    scale: FloatArray

    def take(self, index: NDArray[np.integer]) -> Shapes:
        """Return the shapes at `index`."""
        return Shapes(self.kind[index], self.centre[index], self.first[index], self.second[index], self.scale[index])

    def mean(self) -> FloatArray:
        """Return the expectation of every variable."""
        centre, first, second = self.centre, self.first, self.second
        result = centre.copy()
        normal = self.kind == NORMAL
        result[normal] += (second - first)[normal] / np.sqrt(2 * np.pi)
        log = self.kind == LOGNORMAL
        result[log] *= _lognormal_moment(first[log], second[log], 1)
        triangular = self.kind == TRIANGULAR
        result[triangular] += (second - first)[triangular] / 3
        uniform = self.kind == UNIFORM
        result[uniform] = (first + second)[uniform] / 2
        return result * self.scale

    def sd(self) -> FloatArray:
        """Return the standard deviation of every variable."""
        first, second = self.first, self.second
        variance = np.zeros_like(first)
        normal = self.kind == NORMAL
        a, b = first[normal], second[normal]
        variance[normal] = (a**2 + b**2) / 2 - (b - a) ** 2 / (2 * np.pi)
        log = self.kind == LOGNORMAL
        a, b = first[log], second[log]
        variance[log] = np.maximum(_lognormal_moment(a, b, 2) - _lognormal_moment(a, b, 1) ** 2, 0.0)
        triangular = self.kind == TRIANGULAR
        a, b = first[triangular], second[triangular]
        variance[triangular] = (a**2 + b**2 + a * b) / 18
        uniform = self.kind == UNIFORM
        variance[uniform] = (second - first)[uniform] ** 2 / 12
        return np.sqrt(variance) * self.scale

    def relative_quantile(self, probability: FloatArray) -> FloatArray:
        """Return quantile / scale at `probability`, which broadcasts against the n variables (the last axis)."""
        from scipy.special import ndtri

        result = np.empty(np.broadcast_shapes(probability.shape, self.kind.shape))
        for kind in np.unique(self.kind):
            at = self.kind == kind
            centre, first, second = self.centre[at], self.first[at], self.second[at]
            p = probability if probability.shape[-1] == 1 else probability[..., at]
            if kind in (NORMAL, LOGNORMAL):
                z = ndtri(p)
                deviation = z * np.where(z < 0, first, second)
                result[..., at] = centre + deviation if kind == NORMAL else centre * np.exp(deviation)
            elif kind == TRIANGULAR:
                reach = first + second
                below = np.sqrt(p * reach * first) - first
                above = second - np.sqrt((1 - p) * reach * second)
                result[..., at] = centre + np.where(p * reach < first, below, above)
            elif kind == UNIFORM:
                result[..., at] = first + p * (second - first)
            else:
                result[..., at] = centre
        return result

    def quantile(self, probability: FloatArray) -> FloatArray:
        """Return the value not exceeded with `probability`, which broadcasts against the n variables (last axis)."""
        return self.relative_quantile(np.asarray(probability, dtype=np.float64)) * self.scale


def fit(central: FloatArray, low: FloatArray, high: FloatArray, distribution: CodeArray) -> Shapes:
    """Return the distributions that have the stated 95 % ranges (see the module's head for each one's rule).

    `central`, `low`, `high` have n entries in the variables' own units; NaN in both `low` and `high` means no range
    stated (exact). The ranges must be sound (`ProductSum` checks them): low ≤ central ≤ high, and of one sign, without
    zero, for a lognormal distribution.
    """
    central, low, high = (np.asarray(values, dtype=np.float64) for values in (central, low, high))
    stated = np.isfinite(low) & np.isfinite(high) & (high > low)
    kind = np.where(stated, distribution, EXACT).astype(np.int8)
    positive = (low * high > 0) & (central * low > 0)
    symmetric = np.abs((low + high) / 2 - central) <= SYMMETRY * (high - low)
    unstated = kind == UNSTATED
    kind[unstated] = np.where(~symmetric & positive, LOGNORMAL, NORMAL)[unstated]
    scale: FloatArray = np.where(central == 0, 1.0, np.abs(central))
    centre: FloatArray = np.sign(central)
    first: FloatArray = np.zeros_like(centre)
    second: FloatArray = np.zeros_like(centre)
    below, above = (central - low) / scale, (high - central) / scale

    at = kind == NORMAL
    first[at], second[at] = below[at] / Z975, above[at] / Z975
    at = kind == LOGNORMAL
    first[at], second[at] = np.log(central[at] / low[at]) / Z975, np.log(high[at] / central[at]) / Z975
    at = kind == TRIANGULAR
    first[at], second[at] = _triangular_reach(below[at], above[at])
    at = kind == UNIFORM
    beyond = (below + above)[at] * TAIL / (1 - 2 * TAIL)
    first[at], second[at] = (centre - below)[at] - beyond, (centre + above)[at] + beyond
    # Twelve digits are more than any stated range has; rounding lets equal relative ranges share one table.
    return Shapes(kind, centre, np.round(first, 12), np.round(second, 12), scale)


def _lognormal_moment(first: FloatArray, second: FloatArray, order: int) -> FloatArray:
    """Return E[exp(order·s·z)] with s = `first` for z < 0 and `second` for z > 0: Σ exp(t²/2)·Φ(±t), t = order·s."""
    from scipy.special import ndtr

    below, above = order * first, order * second
    result: FloatArray = np.exp(below**2 / 2) * ndtr(-below) + np.exp(above**2 / 2) * ndtr(above)
    return result


def _triangular_reach(below: FloatArray, above: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the reach of a triangular distribution below (A) and above (B) its mode.

    2.5 % of the mass lies beyond mode - `below` and 2.5 % beyond mode + `above`: (A - below)² = 0.025·(A + B)·A and
    (B - above)² = 0.025·(A + B)·B, by fixed-point iteration.
    """
    lower, upper = below + above, below + above
    for _ in range(100):
        width = lower + upper
        lower, upper = below + np.sqrt(TAIL * width * lower), above + np.sqrt(TAIL * width * upper)
    return lower, upper


# Quantile tables for the sampling kernel -----------------------------------------------------------------------------

CELLS_PER_OCTAVE = 32
LOWEST_OCTAVE = 11
HIGHEST_OCTAVE = 30
SIDE = (HIGHEST_OCTAVE - LOWEST_OCTAVE) * CELLS_PER_OCTAVE
"""Cells of one side of a table: 608 below the median and 608 above it."""
NODES = SIDE + 2
"""Nodes of one side: the cells' ends and one node past the median, which the rounding of the kernel may touch."""
_TABLES_AT_ONCE = 128


def table_probabilities() -> FloatArray:
    """Return the `NODES` probabilities, from 0 to the median, at which a table holds quantiles.

    The kernel takes 30 bits w of a random number as p = w/2³¹, adds 2¹¹, and reads cell and place in it from the
    exponent and the mantissa of the sum as a float: so the cells are equally wide (3e-8) next to p = 0, and from
    p ≈ 1e-6 on each doubling of p has 32 of them. The tail is thus as finely cut as the middle.
    """
    octave, part = np.divmod(np.arange(NODES), CELLS_PER_OCTAVE)
    word = 2.0 ** (LOWEST_OCTAVE + octave) * (1 + part / CELLS_PER_OCTAVE) - 2.0**LOWEST_OCTAVE
    probability: FloatArray = word / 2.0 ** (HIGHEST_OCTAVE + 1)
    # The end cell reaches to p = 0, where a quantile may be infinite. A quantile that grows like ln p has the mean
    # Q(p₁/e) over (0, p₁); a straight line from Q(p₁/e²) to Q(p₁) has that mean as well.
    probability[0] = probability[1] / np.e**2
    return probability


def quantile_tables(shapes: Shapes) -> NDArray[np.float32]:
    """Return the tables of n shapes as float32 [n, 2·NODES, 2]: relative quantile at a node, and step to the next.

    The first `NODES` rows run from p = 0 to the median, the others from p = 1 back to the median. Inside a side a
    node is lowered by a twelfth of the second difference, which takes away the bias of straight lines on a curve:
    mean and standard deviation of what the table gives are right to about 1e-6 of the standard deviation (3e-5 for a
    lognormal of ln-sd 1, 1e-3 for 1.5, where they rest on probabilities below 1e-7).
    """
    probability = table_probabilities()[:, None]
    count = len(shapes.kind)
    tables = np.empty((count, 2 * NODES, 2), dtype=np.float32)
    for begin in range(0, count, _TABLES_AT_ONCE):
        rows = slice(begin, begin + _TABLES_AT_ONCE)
        some = shapes.take(np.arange(count)[rows])
        for side, p in enumerate((probability, 1 - probability)):
            value = some.relative_quantile(p).T
            bend = value[:, 2:] - 2 * value[:, 1:-1] + value[:, :-2]
            bend[:, CELLS_PER_OCTAVE - 1 :: CELLS_PER_OCTAVE] = 0  # unequal neighbours: the widths double here
            bend[:, 0] = 0
            value[:, 1:-1] -= bend / 12
            columns = slice(side * NODES, (side + 1) * NODES)
            tables[rows, columns, 0] = value
            tables[rows, columns, 1] = np.diff(value, axis=1, append=value[:, -1:])
    return tables
