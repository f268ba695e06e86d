"""Factors: the list, and one factor with its source, validity, range, verification and where stored runs used it."""

from __future__ import annotations

import math
from typing import Any

import polars as pl
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from ecopark.translation import N_
from ecopark.web import wording
from ecopark.web.pages.details import commodity_names
from ecopark.web.rendering import Page, respond
from ecopark.web.security import Refusal
from ecopark.web.tables import Cell, Row, Table
from ecopark.web.visit import MARKS, Visit

router = APIRouter()

PAGE_LENGTH = 100
NO_FACTOR = N_("There is no factor {identity}.")
NO_FACTOR_REMEDY = N_("Search the list of factors; an id is written set.commodity.quantity.")
NO_NUMBER = N_("{value!r} is not a number.")
NO_NUMBER_REMEDY = N_("Give a value such as 0.5703, in the factor's unit.")
BORROWED = "borrowed:"


@router.get("/{language}/factors")
def factors_page(request: Request) -> Response:
    """Answer the catalogue's factors and the park's own, filtered and by pages (`page=all` in the twins)."""
    visit = Visit.of(request)
    query = request.query_params
    with visit.session.reading() as workspace:
        catalogue = workspace.catalogue.factors
        own = workspace.record.factors.with_columns(
            pl.concat_str(pl.lit("local:"), "id").alias("id"), pl.lit("local").alias("set")
        )
    columns = [
        "id",
        "set",
        "quantity",
        "commodity",
        "gas",
        "technology",
        "value",
        "unit",
        "low",
        "high",
        "status",
        "valid_from",
        "valid_to",
    ]
    rows = pl.concat([own.select(columns), catalogue.select(columns)])
    wanted = {name: query.get(name, "") for name in ("set", "quantity", "status", "search")}
    found = rows
    for name in ("set", "quantity", "status"):
        if wanted[name]:
            found = found.filter(pl.col(name) == wanted[name])
    if wanted["search"]:
        names = commodity_names(visit)
        labels = pl.DataFrame({"commodity": list(names), "label": list(names.values())})
        text = pl.concat_str(pl.col("id"), pl.col("label").fill_null(""), separator=" ").str.to_lowercase()
        found = found.join(labels, on="commodity", how="left", maintain_order="left")
        found = found.filter(text.str.contains(wanted["search"].lower(), literal=True)).drop("label")
    count = max(1, math.ceil(found.height / PAGE_LENGTH))
    number = query.get("page", "1") or "1"
    everything = number == "all"
    place = min(count, max(1, int(number) if number.isdecimal() else 1))
    shown = found if everything else found.slice((place - 1) * PAGE_LENGTH, PAGE_LENGTH)
    words = wording.quantities(visit) | {status: visit.text(word) for status, (word, _) in MARKS.items()}
    filters = [
        (
            name,
            visit.text(label),
            [("", visit.text(N_("all"))), *((v, words.get(v, v)) for v in rows[name].drop_nulls().unique().sort())],
            wanted[name],
        )
        for name, label in (("set", N_("Set")), ("quantity", N_("Quantity")), ("status", N_("Verification")))
    ]
    data = {
        "filters": filters,
        "wanted": wanted,
        "found": found.height,
        "of": rows.height,
        "place": place,
        "count": count,
        "everything": everything,
    }
    page = Page(
        "factors.html",
        visit.text(N_("Factors")),
        "accounting",
        "factors",
        tables=[_factors(visit, shown)],
        data=data,
        fragment="factors_part.html",
    )
    return respond(request, page)


def _factors(visit: Visit, rows: pl.DataFrame) -> Table:
    names, quantities = commodity_names(visit), wording.quantities(visit)
    shown: list[Row] = [
        {
            "id": Cell(row["id"], href=visit.address(f"factors/{row['id']}")),
            "commodity": names.get(row["commodity"], row["commodity"]),
            "quantity": Cell(row["quantity"], text=quantities.get(row["quantity"], row["quantity"])),
            "gas": row["gas"] or "",
            "technology": row["technology"] or "",
            "value": _value(visit, row["value"]),
            "unit": visit.unit(row["unit"] or ""),
            "status": visit.status(row["status"]),
            "valid": _validity(row),
        }
        for row in rows.iter_rows(named=True)
    ]
    heads = {
        "id": N_("Factor"),
        "commodity": N_("Commodity"),
        "quantity": N_("Quantity"),
        "gas": N_("Gas"),
        "technology": N_("Technology"),
        "value": N_("Value"),
        "unit": N_("Unit"),
        "status": N_("Verification"),
        "valid": N_("Valid"),
    }
    columns = visit.columns(heads, {"value"})
    return Table("factors", visit.text(N_("Factors")), columns, shown)


