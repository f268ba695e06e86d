"""The report's hand: language, names, units and the register of numbers, shared by all chapters."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import polars as pl

from ecopark.accounting.result import Inventory
from ecopark.reports.finishing import clean
from ecopark.reports.material import Material
from ecopark.reports.numbers import FigureRegister
from ecopark.translation import N_, choose, translate
from ecopark.units import display

Row = dict[str, str]
"""One printed table row: column name -> text."""

STATUS_NAMES = {
    "primary": N_("primary source"),
    "secondary": N_("secondary source"),
    "unverified": N_("unverified"),
    "contested": N_("contested"),
}
LEVEL_NAMES = {
    "site": N_("site"),
    "park": N_("park"),
    "province": N_("province"),
    "nation": N_("nation"),
    "world": N_("world"),
}
METHOD_NAMES = {
    "reconciled": N_("reconciled"),
    "metered": N_("metered"),
    "invoiced": N_("invoiced"),
    "calculated": N_("calculated"),
    "estimated": N_("estimated"),
    "planned": N_("planned"),
}
NOTATION_NAMES = {
    "NO": N_("NO (not occurring)"),
    "NE": N_("NE (not estimated)"),
    "IE": N_("IE (included elsewhere)"),
    "C": N_("C (confidential)"),
}
KIND_NAMES = {
    "park": N_("park"),
    "zone": N_("zone"),
    "firm": N_("firm"),
    "process": N_("process"),
    "equipment": N_("equipment"),
    "store": N_("store"),
    "market": N_("outside market"),
    "environment": N_("environment"),
}
GAP_NAMES = {
    "requirement": N_("no row at all"),
    "no_data": N_("no data for the year"),
    "partial": N_("year not covered"),
    "not_estimated": N_("not estimated"),
    "confidential": N_("confidential"),
    "no_factor": N_("no factor"),
    "unknown_factor": N_("factor unknown"),
}
SCOPE_NAMES = {"1": N_("Scope 1"), "2": N_("Scope 2"), "3": N_("Scope 3"), "": N_("No scope")}
MEASURE_NAMES = {"energy": N_("energy"), "electricity": N_("electricity"), "gas": N_("each gas")}


@dataclass
class Scribe:
    """Writes words and numbers of one document in one language."""

    language: str
    material: Material
    register: FigureRegister = field(default_factory=FigureRegister)

    def say(self, message: str, **values: object) -> str:
        """Return a message in the document's language."""
        return clean(translate(message, self.language, **values))

    def named(self, names: dict[str, str], identity: str | None) -> str:
        """Return the translated name of a closed list's member; the id where the list does not know it."""
        return self.say(names[identity]) if identity in names else clean(identity or "")

    def both(self, zh: str | None, en: str | None) -> str:
        """Return the name in the document's language."""
        return clean(choose(self.language, zh, en))

    def name(self, inventory: Inventory, identity: str | None, kind: str) -> str:
        """Return the name of a node, commodity, category or rule (its `kind`)."""
        return clean(inventory.name(identity, self.language, kind)) if identity else ""

    def unit(self, unit: str | None) -> str:
        """Return a unit as a person reads it."""
        return display(unit, self.language) if unit else ""

    def scheme(self, inventory: Inventory) -> str:
        """Return the name of the inventory's scheme."""
        return self.both(inventory.scheme.name_zh, inventory.scheme.name_en)

    def category(self, inventory: Inventory, identity: str) -> str:
        """Return the name of one of the scheme's categories."""
        for category in inventory.scheme.categories:
            if category.id == identity:
                return self.both(category.name_zh, category.name_en)
        return self.name(inventory, identity, "category")

    def date(self, day: datetime.date | None) -> str:
        """Return a date as a person writes it."""
        if day is None:
            return ""
        return f"{day.year}年{day.month}月{day.day}日" if self.language == "zh" else day.isoformat()

    def join(self, parts: list[str]) -> str:
        """Return a list of words as running text."""
        return ("、" if self.language == "zh" else ", ").join(part for part in parts if part)

    def prose(self, sentences: list[str]) -> str:
        """Return sentences as one paragraph."""
        return ("" if self.language == "zh" else " ").join(text for text in sentences if text)

    @property
    def colon(self) -> str:
        """The colon of the language."""
        return "：" if self.language == "zh" else ": "

    def quantity(self, number: str, unit: str) -> str:
        """Return a printed number with its unit; the two are never parted at the end of a line."""
        return f"{number}\u00a0{self.unit(unit)}"

    def factor_name(self, inventory: Inventory, identity: str, symbol: str) -> str:
        """Return what a factor is, in words: commodity, quantity and set."""
        known = self._factor_rows.get(identity)
        quantity = self.symbols().get(symbol, (symbol, "", ""))[0]
        if known is None:  # the park's own
            used = inventory.parameters.filter(pl.col("factor") == identity)["coefficient"]
            rows = inventory.coefficients.filter(pl.col("coefficient").is_in(used.implode()))
            names = self.join(
                [self.name(inventory, name, "commodity") for name in rows["commodity"].unique().sort()[:3]]
            )
            return " · ".join(part for part in (names, quantity, self.say(N_("own value"))) if part)
        goods = "" if known["commodity"] == "*" else self.name(inventory, known["commodity"], "commodity")
        if goods == known["commodity"]:  # the factor stands in for another commodity's
            goods = self._commodity_names.get(goods, goods)
        return " · ".join(
            part for part in (goods, quantity, known["gas"] or "", known["technology"] or "", known["set"]) if part
        )

    @cached_property
    def _factor_rows(self) -> dict[str, dict[str, Any]]:
        return {row["id"]: row for row in self.material.catalogue.factors.iter_rows(named=True)}

    @cached_property
    def _commodity_names(self) -> dict[str, str]:
        rows = self.material.catalogue.commodities.select("id", "name_zh", "name_en").iter_rows()
        return {identity: self.both(zh, en) for identity, zh, en in rows}

    def symbols(self) -> dict[str, tuple[str, str, str]]:
        """Symbol of a formula -> (name, meaning, kind), in the document's language."""
        return self._symbols

    @cached_property
    def _symbols(self) -> dict[str, tuple[str, str, str]]:
        found: dict[str, tuple[str, str, str]] = {
            "amount": (
                self.say(N_("amount")),
                self.say(N_("amount of the flow in the commodity's unit, for the part of its period inside the year")),
                self.say(N_("activity data")),
            )
        }
        catalogue = self.material.catalogue
        for row in catalogue.quantities.iter_rows(named=True):
            meaning = self.both(row["meaning_zh"], row["meaning_en"])
            found[row["id"]] = (self.both(row["name_zh"], row["name_en"]), meaning, self.say(N_("factor")))
        for row in catalogue.constants.iter_rows(named=True):
            name = self.both(row.get("name_zh"), row.get("name_en")) or row["symbol"]
            expression = f"{row['expression']} {self.unit(row['unit'])}"
            found[row["symbol"]] = (name, expression, self.say(N_("constant")))
        return found
