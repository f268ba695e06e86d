"""Measures: sums over the edges that enter, leave or lie within every node, with what they lack."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from ecopark.metabolism.flows import LayeredFlows
from ecopark.metabolism.indicators.indicator_definitions import LINKS, Measure
from ecopark.metabolism.indicators.statistics import added_up, stated
from ecopark.metabolism.regions import incidence
from ecopark.metabolism.roles import with_roles
from ecopark.model.record import Record

MEASURE_SCHEMA: dict[str, type[pl.DataType]] = {
    "measure": pl.String, "node": pl.String, "layer": pl.String, "value": pl.Float64, "known": pl.Float64,
    "unit": pl.String, "edges": pl.Int64, "status": pl.String, "reason": pl.String, "detail": pl.String,
}  # fmt: skip
_BLOCKING = ("no_amount", "no_property", "unit")
_NAMED = 5
"""How many commodities or streams a reason names."""
_CARBON_DIOXIDE = ("carbon_dioxide", "carbon_dioxide_biogenic")
_WEIGHTS = ("generated", "from_stock", "retained")


def prepared(flows: LayeredFlows) -> pl.DataFrame:
    """Return the edges with their roles (`roles.with_roles`) and what waste passes through nodes.

    Adds `carbon_dioxide` (the edge carries it) and the weights `generated` (the part of a waste that comes into being
    at its source, not what that only passes on), `from_stock` (the part taken from a store's level) and `retained`
    (the part that its target does not pass on as the same commodity).
    """
    edges = with_roles(flows.edges, flows.nodes)
    stores = flows.nodes.filter(pl.col("kind") == "store")["node"].to_list()
    wastes = edges.filter(pl.col("implied").is_null() & pl.col("amount").is_not_null() & (pl.col("group") == "waste"))
    out = wastes.group_by(pl.col("source").alias("node"), "commodity").agg(pl.col("amount").sum().alias("out"))
    into = wastes.group_by(pl.col("target").alias("node"), "commodity").agg(pl.col("amount").sum().alias("into"))
    through = out.join(into, on=["node", "commodity"], how="full", coalesce=True).with_columns(
        pl.col("out", "into").fill_null(0.0)
    )
    fresh = pl.when(pl.col("out") > 0).then((pl.col("out") - pl.col("into")).clip(0.0) / pl.col("out")).otherwise(1.0)
    kept = pl.when(pl.col("into") > 0).then((pl.col("into") - pl.col("out")).clip(0.0) / pl.col("into")).otherwise(1.0)
    is_store = pl.col("node").is_in(stores)
    shares = through.with_columns(
        pl.when(is_store).then(0.0).otherwise(fresh).alias("generated"),
        pl.when(is_store).then(fresh).otherwise(0.0).alias("from_stock"),
        kept.alias("retained"),
    )
    outside = flows.nodes.filter(~pl.col("inside"))["node"].to_list()
    return (
        edges.join(
            shares.select(pl.col("node").alias("source"), "commodity", "generated", "from_stock"),
            on=["source", "commodity"], how="left", maintain_order="left",
        )
        .join(shares.select(pl.col("node").alias("target"), "commodity", "retained"), on=["target", "commodity"],
              how="left", maintain_order="left")
        .with_columns(
            pl.col("generated").fill_null(1.0), pl.col("from_stock").fill_null(0.0),
            pl.when(pl.col("target").is_in(outside)).then(1.0).otherwise(pl.col("retained").fill_null(1.0))
            .alias("retained"),
            (
                pl.col("commodity").is_in(_CARBON_DIOXIDE)
                | (pl.col("implied").is_not_null() & (pl.col("target") == "implied:air"))
            ).alias("carbon_dioxide"),
        )
    )  # fmt: skip


def tagged(edges: pl.DataFrame, measure: Measure) -> pl.DataFrame:
    """Return edge, weight of the edges (of `prepared`) that a measure counts, wherever they lie."""
    condition = pl.lit(True)
    for column, accepted in measure.filters:
        if edges.schema[column] == pl.Boolean:
            condition &= pl.col(column) == (accepted == ("yes",))
        elif column == "implied":
            condition &= pl.col(column).is_null() == (accepted == ("no",))
        else:
            condition &= pl.col(column).is_in(list(accepted))
    weight = pl.col(measure.weight) if measure.weight else pl.lit(1.0)
    return edges.filter(condition).select("edge", weight.alias("weight"))


def measured(
    flows: LayeredFlows, record: Record, needed: Mapping[str, Measure], tree: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Return (sums, parts, edges): every measure at every node, the weighted values behind them, the edges with roles.

    `sums` as `MEASURE_SCHEMA`; `parts`: measure, node, layer, edge, variable, weight, value, sd. A sum is null where
    there is no edge and that means "unknown", or where an edge that belongs to it has no amount or lacks a property
    that its layer requires; contents that are not required and not stated are left out, and the sum is "partial".
    """
    edges = prepared(flows)
    flowing = {name: measure for name, measure in needed.items() if measure.side != "statistic"}
    members = _members(flows, edges, flowing)
    layers = _layers(flows, flowing)
    variables = flows.edges.select("edge", "variable")
    parts = (
        members.join(layers, on="measure", how="inner")
        .join(flows.values.select("edge", "layer", "value", "sd"), on=["edge", "layer"], how="inner")
        .join(variables, on="edge", how="left")
    )
    sums = [_sums(flows, members, parts, layers, flowing, tree), _links(flows, edges, members, flowing, tree)]
    sums += [_statistics(flows, record, measure, tree) for measure in needed.values() if measure.side == "statistic"]
    return pl.concat([frame.select(MEASURE_SCHEMA.keys()) for frame in sums]), parts, edges


def _members(flows: LayeredFlows, edges: pl.DataFrame, flowing: Mapping[str, Measure]) -> pl.DataFrame:
    """Return measure, node, edge, weight."""
    lies = incidence(flows)
    found = []
    for name, measure in flowing.items():
        side = lies.filter(pl.col("side") == measure.side).select("edge", "node")
        counted = side.join(tagged(edges, measure), on="edge", how="inner")
        found.append(counted.with_columns(pl.lit(name).alias("measure")))
    schema = {"edge": pl.Int64, "node": pl.String, "weight": pl.Float64, "measure": pl.String}
    return pl.concat(found) if found else pl.DataFrame(schema=schema)


def _layers(flows: LayeredFlows, flowing: Mapping[str, Measure]) -> pl.DataFrame:
    """Return measure, layer, unit: the layers in which each measure is summed (elements only where they occur)."""
    present = flows.layers.select("id", "unit")
    occurring = set(flows.values["layer"].unique().to_list()) - {"mass", "energy", "water", "money"}
    rows = []
    for identity, unit in present.iter_rows():
        for name, measure in flowing.items():
            if measure.layer == identity or (measure.layer == "*" and identity in occurring):
                rows.append((name, identity, unit))
    return pl.DataFrame(rows, schema={"measure": pl.String, "layer": pl.String, "unit": pl.String}, orient="row")


def _places(tree: pl.DataFrame) -> pl.DataFrame:
    return tree.select(pl.col("holder").alias("node")).unique(maintain_order=True)


def _sums(
    flows: LayeredFlows,
    members: pl.DataFrame,
    parts: pl.DataFrame,
    layers: pl.DataFrame,
    flowing: Mapping[str, Measure],
    tree: pl.DataFrame,
) -> pl.DataFrame:
    key = ["measure", "node", "layer"]
    counted = members.join(layers, on="measure", how="inner").group_by(key).agg(pl.len().cast(pl.Int64).alias("edges"))
    valued = parts.group_by(key).agg(
        (pl.col("value") * pl.col("weight")).sum().alias("known"), pl.len().cast(pl.Int64).alias("valued")
    )
    lacking = (
        members.filter(pl.col("weight") != 0.0)
        .join(layers, on="measure", how="inner")
        .join(flows.unknown.select("edge", "layer", "reason", "commodity", "stream"), on=["edge", "layer"], how="inner")
    )
    blocked = lacking.filter(pl.col("reason").is_in(_BLOCKING))
    by_amount = blocked.filter(pl.col("reason") == "no_amount").group_by(key).agg(_listed("stream", "streams"))
    by_property = blocked.filter(pl.col("reason") != "no_amount").group_by(key).agg(_listed("commodity", "goods"))
    unstated = lacking.filter(pl.col("reason") == "unstated").group_by(key).agg(_listed("commodity", "unstated"))
    frame = _places(tree).join(layers, how="cross")
    for other in (counted, valued, by_amount, by_property, unstated):
        frame = frame.join(other, on=key, how="left", maintain_order="left")
    zero = [name for name, measure in flowing.items() if measure.empty == "zero"]
    pairs = [name for name, measure in flowing.items() if measure.side == "within"]
    alone = pl.col("measure").is_in(pairs) & ~pl.col("node").is_in(_with_firms(flows, tree).implode())
    nothing = pl.col("edges").is_null() & ~pl.col("measure").is_in(zero)
    untold = pl.col("valued").is_null() & pl.col("unstated").is_not_null()
    reason = (
        pl.when(alone)
        .then(pl.lit("one_firm"))
        .when(nothing)
        .then(pl.lit("nothing"))
        .when(pl.col("streams").is_not_null())
        .then(pl.lit("no_amount"))
        .when(pl.col("goods").is_not_null())
        .then(pl.lit("no_property"))
        .when(pl.col("unstated").is_not_null())
        .then(pl.lit("unstated"))
        .otherwise(pl.lit(""))
    )
    missing = alone | nothing | pl.col("streams").is_not_null() | pl.col("goods").is_not_null() | untold
    return frame.with_columns(
        pl.when(missing).then(None).otherwise(pl.col("known").fill_null(0.0)).alias("value"),
        reason.alias("reason"),
        pl.when(missing)
        .then(pl.lit("missing"))
        .when(pl.col("unstated").is_not_null())
        .then(pl.lit("partial"))
        .otherwise(pl.lit("known"))
        .alias("status"),
        pl.coalesce("streams", "goods", "unstated").alias("detail"),
        pl.col("edges").fill_null(0),
    )


def _listed(column: str, name: str) -> pl.Expr:
    return pl.col(column).unique().sort().head(_NAMED).str.join("; ").alias(name)


def _with_firms(flows: LayeredFlows, tree: pl.DataFrame) -> pl.Series:
    """Return the nodes that hold at least two firms."""
    firms = flows.nodes.filter(pl.col("inside")).select("node", "firm").filter(pl.col("firm") == pl.col("node"))
    kinds = flows.nodes.filter(pl.col("kind") == "firm").select("node")
    held = tree.join(firms.join(kinds, on="node", how="semi"), on="node", how="inner")
    return held.group_by("holder").len().filter(pl.col("len") > 1)["holder"]


def _links(
    flows: LayeredFlows, edges: pl.DataFrame, members: pl.DataFrame, flowing: Mapping[str, Measure], tree: pl.DataFrame
) -> pl.DataFrame:
    """Return the measures that count links: different pairs of firms and commodities."""
    counting = [name for name, measure in flowing.items() if measure.layer == LINKS]
    ends = edges.filter(pl.col("amount") != 0.0).select("edge", "source_firm", "target_firm", "commodity")
    counts = (
        members.filter(pl.col("measure").is_in(counting))
        .join(ends, on="edge", how="inner")
        .group_by("measure", "node")
        .agg(pl.struct("source_firm", "target_firm", "commodity").n_unique().cast(pl.Float64).alias("known"))
    )
    frame = _places(tree).join(pl.DataFrame({"measure": counting}, schema={"measure": pl.String}), how="cross")
    joined = frame.join(counts, on=["measure", "node"], how="left", maintain_order="left")
    several = pl.col("node").is_in(_with_firms(flows, tree).implode())
    return joined.with_columns(
        pl.lit(LINKS).alias("layer"), pl.when(several).then(pl.col("known").fill_null(0.0)).alias("value"),
        pl.lit("1").alias("unit"), pl.col("known").fill_null(0.0).cast(pl.Int64).alias("edges"),
        pl.when(several).then(pl.lit("known")).otherwise(pl.lit("missing")).alias("status"),
        pl.when(several).then(pl.lit("")).otherwise(pl.lit("one_firm")).alias("reason"),
        pl.lit(None, pl.String).alias("detail"),
    )  # fmt: skip


def _statistics(flows: LayeredFlows, record: Record, measure: Measure, tree: pl.DataFrame) -> pl.DataFrame:
    own = stated(record, measure.filters[0][0], measure.unit, flows.start, flows.end)
    if measure.unit == "CNY":
        ends = pl.concat([flows.edges["source"], flows.edges["target"]]).unique()
        inside = flows.nodes.filter(pl.col("inside") & pl.col("node").is_in(ends.implode()))
        kinds = flows.nodes.filter(pl.col("kind") == "firm")["node"]
        firms = inside.filter(pl.col("firm").is_in(kinds.implode())).select("node", "firm")
        frame = added_up(own, tree, firms)
    else:
        frame = _places(tree).join(own, on="node", how="left", maintain_order="left").with_columns(
            pl.lit(None, pl.String).alias("lacking")
        )  # fmt: skip
    return frame.with_columns(
        pl.lit(measure.id).alias("measure"), pl.lit("").alias("layer"), pl.col("value").alias("known"),
        pl.lit(measure.unit).alias("unit"), pl.lit(0, pl.Int64).alias("edges"),
        pl.when(pl.col("value").is_null()).then(pl.lit("missing")).otherwise(pl.lit("known")).alias("status"),
        pl.when(pl.col("value").is_not_null()).then(pl.lit(""))
        .when(pl.col("lacking").fill_null("") != "").then(pl.lit("statistic_parts")).otherwise(pl.lit("statistic"))
        .alias("reason"),
        pl.coalesce(pl.col("reference"), pl.col("lacking")).alias("detail"),
    )  # fmt: skip
