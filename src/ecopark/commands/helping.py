"""Help texts in both languages, and what is said when a command is called wrongly.

Help is laid out here and not by typer, for two reasons: every word of it is translated, and columns keep their places
beside Chinese text. It imports nothing that is not needed to print text.
"""

from __future__ import annotations

import re
import shutil
import sys
import unicodedata
from collections.abc import Callable, Sequence
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from ecopark.commands.calling import Lang, call_of
from ecopark.translation import N_, translate

UsageError: type[Exception] = typer.BadParameter.__mro__[1]
"""What typer raises for a call that it cannot read."""

HELP_OPTION = N_("Show this help.")
_GAP = 2


class HelpfulCommand(TyperCommand):
    """A command with help in the language of the call."""

    def get_help(self, ctx: Any) -> str:
        """Return the help as text."""
        return help_text(self, ctx)


class HelpfulGroup(TyperGroup):
    """A group of commands with help in the language of the call."""

    def get_help(self, ctx: Any) -> str:
        """Return the help as text."""
        return help_text(self, ctx)


def verb(app: typer.Typer, name: str, function: Callable[..., None], help_: str) -> None:
    """Add a verb to the command line; `help_` is a message id."""
    app.command(name, help=help_, cls=HelpfulCommand)(function)


def start(context: typer.Context, lang: Lang = None) -> None:
    """Choose the language before the verb; without a verb, print the help."""
    call_of(context).choose(lang)
    if context.invoked_subcommand is None:
        sys.stdout.write(context.get_help() + "\n")


def width_of(text: str) -> int:
    """Return how many columns of a terminal a text takes (Chinese characters take two)."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


def wrapped(text: str, width: int) -> list[str]:
    """Return `text` in lines of at most `width` columns, broken at spaces or between Chinese characters."""
    pieces = re.findall(
        r"[\u3000-\u9fff\uff00-\uffef][，。；：、）】」]*|[^\s\u3000-\u9fff\uff00-\uffef]+|\s+", text.replace("\n", " ")
    )
    lines, line = [], ""
    for piece in pieces:
        if line and width_of(line + piece.rstrip()) > width:
            lines.append(line.rstrip())
            line = piece.lstrip()
        else:
            line += piece
    return [*lines, line.rstrip()]


def help_text(command: Any, context: Any) -> str:
    """Return the help of a command or group in the language of its call."""
    language = call_of(context.find_root()).language
    width = min(100, shutil.get_terminal_size((100, 24)).columns)
    usage = translate(N_("Usage:"), language)
    lines = wrapped(f"{usage} {context.command_path} {usage_of(command, context)}", width)
    lines += ["", *wrapped(translate(command.help or "", language), width)]
    arguments: list[tuple[str, str]] = []
    options: list[tuple[str, str]] = []
    for parameter in command.get_params(context):
        if getattr(parameter, "hidden", False):
            continue
        record = _record(parameter, language)
        (arguments if parameter.param_type_name == "argument" else options).append(record)
    commands = [
        (name, translate((found.help or "").partition("\n")[0], language))
        for name, found in getattr(command, "commands", {}).items()
        if not found.hidden
    ]
    for title, records in (
        (N_("Commands:"), commands),
        (N_("Arguments:"), arguments),
        (N_("Options:"), options),
    ):
        if records:
            lines += ["", translate(title, language), *_columns(records, width)]
    return "\n".join(lines)


def usage_of(command: Any, context: Any) -> str:
    """Return what follows the command's name in a call of it."""
    names = [
        _metavar(parameter) for parameter in command.get_params(context) if parameter.param_type_name == "argument"
    ]
    required = [
        f"{parameter.opts[0]} {_metavar(parameter)}"
        for parameter in command.get_params(context)
        if parameter.param_type_name == "option" and parameter.required
    ]
    last = ["COMMAND …"] if getattr(command, "commands", None) else []
    return " ".join([*names, *required, "[…]" if not last else "", *last]).strip()


