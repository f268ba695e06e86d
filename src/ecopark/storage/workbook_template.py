"""The workbook that people fill in: one sheet per table, in both languages, with drop-downs and what is known.

Row 1 of a sheet holds the column names, row 2 their names in both languages, row 3 their meaning; rows 2 and 3 begin
with ``#`` and are not imported, nor are columns and sheets whose name begins with ``#``. All text columns are
formatted as text, so that the spreadsheet program does not turn ids and months into dates.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from ecopark.model.periods import EARLIEST_YEAR, LATEST_YEAR
from ecopark.model.problems import InputError, Problem
from ecopark.model.quantities import VARIABLES
from ecopark.model.record import Record
from ecopark.model.tables import ACTUAL, TABLES, Attribute, Table
from ecopark.storage import template_readme
from ecopark.storage.importing import Vocabulary
from ecopark.storage.template_rows import (
    LAST_YEAR,
    STREAM_NAME,
    Part,
    next_year_flows,
    part_of_record,
    period_texts,
    stream_names,
)
from ecopark.storage.workbook_guard import column_letters
from ecopark.storage.workbook_reader import LISTS, README
from ecopark.translation import N_

if TYPE_CHECKING:
    from xlsxwriter import Workbook
    from xlsxwriter.format import Format
    from xlsxwriter.worksheet import Worksheet

CATALOGUE = "#catalogue"
"""A sheet that shows the catalogue's names; it is not imported."""

FIRST_ROW = 4
"""The row, counted from 1, in which a sheet's data begin."""

LAST_ROW = 1_048_576
"""The last row of an .xlsx sheet."""

_ROOM = 500
"""Rows beyond the filled ones whose ids a drop-down still offers."""

_WIDTHS = {"id": 22, "note": 30, "name_zh": 22, "name_en": 26, "stream": 24, "source": 20, "target": 20, "nodes": 30}
_NEVER_NEGATIVE = ("amount", "level", "volume")


def write_template(
    path: str | Path,
    vocabulary: Vocabulary,
    record: Record | None = None,
    *,
    firm: str | None = None,
    next_year: int | None = None,
) -> Path:
    """Write the workbook to `path` and return it.

    Without a `record` (or with an empty one) the sheets are empty. `firm` shows only what concerns that node;
    `next_year` puts the streams of that year into the flows sheet, with last year's values in grey beside them,
    instead of the flows recorded. Raises InputError for an unknown node, a year out of range, or more rows than a
    sheet can hold.
    """
    import xlsxwriter

    whole = record or Record.empty()
    part = part_of_record(whole, firm) if firm is not None else Part(whole, [])
    record = part.record
    frames = _frames(record, stream_names(whole, vocabulary.commodities), next_year)
    _check_size(frames)
    path = Path(path)
    options = {
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
        "constant_memory": sum(frame.height for frame in frames.values()) > 20_000,
    }
    try:
        with xlsxwriter.Workbook(path.as_posix(), options) as workbook:
            sheets = _Sheets(workbook, part, vocabulary, frames)
            template_readme.write(workbook, whole, firm, next_year)
            for table in TABLES.values():
                sheets.write_table(table)
            sheets.write_catalogue()
            sheets.write_lists()
    except xlsxwriter.exceptions.FileCreateError as error:
        raise InputError(
            [
                Problem(
                    "file_unwritable",
                    path.name,
                    N_("The workbook cannot be written: {error}."),
                    N_("Close it in other programs, or give another name."),
                    {"error": str(error)},
                )
            ]
        ) from error
    return path


def _frames(record: Record, names: pl.DataFrame, next_year: int | None) -> dict[str, pl.DataFrame]:
    frames = dict(record.tables)
    if next_year is not None:
        if not EARLIEST_YEAR < next_year <= LATEST_YEAR:
            raise InputError(
                [
                    Problem(
                        "year_unlikely",
                        str(next_year),
                        N_("{year} is not a year that a park can report."),
                        N_("Give a year such as 2025."),
                        {"year": next_year},
                    )
                ]
            )
        frames["flows"] = next_year_flows(record, next_year)
    frames["flows"] = frames["flows"].join(names, on="stream", how="left", maintain_order="left")
    return {name: period_texts(frame) for name, frame in frames.items()}


def _check_size(frames: dict[str, pl.DataFrame]) -> None:
    problems = [
        Problem(
            "sheet_full",
            name,
            N_("{table} has {count} rows; a sheet holds {limit}."),
            N_("Use a folder of CSV files (`ecopark export`), or the template of one firm."),
            {"table": name, "count": frame.height, "limit": LAST_ROW - FIRST_ROW + 1},
        )
        for name, frame in frames.items()
        if frame.height > LAST_ROW - FIRST_ROW + 1
    ]
    if problems:
        raise InputError(problems)


