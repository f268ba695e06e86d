"""Reconciled flows as rows of the record's table of flows, to stand beside the raw ones."""

from __future__ import annotations

from typing import Any

import polars as pl

from ecopark.metabolism.layers import NORMAL_95
from ecopark.metabolism.reconciliation.result import Reconciliation
from ecopark.model.record import Record, fill_flow_ids
from ecopark.model.tables import TABLES

_WRITTEN = ("redundant", "observable")
_WHOLE = 1.0 - 1e-9


def flow_rows(result: Reconciliation, record: Record) -> pl.DataFrame:
    """Return one row per raw flow whose stream the balances check, or per stream and period that they work out.

    Columns of the record's flows; method "reconciled", 95 % range as `low` and `high` (normal, not below zero), the raw
    flow's evidence, a note that names the run and the raw amount. Several flows of one stream in the period are scaled
    by one ratio and share a correlation group, so that their errors add up to that of the sum. A stream that holds
    parts gets the sum of its rest and its parts. Left out are flows that reach beyond the period: a reconciled part of
    them would take the place of the whole (see `unwritten`).
    """
    rows: list[dict[str, Any]] = []
    scenario = result.settings["scenario"]
    run = f"{result.run}: " if result.run else ""
    by_span = _raw_flows(result)
    for stream, start, end, unit, amount, deviation, origin in _streams(result, record):
        raw = by_span.get((stream, start), [])
        whole = sum(flow["amount"] for flow in raw)
        group = f"{result.run or 'reconciled'}:{stream}:{start.isoformat()}" if len(raw) > 1 else origin
        if raw and whole > 0 and all(flow["amount"] is not None for flow in raw):
            for flow in raw:
                share = flow["amount"] / whole
                note = f"{run}{flow['id']} = {flow['amount']:.10g} {unit}"
                rows.append(_row(stream, scenario, flow["period_start"], flow["period_end"], amount * share, unit,
                                 deviation * share, group, flow["evidence"], note))  # fmt: skip
        else:
            rows.append(_row(stream, scenario, start, end, amount, unit, deviation, origin, None, f"{run}0 / NE"))
    frame = pl.DataFrame(rows, schema=TABLES["flows"].schema)
    return fill_flow_ids(frame)


def unwritten(result: Reconciliation) -> pl.DataFrame:
    """Return the streams whose flows reach beyond the period, so that no reconciled flow is written: stream, flow."""
    behind = result.behind.filter(pl.col("share") < _WHOLE)
    checked = result.flows.filter(pl.col("classification").is_in(_WRITTEN))["stream"]
    return behind.filter(pl.col("stream").is_in(checked.implode())).select("stream", pl.col("id").alias("flow"))


def _raw_flows(result: Reconciliation) -> dict[tuple[str, Any], list[dict[str, Any]]]:
    counted = result.behind.filter(
        pl.col("amount").is_not_null() & (pl.col("notation").is_null()) & (pl.col("share") >= _WHOLE)
    )
    found: dict[tuple[str, Any], list[dict[str, Any]]] = {}
    for flow in counted.iter_rows(named=True):
        found.setdefault((flow["stream"], flow["span_start"]), []).append(flow)
    return found


def _streams(result: Reconciliation, record: Record) -> list[tuple[Any, ...]]:
    """Return stream, period, unit, amount, deviation, correlation group of what is to be written."""
    long = set(result.behind.filter(pl.col("share") < _WHOLE).select("stream", "span_start").iter_rows())
    parts: dict[str, list[str]] = {}
    for stream, whole in record.streams.select("id", "part_of").iter_rows():
        if whole is not None:
            parts.setdefault(whole, []).append(stream)
    known = {(row["stream"], row["period_start"]): row for row in result.flows.iter_rows(named=True)}

    def total(stream: str, start: Any) -> tuple[float, float, bool]:
        """Return amount and variance of a stream with its parts, and whether a balance checks any of it."""
        row = known.get((stream, start))
        if row is None or row["reconciled"] is None:
            return 0.0, 0.0, False
        amount, variance = row["reconciled"], (row["sd_reconciled"] or 0.0) ** 2
        checked = row["classification"] in _WRITTEN
        for part in parts.get(stream, ()):
            inner, spread, touched = total(part, start)
            amount, variance, checked = amount + inner, variance + spread, checked or touched
        return amount, variance, checked

    found = []
    for (stream, start), row in known.items():
        if (stream, start) in long or row["reconciled"] is None:
            continue
        amount, variance, checked = total(stream, start)
        if checked:
            found.append((stream, start, row["period_end"], row["unit"], amount, variance**0.5,
                          row["correlation_group"]))  # fmt: skip
    return found


def _row(
    stream: str, scenario: str, start: Any, end: Any, amount: float, unit: str, deviation: float, group: str | None,
    evidence: str | None, note: str,
) -> dict[str, Any]:  # fmt: skip
    half = NORMAL_95 * deviation
    return {
        "id": None, "stream": stream, "scenario": scenario, "period_start": start, "period_end": end, "amount": amount,
        "unit": unit, "low": max(amount - half, 0.0) if amount >= 0 else amount - half, "high": amount + half,
        "distribution": "normal", "correlation_group": group, "method": "reconciled", "notation": None,
        "evidence": evidence, "note": note,
    }  # fmt: skip
