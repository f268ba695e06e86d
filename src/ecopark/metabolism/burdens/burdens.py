"""Life-cycle burdens of a park: what it emits and takes itself, and what its purchases and wastes cause outside.

    burden of a category = sum over rows of amount * coefficient

Foreground: emissions to the environment and resources taken from it, as recorded, times characterisation factors;
greenhouse gases from an inventory where one is given. Background: upstream of everything received from outside, and
treatment of waste handed over, by factors of catalogue and park or by a life-cycle system. Products that leave carry
nothing away: the burdens are those of the park's whole output (cradle to gate, with its wastes). What has no background
value is named, with its share of all that is received or handed over, so that the cut-off can be seen.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import polars as pl

from ecopark.accounting.explanation import Explanation
from ecopark.accounting.result import Inventory, Remark
from ecopark.catalogue import Catalogue, FactorLookup
from ecopark.metabolism.burdens.background.mapping import Mapped
from ecopark.metabolism.burdens.burden_inventory import check_inventory, gas_burdens
from ecopark.metabolism.burdens.burden_rows import (
    STAGES,
    Crossings,
    FactorTable,
    complete,
    crossings,
    deviation,
    deviations,
    signed,
)
from ecopark.metabolism.burdens.burden_supply import Supply
from ecopark.metabolism.burdens.characterisation import Characteriser
from ecopark.metabolism.flows import LayeredFlows
from ecopark.metabolism.result import Result
from ecopark.model.network import Network
from ecopark.model.problems import InputError, Problem
from ecopark.model.record import Record
from ecopark.translation import N_

Row = Mapping[str, Any]

TOTAL_SCHEMA: dict[str, type[pl.DataType]] = {
    "category": pl.String, "name_zh": pl.String, "name_en": pl.String, "kind": pl.String, "unit": pl.String,
    "value": pl.Float64, "sd": pl.Float64, "direct": pl.Float64, "upstream": pl.Float64, "treatment": pl.Float64,
    "rows": pl.Int64,
}  # fmt: skip
"""One impact category: its total, standard deviation (null where no range is stated) and the parts by stage.

What has no row at all is null, not nought: nothing is known of it.
"""

UNCOVERED_SCHEMA: dict[str, type[pl.DataType]] = {
    "category": pl.String, "stage": pl.String, "commodity": pl.String, "reason": pl.String, "edges": pl.Int64,
    "streams": pl.String, "mass": pl.Float64, "energy": pl.Float64, "money": pl.Float64, "share_mass": pl.Float64,
    "share_energy": pl.Float64, "share_money": pl.Float64,
}  # fmt: skip
"""A commodity that a category does not count, with its mass (t), energy (GJ), money (CNY) and their shares.

