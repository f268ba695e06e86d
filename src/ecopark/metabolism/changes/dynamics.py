"""Dynamics: what changed between two periods of a layer, by stream, node and commodity, and what explains most of it.

A stream's value is amount times content, v = a c. Its change is split exactly, with the mean of both periods as weight
(the symmetric, two-factor form of index decomposition, equal to the Shapley value; Sun, Energy Economics 20 (1998)
85-100):

    v1 - v0 = (a1 - a0) (c0 + c1) / 2  +  (c1 - c0) (a0 + a1) / 2
              amount effect               content effect

What stands in one period only has no content in the other; all of its change is an amount effect.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import polars as pl

from ecopark.accounting.explanation import Explanation, Input
from ecopark.accounting.result import Remark
from ecopark.metabolism.changes.figures_in_text import number
from ecopark.metabolism.changes.period_pairs import (
    deviations,
    difference_variations,
    matched_streams,
    members_of,
    period_text,
    stations_of,
)
from ecopark.metabolism.flows import LayeredFlows, Level
from ecopark.metabolism.layers import NORMAL_95
from ecopark.metabolism.result import Result
from ecopark.translation import N_, translate

SIDES = ("in", "out", "inside")
"""How a stream lies to the subject: it enters, leaves, or runs between two places inside."""

SIDE_NAMES = {"in": N_("Inflow"), "out": N_("Outflow"), "inside": N_("Inside")}
STATE_NAMES = {
    "both": N_("in both periods"),
    "appeared": N_("only in the later period"),
    "ended": N_("only in the earlier period"),
    "unknown_before": N_("not known in the earlier period"),
    "unknown_after": N_("not known in the later period"),
}
VERDICT_NAMES = {
    "significant": N_("beyond its uncertainty"),
    "within_uncertainty": N_("within its uncertainty"),
    "no_range": N_("no range stated"),
    "unchanged": N_("unchanged"),
    "not_comparable": N_("cannot be compared"),
}


@dataclass(frozen=True, eq=False, kw_only=True)
class Change(Result):
    """What changed between two periods in one layer, for the whole boundary or one node.

    `streams`: stream, source, target, source_station, target_station, commodity, activity, implied, side (`SIDES`),
    state (`STATE_NAMES`), before, after, change (layer unit), amount_before, amount_after, amount_unit, content_before,
    content_after, amount_effect, content_effect, share (of the side's net change), weight (of the side's sum of
    absolute changes), rank, cumulative (weight up to this rank), few (among the fewest that explain `share` of it), sd,
    significance, verdict (`VERDICT_NAMES`), method_before, method_after, coverage_before, coverage_after, partial.
    `nodes`: the same by station, commodity and side of that station. `totals`: one row per side, with the number of
    `few` and what they explain of the absolute (few_weight) and the net change (few_share).
    """

    engine: ClassVar[str] = "change"

    unit: str
    streams: pl.DataFrame
    nodes: pl.DataFrame
    totals: pl.DataFrame

    def few(self, side: str) -> pl.DataFrame:
        """Return the fewest streams of a side that explain the stated share of its absolute changes, largest first."""
        return self.streams.filter((pl.col("side") == side) & pl.col("few")).sort("rank")

    def summary(self, side: str, language: str) -> str:
        """Return in one sentence which streams explain most of a side's change."""
        total = self.totals.filter(pl.col("side") == side)
        if total.is_empty():
            return translate(N_("Nothing changed here."), language)
        row = total.row(0, named=True)
        names = [f"{self._stream_name(stream, language)} ({number(stream['change'], signed=True)})"
                 for stream in self.few(side).iter_rows(named=True)]  # fmt: skip
        mark = "；" if language == "zh" else "; "
        return translate(
            N_("{few} of {count} streams explain {weight} % of all changes ({change} {unit} net): {names}."), language,
            few=row["few"], count=row["streams"], weight=f"{100 * (row['few_weight'] or 0.0):.0f}",
            change=number(row["change"], signed=True), unit=self.unit, names=mark.join(names),
        )  # fmt: skip

    def _stream_name(self, row: dict[str, Any], language: str) -> str:
        goods = self.name(row["commodity"], language, "commodity")
        if row["implied"]:
            goods = self.name(row["implied"], language, "disposition")
        ends = " → ".join(self.name(row[end], language, "node") for end in ("source", "target"))
        return f"{goods}: {ends}"

    def explain(self, key: str) -> Explanation:
        """Explain a number of this result; KeyError for a key that names nothing here.

        Keys: "total:SIDE", "node:SIDE:COMMODITY:NODE", and "NUMBER:STREAM" with NUMBER one of change, before, after,
        amount_effect and content_effect.
        """
        kind, _, rest = key.partition(":")
        if kind == "total":
            rows = self.streams.filter((pl.col("side") == rest) & pl.col("change").is_not_null())
            names = tuple(translate(SIDE_NAMES[rest], language) for language in ("zh", "en")) if rest in SIDES else ()
            if len(names) == 2 and rest in self.totals["side"]:
                value = self.totals.filter(pl.col("side") == rest)["change"].item()
                return self._sum(key, (names[0], names[1]), value, rows)
        elif kind == "node":
            side, _, place = rest.partition(":")
            commodity, _, node = place.partition(":")
            found = self.nodes.filter(
                (pl.col("side") == side) & (pl.col("commodity") == commodity) & (pl.col("node") == node)
            )
            if found.height:
                end = pl.col("target_station" if side == "in" else "source_station") == node
                other = pl.col("source_station" if side == "in" else "target_station") != node
                rows = self.streams.filter(
                    end & other & (pl.col("commodity") == commodity), pl.col("change").is_not_null()
                )
                return self._sum(key, self.both(node, "node"), found["change"].item(), rows)
        else:
            found = self.streams.filter(pl.col("stream") == rest)
            if found.height and kind in ("change", "before", "after", "amount_effect", "content_effect"):
                row = found.row(0, named=True)
                if row[kind] is not None:
                    return self._explain_stream(key, kind, row)
        raise KeyError(f"no number {key!r}")

    def _sum(self, key: str, names: tuple[str, str], value: float, rows: pl.DataFrame) -> Explanation:
        inputs = [
            Input("parts", self._stream_name(row, "zh"), self._stream_name(row, "en"), row["change"], self.unit, "line",
                  self.reference(f"change:{row['stream']}"))
            for row in rows.iter_rows(named=True)
        ]  # fmt: skip
        return Explanation(key, *names, value, self.unit, "sum(parts)", inputs)

    def _explain_stream(self, key: str, kind: str, row: dict[str, Any]) -> Explanation:
        names = (self._stream_name(row, "zh"), self._stream_name(row, "en"))
        periods = {"before": self.settings["before"]["label"], "after": self.settings["after"]["label"]}
        if kind == "change":
            inputs = [
                Input(side, periods[side], periods[side], row[side], self.unit, "total",
                      self.reference(f"{side}:{row['stream']}"))
                for side in ("before", "after")
            ]  # fmt: skip
            return Explanation(key, *names, row[kind], self.unit, "after - before", inputs)
        texts = {
            "amount": (translate(N_("Amount, {period}"), "zh", period="{}"),
                       translate(N_("Amount, {period}"), "en", period="{}")),
            "content": (translate(N_("Content, {period}"), "zh", period="{}"),
                        translate(N_("Content, {period}"), "en", period="{}")),
        }  # fmt: skip

        def inputs_of(what: str, unit: str, sides: Sequence[str]) -> list[Input]:
            return [
                Input(f"{what}_{side}", texts[what][0].format(periods[side]), texts[what][1].format(periods[side]),
                      row[f"{what}_{side}"] or 0.0, unit, "flow" if what == "amount" else "factor", row["stream"],
                      status=row[f"method_{side}"] or "" if what == "amount" else "")
                for side in sides
            ]  # fmt: skip

        amount_unit = row["amount_unit"] or ""
        content_unit = f"{self.unit}/{amount_unit}"
        if kind in ("before", "after"):
            inputs = [*inputs_of("amount", amount_unit, [kind]), *inputs_of("content", content_unit, [kind])]
            return Explanation(key, *names, row[kind], self.unit, f"amount_{kind} * content_{kind}", inputs)
        if row["state"] != "both":  # a stream of one period has that period's content throughout
            side = "after" if row["state"] == "appeared" else "before"
            inputs = [*inputs_of("amount", amount_unit, ("before", "after")),
                      *inputs_of("content", content_unit, [side])]  # fmt: skip
            formula = f"(amount_after - amount_before) * content_{side}"
            return Explanation(key, *names, row[kind], self.unit, formula if kind == "amount_effect" else "0", inputs)
        inputs = [*inputs_of("amount", amount_unit, ("before", "after")),
                  *inputs_of("content", content_unit, ("before", "after"))]  # fmt: skip
        formula = (
            "(amount_after - amount_before) * (content_before + content_after) / 2"
            if kind == "amount_effect"
            else "(content_after - content_before) * (amount_before + amount_after) / 2"
        )
        return Explanation(key, *names, row[kind], self.unit, formula, inputs)


