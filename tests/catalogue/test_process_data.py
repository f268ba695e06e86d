"""The catalogue's rows on process, waste, waste water and gases say what their sources say.

Each test states the number it expects independently of the data files (from stoichiometry, or worked by hand), so that
a slip of a digit, a unit or a column in a file fails here.
"""

from __future__ import annotations

import csv
import re
from functools import cache
from pathlib import Path

import pytest

import ecopark

DATA = Path(ecopark.__file__).parent / "catalogue" / "data"
FILES = ("process_cn", "process_ipcc", "upstream_products", "waste", "gwp", "gas_composition")
GWP_SETS = ("gwp-SAR", "gwp-AR4", "gwp-AR5", "gwp-AR6")
SEVEN_GASES = {"CO2", "CH4", "N2O", "HFCs", "PFCs", "SF6", "NF3"}
ATOMIC_MASS = {"C": 12.011, "O": 15.999, "Ca": 40.078, "Mg": 24.305, "Fe": 55.845, "Mn": 54.938, "Na": 22.990}
CO2 = ATOMIC_MASS["C"] + 2 * ATOMIC_MASS["O"]
CO3 = ATOMIC_MASS["C"] + 3 * ATOMIC_MASS["O"]

Row = dict[str, str]


@cache
def _read(name: str) -> tuple[Row, ...]:
    with (DATA / name).open(encoding="utf-8", newline="") as file:
        return tuple(csv.DictReader(file))


def _read_all(pattern: str) -> list[Row]:
    return [row for path in sorted(DATA.glob(pattern)) for row in _read(str(path.relative_to(DATA)))]


@cache
def _factors() -> dict[str, Row]:
    return {row["id"]: row for name in FILES for row in _read(f"factors/{name}.csv")}


def _value(identity: str) -> float:
    return float(_factors()[identity]["value"])


def _gwp(name: str, gas: str) -> float:
    return _value(f"{name}.any.gwp.{gas}")


@cache
def _constants() -> dict[str, float]:
    values = {}
    for row in _read("constants.csv"):
        numerator, _, denominator = row["expression"].partition("/")
        values[row["symbol"]] = float(numerator) / float(denominator)
    return values


# ---------------------------------------------------------------------------------------------------- form of the rows


def test_ids_are_unique_and_say_what_the_row_is() -> None:
    """An id is set.commodity.quantity[.gas][.technology], and none occurs twice in any file of factors."""
    rows = _read_all("factors/*.csv")
    ids = [row["id"] for row in rows]
    assert sorted(identity for identity in set(ids) if ids.count(identity) > 1) == []
    for name in FILES:
        for row in _read(f"factors/{name}.csv"):
            commodity = "any" if row["commodity"] == "*" else row["commodity"]
            parts = (row["set"], commodity, row["quantity"], row["gas"], row["technology"])
            assert row["id"] == ".".join(part for part in parts if part)


def test_commodity_ids_are_unique_over_all_files_and_refer_to_what_exists() -> None:
    rows = _read_all("commodities/*.csv")
    ids = [row["id"] for row in rows]
    assert sorted(identity for identity in set(ids) if ids.count(identity) > 1) == []
    groups = {row["id"] for row in _read("groups.csv")}
    for row in _read("commodities/process.csv"):
        assert row["group"] in groups, row
        assert not row["parent"] or row["parent"] in ids, row
        assert row["origin"] in {"fossil", "nonfossil", "biogenic", "mixed", "none"}, row


def test_sources_are_unique_and_exist() -> None:
    """Every factor, blend and constant names a source that is listed once, here or in another sources file."""
    sources = [row["id"] for row in _read_all("sources*.csv")]
    assert sorted(identity for identity in set(sources) if sources.count(identity) > 1) == []
    used = {row["source"] for row in _factors().values()}
    used |= {row["source"] for name in ("refrigerant_blends.csv", "constants.csv") for row in _read(name)}
    assert used - set(sources) == set()
    own = {row["id"] for row in _read("sources_process.csv")}
    assert own - used == set(), "sources that nothing cites"


def test_rows_refer_to_known_commodities_gases_and_regions() -> None:
    commodities = {row["id"] for row in _read_all("commodities/*.csv")} | {"*"}
    gases = {row["id"] for row in _read("gases.csv")} | {"CO2e", ""}
    regions = {row["id"] for row in _read("regions.csv")} | {""}
    for row in _factors().values():
        assert row["commodity"] in commodities, row["id"]
        assert row["gas"] in gases, row["id"]
        assert row["region"] in regions, row["id"]
    for row in _read("gases.csv"):
        assert row["kyoto_group"] in SEVEN_GASES | {""}, row
        assert not row["commodity"] or row["commodity"] in commodities, row


