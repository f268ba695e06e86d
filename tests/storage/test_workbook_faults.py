"""Whatever is wrong with a workbook ends in messages with their places, all at once, and nothing is written."""

from __future__ import annotations

import os
import struct
import zipfile
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from ecopark.model.problems import InputError
from ecopark.model.record import Record
from ecopark.storage import workbook_guard
from ecopark.storage.cells import MOST_LISTED
from ecopark.storage.changesets import Changes
from ecopark.storage.importing import Preview, Vocabulary, preview_import
from ecopark.storage.store import Store
from ecopark.storage.workbook_reader import read_workbook
from ecopark.storage.workbook_template import write_template
from tests.storage.workbooks import edit, errors, found, rewrite, write_sheets

NODES = [["id", "parent", "kind"], ["park", None, "park"], ["grid", None, "market"]]
STREAMS = [
    ["id", "source", "target", "commodity", "activity"],
    ["coal", "grid", "park", "raw_coal", "final_use"],
]
FLOWS = ["stream", "period_start", "period_end", "amount", "unit", "method", "notation"]


def _preview(store: Store, path: Path, vocabulary: Vocabulary) -> Preview:
    preview = preview_import(store, path, vocabulary)
    for problem in preview.problems:
        for language in ("en", "zh"):
            cause, remedy = problem.describe(language)
            assert cause
            assert remedy
    if preview.errors:
        assert preview.record_after is None
        version = store.version
        with pytest.raises(InputError) as error:
            preview.apply(store)
        assert error.value.problems == preview.errors
        assert store.version == version
        assert store.evidence.files() == []
    return preview


def _flows(
    store: Store, tmp_path: Path, vocabulary: Vocabulary, *rows: list[Any], header: list[Any] | None = None
) -> Preview:
    path = write_sheets(tmp_path / "x.xlsx", {"nodes": NODES, "streams": STREAMS, "flows": [header or FLOWS, *rows]})
    return _preview(store, path, vocabulary)


def test_a_workbook_broken_in_twelve_places_gets_twelve_messages(
    sqlite_store: Store, park: Record, vocabulary: Vocabulary, tmp_path: Path
) -> None:
    """Each fault once, at its cell, none hidden by another, and no fault reported that is only the echo of another."""
    sqlite_store.apply(Changes(rows={"evidence": park.evidence}))
    path = write_template(tmp_path / "park.xlsx", vocabulary, park)

    def break_it(workbook: openpyxl.Workbook) -> None:
        workbook["streams"].title = "stream"  # 1 wrong sheet name
        workbook["nodes"]["B1"] = "parents"  # 2 unknown column
        workbook["stream"]["D4"] = "raw_cole"  # 3 unknown commodity
        workbook["flows"]["F4"] = "1,200"  # 4 text in a number cell
        workbook["flows"]["F5"] = -5  # 5 negative
        workbook["flows"]["G6"] = "kg"  # 6 a unit that does not fit
        workbook["flows"]["D7"] = "2019-07"  # 7 overlaps row 6
        workbook["flows"]["E7"] = None
        workbook["flows"]["D8"] = "last year"  # 8 unreadable period
        workbook["properties"].merge_cells("A4:A5")  # 9 merged cells
        workbook["properties"]["A5"].value  # noqa: B018
        workbook["statistics"]["E4"] = "=1+1"  # 10 a formula that was never computed
        workbook["statistics"]["A4"] = "parc"  # 11 unknown node
        for column, value in enumerate(["bill", "again"], 1):  # 12 the same id twice
            workbook["evidence"].cell(5, column, value)

    preview = _preview(sqlite_store, edit(path, break_it), vocabulary)
    expected = {
        ("sheet_unknown", "stream"),
        ("column_unknown", "nodes!B1"),
        ("name_unknown", "stream!D4"),
        ("not_a_number", "flows!F4"),
        ("amount_negative", "flows!F5"),
        ("unit_mismatch", "flows!G6"),
        ("period_overlap", "flows!D7"),
        ("period_unreadable", "flows!D8"),
        ("merged_cells", "properties!A4:A5"),
        ("formula_uncomputed", "statistics!E4"),
        ("reference_unknown", "statistics!A4"),
        ("key_duplicate", "evidence!A5"),
    }
    # merging emptied A5 of the properties, which is a fault of its own
    assert errors(preview) == expected | {("required_missing", "properties!A5")}
    assert len(preview.errors) == len(expected) + 1
    lines = [problem.line("zh") for problem in preview.errors]
    assert any("raw_coal" in line for line in lines)  # did you mean
    assert any("streams" in line and line.startswith("stream:") for line in lines)


