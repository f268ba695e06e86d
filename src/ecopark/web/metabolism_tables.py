"""Tables of Metabolism that several of its pages show: links, edges, balances, gaps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import polars as pl

from ecopark.metabolism.balances.balance_sheets import TERMS, gaps_of, term_key
from ecopark.metabolism.pictures.views import REMAINDER, boundary_edges, edge_list, with_values
from ecopark.metabolism.wording import GAP_REASONS, GAP_REMEDIES, VERDICTS
from ecopark.reports.metabolism_figures import KNOWN, node_label
from ecopark.translation import N_
from ecopark.web import wording
from ecopark.web.metabolism_pictures import group_name
from ecopark.web.metabolism_selection import Look
from ecopark.web.numbers import write_number
from ecopark.web.rendering import Page
from ecopark.web.tables import Cell, Column, Row, Table

if TYPE_CHECKING:
    from ecopark.metabolism.pictures.sankey import SankeyView

ROOM = "metabolism"
SHOWN = 40
"""Rows of a table that a page shows; its twins hold all."""
MARKS: Mapping[str, str] = {"closed": "good", "open": "bad", "incomplete": "warn", "one_sided": "warn"}
"""Verdict of a balance -> how it is marked; any other is plain."""


def metabolism_page(look: Look, title: str, tab: str, **parts: Any) -> Page:
    """Return a page of the room; `parts` fill the template (see metabolism_page.html), tables and charts the page."""
    data: dict[str, Any] = {
        "choices": [],
        "hidden": {},
        "layer_links": [],
        "introduction": "",
        "notices": [],
        "headline": [],
        "pictures": [],
        "heats": {},
        "folded": (),
        "remarks": [],
        "source": look.source(),
    }
    page = {name: parts.pop(name) for name in ("tables", "charts", "content") if name in parts}
    most = parts.pop("most", SHOWN)
    data["shorter"] = {table.id: _shorter(look, table, most) for table in page.get("tables", ())}
    return Page("metabolism_page.html", title, ROOM, tab, data=data | parts, **page)


def nothing_table(look: Look) -> Table:
    """Return an empty table, so that a page without a result has its twins too."""
    text = look.visit.text
    return Table("nothing", text(N_("No result")), look.visit.columns({"what": N_("What is missing")}), [])


def _shorter(look: Look, table: Table, most: int) -> Table:
    """Return a table with its first rows only, saying so; the twins hold all of them."""
    if len(table.rows) <= most:
        return table
    words = N_("The first {shown} of {count} rows; the CSV and JSON files hold all.")
    said = look.visit.text(words, shown=most, count=len(table.rows))
    last = [table.rows[place] for place in sorted(table.totals)]
    rows = [*table.rows[:most], *last]
    totals = frozenset(range(most, len(rows)))
    return replace(table, rows=rows, totals=totals, note=f"{table.note} {said}".strip())


def layer_links(look: Look, path: str) -> list[tuple[str, str, bool, bool]]:
    """Return the layers as links to this page: name, address, whether it is shown, whether it has flows."""
    return [
        (look.name(layer, "layer"), look.address(path, layer=layer), layer == look.layer, layer in look.filled)
        for layer in look.balances.layers["id"]
    ]


def notices(look: Look) -> list[tuple[str, str, str, str]]:
    """Return what must be said before anything else: an empty layer, with the way to mend it."""
    text = look.visit.text
    if look.balances.edges.is_empty():
        said = text(N_("The record has no flows in {period} inside this boundary."), period=look.period)
        return [("warn", said, look.visit.address("reports"), text(N_("Import data, or choose another year.")))]
    if look.layer not in look.filled:
        held = ", ".join(look.name(layer, "layer") for layer in look.filled) or "–"
        said = text(
            N_("No flow of {period} could be brought to the layer {layer}. Layers with flows: {held}."),
            period=look.period,
            layer=look.name(look.layer, "layer"),
            held=held,
        )
        return [("warn", said, look.address("metabolism/balances") + "#table-gaps", text(N_("See what is missing.")))]
    return []


def link_table(look: Look, view: SankeyView) -> Table:
    """Return the links of a Sankey view, those put together included; the values add up to the sum of the flows."""
    rows: list[Row] = []
    edges = {row["edge"]: row for row in look_edges(look).iter_rows(named=True)}
    for row in view.links.iter_rows(named=True):
        single = edges.get(row["edges"][0]) if row["flows"] == 1 and look.values == "raw" else None
        href = look.address(
            "metabolism/flows",
            source=row["source_node"],
            target=row["target_node"],
            group=None if row["grouped"] else row["group"],
        )
        value = Cell(row["value"], href=href)
        if single is not None:
            value = look.number(look.balances, row["value"], single["key"])
        group = look.visit.text(N_("other (small flows together)")) if row["group"] == "other" else None
        rows.append(
            {
                "source": _end(look, view, row["source"], row["source_node"]),
                "target": _end(look, view, row["target"], row["target_node"]),
                "group": group or group_name(look, row["group"]),
                "value": value,
                "share": row["share"],
                "flows": Cell(row["flows"], href=href),
                "known": look.visit.text(KNOWN[row["known"]]),
                "source_id": row["source_node"],
                "target_id": row["target_node"],
                "group_id": row["group"],
            }
        )
    text, unit = look.visit.text, look.visit.unit(view.unit)
    rows.append({"source": text(N_("Sum of the links")), "value": view.total, "flows": int(view.links["flows"].sum())})
    columns = [
        Column("source", text(N_("From"))),
        Column("target", text(N_("To"))),
        Column("group", text(N_("Group"))),
        Column("value", text(N_("Value")), unit, "number"),
        Column("share", text(N_("Share of the sum")), kind="percent"),
        Column("flows", text(N_("Flows")), kind="integer"),
        Column("known", text(N_("How it is known"))),
        Column("source_id", text(N_("Id of the source")), hidden=True),
        Column("target_id", text(N_("Id of the target")), hidden=True),
        Column("group_id", text(N_("Id of the group")), hidden=True),
    ]
    caption = text(N_("Links of the picture"))
    totals = frozenset({len(rows) - 1})
    return Table("links", caption, columns, rows, look.source(), totals=totals)


def _end(look: Look, view: SankeyView, drawn: str, node: str) -> Cell:
    row = view.nodes.filter(pl.col("id") == drawn).row(0, named=True)
    name = node_label(view, row, look.visit.language)
    return Cell(name, href=None if node.startswith("other:") else look.node_address(node))


def look_edges(look: Look) -> pl.DataFrame:
    """Return the edges that the pictures show: with the balances' remainders where the level is that of firms."""
    from ecopark.web.metabolism_reconciled import reconciled_values

    if look.values == "raw":
        return boundary_edges(look.balances, look.layer, look.level)
    values = reconciled_values(look)
    if values is None:
        return boundary_edges(look.balances, look.layer, look.level)
    # the remainders belong to the values as recorded
    return with_values(look.edges(), values)


