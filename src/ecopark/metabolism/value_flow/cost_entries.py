"""The costs that enter a network of processes: purchases, system costs, treatment; and what is lacking of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import polars as pl

from ecopark.accounting.coefficients import local_rows
from ecopark.accounting.result import Remark
from ecopark.catalogue import Catalogue, FactorLookup, Missing, Request
from ecopark.metabolism.flows import LayeredFlows
from ecopark.metabolism.indicators.statistics import stated
from ecopark.metabolism.result import name_in
from ecopark.metabolism.value_flow.value_flow_result import SHOWN
from ecopark.model.network import Network
from ecopark.model.record import Record
from ecopark.translation import N_
from ecopark.units import UnitError, combine

GAP_SCHEMA: dict[str, type[pl.DataType]] = {
    "quantity": pl.String, "commodity": pl.String, "stream": pl.String, "node": pl.String, "reason": pl.String,
    "affected": pl.String,
}  # fmt: skip
REMARKS = {
    "prices_missing": N_("No price is known of {commodities_en}: the costs of {count} nodes are lower bounds."),
    "keys_missing": N_("{commodities_en} cannot be measured in the layer that costs are split by, and take no cost."),
    "unassigned": N_(
        "Costs held by {nodes_en} are not passed on: what they deliver (a service, a product) is not measured."
    ),
    "treatment_missing": N_("No treatment cost is known of {commodities_en}."),
}


ENTRY_SCHEMA: dict[str, type[pl.DataType]] = {
    "node": pl.String, "category": pl.String, "edge": pl.Int64, "value": pl.Float64, "reference": pl.String,
}  # fmt: skip


def purchases(flows: LayeredFlows, edges: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the costs bought from outside, and the purchases without a price (edge, stream, commodity, node)."""
    environment = flows.nodes.filter(pl.col("kind") == "environment")["node"]
    bought = edges.filter(
        pl.col("target_inside")
        & ~pl.col("source_inside")
        & pl.col("purpose").is_in(["material", "energy", "water"])
        & pl.col("implied").is_null()
    ).join(
        flows.values.filter(pl.col("layer") == "money").select("edge", "value"), on="edge", how="left",
        maintain_order="left",
    )  # fmt: skip
    entries = bought.filter(pl.col("value").is_not_null()).select(
        pl.col("target").alias("node"), pl.col("purpose").alias("category"), "edge", "value",
        pl.col("flow").alias("reference"),
    )  # fmt: skip
    unpriced = bought.filter(
        pl.col("value").is_null()
        & ~pl.col("source").is_in(environment.implode())
        & (pl.col("amount").is_null() | (pl.col("amount") != 0.0))
    ).select("edge", "stream", "commodity", pl.col("target").alias("node"), pl.col("purpose").alias("category"),
             pl.when(pl.col("amount").is_null()).then(pl.lit("no_amount")).otherwise(pl.lit("no_price"))
             .alias("reason"))  # fmt: skip
    return entries.select(pl.col(name).cast(kind) for name, kind in ENTRY_SCHEMA.items()), unpriced


def system_costs(flows: LayeredFlows, record: Record, out: pl.DataFrame, tree: pl.DataFrame) -> pl.DataFrame:
    """Return the stated system costs (as `ENTRY_SCHEMA`) at the nodes that bear them.

    A node with flows bears its own; one without shares its statement among the nodes in it that have flows and state
    none, by what they put out.
    """
    own = stated(record, "system_cost", "CNY", flows.start, flows.end)
    values = dict(own.select("node", "value").iter_rows())
    references = dict(own.select("node", "reference").iter_rows())
    active = set(flows.edges["source"]) | set(flows.edges["target"])
    put_out = dict(
        out.group_by("source").agg(pl.max_horizontal("main", "energy", "water").sum().alias("put_out")).iter_rows()
    )
    below = {str(holder): frame["node"].to_list() for (holder,), frame in tree.group_by("holder", maintain_order=True)}
    rows: list[dict[str, Any]] = []
    for node, value in values.items():
        if node not in below:
            continue
        receivers = [node] if node in active else [
            other for other in below[node] if other != node and other in active and other not in values
        ]  # fmt: skip
        weights = [put_out.get(receiver) or 0.0 for receiver in receivers]
        if not any(weights):
            weights = [1.0] * len(receivers)
        rows += [
            {"node": receiver, "category": "system", "edge": None, "value": value * weight / sum(weights),
             "reference": references[node]}
            for receiver, weight in zip(receivers or [node], weights or [1.0], strict=True)
        ]  # fmt: skip
    return pl.DataFrame(rows, schema=ENTRY_SCHEMA)


