"""Verbs that draw inventories: inventory (one scheme, or several side by side), reported."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ecopark.commands import inventory_tables as tables
from ecopark.commands.calling import (
    AsJson,
    Boundary,
    Choices,
    Folder,
    Lang,
    Scenario,
    SchemeIds,
    Year,
    check_year,
    input_error,
    opened,
    options_for,
    scheme_called,
    year_or_default,
)
from ecopark.commands.helping import verb
from ecopark.commands.printing import Column, Printer
from ecopark.translation import N_

if TYPE_CHECKING:
    from ecopark.accounting.comparison import Comparison
    from ecopark.accounting.result import Inventory
    from ecopark.workspace import Reported, Workspace

PARK = "park"
ACTUAL = "actual"


def register(app: typer.Typer) -> None:
    """Add the verbs of this module to the command line."""
    verb(
        app,
        "inventory",
        inventory,
        N_("Draw the inventory of a year under one scheme, or several side by side with their differences."),
    )
    verb(app, "reported", reported, N_("Set calculated beside reported emissions, by year, with what is not covered."))


def inventory(
    context: typer.Context,
    folder: Folder,
    scheme: SchemeIds,
    year: Year = None,
    boundary: Boundary = PARK,
    scenario: Scenario = ACTUAL,
    option: Choices = None,
    firms: Annotated[
        bool, typer.Option("--firms", help=N_("Every firm for itself: what they sell each other counts at both."))
    ] = False,
    by: Annotated[
        str,
        typer.Option(
            "--by",
            metavar="NAMES",
            help=N_(
                "Split the total by these, separated by commas: category, scope, gas, node, commodity, rule, stream."
            ),
            show_default=False,
        ),
    ] = "",
    uncertainty: Annotated[
        bool, typer.Option("--uncertainty", help=N_("Give ranges (95 %) and what they come from."))
    ] = False,
    lines: Annotated[bool, typer.Option("--lines", help=N_("Give every line."))] = False,
    as_json: AsJson = False,
    lang: Lang = None,
) -> None:
    """Draw inventories, store each as a run, and print them."""
    with opened(context, folder, lang, as_json) as (workspace, printer):
        schemes = [scheme_called(workspace.catalogue, name) for name in dict.fromkeys(scheme)]
        chosen = options_for(schemes, option)
        dimensions = _dimensions(by)
        chosen_year = year_or_default(workspace, printer, year)
        check_year(workspace, chosen_year, scenario)
        with printer.working(printer.text(N_("Calculating …"))):
            drawn = [
                workspace.inventory(
                    chosen_year, one.id, boundary, scenario, perspective="firms" if firms else "park", **chosen[one.id]
                )
                for one in schemes
            ]
        if printer.as_json:
            printer.json(_data(workspace, chosen_year, drawn, dimensions, uncertainty, lines))
        elif len(drawn) == 1:
            tables.print_inventory(drawn[0], printer, dimensions, uncertainty=uncertainty, lines=lines)
        else:
            tables.print_side_by_side(drawn, printer)
            for other, comparison in zip(drawn[1:], _comparisons(workspace, drawn), strict=True):
                print_comparison(drawn[0], other, comparison, printer)
            for one in drawn:
                tables.print_details(one, printer, dimensions, uncertainty=uncertainty, lines=lines)
            tables.print_how_to_explain(drawn, printer)


def _data(
    workspace: Workspace,
    year: int,
    drawn: Sequence[Inventory],
    dimensions: Sequence[str],
    uncertainty: bool,
    lines: bool,
) -> dict[str, Any]:
    """Return one inventory's data, or those of several with their comparisons."""
    data = [tables.inventory_data(one, dimensions, uncertainty=uncertainty, lines=lines) for one in drawn]
    if len(data) == 1:
        return data[0]
    found = [
        comparison_data(drawn[0], other, comparison)
        for other, comparison in zip(drawn[1:], _comparisons(workspace, drawn), strict=True)
    ]
    return {"year": year, "inventories": data, "comparisons": found}


