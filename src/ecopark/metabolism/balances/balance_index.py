"""Numbers for nodes, layers and periods, so that balances are sums over arrays: which values cross which borders."""

from __future__ import annotations

from functools import cached_property

import numpy as np
import numpy.typing as npt
import polars as pl

from ecopark.metabolism.balances.deviation import residual_deviation
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
        starts = pl.concat([layered.edges["period_start"], layered.stocks["period_start"]])
        self.periods = starts.unique().sort().to_list() or [layered.start]
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
            layered.edges.select(
                "edge", "source", "target", "period_start", pl.col("implied").is_not_null(), "whole", "coverage"
            )
            .join(ids.rename({"node": "source", "number": "from"}), on="source", how="left", maintain_order="left")
            .join(ids.rename({"node": "target", "number": "to"}), on="target", how="left", maintain_order="left")
            .join(period_ids, on="period_start", how="left", maintain_order="left")
            .sort("edge")
        )
        placed = layered.values.select("edge", "layer", "coefficient", "value").join(
            layer_ids, on="layer", how="left", maintain_order="left"
        )
        self.edges = edges
        row = self.edge_rows(placed["edge"])
        self.edge_row: Numbers = row
        self.value: Floats = placed["value"].to_numpy()
        self.source: Numbers = edges["from"].to_numpy()[row]
        self.target: Numbers = edges["to"].to_numpy()[row]
        self.implied = edges["implied"].to_numpy()[row]
        self.slot: Numbers = placed["at"].to_numpy() * len(self.periods) + edges["when"].to_numpy()[row]
        self.slots = len(self.layers) * len(self.periods)
        self._values = placed

    def edge_rows(self, edges: pl.Series) -> Numbers:
        """Return the rows of `edges` (sorted by number; columns edge, from, to, when, whole, coverage) of numbers."""
        return np.searchsorted(self.edges["edge"].to_numpy(), edges.to_numpy())

    def holders(self) -> list[int]:
        """Return for every node the number of its firm (the topmost node inside, if that is not); -1 outside."""
        tops = self.station[:, 0].tolist()
        firms = [self.number.get(firm, -1) for firm in self.layered.nodes["firm"]]
        return [
            -1 if top < 0 else firm if firm >= 0 and firm in path else top
            for top, firm, path in zip(tops, firms, self.station.tolist(), strict=True)
        ]

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
        layer = frame["layer"].replace_strict(self.layers, range(len(self.layers)), return_dtype=pl.Int64)
        period = frame["period_start"].replace_strict(self.periods, range(len(self.periods)), return_dtype=pl.Int64)
        slots: Numbers = layer.to_numpy() * len(self.periods) + period.to_numpy()
        return slots

    def deviation(self) -> Floats:
        """Return the standard deviation of every residual, flat, NaN where nothing has a range.

        The content of a store's increase is that of the flows of the same factor: its error is shared with theirs.
        """
        crossings = [(part[0], part[1] * self.slots + self.slot[part[0]], part[2]) for part in self.crossings]
        stocks = self.layered.stocks
        values = self._values.select("edge", "coefficient", "value")
        if stocks.height:
            nodes = np.array([self.number[node] for node in stocks["node"]], dtype=np.int64)
            slots = self.slot_of(stocks)
            stored = stocks.select(pl.lit(-1, pl.Int64).alias("edge"), "coefficient", "value")
            for column in (*self.station.T, np.where(self.station[:, 0] >= 0, self.count, -1)):
                kept = np.flatnonzero(column[nodes] >= 0)
                bucket = column[nodes[kept]] * self.slots + slots[kept]
                crossings.append((kept + values.height, bucket, -np.ones(len(kept))))
            values = pl.concat([values, stored])
        rows, bucket, sign = (np.concatenate([part[place] for part in crossings]) for place in range(3))
        size = (self.count + 1) * self.slots
        variance = residual_deviation(self.layered, values, rows, bucket, sign, size)
        levels = stocks.join(
            self.layered.coefficients.select("coefficient", pl.col("value").alias("worth")),
            on="coefficient",
            how="left",
            maintain_order="left",
        ).select("node", "layer", "period_start", (pl.col("sd_amount") * pl.col("worth").fill_null(1.0)).alias("moved"))
        levels = levels.filter(pl.col("moved").is_not_null())
        if levels.height:
            nodes = np.array([self.number[node] for node in levels["node"]], dtype=np.int64)
            extra = self.spread(nodes, self.slot_of(levels), levels["moved"].to_numpy() ** 2)
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
