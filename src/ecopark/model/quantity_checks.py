"""Checks of properties, local factors and statistics: the dimension and basis of their units, and possible values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from ecopark.model.findings import Findings
from ecopark.model.quantities import GASES, QUANTITIES, VARIABLES, Quantity
from ecopark.translation import N_
from ecopark.units import UnitError, convertible, factor, parse


def check_quantities(
    findings: Findings, commodity_units: pl.DataFrame, quantities: Mapping[str, Quantity] = QUANTITIES
) -> None:
    """Check units and values; `commodity_units` has the columns commodity and unit (String)."""
    units = dict(commodity_units.select("commodity", "unit").iter_rows())
    for table, column in (("properties", "property"), ("factors", "quantity")):
        frame = findings.record[table]
        gases = frame["gas"] if "gas" in frame.columns else pl.Series([None] * len(frame), dtype=pl.String)
        for row, (name, commodity, unit, value, gas) in enumerate(
            zip(frame[column], frame["commodity"], frame["unit"], frame["value"], gases, strict=True)
        ):
            quantity = quantities.get(name or "")
            if quantity is None or not unit or not _readable(unit):
                continue
            expected = _expected(quantity.units, units.get(commodity), gas)
            if _check_unit(findings, table, row, unit, expected) and value is not None:
                _check_value(findings, table, row, value, unit, expected, quantity.least, quantity.most)
    for row, (name, unit) in enumerate(findings.record.statistics.select("variable", "unit").iter_rows()):
        variable = VARIABLES.get(name or "")
        if variable is not None and unit and _readable(unit):
            _check_unit(findings, "statistics", row, unit, list(variable.units))


def _readable(unit: str) -> bool:
    try:
        parse(unit)
    except UnitError:
        return False
    return True


def _expected(templates: Sequence[str], commodity_unit: str | None, gas: str | None) -> list[str]:
    """The units a quantity may have; those that need a commodity's unit are left out where it is not known."""
    found: list[str] = []
    for template in templates:
        if "{unit}" in template and not (commodity_unit and _readable(commodity_unit)):
            continue
        gases = GASES if not gas else (gas,) if gas in GASES else (gas, "")
        for name in gases if "{gas}" in template else ("",):
            text = template.replace("{gas}", name).replace("{unit}", f"({commodity_unit})")
            if _readable(text):
                found.append(text)
    return found


def _check_unit(findings: Findings, table: str, row: int, unit: str, expected: Sequence[str]) -> bool:
    """Report a unit that converts to none of the expected ones; whether it does convert to one."""
    if not expected:
        return False
    if any(convertible(unit, text) for text in expected):
        return True
    try:
        factor(unit, parse(expected[0]).text)
    except UnitError as error:
        findings.add_fault(table, row, "unit", error)
    return False


def _check_value(
    findings: Findings, table: str, row: int, value: float, unit: str, expected: Sequence[str],
    least: float | None, most: float | None,
) -> None:  # fmt: skip
    target = next(text for text in expected if convertible(unit, text))
    amount = value * factor(unit, target)
    if (least is not None and amount < least) or (most is not None and amount > most):
        findings.add(
            table, row, "value", "value_range",
            N_("{found} {unit} is not possible here: the value lies between {least} and {most}."),
            N_("Check the number and its unit (a fraction of 0.98 is 98 %)."),
            found=value, unit=unit, least="-∞" if least is None else least, most="∞" if most is None else most,
        )  # fmt: skip
