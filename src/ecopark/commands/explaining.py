"""Verbs on stored results: explain, runs, replay, restate."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ecopark.commands.calling import AsJson, Folder, Lang, input_error, opened
from ecopark.commands.comparisons import RunArgument, check_inventory_runs
from ecopark.commands.helping import verb
from ecopark.commands.printing import Column, Printer, exact, span
from ecopark.translation import N_

if TYPE_CHECKING:
    from ecopark.accounting.explanation import Explanation, Input
    from ecopark.storage.runs import Run
    from ecopark.workspace import Workspace

SAME = 1e-9
"""Relative difference below which a recomputed number is the stored one."""

STATUSES = {
    "primary": N_("primary document"),
    "secondary": N_("second-hand"),
    "unverified": N_("unverified"),
    "contested": N_("contested"),
    "reconciled": N_("reconciled"),
    "metered": N_("metered"),
    "invoiced": N_("invoiced"),
    "calculated": N_("calculated"),
    "estimated": N_("estimated"),
    "planned": N_("planned"),
}
REFERENCE_HELP = N_(
    "Which number: R3-total, R3-line:17, R3~R4-step:1, R7-residual:carbon:2022-01-01:NODE; tables print the keys."
)


def register(app: typer.Typer) -> None:
    """Add the verbs of this module to the command line."""
    verb(
        app,
        "explain",
        explain,
        N_("Show where a number comes from: formula, inputs with sources, and the value worked out again."),
    )
    verb(app, "runs", runs, N_("List the stored results."))
    verb(app, "replay", replay, N_("Work a stored result out again from what was stored with it."))
    verb(
        app,
        "restate",
        restate,
        N_("Draw a stored result again from the record as it is now; the old one is kept with the reason."),
    )


def explain(
    context: typer.Context,
    folder: Folder,
    reference: Annotated[str, typer.Argument(metavar="REFERENCE", help=REFERENCE_HELP, show_default=False)],
    most: Annotated[int, typer.Option("--most", help=N_("How many inputs to print, the largest first (0: all)."))] = 40,
    as_json: AsJson = False,
    lang: Lang = None,
) -> None:
    """Show where a number comes from."""
    with opened(context, folder, lang, as_json) as (workspace, printer):
        full, explanation = _explanation(workspace, reference.strip())
        if not printer.as_json:
            _print_explanation(full, explanation, most, printer)
        printer.json({"reference": full, **explanation.to_json(), "recomputed": explanation.recompute()})


def _explanation(workspace: Workspace, reference: str) -> tuple[str, Explanation]:
    """Return the full reference with its explanation; InputError for one that names nothing."""
    full = reference if "-" in reference else f"{reference}-total"
    if not re.fullmatch(r"R\d+(~R\d+)?-.+", full):
        raise input_error(
            "reference_form",
            reference,
            N_("This is not the reference of a stored number."),
            N_("Write a run and a key, such as R3-total or R3-line:17; `ecopark runs` lists the runs."),
        )
    try:
        return full, workspace.explain(full)
    except (KeyError, ValueError) as error:
        run, _, key = full.partition("-")
        raise input_error(
            "number_unknown",
            reference,
            N_("{run} has no number {key}."),
            N_(
                "Keys of an inventory are total, total:ID, category:ID, scope:1, node:ID, gas:ID, commodity:ID, "
                "line:NUMBER, indicator:ID; the verb that drew a result prints its keys."
            ),
            run=run,
            key=key,
        ) from error


def _print_explanation(reference: str, explanation: Explanation, most: int, printer: Printer) -> None:
    unit = printer.unit(explanation.unit)
    printer.heading(f"{reference}  {printer.choose(explanation.name_zh, explanation.name_en)}")
    printer.say(f"{printer.text(N_('Value'))}  {exact(explanation.value)} {unit}".rstrip())
    printer.say(f"{printer.text(N_('Formula'))}  {explanation.formula}")
    inputs = list(explanation.inputs)
    if len(inputs) > most > 0 and len({item.symbol for item in inputs}) == 1:  # the parts of a sum
        inputs.sort(key=lambda item: -abs(item.value))
    shown = inputs[:most] if most > 0 else inputs
    kinds = {
        "flow": N_("flow"),
        "certificate": N_("green certificate"),
        "factor": N_("factor"),
        "constant": N_("constant"),
        "line": N_("line"),
        "total": N_("result"),
        "statistic": N_("statistic"),
        "limit": N_("limit"),
        "share": N_("share"),
        "scale": N_("conversion"),
    }
    columns = [
        Column(printer.text(N_("Symbol")), "name"),
        Column(printer.text(N_("Meaning"))),
        Column(printer.text(N_("Value")), "exact"),
        Column(printer.text(N_("Unit")), "name"),
    ]
    detailed = any(
        item.source_zh or item.source_en or item.status or item.low is not None or item.note for item in shown
    )
    if detailed:
        columns += [
            Column(printer.text(N_("Range (95 %)")), "name"),
            Column(printer.text(N_("Kind")), "name"),
            Column(printer.text(N_("Source"))),
            Column(printer.text(N_("Status")), "name"),
            Column(printer.text(N_("Remark"))),
        ]
    columns.append(Column(printer.text(N_("Reference")), "name"))
    printer.table(columns, [_input_row(item, printer, kinds, detailed) for item in shown])
    if len(shown) < len(inputs):
        printer.say(
            printer.text(
                N_("… and {count} smaller ones (--most 0 prints all, --json has them in full)."),
                count=len(inputs) - len(shown),
            )
        )
    recomputed = explanation.recompute()
    printer.say(f"{printer.text(N_('Worked out again'))}  {exact(recomputed)} {unit}".rstrip())


def _input_row(item: Input, printer: Printer, kinds: dict[str, str], detailed: bool) -> tuple[Any, ...]:
    row: list[Any] = [item.symbol, printer.choose(item.name_zh, item.name_en), item.value, printer.unit(item.unit)]
    if detailed:
        borrowed = f" [{item.range_source}]" if item.range_source.startswith("borrowed") else ""
        row += [
            span(item.low, item.high) + borrowed,
            printer.text(kinds[item.kind]),
            printer.choose(item.source_zh, item.source_en),
            printer.text(STATUSES[item.status]) if item.status in STATUSES else item.status,
            item.note_in(printer.language),
        ]
    return (*row, item.reference)


def runs(
    context: typer.Context,
    folder: Folder,
    limit: Annotated[
        int | None, typer.Option("--limit", help=N_("Only the newest so many."), show_default=False)
    ] = None,
    as_json: AsJson = False,
    lang: Lang = None,
) -> None:
    """List the stored results, newest first."""
    with opened(context, folder, lang, as_json) as (workspace, printer):
        found = [run_data(run) for run in workspace.runs.list_runs(limit=limit)]
        if not found:
            printer.say(printer.text(N_("Nothing is stored yet; `ecopark inventory` stores what it draws.")))
        elif not printer.as_json:
            printer.table(run_columns(printer), [run_row(row, printer) for row in found])
        printer.json(found)


def run_data(run: Run) -> dict[str, Any]:
    """Return what identifies a stored result; of an inventory with its headline total."""
    from ecopark.accounting.stored import ENGINE
    from ecopark.catalogue.schemes import Scheme

    if run.engine != ENGINE:
        return _other_run_data(run)
    scheme = Scheme.model_validate(run.outcome["scheme"])
    headline = scheme.totals[0]
    return {
        "run": run.id,
        "engine": run.engine,
        "created": run.created,
        "author": run.author,
        "scheme": scheme.id,
        "name_zh": scheme.name_zh,
        "name_en": scheme.name_en,
        "year": run.outcome["year"],
        "boundary": run.outcome["boundary"],
        "scenario": run.outcome["scenario"],
        "perspective": run.outcome["perspective"],
        "options": run.outcome["options"],
        "total": run.outcome["totals"][headline.id],
        "unit": headline.unit,
        "complete": run.outcome["complete"],
        "record_version": run.record_version,
        "catalogue_version": run.catalogue_version,
        "restates": run.restates,
        "reason": run.reason,
        "restated_by": run.restated_by,
    }


def _other_run_data(run: Run) -> dict[str, Any]:
    """Return what identifies a stored result that is no inventory: it has no scheme and no headline total."""
    from ecopark.metabolism.wording import ENGINE_NAMES
    from ecopark.translation import translate

    name = ENGINE_NAMES.get(run.engine, run.engine)
    layer = run.settings.get("layer")
    ending = f" · {layer}" if isinstance(layer, str) else ""
    return {
        "run": run.id,
        "engine": run.engine,
        "created": run.created,
        "author": run.author,
        "scheme": None,
        "name_zh": translate(name, "zh") + ending,
        "name_en": translate(name, "en") + ending,
        "year": run.settings.get("year"),
        "boundary": run.settings.get("boundary", ""),
        "scenario": run.settings.get("scenario", "actual"),
        "perspective": "park",
        "options": {},
        "total": None,
        "unit": "",
        "complete": True,
        "record_version": run.record_version,
        "catalogue_version": run.catalogue_version,
        "restates": run.restates,
        "reason": run.reason,
        "restated_by": run.restated_by,
    }


def run_columns(printer: Printer) -> list[Column]:
    """Return the columns of a list of runs."""
    return [
        Column(printer.text(N_("Run")), "name"),
        Column(printer.text(N_("Result"))),
        Column(printer.text(N_("Year")), "name"),
        Column(printer.text(N_("Boundary")), "name"),
        Column(printer.text(N_("Total or subtotal")), "each"),
        Column(printer.text(N_("Unit")), "name"),
        Column(printer.text(N_("Time (UTC)")), "name"),
        Column(printer.text(N_("By")), "name"),
        Column(printer.text(N_("Remark"))),
    ]


def run_row(row: dict[str, Any], printer: Printer) -> tuple[Any, ...]:
    """Return a run as a row of such a list."""
    remarks = [] if row["complete"] else [printer.text(N_("subtotal"))]
    if row["perspective"] == "firms":
        remarks.append(printer.text(N_("sum of the firms")))
    if row["scenario"] != "actual":
        remarks.append(printer.text(N_("scenario {name}"), name=row["scenario"]))
    if row["restates"]:
        remarks.append(printer.text(N_("restates {run}: {reason}"), run=row["restates"], reason=row["reason"]))
    if row["restated_by"]:
        remarks.append(printer.text(N_("restated by {run}"), run=row["restated_by"]))
    return (
        row["run"],
        printer.choose(row["name_zh"], row["name_en"]),
        str(row["year"] or ""),
        row["boundary"],
        row["total"] if row["scheme"] else "",
        printer.unit(row["unit"]),
        row["created"],
        row["author"],
        "; ".join(remarks),
    )


def replay(
    context: typer.Context, folder: Folder, run: RunArgument, as_json: AsJson = False, lang: Lang = None
) -> None:
    """Work a stored result out again from what was stored with it; exit code 1 where it gives another number."""
    with opened(context, folder, lang, as_json) as (workspace, printer):
        check_inventory_runs(workspace, run)
        found = workspace.replay(run)
        same = math.isclose(found.stored, found.recomputed, rel_tol=SAME, abs_tol=0.0)
        columns = [
            Column(printer.text(N_("Run")), "name"),
            Column(printer.text(N_("As stored")), "exact", printer.unit(found.unit)),
            Column(printer.text(N_("Worked out again")), "exact", printer.unit(found.unit)),
            Column(printer.text(N_("Verdict")), "name"),
        ]
        verdict = printer.text(N_("the same")) if same else printer.text(N_("another number"))
        printer.table(columns, [(found.run.id, found.stored, found.recomputed, verdict)])
        printer.json(
            {
                "run": found.run.id,
                "stored": found.stored,
                "recomputed": found.recomputed,
                "unit": found.unit,
                "same": same,
                "record_version": found.run.record_version,
                "catalogue_version": found.run.catalogue_version,
            }
        )
        if not same:
            raise input_error(
                "replay_differs",
                found.run.id,
                N_("What was stored does not give the stored number."),
                N_("Check the database: the stored frames were damaged or changed by another program."),
            )


def restate(
    context: typer.Context,
    folder: Folder,
    run: RunArgument,
    reason: Annotated[str, typer.Option("--reason", help=N_("Why; it stays beside both results."), show_default=False)],
    as_json: AsJson = False,
    lang: Lang = None,
) -> None:
    """Draw a stored result again from the record as it is now."""
    with opened(context, folder, lang, as_json) as (workspace, printer):
        check_inventory_runs(workspace, run)
        old = workspace.stored(run)
        new = workspace.restate(run, reason)
        unit = new.scheme.totals[0].unit
        columns = [
            Column(printer.text(N_("Run")), "name"),
            Column(printer.text(N_("Total or subtotal")), "number", printer.unit(unit)),
            Column(printer.text(N_("Remark"))),
        ]
        printer.table(
            columns,
            [
                (run, old.total(), printer.text(N_("kept"))),
                (new.run, new.total(), printer.text(N_("restates {run}: {reason}"), run=run, reason=reason)),
                (printer.text(N_("Difference")), new.total() - old.total(), ""),
            ],
            totals=1,
        )
        printer.json(
            {
                "run": new.run,
                "restates": run,
                "reason": reason,
                "old": old.total(),
                "new": new.total(),
                "difference": new.total() - old.total(),
                "unit": unit,
                "complete": new.complete,
            }
        )
