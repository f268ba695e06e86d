"""Pure data for figures: what the web's charts and the report's print figures draw, from inventories and comparisons.

A view holds numbers, ids and both names; nothing of pixels, fonts or colours (`colour` is a key of
`ecopark.palette`). Every row that stands for a number of an inventory carries that number's explain key.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import polars as pl

from ecopark.translation import N_, translate

if TYPE_CHECKING:
    from ecopark.accounting.comparison import Comparison
    from ecopark.accounting.result import Inventory

ViewKind = Literal["bars", "columns", "treemap", "waterfall", "ranges", "paired"]


@dataclass(frozen=True, slots=True)
class View:
    """The data of one figure.

    `title` and `note` are message ids (English, marked `N_`) filled from `values`. `unit` is the unit of every number
    in `frame`. The frame's columns depend on `kind`:

    - ``bars`` (stacked): group, group_zh, group_en, series, series_zh, series_en, colour, value, key: one row for each
      bar and part of it
    - ``columns``: as ``bars``, but standing: one for each year
    - ``treemap``: id, parent (null at the top), name_zh, name_en, colour, value, key
    - ``waterfall``: id, name_zh, name_en, role ("total" or "step"), colour, value, start, end, key: a total runs from
      0 to its value; a step starts where the row before it ended
    - ``ranges``: id, name_zh, name_en, colour, value, low, high, key
    - ``paired``: group, group_zh, group_en, series, series_zh, series_en, colour, value (null where unknown), key:
      bars side by side
    """

    id: str
    kind: ViewKind
    title: str
    unit: str
    frame: pl.DataFrame
    key: str | None = None
    note: str = ""
    values: dict[str, object] = field(default_factory=dict)

    @property
    def empty(self) -> bool:
        """Whether there is nothing to draw."""
        return self.frame.is_empty()


_BARS = {
    "group": pl.String, "group_zh": pl.String, "group_en": pl.String, "series": pl.String, "series_zh": pl.String,
    "series_en": pl.String, "colour": pl.String, "value": pl.Float64, "key": pl.String,
}  # fmt: skip
_TREEMAP = {
    "id": pl.String, "parent": pl.String, "name_zh": pl.String, "name_en": pl.String, "colour": pl.String,
    "value": pl.Float64, "key": pl.String,
}  # fmt: skip
_WATERFALL = {
    "id": pl.String, "name_zh": pl.String, "name_en": pl.String, "role": pl.String, "colour": pl.String,
    "value": pl.Float64, "start": pl.Float64, "end": pl.Float64, "key": pl.String,
}  # fmt: skip
_RANGES = {
    "id": pl.String, "name_zh": pl.String, "name_en": pl.String, "colour": pl.String, "value": pl.Float64,
    "low": pl.Float64, "high": pl.Float64, "key": pl.String,
}  # fmt: skip

SCOPES = {"1": N_("Scope 1"), "2": N_("Scope 2"), "3": N_("Scope 3"), "": N_("Outside the scopes")}
CALCULATED = N_("Calculated")
REPORTED = N_("Reported")


def _both(message: str) -> tuple[str, str]:
    return translate(message, "zh"), translate(message, "en")


def names_of(inventory: Inventory, dimension: str, identity: str) -> tuple[str, str]:
    """Return the Chinese and the English name of a value of a dimension of `Inventory.by`; the id where it has none."""
    if dimension == "scope":
        return _both(SCOPES[identity]) if identity in SCOPES else (identity, identity)
    return inventory.name(identity, "zh", dimension) or "–", inventory.name(identity, "en", dimension) or "–"


def _split(inventory: Inventory, group: str, total: str | None) -> pl.DataFrame:
    """Return the rows of a bars view: one bar for each value of `group`, one part for each category."""
    rows = []
    for row in inventory.by(group, "category", total=total).iter_rows(named=True):
        group_zh, group_en = names_of(inventory, group, row[group])
        series_zh, series_en = names_of(inventory, "category", row["category"])
        colour = f"category:{row['category']}"
        rows.append(
            (row[group], group_zh, group_en, row["category"], series_zh, series_en, colour, row["value"], row["key"])
        )
    frame = pl.DataFrame(rows, schema=_BARS, orient="row")
    return frame.sort(pl.col("value").sum().over("group"), descending=True, maintain_order=True)


def _headline(inventory: Inventory, total: str | None) -> tuple[str, str, str]:
    chosen = inventory.scheme.total(total)
    return chosen.id, chosen.unit, f"total:{chosen.id}"


def scope_view(inventory: Inventory, total: str | None = None) -> View:
    """Return the total by scope, each split by category."""
    _, unit, key = _headline(inventory, total)
    frame = _split(inventory, "scope", total).sort("group", maintain_order=True)
    return View("scope", "bars", N_("By scope and category"), unit, frame, key)


def source_view(inventory: Inventory, total: str | None = None) -> View:
    """Return the total by commodity, each split by category."""
    _, unit, key = _headline(inventory, total)
    return View("source", "bars", N_("By source"), unit, _split(inventory, "commodity", total), key)


def gas_view(inventory: Inventory, total: str | None = None) -> View:
    """Return the total by gas (or by what else is measured), each split by category."""
    _, unit, key = _headline(inventory, total)
    return View("gas", "bars", N_("By gas"), unit, _split(inventory, "gas", total), key)


def firm_view(inventory: Inventory, total: str | None = None) -> View:
    """Return the total by firm and in each by category, for a treemap.

    Negative parts (what leaves the boundary) stay in the frame; a drawing can show positive areas only, and the note
    says so where there are any.
    """
    _, unit, key = _headline(inventory, total)
    rows: list[tuple[object, ...]] = []
    parts = inventory.by("node", "category", total=total).to_dicts()
    for row in inventory.by("node", total=total).iter_rows(named=True):
        node = row["node"]
        rows.append((node, None, *names_of(inventory, "node", node), "", row["value"], row["key"]))
        for part in parts:
            if part["node"] == node:
                names = names_of(inventory, "category", part["category"])
                colour = f"category:{part['category']}"
                rows.append((f"{node}/{part['category']}", node, *names, colour, part["value"], part["key"]))
    frame = pl.DataFrame(rows, schema=_TREEMAP, orient="row")
    negative = bool((frame["value"] < 0).any())
    note = N_("Areas show positive parts only; what is subtracted stands in the table.") if negative else ""
    return View("firm", "treemap", N_("By firm"), unit, frame, key, note)


def trend_view(inventories: Sequence[Inventory], total: str | None = None) -> View:
    """Return the total of several years (one inventory each, same scheme), each split by category.

    `key` of a row is prefixed by its year: ``2019/total:co2&category:fuel``.
    """
    rows = []
    for inventory in inventories:
        year = str(inventory.year)
        for row in inventory.by("category", total=total).iter_rows(named=True):
            names = names_of(inventory, "category", row["category"])
            colour = f"category:{row['category']}"
            rows.append((year, year, year, row["category"], *names, colour, row["value"], f"{year}/{row['key']}"))
    unit = _headline(inventories[0], total)[1] if inventories else ""
    frame = pl.DataFrame(rows, schema=_BARS, orient="row")
    last = f"{inventories[-1].year}/{_headline(inventories[-1], total)[2]}" if inventories else None
    return View("trend", "columns", N_("By year and category"), unit, frame, last)


ReportedRow = tuple[int, float | None, float | None, str | None, str | None]
"""Year, calculated, reported, key of the calculated and key of the reported number; None where there is none."""


def calculated_and_reported(found: Sequence[ReportedRow], unit: str) -> View:
    """Return calculated beside reported emissions by year, both in `unit`."""
    rows: list[tuple[object, ...]] = []
    for number, calculated, reported, calculated_key, reported_key in found:
        year = str(number)
        rows.append(
            (year, year, year, "calculated", *_both(CALCULATED), "series:calculated", calculated, calculated_key)
        )
        rows.append((year, year, year, "reported", *_both(REPORTED), "series:reported", reported, reported_key))
    frame = pl.DataFrame(rows, schema=_BARS, orient="row")
    return View("reported", "paired", N_("Calculated beside reported"), unit, frame)


def waterfall_view(comparison: Comparison, most: int = 16) -> View:
    """Return the way from one inventory's headline total to the other's, step by step.

    Beyond `most` steps the smallest are drawn as one ("all smaller steps", without a key); none is dropped. Keys are
    those of `Comparison.explain`; the totals' keys are ``first`` and ``second``.
    """
    first, second = comparison.first, comparison.second
    same_scheme, same_year = first.scheme.id == second.scheme.id, first.year == second.year

    def title(inventory: Inventory) -> tuple[str, str]:
        year = "" if same_year else f" {inventory.year}"
        if same_scheme:
            return (str(inventory.year),) * 2
        return inventory.scheme.name_zh + year, inventory.scheme.name_en + year

    level = first.total()
    rows: list[tuple[object, ...]] = [("first", *title(first), "total", "step:total", level, 0.0, level, "first")]

    def step(identity: str, names: tuple[str, str], value: float, key: str | None) -> None:
        nonlocal level
        colour = "step:increase" if value >= 0 else "step:decrease"
        rows.append((identity, *names, "step", colour, value, level, level + value, key))
        level += value

    drawn = comparison.steps if len(comparison.steps) <= most else comparison.steps[: most - 1]
    for number, item in enumerate(drawn, 1):
        step(f"step:{number}", (item.label("zh"), item.label("en")), item.value, f"step:{number}")
    rest = comparison.steps[len(drawn) :]
    if rest:
        step("rest", _both(N_("All smaller steps")), sum(item.value for item in rest), None)
    end = second.total()
    rows.append(("second", *title(second), "total", "step:total", end, 0.0, end, "second"))
    frame = pl.DataFrame(rows, schema=_WATERFALL, orient="row")
    return View(
        "waterfall", "waterfall", N_("From the first to the second total"), comparison.unit, frame, "difference"
    )


def ranges_view(
    inventory: Inventory, totals: Sequence[tuple[str, float | None, float | None]], identity: str = "uncertainty"
) -> View:
    """Return numbers of an inventory with their 95 % ranges; `totals` holds (key, low, high), in the unit of the first.

    Numbers in another unit are left out, since one axis has one unit.
    """
    rows: list[tuple[object, ...]] = []
    unit = ""
    for key, low, high in totals:
        explanation = inventory.explain(key)
        unit = unit or explanation.unit
        if explanation.unit != unit:
            continue
        category = key.partition("&category:")[2]
        colour = f"category:{category}" if category else "series:total"
        names = (explanation.name_zh, explanation.name_en)
        if category:
            names = names_of(inventory, "category", category)
        rows.append((key, *names, colour, explanation.value, low, high, key))
    frame = pl.DataFrame(rows, schema=_RANGES, orient="row")
    return View(identity, "ranges", N_("Totals with their 95 % ranges"), unit, frame)
