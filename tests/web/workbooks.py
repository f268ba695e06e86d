"""Workbooks to upload: the record's own, changed or broken on purpose."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import openpyxl

Edit = Callable[[Any], None]


def edited(workbook: bytes, edit: Edit) -> bytes:
    """Return a workbook after `edit` has changed it."""
    book = openpyxl.load_workbook(io.BytesIO(workbook))
    edit(book)
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def columns(sheet: Any) -> tuple[int, dict[str, int]]:
    """Return the header's row and the column number of every attribute."""
    for row in range(1, 11):
        names = {str(cell.value): cell.column for cell in sheet[row] if cell.value}
        if "stream" in names and "amount" in names:
            return row, names
    raise AssertionError("no header")


def amount_cell(book: Any, stream: str, year: int) -> Any:
    """Return the cell with the amount of a stream's flow of a year."""
    sheet = book["flows"]
    head, names = columns(sheet)
    for row in range(head + 1, sheet.max_row + 1):
        start = sheet.cell(row, names["period_start"]).value
        if sheet.cell(row, names["stream"]).value == stream and str(start)[:4] == str(year):
            return sheet.cell(row, names["amount"])
    raise AssertionError(f"no flow of {stream} in {year}")
