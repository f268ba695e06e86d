"""Single things: a flow with its evidence, a stream with all its flows, a stored run."""

from __future__ import annotations

from typing import Any

import polars as pl
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from ecopark.accounting.stored import ENGINE
from ecopark.translation import N_
from ecopark.web import wording
from ecopark.web.rendering import Page, respond
from ecopark.web.security import Refusal
from ecopark.web.tables import Cell, Column, Row, Table
from ecopark.web.visit import Visit, language_visit

router = APIRouter()

RUN_QUERY = (
    "year",
    "month",
    "boundary",
    "scenario",
    "layer",
    "level",
    "node",
    "commodity",
    "stream",
    "direction",
    "subject",
)
TAB_OF = {
    "balance": "metabolism/balances",
    "reconciliation": "metabolism/reconciliation",
    "trace": "metabolism/trace",
    "pathways": "metabolism/trace",
    "cycling": "metabolism/indicators",
    "value_flow": "metabolism/value",
    "burdens": "metabolism/burdens",
    "burden_shift": "metabolism/burdens",
    "change": "metabolism/changes",
    "causes": "metabolism/changes",
    "indicators": "metabolism/indicators",
    "nexus": "metabolism/indicators",
}
"""Engine of a stored run of Metabolism -> the page that shows it."""

NO_FLOW = N_("The record has no flow {identity}.")
NO_STREAM = N_("The record has no stream {identity}.")
NO_EVIDENCE = N_("The record has no evidence {identity}.")
FIND_REMEDY = N_("It may have been removed since; the history shows what was changed, and when.")


def node_names(visit: Visit) -> dict[str, str]:
    """Return the name of every node in the reader's language."""
    with visit.session.reading() as workspace:
        rows = workspace.record.nodes.select("id", "name_zh", "name_en").iter_rows()
        return {identity: visit.choose(zh, en) or identity for identity, zh, en in rows}


def commodity_names(visit: Visit) -> dict[str, str]:
    """Return the name of every commodity of the catalogue and the record in the reader's language."""
    with visit.session.reading() as workspace:
        frames = (workspace.catalogue.commodities, workspace.record.commodities)
        return {
            identity: visit.choose(zh, en) or identity
            for frame in frames
            for identity, zh, en in frame.select("id", "name_zh", "name_en").iter_rows()
        }


def one_row(frame: pl.DataFrame, identity: str, cause: str) -> dict[str, Any]:
    """Return the row with this id; Refusal where there is none."""
    rows = frame.filter(pl.col("id") == identity)
    if rows.is_empty():
        raise Refusal(404, cause, FIND_REMEDY, identity=identity)
    return rows.row(0, named=True)


@router.get("/{language}/flows/{identity:path}")
def flow_page(request: Request, identity: str) -> Response:
    """Answer one flow: amount, period, method, evidence, the others of its stream, where it is counted."""
    visit = Visit.of(request)
    with visit.session.reading() as workspace:
        record = workspace.record
        if identity.startswith("certificate:"):
            flow = one_row(record.certificates, identity.removeprefix("certificate:"), NO_FLOW)
            return respond(request, _certificate(visit, identity, flow))
        flow = one_row(record.flows, identity, NO_FLOW)
        stream = one_row(record.streams, flow["stream"], NO_STREAM)
        history = workspace.store.row_history("flows", identity)
        siblings = record.flows.filter((pl.col("stream") == flow["stream"]) & (pl.col("id") != identity))
    names, goods = node_names(visit), commodity_names(visit)
    amount = "–" if flow["amount"] is None else f"{flow['amount']:,.12g} {visit.unit(flow['unit'] or '')}"
    low_high = "" if flow["low"] is None else f"{flow['low']:,.12g} … {flow['high']:,.12g}"
    facts = [
        (visit.text(N_("Amount")), amount, None),
        (visit.text(N_("Notation")), wording.notation(visit, flow["notation"]), None),
        (visit.text(N_("95 % range")), low_high, None),
        (visit.text(N_("Period (half-open)")), f"{flow['period_start']} … {flow['period_end']}", None),
        (visit.text(N_("How it is known")), wording.method(visit, flow["method"]), None),
        (visit.text(N_("Scenario")), wording.scenario(visit, flow["scenario"]), None),
        (visit.text(N_("Commodity")), goods.get(stream["commodity"], stream["commodity"]), None),
        (visit.text(N_("From")), names.get(stream["source"], stream["source"]), None),
        (visit.text(N_("To")), names.get(stream["target"], stream["target"]), None),
        (visit.text(N_("Use")), wording.activities(visit).get(stream["activity"], stream["activity"]), None),
        (visit.text(N_("Stream")), flow["stream"], visit.address(f"streams/{flow['stream']}")),
        (visit.text(N_("Note")), flow["note"] or "", None),
    ]
    tables = [_evidence_of(visit, flow["evidence"])]
    if siblings.height:
        tables.append(
            flows_table(
                visit,
                siblings.sort("period_start", descending=True).head(60),
                "siblings",
                N_("Other flows of the stream"),
            )
        )
    tables.append(_history(visit, history))
    title = visit.text(N_("Flow {identity}"), identity=identity)
    page = Page("facts.html", title, "accounting", "lines", tables=tables, data={"facts": facts})
    return respond(request, page)


