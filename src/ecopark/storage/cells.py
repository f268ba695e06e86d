"""From cells to typed rows: what a sheet or a CSV file holds, and what is wrong with its cells.

`RawTable` is a table as it was found, with the place of every cell; `typed` turns it into a frame with the table's
columns. A cell that cannot be read becomes blank and gives a problem; the rest of its row is still checked.
"""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any

import polars as pl

from ecopark.model.periods import PeriodError, parse_period
from ecopark.model.problems import Problem, Severity
from ecopark.model.tables import NOTATIONS, TABLES, Attribute, Table
from ecopark.storage.workbook_guard import column_letters
from ecopark.translation import N_

MOST_LISTED = 100
"""Problems of one kind in one column that are listed one by one; the rest is counted in a last line."""

Cell = Any
"""A value as a reader gives it: text, number, boolean, date, datetime, time, or None for a blank."""

_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")
_FIRST_SERIAL, _YEARS = date(1899, 12, 30), (1980, 2100)
"""A spreadsheet's day 0, and the numbers of days that are more likely years typed into a cell formatted as a date."""


@dataclass(frozen=True, slots=True)
class RawTable:
    """One table as a workbook or a folder holds it.

    `columns`: the cells of each column that was found, by attribute name, all of one length; `lines`: the number of
    each row in its sheet or file, counted from 1; `positions`: the index of each column; `name`: of the sheet or file;
    `is_text`: true for CSV, whose cells carry no types.
    """

    table: Table
    columns: dict[str, list[Cell]]
    lines: list[int]
    positions: dict[str, int]
    name: str
    is_text: bool = False

    def place(self, row: int, column: str = "") -> str:
        """Return where a cell (or row) stands: ``flows!D12`` or ``flows.csv line 12, amount``."""
        if self.is_text:
            return f"{self.name} line {self.lines[row]}" + (f", {column}" if column else "")
        letters = column_letters(self.positions[column]) if column in self.positions else ""
        return f"{self.name}!{letters}{self.lines[row]}"

    def row_places(self) -> pl.Series:
        """Return the place of every row: ``flows!12`` or ``flows.csv line 12``."""
        lines = pl.Series("place", self.lines, dtype=pl.Int64).cast(pl.String)
        return (f"{self.name} line " if self.is_text else f"{self.name}!") + lines


@dataclass(slots=True)
class Collector:
    """Collects problems; of many of one kind in one column only the first `MOST_LISTED` are kept, the rest counted.

    `cells` holds table, row (index) and column of every cell with an error, `rows` the rows with one.
    """

    problems: list[Problem] = field(default_factory=list)
    cells: set[tuple[str, int, str]] = field(default_factory=set)
    _counts: Counter[tuple[str, str, Severity]] = field(default_factory=Counter)

    @property
    def failed(self) -> bool:
        """Whether there is an error among the problems."""
        return any(problem.severity == "error" for problem in self.problems)

    def rows(self, table: str) -> set[int]:
        """Return the rows of a table that have an error."""
        return {row for name, row, _ in self.cells if name == table}

    def add(
        self, code: str, place: str, cause: str, remedy: str, *, group: str = "", severity: Severity = "error",
        **values: object,
    ) -> None:  # fmt: skip
        """Add one problem; `values` fill the messages. Problems of one `group` and kind are counted together."""
        self.put(Problem(code, place, cause, remedy, values, severity), group)

    def add_cell(
        self, raw: RawTable, row: int, column: str, code: str, cause: str, remedy: str, **values: object
    ) -> None:
        """Add an error in one cell of a table."""
        self.put_cell(raw, row, column, Problem(code, raw.place(row, column), cause, remedy, values))

    def put_cell(self, raw: RawTable, row: int, column: str, problem: Problem) -> None:
        """Add a problem that exists already, found in a cell."""
        if problem.severity == "error":
            self.cells.add((raw.table.name, row, column))
        self.put(problem, f"{raw.name}, {column}")

    def put(self, problem: Problem, group: str = "") -> None:
        """Add a problem that exists already."""
        key = (problem.code, group, problem.severity)
        self._counts[key] += 1
        if not group or self._counts[key] <= MOST_LISTED:
            self.problems.append(problem)

    def finish(self) -> list[Problem]:
        """Return the problems, errors first, with a line for those that were only counted."""
        found = list(self.problems)
        for (code, group, severity), count in self._counts.items():
            if group and count > MOST_LISTED:
                found.append(
                    Problem(
                        code,
                        group,
                        N_("There are {count} more problems like this in the same column."),
                        N_("Mend them in the same way."),
                        {"count": count - MOST_LISTED},
                        severity,
                    )
                )
        return sorted(found, key=lambda problem: problem.severity != "error")


