"""Writes the pieces of a Word template: text, tables with loop rows, numbered captions, fields, figures.

What is between `{{ }}` and `{% %}` is filled by docxtpl when a report is made; everything else is what a user sees
and may restyle or reword in Word.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Literal

from docx.document import Document as WordDocument
from docx.enum.section import WD_SECTION
from docx.enum.table import WD_TABLE_ALIGNMENT
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.section import Section
from docx.shared import Cm
from docx.table import Table, _Cell
from docx.text.paragraph import Paragraph

from ecopark.reports.template_styles import TABLE_STYLE, TEXT_WIDTH_CM, WIDE_TEXT_WIDTH_CM, new_document, turn_landscape
from ecopark.translation import N_, translate

CONTENTS_MARK = "[[contents]]"
"""The paragraph that is replaced by the table of contents when a report is finished."""


@dataclass(frozen=True, slots=True)
class Column:
    """A table column: its head (message id), the Jinja expression of its cells, its share of the width, its kind."""

    head: str
    cell: str
    share: float
    kind: Literal["text", "number", "code"] = "text"


class TemplateWriter:
    """A Word template under construction, in one language."""

    def __init__(self, language: str) -> None:
        self.language = language
        self.document: WordDocument = new_document(language)
        self.width = TEXT_WIDTH_CM

    def say(self, message: str) -> str:
        """Return `message` in the template's language."""
        return translate(message, self.language)

    def run(self, paragraph: Paragraph, text: str, *, bold: bool | None = None) -> None:
        """Add `text` to `paragraph` as one run; in Chinese, quotes and dashes are set in the East Asian font."""
        run = paragraph.add_run(text)
        run.bold = bold
        if self.language == "zh":
            fonts = run._element.get_or_add_rPr().get_or_add_rFonts()
            fonts.set(qn("w:hint"), "eastAsia")

    def paragraph(self, text: str, style: str = "Report Text") -> Paragraph:
        """Add a paragraph of finished text (Jinja allowed)."""
        paragraph = self.document.add_paragraph(style=style)
        self.run(paragraph, text)
        return paragraph

    def text(self, message: str, style: str = "Report Text") -> Paragraph:
        """Add a paragraph of translated text."""
        return self.paragraph(self.say(message), style)

    def heading(self, level: int, message: str, *, finished: bool = False) -> Paragraph:
        """Add a numbered heading; `finished` text is not translated (a name from the data)."""
        return self.paragraph(message if finished else self.say(message), f"Heading {level}")

    @contextmanager
    def block(self, opening: str, closing: str) -> Iterator[None]:
        """Put what is added inside between two Jinja statements, each a paragraph that vanishes."""
        self.paragraph(f"{{%p {opening} %}}", "Normal")
        yield
        self.paragraph(f"{{%p {closing} %}}", "Normal")

    def when(self, condition: str) -> AbstractContextManager[None]:
        """Show what is added inside only under a Jinja condition."""
        return self.block(f"if {condition}", "endif")

    def each(self, variable: str, of: str) -> AbstractContextManager[None]:
        """Repeat what is added inside for each item."""
        return self.block(f"for {variable} in {of}", "endfor")

    def otherwise(self) -> None:
        """What follows, inside `when`, is shown where its condition fails."""
        self.paragraph("{%p else %}", "Normal")

    def table(
        self, caption: str, rows: str, columns: Sequence[Column], *, total: Sequence[str] = (), small: bool = False,
        about: str = "",
    ) -> Table:  # fmt: skip
        """Add a captioned table with one loop row over the Jinja list `rows`.

        `about` is a Jinja expression that ends the caption, for a table that stands once for each scheme. `total`
        gives the cells of a bold last row. The head row is repeated on every page, rows are not split, and the widths
        are fixed, so that no table grows over the margin.
        """
        self.caption("table", self.say(caption) + (f" · {{{{ {about} }}}}" if about else ""), finished=True)
        count = 4 + bool(total)
        table: Table = self.document.add_table(rows=count, cols=len(columns), style=TABLE_STYLE)
        table.alignment = WD_TABLE_ALIGNMENT.CENTER
        self._fix_widths(table, columns)
        text, number = ("Table Small", "Table Small Number") if small else ("Table Text", "Table Number")
        for place, column in enumerate(columns):
            head = "Table Head Number" if column.kind == "number" else "Table Head"
            style = {"number": number, "code": "Table Code"}.get(column.kind, text)
            self._cell(table.cell(0, place), self.say(column.head), head)
            self._cell(table.cell(2, place), f"{{{{ {column.cell} }}}}" if column.cell else "", style)
            if total:
                self._cell(table.cell(4, place), f"{{{{ {total[place]} }}}}" if total[place] else "", style, bold=True)
        for row, statement in ((1, f"{{%tr for row in {rows} %}}"), (3, "{%tr endfor %}")):
            self._cell(table.cell(row, 0), statement, text)
        self._row_rules(table)
        return table

    def _cell(self, cell: _Cell, text: str, style: str, *, bold: bool | None = None) -> None:
        paragraph = cell.paragraphs[0]
        paragraph.style = style
        self.run(paragraph, text, bold=bold)

    def _fix_widths(self, table: Table, columns: Sequence[Column]) -> None:
        table.autofit = False
        whole = sum(column.share for column in columns)
        properties = table._tbl.tblPr
        width = properties.find(qn("w:tblW"))
        if width is None:
            width = OxmlElement("w:tblW")
            properties.append(width)
        width.set(qn("w:type"), "dxa")
        width.set(qn("w:w"), str(int(self.width / 2.54 * 1440)))
        look = properties.find(qn("w:tblLook"))
        if look is not None:
            for name in ("firstColumn", "lastRow", "lastColumn"):
                look.set(qn(f"w:{name}"), "0")
            look.set(qn("w:noVBand"), "1")
            look.set(qn("w:val"), "0420")
        for place, column in enumerate(columns):
            size = Cm(self.width * column.share / whole)
            table.columns[place].width = size
            for cell in table.columns[place].cells:
                cell.width = size

    def _row_rules(self, table: Table) -> None:
        for number, row in enumerate(table.rows):
            properties = row._tr.get_or_add_trPr()
            properties.append(OxmlElement("w:cantSplit"))
            if number == 0:
                properties.append(OxmlElement("w:tblHeader"))

    def caption(self, kind: Literal["table", "figure"], text: str, *, finished: bool = False) -> None:
        """Add a caption with its running number (a SEQ field, so that Word goes on counting)."""
        style, word = ("Table Caption", N_("Table")) if kind == "table" else ("Figure Caption", N_("Figure"))
        paragraph = self.document.add_paragraph(style=style)
        self.run(paragraph, self.say(word) + " ", bold=True)
        field = OxmlElement("w:fldSimple")
        field.set(qn("w:instr"), f" SEQ {kind.capitalize()} \\* ARABIC ")
        run = paragraph.add_run(f"{{{{ next_number('{kind}') }}}}")
        run.bold = True
        field.append(run._element)
        paragraph._element.append(field)
        self.run(paragraph, "\u3000" if self.language == "zh" else "  ")
        self.run(paragraph, text if finished else self.say(text))

    def figures(self, of: str) -> None:
        """Add the place of a list of figures, each with its caption below."""
        with self.block(f"for figure in {of}", "endfor"):
            self.paragraph("{{ figure.image }}", "Figure")
            self.caption("figure", "{{ figure.caption }}", finished=True)

    def plain_table(self, rows: str, columns: Sequence[Column]) -> Table:
        """Add a table without head and caption: pairs of label and text."""
        table: Table = self.document.add_table(rows=3, cols=len(columns), style=TABLE_STYLE)
        table.alignment = WD_TABLE_ALIGNMENT.CENTER
        self._fix_widths(table, columns)
        look = table._tbl.tblPr.find(qn("w:tblLook"))
        if look is not None:
            look.set(qn("w:firstRow"), "0")
            look.set(qn("w:val"), "0400")
        for place, column in enumerate(columns):
            self._cell(table.cell(1, place), f"{{{{ {column.cell} }}}}", "Table Head" if place == 0 else "Table Text")
        self._cell(table.cell(0, 0), f"{{%tr for row in {rows} %}}", "Table Text")
        self._cell(table.cell(2, 0), "{%tr endfor %}", "Table Text")
        for row in table.rows:
            row._tr.get_or_add_trPr().append(OxmlElement("w:cantSplit"))
        return table

    def page_break(self) -> None:
        """Begin a new page."""
        self.document.add_page_break()  # type: ignore[no-untyped-call]

    def landscape(self) -> None:
        """Begin a landscape section, with the same header and footer."""
        section = self.document.add_section(WD_SECTION.NEW_PAGE)
        turn_landscape(section)
        self.width = WIDE_TEXT_WIDTH_CM
        self.running_lines(section)

    def running_lines(self, section: Section) -> None:
        """Fill the header with the report's short title and the footer with "page of pages"."""
        section.header.is_linked_to_previous = False
        section.footer.is_linked_to_previous = False
        header, footer = section.header.paragraphs[0], section.footer.paragraphs[0]
        header.style, footer.style = "Header", "Footer"
        self.run(header, "{{ header }}")
        self._field(footer, "PAGE")
        self.run(footer, " / ")
        self._field(footer, "NUMPAGES")

    def _field(self, paragraph: Paragraph, instruction: str) -> None:
        field = OxmlElement("w:fldSimple")
        field.set(qn("w:instr"), f" {instruction} ")
        run = paragraph.add_run("1")
        field.append(run._element)
        paragraph._element.append(field)