def _certificate(visit: Visit, identity: str, row: dict[str, Any]) -> Page:
    names = node_names(visit)
    facts = [
        (visit.text(N_("Kind")), row["kind"], None),
        (visit.text(N_("Volume")), f"{row['volume']:,.12g} {visit.unit(row['unit'])}", None),
        (visit.text(N_("Holder")), names.get(row["holder"], row["holder"]), None),
        (visit.text(N_("Retired for")), names.get(row["retired_for"] or "", row["retired_for"] or ""), None),
        (visit.text(N_("Period (half-open)")), f"{row['period_start']} … {row['period_end']}", None),
        (visit.text(N_("Note")), row["note"] or "", None),
    ]
    title = visit.text(N_("Certificate {identity}"), identity=identity.removeprefix("certificate:"))
    return Page(
        "facts.html", title, "accounting", "lines", tables=[_evidence_of(visit, row["evidence"])], data={"facts": facts}
    )


@router.get("/{language}/streams/{identity:path}")
def stream_page(request: Request, identity: str) -> Response:
    """Answer one stream: from where to where, of what, for which use, and all its flows."""
    visit = Visit.of(request)
    with visit.session.reading() as workspace:
        stream = one_row(workspace.record.streams, identity, NO_STREAM)
        flows = workspace.record.flows.filter(pl.col("stream") == identity).sort("period_start", descending=True)
    names, goods = node_names(visit), commodity_names(visit)
    facts = [
        (visit.text(N_("From")), names.get(stream["source"], stream["source"]), None),
        (visit.text(N_("To")), names.get(stream["target"], stream["target"]), None),
        (visit.text(N_("Commodity")), goods.get(stream["commodity"], stream["commodity"]), None),
        (visit.text(N_("Use")), wording.activities(visit).get(stream["activity"], stream["activity"]), None),
        (visit.text(N_("Technology")), stream["technology"] or "", None),
        (visit.text(N_("Data owner")), names.get(stream["owner"] or stream["target"], stream["owner"] or ""), None),
        (visit.text(N_("Part of")), stream["part_of"] or "", None),
        (visit.text(N_("Note")), stream["note"] or "", None),
    ]
    tables = [flows_table(visit, flows, "flows", N_("Flows of the stream"))]
    title = visit.text(N_("Stream {identity}"), identity=identity)
    return respond(request, Page("facts.html", title, "accounting", "lines", tables=tables, data={"facts": facts}))


