"""Burdens outside the park: of making what it receives (upstream) and of treating what it hands over (treatment).

For each commodity and impact category the first that there is: the product of a background system that the user mapped
to it (``amount * link * intensity * category factor``), else a factor of the park or the catalogue
(`upstream_emission_factor` and its like, per impact category). What has neither is told with the share it makes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from ecopark.accounting.coefficients import local_rows
from ecopark.catalogue import FactorLookup, Missing, Request
from ecopark.metabolism.burdens.background.mapping import Link, Mapped
from ecopark.metabolism.burdens.burden_rows import WASTES, FactorTable, part_of, stated_part, with_burden
from ecopark.model.network import Network
from ecopark.model.record import Record
from ecopark.units import UnitError, parse

Row = Mapping[str, Any]
BEHIND_SCHEMA: dict[str, type[pl.DataType]] = {
    "key": pl.String, "product": pl.String, "category": pl.String, "process": pl.String, "value": pl.Float64,
    "share": pl.Float64,
}  # fmt: skip
"""The effect of one process of the background behind one unit of a product; the rest stands as process "…"."""

_KEY = ("commodity", "group", "unit", "technology", "own_node", "own_stream", "region")


@dataclass
class Supply:
    """Finds what stands behind received and handed-over commodities; coefficients go into `table`.

    `samples` draws of the background give its intensities a standard deviation. Edges without a value are noted in
    `uncounted` (category, stage, edge, reason: no_factor, technology, unit, cut_off, no_amount).
    """

    record: Record
    network: Network
    lookup: FactorLookup
    table: FactorTable
    mapped: Mapped | None
    uncounted: list[dict[str, Any]]
    samples: int = 0
    seed: int = 1
    _used: dict[tuple[str, str], None] = field(default_factory=dict)
    _intensities: dict[tuple[str, str], Row] = field(default_factory=dict)

    def __post_init__(self) -> None:
        own = local_rows(self.record)
        self._own_nodes = {row["node"] for row in own if row["node"]}
        self._own_streams = sorted({row["stream"] for row in own if row["stream"]})
        if self.mapped is not None:
            links = [*self.mapped.received.values(), *self.mapped.treated.values()]
            products = list(dict.fromkeys(link.product for link in links))
            if products:
                frame = self.mapped.background.intensity(products, samples=self.samples, seed=self.seed)
                self._intensities = {(row["product"], row["category"]): row for row in frame.to_dicts()}

    def links(self, category: str, stage: str) -> Mapping[str, Link]:
        """Return the commodities that the background system covers in a category and stage."""
        if self.mapped is None or category not in self.mapped.categories:
            return {}
        return self.mapped.received if stage == "upstream" else self.mapped.treated

    def rows(self, category: Row, edges: pl.DataFrame, stage: str, side: str) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Return the burdens of edges in one category (without values yet), and the edges that have none."""
        keyed = self._keyed(edges, side)
        found: list[Row] = []
        lacking: list[Row] = []
        for item in keyed.unique(_KEY, maintain_order=True).iter_rows(named=True):
            key = {name: item[name] for name in _KEY}
            factor, reason = self._factor(category, item, stage)
            (found if factor else lacking).append({**key, "factor": factor} if factor else {**key, "reason": reason})
        texts = dict.fromkeys(_KEY, pl.String)
        chosen = keyed.join(
            pl.DataFrame(found, schema={**texts, "factor": pl.String}), on=list(_KEY), how="inner",
            maintain_order="left",
        )  # fmt: skip
        without = keyed.join(
            pl.DataFrame(lacking, schema={**texts, "reason": pl.String}), on=list(_KEY), how="inner",
            maintain_order="left",
        )  # fmt: skip
        self.note(category, stage, chosen.filter(pl.col("amount").is_null()).with_columns(reason=pl.lit("no_amount")))
        known = chosen.filter(pl.col("amount").is_not_null())
        return with_burden(known, category["id"], category["unit"], stage, side), without

    def note(self, category: Row, stage: str, edges: pl.DataFrame) -> None:
        """Note edges (with a column `reason`) that a category does not cover."""
        self.uncounted += [
            {"category": category["id"], "stage": stage, "edge": edge, "reason": reason}
            for edge, reason in edges.select("edge", "reason").iter_rows()
        ]

    def behind(self) -> pl.DataFrame:
        """Return the processes that make up the intensities used (`BEHIND_SCHEMA`), largest first for each."""
        if self.mapped is None or not self._used:
            return pl.DataFrame(schema=BEHIND_SCHEMA)
        background = self.mapped.background
        names = dict(background.products.select("product", pl.coalesce("name", "product")).iter_rows())
        return pl.concat([
            background.contributions(product, category).select(
                pl.lit(behind_key(product, category)).alias("key"), pl.lit(names[product]).alias("product"),
                pl.lit(category).alias("category"), "process", "value", "share",
            )
            for product, category in self._used
        ])  # fmt: skip

    def _keyed(self, edges: pl.DataFrame, side: str) -> pl.DataFrame:
        nodes = edges[side].unique().to_list()
        ends = pl.DataFrame(
            {
                side: nodes,
                "own_node": [
                    node if self._own_nodes & {node, *self.network.ancestors(node)} else "" for node in nodes
                ],
                "region": [self.network.region_of(node) or "" for node in nodes],
            },
            schema={side: pl.String, "own_node": pl.String, "region": pl.String},
        )  # fmt: skip
        return edges.join(ends, on=side, how="left", maintain_order="left").with_columns(
            pl.col("technology").fill_null(""),
            pl.col("group").fill_null(""),
            pl.when(pl.col("stream").is_in(self._own_streams)).then("stream").otherwise(pl.lit("")).alias("own_stream"),
        )

    def _factor(self, category: Row, item: Row, stage: str) -> tuple[str, str]:
        """Return the id of a coefficient (added to the table), or an empty text and the reason why there is none."""
        link = self.links(category["id"], stage).get(item["commodity"])
        if link is not None:
            return self._by_background(category, item, stage, link), ""
        symbol = category[f"{stage}_quantity"]
        above = (item["own_node"], *self.network.ancestors(item["own_node"])) if item["own_node"] else ()
        request = Request(item["commodity"], item["unit"], "", item["technology"], item["region"], item["own_stream"],
                          above)  # fmt: skip
        sets: Sequence[str] = (category["upstream_sets"] or "").split(";") if stage == "upstream" else ()
        found = self.lookup.find(symbol, request, {symbol: [name for name in sets if name]})
        if isinstance(found, Missing):
            if found.technologies:
                return "", "technology"
            return "", "cut_off" if stage == "upstream" and item["group"] in WASTES else "no_factor"
        parts = [part_of(choice) for choice in found]
        family = f"{stage}:{category['id']}:{item['commodity']}"
        identity = f"{family}:" + "+".join(choice.factor for choice in found)
        try:
            return self.table.add(
                identity, category["id"], stage, item["commodity"], item["unit"], category["unit"], parts, None, family
            ), ""
        except UnitError:
            return "", "unit"

    def _by_background(self, category: Row, item: Row, stage: str, link: Link) -> str:
        assert self.mapped is not None
        background = self.mapped.background
        theirs = self.mapped.categories[category["id"]]
        intensity = self._intensities[link.product, theirs.product]
        place = f"background:{background.name}"
        product_unit, category_unit = background.unit_of(link.product), str(intensity["unit"] or "")
        self._used[link.product, theirs.product] = None
        name = background.products.row(int(background.positions([link.product])[0]), named=True)["name"] or link.product
        parts = [
            stated_part("link", link.factor, _quotient(product_unit, item["unit"]), f"{place}:{link.place}",
                        level="park", remark=link.note or None),
            stated_part("intensity", intensity["value"], _quotient(category_unit, product_unit),
                        behind_key(link.product, theirs.product), level="world", set=background.name,
                        source=background.name, version=background.version or None, sd=intensity["sd"],
                        remark=f"{name} ({category_unit}/{product_unit})"),
            stated_part("category_factor", theirs.factor, _quotient(category["unit"], category_unit),
                        f"{place}:{theirs.place}", level="park", remark=theirs.note or None),
        ]  # fmt: skip
        # a system that keeps a treated waste as negative production gives its burden the other sign
        scale = -1.0 if stage == "treatment" and background.produced(link.product) < 0 else 1.0
        identity = f"{place}:{link.product}:{theirs.product}:{stage}:{item['commodity']}"
        return self.table.add(
            identity, category["id"], "background", item["commodity"], item["unit"], category["unit"], parts, scale
        )


def behind_key(product: str, category: str) -> str:
    """Return the key under which the intensity of a background product is explained."""
    return f"background:{product}:{category}"


def _quotient(above: str, below: str) -> str:
    """Return a unit of two, or 1 where either is written in a way that the units room does not read."""
    try:
        return parse(f"({parse(above).text})/({parse(below).text})").text
    except UnitError:
        return "1"
