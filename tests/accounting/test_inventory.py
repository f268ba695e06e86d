"""Inventories of small parks whose answers are worked out by hand in each test."""

from __future__ import annotations

import math
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecopark.accounting import Inventory, draw_inventory
from ecopark.accounting.stored import inventory_from_store, inventory_to_store, recomputed_lines
from ecopark.catalogue import load_catalogue
from ecopark.model.record import Record
from tests.accounting.parks import closing, flow, park, stream

CATALOGUE = load_catalogue()
ZERO = "zero-carbon-park-2025"


def draw(record: Record, scheme: str = ZERO, year: int = 2022, **more: Any) -> Inventory:
    return draw_inventory(record, CATALOGUE, scheme, year, **more)


def simple(*rows: tuple[dict[str, Any], dict[str, Any]], states: tuple[str, ...] = (), **tables: Any) -> Record:
    """A park of (stream, flow) pairs, with "not occurring" stated for the kinds in `states`."""
    more_streams, more_flows = closing(*states)
    return park([s for s, _ in rows] + more_streams, [f for _, f in rows] + more_flows, **tables)


GAS = (stream("gas", "market", "boiler", "natural_gas", "final_use"), flow("gas", 100.0, "万Nm3"))
POWER = (stream("power", "market", "mill", "electricity", "supply"), flow("power", 1000.0, "MWh"))


def test_fuel_is_amount_times_heating_value_carbon_and_oxidation() -> None:
    """100 万Nm3 of gas in set Q: 100 * 389.31 * 15.3e-3 * 0.99 * 44/12 = 2162.19 t; without 44/12 it would be 590."""
    inventory = draw(simple(GAS))
    expected = 100 * 389.31 * 15.3e-3 * 0.99 * 44 / 12
    assert inventory.total() == pytest.approx(expected, rel=1e-12)
    assert round(expected / 100, 4) == 21.6219  # the product that the reference prints for set Q


def test_feedstock_is_no_fuel_emission_but_is_energy() -> None:
    """Feedstock gas adds nothing to CO2 and its full heat to comprehensive energy (annex 4; GB/T 2589)."""
    feed = (stream("feed", "market", "works", "natural_gas", "feedstock"), flow("feed", 50.0, "万Nm3"))
    without, with_feed = draw(simple(GAS)), draw(simple(GAS, feed))
    assert with_feed.total() == without.total()
    assert with_feed.total("energy") > without.total("energy")
    energy = draw(simple(GAS, feed), "energy")
    assert energy.total("equivalent") - energy.total("equivalent_net") == pytest.approx(energy.total("feedstock"))


def test_conversion_is_a_carbon_balance_without_oxidation() -> None:
    """Carbon in less carbon out, times 44/12, oxidation 100 %: with the set's 98 % the answer would be 2 % lower."""
    into = (stream("in", "market", "works", "crude_oil", "conversion_input"), flow("in", 1000.0, "t"))
    out = (stream("out", "works", "market", "gasoline", "conversion_output"), flow("out", 600.0, "t"))
    expected = (1000 * 41.816 * 20.1e-3 - 600 * 43.070 * 18.9e-3) * 44 / 12
    assert draw(simple(into, out)).total() == pytest.approx(expected, rel=1e-12)


def test_power_is_fossil_factor_for_the_park_and_grid_mean_for_scope_2() -> None:
    """1000 MWh: 832.5 t under the zero-carbon method, 597.8 t with Jiangsu's 2022 grid mean (the nation's: 536.6)."""
    record = simple(POWER)
    assert draw(record).total() == pytest.approx(832.5)
    assert draw(record, "park-ghg").total("scope_2_location") == pytest.approx(597.8)
    assert draw(record, "park-ghg").total("scope_2_market") == pytest.approx(585.6)


def test_power_within_the_park_counts_only_for_its_firms() -> None:
    """Power from the plant to the mill is no purchase of the park; each firm's own boundary counts it."""
    inside = (stream("own", "plant", "mill", "electricity", "supply"), flow("own", 500.0, "MWh"))
    record = simple(POWER, inside)
    assert draw(record, "park-ghg").total() == pytest.approx(597.8)
    assert draw(record, "park-ghg", perspective="firms").total() == pytest.approx(1.5 * 597.8)
    assert draw(record, "park-ghg", boundary="mill").total() == pytest.approx(1.5 * 597.8)


