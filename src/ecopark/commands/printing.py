"""How results are printed: tables with numbers right-aligned and units in the head, JSON, notes beside them.

Numbers are written by the rule that documents use too (`reports.numbers`): thousands separated, six significant digits
of a column's largest value, nothing shown as 0 that is not 0. JSON carries every number in full.
"""

from __future__ import annotations

import datetime
import json
import math
import os
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, is_dataclass
from typing import IO, TYPE_CHECKING, Any, Literal

from ecopark.translation import choose, translate

if TYPE_CHECKING:
    from rich.console import Console

Kind = Literal["text", "name", "number", "each", "exact", "integer", "percent"]
MISSING = "–"
UNBOUND = 100_000
"""Width where no terminal limits it: nothing is broken over lines."""
NARROWEST = 16
"""Columns of a terminal that a column of text keeps, if it needs them."""
_GAP = 3

_CONTROLS = {code: None for code in (*range(0x20), *range(0x7F, 0xA0)) if code not in (0x09, 0x0A)}


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: its title and unit (both as printed) and how its values are written.

    text is folded where the terminal is narrow, name never; number has one number of decimals for the whole column,
    each one for every row (rows of different units), exact as many digits as the value has; percent takes shares of 1.
    An empty text leaves a cell of any kind empty, None says that there is no value.
    """

    title: str
    kind: Kind = "text"
    unit: str = ""

    @property
    def head(self) -> str:
        """The title with the unit in brackets."""
        unit = "%" if self.kind == "percent" else self.unit
        return f"{self.title} ({unit})" if unit else self.title


class Printer:
    """Prints the answer of one verb in one language, as text or as JSON."""

    def __init__(self, language: str, as_json: bool = False) -> None:
        self.language = language
        self.as_json = as_json

    def text(self, message: str, **values: object) -> str:
        """Return a message in the printer's language with its fields filled."""
        return translate(message, self.language, **values)

    @property
    def colon(self) -> str:
        """The colon of the language."""
        return "：" if self.language == "zh" else ": "

    def choose(self, zh: str | None, en: str | None) -> str:
        """Return the name in the printer's language, or the other one."""
        return choose(self.language, zh, en)

    def unit(self, unit: str) -> str:
        """Return a unit as a person reads it; text that is no unit is returned unchanged."""
        from ecopark.units import UnitError, display

        try:
            return "" if unit in ("", "1") else display(unit, self.language)
        except UnitError:
            return unit

    def heading(self, text: str) -> None:
        """Print a heading, with an empty line before it."""
        if not self.as_json:
            print_on(sys.stdout, "")
            print_on(sys.stdout, text, "bold")

    def say(self, text: str = "") -> None:
        """Print a line of text."""
        if not self.as_json:
            print_on(sys.stdout, text)

    def note(self, text: str) -> None:
        """Print a line beside the answer, on standard error."""
        print_on(sys.stderr, text, "dim")

    def table(self, columns: Sequence[Column], rows: Iterable[Sequence[Any]], totals: int = 0) -> None:
        """Print rows of raw values under `columns`; the last `totals` rows are set off as sums."""
        if not self.as_json:
            _print_table(_console(sys.stdout), columns, [list(row) for row in rows], totals)

    def facts(self, facts: Iterable[tuple[str, str]]) -> None:
        """Print names with what holds for each, one a line."""
        if not self.as_json:
            columns = [Column("", "name"), Column("")]
            _print_table(_console(sys.stdout), columns, [list(fact) for fact in facts], 0, headed=False)

    @contextmanager
    def working(self, text: str) -> Iterator[None]:
        """Show on a terminal (on standard error) that work is going on, until the block ends."""
        console = _console(sys.stderr)
        if console.is_terminal:
            with console.status(_safe(text)):
                yield
        else:
            yield

    def json(self, data: Any) -> None:
        """Print data as JSON if JSON was asked for."""
        if self.as_json:
            write_json(data)


def print_on(stream: IO[str], text: str, style: str | None = None) -> None:
    """Print a line of text on a stream; the style shows on terminals only."""
    _console(stream).print(_safe(text), style=style, markup=False, soft_wrap=True)


def write_json(data: Any) -> None:
    """Write data to standard output as JSON; what is not a finite number becomes null."""
    encoding = (getattr(sys.stdout, "encoding", None) or "utf-8").lower().replace("-", "")
    text = json.dumps(plain(data), ensure_ascii=encoding != "utf8", indent=1, allow_nan=False)
    sys.stdout.write(text + "\n")