def compare_periods(
    before: LayeredFlows,
    after: LayeredFlows,
    layer: str,
    *,
    node: str = "",
    level: Level = "firm",
    share: float = 0.8,
) -> Change:
    """Return what changed from one period to another in a layer, for the boundary or for `node` with all below it.

    `level` sets the stations of the table by node; `share` how much of the sum of absolute changes the few streams
    named must explain. Streams that stand in one period only count as appearing or ending; those stated as unknown in
    one period are listed and left out of every sum. Raises InputError for another boundary, a layer that one network
    lacks, or an unknown node.
    """
    matched = matched_streams(before, after, layer)
    inside = _subject(before, after, node)
    stations = stations_of(before, after, level)
    streams = _placed(matched, inside, stations)
    streams = _split(streams)
    found = difference_variations(before, after, layer)
    streams = _judged(streams, found, share)
    compared = streams.filter(pl.col("change").is_not_null())
    unit = after.unit(layer)
    settings = {
        **after.settings, "layer": layer, "node": node, "level": level, "share": share,
        "before": {**before.settings, "label": period_text(before)},
        "after": {**after.settings, "label": period_text(after)},
    }  # fmt: skip
    return Change(
        settings=settings, names={**before.names, **after.names}, sources={**before.sources, **after.sources},
        remarks=_remarks(before, after, streams), unit=unit, streams=streams,
        nodes=_by_node(compared, found), totals=_totals(compared, found),
    )  # fmt: skip


