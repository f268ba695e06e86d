"""What every verb shares: its common options, the language it speaks, and the workspace it opens."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ecopark.commands.printing import Printer
from ecopark.translation import LANGUAGES, N_, catalogue, default_language, translate

if TYPE_CHECKING:
    from ecopark.catalogue import Catalogue, Scheme
    from ecopark.model.problems import InputError
    from ecopark.workspace import Workspace


class Language(StrEnum):
    """The languages ecopark speaks."""

    zh = "zh"
    en = "en"


Folder = Annotated[Path, typer.Argument(metavar="DIR", help=N_("Folder of the workspace."), show_default=False)]
AsJson = Annotated[
    bool,
    typer.Option("--json", help=N_("Print the same as JSON, numbers in full, and nothing else."), show_default=False),
]
Lang = Annotated[
    Language | None,
    typer.Option(
        "--lang", help=N_("Language: zh or en (else ECOPARK_LANG, the workspace's, the system's)."), show_default=False
    ),
]
Year = Annotated[
    int | None,
    typer.Option(
        "--year",
        help=N_("Calendar year (else the workspace's setting, or the last year with flows)."),
        show_default=False,
    ),
]
SchemeId = Annotated[
    str, typer.Option("--scheme", help=N_("Accounting scheme (`ecopark schemes` lists them)."), show_default=False)
]
SchemeIds = Annotated[
    list[str],
    typer.Option(
        "--scheme", help=N_("Accounting scheme (`ecopark schemes` lists them); may be repeated."), show_default=False
    ),
]
Boundary = Annotated[str, typer.Option("--boundary", help=N_("A boundary's id, or a node's (it and all below it)."))]
Scenario = Annotated[str, typer.Option("--scenario", help=N_("A scenario's id; actual is the record itself."))]
Choices = Annotated[
    list[str] | None,
    typer.Option(
        "--option",
        metavar="NAME=VALUE",
        help=N_("An option of the scheme, such as gwp=gwp-AR5; may be repeated."),
        show_default=False,
    ),
]
Reason = Annotated[str, typer.Option("--reason", help=N_("Why; it stays in the history."), show_default=False)]


@dataclass
class Call:
    """One call of the command line: the language to speak, and whether the user has chosen it."""

    language: str
    chosen: bool = False

    def choose(self, language: str | None) -> None:
        """Speak the language given with --lang, if one is."""
        if language is not None:
            self.language, self.chosen = usable(str(language)), True

    def settle(self, language: str) -> None:
        """Speak the workspace's language, unless the user has chosen another."""
        if not self.chosen:
            self.language = usable(language)


def usable(language: str) -> str:
    """Return `language`, or English where its messages have not been compiled."""
    try:
        catalogue(language)
    except (FileNotFoundError, ValueError):
        return "en"
    return language


def call_at_start(arguments: Sequence[str]) -> Call:
    """Return the call as far as it is known before parsing: --lang, ECOPARK_LANG, the system's locale."""
    found = ""
    for position, argument in enumerate(arguments):
        if argument == "--lang" and position + 1 < len(arguments):
            found = arguments[position + 1]
        elif argument.startswith("--lang="):
            found = argument.removeprefix("--lang=")
    if found in LANGUAGES:
        return Call(usable(found), chosen=True)
    return Call(usable(default_language()), chosen=bool(os.environ.get("ECOPARK_LANG")))


def call_of(context: Any) -> Call:
    """Return the call behind a command's context."""
    if not isinstance(context.obj, Call):
        context.obj = Call(usable(default_language()), chosen=bool(os.environ.get("ECOPARK_LANG")))
    call: Call = context.obj
    return call


def printer_of(context: typer.Context, lang: str | None, as_json: bool = False) -> Printer:
    """Return the printer of a verb that opens no workspace."""
    call = call_of(context)
    call.choose(lang)
    return Printer(call.language, as_json)


@contextmanager
def opened(
    context: typer.Context, folder: Path, lang: str | None, as_json: bool = False
) -> Iterator[tuple[Workspace, Printer]]:
    """Open the workspace in `folder` and give it with a printer in the language that holds; close it at the end.

    InputError where the folder is no workspace.
    """
    from ecopark.workspace import Workspace

    call = call_of(context)
    call.choose(lang)
    workspace = Workspace.open(folder)
    try:
        call.settle(workspace.store.settings.language)
        yield workspace, Printer(call.language, as_json)
    finally:
        workspace.close()


