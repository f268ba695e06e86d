"""Small parks for the accounting tests, with every amount chosen so that answers can be worked out by hand."""

from __future__ import annotations

from typing import Any

from ecopark.model.record import Record

NODES = [
    {"id": "park", "kind": "park", "region": "CN-JS", "name_zh": "园区", "name_en": "Park"},
    {"id": "plant", "parent": "park", "kind": "firm", "name_zh": "热电厂", "name_en": "Plant"},
    {"id": "mill", "parent": "park", "kind": "firm", "name_zh": "纸厂", "name_en": "Mill"},
    {"id": "works", "parent": "park", "kind": "firm", "name_zh": "化工厂", "name_en": "Works"},
    {"id": "boiler", "parent": "works", "kind": "equipment"},
    {"id": "market", "kind": "market"},
    {"id": "air", "kind": "environment"},
]


def stream(identity: str, source: str, target: str, commodity: str, activity: str, **more: Any) -> dict[str, Any]:
    """Return a row of the streams table."""
    return {"id": identity, "source": source, "target": target, "commodity": commodity, "activity": activity, **more}


def flow(identity: str, amount: float | None, unit: str, period: str = "2022", **more: Any) -> dict[str, Any]:
    """Return a row of the flows table: a year's amount of a stream (None needs a notation)."""
    return {"stream": identity, "period_start": period, "amount": amount, "unit": unit, "method": "metered", **more}


def park(streams: list[dict[str, Any]], flows: list[dict[str, Any]], **tables: Any) -> Record:
    """Return a record of the small park with these streams and flows (and further tables)."""
    return Record.of(nodes=tables.pop("nodes", NODES), streams=streams, flows=flows, **tables)


def closing(*kinds: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return streams and flows that state "not occurring" for whole kinds of sources, to satisfy the data gate."""
    statements = {
        "fuel": stream("no_fuel", "market", "mill", "raw_coal", "final_use"),
        "electricity": stream("no_power", "market", "mill", "electricity", "supply"),
        "heat": stream("no_heat", "market", "mill", "heat", "supply"),
        "process": stream("no_process", "mill", "market", "lime", "production"),
        "waste": stream("no_waste", "market", "mill", "municipal_solid_waste", "treatment", technology="incineration"),
        "wastewater": stream("no_wastewater", "mill", "mill", "wastewater_cod_removed", "treatment"),
        "refrigerants": stream("no_refrigerants", "mill", "air", "hfc_134a", "leakage"),
    }
    chosen = [statements[kind] for kind in kinds]
    return chosen, [flow(row["id"], None, "t", notation="NO") for row in chosen]