def flows_table(visit: Visit, flows: pl.DataFrame, identity: str, caption: str) -> Table:
    """Return flows as a table, each leading to its own page."""
    rows: list[Row] = [
        {
            "id": Cell(row["id"], href=visit.address(f"flows/{row['id']}")),
            "start": row["period_start"],
            "end": row["period_end"],
            "amount": row["amount"],
            "unit": visit.unit(row["unit"] or ""),
            "notation": Cell(row["notation"], text=wording.notation(visit, row["notation"])),
            "method": Cell(row["method"], text=wording.method(visit, row["method"])),
            "scenario": Cell(row["scenario"], text=wording.scenario(visit, row["scenario"])),
            "evidence": row["evidence"] or "",
        }
        for row in flows.iter_rows(named=True)
    ]
    columns = [
        Column("id", visit.text(N_("Flow"))),
        Column("start", visit.text(N_("Start"))),
        Column("end", visit.text(N_("End (exclusive)"))),
        Column("amount", visit.text(N_("Amount")), kind="number"),
        Column("unit", visit.text(N_("Unit"))),
        Column("notation", visit.text(N_("Notation"))),
        Column("method", visit.text(N_("How it is known"))),
        Column("scenario", visit.text(N_("Scenario"))),
        Column("evidence", visit.text(N_("Evidence"))),
    ]
    return Table(identity, visit.text(caption), columns, rows)


def _evidence_of(visit: Visit, identity: str | None) -> Table:
    with visit.session.reading() as workspace:
        evidence = workspace.record.evidence.filter(pl.col("id") == (identity or ""))
    return evidence_table(visit, evidence, visit.text(N_("Evidence")))


def evidence_table(visit: Visit, evidence: pl.DataFrame, caption: str) -> Table:
    """Return evidence as a table: what supports a number, where it is, and who gave it."""
    rows: list[Row] = []
    for row in evidence.iter_rows(named=True):
        reference = row["reference"] or ""
        outside = reference if reference.startswith(("https://", "http://")) else None
        rows.append(
            {
                "id": row["id"],
                "title": row["title"],
                "kind": row["kind"] or "",
                "reference": Cell(reference, href=outside),
                "page": row["page"] or "",
                "person": row["person"] or "",
                "date": row["date"],
                "sha256": Cell(row["sha256"], text=(row["sha256"] or "")[:12]),
                "note": row["note"] or "",
            }
        )
    heads = {
        "id": N_("Id"),
        "title": N_("Title"),
        "kind": N_("Kind"),
        "reference": N_("Where it is found"),
        "page": N_("Page"),
        "person": N_("Person"),
        "date": N_("Date"),
        "sha256": N_("File hash"),
        "note": N_("Note"),
    }
    columns = visit.columns(heads)
    return Table("evidence", caption, columns, rows, empty=visit.text(N_("No evidence is named for this number.")))


def _history(visit: Visit, history: pl.DataFrame) -> Table:
    columns = [
        Column("created", visit.text(N_("When"))),
        Column("author", visit.text(N_("Who"))),
        Column("change", visit.text(N_("Change"))),
        Column("before", visit.text(N_("Before"))),
        Column("after", visit.text(N_("After"))),
        Column("place", visit.text(N_("Place"))),
    ]
    names = [column.id for column in columns if column.id in history.columns]
    rows: list[Row] = [dict(row) for row in history.select(names).iter_rows(named=True)]
    shown = [column for column in columns if column.id in names]
    return Table("history", visit.text(N_("History")), shown, rows)


@router.get("/{language}/runs/{run}")
def run_page(request: Request, run: str) -> Response:
    """Lead to the page that shows a stored run: an inventory with the run fixed, else the page of its engine."""
    visit = language_visit(request)
    with visit.session.reading() as workspace:
        found = workspace.runs.get(run)
    settings = found.settings
    if found.engine != ENGINE:
        kept = {name: settings[name] for name in RUN_QUERY if settings.get(name)}
        if found.engine in ("change", "causes"):
            kept |= {"year": settings["after"], "other_year": settings["before"]}
        return RedirectResponse(visit.address(TAB_OF.get(found.engine, "metabolism"), **kept), 307)
    query = {name: settings[name] for name in ("year", "scheme", "boundary", "scenario") if name in settings}
    return RedirectResponse(visit.address("accounting", **query, **settings.get("options", {}), run=run), 307)
