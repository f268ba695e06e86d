"""The catalogue's energy data: complete, readable by the units room, and equal to the published products.

Wrong digits, a unit on the wrong basis (tC/TJ for tC/GJ, per kg for per t), a missing province or a factor that cites
nothing would each fail here.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from pathlib import Path

import pytest

import ecopark.catalogue

DATA = Path(ecopark.catalogue.__file__).parent / "data"
ENERGY_FILES = (
    "electricity", "fuels_e", "fuels_ipcc2006", "fuels_p", "fuels_q", "fuels_us_40cfr98", "heat", "standard_coal",
)  # fmt: skip
CARBON_TO_CO2 = 44 / 12

Row = dict[str, str]


def read(name: str) -> list[Row]:
    """Rows of one data file, as text."""
    with (DATA / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def read_all(pattern: str) -> list[Row]:
    """Rows of all data files that match a pattern."""
    return [row for path in sorted(DATA.glob(pattern)) for row in read(str(path.relative_to(DATA)))]


@pytest.fixture(scope="module")
def factors() -> list[Row]:
    """Factors of the energy files."""
    return [row for name in ENERGY_FILES for row in read(f"factors/{name}.csv")]


@pytest.fixture(scope="module")
def by_id(factors: list[Row]) -> dict[str, Row]:
    """The same by id."""
    return {row["id"]: row for row in factors}


def number(by_id: dict[str, Row], identity: str) -> float:
    """Value of a factor in the unit of its file."""
    return float(by_id[identity]["value"])


def in_unit(row: Row, unit: str) -> float:
    """Value of a factor in another unit, through the units room."""
    from ecopark.units import factor

    return float(row["value"]) * factor(row["unit"], unit)


# --------------------------------------------------------------------------- form of the files


def test_ids_are_unique_over_the_whole_catalogue() -> None:
    """Two rows of one id would make an explanation ambiguous."""
    for pattern in (
        "factors/*.csv",
        "commodities/*.csv",
        "sources*.csv",
        "regions.csv",
        "activities.csv",
        "groups.csv",
    ):
        counts = Counter(row["id"] for row in read_all(pattern))
        assert {name for name, count in counts.items() if count > 1} == set(), pattern


def test_factor_ids_follow_the_naming_rule(factors: list[Row]) -> None:
    """set.commodity.quantity[.gas][.technology][.region][.year], so that an id can be read without a table."""
    for row in factors:
        parts = [row["set"], row["commodity"], row["quantity"], row["gas"], row["technology"]]
        start = ".".join(part for part in parts if part)
        assert re.fullmatch(re.escape(start) + r"(\.(world|[A-Z]{2}(-[A-Z]{2})?))?(\.\d{4})?", row["id"]), row["id"]


def test_references_between_the_files_hold(factors: list[Row]) -> None:
    """Sources, commodities, regions, groups and parents that rows name exist."""
    sources = {row["id"] for row in read_all("sources*.csv")}
    commodities = {row["id"]: row for row in read_all("commodities/*.csv")}
    regions = {row["id"]: row["parent"] for row in read("regions.csv")}
    groups = {row["id"] for row in read("groups.csv")}
    quantities = {row["id"] for row in read("quantities.csv")}
    assert {row["source"] for row in factors} <= sources
    assert {row["commodity"] for row in read_all("factors/*.csv")} <= {*commodities, "*"}
    assert {row["region"] for row in factors} <= {*regions}
    assert {row["quantity"] for row in factors} <= quantities
    assert {row["group"] for row in commodities.values()} <= groups
    assert {row["parent"] for row in commodities.values()} <= {*commodities, ""}
    assert set(regions.values()) <= {*regions, ""}


def test_sources_that_schemes_cite_exist() -> None:
    """A scheme or limit whose source is not listed could not be traced."""
    cited: set[str] = set()
    for path in sorted(DATA.glob("schemes/*.toml")):
        cited |= set(re.findall(r'^source = "([^"]+)"', path.read_text(encoding="utf-8"), re.MULTILINE))
    assert cited
    assert cited <= {row["id"] for row in read_all("sources*.csv")}


def test_parents_end_and_carry_factors_of_the_same_kind() -> None:
    """A circle of parents would hang the look-up; a fuel must not borrow from power or the other way round."""
    commodities = {row["id"]: row for row in read_all("commodities/*.csv")}
    for identity, row in commodities.items():
        seen, current = {identity}, row["parent"]
        while current:
            assert current not in seen, identity
            seen.add(current)
            if row["group"] in ("coal", "oil", "gas", "biomass", "electricity", "heat"):
                assert commodities[current]["origin"] == row["origin"], (identity, current)
            current = commodities[current]["parent"]
    assert commodities["electricity_direct_nonfossil"]["parent"] == ""
    assert commodities["heat_nonfossil"]["parent"] == ""
    assert commodities["bituminous_coal"]["parent"] == "raw_coal"
    assert commodities["distillate_fuel_oil"]["parent"] == "diesel"
    assert commodities["residual_fuel_oil"]["parent"] == "fuel_oil"


def test_values_status_ranges_and_notes_are_well_formed(factors: list[Row]) -> None:
    """Numbers parse, ranges enclose their value, doubtful rows say why, and notes stand in both languages."""
    for row in factors:
        name = row["id"]
        assert row["status"] in ("primary", "secondary", "unverified", "contested"), name
        assert bool(row["note_zh"]) == bool(row["note_en"]), name
        assert not row["note_zh"] or re.search(r"[一-鿿]", row["note_zh"]), name
        assert not re.search(r"[一-鿿]", row["note_en"]), name
        for alternative in filter(None, row["alternatives"].split("; ")):
            float(alternative)
        if row["status"] == "contested":
            assert row["alternatives"], name
        if row["status"] in ("contested", "unverified") or not row["value"]:
            assert row["note_en"], name
        if not row["value"]:
            continue
        value = float(row["value"])
        assert value >= 0, name
        assert (row["low"] != "") == (row["high"] != "") == (row["range_source"] == "own"), name
        if row["low"]:
            assert float(row["low"]) <= value <= float(row["high"]), name
        assert re.fullmatch(r"\d{4}-\d\d-\d\d", row["valid_from"]), name
        assert row["valid_to"] == "" or row["valid_to"] > row["valid_from"], name


def test_units_parse_and_belong_to_their_quantity(factors: list[Row]) -> None:
    """Every unit converts to what its quantity says, per unit of its commodity: this catches basis and scale slips."""
    from ecopark.units import combine, parse

    quantities = {row["id"]: row for row in read("quantities.csv")}
    commodities = {row["id"]: row for row in read_all("commodities/*.csv")}
    for row in read_all("commodities/*.csv"):
        parse(row["unit"])
    for row in factors:
        quantity = quantities[row["quantity"]]
        target = quantity["numerator"].replace("gas", f"t{row['gas']}")
        terms = [(row["unit"], 1)]
        if quantity["per_commodity"] == "yes":
            terms.append((commodities[row["commodity"]]["unit"], 1))
        assert combine(terms, target) > 0, row["id"]


def test_the_catalogue_loads_and_borrows_ranges() -> None:
    """The Chinese sets have no ranges of their own: those of the IPCC fuels come over as relative ranges, labelled."""
    from ecopark.catalogue.loading import load_catalogue

    rows = {row["id"]: row for row in load_catalogue().factors.iter_rows(named=True)}
    row = rows["Q.diesel.carbon_content"]
    assert row["low"] == pytest.approx(20.2 * 19.8 / 20.2)
    assert row["high"] == pytest.approx(20.2 * 20.4 / 20.2)
    assert row["range_source"] == "borrowed:ipcc-2006.diesel.carbon_content"
    gas = rows["Q.natural_gas.ncv"]
    assert (gas["low"], gas["high"]) == (pytest.approx(389.31 * 46.5 / 48), pytest.approx(389.31 * 50.4 / 48))


def test_every_heating_value_and_carbon_content_has_a_lender_or_a_reason(by_id: dict[str, Row]) -> None:
    """Only gases by volume (IPCC gives them by mass) and hydrogen (no IPCC row) go without a borrowed range."""
    rows = read("borrowed_ranges.csv")
    assert len({(row["set"], row["quantity"], row["commodity"]) for row in rows}) == len(rows)
    for row in rows:
        lender = by_id[row["from_factor"]]
        assert lender["low"], row
        assert lender["quantity"] == row["quantity"], row
    lent = {(row["set"], row["quantity"], row["commodity"]) for row in rows}
    wanted = {
        (row["set"], row["quantity"], row["commodity"])
        for row in by_id.values()
        if row["set"] in "PQE" and row["quantity"] in ("ncv", "carbon_content")
    }
    gases = {"blast_furnace_gas", "converter_gas", "coke_oven_gas", "other_coal_gas"}
    assert lent <= wanted
    for name, quantity, commodity in wanted - lent:
        assert commodity == "hydrogen" or (quantity == "ncv" and commodity in gases), (name, quantity, commodity)


# --------------------------------------------------------------------------- fuels

SET_Q_PRODUCTS = {
    "gasoline": 2.9251, "diesel": 3.0959, "natural_gas": 21.6219, "bituminous_coal": 1.7418, "lignite": 1.1729,
    "coke": 2.8604, "petroleum_coke": 3.2115, "crude_oil": 3.0202, "fuel_oil": 3.1705, "lng": 2.8313, "lpg": 3.1013,
    "blast_furnace_gas": 8.4811, "converter_gas": 15.1240, "coke_oven_gas": 8.8638,
}  # fmt: skip
"""tCO2 per t (per 10⁴ Nm³ for gases): provincial guidelines 2025 with the heating values of the yearbook 2023."""


@pytest.mark.parametrize(("fuel", "published"), SET_Q_PRODUCTS.items())
def test_set_q_reproduces_the_published_products(by_id: dict[str, Row], fuel: str, published: float) -> None:
    """NCV x carbon content x oxidation x 44/12 equals the published factor to the fourth decimal."""
    unit = "万Nm3" if by_id[f"Q.{fuel}.ncv"]["unit"].endswith("万Nm3") else "t"
    heat = in_unit(by_id[f"Q.{fuel}.ncv"], f"GJ_LHV/{unit}")
    carbon = in_unit(by_id[f"Q.{fuel}.carbon_content"], "tC/GJ_LHV")
    oxidation = number(by_id, f"Q.{fuel}.oxidation")
    assert heat * carbon * oxidation * CARBON_TO_CO2 == pytest.approx(published, abs=5.1e-5)


# Table of ten fuels after GB/T 2589-2008 (heating values, standard coal) and the provincial guidelines of 2011 (carbon
# content, oxidation), widely reproduced: commodity, kJ per kg or m3, tC/TJ, oxidation, kgce per unit, kgCO2 per unit.
TEN_FUELS = [
    ("raw_coal", 20908, 26.37, 0.94, 0.7143, 1.9003),
    ("coke", 28435, 29.5, 0.93, 0.9714, 2.8604),
    ("crude_oil", 41816, 20.1, 0.98, 1.4286, 3.0202),
    ("fuel_oil", 41816, 21.1, 0.98, 1.4286, 3.1705),
    ("gasoline", 43070, 18.9, 0.98, 1.4714, 2.9251),
    ("kerosene", 43070, 19.5, 0.98, 1.4714, 3.0179),
    ("diesel", 42652, 20.2, 0.98, 1.4571, 3.0959),
    ("lpg", 50179, 17.2, 0.98, 1.7143, 3.1013),
    ("refinery_gas", 46055, 18.2, 0.98, 1.5714, 3.0119),
    ("natural_gas", 38931, 15.3, 0.99, 1.33, 2.1622),
]


@pytest.mark.parametrize("case", TEN_FUELS, ids=[case[0] for case in TEN_FUELS])
def test_set_p_agrees_with_the_table_of_ten_fuels(
    by_id: dict[str, Row], case: tuple[str, float, float, float, float, float]
) -> None:
    """The table's inputs are set P's value or one of its stated alternatives, and give the table's answer."""
    fuel, heat, carbon, oxidation, standard_coal, published = case
    assert heat * 1e-9 * carbon * 1e3 * oxidation * CARBON_TO_CO2 == pytest.approx(published, abs=5.1e-5)
    gas = by_id[f"P.{fuel}.ncv"]["unit"].endswith("万Nm3")
    ours = in_unit(by_id[f"P.{fuel}.ncv"], "GJ_LHV/万Nm3" if gas else "GJ_LHV/t")
    assert ours * (100 if gas else 1000) == pytest.approx(heat)
    row = by_id[f"P.{fuel}.carbon_content"]
    readings = [float(row["value"]), *(float(text) for text in row["alternatives"].split("; ") if text)]
    assert any(reading == pytest.approx(carbon) for reading in readings)
    assert row["status"] == ("secondary" if readings[0] == pytest.approx(carbon) else "contested")
    assert number(by_id, f"P.{fuel}.oxidation") == oxidation
    row = by_id[f"gbt2589-2008.{fuel}.coal_equivalent_calorific"]
    assert float(row["value"]) == standard_coal
    assert row["unit"] == ("kgce/Nm3" if gas else "kgce/kg")