def plain(value: Any) -> Any:
    """Return `value` as what JSON knows: objects, lists, text, numbers, true, false, null."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, str | int):
        return value
    if isinstance(value, Mapping):
        return {str(name): plain(item) for name, item in value.items()}
    if isinstance(value, datetime.date):
        return value.isoformat()
    if is_dataclass(value) and not isinstance(value, type):
        return plain(asdict(value))
    if hasattr(value, "to_dicts"):
        return plain(value.to_dicts())
    if isinstance(value, Iterable):
        return [plain(item) for item in value]
    return str(value)


def number(value: float | None, decimals: int | None = None) -> str:
    """Return a number with thousands separated, with `decimals` decimals or as many as suit it."""
    from ecopark.reports.numbers import MINUS, decimals_for, print_number

    if value is None or not math.isfinite(value):
        return MISSING
    text = print_number(value, decimals_for([value]) if decimals is None else decimals).replace(MINUS, "-")
    if decimals is None and "." in text and "×" not in text:
        text = text.rstrip("0").rstrip(".")
    return text


def exact(value: float | None, most: int = 10) -> str:
    """Return a number with the digits it has, up to `most` (digits before the point are always written)."""
    from ecopark.reports.numbers import MINUS, print_exact

    return MISSING if value is None else print_exact(value, most).replace(MINUS, "-")


def percent(share: float | None) -> str:
    """Return a share of 1 in per cent, without the sign."""
    return MISSING if share is None else number(100.0 * share, 1)


def span(low: float | None, high: float | None) -> str:
    """Return a range as "low – high"; nothing where there is none."""
    return "" if low is None or high is None else f"{exact(low, 5)} – {exact(high, 5)}"


def _cells(column: Column, values: Sequence[Any]) -> list[str]:
    from ecopark.reports.numbers import decimals_for

    if column.kind in ("text", "name"):
        return ["" if value is None else _safe(str(value)) for value in values]
    if column.kind == "number":
        decimals = decimals_for([value for value in values if value != ""])
        return ["" if value == "" else number(value, decimals) for value in values]
    write = {"integer": _integer, "each": number, "exact": exact, "percent": percent}[column.kind]
    return ["" if value == "" else write(value) for value in values]


def _integer(value: int | None) -> str:
    return MISSING if value is None else f"{value:,d}"


def _print_table(
    console: Console, columns: Sequence[Column], rows: list[list[Any]], totals: int, *, headed: bool = True
) -> None:
    from rich.box import SIMPLE_HEAD, Box
    from rich.cells import cell_len
    from rich.table import Table
    from rich.text import Text

    plain_box = Box("    \n    \n -- \n    \n -- \n -- \n    \n    \n", ascii=True)
    table = Table(
        box=SIMPLE_HEAD if console.is_terminal else plain_box,
        pad_edge=False,
        header_style="bold",
        show_edge=False,
        show_header=headed,
    )
    cells = [_cells(column, [row[position] for row in rows]) for position, column in enumerate(columns)]
    least = 0
    for column, texts in zip(columns, cells, strict=True):
        head = _safe(column.head)
        widest = max(cell_len(text) for text in (head, *texts))
        narrow = min(NARROWEST, widest) if column.kind == "text" else widest
        least += narrow + _GAP
        table.add_column(
            Text(head),
            justify="left" if column.kind in ("text", "name") else "right",
            no_wrap=column.kind != "text",
            overflow="fold",
            min_width=narrow,
        )
    for number_of_row, row in enumerate(zip(*cells, strict=True)):
        if totals and number_of_row == len(rows) - totals:
            table.add_section()
        style = "bold" if totals and number_of_row >= len(rows) - totals else None
        table.add_row(*(Text(cell) for cell in row), style=style)
    # a number or an id that is cut off would read as another one: rather let the terminal break the lines
    console.width = max(console.width, least - _GAP)
    with console.capture() as printed:
        console.print(table)
    console.file.write("".join(line.rstrip() + "\n" for line in printed.get().splitlines()))


def _console(stream: IO[str]) -> Console:
    """Return a console on a stream: plain text where it is no terminal or NO_COLOR is set."""
    from rich.console import Console

    terminal = stream.isatty()
    width = shutil.get_terminal_size().columns if terminal else UNBOUND
    styled = terminal and not os.environ.get("NO_COLOR")
    return Console(file=stream, width=width, highlight=False, emoji=False, force_terminal=None if styled else False)


def _safe(text: str) -> str:
    """Return `text` without control characters: data must not command the terminal."""
    return text.translate(_CONTROLS)
