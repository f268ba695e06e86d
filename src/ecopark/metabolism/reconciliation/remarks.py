"""What must be said about a reconciliation, in words with the nodes named."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import polars as pl

from ecopark.accounting.result import Remark
from ecopark.metabolism.reconciliation.assembly import Assembly
from ecopark.metabolism.reconciliation.measurements import Integers
from ecopark.metabolism.reconciliation.result import Reconciliation
from ecopark.metabolism.result import name_in
from ecopark.metabolism.wording import ASSUMED
from ecopark.model.problems import Problem
from ecopark.translation import N_

_SHOWN = 8

_CONTRADICTION = N_(
    "{node_en} cannot balance in {layer_en} ({period}): {inflow} {unit} comes in and {outflow} {unit} goes out, and"
    " none of these flows has any uncertainty that could make up for the difference."
)
_CONTRADICTION_MEND = N_("Correct one of the flows, or state a range (low and high) for those that are not exact.")
_PARTS = N_(
    "The flows form {count} separate networks. Nothing ties these nodes to the others, so they are checked by their own"
    " balances alone: {nodes_en}."
)
_ONE_SIDED = {
    "receives": N_("Only receives, so that no balance can hold: {nodes_en}. What leaves is not in the record."),
    "sends": N_("Only sends, so that no balance can hold: {nodes_en}. What arrives is not in the record."),
}
_NO_BALANCE = N_("No balance can be tested here, so nothing is reconciled.")
_EXACT = N_("No flow that a balance holds has a range: nothing can be adjusted, and nothing tested.")
_ASSUMED = N_("Without a stated range, so that one is assumed (unverified): {found_en}.")
_FAILED = N_(
    "The measurements do not fit together: the objective {objective:.4g} exceeds {critical:.4g} ({dof} degrees of"
    " freedom, significance {level:.0%})."
)
_EXPLAINED = N_("One error alone would explain it; the likeliest is listed first among the suspects.")
_BOUND = N_("Held at their bound so that no flow becomes negative: {flows_en}.")
_NOT_LAYER = N_("Flows that could not be brought to a layer leave these balances untested: {nodes_en}.")
_ESTIMATED = N_(
    "The network is too large to compute every standard deviation; {count} of them are estimated, to about {error:.0%}."
)
_FIXED = N_(
    "Amounts and contents together found no solution near what is recorded, so the contents were taken as exact and"
    " only the amounts are reconciled."
)


def contradictions(problem: Assembly, rows: Integers, names: Mapping[str, tuple[str, str]]) -> list[Problem]:
    """Return one problem per balance that exact flows leave open, with the node, the layer and both sides."""
    found = []
    for row in problem.balances[rows.tolist()].iter_rows(named=True):
        values: dict[str, object] = {
            "period": str(row["period_start"].year), "inflow": f"{row['inflow']:.6g}",
            "outflow": f"{row['inflow'] - row['residual']:.6g}", "unit": row["unit"],
        }  # fmt: skip
        for language in ("zh", "en"):
            values[f"node_{language}"] = name_in(names, row["node"], language, "node")
            values[f"layer_{language}"] = name_in(names, row["layer"], language, "layer").lower()
        found.append(
            Problem(
                "exact_contradiction", f"{row['node']}, {row['layer']}", _CONTRADICTION, _CONTRADICTION_MEND, values
            )
        )
    return found


def collect_remarks(result: Reconciliation, *, fixed: bool = False) -> list[Remark]:
    """Return the remarks on a reconciliation."""
    remarks: list[Remark] = []
    if result.balances.is_empty():
        remarks.append(Remark("no_balance", _NO_BALANCE, {}, "warning"))
    if fixed:
        remarks.append(Remark("contents_fixed", _FIXED, {}, "warning"))
    remarks += _networks(result)
    remarks += _one_sided(result)
    remarks += _untested(result)
    held = result.flows.filter(pl.col("balances") > 0)
    if held.height and held.filter(pl.col("raw").is_not_null() & (pl.col("sd_raw") > 0)).is_empty():
        remarks.append(Remark("zero_uncertainty", _EXACT, {}, "warning"))
    remarks += _ranges(result)
    test = result.test.row(0, named=True)
    if not test["passed"]:
        values = {"objective": test["objective"], "critical": test["critical"], "dof": test["degrees_of_freedom"],
                  "level": test["level"]}  # fmt: skip
        remarks.append(Remark("global_test", _FAILED, values, "warning"))
        if result.suspects["explains"].any():
            remarks.append(Remark("one_error", _EXPLAINED))
    bound = result.flows.filter("at_bound")
    if bound.height:
        remarks.append(Remark("at_bound", _BOUND, _listed("flows", _flow_names(result, bound)), "warning"))
    estimated = result.flows.filter(~pl.col("sd_exact")).height
    if estimated:
        values = {"count": estimated, "error": test["sd_error"]}
        remarks.append(Remark("estimated_deviations", _ESTIMATED, values))
    return remarks


def _listed(name: str, pairs: Iterable[tuple[str, str]]) -> dict[str, object]:
    """Return the values name_zh and name_en: the first names of a list, and how many more there are."""
    pairs = list(dict.fromkeys(pairs))
    more = f" … (+{len(pairs) - _SHOWN})" if len(pairs) > _SHOWN else ""
    return {
        f"{name}_zh": "、".join(zh for zh, _ in pairs[:_SHOWN]) + more,
        f"{name}_en": ", ".join(en for _, en in pairs[:_SHOWN]) + more,
    }


def _networks(result: Reconciliation) -> list[Remark]:
    sizes = result.components.group_by("component", maintain_order=True).agg("node")
    if sizes.height < 2:
        return []
    largest = sizes["node"].list.len().arg_max()
    apart = [node for k, nodes in enumerate(sizes["node"]) if k != largest for node in nodes]
    values = {"count": sizes.height, **_listed("nodes", (result.both(node, "node") for node in apart))}
    return [Remark("separate_networks", _PARTS, values)]


def _one_sided(result: Reconciliation) -> list[Remark]:
    """Tell which nodes only receive or only send, in a layer or in all of them."""
    found: dict[str, dict[str, list[str]]] = {"receives": {}, "sends": {}}
    rows = result.skipped.filter((pl.col("verdict") == "one_sided") & (pl.col("unknown") + pl.col("unstated") == 0))
    if rows.is_empty():
        return []
    for row in rows.iter_rows(named=True):
        side = "receives" if row["inflow"] > 0 else "sends"
        found[side].setdefault(row["node"], []).append(row["layer"])
    remarks = []
    for side, nodes in found.items():
        if not nodes:
            continue
        pairs = []
        for node, layers in nodes.items():
            zh, en = result.both(node, "node")
            kinds = [result.both(layer, "layer") for layer in dict.fromkeys(layers)]
            pairs.append(
                (f"{zh}（{'、'.join(k for k, _ in kinds)}）", f"{en} ({', '.join(k.lower() for _, k in kinds)})")
            )
        remarks.append(Remark(f"only_{side}", _ONE_SIDED[side], _listed("nodes", pairs)))
    return remarks


def _untested(result: Reconciliation) -> list[Remark]:
    rows = result.skipped.filter(pl.col("verdict").is_in(["incomplete", "one_sided"]) & (pl.col("unknown") > 0))
    if rows.is_empty():
        return []
    pairs = []
    for node, layers in (
        rows.group_by("node", maintain_order=True).agg(pl.col("layer").unique(maintain_order=True)).iter_rows()
    ):
        zh, en = result.both(node, "node")
        kinds = [result.both(layer, "layer") for layer in layers]
        pairs.append((f"{zh}（{'、'.join(k for k, _ in kinds)}）", f"{en} ({', '.join(k.lower() for _, k in kinds)})"))
    return [Remark("not_in_layer", _NOT_LAYER, _listed("nodes", pairs), "warning")]


def _ranges(result: Reconciliation) -> list[Remark]:
    assumed = result.assumed()
    if assumed.is_empty():
        return []
    from ecopark.translation import translate

    widths: dict[str, Any] = result.settings["assumed"]
    texts = {}
    for language in ("zh", "en"):
        parts = [
            f"{translate(ASSUMED.get(method, ''), language) or method} ±{widths.get(method, max(widths.values())):.0%}"
            f" ({count})"
            for method, count in assumed.select("method", "count").iter_rows()
        ]
        texts[f"found_{language}"] = ("；" if language == "zh" else "; ").join(parts)
    return [Remark("assumed_ranges", _ASSUMED, texts)]


def _flow_names(result: Reconciliation, flows: pl.DataFrame) -> list[tuple[str, str]]:
    def name(row: dict[str, Any], language: str) -> str:
        goods, source, target = (
            result.name(row[column], language, kind)
            for column, kind in (("commodity", "commodity"), ("source", "node"), ("target", "node"))
        )
        return f"{goods}: {source} → {target}"

    return [(name(row, "zh"), name(row, "en")) for row in flows.iter_rows(named=True)]
