"""From a stated 95 % range to a distribution, and from the distribution to the sampling tables."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import lognorm, norm, triang

from ecopark.accounting.uncertainty import distribution_codes
from ecopark.accounting.uncertainty.quantiles import (
    LOGNORMAL,
    NODES,
    NORMAL,
    TRIANGULAR,
    UNIFORM,
    UNSTATED,
    Shapes,
    fit,
    quantile_tables,
    table_probabilities,
)


def shape(central: float, low: float, high: float, code: int) -> Shapes:
    """The distribution of one variable."""
    return fit(np.array([central]), np.array([low]), np.array([high]), np.array([code], dtype=np.int8))


def moments(fitted: Shapes) -> tuple[float, float]:
    """Mean and standard deviation by integration of the quantile function (midpoints, fine towards the ends)."""
    edges = np.concatenate([[0.0], np.geomspace(1e-12, 0.5, 60_001)])
    mid, width = (edges[1:] + edges[:-1]) / 2, np.diff(edges)
    x = np.concatenate([fitted.quantile(mid[:, None])[:, 0], fitted.quantile(1 - mid[:, None])[:, 0]])
    weight = np.concatenate([width, width])
    mean = float((x * weight).sum())
    return mean, float(np.sqrt(((x - mean) ** 2 * weight).sum()))


@pytest.mark.parametrize("code", [NORMAL, LOGNORMAL, TRIANGULAR, UNIFORM, UNSTATED])
@given(
    below=st.floats(0.001, 0.9),
    above=st.floats(0.001, 3.0),
    central=st.floats(1e-3, 1e6),
    negative=st.booleans(),
)
def test_range_is_kept_as_quantiles(code: int, below: float, above: float, central: float, negative: bool) -> None:
    """Low and high are the 2.5 % and 97.5 % quantiles of every distribution, skewed or not, of either sign.

    A program that fits (high - low) / 2 / 1.96 to a skewed range misses one end or both.
    """
    low, high = central * (1 - below), central * (1 + above)
    if negative:
        central, low, high = -central, -high, -low
    got = shape(central, low, high, code).quantile(np.array([[0.025], [0.975]]))[:, 0]
    assert got == pytest.approx([low, high], rel=1e-6)


def test_symmetric_normal_and_geometric_lognormal_are_the_textbook_ones() -> None:
    """Symmetric: sd = (high - low) / 2 / 1.96. Central at the geometric mean: sigma = ln(high / low) / 2 / 1.96."""
    p = np.array([[1e-6], [0.01], [0.3], [0.5], [0.9], [1 - 1e-6]])
    normal = shape(100, 90, 110, NORMAL)
    assert normal.sd()[0] == pytest.approx(20 / 2 / NormalDist().inv_cdf(0.975))
    assert normal.quantile(p)[:, 0] == pytest.approx(norm.ppf(p[:, 0], 100, normal.sd()[0]))
    lognormal = shape(1, 0.5, 2, LOGNORMAL)
    sigma = np.log(4) / 2 / NormalDist().inv_cdf(0.975)
    exact = lognorm(sigma)
    assert lognormal.quantile(p)[:, 0] == pytest.approx(exact.ppf(p[:, 0]), rel=1e-9)
    assert [lognormal.mean()[0], lognormal.sd()[0]] == pytest.approx([exact.mean(), exact.std()])


def test_triangular_and_uniform_have_the_range_as_their_middle_95_percent() -> None:
    """A uniform range of ±0.95 is the interval ±1; a triangle's ends lie outside the range, mode at the centre."""
    uniform = shape(10, 9.05, 10.95, UNIFORM)
    assert uniform.quantile(np.array([[0.0], [1.0]]))[:, 0] == pytest.approx([9, 11])
    assert uniform.sd()[0] == pytest.approx(2 / np.sqrt(12))
    exact = triang(c=0.25, loc=8, scale=8)  # from 8 to 16, mode 10
    low, high = exact.ppf(0.025), exact.ppf(0.975)
    triangular = shape(10, low, high, TRIANGULAR)
    p = np.array([[0.0], [0.1], [0.25], [0.6], [1.0]])
    assert triangular.quantile(p)[:, 0] == pytest.approx(exact.ppf(p[:, 0]))
    assert [triangular.mean()[0], triangular.sd()[0]] == pytest.approx([exact.mean(), exact.std()])


