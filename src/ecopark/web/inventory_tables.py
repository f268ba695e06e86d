"""The tables that show an inventory, used by several pages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ecopark.accounting.views import names_of
from ecopark.translation import N_
from ecopark.web.numbers import write_percent
from ecopark.web.tables import Cell, Column, Row, Table
from ecopark.web.visit import Visit

if TYPE_CHECKING:
    from ecopark.accounting.result import Gap, IndicatorResult, Inventory

VERDICTS = {
    "met": (N_("met"), "good"),
    "not_met": (N_("not met"), "bad"),
    "no_threshold": (N_("no threshold"), "plain"),
    "not_available": (N_("not available"), "warn"),
}
GAP_KINDS = {
    "requirement": N_("required source without a row"),
    "no_data": N_("no data in the year"),
    "partial": N_("year not covered"),
    "not_estimated": N_("NE: not estimated"),
    "confidential": N_("C: confidential"),
    "no_factor": N_("no factor"),
    "unknown_factor": N_("factor unknown"),
}
INDICATOR_KINDS = {"core": N_("core"), "guiding": N_("guiding"), "information": N_("for information")}


def totals_table(visit: Visit, inventory: Inventory) -> Table:
    """Return every total of the scheme, each leading to its lines."""
    rows: list[Row] = [
        {
            "name": visit.choose(row["name_zh"], row["name_en"]),
            "value": visit.number(row["value"], inventory.reference(row["key"])),
            "unit": visit.unit(row["unit"]),
        }
        for row in inventory.totals().to_dicts()
    ]
    columns = [
        Column(
            "name", visit.text(N_("Total")) if inventory.complete else visit.text(N_("Subtotal (record incomplete)"))
        ),
        Column("value", visit.text(N_("Value")), kind="number"),
        Column("unit", visit.text(N_("Unit"))),
    ]
    return Table("totals", visit.text(N_("Totals of the scheme")), columns, rows, visit.source(inventory))


def category_table(visit: Visit, inventory: Inventory) -> Table:
    """Return the chosen total by category, with each one's scope and part of the whole."""
    total = visit.total
    unit = visit.unit(total.unit)
    rows: list[Row] = []
    for row in inventory.by("scope", "category", total=total.id).sort("scope", maintain_order=True).to_dicts():
        rows.append(
            {
                "category": visit.choose(*names_of(inventory, "category", row["category"])),
                "scope": row["scope"],
                "value": visit.number(row["value"], inventory.reference(row["key"])),
                "share": visit.number(
                    _share(row["value"], inventory.total(total.id)), inventory.reference(f"share:{row['key']}")
                ),
                "lines": row["lines"],
            }
        )
    whole = visit.number(inventory.total(total.id), inventory.reference(f"total:{total.id}"))
    rows.append({"category": visit.total_name(inventory), "value": whole, "lines": inventory.lines_of(total).height})
    columns = [
        Column("category", visit.text(N_("Category"))),
        Column("scope", visit.text(N_("Scope"))),
        Column("value", visit.text(N_("Value")), unit, "number"),
        Column("share", visit.text(N_("Share")), kind="percent"),
        Column("lines", visit.text(N_("Lines")), kind="integer"),
    ]
    return Table(
        "categories",
        visit.text(N_("{total} by category"), total=visit.name(total)),
        columns,
        rows,
        visit.source(inventory),
        totals=frozenset({len(rows) - 1}),
    )


def firm_table(visit: Visit, inventory: Inventory) -> Table:
    """Return the chosen total by firm, each leading to that firm's own inventory."""
    total = visit.total
    rows: list[Row] = []
    for row in inventory.by("node", total=total.id).to_dicts():
        query = visit.selection.query | {"boundary": f"node:{row['node']}", "run": ""}
        rows.append(
            {
                "firm": Cell(
                    visit.choose(*names_of(inventory, "node", row["node"])), href=visit.address("accounting", **query)
                ),
                "value": visit.number(row["value"], inventory.reference(row["key"])),
                "share": visit.number(
                    _share(row["value"], inventory.total(total.id)), inventory.reference(f"share:{row['key']}")
                ),
            }
        )
    columns = [
        Column("firm", visit.text(N_("Firm"))),
        Column("value", visit.text(N_("Value")), visit.unit(total.unit), "number"),
        Column("share", visit.text(N_("Share")), kind="percent"),
    ]
    title = visit.text(N_("{total} by firm"), total=visit.name(total))
    return Table("firms", title, columns, rows, visit.source(inventory))