@pytest.mark.parametrize(
    ("name", "remedy"),
    [("Flows", "flows"), ("flow", "flows"), ("流", "flows"), ("node", "nodes"), ("Sheet1", "nodes, boundaries")],
)
def test_a_wrong_sheet_name_is_an_error_with_a_hint(
    sqlite_store: Store, vocabulary: Vocabulary, tmp_path: Path, name: str, remedy: str
) -> None:
    preview = _preview(sqlite_store, write_sheets(tmp_path / "x.xlsx", {name: [["id"]]}), vocabulary)
    (problem,) = [problem for problem in preview.errors if problem.code == "sheet_unknown"]
    assert problem.place == name
    assert remedy in problem.describe("en")[1]


def test_sheets_rows_and_columns_can_be_left_out_with_a_hash(
    sqlite_store: Store, vocabulary: Vocabulary, tmp_path: Path
) -> None:
    nodes = [
        [*NODES[0], "#remark"],
        ["# this row is a remark", None, None],
        *NODES[1:],
        [None, None, None, "only a remark"],
    ]
    path = write_sheets(tmp_path / "x.xlsx", {"nodes": nodes, "#mine": [["x"]], "README": [["x"]], "lists": [["x"]]})
    preview = _preview(sqlite_store, path, vocabulary)
    assert preview.problems == []
    assert preview.counts["nodes"]["new"] == 2


def test_headers_missing_unknown_twice_and_nameless(
    sqlite_store: Store, vocabulary: Vocabulary, tmp_path: Path
) -> None:
    header = ["stream", "stream", "colour", "数量", None, "unit"]
    rows = [header, ["coal", None, None, 5, "stray", "t"]]
    path = write_sheets(tmp_path / "x.xlsx", {"nodes": NODES, "streams": STREAMS, "flows": rows})
    preview = _preview(sqlite_store, path, vocabulary)
    assert errors(preview) == {
        ("column_twice", "flows!B1"),
        ("column_unknown", "flows!C1"),
        ("column_unknown", "flows!D1"),
        ("column_nameless", "flows!E2"),
        ("column_missing", "flows!A1"),  # period_start
    }
    hint = next(problem for problem in preview.errors if problem.place == "flows!D1")
    assert "amount" in hint.describe("zh")[1]


def test_a_sheet_without_a_header_says_so(sqlite_store: Store, vocabulary: Vocabulary, tmp_path: Path) -> None:
    path = write_sheets(tmp_path / "x.xlsx", {"nodes": [["park", "park"]], "streams": []})
    assert errors(_preview(sqlite_store, path, vocabulary)) == {("header_missing", "nodes!A1")}


def test_a_title_above_the_header_is_no_fault(sqlite_store: Store, vocabulary: Vocabulary, tmp_path: Path) -> None:
    path = write_sheets(tmp_path / "x.xlsx", {"nodes": [["Our nodes"], [], *NODES]})
    preview = _preview(sqlite_store, path, vocabulary)
    assert preview.problems == []
    assert preview.rows["nodes"]["place"].to_list() == ["nodes!4", "nodes!5"]


