"""Where a number comes from: its formula, the inputs with their sources, and the recomputation from them."""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from ecopark.translation import N_, translate

InputKind = Literal[
    "flow", "certificate", "factor", "constant", "line", "total", "statistic", "limit", "share", "scale"
]


NOTE_SEPARATOR = " | "

NOTES: Mapping[str, str] = {
    "level:site": N_("the site's own value"),
    "level:park": N_("the park's own value"),
    "level:province": N_("provincial value"),
    "level:nation": N_("national value"),
    "level:world": N_("international value"),
    "set": N_("set {found}"),
    "version": N_("version {found}"),
    "year": N_("for {wanted}, that of {found} stands in"),
    "region": N_("for {wanted}, that of {found} stands in"),
    "commodity": N_("for {wanted}, that of {found} stands in"),
    "derived": N_("worked out from {found}"),
    "alternatives": N_("other readings: {found}"),
    "share": N_("part of the flow's period inside the year, or of the certificate that may be claimed"),
}


@dataclass(frozen=True, slots=True)
class Input:
    """One value that a formula uses, with what stands behind it.

    `reference` leads on: a line or total key of the same inventory, a flow id, a factor id. `source_zh`/`source_en`
    name the evidence or the publication; `status` is the verification of a factor. `note` is free text, or parts such
    as "level:site" and "year:2021:2025" joined by `NOTE_SEPARATOR` (see `note_in`).
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

    def note_in(self, language: str) -> str:
        """Return the note as words in `language`; free text stays as it is."""
        return "; ".join(_note_part(part, language) for part in self.note.split(NOTE_SEPARATOR) if part)


def _note_part(part: str, language: str) -> str:
    code, _, rest = part.partition(":")
    if part in NOTES:
        return translate(NOTES[part], language)
    if code not in NOTES:
        return part
    found, _, wanted = rest.rpartition(":") if code in ("year", "region", "commodity", "derived") else (rest, "", "")
    return translate(NOTES[code], language, found=found, wanted=wanted)


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
