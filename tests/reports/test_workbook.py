"""The workbook holds every line and parameter in full, as numbers, and never a formula from the data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from openpyxl import load_workbook

from ecopark.reports import write_inventory_workbook
from ecopark.workspace import Workspace
from tests.reports.reporting import Written

Give = Callable[[str, str], Written]


def rows_of(path: Path, sheet: str) -> list[dict[str, object]]:
    cells = list(load_workbook(path)[sheet].iter_rows(values_only=True))
    return [dict(zip(map(str, cells[0]), row, strict=False)) for row in cells[1:]]


def test_lines_and_totals_are_there_in_full(written: Give, tmp_path: Path) -> None:
    """Adding the lines of a total up in the workbook gives the total, to the last digit that Excel keeps."""
    material = written("twelve-firms", "en").material
    summary = write_inventory_workbook(material, "en", tmp_path / "results.xlsx")
    lines = pl.DataFrame(rows_of(summary.path, "Lines"), infer_schema_length=None)
    assert lines.height == sum(one.lines.height for one in material.inventories) == summary.rows["Lines"]
    for inventory in material.inventories:
        references = [inventory.reference(f"line:{line}") for line in inventory.lines_of()["line"]]
        total = lines.filter(pl.col("Reference").is_in(references))["Result"].sum()
        assert total == pytest.approx(inventory.total(), rel=1e-12)
    totals = {row["Reference"]: row["Value"] for row in rows_of(summary.path, "Totals")}
    for inventory in material.inventories:
        assert totals[inventory.reference("total")] == pytest.approx(inventory.total(), rel=1e-15)
    computed = lines.with_columns(
        (pl.col("Amount") * pl.col("Share of the period") * pl.col("Coefficient")).alias("again")
    )
    assert (computed["again"] - computed["Result"]).abs().max() < 1e-9 * lines["Result"].abs().max()


def test_factors_carry_source_status_and_ranges(written: Give, tmp_path: Path) -> None:
    material = written("twelve-firms", "en").material
    summary = write_inventory_workbook(material, "zh", tmp_path / "results.xlsx")
    rows = rows_of(summary.path, "参数")
    assert len(rows) == sum(one.parameters.height for one in material.inventories)
    assert {"未经核实", "二手"} <= {row["核实程度"] for row in rows}
    assert any(str(row["区间来源"]).startswith("borrowed:") for row in rows)
    assert "合成数据" in str(load_workbook(summary.path)["总量"].oddHeader.center.text)


def test_text_that_looks_like_a_formula_stays_text(open_example: Callable[[str], Workspace], tmp_path: Path) -> None:
    """A firm called =HYPERLINK(...) must not act when the workbook is opened."""
    inventory = open_example("rules/v4").inventory(2025, "zero-carbon-park-2025")
    node = inventory.lines["node"].drop_nulls()[0]
    names = dict(inventory.names) | {f"node:{node}": ('=HYPERLINK("x")', "=1+1\x07")}
    path = write_inventory_workbook(replace(inventory, names=names), "en", tmp_path / "results.xlsx").path
    cells = [
        cell for row in load_workbook(path)["Lines"].iter_rows() for cell in row if str(cell.value).startswith("=")
    ]
    assert cells
    assert {cell.data_type for cell in cells} == {"s"}
    assert {cell.value for cell in cells} == {"=1+1"}


def test_nothing_is_left_behind_when_writing_fails(open_example: Callable[[str], Workspace], tmp_path: Path) -> None:
    inventory = open_example("rules/v4").inventory(2025, "zero-carbon-park-2025")
    with pytest.raises(FileNotFoundError):
        write_inventory_workbook(inventory, "en", tmp_path / "no" / "results.xlsx")
    with pytest.raises(ValueError, match="unknown language"):
        write_inventory_workbook(inventory, "fr", tmp_path / "results.xlsx")
    assert list(tmp_path.iterdir()) == []
