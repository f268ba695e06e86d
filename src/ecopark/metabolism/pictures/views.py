"""Pure data for the pictures and tables of a layer: edges, matrix of nodes and resources, network, rankings.

What pages and documents draw comes from here, from frames only: numbers, ids and both names, nothing of pixels or
fonts. `edge_frame` is the one place that reads `LayeredFlows`; every other function takes its columns
(`sankey.EDGE_COLUMNS` and more), so that a reconciled network is viewed like a raw one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import polars as pl

from ecopark.accounting.views import View
from ecopark.metabolism.flows import Level
from ecopark.metabolism.pictures.sankey import known_as
from ecopark.translation import N_

if TYPE_CHECKING:
    from ecopark.metabolism.balances.balances import Balances
    from ecopark.metabolism.flows import LayeredFlows

LEVELS: tuple[Level, ...] = ("zone", "firm", "process", "node")
"""Levels at which a network is looked at, coarsest first; "node" is as the record has it."""

REMAINDER = "remainder"
"""Group (and commodity) of what a balance names as remainder."""
REMAINDER_SINK = "implied:use"
"""Where it leads in the pictures (one of `flows.IMPLIED_ENDS`)."""

MATRIX_SCHEMA: dict[str, type[pl.DataType]] = {
    "node": pl.String, "group": pl.String, "inflow": pl.Float64, "outflow": pl.Float64, "inflows": pl.Int64,
    "outflows": pl.Int64,
}  # fmt: skip

_RANGES: dict[str, type[pl.DataType]] = {
    "id": pl.String, "name_zh": pl.String, "name_en": pl.String, "colour": pl.String, "value": pl.Float64,
    "low": pl.Float64, "high": pl.Float64, "key": pl.String,
}  # fmt: skip
_WATERFALL: dict[str, type[pl.DataType]] = {
    "id": pl.String, "name_zh": pl.String, "name_en": pl.String, "role": pl.String, "colour": pl.String,
    "value": pl.Float64, "start": pl.Float64, "end": pl.Float64, "key": pl.String,
}  # fmt: skip
NORMAL_95 = 1.959963984540054

Names = Mapping[str, tuple[str, str]]


def edge_frame(flows: LayeredFlows, layer: str, level: Level = "node") -> pl.DataFrame:
    """Return the edges of a layer with their ends at `level`: one row per edge, value and sd in the layer's unit.

    Edges that the layer holds but whose value is not known are left out here; `flows.unknown` lists them. `key` is the
    number's explain key.
    """
    station = flows.at_level(level)
    placed = flows.layer(layer).rename({"sd": "sd_amount"}).rename({"sd_value": "sd"})
    for end in ("source", "target"):
        names = station.select(pl.col("node").alias(end), pl.col("station").alias("_station"))
        placed = (
            placed.join(names, on=end, how="left", maintain_order="left")
            .with_columns(pl.coalesce("_station", end).alias(end))
            .drop("_station")
        )
    return placed.with_columns(pl.format("value:{}:{}", pl.lit(layer), pl.col("edge")).alias("key"))


def boundary_edges(balances: Balances, layer: str, level: Level) -> pl.DataFrame:
    """Return the edges of a layer that touch the boundary, with their ends at `level`, as `edge_frame` gives them.

    At the level of firms what the balances name as remainder is among them (`with_remainders`).
    """
    edges = edge_frame(balances.layered(), layer, level)
    edges = edges.filter(pl.col("source_inside") | pl.col("target_inside"))
    return with_remainders(edges, balances.remainders, layer, REMAINDER_SINK) if level == "firm" else edges


def unmeasured_edges(flows: LayeredFlows, layer: str, level: Level) -> pl.DataFrame:
    """Return the edges of a layer that touch the boundary and of which only a notation is known (NE, C), largest first.

    Columns: edge, stream, source, target (at `level`), source_inside, target_inside, commodity, group, notation, flow.
    """
    lacking = flows.unknown.filter((pl.col("layer") == layer) & (pl.col("reason") == "no_amount")).select("edge")
    station = dict(flows.at_level(level).iter_rows())
    return (
        flows.edges.join(lacking, on="edge", how="semi", maintain_order="left")
        .filter(pl.col("amount").is_null() & (pl.col("source_inside") | pl.col("target_inside")))
        .with_columns(pl.col(end).replace_strict(station, default=pl.col(end)) for end in ("source", "target"))
        .select("edge", "stream", "source", "target", "source_inside", "target_inside", "commodity", "group",
                "notation", "flow")
    )  # fmt: skip


def with_remainders(edges: pl.DataFrame, remainders: pl.DataFrame, layer: str, sink: str) -> pl.DataFrame:
    """Return `edges` with what the balances name as remainder (final use, losses) as flows from each firm to `sink`.

    `remainders` are those of `Balances`; their edge numbers are negative, so that none is taken for a recorded flow.
    Ends of `edges` must stand at the level of firms.
    """
    found = remainders.filter((pl.col("layer") == layer) & (pl.col("value") != 0.0))
    if found.is_empty():
        return edges
    added = found.with_row_index("row").select(
        (-1 - pl.col("row").cast(pl.Int64)).alias("edge"), pl.lit("").alias("stream"), pl.col("node").alias("source"),
        pl.lit(sink).alias("target"), pl.lit(value=True).alias("source_inside"),
        pl.lit(value=False).alias("target_inside"), pl.lit(REMAINDER).alias("commodity"),
        pl.lit(REMAINDER).alias("group"), pl.lit("calculated").alias("method"), pl.col("disposition").alias("implied"),
        "value", "period_start",
        pl.format("remainder:{}:{}:{}", "layer", "period_start", "node").alias("key"),
    )  # fmt: skip
    return pl.concat([edges, added], how="diagonal")


def with_values(edges: pl.DataFrame, values: pl.DataFrame) -> pl.DataFrame:
    """Return `edges` with other values: those of `values` (edge, value, sd) by method "reconciled", where it has any.

    Edges that `values` does not name keep value and method.
    """
    found = values.select("edge", pl.col("value").alias("_value"), pl.col("sd").alias("_sd"))
    there = pl.col("_value").is_not_null()
    return (
        edges.join(found, on="edge", how="left", maintain_order="left")
        .with_columns(
            pl.when(there).then("_value").otherwise("value").alias("value"),
            pl.when(there).then("_sd").otherwise("sd").alias("sd"),
            pl.when(there).then(pl.lit("reconciled")).otherwise("method").alias("method"),
        )
        .drop("_value", "_sd")
    )


def resource_matrix(edges: pl.DataFrame) -> pl.DataFrame:
    """Return what each node inside takes in and gives off of each group of commodities (`MATRIX_SCHEMA`).

    Values in the layer's unit; flows inside a node are not counted. Largest node first.
    """
    across = edges.filter((pl.col("source") != pl.col("target")) & pl.col("value").is_not_null())
    parts = [
        across.filter(pl.col(f"{end}_inside"))
        .group_by(pl.col(end).alias("node"), pl.col("group").fill_null("").alias("group"))
        .agg(pl.col("value").sum().alias(name), pl.len().cast(pl.Int64).alias(f"{name}s"))
        for end, name in (("target", "inflow"), ("source", "outflow"))
    ]
    both = parts[0].join(parts[1], on=["node", "group"], how="full", coalesce=True)
    filled = both.with_columns(pl.col("inflow", "outflow", "inflows", "outflows").fill_null(0))
    whole = pl.col("inflow").abs() + pl.col("outflow").abs()
    return (
        filled.with_columns(whole.sum().over("node").alias("size"), whole.alias("part"))
        .sort(["size", "node", "part", "group"], descending=[True, False, True, False])
        .select(list(MATRIX_SCHEMA))
        .cast(MATRIX_SCHEMA)  # type: ignore[arg-type]
    )


@dataclass(frozen=True, slots=True)
class NetworkNode:
    """A node of the network picture: its place (centre) and radius in drawing units, its throughput."""

    node: str
    inside: bool
    x: float
    y: float
    radius: float
    throughput: float


@dataclass(frozen=True, slots=True)
class NetworkLink:
    """All flows of one direction between two nodes: a quadratic curve (start, handle, end), its width, the value.

    `value` is null where no amount is known of any of them.
    """

    source: str
    target: str
    group: str
    value: float | None
    flows: int
    width: float
    points: tuple[float, float, float, float, float, float]


@dataclass(frozen=True, slots=True)
class NetworkView:
    """A network on two circles: the nodes inside on the inner one, those outside on the outer one.

    `group` of a link is the group of commodities that makes the largest part of it.
    """

    layer: str
    level: str
    unit: str
    size: float
    nodes: Sequence[NetworkNode]
    links: Sequence[NetworkLink]
    names: Names = field(default_factory=dict)


def network_view(
    edges: pl.DataFrame,
    *,
    layer: str,
    level: str,
    unit: str,
    names: Names | None = None,
    size: float = 900.0,
    unmeasured: pl.DataFrame | None = None,
) -> NetworkView:
    """Return the network of `edges` in a square of `size`: area of a node ~ throughput, width of a link ~ value.

    Both directions between two nodes are two links, bent apart; a pair of which only `unmeasured_edges` speak is a thin
    link without a value. Nodes stand on their circle in the order that keeps
    partners close (by the size-weighted mean of their partners' angles, in a few sweeps).
    """
    across = edges.filter((pl.col("source") != pl.col("target")) & pl.col("value").is_not_null())
    by_group = across.group_by("source", "target", "group").agg(
        pl.col("value").sum(), pl.len().cast(pl.Int64).alias("flows")
    )
    links = (
        by_group.sort(pl.col("value").abs(), descending=True)
        .group_by("source", "target", maintain_order=True)
        .agg(pl.col("group").first(), pl.col("value").sum(), pl.col("flows").sum())
        .sort([pl.col("value").abs(), pl.col("source"), pl.col("target")], descending=[True, False, False])
    )
    ends = [across.select("source", "source_inside", "target", "target_inside")]
    if unmeasured is not None:
        known = links.select("source", "target")
        bare = unmeasured.filter(pl.col("source") != pl.col("target"))
        ends.append(bare.select(ends[0].columns))
        bare = bare.join(known, on=["source", "target"], how="anti", maintain_order="left")
        links = pl.concat(
            [
                links,
                bare.group_by("source", "target", maintain_order=True).agg(
                    pl.col("group").first(), pl.lit(None, pl.Float64).alias("value"),
                    pl.len().cast(pl.Int64).alias("flows"),
                ),
            ]
        )  # fmt: skip
    inside = {
        node: bool(flag)
        for end in ("source", "target")
        for node, flag in pl.concat(ends).select(end, f"{end}_inside").unique().sort(end).iter_rows()
    }
    if not inside:
        return NetworkView(layer, level, unit, size, (), (), dict(names or {}))
    inflow: dict[str, float] = dict.fromkeys(inside, 0.0)
    outflow: dict[str, float] = dict.fromkeys(inside, 0.0)
    pairs: list[tuple[str, str, float]] = []
    for source, target, value in links.select("source", "target", pl.col("value").abs().fill_null(0.0)).iter_rows():
        outflow[source] += value
        inflow[target] += value
        pairs.append((source, target, value))
    throughput = {node: max(inflow[node], outflow[node]) for node in inside}
    angle = _angles(inside, pairs, throughput)
    largest = max(throughput.values()) or 1.0
    crowd = max(6, max(sum(inside.values()), len(inside) - sum(inside.values())))
    biggest = min(46.0, size * 0.8 / crowd)
    middle = size / 2
    nodes = {}
    for node in inside:
        reach = size * (0.26 if inside[node] else 0.4)
        radius = max(3.0, biggest * math.sqrt(throughput[node] / largest))
        x, y = middle + reach * math.cos(angle[node]), middle + reach * math.sin(angle[node])
        nodes[node] = NetworkNode(node, inside[node], x, y, radius, throughput[node])
    top = max((value for *_, value in pairs), default=1.0) or 1.0
    drawn = [
        NetworkLink(
            row["source"], row["target"], row["group"] or "", row["value"], row["flows"],
            max(0.6, 16.0 * math.sqrt(abs(row["value"] or 0.0) / top)),
            _bend(nodes[row["source"]], nodes[row["target"]]),
        )
        for row in links.iter_rows(named=True)
    ]  # fmt: skip
    ordered = sorted(nodes.values(), key=lambda node: (-node.throughput, node.node))
    return NetworkView(layer, level, unit, size, ordered, drawn, dict(names or {}))


def _angles(
    inside: Mapping[str, bool], pairs: Sequence[tuple[str, str, float]], throughput: Mapping[str, float]
) -> dict[str, float]:
    beside: dict[str, list[tuple[str, float]]] = {node: [] for node in inside}
    for source, target, value in pairs:
        beside[source].append((target, value))
        beside[target].append((source, value))
    rings = [[node for node in sorted(inside, key=lambda n: (-throughput[n], n)) if inside[node] is ring]
             for ring in (True, False)]  # fmt: skip
    angle: dict[str, float] = {}
    for ring in rings:
        _spread(ring, angle)
    for _ in range(12):
        for ring in rings:
            wanted = {}
            for node in ring:
                x = sum(math.cos(angle[other]) * math.sqrt(value) for other, value in beside[node])
                y = sum(math.sin(angle[other]) * math.sqrt(value) for other, value in beside[node])
                wanted[node] = math.atan2(y, x) if abs(x) + abs(y) > 1e-12 else angle[node]
            ring.sort(key=lambda node, wanted=wanted: (wanted[node], node))  # type: ignore[misc]
            _spread(ring, angle)
    return angle


def _spread(ring: Sequence[str], angle: dict[str, float]) -> None:
    for place, node in enumerate(ring):
        angle[node] = 2 * math.pi * (place + 0.5) / max(1, len(ring)) - math.pi


def _bend(one: NetworkNode, other: NetworkNode) -> tuple[float, float, float, float, float, float]:
    """A curve from the rim of one node to the rim of the other, bent to its right, so that both directions show."""
    dx, dy = other.x - one.x, other.y - one.y
    length = math.hypot(dx, dy) or 1.0
    handle = ((one.x + other.x) / 2 - 0.16 * dy, (one.y + other.y) / 2 + 0.16 * dx)

    def rim(node: NetworkNode) -> tuple[float, float]:
        reach = math.hypot(handle[0] - node.x, handle[1] - node.y) or length
        share = min(0.9, node.radius / reach)
        return node.x + (handle[0] - node.x) * share, node.y + (handle[1] - node.y) * share

    return (*rim(one), *handle, *rim(other))


EDGE_LIST_COLUMNS = (
    "edge", "stream", "source", "source_zh", "source_en", "target", "target_zh", "target_en", "commodity",
    "commodity_zh", "commodity_en", "group", "value", "unit", "sd", "known", "method", "share",
)  # fmt: skip


def edge_list(edges: pl.DataFrame, unit: str, names: Names | None = None) -> pl.DataFrame:
    """Return every edge with the names of its ends and its part of the sum of all sizes, largest first.

    Columns: `EDGE_LIST_COLUMNS`; value and sd (standard deviation, null where no range is stated) in `unit`, the
    layer's.
    """
    known: Names = names or {}

    def named(column: str, kind: str, place: int) -> pl.Expr:
        ids = edges[column].unique().drop_nulls().to_list()
        pairs = {one: known.get(f"{kind}:{one}", ("", ""))[place] or one for one in ids}
        return pl.col(column).replace_strict(pairs, default=pl.col(column), return_dtype=pl.String)

    whole = float(edges["value"].abs().sum())
    columns = [
        named(column, kind, place).alias(f"{column}_{language}")
        for column, kind in (("source", "node"), ("target", "node"), ("commodity", "commodity"))
        for place, language in enumerate(("zh", "en"))
    ]
    return (
        edges.with_columns(
            *columns, pl.lit(unit).alias("unit"), known_as(pl.col("method"), pl.col("implied")).alias("known"),
            (pl.col("value").abs() / whole if whole else pl.lit(0.0)).alias("share"),
        )
        .sort([pl.col("value").abs(), pl.col("edge")], descending=[True, False], nulls_last=True)
        .select(EDGE_LIST_COLUMNS)
    )  # fmt: skip


def residual_view(rows: pl.DataFrame, unit: str, names: Names, most: int = 20) -> View:
    """Return the largest residuals with their 95 % ranges (residual ± 1.96 sd), largest first, for a figure.

    `rows`: node, residual, sd (null where nothing states how sure it is), key; values in `unit`. Balances whose
    residual is unknown are not ranked.
    """
    ranked = rows.filter(pl.col("residual").is_not_null()).sort(
        [pl.col("residual").abs(), pl.col("node")], descending=[True, False]
    )
    made = []
    for row in ranked.head(most).iter_rows(named=True):
        value, deviation = row["residual"], row["sd"]
        half = None if deviation is None else NORMAL_95 * deviation
        zh, en = names.get(f"node:{row['node']}", ("", ""))
        made.append((
            row["node"], zh or en or row["node"], en or zh or row["node"],
            "step:increase" if value >= 0 else "step:decrease", value, None if half is None else value - half,
            None if half is None else value + half, row["key"],
        ))  # fmt: skip
    frame = pl.DataFrame(made, schema=_RANGES, orient="row")
    return View("residuals", "ranges", N_("Residuals with their 95 % ranges"), unit, frame)


def change_view(
    steps: pl.DataFrame, unit: str, first: tuple[str, float], second: tuple[str, float], most: int = 14
) -> View:
    """Return the way from one period's total to another's, largest change first, as a waterfall.

    `steps`: id, name_zh, name_en, value, key, whose values add up to the difference of the two totals; `first` and
    `second` are (title, total). Beyond `most` the rest is one step "all smaller steps", none is dropped.
    """
    ordered = steps.filter(pl.col("value") != 0.0).sort(pl.col("value").abs(), descending=True)
    level = first[1]
    rows: list[tuple[object, ...]] = [("first", first[0], first[0], "total", "step:total", level, 0.0, level, None)]
    shown = ordered if ordered.height <= most else ordered.head(most - 1)
    parts = [(row["id"], row["name_zh"], row["name_en"], row["value"], row["key"]) for row in shown.to_dicts()]
    if ordered.height > shown.height:
        from ecopark.translation import translate

        words = N_("All smaller steps")
        rest = float(ordered["value"][shown.height :].sum())
        parts.append(("rest", translate(words, "zh"), translate(words, "en"), rest, None))
    for identity, zh, en, value, key in parts:
        colour = "step:increase" if value >= 0 else "step:decrease"
        rows.append((identity, zh, en, "step", colour, value, level, level + value, key))
        level += value
    rows.append(("second", second[0], second[0], "total", "step:total", second[1], 0.0, second[1], None))
    frame = pl.DataFrame(rows, schema=_WATERFALL, orient="row")
    return View("change", "waterfall", N_("From the first to the second total"), unit, frame)
