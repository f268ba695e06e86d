"""The rise of a substance in some streams, split exactly into what its origins and the nodes on the way did.

With R = x h (`transfer`: x what enters, h the share of it that ends up in the subject), for two periods 0 and 1:

    R1 - R0 = sum over origins (x1 - x0) (h0 + h1) / 2  +  sum over nodes of their passing-on
    passing-on of node i = 1/2 [y1_i (f10_i - h0_i) + y0_i (h1_i - f01_i)]

with y_p = (x0 + x1)/2 (I - P_p)^-1 and f_pq = P_p h_q + b_p (the shares of period p, what lies beyond as in q): the
mean of both orders of structural decomposition (Dietzenbacher and Los, Economic Systems Research 10 (1998) 307-324),
which here belongs to single nodes because h1 - h0 = (I - P1)^-1 [(P1 - P0) h0 + b1 - b0]. The change of an origin's
inflow is split further into amount and content as in `dynamics`.

Deviations are first order, with the errors of different streams taken as independent and the transfer as certain.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl

from ecopark.metabolism.changes.dynamics import Change
from ecopark.metabolism.changes.transfer import Transfer

Floats = npt.NDArray[np.float64]

EFFECT_SCHEMA: dict[str, type[pl.DataType]] = {
    "cause": pl.String, "kind": pl.String, "stream": pl.String, "node": pl.String, "commodity": pl.String,
    "state": pl.String, "before": pl.Float64, "after": pl.Float64, "unit": pl.String, "factor": pl.Float64,
    "reach": pl.Float64, "effect": pl.Float64, "sd": pl.Float64, "weight_before": pl.Float64,
    "weight_after": pl.Float64, "reach_before": pl.Float64, "reach_after": pl.Float64, "crossed_before": pl.Float64,
    "crossed_after": pl.Float64,
}  # fmt: skip
"""One cause.

