"""The result of an accounting scheme: lines, coefficients, parameters, gaps, indicators, and their explanations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import polars as pl

from ecopark.accounting.explanation import Explanation, Input
from ecopark.catalogue.schemes import Scheme, Total
from ecopark.translation import translate

DIMENSIONS = {
    "category": "category",
    "scope": "scope",
    "gas": "measure",
    "node": "node",
    "commodity": "commodity",
    "rule": "rule",
    "stream": "stream",
}
"""What lines can be grouped by -> the column of `lines` that holds it."""

NAME_KINDS = ("category", "rule", "node", "commodity", "symbol", "technology")
"""Kinds of things that have names; `Inventory.names` is keyed by "kind:id"."""


@dataclass(frozen=True, slots=True)
class Remark:
    """Something a reader must know about a result: a message id with its fields, and how grave it is."""

    code: str
    message: str
    values: Mapping[str, object] = field(default_factory=dict)
    severity: Literal["information", "warning"] = "information"

    def text(self, language: str) -> str:
        """Return the remark as a sentence in `language`."""
        return translate(self.message, language, **self.values)


@dataclass(frozen=True, slots=True)
class Gap:
    """Something a scheme requires and the record does not hold: what, why, who owes it, how to mend it.

    `kind`: requirement (no stream at all), no_data (no flow in the year), partial (the year is not covered),
    not_estimated, confidential (notations NE, C), no_factor, unknown_factor.
    """

    kind: str
    name_zh: str
    name_en: str
    owner: str
    reason: str
    remedy: str
    values: Mapping[str, object] = field(default_factory=dict)
    stream: str = ""

    def describe(self, language: str) -> tuple[str, str]:
        """Return reason and remedy as sentences in `language`."""
        return translate(self.reason, language, **self.values), translate(self.remedy, language, **self.values)


@dataclass(frozen=True, slots=True)
class IndicatorResult:
    """An indicator's value against one limit. `gap` is what is missing to the limit, in `gap_unit`."""

    id: str
    name_zh: str
    name_en: str
    kind: str
    unit: str
    value: float | None
    verdict: Literal["met", "not_met", "no_threshold", "not_available"]
    variant: str = ""
    variant_zh: str = ""
    variant_en: str = ""
    limit: float | None = None
    limit_year: int | None = None
    comparison: str = ""
    source: str = ""
    gap: float | None = None
    gap_unit: str = ""
    reason: Remark | None = None
    warning: Remark | None = None


@dataclass(frozen=True)
class Inventory:
    """What a scheme yields over a boundary and a year.

    Shapes: `lines` has `accounting.lines.LINE_SCHEMA` (one row per flow, rule and gas); `coefficients` and `parameters`
    as in `accounting.coefficients`; `flows` the effective flows with ranges, methods and evidence. `names` maps
    "kind:id" (of `NAME_KINDS`) to (Chinese, English).
    """

    scheme: Scheme
    year: int
    boundary: str
    boundary_name: tuple[str, str]
    scenario: str
    perspective: str
    options: Mapping[str, str]
    lines: pl.DataFrame
    coefficients: pl.DataFrame
    parameters: pl.DataFrame
    flows: pl.DataFrame
    gaps: Sequence[Gap]
    remarks: Sequence[Remark]
    indicators: Sequence[IndicatorResult]
    names: Mapping[str, tuple[str, str]]
    statistics: Mapping[str, Input] = field(default_factory=dict)
    sources: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    run: str | None = None

    @property
    def complete(self) -> bool:
        """Whether every required row is there: only then is a total a total."""
        return not self.gaps

    def with_run(self, run: str) -> Inventory:
        """Return the same inventory carrying the id of the run under which it is stored."""
        return replace(self, run=run)

    def reference(self, key: str) -> str:
        """Return the reference under which `explain` finds a number of this inventory."""
        return f"{self.run}-{key}" if self.run else key

    def lines_of(self, total: Total | str | None = None) -> pl.DataFrame:
        """Return the lines that a total adds (the headline if none is named)."""
        return self.lazy_lines_of(total).collect()

    def lazy_lines_of(self, total: Total | str | None = None) -> pl.LazyFrame:
        """Return the same lines as a lazy frame, so that a sum touches only the columns it needs."""
        chosen = total if isinstance(total, Total) else self.scheme.total(total)
        return self.lines.lazy().filter(pl.col("category").is_in(chosen.categories))

    def total(self, identity: str | None = None) -> float:
        """Return a total in its unit: the headline, or the one called `identity`."""
        return float(self.lazy_lines_of(identity).select(pl.col("result").sum()).collect().item())

    def totals(self) -> pl.DataFrame:
        """Return every total of the scheme: id, name_zh, name_en, value, unit, key."""
        rows = [(t.id, t.name_zh, t.name_en, self.total(t.id), t.unit, f"total:{t.id}") for t in self.scheme.totals]
        return pl.DataFrame(rows, schema=["id", "name_zh", "name_en", "value", "unit", "key"], orient="row")

    def by(self, *dimensions: str, total: str | None = None) -> pl.DataFrame:
        """Return a total split by dimensions (of `DIMENSIONS`): their columns, `value`, `unit`, `lines`, `key`.

        Rows stand largest first; their values add up to the total. ValueError names an unknown dimension.
        """
        for dimension in dimensions:
            if dimension not in DIMENSIONS:
                raise ValueError(f"unknown dimension {dimension!r}; known: {', '.join(DIMENSIONS)}")
        chosen = self.scheme.total(total)
        prefix = f"total:{chosen.id}"
        columns = [pl.col(DIMENSIONS[dimension]).fill_null("").alias(dimension) for dimension in dimensions]
        parts = [pl.lit(prefix)]
        for dimension in dimensions:
            parts += [pl.lit(f"&{dimension}:"), pl.col(dimension)]
        return (
            self.lazy_lines_of(chosen)
            .group_by(columns, maintain_order=True)
            .agg(pl.col("result").sum().alias("value"), pl.len().alias("lines"))
            .with_columns(pl.lit(chosen.unit).alias("unit"), pl.concat_str(parts).alias("key"))
            .sort(pl.col("value").abs(), descending=True, maintain_order=True)
            .collect()
        )

    def name(self, identity: str, language: str, kind: str = "") -> str:
        """Return the name in `language` of a node, commodity, category, rule or symbol (its `kind`), or the id.

        One id may name a firm and what it makes; without a `kind` the kinds are tried in the order of `NAME_KINDS`.
        """
        kinds = (kind,) if kind else NAME_KINDS
        zh, en = next((pair for k in kinds if (pair := self.names.get(f"{k}:{identity}"))), ("", ""))
        first, second = (zh, en) if language == "zh" else (en, zh)
        return first or second or identity

    def explain(self, key: str) -> Explanation:
        """Return where a number comes from.

        Keys: "total", "total:ID", "total:ID&category:fuel", "line:17", "indicator:ID", "gap:ID:VARIANT",
        "statistic:VARIABLE", "share:KEY", "per:TOTAL:VARIABLE", "low:KEY" and "high:KEY" (ends of a 95 % range),
        "variance:total:ID:LINE", "rests:TOTAL:FACTOR".
        KeyError for a key that names nothing here.
        """
        from ecopark.accounting.explaining import explain

        return explain(self, key)

    def to_json(self) -> dict[str, Any]:
        """Return the inventory as plain data with units (lines included)."""
        from ecopark.accounting.serialising import inventory_to_json

        return inventory_to_json(self)