SETS: dict[str, str] = {
    "P": "anthracite bituminous_coal lignite cleaned_coal middlings coal_slime coke crude_oil fuel_oil gasoline"
    " kerosene diesel raw_coal lpg refinery_gas natural_gas",
    "Q": " ".join(SET_Q_PRODUCTS) + " anthracite",
    "E": "anthracite bituminous_coal lignite coal_gangue coal_slime coke petroleum_coke crude_oil fuel_oil gasoline"
    " diesel kerosene lng lpg coal_tar crude_benzol refinery_gas natural_gas coke_oven_gas blast_furnace_gas"
    " converter_gas other_coal_gas",
}


@pytest.mark.parametrize("name", SETS)
def test_every_fuel_of_the_chinese_sets_is_there(by_id: dict[str, Row], name: str) -> None:
    """Each fuel has heating value, carbon content and an oxidation row (empty where it depends on the device)."""
    for fuel in SETS[name].split():
        assert number(by_id, f"{name}.{fuel}.ncv") > 0
        assert 10 < in_unit(by_id[f"{name}.{fuel}.carbon_content"], "tC/TJ_LHV") < 75
        row = by_id[f"{name}.{fuel}.oxidation"]
        assert row["value"] == "" or 0.85 <= float(row["value"]) <= 1


