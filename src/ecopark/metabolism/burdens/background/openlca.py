"""Read an openLCA package: JSON-LD files of processes, flows, flow properties, unit groups and impact categories.

Both spellings of the format are read (``isInput`` and ``input``, ``refUnit`` and ``referenceUnitName`` …). Every amount
is brought to the reference unit of the flow's reference property: with unit factor u of the unit used and property
factor f of the property used, ``amount * u / f``. A process with one quantitative reference makes one product; one that
makes several is split by the allocation factors that it states. An input goes to its default provider, else to the one
process that makes the flow; inputs that nobody makes are cut off and told. Waste handed over is an input of treatment.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import polars as pl

from ecopark.accounting.result import Remark
from ecopark.metabolism.burdens.background.distributions import (
    FIXED,
    LOGNORMAL,
    NORMAL,
    TRIANGULAR,
    UNIFORM,
    Distributions,
)
from ecopark.metabolism.burdens.background.openlca_units import Quantities
from ecopark.metabolism.burdens.background.packages import Package
from ecopark.metabolism.burdens.background.system import (
    CATEGORY_SCHEMA,
    PRODUCT_SCHEMA,
    Background,
    Exchanges,
    background_problem,
)
from ecopark.model.problems import InputError, Problem
from ecopark.translation import N_

Row = Mapping[str, Any]
FOLDERS = ("processes", "flows", "flow_properties", "unit_groups", "lcia_categories", "lcia_methods")


@dataclass
class Entries:
    """Matrix entries as they are collected."""

    row: list[int] = field(default_factory=list)
    column: list[int] = field(default_factory=list)
    value: list[float] = field(default_factory=list)
    sign: list[float] = field(default_factory=list)
    parameters: list[tuple[int, float, float, float, float, bool]] = field(default_factory=list)

    def add(self, row: int, column: int, value: float, scale: float = 0.0, uncertainty: Row | None = None) -> None:
        """Add one entry; `scale` is the signed number by which the stated amount was multiplied."""
        self.row.append(row)
        self.column.append(column)
        self.value.append(value)
        self.sign.append(-1.0 if scale < 0 else 1.0)
        self.parameters.append(_distribution(uncertainty, abs(scale)))

    def exchanges(self) -> Exchanges:
        """Return the entries as arrays."""
        columns = list(zip(*self.parameters, strict=True)) or [()] * 6
        kind, loc, scale, minimum, maximum, negative = columns
        distributions = Distributions(
            np.array(kind, np.uint8), np.array(loc, float), np.array(scale, float), np.array(minimum, float),
            np.array(maximum, float), np.array(negative, bool),
        )  # fmt: skip
        return Exchanges(
            np.array(self.row, np.int64), np.array(self.column, np.int64), np.array(self.value, float),
            np.array(self.sign, float), distributions,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Made:
    """One product of one process: the flow, the exchange that makes it, and the share of the process it bears."""

    process: Row
    flow: str
    exchange: Row
    several: bool


def read_openlca(path: str | Path, *, name: str = "", method: str = "") -> Background:
    """Return the background system of an openLCA JSON-LD folder or zip.

    `method` chooses an impact method by name or id where the package holds several; blank takes all categories.
    InputError tells everything that is wrong at once: processes without a reference, several products without
    allocation factors, unknown units, a flow with several possible providers, no impact categories.
    """
    package = Package.open(path)
    data = _read(package)
    problems: list[Problem] = []
    if not data["processes"]:
        raise InputError([
            background_problem(
                "openlca_processes", package.path.name, N_("The package holds no processes of openLCA."),
                N_("Export a database or product system as JSON-LD, with its processes."),
            )
        ])  # fmt: skip
    quantities = Quantities(data["flows"], data["flow_properties"], data["unit_groups"], problems)
    categories = _categories(data, method, package.path.name, problems)
    return _Reader(package.path.name, data, quantities, categories, problems).read(name or package.path.stem)


def _read(package: Package) -> dict[str, dict[str, Row]]:
    found: dict[str, dict[str, Row]] = {folder: {} for folder in FOLDERS}
    wanted = [
        each
        for each in package.names
        if each.endswith(".json") and len(PurePosixPath(each).parts) > 1 and PurePosixPath(each).parts[-2] in FOLDERS
    ]
    for each, content in package.read_all(wanted):
        row = json.loads(content)
        found[PurePosixPath(each).parts[-2]][row.get("@id") or PurePosixPath(each).stem] = row
    return found


def _categories(data: Mapping[str, dict[str, Row]], method: str, place: str, problems: list[Problem]) -> list[Row]:
    categories = data["lcia_categories"]
    chosen = list(categories.values())
    if method:
        methods = [row for key, row in data["lcia_methods"].items() if method in (key, row.get("name"))]
        wanted = [each.get("@id") for row in methods for each in row.get("impactCategories", [])]
        chosen = [categories[key] for key in wanted if key in categories]
    if not chosen:
        known = ", ".join(sorted(row.get("name", key) for key, row in data["lcia_methods"].items())) or "-"
        problems.append(
            background_problem(
                "openlca_method", place, N_("The package holds no impact categories for the method “{method}”."),
                N_("Export an impact method together with the database. Methods in the package: {known}."),
                method=method or "*", known=known,
            )
        )  # fmt: skip
    return chosen


def _id(reference: Row | None) -> str:
    return str((reference or {}).get("@id", ""))


def _is_input(exchange: Row) -> bool:
    return bool(exchange.get("isInput", exchange.get("input", False)))


def _is_reference(exchange: Row) -> bool:
    return bool(exchange.get("isQuantitativeReference", exchange.get("quantitativeReference", False)))


def _is_avoided(exchange: Row) -> bool:
    return bool(exchange.get("isAvoidedProduct", exchange.get("avoidedProduct", False)))


def _distribution(uncertainty: Row | None, scale: float) -> tuple[int, float, float, float, float, bool]:
    """Return kind, loc, scale, minimum, maximum, negative of an exchange's uncertainty, in the reference unit."""
    nothing = float("nan")
    row = uncertainty or {}
    kind = row.get("distributionType", "")
    if kind == "LOG_NORMAL_DISTRIBUTION" and row.get("geomMean") and row.get("geomSd"):
        return (
            LOGNORMAL, float(np.log(abs(row["geomMean"]) * scale)), float(np.log(row["geomSd"])), nothing, nothing,
            row["geomMean"] < 0,
        )  # fmt: skip
    if kind == "NORMAL_DISTRIBUTION" and row.get("sd") is not None:
        return NORMAL, float(row.get("mean", 0.0)) * scale, float(row["sd"]) * scale, nothing, nothing, False
    if kind in ("UNIFORM_DISTRIBUTION", "TRIANGLE_DISTRIBUTION") and row.get("minimum") is not None:
        low, high = float(row["minimum"]) * scale, float(row["maximum"]) * scale
        if kind == "UNIFORM_DISTRIBUTION":
            return UNIFORM, nothing, nothing, low, high, False
        return TRIANGULAR, float(row["mode"]) * scale, nothing, low, high, False
    return FIXED, nothing, nothing, nothing, nothing, False


