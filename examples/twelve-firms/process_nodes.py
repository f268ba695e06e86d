"""The processes, stores, surroundings and own commodities that the park's metabolism is drawn over."""

from __future__ import annotations

from assumptions import FIRM_OF, SYNTHETIC
from park_record import Park

PROCESSES: tuple[tuple[str, str, str, str, str], ...] = (
    ("brick_line", "lime", "process", "蒸压砖生产线", "Autoclaved-brick line"),
    ("chemicals_demineralisation", "chemicals", "process", "脱盐水站", "Demineralisation"),
    ("chemicals_cooling", "chemicals", "process", "循环水站", "Cooling-water circuit"),
    ("methanol_tank", "chemicals", "store", "甲醇罐区", "Methanol tanks"),
    ("pickling_line", "steel_rolling", "process", "酸洗线", "Pickling line"),
    ("dyeing_softening", "dyeing", "process", "软水站", "Water softening"),
    ("dye_house", "dyeing", "process", "染色车间", "Dye house"),
    ("finishing", "dyeing", "process", "后整理车间", "Finishing"),
    ("rinse_recovery", "dyeing", "process", "漂洗水回收装置", "Rinse-water recovery"),
    ("coal_yard", "chp", "store", "煤场", "Coal yard"),
    ("chp_demineralisation", "chp", "process", "化学水处理站", "Boiler-water treatment"),
    ("chp_cooling", "chp", "process", "冷却塔", "Cooling tower"),
    ("chp_desulphurisation", "chp", "process", "烟气脱硫塔", "Flue-gas desulphurisation"),
    ("water_works", "waste_water", "process", "取水净水站", "Water works"),
    ("equalisation", "waste_water", "process", "调节池", "Equalisation basin"),
    ("sludge_dewatering", "waste_water", "process", "污泥脱水", "Sludge dewatering"),
    (
        "reclamation",
        "waste_water",
        "process",
        "再生水站（超滤加部分反渗透）",
        "Water reclamation (ultrafiltration, part reverse osmosis)",
    ),
    ("outfall", "waste_water", "process", "总排放口", "Outfall"),
)

SURROUNDINGS: tuple[tuple[str, str, str, str], ...] = (
    ("river", "environment", "河流", "River"),
    ("soil", "environment", "土壤", "Soil"),
)

COMMODITIES: tuple[tuple[str, str | None, str, str, str, str, str], ...] = (
    ("river_water", None, "河水（自取）", "River water (own intake)", "water", "m3",
     "Not fresh_water of the catalogue: what the park lifts itself is not a purchased energy-consuming medium."),
    ("industrial_water", None, "工业水（园区净水站供）", "Industrial water (park's water works)", "water", "m3",
     "Not fresh_water of the catalogue, see river_water."),
    ("soft_water", None, "软水（印染自用）", "Softened water (dyeing mill's own)", "water", "m3", ""),
    ("rinse_water", None, "漂洗水", "Rinse water", "wastewater", "m3", ""),
    ("sludge_liquor", None, "剩余污泥（含水 99 %）", "Excess sludge (99 % water)", "wastewater", "m3", ""),
    ("process_carbon_dioxide", "carbon_dioxide", "工艺放出的二氧化碳", "Carbon dioxide set free by a process",
     "greenhouse_gas", "t", "From limestone or feedstock, never from fuel that is burnt."),
    ("oxygen_from_air", None, "取自空气的氧", "Oxygen taken from the air", "material", "t", ""),
    ("nitrogen_from_air", None, "取自空气的氮", "Nitrogen taken from the air", "material", "t", ""),
    ("nitrogen_to_air", None, "排入空气的氮", "Nitrogen given to the air", "pollutant", "t", "Harmless: N2."),
    ("steel_billet", None, "钢坯", "Steel billets", "material", "t", ""),
    ("grey_fabric", None, "坯布", "Grey fabric", "material", "t", ""),
    ("dyestuff", None, "染料", "Dyestuffs", "material", "t", ""),
    ("organic_solvent", None, "有机溶剂（含二氯甲烷）", "Organic solvents (with dichloromethane)", "material", "t", ""),
    ("food_ingredients", None, "食品原料", "Food ingredients", "material", "t", ""),
    ("aluminium_ingot", None, "铝锭", "Aluminium ingots", "material", "t", ""),
    ("nickel_salt", None, "镍盐", "Nickel salt", "material", "t", ""),
    ("chromium_salt", None, "铬盐", "Chromium salt", "material", "t", ""),
    ("zinc_phosphate_salt", None, "磷化液（锌镍系）", "Phosphating salts (zinc and nickel)", "material", "t", ""),
    ("car_parts", None, "汽车零部件", "Car parts", "material", "t", ""),
    ("ammonia_solution", None, "氨水（25 %）", "Ammonia solution (25 %)", "material", "t", ""),
    ("burnt_waste_gas", None, "危废焚烧烟气", "Flue gas of burnt hazardous waste", "pollutant", "t",
     "Closes the incinerator's mass balance."),
    ("bricks", None, "蒸压砖", "Autoclaved bricks", "product", "t", ""),
)  # fmt: skip


def add(park: Park) -> None:
    """Append the nodes and the park's own commodities."""
    for node, firm, kind, zh, en in PROCESSES:
        park.add("nodes", id=node, parent=firm, kind=kind, name_zh=zh, name_en=en, note=SYNTHETIC)
        FIRM_OF[node] = firm
    for node, kind, zh, en in SURROUNDINGS:
        park.add("nodes", id=node, kind=kind, name_zh=zh, name_en=en)
    for commodity, parent, zh, en, group, unit, note in COMMODITIES:
        park.add(
            "commodities", id=commodity, parent=parent, name_zh=zh, name_en=en, group=group, unit=unit,
            note=note or None,
        )  # fmt: skip
