"""Results of the engines of metabolism on a page: how each is asked for, and their frames as tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

import polars as pl

from ecopark.model.problems import InputError, Problem
from ecopark.translation import N_
from ecopark.web.metabolism_selection import Look
from ecopark.web.numbers import write_number
from ecopark.web.tables import Cell, Column, Kind, Row, Table

if TYPE_CHECKING:
    from ecopark.metabolism.indicators.indicators import Indicators
    from ecopark.metabolism.result import Result

Found = TypeVar("Found")
Notice = tuple[str, str, str, str]
Key = Callable[[Mapping[str, Any]], str | None]


@dataclass(frozen=True, slots=True)
class Field:
    """One column of a table made from a frame: its id there, head (message id), what it holds and how it is explained.

    `kind` beside those of a column: "node", "commodity", "layer", "disposition" (names), "unit", "words" (of `words`,
    message ids), "mixed" (numbers whose rows have different units), "method", "stream" and "flag".
    """

    id: str
    head: str
    kind: str = "text"
    key: Key | None = None
    unit: str = ""
    words: Mapping[str, str] | None = None
    places: int | None = None
    hidden: bool = False


TOLD = 6
"""Problems that a page tells one by one."""
NAMES = ("node", "commodity", "layer", "disposition", "indicator", "symbol")
NUMBERS = ("number", "percent", "integer", "mixed")


def attempt(compute: Callable[[], Found]) -> tuple[Found | None, list[Problem]]:
    """Return what `compute` gives, or the problems that keep it from giving anything."""
    try:
        return compute(), []
    except InputError as error:
        return None, list(error.problems)


def problem_notices(look: Look, problems: Sequence[Problem], href: str = "", words: str = "") -> list[Notice]:
    """Return problems as notices: cause and remedy; of many the first ones, and how many more there are."""
    made: list[Notice] = []
    for problem in problems[:TOLD]:
        cause, remedy = problem.describe(look.visit.language)
        place = f"{look.visit.text(problem.place)}: " if problem.place and problem.place not in cause else ""
        made.append(("warn", f"{place}{cause} {remedy}", href, words))
    if len(problems) > TOLD:
        more = look.visit.text(N_("{count} more of this kind."), count=len(problems) - TOLD)
        made.append(("warn", more, "", ""))
    return made


def remarks_of(look: Look, *results: Result | None) -> list[tuple[str, str]]:
    """Return the remarks of results, each once: severity and text."""
    said: dict[str, str] = {}
    for result in results:
        for remark in result.remarks if result is not None else ():
            said.setdefault(remark.text(look.visit.language), remark.severity)
    return [(severity, text) for text, severity in said.items()]


def frame_table(
    look: Look,
    result: Result,
    identity: str,
    caption: str,
    frame: pl.DataFrame,
    fields: Sequence[Field],
    *,
    note: str = "",
    empty: str = "",
) -> Table:
    """Return a frame of a result as a table; a field with a key leads each of its numbers to its explanation."""
    rows: list[Row] = [
        {field.id: _cell(look, result, field, row) for field in fields} for row in frame.iter_rows(named=True)
    ]
    columns = [
        Column(field.id, look.visit.text(field.head), look.visit.unit(field.unit), _kind(field), field.places,
               hidden=field.hidden)
        for field in fields
    ]  # fmt: skip
    columns += [
        Column(f"{field.id}_id", field.id, hidden=True) for field in fields if field.kind in ("node", "commodity")
    ]
    named = [field.id for field in fields if field.kind in ("node", "commodity")]
    rows = [
        {**row, **{f"{name}_id": source[name] for name in named}}
        for row, source in zip(rows, frame.iter_rows(named=True), strict=True)
    ]
    return Table(identity, caption, columns, rows, look.source(), note, empty)


def _kind(field: Field) -> Kind:
    if field.kind == "mixed":
        return "number"
    return field.kind if field.kind in ("number", "percent", "integer") else "text"  # type: ignore[return-value]


def _cell(look: Look, result: Result, field: Field, row: Mapping[str, Any]) -> Cell | str | float | int | None:
    value = row[field.id]
    text = look.visit.text
    if field.kind == "node":
        name = result.name(value or "", look.visit.language, "node")
        return Cell(name, href=look.node_address(value) if value else None)
    if field.kind in NAMES:
        return result.name(value or "", look.visit.language, field.kind)
    if field.kind == "words":
        return text((field.words or {}).get(value or "", value or ""))
    if field.kind == "unit":
        return look.visit.unit(value or "")
    if field.kind == "stream":
        known = value and not str(value).startswith("implied:")
        return Cell(value, href=look.visit.address(f"streams/{value}") if known else None)
    if field.kind == "flag":
        return text(N_("yes") if value else N_("no"))
    if field.kind not in NUMBERS:
        return "" if value is None else str(value)
    key = field.key(row) if field.key is not None and value is not None else None
    cell = look.number(result, value, key)
    return replace(cell, text=write_number(value)) if field.kind == "mixed" and value is not None else cell


def indicators(look: Look) -> Indicators:
    """Return the indicators of the selection."""
    return look.kept("indicators", lambda workspace: workspace.metabolism_indicators(look.year, **look.of_year))


INDICATOR_STATUS = {
    "known": "",
    "partial": N_("in part"),
    "missing": N_("not known"),
}


def indicator_table(look: Look, result: Indicators, node: str, identity: str = "indicators") -> Table:
    """Return the indicators of a node, each with its explanation, or why it has no value."""
    text = look.visit.text
    rows: list[Row] = []
    for row in result.indicators.filter(pl.col("node") == node).iter_rows(named=True):
        cell = look.number(result, row["value"], row["key"] if row["value"] is not None else None)
        if row["value"] is not None:
            whole = float(row["value"]).is_integer() and row["unit"] == "1"
            cell = replace(cell, text=write_number(int(row["value"]) if whole else row["value"]))
        name = result.name(row["indicator"], look.visit.language, "indicator")
        if row["layer"]:
            name += f" · {look.name(row['layer'], 'layer')}"
        rows.append(
            {
                "indicator": name,
                "value": cell,
                "unit": look.visit.unit(row["unit"]) if row["unit"] != "1" else "",
                "sd": Cell(row["sd"], text=write_number(row["sd"])),
                "status": text(INDICATOR_STATUS[row["status"]]) if INDICATOR_STATUS[row["status"]] else "",
                "reason": result.reason(row, look.visit.language),
                "id": row["indicator"],
                "layer": row["layer"],
            }
        )
    columns = [
        Column("indicator", text(N_("Indicator"))),
        Column("value", text(N_("Value")), kind="number"),
        Column("unit", text(N_("Unit"))),
        Column("sd", text(N_("Standard deviation")), kind="number"),
        Column("status", text(N_("Status"))),
        Column("reason", text(N_("What is missing"))),
        Column("id", text(N_("Id")), hidden=True),
        Column("layer", text(N_("Layer")), hidden=True),
    ]
    caption = text(N_("Indicators: {node}"), node=look.name(node))
    return Table(identity, caption, columns, rows, look.source(), empty=text(N_("No indicator for this node.")))


def node_indicators(look: Look, node: str) -> list[Table]:
    """Return the indicators of a node that has any, as tables."""
    found, _ = attempt(lambda: indicators(look))
    if found is None or found.indicators.filter(pl.col("node") == node).is_empty():
        return []
    return [indicator_table(look, found, node, "node-indicators")]
