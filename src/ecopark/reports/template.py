"""The inventory report's Word template: its chapters, sentences and tables, in Chinese and in English.

`write_templates` makes the two files in `reports/templates`; `scripts/report_templates.py` calls it. A user who wants
another look opens such a file in Word, changes styles, wording or order, and passes it to
`write_inventory_report(..., template=...)`; the names between `{{ }}` are those of `ecopark.reports.context`.
"""

from __future__ import annotations

import datetime
import io
import zipfile
from pathlib import Path

from ecopark.reports.finishing import whole_or_nothing
from ecopark.reports.metabolism_template import write_metabolism
from ecopark.reports.template_writer import CONTENTS_MARK, Column, TemplateWriter
from ecopark.translation import LANGUAGES, N_

TEMPLATES = Path(__file__).parent / "templates"

_RANGE = N_("Range (95 %)")
_REFERENCE = N_("Reference")
_UNIT = N_("Unit")
_SHARE = N_("Share (%)")
_NAME = N_("Name")
_VALUE = N_("Value")


def template_path(language: str) -> Path:
    """Return the file of the template that ecopark brings for `language`; ValueError for an unknown language."""
    if language not in LANGUAGES:
        raise ValueError(f"unknown language {language!r}; known: {', '.join(LANGUAGES)}")
    return TEMPLATES / f"inventory_{language}.docx"


