"""The Word inventory report: results, their origin and what is missing, in Chinese or English."""

from __future__ import annotations

import datetime
import io
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ecopark.accounting.result import Inventory
from ecopark.model.network import PARK
from ecopark.model.tables import ACTUAL
from ecopark.reports import (
    comparison_chapters,
    factor_chapters,
    metabolism_chapters,
    method_chapters,
    results_chapters,
)
from ecopark.reports.figures import DrawnFigure
from ecopark.reports.finishing import clean, describe_pictures, fill_contents, repair_ids, whole_or_nothing
from ecopark.reports.fonts import find_chinese_font
from ecopark.reports.material import Material, collect
from ecopark.reports.numbers import RegisteredFigure
from ecopark.reports.scribe import Scribe
from ecopark.reports.template import template_path
from ecopark.translation import LANGUAGES, N_

if TYPE_CHECKING:
    from ecopark.workspace import Workspace

MOST_LINES = 100


@dataclass(frozen=True, slots=True)
class ReportSummary:
    """What was written: the file, every number in it, how many tables and pictures, and what the user must know.

    `figures` are the registered numbers, in the order of printing. `remarks` are sentences in the report's language,
    such as a missing font; `complete` tells whether every scheme passed the data gate.
    """

    path: Path
    language: str
    figures: Sequence[RegisteredFigure]
    tables: int
    pictures: int
    complete: bool
    remarks: Sequence[str] = field(default_factory=tuple)


def write_inventory_report(
    source: Workspace | Inventory | Sequence[Inventory] | Material,
    language: str,
    path: str | os.PathLike[str],
    *,
    year: int | None = None,
    schemes: Sequence[str] = (),
    boundary: str = PARK,
    scenario: str = ACTUAL,
    options: Mapping[str, str] | None = None,
    metabolism: bool | None = None,
    template: str | os.PathLike[str] | None = None,
    most_lines: int = MOST_LINES,
    date: datetime.date | None = None,
) -> ReportSummary:
    """Write a Word inventory report in `language` ("zh" or "en") to `path` and return its summary.

    From a workspace the inventories of `year` under `schemes` are drawn (and stored as runs), with evidence, ranges,
    comparisons, reported values and eliminations; `year`, `schemes`, `boundary`, `scenario`, `options` and `metabolism`
    are those of `gather`. From inventories alone the report holds what they hold. `date` stands on the cover (today if
    none). Raises what `write_report` and `gather` raise.
    """
    return write_report(
        collect(
            source, year=year, schemes=schemes, boundary=boundary, scenario=scenario, options=options, date=date,
            metabolism=metabolism,
        ),
        language, path, template=template, most_lines=most_lines,
    )  # fmt: skip


def write_report(
    material: Material, language: str, path: str | os.PathLike[str], *, template: str | os.PathLike[str] | None = None,
    most_lines: int = MOST_LINES,
) -> ReportSummary:  # fmt: skip
    """Write the inventory report of `material` in `language` ("zh" or "en") to `path` (.docx) and return its summary.

    `template` is a Word file with the placeholders of `ecopark.reports.template` (the one that ecopark brings if none
    is given); `most_lines` limits the line table of each scheme. The file appears as a whole or not at all. Raises
    ValueError for an unknown language, a template that is no Word file or asks for something that the report has not,
    FileNotFoundError where the folder or the template does not exist.
    """
    from docx.opc.exceptions import PackageNotFoundError
    from docxtpl import DocxTemplate
    from jinja2 import StrictUndefined, TemplateError
    from jinja2.sandbox import SandboxedEnvironment

    if language not in LANGUAGES:
        raise ValueError(f"unknown language {language!r}; known: {', '.join(LANGUAGES)}")
    target, source = Path(path), Path(template) if template is not None else template_path(language)
    if not source.is_file():
        raise FileNotFoundError(f"no template {source}")
    scribe = Scribe(language, material)
    context = report_context(scribe, most_lines)
    counted: Counter[str] = Counter()
    with whole_or_nothing(target) as temporary:
        try:
            document = DocxTemplate(str(source))
            document.init_docx()
        except (PackageNotFoundError, KeyError, ValueError) as error:
            raise ValueError(f"{source.name} is not a Word document that can serve as a template") from error
        pictures = _place_pictures(document, context)
        # A template may come from anybody: it fills places and does nothing else (sandbox).
        environment = SandboxedEnvironment(undefined=StrictUndefined, autoescape=True)
        try:
            document.render(context | {"next_number": _counter(counted)}, jinja_env=environment, autoescape=True)
        except TemplateError as error:
            raise ValueError(f"{source.name}: {error}") from error
        describe_pictures(document.docx, [picture.description for picture in pictures])
        repair_ids(document.docx)
        fill_contents(document.docx)
        _properties(document.docx, scribe, context)
        document.save(str(temporary))
    remarks = (context["figure_note"],) if context["figure_note"] else ()
    complete = all(inventory.complete for inventory in material.inventories)
    return ReportSummary(
        target, language, tuple(scribe.register.figures), counted["table"], len(pictures), complete, remarks
    )


