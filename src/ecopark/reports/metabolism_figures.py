"""Pictures of a metabolism with matplotlib, from the same pure data and the same layout as the page's.

`draw_sankey`, `draw_network`, `draw_residuals` and `draw_changes` return a matplotlib figure; `picture` turns it into
a PNG or SVG file, `drawn` into what a Word report places on its page.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from ecopark.metabolism.pictures.sankey import SankeyView
from ecopark.metabolism.pictures.sankey_layout import PlacedNode, SankeyLayout, reverse, sankey_layout
from ecopark.metabolism.pictures.views import NetworkView
from ecopark.palette import colour
from ecopark.reports.figures import (
    CENTIMETRE,
    INK,
    LOCK,
    QUIET,
    DrawnFigure,
    Label,
    paint,
    saved,
    settings_for,
    shorten,
)
from ecopark.reports.fonts import FontChoice, find_chinese_font
from ecopark.translation import N_, translate
from ecopark.units import display

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ecopark.accounting.views import View

POINT = 28.3464566929
"""Points in a centimetre."""
KNOWN = {
    "reconciled": N_("reconciled"),
    "metered": N_("metered or invoiced"),
    "estimated": N_("calculated or estimated (paler, dashed rim)"),
    "implied": N_("by rule: what is burnt, used up, lost (palest, dotted rim)"),
}
OPACITY = {"reconciled": 0.65, "metered": 0.65, "estimated": 0.38, "implied": 0.22}
NODE_COLOURS = {"inside": "#3b444c", "outside": "#9aa3aa"}
_WIDE = 1180.0


def link_colour(group: str) -> str:
    """Return the colour of a group of commodities; grey for several together."""
    return colour("carrier:" + group) if group not in ("", "other", "remainder") else "#8f979e"


def _number(value: float) -> str:
    text = f"{value:,.3g}" if abs(value) < 100 else f"{value:,.0f}"
    return text.replace("-", "\N{MINUS SIGN}")


def _canvas(width: float, height: float, extent: tuple[float, float], font: FontChoice) -> tuple[Figure, Axes]:
    """Return an empty figure of `width` x `height` cm whose drawing units are those of a layout, y downwards."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with settings_for(font):
        figure = Figure(figsize=(width * CENTIMETRE, height * CENTIMETRE))
        FigureCanvasAgg(figure)
        axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
        axes.set_xlim(0.0, extent[0])
        axes.set_ylim(extent[1], 0.0)
        axes.set_axis_off()
    return figure, axes


def _language(language: str, font: FontChoice) -> str:
    return language if font.chinese else "en"


def _safe(name: str, identity: str, font: FontChoice) -> str:
    return name if font.chinese or all(ord(character) <= 0x2E7F for character in name) else identity


def draw_sankey(view: SankeyView, language: str, *, width: float = 16.0, font: FontChoice | None = None) -> Figure:
    """Return the Sankey diagram of a layer, `width` centimetres wide, labelled in `language`.

    Node labels carry the throughput in the layer's unit. Without a Chinese font labels are English or ids. ValueError
    for a view without links.
    """
    if view.empty:
        raise ValueError(f"the layer {view.layer!r} has no flow to draw at the level {view.level!r}")
    font = find_chinese_font() if font is None else font
    language = _language(language, font)
    letters = 6.6 if width < 20 else 8.0
    text = letters * _WIDE / (width * POINT)
    layout = sankey_layout(view, width=_WIDE, text=text, height=620.0)
    groups = view.links["group"].unique(maintain_order=True).to_list()
    legend_rows = (len(groups) + 3) // 4
    below = (legend_rows + 2) * 1.7 * text
    height = width * (layout.height + below) / layout.width
    with LOCK, settings_for(font):
        figure, axes = _canvas(width, height, (layout.width, layout.height + below), font)
        _links(axes, view, layout)
        _nodes(axes, view, layout, language, font, letters)
        _legend(axes, view, groups, language, font, layout.height + 0.4 * text, text, letters, layout.width)
    return figure


