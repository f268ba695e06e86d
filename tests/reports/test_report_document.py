"""The report says what it must, says nothing that it must not, and is a sound Word document."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from docx import Document
from docx.oxml.ns import qn
from matplotlib import font_manager

from ecopark.reports import fonts, write_inventory_report
from ecopark.reports.material import gather_results, like_with_like
from ecopark.reports.template import TEMPLATES, build_template, template_path, write_templates
from ecopark.workspace import Workspace
from tests.reports.reporting import CHOICES, Written

Give = Callable[[str, str], Written]


def texts(document: Any) -> str:
    """All text of the body: paragraphs and cells."""
    return "\n".join(
        "".join(part.text or "" for part in p.iter(qn("w:t"))) for p in document.element.body.iter(qn("w:p"))
    )


def headings(document: Any) -> list[str]:
    return [p.text for p in document.paragraphs if (p.style.name or "").startswith("Heading")]


def table_after(document: Any, caption: str) -> list[list[str]]:
    """The rows of the first table whose caption contains `caption`."""
    found = False
    for block in document.element.body.iterchildren():
        text = "".join(part.text or "" for part in block.iter(qn("w:t")))
        style = block.find(f"{qn('w:pPr')}/{qn('w:pStyle')}")
        if style is not None and style.get(qn("w:val")) == "TableCaption" and caption in text:
            found = True
        elif found and block.tag == qn("w:tbl"):
            return [
                ["".join(t.text or "" for t in cell.iter(qn("w:t"))) for cell in row.iter(qn("w:tc"))]
                for row in block.iter(qn("w:tr"))
            ]
    raise AssertionError(f"no table {caption!r}")


def test_an_incomplete_record_gets_a_subtotal_and_tasks_and_no_verdict(written: Give) -> None:
    """The data gate: what fails it is named a subtotal, says who owes what, and shows no indicator at all."""
    report = written("eastman", "en")
    document = report.document
    by_scheme = {row[0]: row[1] for row in table_after(document, "Results by accounting scheme")[1:]}
    for inventory in report.material.inventories:
        name = by_scheme[inventory.scheme.name_en]
        assert name.startswith("total" if inventory.complete else "subtotal of the covered sources")
    assert not report.summary.complete
    tasks = table_after(document, "  Tasks")
    assert len(tasks) - 1 == len(
        {(g.name_en, g.owner, g.kind) for one in report.material.inventories for g in one.gaps}
    )
    owners = {row[1] for row in tasks[1:]}
    assert owners <= {pair[1] for key, pair in report.material.main.names.items() if key.startswith("node:")}
    text = texts(document)
    assert "Indicators with their limits" not in text
    assert "no indicator and no verdict is given" in text
    assert not any(figure.kind == "limit" or ":indicator:" in figure.reference for figure in report.summary.figures)


def test_a_complete_record_gets_a_total_indicators_and_a_verdict(written: Give) -> None:
    """Rule case V4 (literature section 5): 66,000 tCO2 over 300,000 tce is 0.22 t/tce, above the limit of 0.2."""
    report = written("rules/v4", "zh")
    assert report.summary.complete
    text = texts(report.document)
    assert "小计" not in text.replace("不给出", "")
    assert "任务清单" not in text
    rows = table_after(report.document, "指标与限值")
    first = rows[1]
    assert first[1] == "0.2200"
    assert first[3] == "≤ 0.2"
    assert first[4].startswith("未达标")
    assert "距" in text
    assert "6,000" in text  # what is missing to the limit: 0.02 t/tce of 300,000 tce


def test_calculated_against_reported_as_published(written: Give) -> None:
    """The operator's reported CO2e of 2016-2019: calculated over reported is 1.009, 1.015, 0.990 and 0.994."""
    rows = table_after(written("eastman", "en").document, "Calculated against reported, by year")
    quotients = {row[1]: row[5] for row in rows[1:] if row[5] != "–"}
    assert quotients == {"2016": "1.009", "2017": "1.015", "2018": "0.990", "2019": "0.994"}
    assert {"2011", "2012", "2020"} <= {row[1] for row in rows[1:]}
    stated = table_after(written("eastman", "en").document, "What the comparison does not cover")
    assert {row[1].partition(" ")[0] for row in stated[1:]} >= {"NE", "IE", "NO"}


def test_the_comparison_is_like_with_like(written: Give) -> None:
    """Without being asked for, the operator's own rules are compared, not a park scheme that has gaps (0.965 …)."""
    workspace = written("eastman", "en").workspace
    scheme, rows = like_with_like(workspace, ["zero-carbon-park-2025", "park-ghg", "energy"])
    assert scheme == "us-ghgrp"
    assert [round(row.ratio, 3) for row in rows if row.ratio is not None] == [1.009, 1.015, 0.990, 0.994]