def test_certificates_count_once_and_not_beyond_the_power_received() -> None:
    """A certificate of 300 MWh takes 300 MWh off; one of 3000 MWh takes off 1000 MWh and is remarked upon."""
    for volume, left in ((300.0, 700.0), (3000.0, 0.0)):
        rows = [{"id": "c", "holder": "mill", "period_start": "2022", "volume": volume, "unit": "MWh"}]
        inventory = draw(simple(POWER, certificates=rows))
        assert inventory.total() == pytest.approx(left * 0.8325, abs=1e-9)
        assert any(remark.code == "certificate_excess" for remark in inventory.remarks) == (left == 0.0)
    elsewhere = [
        {"id": "c", "holder": "mill", "retired_for": "market", "period_start": "2022", "volume": 300.0, "unit": "MWh"}
    ]
    assert draw(simple(POWER, certificates=elsewhere)).total() == pytest.approx(832.5)


def test_bunker_fuel_stays_in_the_total_and_is_listed_separately() -> None:
    """Annex 4: emissions of fuel for flights and shipping abroad are not deducted from the total, but listed apart."""
    bunker = (stream("fly", "market", "mill", "diesel", "bunker"), flow("fly", 10.0, "t"))
    inventory = draw(simple(bunker))
    assert inventory.total("bunker") == pytest.approx(10 * 42.652 * 20.2e-3 * 0.98 * 44 / 12)
    assert inventory.total() == inventory.total("bunker")
    scopes = draw(simple(bunker), "park-ghg")
    assert (scopes.total(), scopes.total("bunker")) == (0.0, pytest.approx(inventory.total()))


@pytest.mark.parametrize(("gwp", "methane"), [("gwp-SAR", 21), ("gwp-AR4", 25), ("gwp-AR5", 28), ("gwp-AR6", 27.9)])
def test_the_gwp_set_is_the_users_choice(gwp: str, methane: float) -> None:
    """Methane of a digester: COD 100 t * 0.25 * MCF * GWP; the same mass under every set."""
    water = (
        stream("water", "mill", "plant", "wastewater_cod_removed", "treatment", technology="anaerobic"),
        flow("water", 100.0, "t"),
    )
    inventory = draw(simple(water), "park-ghg", options={"gwp": gwp})
    line = inventory.lines.filter(pl.col("measure") == "CH4").row(0, named=True)
    assert line["result"] == pytest.approx(line["value"] * methane, rel=1e-12)
    assert line["value"] == pytest.approx(
        draw(simple(water), "park-ghg").lines.filter(pl.col("measure") == "CH4")["value"][0]
    )


def test_a_blend_is_the_sum_of_its_gases() -> None:
    """R-410A is half HFC-32 and half HFC-125: AR5 gives 0.5 * 677 + 0.5 * 3170 = 1923.5 per tonne."""
    leak = (stream("leak", "mill", "air", "r410a", "leakage"), flow("leak", 2.0, "t"))
    inventory = draw(simple(leak), "park-ghg", options={"gwp": "gwp-AR5"})
    assert inventory.total() == pytest.approx(2 * 1923.5)
    assert set(inventory.by("gas")["gas"]) == {"HFC-32", "HFC-125"}


def test_biogenic_carbon_dioxide_stands_apart_and_its_methane_does_not() -> None:
    """Biomass: CO2 in its own total, CH4 and N2O in scope 1."""
    wood = (stream("wood", "market", "works", "biomass_solid", "final_use"), flow("wood", 100.0, "t"))
    properties = [{"commodity": "biomass_solid", "property": "ncv", "value": 12.0, "unit": "GJ_LHV/t"}]
    inventory = draw(simple(wood, properties=properties), "park-ghg")
    assert inventory.total("biogenic") > 0
    assert set(inventory.lines_of("location")["measure"]) == {"CH4", "N2O"}


def test_own_values_come_before_the_catalogue_and_are_recorded() -> None:
    """A stream's own heating value beats the node's, which beats the park's; the line says which level it came from."""
    values = [
        {"commodity": "natural_gas", "property": "ncv", "value": 380.0, "unit": "GJ_LHV/万Nm3"},
        {"commodity": "natural_gas", "property": "ncv", "node": "works", "value": 381.0, "unit": "GJ_LHV/万Nm3"},
        {"commodity": "natural_gas", "property": "ncv", "stream": "gas", "value": 382.0, "unit": "GJ_LHV/万Nm3"},
    ]
    for count, (value, level) in enumerate([(380.0, "park"), (381.0, "site"), (382.0, "site")], start=1):
        inventory = draw(simple(GAS, properties=values[:count]))
        used = inventory.parameters.filter(pl.col("symbol") == "ncv").row(0, named=True)
        assert (used["value"], used["level"]) == (value, level)