def unmeasured_table(look: Look) -> list[Table]:
    """Return the links whose amount nobody knows, with notation and evidence; no table where there are none."""
    text = look.visit.text
    found = look.unmeasured()
    if found.is_empty():
        return []
    record = look.visit.session.workspace.record
    titles = dict(record.evidence.select("id", "title").iter_rows())
    notes = {row["id"]: row for row in record.flows.select("id", "evidence").iter_rows(named=True)}
    rows: list[Row] = []
    for row in found.iter_rows(named=True):
        behind = notes.get(row["flow"], {})
        rows.append(
            {
                "stream": Cell(row["stream"], href=look.visit.address(f"streams/{row['stream']}")),
                "source": Cell(look.name(row["source"]), href=look.node_address(row["source"])),
                "target": Cell(look.name(row["target"]), href=look.node_address(row["target"])),
                "commodity": look.name(row["commodity"], "commodity"),
                "notation": wording.notation(look.visit, row["notation"]),
                "evidence": titles.get(behind.get("evidence"), "") or "",
            }
        )
    columns = [
        Column("stream", text(N_("Stream"))),
        Column("source", text(N_("From"))),
        Column("target", text(N_("To"))),
        Column("commodity", text(N_("Commodity"))),
        Column("notation", text(N_("Amount"))),
        Column("evidence", text(N_("Evidence"))),
    ]
    return [Table("unmeasured", text(N_("Links whose amount is not known")), columns, rows, look.source())]


