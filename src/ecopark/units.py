"""Units with their bases: reading, converting, checking and showing them.

Quantities are typed by dimension and basis. A lower heating value is not a higher one, dry is not wet, kgce is not
kgCO2e, Nm3 is not m3, a cumulated kWh is not a kWh: each basis is a dimension of its own (`unit_definitions`), so that
a conversion exists only where a property or factor makes it. Everything else is a `UnitError` that shows both sides
and lists the remedies.

The arithmetic of units is pint's, with exact fractions; everything is cached by the text of the unit, so that columns
of any length cost as much as their distinct units.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

from ecopark.translation import N_
from ecopark.unit_definitions import basis_rows, multiplier_rows, unit_rows
from ecopark.unit_reading import Part, Reader, UnitError, known_units
from ecopark.unit_remedies import remedy_for

if TYPE_CHECKING:
    import polars as pl

__all__ = [
    "Part",
    "Unit",
    "UnitError",
    "column_factors",
    "combine",
    "convertible",
    "display",
    "factor",
    "known_units",
    "parse",
]


@dataclass(frozen=True, slots=True)
class Unit:
    """A parsed unit.

    `text` is its canonical form, `scale` the exact number of root units in one of it, `dimension` the root dimensions
    (bases included) with their powers. Two units are convertible when their dimensions are equal.
    """

    text: str
    scale: Fraction = field(repr=False)
    dimension: tuple[tuple[str, int], ...]
    parts: tuple[Part, ...] = field(repr=False)

    def __str__(self) -> str:
        return self.text


@cache
def _registry() -> Any:
    """Pint's registry with the rows of `unit_definitions` and exact fractions; pint is loaded on the first use."""
    import pint

    registry: Any = pint.UnitRegistry(None, non_int_type=Fraction)
    for definition in ("meter = [length]", "second = [time]", "basis_normal = [basis_normal]"):
        registry.define(definition)
    for basis in basis_rows().values():
        registry.define(f"{basis.dimension} = [{basis.dimension}]")
    special = {"1": "one", "%": "percent", "‰": "permille"}
    for unit in unit_rows().values():
        name = special.get(unit.id, unit.id)
        if name not in ("meter", "second"):
            registry.define(f"{name} = {unit.definition}")
    return registry


@cache
def _root(unit: str, bases: tuple[str, ...]) -> tuple[Fraction, tuple[tuple[str, int], ...]]:
    """Exact scale and root dimensions of one unit with its bases."""
    registry = _registry()
    name = {"1": "one", "%": "percent", "‰": "permille"}.get(unit, unit)
    product = registry.Unit(name)
    for basis in bases:
        product = product * registry.Unit(basis_rows()[basis].dimension)
    scale, root = registry.get_root_units(product)
    powers = tuple(sorted((key, int(power)) for key, power in root._units.items()))
    return Fraction(scale), powers


@lru_cache(maxsize=65536)
def parse(text: str) -> Unit:
    """Read a unit such as ``万t``, ``GJ(低位)``, ``kgCO2/kWh``, ``10⁴ Nm³`` or ``tC/GJ_LHV``.

    Raises UnitError naming the part that is not known, with the nearest known names.
    """
    parts = Reader(text).read()
    scale = Fraction(1)
    powers: dict[str, int] = {}
    for part in parts:
        part_scale, dimension = _root(part.unit, part.bases)
        scale *= (part_scale * 10 ** _exponent(part.multiplier)) ** part.power
        for key, power in dimension:
            powers[key] = powers.get(key, 0) + power * part.power
    dimension = tuple(sorted((key, power) for key, power in powers.items() if power))
    return Unit(_write(parts), scale, dimension, parts)


def _exponent(multiplier: str) -> int:
    if not multiplier:
        return 0
    row = multiplier_rows().get(multiplier)
    return row.exponent if row else int(multiplier.removeprefix("10^"))


def _power(part: Part) -> str:
    power = abs(part.power)
    if power == 1:
        return part.text
    # 万m^2 would be read as 10^4 m^2, and m3^2 as a name
    return f"({part.text})^{power}" if part.multiplier or part.text[-1].isdigit() else f"{part.text}^{power}"


def _write(parts: Sequence[Part]) -> str:
    above = [_power(part) for part in parts if part.power > 0]
    below = [_power(part) for part in parts if part.power < 0]
    # a plain "1" only where it stands alone: 1/GJ, not 1·t
    above = [text for text in above if text != "1"] or ["1"]
    below = [text for text in below if text != "1"]
    return _quotient(above, below)


def _quotient(above: Sequence[str], below: Sequence[str]) -> str:
    numerator, denominator = "·".join(above), "·".join(below)
    if not below:
        return numerator
    return f"{numerator}/({denominator})" if "·" in denominator else f"{numerator}/{denominator}"


def convertible(from_unit: str, to_unit: str) -> bool:
    """Whether the two units have the same dimension and basis. Raises UnitError where one cannot be read."""
    return parse(from_unit).dimension == parse(to_unit).dimension


@lru_cache(maxsize=65536)
def factor(from_unit: str, to_unit: str) -> float:
    """Return the number by which a value in `from_unit` is multiplied to be in `to_unit`.

    Raises UnitError (code ``unit_basis`` or ``unit_mismatch``) with both sides and the remedies where no conversion
    exists: ``factor("kgce", "kgCO2e")``, ``factor("m3", "Nm3")``, ``factor("GJ_LHV", "GJ_HHV")``.
    """
    found, expected = parse(from_unit), parse(to_unit)
    if found.dimension != expected.dimension:
        raise _mismatch(found, expected, N_("{found} cannot be turned into {expected}."), {})
    return float(found.scale / expected.scale)