reason: no_factor, technology (a factor exists only for stated technologies), unit, cut_off (waste received carries no
upstream burden by convention), unknown_factor (the characterisation factor is not known), no_amount. Shares are of all
that the stage receives, hands over or emits; null where the layer was not drawn or holds nothing. `streams` lists ids
with semicolons between.
"""

REASONS = {
    "no_factor": N_("no background value"),
    "technology": N_("background values only for stated technologies"),
    "unit": N_("the unit does not fit the factor's"),
    "cut_off": N_("waste received: no upstream burden by convention"),
    "unknown_factor": N_("characterisation factor unknown"),
    "no_amount": N_("amount not known"),
}
STAGE_NAMES = {
    "direct": N_("Inside the park"),
    "upstream": N_("Upstream of what is received"),
    "treatment": N_("Treatment outside"),
}
LAYERS = ("mass", "energy", "money")


@dataclass(frozen=True, eq=False, kw_only=True)
class Burdens(Result):
    """The burdens of a boundary: `rows` (`burden_rows.BURDEN_SCHEMA`), `totals`, `uncovered` and what stands behind.

    `factors` and `parts` hold the coefficients, `flows` the recorded flows behind the amounts, `behind` the processes
    of the background system that make up its intensities (`burden_supply.BEHIND_SCHEMA`).
    """

    engine: ClassVar[str] = "burdens"

    rows: pl.DataFrame
    totals: pl.DataFrame
    uncovered: pl.DataFrame
    factors: pl.DataFrame
    parts: pl.DataFrame
    flows: pl.DataFrame
    behind: pl.DataFrame

    @property
    def categories(self) -> list[str]:
        """The impact categories, in the catalogue's order."""
        return self.totals["category"].to_list()

    def total(self, category: str, stage: str = "") -> float | None:
        """Return the burden in a category (of one stage if given) in its unit, None where nothing is known of it.

        KeyError for an unknown category.
        """
        found = self.totals.filter(pl.col("category") == category)
        if found.is_empty():
            raise KeyError(f"no impact category {category!r}; known: {', '.join(self.categories)}")
        value: float | None = found[stage or "value"].item()
        return value

    def by(self, category: str, *dimensions: str) -> pl.DataFrame:
        """Return a category split by dimensions (stage, node, firm, commodity, stream, activity): `value`, `sd`, `key`.

        Largest first; the values add up to the total. ValueError for an unknown dimension.
        """
        known = ("stage", "node", "firm", "commodity", "stream", "activity", "group")
        for dimension in dimensions:
            if dimension not in known:
                raise ValueError(f"unknown dimension {dimension!r}; known: {', '.join(known)}")
        rows = signed(self.rows.filter(pl.col("category") == category)).with_columns(
            pl.col(name).fill_null("") for name in dimensions
        )
        columns = list(dimensions)
        parts = [pl.lit(f"total:{category}")]
        for name in columns:
            parts += [pl.lit(f"&{name}:"), pl.col(name)]
        summed = rows.group_by(columns, maintain_order=True).agg(pl.col("value").sum(), pl.len().alias("rows"))
        spread = deviations(rows, columns)
        return (
            summed.join(spread, on=columns, how="left", maintain_order="left")
            .with_columns(pl.lit(self._unit(category)).alias("unit"), pl.concat_str(parts).alias("key"))
            .sort(pl.col("value").abs(), descending=True, maintain_order=True)
        )

    def _unit(self, category: str) -> str:
        return str(self.totals.filter(pl.col("category") == category)["unit"].item())

    def explain(self, key: str) -> Explanation:
        """Return where a number comes from.

        Keys: "row:17"; "total:CATEGORY", with "&stage:upstream", "&node:ID", "&commodity:ID" … for parts of it;
        "share:STAGE:LAYER:CATEGORY:COMMODITY" for a share that is not covered; "background:PRODUCT:CATEGORY" for the
        burden of a background product. KeyError for a key that names nothing.
        """
        from ecopark.metabolism.burdens.burden_explanations import explain

        return explain(self, key)


def draw_burdens(
    layered: LayeredFlows,
    record: Record,
    catalogue: Catalogue,
    *,
    inventory: Inventory | None = None,
    background: Mapped | None = None,
    categories: Sequence[str] | None = None,
    gwp: str = "",
    compartments: Mapping[str, str] | None = None,
    samples: int = 0,
    seed: int = 1,
) -> Burdens:
    """Return the life-cycle burdens of the boundary and period of `layered`.

    `inventory` (same year, boundary and scenario, with scopes) gives the greenhouse gases; without it only recorded
    releases of gases count, by the set `gwp`. `background` is a mapped life-cycle system, `samples` draws of it give
    its values a deviation. `compartments` says which node of the environment is air, water or soil where its names do
    not. InputError for unknown categories and for an inventory of something else, ValueError for flows by months.
    """
    if layered.resolution != "period":
        raise ValueError("burdens are drawn for one period: a year or a single month")
    chosen = _categories(catalogue, categories)
    if inventory is not None:
        check_inventory(inventory, layered)
    network = Network(record)
    table = FactorTable()
    uncounted: list[dict[str, Any]] = []
    parents = dict(catalogue.parent_commodity)
    parents |= dict(record.commodities.filter(pl.col("parent").is_not_null()).select("id", "parent").iter_rows())
    lookup = FactorLookup(catalogue, layered.year, _local(record), {}, parents)
    gwp = gwp or str(catalogue.impact_categories.filter(pl.col("method") == "gwp")["factor_set"].first())
    characteriser = Characteriser(catalogue, lookup, layered, table, gwp, uncounted)
    supply = Supply(record, network, lookup, table, background, uncounted, samples, seed)
    crossing = crossings(layered, compartments)
    rows: list[pl.DataFrame] = []
    for category in chosen:
        gases = inventory if category["method"] == "gwp" else None
        rows += _category_rows(category, crossing, characteriser, supply, gases, record)
    factors, parts = table.frames()
    completed = complete(rows, factors)
    streams = completed["stream"].drop_nulls().unique().to_list()
    flows = layered.flows.filter(pl.col("stream").is_in(streams))
    uncovered = pl.concat([_uncovered(uncounted, layered, crossing), _gaps(chosen, inventory, record)])
    names = dict(layered.names)
    names |= {f"category:{row['id']}": (row["name_zh"], row["name_en"]) for row in chosen}
    return Burdens(
        settings={
            **layered.settings, "gwp": gwp if inventory is None else inventory.options.get("gwp", ""),
            "inventory": inventory.scheme.id if inventory is not None else "",
            "background": background.background.name if background is not None else "", "samples": samples,
        },
        names=names, sources=layered.sources, rows=completed, totals=_totals(chosen, completed),
        uncovered=uncovered, factors=factors, parts=parts, flows=flows,
        behind=supply.behind(),
        remarks=_remarks(chosen, inventory, background, crossing),
    )  # fmt: skip


