"""Metabolism: the flows of a layer as Sankey diagram, network, matrix and list, and the page of a node."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from ecopark.metabolism.balances.balance_sheets import rows_at, term_key
from ecopark.metabolism.pictures.sankey import sankey_view
from ecopark.metabolism.pictures.views import residual_view, resource_matrix
from ecopark.metabolism.wording import VERDICT_MEANINGS
from ecopark.translation import N_
from ecopark.web.charts import chart
from ecopark.web.metabolism_pictures import group_name, network_picture, sankey_picture
from ecopark.web.metabolism_selection import Look
from ecopark.web.metabolism_tables import (
    balance_table,
    edge_table,
    gaps_table,
    layer_links,
    link_table,
    look_edges,
    metabolism_page,
    notices,
    unmeasured_table,
    verdict,
)
from ecopark.web.numbers import write_number, write_percent
from ecopark.web.rendering import respond
from ecopark.web.security import Refusal
from ecopark.web.selection import known
from ecopark.web.tables import Cell, Column, Row, Table

if TYPE_CHECKING:
    from collections.abc import Callable

    from matplotlib.figure import Figure

    from ecopark.metabolism.pictures.sankey import SankeyView

router = APIRouter()

SELECTORS = ("year", "month", "boundary", "level", "values", "share", "scenario")
FORMS = {"svg": "image/svg+xml", "png": "image/png"}
NOTHING = N_("There is nothing to draw: no flow of {period} could be brought to the layer {layer}.")
NOTHING_REMEDY = N_("Choose another layer, or add what is missing (page Balances, flows without a value).")
NO_NODE = N_("The record has no node {identity}.")
NO_NODE_REMEDY = N_("Choose a node from the picture or the balances.")


def view_of(look: Look) -> SankeyView:
    """Return the Sankey view of what the address chooses."""
    return sankey_view(
        look_edges(look),
        layer=look.layer,
        level=look.level,
        unit=look.unit,
        names=look.names(),
        smallest_share=look.share,
    )


@router.get("/{language}/metabolism")
def sankey_page(request: Request) -> Response:
    """Answer the Sankey diagram of a layer: who gives how much of what to whom, every flow in it."""
    look = Look.of(request)
    text = look.visit.text
    view = view_of(look)
    tables = [link_table(look, view)] if not view.empty else []
    pictures = [("sankey", sankey_picture(look, view), "links")] if not view.empty else []
    tables += [_groups(look), gaps_table(look)]
    page = metabolism_page(
        look,
        text(N_("Metabolism")),
        "sankey",
        choices=look.choices(*SELECTORS),
        hidden={"layer": look.layer},
        layer_links=layer_links(look, "metabolism"),
        notices=[*notices(look), *_reconciled_notice(look)],
        headline=_headline(look),
        pictures=pictures,
        tables=tables,
        folded=("links", "gaps"),
        remarks=[(remark.severity, remark.text(look.visit.language)) for remark in look.balances.remarks],
    )
    return respond(request, page)


def _reconciled_notice(look: Look) -> list[tuple[str, str, str, str]]:
    from ecopark.web.metabolism_reconciled import reconciled_values

    if look.values == "raw" or reconciled_values(look) is not None:
        return []
    said = look.visit.text(
        N_("The layer {layer} has not been reconciled, so the values as recorded are shown."),
        layer=look.name(look.layer, "layer"),
    )
    link = look.visit.text(N_("See the reconciliation."))
    return [("warn", said, look.address("metabolism/reconciliation"), link)]


def _headline(look: Look) -> list[tuple[str, Cell, str, tuple[str, str] | None]]:
    """Return the balance of the boundary in a few words: name, cell, text, mark."""
    rows = look.balances.of(layer=look.layer, kinds=("boundary",))
    if rows.is_empty():
        return []
    text = look.visit.text
    row = rows.row(0, named=True)
    unit = look.visit.unit(row["unit"])
    heads = {
        "inflow": N_("Into the boundary"),
        "outflow": N_("Out of the boundary"),
        "stock_change": N_("Stock change"),
        "by_rule": N_("Leaves by rule"),
        "remainder": N_("Remainder"),
        "residual": N_("Residual"),
    }
    made: list[tuple[str, Cell, str, tuple[str, str] | None]] = []
    for term, head in heads.items():
        if not row[term] and term not in ("inflow", "outflow", "residual"):
            continue
        cell = look.number(look.balances, row[term], term_key(row, term))
        words = f"{write_number(row[term])} {unit}"
        mark = None
        if term == "residual":
            if row["relative"] is not None:
                words += f" ({write_percent(row['relative'])})"
            said = verdict(look, row["verdict"])
            mark = (said.note, said.mark)
        if term == "remainder" and row["disposition"]:
            words += f" · {look.name(row['disposition'], 'disposition')}"
        made.append((text(head), cell, words, mark))
    missing = row["unknown"] + row["unstated"]
    if missing:
        href = look.address("metabolism/balances") + "#table-gaps"
        made.append((text(N_("Flows without a value")), Cell(missing, href=href), write_number(missing), None))
    return made


def _groups(look: Look) -> Table:
    """Return what crosses the boundary by group of commodities."""
    text = look.visit.text
    edges = look.edges("node").filter(pl.col("source_inside") != pl.col("target_inside"))
    sums = (
        edges.group_by(pl.col("group").fill_null(""))
        .agg(
            pl.col("value").filter(pl.col("target_inside")).sum().alias("inflow"),
            pl.col("value").filter(pl.col("source_inside")).sum().alias("outflow"),
            pl.len().alias("flows"),
        )
        .sort([pl.max_horizontal("inflow", "outflow"), pl.col("group")], descending=[True, False])
    )
    rows: list[Row] = [
        {
            "group": Cell(
                group_name(look, row["group"]), href=look.address("metabolism/flows", group=row["group"] or None)
            ),
            "inflow": row["inflow"],
            "outflow": row["outflow"],
            "flows": row["flows"],
        }
        for row in sums.iter_rows(named=True)
    ]
    unit = look.visit.unit(look.unit)
    columns = [
        Column("group", text(N_("Group"))),
        Column("inflow", text(N_("Into the boundary")), unit, "number"),
        Column("outflow", text(N_("Out of the boundary")), unit, "number"),
        Column("flows", text(N_("Flows")), kind="integer"),
    ]
    caption = text(N_("Over the boundary, by group"))
    return Table("groups", caption, columns, rows, look.source(), empty=text(N_("No flow of this layer.")))


@router.get("/{language}/metabolism/sankey.{form}")
def sankey_file(request: Request, form: str) -> Response:
    """Answer the Sankey diagram as a picture, svg or png."""
    from ecopark.reports.metabolism_figures import draw_sankey

    look = Look.of(request)
    view = view_of(look)
    return _file(look, form, "sankey", view.empty, lambda: draw_sankey(view, look.visit.language, width=24.0))


@router.get("/{language}/metabolism/network.{form}")
def network_file(request: Request, form: str) -> Response:
    """Answer the network as a picture, svg or png."""
    from ecopark.metabolism.pictures.views import network_view
    from ecopark.reports.metabolism_figures import draw_network

    look = Look.of(request)
    edges = look_edges(look)
    view = network_view(
        edges, layer=look.layer, level=look.level, unit=look.unit, names=look.names(), unmeasured=look.unmeasured()
    )
    return _file(look, form, "network", not view.nodes, lambda: draw_network(view, look.visit.language, width=20.0))


def _file(look: Look, form: str, name: str, empty: bool, draw: Callable[[], Figure]) -> Response:
    from ecopark.reports.metabolism_figures import picture

    known("form", form, list(FORMS))
    if empty:
        raise Refusal(404, NOTHING, NOTHING_REMEDY, period=look.period, layer=look.name(look.layer, "layer"))
    file = f"{name}-{look.layer}-{look.period}.{form}"
    headers = {"content-disposition": f'attachment; filename="{file}"'}
    return Response(picture(draw(), form), media_type=FORMS[form], headers=headers)


@router.get("/{language}/metabolism/network")
def network_page(request: Request) -> Response:
    """Answer the network of the layer and the matrix of nodes and resources."""
    look = Look.of(request)
    text = look.visit.text
    edges = look_edges(look)
    view, drawn = network_picture(look, edges)
    taken, taken_shades = _matrix(look, edges, "inflow")
    given, given_shades = _matrix(look, edges, "outflow")
    rows: list[Row] = [
        {
            "source": Cell(look.name(link.source), href=look.node_address(link.source)),
            "target": Cell(look.name(link.target), href=look.node_address(link.target)),
            "value": Cell(link.value, href=look.address("metabolism/flows", source=link.source, target=link.target)),
            "main": group_name(look, link.group),
            "flows": link.flows,
        }
        for link in view.links
        if link.value is not None
    ]
    columns = [
        Column("source", text(N_("From"))),
        Column("target", text(N_("To"))),
        Column("value", text(N_("Value")), look.visit.unit(look.unit), "number"),
        Column("main", text(N_("Main group"))),
        Column("flows", text(N_("Flows")), kind="integer"),
    ]
    pairs = Table("pairs", text(N_("Who exchanges with whom")), columns, rows, look.source())
    page = metabolism_page(
        look,
        text(N_("Network and matrix")),
        "network",
        choices=look.choices("year", "month", "boundary", "level", "values", "scenario"),
        hidden={"layer": look.layer},
        layer_links=layer_links(look, "metabolism/network"),
        notices=notices(look),
        pictures=[] if drawn.empty else [("network", drawn, "pairs")],
        tables=[taken, given, *unmeasured_table(look), pairs],
        heats={"taken": taken_shades, "given": given_shades},
        folded=("pairs",),
    )
    return respond(request, page)


def _matrix(look: Look, edges: pl.DataFrame, side: str) -> tuple[Table, list[dict[str, str]]]:
    """Return what each node takes in (side inflow) or gives off, by group, with the shade of each cell."""
    text = look.visit.text
    found = resource_matrix(edges)
    size = pl.col(side).abs()
    groups = (
        found.group_by("group").agg(size.sum().alias("size")).filter(pl.col("size") > 0.0)
        .sort(["size", "group"], descending=[True, False])["group"].to_list()
    )  # fmt: skip
    cells = {(row["node"], row["group"]): row for row in found.iter_rows(named=True)}
    sums = found.group_by("node").agg(pl.col(side).sum()).filter(pl.col(side) != 0.0)
    nodes = sums.sort([size, pl.col("node")], descending=[True, False])["node"].to_list()
    largest = max((abs(row[side]) for row in cells.values()), default=0.0)
    rows: list[Row] = []
    shades: list[dict[str, str]] = []
    ends = {"inflow": "target", "outflow": "source"}
    for node in nodes:
        row: dict[str, Any] = {"node": Cell(look.name(node), href=look.node_address(node)), "sum": 0.0}
        shade = {}
        for group in groups:
            cell = cells.get((node, group))
            if cell is None or not cell[f"{side}s"]:
                continue
            href = look.address("metabolism/flows", **{ends[side]: node, "group": group or None})
            row[f"g_{group}"] = Cell(cell[side], href=href, text=write_number(cell[side]))
            row["sum"] += cell[side]
            part = abs(cell[side]) / largest if largest else 0.0
            shade[f"g_{group}"] = f"s{1 + sum(part >= step for step in (0.01, 0.08, 0.35))}"
        row["sum"] = Cell(row["sum"], text=write_number(row["sum"]))
        rows.append(row)
        shades.append(shade)
    columns = [Column("node", text(N_("Node")))]
    columns += [Column(f"g_{group}", group_name(look, group), kind="number") for group in groups]
    columns.append(Column("sum", text(N_("Together")), kind="number"))
    words = N_("What each node takes in, by group ({unit})") if side == "inflow" else N_(
        "What each node gives off, by group ({unit})"
    )  # fmt: skip
    note = text(N_("The darker a cell, the larger its part of the largest one: from 1 %, 8 % and 35 %."))
    identity = "taken" if side == "inflow" else "given"
    caption = text(words, unit=look.visit.unit(look.unit))
    return Table(identity, caption, columns, rows, look.source(), note if rows else ""), shades


@router.get("/{language}/metabolism/flows")
def flows_page(request: Request) -> Response:
    """Answer the edge list of the layer: every flow with its value, range, method and share; filtered by the query."""
    look = Look.of(request)
    text = look.visit.text
    edges = look_edges(look)
    said = []
    for column in ("source", "target", "group"):
        wanted = request.query_params.get(column, "")
        if not wanted:
            continue
        options = edges[column].unique().drop_nulls().sort().to_list()
        if column != "group" and wanted.startswith("other:"):
            continue
        known(column, wanted, options)
        edges = edges.filter(pl.col(column) == wanted)
        said.append(group_name(look, wanted) if column == "group" else look.name(wanted))
    caption = text(N_("Edge list: {layer}, {period}"), layer=look.name(look.layer, "layer"), period=look.period)
    if said:
        caption += " · " + " · ".join(said)
    table = edge_table(look, edges, caption)
    total = float(edges["value"].sum())
    headline = [(text(N_("Flows")), Cell(edges.height), write_number(edges.height), None)]
    headline += [
        (text(N_("Sum of the flows")), Cell(total), f"{write_number(total)} {look.visit.unit(look.unit)}", None)
    ]
    reset = [("", text(N_("Only a part of the layer is listed.")), look.address("metabolism/flows"),
              text(N_("List all flows of the layer.")))] if said else []  # fmt: skip
    page = metabolism_page(
        look,
        text(N_("Edge list")),
        "flows",
        choices=look.choices("year", "month", "boundary", "level", "values", "scenario"),
        hidden={"layer": look.layer} | {name: request.query_params.get(name) for name in ("source", "target", "group")},
        layer_links=layer_links(look, "metabolism/flows"),
        notices=[*notices(look), *reset],
        headline=headline,
        tables=[table, *unmeasured_table(look)],
        most=300,
    )
    return respond(request, page)


@router.get("/{language}/metabolism/balances")
def balances_page(request: Request) -> Response:
    """Answer the balance sheet of the layer, the ranking of residuals, and what could not be brought to it."""
    look = Look.of(request)
    text = look.visit.text
    rows = rows_at(look.balances, look.layer, look.level)
    boundary = rows.filter(pl.col("kind") == "boundary")
    nodes = rows.filter(pl.col("kind") != "boundary")
    layer = look.name(look.layer, "layer")
    ranked = nodes.filter(pl.col("residual") != 0.0).with_columns(
        pl.format("residual:{}:{}:{}", "layer", "period_start", "node").alias("key")
    )
    view = residual_view(ranked, look.unit, look.names())
    charts = [] if view.empty else [
        chart(view, look.visit.language, look.source(), look.visit.link_in(look.balances))  # type: ignore[arg-type]
    ]  # fmt: skip
    counted = nodes.group_by("verdict").len().sort(["len", "verdict"], descending=[True, False])
    headline: list[tuple[str, Cell, str, tuple[str, str] | None]] = []
    for code, count in counted.iter_rows():
        said = verdict(look, code)
        meaning = text(VERDICT_MEANINGS.get(code, ""))
        words = text(N_("{count} balances: {meaning}"), count=count, meaning=meaning)
        headline.append((said.note, Cell(count), words, None))
    tables = [
        balance_table(look, boundary, text(N_("The boundary: {layer}"), layer=layer), "boundary"),
        balance_table(look, nodes, text(N_("Balance sheet: {layer}, most significant first"), layer=layer), "balances"),
        _all_layers(look),
        gaps_table(look),
    ]
    page = metabolism_page(
        look,
        text(N_("Balances")),
        "balances",
        choices=look.choices("year", "month", "boundary", "level", "scenario"),
        hidden={"layer": look.layer},
        layer_links=layer_links(look, "metabolism/balances"),
        introduction=text(
            N_(
                "Residual = inflow − outflow − stock change − what leaves by rule − remainder. A balance does not "
                "close where its residual is larger than 1.96 of its standard deviations; without a stated range it "
                "cannot be judged."
            )
        ),
        notices=notices(look),
        headline=headline,
        charts=charts,
        tables=tables,
    )
    return respond(request, page)


def _all_layers(look: Look) -> Table:
    rows = look.balances.rows.filter(pl.col("kind") == "boundary")
    caption = look.visit.text(N_("The boundary in every layer"))
    return balance_table(look, rows, caption, "layers", by="layer")


@router.get("/{language}/metabolism/node/{identity:path}")
def node_page(request: Request, identity: str) -> Response:
    """Answer one node: its balance in every layer, its flows in and out in the chosen one, its parts."""
    from ecopark.web.metabolism_node import node_parts

    look = Look.of(request)
    text = look.visit.text
    nodes = look.balances.nodes
    found = nodes.filter(pl.col("node") == identity)
    if found.is_empty():
        raise Refusal(404, NO_NODE, NO_NODE_REMEDY, identity=identity)
    row = found.row(0, named=True)
    page = metabolism_page(
        look,
        look.name(identity),
        "",
        choices=look.choices("year", "month", "boundary", "scenario"),
        hidden={"layer": look.layer},
        layer_links=layer_links(look, f"metabolism/node/{identity}"),
        **node_parts(look, row),
    )
    del text
    return respond(request, page)