@pytest.mark.parametrize(
    ("language", "word", "label"), [("zh", "合成数据", "虚构"), ("en", "SYNTHETIC DATA", "made up")]
)
def test_synthetic_data_are_labelled_on_the_cover_and_in_every_header(
    written: Give, language: str, word: str, label: str
) -> None:
    document = written("twelve-firms", language).document
    before = [
        p.text for p in document.paragraphs[: next(i for i, p in enumerate(document.paragraphs) if "1" in p.text)]
    ]
    assert any(label in text for text in before[:6])
    for section in document.sections:
        assert word in "".join(p.text for p in section.header.paragraphs)
    real = written("eastman", language).document
    assert label not in texts(real)
    assert all(word not in "".join(p.text for p in section.header.paragraphs) for section in real.sections)


@pytest.mark.parametrize("name", ["eastman", "twelve-firms"])
def test_doubtful_and_borrowed_values_are_marked(written: Give, name: str) -> None:
    """Every doubtful value used carries a mark, every borrowed range its lender, and the summary says so."""
    report = written(name, "en")
    rows = table_after(report.document, "Factors with unit")
    marks = {row[9]: row for row in rows[1:]}
    lent = 0
    for inventory in report.material.inventories:
        used = inventory.lines["coefficient"].unique().to_list()
        for row in inventory.parameters.iter_rows(named=True):
            if row["coefficient"] not in used or row["factor"].startswith("constant:"):
                continue
            printed = marks[row["factor"]]
            doubtful = row["status"] in ("unverified", "contested")
            assert printed[1].endswith("*") == doubtful
            assert (f"{row['status']} *" in printed[8]) == doubtful
            if (row["range_source"] or "").startswith("borrowed:"):
                assert row["range_source"].removeprefix("borrowed:") in printed[3]
                lent += 1
    assert lent > 0
    assert "rests on values that are unverified or contested" in texts(report.document)


def test_steps_between_schemes_add_up_in_print(written: Give) -> None:
    """First row plus all steps is the last row, to the rounding of what is printed."""
    rows = table_after(written("twelve-firms", "en").document, "Why the two numbers differ")[1:]
    values = [float(row[1].replace(",", "").replace("\u2212", "-").replace("×10", "e").translate(_UP)) for row in rows]
    assert values[0] + sum(values[1:-1]) == pytest.approx(values[-1], abs=0.51 * len(values))


_UP = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")


@pytest.mark.parametrize("language", ["zh", "en"])
def test_chapters_are_the_same_in_both_languages(written: Give, language: str) -> None:
    """A chapter missing in one language is a fault of its template."""
    other = "en" if language == "zh" else "zh"
    own, others = (headings(written("twelve-firms", one).document) for one in (language, other))
    assert len(own) == len(others) > 15
    if language == "zh":
        assert all(re.search(r"[\u4e00-\u9fff]", heading) for heading in own)


@pytest.mark.parametrize("name", ["eastman", "twelve-firms", "rules/v4"])
def test_chinese_report_has_no_english_sentence(written: Give, name: str) -> None:
    """Running text is Chinese: every paragraph, caption and table head has Chinese characters."""
    report = written(name, "zh")
    styles = {
        "Report Text",
        "Report Warning",
        "Heading 1",
        "Heading 2",
        "Table Caption",
        "Figure Caption",
        "Table Head",
    }
    for paragraph in report.document.paragraphs:
        if paragraph.style.name in styles and paragraph.text.strip():
            assert re.search(r"[\u4e00-\u9fff]", paragraph.text), paragraph.text


def test_tables_are_laid_out_for_print(written: Give) -> None:
    """Heads repeat on every page, rows are not split, widths are fixed and inside the margins, numbers stand right."""
    document = written("twelve-firms", "zh").document
    widths = {
        section.orientation: section.page_width - section.left_margin - section.right_margin
        for section in document.sections
    }
    widest = max(widths.values())
    for table in document.tables:
        rows = table._tbl.findall(qn("w:tr"))
        first = rows[0].find(qn("w:trPr"))
        headed = all(cell.paragraphs[0].style.name.startswith("Table Head") for cell in table.rows[0].cells)
        assert (first.find(qn("w:tblHeader")) is not None) == headed
        assert all(row.find(qn("w:trPr")).find(qn("w:cantSplit")) is not None for row in rows)
        assert sum(int(column.get(qn("w:w"))) for column in table._tbl.tblGrid) * 635 <= widest * 1.01
    for style in ("Table Number", "Table Small Number", "Table Head Number"):
        assert document.styles[style].paragraph_format.alignment == 2  # right
    assert [section.orientation for section in document.sections] == [0, 1]  # wide tables lie on their side


