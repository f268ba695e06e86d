"""Accounting: the inventory, schemes side by side, what is missing, energy, the list of lines."""

from __future__ import annotations

import math

import polars as pl
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from ecopark.accounting.remarks import doubtful_parameters
from ecopark.accounting.result import Inventory
from ecopark.accounting.views import firm_view, gas_view, names_of, scope_view, source_view
from ecopark.translation import N_
from ecopark.web.charts import chart
from ecopark.web.inventory_tables import category_table, firm_table, gaps_table, indicators_table, totals_table
from ecopark.web.rendering import Page, respond
from ecopark.web.selection import Selection, known
from ecopark.web.tables import Cell, Column, Row, Table
from ecopark.web.visit import SUBTOTAL, Visit

router = APIRouter()

PAGE_LENGTH = 100
SELECTORS = ("year", "boundary", "scheme", "total", "options", "scenario")


def frame_data(visit: Visit, inventory: Inventory) -> dict[str, object]:
    """Return what the head of every page about one inventory says."""
    total = visit.total
    return {
        "choices": visit.choices(*SELECTORS),
        "hidden": {},
        "headline": visit.number(inventory.total(total.id), inventory.reference(f"total:{total.id}")),
        "headline_name": visit.total_name(inventory),
        "headline_unit": visit.unit(total.unit),
        "boundary": visit.choose(*inventory.boundary_name),
        "year": inventory.year,
        "complete": inventory.complete,
        "gap_count": len(inventory.gaps),
        "empty": inventory.lines.is_empty(),
        "scheme": visit.name(inventory.scheme),
        "stored": visit.stored(),
        "description": visit.choose(inventory.scheme.description_zh, inventory.scheme.description_en),
    }


@router.get("/{language}/accounting")
def inventory_page(request: Request) -> Response:
    """Answer the inventory of the selection: totals, charts by scope, source, gas and firm, indicators."""
    visit = Visit.of(request)
    inventory = visit.inventory()
    total = visit.total.id
    source = visit.source(inventory)
    views = [scope_view(inventory, total), source_view(inventory, total)]
    if inventory.lines_of(total)["measure"].n_unique() > 1:
        views.append(gas_view(inventory, total))
    if inventory.lines_of(total)["node"].n_unique() > 1:
        views.append(firm_view(inventory, total))
    charts = [chart(view, visit.language, source, visit.link_in(inventory)) for view in views]
    tables = [totals_table(visit, inventory), category_table(visit, inventory), firm_table(visit, inventory)]
    if inventory.indicators:
        tables.append(indicators_table(visit, inventory))
    tables.append(_rests_on(visit, inventory))
    data = frame_data(visit, inventory)
    shown = {"unverified", "contested"}  # these stand in their own table
    data["remarks"] = [
        (remark.severity, remark.text(visit.language))
        for remark in inventory.remarks
        if remark.code.removeprefix("rests_on_") not in shown
    ]
    page = Page(
        "inventory.html",
        visit.text(N_("Inventory")),
        "accounting",
        "inventory",
        tables=tables,
        charts=charts,
        data=data,
        content={"inventory": inventory.to_json() if inventory.lines.height <= 20_000 else None},
    )
    return respond(request, page)


def _rests_on(visit: Visit, inventory: Inventory) -> Table:
    """Return the unverified and contested values that the total used, and how much of it rests on each."""
    rows: list[Row] = [
        {
            "factor": Cell(row["factor"], href=visit.address(f"factors/{row['factor']}")),
            "value": Cell(row["value"], text=f"{row['value']:g}"),
            "unit": visit.unit(row["unit"]),
            "status": visit.status(row["status"]),
            "share": visit.number(row["share"], inventory.reference(f"rests:{visit.total.id}:{row['factor']}")),
        }
        for row in doubtful_parameters(inventory, visit.total.id).to_dicts()
    ]
    columns = [
        Column("factor", visit.text(N_("Factor"))),
        Column("value", visit.text(N_("Value")), kind="number"),
        Column("unit", visit.text(N_("Unit"))),
        Column("status", visit.text(N_("Verification"))),
        Column("share", visit.text(N_("Part of the total that rests on it")), kind="percent"),
    ]
    return Table(
        "rests-on",
        visit.text(N_("Unverified and contested values that the total rests on")),
        columns,
        rows,
        visit.source(inventory),
        empty=visit.text(N_("None: every value used is verified.")),
    )


