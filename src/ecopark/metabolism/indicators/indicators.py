"""Indicators of a park's metabolism at every level: efficiencies, E and C factor, circularity, symbiosis, productivity.

What an indicator is, is data (`indicator_definitions`): a formula over measures, and a measure is a sum over the edges
that enter, leave, start, end or lie within a node. One pass over edges and the nodes that hold their ends
(`regions.incidence`) gives the sums for equipment, process, firm, zone and park. A value that lacks an input is null
and says which one; it is never taken as 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import polars as pl

from ecopark.accounting.explanation import Explanation, Input
from ecopark.accounting.result import Remark
from ecopark.metabolism.flows import LayeredFlows
from ecopark.metabolism.indicators.indicator_definitions import (
    LINKS,
    Definition,
    Measure,
    definitions,
    evaluate_arrays,
    measures,
)
from ecopark.metabolism.indicators.measures import measured, tagged
from ecopark.metabolism.regions import holders, top_of
from ecopark.metabolism.result import Result
from ecopark.model.record import Record
from ecopark.translation import N_

INDICATOR_SCHEMA: dict[str, type[pl.DataType]] = {
    "indicator": pl.String, "node": pl.String, "kind": pl.String, "layer": pl.String, "value": pl.Float64,
    "sd": pl.Float64, "unit": pl.String, "direction": pl.String, "group": pl.String, "status": pl.String,
    "reason": pl.String, "measure": pl.String, "detail": pl.String, "key": pl.String,
}  # fmt: skip
"""`status`: known, partial (contents of `detail` are not stated and left out) or missing (value null, `reason` why)."""

REASONS = {
    "one_firm": N_("There are fewer than two firms in it."),
    "nothing": N_("The record holds no flow for “{measure_en}”."),
    "no_amount": N_("“{measure_en}” is not known: no amount of {detail}."),
    "no_property": N_("“{measure_en}” is not known: no property that brings it to this layer for {detail}."),
    "unstated": N_("“{measure_en}”: the content is not stated for {detail}."),
    "statistic": N_("The record does not state “{measure_en}”."),
    "statistic_parts": N_("“{measure_en}” is not stated by {detail}."),
    "zero": N_("What the formula divides by is zero."),
}


_DETAIL_KINDS = {"no_property": "commodity", "unstated": "commodity", "statistic_parts": "node"}
"""Reason -> what its detail names; streams and statistics have no names."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Indicators(Result):
    """Indicators of every node inside the boundary, with the sums behind them.

    `indicators` as `INDICATOR_SCHEMA`; `measures`: measure, node, layer, value (null where not known), known (the sum
    of what is known), unit, edges (how many), status, reason, detail. `edges` are the edges with their roles, `values`
    their values in layers, `tree` the nodes (node) in each node (holder). `settings["top"]` is the node that stands for
    all inside the boundary.
    """

    engine: ClassVar[str] = "indicators"

    indicators: pl.DataFrame
    measures: pl.DataFrame
    edges: pl.DataFrame
    values: pl.DataFrame
    tree: pl.DataFrame

    @property
    def top(self) -> str:
        """The node that stands for all inside the boundary."""
        return str(self.settings["top"])

    def row(self, indicator: str, node: str | None = None, layer: str = "") -> dict[str, Any]:
        """Return one row of `indicators` (of the whole boundary if no node is named); KeyError if there is none."""
        place = node or self.top
        found = self.indicators.filter(
            (pl.col("indicator") == indicator) & (pl.col("node") == place) & (pl.col("layer") == layer)
        )
        if found.is_empty():
            raise KeyError(f"no indicator {indicator!r} of {place!r} in layer {layer!r}")
        return found.row(0, named=True)

    def value(self, indicator: str, node: str | None = None, layer: str = "") -> float | None:
        """Return the value of an indicator, None where it is not known."""
        found: float | None = self.row(indicator, node, layer)["value"]
        return found

    def reason(self, row: dict[str, Any], language: str) -> str:
        """Return in words why a row has no value, or what it leaves out; an empty text for a complete one."""
        if not row["reason"]:
            return ""
        zh, en = self.both(row["measure"], "symbol") if row["measure"] else ("", "")
        # one id may name a firm and what it makes
        kind = _DETAIL_KINDS.get(row["reason"], "")
        parts = [self.name(part, language, kind) for part in (row["detail"] or "").split("; ") if part]
        values = {"measure_zh": zh, "measure_en": en, "detail": ", ".join(parts)}
        return Remark(row["reason"], REASONS[row["reason"]], values).text(language)

    def explain(self, key: str) -> Explanation:
        """Explain "indicator:ID:NODE", "indicator:ID:NODE:LAYER" or "measure:ID:NODE:LAYER"; KeyError for others."""
        kind, _, rest = key.partition(":")
        identity, _, place = rest.partition(":")
        node, _, layer = place.partition(":")
        if kind == "indicator" and identity in definitions():
            return self._explain_indicator(key, definitions()[identity], node, layer)
        if kind == "measure" and identity in measures():
            return self._explain_measure(key, measures()[identity], node, layer)
        raise KeyError(f"no indicator key {key!r}")

    def _titled(self, name: tuple[str, str], node: str) -> tuple[str, str]:
        zh, en = self.both(node, "node")
        return f"{zh}：{name[0]}", f"{en}: {name[1]}"

    def _explain_indicator(self, key: str, definition: Definition, node: str, layer: str) -> Explanation:
        row = self.row(definition.id, node, layer)
        if row["value"] is None:
            raise KeyError(f"{key!r} has no value: {self.reason(row, 'en')}")
        inputs = []
        for name in definition.measures:
            measure = measures()[name]
            part = self._measure_row(name, node, _layer_of(measure, layer))
            kind: Any = "statistic" if measure.side == "statistic" else "total"
            reference = part["detail"] or "" if kind == "statistic" else self.reference(
                f"measure:{name}:{node}:{part['layer']}"
            )  # fmt: skip
            inputs.append(Input(name, measure.name_zh, measure.name_en, part["value"], part["unit"], kind, reference))
        names = self._titled((definition.name_zh, definition.name_en), node)
        return Explanation(key, *names, row["value"], definition.unit, definition.scaled, inputs)

    def _measure_row(self, measure: str, node: str, layer: str) -> dict[str, Any]:
        found = self.measures.filter(
            (pl.col("measure") == measure) & (pl.col("node") == node) & (pl.col("layer") == layer)
        )
        if found.is_empty():
            raise KeyError(f"no measure {measure!r} of {node!r} in layer {layer!r}")
        return found.row(0, named=True)

    def _explain_measure(self, key: str, measure: Measure, node: str, layer: str) -> Explanation:
        row = self._measure_row(measure.id, node, layer)
        names = self._titled((measure.name_zh, measure.name_en), node)
        if measure.side == "statistic" or row["value"] is None:
            raise KeyError(f"{key!r} is no sum over flows")
        chosen = self._edges_of(measure, node)
        if measure.layer == LINKS:
            chosen = chosen.unique(["source_firm", "target_firm", "commodity"], maintain_order=True)
            rows = chosen.with_columns(pl.lit(1.0).alias("part"))
        else:
            values = self.values.filter(pl.col("layer") == layer).select("edge", "value")
            rows = chosen.join(values, on="edge", how="inner", maintain_order="left").with_columns(
                (pl.col("value") * pl.col("weight")).alias("part")
            )
        inputs = [
            Input("lines", self._edge(edge, "zh"), self._edge(edge, "en"), edge["part"], row["unit"], "flow",
                  edge["flow"] or "", note=edge["stream"])
            for edge in rows.iter_rows(named=True)
        ]  # fmt: skip
        return Explanation(key, *names, row["value"], row["unit"], "sum(lines)", inputs)

    def _edge(self, edge: dict[str, Any], language: str) -> str:
        source, target = (self.name(edge[end], language, "node") for end in ("source", "target"))
        return f"{source} → {target}: {self.name(edge['commodity'], language, 'commodity')}"

    def _edges_of(self, measure: Measure, node: str) -> pl.DataFrame:
        """Return the edges that a measure adds at a node, with their `weight`."""
        held = self.tree.filter(pl.col("holder") == node)["node"].implode()
        starts, ends = pl.col("source").is_in(held), pl.col("target").is_in(held)
        sides = {
            "enters": ends & ~starts, "leaves": starts & ~ends, "ends": ends, "starts": starts, "within": starts & ends,
        }  # fmt: skip
        picked = tagged(self.edges, measure).select("edge", "weight")
        return self.edges.filter(sides[measure.side]).join(picked, on="edge", how="inner", maintain_order="left")


