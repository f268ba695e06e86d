"""What treatment inside the boundary costs, given back to the wastes that are treated.

A node that takes in wastes to treat and makes no product (a waste-water plant, a landfill) spends for those wastes. Its
burden b is the cost of its own losses and what it pays outside; each treated inflow carries the share a of it:

    b_n = d_n + sum_m a_nm b_m        (a_nm: the share of what m treats that comes from n, itself a treating node)
"""

from __future__ import annotations

import numpy as np
import polars as pl
from scipy.sparse import coo_array

from ecopark.accounting.supply_system import SupplySystem, UnsolvableSupply


def treatment_burdens(out: pl.DataFrame, costs: pl.DataFrame, paid: pl.DataFrame) -> pl.DataFrame:
    """Return edge, treatment_inside (CNY) of the wastes that nodes inside the boundary treat, none where unknown.

    `out` as `cost_allocation.outflows` gives it, `costs` (edge, category, share, cost), `paid` (edge, treatment_cost).
    Inflows share the burden by mass, or by amount where the network has no masses.
    """
    empty = pl.DataFrame(schema={"edge": pl.Int64, "treatment_inside": pl.Float64})
    producing = out.filter(
        (pl.col("goes") != "loss") & pl.col("output").is_in(["product", "energy"]) & (pl.col("amount") != 0.0)
    )["source"]
    treated = out.filter(
        (pl.col("goes") == "loss")
        & pl.col("target_inside")
        & pl.col("amount").is_not_null()
        & ~pl.col("target").is_in(producing.implode())
    )
    # a volume of waste water and a mass of sludge are comparable at 1 t/m3
    size = pl.when(pl.col("water") > 0).then("water").when(pl.col("main") > 0).then("main").otherwise("amount")
    treated = treated.with_columns(size.alias("size")).filter(pl.col("size") > 0)
    plants = treated["target"].unique().sort().to_list()
    if not plants:
        return empty
    numbers = {node: number for number, node in enumerate(plants)}
    share = treated.with_columns((pl.col("size") / pl.col("size").sum().over("target")).alias("part"))
    lost = out.filter((pl.col("goes") == "loss") & pl.col("source").is_in(plants)).select("edge", "source")
    of_costs = costs.select("edge", pl.col("cost").alias("value"))
    spent = pl.concat([of_costs, paid.select("edge", pl.col("treatment_cost").alias("value"))])
    sums = lost.join(spent, on="edge", how="inner").group_by("source").agg(pl.col("value").sum())
    own = np.zeros(len(plants))
    for node, value in sums.iter_rows():
        own[numbers[node]] = value
    inner = share.filter(pl.col("source").is_in(plants))
    rows = [numbers[node] for node in inner["source"]]
    columns = [numbers[node] for node in inner["target"]]
    passed = coo_array((inner["part"].to_numpy(), (rows, columns)), shape=(len(plants), len(plants)))
    try:
        burden = SupplySystem(passed.tocsr(), plants).solve(own)
    except UnsolvableSupply:
        # plants that only treat each other's waste: nobody outside to give the cost to
        return empty
    worth = pl.DataFrame({"target": plants, "burden": burden})
    return share.join(worth, on="target", how="left", maintain_order="left").filter(
        ~pl.col("source").is_in(plants)
    ).select("edge", (pl.col("part") * pl.col("burden")).alias("treatment_inside"))  # fmt: skip
