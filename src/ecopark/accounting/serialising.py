"""Inventories as plain data (JSON) and as frames to be stored and read back."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from ecopark.accounting.result import Gap, IndicatorResult, Inventory, Remark


def inventory_to_json(inventory: Inventory, *, lines: bool = True) -> dict[str, Any]:
    """Return an inventory as plain data: totals, splits, indicators, gaps, remarks, and (unless told not to) lines."""
    headline = inventory.scheme.totals[0]
    data: dict[str, Any] = {
        "run": inventory.run,
        "scheme": inventory.scheme.id,
        "scheme_version": inventory.scheme.version,
        "name_zh": inventory.scheme.name_zh,
        "name_en": inventory.scheme.name_en,
        "year": inventory.year,
        "boundary": inventory.boundary,
        "boundary_name_zh": inventory.boundary_name[0],
        "boundary_name_en": inventory.boundary_name[1],
        "scenario": inventory.scenario,
        "perspective": inventory.perspective,
        "options": dict(inventory.options),
        "complete": inventory.complete,
        "total": {
            "is": "total" if inventory.complete else "subtotal of the covered sources",
            "id": headline.id, "value": inventory.total(), "unit": headline.unit,
            "reference": inventory.reference(f"total:{headline.id}"),
        },
        "totals": [row | {"reference": inventory.reference(row["key"])} for row in inventory.totals().to_dicts()],
        "categories": inventory.by("category").to_dicts(),
        "indicators": [indicator_to_json(item) for item in inventory.indicators],
        "gaps": [gap_to_json(gap) for gap in inventory.gaps],
        "remarks": [remark_to_json(remark) for remark in inventory.remarks],
    }  # fmt: skip
    if lines:
        data["lines"] = [
            row | {"reference": inventory.reference(f"line:{row['line']}")} for row in inventory.lines.to_dicts()
        ]
    return data


def gap_to_json(gap: Gap) -> dict[str, Any]:
    """Return a gap with its reason and remedy in both languages."""
    data = asdict(gap)
    for language in ("zh", "en"):
        data[f"reason_{language}"], data[f"remedy_{language}"] = gap.describe(language)
    return data


def remark_to_json(remark: Remark) -> dict[str, Any]:
    """Return a remark with its sentence in both languages."""
    return {"code": remark.code, "severity": remark.severity, "zh": remark.text("zh"), "en": remark.text("en")}


def indicator_to_json(indicator: IndicatorResult) -> dict[str, Any]:
    """Return an indicator's result with its reason and warning in both languages."""
    data = {
        name: getattr(indicator, name)
        for name in ("id", "name_zh", "name_en", "kind", "unit", "value", "verdict", "variant", "limit", "limit_year",
                     "comparison", "source", "gap", "gap_unit")
    }  # fmt: skip
    for name in ("reason", "warning"):
        remark: Remark | None = getattr(indicator, name)
        data[name] = remark_to_json(remark) if remark else None
    return data
