"""Water-energy nexus: the water that stands behind the energy a node takes in, and the energy behind its water.

    life-cycle water  = direct water  + sum over energy carriers of amount x water factor
    life-cycle energy = direct energy + sum over waters of amount x energy factor

for every node (equipment to park), over what crosses its border; after the method of the study of 209 national parks of
China, which found 29 % of the water behind energy and next to no energy behind water. Factors come from the set "nexus"
of the catalogue or are the park's own; one that is not known is a gap, not a zero.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import polars as pl

from ecopark.accounting.coefficients import local_rows
from ecopark.accounting.explanation import NOTE_SEPARATOR, Explanation, Input
from ecopark.accounting.result import Remark
from ecopark.catalogue import Catalogue, FactorLookup, Missing, Request
from ecopark.metabolism.flows import LayeredFlows
from ecopark.metabolism.regions import holders, incidence, top_of
from ecopark.metabolism.result import Result
from ecopark.metabolism.roles import with_roles
from ecopark.model.network import Network
from ecopark.model.problems import InputError, Problem
from ecopark.model.record import Record
from ecopark.translation import N_
from ecopark.units import UnitError, combine

SET = "nexus"
CARRIERS = ("coal", "oil", "gas", "biomass", "waste_fuel", "electricity", "heat", "steam", "cooling")
QUANTITIES = {"water_of_energy": ("water_factor", "m3"), "energy_of_water": ("water_energy_factor", "GJ")}
"""What is behind a carrier -> the quantity of its factor and its unit."""
FACTOR_SCHEMA: dict[str, type[pl.DataType]] = {
    "edge": pl.Int64, "behind": pl.String, "factor_value": pl.Float64, "factor_unit": pl.String, "scale": pl.Float64,
    "factor": pl.String, "level": pl.String, "status": pl.String, "source": pl.String, "remark": pl.String,
    "low": pl.Float64, "high": pl.Float64, "value": pl.Float64,
}  # fmt: skip
"""One row per edge that carries energy or water: its factor and ``value = amount * factor_value * scale``."""
GAP_SCHEMA: dict[str, type[pl.DataType]] = {
    "behind": pl.String, "commodity": pl.String, "stream": pl.String, "source": pl.String, "target": pl.String,
    "reason": pl.String, "factor": pl.String, "technologies": pl.String,
}  # fmt: skip
"""Reason: no_amount, no_factor (no row for the commodity) or unknown_factor (the row called `factor` has no value)."""

_REMARKS = {
    "nexus_gaps": N_("No factor for the water behind or the energy behind {commodities}: the sums are lower bounds."),
    "nexus_unverified": N_("{count} factors of the water-energy nexus are not verified: {factors}."),
}


@dataclass(frozen=True, eq=False, kw_only=True)
class Nexus(Result):
    """Direct and life-cycle water (m3) and energy (GJ) of every node inside the boundary.

    `nodes`: node, kind, direct_water, water_of_energy, life_cycle_water, water_share (of life-cycle water behind
    energy), direct_energy, energy_of_water, life_cycle_energy, energy_share, missing (commodities without a factor or
    amount), complete. Direct water is fresh water that enters less what is passed on, direct energy what enters as
    energy less the energy passed on; a value is null where nothing of the kind is recorded or no factor is known.
    `carriers`: node, behind, commodity, amount, unit, value; `factors` as `FACTOR_SCHEMA`, `gaps` as `GAP_SCHEMA`,
    `members`: node, edge, term, value (what each edge adds to a node's term), commodity.
    """

    engine: ClassVar[str] = "nexus"

    nodes: pl.DataFrame
    carriers: pl.DataFrame
    factors: pl.DataFrame
    gaps: pl.DataFrame
    members: pl.DataFrame
    edges: pl.DataFrame

    def at(self, node: str | None = None) -> dict[str, Any]:
        """Return the row of a node (of the whole boundary if none is named); KeyError if it is not inside."""
        found = self.nodes.filter(pl.col("node") == (node or self.settings["top"]))
        if found.is_empty():
            raise KeyError(f"no node {node!r} inside the boundary")
        return found.row(0, named=True)

    def explain(self, key: str) -> Explanation:
        """Explain "COLUMN:NODE" (a column of `nodes`) or "behind:EDGE"; KeyError for others or where it is null."""
        kind, _, rest = key.partition(":")
        if kind == "behind":
            return self._explain_edge(key, int(rest))
        row = self.at(rest)
        if row.get(kind) is None or not isinstance(row[kind], float):
            raise KeyError(f"no nexus number {key!r}")
        names = self.both(rest, "node")
        unit = "1" if kind.endswith("share") else "GJ" if "energy" in kind and kind != "water_of_energy" else "m3"
        if kind in ("water_share", "energy_share"):
            what = kind.removesuffix("_share")
            top, whole = ("water_of_energy" if what == "water" else "energy_of_water"), f"life_cycle_{what}"
            return Explanation(key, *names, row[kind], unit, f"{top} / {whole}", [
                self._total(top, row, "m3" if what == "water" else "GJ", rest),
                self._total(whole, row, "m3" if what == "water" else "GJ", rest),
            ])  # fmt: skip
        if kind.startswith("life_cycle_"):
            what = kind.removeprefix("life_cycle_")
            parts = (f"direct_{what}", "water_of_energy" if what == "water" else "energy_of_water")
            inputs = [self._total(part, row, unit, rest) for part in parts]
            return Explanation(key, *names, row[kind], unit, " + ".join(parts), inputs)
        rows = self.members.filter((pl.col("node") == rest) & (pl.col("term") == kind)).join(
            self.edges, on="edge", how="inner", maintain_order="left"
        )
        behind = kind in QUANTITIES
        inputs = []
        for edge in rows.filter(pl.col("value").is_not_null()).iter_rows(named=True):
            titles = self._title(edge, "zh"), self._title(edge, "en")
            if behind:
                reference = self.reference(f"behind:{edge['edge']}")
                inputs.append(Input("lines", *titles, edge["value"], unit, "total", reference, note=edge["stream"]))
            else:
                flow = edge["flow"] or ""
                inputs.append(Input("lines", *titles, edge["value"], unit, "flow", flow, note=edge["stream"]))
        return Explanation(key, *names, row[kind], unit, "sum(lines)", inputs)

    def _total(self, column: str, row: Mapping[str, Any], unit: str, node: str) -> Input:
        return Input(
            column, *self.both(column, "symbol"), row[column], unit, "total", self.reference(f"{column}:{node}")
        )

    def _title(self, edge: Mapping[str, Any], language: str) -> str:
        source, target = (self.name(edge[end], language, "node") for end in ("source", "target"))
        return f"{source} → {target}: {self.name(edge['commodity'], language, 'commodity')}"

    def _explain_edge(self, key: str, edge: int) -> Explanation:
        found = self.factors.filter(pl.col("edge") == edge)
        if found.is_empty():
            raise KeyError(f"no factor for edge {edge}")
        factor = found.row(0, named=True)
        row = self.edges.filter(pl.col("edge") == edge).row(0, named=True)
        symbol, unit = QUANTITIES[factor["behind"]]
        inputs = [
            Input("amount", *self.both(row["commodity"], "commodity"), row["amount"], row["unit"], "flow",
                  row["flow"] or "", note=row["stream"]),
            Input(symbol, *self.both(symbol, "symbol"), factor["factor_value"], factor["factor_unit"], "factor",
                  factor["factor"], *self.source_titles(factor["source"] or ""), factor["status"],
                  factor["remark"] or "", factor["low"], factor["high"]),
            Input("scale", "单位换算", "conversion of units", factor["scale"], "1", "scale"),
        ]  # fmt: skip
        names = self._title(row, "zh"), self._title(row, "en")
        return Explanation(key, *names, factor["value"], unit, f"amount * {symbol} * scale", inputs)


NAMES = {
    "direct_water": ("直接用水", "direct water"),
    "water_of_energy": ("能源隐含用水", "water embodied in energy"),
    "life_cycle_water": ("全生命周期用水", "life-cycle water"),
    "direct_energy": ("直接用能", "direct energy"),
    "energy_of_water": ("用水隐含能耗", "energy embodied in water"),
    "life_cycle_energy": ("全生命周期用能", "life-cycle energy"),
    "water_share": ("能源隐含用水占比", "share of water embodied in energy"),
    "energy_share": ("用水隐含能耗占比", "share of energy embodied in water"),
}


def draw_nexus(flows: LayeredFlows, record: Record, catalogue: Catalogue, *, sets: Sequence[str] = (SET,)) -> Nexus:
    """Return direct and life-cycle water and energy of every node of a network that has the layers energy and water.

    Energy carriers and waters that enter a node count with their factor (quantities water_factor and
    water_energy_factor; `sets` are searched in turn, the park's own factors go before), waste water that leaves it for
    treatment with that of treatment; what is taken from nature counts as direct use alone. Supply from inside the park
    counts with the factor at the levels whose border it crosses, and above them as direct use of the plant that
    supplies it. InputError without the layers.
    """
    lacking = [layer for layer in ("energy", "water") if layer not in set(flows.layers["id"])]
    if lacking:
        raise InputError(
            [
                Problem(
                    "layers_lacking",
                    "layers",
                    N_("The water-energy nexus needs the layers {lacking}, which were not asked for."),
                    N_("Draw the network with the layers energy and water."),
                    {"lacking": ", ".join(lacking)},
                )
            ]
        )
    edges = with_roles(flows.edges, flows.nodes).filter(pl.col("implied").is_null())
    terms = _terms(edges, flows.nodes.filter(pl.col("kind") == "environment")["node"])
    factors, gaps = _factors(terms.filter(pl.col("term").is_in(list(QUANTITIES))), flows, record, catalogue, sets)
    members = _members(terms, factors, flows)
    tree = holders(flows.nodes, flows.boundary)
    nodes = _nodes(members, tree, flows)
    carriers = (
        members.filter(pl.col("term").is_in(list(QUANTITIES)))
        .join(edges.select("edge", "commodity", "amount", "unit"), on="edge", how="left", maintain_order="left")
        .group_by("node", pl.col("term").alias("behind"), "commodity", maintain_order=True)
        .agg(pl.col("amount").sum(), pl.col("unit").first(),
             pl.when(pl.col("value").is_not_null().any()).then(pl.col("value").sum()).alias("value"))
    )  # fmt: skip
    names = dict(flows.names) | {f"symbol:{name}": pair for name, pair in NAMES.items()}
    shown = edges.select("edge", "stream", "source", "target", "commodity", "amount", "unit", "flow")
    return Nexus(
        settings=flows.settings | {"sets": list(sets), "top": top_of(flows.nodes, flows.boundary)}, names=names,
        sources=flows.sources, remarks=(*flows.remarks, *_remarks(gaps, factors)), nodes=nodes, carriers=carriers,
        factors=factors, gaps=gaps, members=members, edges=shown,
    )  # fmt: skip


def _terms(edges: pl.DataFrame, environment: pl.Series) -> pl.DataFrame:
    """Return the edges that count, with the term they count in, the side of a node on which they do, and their sign.

    What is taken from nature (a river, sunlight) has nothing behind it but the direct use of the node that takes it.
    """
    natural = pl.col("source").is_in(environment.implode())
    moved = pl.col("source") != pl.col("target")
    carrier = pl.col("group").is_in(CARRIERS)
    fresh_in = (pl.col("purpose") == "water") & ~pl.col("reused") & moved
    fresh_out = (pl.col("output") == "water") & ~pl.col("reused") & moved
    energy_in = (pl.col("purpose") == "energy") & carrier & moved
    energy_out = pl.col("output").is_in(["energy", "product", "waste"]) & carrier & moved
    treated = (pl.col("group") == "wastewater") & (pl.col("activity") == "treatment") & (pl.col("unit") == "m3")
    supplied = (pl.col("purpose") == "water") & moved & ~natural
    inward, outward = pl.col("target_inside"), pl.col("source_inside")
    parts = (
        ("direct_water", "enters", 1.0, fresh_in & inward), ("direct_water", "leaves", -1.0, fresh_out & outward),
        ("direct_energy", "enters", 1.0, energy_in & inward), ("direct_energy", "leaves", -1.0, energy_out & outward),
        ("water_of_energy", "enters", 1.0, energy_in & ~natural & inward),
        ("energy_of_water", "enters", 1.0, supplied & inward), ("energy_of_water", "leaves", 1.0, treated & outward),
    )  # fmt: skip
    return pl.concat(
        [
            edges.filter(condition).with_columns(
                pl.lit(term).alias("term"), pl.lit(side).alias("on"), pl.lit(sign).alias("sign")
            )
            for term, side, sign, condition in parts
        ]
    )


def _factors(
    terms: pl.DataFrame, flows: LayeredFlows, record: Record, catalogue: Catalogue, sets: Sequence[str]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    network = Network(record)
    own = local_rows(record)
    parents = dict(catalogue.parent_commodity)
    parents |= {row["id"]: row["parent"] for row in record.commodities.iter_rows(named=True) if row["parent"]}
    lookup = FactorLookup(catalogue, flows.year, own, {}, parents)
    wanted = {symbol for symbol, _ in QUANTITIES.values()}
    placed = any(row["quantity"] in wanted and (row["stream"] or row["node"]) for row in own)
    known: dict[tuple[Any, ...], Any] = {}
    rows: list[dict[str, Any]] = []
    gaps: list[dict[str, Any]] = []
    for edge in terms.iter_rows(named=True):
        symbol, unit = QUANTITIES[edge["term"]]
        user = edge["target"] if edge["target_inside"] else edge["source"]
        region = (network.region_of(user) if user in network else None) or ""
        place = (edge["stream"], edge["source"], edge["target"]) if placed else ()
        identity = (symbol, edge["commodity"], edge["unit"], edge["technology"], region, *place)
        if identity not in known:
            ends = [end for end in (edge["target"], edge["source"]) if placed and end in network]
            nodes = tuple(dict.fromkeys(step for end in ends for step in (end, *network.ancestors(end))))
            request = Request(
                edge["commodity"], edge["unit"], technology=edge["technology"] or "", region=region,
                stream=edge["stream"] if placed else "", nodes=nodes,
            )  # fmt: skip
            known[identity] = lookup.find(symbol, request, {symbol: list(sets)})
        found = known[identity]
        gap = {name: edge[name] for name in ("commodity", "stream", "source", "target")} | {"behind": edge["term"]}
        if isinstance(found, Missing):
            reason = "unknown_factor" if found.factor else "no_factor"
            if edge["amount"] != 0.0:
                gaps.append(
                    gap | {"reason": reason, "factor": found.factor, "technologies": "; ".join(found.technologies)}
                )
            continue
        choice = found[0]
        try:
            scale = combine([(choice.unit, 1), (edge["unit"], 1)], unit)
        except UnitError:
            gaps.append(gap | {"reason": "no_factor", "factor": choice.factor, "technologies": ""})
            continue
        if edge["amount"] is None:
            gaps.append(gap | {"reason": "no_amount", "factor": choice.factor, "technologies": ""})
            continue
        rows.append({
            "edge": edge["edge"], "behind": edge["term"], "factor_value": choice.value, "factor_unit": choice.unit,
            "scale": scale, "factor": choice.factor, "level": choice.level, "status": choice.status,
            "source": choice.source, "remark": NOTE_SEPARATOR.join(choice.remarks) or None, "low": choice.low,
            "high": choice.high, "value": edge["amount"] * choice.value * scale,
        })  # fmt: skip
    factors = pl.DataFrame(rows, schema=FACTOR_SCHEMA).unique(["edge", "behind"], maintain_order=True)
    return factors, pl.DataFrame(gaps, schema=GAP_SCHEMA)


def _members(terms: pl.DataFrame, factors: pl.DataFrame, flows: LayeredFlows) -> pl.DataFrame:
    """Return node, edge, term, value (null where not known), commodity of everything that a node's sums add."""
    lies = incidence(flows).with_columns(pl.col("side").cast(pl.String).alias("on")).drop("side")
    counted = terms.select("edge", "term", "on", "sign", "commodity").join(lies, on=["edge", "on"], how="inner")
    direct = [
        counted.filter(pl.col("term") == f"direct_{layer}").join(
            flows.values.filter(pl.col("layer") == layer).select("edge", "value"), on="edge", how="left"
        )
        for layer in ("water", "energy")
    ]
    behind = counted.filter(pl.col("term").is_in(list(QUANTITIES))).join(
        factors.select("edge", pl.col("behind").alias("term"), "value"), on=["edge", "term"], how="left"
    )
    columns = ["node", "edge", "term", "value", "commodity"]
    signed = pl.col("value") * pl.col("sign")
    frames = [frame.with_columns(signed.alias("value")).select(columns) for frame in (*direct, behind)]
    return pl.concat(frames).sort("node", "term", "edge")


def _nodes(members: pl.DataFrame, tree: pl.DataFrame, flows: LayeredFlows) -> pl.DataFrame:
    frame = tree.select(pl.col("holder").alias("node")).unique(maintain_order=True)
    frame = frame.join(flows.nodes.select("node", "kind"), on="node", how="left", maintain_order="left").with_columns(
        pl.col("kind").fill_null("boundary")
    )
    amounts = flows.edges.select("edge", "amount")
    present = members.join(amounts, on="edge", how="left").filter(
        pl.col("value").is_not_null() | pl.col("amount").is_null() | (pl.col("amount") != 0.0)
    )
    for term in ("direct_water", "water_of_energy", "direct_energy", "energy_of_water"):
        sums = present.filter(pl.col("term") == term).group_by("node").agg(
            pl.when(pl.col("value").is_not_null().any()).then(pl.col("value").sum()).alias(term), pl.len().alias("n")
        )  # fmt: skip
        frame = frame.join(sums, on="node", how="left", maintain_order="left")
        if term in QUANTITIES:
            # no carrier at all means that nothing stands behind it
            frame = frame.with_columns(pl.when(pl.col("n").is_null()).then(0.0).otherwise(term).alias(term))
        frame = frame.drop("n")
    lacking = present.filter(pl.col("value").is_null()).group_by("node").agg(
        pl.col("commodity").unique().sort().str.join("; ").alias("missing")
    )  # fmt: skip
    whole_water = pl.col("direct_water") + pl.col("water_of_energy")
    whole_energy = pl.col("direct_energy") + pl.col("energy_of_water")
    return (
        frame.join(lacking, on="node", how="left", maintain_order="left")
        .with_columns(whole_water.alias("life_cycle_water"), whole_energy.alias("life_cycle_energy"))
        .with_columns(
            pl.when(whole_water > 0).then(pl.col("water_of_energy") / whole_water).alias("water_share"),
            pl.when(whole_energy > 0).then(pl.col("energy_of_water") / whole_energy).alias("energy_share"),
            pl.col("missing").is_null().alias("complete"),
        )
        .select("node", "kind", *NAMES, "missing", "complete")
    )


def _remarks(gaps: pl.DataFrame, factors: pl.DataFrame) -> list[Remark]:
    found = []
    if gaps.height:
        goods = ", ".join(gaps["commodity"].unique().sort())
        found.append(Remark("nexus_gaps", _REMARKS["nexus_gaps"], {"commodities": goods}, "warning"))
    doubtful = factors.filter(pl.col("status") == "unverified")["factor"].unique().sort().to_list()
    if doubtful:
        values = {"count": len(doubtful), "factors": ", ".join(doubtful)}
        found.append(Remark("nexus_unverified", _REMARKS["nexus_unverified"], values, "warning"))
    return found
