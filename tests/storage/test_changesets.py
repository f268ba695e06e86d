"""Changes are applied and taken back as a whole, and every row that they touch stays in the audit."""

from __future__ import annotations

import json
import tempfile
import threading
from datetime import date
from pathlib import Path

import polars as pl
import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from ecopark.model.problems import InputError
from ecopark.model.record import Record
from ecopark.model.tables import TABLES
from ecopark.storage import database
from ecopark.storage.changesets import Changes
from ecopark.storage.rows import difference, from_json, merge, to_json
from ecopark.storage.schema import row_key
from ecopark.storage.store import Store


def _same(first: Record, second: Record) -> bool:
    return all(first[name].equals(second[name]) for name in TABLES)


def _code(error: pytest.ExceptionInfo[InputError]) -> str:
    (problem,) = error.value.problems
    return problem.code


def test_a_change_tells_new_changed_and_removed_rows_apart(store: Store, park: Record) -> None:
    first = store.apply(Changes(rows=park.tables), reason="first import")
    assert first is not None
    assert first.id == store.version == 1
    assert first.author == "tester"
    assert first.reason == "first import"
    assert first.counts["flows"] == {"new": 5}
    changed = park.flows.head(2).with_columns(amount=pl.Series([1200.0, 7.0]))  # the first row is as before
    second = store.apply(Changes(rows={"flows": changed}, removed={"statistics": park.statistics}))
    assert second is not None
    assert second.counts == {"flows": {"changed": 1}, "statistics": {"removed": 1}}
    assert store.record().flows["amount"].to_list()[:2] == [1200.0, 7.0]
    assert store.record().statistics.is_empty()


def test_a_change_that_changes_nothing_is_no_change(store: Store, park: Record) -> None:
    store.apply(Changes(rows=park.tables))
    assert store.apply(Changes(rows=park.tables)) is None
    assert store.version == 1


def test_numbers_that_only_a_spreadsheet_shortened_are_the_same(park: Record) -> None:
    """0.1 + 0.2 comes back from a workbook as 0.3; a real change of one part in 10^11 must still be seen."""
    flows = TABLES["flows"]
    rows = park.flows.slice(1, 1)
    shortened = rows.with_columns(amount=pl.lit(0.3))
    assert shortened["amount"].item() != rows["amount"].item()
    assert difference(flows, park.flows, shortened).to_list() == ["same"]
    moved = rows.with_columns(pl.col("amount") * (1 + 1e-11))
    assert difference(flows, park.flows, moved).to_list() == ["changed"]
    gone = rows.with_columns(amount=pl.lit(None, pl.Float64))
    assert difference(flows, park.flows, gone).to_list() == ["changed"]


def test_the_audit_holds_who_when_before_after_and_why(store: Store, park: Record) -> None:
    store.apply(Changes(rows=park.tables))
    changed = park.flows.head(1).with_columns(amount=pl.lit(1300.0))
    places = pl.DataFrame({"row_key": changed["id"], "place": ["flows!4"]})
    store.apply(
        Changes(rows={"flows": changed}, places={"flows": places}),
        reason="meter read again", author="li", source_name="park.xlsx", source_sha256="0" * 64,
    )  # fmt: skip
    history = store.row_history("flows", changed["id"].item())
    assert history["change"].to_list() == ["new", "changed"]
    last = history.row(1, named=True)
    assert (last["author"], last["reason"], last["source_name"]) == ("li", "meter read again", "park.xlsx")
    assert last["place"] == "flows!4"
    assert last["created"].endswith("+00:00")
    assert json.loads(last["before"])["amount"] == 1200.0
    assert json.loads(last["after"])["amount"] == 1300.0
    assert "notation" not in json.loads(last["after"])  # blanks are left out


def test_undo_takes_the_last_change_back_and_records_it(store: Store, park: Record) -> None:
    store.apply(Changes(rows=park.tables))
    before = store.record()
    store.apply(
        Changes(
            rows={
                "flows": park.flows.head(2).with_columns(amount=pl.lit(9.0)),
                "nodes": park.nodes.head(1).with_columns(lon=pl.lit(1.5)),
            },
            removed={"statistics": park.statistics, "properties": park.properties.head(1)},
        )
    )  # fmt: skip
    undone = store.undo("typed into the wrong year", "wang")
    assert undone.undoes == 2
    assert undone.id == store.version == 3
    assert undone.counts["properties"] == {"new": 1}
    assert _same(store.record(), before)
    assert store.history()[1].undone_by == 3
    again = store.undo()
    assert again.undoes == 1  # an undo is not undone: the next one goes further back
    assert _same(store.record(), Record.empty())
    with pytest.raises(InputError) as error:
        store.undo()
    assert _code(error) == "nothing_to_undo"