def nearest(text: str, known: Sequence[str]) -> str | None:
    """Return the known word that is most like `text`, None where none is."""
    folded = {word.casefold(): word for word in known}
    close = difflib.get_close_matches(text.strip().casefold(), list(folded), 1, 0.6)
    return folded[close[0]] if close else None


def find_columns(table: Table, header: Sequence[Cell], place: Callable[[int], str], found: Collector) -> dict[str, int]:
    """Return the position of each of the table's columns in a header row.

    Names beginning with ``#`` and blank ones are left out; an unknown or repeated name and a missing required column
    are problems (`place` gives the place of a header cell). A misspelt column is read as what it was meant to be, so
    that its cells are checked too.
    """
    names = [str(cell).strip() if cell is not None else "" for cell in header]
    positions: dict[str, int] = {}
    for index, name in enumerate(names):
        if not name or name.startswith("#"):
            continue
        if name in positions:
            found.add(
                "column_twice",
                place(index),
                N_("The column {name} is there twice."),
                N_("Keep one of them, or begin the name of the other with #, which leaves it out."),
                name=name,
            )
        elif name in table.schema:
            positions[name] = index
        else:
            meant = _meant(table, name)
            found.add(
                "column_unknown",
                place(index),
                N_("{table} has no column {name}."),
                N_("Did you mean {meant}? To leave a column out, begin its name with #.")
                if meant
                else N_("Its columns are {known}. To leave a column out, begin its name with #."),
                table=table.name,
                name=name,
                meant=meant,
                known=", ".join(table.names),
            )
            if meant and meant not in names and meant not in positions:
                positions[meant] = index
    missing = [a.name for a in table.attributes if a.required and a.default is None and a.name not in positions]
    for name in missing:
        found.add(
            "column_missing",
            place(0),
            N_("The column {name} of {table} is missing."),
            N_("Add it to the header row; `ecopark template` gives the whole sheet."),
            name=name,
            table=table.name,
        )
    return positions


def _meant(table: Table, name: str) -> str | None:
    for attribute in table.attributes:
        if name in (attribute.zh, attribute.en) or name.casefold() == attribute.name.casefold():
            return attribute.name
    return nearest(name, table.names)


def typed(raw: RawTable, found: Collector) -> pl.DataFrame:
    """Return the rows of `raw` with exactly the table's columns; unreadable cells are blank and reported in `found`.

    Blank cells of a column with a default take it; a column that is not there is blank (or its default) throughout.
    """
    columns = []
    periods = _periods(raw, found)
    for attribute in raw.table.attributes:
        kind = raw.table.schema[attribute.name]
        if attribute.name in periods:
            values: list[Any] = periods[attribute.name]
        elif attribute.name not in raw.columns:
            values = [None] * len(raw.lines)
        else:
            values = _column(raw, attribute, found)
        column = pl.Series(attribute.name, values, dtype=kind)
        columns.append(column if attribute.default is None else column.fill_null(attribute.default))
    return pl.DataFrame(columns)


def _column(raw: RawTable, attribute: Attribute, found: Collector) -> list[Any]:
    cells = raw.columns[attribute.name]
    if attribute.kind == "number":
        return _numbers(raw, attribute, cells, found)
    if attribute.kind == "date":
        return _dates(raw, attribute, cells, found)
    return _texts(raw, attribute, cells, found)


def _texts(raw: RawTable, attribute: Attribute, cells: list[Cell], found: Collector) -> list[str | None]:
    if all(cell is None or type(cell) is str for cell in cells):
        return cells
    free = attribute.kind == "text" and attribute.name not in raw.table.key
    values: list[str | None] = []
    for row, cell in enumerate(cells):
        if cell is None or type(cell) is str:
            values.append(cell)
        elif isinstance(cell, bool):
            values.append("TRUE" if cell else "FALSE")
        elif isinstance(cell, float):
            values.append(str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(cell))
        elif isinstance(cell, date | datetime | time | timedelta) and not free:
            values.append(None)
            found.add_cell(
                raw,
                row,
                attribute.name,
                "date_for_text",
                N_("The cell holds the date {value} where {name} is expected."),
                N_("Excel may have made a date of what was typed: format the cell as text and type it again."),
                value=str(cell),
                name=attribute.name,
            )
        else:
            values.append(cell.isoformat() if isinstance(cell, date | time) else str(cell))
    return values


