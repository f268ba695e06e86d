"""Write the synthetic park "twelve firms": the data package of this folder, the same one at every run.

Nothing here is measured: yearly amounts are round figures of the size that such plants have, months follow a season and
a small random spread from a fixed seed, and what must balance is computed. The heat and power plant closes in every
month: fuel (amount x lower heating value) = steam + heat + power + named loss.

Run as ``python examples/twelve-firms/generate.py [FOLDER]``; FOLDER defaults to the one that holds this file.
"""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path

import materials
import process_nodes
import solutes
import water_network
import worth
from assumptions import (
    COAL_CARBON,
    COAL_HEAT,
    ECONOMY,
    EFFICIENCY,
    FIRMS,
    GAS_HEAT,
    GAS_SHARE,
    GRID_POWER,
    HOT_WATER,
    MONTHLY,
    OUTSIDE,
    OWNER,
    PLANT_POWER,
    STEAM,
    STEAM_ENTHALPY,
    STREAMS,
    SYNTHETIC,
    TECHNOLOGY,
    TITLE,
    UNITS_INSIDE,
    YEARLY,
    YEARS,
    Monthly,
    Stream,
)
from park_record import SEED, Park, next_month, year_of

from ecopark.catalogue import load_catalogue
from ecopark.model.record import Record
from ecopark.storage.folder import write_folder


def places(park: Park) -> None:
    """Nodes and boundaries."""
    park.add(
        "nodes", id="twelve_firms", kind="park", region="CN-JS",
        name_zh="十二企示例园区（合成）", name_en="Twelve Firms Park (synthetic)",
        note=f"{SYNTHETIC}: made-up figures, no real park. 数据均为虚构。",
    )  # fmt: skip
    for zone, zh, en in (
        ("process_zone", "流程工业片区（合成）", "Process-industry zone (synthetic)"),
        ("discrete_zone", "离散工业与服务片区（合成）", "Discrete-industry and service zone (synthetic)"),
        ("utility_zone", "公用工程片区（合成）", "Utility zone (synthetic)"),
    ):
        park.add("nodes", id=zone, parent="twelve_firms", kind="zone", name_zh=zh, name_en=en, note=SYNTHETIC)
    for firm, zone, zh, en, sector in FIRMS:
        park.add(
            "nodes", id=firm, parent=zone, kind="firm", name_zh=f"{zh}（合成）", name_en=f"{en} (synthetic)",
            sector=sector, note=SYNTHETIC,
        )  # fmt: skip
    for unit, firm, kind, zh, en in UNITS_INSIDE:
        park.add("nodes", id=unit, parent=firm, kind=kind, name_zh=zh, name_en=en, note=SYNTHETIC)
    for node, kind, zh, en in OUTSIDE:
        park.add("nodes", id=node, kind=kind, name_zh=zh, name_en=en)
    park.add(
        "boundaries", id="process_firms", name_zh="流程工业片区", name_en="Process-industry zone", rule="subtree",
        nodes="process_zone", note=SYNTHETIC,
    )  # fmt: skip
    park.add(
        "boundaries", id="green_core", name_zh="园中园：整车、集成电路、数据中心",
        name_en="Park in park: car assembly, chips, data centre", rule="subtree",
        nodes="car_assembly;electronics;data_centre", note=SYNTHETIC,
    )  # fmt: skip
    park.add(
        "boundaries", id="without_power_plant", name_zh="不含热电厂", name_en="Without the heat and power plant",
        rule="subtree", nodes="process_zone;discrete_zone;waste_water", note=SYNTHETIC,
    )  # fmt: skip
    park.add(
        "commodities", id="lost_heat", name_zh="散热与排烟损失", name_en="Heat lost to air and flue gas",
        group="energy_medium", unit="GJ", note="Closes the balance of the heat and power plant; nobody uses it.",
    )  # fmt: skip
    for firm, _, zh, en, _ in FIRMS:
        park.add(
            "evidence", id=f"records.{firm}", title=f"Synthetic records of {en.lower()} {zh}合成台账", kind="synthetic",
            reference="examples/twelve-firms/generate.py", note=f"{SYNTHETIC}; seed {SEED}",
        )  # fmt: skip


