"""Every rule of every scheme against an answer worked out by hand from the published numbers.

A case is a small park and, for each scheme, what each rule must yield: nothing else may count, so that a stream counted
twice, on the wrong side or under the wrong sign shows. The numbers are written out here and never read from the
catalogue.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import polars as pl
import pytest

from ecopark.accounting import Inventory, draw_inventory
from ecopark.catalogue import load_catalogue
from tests.accounting.parks import flow, park, stream

CATALOGUE = load_catalogue()
ZERO, ENERGY, GHG, US = "zero-carbon-park-2025", "energy", "park-ghg", "us-ghgrp"
CO2_PER_C, CH4_PER_C, N2O_PER_N = 44 / 12, 16 / 12, 44 / 28
CH4, N2O = 27.9, 273.0
"""Warming potentials of the sixth assessment report, the default."""
Rows = list[tuple[dict[str, Any], dict[str, Any]]]


@dataclass
class Case:
    """A park and, by scheme, what each rule yields (in its unit); `energy` counts under the zero-carbon method too."""

    rows: Rows
    zero: dict[str, float] | None = field(default_factory=dict)
    energy: dict[str, float] | None = field(default_factory=dict)
    ghg: dict[str, float] | None = field(default_factory=dict)
    us: dict[str, float] | None = None
    tables: dict[str, Any] = field(default_factory=dict)
    options: dict[str, dict[str, str]] = field(default_factory=dict)

    def expected(self) -> dict[str, dict[str, float]]:
        """Return scheme -> rule -> result, for the schemes that the case speaks of."""
        found: dict[str, dict[str, float]] = {}
        if self.zero is not None:
            found[ZERO] = {**self.zero, **(self.energy or {})}
        for scheme, rules in ((ENERGY, self.energy), (GHG, self.ghg), (US, self.us)):
            if rules is not None:
                found[scheme] = rules
        return found

    def draw(self, scheme: str, **more: Any) -> Inventory:
        """Return the inventory of the case under a scheme."""
        record = park([s for s, _ in self.rows], [f for _, f in self.rows], **self.tables)
        return draw_inventory(record, CATALOGUE, scheme, 2022, options=self.options.get(scheme, {}), **more)


def row(source: str, target: str, goods: str, activity: str, amount: float, unit: str, technology: str = "") -> Any:
    """Return a stream and its flow of 2022."""
    name = f"{source}.{target}.{goods}.{activity}.{technology}"
    more = {"technology": technology} if technology else {}
    return stream(name, source, target, goods, activity, **more), flow(name, amount, unit)


def own(commodity: str, quantity: str, value: float, unit: str) -> dict[str, Any]:
    """Return a row of the park's own properties."""
    return {"commodity": commodity, "property": quantity, "value": value, "unit": unit}


def own_factor(commodity: str, quantity: str, value: float, unit: str, gas: str = "") -> dict[str, Any]:
    """Return a row of the park's own factors."""
    more = {"gas": gas} if gas else {}
    return {"id": f"{commodity}.{quantity}", "commodity": commodity, "quantity": quantity, "value": value,
            "unit": unit, "source": "own", **more}  # fmt: skip


def by_rule(inventory: Inventory) -> dict[str, float]:
    """Return rule -> result, of the rules that yield anything but zero."""
    sums = inventory.lines.group_by("rule").agg(pl.col("result").sum(), (pl.col("result") != 0).any().alias("any"))
    return dict(sums.filter(pl.col("any")).select("rule", "result").iter_rows())


# ------------------------------------------------------------------------------------------------ fuels


def coal_of_a_power_plant() -> Case:
    """1000 t bituminous coal: 1000 * 19.570 GJ/t * 26.1 kgC/GJ * 0.93 * 44/12 = 1741.8 tCO2.

    Energy 1000 * 0.7143 (raw coal of GB/T 2589) = 714.3 tce. CH4 19570 GJ * 1 g = 0.01957 t, N2O 19570 * 1.5 g.
    """
    co2 = 1000 * 19.570 * 26.1e-3 * 0.93 * CO2_PER_C
    return Case(
        [row("market", "plant", "bituminous_coal", "chp", 1000.0, "t")],
        zero={"fuel": co2},
        energy={"fuel_energy": 714.3},
        ghg={"combustion_co2": co2, "combustion_other": 19570 * (1e-6 * CH4 + 1.5e-6 * N2O)},
        us={"combustion": 1000 / 0.90718474 * 24.93 * (93.28 + 0.011 * 25 + 0.0016 * 298) / 1000},
    )