def _layer_of(measure: Measure, layer: str) -> str:
    return layer if measure.layer == "*" else measure.layer


def draw_indicators(
    flows: LayeredFlows, record: Record, *, indicators: Sequence[str] | None = None, uncertainty: bool = True
) -> Indicators:
    """Return the indicators of every node inside the boundary of a layered network.

    `indicators` names those wanted (all if none is); statistics (value added …) come from `record`. With `uncertainty`
    the standard deviation follows to first order from those of the flows: ``sd^2 = sum_v (sum_e df/dx_e sd_e)^2`` over
    variables v and their edges e; values shared between streams (one heating value for many) count as independent.
    ValueError names an unknown indicator.
    """
    known = definitions()
    for name in indicators or ():
        if name not in known:
            raise ValueError(f"unknown indicator {name!r}; known: {', '.join(known)}")
    wanted = [known[name] for name in (indicators or known)]
    tree = holders(flows.nodes, flows.boundary)
    needed = {name: measures()[name] for definition in wanted for name in definition.measures}
    sums, parts, edges = measured(flows, record, needed, tree)
    rows = _evaluate(wanted, sums, flows, parts if uncertainty else None)
    names = dict(flows.names)
    names |= {f"indicator:{item.id}": (item.name_zh, item.name_en) for item in wanted}
    names |= {f"symbol:{item.id}": (item.name_zh, item.name_en) for item in needed.values()}
    top = top_of(flows.nodes, flows.boundary)
    return Indicators(
        settings=flows.settings | {"top": top}, names=names, sources=flows.sources, remarks=flows.remarks,
        indicators=rows, measures=sums, edges=edges, values=flows.values, tree=tree,
    )  # fmt: skip


