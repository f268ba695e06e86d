"""The verb indicators: efficiencies, circularity, symbiosis, cycling, and the water and energy of each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ecopark.commands.accounts import ACTUAL, PARK
from ecopark.commands.calling import AsJson, Boundary, Folder, Lang, Scenario, Year, opened, year_or_default
from ecopark.commands.helping import verb
from ecopark.commands.metabolism import Level, NodeId, StationLevel, all_at_once, check_call
from ecopark.translation import N_

if TYPE_CHECKING:
    from ecopark.metabolism.tracing.cycling import Cycling
    from ecopark.model.problems import Problem
    from ecopark.workspace import Workspace


def register(app: typer.Typer) -> None:
    """Add the verb of this module to the command line."""
    verb(
        app,
        "indicators",
        indicators,
        N_("Show indicators of metabolism: efficiencies, circularity, symbiosis, cycling, water behind energy."),
    )


def indicators(
    context: typer.Context,
    folder: Folder,
    year: Year = None,
    node: NodeId = None,
    indicator: Annotated[
        list[str] | None,
        typer.Option(
            "--indicator",
            metavar="ID",
            help=N_("This indicator for all nodes of --level; may be repeated (else all indicators of one place)."),
            show_default=False,
        ),
    ] = None,
    level: Level = StationLevel.firm,
    boundary: Boundary = PARK,
    scenario: Scenario = ACTUAL,
    as_json: AsJson = False,
    lang: Lang = None,
) -> None:
    """Show the indicators of the boundary or of a node, or some indicators of every node."""
    from ecopark.commands import indicator_tables as tables

    with opened(context, folder, lang, as_json) as (workspace, printer):
        chosen = year_or_default(workspace, printer, year)
        all_at_once(
            lambda: check_call(workspace, chosen, scenario, boundary, None, node),
            lambda: _check_indicators(indicator),
        )
        with printer.working(printer.text(N_("Calculating …"))):
            found = workspace.metabolism_indicators(chosen, boundary=boundary, scenario=scenario)
            nexus = workspace.nexus(chosen, boundary=boundary, scenario=scenario)
            cycled = _cycling(workspace, chosen, boundary, scenario) if node is None and not indicator else []
        balances = workspace.balance(chosen, boundary=boundary, scenario=scenario)
        if printer.as_json:
            printer.json(tables.indicators_data(found, nexus, cycled, node, indicator))
        elif indicator:
            tables.print_by_node(workspace, found, indicator, tables.stations(balances, level.value), printer)
        else:
            tables.print_indicators(workspace, found, nexus, cycled, node, printer)


def _check_indicators(wanted: list[str] | None) -> None:
    from ecopark.metabolism.indicators.indicator_definitions import definitions
    from ecopark.model.problems import InputError, Problem

    known = list(definitions())
    problems = [
        Problem(
            "indicator_unknown",
            f"--indicator {name}",
            N_("There is no indicator “{found}”."),
            N_("Use one of: {known}."),
            {"found": name, "known": ", ".join(known)},
        )
        for name in dict.fromkeys(wanted or ())
        if name not in known
    ]
    if problems:
        raise InputError(problems)


CYCLED = ("mass", "water", "energy", "carbon", "chlorine")
"""Layers whose cycling is shown, where something flows in them."""


def _cycling(
    workspace: Workspace, year: int, boundary: str, scenario: str
) -> list[Cycling | tuple[str, list[Problem]]]:
    """Return the cycling of each layer in which something flows; what only circulates is told instead."""
    from ecopark.model.problems import InputError

    values = workspace.balance(year, boundary=boundary, scenario=scenario).values
    present = set(values["layer"])
    found: list[Cycling | tuple[str, list[Problem]]] = []
    for layer in CYCLED:
        if layer not in present:
            continue
        try:
            found.append(workspace.cycling(year, layer, boundary=boundary, scenario=scenario))
        except InputError as error:
            found.append((layer, error.problems))
    return found