def _record(parameter: Any, language: str) -> tuple[str, str]:
    help_ = HELP_OPTION if parameter.name == "help" else parameter.help or ""
    text = translate(help_, language)
    if parameter.param_type_name == "argument":
        return _metavar(parameter), text
    value = "" if parameter.is_flag else f" {_metavar(parameter)}"
    if parameter.required:
        text += " " + translate(N_("[required]"), language)
    elif parameter.show_default is True and parameter.default not in (None, "", False):
        text += " " + translate(N_("[default: {value}]"), language, value=parameter.default)
    return ", ".join([*parameter.opts, *parameter.secondary_opts]) + value, text


def _metavar(parameter: Any) -> str:
    choices = choices_of(parameter)
    name = "|".join(choices) if choices else str(parameter.metavar or parameter.name).upper()
    if parameter.param_type_name != "argument":
        return name
    many = " …" if parameter.nargs == -1 and "…" not in name and " " not in name else ""
    return name + many if parameter.required or "[" in name else f"[{name}{many}]"


def choices_of(parameter: Any) -> list[str]:
    """Return the words that a parameter takes, if only some are allowed."""
    choices = getattr(getattr(parameter, "type", None), "choices", None)
    if choices is None:
        descriptor = getattr(parameter, "type_descriptor", None)
        choices = getattr(descriptor, "choices", None)
    return [str(getattr(choice, "value", choice)) for choice in choices or ()]


def _columns(records: Sequence[tuple[str, str]], width: int) -> list[str]:
    left = min(34, max(width_of(name) for name, _ in records)) + _GAP
    lines = []
    for name, text in records:
        parts = wrapped(text, max(30, width - left - _GAP))
        head = "  " + name
        if width_of(name) + _GAP > left:
            lines.append(head)
            head = ""
        lines.append((head + " " * (left + _GAP - width_of(head)) + parts[0]).rstrip())
        lines += [" " * (left + _GAP) + part for part in parts[1:]]
    return lines


def usage_message(error: Any, language: str) -> tuple[str, str]:
    """Return cause and remedy of a call that could not be read, as sentences in `language`."""
    kind, parameter, text = type(error).__name__, getattr(error, "param", None), str(getattr(error, "message", error))
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "ecopark"
    remedy = translate(N_("See `{command} --help`."), language, command=command)
    if kind == "MissingParameter" and parameter is not None:
        return translate(N_("{name} is missing."), language, name=_called(parameter)), remedy
    if kind == "NoSuchOption":
        near = ", ".join(error.possibilities or ())
        hint = translate(N_("Did you mean {near}?"), language, near=near) + " " if near else ""
        return translate(N_("There is no option {name} here."), language, name=error.option_name), hint + remedy
    if kind == "BadOptionUsage":
        return translate(
            N_("The option {name} needs one value (or takes none)."), language, name=error.option_name
        ), remedy
    if kind == "BadParameter" and parameter is not None:
        choices = choices_of(parameter)
        wanted = (
            translate(N_("Give one of {known}."), language, known=", ".join(choices))
            if choices
            else translate(N_("Give a number."), language)
            if "valid int" in text or "valid float" in text
            else ""
        )
        return translate(
            N_("The value given for {name} cannot be used."), language, name=_called(parameter)
        ), wanted or remedy
    if found := re.match(r"No such command '(.*?)'", text):
        commands = list(getattr(context.command, "commands", {})) if context is not None else []
        import difflib

        near = ", ".join(difflib.get_close_matches(found[1], commands, n=2))
        hint = translate(N_("Did you mean {near}?"), language, near=near) + " " if near else ""
        return translate(N_("There is no command {name}."), language, name=found[1]), hint + remedy
    if found := re.match(r"Got unexpected extra argument\S* \((.*)\)", text):
        return translate(N_("{name} is one argument too many."), language, name=found[1]), remedy
    if text.startswith("Missing command"):
        return translate(N_("A command is missing."), language), remedy
    return text, remedy


def _called(parameter: Any) -> str:
    return (
        parameter.opts[0] if parameter.param_type_name == "option" else str(parameter.metavar or parameter.name).upper()
    )
