"""The result of material-flow cost accounting: costs in products and losses, per node and waste stream, explained."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import polars as pl

from ecopark.accounting.explanation import Explanation, Input
from ecopark.metabolism.result import Result

SHOWN = {"material": ("material", "water"), "energy": ("energy",), "system": ("system",)}
"""Kinds of cost that are shown -> those they are made of."""
PARTS = ("cost_in", "carried_in", "delivered", "loss", "unassigned")
"""Of each kind of cost at a node: bought or stated, carried in, delivered (carried on or sold), lost, without a way."""
WASTE_SCHEMA: dict[str, type[pl.DataType]] = {
    "edge": pl.Int64, "stream": pl.String, "source": pl.String, "target": pl.String, "commodity": pl.String,
    "output": pl.String, "amount": pl.Float64, "unit": pl.String, "material_lost": pl.Float64,
    "energy_lost": pl.Float64, "system_lost": pl.Float64, "value_lost": pl.Float64, "treatment_cost": pl.Float64,
    "treatment_inside": pl.Float64, "revenue": pl.Float64, "total": pl.Float64, "complete": pl.Boolean,
    "key": pl.String,
}  # fmt: skip

COST_NAMES = {
    "cost_material": ("所含材料成本", "material cost in it"),
    "cost_energy": ("所含能源成本", "energy cost in it"),
    "cost_system": ("所含系统成本", "system cost in it"),
    "cost_treatment": ("付给园外的处理费用", "treatment paid outside"),
    "cost_inside": ("园内处理成本", "treatment inside"),
    "cost_revenue": ("副产物收入（减）", "less what it earns"),
}


@dataclass(frozen=True, eq=False, kw_only=True)
class ValueFlow(Result):
    """Costs in products and in losses, per node (equipment to park) and per waste stream, in CNY.

    `nodes`: node, kind, allocation (the key of a node that has outflows), for material, energy and system cost each of
    `PARTS` ("material_loss"; null where no such cost is known to reach the node), `treatment_cost` (paid to the
    outside), `revenue_products`, `revenue_by_products`, `loss_total` (costs lost + treatment), `loss_share`, `missing`
    (commodities without a price among what reaches it), `complete`. For every node cost_in + carried_in =
    delivered + loss + unassigned.
    `wastes` as `WASTE_SCHEMA`, costliest first: `treatment_inside` is what plants inside the boundary spent on it,
    `total` = value_lost + treatment_cost + treatment_inside - revenue. `flows`: edge, category, share, cost of every
    outflow; `entries`: node, category, edge, value, reference of every cost that enters; `held`: node, category, cost.
    `gaps` as `GAP_SCHEMA` with the nodes affected.
    """

    engine: ClassVar[str] = "value_flow"

    nodes: pl.DataFrame
    wastes: pl.DataFrame
    flows: pl.DataFrame
    entries: pl.DataFrame
    held: pl.DataFrame
    edges: pl.DataFrame
    fees: pl.DataFrame
    gaps: pl.DataFrame
    tree: pl.DataFrame

    @property
    def top(self) -> str:
        """The node that stands for all inside the boundary."""
        return str(self.settings["top"])

    def at(self, node: str | None = None) -> dict[str, Any]:
        """Return the row of a node (of the whole boundary if none is named); KeyError if it is not inside."""
        found = self.nodes.filter(pl.col("node") == (node or self.top))
        if found.is_empty():
            raise KeyError(f"no node {node!r} inside the boundary")
        return found.row(0, named=True)

    def explain(self, key: str) -> Explanation:
        """Explain a number of the result; KeyError for a key that names none.

        Keys: "KIND_PART:NODE" such as "material_loss:mill", "waste:EDGE" (its total), "fee:EDGE", "flow:CATEGORY:EDGE"
        (share times cost held) and "held:CATEGORY:NODE".
        """
        kind, _, rest = key.partition(":")
        if kind == "waste":
            return self._explain_waste(key, int(rest))
        if kind == "fee":
            return self._explain_fee(key, int(rest))
        if kind in ("flow", "held"):
            category, _, place = rest.partition(":")
            return self._explain_flow(key, category, int(place)) if kind == "flow" else self._explain_held(
                key, category, place
            )  # fmt: skip
        cost, _, part = kind.partition("_")
        if cost in SHOWN and part in PARTS:
            return self._explain_part(key, cost, part, rest)
        raise KeyError(f"no value-flow key {key!r}")

    def _line(self, edge: Mapping[str, Any], value: float, reference: str = "") -> Input:
        zh, en = self._title(edge, "zh"), self._title(edge, "en")
        kind: Any = "total" if reference else "flow"
        return Input("lines", zh, en, value, "CNY", kind, reference or edge["flow"] or "", note=edge["stream"])

    def _title(self, edge: Mapping[str, Any], language: str) -> str:
        source, target = (self.name(edge[end], language, "node") for end in ("source", "target"))
        return f"{source} → {target}: {self.name(edge['commodity'], language, 'commodity')}"

    def _edge(self, edge: int) -> dict[str, Any]:
        found = self.edges.filter(pl.col("edge") == edge)
        if found.is_empty():
            raise KeyError(f"no edge {edge}")
        return found.row(0, named=True)

    def _explain_part(self, key: str, cost: str, part: str, node: str) -> Explanation:
        value = self.at(node)[f"{cost}_{part}"]
        if value is None:
            raise KeyError(f"{key!r} is not known")
        inside = self.tree.filter(pl.col("holder") == node)["node"]
        here, there = pl.col("source").is_in(inside.implode()), pl.col("target").is_in(inside.implode())
        counted = pl.col("node").is_in(inside.implode()) & pl.col("category").is_in(SHOWN[cost])
        if part == "cost_in":
            inputs = [self._entry(row) for row in self.entries.filter(counted).iter_rows(named=True)]
        elif part == "unassigned":
            rest = self.held.filter(counted)
            inputs = [
                Input("lines", *self.both(row["node"], "node"), row["unassigned"], "CNY", "total")
                for row in rest.iter_rows(named=True)
            ]
        else:
            picked = {
                "carried_in": there & ~here & (pl.col("goes") == "carried"),
                "delivered": here & ((pl.col("goes") == "product") | ((pl.col("goes") == "carried") & ~there)),
                "loss": here & (pl.col("goes") == "loss"),
            }[part]
            rows = self.edges.filter(picked).join(
                self.flows.filter(pl.col("category").is_in(SHOWN[cost])), on="edge", how="inner", maintain_order="left"
            )
            inputs = [
                self._line(row, row["cost"], self.reference(f"flow:{row['category']}:{row['edge']}"))
                for row in rows.iter_rows(named=True)
            ]
            if part == "loss":
                lost = self.held.filter(counted & (pl.col("unrecorded") != 0.0))
                inputs += [
                    Input("lines", *self.both(row["node"], "node"), row["unrecorded"], "CNY", "total")
                    for row in lost.iter_rows(named=True)
                ]
        zh, en = self.both(node, "node")
        return Explanation(key, zh, en, value, "CNY", "sum(lines)", inputs)

    def _entry(self, row: Mapping[str, Any]) -> Input:
        if row["edge"] is None:
            zh, en = self.both("system_cost", "symbol")
            return Input("lines", zh, en, row["value"], "CNY", "statistic", row["reference"] or "")
        return self._line(self._edge(row["edge"]), row["value"])

    def _explain_held(self, key: str, category: str, node: str) -> Explanation:
        found = self.held.filter((pl.col("node") == node) & (pl.col("category") == category))
        if found.is_empty():
            raise KeyError(f"no cost {category!r} at {node!r}")
        entered = self.entries.filter((pl.col("node") == node) & (pl.col("category") == category))
        inputs = [self._entry(row) for row in entered.iter_rows(named=True)]
        carried = self.edges.filter((pl.col("target") == node) & (pl.col("goes") == "carried")).join(
            self.flows.filter(pl.col("category") == category), on="edge", how="inner", maintain_order="left"
        )
        inputs += [
            self._line(row, row["cost"], self.reference(f"flow:{category}:{row['edge']}"))
            for row in carried.iter_rows(named=True)
        ]
        return Explanation(key, *self.both(node, "node"), found["cost"].item(), "CNY", "sum(lines)", inputs)

    def _explain_flow(self, key: str, category: str, edge: int) -> Explanation:
        row = self._edge(edge)
        found = self.flows.filter((pl.col("edge") == edge) & (pl.col("category") == category)).row(0, named=True)
        held = self.held.filter((pl.col("node") == row["source"]) & (pl.col("category") == category))["cost"].item()
        inputs = [
            Input("held", *self.both(row["source"], "node"), held, "CNY", "total",
                  self.reference(f"held:{category}:{row['source']}")),
            Input("share", *self.both(row["commodity"], "commodity"), found["share"], "1", "share"),
        ]  # fmt: skip
        return Explanation(key, *self.both(row["commodity"], "commodity"), found["cost"], "CNY", "held * share", inputs)

    def _explain_fee(self, key: str, edge: int) -> Explanation:
        fee = self.fees.filter(pl.col("edge") == edge)
        if fee.is_empty():
            raise KeyError(f"no treatment cost of edge {edge}")
        row, price = self._edge(edge), fee.row(0, named=True)
        inputs = [
            Input("amount", *self.both(row["commodity"], "commodity"), row["amount"], row["unit"], "flow",
                  row["flow"] or "", note=row["stream"]),
            Input("treatment_cost", *self.both("treatment_cost", "symbol"), price["price"], f"CNY/{row['unit']}",
                  "factor", price["factor"], *self.source_titles(price["source"] or ""), price["status"]),
        ]  # fmt: skip
        names = self.both(row["commodity"], "commodity")
        return Explanation(key, *names, price["fee"], "CNY", "amount * treatment_cost", inputs)

    def _explain_waste(self, key: str, edge: int) -> Explanation:
        found = self.wastes.filter(pl.col("edge") == edge)
        if found.is_empty() or found["total"].item() is None:
            raise KeyError(f"no cost of a waste {edge}")
        row = found.row(0, named=True)
        parts = {
            "material": row["material_lost"], "energy": row["energy_lost"], "system": row["system_lost"],
            "treatment": row["treatment_cost"], "inside": row["treatment_inside"],
            "revenue": None if row["revenue"] is None else -row["revenue"],
        }  # fmt: skip
        inputs = [
            Input("lines", *self.both(f"cost_{name}", "symbol"), value, "CNY", "total",
                  self.reference(f"fee:{edge}") if name == "treatment" else "")
            for name, value in parts.items() if value is not None
        ]  # fmt: skip
        return Explanation(key, *self.both(row["commodity"], "commodity"), row["total"], "CNY", "sum(lines)", inputs)