def _local(record: Record) -> list[dict[str, Any]]:
    from ecopark.accounting.coefficients import local_rows

    return local_rows(record)


def _categories(catalogue: Catalogue, wanted: Sequence[str] | None) -> list[Row]:
    rows = catalogue.impact_categories.to_dicts()
    if wanted is None:
        return list(rows)
    known = {row["id"]: row for row in rows}
    problems = [
        Problem(
            "burdens_category",
            "categories",
            N_("There is no impact category “{found}”."),
            N_("Use one of: {known}."),
            {"found": name, "known": ", ".join(known)},
        )
        for name in wanted
        if name not in known
    ]
    if problems:
        raise InputError(problems)
    return [row for row in rows if row["id"] in wanted]


def _category_rows(
    category: Row,
    crossing: Crossings,
    characteriser: Characteriser,
    supply: Supply,
    inventory: Inventory | None,
    record: Record,
) -> list[pl.DataFrame]:
    """Return all rows of one category, without values yet."""
    received, handed_over = crossing.received, crossing.handed_over
    market = received.filter(~pl.col("nature"))
    rows: list[pl.DataFrame] = []
    if inventory is not None:
        replaced = {stage: supply.links(category["id"], stage) for stage in ("upstream", "treatment")}
        gases = gas_burdens(inventory, record, category, supply.table, replaced)
        rows.append(gases.rows)
        market = market.filter(~pl.col("stream").is_in(sorted(gases.upstream)))
        handed_over = handed_over.filter(~pl.col("stream").is_in(sorted(gases.treatment)))
    else:
        nature = received.filter("nature").with_columns(pl.lit("nature").alias("compartment"))
        rows.append(characteriser.rows(category, crossing.emitted, stage="direct", side="source"))
        rows.append(characteriser.rows(category, nature, stage="direct", side="target"))
        for stage in ("direct", "treatment"):
            landfilled = crossing.landfilled.filter(pl.col("stage") == stage)
            rows.append(characteriser.rows(category, landfilled, stage=stage, side="source"))
    upstream, without = supply.rows(category, market, "upstream", "target")
    rows.append(upstream)
    content = characteriser.rows(
        category,
        without.with_columns(pl.lit("market").alias("compartment")),
        stage="upstream",
        side="target",
        kind="content",
    )
    rows.append(content)
    held = content["stream"].unique().to_list()
    supply.note(category, "upstream", without.filter(~pl.col("stream").is_in(held)))
    treatment, without = supply.rows(category, handed_over, "treatment", "source")
    counted = pl.concat([row.filter(pl.col("stage") == "treatment") for row in rows])["stream"].unique().to_list()
    supply.note(category, "treatment", without.filter(~pl.col("stream").is_in(counted)))
    return [*rows, treatment]


def _totals(categories: Sequence[Row], rows: pl.DataFrame) -> pl.DataFrame:
    found: list[Row] = []
    for category in categories:
        own = rows.filter(pl.col("category") == category["id"])
        stages = {stage: _sum(own.filter(pl.col("stage") == stage)) for stage in STAGES}
        found.append({
            "category": category["id"], "name_zh": category["name_zh"], "name_en": category["name_en"],
            "kind": category["kind"], "unit": category["unit"],
            "value": _sum(own), "sd": deviation(signed(own)), **stages,
            "rows": own.height,
        })  # fmt: skip
    return pl.DataFrame(found, schema=TOTAL_SCHEMA)


def _sum(rows: pl.DataFrame) -> float | None:
    return math.fsum(rows["value"]) if rows.height else None


