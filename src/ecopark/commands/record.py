"""Verbs on the record: init, template, import, export, undo, history, close, reopen."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ecopark.commands.calling import AsJson, Folder, Lang, Reason, call_of, input_error, opened, printer_of
from ecopark.commands.helping import verb
from ecopark.commands.printing import Column, Printer
from ecopark.commands.problems import print_problems
from ecopark.translation import N_

if TYPE_CHECKING:
    import polars as pl

    from ecopark.storage.changesets import Changeset
    from ecopark.storage.importing import Preview
    from ecopark.workspace import Workspace

YearArgument = Annotated[int, typer.Argument(metavar="YEAR", help=N_("Calendar year."), show_default=False)]
ReasonNeeded = Annotated[str, typer.Option("--reason", help=N_("Why; it stays in the history."), show_default=False)]

STATUSES = {
    "new": N_("new"),
    "changed": N_("changed"),
    "same": N_("same"),
    "blank": N_("left out"),
    "error": N_("error"),
}
CHANGES = {"new": N_("{count} new"), "changed": N_("{count} changed"), "removed": N_("{count} removed")}
ACTIONS = {"import": N_("import"), "edit": N_("edit"), "undo": N_("undo"), "reconcile": N_("data reconciliation")}


def register(app: typer.Typer) -> None:
    """Add the verbs of this module to the command line."""
    verb(app, "init", init, N_("Make a folder a workspace with an empty record."))
    verb(app, "template", template, N_("Write the workbook to fill in, empty or with the record's rows."))
    verb(
        app,
        "import",
        import_,
        N_("Bring in a workbook (.xlsx), a folder of CSV files or one CSV file: as a whole, or not at all."),
    )
    verb(
        app,
        "export",
        export,
        N_("Write the record as a data package (CSV files with datapackage.json) or a workbook (.xlsx)."),
    )
    verb(app, "undo", undo, N_("Take the last import or edit back."))
    verb(app, "history", history, N_("List the changes of the record, and the years closed and opened."))
    verb(app, "close", close, N_("Close a year: its data can no longer be changed."))
    verb(app, "reopen", reopen, N_("Open a closed year again, with a reason."))


def init(
    context: typer.Context,
    folder: Folder,
    database: Annotated[
        str | None,
        typer.Option(
            "--database",
            metavar="URL",
            help=N_("Address of the database (else a SQLite file in the folder)."),
            show_default=False,
        ),
    ] = None,
    year: Annotated[
        int | None, typer.Option("--year", help=N_("Accounting year used where none is given."), show_default=False)
    ] = None,
    as_json: AsJson = False,
    lang: Lang = None,
) -> None:
    """Make `folder` a workspace with an empty record."""
    from ecopark.storage.settings import DEFAULT_DATABASE, Settings
    from ecopark.storage.store import Store

    printer = printer_of(context, lang, as_json)
    settings = Settings(database or DEFAULT_DATABASE, call_of(context).language, year)
    with Store.create(folder, settings) as store:
        place = store.folder.as_posix()
    printer.say(printer.text(N_("{folder} is a workspace now."), folder=place))
    printer.say(
        printer.text(
            N_(
                "Next: `ecopark template -o park.xlsx` writes the workbook to fill in, `ecopark import {folder} "
                "park.xlsx` brings it in."
            ),
            folder=place,
        )
    )
    # the address may hold a password, which is not for a log
    printer.json({"folder": place, "language": settings.language, "year": settings.year})


def template(
    context: typer.Context,
    folder: Annotated[
        Path | None,
        typer.Argument(
            metavar="DIR", help=N_("Folder of the workspace (none: an empty workbook)."), show_default=False
        ),
    ] = None,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help=N_("Workbook to write (.xlsx)."))
    ] = Path("park.xlsx"),
    empty: Annotated[bool, typer.Option("--empty", help=N_("Leave the sheets empty."))] = False,
    year: Annotated[
        int | None,
        typer.Option(
            "--year",
            help=N_("Year to fill in: the streams stand ready, last year's amounts in grey beside them."),
            show_default=False,
        ),
    ] = None,
    firm: Annotated[
        str | None,
        typer.Option(
            "--firm", metavar="ID", help=N_("Only what concerns this node, to send to a firm."), show_default=False
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help=N_("Replace the file if it exists."))] = False,
    as_json: AsJson = False,
    lang: Lang = None,
) -> None:
    """Write the workbook to fill in."""
    from ecopark.catalogue import load_catalogue
    from ecopark.reports.finishing import whole_or_nothing
    from ecopark.storage.workbook_template import write_template

    if output.exists() and not force:
        raise input_error(
            "file_exists",
            output.as_posix(),
            N_("The file exists already: somebody may have filled it in."),
            N_("Give another name with -o, or replace it with --force."),
        )
    if folder is None or empty:
        printer = printer_of(context, lang, as_json)
        with whole_or_nothing(output) as part:
            write_template(part, load_catalogue())
    else:
        with opened(context, folder, lang, as_json) as (workspace, printer), whole_or_nothing(output) as part:
            write_template(part, workspace.catalogue, workspace.record, firm=firm, next_year=year)
    printer.say(printer.text(N_("Written: {file}"), file=output.as_posix()))
    printer.json({"file": output.as_posix()})


def import_(
    context: typer.Context,
    folder: Folder,
    source: Annotated[
        Path, typer.Argument(metavar="FILE", help=N_("Workbook, folder or CSV file."), show_default=False)
    ],
    dry_run: Annotated[bool, typer.Option("--dry-run", help=N_("Show what would change and write nothing."))] = False,
    reason: Reason = "",
    as_json: AsJson = False,
    lang: Lang = None,
) -> None:
    """Show what an import changes and, unless it is a dry run, apply it in one transaction."""
    from ecopark.storage.importing import preview_import

    with opened(context, folder, lang, as_json) as (workspace, printer):
        with printer.working(printer.text(N_("Reading and checking {source} …"), source=source.name)):
            preview = preview_import(workspace.store, source, workspace.catalogue)
        effect = None
        if preview.record_after is not None and preview.changes.rows:
            with printer.working(printer.text(N_("Calculating …"))):
                effect = _effect(workspace, preview, printer)
        _print_preview(preview, effect, printer)
        changeset = None
        if not preview.errors and not dry_run:
            with printer.working(printer.text(N_("Writing …"))):
                changeset = preview.apply(workspace.store, reason=reason)
        printer.json(
            preview.to_json(printer.language)
            | {
                "effect": None if effect is None else effect.to_dicts(),
                "dry_run": dry_run,
                "applied": changeset is not None,
                "change": changeset and changeset.id,
            }
        )
        _print_outcome(preview, changeset, dry_run, folder, printer)
        if preview.errors:
            raise typer.Exit(1)


def _effect(workspace: Workspace, preview: Preview, printer: Printer) -> pl.DataFrame | None:
    """Return the effect on yearly emissions; None, with a note, where the record cannot be accounted for yet."""
    from ecopark.model.problems import InputError

    assert preview.record_after is not None
    try:
        return workspace.effect(preview.record_before, preview.record_after)
    except InputError as error:
        for problem in error.problems:
            printer.note(
                printer.text(
                    N_("The effect on emissions cannot be shown yet: {reason}"), reason=problem.line(printer.language)
                )
            )
        return None


def _print_preview(preview: Preview, effect: pl.DataFrame | None, printer: Printer) -> None:
    from ecopark.model.tables import TABLES

    rows = [
        (printer.choose(TABLES[name].zh, TABLES[name].en), name, *(counts[status] for status in STATUSES))
        for name, counts in preview.counts.items()
    ]
    columns = [Column(printer.text(N_("Table")), "name"), Column(printer.text(N_("Sheet")), "name")]
    columns += [Column(printer.text(word), "integer") for word in STATUSES.values()]
    if rows:
        printer.heading(printer.text(N_("Rows in {source}"), source=preview.source.name))
        printer.table(columns, rows)
    if effect is not None and not effect.is_empty():
        unit = printer.unit(effect["unit"][0])
        printer.heading(printer.text(N_("Effect on emissions (scheme park-ghg)")))
        columns = [
            Column(printer.text(N_("Year")), "name"),
            Column(printer.text(N_("Before")), "number", unit),
            Column(printer.text(N_("After")), "number", unit),
            Column(printer.text(N_("Difference")), "number", unit),
        ]
        printer.table(
            columns,
            [
                (str(year), before, after, (after or 0.0) - (before or 0.0))
                for year, before, after in effect.select("year", "before", "after").iter_rows()
            ],
        )
    if not printer.as_json:
        print_problems(preview.problems, printer.language)


def _print_outcome(
    preview: Preview, changeset: Changeset | None, dry_run: bool, folder: Path, printer: Printer
) -> None:
    printer.say()
    if preview.errors:
        printer.say(
            printer.text(N_("Nothing was changed. Errors to be mended first: {count}."), count=len(preview.errors))
        )
    elif not preview.changes.rows:
        printer.say(printer.text(N_("Nothing to do: the record says the same already.")))
    elif dry_run:
        printer.say(printer.text(N_("Nothing was changed (dry run). Without --dry-run it is applied as a whole.")))
    elif changeset is not None:
        values = {"number": changeset.id, "folder": folder.as_posix()}
        printer.say(printer.text(N_("Applied as change {number}; `ecopark undo {folder}` takes it back."), **values))


def export(
    context: typer.Context,
    folder: Folder,
    target: Annotated[
        Path, typer.Argument(metavar="FOLDER", help=N_("Folder, or workbook (.xlsx), to write."), show_default=False)
    ],
    as_json: AsJson = False,
    lang: Lang = None,
) -> None:
    """Write the record as a data package or a workbook."""
    from ecopark.reports.finishing import whole_or_nothing
    from ecopark.storage.workbook_template import write_template

    with opened(context, folder, lang, as_json) as (workspace, printer):
        if target.suffix.lower() == ".xlsx":
            with whole_or_nothing(target) as part:
                write_template(part, workspace.catalogue, workspace.record)
            files = [target]
        else:
            files = _write_package(workspace, target)
        for file in files:
            printer.say(printer.text(N_("Written: {file}"), file=file.as_posix()))
        printer.json({"files": [file.as_posix() for file in files]})


def _write_package(workspace: Workspace, target: Path) -> list[Path]:
    """Write the data package beside its place first, so that an interruption leaves the former one."""
    from ecopark.model.tables import TABLES
    from ecopark.storage.folder import write_folder

    target.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=".export-", dir=target))
    try:
        written = [path.name for path in write_folder(workspace.record, aside, title=workspace.name[0])]
        for name in [f"{table}.csv" for table in TABLES]:
            if name not in written:
                (target / name).unlink(missing_ok=True)
        return [(aside / name).replace(target / name) for name in written]
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def undo(
    context: typer.Context, folder: Folder, reason: Reason = "", as_json: AsJson = False, lang: Lang = None
) -> None:
    """Take the last import or edit back."""
    with opened(context, folder, lang, as_json) as (workspace, printer):
        changeset = workspace.store.undo(reason)
        printer.say(
            printer.text(
                N_("Change {undone} was taken back (change {number}: {what})."),
                undone=changeset.undoes,
                number=changeset.id,
                what=_counts(changeset.counts, printer),
            )
        )
        printer.json(changeset)


def _counts(counts: Mapping[str, Mapping[str, int]], printer: Printer) -> str:
    from ecopark.model.tables import TABLES

    parts = []
    for table, kinds in counts.items():
        words = ", ".join(printer.text(CHANGES[kind], count=count) for kind, count in kinds.items())
        parts.append(f"{printer.choose(TABLES[table].zh, TABLES[table].en)} {words}")
    return "; ".join(parts)


def history(
    context: typer.Context,
    folder: Folder,
    limit: Annotated[
        int | None, typer.Option("--limit", help=N_("Only the newest so many."), show_default=False)
    ] = None,
    as_json: AsJson = False,
    lang: Lang = None,
) -> None:
    """List the changes of the record, newest first, and the closings of years."""
    with opened(context, folder, lang, as_json) as (workspace, printer):
        changes, closures = workspace.store.history(limit), workspace.store.closures.history()
        printer.heading(printer.text(N_("Changes of the record")))
        columns = [
            Column(printer.text(N_("No.")), "integer"),
            Column(printer.text(N_("Time (UTC)")), "name"),
            Column(printer.text(N_("By")), "name"),
            Column(printer.text(N_("Kind")), "name"),
            Column(printer.text(N_("From"))),
            Column(printer.text(N_("Rows"))),
            Column(printer.text(N_("Reason"))),
            Column(printer.text(N_("Remark"))),
        ]
        printer.table(
            columns,
            [
                (
                    one.id,
                    one.created,
                    one.author,
                    printer.text(ACTIONS.get(one.action, one.action)),
                    one.source_name,
                    _counts(one.counts, printer),
                    one.reason,
                    _remark(one, printer),
                )
                for one in changes
            ],
        )
        if closures:
            printer.heading(printer.text(N_("Closed years")))
            columns = [
                Column(printer.text(N_("Year")), "name"),
                Column(printer.text(N_("Closed (UTC)")), "name"),
                Column(printer.text(N_("By")), "name"),
                Column(printer.text(N_("Reason"))),
                Column(printer.text(N_("Opened again (UTC)")), "name"),
                Column(printer.text(N_("By")), "name"),
                Column(printer.text(N_("Reason"))),
            ]
            printer.table(
                columns,
                [
                    (
                        str(one.year),
                        one.closed,
                        one.closed_by,
                        one.reason,
                        one.reopened,
                        one.reopened_by,
                        one.reopen_reason,
                    )
                    for one in closures
                ],
            )
        printer.json({"changes": changes, "closures": closures})


def _remark(change: Changeset, printer: Printer) -> str:
    if change.undoes is not None:
        return printer.text(N_("takes {number} back"), number=change.undoes)
    if change.undone_by is not None:
        return printer.text(N_("taken back by {number}"), number=change.undone_by)
    return ""


def close(
    context: typer.Context,
    folder: Folder,
    year: YearArgument,
    reason: ReasonNeeded,
    as_json: AsJson = False,
    lang: Lang = None,
) -> None:
    """Close a year."""
    with opened(context, folder, lang, as_json) as (workspace, printer):
        closure = workspace.store.closures.close(year, reason)
        _print_closure(N_("{year} is closed: its data can no longer be changed."), closure, printer)


def reopen(
    context: typer.Context,
    folder: Folder,
    year: YearArgument,
    reason: ReasonNeeded,
    as_json: AsJson = False,
    lang: Lang = None,
) -> None:
    """Open a closed year again."""
    with opened(context, folder, lang, as_json) as (workspace, printer):
        closure = workspace.store.closures.reopen(year, reason)
        _print_closure(N_("{year} is open again; the reason stays in the history."), closure, printer)


def _print_closure(message: str, closure: Any, printer: Printer) -> None:
    printer.say(printer.text(message, year=closure.year))
    printer.json(closure)
