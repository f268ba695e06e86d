"""What a flow is to the node it enters (its purpose) and to the node it leaves (its kind of output).

Activities and commodity groups decide, so that chemistry stands apart from energy use: the carbon of a raw chemical is
not that of the coal under the boiler beside it.
"""

from __future__ import annotations

import polars as pl

from ecopark.metabolism.layers import BURNING

PURE_ENERGY = ("electricity", "heat", "steam", "cooling", "energy_medium")
"""Groups of carriers that are energy whatever they are used for."""
FUELS = ("coal", "oil", "gas", "biomass", "waste_fuel")
MATERIAL_USE = ("feedstock", "process_input", "conversion_input")
"""Activities in which a fuel is a raw material."""
EMITTING = ("emission", "leakage")
UTILISING = (*MATERIAL_USE, *BURNING, "recovery", "sale", "supply", "transfer", "production", "conversion_output")
"""Activities by which a waste is used rather than disposed of."""
REUSED_WATER = ("reclaimed_water", "circulating_water", "condensate")
"""Water that has been used before."""

PURPOSES = ("energy", "water", "material", "wastewater", "treated", "emission")
OUTPUTS = ("product", "energy", "water", "waste", "wastewater", "emission", "loss")


def with_roles(edges: pl.DataFrame, nodes: pl.DataFrame) -> pl.DataFrame:
    """Return the edges with what they are to both of their ends.

    Adds `purpose` (of `PURPOSES`, to the node entered), `output` (of `OUTPUTS`, to the node left), `crossing` (the ends
    belong to different firms), `exchanged` (crossing, both inside the boundary), `reused` (water used again) and
    `utilised` (a waste that goes to a use).
    """
    environment = nodes.filter(pl.col("kind") == "environment")["node"].to_list()
    group, activity, commodity = pl.col("group"), pl.col("activity"), pl.col("commodity")
    to_environment = pl.col("target").is_in(environment)
    fuel = group.is_in(FUELS)
    purpose = (
        pl.when(activity.is_in(EMITTING) | group.is_in(["pollutant"]))
        .then(pl.lit("emission"))
        .when(group == "wastewater")
        .then(pl.lit("wastewater"))
        .when(activity == "treatment")
        .then(pl.lit("treated"))
        .when(group.is_in(PURE_ENERGY) | (fuel & ~activity.is_in(MATERIAL_USE)))
        .then(pl.lit("energy"))
        .when((group == "waste") & activity.is_in(BURNING))
        .then(pl.lit("energy"))
        .when(group == "water")
        .then(pl.lit("water"))
        .otherwise(pl.lit("material"))
    )
    output = (
        pl.when(pl.col("target") == "implied:residue")
        .then(pl.lit("waste"))
        .when(pl.col("implied").is_not_null() | activity.is_in(EMITTING) | (group == "pollutant"))
        .then(pl.lit("emission"))
        .when(activity == "loss")
        .then(pl.lit("loss"))
        .when((group == "wastewater") | ((group == "water") & to_environment))
        .then(pl.lit("wastewater"))
        .when(group.is_in(["waste", "waste_fuel"]) | (activity == "treatment"))
        .then(pl.lit("waste"))
        .when(group == "water")
        .then(pl.lit("water"))
        .when(group.is_in(PURE_ENERGY))
        .then(pl.lit("energy"))
        .otherwise(pl.lit("product"))
    )
    crossing = pl.col("source_firm") != pl.col("target_firm")
    watery = group.is_in(["water", "wastewater"])
    return edges.with_columns(
        purpose.alias("purpose"),
        output.alias("output"),
        crossing.alias("crossing"),
        (crossing & pl.col("source_inside") & pl.col("target_inside")).alias("exchanged"),
        (
            watery
            & ~to_environment
            & (
                commodity.is_in(REUSED_WATER)
                | (pl.col("source") == pl.col("target"))
                | ((group == "wastewater") & activity.is_in([*MATERIAL_USE, "recovery", "final_use"]))
            )
        ).alias("reused"),
        activity.is_in(UTILISING).alias("utilised"),
    )
