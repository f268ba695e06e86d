"""Reports & data: the template and the report as files; a workbook in, with preview, apply and undo."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable
from pathlib import Path

import polars as pl
from fastapi import APIRouter
from fastapi.concurrency import run_in_threadpool
from starlette.background import BackgroundTask
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response

from ecopark.model.problems import InputError
from ecopark.storage.importing import STATUSES, Preview, preview_import
from ecopark.translation import N_
from ecopark.web.files import docx_report, workbook_template
from ecopark.web.pages.history import changes_table, table_name
from ecopark.web.pending import Pending
from ecopark.web.rendering import Page, respond
from ecopark.web.security import Refusal
from ecopark.web.tables import Cell, Column, Row, Table
from ecopark.web.visit import Visit, language_visit

router = APIRouter()

NO_FILE = N_("No file was chosen.")
NO_FILE_REMEDY = N_("Choose a workbook (.xlsx) and press Preview.")
NOT_WORKBOOK = N_("{name} is not a workbook.")
NOT_WORKBOOK_REMEDY = N_("Save it as .xlsx and upload it again.")
GONE = N_("This preview is no longer there.")
GONE_REMEDY = N_("Upload the workbook again.")
MOVED_ON = N_("The record has changed since you saw the preview. Nothing was written: look at the new preview below.")
SEVERITIES = {"error": N_("error"), "warning": N_("warning")}
STATUS_NAMES = {
    "new": N_("new"),
    "changed": N_("changed"),
    "same": N_("same"),
    "blank": N_("blank, left out"),
    "error": N_("error"),
}


def _page(visit: Visit, message: tuple[str, str] | None = None, preview: dict[str, object] | None = None) -> Page:
    """Return the page of imports and exports, with what just happened."""
    with visit.session.reading() as workspace:
        years = list(reversed(workspace.years))
        last = workspace.store.history(limit=1)
        can_undo = any(change.undone_by is None and change.action != "undo" for change in workspace.store.history())
        nodes = workspace.record.nodes.filter(pl.col("kind") == "firm").select("id", "name_zh", "name_en").rows()
    tables = list((preview or {}).get("tables", []))  # type: ignore[call-overload]
    changes = changes_table(visit)
    changes = Table(changes.id, changes.caption, changes.columns, changes.rows[:8], empty=changes.empty)
    data = {
        "message": message,
        "preview": preview,
        "years": [(str(year), str(year)) for year in years],
        "can_undo": can_undo,
        "last": last[0] if last else None,
        "schemes": visit.scheme_options(),
        "changes": changes,
        "scheme": visit.selection.scheme,
        "firms": [
            ("", visit.text(N_("the whole park"))),
            *((node, visit.choose(zh, en) or node) for node, zh, en in nodes),
        ],
        "next_years": [(str(year), str(year)) for year in ([years[0] + 1, *years] if years else [])],
    }
    title = visit.text(N_("Import and export"))
    return Page(
        "exchange.html",
        title,
        "reports",
        "exchange",
        tables=[*tables, changes],
        data=data,
        fragment="exchange_part.html",
    )


@router.get("/{language}/reports")
def exchange_page(request: Request) -> Response:
    """Answer the page of imports and exports."""
    return respond(request, _page(language_visit(request)))


@router.get("/{language}/reports/preview")
@router.get("/{language}/reports/apply")
@router.get("/{language}/reports/undo")
def back(request: Request, language: str) -> Response:
    """Lead a reader who reloads the answer to a form back to the page."""
    del request
    return RedirectResponse(f"/{language}/reports", 303)


@router.post("/{language}/reports/preview")
async def preview_page(request: Request) -> Response:
    """Read an uploaded workbook and show what importing it would do; nothing is written to the record."""
    async with request.form(max_files=1, max_fields=4) as form:
        file = form.get("workbook")
        if not isinstance(file, UploadFile) or not file.filename:
            raise Refusal(422, NO_FILE, NO_FILE_REMEDY)
        name = Path(file.filename.replace("\\", "/")).name
        if not name.lower().endswith(".xlsx"):
            raise Refusal(422, NOT_WORKBOOK, NOT_WORKBOOK_REMEDY, name=name)
        pending: Pending = request.app.state.pending
        token, path = await run_in_threadpool(pending.keep, file.file, name)
    return await run_in_threadpool(_previewed, request, token, path)


def _previewed(request: Request, token: str, path: Path, message: tuple[str, str] | None = None) -> Response:
    visit = language_visit(request)
    with visit.session.reading() as workspace:
        preview = preview_import(workspace.store, path, workspace.catalogue)
        effect = None
        if preview.record_after is not None and preview.changes.rows:
            effect = workspace.effect(preview.record_before, preview.record_after)
    pending: Pending = request.app.state.pending
    pending.shown(token, preview.version)
    shown = {
        "token": token,
        "name": path.name,
        "errors": len(preview.errors),
        "warnings": len(preview.warnings),
        "changes": sum(frame.height for frame in preview.changes.rows.values()),
        "tables": _preview_tables(visit, preview, effect),
    }
    status = 422 if preview.errors else 409 if message else 200
    return respond(request, _page(visit, message, shown), status)


def _preview_tables(visit: Visit, preview: Preview, effect: object) -> list[Table]:
    tables: list[Table] = []
    if preview.problems:
        rows: list[Row] = []
        for problem in preview.problems:
            cause, remedy = problem.describe(visit.language)
            rows.append(
                {
                    "severity": visit.text(SEVERITIES[problem.severity]),
                    "place": visit.text(problem.place),
                    "cause": cause,
                    "remedy": remedy,
                }
            )
        heads = {
            "severity": N_("Kind"),
            "place": N_("Place"),
            "cause": N_("What is wrong"),
            "remedy": N_("How to mend it"),
        }
        columns = visit.columns(heads)
        tables.append(Table("problems", visit.text(N_("Problems")), columns, rows))
    columns = [Column("table", visit.text(N_("Table")))]
    columns += [Column(status, visit.text(STATUS_NAMES[status]), kind="integer") for status in STATUSES]
    counted: list[Row] = [
        {"table": Cell(name, text=table_name(visit, name)), **counts} for name, counts in preview.counts.items()
    ]
    tables.append(Table("rows", visit.text(N_("What would change")), columns, counted))
    if effect is not None:
        tables.append(_effect(visit, effect))
    return tables


def _effect(visit: Visit, effect: object) -> Table:
    records = effect.to_dicts()  # type: ignore[attr-defined]
    unit = visit.unit(records[0]["unit"]) if records else ""
    rows: list[Row] = [
        {
            "year": str(row["year"]),
            "before": row["before"],
            "after": row["after"],
            "difference": (row["after"] or 0.0) - (row["before"] or 0.0),
        }
        for row in records
    ]
    columns = [
        Column("year", visit.text(N_("Year"))),
        Column("before", visit.text(N_("Before")), unit, "number"),
        Column("after", visit.text(N_("After")), unit, "number"),
        Column("difference", visit.text(N_("Difference")), unit, "number"),
    ]
    return Table("effect", visit.text(N_("Effect on the park's total")), columns, rows)


@router.post("/{language}/reports/apply")
async def apply_page(request: Request) -> Response:
    """Apply a previewed workbook in one transaction."""
    token, reason = await _fields(request, "token", "reason")
    pending: Pending = request.app.state.pending
    path = pending.find(token)
    if path is None:
        raise Refusal(404, GONE, GONE_REMEDY)
    return await run_in_threadpool(_applied, request, token, path, reason)


async def _fields(request: Request, *names: str) -> list[str]:
    """Return the named text fields of a posted form, empty where missing."""
    async with request.form(max_files=0, max_fields=4) as form:
        return [value.strip()[:500] if isinstance(value := form.get(name), str) else "" for name in names]


def _applied(request: Request, token: str, path: Path, reason: str) -> Response:
    visit = language_visit(request)
    pending: Pending = request.app.state.pending
    with visit.session.reading() as workspace:
        preview = preview_import(workspace.store, path, workspace.catalogue)
        if preview.version != pending.version(token):
            return _previewed(request, token, path, ("warn", visit.text(MOVED_ON)))
        changeset = preview.apply(workspace.store, reason=reason)
    pending.drop(token)
    if changeset is None:
        return respond(
            request, _page(visit, ("warn", visit.text(N_("The workbook holds nothing new: nothing was changed."))))
        )
    text = visit.text(
        N_("{name} was imported as version {version} of the record."), name=path.name, version=changeset.id
    )
    return respond(request, _page(visit, ("good", text)))


@router.post("/{language}/reports/undo")
async def undo_page(request: Request) -> Response:
    """Take the last change of the record back."""
    (reason,) = await _fields(request, "reason")
    return await run_in_threadpool(_undone, request, reason)


def _undone(request: Request, reason: str) -> Response:
    visit = language_visit(request)
    try:
        with visit.session.reading() as workspace:
            changeset = workspace.store.undo(reason)
    except InputError as error:
        if request.headers.get("hx-request") != "true":
            raise
        text = " ".join(" ".join(problem.describe(visit.language)) for problem in error.problems)
        return respond(request, _page(visit, ("bad", text)), 422)
    text = visit.text(
        N_("Version {undone} was taken back; the record is now at version {version}."),
        undone=changeset.undoes,
        version=changeset.id,
    )
    return respond(request, _page(visit, ("good", text)))


@router.get("/{language}/reports/template.xlsx")
def template_file(request: Request, year: int | None = None, firm: str = "") -> Response:
    """Answer the pre-filled workbook (`firm` for one firm, `year` for the year to fill in)."""
    visit = language_visit(request)
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    return _file(lambda folder: workbook_template(visit, folder, year, firm), kind)


@router.get("/{language}/reports/inventory.docx")
def report_file(request: Request) -> Response:
    """Answer the inventory report of the selected year as a Word document, in the language of the address."""
    visit = Visit.of(request)
    kind = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
    return _file(lambda folder: docx_report(visit, folder), kind)


def _file(write: Callable[[Path], Path], kind: str) -> Response:
    """Return the file that `write` puts into a folder, which goes when the file has been sent."""
    folder = tempfile.TemporaryDirectory(prefix="ecopark-")
    try:
        path = write(Path(folder.name))
    except BaseException:
        folder.cleanup()
        raise
    name = re.sub(r"[^\w.\-]+", "-", path.name)
    return FileResponse(path, media_type=kind, filename=name, background=BackgroundTask(folder.cleanup))
