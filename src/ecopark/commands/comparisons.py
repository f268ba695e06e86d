"""Verbs that set results against each other: compare, consolidate, allocate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from ecopark.commands.accounts import ACTUAL, PARK, compared, comparison_data, print_comparison
from ecopark.commands.calling import (
    AsJson,
    Boundary,
    Choices,
    Folder,
    Lang,
    Scenario,
    SchemeId,
    Year,
    check_year,
    opened,
    options_for,
    scheme_called,
    year_or_default,
)
from ecopark.commands.helping import verb
from ecopark.commands.inventory_tables import title
from ecopark.commands.printing import Column, Printer
from ecopark.translation import N_

if TYPE_CHECKING:
    from ecopark.accounting.allocation import Allocation
    from ecopark.accounting.consolidation import Consolidation
    from ecopark.accounting.result import Inventory
    from ecopark.workspace import Workspace

RunArgument = Annotated[
    str,
    typer.Argument(metavar="RUN", help=N_("A stored run, such as R3 (`ecopark runs` lists them)."), show_default=False),
]


def register(app: typer.Typer) -> None:
    """Add the verbs of this module to the command line."""
    verb(app, "compare", compare, N_("Explain the difference between two stored runs, step by step."))
    verb(
        app,
        "consolidate",
        consolidate,
        N_("Set the sum of the firms against the park: what they sell each other is counted once."),
    )
    verb(
        app,
        "allocate",
        allocate,
        N_("Allocate the emissions of the park's power and steam plants to those who use their energy."),
    )


def check_inventory_runs(workspace: Workspace, *runs: str) -> None:
    """Raise InputError where one of the runs is stored but is no inventory, so that it has no total."""
    from ecopark.accounting.stored import ENGINE
    from ecopark.model.problems import InputError, Problem

    engines = {run: workspace.runs.get(run).engine for run in runs}
    problems = [
        Problem(
            "run_is_no_inventory",
            run,
            N_("{run} is no inventory but a result of the engine {engine}."),
            N_("Name the run of an inventory; `ecopark runs` lists them."),
            {"run": run, "engine": engine},
        )
        for run, engine in engines.items()
        if engine != ENGINE
    ]
    if problems:
        raise InputError(problems)


def compare(
    context: typer.Context,
    folder: Folder,
    first: Annotated[
        str, typer.Argument(metavar="RUN_A", help=N_("The run to start from, such as R3."), show_default=False)
    ],
    second: Annotated[
        str, typer.Argument(metavar="RUN_B", help=N_("The run to arrive at, such as R4."), show_default=False)
    ],
    as_json: AsJson = False,
    lang: Lang = None,
) -> None:
    """Explain the difference between two stored runs."""
    with opened(context, folder, lang, as_json) as (workspace, printer):
        check_inventory_runs(workspace, first, second)
        one, two = workspace.stored(first), workspace.stored(second)
        comparison = compared(workspace, one, two)
        if not printer.as_json:
            print_comparison(one, two, comparison, printer)
        printer.json(comparison_data(one, two, comparison))


def consolidate(
    context: typer.Context,
    folder: Folder,
    scheme: SchemeId,
    year: Year = None,
    boundary: Boundary = PARK,
    scenario: Scenario = ACTUAL,
    option: Choices = None,
    as_json: AsJson = False,
    lang: Lang = None,
) -> None:
    """Set the sum of the firms against the park."""
    with opened(context, folder, lang, as_json) as (workspace, printer):
        inventory = _drawn(workspace, printer, scheme, year, boundary, scenario, option)
        found = workspace.consolidation(inventory)
        if not printer.as_json:
            _print_consolidation(found, printer)
        printer.json(_consolidation_data(found))


def _drawn(
    workspace: Workspace,
    printer: Printer,
    scheme: str,
    year: int | None,
    boundary: str,
    scenario: str,
    option: list[str] | None,
) -> Inventory:
    chosen = scheme_called(workspace.catalogue, scheme)
    options = options_for([chosen], option)[scheme]
    chosen_year = year_or_default(workspace, printer, year)
    check_year(workspace, chosen_year, scenario)
    return workspace.inventory(chosen_year, scheme, boundary, scenario, perspective="park", **options)


def _print_consolidation(found: Consolidation, printer: Printer) -> None:
    park = found.park
    unit = printer.unit(park.scheme.totals[0].unit)
    printer.heading(title(park, printer))
    columns = [
        Column(printer.text(N_("Step"))),
        Column(printer.text(N_("Value")), "number", unit),
        Column(printer.text(N_("Reference")), "name"),
    ]
    rows = [
        (printer.text(N_("Sum of the firms")), found.enterprise_sum, found.enterprises.reference("total")),
        (printer.text(N_("Eliminated: sold inside the park")), -found.eliminated, park.reference("eliminated")),
        (printer.text(N_("Park")), park.total(), park.reference("total")),
    ]
    printer.table(columns, rows, totals=1)
    printer.heading(printer.text(N_("Eliminations")))
    if found.eliminations.is_empty():
        printer.say(printer.text(N_("None: no firm sells another what the scheme counts.")))
        return

    def name(identity: str | None) -> str:
        return park.name(identity or "", printer.language)

    columns = [
        Column(printer.text(N_("Stream")), "name"),
        Column(printer.text(N_("Seller"))),
        Column(printer.text(N_("Buyer"))),
        Column(printer.text(N_("Commodity"))),
        Column(printer.text(N_("Amount")), "each"),
        Column(printer.text(N_("Unit")), "name"),
        Column(printer.text(N_("Bought")), "number", unit),
        Column(printer.text(N_("Sold")), "number", unit),
        Column(printer.text(N_("In the park")), "number", unit),
        Column(printer.text(N_("Eliminated")), "number", unit),
    ]
    table = [
        (
            row["stream"],
            name(row["seller"]),
            name(row["buyer"]),
            name(row["commodity"]),
            row["amount"],
            printer.unit(row["unit"]),
            row["bought"],
            row["sold"],
            row["park"],
            row["elimination"],
        )
        for row in found.eliminations.iter_rows(named=True)
    ]
    sums = (found.eliminations[column].sum() for column in ("bought", "sold", "park", "elimination"))
    printer.table(columns, [*table, (printer.text(N_("Sum")), "", "", "", "", "", *sums)], totals=1)


def _consolidation_data(found: Consolidation) -> dict[str, Any]:
    park = found.park
    return {
        "scheme": park.scheme.id,
        "year": park.year,
        "boundary": park.boundary,
        "run": park.run,
        "run_of_firms": found.enterprises.run,
        "unit": park.scheme.totals[0].unit,
        "complete": park.complete,
        "sum_of_firms": found.enterprise_sum,
        "eliminated": found.eliminated,
        "park": park.total(),
        "eliminations": [
            row | {"reference": park.reference(f"elimination:{row['stream']}")} for row in found.eliminations.to_dicts()
        ],
    }


def allocate(
    context: typer.Context,
    folder: Folder,
    scheme: SchemeId,
    year: Year = None,
    boundary: Boundary = PARK,
    scenario: Scenario = ACTUAL,
    option: Choices = None,
    as_json: AsJson = False,
    lang: Lang = None,
) -> None:
    """Allocate the emissions of power and steam plants to their consumers."""
    from ecopark.commands.calling import input_error

    with opened(context, folder, lang, as_json) as (workspace, printer):
        inventory = _drawn(workspace, printer, scheme, year, boundary, scenario, option)
        unit = inventory.scheme.totals[0].unit
        if unit not in ("tCO2", "tCO2e"):
            raise input_error(
                "nothing_to_allocate",
                f"--scheme {scheme}",
                N_("Emissions are allocated; this scheme counts {unit}."),
                N_("Choose a scheme that counts CO2 or greenhouse gases."),
                unit=unit,
            )
        found = workspace.allocation(inventory)
        if not printer.as_json:
            _print_allocation(inventory, found, printer)
        printer.json(_allocation_data(inventory, found))


def _print_allocation(inventory: Inventory, found: Allocation, printer: Printer) -> None:
    unit = printer.unit(found.unit)

    def name(identity: str) -> str:
        return inventory.name(identity, printer.language)

    printer.heading(title(inventory, printer))
    columns = [
        Column(printer.text(N_("Firm"))),
        Column(printer.text(N_("Its own")), "number", unit),
        Column(printer.text(N_("With the energy it uses")), "number", unit),
        Column(printer.text(N_("Together")), "number", unit),
        Column(printer.text(N_("Key")), "name"),
    ]
    rows: list[tuple[Any, ...]] = [
        (name(row["node"]), row["own"], row["supplied"], row["total"], f"allocation:{row['node']}")
        for row in found.consumers.iter_rows(named=True)
    ]
    rows.append((printer.text(N_("Leaves with energy sold outside")), "", "", found.exported, "exported"))
    rows.append((printer.text(N_("Emitted")), "", "", found.emitted, ""))
    printer.table(columns, rows, totals=1)
    printer.heading(printer.text(N_("Intensity of the energy supplied")))
    carriers = {"electricity": N_("Electricity"), "heat": N_("Heat")}
    columns = [
        Column(printer.text(N_("Firm"))),
        Column(printer.text(N_("Kind of energy")), "name"),
        Column(printer.text(N_("Supplied")), "number", "GJ"),
        Column(printer.text(N_("Emissions")), "number", unit),
        Column(printer.text(N_("Intensity")), "number", f"{unit}/GJ"),
        Column(printer.text(N_("Key")), "name"),
    ]
    printer.table(
        columns,
        [
            (
                name(row["node"]),
                printer.text(carriers.get(row["carrier"], row["carrier"])),
                row["throughput"],
                row["emissions"],
                row["intensity"],
                f"intensity:{row['node']}:{row['carrier']}",
            )
            for row in found.intensities.iter_rows(named=True)
        ],
    )
    if found.left_out:
        printer.say(
            printer.text(
                N_("Left out, because their energy is not known (property net_enthalpy): {streams}."),
                streams=", ".join(found.left_out),
            )
        )
    printer.say()
    printer.say(printer.text(N_("Stored as {run}: `ecopark explain DIR {run}-KEY`."), run=inventory.run))


def _allocation_data(inventory: Inventory, found: Allocation) -> dict[str, Any]:
    return {
        "scheme": inventory.scheme.id,
        "year": inventory.year,
        "boundary": inventory.boundary,
        "run": inventory.run,
        "unit": found.unit,
        "energy_unit": "GJ",
        "complete": inventory.complete,
        "emitted": found.emitted,
        "exported": found.exported,
        "consumers": [
            row | {"reference": inventory.reference(f"allocation:{row['node']}")} for row in found.consumers.to_dicts()
        ],
        "intensities": [
            row | {"reference": inventory.reference(f"intensity:{row['node']}:{row['carrier']}")}
            for row in found.intensities.to_dicts()
        ],
        "supplies": found.supplies.to_dicts(),
        "left_out": found.left_out,
    }
