"""Overview: the park's totals by year, intensity, trend, completeness, the age of the data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import polars as pl
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from ecopark.accounting.derived import PER
from ecopark.accounting.views import trend_view
from ecopark.translation import N_
from ecopark.web.charts import chart
from ecopark.web.inventory_tables import indicators_table
from ecopark.web.pages.history import ACTIONS
from ecopark.web.rendering import Page, respond
from ecopark.web.tables import Cell, Column, Row, Table
from ecopark.web.visit import Visit

if TYPE_CHECKING:
    from ecopark.accounting.result import Inventory

router = APIRouter()

YEARS_SHOWN = 12


@router.get("/{language}/overview")
def overview(request: Request) -> Response:
    """Answer the first page."""
    visit = Visit.of(request)
    inventory = visit.inventory()
    years = [year for year in visit.session.years() if year <= visit.selection.year][-YEARS_SHOWN:]
    past = [visit.inventory(visit.selection.of_year(year)) for year in years]
    tables = [_years(visit, past)]
    intensity = _intensity(visit, past)
    if intensity is not None:
        tables.append(intensity)
    if any(item.kind == "core" for item in inventory.indicators):
        tables.append(indicators_table(visit, inventory))
    tables.append(_data(visit))

    link = visit.link_by_year({item.year: item for item in past})
    trend = chart(trend_view(past, visit.total.id), visit.language, visit.source(inventory), link)
    data = {
        "choices": visit.choices("year", "boundary", "scheme", "total", "scenario"),
        "hidden": dict(visit.selection.options),
        "headline": visit.number(inventory.total(visit.total.id), inventory.reference(f"total:{visit.total.id}")),
        "headline_name": visit.total_name(inventory),
        "headline_unit": visit.unit(visit.total.unit),
        "year": visit.selection.year,
        "complete": inventory.complete,
        "gap_count": len(inventory.gaps),
        "boundary": visit.choose(*inventory.boundary_name),
        "scheme": visit.name(inventory.scheme),
    }
    title = visit.text(N_("Overview"))
    return respond(request, Page("overview.html", title, "overview", tables=tables, charts=[trend], data=data))


def _years(visit: Visit, inventories: Sequence[Inventory]) -> Table:
    """Return one row for each year: every total of the scheme, and how complete the year is."""
    totals = visit.scheme.totals
    rows: list[Row] = []
    for inventory in inventories:
        selection = visit.selection.of_year(inventory.year)
        row: dict[str, Cell | str | float | int | None] = {
            "year": Cell(inventory.year, text=str(inventory.year), href=visit.address("accounting", **selection.query)),
            "gaps": Cell(
                len(inventory.gaps),
                text=visit.text(N_("complete"))
                if inventory.complete
                else visit.text(N_("gaps: {count}"), count=len(inventory.gaps)),
                href=visit.address("accounting/gaps", **selection.query),
            ),
        }
        for total in totals:
            row[total.id] = visit.number(inventory.total(total.id), inventory.reference(f"total:{total.id}"))
        rows.append(row)
    columns = [Column("year", visit.text(N_("Year")), kind="year")]
    columns += [Column(total.id, visit.name(total), visit.unit(total.unit), "number") for total in totals]
    columns.append(Column("gaps", visit.text(N_("Record"))))
    note = (
        ""
        if all(inventory.complete for inventory in inventories)
        else visit.text(N_("Where the record has gaps the numbers are subtotals of the covered sources."))
    )
    source = visit.source(inventories[-1]) if inventories else ""
    return Table("years", visit.text(N_("Totals by year")), columns, rows, source, note)


def _intensity(visit: Visit, inventories: Sequence[Inventory]) -> Table | None:
    """Return the chosen total per unit of each statistic of the park, or None where the record has no statistics."""
    total = visit.total
    rows: list[Row] = []
    for inventory in inventories:
        if not inventory.complete:
            continue  # a subtotal divided by the whole output would be a number about nothing
        for statistic in inventory.statistics.values():
            if not statistic.value or statistic.unit == "%" or statistic.symbol.startswith("reported_"):
                continue
            value = inventory.total(total.id) / statistic.value
            rows.append(
                {
                    "year": str(inventory.year),
                    "per": visit.choose(statistic.name_zh, statistic.name_en),
                    "value": visit.number(value, inventory.reference(f"{PER}{total.id}:{statistic.symbol}")),
                    "unit": f"{visit.unit(total.unit)}/{visit.unit(statistic.unit)}",
                }
            )
    if not rows:
        return None
    columns = [
        Column("year", visit.text(N_("Year")), kind="year"),
        Column("per", visit.text(N_("Per unit of"))),
        Column("value", visit.text(N_("Intensity")), kind="number"),
        Column("unit", visit.text(N_("Unit"))),
    ]
    title = visit.text(N_("Intensity: {total} per unit of a statistic"), total=visit.name(total))
    return Table("intensity", title, columns, rows, visit.source(inventories[-1]))


def _data(visit: Visit) -> Table:
    """Return how much the record holds and how old it is."""
    with visit.session.reading() as workspace:
        record = workspace.record
        latest = record.flows["period_end"].max() if record.flows.height else None
        changes = workspace.store.history(limit=1)
    history = visit.address("reports/history")
    lines = visit.address("accounting/lines", **visit.selection.query)
    firms = record.nodes.filter(pl.col("kind") == "firm").height
    rows: list[Row] = [
        {"what": visit.text(N_("Firms")), "value": str(firms)},
        {"what": visit.text(N_("Streams")), "value": str(record.streams.height)},
        {"what": visit.text(N_("Flows")), "value": Cell(str(record.flows.height), href=lines)},
        {
            "what": visit.text(N_("Evidence")),
            "value": Cell(str(record.evidence.height), href=visit.address("reports/evidence")),
        },
        {"what": visit.text(N_("Data reach to (exclusive)")), "value": str(latest or "–")},
    ]
    if changes:
        action = visit.text(ACTIONS.get(changes[0].action, changes[0].action))
        text = f"{changes[0].created[:16].replace('T', ' ')} · {action} · {changes[0].author}"
        rows.append(
            {
                "what": visit.text(N_("Last change of the record")),
                "value": Cell(changes[0].created, text=text, href=history),
            }
        )
    columns = [Column("what", visit.text(N_("The record"))), Column("value", visit.text(N_("State")))]
    return Table("record", visit.text(N_("State of the data")), columns, rows)