def test_a_measured_higher_heating_value_is_turned_into_a_lower_one() -> None:
    """NCV = HHV * 0.90 for gas (IPCC); using the higher value as it stands would give 11 % too much."""
    values = [{"commodity": "natural_gas", "property": "hhv", "value": 400.0, "unit": "GJ_HHV/万Nm3"}]
    expected = 100 * 400.0 * 0.9 * 15.3e-3 * 0.99 * 44 / 12
    assert draw(simple(GAS, properties=values)).total() == pytest.approx(expected, rel=1e-12)


def test_the_factor_set_is_never_mixed() -> None:
    """Set P has no natural gas content of its own for LNG: what a set lacks is a gap, not a value of another set."""
    inventory = draw(simple(GAS), options={"fuel_set": "E"})
    sets = set(inventory.parameters.filter(pl.col("symbol").is_in(["ncv", "carbon_content", "oxidation"]))["set"])
    assert sets == {"E"}
    lng = (stream("lng", "market", "boiler", "lng", "final_use"), flow("lng", 10.0, "t"))
    lacking = draw(simple(lng), options={"fuel_set": "P"})
    assert lacking.total() == 0.0
    assert [gap.kind for gap in lacking.gaps if gap.kind.endswith("factor")] == ["no_factor"]


def test_an_unknown_factor_is_a_gap_and_no_number() -> None:
    """The reference holds no Chinese factor for coal-based ammonia: the line is missing and named, never guessed."""
    ammonia = (stream("nh3", "works", "market", "ammonia", "production", technology="coal"), flow("nh3", 1000.0, "t"))
    inventory = draw(simple(ammonia, states=("fuel", "electricity", "heat")))
    assert inventory.total() == 0.0
    assert [gap.kind for gap in inventory.gaps] == ["unknown_factor"]
    own = [
        {
            "id": "own",
            "quantity": "emission_factor",
            "commodity": "ammonia",
            "gas": "CO2",
            "value": 2.5,
            "unit": "tCO2/t",
            "source": "measured",
        }
    ]
    measured = draw(simple(ammonia, states=("fuel", "electricity", "heat"), factors=own))
    assert measured.complete
    assert measured.total() == pytest.approx(2500.0)


def test_only_a_complete_record_gets_an_indicator() -> None:
    """Without a word on process emissions there is a subtotal and no verdict; with NO there is one."""
    record = simple(GAS, POWER, states=("heat",))
    inventory = draw(record)
    assert not inventory.complete
    assert [gap.kind for gap in inventory.gaps] == ["requirement"]
    core = next(item for item in inventory.indicators if item.id == "co2_per_energy")
    assert (core.value, core.verdict) == (None, "not_available")
    complete = draw(simple(GAS, POWER, states=("heat", "process")))
    assert complete.complete
    core = next(item for item in complete.indicators if item.id == "co2_per_energy")
    assert core.value == pytest.approx(complete.total("co2") / complete.total("energy"))
    assert core.verdict == "no_threshold"  # far below 200,000 tce


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"amount": None, "notation": "NE"}, "not_estimated"),
        ({"amount": None, "notation": "C"}, "confidential"),
        ({"period_start": "2021"}, "no_data"),
        ({"period_start": "2022-03"}, "partial"),
    ],
)
def test_every_kind_of_missing_data_is_told_apart(changes: dict[str, Any], kind: str) -> None:
    """NE, C, another year only, one month only: each has its own kind, the owner, and a remedy in both languages."""
    gas = (GAS[0], {**GAS[1], **changes})
    inventory = draw(simple(gas, POWER, states=("heat", "process")))
    gap = next(gap for gap in inventory.gaps if gap.stream == "gas")
    assert (gap.kind, gap.owner) == (kind, "works")
    assert all(text for language in ("zh", "en") for text in gap.describe(language))


def test_a_flow_across_new_year_is_shared_by_days() -> None:
    """Half a year on each side of new year: each year takes its days' part, and the two make the whole."""
    flows = [flow("gas", 100.0, "万Nm3", period_start="2021-07-01", period_end="2022-07-01")]
    record = park([GAS[0]], flows)
    parts = [draw(record, year=year).total() for year in (2021, 2022)]
    assert parts[0] / parts[1] == pytest.approx(184 / 181)
    assert sum(parts) == pytest.approx(draw(simple(GAS)).total())


def test_the_year_of_the_factor_follows_the_inventory_and_a_stand_in_is_remarked() -> None:
    """Jiangsu's grid: 0.6451 in 2021, 0.5827 in 2023; for 2025 the latest earlier value stands in, and says so."""
    for year, expected in ((2021, 645.1), (2023, 582.7), (2025, 582.7)):
        power = (POWER[0], {**POWER[1], "period_start": str(year)})
        inventory = draw(simple(power), "park-ghg", year)
        assert inventory.total("scope_2_location") == pytest.approx(expected)
        assert any(remark.code == "substituted_year" for remark in inventory.remarks) == (year == 2025)


