"""Comparison of inventories, consolidation without double counting, and allocation through the supply network."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecopark.accounting import Inventory, draw_inventory
from ecopark.accounting.allocation import Allocation, allocate, steam_energy
from ecopark.accounting.comparison import compare
from ecopark.accounting.consolidation import consolidate
from ecopark.accounting.inventory import all_commodities
from ecopark.accounting.selection import place_streams
from ecopark.accounting.supply_system import UnsolvableSupply
from ecopark.catalogue import load_catalogue
from ecopark.model.network import Network
from ecopark.model.record import Record
from tests.accounting.parks import flow, park, stream

CATALOGUE = load_catalogue()

COAL = (stream("coal", "market", "plant", "bituminous_coal", "chp"), flow("coal", 1000.0, "t"))
HEAT = (stream("heat", "plant", "mill", "heat", "supply"), flow("heat", 9000.0, "GJ"))
POWER = (stream("power", "plant", "works", "electricity", "supply"), flow("power", 1000.0, "MWh"))
GRID = (stream("grid", "market", "mill", "electricity", "supply"), flow("grid", 2000.0, "MWh"))


def record_of(*rows: tuple[dict[str, Any], dict[str, Any]], **tables: Any) -> Record:
    return park([s for s, _ in rows], [f for _, f in rows], **tables)


def draw(record: Record, scheme: str = "park-ghg", year: int = 2022, **more: Any) -> Inventory:
    return draw_inventory(record, CATALOGUE, scheme, year, **more)


def allocation(record: Record, scheme: str = "park-ghg") -> Allocation:
    network = Network(record)
    placed = place_streams(record.streams, all_commodities(record, CATALOGUE), network.members(), network.firm_frame())
    return allocate(draw(record, scheme), placed, steam_energy(record, CATALOGUE, network, placed, 2022))


def test_consolidation_takes_out_what_is_sold_inside() -> None:
    """Heat and power sold inside count at the buyer and as the plant's fuel; eliminated is what buyers counted."""
    record = record_of(COAL, HEAT, POWER, GRID)
    result = consolidate(draw(record, perspective="firms"), draw(record), record.streams)
    bought = {row["stream"]: row["elimination"] for row in result.eliminations.iter_rows(named=True)}
    assert bought == pytest.approx({"heat": 9000 * 0.11, "power": 1000 * 0.5978})
    assert result.enterprise_sum - result.eliminated == pytest.approx(result.park.total())
    for key in ("eliminated", "elimination:heat"):
        explanation = result.explain(key)
        assert explanation.recompute() == pytest.approx(explanation.value, rel=1e-12)


def test_a_scheme_that_lets_sellers_deduct_cancels_inside_sales() -> None:
    """Under the zero-carbon method buyer and seller use one factor: both sides show, the elimination is zero."""
    record = record_of(COAL, HEAT, POWER)
    result = consolidate(
        draw(record, "zero-carbon-park-2025", perspective="firms"),
        draw(record, "zero-carbon-park-2025"),
        record.streams,
    )
    row = next(row for row in result.eliminations.iter_rows(named=True) if row["stream"] == "heat")
    assert (row["bought"], row["sold"], row["elimination"]) == pytest.approx((990.0, -990.0, 0.0))
    assert result.enterprise_sum == pytest.approx(result.park.total())


def test_allocation_splits_a_plant_by_the_energy_it_sells() -> None:
    """9000 GJ of heat and 1000 MWh (3600 GJ): the mill takes 9000/12600 of the emissions, the works the rest."""
    record = record_of(COAL, HEAT, POWER)
    emitted = draw(record).total()
    result = allocation(record)
    totals = {row["node"]: row["total"] for row in result.consumers.iter_rows(named=True)}
    assert totals["mill"] == pytest.approx(emitted * 9000 / 12600)
    assert totals["works"] == pytest.approx(emitted * 3600 / 12600)
    assert totals.get("plant", 0.0) == pytest.approx(0.0, abs=1e-9)


def test_allocation_passes_energy_on_and_exports_leave() -> None:
    """Half of the mill's heat goes on to the works, and a third of the works' power to the market."""
    onward = (stream("onward", "mill", "works", "heat", "transfer"), flow("onward", 4500.0, "GJ"))
    sold = (stream("sold", "works", "market", "electricity", "sale"), flow("sold", 250.0, "MWh"))
    record = record_of(COAL, HEAT, POWER, onward, sold)
    emitted = draw(record).total()
    result = allocation(record)
    totals = {row["node"]: row["total"] for row in result.consumers.iter_rows(named=True)}
    assert totals["mill"] == pytest.approx(emitted * 4500 / 12600)
    assert totals["works"] == pytest.approx(emitted * (4500 + 2700) / 12600)
    assert result.exported == pytest.approx(emitted * 900 / 12600)


def test_a_loop_between_neighbours_is_solved() -> None:
    """Mill and works send heat to each other; the system is solved at once and nothing is lost or counted twice."""
    there = (stream("there", "mill", "works", "heat", "supply"), flow("there", 3000.0, "GJ"))
    back = (stream("back", "works", "mill", "heat", "supply"), flow("back", 1000.0, "GJ"))
    record = record_of(COAL, HEAT, there, back)
    result = allocation(record)
    emitted = draw(record).total()
    assert result.consumers["total"].sum() + result.exported == pytest.approx(emitted)
    per_gj = {
        row["node"]: row["intensity"] for row in result.intensities.iter_rows(named=True) if row["carrier"] == "heat"
    }
    # the mill mixes 9000 GJ of the plant's with 1000 GJ of its own heat come back: both carry the plant's intensity
    assert per_gj["mill"] == pytest.approx(emitted / 9000)
    assert per_gj["works"] == pytest.approx(emitted / 9000)


