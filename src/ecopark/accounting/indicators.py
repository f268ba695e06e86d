"""Indicators of a scheme and their limits, by size, region and year."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import polars as pl

from ecopark.accounting.explanation import Input
from ecopark.accounting.result import IndicatorResult, Inventory, Remark
from ecopark.catalogue.schemes import Indicator, Limit, Variant
from ecopark.model.network import Network, split_references
from ecopark.model.record import Record
from ecopark.translation import N_
from ecopark.units import factor


def park_statistics(record: Record, network: Network, boundary: str, start: date, end: date) -> dict[str, Input]:
    """Return the statistics stated for the boundary's own node (the one it is made of, else the park).

    Keys are variables; shares are brought to percent, everything else keeps the unit stated. A variable counts only
    where one row covers the whole period.
    """
    node = _node_of(record, network, boundary)
    rows = record.statistics.filter(
        (pl.col("node") == node) & (pl.col("period_start") <= start) & (pl.col("period_end") >= end)
    )
    titles = dict(record.evidence.select("id", "title").iter_rows())
    statistics: dict[str, Input] = {}
    for row in rows.iter_rows(named=True):
        share = row["unit"] in ("%", "1")
        value = row["value"] * factor(row["unit"], "%") if share else row["value"]
        title = titles.get(row["evidence"], "")
        statistics[row["variable"]] = Input(
            row["variable"], row["variable"], row["variable"], value, "%" if share else row["unit"], "statistic",
            f"statistics:{row['node']}/{row['period_start']}/{row['variable']}", title, title, note=row["note"] or "",
        )  # fmt: skip
    return statistics


def _node_of(record: Record, network: Network, boundary: str) -> str:
    """Return the node whose statistics belong to a boundary: the one it is made of, else the park."""
    if boundary in network:
        return boundary
    declared = record.boundaries.filter(pl.col("id") == boundary)
    nodes = split_references(declared["nodes"][0]) if declared.height else ()
    return nodes[0] if len(nodes) == 1 else network.park()


def evaluate_indicators(inventory: Inventory, region: str) -> list[IndicatorResult]:
    """Return each indicator against each limit that applies to the park: its nation's and its province's.

    An indicator without a complete record has no value and no verdict. A quotient that has limits, none of which
    covers the park's size, has the verdict "no_threshold".
    """
    scheme = inventory.scheme
    regions = {region, "CN"}
    variants = [variant for variant in scheme.variants if variant.region in regions]
    size = inventory.total(scheme.size_total) if scheme.size_total and inventory.complete else None
    results: list[IndicatorResult] = []
    for indicator in scheme.indicators:
        value = _value(inventory, indicator)
        rows: list[IndicatorResult] = []
        for variant in variants:
            limits = [
                limit for limit in scheme.limits if limit.indicator == indicator.id and limit.variant == variant.id
            ]
            if limits:
                fitting = [limit for limit in limits if size is None or limit.size_from <= size < limit.size_to]
                rows += [_against(inventory, indicator, value, variant, limit) for limit in fitting]
                if not fitting:
                    rows.append(_without_limit(indicator, value, variant, size))
        results += rows or [_alone(indicator, value)]
    return results


def _value(inventory: Inventory, indicator: Indicator) -> float | None:
    if indicator.statistic:
        statistic = inventory.statistics.get(indicator.statistic)
        return statistic.value if statistic else None
    if not inventory.complete:
        return None
    denominator = inventory.total(indicator.denominator)
    return inventory.total(indicator.numerator) / denominator if denominator else None


def _alone(indicator: Indicator, value: float | None) -> IndicatorResult:
    warning = None
    if value is not None and indicator.warn_below is not None and value < indicator.warn_below:
        warning = Remark(
            "below_guidance",
            N_("{value:.1%} is below the {limit:.0%} that the method asks for in principle."),
            {"value": value, "limit": indicator.warn_below},
            "warning",
        )
    return IndicatorResult(
        indicator.id, indicator.name_zh, indicator.name_en, indicator.kind, indicator.unit, value,
        "not_available" if value is None else "no_threshold", reason=_unavailable(indicator) if value is None else None,
        warning=warning,
    )  # fmt: skip


def _unavailable(indicator: Indicator) -> Remark:
    if indicator.statistic:
        return Remark(
            "statistic_missing",
            N_("The record has no statistic {variable} for the year."),
            {"variable": indicator.statistic},
        )
    return Remark("incomplete", N_("The record is not complete: no indicator, no verdict."))


def _without_limit(indicator: Indicator, value: float | None, variant: Variant, size: float | None) -> IndicatorResult:
    reason = (
        _unavailable(indicator)
        if value is None
        else Remark(
            "no_threshold",
            N_("No threshold ({variant_en}) for a park of {size:,.0f} tce a year; confirm with the authority."),
            {"variant_zh": variant.name_zh, "variant_en": variant.name_en, "size": size or 0.0},
        )
    )
    return IndicatorResult(
        indicator.id, indicator.name_zh, indicator.name_en, indicator.kind, indicator.unit, value,
        "not_available" if value is None else "no_threshold", variant.id, variant.name_zh, variant.name_en,
        source=variant.source, reason=reason,
    )  # fmt: skip


def _against(
    inventory: Inventory, indicator: Indicator, value: float | None, variant: Variant, limit: Limit
) -> IndicatorResult:
    """Return the indicator against one limit, with the gap in the numerator's unit (or the indicator's own)."""
    result = IndicatorResult(
        indicator.id, indicator.name_zh, indicator.name_en, indicator.kind, indicator.unit, value, "not_available",
        variant.id, variant.name_zh, variant.name_en, limit.limit, limit.year, limit.comparison, limit.source,
    )  # fmt: skip
    if value is None:
        return replace(result, reason=_unavailable(indicator))
    # equality passes; the slack is rounding of binary fractions only
    slack = 1e-12 * max(abs(value), abs(limit.limit))
    beyond = value - limit.limit if limit.comparison == "<=" else limit.limit - value
    met = beyond <= slack
    gap, unit = (0.0 if met else beyond), indicator.unit
    if indicator.denominator:
        gap, unit = gap * inventory.total(indicator.denominator), inventory.scheme.total(indicator.numerator).unit
    return replace(result, verdict="met" if met else "not_met", gap=gap, gap_unit=unit)