def test_the_record_can_be_asked_as_it_was(store: Store, park: Record) -> None:
    store.apply(Changes(rows=park.tables))
    store.apply(Changes(rows={"flows": park.flows.tail(3).with_columns(note=pl.lit("x"))}))
    store.apply(Changes(removed={"flows": park.flows.head(1)}))
    store.undo()
    assert _same(store.record(0), Record.empty())
    assert _same(store.record(1), park)
    assert store.record(2).flows["note"].to_list() == [None, None, "x", "x", "x"]
    assert store.record(3).flows["id"].to_list() == park.flows["id"].to_list()[1:]
    assert store.record(4).flows["id"].to_list() == park.flows["id"].to_list()
    with pytest.raises(InputError) as error:
        store.record(5)
    assert _code(error) == "version_unknown"


def test_a_change_prepared_on_an_older_record_is_refused(store: Store, park: Record) -> None:
    """Two people preview against version 0; the second to apply would otherwise overwrite the first unseen."""
    store.apply(Changes(rows={"nodes": park.nodes}), expected_version=0)
    with pytest.raises(InputError) as error:
        store.apply(Changes(rows={"nodes": park.nodes.head(1).with_columns(note=pl.lit("b"))}), expected_version=0)
    assert _code(error) == "record_moved_on"
    assert store.version == 1


def test_nothing_is_kept_of_a_change_that_fails(store: Store, park: Record) -> None:
    """The nodes are written before the failing streams: they must be gone again, and the version unused."""
    loose = park.streams.with_columns(source=pl.lit("nobody"))
    with pytest.raises(InputError) as error:
        store.apply(Changes(rows={"nodes": park.nodes, "streams": loose}))
    assert _code(error) == "database_integrity"
    assert store.version == 0
    assert store.record().nodes.is_empty()
    store.apply(Changes(rows=park.tables))
    with pytest.raises(InputError):
        store.apply(Changes(removed={"streams": park.streams}))  # flows still refer to them
    assert _same(store.record(), park)


def test_rows_with_hostile_text_survive(store: Store, park: Record) -> None:
    """Keys with the joining character, quotes, what looks like JSON, and null-like text stay themselves."""
    note = 'x","note":null,"a":"\\ \n 中文 | % \U0001f3ed'
    statistics = pl.concat(
        [park.statistics.with_columns(variable=pl.lit(name), note=pl.lit(note)) for name in ("a|b", "a%7Cb", "a", "")]
    )
    store.apply(Changes(rows={**park.tables, "statistics": statistics}))
    store._cache = None
    assert store.record().statistics.equals(statistics)
    store.apply(Changes(removed={"statistics": statistics.head(1)}))
    assert store.record().statistics["variable"].to_list() == ["a%7Cb", "a", ""]
    store.undo()
    assert store.record().statistics.equals(statistics)


def test_readers_read_while_a_writer_writes(sqlite_store: Store, park: Record) -> None:
    """A reader in the middle of a write sees the old record, at once, and the new one after the commit."""
    sqlite_store.apply(Changes(rows={"nodes": park.nodes}))
    reader = Store.open(sqlite_store.folder)
    try:
        with database.writing(sqlite_store.engine) as connection:
            connection.execute(sa.text("UPDATE nodes SET note = 'half'"))
            assert reader.state()[1].nodes["note"].drop_nulls().to_list() == ["a secret of firm b"]
        with reader.engine.connect() as connection:
            notes = set(connection.execute(sa.text("SELECT note FROM nodes")).scalars())
        assert notes == {"half"}
    finally:
        reader.close()


def test_a_second_writer_waits_its_turn(store: Store, park: Record) -> None:
    """Two writers at once: both changes arrive, one after the other, and neither is lost."""
    store.apply(Changes(rows={"nodes": park.nodes}))
    other = Store.open(store.folder, author="other")
    note = park.nodes.head(1).with_columns(note=pl.lit("from the thread"))
    thread = threading.Thread(target=lambda: other.apply(Changes(rows={"nodes": note})))
    try:
        with database.writing(store.engine) as connection:
            thread.start()
            thread.join(0.3)
            assert thread.is_alive()  # it waits
            connection.execute(sa.text("UPDATE nodes SET lat = 30.5 WHERE id = 'firm-a'"))
        thread.join(30)
        store._cache = None
        nodes = store.record().nodes
        assert nodes.filter(pl.col("id") == "park")["note"].item() == "from the thread"
        assert nodes.filter(pl.col("id") == "firm-a")["lat"].item() == 30.5
    finally:
        thread.join(30)
        other.close()


