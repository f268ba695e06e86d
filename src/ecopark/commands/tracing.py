"""Verbs that follow things through the network: trace (where from, where to) and embodied (what stands behind what)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

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
    near,
    opened,
    year_or_default,
)
from ecopark.commands.helping import verb
from ecopark.commands.metabolism import (
    LayerId,
    Level,
    Month,
    Most,
    NodeId,
    StationLevel,
    all_at_once,
    check_call,
)
from ecopark.translation import N_

if TYPE_CHECKING:
    from ecopark.workspace import Workspace

CommodityId = Annotated[str | None, typer.Option("--commodity", help=N_("Id of a commodity."), show_default=False)]
EMBODIED = ("carbon", "energy", "water", "money")
"""Layers whose burdens are traced through what is made and passed on."""


def register(app: typer.Typer) -> None:
    """Add the verbs of this module to the command line."""
    verb(
        app,
        "trace",
        trace,
        N_("Trace a stream, node or commodity in a layer: where it comes from, or where it goes, in shares of one."),
    )
    verb(
        app,
        "embodied",
        embodied,
        N_("Show the carbon, energy, water and money embodied in what each node makes, and each firm's share."),
    )


def trace(
    context: typer.Context,
    folder: Folder,
    layer: LayerId,
    commodity: CommodityId = None,
    stream: Annotated[str | None, typer.Option("--stream", help=N_("Id of a stream."), show_default=False)] = None,
    node: Annotated[
        str | None,
        typer.Option("--node", help=N_("Id of a node, inside or outside (such as a river)."), show_default=False),
    ] = None,
    downstream: Annotated[
        bool, typer.Option("--downstream", help=N_("Where it goes (else: where it comes from)."))
    ] = False,
    paths: Annotated[int, typer.Option("--paths", min=0, help=N_("How many of the largest paths to print."))] = 5,
    year: Year = None,
    month: Month = None,
    level: Annotated[
        StationLevel | None,
        typer.Option(
            "--level",
            help=N_("Level of the nodes that pass things on (else that of --node, or every node for itself)."),
            show_default=False,
        ),
    ] = None,
    most: Most = 20,
    boundary: Boundary = PARK,
    scenario: Scenario = ACTUAL,
    as_json: AsJson = False,
    lang: Lang = None,
) -> None:
    """Trace a stream, node or commodity through a layer, upstream or downstream."""
    from ecopark.commands import tracing_tables as tables

    with opened(context, folder, lang, as_json) as (workspace, printer):
        chosen = year_or_default(workspace, printer, year)
        all_at_once(
            lambda: check_call(workspace, chosen, scenario, boundary, [layer], None, month),
            lambda: _check_target(workspace, stream, node, commodity),
        )
        with printer.working(printer.text(N_("Calculating …"))):
            found = workspace.follow(
                chosen,
                layer,
                "downstream" if downstream else "upstream",
                stream=stream,
                node=node,
                commodity=commodity,
                level=(level or _level_of(workspace, node)).value,
                paths=paths,
                month=month,
                boundary=boundary,
                scenario=scenario,
            )
        printer.json(tables.pathways_data(found))
        if not printer.as_json:
            tables.print_pathways(workspace, found, most, printer)


def _level_of(workspace: Workspace, node: str | None) -> StationLevel:
    """Return the level at which a node stands for itself and all below it; the finest without one."""
    kinds = dict(workspace.record.nodes.select("id", "kind").iter_rows())
    kind = kinds.get(node) if node is not None else None
    return StationLevel(kind) if kind in ("park", "zone", "firm", "process") else StationLevel.node


def _check_target(workspace: Workspace, stream: str | None, node: str | None, commodity: str | None) -> None:
    """Raise InputError where nothing is to be traced, or what is asked for is not in the record."""
    record = workspace.record
    if stream is None and node is None and commodity is None:
        raise input_error(
            "pathway_target",
            "trace",
            N_("It is not said what is to be traced."),
            N_("Name one with --stream, --node or --commodity (a node's commodity with both)."),
        )
    if stream is not None and (node is not None or commodity is not None):
        raise input_error(
            "pathway_targets",
            f"--stream {stream}",
            N_("A stream has its node and commodity already."),
            N_("Give --stream alone, or --node with --commodity."),
        )
    checks = (
        ("--stream", stream, record.streams["id"], N_("The record has no stream {name}.")),
        ("--node", node, record.nodes["id"], N_("The record has no node {name}.")),
        ("--commodity", commodity, record.streams["commodity"].unique(), N_("No stream carries {name}.")),
    )

    def check(option: str, name: str | None, known: list[str], cause: str) -> None:
        if name is not None and name not in known:
            raise input_error(
                "trace_unknown",
                f"{option} {name}",
                cause,
                N_("Did you mean {near}?"),
                name=name,
                near=near(name, sorted(known)),
            )

    all_at_once(*(lambda one=one: check(one[0], one[1], one[2].to_list(), one[3]) for one in checks))


def embodied(
    context: typer.Context,
    folder: Folder,
    layer: Annotated[
        str, typer.Option("--layer", help=N_("What is embodied: carbon (in CO2 equivalents), energy, water or money."))
    ] = "carbon",
    node: NodeId = None,
    commodity: CommodityId = None,
    year: Year = None,
    level: Level = StationLevel.firm,
    most: Most = 20,
    boundary: Boundary = PARK,
    scenario: Scenario = ACTUAL,
    as_json: AsJson = False,
    lang: Lang = None,
) -> None:
    """Show what is embodied in what nodes make; with --node and --commodity, where that comes from."""
    from ecopark.commands import tracing_tables as tables

    with opened(context, folder, lang, as_json) as (workspace, printer):
        chosen = year_or_default(workspace, printer, year)
        all_at_once(
            lambda: check_call(workspace, chosen, scenario, boundary, None, node),
            lambda: _check_embodied(layer),
        )
        with printer.working(printer.text(N_("Calculating …"))):
            found = workspace.trace(chosen, boundary=boundary, scenario=scenario, level=level.value)
        printer.json(tables.trace_data(found, layer, node, commodity))
        if not printer.as_json:
            tables.print_trace(workspace, found, layer, node, commodity, most, printer)


def _check_embodied(layer: str) -> None:
    if layer not in EMBODIED:
        raise input_error(
            "layer_not_embodied",
            f"--layer {layer}",
            N_("Nothing is traced as embodied in the layer {name}."),
            N_("Use one of: {known}. A substance is followed with `ecopark trace`."),
            name=layer,
            known=", ".join(EMBODIED),
        )
