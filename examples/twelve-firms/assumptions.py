"""What the synthetic park is made of: its firms, the streams between them, yearly amounts.

Round figures of the size that such plants have; `generate.py` turns them into the tables of the record.
"""

from __future__ import annotations

from dataclasses import dataclass

YEARS = (2021, 2022, 2023)
MONTHS = range(1, 13)

COAL_HEAT = {2021: 20.9, 2022: 21.1, 2023: 20.6}
"""Lower heating value of the power plant's coal by year, GJ/t."""
COAL_CARBON = {2021: 0.0264, 2022: 0.0262, 2023: 0.0265}
"""Carbon content of that coal by year, tC/GJ."""
GAS_HEAT = 355.0
"""Lower heating value of the pipeline gas, GJ per 10^4 Nm3."""
STEAM_ENTHALPY = 2.75
"""Net enthalpy of the steam sold, GJ/t."""
EFFICIENCY = 0.80
"""Steam, heat and power over fuel of the heat and power plant."""
GAS_SHARE = {2021: 0.12, 2022: 0.22, 2023: 0.35}
"""Share of gas in the plant's fuel heat: the plant turns from coal to gas."""

FLAT = (1.00, 0.82, 1.03, 1.03, 1.02, 1.00, 0.99, 0.99, 1.02, 1.03, 1.04, 1.03)
WINTER = (1.45, 1.25, 1.10, 0.90, 0.85, 0.80, 0.78, 0.78, 0.85, 0.95, 1.09, 1.20)
HEATING = (3.00, 2.60, 1.60, 0.20, 0.00, 0.00, 0.00, 0.00, 0.00, 0.20, 1.60, 2.80)
SUMMER = (0.93, 0.80, 0.95, 0.96, 1.02, 1.08, 1.16, 1.15, 1.05, 0.98, 0.96, 0.96)
SOLAR = (0.65, 0.74, 0.98, 1.13, 1.24, 1.16, 1.28, 1.22, 1.05, 0.97, 0.82, 0.76)

SEASONS = {"flat": FLAT, "winter": WINTER, "heating": HEATING, "summer": SUMMER, "solar": SOLAR}


@dataclass(frozen=True, slots=True)
class Monthly:
    """A stream known by month: yearly amount of the first year, growth a year, season, rounding, half range (share)."""

    stream: str
    amount: float
    unit: str
    growth: float = 0.02
    season: str = "flat"
    digits: int = 1
    method: str = "metered"
    half_range: float | None = 0.01
    group: str | None = None


@dataclass(frozen=True, slots=True)
class Yearly:
    """A stream known by year: one amount a year, method and the 95 % range as shares of the amount."""

    stream: str
    amounts: tuple[float, float, float]
    unit: str
    method: str = "invoiced"
    low: float | None = None
    high: float | None = None
    distribution: str | None = None
    group: str | None = None
    note: str | None = None


FIRMS: tuple[tuple[str, str, str, str, str], ...] = (
    ("lime", "process_zone", "石灰厂", "Lime works", "C3012"),
    ("chemicals", "process_zone", "甲醇合成氨企业", "Methanol and ammonia maker", "C2614"),
    ("steel_rolling", "process_zone", "轧钢企业", "Steel rolling mill", "C3130"),
    ("dyeing", "process_zone", "印染企业", "Dyeing mill", "C1713"),
    ("pharma", "process_zone", "原料药企业", "Active-ingredient maker", "C2710"),
    ("paper", "process_zone", "造纸企业", "Paper mill", "C2221"),
    ("food", "process_zone", "速冻食品企业", "Frozen-food maker", "C1432"),
    ("aluminium_parts", "discrete_zone", "铝合金部件企业", "Aluminium-parts maker", "C3392"),
    ("car_assembly", "discrete_zone", "整车企业", "Car assembly", "C3612"),
    ("electronics", "discrete_zone", "集成电路企业", "Chip maker", "C3973"),
    ("data_centre", "discrete_zone", "数据中心", "Data centre", "I6450"),
    ("logistics", "discrete_zone", "物流企业", "Logistics firm", "G5431"),
    ("chp", "utility_zone", "热电厂", "Heat and power plant", "D4412"),
    ("waste_water", "utility_zone", "污水处理厂", "Waste-water plant", "D4620"),
)