@pytest.mark.parametrize(
    ("cell", "code", "word"),
    [
        ("1,200", "not_a_number", "stored as text"),
        ("1200 t", "not_a_number", "without unit"),
        ("NE", "not_a_number", "notation"),
        (True, "not_a_number", "plain number"),
        (date(2019, 1, 1), "not_a_number", "Format the cell as a number"),
        (-1, "amount_negative", "target to source"),
        (None, "", ""),
    ],
)
def test_amounts_must_be_numbers(
    sqlite_store: Store, vocabulary: Vocabulary, tmp_path: Path, cell: object, code: str, word: str
) -> None:
    row = ["coal", "2019", None, cell, "t", None, None]
    preview = _flows(sqlite_store, tmp_path, vocabulary, row)
    if not code:
        assert preview.errors == []
        return
    assert errors(preview) == {(code, "flows!D2")}
    assert word in preview.errors[0].describe("en")[1]


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (2019, None, ("2019-01-01", "2020-01-01")),
        (2019.0, None, ("2019-01-01", "2020-01-01")),
        ("2019", None, ("2019-01-01", "2020-01-01")),
        ("2019-05", None, ("2019-05-01", "2019-06-01")),
        ("2019年5月", None, ("2019-05-01", "2019-06-01")),
        ("2019-05", "2019-08", ("2019-05-01", "2019-08-01")),
        (date(2019, 5, 1), date(2019, 6, 1), ("2019-05-01", "2019-06-01")),
        (datetime(2019, 5, 1), datetime(2019, 6, 1), ("2019-05-01", "2019-06-01")),
    ],
)
def test_periods_are_read_as_people_write_them(
    sqlite_store: Store, vocabulary: Vocabulary, tmp_path: Path, start: object, end: object, expected: tuple[str, str]
) -> None:
    preview = _flows(sqlite_store, tmp_path, vocabulary, ["coal", start, end, 1, "t", None, None])
    assert preview.errors == []
    assert preview.record_after is not None
    flow = preview.record_after.flows.row(0, named=True)
    assert (str(flow["period_start"]), str(flow["period_end"])) == expected


@pytest.mark.parametrize(
    ("start", "end", "code", "place"),
    [
        ("19", None, "period_unreadable", "flows!B2"),
        ("2019-13", None, "period_unreadable", "flows!B2"),
        ("2019", "soon", "period_unreadable", "flows!C2"),
        ("2019", "2018", "period_order", "flows!C2"),
        (time(5), None, "period_unreadable", "flows!B2"),
        (True, None, "period_unreadable", "flows!B2"),
        (None, None, "required_missing", "flows!B2"),
        (date(1905, 7, 11), None, "year_as_date", "flows!B2"),  # 2019 typed into a cell formatted as a date
    ],
)
def test_periods_that_cannot_be_meant_are_errors(
    sqlite_store: Store, vocabulary: Vocabulary, tmp_path: Path, start: object, end: object, code: str, place: str
) -> None:
    preview = _flows(sqlite_store, tmp_path, vocabulary, ["coal", start, end, 1, "t", None, None])
    assert errors(preview) == {(code, place)}


def test_a_date_without_an_end_is_one_day_and_says_so(
    sqlite_store: Store, vocabulary: Vocabulary, tmp_path: Path
) -> None:
    """Excel makes 1 May of "2019-05": read silently, a month's coal would become a day's."""
    preview = _flows(sqlite_store, tmp_path, vocabulary, ["coal", date(2019, 5, 1), None, 1, "t", None, None])
    assert found(preview.warnings) == {("single_days", "flows!B2")}


def test_a_date_where_an_id_belongs_is_an_error(sqlite_store: Store, vocabulary: Vocabulary, tmp_path: Path) -> None:
    """The id 5-1, made a date by Excel, must not become an id 2026-05-01."""
    nodes = [*NODES, [date(2026, 5, 1), "park", "firm"], [101, "park", "firm"]]
    preview = _preview(sqlite_store, write_sheets(tmp_path / "x.xlsx", {"nodes": nodes}), vocabulary)
    assert ("date_for_text", "nodes!A4") in errors(preview)
    assert not any(place.startswith("nodes!A5") for _, place in errors(preview))  # a number is a fine id


def test_units_are_checked_and_never_guessed(sqlite_store: Store, vocabulary: Vocabulary, tmp_path: Path) -> None:
    rows: list[list[Any]] = [
        ["coal", str(2010 + i), None, 1, unit, None, None] for i, unit in enumerate(["Mt", None, "GJ", "tons"])
    ]
    preview = _flows(sqlite_store, tmp_path, vocabulary, *rows)
    assert errors(preview) == {
        ("unit_missing", "flows!E3"),
        ("unit_mismatch", "flows!E4"),
        ("unit_unknown", "flows!E5"),
    }