def test_runs_have_an_east_asian_font(written: Give) -> None:
    """Chinese text in a font slot without a Chinese font is tofu on some machine: every style names one."""
    document = written("twelve-firms", "zh").document
    assert 'w:eastAsia="SimSun"' in document.styles.element.xml
    for style in document.styles:
        if style.name.startswith(("Report", "Table", "Heading", "Figure", "Title", "Contents")) and style.type == 1:
            fonts = style.element.rPr.rFonts
            assert fonts.get(qn("w:eastAsia")) in ("SimSun", "SimHei"), style.name
    hinted = [
        run for run in document.element.body.iter(qn("w:r")) if run.find(f"{qn('w:rPr')}/{qn('w:rFonts')}") is not None
    ]
    assert len(hinted) > 500


def test_contents_list_every_heading_with_its_number(written: Give) -> None:
    document = written("eastman", "en").document
    entries = [
        p.text or "".join(t.text or "" for t in p._element.iter(qn("w:t")))
        for p in document.paragraphs
        if (p.style.name or "").lower().startswith("toc")
    ]
    assert entries[0] == "1 Summary"
    assert entries[1] == "1.1 Tasks before a total can be stated"
    assert [re.sub(r"^[\d.]+ ", "", entry) for entry in entries] == headings(document)
    anchors = {link.get(qn("w:anchor")) for link in document.element.body.iter(qn("w:hyperlink"))}
    marks = {mark.get(qn("w:name")) for mark in document.element.body.iter(qn("w:bookmarkStart"))}
    assert len(anchors) == len(entries)
    assert anchors <= marks


def test_pictures_are_described_and_numbered_once(written: Give) -> None:
    report = written("twelve-firms", "zh")
    pictures = list(report.document.element.body.iter(qn("wp:docPr")))
    assert len(pictures) == report.summary.pictures > 5
    assert len({picture.get("id") for picture in pictures}) == len(pictures)
    assert all(re.search(r"[\u4e00-\u9fff]", picture.get("descr")) for picture in pictures)
    captions = [p for p in report.document.paragraphs if p.style.name in ("Table Caption", "Figure Caption")]
    numbers = [re.sub(r"\s+", "", "".join(t.text or "" for t in p._element.iter(qn("w:t"))))[:4] for p in captions]
    assert len(captions) == report.summary.tables + report.summary.pictures
    assert len({re.match(r"[表图]\d+", text).group() for text in numbers}) == len(captions)  # type: ignore[union-attr]


def test_every_part_is_sound_xml_and_nothing_of_the_template_is_left(written: Give) -> None:
    for name in CHOICES:
        with zipfile.ZipFile(written(name, "zh").summary.path) as package:
            assert package.testzip() is None
            for part in package.namelist():
                if part.endswith((".xml", ".rels")):
                    ElementTree.fromstring(package.read(part))
            body = package.read("word/document.xml").decode()
        assert "{{" not in body
        assert "{%" not in body
        assert "[[contents]]" not in body


def test_hostile_names_stay_text(open_example: Callable[[str], Workspace], tmp_path: Path) -> None:
    """Markup, template code and control characters in the data are printed or dropped; they do not act."""
    from dataclasses import replace

    inventory = open_example("rules/v4").inventory(2025, "zero-carbon-park-2025")
    names = dict(inventory.names)
    node = next(
        key for key in names if key.startswith("node:") and key.removeprefix("node:") in inventory.lines["node"]
    )
    names[node] = ("<b>厂&\x07{{ 7*7 }}", "<b>Works & \x00{% raw %}{{ 7*7 }}")
    path = tmp_path / "hostile.docx"
    write_inventory_report(replace(inventory, names=names, boundary_name=names[node]), "zh", path)
    text = texts(Document(str(path)))
    assert "<b>厂&{{ 7*7 }}" in text
    assert "49" not in re.findall(r"厂&\S*\s*49", text)


def test_a_report_from_results_alone(open_example: Callable[[str], Workspace], tmp_path: Path) -> None:
    """Inventories without a workspace give a report too; what they do not hold is said to be missing."""
    inventory = open_example("rules/v4").inventory(2025, "zero-carbon-park-2025")
    summary = write_inventory_report([inventory], "en", tmp_path / "alone.docx")
    text = texts(Document(str(summary.path)))
    assert "The record names no evidence" in text
    assert "66,000" in text
    with pytest.raises(ValueError, match="at least one inventory"):
        gather_results([])
    other = open_example("rules/v3").inventory(2024, "zero-carbon-park-2025")
    with pytest.raises(ValueError, match="different years"):
        gather_results([inventory, other])