class _Sheets:
    """Writes the sheets of one workbook."""

    def __init__(self, workbook: Workbook, part: Part, vocabulary: Vocabulary, frames: dict[str, pl.DataFrame]) -> None:
        self.workbook = workbook
        self.vocabulary = vocabulary
        self.frames = frames
        self.lists = _lists(part, vocabulary)
        add = workbook.add_format
        self.text = add({"num_format": "@"})
        self.number = add({})
        self.head = add({"bold": True, "bg_color": "#E8EDF2", "bottom": 1})
        self.required = add({"bold": True, "bg_color": "#D3DEE8", "bottom": 1})
        self.label = add({"text_wrap": True, "valign": "top", "font_size": 9})
        self.meaning = add({"text_wrap": True, "valign": "top", "font_size": 8, "font_color": "#808080"})
        self.reference = add({"font_color": "#808080"})
        self.reference_head = add({"font_color": "#808080", "italic": True, "bottom": 1})

    def write_table(self, table: Table) -> None:
        """Write the sheet of one table."""
        sheet: Worksheet = self.workbook.add_worksheet(table.name)
        frame = self.frames[table.name]
        extra = [name for name in (STREAM_NAME, LAST_YEAR) if name in frame.columns]
        for index, attribute in enumerate(table.attributes):
            sheet.set_column(index, index, _width(attribute), self.number if attribute.kind == "number" else self.text)
        for index, name in enumerate(extra, len(table.attributes)):
            sheet.set_column(index, index, 36 if name == STREAM_NAME else 14, self.reference)
        sheet.freeze_panes(FIRST_ROW - 1, 1)
        for index, attribute in enumerate(table.attributes):
            sheet.write_string(0, index, attribute.name, self.required if attribute.required else self.head)
        for index, name in enumerate(extra, len(table.attributes)):
            sheet.write_string(0, index, name, self.reference_head)
        sheet.set_row(1, 26)
        for index, attribute in enumerate(table.attributes):
            sheet.write_string(1, index, _mark(index) + label(attribute), self.label)
        for index, name in enumerate(extra, len(table.attributes)):
            text = N_("What the stream is") if name == STREAM_NAME else N_("Same period last year")
            sheet.write_string(1, index, template_readme.both(text), self.reference)
        sheet.set_row(2, 66)
        for index, attribute in enumerate(table.attributes):
            sheet.write_string(2, index, _mark(index) + meaning(attribute), self.meaning)
        for index, attribute in enumerate(table.attributes):
            self._validate(sheet, index, table, attribute)
        self._write_rows(sheet, table, frame.select(*table.names, *extra))

    def _write_rows(self, sheet: Worksheet, table: Table, frame: pl.DataFrame) -> None:
        formats: list[Format | None] = [
            None if attribute.kind == "number" else self.text for attribute in table.attributes
        ] + [self.reference] * (frame.width - len(table.attributes))
        for line, row in enumerate(frame.iter_rows(), FIRST_ROW - 1):
            for index, value in enumerate(row):
                if value is None:
                    continue
                if isinstance(value, str):
                    sheet.write_string(line, index, value, formats[index])
                else:
                    sheet.write_number(line, index, value)

    def _validate(self, sheet: Worksheet, index: int, table: Table, attribute: Attribute) -> None:
        rule = self._rule(table, attribute)
        if rule is not None:
            sheet.data_validation(FIRST_ROW - 1, index, LAST_ROW - 1, index, {"ignore_blank": True, **rule})

    def _rule(self, table: Table, attribute: Attribute) -> dict[str, Any] | None:
        if attribute.kind == "number":
            low = 0 if attribute.name in _NEVER_NEGATIVE else -1e300
            return {
                "validate": "decimal", "criteria": "between", "minimum": low, "maximum": 1e300,
                "error_message": template_readme.both(N_("Give a number, without unit.")),
            }  # fmt: skip
        if attribute.kind == "choice":
            return {"validate": "list", "source": list(attribute.choices)}
        name, strict = _LISTED.get((table.name, attribute.name), ("", True))
        if attribute.references == "nodes" and attribute.kind == "reference" and self.lists["nodes"]:
            name = "nodes"  # a firm's workbook: its neighbours may be named but are not shown
        if name:
            values = self.lists[name]
            if not values:
                return None
            letters = column_letters(list(self.lists).index(name))
            source = f"={LISTS}!${letters}$2:${letters}${len(values) + 1}"
            return {"validate": "list", "source": source, "error_type": "warning", "show_error": strict}
        if attribute.kind == "reference":
            last = FIRST_ROW - 1 + self.frames[attribute.references].height + _ROOM
            source = f"={attribute.references}!$A${FIRST_ROW}:$A${last}"
            return {"validate": "list", "source": source, "error_type": "warning"}
        return None

    def write_catalogue(self) -> None:
        """Write the sheet that shows what the catalogue's ids mean."""
        sheet = self.workbook.add_worksheet(CATALOGUE)
        both = template_readme.both
        blocks = (
            (both(N_("Commodities")), self.vocabulary.commodities, ("id", "name_zh", "name_en", "group", "unit")),
            (both(N_("Activities")), self.vocabulary.activities, ("id", "name_zh", "name_en")),
            (both(N_("Commodity groups")), self.vocabulary.groups, ("id", "name_zh", "name_en")),
            (both(N_("Quantities")), self.vocabulary.quantities, ("id", "name_zh", "name_en")),
        )
        columns: list[tuple[str, list[Any]]] = []
        for title, frame, names in blocks:
            shown = [name for name in names if name in frame.columns]
            columns += [(title if name == "id" else name, frame[name].to_list()) for name in shown]
            columns.append(("", []))
        sheet.set_column(0, len(columns), 20)
        sheet.freeze_panes(1, 0)
        for line in range(1 + max((len(values) for _, values in columns), default=0)):
            for index, (head, values) in enumerate(columns):
                if line == 0:
                    sheet.write_string(0, index, head, self.head if head else None)
                elif line <= len(values) and values[line - 1] is not None:
                    sheet.write_string(line, index, str(values[line - 1]))

    def write_lists(self) -> None:
        """Write the hidden sheet that the drop-downs take their choices from."""
        sheet = self.workbook.add_worksheet(LISTS)
        sheet.hide()
        for line in range(1 + max(len(values) for values in self.lists.values())):
            for index, (name, values) in enumerate(self.lists.items()):
                if line == 0:
                    sheet.write_string(0, index, name)
                elif line <= len(values):
                    sheet.write_string(line, index, values[line - 1])


