"""Limits by size, year and province; what helps where a factor is missing; what may be counted twice."""

from __future__ import annotations

from typing import Any

import pytest

from ecopark.accounting import Inventory, draw_inventory
from ecopark.accounting.result import Gap
from ecopark.catalogue import load_catalogue
from tests.accounting.parks import NODES, closing, flow, park, stream

CATALOGUE = load_catalogue()
ZERO, ENERGY, GHG = "zero-carbon-park-2025", "energy", "park-ghg"


def drawn(
    *rows: Any, scheme: str = ZERO, states: tuple[str, ...] = (), options: dict[str, str] | None = None, **tables: Any
) -> Inventory:
    """Return the inventory of (stream, flow) pairs, with "not occurring" stated for the kinds in `states`."""
    streams, flows = closing(*states)
    record = park([s for s, _ in rows] + streams, [f for _, f in rows] + flows, **tables)
    return draw_inventory(record, CATALOGUE, scheme, 2022, options=options)


def row(source: str, target: str, goods: str, activity: str, amount: float, unit: str, technology: str = "") -> Any:
    """Return a stream and its flow of 2022."""
    name = f"{source}.{target}.{goods}.{activity}.{technology}"
    more = {"technology": technology} if technology else {}
    return stream(name, source, target, goods, activity, **more), flow(name, amount, unit)


def park_of_size(tce: float, co2_per_tce: float, region: str = "CN-JS", statistics: Any = ()) -> Inventory:
    """Return a complete park that uses `tce` of a coal with 1 tce/t and emits `co2_per_tce` t from each tonne."""
    values = {"coal_equivalent_calorific": (1.0, "tce/t"), "ncv": (10.0, "GJ_LHV/t"), "oxidation": (1.0, "1"),
              "carbon_content": (co2_per_tce / 10 * 12 / 44, "tC/GJ_LHV")}  # fmt: skip
    properties = [
        {"commodity": "bituminous_coal", "property": name, "value": value, "unit": unit}
        for name, (value, unit) in values.items()
    ]
    nodes = [{**node, **({"region": region} if node["id"] == "park" else {})} for node in NODES]
    return drawn(
        row("market", "plant", "bituminous_coal", "final_use", tce, "t"),
        states=("electricity", "heat", "process"), nodes=nodes, properties=properties, statistics=list(statistics),
    )  # fmt: skip


def core(inventory: Inventory, variant: str, year: int | None = None) -> Any:
    """Return the core indicator against one variant's limit."""
    return next(
        item
        for item in inventory.indicators
        if (item.id, item.variant, item.limit_year) == ("co2_per_energy", variant, year)
    )


@pytest.mark.parametrize(
    ("tce", "limit"),
    [(199_999.99, None), (200_000.0, 0.2), (999_999.99, 0.2), (1_000_000.0, 0.3), (5_000_000.0, 0.3)],
)
def test_national_size_classes(tce: float, limit: float | None) -> None:
    """Annex 3: at most 0.2 from 200,000 tce to below 1,000,000, at most 0.3 from 1,000,000; none below 200,000."""
    result = core(park_of_size(tce, 0.25), "national")
    assert (result.limit, result.value) == (limit, pytest.approx(0.25))
    verdict = "no_threshold" if limit is None else "met" if limit == 0.3 else "not_met"
    assert result.verdict == verdict
    if verdict == "not_met":
        assert result.gap == pytest.approx(0.05 * tce)


HUNAN = {2027: (1.0, 1.1), 2030: (0.7, 0.8), 2035: (0.3, 0.5)}


@pytest.mark.parametrize(("tce", "place"), [(20_000.0, 0), (999_999.99, 0), (1_000_000.0, 1)])
def test_hunan_limits_by_year_and_size(tce: float, place: int) -> None:
    """Hunan: 1.0, 0.7, 0.3 t/tce in 2027, 2030, 2035 from 20,000 tce; 1.1, 0.8, 0.5 from 1,000,000; equality passes."""
    inventory = park_of_size(tce, 0.7, "CN-HN")
    for year, limits in HUNAN.items():
        result = core(inventory, "hunan", year)
        assert result.limit == limits[place]
        assert (result.verdict == "met") == (limits[place] >= 0.7)


def test_a_small_park_of_hunan_and_another_province_have_no_limit_of_hunan() -> None:
    """Below 20,000 tce there is no threshold; a park of Jiangsu is never judged by Hunan's table."""
    small = park_of_size(19_999.0, 0.7, "CN-HN")
    assert core(small, "hunan").verdict == "no_threshold"
    assert {item.variant for item in park_of_size(300_000.0, 0.2).indicators} <= {"national", ""}