def write_templates(folder: Path = TEMPLATES) -> list[Path]:
    """Write both templates into `folder` and return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for language in LANGUAGES:
        path = folder / f"inventory_{language}.docx"
        with whole_or_nothing(path) as temporary:
            _save_reproducibly(build_template(language), temporary)
        written.append(path)
    return written


def _save_reproducibly(writer: TemplateWriter, path: Path) -> None:
    """Save without the time of day in it, so that the same template is the same file."""
    buffer = io.BytesIO()
    writer.document.save(buffer)
    with zipfile.ZipFile(buffer) as source, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            target.writestr(entry, source.read(name))


def build_template(language: str) -> TemplateWriter:
    """Return the inventory template in `language`, not yet saved."""
    writer = TemplateWriter(language)
    properties = writer.document.core_properties
    properties.author, properties.title, properties.comments = "ecopark", writer.say(N_("Inventory report")), ""
    properties.created = properties.modified = datetime.datetime(2025, 1, 1, tzinfo=datetime.UTC)
    writer.running_lines(writer.document.sections[0])
    _cover(writer)
    _summary(writer)
    _boundary(writer)
    _method(writer)
    _sources(writer)
    _checking(writer)
    _results(writer)
    _comparison(writer)
    _indicators(writer)
    _uncertainty(writer)
    _gaps(writer)
    _eliminations(writer)
    writer.landscape()
    write_metabolism(writer)
    _factors(writer)
    _lines(writer)
    return writer


def _cover(writer: TemplateWriter) -> None:
    writer.text(N_("Emission and energy inventory"), "Title")
    writer.paragraph("{{ park }}", "Subtitle")
    with writer.when("synthetic"):
        writer.paragraph("{{ synthetic }}", "Report Warning")
    writer.plain_table("cover", [Column("", "row.label", 3), Column("", "row.text", 9)])
    writer.page_break()
    writer.text(N_("Contents"), "Contents Heading")
    writer.paragraph(CONTENTS_MARK, "Normal")
    writer.page_break()


def _summary(writer: TemplateWriter) -> None:
    writer.heading(1, N_("Summary"))
    with writer.each("result", "results"):
        writer.paragraph("{{ result.sentence }}")
    with writer.when("sentences"), writer.each("sentence", "sentences"):
        writer.paragraph("{{ sentence }}")
    writer.table(
        N_("Results by accounting scheme"), "summary",
        [
            Column(N_("Accounting scheme"), "row.scheme", 5), Column(N_("What the number is"), "row.basis", 5),
            Column(_VALUE, "row.amount", 2.6, "number"), Column(_RANGE, "row.range", 4.2, "number"),
            Column(_UNIT, "row.unit", 1.6), Column(_REFERENCE, "row.reference", 2.6, "code"),
        ],
    )  # fmt: skip
    with writer.each("sentence", "resting"):
        writer.paragraph("{{ sentence }}", "Report Warning")
    with writer.when("tasks"):
        writer.heading(2, N_("Tasks before a total can be stated"))
        writer.text(
            N_(
                "The data gate is not passed: at least one source that the scheme requires is not stated. What is "
                "printed is therefore a subtotal of the covered sources; no indicator and no verdict is given. Each "
                "task below ends with an amount or a notation (NO not occurring, NE not estimated, IE included "
                "elsewhere, C confidential) in the record."
            )
        )
        writer.table(
            N_("Tasks"), "tasks",
            [
                Column(N_("What is missing"), "row.name", 4), Column(N_("Who owes it"), "row.owner", 3),
                Column(N_("Why it is needed"), "row.reason", 3.6), Column(N_("How to mend it"), "row.remedy", 4.4),
                Column(N_("Scheme"), "row.scheme", 4.4),
            ],
        )  # fmt: skip


def _boundary(writer: TemplateWriter) -> None:
    writer.heading(1, N_("Boundary and period"))
    writer.paragraph("{{ boundary_sentence }}")
    writer.table(
        N_("Nodes inside the boundary"), "nodes",
        [
            Column(N_("Id"), "row.id", 3, "code"), Column(_NAME, "row.name", 6), Column(N_("Kind"), "row.kind", 2),
            Column(N_("Sector"), "row.sector", 2), Column(N_("Belongs to"), "row.parent", 4),
        ],
    )  # fmt: skip
    with writer.when("nodes_note"):
        writer.paragraph("{{ nodes_note }}", "Report Note")


def _method(writer: TemplateWriter) -> None:
    writer.heading(1, N_("Method"))
    writer.text(
        N_(
            "An accounting scheme selects the flows of the record that it covers and multiplies each amount by a "
            "coefficient. The coefficient is a product of factors; each factor is chosen in the order site, park, "
            "province, nation, world, for the year of the inventory. Lines are added by category; a total is a sum of "
            "categories. Nothing is rounded before printing."
        )
    )
    with writer.each("result", "results"):
        writer.paragraph("{{ result.scheme }}", "Heading 2")
        writer.paragraph("{{ result.description }}")
        writer.plain_table("result.settings", [Column("", "row.label", 4), Column("", "row.text", 10)])
        writer.table(
            N_("Rules: what counts and how it is multiplied"), "result.rules",
            [
                Column(N_("Category"), "row.category", 3.2), Column(N_("Rule"), "row.name", 4.4),
                Column(N_("Gas or measure"), "row.measure", 2.5), Column(N_("Formula"), "row.formula", 6.4),
                Column(N_("Factor sets, best first"), "row.sets", 3.6),
            ],
            about="result.scheme",
        )  # fmt: skip
    with writer.when("symbols"):
        writer.heading(2, N_("Symbols"))
        writer.table(
            N_("Symbols in the formulas"), "symbols",
            [
                Column(N_("Symbol"), "row.symbol", 4, "code"), Column(N_("Meaning"), "row.meaning", 9),
                Column(N_("Kind"), "row.kind", 3),
            ],
        )  # fmt: skip


def _sources(writer: TemplateWriter) -> None:
    writer.heading(1, N_("Data sources"))
    writer.paragraph("{{ sources_sentence }}")
    with writer.when("methods"):
        writer.table(
            N_("How the amounts were obtained"),
            "methods",
            [Column(N_("How obtained"), "row.name", 5), Column(N_("Flows"), "row.flows", 3, "number")],
        )
    with writer.when("evidence"):
        writer.table(
            N_("Evidence"), "evidence",
            [
                Column(N_("Id"), "row.id", 3, "code"), Column(N_("Title"), "row.title", 6.5),
                Column(N_("Kind"), "row.kind", 2.2),
                Column(N_("Found in"), "row.reference", 5), Column(N_("Flows"), "row.flows", 1.7, "number"),
            ],
        )  # fmt: skip
        writer.otherwise()
        writer.text(N_("The record names no evidence for the flows of this inventory."), "Report Warning")


def _results(writer: TemplateWriter) -> None:
    writer.heading(1, N_("Results"))
    with writer.when("figure_note"):
        writer.paragraph("{{ figure_note }}", "Report Note")
    with writer.each("result", "results"):
        writer.paragraph("{{ result.scheme }}", "Heading 2")
        writer.paragraph("{{ result.sentence }}")
        writer.table(
            N_("Totals of the scheme"), "result.totals",
            [
                Column(N_("Quantity"), "row.name", 6), Column(_VALUE, "row.amount", 2.6, "number"),
                Column(_RANGE, "row.range", 4.2, "number"), Column(_UNIT, "row.unit", 2),
                Column(_REFERENCE, "row.reference", 4.2, "code"),
            ],
            about="result.scheme",
        )  # fmt: skip
        writer.figures("result.figures")
        for name, caption, first, with_range in (
            ("categories", N_("Results by source category"), N_("Source category"), True),
            ("scopes", N_("Results by scope"), N_("Scope"), True),
            ("gases", N_("Results by gas"), N_("Gas"), False),
            ("firms", N_("Results by firm"), N_("Firm"), True),
            ("commodities", N_("Results by commodity"), N_("Commodity"), False),
        ):
            columns = [
                Column(first, "row.name", 4.4), Column(_VALUE, "row.amount", 2.2, "number"),
                Column(_UNIT, "row.unit", 1.5),
                Column(_SHARE, "row.share", 2.2, "number"), Column(_RANGE, "row.range", 4, "number"),
                Column(_REFERENCE, "row.reference", 4.4, "code"),
            ]  # fmt: skip
            with writer.when(f"result.{name}"):
                kept = [column for column in columns if with_range or column.head != _RANGE]
                writer.table(caption, f"result.{name}", kept, about="result.scheme")
        with writer.when("result.remarks"):
            writer.text(N_("Remarks of the calculation:"))
            with writer.each("remark", "result.remarks"):
                writer.paragraph("• {{ remark }}", "Report Item")


def _comparison(writer: TemplateWriter) -> None:
    writer.heading(1, N_("Comparisons"))
    writer.heading(2, N_("Accounting schemes and years side by side"))
    with writer.when("years"):
        writer.table(
            N_("The main scheme, year by year"), "years",
            [
                Column(N_("Year"), "row.year", 2), Column(N_("What the number is"), "row.basis", 5),
                Column(_VALUE, "row.amount", 3, "number"), Column(_UNIT, "row.unit", 2),
                Column(_REFERENCE, "row.reference", 4, "code"),
            ],
        )  # fmt: skip
        writer.figures("year_figures")
    with writer.when("pairs"):
        with writer.each("pair", "pairs"):
            writer.paragraph("{{ pair.sentence }}")
            writer.table(
                N_("Why the two numbers differ"), "pair.steps",
                [
                    Column(N_("Step"), "row.name", 10), Column(_VALUE, "row.amount", 2.4, "number"),
                    Column(_UNIT, "row.unit", 1.6), Column(_REFERENCE, "row.reference", 2.8, "code"),
                ],
                about="pair.title",
            )  # fmt: skip
            writer.figures("pair.figures")
        writer.otherwise()
        writer.text(
            N_("This report holds one accounting scheme, or schemes that measure different things; none are compared.")
        )
    writer.heading(2, N_("Calculated against reported"))
    with writer.when("reported"):
        writer.paragraph("{{ reported_sentence }}")
        writer.table(
            N_("Calculated against reported, by year"), "reported",
            [
                Column(N_("Node"), "row.node", 3.6), Column(N_("Year"), "row.year", 1.3),
                Column(N_("Calculated"), "row.calculated", 2.4, "number"),
                Column(N_("Reported"), "row.reported", 2.4, "number"),
                Column(N_("Difference"), "row.difference", 2.5, "number"),
                Column(N_("Calculated / reported"), "row.ratio", 2.6, "number"), Column(_UNIT, "row.unit", 1.6),
                Column(_REFERENCE, "row.reference", 2.4, "code"),
            ],
        )  # fmt: skip
        writer.figures("reported_figures")
        with writer.when("not_covered"):
            writer.table(
                N_("What the comparison does not cover"), "not_covered",
                [
                    Column(N_("Emission source"), "row.name", 7), Column(N_("Notation"), "row.notation", 3),
                    Column(N_("Note"), "row.note", 8),
                ],
            )  # fmt: skip
        writer.otherwise()
        writer.text(N_("The record holds no reported value for this boundary."))


def _indicators(writer: TemplateWriter) -> None:
    writer.heading(1, N_("Indicators"))
    with writer.when("indicators"):
        writer.table(
            N_("Indicators with their limits"), "indicators",
            [
                Column(N_("Indicator"), "row.name", 5), Column(_VALUE, "row.amount", 2.2, "number"),
                Column(_UNIT, "row.unit", 2), Column(N_("Limit"), "row.limit", 2.4, "number"),
                Column(N_("Verdict"), "row.verdict", 4.4), Column(_REFERENCE, "row.reference", 4.2, "code"),
            ],
        )  # fmt: skip
    with writer.each("sentence", "indicator_sentences"):
        writer.paragraph("{{ sentence }}")


def _uncertainty(writer: TemplateWriter) -> None:
    writer.heading(1, N_("Uncertainty"))
    writer.text(
        N_(
            "Ranges hold the value with a probability of 95 %. Approach 1 propagates the relative ranges of amounts "
            "and factors through sums and products (IPCC 2006, volume 1, chapter 3); Approach 2 draws amounts and "
            "factors from their distributions and computes every total anew. A factor that several lines share moves "
            "all of them together. A range borrowed from another factor set is labelled as borrowed in the factor "
            "table. Amounts and factors without a range are treated as exact, so that a printed range is a lower bound"
            " of the real one."
        )
    )
    with writer.when("uncertainties"):
        writer.table(
            N_("Ranges of the totals (95 %)"), "uncertainties",
            [
                Column(N_("Accounting scheme"), "row.scheme", 5), Column(_VALUE, "row.amount", 2.4, "number"),
                Column(N_("Approach 1"), "row.first", 4.4, "number"),
                Column(N_("Approach 2"), "row.second", 4.4, "number"),
                Column(_UNIT, "row.unit", 1.6),
            ],
        )  # fmt: skip
        writer.table(
            N_("Lines that make most of the variance"), "line_contributions",
            [
                Column(N_("Accounting scheme"), "row.scheme", 5), Column(N_("Line"), "row.name", 7.5),
                Column(N_("Contribution (%)"), "row.share", 2.4, "number"),
                Column(_REFERENCE, "row.reference", 3, "code"),
            ],
        )  # fmt: skip
        writer.table(
            N_("Amounts and factors that make most of the variance"), "variable_contributions",
            [
                Column(N_("Accounting scheme"), "row.scheme", 5), Column(N_("Amount or factor"), "row.name", 7.5),
                Column(N_("Contribution (%)"), "row.share", 2.4, "number"), Column(N_("Id"), "row.id", 4, "code"),
            ],
        )  # fmt: skip
        writer.otherwise()
        writer.text(N_("No uncertainty analysis belongs to these results."))
    with writer.each("sentence", "uncertainty_sentences"):
        writer.paragraph("• {{ sentence }}", "Report Item")


def _gaps(writer: TemplateWriter) -> None:
    writer.heading(1, N_("Completeness and data gaps"))
    writer.paragraph("{{ gaps_sentence }}")
    with writer.when("gaps"):
        writer.table(
            N_("Data gaps"), "gaps",
            [
                Column(N_("What is missing"), "row.name", 4), Column(N_("Kind"), "row.kind", 2.2),
                Column(N_("Who owes it"), "row.owner", 3), Column(N_("Why"), "row.reason", 4.5),
                Column(N_("Scheme"), "row.scheme", 3.5),
            ],
        )  # fmt: skip
    with writer.when("notations"):
        writer.table(
            N_("Sources stated by a notation"), "notations",
            [
                Column(N_("Stream"), "row.name", 7), Column(N_("Notation"), "row.notation", 4.5),
                Column(N_("Note"), "row.note", 6),
            ],
        )  # fmt: skip


def _eliminations(writer: TemplateWriter) -> None:
    writer.heading(1, N_("Supply inside the park"))
    with writer.when("eliminations"):
        writer.text(
            N_(
                "Energy that is made inside the park and sold inside it is counted once. The table shows what the sum "
                "of the enterprises counts twice and the park does not."
            )
        )
        whole = repr(writer.say(N_("Eliminated in all")))
        with writer.each("elimination", "eliminations"):
            writer.paragraph("{{ elimination.sentence }}")
            writer.table(
                N_("Eliminations between the sum of the enterprises and the park"), "elimination.rows",
                [
                    Column(N_("Stream"), "row.name", 5.2), Column(N_("Amount supplied"), "row.supplied", 2.2, "number"),
                    Column(_UNIT, "row.supplied_unit", 1.2),
                    Column(N_("Counted by buyers"), "row.bought", 2.2, "number"),
                    Column(N_("Deducted by sellers"), "row.sold", 2.2, "number"),
                    Column(N_("Eliminated"), "row.amount", 2.2, "number"),
                    Column(_REFERENCE, "row.reference", 3.4, "code"),
                ],
                total=(whole, "", "", "", "", "elimination.total", "elimination.reference"),
                about="elimination.about",
            )  # fmt: skip
        writer.otherwise()
        writer.text(N_("No energy is sold between firms inside the boundary; nothing had to be eliminated."))


def _checking(writer: TemplateWriter) -> None:
    writer.heading(1, N_("How to check a number"))
    writer.paragraph("{{ checking_sentence }}")
    with writer.each("example", "checking_examples"):
        writer.paragraph("{{ example }}", "Report Item")


def _factors(writer: TemplateWriter) -> None:
    writer.heading(1, N_("Factors used"))
    writer.paragraph("{{ factors_sentence }}")
    writer.table(
        N_("Factors with unit, source, version, validity and verification"), "factors",
        [
            Column(N_("Factor"), "row.name", 5.2), Column(_VALUE, "row.amount", 2.2, "number"),
            Column(_UNIT, "row.unit", 2.3),
            Column(_RANGE, "row.range", 3.8, "number"), Column(N_("Level of choice"), "row.level", 1.7),
            Column(N_("Factor set"), "row.set", 2),
            Column(N_("Source and version"), "row.source", 4.6), Column(N_("Validity"), "row.valid", 2.3),
            Column(N_("Verification"), "row.status", 2.2), Column(N_("Id"), "row.id", 4.2, "code"),
        ],
        small=True,
    )  # fmt: skip
    with writer.each("sentence", "factor_notes"):
        writer.paragraph("{{ sentence }}", "Report Note")


def _lines(writer: TemplateWriter) -> None:
    writer.heading(1, N_("Lines"))
    with writer.each("result", "results"):
        writer.paragraph("{{ result.scheme }}", "Heading 2")
        writer.paragraph("{{ result.lines_sentence }}")
        writer.table(
            N_("Lines of the inventory"), "result.lines",
            [
                Column(_REFERENCE, "row.reference", 2.1, "code"), Column(N_("Category"), "row.category", 3),
                Column(N_("Rule"), "row.rule", 3.6),
                Column(N_("Firm"), "row.firm", 3.2), Column(N_("Commodity"), "row.commodity", 2.8),
                Column(N_("Amount"), "row.amount", 2.4, "number"), Column(_UNIT, "row.unit", 1.6),
                Column(N_("Coefficient (result per amount)"), "row.coefficient", 2.8, "number"),
                Column(N_("Result"), "row.result", 2.4, "number"),
                Column(_UNIT, "row.result_unit", 1.6), Column(N_("Flow"), "row.flow", 3.8, "code"),
            ],
            about="result.scheme",
            small=True,
        )  # fmt: skip