_LISTED: dict[tuple[str, str], tuple[str, bool]] = {
    ("streams", "commodity"): ("commodities", True),
    ("stocks", "commodity"): ("commodities", True),
    ("properties", "commodity"): ("commodities", True),
    ("factors", "commodity"): ("commodities", True),
    ("commodities", "parent"): ("commodities", True),
    ("streams", "activity"): ("activities", True),
    ("commodities", "group"): ("groups", True),
    ("properties", "property"): ("quantities", True),
    ("factors", "quantity"): ("quantities", True),
    ("flows", "scenario"): ("scenarios", True),
    ("scenarios", "parent"): ("scenarios", True),
    ("statistics", "variable"): ("variables", False),
    ("flows", "unit"): ("units", False),
    ("stocks", "unit"): ("units", False),
    ("commodities", "unit"): ("units", False),
}
"""Columns whose drop-down comes from the hidden sheet: the list, and whether other values are questioned."""

_COMMON_UNITS = ("t", "万t", "kg", "MWh", "kWh", "万kWh", "GJ", "TJ", "m3", "万m3", "Nm3", "万Nm3", "tce", "万tce")


def _lists(part: Part, vocabulary: Vocabulary) -> dict[str, list[str]]:
    def ids(frame: pl.DataFrame, column: str = "id") -> list[str]:
        return frame[column].drop_nulls().to_list()

    def once(*parts: list[str]) -> list[str]:
        return list(dict.fromkeys(value for part in parts for value in part))

    record = part.record
    return {
        "nodes": part.nodes,
        "commodities": once(ids(record.commodities), ids(vocabulary.commodities)),
        "activities": ids(vocabulary.activities),
        "groups": ids(vocabulary.groups),
        "quantities": ids(vocabulary.quantities),
        "scenarios": once([ACTUAL], ids(record.scenarios)),
        "variables": list(VARIABLES),
        "units": once(list(_COMMON_UNITS), ids(record.commodities, "unit"), ids(vocabulary.commodities, "unit")),
    }


def label(attribute: Attribute) -> str:
    """Return the column's name in both languages; an asterisk marks a required one."""
    return f"{attribute.zh} / {attribute.en}{' *' if attribute.required and attribute.default is None else ''}"


def meaning(attribute: Attribute) -> str:
    """Return what the column means in both languages, with its choices and default."""
    lines = [text for text in (attribute.meaning_zh, attribute.meaning_en) if text]
    if attribute.choices:
        lines.append(" | ".join(attribute.choices))
    if attribute.default is not None:
        lines.append(template_readme.both(N_("Blank: {default}"), default=attribute.default))
    return "\n".join(lines)


def _mark(index: int) -> str:
    return "# " if index == 0 else ""


def _width(attribute: Attribute) -> int:
    return _WIDTHS.get(attribute.name, 12 if attribute.kind == "number" else 16)


__all__ = ["CATALOGUE", "FIRST_ROW", "README", "label", "meaning", "write_template"]
