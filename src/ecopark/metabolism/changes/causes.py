"""The likeliest sources and causes of a pollutant's rise in an outfall, a stream or at a node, between two periods.

The rise is split exactly (`cause_effects`) into more of a stream brought in, a higher content of it, a new source, what
came out of stores, what has no recorded source, and nodes that pass on more of what reaches them (less removed, or led
elsewhere). Each cause is judged by its uncertainty and, where months were observed, by whether it moves with the
pollutant (`cause_months`). It is evidence for a person who goes and looks, not proof.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import polars as pl

from ecopark.accounting.explanation import Explanation
from ecopark.accounting.result import Remark
from ecopark.metabolism.changes.cause_effects import effects_of, origins_of, outlets_of
from ecopark.metabolism.changes.cause_months import SERIES_SCHEMA, TEST_SCHEMA, correlate_months, monthly_series
from ecopark.metabolism.changes.dynamics import Change, compare_periods
from ecopark.metabolism.changes.figures_in_text import number
from ecopark.metabolism.changes.period_pairs import (
    AFTER,
    BEFORE,
    deviations,
    difference_variations,
    members_of,
    period_text,
    stations_of,
    streams_of,
    variations,
)
from ecopark.metabolism.changes.transfer import Transfer, transfer
from ecopark.metabolism.flows import LayeredFlows, Level
from ecopark.metabolism.layers import NORMAL_95
from ecopark.metabolism.result import Result
from ecopark.model.problems import InputError, Problem
from ecopark.translation import N_

ALPHA = 0.05
"""Below this adjusted p-value a correlation counts as evidence."""

CLOSES, OPEN = 0.02, 0.05
"""A balance closes where no more than the first part of what reaches a node is missing; beyond the second it is open.
"""

LEAST_SHARE = 0.01
"""Causes below this share of the rise are not tested by month."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Causes(Result):
    """Why a substance rose (or fell) in the subject between two periods.

    `causes`: columns of `cause_effects.EFFECT_SCHEMA`, share (of the rise; negative where a cause held it back), rank,
    direction (driving, offsetting), significance, gap (something here is known in one period only), closes_once (the
    node's balance closes in one period only), months, correlation, p, p_adjusted, confidence (supported, indicated,
    untested, balance, record, uncertain, contradicted), method_before, method_after, firm. `origins`: upstream trace
    of the subject in both periods (`cause_effects.origins_of`, with commodity). `outlets`: where the nodes on the way
    send what reaches them. `series`: cause, period_start, driver, subject by month. `before`, `after` and `sd` are
    those of the subject.
    """

    engine: ClassVar[str] = "causes"

    unit: str
    before: float
    after: float
    sd: float | None
    causes: pl.DataFrame
    origins: pl.DataFrame
    outlets: pl.DataFrame
    series: pl.DataFrame

    @property
    def rise(self) -> float:
        """What the subject rose by, in the layer's unit; negative where it fell."""
        return self.after - self.before

    def likeliest(self, count: int = 5) -> pl.DataFrame:
        """Return the causes that drove the change, likeliest first."""
        return self.causes.filter(pl.col("direction") == "driving").sort("rank").head(count)

    def headline(self, language: str) -> str:
        """Return the rise and its likeliest cause in one sentence."""
        from ecopark.metabolism.changes.cause_words import headline

        return headline(self, language)

    def reasons(self, cause: str, language: str) -> list[str]:
        """Return in sentences what speaks for and against a cause; KeyError for one that is not listed."""
        from ecopark.metabolism.changes.cause_words import reasons

        return reasons(self, cause, language)

    def explain(self, key: str) -> Explanation:
        """Explain "rise", "effect:CAUSE" or "contribution:before:ORIGIN" (or after); KeyError for any other key."""
        from ecopark.metabolism.changes.cause_words import explain

        return explain(self, key)