UNITS_INSIDE: tuple[tuple[str, str, str, str, str], ...] = (
    ("lime_kiln", "lime", "process", "石灰窑", "Lime kiln"),
    ("methanol_unit", "chemicals", "process", "甲醇装置", "Methanol unit"),
    ("ammonia_unit", "chemicals", "process", "合成氨装置", "Ammonia unit"),
    ("reheating_furnace", "steel_rolling", "process", "加热炉", "Reheating furnace"),
    ("pharma_incinerator", "pharma", "equipment", "危险废物焚烧炉", "Hazardous-waste incinerator"),
    ("biomass_boiler", "paper", "equipment", "生物质锅炉", "Biomass boiler"),
    ("paper_digester", "paper", "process", "厌氧预处理", "Anaerobic pre-treatment"),
    ("car_pv", "car_assembly", "equipment", "屋顶光伏", "Rooftop PV"),
    ("server_cooling", "data_centre", "equipment", "机房制冷", "Server cooling"),
    ("chp_units", "chp", "process", "锅炉与汽轮发电机组", "Boilers and turbine sets"),
    ("aerobic_tanks", "waste_water", "process", "好氧池", "Aerobic tanks"),
)

OUTSIDE: tuple[tuple[str, str, str, str], ...] = (
    ("grid", "market", "电网", "Electricity grid"),
    ("wind_line", "market", "风电直供专线", "Direct line from a wind farm"),
    ("fuel_market", "market", "燃料市场", "Fuel market"),
    ("material_market", "market", "原材料市场", "Material market"),
    ("product_market", "market", "产品市场", "Product market"),
    ("town_heating", "market", "城镇供热管网", "Heating network of the town"),
    ("waste_contractors", "market", "园外废物处理单位", "Waste contractors outside the park"),
    ("sun", "environment", "太阳辐射", "Sunlight"),
    ("air", "environment", "大气", "Air"),
)

FIRM_OF: dict[str, str] = {firm[0]: firm[0] for firm in FIRMS} | {unit[0]: unit[1] for unit in UNITS_INSIDE}

TITLE = "十二企示例园区（合成） Twelve Firms Park (synthetic)"
SYNTHETIC = "synthetic 合成"

Stream = tuple[str, str, str, str, str]

