"""How a reconciliation is printed. Imported by the verb only, because it needs what the engines need."""

from __future__ import annotations

from typing import Any

import polars as pl

from ecopark.commands.explaining import STATUSES
from ecopark.commands.metabolism import (
    heading,
    layer_name,
    print_remarks,
    remarks_data,
    say_how_to_explain,
    say_left_out,
    shortened,
)
from ecopark.commands.printing import Column, Printer, number
from ecopark.metabolism.layers import NORMAL_95
from ecopark.metabolism.reconciliation.result import Reconciliation
from ecopark.metabolism.wording import SUSPECTS, suspect_kind
from ecopark.storage.history import Changeset
from ecopark.translation import N_
from ecopark.workspace import Workspace

CLASSES = {
    "redundant": N_("redundant: other flows check it"),
    "nonredundant": N_("not redundant: nothing checks it"),
    "exact": N_("stated as exact"),
    "observable": N_("not measured, but determined by the balances"),
    "unobservable": N_("not measured and not determined"),
}
VERDICTS = {
    "consistent": N_("consistent"),
    "suspicious": N_("suspicious"),
    "unchecked": N_("unchecked"),
    "worked_out": N_("worked out"),
    "unknown": N_("not determined"),
}


def print_reconciliation(workspace: Workspace, found: Reconciliation, most: int, printer: Printer) -> None:
    """Print the global test, suspects, adjusted flows, what is and is not determined, and the remarks."""
    layers = ", ".join(layer_name(workspace, layer, printer) for layer in found.settings["layers"])
    heading(printer, workspace, printer.text(N_("Reconciliation")), layers, str(found.settings["year"]),
            found.run or "")  # fmt: skip
    _print_test(found, printer)
    _print_suspects(found, most, printer)
    _print_adjusted(found, most, printer)
    _print_worked_out(found, most, printer)
    _print_classes(found, printer)
    print_remarks(printer, found)
    example = found.flows.filter(pl.col("classification") == "redundant")["edge"]
    say_how_to_explain(printer, found, f"flow:{example[0]}" if len(example) else "")


def _print_test(found: Reconciliation, printer: Printer) -> None:
    test = found.test.row(0, named=True)
    if not test["degrees_of_freedom"]:
        printer.say(printer.text(N_("Nothing is redundant, so that there is nothing to test.")))
        return
    values = {"objective": number(test["objective"]), "critical": number(test["critical"]),
              "dof": test["degrees_of_freedom"], "level": f"{100 * test['level']:g}"}  # fmt: skip
    message = (
        N_("Global test passed: objective {objective}, limit {critical} ({dof} degrees of freedom, {level} %).")
        if test["passed"]
        else N_("Global test failed: objective {objective}, limit {critical} ({dof} degrees of freedom, {level} %).")
    )
    printer.say(printer.text(message, **values))
    after = float(found.balances.select(pl.col("relative_after").abs().max().fill_null(0.0)).item() or 0.0)
    printer.say(
        printer.text(
            N_("{count} balances hold now, to {relative} of their largest flow; {skipped} could not be used."),
            count=found.balances.height,
            relative=f"{after:.0e}",
            skipped=found.skipped.height,
        )
    )


def _print_suspects(found: Reconciliation, most: int, printer: Printer) -> None:
    rows = shortened(found.suspects.to_dicts(), most)
    if not rows:
        return
    printer.heading(printer.text(N_("Suspects: single errors that would explain what does not fit")))
    columns = [
        Column(printer.text(N_("Rank")), "integer"),
        Column(printer.text(N_("Where"))),
        Column(printer.text(N_("What")), "name"),
        Column(printer.text(N_("Size")), "each"),
        Column(printer.text(N_("Unit")), "name"),
        Column(printer.text(N_("Statistic")), "each"),
        Column(printer.text(N_("Explains all")), "name"),
    ]
    printer.table(
        columns,
        [
            (
                row["rank"], _place(found, row, printer),
                printer.text(SUSPECTS[suspect_kind(row["kind"], row["size"])]), abs(row["size"]),
                printer.unit(row["unit"] or ""), row["statistic"],
                printer.text(N_("yes")) if row["explains"] else printer.text(N_("no")),
            )
            for row in rows
        ],
    )  # fmt: skip
    if not found.eliminated.is_empty():
        printer.say(
            printer.text(
                N_("Left out one after the other until the test passes: {streams}."),
                streams=", ".join(found.eliminated["stream"]),
            )
        )


def _place(found: Reconciliation, row: dict[str, Any], printer: Printer) -> str:
    if row["kind"] == "flow":
        return str(row["stream"])
    if row["kind"] == "content":
        symbol, _, factor = str(row["key"]).partition(":")
        return f"{found.name(symbol.partition('^')[0], printer.language, 'symbol')} ({factor})"
    node = found.name(row["node"], printer.language, "node") if row["node"] else ""
    layer = found.name(row["layer"], printer.language, "layer") if row["layer"] else ""
    return " · ".join(part for part in (node, layer, row["key"] or "") if part)


