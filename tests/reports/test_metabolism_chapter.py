"""The chapter on metabolism: balances, pictures, gaps as gaps; and it is left out where it is not wanted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from ecopark.metabolism.wording import VERDICTS
from ecopark.reports import write_inventory_report
from ecopark.reports.material import gather
from ecopark.reports.metabolism_chapters import MAIN_LAYERS, metabolism
from ecopark.reports.numbers import read_number
from ecopark.reports.scribe import Scribe
from ecopark.translation import translate
from ecopark.workspace import Workspace
from tests.reports.reporting import CHOICES, DATE, Written
from tests.reports.test_report_document import headings, table_after, texts

Give = Callable[[str, str], Written]
TERMS = ("inflow", "outflow", "stock_change", "by_rule", "remainder", "residual")


@pytest.mark.parametrize(("language", "title"), [("en", "Metabolism"), ("zh", "代谢")])
def test_the_chapter_stands_in_both_languages(written: Give, language: str, title: str) -> None:
    report = written("twelve-firms", language)
    found = headings(report.document)
    assert title in found
    balances = report.material.balances
    assert balances is not None
    layers = [balances.name(layer, language, "layer") for layer in MAIN_LAYERS]
    after = found[found.index(title) :]
    assert [heading for heading in after if heading in layers] == layers  # each layer has its section, in this order
    assert report.summary.remarks == () or language == "zh"


def test_a_printed_balance_adds_up_and_has_its_verdict(written: Give) -> None:
    """Each row of the table of all layers: in - out - stock - rule - remainder = residual, to the printed digits."""
    report = written("twelve-firms", "en")
    rows = table_after(report.document, "Balances of the boundary in all layers")
    verdicts = {translate(words, "en") for words in VERDICTS.values()}
    assert len(rows) > 5
    for row in rows[1:]:
        values = [read_number(cell) for cell in row[1:7]]
        slack = max(0.51 * 10 ** -len(cell.partition(".")[2]) for cell in row[1:7]) * 6
        assert values[0] - sum(values[1:5]) == pytest.approx(values[5], abs=slack), row
        assert row[8] in verdicts
        assert "-residual:" in row[9]


def test_every_layer_has_its_picture_and_every_firm_its_row(written: Give) -> None:
    report = written("twelve-firms", "en")
    text = texts(report.document)
    for layer in ("Mass", "Energy", "Water", "Carbon", "Value"):
        assert f"Flows of the layer {layer} between firms" in text
    rows = table_after(report.document, "Balances of the firms · Carbon (tC)")
    firms = report.workspace.record.nodes
    names = set(firms.filter(firms["kind"] == "firm")["name_en"])
    assert {row[0] for row in rows[1:]} & names
    assert rows[-1][0] == "the whole boundary"


def test_gaps_are_printed_as_gaps(written: Give) -> None:
    """What could not be brought to a layer stands in a table with its mend; indicators say why they are missing."""
    report = written("eastman", "en")
    rows = table_after(report.document, "Flows without a value in a layer")
    assert len(rows) > 1
    assert all(row[2] and row[4] for row in rows[1:])
    assert "Indicators that cannot be given, and why:" in texts(report.document)


def test_without_the_chapter_there_is_no_trace_of_it(open_example: Callable[[str], Workspace], tmp_path: Path) -> None:
    workspace = open_example("rules/v4")
    material = gather(workspace, **CHOICES["rules/v4"], date=DATE, metabolism=False)
    assert material.balances is None
    summary = write_inventory_report(material, "en", tmp_path / "report.docx")
    report = Written(workspace, material, summary, "en")
    assert "Metabolism" not in headings(report.document)
    assert not any("residual:" in figure.reference for figure in summary.figures)
    assert gather(workspace, **CHOICES["rules/v4"], date=DATE, metabolism=True).balances is not None


def test_numbers_are_registered_under_the_balance_run(written: Give) -> None:
    """A number of the chapter leads to the stored run of the balances, and to nothing else."""
    report = written("twelve-firms", "en")
    balances = report.material.balances
    assert balances is not None
    assert balances.run
    scribe = Scribe("en", replace(report.material))
    context = metabolism(scribe)
    assert context["metabolism"]
    runs = {figure.reference.partition("-")[0] for figure in scribe.register.figures}
    indicators = report.material.metabolism_indicators
    assert runs == {balances.run, indicators.run if indicators else balances.run}
    for row in context["balance_rows"]:
        assert set(TERMS) <= set(row)