def test_a_locked_database_ends_in_a_message(sqlite_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.1)
    other = Store.open(sqlite_store.folder)
    try:
        with database.writing(sqlite_store.engine), pytest.raises(InputError) as error, database.writing(other.engine):
            pass
        assert _code(error) == "database_busy"
    finally:
        other.close()


_NUMBERS = st.floats(allow_nan=False, allow_infinity=False) | st.none()
_TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=8) | st.none()
_DATES = st.dates(date(1900, 1, 1), date(2200, 1, 1)) | st.none()


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(_NUMBERS, _TEXTS, _DATES), min_size=1, max_size=20))
def test_the_audits_json_gives_every_row_back(rows: list[tuple[float | None, str | None, date | None]]) -> None:
    """Undo rebuilds rows from JSON: any number, text and date must come back bit for bit."""
    table = TABLES["nodes"]
    frame = Record.of(
        nodes=pl.DataFrame(
            {
                "id": [f"n{i}" for i in range(len(rows))],
                "lon": pl.Series([row[0] for row in rows], dtype=pl.Float64),
                "note": pl.Series([row[1] for row in rows], dtype=pl.String),
                "valid_from": pl.Series([row[2] for row in rows], dtype=pl.Date),
            }
        )
    ).nodes
    texts = frame.select(to_json(table).alias("json"))["json"]
    assert from_json(table, texts).equals(frame)
    assert all(json.loads(text).get("note") == row[1] for text, row in zip(texts, rows, strict=True))


def _follows(store: Store) -> None:
    """The record that is kept up to date in memory equals the one read afresh, in order too."""
    kept = store.record()
    store._cache = None
    assert _same(kept, store.record())


_STEP = st.tuples(
    st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 3), max_size=4),
    st.sets(st.sampled_from("abcdef"), max_size=3),
)


@settings(max_examples=12, deadline=None)
@given(st.lists(_STEP, min_size=1, max_size=5))
def test_undoing_everything_passes_through_every_former_state(steps: list[tuple[dict[str, int], set[str]]]) -> None:
    """Any sequence of changes, undone one by one, retraces its states; every version can still be asked for."""

    def rows(frame: pl.DataFrame) -> dict[str, str | None]:
        return dict(frame.select("id", "note").iter_rows())

    with tempfile.TemporaryDirectory() as folder, Store.create(Path(folder) / "park") as store:
        states = [rows(store.record().scenarios)]
        for values, removed in steps:
            written = Record.of(
                scenarios=pl.DataFrame(
                    {"id": list(values), "note": [str(value) for value in values.values()]},
                    schema={"id": pl.String, "note": pl.String},
                )
            ).scenarios
            gone = pl.DataFrame({"id": sorted(removed - values.keys())}, schema={"id": pl.String})
            if store.apply(Changes(rows={"scenarios": written}, removed={"scenarios": gone})) is not None:
                states.append(rows(store.record().scenarios))
                _follows(store)
        for version, state in enumerate(states):
            assert rows(store.record(version).scenarios) == state
        for state in reversed(states[:-1]):
            store.undo()
            assert rows(store.record().scenarios) == state
            _follows(store)


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.sampled_from("abcde"), unique=True),
    st.lists(st.sampled_from("abcdefg"), unique=True),
    st.sets(st.sampled_from("abcdefg")),
)
def test_merging_keeps_order_and_keys(before: list[str], rows: list[str], removed: set[str]) -> None:
    """New rows come last, changed ones stay in their place, removed ones go: compared with plain Python."""
    table = TABLES["scenarios"]

    def frame(ids: list[str], note: str) -> pl.DataFrame:
        return Record.of(
            scenarios=pl.DataFrame({"id": ids}, schema={"id": pl.String}).with_columns(note=pl.lit(note))
        ).scenarios

    gone = pl.DataFrame({"id": sorted(removed)}, schema={"id": pl.String})
    result = merge(table, frame(before, "old"), frame(rows, "new"), gone)
    expected = [(key, "new" if key in rows else "old") for key in before if key not in removed]
    expected += [(key, "new") for key in rows if key not in before and key not in removed]
    assert result.select("id", "note").rows() == expected
    assert result.select(row_key(table)).to_series().to_list() == result["id"].to_list()
