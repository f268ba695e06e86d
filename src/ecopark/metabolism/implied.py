"""What leaves a node by rule although nobody measures it: the carbon and the gas of fuel that is burnt.

An implied edge follows from another edge: it has the same amount (`variable`) and its own coefficient, so that it is
explained, and its error moves, with that edge. A node that states an outflow of carbon dioxide itself gets none.
Remainders (final use of energy, water consumed) are not edges; `balances` names them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

from ecopark.catalogue import Catalogue
from ecopark.metabolism.layers import KEY, LayerCoefficients, dispositions_of

_EMITTED = ("carbon_dioxide", "carbon_dioxide_biogenic")


def implied_edges(
    edges: pl.DataFrame,
    keyed: pl.DataFrame,
    coefficients: LayerCoefficients,
    catalogue: Catalogue,
    layers: Sequence[str],
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the implied edges and their values (deviations still null), shaped as `edges` and `values`.

    One edge per edge and disposition; its source is the node where the fuel arrives, its target "implied:air" or
    "implied:residue".
    """
    stated = edges.filter(pl.col("commodity").is_in(_EMITTED) & (pl.col("activity") == "emission"))["source_firm"]
    candidates = keyed.join(
        edges.filter(
            pl.col("target_inside") & ~pl.col("target_firm").is_in(stated.implode()) & pl.col("amount").is_not_null()
        ).select("edge"),
        on="edge", how="semi",
    )  # fmt: skip
    found: list[dict[str, Any]] = []
    names = [*KEY, "activity"]
    for key in candidates.select(names).unique(maintain_order=True).iter_rows(named=True):
        for disposition in dispositions_of(catalogue, layers, "formula", key, key["activity"]):
            number = coefficients.by_disposition(disposition, key)
            if number is not None:
                found.append({
                    **key, "disposition": disposition["id"], "layer": disposition["layer"],
                    "end": f"implied:{disposition['target']}", "coefficient": number,
                    "worth": coefficients.coefficients[number]["value"],
                })  # fmt: skip
    texts = {**dict.fromkeys(names, pl.String), "disposition": pl.String, "layer": pl.String, "end": pl.String}
    chosen = pl.DataFrame(found, schema={**texts, "coefficient": pl.Int32, "worth": pl.Float64})
    start = edges.height
    implied = (
        candidates.join(chosen, on=names, how="inner", maintain_order="left", nulls_equal=True)
        .select("edge", "disposition", "layer", "end", "coefficient", "worth")
        .join(edges, on="edge", how="left", maintain_order="left")
        .with_row_index("number", offset=start)
        .with_columns(pl.col("number").cast(pl.Int64))
    )
    new_edges = implied.with_columns(
        pl.col("number").alias("edge"),
        pl.concat_str(pl.lit("implied:"), "disposition", pl.lit(":"), "stream").alias("stream"),
        pl.col("target").alias("source"),
        pl.col("end").alias("target"),
        pl.col("target_firm").alias("source_firm"),
        pl.col("end").alias("target_firm"),
        pl.col("target_inside").alias("source_inside"),
        pl.lit(False).alias("target_inside"),
        pl.lit("emission").alias("activity"),
        pl.lit("calculated").alias("method"),
        pl.col("disposition").alias("implied"),
    ).select(edges.columns)
    values = implied.select(
        pl.col("number").alias("edge"), "layer", "coefficient",
        (pl.col("amount") * pl.col("worth")).alias("value"), pl.lit(None, pl.Float64).alias("sd"),
    )  # fmt: skip
    return new_edges, values