def streams(park: Park) -> None:
    """The lasting identities of the flows."""
    every: list[Stream] = list(STREAMS)
    every += [(f"{firm}.steam", "chp_units", firm, "steam", "supply") for firm in STEAM]
    every += [(f"{firm}.hot_water", "chp_units", firm, "heat", "supply") for firm in HOT_WATER]
    every += [(f"{firm}.plant_power", "chp_units", firm, "electricity", "supply") for firm in PLANT_POWER]
    every += [(f"{firm}.grid_power", "grid", firm, "electricity", "supply") for firm in (*GRID_POWER, "data_centre")]
    for stream, source, target, commodity, activity in every:
        park.add(
            "streams", id=stream, source=source, target=target, commodity=commodity, activity=activity,
            technology=TECHNOLOGY.get(stream), owner=OWNER.get(stream), note=SYNTHETIC,
        )  # fmt: skip
    park.add(
        "streams", id="chemicals.methanol_steam", source="chp_units", target="methanol_unit", commodity="steam",
        activity="supply", part_of="chemicals.steam", note=f"{SYNTHETIC}; sub-meter inside chemicals.steam",
    )  # fmt: skip
    park.add(
        "streams", id="data_centre.cooling_power", source="grid", target="server_cooling", commodity="electricity",
        activity="supply", part_of="data_centre.grid_power",
        note=f"{SYNTHETIC}; sub-meter inside data_centre.grid_power",
    )  # fmt: skip


def heat_and_power_plant(park: Park) -> None:
    """Sales by month, the fuel that they take at the plant's efficiency, and the loss that closes the balance."""
    output: dict[date, float] = {}

    def sell(spec: Monthly, energy: float) -> dict[date, float]:
        amounts = park.months(spec)
        park.record(spec, amounts)
        for start, amount in amounts.items():
            output[start] = output.get(start, 0.0) + amount * energy
        return amounts

    for firm, amount in STEAM.items():
        season = "winter" if firm in ("dyeing", "food") else "flat"
        sold = sell(Monthly(f"{firm}.steam", amount, "t", 0.015, season, 0, half_range=0.02), STEAM_ENTHALPY)
        if firm == "chemicals":
            part = {start: float(round(0.55 * amount)) for start, amount in sold.items()}
            park.record(Monthly("chemicals.methanol_steam", 0.0, "t", digits=0, half_range=0.02), part)
    for firm, amount in HOT_WATER.items():
        sell(Monthly(f"{firm}.hot_water", amount, "GJ", 0.01, "winter", 0, half_range=0.02), 1.0)
    sell(Monthly("chp.town_heat", 180_000.0, "GJ", 0.03, "heating", 0, half_range=0.02), 1.0)
    for firm, amount in PLANT_POWER.items():
        sell(Monthly(f"{firm}.plant_power", amount, "MWh", 0.01), 3.6)
    sell(Monthly("chp.power_to_grid", 18_000.0, "MWh", 0.0, "summer"), 3.6)

    coal, gas, loss = {}, {}, {}
    for start, energy in output.items():
        fuel = energy / (EFFICIENCY + park.random.uniform(-0.01, 0.01))
        gas[start] = round(fuel * GAS_SHARE[start.year] / GAS_HEAT, 2)
        coal[start] = round((fuel - gas[start] * GAS_HEAT) / COAL_HEAT[start.year], 1)
        loss[start] = round(gas[start] * GAS_HEAT + coal[start] * COAL_HEAT[start.year] - energy, 2)
    scale = "coal_belt_scale"
    park.record(Monthly("chp.coal", 0.0, "t", half_range=0.02, group=scale), coal)
    park.record(Monthly("chp.gas", 0.0, "万Nm³", digits=2, half_range=0.01, group="gas_meter_station"), gas)
    park.record(Monthly("chp.loss", 0.0, "GJ", digits=2, method="calculated", half_range=None), loss)
    for year in YEARS:
        start, end = year_of(year)
        bought = round(sum(amount for day, amount in coal.items() if day.year == year) * 1.012 / 10_000, 4)
        park.flow("chp.coal", start, end, bought, "万t", "invoiced", note="Coal bought, with what went into the yard")