def test_without_a_chinese_font_the_report_says_so_and_has_english_figures(
    open_example: Callable[[str], Workspace], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Figures fall back to English rather than to empty boxes; the report and its summary say what to install."""
    monkeypatch.setattr(fonts, "SANS_FAMILIES", ("DejaVu Sans",))
    monkeypatch.setattr(font_manager, "findSystemFonts", list)
    fonts._search.cache_clear()
    try:
        inventory = open_example("rules/v4").inventory(2025, "zero-carbon-park-2025")
        summary = write_inventory_report(inventory, "zh", tmp_path / "report.docx")
    finally:
        fonts._search.cache_clear()
    assert "fonts-noto-cjk" in "".join(summary.remarks)
    assert "fonts-noto-cjk" in texts(Document(str(summary.path)))


def test_nothing_is_left_behind_when_writing_fails(open_example: Callable[[str], Workspace], tmp_path: Path) -> None:
    """An old report stays as it was, and no half file lies beside it."""
    inventory = open_example("rules/v4").inventory(2025, "zero-carbon-park-2025")
    target = tmp_path / "report.docx"
    target.write_bytes(b"the old report")
    broken = tmp_path / "broken.docx"
    broken.write_bytes(b"no Word file at all")
    document = Document(str(template_path("en")))
    document.paragraphs[0].add_run("{{ nothing_of_this_name }}")
    asking = tmp_path / "asking.docx"
    document.save(str(asking))
    for template, fault in ((broken, "not a Word document"), (asking, "nothing_of_this_name")):
        with pytest.raises(ValueError, match=fault):
            write_inventory_report(inventory, "en", target, template=template)
    with pytest.raises(ValueError, match="unknown language"):
        write_inventory_report(inventory, "fr", target)
    with pytest.raises(FileNotFoundError, match="no template"):
        write_inventory_report(inventory, "en", target, template=tmp_path / "none.docx")
    with pytest.raises(FileNotFoundError, match="no folder"):
        write_inventory_report(inventory, "en", tmp_path / "no" / "report.docx")
    assert target.read_bytes() == b"the old report"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["asking.docx", "broken.docx", "report.docx"]


def test_a_restyled_template_is_used(open_example: Callable[[str], Workspace], tmp_path: Path) -> None:
    """A user changes wording and a style in Word; the report follows. A template cannot run code of its own."""
    inventory = open_example("rules/v4").inventory(2025, "zero-carbon-park-2025")
    document = Document(str(template_path("en")))
    document.paragraphs[0].runs[0].text = "Our own title for {{ park }}"
    document.styles["Heading 1"].font.name = "Georgia"
    own = tmp_path / "own.docx"
    document.save(str(own))
    summary = write_inventory_report(inventory, "en", tmp_path / "report.docx", template=own)
    made = Document(str(summary.path))
    assert made.paragraphs[0].text.startswith("Our own title for Rule case V4")
    assert made.styles["Heading 1"].font.name == "Georgia"
    document.paragraphs[0].runs[0].text = "{{ park.__class__.__mro__[1].__subclasses__() }}"
    document.save(str(own))
    with pytest.raises(ValueError, match="unsafe"):
        write_inventory_report(inventory, "en", tmp_path / "report.docx", template=own)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_committed_templates_are_what_the_script_makes(tmp_path: Path, language: str) -> None:
    """Who changes `reports/template.py` or its messages must run scripts/report_templates.py."""
    write_templates(tmp_path)
    made, committed = (zipfile.ZipFile(folder / f"inventory_{language}.docx") for folder in (tmp_path, TEMPLATES))
    with made, committed:
        assert made.namelist() == committed.namelist()
        for part in made.namelist():
            assert made.read(part) == committed.read(part), part
    assert build_template(language).language == language


def test_the_inventory_report_of_an_empty_record(tmp_path: Path) -> None:
    """A workspace without flows has nothing to report, and says so instead of printing zeros."""
    from ecopark.storage.store import Store

    with Store.create(tmp_path / "empty"):
        pass
    workspace = Workspace.open(tmp_path / "empty")
    with pytest.raises(ValueError, match="no flows"):
        write_inventory_report(workspace, "zh", tmp_path / "report.docx")
    workspace.close()
    assert not (tmp_path / "report.docx").exists()
