"""What a file claiming to be a workbook is, before anything opens it: sizes, encryption, formulas, merged cells.

An .xlsx file is a zip of XML parts. Its members are inflated here piece by piece with a bound on the total, whatever
sizes the zip's directory claims, so that a zip bomb ends in a message; the same pass finds what a reader of values
does not tell: formulas without a computed value, cells that hold an Excel error, merged cells.
"""

from __future__ import annotations

import io
import posixpath
import re
import struct
import zipfile
import zlib
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

from ecopark.model.problems import InputError, Problem
from ecopark.translation import N_

MEBIBYTE = 1 << 20
MAX_FILE_BYTES = 100 * MEBIBYTE
"""Largest workbook file that is read."""
MAX_INFLATED_BYTES = 2048 * MEBIBYTE
"""Largest size of all parts of a workbook together, inflated."""
MAX_RATIO = 200
"""Largest inflated size of a part over its packed size (parts above `RATIO_FROM_BYTES`); real sheets stay below 50."""
RATIO_FROM_BYTES = 16 * MEBIBYTE
MAX_MEMBERS = 5000
MAX_CELLS = 25_000_000
"""Largest rectangle from A1 to a sheet's last cell."""

_PIECE = 4 * MEBIBYTE
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_FORMULA = re.compile(rb"<(?:\w+:)?f[ />]")
_CELL = re.compile(rb"<(?:\w+:)?c\b([^>]*?)(?:/>|>(.*?)</(?:\w+:)?c>)", re.DOTALL)
_FORMULA_START = re.compile(rb"\s*<(?:\w+:)?f[ />]")
_VALUE = re.compile(rb"<(?:\w+:)?v[^>]*>([^<]+)<")
_ADDRESS = re.compile(rb"""\br=["']([A-Z]{1,3})(\d{1,7})["']""")
_WIDE = re.compile(rb"""\br=["']([A-Z]{2,3})\d""")
_ERROR = re.compile(rb"""\bt=["']e["']""")
_TEXT = re.compile(rb"""\bt=["']str["']""")
_MERGED = re.compile(rb"""<(?:\w+:)?mergeCell\b[^>]*?\bref=["']([A-Z]+\d+(?::[A-Z]+\d+)?)["']""")


@dataclass(frozen=True, slots=True)
class SheetScan:
    """What the XML of one sheet tells beside its values.

    Addresses are such as ``D12``. `formulas`: cells computed by Excel, with a value; `uncomputed`: formulas without
    one; `errors`: cells that hold an Excel error, with it; `merged`: merged ranges.
    """

    formulas: list[str] = field(default_factory=list)
    uncomputed: list[str] = field(default_factory=list)
    errors: dict[str, str] = field(default_factory=dict)
    merged: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class SheetPart:
    """One worksheet of the workbook: its name, whether it is hidden, and its member in the zip."""

    name: str
    hidden: bool
    member: str