def edge_table(look: Look, edges: pl.DataFrame, caption: str, identity: str = "edges") -> Table:
    """Return edges as a list, largest first: names in both languages in the twins, each value with its explanation."""
    text, unit, language = look.visit.text, look.visit.unit(look.unit), look.visit.language
    keys = dict(edges.select("edge", "key").iter_rows())
    rows: list[Row] = []
    for row in edge_list(edges, look.unit, look.names()).iter_rows(named=True):
        raw = row["method"] != "reconciled"
        remainder = row["commodity"] == REMAINDER
        goods = group_name(look, REMAINDER) if remainder else row[f"commodity_{language}"]
        value = look.number(look.balances, row["value"], keys[row["edge"]]) if raw else Cell(row["value"])
        rows.append(
            {
                "stream": Cell(
                    row["stream"],
                    href=None if row["known"] == "implied" else look.visit.address(f"streams/{row['stream']}"),
                ),
                "source": Cell(row[f"source_{language}"], href=look.node_address(row["source"])),
                "target": Cell(row[f"target_{language}"], href=look.node_address(row["target"])),
                "commodity": goods,
                "value": value,
                "sd": row["sd"],
                "share": row["share"],
                "method": wording.method(look.visit, row["method"]),
                "known": text(KNOWN[row["known"]]),
                "unit": row["unit"],
                "group": row["group"],
            }
            | {f"{end}_id": row[end] for end in ("source", "target", "commodity")}
            | {f"{end}_{one}": row[f"{end}_{one}"] for end in ("source", "target", "commodity") for one in ("zh", "en")}
        )
    columns = [
        Column("stream", text(N_("Stream"))),
        Column("source", text(N_("From"))),
        Column("target", text(N_("To"))),
        Column("commodity", text(N_("Commodity"))),
        Column("value", text(N_("Value")), unit, "number"),
        Column("sd", text(N_("Standard deviation")), unit, "number"),
        Column("share", text(N_("Share of the sum")), kind="percent"),
        Column("method", text(N_("How it is known"))),
        Column("known", text(N_("Drawn as")), hidden=True),
        Column("unit", text(N_("Unit")), hidden=True),
        Column("group", text(N_("Id of the group")), hidden=True),
        Column("source_id", text(N_("Id of the source")), hidden=True),
        Column("target_id", text(N_("Id of the target")), hidden=True),
        Column("commodity_id", text(N_("Id of the commodity")), hidden=True),
        Column("source_zh", text(N_("From (Chinese)")), hidden=True),
        Column("source_en", text(N_("From (English)")), hidden=True),
        Column("target_zh", text(N_("To (Chinese)")), hidden=True),
        Column("target_en", text(N_("To (English)")), hidden=True),
        Column("commodity_zh", text(N_("Commodity (Chinese)")), hidden=True),
        Column("commodity_en", text(N_("Commodity (English)")), hidden=True),
    ]
    return Table(identity, caption, columns, rows, look.source(), empty=text(N_("No flow of this layer.")))


def verdict(look: Look, code: str) -> Cell:
    """Return what is said of a balance, marked by colour and word."""
    return Cell(code, text="", note=look.visit.text(VERDICTS.get(code, code)), mark=MARKS.get(code, "plain"))


