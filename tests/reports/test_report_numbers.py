"""Every number of the report is registered, and every registered number can be computed again from where it comes.

A wrong program (a rounded intermediate, a number typed into a table, a share of the wrong total, a stale reference)
gives a number that differs from its recomputation, or one that the register does not know.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import polars as pl
import pytest

from ecopark.accounting.inventory_uncertainty import assess_uncertainty, without_range
from ecopark.accounting.remarks import doubtful_parameters
from ecopark.accounting.result import Inventory
from ecopark.reports.numbers import RegisteredFigure, read_number
from tests.reports.reporting import CHOICES, Written

Give = Callable[[str, str], Written]
EXAMPLES = sorted(CHOICES)
CASES = [(name, language) for name in EXAMPLES for language in ("zh", "en")]


def inventory_of(report: Written, reference: str) -> Inventory:
    run = reference.partition("-")[0]
    known = [*report.material.inventories, *report.material.years]
    return next((one for one in known if one.run == run), None) or report.workspace.stored(run)


def explained(report: Written, reference: str, cache: dict[Any, Any]) -> float:
    """The value that `ecopark explain REFERENCE` recomputes from formula and inputs.

    Comparisons and consolidations are asked once for all their numbers (the workspace would draw them each time).
    """
    runs, _, key = reference.partition("-")
    workspace, (first, _, second) = report.workspace, runs.partition("~")
    if second:
        if runs not in cache:
            cache[runs] = workspace.compare(workspace.stored(first), workspace.stored(second))
        explanation = cache[runs].explain(key)
    elif key.startswith("eliminat"):
        if (runs, "eliminations") not in cache:
            cache[runs, "eliminations"] = workspace.consolidation(inventory_of(report, reference))
        explanation = cache[runs, "eliminations"].explain(key)
    else:
        explanation = workspace.explain(reference)
    recomputed = explanation.recompute()
    largest = max((abs(item.value) for item in explanation.inputs), default=0.0)
    if abs(recomputed) <= 1e-14 * largest:  # what a subtraction of large numbers leaves of them is nought
        recomputed = 0.0
    assert explanation.value == pytest.approx(recomputed, rel=1e-9, abs=1e-9)
    return recomputed


def range_end(inventory: Inventory, reference: str, cache: dict[Any, Any]) -> float:
    """An end of a range, from the uncertainty methods themselves."""
    where, *method, end = reference.split("@")
    kept = (inventory.run, "ranges")
    found = cache[kept] = cache.get(kept) or assess_uncertainty(inventory)
    totals = found.simple.totals if method == ["approach_1"] else found.simulated.totals
    return float(totals.filter(pl.col("group") == where.partition("-")[2])[end][0])


def recomputed(report: Written, figure: RegisteredFigure, cache: dict[Any, Any]) -> float:
    """The value of a registered figure, worked out anew by the way that its kind names."""
    reference, kind = figure.reference, figure.kind
    if kind == "result":
        return explained(report, reference, cache)
    if kind == "share":
        return 100 * explained(report, reference, cache)
    if kind in ("ratio", "difference"):
        first, second = (explained(report, part, cache) for part in figure.of)
        return first / second if kind == "ratio" else first - second
    if kind == "record":
        if "-statistic:" in reference:
            return explained(report, reference, cache)
        node, start, variable = reference.removeprefix("statistics:").split("/")
        rows = report.workspace.record.statistics.filter(
            (pl.col("node") == node) & (pl.col("variable") == variable)
            & (pl.col("period_start").dt.year() == int(start[:4]))
        )  # fmt: skip
        return float(rows["value"][0])
    if kind == "rest":
        steps, _, last = reference.partition("…")
        link, _, first_step = steps.rpartition("step:")
        numbers = range(int(first_step), int(last) + 1)
        return sum(explained(report, f"{link}step:{number}", cache) for number in numbers)
    inventory = inventory_of(report, reference)
    if kind == "range":
        return range_end(inventory, reference, cache)
    if kind == "variance":
        where, _, what = reference.partition("@variance")
        kept = (inventory.run, "variance", bool(what))
        variance = cache[kept] = cache.get(kept) or assess_uncertainty(inventory).correlated
        if what:
            frame = variance.variables("total").filter(pl.col("variable") == what[1:])
        else:
            frame = variance.lines("total").filter(pl.col("line") == int(where.rpartition(":")[2]))
        return 100 * float(frame["share"][0])
    if kind == "resting":
        _, _, what = reference.partition("@")
        if what.startswith("exact:"):
            frame = without_range(inventory).filter(pl.col("variable") == what.removeprefix("exact:"))
        else:
            frame = doubtful_parameters(inventory).filter(pl.col("factor") == what)
        return 100 * float(frame["share"][0])
    if kind == "limit":
        indicator, variant, year = re.fullmatch(r".*-indicator:(.+)@limit:(.*):(\d*)", reference).groups()  # type: ignore[union-attr]
        return next(
            limit.limit
            for limit in inventory.scheme.limits
            if (limit.indicator, limit.variant, str(limit.year or "")) == (indicator, variant, year)
            and limit.limit == figure.value
        )
    if kind == "amount":
        return amount(report, inventory, reference, cache)
    assert kind == "factor"
    return float("nan")


def amount(report: Written, inventory: Inventory, reference: str, cache: dict[Any, Any]) -> float:
    """The amount or coefficient of a line, or a part of an elimination."""
    where, _, part = reference.partition("@")
    kind, _, identity = where.partition("-")[2].partition(":")
    if kind == "line":
        line = inventory.lines.filter(pl.col("line") == int(identity)).row(0, named=True)
        if part == "amount":
            return float(line["amount"])
        worth = inventory.coefficients.filter(pl.col("coefficient") == line["coefficient"])["value"][0]
        assert line["result"] == pytest.approx(line["amount"] * line["share"] * worth, rel=1e-9, abs=1e-12)
        return float(worth)
    explained(report, where, cache)
    table = cache[inventory.run, "eliminations"].eliminations
    return float(table.filter(pl.col("stream") == identity)[part][0])


def factor_values(report: Written) -> dict[str, set[float]]:
    """Factor id -> the values, lows and highs that the catalogue or the park gives."""
    known: dict[str, set[float]] = {}
    catalogue = report.workspace.catalogue.factors
    own = [one.parameters.filter(pl.col("set") == "local") for one in report.material.inventories]
    frames = [catalogue.select("id", "value", "low", "high")]
    frames += [frame.select(pl.col("factor").alias("id"), "value", "low", "high") for frame in own]
    for frame in frames:
        for identity, *values in frame.iter_rows():
            known.setdefault(identity, set()).update(value for value in values if value is not None)
    return known


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_figure_is_recomputed_from_its_reference(written: Give, name: str) -> None:
    """For every number of the report: recomputed from what `explain` gives, equal to 1e-9."""
    report = written(name, "en")
    known, cache = factor_values(report), dict[Any, Any]()
    checked: dict[str, int] = {}
    for figure in dict.fromkeys(report.summary.figures):
        if figure.kind == "count":
            assert figure.value == int(figure.value)
            continue
        if figure.reference.startswith("factor:"):
            identity = figure.reference.removeprefix("factor:").partition("@")[0]
            assert figure.value in known[identity], figure
        else:
            value = recomputed(report, figure, cache)
            assert figure.value == pytest.approx(value, rel=1e-9, abs=1e-9), figure
        checked[figure.kind] = checked.get(figure.kind, 0) + 1
    assert {"result", "factor", "amount"} <= set(checked)
    if name == "eastman":
        assert {"ratio", "difference", "record", "range", "variance", "resting"} <= set(checked)
    if name == "rules/v4":
        assert "limit" in checked


@pytest.mark.parametrize(("name", "language"), CASES)
def test_the_printed_text_is_the_value(written: Give, name: str, language: str) -> None:
    """What is printed is the registered value, rounded at the last digit that is printed and nowhere before."""
    for figure in written(name, language).summary.figures:
        text = figure.text
        decimals = len(text.partition(".")[2]) if "×" not in text else 8
        slack = 0.5 * 10.0**-decimals
        if "×" in text or len(text.replace("0", "").replace(".", "")) <= 2:  # too small for the column: two digits
            slack = max(slack, 0.06 * abs(figure.value))
        assert abs(read_number(text) - figure.value) <= slack * 1.0000001 + 1e-7 * abs(figure.value), figure


def number_cells(document: Any) -> Iterator[tuple[str, str]]:
    """Every cell of a number column: (head of the column, text)."""
    for table in document.tables:
        heads = [cell.text for cell in table.rows[0].cells]
        for row in table.rows[1:]:
            for head, cell in zip(heads, row.cells, strict=True):
                for paragraph in cell.paragraphs:
                    if paragraph.style.name in ("Table Number", "Table Small Number"):
                        yield head, paragraph.text


@pytest.mark.parametrize(("name", "language"), CASES)
def test_no_number_in_a_table_is_unregistered(written: Give, name: str, language: str) -> None:
    """Take the finished file apart: each number of a number column is one that the register printed."""
    report = written(name, language)
    registered = {figure.text for figure in report.summary.figures}
    seen = 0
    for head, text in number_cells(report.document):
        for part in text.split("\n")[0].replace("*", "").replace("°", "").split("…"):
            token = part.strip().removeprefix("≤ ").removeprefix("≥ ")
            if token in ("–", ""):
                continue
            assert token in registered, f"{head}: {token!r} stands in the report and not in the register"
            seen += 1
    assert seen > 40


@pytest.mark.parametrize(("name", "language"), CASES)
def test_no_number_hides_in_a_text_column(written: Give, name: str, language: str) -> None:
    """A text column holds words: a cell that is nothing but a number with decimals belongs into a number column."""
    for table in written(name, language).document.tables:
        for row in table.rows[1:]:
            for cell in row.cells:
                if cell.paragraphs[0].style.name in ("Table Text", "Table Small"):
                    assert not re.fullmatch(r"[\u2212-]?[\d,]*\.\d+", cell.text.strip()), cell.text


@pytest.mark.parametrize("name", EXAMPLES)
def test_both_languages_print_the_same_numbers(written: Give, name: str) -> None:
    """The languages differ in words only."""
    first, second = (written(name, language).summary.figures for language in ("zh", "en"))
    assert [(f.reference, f.text, f.unit, f.kind) for f in first] == [
        (f.reference, f.text, f.unit, f.kind) for f in second
    ]
    assert [f.value for f in first] == pytest.approx([f.value for f in second], rel=1e-12)


def test_references_printed_in_tables_can_be_asked(written: Give) -> None:
    """A reader copies a reference out of a table and gets an explanation of that very row's number."""
    report = written("twelve-firms", "zh")
    found = 0
    for table in report.document.tables:
        heads = [cell.text for cell in table.rows[0].cells]
        if "索引号" not in heads or "数值" not in heads:
            continue
        for row in table.rows[1:]:
            reference, text = row.cells[heads.index("索引号")].text, row.cells[heads.index("数值")].text
            if reference == "–" or text == "–":
                continue
            value = report.workspace.explain(reference).recompute()
            decimals = len(text.partition(".")[2])
            slack = max(0.5000001 * 10.0**-decimals, 0.06 * abs(value) if abs(value) < 0.5 else 0.0)
            assert abs(read_number(text) - value) <= slack + 1e-9 * abs(value), (reference, text, value)
            found += 1
    assert found > 100