def test_a_closed_loop_without_inflow_is_refused_by_name() -> None:
    """Two nodes that only feed each other have no defined intensity: the error names them."""
    there = (stream("there", "mill", "works", "heat", "transfer"), flow("there", 1000.0, "GJ"))
    back = (stream("back", "works", "mill", "heat", "transfer"), flow("back", 1000.0, "GJ"))
    with pytest.raises(UnsolvableSupply, match="mill") as caught:
        allocation(record_of(COAL, there, back))
    assert {node.split(" ")[0] for node in caught.value.nodes} == {"mill", "works"}


def test_steam_by_mass_needs_its_enthalpy() -> None:
    """Steam in tonnes is allocated by its net enthalpy; without one it is named as left out, not taken for zero."""
    steam = (stream("steam", "plant", "mill", "steam", "supply"), flow("steam", 3000.0, "t"))
    bought = (stream("bought", "market", "works", "steam", "supply"), flow("bought", 100.0, "t"))
    bare = allocation(record_of(COAL, steam, POWER, bought))
    assert set(bare.left_out) == {"steam", "bought"}
    assert bare.consumers["total"].sum() + bare.exported == pytest.approx(bare.emitted)
    known = [{"commodity": "steam", "property": "net_enthalpy", "value": 3.0, "unit": "GJ/t"}]
    record = record_of(COAL, steam, POWER, properties=known)
    result = allocation(record)
    assert result.left_out == ()
    totals = {row["node"]: row["total"] for row in result.consumers.iter_rows(named=True)}
    assert totals["mill"] == pytest.approx(draw(record).lines_of("scope_1")["result"].sum() * 9000 / 12600)


@settings(max_examples=30, deadline=None)
@given(
    heat=st.floats(1, 1e6),
    power=st.floats(1, 1e6),
    onward=st.floats(0.01, 0.99),
    sold=st.floats(0.01, 0.99),
    grid=st.floats(0, 1e6),
)
def test_allocation_conserves_every_tonne(heat: float, power: float, onward: float, sold: float, grid: float) -> None:
    """Whatever is generated, passed on, bought and sold: consumers plus exports are what was emitted."""
    rows = [
        COAL,
        (HEAT[0], flow("heat", heat, "GJ")),
        (POWER[0], flow("power", power, "MWh")),
        (GRID[0], flow("grid", grid, "MWh")),
        (stream("onward", "mill", "works", "heat", "transfer"), flow("onward", heat * onward, "GJ")),
        (stream("sold", "works", "market", "electricity", "sale"), flow("sold", power * sold, "MWh")),
    ]
    record = record_of(*rows)
    result = allocation(record)
    assert result.consumers["total"].sum() + result.exported == pytest.approx(result.emitted, rel=1e-9)
    keys = ["exported"]
    keys += [f"{kind}:{node}" for kind in ("allocation", "own", "supplied") for node in result.consumers["node"]]
    places = result.intensities.select("node", "carrier").rows()
    keys += [f"{kind}:{node}:{c}" for kind in ("intensity", "throughput", "supply") for node, c in places]
    for key in keys:
        explanation = result.explain(key)
        assert math.isclose(explanation.recompute(), explanation.value, rel_tol=1e-9, abs_tol=1e-6), key


def test_the_difference_of_two_schemes_is_explained_to_the_last_tonne() -> None:
    """Power: other factor; CH4 and N2O of coal: counted only in one; the steps add up to the difference."""
    record = record_of(COAL, GRID)
    first, second = draw(record, "zero-carbon-park-2025"), draw(record)
    comparison = compare(first, second)
    assert sum(step.value for step in comparison.steps) == pytest.approx(second.total() - first.total(), rel=1e-12)
    reasons = {(step.reason, step.commodity) for step in comparison.steps}
    assert reasons == {("factor", "electricity"), ("gas_only_second", "bituminous_coal")}
    power = next(step for step in comparison.steps if step.reason == "factor")
    assert power.value == pytest.approx(2000 * (0.5978 - 0.8325))
    assert "0.8325" in power.label("en")
    assert "0.5978" in power.label("zh")
    for number in range(1, len(comparison.steps) + 1):
        explanation = comparison.explain(f"step:{number}")
        assert math.isclose(explanation.recompute(), explanation.value, rel_tol=1e-9)


def test_the_difference_of_two_years_is_amount_and_factor() -> None:
    """Grid 2000 MWh at 0.6451, then 3000 at 0.5978: amount +645.1, factor -141.9; coal ended, gas began."""
    rows = [
        flow("grid", 2000.0, "MWh", "2021"), flow("grid", 3000.0, "MWh", "2022"), flow("coal", 10.0, "t", "2021"),
        flow("gas", 1.0, "万Nm3", "2022"),
    ]  # fmt: skip
    record = park([GRID[0], COAL[0], stream("gas", "market", "plant", "natural_gas", "chp")], rows)
    comparison = compare(draw(record, year=2021), draw(record, year=2022))
    by_reason: dict[tuple[str, str], float] = {(step.reason, step.commodity): step.value for step in comparison.steps}
    assert by_reason["amount", "electricity"] == pytest.approx(1000 * 0.6451)
    assert by_reason["factor", "electricity"] == pytest.approx(3000 * (0.5978 - 0.6451))
    assert by_reason["began", "natural_gas"] > 0 > by_reason["ended", "bituminous_coal"]
    assert sum(by_reason.values()) == pytest.approx(comparison.difference)


def test_totals_of_different_things_are_not_compared() -> None:
    """Tonnes of standard coal and tonnes of CO2 have no difference."""
    record = record_of(COAL)
    with pytest.raises(ValueError, match="not comparable"):
        compare(draw(record, "energy"), draw(record))