def likely_causes(
    before: LayeredFlows,
    after: LayeredFlows,
    layer: str,
    subject: str,
    *,
    months: Sequence[LayeredFlows] = (),
    level: Level = "node",
) -> Causes:
    """Return what made a substance rise in `subject` from one period to the other.

    `subject` is a stream; a node outside (a river: what flows into it); or a node inside (what leaves it for places
    outside, or, where nothing does, what leaves it at all). `months` are networks of the same boundary drawn by month,
    for the correlation; `level` lifts the nodes on the way (process, firm) before tracing. Raises InputError for a
    subject without any such stream, another boundary or layer, or a closed loop in which no origin can be told.
    """
    change = compare_periods(before, after, layer, level=level)
    chosen = subject_streams(before, after, layer, subject)
    stations = stations_of(before, after, level)
    inside = pl.concat([before.nodes, after.nodes]).filter("inside")["node"].unique(maintain_order=True).implode()
    order = tuple(stations.filter(pl.col("node").is_in(inside))["station"].unique(maintain_order=True))
    first = transfer(before, layer, chosen, stations, order)
    second = transfer(after, layer, chosen, stations, order)
    first, second = first.with_rows_of(second), second.with_rows_of(first)
    known = pl.concat([_valued(before, layer, -1), _valued(after, layer, 1)])
    unit = after.unit(layer)
    effects = effects_of(first, second, change, known, unit)
    rise = second.subject - first.subject
    causes = _described(effects, change, rise, stations, before, after)
    gaps = _known_once(before, after, layer, stations)
    used = causes.filter(pl.col("kind") == "passing")["node"].implode()
    outlets = outlets_of(first, second).filter(pl.col("node").is_in(used))
    causes = _closing_once(causes, outlets).with_columns(
        (pl.col("state").str.starts_with("unknown")
         | (pl.col("kind").is_in(["passing", "unexplained"]) & pl.col("node").is_in(gaps))).alias("gap")
    )  # fmt: skip
    series, tests = _monthly(causes, months, layer, chosen, first, second, stations, rise)
    spread = deviations(
        difference_variations(before, after, layer),
        pl.DataFrame({"stream": sorted(chosen)}).with_columns(pl.lit("subject").alias("key")),
    )
    deviation = float(spread["sd"].item()) if spread.height else None
    commodities = change.streams.select("stream", "commodity", "source").unique("stream")
    settings = {
        **after.settings, "layer": layer, "subject": subject, "streams": sorted(chosen), "level": level,
        "before": {**before.settings, "label": period_text(before)},
        "after": {**after.settings, "label": period_text(after)},
    }  # fmt: skip
    return Causes(
        settings=settings, names={**before.names, **after.names}, sources={**before.sources, **after.sources},
        remarks=_remarks(rise, deviation, causes, change, bool(months), series), unit=unit, before=first.subject,
        after=second.subject, sd=deviation, causes=_ranked(causes.join(tests, on="cause", how="left")),
        origins=origins_of(first, second).drop("place").join(commodities, on="stream", how="left",
                                                              maintain_order="left"),
        outlets=outlets, series=series,
    )  # fmt: skip


def subject_streams(before: LayeredFlows, after: LayeredFlows, layer: str, subject: str) -> set[str]:
    """Return the streams that `subject` names (see `likely_causes`); InputError where there are none in the layer."""
    streams = pl.concat(
        [streams_of(network, layer).select("stream", "source", "target") for network in (before, after)]
    )
    if subject in streams["stream"]:
        return {subject}
    for network in (after, before):
        if subject not in network.nodes["node"]:
            continue
        members = list(members_of(network, subject))
        outside = list(network.nodes.filter(~pl.col("inside"))["node"])
        if subject in outside:
            into = pl.col("target").is_in(members) & ~pl.col("source").is_in(outside)
            return _some(streams.filter(into), layer, subject)
        leaving = streams.filter(pl.col("source").is_in(members) & ~pl.col("target").is_in(members))
        discharged = leaving.filter(pl.col("target").is_in(outside))
        return _some(discharged if discharged.height else leaving, layer, subject)
    raise InputError([
        Problem("subject_unknown", subject, N_("“{subject}” is neither a stream nor a node of this network."),
                N_("Give the id of a stream such as {known}, or of a node."),
                {"subject": subject, "known": ", ".join(streams["stream"].unique().sort().head(5))})
    ])  # fmt: skip


