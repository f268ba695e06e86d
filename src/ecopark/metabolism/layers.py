"""Layers: what one unit of a commodity carries of mass, energy, an element, water or money.

A layer is a view of flows by one property. How an amount is brought to a layer is data (`catalogue.layer_rules`): the
first rule whose values are found gives the coefficient (layer unit per unit of the commodity), a product of factors
chosen as everywhere else (site before park, province, nation, world). A rule without a formula says that the commodity
has no part in the layer by nature. `catalogue.dispositions` adds what leaves a node by rule: the carbon of fuel that is
burnt, as a coefficient of the same amount.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

import polars as pl

from ecopark.accounting.coefficients import PARAMETER_SCHEMA, local_rows
from ecopark.accounting.explanation import NOTE_SEPARATOR
from ecopark.catalogue import Catalogue, Choice, FactorLookup, Missing, Request
from ecopark.catalogue.formulas import AMOUNT, parse_product, write_product
from ecopark.model.network import Network
from ecopark.model.problems import InputError, Problem
from ecopark.model.record import Record
from ecopark.translation import N_
from ecopark.units import UnitError, combine

NORMAL_95 = 1.959963984540054
"""Half width of a 95 % range in standard deviations."""

COEFFICIENT_SCHEMA: dict[str, type[pl.DataType]] = {
    "coefficient": pl.Int32,
    "layer": pl.String,
    "disposition": pl.String,
    "commodity": pl.String,
    "formula": pl.String,
    "value": pl.Float64,
    "unit": pl.String,
    "unit_scale": pl.Float64,
    "amount_unit": pl.String,
    "sd": pl.Float64,
}
"""One coefficient: layer unit (`unit`) per commodity unit; `sd` is its standard deviation, null without any range."""

KEY = (
    "commodity", "unit", "group", "technology", "region", "own_source", "own_target", "own_stream", "activity", "span",
)  # fmt: skip
"""What decides the coefficients of an edge."""

BURNING = ("final_use", "power_generation", "heat_generation", "chp", "mobile", "bunker")
"""Activities in which a fuel is burnt where it arrives."""


def layer_ids(catalogue: Catalogue, wanted: Sequence[str] | None = None) -> list[str]:
    """Return the layers asked for (all of the catalogue if none is), in the catalogue's order.

    InputError names each layer that is not known, with all known ones.
    """
    known = catalogue.layers["id"].to_list()
    if wanted is None:
        return known
    problems = [
        Problem(
            "layer_unknown",
            "layers",
            N_("There is no layer “{found}”."),
            N_("Use one of: {known}."),
            {"found": layer, "known": ", ".join(known)},
        )
        for layer in wanted
        if layer not in known
    ]
    if problems:
        raise InputError(problems)
    return [layer for layer in known if layer in wanted]


def standard_deviation(value: float, low: float | None, high: float | None) -> float | None:
    """Return the standard deviation of a value with a 95 % range: its width over 2 x 1.96, or None without one.

    Where one end is missing the other half is taken as equal.
    """
    if low is None and high is None:
        return None
    below = value - low if low is not None else None
    above = high - value if high is not None else None
    halves = [half for half in (below, above) if half is not None]
    return abs(sum(halves) / len(halves)) / NORMAL_95


@dataclass(frozen=True, slots=True)
class LayerGap:
    """A commodity that could not be brought to a layer: `reason` no_property, unstated (not required) or unit."""

    layer: str
    reason: str
    quantity: str
    key: Mapping[str, Any]


@dataclass
class LayerCoefficients:
    """Works out coefficients for distinct keys (`KEY`), each once, for one year.

    `options` choose the factor sets (such as fuel_set). The tables fill up as `of` is called.
    """

    catalogue: Catalogue
    record: Record
    network: Network
    year: int
    options: Mapping[str, str] = field(default_factory=dict)
    coefficients: list[dict[str, Any]] = field(default_factory=list)
    parameters: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        own = local_rows(self.record)
        parents = dict(self.catalogue.parent_commodity)
        parents |= {row["id"]: row["parent"] for row in self.record.commodities.iter_rows(named=True) if row["parent"]}
        self._lookup = FactorLookup(self.catalogue, self.year, own, dict(self.options), parents)
        self._spans: dict[str, FactorLookup] = {}
        first, after = date(self.year, 1, 1), date(self.year + 1, 1, 1)
        self.changing = sorted({
            row["quantity"]
            for row in own
            if any(day is not None and first < day < after for day in (row["valid_from"], row["valid_to"]))
        })  # fmt: skip
        self.own_streams = {row["stream"] for row in own if row["stream"]}
        self.own_nodes = {row["node"] for row in own if row["node"]}
        self._found: dict[tuple[str, ...], int | LayerGap | None] = {}
        self._rules: dict[str, list[dict[str, Any]]] = {}
        self._chosen: list[Sequence[tuple[Choice, int]]] = []
        for row in self.catalogue.layer_rules.iter_rows(named=True):
            self._rules.setdefault(row["layer"], []).append(row)

    def nearest_own(self, node: str) -> str:
        """Return the nearest of `node` and those above it that holds own values, else an empty text."""
        return next((step for step in (node, *self.network.ancestors(node)) if step in self.own_nodes), "")

    def span_text(self, start: date, end: date) -> str:
        """Return what stands for a period in a key: empty where no own value changes within the year."""
        return f"{start.isoformat()}/{end.isoformat()}" if self.changing else ""

    def _lookup_for(self, span: str) -> FactorLookup:
        if not span:
            return self._lookup
        if span not in self._spans:
            start, _, end = span.partition("/")
            self._spans[span] = self._lookup.within(date.fromisoformat(start), date.fromisoformat(end))
        return self._spans[span]

    def _request(self, key: Mapping[str, Any]) -> Request:
        nodes: list[str] = []
        for side in ("own_source", "own_target"):
            if key[side]:
                nodes += [key[side], *self.network.ancestors(key[side])]
        return Request(
            key["commodity"], key["unit"], "", key["technology"] or "", key["region"] or "", key["own_stream"],
            tuple(dict.fromkeys(nodes)),
        )  # fmt: skip

    def of(self, layer: str, key: Mapping[str, Any]) -> int | LayerGap | None:
        """Return the number of the coefficient of a layer, why there is none, or None for no part by nature."""
        identity = (layer, *(str(key[name] or "") for name in KEY))
        if identity not in self._found:
            self._found[identity] = self._work_out(layer, key)
        return self._found[identity]

    def _work_out(self, layer: str, key: Mapping[str, Any]) -> int | LayerGap | None:
        request = self._request(key)
        missing = LayerGap(layer, "unstated", "", key)
        for rule in self._rules.get(layer, []):
            activities = _listed(rule["activities"])
            if not _applies(rule, key) or (activities and key["activity"] not in activities):
                continue
            if not rule["formula"]:
                return None
            choices = self._choices(rule["formula"], rule["sets"], request, key["span"])
            if isinstance(choices, Missing):
                if rule["required"] == "yes" or not missing.quantity:
                    reason = "no_property" if rule["required"] == "yes" else "unstated"
                    missing = LayerGap(layer, reason, choices.quantity, key)
                continue
            number = self._add(layer, None, key, rule["unit"], choices)
            if number is not None:
                return number
            if rule["required"] == "yes" and not missing.quantity:
                missing = LayerGap(layer, "unit", "", key)
        return missing

    def by_disposition(self, disposition: Mapping[str, Any], key: Mapping[str, Any]) -> int | LayerGap | None:
        """Return the number of the coefficient of what leaves by rule, or what it lacks.

        None where the commodity itself has no value in the layer: the gap is then told of the commodity.
        """
        identity = (disposition["id"], *(str(key[name] or "") for name in KEY))
        if identity not in self._found:
            self._found[identity] = self._disposed(disposition, key)
        return self._found[identity]

    def _disposed(self, disposition: Mapping[str, Any], key: Mapping[str, Any]) -> int | LayerGap | None:
        base, _, _ = disposition["formula"].partition(" * ")
        start = self.of(base, key)
        if not isinstance(start, int):
            return None
        row = self.coefficients[start]
        request = self._request(key)
        extra: list[tuple[Choice, int]] = []
        for symbol, power in parse_product(disposition["formula"])[1:]:
            found = self._find(symbol, request, disposition["sets"], key["span"])
            if isinstance(found, Missing):
                return LayerGap(disposition["layer"], "no_property", found.quantity, key)
            extra += [(choice, power * choice.power) for choice in found]
        scale = combine([(row["unit"], 1), *((choice.unit, power) for choice, power in extra)], disposition["unit"])
        return self._write(
            disposition["layer"], disposition["id"], key, disposition["unit"], row["unit_scale"] * scale,
            [*self._chosen[start], *extra],
        )  # fmt: skip

    def _find(self, symbol: str, request: Request, sets: str | None, span: str) -> list[Choice] | Missing:
        """Find a quantity; ``not_X`` is the rest of a fraction X to one."""
        name = symbol.removeprefix("not_")
        found = self._lookup_for(span).find(name, request, {"*": sets.split(";")} if sets else {})
        if name == symbol or isinstance(found, Missing):
            return found
        if len(found) != 1:
            return Missing(name, request.commodity)
        choice = found[0]
        low = None if choice.high is None else 1 - choice.high
        high = None if choice.low is None else 1 - choice.low
        return [replace(choice, symbol=symbol, value=1 - choice.value, low=low, high=high)]

    def _choices(
        self, formula: str, sets: str | None, request: Request, span: str
    ) -> list[tuple[Choice, int]] | Missing:
        chosen: list[tuple[Choice, int]] = []
        for symbol, power in parse_product(formula):
            if symbol == AMOUNT:
                continue
            found = self._find(symbol, request, sets, span)
            if isinstance(found, Missing):
                return found
            chosen += [(choice, choice.power * power) for choice in found]
        return chosen

    def _add(
        self,
        layer: str,
        disposition: str | None,
        key: Mapping[str, Any],
        unit: str,
        chosen: Sequence[tuple[Choice, int]],
    ) -> int | None:
        if not key["unit"]:
            return None
        try:
            scale = combine([(key["unit"], 1), *((choice.unit, power) for choice, power in chosen)], unit)
        except UnitError:
            return None
        return self._write(layer, disposition, key, unit, scale, chosen)

    def _write(
        self,
        layer: str,
        disposition: str | None,
        key: Mapping[str, Any],
        unit: str,
        scale: float,
        chosen: Sequence[tuple[Choice, int]],
    ) -> int:
        number = len(self.coefficients)
        self._chosen.append(chosen)
        value = scale
        relative = 0.0
        ranged = False
        for choice, power in chosen:
            value *= choice.value**power
            deviation = standard_deviation(choice.value, choice.low, choice.high)
            if deviation is not None and choice.value:
                ranged = True
                relative += (power * deviation / choice.value) ** 2
        terms = ((AMOUNT, 1), *((choice.symbol, power) for choice, power in chosen))
        self.coefficients.append({
            "coefficient": number, "layer": layer, "disposition": disposition, "commodity": key["commodity"],
            "formula": write_product(terms), "value": value, "unit": unit, "unit_scale": scale,
            "amount_unit": key["unit"], "sd": abs(value) * math.sqrt(relative) if ranged else None,
        })  # fmt: skip
        self.parameters += [
            {
                "coefficient": number, "symbol": c.symbol, "power": power, "value": c.value, "unit": c.unit,
                "factor": c.factor, "level": c.level, "set": c.set, "status": c.status, "source": c.source,
                "version": c.version, "low": c.low, "high": c.high, "distribution": c.distribution,
                "range_source": c.range_source, "remark": NOTE_SEPARATOR.join(c.remarks) or None,
            }
            for c, power in chosen
        ]  # fmt: skip
        return number

    def frames(self) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Return (coefficients, parameters) as frames."""
        return (
            pl.DataFrame(self.coefficients, schema=COEFFICIENT_SCHEMA),
            pl.DataFrame(self.parameters, schema=PARAMETER_SCHEMA),
        )


