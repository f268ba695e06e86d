"""Who passes a burden on to whom: flows turned into places and the parts of a burden that go from place to place.

A place is a station (what a node of the chosen level makes: its pool of burdens) or a good of a station (what it sends
of one commodity: received of others and made by itself, mixed). The burden of a good goes with its amount; that of a
pool is shared over what the station makes by an allocation key. Treatment of waste and waste water is a good that
moves against the waste: who sends the waste receives the treatment, with its burden.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.sparse import csr_array

from ecopark.metabolism.flows import LayeredFlows, Level
from ecopark.metabolism.roles import EMITTING, UTILISING
from ecopark.units import UnitError, factor

Key = Literal["auto", "money", "energy", "mass"]
KEYS: tuple[str, ...] = ("energy", "money", "mass")
CONVERSION = ("power_generation", "heat_generation", "chp", "conversion_input")
WASTES = ("waste", "wastewater")

DISTRIBUTES = 0.8
"""A station that makes nothing and passes on at least this part of what it receives of a good is a distributor: its own
burden, that of its losses included, goes onto what it delivers (else what it uses itself would)."""

GOOD = ["station", "commodity", "role"]

KEY_SCHEMA: dict[str, type[pl.DataType]] = {
    "node": pl.String, "commodity": pl.String, "role": pl.String, "made": pl.Float64, "unit": pl.String,
    "key": pl.String, "key_value": pl.Float64, "share": pl.Float64,
}  # fmt: skip
"""What each station makes (`made`, in the commodity's unit; of a distributor what it passes on), the key by which its
burden is shared ("single" where there is one good only), the good's value in that key and its share; both null where
the key has no value for it.
"""


@dataclass(frozen=True, eq=False)
class BurdenNetwork:
    """Places and the parts of burdens that go between them.

    `deliveries`: edge, stream, provider, receiver, provider_firm, receiver_firm, provided, received (is that end
    inside), commodity, role (product or treatment), amount, unit, from_place, to_place (null outside), part (of the
    burden of from_place). `places`: place, node, firm, commodity (null for a pool), role (pool, product, treatment),
    amount (mixed), received, made, sent, stocked, own (kept), unit, kept (own use stays at the node). `keys` as
    `KEY_SCHEMA`. `transfers` is the matrix P: what part of a place's burden (column) goes to another (row). `unlinked`:
    edges left out, with the reason.
    """

    deliveries: pl.DataFrame
    places: pl.DataFrame
    keys: pl.DataFrame
    transfers: csr_array
    unlinked: pl.DataFrame
    stations: pl.DataFrame


def deliveries_of(flows: LayeredFlows, level: Level) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the edges that pass burdens on, as deliveries from provider to receiver, and those left out with reasons.

    Left out without a word: what only follows by rule (implied), and what carries no burden onward (to the
    environment, losses, leakages, and wastes that are used: a cut-off). Left out with a reason: no_amount, negative,
    unit.
    """
    environment = flows.nodes.filter(pl.col("kind") == "environment")["node"].to_list()
    station = flows.at_level(level)
    edges = flows.edges.filter(pl.col("implied").is_null() & (pl.col("source_inside") | pl.col("target_inside")))
    group, activity = pl.col("group"), pl.col("activity")
    treating = edges.filter((activity == "treatment") & pl.col("target_inside"))["target_firm"].unique()
    # inside a firm that treats, a transfer of waste is a step of the treatment; elsewhere it is a use of the waste
    handed = (activity == "transfer") & pl.col("target_firm").is_in(treating.implode())
    wasted = (activity == "treatment") | (group.is_in(WASTES) & (~activity.is_in(UTILISING) | handed))
    ends = pl.col("target").is_in(environment) | activity.is_in([*EMITTING, "loss"]) | (group == "pollutant")
    role = (
        pl.when(ends).then(None).when(wasted).then(pl.lit("treatment")).when(group.is_in(WASTES)).then(None)
        .otherwise(pl.lit("product"))
    )  # fmt: skip
    named = (
        edges.with_columns(role.alias("role"))
        .filter(pl.col("role").is_not_null())
        .join(station.rename({"node": "source", "station": "from"}), on="source", how="left", maintain_order="left")
        .join(station.rename({"node": "target", "station": "to"}), on="target", how="left", maintain_order="left")
    )
    back = pl.col("role") == "treatment"
    found = named.select(
        "edge", "stream", "commodity", "group", "role", "amount", "unit", "activity",
        pl.when(back).then("to").otherwise("from").alias("provider"),
        pl.when(back).then("from").otherwise("to").alias("receiver"),
        pl.when(back).then("target_firm").otherwise("source_firm").alias("provider_firm"),
        pl.when(back).then("source_firm").otherwise("target_firm").alias("receiver_firm"),
        pl.when(back).then("target_inside").otherwise("source_inside").alias("provided"),
        pl.when(back).then("source_inside").otherwise("target_inside").alias("received"),
        (~back & pl.col("source").is_in(environment)).alias("extracted"),
    )  # fmt: skip
    found = _in_one_unit(_without_contents(found, flows))
    reason = (
        pl.when(pl.col("amount").is_null()).then(pl.lit("no_amount"))
        .when(pl.col("amount").is_nan()).then(pl.lit("unit"))
        .when(pl.col("amount") < 0).then(pl.lit("negative"))
    )  # fmt: skip
    found = found.with_columns(reason.alias("reason"))
    return (
        found.filter(pl.col("reason").is_null() & (pl.col("amount") > 0)).drop("reason"),
        found.filter(pl.col("reason").is_not_null()),
    )


def _without_contents(deliveries: pl.DataFrame, flows: LayeredFlows) -> pl.DataFrame:
    """Return the deliveries without treatment counted twice: by a waste and by what it contains (such as its COD).

    A content is no matter of its own (the layer mass does not hold it by nature); it is left out where the same plant
    treats wastes that are.
    """
    if "mass" not in flows.layers["id"]:
        return deliveries
    known = pl.concat([
        frame.filter(pl.col("layer") == "mass").select("edge") for frame in (flows.values, flows.unknown)
    ]).unique()  # fmt: skip
    treated = pl.col("role") == "treatment"
    matter = deliveries.filter(treated).join(known, on="edge", how="semi")
    contents = deliveries.filter(treated).join(known, on="edge", how="anti").join(matter, on="provider", how="semi")
    return deliveries.join(contents.select("edge"), on="edge", how="anti", maintain_order="left")


def _in_one_unit(deliveries: pl.DataFrame) -> pl.DataFrame:
    """Return the deliveries with the amounts of a commodity in one unit (NaN where a unit cannot be brought to it)."""
    units = deliveries.select("commodity", "unit").unique(maintain_order=True)
    if units["commodity"].n_unique() == units.height:
        return deliveries
    rows = []
    first: dict[str, str] = {}
    for commodity, unit in units.iter_rows():
        wanted = first.setdefault(commodity, unit)
        try:
            rows.append((commodity, unit, wanted, factor(unit, wanted) if unit != wanted else 1.0))
        except UnitError:
            rows.append((commodity, unit, wanted, float("nan")))
    scale = pl.DataFrame(
        rows, schema={"commodity": pl.String, "unit": pl.String, "one_unit": pl.String, "scale": pl.Float64},
        orient="row",
    )  # fmt: skip
    columns = deliveries.columns
    return (
        deliveries.join(scale, on=["commodity", "unit"], how="left", maintain_order="left", nulls_equal=True)
        .with_columns(pl.col("amount") * pl.col("scale"), pl.col("one_unit").alias("unit"))
        .select(columns)
    )


def burden_network(flows: LayeredFlows, level: Level, key: Key) -> BurdenNetwork:
    """Return the places of a network at a level and how burdens pass between them.

    With R received, S sent, K kept in a self-delivery and G put into stock of a good, the station makes
    M = max(0, S + K + G - R) of it; its burden is spread evenly over R + M, and what is neither sent nor stocked goes
    into the station's pool (or stays there as used, where the station makes nothing else). The pool is shared over what
    the station makes; where it makes nothing but distributes (see `DISTRIBUTES`), over what it passes on.
    """
    deliveries, unlinked = deliveries_of(flows, level)
    goods = _goods(deliveries, flows, level)
    keys = _keys(deliveries, goods, flows, key, level)
    stations = _stations(flows, level)
    pools = stations.select(
        pl.col("station").alias("node"), pl.lit(None, pl.String).alias("commodity"), pl.lit("pool").alias("role"),
        *(pl.lit(None, pl.Float64).alias(name) for name in ("amount", "received", "made", "sent", "stocked", "own")),
        pl.lit(None, pl.String).alias("unit"), pl.lit(False).alias("kept"),
    )  # fmt: skip
    makes = keys.filter(pl.col("share") > 0).group_by("node").agg(pl.len().alias("makes"))
    with_keys = goods.rename({"station": "node"}).join(makes, on="node", how="left", maintain_order="left")
    # what it keeps of the only thing it makes has nowhere to go but to its use there
    kept = (pl.col("own") > 0) & (pl.col("made") > 0) & (pl.col("makes").fill_null(0) <= 1)
    goods_places = with_keys.with_columns(kept.alias("kept")).select(pools.columns)
    places = pl.concat([pools, goods_places]).with_row_index("place").with_columns(pl.col("place").cast(pl.Int64))
    places = places.join(stations.rename({"station": "node"}), on="node", how="left", maintain_order="left")
    deliveries = _placed(deliveries, places)
    transfers = _transfers(deliveries, places, keys)
    return BurdenNetwork(deliveries, places, keys, transfers, unlinked, stations)


def _goods(deliveries: pl.DataFrame, flows: LayeredFlows, level: Level) -> pl.DataFrame:
    """Return the goods of every station that sends or stocks some: what is received, made, sent, stocked, kept."""
    own = pl.col("provider") == pl.col("receiver")
    provided = deliveries.filter("provided").group_by(
        pl.col("provider").alias("station"), "commodity", "role", maintain_order=True
    ).agg(
        pl.col("amount").filter(~own).sum().alias("sent"), pl.col("amount").filter(own).sum().alias("self"),
        pl.col("unit").first(),
    )  # fmt: skip
    received = deliveries.filter(pl.col("received") & ~own).group_by(
        pl.col("receiver").alias("station"), "commodity", "role", maintain_order=True
    ).agg(pl.col("amount").sum().alias("received"), pl.col("unit").first().alias("received_unit"))  # fmt: skip
    stocked = (
        flows.stocks.filter(pl.col("amount") > 0)
        .unique(["node", "commodity", "period_start"], maintain_order=True)
        .join(flows.at_level(level), on="node", how="inner")
        .group_by("station", "commodity", maintain_order=True)
        .agg(pl.col("amount").sum().alias("stocked"), pl.col("unit").first().alias("stock_unit"))
        .with_columns(pl.lit("product").alias("role"))
    )
    # a store of what neither comes nor goes in this record has no burden to hold
    known = pl.concat([provided.select(GOOD), received.select(GOOD)]).unique()
    stocked = stocked.join(known, on=GOOD, how="semi")
    amounts = ("received", "sent", "self", "stocked")
    joined = (
        provided.join(stocked, on=GOOD, how="full", coalesce=True, maintain_order="left_right")
        .join(received, on=GOOD, how="left", maintain_order="left")
        .with_columns(pl.coalesce("unit", "received_unit", "stock_unit").alias("unit"))
    )
    scales = {
        (stock, unit): _scale(stock, unit)
        for stock, unit in joined.filter(pl.col("stocked").is_not_null()).select("stock_unit", "unit").unique().rows()
    }
    scale = pl.Series([scales.get(pair, 1.0) for pair in joined.select("stock_unit", "unit").rows()], dtype=pl.Float64)
    made = (pl.col("sent") + pl.col("self") + pl.col("stocked") - pl.col("received")).clip(0.0)
    # an amount made that is only rounding of what passes through would ask for an allocation key
    made = pl.when(made > 1e-9 * pl.col("received")).then(made).otherwise(0.0)
    return (
        joined.with_columns(pl.col("stocked") * scale)
        .with_columns(pl.col(name).fill_null(0.0) for name in amounts)
        .filter(pl.col("sent") + pl.col("stocked") > 0)
        .with_columns(made.alias("made"))
        .with_columns(pl.max_horizontal(pl.col("received") + pl.col("made"), pl.col("sent") + pl.col("stocked"))
                      .alias("amount"))
        .with_columns((pl.col("amount") - pl.col("sent") - pl.col("stocked")).alias("own"))
        .select(*GOOD, "amount", "received", "made", "sent", "stocked", "own", "unit")
    )  # fmt: skip


def _scale(unit: str, wanted: str) -> float:
    try:
        return factor(unit, wanted)
    except UnitError:
        return 0.0


def _stations(flows: LayeredFlows, level: Level) -> pl.DataFrame:
    """Return station and firm of every station inside."""
    firm = flows.nodes.join(flows.at_level(level), on="node").filter("inside").select(
        "station", "node", "firm"
    )  # fmt: skip
    own = firm.sort(pl.col("node") == pl.col("station"), descending=True, maintain_order=True)
    return own.unique("station", keep="first", maintain_order=True).select("station", "firm").sort("station")


def _keys(deliveries: pl.DataFrame, goods: pl.DataFrame, flows: LayeredFlows, key: Key, level: Level) -> pl.DataFrame:
    """Return the allocation keys (`KEY_SCHEMA`) of every station that makes something."""
    passed = pl.col("sent") + pl.col("stocked")
    distributes = (pl.col("made").max().over("station") == 0) & (passed >= DISTRIBUTES * pl.col("amount"))
    made = (
        goods.with_columns(pl.when(distributes).then(passed).otherwise("made").alias("made"))
        .filter(pl.col("made") > 0)
        .select(*GOOD, "made", "unit")
    )
    provided = deliveries.filter("provided").select("edge", pl.col("provider").alias("station"), "commodity", "role",
                                                    "amount")  # fmt: skip
    for layer in KEYS:
        values = flows.values.filter(pl.col("layer") == layer).select("edge", pl.col("value").abs().alias("worth"))
        # the value per amount over the deliveries that have one: a price on most of it prices the rest
        per = (
            provided.join(values, on="edge", how="inner")
            .group_by(GOOD)
            .agg((pl.col("worth").sum() / pl.col("amount").sum()).alias(f"per_{layer}"))
        )
        made = made.join(per, on=GOOD, how="left", maintain_order="left").with_columns(
            (pl.col(f"per_{layer}") * pl.col("made")).alias(layer)
        )
    converting = pl.concat([
        flows.edges.filter(pl.col("activity").is_in(CONVERSION)).select(pl.col("target").alias("node")),
        flows.edges.filter(pl.col("activity") == "conversion_output").select(pl.col("source").alias("node")),
    ]).join(flows.at_level(level), on="node")["station"].unique()  # fmt: skip
    known = {layer: (pl.col(layer) > 0).fill_null(False).sum().over("station") for layer in KEYS}
    count = pl.len().over("station")
    if key == "auto":
        best = pl.max_horizontal(*known.values())
        chosen = (
            pl.when((known["energy"] == count) & pl.col("station").is_in(converting.implode())).then(pl.lit("energy"))
            .when(known["money"] == count).then(pl.lit("money"))
            .when(known["mass"] == count).then(pl.lit("mass"))
            .when(known["energy"] == best).then(pl.lit("energy"))
            .when(known["money"] == best).then(pl.lit("money"))
            .otherwise(pl.lit("mass"))
        )  # fmt: skip
    else:
        chosen = pl.lit(key)
    value = pl.coalesce(pl.when((pl.col("key") == layer) & (pl.col(layer) > 0)).then(layer) for layer in KEYS)
    single = pl.col("key") == "single"
    return (
        made.with_columns(pl.when(count == 1).then(pl.lit("single")).otherwise(chosen).alias("key"))
        .with_columns(pl.when(single).then("made").otherwise(value).alias("key_value"))
        .with_columns((pl.col("key_value") / pl.col("key_value").sum().over("station")).alias("share"))
        .rename({"station": "node"})
        .select(pl.col(name).cast(kind) for name, kind in KEY_SCHEMA.items())
    )


def _placed(deliveries: pl.DataFrame, places: pl.DataFrame) -> pl.DataFrame:
    """Return the deliveries with the places that they leave and enter and the part of the burden that they take."""
    goods = places.filter(pl.col("commodity").is_not_null()).select(
        pl.col("node").alias("provider"), "commodity", "role", pl.col("place").alias("from_place"),
        pl.col("amount").alias("mixed"),
    )  # fmt: skip
    entered = goods.select(pl.col("provider").alias("receiver"), "commodity", "role",
                           pl.col("from_place").alias("good_place"))  # fmt: skip
    pools = places.filter(pl.col("role") == "pool").select(pl.col("node").alias("receiver"),
                                                           pl.col("place").alias("pool_place"))  # fmt: skip
    own = pl.col("provider") == pl.col("receiver")
    return (
        deliveries.join(goods, on=["provider", "commodity", "role"], how="left", maintain_order="left")
        .join(entered, on=["receiver", "commodity", "role"], how="left", maintain_order="left")
        .join(pools, on="receiver", how="left", maintain_order="left")
        .with_columns(
            pl.when("provided").then("from_place").alias("from_place"),
            pl.when("received").then(pl.coalesce("good_place", "pool_place")).alias("to_place"),
        )
        # what is kept in a self-delivery is part of the good's own use and of no other transfer
        .filter(~(own & pl.col("provided")))
        .with_columns(pl.when("provided").then(pl.col("amount") / pl.col("mixed")).alias("part"))
        .drop("mixed", "good_place", "pool_place")
    )


def _transfers(deliveries: pl.DataFrame, places: pl.DataFrame, keys: pl.DataFrame) -> csr_array:
    """Return P: the parts of each place's burden (columns) that go to other places (rows)."""
    inner = deliveries.filter("provided", "received")
    pool = places.filter(pl.col("role") == "pool").select("node", pl.col("place").alias("pool"))
    goods = places.filter(pl.col("commodity").is_not_null()).join(pool, on="node", maintain_order="left")
    own = goods.filter((pl.col("own") > 0) & ~pl.col("kept"))
    shared = keys.filter(pl.col("share") > 0).join(
        goods.select("node", "commodity", "role", "place", "pool"), on=["node", "commodity", "role"],
        maintain_order="left",
    )  # fmt: skip
    rows: Sequence[NDArray[np.int64]] = [
        inner["to_place"].to_numpy(),
        own["pool"].to_numpy(),
        shared["place"].to_numpy(),
    ]
    columns = [inner["from_place"].to_numpy(), own["place"].to_numpy(), shared["pool"].to_numpy()]
    parts = [inner["part"].to_numpy(), (own["own"] / own["amount"]).to_numpy(), shared["share"].to_numpy()]
    size = places.height
    matrix = csr_array(
        (np.concatenate(parts), (np.concatenate(rows), np.concatenate(columns))), shape=(size, size), dtype=np.float64
    )
    matrix.sum_duplicates()
    return matrix