def test_solid_fuels_of_set_e_oxidise_by_device(by_id: dict[str, Row]) -> None:
    """Without a device the value is unknown, never a guess; with one it is the device's."""
    for fuel in ("anthracite", "bituminous_coal", "lignite", "coal_gangue", "coal_slime", "coke", "petroleum_coke"):
        assert by_id[f"E.{fuel}.oxidation"]["value"] == ""
        for device, value in (("cement_kiln", "0.99"), ("power_boiler", "0.95"), ("industrial_boiler", "0.85")):
            assert by_id[f"E.{fuel}.oxidation.{device}"]["value"] == value


def test_contested_values_keep_their_other_readings(by_id: dict[str, Row]) -> None:
    """LNG and coke-oven gas are read in two ways: both readings stay visible."""
    assert by_id["E.lng.carbon_content"]["alternatives"] == "0.01530"
    assert by_id["E.coke_oven_gas.carbon_content"]["alternatives"] == "0.01358"
    assert by_id["E.coke_oven_gas.ncv"]["alternatives"] == "173.54; 179.81"
    for name in (
        "E.lng.carbon_content",
        "E.coke_oven_gas.ncv",
        "Q.lng.carbon_content",
        "Q.coke_oven_gas.carbon_content",
    ):
        assert by_id[name]["status"] == "contested"