def balance_table(look: Look, rows: pl.DataFrame, caption: str, identity: str, *, by: str = "node") -> Table:
    """Return balances, one a row, each number with its explanation; `by` says what a row stands for: node or layer."""
    text = look.visit.text
    made: list[Row] = []
    for row in rows.iter_rows(named=True):
        numbers = {term: look.number(look.balances, row[term], term_key(row, term)) for term in TERMS}
        named: dict[str, Cell | str] = {"node": Cell(look.name(row["node"]), href=_balance_address(look, row["node"]))}
        if by == "layer":
            named = {
                "layer": Cell(look.name(row["layer"], "layer"), href=look.address("metabolism", layer=row["layer"]))
            }
        rest = {"disposition": look.name(row["disposition"], "disposition") if row["disposition"] else ""}
        made.append(
            named
            | numbers
            | rest
            | {
                "unit": look.visit.unit(row["unit"]),
                "sd": row["sd"],
                "relative": row["relative"],
                "significance": row["significance"],
                "verdict": verdict(look, row["verdict"]),
                "unknown": row["unknown"] + row["unstated"],
                "id": row["node"],
            }
        )
    unit = look.visit.unit(look.unit) if by == "node" else ""
    columns = [
        Column("layer", text(N_("Layer"))) if by == "layer" else Column("node", text(N_("Node"))),
        *([Column("unit", text(N_("Unit")))] if by == "layer" else []),
        Column("inflow", text(N_("Inflow")), unit, "number"),
        Column("outflow", text(N_("Outflow")), unit, "number"),
        Column("stock_change", text(N_("Stock change")), unit, "number", hidden=_blank(rows, "stock_change")),
        Column("by_rule", text(N_("Leaves by rule")), unit, "number", hidden=_blank(rows, "by_rule")),
        Column("remainder", text(N_("Remainder")), unit, "number", hidden=_blank(rows, "remainder")),
        Column("disposition", text(N_("Remainder is")), hidden=_blank(rows, "remainder")),
        Column("residual", text(N_("Residual")), unit, "number"),
        Column("sd", text(N_("Standard deviation")), unit, "number"),
        Column("relative", text(N_("Relative residual")), kind="percent"),
        Column("significance", text(N_("Significance (deviations)")), kind="number", places=1),
        Column("verdict", text(N_("Verdict"))),
        Column("unknown", text(N_("Flows without a value")), kind="integer"),
        Column("id", text(N_("Id")), hidden=True),
    ]
    if by == "layer":
        made = [_own_places(row) for row in made]
    return Table(identity, caption, columns, made, look.source(), empty=text(N_("No balance in this layer.")))


def _blank(rows: pl.DataFrame, column: str) -> bool:
    """Whether a term is zero in every row: the page then leaves its column out, the twins keep it."""
    return not bool((rows[column].fill_null(0.0) != 0.0).any())


def _own_places(row: Row) -> Row:
    """Let each number of a row have the decimals that suit it: the rows have different units."""
    return {
        name: replace(cell, text=write_number(cell.value))
        if isinstance(cell, Cell) and isinstance(cell.value, float) and cell.text is None
        else Cell(cell, text=write_number(cell))
        if name == "sd" and isinstance(cell, float)
        else cell
        for name, cell in row.items()
    }


def _balance_address(look: Look, node: str) -> str:
    return look.address("metabolism") if node.startswith("boundary:") else look.node_address(node)


def gaps_table(look: Look, node: str | None = None) -> Table:
    """Return what could not be brought to the layer (at a node's border, or anywhere), why, and how to mend it."""
    text = look.visit.text
    rows: list[Row] = []
    for row in gaps_of(look.balances, look.layer, node).iter_rows(named=True):
        values = {
            "quantity": look.name(row["quantity"], "symbol"),
            "commodity": look.name(row["commodity"], "commodity"),
        }
        first = row["streams"][0]
        rows.append(
            {
                "commodity": values["commodity"],
                "reason": text(GAP_REASONS[row["reason"]]),
                "quantity": values["quantity"] if row["quantity"] else "",
                "flows": row["flows"],
                "stream": Cell(first, href=look.visit.address(f"streams/{first}") if first else None),
                "streams": "; ".join(stream for stream in row["streams"] if stream),
                "remedy": text(GAP_REMEDIES[row["reason"]], **values),
            }
        )
    heads = {
        "commodity": N_("Commodity"),
        "reason": N_("Why it has no value"),
        "quantity": N_("What is missing"),
        "flows": N_("Flows"),
        "stream": N_("First stream"),
        "remedy": N_("How to mend it"),
    }
    columns = [Column(name, text(head), kind="integer" if name == "flows" else "text") for name, head in heads.items()]
    columns.append(Column("streams", text(N_("Streams")), hidden=True))
    caption = text(N_("Could not be brought to the layer {layer}"), layer=look.name(look.layer, "layer"))
    empty = text(N_("Every flow that belongs to this layer has a value in it."))
    return Table("gaps", caption, columns, rows, look.source(), empty=empty)
