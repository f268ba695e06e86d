"""The data gate: what a scheme requires and the record does not hold, and who owes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

import polars as pl

from ecopark.accounting.coefficients import FactorGap
from ecopark.accounting.result import Gap
from ecopark.catalogue.schemes import Requirement, Scheme
from ecopark.model.network import Network
from ecopark.model.record import Record
from ecopark.translation import N_

_FULL = 1 - 1e-9

REASONS: Mapping[str, tuple[str, str]] = {
    "requirement": (
        N_("The scheme requires this source; the record has no row for it."),
        N_("Enter its flows, or state notation NO (not occurring)."),
    ),
    "no_data": (N_("There is no flow for {year}."), N_("Enter the amount for {year}, or a notation.")),
    "partial": (
        N_("Only {covered} of {days} days of {year} are covered."),
        N_("Enter the missing months, or a notation for them."),
    ),
    "not_estimated": (N_("Stated as not estimated (NE)."), N_("Measure or estimate it and enter the amount.")),
    "confidential": (N_("Stated as confidential (C)."), N_("Ask the owner to release the amount for the total.")),
    "no_factor": (
        N_("No value of {quantity_en} for {commodity_en} in the chosen sets and with a fitting unit."),
        N_("Enter the park's own value in sheet properties or factors."),
    ),
    "unknown_factor": (
        N_("The reference does not hold {quantity_en} for {commodity_en} ({factor}): unknown, never guessed."),
        N_("Enter a measured or published value with its source in sheet factors."),
    ),
}  # fmt: skip

_BY_TECHNOLOGY = (
    N_("{quantity_en} of {commodity_en} depends on the technology, which the stream does not state."),
    N_("State the stream's technology ({technologies_en}), or enter the park's own value in sheet factors."),
)
_BY_KIND = N_("Record it by kind ({kinds_en}), or enter the park's own value in sheet properties or factors.")
_BY_CHOICE = N_("Choose {choices}, or enter the park's own value in sheet properties or factors.")
_BY_KIND_OR_CHOICE = N_(
    "Record it by kind ({kinds_en}), choose {choices}, or enter the park's own value in sheet properties or factors."
)


def find_gaps(
    record: Record,
    scheme: Scheme,
    placed: pl.DataFrame,
    selected: pl.DataFrame,
    resolved: pl.DataFrame,
    flows: pl.DataFrame,
    factor_gaps: Sequence[FactorGap],
    network: Network,
    period: tuple[date, date],
    names: Mapping[str, tuple[str, str]],
) -> list[Gap]:
    """Return every gap, worst first: required sources without a row, streams without data, missing factors.

    Looked at are the streams that a required rule counts, or an optional rule that has a factor for them.
    """
    gaps = _requirement_gaps(scheme, placed, network)
    added = {category for total in scheme.totals for category in total.categories}
    counts = [number for number, rule in enumerate(scheme.rules) if rule.category in added]
    required = [number for number in counts if not scheme.rules[number].optional]
    streams = pl.concat(
        [
            selected.filter(pl.col("rule_index").is_in(required)).select("stream"),
            resolved.filter(pl.col("rule_index").is_in(counts)).select("stream"),
        ]
    ).unique()
    gaps += _stream_gaps(record, placed, streams["stream"], flows, network, period, names)
    gaps += _factor_gaps(placed, flows, factor_gaps, names)
    return gaps


def _requirement_gaps(scheme: Scheme, placed: pl.DataFrame, network: Network) -> list[Gap]:
    kinds = placed.filter(pl.col("used") | pl.col("produced")).select("group", "commodity", "activity").unique()
    gaps: list[Gap] = []
    for requirement in scheme.requirements:
        if kinds.filter(_meets(requirement)).is_empty():
            reason, remedy = REASONS["requirement"]
            gaps.append(
                Gap("requirement", requirement.name_zh, requirement.name_en, network.park(), reason, remedy, {})
            )
    return gaps


def _meets(requirement: Requirement) -> pl.Expr:
    condition = pl.col("group").is_in(requirement.groups) | pl.col("commodity").is_in(requirement.commodities)
    if requirement.activities:
        condition &= pl.col("activity").is_in(requirement.activities)
    return condition


def _stream_gaps(
    record: Record,
    placed: pl.DataFrame,
    streams: pl.Series,
    flows: pl.DataFrame,
    network: Network,
    period: tuple[date, date],
    names: Mapping[str, tuple[str, str]],
) -> list[Gap]:
    start, end = period
    days = (end - start).days
    inside = (
        pl.min_horizontal(pl.col("period_end"), pl.lit(end)) - pl.max_horizontal(pl.col("period_start"), pl.lit(start))
    ).dt.total_days()
    state = flows.group_by("stream").agg(
        inside.sum().alias("covered"),
        (pl.col("notation") == "NE").any().alias("not_estimated"),
        (pl.col("notation") == "C").any().alias("confidential"),
    )
    looked_at = (
        placed.filter(pl.col("id").is_in(streams.implode()))
        .filter(pl.col("part_of").is_null())
        .select(pl.col("id").alias("stream"), "commodity", "target", "source", "owner", "activity", "target_inside")
        .join(state, on="stream", how="left", maintain_order="left")
        .with_columns(pl.col("covered").fill_null(0))
        .filter(
            (pl.col("covered") < days * _FULL)
            | pl.col("not_estimated").fill_null(False)
            | pl.col("confidential").fill_null(False)
        )
    )
    closed = _closed_nodes(record, start)
    goods = dict(zip(placed["id"], placed["commodity"], strict=True))
    gaps: list[Gap] = []
    for row in looked_at.iter_rows(named=True):
        node = row["target"] if row["target_inside"] else row["source"]
        if closed & {node, *network.ancestors(node)}:
            continue
        if row["not_estimated"]:
            kind = "not_estimated"
        elif row["confidential"]:
            kind = "confidential"
        else:
            kind = "no_data" if row["covered"] == 0 else "partial"
        reason, remedy = REASONS[kind]
        (zh, en), (good_zh, good_en) = (
            names.get(name, (name, name)) for name in (f"node:{node}", f"commodity:{goods[row['stream']]}")
        )
        values = {"year": start.year, "covered": int(row["covered"]), "days": days}
        gaps.append(
            Gap(kind, f"{zh or en}：{good_zh}", f"{en or zh}: {good_en}", row["owner"] or network.firm_of(node), reason,
                remedy, values, row["stream"])
        )  # fmt: skip
    return gaps


def _closed_nodes(record: Record, start: date) -> set[str]:
    """Return the nodes that had ended before the period began."""
    return set(record.nodes.filter(pl.col("valid_to").is_not_null() & (pl.col("valid_to") <= start))["id"])


def _factor_gaps(
    placed: pl.DataFrame, flows: pl.DataFrame, factor_gaps: Sequence[FactorGap], names: Mapping[str, tuple[str, str]]
) -> list[Gap]:
    """Return a gap for every missing factor of a stream that has an amount; zero or notation needs no factor."""
    if not factor_gaps:
        return []
    used = flows.filter(pl.col("amount").fill_null(0) != 0)["stream"].unique()
    short = pl.Series([gap.commodity for gap in factor_gaps]).unique()
    counted = placed.filter(
        pl.col("id").is_in(used.implode())
        & pl.col("commodity").is_in(short.implode())
        & (pl.col("used") | pl.col("produced"))
    )
    gaps: list[Gap] = []
    seen: set[tuple[str, str, str]] = set()
    for gap in factor_gaps:
        affected = counted.filter(pl.col("commodity") == gap.commodity)
        key = (gap.commodity, gap.quantity, gap.factor)
        if affected.is_empty() or key in seen:
            continue
        seen.add(key)
        kind = "unknown_factor" if gap.factor else "no_factor"
        reason, remedy = _reason_and_remedy(kind, gap)
        (good_zh, good_en), (what_zh, what_en) = (
            names.get(name, (name, name)) for name in (f"commodity:{gap.commodity}", f"symbol:{gap.quantity}")
        )
        values = {"quantity_zh": what_zh, "quantity_en": what_en, "commodity_zh": good_zh, "commodity_en": good_en,
                  "factor": gap.factor, "choices": ", ".join(gap.choices)}  # fmt: skip
        for name, part, ids in (("technologies", "technology", gap.technologies), ("kinds", "commodity", gap.kinds)):
            values[f"{name}_zh"] = "、".join(f"{i} {names.get(f'{part}:{i}', ('', ''))[0]}".strip() for i in ids)
            values[f"{name}_en"] = ", ".join(f"{i} ({names.get(f'{part}:{i}', ('', i))[1]})" for i in ids)
        row = affected.row(0, named=True)
        gaps.append(
            Gap(kind, good_zh, good_en, row["owner"] or row["target_firm"] or "", reason, remedy, values,
                gap.stream)
        )  # fmt: skip
    return gaps


def _reason_and_remedy(kind: str, gap: FactorGap) -> tuple[str, str]:
    """Return why a factor is missing and what helps: the technology, a kind of the commodity, another choice."""
    reason, remedy = REASONS[kind]
    if gap.technologies:
        return _BY_TECHNOLOGY
    if gap.kinds:
        return reason, _BY_KIND_OR_CHOICE if gap.choices else _BY_KIND
    return reason, _BY_CHOICE if gap.choices else remedy
