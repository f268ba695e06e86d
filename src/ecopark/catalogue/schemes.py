"""Accounting schemes as data: what a scheme file may say, and its reading.

A scheme is one TOML file in `catalogue/data/schemes`. Its rules choose streams and multiply their flows by factors; its
totals add categories; its requirements are the data gate; its indicators are quotients of totals with dated limits.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

Crossing = Literal["received", "sent", "used", "produced", "inside", "certificate"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Named(_Strict):
    """Anything with an id and a name in both languages."""

    id: str
    name_zh: str
    name_en: str


class Option(_Strict):
    """A choice that the scheme leaves to its user, such as the GWP set."""

    default: str
    choices: list[str]
    name_zh: str
    name_en: str


class Category(Named):
    """A heading under which lines are added; `scope` is 1, 2, 3 or empty.

    `never_negative` marks one whose deductions cannot exceed what they are deducted from: below zero is remarked upon.
    """

    scope: str = ""
    never_negative: bool = False


class Rule(Named):
    """Which streams count, and by which formula.

    `crossing` says how a stream must lie to the boundary: received (enters), sent (leaves), used (target inside),
    produced (source inside), inside (both ends inside), certificate (rows of the certificate register).
    `commodities` and `groups` choose by what flows (either matches), `activities` and `technologies` by its use; an
    empty list leaves that open, and the technology "" stands for streams that state none. `passed_on` restricts the
    rule to streams whose source receives the same commodity itself (what a maker sends is not passed on). `formula` is
    a product or quotient of `amount`, quantities of the catalogue and constants. `sets` names the factor sets that each
    quantity may come from, best first ("*" for all others); `{option}` stands for the user's choice. `local` lets the
    park's own factors and properties come first.
    `measure` is what a line measures: the gas (or "gas" for each gas that has a factor), energy, electricity.
    """

    category: str
    crossing: Crossing
    commodities: list[str] = Field(default_factory=list)
    groups: list[str] = Field(default_factory=list)
    activities: list[str] = Field(default_factory=list)
    technologies: list[str] = Field(default_factory=list)
    measure: str
    unit: str
    gases: list[str] = Field(default_factory=list)
    formula: str
    sets: dict[str, list[str]] = Field(default_factory=dict)
    sign: Literal[-1, 1] = 1
    passed_on: bool = False
    local: bool = True
    optional: bool = False
    note_zh: str = ""
    note_en: str = ""


class Total(Named):
    """A sum of categories in one unit; the first total of a scheme is its headline."""

    unit: str
    categories: list[str]


class Requirement(Named):
    """A kind of source that must be stated, with an amount or a notation, before a total may be called one."""

    groups: list[str] = Field(default_factory=list)
    commodities: list[str] = Field(default_factory=list)
    activities: list[str] = Field(default_factory=list)


class Indicator(Named):
    """A quotient of two totals, or a statistic of the park, with its unit."""

    unit: str
    numerator: str = ""
    denominator: str = ""
    statistic: str = ""
    warn_below: float | None = None
    kind: Literal["core", "guiding", "information"] = "information"


class Limit(_Strict):
    """A limit on an indicator, in force for a region, from a year on, over a range of size (in `size_total`'s unit)."""

    indicator: str
    comparison: Literal["<=", ">="]
    limit: float
    variant: str
    year: int | None = None
    size_from: float = 0.0
    size_to: float = float("inf")
    source: str


class Variant(Named):
    """A set of limits: the national one, or a province's."""

    region: str
    source: str


class Scheme(Named):
    """A declared way to draw an inventory from flows."""

    version: str
    source: str
    description_zh: str
    description_en: str
    unit: str
    status: str = "secondary"
    size_total: str = ""
    options: dict[str, Option] = Field(default_factory=dict)
    includes: list[str] = Field(default_factory=list)
    categories: list[Category] = Field(alias="category", default_factory=list)
    rules: list[Rule] = Field(alias="rule", default_factory=list)
    totals: list[Total] = Field(alias="total")
    requirements: list[Requirement] = Field(alias="requirement", default_factory=list)
    indicators: list[Indicator] = Field(alias="indicator", default_factory=list)
    variants: list[Variant] = Field(alias="variant", default_factory=list)
    limits: list[Limit] = Field(alias="limit", default_factory=list)
    reported: str = ""

    def category(self, identity: str) -> Category:
        """Return the category called `identity`."""
        return next(category for category in self.categories if category.id == identity)

    def total(self, identity: str | None = None) -> Total:
        """Return a total by id, or the headline; KeyError names the known ones."""
        if identity is None:
            return self.totals[0]
        for total in self.totals:
            if total.id == identity:
                return total
        raise KeyError(f"scheme {self.id} has no total {identity!r}; known: {', '.join(t.id for t in self.totals)}")

    def chosen(self, options: dict[str, str]) -> dict[str, str]:
        """Return every option with its value; ValueError names an unknown option or choice and the known ones."""
        for name in options:
            if name not in self.options:
                raise ValueError(f"scheme {self.id} has no option {name!r}; known: {', '.join(self.options) or '-'}")
        values = {name: options.get(name, option.default) for name, option in self.options.items()}
        for name, value in values.items():
            if value not in self.options[name].choices:
                raise ValueError(f"{name}={value!r}: choose one of {', '.join(self.options[name].choices)}")
        return values


def _resolve_includes(schemes: dict[str, Scheme]) -> dict[str, Scheme]:
    """Return the schemes with the categories and rules that they take over from others ("energy:*", "energy:rule")."""
    resolved: dict[str, Scheme] = {}
    for identity, scheme in schemes.items():
        rules, categories = list(scheme.rules), list(scheme.categories)
        for include in scheme.includes:
            other, _, wanted = include.partition(":")
            taken = [rule for rule in schemes[other].rules if wanted in ("*", rule.id)]
            if not taken:
                raise ValueError(f"scheme {identity}: nothing to include for {include!r}")
            rules += taken
            known = {category.id for category in categories}
            wanted_categories = {rule.category for rule in taken} - known
            categories += [category for category in schemes[other].categories if category.id in wanted_categories]
        resolved[identity] = scheme.model_copy(update={"rules": rules, "categories": categories})
    return resolved


def check_scheme(scheme: Scheme) -> list[str]:
    """Return what is inconsistent in a scheme: ids used twice, categories, totals or variants that do not exist."""
    faults: list[str] = []
    rule_ids = [rule.id for rule in scheme.rules]
    faults += [f"rule {name} stands twice" for name in sorted({name for name in rule_ids if rule_ids.count(name) > 1})]
    categories = {category.id for category in scheme.categories}
    faults += [f"rule {r.id}: no category {r.category}" for r in scheme.rules if r.category not in categories]
    totals = {total.id for total in scheme.totals}
    for total in scheme.totals:
        faults += [f"total {total.id}: no category {name}" for name in total.categories if name not in categories]
    for indicator in scheme.indicators:
        for name in (indicator.numerator, indicator.denominator):
            if name and name not in totals:
                faults.append(f"indicator {indicator.id}: no total {name}")
    variants = {variant.id for variant in scheme.variants}
    indicators = {indicator.id for indicator in scheme.indicators}
    for limit in scheme.limits:
        if limit.variant not in variants:
            faults.append(f"limit on {limit.indicator}: no variant {limit.variant}")
        if limit.indicator not in indicators:
            faults.append(f"limit: no indicator {limit.indicator}")
    return faults


def load_schemes(folder: Path) -> dict[str, Scheme]:
    """Read every scheme file of `folder`; ValueError names the file and what is wrong with it."""
    schemes: dict[str, Scheme] = {}
    for path in sorted(folder.glob("*.toml")):
        try:
            scheme = Scheme.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
        except (tomllib.TOMLDecodeError, ValidationError) as error:
            raise ValueError(f"{path.name}: {error}") from error
        schemes[scheme.id] = scheme
    schemes = _resolve_includes(schemes)
    for scheme in schemes.values():
        if faults := check_scheme(scheme):
            raise ValueError(f"scheme {scheme.id}: " + "; ".join(faults))
    return schemes
