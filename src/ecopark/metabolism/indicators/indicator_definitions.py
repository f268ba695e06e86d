"""The indicators and the sums they are made of, as the catalogue's data declare them."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt
import polars as pl

from ecopark.catalogue.loading import DATA

Numbers = npt.NDArray[np.float64]
LINKS = "links"
"""The layer of a measure that counts links (source firm, target firm, commodity) rather than adding values."""


@dataclass(frozen=True, slots=True)
class Measure:
    """A sum over edges at a node: which side of the node, which edges, in which layer ("*": the element asked for).

    `filters` are (column, accepted values); `weight` names a column of the edges that multiplies their value; `empty`
    says what no edge at all means: "zero", or "unknown" where the record may just not hold it. With side "statistic"
    the first filter names the variable.
    """

    id: str
    name_zh: str
    name_en: str
    layer: str
    side: str
    filters: tuple[tuple[str, tuple[str, ...]], ...]
    weight: str
    empty: str
    unit: str


@dataclass(frozen=True, slots=True)
class Definition:
    """An indicator: ``formula * scale`` over measures, in `unit`, for each of `layers` (one blank if it has none)."""

    id: str
    name_zh: str
    name_en: str
    layers: tuple[str, ...]
    unit: str
    scale: float
    direction: str
    formula: str
    group: str
    source: str
    status: str
    note_zh: str
    note_en: str

    @property
    def measures(self) -> list[str]:
        """Ids of the measures in the formula, in its order."""
        names = [node.id for node in ast.walk(ast.parse(self.formula, mode="eval")) if isinstance(node, ast.Name)]
        return list(dict.fromkeys(sorted(names, key=self.formula.index)))

    @property
    def scaled(self) -> str:
        """The formula with its scale, as an explanation evaluates it."""
        return self.formula if self.scale == 1.0 else f"({self.formula}) * {self.scale!r}"


@cache
def measures() -> Mapping[str, Measure]:
    """Return the measures of `catalogue/data/metabolism_measures.csv` by id."""
    found = {}
    for row in pl.read_csv(DATA / "metabolism_measures.csv", infer_schema=False).iter_rows(named=True):
        parts = [part.partition("=") for part in (row["filters"] or "").split(";") if part]
        filters = tuple((name, tuple(values.split("|"))) for name, _, values in parts)
        found[row["id"]] = Measure(
            row["id"], row["name_zh"], row["name_en"], row["layer"] or "", row["side"], filters, row["weight"] or "",
            row["empty"], row["unit"] or "",
        )  # fmt: skip
    return found


@cache
def definitions() -> Mapping[str, Definition]:
    """Return the indicators of `catalogue/data/metabolism_indicators.csv` by id, in the order of the file."""
    found = {}
    for row in pl.read_csv(DATA / "metabolism_indicators.csv", infer_schema=False).iter_rows(named=True):
        found[row["id"]] = Definition(
            row["id"], row["name_zh"], row["name_en"], tuple((row["layers"] or "").split(";")), row["unit"],
            float(row["scale"]), row["direction"], row["formula"], row["group"], row["source"] or "", row["status"],
            row["note_zh"] or "", row["note_en"] or "",
        )  # fmt: skip
    return found


def evaluate_arrays(formula: str, values: Mapping[str, Numbers]) -> Numbers:
    """Return an arithmetic formula (+ - * / and numbers) over arrays of one length; division by zero gives NaN."""

    def walk(node: ast.expr) -> Numbers:
        if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
            return np.asarray(float(node.value))
        if isinstance(node, ast.Name):
            return values[node.id]
        if isinstance(node, ast.BinOp):
            left, right = walk(node.left), walk(node.right)
            if isinstance(node.op, ast.Add):
                return left + right
            if isinstance(node.op, ast.Sub):
                return left - right
            if isinstance(node.op, ast.Mult):
                return left * right
            if isinstance(node.op, ast.Div):
                return left / np.where(right == 0.0, np.nan, right)
        raise ValueError(f"formula {formula!r}: cannot evaluate {ast.unparse(node)!r}")

    with np.errstate(over="ignore", invalid="ignore"):
        result = walk(ast.parse(formula, mode="eval").body)
    return np.where(np.isfinite(result), result, np.nan)
