"""The chapter on metabolism of the report's Word template (`ecopark.reports.template` puts it among the others)."""

from __future__ import annotations

from ecopark.reports.template_writer import Column, TemplateWriter
from ecopark.translation import N_

_REFERENCE = N_("Reference")
_UNIT = N_("Unit")


def write_metabolism(writer: TemplateWriter) -> None:
    """Add the chapter; it vanishes from a report without balances."""
    with writer.when("metabolism"):
        writer.heading(1, N_("Metabolism"))
        writer.paragraph("{{ metabolism }}")
        _balances(writer)
        _layers(writer)
        _residuals(writer)
        _indicators(writer)
        _gaps(writer)


def _terms(unit: bool) -> list[Column]:
    columns = [
        Column(N_("In"), "row.inflow", 2.4, "number"), Column(N_("Out"), "row.outflow", 2.4, "number"),
        Column(N_("Stock change"), "row.stock_change", 2, "number"),
        Column(N_("By rule"), "row.by_rule", 2.2, "number"), Column(N_("Remainder"), "row.remainder", 2.2, "number"),
        Column(N_("Residual"), "row.residual", 2.2, "number"),
    ]  # fmt: skip
    columns += [Column(_UNIT, "row.unit", 1.2)] if unit else []
    return [*columns, Column(N_("Verdict"), "row.verdict", 2.8), Column(_REFERENCE, "row.reference", 4.4, "code")]


def _balances(writer: TemplateWriter) -> None:
    writer.table(N_("Balances of the boundary in all layers"), "balance_rows",
                 [Column(N_("Layer"), "row.layer", 2), *_terms(unit=True)], small=True)  # fmt: skip
    with writer.each("sentence", "verdict_meanings"):
        writer.paragraph("• {{ sentence }}", "Report Item")


def _layers(writer: TemplateWriter) -> None:
    with writer.each("chapter", "layer_chapters"):
        writer.paragraph("{{ chapter.title }}", "Heading 2")
        writer.figures("chapter.figures")
        writer.table(N_("Balances of the firms"), "chapter.rows",
                     [Column(N_("Node"), "row.name", 4.4), *_terms(unit=False)], small=True,
                     about="chapter.title ~ ' (' ~ chapter.unit ~ ')'")  # fmt: skip
        with writer.when("chapter.note"):
            writer.paragraph("{{ chapter.note }}", "Report Note")


def _residuals(writer: TemplateWriter) -> None:
    with writer.when("residual_rows"):
        writer.heading(2, N_("Balances that do not close"))
        writer.table(
            N_("Residuals that the stated ranges do not explain, most significant first"), "residual_rows",
            [
                Column(N_("Layer"), "row.layer", 2), Column(N_("Node"), "row.name", 6),
                Column(N_("Residual"), "row.residual", 2.4, "number"), Column(_UNIT, "row.unit", 1.6),
                Column(N_("Verdict"), "row.verdict", 3), Column(_REFERENCE, "row.reference", 6, "code"),
            ],
        )  # fmt: skip


def _indicators(writer: TemplateWriter) -> None:
    with writer.when("metabolism_indicators"):
        writer.heading(2, N_("Indicators of metabolism"))
        writer.table(
            N_("Indicators of the whole boundary"), "metabolism_indicators",
            [
                Column(N_("Indicator"), "row.name", 6), Column(N_("Value"), "row.amount", 2.4, "number"),
                Column(_UNIT, "row.unit", 2.2), Column(N_("Remark"), "row.note", 8),
                Column(_REFERENCE, "row.reference", 5, "code"),
            ],
        )  # fmt: skip
    with writer.when("indicator_gaps"):
        writer.text(N_("Indicators that cannot be given, and why:"))
        with writer.each("sentence", "indicator_gaps"):
            writer.paragraph("• {{ sentence }}", "Report Item")


def _gaps(writer: TemplateWriter) -> None:
    with writer.when("layer_gaps or layer_gap_sentences"):
        writer.heading(2, N_("What could not be brought to a layer"))
    with writer.when("layer_gaps"):
        writer.table(
            N_("Flows without a value in a layer"), "layer_gaps",
            [
                Column(N_("Layer"), "row.layer", 2), Column(N_("Commodity"), "row.commodity", 5),
                Column(N_("Why"), "row.reason", 4), Column(N_("Flows"), "row.flows", 1.6, "number"),
                Column(N_("How to mend it"), "row.remedy", 10),
            ],
        )  # fmt: skip
    with writer.each("sentence", "layer_gap_sentences"):
        writer.paragraph("• {{ sentence }}", "Report Item")
