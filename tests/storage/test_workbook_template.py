"""The workbook that people fill in holds every column in both languages, and what it holds comes back unchanged."""

from __future__ import annotations

from pathlib import Path

import openpyxl
import polars as pl
import pytest
from openpyxl.worksheet.worksheet import Worksheet

from ecopark.model.problems import InputError
from ecopark.model.record import Record
from ecopark.model.tables import TABLES
from ecopark.storage import workbook_template
from ecopark.storage.changesets import Changes
from ecopark.storage.importing import Vocabulary, preview_import
from ecopark.storage.store import Store
from ecopark.storage.workbook_reader import read_workbook
from ecopark.storage.workbook_template import CATALOGUE, FIRST_ROW, write_template
from tests.storage.workbooks import edit


def _rules(sheet: Worksheet) -> dict[str, tuple[str, str | None]]:
    """Per column letter: kind and source of its drop-down or check."""
    return {
        str(rule.sqref).rstrip("0123456789:").split(":")[0].rstrip("0123456789"): (rule.type, rule.formula1)
        for rule in sheet.data_validations.dataValidation
    }


def _format(sheet: Worksheet, row: int, column: int) -> str:
    """The number format that a cell has, or that it takes from its column."""
    if sheet.cell(row, column).has_style:
        return str(sheet.cell(row, column).number_format)
    (found,) = [part for part in sheet.column_dimensions.values() if part.min <= column <= part.max]
    return str(found.number_format)


def test_every_table_has_a_sheet_with_every_column_in_both_languages(vocabulary: Vocabulary, tmp_path: Path) -> None:
    workbook = openpyxl.load_workbook(write_template(tmp_path / "x.xlsx", vocabulary))
    assert workbook.sheetnames == ["README", *TABLES, CATALOGUE, "lists"]
    assert workbook["lists"].sheet_state == "hidden"
    for name, table in TABLES.items():
        sheet = workbook[name]
        assert [cell.value for cell in sheet[1]][: len(table.names)] == table.names
        for cell, attribute in zip(sheet[2], table.attributes, strict=False):
            assert attribute.zh in cell.value
            assert attribute.en in cell.value
            assert cell.value.endswith("*") == (attribute.required and attribute.default is None)
        for cell, attribute in zip(sheet[3], table.attributes, strict=False):
            assert attribute.meaning_zh in (cell.value or "")
            assert attribute.meaning_en in (cell.value or "")
        assert sheet.cell(2, 1).value.startswith("#")
        assert sheet.cell(3, 1).value.startswith("#")
        assert sheet.cell(3, 2).font.color.rgb == "FF808080"
        assert sheet.freeze_panes == f"B{FIRST_ROW}"


def test_an_empty_template_imports_as_nothing(sqlite_store: Store, vocabulary: Vocabulary, tmp_path: Path) -> None:
    """The explaining rows, the README and the lists must not be taken for data."""
    preview = preview_import(sqlite_store, write_template(tmp_path / "x.xlsx", vocabulary), vocabulary)
    assert preview.problems == []
    assert all(frame.is_empty() for frame in preview.rows.values())
    assert preview.apply(sqlite_store) is None
    assert sqlite_store.version == 0


def test_drop_downs_offer_choices_ids_and_catalogue_names(park: Record, vocabulary: Vocabulary, tmp_path: Path) -> None:
    workbook = openpyxl.load_workbook(write_template(tmp_path / "x.xlsx", vocabulary, park))
    flows, streams = _rules(workbook["flows"]), _rules(workbook["streams"])
    assert flows["L"] == ("list", '"reconciled,metered,invoiced,calculated,estimated,planned"')
    assert flows["F"] == ("decimal", "0")  # never negative
    assert flows["B"][1] is not None
    assert flows["B"][1].startswith("streams!$A$4:")
    assert streams["B"][1] is not None
    assert streams["B"][1].startswith("nodes!$A$4:")
    kind, source = streams["D"]
    assert kind == "list"
    assert source == "lists!$B$2:$B$5"
    offered = [row[0].value for row in workbook["lists"]["B2:B5"]]
    assert offered == vocabulary.commodities["id"].to_list()
    for row in (FIRST_ROW, FIRST_ROW + 100):  # filled and yet to be filled: or 2019-05 would become a date
        assert _format(workbook["flows"], row, 4) == "@"
    assert _format(workbook["flows"], FIRST_ROW + 100, 6) == "General"