def gas_of_a_boiler() -> Case:
    """100 万Nm3 gas: 100 * 389.31 * 15.3e-3 * 0.99 * 44/12 = 2162.19 tCO2; 100 * 13.3 tce; upstream 0.608 kg/Nm3."""
    co2 = 100 * 389.31 * 15.3e-3 * 0.99 * CO2_PER_C
    return Case(
        [row("market", "boiler", "natural_gas", "final_use", 100.0, "万Nm3")],
        zero={"fuel": co2},
        energy={"fuel_energy": 100 * 13.3},
        ghg={
            "combustion_co2": co2,
            "combustion_other": 38931 * (1e-6 * CH4 + 1e-7 * N2O),
            "upstream_purchases": 0.608 * 1e6 / 1e3,
        },
    )


def vehicles() -> Case:
    """10 t gasoline of vehicles: 10 * 43.070 * 18.9e-3 * 0.98 * 44/12 = 29.25 t; 14.714 tce; upstream 633.96 kg/t."""
    co2 = 10 * 43.070 * 18.9e-3 * 0.98 * CO2_PER_C
    return Case(
        [row("market", "mill", "gasoline", "mobile", 10.0, "t")],
        zero={"fuel": co2},
        energy={"fuel_energy": 14.714},
        ghg={"mobile_co2": co2, "upstream_purchases": 6.3396},
    )


def flights_abroad() -> Case:
    """100 t jet kerosene, set E: 100 * 43.070 * 19.6e-3 * 0.98 * 44/12 = 303.3 t, in the total; 147.14 tce."""
    co2 = 100 * 43.070 * 0.0196 * 0.98 * CO2_PER_C
    return Case(
        [row("market", "mill", "jet_kerosene", "bunker", 100.0, "t")],
        zero={"bunker": co2},
        energy={"bunker_energy": 147.14},
        ghg={"bunker": co2},
        options={ZERO: {"fuel_set": "E"}, GHG: {"fuel_set": "E"}},
    )


def refinery() -> Case:
    """Carbon in less carbon out, all oxidised: (1000 * 41.816 * 20.1 - 300 * 43.070 * 18.9 - 400 * 42.652 * 20.2) kgC.

    Energy 1428.6 in, 300 * 1.4714 + 400 * 1.4571 out. With the oxidation of burning (98 %) it would be 2 % less.
    """
    into = 1000 * 41.816 * 20.1e-3 * CO2_PER_C
    out = (300 * 43.070 * 18.9e-3 + 400 * 42.652 * 20.2e-3) * CO2_PER_C
    co2 = {"conversion_input": into, "conversion_output": -out}
    return Case(
        [
            row("market", "works", "crude_oil", "conversion_input", 1000.0, "t"),
            row("works", "market", "gasoline", "conversion_output", 300.0, "t"),
            row("works", "market", "diesel", "conversion_output", 400.0, "t"),
        ],
        zero=co2,
        energy={"fuel_energy": 1428.6, "conversion_output_energy": -(300 * 1.4714 + 400 * 1.4571)},
        ghg=co2,
    )


def feedstock() -> Case:
    """100 t anthracite as raw material: no emission of its own, 71.43 tce, counted apart from fuels."""
    return Case(
        [row("market", "works", "anthracite", "feedstock", 100.0, "t")],
        energy={"feedstock_energy": 71.43},
    )


def reducing_agent() -> Case:
    """10 t coke as reducing agent: all its carbon, 10 * 28.435 * 29.5e-3 * 44/12 = 30.76 t (0.93 would be burning)."""
    co2 = 10 * 28.435 * 29.5e-3 * CO2_PER_C
    return Case(
        [row("market", "works", "coke", "process_input", 10.0, "t")],
        zero={"process_input_fuels": co2},
        energy={"fuel_energy": 9.714},
        ghg={"process_input_fuels": co2},
    )


