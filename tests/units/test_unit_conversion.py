"""Conversions are exact where they exist and refused where only a property or factor could make them."""

from __future__ import annotations

import math

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecopark.units import UnitError, column_factors, combine, convertible, factor, known_units, parse


@pytest.mark.parametrize(
    ("found", "expected", "number"),
    [
        ("万t", "t", 1e4),
        ("kg", "t", 1e-3),
        ("万kWh", "MWh", 10),
        ("kWh", "GJ", 3.6e-3),
        ("MWh", "kW·h", 1000),
        ("万Nm3", "Nm3", 1e4),
        ("kgCO2/kWh", "tCO2/MWh", 1),
        ("万元", "元", 1e4),
        ("short_ton", "t", 0.90718474),  # NIST SP 811
        ("lb", "kg", 0.45359237),
        ("bbl", "m3", 0.158987294928),
        ("gal", "L", 3.785411784),
        ("mmBtu_HHV", "GJ_HHV", 1.05505585262),
        ("kcal/kg", "MJ/t", 4.1868),
        ("kJ_LHV/kg", "GJ_LHV/t", 1e-3),
        ("kJ_LHV/Nm3", "GJ_LHV/万Nm3", 1e-2),
        ("%", "1", 0.01),
        ("mg/L", "kg/m3", 1e-3),
        ("t·km", "tkm", 1),
        ("亩", "m2", 2000 / 3),
        ("m3_20C", "Nm3", 273.15 / 293.15),
        # 1000 ft3 at 60 °F and 14.73 psia, as an ideal gas at 0 °C and 101.325 kPa
        ("Mcf", "Nm3", 28.316846592 * (273.15 / 288.705555555556) * (101.559774899 / 101.325)),
    ],
)
def test_factor(found: str, expected: str, number: float) -> None:
    assert factor(found, expected) == pytest.approx(number, rel=1e-12)


@pytest.mark.parametrize(
    ("found", "expected", "code", "remedy"),
    [
        ("kgce", "kgCO2e", "unit_basis", "emission factor"),
        ("tce", "tCO2", "unit_basis", "emission factor"),
        ("tce", "tce_eq", "unit_basis", "coal_equivalent_value"),
        ("tce_cal", "tce_eq", "unit_basis", "coal_equivalent_value"),
        ("tce", "GJ", "unit_mismatch", "coal_equivalent_calorific"),
        ("m3", "Nm3", "unit_basis", "101.325 kPa"),
        ("万m³", "万Nm3", "unit_basis", "m3_20C"),
        ("GJ_LHV", "GJ_HHV", "unit_basis", "lower_over_higher"),
        ("GJ_HHV/t", "GJ_LHV/t", "unit_basis", "lower_over_higher"),
        ("GJ/t", "GJ_LHV/t", "unit_basis", "GJ_LHV (lower"),
        ("kWh_cumulated", "kWh", "unit_basis", "two readings"),
        ("t", "t_dry", "unit_basis", "dry_matter"),
        ("t_wet", "t_dry", "unit_basis", "dry_matter"),
        ("tC", "tCO2", "unit_basis", "44/12"),
        ("tCH4", "tCO2e", "unit_basis", "global warming potential"),
        ("tCO2", "tCO2e", "unit_basis", "global warming potential"),
        ("tCH4", "tN2O", "unit_basis", "different substances"),
        ("t", "tCO2", "unit_basis", "emission factor"),
        ("kW", "kWh", "unit_mismatch", "hours"),
        ("CNY", "EUR", "unit_mismatch", "exchange rate"),
        ("GJ_LHV", "t", "unit_mismatch", "ncv"),
        ("t", "m3", "unit_mismatch", "density"),
        ("person", "t", "unit_mismatch", "kg, t"),
    ],
)
def test_refused_with_both_sides_and_remedy(found: str, expected: str, code: str, remedy: str) -> None:
    """A program that converts any of these adds what cannot be added; the message names both units and a way out."""
    for one, other in ((found, expected), (expected, found)):
        assert not convertible(one, other)
        with pytest.raises(UnitError) as caught:
            factor(one, other)
        assert caught.value.code == code
        assert parse(one).text in str(caught.value)
        assert parse(other).text in str(caught.value)
    with pytest.raises(UnitError) as caught:
        factor(found, expected)
    assert remedy in caught.value.describe("en")[1]


def test_all_bases_are_apart() -> None:
    """No basis converts into another or into the plain unit, whatever its unit: pairs of one mass, energy, volume."""
    groups: dict[tuple[str, ...], list[str]] = {}
    for text in known_units():
        part = parse(text).parts[0]
        if part.bases and part.unit in ("t", "GJ", "m3", "Nm3"):
            groups.setdefault((part.unit,), []).append(text)
    for (unit,), texts in groups.items():
        for one in [unit, *texts]:
            assert [other for other in [unit, *texts] if convertible(one, other)] == [one]


