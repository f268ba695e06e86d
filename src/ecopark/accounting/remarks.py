"""What a reader must know about an inventory: what it rests on, what stood in, what was warned of."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from ecopark.accounting.certificates import CertificateExcess
from ecopark.accounting.explanation import NOTE_SEPARATOR
from ecopark.accounting.overlaps import Overlap
from ecopark.accounting.result import IndicatorResult, Inventory, Remark
from ecopark.catalogue.schemes import Total
from ecopark.translation import N_

DOUBTFUL = ("unverified", "contested")
"""Verification statuses that a report must mark."""

_EXCESS = N_("Certificates for {claimed:,.0f} MWh exceed the {received:,.0f} MWh received; the excess is not counted.")
_TWICE = N_("{node_en}: {product_en} and {covers_en} may hold the same emissions twice: {why_en}.")
_UNKNOWN_TECHNOLOGY = N_(
    "Technologies that neither the catalogue nor the park's own factors know, so that no rule may count their streams:"
    " {technologies}."
)
_NEGATIVE = N_("{category_en} is below zero ({value:,.1f} {unit}): more is deducted than it can be deducted from.")
_RESTS_ON = {
    "unverified": N_("{total_en}: {share:.1%} of it rests on unverified values: {factors}."),
    "contested": N_("{total_en}: {share:.1%} of it rests on contested values: {factors}."),
}


def _totals_to_judge(inventory: Inventory) -> list[Total]:
    """Return the headline total and those that a core indicator is made of."""
    scheme = inventory.scheme
    wanted = {scheme.totals[0].id}
    wanted |= {name for i in scheme.indicators if i.kind == "core" for name in (i.numerator, i.denominator) if name}
    return [total for total in scheme.totals if total.id in wanted]


def doubtful_parameters(inventory: Inventory, total: str | None = None) -> pl.DataFrame:
    """Return the unverified and contested values that a total used, with the part of the total that rests on each.

    Columns: factor, symbol, value, unit, status, source, result (in the total's unit), share (of the total of absolute
    line results). Largest share first.
    """
    weights = _weights(inventory, total)
    whole = float(weights["weight"].sum()) or 1.0
    return (
        inventory.parameters.filter(pl.col("status").is_in(DOUBTFUL))
        .join(weights.filter(pl.col("weight") > 0), on="coefficient", how="inner")
        .group_by("factor", "symbol", maintain_order=True)
        .agg(
            pl.col("value").first(), pl.col("unit").first(), pl.col("status").first(), pl.col("source").first(),
            pl.col("result").sum(), (pl.col("weight").sum() / whole).alias("share"),
        )
        .sort("share", descending=True, maintain_order=True)
    )  # fmt: skip


def _weights(inventory: Inventory, total: str | None) -> pl.DataFrame:
    """Return coefficient, result and weight (sum of absolute results) over the lines of a total."""
    result = pl.col("result")
    lines = inventory.lazy_lines_of(total)
    return (
        lines.group_by("coefficient", maintain_order=True)
        .agg(result.sum(), result.abs().sum().alias("weight"))
        .collect()
    )


def collect_remarks(
    inventory: Inventory,
    excess: CertificateExcess | None,
    indicators: Sequence[IndicatorResult],
    overlaps: Sequence[Overlap] = (),
    unknown_technologies: Sequence[str] = (),
) -> list[Remark]:
    """Return the remarks on an inventory: doubtful values by total, substitutions, certificates, warnings."""
    remarks: list[Remark] = []
    for total in _totals_to_judge(inventory):
        weights = _weights(inventory, total.id)
        whole = float(weights["weight"].sum()) or 1.0
        for status in DOUBTFUL:
            doubtful = inventory.parameters.filter(pl.col("status") == status)
            resting = weights.filter(pl.col("weight") > 0).join(doubtful, on="coefficient", how="semi")
            if resting.is_empty():
                continue
            order = doubtful.join(resting, on="coefficient").sort("weight", descending=True, maintain_order=True)
            named = [f"{row['factor']} = {row['value']:g} {row['unit']}" for row in order.iter_rows(named=True)]
            values = {
                "total_zh": total.name_zh, "total_en": total.name_en, "factors": ", ".join(dict.fromkeys(named)),
                "share": float(resting["weight"].sum()) / whole,
            }  # fmt: skip
            remarks.append(Remark(f"rests_on_{status}", _RESTS_ON[status], values, "warning"))
    remarks += _substitutions(inventory)
    if excess is not None:
        remarks.append(
            Remark(
                "certificate_excess",
                _EXCESS,
                {"claimed": excess.claimed, "received": excess.received},
                "warning",
            )
        )
    if unknown_technologies:
        values = {"technologies": ", ".join(unknown_technologies)}
        remarks.append(Remark("unknown_technology", _UNKNOWN_TECHNOLOGY, values, "warning"))
    remarks += _implausible(inventory, overlaps)
    remarks += [indicator.warning for indicator in indicators if indicator.warning is not None]
    return remarks


def _implausible(inventory: Inventory, overlaps: Sequence[Overlap]) -> list[Remark]:
    """Return warnings of what may be counted twice and of deductions that exceed what they are deducted from."""
    remarks: list[Remark] = []
    for overlap in overlaps:
        values: dict[str, object] = {"why_zh": overlap.note_zh, "why_en": overlap.note_en}
        for language in ("zh", "en"):
            values[f"node_{language}"] = inventory.name(overlap.node, language, "node")
            values[f"product_{language}"] = inventory.name(overlap.product, language, "commodity")
            values[f"covers_{language}"] = inventory.name(overlap.covers, language, "commodity")
        remarks.append(Remark("counted_twice", _TWICE, values, "warning"))
    for category in (category for category in inventory.scheme.categories if category.never_negative):
        lines = inventory.lines.lazy().filter(pl.col("category") == category.id).select("result", "result_unit")
        results = lines.collect()
        if (value := float(results["result"].sum())) < 0:
            names = {"category_zh": category.name_zh, "category_en": category.name_en}
            remarks.append(
                Remark("below_zero", _NEGATIVE, {**names, "value": value, "unit": results["result_unit"][0]}, "warning")
            )
    return remarks


_SUBSTITUTIONS = {
    "year": N_("No value for {wanted}; that of {found} stands in: {factors}."),
    "region": N_("No value for the region {wanted}; that of {found} stands in: {factors}."),
    "commodity": N_("No value for {wanted}; that of {found} stands in: {factors}."),
    "derived": N_("No published value for {wanted}; it is worked out from {found}."),
    "alternatives": N_("Other readings exist ({found}): {factors}."),
}


def _substitutions(inventory: Inventory) -> list[Remark]:
    """Return one remark for each kind of substitution, naming the factors."""
    used = inventory.lines["coefficient"].unique()
    rows = (
        inventory.parameters.filter(pl.col("coefficient").is_in(used.implode()) & pl.col("remark").is_not_null())
        .select("factor", "remark")
        .unique(maintain_order=True)
    )
    grouped: dict[tuple[str, str, str], list[str]] = {}
    for factor, text in rows.iter_rows():
        for part in text.split(NOTE_SEPARATOR):
            kind, _, rest = part.partition(":")
            found, _, wanted = rest.rpartition(":") if kind != "alternatives" else (rest, "", "")
            if kind in _SUBSTITUTIONS:
                grouped.setdefault((kind, found, wanted), []).append(factor)
    return [
        Remark(f"substituted_{kind}", _SUBSTITUTIONS[kind],
               {"found": found, "wanted": wanted, "factors": ", ".join(dict.fromkeys(factors))})
        for (kind, found, wanted), factors in grouped.items()
    ]  # fmt: skip
