"""One layer as a network of stations whose inflow and outflow are made equal by what is named as unexplained."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy.sparse import csr_array

from ecopark.accounting.supply_system import Floats
from ecopark.metabolism.flows import LayeredFlows, Level

ROUNDING = 1e-12
"""An unexplained part of a throughflow below this is the rounding of sums."""

END_SCHEMA: dict[str, type[pl.DataType]] = {
    "kind": pl.String, "station": pl.Int64, "edge": pl.Int64, "stream": pl.String, "node": pl.String,
    "commodity": pl.String, "disposition": pl.String, "value": pl.Float64,
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class LayerNetwork:
    """A layer between the stations of a level.

    `stations`: station (number), node, firm. `edges`: edge, stream, from_node, to_node (stations or outside nodes),
    source, target (station numbers, null outside), commodity, implied, value > 0 (what has a negative value, such as a
    price paid for taking something, runs the other way). `origins` and `ends` (`END_SCHEMA`) are where a station's
    content comes from and goes to beyond other stations: kind "outside" (an edge), "implied" (by rule), "stock", or
    "unexplained" (what the other side of the balance has in excess). `throughflow` (stations,) is the sum of all
    inflows and origins, equal to that of all outflows and ends.
    """

    stations: pl.DataFrame
    edges: pl.DataFrame
    origins: pl.DataFrame
    ends: pl.DataFrame
    throughflow: Floats

    @property
    def size(self) -> int:
        """Number of stations."""
        return self.stations.height

    def inner(self) -> pl.DataFrame:
        """Return the edges between two stations."""
        return self.edges.filter(pl.col("source").is_not_null() & pl.col("target").is_not_null())

    def shares(self, upstream: bool) -> csr_array:
        """Return the matrix of parts of throughflows.

        Downstream: entry (t, s) is the part of what passes s that goes on to t; upstream: entry (s, t) is the part of
        what passes t that comes from s.
        """
        inner = self.inner()
        source, target, value = (inner[name].to_numpy() for name in ("source", "target", "value"))
        rows, columns = (source, target) if upstream else (target, source)
        parts = value / self.throughflow[columns]
        return csr_array((parts, (rows, columns)), shape=(self.size, self.size))


def layer_network(flows: LayeredFlows, layer: str, level: Level) -> LayerNetwork:
    """Return a layer's network at a level. Flows inside one station are left out; KeyError for an unknown layer.

    With I the inflow and D what is drawn from stock, O the outflow and B what is put into stock, a station's
    throughflow is max(I + D, O + B); the difference to the smaller of both is unexplained inflow or loss.
    """
    flows.unit(layer)
    stations = _stations(flows, level)
    edges = _edges(flows, layer, level, stations)
    origins = edges.filter(pl.col("source").is_null())
    ends = edges.filter(pl.col("target").is_null())
    drawn, built = _stocks(flows, layer, level, stations)
    size = stations.height
    inner = edges.filter(pl.col("source").is_not_null() & pl.col("target").is_not_null())
    come = pl.concat([_ends(origins, "target", "from_node"), drawn])
    go = pl.concat([_ends(ends, "source", "to_node"), built])
    inflow = _sums(inner, "target", size) + _sums(come, "station", size)
    outflow = _sums(inner, "source", size) + _sums(go, "station", size)
    come = pl.concat([come, _unexplained(outflow - inflow, np.maximum(inflow, outflow), stations)])
    go = pl.concat([go, _unexplained(inflow - outflow, np.maximum(inflow, outflow), stations)])
    return LayerNetwork(stations, edges, come, go, np.maximum(inflow, outflow))


def _stations(flows: LayeredFlows, level: Level) -> pl.DataFrame:
    nodes = flows.nodes.join(flows.at_level(level), on="node", maintain_order="left").filter("inside")
    own = nodes.sort(pl.col("node") == pl.col("station"), descending=True, maintain_order=True)
    return (
        own.unique("station", keep="first", maintain_order=True)
        .select(pl.col("station").alias("node"), "firm")
        .with_row_index("station")
        .with_columns(pl.col("station").cast(pl.Int64))
    )


def _edges(flows: LayeredFlows, layer: str, level: Level, stations: pl.DataFrame) -> pl.DataFrame:
    lifted = flows.at_level(level)
    number = stations.select("node", "station")
    edges = flows.layer(layer).filter(
        (pl.col("value") != 0) & (pl.col("source_inside") | pl.col("target_inside"))
    )  # fmt: skip
    for end in ("source", "target"):
        edges = (
            edges.join(lifted.rename({"node": end, "station": f"{end}_node"}), on=end, how="left",
                       maintain_order="left")
            .join(number.rename({"node": f"{end}_node", "station": f"{end}_number"}), on=f"{end}_node", how="left",
                  maintain_order="left")
            .with_columns(pl.when(f"{end}_inside").then(f"{end}_number").alias(f"{end}_number"))
        )  # fmt: skip
    backward = pl.col("value") < 0

    def turned(end: str, other: str) -> pl.Expr:
        return pl.when(backward).then(other).otherwise(end)

    return (
        edges.select(
            "edge", "stream",
            turned("source_node", "target_node").alias("from_node"),
            turned("target_node", "source_node").alias("to_node"),
            turned("source_number", "target_number").alias("source"),
            turned("target_number", "source_number").alias("target"),
            "commodity", "implied", pl.col("value").abs(),
        )
        .filter((pl.col("source") != pl.col("target")).fill_null(True))
    )  # fmt: skip


def _stocks(flows: LayeredFlows, layer: str, level: Level, stations: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return what is drawn from and put into stock by station and commodity (`END_SCHEMA`)."""
    changes = (
        flows.stocks.filter((pl.col("layer") == layer) & pl.col("value").is_not_null())
        .join(flows.at_level(level).rename({"station": "at"}), on="node", how="inner", maintain_order="left")
        .join(stations.select(pl.col("node").alias("at"), "station"), on="at", how="inner", maintain_order="left")
        .group_by("station", pl.col("at").alias("node"), "commodity", maintain_order=True)
        .agg(pl.col("value").sum())
    )
    rows = changes.select(
        pl.lit("stock").alias("kind"), "station", pl.lit(None).alias("edge"), pl.lit(None).alias("stream"), "node",
        "commodity", pl.lit(None).alias("disposition"), "value",
    ).select(pl.col(name).cast(kind) for name, kind in END_SCHEMA.items())  # fmt: skip
    return rows.filter(pl.col("value") < 0).with_columns(-pl.col("value")), rows.filter(pl.col("value") > 0)


