"""Balances: what comes in, goes out and stays at every node, in every layer, and what does not add up.

    residual = inflow - outflow - stock_change - by_rule - remainder

for a node with all below it (flows inside count on neither side), so that the balance of a firm is the sum of those of
its parts. `by_rule` is what leaves by a stated rule (the carbon of fuel burnt), `remainder` what the record leaves
unmeasured by its nature and the rule gives a name (final use of energy, water consumed, surplus of money). The residual
is judged by its own standard deviation, propagated to first order with shared amounts, shared factors and correlation
groups kept together.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import polars as pl

from ecopark.accounting.explanation import Explanation
from ecopark.catalogue import Catalogue
from ecopark.metabolism.balances.balance_index import TERMS, Floats, Index
from ecopark.metabolism.balances.balance_verdicts import gap_counts, verdict
from ecopark.metabolism.flows import LayeredFlows
from ecopark.metabolism.layers import dispositions_of
from ecopark.metabolism.result import Result

BOUNDARY = "boundary:"
"""Prefix of the row that stands for the boundary itself."""

ROW_SCHEMA: dict[str, type[pl.DataType]] = {
    "node": pl.String, "kind": pl.String, "firm": pl.String, "depth": pl.Int64, "layer": pl.String,
    "period_start": pl.Date, "inflow": pl.Float64, "outflow": pl.Float64, "stock_change": pl.Float64,
    "by_rule": pl.Float64, "remainder": pl.Float64, "disposition": pl.String, "residual": pl.Float64,
    "sd": pl.Float64, "relative": pl.Float64, "significance": pl.Float64, "verdict": pl.String, "unit": pl.String,
    "unknown": pl.Int64, "unstated": pl.Int64, "partial": pl.Int64, "edges": pl.Int64,
}  # fmt: skip
"""One balance. `relative` is the residual over the larger side, `significance` its size in standard deviations.