def _subject(before: LayeredFlows, after: LayeredFlows, node: str) -> set[str]:
    """Return the members of the subject in both networks; a node may exist in one of them only."""
    holding = [network for network in (before, after) if not node or node in network.nodes["node"]]
    return set().union(*(members_of(network, node) for network in holding or [after]))


def _placed(matched: pl.DataFrame, inside: set[str], stations: pl.DataFrame) -> pl.DataFrame:
    members = pl.Series(sorted(inside), dtype=pl.String).implode()
    starts, ends = pl.col("source").is_in(members), pl.col("target").is_in(members)
    side = (
        pl.when(starts & ends).then(pl.lit("inside")).when(ends).then(pl.lit("in")).when(starts).then(pl.lit("out"))
    )  # fmt: skip
    return (
        matched.with_columns(side.alias("side"))
        .filter(pl.col("side").is_not_null())
        .join(stations.rename({"node": "source", "station": "source_station"}), on="source", how="left",
              maintain_order="left")
        .join(stations.rename({"node": "target", "station": "target_station"}), on="target", how="left",
              maintain_order="left")
    )  # fmt: skip


def _split(streams: pl.DataFrame) -> pl.DataFrame:
    """Add before, after, change, contents and both effects; null where the streams cannot be compared."""
    known = pl.col("state").is_in(["both", "appeared", "ended"])
    a0, a1 = pl.col("amount_before").fill_null(0.0), pl.col("amount_after").fill_null(0.0)
    framed = streams.with_columns(
        pl.when(pl.col("state") == "appeared").then(0.0).otherwise("value_before").alias("before"),
        pl.when(pl.col("state") == "ended").then(0.0).otherwise("value_after").alias("after"),
        # a content needs an amount; of an amount of zero the other period's stands in
        pl.when(a0 != 0).then(pl.col("value_before") / a0).alias("content_before"),
        pl.when(a1 != 0).then(pl.col("value_after") / a1).alias("content_after"),
        pl.coalesce("amount_unit_after", "amount_unit_before").alias("amount_unit"),
    ).with_columns(
        pl.coalesce("content_before", "content_after").alias("content_before"),
        pl.coalesce("content_after", "content_before").alias("content_after"),
        pl.when(known).then(pl.col("after") - pl.col("before")).alias("change"),
    )
    # one content in both periods stays one, whatever its divisions have rounded
    first, second = pl.col("content_before"), pl.col("content_after")
    same = (second - first).abs() <= 1e-12 * pl.max_horizontal(first.abs(), second.abs())
    framed = framed.with_columns(pl.when(same).then(second).otherwise(first).alias("content_before"))
    comparable = known & (
        pl.col("amount_unit_before").is_null()
        | pl.col("amount_unit_after").is_null()
        | (pl.col("amount_unit_before") == pl.col("amount_unit_after"))
    )
    c0, c1 = pl.col("content_before").fill_null(0.0), pl.col("content_after").fill_null(0.0)
    return framed.with_columns(
        pl.when(comparable).then((a1 - a0) * (c0 + c1) / 2).alias("amount_effect"),
        pl.when(comparable).then((c1 - c0) * (a0 + a1) / 2).alias("content_effect"),
    ).drop("value_before", "value_after", "amount_unit_before", "amount_unit_after")