def test_a_year_without_data_is_a_warning(sqlite_store: Store, vocabulary: Vocabulary, tmp_path: Path) -> None:
    rows: list[list[Any]] = [
        ["coal", str(year), None, 5 if year != 2020 else None, "t", None, None] for year in range(2018, 2023)
    ]
    preview = _flows(sqlite_store, tmp_path, vocabulary, *rows)
    assert preview.errors == []
    assert found(preview.warnings) == {("year_without_data", "flows!D4"), ("years_without_data", "flows")}
    assert preview.warnings[1].values["years"] == "2020"
    assert preview.rows["flows"]["status"].to_list() == ["new", "new", "blank", "new", "new"]
    assert preview.counts["flows"] == {"new": 4, "changed": 0, "same": 0, "blank": 1, "error": 0}
    preview.apply(sqlite_store)
    assert sqlite_store.record().flows.height == 4


def test_a_known_number_cannot_be_blanked_out(sqlite_store: Store, vocabulary: Vocabulary, tmp_path: Path) -> None:
    """A blank row for a flow that is in the record would withdraw a number without a word: it needs a notation."""
    _flows(sqlite_store, tmp_path, vocabulary, ["coal", "2019", None, 5, "t", None, None]).apply(sqlite_store)
    path = write_sheets(tmp_path / "y.xlsx", {"flows": [FLOWS, ["coal", "2019", None, None, "t", None, None]]})
    preview = preview_import(sqlite_store, path, vocabulary)
    assert errors(preview) == {("amount_missing", "flows!D2")}
    path = write_sheets(tmp_path / "y.xlsx", {"flows": [FLOWS, ["coal", "2019", None, None, None, None, "NE"]]})
    assert preview_import(sqlite_store, path, vocabulary).rows["flows"]["status"].to_list() == ["changed"]


def test_excels_errors_are_errors(sqlite_store: Store, vocabulary: Vocabulary, tmp_path: Path) -> None:
    """The reader of values gives a blank for #N/A: without a look at the XML the row would pass as not reported."""
    preview = _flows(sqlite_store, tmp_path, vocabulary, ["coal", "2019", None, "#N/A", "t", None, "NE"])
    assert errors(preview) == {("cell_error", "flows!D2")}
    assert preview.errors[0].values["error"] == "#N/A"


def test_formulas_are_read_as_last_computed(sqlite_store: Store, vocabulary: Vocabulary, tmp_path: Path) -> None:
    import xlsxwriter

    path = tmp_path / "x.xlsx"
    with xlsxwriter.Workbook(path.as_posix()) as workbook:
        for name, rows in {"nodes": NODES, "streams": STREAMS, "flows": [[*FLOWS, "#check"]]}.items():
            sheet = workbook.add_worksheet(name)
            for line, row in enumerate(rows):
                sheet.write_row(line, 0, row)
        sheet.write_row(1, 0, ["coal", "2019"])
        sheet.write_formula(1, 3, "=2*3", None, 6)
        sheet.write_formula(1, 4, '="t"', None, "t")
        sheet.write_formula(1, 5, '=""', None, "")
        sheet.write_formula(1, 7, "=1/0", None, "#DIV/0!")  # in a column that is left out
    # a formula whose text is empty is written thus by Excel: a blank, not a missing value
    rewrite(path, "xl/worksheets/sheet3.xml", lambda xml: xml.replace(b'<c r="F2">', b'<c r="F2" t="str">'))
    preview = _preview(sqlite_store, path, vocabulary)
    assert preview.errors == []
    assert found(preview.warnings) == {("formulas_read", "flows!D2")}
    assert preview.warnings[0].values["count"] == 3
    assert preview.record_after is not None
    assert preview.record_after.flows["amount"].to_list() == [6.0]


