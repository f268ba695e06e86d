"""First-order propagation with correlation: the guide's own example, shared factors, contributions to the variance."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from ecopark.accounting.uncertainty import ProductSum, approach_2, correlation, first_order, propagate
from ecopark.accounting.uncertainty.linear import sensitivities

NAN = np.nan


def two_lines_one_factor(draw: list[int], line_variable: list[int]) -> ProductSum:
    """Two lines of 100 ± 10 and 50 ± 10 times factors 2 ± 0.4."""
    return ProductSum(
        constant=np.ones(2),
        line_start=np.array([0, 2, 4]),
        line_variable=np.array(line_variable),
        central=np.array([100.0, 50.0, 2.0, 2.0]),
        low=np.array([90.0, 40.0, 1.6, 1.6]),
        high=np.array([110.0, 60.0, 2.4, 2.4]),
        distribution=np.full(4, 1),
        draw=np.array(draw),
        groups={"total": np.array([0, 1]), "second": np.array([1])},
    )


def test_gum_h2_simultaneous_resistance_and_reactance() -> None:
    """JCGM 100:2008 (GUM) annex H.2, tables H.2 to H.4: all nine published figures.

    Five simultaneous observations of voltage V, current I and phase; R = V/I cos φ, X = V/I sin φ, Z = V/I. Leaving
    out the correlation of the inputs gives u(R) = 0.195 instead of 0.071. (The guide prints u(X) = 0.295 from rounded
    inputs; unrounded it is 0.2956.)
    """
    observed = np.array(
        [
            [5.007, 4.994, 5.005, 4.990, 4.999],
            [19.663e-3, 19.639e-3, 19.640e-3, 19.685e-3, 19.678e-3],
            [1.0456, 1.0438, 1.0468, 1.0428, 1.0433],
        ]
    )
    v, i, phi = observed.mean(axis=1)
    covariance = np.cov(observed) / observed.shape[1]
    cos, sin = np.cos(phi), np.sin(phi)
    jacobian = np.array(
        [
            [cos / i, -v * cos / i**2, -v * sin / i],
            [sin / i, -v * sin / i**2, v * cos / i],
            [1 / i, -v / i**2, 0],
        ]
    )
    result = propagate(jacobian, covariance)
    assert np.round([v / i * cos, v / i * sin, v / i], 3) == pytest.approx([127.732, 219.847, 254.260], abs=1e-9)
    assert np.sqrt(np.diag(result)) == pytest.approx([0.071, 0.295, 0.236], abs=7e-4)
    r = correlation(result)
    assert [r[0, 1], r[0, 2], r[1, 2]] == pytest.approx([-0.588, -0.485, 0.993], abs=5e-4)
    ignored = propagate(jacobian, np.diag(np.diag(covariance)))
    assert np.sqrt(ignored[0, 0]) > 2 * 0.071


def test_propagate_refuses_what_does_not_fit() -> None:
    """Shapes that do not match and a covariance that is not symmetric are errors, not broadcasts."""
    with pytest.raises(ValueError, match="shape"):
        propagate(np.ones((2, 3)), np.eye(2))
    with pytest.raises(ValueError, match="symmetric"):
        propagate(np.ones((1, 2)), np.array([[1.0, 0.5], [0.0, 1.0]]))


def test_shared_factor_is_summed_before_squaring() -> None:
    """One factor for both lines, as a shared variable or by one draw number; independent factors give less.

    u(activity) = 10/1.96 each, u(factor) = 0.4/1.96: shared (2·10)² + (2·10)² + (150·0.4)²; a program that squares
    line by line gets (100² + 50²)·0.4² for the last term.
    """
    shared = first_order(two_lines_one_factor([0, 1, 2, 3], [0, 2, 1, 2]))
    same_draw = first_order(two_lines_one_factor([0, 1, 2, 2], [0, 2, 1, 3]))
    apart = first_order(two_lines_one_factor([0, 1, 2, 3], [0, 2, 1, 3]))
    z = 1.959963984540054
    assert shared.totals["sd"][0] * z == pytest.approx(np.sqrt(2 * 20**2 + 60**2))
    assert same_draw.totals["sd"][0] == pytest.approx(shared.totals["sd"][0])
    assert apart.totals["sd"][0] * z == pytest.approx(np.sqrt(2 * 20**2 + 40**2 + 20**2))
    assert shared.totals["value"].to_list() == [300, 100]
    assert shared.totals["sd"][1] * z == pytest.approx(np.sqrt(20**2 + 20**2))


def test_contributions_by_line_and_variable_are_parts_of_the_variance() -> None:
    """They sum to 1; a line has its own part and its part of the shared factor's; variables are sorted."""
    result = first_order(two_lines_one_factor([0, 1, 2, 3], [0, 2, 1, 2]))
    variance = 2 * 20**2 + 60**2
    lines = result.lines("total")
    assert lines["share"].to_list() == pytest.approx([(400 + 60 * 40) / variance, (400 + 60 * 20) / variance])
    assert (lines["sd"] * 1.959963984540054).to_list() == pytest.approx([np.sqrt(400 + 1600), np.sqrt(800)])
    variables = result.variables("total")
    assert variables["variable"][0] == 2
    variables = variables.sort("variable", descending=True)
    assert variables["share"].to_list() == pytest.approx([3600 / variance, 400 / variance, 400 / variance])
    assert variables["sensitivity"].to_list() == pytest.approx([150, 2, 2])
    assert sorted(result.variables("second")["variable"]) == [1, 2]


