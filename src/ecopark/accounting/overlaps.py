"""What may be counted twice: a product by its output, and at the same firm an input that the factor already holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from ecopark.catalogue import Catalogue

PRODUCTION = "production"


@dataclass(frozen=True, slots=True)
class Overlap:
    """A product counted by output and an input of it counted beside, at one firm, with the reason they overlap."""

    node: str
    product: str
    covers: str
    note_zh: str
    note_en: str


def find_overlaps(
    catalogue: Catalogue,
    parents: Mapping[str, str],
    placed: pl.DataFrame,
    lines: pl.DataFrame,
    parameters: pl.DataFrame,
) -> list[Overlap]:
    """Return the pairs of direct emissions that may hold the same carbon twice, once for every firm and pair.

    `parents` maps a commodity to the broader one, `placed` holds the streams of `selection.place_streams`. What
    overlaps stands in the catalogue's `overlaps`: a product, the factor set it holds for (any if empty), the input
    that its factor covers, that input's activity (any but production if "*") and the technology that is exempt.
    """
    lineages = {name: _lineage(name, parents) for name in placed["commodity"].unique()}
    present = set().union(*lineages.values())
    known = [row for row in catalogue.overlaps.iter_rows(named=True) if {row["product"], row["covers"]} <= present]
    if not known:
        return []
    named = {row["product"] for row in known} | {row["covers"] for row in known}
    streams = placed.filter(pl.col("commodity").is_in([name for name in lineages if lineages[name] & named]))
    sets = dict(parameters.filter(pl.col("symbol") == "emission_factor").select("coefficient", "set").iter_rows())
    counted = (
        lines.lazy()
        .filter((pl.col("scope") == "1") & (pl.col("result") != 0))
        .select("stream", "node", "coefficient")
        .join(streams.lazy().select(pl.col("id").alias("stream"), "commodity", "activity", "technology"), on="stream")
        .unique()
        .collect()
    )
    by_node: dict[str, list[tuple[str, str, str, str]]] = {}
    for row in counted.iter_rows(named=True):
        item = (row["commodity"], row["activity"], row["technology"] or "", sets.get(row["coefficient"], ""))
        by_node.setdefault(row["node"] or "", []).append(item)
    found: dict[Overlap, None] = {}
    for node, items in by_node.items():
        made = [(goods, used_set) for goods, activity, _, used_set in items if activity == PRODUCTION]
        for rule in known:
            for product, used_set in made:
                if rule["product"] not in lineages[product] or rule["set"] not in (None, used_set):
                    continue
                for goods, activity, technology, _ in items:
                    fits = activity == rule["activity"] or (rule["activity"] == "*" and activity != PRODUCTION)
                    if fits and rule["covers"] in lineages[goods] and (not technology or technology != rule["unless"]):
                        found[Overlap(node, product, goods, rule["note_zh"], rule["note_en"])] = None
    return list(found)


def _lineage(commodity: str, parents: Mapping[str, str]) -> set[str]:
    chain = {commodity}
    while (parent := parents.get(commodity)) and parent not in chain:
        chain.add(parent)
        commodity = parent
    return chain
