"""The opened park on the real example: runs, replay, restatement, factor changes, calculated against reported."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

import ecopark as ep
from ecopark.accounting import Inventory
from ecopark.catalogue import load_catalogue
from ecopark.model.problems import InputError
from ecopark.storage.changesets import Changes
from ecopark.storage.importing import preview_import
from ecopark.storage.store import Store
from ecopark.workspace import Workspace

EXAMPLES = Path(__file__).parents[2] / "examples"


def opened(folder: Path, example: str) -> Workspace:
    with Store.create(folder) as store:
        preview = preview_import(store, EXAMPLES / example / f"{example}.xlsx", load_catalogue())
        assert not preview.errors
        preview.apply(store)
    return ep.open(folder)


@pytest.fixture(scope="module")
def eastman(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return opened(tmp_path_factory.mktemp("eastman") / "park", "eastman")


@pytest.fixture
def twelve_firms(tmp_path: Path) -> Workspace:
    return opened(tmp_path / "park", "twelve-firms")


def test_the_real_park_meets_its_reported_emissions(eastman: Workspace) -> None:
    """Calculated over reported CO2e by 40 CFR 98: 1.009, 1.015, 0.990, 0.994; on the other basis 5-10 % off."""
    rows = {row.year: row for row in eastman.reported("us-ghgrp") if row.node == "red_rochester"}
    ratios = {year: round(row.ratio, 3) for year, row in rows.items() if row.ratio is not None}
    assert ratios == {2016: 1.009, 2017: 1.015, 2018: 0.990, 2019: 0.994}
    assert all(rows[year].complete for year in ratios)
    assert set(rows) == set(range(2013, 2021))
    assert rows[2020].calculated is None  # reported, but its fuel is not published


def test_the_chinese_schemes_are_a_what_if_with_gaps(eastman: Workspace) -> None:
    """On the whole park purchased power is not estimated: a subtotal with its gaps and no indicator."""
    inventory = eastman.inventory(2019, "zero-carbon-park-2025")
    assert not inventory.complete
    assert {"not_estimated"} == {gap.kind for gap in inventory.gaps}
    assert all(item.value is None for item in inventory.indicators if item.id == "co2_per_energy")
    assert any(remark.code == "substituted_region" for remark in inventory.remarks)


def test_one_input_gives_one_run_and_every_option_another(eastman: Workspace) -> None:
    """Asking twice gives the stored run; another GWP set gives another; a new session finds the same run again."""
    first = eastman.inventory(2018, "us-ghgrp", "utility")
    assert eastman.inventory(2018, "us-ghgrp", "utility").run == first.run
    other = eastman.inventory(2018, "us-ghgrp", "utility", gwp="gwp-AR5")
    assert other.run != first.run
    again = ep.open(eastman.store.folder).inventory(2018, "us-ghgrp", "utility")
    assert (again.run, again.total()) == (first.run, first.total())


def test_unknown_names_are_refused(eastman: Workspace) -> None:
    """A scheme, boundary, option or run that does not exist is an error that names what does."""
    with pytest.raises(KeyError, match="us-ghgrp"):
        eastman.inventory(2018, "us-ghg")
    with pytest.raises(InputError, match="utility"):
        eastman.inventory(2018, "us-ghgrp", "utilty")
    with pytest.raises(ValueError, match="gwp-AR4"):
        eastman.inventory(2018, "us-ghgrp", gwp="AR4")
    with pytest.raises(InputError):
        eastman.explain("R999-total")
    with pytest.raises(KeyError):
        eastman.explain(f"{eastman.inventory(2018, 'us-ghgrp').run}-line:0")


def double(park: Workspace, flow: str) -> None:
    none = pl.lit(None, pl.Float64)
    row = park.record.flows.filter(pl.col("id") == flow).with_columns(pl.col("amount") * 2, low=none, high=none)
    assert row.height == 1
    park.store.apply(Changes({"flows": row}), action="edit")


def test_an_old_run_keeps_its_number_and_a_restatement_keeps_both(twelve_firms: Workspace) -> None:
    """After the record changes, the old run replays to its own number; restated, both stand with the reason."""
    old = twelve_firms.inventory(2022, "park-ghg")
    largest = old.lines.filter(pl.col("category") == "combustion").sort("result").row(-1, named=True)
    double(twelve_firms, largest["flow"])
    replay = twelve_firms.replay(str(old.run))
    assert replay.stored == pytest.approx(replay.recomputed, rel=1e-12)
    assert replay.stored == old.total()
    with pytest.raises(InputError):
        twelve_firms.restate(str(old.run), "")
    new = twelve_firms.restate(str(old.run), "the meter was read twice")
    assert new.total() > old.total()
    runs = {run.id: run for run in twelve_firms.runs.list_runs()}
    assert runs[str(old.run)].restated_by == new.run
    assert (runs[str(new.run)].restates, runs[str(new.run)].reason) == (old.run, "the meter was read twice")
    assert twelve_firms.stored(str(old.run)).total() == old.total()
    assert twelve_firms.inventory(2022, "park-ghg").total() == new.total()


def test_the_effect_of_another_factor_is_known_before_it_is_applied(twelve_firms: Workspace) -> None:
    """Replacing the grid factor by half: every stored run that used it falls by half of its grid power's emissions."""
    inventory = twelve_firms.inventory(2022, "park-ghg")
    row = inventory.parameters.filter((pl.col("symbol") == "emission_factor") & (pl.col("set") == "grid-average")).row(
        0, named=True
    )
    effect = twelve_firms.factor_effect(row["factor"], row["value"] / 2)
    assert effect["run"].to_list() == [inventory.run]
    assert effect["difference"][0] == pytest.approx(-inventory.total("scope_2_location") / 2 + _heat(inventory) / 2)
    assert twelve_firms.factor_effect("no.such.factor", 1.0).is_empty()
    assert twelve_firms.inventory(2022, "park-ghg").total() == inventory.total()