def _evaluate(
    wanted: Sequence[Definition], sums: pl.DataFrame, flows: LayeredFlows, parts: pl.DataFrame | None
) -> pl.DataFrame:
    nodes = sums.select("node").unique(maintain_order=True)
    kinds = nodes.join(flows.nodes.select("node", "kind"), on="node", how="left", maintain_order="left").with_columns(
        pl.col("kind").fill_null("boundary")
    )
    present = set(flows.layers["id"].to_list())
    by_measure = {(str(name), str(layer)): frame for (name, layer), frame in sums.group_by("measure", "layer")}
    found = []
    for definition in wanted:
        for layer in definition.layers:
            if layer and layer not in present:
                continue
            keys = [(name, _layer_of(measures()[name], layer)) for name in definition.measures]
            if any(key not in by_measure for key in keys):
                continue
            columns = [
                kinds.join(by_measure[key], on="node", how="left", maintain_order="left") for key in keys
            ]  # one row per node each, in one order
            found.append(_rows_of(definition, layer, kinds, columns, parts))
    return pl.concat(found) if found else pl.DataFrame(schema=INDICATOR_SCHEMA)


def _rows_of(
    definition: Definition,
    layer: str,
    kinds: pl.DataFrame,
    columns: Sequence[pl.DataFrame],
    parts: pl.DataFrame | None,
) -> pl.DataFrame:
    values = {
        name: frame["value"].fill_null(float("nan")).to_numpy().copy()
        for name, frame in zip(definition.measures, columns, strict=True)
    }
    result = np.broadcast_to(evaluate_arrays(definition.formula, values), (kinds.height,)) * definition.scale
    trouble = [""] * kinds.height
    measure = [""] * kinds.height
    detail = [""] * kinds.height
    status = ["known"] * kinds.height
    idle = np.ones(kinds.height, dtype=bool)
    for name, frame in zip(definition.measures, columns, strict=True):
        for number, (state, reason, text, edges) in enumerate(
            frame.select("status", "reason", "detail", "edges").iter_rows()
        ):
            idle[number] &= not edges
            worse = state == "missing" and status[number] != "missing"
            if worse or (state == "partial" and status[number] == "known"):
                status[number], trouble[number], measure[number], detail[number] = state, reason, name, text or ""
    for number in np.flatnonzero(np.isnan(result)).tolist():
        if status[number] != "missing":
            status[number], trouble[number], measure[number], detail[number] = "missing", "zero", "", ""
    suffix = f":{layer}" if layer else ""
    frame = pl.DataFrame(
        {
            "indicator": [definition.id] * kinds.height, "node": kinds["node"], "kind": kinds["kind"],
            "layer": [layer] * kinds.height, "value": result, "sd": _deviation(definition, layer, kinds, values, parts),
            "unit": [definition.unit] * kinds.height, "direction": [definition.direction] * kinds.height,
            "group": [definition.group] * kinds.height, "status": status, "reason": trouble, "measure": measure,
            "detail": detail, "key": [f"indicator:{definition.id}:{node}{suffix}" for node in kinds["node"]],
        },
        schema=INDICATOR_SCHEMA,
    ).with_columns(pl.col("value", "sd").fill_nan(None))  # fmt: skip
    # an element that no flow of the node carries says nothing about it
    return frame.filter(pl.Series(~idle)) if layer else frame


def _deviation(
    definition: Definition, layer: str, kinds: pl.DataFrame, values: dict[str, Any], parts: pl.DataFrame | None
) -> pl.Series:
    """Return the first-order standard deviation of each node's indicator; null where no edge behind it has a range."""
    empty = pl.Series("sd", [None] * kinds.height, dtype=pl.Float64)
    if parts is None:
        return empty
    slopes = []
    for name in definition.measures:
        step = np.maximum(np.abs(values[name]), 1.0) * 1e-6
        above = evaluate_arrays(definition.formula, {**values, name: values[name] + step})
        below = evaluate_arrays(definition.formula, {**values, name: values[name] - step})
        slope = np.broadcast_to((above - below) / (2 * step) * definition.scale, (kinds.height,))
        slopes.append(
            pl.DataFrame({"node": kinds["node"], "slope": slope}).with_columns(
                pl.lit(name).alias("measure"), pl.lit(_layer_of(measures()[name], layer)).alias("layer")
            )
        )
    spread = (
        parts.filter(pl.col("measure").is_in(definition.measures))
        .join(pl.concat(slopes), on=["measure", "layer", "node"], how="inner")
        .group_by("node", "variable")
        .agg((pl.col("slope") * pl.col("weight") * pl.col("sd")).sum())
        .group_by("node")
        .agg(pl.col("slope").pow(2).sum().sqrt().alias("sd"))
    )
    return kinds.join(spread, on="node", how="left", maintain_order="left")["sd"]
