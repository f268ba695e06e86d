"""Numbers are printed so that they can be read back, and none is printed without being registered."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecopark.reports.numbers import (
    MISSING,
    FigureRegister,
    decimals_for,
    print_exact,
    print_number,
    read_number,
)

VALUES = st.floats(min_value=-1e15, max_value=1e15, allow_nan=False).filter(
    lambda value: value == 0 or abs(value) > 1e-12
)


@given(VALUES, st.integers(0, 4))
def test_printed_is_the_value_to_half_a_last_digit(value: float, decimals: int) -> None:
    """Reading the text gives the value back to half a unit of the last decimal, or to two digits where it is tiny."""
    read = read_number(print_number(value, decimals))
    if abs(value) <= 0.5 * 10.0**-decimals:
        assert read == pytest.approx(value, rel=0.06)
    else:
        assert abs(read - value) <= 0.5000001 * 10.0**-decimals + 1e-12 * abs(value)


@given(VALUES.filter(lambda value: value != 0), st.integers(0, 4))
def test_no_source_prints_as_nothing(value: float, decimals: int) -> None:
    """What is not 0 never prints as 0: a reader would take the source for one that does not exist."""
    assert read_number(print_number(value, decimals)) != 0


@given(VALUES)
def test_exact_keeps_eight_digits(value: float) -> None:
    assert read_number(print_exact(value)) == pytest.approx(value, rel=1e-7)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.8325, "0.8325"), (20908.0, "20,908"), (-0.5, "\u22120.5"), (0.0, "0"), (2.63e-7, "2.63×10⁻⁷"),
        (0.0153, "0.0153"), (25.852536140130614, "25.852536"), (1.5e13, "1.5×10¹³"),
    ],
)  # fmt: skip
def test_exact_examples(value: float, text: str) -> None:
    assert print_exact(value) == text


def test_missing_is_a_dash_and_is_not_registered() -> None:
    """A number that does not exist is no figure: it prints as a dash and leaves no trace in the register."""
    register = FigureRegister()
    assert register.number("R1-total", None, "t", 0) == MISSING
    assert register.number("R1-total", float("nan"), "t", 0) == MISSING
    assert register.span("R1-total", None, 3.0, "t", 0) == MISSING
    assert register.share("R1-share:x", 1.0, 0.0) == MISSING
    assert register.figures == []


def test_columns_share_their_decimals() -> None:
    """The largest value decides: six digits, and never more than four decimals."""
    assert decimals_for([634987.3, 0.4, None]) == 0
    assert decimals_for([12.3, 1.0]) == 4
    assert decimals_for([1234.5]) == 2
    assert decimals_for([]) == decimals_for([0.0]) == 0


def test_ratio_and_range_name_what_they_are_made_of() -> None:
    register = FigureRegister()
    assert register.ratio("R1-total", 3.0, "R2-total", 2.0) == "1.500"
    assert register.span("R1-total", 1.25, 2.5, "t", 1) == "1.2 … 2.5"
    ratio, low, high = register.figures
    assert (ratio.of, ratio.value, ratio.kind) == (("R1-total", "R2-total"), 1.5, "ratio")
    assert (low.reference, low.value, high.reference, high.value) == ("R1-total@low", 1.25, "R1-total@high", 2.5)
