"""The uncertainty of an inventory: its lines as products of uncertain amounts and factors, each factor one variable."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import polars as pl

from ecopark.accounting.explanation import Explanation, Input
from ecopark.accounting.result import Inventory
from ecopark.accounting.uncertainty import (
    Approach1,
    Approach2,
    FirstOrder,
    ProductSum,
    approach_1,
    approach_2,
    first_order,
)

DIMENSIONS = ("category", "scope", "node")
"""The splits of the headline total that get a range of their own."""

SEED = 1
"""The seed of every simulation that is shown, so that a range can be reproduced."""
_LISTED = 50


def product_sum(inventory: Inventory, total: str | None = None) -> ProductSum:
    """Return a total as ``sum over lines of constant * amount * product of parameters``.

    The amount of a flow is one variable (correlated with those of its correlation group) and every factor is one
    variable, however many lines use it. A parameter in the denominator enters as its reciprocal. The share of the
    period, unit conversion and sign are in the constant. Groups: "total", and "category:ID", "scope:ID", "node:ID".
    """
    lines = inventory.lines_of(total).with_columns(
        pl.concat_str(pl.lit("flow:"), pl.col("flow")).alias("amount_variable")
    )
    scales = inventory.coefficients.select("coefficient", "unit_scale")
    lines = lines.join(scales, on="coefficient", how="left", maintain_order="left")
    parameters = inventory.parameters.with_columns(
        pl.when(pl.col("power") < 0)
        .then(pl.concat_str(pl.lit("1/"), pl.col("factor")))
        .otherwise("factor")
        .alias("variable"),
    )
    inverse = pl.col("power") < 0
    factors = (
        parameters.select(
            "variable",
            pl.when(inverse).then(1 / pl.col("value")).otherwise("value").alias("central"),
            pl.when(inverse).then(1 / pl.col("high")).otherwise("low").alias("low"),
            pl.when(inverse).then(1 / pl.col("low")).otherwise("high").alias("high"),
            "distribution",
            pl.lit(None, pl.String).alias("correlation_group"),
        )
        .unique("variable", maintain_order=True)
        .filter(pl.col("variable").is_in(_used(lines, parameters).implode()))
    )
    flows = inventory.flows.select(
        pl.concat_str(pl.lit("flow:"), pl.col("id")).alias("amount_variable"),
        "low",
        "high",
        "distribution",
        "correlation_group",
    )
    amounts = (
        lines.unique("amount_variable", maintain_order=True)
        .select("amount_variable", pl.col("amount").alias("central"))
        .join(flows, on="amount_variable", how="left", maintain_order="left")
        .rename({"amount_variable": "variable"})
        .select(factors.columns)
    )
    incidence = pl.concat(
        [
            lines.select("line", pl.col("amount_variable").alias("variable")),
            lines.select("line", "coefficient")
            .join(parameters.select("coefficient", "variable"), on="coefficient", how="inner", maintain_order="left")
            .select("line", "variable"),
        ]
    )
    return ProductSum.from_frames(
        lines.select("line", (pl.col("share") * pl.col("unit_scale")).alias("constant"), *DIMENSIONS),
        incidence,
        pl.concat([amounts, factors]),
        dimensions=DIMENSIONS,
    )


def _used(lines: pl.DataFrame, parameters: pl.DataFrame) -> pl.Series:
    return parameters.join(lines.select("coefficient").unique(), on="coefficient", how="semi")["variable"].unique()


def without_range(inventory: Inventory, total: str | None = None) -> pl.DataFrame:
    """Return what enters a total as exact because no range is stated: variable, kind (flow, factor), result, share.

    A range that leaves these out is too narrow; a report says so.
    """
    lines = inventory.lines_of(total)
    whole = float(lines["result"].abs().sum()) or 1.0
    bare = inventory.flows.filter(pl.col("low").is_null() & pl.col("high").is_null())["id"]
    flows = (
        lines.filter(pl.col("flow").is_in(bare.implode()))
        .group_by(pl.col("flow").alias("variable"), maintain_order=True)
        .agg(pl.col("result").sum(), (pl.col("result").abs().sum() / whole).alias("share"))
        .with_columns(pl.lit("flow").alias("kind"))
    )
    exact = inventory.parameters.filter(
        pl.col("low").is_null()
        & pl.col("high").is_null()
        & (pl.col("set") != "constants")
        & (pl.col("symbol") != "gwp")
    )
    factors = (
        lines.join(exact.select("coefficient", pl.col("factor").alias("variable")), on="coefficient", how="inner")
        .group_by("variable", maintain_order=True)
        .agg(pl.col("result").sum(), (pl.col("result").abs().sum() / whole).alias("share"))
        .with_columns(pl.lit("factor").alias("kind"))
    )
    columns = ["variable", "kind", "result", "share"]
    return pl.concat([flows.select(columns), factors.select(columns)]).sort("share", descending=True)


@dataclass(frozen=True, eq=False)
class InventoryUncertainty:
    """The uncertainty of a total and of its parts ("total", "category:ID", "scope:ID", "node:ID").

    `simple` is IPCC Approach 1, `correlated` the first-order propagation that keeps shared factors together (it gives
    the contributions to the variance), `simulated` IPCC Approach 2 on scrambled Sobol points. `exact` lists what
    entered without a range (see `without_range`). `total` is the id of the total.
    """

    total: str
    sums: ProductSum
    simple: Approach1
    correlated: FirstOrder
    simulated: Approach2
    exact: pl.DataFrame

    def ranges(self) -> pl.DataFrame:
        """Return per group: group, key (of the explained number), value, low, high, low_1, high_1 (Approach 1)."""
        first = self.simple.totals.select("group", pl.col("low").alias("low_1"), pl.col("high").alias("high_1"))
        second = self.simulated.totals.select("group", "value", "low", "high")
        key = pl.when(pl.col("group") == "total").then(pl.lit(f"total:{self.total}"))
        return (
            second.join(first, on="group", how="left", maintain_order="left")
            .with_columns(key.otherwise(pl.concat_str(pl.lit(f"total:{self.total}&"), pl.col("group"))).alias("key"))
            .select("group", "key", "value", "low", "high", "low_1", "high_1")
        )


def assess_uncertainty(inventory: Inventory, total: str | None = None) -> InventoryUncertainty:
    """Return the uncertainty of a total (the headline if none is named) by both IPCC approaches.

    Page, report and command line all show the result of this function, so that a range is the same everywhere; the
    seed is fixed. Raises InputError for faulty ranges (a value outside its own range).
    """
    sums = product_sum(inventory, total)
    return InventoryUncertainty(
        inventory.scheme.total(total).id,
        sums,
        approach_1(sums),
        first_order(sums),
        approach_2(sums, seed=SEED),
        without_range(inventory, total),
    )


@dataclass(frozen=True, slots=True)
class ComputedExplanation(Explanation):
    """A number of an uncertainty method: its formula names the method, and recomputing runs the method again."""

    compute: Callable[[], float] = field(repr=False, default=lambda: float("nan"))

    def recompute(self) -> float:
        """Run the method again from the inventory's amounts, factors and ranges (simulations from the same seed)."""
        return self.compute()


