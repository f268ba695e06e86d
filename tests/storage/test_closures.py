"""A closed year keeps its numbers: no change, import or undo touches it until it is opened again with a reason."""

from __future__ import annotations

import polars as pl
import pytest

from ecopark.model.problems import InputError
from ecopark.model.record import Record
from ecopark.storage.changesets import Changes
from ecopark.storage.importing import Vocabulary, preview_rows
from ecopark.storage.store import Store


@pytest.fixture
def closed(store: Store, park: Record) -> Store:
    """The park with 2019 closed."""
    store.apply(Changes(rows=park.tables))
    store.closures.close(2019, "verified by the auditor")
    return store


def _refused(store: Store, changes: Changes) -> list[str]:
    version = store.version
    with pytest.raises(InputError) as error:
        store.apply(changes)
    assert store.version == version
    assert {problem.code for problem in error.value.problems} == {"year_closed"}
    return [problem.place for problem in error.value.problems]


def test_rows_of_a_closed_year_can_be_neither_changed_nor_added_nor_removed(closed: Store, park: Record) -> None:
    of_2019 = park.flows.head(1)
    changed = of_2019.with_columns(amount=pl.lit(1.0))
    moved = park.flows.slice(1, 1).with_columns(period_start=pl.date(2019, 12, 31))  # reaches into 2019 now
    added = of_2019.with_columns(id=pl.lit("new"), method=pl.lit("estimated"))
    assert _refused(closed, Changes(rows={"flows": changed})) == ["flows:coal-a-2019-invoiced"]
    assert _refused(closed, Changes(rows={"flows": moved})) == ["flows:coal-a-2020-invoiced"]
    assert _refused(closed, Changes(rows={"flows": added})) == ["flows:new"]
    assert _refused(closed, Changes(removed={"flows": of_2019})) == ["flows:coal-a-2019-invoiced"]
    assert len(_refused(closed, Changes(rows={"statistics": park.statistics.with_columns(value=pl.lit(9.0))}))) == 1


def test_moving_a_flow_out_of_a_closed_year_is_refused_too(closed: Store, park: Record) -> None:
    """What matters is where the row was as well as where it goes."""
    moved = park.flows.head(1).with_columns(period_start=pl.date(2021, 1, 1), period_end=pl.date(2022, 1, 1))
    _refused(closed, Changes(rows={"flows": moved}))


def test_other_years_and_other_scenarios_stay_open(closed: Store, park: Record) -> None:
    closed.apply(Changes(rows={"flows": park.flows.slice(1, 1).with_columns(amount=pl.lit(4.0))}))
    closed.apply(Changes(rows={"scenarios": Record.of(scenarios=[{"id": "what-if"}]).scenarios}))
    what_if = park.flows.head(1).with_columns(id=pl.lit("w"), scenario=pl.lit("what-if"), amount=pl.lit(5.0))
    assert closed.apply(Changes(rows={"flows": what_if})) is not None
    assert closed.apply(Changes(rows={"nodes": park.nodes.head(1).with_columns(note=pl.lit("n"))})) is not None


def test_a_stream_of_a_closed_year_keeps_its_meaning(closed: Store, park: Record) -> None:
    """Turning the coal stream into a diesel stream would change 2019 without touching one of its flows."""
    stream = park.streams.head(1)
    assert _refused(closed, Changes(rows={"streams": stream.with_columns(commodity=pl.lit("diesel"))})) == [
        "streams:coal-a"
    ]
    assert closed.apply(Changes(rows={"streams": stream.with_columns(note=pl.lit("renamed"))})) is not None


def test_undo_stops_at_a_closed_year(closed: Store) -> None:
    with pytest.raises(InputError) as error:
        closed.undo()
    assert {problem.code for problem in error.value.problems} == {"year_closed"}
    assert closed.version == 1
    closed.closures.reopen(2019, "a bill was found")
    assert closed.undo().undoes == 1


def test_an_import_names_the_cells_in_closed_years(closed: Store, park: Record, vocabulary: Vocabulary) -> None:
    """The preview says it before anything is written, for the changed row alone."""
    rows = park.flows.with_columns(
        amount=pl.when(pl.col("stream") == "coal-a").then(7.0).otherwise(pl.col("amount")),
        low=pl.lit(None, pl.Float64), high=pl.lit(None, pl.Float64),
    )  # fmt: skip
    preview = preview_rows(closed, {"flows": rows}, vocabulary)
    assert [(problem.code, problem.place) for problem in preview.errors] == [
        ("year_closed", "flows line 1, period_start")
    ]
    assert "reopen" in preview.errors[0].describe("en")[1]
    assert preview.rows["flows"]["status"].to_list() == ["error", "changed", "same", "same", "same"]


def test_a_closed_year_holds_its_opening_and_its_closing_stock(closed: Store, vocabulary: Vocabulary) -> None:
    """The level at the first moment of 2020 is what 2019 ends with; a later one belongs to an open year."""
    level = {"node": "firm-a", "commodity": "raw_coal", "level": 5.0, "unit": "t"}
    for time in ("2019-01-01", "2019-06-30", "2020-01-01"):
        stocks = Record.of(stocks=[level | {"time": time}]).stocks
        assert _refused(closed, Changes(rows={"stocks": stocks})) == [f"stocks:firm-a|raw_coal|{time}"]
    preview = preview_rows(closed, {"stocks": stocks}, vocabulary)
    assert [(problem.code, problem.place) for problem in preview.errors] == [("year_closed", "stocks line 1, time")]
    for time in ("2018-12-31", "2020-01-02"):
        assert closed.apply(Changes(rows={"stocks": Record.of(stocks=[level | {"time": time}]).stocks})) is not None


def test_closing_and_opening_need_reasons_and_are_remembered(store: Store) -> None:
    closures = store.closures
    for call in (closures.close, closures.reopen):
        with pytest.raises(InputError) as error:
            call(2019, "  ")
        assert error.value.problems[0].code == "reason_missing"
    closures.close(2019, "first", "li")
    with pytest.raises(InputError) as error:
        closures.close(2019, "again")
    assert error.value.problems[0].code == "year_closed_already"
    with pytest.raises(InputError) as error:
        closures.reopen(2018, "why not")
    assert error.value.problems[0].code == "year_not_closed"
    reopened = closures.reopen(2019, "a bill was found", "wang")
    assert (reopened.closed_by, reopened.reason, reopened.reopened_by, reopened.reopen_reason) == (
        "li", "first", "wang", "a bill was found",
    )  # fmt: skip
    assert closures.years() == ()
    closures.close(2019, "second")
    assert closures.years() == (2019,)
    assert [closure.reason for closure in closures.history()] == ["first", "second"]