def _some(streams: pl.DataFrame, layer: str, subject: str) -> set[str]:
    if streams.is_empty():
        raise InputError([
            Problem("subject_empty", subject, N_("No stream of “{subject}” has a value in the layer “{layer}”."),
                    N_("Give its amounts and contents, or ask for another node or layer."),
                    {"subject": subject, "layer": layer})
        ])  # fmt: skip
    return set(streams["stream"])


def _valued(network: LayeredFlows, layer: str, side: int) -> pl.DataFrame:
    """Return the variations of a network's streams with their amounts and values, as `cause_effects` takes them."""
    period = AFTER if side > 0 else BEFORE
    return (
        variations(network, layer, 1.0, period)
        .with_columns(pl.lit(period).alias("period"))
        .join(streams_of(network, layer).select("stream", "amount", "value"), on="stream", how="left",
              maintain_order="left")
    )  # fmt: skip


def _described(
    effects: pl.DataFrame,
    change: Change,
    rise: float,
    stations: pl.DataFrame,
    before: LayeredFlows,
    after: LayeredFlows,
) -> pl.DataFrame:
    """Add share, direction, significance, methods and the firm of each cause."""
    methods = change.streams.select("stream", "method_before", "method_after").unique("stream")
    firms = stations_of(before, after, "firm").join(stations.rename({"station": "place"}), on="node")
    firms = firms.select(pl.col("place").alias("node"), pl.col("station").alias("firm")).unique("node")
    share = pl.col("effect") / rise if rise else pl.lit(None, pl.Float64)
    driving = pl.col("effect") * (1.0 if rise >= 0 else -1.0) > 0
    return (
        effects.join(methods, on="stream", how="left", maintain_order="left")
        .join(firms, on="node", how="left", maintain_order="left")
        .with_columns(
            share.alias("share"),
            pl.when(driving).then(pl.lit("driving")).otherwise(pl.lit("offsetting")).alias("direction"),
            pl.when(pl.col("sd") > 0).then(pl.col("effect").abs() / pl.col("sd")).alias("significance"),
        )
    )


def _known_once(before: LayeredFlows, after: LayeredFlows, layer: str, stations: pl.DataFrame) -> list[str]:
    """Return the stations at which a stream's value is known in one of the periods only."""
    gaps = []
    for network in (before, after):
        missing = network.unknown.filter((pl.col("layer") == layer) & (pl.col("reason") != "unstated"))
        gaps.append(missing.select("stream", "source", "target").unique())
    once = pl.concat([gaps[0].join(gaps[1], on="stream", how="anti"), gaps[1].join(gaps[0], on="stream", how="anti")])
    ends = pl.concat([once.select(pl.col(end).alias("node")) for end in ("source", "target")]).unique()
    return sorted(set(ends.join(stations, on="node", how="inner")["station"]))


def _closing_once(causes: pl.DataFrame, outlets: pl.DataFrame) -> pl.DataFrame:
    """Add `closes_once`: the node's balance closes in one period and not in the other.

    Such a change of what a node passes on, or has without a source, is as likely one of the measuring as of the matter;
    a treatment that removes a part without a recorded outlet leaves its balance open in both periods.
    """
    stays = outlets.filter(pl.col("target") == "").select("node", "share_before", "share_after")
    least = pl.min_horizontal("share_before", "share_after")
    most = pl.max_horizontal("share_before", "share_after")
    once = stays.filter((least <= CLOSES) & (most >= OPEN))["node"].implode()
    passing = (pl.col("kind") == "passing") & pl.col("node").is_in(once)
    sourceless = (pl.col("kind") == "unexplained") & (pl.min_horizontal("before", "after") == 0)
    return causes.with_columns((passing | sourceless).alias("closes_once"))


