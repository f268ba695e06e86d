"""Lines of an inventory: from flows counted by rules to results, and the compact form in which they are stored."""

from __future__ import annotations

import polars as pl

from ecopark.accounting.coefficients import value_unit
from ecopark.catalogue.schemes import Scheme

LINE_SCHEMA: dict[str, type[pl.DataType]] = {
    "line": pl.Int64,
    "rule": pl.String,
    "category": pl.String,
    "scope": pl.String,
    "measure": pl.String,
    "flow": pl.String,
    "stream": pl.String,
    "node": pl.String,
    "commodity": pl.String,
    "amount": pl.Float64,
    "share": pl.Float64,
    "unit": pl.String,
    "coefficient": pl.Int32,
    "value": pl.Float64,
    "value_unit": pl.String,
    "result": pl.Float64,
    "result_unit": pl.String,
}

CORE = ("flow", "stream", "node", "amount", "share", "coefficient")
"""What a line says of itself; everything else follows from its coefficient."""


def counted_flows(counted: pl.DataFrame, flows: pl.DataFrame) -> pl.DataFrame:
    """Return `CORE` columns for every flow with an amount of the streams in `counted` (stream, node, coefficient)."""
    measured = flows.filter(pl.col("amount").is_not_null()).select(
        pl.col("id").alias("flow"), "stream", "amount", "share"
    )
    streams = counted.select("stream", "node", "coefficient")
    return streams.join(measured, on="stream", how="inner", maintain_order="left").select(CORE)


def complete_lines(core: pl.DataFrame, coefficients: pl.DataFrame, scheme: Scheme) -> pl.DataFrame:
    """Return lines in `LINE_SCHEMA` from their `CORE` columns, numbered from 1 in the order given.

    ``result = amount * share * coefficient`` in the rule's unit; ``value`` is the result without the warming potential
    (the mass of the gas).
    """
    rules = pl.DataFrame(
        {
            "rule": [rule.id for rule in scheme.rules],
            "category": [rule.category for rule in scheme.rules],
            "scope": [scheme.category(rule.category).scope for rule in scheme.rules],
        },
        schema={"rule": pl.String, "category": pl.String, "scope": pl.String},
    )
    units = [value_unit(*pair) for pair in coefficients.select("measure", "unit").iter_rows()]
    worth = coefficients.join(rules, on="rule", how="left", maintain_order="left").select(
        "coefficient",
        "rule",
        "category",
        "scope",
        "measure",
        "commodity",
        "gwp",
        pl.col("value").alias("per_amount"),
        pl.col("unit").alias("result_unit"),
        pl.col("amount_unit").alias("unit"),
        pl.Series("value_unit", units, dtype=pl.String),
    )
    result = pl.col("amount") * pl.col("share") * pl.col("per_amount")
    return (
        core.join(worth, on="coefficient", how="left", maintain_order="left")
        .with_columns(result.alias("result"), (result / pl.col("gwp")).alias("value"))
        .with_row_index("line", offset=1)
        .select(pl.col(name).cast(kind) for name, kind in LINE_SCHEMA.items())
    )
