"""Tables of a page: shown as HTML, given as JSON and CSV at the same address."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal

from ecopark.web.numbers import decimals, write_number, write_percent

Kind = Literal["text", "number", "percent", "integer", "year", "status"]
Plain = str | float | int | bool | None


@dataclass(frozen=True, slots=True)
class Cell:
    """One value: where it leads (`href`), and for a number the reference from which it can be recomputed (`explain`).

    `text` replaces the way the value is written; `note` is said beside it (a notation, a warning).
    """

    value: Plain
    href: str | None = None
    explain: str | None = None
    text: str | None = None
    note: str = ""
    mark: str = ""


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its id in JSON and CSV, its head in the reader's language, its unit and how values are written.

    A `hidden` column stands in the twins only.
    """

    id: str
    head: str
    unit: str = ""
    kind: Kind = "text"
    places: int | None = None
    hidden: bool = False

    @property
    def numeric(self) -> bool:
        """Whether the column is set right-aligned in tabular figures."""
        return self.kind in ("number", "percent", "integer")


Row = Mapping[str, Cell | Plain | date]


@dataclass(frozen=True, slots=True)
class Table:
    """A table: columns, rows (column id to cell or plain value) and what is said about it.

    `total` names rows (by position) that are set off as totals; `head` is the id of the column that names the row.
    `pages` is filled where only a part of the rows is shown.
    """

    id: str
    caption: str
    columns: Sequence[Column]
    rows: Sequence[Row]
    source: str = ""
    note: str = ""
    empty: str = ""
    totals: frozenset[int] = field(default_factory=frozenset)
    compact: bool = False

    def cell(self, row: Row, column: Column) -> Cell:
        """Return the cell of `row` in `column`; an absent one is empty."""
        value = row.get(column.id)
        if isinstance(value, Cell):
            return value
        if isinstance(value, datetime):
            return Cell(value.isoformat(sep=" ", timespec="seconds"))
        return Cell(value.isoformat() if isinstance(value, date) else value)

    @property
    def shown(self) -> list[Column]:
        """The columns that the page shows."""
        return [column for column in self.columns if not column.hidden]

    def places(self, column: Column) -> int | None:
        """Return the decimals of a numeric column: as declared, else as suits its values."""
        if column.kind != "number" or column.places is not None:
            return column.places
        values = [self.cell(row, column).value for row in self.rows]
        return decimals([value for value in values if isinstance(value, float | int)])

    def write(self, cell: Cell, column: Column, places: int | None) -> str:
        """Return how `cell` is shown in `column`."""
        if cell.text is not None:
            return cell.text
        value = cell.value
        if value is None:
            return write_number(None) if column.numeric else ""
        if isinstance(value, bool | str):
            return str(value)
        if column.kind == "percent":
            return write_percent(float(value))
        if column.kind == "number":
            return write_number(float(value), places)
        if column.kind == "integer":
            return write_number(int(value))
        return str(value)

    def to_json(self) -> dict[str, object]:
        """Return the table as plain data: columns with units, rows with full values, and what explains each number."""
        rows = []
        for row in self.rows:
            cells = {column.id: self.cell(row, column) for column in self.columns}
            content: dict[str, object] = {name: cell.value for name, cell in cells.items()}
            explained = {name: cell.explain for name, cell in cells.items() if cell.explain}
            notes = {name: cell.note for name, cell in cells.items() if cell.note}
            if explained:
                content["explain"] = explained
            if notes:
                content["notes"] = notes
            rows.append(content)
        return {
            "id": self.id,
            "title": self.caption,
            "columns": [{"id": column.id, "title": column.head, "unit": column.unit} for column in self.columns],
            "rows": rows,
            "source": self.source,
            "note": self.note,
        }

    def to_csv(self) -> str:
        """Return the table as CSV: full values, units in the head as `name [unit]`.

        Text that a spreadsheet would take for a formula is prefixed by an apostrophe.
        """
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\r\n")
        writer.writerow([f"{column.head} [{column.unit}]" if column.unit else column.head for column in self.columns])
        for row in self.rows:
            writer.writerow([_csv_value(self.cell(row, column).value) for column in self.columns])
        return text.getvalue()


def _csv_value(value: Plain) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return "'" + value if value[:1] in ("=", "+", "-", "@", "\t", "\r") else value
    return repr(value) if isinstance(value, float) else str(value)