def _value(visit: Visit, value: float | None) -> Cell:
    if value is None:
        return Cell(None, text="", note=visit.text(N_("unknown")), mark="warn")
    return Cell(value, text=f"{value:,.12g}")


def _validity(row: dict[str, Any]) -> str:
    start, end = row.get("valid_from"), row.get("valid_to")
    if start and end and (start.month, start.day, end.month, end.day) == (1, 1, 1, 1):
        return str(start.year) if end.year == start.year + 1 else f"{start.year}–{end.year - 1}"
    return "" if start is None and end is None else f"{start or ''} … {end or ''}"


@router.get("/{language}/factors/{identity:path}")
def factor_page(request: Request, identity: str) -> Response:
    """Answer one factor: of the catalogue, of the park (local:, property:), or a constant."""
    visit = Visit.of(request)
    found = _find(visit, identity)
    names = commodity_names(visit)
    with visit.session.reading() as workspace:
        sources = {row["id"]: row for row in workspace.catalogue.sources.iter_rows(named=True)}
        regions = {
            row["id"]: visit.choose(row["name_zh"], row["name_en"])
            for row in workspace.catalogue.regions.iter_rows(named=True)
        }
    source = sources.get(found.get("source") or "", {})
    title = visit.choose(source.get("title_zh"), source.get("title_en")) or found.get("source") or ""
    low_high = "" if found.get("low") is None or found.get("high") is None else f"{found['low']:g} … {found['high']:g}"
    origin = found.get("range_source") or ""
    if origin.startswith(BORROWED):
        low_high += " " + visit.text(N_("(borrowed from {factor})"), factor=origin.removeprefix(BORROWED))
    unknown = visit.text(N_("unknown: the reference does not hold it, and it is never guessed"))
    value = unknown if found.get("value") is None else f"{found['value']:,.15g} {visit.unit(found.get('unit') or '')}"
    note = visit.choose(found.get("note_zh"), found.get("note_en")) or found.get("note") or ""
    facts = [
        (N_("Value"), value),
        (N_("95 % range"), low_high),
        (N_("Distribution"), found.get("distribution")),
        (N_("Quantity"), wording.quantities(visit).get(found.get("quantity") or "", found.get("quantity"))),
        (N_("Commodity"), names.get(found.get("commodity") or "", found.get("commodity"))),
        (N_("Gas"), found.get("gas")),
        (N_("Technology"), found.get("technology")),
        (N_("Region"), regions.get(found.get("region") or "", found.get("region"))),
        (N_("Set"), found.get("set")),
        (N_("Valid"), _validity(found)),
        (N_("Version"), found.get("version")),
        (N_("Verification"), _status(visit, found)),
        (N_("Other readings"), found.get("alternatives")),
        (N_("Source"), title),
        (N_("Publisher and year"), " · ".join(str(source[name]) for name in ("publisher", "year") if source.get(name))),
        (N_("Note on the source"), source.get("note")),
        (N_("Note"), note),
    ]
    data: dict[str, Any] = {"facts": [(visit.text(name), str(text), None) for name, text in facts if text]}
    if source.get("url"):
        data["facts"].append((visit.text(N_("Address of the source")), source["url"], source["url"]))
    tables = [_used_in(visit, identity)]
    trial = request.query_params.get("value", "")
    if trial:
        tables.insert(0, _effect(visit, identity, trial))
    data["factor_id"] = identity
    data["trial"] = trial
    data["unit"] = visit.unit(found.get("unit") or "")
    page = Page(
        "factor.html",
        visit.text(N_("Factor {identity}"), identity=identity),
        "accounting",
        "factors",
        tables=tables,
        data=data,
        content={"factor": {name: str(value) if value is not None else None for name, value in found.items()}},
    )
    return respond(request, page)


def _status(visit: Visit, row: dict[str, Any]) -> str:
    return visit.status(row.get("status")).note


