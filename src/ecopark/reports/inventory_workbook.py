"""The Excel twin of the inventory report: every line, coefficient, parameter and gap, for who wants to compute on.

One sheet for each thing and scheme-independent columns, so that a filter or a pivot table works at once. Numbers are
written in full; text from the data is written as text, never as a formula.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from ecopark.accounting.result import Inventory
from ecopark.model.network import PARK
from ecopark.model.tables import ACTUAL
from ecopark.reports.factor_chapters import variable_name
from ecopark.reports.finishing import clean, whole_or_nothing
from ecopark.reports.material import Material, collect
from ecopark.reports.results_chapters import TABLES, member, short_key, tasks, word_for_total
from ecopark.reports.scribe import LEVEL_NAMES, STATUS_NAMES, Scribe
from ecopark.translation import LANGUAGES, N_

if TYPE_CHECKING:
    from ecopark.workspace import Workspace

MOST_ROWS = 1_048_575
"""Rows of an Excel sheet below its head."""


@dataclass(frozen=True, slots=True)
class WorkbookSummary:
    """What was written: the file and the number of rows of each sheet; `cut` names the sheets that were too long."""

    path: Path
    rows: Mapping[str, int]
    cut: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class _Sheet:
    name: str
    heads: Sequence[str]
    rows: Sequence[Sequence[Any]]


def write_inventory_workbook(
    source: Workspace | Inventory | Sequence[Inventory] | Material,
    language: str,
    path: str | os.PathLike[str],
    *,
    year: int | None = None,
    schemes: Sequence[str] = (),
    boundary: str = PARK,
    scenario: str = ACTUAL,
    options: Mapping[str, str] | None = None,
) -> WorkbookSummary:
    """Write the results of `source` to an Excel file at `path`, with heads in `language` ("zh" or "en").

    Sheets: totals, the main total by every dimension, lines, coefficients, parameters, gaps, uncertainty. The choices
    are those of `write_inventory_report`. The file appears as a whole or not at all. Raises ValueError for an unknown
    language, FileNotFoundError where the folder does not exist.
    """
    import xlsxwriter

    if language not in LANGUAGES:
        raise ValueError(f"unknown language {language!r}; known: {', '.join(LANGUAGES)}")
    material = collect(source, year=year, schemes=schemes, boundary=boundary, scenario=scenario, options=options)
    scribe, target = Scribe(language, material), Path(path)
    sheets = [
        _totals(scribe),
        _splits(scribe),
        _lines(scribe),
        _coefficients(scribe),
        _parameters(scribe),
        _gaps(scribe),
    ]
    sheets.append(_uncertainty(scribe))
    rows: dict[str, int] = {}
    with whole_or_nothing(target) as temporary:
        settings = {"strings_to_formulas": False, "strings_to_urls": False, "nan_inf_to_errors": True}
        with xlsxwriter.Workbook(str(temporary), settings) as workbook:
            bold = workbook.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"})
            warning = workbook.add_format({"bold": True, "font_color": "#9A3B00"})
            for sheet in sheets:
                rows[sheet.name] = _write(workbook, sheet, bold, warning, scribe)
    cut = [sheet.name for sheet in sheets if len(sheet.rows) > MOST_ROWS]
    return WorkbookSummary(target, rows, cut)


def _write(workbook: Any, sheet: _Sheet, bold: Any, warning: Any, scribe: Scribe) -> int:
    page = workbook.add_worksheet(sheet.name)
    page.write_row(0, 0, sheet.heads, bold)
    kept = sheet.rows[:MOST_ROWS]
    for number, row in enumerate(kept, start=1):
        for column, value in enumerate(row):
            if isinstance(value, str):
                page.write_string(number, column, clean(value))
            elif value is not None:
                page.write(number, column, value)
    page.freeze_panes(1, 0)
    page.autofilter(0, 0, max(1, len(kept)), len(sheet.heads) - 1)
    for column, head in enumerate(sheet.heads):
        page.set_column(column, column, _width(head, [row[column] for row in kept[:200]]))
    if scribe.material.synthetic:
        page.set_header("&C" + scribe.say(N_("SYNTHETIC DATA")))
        page.write_string(0, len(sheet.heads) + 1, scribe.say(N_("SYNTHETIC DATA")), warning)
    return len(kept)


def _width(head: str, values: Sequence[Any]) -> float:
    def size(value: Any) -> int:
        if not isinstance(value, str):
            return 12
        return sum(2 if ord(character) > 0x2E7F else 1 for character in value)

    return float(min(48, 2 + max([size(head), *(size(value) for value in values)])))


def _heads(scribe: Scribe, *messages: str) -> list[str]:
    return [scribe.say(message) for message in messages]


def _totals(scribe: Scribe) -> _Sheet:
    heads = _heads(
        scribe, N_("Accounting scheme"), N_("Year"), N_("Boundary"), N_("What the number is"), N_("Quantity"),
        N_("Value"), N_("Unit"), N_("Reference"),
    )  # fmt: skip
    rows = [
        (
            scribe.scheme(one), one.year, scribe.both(*one.boundary_name), word_for_total(scribe, one),
            scribe.both(row["name_zh"], row["name_en"]), row["value"], row["unit"],
            one.reference(short_key(one, row["key"])),
        )
        for one in scribe.material.inventories
        for row in one.totals().iter_rows(named=True)
    ]  # fmt: skip
    return _Sheet(scribe.say(N_("Totals")), heads, rows)


def _splits(scribe: Scribe) -> _Sheet:
    heads = _heads(
        scribe, N_("Accounting scheme"), N_("Split by"), N_("Id"), N_("Name"), N_("Value"), N_("Unit"),
        N_("Low (95 %)"), N_("High (95 %)"), N_("Reference"),
    )  # fmt: skip
    rows = []
    for one in scribe.material.inventories:
        found = scribe.material.uncertainties.get(one.scheme.id)
        for _, dimension in TABLES:
            for row in one.by(dimension).iter_rows(named=True):
                short = short_key(one, row["key"])
                low, high = found.ranges.get(short, (None, None)) if found else (None, None)
                name = member(scribe, one, dimension, row[dimension])
                rows.append(
                    (scribe.scheme(one), dimension, row[dimension], name, row["value"], row["unit"], low, high,
                     one.reference(short))
                )  # fmt: skip
    return _Sheet(scribe.say(N_("Results")), heads, rows)


def _lines(scribe: Scribe) -> _Sheet:
    heads = _heads(
        scribe, N_("Reference"), N_("Accounting scheme"), N_("Category"), N_("Scope"), N_("Rule"), N_("Gas or measure"),
        N_("Firm"), N_("Commodity"), N_("Stream"), N_("Flow"), N_("Amount"), N_("Unit"), N_("Share of the period"),
        N_("Coefficient number"), N_("Coefficient"), N_("Result"), N_("Unit of the result"),
    )  # fmt: skip
    rows = []
    for one in scribe.material.inventories:
        worth = dict(one.coefficients.select("coefficient", "value").iter_rows())
        for row in one.lines.head(MOST_ROWS + 1).iter_rows(named=True):
            rows.append(
                (
                    one.reference(f"line:{row['line']}"), scribe.scheme(one), scribe.category(one, row["category"]),
                    row["scope"], scribe.name(one, row["rule"], "rule"), row["measure"],
                    scribe.name(one, row["node"], "node"), scribe.name(one, row["commodity"], "commodity"),
                    row["stream"], row["flow"], row["amount"], row["unit"],
                    row["share"], row["coefficient"], worth.get(row["coefficient"]), row["result"], row["result_unit"],
                )
            )  # fmt: skip
    return _Sheet(scribe.say(N_("Lines")), heads, rows)


def _coefficients(scribe: Scribe) -> _Sheet:
    heads = _heads(
        scribe, N_("Accounting scheme"), N_("Coefficient number"), N_("Rule"), N_("Commodity"), N_("Gas or measure"),
        N_("Formula"), N_("Value"), N_("Unit of the result"), N_("Unit of the amount"),
    )  # fmt: skip
    rows = [
        (
            scribe.scheme(one), row["coefficient"], scribe.name(one, row["rule"], "rule"),
            scribe.name(one, row["commodity"], "commodity"), row["measure"], row["formula"],
            row["value"], row["unit"], row["amount_unit"],
        )
        for one in scribe.material.inventories
        for row in one.coefficients.iter_rows(named=True)
    ]  # fmt: skip
    return _Sheet(scribe.say(N_("Coefficients")), heads, rows)


def _parameters(scribe: Scribe) -> _Sheet:
    heads = _heads(
        scribe, N_("Accounting scheme"), N_("Coefficient number"), N_("Symbol"), N_("Power"), N_("Value"), N_("Unit"),
        N_("Factor"), N_("Name"), N_("Level of choice"), N_("Factor set"), N_("Verification"), N_("Source"),
        N_("Version"), N_("Low (95 %)"), N_("High (95 %)"), N_("Origin of the range"), N_("Remark"),
    )  # fmt: skip
    rows = []
    for one in scribe.material.inventories:
        for row in one.parameters.iter_rows(named=True):
            name = scribe.factor_name(one, row["factor"], row["symbol"])
            source = one.sources.get(row["source"] or "", (row["source"], row["source"]))
            rows.append(
                (
                    scribe.scheme(one), row["coefficient"], row["symbol"], row["power"], row["value"], row["unit"],
                    row["factor"], name, scribe.named(LEVEL_NAMES, row["level"]), row["set"],
                    scribe.named(STATUS_NAMES, row["status"]), scribe.both(*source), row["version"], row["low"],
                    row["high"], row["range_source"], row["remark"],
                )
            )  # fmt: skip
    return _Sheet(scribe.say(N_("Parameters")), heads, rows)


def _gaps(scribe: Scribe) -> _Sheet:
    heads = _heads(
        scribe, N_("What is missing"), N_("Kind"), N_("Who owes it"), N_("Why it is needed"), N_("How to mend it"),
        N_("Accounting scheme"),
    )  # fmt: skip
    columns = ("name", "kind", "owner", "reason", "remedy", "scheme")
    rows = [tuple(task[column] for column in columns) for task in tasks(scribe)]
    return _Sheet(scribe.say(N_("Data gaps")), heads, rows)


def _uncertainty(scribe: Scribe) -> _Sheet:
    heads = _heads(
        scribe, N_("Accounting scheme"), N_("Amount or factor"), N_("Name"), N_("Part of the variance"),
    )  # fmt: skip
    rows = [
        (scribe.scheme(one), variable, variable_name(scribe, one, variable), share)
        for one in scribe.material.inventories
        if (found := scribe.material.uncertainties.get(one.scheme.id)) is not None
        for variable, share in found.variables.select(pl.col("variable").cast(pl.String), "share").iter_rows()
    ]
    return _Sheet(scribe.say(N_("Uncertainty")), heads, rows)
