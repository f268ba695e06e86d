"""The record as a folder that git can keep: one CSV file per table and a `datapackage.json` that describes them.

The layout is a Frictionless data package: UTF-8, comma, a header row with the column names, blanks for missing
values, dates as 2019-01-31, periods half-open. Reading also accepts files with a byte-order mark, in GB18030 (which
contains GBK and GB2312), and with semicolons or tabs; it says so in a warning.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import polars as pl

from ecopark.model.problems import InputError
from ecopark.model.record import Record
from ecopark.model.tables import TABLES, Attribute, Table
from ecopark.storage.cells import Cell, Collector, RawTable, find_columns, nearest
from ecopark.storage.evidence import file_hash
from ecopark.storage.workbook_reader import Source
from ecopark.translation import N_

PACKAGE = "datapackage.json"
MAX_CSV_BYTES = 1 << 30
"""Largest CSV file that is read."""


def write_folder(record: Record, folder: str | Path, *, name: str = "park", title: str = "") -> list[Path]:
    """Write the record into `folder` (made where missing) and return the files written.

    Tables without rows are left out; files of a former export are replaced, anything else is left alone.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    written, resources = [], []
    for table in TABLES.values():
        file = folder / f"{table.name}.csv"
        frame = record[table.name]
        if frame.is_empty():
            file.unlink(missing_ok=True)
            continue
        frame.write_csv(file, date_format="%Y-%m-%d", line_terminator="\n")
        written.append(file)
        resources.append(_resource(table, record))
    package = {"name": name, "title": title or name, "profile": "tabular-data-package", "resources": resources}
    target = folder / PACKAGE
    target.write_text(json.dumps(package, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    return [target, *written]


def _resource(table: Table, record: Record) -> dict[str, Any]:
    return {
        "name": table.name,
        "title": f"{table.zh} / {table.en}",
        "path": f"{table.name}.csv",
        "profile": "tabular-data-resource",
        "format": "csv",
        "mediatype": "text/csv",
        "encoding": "utf-8",
        "dialect": {"delimiter": ",", "header": True},
        "schema": table_schema(table, {name for name in TABLES if record[name].height}),
    }


def table_schema(table: Table, present: set[str] | None = None) -> dict[str, Any]:
    """Return the Frictionless table schema of `table`; foreign keys only to tables in `present` (None: to all)."""
    schema: dict[str, Any] = {"fields": [_field(table, attribute) for attribute in table.attributes]}
    schema["missingValues"] = [""]
    if all(table.attribute(name).required or len(table.key) == 1 for name in table.key):
        schema["primaryKey"] = list(table.key)
    keys = [
        {
            "fields": attribute.name,
            "reference": {
                "resource": "" if attribute.references == table.name else attribute.references,
                "fields": "id",
            },
        }
        for attribute in table.attributes
        if attribute.kind == "reference"
        and attribute.references != "scenarios"  # `actual` needs no row
        and (present is None or attribute.references in present)
    ]
    if keys:
        schema["foreignKeys"] = keys
    return schema


def _field(table: Table, attribute: Attribute) -> dict[str, Any]:
    field: dict[str, Any] = {
        "name": attribute.name,
        "type": {"number": "number", "date": "date"}.get(attribute.kind, "string"),
        "title": f"{attribute.zh} / {attribute.en}",
    }
    meaning = " / ".join(text for text in (attribute.meaning_zh, attribute.meaning_en) if text)
    if meaning:
        field["description"] = meaning
    constraints: dict[str, Any] = {}
    if attribute.required or table.key == (attribute.name,):
        constraints["required"] = True
    if table.key == (attribute.name,):
        constraints["unique"] = True
    if attribute.choices:
        constraints["enum"] = list(attribute.choices)
    if constraints:
        field["constraints"] = constraints
    return field


def read_folder(path: str | Path) -> Source:
    """Read a data package: `path` is its folder, its `datapackage.json`, or a single CSV file named as a table.

    Never raises for bad input: everything that is wrong stands in `problems` of the result.
    """
    path = Path(path)
    found = Collector()
    single = path.suffix.lower() == ".csv" and not path.is_dir()
    root = path if path.is_dir() else path.parent
    files: dict[Path, str] = {}
    tables: dict[str, RawTable] = {}
    resources = _single(path, found) if single else _resources(root, found)
    for name, file in resources.items():
        try:
            table = _read_file(TABLES[name], file, found)
            files[file] = file_hash(file)
        except OSError as error:
            found.add(
                "file_unreadable",
                file.name,
                N_("The file cannot be read: {error}."),
                N_("Check the name, and close the file in other programs."),
                error=error.strerror or str(error),
            )
            continue
        if table is not None:
            tables[name] = table
    if not single and (root / PACKAGE).is_file():
        files[root / PACKAGE] = file_hash(root / PACKAGE)
    if not resources and not found.failed:
        found.add(
            "no_files",
            root.name or root.as_posix(),
            N_("The folder holds no table of a park."),
            N_("It needs files such as nodes.csv, streams.csv and flows.csv; `ecopark export` writes them."),
        )
    return Source(path.name or path.resolve().name, root, files, tables, found.problems)


def _single(path: Path, found: Collector) -> dict[str, Path]:
    if path.stem in TABLES:
        return {path.stem: path}
    _unknown_file(path.name, found, {})
    return {}


def _unknown_file(name: str, found: Collector, taken: Mapping[str, Path]) -> None:
    meant = nearest(Path(name).stem, [table for table in TABLES if table not in taken])
    found.add(
        "file_unknown",
        name,
        N_("{name} is not the name of a table."),
        N_("Did you mean {meant}.csv? Rename the file; to leave a file out, begin its name with #.")
        if meant
        else N_("The files are named {known}. To leave a file out, begin its name with #."),
        name=name,
        meant=meant,
        known=", ".join(f"{table}.csv" for table in TABLES),
    )


def _resources(root: Path, found: Collector) -> dict[str, Path]:
    """The file of each table: as `datapackage.json` says, else by name."""
    listed = _listed(root, found)
    resources = listed if listed is not None else {}
    for file in sorted(root.glob("*.csv")):
        if file in resources.values() or file.name.startswith("#"):
            continue
        if file.stem not in TABLES:
            _unknown_file(file.name, found, resources)
        elif listed is not None:
            found.add(
                "file_unlisted",
                file.name,
                N_("{name} is not listed in datapackage.json."),
                N_("List it among the resources, or remove it; to leave it out, begin its name with #."),
                name=file.name,
            )
        else:
            resources[file.stem] = file
    if listed is None and resources:
        found.add(
            "package_missing",
            PACKAGE,
            N_("The folder has no datapackage.json; its CSV files were read by their names."),
            N_("Nothing needs to be done; `ecopark export` writes the file."),
            severity="warning",
        )
    return resources


def _listed(root: Path, found: Collector) -> dict[str, Path] | None:
    file = root / PACKAGE
    if not file.is_file():
        return None
    resources: dict[str, Path] = {}
    try:
        package = json.loads(_decode(file.read_bytes())[0])
        entries = [(str(entry["name"]), str(entry["path"])) for entry in package["resources"]]
    except (ValueError, KeyError, TypeError, OSError) as error:
        found.add(
            "package_unreadable",
            PACKAGE,
            N_("datapackage.json cannot be read: {error}."),
            N_("It is JSON with a list `resources`, each with a `name` and a `path`; or remove it."),
            error=str(error),
        )
        return {}
    for name, path in entries:
        target = root / PurePosixPath(path)
        inside = target.resolve().is_relative_to(root.resolve())
        if name not in TABLES:
            meant = nearest(name, list(TABLES))
            found.add(
                "resource_unknown",
                f"{PACKAGE}, {name}",
                N_("{name} is not the name of a table."),
                N_("Did you mean {meant}?") if meant else N_("The tables are {known}."),
                name=name,
                meant=meant,
                known=", ".join(TABLES),
            )
        elif not inside or not target.is_file():
            found.add(
                "resource_missing",
                f"{PACKAGE}, {name}",
                N_("There is no file {path} in the folder."),
                N_("Add it, or take {name} off the list."),
                path=path,
                name=name,
            )
        else:
            resources[name] = target
    return resources


def _decode(data: bytes) -> tuple[str, str]:
    """Return the text and its encoding: utf-8, utf-8-sig, utf-16 or gb18030; ValueError for what is not text."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16"), "utf-16"
    if b"\x00" in data:
        raise ValueError("not text")
    if data.startswith(b"\xef\xbb\xbf"):
        return data.decode("utf-8-sig"), "utf-8-sig"
    try:
        return data.decode("utf-8"), "utf-8"
    except UnicodeDecodeError:
        return data.decode("gb18030"), "gb18030"


def _read_file(table: Table, file: Path, found: Collector) -> RawTable | None:
    if file.stat().st_size > MAX_CSV_BYTES:
        found.add(
            "file_too_large",
            file.name,
            N_("The file has {size} MB; at most {limit} MB are read."),
            N_("Split it by year and import the parts one after the other."),
            size=file.stat().st_size >> 20,
            limit=MAX_CSV_BYTES >> 20,
        )
        return None
    try:
        text, encoding = _decode(file.read_bytes())
    except ValueError:
        found.add(
            "encoding_unknown",
            file.name,
            N_("The file is not text in UTF-8 or GB18030."),
            N_("Save it as CSV UTF-8 (in Excel: Save as, CSV UTF-8)."),
        )
        return None
    if encoding in ("gb18030", "utf-16"):
        found.add(
            "encoding_detected",
            file.name,
            N_("The file is not in UTF-8; it was read as {encoding}."),
            N_("Check that Chinese names look right in the preview; saving as CSV UTF-8 avoids the doubt."),
            severity="warning",
            encoding=encoding.upper(),
        )
    return _read_rows(table, file.name, text, found)


def _read_rows(table: Table, name: str, text: str, found: Collector) -> RawTable | None:
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    if delimiter != ",":
        found.add(
            "delimiter_detected",
            name,
            N_("The columns are separated by {delimiter}."),
            N_("Nothing needs to be done if the preview looks right."),
            severity="warning",
            delimiter="tab" if delimiter == "\t" else delimiter,
        )
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows: list[list[str]] = []
    lines: list[int] = []
    before = 0
    csv.field_size_limit(1 << 24)
    try:
        for row in reader:
            rows.append(row)
            lines.append(before + 1)
            before = reader.line_num
    except csv.Error as error:
        found.add(
            "csv_broken",
            f"{name} line {reader.line_num}",
            N_("The line cannot be read as CSV: {error}."),
            N_("Look for a quotation mark that is opened and not closed; double those inside a text."),
            error=str(error),
        )
    if not rows:
        found.add(
            "header_missing",
            f"{name} line 1",
            N_("{name} has no row with the names of the columns."),
            N_("Put the names into its first row: {known}."),
            name=name,
            known=", ".join(table.names),
        )
        return None
    header = [cell.strip() or None for cell in rows[0]]
    positions = find_columns(table, header, lambda index: f"{name} line 1, {header[index] or index + 1}", found)
    kept: list[list[Cell]] = []
    kept_lines: list[int] = []
    for line, row in zip(lines[1:], rows[1:], strict=True):
        cells: list[Cell] = [cell.strip() or None for cell in row]
        filled = next((cell for cell in cells if cell is not None), None)
        if filled is None or filled.startswith("#"):
            continue
        if len(cells) != len(header):
            found.add(
                "csv_ragged",
                f"{name} line {line}",
                N_("The line has {count} cells, the header {expected}."),
                N_("Put a text that contains the separator into quotation marks, or add what is missing."),
                group=name,
                count=len(cells),
                expected=len(header),
            )
            cells = (cells + [None] * len(header))[: len(header)]
        kept.append(cells)
        kept_lines.append(line)
    columns = {attribute: [row[index] for row in kept] for attribute, index in positions.items()}
    return RawTable(table, columns, kept_lines, positions, name, is_text=True)


def read_record(path: str | Path) -> Record:
    """Read a data package into a record without any check of its meaning; InputError where its form is wrong."""
    from ecopark.storage.cells import typed

    source = read_folder(path)
    found = Collector(list(source.problems))
    frames: dict[str, pl.DataFrame] = {name: typed(raw, found) for name, raw in source.tables.items()}
    if found.failed:
        raise InputError(found.finish())
    return Record.of(**frames)
