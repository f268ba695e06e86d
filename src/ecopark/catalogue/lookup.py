"""Choose the factor that applies: site before park, province, nation, world; by set, technology and year.

The choice is recorded with its level and, where something had to stand in (another year, another region, a parent
commodity), with a remark, so that no substitution is silent.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from ecopark.catalogue.formulas import parse_product
from ecopark.catalogue.loading import Catalogue
from ecopark.units import UnitError, combine

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Choice:
    """One chosen value: which factor, from which level and set, with its range, verification and remarks."""

    symbol: str
    quantity: str
    value: float
    unit: str
    factor: str
    level: str
    set: str
    status: str
    source: str
    low: float | None = None
    high: float | None = None
    distribution: str | None = None
    range_source: str | None = None
    version: str | None = None
    remarks: tuple[str, ...] = ()
    power: int = 1


@dataclass(frozen=True, slots=True)
class Missing:
    """No value for a quantity: `factor` names the row whose value is unknown, or is empty where there is no row.

    `technologies` are those for which the sets do hold a value, where the request names none.
    """

    quantity: str
    commodity: str
    factor: str = ""
    technologies: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Request:
    """What a value is wanted for."""

    commodity: str
    commodity_unit: str
    gas: str = ""
    technology: str = ""
    region: str = ""
    stream: str = ""
    nodes: tuple[str, ...] = ()


def gas_unit(gas: str) -> str:
    """Return the unit in which the mass of a gas is counted (each main gas is a dimension of its own)."""
    return {"CO2": "tCO2", "CH4": "tCH4", "N2O": "tN2O", "CO2e": "tCO2e"}.get(gas, "t")


def _level(region: str | None, parent_region: Mapping[str, str]) -> str:
    if not region or region == "world":
        return "world"
    return "nation" if parent_region.get(region, "world") == "world" else "province"


@dataclass
class FactorLookup:
    """Finds factors for one year (or a `span` of it), over the catalogue and the park's own rows.

    `local` rows have the columns of the record's `factors` and `properties` tables brought to one form: quantity,
    commodity, gas, technology, stream, node, value, unit, low, high, distribution, valid_from, valid_to, status,
    source, id.
    """

    catalogue: Catalogue
    year: int
    local: Sequence[Row] = ()
    options: Mapping[str, str] = field(default_factory=dict)
    parent_commodity: Mapping[str, str] = field(default_factory=dict)
    span: tuple[date, date] | None = None

    def __post_init__(self) -> None:
        self._catalogue_index: dict[tuple[str, str, str], list[Row]] = {}
        for row in self.catalogue.factors.iter_rows(named=True):
            self._catalogue_index.setdefault((row["set"], row["quantity"], row["commodity"]), []).append(row)
        self._local_index: dict[tuple[str, str], list[Row]] = {}
        for own in self.local:
            self._local_index.setdefault((own["quantity"], own["commodity"]), []).append(own)
        self._numerators = {
            row["id"]: (row["numerator"], row["per_commodity"] == "yes")
            for row in self.catalogue.quantities.iter_rows(named=True)
        }
        self._derivations: dict[tuple[str, str], list[Row]] = {}
        for row in self.catalogue.derivations.iter_rows(named=True):
            self._derivations.setdefault((row["origin"], row["quantity"]), []).append(row)

    def with_options(self, options: Mapping[str, str]) -> FactorLookup:
        """Return the same look-up under other options (what the sets hold is shared, not read again)."""
        other = copy(self)
        other.options = options
        return other

    def within(self, start: date, end: date) -> FactorLookup:
        """Return the same look-up for a part of the year: values count that hold on some day of [start, end)."""
        other = copy(self)
        other.span = (start, end)
        return other

    def lineage(self, commodity: str) -> list[str]:
        """Return the commodity, its ancestors, and "*" (rows that hold for every commodity)."""
        chain = [commodity]
        while (parent := self.parent_commodity.get(chain[-1])) and parent not in chain:
            chain.append(parent)
        return [*chain, "*"]

    def regions(self, region: str) -> list[str]:
        """Return the region, those around it, and the world."""
        chain = [region] if region else []
        while chain and (parent := self.catalogue.parent_region.get(chain[-1])) and parent not in chain:
            chain.append(parent)
        return chain if "world" in chain else [*chain, "world"]

    def sets_for(self, symbol: str, sets: Mapping[str, Sequence[str]], default: str = "") -> list[str]:
        """Return the factor sets a symbol may come from, with `{option}` replaced by the user's choice."""
        names = sets.get(symbol) or (default.split(";") if default else None) or sets.get("*") or []
        options = {"edition": "gbt2589-2020", "fuel_set": "Q", **self.options}
        return [name.format(**options) for name in names]

    def find(
        self, symbol: str, request: Request, sets: Mapping[str, Sequence[str]], *, local: bool = True, default: str = ""
    ) -> list[Choice] | Missing:
        """Return the choices whose product is the quantity `symbol` (several where it is derived), or `Missing`."""
        constants = self.catalogue.constant_values
        if symbol in constants:
            value, unit = constants[symbol]
            return [Choice(symbol, symbol, value, unit, f"constant:{symbol}", "world", "constants", "primary", "")]
        if local and (chosen := self._find_local(symbol, request)):
            return [chosen]
        if local and (derived := self._derive(symbol, request, sets)):
            return derived
        found = self._find_catalogue(symbol, request, self.sets_for(symbol, sets, default))
        if isinstance(found, Missing) and (derived := self._derive_from_catalogue(symbol, request)):
            return derived
        return found

    def _find_local(self, symbol: str, request: Request) -> Choice | None:
        for commodity in self.lineage(request.commodity):
            rows = [
                row
                for row in self._local_index.get((symbol, commodity), [])
                if (not row["gas"] or row["gas"] == request.gas)
                and (not row["technology"] or row["technology"] == request.technology)
                and (not row["stream"] or row["stream"] == request.stream)
                and (not row["node"] or row["node"] in request.nodes)
                and self._fits(symbol, row, request)
            ]
            if not rows:
                continue

            def nearness(row: Row) -> tuple[int, int]:
                node = row["node"]
                return (0 if row["stream"] else 1, request.nodes.index(node) if node else len(request.nodes))

            nearest = min(nearness(row) for row in rows)
            row, remark = self._by_year([row for row in rows if nearness(row) == nearest])
            level = "site" if row["stream"] or row["node"] else "park"
            return self._choice(symbol, row, level, "local", remark, commodity, request)
        return None

    def _derive(self, symbol: str, request: Request, sets: Mapping[str, Sequence[str]]) -> list[Choice] | None:
        """Return the quantity made from the park's own value of another one (heating values, enthalpy), or None."""
        for derivation in self._derivations.get(("own", symbol), []):
            first = derivation["first"]
            own = self._find_local(first, request)
            start = [own] if own else None
            if start is None and first != "hhv" and symbol != "hhv":
                start = self._derive(first, request, sets)
            if start and (choices := self._work_out(derivation, start, request, sets)):
                return choices
        return None

    def _derive_from_catalogue(self, symbol: str, request: Request) -> list[Choice] | None:
        """Return a quantity that the sets lack, made from the catalogue's value of another one, or None.

        So a fuel to which GB/T 2589 gives no coefficient gets one from its heating value. The first value carries the
        remark "derived:<its factor>:<commodity>", so that the substitution shows.
        """
        for derivation in self._derivations.get(("catalogue", symbol), []):
            first = derivation["first"]
            found = self._find_catalogue(first, request, self.sets_for(first, {}, derivation["first_sets"]))
            if isinstance(found, Missing):
                continue
            remark = f"derived:{found[0].factor}:{request.commodity}"
            start = [replace(choice, remarks=(*choice.remarks, remark)) for choice in found]
            if choices := self._work_out(derivation, start, request, {}):
                return choices
        return None

    def _work_out(
        self, derivation: Row, start: list[Choice], request: Request, sets: Mapping[str, Sequence[str]]
    ) -> list[Choice] | None:
        """Return the choices of a derivation's formula, whose first quantity is `start`; None where one is missing."""
        choices: list[Choice] = []
        for name, power in parse_product(derivation["formula"]):
            if name == derivation["first"]:
                found: list[Choice] | Missing = start
            else:
                found = self.find(name, request, {name: sets.get(name, [])}, default=derivation["sets"])
            if isinstance(found, Missing):
                return None
            choices += [_with_power(choice, power) for choice in found]
        return choices

    def _find_catalogue(self, symbol: str, request: Request, sets: Iterable[str]) -> list[Choice] | Missing:
        unknown = ""
        technologies: dict[str, None] = {}
        for name in sets:
            for commodity in self.lineage(request.commodity):
                of_gas = [
                    row
                    for row in self._catalogue_index.get((name, symbol, commodity), [])
                    if not row["gas"] or row["gas"] == request.gas
                ]
                rows = [row for row in of_gas if not row["technology"] or row["technology"] == request.technology]
                if not request.technology:
                    valued = (row for row in of_gas if row["technology"] and row["value"] is not None)
                    technologies |= {row["technology"]: None for row in valued}
                # a row for the technology itself comes first, even where its value is unknown
                if request.technology and (exact := [row for row in rows if row["technology"]]):
                    rows = exact
                known = [row for row in rows if row["value"] is not None and self._fits(symbol, row, request)]
                if known:
                    return [self._most_specific(symbol, known, name, commodity, request)]
                unknown = unknown or next((row["id"] for row in rows if row["value"] is None), "")
                if unknown:
                    break
        return Missing(symbol, request.commodity, unknown, tuple(technologies))

    def _most_specific(self, symbol: str, rows: list[Row], name: str, commodity: str, request: Request) -> Choice:
        remark = ""
        parents = self.catalogue.parent_region
        by_province = any(_level(row["region"], parents) == "province" for row in rows)
        for region in self.regions(request.region):
            if inside := [row for row in rows if (row["region"] or "world") == region]:
                if by_province and region != request.region:
                    # the set goes by region and has none for this one: what is around it stands in, and says so
                    remark = f"region:{region}:{request.region}"
                rows = inside
                break
        else:
            broadest = [row for row in rows if _level(row["region"], parents) == "nation"]
            rows = broadest or rows
            remark = f"region:{rows[0]['region']}:{request.region or '-'}"
        row, year_remark = self._by_year(rows)
        level = _level(row["region"], parents)
        remarks = ";".join(part for part in (remark, year_remark) if part)
        return self._choice(symbol, row, level, name, remarks, commodity, request)

    def _by_year(self, rows: list[Row]) -> tuple[Row, str]:
        """Return the row in force in the year (or span), else the nearest earlier or later one, with a remark."""
        start, end = self.span or (date(self.year, 1, 1), date(self.year + 1, 1, 1))
        valid = [
            row
            for row in rows
            if (row["valid_from"] is None or row["valid_from"] < end)
            and (row["valid_to"] is None or row["valid_to"] > start)
        ]
        if valid:
            return max(valid, key=lambda row: row["valid_from"] or date.min), ""
        earlier = [row for row in rows if row["valid_to"] is not None and row["valid_to"] <= start]
        if earlier:
            row = max(earlier, key=lambda row: row["valid_to"])
            return row, f"year:{row['valid_to'].year - 1}:{self.year}"
        row = min(rows, key=lambda row: row["valid_from"])
        return row, f"year:{row['valid_from'].year}:{self.year}"

    def _fits(self, symbol: str, row: Row, request: Request) -> bool:
        """Tell whether a row's unit belongs to the quantity and, where it counts per commodity, to its unit."""
        if symbol not in self._numerators:
            return True
        numerator, per_commodity = self._numerators[symbol]
        if symbol == "gwp":
            return True
        target = numerator.replace("gas", gas_unit(request.gas)) if "gas" in numerator else numerator
        terms = [(row["unit"], 1), (request.commodity_unit, 1)] if per_commodity else [(row["unit"], 1)]
        try:
            combine(terms, target)
        except UnitError:
            return False
        return True

    def _choice(
        self, symbol: str, row: Row, level: str, name: str, remark: str, commodity: str, request: Request
    ) -> Choice:
        remarks = tuple(part for part in remark.split(";") if part)
        if commodity not in (request.commodity, "*"):
            remarks = (*remarks, f"commodity:{commodity}:{request.commodity}")
        if row.get("alternatives"):
            remarks = (*remarks, f"alternatives:{row['alternatives']}")
        unit = f"tCO2e/{gas_unit(request.gas)}" if symbol == "gwp" else row["unit"]
        return Choice(
            symbol,
            symbol,
            row["value"],
            unit,
            row["id"],
            level,
            name,
            row["status"] or "unverified",
            row["source"] or "",
            row["low"],
            row["high"],
            row["distribution"],
            row.get("range_source"),
            row.get("version"),
            remarks,
        )


def _with_power(choice: Choice, power: int) -> Choice:
    return replace(choice, power=choice.power * power)