def _listed(text: str | None) -> tuple[str, ...]:
    return tuple(text.split(";")) if text else ()


def _applies(rule: Mapping[str, Any], key: Mapping[str, Any]) -> bool:
    """Whether a rule (or disposition) speaks of a commodity: by its id or its group; blank speaks of all."""
    groups, commodities = _listed(rule["groups"]), _listed(rule["commodities"])
    if commodities:
        return key["commodity"] in commodities
    return not groups or key["group"] in groups


def dispositions_of(
    catalogue: Catalogue, layers: Iterable[str], kind: str, key: Mapping[str, Any] | None = None, activity: str = ""
) -> list[dict[str, Any]]:
    """Return the dispositions of `kind` (formula, remainder) in the layers, for a key and an activity if given."""
    rows = catalogue.dispositions.filter((pl.col("kind") == kind) & pl.col("layer").is_in(list(set(layers))))
    return applying(rows.iter_rows(named=True), key, activity)


def applying(
    dispositions: Iterable[dict[str, Any]], key: Mapping[str, Any] | None = None, activity: str = ""
) -> list[dict[str, Any]]:
    """Return those of the dispositions that speak of a key (commodity, group) and an activity, where given."""
    return [
        row
        for row in dispositions
        if (not activity or not row["activities"] or activity in _listed(row["activities"]))
        and (key is None or _applies(row, key))
    ]
