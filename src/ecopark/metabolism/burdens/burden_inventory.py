"""Greenhouse gases of a park's burdens, taken from its inventory so that both say the same number.

Scope 1 of the headline total is direct, scope 2 upstream; scope 3 is treatment where the rule counts what is sent and
upstream otherwise. A stream whose product comes from a background system leaves out its lines of scope 2 and 3.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from ecopark.accounting.result import Inventory
from ecopark.metabolism.burdens.burden_rows import BURDEN_SCHEMA, FactorTable
from ecopark.metabolism.flows import LayeredFlows
from ecopark.metabolism.layers import NORMAL_95
from ecopark.model.problems import InputError, Problem
from ecopark.model.record import Record
from ecopark.translation import N_

Row = Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class GasBurdens:
    """Rows of an inventory's lines, and the streams that they cover upstream and in treatment."""

    rows: pl.DataFrame
    upstream: frozenset[str]
    treatment: frozenset[str]


def check_inventory(inventory: Inventory, layered: LayeredFlows) -> None:
    """Raise InputError where an inventory is of another year, boundary, scenario or view than the flows."""
    whole = layered.start.month == 1 and layered.start.day == 1 and layered.end.year == layered.start.year + 1
    problems: list[Problem] = []
    if (inventory.year, inventory.boundary, inventory.scenario) != (
        layered.year,
        layered.boundary,
        layered.scenario,
    ) or not whole:
        problems.append(
            Problem(
                "burdens_inventory",
                "inventory",
                N_("The inventory is of {found}, the flows of {expected}."),
                N_("Draw the inventory for the same year, boundary and scenario; months have none."),
                {
                    "found": f"{inventory.year}, {inventory.boundary}, {inventory.scenario}",
                    "expected": f"{layered.start}–{layered.end}, {layered.boundary}, {layered.scenario}",
                },
            )
        )
    if inventory.perspective != "park":
        problems.append(
            Problem(
                "burdens_perspective",
                "inventory",
                N_("The inventory adds up the firms' own boundaries, so that deliveries between them count twice."),
                N_("Draw it for the boundary as a whole."),
            )
        )
    if not any(category.scope for category in inventory.scheme.categories):
        problems.append(
            Problem(
                "burdens_scopes",
                "inventory",
                N_("The scheme {scheme} does not say which of its categories are direct."),
                N_("Use a scheme with scopes, such as park-ghg."),
                {"scheme": inventory.scheme.id},
            )
        )
    if problems:
        raise InputError(problems)


def gas_burdens(
    inventory: Inventory,
    record: Record,
    category: Row,
    table: FactorTable,
    replaced: Mapping[str, Collection[str]],
) -> GasBurdens:
    """Return the burdens of an inventory's lines in the climate category.

    `replaced` maps "upstream" and "treatment" to commodities that a background system covers there.
    """
    crossing = {rule.id: rule.crossing for rule in inventory.scheme.rules}
    headline = inventory.lines_of().filter(pl.col("scope").is_in(["1", "2"]))
    lines = pl.concat([headline, inventory.lines.filter(pl.col("scope") == "3")])
    rules = lines["rule"].replace_strict(crossing, return_dtype=pl.String)
    third = pl.when(rules == "sent").then(pl.lit("treatment")).otherwise(pl.lit("upstream"))
    stage = pl.when(pl.col("scope") == "1").then(pl.lit("direct")).when(pl.col("scope") == "2").then(
        pl.lit("upstream")
    ).otherwise(third)  # fmt: skip
    lines = lines.with_columns(stage.alias("stage"), pl.Series("crossing", rules))
    for name in ("upstream", "treatment"):
        covered = (pl.col("stage") == name) & pl.col("commodity").is_in(list(replaced.get(name, ())))
        lines = lines.filter(~covered)
    ids = _coefficient_ids(inventory, set(lines["coefficient"]), category, table)
    streams = record.streams.select(
        pl.col("id").alias("stream"), "source", "target", "activity"
    )  # fmt: skip
    groups = _deviations(inventory)
    sends = pl.col("crossing").is_in(["sent", "produced"])
    joined = (
        lines.join(streams, on="stream", how="left", maintain_order="left")
        .join(groups, left_on="flow", right_on="id", how="left", maintain_order="left")
        .with_columns(pl.col("coefficient").replace_strict(ids, return_dtype=pl.String).alias("factor"))
    )
    rows = joined.select(
        pl.lit(None, pl.Int64).alias("row"), pl.lit(category["id"]).alias("category"), "stage",
        pl.coalesce(pl.when(sends).then("source").otherwise("target"), "node").alias("node"),
        pl.col("node").alias("firm"), pl.when(sends).then("target").otherwise("source").alias("other"), "stream",
        "commodity", pl.lit(None, pl.String).alias("group"), "activity", "flow",
        (pl.col("amount") * pl.col("share")).alias("amount"), pl.col("unit").alias("amount_unit"), "factor",
        pl.lit(None, pl.Float64).alias("coefficient"), pl.lit(None, pl.Float64).alias("value"),
        pl.lit(category["unit"]).alias("unit"), (pl.col("deviation") * pl.col("share")).alias("sd_amount"),
        pl.lit(None, pl.Float64).alias("sd_factor"), pl.lit(None, pl.Float64).alias("sd"), "correlation_group",
    )  # fmt: skip

    def covered_streams(name: str) -> frozenset[str]:
        return frozenset(lines.filter(pl.col("stage") == name)["stream"].drop_nulls())

    return GasBurdens(
        rows.select(pl.col(name).cast(kind) for name, kind in BURDEN_SCHEMA.items()),
        covered_streams("upstream"), covered_streams("treatment"),
    )  # fmt: skip


def _coefficient_ids(inventory: Inventory, used: Collection[int], category: Row, table: FactorTable) -> dict[int, str]:
    """Add the coefficients that lines use to the table; return their ids by number."""
    parts: dict[int, list[dict[str, Any]]] = {}
    for row in inventory.parameters.iter_rows(named=True):
        parts.setdefault(row["coefficient"], []).append({**row, "reference": row["factor"]})
    ids: dict[int, str] = {}
    for row in inventory.coefficients.filter(pl.col("coefficient").is_in(list(used))).iter_rows(named=True):
        own = parts.get(row["coefficient"], [])
        family = f"inventory:{row['rule']}:{row['commodity']}:{row['measure']}"
        chosen = "+".join(f"{part['reference']}^{part['power']}" for part in own)
        ids[row["coefficient"]] = table.add(
            f"{family}:{chosen}", category["id"], "inventory", row["commodity"], row["amount_unit"], row["unit"], own,
            row["unit_scale"], family,
        )  # fmt: skip
    return ids


def _deviations(inventory: Inventory) -> pl.DataFrame:
    """Return the standard deviation of every flow's amount, null without a range: id, deviation, correlation_group."""
    ranged = pl.col("low").is_not_null() | pl.col("high").is_not_null()
    half = pl.mean_horizontal(pl.col("amount") - pl.col("low"), pl.col("high") - pl.col("amount"))
    return inventory.flows.select(
        "id", pl.when(ranged).then(half.abs() / NORMAL_95).alias("deviation"), "correlation_group"
    ).unique("id", keep="first", maintain_order=True)  # fmt: skip