def test_guiding_indicators_against_their_limits() -> None:
    """Annex 3 and Hunan's table; "level 2 or better" for products means all of them (100 %)."""
    values = {"clean_energy_share": 70.0, "product_energy_grade": 100.0, "solid_waste_utilisation": 84.9,
              "waste_heat_utilisation": 50.0, "water_reuse": 0.9}  # fmt: skip
    statistics = [
        {"node": "park", "period_start": "2022", "variable": name, "value": value,
         "unit": "1" if name == "water_reuse" else "%"}
        for name, value in values.items()
    ]  # fmt: skip
    inventory = park_of_size(300_000.0, 0.2, "CN-HN", statistics)
    found = {
        (item.id, item.variant, item.limit_year): (item.limit, item.verdict)
        for item in inventory.indicators
        if item.kind == "guiding"
    }
    assert found == {
        ("clean_energy_share", "national", None): (90.0, "not_met"),
        ("product_energy_grade", "national", None): (100.0, "met"),
        ("solid_waste_utilisation", "national", None): (80.0, "met"),
        ("waste_heat_utilisation", "national", None): (50.0, "met"),
        ("water_reuse", "national", None): (80.0, "met"),
        ("clean_energy_share", "hunan", 2027): (60.0, "met"),
        ("clean_energy_share", "hunan", 2030): (70.0, "met"),
        ("clean_energy_share", "hunan", 2035): (90.0, "not_met"),
        ("solid_waste_utilisation", "hunan", 2027): (80.0, "met"),
        ("solid_waste_utilisation", "hunan", 2030): (85.0, "not_met"),
        ("solid_waste_utilisation", "hunan", 2035): (95.0, "not_met"),
        ("waste_heat_utilisation", "hunan", 2027): (50.0, "met"),
        ("waste_heat_utilisation", "hunan", 2030): (55.0, "not_met"),
        ("waste_heat_utilisation", "hunan", 2035): (60.0, "not_met"),
        ("water_reuse", "hunan", 2027): (80.0, "met"),
        ("water_reuse", "hunan", 2030): (85.0, "met"),
        ("water_reuse", "hunan", 2035): (90.0, "met"),
    }


def test_direct_share_is_of_the_power_used_not_of_what_is_left_after_sales() -> None:
    """Direct 60 of 160 MWh used (100 from the plant, which sells 900): 37.5 %; less sales it would be -8 %."""
    inventory = drawn(
        row("plant", "mill", "electricity", "supply", 100.0, "MWh"),
        row("plant", "market", "electricity", "sale", 900.0, "MWh"),
        row("market", "mill", "electricity_direct_nonfossil", "supply", 60.0, "MWh"),
        states=("fuel", "heat", "process"),
    )
    share = next(item for item in inventory.indicators if item.id == "direct_green_share")
    assert share.value == pytest.approx(60 / 160)
    assert share.warning is not None


# ------------------------------------------------------------------------------------------------ what helps


def gap_of(inventory: Inventory) -> Gap:
    """Return the one gap that is about a factor."""
    (gap,) = [gap for gap in inventory.gaps if gap.kind.endswith("factor")]
    return gap


@pytest.mark.parametrize(
    ("goods", "unit", "helps", "not_named"),
    [
        ("raw_coal", "t", ["anthracite", "bituminous_coal", "lignite", "fuel_set=P"], ["fuel_set=E"]),
        ("cleaned_coal", "t", ["fuel_set=P", "fuel_set=E"], []),
        ("middlings", "t", ["fuel_set=P", "fuel_set=E"], []),
        ("kerosene", "t", ["fuel_set=P", "fuel_set=E"], []),
        ("refinery_gas", "t", ["fuel_set=P", "fuel_set=E"], []),
        ("naphtha", "t", [], ["fuel_set"]),
    ],
)
def test_a_fuel_that_the_default_set_lacks_comes_with_what_helps(
    goods: str, unit: str, helps: list[str], not_named: list[str]
) -> None:
    """Set Q lacks these fuels: the gap names the sets that hold them and the kinds of coal to record."""
    gap = gap_of(drawn(row("market", "plant", goods, "final_use", 10.0, unit)))
    for language, word in (("en", "own value"), ("zh", "自己的数值")):
        remedy = gap.describe(language)[1]
        assert word in remedy
        assert all(name in remedy for name in helps)
        assert not any(name in remedy for name in not_named)