@router.get("/{language}/accounting/gaps")
def gaps_page(request: Request) -> Response:
    """Answer what is missing, who owes it and how to mend it."""
    visit = Visit.of(request)
    inventory = visit.inventory()
    data = frame_data(visit, inventory)
    page = Page(
        "gaps.html",
        visit.text(N_("Missing data")),
        "accounting",
        "gaps",
        tables=[gaps_table(visit, inventory.gaps)],
        data=data,
    )
    return respond(request, page)


@router.get("/{language}/accounting/schemes")
def schemes_page(request: Request) -> Response:
    """Answer all schemes over the same record, year and boundary, side by side."""
    visit = Visit.of(request)
    rows: list[Row] = []
    for identity, name in visit.scheme_options():
        selection = Selection(visit.selection.year, identity, visit.selection.boundary, visit.selection.scenario)
        inventory = visit.inventory(selection)
        for place, total in enumerate(inventory.scheme.totals):
            here = visit.address("accounting", **selection.query)
            rows.append(
                {
                    "scheme": Cell(name, href=here) if place == 0 else Cell(identity, text=""),
                    "total": visit.name(total),
                    "value": visit.number(inventory.total(total.id), inventory.reference(f"total:{total.id}")),
                    "unit": visit.unit(total.unit),
                    "state": ""
                    if place
                    else Cell(
                        len(inventory.gaps),
                        text=visit.text(N_("complete")) if inventory.complete else visit.text(SUBTOTAL),
                        href=visit.address("accounting/gaps", **selection.query),
                    ),
                }
            )
    columns = [
        Column("scheme", visit.text(N_("Scheme"))),
        Column("total", visit.text(N_("Total"))),
        Column("value", visit.text(N_("Value")), kind="number"),
        Column("unit", visit.text(N_("Unit"))),
        Column("state", visit.text(N_("Record"))),
    ]
    title = visit.text(N_("Schemes side by side"))
    table = Table(
        "schemes",
        title,
        columns,
        rows,
        note=visit.text(N_("The same flows under every scheme; Compare explains each difference between two of them.")),
    )
    data = {"choices": visit.choices("year", "boundary", "scenario"), "hidden": {"scheme": visit.selection.scheme}}
    return respond(request, Page("tables.html", title, "accounting", "schemes", tables=[table], data=data))


ENERGY_SCHEME = "energy"


@router.get("/{language}/accounting/energy")
def energy_page(request: Request) -> Response:
    """Answer the energy table: equivalent and calorific value, total and net, by category and commodity."""
    visit = Visit.of(request)
    with visit.session.reading() as workspace:
        known("scheme", ENERGY_SCHEME, list(workspace.catalogue.schemes))
        scheme = workspace.catalogue.schemes[ENERGY_SCHEME]
    kept = tuple((name, value) for name, value in visit.selection.options if name in scheme.options)
    edition = request.query_params.get("edition", "")
    if edition and "edition" in scheme.options and edition != scheme.options["edition"].default:
        known("edition", edition, scheme.options["edition"].choices)
        kept = tuple({**dict(kept), "edition": edition}.items())
    selection = Selection(
        visit.selection.year, ENERGY_SCHEME, visit.selection.boundary, visit.selection.scenario, "", kept
    )
    visit = Visit(request, visit.session, visit.language, selection)
    inventory = visit.inventory()
    tables = [totals_table(visit, inventory)]
    for total in scheme.totals[:2]:
        rows: list[Row] = [
            {
                "commodity": visit.choose(*names_of(inventory, "commodity", row["commodity"])),
                "category": visit.choose(*names_of(inventory, "category", row["category"])),
                "value": visit.number(row["value"], inventory.reference(row["key"])),
            }
            for row in inventory.by("commodity", "category", total=total.id).to_dicts()
        ]
        rows.append(
            {
                "commodity": visit.name(total),
                "value": visit.number(inventory.total(total.id), inventory.reference(f"total:{total.id}")),
            }
        )
        columns = [
            Column("commodity", visit.text(N_("Commodity"))),
            Column("category", visit.text(N_("Category"))),
            Column("value", visit.text(N_("Energy")), visit.unit(total.unit), "number"),
        ]
        tables.append(
            Table(
                f"energy-{total.id}",
                visit.name(total),
                columns,
                rows,
                visit.source(inventory),
                totals=frozenset({len(rows) - 1}),
            )
        )
    data = {"choices": visit.choices("year", "boundary", "options", "scenario"), "hidden": {}}
    return respond(
        request, Page("tables.html", visit.text(N_("Energy")), "accounting", "energy", tables=tables, data=data)
    )


