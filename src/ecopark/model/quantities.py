"""What a property or factor is measured in: the units each quantity may have, for a commodity in its own unit."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

GASES = ("CO2", "CO2e", "CH4", "N2O")
"""Gases that stand for `{gas}` where a row names none."""


@dataclass(frozen=True, slots=True)
class Quantity:
    """One quantity: its names, the units it may have and the range it must lie in.

    In `units`, `{unit}` is the commodity's unit and `{gas}` the gas of the factor (as in tCO2; gases other than
    `GASES` may also be in plain mass); a value may be in any unit that converts to one of them.
    """

    id: str
    zh: str
    en: str
    units: tuple[str, ...]
    least: float | None = 0.0
    most: float | None = None


@dataclass(frozen=True, slots=True)
class Variable:
    """One variable of the statistics: its names and the units it may have."""

    id: str
    zh: str
    en: str
    units: tuple[str, ...]


_MONEY = ("CNY", "EUR", "USD")

QUANTITIES: dict[str, Quantity] = {
    quantity.id: quantity
    for quantity in (
        Quantity("ncv", "低位发热量", "Lower heating value", ("GJ_LHV/{unit}",)),
        Quantity("hhv", "高位发热量", "Higher heating value", ("GJ_HHV/{unit}",)),
        Quantity("lower_over_higher", "低位与高位发热量之比", "Lower over higher heating value",
                 ("GJ_LHV/GJ_HHV",), 0.5, 1.0),
        Quantity("carbon_content", "单位热值含碳量", "Carbon content per energy", ("tC/GJ_LHV",)),
        Quantity("carbon_fraction", "含碳量", "Carbon fraction", ("tC/{unit}", "tC/t", "1")),
        Quantity("oxidation", "碳氧化率", "Oxidation", ("1",), 0.0, 1.0),
        Quantity("emission_factor", "排放因子", "Emission factor", ("t{gas}/{unit}",), None),
        Quantity("heat_emission_factor", "单位热值排放因子", "Emission factor per energy", ("t{gas}/GJ_LHV",), None),
        Quantity("heat_emission_factor_hhv", "单位高位热值排放因子", "Emission factor per higher heating value",
                 ("t{gas}/GJ_HHV",), None),
        Quantity("coal_equivalent_calorific", "折标煤系数(当量)", "Standard coal, calorific",
                 ("tce/{unit}", "tce_cal/{unit}")),
        Quantity("coal_equivalent_value", "折标煤系数(等价)", "Standard coal, equivalent",
                 ("tce/{unit}", "tce_eq/{unit}")),
        Quantity("gwp", "全球增温潜势", "Global warming potential", ("tCO2e/t", "tCO2e/t{gas}")),
        Quantity("dry_matter", "干物质含量", "Dry matter", ("t_dry/{unit}", "t_dry/t")),
        Quantity("moisture", "含水率", "Moisture", ("1",), 0.0, 1.0),
        Quantity("ash", "灰分", "Ash", ("1",), 0.0, 1.0),
        Quantity("density", "密度", "Density", ("t/m3", "t/Nm3")),
        Quantity("net_enthalpy", "净焓值", "Net enthalpy", ("GJ/{unit}",)),
        Quantity("enthalpy", "焓值", "Enthalpy", ("GJ/{unit}",)),
        Quantity("nitrogen_content", "含氮量", "Nitrogen content", ("tN/{unit}", "tN/t", "1")),
        Quantity("phosphorus_content", "含磷量", "Phosphorus content", ("tP/{unit}", "tP/t", "1")),
        Quantity("sulphur_content", "含硫量", "Sulphur content", ("tS/{unit}", "tS/t", "1")),
        Quantity("chlorine_content", "含氯量", "Chlorine content", ("tCl/{unit}", "tCl/t", "1")),
        Quantity("mercury_content", "含汞量", "Mercury content", ("tHg/{unit}", "tHg/t", "1")),
        Quantity("lead_content", "含铅量", "Lead content", ("tPb/{unit}", "tPb/t", "1")),
        Quantity("cadmium_content", "含镉量", "Cadmium content", ("tCd/{unit}", "tCd/t", "1")),
        Quantity("chromium_content", "含铬量", "Chromium content", ("tCr/{unit}", "tCr/t", "1")),
        Quantity("arsenic_content", "含砷量", "Arsenic content", ("tAs/{unit}", "tAs/t", "1")),
        Quantity("copper_content", "含铜量", "Copper content", ("tCu/{unit}", "tCu/t", "1")),
        Quantity("zinc_content", "含锌量", "Zinc content", ("tZn/{unit}", "tZn/t", "1")),
        Quantity("nickel_content", "含镍量", "Nickel content", ("tNi/{unit}", "tNi/t", "1")),
        Quantity("water_content", "含水量", "Water content", ("m3/{unit}", "m3/t")),
        Quantity("treatment_cost", "处理费用", "Treatment cost", tuple(f"{money}/{{unit}}" for money in _MONEY)),
        Quantity("price", "价格", "Price", tuple(f"{money}/{{unit}}" for money in _MONEY), None),
        Quantity("waste_carbon", "废物含碳量", "Carbon content of waste", ("tC/{unit}", "tC/t", "1")),
        Quantity("fossil_fraction", "矿物碳比例", "Fossil fraction of carbon", ("1",), 0.0, 1.0),
        Quantity("combustion_efficiency", "燃烧效率", "Combustion efficiency", ("1",), 0.0, 1.0),
        Quantity("methane_capacity", "甲烷最大产生能力", "Maximum methane capacity",
                 ("tCH4/tCOD", "tCH4/tBOD", "tCH4/{unit}")),
        Quantity("methane_correction", "甲烷修正因子", "Methane correction", ("1",), 0.0, 1.0),
    )
}  # fmt: skip
"""The quantities whose units are known; the catalogue may hold more, whose units are then not checked."""

VARIABLES: dict[str, Variable] = {
    variable.id: variable
    for variable in (
        Variable("value_added", "增加值", "Value added", _MONEY),
        Variable("output_value", "产值", "Output value", _MONEY),
        Variable("revenue", "营业收入", "Revenue", _MONEY),
        Variable("tax", "税收", "Tax", _MONEY),
        Variable("investment", "投资", "Investment", _MONEY),
        Variable("system_cost", "系统成本", "System cost (labour, depreciation, maintenance …)", _MONEY),
        Variable("employees", "从业人员", "Employees", ("person",)),
        Variable("population", "人口", "Population", ("person",)),
        Variable("area", "面积", "Area", ("m2",)),
        Variable("reported_co2", "填报二氧化碳排放量", "Reported CO2", ("tCO2",)),
        Variable("reported_co2e", "填报温室气体排放量", "Reported greenhouse gases", ("tCO2e",)),
        Variable("reported_energy", "填报综合能耗", "Reported energy use", ("tce", "tce_eq", "tce_cal")),
    )
}
"""The variables whose units are known; any other may stand in the statistics, unchecked."""


def quantities_of(frame: pl.DataFrame) -> dict[str, Quantity]:
    """Return the quantities that a catalogue lists, beside `QUANTITIES`, which go before.

    `frame` has the columns id, and optionally name_zh, name_en, numerator (the unit above the line; ``gas`` stands for
    a mass of the gas) and per_commodity (``yes`` where the commodity's unit is below the line).
    """
    found: dict[str, Quantity] = {}
    for row in frame.iter_rows(named=True):
        numerator = row.get("numerator")
        units: tuple[str, ...] = ()
        if numerator:
            above = re.sub(r"^gas\b", "t{gas}", numerator)
            units = (f"{above}/{{unit}}" if row.get("per_commodity") == "yes" else above,)
        name = row["id"]
        found[name] = Quantity(name, row.get("name_zh") or name, row.get("name_en") or name, units, None)
    return found | QUANTITIES
