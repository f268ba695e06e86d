"""The chapter on metabolism: balances of park and firms, Sankey diagrams, residuals, indicators, and gaps as gaps."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import polars as pl

from ecopark.metabolism.balances.balance_sheets import TERMS, gaps_of, rows_at, term_key
from ecopark.metabolism.balances.balances import BOUNDARY, Balances
from ecopark.metabolism.pictures.sankey import sankey_view
from ecopark.metabolism.pictures.views import REMAINDER, boundary_edges, residual_view
from ecopark.metabolism.wording import GAP_REASONS, GAP_REMEDIES, VERDICT_MEANINGS, VERDICTS
from ecopark.reports.metabolism_figures import describe_sankey, draw_residuals, draw_sankey, drawn
from ecopark.reports.numbers import decimals_for
from ecopark.reports.scribe import Row, Scribe
from ecopark.translation import N_, translate

MAIN_LAYERS = ("mass", "energy", "water", "carbon", "money")
"""Layers that get a picture and the balances of the firms, where the record has flows of them."""
MOST_RESIDUALS = 12
MOST_GAPS = 60
_JUDGED = ("open", "closed")
_PICTURE_WIDTH = 19.0
_PICTURE_HEIGHT = 13.0
_LISTS = (
    "balance_rows", "layer_chapters", "verdict_meanings", "residual_rows", "metabolism_indicators", "indicator_gaps",
    "layer_gaps", "layer_gap_sentences",
)  # fmt: skip


def metabolism(scribe: Scribe) -> dict[str, Any]:
    """Return what the chapter prints; an empty sentence where the report has no balances (then no chapter)."""
    found = scribe.material.balances
    if found is None:
        return {"metabolism": "", **dict.fromkeys(_LISTS, ())}
    boundary = f"{BOUNDARY}{found.settings['boundary']}"
    shown = [layer for layer in found.layers["id"] if not found.of(layer=layer, node=boundary).is_empty()]
    main = [layer for layer in MAIN_LAYERS if layer in shown and found.of(layer=layer).height > 1]
    rows = [row for layer in shown for row in found.of(layer=layer, node=boundary).iter_rows(named=True)]
    text = N_(
        "The flows of {year} seen as a network of {nodes} nodes in {layers} layers. For every node and layer, inflow "
        "less outflow, stock change, what leaves by rule and what the rules name as remainder is the residual. It is "
        "judged by the ranges stated for amounts and contents; nothing is added to make a balance close."
    )
    return {
        "metabolism": scribe.say(
            text, year=found.settings["year"],
            nodes=scribe.register.count(f"{found.run}-nodes", found.nodes.filter("inside").height),
            layers=scribe.register.count(f"{found.run}-layers", len(shown)),
        ),
        "balance_rows": [{"layer": _name(scribe, found, row["layer"], "layer")} | _cells(scribe, found, row)
                         for row in rows],
        "verdict_meanings": _meanings(scribe, found, shown),
        "layer_chapters": [_layer(scribe, found, layer) for layer in main],
        "residual_rows": _residuals(scribe, found, shown),
        **_indicators(scribe),
        **_gaps(scribe, found, shown),
    }  # fmt: skip


def _name(scribe: Scribe, found: Balances, identity: str, kind: str) -> str:
    return scribe.both(*found.both(identity, kind))


def _cells(scribe: Scribe, found: Balances, row: dict[str, Any], decimals: int | None = None) -> Row:
    """Return the printed terms of a balance with unit, verdict and reference."""
    places = decimals_for([row[term] for term in TERMS]) if decimals is None else decimals
    cells: Row = {
        term: scribe.register.number(found.reference(term_key(row, term)), row[term], row["unit"], places)
        for term in TERMS
    }
    return cells | {
        "unit": scribe.unit(row["unit"]),
        "verdict": scribe.named(VERDICTS, row["verdict"]),
        "reference": found.reference(term_key(row, "residual")),
    }


def _meanings(scribe: Scribe, found: Balances, layers: list[str]) -> list[str]:
    verdicts = found.rows.filter(pl.col("layer").is_in(layers))["verdict"].unique().to_list()
    return [
        scribe.colon.join([scribe.say(VERDICTS[verdict]), scribe.say(VERDICT_MEANINGS[verdict])])
        for verdict in VERDICTS
        if verdict in verdicts
    ]


def _layer(scribe: Scribe, found: Balances, layer: str) -> dict[str, Any]:
    """Return the picture, the firms' balances and the residual ranking of one layer."""
    rows = rows_at(found, layer, "firm")
    whole = [row[term] for row in rows.iter_rows(named=True) for term in TERMS]
    decimals = decimals_for(whole)
    named = [
        {"name": _name(scribe, found, row["node"], "node")} | _cells(scribe, found, row, decimals)
        for row in rows.iter_rows(named=True)
    ]
    dispositions = rows["disposition"].drop_nulls().unique(maintain_order=True).to_list()
    note = scribe.say(
        N_("Remainder: {names}. It is what the record leaves unmeasured by its nature, and takes up the difference."),
        names=scribe.join([_name(scribe, found, one, "disposition") for one in dispositions]),
    )
    title = scribe.both(*found.both(layer, "layer"))
    return {
        "title": title,
        "unit": scribe.unit(found.layered().unit(layer)),
        "rows": named,
        "note": note if dispositions else "",
        "figures": [*_sankey(scribe, found, layer, title), *_ranking(scribe, found, layer, title)],
    }