def test_hidden_sheets_are_named_and_not_read(sqlite_store: Store, vocabulary: Vocabulary, tmp_path: Path) -> None:
    path = write_sheets(tmp_path / "x.xlsx", {"nodes": NODES, "old": [["a"]], "very": [["a"]], "streams": STREAMS})

    def hide(workbook: openpyxl.Workbook) -> None:
        workbook["old"].sheet_state = "hidden"
        workbook["very"].sheet_state = "veryHidden"

    preview = _preview(sqlite_store, edit(path, hide), vocabulary)
    assert preview.errors == []
    assert found(preview.warnings) == {("sheet_hidden_left_out", "old"), ("sheet_hidden_left_out", "very")}

    def hide_table(workbook: openpyxl.Workbook) -> None:
        workbook["streams"].sheet_state = "hidden"

    assert errors(_preview(sqlite_store, edit(path, hide_table), vocabulary)) == {("sheet_hidden", "streams")}


def test_very_many_faults_of_one_kind_are_counted(sqlite_store: Store, vocabulary: Vocabulary, tmp_path: Path) -> None:
    rows: list[list[Any]] = [["coal", f"{1901 + i}", None, "x", "t", None, None] for i in range(250)]
    preview = _flows(sqlite_store, tmp_path, vocabulary, *rows)
    wrong = [problem for problem in preview.errors if problem.code == "not_a_number"]
    assert len(wrong) == MOST_LISTED + 1
    assert wrong[-1].values == {"count": 250 - MOST_LISTED}
    assert preview.counts["flows"]["error"] == 250


def _codes(path: Path) -> list[str]:
    return [problem.code for problem in read_workbook(path).problems]


def test_a_file_of_200_megabytes_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "x.xlsx"
    path.write_bytes(b"PK\x03\x04")
    os.truncate(path, 200 << 20)
    source = read_workbook(path)
    assert [problem.code for problem in source.problems] == ["file_too_large"]
    assert source.problems[0].describe("en")[0] == "The file has 200 MB; at most 100 MB are read."


def _zip(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def test_a_zip_bomb_is_refused(tmp_path: Path) -> None:
    path = _zip(tmp_path / "x.xlsx", {"xl/workbook.xml": b"<x/>", "xl/worksheets/sheet1.xml": bytes(64 << 20)})
    assert path.stat().st_size < 100_000
    assert _codes(path) == ["zip_bomb"]


def test_a_zip_bomb_that_lies_about_its_size_is_refused(tmp_path: Path) -> None:
    """A check of the sizes in the zip's directory believes 1,000 bytes; only inflating tells."""
    size = (64 << 20) + 0x123456
    path = _zip(tmp_path / "x.xlsx", {"xl/workbook.xml": b"<x/>", "xl/media/image1.png": bytes(size)})
    data = bytearray(path.read_bytes())
    true_size = struct.pack("<L", size)
    assert data.count(true_size) == 2  # in the local and in the central header
    path.write_bytes(bytes(data).replace(true_size, struct.pack("<L", 1000)))
    assert zipfile.ZipFile(path).getinfo("xl/media/image1.png").file_size == 1000
    assert _codes(path) == ["zip_bomb"]


def test_the_sum_of_all_parts_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbook_guard, "MAX_INFLATED_BYTES", 1 << 20)
    noise = os.urandom(300_000)
    path = _zip(tmp_path / "x.xlsx", {f"xl/media/{i}.bin": noise for i in range(4)})
    assert _codes(path) == ["zip_bomb"]


def test_a_stray_cell_at_the_end_of_the_sheet_does_not_take_all_memory(tmp_path: Path) -> None:
    path = write_sheets(tmp_path / "x.xlsx", {"nodes": NODES})
    edit(path, lambda workbook: workbook["nodes"].cell(1_048_576, 16_384, "stray"))
    source = read_workbook(path)
    assert [problem.code for problem in source.problems] == ["sheet_too_large"]
    assert source.problems[0].values == {"rows": 1_048_576, "column": "XFD"}


