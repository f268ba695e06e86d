"""Verbs on metabolism over time: changes between two years (with the causes of a rise), and the trend over years."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ecopark.commands.accounts import ACTUAL, PARK
from ecopark.commands.calling import AsJson, Boundary, Folder, Lang, Scenario, Year, input_error, opened
from ecopark.commands.helping import verb
from ecopark.commands.metabolism import (
    LayerId,
    Level,
    Most,
    NodeId,
    StationLevel,
    all_at_once,
    check_boundary,
    check_flows_of,
    check_node_if_possible,
    layers_called,
)
from ecopark.translation import N_

if TYPE_CHECKING:
    from ecopark.workspace import Workspace


def register(app: typer.Typer) -> None:
    """Add the verbs of this module to the command line."""
    verb(
        app,
        "changes",
        changes,
        N_("Show what changed in a layer between two years, which few streams explain it, and why a pollutant rose."),
    )
    verb(app, "trend", trend, N_("Show what goes in and out of the nodes in a layer, year by year or month by month."))


def changes(
    context: typer.Context,
    folder: Folder,
    layer: LayerId,
    first: Annotated[
        int | None, typer.Option("--from", help=N_("The earlier year (else the last but one)."), show_default=False)
    ] = None,
    second: Annotated[
        int | None, typer.Option("--to", help=N_("The later year (else the last)."), show_default=False)
    ] = None,
    node: NodeId = None,
    rise: Annotated[
        str | None,
        typer.Option(
            "--rise-in",
            metavar="ID",
            help=N_("Name the likeliest causes of a rise in this stream or at this node, such as an outfall."),
            show_default=False,
        ),
    ] = None,
    level: Level = StationLevel.firm,
    most: Most = 20,
    boundary: Boundary = PARK,
    scenario: Scenario = ACTUAL,
    as_json: AsJson = False,
    lang: Lang = None,
) -> None:
    """Show what changed between two years in a layer, and what explains most of it."""
    from ecopark.commands import change_tables as tables

    with opened(context, folder, lang, as_json) as (workspace, printer):
        earlier, later = _years(workspace, first, second)
        all_at_once(
            lambda: check_flows_of(workspace, earlier, None, scenario),
            lambda: check_flows_of(workspace, later, None, scenario) if later != earlier else None,
            lambda: check_boundary(workspace, boundary),
            lambda: layers_called(workspace, [layer]),
            lambda: check_node_if_possible(workspace, node, boundary),
        )
        if rise is not None:
            with printer.working(printer.text(N_("Calculating …"))):
                causes = workspace.causes(earlier, later, layer, rise, boundary=boundary, scenario=scenario)
            printer.json(tables.causes_data(causes))
            if not printer.as_json:
                tables.print_causes(workspace, causes, most, printer)
            return
        with printer.working(printer.text(N_("Calculating …"))):
            found = workspace.changes(
                earlier, later, layer, node=node or "", boundary=boundary, scenario=scenario, level=level.value
            )
        printer.json(tables.change_data(found))
        if not printer.as_json:
            tables.print_change(workspace, found, most, printer)


def _years(workspace: Workspace, first: int | None, second: int | None) -> tuple[int, int]:
    """Return the two years to compare: those given, else the last two with flows."""
    known = workspace.years
    later = second if second is not None else (known[-1] if known else None)
    before = [year for year in known if later is None or year < later]
    earlier = first if first is not None else (before[-1] if before else None)
    if earlier is None or later is None:
        raise input_error(
            "one_year",
            workspace.store.folder.as_posix(),
            N_("Two years with flows are needed; the record has {years}."),
            N_("Import another year, or name both with --from and --to."),
            years=", ".join(str(year) for year in known) or "–",
        )
    if earlier == later:
        raise input_error(
            "same_year",
            f"--from {earlier} --to {later}",
            N_("A year is not compared with itself."),
            N_("Choose another year with --from or --to."),
        )
    return earlier, later


def trend(
    context: typer.Context,
    folder: Folder,
    layer: LayerId,
    node: NodeId = None,
    year: Year = None,
    monthly: Annotated[
        bool, typer.Option("--monthly", help=N_("Month by month (of --year, else of the last year)."))
    ] = False,
    level: Level = StationLevel.firm,
    boundary: Boundary = PARK,
    scenario: Scenario = ACTUAL,
    as_json: AsJson = False,
    lang: Lang = None,
) -> None:
    """Show what goes in and out of the nodes of a level in a layer over the years, or the months of one."""
    from ecopark.commands import change_tables as tables

    with opened(context, folder, lang, as_json) as (workspace, printer):
        years = [year] if year is not None else workspace.years[-1:] if monthly else workspace.years
        all_at_once(
            *(lambda one=one: check_flows_of(workspace, one, None, scenario) for one in years),
            lambda: check_boundary(workspace, boundary),
            lambda: layers_called(workspace, [layer]),
            lambda: check_node_if_possible(workspace, node, boundary),
        )
        with printer.working(printer.text(N_("Calculating …"))):
            found = workspace.trend(
                years,
                layer,
                resolution="month" if monthly else "period",
                boundary=boundary,
                scenario=scenario,
                level=level.value,
            )
        printer.json(tables.trend_data(found, node))
        if not printer.as_json:
            tables.print_trend(workspace, found, node, monthly, printer)
