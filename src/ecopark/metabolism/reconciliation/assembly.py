"""From layered flows to arrays: amounts, stock changes and contents are variables, closable balances the equations.

One variable is the amount of one edge (edges that follow by rule share that of their origin), so that an amount is one
number in all layers. A content that carries a range is one variable for all flows that use it. The equations are the
balances that can be tested (`metabolism.balances`), those of nested nodes side by side, and those that are incomplete
only because an amount is not measured: that amount is an unknown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from ecopark.catalogue import Catalogue
from ecopark.metabolism.balances.balance_index import Index
from ecopark.metabolism.balances.balances import BOUNDARY, draw_balances
from ecopark.metabolism.flows import LayeredFlows, Level
from ecopark.metabolism.layers import NORMAL_95, dispositions_of, standard_deviation
from ecopark.metabolism.reconciliation.assumed import STOCK
from ecopark.metabolism.reconciliation.constraints import MultilinearConstraints
from ecopark.metabolism.reconciliation.measurements import FREE, Booleans, Floats, Integers, Measurements

KINDS: Mapping[Level, tuple[str, ...]] = {
    "park": ("boundary", "park"),
    "zone": ("boundary", "park", "zone"),
    "firm": ("boundary", "park", "zone", "firm"),
    "process": ("boundary", "park", "zone", "firm", "process"),
    "node": (),
}
"""Level -> kinds of nodes whose balances count; all of them at level "node"."""

_TESTABLE = ("closed", "open", "no_range")
_ASSUMED_AS = {"constant:water_density": "water_density"}
"""Constants that stand for something which varies from stream to stream -> their row of the assumed ranges."""


@dataclass(frozen=True, eq=False)
class Assembly:
    """Arrays and the frames that say what they stand for.

    Variables stand in this order: `amounts` (edge, …: one row per variable), `stocks` (node, commodity, period_start,
    …), `contents` (key, …). `balances`: the rows used (node, kind, layer, period_start, unit, …); `skipped`: those
    that cannot be tested, with their verdict. `terms`: balance, edge, stock (both may be null), sign, coefficient,
    rest (what of the coefficient is certain), variable. `uncertain`: coefficient -> its rows of `contents`.
    """

    measurements: Measurements
    constraints: MultilinearConstraints
    amounts: pl.DataFrame
    stocks: pl.DataFrame
    contents: pl.DataFrame
    balances: pl.DataFrame
    skipped: pl.DataFrame
    terms: pl.DataFrame
    uncertain: Mapping[int, list[int]]


def assemble(
    layered: LayeredFlows,
    catalogue: Catalogue,
    *,
    layers: Sequence[str] | None,
    level: Level,
    widths: Mapping[str, float],
    contents: bool,
) -> Assembly:
    """Return the reconciliation problem of a network; `layers` None takes all that are conserved."""
    # judged before other layers are left out: the mass of a flow bounds what unstated contents may explain
    drawn = draw_balances(layered, catalogue).rows
    layered = _chosen_layers(layered, layers)
    extended, unmeasured = _with_unmeasured(layered, catalogue)
    drawn = drawn.filter(pl.col("layer").is_in(layered.layers["id"].implode()))
    rows, skipped = _usable(drawn, extended, unmeasured, level)
    amounts = _amounts(layered, widths)
    stocks = _stocks(layered, widths)
    index = Index(extended)
    place = _row_numbers(rows, index)
    terms = pl.concat([_edge_terms(index, extended, amounts, place), _stock_terms(index, layered, stocks, place)])
    rows, terms = _without_doubles(rows, terms)
    powers, content_frame = _contents(layered, terms["coefficient"].unique(), contents, widths)
    offset = amounts.height + stocks.height
    variable = pl.when(pl.col("stock").is_null()).then("variable").otherwise(pl.col("variable") + amounts.height)
    terms = terms.with_columns(variable.alias("variable")).join(
        layered.coefficients.select("coefficient", "value"), on="coefficient", how="left", maintain_order="left"
    )
    depth = max((len(found) for found in powers.values()), default=0)
    factors = np.full((terms.height, 1 + depth), -1, dtype=np.int64)
    factors[:, 0] = terms["variable"].to_numpy()
    certain = np.ones(terms.height)
    coefficients = terms["coefficient"].to_numpy()
    worth = terms["value"].to_numpy()
    nominal = content_frame["raw"].to_numpy()
    for number, found in powers.items():
        here = coefficients == number
        for k, content in enumerate(found):
            factors[here, 1 + k] = offset + content
            certain[here] *= nominal[content]
    rest = worth / certain
    terms = terms.with_columns(pl.Series("rest", rest)).drop("value")
    groups = rows.select(pl.struct("node", "period_start").rank("dense").cast(pl.Int64)).to_series().to_numpy()
    constraints = MultilinearConstraints(
        terms["balance"].to_numpy(), terms["sign"].to_numpy() * rest, factors, rows.height,
        offset + content_frame.height, group=groups,
    )  # fmt: skip
    measurements = _measurements(amounts, stocks, content_frame)
    return Assembly(measurements, constraints, amounts, stocks, content_frame, rows, skipped, terms, powers)


def _chosen_layers(layered: LayeredFlows, layers: Sequence[str] | None) -> LayeredFlows:
    conserved = layered.layers.filter(pl.col("conserved") == "yes")["id"].to_list()
    wanted = conserved if layers is None else [layer for layer in conserved if layer in layers]
    kept = pl.col("layer").is_in(wanted)
    return replace(
        layered, values=layered.values.filter(kept), stocks=layered.stocks.filter(kept),
        unknown=layered.unknown.filter(kept), layers=layered.layers.filter(pl.col("id").is_in(wanted)),
    )  # fmt: skip


def _with_unmeasured(layered: LayeredFlows, catalogue: Catalogue) -> tuple[LayeredFlows, pl.DataFrame]:
    """Return the network with values for unmeasured edges too, and those edges (edge, layer) that can be unknowns.

    A fuel that is burnt leaves by rule; where its amount is not measured nothing says so yet, so its carbon and mass
    are no unknowns but gaps.
    """
    lacking = layered.unknown.filter((pl.col("reason") == "no_amount") & pl.col("coefficient").is_not_null()).join(
        layered.edges.select("edge", "group", "activity"), on="edge", how="left", maintain_order="left"
    )
    ruled = []
    for key in lacking.select("commodity", "group", "activity", "layer").unique().iter_rows(named=True):
        if dispositions_of(catalogue, [key["layer"]], "formula", key, key["activity"]):
            ruled.append(key)
    by_rule = pl.DataFrame(ruled, schema=dict.fromkeys(("commodity", "group", "activity", "layer"), pl.String))
    lacking = lacking.join(by_rule, on=["commodity", "group", "activity", "layer"], how="anti", nulls_equal=True,
                           maintain_order="left")  # fmt: skip
    added = lacking.join(layered.values, on=["edge", "layer"], how="anti", maintain_order="left").select(
        "edge", "layer", "coefficient", pl.lit(0.0).alias("value"), pl.lit(None, pl.Float64).alias("sd")
    )
    return replace(layered, values=pl.concat([layered.values, added])), lacking.select("edge", "layer")


def _usable(
    rows: pl.DataFrame, extended: LayeredFlows, unmeasured: pl.DataFrame, level: Level
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the balances that become equations, and those that do not (with their verdict)."""
    if KINDS[level]:
        rows = rows.filter(pl.col("kind").is_in(KINDS[level]))
    unknowns = _crossing_unknowns(extended, unmeasured)
    rows = rows.join(unknowns, on=["node", "layer", "period_start"], how="left", maintain_order="left").with_columns(
        pl.col("unknown_in", "unknown_out").fill_null(0)
    )
    both = ((pl.col("inflow") > 0) | (pl.col("unknown_in") > 0) | (pl.col("stock_change") < 0)) & (
        (pl.col("outflow") + pl.col("by_rule") > 0) | (pl.col("unknown_out") > 0) | (pl.col("stock_change") > 0)
    )
    solvable = (
        pl.col("verdict").is_in(["incomplete", "one_sided"]) & (pl.col("partial") == 0) & (pl.col("unstated") == 0)
        & (pl.col("unknown") > 0) & (pl.col("unknown") == pl.col("unknown_in") + pl.col("unknown_out")) & both
    )  # fmt: skip
    rows = rows.with_columns((pl.col("verdict").is_in(_TESTABLE) | solvable).alias("use"))
    use = pl.col("use") & ~pl.struct("node", "layer", "period_start").is_in(_around_gaps(rows, extended).implode())
    nested = pl.when(pl.col("node").str.starts_with(BOUNDARY)).then(1_000_000).otherwise("depth")
    used = rows.filter(use).sort("layer", "period_start", nested, "node", maintain_order=True)
    columns = ["node", "kind", "layer", "period_start", "unit", "verdict"]
    return used.select(*columns, "inflow", "outflow", "residual", "sd"), rows.filter(~use).select(
        *columns, "unknown", "unstated", "partial", "inflow", "outflow"
    )


