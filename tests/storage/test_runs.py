"""A stored run is shown again exactly; a restatement keeps the old one and says why."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl
import pytest

from ecopark.model.problems import InputError
from ecopark.model.record import Record
from ecopark.storage.changesets import Changes
from ecopark.storage.runs import Run, inputs_hash
from ecopark.storage.store import Store

LINES = pl.DataFrame(
    {
        "line": pl.Series([0, 1], dtype=pl.Int64),
        "value": [0.1 + 0.2, 1e-300],
        "co2e": [1.0, None],
        "name": ["煤", None],
        "apart": [True, False],
        "day": [date(2019, 1, 1), None],
    }
)


def _save(store: Store, **changes: Any) -> Run:
    details: dict[str, Any] = {
        "engine": "inventory",
        "inputs_hash": "a" * 64,
        "settings": {"year": 2019, "scheme": "park-ghg", "options": {"gwp": "AR6"}},
        "catalogue_version": "c1",
        "factor_versions": {"Q.diesel.ncv": "2025"},
        "outcome": {"total": 12.5, "complete": False, "gaps": ["废水"]},
        "frames": {"lines": LINES, "parameters": pl.DataFrame({"value": []}, schema={"value": pl.Float64})},
    }
    return store.runs.save(**(details | changes))


def test_a_run_comes_back_bit_for_bit(store: Store, park: Record) -> None:
    store.apply(Changes(rows=park.tables))
    saved = _save(store)
    assert saved.id == "R1"
    assert saved.record_version == 1
    again = store.runs.get("R1")
    assert again == saved
    assert again.settings == {"year": 2019, "scheme": "park-ghg", "options": {"gwp": "AR6"}}
    assert again.outcome["gaps"] == ["废水"]
    frames = store.runs.frames("R1")
    assert set(frames) == {"lines", "parameters"}
    assert frames["lines"].equals(LINES)
    assert frames["lines"].schema == LINES.schema
    assert store.runs.frames("R1", "parameters")["parameters"].height == 0
    with pytest.raises(KeyError):
        store.runs.frames("R1", "coefficients")


def test_an_old_run_stays_when_the_record_changes(store: Store, park: Record) -> None:
    """Replaying an old run gives the old number: neither a change nor an undo reaches into stored results."""
    store.apply(Changes(rows=park.tables))
    _save(store)
    store.undo()
    assert store.runs.get("R1").outcome["total"] == 12.5
    assert store.runs.frames("R1")["lines"].equals(LINES)
    assert store.record(store.runs.get("R1").record_version).flows.equals(park.flows)


def test_runs_are_found_by_what_went_in(store: Store) -> None:
    _save(store)
    _save(store, outcome={"total": 13})
    _save(store, inputs_hash="b" * 64, engine="balance")
    found = store.runs.find("inventory", "a" * 64)
    assert found is not None
    assert found.id == "R2"  # the newest
    assert store.runs.find("balance", "a" * 64) is None
    assert [run.id for run in store.runs.list_runs()] == ["R3", "R2", "R1"]
    assert [run.id for run in store.runs.list_runs("inventory", limit=1)] == ["R2"]


def test_a_restatement_keeps_both_and_the_reason(store: Store) -> None:
    _save(store)
    second = _save(store, restates="R1", reason="the grid factor of 2019 was published", outcome={"total": 11.0})
    third = _save(store, restates="R2", reason="a bill was found", outcome={"total": 11.5})
    assert second.restates == "R1"
    assert second.reason == "the grid factor of 2019 was published"
    first = store.runs.get("R1")
    assert first.restated_by == "R2"
    assert first.outcome["total"] == 12.5
    assert [run.id for run in store.runs.successors("R1")] == ["R2", "R3"]
    assert store.runs.successors(third.id) == []


@pytest.mark.parametrize(
    ("restates", "reason", "code"),
    [
        ("R9", "why", "run_unknown"),
        ("R2", " ", "reason_missing"),
        ("R2", None, "reason_missing"),
        ("R1", "why", "run_restated_already"),
        ("1; drop", "why", "run_unknown"),
    ],
)
def test_a_wrong_restatement_stores_nothing(sqlite_store: Store, restates: str, reason: str | None, code: str) -> None:
    _save(sqlite_store)
    _save(sqlite_store, restates="R1", reason="first")
    with pytest.raises(InputError) as error:
        _save(sqlite_store, restates=restates, reason=reason)
    assert [problem.code for problem in error.value.problems] == [code]
    assert len(sqlite_store.runs.list_runs()) == 2


@pytest.mark.parametrize("run", ["R1", "R0", "R01", "r1", "", "R99999999999999999999"])
def test_an_unknown_run_says_so(sqlite_store: Store, run: str) -> None:
    with pytest.raises(InputError) as error:
        sqlite_store.runs.get(run)
    assert error.value.problems[0].code == "run_unknown"


def test_the_hash_of_inputs_sees_values_settings_and_catalogue_but_not_order(park: Record) -> None:
    base = inputs_hash({"flows": park.flows}, {"a": 1, "b": 2}, "c1", "inventory")
    assert inputs_hash({"flows": park.flows.reverse()}, {"b": 2, "a": 1}, "c1", "inventory") == base
    nudged = park.flows.with_columns(pl.col("amount") * (1 + 2**-52))
    others = [
        inputs_hash({"flows": nudged}, {"a": 1, "b": 2}, "c1", "inventory"),
        inputs_hash({"flows": park.flows}, {"a": 1, "b": 3}, "c1", "inventory"),
        inputs_hash({"flows": park.flows}, {"a": 1, "b": 2}, "c2", "inventory"),
        inputs_hash({"flows": park.flows}, {"a": 1, "b": 2}, "c1", "balance"),
        inputs_hash({"flows": park.flows, "nodes": park.nodes}, {"a": 1, "b": 2}, "c1", "inventory"),
    ]
    assert len({base, *others}) == 6
