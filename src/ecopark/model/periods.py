"""Periods: half-open intervals of days, read from the ways in which people write years, months and dates."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta

from ecopark.translation import N_, translate

PeriodInput = str | int | float | date | datetime | None

EARLIEST_YEAR, LATEST_YEAR = 1900, 2200
"""Years outside these are taken for slips of the pen."""

_QUARTERS = {"一": 1, "二": 2, "三": 3, "四": 4, "1": 1, "2": 2, "3": 3, "4": 4}


class PeriodError(ValueError):
    """A period that cannot be read; `cause` and `remedy` are message ids filled from `values`."""

    def __init__(self, cause: str, remedy: str, values: dict[str, object]) -> None:
        self.code = "period_unreadable"
        self.cause = cause
        self.remedy = remedy
        self.values = values
        super().__init__(f"{cause.format(**values)} {remedy.format(**values)}")

    def describe(self, language: str) -> tuple[str, str]:
        """Return cause and remedy as sentences in `language`."""
        return translate(self.cause, language, **self.values), translate(self.remedy, language, **self.values)


def year_bounds(year: int) -> tuple[date, date]:
    """Return the half-open interval of a calendar year: 1 January of it and of the next."""
    return date(year, 1, 1), date(year + 1, 1, 1)


def month_bounds(year: int, month: int) -> tuple[date, date]:
    """Return the half-open interval of a calendar month."""
    return date(year, month, 1), _months_on(year, month, 1)


def parse_period(start: PeriodInput, end: PeriodInput = None) -> tuple[date, date]:
    """Return the half-open interval that `start` (and `end`) mean.

    A year (``2019``, ``"2019年"``), quarter (``"2019Q1"``), month (``"2019-05"``, ``"2019年5月"``) or day
    (``"2019-05-31"``, a date) stands for the whole of itself; an `end` is exclusive and means its own first day, so
    that ``("2019-05", "2019-07")`` is May and June. Raises PeriodError for what cannot be read; the order of the two
    dates is left to validation, which knows the place.
    """
    first, after = _span(start)
    if end is None or (isinstance(end, str) and not end.strip()):
        return first, after
    return first, _span(end)[0]


def _span(value: PeriodInput) -> tuple[date, date]:
    if isinstance(value, datetime):
        value = value.date()
    if isinstance(value, date):
        return value, value + timedelta(days=1)
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # a year typed into a spreadsheet comes as 2019.0
    text = str(value if value is not None else "").strip()
    try:
        found = _read(text)
    except ValueError:
        found = None
    if found is None or not EARLIEST_YEAR <= found[0].year <= LATEST_YEAR:
        raise PeriodError(
            N_("“{found}” cannot be read as a period."),
            N_("Write a year (2019), a quarter (2019Q1), a month (2019-05) or a date (2019-05-31)."),
            {"found": text},
        )
    return found


def _read(text: str) -> tuple[date, date] | None:
    text = re.sub(r"(\.0+|[T ]00:00(:00(\.0+)?)?)$", "", text) if not re.fullmatch(r"\d{4}\.0\d", text) else text
    if found := re.fullmatch(r"(\d{4})年?", text):
        return year_bounds(int(found[1]))
    if found := re.fullmatch(r"(\d{4})[-年]?\s*(?:[Qq]([1-4])|第?([一二三四1-4])季度?)", text):
        month = 3 * _QUARTERS[found[2] or found[3]] - 2
        return date(int(found[1]), month, 1), _months_on(int(found[1]), month, 3)
    if found := re.fullmatch(r"(\d{4})(?:[-/年]\s*(\d{1,2})月?|\.(\d{2})|(\d{2}))", text):
        return month_bounds(int(found[1]), int(found[2] or found[3] or found[4]))
    if found := re.fullmatch(r"(\d{4})([-/.年])\s*(\d{1,2})[-/.月]\s*(\d{1,2})日?", text) or re.fullmatch(
        r"(\d{4})()(\d{2})(\d{2})", text
    ):
        day = date(int(found[1]), int(found[3]), int(found[4]))
        return day, day + timedelta(days=1)
    return None


def _months_on(year: int, month: int, count: int) -> date:
    ahead = month - 1 + count
    return date(year + ahead // 12, ahead % 12 + 1, 1)


def period_label(start: date, end: date) -> str:
    """Return the shortest text that `parse_period` reads back as this interval, for ids and labels.

    A year gives ``2019``, a month ``2019-05``, a day ``2019-05-31``; anything else ``2019-05-01_2019-05-08`` (first
    day and exclusive end, which `parse_period` takes as two values).
    """
    if (start.month, start.day) == (1, 1) and end == date(start.year + 1, 1, 1):
        return f"{start.year:04d}"
    if start.day == 1 and end == _months_on(start.year, start.month, 1):
        return f"{start.year:04d}-{start.month:02d}"
    if end == start + timedelta(days=1):
        return start.isoformat()
    return f"{start.isoformat()}_{end.isoformat()}"


def overlap_days(first: tuple[date, date], second: tuple[date, date]) -> int:
    """Return the number of days that two half-open intervals share."""
    return max(0, (min(first[1], second[1]) - max(first[0], second[0])).days)
