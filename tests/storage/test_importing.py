"""Importing: units scaled, ids made, whole rows replaced, nothing deleted, evidence kept, and all of it undone."""

from __future__ import annotations

import hashlib
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecopark.model.problems import InputError
from ecopark.model.record import Record
from ecopark.storage.changesets import Changes
from ecopark.storage.importing import Vocabulary, preview_import, preview_rows
from ecopark.storage.store import Store
from tests.storage.workbooks import errors, write_sheets

NODES = [["id", "kind", "note"], ["park", "park", "kept"], ["grid", "market", None]]
STREAMS = [
    ["id", "source", "target", "commodity", "activity"],
    ["coal", "grid", "park", "raw_coal", "final_use"],
    ["power", "grid", "park", "electricity", "final_use"],
    ["gas", "grid", "park", "natural_gas", "final_use"],
]
FLOWS = ["stream", "period_start", "amount", "unit", "low", "high"]


def _workbook(tmp_path: Path, *flows: list[object], name: str = "x.xlsx") -> Path:
    return write_sheets(tmp_path / name, {"nodes": NODES, "streams": STREAMS, "flows": [FLOWS, *flows]})


def test_amounts_are_scaled_to_the_commoditys_unit_and_nothing_else_is(
    store: Store, vocabulary: Vocabulary, tmp_path: Path
) -> None:
    """1.2 万t of coal are 12,000 t, its range too; statistics, certificates and properties stay as they were stated."""
    sheets = {
        "nodes": NODES,
        "streams": STREAMS,
        "flows": [
            FLOWS,
            ["coal", "2019", 1.2, "万t", 1.1, 1.3],
            ["power", 2019, 350, "万kWh", None, None],
            ["gas", "2019-01", 52_000, "Nm3", None, None],
            ["coal", "2020", 8_000_000, "千克", None, None],
        ],
        "statistics": [
            ["node", "period_start", "variable", "value", "unit"],
            ["park", 2019, "value_added", 3.5, "亿元"],
        ],
        "certificates": [["id", "holder", "period_start", "volume", "unit"], ["c1", "park", 2019, 2, "万kWh"]],
        "properties": [["commodity", "property", "value", "unit"], ["raw_coal", "ncv", 20_900, "MJ_LHV/t"]],
    }
    preview = preview_import(store, write_sheets(tmp_path / "x.xlsx", sheets), vocabulary)
    assert preview.problems == []
    preview.apply(store)
    record = store.record()
    assert record.flows.select("id", "amount", "unit", "low", "high").rows() == [
        ("coal-2019-invoiced", 12_000.0, "t", pytest.approx(11_000), pytest.approx(13_000)),
        ("power-2019-invoiced", 3_500.0, "MWh", None, None),
        ("gas-2019-01-invoiced", 5.2, "万Nm3", None, None),
        ("coal-2020-invoiced", 8_000.0, "t", None, None),
    ]
    assert record.statistics.select("value", "unit").row(0) == (3.5, "亿元")
    assert record.certificates.select("volume", "unit").row(0) == (2.0, "万kWh")
    assert record.properties.select("value", "unit").row(0) == (20_900.0, "MJ_LHV/t")


def test_the_parks_own_commodity_gives_the_unit(sqlite_store: Store, vocabulary: Vocabulary, tmp_path: Path) -> None:
    """A commodity that arrives in the same workbook counts already, and goes before the catalogue's."""
    sheets = {
        "nodes": NODES,
        "commodities": [["id", "group", "unit"], ["raw_coal", "coal", "kg"], ["widget", "product", "t"]],
        "streams": [*STREAMS, ["widgets", "park", "grid", "widget", "final_use"]],
        "flows": [FLOWS, ["coal", "2019", 2, "t", None, None], ["widgets", "2019", 5, "kg", None, None]],
    }
    preview = preview_import(sqlite_store, write_sheets(tmp_path / "x.xlsx", sheets), vocabulary)
    assert preview.errors == []
    assert preview.record_after is not None
    assert preview.record_after.flows.select("amount", "unit").rows() == [(2000.0, "kg"), (0.005, "t")]


def test_importing_again_changes_nothing(store: Store, vocabulary: Vocabulary, tmp_path: Path) -> None:
    path = _workbook(tmp_path, ["coal", "2019", 1.2, "万t", None, None], ["power", "2019", 7, "万kWh", None, None])
    assert preview_import(store, path, vocabulary).apply(store) is not None
    again = preview_import(store, path, vocabulary)
    assert {status for frame in again.rows.values() for status in frame["status"]} == {"same"}
    assert again.apply(store) is None
    other_unit = _workbook(tmp_path, ["coal", "2019", 12_000_000, "kg", None, None], name="y.xlsx")
    assert preview_import(store, other_unit, vocabulary).rows["flows"]["status"].to_list() == ["same"]


