"""Numbers for nodes, layers and periods, so that balances are sums over arrays: which values cross which borders."""

from __future__ import annotations

from functools import cached_property

import numpy as np
import numpy.typing as npt
import polars as pl

from ecopark.metabolism.deviation import residual_deviation
from ecopark.metabolism.flows import LayeredFlows

Numbers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
TERMS = ("inflow", "outflow", "by_rule")
"""The terms of a balance that are sums over edges."""


class Index:
    """Numbers for nodes, layers and periods, and for every value which stations it enters and leaves.

    Stations are the nodes, and the boundary as the last one. `station[n, d]` is the number of the node at depth d that
    holds node n, -1 where there is none (or it lies outside).
    """

    def __init__(self, layered: LayeredFlows) -> None:
        self.layered = layered
        nodes = layered.nodes
        self.count = nodes.height
        number = {node: position for position, node in enumerate(nodes["node"])}
        self.layers = layered.layers["id"].to_list()
        self.periods = layered.edges["period_start"].unique().sort().to_list() or [layered.start]
        parents = [number.get(parent, -1) if parent is not None else -1 for parent in nodes["parent"]]
        inside = nodes["inside"].to_numpy()
        self.station = _stations(parents, inside)
        self.number = number
        ids = nodes.select("node", pl.int_range(pl.len(), dtype=pl.Int64).alias("number"))
        layer_ids = layered.layers.select(
            pl.col("id").alias("layer"), pl.int_range(pl.len(), dtype=pl.Int64).alias("at")
        )
        period_ids = pl.DataFrame({"period_start": self.periods, "when": range(len(self.periods))},
                                  schema={"period_start": pl.Date, "when": pl.Int64})  # fmt: skip
        # texts are looked up once per edge, not once per value
        edges = (
            layered.edges.select("edge", "source", "target", "period_start", pl.col("implied").is_not_null())
            .join(ids.rename({"node": "source", "number": "from"}), on="source", how="left", maintain_order="left")
            .join(ids.rename({"node": "target", "number": "to"}), on="target", how="left", maintain_order="left")
            .join(period_ids, on="period_start", how="left", maintain_order="left")
            .sort("edge")
        )
        placed = layered.values.select("edge", "layer", "coefficient", "value").join(
            layer_ids, on="layer", how="left", maintain_order="left"
        )
        row = np.searchsorted(edges["edge"].to_numpy(), placed["edge"].to_numpy())
        self.value: Floats = placed["value"].to_numpy()
        self.source: Numbers = edges["from"].to_numpy()[row]
        self.target: Numbers = edges["to"].to_numpy()[row]
        self.implied = edges["implied"].to_numpy()[row]
        self.slot: Numbers = placed["at"].to_numpy() * len(self.periods) + edges["when"].to_numpy()[row]
        self.slots = len(self.layers) * len(self.periods)
        self._values = placed

    @cached_property
    def crossings(self) -> list[tuple[Numbers, Numbers, Floats]]:
        """Level by level, (row of values, station, sign) of every end that crosses a station's border."""
        found = []
        inside = self.station[:, 0] >= 0
        whole = np.where(inside, self.count, -1)
        for column in (*self.station.T, whole):
            start, end = column[self.source], column[self.target]
            crosses = start != end
            leaves = np.flatnonzero(crosses & (start >= 0))
            enters = np.flatnonzero(crosses & (end >= 0))
            found.append((enters, end[enters], np.ones(len(enters))))
            found.append((leaves, start[leaves], -np.ones(len(leaves))))
        return found

    def sums(self) -> dict[str, Floats]:
        """Return inflow, outflow, by_rule and the count of edges per (station, slot), flat."""
        size = (self.count + 1) * self.slots
        sums = {name: np.zeros(size) for name in (*TERMS, "edges")}
        for rows, station, sign in self.crossings:
            bucket = station * self.slots + self.slot[rows]
            value = self.value[rows]
            if len(rows) and sign[0] > 0:
                sums["inflow"] += np.bincount(bucket, value, size)
            else:
                rule = self.implied[rows]
                sums["outflow"] += np.bincount(bucket[~rule], value[~rule], size)
                sums["by_rule"] += np.bincount(bucket[rule], value[rule], size)
            sums["edges"] += np.bincount(bucket, minlength=size)
        return sums

    def spread(self, nodes: Numbers, slots: Numbers, values: Floats) -> Floats:
        """Return values at nodes summed into every station above them (and the boundary), flat like `sums`."""
        size = (self.count + 1) * self.slots
        total = np.zeros(size)
        inside = self.station[nodes, 0] >= 0
        for column in (*self.station.T, np.where(self.station[:, 0] >= 0, self.count, -1)):
            station = column[nodes]
            kept = (station >= 0) & inside
            total += np.bincount(station[kept] * self.slots + slots[kept], values[kept], size)
        return total

    def slot_of(self, frame: pl.DataFrame) -> Numbers:
        """Return the slot (layer and period) of each row of a frame with layer and period_start."""
        layers = {layer: position for position, layer in enumerate(self.layers)}
        periods = {period: position for position, period in enumerate(self.periods)}
        return np.array(
            [layers[layer] * len(self.periods) + periods.get(period, 0)
             for layer, period in frame.select("layer", "period_start").iter_rows()], dtype=np.int64,
        )  # fmt: skip

    def deviation(self) -> Floats:
        """Return the standard deviation of every residual, flat, NaN where nothing has a range."""
        crossings = self.crossings
        rows = np.concatenate([part[0] for part in crossings])
        bucket = np.concatenate([part[1] * self.slots + self.slot[part[0]] for part in crossings])
        sign = np.concatenate([part[2] for part in crossings])
        size = (self.count + 1) * self.slots
        variance = residual_deviation(self.layered, self._values, rows, bucket, sign, size)
        stocks = self.layered.stocks.filter(pl.col("sd").is_not_null())
        if stocks.height:
            nodes = np.array([self.number[node] for node in stocks["node"]], dtype=np.int64)
            extra = self.spread(nodes, self.slot_of(stocks), stocks["sd"].to_numpy() ** 2)
            variance = np.where(extra > 0, np.nan_to_num(variance) + extra, variance)
        return np.sqrt(variance)


def _stations(parents: list[int], inside: npt.NDArray[np.bool_]) -> Numbers:
    """Return station[n, d]; a node outside the boundary is in none, and neither is one whose parent is outside it."""
    paths = []
    for node in range(len(parents)):
        path, step = [], node
        while step >= 0 and inside[step] and step not in path:
            path.append(step)
            step = parents[step]
        paths.append(path[::-1])
    deepest = max((len(path) for path in paths), default=1) or 1
    station = np.full((len(parents), deepest), -1, dtype=np.int64)
    for node, path in enumerate(paths):
        station[node, : len(path)] = path
    return station
