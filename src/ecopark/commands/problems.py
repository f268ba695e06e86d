"""What is said when input cannot be used: cause, place and remedy of every problem, on standard error."""

from __future__ import annotations

import errno
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ecopark.commands.printing import Printer, print_on
from ecopark.translation import N_

if TYPE_CHECKING:
    from ecopark.model.problems import Problem

_SYSTEM = {
    errno.ENOENT: (N_("There is no such file or folder."), N_("Check the name; make the folder if it is missing.")),
    errno.EACCES: (
        N_("It may not be read or written."),
        N_("Close it in other programs, or choose a place of your own."),
    ),
    errno.EPERM: (
        N_("It may not be read or written."),
        N_("Close it in other programs, or choose a place of your own."),
    ),
    errno.EISDIR: (N_("It is a folder, not a file."), N_("Give the name of a file.")),
    errno.ENOTDIR: (N_("It is a file, not a folder."), N_("Give the name of a folder.")),
    errno.EEXIST: (N_("It exists already."), N_("Choose another name.")),
    errno.ENOSPC: (N_("The disk is full."), N_("Make room and try again.")),
    errno.EADDRINUSE: (N_("The port is in use already."), N_("Choose another one with --port.")),
    errno.EADDRNOTAVAIL: (
        N_("This machine does not have that address."),
        N_("Use 127.0.0.1, or one of its own addresses."),
    ),
}


def problems_of(error: BaseException) -> list[Problem]:
    """Return the problems behind an exception that a user can cause; an empty list for a fault of the program."""
    from ecopark.model.problems import InputError, Problem
    from ecopark.units import UnitError

    if isinstance(error, InputError):
        return error.problems
    if isinstance(error, UnitError):
        return [Problem(error.code, error.found, error.cause, error.remedy, error.values)]
    if isinstance(error, OSError):
        number = error.errno or (errno.ENOENT if isinstance(error, FileNotFoundError) else 0)
        cause, remedy = _SYSTEM.get(number, (N_("The system says: {error}."), N_("Mend that and try again.")))
        place = str(error.filename or ("" if error.strerror else error))
        return [Problem("system", place, cause, remedy, {"error": error.strerror or str(error)})]
    if "ecopark.accounting.supply_system" in sys.modules:
        from ecopark.accounting.supply_system import UnsolvableSupply

        if isinstance(error, UnsolvableSupply):
            return [_unsolvable(error.nodes)]
    if "sqlalchemy" in sys.modules:
        from sqlalchemy.exc import DBAPIError

        if isinstance(error, DBAPIError):
            return [
                Problem(
                    "database",
                    "database",
                    N_("The database cannot be used: {error}."),
                    N_("Check that it runs and that its address in ecopark.toml is right; nothing was changed."),
                    {"error": str(error.orig).strip().rstrip(".")},
                )
            ]
    return []


def _unsolvable(nodes: Sequence[str]) -> Problem:
    from ecopark.model.problems import Problem

    return Problem(
        "supply_unsolvable",
        ", ".join(nodes),
        N_("These nodes only pass energy to each other: nothing comes in and nothing is generated there."),
        N_(
            "Add the stream that feeds them (purchased power or heat, or fuel for generation), or correct their "
            "amounts."
        ),
    )


def print_problems(problems: Sequence[Problem], language: str) -> None:
    """Print every problem with its place, cause and remedy on standard error; errors come before warnings."""
    printer = Printer(language)
    errors = [problem for problem in problems if problem.severity == "error"]
    warnings = [problem for problem in problems if problem.severity != "error"]
    if len(errors) > 1:
        print_on(sys.stderr, printer.text(N_("{count} errors:"), count=len(errors)))
    for word, found in ((N_("error"), errors), (N_("warning"), warnings)):
        for problem in found:
            cause, remedy = problem.describe(language)
            place = f"{printer.text(problem.place)}: " if problem.place else ""
            print_on(sys.stderr, f"{printer.text(word)}: {place}{cause}")
            print_on(sys.stderr, f"    {remedy}")
