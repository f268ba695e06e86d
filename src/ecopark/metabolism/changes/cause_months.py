"""Do a cause and the pollutant move together month by month? Rank correlation with a permutation test.

Spearman's rank correlation of the cause's driver with the pollutant, over the months in which both were observed (a
year's flow spread by days says nothing about a month); its two-sided p-value is the share of random orders of the
months that give a correlation at least as large (Good, Permutation, Parametric and Bootstrap Tests of Hypotheses,
2005), and is raised for the number of causes tested (Holm, Scandinavian Journal of Statistics 6 (1979) 65-70).
Neighbouring months are taken as exchangeable: a season that both follow also counts as moving together. The share that
a node passes on is worked out from the pollutant itself, so that part of its correlation is built in.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.stats import rankdata

from ecopark.metabolism.flows import LayeredFlows

Floats = npt.NDArray[np.float64]

LEAST_MONTHS = 6
"""With fewer common months nothing is tested."""

PERMUTATIONS = 4999

SERIES_SCHEMA: dict[str, type[pl.DataType]] = {
    "cause": pl.String, "period_start": pl.Date, "driver": pl.Float64, "subject": pl.Float64,
}  # fmt: skip
TEST_SCHEMA: dict[str, type[pl.DataType]] = {
    "cause": pl.String, "months": pl.Int64, "correlation": pl.Float64, "p": pl.Float64, "p_adjusted": pl.Float64,
}  # fmt: skip


def rank_correlation(first: Floats, second: Floats, *, seed: int = 0) -> tuple[float, float]:
    """Return Spearman's rank correlation of two series and its two-sided permutation p-value.

    (nan, nan) where one of them does not vary. The p-value is (1 + number at least as large) / (1 + `PERMUTATIONS`).
    """
    ranks = []
    for series in (first, second):
        rank = rankdata(series) - (len(series) + 1) / 2
        size = float(np.sqrt((rank**2).sum()))
        if size == 0.0:
            return float("nan"), float("nan")
        ranks.append(rank / size)
    found = float(ranks[0] @ ranks[1])
    shuffled = np.random.default_rng(seed).permuted(np.tile(ranks[1], (PERMUTATIONS, 1)), axis=1)
    at_least = np.count_nonzero(np.abs(shuffled @ ranks[0]) >= abs(found) - 1e-12)
    return found, (1 + at_least) / (1 + PERMUTATIONS)


def adjusted(p_values: Sequence[float]) -> list[float]:
    """Return p-values raised for being several, by Holm's step-down rule; nan stays and counts for nothing."""
    values = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(values)
    count = int(np.isfinite(values).sum())
    result = np.full(len(values), np.nan)
    least = 0.0
    for step, place in enumerate(order[:count]):
        least = max(least, min(1.0, float(values[place]) * (count - step)))
        result[place] = least
    return [float(value) for value in result]


def monthly_series(
    networks: Sequence[LayeredFlows],
    layer: str,
    subject: Collection[str],
    causes: pl.DataFrame,
    reach: pl.DataFrame,
    stations: pl.DataFrame,
) -> pl.DataFrame:
    """Return the driver of each cause and the subject's value by month (`SERIES_SCHEMA`), where both were observed.

    `causes` has cause, kind, stream, node; `reach` station and reach (the mean transfer coefficient, as in
    `cause_effects`); `stations` node and station.
    """
    streams = pl.concat([_months(network, layer) for network in networks])
    marked = streams.with_columns(pl.col("stream").is_in(list(subject)).alias("subject"))
    chosen = marked.filter("subject")
    expected = chosen["stream"].n_unique()
    totals = (
        chosen.filter(~pl.col("spread"))
        .group_by("period_start")
        .agg(pl.col("value").sum().alias("subject"), pl.col("stream").n_unique().alias("held"))
        .filter(pl.col("held") == expected)
        .select("period_start", "subject")
    )
    observed = marked.filter(~pl.col("spread"))
    drivers = [
        observed.join(causes.filter(pl.col("kind") == kind).select("cause", "stream"), on="stream", how="inner").select(
            "cause", "period_start", driver.alias("driver")
        )
        for kind, driver in (
            ("amount", pl.col("amount")),
            ("content", pl.when(pl.col("amount") > 0).then(pl.col("value") / pl.col("amount"))),
            ("source", pl.col("value")),
        )
    ]
    drivers.append(_passing(marked, causes, reach, stations))
    return (
        pl.concat(drivers)
        .join(totals, on="period_start", how="inner")
        .filter(pl.col("driver").is_not_null())
        .sort("cause", "period_start")
        .select(pl.col(name).cast(kind) for name, kind in SERIES_SCHEMA.items())
    )


def _months(network: LayeredFlows, layer: str) -> pl.DataFrame:
    return (
        network.layer(layer)
        .group_by("stream", "source", "target", "period_start", maintain_order=True)
        .agg(pl.col("amount").sum(), pl.col("value").sum(), pl.col("spread").any())
    )


def _passing(marked: pl.DataFrame, causes: pl.DataFrame, reach: pl.DataFrame, stations: pl.DataFrame) -> pl.DataFrame:
    """Return by month the share that each node passes on to the subject, where all of its flows were observed."""
    nodes = causes.filter(pl.col("kind") == "passing").select("cause", "node")
    ends = marked.join(
        stations.rename({"node": "source", "station": "from"}), on="source", how="left", maintain_order="left"
    ).join(stations.rename({"node": "target", "station": "to"}), on="target", how="left", maintain_order="left")
    ends = ends.filter(pl.col("from").ne_missing(pl.col("to"))).join(
        reach.rename({"station": "to"}), on="to", how="left", maintain_order="left"
    )
    gain = pl.col("reach").fill_null(0.0) + pl.col("subject").cast(pl.Float64)
    keys = ["cause", "period_start"]
    leaves = (
        ends.join(nodes.rename({"node": "from"}), on="from", how="inner")
        .group_by(keys)
        .agg(pl.col("value").sum().alias("outflow"), (pl.col("value") * gain).sum().alias("passed"),
             pl.col("spread").any().alias("spread_out"))
    )  # fmt: skip
    enters = (
        ends.join(nodes.rename({"node": "to"}), on="to", how="inner")
        .group_by(keys)
        .agg(pl.col("value").sum().alias("inflow"), pl.col("spread").any().alias("spread_in"))
    )
    throughput = pl.max_horizontal("inflow", "outflow")
    return (
        leaves.join(enters, on=keys, how="inner")
        .filter(~pl.col("spread_in") & ~pl.col("spread_out") & (throughput > 0))
        .select("cause", "period_start", (pl.col("passed") / throughput).alias("driver"))
    )


def correlate_months(series: pl.DataFrame) -> pl.DataFrame:
    """Return the rank correlation of each cause's driver with the subject (`TEST_SCHEMA`), tested together."""
    rows = []
    for (cause,), group in series.group_by(["cause"], maintain_order=True):
        if group.height < LEAST_MONTHS:
            continue
        driver = group["driver"].to_numpy()
        # a content that is stated for the year varies only by rounding
        if np.ptp(driver) <= 1e-9 * np.abs(driver).max(initial=0.0):
            continue
        correlation, p = rank_correlation(driver, group["subject"].to_numpy())
        if np.isfinite(correlation):
            rows.append((cause, group.height, correlation, p))
    raised = adjusted([row[3] for row in rows])
    return pl.DataFrame([(*row, p) for row, p in zip(rows, raised, strict=True)], schema=TEST_SCHEMA, orient="row")
