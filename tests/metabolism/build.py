"""Small networks for the metabolism tests, made without a record: nodes A, B … are firms, IN, OUT, AIR lie outside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import polars as pl

from ecopark.accounting.coefficients import PARAMETER_SCHEMA
from ecopark.catalogue import load_catalogue
from ecopark.metabolism.flows import (
    EDGE_SCHEMA,
    NODE_SCHEMA,
    STOCK_SCHEMA,
    UNKNOWN_SCHEMA,
    VALUE_SCHEMA,
    LayeredFlows,
)
from ecopark.metabolism.layers import COEFFICIENT_SCHEMA

OUTSIDE = {"IN": "market", "OUT": "market", "AIR": "environment", "RIVER": "environment"}


def layered(
    edges: Sequence[Mapping[str, Any]],
    *,
    layers: Sequence[str] = ("mass",),
    parents: Mapping[str, str] | None = None,
    kinds: Mapping[str, str] | None = None,
    stocks: Sequence[Mapping[str, Any]] = (),
) -> LayeredFlows:
    """Return a network of edges given as mappings: source, target, amount, and optionally commodity, sd, group,
    activity, stream, method, notation, correlation_group, and `content` (layer -> layer unit per commodity unit, 1 in
    the first layer by default). `parents` maps nodes to their parents (default: the park P), `kinds` to their kinds.
    """
    parents, kinds = dict(parents or {}), dict(kinds or {})
    names = dict.fromkeys([*parents, *parents.values(), *(edge[end] for edge in edges for end in ("source", "target"))])
    names.pop("P", None)
    rows: list[tuple[Any, ...]] = [("P", None, "park", "P", None, 0, True, False)]

    def firm(node: str) -> str:
        kind = kinds.get(node, "firm")
        return node if kind == "firm" or node not in parents else firm(parents[node])

    def zone(node: str) -> str | None:
        if kinds.get(node) == "zone":
            return node
        return zone(parents[node]) if node in parents else None

    def depth(node: str) -> int:
        return 1 + depth(parents[node]) if node in parents else 1

    for node in names:
        if node in OUTSIDE:
            rows.append((node, None, OUTSIDE[node], node, None, 0, False, True))
        else:
            rows.append((node, parents.get(node, "P"), kinds.get(node, "firm"), firm(node), zone(node), depth(node),
                         True, False))  # fmt: skip
    nodes = pl.DataFrame(rows, schema=NODE_SCHEMA, orient="row")
    firm_of = dict(nodes.select("node", "firm").iter_rows())
    inside = dict(nodes.select("node", "inside").iter_rows())
    all_edges, values, coefficients = [], [], []
    numbers: dict[tuple[str, float, float | None], int] = {}
    for number, edge in enumerate(edges):
        commodity = edge.get("commodity", "material")
        amount = edge.get("amount")
        all_edges.append({
            "edge": number, "stream": edge.get("stream", f"s{number}"), "source": edge["source"],
            "target": edge["target"], "source_firm": firm_of[edge["source"]], "target_firm": firm_of[edge["target"]],
            "source_inside": inside[edge["source"]], "target_inside": inside[edge["target"]], "commodity": commodity,
            "group": edge.get("group", "material"), "activity": edge.get("activity", "supply"), "technology": None,
            "period_start": date(2022, 1, 1), "period_end": date(2023, 1, 1), "amount": amount,
            "unit": edge.get("unit", "t"), "sd": edge.get("sd"), "correlation_group": edge.get("correlation_group"),
            "method": edge.get("method", "metered"), "notation": edge.get("notation"), "flow": f"f{number}", "flows": 1,
            "coverage": 1.0, "spread": False, "part": False, "implied": edge.get("implied"),
            "variable": edge.get("variable", number),
        })  # fmt: skip
        content = edge.get("content", {layers[0]: 1.0})
        for layer in layers:
            if layer not in content or amount is None:
                continue
            worth, deviation = content[layer] if isinstance(content[layer], tuple) else (content[layer], None)
            key = (layer, worth, deviation)
            if key not in numbers:
                numbers[key] = len(numbers)
                coefficients.append({
                    "coefficient": numbers[key], "layer": layer, "disposition": None, "commodity": commodity,
                    "formula": "amount", "value": worth, "unit": "t", "unit_scale": worth, "amount_unit": "t",
                    "sd": deviation,
                })  # fmt: skip
            sd = edge.get("sd")
            parts = [abs(worth) * sd if sd is not None else None, abs(amount) * deviation if deviation else None]
            known = [part for part in parts if part is not None]
            values.append({
                "edge": number, "layer": layer, "coefficient": numbers[key], "value": amount * worth,
                "sd": sum(part**2 for part in known) ** 0.5 if known else None,
            })  # fmt: skip
    catalogue = load_catalogue()
    return LayeredFlows(
        2022, date(2022, 1, 1), date(2023, 1, 1), "period", "park", "actual",
        pl.DataFrame(all_edges, schema=EDGE_SCHEMA), pl.DataFrame(values, schema=VALUE_SCHEMA),
        pl.DataFrame(coefficients, schema=COEFFICIENT_SCHEMA), pl.DataFrame(schema=PARAMETER_SCHEMA),
        pl.DataFrame([dict(row) for row in stocks], schema=STOCK_SCHEMA), pl.DataFrame(schema=UNKNOWN_SCHEMA), nodes,
        catalogue.layers.filter(pl.col("id").is_in(list(layers))), pl.DataFrame(schema={"id": pl.String}),
    )  # fmt: skip
