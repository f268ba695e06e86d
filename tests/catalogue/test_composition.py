"""The catalogue's contents of pure substances follow from their formulas and the standard atomic weights."""

from __future__ import annotations

import csv
import re
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

import ecopark
from ecopark.units import combine

DATA = Path(ecopark.__file__).parent / "catalogue" / "data"
# IUPAC, standard atomic weights 2021, abridged to five figures.
ATOMIC_WEIGHT = {
    "H": 1.008, "C": 12.011, "N": 14.007, "O": 15.999, "F": 18.998, "Na": 22.990, "Mg": 24.305, "Al": 26.982,
    "Si": 28.085, "P": 30.974, "S": 32.06, "Cl": 35.45, "Ca": 40.078, "Fe": 55.845, "Ni": 58.693, "Cu": 63.546,
    "Zn": 65.38, "As": 74.922, "Cd": 112.41, "Cr": 51.996, "Hg": 200.59, "Pb": 207.2,
}  # fmt: skip
ELEMENT = {
    "carbon_fraction": "C", "nitrogen_content": "N", "phosphorus_content": "P", "sulphur_content": "S",
    "chlorine_content": "Cl", "mercury_content": "Hg", "lead_content": "Pb", "cadmium_content": "Cd",
    "chromium_content": "Cr", "arsenic_content": "As", "copper_content": "Cu", "zinc_content": "Zn",
    "nickel_content": "Ni",
}  # fmt: skip
MOLAR_VOLUME = 22.41396954  # L/mol at 0 °C and 101.325 kPa: R·273.15/101.325 with CODATA 2018


def _read(name: str) -> list[dict[str, str]]:
    with (DATA / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@cache
def _atoms(formula: str) -> Counter[str]:
    """Atoms of a formula such as CaSO4.2H2O or (NH4)2HPO4."""
    found: Counter[str] = Counter()
    for part in formula.split("."):
        times, rest = re.fullmatch(r"(\d*)(.+)", part).groups()  # type: ignore[union-attr]
        while group := re.search(r"\(([^()]+)\)(\d*)", rest):
            rest = rest.replace(group[0], group[1] * int(group[2] or 1))
        for element, count in re.findall(r"([A-Z][a-z]?)(\d*)", rest):
            found[element] += int(times or 1) * int(count or 1)
    return found


def _weight(formula: str) -> float:
    return sum(ATOMIC_WEIGHT[element] * count for element, count in _atoms(formula).items())


def test_formulas_are_read_as_chemists_write_them() -> None:
    assert _atoms("CaSO4.2H2O") == {"Ca": 1, "S": 1, "O": 6, "H": 4}
    assert _atoms("(NH4)2HPO4") == {"N": 2, "H": 9, "P": 1, "O": 4}
    assert _weight("NaCl") == pytest.approx(58.44, abs=0.005)


def test_every_content_follows_from_its_formula() -> None:
    """value = n · A / M for solids and liquids, n · A / V for gases by volume; what the formula lacks is 0."""
    rows = _read("factors/composition.csv")
    assert len(rows) > 400
    for row in rows:
        solution = re.match(r"0\.31 ", row["note_en"])
        formula = re.sub(r"^0\.31 ", "", row["note_en"]).partition(";")[0]
        by_volume = row["unit"].endswith("/Nm3")
        below = MOLAR_VOLUME if by_volume else _weight(formula)
        if row["quantity"] == "density":
            expected = _weight(formula) / below
        else:
            element = ELEMENT[row["quantity"]]
            assert row["unit"] == (f"kg{element}/Nm3" if by_volume else f"t{element}/t")
            expected = _atoms(formula)[element] * ATOMIC_WEIGHT[element] / below
        assert float(row["value"]) == pytest.approx(expected * (0.31 if solution else 1), rel=1e-7), row["id"]
        assert formula in row["note_zh"]


@pytest.mark.parametrize(
    ("commodity", "quantity", "percent"),
    [
        ("salt", "chlorine_content", 60.66), ("gypsum", "sulphur_content", 18.62),
        ("methane", "carbon_fraction", 74.87),
        ("carbon_dioxide", "carbon_fraction", 27.29), ("sulphur_dioxide", "sulphur_content", 50.05),
        ("urea", "nitrogen_content", 46.65), ("ammonia", "nitrogen_content", 82.24),
        ("polyvinyl_chloride", "chlorine_content", 56.72), ("sulphuric_acid", "sulphur_content", 32.69),
        ("caustic_soda", "chlorine_content", 0.0), ("diammonium_phosphate", "phosphorus_content", 23.45),
    ],
)  # fmt: skip
def test_contents_that_handbooks_print(commodity: str, quantity: str, percent: float) -> None:
    """Percentages as handbooks give them, so that a wrong formula in a note fails too."""
    value = {row["id"]: float(row["value"]) for row in _read("factors/composition.csv")}
    assert 100 * value[f"composition.{commodity}.{quantity}"] == pytest.approx(percent, abs=0.006)


def test_rows_are_usable() -> None:
    """Every row names a commodity and a source that exist, and its unit gives the quantity per commodity unit."""
    units = {row["id"]: row["unit"] for path in (DATA / "commodities").glob("*.csv")
             for row in _read(f"commodities/{path.name}")}  # fmt: skip
    numerators = {row["id"]: row["numerator"] for row in _read("quantities.csv")}
    sources = {row["id"] for row in _read("sources_composition.csv")}
    for row in _read("factors/composition.csv"):
        assert row["id"] == f"composition.{row['commodity']}.{row['quantity']}"
        assert row["source"] in sources
        combine([(row["unit"], 1), (units[row["commodity"]], 1)], numerators[row["quantity"]])


def test_substances_belong_to_known_groups_and_stand_once() -> None:
    groups = {row["id"] for row in _read("groups.csv")}
    others = {row["id"] for name in ("energy", "process") for row in _read(f"commodities/{name}.csv")}
    ids = [row["id"] for row in _read("commodities/substances.csv")]
    assert len(ids) == len(set(ids))
    assert not set(ids) & others
    for row in _read("commodities/substances.csv"):
        assert row["group"] in groups
        assert not row["parent"] or row["parent"] in {*ids, *others}