def _uncovered(uncounted: Sequence[Row], layered: LayeredFlows, crossing: Crossings) -> pl.DataFrame:
    """Return commodities without a value, with what they make of all that the stage receives, hands over or emits."""
    wide = layered.edges.select("edge", "stream", "commodity", "amount")
    for layer in LAYERS:
        values = layered.values.filter(pl.col("layer") == layer).select("edge", pl.col("value").alias(layer))
        wide = wide.join(values, on="edge", how="left", maintain_order="left")
    stages = {
        "direct": crossing.emitted, "treatment": crossing.handed_over,
        "upstream": crossing.received.filter(~pl.col("nature")),
    }  # fmt: skip
    wholes = pl.DataFrame([
        {"stage": stage, **{f"whole_{layer}": _whole(wide, edges, layer) for layer in LAYERS}}
        for stage, edges in stages.items()
    ], schema={"stage": pl.String, **{f"whole_{layer}": pl.Float64 for layer in LAYERS}})  # fmt: skip
    texts = {"category": pl.String, "stage": pl.String, "edge": pl.Int64, "reason": pl.String}
    listed = pl.DataFrame(list(uncounted), schema=texts).unique(maintain_order=True)

    def sums(layer: str) -> pl.Expr:
        return pl.when(pl.col(layer).is_not_null().any()).then(pl.col(layer).sum()).alias(layer)

    return (
        listed.join(wide, on="edge", how="left", maintain_order="left")
        .filter(pl.col("amount").is_null() | (pl.col("amount") != 0))
        .group_by("category", "stage", "commodity", "reason", maintain_order=True)
        .agg(
            pl.len().cast(pl.Int64).alias("edges"),
            pl.col("stream").drop_nulls().unique().sort().str.join(";").alias("streams"),
            *(sums(layer) for layer in LAYERS),
        )
        .join(wholes, on="stage", how="left", maintain_order="left")
        .with_columns((pl.col(layer) / pl.col(f"whole_{layer}")).alias(f"share_{layer}") for layer in LAYERS)
        .select(UNCOVERED_SCHEMA.keys())
    )


def _gaps(categories: Sequence[Row], inventory: Inventory | None, record: Record) -> pl.DataFrame:
    """Return the inventory's gaps that concern a stream, as what the climate category does not count inside."""
    goods = dict(record.streams.select("id", "commodity").iter_rows())
    found = [
        {"category": category["id"], "stage": "direct", "commodity": goods[gap.stream], "reason": _GAPS[gap.kind],
         "edges": 1, "streams": gap.stream}
        for category in categories
        if category["method"] == "gwp" and inventory is not None
        for gap in inventory.gaps
        if gap.stream in goods and gap.kind in _GAPS
    ]  # fmt: skip
    return pl.DataFrame(found, schema=UNCOVERED_SCHEMA)


_GAPS = {
    "no_data": "no_amount", "not_estimated": "no_amount", "confidential": "no_amount", "no_factor": "no_factor",
    "unknown_factor": "unknown_factor",
}  # fmt: skip


def _whole(wide: pl.DataFrame, edges: pl.DataFrame, layer: str) -> float | None:
    total = float(wide.filter(pl.col("edge").is_in(edges["edge"].to_list()))[layer].sum() or 0.0)
    return total if total > 0 else None


def _remarks(
    categories: Sequence[Row],
    inventory: Inventory | None,
    background: Mapped | None,
    crossing: Crossings,
) -> list[Remark]:
    remarks: list[Remark] = []
    if inventory is None and any(row["method"] == "gwp" for row in categories):
        remarks.append(
            Remark(
                "burdens_without_inventory",
                N_("No greenhouse-gas inventory was given: gases of fuels burnt and of purchased power and heat are "
                   "not counted."),
                {}, "warning",
            )
        )  # fmt: skip
    if inventory is not None and inventory.gaps:
        remarks.append(
            Remark(
                "burdens_gaps",
                N_("Gaps in the greenhouse-gas inventory: {number}; climate change is a lower bound."),
                {"number": len(inventory.gaps)}, "warning",
            )
        )  # fmt: skip
    if background is None:
        remarks.append(
            Remark(
                "burdens_without_background",
                N_("No life-cycle database is linked: upstream burdens other than greenhouse gases are mostly not "
                   "covered."),
            )
        )  # fmt: skip
    else:
        remarks += background.background.remarks
    unplaced = crossing.emitted.filter(pl.col("compartment") == "")["target"].unique().to_list()
    if unplaced:
        remarks.append(
            Remark(
                "burdens_compartment",
                N_("Whether {nodes} are air, water or soil is not known; only substances that are counted in one of "
                   "them alone count there."),
                {"nodes": ", ".join(sorted(unplaced))}, "warning",
            )
        )  # fmt: skip
    return remarks