def test_unverified_values_are_named_with_the_share_that_rests_on_them() -> None:
    """The equivalent coefficient of electricity is recalled: the energy of bought power rests on it wholly."""
    inventory = draw(simple(POWER), "energy")
    remark = next(remark for remark in inventory.remarks if remark.code == "rests_on_unverified")
    assert remark.values["share"] == pytest.approx(1.0)
    assert "coal_equivalent_value" in str(remark.values["factors"])


def all_keys(inventory: Inventory) -> list[str]:
    keys = ["total", *(f"total:{total.id}" for total in inventory.scheme.totals)]
    for total in inventory.scheme.totals:
        for dimensions in (("category",), ("scope",), ("gas",), ("node",), ("commodity",), ("category", "node")):
            keys += inventory.by(*dimensions, total=total.id)["key"].to_list()
    keys += [f"line:{number}" for number in inventory.lines["line"]]
    keys += [f"indicator:{item.id}" for item in inventory.indicators if item.value is not None]
    keys += [f"gap:{item.id}:{item.variant}" for item in inventory.indicators if item.gap is not None]
    return keys


@pytest.mark.parametrize("scheme", ["zero-carbon-park-2025", "park-ghg", "energy"])
def test_every_number_is_reproduced_from_its_explanation(scheme: str) -> None:
    """Every total, split, line and indicator recomputes from its inputs to 1e-9, and lines add up to the total."""
    sold = (stream("sold", "plant", "market", "heat", "sale"), flow("sold", 900.0, "GJ"))
    rows = [{"id": "c", "holder": "mill", "period_start": "2022", "volume": 200.0, "unit": "MWh"}]
    inventory = draw(simple(GAS, POWER, sold, states=("heat", "process"), certificates=rows), scheme)
    for key in all_keys(inventory):
        explanation = inventory.explain(key)
        assert math.isclose(explanation.recompute(), explanation.value, rel_tol=1e-9, abs_tol=1e-12), key
    for total in inventory.scheme.totals:
        for dimension in ("category", "node", "commodity"):
            assert inventory.by(dimension, total=total.id)["value"].sum() == pytest.approx(
                inventory.total(total.id), abs=1e-9
            )


def test_unknown_keys_are_refused_with_what_is_known() -> None:
    """A key that names nothing is an error, not an empty sum."""
    inventory = draw(simple(GAS))
    for key in ("line:999", "indicator:co2_per_energy", "total:nothing", "colour:red"):
        with pytest.raises(KeyError):
            inventory.explain(key)


def test_a_stored_inventory_comes_back_as_it_was() -> None:
    """Stored and read back, totals, explanations, gaps and remarks are the same, and its lines recompute."""
    inventory = draw(simple(GAS, POWER), "park-ghg")
    outcome, frames = inventory_to_store(inventory)
    import json

    back = inventory_from_store("R1", json.loads(json.dumps(outcome)), frames)
    assert back.total() == inventory.total()
    assert [gap.describe("zh") for gap in back.gaps] == [gap.describe("zh") for gap in inventory.gaps]
    assert back.explain("line:1").recompute() == inventory.explain("line:1").recompute()
    assert recomputed_lines(back).to_list() == pytest.approx(inventory.lines["result"].to_list(), rel=1e-12)


@settings(max_examples=25, deadline=None)
@given(
    amounts=st.lists(st.floats(0, 1e7, allow_nan=False), min_size=3, max_size=3),
    scale=st.floats(0.01, 100),
)
def test_results_scale_with_the_amounts_and_add_up(amounts: list[float], scale: float) -> None:
    """Twice the amounts give twice the result; the inventory of two parks' flows is the sum of the two."""
    coal = stream("coal", "market", "plant", "bituminous_coal", "chp")
    streams = [GAS[0], POWER[0], coal]

    def total(values: list[float]) -> float:
        units = ("万Nm3", "MWh", "t")
        rows = [flow(s["id"], value, unit) for s, value, unit in zip(streams, values, units, strict=True)]
        return draw(park(streams, rows), "park-ghg").total()

    whole = total(amounts)
    assert total([scale * value for value in amounts]) == pytest.approx(scale * whole, rel=1e-9, abs=1e-9)
    parts = [total([value if i == j else 0.0 for j, value in enumerate(amounts)]) for i in range(3)]
    assert sum(parts) == pytest.approx(whole, rel=1e-9, abs=1e-9)
