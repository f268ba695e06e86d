"""Sankey and network as parts of a page: shapes with titles and addresses, drawn as SVG by the template."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from ecopark.metabolism.pictures.sankey import SankeyView
from ecopark.metabolism.pictures.sankey_layout import PlacedNode, SankeyLayout, sankey_layout
from ecopark.metabolism.pictures.views import NetworkView, network_view
from ecopark.reports.figures import shorten
from ecopark.reports.metabolism_figures import KNOWN, above, describe_sankey, link_colour, node_label
from ecopark.translation import N_
from ecopark.web.metabolism_selection import LEVEL_NAMES, Look
from ecopark.web.numbers import write_number, write_percent


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture as the template draws it: size, shapes from back to front, legend, what it says in words."""

    id: str
    title: str
    unit: str
    width: float
    height: float
    links: list[dict[str, Any]]
    nodes: list[dict[str, Any]]
    legend: list[dict[str, Any]]
    description: str
    notes: list[str]
    files: Mapping[str, str]

    @property
    def empty(self) -> bool:
        """Whether there is nothing to draw."""
        return not self.nodes


def sankey_picture(look: Look, view: SankeyView) -> Picture:
    """Return a Sankey view placed and labelled for the page."""
    layout = sankey_layout(view)
    visit = look.visit
    links = [
        {
            "d": link.path,
            "colour": link_colour(row["group"]),
            "known": row["known"],
            "title": _link_title(look, view, row),
            "href": look.address(
                "metabolism/flows",
                source=row["source_node"],
                target=row["target_node"],
                group=None if row["grouped"] else row["group"],
            ),
        }
        for row, link in zip(view.links.iter_rows(named=True), layout.links, strict=True)
    ]
    rows = {row["id"]: row for row in view.nodes.iter_rows(named=True)}
    nodes = [_node(look, view, layout, node, rows[node.id]) for node in layout.nodes]
    groups = view.links["group"].unique(maintain_order=True).to_list()
    legend = [{"colour": link_colour(group), "name": _group_name(look, group), "known": "metered"} for group in groups]
    legend += [
        {"colour": "#8f979e", "name": visit.text(KNOWN[known]), "known": known}
        for known in KNOWN
        if known in view.links["known"].to_list()
    ]
    query = {name: value for name, value in look.query.items() if name != "screen"}
    files = {form: visit.address(f"metabolism/sankey.{form}", **query) for form in ("svg", "png")}
    return Picture(
        "sankey",
        visit.text(N_("{layer}: flows between {level}"), layer=look.name(view.layer, "layer"), level=_level(look)),
        visit.unit(view.unit),
        layout.width,
        layout.height,
        links,
        nodes,
        legend,
        describe_sankey(view, visit.language),
        _notes(look, view),
        files,
    )


def _level(look: Look) -> str:
    return look.visit.text(LEVEL_NAMES[look.level])


def _group_name(look: Look, group: str) -> str:
    if group == "other":
        return look.visit.text(N_("other (small flows together)"))
    return group_name(look, group)


def group_name(look: Look, group: str) -> str:
    """Return the name of a group of commodities; the remainder of a balance has one too."""
    if group == "remainder":
        return look.visit.text(N_("remainder of the balance"))
    return look.name(group, "group") or look.visit.text(N_("without a group"))


def _link_title(look: Look, view: SankeyView, row: Mapping[str, Any]) -> str:
    text = look.visit.text
    ends = [view.name(row[end], look.visit.language) for end in ("source_node", "target_node")]
    what = _group_name(look, row["group"])
    if row["grouped"]:
        what = text(N_("other ({count} flows)"), count=row["flows"])
    value = f"{write_number(row['value'])} {look.visit.unit(view.unit)} ({write_percent(row['share'])})"
    return f"{ends[0]} → {ends[1]} · {what}: {value}, {text(KNOWN[row['known']])}"


