"""Prices, treatment and system costs, carbon and physical properties of what flows, and the levels of the stores."""

from __future__ import annotations

from datetime import date

from assumptions import COAL_CARBON, COAL_HEAT, SYNTHETIC, YEARS
from park_record import Park

PRICES: dict[str, float] = {
    # energy, CNY per t, 10^4 Nm3, MWh or GJ
    "bituminous_coal": 860.0, "anthracite": 1_250.0, "natural_gas": 32_000.0, "biomass_solid": 520.0, "diesel": 7_300.0,
    "gasoline": 8_100.0, "lng": 5_100.0, "electricity": 680.0, "electricity_direct_nonfossil": 560.0, "steam": 215.0,
    "heat": 62.0,
    # water, CNY per m3
    "river_water": 0.4, "industrial_water": 2.6, "reclaimed_water": 1.9, "demineralised_water": 9.0, "soft_water": 4.2,
    "condensate": 6.0,
    # materials and products, CNY per t
    "limestone": 75.0, "lime": 520.0, "methanol": 2_450.0, "ammonia": 3_300.0, "ammonia_solution": 980.0,
    "sulphur": 1_050.0, "steel_billet": 3_450.0, "steel_product": 4_150.0, "steel_scrap": 2_600.0,
    "grey_fabric": 21_000.0, "textiles": 33_500.0, "dyestuff": 46_000.0, "urea": 2_350.0, "caustic_soda": 3_100.0,
    "salt": 420.0, "sodium_sulphate": 620.0, "hydrochloric_acid": 480.0, "sulphuric_acid": 650.0,
    "phosphoric_acid": 6_800.0, "fine_chemical": 38_000.0, "organic_solvent": 7_600.0, "pharmaceutical": 380_000.0,
    "pulp": 4_800.0, "waste_paper": 1_650.0, "clay": 700.0, "paper": 4_900.0, "food_ingredients": 3_300.0,
    "food_product": 7_900.0, "industrial_food_waste": 180.0, "aluminium_ingot": 18_600.0, "aluminium_scrap": 14_800.0,
    "aluminium_product": 24_500.0, "nickel_salt": 34_000.0, "chromium_salt": 17_500.0,
    "zinc_phosphate_salt": 12_500.0, "coating": 16_500.0, "car_parts": 42_000.0, "bricks": 150.0, "fly_ash": 60.0,
    "boiler_slag": 15.0, "fgd_gypsum": 45.0,
    # pieces
    "vehicle": 81_000.0, "electronics": 74.0,
}  # fmt: skip

TREATMENT_COSTS: dict[str, float] = {
    "industrial_wastewater": 6.5, "rinse_water": 0.8, "concentrated_brine": 3.2, "sludge_liquor": 1.2,
    "hazardous_waste": 3_200.0, "electroplating_sludge": 1_800.0, "waste_acid": 650.0, "sewage_sludge": 420.0,
    "boiler_slag": 30.0, "industrial_solid_waste": 150.0, "industrial_textile_waste": 260.0,
    "industrial_paper_waste": 120.0, "incineration_fly_ash": 1_500.0,
}  # fmt: skip
"""CNY per t or m3 that the one who gives a waste away pays."""

SYSTEM_COSTS: dict[str, float] = {
    "dyeing_softening": 160.0, "dye_house": 3_900.0, "finishing": 2_700.0, "rinse_recovery": 210.0,
    "water_works": 320.0, "equalisation": 60.0, "aerobic_tanks": 900.0, "sludge_dewatering": 180.0,
    "reclamation": 640.0, "chp_units": 3_600.0, "chp_desulphurisation": 520.0, "chp_cooling": 140.0,
    "chp_demineralisation": 190.0, "methanol_unit": 2_900.0, "ammonia_unit": 3_300.0, "chemicals_cooling": 220.0,
    "chemicals_demineralisation": 260.0, "lime_kiln": 900.0, "brick_line": 310.0, "pickling_line": 780.0,
}  # fmt: skip
"""Labour, depreciation and maintenance of a process, 10^4 CNY in the first year."""

CARBON: dict[str, float] = {
    "grey_fabric": 0.43, "textiles": 0.43, "industrial_textile_waste": 0.43, "pulp": 0.42, "waste_paper": 0.38,
    "paper": 0.375, "industrial_paper_waste": 0.30, "food_ingredients": 0.12, "food_product": 0.125,
    "industrial_food_waste": 0.10, "organic_solvent": 0.55, "volatile_organic_compounds": 0.75, "coating": 0.55,
    "dyestuff": 0.50, "steel_billet": 0.0018, "steel_product": 0.0018, "steel_scrap": 0.0018, "clay": 0.0,
    "bricks": 0.0, "ammonia_solution": 0.0, "fine_chemical": 0.35, "pharmaceutical": 0.60, "car_parts": 0.08,
}  # fmt: skip
"""t C per t."""

