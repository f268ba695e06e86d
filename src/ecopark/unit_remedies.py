"""What a person can do when two units do not fit: the remedy for each pair of units that people mix up."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ecopark.translation import N_

_STANDARD_COAL = {"basis_ce", "basis_ce_eq", "basis_ce_cal"}
_HEATING_VALUE = {"basis_LHV", "basis_HHV"}
_MOISTURE = {"basis_dry", "basis_wet"}
_CARBON_AND_GAS = {"basis_C", "basis_CO2"}
_OTHER_BASES = _STANDARD_COAL | _HEATING_VALUE | _MOISTURE | {"basis_normal", "basis_cumulated"}
_ENERGY = {"J"}
_MONEY = {"CNY", "EUR", "USD"}


def remedy_for(found: Mapping[str, int], expected: Mapping[str, int]) -> tuple[str, str]:
    """Return the code (``unit_basis`` or ``unit_mismatch``) and the remedy's message id for two root dimensions.

    `found` and `expected` map root dimensions to powers. The remedy's fields are found, expected and examples.
    """
    keys = found.keys() | expected.keys()
    differing = {key for key in keys if found.get(key, 0) != expected.get(key, 0)}
    substances = {key for key in differing if key.startswith("basis_")} - _OTHER_BASES
    if abs(found.get("meter", 0) - expected.get("meter", 0)) == 3:
        differing = differing - {"meter"} | {"volume"}
    for test, remedy in _RULES:
        if test(differing, substances):
            basis_only = all(key.startswith("basis_") for key in differing)
            return ("unit_basis" if basis_only else "unit_mismatch"), remedy
    return "unit_mismatch", N_("Give the value in a unit that converts to {expected}, such as {examples}.")


def _is_gas(substances: set[str]) -> bool:
    return len(substances) == 2 and "basis_CO2e" in substances


_RULES: tuple[tuple[Callable[[set[str], set[str]], object], str], ...] = (
    (
        lambda differing, substances: differing & _STANDARD_COAL and substances,
        N_(
            "Standard coal (ce) is energy and CO2 is an emission: record the fuel, electricity or heat itself and let "
            "an emission factor turn it into {expected}, or check whether {found} was meant."
        ),
    ),
    (
        lambda differing, substances: len(differing & _STANDARD_COAL) > 1,
        N_(
            "Say which standard coal is meant, tce_cal (当量, calorific) or tce_eq (等价, equivalent); from one to the "
            "other go by the amount itself and the properties coal_equivalent_calorific and coal_equivalent_value."
        ),
    ),
    (
        lambda differing, substances: differing & _STANDARD_COAL,
        N_(
            "Record the amount in the commodity's own unit; standard coal follows from the property "
            "coal_equivalent_calorific (当量) or coal_equivalent_value (等价)."
        ),
    ),
    (
        lambda differing, substances: "basis_LHV" in differing and "basis_HHV" in differing,
        N_(
            "Give the property lower_over_higher (GJ_LHV/GJ_HHV) of the commodity, or give the value on the basis of "
            "{expected}."
        ),
    ),
    (
        lambda differing, substances: differing & _HEATING_VALUE and not differing & _ENERGY,
        N_(
            "Say on which heating value the energy is based: write GJ_LHV (lower, 低位) or GJ_HHV (higher, 高位); a "
            "higher one is carried over by the property lower_over_higher. Electricity and heat have no basis."
        ),
    ),
    (
        lambda differing, substances: "basis_cumulated" in differing,
        N_(
            "{found} and {expected} are a meter's count and an amount: give the difference between two readings as the "
            "amount of the period between them."
        ),
    ),
    (
        lambda differing, substances: differing & _MOISTURE,
        N_(
            "Dry and wet amounts differ by the water content: give the property dry_matter (t_dry/t), or give the "
            "value in {expected}."
        ),
    ),
    (
        lambda differing, substances: differing == {"basis_normal"},
        N_(
            "Nm3 is gas at 0 °C and 101.325 kPa, m3 is a volume at no stated condition: give the amount in Nm3 (gas "
            "metered at 20 °C: m3_20C), or use m3 for liquids and water only."
        ),
    ),
    (
        lambda differing, substances: differing == _CARBON_AND_GAS,
        N_("Carbon is not CO2: multiply by 44/12 tCO2/tC, or give the value in {expected}."),
    ),
    (
        lambda differing, substances: _is_gas(substances) and differing == substances,
        N_("Multiply by the gas's global warming potential (tCO2e/t), or give the value in {expected}."),
    ),
    (
        lambda differing, substances: len(substances) > 1 and differing == substances,
        N_("These are masses of different substances: give the value for {expected}, or a factor between the two."),
    ),
    (
        lambda differing, substances: len(substances) == 1 and differing == substances,
        N_(
            "One is an amount of a commodity, the other the mass of one substance: give the factor between them (such "
            "as an emission factor or a content), or give the value in {expected}."
        ),
    ),
    (
        lambda differing, substances: differing == {"second"},
        N_("One is a rate, the other an amount: multiply by the hours run, or give the value in {expected}."),
    ),
    (
        lambda differing, substances: len(differing & _MONEY) > 1,
        N_("Give the amount in {expected}; no exchange rate is assumed."),
    ),
    (
        lambda differing, substances: differing & _ENERGY and differing & {"g", "volume"},
        N_(
            "Record the amount of the commodity in a unit that converts to {expected} (such as {examples}); energy and "
            "amount are linked by its heating value: the property ncv (GJ_LHV) or hhv (GJ_HHV)."
        ),
    ),
    (
        lambda differing, substances: "g" in differing and "volume" in differing,
        N_(
            "Mass and volume are linked by the property density (t/m3): give the value in a unit that converts to "
            "{expected}, such as {examples}."
        ),
    ),
)
"""Tests over the differing root dimensions and the differing substances, most telling first, each with its remedy."""