def _dimensions(by: str) -> list[str]:
    from ecopark.accounting.result import DIMENSIONS

    names = [name.strip() for name in by.split(",") if name.strip()]
    for name in names:
        if name not in DIMENSIONS:
            raise input_error(
                "dimension_unknown",
                f"--by {by}",
                N_("A total cannot be split by {name}."),
                N_("Choose among {known}."),
                name=name,
                known=", ".join(DIMENSIONS),
            )
    return names


def _comparisons(workspace: Workspace, drawn: Sequence[Inventory]) -> list[Comparison | None]:
    return [compared(workspace, drawn[0], other) for other in drawn[1:]]


def compared(workspace: Workspace, first: Inventory, second: Inventory) -> Comparison | None:
    """Compare two inventories; None where they measure different things."""
    try:
        return workspace.compare(first, second)
    except ValueError:
        return None


def print_comparison(first: Inventory, second: Inventory, comparison: Comparison | None, printer: Printer) -> None:
    """Print the steps that lead from one inventory to another, or why there are none."""
    names = {"first": _title(first, second, printer), "second": _title(second, first, printer)}
    printer.heading(printer.text(N_("From “{first}” to “{second}”"), **names))
    if comparison is None:
        units = {
            "unit_1": printer.unit(first.scheme.totals[0].unit),
            "unit_2": printer.unit(second.scheme.totals[0].unit),
        }
        printer.say(
            printer.text(
                N_("They measure different things ({unit_1} and {unit_2}), so there is no difference to explain."),
                **units,
            )
        )
        return
    unit = printer.unit(comparison.unit)
    prefix = f"{first.run}~{second.run}-"
    rows: list[tuple[Any, ...]] = [(names["first"], first.total(), f"{first.run}-total")]
    rows += [
        (step.label(printer.language), step.value, f"{prefix}step:{number}")
        for number, step in enumerate(comparison.steps, 1)
    ]
    rows.append((names["second"], second.total(), f"{second.run}-total"))
    columns = [
        Column(printer.text(N_("Step"))),
        Column(printer.text(N_("Value")), "number", unit),
        Column(printer.text(N_("Reference")), "name"),
    ]
    printer.table(columns, rows, totals=1)


def _title(inventory: Inventory, other: Inventory, printer: Printer) -> str:
    name = printer.choose(inventory.scheme.name_zh, inventory.scheme.name_en)
    if inventory.scheme.id == other.scheme.id and inventory.year != other.year:
        return str(inventory.year)
    return name if inventory.year == other.year else f"{name} {inventory.year}"


def comparison_data(first: Inventory, second: Inventory, comparison: Comparison | None) -> dict[str, Any]:
    """Return a comparison as plain data; `comparable` is false where the totals measure different things."""
    data: dict[str, Any] = {"first": first.run, "second": second.run, "comparable": comparison is not None}
    if comparison is None:
        return data
    return data | {
        "unit": comparison.unit,
        "first_total": first.total(),
        "second_total": second.total(),
        "difference": comparison.difference,
        "reference": f"{first.run}~{second.run}-difference",
        "steps": [
            {
                "reason": step.reason,
                "commodity": step.commodity,
                "value": step.value,
                "unit": comparison.unit,
                "name_zh": step.label("zh"),
                "name_en": step.label("en"),
                "reference": f"{first.run}~{second.run}-step:{number}",
                "parts": [
                    {"name_zh": part.name_zh, "name_en": part.name_en, "value": part.value, "reference": part.reference}
                    for part in step.parts
                ],
            }
            for number, step in enumerate(comparison.steps, 1)
        ],
    }