def _ends(edges: pl.DataFrame, station: str, outside: str) -> pl.DataFrame:
    kind = pl.when(pl.col("implied").is_not_null()).then(pl.lit("implied")).otherwise(pl.lit("outside"))
    return edges.select(
        kind.alias("kind"), pl.col(station).alias("station"), "edge", "stream", pl.col(outside).alias("node"),
        "commodity", pl.col("implied").alias("disposition"), "value",
    ).select(pl.col(name).cast(of) for name, of in END_SCHEMA.items())  # fmt: skip


def _sums(frame: pl.DataFrame, station: str, size: int) -> Floats:
    return np.bincount(frame[station].to_numpy(), frame["value"].to_numpy(), minlength=size).astype(np.float64)


def _unexplained(excess: Floats, throughflow: Floats, stations: pl.DataFrame) -> pl.DataFrame:
    found = np.flatnonzero(excess > ROUNDING * throughflow)
    return pl.DataFrame(
        {"station": found, "value": excess[found]}, schema={"station": pl.Int64, "value": pl.Float64}
    ).join(stations.select("station", "node"), on="station", how="left", maintain_order="left").with_columns(
        pl.lit("unexplained").alias("kind"),
        *(pl.lit(None).alias(name) for name in ("edge", "stream", "commodity", "disposition")),
    ).select(pl.col(name).cast(kind) for name, kind in END_SCHEMA.items())  # fmt: skip