def biomass() -> Case:
    """100 t of wood chips at IPCC's 11.8 GJ/t: CO2 1180 GJ * 100.1 kg apart; CH4 30 g, N2O 4 g per GJ in scope 1.

    GB/T 2589 has no coefficient: 1180 GJ / 29.308 = 40.26 tce. Annex 4 counts fossil fuels only.
    """
    return Case(
        [row("market", "works", "biomass_solid", "final_use", 100.0, "t")],
        energy={"biomass_energy": 1180 / 29.308},
        ghg={
            "biogenic_co2": 1180 * 100.1e-3,
            "biomass_and_waste_fuel_other": 1180 * (30e-6 * CH4 + 4e-6 * N2O),
        },
    )


def waste_oil() -> Case:
    """10 t waste oil, measured 40 GJ/t, 20 kgC/GJ, oxidised to 98 %: 10 * 40 * 0.02 * 0.98 * 44/12 = 28.75 t.

    400 GJ / 29.308 = 13.65 tce; CH4 30 g and N2O 4 g per GJ.
    """
    co2 = 10 * 40 * 0.02 * 0.98 * CO2_PER_C
    return Case(
        [row("market", "works", "waste_oil", "final_use", 10.0, "t")],
        zero={"fuel": co2},
        energy={"fuel_energy": 400 / 29.308},
        ghg={"waste_fuel_co2": co2, "biomass_and_waste_fuel_other": 400 * (30e-6 * CH4 + 4e-6 * N2O)},
        tables={
            "properties": [
                own("waste_oil", "ncv", 40.0, "GJ_LHV/t"),
                own("waste_oil", "carbon_content", 0.02, "tC/GJ_LHV"),
                own("waste_oil", "oxidation", 0.98, "1"),
            ]
        },
    )


# ------------------------------------------------------------------------------------------------ power and heat


def power_bought_passed_on_and_certified() -> Case:
    """1000 MWh bought, 100 of them passed on, 300 under certificates, 200 MWh by a direct line, 20 of them passed on.

    Annex 4: 0.8325 t/MWh, direct power 0. Energy 0.30 and 0.1229 tce/MWh. Scope 2: Jiangsu 0.5978, residual 0.5856.
    """
    certificates = [{"id": "c", "holder": "mill", "period_start": "2022", "volume": 300.0, "unit": "MWh"}]
    return Case(
        [
            row("market", "mill", "electricity", "supply", 1000.0, "MWh"),
            row("mill", "market", "electricity", "sale", 100.0, "MWh"),
            row("market", "works", "electricity_direct_nonfossil", "supply", 200.0, "MWh"),
            row("works", "market", "electricity_direct_nonfossil", "sale", 20.0, "MWh"),
        ],
        zero={
            "electricity_received": 832.5,
            "electricity_sent": -83.25,
            "electricity_certificates": -249.75,
            "power_direct_received": 200.0,
            "power_direct_sent": -20.0,
            "power_other_received": 1000.0,
            "power_other_sent": -100.0,
            "power_certificates": 300.0,
        },
        energy={
            "electricity_in_equivalent": 300.0,
            "electricity_out_equivalent": -30.0,
            "electricity_in_calorific": 122.9,
            "electricity_out_calorific": -12.29,
            "renewable_in_equivalent": 60.0,
            "renewable_out_equivalent": -6.0,
            "renewable_in_calorific": 24.58,
            "renewable_out_calorific": -2.458,
            "certificate_energy_equivalent": -90.0,
            "certificate_energy_calorific": -36.87,
        },
        ghg={
            "electricity_location": 597.8,
            "electricity_market": 585.6,
            "electricity_certificates": -175.68,
            "electricity_exported": 59.78,
        },
        tables={"certificates": certificates},
    )


def power_made_inside() -> Case:
    """A plant supplies 500 MWh inside and sells 400; works supply 80 MWh of their own solar power next door.

    Use inside is 500 + 80: what the maker sells was never used here, so it is no deduction from use. It is one from
    emissions (400 * 0.8325) and from energy (400 * 0.30), since the plant's fuel is counted in full.
    """
    return Case(
        [
            row("plant", "mill", "electricity", "supply", 500.0, "MWh"),
            row("plant", "market", "electricity", "sale", 400.0, "MWh"),
            row("works", "mill", "electricity_direct_nonfossil", "supply", 80.0, "MWh"),
        ],
        zero={"electricity_sent": -333.0, "power_other_made": 500.0, "power_direct_made": 80.0},
        energy={"electricity_out_equivalent": -120.0, "electricity_out_calorific": -49.16},
        ghg={"electricity_exported": 400 * 0.5978},
    )


