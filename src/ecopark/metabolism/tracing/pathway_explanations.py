"""Where a number of a trace upstream or downstream comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from ecopark.accounting.explanation import Explanation, Input
from ecopark.translation import N_, translate

if TYPE_CHECKING:
    from ecopark.metabolism.tracing.pathways import Pathways

_TOTAL = N_("what is traced")
_KINDS = {
    "outside": N_("{node_en}: {commodity_en}"),
    "implied": N_("{node_en}: {commodity_en}"),
    "stock": N_("stock of {commodity_en} at {node_en}"),
    "unexplained": N_("unexplained at {node_en}"),
}
_PASSING = N_("of it that passes {node_en}")
_THROUGH = N_("throughflow of {node_en}")
_FLOW = N_("flow")
_ASKED = N_("asked about at {node_en}")


def _named(result: Pathways, message: str, **ids: str | None) -> tuple[str, str]:
    values: dict[str, object] = {}
    for kind, identity in ids.items():
        values[f"{kind}_zh"], values[f"{kind}_en"] = result.both(identity or "", kind)
    return translate(message, "zh", **values), translate(message, "en", **values)


def _share_name(result: Pathways, row: dict[str, str | None]) -> tuple[str, str]:
    ids = {"node": row["node"]}
    if row["kind"] != "unexplained":
        ids["commodity"] = row["commodity"]
    return _named(result, _KINDS[str(row["kind"])], **ids)


def explain_pathways(result: Pathways, key: str) -> Explanation:
    """Return the explanation of a number of `result`; KeyError for a key that names none (see `Pathways.explain`)."""
    kind, _, rest = key.partition(":")
    unit = result.unit
    total = (translate(_TOTAL, "zh"), translate(_TOTAL, "en"))
    if key == "total":
        inputs = [
            Input("parts", *_share_name(result, row), row["amount"], unit, "total", result.reference(f"amount:{n}"))
            for n, row in enumerate(result.shares.iter_rows(named=True))
        ]
        return Explanation(key, *total, result.total, unit, "sum(parts)", inputs)
    if kind == "through":
        return _through(result, key, rest)
    if kind not in ("amount", "share") or not rest.isdigit() or int(rest) >= result.shares.height:
        raise KeyError(f"no number {key!r}")
    row = result.shares.row(int(rest), named=True)
    names = _share_name(result, row)
    if kind == "share":
        inputs = [
            Input("amount", *names, row["amount"], unit, "total", result.reference(f"amount:{rest}")),
            Input("total", *total, result.total, unit, "total", result.reference("total")),
        ]
        return Explanation(key, *names, row["share"], "1", "amount / total", inputs)
    if row["asked"]:  # an asked-about edge that crosses the boundary itself
        inputs = [Input("amount", *names, row["amount"], unit, "flow", row["stream"] or "")]
        return Explanation(key, *names, row["amount"], unit, "amount", inputs)
    at = result.stations.row(by_predicate=pl.col("node") == row["station"], named=True)
    flow = (translate(_FLOW, "zh"), translate(_FLOW, "en"))
    inputs = [
        Input("passing", *_named(result, _PASSING, node=at["node"]), at["amount"], unit, "total",
              result.reference(f"through:{at['node']}")),
        Input("flow", *flow, row["flow"], unit, "flow", row["stream"] or ""),
        Input("throughflow", *_named(result, _THROUGH, node=at["node"]), at["throughflow"], unit, "total"),
    ]  # fmt: skip
    return Explanation(key, *names, row["amount"], unit, "passing * flow / throughflow", inputs)


def _through(result: Pathways, key: str, node: str) -> Explanation:
    rows = result.stations.filter(pl.col("node") == node)
    if rows.is_empty():
        raise KeyError(f"nothing of it passes {node!r}")
    row = rows.row(0, named=True)
    unit = result.unit
    near, far = ("source", "target") if result.direction == "upstream" else ("target", "source")
    asked = row["asked"]
    inputs = [Input("parts", *_named(result, _ASKED, node=node), asked, unit, "total")] if asked else []
    inside = result.stations.select(pl.col("node").alias(far))
    onward = result.edges.filter(pl.col(near) == node).join(inside, on=far, how="semi")
    for edge in onward.iter_rows(named=True):
        zh, en = result.both(edge[far], "node")
        good = result.both(edge["commodity"], "commodity")
        amount = edge["amount"] - edge["asked"]
        if amount:
            inputs.append(Input("parts", f"{zh}：{good[0]}", f"{en}: {good[1]}", amount, unit, "total",
                                result.reference(f"through:{edge[far]}")))  # fmt: skip
    names = _named(result, _PASSING, node=node)
    return Explanation(key, *names, row["amount"], unit, "sum(parts)", inputs)
