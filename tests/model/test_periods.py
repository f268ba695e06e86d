"""Periods are read as people write them and are half-open."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecopark.model import PeriodError, month_bounds, overlap_days, parse_period, period_label, year_bounds
from ecopark.model.periods import PeriodInput

Y2019 = (date(2019, 1, 1), date(2020, 1, 1))
MAY = (date(2019, 5, 1), date(2019, 6, 1))
DECEMBER = (date(2019, 12, 1), date(2020, 1, 1))
DAY = (date(2019, 5, 31), date(2019, 6, 1))


@pytest.mark.parametrize(
    ("written", "period"),
    [
        *[(text, Y2019) for text in ("2019", " 2019 ", "2019年", 2019, 2019.0, "2019.0")],
        *[(text, MAY) for text in ("2019-05", "2019-5", "2019/05", "2019年5月", "2019年05月", "201905", "2019.05")],
        ("2019-12", DECEMBER),
        *[(text, (date(2019, 4, 1), date(2019, 7, 1))) for text in ("2019Q2", "2019-Q2", "2019q2", "2019年第二季度")],
        ("2019Q4", (date(2019, 10, 1), date(2020, 1, 1))),
        *[
            (text, DAY)
            for text in ("2019-05-31", "2019/5/31", "2019年5月31日", "20190531", "2019.5.31", "2019-05-31 00:00:00")
        ],
        (date(2019, 5, 31), DAY),
        (datetime(2019, 5, 31, 8), DAY),
        ("2020-02-29", (date(2020, 2, 29), date(2020, 3, 1))),
    ],
)
def test_one_value(written: PeriodInput, period: tuple[date, date]) -> None:
    assert parse_period(written) == period
    assert parse_period(written, None) == period
    assert parse_period(written, "  ") == period


@pytest.mark.parametrize(
    ("start", "end", "period"),
    [
        ("2019-05", "2019-07", (date(2019, 5, 1), date(2019, 7, 1))),
        ("2019", "2021", (date(2019, 1, 1), date(2021, 1, 1))),
        (date(2019, 5, 1), date(2019, 5, 8), (date(2019, 5, 1), date(2019, 5, 8))),
        ("2019-05-01", "2019-05-08", (date(2019, 5, 1), date(2019, 5, 8))),
    ],
)
def test_the_end_is_exclusive(start: PeriodInput, end: PeriodInput, period: tuple[date, date]) -> None:
    """A program that takes the end for the last day counts one day too many."""
    assert parse_period(start, end) == period


@pytest.mark.parametrize(
    "text", ["", "May 2019", "2019-13", "2019-02-30", "19", "20195", 2019.5, "1019", "9999", None, "2019Q5", "去年"]
)
def test_unreadable(text: PeriodInput) -> None:
    with pytest.raises(PeriodError) as caught:
        parse_period(text)
    cause, remedy = caught.value.describe("en")
    assert "cannot be read as a period" in cause
    assert "2019-05" in remedy


@given(st.dates(date(1950, 1, 1), date(2150, 1, 1)), st.integers(1, 800))
def test_labels_are_read_back(start: date, length: int) -> None:
    end = start + timedelta(days=length)
    assert parse_period(*period_label(start, end).split("_")) == (start, end)


@pytest.mark.parametrize(
    ("period", "label"), [(Y2019, "2019"), (MAY, "2019-05"), (DECEMBER, "2019-12"), (DAY, "2019-05-31")]
)
def test_labels_are_short(period: tuple[date, date], label: str) -> None:
    assert period_label(*period) == label


def test_bounds() -> None:
    assert year_bounds(2019) == Y2019
    assert month_bounds(2019, 12) == DECEMBER
    # a year is its months, without gap or overlap
    months = [month_bounds(2020, month) for month in range(1, 13)]
    assert [end for _, end in months[:-1]] == [start for start, _ in months[1:]]
    assert sum((end - start).days for start, end in months) == 366


def test_overlap_days() -> None:
    assert overlap_days(Y2019, MAY) == 31
    assert overlap_days(MAY, Y2019) == 31
    assert overlap_days(MAY, DECEMBER) == 0
    assert overlap_days((date(2019, 1, 1), date(2019, 5, 1)), MAY) == 0
