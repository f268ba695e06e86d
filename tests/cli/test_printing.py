"""Tables and numbers: aligned beside Chinese text, plain away from a terminal, never commanding one."""

from __future__ import annotations

import contextlib
import io
import json
import math
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from ecopark.commands.helping import width_of
from ecopark.commands.printing import Column, Printer, exact, number, percent, plain, span

ESCAPE = "\x1b["


def printed(columns: Sequence[Column], rows: Sequence[Sequence[Any]], totals: int = 0) -> list[str]:
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        Printer("zh").table(columns, rows, totals)
    return out.getvalue().splitlines()


def test_numbers_end_in_one_column_beside_chinese_names() -> None:
    """Counting characters instead of columns would shift the number by one place for each Chinese character."""
    rows = [("燃料燃烧", 1234567.0), ("fuel", -9.5), ("净受入电力 (grid)", None), ("blank", "")]
    lines = printed(
        [Column("类别"), Column("排放", "number", "tCO₂e"), Column("键", "name")], [(*row, "k") for row in rows]
    )
    heads, *body = (line for line in lines if set(line) != {"-"})
    ends = [
        width_of(line[: line.rindex(end)].rstrip())
        for line, end in zip([heads, *body], ["键", "k", "k", "k", "k"], strict=True)
    ]
    assert ends[:4] == [ends[0]] * 4
    assert "1,234,567" in body[0]
    assert "-10" in body[1]
    assert "–" in body[2]
    assert heads.split() == ["类别", "排放", "(tCO₂e)", "键"]


def test_a_column_has_one_number_of_decimals_and_hides_nothing() -> None:
    lines = printed([Column("v", "number")], [(12.5,), (0.25,), (0.00001,), (0.0,)])
    assert [line.strip() for line in lines[2:]] == ["12.5000", "0.2500", "0.00001", "0.0000"]


def test_sums_are_set_off() -> None:
    lines = printed([Column("a"), Column("v", "integer")], [("x", 1), ("y", 2), ("sum", 3)], totals=1)
    assert [line[0] for line in lines] == ["a", "-", "x", "y", "-", "s"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (193250.0, "193,250"), (50000.0, "50,000"), (0.4, "0.4"), (1.7709860703812317, "1.771"), (0.0, "0"),
        (-0.5, "-0.5"),
        (1e-7, "1×10⁻⁷"), (None, "–"), (math.nan, "–"), (100.0, "100"), (1234567.891, "1,234,568"),
    ],
)  # fmt: skip
def test_single_numbers(value: float | None, text: str) -> None:
    assert number(value) == text


def test_exact_numbers_percent_and_ranges() -> None:
    assert (exact(0.8325), exact(41.625), exact(None)) == ("0.8325", "41.625", "–")
    assert (percent(0.44105), percent(None)) == ("44.1", "–")
    assert (span(0.3591, 0.4724), span(None, 1.0)) == ("0.3591 – 0.4724", "")


def test_json_is_json() -> None:
    """NaN and infinity are no JSON: a strict reader would refuse the whole answer."""
    data = plain({"a": math.nan, "b": [math.inf, 1.5], "c": date(2019, 1, 1), "d": Path("x"), 5: (True, None)})
    assert json.loads(json.dumps(data, allow_nan=False)) == {
        "a": None, "b": [None, 1.5], "c": "2019-01-01", "d": "x", "5": [True, None],
    }  # fmt: skip


def test_data_cannot_command_the_terminal() -> None:
    """A name from a workbook with an escape sequence, or with rich's markup, is shown as letters."""
    lines = printed([Column("name")], [("\x1b[31mred\x07[bold]x[/bold]",)])
    assert lines[2] == "[31mred[bold]x[/bold]"


def on_terminal(script: str, **variables: str) -> str:
    """What a script prints on a terminal (a pseudo-terminal of this machine)."""
    import pty

    main, side = pty.openpty()
    environment = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    environment |= {"TERM": "xterm-256color", **variables}
    running = subprocess.Popen([sys.executable, "-c", script], stdout=side, stderr=side, env=environment)
    os.close(side)
    parts = []
    while True:
        try:
            part = os.read(main, 65536)
        except OSError:  # the other end is closed
            break
        if not part:
            break
        parts.append(part)
    os.close(main)
    assert running.wait() == 0
    return b"".join(parts).decode()


SCRIPT = """
from ecopark.commands.printing import Column, Printer
columns = [Column('类别'), Column('排放', 'number', 't'), Column('键', 'name')]
with Printer('zh').working('计算中'):
    Printer('zh').heading('园区清单')
Printer('zh').table(columns, [('燃料燃烧，' * 30, 1234567890.5, 'category:electricity_location')] * 2, totals=1)
"""
on_terminals = pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")


@on_terminals
@pytest.mark.parametrize(("variables", "styled"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_styles_only_on_a_terminal_without_no_color(variables: dict[str, str], styled: bool) -> None:
    """On a terminal heads are bold and lines are drawn; with NO_COLOR, or in a pipe, it is plain text."""
    shown = on_terminal(SCRIPT, COLUMNS="100", **variables)
    assert (ESCAPE in shown) is styled
    assert all(width_of(re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", line).strip("\r")) <= 100 for line in shown.splitlines())
    piped = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, encoding="utf-8", check=True,
        env={**os.environ, "PYTHONUTF8": "1"},
    )  # fmt: skip
    assert ESCAPE not in piped.stdout + piped.stderr
    assert "燃料燃烧，" * 30 in piped.stdout


@on_terminals
@pytest.mark.parametrize("width", ["40", "60", "90"])
def test_a_narrow_terminal_cuts_no_number(width: str) -> None:
    """Cut off, 1,234,567,890 would read as another number: names are folded, and what cannot be folded runs over."""
    shown = on_terminal(SCRIPT, COLUMNS=width, NO_COLOR="1")
    assert shown.count("1,234,567,890") == 2
    assert shown.count("category:electricity_location") == 2
    assert shown.count("烧") == 60
