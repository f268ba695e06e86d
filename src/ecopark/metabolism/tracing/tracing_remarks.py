"""What a reader must know about a trace: keys that were lacking, loops that nothing leaves, burdens not estimated."""

from __future__ import annotations

import polars as pl

from ecopark.accounting.result import Remark
from ecopark.metabolism.flows import LayeredFlows
from ecopark.metabolism.tracing.tracing_frames import Solution
from ecopark.metabolism.tracing.tracing_inputs import EnteringBurdens
from ecopark.translation import N_

_NO_KEY = {
    "energy": N_("{node_en}: no energy value is known for {goods_en}; its burden is shared over its other products."),
    "money": N_("{node_en}: no price is known for {goods_en}; its burden is shared over its other products."),
    "mass": N_("{node_en}: no mass is known for {goods_en}; its burden is shared over its other products."),
}
_NOTHING = N_(
    "{node_en}: neither energy value nor price nor mass is known for {goods_en}; its burden is not passed on."
)
_LOOP = N_("{nodes_en}: these only supply each other, so that what enters never leaves; it is counted as ending there.")
_NOT_ESTIMATED = N_("{layer_en}: what was needed for {goods_en} from outside is not estimated.")
_NO_AMOUNT = N_("No amount is known for deliveries of {goods_en}; what depends on them is incomplete.")
_MOST_NAMED = 8


def tracing_remarks(solution: Solution, burdens: EnteringBurdens, flows: LayeredFlows) -> list[Remark]:
    """Return the remarks on a trace, the gravest first."""
    found = [_loop(solution, members, flows) for members in solution.closed]
    found += _keys(solution, flows)
    lacking = burdens.not_estimated
    unknown = lacking.filter(pl.col("reason").is_in(["no_upstream", "no_price"]))
    for layer in unknown["layer"].unique(maintain_order=True):
        goods = unknown.filter(pl.col("layer") == layer)["commodity"].unique(maintain_order=True).to_list()
        values = {**_both(flows, "layer", [layer], "layer"), **_both(flows, "commodity", goods, "goods")}
        found.append(Remark("not_estimated", _NOT_ESTIMATED, values, "warning"))
    without = lacking.filter(~pl.col("reason").is_in(["no_upstream", "no_price"]))["commodity"]
    if len(without):
        goods = without.unique(maintain_order=True).to_list()
        found.append(Remark("no_amount", _NO_AMOUNT, _both(flows, "commodity", goods, "goods"), "warning"))
    return found


def _both(flows: LayeredFlows, kind: str, ids: list[str], field: str) -> dict[str, object]:
    """Return the names as values `<field>_zh` and `<field>_en`, the first few of them."""
    values: dict[str, object] = {}
    for language, comma in (("zh", "、"), ("en", ", ")):
        names = [flows.name(identity, language, kind) for identity in ids[:_MOST_NAMED]]
        values[f"{field}_{language}"] = comma.join(names) + (" …" if len(ids) > _MOST_NAMED else "")
    return values


def _loop(solution: Solution, members: object, flows: LayeredFlows) -> Remark:
    nodes = solution.network.places[members]["node"].unique(maintain_order=True).to_list()  # type: ignore[call-overload]
    return Remark("closed_loop", _LOOP, _both(flows, "node", nodes, "nodes"), "warning")


def _keys(solution: Solution, flows: LayeredFlows) -> list[Remark]:
    keys = solution.network.keys.with_columns(pl.col("share").is_not_null().any().over("node").alias("shared"))
    found = []
    missing = keys.filter(pl.col("share").is_null())
    for (node, key, shared), rows in missing.group_by("node", "key", "shared", maintain_order=True):
        values = {**_both(flows, "node", [str(node)], "node"),
                  **_both(flows, "commodity", rows["commodity"].to_list(), "goods")}  # fmt: skip
        message = _NO_KEY[str(key)] if shared else _NOTHING
        found.append(Remark("no_key", message, values, "warning"))
    return found