def test_offsetting_line_has_a_negative_share_of_a_shared_factor() -> None:
    """Sold power at the same factor reduces the factor's weight: T = f·(100 - 40), not f·100 beside f·40."""
    sums = ProductSum([1, -1], [0, 2, 4], [0, 2, 1, 2], [100, 40, 2], [NAN, NAN, 1.6], [NAN, NAN, 2.4], [-1] * 3,
                      [0, 1, 2], {"total": [0, 1]})  # fmt: skip
    result = first_order(sums)
    assert result.totals["sd"][0] * 1.959963984540054 == pytest.approx(60 * 0.4)
    assert result.lines("total")["share"].to_list() == pytest.approx([100 / 60, -40 / 60])
    assert [remark.code for remark in result.remarks] == ["uncertainty.no_range"]
    assert result.remarks[0].values == {"count": 2, "all": 3}


def test_slopes_at_zero_and_of_a_square() -> None:
    """A zero factor keeps its slope, two zeros have none, a variable named twice has twice the slope."""
    sums = ProductSum([3, 3, 3], [0, 2, 4, 6], [0, 1, 0, 2, 1, 1], [0, 5, 0], [NAN] * 3, [NAN] * 3, [-1] * 3,
                      [0, 1, 2], {"total": [0, 1, 2]})  # fmt: skip
    assert sensitivities(sums, sums.central).tolist() == [15, 0, 0, 0, 15, 15]


def test_first_order_agrees_with_simulation_of_moderate_ranges() -> None:
    """40 lines of lognormal amounts times 4 shared factors: sd within 2 %, and the parts of the variance too.

    The parts are compared by simulation with only one factor left uncertain.
    """
    rng = np.random.default_rng(11)
    lines, factors = 40, 4
    central = np.concatenate([rng.uniform(10, 1000, lines), rng.uniform(1, 3, factors)])
    spread = 1 + rng.uniform(0.05, 0.25, lines + factors)
    incidence = np.stack([np.arange(lines), lines + np.arange(lines) % factors], axis=1)

    def build(low: np.ndarray, high: np.ndarray) -> ProductSum:
        return ProductSum(
            np.ones(lines), np.arange(lines + 1) * 2, incidence.ravel(), central, low, high,
            np.full(lines + factors, 2), np.arange(lines + factors), {"total": np.arange(lines)},
        )  # fmt: skip

    sums = build(central / spread, central * spread)
    propagated, simulated = first_order(sums), approach_2(sums, samples=32768)
    assert propagated.totals["mean"][0] == pytest.approx(simulated.totals["mean"][0], rel=1e-4)
    assert propagated.totals["sd"][0] == pytest.approx(simulated.totals["sd"][0], rel=0.02)
    low, high = np.full(lines + factors, NAN), np.full(lines + factors, NAN)
    low[lines], high[lines] = central[lines] / spread[lines], central[lines] * spread[lines]
    one = approach_2(build(low, high), samples=8192).totals["sd"][0]
    share = propagated.variables("total").filter(variable=lines)["share"][0]
    assert share == pytest.approx((one / simulated.totals["sd"][0]) ** 2, rel=0.06)


def test_the_order_of_questions_does_not_change_the_answers() -> None:
    """A line that uses one variable twice: asking for lines first once spoiled the shares of the variables."""
    lines = pl.DataFrame({"line": [1, 2], "constant": [1.0, 1.0]})
    incidence = pl.DataFrame({"line": [1, 1, 2], "variable": ["a", "a", "b"]})
    variables = pl.DataFrame(
        {
            "variable": ["a", "b"],
            "central": [2.0, 3.0],
            "low": [1.8, 2.0],
            "high": [2.2, 4.0],
            "distribution": ["normal", "normal"],
        }
    )
    sums = ProductSum.from_frames(lines, incidence, variables)
    first, second = first_order(sums), first_order(sums)
    wanted = first.variables("total")
    second.lines("total")
    assert second.variables("total").equals(wanted)