@router.get("/{language}/accounting/lines")
def lines_page(request: Request) -> Response:
    """Answer the list of lines, filtered and by pages; the twins hold the same page, or all with `page=all`."""
    visit = Visit.of(request)
    inventory = visit.inventory()
    query = request.query_params
    wanted = {name: query.get(name, "") for name in ("category", "node", "commodity", "search")}
    lines = inventory.lines
    for name in ("category", "node", "commodity"):
        if wanted[name]:
            known(name, wanted[name], lines[name].unique().drop_nulls().sort().to_list())
            lines = lines.filter(pl.col(name) == wanted[name])
    if wanted["search"]:
        text = wanted["search"].lower()
        columns = (pl.col(name).fill_null("") for name in ("rule", "stream", "flow", "node", "commodity", "measure"))
        lines = lines.filter(pl.concat_str(columns, separator=" ").str.to_lowercase().str.contains(text, literal=True))
    count = max(1, math.ceil(lines.height / PAGE_LENGTH))
    number = query.get("page", "1") or "1"
    everything = number == "all"
    place = 1 if everything else min(count, max(1, int(number) if number.isdecimal() else 1))
    shown = lines if everything else lines.slice((place - 1) * PAGE_LENGTH, PAGE_LENGTH)
    data = frame_data(visit, inventory) | {
        "hidden": {},
        "filters": _filters(visit, inventory, wanted),
        "wanted": wanted,
        "found": lines.height,
        "place": place,
        "count": count,
        "of": inventory.lines.height,
        "everything": everything,
    }
    page = Page(
        "lines.html",
        visit.text(N_("Lines")),
        "accounting",
        "lines",
        tables=[_lines(visit, inventory, shown)],
        data=data,
        fragment="lines_part.html",
    )
    return respond(request, page)


def _filters(
    visit: Visit, inventory: Inventory, wanted: dict[str, str]
) -> list[tuple[str, str, list[tuple[str, str]], str]]:
    labels = {"category": N_("Category"), "node": N_("Firm"), "commodity": N_("Commodity")}
    made = []
    for name, label in labels.items():
        values = inventory.lines[name].unique().drop_nulls().sort().to_list()
        options = [("", visit.text(N_("all")))] + [
            (value, visit.choose(*names_of(inventory, name, value))) for value in values
        ]
        made.append((name, visit.text(label), options, wanted[name]))
    return made


def _lines(visit: Visit, inventory: Inventory, lines: pl.DataFrame) -> Table:
    rows: list[Row] = []
    for row in lines.iter_rows(named=True):
        rows.append(
            {
                "line": Cell(
                    row["line"], text=str(row["line"]), href=visit.link(inventory.reference(f"line:{row['line']}"))[1]
                ),
                "rule": visit.choose(*names_of(inventory, "rule", row["rule"])),
                "firm": visit.choose(*names_of(inventory, "node", row["node"] or "")),
                "commodity": visit.choose(*names_of(inventory, "commodity", row["commodity"] or "")),
                "measure": row["measure"],
                "amount": row["amount"] * row["share"],
                "unit": visit.unit(row["unit"]),
                "result": visit.number(row["result"], inventory.reference(f"line:{row['line']}")),
                "result_unit": visit.unit(row["result_unit"]),
                "flow": Cell(row["flow"], href=visit.address(f"flows/{row['flow']}")),
            }
        )
    columns = [
        Column("line", visit.text(N_("Line"))),
        Column("rule", visit.text(N_("Source"))),
        Column("firm", visit.text(N_("Firm"))),
        Column("commodity", visit.text(N_("Commodity"))),
        Column("measure", visit.text(N_("Measure"))),
        Column("amount", visit.text(N_("Amount counted")), kind="number"),
        Column("unit", visit.text(N_("Unit"))),
        Column("result", visit.text(N_("Result")), kind="number"),
        Column("result_unit", visit.text(N_("Unit"))),
        Column("flow", visit.text(N_("Flow"))),
    ]
    return Table("lines", visit.text(N_("Lines")), columns, rows, visit.source(inventory))
