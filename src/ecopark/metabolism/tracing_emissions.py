"""Greenhouse gases that enter a supply network, taken from an inventory.

Scope 1 enters where it is emitted, scopes 2 and 3 with the power, heat and goods that are bought.
"""

from __future__ import annotations

import polars as pl

from ecopark.accounting.result import Inventory

BOUGHT = ("electricity_location", "heat", "upstream")
"""Categories of an inventory whose lines are emissions of making what is received from outside."""


def direct_emissions(inventory: Inventory) -> pl.DataFrame:
    """Return node, layer ("carbon"), value (tCO2e): the scope 1 emissions of each node of an inventory."""
    return (
        inventory.lines.filter((pl.col("scope") == "1") & (pl.col("result") != 0))
        .group_by("node", maintain_order=True)
        .agg(pl.col("result").sum().alias("value"))
        .select("node", pl.lit("carbon").alias("layer"), "value")
    )


def upstream_emissions(inventory: Inventory) -> pl.DataFrame:
    """Return what was emitted for each stream received.

    Columns: commodity, stream, layer ("carbon"), value, unit, factor, source, status.

    `value` is tCO2e per unit of the commodity, all of a stream's lines together; `factor`, `source` and `status` are
    those of the largest line. Deductions (negative lines) do not belong to a stream and are left out.
    """
    lines = inventory.lines.filter(
        pl.col("category").is_in(BOUGHT) & pl.col("stream").is_not_null() & (pl.col("result") > 0)
    )
    chosen = inventory.parameters.filter(pl.col("set") != "constants").unique("coefficient", keep="first")
    sums = lines.with_columns((pl.col("amount") * pl.col("share")).alias("used")).group_by(
        "stream", "commodity", "category", "unit", maintain_order=True
    ).agg(pl.col("result").sum(), pl.col("used").sum(), pl.col("coefficient").first())  # fmt: skip
    return (
        sums.join(chosen.select("coefficient", "factor", "source", "status"), on="coefficient", how="left",
                  maintain_order="left")
        .sort("result", descending=True, maintain_order=True)
        .group_by("stream", "commodity", "unit", maintain_order=True)
        .agg((pl.col("result") / pl.col("used")).sum().alias("value"), pl.col("factor", "source", "status").first())
        .select(
            "commodity", "stream", pl.lit("carbon").alias("layer"), "value",
            pl.concat_str(pl.lit("tCO2e/"), "unit").alias("unit"), "factor", "source", "status",
        )
    )  # fmt: skip
