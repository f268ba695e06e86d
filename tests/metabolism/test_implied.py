"""What leaves by rule: only what nobody stated, at the node and in the period it belongs to, and never silently."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from ecopark.catalogue import load_catalogue
from ecopark.metabolism.balances.balances import draw_balances
from ecopark.metabolism.flows import layered_flows
from ecopark.model.record import Record
from tests.metabolism.test_flows import NODES, drawn, flow, stream

CATALOGUE = load_catalogue()
GAS = stream("gas", "market", "works", "natural_gas", "final_use")
DENSITY = {"commodity": "natural_gas", "property": "density", "value": 7.2, "unit": "t/万Nm3"}


def rules(layered: Any, layer: str) -> set[str]:
    return set(layered.layer(layer)["implied"].drop_nulls())


@pytest.mark.parametrize("notation", ["NE", "C", "NO"])
def test_an_emission_without_an_amount_replaces_nothing(notation: str) -> None:
    """A firm that has not estimated its CO2 has stated none: the rule holds."""
    streams = [GAS, stream("co2", "works", "river", "carbon_dioxide", "emission")]
    layered = drawn(streams, [flow("gas", 10.0, "万Nm3"), flow("co2", None, "t", notation=notation)])
    assert "combustion_carbon" in rules(layered, "carbon")


def test_biogenic_carbon_dioxide_does_not_replace_that_of_fossil_fuel() -> None:
    """The CO2 of aerobic tanks says nothing of the gas that is burnt."""
    streams = [GAS, stream("co2", "works", "river", "carbon_dioxide_biogenic", "emission")]
    layered = drawn(streams, [flow("gas", 10.0, "万Nm3"), flow("co2", 200.0, "t")])
    assert "combustion_carbon" in rules(layered, "carbon")


def test_a_stack_speaks_for_its_own_process_and_its_firm() -> None:
    """CO2 stated at a kiln leaves the boiler beside it to the rule, and takes the kiln's and the firm's own fuel."""
    nodes = [*NODES, {"id": "boiler", "parent": "works", "kind": "process"}]
    streams = [
        GAS, stream("kiln", "market", "reactor", "natural_gas", "final_use"),
        stream("boil", "market", "boiler", "natural_gas", "heat_generation"),
        stream("co2", "reactor", "river", "carbon_dioxide", "emission"),
    ]  # fmt: skip
    flows = [flow(name, 10.0, "万Nm3") for name in ("gas", "kiln", "boil")] + [flow("co2", 400.0, "t")]
    layered = layered_flows(Record.of(nodes=nodes, streams=streams, flows=flows), CATALOGUE, 2022)
    burnt = layered.layer("carbon").filter(pl.col("implied") == "combustion_carbon")
    assert burnt["source"].to_list() == ["boiler"]


def test_a_stated_emission_speaks_for_its_months_only() -> None:
    """CO2 measured in January; in February the rule holds."""
    streams = [GAS, stream("co2", "works", "river", "carbon_dioxide", "emission")]
    flows = [flow("gas", 10.0, "万Nm3", "2022-01"), flow("gas", 10.0, "万Nm3", "2022-02"),
             flow("co2", 200.0, "t", "2022-01"), flow("co2", None, "t", "2022-02", notation="NE")]  # fmt: skip
    layered = drawn(streams, flows, resolution="month")
    burnt = layered.layer("carbon").filter(pl.col("implied") == "combustion_carbon")
    assert burnt["period_start"].cast(pl.String).to_list() == ["2022-02-01"]


def test_stated_carbon_dioxide_brings_no_oxygen_into_the_balance_of_mass() -> None:
    """72 t of gas, 200 t of CO2 stated: in mass 72 t of flue gas leave, the air's oxygen is on neither side."""
    streams = [GAS, stream("co2", "works", "river", "carbon_dioxide", "emission")]
    layered = drawn(streams, [flow("gas", 10.0, "万Nm3"), flow("co2", 200.0, "t")], properties=[DENSITY])
    mass = draw_balances(layered, CATALOGUE).of(layer="mass", node="works").row(0, named=True)
    assert (mass["inflow"], mass["outflow"], mass["by_rule"]) == (pytest.approx(72.0), 0.0, pytest.approx(72.0))
    carbon = draw_balances(layered, CATALOGUE).of(layer="carbon", node="works").row(0, named=True)
    assert carbon["outflow"] == pytest.approx(200 * 0.27292145)
    assert carbon["by_rule"] == 0.0


def test_carbon_dioxide_of_no_fuel_is_a_mass() -> None:
    """CO2 of a fermentation, with no fuel about, counts as it is."""
    layered = drawn([stream("co2", "works", "river", "carbon_dioxide", "emission")], [flow("co2", 20.0, "t")])
    assert layered.layer("mass")["value"].to_list() == [20.0]


def test_what_a_rule_lacks_is_told() -> None:
    """Coal without a stated ash content: how much flue gas leaves is not known, so the mass cannot close."""
    streams = [stream("coal", "market", "works", "bituminous_coal", "final_use"),
               stream("slag", "works", "market", "slag", "sale")]  # fmt: skip
    flows = [flow("coal", 100.0, "t"), flow("slag", 20.0, "t")]
    layered = drawn(streams, flows)
    lacking = layered.unknown.filter((pl.col("layer") == "mass") & (pl.col("target") == "implied:air"))
    assert lacking.select("reason", "quantity", "commodity", "source").rows() == [
        ("no_property", "ash", "bituminous_coal", "works")
    ]
    row = draw_balances(layered, CATALOGUE).of(layer="mass", node="works").row(0, named=True)
    assert row["verdict"] == "incomplete"
    ash = {"commodity": "bituminous_coal", "property": "ash", "value": 0.2, "unit": "1"}
    stated = draw_balances(drawn(streams, flows, properties=[ash]), CATALOGUE).of(layer="mass", node="works")
    assert stated.select("by_rule", "residual", "verdict").row(0) == (pytest.approx(80.0), 0.0, "closed")


def test_biogas_has_no_ash() -> None:
    """Biogas and liquid biofuels leave whole as flue gas, once."""
    layered = drawn(
        [stream("b", "market", "works", "biogas", "heat_generation")],
        [flow("b", 10.0, "万Nm3")],
        properties=[{"commodity": "biogas", "property": "density", "value": 11.0, "unit": "t/万Nm3"}],
    )
    gas = layered.layer("mass").filter(pl.col("implied").is_not_null())
    assert gas.select("implied", "value").rows() == [("flue_gas_of_biofuels", pytest.approx(110.0))]
    assert layered.unknown.filter(pl.col("target") == "implied:air").is_empty()


@pytest.mark.parametrize("activity", ["supply", "transfer", "feedstock", "sale", "conversion_input"])
def test_fuel_that_is_passed_on_is_not_burnt(activity: str) -> None:
    """What a firm hands to another, or makes into something, does not leave by rule where it arrives."""
    layered = drawn([stream("c", "plant", "works", "bituminous_coal", activity)], [flow("c", 10.0, "t")])
    assert layered.edges["implied"].drop_nulls().is_empty()