def test_naphtha_is_to_be_had_from_the_ipcc_where_the_scheme_lets_choose_it() -> None:
    """The Chinese sets lack naphtha; the park's greenhouse-gas inventory may be drawn with IPCC 2006 instead."""
    inventory = drawn(row("market", "plant", "naphtha", "final_use", 10.0, "t"), scheme=GHG)
    remedies = {gap.describe("en")[1] for gap in inventory.gaps if gap.kind.endswith("factor")}
    assert any("fuel_set=ipcc-2006" in remedy for remedy in remedies)


@pytest.mark.parametrize(
    ("goods", "activity", "options", "technology"),
    [
        ("bituminous_coal", "final_use", {"fuel_set": "E"}, "industrial_boiler"),
        ("nitric_acid", "production", {}, "dual_pressure"),
        ("ammonia", "production", {"process_set": "ipcc-process"}, "natural_gas_modern"),
        ("municipal_solid_waste", "treatment", {}, "incineration"),
        ("municipal_solid_waste", "treatment", {}, "landfill"),
        ("wastewater_cod_removed", "treatment", {}, "anaerobic"),
    ],
)
def test_where_the_technology_decides_it_is_asked_for(
    goods: str, activity: str, options: dict[str, str], technology: str
) -> None:
    """Without the technology there is a gap (never zero, never the mean), which names the technologies to choose."""
    source, target = ("works", "market") if activity == "production" else ("mill", "works")
    inventory = drawn(row(source, target, goods, activity, 10.0, "t"), scheme=GHG, options=options)
    gap = next(gap for gap in inventory.gaps if gap.kind.endswith("factor"))
    name = CATALOGUE.technologies.filter(CATALOGUE.technologies["id"] == technology).row(0, named=True)
    assert f"{technology} ({name['name_en']})" in gap.describe("en")[1]
    assert f"{technology} {name['name_zh']}" in gap.describe("zh")[1]
    assert not inventory.complete


# ------------------------------------------------------------------------------------------------ counted twice


def codes(inventory: Inventory) -> list[str]:
    """Return the codes of the remarks."""
    return [remark.code for remark in inventory.remarks]


def test_lime_and_its_limestone_at_one_firm_are_warned_of() -> None:
    """The factor of lime is the CO2 of its limestone: both at one firm hold it twice; desulphurisation does not."""
    lime = row("works", "market", "lime", "production", 100.0, "t")
    stone = row("market", "works", "limestone", "process_input", 180.0, "t")
    for scheme in (GHG, ZERO):
        remarks = [remark for remark in drawn(lime, stone, scheme=scheme).remarks if remark.code == "counted_twice"]
        assert len(remarks) == 1
        assert remarks[0].text("zh").startswith("化工厂：石灰与石灰石可能重复计算")
        assert "Works: Lime and Limestone" in remarks[0].text("en")
    elsewhere = row("market", "mill", "limestone", "process_input", 180.0, "t")
    scrubber = row("market", "works", "limestone", "process_input", 180.0, "t", "fgd")
    unused = (stone[0], {**stone[1], "amount": 0.0})
    for other in (elsewhere, scrubber, unused):
        assert "counted_twice" not in codes(drawn(lime, other, scheme=GHG))


def test_ammonia_of_ipcc_includes_its_fuel() -> None:
    """2.104 t/t is fuel and feed together: gas burnt at the same firm is warned of, under the IPCC factor only."""
    ammonia = row("works", "market", "ammonia", "production", 100.0, "t", "natural_gas")
    gas = row("market", "boiler", "natural_gas", "final_use", 10.0, "万Nm3")
    assert "counted_twice" in codes(drawn(ammonia, gas, scheme=GHG, options={"process_set": "ipcc-process"}))
    measured = [
        {"id": "own", "quantity": "emission_factor", "commodity": "ammonia", "gas": "CO2", "value": 1.2,
         "unit": "tCO2/t", "source": "measured"}
    ]  # fmt: skip
    assert "counted_twice" not in codes(drawn(ammonia, gas, scheme=GHG, factors=measured))