def _node(
    look: Look, view: SankeyView, layout: SankeyLayout, node: PlacedNode, row: Mapping[str, Any]
) -> dict[str, Any]:
    name = node_label(view, dict(row), look.visit.language)
    unit = look.visit.unit(view.unit)
    title = look.visit.text(
        N_("{node}: in {inflow}, out {outflow} {unit}"),
        node=name,
        inflow=write_number(row["inflow"]),
        outflow=write_number(row["outflow"]),
        unit=unit,
    )
    text = layout.text
    value = _short(row["throughput"])
    if node.column in (0, layout.columns - 1):
        left = node.column == 0
        lines = above(name, value, 24)
        x = node.x - 0.5 * text if left else node.x + node.width + 0.5 * text
        y = node.y + node.height / 2 + 0.35 * text - 0.55 * text * (len(lines) - 1)
        anchor = "end" if left else "start"
    else:
        room = max(10, int(layout.spacing / (0.58 * text)))
        lines = above(name, value, room)
        x, anchor = node.x + node.width / 2, "middle"
        y = node.y - 0.35 * text - 1.1 * text * (len(lines) - 1)
    merged = str(row["node"]).startswith("other:")
    return {
        "x": round(node.x, 1),
        "y": round(node.y, 1),
        "width": node.width,
        "height": round(max(node.height, 0.8), 1),
        "inside": row["inside"],
        "title": title,
        "href": None if merged else look.node_address(row["node"]),
        "node": row["node"],
        "anchor": anchor,
        "lines": [(round(x, 1), round(y + 1.1 * text * place, 1), line) for place, line in enumerate(lines)],
    }


def _short(value: float) -> str:
    return write_number(value, 0) if abs(value) >= 1000 else write_number(float(f"{value:.3g}"))


def _notes(look: Look, view: SankeyView) -> list[str]:
    text, notes = look.visit.text, []
    unit = look.visit.unit(view.unit)
    if view.grouped_flows:
        notes.append(
            text(
                N_("{count} flows, each below {share} of the sum, are drawn together between the same two ends."),
                count=view.grouped_flows,
                share=write_percent(view.smallest_share),
            )
        )
    if view.inside_flows:
        notes.append(
            text(
                N_("Not drawn: {count} flows inside the nodes of this level, {value} {unit}."),
                count=view.inside_flows,
                value=write_number(view.inside_value),
                unit=unit,
            )
        )
    if view.zero_flows:
        notes.append(text(N_("Not drawn: {count} flows of zero (not occurring)."), count=view.zero_flows))
    if bool(view.links["negative"].any()):
        notes.append(text(N_("Flows with a negative amount are drawn by their size; the table shows the sign.")))
    return notes


def network_picture(look: Look, edges: pl.DataFrame) -> tuple[NetworkView, Picture]:
    """Return the network of the layer placed and labelled for the page."""
    visit = look.visit
    unit = visit.unit(look.unit)
    view = network_view(
        edges, layer=look.layer, level=look.level, unit=look.unit, names=look.names(), unmeasured=look.unmeasured()
    )
    links = []
    for link in reversed(view.links):
        p = [f"{number:.1f}" for number in link.points]
        ends = (look.name(link.source), look.name(link.target))
        bare = link.value is None
        value = visit.text(N_("amount not known")) if link.value is None else f"{write_number(link.value)} {unit}"
        links.append(
            {
                "d": f"M{p[0]} {p[1]}Q{p[2]} {p[3]} {p[4]} {p[5]}",
                "colour": link_colour(link.group),
                "width": 1.6 if bare else round(link.width, 1),
                "dashed": bare,
                "title": visit.text(
                    N_("{source} → {target}: {value}, {count} flows"),
                    source=ends[0],
                    target=ends[1],
                    value=value,
                    count=link.flows,
                ),
                "href": look.address("metabolism/flows", source=link.source, target=link.target),
            }
        )
    nodes = []
    for node in view.nodes:
        name = look.name(node.node)
        lines = shorten(name, 24).split("\n")
        top = node.y + node.radius + 14
        nodes.append(
            {
                "x": round(node.x, 1),
                "y": round(node.y, 1),
                "radius": round(node.radius, 1),
                "inside": node.inside,
                "node": node.node,
                "title": f"{name}: {write_number(node.throughput)} {unit}",
                "href": look.node_address(node.node),
                "anchor": "middle",
                "lines": [(round(node.x, 1), round(top + 13 * n, 1), line) for n, line in enumerate(lines)],
            }
        )
    groups = list(dict.fromkeys(link.group for link in view.links))
    legend = [{"colour": link_colour(group), "name": group_name(look, group), "known": "metered"} for group in groups]
    query = dict(look.query)
    files = {form: visit.address(f"metabolism/network.{form}", **query) for form in ("svg", "png")}
    note = visit.text(
        N_(
            "Area of a circle: throughput. Width of a line: sum of its flows, each direction apart. "
            "Colour: its main part. Dashed: no amount is known."
        )
    )
    description = visit.text(N_("Network of {count} nodes and {links} links"), count=len(nodes), links=len(links))
    title = visit.text(N_("{layer}: network of {level}"), layer=look.name(look.layer, "layer"), level=_level(look))
    return view, Picture("network", title, unit, view.size, view.size, links, nodes, legend, description, [note], files)