def heat() -> Case:
    """5000 GJ bought and 1000 sold at 0.11 t and 0.03412 tce per GJ; 2000 GJ non-fossil bought, 500 sold: no CO2."""
    return Case(
        [
            row("market", "mill", "heat", "supply", 5000.0, "GJ"),
            row("plant", "market", "heat", "sale", 1000.0, "GJ"),
            row("market", "works", "heat_nonfossil", "supply", 2000.0, "GJ"),
            row("works", "market", "heat_nonfossil", "sale", 500.0, "GJ"),
        ],
        zero={"heat_received": 550.0, "heat_sent": -110.0},
        energy={
            "heat_in_energy": 170.6,
            "heat_out_energy": -34.12,
            "renewable_heat_in_energy": 68.24,
            "renewable_heat_out_energy": -17.06,
        },
        ghg={"heat_received": 550.0, "heat_exported": 110.0},
    )


def steam_of_known_enthalpy() -> Case:
    """1000 t bought and 100 t sold of 2.6 GJ/t: 2600 GJ * 0.11 = 286 t; 2600 * 0.03412 = 88.71 tce, not 128.6."""
    return Case(
        [
            row("market", "mill", "steam", "supply", 1000.0, "t"),
            row("plant", "market", "steam", "sale", 100.0, "t"),
        ],
        zero={"steam_received": 286.0, "steam_sent": -28.6},
        energy={"steam_in_energy": 2600 * 0.03412, "steam_out_energy": -260 * 0.03412},
        ghg={"steam_received": 286.0, "steam_exported": 28.6},
        tables={"properties": [own("steam", "net_enthalpy", 2.6, "GJ/t")]},
    )


def cooling_and_water() -> Case:
    """1000 GJ of cold bought, 100 sold, at the supplier's 0.05 t/GJ and 0.012 tce/GJ; 10,000 m3 water * 0.2571 kgce."""
    return Case(
        [
            row("market", "mill", "chilled_water", "supply", 1000.0, "GJ"),
            row("plant", "market", "chilled_water", "sale", 100.0, "GJ"),
            row("market", "mill", "fresh_water", "supply", 10000.0, "m3"),
        ],
        energy={"cooling_in_energy": 12.0, "cooling_out_energy": -1.2, "water_energy": 2.571},
        ghg={"cooling_received": 50.0},
        tables={
            "factors": [
                own_factor("chilled_water", "emission_factor", 0.05, "tCO2/GJ", "CO2"),
                own_factor("chilled_water", "coal_equivalent_calorific", 0.012, "tce/GJ"),
            ]
        },
    )


# ------------------------------------------------------------------------------------------------ processes


def clinker_and_flux() -> Case:
    """1000 t Portland clinker * 0.535, 100 t carbide * 1.154, and 200 t limestone as flux * 0.440 (another firm)."""
    inputs = 200 * 0.440
    return Case(
        [
            row("works", "market", "cement_clinker", "production", 1000.0, "t", "portland"),
            row("works", "market", "calcium_carbide", "production", 100.0, "t"),
            row("market", "mill", "limestone", "process_input", 200.0, "t", "flux"),
        ],
        zero={"process": 650.4, "process_inputs": inputs},
        ghg={"process_products": 650.4, "process_inputs": inputs},
    )


def aluminium_and_acids() -> Case:
    """100 t aluminium (China): 154 tCO2, 3.4 kg CF4 * 7380, 0.34 kg C2F6 * 12400; 1000 t nitric acid: 8 tN2O * 273.

    Annex 4 counts CO2 only: 154 t.
    """
    pfc = 100 * (0.034e-3 * 7380 + 0.0034e-3 * 12400)
    return Case(
        [
            row("works", "market", "primary_aluminium", "production", 100.0, "t"),
            row("works", "market", "nitric_acid", "production", 1000.0, "t", "dual_pressure"),
        ],
        zero={"process": 154.0},
        ghg={"process_products": 154.0 + pfc + 8 * N2O},
    )