# IPCC 2006 volume 2, tables 1.2 and 1.3: our commodity, NCV GJ/t and carbon kgC/GJ with 95 % limits, kgCO2/TJ.
IPCC_SAMPLE = [
    ("crude_oil", (42.3, 40.1, 44.8), (20, 19.4, 20.6), 73300),
    ("gasoline", (44.3, 42.5, 44.8), (18.9, 18.4, 19.9), 69300),
    ("diesel", (43, 41.4, 43.3), (20.2, 19.8, 20.4), 74100),
    ("fuel_oil", (40.4, 39.8, 41.7), (21.1, 20.6, 21.5), 77400),
    ("lpg", (47.3, 44.8, 52.2), (17.2, 16.8, 17.9), 63100),
    ("anthracite", (26.7, 21.6, 32.2), (26.8, 25.8, 27.5), 98300),
    ("bituminous_coal", (25.8, 19.9, 30.5), (25.8, 24.4, 27.2), 94600),
    ("lignite", (11.9, 5.5, 21.6), (27.6, 24.8, 31.3), 101200),
    ("coke", (28.2, 25.1, 30.2), (29.2, 26.1, 32.4), 107100),
    ("natural_gas", None, (15.3, 14.8, 15.9), 56100),
    ("blast_furnace_gas", None, (70.8, 59.7, 84), 259600),
    ("waste_oil", (40.2, 20.3, 80), (20, 19.7, 20.3), 73300),
]
IPCC_OTHERS = (
    "petroleum_coke aviation_gasoline jet_kerosene kerosene ethane naphtha bitumen lubricants refinery_feedstocks"
    " refinery_gas other_petroleum_products coking_coal sub_bituminous_coal lignite_briquette coal_tar gas_works_gas"
    " coke_oven_gas converter_gas peat municipal_waste_biogenic wood biomass_solid charcoal biodiesel biogasoline"
    " landfill_gas"
)