STREAMS: tuple[Stream, ...] = (
    # heat and power plant: fuels, sales inside and outside, loss
    ("chp.coal", "coal_yard", "chp_units", "bituminous_coal", "chp"),
    ("chp.gas", "fuel_market", "chp_units", "natural_gas", "chp"),
    ("chp.limestone", "material_market", "chp_units", "limestone", "process_input"),
    ("chp.town_heat", "chp_units", "town_heating", "heat", "sale"),
    ("chp.power_to_grid", "chp_units", "grid", "electricity", "sale"),
    ("chp.loss", "chp_units", "air", "lost_heat", "loss"),
    # fuels of the firms
    ("lime.coal", "fuel_market", "lime_kiln", "anthracite", "final_use"),
    ("chemicals.gas_feed", "fuel_market", "methanol_unit", "natural_gas", "feedstock"),
    ("chemicals.gas_fuel", "fuel_market", "methanol_unit", "natural_gas", "final_use"),
    ("chemicals.coal_feed", "fuel_market", "ammonia_unit", "anthracite", "feedstock"),
    ("steel_rolling.gas", "fuel_market", "reheating_furnace", "natural_gas", "final_use"),
    ("aluminium_parts.gas", "fuel_market", "aluminium_parts", "natural_gas", "final_use"),
    ("dyeing.gas", "fuel_market", "dyeing", "natural_gas", "final_use"),
    ("food.gas", "fuel_market", "food", "natural_gas", "final_use"),
    ("car_assembly.gas", "fuel_market", "car_assembly", "natural_gas", "final_use"),
    ("paper.biomass", "fuel_market", "biomass_boiler", "biomass_solid", "final_use"),
    ("paper.biogas", "paper_digester", "biomass_boiler", "biogas", "final_use"),
    ("pharma.diesel", "fuel_market", "pharma_incinerator", "diesel", "final_use"),
    ("data_centre.diesel", "fuel_market", "data_centre", "diesel", "final_use"),
    ("car_assembly.gasoline", "fuel_market", "car_assembly", "gasoline", "mobile"),
    ("steel_rolling.diesel", "fuel_market", "steel_rolling", "diesel", "mobile"),
    ("logistics.diesel", "fuel_market", "logistics", "diesel", "mobile"),
    ("logistics.lng", "fuel_market", "logistics", "lng", "mobile"),
    ("logistics.bunker", "fuel_market", "logistics", "diesel", "bunker"),
    # neighbours sell to each other
    ("steel_to_dyeing.heat", "reheating_furnace", "dyeing", "heat", "transfer"),
    ("steel_to_food.heat", "reheating_furnace", "food", "heat", "transfer"),
    ("car_pv.generation", "sun", "car_pv", "electricity_direct_nonfossil", "supply"),
    ("car_pv.own_use", "car_pv", "car_assembly", "electricity_direct_nonfossil", "transfer"),
    ("car_pv_to_electronics.power", "car_pv", "electronics", "electricity_direct_nonfossil", "transfer"),
    ("car_pv.to_grid", "car_pv", "grid", "electricity_direct_nonfossil", "sale"),
    # direct wind power
    ("chemicals.wind", "wind_line", "chemicals", "electricity_direct_nonfossil", "supply"),
    ("data_centre.wind", "wind_line", "data_centre", "electricity_direct_nonfossil", "supply"),
    # processes
    ("lime.product", "lime_kiln", "product_market", "lime", "production"),
    ("chemicals.methanol", "methanol_unit", "methanol_tank", "methanol", "production"),
    ("chemicals.ammonia", "ammonia_unit", "product_market", "ammonia", "production"),
    ("steel_rolling.product", "steel_rolling", "product_market", "steel_product", "production"),
    ("dyeing.product", "dyeing", "product_market", "textiles", "production"),
    ("pharma.product", "pharma", "product_market", "pharmaceutical", "production"),
    ("paper.product", "paper", "product_market", "paper", "production"),
    ("food.product", "food", "product_market", "food_product", "production"),
    ("aluminium_parts.product", "aluminium_parts", "product_market", "aluminium_product", "production"),
    ("car_assembly.product", "car_assembly", "product_market", "vehicle", "production"),
    ("electronics.product", "electronics", "product_market", "electronics", "production"),
    # waste and waste water
    ("pharma.hazardous_waste", "pharma", "pharma_incinerator", "hazardous_waste", "treatment"),
    ("waste_water.cod", "process_zone", "aerobic_tanks", "wastewater_cod_removed", "treatment"),
    ("car_assembly.cod", "car_assembly", "aerobic_tanks", "wastewater_cod_removed", "treatment"),
    ("electronics.cod", "electronics", "aerobic_tanks", "wastewater_cod_removed", "treatment"),
    ("paper.cod", "paper", "paper_digester", "wastewater_cod_removed", "treatment"),
    ("paper.methane", "paper_digester", "biomass_boiler", "methane", "recovery"),
    ("waste_water.sludge", "aerobic_tanks", "waste_contractors", "sewage_sludge", "treatment"),
    ("steel_rolling.scale", "steel_rolling", "waste_contractors", "industrial_solid_waste", "treatment"),
    ("car_assembly.waste", "car_assembly", "waste_contractors", "industrial_solid_waste", "treatment"),
    # gases that leak
    ("data_centre.r410a", "data_centre", "air", "r410a", "leakage"),
    ("food.r404a", "food", "air", "r404a", "leakage"),
    ("car_assembly.hfc134a", "car_assembly", "air", "hfc_134a", "leakage"),
    ("electronics.nf3", "electronics", "air", "nf3", "leakage"),
    ("electronics.cf4", "electronics", "air", "cf4", "leakage"),
    ("electronics.sf6", "electronics", "air", "sf6", "leakage"),
)