def aluminium_of_ipcc() -> Case:
    """100 t aluminium of side-worked prebake cells (IPCC), AR5: 160 tCO2 + 0.16 tCF4 * 6630 + 0.04 tC2F6 * 11100."""
    return Case(
        [row("works", "market", "primary_aluminium", "production", 100.0, "t", "swpb")],
        zero=None,
        energy=None,
        ghg={"process_products": 160 + 0.16 * 6630 + 0.04 * 11100},
        options={GHG: {"process_set": "ipcc-process", "gwp": "gwp-AR5"}},
    )


# ------------------------------------------------------------------------------------------------ waste


def incinerator() -> Case:
    """1000 t municipal waste: 0.40 * 0.40 * 0.95 * 44/12 = 0.5573 t/t; CH4 0.3 kg/t, N2O 0.05 kg/t."""
    return Case(
        [row("mill", "works", "municipal_solid_waste", "treatment", 1000.0, "t", "incineration")],
        ghg={
            "incineration_fossil": 1000 * 0.4 * 0.4 * 0.95 * CO2_PER_C,
            "incineration_other": 0.3 * CH4 + 0.05 * N2O,
        },
    )


def compost_and_landfill() -> Case:
    """100 t food waste composted: 0.4 tCH4, 0.024 tN2O; 100 t landfilled: 100 * 0.15 * 0.7 * 0.5 * 16/12 = 7 tCH4.

    A shallow unmanaged landfill (0.4) counts as well: 2.8 t; fly ash holds nothing that decays.
    """
    return Case(
        [
            row("mill", "works", "municipal_food_waste", "treatment", 100.0, "t", "composting"),
            row("mill", "works", "municipal_food_waste", "treatment", 100.0, "t", "landfill"),
            row("mill", "works", "municipal_food_waste", "treatment", 100.0, "t", "landfill_unmanaged_shallow"),
            row("plant", "works", "fly_ash", "treatment", 5000.0, "t", "landfill"),
        ],
        ghg={"biological_treatment": 0.4 * CH4 + 0.024 * N2O, "landfill_methane": (7 + 2.8) * CH4},
    )


def treatment_by_own_factor() -> Case:
    """50 t of waste whose treatment is not stated, with the park's own 0.2 tCO2/t: 10 t."""
    return Case(
        [row("mill", "works", "industrial_solid_waste", "treatment", 50.0, "t")],
        ghg={"treatment_unstated": 10.0},
        tables={"factors": [own_factor("industrial_solid_waste", "emission_factor", 0.2, "tCO2/t", "CO2")]},
    )


def waste_water() -> Case:
    """COD 100 t * 0.25 * 0.5 = 12.5 tCH4, 5 t recovered; N 10 t * 0.016 * 44/28; discharge 20 t COD * 0.25 * 0.11.

    Discharged nitrogen: 3 t * 0.005 * 44/28 = 0.0236 tN2O.
    """
    return Case(
        [
            row("mill", "works", "wastewater_cod_removed", "treatment", 100.0, "t", "anaerobic"),
            row("works", "boiler", "methane", "recovery", 5.0, "t"),
            row("mill", "works", "wastewater_nitrogen_treated", "treatment", 10.0, "t", "aerobic"),
            row("works", "air", "wastewater_cod_discharged", "emission", 20.0, "t"),
            row("works", "air", "wastewater_nitrogen_discharged", "emission", 3.0, "t"),
        ],
        ghg={
            "wastewater_methane": 12.5 * CH4,
            "methane_recovered": -5 * CH4,
            "wastewater_nitrous_oxide": 10 * 0.016 * N2O_PER_N * N2O,
            "discharge_methane": 20 * 0.25 * 0.11 * CH4,
            "discharge_nitrous_oxide": 3 * 0.005 * N2O_PER_N * N2O,
        },
    )


def waste_treated_outside() -> Case:
    """100 t hazardous waste burnt outside: 0.5 * 0.9 * 0.995 * 44/12 = 1.6418 t/t, N2O 0.1 kg/t; 100 t food: 7 tCH4."""
    return Case(
        [
            row("works", "market", "hazardous_waste", "treatment", 100.0, "t", "incineration"),
            row("mill", "market", "municipal_food_waste", "treatment", 100.0, "t", "landfill"),
            row("mill", "market", "industrial_solid_waste", "treatment", 100.0, "t", "recycling"),
        ],
        ghg={
            "treatment_outside": 100 * 0.5 * 0.9 * 0.995 * CO2_PER_C,
            "treatment_outside_other": 0.01 * N2O,
            "treatment_outside_landfill": 7 * CH4,
        },
    )