def _links(axes: Axes, view: SankeyView, layout: SankeyLayout) -> None:
    from matplotlib.colors import to_rgba
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    for row, link in zip(view.links.iter_rows(named=True), layout.links, strict=True):
        corners: list[tuple[float, float]] = []
        codes: list[Any] = []
        for edge, start in ((link.upper, Path.MOVETO), (reverse(link.lower), Path.LINETO)):
            corners += [(edge[place], edge[place + 1]) for place in range(0, len(edge), 2)]
            codes += [start] + [Path.CURVE4] * (len(edge) // 2 - 1)
        corners.append(corners[0])
        codes.append(Path.CLOSEPOLY)
        shade, known = link_colour(row["group"]), row["known"]
        line = {"estimated": (0, (3.0, 1.6)), "implied": (0, (0.8, 1.4))}.get(known, "solid")
        axes.add_patch(
            PathPatch(Path(corners, codes), facecolor=to_rgba(shade, OPACITY[known]), edgecolor=shade,
                      linewidth=0.0 if known in ("metered", "reconciled") else 0.45, linestyle=line)
        )  # fmt: skip


def _nodes(axes: Axes, view: SankeyView, layout: SankeyLayout, language: str, font: FontChoice, letters: float) -> None:
    from matplotlib.patches import Rectangle

    rows = {row["id"]: row for row in view.nodes.iter_rows(named=True)}
    last = layout.columns - 1
    for node in layout.nodes:
        row = rows[node.id]
        shade = NODE_COLOURS["inside" if row["inside"] else "outside"]
        axes.add_patch(Rectangle((node.x, node.y), node.width, max(0.6, node.height), color=shade, linewidth=0))
        name = _safe(node_label(view, row, language), row["node"], font)
        _label(axes, node, name, _number(row["throughput"]), last, layout, letters)


def node_label(view: SankeyView, row: dict[str, Any], language: str) -> str:
    """Return the name of a node as drawn; where it stands for several, their number."""
    if row["node"].startswith("other:"):
        words = N_("{count} smaller nodes inside") if row["inside"] else N_("{count} smaller nodes outside")
        return translate(words, language, count=row["members"])
    return view.name(row["node"], language)


def _label(
    axes: Axes, node: PlacedNode, name: str, value: str, last: int, layout: SankeyLayout, letters: float
) -> None:
    halo = _halo()
    middle = node.y + node.height / 2
    if node.column in (0, last):
        left = node.column == 0
        x = node.x - 0.5 * layout.text if left else node.x + node.width + 0.5 * layout.text
        axes.text(x, middle, "\n".join(above(name, value, 24)), ha="right" if left else "left", va="center",
                  fontsize=letters, linespacing=1.0, path_effects=halo)  # fmt: skip
        return
    room = max(10, int(layout.spacing / (0.56 * layout.text)))
    axes.text(node.x + node.width / 2, node.y - 0.25 * layout.text, "\n".join(above(name, value, room)), ha="center",
              va="bottom", fontsize=letters, linespacing=0.95, path_effects=halo)  # fmt: skip


def above(name: str, value: str, room: int) -> list[str]:
    """Return the lines of a label of `room` letters: the name is shortened where it must be, the value never."""
    lines = shorten(f"{name}  {value}", room).split("\n")
    return lines if lines[-1].endswith(value) else [shorten(name, room, 1), value]


def _halo() -> list[Any]:
    from matplotlib.patheffects import withStroke

    return [withStroke(linewidth=1.6, foreground="white", alpha=0.85)]


def _legend(
    axes: Axes, view: SankeyView, groups: list[str], language: str, font: FontChoice, top: float, text: float,
    letters: float, width: float,
) -> None:  # fmt: skip
    from matplotlib.patches import Rectangle

    for place, group in enumerate(groups):
        x, y = 0.02 * width + (place % 4) * 0.245 * width, top + (place // 4) * 1.7 * text
        axes.add_patch(Rectangle((x, y), 1.4 * text, 0.9 * text, color=link_colour(group), alpha=0.62, linewidth=0))
        name = translate(N_("other (small flows together)"), language) if group == "other" else _safe(
            view.group_name(group, language), group, font
        )  # fmt: skip
        axes.text(x + 1.9 * text, y + 0.5 * text, shorten(name, 30, 1), va="center", fontsize=letters, color=INK)
    y = top + ((len(groups) + 3) // 4) * 1.7 * text + 0.6 * text
    marks = [translate(KNOWN[known], language) for known in KNOWN if known in view.links["known"].to_list()]
    unit = translate(N_("Values in {unit}"), language, unit=display(view.unit, language))
    axes.text(0.02 * width, y, " · ".join([unit, *marks]), va="center", fontsize=letters, color=QUIET)


def draw_network(view: NetworkView, language: str, *, width: float = 16.0, font: FontChoice | None = None) -> Figure:
    """Return the network on two circles, `width` centimetres wide and high. ValueError for a view without nodes."""
    if not view.nodes:
        raise ValueError(f"the layer {view.layer!r} has no flow to draw at the level {view.level!r}")
    from matplotlib.patches import Circle, PathPatch
    from matplotlib.path import Path

    font = find_chinese_font() if font is None else font
    language = _language(language, font)
    points = width * POINT / view.size
    codes = [Path.MOVETO, Path.CURVE3, Path.CURVE3]
    with LOCK, settings_for(font):
        figure, axes = _canvas(width, width, (view.size, view.size), font)
        for link in reversed(view.links):
            corners = [link.points[0:2], link.points[2:4], link.points[4:6]]
            axes.add_patch(
                PathPatch(Path(corners, codes), fill=False, edgecolor=link_colour(link.group), alpha=0.6,
                          linewidth=max(0.3, link.width * points), capstyle="butt",
                          linestyle="--" if link.value is None else "-")
            )  # fmt: skip
        for node in view.nodes:
            shade = NODE_COLOURS["inside" if node.inside else "outside"]
            axes.add_patch(Circle((node.x, node.y), node.radius, color=shade, linewidth=0))
            zh, en = view.names.get(f"node:{node.node}", ("", ""))
            name = _safe((zh or en if language == "zh" else en or zh) or node.node, node.node, font)
            axes.text(node.x, node.y + node.radius + 3, shorten(name, 24), ha="center", va="top", fontsize=6.2,
                      linespacing=0.95, path_effects=_halo())  # fmt: skip
    return figure


def _plain(_key: str | None, value: float) -> str:
    return _number(value)


def draw_residuals(view: View, language: str, label: Label = _plain, *, width: float = 16.0) -> Figure:
    """Return the ranking of residuals with their 95 % ranges (`views.residual_view`)."""
    return paint(view, language, label, width=width)[0]


def draw_changes(view: View, language: str, label: Label = _plain, *, width: float = 16.0) -> Figure:
    """Return the way from one period's total to another's (`views.change_view`) as a waterfall."""
    return paint(view, language, label, width=width)[0]


def picture(figure: Figure, form: str = "png", *, dpi: int = 220) -> bytes:
    """Return a figure as the content of a file, "png" or "svg"."""
    return saved(figure, form, dpi=dpi)


def drawn(figure: Figure, description: str) -> DrawnFigure:
    """Return a figure as a report places it: PNG, size in centimetres, and the sentence that stands for it."""
    width, height = figure.get_size_inches() / CENTIMETRE
    return DrawnFigure(saved(figure), float(width), float(height), description)


def describe_sankey(view: SankeyView, language: str) -> str:
    """Return the sentence that stands for a Sankey diagram: layer, numbers of nodes and links, and the largest link."""
    layer = view.names.get(f"layer:{view.layer}", (view.layer, view.layer))[0 if language == "zh" else 1]
    if view.empty:
        return translate(N_("Sankey diagram of {layer}: nothing to draw"), language, layer=layer)
    largest = view.links.sort(pl.col("value").abs(), descending=True).row(0, named=True)
    return translate(
        N_("Sankey diagram of {layer}: {nodes} nodes, {links} links; the largest leads from {source} to {target}"),
        language,
        layer=layer,
        nodes=view.nodes["node"].n_unique(),
        links=view.links.height,
        source=view.name(largest["source_node"], language),
        target=view.name(largest["target_node"], language),
    )