def test_ranges_hold_their_value_and_texts_stand_in_both_languages() -> None:
    for row in _factors().values():
        assert (row["low"] == "") == (row["high"] == ""), row["id"]
        assert (row["range_source"] == "own") == (row["low"] != ""), row["id"]
        if row["low"]:
            low, value, high = float(row["low"]), float(row["value"]), float(row["high"])
            assert low <= value <= high, row["id"]
            assert low < high, row["id"]
            if row["distribution"] == "" and (low <= 0 or value in (low, high)):
                # no lognormal fits such a range; only a symmetric one (normal) may leave the distribution open
                assert value - low == pytest.approx(high - value, rel=0.02), row["id"]
        assert (row["note_zh"] == "") == (row["note_en"] == ""), row["id"]
        if row["note_zh"] and not row["note_zh"].startswith(("表", "=")):
            assert re.search(r"[\u4e00-\u9fff]", row["note_zh"]), row["id"]
        assert not re.search(r"[\u4e00-\u9fff]", row["note_en"]), row["id"]
        assert row["status"] in {"primary", "secondary", "unverified", "contested"}, row["id"]
        assert row["status"] != "contested" or row["alternatives"], row["id"]


def test_a_share_is_a_share() -> None:
    """Values and ranges of everything that is a share of its whole lie in 0..1."""
    shares = {"fossil_fraction", "combustion_efficiency", "methane_correction", "degradable_share", "methane_share",
              "cover_oxidation", "gas_fraction", "clinker_fraction", "waste_carbon", "degradable_carbon",
              "carbon_fraction", "calcium_oxide_content", "nitrous_oxide_nitrogen"}  # fmt: skip
    for row in _factors().values():
        if row["quantity"] in shares:
            for column in ("value", "low", "high"):
                assert row[column] == "" or 0 <= float(row[column]) <= 1, (row["id"], column)


def test_units_parse_and_give_the_mass_of_the_gas() -> None:
    """Amount x emission factor is a mass of the row's own gas: kgN2O/t on a CO2 row, or per t on m3, is an error."""
    from ecopark.units import combine, parse

    units = {row["id"]: row["unit"] for row in _read_all("commodities/*.csv")}
    for row in _read("commodities/process.csv"):
        parse(row["unit"])
    for row in _read("constants.csv"):
        parse(row["unit"])
    for row in _factors().values():
        parse(row["unit"])
        if row["quantity"] in ("emission_factor", "gas_fraction"):
            target = {"CO2": "tCO2", "CH4": "tCH4", "N2O": "tN2O", "CO2e": "tCO2e"}.get(row["gas"], "t")
            combine([(units[row["commodity"]], 1), (row["unit"], 1)], target)
    waste = [("t", 1), ("tC/t", 1), ("1", 1), ("1", 1), ("tCO2/tC", 1)]
    assert combine(waste, "tCO2") == 1.0
    assert combine([("t", 1), ("tCH4/t", 1), ("1", 1)], "tCH4") == 1.0
    assert combine([("t", 1), ("tN/t", 1), ("tN2O/tN", 1)], "tN2O") == 1.0


# ------------------------------------------------------------------------------------------------------ chemistry


def test_constants_are_the_quotients_of_whole_atomic_masses() -> None:
    assert _constants()["co2_per_carbon"] == pytest.approx(3.666666666666667, rel=1e-15)
    assert _constants()["ch4_per_carbon"] == pytest.approx(1.3333333333333333, rel=1e-15)
    assert _constants()["n2o_per_nitrogen"] == pytest.approx(1.5714285714285714, rel=1e-15)


@pytest.mark.parametrize(
    ("commodity", "carbonate_mass", "carbonates"),
    [
        ("limestone", ATOMIC_MASS["Ca"] + CO3, 1),
        ("dolomite", ATOMIC_MASS["Ca"] + ATOMIC_MASS["Mg"] + 2 * CO3, 2),
        ("magnesite", ATOMIC_MASS["Mg"] + CO3, 1),
        ("siderite", ATOMIC_MASS["Fe"] + CO3, 1),
        ("rhodochrosite", ATOMIC_MASS["Mn"] + CO3, 1),
        ("soda_ash", 2 * ATOMIC_MASS["Na"] + CO3, 1),
    ],
)
def test_carbonate_factors_are_stoichiometric(commodity: str, carbonate_mass: float, carbonates: int) -> None:
    """CO2 over the molar mass of the carbonate, to three digits; swapped rows would fail."""
    for name in ("cn-process", "ipcc-process"):
        factor = _value(f"{name}.{commodity}.emission_factor.CO2")
        assert factor == pytest.approx(carbonates * CO2 / carbonate_mass, abs=5e-4)