def _sankey(scribe: Scribe, found: Balances, layer: str, title: str) -> list[dict[str, Any]]:
    names = {**found.names, f"group:{REMAINDER}": (translate(N_("Remainder"), "zh"), translate(N_("Remainder"), "en"))}
    edges, unit = boundary_edges(found, layer, "firm"), found.layered().unit(layer)
    view = sankey_view(edges, layer=layer, level="firm", unit=unit, names=names)
    if view.empty:
        return []
    figure = draw_sankey(view, scribe.language, width=_PICTURE_WIDTH)
    picture = drawn(figure, describe_sankey(view, scribe.language))
    if picture.height > _PICTURE_HEIGHT:  # heading, picture and caption stand on one page
        picture = replace(picture, width=picture.width * _PICTURE_HEIGHT / picture.height, height=_PICTURE_HEIGHT)
    caption = scribe.say(N_("Flows of the layer {layer} between firms, in {unit}; small flows are drawn together"),
                         layer=title, unit=scribe.unit(view.unit))  # fmt: skip
    return [{"image": picture, "caption": caption}]


def _ranking(scribe: Scribe, found: Balances, layer: str, title: str) -> list[dict[str, Any]]:
    """Return the figure of the largest residuals that can be judged; none where fewer than two are there."""
    rows = rows_at(found, layer, "firm").filter(pl.col("verdict").is_in(_JUDGED) & (pl.col("kind") != "boundary"))
    rows = rows.filter(pl.col("residual") != 0.0).with_columns(
        pl.format("residual:{}:{}:{}", "layer", pl.col("period_start").cast(pl.String), "node").alias("key")
    )
    if rows.height < 2:
        return []
    unit = found.layered().unit(layer)
    view = residual_view(rows, unit, found.names, MOST_RESIDUALS)

    def label(key: str | None, value: float) -> str:
        assert key is not None
        return scribe.register.number(found.reference(key), value, unit, decimals_for([value], significant=4, most=3))

    figure = draw_residuals(view, scribe.language, label)
    caption = scribe.say(N_("Residuals of the layer {layer} with their 95 % ranges, in {unit}"), layer=title,
                         unit=scribe.unit(unit))  # fmt: skip
    return [{"image": drawn(figure, caption), "caption": caption}]