@pytest.mark.parametrize("case", IPCC_SAMPLE, ids=[case[0] for case in IPCC_SAMPLE])
def test_ipcc_values_with_their_limits(
    by_id: dict[str, Row], case: tuple[str, tuple[float, ...], tuple[float, ...], int]
) -> None:
    """Values and 95 % limits are the tables'; gases carry no heating value, since IPCC gives it by mass only."""
    fuel, heat, carbon, effective = case
    if heat is None:
        assert f"ipcc-2006.{fuel}.ncv" not in by_id
    else:
        row = by_id[f"ipcc-2006.{fuel}.ncv"]
        assert (float(row["value"]), float(row["low"]), float(row["high"])) == heat
    row = by_id[f"ipcc-2006.{fuel}.carbon_content"]
    assert row["unit"] == "kgC/GJ_LHV"
    assert (float(row["value"]), float(row["low"]), float(row["high"])) == carbon
    assert in_unit(by_id[f"ipcc-2006.{fuel}.heat_emission_factor.CO2"], "kgCO2/TJ_LHV") == pytest.approx(effective)


def test_every_ipcc_fuel_has_consistent_co2_factors(by_id: dict[str, Row]) -> None:
    """The CO2 factor is the carbon content x 44/12 within its rounding, and so are its limits."""
    fuels = {row["commodity"] for row in by_id.values() if row["id"].startswith("ipcc-2006.") and row["gas"] == "CO2"}
    assert {case[0] for case in IPCC_SAMPLE} | set(IPCC_OTHERS.split()) <= fuels
    for fuel in fuels:
        carbon, effective = (
            by_id[f"ipcc-2006.{fuel}.carbon_content"],
            by_id[f"ipcc-2006.{fuel}.heat_emission_factor.CO2"],
        )
        assert float(effective["value"]) == pytest.approx(float(carbon["value"]) * CARBON_TO_CO2, abs=0.0501)
        for end in ("low", "high"):
            assert float(effective[end]) == pytest.approx(float(carbon[end]) * CARBON_TO_CO2, abs=5.1e-4)


def test_combustion_fuels_have_methane_and_nitrous_oxide(by_id: dict[str, Row]) -> None:
    """Defaults by class of fuel, all marked as recalled; coal in manufacturing has ten times the methane."""
    for fuel, methane, nitrous in (
        ("raw_coal", 0.001, 0.0015), ("diesel", 0.003, 0.0006), ("natural_gas", 0.001, 0.0001), ("wood", 0.03, 0.004),
    ):  # fmt: skip
        for gas, value in (("CH4", methane), ("N2O", nitrous)):
            row = by_id[f"ipcc-2006.{fuel}.heat_emission_factor.{gas}"]
            assert (float(row["value"]), row["status"]) == (value, "unverified")
    assert number(by_id, "ipcc-2006.bituminous_coal.heat_emission_factor.CH4.manufacturing") == 0.01


def test_us_factors_are_those_of_the_regulation(by_id: dict[str, Row]) -> None:
    """40 CFR 98 tables C-1 and C-2, per mmBtu of higher heating value."""
    for fuel, values in (
        ("bituminous_coal", (93.28, 0.011, 0.0016)), ("natural_gas", (53.06, 0.001, 0.0001)),
        ("distillate_fuel_oil", (73.96, 0.003, 0.0006)), ("residual_fuel_oil", (75.10, 0.003, 0.0006)),
    ):  # fmt: skip
        for gas, value in zip(("CO2", "CH4", "N2O"), values, strict=True):
            row = by_id[f"us-40cfr98.{fuel}.heat_emission_factor_hhv.{gas}"]
            assert (float(row["value"]), row["unit"]) == (value, f"kg{gas}/mmBtu_HHV")


# --------------------------------------------------------------------------- standard coal

