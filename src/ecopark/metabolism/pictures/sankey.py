"""The Sankey view of a layer: which links are drawn between which nodes, and how small flows are put together.

Pure data: nodes and links with values, ids and keys of colours; where they stand is `sankey_layout`, drawing is
elsewhere. Nothing is lost on the way: the links' values add up to the flows' values, opposite flows stay two links, and
flows too small to be seen are put together as "other", between the same two ends, with their number.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

SUPPLY, SINK = "supply", "sink"
"""Sides of a node outside the boundary: it stands on the left for what it supplies, on the right for what it takes."""

OTHER_INSIDE, OTHER_OUTSIDE = "other:inside", "other:outside"
"""Ids of the nodes that stand for all nodes too small to be drawn one by one."""

SMALLEST_SHARE = 0.002
MOST_NODES = 70

KNOWN_AS = {
    "reconciled": "reconciled",
    "metered": "metered",
    "invoiced": "metered",
}
"""Method of a flow -> how a link is marked; every other method is "estimated"."""

EDGE_COLUMNS = (
    "edge", "source", "target", "source_inside", "target_inside", "commodity", "group", "method", "implied", "value",
)  # fmt: skip
"""Columns that an edge frame must have: one row per flow of the layer, its value in the layer's unit."""

NODE_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "id": pl.String, "node": pl.String, "side": pl.String, "inside": pl.Boolean, "inflow": pl.Float64,
    "outflow": pl.Float64, "throughput": pl.Float64, "members": pl.Int64,
}  # fmt: skip
LINK_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "link": pl.Int64, "source": pl.String, "target": pl.String, "source_node": pl.String, "target_node": pl.String,
    "group": pl.String, "known": pl.String, "negative": pl.Boolean, "value": pl.Float64, "share": pl.Float64,
    "flows": pl.Int64, "edges": pl.List(pl.Int64), "grouped": pl.Boolean,
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class SankeyView:
    """What a Sankey diagram of one layer shows.

    `nodes`: id (as drawn), node (id in the record), side ("" inside; "supply" or "sink" outside), inside, inflow,
    outflow and throughput (the larger of the two) in `unit`, members (nodes that it stands for).
    `links`: link (number), source and target (ids as drawn), source_node and target_node, group of commodities (its
    colour is ``carrier:<group>``; "other" where small flows of several groups are put together), known ("reconciled",
    "metered", "estimated", "implied"), negative (the flow has a negative amount), value in `unit` (with its sign),
    share (of the sum of sizes), flows (their number), edges (their numbers), grouped.
    `inside_value` and `inside_flows` are what flows inside the nodes of this level and is therefore not drawn, and
    `zero_flows` the number of flows whose amount is zero.
    """

    layer: str
    level: str
    unit: str
    nodes: pl.DataFrame
    links: pl.DataFrame
    smallest_share: float
    inside_value: float = 0.0
    inside_flows: int = 0
    zero_flows: int = 0
    names: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    @property
    def empty(self) -> bool:
        """Whether there is nothing to draw."""
        return self.links.is_empty()

    @property
    def total(self) -> float:
        """The sum of the links' values, in `unit`."""
        return float(self.links["value"].sum())

    @property
    def grouped_flows(self) -> int:
        """The number of flows that are drawn as part of an "other" link."""
        return int(self.links.filter(pl.col("grouped"))["flows"].sum())

    def name(self, node: str, language: str) -> str:
        """Return a node's name in `language`, its id where it has none."""
        zh, en = self.names.get(f"node:{node}", ("", ""))
        first, second = (zh, en) if language == "zh" else (en, zh)
        return first or second or node

    def group_name(self, group: str, language: str) -> str:
        """Return the name of a group of commodities in `language`."""
        zh, en = self.names.get(f"group:{group}", ("", ""))
        first, second = (zh, en) if language == "zh" else (en, zh)
        return first or second or group


def known_as(method: pl.Expr, implied: pl.Expr) -> pl.Expr:
    """Return how a flow is known, as links are marked: reconciled, metered, estimated or implied."""
    known = method.replace_strict(KNOWN_AS, default="estimated", return_dtype=pl.String)
    return pl.when(implied.is_not_null()).then(pl.lit("implied")).otherwise(known)


def sankey_view(
    edges: pl.DataFrame,
    *,
    layer: str,
    level: str,
    unit: str,
    names: Mapping[str, tuple[str, str]] | None = None,
    smallest_share: float = SMALLEST_SHARE,
    most_nodes: int = MOST_NODES,
) -> SankeyView:
    """Return the Sankey view of `edges` (columns `EDGE_COLUMNS`; value in `unit`, one row per flow).

    Flows of one group between the same two nodes, known alike, make one link. Links below `smallest_share` of the sum
    of all sizes are put together with the other small links between the same two nodes. Beyond `most_nodes` nodes the
    smallest stand together as "other", inside and outside apart. The sum of the links equals the sum of the flows
    between different nodes; what flows inside one node is summed in `inside_value`. ValueError for a share outside
    0 … 1.
    """
    if not 0.0 <= smallest_share <= 1.0:
        raise ValueError(f"smallest share {smallest_share}: it must lie between 0 and 1")
    known = edges.select(EDGE_COLUMNS).filter(pl.col("value").is_not_null())
    within = known.filter(pl.col("source") == pl.col("target"))
    across = known.filter(pl.col("source") != pl.col("target"))
    drawn = _sides(across.filter(pl.col("value") != 0.0))
    drawn = _few_nodes(drawn, most_nodes)
    links = _links(drawn, smallest_share)
    return SankeyView(
        layer, level, unit, _nodes(drawn, links), links, smallest_share, float(within["value"].sum()), within.height,
        across.height - drawn.height, dict(names or {}),
    )  # fmt: skip