def report_context(scribe: Scribe, most_lines: int = MOST_LINES) -> dict[str, Any]:
    """Return everything that the template may ask for, every number printed and registered.

    Names as in `ecopark.reports.template`; pictures stand in it as `DrawnFigure`.
    """
    material, font = scribe.material, find_chinese_font()
    results = [_result(scribe, inventory, most_lines) for inventory in material.inventories]
    synthetic = scribe.say(
        N_("Synthetic data: every figure of this park is made up. Nothing here describes a real park.")
    )
    header = [scribe.say(N_("Inventory report")), scribe.both(*material.park), str(material.year)]
    if material.synthetic:
        header.append(scribe.say(N_("SYNTHETIC DATA")))
    return {
        "park": scribe.both(*material.park),
        "header": " · ".join(part for part in header if part),
        "synthetic": synthetic if material.synthetic else "",
        "cover": method_chapters.cover(scribe, material.year),
        "figure_note": scribe.say(font.remark) if font.remark and scribe.language == "zh" else "",
        "results": results,
        "summary": results_chapters.summary_rows(scribe),
        "sentences": comparison_chapters.reported_sentence(scribe),
        "resting": results_chapters.resting(scribe),
        **comparison_chapters.years(scribe),
        "tasks": results_chapters.tasks(scribe),
        **method_chapters.boundary(scribe),
        "symbols": method_chapters.symbol_rows(scribe),
        **method_chapters.sources(scribe),
        "pairs": comparison_chapters.pairs(scribe),
        **comparison_chapters.reported(scribe),
        **comparison_chapters.indicators(scribe),
        **factor_chapters.uncertainty(scribe),
        **factor_chapters.gaps(scribe),
        "eliminations": comparison_chapters.eliminations(scribe),
        **method_chapters.checking(scribe),
        **metabolism_chapters.metabolism(scribe),
        **factor_chapters.factors(scribe),
    }


def _result(scribe: Scribe, inventory: Inventory, most_lines: int) -> dict[str, Any]:
    splits = {
        name: results_chapters.split_rows(scribe, inventory, dimension) for name, dimension in results_chapters.TABLES
    }
    return {
        "scheme": scribe.scheme(inventory),
        "sentence": results_chapters.sentence(scribe, inventory),
        **method_chapters.method(scribe, inventory),
        "totals": results_chapters.total_rows(scribe, inventory),
        "figures": results_chapters.result_figures(scribe, inventory),
        **splits,
        "remarks": results_chapters.remark_texts(scribe, inventory),
        **factor_chapters.lines(scribe, inventory, most_lines),
    }


def _counter(counted: Counter[str]) -> Any:
    def next_number(kind: str) -> str:
        counted[kind] += 1
        return str(counted[kind])

    return next_number


def _place_pictures(document: Any, context: Mapping[str, Any]) -> list[DrawnFigure]:
    """Turn the drawn figures of `context` into pictures of `document`; return them in the order of the document."""
    from docx.shared import Cm
    from docxtpl import InlineImage

    pictures: list[DrawnFigure] = []
    groups = [result["figures"] for result in context["results"]]
    groups += [pair["figures"] for pair in context["pairs"]]
    groups += [context["year_figures"], context["reported_figures"]]
    groups += [chapter["figures"] for chapter in context["layer_chapters"]]
    for figure in (figure for group in groups for figure in group):
        drawn = figure["image"]
        pictures.append(drawn)
        figure["image"] = InlineImage(document, io.BytesIO(drawn.png), width=Cm(drawn.width))
    return pictures


def _properties(document: Any, scribe: Scribe, context: Mapping[str, Any]) -> None:
    properties = document.core_properties
    properties.title = clean(str(context["header"]))
    properties.author = "ecopark"
    properties.subject = scribe.join([scribe.scheme(one) for one in scribe.material.inventories])
    properties.language = "zh-CN" if scribe.language == "zh" else "en-GB"