def test_more_recovered_than_made_is_warned_of() -> None:
    """12.5 t methane made, 20 t said to be recovered: the category is below zero, which no recovery can bring about."""
    water = row("mill", "works", "wastewater_cod_removed", "treatment", 100.0, "t", "anaerobic")
    for recovered, expected in ((12.0, False), (20.0, True)):
        gas = row("works", "boiler", "methane", "recovery", recovered, "t")
        assert ("below_zero" in codes(drawn(water, gas, scheme=GHG))) == expected


def test_a_technology_that_nobody_knows_is_named() -> None:
    """A slip in a code ("landfil") leaves a stream to no rule, and is named; a code with an own factor is fine."""
    waste = row("mill", "works", "municipal_food_waste", "treatment", 100.0, "t", "landfil")
    (remark,) = [remark for remark in drawn(waste, scheme=GHG).remarks if remark.code == "unknown_technology"]
    assert "landfil" in remark.text("zh")
    own = [
        {"id": "own", "quantity": "emission_factor", "commodity": "lime", "gas": "CO2", "technology": "rotary",
         "value": 0.7, "unit": "tCO2/t", "source": "measured"}
    ]  # fmt: skip
    lime = row("works", "market", "lime", "production", 100.0, "t", "rotary")
    assert "unknown_technology" not in codes(drawn(lime, scheme=GHG, factors=own))


# ------------------------------------------------------------------------------------------------ standard coal


@pytest.mark.parametrize(
    ("goods", "unit", "heat", "options", "factor"),
    [
        ("lignite", "t", 11.9, {}, "Q.lignite.ncv"),
        ("petroleum_coke", "t", 32.5, {}, "Q.petroleum_coke.ncv"),
        ("converter_gas", "万Nm3", 84.0, {}, "Q.converter_gas.ncv"),
        ("coal_gangue", "t", 8.374, {"fuel_set": "E"}, "E.coal_gangue.ncv"),
        ("naphtha", "t", 44.5, {}, "ipcc-2006.naphtha.ncv"),
        ("distillate_fuel_oil", "m3", 0.138 * 1.055056 * 0.95 / 3.785411784e-3, {},
         "us-40cfr98.distillate_fuel_oil.hhv"),
    ],
)  # fmt: skip
def test_a_fuel_without_a_coefficient_gets_one_from_its_heating_value(
    goods: str, unit: str, heat: float, options: dict[str, str], factor: str
) -> None:
    """Heating value of the chosen set over 29.308 GJ/tce, with a remark: lignite 0.406, not raw coal's 0.714."""
    inventory = drawn(row("market", "plant", goods, "final_use", 10.0, unit), scheme=ENERGY, options=options)
    assert inventory.total() == pytest.approx(10 * heat / 29.308, rel=1e-5)
    (remark,) = [remark for remark in inventory.remarks if remark.code == "substituted_derived"]
    assert factor in remark.text("en")
    assert factor in remark.text("zh")
    assert inventory.explain("line:1").recompute() == pytest.approx(inventory.total(), rel=1e-12)


def test_a_published_coefficient_goes_before_a_derived_one() -> None:
    """Diesel has 1.4571 in the standard, from 42.705 GJ/t; set Q's 42.652 would give 1.4553."""
    inventory = drawn(row("market", "plant", "diesel", "final_use", 10.0, "t"), scheme=ENERGY)
    assert inventory.total() == pytest.approx(14.571)
    assert "substituted_derived" not in codes(inventory)


def test_steam_without_enthalpy_takes_the_standards_low_pressure_steam() -> None:
    """0.1286 kgce/kg where nothing is known of the steam; the park's own net enthalpy goes before it."""
    inventory = drawn(row("market", "mill", "steam", "supply", 1000.0, "t"), scheme=ENERGY)
    assert inventory.total() == pytest.approx(128.6)


@pytest.mark.parametrize(
    ("region", "expected", "stands_in"), [("CN-JS", 0.5978, False), ("CN-XZ", 0.2268, True), ("CN", 0.5366, False)]
)
def test_a_province_without_a_grid_factor_takes_its_grids_and_says_so(
    region: str, expected: float, stands_in: bool
) -> None:
    """Tibet has no value in the notices: that of the southwest grid (2022: 0.2268) stands in, with a remark."""
    nodes = [{**node, **({"region": region} if node["id"] == "park" else {})} for node in NODES]
    inventory = drawn(row("market", "mill", "electricity", "supply", 1000.0, "MWh"), scheme=GHG, nodes=nodes)
    assert inventory.total("scope_2_location") == pytest.approx(1000 * expected)
    assert ("substituted_region" in codes(inventory)) == stands_in
