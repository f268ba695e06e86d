"""Verbs on what flows are worth and cause: values (material-flow cost accounting) and burdens (life-cycle burdens)."""

from __future__ import annotations

from pathlib import Path
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
    opened,
    year_or_default,
)
from ecopark.commands.helping import verb
from ecopark.commands.metabolism import Level, Most, NodeId, StationLevel, all_at_once, check_call, check_flows_of
from ecopark.translation import N_

if TYPE_CHECKING:
    from ecopark.metabolism.burdens.burdens import Burdens
    from ecopark.workspace import Workspace


def register(app: typer.Typer) -> None:
    """Add the verbs of this module to the command line."""
    verb(
        app,
        "values",
        values,
        N_("Show what flows are worth: cost in products, cost lost in wastes and energy, treatment (ISO 14051)."),
    )
    verb(
        app,
        "burdens",
        burdens,
        N_("Show life-cycle burdens by impact category, and between two states which burden was shifted where."),
    )


def values(
    context: typer.Context,
    folder: Folder,
    year: Year = None,
    node: NodeId = None,
    level: Level = StationLevel.firm,
    key: Annotated[
        str, typer.Option("--split-by", help=N_("Layer by which a process's costs are split over what leaves it."))
    ] = "mass",
    most: Most = 20,
    boundary: Boundary = PARK,
    scenario: Scenario = ACTUAL,
    as_json: AsJson = False,
    lang: Lang = None,
) -> None:
    """Show material-flow costs of nodes and waste streams."""
    from ecopark.commands import value_tables as tables

    with opened(context, folder, lang, as_json) as (workspace, printer):
        chosen = year_or_default(workspace, printer, year)
        check_call(workspace, chosen, scenario, boundary, [key], node)
        with printer.working(printer.text(N_("Calculating …"))):
            found = workspace.value_flow(chosen, boundary=boundary, scenario=scenario, key=key)
            balances = workspace.balance(chosen, boundary=boundary, scenario=scenario)
        printer.json(tables.values_data(found, node))
        if not printer.as_json:
            tables.print_values(workspace, found, balances, node, level.value, most, printer)


def burdens(
    context: typer.Context,
    folder: Folder,
    year: Year = None,
    against: Annotated[
        str | None,
        typer.Option(
            "--against",
            metavar="YEAR|SCENARIO",
            help=N_("Another year or scenario, as the state before: shows what got better, what worse, and where."),
            show_default=False,
        ),
    ] = None,
    category: Annotated[
        list[str] | None,
        typer.Option("--category", help=N_("Impact category; may be repeated (else all)."), show_default=False),
    ] = None,
    background: Annotated[
        Path | None,
        typer.Option(
            "--background",
            metavar="PATH",
            help=N_("Life-cycle database: a Brightway matrix package or openLCA JSON-LD (folder or .zip)."),
            show_default=False,
        ),
    ] = None,
    mapping: Annotated[
        Path | None,
        typer.Option(
            "--mapping",
            metavar="CSV",
            help=N_("Which of its products stands for which commodity (columns commodity, product, unit, factor)."),
            show_default=False,
        ),
    ] = None,
    most: Most = 20,
    boundary: Boundary = PARK,
    scenario: Scenario = ACTUAL,
    as_json: AsJson = False,
    lang: Lang = None,
) -> None:
    """Show the life-cycle burdens of a year, or what changed from another state to it."""
    from ecopark.commands import burden_tables as tables

    with opened(context, folder, lang, as_json) as (workspace, printer):
        chosen = year_or_default(workspace, printer, year)
        other = _other_state(against, chosen, scenario)
        all_at_once(
            lambda: check_call(workspace, chosen, scenario, boundary, None),
            lambda: check_flows_of(workspace, other[0], None, other[1]) if other else None,
            lambda: _check_categories(workspace, category),
            lambda: _check_files(background, mapping),
        )

        def state(of_year: int, of_scenario: str) -> Burdens:
            return workspace.burdens(
                of_year, boundary=boundary, scenario=of_scenario, categories=category, background=background,
                mapping=mapping,
            )  # fmt: skip

        with printer.working(printer.text(N_("Calculating …"))):
            found = state(chosen, scenario)
            shift = workspace.burden_shift(state(*other), found) if other else None
        if shift is not None:
            printer.json(tables.shift_data(shift))
            if not printer.as_json:
                tables.print_shift(workspace, shift, most, printer)
        else:
            printer.json(tables.burdens_data(found))
            if not printer.as_json:
                tables.print_burdens(workspace, found, detailed=bool(category), most=most, printer=printer)


def _other_state(against: str | None, year: int, scenario: str) -> tuple[int, str] | None:
    """Return year and scenario of the state to compare with; a number is a year, other text a scenario."""
    if against is None:
        return None
    other = (int(against), scenario) if against.isdigit() else (year, against)
    if other == (year, scenario):
        raise input_error(
            "same_state",
            f"--against {against}",
            N_("A state is not compared with itself."),
            N_("Name another year or scenario."),
        )
    return other


def _check_categories(workspace: Workspace, wanted: list[str] | None) -> None:
    from ecopark.model.problems import InputError, Problem

    known = workspace.catalogue.impact_categories["id"].to_list()
    problems = [
        Problem(
            "category_unknown",
            f"--category {name}",
            N_("There is no impact category “{found}”."),
            N_("Use one of: {known}."),
            {"found": name, "known": ", ".join(known)},
        )
        for name in dict.fromkeys(wanted or ())
        if name not in known
    ]
    if problems:
        raise InputError(problems)


def _check_files(background: Path | None, mapping: Path | None) -> None:
    if (background is None) != (mapping is None):
        raise input_error(
            "background_without_mapping",
            "--background" if mapping is None else "--mapping",
            N_("A life-cycle database and its mapping belong together."),
            N_("Give both --background and --mapping."),
        )