def _around_gaps(rows: pl.DataFrame, extended: LayeredFlows) -> pl.Series:
    """Return (node, layer, period_start) of zones, parks and boundaries that hold a firm whose balance has gaps.

    Such a balance may close by itself; less the balances of the other firms it would be that of the firm with the gaps.
    """
    key = ("node", "layer", "period_start")
    gaps = rows.filter(
        (pl.col("kind") == "firm") & ~pl.col("use") & pl.col("verdict").is_in(["incomplete", "one_sided"])
    )
    zones = extended.nodes.select("node", "zone")
    held = gaps.join(zones, on="node", how="left").select(pl.col("zone").alias("node"), "layer", "period_start")
    wide = rows.filter(pl.col("kind").is_in(["park", "boundary"]))
    whole = wide.join(gaps.select("layer", "period_start").unique(), on=["layer", "period_start"], how="semi")
    found = pl.concat([held.drop_nulls("node"), whole.select(key)]).unique()
    return found.select(pl.struct(key)).to_series()


def _crossing_unknowns(extended: LayeredFlows, unmeasured: pl.DataFrame) -> pl.DataFrame:
    """Return how many unmeasured edges enter and leave each station: node, layer, period_start, unknown_in/_out."""
    index = Index(replace(extended, values=extended.values.join(unmeasured, on=["edge", "layer"], how="semi",
                                                                maintain_order="left")))  # fmt: skip
    counts = {"unknown_in": 1.0, "unknown_out": -1.0}
    size = (index.count + 1) * index.slots
    sums = {name: np.zeros(size, dtype=np.int64) for name in counts}
    for rows, station, sign in index.crossings:
        if len(rows):
            name = "unknown_in" if sign[0] > 0 else "unknown_out"
            sums[name] += np.bincount(station * index.slots + index.slot[rows], minlength=size)
    held = np.flatnonzero(sums["unknown_in"] + sums["unknown_out"])
    return _placed(held, index).with_columns(**{name: pl.Series(sums[name][held]) for name in counts})