STANDARD_COAL = {
    "raw_coal": 0.7143, "cleaned_coal": 0.9, "middlings": 0.2857, "coke": 0.9714, "crude_oil": 1.4286,
    "fuel_oil": 1.4286, "residuum": 1.4286, "gasoline": 1.4714, "kerosene": 1.4714, "diesel": 1.4571,
    "coal_tar": 1.1429, "lpg": 1.7143, "refinery_gas": 1.5714, "natural_gas_oil_field": 1.33,
    "natural_gas_gas_field": 1.2143, "lng": 1.7572, "blast_furnace_gas": 0.1286, "producer_gas": 0.1786,
    "catalytic_cracking_gas": 0.6571, "thermal_cracking_gas": 1.2143, "coke_gasification_gas": 0.5571,
    "pressure_gasification_gas": 0.5143, "water_gas": 0.3571, "crude_benzol": 1.4286, "methanol_fuel": 0.6794,
    "ethanol": 0.9144, "hydrogen": 0.3329, "heat": 0.03412, "heat_nonfossil": 0.03412, "electricity": 0.1229,
    "electricity_direct_nonfossil": 0.1229, "steam": 0.1286, "softened_water": 0.4857, "deaerated_water": 0.9714,
    "compressed_air": 0.04, "oxygen": 0.4, "nitrogen": 0.4, "nitrogen_main_product": 0.6714,
}  # fmt: skip


@pytest.mark.parametrize("edition", ["gbt2589-2008", "gbt2589-2020"])
def test_standard_coal_coefficients(by_id: dict[str, Row], edition: str) -> None:
    """Every coefficient of GB/T 2589 that the two editions share."""
    for commodity, value in STANDARD_COAL.items():
        assert number(by_id, f"{edition}.{commodity}.coal_equivalent_calorific") == value, commodity
    for commodity, low, high in (("coal_slime", 0.2857, 0.4286), ("coke_oven_gas", 0.5714, 0.6143)):
        row = by_id[f"{edition}.{commodity}.coal_equivalent_calorific"]
        assert (float(row["alternatives"]), float(row["value"]), row["status"]) == (low, high, "contested")
    for commodity in ("electricity", "electricity_direct_nonfossil"):
        row = by_id[f"{edition}.{commodity}.coal_equivalent_value"]
        assert (float(row["value"]), row["status"], row["alternatives"]) == (0.30, "unverified", "0.3018; 0.3040")


def test_the_edition_matters_for_fresh_water(by_id: dict[str, Row]) -> None:
    """0.0857 kgce/t in 2008, 0.2571 in 2020; three coefficients are known for 2008 only and stay unknown for 2020."""
    assert number(by_id, "gbt2589-2008.fresh_water.coal_equivalent_calorific") == 0.0857
    assert number(by_id, "gbt2589-2020.fresh_water.coal_equivalent_calorific") == 0.2571
    for commodity, value in (("carbon_dioxide_gas", 0.2143), ("acetylene", 8.3143), ("calcium_carbide", 2.0786)):
        assert number(by_id, f"gbt2589-2008.{commodity}.coal_equivalent_calorific") == value
        assert by_id[f"gbt2589-2020.{commodity}.coal_equivalent_calorific"]["value"] == ""


def test_heating_values_and_standard_coal_agree(by_id: dict[str, Row]) -> None:
    """Heating value over 29 308 kJ/kgce gives the coefficient within half a percent: no digit or unit slipped."""
    checked = 0
    for row in by_id.values():
        if row["set"] != "gbt2589-2020" or row["quantity"] != "ncv":
            continue
        gas = row["unit"].endswith("万Nm3")
        coefficient = in_unit(
            by_id[f"gbt2589-2020.{row['commodity']}.coal_equivalent_calorific"], "kgce/Nm3" if gas else "kgce/kg"
        )
        heat = float(row["value"]) * (100 if gas else 1000)
        assert heat / 29308 == pytest.approx(coefficient, rel=5e-3), row["commodity"]
        checked += 1
    assert checked > 25


def test_lignite_is_not_counted_as_raw_coal(by_id: dict[str, Row]) -> None:
    """The look-up must stop at an unknown value: raw coal's coefficient is 75 % too high for set Q's lignite."""
    for edition in ("gbt2589-2008", "gbt2589-2020"):
        assert by_id[f"{edition}.lignite.coal_equivalent_calorific"]["value"] == ""
    assert 0.7143 / (number(by_id, "Q.lignite.ncv") / 29.308) > 1.7


# --------------------------------------------------------------------------- electricity and heat


