"""Writing of numbers, and the twins of a table."""

from __future__ import annotations

import csv
import io
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecopark.web.numbers import decimals, write_number, write_percent
from ecopark.web.tables import Cell, Column, Table


@pytest.mark.parametrize(
    ("value", "places", "text"),
    [
        (1234567.89, None, "1,234,568"),
        (0.0, None, "0"),
        (0.83254, None, "0.8325"),
        (-5.25, 1, "−5.2"),
        (None, None, "–"),
        (float("nan"), None, "–"),
        (12, None, "12"),
        (0.004, 0, "0.004"),  # a value that would show as 0 is not shown as 0
        (-0.004, 0, "−0.004"),
    ],
)
def test_write_number(value: float | None, places: int | None, text: str) -> None:
    assert write_number(value, places) == text


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e15, max_value=1e15), st.integers(0, 6))
def test_written_number_is_never_a_false_zero(value: float, places: int) -> None:
    """A wrong program would print "0" for what is small but there."""
    text = write_number(value, places).replace(",", "").replace("−", "-")
    assert (float(text) == 0.0) == (value == 0.0)


def test_decimals_follow_the_largest_value() -> None:
    assert decimals([1186617.9, 0.5]) == 0
    assert decimals([0.83]) == 4
    assert decimals([]) == decimals([None, 0.0]) == 0


@pytest.mark.parametrize(("share", "text"), [(0.441, "44.1 %"), (0.0, "0.0 %"), (0.00001, "<0.1 %"), (None, "–")])
def test_write_percent(share: float | None, text: str) -> None:
    assert write_percent(share) == text


def sample() -> Table:
    columns = [
        Column("name", "Name"),
        Column("value", "Value", "tCO2e", "number"),
        Column("day", "Day"),
        Column("key", "Key", hidden=True),
    ]
    rows = [
        {
            "name": "=cmd()",
            "value": Cell(1.0 / 3.0, href="/x", explain="R1-line:1"),
            "day": date(2019, 5, 1),
            "key": "k",
        },
        {"name": "B", "value": Cell(None, note="NE"), "day": None},
    ]
    return Table("t", "Title", columns, rows)


def test_json_twin_has_full_values_units_and_what_explains_them() -> None:
    content = sample().to_json()
    assert content["columns"][1] == {"id": "value", "title": "Value", "unit": "tCO2e"}  # type: ignore[index]
    first, second = content["rows"]  # type: ignore[misc]
    assert first["value"] == 1.0 / 3.0
    assert first["explain"] == {"value": "R1-line:1"}
    assert first["key"] == "k"
    assert second["value"] is None
    assert second["notes"] == {"value": "NE"}


def test_csv_twin_keeps_every_digit_and_disarms_formulas() -> None:
    """A spreadsheet would run a cell that begins with "=": it gets an apostrophe."""
    rows = list(csv.reader(io.StringIO(sample().to_csv())))
    assert rows[0] == ["Name", "Value [tCO2e]", "Day", "Key"]
    assert rows[1] == ["'=cmd()", repr(1.0 / 3.0), "2019-05-01", "k"]
    assert rows[2] == ["B", "", "", ""]


def test_hidden_columns_stand_in_the_twins_only() -> None:
    assert [column.id for column in sample().shown] == ["name", "value", "day"]