def power(park: Park) -> None:
    """Power from the grid, the wind line and the roof; the data centre by two methods."""
    for firm, amount in GRID_POWER.items():
        season = "summer" if firm in ("electronics", "food") else "flat"
        spec = Monthly(f"{firm}.grid_power", amount, "MWh", 0.02, season, half_range=0.005, group="grid_meters")
        park.record(spec, park.months(spec))
    spec = Monthly("data_centre.grid_power", 165_000.0, "MWh", 0.04, "summer", half_range=0.005, group="grid_meters")
    metered = park.months(spec)
    park.record(spec, metered)
    for start, amount in metered.items():
        billed = round(amount * park.random.uniform(0.996, 1.006) / 10, 2)
        park.flow(spec.stream, start, next_month(start), billed, "万kWh", "invoiced", note="Bill, read on the 25th")
    cooling = {start: round(0.26 * amount, 1) for start, amount in metered.items()}
    park.record(Monthly("data_centre.cooling_power", 0.0, "MWh", half_range=0.01), cooling)
    for stream, amount, growth in (("chemicals.wind", 30_000.0, 0.10), ("data_centre.wind", 40_000.0, 0.25)):
        spec = Monthly(stream, amount, "MWh", growth, "flat", half_range=0.005, group="wind_line_meter")
        park.record(spec, park.months(spec))
    made = park.months(Monthly("car_pv.generation", 21_000.0, "MWh", 0.05, "solar"))
    sold = {start: round(0.24 * amount, 1) for start, amount in made.items()}
    exported = {start: round(0.03 * amount, 1) for start, amount in made.items()}
    used = {start: round(made[start] - sold[start] - exported[start], 1) for start in made}
    for stream, amounts in (
        ("car_pv.generation", made),
        ("car_pv_to_electronics.power", sold),
        ("car_pv.to_grid", exported),
        ("car_pv.own_use", used),
    ):
        park.record(Monthly(stream, 0.0, "MWh", half_range=0.005, group="pv_meters"), amounts)


def other_flows(park: Park) -> None:
    """Fuels and heat of the firms by month, everything else by year, and statements of what is missing or absent."""
    for monthly in MONTHLY:
        park.record(monthly, park.months(monthly))
    for spec in YEARLY:
        for year, amount in zip(YEARS, spec.amounts, strict=True):
            park.flow(
                spec.stream, *year_of(year), amount, spec.unit, spec.method, low=spec.low, high=spec.high,
                distribution=spec.distribution, correlation_group=spec.group, note=spec.note,
            )  # fmt: skip
    for year, amount in ((2021, 5_400.0), (2022, 5_250.0)):
        park.flow(
            "logistics.diesel", *year_of(year), amount, "t", "estimated", low=0.9, high=1.1, distribution="normal"
        )
    park.flow(
        "logistics.diesel", *year_of(2023), None, None, "estimated", notation="NE",
        note="The firm has not handed in its fuel of 2023. 该企业尚未报送 2023 年用油。",
    )  # fmt: skip
    absent: tuple[tuple[Stream, str, str], ...] = (
        (("no.outside_heat", "town_heating", "twelve_firms", "heat", "supply"), "NO", "No heat is bought outside."),
        (("no.refining", "fuel_market", "twelve_firms", "crude_oil", "conversion_input"), "NO", "No refining."),
        (("aluminium_parts.diesel", "fuel_market", "aluminium_parts", "diesel", "mobile"), "IE",
         "The haulier's fuel: inside logistics.diesel."),
    )  # fmt: skip
    for (stream, source, target, commodity, activity), key, note in absent:
        owner = "chp" if target == "twelve_firms" else target
        park.add(
            "streams", id=stream, source=source, target=target, commodity=commodity, activity=activity, owner=owner,
            note=SYNTHETIC,
        )  # fmt: skip
        for year in YEARS:
            park.flow(stream, *year_of(year), None, None, "estimated", notation=key, note=note)


def properties(park: Park) -> None:
    """What the park has measured itself: heating values, carbon, steam enthalpy, two process factors, with ranges."""
    for year in YEARS:
        start, end = year_of(year)
        for name, value, unit, share in (
            ("ncv", COAL_HEAT[year], "GJ_LHV/t", 0.015),
            ("carbon_content", COAL_CARBON[year], "tC/GJ_LHV", 0.02),
        ):
            park.add(
                "properties", commodity="bituminous_coal", property=name, stream="chp.coal", value=value, unit=unit,
                valid_from=start, valid_to=end, low=round(value * (1 - share), 6), high=round(value * (1 + share), 6),
                status="primary", source="monthly samples (synthetic)", evidence="records.chp", note=SYNTHETIC,
            )  # fmt: skip
    park.add(
        "properties", commodity="bituminous_coal", property="oxidation", stream="chp.coal", value=0.98, unit="1",
        low=0.96, high=0.99, status="primary", source="carbon in ash (synthetic)", evidence="records.chp",
        note=SYNTHETIC,
    )  # fmt: skip
    park.add(
        "properties", commodity="natural_gas", property="ncv", value=GAS_HEAT, unit="GJ_LHV/万Nm³",
        low=350.0, high=360.0, status="primary", source="gas supplier's analysis (synthetic)", evidence="records.chp",
        note=SYNTHETIC,
    )  # fmt: skip
    park.add(
        "properties", commodity="steam", property="net_enthalpy", value=STEAM_ENTHALPY, unit="GJ/t",
        low=2.70, high=2.80, status="primary", source="pressure and temperature at the header (synthetic)",
        evidence="records.chp", note=SYNTHETIC,
    )  # fmt: skip
    for commodity, value, unit, low, high in (
        ("biomass_solid", 14.5, "GJ_LHV/t", 13.0, 16.0),
        ("biogas", 215.0, "GJ_LHV/万Nm³", 200.0, 230.0),
    ):
        park.add(
            "properties", commodity=commodity, property="ncv", node="paper", value=value, unit=unit, low=low, high=high,
            status="primary", source="laboratory (synthetic)", evidence="records.paper", note=SYNTHETIC,
        )  # fmt: skip
    for factor, commodity, technology, value, low, high, note in (
        (
            "chemicals.methanol.co2",
            "methanol",
            "natural_gas",
            0.22,
            0.17,
            0.27,
            "Carbon of the feed gas less carbon in the product. 原料气碳减产品碳。",
        ),
        (
            "chemicals.ammonia.co2",
            "ammonia",
            "coal",
            3.3,
            3.1,
            3.5,
            "Carbon of the feed coal less carbon in ash. 原料煤碳减灰渣碳。",
        ),
    ):
        park.add(
            "factors", id=factor, quantity="emission_factor", commodity=commodity, gas="CO2", technology=technology,
            node="chemicals", value=value, unit="tCO2/t", low=low, high=high, status="primary",
            source="mass balance of the plant (synthetic)", evidence="records.chemicals", note=f"{SYNTHETIC}. {note}",
        )  # fmt: skip


