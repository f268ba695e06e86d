"""Where a number of a trace comes from: its formula and the numbers that it leads on to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from ecopark.accounting.explanation import Explanation, Input
from ecopark.translation import N_, translate

if TYPE_CHECKING:
    from ecopark.metabolism.tracing.tracing import Trace

_WORDS = {
    "carbon": N_("embodied carbon"),
    "energy": N_("embodied energy"),
    "water": N_("embodied water"),
    "money": N_("embodied value"),
}
_DIRECT = N_("direct at {node_en}")
_BOUGHT = N_("bought from outside: {commodity_en}")
_MADE = N_("share of what {node_en} makes")
_KEPT = N_("{commodity_en} for own use")
_TREATED = N_("treatment of {commodity_en}")
_ENDING = {
    "leaves": N_("leaves with {commodity_en}"),
    "stock": N_("into stock: {commodity_en}"),
    "used": N_("used at {node_en}"),
    "unallocated": N_("not allocated at {node_en}"),
    "closed_loop": N_("in a closed loop at {node_en}"),
}
_AMOUNT = N_("amount received and made")


def explain_trace(trace: Trace, key: str) -> Explanation:
    """Return the explanation of a number of `trace`; KeyError for a key that names none (see `Trace.explain`)."""
    kind, _, rest = key.partition(":")
    if kind in ("intensity", "embodied", "treatment", "treated"):
        node, commodity, layer = _three(rest, key)
        return _good(trace, key, kind, node, commodity, layer)
    if kind in ("pool", "direct", "firm", "share"):
        place, _, layer = rest.rpartition(":")
        if layer in trace.layers:
            return {"pool": _pool, "direct": _direct, "firm": _firm, "share": _share}[kind](trace, key, place, layer)
    if kind == "total" and rest in trace.layers:
        return _total(trace, key, rest)
    if kind == "edge":
        edge, _, layer = rest.partition(":")
        if layer in trace.layers and edge.isdigit():
            return _edge(trace, key, int(edge), layer)
    raise KeyError(f"no number {key!r}")


def _three(rest: str, key: str) -> tuple[str, str, str]:
    left, _, layer = rest.rpartition(":")
    node, _, commodity = left.rpartition(":")
    if not node:
        raise KeyError(f"no number {key!r}")
    return node, commodity, layer


def _word(trace: Trace, layer: str) -> tuple[str, str]:
    if layer in _WORDS:
        return translate(_WORDS[layer], "zh"), translate(_WORDS[layer], "en")
    return trace.both(layer, "layer")


def _named(trace: Trace, message: str, **ids: str | None) -> tuple[str, str]:
    """Return a message in both languages, with the names of a node and a commodity filled in."""
    values: dict[str, object] = {}
    for kind, identity in ids.items():
        values[f"{kind}_zh"], values[f"{kind}_en"] = trace.both(identity or "", kind)
    return translate(message, "zh", **values), translate(message, "en", **values)


def _titled(trace: Trace, layer: str, *parts: tuple[str, str]) -> tuple[str, str]:
    word = _word(trace, layer)
    zh = "：".join([*(part[0] for part in parts), word[0]])
    en = ": ".join([*(part[1] for part in parts), word[1]])
    return zh, en


def _good(trace: Trace, key: str, kind: str, node: str, commodity: str, layer: str) -> Explanation:
    role = "product" if kind in ("intensity", "embodied") else "treatment"
    row = trace._good(node, commodity, layer, role)
    if row["embodied"] is None:
        raise KeyError(f"{key!r} is not known")
    unit = trace.layers[layer]
    thing = trace.both(commodity, "commodity")
    if role == "treatment":
        thing = _named(trace, _TREATED, commodity=commodity)
    names = _titled(trace, layer, trace.both(node, "node"), thing)
    if kind in ("intensity", "treatment"):
        lead = f"{'embodied' if role == 'product' else 'treated'}:{node}:{commodity}:{layer}"
        amount = (translate(_AMOUNT, "zh"), translate(_AMOUNT, "en"))
        inputs = [
            Input("embodied", *_word(trace, layer), row["embodied"], unit, "total", trace.reference(lead)),
            Input("amount", *amount, row["amount"], row["unit"], "total"),
        ]
        return Explanation(key, *names, row["value"], row["value_unit"], "embodied / amount", inputs)
    place = trace.places.filter(
        (pl.col("node") == node) & (pl.col("commodity") == commodity) & (pl.col("role") == role)
    )["place"][0]
    inputs = _arriving(trace, place, layer)
    share = trace.keys.filter(
        (pl.col("node") == node) & (pl.col("commodity") == commodity) & (pl.col("role") == role)
        & (pl.col("share") > 0)
    )  # fmt: skip
    if share.height:
        pool = trace.pools.filter((pl.col("node") == node) & (pl.col("layer") == layer))
        part = float(share["share"][0])
        value = part * float(pool["total"].sum())
        note = f"{part!r} × {float(pool['total'].sum())!r} {unit}"
        inputs.append(Input("parts", *_named(trace, _MADE, node=node), value, unit, "total",
                            trace.reference(f"pool:{node}:{layer}"), note=note))  # fmt: skip
    return Explanation(key, *names, row["embodied"], unit, "sum(parts)", inputs)


def _arriving(trace: Trace, place: int, layer: str) -> list[Input]:
    """Return what deliveries bring to a place, from inside and from outside."""
    unit = trace.layers[layer]
    carried = trace.carried.filter(pl.col("layer") == layer)
    rows = trace.deliveries.filter(pl.col("to_place") == place).join(carried, on="edge", maintain_order="left")
    inputs = []
    for row in rows.iter_rows(named=True):
        if row["provided"]:
            provider, thing = trace.both(row["provider"], "node"), trace.both(row["commodity"], "commodity")
            names = (f"{provider[0]}：{thing[0]}", f"{provider[1]}: {thing[1]}")
        else:
            names = _named(trace, _BOUGHT, commodity=row["commodity"])
        reference = trace.reference(f"edge:{row['edge']}:{layer}")
        inputs.append(Input("parts", *names, row["embodied"], unit, "total", reference))
    return inputs


def _pool(trace: Trace, key: str, node: str, layer: str) -> Explanation:
    rows = trace.pools.filter((pl.col("node") == node) & (pl.col("layer") == layer))
    if rows.is_empty():
        raise KeyError(f"nothing embodied passes {node!r} in {layer!r}")
    row = rows.row(0, named=True)
    unit = trace.layers[layer]
    place = trace.places.filter((pl.col("node") == node) & (pl.col("role") == "pool"))["place"][0]
    inputs = _arriving(trace, place, layer)
    if row["direct"]:
        inputs.append(Input("parts", *_named(trace, _DIRECT, node=node), row["direct"], unit, "total",
                            trace.reference(f"direct:{node}:{layer}")))  # fmt: skip
    kept = trace.transfers.filter(pl.col("target") == place).join(
        trace.places.filter((pl.col("node") == node) & pl.col("commodity").is_not_null()),
        left_on="source", right_on="place",
    )  # fmt: skip
    for good in kept.filter(pl.col("own") > 0).iter_rows(named=True):
        mixed = trace._good(node, good["commodity"], layer, good["role"])
        value = (mixed["embodied"] or 0.0) * good["own"] / good["amount"]
        lead = f"{'intensity' if good['role'] == 'product' else 'treatment'}:{node}:{good['commodity']}:{layer}"
        inputs.append(Input("parts", *_named(trace, _KEPT, commodity=good["commodity"]), value, unit, "total",
                            trace.reference(lead)))  # fmt: skip
    return Explanation(key, *_titled(trace, layer, trace.both(node, "node")), row["total"], unit, "sum(parts)", inputs)


def _direct(trace: Trace, key: str, node: str, layer: str) -> Explanation:
    rows = trace.entering.filter(
        (pl.col("kind") == "direct") & (pl.col("node") == node) & (pl.col("layer") == layer)
    )  # fmt: skip
    if rows.is_empty():
        raise KeyError(f"nothing direct at {node!r} in {layer!r}")
    names = _named(trace, _DIRECT, node=node)
    value, unit = float(rows["embodied"].sum()), trace.layers[layer]
    return Explanation(key, *names, value, unit, "sum(parts)", [Input("parts", *names, value, unit, "total")])


def _edge(trace: Trace, key: str, edge: int, layer: str) -> Explanation:
    rows = trace.deliveries.filter(pl.col("edge") == edge).join(
        trace.carried.filter(pl.col("layer") == layer), on="edge", maintain_order="left"
    )
    if rows.is_empty():
        raise KeyError(f"no burden known of edge {edge} in {layer!r}")
    row = rows.row(0, named=True)
    unit, thing = trace.layers[layer], trace.both(row["commodity"], "commodity")
    amount = Input("amount", *thing, row["amount"], row["unit"], "flow", row["stream"])
    if row["provided"]:
        good = trace._good(row["provider"], row["commodity"], layer, row["role"])
        value = (good["embodied"] or 0.0) / good["amount"]
        kind = "intensity" if row["role"] == "product" else "treatment"
        lead = trace.reference(f"{kind}:{row['provider']}:{row['commodity']}:{layer}")
        intensity = Input("intensity", *_word(trace, layer), value, good["value_unit"], "total", lead)
        names = _titled(trace, layer, trace.both(row["provider"], "node"), thing)
    else:
        intensity = _factor(trace, edge, layer, row)
        names = _titled(trace, layer, _named(trace, _BOUGHT, commodity=row["commodity"]))
    return Explanation(key, *names, row["embodied"], unit, "amount * intensity", [amount, intensity])


def _factor(trace: Trace, edge: int, layer: str, row: dict[str, Any]) -> Input:
    entry = trace.entering.filter((pl.col("edge") == edge) & (pl.col("layer") == layer)).row(0, named=True)
    titles = trace.source_titles(entry["source"]) if entry["source"] else ("", "")
    return Input(
        "intensity", *_word(trace, layer), entry["factor"], f"{trace.layers[layer]}/{row['unit']}", "factor",
        entry["factor_id"] or "", titles[0], titles[1], entry["status"] or "",
    )  # fmt: skip


def _endings(trace: Trace, layer: str, firm: str) -> list[Input]:
    rows = trace.by_product(layer).filter(pl.col("firm") == firm)
    inputs = []
    for row in rows.iter_rows(named=True):
        names = _named(trace, _ENDING[row["kind"]], commodity=row["commodity"], node=row["node"])
        lead = ""
        if row["kind"] in ("leaves", "stock") or (row["kind"] == "used" and row["commodity"]):
            kind = "intensity" if row["role"] == "product" else "treatment"
            lead = trace.reference(f"{kind}:{row['node']}:{row['commodity']}:{layer}")
        elif row["commodity"] is None:
            lead = trace.reference(f"pool:{row['node']}:{layer}")
        inputs.append(Input("parts", *names, row["embodied"], trace.layers[layer], "total", lead))
    if not inputs:
        raise KeyError(f"nothing ends with {firm!r} in {layer!r}")
    return inputs


def _firm(trace: Trace, key: str, firm: str, layer: str) -> Explanation:
    inputs = _endings(trace, layer, firm)
    value = float(sum(item.value for item in inputs))
    names = _titled(trace, layer, trace.both(firm, "node"))
    return Explanation(key, *names, value, trace.layers[layer], "sum(parts)", inputs)


def _share(trace: Trace, key: str, firm: str, layer: str) -> Explanation:
    value = float(sum(item.value for item in _endings(trace, layer, firm)))
    total, unit = trace.total(layer), trace.layers[layer]
    names = _titled(trace, layer, trace.both(firm, "node"))
    own = Input("own", *names, value, unit, "total", trace.reference(f"firm:{firm}:{layer}"))
    whole = Input("whole", *_word(trace, layer), total, unit, "total", trace.reference(f"total:{layer}"))
    return Explanation(key, *names, value / total, "1", "own / whole", [own, whole])


def _total(trace: Trace, key: str, layer: str) -> Explanation:
    unit = trace.layers[layer]
    rows = (
        trace.entering.filter(pl.col("layer") == layer)
        .group_by("kind", "node", "commodity", maintain_order=True)
        .agg(pl.col("embodied").sum(), pl.col("edge").first(), pl.len().alias("edges"))
    )
    inputs = []
    for row in rows.iter_rows(named=True):
        if row["kind"] == "direct":
            names, lead = _named(trace, _DIRECT, node=row["node"]), f"direct:{row['node']}:{layer}"
        else:
            names = _named(trace, _BOUGHT, commodity=row["commodity"])
            lead = f"edge:{row['edge']}:{layer}" if row["edges"] == 1 else ""
        inputs.append(Input("parts", *names, row["embodied"], unit, "total", trace.reference(lead) if lead else ""))
    return Explanation(key, *_word(trace, layer), trace.total(layer), unit, "sum(parts)", inputs)