TECHNOLOGY = {
    "chp.limestone": "fgd",
    "lime.product": "high_calcium",
    "chemicals.methanol": "natural_gas",
    "chemicals.ammonia": "coal",
    "pharma.hazardous_waste": "incineration",
    "waste_water.cod": "aerobic",
    "car_assembly.cod": "aerobic",
    "electronics.cod": "aerobic",
    "paper.cod": "anaerobic_reactor",
    "waste_water.sludge": "incineration",
    "steel_rolling.scale": "recycling",
    "car_assembly.waste": "recycling",
}
OWNER = {
    "chp.town_heat": "chp", "chp.power_to_grid": "chp", "chp.loss": "chp", "steel_to_dyeing.heat": "steel_rolling",
    "steel_to_food.heat": "steel_rolling", "car_pv_to_electronics.power": "car_assembly",
    "car_pv.to_grid": "car_assembly", "waste_water.cod": "waste_water",
    "car_assembly.cod": "waste_water", "electronics.cod": "waste_water",
}  # fmt: skip

STEAM = {"chemicals": 280_000.0, "dyeing": 190_000.0, "pharma": 85_000.0, "paper": 310_000.0, "food": 42_000.0}
"""Steam sold by the plant, t a year."""
HOT_WATER = {"car_assembly": 60_000.0, "electronics": 25_000.0}
"""Heat sold by the plant, GJ a year."""
PLANT_POWER = {"chemicals": 42_000.0, "dyeing": 16_000.0, "pharma": 9_000.0, "paper": 52_000.0, "waste_water": 4_500.0}
"""Power sold by the plant inside the park, MWh a year."""
GRID_POWER = {
    "lime": 7_200.0, "chemicals": 60_000.0, "steel_rolling": 55_000.0, "dyeing": 12_000.0, "pharma": 21_000.0,
    "paper": 34_000.0, "food": 15_000.0, "aluminium_parts": 48_000.0, "car_assembly": 62_000.0, "electronics": 88_000.0,
    "logistics": 9_000.0,
}  # fmt: skip
"""Power bought from the grid, MWh a year (the data centre's is made apart, by two methods)."""

MONTHLY: tuple[Monthly, ...] = (
    Monthly("lime.coal", 30_000.0, "t", -0.01, half_range=0.03),
    Monthly("chemicals.gas_feed", 4_800.0, "万Nm³", 0.01, digits=2, group="gas_meter_station"),
    Monthly("chemicals.gas_fuel", 1_600.0, "万Nm³", 0.01, digits=2, group="gas_meter_station"),
    Monthly("chemicals.coal_feed", 50_000.0, "t", 0.0, method="invoiced", half_range=None),
    Monthly("steel_rolling.gas", 1_700.0, "万Nm³", 0.02, digits=2, group="gas_meter_station"),
    Monthly("aluminium_parts.gas", 420.0, "万Nm³", 0.06, digits=2, group="gas_meter_station"),
    Monthly("dyeing.gas", 700.0, "万Nm³", -0.03, digits=2, group="gas_meter_station"),
    Monthly("food.gas", 120.0, "万Nm³", 0.0, "winter", 2, group="gas_meter_station"),
    Monthly("car_assembly.gas", 560.0, "万Nm³", 0.03, "winter", 2, group="gas_meter_station"),
    Monthly("paper.biomass", 18_000.0, "t", 0.05, half_range=0.05),
    Monthly("paper.biogas", 167.0, "万Nm³", 0.02, digits=2, half_range=0.05),
    Monthly("steel_to_dyeing.heat", 90_000.0, "GJ", 0.04, "winter", 0, half_range=0.03),
    Monthly("steel_to_food.heat", 30_000.0, "GJ", 0.02, "winter", 0, half_range=0.03),
    Monthly("logistics.lng", 1_300.0, "t", 0.15, digits=2, method="invoiced", half_range=None),
)