def _share(part: float, whole: float) -> float | None:
    return part / whole if whole else None


def gaps_table(visit: Visit, gaps: Sequence[Gap]) -> Table:
    """Return what is missing, who owes it and how to mend it."""
    with visit.session.reading() as workspace:
        names = {
            identity: visit.choose(zh, en) or identity
            for identity, zh, en in workspace.record.nodes.select("id", "name_zh", "name_en").iter_rows()
        }
    rows: list[Row] = []
    for gap in gaps:
        reason, remedy = gap.describe(visit.language)
        rows.append(
            {
                "what": visit.name(gap),
                "kind": visit.text(GAP_KINDS.get(gap.kind, gap.kind)),
                "owner": names.get(gap.owner, gap.owner),
                "reason": reason,
                "remedy": remedy,
                "stream": Cell(gap.stream, href=visit.address(f"streams/{gap.stream}") if gap.stream else None),
            }
        )
    columns = [
        Column("what", visit.text(N_("What is missing"))),
        Column("kind", visit.text(N_("Kind"))),
        Column("owner", visit.text(N_("Who owes it"))),
        Column("reason", visit.text(N_("Why it counts as missing"))),
        Column("remedy", visit.text(N_("How to mend it"))),
        Column("stream", visit.text(N_("Stream"))),
    ]
    return Table(
        "gaps",
        visit.text(N_("Missing data")),
        columns,
        rows,
        empty=visit.text(N_("Nothing that the scheme requires is missing.")),
    )


def indicators_table(visit: Visit, inventory: Inventory) -> Table:
    """Return the scheme's indicators beside their limits, each with its verdict and the reason for it."""
    rows: list[Row] = [_indicator_row(visit, inventory, item) for item in inventory.indicators]
    columns = [
        Column("indicator", visit.text(N_("Indicator"))),
        Column("kind", visit.text(N_("Kind"))),
        Column("value", visit.text(N_("Value")), kind="number"),
        Column("unit", visit.text(N_("Unit"))),
        Column("variant", visit.text(N_("Limit of"))),
        Column("limit", visit.text(N_("Limit"))),
        Column("verdict", visit.text(N_("Verdict"))),
        Column("gap", visit.text(N_("Gap to the limit")), kind="number"),
        Column("gap_unit", visit.text(N_("Unit"))),
        Column("reason", visit.text(N_("Reason or warning"))),
    ]
    return Table("indicators", visit.text(N_("Indicators")), columns, rows, visit.source(inventory))


def _indicator_row(visit: Visit, inventory: Inventory, item: IndicatorResult) -> Row:
    word, mark = VERDICTS[item.verdict]
    year = f" ({item.limit_year})" if item.limit_year else ""
    limit = "" if item.limit is None else f"{item.comparison} {item.limit:g}{year}"
    gap_key = f"gap:{item.id}:{item.variant}" + (f":{item.limit_year}" if item.limit_year else "")
    said = [remark.text(visit.language) for remark in (item.reason, item.warning) if remark is not None]
    value = visit.number(item.value, inventory.reference(f"indicator:{item.id}"))
    if item.unit == "1" and item.value is not None:
        value = replace(value, text=write_percent(item.value))
    return {
        "indicator": visit.name(item),
        "kind": visit.text(INDICATOR_KINDS.get(item.kind, item.kind)),
        "value": value,
        "unit": Cell(item.unit, text="" if item.unit == "1" else visit.unit(item.unit)),
        "variant": visit.choose(item.variant_zh, item.variant_en),
        "limit": limit,
        "verdict": Cell(item.verdict, text="", note=visit.text(word), mark=mark),
        "gap": visit.number(item.gap, inventory.reference(gap_key)),
        "gap_unit": visit.unit(item.gap_unit) if item.gap is not None else "",
        "reason": " ".join(said),
    }