def _find(visit: Visit, identity: str) -> dict[str, Any]:
    kind, _, rest = identity.partition(":")
    with visit.session.reading() as workspace:
        record, catalogue = workspace.record, workspace.catalogue
        if kind == "local":
            rows = record.factors.filter(pl.col("id") == rest)
        elif kind == "property":
            parts = rest.split("/")
            rows = record.properties.filter(
                (pl.col("commodity") == parts[0]) & (pl.col("property") == parts[-1 if len(parts) < 2 else 1])
            )
            for part in parts[2:]:
                fits = (
                    (pl.col("stream") == part)
                    | (pl.col("node") == part)
                    | (pl.col("valid_from").cast(pl.String) == part)
                )
                rows = rows.filter(fits.fill_null(False))
            rows = rows.rename({"property": "quantity"})
        elif kind == "constant":
            rows = catalogue.constants.filter(pl.col("symbol") == rest)
            values = catalogue.constant_values
            if not rows.is_empty() and rest in values:
                rows = rows.with_columns(pl.lit(values[rest][0]).alias("value"), pl.lit(values[rest][1]).alias("unit"))
        else:
            rows = catalogue.factors.filter(pl.col("id") == identity)
    if rows.is_empty():
        raise Refusal(404, NO_FACTOR, NO_FACTOR_REMEDY, identity=identity)
    return rows.row(0, named=True)


def _effect(visit: Visit, identity: str, trial: str) -> Table:
    """Return what would change in the stored results with another value; nothing is changed."""
    try:
        value = float(trial)
    except ValueError as error:
        raise Refusal(422, NO_NUMBER, NO_NUMBER_REMEDY, value=trial) from error
    if not math.isfinite(value):
        raise Refusal(422, NO_NUMBER, NO_NUMBER_REMEDY, value=trial)
    with visit.session.reading() as workspace:
        effect = workspace.factor_effect(identity, value)
        schemes = workspace.catalogue.schemes
    rows: list[Row] = [
        {
            "run": Cell(row["run"], href=visit.address(f"runs/{row['run']}")),
            "scheme": visit.name(schemes[row["scheme"]]) if row["scheme"] in schemes else row["scheme"],
            "year": str(row["year"]),
            "old": visit.number(row["old"], f"{row['run']}-total"),
            "new": row["new"],
            "difference": row["difference"],
            "unit": visit.unit(row["unit"]),
        }
        for row in effect.iter_rows(named=True)
    ]
    heads = {
        "run": N_("Run"),
        "scheme": N_("Scheme"),
        "year": N_("Year"),
        "old": N_("As stored"),
        "new": N_("With the other value"),
        "difference": N_("Difference"),
        "unit": N_("Unit"),
    }
    numeric = ("old", "new", "difference")
    columns = visit.columns(heads, numeric)
    caption = visit.text(N_("What would change with the value {value}; nothing is changed"), value=trial)
    return Table("effect", caption, columns, rows, empty=visit.text(N_("No stored result would change.")))


def _used_in(visit: Visit, identity: str) -> Table:
    """Return the stored runs that used the factor, with the version they used."""
    with visit.session.reading() as workspace:
        runs = [run for run in workspace.runs.list_runs() if identity in run.factor_versions]
        schemes = workspace.catalogue.schemes
    rows: list[Row] = []
    for run in runs[:200]:
        scheme = schemes.get(str(run.settings.get("scheme")))
        rows.append(
            {
                "run": Cell(run.id, href=visit.address(f"runs/{run.id}")),
                "created": run.created,
                "scheme": visit.name(scheme) if scheme else str(run.settings.get("scheme")),
                "year": str(run.settings.get("year", "")),
                "boundary": str(run.settings.get("boundary", "")),
                "version": run.factor_versions[identity],
                "restated": run.restated_by or "",
            }
        )
    heads = {
        "run": N_("Run"),
        "created": N_("Made"),
        "scheme": N_("Scheme"),
        "year": N_("Year"),
        "boundary": N_("Boundary"),
        "version": N_("Version used"),
        "restated": N_("Restated by"),
    }
    columns = visit.columns(heads)
    empty = visit.text(N_("No stored result has used it."))
    return Table("used-in", visit.text(N_("Stored results that used it")), columns, rows, empty=empty)
