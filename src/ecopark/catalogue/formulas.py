"""Formulas of schemes: products and quotients of named quantities, read once and never executed as code."""

from __future__ import annotations

import ast
from functools import lru_cache

AMOUNT = "amount"


@lru_cache(maxsize=4096)
def parse_product(formula: str) -> tuple[tuple[str, int], ...]:
    """Return (symbol, power) of a formula such as ``amount * ncv / standard_coal_energy``; powers are +1 or -1.

    ValueError for anything but products and quotients of names.
    """

    def walk(node: ast.expr, power: int) -> list[tuple[str, int]]:
        if isinstance(node, ast.Name):
            return [(node.id, power)]
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult | ast.Div):
            right = power if isinstance(node.op, ast.Mult) else -power
            return walk(node.left, power) + walk(node.right, right)
        raise ValueError(f"formula {formula!r}: only products and quotients of names are understood")

    return tuple(walk(ast.parse(formula, mode="eval").body, 1))


def write_product(terms: tuple[tuple[str, int], ...]) -> str:
    """Return the formula text of (symbol, power) terms, the inverse of `parse_product`."""
    text = ""
    for symbol, power in terms:
        if not text:
            text = symbol if power > 0 else f"1 / {symbol}"
        else:
            text += f" * {symbol}" if power > 0 else f" / {symbol}"
    return text
