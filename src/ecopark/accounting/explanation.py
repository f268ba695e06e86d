"""Where a number comes from: its formula, the inputs with their sources, and the recomputation from them."""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

InputKind = Literal[
    "flow", "certificate", "factor", "constant", "line", "total", "statistic", "limit", "share", "scale"
]


@dataclass(frozen=True, slots=True)
class Input:
    """One value that a formula uses, with what stands behind it.

    `reference` leads on: a line or total key of the same inventory, a flow id, a factor id. `source_zh`/`source_en`
    name the evidence or the publication; `status` is the verification of a factor.
    """

    symbol: str
    name_zh: str
    name_en: str
    value: float
    unit: str
    kind: InputKind
    reference: str = ""
    source_zh: str = ""
    source_en: str = ""
    status: str = ""
    note: str = ""
    low: float | None = None
    high: float | None = None
    range_source: str = ""


@dataclass(frozen=True, slots=True)
class Explanation:
    """A number with its formula over `inputs`; `sum(lines)` stands for adding every input of kind line."""

    key: str
    name_zh: str
    name_en: str
    value: float
    unit: str
    formula: str
    inputs: Sequence[Input]

    def recompute(self) -> float:
        """Evaluate the formula over the inputs; equals `value` to 1e-9 relative."""
        return evaluate(self.formula, self.inputs)

    def to_json(self) -> dict[str, Any]:
        """Return the explanation as plain data."""
        return {
            "key": self.key, "name_zh": self.name_zh, "name_en": self.name_en, "value": self.value, "unit": self.unit,
            "formula": self.formula, "inputs": [asdict(item) for item in self.inputs],
        }  # fmt: skip


_OPERATORS: Mapping[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


def evaluate(formula: str, inputs: Sequence[Input]) -> float:
    """Return the value of an arithmetic `formula` over the inputs' symbols; `sum(lines)` adds the inputs named so.

    ValueError for a name that no input has or for anything but + - * / and numbers.
    """
    values = {item.symbol: item.value for item in inputs}

    def walk(node: ast.expr) -> float:
        if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
            return float(node.value)
        if isinstance(node, ast.Name) and node.id in values:
            return values[node.id]
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            return -walk(node.operand)
        if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
            return _OPERATORS[type(node.op)](walk(node.left), walk(node.right))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "sum":
            names = {argument.id for argument in node.args if isinstance(argument, ast.Name)}
            return math.fsum(item.value for item in inputs if item.symbol in names)
        raise ValueError(f"formula {formula!r}: cannot evaluate {ast.unparse(node)!r}")

    return walk(ast.parse(formula, mode="eval").body)
