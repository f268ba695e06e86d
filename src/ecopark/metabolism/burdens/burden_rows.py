"""Rows of life-cycle burdens: an amount times a coefficient, whose parts are kept so that it can be worked out anew."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from ecopark.accounting.explanation import NOTE_SEPARATOR
from ecopark.catalogue import Choice
from ecopark.metabolism.flows import LayeredFlows
from ecopark.metabolism.layers import standard_deviation
from ecopark.units import combine

BURDEN_SCHEMA: dict[str, type[pl.DataType]] = {
    "row": pl.Int64, "category": pl.String, "stage": pl.String, "node": pl.String, "firm": pl.String,
    "other": pl.String, "stream": pl.String, "commodity": pl.String, "group": pl.String, "activity": pl.String,
    "flow": pl.String, "amount": pl.Float64, "amount_unit": pl.String, "factor": pl.String,
    "coefficient": pl.Float64, "value": pl.Float64, "unit": pl.String, "sd_amount": pl.Float64,
    "sd_factor": pl.Float64, "sd": pl.Float64, "correlation_group": pl.String,
}  # fmt: skip
"""One burden: ``value = amount * coefficient`` in the category's unit.

`node` is the node inside that emits, takes, receives or hands over, `other` the other end (null for lines of an
inventory). `sd_amount` and `sd_factor` are the parts of the standard deviation `sd` that come from amount and factor,
in the category's unit; null where no range is stated.
"""

FACTOR_SCHEMA: dict[str, type[pl.DataType]] = {
    "factor": pl.String, "family": pl.String, "category": pl.String, "kind": pl.String, "commodity": pl.String,
    "value": pl.Float64, "unit": pl.String, "amount_unit": pl.String, "scale": pl.Float64, "sd": pl.Float64,
}  # fmt: skip
"""A coefficient: ``value = scale * product of parts``, in `unit` per `amount_unit`.

`factor` names it with the values chosen, `family` without them: the same family in two states is the same question
answered by perhaps another value.

