"""The verb balance: what comes in, goes out and stays at every node in a layer, and what does not add up."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from ecopark.commands.accounts import ACTUAL, PARK
from ecopark.commands.calling import AsJson, Boundary, Folder, Lang, Scenario, Year, opened, year_or_default
from ecopark.commands.helping import verb
from ecopark.commands.metabolism import (
    LayerIds,
    Level,
    Month,
    NodeId,
    StationLevel,
    check_call,
    heading,
    layer_name,
    period_text,
    print_remarks,
    say_how_to_explain,
)
from ecopark.translation import N_


def register(app: typer.Typer) -> None:
    """Add the verbs of this module to the command line."""
    verb(
        app,
        "balance",
        balance,
        N_("Draw up balances: what comes in, goes out and stays at every node in a layer, and what does not add up."),
    )


def balance(
    context: typer.Context,
    folder: Folder,
    year: Year = None,
    month: Month = None,
    layer: LayerIds = None,
    node: NodeId = None,
    level: Level = StationLevel.firm,
    monthly: Annotated[bool, typer.Option("--monthly", help=N_("A balance for each month of the year."))] = False,
    boundary: Boundary = PARK,
    scenario: Scenario = ACTUAL,
    as_json: AsJson = False,
    lang: Lang = None,
) -> None:
    """Draw up the balances of a year or month, store them as a run, and print them."""
    from ecopark.commands import balance_tables as tables

    with opened(context, folder, lang, as_json) as (workspace, printer):
        chosen = year_or_default(workspace, printer, year)
        layers = check_call(workspace, chosen, scenario, boundary, layer, node, month)
        resolution: Literal["period", "month"] = "month" if monthly and month is None else "period"
        with printer.working(printer.text(N_("Calculating …"))):
            found = workspace.balance(chosen, month=month, boundary=boundary, scenario=scenario, resolution=resolution)
        if printer.as_json:
            printer.json(tables.balances_data(found, layers, node, level, month))
            return
        when = period_text(chosen, month)
        if layer is None:
            tables.print_all_layers(workspace, found, layers, node, when, printer)
        for one in layers if layer is not None else []:
            title = [layer_name(workspace, one, printer), when, found.run or ""]
            if node is None:
                heading(printer, workspace, printer.text(N_("Balances")), *title)
                tables.print_nodes(found, one, level, printer)
            else:
                heading(printer, workspace, found.name(node, printer.language, "node"), *title)
                tables.print_sheet(found, one, node, printer)
            tables.print_gaps(found, one, node, printer)
        print_remarks(printer, found)
        say_how_to_explain(printer, found, tables.example_key(found, layers[0], node))
