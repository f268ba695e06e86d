"""The report opens in LibreOffice, Chinese comes out as Chinese, and no page is broken.

A wrong program gives empty boxes (text that does not extract, a font without the characters), a table that grows over
the margin, or pages without end.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from docx import Document
from docx.oxml.ns import qn

from ecopark.reports import write_inventory_report
from ecopark.reports.fonts import find_chinese_font
from ecopark.workspace import Workspace
from tests.reports.reporting import Written

Give = Callable[[str, str], Written]


def run(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout


def squeezed(text: str) -> str:
    """Text without white space: a PDF breaks lines and justifies where the document does not."""
    return re.sub(r"\s+", "", text)


@pytest.fixture(scope="module")
def chinese_font() -> None:
    if not find_chinese_font().chinese:
        pytest.skip("no font with Chinese characters (Debian and Ubuntu: apt install fonts-noto-cjk)")


@pytest.mark.slow
@pytest.mark.usefixtures("chinese_font")
@pytest.mark.parametrize(("name", "language"), [("twelve-firms", "zh"), ("eastman", "zh"), ("eastman", "en")])
def test_the_pdf_has_the_words_of_the_document(
    written: Give, to_pdf: Callable[[Path], Path], name: str, language: str
) -> None:
    """Every heading and caption, and the totals, extract from the PDF as they stand in the document."""
    report = written(name, language)
    pdf = to_pdf(report.summary.path)
    text = squeezed(run("pdftotext", "-layout", str(pdf), "-"))
    document = report.document
    styles = ("Heading 1", "Heading 2", "Report Warning", "Subtitle", "Title")
    said = [p.text for p in document.paragraphs if p.style.name in styles and p.text.strip()]
    assert len(said) > 15
    for words in said:
        if not re.search(r"[{}]", words):
            first = squeezed(words)[:14]
            assert first in text, words
    for inventory in report.material.inventories:
        assert f"{inventory.total():,.0f}".replace("-", "\u2212") in text
    assert "\ufffd" not in text
    assert "Error:" not in text
    if language == "zh":
        assert len(re.findall(r"[\u4e00-\u9fff]", text)) > 5000


@pytest.mark.slow
@pytest.mark.usefixtures("chinese_font")
@pytest.mark.parametrize("name", ["twelve-firms", "eastman"])
def test_chinese_is_set_in_an_embedded_chinese_font(written: Give, to_pdf: Callable[[Path], Path], name: str) -> None:
    """All fonts are embedded, and one of them is a font for Chinese: no empty boxes anywhere."""
    pdf = to_pdf(written(name, "zh").summary.path)
    rows = [line.split() for line in run("pdffonts", str(pdf)).splitlines()[2:]]
    assert rows
    names = " ".join(row[0] for row in rows)
    assert re.search(r"CJK|SourceHan|SimSun|SimHei|WenQuanYi|YaHei|Song|Hei|Fandol", names), names
    for row in rows:
        embedded = row[-5]
        assert embedded == "yes", row


@pytest.mark.slow
@pytest.mark.parametrize(("name", "most"), [("twelve-firms", 70), ("eastman", 50)])
def test_the_number_of_pages_is_sane_and_none_is_empty(
    written: Give, to_pdf: Callable[[Path], Path], name: str, most: int
) -> None:
    """Contents on page two, a page number on each page after the cover, and no page without words."""
    pdf = to_pdf(written(name, "zh").summary.path)
    pages = int(re.search(r"Pages:\s+(\d+)", run("pdfinfo", str(pdf))).group(1))  # type: ignore[union-attr]
    assert 12 < pages <= most
    texts = run("pdftotext", "-layout", str(pdf), "-").split("\f")[:pages]
    assert len(texts) == pages
    for number, text in enumerate(texts, start=1):
        assert len(squeezed(text)) > 25, f"page {number} is empty"
        if number > 1:
            assert f"{number}/{pages}" in squeezed(text), f"page {number} has no page number"
    assert "目录" in texts[1]
    captions = re.findall(r"(?m)^\s*表\s*(\d+)\s", "\n".join(texts))
    assert [int(number) for number in dict.fromkeys(captions)] == list(range(1, len(set(captions)) + 1))


@pytest.mark.slow
def test_nothing_grows_over_the_margin(written: Give, to_pdf: Callable[[Path], Path]) -> None:
    """No word of any page stands outside the page's text area (half a centimetre allowed)."""
    pdf = to_pdf(written("twelve-firms", "zh").summary.path)
    layout = run("pdftotext", "-bbox", str(pdf), "-")
    checked = 0
    for page in re.findall(r"<page .*?</page>", layout, flags=re.DOTALL):
        width = float(re.search(r'width="([\d.]+)"', page).group(1))  # type: ignore[union-attr]
        margin = (2.0 if width > 700 else 2.5) * 72 / 2.54
        for left, right in re.findall(r'xMin="([\d.-]+)" .*?xMax="([\d.]+)"', page):
            assert float(left) >= margin - 15
            assert float(right) <= width - margin + 15
            checked += 1
    assert checked > 3000


@pytest.mark.slow
def test_libreoffice_keeps_the_document_when_it_saves_it(
    open_example: Callable[[str], Workspace], to_pdf: Callable[[Path], Path], tmp_path: Path
) -> None:
    """Opened and saved again by LibreOffice, the document has the same tables and pictures: nothing is lost."""
    to_pdf(write_inventory_report(open_example("rules/v4"), "zh", tmp_path / "report.docx", year=2025).path)
    folder = tmp_path / "again"
    run("soffice", f"-env:UserInstallation=file://{tmp_path}/profile", "--headless", "--convert-to", "docx",
        "--outdir", str(folder), str(tmp_path / "report.docx"))  # fmt: skip
    first, second = (Document(str(path)) for path in (tmp_path / "report.docx", folder / "report.docx"))
    assert len(first.tables) == len(second.tables)
    pictures = [len(list(document.element.body.iter(qn("a:blip")))) for document in (first, second)]
    assert pictures[0] == pictures[1] > 0
