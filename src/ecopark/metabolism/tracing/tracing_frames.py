"""From the solution of a trace (burden of every place, all layers) to its frames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.sparse import csr_array

from ecopark.accounting.supply_system import Floats, Integers
from ecopark.metabolism.tracing.burden_network import BurdenNetwork

FINAL_SCHEMA: dict[str, type[pl.DataType]] = {
    "layer": pl.String, "kind": pl.String, "node": pl.String, "firm": pl.String, "commodity": pl.String,
    "role": pl.String, "edge": pl.Int64, "amount": pl.Float64, "unit": pl.String, "embodied": pl.Float64,
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Solution:
    """The solved network.

    `burden` (places, layers) of every place; `incomplete` (places, layers) where something unknown flows in; `closed`
    the places of each loop that nothing leaves, whose transfers are cut in `transfers`.
    """

    network: BurdenNetwork
    layers: Mapping[str, str]
    transfers: csr_array
    burden: Floats
    incomplete: NDArray[np.bool_]
    closed: Sequence[Integers]

    def in_loop(self) -> NDArray[np.bool_]:
        """Return which places belong to a loop that nothing leaves."""
        found = np.zeros(self.network.places.height, dtype=np.bool_)
        for members in self.closed:
            found[members] = True
        return found

    def place_frame(self) -> pl.DataFrame:
        """Return the places with `in_loop` and the `ends` of the pools ("shared" or a kind of final)."""
        keys = self.network.keys.group_by("node").agg(pl.col("share").is_not_null().any().alias("shared"))
        places = self.network.places.join(keys, on="node", how="left", maintain_order="left")
        ends = (
            pl.when("in_loop").then(pl.lit("closed_loop"))
            .when(pl.col("shared").is_null()).then(pl.lit("used"))
            .when(~pl.col("shared")).then(pl.lit("unallocated"))
            .otherwise(pl.lit("shared"))
        )  # fmt: skip
        return places.with_columns(pl.Series("in_loop", self.in_loop())).with_columns(ends.alias("ends"))

    def by_layer(self, frame: pl.DataFrame, place: str = "place") -> pl.DataFrame:
        """Return the frame once per layer, with `layer`, `value_unit`, `total` (burden of the place) and `complete`."""
        numbers = frame[place].to_numpy()
        return pl.concat(
            [
                frame.with_columns(
                    pl.lit(layer).alias("layer"), pl.lit(unit).alias("value_unit"),
                    pl.Series("total", self.burden[numbers, index]),
                    pl.Series("complete", ~self.incomplete[numbers, index]),
                )
                for index, (layer, unit) in enumerate(self.layers.items())
            ]
        )  # fmt: skip


def reached(transfers: csr_array, start: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which places (rows), by layer, something flows to from those in `start` (themselves included)."""
    pattern = transfers.copy()
    pattern.data = np.ones_like(pattern.data)
    found, front = start.copy(), start
    while front.any():
        front = (pattern @ front.astype(np.float64) > 0) & ~found
        found |= front
    return found