def leaks() -> Case:
    """R-410A 1 t = 0.5 * 771 + 0.5 * 3740; SF6 0.1 t * 25200; NF3 0.05 t * 17400; CF4 0.2 t * 7380; R-22 1 t apart."""
    return Case(
        [
            row("mill", "air", "r410a", "leakage", 1.0, "t"),
            row("mill", "air", "sf6", "leakage", 0.1, "t"),
            row("mill", "air", "nf3", "leakage", 0.05, "t"),
            row("mill", "air", "cf4", "leakage", 0.2, "t"),
            row("mill", "air", "hcfc_22", "leakage", 1.0, "t"),
        ],
        ghg={
            "refrigerant_leakage": 2255.5 + 2520 + 870 + 1476,
            "ozone_depleting_leakage": 1960.0,
        },
    )


CASES: list[Callable[[], Case]] = [
    coal_of_a_power_plant, gas_of_a_boiler, vehicles, flights_abroad, refinery, feedstock, reducing_agent, biomass,
    waste_oil, power_bought_passed_on_and_certified, power_made_inside, heat, steam_of_known_enthalpy,
    cooling_and_water, clinker_and_flux, aluminium_and_acids, aluminium_of_ipcc, incinerator, compost_and_landfill,
    treatment_by_own_factor, waste_water, waste_treated_outside, leaks,
]  # fmt: skip
DRAWN = [(case, scheme) for case in CASES for scheme in case().expected()]


@pytest.mark.parametrize(("case", "scheme"), DRAWN, ids=[f"{case.__name__}-{scheme}" for case, scheme in DRAWN])
def test_each_rule_yields_what_the_arithmetic_says(case: Callable[[], Case], scheme: str) -> None:
    """Each rule yields its answer and no other rule counts anything: the arithmetic stands with each case."""
    drawn = case()
    assert by_rule(drawn.draw(scheme)) == pytest.approx(drawn.expected()[scheme], rel=1e-9)


def test_every_rule_of_every_scheme_is_worked_out_once() -> None:
    """A rule that no case exercises could be wrong without a test that fails."""
    worked_out: dict[str, set[str]] = {}
    for case in CASES:
        for scheme, rules in case().expected().items():
            worked_out.setdefault(scheme, set()).update(rules)
    for known in CATALOGUE.schemes.values():
        assert {rule.id for rule in known.rules} - worked_out[known.id] == set(), known.id


def test_totals_hold_what_the_rule_text_says() -> None:
    """Which rules' results add up to the headline, by scheme: what is apart stays apart."""
    power, outside, cold = power_bought_passed_on_and_certified(), waste_treated_outside(), leaks()
    assert power.draw(ZERO).total("co2") == pytest.approx(832.5 - 83.25 - 249.75)
    assert power.draw(ENERGY).total("equivalent") == pytest.approx(300 - 30 + 60 - 6)
    assert power.draw(ENERGY).total("equivalent_net") == pytest.approx(300 - 30 - 90)
    assert power.draw(ENERGY).total("calorific_net") == pytest.approx(122.9 - 12.29 - 36.87)
    assert power.draw(GHG).total("location") == pytest.approx(597.8)
    assert power.draw(GHG).total("market") == pytest.approx(585.6 - 175.68)
    assert outside.draw(GHG).total("location") == 0.0
    assert outside.draw(GHG).total("scope_3") == pytest.approx(sum(outside.ghg.values()))  # type: ignore[union-attr]
    assert cold.draw(GHG).total("scope_1") == pytest.approx(7121.5)
    assert cold.draw(GHG).total("ozone_depleting") == pytest.approx(1960.0)
    assert biomass().draw(GHG).total("biogenic") == pytest.approx(118.118)
    assert biomass().draw(ENERGY).total("calorific_net") == 0.0
    assert feedstock().draw(ENERGY).total("equivalent_net") == 0.0
