"""Accounting: what changed, how sure the numbers are, calculated beside reported, consolidation and allocation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from ecopark.accounting.views import calculated_and_reported, waterfall_view
from ecopark.translation import N_
from ecopark.web import wording
from ecopark.web.charts import Chart, chart
from ecopark.web.pages.accounting import SELECTORS, frame_data
from ecopark.web.rendering import Page, respond
from ecopark.web.security import Refusal
from ecopark.web.selection import Selection
from ecopark.web.tables import Cell, Column, Row, Table
from ecopark.web.visit import OTHER, Choice, Visit

if TYPE_CHECKING:
    from ecopark.accounting.comparison import Comparison
    from ecopark.accounting.consolidation import Consolidation
    from ecopark.accounting.result import Inventory
    from ecopark.catalogue.schemes import Scheme
    from ecopark.workspace import Reported, Workspace

router = APIRouter()

NOT_COMPARABLE = N_("The two totals measure different things and cannot be compared: {reason}")
NOT_COMPARABLE_REMEDY = N_("Choose two schemes whose headline totals have the same unit.")
NO_SUPPLY = N_("The supply network cannot be solved: {reason}")
NO_SUPPLY_REMEDY = N_("Check the streams between these nodes: a loop needs an inflow or a plant.")


@router.get("/{language}/accounting/compare")
def compare_page(request: Request) -> Response:
    """Answer the way from one inventory to another: two years of a scheme, or two schemes of a year."""
    visit = Visit.of(request)
    first, second = visit.second(), visit.selection
    one, two = visit.inventory(first), visit.inventory(second)
    try:
        with visit.session.reading() as workspace:
            comparison = workspace.compare(one, two)
    except ValueError as error:
        raise Refusal(422, NOT_COMPARABLE, NOT_COMPARABLE_REMEDY, reason=str(error)) from error
    source = visit.source(two)

    def link(key: str) -> tuple[str, str]:
        ends = {"first": one, "second": two}
        return visit.link(ends[key].reference("total") if key in ends else f"{one.run}~{two.run}-{key}")

    charts = [chart(waterfall_view(comparison), visit.language, source, link)]
    data: dict[str, object] = {
        "choices": [*_second_choices(visit, first), *visit.choices("boundary")],
        "hidden": _rest(visit),
    }
    data["introduction"] = visit.text(
        N_("From {first} to {second}: every step is a reason, and the steps add up to the difference."),
        first=f"{visit.name(one.scheme)} {one.year}",
        second=f"{visit.name(two.scheme)} {two.year}",
    )
    page = Page(
        "tables.html",
        visit.text(N_("Compare")),
        "accounting",
        "compare",
        tables=[_steps(visit, comparison, source)],
        charts=charts,
        data=data,
    )
    return respond(request, page)


def _second_choices(visit: Visit, first: Selection) -> list[Choice]:
    years = [(str(year), str(year)) for year in sorted({*visit.session.years(), first.year, visit.selection.year})]
    return [
        (f"{OTHER}year", visit.text(N_("From year")), years, str(first.year)),
        (f"{OTHER}scheme", visit.text(N_("From scheme")), visit.scheme_options(), first.scheme),
        ("year", visit.text(N_("To year")), years, str(visit.selection.year)),
        ("scheme", visit.text(N_("To scheme")), visit.scheme_options(), visit.selection.scheme),
    ]


def _rest(visit: Visit) -> dict[str, object]:
    return {name: value for name, value in visit.selection.query.items() if name == "scenario"}


def _steps(visit: Visit, comparison: Comparison, source: str) -> Table:
    first, second = comparison.first, comparison.second
    prefix = f"{first.run}~{second.run}-"
    rows: list[Row] = [{"step": _title(visit, first), "value": visit.number(first.total(), first.reference("total"))}]
    rows += [
        {"step": step.label(visit.language), "value": visit.number(step.value, f"{prefix}step:{number}")}
        for number, step in enumerate(comparison.steps, 1)
    ]
    rows.append(
        {"step": visit.text(N_("Difference")), "value": visit.number(comparison.difference, f"{prefix}difference")}
    )
    rows.append({"step": _title(visit, second), "value": visit.number(second.total(), second.reference("total"))})
    columns = [
        Column("step", visit.text(N_("Step"))),
        Column("value", visit.text(N_("Value")), visit.unit(comparison.unit), "number"),
    ]
    count = len(rows)
    return Table(
        "steps",
        visit.text(N_("Steps of the difference")),
        columns,
        rows,
        source,
        totals=frozenset({0, count - 2, count - 1}),
    )


def _title(visit: Visit, inventory: Inventory) -> str:
    return f"{visit.name(inventory.scheme)} {inventory.year}"


@router.get("/{language}/accounting/reported")
def reported_page(request: Request) -> Response:
    """Answer calculated emissions beside those the operator reported, by year, and what is not covered."""
    visit = Visit.of(request)
    with visit.session.reading() as workspace:
        schemes = workspace.catalogue.schemes
        found = {
            identity: visit.session.kept(("reported", identity), partial(_reported_rows, identity))
            for identity, scheme in schemes.items()
            if scheme.reported
        }
        names = {
            identity: visit.choose(zh, en) or identity
            for identity, zh, en in workspace.record.nodes.select("id", "name_zh", "name_en").iter_rows()
        }
    tables: list[Table] = []
    charts: list[Chart] = []
    source = visit.text(N_("Source: the park's record and statistics"))
    asked = request.query_params.get("scheme")
    for identity in sorted(found, key=lambda name: (name != asked, -sum(row.complete for row in found[name]))):
        rows = sorted(found[identity], key=lambda row: (row.year, row.node))
        if not rows:
            continue
        title = visit.text(N_("{scheme}: calculated and reported"), scheme=visit.name(schemes[identity]))
        tables.append(_reported(visit, schemes[identity], title, rows, names, source))
        if not charts:
            charts.append(_reported_chart(visit, rows, names, source))
    tables.append(_notations(visit, visit.inventory()))
    data: dict[str, object] = {"choices": visit.choices("year", "scheme"), "hidden": {}}
    data["introduction"] = visit.text(
        N_(
            "The reported values come from the operator's own filings, probably from the same fuel meters: the "
            "comparison tests boundary, units, heating-value basis and factors, not the physics of carbon."
        )
        if charts
        else N_("The record holds no reported emissions (statistic reported_co2e) to compare with.")
    )
    title = visit.text(N_("Calculated and reported"))
    return respond(
        request, Page("tables.html", title, "accounting", "reported", tables=tables, charts=charts, data=data)
    )


def _reported_rows(scheme: str, workspace: Workspace) -> list[Reported]:
    return workspace.reported(scheme)


def _reported_chart(visit: Visit, found: Sequence[Reported], names: Mapping[str, str], source: str) -> Chart:
    """Return the chart of the node for which most years are calculated."""
    counted = Counter(row.node for row in found if row.calculated is not None)
    node = counted.most_common(1)[0][0] if counted else found[0].node
    rows = [
        (row.year, row.calculated, row.reported, f"{row.reference}-total" if row.reference else None, None)
        for row in found
        if row.node == node
    ]
    drawn = chart(calculated_and_reported(rows, found[0].unit), visit.language, source, visit.link)
    return replace(drawn, title=f"{drawn.title} · {names.get(node, node)}")


def _reported(
    visit: Visit, scheme: Scheme, title: str, found: Sequence[Reported], names: Mapping[str, str], source: str
) -> Table:
    per = f"per:{scheme.totals[0].id}:{scheme.reported}"
    rows: list[Row] = []
    for item in found:
        key = f"{item.reference}-total"
        state = "" if item.calculated is None else visit.text(N_("complete") if item.complete else N_("subtotal"))
        rows.append(
            {
                "year": str(item.year),
                "node": names.get(item.node, item.node),
                "calculated": visit.number(item.calculated, key) if item.reference else None,
                "reported": visit.number(item.reported, f"{item.reference}-statistic:{scheme.reported}")
                if item.reference
                else Cell(item.reported),
                "ratio": visit.number(item.ratio, f"{item.reference}-{per}") if item.reference else Cell(item.ratio),
                "state": state,
                "evidence": item.evidence,
            }
        )
    unit = visit.unit(found[0].unit)
    columns = [
        Column("year", visit.text(N_("Year")), kind="year"),
        Column("node", visit.text(N_("Node"))),
        Column("calculated", visit.text(N_("Calculated")), unit, "number"),
        Column("reported", visit.text(N_("Reported")), unit, "number"),
        Column("ratio", visit.text(N_("Calculated over reported")), kind="number", places=3),
        Column("state", visit.text(N_("Record"))),
        Column("evidence", visit.text(N_("Source of the reported value"))),
    ]
    return Table(f"reported-{scheme.id}", title, columns, rows, source)


def _notations(visit: Visit, inventory: Inventory) -> Table:
    """Return the flows of the year that carry a notation instead of an amount: what the record says it leaves out."""
    flows = inventory.flows.filter(inventory.flows["notation"].is_not_null())
    with visit.session.reading() as workspace:
        streams = {row["id"]: row for row in workspace.record.streams.iter_rows(named=True)}
    rows: list[Row] = []
    for row in flows.select("id", "stream", "notation", "note").iter_rows(named=True):
        stream = streams.get(row["stream"], {})
        commodity, target = stream.get("commodity") or "", stream.get("target") or ""
        rows.append(
            {
                "stream": Cell(row["stream"], href=visit.address(f"streams/{row['stream']}")),
                "commodity": inventory.name(commodity, visit.language, "commodity"),
                "node": inventory.name(target, visit.language, "node"),
                "notation": Cell(row["notation"], text=wording.notation(visit, row["notation"])),
                "note": row["note"] or "",
            }
        )
    columns = [
        Column("stream", visit.text(N_("Stream"))),
        Column("commodity", visit.text(N_("Commodity"))),
        Column("node", visit.text(N_("Node"))),
        Column("notation", visit.text(N_("Notation"))),
        Column("note", visit.text(N_("Note"))),
    ]
    caption = visit.text(N_("Not covered, by statement of the record ({year})"), year=inventory.year)
    return Table("notations", caption, columns, rows, empty=visit.text(N_("No flow of the year carries a notation.")))


@router.get("/{language}/accounting/consolidation")
def consolidation_page(request: Request) -> Response:
    """Answer the enterprise sum against the park, the eliminations, and the allocation of power and heat."""
    visit = Visit.of(request)
    inventory = visit.inventory(visit.selection.without_total)
    with visit.session.reading() as workspace:
        result = workspace.consolidation(inventory)
    tables = [_bridge(visit, result, inventory), _eliminations(visit, result, inventory)]
    tables += _allocation(visit, inventory)
    data = frame_data(visit, inventory) | {"choices": visit.choices("year", "boundary", "scheme", "options")}
    data["introduction"] = visit.text(
        N_(
            "What is made inside the park and sold inside it stands in the seller's inventory and again in the "
            "buyer's. The park counts it once: the difference is the elimination."
        )
    )
    title = visit.text(N_("Consolidation and allocation"))
    return respond(request, Page("tables.html", title, "accounting", "consolidation", tables=tables, data=data))


def _bridge(visit: Visit, result: Consolidation, inventory: Inventory) -> Table:
    unit = visit.unit(inventory.scheme.totals[0].unit)
    rows: list[Row] = [
        {
            "what": visit.text(N_("Sum of the enterprises, each in its own boundary")),
            "value": visit.number(result.enterprise_sum, result.enterprises.reference("total")),
        },
        {
            "what": visit.text(N_("Eliminated: counted by seller and buyer")),
            "value": visit.number(result.eliminated, inventory.reference("eliminated")),
        },
        {"what": visit.text(N_("The park")), "value": visit.number(result.park.total(), inventory.reference("total"))},
    ]
    columns = [Column("what", visit.text(N_("Sum"))), Column("value", visit.text(N_("Value")), unit, "number")]
    title = visit.text(N_("From the enterprises to the park"))
    return Table("bridge", title, columns, rows, visit.source(inventory), totals=frozenset({2}))


def _eliminations(visit: Visit, result: Consolidation, inventory: Inventory) -> Table:
    unit = visit.unit(inventory.scheme.totals[0].unit)
    rows: list[Row] = []
    for row in result.eliminations.iter_rows(named=True):
        rows.append(
            {
                "stream": Cell(row["stream"], href=visit.address(f"streams/{row['stream']}")),
                "commodity": inventory.name(row["commodity"], visit.language, "commodity"),
                "seller": inventory.name(row["seller"] or "", visit.language, "node"),
                "buyer": inventory.name(row["buyer"] or "", visit.language, "node"),
                "amount": row["amount"],
                "unit": visit.unit(row["unit"]),
                "elimination": visit.number(row["elimination"], inventory.reference(f"elimination:{row['stream']}")),
            }
        )
    columns = [
        Column("stream", visit.text(N_("Stream"))),
        Column("commodity", visit.text(N_("Commodity"))),
        Column("seller", visit.text(N_("Seller"))),
        Column("buyer", visit.text(N_("Buyer"))),
        Column("amount", visit.text(N_("Amount")), kind="number"),
        Column("unit", visit.text(N_("Unit"))),
        Column("elimination", visit.text(N_("Eliminated")), unit, "number"),
    ]
    empty = visit.text(N_("Nothing is made and sold inside this boundary, or the record has one firm only."))
    return Table("eliminations", visit.text(N_("Eliminations")), columns, rows, visit.source(inventory), empty=empty)


def _allocation(visit: Visit, inventory: Inventory) -> list[Table]:
    try:
        with visit.session.reading() as workspace:
            allocation = visit.session.kept(("allocation", inventory.run), lambda _: workspace.allocation(inventory))
    except ValueError as error:
        raise Refusal(422, NO_SUPPLY, NO_SUPPLY_REMEDY, reason=str(error)) from error
    unit = visit.unit(allocation.unit)
    rows: list[Row] = [
        {
            "firm": inventory.name(row["node"], visit.language, "node"),
            "own": visit.number(row["own"], inventory.reference(f"own:{row['node']}")),
            "supplied": visit.number(row["supplied"], inventory.reference(f"supplied:{row['node']}")),
            "total": visit.number(row["total"], inventory.reference(f"allocation:{row['node']}")),
        }
        for row in allocation.consumers.iter_rows(named=True)
    ]
    rows.append(
        {
            "firm": visit.text(N_("Sold outside the boundary")),
            "total": visit.number(allocation.exported, inventory.reference("exported")),
        }
    )
    consumers = Table(
        "allocation",
        visit.text(N_("Emissions of power and heat supply allocated to their consumers")),
        [
            Column("firm", visit.text(N_("Firm"))),
            Column("own", visit.text(N_("On its own site")), unit, "number"),
            Column("supplied", visit.text(N_("With the energy it uses")), unit, "number"),
            Column("total", visit.text(N_("After allocation")), unit, "number"),
        ],
        rows,
        visit.source(inventory),
        totals=frozenset({len(rows) - 1}),
    )
    carriers = {"electricity": N_("Electricity"), "heat": N_("Heat")}
    worth: list[Row] = [
        {
            "firm": inventory.name(row["node"], visit.language, "node"),
            "carrier": visit.text(carriers[row["carrier"]]),
            "throughput": visit.number(
                row["throughput"], inventory.reference(f"throughput:{row['node']}:{row['carrier']}")
            ),
            "intensity": visit.number(
                row["intensity"], inventory.reference(f"intensity:{row['node']}:{row['carrier']}")
            ),
        }
        for row in allocation.intensities.iter_rows(named=True)
    ]
    intensities = Table(
        "intensities",
        visit.text(N_("Intensity of the energy that each node passes on or uses")),
        [
            Column("firm", visit.text(N_("Firm"))),
            Column("carrier", visit.text(N_("Carrier"))),
            Column("throughput", visit.text(N_("Throughput")), "GJ", "number"),
            Column("intensity", visit.text(N_("Intensity")), f"{unit}/GJ", "number"),
        ],
        worth,
        visit.source(inventory),
    )
    return [consumers, intensities]


@router.get("/{language}/accounting/uncertainty")
def uncertainty_page(request: Request) -> Response:
    """Answer the 95 % ranges of the totals and what they come from."""
    from ecopark.web.uncertainties import uncertainty_tables

    visit = Visit.of(request)
    inventory = visit.inventory()
    charts, tables, remarks = uncertainty_tables(visit, inventory)
    data = frame_data(visit, inventory) | {"choices": visit.choices(*SELECTORS), "hidden": {}, "remarks": remarks}
    page = Page(
        "uncertainty.html",
        visit.text(N_("Uncertainty")),
        "accounting",
        "uncertainty",
        tables=tables,
        charts=charts,
        data=data,
    )
    return respond(request, page)
