"""The sum of the enterprises against the park: what is made and sold inside counts once, and that is shown."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from ecopark.accounting.explanation import Explanation, Input
from ecopark.accounting.result import Inventory


@dataclass(frozen=True)
class Consolidation:
    """The enterprise sum, the park's own inventory, and the eliminations between them.

    `eliminations` has one row per stream that the two count differently: stream, commodity, seller, buyer, amount,
    unit, `bought` (what buyers count for it), `sold` (what sellers deduct), `park` (its result in the park's inventory)
    and `elimination` (bought + sold - park), in the unit of the headline total, largest first. Where a scheme lets
    sellers deduct what buyers count, the two cancel and the elimination is zero.
    """

    enterprises: Inventory
    park: Inventory
    eliminations: pl.DataFrame

    @property
    def enterprise_sum(self) -> float:
        """The headline totals of all enterprises added up."""
        return self.enterprises.total()

    @property
    def eliminated(self) -> float:
        """What is taken out: the enterprise sum less the park's total."""
        return float(self.eliminations["elimination"].sum())

    def explain(self, key: str) -> Explanation:
        """Explain "elimination:STREAM" or "eliminated"; KeyError for anything else."""
        unit = self.park.scheme.totals[0].unit
        if key == "eliminated":
            inputs = [
                Input(
                    "parts",
                    row["stream"],
                    row["stream"],
                    row["elimination"],
                    unit,
                    "total",
                    self.park.reference(f"elimination:{row['stream']}"),
                )
                for row in self.eliminations.iter_rows(named=True)
            ]
            return Explanation(key, "抵消合计", "eliminated", self.eliminated, unit, "sum(parts)", inputs)
        stream = key.removeprefix("elimination:")
        rows = self.eliminations.filter(pl.col("stream") == stream)
        if rows.is_empty():
            raise KeyError(f"no elimination for {stream!r}")
        inputs = []
        for symbol, inventory in (("enterprises", self.enterprises), ("park", self.park)):
            lines = inventory.lines_of().filter(pl.col("stream").fill_null(pl.col("flow")) == stream)
            inputs += [
                Input(
                    symbol,
                    inventory.name(row["rule"], "zh", "rule"),
                    inventory.name(row["rule"], "en", "rule"),
                    row["result"],
                    unit,
                    "line",
                    inventory.reference(f"line:{row['line']}"),
                )
                for row in lines.iter_rows(named=True)
            ]
        value = float(rows["elimination"][0])
        return Explanation(
            key, f"抵消 {stream}", f"elimination of {stream}", value, unit, "sum(enterprises) - sum(park)", inputs
        )


def consolidate(enterprises: Inventory, park: Inventory, streams: pl.DataFrame) -> Consolidation:
    """Return the consolidation of two inventories of one scheme, drawn with the perspectives "firms" and "park".

    `streams` is the record's table. The eliminations add up to the enterprise sum less the park's total. ValueError
    where the two inventories are not of one scheme, year and boundary.
    """
    if enterprises.perspective != "firms" or park.perspective != "park":
        raise ValueError("consolidate takes the inventory of the firms and that of the park, in this order")
    for name in ("year", "boundary", "scenario"):
        if getattr(enterprises, name) != getattr(park, name):
            raise ValueError(f"the two inventories differ in {name}")

    def by_stream(inventory: Inventory) -> pl.DataFrame:
        positive, negative = (
            pl.col("result").filter(pl.col("result") > 0),
            pl.col("result").filter(pl.col("result") < 0),
        )
        return (
            inventory.lines_of()
            .with_columns(pl.col("stream").fill_null(pl.col("flow")))
            .group_by("stream", maintain_order=True)
            .agg(
                positive.sum().alias("bought"),
                negative.sum().alias("sold"),
                pl.col("commodity").first(),
                pl.col("unit").first(),
                (pl.col("amount") * pl.col("share"))
                .filter(pl.col("rule") == pl.col("rule").first())
                .sum()
                .alias("amount"),
            )
        )

    own = by_stream(enterprises)
    rest = by_stream(park).select("stream", pl.col("bought").alias("park_bought"), pl.col("sold").alias("park_sold"))
    firms = streams.select(
        pl.col("id").alias("stream"), pl.col("source").alias("seller"), pl.col("target").alias("buyer")
    )
    slack = 1e-12 * float(own.select(pl.col("bought").abs().max()).item() or 0.0)
    table = (
        own.join(rest, on="stream", how="left", maintain_order="left")
        .with_columns(pl.col("park_bought", "park_sold").fill_null(0.0))
        .filter(
            ((pl.col("bought") - pl.col("park_bought")).abs() > slack)
            | ((pl.col("sold") - pl.col("park_sold")).abs() > slack)
        )
        .with_columns((pl.col("park_bought") + pl.col("park_sold")).alias("park"))
        .with_columns((pl.col("bought") + pl.col("sold") - pl.col("park")).alias("elimination"))
        .join(firms, on="stream", how="left", maintain_order="left")
        .select("stream", "commodity", "seller", "buyer", "amount", "unit", "bought", "sold", "park", "elimination")
        .sort(pl.col("elimination").abs(), pl.col("bought"), descending=True, maintain_order=True)
    )
    return Consolidation(enterprises, park, table)
