"""Draw an inventory: apply a scheme's rules to the effective flows of a boundary and a year."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import polars as pl

from ecopark.accounting.certificates import certificate_lines, power_received
from ecopark.accounting.coefficients import Coefficients, FactorGap
from ecopark.accounting.completeness import find_gaps
from ecopark.accounting.indicators import evaluate_indicators, park_statistics
from ecopark.accounting.lines import complete_lines, counted_flows
from ecopark.accounting.overlaps import find_overlaps
from ecopark.accounting.remarks import collect_remarks
from ecopark.accounting.result import Inventory
from ecopark.accounting.selection import Perspective, place_streams, select_streams
from ecopark.catalogue import Catalogue
from ecopark.catalogue.schemes import Scheme
from ecopark.model.effective import effective_flows
from ecopark.model.network import PARK, Network
from ecopark.model.periods import year_bounds
from ecopark.model.record import Record
from ecopark.model.tables import ACTUAL


@dataclass(frozen=True, slots=True)
class Boundary:
    """A resolved boundary: its id, names and the nodes in it."""

    id: str
    name_zh: str
    name_en: str
    members: frozenset[str]


def resolve_boundary(record: Record, network: Network, boundary: str) -> Boundary:
    """Return the boundary called `boundary`: one of the record's, "park", or a node's id (it and all below).

    InputError names the nearest known boundaries where there is none of that name.
    """
    members = network.members(boundary)
    declared = record.boundaries.filter(pl.col("id") == boundary)
    if declared.is_empty():
        declared = record.nodes.filter(pl.col("id") == (network.park() if boundary == PARK else boundary))
    zh, en = declared.row(0, named=True)["name_zh"], declared.row(0, named=True)["name_en"]
    return Boundary(boundary, zh or en or boundary, en or zh or boundary, members)


def all_commodities(record: Record, catalogue: Catalogue) -> pl.DataFrame:
    """Return the catalogue's commodities with the park's own beside them; the park's row wins where both have one."""
    columns = ["id", "parent", "name_zh", "name_en", "group", "unit"]
    own = record.commodities.select(columns)
    rest = catalogue.commodities.select(columns).filter(~pl.col("id").is_in(own["id"].implode()))
    return pl.concat([own, rest])


def draw_inventory(
    record: Record,
    catalogue: Catalogue,
    scheme: Scheme | str,
    year: int,
    *,
    boundary: str = PARK,
    scenario: str = ACTUAL,
    perspective: Perspective = "park",
    options: Mapping[str, str] | None = None,
) -> Inventory:
    """Return the inventory of `boundary` in the calendar year `year` under `scheme`.

    Each line is ``result = amount * share * coefficient``, with amount in the commodity's unit, share the part of the
    flow's period inside the year (by days) and the coefficient the product of the rule's factors with its sign.
    Perspective "firms" draws every firm's own boundary at once (the enterprise sum). KeyError names an unknown scheme
    or boundary, ValueError an unknown option.
    """
    if isinstance(scheme, str):
        scheme = catalogue.scheme(scheme)
    chosen = scheme.chosen(dict(options or {}))
    network = Network(record)
    limits = resolve_boundary(record, network, boundary)
    start, end = year_bounds(year)
    flows = effective_flows(record, scenario, start, end)
    placed = place_streams(
        record.streams, all_commodities(record, catalogue), limits.members, network.firm_frame(), perspective
    )
    selected = select_streams(placed, scheme.rules)
    coefficients = Coefficients(catalogue, record, network, year, chosen, scheme)
    counted_by_rule = [
        coefficients.for_rule(rule, selected.filter(pl.col("rule_index") == number)).select(
            pl.lit(number, pl.Int32).alias("rule_index"), "stream", "node", "coefficient"
        )
        for number, rule in enumerate(scheme.rules)
        if rule.crossing != "certificate"
    ]
    counted = pl.concat(counted_by_rule)
    claims, excess = certificate_lines(
        record, network, limits.members, scheme, coefficients, power_received(placed, flows), (start, end)
    )
    coefficient_frame, parameters = coefficients.table.frames()
    lines = complete_lines(pl.concat([counted_flows(counted, flows), claims]), coefficient_frame, scheme)
    names = _names(record, catalogue, scheme, placed, coefficients.table.gaps)
    gaps = find_gaps(
        record, scheme, placed, selected, counted, flows, coefficients.table.gaps, network, (start, end), names
    )
    statistics = park_statistics(record, network, boundary, start, end)
    inventory = Inventory(
        scheme=scheme, year=year, boundary=boundary, boundary_name=(limits.name_zh, limits.name_en), scenario=scenario,
        perspective=perspective, options=chosen, lines=lines, coefficients=coefficient_frame, parameters=parameters,
        flows=flows, gaps=gaps, remarks=(), indicators=(), names=names,
        statistics=statistics, sources=_sources(record, catalogue),
    )  # fmt: skip
    indicators = evaluate_indicators(inventory, network.region_of(network.park()) or "")
    parents = dict(all_commodities(record, catalogue).select("id", "parent").drop_nulls().iter_rows())
    overlaps = find_overlaps(catalogue, parents, placed, lines, parameters)
    known = {*catalogue.technologies["id"], *record.factors["technology"].drop_nulls()}
    unknown = sorted(set(placed["technology"].drop_nulls().unique()) - known)
    remarks = collect_remarks(inventory, excess, indicators, overlaps, unknown)
    return replace(inventory, indicators=indicators, remarks=remarks)


def _names(
    record: Record, catalogue: Catalogue, scheme: Scheme, placed: pl.DataFrame, gaps: Sequence[FactorGap]
) -> dict[str, tuple[str, str]]:
    """Return the two names of everything that lines and gaps speak of, keyed by "kind:id"."""
    names = {f"rule:{rule.id}": (rule.name_zh, rule.name_en) for rule in scheme.rules}
    names |= {f"category:{category.id}": (category.name_zh, category.name_en) for category in scheme.categories}
    wanted = {*placed["commodity"].unique(), *(kind for gap in gaps for kind in gap.kinds)}
    goods = all_commodities(record, catalogue).filter(pl.col("id").is_in(sorted(wanted)))
    stated = {*placed["technology"].drop_nulls().unique(), *(name for gap in gaps for name in gap.technologies)}
    technologies = catalogue.technologies.filter(pl.col("id").is_in(sorted(stated)))
    constants = catalogue.constants.select(pl.col("symbol").alias("id"), "name_zh", "name_en")
    frames = (
        ("symbol", catalogue.quantities), ("symbol", constants), ("commodity", goods), ("node", record.nodes),
        ("technology", technologies),
    )  # fmt: skip
    for kind, frame in frames:
        for identity, zh, en in frame.select("id", "name_zh", "name_en").iter_rows():
            names[f"{kind}:{identity}"] = (zh or "", en or "")
    return names


def _sources(record: Record, catalogue: Catalogue) -> dict[str, tuple[str, str]]:
    """Return the titles of publications and evidence by id."""
    titles = dict(catalogue.source_titles)
    titles |= {identity: (title, title) for identity, title in record.evidence.select("id", "title").iter_rows()}
    return titles
