"""The result of a reconciliation: flows raw and reconciled, tests, suspects, and their explanations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import polars as pl

from ecopark.accounting.explanation import Explanation
from ecopark.metabolism.result import Result
from ecopark.model.record import Record

FLOW_SCHEMA: dict[str, type[pl.DataType]] = {
    "edge": pl.Int64, "stream": pl.String, "source": pl.String, "target": pl.String, "commodity": pl.String,
    "period_start": pl.Date, "period_end": pl.Date, "unit": pl.String, "method": pl.String, "notation": pl.String,
    "flow": pl.String, "raw": pl.Float64, "sd_raw": pl.Float64, "assumed": pl.Boolean, "reconciled": pl.Float64,
    "sd_reconciled": pl.Float64, "sd_exact": pl.Boolean, "adjustment": pl.Float64, "relative": pl.Float64,
    "standardised": pl.Float64, "vdi": pl.Float64, "verdict": pl.String, "classification": pl.String,
    "at_bound": pl.Boolean, "layers": pl.String, "balances": pl.Int64, "correlation_group": pl.String,
}  # fmt: skip
"""One amount. `raw` and `reconciled` in `unit`; `reconciled` null where the balances do not determine it.

`adjustment` = reconciled - raw, `relative` to the raw amount; `standardised` |adjustment| over its standard deviation;
`vdi` VDI 2048-1's local test. `assumed`: no range was stated, the deviation is an assumption by method. `sd_exact`:
`sd_reconciled` is computed, not estimated. classification: redundant, nonredundant, exact, observable, unobservable.
verdict: consistent, suspicious (the test exceeds its limit), unchecked, worked_out, unknown. `layers`: those whose
balances hold it.
"""

CONTENT_SCHEMA: dict[str, type[pl.DataType]] = {
    "variable": pl.Int64, "key": pl.String, "symbol": pl.String, "factor": pl.String, "power": pl.Float64,
    "unit": pl.String, "raw": pl.Float64, "sd_raw": pl.Float64, "reconciled": pl.Float64, "sd_reconciled": pl.Float64,
    "adjustment": pl.Float64, "standardised": pl.Float64, "verdict": pl.String, "classification": pl.String,
    "assumed": pl.String,
}  # fmt: skip
"""One content (a factor to its `power`), one variable wherever it is used; `assumed`: what its range was assumed as."""

STOCK_ROW_SCHEMA: dict[str, type[pl.DataType]] = {
    "variable": pl.Int64, "node": pl.String, "commodity": pl.String, "period_start": pl.Date, "unit": pl.String,
    "raw": pl.Float64, "sd_raw": pl.Float64, "assumed": pl.Boolean, "reconciled": pl.Float64,
    "sd_reconciled": pl.Float64, "adjustment": pl.Float64, "standardised": pl.Float64, "verdict": pl.String,
    "classification": pl.String,
}  # fmt: skip
"""One change of a store."""

BALANCE_SCHEMA: dict[str, type[pl.DataType]] = {
    "balance": pl.Int64, "node": pl.String, "kind": pl.String, "layer": pl.String, "period_start": pl.Date,
    "unit": pl.String, "before": pl.Float64, "sd_before": pl.Float64, "standardised": pl.Float64,
    "suspicious": pl.Boolean, "relative_before": pl.Float64, "after": pl.Float64, "relative_after": pl.Float64,
    "multiplier": pl.Float64, "part": pl.Float64,
}  # fmt: skip
"""One balance used: its residual before (null where a flow is unmeasured) and after, relative to its largest flow.

`standardised` is the nodal test of the raw residual; `part` what the balance contributes to the objective.
"""

SUSPECT_SCHEMA: dict[str, type[pl.DataType]] = {
    "rank": pl.Int64, "kind": pl.String, "edge": pl.Int64, "stream": pl.String, "key": pl.String, "node": pl.String,
    "layer": pl.String, "period_start": pl.Date, "statistic": pl.Float64, "size": pl.Float64, "unit": pl.String,
    "objective_without": pl.Float64, "explains": pl.Boolean,
}  # fmt: skip
"""One single error that would lower the objective by `statistic` (generalised likelihood ratio).

