"""What an inventory report is made of: results that engines computed, the record's evidence, the catalogue's sources.

A report computes nothing of its own beyond shares and quotients of these results.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import polars as pl

from ecopark.accounting.comparison import Comparison
from ecopark.accounting.consolidation import Consolidation
from ecopark.accounting.result import Inventory
from ecopark.catalogue import Catalogue, load_catalogue
from ecopark.model.network import PARK, Network
from ecopark.model.problems import Problem
from ecopark.model.record import Record
from ecopark.model.tables import ACTUAL

if TYPE_CHECKING:
    from ecopark.metabolism.balances.balances import Balances
    from ecopark.metabolism.indicators.indicators import Indicators
    from ecopark.workspace import Reported, Workspace

DEFAULT_SCHEMES = ("zero-carbon-park-2025", "park-ghg", "energy")


@dataclass(frozen=True)
class Uncertainty:
    """The 95 % ranges of one inventory's main total and its parts.

    `ranges`: "total" or a key such as "category:fuel" -> (low, high) by Approach 2, which the tables print; `first` the
    total's range by Approach 1. `lines` (line, share) and `variables` (variable, share): parts of the variance of the
    total, shares of 1, largest first. `exact` (variable, kind, share): what has no range, with the part of the result
    that uses it. `remarks`: what the methods warn of. `samples`: how many points Approach 2 drew.
    """

    ranges: Mapping[str, tuple[float, float]]
    first: tuple[float, float]
    lines: pl.DataFrame
    variables: pl.DataFrame
    exact: pl.DataFrame
    remarks: Sequence[Problem] = ()
    samples: int = 0


@dataclass(frozen=True)
class Material:
    """Everything that one report shows.

    `inventories` are the schemes of the report's year, the main one first; `years` the main scheme's inventories of
    several years, oldest first. `uncertainties` and `consolidations` are by scheme id. `record` brings evidence,
    streams and notes; without it those chapters say that they are empty. `members` are the nodes inside the boundary,
    `reported` the operator's own statements, `synthetic` marks the whole record as made up, `date` stands on the cover.
    `balances` and `metabolism_indicators` fill the chapter on metabolism; without balances there is none.
    """

    inventories: Sequence[Inventory]
    catalogue: Catalogue
    record: Record | None = None
    years: Sequence[Inventory] = ()
    comparisons: Sequence[Comparison] = ()
    uncertainties: Mapping[str, Uncertainty] = field(default_factory=dict)
    consolidations: Mapping[str, Consolidation] = field(default_factory=dict)
    reported: Sequence[Reported] = ()
    reported_scheme: str = ""
    park: tuple[str, str] = ("", "")
    members: frozenset[str] | None = None
    synthetic: bool = False
    date: datetime.date = field(default_factory=datetime.date.today)
    balances: Balances | None = None
    metabolism_indicators: Indicators | None = None

    def __post_init__(self) -> None:
        if not self.inventories:
            raise ValueError("a report needs at least one inventory")
        years = {inventory.year for inventory in self.inventories}
        if len(years) > 1:
            raise ValueError(f"the inventories side by side are of different years: {sorted(years)}")

    @property
    def main(self) -> Inventory:
        """The inventory that the report is about; the others stand beside it."""
        return self.inventories[0]

    @property
    def year(self) -> int:
        """The accounting year."""
        return self.main.year


def uncertainty_of(inventory: Inventory) -> Uncertainty | None:
    """Return the ranges of an inventory's main total and its parts, or None where nothing has a range."""
    from ecopark.accounting.inventory_uncertainty import assess_uncertainty

    if inventory.lines_of().is_empty():
        return None
    found = assess_uncertainty(inventory)
    variance = found.correlated
    variables = variance.variables("total")
    if variables.is_empty():
        return None
    first, second = found.simple, found.simulated
    ends = first.totals.filter(pl.col("group") == "total").row(0, named=True)
    lines = variance.lines("total").select("line", "share").sort("share", descending=True, maintain_order=True)
    return Uncertainty(
        ranges={row["group"]: (row["low"], row["high"]) for row in second.totals.iter_rows(named=True)},
        first=(ends["low"], ends["high"]), lines=lines, variables=variables.select("variable", "share"),
        exact=found.exact, samples=second.samples,
        remarks=list({problem.line("en"): problem for problem in (*first.remarks, *second.remarks)}.values()),
    )  # fmt: skip


