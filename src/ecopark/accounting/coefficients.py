"""Turn a rule and what it counts into one coefficient: result = sign * amount * coefficient.

A coefficient is worked out once for every distinct (rule, commodity, gas, technology, region, own values), however many
flows use it; its parameters keep the factor, level, set, verification and remarks behind each value.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import polars as pl

from ecopark.accounting.explanation import NOTE_SEPARATOR
from ecopark.catalogue import Catalogue, Choice, FactorLookup, Missing, Request
from ecopark.catalogue.formulas import AMOUNT, parse_product, write_product
from ecopark.catalogue.lookup import gas_unit
from ecopark.catalogue.schemes import Rule, Scheme
from ecopark.model.network import Network
from ecopark.model.quantities import QUANTITIES
from ecopark.model.record import Record
from ecopark.units import combine, convertible, factor

COEFFICIENT_SCHEMA = {
    "coefficient": pl.Int32,
    "rule": pl.String,
    "commodity": pl.String,
    "measure": pl.String,
    "formula": pl.String,
    "value": pl.Float64,
    "unit": pl.String,
    "gwp": pl.Float64,
    "unit_scale": pl.Float64,
    "amount_unit": pl.String,
}
PARAMETER_SCHEMA = {
    "coefficient": pl.Int32,
    "symbol": pl.String,
    "power": pl.Int8,
    "value": pl.Float64,
    "unit": pl.String,
    "factor": pl.String,
    "level": pl.String,
    "set": pl.String,
    "status": pl.String,
    "source": pl.String,
    "version": pl.String,
    "low": pl.Float64,
    "high": pl.Float64,
    "distribution": pl.String,
    "range_source": pl.String,
    "remark": pl.String,
}
_LOCAL_COLUMNS = (
    "low",
    "high",
    "distribution",
    "valid_from",
    "valid_to",
    "status",
    "source",
    "value",
    "unit",
    "commodity",
)


@dataclass(frozen=True, slots=True)
class FactorGap:
    """A stream that a rule counts but for which a quantity has no value (or an unknown one).

    What would help: `technologies` to state, `kinds` of the commodity for which the chosen sets have values, and
    `choices` of the scheme's options (such as "fuel_set=P") under which nothing is missing.
    """

    rule: str
    commodity: str
    quantity: str
    factor: str
    stream: str
    technologies: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()


@dataclass
class CoefficientTable:
    """Coefficients and parameters collected while a scheme is applied."""

    coefficients: list[dict[str, Any]] = field(default_factory=list)
    parameters: list[dict[str, Any]] = field(default_factory=list)
    gaps: list[FactorGap] = field(default_factory=list)

    def frames(self) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Return (coefficients, parameters) as frames."""
        return (
            pl.DataFrame(self.coefficients, schema=COEFFICIENT_SCHEMA),
            pl.DataFrame(self.parameters, schema=PARAMETER_SCHEMA),
        )


def local_rows(record: Record) -> list[dict[str, Any]]:
    """Return the park's own factors and properties in the one form that `FactorLookup` reads."""
    rows: list[dict[str, Any]] = []
    for row in record.factors.iter_rows(named=True):
        rows.append(
            {name: row[name] for name in _LOCAL_COLUMNS}
            | {
                "quantity": row["quantity"],
                "gas": row["gas"],
                "technology": row["technology"],
                "stream": None,
                "node": row["node"],
                "id": f"local:{row['id']}",
                "version": None,
            }
        )
    for number, row in enumerate(record.properties.iter_rows(named=True)):
        values = {name: row.get(name) for name in _LOCAL_COLUMNS} | _as_content(row)
        own = "/".join(
            str(row[name]) for name in ("commodity", "property", "stream", "node", "valid_from") if row[name]
        )
        rows.append(
            values
            | {
                "quantity": row["property"],
                "gas": None,
                "technology": None,
                "stream": row["stream"],
                "node": row["node"],
                "id": f"property:{own or number}",
                "version": None,
                "distribution": None,
            }
        )
    return rows


