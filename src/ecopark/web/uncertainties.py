"""The uncertainty page's charts and tables: 95 % ranges of totals, and what the width of the range comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ecopark.accounting.inventory_uncertainty import assess_uncertainty, without_range
from ecopark.accounting.views import names_of, ranges_view
from ecopark.model.problems import InputError
from ecopark.translation import N_
from ecopark.web.charts import Chart, chart
from ecopark.web.tables import Cell, Column, Row, Table
from ecopark.web.visit import Visit

if TYPE_CHECKING:
    from ecopark.accounting.result import Inventory

LISTED = 25
Parts = tuple[list[Chart], list[Table], list[tuple[str, str]]]


def uncertainty_tables(visit: Visit, inventory: Inventory) -> Parts:
    """Return charts, tables and remarks (severity, text) on the uncertainty of the chosen total."""
    key = ("uncertainty", inventory.run, visit.total.id, visit.language)
    return visit.session.kept(key, lambda _: _compute(visit, inventory))


def _compute(visit: Visit, inventory: Inventory) -> Parts:
    total = visit.total.id
    if inventory.lines_of(total).is_empty():
        return [], [], [("information", visit.text(N_("There are no lines, so there is no range.")))]
    try:
        found = assess_uncertainty(inventory, total)
        simple, correlated, sampled = found.simple, found.correlated, found.simulated
    except InputError as error:
        return [], [], [("warning", problem.line(visit.language)) for problem in error.problems]
    source = visit.source(inventory)
    ranges = {row["group"]: row for row in sampled.totals.iter_rows(named=True)}
    wide = {row["group"]: row for row in simple.totals.iter_rows(named=True)}
    keys = {"total": f"total:{total}"}
    for group in ranges:
        if group.startswith("category:"):
            keys[group] = f"total:{total}&{group}"
    ordered = [(keys[group], ranges[group]["low"], ranges[group]["high"]) for group in keys]
    charts = [chart(ranges_view(inventory, ordered), visit.language, source, visit.link_in(inventory))]
    tables = [_ranges(visit, inventory, keys, ranges, wide, source)]
    lines = correlated.lines("total").sort("share", descending=True).head(LISTED)
    tables.append(_contributions(visit, inventory, lines.to_dicts(), source))
    tables.append(_exact(visit, inventory, source))
    seen: dict[str, str] = {}
    for problem in (*sampled.remarks, *simple.remarks):
        seen[problem.line(visit.language).removeprefix(": ")] = problem.severity
    return charts, tables, [(severity, text) for text, severity in seen.items()]


def _ranges(
    visit: Visit,
    inventory: Inventory,
    keys: dict[str, str],
    ranges: dict[str, dict[str, float]],
    wide: dict[str, dict[str, float]],
    source: str,
) -> Table:
    unit = visit.unit(visit.total.unit)
    rows: list[Row] = []
    for group, key in keys.items():
        category = group.partition(":")[2]
        name = visit.choose(*names_of(inventory, "category", category)) if category else visit.total_name(inventory)
        rows.append(
            {
                "part": name,
                "value": visit.number(inventory.explain(key).value, inventory.reference(key)),
                "low": visit.number(ranges[group]["low"], inventory.reference(f"low:{key}")),
                "high": visit.number(ranges[group]["high"], inventory.reference(f"high:{key}")),
                "low_1": visit.number(wide[group]["low"], inventory.reference(f"low_1:{key}")),
                "high_1": visit.number(wide[group]["high"], inventory.reference(f"high_1:{key}")),
            }
        )
    columns = [
        Column("part", visit.text(N_("Part"))),
        Column("value", visit.text(N_("Value")), unit, "number"),
        Column("low", visit.text(N_("Approach 2: low")), unit, "number"),
        Column("high", visit.text(N_("Approach 2: high")), unit, "number"),
        Column("low_1", visit.text(N_("Approach 1: low")), unit, "number"),
        Column("high_1", visit.text(N_("Approach 1: high")), unit, "number"),
    ]
    note = visit.text(
        N_(
            "Approach 2 is a Monte Carlo simulation in which a factor that several lines share is one variable; "
            "Approach 1 takes lines as independent. Both leave out what has no stated range (below)."
        )
    )
    title = visit.text(N_("95 % ranges"))
    return Table("ranges", title, columns, rows, source, note, totals=frozenset({0}))


def _contributions(visit: Visit, inventory: Inventory, found: list[dict[str, float]], source: str) -> Table:
    lines = {row["line"]: row for row in inventory.lines.iter_rows(named=True)}
    rows: list[Row] = []
    for item in found:
        line = lines[int(item["line"])]
        rows.append(
            {
                "line": Cell(
                    line["line"],
                    text=str(line["line"]),
                    href=visit.link(inventory.reference(f"line:{line['line']}"))[1],
                ),
                "rule": visit.choose(*names_of(inventory, "rule", line["rule"])),
                "commodity": visit.choose(*names_of(inventory, "commodity", line["commodity"] or "")),
                "firm": visit.choose(*names_of(inventory, "node", line["node"] or "")),
                "value": visit.number(line["result"], inventory.reference(f"line:{line['line']}")),
                "share": visit.number(
                    item["share"], inventory.reference(f"variance:total:{visit.total.id}:{line['line']}")
                ),
            }
        )
    columns = [
        Column("line", visit.text(N_("Line"))),
        Column("rule", visit.text(N_("Source"))),
        Column("commodity", visit.text(N_("Commodity"))),
        Column("firm", visit.text(N_("Firm"))),
        Column("value", visit.text(N_("Value")), visit.unit(visit.total.unit), "number"),
        Column("share", visit.text(N_("Part of the variance")), kind="percent"),
    ]
    caption = visit.text(N_("What the range comes from: the {count} largest lines"), count=LISTED)
    return Table("contributions", caption, columns, rows, source)


def _exact(visit: Visit, inventory: Inventory, source: str) -> Table:
    found = without_range(inventory, visit.total.id).head(LISTED).to_dicts()
    rows: list[Row] = []
    for row in found:
        path = "flows" if row["kind"] == "flow" else "factors"
        kind = visit.text(N_("flow") if row["kind"] == "flow" else N_("factor"))
        rows.append(
            {
                "what": Cell(row["variable"], href=visit.address(f"{path}/{row['variable']}")),
                "kind": kind,
                "share": visit.number(row["share"], inventory.reference(f"rests:{visit.total.id}:{row['variable']}")),
            }
        )
    columns = [
        Column("what", visit.text(N_("Without a range"))),
        Column("kind", visit.text(N_("Kind"))),
        Column("share", visit.text(N_("Part of the total that uses it")), kind="percent"),
    ]
    caption = visit.text(N_("Taken as exact because no range is stated (the {count} largest)"), count=LISTED)
    return Table("exact", caption, columns, rows, source, empty=visit.text(N_("None: every value has a range.")))
