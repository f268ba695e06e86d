"""What lies in a node: every edge against every node that holds one of its ends, worked out once.

An edge enters a node when its target is the node or below it and its source is not; so one table serves equipment,
process, firm, zone and park alike, and the sums of a firm are not worked out again from those of its processes.
"""

from __future__ import annotations

import polars as pl

from ecopark.metabolism.flows import LayeredFlows
from ecopark.model.network import PARK

SIDES = ("enters", "leaves", "ends", "starts", "within")
"""enters, leaves: across the node's border; ends, starts: an end lies in the node, wherever the other; within: both."""


def holders(nodes: pl.DataFrame, boundary: str) -> pl.DataFrame:
    """Return node, holder (String): each node inside the boundary with itself and all inside above it.

    Where no one node holds all that is inside, the boundary itself (by its id) is one more holder.
    """
    inside = nodes.filter(pl.col("inside"))
    parents = inside.select("node", pl.col("parent").alias("holder"))
    found = [inside.select("node", pl.col("node").alias("holder"))]
    known = inside.select(pl.col("node").alias("holder"))
    step = parents.join(known, on="holder", how="semi")
    while step.height and len(found) <= nodes.height:
        found.append(step)
        above = parents.rename({"node": "holder", "holder": "next"})
        step = step.join(above, on="holder", how="inner").select("node", pl.col("next").alias("holder"))
        step = step.join(known, on="holder", how="semi")
    pairs = pl.concat(found).unique(maintain_order=True)
    if inside.height and top_of(nodes, boundary) not in set(inside["node"]):
        pairs = pl.concat([pairs, inside.select("node", pl.lit(top_of(nodes, boundary)).alias("holder"))])
    return pairs


def top_of(nodes: pl.DataFrame, boundary: str) -> str:
    """Return the id that stands for all inside the boundary: the one node above all others, else the boundary."""
    inside = nodes.filter(pl.col("inside"))
    tops = inside.join(inside.select(pl.col("node").alias("parent")), on="parent", how="anti")["node"].to_list()
    return str(tops[0]) if len(tops) == 1 else boundary or PARK


def incidence(flows: LayeredFlows) -> pl.DataFrame:
    """Return edge, node, side: which edges enter, leave, end in, start in or lie within each holder."""
    pairs = holders(flows.nodes, flows.boundary)
    ends = flows.edges.select("edge", "source", "target")
    held = ("edge", pl.col("holder").alias("node"))
    starts = ends.join(pairs, left_on="source", right_on="node", how="inner").select(*held)
    stops = ends.join(pairs, left_on="target", right_on="node", how="inner").select(*held)
    both = starts.join(stops, on=["edge", "node"], how="semi")
    parts = {
        "enters": stops.join(starts, on=["edge", "node"], how="anti"),
        "leaves": starts.join(stops, on=["edge", "node"], how="anti"),
        "ends": stops,
        "starts": starts,
        "within": both,
    }
    kind = pl.Enum(SIDES)
    return pl.concat([frame.with_columns(pl.lit(side, kind).alias("side")) for side, frame in parts.items()])
