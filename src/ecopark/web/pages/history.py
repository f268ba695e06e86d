"""Reports & data: history of the record, stored runs and restatements, closed years, evidence, addresses of data."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from ecopark.model.tables import TABLES
from ecopark.translation import N_
from ecopark.web.pages.details import evidence_table
from ecopark.web.rendering import Page, respond
from ecopark.web.tables import Cell, Row, Table
from ecopark.web.visit import Visit, language_visit

router = APIRouter()

LISTED = 200
ACTIONS = {"import": N_("import"), "edit": N_("edit"), "undo": N_("undo"), "reconcile": N_("data reconciliation")}
CHANGES = {"new": N_("new"), "changed": N_("changed"), "removed": N_("removed")}


@router.get("/{language}/reports/history")
def history_page(request: Request) -> Response:
    """Answer every change of the record, every stored run with its restatements, and closed years."""
    visit = language_visit(request)
    tables = [changes_table(visit), runs_table(visit), closures_table(visit)]
    return respond(request, Page("tables.html", visit.text(N_("History")), "reports", "history", tables=tables))


def table_name(visit: Visit, name: str) -> str:
    """Return what a table of the record is called."""
    table = TABLES.get(name)
    return visit.choose(table.zh, table.en) if table else name


def changes_table(visit: Visit) -> Table:
    """Return the changes of the record, newest first."""
    with visit.session.reading() as workspace:
        changes = workspace.store.history(limit=LISTED)
    rows: list[Row] = []
    for change in changes:
        touched = "; ".join(
            f"{table_name(visit, table)}: "
            + ", ".join(f"{count} {visit.text(CHANGES.get(kind, kind))}" for kind, count in kinds.items())
            for table, kinds in change.counts.items()
        )
        rows.append(
            {
                "id": str(change.id),
                "created": _time(change.created),
                "author": change.author,
                "action": visit.text(ACTIONS.get(change.action, change.action)),
                "source": change.source_name or "",
                "rows": touched,
                "reason": change.reason,
                "undone": visit.text(N_("undone by {number}"), number=change.undone_by) if change.undone_by else "",
            }
        )
    heads = {
        "id": N_("Version"),
        "created": N_("When"),
        "author": N_("Who"),
        "action": N_("What"),
        "source": N_("Source file"),
        "rows": N_("Rows"),
        "reason": N_("Reason"),
        "undone": N_("State"),
    }
    columns = visit.columns(heads)
    empty = visit.text(N_("Nothing has been imported yet."))
    return Table("changes", visit.text(N_("Changes of the record")), columns, rows, empty=empty)


def runs_table(visit: Visit) -> Table:
    """Return the stored runs, newest first: nothing here is ever changed or deleted."""
    with visit.session.reading() as workspace:
        runs = workspace.runs.list_runs(limit=LISTED)
        schemes = workspace.catalogue.schemes
    rows: list[Row] = []
    for run in runs:
        scheme = schemes.get(str(run.settings.get("scheme")))
        total = scheme.totals[0] if scheme else None
        totals = run.outcome.get("totals", {})
        rows.append(
            {
                "run": Cell(run.id, href=visit.address(f"runs/{run.id}")),
                "created": _time(run.created),
                "scheme": visit.name(scheme) if scheme else str(run.settings.get("scheme")),
                "year": str(run.settings.get("year", "")),
                "boundary": f"{run.settings.get('boundary', '')} · {run.settings.get('perspective', '')}",
                "value": visit.number(totals[total.id], f"{run.id}-total") if total and total.id in totals else None,
                "unit": visit.unit(total.unit) if total else "",
                "version": str(run.record_version),
                "restated": f"{run.restates} → {run.id}" if run.restates else "",
                "reason": run.reason or "",
                "state": visit.text(N_("restated by {run}"), run=run.restated_by)
                if run.restated_by
                else visit.text(N_("stands")),
            }
        )
    heads = {
        "run": N_("Run"),
        "created": N_("When"),
        "scheme": N_("Scheme"),
        "year": N_("Year"),
        "boundary": N_("Boundary"),
        "value": N_("Headline total"),
        "unit": N_("Unit"),
        "version": N_("Version of the record"),
        "restated": N_("Restatement"),
        "reason": N_("Reason"),
        "state": N_("State"),
    }
    columns = visit.columns(heads, {"value"})
    note = visit.text(N_("A number that was shown stays as it was: a restatement stands beside it, with its reason."))
    return Table("runs", visit.text(N_("Stored results")), columns, rows, note=note)


def closures_table(visit: Visit) -> Table:
    """Return the closings and reopenings of years."""
    with visit.session.reading() as workspace:
        closings = workspace.store.closures.history()
    rows: list[Row] = [
        {
            "year": str(item.year),
            "closed": _time(item.closed),
            "closed_by": item.closed_by,
            "reason": item.reason,
            "reopened": _time(item.reopened) if item.reopened else "",
            "reopened_by": item.reopened_by or "",
            "reopen_reason": item.reopen_reason or "",
        }
        for item in reversed(closings)
    ]
    heads = {
        "year": N_("Year"),
        "closed": N_("Closed"),
        "closed_by": N_("By"),
        "reason": N_("Reason"),
        "reopened": N_("Reopened"),
        "reopened_by": N_("By"),
        "reopen_reason": N_("Reason for reopening"),
    }
    columns = visit.columns(heads)
    empty = visit.text(N_("No year is closed."))
    return Table("closures", visit.text(N_("Closed years")), columns, rows, empty=empty)


def _time(text: str) -> str:
    return text[:16].replace("T", " ")


@router.get("/{language}/reports/evidence")
def evidence_page(request: Request) -> Response:
    """Answer all evidence of the record."""
    visit = language_visit(request)
    with visit.session.reading() as workspace:
        evidence = workspace.record.evidence
    title = visit.text(N_("Evidence"))
    table = evidence_table(visit, evidence, title)
    return respond(request, Page("tables.html", title, "reports", "evidence", tables=[table]))


PAGES = (
    ("overview", N_("Totals by year, intensity, indicators, state of the data")),
    ("accounting", N_("The inventory: totals, categories, indicators, values it rests on")),
    ("accounting/compare", N_("Steps between two years or schemes (other_year, other_scheme)")),
    ("accounting/schemes", N_("All schemes side by side")),
    ("accounting/uncertainty", N_("95 % ranges and what they come from")),
    ("accounting/reported", N_("Calculated beside reported")),
    ("accounting/consolidation", N_("Eliminations, allocation of power and heat")),
    ("accounting/energy", N_("Energy by commodity")),
    ("accounting/gaps", N_("What is missing")),
    ("accounting/lines", N_("The lines (page=all for every line)")),
    ("factors", N_("The factors (page=all for every factor)")),
    ("reports/history", N_("Changes, stored results, closed years")),
    ("reports/evidence", N_("The evidence")),
)


@router.get("/{language}/reports/addresses")
def addresses_page(request: Request) -> Response:
    """Answer how every table is had as JSON and CSV."""
    visit = language_visit(request)
    rows: list[Row] = [
        {
            "what": visit.text(text),
            "page": Cell(f"/{visit.language}/{path}", href=visit.address(path)),
            "json": Cell(f"/{visit.language}/{path}.json", href=visit.address(f"{path}.json")),
            "csv": Cell(f"/{visit.language}/{path}.csv", href=visit.address(f"{path}.csv")),
        }
        for path, text in PAGES
    ]
    heads = {"what": N_("What"), "page": N_("Page"), "json": N_("JSON"), "csv": N_("CSV")}
    columns = visit.columns(heads)
    introduction = visit.text(
        N_(
            "Every page is also data: add .json or .csv to its address, or ?format=json or ?format=csv. The query "
            "(year, boundary, scheme …) is the same. table=ID gives one table of a page; CSV without it gives the "
            "first. JSON carries units, full values, and for each number the reference that explains it."
        )
    )
    table = Table("addresses", visit.text(N_("Addresses of data")), columns, rows)
    page = Page(
        "tables.html", table.caption, "reports", "addresses", tables=[table], data={"introduction": introduction}
    )
    return respond(request, page)
