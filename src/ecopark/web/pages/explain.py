"""Where a number comes from: formula, inputs with sources, and the way on to lines, flows and factors."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from ecopark.accounting.explanation import Explanation, Input
from ecopark.accounting.stored import ENGINE
from ecopark.metabolism.wording import ENGINE_NAMES
from ecopark.translation import N_
from ecopark.web import wording
from ecopark.web.navigation import RAIL
from ecopark.web.rendering import Page, respond
from ecopark.web.security import Refusal
from ecopark.web.tables import Cell, Column, Row, Table
from ecopark.web.visit import Visit

router = APIRouter()

SHOWN = 300
"""Inputs shown on the page; the JSON and CSV twins hold all."""

NO_NUMBER = N_("There is no number {reference} here: {reason}")
NO_NUMBER_REMEDY = N_("Follow a number's link from its page; a stored one is written R3-line:17.")
KINDS = {
    "flow": N_("flow"),
    "certificate": N_("certificate"),
    "factor": N_("factor"),
    "constant": N_("constant"),
    "line": N_("line"),
    "total": N_("total"),
    "statistic": N_("statistic"),
    "limit": N_("limit"),
    "share": N_("share"),
    "scale": N_("unit conversion"),
}


@router.get("/{language}/explain/{reference:path}")
def explain_page(request: Request, reference: str) -> Response:
    """Answer the explanation of a number of a stored run (R3-line:17) or of a comparison of two (R3~R4-step:1)."""
    visit = Visit.of(request)
    try:
        with visit.session.reading() as workspace:
            explanation = workspace.explain(reference)
        recomputed = explanation.recompute()
    except (KeyError, ValueError, ZeroDivisionError) as error:
        raise Refusal(404, NO_NUMBER, NO_NUMBER_REMEDY, reference=reference, reason=str(error).strip("'\"")) from error
    table = _inputs(visit, explanation)
    rows = (
        sorted(table.rows, key=lambda row: -_size(row["value"]))
        if explanation.formula.startswith("sum(")
        else table.rows
    )
    shown = Table(
        table.id,
        table.caption,
        table.columns,
        rows[:SHOWN],
        table.source,
        ""
        if len(table.rows) <= SHOWN
        else visit.text(
            N_("The first {shown} of {count} inputs; the CSV and JSON files hold all."),
            shown=SHOWN,
            count=len(table.rows),
        ),
    )
    data = {
        "explanation": explanation,
        "unit": visit.unit(explanation.unit),
        "recomputed": recomputed,
        "reference": reference,
        "crumbs": run_crumbs(visit, reference),
        "inputs": shown,
        "same": recomputed == explanation.value,
    }
    title = visit.choose(explanation.name_zh, explanation.name_en)
    content = explanation.to_json() | {"reference": reference, "recomputed": recomputed}
    with visit.session.reading() as workspace:
        room = room_of(workspace.runs.get(re.split("[-~]", reference)[0]).engine)
    page = Page("explain.html", title, room, tables=[table], data=data, content={"explanation": content})
    return respond(request, page)


def _size(cell: object) -> float:
    value = _value(cell)
    return abs(value) if isinstance(value, int | float) else 0.0


def run_crumbs(visit: Visit, reference: str) -> list[tuple[str, str]]:
    """Return the way back from a number: to the inventory (or the two) that it belongs to."""
    with visit.session.reading() as workspace:
        runs = [workspace.runs.get(identity) for identity in reference.partition("-")[0].split("~")]
        schemes = workspace.catalogue.schemes
    room = room_of(runs[0].engine)
    crumbs = [(visit.text(next(item.name for item in RAIL if item.id == room)), visit.address(room))]
    for run in runs:
        scheme = schemes.get(str(run.settings.get("scheme")))
        name = visit.name(scheme) if scheme else visit.text(ENGINE_NAMES.get(run.engine, run.engine))
        period = _period(run.settings)
        crumbs.append((f"{name} · {period} · {run.id}", visit.address(f"runs/{run.id}")))
    return crumbs


def _period(settings: Mapping[str, Any]) -> str:
    """Return the year or month of a run, or the two states that it compares."""
    if "year" not in settings:
        return f"{settings.get('before')} → {settings.get('after')}"
    return f"{settings['year']}" + (f"-{settings['month']:02d}" if settings.get("month") else "")


def room_of(engine: str) -> str:
    """Return the room that shows the results of an engine."""
    return "accounting" if engine == ENGINE else "metabolism"


def _lead(visit: Visit, item: Input) -> tuple[str | None, str | None]:
    """Return an input's address and, where it is a number that can itself be explained, its reference."""
    reference = item.reference
    if not reference:
        return None, None
    if re.match(r"R\d+(~R\d+)?-", reference):
        return visit.link(reference)[1], reference
    if item.kind in ("flow", "certificate"):
        return visit.address(f"flows/{reference}"), None
    if item.kind == "factor":
        return visit.address(f"factors/{reference}"), None
    return None, None


def _inputs(visit: Visit, explanation: Explanation) -> Table:
    rows: list[Row] = []
    for item in explanation.inputs:
        href, key = _lead(visit, item)
        low_high = "" if item.low is None or item.high is None else f"{item.low:g} … {item.high:g}"
        rows.append(
            {
                "symbol": item.symbol,
                "name": Cell(visit.choose(item.name_zh, item.name_en) or item.symbol, href=None if key else href),
                "value": Cell(item.value, href=href, explain=key, text=None if key else _plain(item.value)),
                "unit": visit.unit(item.unit),
                "kind": visit.text(KINDS.get(item.kind, item.kind)),
                "source": visit.choose(item.source_zh, item.source_en),
                "status": _status(visit, item),
                "range": low_high,
                "range_source": item.range_source,
                "note": item.note_in(visit.language),
                "reference": Cell(item.reference, href=href if not key else None),
            }
        )
    heads = {
        "symbol": N_("Symbol"),
        "name": N_("Input"),
        "value": N_("Value"),
        "unit": N_("Unit"),
        "kind": N_("Kind"),
        "source": N_("Source"),
        "status": N_("Verification or method"),
        "range": N_("95 % range"),
        "range_source": N_("Source of the range"),
        "note": N_("Note"),
        "reference": N_("Reference"),
    }
    filled = [name for name in heads if any(_value(row.get(name)) not in ("", None) for row in rows)]
    columns = [
        Column(name, visit.text(head), kind="number" if name == "value" else "text", hidden=name == "reference")
        for name, head in heads.items()
        if name in filled
    ]
    return Table("inputs", visit.text(N_("Inputs")), columns, rows)


def _status(visit: Visit, item: Input) -> Cell:
    if item.kind in ("factor", "constant"):
        return visit.status(item.status)
    return Cell(item.status, text=wording.method(visit, item.status))


def _value(cell: object) -> object:
    return cell.value if isinstance(cell, Cell) else cell


def _plain(value: float) -> str:
    """Write a single input as it stands: up to twelve digits, none added."""
    return f"{value:,.12g}"
