"""What enters a supply network from behind: greenhouse gases from an inventory, water and energy from the nexus.

Scope 1 enters where it is emitted, scopes 2 and 3 with the power, heat and goods that are bought; the water behind
power and fuels and the energy behind water with what is received of them.
"""

from __future__ import annotations

import polars as pl

from ecopark.accounting.result import Inventory
from ecopark.metabolism.indicators.nexus import Nexus

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


def upstream_emissions(inventory: Inventory, streams: pl.DataFrame) -> pl.DataFrame:
    """Return what was emitted for each stream received.

    Columns: commodity, stream, layer ("carbon"), value, unit, factor, source, status.

    `value` is tCO2e per unit of the commodity, all of a stream's lines together; `factor`, `source` and `status` are
    those of the largest line. Deductions (negative lines) do not belong to a stream and are left out. A stream that is
    part of another (`streams.part_of`) has the other's value.
    """
    lines = inventory.lines.filter(
        pl.col("category").is_in(BOUGHT) & pl.col("stream").is_not_null() & (pl.col("result") > 0)
    )
    chosen = inventory.parameters.filter(pl.col("set") != "constants").unique("coefficient", keep="first")
    sums = lines.with_columns((pl.col("amount") * pl.col("share")).alias("used")).group_by(
        "stream", "commodity", "category", "unit", maintain_order=True
    ).agg(pl.col("result").sum(), pl.col("used").sum(), pl.col("coefficient").first())  # fmt: skip
    found = (
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
    parts = streams.filter(pl.col("part_of").is_not_null()).select(pl.col("id").alias("part"), "part_of")
    of_parts = found.join(parts, left_on="stream", right_on="part_of", how="inner").select(
        *(pl.col("part").alias("stream") if name == "stream" else pl.col(name) for name in found.columns)
    )
    return pl.concat([found, of_parts])


_BEHIND = {"water_of_energy": ("water", "m3"), "energy_of_water": ("energy", "GJ")}


def upstream_nexus(nexus: Nexus) -> pl.DataFrame:
    """Return the water behind the energy and the energy behind the water of each stream, columns as above."""
    known = nexus.factors.filter(pl.col("behind").is_in(list(_BEHIND)) & pl.col("value").is_not_null())
    rows = known.join(nexus.edges.select("edge", "stream", "commodity", "amount", "unit"), on="edge", how="inner",
                      maintain_order="left").filter(pl.col("amount") > 0)  # fmt: skip
    layer, unit = ({term: pair[place] for term, pair in _BEHIND.items()} for place in (0, 1))
    return rows.select(
        "commodity", "stream", pl.col("behind").replace_strict(layer).alias("layer"),
        (pl.col("value") / pl.col("amount")).alias("value"),
        pl.concat_str(pl.col("behind").replace_strict(unit), pl.lit("/"), "unit").alias("unit"), "factor", "source",
        "status",
    )  # fmt: skip