kind: characterisation (of what is emitted or taken from nature), content (what a received commodity holds itself),
upstream, treatment (factors of catalogue or park), background (a life-cycle system), inventory (a line's coefficient).
"""

PART_SCHEMA: dict[str, type[pl.DataType]] = {
    "factor": pl.String, "symbol": pl.String, "power": pl.Int8, "value": pl.Float64, "unit": pl.String,
    "reference": pl.String, "level": pl.String, "set": pl.String, "status": pl.String, "source": pl.String,
    "version": pl.String, "low": pl.Float64, "high": pl.Float64, "sd": pl.Float64, "range_source": pl.String,
    "remark": pl.String,
}  # fmt: skip
"""One part of a coefficient: a value with its power, where it comes from and how well it is known."""

STAGES = ("direct", "upstream", "treatment")
"""Inside the park; making what it receives; treating outside what it hands over."""


@dataclass
class FactorTable:
    """Coefficients and their parts, collected once each by id."""

    factors: dict[str, dict[str, Any]] = field(default_factory=dict)
    parts: list[dict[str, Any]] = field(default_factory=list)

    def add(
        self,
        identity: str,
        category: str,
        kind: str,
        commodity: str,
        amount_unit: str,
        unit: str,
        parts: Sequence[Mapping[str, Any]],
        scale: float | None = None,
        family: str = "",
    ) -> str:
        """Add a coefficient and return its id; `scale` follows from the units where it is not given (UnitError)."""
        if identity in self.factors:
            return identity
        if scale is None:
            scale = combine([(amount_unit, 1), *((part["unit"], part["power"]) for part in parts)], unit)
        value, relative, ranged = scale, 0.0, False
        for part in parts:
            value *= part["value"] ** part["power"]
            deviation = part.get("sd")
            if deviation is None:
                deviation = standard_deviation(part["value"], part.get("low"), part.get("high"))
            if deviation is not None and part["value"]:
                ranged = True
                relative += (part["power"] * deviation / part["value"]) ** 2
        self.factors[identity] = {
            "factor": identity, "family": family or identity, "category": category, "kind": kind,
            "commodity": commodity, "value": value, "unit": unit, "amount_unit": amount_unit, "scale": scale,
            "sd": abs(value) * math.sqrt(relative) if ranged else None,
        }  # fmt: skip
        self.parts += [{name: part.get(name) for name in PART_SCHEMA} | {"factor": identity} for part in parts]
        return identity

    def frames(self) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Return (factors, parts) as frames."""
        return (
            pl.DataFrame(list(self.factors.values()), schema=FACTOR_SCHEMA),
            pl.DataFrame(self.parts, schema=PART_SCHEMA),
        )


def part_of(choice: Choice, power: int = 1) -> dict[str, Any]:
    """Return a chosen factor as a part of a coefficient."""
    return {
        "symbol": choice.symbol, "power": choice.power * power, "value": choice.value, "unit": choice.unit,
        "reference": choice.factor, "level": choice.level, "set": choice.set, "status": choice.status,
        "source": choice.source, "version": choice.version, "low": choice.low, "high": choice.high,
        "range_source": choice.range_source, "remark": NOTE_SEPARATOR.join(choice.remarks) or None,
    }  # fmt: skip


def stated_part(symbol: str, value: float, unit: str, reference: str, **more: Any) -> dict[str, Any]:
    """Return a part with a stated value; `more` are further columns of `PART_SCHEMA`."""
    return {"symbol": symbol, "power": 1, "value": value, "unit": unit, "reference": reference, **more}


def with_burden(edges: pl.DataFrame, category: str, unit: str, stage: str, side: str) -> pl.DataFrame:
    """Return edges with a column `factor` as rows of `BURDEN_SCHEMA` (values still to be filled).

    `side` ("source" or "target") is the end that lies inside and bears the burden.
    """
    other = "target" if side == "source" else "source"
    return edges.select(
        pl.lit(None, pl.Int64).alias("row"), pl.lit(category).alias("category"), pl.lit(stage).alias("stage"),
        pl.col(side).alias("node"), pl.col(f"{side}_firm").alias("firm"), pl.col(other).alias("other"), "stream",
        "commodity", "group", "activity", "flow", "amount", pl.col("unit").alias("amount_unit"), "factor",
        pl.lit(None, pl.Float64).alias("coefficient"), pl.lit(None, pl.Float64).alias("value"),
        pl.lit(unit).alias("unit"), pl.col("sd").alias("sd_amount"), pl.lit(None, pl.Float64).alias("sd_factor"),
        pl.lit(None, pl.Float64).alias("sd"), "correlation_group",
    )  # fmt: skip


def complete(rows: Sequence[pl.DataFrame], factors: pl.DataFrame) -> pl.DataFrame:
    """Return all rows numbered from 1, with coefficient, value and standard deviations filled from the factors."""
    together = pl.concat([*rows, pl.DataFrame(schema=BURDEN_SCHEMA)])
    worth = factors.select("factor", pl.col("value").alias("worth"), pl.col("sd").alias("deviation"))
    ranged = pl.col("sd_amount").is_not_null() | pl.col("deviation").is_not_null()
    return (
        together.join(worth, on="factor", how="left", maintain_order="left")
        .with_columns(
            pl.col("worth").alias("coefficient"),
            (pl.col("amount") * pl.col("worth")).alias("value"),
            (pl.col("sd_amount") * pl.col("worth").abs()).alias("sd_amount"),
            (pl.col("amount").abs() * pl.col("deviation")).alias("sd_factor"),
            ranged.alias("ranged"),
        )
        .with_columns(
            pl.when("ranged")
            .then((pl.col("sd_amount").fill_null(0.0).pow(2) + pl.col("sd_factor").fill_null(0.0).pow(2)).sqrt())
            .alias("sd"),
            pl.int_range(1, pl.len() + 1, dtype=pl.Int64).alias("row"),
        )
        .select(BURDEN_SCHEMA.keys())
    )


@dataclass(frozen=True, eq=False)
class Crossings:
    """The edges that cross the boundary, by what they mean for burdens; implied edges are left out.

    `received` (from outside, column `nature`: whether from the environment), `emitted` (to the environment, column
    `compartment`), `handed_over` (waste and waste water to others outside), `landfilled` (waste into landfill, wherever
    it lies; columns `stage` and `compartment`).
    """

    received: pl.DataFrame
    emitted: pl.DataFrame
    handed_over: pl.DataFrame
    landfilled: pl.DataFrame


WASTES = ("waste", "wastewater")
_WORDS = {
    "air": ("air", "atmosphere", "sky", "大气", "空气"),
    "water": ("water", "river", "sea", "lake", "ocean", "stream", "aquifer", "水", "河", "海", "江", "湖"),
    "soil": ("soil", "land", "ground", "土", "地"),
}


def compartment_of(node: str, names: tuple[str, str]) -> str:
    """Return air, water or soil for a node of the environment, by its id and names; empty where they do not tell."""
    for text in (node, *names):
        folded = text.casefold()
        for compartment, words in _WORDS.items():
            if any(word in folded for word in words):
                return compartment
    return ""


def crossings(layered: LayeredFlows, compartments: Mapping[str, str] | None = None) -> Crossings:
    """Return what crosses the boundary; `compartments` says what a node of the environment is where words do not."""
    given = dict(compartments or {})
    environment = layered.nodes.filter(pl.col("kind") == "environment")["node"].to_list()
    where = pl.DataFrame(
        {
            "target": environment,
            "compartment": [
                given.get(node) or compartment_of(node, layered.names.get(f"node:{node}", ("", "")))
                for node in environment
            ],
        },
        schema={"target": pl.String, "compartment": pl.String},
    )
    edges = layered.edges.filter(pl.col("implied").is_null())
    to_nature = pl.col("target").is_in(environment)
    leaves = pl.col("source_inside") & ~pl.col("target_inside")
    waste = pl.col("group").is_in(WASTES)
    landfill = pl.col("technology").fill_null("").str.starts_with("landfill")
    return Crossings(
        edges.filter(pl.col("target_inside") & ~pl.col("source_inside")).with_columns(
            pl.col("source").is_in(environment).alias("nature")
        ),
        edges.filter(leaves & to_nature).join(where, on="target", how="left", maintain_order="left"),
        edges.filter(leaves & ~to_nature & waste),
        edges.filter(pl.col("source_inside") & waste & landfill).with_columns(
            pl.when(pl.col("target_inside") | to_nature).then(pl.lit("direct")).otherwise(pl.lit("treatment"))
            .alias("stage"),
            pl.lit("landfill").alias("compartment"),
        ),
    )  # fmt: skip


def deviations(rows: pl.DataFrame, columns: Sequence[str]) -> pl.DataFrame:
    """Return the standard deviation of the sum of rows by `columns`: these columns and `sd`.

        var = sum over variables u of (sum over rows that hold u of signed deviation)^2

    `rows` as `signed` gives them. A variable is an amount (of a correlation group, else of a stream: column `variable`)
    or a factor. `sd` is null where no row of the group states a range.
    """
    keys = list(columns)
    parts = [
        rows.filter(pl.col(deviation).is_not_null())
        .group_by([*keys, variable], maintain_order=True)
        .agg(pl.col(deviation).sum().pow(2).alias("square"))
        .select(*keys, "square")
        for variable, deviation in (("variable", "sd_amount"), ("factor", "sd_factor"))
    ]
    summed = pl.concat(parts).group_by(keys, maintain_order=True).agg(pl.col("square").sum().sqrt().alias("sd"))
    return rows.select(keys).unique(maintain_order=True).join(summed, on=keys, how="left", maintain_order="left")


def deviation(rows: pl.DataFrame) -> float | None:
    """Return the standard deviation of the sum of rows (see `deviations`), None where none states a range."""
    if rows.is_empty():
        return None
    value: float | None = deviations(rows.with_columns(pl.lit(0).alias("all")), ["all"])["sd"].item()
    return value


def signed(rows: pl.DataFrame) -> pl.DataFrame:
    """Return rows with the sign of their value in `sd_amount` and `sd_factor`, and the amount's `variable`."""
    sign = pl.when(pl.col("value") < 0).then(-1.0).otherwise(1.0)
    amount_sign = pl.when(pl.col("coefficient") < 0).then(-1.0).otherwise(1.0)
    return rows.with_columns(
        pl.col("sd_amount") * amount_sign,
        pl.col("sd_factor") * sign,
        pl.coalesce("correlation_group", pl.concat_str(pl.lit("stream:"), "stream"), "flow").alias("variable"),
    )