def registers(park: Park) -> None:
    """Statistics by firm and year, the park's guiding rates, and the register of certificates."""
    for firm, (value_added, output_value, employees) in ECONOMY.items():
        for year in YEARS:
            start, end = year_of(year)
            growth = (1 + 0.045 + park.random.uniform(-0.02, 0.02)) ** (year - YEARS[0])
            for variable, value, unit in (
                ("value_added", float(round(value_added * growth)), "万元"),
                ("output_value", float(round(output_value * growth)), "万元"),
                ("employees", float(round(employees * (1 + 0.01 * (year - YEARS[0])))), "人"),
            ):
                park.add(
                    "statistics", node=firm, period_start=start, period_end=end, variable=variable, value=value,
                    unit=unit, evidence=f"records.{firm}", note=SYNTHETIC,
                )  # fmt: skip
    for variable, values in (
        ("solid_waste_utilisation", (88.0, 90.5, 92.0)),
        ("waste_heat_utilisation", (41.0, 46.0, 52.0)),
        ("water_reuse", (76.0, 79.0, 82.5)),
        ("clean_energy_share", (38.0, 43.0, 49.0)),
    ):
        for year, value in zip(YEARS, values, strict=True):
            start, end = year_of(year)
            park.add(
                "statistics", node="twelve_firms", period_start=start, period_end=end, variable=variable, value=value,
                unit="%", note=SYNTHETIC,
            )  # fmt: skip
    for number, kind, holder, retired_for, year, volume, unit in (
        ("GC-2022-0001", "green_certificate", "data_centre", None, 2022, 45_000.0, "MWh"),
        ("GC-2023-0001", "green_certificate", "data_centre", None, 2023, 6_000.0, "万kWh"),
        ("GC-2023-0002", "green_certificate", "chp", "electronics", 2023, 12_000.0, "MWh"),
        ("GP-2022-0007", "green_power_trade", "car_assembly", None, 2022, 8_000.0, "MWh"),
        ("GP-2023-0003", "green_power_trade", "car_assembly", None, 2023, 15_000.0, "MWh"),
    ):
        start, end = year_of(year)
        park.add(
            "certificates", id=number, kind=kind, holder=holder, retired_for=retired_for, period_start=start,
            period_end=end, volume=volume, unit=unit, evidence=f"records.{holder}", note=SYNTHETIC,
        )  # fmt: skip


def metabolism(park: Park) -> None:
    """Water, materials, contents, stores and prices; drawn after the energy part, which they do not change."""
    process_nodes.add(park)
    found = materials.materials(park)
    water = water_network.volumes(park, found.bound)
    water_network.add(park, water)
    materials.add(park, found)
    worth.stores(park)
    solutes.add(park, found, water)
    worth.add(park, dict(load_catalogue().commodities.select("id", "unit").iter_rows()))


def build() -> Park:
    """The whole park, always the same."""
    park = Park()
    places(park)
    streams(park)
    heat_and_power_plant(park)
    power(park)
    other_flows(park)
    properties(park)
    registers(park)
    metabolism(park)
    return park


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
    for written in write_folder(Record.of(**build().tables), target, name="twelve-firms", title=TITLE):
        print(written)