FEE_SCHEMA: dict[str, type[pl.DataType]] = {
    "edge": pl.Int64, "price": pl.Float64, "fee": pl.Float64, "factor": pl.String, "source": pl.String,
    "status": pl.String, "paid_outside": pl.Boolean,
}  # fmt: skip


def treatment_fees(
    flows: LayeredFlows, record: Record, catalogue: Catalogue, out: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return what the treatment of losses costs (as `FEE_SCHEMA`), and the treated edges without a cost."""
    environment = flows.nodes.filter(pl.col("kind") == "environment")["node"]
    priced = flows.values.filter(pl.col("layer") == "money")["edge"]
    lost = out.filter(
        (pl.col("goes") == "loss")
        & pl.col("output").is_in(["waste", "wastewater"])
        & pl.col("implied").is_null()
        & pl.col("amount").is_not_null()
        & ~pl.col("target").is_in(environment.implode())
        # what is sold at a price is not paid for a second time
        & ((pl.col("activity") == "treatment") | ~pl.col("edge").is_in(priced.implode()))
    )
    network = Network(record)
    parents = dict(catalogue.parent_commodity)
    parents |= {row["id"]: row["parent"] for row in record.commodities.iter_rows(named=True) if row["parent"]}
    lookup = FactorLookup(catalogue, flows.year, local_rows(record), {}, parents)
    rows: list[dict[str, Any]] = []
    gaps: list[dict[str, Any]] = []
    for edge in lost.iter_rows(named=True):
        ends = [end for end in (edge["source"], edge["target"]) if end in network]
        nodes = [step for end in ends for step in (end, *network.ancestors(end))]
        request = Request(edge["commodity"], edge["unit"], stream=edge["stream"], nodes=tuple(dict.fromkeys(nodes)))
        choices = lookup.find("treatment_cost", request, {})
        price = None
        if not isinstance(choices, Missing):
            try:
                price = choices[0].value * combine([(choices[0].unit, 1), (edge["unit"], 1)], "CNY")
            except UnitError:
                price = None
        if price is None:
            if edge["activity"] == "treatment" and edge["amount"] != 0.0 and not edge["target_inside"]:
                gaps.append({"commodity": edge["commodity"], "stream": edge["stream"], "node": edge["source"]})
            continue
        assert not isinstance(choices, Missing)
        rows.append({
            "edge": edge["edge"], "price": price, "fee": price * edge["amount"], "factor": choices[0].factor,
            "source": choices[0].source, "status": choices[0].status, "paid_outside": not edge["target_inside"],
        })  # fmt: skip
    texts = {"commodity": pl.String, "stream": pl.String, "node": pl.String}
    return pl.DataFrame(rows, schema=FEE_SCHEMA), pl.DataFrame(gaps, schema=texts)


def unmeasured_products(flows: LayeredFlows, out: pl.DataFrame, key: str) -> pl.DataFrame:
    """Return edge, stream, commodity, node, category, reason of products that have no value in the key layer.

    The costs of their makers cannot be split. A content that is not stated blocks only the mass: a product without a
    stated content of an element may hold none.
    """
    lacking = flows.unknown.filter(pl.col("layer") == key).select("edge", "reason")
    if key != "mass":
        lacking = lacking.filter(pl.col("reason") != "unstated")
    made = out.filter((pl.col("output") == "product") & (pl.col("amount").is_null() | (pl.col("amount") != 0.0)))
    return made.join(lacking, on="edge", how="inner").select(
        "edge", "stream", "commodity", pl.col("source").alias("node"), pl.lit("material").alias("category"), "reason"
    )


def cost_gaps(
    flows: LayeredFlows,
    out: pl.DataFrame,
    unpriced: pl.DataFrame,
    fee_gaps: pl.DataFrame,
    missing: Mapping[str, list[str]],
    key: str,
) -> pl.DataFrame:
    """Return what is lacking (as `GAP_SCHEMA`): prices, values in the layer `key`, treatment costs; nodes affected."""
    affected = {
        commodity: "; ".join(sorted(node for node, names in missing.items() if commodity in names))
        for commodity in unpriced["commodity"].unique()
    }
    prices = unpriced.select(
        pl.lit("price").alias("quantity"), "commodity", "stream", "node", "reason",
        pl.col("commodity").replace_strict(list(affected), list(affected.values()), default=None,
                                           return_dtype=pl.String).alias("affected"),
    )  # fmt: skip
    lacking = flows.unknown.filter(pl.col("layer") == key).select("edge", "reason")
    unmeasured = out.filter(pl.col("output").is_in(["product", "waste"]) & pl.col("implied").is_null()).join(
        lacking, on="edge", how="inner"
    )
    keys = unmeasured.select(
        pl.lit(key).alias("quantity"), "commodity", "stream", pl.col("source").alias("node"), "reason",
        pl.col("source").alias("affected"),
    )  # fmt: skip
    fees = fee_gaps.select(
        pl.lit("treatment_cost").alias("quantity"), "commodity", "stream", "node", pl.lit("no_price").alias("reason"),
        pl.col("node").alias("affected"),
    )  # fmt: skip
    return pl.concat([frame.select(pl.col(n).cast(t) for n, t in GAP_SCHEMA.items()) for frame in (prices, keys, fees)])


def gap_remarks(gaps: pl.DataFrame, nodes: pl.DataFrame, names: Mapping[str, tuple[str, str]]) -> list[Remark]:
    """Return what a reader must know of the gaps, and of nodes whose cost goes nowhere, as warnings."""
    found: list[Remark] = []

    def listed(identities: Iterable[str], kind: str, word: str) -> dict[str, object]:
        return {
            f"{word}_{language}": separator.join(name_in(names, one, language, kind) for one in identities)
            for language, separator in (("zh", "、"), ("en", ", "))
        }

    def named(rows: pl.DataFrame) -> dict[str, object]:
        return listed(rows["commodity"].unique().sort(), "commodity", "commodities")

    prices = gaps.filter(pl.col("quantity") == "price")
    if prices.height:
        count = nodes.filter(~pl.col("complete")).height
        values = named(prices) | {"count": count}
        found.append(Remark("prices_missing", REMARKS["prices_missing"], values, "warning"))
    fees = gaps.filter(pl.col("quantity") == "treatment_cost")
    if fees.height:
        found.append(Remark("treatment_missing", REMARKS["treatment_missing"], named(fees), "warning"))
    keys = gaps.filter(~pl.col("quantity").is_in(["price", "treatment_cost"]))
    if keys.height:
        found.append(Remark("keys_missing", REMARKS["keys_missing"], named(keys), "warning"))
    idle = nodes.filter(
        pl.col("allocation").is_not_null() & (pl.sum_horizontal(f"{kind}_unassigned" for kind in SHOWN) > 0)
    )["node"].to_list()
    if idle:
        found.append(Remark("unassigned", REMARKS["unassigned"], listed(idle, "node", "nodes"), "warning"))
    return found
