"""Where a reconciled number comes from: what was measured, and what each balance took off it."""

from __future__ import annotations

from typing import Any

import polars as pl

from ecopark.accounting.explanation import Explanation, Input
from ecopark.metabolism.reconciliation.result import Reconciliation


def explain(result: Reconciliation, key: str) -> Explanation:
    """Explain a number of a reconciliation (keys: see `Reconciliation.explain`); KeyError for an unknown one."""
    kind, _, rest = key.partition(":")
    if key == "objective":
        return _objective(result, key)
    if kind == "flow" and rest.isdigit():
        found = result.flows.with_row_index("variable").filter(pl.col("edge") == int(rest))
        if found.height:
            row = found.row(0, named=True)
            return _variable(result, key, row, _flow_names(result, row), row["flow"] or "")
    if kind == "stock" and rest.isdigit():
        found = result.stocks.filter(pl.col("variable") == int(rest))
        if found.height:
            row = found.row(0, named=True)
            names = _paired(result, row["node"], "node", row["commodity"], "commodity")
            return _variable(result, key, row, names, "")
    if kind == "content":
        found = result.contents.filter(pl.col("key") == rest)
        if found.height:
            row = found.row(0, named=True)
            return _variable(result, key, row, result.both(row["symbol"], "symbol"), row["factor"] or "")
    if kind in ("before", "after") and rest.isdigit():
        found = result.balances.filter(pl.col("balance") == int(rest))
        if found.height and found[kind][0] is not None:
            return _residual(result, key, kind, found.row(0, named=True))
    raise KeyError(f"no number {key!r}")


def _variable(
    result: Reconciliation, key: str, row: dict[str, Any], names: tuple[str, str], reference: str
) -> Explanation:
    if row["reconciled"] is None:
        raise KeyError(f"no number {key!r}: the balances do not determine it")
    named = (f"{names[0]}（校正后）", f"{names[1]} (reconciled)")
    if row["raw"] is None:
        return _worked_out(result, key, row, named)
    kind = "flow" if key.startswith("flow:") else "factor" if key.startswith("content:") else "share"
    raw = Input("raw", *names, row["raw"], row["unit"] or "1", kind, reference,  # type: ignore[arg-type]
                status=row.get("method") or "")  # fmt: skip
    pulls = result.pulls.filter(pl.col("variable") == row["variable"])
    parts = [
        Input("parts", *_balance_names(result, pull["balance"]), pull["part"], row["unit"] or "1", "share",
              "" if pull["balance"] is None else result.reference(f"before:{pull['balance']}"))
        for pull in pulls.iter_rows(named=True)
    ]  # fmt: skip
    formula = "raw - sum(parts)" if parts else "raw"
    return Explanation(key, *named, row["reconciled"], row["unit"] or "1", formula, [raw, *parts])


def _worked_out(result: Reconciliation, key: str, row: dict[str, Any], names: tuple[str, str]) -> Explanation:
    """Explain an unmeasured amount by the measured ones from which the balances give it."""
    observed = result.observed.filter(pl.col("variable") == row["variable"])
    inputs = []
    total = 0.0
    for part in observed.iter_rows(named=True):
        value = part["derivative"] * part["value"]
        total += value
        inputs.append(Input("parts", *_variable_names(result, part["measured"]), value, row["unit"], "line",
                            _variable_reference(result, part["measured"])))  # fmt: skip
    rest = row["reconciled"] - total
    formula = "sum(parts)"
    if abs(rest) > 1e-12 * max(abs(row["reconciled"]), 1e-300):
        inputs.append(Input("rest", "线性化的常数项", "constant of the linearisation", rest, row["unit"], "share"))
        formula = "sum(parts) + rest"
    return Explanation(key, *names, row["reconciled"], row["unit"], formula, inputs)


def _residual(result: Reconciliation, key: str, side: str, row: dict[str, Any]) -> Explanation:
    column = "raw" if side == "before" else "reconciled"
    inputs = [
        Input("parts", *_term_names(result, term), term[column], row["unit"], "line",
              "" if term["edge"] is None else result.reference(f"flow:{_origin(result, term)}"))
        for term in result.terms.filter(pl.col("balance") == row["balance"]).iter_rows(named=True)
    ]  # fmt: skip
    zh, en = _balance_names(result, row["balance"])
    words = {"before": ("校正前的残差", "residual before reconciliation"),
             "after": ("校正后的残差", "residual after reconciliation")}[side]  # fmt: skip
    return Explanation(key, f"{zh}：{words[0]}", f"{en}: {words[1]}", row[side], row["unit"], "sum(parts)", inputs)


def _objective(result: Reconciliation, key: str) -> Explanation:
    value = float(result.test["objective"][0])
    inputs = [
        Input("parts", *_balance_names(result, row["balance"]), row["part"], "1", "share",
              result.reference(f"before:{row['balance']}"))
        for row in result.balances.iter_rows(named=True)
    ]  # fmt: skip
    rest = value - sum(item.value for item in inputs)
    formula = "sum(parts)"
    if abs(rest) > 1e-12 * max(abs(value), 1e-300):
        inputs.append(Input("bounds", "取下限的流", "flows held at their bound", rest, "1", "share"))
        formula = "sum(parts) + bounds"
    return Explanation(key, "目标函数（全局检验）", "objective (global test)", value, "1", formula, inputs)


def _paired(result: Reconciliation, first: str, kind: str, second: str, other: str) -> tuple[str, str]:
    (zh, en), (thing_zh, thing_en) = result.both(first, kind), result.both(second, other)
    return f"{zh}：{thing_zh}", f"{en}: {thing_en}"


def _balance_names(result: Reconciliation, balance: int | None) -> tuple[str, str]:
    if balance is None:
        return "取下限", "held at the bound"
    row = result.balances.row(balance, named=True)
    zh, en = _paired(result, row["node"], "node", row["layer"], "layer")
    return f"{zh}平衡", f"{en} balance"


def _flow_names(result: Reconciliation, row: dict[str, Any]) -> tuple[str, str]:
    def name(language: str) -> str:
        goods = result.name(row["commodity"], language, "commodity")
        return (
            f"{goods}: {result.name(row['source'], language, 'node')} → {result.name(row['target'], language, 'node')}"
        )

    return name("zh"), name("en")


def _variable_names(result: Reconciliation, variable: int) -> tuple[str, str]:
    if variable < result.flows.height:
        return _flow_names(result, result.flows.row(variable, named=True))
    if variable < result.flows.height + result.stocks.height:
        row = result.stocks.row(variable - result.flows.height, named=True)
        return _paired(result, row["node"], "node", row["commodity"], "commodity")
    row = result.contents.row(variable - result.flows.height - result.stocks.height, named=True)
    return result.both(row["symbol"], "symbol")


def _variable_reference(result: Reconciliation, variable: int) -> str:
    if variable < result.flows.height:
        return result.reference(f"flow:{result.flows['edge'][variable]}")
    if variable < result.flows.height + result.stocks.height:
        return result.reference(f"stock:{variable}")
    return result.reference(f"content:{result.contents['key'][variable - result.flows.height - result.stocks.height]}")


def _term_names(result: Reconciliation, term: dict[str, Any]) -> tuple[str, str]:
    return _variable_names(result, term["variable"])


def _origin(result: Reconciliation, term: dict[str, Any]) -> int:
    return int(result.flows["edge"][term["variable"]])
