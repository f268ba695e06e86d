"""What leaves a node by rule although nobody measures it: the carbon and the gas of fuel that is burnt.

An implied edge follows from another edge: it has the same amount (`variable`) and its own coefficient, so that it is
explained, and its error moves, with that edge. Where the record states the carbon dioxide itself, its carbon is not
sent away a second time by rule (`stated`). Remainders (final use of energy, water consumed) are not edges; `balances`
names them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from ecopark.catalogue import Catalogue
from ecopark.metabolism.layers import KEY, LayerCoefficients, LayerGap, applying

EMITTED = {"carbon_dioxide": "fossil", "carbon_dioxide_biogenic": "biogenic"}
"""Commodities that state emitted carbon, with the origin of that carbon."""


def stated(
    edges: pl.DataFrame, nodes: pl.DataFrame, burnt: pl.DataFrame, biogenic: Sequence[str]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the edges of `burnt` whose carbon the record states as carbon dioxide, and the statements (column edge).

    A statement is an emission with an amount above zero. It speaks of what is burnt in the same period at its node, at
    those below it and at those above it up to the firm; not of a neighbouring process. Fossil and biogenic carbon
    (`biogenic`: commodities) are apart.
    """
    parents = dict(nodes.select("node", "parent").iter_rows())
    firms = dict(nodes.select("node", "firm").iter_rows())

    def line(node: str) -> list[str]:
        path, firm = [node], firms[node]
        while path[-1] != firm and (above := parents.get(path[-1])) is not None and above not in path:
            path.append(above)
        return path

    emitted = edges.filter(
        pl.col("commodity").is_in(list(EMITTED)) & (pl.col("activity") == "emission") & (pl.col("amount") > 0)
    ).select("edge", "source", "source_firm", "period_start",
             pl.col("commodity").replace_strict(EMITTED, return_dtype=pl.String).alias("origin"))  # fmt: skip
    is_biogenic = pl.col("commodity").is_in(list(biogenic))
    arriving = edges.join(burnt, on="edge", how="semi").filter(
        pl.col("target_firm").is_in(emitted["source_firm"].implode())
    ).select("edge", "target", "period_start",
             pl.when(is_biogenic).then(pl.lit("biogenic")).otherwise(pl.lit("fossil")).alias("origin"))  # fmt: skip
    lines = [
        (source, target)
        for source in emitted["source"].unique(maintain_order=True)
        for target in arriving["target"].unique(maintain_order=True)
        if source in line(target) or target in line(source)
    ]
    pairs = emitted.join(
        pl.DataFrame(lines, schema={"source": pl.String, "target": pl.String}, orient="row"), on="source", how="inner"
    ).join(arriving, on=["target", "period_start", "origin"], how="inner", suffix="_fuel")
    return pairs.select(pl.col("edge_fuel").alias("edge")).unique(), pairs.select("edge").unique()


def implied_edges(
    edges: pl.DataFrame,
    keyed: pl.DataFrame,
    coefficients: LayerCoefficients,
    catalogue: Catalogue,
    layers: Sequence[str],
    nodes: pl.DataFrame,
    biogenic: Sequence[str],
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Return the implied edges, their values (deviations still null) and gaps, shaped as edges, values and unknown.

    One edge per edge and disposition (of those with one layer and end, the first that applies); its source is the node
    where the fuel arrives, its target "implied:air" or "implied:residue". An edge whose carbon is `stated` gets none in
    the layer carbon. A gap is what should leave by rule but lacks a value, such as the ash of a coal. Last come the
    statements (column edge): in the layer mass theirs is the flue gas of the fuel, which leaves by rule without the
    oxygen of the air.
    """
    candidates = keyed.join(
        edges.filter(pl.col("target_inside") & pl.col("amount").is_not_null()).select("edge"), on="edge", how="semi"
    )
    dispositions = catalogue.dispositions.filter(pl.col("kind") == "formula").to_dicts()
    found: list[dict[str, Any]] = []
    ruled: list[dict[str, Any]] = []
    names = list(KEY)
    for key in candidates.select(names).unique(maintain_order=True).iter_rows(named=True):
        chosen_rules = _first_of_each(applying(dispositions, key, key["activity"]))
        ruled += [key] if chosen_rules else []
        for disposition in chosen_rules:
            if disposition["layer"] not in layers:
                continue
            number = coefficients.by_disposition(disposition, key)
            if number is None:
                continue
            row = {**key, "disposition": disposition["id"], "layer": disposition["layer"],
                   "end": f"implied:{disposition['target']}"}  # fmt: skip
            if isinstance(number, LayerGap):
                found.append({**row, "reason": number.reason, "quantity": number.quantity})
            else:
                found.append({**row, "coefficient": number, "worth": coefficients.coefficients[number]["value"]})
    texts = dict.fromkeys([*names, "disposition", "layer", "end", "reason", "quantity"], pl.String)
    chosen = pl.DataFrame(found, schema={**texts, "coefficient": pl.Int32, "worth": pl.Float64})
    burnt = candidates.join(
        pl.DataFrame(ruled, schema=dict.fromkeys(names, pl.String)), on=names, how="semi", nulls_equal=True
    ).select("edge")
    told, statements = stated(edges, nodes, burnt, biogenic)
    implied = (
        candidates.join(chosen, on=names, how="inner", maintain_order="left", nulls_equal=True)
        .select("edge", "disposition", "layer", "end", "coefficient", "worth", "reason", "quantity")
        .join(told.with_columns(pl.lit("carbon").alias("layer")), on=["edge", "layer"], how="anti",
              maintain_order="left")
        .join(edges, on="edge", how="left", maintain_order="left")
        .with_row_index("number", offset=edges.height)
        .with_columns(pl.col("number").cast(pl.Int64))
    )  # fmt: skip
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
        pl.lit(None, pl.Int64).alias("whole"),
    ).select(edges.columns)
    values = implied.filter(pl.col("coefficient").is_not_null()).select(
        pl.col("number").alias("edge"), "layer", "coefficient",
        (pl.col("amount") * pl.col("worth")).alias("value"), pl.lit(None, pl.Float64).alias("sd"),
    )  # fmt: skip
    lacking = implied.filter(pl.col("reason").is_not_null() & (pl.col("amount") != 0)).select(
        pl.col("number").alias("edge"), pl.concat_str(pl.lit("implied:"), "disposition", pl.lit(":"), "stream")
        .alias("stream"), "layer", "reason", "quantity", "commodity", pl.col("target").alias("source"),
        pl.col("end").alias("target"), pl.lit(None, pl.Int32).alias("coefficient"),
    )  # fmt: skip
    return new_edges, values, lacking, statements


def _first_of_each(dispositions: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the first disposition of each layer and end."""
    first: dict[tuple[str, str], Mapping[str, Any]] = {}
    for row in dispositions:
        first.setdefault((row["layer"], row["target"]), row)
    return list(first.values())