def input_error(code: str, place: str, cause: str, remedy: str, **values: object) -> InputError:
    """Return an InputError of one problem; `cause` and `remedy` are message ids filled from `values`."""
    from ecopark.model.problems import InputError, Problem

    return InputError([Problem(code, place, cause, remedy, values)])


def near(name: str, known: Sequence[str]) -> str:
    """Return the names nearest to `name`, else the first few, joined by commas."""
    import difflib

    return ", ".join(difflib.get_close_matches(name, known, n=3, cutoff=0.5) or list(known)[:8])


def year_or_default(workspace: Workspace, printer: Printer, year: int | None) -> int:
    """Return the year asked for, the workspace's own or the last with flows, saying which; InputError if none."""
    if year is not None:
        return year
    if workspace.store.settings.year is not None:
        year = workspace.store.settings.year
        printer.note(translate(N_("Year {year}, from the workspace's settings."), printer.language, year=year))
        return year
    if not workspace.years:
        raise input_error(
            "record_empty",
            workspace.store.folder.as_posix(),
            N_("The record has no flows yet: there is nothing to account for."),
            N_("Fill in the workbook of `ecopark template` and bring it in with `ecopark import`."),
        )
    year = workspace.years[-1]
    printer.note(
        translate(N_("Year {year}, the last one with flows (choose another with --year)."), printer.language, year=year)
    )
    return year


def check_year(workspace: Workspace, year: int, scenario: str) -> None:
    """Raise InputError where the record itself has no flow in `year`; a scenario may speak of any year."""
    from ecopark.model.tables import ACTUAL

    if scenario != ACTUAL or year in workspace.years:
        return
    years = ", ".join(str(known) for known in workspace.years) or "–"
    raise input_error(
        "year_without_flows",
        str(year),
        N_("The record has no flows in {year}."),
        N_("Years with flows: {years}. Import the data of {year}, or choose another year with --year."),
        year=year,
        years=years,
    )


def scheme_called(catalogue: Catalogue, identity: str) -> Scheme:
    """Return the scheme called `identity`; InputError with the known ones."""
    if identity not in catalogue.schemes:
        raise input_error(
            "scheme_unknown",
            identity,
            N_("There is no scheme {name}."),
            N_("Choose one of {known}."),
            name=identity,
            known=", ".join(catalogue.schemes),
        )
    return catalogue.scheme(identity)


def options_for(schemes: Sequence[Scheme], given: Sequence[str] | None) -> dict[str, dict[str, str]]:
    """Return for each scheme's id the options among "name=value" that it has.

    InputError, with every fault, for text of another form, an option that none of the schemes has, or a value that an
    option does not take.
    """
    from ecopark.model.problems import InputError, Problem

    problems: list[Problem] = []
    chosen: dict[str, dict[str, str]] = {scheme.id: {} for scheme in schemes}
    for text in given or ():
        name, equals, value = (part.strip() for part in text.partition("="))
        place = f"--option {text}"
        if not equals or not name or not value:
            problems.append(
                Problem(
                    "option_form", place, N_("An option is written NAME=VALUE."), N_("Write for instance gwp=gwp-AR5.")
                )
            )
            continue
        having = [scheme for scheme in schemes if name in scheme.options]
        if not having:
            known = ", ".join(dict.fromkeys(option for scheme in schemes for option in scheme.options)) or "–"
            problems.append(
                Problem(
                    "option_unknown",
                    place,
                    N_("{schemes}: there is no option {name}."),
                    N_("The options are: {known}."),
                    {"schemes": ", ".join(scheme.id for scheme in schemes), "name": name, "known": known},
                )
            )
        for scheme in having:
            choices = scheme.options[name].choices
            if value in choices:
                chosen[scheme.id][name] = value
            else:
                problems.append(
                    Problem(
                        "option_value",
                        place,
                        N_("{name} of {scheme} cannot be {value}."),
                        N_("Choose one of {known}."),
                        {"name": name, "scheme": scheme.id, "value": value, "known": ", ".join(choices)},
                    )
                )
    if problems:
        raise InputError(problems)
    return chosen