def _print_adjusted(found: Reconciliation, most: int, printer: Printer) -> None:
    """Print the flows that the balances check, the least likely adjustment first."""
    checked = found.flows.filter(pl.col("classification") == "redundant").sort(
        pl.col("standardised").fill_null(-1.0), pl.col("relative").abs().fill_null(0.0), descending=True,
        maintain_order=True,
    )  # fmt: skip
    rows = shortened(checked.to_dicts(), most)
    if not rows:
        return
    printer.heading(printer.text(N_("Adjusted flows")))
    columns = [
        Column(printer.text(N_("Stream")), "name"),
        Column(printer.text(N_("Commodity"))),
        Column(printer.text(N_("As measured")), "each"),
        Column(printer.text(N_("± (95 %)")), "each"),
        Column(printer.text(N_("Reconciled")), "each"),
        Column(printer.text(N_("± (95 %)")), "each"),
        Column(printer.text(N_("Unit")), "name"),
        Column(printer.text(N_("Adjusted by")), "percent"),
        Column(printer.text(N_("Test")), "name"),
        Column(printer.text(N_("Verdict")), "name"),
        Column(printer.text(N_("Remark")), "name"),
        Column(printer.text(N_("Key")), "name"),
    ]
    printer.table(
        columns,
        [
            (
                row["stream"], found.name(row["commodity"], printer.language, "commodity"), row["raw"],
                _half(row["sd_raw"]), row["reconciled"], _half(row["sd_reconciled"]), printer.unit(row["unit"]),
                row["relative"], "–" if row["standardised"] is None else f"{row['standardised']:.1f}",
                printer.text(VERDICTS[row["verdict"]]), _remark(row, printer), f"flow:{row['edge']}",
            )
            for row in rows
        ],
    )  # fmt: skip
    limit = found.test["critical_single"][0]
    printer.say(printer.text(N_("Test: adjustment over its standard deviation; suspicious above {limit}."),
                             limit=f"{limit:.2f}"))  # fmt: skip
    say_left_out(printer, checked.height - len(rows))


def _half(deviation: float | None) -> float | None:
    return None if deviation is None else NORMAL_95 * deviation


def _remark(row: dict[str, Any], printer: Printer) -> str:
    method = printer.text(STATUSES[row["method"]]) if row["method"] in STATUSES else row["method"] or ""
    marks = [method]
    marks += [printer.text(N_("range assumed"))] if row["assumed"] else []
    marks += [printer.text(N_("held at its bound"))] if row["at_bound"] else []
    return ", ".join(mark for mark in marks if mark)


def _print_worked_out(found: Reconciliation, most: int, printer: Printer) -> None:
    """Print the flows that were not measured: those that the balances determine, and those they do not."""
    unmeasured = found.flows.filter(pl.col("classification").is_in(["observable", "unobservable"]))
    rows = shortened(unmeasured.sort("classification", maintain_order=True).to_dicts(), most)
    if not rows:
        return
    printer.heading(printer.text(N_("Flows that are not measured")))
    columns = [
        Column(printer.text(N_("Stream")), "name"),
        Column(printer.text(N_("Commodity"))),
        Column(printer.text(N_("Worked out")), "each"),
        Column(printer.text(N_("± (95 %)")), "each"),
        Column(printer.text(N_("Unit")), "name"),
        Column(printer.text(N_("Class"))),
        Column(printer.text(N_("Key")), "name"),
    ]
    printer.table(
        columns,
        [
            (
                row["stream"], found.name(row["commodity"], printer.language, "commodity"), row["reconciled"],
                _half(row["sd_reconciled"]), printer.unit(row["unit"]), printer.text(CLASSES[row["classification"]]),
                f"flow:{row['edge']}" if row["reconciled"] is not None else "",
            )
            for row in rows
        ],
    )  # fmt: skip
    say_left_out(printer, unmeasured.height - len(rows))


def _print_classes(found: Reconciliation, printer: Printer) -> None:
    counts = dict(found.flows["classification"].value_counts().iter_rows())
    printer.heading(printer.text(N_("What the balances say of the flows")))
    columns = [Column(printer.text(N_("Class"))), Column(printer.text(N_("Flows")), "integer")]
    printer.table(columns, [(printer.text(words), counts[name]) for name, words in CLASSES.items() if name in counts])


def print_applied(
    workspace: Workspace, found: Reconciliation, asked: bool, applied: Changeset | None, printer: Printer
) -> None:
    """Say what was written, or how it can be."""
    folder = workspace.store.folder.as_posix()
    if applied is not None:
        printer.say(
            printer.text(
                N_("Reconciled flows written as change {number}; `ecopark undo {folder}` takes it back."),
                number=applied.id,
                folder=folder,
            )
        )
    elif asked:
        printer.say(printer.text(N_("Nothing to write: no flow would change.")))
    elif found.flows["classification"].is_in(["redundant", "observable"]).any():
        printer.say(printer.text(N_("With --apply the reconciled flows are written beside the raw ones.")))


def reconciliation_data(found: Reconciliation, applied: Changeset | None) -> dict[str, Any]:
    """Return the reconciliation as plain data."""
    settings = found.settings
    return {
        **{name: settings[name] for name in ("year", "boundary", "scenario", "layers", "level", "significance",
                                             "assumed")},
        "run": found.run, "passed": found.passed, "test": found.test.to_dicts()[0],
        "flows": [
            row | {"reference": found.reference(f"flow:{row['edge']}") if row["reconciled"] is not None else None}
            for row in found.flows.to_dicts()
        ],
        "stocks": found.stocks.to_dicts(), "contents": found.contents.to_dicts(),
        "balances": found.balances.to_dicts(), "skipped": found.skipped.to_dicts(),
        "suspects": found.suspects.to_dicts(), "eliminated": found.eliminated.to_dicts(),
        "change": None if applied is None else applied.id, "remarks": remarks_data(found),
    }  # fmt: skip
