"""Reading a workbook: every known sheet into a `RawTable`, and every fault of its form with sheet and cell."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass, field
from pathlib import Path

from ecopark.model.problems import InputError, Problem
from ecopark.model.tables import TABLES, Table
from ecopark.storage.cells import Cell, Collector, RawTable, find_columns, nearest
from ecopark.storage.workbook_guard import Package, SheetPart, SheetScan, column_letters
from ecopark.translation import N_

README, LISTS = "README", "lists"
"""Sheets of the template that hold no data."""

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_HEADER_WITHIN = 10
"""The header row is looked for in this many rows from the top."""


@dataclass(frozen=True, slots=True)
class Source:
    """What was read from a workbook or a folder: its tables, its faults of form, and its files with their SHA-256.

    `cells` holds table, row (index) and column of the cells that are among the faults.
    """

    name: str
    path: Path
    files: dict[Path, str] = field(default_factory=dict)
    tables: dict[str, RawTable] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    cells: set[tuple[str, int, str]] = field(default_factory=set)


def read_workbook(path: str | Path) -> Source:
    """Read the workbook at `path`.

    Sheets named as tables are read; `README`, `lists`, hidden sheets and sheets whose name begins with ``#`` are not.
    Rows whose first filled cell begins with ``#`` (the template's second and third row) are left out. Never raises
    for bad input: everything that is wrong stands in `problems` of the result.
    """
    path = Path(path)
    found = Collector()
    try:
        package = Package(path)
    except InputError as error:
        return Source(path.name, path, problems=error.problems)
    files = {path: hashlib.sha256(package.data).hexdigest()}
    tables: dict[str, RawTable] = {}
    try:
        wanted = {sheet: name for sheet in package.sheets if (name := _table_of(sheet, package, found)) is not None}
        values = _values(package, wanted, found)
    except InputError as error:
        return Source(path.name, path, files, problems=[*error.problems, *found.problems])
    for sheet, (name, rows, scan) in values.items():
        table = _read_sheet(TABLES[name], sheet, rows, scan, found)
        if table is not None:
            tables[name] = table
    if not values and not any(problem.severity == "error" for problem in found.problems):
        found.add(
            "no_sheets",
            path.name,
            N_("The workbook has no sheet with data."),
            N_("Name its sheets {known}; `ecopark template` gives such a workbook."),
            known=", ".join(TABLES),
        )
    return Source(path.name, path, files, tables, found.problems, found.cells)


def _table_of(sheet: SheetPart, package: Package, found: Collector) -> str | None:
    """The table that a sheet holds, None for one that is left out.

    A hidden or misspelt sheet is an error and is read all the same, so that all its faults are seen at once.
    """
    if sheet.name in (README, LISTS) or (sheet.name.startswith("#") and not sheet.hidden):
        return None
    if sheet.name in TABLES:
        if sheet.hidden:
            found.add(
                "sheet_hidden",
                sheet.name,
                N_("The sheet {name} is hidden: what nobody sees is not imported."),
                N_("Unhide it if it is to be imported, or delete it."),
                name=sheet.name,
            )
        return sheet.name
    if sheet.hidden:
        found.add(
            "sheet_hidden_left_out",
            sheet.name,
            N_("The hidden sheet {name} was not read."),
            N_("Nothing needs to be done if it holds no data of the park."),
            severity="warning",
            name=sheet.name,
        )
        return None
    meant = _meant(sheet.name)
    if meant in {other.name for other in package.sheets}:
        meant = None
    found.add(
        "sheet_unknown",
        sheet.name,
        N_("{name} is not the name of a table."),
        N_("Did you mean {meant}? Rename the sheet; to leave a sheet out, begin its name with #.")
        if meant
        else N_("The sheets are named {known}. To leave a sheet out, begin its name with #."),
        name=sheet.name,
        meant=meant,
        known=", ".join(TABLES),
    )
    return meant


def _meant(name: str) -> str | None:
    for table in TABLES.values():
        if name.strip() in (table.zh, table.en):
            return table.name
    return nearest(name, list(TABLES))


def _values(
    package: Package, wanted: dict[SheetPart, str], found: Collector
) -> dict[str, tuple[str, list[list[Cell]], SheetScan]]:
    """By sheet: its table, its cells from A1 as rows, and its scan; a sheet that is too large is a problem."""
    from python_calamine import CalamineWorkbook

    result: dict[str, tuple[str, list[list[Cell]], SheetScan]] = {}
    scans: dict[SheetPart, SheetScan] = {}
    for sheet in wanted:
        try:
            scans[sheet] = package.scan(sheet)
        except InputError as error:
            found.problems.extend(error.problems)
    try:
        with CalamineWorkbook.from_filelike(io.BytesIO(package.data)) as workbook:
            for sheet, scan in scans.items():
                rows = workbook.get_sheet_by_name(sheet.name).to_python(skip_empty_area=False)
                result[sheet.name] = (wanted[sheet], rows, scan)
    except BaseException as error:  # the reader's own panics are no Exception
        if isinstance(error, KeyboardInterrupt | SystemExit | MemoryError):
            raise
        raise InputError(
            [
                Problem(
                    "workbook_damaged",
                    package.name,
                    N_("The file is damaged or not a workbook ({error})."),
                    N_("Open it in Excel, WPS or LibreOffice and save it again as .xlsx."),
                    {"error": str(error) or type(error).__name__},
                )
            ]
        ) from error
    return result


def _read_sheet(table: Table, name: str, rows: list[list[Cell]], scan: SheetScan, found: Collector) -> RawTable | None:
    for merged in scan.merged:
        found.add(
            "merged_cells",
            f"{name}!{merged}",
            N_("The cells {merged} are merged: only the first of them holds a value."),
            N_("Unmerge them and fill in every cell."),
            group=name,
            merged=merged,
        )
    header = _header_row(table, rows)
    if header is None:
        if any(cell != "" for row in rows for cell in row):
            found.add(
                "header_missing",
                f"{name}!A1",
                N_("The sheet {name} has no row with the names of the columns."),
                N_("Put the names into its first row: {known}."),
                name=name,
                known=", ".join(table.names),
            )
        return None
    positions = find_columns(
        table,
        [_clean(cell) for cell in rows[header]],
        lambda index: f"{name}!{column_letters(index)}{header + 1}",
        found,
    )
    _check_nameless(name, rows, header, found)
    order = sorted(positions.values())
    kept, lines = [], []
    letters = {column_letters(index) for index in order}
    faults = [address for address in (*scan.uncomputed, *scan.errors) if address.rstrip("0123456789") in letters]
    unread = {int(address.lstrip(_LETTERS)) for address in faults}
    for line, row in enumerate(rows[header + 1 :], header + 2):
        first = next((row[index] for index in order if row[index] != ""), None)
        if first is None:
            if line in unread:
                kept.append(row)
                lines.append(line)
            continue
        if type(first) is str and (first.startswith("#") or not any(_clean(row[index]) for index in order)):
            continue
        kept.append(row)
        lines.append(line)
    columns = {attribute: [_clean(row[index]) for row in kept] for attribute, index in positions.items()}
    raw = RawTable(table, columns, lines, positions, name)
    _check_formulas(raw, scan, found)
    return raw


def _header_row(table: Table, rows: list[list[Cell]]) -> int | None:
    """The first of the top rows that names most of the columns; None where none names any."""
    best, most = None, 0
    for index, row in enumerate(rows[:_HEADER_WITHIN]):
        known = sum(1 for cell in row if isinstance(cell, str) and cell.strip() in table.schema)
        if known > most:
            best, most = index, known
    return best


def _clean(cell: Cell) -> Cell:
    if type(cell) is str:
        return cell.strip() or None
    return cell


def _check_nameless(name: str, rows: list[list[Cell]], header: int, found: Collector) -> None:
    """A column that holds data below a blank name would be lost without a word."""
    for index, cell in enumerate(rows[header]):
        if _clean(cell) is not None:
            continue
        for line, row in enumerate(rows[header + 1 :], header + 2):
            if _clean(row[index]) is not None:
                found.add(
                    "column_nameless",
                    f"{name}!{column_letters(index)}{line}",
                    N_("Column {letters} holds data but has no name."),
                    N_("Name it, delete it, or give it a name that begins with #, which leaves it out."),
                    letters=column_letters(index),
                )
                break


def _check_formulas(raw: RawTable, scan: SheetScan, found: Collector) -> None:
    attributes = {column_letters(index): attribute for attribute, index in raw.positions.items()}
    rows = {line: row for row, line in enumerate(raw.lines)}

    def data(address: str) -> tuple[int, str] | None:
        """Row and column of a cell that was read as data; None for cells outside, which do not matter."""
        letters = address.rstrip("0123456789")
        row = rows.get(int(address[len(letters) :] or 0))
        return (row, attributes[letters]) if row is not None and letters in attributes else None

    for address, error in scan.errors.items():
        if cell := data(address):
            found.add_cell(
                raw,
                *cell,
                "cell_error",
                N_("The cell holds the error {error}."),
                N_("Correct its formula, or type the value."),
                error=error,
            )
    for address in scan.uncomputed:
        if cell := data(address):
            found.add_cell(
                raw,
                *cell,
                "formula_uncomputed",
                N_("The cell holds a formula whose value was never computed."),
                N_("Open the workbook in Excel, WPS or LibreOffice and save it, or type the value."),
            )
    formulas = [address for address in scan.formulas if data(address)]
    if formulas:
        found.add(
            "formulas_read",
            f"{raw.name}!{formulas[0]}",
            N_("{count} cells of {name} hold formulas; the values last computed were read."),
            N_("Nothing needs to be done if the workbook was saved after its last change."),
            severity="warning",
            count=len(formulas),
            name=raw.name,
        )