def with_shares(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the frame with `share`: of all that is embodied in the row's layer (null where that is zero)."""
    whole = pl.col("embodied").sum().over("layer")
    return frame.with_columns(pl.when(whole != 0).then(pl.col("embodied") / whole).alias("share"))


def intensities_of(solution: Solution) -> pl.DataFrame:
    """Return the goods of all nodes with what is embodied in them (`Trace.intensities`)."""
    goods = solution.place_frame().filter(pl.col("commodity").is_not_null())
    keys = solution.network.keys.select("node", "commodity", "role", "key", "share")
    goods = goods.join(keys, on=["node", "commodity", "role"], how="left", maintain_order="left")
    # nothing is known of a good that is all made here and has no key, nor of one that runs in a closed loop
    unknown = pl.col("in_loop") | (pl.col("key").is_not_null() & pl.col("share").is_null() & (pl.col("received") == 0))
    return (
        solution.by_layer(goods)
        .with_columns(pl.when(~unknown).then("total").alias("embodied"))
        .with_columns((pl.col("embodied") / pl.col("amount")).alias("value"))
        .with_columns(pl.concat_str("value_unit", pl.lit("/"), "unit").alias("value_unit"))
        .select(
            "node", "firm", "commodity", "role", "layer", "amount", "unit", "embodied", "value", "value_unit", "key",
            "complete",
        )
    )  # fmt: skip


def pools_of(solution: Solution, entering: pl.DataFrame) -> pl.DataFrame:
    """Return what each node's pool is made of (`Trace.pools`); nodes through which nothing passes are left out."""
    pools = solution.place_frame().filter(pl.col("role") == "pool")
    sums = entering.group_by("layer", "place").agg(
        pl.col("embodied").filter(pl.col("kind") == kind).sum().alias(kind) for kind in ("direct", "upstream")
    )
    return (
        solution.by_layer(pools)
        .join(sums, on=["layer", "place"], how="left", maintain_order="left")
        .with_columns(pl.col("direct", "upstream").fill_null(0.0))
        .with_columns((pl.col("total") - pl.col("direct") - pl.col("upstream")).alias("received"))
        .filter((pl.col("total") != 0) | (pl.col("ends") == "shared"))
        .select("node", "firm", "layer", "direct", "upstream", "received", "total", "ends", "complete")
    )


def finals_of(solution: Solution) -> pl.DataFrame:
    """Return where all burdens end (`Trace.finals`)."""
    places = solution.place_frame()
    goods = places.filter(pl.col("commodity").is_not_null() & ~pl.col("in_loop"))
    leaving = solution.network.deliveries.filter(pl.col("provided") & ~pl.col("received")).select(
        pl.lit("leaves").alias("kind"), pl.col("provider").alias("node"), pl.col("provider_firm").alias("firm"),
        "commodity", "role", "edge", "amount", "unit", pl.col("from_place").alias("place"), "part",
    )  # fmt: skip
    leaving = leaving.join(places.filter(~pl.col("in_loop")).select("place"), on="place", how="semi")

    def part_of(kind: str, amount: str) -> pl.DataFrame:
        rows = goods.filter(pl.col(amount) > 0)
        if amount == "own":
            rows = rows.filter("kept")
        return rows.select(
            pl.lit(kind).alias("kind"), "node", "firm", "commodity", "role", pl.lit(None, pl.Int64).alias("edge"),
            pl.col(amount).alias("amount"), "unit", "place", (pl.col(amount) / pl.col("amount")).alias("part"),
        )  # fmt: skip

    ending = places.filter(pl.col("in_loop") | ((pl.col("role") == "pool") & (pl.col("ends") != "shared"))).select(
        pl.col("ends").alias("kind"), "node", "firm", "commodity", "role", pl.lit(None, pl.Int64).alias("edge"),
        pl.lit(None, pl.Float64).alias("amount"), pl.lit(None, pl.String).alias("unit"), "place",
        pl.lit(1.0).alias("part"),
    )  # fmt: skip
    found = pl.concat([leaving, part_of("stock", "stocked"), part_of("used", "own"), ending])
    return with_shares(
        solution.by_layer(found)
        .with_columns((pl.col("part") * pl.col("total")).alias("embodied"))
        # a delivery stays though nothing is embodied in it; a node where nothing ended does not
        .filter(pl.col("edge").is_not_null() | (pl.col("embodied") != 0))
        .select(pl.col(name).cast(kind) for name, kind in FINAL_SCHEMA.items())
    )


def carried_of(solution: Solution, entering: pl.DataFrame) -> pl.DataFrame:
    """Return edge, layer, embodied of every delivery: from a node of the boundary, or from outside where known."""
    sent = solution.network.deliveries.filter("provided").select("edge", "part", pl.col("from_place").alias("place"))
    own = solution.by_layer(sent).select("edge", "layer", (pl.col("part") * pl.col("total")).alias("embodied"))
    bought = entering.filter(pl.col("edge").is_not_null()).select("edge", "layer", "embodied")
    return pl.concat([own, bought])