def _monthly(
    causes: pl.DataFrame, months: Sequence[LayeredFlows], layer: str, chosen: set[str], first: Transfer,
    second: Transfer, stations: pl.DataFrame, rise: float,
) -> tuple[pl.DataFrame, pl.DataFrame]:  # fmt: skip
    if not months:
        return pl.DataFrame(schema=SERIES_SCHEMA), pl.DataFrame(schema=TEST_SCHEMA)
    large = causes.filter(pl.col("effect").abs() >= LEAST_SHARE * abs(rise)).select("cause", "kind", "stream", "node")
    reach = pl.DataFrame(
        {"station": first.stations, "reach": (first.reach + second.reach) / 2},
        schema={"station": pl.String, "reach": pl.Float64},
    )
    series = monthly_series(months, layer, chosen, large, reach, stations)
    return series, correlate_months(series)


def _ranked(causes: pl.DataFrame) -> pl.DataFrame:
    """Add confidence and rank: causes with evidence by the size of their effect, then doubtful ones."""
    tested = pl.col("p_adjusted") < ALPHA
    together, against = tested & (pl.col("correlation") > 0), tested & (pl.col("correlation") < 0)
    beyond = pl.col("significance") >= NORMAL_95
    confidence = (
        pl.when("gap").then(pl.lit("record"))
        .when("closes_once").then(pl.lit("balance"))
        .when(against).then(pl.lit("contradicted"))
        .when((pl.col("significance") < NORMAL_95).fill_null(False)).then(pl.lit("uncertain"))
        .when(beyond & together).then(pl.lit("supported"))
        .when(beyond | together).then(pl.lit("indicated"))
        .otherwise(pl.lit("untested"))
    )  # fmt: skip
    doubt = pl.col("confidence").replace_strict(
        {"balance": 1, "record": 1, "uncertain": 1, "contradicted": 2}, default=0, return_dtype=pl.Int64
    )
    return (
        causes.with_columns(confidence.alias("confidence"))
        .sort(pl.col("direction") != "driving", doubt, -pl.col("effect").abs(), "cause")
        .with_columns(pl.int_range(1, pl.len() + 1, dtype=pl.Int64).alias("rank"))
    )


def _remarks(
    rise: float, deviation: float | None, causes: pl.DataFrame, change: Change, monthly: bool, series: pl.DataFrame
) -> tuple[Remark, ...]:
    remarks = []

    def add(code: str, message: str, **values: object) -> None:
        remarks.append(Remark(code, message, values, "warning"))

    if rise <= 0:
        add("no_rise", N_("It did not rise: the causes say why it fell or stayed."))
    if deviation is None:
        add("rise_without_range", N_("No flow or content behind it has a range: whether it really changed cannot be "
                                     "judged."))  # fmt: skip
    elif abs(rise) < NORMAL_95 * deviation:
        add("rise_within_uncertainty",
            N_("The change lies within its own uncertainty: there may be nothing to explain."))  # fmt: skip
    unexplained = causes.filter((pl.col("kind") == "unexplained") & (pl.col("share").abs() >= 0.2))
    if unexplained.height:
        add("sources_not_recorded",
            N_("A large part comes from nodes from which more leaves than is recorded as entering: {nodes}. Look for a "
               "source that is not in the record."), nodes=", ".join(unexplained["node"]))  # fmt: skip
    gross = float(causes["effect"].abs().sum())
    if causes.height and gross > 3 * abs(rise):
        add("causes_offset",
            N_("The causes largely offset each other: together they moved {gross} {unit}, of which {net} {unit} "
               "remain."), gross=number(gross), net=number(rise, signed=True), unit=change.unit)  # fmt: skip
    unknown = change.streams.filter(pl.col("change").is_null())
    if unknown.height:
        add("streams_not_known",
            N_("{count} streams of this layer are not known in one of the periods: {names}."),
            count=unknown.height, names=", ".join(unknown["stream"].head(8)))  # fmt: skip
    if not monthly:
        add("no_months", N_("No months were compared: nothing is said of whether causes and pollutant move together."))
    elif series.is_empty():
        add("months_not_observed",
            N_("No month has observed values of both a cause and the pollutant: annual flows cannot be "
               "correlated."))  # fmt: skip
    return tuple(remarks)