class Package:
    """A checked .xlsx file in memory.

    Raises InputError for anything that is not one, is encrypted, of another format, too large, or a zip bomb.
    """

    def __init__(self, path: Path) -> None:
        self.name = path.name
        try:
            size = path.stat().st_size
            if size > MAX_FILE_BYTES:
                raise self._error(
                    "file_too_large",
                    N_("The file has {size} MB; at most {limit} MB are read."),
                    N_("Remove pictures and unused sheets, split it by year, or use a folder of CSV files."),
                    size=round(size / MEBIBYTE),
                    limit=MAX_FILE_BYTES // MEBIBYTE,
                )
            self.data = path.read_bytes()
        except OSError as error:
            raise self._error(
                "file_unreadable",
                N_("The file cannot be read: {error}."),
                N_("Check the name, and close the file in other programs."),
                error=error.strerror or str(error),
            ) from error
        self._check_kind()
        try:
            self._members = {info.filename: info for info in zipfile.ZipFile(io.BytesIO(self.data)).infolist()}
            self._check_members()
            self.sheets = self._find_sheets()
        except (zipfile.BadZipFile, zlib.error, struct.error, ElementTree.ParseError, KeyError, ValueError) as error:
            raise self._error(
                "workbook_damaged",
                N_("The file is damaged or not a workbook ({error})."),
                N_("Open it in Excel, WPS or LibreOffice and save it again as .xlsx."),
                error=str(error) or type(error).__name__,
            ) from error

    def _error(self, code: str, cause: str, remedy: str, **values: object) -> InputError:
        return InputError([Problem(code, self.name, cause, remedy, values)])

    def _check_kind(self) -> None:
        save = N_("Open it in Excel, WPS or LibreOffice and save it as .xlsx.")
        if self.data.startswith(_OLE):
            if "EncryptedPackage".encode("utf-16-le") in self.data:
                raise self._error(
                    "workbook_encrypted",
                    N_("The workbook is protected by a password."),
                    N_("Open it, remove the password (File, Info, Protect Workbook), and save it again."),
                )
            raise self._error("workbook_old", N_("The file is in the old .xls format."), save)
        if not self.data.startswith(b"PK\x03\x04"):
            raise self._error("not_a_workbook", N_("The file is not an .xlsx workbook."), save)

    def _check_members(self) -> None:
        if len(self._members) > MAX_MEMBERS:
            raise self._bomb()
        if "xl/workbook.bin" in self._members or "mimetype" in self._members:
            raise self._error(
                "workbook_format",
                N_("The workbook is in another format (.xlsb or .ods)."),
                N_("Open it in Excel, WPS or LibreOffice and save it as .xlsx."),
            )
        if not any(name.startswith("xl/") for name in self._members):
            raise self._error(
                "not_a_workbook",
                N_("The file is not an .xlsx workbook."),
                N_("Open it in Excel, WPS or LibreOffice and save it as .xlsx."),
            )
        total = 0
        for name, info in self._members.items():
            inflated = 0
            markup = name.endswith((".xml", ".rels"))
            for piece in self.pieces(name):
                inflated += len(piece)
                total += len(piece)
                too_dense = inflated > RATIO_FROM_BYTES and inflated > MAX_RATIO * max(info.compress_size, 1)
                if too_dense or total > MAX_INFLATED_BYTES:
                    raise self._bomb()
                if markup and b"<!DOCTYPE" in piece:
                    raise ValueError("document type declaration")

    def _bomb(self) -> InputError:
        return self._error(
            "zip_bomb",
            N_(
                "The file unpacks to far more than a workbook of its size can hold (over {limit} MB, or {ratio} times)."
            ),
            N_("Do not open it if you do not know its sender; otherwise save the sheets into a new workbook."),
            limit=MAX_INFLATED_BYTES // MEBIBYTE,
            ratio=MAX_RATIO,
        )

    def pieces(self, member: str) -> Iterator[bytes]:
        """Inflate one member piece by piece, whatever size the zip's directory claims for it.

        Raises ValueError for a compression that workbooks do not use, zlib.error for damaged data.
        """
        info = self._members[member]
        header = struct.unpack_from("<4s5H3L2H", self.data, info.header_offset)
        start = info.header_offset + 30 + header[9] + header[10]
        packed = memoryview(self.data)[start : start + info.compress_size]
        if info.flag_bits & 1:
            raise ValueError("encrypted member")
        if info.compress_type == zipfile.ZIP_STORED:
            for offset in range(0, len(packed), _PIECE):
                yield bytes(packed[offset : offset + _PIECE])
        elif info.compress_type == zipfile.ZIP_DEFLATED:
            inflate = zlib.decompressobj(-15)
            offset = 0
            while not inflate.eof and (offset < len(packed) or inflate.unconsumed_tail):
                source = inflate.unconsumed_tail or packed[offset : (offset := offset + _PIECE)]
                if piece := inflate.decompress(source, _PIECE):
                    yield piece
        else:
            raise ValueError("unusual compression")

    def _tree(self, member: str) -> ElementTree.Element:
        return ElementTree.fromstring(b"".join(self.pieces(member)))

    def _find_sheets(self) -> list[SheetPart]:
        mains = [
            element.get("Target", "").lstrip("/")
            for element in self._tree("_rels/.rels")
            if element.get("Type", "").endswith("/officeDocument")
        ]
        main = mains[0] if mains else "xl/workbook.xml"
        folder, file = posixpath.split(main)
        targets = {}
        for element in self._tree(f"{folder}/_rels/{file}.rels"):
            target = element.get("Target", "")
            joined = target.lstrip("/") if target.startswith("/") else posixpath.normpath(f"{folder}/{target}")
            targets[element.get("Id", "")] = joined
        found = []
        for element in self._tree(main).iter():
            if element.tag.rpartition("}")[2] != "sheet":
                continue
            member = "".join(targets.get(value, "") for name, value in element.items() if name.endswith("}id"))
            if member in self._members and "worksheet" in member:
                hidden = element.get("state", "visible") != "visible"
                found.append(SheetPart(element.get("name", ""), hidden, member))
        return found

    def scan(self, sheet: SheetPart) -> SheetScan:
        """Look through the XML of one sheet; raises InputError where its extent is beyond `MAX_CELLS`."""
        scan = SheetScan()
        rows, columns = 0, 26
        rest = b""
        for piece in self.pieces(sheet.member):
            text = rest + piece
            cut = max(text.rfind(b"<row"), text.rfind(b":row"), 0)  # a row is never cut in two
            text, rest = text[:cut], text[cut:]
            rows, columns = _extent(text, rows, columns)
            _scan_cells(text, scan)
        rows, columns = _extent(rest, rows, columns)
        _scan_cells(rest, scan)
        if rows * columns > MAX_CELLS:
            raise InputError(
                [
                    Problem(
                        "sheet_too_large",
                        sheet.name,
                        N_("The sheet reaches to row {rows} and column {column}: too many cells to read."),
                        N_("Delete the stray cells far outside the table, or use a folder of CSV files."),
                        {"rows": rows, "column": column_letters(columns - 1)},
                    )
                ]
            )
        return scan


def _extent(text: bytes, rows: int, columns: int) -> tuple[int, int]:
    for found in deque(_ADDRESS.finditer(text, max(0, len(text) - 65_536)), maxlen=1):
        rows = max(rows, int(found[2]))
    for letters in set(_WIDE.findall(text)):
        columns = max(columns, column_index(letters.decode()) + 1)
    return rows, columns


def _scan_cells(text: bytes, scan: SheetScan) -> None:
    scan.merged.extend(found.decode() for found in _MERGED.findall(text))
    if not _ERROR.search(text) and not _FORMULA.search(text):
        return
    for cell in _CELL.finditer(text):
        attributes, content = cell[1], cell[2] or b""
        formula = _FORMULA_START.match(content) is not None
        error = _ERROR.search(attributes) is not None
        if not formula and not error:
            continue
        address = _ADDRESS.search(attributes)
        place = (address[1] + address[2]).decode() if address else ""
        value = _VALUE.search(content)
        if error:
            scan.errors[place] = value[1].decode() if value else "#"
        elif value is None and not _TEXT.search(attributes):
            scan.uncomputed.append(place)
        else:
            scan.formulas.append(place)


def column_letters(index: int) -> str:
    """Return the letters of a column counted from 0: A, B … Z, AA."""
    letters = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def column_index(letters: str) -> int:
    """Return the column, counted from 0, that has these letters."""
    index = 0
    for letter in letters:
        index = index * 26 + ord(letter) - 64
    return index - 1