RANGE_KEYS = ("low:", "high:", "low_1:", "high_1:")
VARIANCE = "variance:"


def is_uncertainty(key: str) -> bool:
    """Tell whether `explain_uncertainty` knows this kind of key."""
    return key.startswith((*RANGE_KEYS, VARIANCE))


def explain_uncertainty(inventory: Inventory, key: str) -> Explanation:
    """Explain the end of a range or a line's part in the variance.

    Keys: "low:KEY", "high:KEY" (Approach 2), "low_1:KEY", "high_1:KEY" (Approach 1) with KEY as "total:co2" or
    "total:co2&category:fuel"; "variance:total:co2:17" for line 17's share in the variance of a total. The inputs are
    the uncertain variables with their ranges, those that contribute most first. KeyError for anything without a range.
    """
    kind, _, rest = key.partition(":")
    if kind == "variance":
        rest, _, line = rest.rpartition(":")
    head, _, group = rest.partition("&")
    total = head.partition(":")[2] or None

    def value(found: InventoryUncertainty) -> float:
        if kind == "variance":
            rows = found.correlated.lines("total").filter(pl.col("line").cast(pl.String) == line)
            column = "share"
        else:
            rows, column = found.ranges().filter(pl.col("group") == (group or "total")), kind
        if rows.is_empty():
            raise KeyError(f"no number {key!r}; ranges exist for the total, each category, scope and firm")
        return float(rows[column][0])

    found = assess_uncertainty(inventory, total)
    part = inventory.explain(f"line:{line}" if kind == "variance" else rest)
    formulas = {
        "low": f"quantile(0.025, total over {found.simulated.samples} Sobol points, seed {SEED})",
        "high": f"quantile(0.975, total over {found.simulated.samples} Sobol points, seed {SEED})",
        "low_1": "total - sqrt(sum((lower half-width of each line) ** 2))",
        "high_1": "total + sqrt(sum((upper half-width of each line) ** 2))",
        "variance": "covariance(line, total) / variance(total)",
    }
    titles = {
        "low": ("95% 下限（方法二）", "95 % low (Approach 2)"),
        "high": ("95% 上限（方法二）", "95 % high (Approach 2)"),
        "low_1": ("95% 下限（方法一）", "95 % low (Approach 1)"),
        "high_1": ("95% 上限（方法一）", "95 % high (Approach 1)"),
        "variance": ("对方差的贡献", "part in the variance"),
    }
    zh, en = titles[kind]
    return ComputedExplanation(
        key,
        f"{part.name_zh}：{zh}",
        f"{part.name_en}: {en}",
        value(found),
        "1" if kind == "variance" else part.unit,
        formulas[kind],
        _variable_inputs(found, group or "total"),
        compute=lambda: value(assess_uncertainty(inventory, total)),
    )


def _variable_inputs(found: InventoryUncertainty, group: str) -> list[Input]:
    """Return the variables that contribute most to a group's variance, with value, range and share."""
    position = {identity: place for place, identity in enumerate(found.sums.variable_id.to_list())}
    inputs = []
    for row in found.correlated.variables(group).head(_LISTED).iter_rows(named=True):
        place, identity = position[row["variable"]], str(row["variable"])
        reference = identity.removeprefix("flow:").removeprefix("1/")
        inputs.append(
            Input(
                "variable",
                reference,
                reference,
                float(found.sums.central[place]),
                "",
                "flow" if identity.startswith("flow:") else "factor",
                reference,
                note=f"{100 * row['share']:.1f} %",
                low=float(found.sums.low[place]),
                high=float(found.sums.high[place]),
            )
        )
    return inputs
