"""The rule cases V1-V7: each enters as a workbook, leaves by the command line, and moves as its formula says.

The answers in `expected.json` were worked out in exact fractions, independently of the program. A wrong rule shows: a
certificate that does not reduce, feedstock counted as fuel, oxidation in a carbon balance, a limit taken from the wrong
size class, "less than" where "at most" is meant.
"""

from __future__ import annotations

import datetime
import json
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from ecopark.accounting.inventory import draw_inventory
from ecopark.accounting.serialising import inventory_to_json
from ecopark.catalogue import load_catalogue
from ecopark.model.record import Record
from ecopark.storage.importing import preview_import
from ecopark.storage.store import Store
from tests.cli.calls import done

RULES = Path(__file__).resolve().parents[2] / "examples" / "rules"
CASES = sorted(path.parent.name for path in RULES.glob("*/expected.json"))


@cache
def expected(case: str) -> dict[str, Any]:
    """What a case's `expected.json` says."""
    data: dict[str, Any] = json.loads((RULES / case / "expected.json").read_text(encoding="utf-8"))
    return data


PERTURBATIONS = [(case, number) for case in CASES for number in range(len(expected(case)["perturbations"]))]


def check(inventory: dict[str, Any], answers: list[dict[str, Any]], tolerance: float) -> None:
    """Compare an inventory, as plain data, with every answer for its year."""
    answers = [answer for answer in answers if answer["year"] == inventory["year"]]
    assert answers
    for answer in answers:
        kind, _, identity = answer["key"].partition(":")
        if kind == "indicator":
            check_indicator(inventory, identity, answer, tolerance)
            continue
        if kind == "category":
            key = f"total:{inventory['total']['id']}&{answer['key']}"
            rows = [row for row in inventory["categories"] if row["key"] == key]
            found, unit = (rows[0]["value"], rows[0]["unit"]) if rows else (0.0, inventory["total"]["unit"])
        else:
            row = next(row for row in inventory["totals"] if row["id"] == (identity or inventory["total"]["id"]))
            found, unit = row["value"], row["unit"]
        assert unit == answer["unit"], answer["key"]
        assert found == pytest.approx(answer["value"], rel=tolerance, abs=0.0 if answer["value"] else 1e-9), answer[
            "key"
        ]


def check_indicator(inventory: dict[str, Any], identity: str, answer: dict[str, Any], tolerance: float) -> None:
    """Compare value, limit, verdict, gap and warning of an indicator against the limit that the answer is about."""
    rows = [
        row
        for row in inventory["indicators"]
        if row["id"] == identity
        and row["variant"] == answer.get("variant", row["variant"])
        and row["limit_year"] == answer.get("limit_year", row["limit_year"])
    ]
    assert len(rows) == 1, (identity, answer)
    (row,) = rows
    assert row["unit"] == answer["unit"]
    assert row["value"] == pytest.approx(answer["value"], rel=tolerance), identity
    for name in ("limit", "comparison", "verdict", "gap_unit"):
        if answer.get(name) is not None:
            assert row[name] == answer[name], (identity, name)
    if answer.get("gap") is not None:
        assert row["gap"] == pytest.approx(answer["gap"], rel=1e-6, abs=1e-6), identity
    if "warning" in answer:
        assert (row["warning"] is not None) is answer["warning"]


@pytest.mark.parametrize("case", CASES)
def test_from_workbook_to_command_line(case: str, tmp_path: Path) -> None:
    """`ecopark import` of the workbook, then `ecopark inventory --json`: the exact answers, each explained."""
    told = expected(case)
    park = tmp_path / "park"
    done("init", park)
    done("import", park, RULES / case / f"{case}.xlsx")
    for year in sorted({answer["year"] for answer in told["expected"]}):
        draw = [
            "--year",
            year,
            "--scheme",
            told["scheme"],
            "--boundary",
            told["boundary"],
            "--scenario",
            told["scenario"],
        ]
        inventory = done("inventory", park, *draw, "--json").json
        assert inventory["complete"] is told["complete"]
        check(inventory, told["expected"], told["expected"][0]["tolerance"])
        explained = [answer for answer in told["expected"] if answer["year"] == year and answer["value"] is not None]
        for answer in explained[:3] + explained[-1:]:
            found = done("explain", park, f"{inventory['run']}-{answer['key']}", "--json").json
            assert found["value"] == pytest.approx(answer["value"], rel=answer["tolerance"], abs=1e-9), answer["key"]
            assert found["recomputed"] == pytest.approx(found["value"], rel=1e-9, abs=1e-9), answer["key"]


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Record]:
    """The record of every case as the import makes it of the folder."""
    found = {}
    for case in CASES:
        with Store.create(tmp_path_factory.mktemp("rules") / case) as store:
            preview_import(store, RULES / case, load_catalogue()).apply(store)
            found[case] = store.record()
    return found


def perturbed(record: Record, table: str, row: dict[str, Any], column: str, factor: float) -> Record:
    """The record with one number multiplied (and its range with it); `row` names the row by key columns."""
    frame = record[table]
    condition = pl.lit(True)
    for name, value in row.items():
        wanted = datetime.date.fromisoformat(value) if frame.schema[name] == pl.Date and value else value
        condition &= pl.col(name).eq_missing(pl.lit(wanted, frame.schema[name]))
    assert frame.filter(condition).height == 1, (table, row)
    moved = [name for name in (column, "low", "high") if name in frame.columns]
    changed = [pl.when(condition).then(pl.col(name) * factor).otherwise(pl.col(name)).alias(name) for name in moved]
    return record.replace(**{table: frame.with_columns(changed)})


@pytest.mark.parametrize(("case", "number"), PERTURBATIONS)
def test_one_per_cent_more_of_an_input(case: str, number: int, records: dict[str, Record]) -> None:
    """Every input up by 1 %: each answer moves as its formula says, and those that do not use it stay."""
    told = expected(case)
    change = told["perturbations"][number]
    record = perturbed(records[case], change["table"], change["row"], change["column"], change["factor"])
    for year in sorted({answer["year"] for answer in change["answers"]}):
        inventory = draw_inventory(
            record, load_catalogue(), told["scheme"], year, boundary=told["boundary"], scenario=told["scenario"]
        )
        check(inventory_to_json(inventory, lines=False), change["answers"], 1e-9)


STILL = {"v1": set(), "v2": set(), "v3": {"feed_coal.2024", "feed_coal.2025"}}
"""Inputs that must move nothing: the feedstock of V3, from V4 on the value of grid power, of which there is none."""


@pytest.mark.parametrize("case", CASES)
def test_every_other_input_moves_something(case: str) -> None:
    """Otherwise the test above would hold for a program that ignores the input."""

    def values(answers: list[dict[str, Any]]) -> dict[tuple[Any, ...], float]:
        return {
            (answer["year"], answer["key"], answer.get("variant"), answer.get("limit_year")): answer["value"]
            for answer in answers
        }

    base = values(expected(case)["expected"])
    still = {
        change["row"]["id"]
        for change in expected(case)["perturbations"]
        if all(base[place] == value for place, value in values(change["answers"]).items())
    }
    assert still == STILL.get(case, {"equivalent_electricity"})
