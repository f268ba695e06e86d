"""Verbs on factors: factors list, factors show, factors diff."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ecopark.commands.calling import AsJson, Folder, Lang, input_error, near, opened, printer_of
from ecopark.commands.explaining import STATUSES, run_columns, run_data, run_row
from ecopark.commands.helping import HelpfulGroup, start, verb
from ecopark.commands.printing import Column, Printer, exact, span
from ecopark.translation import N_

if TYPE_CHECKING:
    from ecopark.catalogue import Catalogue
    from ecopark.model.record import Record
    from ecopark.workspace import Workspace

Row = dict[str, Any]
FolderOrNone = Annotated[
    Path | None,
    typer.Argument(
        metavar="DIR", help=N_("Folder of the workspace, to include the park's own values."), show_default=False
    ),
]
LEVELS = {
    "factor": N_("the park's own factor"),
    "property": N_("the park's own property"),
    "catalogue": N_("catalogue"),
}


def register(app: typer.Typer) -> None:
    """Add the verbs of this module to the command line."""
    group = typer.Typer(cls=HelpfulGroup, rich_markup_mode=None)
    group.callback(invoke_without_command=True)(start)
    verb(group, "list", list_, N_("List factors, with value, unit, range (95 %), verification and source."))
    verb(
        group, "show", show, N_("Show one factor in full: source, other readings, and the stored results that use it.")
    )
    verb(group, "diff", diff, N_("Show what changes in stored results if a factor is replaced, before it is."))
    app.add_typer(group, name="factors", help=N_("Factors of the catalogue and of the park: list, show, diff."))


def list_(
    context: typer.Context,
    folder: FolderOrNone = None,
    of_set: Annotated[
        str | None, typer.Option("--set", help=N_("Only this set, such as Q or ipcc-2006."), show_default=False)
    ] = None,
    commodity: Annotated[
        str | None, typer.Option("--commodity", help=N_("Only this commodity."), show_default=False)
    ] = None,
    quantity: Annotated[
        str | None, typer.Option("--quantity", help=N_("Only this quantity, such as ncv."), show_default=False)
    ] = None,
    status: Annotated[
        str | None,
        typer.Option(
            "--status",
            help=N_("Only this verification: primary, secondary, unverified, contested."),
            show_default=False,
        ),
    ] = None,
    search: Annotated[
        str | None,
        typer.Option("--search", help=N_("Only where this text stands in id, names or notes."), show_default=False),
    ] = None,
    as_json: AsJson = False,
    lang: Lang = None,
) -> None:
    """List factors."""
    if folder is None:
        from ecopark.catalogue import load_catalogue

        printer, catalogue, own = printer_of(context, lang, as_json), load_catalogue(), None
        rows = all_rows(catalogue, own)
    else:
        with opened(context, folder, lang, as_json) as (workspace, printer):
            catalogue, rows = workspace.catalogue, all_rows(workspace.catalogue, workspace.record)
    wanted = {"set": of_set, "commodity": commodity, "quantity": quantity, "status": status}
    _check_filters(rows, wanted)
    names = _names(catalogue)
    rows = [row for row in rows if all(value is None or row[name] == value for name, value in wanted.items())]
    if search:
        words = search.lower()
        rows = [row for row in rows if words in _searched(row, names)]
    if not rows:
        printer.say(printer.text(N_("No factor fits.")))
    elif not printer.as_json:
        printer.table(_list_columns(printer), [_list_row(row, names, printer) for row in rows])
        printer.say(printer.text(N_("{count} factors."), count=len(rows)))
    printer.json(rows)


def all_rows(catalogue: Catalogue, record: Record | None) -> list[Row]:
    """Return the park's own factors and properties (if there is a record), then the catalogue's, in one form."""
    from ecopark.catalogue.loading import FACTOR_SCHEMA

    rows: list[Row] = []
    if record is not None:
        from ecopark.accounting.coefficients import local_rows

        for row in local_rows(record):
            kind = "factor" if row["id"].startswith("local:") else "property"
            rows.append(
                {"kind": kind}
                | {name: row.get(name) for name in FACTOR_SCHEMA}
                | {"set": "local", "stream": row["stream"], "node": row["node"]}
            )
    rows += [{"kind": "catalogue"} | row | {"stream": None, "node": None} for row in catalogue.factors.to_dicts()]
    return rows


def _check_filters(rows: Sequence[Row], wanted: dict[str, str | None]) -> None:
    from ecopark.model.problems import InputError, Problem

    problems = []
    for name, value in wanted.items():
        known = sorted({str(row[name]) for row in rows if row[name]})
        if value is not None and value not in known:
            problems.append(
                Problem(
                    "filter_unknown",
                    f"--{name} {value}",
                    N_("No factor has this {name}."),
                    N_("Such as: {known}."),
                    {"name": name, "known": near(value, known)},
                )
            )
    if problems:
        raise InputError(problems)


def _names(catalogue: Catalogue) -> dict[str, tuple[str, str]]:
    names: dict[str, tuple[str, str]] = {}
    for frame in (catalogue.commodities, catalogue.quantities):
        for identity, zh, en in frame.select("id", "name_zh", "name_en").iter_rows():
            names[identity] = (zh or "", en or "")
    return names


def _searched(row: Row, names: dict[str, tuple[str, str]]) -> str:
    parts = [
        row["id"],
        *names.get(row["commodity"], ()),
        *names.get(row["quantity"], ()),
        row["note_zh"],
        row["note_en"],
        row["source"],
    ]
    return " ".join(part for part in parts if part).lower()


def _name(identity: str | None, names: dict[str, tuple[str, str]], printer: Printer) -> str:
    return printer.choose(*names.get(identity or "", ("", ""))) or (identity or "")


def _list_columns(printer: Printer) -> list[Column]:
    return [
        Column(printer.text(N_("Id")), "name"),
        Column(printer.text(N_("Quantity"))),
        Column(printer.text(N_("Commodity"))),
        Column(printer.text(N_("Gas")), "name"),
        Column(printer.text(N_("Value")), "exact"),
        Column(printer.text(N_("Unit")), "name"),
        Column(printer.text(N_("Range (95 %)")), "name"),
        Column(printer.text(N_("Valid")), "name"),
        Column(printer.text(N_("Region")), "name"),
        Column(printer.text(N_("Verification")), "name"),
        Column(printer.text(N_("Source")), "name"),
    ]


def _list_row(row: Row, names: dict[str, tuple[str, str]], printer: Printer) -> tuple[Any, ...]:
    borrowed = "*" if (row["range_source"] or "").startswith("borrowed") else ""
    return (
        row["id"],
        _name(row["quantity"], names, printer),
        _name(row["commodity"], names, printer),
        row["gas"],
        row["value"],
        printer.unit(row["unit"] or ""),
        span(row["low"], row["high"]) + borrowed,
        _valid(row),
        row["region"],
        printer.text(STATUSES[row["status"]]) if row["status"] in STATUSES else row["status"],
        row["source"],
    )


def _valid(row: Row) -> str:
    """Return the time for which a value holds; its last day is included, as people write it."""
    import datetime

    start, end = row["valid_from"], row["valid_to"]
    if start is None and end is None:
        return ""
    if start is not None and end is not None and (start.month, start.day, end.month, end.day) == (1, 1, 1, 1):
        return str(start.year) if end.year == start.year + 1 else f"{start.year}–{end.year - 1}"
    last = "" if end is None else (end - datetime.timedelta(days=1)).isoformat()
    return f"{'' if start is None else start.isoformat()} – {last}"


def _factor_called(rows: Sequence[Row], identity: str) -> Row:
    """Return the factor called `identity`; InputError with near ones."""
    for row in rows:
        if row["id"] == identity:
            return row
    raise input_error(
        "factor_unknown",
        identity,
        N_("There is no factor {name}."),
        N_("Did you mean {near}? `ecopark factors list --search` finds one."),
        name=identity,
        near=near(identity, [row["id"] for row in rows]),
    )


def show(
    context: typer.Context,
    arguments: Annotated[
        list[str],
        typer.Argument(
            metavar="[DIR] ID",
            help=N_("The factor's id; a workspace before it adds its own values and runs."),
            show_default=False,
        ),
    ],
    as_json: AsJson = False,
    lang: Lang = None,
) -> None:
    """Show one factor in full."""
    if len(arguments) > 2:
        raise typer.BadParameter(f"Got unexpected extra argument ({arguments[2]})", context)  # as the parser says it
    identity = arguments[-1]
    if len(arguments) == 1:
        from ecopark.catalogue import load_catalogue

        catalogue = load_catalogue()
        _show(catalogue, _factor_called(all_rows(catalogue, None), identity), None, printer_of(context, lang, as_json))
        return
    with opened(context, Path(arguments[0]), lang, as_json) as (workspace, printer):
        row = _factor_called(all_rows(workspace.catalogue, workspace.record), identity)
        _show(workspace.catalogue, row, _used_in(workspace, identity), printer)


def _used_in(workspace: Workspace, identity: str) -> list[Row]:
    return [run_data(run) for run in workspace.runs.list_runs() if identity in run.factor_versions]


def _show(catalogue: Catalogue, row: Row, used: list[Row] | None, printer: Printer) -> None:
    source = next((one for one in catalogue.sources.to_dicts() if one["id"] == row["source"]), None)
    printer.heading(row["id"])
    if not printer.as_json:
        printer.facts(_facts(catalogue, row, source, printer))
    if used is not None and not used:
        printer.say(printer.text(N_("No stored result uses it.")))
    elif used:
        printer.heading(printer.text(N_("Stored results that use it")))
        printer.table(run_columns(printer), [run_row(one, printer) for one in used])
    printer.json(row | {"source_details": source, "used_in": used})


def _facts(catalogue: Catalogue, row: Row, source: Row | None, printer: Printer) -> list[tuple[str, str]]:
    names = _names(catalogue)
    unit = printer.unit(row["unit"] or "")
    value = (
        printer.text(N_("unknown: the reference does not hold it"))
        if row["value"] is None
        else f"{exact(row['value'])} {unit}"
    )
    citation = row["source"] or ""
    if source is not None:
        parts = [
            printer.choose(source["title_zh"], source["title_en"]),
            source["publisher"],
            source["year"],
            source["url"],
            source["note"],
        ]
        citation = " · ".join(part for part in parts if part) + f" [{row['source']}]"
    range_source = row["range_source"] or ""
    if range_source.startswith("borrowed:"):
        range_source = printer.text(N_("borrowed from {factor}"), factor=range_source.removeprefix("borrowed:"))
    facts = [
        (N_("Where it stands"), printer.text(LEVELS[row["kind"]])),
        (N_("Set"), row["set"]),
        (N_("Quantity"), _name(row["quantity"], names, printer)),
        (N_("Commodity"), _name(row["commodity"], names, printer)),
        (N_("Gas"), row["gas"]),
        (N_("Technology"), row["technology"]),
        (N_("Region"), row["region"]),
        (N_("Node"), row["node"]),
        (N_("Stream"), row["stream"]),
        (N_("Value"), value.strip()),
        (N_("Range (95 %)"), span(row["low"], row["high"])),
        (N_("Distribution"), row["distribution"]),
        (N_("Range from"), range_source),
        (N_("Valid"), _valid(row)),
        (N_("Version"), row["version"]),
        (N_("Verification"), printer.text(STATUSES[row["status"]]) if row["status"] in STATUSES else ""),
        (N_("Source"), citation),
        (N_("Other readings"), row["alternatives"]),
        (N_("Note"), printer.choose(row["note_zh"], row["note_en"])),
    ]
    return [(printer.text(name), str(text)) for name, text in facts if text]


def diff(
    context: typer.Context,
    folder: Folder,
    identity: Annotated[str, typer.Argument(metavar="ID", help=N_("The factor's id."), show_default=False)],
    value: Annotated[float, typer.Option("--value", help=N_("The value that might replace it."), show_default=False)],
    unit: Annotated[
        str | None, typer.Option("--unit", help=N_("Unit of that value (else the factor's own)."), show_default=False)
    ] = None,
    as_json: AsJson = False,
    lang: Lang = None,
) -> None:
    """Show what changes in stored results if a factor is replaced."""
    from ecopark.units import factor

    with opened(context, folder, lang, as_json) as (workspace, printer):
        row = _factor_called(all_rows(workspace.catalogue, workspace.record), identity)
        own = row["unit"] or "1"
        new = value * (factor(unit, own) if unit else 1.0)
        effect = workspace.factor_effect(identity, new).to_dicts()
        if not printer.as_json:
            _print_diff(row, new, effect, printer)
        printer.json({"factor": identity, "unit": own, "old_value": row["value"], "new_value": new, "results": effect})


def _print_diff(row: Row, new: float, effect: Sequence[Row], printer: Printer) -> None:
    unit = printer.unit(row["unit"] or "")
    old = printer.text(N_("unknown")) if row["value"] is None else exact(row["value"])
    printer.heading(f"{row['id']}  {old} → {exact(new)} {unit}".rstrip())
    if not effect:
        printer.say(
            printer.text(
                N_("No stored result uses it, so nothing would change; `ecopark inventory` stores what it draws.")
            )
        )
        return
    columns = [
        Column(printer.text(N_("Run")), "name"),
        Column(printer.text(N_("Scheme")), "name"),
        Column(printer.text(N_("Year")), "name"),
        Column(printer.text(N_("Boundary")), "name"),
        Column(printer.text(N_("As stored")), "each"),
        Column(printer.text(N_("With the new value")), "each"),
        Column(printer.text(N_("Difference")), "each"),
        Column(printer.text(N_("Relative change")), "percent"),
        Column(printer.text(N_("Unit")), "name"),
    ]
    printer.table(
        columns,
        [
            (
                one["run"],
                one["scheme"],
                str(one["year"]),
                one["boundary"],
                one["old"],
                one["new"],
                one["difference"],
                one["difference"] / one["old"] if one["old"] else None,
                printer.unit(one["unit"]),
            )
            for one in effect
        ],
    )
    printer.say(
        printer.text(
            N_("Nothing was changed. To use the new value, enter it in the sheet factors and restate the runs.")
        )
    )