def test_fgd_limestone_is_content_times_factor_times_conversion() -> None:
    assert _value("cn-process.limestone.emission_factor.CO2.fgd") == pytest.approx(0.90 * 0.440 * 1.0)


def test_carbon_powder_and_electrodes_are_nearly_pure_carbon() -> None:
    for commodity in ("carbon_powder", "carbon_electrode"):
        carbon_share = _value(f"cn-process.{commodity}.emission_factor.CO2") / _constants()["co2_per_carbon"]
        assert 0.995 < carbon_share <= 1.0


def test_ipcc_clinker_factor_follows_from_its_parts() -> None:
    """CaO content x 44/56 x kiln-dust correction = 0.65 x 0.785714 x 1.02."""
    parts = _value("ipcc-process.cement_clinker.calcium_oxide_content") * _constants()["co2_per_calcium_oxide"]
    product = parts * _value("ipcc-process.cement_clinker.kiln_dust_correction")
    assert product == pytest.approx(0.520929, abs=1e-6)
    assert _value("ipcc-process.cement_clinker.emission_factor.CO2") == pytest.approx(product, abs=5e-5)


def test_partial_oxidation_ammonia_is_heat_times_carbon() -> None:
    """36.0 GJ/t x 21.0 kgC/GJ x 44/12 = 2.772: shows that the route of the recalled value is oil."""
    value = _value("ipcc-process.ammonia.emission_factor.CO2.oil")
    assert value == pytest.approx(36.0 * 21.0 * 44 / 12 / 1000, abs=5e-4)


def test_aluminium_factor_of_china_is_its_anode_carbon_as_co2() -> None:
    carbon = _value("cn-process.primary_aluminium.anode_carbon")
    assert _value("cn-process.primary_aluminium.emission_factor.CO2") == pytest.approx(carbon * 44 / 12)


@pytest.mark.parametrize(
    ("technology", "cf4", "c2f6", "co2"),
    [("cwpb", 0.4, 0.04, 1.6), ("swpb", 1.6, 0.4, 1.6), ("vss", 0.8, 0.04, 1.7), ("hss", 0.4, 0.03, 1.7)],
)
def test_aluminium_by_cell_technology(technology: str, cf4: float, c2f6: float, co2: float) -> None:
    row = "ipcc-process.primary_aluminium.emission_factor"
    assert (_value(f"{row}.CF4.{technology}"), _value(f"{row}.C2F6.{technology}")) == (cf4, c2f6)
    assert _value(f"{row}.CO2.{technology}") == co2


def test_nitric_acid_by_technology() -> None:
    expected = {
        "high_pressure": 13.9,
        "high_pressure_nscr": 2.0,
        "medium_pressure": 11.77,
        "atmospheric_pressure": 9.72,
        "dual_pressure": 8.0,
        "combined_pressure": 7.5,
        "low_pressure": 5.0,
    }
    for technology, value in expected.items():
        row = _factors()[f"cn-process.nitric_acid.emission_factor.N2O.{technology}"]
        assert (float(row["value"]), row["unit"], row["status"]) == (value, "kgN2O/t", "unverified")


# ------------------------------------------------------------------------------------------------------------- waste


@pytest.mark.parametrize(("commodity", "expected"), [("municipal_solid_waste", 0.5573), ("hazardous_waste", 1.6418)])
def test_incineration_formula_gives_the_printed_factor(commodity: str, expected: float) -> None:
    """CCW x FCF x CE x 44/12 of the 2025 guidelines, in tCO2/t; without 44/12 it would be 0.152 and 0.448."""
    product = _constants()["co2_per_carbon"]
    for quantity in ("waste_carbon", "fossil_fraction", "combustion_efficiency"):
        product *= _value(f"cn-waste.{commodity}.{quantity}")
    assert product == pytest.approx(expected, abs=6e-5)


def test_the_edition_of_2011_is_a_set_of_its_own_and_unverified() -> None:
    rows = [row for row in _factors().values() if row["set"] == "cn-waste-2011"]
    assert {row["status"] for row in rows} == {"unverified"}
    assert {row["version"] for row in rows} == {"2011"}
    assert _value("cn-waste-2011.municipal_solid_waste.waste_carbon") == 0.20