def _placed(flat: Integers, index: Index) -> pl.DataFrame:
    station, slot = flat // index.slots, flat % index.slots
    nodes = [*index.layered.nodes["node"], f"{BOUNDARY}{index.layered.boundary}"]
    return pl.DataFrame(
        {
            "node": [nodes[number] for number in station],
            "layer": [index.layers[number // len(index.periods)] for number in slot],
            "period_start": [index.periods[number % len(index.periods)] for number in slot],
        },
        schema={"node": pl.String, "layer": pl.String, "period_start": pl.Date},
    )


def _row_numbers(rows: pl.DataFrame, index: Index) -> Integers:
    """Return for every (station, slot), flat, the number of its balance, -1 where it has none."""
    number = {**index.number, f"{BOUNDARY}{index.layered.boundary}": index.count}
    found = np.full((index.count + 1) * index.slots, -1, dtype=np.int64)
    if rows.height:
        station = np.array([number[node] for node in rows["node"]], dtype=np.int64)
        found[station * index.slots + index.slot_of(rows)] = np.arange(rows.height)
    return found


def _amounts(layered: LayeredFlows, widths: Mapping[str, float]) -> pl.DataFrame:
    """Return one row per amount, in the order of `variable`: the origin edge with `raw`, `sd_raw`, `lower`, `assumed`.

    An amount beside a notation is known only in part: it is unmeasured, and not smaller than that.
    """
    own = layered.edges.filter(pl.col("implied").is_null())
    missing = pl.col("amount").is_null() | pl.col("notation").is_in(["NE", "C"]).fill_null(False)
    width = pl.col("method").replace_strict(dict(widths), default=max(widths.values()), return_dtype=pl.Float64)
    return own.with_columns(
        pl.when(~missing).then("amount").alias("raw"),
        (~missing & pl.col("sd").is_null()).alias("assumed"),
        pl.when(missing.not_())
        .then(pl.coalesce("sd", pl.col("amount").abs() * width / NORMAL_95))
        .alias("sd_raw"),
        pl.when(missing).then(pl.col("amount").fill_null(0.0))
        .otherwise(pl.when(pl.col("amount") < 0).then(FREE).otherwise(0.0)).alias("lower"),
        pl.int_range(pl.len(), dtype=pl.Int64).alias("variable"),
        pl.col("edge").alias("origin"),
    )  # fmt: skip


def _stocks(layered: LayeredFlows, widths: Mapping[str, float]) -> pl.DataFrame:
    """Return one row per stock change: node, commodity, period_start, unit, raw, sd_raw, assumed, variable."""
    return (
        layered.stocks.group_by("node", "commodity", "period_start", maintain_order=True)
        .agg(pl.col("unit").first(), pl.col("amount").first().alias("raw"), pl.col("sd_amount").first().alias("sd_raw"))
        .with_columns(
            pl.col("sd_raw").is_null().alias("assumed"),
            pl.col("sd_raw").fill_null(pl.col("raw").abs() * widths[STOCK] / NORMAL_95),
            pl.int_range(pl.len(), dtype=pl.Int64).alias("variable"),
        )
    )


_TERMS: dict[str, type[pl.DataType]] = {
    "balance": pl.Int64, "edge": pl.Int64, "stock": pl.Int64, "sign": pl.Float64, "coefficient": pl.Int32,
    "variable": pl.Int64,
}  # fmt: skip


def _edge_terms(index: Index, extended: LayeredFlows, amounts: pl.DataFrame, place: Integers) -> pl.DataFrame:
    """Return the terms of edges: what crosses a balance's border, with its sign."""
    found = []
    for rows, station, sign in index.crossings:
        balance = place[station * index.slots + index.slot[rows]]
        kept = balance >= 0
        found.append((rows[kept], balance[kept], sign[kept]))
    rows = np.concatenate([part[0] for part in found]).astype(np.int64)
    values = extended.values.with_row_index("row").select(pl.col("row").cast(pl.Int64), "edge", "coefficient")
    own = extended.edges.select("edge", pl.col("variable").alias("origin")).join(
        amounts.select("origin", "variable"), on="origin", how="left", maintain_order="left"
    )
    return (
        pl.DataFrame(
            {"row": rows, "balance": np.concatenate([part[1] for part in found]).astype(np.int64),
             "sign": np.concatenate([part[2] for part in found])}
        )
        .join(values, on="row", how="left", maintain_order="left")
        .join(own.select("edge", "variable"), on="edge", how="left", maintain_order="left")
        .select("balance", "edge", pl.lit(None, pl.Int64).alias("stock"), "sign", "coefficient", "variable")
        .cast(_TERMS)  # type: ignore[arg-type]
    )  # fmt: skip


def _stock_terms(index: Index, layered: LayeredFlows, stocks: pl.DataFrame, place: Integers) -> pl.DataFrame:
    """Return the terms of stock changes: what stays inside counts against what comes in."""
    rows: list[dict[str, Any]] = []
    slots: list[int] = index.slot_of(layered.stocks).tolist() if layered.stocks.height else []
    number = {key: variable for *key_, variable in stocks.select("node", "commodity", "period_start",
              "variable").iter_rows() for key in [tuple(key_)]}  # fmt: skip
    for stock, slot in zip(layered.stocks.iter_rows(named=True), slots, strict=True):
        node = index.number[stock["node"]]
        inside = [station for station in index.station[node] if station >= 0]
        for station in [*inside, *([index.count] if inside else [])]:
            balance = place[station * index.slots + slot]
            if balance >= 0:
                variable = number[(stock["node"], stock["commodity"], stock["period_start"])]
                rows.append({"balance": balance, "stock": variable, "sign": -1.0, "coefficient": stock["coefficient"],
                             "variable": variable})  # fmt: skip
    return pl.DataFrame(rows, schema=_TERMS)


def _without_doubles(rows: pl.DataFrame, terms: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Leave out balances without terms and those with the very terms of another (a firm of one process)."""
    prints = (
        terms.sort("balance", "edge", "stock", "coefficient", "sign")
        .group_by("balance", maintain_order=True)
        .agg(pl.concat_str("edge", "stock", "coefficient", "sign", separator=",", ignore_nulls=True).str.join(";")
             .alias("print"))
        .join(rows.with_row_index("balance").select(pl.col("balance").cast(pl.Int64), "layer", "period_start"),
              on="balance", how="left", maintain_order="left")
        .unique(["print", "layer", "period_start"], keep="first", maintain_order=True)
    )  # fmt: skip
    kept = prints["balance"].sort()
    numbers = pl.DataFrame({"balance": kept, "new": range(len(kept))}, schema={"balance": pl.Int64, "new": pl.Int64})
    renumbered = (
        terms.join(numbers, on="balance", how="inner", maintain_order="left")
        .with_columns(pl.col("new").alias("balance")).drop("new").sort("balance", maintain_order=True)
    )  # fmt: skip
    return rows[kept.to_list()], renumbered


def _contents(
    layered: LayeredFlows, used: pl.Series, wanted: bool, widths: Mapping[str, float]
) -> tuple[dict[int, list[int]], pl.DataFrame]:
    """Return coefficient -> its uncertain contents, and the contents: key, symbol, factor, raw, sd_raw, unit, power.

    A content is a factor to its power (``1 / dry_matter``), one variable wherever it is used. The park's own contents
    without a range get the assumed one, and so does the density of waters, each kind of water (coefficient) its own:
    else the balance of mass would repeat that of water to the last tonne, and leave nothing for what is dissolved.
    """
    numbers: dict[str, int] = {}
    rows: list[dict[str, Any]] = []
    found: dict[int, list[int]] = {}

    def note(coefficient: int, key: str, row: dict[str, Any]) -> None:
        if key not in numbers:
            numbers[key] = len(rows)
            rows.append({"key": key, **row})
        if numbers[key] not in found.setdefault(coefficient, []):
            found[coefficient].append(numbers[key])

    if wanted:
        chosen = pl.col("coefficient").is_in(used.implode())
        for row in layered.parameters.filter(chosen).iter_rows(named=True):
            deviation = standard_deviation(row["value"], row["low"], row["high"])
            factor, assumed = row["factor"], None
            if deviation is None:
                assumed = _ASSUMED_AS.get(factor) or ("content" if row["set"] == "local" else None)
                deviation = abs(row["value"]) * widths[assumed] / NORMAL_95 if assumed else None
            if factor in _ASSUMED_AS:
                factor = f"{factor}@{row['coefficient']}"
            if not deviation or not row["value"]:
                continue
            power = float(row["power"])
            worth = row["value"] ** power
            spread = abs(power * deviation / row["value"] * worth)
            note(row["coefficient"], f"{row['symbol']}^{power:g}:{factor}", {
                "symbol": row["symbol"], "factor": row["factor"], "raw": worth, "sd_raw": spread, "unit": row["unit"],
                "power": power, "assumed": assumed,
            })  # fmt: skip
        bare = layered.coefficients.filter(chosen & (pl.col("sd") > 0) & (pl.col("value") != 0))
        for row in bare.iter_rows(named=True):
            if row["coefficient"] not in found:
                note(row["coefficient"], f"coefficient:{row['coefficient']}", {
                    "symbol": row["formula"], "factor": None, "raw": row["value"], "sd_raw": row["sd"],
                    "unit": row["unit"], "power": 1.0, "assumed": None,
                })  # fmt: skip
    schema = {"key": pl.String, "symbol": pl.String, "factor": pl.String, "raw": pl.Float64, "sd_raw": pl.Float64,
              "unit": pl.String, "power": pl.Float64, "assumed": pl.String}  # fmt: skip
    return found, pl.DataFrame(rows, schema=schema)


def _measurements(amounts: pl.DataFrame, stocks: pl.DataFrame, contents: pl.DataFrame) -> Measurements:
    values = pl.concat([frame["raw"] for frame in (amounts, stocks, contents)]).cast(pl.Float64)
    sd = pl.concat([frame["sd_raw"] for frame in (amounts, stocks, contents)]).cast(pl.Float64)
    array: Floats = values.fill_null(float("nan")).to_numpy().copy()
    lower = np.concatenate([amounts["lower"].to_numpy(), np.full(stocks.height, FREE), np.zeros(contents.height)])
    lower[amounts.height + stocks.height :][contents["raw"].to_numpy() < 0] = FREE
    grouped: Booleans = np.zeros(len(array), dtype=bool)
    grouped[: amounts.height] = amounts["correlation_group"].is_not_null().to_numpy()
    groups = np.full(len(array), -1, dtype=np.int64)
    if grouped.any():
        rank = (amounts["correlation_group"].rank("dense") - 1).fill_null(0).cast(pl.Int64).to_numpy()
        groups[: amounts.height] = np.where(grouped[: amounts.height], rank, -1)
    # a group of one is no group
    counts = np.bincount(groups[groups >= 0], minlength=1)
    groups[(groups >= 0) & (counts[np.maximum(groups, 0)] < 2)] = -1
    # an unmeasured amount is looked for from a typical one on, not below what is known of it
    count = amounts.height
    known = np.abs(array[:count][np.isfinite(array[:count])])
    start = np.zeros(len(array))
    start[:count] = np.where(np.isfinite(array[:count]), 0.0, np.median(known) if len(known) else 1.0)
    start[:count] = np.maximum(start[:count], np.where(np.isfinite(lower[:count]), lower[:count], 0.0))
    return Measurements(array, sd.fill_null(0.0).to_numpy(), lower=lower, groups=groups, start=start)