def _judged(streams: pl.DataFrame, found: pl.DataFrame, share: float) -> pl.DataFrame:
    """Add shares, ranks, the few, deviations and verdicts; largest change first within each side."""
    absolute = pl.col("change").abs().fill_null(0.0)
    sorted_streams = streams.sort("side", absolute, "stream", descending=[False, True, False], maintain_order=True)
    all_absolute = absolute.sum().over("side")
    ranked = sorted_streams.with_columns(
        (pl.col("change") / _nonzero(pl.col("change").sum().over("side"))).alias("share"),
        (absolute / _nonzero(all_absolute)).alias("weight"),
        pl.int_range(1, pl.len() + 1, dtype=pl.Int64).over("side").alias("rank"),
    ).with_columns(pl.col("weight").fill_null(0.0).cum_sum().over("side").alias("cumulative"))
    # the smallest set holds every stream before the one that reaches the share, and that one
    reached = (pl.col("cumulative") - pl.col("weight")) < share - 1e-12
    single = deviations(found, streams.select("stream").with_columns(pl.col("stream").alias("key")))
    return ranked.with_columns((reached & (pl.col("weight") > 0)).fill_null(False).alias("few")).pipe(
        lambda frame: _with_verdict(frame, single, "stream")
    )


def _with_verdict(frame: pl.DataFrame, spreads: pl.DataFrame, *names: str) -> pl.DataFrame:
    keyed = spreads.rename({"key": names[0]}) if "key" in spreads.columns else spreads
    joined = frame.join(keyed, on=list(names), how="left", maintain_order="left")
    size = pl.col("change").abs()
    return joined.with_columns(
        pl.when(pl.col("sd") > 0).then(size / pl.col("sd")).alias("significance"),
        pl.when(pl.col("change").is_null()).then(pl.lit("not_comparable"))
        .when(size == 0).then(pl.lit("unchanged"))
        .when(pl.col("sd").is_null() | (pl.col("sd") == 0)).then(pl.lit("no_range"))
        .when(size >= NORMAL_95 * pl.col("sd")).then(pl.lit("significant"))
        .otherwise(pl.lit("within_uncertainty")).alias("verdict"),
    )  # fmt: skip