@pytest.mark.parametrize(
    ("commodity", "dry_matter", "carbon"),
    [
        ("municipal_plastics_waste", 1.0, 0.75),
        ("municipal_textile_waste", 0.8, 0.5),
        ("municipal_rubber_waste", 0.84, 0.67),
        ("hazardous_waste", 0.5, 0.8),
    ],
)
def test_ipcc_waste_carbon_is_per_wet_weight(commodity: str, dry_matter: float, carbon: float) -> None:
    """IPCC gives carbon per dry matter; the catalogue's waste_carbon is per wet tonne, as the Chinese set has it."""
    assert _value(f"ipcc-waste.{commodity}.waste_carbon") == pytest.approx(dry_matter * carbon, abs=5e-5)


def test_waste_types_do_not_inherit_the_mix_of_municipal_waste() -> None:
    """Plastics without a Chinese row must not take the 40 % fossil carbon of mixed municipal waste."""
    parents = {row["id"]: row["parent"] for row in _read("commodities/process.csv")}
    assert parents["municipal_plastics_waste"] == "solid_waste"
    assert not [identity for identity in parents if parents[identity] == "municipal_solid_waste"]


def test_wastewater_rows() -> None:
    capacity = _factors()["ipcc-waste.wastewater_cod_removed.methane_capacity"]
    assert (float(capacity["value"]), float(capacity["low"]), float(capacity["high"])) == (0.25, 0.125, 0.5)
    correction = "ipcc-waste.wastewater_cod_removed.methane_correction"
    assert _value(f"{correction}.aerobic") == 0.0
    assert _value(f"{correction}.anaerobic_reactor") == 0.8
    nitrogen = _value("ipcc-waste.wastewater_nitrogen_treated.nitrous_oxide_nitrogen.aerobic")
    assert nitrogen * _constants()["n2o_per_nitrogen"] == pytest.approx(0.0251429, abs=1e-7)


def test_landfill_methane_of_food_waste() -> None:
    """DOC x DOCf x MCF x F x 16/12 = 0.15 x 0.7 x 1.0 x 0.5 x 4/3 = 0.07 tCH4 per wet tonne."""
    product = _constants()["ch4_per_carbon"] * _value("ipcc-waste.solid_waste.methane_share")
    for name in ("degradable_carbon", "degradable_share"):
        product *= _value(f"ipcc-waste.municipal_food_waste.{name}")
    product *= _value("ipcc-waste.solid_waste.methane_correction.landfill")
    assert product == pytest.approx(0.07)


# ----------------------------------------------------------------------------------------------------------- unknowns


@pytest.mark.parametrize(
    "identity",
    [
        *(f"cement_clinker.emission_factor.CO2.{kind}" for kind in ("sulfo_ferro_aluminate", "aluminate")),
        *(f"ammonia.emission_factor.CO2.{route}" for route in ("coal", "coal_gas", "natural_gas", "oil")),
        *(f"methanol.emission_factor.CO2.{route}" for route in ("coal", "coal_gas", "natural_gas")),
        *(
            f"{alloy}.emission_factor.CO2"
            for alloy in ("ferrosilicon", "silicomanganese", "ferromanganese", "ferronickel", "ferrochromium")
        ),
        "crude_steel.emission_factor.CO2",
        "industrial_silicon.emission_factor.CO2",
    ],
)
def test_kinds_that_the_national_annex_names_are_unknown_rather_than_absent(identity: str) -> None:
    """The row exists without a value and says so, so that an inventory reports a gap instead of a guess or a zero."""
    row = _factors()[f"cn-process.{identity}"]
    assert row["value"] == ""
    assert "未知" in row["note_zh"]
    assert "unknown" in row["note_en"]


@pytest.mark.parametrize("kind", ["sulfo_ferro_aluminate", "aluminate"])
def test_an_unknown_kind_does_not_take_the_value_of_the_unstated_kind(kind: str) -> None:
    """Clinker of an unknown kind is a gap; falling back to Portland's 0.535 would be a guess that nobody sees."""
    from ecopark.catalogue.loading import load_catalogue
    from ecopark.catalogue.lookup import FactorLookup, Missing, Request

    catalogue = load_catalogue()
    lookup = FactorLookup(catalogue, 2023, parent_commodity=catalogue.parent_commodity)
    request = Request("cement_clinker", "t", "CO2", kind, "CN-JS")
    found = lookup.find("emission_factor", request, {"*": ["cn-process"]})
    assert isinstance(found, Missing)
    assert found.factor == f"cn-process.cement_clinker.emission_factor.CO2.{kind}"


def test_no_empty_value_without_a_reason() -> None:
    for row in _factors().values():
        if row["value"] == "":
            assert "unknown" in row["note_en"], row["id"]


