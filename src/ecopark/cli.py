"""The command line: ``ecopark VERB DIR …``; verbs are the field's words (see `ecopark.commands`).

Exit codes: 0 done, 1 input that cannot be used, 2 a call that cannot be read, 130 interrupted.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

import typer

from ecopark.commands import (
    accounts,
    balances,
    changes,
    comparisons,
    documents,
    explaining,
    factors,
    indicators,
    pictures,
    reconciling,
    record,
    schemes,
    tracing,
    values,
)
from ecopark.commands.calling import Call, call_at_start
from ecopark.commands.helping import HelpfulGroup, UsageError, start, usage_message
from ecopark.translation import N_, translate

NAME = "ecopark"
BAD_INPUT, BAD_CALL, INTERRUPTED = 1, 2, 130


def create_app() -> typer.Typer:
    """Return the command line with all its verbs."""
    about = N_(
        "Open software for industrial parks: one record of everything that flows through a park, and every answer "
        "explained from it."
    )
    app = typer.Typer(
        name=NAME,
        cls=HelpfulGroup,
        help=about,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
    )
    app.callback(invoke_without_command=True)(start)
    for module in (
        *(record, accounts, comparisons, balances, reconciling, tracing, changes, indicators, values, pictures),
        *(explaining, factors, schemes, documents),
    ):
        module.register(app)
    return app


def run(arguments: Sequence[str]) -> int:
    """Carry out one call and return its exit code; whatever is wrong is said on standard error."""
    call = call_at_start(arguments)
    try:
        command = typer.main.get_command(create_app())
        code = command.main(list(arguments), prog_name=NAME, standalone_mode=False, obj=call)
        if code == INTERRUPTED:  # typer turns the signal into this code
            return _interrupted(call)
        return code if isinstance(code, int) else 0
    except UsageError as error:
        cause, remedy = usage_message(error, call.language)
        sys.stderr.write(f"{translate(N_('error'), call.language)}: {cause}\n    {remedy}\n")
        return BAD_CALL
    except (typer.Abort, KeyboardInterrupt):
        return _interrupted(call)
    except Exception as error:
        return _failed(error, call)


def _interrupted(call: Call) -> int:
    said = N_("Interrupted. Changes are made as a whole or not at all, so nothing was left half-written.")
    sys.stderr.write(translate(said, call.language) + "\n")
    return INTERRUPTED


def _failed(error: Exception, call: Call) -> int:
    """Say what is wrong with the input; a fault of the program is raised again."""
    from ecopark.commands.problems import print_problems, problems_of

    problems = problems_of(error)
    if not problems:
        raise error
    print_problems(problems, call.language)
    return BAD_INPUT


def main() -> None:
    """Run the command line on this process's arguments and end the process."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal that cannot show a character must not end the work
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