def _nonzero(expression: pl.Expr) -> pl.Expr:
    return pl.when(expression != 0).then(expression)


def _summed() -> list[pl.Expr]:
    return [pl.col(name).sum() for name in ("before", "after", "change", "amount_effect", "content_effect")]


def _by_node(streams: pl.DataFrame, found: pl.DataFrame) -> pl.DataFrame:
    """Return node, commodity, side (in or out of the station), the sums, share, weight and verdict, largest first.

    `share` is that of the station's own net change on this side, `weight` that of all absolute changes on it.
    """
    between = streams.filter(pl.col("source_station") != pl.col("target_station"))
    ends = pl.concat([
        between.with_columns(pl.col("target_station").alias("node"), pl.lit("in").alias("side")),
        between.with_columns(pl.col("source_station").alias("node"), pl.lit("out").alias("side")),
    ])  # fmt: skip
    keys = ["node", "commodity", "side"]
    rows = ends.group_by(keys, maintain_order=True).agg(*_summed(), pl.len().cast(pl.Int64).alias("streams"))
    rows = rows.with_columns(
        (pl.col("change") / _nonzero(pl.col("change").sum().over("node", "side"))).alias("share"),
        (pl.col("change").abs() / _nonzero(pl.col("change").abs().sum().over("side"))).alias("weight"),
    )
    judged = _with_verdict(rows, deviations(found, ends.select("stream", *keys)), *keys)
    return judged.sort(pl.col("change").abs(), "node", "commodity", "side", descending=[True, False, False, False])


def _totals(streams: pl.DataFrame, found: pl.DataFrame) -> pl.DataFrame:
    rows = streams.group_by("side", maintain_order=True).agg(
        *_summed(),
        pl.col("change").abs().sum().alias("absolute"),
        pl.len().cast(pl.Int64).alias("streams"),
        pl.col("few").sum().cast(pl.Int64).alias("few"),
        pl.col("weight").filter("few").sum().alias("few_weight"),
        (pl.col("change").filter("few").sum() / _nonzero(pl.col("change").sum())).alias("few_share"),
    )
    return _with_verdict(rows, deviations(found, streams.select("stream", "side")), "side")


def _remarks(before: LayeredFlows, after: LayeredFlows, streams: pl.DataFrame) -> tuple[Remark, ...]:
    remarks = []

    def add(code: str, message: str, **values: object) -> None:
        remarks.append(Remark(code, message, values, "warning"))

    days = [(network.end - network.start).days for network in (before, after)]
    if abs(days[0] - days[1]) > 0.05 * max(days):
        add("periods_of_different_length",
            N_("The periods have {before} and {after} days: part of the change is their length."),
            before=days[0], after=days[1])  # fmt: skip
    single = streams.filter(pl.col("state").is_in(["appeared", "ended"]) & (pl.col("change") != 0))
    if single.height:
        add("streams_of_one_period",
            N_("{count} streams stand in one period only and count as appearing or ending; if they were merely not "
               "reported, the change is overstated: {names}."),
            count=single.height, names=", ".join(single["stream"].head(8)))  # fmt: skip
    unknown = streams.filter(pl.col("change").is_null() | pl.col("partial"))
    if unknown.height:
        add("streams_not_comparable",
            N_("{count} streams are not fully known in both periods; what is not known is in no sum: {names}."),
            count=unknown.height, names=", ".join(unknown["stream"].head(8)))  # fmt: skip
    uneven = streams.filter((pl.col("coverage_before") - pl.col("coverage_after")).abs() > 0.05)
    if uneven.height:
        add("coverage_differs",
            N_("The flows of {count} streams cover more of one period than of the other: {names}."),
            count=uneven.height, names=", ".join(uneven["stream"].head(8)))  # fmt: skip
    return tuple(remarks)