def _numbers(raw: RawTable, attribute: Attribute, cells: list[Cell], found: Collector) -> list[float | None]:
    values: list[float | None] = []
    for row, cell in enumerate(cells):
        if cell is None or type(cell) is float:
            values.append(cell)
        elif type(cell) is int or (raw.is_text and isinstance(cell, str) and _NUMBER.fullmatch(cell)):
            values.append(float(cell))
        else:
            values.append(None)
            _report_number(raw, row, attribute, cell, found)
    for row, value in enumerate(values):
        if value is not None and value - value != 0.0:  # infinite (1e999) or not a number
            values[row] = None
            _report_number(raw, row, attribute, cells[row], found)
    return values


def _report_number(raw: RawTable, row: int, attribute: Attribute, cell: Cell, found: Collector) -> None:
    text = str(cell)
    if text.upper() in NOTATIONS and raw.table.name == "flows":
        remedy = N_("Put {value} into the column notation and leave this cell blank.")
    elif isinstance(cell, date | time | timedelta):
        remedy = N_("Format the cell as a number and type the number again.")
    elif not raw.is_text and _NUMBER.fullmatch(text.replace(",", "").replace("，", "").strip()):
        remedy = N_("The number is stored as text: convert it to a number (the cell's warning sign offers it).")
    else:
        remedy = N_("Give a plain number such as 1234.5, without unit, blanks or thousands separators.")
    found.add_cell(
        raw,
        row,
        attribute.name,
        "not_a_number",
        N_("“{value}” in {name} is not a number."),
        remedy,
        value=text,
        name=attribute.name,
    )


def _dates(raw: RawTable, attribute: Attribute, cells: list[Cell], found: Collector) -> list[date | None]:
    read: dict[Cell, date | None] = {None: None}
    values: list[date | None] = []
    for row, cell in enumerate(cells):
        if cell not in read or (read[cell] is None and cell is not None):
            span = _span(raw, row, attribute.name, (cell, None), found)
            read[cell] = span[0] if span else None
        values.append(read[cell])
    return values


def _periods(raw: RawTable, found: Collector) -> dict[str, list[date | None]]:
    """Start and end of the rows of a table with periods; empty for other tables."""
    if "period_start" not in raw.columns:
        return {}
    starts = raw.columns["period_start"]
    ends = raw.columns.get("period_end", [None] * len(starts))
    read: dict[tuple[Cell, Cell], tuple[date, date | None] | None] = {}
    first_values: list[date | None] = []
    last_values: list[date | None] = []
    whole_days: list[int] = []
    for row, pair in enumerate(zip(starts, ends, strict=True)):
        if pair[0] is None:  # validation says that it is required
            first_values.append(None)
            last_values.append(None)
            continue
        span = read.get(pair)
        if span is None or span[1] is None:  # every place of an unreadable one is reported
            span = read[pair] = _span(raw, row, "period_start", pair, found)
        if isinstance(pair[0], date) and pair[1] is None and span is not None:
            whole_days.append(row)
        first_values.append(span[0] if span else None)
        last_values.append(span[1] if span else None)
    if whole_days:
        found.add(
            "single_days",
            raw.place(whole_days[0], "period_start"),
            N_("{count} rows have a date as start and no end: each was read as one day."),
            N_("For a month or a year write 2019-05 or 2019 into a cell formatted as text, or fill in period_end."),
            severity="warning",
            count=len(whole_days),
        )
    return {"period_start": first_values, "period_end": last_values}


def _span(
    raw: RawTable, row: int, column: str, pair: tuple[Cell, Cell], found: Collector
) -> tuple[date, date | None] | None:
    """The interval that a start and an end mean; what cannot be read is reported and becomes None."""
    for name, cell in ((column, pair[0]), ("period_end", pair[1])):
        serial = (cell - _FIRST_SERIAL).days if type(cell) is date else 0
        if _YEARS[0] <= serial <= _YEARS[1]:
            found.add_cell(
                raw,
                row,
                name,
                "year_as_date",
                N_("The cell shows the date {value}: the year {year} was typed into a cell formatted as a date."),
                N_("Format the cell as text and type {year} again."),
                value=str(cell),
                year=serial,
            )
            return None if name == column else (parse_period(pair[0])[0], None) if _readable(pair[0]) else None
    start, end = (str(cell) if isinstance(cell, bool | time | timedelta) else cell for cell in pair)
    try:
        return parse_period(start, end)
    except PeriodError as error:
        wrong = "period_end" if end is not None and _readable(start) else column
        problem = Problem(error.code, raw.place(row, wrong), error.cause, error.remedy, error.values)
        found.put_cell(raw, row, wrong, problem)
        return (parse_period(start)[0], None) if wrong != column else None


def _readable(cell: Cell) -> bool:
    try:
        parse_period(cell)
    except PeriodError:
        return False
    return True


def table_names() -> list[str]:
    """Return the names of the record's tables, which are the names of sheets and files."""
    return list(TABLES)