PHYSICAL: tuple[tuple[str, str, str | None, float, str, float], ...] = (
    ("natural_gas", "density", None, 0.000717, "t/Nm3", 0.01),
    ("biogas", "density", None, 0.00115, "t/Nm3", 0.05),
    ("bituminous_coal", "ash", None, 0.20, "1", 0.05),
    ("anthracite", "ash", None, 0.16, "1", 0.05),
    ("biomass_solid", "ash", None, 0.03, "1", 0.10),
    ("biogas", "ash", None, 0.0, "1", 0.0),
    ("sewage_sludge", "water_content", None, 0.80, "m3/t", 0.03),
    ("ammonia_solution", "water_content", None, 0.75, "m3/t", 0.01),
    ("methanol", "water_content", None, 0.70, "m3/t", 0.02),
    ("ammonia", "water_content", None, 1.42, "m3/t", 0.02),
    ("vehicle", "unit_mass", None, 1.2, "t/piece", 0.02),
    ("electronics", "unit_mass", None, 1e-6, "t/piece", 0.10),
)

COAL_START, TANK_START = 21_000.0, 2_400.0
"""Coal in the yard and methanol in the tanks on the first day, t."""
TANK_CHANGE = (350.0, -500.0, 200.0)
"""Increase of the methanol in the tanks in each year, t."""


def _property(park: Park, commodity: str, name: str, value: float, unit: str, share: float | None = None) -> None:
    ranged = share is not None and value
    park.add(
        "properties", commodity=commodity, property=name, value=value, unit=unit,
        low=float(f"{value * (1 - (share or 0)):.6g}") if ranged else None,
        high=float(f"{value * (1 + (share or 0)):.6g}") if ranged else None, status="primary",
        source="price list (synthetic)" if unit.startswith("CNY") else "laboratory (synthetic)", note=SYNTHETIC,
    )  # fmt: skip


def _unit(park: Park, units: dict[str, str], commodity: str) -> str:
    own = {str(row["id"]): str(row["unit"]) for row in park.tables["commodities"]}
    return own.get(commodity) or units[commodity]


def add(park: Park, units: dict[str, str]) -> None:
    """Append prices, costs and properties; `units` are those of the catalogue's commodities."""
    for commodity, price in PRICES.items():
        _property(park, commodity, "price", price, f"CNY/{_unit(park, units, commodity)}")
    for commodity, cost in TREATMENT_COSTS.items():
        _property(park, commodity, "treatment_cost", cost, f"CNY/{_unit(park, units, commodity)}")
    for commodity, value in CARBON.items():
        _property(park, commodity, "carbon_fraction", value, "tC/t", 0.03)
    for commodity, name, _, value, unit, share in PHYSICAL:
        _property(park, commodity, name, value, unit, share)
    for node, cost in SYSTEM_COSTS.items():
        for year in YEARS:
            park.add(
                "statistics", node=node, period_start=date(year, 1, 1), period_end=date(year + 1, 1, 1),
                variable="system_cost", value=round(cost * 1.03 ** (year - YEARS[0]), 1), unit="万元", note=SYNTHETIC,
            )  # fmt: skip


def stores(park: Park) -> None:
    """The coal yard and the methanol tanks: what comes in, what goes out, and the level at the turn of each year."""
    used = park.yearly("chp.coal")
    bought = [
        row["amount"] for row in park.tables["flows"] if row["stream"] == "chp.coal" and row["method"] == "invoiced"
    ]
    park.stream("coal_yard.coal", "fuel_market", "coal_yard", "bituminous_coal", "storage",
                note="coal bought, of which chp.coal is burnt")  # fmt: skip
    park.observe("coal_yard.coal", [10_000.0 * float(str(amount)) for amount in bought], "t", "invoiced", 0.0)
    coal = [COAL_START]
    for year in YEARS:
        for name, value, unit in (
            ("ncv", COAL_HEAT[year], "GJ_LHV/t"), ("carbon_content", COAL_CARBON[year], "tC/GJ_LHV"),
        ):  # fmt: skip
            park.add(
                "properties", commodity="bituminous_coal", property=name, node="coal_yard", value=value, unit=unit,
                valid_from=date(year, 1, 1), valid_to=date(year + 1, 1, 1), low=round(0.985 * value, 6),
                high=round(1.015 * value, 6), status="primary", source="monthly samples (synthetic)",
                evidence="records.chp", note=SYNTHETIC,
            )  # fmt: skip
    for amount, burnt in zip(bought, used, strict=True):
        coal.append(coal[-1] + 10_000.0 * float(str(amount)) - burnt)
    made = park.yearly("chemicals.methanol")
    park.stream("methanol_tank.sales", "methanol_tank", "product_market", "methanol", "sale")
    park.observe(
        "methanol_tank.sales", [amount - change for amount, change in zip(made, TANK_CHANGE, strict=True)], "t",
        "metered", 0.003, digits=0,
    )  # fmt: skip
    tank = [TANK_START]
    for change in TANK_CHANGE:
        tank.append(tank[-1] + change)
    for node, commodity, levels, share, firm in (
        ("coal_yard", "bituminous_coal", coal, 0.03, "chp"), ("methanol_tank", "methanol", tank, 0.01, "chemicals"),
    ):  # fmt: skip
        for year, level in zip((*YEARS, YEARS[-1] + 1), levels, strict=True):
            seen = round(level * park.error(share / 2))
            park.add(
                "stocks", node=node, commodity=commodity, time=date(year, 1, 1), level=float(seen), unit="t",
                low=round(seen * (1 - share), 1), high=round(seen * (1 + share), 1), evidence=f"records.{firm}",
                note=SYNTHETIC,
            )  # fmt: skip