YEARLY: tuple[Yearly, ...] = (
    Yearly("chp.limestone", (5_200, 4_700, 3_900), "t"),
    Yearly("pharma.diesel", (210, 205, 220), "t"),
    Yearly("data_centre.diesel", (62, 58, 71), "t", "estimated", 0.7, 1.3, "triangular", note="Test runs x rated use"),
    Yearly("car_assembly.gasoline", (260, 240, 215), "t"),
    Yearly("steel_rolling.diesel", (95, 97, 96), "t", "estimated", 0.85, 1.15, "uniform"),
    Yearly("logistics.bunker", (1_500, 1_420, 1_610), "t", note="Vessels on international voyages"),
    Yearly("lime.product", (180_000, 176_500, 174_000), "t", "metered", 0.99, 1.01),
    Yearly("chemicals.methanol", (60_000, 60_800, 61_500), "t", "metered", 0.995, 1.005),
    Yearly("chemicals.ammonia", (40_000, 39_800, 40_100), "t", "metered", 0.995, 1.005),
    Yearly("steel_rolling.product", (500_000, 506_000, 512_000), "t", "metered", 0.995, 1.005),
    Yearly("dyeing.product", (36_000, 34_800, 33_900), "t"),
    Yearly("pharma.product", (2_100, 2_190, 2_260), "t"),
    Yearly("paper.product", (240_000, 243_000, 247_000), "t", "metered", 0.995, 1.005),
    Yearly("food.product", (58_000, 57_500, 59_000), "t"),
    Yearly("aluminium_parts.product", (42_000, 44_500, 47_000), "t"),
    Yearly("car_assembly.product", (118_000, 121_500, 126_000), "个"),
    Yearly("electronics.product", (31_000_000, 32_500_000, 33_000_000), "个"),
    Yearly("pharma.hazardous_waste", (3_600, 3_750, 3_900), "t", "metered", 0.97, 1.03),
    Yearly("waste_water.cod", (9_000, 8_900, 8_700), "t", "calculated", 0.85, 1.15, group="laboratory_cod",
           note="Water x (COD in - COD out)"),
    Yearly("car_assembly.cod", (160, 158, 161), "t", "calculated", 0.85, 1.15, group="laboratory_cod"),
    Yearly("electronics.cod", (420, 431, 425), "t", "calculated", 0.85, 1.15, group="laboratory_cod"),
    Yearly("paper.cod", (4_800, 4_850, 4_900), "t", "calculated", 0.85, 1.15, group="laboratory_cod"),
    Yearly("paper.methane", (720, 735, 745), "t", "calculated", 0.95, 1.05),
    Yearly("waste_water.sludge", (12_000, 11_900, 11_700), "t"),
    Yearly("steel_rolling.scale", (9_500, 9_700, 9_900), "t"),
    Yearly("car_assembly.waste", (21_000, 21_300, 21_900), "t"),
    Yearly("data_centre.r410a", (0.60, 0.55, 0.58), "t", "estimated", 0.6, 1.8, group="refrigerant_top_up"),
    Yearly("food.r404a", (0.80, 0.76, 0.70), "t", "estimated", 0.6, 1.8, group="refrigerant_top_up"),
    Yearly("car_assembly.hfc134a", (0.35, 0.33, 0.30), "t", "estimated", 0.6, 1.8, group="refrigerant_top_up"),
    Yearly("electronics.nf3", (0.90, 0.95, 0.85), "t", "estimated", 0.5, 2.0),
    Yearly("electronics.cf4", (0.50, 0.48, 0.46), "t", "estimated", 0.5, 2.0),
    Yearly("electronics.sf6", (0.050, 0.048, 0.040), "t", "estimated", 0.5, 2.0),
)  # fmt: skip

ECONOMY: dict[str, tuple[float, float, float]] = {
    "lime": (3_100.0, 8_200.0, 160.0), "chemicals": (18_500.0, 62_000.0, 640.0),
    "steel_rolling": (21_000.0, 215_000.0, 720.0), "dyeing": (9_800.0, 46_000.0, 1_150.0),
    "pharma": (33_000.0, 88_000.0, 980.0), "paper": (24_500.0, 118_000.0, 860.0),
    "food": (7_600.0, 31_000.0, 740.0), "aluminium_parts": (15_200.0, 72_000.0, 890.0),
    "car_assembly": (182_000.0, 960_000.0, 5_200.0), "electronics": (96_000.0, 240_000.0, 2_600.0),
    "data_centre": (26_000.0, 58_000.0, 180.0), "logistics": (8_400.0, 27_000.0, 620.0),
    "chp": (9_200.0, 41_000.0, 310.0), "waste_water": (1_900.0, 4_600.0, 75.0),
}  # fmt: skip
"""Value added and output value in 10^4 CNY, employees, in the first year."""
