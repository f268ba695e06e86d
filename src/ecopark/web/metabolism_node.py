"""The page of a node in Metabolism: where it stands, its balances, its flows, its own little Sankey, its indicators."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from ecopark.metabolism.pictures.views import edge_frame
from ecopark.translation import N_
from ecopark.web.metabolism_selection import Look
from ecopark.web.metabolism_tables import balance_table, edge_table, gaps_table, notices
from ecopark.web.tables import Cell, Table

KINDS = {
    "park": N_("park"),
    "zone": N_("zone"),
    "firm": N_("firm"),
    "process": N_("process"),
    "equipment": N_("equipment"),
    "store": N_("store"),
    "market": N_("outside market"),
    "environment": N_("environment"),
}


def node_parts(look: Look, row: Mapping[str, Any]) -> dict[str, Any]:
    """Return what fills the page of the node of `row` (of `Balances.nodes`)."""
    text, node = look.visit.text, row["node"]
    layer = look.name(look.layer, "layer")
    members = look.balances.members(node).implode()
    edges = edge_frame(look.layered, look.layer)
    enters = pl.col("target").is_in(members) & ~pl.col("source").is_in(members)
    leaves = pl.col("source").is_in(members) & ~pl.col("target").is_in(members)
    tables: list[Table] = []
    own = look.balances.of(node=node)
    said = list(notices(look))
    if row["outside"]:
        words = N_("A node outside every boundary: it supplies and takes, and is not balanced.")
        said.append(("", text(words), "", ""))
    else:
        tables.append(balance_table(look, own, text(N_("Balance in every layer")), "node-layers", by="layer"))
    tables += [
        edge_table(look, edges.filter(enters), text(N_("Flows in: {layer}"), layer=layer), "inflows"),
        edge_table(look, edges.filter(leaves), text(N_("Flows out: {layer}"), layer=layer), "outflows"),
    ]
    children = look.balances.nodes.filter(pl.col("parent") == node)["node"].implode()
    parts = look.balances.of(layer=look.layer).filter(pl.col("node").is_in(children))
    if parts.height:
        tables.append(balance_table(look, parts, text(N_("Its parts: {layer}"), layer=layer), "parts"))
    from ecopark.web.metabolism_results import node_indicators

    tables += node_indicators(look, node)
    tables.append(gaps_table(look, node))
    return {"tables": tables, "notices": said, "headline": _place(look, row), "folded": ("gaps",)}


def _place(look: Look, row: Mapping[str, Any]) -> list[tuple[str, Cell, str, None]]:
    text = look.visit.text
    made: list[tuple[str, Cell, str, None]] = []
    kind = text(KINDS[row["kind"]]) if row["kind"] in KINDS else row["kind"]
    made.append((text(N_("Kind")), Cell(row["kind"]), kind, None))
    for column, head in (("parent", N_("Part of")), ("firm", N_("Firm"))):
        other = row[column]
        if other and other != row["node"]:
            made.append((text(head), Cell(other, href=look.node_address(other)), look.name(other), None))
    views = look.address("metabolism/trace", firm=row["firm"]) if row["inside"] else None
    if views:
        words = text(N_("what is embodied, and where it comes from"))
        made.append((text(N_("Tracing")), Cell("", href=views), words, None))
    return made