def test_what_the_template_shows_comes_back_unchanged(
    store: Store, park: Record, vocabulary: Vocabulary, tmp_path: Path
) -> None:
    """Every row is "same", also the flow of 0.30000000000000004 t and the evidence with quotes and a line break."""
    store.apply(Changes(rows=park.tables))
    preview = preview_import(store, write_template(tmp_path / "x.xlsx", vocabulary, store.record()), vocabulary)
    assert preview.problems == []
    for name, frame in preview.rows.items():
        assert frame["status"].unique().to_list() == (["same"] if park[name].height else [])
        assert frame.height == park[name].height
    assert preview.apply(store) is None


def test_a_template_fills_an_empty_store(store: Store, park: Record, vocabulary: Vocabulary, tmp_path: Path) -> None:
    preview = preview_import(store, write_template(tmp_path / "x.xlsx", vocabulary, park), vocabulary)
    assert preview.errors == []
    preview.apply(store)
    loaded = store.record()
    for name in TABLES:
        if name != "flows":
            assert loaded[name].equals(park[name]), name
    assert loaded.flows.drop("amount").equals(park.flows.drop("amount"))
    amounts, expected = loaded.flows["amount"].drop_nulls(), park.flows["amount"].drop_nulls()
    assert amounts.to_list() == pytest.approx(expected.to_list(), rel=1e-14)


def test_what_another_program_saves_is_read(
    sqlite_store: Store, park: Record, vocabulary: Vocabulary, tmp_path: Path
) -> None:
    """Another program's XML, strings and styles: still the same rows."""
    sqlite_store.apply(Changes(rows=park.tables))
    path = edit(write_template(tmp_path / "x.xlsx", vocabulary, park), lambda workbook: None)
    preview = preview_import(sqlite_store, path, vocabulary)
    assert preview.problems == []
    assert {status for frame in preview.rows.values() for status in frame["status"]} == {"same"}
    assert preview.rows["flows"].height == park.flows.height


def test_text_that_looks_like_a_formula_stays_text(
    sqlite_store: Store, park: Record, vocabulary: Vocabulary, tmp_path: Path
) -> None:
    """A note beginning with = must neither run in somebody's spreadsheet nor be lost."""
    nodes = park.nodes.with_columns(
        note=pl.lit('=HYPERLINK("http://example.org")'), name_en=pl.lit("http://example.org")
    )
    path = write_template(tmp_path / "x.xlsx", vocabulary, Record.of(nodes=nodes))
    raw = read_workbook(path)
    assert raw.problems == []
    assert set(raw.tables["nodes"].columns["note"]) == {'=HYPERLINK("http://example.org")'}
    assert set(raw.tables["nodes"].columns["name_en"]) == {"http://example.org"}


def test_the_next_year_asks_for_every_stream_with_last_years_values(
    sqlite_store: Store, park: Record, vocabulary: Vocabulary, tmp_path: Path
) -> None:
    """Monthly streams get months, others a year; the grey column shows last year's value or notation."""
    sqlite_store.apply(Changes(rows=park.tables))
    path = write_template(tmp_path / "x.xlsx", vocabulary, park, next_year=2021)
    sheet = openpyxl.load_workbook(path)["flows"]
    head = [cell.value for cell in sheet[1]]
    rows = [dict(zip(head, [cell.value for cell in row], strict=True)) for row in sheet.iter_rows(min_row=FIRST_ROW)]
    shown = [(row["stream"], row["period_start"], row["amount"], row["unit"], row["#last_year"]) for row in rows]
    assert shown == [
        ("coal-a", "2021", None, "t", "0.30000000000000004"),
        ("power-b", "2021-01", None, "MWh", "400.0"),
        ("power-b", "2021-02", None, None, "NE"),
    ]
    assert rows[0]["#stream"] == "电网 → 甲厂 · raw_coal"
    assert sheet.cell(FIRST_ROW, head.index("#last_year") + 1).font.color.rgb == "FF808080"
    preview = preview_import(sqlite_store, path, vocabulary)
    assert preview.errors == []
    assert preview.rows["flows"]["status"].to_list() == ["blank"] * 3  # nothing filled in: nothing said

    def fill(workbook: openpyxl.Workbook) -> None:
        workbook["flows"].cell(FIRST_ROW, head.index("amount") + 1, 5)

    edit(path, fill)
    preview = preview_import(sqlite_store, path, vocabulary)
    assert preview.rows["flows"]["status"].to_list() == ["new", "blank", "blank"]
    preview.apply(sqlite_store)
    again = write_template(tmp_path / "y.xlsx", vocabulary, sqlite_store.record(), next_year=2021)
    sheet = openpyxl.load_workbook(again)["flows"]
    assert [row[head.index("amount")].value for row in sheet.iter_rows(min_row=FIRST_ROW)] == [5, None, None]