def combine(units: Iterable[tuple[str, int]], target: str) -> float:
    """Return the multiplier that turns the product of values in `units` into `target`.

    Each unit comes with the power that its value is raised to. The check of a formula: amount (t) x heating value
    (GJ_LHV/t) x carbon (tC/GJ_LHV) x 44/12 (tCO2/tC) gives tCO2 with multiplier 1; any other outcome is a UnitError
    that shows the whole product and the target.
    """
    return _combine(tuple(units), target)


@lru_cache(maxsize=65536)
def _combine(units: tuple[tuple[str, int], ...], target: str) -> float:
    expected = parse(target)
    scale = Fraction(1)
    powers: dict[str, int] = {}
    parts: list[Part] = []
    for text, power in units:
        unit = parse(text)
        scale *= unit.scale**power
        parts += [Part(part.multiplier, part.unit, part.bases, part.power * power) for part in unit.parts]
        for key, exponent in unit.dimension:
            powers[key] = powers.get(key, 0) + exponent * power
    dimension = tuple(sorted((key, power) for key, power in powers.items() if power))
    if dimension != expected.dimension:
        product = Unit(_write(_cancel(parts)), scale, dimension, tuple(parts))
        formula = " × ".join(text if power == 1 else f"({text})^{power}" for text, power in units)
        cause = N_("The product {formula} gives {found}, which cannot be turned into {expected}.")
        raise _mismatch(product, expected, cause, {"formula": formula})
    return float(scale / expected.scale)


def _cancel(parts: Sequence[Part]) -> list[Part]:
    """Add the powers of equal atoms and drop those that cancel."""
    powers: dict[tuple[str, str, tuple[str, ...]], int] = {}
    for part in parts:
        key = (part.multiplier, part.unit, part.bases)
        powers[key] = powers.get(key, 0) + part.power
    return [Part(*key, power) for key, power in powers.items() if power]


def _mismatch(found: Unit, expected: Unit, cause: str, values: Mapping[str, object]) -> UnitError:
    code, remedy = remedy_for(dict(found.dimension), dict(expected.dimension))
    examples = ", ".join(_examples(expected)) or expected.text
    return UnitError(
        code, cause, remedy, {"found": found.text, "expected": expected.text, "examples": examples, **values}
    )


def _examples(unit: Unit) -> list[str]:
    """A few common units that convert to `unit`."""
    if len(unit.parts) != 1 or unit.parts[0].power != 1:
        return [unit.text]
    part = unit.parts[0]
    suffix = "".join(part.bases)
    family = unit_rows()[part.unit].family
    same = [row.id + suffix for row in unit_rows().values() if row.family == family]
    same = [text for text in same if parse(text).dimension == unit.dimension]
    common = [text for text in same if text.removesuffix(suffix) in _COMMON]
    return (common or same)[:5]


_COMMON = frozenset({"kg", "t", "MJ", "GJ", "TJ", "kWh", "MWh", "m3", "L", "Nm3", "m2", "ha", "km", "CNY", "person"})


def display(unit: str, language: str) -> str:
    """Return the unit as a person reads it: zh ``万Nm³``, ``GJ(低位)/t``; en ``10⁴ Nm³``, ``GJ (LHV)/t``."""
    return _display(unit, language)


@lru_cache(maxsize=4096)
def _display(unit: str, language: str) -> str:
    parts = parse(unit).parts
    above = [_raised(part, language) for part in parts if part.power > 0 and part.text != "1"] or ["1"]
    below = [_raised(part, language) for part in parts if part.power < 0 and part.text != "1"]
    return _quotient(above, below)


def _display_part(part: Part, language: str) -> str:
    row = unit_rows()[part.unit]
    text = row.zh if language == "zh" else row.en
    for key in part.bases:
        basis = basis_rows()[key]
        addition = basis.zh if language == "zh" else basis.en
        text += f" {addition}" if language == "en" and addition.startswith("(") else addition
    if not part.multiplier:
        return text
    multiplier = multiplier_rows().get(part.multiplier)
    if multiplier is None:
        head = "10" + part.multiplier.removeprefix("10^").translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"))
    else:
        head = multiplier.zh if language == "zh" else multiplier.en
    if part.unit == "1":
        return head
    return f"{head} {text}" if head.startswith("10") else head + text


def _raised(part: Part, language: str) -> str:
    text = _display_part(part, language)
    if abs(part.power) == 1:
        return text
    digits = str(abs(part.power)).translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"))
    simple = text.isalpha() and not part.multiplier
    return text + digits if simple else f"({text}){digits}"


def column_factors(units: pl.Series, targets: pl.Series | str) -> tuple[pl.Series, dict[tuple[str, str], UnitError]]:
    """Conversion factors of a column, computed once for each distinct pair of units.

    `units` and `targets` are String series of equal length (`targets` may be one unit for all rows). Returns a Float64
    series of the same length, null where a unit is blank or does not convert, and the error of each pair that failed.
    """
    import polars as pl

    frame = pl.DataFrame({"found": units}).with_columns(
        pl.lit(targets).alias("expected") if isinstance(targets, str) else targets.alias("expected")
    )
    pairs = frame.unique().drop_nulls()
    errors: dict[tuple[str, str], UnitError] = {}
    values: list[float | None] = []
    for found, expected in pairs.iter_rows():
        try:
            values.append(factor(found, expected))
        except UnitError as error:
            errors[found, expected] = error
            values.append(None)
    table = pairs.with_columns(pl.Series("factor", values, dtype=pl.Float64))
    joined = frame.join(table, on=["found", "expected"], how="left", maintain_order="left")
    return joined["factor"], errors