def _residuals(scribe: Scribe, found: Balances, layers: list[str]) -> list[Row]:
    """Return the balances of firms and their parts that the stated ranges do not explain, most significant first."""
    rows = found.rows.filter(
        pl.col("layer").is_in(layers) & (pl.col("verdict") == "open") & ~pl.col("kind").is_in(["boundary", "park"])
    )
    ranked = rows.sort("significance", descending=True, nulls_last=True, maintain_order=True).head(MOST_RESIDUALS)
    made = []
    for row in ranked.iter_rows(named=True):
        reference = found.reference(term_key(row, "residual"))
        decimals = decimals_for([row["residual"]])
        made.append({
            "layer": _name(scribe, found, row["layer"], "layer"), "name": _name(scribe, found, row["node"], "node"),
            "residual": scribe.register.number(reference, row["residual"], row["unit"], decimals),
            "unit": scribe.unit(row["unit"]), "verdict": scribe.named(VERDICTS, row["verdict"]),
            "reference": reference,
        })  # fmt: skip
    return made


def _indicators(scribe: Scribe) -> dict[str, Any]:
    """Return the indicators of the whole boundary that are known, and why the others are not."""
    found = scribe.material.metabolism_indicators
    if found is None:
        return {"metabolism_indicators": [], "indicator_gaps": []}
    known: list[Row] = []
    missing: list[str] = []
    rows = found.indicators.filter(pl.col("node") == found.top)
    for row in rows.iter_rows(named=True):
        name = scribe.both(*found.both(row["indicator"], "indicator"))
        if row["layer"]:
            name = f"{name} · {scribe.both(*found.both(row['layer'], 'layer'))}"
        reason = scribe.say(found.reason(row, scribe.language)) if row["reason"] else ""
        if row["value"] is None:
            if not row["layer"]:  # an element without any flow is no gap
                missing.append(scribe.colon.join([name, reason]))
            continue
        decimals = decimals_for([row["value"]], significant=4)
        known.append({
            "name": name,
            "amount": scribe.register.number(found.reference(row["key"]), row["value"], row["unit"], decimals),
            "unit": scribe.unit(row["unit"]), "note": reason, "reference": found.reference(row["key"]),
        })  # fmt: skip
    return {"metabolism_indicators": known, "indicator_gaps": missing}


def _gaps(scribe: Scribe, found: Balances, layers: list[str]) -> dict[str, Any]:
    """Return what could not be brought to a layer, as rows, and what is taken as none, a sentence for each layer."""
    rows: list[Row] = []
    sentences: list[str] = []
    for layer in layers:
        gaps = gaps_of(found, layer)
        title = _name(scribe, found, layer, "layer")
        for gap in gaps.filter(pl.col("reason") != "unstated").iter_rows(named=True):
            names = {"quantity": _name(scribe, found, gap["quantity"], "symbol"),
                     "commodity": _name(scribe, found, gap["commodity"], "commodity")}  # fmt: skip
            rows.append({
                "layer": title, "commodity": names["commodity"], "reason": scribe.named(GAP_REASONS, gap["reason"]),
                "flows": scribe.register.count(f"{found.run}-gaps:{layer}:{gap['commodity']}", gap["flows"]),
                "remedy": scribe.say(GAP_REMEDIES[gap["reason"]], **names),
            })  # fmt: skip
        unstated = gaps.filter(pl.col("reason") == "unstated")
        if not unstated.is_empty():
            goods = [_name(scribe, found, one, "commodity") for one in unstated["commodity"]]
            sentences.append(
                scribe.say(
                    N_("{layer}: the content of {count} commodities is not stated and taken as none: {names}."),
                    layer=title, count=scribe.register.count(f"{found.run}-unstated:{layer}", len(goods)),
                    names=scribe.join(goods[:8] + (["…"] if len(goods) > 8 else [])),
                )
            )  # fmt: skip
    return {"layer_gaps": rows[:MOST_GAPS], "layer_gap_sentences": sentences}