def test_the_next_year_does_not_ask_twice_for_what_has_begun(
    park: Record, vocabulary: Vocabulary, tmp_path: Path
) -> None:
    """2020 is known by the year for coal and by the month for power: no row that would overlap one of these."""
    yearly = Record.of(
        flows=[{"stream": "power-b", "period_start": "2021", "amount": 9.0, "unit": "MWh"},
               {"stream": "coal-a", "period_start": "2021-03", "amount": 1.0, "unit": "t"}]
    ).flows  # fmt: skip
    record = park.append(flows=yearly)
    path = write_template(tmp_path / "x.xlsx", vocabulary, record, next_year=2021)
    rows = openpyxl.load_workbook(path)["flows"].iter_rows(min_row=FIRST_ROW, max_col=6, values_only=True)
    assert [(row[1], row[3], row[5]) for row in rows] == [("coal-a", "2021-03", 1), ("power-b", "2021", 9)]


def test_a_firms_template_shows_nothing_of_its_neighbours(
    sqlite_store: Store, park: Record, vocabulary: Vocabulary, tmp_path: Path
) -> None:
    """And what the firm sends back changes nothing of theirs: a row that is shown blank would be blanked."""
    path = write_template(tmp_path / "x.xlsx", vocabulary, park, firm="firm-a")
    workbook = openpyxl.load_workbook(path)

    def ids(name: str) -> list[object]:
        return [row[0].value for row in workbook[name].iter_rows(min_row=FIRST_ROW) if row[0].value]

    assert ids("streams") == ["coal-a"]
    assert ids("nodes") == ["firm-a"]
    offered = _rules(workbook["streams"])["B"][1]
    assert offered == "lists!$A$2:$A$4"
    assert [row[0].value for row in workbook["lists"]["A2:A4"]] == ["park", "firm-a", "grid"]
    assert ids("evidence") == ["bill"]
    assert {row[1].value for row in workbook["flows"].iter_rows(min_row=FIRST_ROW)} == {"coal-a"}
    assert ids("statistics") == []
    texts = {str(cell.value) for sheet in workbook for row in sheet.iter_rows() for cell in row}
    assert not any("power-b" in text or "secret" in text or "firm-b" in text or "乙厂" in text for text in texts)
    sqlite_store.apply(Changes(rows=park.tables))
    preview = preview_import(sqlite_store, path, vocabulary)
    assert preview.problems == []
    assert {status for frame in preview.rows.values() for status in frame["status"]} == {"same"}


@pytest.mark.parametrize(
    ("options", "code"),
    [({"firm": "firm-c"}, "node_unknown"), ({"next_year": 20}, "year_unlikely")],
)
def test_wrong_wishes_are_refused(
    park: Record, vocabulary: Vocabulary, tmp_path: Path, options: dict[str, str | int], code: str
) -> None:
    with pytest.raises(InputError) as error:
        write_template(tmp_path / "x.xlsx", vocabulary, park, **options)  # type: ignore[arg-type]
    assert [problem.code for problem in error.value.problems] == [code]
    assert not (tmp_path / "x.xlsx").exists()


def test_more_rows_than_a_sheet_holds_are_refused(
    park: Record, vocabulary: Vocabulary, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert workbook_template.LAST_ROW == 2**20
    monkeypatch.setattr(workbook_template, "LAST_ROW", FIRST_ROW + 3)  # room for four rows
    with pytest.raises(InputError) as error:
        write_template(tmp_path / "x.xlsx", vocabulary, park)
    assert [(problem.code, problem.place) for problem in error.value.problems] == [("sheet_full", "flows")]


def test_a_place_that_cannot_be_written_says_so(vocabulary: Vocabulary, tmp_path: Path) -> None:
    with pytest.raises(InputError) as error:
        write_template(tmp_path / "missing" / "x.xlsx", vocabulary)
    assert [problem.code for problem in error.value.problems] == ["file_unwritable"]
