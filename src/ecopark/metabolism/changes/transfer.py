"""Transfer of a substance through a network: what share of what reaches a node ends up in a chosen stream.

Under proportional mixing (all that leaves a node has one composition, as in the tracing of Input-Output analysis and of
Markov chains) node i passes the share P_ij = v_ij / T_i of its throughput T_i on to node j, and the share b_i straight
into the streams asked for (the subject). The transfer coefficient of a node is what part of a tonne entering it ends up
in the subject:

    h = (I - P)^-1 b          throughput   T = x (I - P)^-1          subject   R = T b = x h

with x what enters at each node: from outside, out of a store, or without any recorded source where more leaves a node
than enters it. T is the larger of what comes in and what goes out; what comes in and does not go out stays behind.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy import sparse

from ecopark.accounting.supply_system import SupplySystem
from ecopark.metabolism.flows import LayeredFlows
from ecopark.model.problems import InputError, Problem
from ecopark.translation import N_

Floats = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.int64]

ENTRY_SCHEMA: dict[str, type[pl.DataType]] = {
    "origin": pl.String, "kind": pl.String, "stream": pl.String, "place": pl.Int64, "value": pl.Float64,
}  # fmt: skip
"""What enters the network: kind stream (from outside), stock (out of a store) or unexplained; `place` is the node."""


@dataclass(frozen=True, eq=False)
class Transfer:
    """The network of one period, over `stations` (shared by both periods of a comparison).

    `edges`: stream, start, end (numbers of stations, -1 outside), from, to (their ids), value, sd, subject; `shares` is
    P, `direct` b, `throughput` T; `entries` as `ENTRY_SCHEMA`; `by_inflow`: T is what comes in (else what goes out).
    """

    stations: tuple[str, ...]
    edges: pl.DataFrame
    shares: sparse.csr_array
    direct: Floats
    throughput: Floats
    entries: pl.DataFrame
    by_inflow: npt.NDArray[np.bool_]

    @property
    def subject(self) -> float:
        """The value of the subject's streams."""
        return float(self.edges.filter("subject")["value"].sum())

    @cached_property
    def _system(self) -> SupplySystem:
        return SupplySystem(self.shares, self.stations)

    @cached_property
    def reach(self) -> Floats:
        """Return h: the share of what enters each station that ends up in the subject."""
        return self._system.solve(self.direct)

    def passed(self, reach: Floats) -> Floats:
        """Return what share of a station's throughput ends up in the subject, if the next ones had `reach`."""
        found: Floats = self.shares @ reach + self.direct
        return found

    def weights(self, entering: Floats) -> Floats:
        """Return the throughput that `entering` (per station) would make under this period's shares: x (I - P)^-1."""
        return self._system.solve(entering, transposed=True)

    def with_rows_of(self, other: Transfer) -> Transfer:
        """Return the same network in which stations that nothing reached pass on what they do in `other`.

        No value changes by it: it only says that a station idle in one period did not change its ways.
        """
        idle = (self.throughput == 0) & (other.throughput > 0)
        if not idle.any():
            return self
        rows = sparse.diags_array(np.where(idle, 0.0, 1.0)) @ self.shares
        rows = rows + sparse.diags_array(np.where(idle, 1.0, 0.0)) @ other.shares
        return replace(self, shares=sparse.csr_array(rows), direct=np.where(idle, other.direct, self.direct))


def transfer(
    layered: LayeredFlows,
    layer: str,
    subject: Collection[str],
    stations: pl.DataFrame,
    order: tuple[str, ...],
) -> Transfer:
    """Return the transfer of a layer into the streams of `subject`.

    `stations` maps node to station; `order` are the stations that pass things on (those inside). Raises InputError
    where the subject lies in a closed loop that passes everything on for ever, naming its nodes.
    """
    edges = _placed(layered, layer, subject, stations, order)
    size = len(order)
    start, end = edges["start"].to_numpy(), edges["end"].to_numpy()
    value = edges["value"].to_numpy()
    inflow = np.bincount(end[end >= 0], value[end >= 0], size)
    outflow = np.bincount(start[start >= 0], value[start >= 0], size)
    release, uptake = _stocks(layered, layer, stations, order)
    came, went = inflow + release, outflow + uptake
    # sums of the same flows differ in the last digits: that is no source
    throughput = np.where(np.abs(came - went) <= 1e-12 * np.maximum(came, went), came, np.maximum(came, went))
    unexplained = throughput - came
    passing = (start >= 0) & (end >= 0)
    divisor = np.where(throughput > 0, throughput, 1.0)
    shares = sparse.csr_array(
        (value[passing] / divisor[start[passing]], (start[passing], end[passing])), shape=(size, size)
    )
    chosen = edges["subject"].to_numpy() & (start >= 0)
    direct = np.bincount(start[chosen], value[chosen], size) / divisor
    shares = _without_closed_loops(shares, direct, order)
    entries = _entries(edges, order, release, unexplained)
    return Transfer(order, edges, shares, direct, throughput, entries, came >= went)