def test_grid_table_has_thirty_provinces_and_seven_grids_for_three_years(factors: list[Row]) -> None:
    """Thirty provinces (no value for Tibet), seven grids and the nation, 2021 to 2023, each valid for its year."""
    parents = {row["id"]: row["parent"] for row in read("regions.csv")}
    for year in ("2021", "2022", "2023"):
        rows = [row for row in factors if row["set"] == "grid-average" and row["valid_from"] == f"{year}-01-01"]
        assert all(row["valid_to"] == f"{int(year) + 1}-01-01" for row in rows)
        provinces = {row["region"] for row in rows if parents[row["region"]] not in ("CN", "world")}
        grids = {row["region"] for row in rows if parents[row["region"]] == "CN"}
        assert (len(rows), len(provinces), len(grids)) == (38, 30, 7)
        assert "CN-XZ" not in provinces
        for row in rows:
            assert 0.1 < in_unit(row, "tCO2/MWh") < 0.8


def test_one_factor_at_most_for_a_set_region_and_day(factors: list[Row]) -> None:
    """Two values in force at once would make the choice arbitrary."""
    keys = Counter(
        tuple(row[name] for name in ("set", "quantity", "commodity", "gas", "technology", "region", "valid_from"))
        for row in factors
    )
    assert [key for key, count in keys.items() if count > 1] == []


@pytest.mark.parametrize(
    ("identity", "value"),
    [
        ("grid-average.electricity.emission_factor.CO2.CN.2015", 0.6101),
        ("grid-average.electricity.emission_factor.CO2.CN.2021", 0.5568),
        ("grid-average.electricity.emission_factor.CO2.CN.2022", 0.5366),
        ("grid-average.electricity.emission_factor.CO2.CN.2023", 0.5306),
        ("grid-average.electricity.emission_factor.CO2.CN-HE.2023", 0.6516),
        ("grid-average.electricity.emission_factor.CO2.CN-SC.2023", 0.1564),
        ("grid-average.electricity.emission_factor.CO2.CN-SO.2023", 0.4042),
        ("grid-average.electricity.emission_factor.CO2.CN-XJ.2021", 0.6577),
        ("grid-reporting.electricity.emission_factor.CO2.CN.2021", 0.5810),
        ("grid-reporting.electricity.emission_factor.CO2.CN.2022", 0.5703),
        ("grid-residual.electricity.emission_factor.CO2.CN.2021", 0.5942),
        ("grid-residual.electricity.emission_factor.CO2.CN.2022", 0.5856),
        ("grid-residual.electricity.emission_factor.CO2.CN.2023", 0.6096),
        ("grid-fossil.electricity.emission_factor.CO2.CN.2021", 0.8426),
        ("grid-fossil.electricity.emission_factor.CO2.CN.2022", 0.8325),
        ("grid-fossil.electricity.emission_factor.CO2.CN.2023", 0.8273),
    ],
)
def test_electricity_factors(by_id: dict[str, Row], identity: str, value: float) -> None:
    """Published factors, in tCO2/MWh."""
    assert in_unit(by_id[identity], "tCO2/MWh") == pytest.approx(value)


def test_footprint_factors_are_kept_apart(by_id: dict[str, Row]) -> None:
    """Life-cycle factors count CO2e in a set of their own, so that no inventory of an organisation finds them."""
    rows = [row for row in by_id.values() if row["set"] == "grid-footprint"]
    assert {row["gas"] for row in rows} == {"CO2e"}
    assert number(by_id, "grid-footprint.electricity.emission_factor.CO2e.CN.2023") == 0.6205
    assert number(by_id, "grid-footprint.electricity.emission_factor.CO2e.CN.2024") == 0.5777
    assert number(by_id, "grid-footprint.electricity.emission_factor.CO2e.coal.CN.2024") == 0.9240
    assert by_id["grid-footprint.electricity.emission_factor.CO2e.transmission_with_losses.CN.2023"]["value"] == ""


def test_provincial_heat_never_stands_in_for_the_default(by_id: dict[str, Row]) -> None:
    """The national default is 0.11 tCO2/GJ; the fifteen provincial values lie in a set that no scheme names."""
    assert in_unit(by_id["cn-heat.heat.emission_factor.CO2"], "tCO2/GJ") == 0.11
    assert number(by_id, "cn-heat.heat_nonfossil.emission_factor.CO2") == 0
    assert sum(row["set"] == "cn-heat-provincial" for row in by_id.values()) == 15
    for path in DATA.glob("schemes/*.toml"):
        assert "cn-heat-provincial" not in path.read_text(encoding="utf-8")
