"""The verb reconcile: measured flows adjusted until all balances hold, with the tests that say whether they may be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from ecopark.commands.accounts import ACTUAL, PARK
from ecopark.commands.calling import (
    AsJson,
    Boundary,
    Folder,
    Lang,
    Reason,
    Scenario,
    Year,
    input_error,
    opened,
    year_or_default,
)
from ecopark.commands.helping import verb
from ecopark.commands.metabolism import LayerIds, Level, Month, Most, StationLevel, all_at_once, check_call
from ecopark.translation import N_


def register(app: typer.Typer) -> None:
    """Add the verb of this module to the command line."""
    verb(
        app,
        "reconcile",
        reconcile,
        N_("Reconcile measured flows with all balances at once, test for gross errors, say what is determined."),
    )


def reconcile(
    context: typer.Context,
    folder: Folder,
    year: Year = None,
    month: Month = None,
    layer: LayerIds = None,
    level: Level = StationLevel.firm,
    significance: Annotated[
        float, typer.Option("--significance", min=0.0001, max=0.5, help=N_("Significance of the tests."))
    ] = 0.05,
    assume: Annotated[
        list[str] | None,
        typer.Option(
            "--assume",
            metavar="METHOD=PERCENT",
            help=N_("Range (95 %) to assume where a flow states none, such as metered=2; may be repeated."),
            show_default=False,
        ),
    ] = None,
    fixed_contents: Annotated[
        bool,
        typer.Option(
            "--fixed-contents", help=N_("Adjust amounts only, and not the contents (of an element, a heating value).")
        ),
    ] = False,
    apply: Annotated[
        bool,
        typer.Option(
            "--apply", help=N_("Write the reconciled flows beside the raw ones; `ecopark undo` takes that back.")
        ),
    ] = False,
    reason: Reason = "",
    most: Most = 20,
    boundary: Boundary = PARK,
    scenario: Scenario = ACTUAL,
    as_json: AsJson = False,
    lang: Lang = None,
) -> None:
    """Reconcile the flows of a year or month; with --apply, write the reconciled ones into the record."""
    from ecopark.commands import reconciling_tables as tables

    with opened(context, folder, lang, as_json) as (workspace, printer):
        chosen = year_or_default(workspace, printer, year)
        widths: dict[str, float] = {}
        all_at_once(
            lambda: check_call(workspace, chosen, scenario, boundary, layer, None, month),
            lambda: widths.update(_assumed(assume or ())),
        )
        try:
            with printer.working(printer.text(N_("Calculating …"))):
                found = workspace.reconcile(
                    chosen,
                    month=month,
                    boundary=boundary,
                    scenario=scenario,
                    layers=layer or None,
                    level=level.value,
                    significance=significance,
                    assumed=widths or None,
                    contents=not fixed_contents,
                )
        except RuntimeError as error:
            raise input_error(
                "reconciliation_unsettled",
                "reconcile",
                N_("The balances of amounts times contents do not come to rest: {error}."),
                N_("Reconcile fewer layers at once (--layer), or amounts only (--fixed-contents)."),
                error=str(error),
            ) from error
        why = reason or printer.text(N_("Reconciled flows of {run}"), run=found.run)
        applied = workspace.apply_reconciliation(found, why) if apply else None
        printer.json(tables.reconciliation_data(found, applied))
        if not printer.as_json:
            tables.print_reconciliation(workspace, found, most, printer)
            tables.print_applied(workspace, found, apply, applied, printer)


def _assumed(given: Sequence[str]) -> dict[str, float]:
    """Return method -> half width as a part of the amount; InputError with every text that says no such thing."""
    from ecopark.metabolism.reconciliation.assumed import half_widths
    from ecopark.model.problems import InputError, Problem

    known = list(half_widths())
    found: dict[str, float] = {}
    problems: list[Problem] = []
    for text in given:
        name, _, value = (part.strip() for part in text.partition("="))
        try:
            percent = float(value.removesuffix("%"))
        except ValueError:
            percent = -1.0
        if name not in known or percent < 0:
            problems.append(
                Problem(
                    "assumed_form",
                    f"--assume {text}",
                    N_("An assumed range is written METHOD=PERCENT."),
                    N_("Write for instance metered=2; methods are {known}."),
                    {"known": ", ".join(known)},
                )
            )
        else:
            found[name] = percent / 100.0
    if problems:
        raise InputError(problems)
    return found