def reported(
    context: typer.Context,
    folder: Folder,
    scheme: Annotated[
        str, typer.Option("--scheme", help=N_("Accounting scheme that names what operators report."), show_default=True)
    ] = "us-ghgrp",
    option: Choices = None,
    as_json: AsJson = False,
    lang: Lang = None,
) -> None:
    """Set what a scheme calculates beside what operators reported."""
    with opened(context, folder, lang, as_json) as (workspace, printer):
        chosen = scheme_called(workspace.catalogue, scheme)
        if not chosen.reported:
            known = ", ".join(name for name, one in workspace.catalogue.schemes.items() if one.reported)
            raise input_error(
                "scheme_without_report",
                scheme,
                N_("The scheme names no reported value to compare with."),
                N_("Choose one that does: {known}."),
                known=known,
            )
        options = options_for([chosen], option)[scheme]
        with printer.working(printer.text(N_("Calculating …"))):
            rows = workspace.reported(scheme, **options)
        if not rows:
            raise input_error(
                "nothing_reported",
                "statistics",
                N_("The record holds no reported emissions (variable {variable})."),
                N_("Enter them in the sheet statistics, with node and year."),
                variable=chosen.reported,
            )
        covered = [_not_covered(workspace, row) for row in rows]
        _print_reported(workspace, rows, covered, printer)
        printer.json(
            {
                "scheme": scheme,
                "variable": chosen.reported,
                "rows": [_reported_data(row, found) for row, found in zip(rows, covered, strict=True)],
            }
        )


def _not_covered(workspace: Workspace, row: Reported) -> list[dict[str, str]]:
    """Return the streams inside the boundary for which the record holds a notation instead of an amount."""
    import polars as pl

    if not row.reference:
        return []
    inventory = workspace.stored(row.reference)
    stated = inventory.flows.filter(pl.col("notation").is_in(["NE", "IE", "C"]))  # NO is covered: it is zero
    streams = workspace.record.streams.select(pl.col("id").alias("stream"), "commodity", "target")
    return [
        {
            "stream": one["stream"],
            "notation": one["notation"],
            "commodity": one["commodity"],
            "name_zh": inventory.name(one["commodity"] or "", "zh", "commodity"),
            "name_en": inventory.name(one["commodity"] or "", "en", "commodity"),
            "note": one["note"] or "",
        }
        for one in stated.join(streams, on="stream", how="inner", maintain_order="left").iter_rows(named=True)
    ]


def _reported_data(row: Reported, not_covered: list[dict[str, str]]) -> dict[str, Any]:
    return {
        "node": row.node,
        "year": row.year,
        "reported": row.reported,
        "calculated": row.calculated,
        "unit": row.unit,
        "ratio": row.ratio,
        "complete": row.complete,
        "run": row.reference,
        "evidence": row.evidence,
        "not_covered": not_covered,
    }


def _print_reported(
    workspace: Workspace, rows: Sequence[Reported], covered: Sequence[list[dict[str, str]]], printer: Printer
) -> None:
    nodes = {one["id"]: printer.choose(one["name_zh"], one["name_en"]) for one in workspace.record.nodes.to_dicts()}
    unit = printer.unit(rows[0].unit)
    printer.heading(printer.text(N_("Calculated beside reported")))
    columns = [
        Column(printer.text(N_("Node"))),
        Column(printer.text(N_("Year")), "name"),
        Column(printer.text(N_("Calculated")), "number", unit),
        Column(printer.text(N_("Reported")), "number", unit),
        Column(printer.text(N_("Ratio")), "name"),
        Column(printer.text(N_("Run")), "name"),
        Column(printer.text(N_("Reported in"))),
    ]
    printer.table(
        columns,
        [
            (
                nodes.get(row.node, row.node),
                str(row.year),
                row.calculated,
                row.reported,
                "–" if row.ratio is None else f"{row.ratio:.3f}",
                row.reference,
                row.evidence,
            )
            for row in rows
        ],
    )
    gaps: dict[tuple[str, str, str], list[str]] = {}
    for row, found in zip(rows, covered, strict=True):
        for one in found:
            key = (one["notation"], one["stream"], printer.choose(one["name_zh"], one["name_en"]))
            gaps.setdefault(key, []).append(str(row.year))
    if gaps:
        printer.heading(printer.text(N_("Not covered (notation instead of an amount)")))
        columns = [
            Column(printer.text(N_("Notation")), "name"),
            Column(printer.text(N_("Stream")), "name"),
            Column(printer.text(N_("Commodity"))),
            Column(printer.text(N_("Years"))),
        ]
        printer.table(columns, [(*key, ", ".join(dict.fromkeys(years))) for key, years in gaps.items()])
        printer.say(printer.text(tables.NOTATIONS))
