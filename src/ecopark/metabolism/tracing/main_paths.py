"""The largest paths of a unit through a network of stations, best first, loops allowed."""

from __future__ import annotations

import heapq
import itertools
from typing import Any

import numpy as np
import polars as pl

from ecopark.accounting.supply_system import Floats, Integers
from ecopark.metabolism.tracing.layer_network import LayerNetwork

MOST_STEPS = 200_000
"""Partial paths that are looked at before the search ends with what it has found."""

_Chain = tuple[Any, ...]  # (station, commodity of the step to the next, the rest of the path)

PATH_SCHEMA: dict[str, type[pl.DataType]] = {
    "path": pl.Int64, "kind": pl.String, "amount": pl.Float64, "turns": pl.Int64,
}  # fmt: skip
STEP_SCHEMA: dict[str, type[pl.DataType]] = {
    "path": pl.Int64, "step": pl.Int64, "source": pl.String, "target": pl.String, "commodity": pl.String,
}  # fmt: skip


def main_paths(
    network: LayerNetwork,
    absorbing: pl.DataFrame,
    own: pl.DataFrame,
    at_stations: Floats,
    upstream: bool,
    wanted: int,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the `wanted` largest paths and their steps (`PATH_SCHEMA`, `STEP_SCHEMA`).

    `own` are the asked-about edges with `asked`, `at_stations` amounts asked about at stations; `absorbing` the origins
    (upstream) or ends. Edges of one commodity between the same two stations are one step. The search is best first
    with the exact best completion from every station as its bound (A*), so paths come out in order of size.
    """
    near, far = ("source", "target") if upstream else ("target", "source")
    beyond = "from_node" if upstream else "to_node"
    names = network.stations["node"].to_list()
    inner = network.inner().group_by(far, near, "commodity", maintain_order=True).agg(pl.col("value").sum()).sort(far)
    at, to = inner[far].to_numpy(), inner[near].to_numpy()
    part = inner["value"].to_numpy() / network.throughflow[at]
    goods = inner["commodity"].to_list()
    first = np.searchsorted(at, np.arange(network.size + 1))
    ends = absorbing.group_by("station", "kind", "node", "commodity", maintain_order=True).agg(pl.col("value").sum())
    endings: dict[int, list[tuple[str, str, str, float]]] = {}
    for station, kind, node, commodity, value in ends.iter_rows():
        endings.setdefault(station, []).append((kind, node, commodity, value / network.throughflow[station]))
    best = _best_completion(network.size, first, to, part, endings)
    number = itertools.count()
    heap: list[tuple[float, int, float, int, _Chain, str | None]] = []

    def push(amount: float, station: int, chain: _Chain, done: str | None = None) -> None:
        bound = amount if done is not None else amount * best[station]
        if bound > 0:
            heapq.heappush(heap, (-bound, next(number), amount, station, chain, done))

    for station in np.flatnonzero(at_stations > 0).tolist():
        push(float(at_stations[station]), station, (names[station], None, None))
    outer = "to_node" if upstream else "from_node"
    started = own.group_by(near, beyond, outer, "commodity", "implied", maintain_order=True).agg(pl.col("asked").sum())
    for station, near_name, outer_name, commodity, implied, amount in started.iter_rows():
        chain = (near_name, commodity, (outer_name, None, None))
        push(amount, -1 if station is None else station, chain,
             ("implied" if implied else "outside") if station is None else None)  # fmt: skip
    found: list[tuple[float, str, _Chain]] = []
    for _ in range(MOST_STEPS):
        if not heap or len(found) == wanted:
            break
        _, _, amount, station, chain, done = heapq.heappop(heap)
        if done is not None:
            found.append((amount, done, chain))
            continue
        for kind, node, commodity, share in endings.get(station, ()):
            longer = (node, commodity, chain) if kind in ("outside", "implied") else chain
            push(amount * share, station, longer, kind)
        for step in range(first[station], first[station + 1]):
            push(amount * float(part[step]), int(to[step]), (names[to[step]], goods[step], chain))
    return _frames(found, upstream, frozenset(names))


def _best_completion(
    size: int, first: Integers, to: Integers, part: Floats, endings: dict[int, list[tuple[str, str, str, float]]]
) -> Floats:
    """Return the largest share that any single path from each station to its absorption has."""
    best = np.zeros(size)
    for station, ways in endings.items():
        best[station] = max(share for _, _, _, share in ways)
    some = np.flatnonzero(np.diff(first))
    for _ in range(size):
        onward = np.zeros(size)
        if some.size:
            onward[some] = np.maximum.reduceat(part * best[to], first[some])
        better = np.maximum(best, onward)
        if (better <= best * (1 + 1e-15)).all():
            break
        best = better
    return best


def _frames(
    found: list[tuple[float, str, _Chain]], upstream: bool, inside: frozenset[str]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    paths, steps = [], []
    for number, (amount, kind, chain) in enumerate(found, 1):
        stations, goods = [], []
        rest: Any = chain
        while rest is not None:
            stations.append(rest[0])
            if rest[2] is not None:
                goods.append(rest[1])
            rest = rest[2]
        if not upstream:
            stations.reverse()
            goods.reverse()
        visited = [station for station in stations if station in inside]
        paths.append((number, kind, amount, len(visited) - len(set(visited))))
        steps += [
            (number, step, stations[step - 1], stations[step], commodity) for step, commodity in enumerate(goods, 1)
        ]
        if not goods:  # absorbed where it is asked about
            steps.append((number, 1, stations[0], stations[0], None))
    return (
        pl.DataFrame(paths, schema=PATH_SCHEMA, orient="row"),
        pl.DataFrame(steps, schema=STEP_SCHEMA, orient="row"),
    )