def test_stocks_are_scaled_kept_and_undone(store: Store, vocabulary: Vocabulary, tmp_path: Path) -> None:
    """A level in 万t becomes the commodity's t with its range; "2019" is its first day; undo takes it away again."""
    preview_import(store, _workbook(tmp_path), vocabulary).apply(store)
    head = ["node", "commodity", "time", "level", "unit", "low", "high"]
    rows = [head, ["park", "raw_coal", "2019", 1.5, "万t", 1.4, 1.6], ["park", "raw_coal", "2020-01", 900, "t"]]
    path = write_sheets(tmp_path / "stocks.xlsx", {"stocks": rows})
    assert preview_import(store, path, vocabulary).apply(store) is not None
    kept = store.record().stocks.select("time", "level", "unit", "low", "high").rows()
    assert kept == [
        (date(2019, 1, 1), pytest.approx(15000.0), "t", pytest.approx(14000.0), pytest.approx(16000.0)),
        (date(2020, 1, 1), 900.0, "t", None, None),
    ]
    assert preview_import(store, path, vocabulary).rows["stocks"]["status"].to_list() == ["same", "same"]
    wrong = write_sheets(tmp_path / "wrong.xlsx", {"stocks": [head, ["park", "raw_coal", "2021", -3, "MWh"]]})
    found = {(problem.code, problem.place) for problem in preview_import(store, wrong, vocabulary).errors}
    assert found == {("level_negative", "stocks!D2"), ("unit_mismatch", "stocks!E2")}
    store.undo()
    assert store.record().stocks.is_empty()


def test_a_row_replaces_the_whole_row_and_absent_rows_stay(
    store: Store, vocabulary: Vocabulary, tmp_path: Path
) -> None:
    """A blank cell makes blank; what the workbook does not mention is untouched."""
    preview_import(store, _workbook(tmp_path, ["coal", "2019", 5, "t", 4, 6]), vocabulary).apply(store)
    sheets = {"nodes": [["id", "kind"], ["park", "park"]], "flows": [FLOWS, ["coal", "2019", 7, "t", None, None]]}
    preview = preview_import(store, write_sheets(tmp_path / "y.xlsx", sheets), vocabulary)
    assert preview.counts["nodes"]["changed"] == 1
    preview.apply(store)
    record = store.record()
    assert record.nodes.select("id", "note").rows() == [("park", None), ("grid", None)]
    assert record.flows.select("amount", "low", "high").rows() == [(7.0, None, None)]
    assert record.streams.height == 3


def test_the_preview_tells_each_rows_fate(sqlite_store: Store, vocabulary: Vocabulary, tmp_path: Path) -> None:
    preview_import(
        sqlite_store,
        _workbook(tmp_path, ["coal", "2019", 5, "t", None, None], ["coal", "2018", 4, "t", None, None]),
        vocabulary,
    ).apply(sqlite_store)
    path = _workbook(
        tmp_path,
        ["coal", "2019", 6, "t", None, None],
        ["coal", "2018", 4, "t", None, None],
        ["coal", "2017", 3, "t", None, None],
        ["coal", "2016", None, "t", None, None],
        ["coal", "2015", -1, "t", None, None],
        name="y.xlsx",
    )
    preview = preview_import(sqlite_store, path, vocabulary)
    flows = preview.rows["flows"]
    assert flows["status"].to_list() == ["changed", "same", "new", "blank", "error"]
    assert flows["place"].to_list() == [f"flows!{line}" for line in range(2, 7)]
    assert flows["line"].to_list() == list(range(2, 7))
    assert flows["row_key"].to_list()[:3] == ["coal-2019-invoiced", "coal-2018-invoiced", "coal-2017-invoiced"]
    assert preview.record_after is None
    shown = preview.to_json("zh")
    assert shown["counts"]["flows"] == {"new": 1, "changed": 1, "same": 1, "blank": 1, "error": 1}
    assert shown["problems"][0]["place"] == "flows!C6"


def test_before_and_after_are_at_hand_for_the_effect(store: Store, vocabulary: Vocabulary, tmp_path: Path) -> None:
    """What applying would give is exactly what it gives: the effect shown in the preview is the effect."""
    preview_import(store, _workbook(tmp_path, ["coal", "2019", 5, "t", None, None]), vocabulary).apply(store)
    path = _workbook(
        tmp_path, ["coal", "2019", 0.6, "万t", None, None], ["power", "2019", 1, "MWh", None, None], name="y.xlsx"
    )
    preview = preview_import(store, path, vocabulary)
    assert preview.record_before.flows["amount"].to_list() == [5.0]
    assert preview.record_after is not None
    assert store.record().flows["amount"].to_list() == [5.0]  # nothing is written by looking
    preview.apply(store)
    for name, frame in preview.record_after.tables.items():
        assert store.record()[name].equals(frame), name


def test_the_file_is_kept_and_every_row_leads_to_it(store: Store, vocabulary: Vocabulary, tmp_path: Path) -> None:
    path = _workbook(tmp_path, ["coal", "2019", 5, "t", None, None])
    changeset = preview_import(store, path, vocabulary).apply(store, reason="annual report", author="li")
    assert changeset is not None
    assert (changeset.action, changeset.author, changeset.reason) == ("import", "li", "annual report")
    assert changeset.source_sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    kept = store.evidence.find(changeset.source_sha256 or "")
    assert kept is not None
    assert kept.read_bytes() == path.read_bytes()
    origin = store.row_history("flows", "coal-2019-invoiced").row(0, named=True)
    assert (origin["source_name"], origin["source_sha256"], origin["place"]) == (
        "x.xlsx", changeset.source_sha256, "flows!2",
    )  # fmt: skip