kind: flow (reads too much by `size`), content (`key`), stock, balance (`size` more enters `node` than leaves it: a loss
or an unrecorded flow). `explains`: without it the global test passes.
"""

TEST_SCHEMA: dict[str, type[pl.DataType]] = {
    "objective": pl.Float64, "degrees_of_freedom": pl.Int64, "level": pl.Float64, "critical": pl.Float64,
    "p_value": pl.Float64, "passed": pl.Boolean, "tested": pl.Int64, "critical_single": pl.Float64,
    "critical_vdi": pl.Float64, "critical_balance": pl.Float64, "method": pl.String, "linearisations": pl.Int64,
    "sd_error": pl.Float64,
}  # fmt: skip
"""One row: the global test, the limits of the others, how it was solved, the usual error of estimated deviations."""

PULL_SCHEMA: dict[str, type[pl.DataType]] = {"variable": pl.Int64, "balance": pl.Int64, "part": pl.Float64}
"""What each balance takes off a variable: raw - sum of parts = reconciled (for measured ones, not at a bound)."""

VALUE_ROW_SCHEMA: dict[str, type[pl.DataType]] = {
    "edge": pl.Int64, "layer": pl.String, "value": pl.Float64, "sd": pl.Float64,
}  # fmt: skip
"""Reconciled values of edges in layers, contents included, for pictures."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Reconciliation(Result):
    """Reconciled flows of a network (frames as the schemas of this module say).

    `skipped`: node, kind, layer, period_start, unit, verdict, unknown, unstated, partial, inflow,
    outflow: balances that were not used.
    `eliminated`: step, edge, stream, statistic: measurements that serial elimination leaves out, one after the other.
    `components`: component, node: which nodes hang together; `terms`: what each balance sums (see `assembly`) with raw
    and reconciled values.
    """

    engine: ClassVar[str] = "reconciliation"

    flows: pl.DataFrame
    stocks: pl.DataFrame
    contents: pl.DataFrame
    balances: pl.DataFrame
    skipped: pl.DataFrame
    suspects: pl.DataFrame
    eliminated: pl.DataFrame
    test: pl.DataFrame
    components: pl.DataFrame
    pulls: pl.DataFrame
    terms: pl.DataFrame
    values: pl.DataFrame
    observed: pl.DataFrame
    behind: pl.DataFrame

    @property
    def passed(self) -> bool:
        """Whether the global test passes."""
        return bool(self.test["passed"][0])

    def layer(self, layer: str) -> pl.DataFrame:
        """Return edge, value and sd of a layer after reconciliation."""
        return self.values.filter(pl.col("layer") == layer).select("edge", "value", "sd")

    def suspicious(self) -> pl.DataFrame:
        """Return the flows whose adjustment exceeds the limit of the measurement test, the worst first."""
        return self.flows.filter(pl.col("verdict") == "suspicious").sort("standardised", descending=True)

    def assumed(self) -> pl.DataFrame:
        """Return how many flows (by method), stock changes and contents have an assumed range: method, count."""
        named = pl.concat([
            self.flows.filter("assumed").select("method"),
            self.stocks.filter("assumed").select(pl.lit("stock").alias("method")),
            self.contents.filter(pl.col("assumed").is_not_null()).select(pl.col("assumed").alias("method")),
        ])  # fmt: skip
        return named.group_by("method").agg(pl.len().alias("count")).sort("method")

    def explain(self, key: str) -> Explanation:
        """Explain "flow:EDGE", "stock:N", "content:KEY", "before:BALANCE", "after:BALANCE" or "objective".

        KeyError for a key that names nothing here.
        """
        from ecopark.metabolism.reconciliation.explanations import explain

        return explain(self, key)

    def as_flows(self, record: Record) -> pl.DataFrame:
        """Return rows for the record's table of flows, method "reconciled", to be written beside the raw ones."""
        from ecopark.metabolism.reconciliation.flow_rows import flow_rows

        return flow_rows(self, record)
