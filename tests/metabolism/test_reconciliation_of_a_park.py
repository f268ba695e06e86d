"""The synthetic park, all layers at once: what was seeded is found, and nothing else is suspected."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import polars as pl
import pytest

from ecopark.catalogue import load_catalogue
from ecopark.metabolism.flows import layered_flows
from ecopark.metabolism.reconciliation.reconcile import reconcile
from ecopark.metabolism.reconciliation.result import Reconciliation
from ecopark.storage.folder import read_record

EXAMPLES = Path(__file__).parents[2] / "examples"


@cache
def reconciled(year: int, level: str) -> Reconciliation:
    record, catalogue = read_record(EXAMPLES / "twelve-firms"), load_catalogue()
    return reconcile(layered_flows(record, catalogue, year), catalogue, level=level)  # type: ignore[arg-type]


@pytest.mark.parametrize("level", ["firm", "process", "node"])
@pytest.mark.parametrize("year", [2021, 2023])
def test_years_without_a_seeded_error_pass(year: int, level: str) -> None:
    """Eleven layers and their balances fit together; no flow is suspected and all balances hold to 1e-9."""
    found = reconciled(year, level)
    assert found.test["passed"].item()
    assert found.test["degrees_of_freedom"].item() > 100
    assert found.suspicious().is_empty()
    assert float(found.balances["relative_after"].abs().max()) < 1e-9  # type: ignore[arg-type]


@pytest.mark.parametrize("level", ["firm", "process", "node"])
def test_the_seeded_meter_is_found(level: str) -> None:
    """In 2022 the waste-water meter of the paper mill reads 0.88 of what flows: it alone is left out, and how much."""
    found = reconciled(2022, level)
    assert not found.test["passed"].item()
    assert found.eliminated["stream"].to_list() == ["paper.waste_water"]
    suspect = found.suspects.filter(pl.col("stream") == "paper.waste_water").row(0, named=True)
    read = found.flows.filter(pl.col("stream") == "paper.waste_water")["raw"].item()
    assert suspect["size"] == pytest.approx(read - read / 0.88, rel=0.1)


def test_an_unmeasured_flow_is_worked_out() -> None:
    """The recovered water of 2022 is NE; the balances of the dye house determine it at the level of processes."""
    row = reconciled(2022, "process").flows.filter(pl.col("stream") == "dye_house.recovered_water").row(0, named=True)
    assert row["classification"] == "observable"
    assert row["reconciled"] > 10 * row["sd_reconciled"] > 0


def test_assumptions_are_listed() -> None:
    """Ranges that nobody stated are counted, those of contents and of the density of waters too."""
    assumed = dict(reconciled(2021, "firm").assumed().iter_rows())
    assert {"invoiced", "water_density"} <= set(assumed)
    text = next(remark for remark in reconciled(2021, "firm").remarks if remark.code == "assumed_ranges").text("en")
    assert "density of waters ±2%" in text


def test_a_wide_balance_does_not_speak_for_a_firm_with_gaps() -> None:
    """The chip maker's carbon is not stated; neither its zone's nor the park's carbon balance is used against it."""
    found = reconciled(2021, "firm")
    carbon = found.balances.filter(pl.col("layer") == "carbon")
    assert "lime" in carbon["node"].to_list()
    assert not {"discrete_zone", "twelve_firms", "boundary:park"} & set(carbon["node"])
    leak = found.flows.filter(pl.col("stream") == "electronics.cf4").row(0, named=True)
    assert leak["reconciled"] == pytest.approx(leak["raw"], rel=0.01)


def test_one_layer_is_judged_by_all() -> None:
    """Water alone finds the meter too: that unstated contents cannot explain the gap is known from the masses."""
    record, catalogue = read_record(EXAMPLES / "twelve-firms"), load_catalogue()
    found = reconcile(layered_flows(record, catalogue, 2022), catalogue, layers=["water"])
    assert "paper" in found.balances["node"].to_list()
    assert found.eliminated.height == 1
    assert "paper.waste_water" in found.suspects.filter("explains")["stream"].to_list()