@given(st.sampled_from(known_units()), st.sampled_from(known_units()), st.sampled_from(known_units()))
def test_factors_multiply_along_a_chain(first: str, second: str, third: str) -> None:
    """factor(a, b) x factor(b, c) = factor(a, c), and there and back is 1; convertibility is an equivalence."""
    assert factor(first, first) == 1.0
    if convertible(first, second):
        assert math.isclose(factor(first, second) * factor(second, first), 1.0, rel_tol=1e-12)
        assert convertible(second, third) == convertible(first, third)
        if convertible(second, third):
            product = factor(first, second) * factor(second, third)
            assert math.isclose(product, factor(first, third), rel_tol=1e-12)


class TestCombine:
    """A formula is checked by its units before it is evaluated."""

    def test_fuel_combustion(self) -> None:
        """Provincial guide: t x GJ/t x tC/GJ x 1 x 44/12 is tCO2 with multiplier exactly 1."""
        units = [("t", 1), ("GJ_LHV/t", 1), ("tC/GJ_LHV", 1), ("1", 1), ("tCO2/tC", 1)]
        assert combine(units, "tCO2") == 1.0

    def test_scales(self) -> None:
        assert combine([("万Nm3", 1), ("GJ_LHV/万Nm3", 1), ("kgCH4/GJ_LHV", 1)], "tCH4") == 1e-3
        assert combine([("MWh", 1), ("kgCO2/kWh", 1)], "tCO2") == 1.0
        assert combine([("万kWh", 1), ("kgce/kWh", 1)], "tce") == 10.0

    def test_powers_and_quotients(self) -> None:
        assert combine([("tCO2", 1), ("万CNY", -1)], "tCO2/万CNY") == 1.0
        assert combine([("GJ", 1), ("t", -1)], "MJ/kg") == 1.0
        assert combine([("m", 2)], "m2") == 1.0

    def test_forgotten_factor_is_seen(self) -> None:
        """Without 44/12 the formula would give a number, 3.67 times too small; the unit tells."""
        with pytest.raises(UnitError) as caught:
            combine([("t", 1), ("GJ_LHV/t", 1), ("tC/GJ_LHV", 1)], "tCO2")
        assert caught.value.found == "tC"
        assert caught.value.expected == "tCO2"
        assert "t × GJ_LHV/t × tC/GJ_LHV" in str(caught.value)
        assert "44/12" in str(caught.value)

    def test_wrong_heating_value_is_seen(self) -> None:
        with pytest.raises(UnitError, match="lower_over_higher"):
            combine([("t", 1), ("GJ_HHV/t", 1), ("tC/GJ_LHV", 1)], "tC")

    def test_accepts_any_iterable(self) -> None:
        assert combine(iter([("kg", 1)]), "t") == 1e-3


def test_columns_by_distinct_pair() -> None:
    units = pl.Series(["万t", "kg", None, "kgce", "万t", "foo"])
    targets = pl.Series(["t", "t", "t", "t", "kg", "t"])
    factors, errors = column_factors(units, targets)
    assert factors.to_list() == [1e4, 1e-3, None, None, 1e7, None]
    assert set(errors) == {("kgce", "t"), ("foo", "t")}
    assert errors["foo", "t"].code == "unit_unknown"
    assert column_factors(pl.Series(["kg", "t"]), "t")[0].to_list() == [1e-3, 1.0]


def test_long_columns_keep_their_order() -> None:
    units = pl.Series(["万kWh", "MWh", "kWh"] * 40_000)
    factors, errors = column_factors(units, "MWh")
    assert not errors
    assert factors.to_list() == [10.0, 1.0, 1e-3] * 40_000


@pytest.mark.parametrize("element", ["C", "N", "P", "S", "Cl", "Hg", "Pb", "Cd", "Cr", "As", "Cu", "Zn", "Ni"])
def test_an_element_is_a_basis_of_its_own(element: str) -> None:
    """mg of an element per litre are t per 1e6 m3; an element is not the mass of what holds it, nor another element."""
    assert factor(f"mg{element}/L", f"t{element}/m3") == pytest.approx(1e-6)
    assert factor(f"kg{element}", f"t{element}") == pytest.approx(1e-3)
    assert not convertible(f"t{element}", "t")
    assert not convertible(f"t{element}", "tCO2")
    others = {"C", "N", "P", "S", "Cl", "Hg", "Pb", "Cd", "Cr", "As", "Cu", "Zn", "Ni"} - {element}
    assert not any(convertible(f"t{element}", f"t{other}") for other in others)
