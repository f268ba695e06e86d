"""What stands behind what: the user's `background.csv`, from the park's commodities to products of a background system.

Columns commodity, product, unit, factor, note. A plain commodity is one received from outside; ``treatment:fly_ash``
is one handed over for treatment outside; ``category:climate`` maps an impact category of ours to one of the system's.
`factor` turns one unit of the commodity (or of the system's category) into `unit`, the product's unit (or our
category's); where it is blank it follows from the two units.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from ecopark.metabolism.burdens.background.system import Background, background_problem
from ecopark.model.problems import InputError, Problem
from ecopark.translation import N_
from ecopark.units import UnitError
from ecopark.units import factor as unit_factor

COLUMNS = ("commodity", "product", "unit", "factor", "note")
TREATMENT, CATEGORY = "treatment:", "category:"


@dataclass(frozen=True, slots=True)
class Link:
    """One row: a commodity (or category), what it leads to, the factor and where the row stands."""

    commodity: str
    product: str
    factor: float
    unit: str
    note: str
    place: str


@dataclass(frozen=True, eq=False)
class Mapped:
    """A background system with the links of a park to it.

    `received` and `treated` map commodities to links, `categories` ours to (the system's, factor).
    """

    background: Background
    received: Mapping[str, Link] = field(default_factory=dict)
    treated: Mapping[str, Link] = field(default_factory=dict)
    categories: Mapping[str, Link] = field(default_factory=dict)


def read_mapping(
    path: str | Path,
    background: Background,
    commodity_units: Mapping[str, str],
    category_units: Mapping[str, str],
) -> Mapped:
    """Return the links of `background.csv`, checked against the system, the commodities and our impact categories.

    `commodity_units` maps every commodity of the park to its unit, `category_units` every impact category of ours to
    its unit. InputError lists every fault at once, with near misses.
    """
    place = Path(path)
    frame = _frame(place)
    problems: list[Problem] = []
    received: dict[str, Link] = {}
    treated: dict[str, Link] = {}
    categories: dict[str, Link] = {}
    products = set(background.products["product"])
    system = background.categories
    theirs = {name: row["category"] for row in system.to_dicts() for name in (row["name"], row["category"]) if name}
    for line, row in enumerate(frame.iter_rows(named=True), 2):
        where = f"{place.name} line {line}"
        key, product = (row["commodity"] or "").strip(), (row["product"] or "").strip()
        if not key and not product:
            continue
        kind = next((each for each in (TREATMENT, CATEGORY) if key.startswith(each)), "")
        name = key.removeprefix(kind)
        known = category_units if kind == CATEGORY else commodity_units
        chosen = {TREATMENT: treated, CATEGORY: categories, "": received}[kind]
        before = len(problems)
        if name not in known:
            problems.append(_unknown(name, known, kind, where))
        if name in chosen:
            problems.append(
                background_problem(
                    "mapping_twice", where, N_("“{name}” stands in this file twice."), N_("Keep one row of it."),
                    name=key,
                )
            )  # fmt: skip
        if kind == CATEGORY:
            if product not in theirs:
                problems.append(_unknown(product, dict.fromkeys(theirs, ""), "system", where))
        elif product not in products:
            problems.append(background.unknown_product(product, where))
        if len(problems) > before:
            continue
        if kind == CATEGORY:
            own = str(system.filter(pl.col("category") == theirs[product])["unit"].item() or "")
            found = _factor(row, own, known[name], where, problems)
            product = theirs[product]
        else:
            found = _factor(row, known[name], background.unit_of(product), where, problems)
        if found is not None:
            chosen[name] = Link(name, product, found, (row["unit"] or "").strip(), row["note"] or "", where)
    if not categories and not problems:
        problems.append(
            background_problem(
                "mapping_categories", place.name,
                N_("No row says which impact category of the system is which of ours."),
                N_("Add rows such as “category:climate” with the system's category as product. It has: {known}."),
                known=", ".join(str(name or key) for key, name in system.select("category", "name").iter_rows()),
            )
        )  # fmt: skip
    if problems:
        raise InputError(problems)
    return Mapped(background, received, treated, categories)


def _frame(place: Path) -> pl.DataFrame:
    try:
        frame = pl.read_csv(place, infer_schema=False)
    except (FileNotFoundError, pl.exceptions.PolarsError) as error:
        raise InputError([
            background_problem(
                "mapping_file", str(place), N_("The file cannot be read: {error}."),
                N_("Write a CSV with the columns {columns}."), error=str(error).splitlines()[0],
                columns=", ".join(COLUMNS),
            )
        ]) from None  # fmt: skip
    missing = [name for name in COLUMNS[:4] if name not in frame.columns]
    if missing:
        raise InputError([
            background_problem(
                "mapping_columns", place.name, N_("The columns {missing} are missing."),
                N_("Write a CSV with the columns {columns}."), missing=", ".join(missing), columns=", ".join(COLUMNS),
            )
        ])  # fmt: skip
    return frame if "note" in frame.columns else frame.with_columns(pl.lit(None, pl.String).alias("note"))


def _unknown(name: str, known: Mapping[str, str], kind: str, where: str) -> Problem:
    near = ", ".join(difflib.get_close_matches(name, list(known), n=3, cutoff=0.5)) or "-"
    causes = {
        CATEGORY: N_("There is no impact category “{name}”."),
        "system": N_("The background system has no impact category “{name}”."),
    }
    cause = causes.get(kind, N_("The park has no commodity “{name}”."))
    return background_problem("mapping_unknown", where, cause, N_("Nearest: {near}."), name=name, near=near)


def _factor(row: Mapping[str, str | None], start: str, end: str, where: str, problems: list[Problem]) -> float | None:
    """Return the factor of a row: as written, checked as a number, or from the units."""
    written, unit = (row["factor"] or "").strip(), (row["unit"] or "").strip()
    target = unit or end
    if unit and end and unit != end:
        try:
            to_end = unit_factor(unit, end)
        except UnitError:
            problems.append(
                background_problem(
                    "mapping_unit", where,
                    N_("The row's unit “{unit}” does not fit “{end}”, in which the result counts."),
                    N_("Write “{end}”, and a factor to it."), unit=unit, end=end,
                )
            )  # fmt: skip
            return None
    else:
        to_end = 1.0
    if written:
        try:
            return float(written) * to_end
        except ValueError:
            problems.append(
                background_problem(
                    "mapping_number", where, N_("“{found}” is not a number."), N_("Write a number such as 0.001."),
                    found=written,
                )
            )  # fmt: skip
            return None
    try:
        return unit_factor(start, target) * to_end
    except UnitError:
        problems.append(
            background_problem(
                "mapping_factor", where, N_("No factor is given, and {start} cannot be turned into {end}."),
                N_("Give the number of {end} in one {start}."), start=start or "-", end=target or "-",
            )
        )  # fmt: skip
        return None