def _sides(edges: pl.DataFrame) -> pl.DataFrame:
    """Give every end its node, the same without merging, and its id as drawn."""
    return edges.with_columns(
        pl.col("source").alias("source_node"), pl.col("target").alias("target_node"),
        known_as(pl.col("method"), pl.col("implied")).alias("known"), (pl.col("value") < 0.0).alias("negative"),
        pl.col("group").fill_null("").alias("group"),
    )  # fmt: skip


def _few_nodes(edges: pl.DataFrame, most: int) -> pl.DataFrame:
    """Let the smallest nodes beyond `most` stand together; add the ids as drawn."""
    ends = pl.concat(
        [
            edges.select(pl.col(f"{end}_node").alias("node"), pl.col(f"{end}_inside").alias("inside"),
                         pl.col("value").abs().alias("size"))
            for end in ("source", "target")
        ]
    )  # fmt: skip
    sizes = ends.group_by("node").agg(pl.col("size").sum(), pl.col("inside").any())
    kept = sizes.sort(["size", "node"], descending=[True, False]).head(most)["node"].to_list()
    merged = sizes.height > most
    columns = []
    for end, side in (("source", SUPPLY), ("target", SINK)):
        node, inside = pl.col(f"{end}_node"), pl.col(f"{end}_inside")
        if merged:
            other = pl.when(inside).then(pl.lit(OTHER_INSIDE)).otherwise(pl.lit(OTHER_OUTSIDE))
            node = pl.when(node.is_in(kept)).then(node).otherwise(other)
        drawn = pl.when(inside).then(node).otherwise(pl.concat_str(node, pl.lit(f"@{side}")))
        columns += [node.alias(f"{end}_shown"), drawn.alias(f"{end}_drawn")]
    return edges.with_columns(columns)


def _links(edges: pl.DataFrame, smallest_share: float) -> pl.DataFrame:
    if edges.is_empty():
        return pl.DataFrame(schema=LINK_SCHEMA)
    ends = ["source_drawn", "target_drawn", "source_shown", "target_shown"]
    count = {"flows": pl.col("flows").sum(), "edges": pl.col("edges").explode()}
    links = edges.group_by([*ends, "group", "known", "negative"], maintain_order=True).agg(
        pl.col("value").sum(), pl.len().cast(pl.Int64).alias("flows"), pl.col("edge").alias("edges")
    )
    whole = float(links["value"].abs().sum())
    small = pl.col("value").abs() < smallest_share * whole
    # one small link alone keeps its own name and colour
    alone = pl.col("edges").count().over([*ends, small.alias("small"), "negative"]) == 1
    merged = links.filter(small & ~alone).group_by([*ends, "negative"], maintain_order=True).agg(
        pl.when(pl.col("group").n_unique() == 1).then(pl.col("group").first()).otherwise(pl.lit("other"))
        .alias("group"),
        pl.when(pl.col("known").n_unique() == 1).then(pl.col("known").first()).otherwise(pl.lit("estimated"))
        .alias("known"),
        pl.col("value").sum(), **count,
    )  # fmt: skip
    parts = [
        links.filter(~(small & ~alone)).with_columns(pl.lit(False).alias("grouped")),
        merged.with_columns(pl.lit(True).alias("grouped")),
    ]
    size = pl.col("value").abs()
    return (
        pl.concat(parts, how="diagonal")
        .sort([size, pl.col("source_drawn"), pl.col("target_drawn"), pl.col("group")],
              descending=[True, False, False, False])
        .with_row_index("link")
        .select(
            pl.col("link").cast(pl.Int64), pl.col("source_drawn").alias("source"),
            pl.col("target_drawn").alias("target"), pl.col("source_shown").alias("source_node"),
            pl.col("target_shown").alias("target_node"), "group", "known", "negative", "value",
            (size / whole if whole else pl.lit(0.0)).alias("share"), "flows", "edges", "grouped",
        )
        .cast(LINK_SCHEMA)  # type: ignore[arg-type]
    )  # fmt: skip


def _nodes(edges: pl.DataFrame, links: pl.DataFrame) -> pl.DataFrame:
    if links.is_empty():
        return pl.DataFrame(schema=NODE_SCHEMA)
    members = pl.concat(
        [
            edges.select(pl.col(f"{end}_drawn").alias("id"), pl.col(f"{end}_node").alias("member"),
                         pl.col(f"{end}_shown").alias("node"), pl.col(f"{end}_inside").alias("inside"))
            for end in ("source", "target")
        ]
    ).group_by("id").agg(pl.col("member").n_unique().alias("members"), pl.col("node").first(),
                         pl.col("inside").first())  # fmt: skip
    flows = {
        column: links.group_by(pl.col(end).alias("id")).agg(pl.col("value").abs().sum().alias(column))
        for end, column in (("target", "inflow"), ("source", "outflow"))
    }
    side = pl.col("id").str.extract(f"@({SUPPLY}|{SINK})$", 1).fill_null("")
    return (
        members.join(flows["inflow"], on="id", how="left")
        .join(flows["outflow"], on="id", how="left")
        .with_columns(pl.col("inflow").fill_null(0.0), pl.col("outflow").fill_null(0.0))
        .with_columns(pl.max_horizontal("inflow", "outflow").alias("throughput"), side.alias("side"))
        .sort(["throughput", "id"], descending=[True, False])
        .select(list(NODE_SCHEMA))
        .cast(NODE_SCHEMA)  # type: ignore[arg-type]
    )