def comparisons_of(inventories: Sequence[Inventory], years: Sequence[Inventory] = ()) -> list[Comparison]:
    """Return the main inventory against each other scheme that measures the same, and the last two years."""
    from ecopark.accounting.comparison import compare

    found: list[Comparison] = []
    for other in inventories[1:]:
        try:
            found.append(compare(inventories[0], other))
        except ValueError:  # tonnes of standard coal and of CO2 are not compared
            continue
    before = [one for one in years if one.year < inventories[0].year and not one.lines_of().is_empty()]
    if before:
        found.append(compare(before[-1], inventories[0]))
    return found


def gather(
    workspace: Workspace,
    year: int | None = None,
    schemes: Sequence[str] = (),
    *,
    boundary: str = PARK,
    scenario: str = ACTUAL,
    options: Mapping[str, str] | None = None,
    date: datetime.date | None = None,
    metabolism: bool | None = None,
) -> Material:
    """Return everything for a report on a workspace; all inventories are stored as runs.

    `year` is the settings' or the last with flows if not given, `schemes` are `DEFAULT_SCHEMES`, the first being the
    main one; `options` go to every scheme that has them; `metabolism` says whether the chapter on metabolism is wanted
    (if not given: where the flows belong to more than one layer). Raises ValueError for a record without flows,
    KeyError for an unknown scheme or boundary.
    """
    from ecopark.accounting.inventory import resolve_boundary

    known = workspace.years
    if not known:
        raise ValueError("the record has no flows: there is nothing to report")
    chosen = year or known[-1]
    identities = list(schemes) or [name for name in DEFAULT_SCHEMES if name in workspace.catalogue.schemes]

    def draw(scheme: str, of_year: int) -> Inventory:
        own = workspace.catalogue.scheme(scheme).options
        fitting: dict[str, Any] = {name: value for name, value in (options or {}).items() if name in own}
        return workspace.inventory(of_year, scheme, boundary, scenario, **fitting)

    inventories = [draw(scheme, chosen) for scheme in identities]
    years = [inventories[0] if one == chosen else draw(identities[0], one) for one in known if one <= chosen]
    record = workspace.record
    network = Network(record)
    reported_scheme, reported = like_with_like(workspace, identities)
    balances = None if metabolism is False else workspace.balance(chosen, boundary=boundary, scenario=scenario)
    if balances is not None and metabolism is None and balances.values["layer"].n_unique() < 2:
        balances = None
    indicators = None if balances is None else workspace.metabolism_indicators(
        chosen, boundary=boundary, scenario=scenario
    )  # fmt: skip
    return Material(
        inventories=inventories, catalogue=workspace.catalogue, record=record, years=years,
        comparisons=comparisons_of(inventories, years),
        uncertainties={one.scheme.id: found for one in inventories if (found := uncertainty_of(one)) is not None},
        consolidations={one.scheme.id: workspace.consolidation(one) for one in inventories},
        reported=reported, reported_scheme=reported_scheme,
        park=workspace.name, members=resolve_boundary(record, network, boundary).members,
        synthetic=workspace.synthetic, date=date or datetime.date.today(), balances=balances,
        metabolism_indicators=indicators,
    )  # fmt: skip


def like_with_like(workspace: Workspace, identities: Sequence[str]) -> tuple[str, list[Reported]]:
    """Return the scheme under which calculated and reported emissions are best compared, and the comparison.

    That is the one whose inventories are complete in the most years for the nodes that reported (an operator's own
    reporting rules leave fewer gaps than a park's); of equals, the report's own schemes come first.
    """
    schemes = workspace.catalogue.schemes
    candidates = [one for one in dict.fromkeys([*identities, *schemes]) if schemes[one].reported]
    found = {one: workspace.reported(one) for one in candidates}
    best = max(candidates, key=lambda one: sum(row.complete for row in found[one]), default="")
    return best, found.get(best, [])


def gather_results(inventories: Sequence[Inventory], *, date: datetime.date | None = None) -> Material:
    """Return what can be reported from inventories alone: no evidence, no consolidation, no reported values."""
    return Material(
        inventories=inventories, catalogue=load_catalogue(), comparisons=comparisons_of(inventories),
        uncertainties={one.scheme.id: found for one in inventories if (found := uncertainty_of(one)) is not None},
        park=inventories[0].boundary_name if inventories else ("", ""), date=date or datetime.date.today(),
    )  # fmt: skip


def collect(
    source: Workspace | Inventory | Sequence[Inventory] | Material, *, date: datetime.date | None = None, **choice: Any
) -> Material:
    """Return the material of a report from whatever a caller has; `choice` is that of `gather`, for a workspace."""
    if isinstance(source, Material):
        return source
    if isinstance(source, Inventory):
        return gather_results([source], date=date)
    if isinstance(source, Sequence):
        return gather_results(source, date=date)
    return gather(source, date=date, **choice)