class _Reader:
    """Builds the matrices; problems are collected and raised together."""

    def __init__(
        self,
        place: str,
        data: Mapping[str, dict[str, Row]],
        quantities: Quantities,
        categories: Sequence[Row],
        problems: list[Problem],
    ) -> None:
        self.place, self.data, self.quantities = place, data, quantities
        self.categories, self.problems = categories, problems
        self.made: list[Made] = []
        self.makers: dict[str, list[int]] = {}
        self.by_process: dict[tuple[str, str], int] = {}
        self.elementary: dict[str, int] = {}
        self.resource: dict[str, bool] = {}
        self.cut: dict[str, None] = {}

    def read(self, name: str) -> Background:
        for key, process in self.data["processes"].items():
            self._products(key, process)
        technosphere, biosphere = Entries(), Entries()
        for column, made in enumerate(self.made):
            self._column(column, made, technosphere, biosphere)
        characterisation = self._factors()
        if self.problems:
            raise InputError(self.problems)
        remarks = [
            Remark(
                "background_cut_off",
                N_("{number} inputs of the background have no process that makes them and are cut off: {flows}."),
                {"number": len(self.cut), "flows": ", ".join(list(self.cut)[:10])}, "warning",
            )
        ] if self.cut else []  # fmt: skip
        return Background(
            name=name,
            products=pl.DataFrame(
                [
                    (self._product_id(made), self._flow_name(made.flow), self.quantities.unit(made.flow),
                     (made.process.get("location") or {}).get("name"), str(made.process.get("name", "")))
                    for made in self.made
                ],
                schema=PRODUCT_SCHEMA, orient="row",
            ),
            processes=[str(made.process.get("name", "")) for made in self.made],
            maker=np.arange(len(self.made)),
            elementary_flows=pl.DataFrame(
                [(flow, self._flow_name(flow), self.quantities.unit(flow)) for flow in self.elementary],
                schema={"flow": pl.String, "name": pl.String, "unit": pl.String}, orient="row",
            ),
            categories=pl.DataFrame(
                [
                    (str(row["@id"]), row.get("name"), row.get("refUnit") or row.get("referenceUnitName"))
                    for row in self.categories
                ],
                schema=CATEGORY_SCHEMA, orient="row",
            ),
            technosphere=technosphere.exchanges(), biosphere=biosphere.exchanges(),
            characterisation=characterisation.exchanges(), remarks=remarks,
        )  # fmt: skip

    def _flow(self, key: str) -> Row:
        return self.data["flows"].get(key, {})

    def _flow_name(self, key: str) -> str:
        return str(self._flow(key).get("name", key))

    def _product_id(self, made: Made) -> str:
        """The process, with the flow behind a colon where it makes several."""
        process = str(made.process.get("@id", ""))
        return f"{process}:{made.flow}" if made.several else process

    def _products(self, key: str, process: Row) -> None:
        """Find what a process makes: products that come out, wastes that it takes in for treatment."""
        name = str(process.get("name", key))
        exchanges = process.get("exchanges", [])
        outputs = [
            each for each in exchanges
            if not _is_avoided(each) and self._kind(each) == ("WASTE_FLOW" if _is_input(each) else "PRODUCT_FLOW")
        ]  # fmt: skip
        references = [each for each in exchanges if _is_reference(each)]
        if len(references) != 1:
            self._problem(
                "openlca_reference", name,
                N_("The process has {number} quantitative references; one is needed."),
                N_("Mark in openLCA the product that the process is for."), number=len(references),
            )  # fmt: skip
            return
        others = [each for each in outputs if not _is_reference(each)]
        several = bool(others)
        if several and not _allocation(process):
            self._problem(
                "openlca_allocation", name,
                N_("The process makes several products ({products}) and states no allocation factors."),
                N_("Give it allocation factors and a default allocation method in openLCA, or split it."),
                products=", ".join(self._flow_name(_id(each.get("flow"))) for each in [*references, *others]),
            )  # fmt: skip
            return
        for exchange in [*references, *others]:
            flow = _id(exchange.get("flow"))
            self.by_process[str(process.get("@id", key)), flow] = len(self.made)
            self.makers.setdefault(flow, []).append(len(self.made))
            self.made.append(Made(process, flow, exchange, several))

    def _kind(self, exchange: Row) -> str:
        flow = self._flow(_id(exchange.get("flow")))
        return str(flow.get("flowType") or (exchange.get("flow") or {}).get("flowType", ""))

    def _column(self, column: int, made: Made, technosphere: Entries, biosphere: Entries) -> None:
        """Add the exchanges of one product: its own as 1 unit times what is made, the rest by its share."""
        name = str(made.process.get("name", ""))
        for exchange in made.process.get("exchanges", []):
            flow, kind = _id(exchange.get("flow")), self._kind(exchange)
            unit_scale = self.quantities.scale(exchange, f"{self.place}: {name}")
            if unit_scale is None:
                continue
            amount = float(exchange.get("amount", 0.0))
            uncertainty = exchange.get("uncertainty")
            if exchange is made.exchange:
                technosphere.add(column, column, amount * unit_scale, unit_scale, uncertainty)
                continue
            makes = kind == ("WASTE_FLOW" if _is_input(exchange) else "PRODUCT_FLOW") and not _is_avoided(exchange)
            if makes:  # another product of the same process: it has its own column
                continue
            share = _share(made, exchange) if made.several else 1.0
            if share is None:
                self._problem(
                    "openlca_share", name, N_("The process states no allocation factor for “{product}”."),
                    N_("Give it allocation factors and a default allocation method in openLCA, or split it."),
                    product=self._flow_name(made.flow),
                )  # fmt: skip
                return
            scale = unit_scale * share
            if kind == "ELEMENTARY_FLOW":
                taken = self.resource.setdefault(flow, _is_input(exchange))
                scale = scale if _is_input(exchange) == taken else -scale
                row = self.elementary.setdefault(flow, len(self.elementary))
                biosphere.add(row, column, amount * scale, scale, uncertainty)
                continue
            provider = self._provider(exchange, flow, name)
            if provider is not None:
                # what is avoided is made elsewhere less: it counts as if the process had made it
                scale = scale if _is_avoided(exchange) else -scale
                technosphere.add(provider, column, amount * scale, scale, uncertainty)

    def _provider(self, exchange: Row, flow: str, name: str) -> int | None:
        default = _id(exchange.get("defaultProvider"))
        if default:
            found = self.by_process.get((default, flow))
            if found is None:
                self._problem(
                    "openlca_provider", name,
                    N_("The default provider of “{flow}” is not in the package or does not make it."),
                    N_("Export the database with all processes, or clear the default provider."),
                    flow=self._flow_name(flow),
                )  # fmt: skip
            return found
        makers = self.makers.get(flow, [])
        if len(makers) == 1:
            return makers[0]
        if makers:
            self._problem(
                "openlca_providers", name,
                N_("“{flow}” is made by several processes ({processes}) and no default provider is stated."),
                N_("Set the default provider in openLCA."), flow=self._flow_name(flow),
                processes=", ".join(str(self.made[each].process.get("name", "")) for each in makers[:5]),
            )  # fmt: skip
        else:
            self.cut[self._flow_name(flow)] = None
        return None

    def _factors(self) -> Entries:
        entries = Entries()
        for number, category in enumerate(self.categories):
            for factor in category.get("impactFactors", []):
                flow = _id(factor.get("flow"))
                if flow not in self.elementary:
                    continue
                scale = self.quantities.scale(factor, f"{self.place}: {category.get('name', '')}")
                if scale:
                    # a factor holds per unit used; one reference unit is 1/scale of them
                    entries.add(number, self.elementary[flow], float(factor.get("value", 0.0)) / scale)
        return entries

    def _problem(self, code: str, process: str, cause: str, remedy: str, **values: object) -> None:
        self.problems.append(background_problem(code, f"{self.place}: {process}", cause, remedy, **values))


def _allocation(process: Row) -> list[Row]:
    """Return the allocation factors of the process's default method (all where it names none)."""
    factors = process.get("allocationFactors") or []
    method = process.get("defaultAllocationMethod")
    if method in (None, "", "USE_DEFAULT_ALLOCATION", "NO_ALLOCATION"):
        kinds = {str(each.get("allocationType")) for each in factors}
        method = next(iter(sorted(kinds)), "") if len(kinds) == 1 else "PHYSICAL_ALLOCATION"
    return [each for each in factors if each.get("allocationType") == method]


def _share(made: Made, exchange: Row) -> float | None:
    """Return the share of an exchange that a product bears; causal factors are stated for each exchange."""
    for each in _of(_allocation(made.process), made.flow):
        about = each.get("exchange")
        if about is None or about.get("internalId") == exchange.get("internalId"):
            return float(each.get("value", 0.0))
    return None


def _of(factors: Sequence[Row], flow: str) -> Iterator[Row]:
    return (each for each in factors if _id(each.get("product")) == flow)