@pytest.mark.parametrize(
    ("central", "low", "high", "code"),
    [
        (100, 80, 130, NORMAL),
        (0, -1, 3, NORMAL),
        (56100, 54300, 58300, LOGNORMAL),
        (1, 0.3, 5, LOGNORMAL),
        (-2, -6, -1, LOGNORMAL),
        (1, 0.9, 1.4, TRIANGULAR),
        (-1, -1.3, -0.9, TRIANGULAR),
        (1, 0.9, 1.4, UNIFORM),
        (-5, -9, -4, UNIFORM),
    ],
)
def test_mean_and_sd_agree_with_integration(central: float, low: float, high: float, code: int) -> None:
    """The closed forms of the skewed shapes equal the integral of the quantile function."""
    fitted = shape(central, low, high, code)
    assert [fitted.mean()[0], fitted.sd()[0]] == pytest.approx(moments(fitted), rel=2e-6)


@pytest.mark.parametrize(
    ("central", "low", "high", "expected"),
    [
        (100, 95, 105, NORMAL),
        (56100, 54300, 58300, LOGNORMAL),
        (1, 0.3, 3, LOGNORMAL),
        (1, -0.5, 4, NORMAL),
        (0, -1, 2, NORMAL),
        (-1, -3, -0.5, LOGNORMAL),
        (0.98, 0.98, 0.98, 0),
        (0.98, np.nan, np.nan, 0),
    ],
)
def test_unstated_distribution_follows_the_shape_of_the_range(
    central: float, low: float, high: float, expected: int
) -> None:
    """Symmetric: normal; skewed and of one sign: lognormal; across zero: two normal halves; no width: exact."""
    assert shape(central, low, high, UNSTATED).kind[0] == expected


def test_unknown_distribution_is_refused() -> None:
    """The message names what is wrong and what is known."""
    with pytest.raises(ValueError, match=r"weibull.*lognormal"):
        distribution_codes(["normal", "weibull"])


@pytest.mark.parametrize(
    ("code", "tolerance"), [(NORMAL, 3e-6), (LOGNORMAL, 3e-5), (TRIANGULAR, 3e-6), (UNIFORM, 1e-6)]
)
def test_tables_have_the_distribution_of_the_quantile_function(code: int, tolerance: float) -> None:
    """Mean and sd of what a table gives (straight lines between nodes) equal those of the distribution.

    A table of 1,024 equal cells, the usual one, is off by 1e-3 in the sd, and has no tail beyond p = 1e-4.
    """
    fitted = shape(1, 0.3, 3, code)
    table = quantile_tables(fitted)[0].astype(np.float64)
    p = table_probabilities()
    p[0] = 0
    width = np.diff(p[:-1], append=0.5)[:-1]
    width[-1] += 0.5 - p[NODES - 2]
    sides = [table[:NODES], table[NODES:]]
    low = np.concatenate([side[:-2, 0] for side in sides])
    high = low + np.concatenate([side[:-2, 1] for side in sides])
    weight = np.concatenate([width, width])
    mean = (weight * (low + high) / 2).sum()
    sd = np.sqrt((weight * (low**2 + low * high + high**2) / 3).sum() - mean**2)
    assert weight.sum() == pytest.approx(1)
    assert abs(mean - fitted.mean()[0]) < tolerance * fitted.sd()[0]
    assert sd == pytest.approx(fitted.sd()[0], rel=tolerance)