def test_a_document_type_is_refused(tmp_path: Path) -> None:
    """Entities that multiply ("billion laughs") need one; workbooks have none."""
    path = write_sheets(tmp_path / "x.xlsx", {"nodes": NODES})
    rewrite(path, "xl/workbook.xml", lambda xml: b'<!DOCTYPE a [<!ENTITY b "c">]>' + xml)
    assert _codes(path) == ["workbook_damaged"]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "not_a_workbook"),
        (b"id,parent\n", "not_a_workbook"),
        (b"PK\x03\x04 and then nothing", "workbook_damaged"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(512) + "Workbook".encode("utf-16-le"), "workbook_old"),
        (
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(512) + "EncryptedPackage".encode("utf-16-le"),
            "workbook_encrypted",
        ),
    ],
)
def test_what_is_no_workbook_says_what_it_is(tmp_path: Path, content: bytes, code: str) -> None:
    path = tmp_path / "x.xlsx"
    path.write_bytes(content)
    assert _codes(path) == [code]


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"a.txt": b""}, "not_a_workbook"),
        ({"word/document.xml": b"<x/>"}, "not_a_workbook"),
        ({"mimetype": b"application/vnd.oasis.opendocument.spreadsheet", "content.xml": b"<x/>"}, "workbook_format"),
        ({"xl/workbook.bin": b""}, "workbook_format"),
        ({"xl/workbook.xml": b"<x"}, "workbook_damaged"),
    ],
)
def test_other_zips_are_told_apart(tmp_path: Path, members: dict[str, bytes], code: str) -> None:
    assert _codes(_zip(tmp_path / "x.xlsx", members)) == [code]


def test_a_missing_file_says_so(tmp_path: Path) -> None:
    assert _codes(tmp_path / "missing.xlsx") == ["file_unreadable"]


def test_a_workbook_with_macros_is_read(sqlite_store: Store, vocabulary: Vocabulary, tmp_path: Path) -> None:
    path = write_sheets(tmp_path / "x.xlsx", {"nodes": NODES})
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("xl/vbaProject.bin", b"\xd0\xcf\x11\xe0 macros, never run")
    assert _preview(sqlite_store, path.rename(tmp_path / "x.xlsm"), vocabulary).counts["nodes"]["new"] == 2


def test_cut_off_workbooks_never_raise(tmp_path: Path) -> None:
    """A download that broke off, at any point: a message, not a traceback."""
    path = write_sheets(tmp_path / "x.xlsx", {"nodes": NODES, "streams": STREAMS})
    data = path.read_bytes()
    for length in range(0, len(data) - 1, 97):
        path.write_bytes(data[:length])
        assert len(_codes(path)) == 1


def test_workbooks_with_a_byte_changed_never_raise(tmp_path: Path) -> None:
    """A damaged disk: whatever byte is wrong, the reader answers with a result or with messages."""
    path = write_sheets(tmp_path / "x.xlsx", {"nodes": NODES, "streams": STREAMS})
    data = path.read_bytes()
    for position in range(0, len(data), 53):
        damaged = bytearray(data)
        damaged[position] ^= 0xFF
        path.write_bytes(damaged)
        source = read_workbook(path)
        assert source.problems or source.tables


def test_prefixed_sheet_xml_is_scanned_too(tmp_path: Path) -> None:
    """Some programs write <x:c> for <c>; faults must be found there as well."""
    path = write_sheets(tmp_path / "x.xlsx", {"nodes": [*NODES, ["=1", None, "firm"]]})
    edit(path, lambda workbook: workbook["nodes"].merge_cells("A7:B7"))

    def prefix(sheet: bytes) -> bytes:
        for tag in (b"worksheet", b"sheetData", b"row", b"c", b"f", b"v", b"is", b"t", b"mergeCells", b"mergeCell"):
            for mark in (b">", b" ", b"/>"):
                sheet = sheet.replace(b"<" + tag + mark, b"<x:" + tag + mark)
                sheet = sheet.replace(b"</" + tag + mark, b"</x:" + tag + mark)
        return sheet.replace(b"xmlns=", b"xmlns:x=")

    package = workbook_guard.Package(rewrite(path, "xl/worksheets/sheet1.xml", prefix))
    scan = package.scan(package.sheets[0])
    assert scan.uncomputed == ["A4"]
    assert scan.merged == ["A7:B7"]