kind: amount, content (of a stream entering), source (a stream of one period only), stock, unexplained, passing (a
node). `before` and `after` are what drives it (amount, content, value entering, share passed on) in `unit`; effect =
(after - before) * factor * reach, but for passing, whose numbers stand in the last six columns: y0, y1, h0, h1, f01
and f10.
"""


def origins_of(before: Transfer, after: Transfer) -> pl.DataFrame:
    """Return what each origin brings into the network and into the subject in both periods.

    Columns origin, kind, stream, node (where it enters), place, entering_before, entering_after, reach_before,
    reach_after, contribution_before, contribution_after, share_before, share_after, change. Shares sum to one.
    """
    keys = ["origin", "kind", "stream", "place"]
    left = before.entries.rename({"value": "entering_before"})
    right = after.entries.rename({"value": "entering_after"})
    both = left.join(right, on=keys, how="full", coalesce=True, nulls_equal=True, maintain_order="left_right")
    place = both["place"].to_numpy()
    joined = both.with_columns(
        pl.col("entering_before").fill_null(0.0), pl.col("entering_after").fill_null(0.0),
        pl.Series("node", [before.stations[number] for number in place], dtype=pl.String),
        pl.Series("reach_before", before.reach[place], dtype=pl.Float64),
        pl.Series("reach_after", after.reach[place], dtype=pl.Float64),
    ).with_columns(
        (pl.col(f"entering_{side}") * pl.col(f"reach_{side}")).alias(f"contribution_{side}")
        for side in ("before", "after")
    )  # fmt: skip
    shares = [
        pl.when(pl.col(name).sum() > 0)
        .then(pl.col(name) / pl.col(name).sum())
        .alias(name.replace("contribution", "share"))
        for name in ("contribution_before", "contribution_after")
    ]
    change = (pl.col("contribution_after") - pl.col("contribution_before")).alias("change")
    return joined.with_columns(*shares, change).filter(
        (pl.col("reach_before") > 0) | (pl.col("reach_after") > 0)
    ).sort(pl.col("change").abs(), "origin", descending=[True, False])  # fmt: skip


def effects_of(before: Transfer, after: Transfer, change: Change, variations: pl.DataFrame, unit: str) -> pl.DataFrame:
    """Return every cause with its effect on the subject (`EFFECT_SCHEMA`); the effects sum to the rise exactly.

    `change` compares the streams of both periods; `variations` are those of both networks with a column period
    (`period_pairs.variations`, sign 1).
    """
    origins = origins_of(before, after).with_columns(
        ((pl.col("reach_before") + pl.col("reach_after")) / 2).alias("reach")
    )
    parts = [
        _entering(origins, change, variations, unit),
        _internal(origins, before, after, unit),
        _passing(before, after),
    ]
    return pl.concat(parts).filter((pl.col("effect") != 0) & pl.col("effect").is_not_null())


def _frame(rows: pl.DataFrame) -> pl.DataFrame:
    missing = [pl.lit(None, kind).alias(name) for name, kind in EFFECT_SCHEMA.items() if name not in rows.columns]
    return rows.with_columns(missing).select(pl.col(name).cast(kind) for name, kind in EFFECT_SCHEMA.items())


def _entering(origins: pl.DataFrame, change: Change, variations: pl.DataFrame, unit: str) -> pl.DataFrame:
    """Amount and content of streams of both periods; streams of one period as a source."""
    streams = origins.filter(pl.col("kind") == "stream").join(
        change.streams.drop("source", "target", "share", "change"), on="stream", how="left", maintain_order="left"
    )
    spreads = _stream_deviations(variations)
    streams = streams.join(spreads, on="stream", how="left", maintain_order="left")
    mean_amount = (pl.col("amount_before") + pl.col("amount_after")) / 2
    mean_content = (pl.col("content_before") + pl.col("content_after")) / 2
    split = (pl.col("state") == "both") & pl.col("amount_effect").is_not_null()
    both = streams.filter(split)
    amount_effect, content_effect = (pl.col(name) * pl.col("reach") for name in ("amount_effect", "content_effect"))
    # a relative error of the other factor scales the whole effect
    ranged = pl.any_horizontal(pl.col(name).is_not_null() for name in _SPREADS)
    amount_sd = (
        (pl.col("amount_sd").fill_null(0.0) * mean_content * pl.col("reach")).pow(2)
        + (amount_effect * pl.col("content_relative").fill_null(0.0)).pow(2)
    ).sqrt()  # fmt: skip
    content_sd = (
        (pl.col("content_sd").fill_null(0.0) * mean_amount * pl.col("reach")).pow(2)
        + (content_effect * pl.col("amount_relative").fill_null(0.0)).pow(2)
    ).sqrt()  # fmt: skip
    source_sd = pl.col("sd") * pl.col("reach")
    return pl.concat([
        _frame(both.select(
            pl.concat_str(pl.lit("amount:"), "stream").alias("cause"), pl.lit("amount").alias("kind"), "stream", "node",
            "commodity", "state", pl.col("amount_before").alias("before"), pl.col("amount_after").alias("after"),
            pl.col("amount_unit").alias("unit"), mean_content.alias("factor"), "reach", amount_effect.alias("effect"),
            pl.when(ranged).then(amount_sd).alias("sd"),
        )),
        _frame(both.select(
            pl.concat_str(pl.lit("content:"), "stream").alias("cause"), pl.lit("content").alias("kind"), "stream",
            "node", "commodity", "state", pl.col("content_before").alias("before"),
            pl.col("content_after").alias("after"), pl.concat_str(pl.lit(f"{unit}/"), "amount_unit").alias("unit"),
            mean_amount.alias("factor"), "reach", content_effect.alias("effect"),
            pl.when(ranged).then(content_sd).alias("sd"),
        )),
        _frame(streams.filter(~split.fill_null(False)).select(
            pl.concat_str(pl.lit("source:"), "stream").alias("cause"), pl.lit("source").alias("kind"), "stream", "node",
            "commodity", pl.col("state").fill_null("both"), pl.col("entering_before").alias("before"),
            pl.col("entering_after").alias("after"), pl.lit(unit).alias("unit"), pl.lit(1.0).alias("factor"), "reach",
            ((pl.col("entering_after") - pl.col("entering_before")) * pl.col("reach")).alias("effect"),
            source_sd.alias("sd"),
        )),
    ])  # fmt: skip


_SPREADS = ("amount_sd", "content_sd", "amount_relative", "content_relative")


def _stream_deviations(variations: pl.DataFrame) -> pl.DataFrame:
    """Return per stream: deviation of the difference of its amounts and of its contents, and their relative ones.

    `variations` has stream, variable, change (layer unit), period, amount, value. What both periods share cancels: the
    change of a value by an amount's error is content times that error, by a content's error amount times that error.
    """
    own = variations.filter((pl.col("amount") > 0) & (pl.col("value") > 0)).with_columns(
        pl.col("variable").str.contains("^(amount|group):").alias("of_amount"),
        pl.when(pl.col("period") == "after").then(1.0).otherwise(-1.0).alias("sign"),
    )

    def difference(of_amount: bool, scaled: pl.Expr, name: str) -> pl.DataFrame:
        return (
            own.filter(pl.col("of_amount") == of_amount)
            .group_by("stream", "variable")
            .agg((pl.col("sign") * scaled).sum().alias("part"))
            .group_by("stream")
            .agg(pl.col("part").pow(2).sum().sqrt().alias(name))
        )

    def relative(of_amount: bool, name: str) -> pl.DataFrame:
        return (
            own.filter(pl.col("of_amount") == of_amount)
            .group_by("stream", "period")
            .agg((pl.col("change") / pl.col("value")).pow(2).sum().sqrt().alias("relative"))
            .group_by("stream")
            .agg(pl.col("relative").mean().alias(name))
        )

    in_amount = pl.col("change") * pl.col("amount") / pl.col("value")  # by content: back to the amount's unit
    in_content = pl.col("change") / pl.col("amount")
    parts = [difference(True, in_amount, "amount_sd"), difference(False, in_content, "content_sd"),
             relative(True, "amount_relative"), relative(False, "content_relative")]  # fmt: skip
    found = variations.select("stream").unique()
    for part in parts:
        found = found.join(part, on="stream", how="left")
    return found


def _internal(origins: pl.DataFrame, before: Transfer, after: Transfer, unit: str) -> pl.DataFrame:
    """What comes out of stores, and what leaves nodes without any recorded source."""
    inner = origins.filter(pl.col("kind") != "stream")
    variance = _station_variance(before) + _station_variance(after)
    place = inner["place"].to_numpy()
    spread = np.sqrt(variance[place]) if len(place) else np.zeros(0)
    deviation = pl.Series("spread", spread, dtype=pl.Float64)
    return _frame(
        inner.with_columns(deviation).select(
            pl.col("origin").alias("cause"), "kind", "node", pl.lit("both").alias("state"),
            pl.col("entering_before").alias("before"), pl.col("entering_after").alias("after"),
            pl.lit(unit).alias("unit"), pl.lit(1.0).alias("factor"), "reach",
            ((pl.col("entering_after") - pl.col("entering_before")) * pl.col("reach")).alias("effect"),
            pl.when((pl.col("kind") == "unexplained") & (pl.col("spread") > 0)).then(pl.col("spread") * pl.col("reach"))
            .alias("sd"),
        )
    )  # fmt: skip


def _station_variance(network: Transfer) -> Floats:
    """Return the variance of inflow minus outflow of each station."""
    size = len(network.stations)
    total = np.zeros(size)
    variance = network.edges["sd"].to_numpy() ** 2
    for end in ("start", "end"):
        place = network.edges[end].to_numpy()
        total += np.bincount(place[place >= 0], variance[place >= 0], size)
    return total


def _passing(before: Transfer, after: Transfer) -> pl.DataFrame:
    """What the nodes on the way pass on more, or less, of what reaches them."""
    size = len(before.stations)
    entering = np.zeros(size)
    for network in (before, after):
        place = network.entries["place"].to_numpy()
        entering += np.bincount(place, network.entries["value"].to_numpy(), size) / 2
    later, earlier = after.weights(entering), before.weights(entering)
    h0, h1 = before.reach, after.reach
    f10, f01 = after.passed(h0), before.passed(h1)
    effect = (later * (f10 - h0) + earlier * (h1 - f01)) / 2
    # what rounding leaves is no effect
    scale = (later + earlier) * np.maximum(np.maximum(h0, h1), 1e-300)
    effect = np.where(np.abs(effect) <= 1e-12 * scale, 0.0, effect)
    mean = (h0 + h1) / 2
    deviation = (later + earlier) / 2 * np.sqrt(_passed_variance(before, mean) + _passed_variance(after, mean))
    return _frame(
        pl.DataFrame(
            {
                "node": before.stations, "before": before.passed(mean), "after": after.passed(mean), "effect": effect,
                "weight_before": earlier, "weight_after": later, "reach_before": h0, "reach_after": h1,
                "crossed_before": f01, "crossed_after": f10, "sd": deviation,
            }
        ).with_columns(
            pl.concat_str(pl.lit("passing:"), "node").alias("cause"), pl.lit("passing").alias("kind"),
            pl.lit("both").alias("state"), pl.lit("1").alias("unit"), pl.when(pl.col("sd") > 0).then("sd").alias("sd"),
        )
    )  # fmt: skip


def _passed_variance(network: Transfer, reach: Floats) -> Floats:
    """Return the variance of the share passed on to the subject, f = sum v_j g_j / T, to first order."""
    size = len(network.stations)
    edges = network.edges
    start, end = edges["start"].to_numpy(), edges["end"].to_numpy()
    gain = np.where(end >= 0, reach[np.maximum(end, 0)], 0.0) + edges["subject"].to_numpy()
    passed = network.passed(reach)
    throughput = np.where(network.throughput > 0, network.throughput, np.inf)
    variance = edges["sd"].to_numpy() ** 2
    leaves, enters = start >= 0, end >= 0
    total = np.zeros(size)
    node = start[leaves]
    # where T is what goes out, an outlet's error changes T too
    slope = (gain[leaves] - np.where(network.by_inflow[node], 0.0, passed[node])) / throughput[node]
    total += np.bincount(node, slope**2 * variance[leaves], size)
    node = end[enters]
    slope = np.where(network.by_inflow[node], passed[node] / throughput[node], 0.0)
    total += np.bincount(node, slope**2 * variance[enters], size)
    return total


def outlets_of(before: Transfer, after: Transfer) -> pl.DataFrame:
    """Return where each node sends what reaches it: node, target, subject, share_before, share_after, reach.

    `target` is empty for what stays behind or is not accounted for; `reach` the share that ends up in the subject by
    this outlet, as the mean of both periods. The shares of a node sum to one in each period in which it is reached.
    """
    mean = (before.reach + after.reach) / 2
    frames = []
    for network, side in ((before, "before"), (after, "after")):
        leaving = network.edges.filter(pl.col("start") >= 0)
        throughput = pl.Series("total", network.throughput[leaving["start"].to_numpy()], dtype=pl.Float64)
        end = leaving["end"].to_numpy()
        gain = np.where(end >= 0, mean[np.maximum(end, 0)], 0.0) + leaving["subject"].to_numpy()
        shares = leaving.with_columns(throughput, pl.Series("reach", gain, dtype=pl.Float64)).select(
            pl.col("from").alias("node"), pl.col("to").alias("target"), "subject", "reach",
            (pl.col("value") / pl.col("total")).alias("share"),
        )  # fmt: skip
        grouped = shares.group_by("node", "target", "subject", maintain_order=True).agg(
            pl.col("share").sum(), pl.col("reach").first()
        )
        rest = (1.0 - grouped.group_by("node", maintain_order=True).agg(pl.col("share").sum())["share"]).clip(0.0, 1.0)
        stays = grouped.select(pl.col("node").unique(maintain_order=True)).select(
            "node", pl.lit("").alias("target"), pl.lit(False).alias("subject"), rest.alias("share"),
            pl.lit(0.0).alias("reach"),
        )  # fmt: skip
        frames.append(pl.concat([grouped.select(stays.columns), stays]).rename({"share": f"share_{side}"}))
    keys = ["node", "target", "subject"]
    joined = frames[0].join(frames[1], on=keys, how="full", coalesce=True, suffix="_after", maintain_order="left_right")
    return joined.select(
        *keys, pl.col("share_before").fill_null(0.0), pl.col("share_after").fill_null(0.0),
        pl.coalesce("reach", "reach_after").alias("reach"),
    )  # fmt: skip