def _heat(inventory: Inventory) -> float:
    return float(inventory.lines_of("scope_2_location").filter(pl.col("category") == "heat")["result"].sum())


def test_the_effect_of_a_change_is_shown_by_year(twelve_firms: Workspace) -> None:
    """An import's effect on tCO2e: the years that change, before and after; nothing is stored by asking."""
    before = twelve_firms.record
    inventory = twelve_firms.inventory(2022, "park-ghg")
    flow = inventory.lines.filter(pl.col("category") == "combustion").sort("result").row(-1, named=True)["flow"]
    double(twelve_firms, flow)
    effect = twelve_firms.effect(before, twelve_firms.record)
    changed = effect.filter(pl.col("before") != pl.col("after"))
    assert changed["year"].to_list() == [2022]
    assert changed["before"][0] == pytest.approx(inventory.total())
    assert changed["after"][0] > changed["before"][0]


def test_references_reach_every_kind_of_number(twelve_firms: Workspace) -> None:
    """Lines, totals, comparison steps, eliminations, allocations, range ends: each explains and recomputes."""
    inventory = twelve_firms.inventory(2022, "park-ghg")
    other = twelve_firms.inventory(2021, "park-ghg")
    allocation = twelve_firms.allocation(inventory)
    elimination = twelve_firms.consolidation(inventory).eliminations["stream"][0]
    keys = [
        f"{inventory.run}-total",
        f"{inventory.run}-line:1",
        f"{inventory.run}-elimination:{elimination}",
        f"{inventory.run}-eliminated",
        f"{inventory.run}-allocation:{allocation.consumers['node'][0]}",
        f"{inventory.run}-exported",
        f"{inventory.run}-low:total:location",
        f"{inventory.run}-high:total:location&category:process",
        f"{other.run}~{inventory.run}-difference",
        f"{other.run}~{inventory.run}-step:1",
    ]
    for reference in keys:
        explanation = twelve_firms.explain(reference)
        assert explanation.recompute() == pytest.approx(explanation.value, rel=1e-9), reference
        assert explanation.inputs


def test_an_allocation_leads_on_to_its_parts_and_lines(twelve_firms: Workspace) -> None:
    """Every input of an allocated number that names a reference can be explained in turn, down to inventory lines."""
    inventory = twelve_firms.inventory(2022, "park-ghg")
    waiting, seen = [f"{inventory.run}-allocation:paper"], set[str]()
    while waiting:
        reference = waiting.pop()
        if reference in seen:
            continue
        seen.add(reference)
        explanation = twelve_firms.explain(reference)
        assert explanation.recompute() == pytest.approx(explanation.value, rel=1e-9, abs=1e-6), reference
        waiting += [item.reference for item in explanation.inputs if item.kind in ("total", "line") and item.reference]
    kinds = {reference.partition("-")[2].partition(":")[0] for reference in seen}
    assert {"allocation", "own", "supplied", "intensity", "supply", "throughput", "line"} <= kinds
