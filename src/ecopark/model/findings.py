"""Collecting problems: where a fault stands, and what the nearest right value might be."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection
from typing import Protocol

import polars as pl

from ecopark.model.problems import Problem, Severity
from ecopark.model.record import Record
from ecopark.model.tables import TABLES

Locate = Callable[[str, int, str], str]
"""(table, index of the row in that table's frame, column) -> the place as a person finds it, such as ``flows!D12``."""

_MOST_HINTS = 50
"""Did-you-mean is worked out for this many distinct values of a column; a column that is all wrong needs no more."""


class Fault(Protocol):
    """An error that carries its messages: `UnitError`, `PeriodError`."""

    code: str
    cause: str
    remedy: str
    values: dict[str, object]


def problem_of(fault: Fault, place: str) -> Problem:
    """Return the problem for an error that carries its messages, found at `place`."""
    return Problem(fault.code, place, fault.cause, fault.remedy, fault.values)


def default_locate(record: Record) -> Locate:
    """Return the `Locate` that names table, key and column: ``flows:elec-2019 amount``."""
    keys: dict[str, list[list[object]]] = {}

    def locate(table: str, row: int, column: str) -> str:
        if table not in keys:
            keys[table] = [record[table][name].to_list() for name in TABLES[table].key]
        values = [listed[row] for listed in keys[table]]
        key = "/".join(str(value) for value in values if value is not None) or f"row {row + 1}"
        return f"{table}:{key} {column}".rstrip()

    return locate


class Findings:
    """The problems found so far, with the row and column of each."""

    def __init__(self, record: Record, locate: Locate | None = None) -> None:
        self.record = record
        self.locate = locate or default_locate(record)
        self._found: list[tuple[int, int, Problem]] = []
        self._order = {name: index for index, name in enumerate(TABLES)}

    def add(
        self,
        table: str,
        row: int,
        column: str,
        code: str,
        cause: str,
        remedy: str,
        /,
        severity: Severity = "error",
        **values: object,
    ) -> None:
        """Add one problem; `cause` and `remedy` are message ids whose fields are `values`."""
        problem = Problem(code, self.locate(table, row, column), cause, remedy, values, severity)
        self._found.append((self._order[table], row, problem))

    def add_fault(self, table: str, row: int, column: str, fault: Fault) -> None:
        """Add the problem that an error describes."""
        self._found.append((self._order[table], row, problem_of(fault, self.locate(table, row, column))))

    def rows(self, table: str, where: pl.Expr) -> list[int]:
        """Indices of the rows of a table that meet a condition."""
        frame = self.record[table]
        if frame.is_empty():
            return []
        return frame.select(pl.arg_where(where.fill_null(False))).to_series().to_list()

    def problems(self) -> list[Problem]:
        """All problems in the order of tables and rows."""
        return [problem for _, _, problem in sorted(self._found, key=lambda found: found[:2])]


class Hints:
    """Nearest known values for wrong ones, each worked out once."""

    def __init__(self, known: Collection[str]) -> None:
        self._known = sorted(known)
        self._folded = {text.casefold(): text for text in self._known}
        self._hints: dict[str, str] = {}

    def near(self, found: str) -> str:
        """Return up to three known values like `found`, separated by commas; empty where none is like it."""
        if found not in self._hints:
            if len(self._hints) >= _MOST_HINTS:
                return ""
            self._hints[found] = ", ".join(self._matches(found.strip()))
        return self._hints[found]

    def _matches(self, found: str) -> list[str]:
        same = self._folded.get(found.casefold())
        if same:
            return [same]
        likely = [text for text in self._known if abs(len(text) - len(found)) <= max(3, len(found) // 2)]
        if len(likely) > 2000:
            likely = [text for text in likely if text[:1] == found[:1] and text[-1:] == found[-1:]][:2000]
        return difflib.get_close_matches(found, likely, n=3, cutoff=0.6)