def _as_content(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a content that is given as a mass fraction (``0.03``, ``3 %``) in tonnes of the substance per tonne.

    A fraction says nothing of what it is a fraction of; the quantity does. Any other row gives nothing to change.
    """
    quantity = QUANTITIES.get(row["property"])
    if quantity is None or "1" not in quantity.units or not convertible(row["unit"], "1"):
        return {}
    by_mass = next((unit for unit in quantity.units if unit.endswith("/t")), None)
    if by_mass is None:
        return {}
    scale = factor(row["unit"], "1")
    values = {name: None if row[name] is None else row[name] * scale for name in ("value", "low", "high")}
    return values | {"unit": by_mass}


class Coefficients:
    """Works out the coefficients of selected streams for one scheme and year."""

    def __init__(
        self,
        catalogue: Catalogue,
        record: Record,
        network: Network,
        year: int,
        options: Mapping[str, str],
        scheme: Scheme,
    ) -> None:
        own = local_rows(record)
        self._scheme = scheme
        parents = dict(catalogue.parent_commodity)
        parents |= {row["id"]: row["parent"] for row in record.commodities.iter_rows(named=True) if row["parent"]}
        self._lookup = FactorLookup(catalogue, year, own, options, parents)
        self._kinds: dict[str, list[str]] = {}
        for kind, parent in catalogue.parent_commodity.items():
            self._kinds.setdefault(parent, []).append(kind)
        self._network = network
        self._streams_with_own = {row["stream"] for row in own if row["stream"]}
        self._nodes_with_own = {row["node"] for row in own if row["node"]}
        self._gases = catalogue.factors.filter(pl.col("quantity") == "gas_fraction")
        self.table = CoefficientTable()

    def for_rule(self, rule: Rule, selected: pl.DataFrame) -> pl.DataFrame:
        """Return `index` of each stream with the coefficients (one per gas) that `rule` gives it.

        `selected` holds the rule's rows of `selection.select_streams`. Streams without a coefficient are left out and
        stand in `table.gaps`, except where the rule is optional and there is no factor row at all.
        """
        sites = selected["site"].unique().to_list()
        site_frame = pl.DataFrame(
            {
                "site": sites,
                "region": [self._network.region_of(site) or "" for site in sites],
                "own_site": [
                    site if self._nodes_with_own & {site, *self._network.ancestors(site)} else "" for site in sites
                ],
            },
            schema={"site": pl.String, "region": pl.String, "own_site": pl.String},
        )
        keyed = selected.join(site_frame, on="site", how="left", maintain_order="left").with_columns(
            pl.when(pl.col("stream").is_in(list(self._streams_with_own)))
            .then("stream")
            .otherwise(pl.lit(""))
            .alias("own_stream"),
            pl.col("technology").fill_null(""),
        )
        key = ["commodity", "commodity_unit", "technology", "region", "own_site", "own_stream"]
        distinct = keyed.group_by(key, maintain_order=True).agg(pl.col("stream").first())
        rows: list[dict[str, Any]] = []
        for item in distinct.iter_rows(named=True):
            outcomes = [self._add(rule, item, gas) for gas in self._gases_of(rule, item["commodity"])]
            rows += [{name: item[name] for name in key} | {"coefficient": n} for n in outcomes if isinstance(n, int)]
            self._note_gap(rule, item, outcomes)
        found = pl.DataFrame(rows, schema={**dict.fromkeys(key, pl.String), "coefficient": pl.Int32})
        return keyed.join(found, on=key, how="inner", maintain_order="left")

    def for_certificates(self, rule: Rule, commodity: str, unit: str, region: str) -> int | None:
        """Return the coefficient for rows of the certificate register, or None where the rule has no factor."""
        item = dict.fromkeys(("technology", "own_site", "own_stream", "stream"), "")
        item |= {"commodity": commodity, "commodity_unit": unit, "region": region}
        outcome = self._add(rule, item, self._gases_of(rule, commodity)[0])
        self._note_gap(rule, item, [outcome])
        return outcome if isinstance(outcome, int) else None

    def _gases_of(self, rule: Rule, commodity: str) -> list[str]:
        if rule.measure != "gas":
            return [gas_of(rule.measure) or ""]
        if rule.gases == ["*"]:
            rows = self._gases.filter(pl.col("commodity").is_in(self._lookup.lineage(commodity)))
            return list(rows["gas"].unique(maintain_order=True)) or [""]
        return rule.gases

    def _request(self, item: Mapping[str, Any], gas: str) -> Request:
        nodes = (item["own_site"], *self._network.ancestors(item["own_site"])) if item["own_site"] else ()
        return Request(
            item["commodity"],
            item["commodity_unit"],
            gas,
            item["technology"] or "",
            item["region"],
            item["own_stream"],
            nodes,
        )

    def _add(self, rule: Rule, item: Mapping[str, Any], gas: str) -> int | Missing:
        request = self._request(item, gas)
        choices: list[Choice] = []
        terms: list[tuple[str, int]] = [(AMOUNT, 1)]
        for symbol, power in parse_product(rule.formula):
            if symbol == AMOUNT:
                continue
            found = self._lookup.find(symbol, request, rule.sets, local=rule.local)
            if isinstance(found, Missing):
                return found
            for choice in found:
                choices.append(choice)
                terms.append((choice.symbol, choice.power * power))
        scale = combine(
            [(item["commodity_unit"], 1), *((c.unit, p) for c, (_, p) in zip(choices, terms[1:], strict=True))],
            rule.unit,
        )
        value = scale
        for choice, (_, power) in zip(choices, terms[1:], strict=True):
            value *= choice.value**power
        number = len(self.table.coefficients)
        gwp = next((choice.value for choice in choices if choice.symbol == "gwp"), 1.0)
        self.table.coefficients.append(
            {
                "coefficient": number,
                "rule": rule.id,
                "commodity": item["commodity"],
                "measure": gas or rule.measure,
                "formula": write_product(tuple(terms)),
                "value": rule.sign * value,
                "unit": rule.unit,
                "gwp": gwp,
                "unit_scale": rule.sign * scale,
                "amount_unit": item["commodity_unit"],
            }
        )
        self.table.parameters += [
            {
                "coefficient": number,
                "symbol": c.symbol,
                "power": p,
                "value": c.value,
                "unit": c.unit,
                "factor": c.factor,
                "level": c.level,
                "set": c.set,
                "status": c.status,
                "source": c.source,
                "version": c.version,
                "low": c.low,
                "high": c.high,
                "distribution": c.distribution,
                "range_source": c.range_source,
                "remark": NOTE_SEPARATOR.join(c.remarks) or None,
            }
            for c, (_, p) in zip(choices, terms[1:], strict=True)
        ]
        return number

    def _note_gap(self, rule: Rule, item: Mapping[str, Any], outcomes: Sequence[int | Missing]) -> None:
        """Note what is missing: always where a factor is unknown, else where nothing was found for a required rule."""
        missing = [outcome for outcome in outcomes if isinstance(outcome, Missing)]
        unknown = [outcome for outcome in missing if outcome.factor]
        if unknown:
            gap = unknown[0]
        elif missing and len(missing) == len(outcomes) and not rule.optional:
            gap = missing[0]
        else:
            return
        request = self._request(item, self._gases_of(rule, item["commodity"])[0])
        technologies = gap.technologies
        if "" in rule.technologies:
            same = [other for other in self._scheme.rules if other.activities == rule.activities]
            technologies = tuple(dict.fromkeys(name for other in same for name in other.technologies if name))
        kinds = [kind for kind in self._kinds.get(item["commodity"], []) if self._has_all(rule, request, kind)]
        self.table.gaps.append(
            FactorGap(
                rule.id,
                item["commodity"],
                gap.quantity,
                gap.factor,
                item["stream"] or "",
                technologies,
                tuple(kinds),
                tuple(self._helpful_choices(rule, request)),
            )
        )

    def _helpful_choices(self, rule: Rule, request: Request) -> Iterator[str]:
        """Yield the choices of the scheme's options ("fuel_set=P") under which the rule lacks no value."""
        wanted = {name for names in rule.sets.values() for name in names}
        for name, option in self._scheme.options.items():
            for choice in option.choices:
                options = {**self._lookup.options, name: choice}
                if f"{{{name}}}" in wanted and self._has_all(rule, request, request.commodity, options):
                    yield f"{name}={choice}"

    def _has_all(self, rule: Rule, request: Request, commodity: str, options: Mapping[str, str] | None = None) -> bool:
        """Tell whether the rule lacks no value for a commodity, under the options chosen or others."""
        lookup = self._lookup.with_options(options) if options else self._lookup
        request = replace(request, commodity=commodity)
        symbols = [symbol for symbol, _ in parse_product(rule.formula) if symbol != AMOUNT]
        return not any(
            isinstance(lookup.find(symbol, request, rule.sets, local=rule.local), Missing) for symbol in symbols
        )


def gas_of(measure: str) -> str | None:
    """Return the gas a measure names, or None for energy and electricity."""
    return None if measure in ("energy", "electricity") else measure


def value_unit(measure: str, unit: str) -> str:
    """Return the unit of a line's own value: the gas's mass, or the rule's unit where it measures no gas."""
    return unit if gas_of(measure) is None else gas_unit(measure)


def parameters_of(parameters: pl.DataFrame, coefficient: int) -> Sequence[dict[str, Any]]:
    """Return the parameter rows of one coefficient, in the order of its formula."""
    return parameters.filter(pl.col("coefficient") == coefficient).to_dicts()
