"""IPCC Approach 1: equations 3.1 and 3.2, asymmetric ranges, warnings, and the trend columns of Table 3.2."""

from __future__ import annotations

import numpy as np
import pytest

from ecopark.accounting.uncertainty import ProductSum, approach_1, first_order, trend


def two_sources() -> ProductSum:
    """100 ± 5 % times 2 ± 10 %, and 50 ± 5 % times 3 ± 20 %."""
    central = np.array([100.0, 2.0, 50.0, 3.0])
    half = central * [0.05, 0.10, 0.05, 0.20]
    return ProductSum([1, 1], [0, 2, 4], [0, 1, 2, 3], central, central - half, central + half, [-1] * 4,
                      np.arange(4), {"total": [0, 1], "first": [0]})  # fmt: skip


def test_two_sources() -> None:
    """E = 200 and 150, G = 11.18 % and 20.62 %, total 350 ± 10.903 %; equal to the correlated way where none is."""
    result = approach_1(two_sources())
    lines = result.lines("total")
    assert lines["value"].to_list() == [200, 150]
    assert np.round(lines["lower_percent"].to_list(), 2).tolist() == [11.18, 20.62]
    row = result.totals.row(0, named=True)
    assert row["value"] == 350
    assert round(row["lower_percent"], 3) == round(row["upper_percent"], 3) == 10.903
    assert [row["low"], row["high"]] == pytest.approx([350 - 38.160844, 350 + 38.160844])
    assert np.sqrt(lines["upper_contribution"].sum()) == pytest.approx(row["upper_percent"])
    assert lines["lower_share"].to_list() == pytest.approx([0.3433, 0.6567], abs=1e-4)
    assert result.remarks == []
    assert first_order(two_sources()).totals["sd"][0] * 1.959964 == pytest.approx(350 * row["upper_percent"] / 100)


def test_lower_and_upper_halves_run_apart_and_change_sides_on_negative_lines() -> None:
    """A factor 1 (0.8 to 1.5) on 100 bought and on 40 sold: bought -20/+50, sold -20/+8 (not -8/+20)."""
    sums = ProductSum([100, -40], [0, 1, 2], [0, 1], [1, 1], [0.8, 0.8], [1.5, 1.5], [-1, -1], [0, 1],
                      {"total": [0, 1]})  # fmt: skip
    result = approach_1(sums)
    assert result.line_half_widths.tolist() == [pytest.approx([20, 20]), pytest.approx([50, 8])]
    row = result.totals.row(0, named=True)
    assert [60 - row["low"], row["high"] - 60] == pytest.approx([np.hypot(20, 20), np.hypot(50, 8)])


def test_square_has_twice_the_percentage() -> None:
    """x² ± 10 % each is ± 20 %, one variable being fully correlated with itself (√2 · 10 % would be wrong)."""
    sums = ProductSum([1], [0, 2], [0, 0], [10], [9], [11], [-1], [0], {"total": [0]})
    assert approach_1(sums).totals["upper_percent"][0] == pytest.approx(20)


def test_warnings_on_large_ranges_and_shared_factors() -> None:
    """Both limits of the method are said, with counts, in both languages' fields."""
    sums = ProductSum([1, 1], [0, 2, 4], [0, 2, 1, 2], [100, 50, 1], [90, 45, 0.3], [110, 55, 3], [-1] * 3,
                      [0, 1, 2], {"total": [0, 1]})  # fmt: skip
    remarks = {remark.code: remark for remark in approach_1(sums).remarks}
    assert set(remarks) == {"uncertainty.large", "uncertainty.correlated"}
    assert remarks["uncertainty.large"].describe("en")[0].startswith("1 of 3 values")
    assert all(remark.severity == "warning" for remark in remarks.values())


def test_zero_total_has_no_percentage() -> None:
    """Bought equals sold: the range is stated in the unit, the percentage is missing, not infinite."""
    sums = ProductSum([1, -1], [0, 1, 2], [0, 1], [10, 10], [9, 9], [11, 11], [-1, -1], [0, 1], {"total": [0, 1]})
    row = approach_1(sums).totals.row(0, named=True)
    assert (row["lower_percent"], row["upper_percent"]) == (None, None)
    assert row["high"] == pytest.approx(np.sqrt(2))


def change(base: np.ndarray, value: np.ndarray) -> float:
    """Change of the total in per cent of the base year."""
    return float((value.sum() - base.sum()) / base.sum() * 100)


def test_trend_sensitivities_are_what_they_are_defined_to_be() -> None:
    """Type A: percentage points of the trend when a source rises 1 % in both years; type B: 1 % in the year only."""
    base, value = np.array([200.0, 150.0, 80.0]), np.array([150.0, 190.0, 100.0])
    result = trend(base, value, activity_uncertainty=[5, 5, 10], factor_uncertainty=[10, 20, 30])
    assert (result.base, result.value) == (430, 440)
    assert result.change == pytest.approx(change(base, value))
    for source in range(3):
        raised = np.ones(3)
        raised[source] = 1.01
        both = abs(change(base * raised, value * raised) - change(base, value))
        year = abs(change(base, value * raised) - change(base, value))
        # Note A of Table 3.2 adds 1 % of the source's base emission to the base and 1 % of its emission to the year.
        assert result.lines["I"][source] == pytest.approx(both)
        assert result.lines["J"][source] == pytest.approx(year)
    i, j = result.lines["I"].to_numpy(), result.lines["J"].to_numpy()
    expected = np.sqrt(((i * [10, 20, 30]) ** 2 + (j * [5, 5, 10]) ** 2 * 2).sum())
    assert result.uncertainty == pytest.approx(expected)


def test_trend_options_swap_the_sensitivities() -> None:
    """Factors independent between the years: J·F·√2; activities correlated: I·E."""
    base, value = [200.0, 150.0], [150.0, 190.0]
    plain = trend(base, value, 5, [10, 20])
    swapped = trend(base, value, 5, [10, 20], activity_correlated=True, factor_correlated=False)
    assert swapped.lines["K"].to_list() == pytest.approx((plain.lines["J"].to_numpy() * [10, 20] * np.sqrt(2)).tolist())
    assert swapped.lines["L"].to_list() == pytest.approx((plain.lines["I"].to_numpy() * 5).tolist())
    with pytest.raises(ValueError, match="zero"):
        trend([0.0], [1.0], 5, 5)
