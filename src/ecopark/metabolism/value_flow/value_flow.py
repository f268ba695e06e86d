"""Value flow: what the losses of every process and every waste stream have cost (material-flow cost accounting).

`cost_allocation` splits material, energy and system costs over products and losses and carries them downstream;
`cost_entries` finds the costs that enter (prices times amounts, the statistic system_cost) and what treatment costs;
`treatment` gives the cost of plants inside back to what they treat. Costs that no price is known for are named, with
the nodes they reach, and are no zeros.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl

from ecopark.catalogue import Catalogue
from ecopark.metabolism.flows import LayeredFlows
from ecopark.metabolism.indicators.statistics import stated
from ecopark.metabolism.regions import holders, top_of
from ecopark.metabolism.roles import with_roles
from ecopark.metabolism.value_flow.cost_allocation import CATEGORIES, Carrier, Numbers, outflows, shares
from ecopark.metabolism.value_flow.cost_entries import (
    cost_gaps,
    gap_remarks,
    purchases,
    system_costs,
    treatment_fees,
    unmeasured_products,
)
from ecopark.metabolism.value_flow.treatment import treatment_burdens
from ecopark.metabolism.value_flow.value_flow_result import COST_NAMES, PARTS, SHOWN, WASTE_SCHEMA, ValueFlow
from ecopark.model.problems import InputError, Problem
from ecopark.model.record import Record
from ecopark.translation import N_

__all__ = ["ValueFlow", "draw_value_flow"]

_KEYED = ("material", "energy", "system")


def draw_value_flow(flows: LayeredFlows, record: Record, catalogue: Catalogue, *, key: str = "mass") -> ValueFlow:
    """Return the value flow of a layered network: costs in products and losses of every process and waste stream.

    Needs the layers money, energy, water and `key` (mass, or an element) in `flows`. Costs that enter: money of what
    comes from outside the boundary (what comes from the environment without a price is free), and the statistic
    system_cost, which a node without flows of its own shares among those in it that state none, by what they put out.
    Treatment costs come from the property treatment_cost (CNY per unit; negative where the receiver pays), what a
    by-product earns from its price. ISO 14051: waste management costs belong wholly to the losses.
    InputError for layers that are not there and for loops without a way out.
    """
    _check_layers(flows, key)
    edges = with_roles(flows.edges, flows.nodes)
    inside = flows.nodes.filter(pl.col("inside"))["node"].to_list()
    out = outflows(flows, key)
    loss_shares = {
        name: dict(stated(record, name, "1", flows.start, flows.end).select("node", "value").iter_rows())
        for name in (f"{category}_loss_share" for category in _KEYED)
    }
    treating = edges.filter(pl.col("purpose").is_in(["treated", "wastewater"]))["target"].unique().to_list()
    unmeasured = unmeasured_products(flows, out, key)
    taken, left = shares(out, loss_shares, treating, unmeasured["node"].to_list())
    entries, unpriced = purchases(flows, edges)
    tree = holders(flows.nodes, flows.boundary)
    entries = pl.concat([entries, system_costs(flows, record, out, tree)])
    carrier = Carrier.of(inside, out, taken)
    held = _held(carrier, entries, left)
    costs = taken.join(out.select("edge", pl.col("source").alias("node")), on="edge", how="left", maintain_order="left")
    costs = costs.join(held.select("node", "category", "cost"), on=["node", "category"], how="left",
                       maintain_order="left")  # fmt: skip
    costs = costs.select("edge", "category", "share", (pl.col("share") * pl.col("cost")).alias("cost"))
    fees, fee_gaps = treatment_fees(flows, record, catalogue, out)
    money = flows.values.filter(pl.col("layer") == "money").select("edge", pl.col("value").alias("money"))
    missing = _reached_names(carrier, pl.concat([unpriced, unmeasured.select(unpriced.columns)]))
    wastes = _wastes(out, costs, held, fees, money, missing)
    nodes = _node_rows(flows, tree, out, costs, held, left, entries, wastes, money, missing)
    gaps = cost_gaps(flows, out, unpriced, fee_gaps, missing, key)
    entering = edges.filter(pl.col("target_inside") & ~pl.col("source_inside")).with_columns(
        pl.lit("enters").alias("goes")
    )
    placed = pl.concat([entering, out.select(entering.columns)]).select(
        "edge", "stream", "source", "target", "commodity", "output", "goes", "amount", "unit", "flow"
    )
    names = dict(flows.names) | {f"symbol:{name}": pair for name, pair in COST_NAMES.items()}
    names |= {"symbol:system_cost": ("系统成本", "system cost")}
    return ValueFlow(
        settings=flows.settings | {"key": key, "top": top_of(flows.nodes, flows.boundary)}, names=names,
        sources=flows.sources, remarks=(*flows.remarks, *gap_remarks(gaps, nodes, flows.names)), nodes=nodes,
        wastes=wastes, flows=costs, entries=entries, held=held, edges=placed, fees=fees, gaps=gaps, tree=tree,
    )  # fmt: skip


def _check_layers(flows: LayeredFlows, key: str) -> None:
    present = set(flows.layers["id"].to_list())
    lacking = [layer for layer in dict.fromkeys([key, "money", "energy", "water"]) if layer not in present]
    if lacking:
        raise InputError(
            [
                Problem(
                    "layers_lacking",
                    "layers",
                    N_("The value flow needs the layers {lacking}, which were not asked for."),
                    N_("Draw the network with the layers mass, energy, water, money and the one to split by."),
                    {"lacking": ", ".join(lacking)},
                )
            ]
        )


def _held(carrier: Carrier, entries: pl.DataFrame, left: pl.DataFrame) -> pl.DataFrame:
    """Return node, category, cost, known, unrecorded and unassigned (CNY) of every node inside."""
    frames = []
    for category in CATEGORIES:
        entered: Numbers = np.zeros(len(carrier.nodes))
        stated_here = np.zeros(len(carrier.nodes), dtype=bool)
        for node, value in entries.filter(pl.col("category") == category).select("node", "value").iter_rows():
            entered[carrier.numbers[node]] += value
            stated_here[carrier.numbers[node]] = True
        cost = carrier.solve(category, entered)
        frames.append(
            pl.DataFrame(
                {"node": carrier.nodes, "cost": cost, "known": carrier.reached(category, stated_here)},
                schema={"node": pl.String, "cost": pl.Float64, "known": pl.Boolean},
            ).with_columns(pl.lit(category).alias("category"))
        )
    joined = pl.concat(frames).join(left, on=["node", "category"], how="left", maintain_order="left")
    return joined.with_columns(
        (pl.col("cost") * pl.col("unrecorded").fill_null(0.0)).alias("unrecorded"),
        (pl.col("cost") * pl.col("unassigned").fill_null(1.0)).alias("unassigned"),
    ).select("node", "category", "cost", "known", "unrecorded", "unassigned")


def _reached_names(carrier: Carrier, unpriced: pl.DataFrame) -> dict[str, list[str]]:
    """Return node -> commodities without a price (or amount) among what reaches it."""
    found: dict[str, set[str]] = {}
    for (commodity, category), rows in unpriced.group_by("commodity", "category"):
        starts = np.zeros(len(carrier.nodes), dtype=bool)
        starts[[carrier.numbers[node] for node in rows["node"]]] = True
        for number in np.flatnonzero(carrier.reached(str(category), starts)).tolist():
            found.setdefault(carrier.nodes[number], set()).add(str(commodity))
    return {node: sorted(names) for node, names in found.items()}


def _shown(costs: pl.DataFrame, kind: str) -> pl.DataFrame:
    """Return edge, cost of a kind that is shown."""
    return costs.filter(pl.col("category").is_in(SHOWN[kind])).group_by("edge").agg(pl.col("cost").sum())


def _wastes(
    out: pl.DataFrame,
    costs: pl.DataFrame,
    held: pl.DataFrame,
    fees: pl.DataFrame,
    money: pl.DataFrame,
    missing: Mapping[str, list[str]],
) -> pl.DataFrame:
    """Return the losses with what they cost, costliest first."""
    lost = out.filter((pl.col("goes") == "loss") & pl.col("implied").is_null())
    for kind in SHOWN:
        known = held.filter(pl.col("category").is_in(SHOWN[kind])).group_by("node").agg(pl.col("known").any())
        lost = lost.join(_shown(costs, kind), on="edge", how="left", maintain_order="left").join(
            known.rename({"node": "source"}), on="source", how="left", maintain_order="left"
        )
        lost = lost.with_columns(pl.when("known").then("cost").alias(f"{kind}_lost")).drop("known", "cost")
    paid = fees.filter("paid_outside").select("edge", pl.col("fee").alias("treatment_cost"))
    lost = lost.join(paid, on="edge", how="left", maintain_order="left")
    burdens = treatment_burdens(out, costs, paid)
    lost = lost.join(burdens, on="edge", how="left", maintain_order="left").join(
        money, on="edge", how="left", maintain_order="left"
    )
    sold = pl.col("output").is_in(["waste", "wastewater"]) & ~pl.col("target_inside") & pl.col("utilised")
    whole = ("material_lost", "energy_lost", "system_lost")
    return (
        lost.with_columns(
            pl.when(pl.any_horizontal(pl.col(name).is_not_null() for name in whole))
            .then(pl.sum_horizontal(whole))
            .alias("value_lost"),
            pl.when(sold).then("money").alias("revenue"),
            ~pl.col("source").is_in(list(missing)).alias("complete"),
            pl.concat_str(pl.lit("waste:"), "edge").alias("key"),
        )
        .with_columns(
            (
                pl.sum_horizontal("value_lost", "treatment_cost", "treatment_inside") - pl.col("revenue").fill_null(0.0)
            ).alias("total")
        )
        .select(pl.col(name).cast(kind) for name, kind in WASTE_SCHEMA.items())
        .sort("total", descending=True, nulls_last=True, maintain_order=True)
    )


def _node_rows(
    flows: LayeredFlows,
    tree: pl.DataFrame,
    out: pl.DataFrame,
    costs: pl.DataFrame,
    held: pl.DataFrame,
    left: pl.DataFrame,
    entries: pl.DataFrame,
    wastes: pl.DataFrame,
    money: pl.DataFrame,
    missing: Mapping[str, list[str]],
) -> pl.DataFrame:
    """Return the rows of every node that holds others or itself; sums over those in it, borders counted once."""
    frame = tree.select(pl.col("holder").alias("node")).unique(maintain_order=True)
    frame = frame.join(flows.nodes.select("node", "kind"), on="node", how="left", maintain_order="left").with_columns(
        pl.col("kind").fill_null("boundary")
    )
    keys = left.filter(pl.col("category") == "material").select("node", "allocation")
    frame = frame.join(keys, on="node", how="left", maintain_order="left")
    pairs = tree.rename({"node": "part", "holder": "node"})
    starts = out.select("edge", pl.col("source").alias("part"), "goes").join(pairs, on="part", how="inner")
    stops = out.select("edge", pl.col("target").alias("part"), "goes").join(pairs, on="part", how="inner")
    carried_in = stops.filter(pl.col("goes") == "carried").join(starts, on=["edge", "node"], how="anti")
    going = starts.filter(pl.col("goes") == "product")
    passing = starts.filter(pl.col("goes") == "carried").join(stops, on=["edge", "node"], how="anti")
    places = {
        "carried_in": carried_in.select("edge", "node"),
        "delivered": pl.concat([going, passing]).select("edge", "node"),
        "loss": starts.filter(pl.col("goes") == "loss").select("edge", "node"),
    }
    for kind, categories in SHOWN.items():
        at_nodes = held.filter(pl.col("category").is_in(categories)).rename({"node": "part"})
        summed = pairs.join(at_nodes, on="part", how="inner").group_by("node").agg(
            pl.col("known").any(), pl.col("unrecorded").sum(), pl.col("unassigned").sum()
        )  # fmt: skip
        entered = entries.filter(pl.col("category").is_in(categories)).rename({"node": "part"})
        spent = pairs.join(entered, on="part", how="inner")
        bought = spent.group_by("node").agg(pl.col("value").sum().alias("cost_in"))
        frame = frame.join(summed, on="node", how="left", maintain_order="left").join(
            bought, on="node", how="left", maintain_order="left"
        )
        worth = _shown(costs, kind)
        for part, edges in places.items():
            sums = edges.join(worth, on="edge", how="inner").group_by("node").agg(pl.col("cost").sum().alias(part))
            frame = frame.join(sums, on="node", how="left", maintain_order="left")
        frame = frame.with_columns(pl.col("loss").fill_null(0.0) + pl.col("unrecorded").fill_null(0.0))
        frame = frame.with_columns(
            pl.when("known").then(pl.col(part).fill_null(0.0)).alias(f"{kind}_{part}") for part in PARTS
        ).drop("known", "unrecorded", *PARTS)
    lost = wastes.select("edge", "treatment_cost", "revenue").join(places["loss"], on="edge", how="inner")
    losses = lost.group_by("node").agg(
        pl.when(pl.col("treatment_cost").is_not_null().any()).then(pl.col("treatment_cost").sum())
        .alias("treatment_cost"),
        pl.when(pl.col("revenue").is_not_null().any()).then(pl.col("revenue").sum()).alias("revenue_by_products"),
    )  # fmt: skip
    sold = places["delivered"].join(out.select("edge", "target_inside"), on="edge").filter(~pl.col("target_inside"))
    revenue = sold.join(money, on="edge", how="inner").group_by("node").agg(
        pl.col("money").sum().alias("revenue_products")
    )  # fmt: skip
    frame = frame.join(losses, on="node", how="left", maintain_order="left").join(
        revenue, on="node", how="left", maintain_order="left"
    )
    named = pl.DataFrame(
        [(node, commodity) for node, goods in missing.items() for commodity in goods],
        schema={"part": pl.String, "commodity": pl.String}, orient="row",
    )  # fmt: skip
    lacking = pairs.join(named, on="part", how="inner").group_by("node").agg(
        pl.col("commodity").unique().sort().str.join("; ").alias("missing")
    )  # fmt: skip
    parts = [f"{kind}_loss" for kind in SHOWN]
    whole = pl.sum_horizontal(f"{kind}_{part}" for kind in SHOWN for part in ("cost_in", "carried_in"))
    any_cost = pl.any_horizontal(pl.col(name).is_not_null() for name in (*parts, "treatment_cost"))
    return (
        frame.join(lacking, on="node", how="left", maintain_order="left")
        .with_columns(
            pl.when(any_cost).then(pl.sum_horizontal(*parts, "treatment_cost")).alias("loss_total"),
            pl.col("missing").is_null().alias("complete"),
        )
        .with_columns(
            pl.when(whole > 0).then(pl.sum_horizontal(parts) / whole).alias("loss_share"),
        )
    )
