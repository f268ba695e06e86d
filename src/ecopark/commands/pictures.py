"""The verb sankey: the flows of a layer as a picture (SVG, PNG) or as a list of edges (CSV)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ecopark.commands.accounts import ACTUAL, PARK
from ecopark.commands.calling import (
    AsJson,
    Boundary,
    Folder,
    Lang,
    Scenario,
    Year,
    input_error,
    opened,
    year_or_default,
)
from ecopark.commands.helping import verb
from ecopark.commands.metabolism import LayerId, Level, Month, StationLevel, all_at_once, check_call, layer_name
from ecopark.translation import N_, translate

if TYPE_CHECKING:
    from ecopark.metabolism.balances.balances import Balances
    from ecopark.metabolism.pictures.sankey import SankeyView

ENDINGS = (".svg", ".png", ".csv")
"""How the name of the file ends: pictures, or the list of edges."""


def register(app: typer.Typer) -> None:
    """Add the verb of this module to the command line."""
    verb(
        app,
        "sankey",
        sankey,
        N_("Draw the flows of a layer as a Sankey diagram (.svg, .png), or write its list of edges (.csv)."),
    )


def sankey(
    context: typer.Context,
    folder: Folder,
    layer: LayerId,
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help=N_("File to write: .svg or .png for the picture, .csv for every edge."),
            show_default=False,
        ),
    ],
    year: Year = None,
    month: Month = None,
    level: Level = StationLevel.firm,
    smallest: Annotated[
        float,
        typer.Option(
            "--smallest",
            min=0.0,
            max=100.0,
            help=N_("Links below this share (%) of all flows are put together as “other”; none is dropped."),
        ),
    ] = 0.2,
    width: Annotated[float, typer.Option("--width", min=8.0, max=60.0, help=N_("Width in centimetres."))] = 28.0,
    boundary: Boundary = PARK,
    scenario: Scenario = ACTUAL,
    as_json: AsJson = False,
    lang: Lang = None,
) -> None:
    """Draw the Sankey diagram of a layer, or write its edges."""
    with opened(context, folder, lang, as_json) as (workspace, printer):
        chosen = year_or_default(workspace, printer, year)
        all_at_once(
            lambda: _check_output(output),
            lambda: check_call(workspace, chosen, scenario, boundary, [layer], None, month),
        )
        with printer.working(printer.text(N_("Calculating …"))):
            found = workspace.balance(chosen, month=month, boundary=boundary, scenario=scenario)
            view = sankey_of(found, layer, level, smallest / 100.0)
        name = layer_name(workspace, layer, printer)
        if view.empty and output.suffix.lower() != ".csv":
            raise input_error(
                "nothing_to_draw",
                f"--layer {layer} --level {level}",
                N_("The layer {name} has no flow to draw at the level {level}."),
                N_("Choose another layer or a finer level; `ecopark balance` lists what could not be brought to it."),
                name=name,
                level=str(level),
            )
        data = _write(found, view, layer, level, output, printer.language, width)
        if "edges" in data:
            printer.say(printer.text(N_("Written: {file} ({edges} edges)"), file=data["file"], edges=data["edges"]))
        else:
            printer.say(
                printer.text(
                    N_("Written: {file} ({nodes} nodes, {links} links; {grouped} small flows are drawn together)"),
                    file=data["file"],
                    nodes=data["nodes"],
                    links=data["links"],
                    grouped=data["grouped"],
                )
            )
        settings = {"year": chosen, "month": month, "layer": layer, "level": str(level), "boundary": boundary}
        printer.json({**data, **settings, "scenario": scenario, "unit": view.unit, "run": found.run})


def _check_output(output: Path) -> None:
    if output.suffix.lower() not in ENDINGS:
        raise input_error(
            "picture_ending",
            output.as_posix(),
            N_("This verb writes no file of that kind."),
            N_("Give a name that ends in {known}."),
            known=", ".join(ENDINGS),
        )


def sankey_of(found: Balances, layer: str, level: StationLevel, smallest_share: float) -> SankeyView:
    """Return the Sankey view of a layer of balances."""
    from ecopark.metabolism.pictures.sankey import sankey_view
    from ecopark.metabolism.pictures.views import REMAINDER, boundary_edges

    names = {**found.names, f"group:{REMAINDER}": (translate(N_("Remainder"), "zh"), translate(N_("Remainder"), "en"))}
    return sankey_view(
        boundary_edges(found, layer, level.value), layer=layer, level=level.value, unit=found.layered().unit(layer),
        names=names, smallest_share=smallest_share,
    )  # fmt: skip


def _write(
    found: Balances, view: SankeyView, layer: str, level: StationLevel, output: Path, language: str, width: float
) -> dict[str, Any]:
    """Write the file as a whole and return what is in it."""
    from ecopark.reports.finishing import whole_or_nothing

    ending = output.suffix.lower()
    if ending == ".csv":
        from ecopark.metabolism.pictures.views import boundary_edges, edge_list

        edges = edge_list(boundary_edges(found, layer, level.value), view.unit, found.names)
        with whole_or_nothing(output) as temporary:
            # the mark at the start lets spreadsheets read Chinese names
            temporary.write_bytes(b"\xef\xbb\xbf" + edges.write_csv().encode("utf-8"))
        return {"file": output.as_posix(), "edges": edges.height}
    from ecopark.reports.metabolism_figures import draw_sankey, picture

    content = picture(draw_sankey(view, language, width=width), ending[1:])
    with whole_or_nothing(output) as temporary:
        temporary.write_bytes(content)
    return {
        "file": output.as_posix(), "nodes": view.nodes.height, "links": view.links.height,
        "grouped": view.grouped_flows, "total": view.total,
    }  # fmt: skip