def test_an_import_is_undone_as_a_whole(store: Store, park: Record, vocabulary: Vocabulary, tmp_path: Path) -> None:
    store.apply(Changes(rows=park.tables))
    before = store.record()
    rows: list[list[object]] = [["coal", str(year), year, "t", None, None] for year in range(1950, 2020)]
    preview_import(store, _workbook(tmp_path, *rows), vocabulary).apply(store)
    assert store.record().flows.height == park.flows.height + 70
    store.undo()
    for name, frame in before.tables.items():
        assert store.record()[name].equals(frame), name


def test_a_preview_that_is_out_of_date_is_refused(store: Store, vocabulary: Vocabulary, tmp_path: Path) -> None:
    path = _workbook(tmp_path, ["coal", "2019", 5, "t", None, None])
    first, second = (preview_import(store, path, vocabulary) for _ in range(2))
    first.apply(store)
    with pytest.raises(InputError) as error:
        second.apply(store)
    assert [problem.code for problem in error.value.problems] == ["record_moved_on"]
    assert store.version == 1


def test_a_file_that_changed_after_the_preview_is_refused(
    sqlite_store: Store, vocabulary: Vocabulary, tmp_path: Path
) -> None:
    """What is kept as evidence must be what was read."""
    path = _workbook(tmp_path, ["coal", "2019", 5, "t", None, None])
    preview = preview_import(sqlite_store, path, vocabulary)
    _workbook(tmp_path, ["coal", "2019", 6, "t", None, None])
    with pytest.raises(InputError) as error:
        preview.apply(sqlite_store)
    assert [problem.code for problem in error.value.problems] == ["source_changed"]
    assert sqlite_store.version == 0
    assert sqlite_store.evidence.files() == []


def test_a_change_that_would_break_a_row_of_the_record_is_an_error(
    sqlite_store: Store, park: Record, vocabulary: Vocabulary, tmp_path: Path
) -> None:
    """The new commodity unit does not fit the recorded flows: the fault lies in the record, caused by the workbook."""
    sqlite_store.apply(Changes(rows=park.tables))
    sheets = {"commodities": [["id", "group", "unit"], ["raw_coal", "coal", "GJ"]]}
    preview = preview_import(sqlite_store, write_sheets(tmp_path / "x.xlsx", sheets), vocabulary)
    assert {
        ("unit_mismatch", "flows:coal-a-2019-invoiced unit"),
        ("unit_mismatch", "flows:coal-a-2020-invoiced unit"),
    } <= errors(preview)
    assert preview.record_after is None


def test_rows_from_a_form_go_the_same_way(sqlite_store: Store, park: Record, vocabulary: Vocabulary) -> None:
    sqlite_store.apply(Changes(rows=park.tables))
    good = pl.DataFrame({"stream": ["coal-a"], "period_start": ["2021"], "amount": [0.2], "unit": ["万t"]})
    preview = preview_rows(sqlite_store, {"flows": good}, vocabulary)
    assert preview.problems == []
    changeset = preview.apply(sqlite_store, reason="typed in")
    assert changeset is not None
    assert changeset.action == "edit"
    assert changeset.source_sha256 is None
    assert sqlite_store.record().flows["amount"].to_list()[-1] == 2000.0
    bad = good.with_columns(stream=pl.lit("coal"), amount=pl.lit(-1.0))
    assert errors(preview_rows(sqlite_store, {"flows": bad}, vocabulary)) == {
        ("reference_unknown", "flows line 1, stream"),
        ("amount_negative", "flows line 1, amount"),
    }


def test_scaling_is_linear(sqlite_store: Store, vocabulary: Vocabulary) -> None:
    """The same mass stated in any unit gives the same record, whatever its size."""
    base = {
        "nodes": Record.of(nodes=[{"id": "park", "kind": "park"}, {"id": "grid", "kind": "market"}]).nodes,
        "streams": Record.of(streams=[dict(zip(STREAMS[0], STREAMS[1], strict=True))]).streams,
    }

    @settings(max_examples=25, deadline=None)
    @given(amount=st.floats(1e-6, 1e9), unit=st.sampled_from([("kg", 1e3), ("t", 1.0), ("万t", 1e-4), ("千克", 1e3)]))
    def check(amount: float, unit: tuple[str, float]) -> None:
        name, per_tonne = unit
        flow = {"stream": ["coal"], "period_start": ["2019"], "amount": [amount * per_tonne], "unit": [name]}
        preview = preview_rows(sqlite_store, base | {"flows": pl.DataFrame(flow)}, vocabulary)
        assert preview.record_after is not None
        assert preview.record_after.flows["amount"].item() == pytest.approx(amount, rel=1e-12)
        assert preview.record_after.flows["unit"].item() == "t"

    check()