verdict: closed (within 1.96 deviations), open, no_range (no uncertainty stated), incomplete (flows or contents missing:
`unknown`, `unstated`, `partial` count them; or nothing but zeros where contents are unstated), one_sided (only receives
or only sends, and nothing known to be missing could be the other side), by_rule (everything that leaves
follows by rule from what enters, so that it closes whatever the amounts are), not_testable (a remainder takes up the
difference, or the layer is not conserved).
"""

_CONVERSION = ("power_generation", "heat_generation", "chp", "conversion_input")


@dataclass(frozen=True, eq=False, kw_only=True)
class Balances(Result):
    """The balances of all nodes of a boundary in layers (`rows`, see `ROW_SCHEMA`) with what they are made of.

    `remainders`: node (a firm), layer, period_start, disposition, value. The other frames are those of `LayeredFlows`.
    """

    engine: ClassVar[str] = "balance"

    rows: pl.DataFrame
    remainders: pl.DataFrame
    edges: pl.DataFrame
    values: pl.DataFrame
    coefficients: pl.DataFrame
    parameters: pl.DataFrame
    stocks: pl.DataFrame
    unknown: pl.DataFrame
    nodes: pl.DataFrame
    layers: pl.DataFrame
    flows: pl.DataFrame

    def layered(self) -> LayeredFlows:
        """Return the network that the balances were drawn from."""
        from datetime import date

        s = self.settings
        return LayeredFlows(
            s["year"], date.fromisoformat(s["start"]), date.fromisoformat(s["end"]), s["resolution"], s["boundary"],
            s["scenario"], self.edges, self.values, self.coefficients, self.parameters, self.stocks, self.unknown,
            self.nodes, self.layers, self.flows, self.names, self.sources, self.remarks,
        )  # fmt: skip

    def of(
        self, *, layer: str | None = None, node: str | None = None, kinds: tuple[str, ...] | None = None
    ) -> pl.DataFrame:
        """Return the rows of a layer, a node or some kinds of nodes, largest significance first."""
        rows = self.rows
        if layer is not None:
            rows = rows.filter(pl.col("layer") == layer)
        if node is not None:
            rows = rows.filter(pl.col("node") == node)
        if kinds is not None:
            rows = rows.filter(pl.col("kind").is_in(kinds))
        return rows.sort(
            pl.col("significance").fill_null(-1.0), pl.col("residual").abs(), descending=True, maintain_order=True
        )

    def crossing(self, node: str, layer: str) -> pl.DataFrame:
        """Return the edges that cross a node's border in a layer: `EDGE_SCHEMA`, value, sd_value, side (in, out, rule).

        `node` may be the boundary's row ("boundary:park").
        """
        members = self.members(node).implode()
        edges = self.layered().layer(layer)
        enters = pl.col("target").is_in(members) & ~pl.col("source").is_in(members)
        leaves = pl.col("source").is_in(members) & ~pl.col("target").is_in(members)
        return edges.filter(enters | leaves).with_columns(
            pl.when(pl.col("implied").is_not_null()).then(pl.lit("rule"))
            .when(pl.col("target").is_in(members)).then(pl.lit("in")).otherwise(pl.lit("out")).alias("side")
        )  # fmt: skip

    def members(self, node: str) -> pl.Series:
        """Return the ids of a node and all below it inside the boundary, or of the whole boundary."""
        if node.startswith(BOUNDARY):
            return self.nodes.filter("inside")["node"]
        about = {name: (parent, inside) for name, parent, inside in
                 self.nodes.select("node", "parent", "inside").iter_rows()}  # fmt: skip
        found: dict[str, bool] = {node: True}
        for identity in about:
            step: str | None = identity
            path: list[str] = []
            # a node that the boundary leaves out takes what is below it with it
            while step is not None and step not in found and step in about and about[step][1] and step not in path:
                path.append(step)
                step = about[step][0]
            below = step is not None and found.get(step, False)
            found.update(dict.fromkeys(path, below))
        return pl.Series("node", sorted(name for name, below in found.items() if below), dtype=pl.String)

    def explain(self, key: str) -> Explanation:
        """Explain a number: "TERM:LAYER:PERIOD:NODE" with TERM of `ROW_SCHEMA`, or "value:LAYER:EDGE".

        PERIOD is the first day of the row's period. KeyError for a key that names nothing here.
        """
        from ecopark.metabolism.balances.balance_explanations import explain

        return explain(self, key)


def draw_balances(layered: LayeredFlows, catalogue: Catalogue) -> Balances:
    """Return the balance of every node, and of the boundary, in every layer and period of a network."""
    index = Index(layered)
    bare = index.sums()
    remainders = _remainders(layered, catalogue, index)
    rows = _judged(bare, remainders, layered, index)
    names = dict(layered.names)
    names.setdefault(f"node:{BOUNDARY}{layered.boundary}", ("整个边界", "the whole boundary"))
    return Balances(
        settings=layered.settings, names=names, sources=layered.sources, remarks=tuple(layered.remarks), rows=rows,
        remainders=remainders, edges=layered.edges, values=layered.values, coefficients=layered.coefficients,
        parameters=layered.parameters, stocks=layered.stocks, unknown=layered.unknown, nodes=layered.nodes,
        layers=layered.layers, flows=_flows_behind(layered.flows),
    )  # fmt: skip


def _flows_behind(flows: pl.DataFrame) -> pl.DataFrame:
    columns = ["id", "stream", "span_start", "amount", "unit", "share", "low", "high", "method", "notation", "evidence"]
    return flows.select(name for name in columns if name in flows.columns)


_REMAINDER_SCHEMA: dict[str, type[pl.DataType]] = {
    "node": pl.String, "layer": pl.String, "period_start": pl.Date, "disposition": pl.String, "value": pl.Float64,
}  # fmt: skip


def _remainders(layered: LayeredFlows, catalogue: Catalogue, index: Index) -> pl.DataFrame:
    """Return what the record leaves unmeasured by nature at each firm, with the name of its rule."""
    rules = dispositions_of(catalogue, index.layers, "remainder")
    names = layered.nodes["node"].to_list()
    station = {names[node]: names[holder] for node, holder in enumerate(index.holders()) if holder >= 0}
    found: list[dict[str, Any]] = []
    for rule in rules:
        edges = layered.layer(rule["layer"]).select("source", "target", "activity", "period_start", "value", "implied")
        source = pl.col("source").replace_strict(station, default=None, return_dtype=pl.String)
        target = pl.col("target").replace_strict(station, default=None, return_dtype=pl.String)
        placed = edges.with_columns(source.alias("from"), target.alias("to"))
        placed = placed.filter(~pl.col("from").eq_missing(pl.col("to")))
        converts = pl.when(pl.col("activity").is_in(_CONVERSION)).then("value").otherwise(0.0)
        received = placed.filter(pl.col("to").is_not_null()).group_by(
            pl.col("to").alias("node"), "period_start", maintain_order=True
        ).agg(pl.col("value").sum().alias("inflow"), converts.sum().alias("converted"))  # fmt: skip
        sent = placed.filter(pl.col("from").is_not_null()).group_by(
            pl.col("from").alias("node"), "period_start", maintain_order=True
        ).agg(pl.col("value").sum().alias("outflow"), (pl.col("activity") == "loss").any().alias("loses"))  # fmt: skip
        stock = layered.stocks.filter(pl.col("layer") == rule["layer"]).with_columns(
            pl.col("node").replace_strict(station, default=None, return_dtype=pl.String)
        ).group_by("node", "period_start").agg(pl.col("value").sum().alias("stock"))  # fmt: skip
        sheet = received.join(sent, on=["node", "period_start"], how="full", coalesce=True, maintain_order="left_right")
        sheet = sheet.join(stock, on=["node", "period_start"], how="left", maintain_order="left")
        for row in sheet.iter_rows(named=True):
            inflow, outflow = row["inflow"] or 0.0, row["outflow"] or 0.0
            rest = inflow - outflow - (row["stock"] or 0.0)
            if not _absorbs(rule["layer"], rest, inflow, outflow, row["converted"] or 0.0, bool(row["loses"])):
                continue
            found.append({"node": row["node"], "layer": rule["layer"], "period_start": row["period_start"],
                          "disposition": rule["id"], "value": rest})  # fmt: skip
    return pl.DataFrame(found, schema=_REMAINDER_SCHEMA)


def _absorbs(layer: str, rest: float, inflow: float, outflow: float, converted: float, loses: bool) -> bool:
    """Whether a firm's difference is a remainder of its nature rather than a residual.

    Money always (a surplus may be negative). Energy where most of what is received is used and not converted, or
    nothing is sent on. Water where the firm states no loss of its own. Never a negative difference of these two.
    """
    if layer == "money":
        return rest != 0.0
    if rest <= 1e-9 * max(inflow, outflow):
        return False
    if layer == "energy":
        return outflow == 0.0 or converted <= 0.5 * inflow
    return not loses


def _judged(sums: dict[str, Floats], remainders: pl.DataFrame, layered: LayeredFlows, index: Index) -> pl.DataFrame:
    """Return the rows with residual, deviation and verdict."""
    size = (index.count + 1) * index.slots
    stocks, rests = layered.stocks, remainders

    def summed(frame: pl.DataFrame, column: str) -> Floats:
        if frame.is_empty():
            return np.zeros(size)
        nodes = np.array([index.number[node] for node in frame["node"]], dtype=np.int64)
        return index.spread(nodes, index.slot_of(frame), frame[column].to_numpy())

    stock, remainder = summed(stocks, "value"), summed(rests, "value")
    absorbed = summed(rests.with_columns(pl.lit(1.0).alias("one")), "one") if rests.height else np.zeros(size)
    counts = gap_counts(layered, index)
    # a node of which only gaps are known has a balance too: an incomplete one
    held = np.flatnonzero((sums["edges"] > 0) | (summed(stocks.with_columns(pl.lit(1.0).alias("one")), "one") > 0)
                          | (counts["unknown"] > 0))  # fmt: skip
    station, slot = held // index.slots, held % index.slots
    nodes = layered.nodes
    boundary = pl.DataFrame(
        {"node": [f"{BOUNDARY}{layered.boundary}"], "kind": ["boundary"], "firm": [""], "depth": [-1]},
        schema={"node": pl.String, "kind": pl.String, "firm": pl.String, "depth": pl.Int64},
    )
    places = pl.concat([nodes.select("node", "kind", "firm", "depth"), boundary])[station]
    layers = layered.layers[slot // len(index.periods)]
    inflow, outflow, by_rule = (sums[name][held] for name in TERMS)
    residual = inflow - outflow - stock[held] - by_rule - remainder[held]
    # what is left of a subtraction of large numbers is no residual
    noise = 64 * np.finfo(float).eps * (np.abs(inflow) + np.abs(outflow) + np.abs(by_rule) + np.abs(stock[held]))
    residual = np.where(np.abs(residual) <= noise, 0.0, residual)
    deviation = index.deviation()[held]
    # amounts that enter and leave by rule cancel, but for rounding
    deviation = np.where(deviation <= noise, 0.0, deviation)
    below = _below_a_remainder(rests, index)[held]
    disposition = dict(zip(layered.layers["id"], [None] * layered.layers.height, strict=True))
    disposition |= {row["layer"]: row["disposition"] for row in rests.iter_rows(named=True)}
    frame = pl.DataFrame(
        {
            **{name: places[name] for name in places.columns},
            "layer": layers["id"], "period_start": [index.periods[number] for number in slot % len(index.periods)],
            "inflow": inflow, "outflow": outflow, "stock_change": stock[held], "by_rule": by_rule,
            "remainder": remainder[held],
            "disposition": [disposition[layer] if taken else None
                            for layer, taken in zip(layers["id"], absorbed[held] > 0, strict=True)],
            "residual": residual, "sd": deviation, "relative": None, "significance": None,
            "verdict": None, "unit": layers["unit"],
            **{name: counts[name][held].astype(np.int64) for name in ("unknown", "unstated", "partial")},
            **{name: counts[name][held] for name in ("unstated_in", "unstated_out")},
            "edges": sums["edges"][held].astype(np.int64),
        },
        schema_overrides=ROW_SCHEMA, strict=False,
    ).with_columns(pl.col("sd").fill_nan(None))  # fmt: skip
    larger = pl.max_horizontal(pl.col("inflow"), pl.col("outflow") + pl.col("by_rule") + pl.col("remainder").abs())
    frame = frame.with_columns(
        pl.when(larger > 0).then(pl.col("residual") / larger).alias("relative"),
        pl.when(pl.col("sd") > 0).then(pl.col("residual").abs() / pl.col("sd")).alias("significance"),
        pl.Series("below", below),
        pl.Series("taken", absorbed[held] > 0),
        (layers["conserved"] == "yes").alias("conserved"),
    )
    return frame.with_columns(verdict().alias("verdict")).select(ROW_SCHEMA.keys()).sort(
        "layer", "depth", "period_start", maintain_order=True
    )  # fmt: skip


def _below_a_remainder(remainders: pl.DataFrame, index: Index) -> npt.NDArray[np.bool_]:
    """Return whether a station lies inside a firm whose remainder takes up the differences of a slot."""
    absorbing = np.zeros((index.count + 1, index.slots), dtype=bool)
    if remainders.height:
        absorbing[[index.number[node] for node in remainders["node"]], index.slot_of(remainders)] = True
    holders = np.array([*index.holders(), -1], dtype=np.int64)
    inner = (holders >= 0) & (holders != np.arange(index.count + 1))
    taken: npt.NDArray[np.bool_] = (absorbing[holders] & inner[:, None]).ravel()
    return taken