def _placed(
    layered: LayeredFlows, layer: str, subject: Collection[str], stations: pl.DataFrame, order: tuple[str, ...]
) -> pl.DataFrame:
    numbers = pl.DataFrame({"station": order, "number": range(len(order))},
                           schema={"station": pl.String, "number": pl.Int64})  # fmt: skip
    placed = stations.join(numbers, on="station", how="left").select("node", pl.col("number").fill_null(-1), "station")
    return (
        layered.layer(layer)
        .filter(pl.col("value") > 0)
        .group_by("stream", "source", "target", maintain_order=True)
        .agg(pl.col("value").sum(), pl.col("sd_value").pow(2).sum().sqrt().alias("sd"))
        .join(placed.rename({"node": "source", "number": "start", "station": "from"}), on="source", how="left",
              maintain_order="left")
        .join(placed.rename({"node": "target", "number": "end", "station": "to"}), on="target", how="left",
              maintain_order="left")
        .filter(pl.col("from").ne_missing(pl.col("to")))
        .with_columns(pl.col("start").fill_null(-1), pl.col("end").fill_null(-1),
                      pl.col("stream").is_in(list(subject)).alias("subject"))
        .filter((pl.col("start") >= 0) | (pl.col("end") >= 0))
        .select("stream", "start", "end", "from", "to", "value", pl.col("sd").fill_null(0.0), "subject")
    )  # fmt: skip


def _stocks(layered: LayeredFlows, layer: str, stations: pl.DataFrame, order: tuple[str, ...]) -> tuple[Floats, Floats]:
    change = dict(
        layered.stocks.filter(pl.col("layer") == layer)
        .join(stations, on="node", how="inner")
        .group_by("station")
        .agg(pl.col("value").sum())
        .iter_rows()
    )
    increase = np.array([change.get(station, 0.0) for station in order], dtype=np.float64)
    return np.maximum(-increase, 0.0), np.maximum(increase, 0.0)


def _entries(edges: pl.DataFrame, order: tuple[str, ...], release: Floats, unexplained: Floats) -> pl.DataFrame:
    entering = edges.filter((pl.col("start") < 0) & (pl.col("end") >= 0)).select(
        pl.concat_str(pl.lit("stream:"), "stream").alias("origin"), pl.lit("stream").alias("kind"), "stream",
        pl.col("end").alias("place"), "value",
    )  # fmt: skip
    rows = [
        (f"{kind}:{order[place]}", kind, None, int(place), float(values[place]))
        for kind, values in (("stock", release), ("unexplained", unexplained))
        for place in np.flatnonzero(values > 0)
    ]
    return pl.concat([entering, pl.DataFrame(rows, schema=ENTRY_SCHEMA, orient="row")])


def _without_closed_loops(shares: sparse.csr_array, direct: Floats, order: tuple[str, ...]) -> sparse.csr_array:
    """Take out the rows of closed loops: stations that pass everything on to one another, for ever.

    What enters such a loop never reaches the subject, unless the subject is in it; then no origin can be told:
    InputError names the stations of the loop.
    """
    loops = SupplySystem(shares, order).closed_loops
    problems = [
        Problem(
            "closed_loop",
            ", ".join(order[place] for place in members),
            N_("These nodes pass everything on to one another, with nothing coming in or going out: where it comes "
               "from cannot be told."),
            N_("Enter what is added to the loop, or what is drawn off it."),
        )
        for members in loops
        if direct[members].any()
    ]  # fmt: skip
    if problems:
        raise InputError(problems)
    kept = np.ones(len(order))
    for members in loops:
        kept[members] = 0.0
    return sparse.csr_array(sparse.diags_array(kept) @ shares) if loops else shares