def test_values_that_must_not_be_used_are_absent() -> None:
    """The implausible 3.03 t/t of electric-furnace steel and the SF6 row with the wrong unit are left out."""
    assert "cn-upstream.crude_steel.upstream_emission_factor.eaf" not in _factors()
    assert _factors()["ipcc-process.magnesium_casting.emission_factor.SF6"]["value"] == ""


# ----------------------------------------------------------------------------------------------------------- gases


def test_gwp_sets_are_complete_for_the_seven_gases() -> None:
    """Each set has a row for each gas, and a value for each of the seven groups; NF3 is unknown in SAR only."""
    gases = _read("gases.csv")
    groups = {row["id"]: row["kyoto_group"] for row in gases}
    assert set(groups.values()) - {""} == SEVEN_GASES
    for name in GWP_SETS:
        rows = {row["gas"]: row for row in _factors().values() if row["set"] == name}
        assert set(rows) == set(groups)
        assert {row["unit"] for row in rows.values()} == {"tCO2e/t"}
        known = {groups[gas] for gas, row in rows.items() if row["value"]} - {""}
        assert known == (SEVEN_GASES - {"NF3"} if name == "gwp-SAR" else SEVEN_GASES)
        assert _gwp(name, "CO2") == 1.0
    assert _factors()["gwp-SAR.any.gwp.NF3"]["value"] == ""
    assert _factors()["gwp-SAR.any.gwp.HFC-245fa"]["value"] == ""


@pytest.mark.parametrize(
    ("gas", "expected"),
    [
        ("CH4", (21, 25, 28, 27.9)),
        ("N2O", (310, 298, 265, 273)),
        ("SF6", (23900, 22800, 23500, 25200)),
        ("CF4", (6500, 7390, 6630, 7380)),
        ("C2F6", (9200, 12200, 11100, 12400)),
        ("HFC-23", (11700, 14800, 12400, 14600)),
        ("HFC-134a", (1300, 1430, 1300, 1530)),
        ("HCFC-22", (1500, 1810, 1760, 1960)),
    ],
)
def test_gwp_values(gas: str, expected: tuple[float, ...]) -> None:
    assert tuple(_gwp(name, gas) for name in GWP_SETS) == expected


def test_methane_of_ar6_is_contested() -> None:
    row = _factors()["gwp-AR6.any.gwp.CH4"]
    assert (row["status"], row["alternatives"]) == ("contested", "29.8; 27.0")


@pytest.mark.parametrize(
    ("blend", "ar4", "ar5", "ar6"),
    [
        ("r410a", 2087.5, 1923.5, 2255.5),
        ("r404a", 3921.6, 3942.8, 4728.0),
        ("r407c", 1773.85, 1624.21, 1907.93),
        ("r507a", 3985.0, 3985.0, 4775.0),
    ],
)
def test_blends_add_up_and_have_their_gwp(blend: str, ar4: float, ar5: float, ar6: float) -> None:
    """Mass shares sum to 1; the mean GWPs, worked by hand, are the 2088, 3922, 1774 and 3985 of AR4 that are in use."""
    parts = {row["gas"]: float(row["fraction"]) for row in _read("refrigerant_blends.csv") if row["blend"] == blend}
    assert sum(parts.values()) == pytest.approx(1.0, abs=1e-12)
    for name, expected in zip(("gwp-AR4", "gwp-AR5", "gwp-AR6"), (ar4, ar5, ar6), strict=True):
        mean = sum(share * _gwp(name, gas) for gas, share in parts.items())
        assert mean == pytest.approx(expected, abs=0.005)


def test_gas_composition_agrees_with_blends_and_gases() -> None:
    """Each refrigerant or gas commodity has shares that sum to 1, the same as in the table of blends."""
    shares: dict[str, dict[str, float]] = {}
    for row in _read("factors/gas_composition.csv"):
        shares.setdefault(row["commodity"], {})[row["gas"]] = float(row["value"])
    blends: dict[str, dict[str, float]] = {}
    for row in _read("refrigerant_blends.csv"):
        blends.setdefault(row["blend"], {})[row["gas"]] = float(row["fraction"])
    pure = {row["commodity"]: {row["id"]: 1.0} for row in _read("gases.csv") if row["commodity"]}
    assert shares == blends | pure
    commodities = {
        row["id"] for row in _read("commodities/process.csv") if row["group"] in ("refrigerant", "greenhouse_gas")
    }
    assert commodities - set(shares) == {"carbon_dioxide_biogenic"}
