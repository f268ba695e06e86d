"""Page, fonts, styles and numbering of the Word templates that ecopark brings.

The look is a plain annual report: one accent colour, three-line tables, headings numbered by Word itself. Chinese text
uses 宋体 and 黑体, which Word has and LibreOffice replaces by Noto CJK or whatever stands in for them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from docx import Document
from docx.document import Document as WordDocument
from docx.enum.section import WD_ORIENT
from docx.enum.style import WD_STYLE_TYPE
from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_LINE_SPACING
from docx.oxml import OxmlElement, parse_xml
from docx.oxml.ns import nsdecls, qn
from docx.section import Section
from docx.shared import Cm, Pt, RGBColor
from docx.styles.style import ParagraphStyle

ACCENT = RGBColor(0x00, 0x61, 0x8F)
INK = RGBColor(0x22, 0x28, 0x2E)
QUIET = RGBColor(0x5F, 0x68, 0x70)
TABLE_STYLE = "Ecopark Table"

PAGE_WIDTH, PAGE_HEIGHT = Cm(21.0), Cm(29.7)
MARGIN_SIDE, MARGIN_TOP = Cm(2.5), Cm(2.4)
TEXT_WIDTH_CM = 16.0
WIDE_TEXT_WIDTH_CM = 25.7


@dataclass(frozen=True, slots=True)
class Faces:
    """Font names for one language: Latin and East Asian, for text and for headings."""

    text: str
    heading: str
    east_text: str
    east_heading: str


FACES = {
    "zh": Faces("Times New Roman", "Arial", "SimSun", "SimHei"),
    "en": Faces("Calibri", "Calibri", "SimSun", "SimHei"),
}


def new_document(language: str) -> WordDocument:
    """Return an empty A4 document with ecopark's styles for `language` ("zh" or "en")."""
    document = Document()
    faces = FACES[language]
    _strip_unused_parts(document)
    _declare_fonts(document, faces)
    _strip_unused_styles(document)
    _defaults(document, faces)
    _paragraph_styles(document, language, faces)
    _table_style(document)
    _number_headings(document)
    section = document.sections[0]
    section.page_width, section.page_height = PAGE_WIDTH, PAGE_HEIGHT
    _margins(section)
    section.different_first_page_header_footer = True
    return document


def _margins(section: Section) -> None:
    section.left_margin = section.right_margin = MARGIN_SIDE
    section.top_margin = section.bottom_margin = MARGIN_TOP
    section.header_distance = section.footer_distance = Cm(1.2)


def turn_landscape(section: Section) -> None:
    """Turn a section on its side, with narrower margins: the place of the wide tables."""
    section.orientation = WD_ORIENT.LANDSCAPE
    section.page_width, section.page_height = PAGE_HEIGHT, PAGE_WIDTH
    section.left_margin = section.right_margin = Cm(2.0)
    section.top_margin = section.bottom_margin = Cm(2.2)
    section.header_distance = section.footer_distance = Cm(1.1)
    section.different_first_page_header_footer = False


def set_fonts(element: Any, latin: str, east: str) -> None:
    """Set the four font slots of the run properties of `element` (a style or run) and drop theme fonts."""
    properties = element.get_or_add_rPr()
    fonts = properties.get_or_add_rFonts()
    for name in list(fonts.attrib):
        del fonts.attrib[name]
    for slot, face in (("ascii", latin), ("hAnsi", latin), ("eastAsia", east), ("cs", latin)):
        fonts.set(qn(f"w:{slot}"), face)


def _strip_unused_parts(document: WordDocument) -> None:
    """Leave out what python-docx's own template carries along: a preview picture, old styles, empty custom data."""
    for holder in (document.part.rels, document.part.package.rels):
        for identity, relationship in list(holder.items()):
            if relationship.reltype.rpartition("/")[2] in ("stylesWithEffects", "customXml", "thumbnail"):
                del holder[identity]


def _declare_fonts(document: WordDocument, faces: Faces) -> None:
    """List the fonts in use; the Chinese ones by both of their names, so that any Word finds them."""
    fonts = [(name, "", "00") for name in dict.fromkeys((faces.text, faces.heading))]
    fonts += [(faces.east_text, "宋体", "86"), (faces.east_heading, "黑体", "86")]
    entries = "".join(
        f'<w:font w:name="{name}">'
        + (f'<w:altName w:val="{other}"/>' if other else "")
        + f'<w:charset w:val="{charset}"/><w:family w:val="auto"/><w:pitch w:val="variable"/></w:font>'
        for name, other, charset in fonts
    )
    text = f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?><w:fonts {nsdecls("w")}>{entries}</w:fonts>'
    for relationship in document.part.rels.values():
        if relationship.reltype.endswith("/fontTable"):
            relationship.target_part._blob = text.encode()


def _strip_unused_styles(document: WordDocument) -> None:
    """Remove the table, list and picture styles of python-docx's own template, which the report does not use."""
    kept = {"Normal", "Default Paragraph Font", "Normal Table", "No List", "Header", "Footer", "Caption", "Title"}
    kept |= {"Subtitle", "Heading 1", "Heading 2", "Heading 3"}
    for style in list(document.styles):
        if style.name not in kept:
            style.element.getparent().remove(style.element)
    for style in document.styles:
        for tag in ("w:link", "w:next"):
            for child in style.element.findall(qn(tag)):
                style.element.remove(child)


def _defaults(document: WordDocument, faces: Faces) -> None:
    defaults = document.styles.element.find(qn("w:docDefaults"))
    properties = defaults.find(qn("w:rPrDefault")).find(qn("w:rPr"))
    for child in list(properties):
        properties.remove(child)
    fonts = OxmlElement("w:rFonts")
    for slot, face in (
        ("ascii", faces.text), ("hAnsi", faces.text), ("eastAsia", faces.east_text), ("cs", faces.text),
    ):  # fmt: skip
        fonts.set(qn(f"w:{slot}"), face)
    properties.append(fonts)
    spoken = OxmlElement("w:lang")
    spoken.set(qn("w:val"), "en-GB")
    spoken.set(qn("w:eastAsia"), "zh-CN")
    properties.append(spoken)
    theme = document.settings.element.find(qn("w:themeFontLang"))
    if theme is not None:
        theme.set(qn("w:val"), "en-GB")
        theme.set(qn("w:eastAsia"), "zh-CN")


def _style(
    document: WordDocument, name: str, *, size: float, latin: str, east: str, bold: bool = False,
    colour: RGBColor = INK, before: float = 0, after: float = 0, line: float = 1.0,
    align: WD_ALIGN_PARAGRAPH = WD_ALIGN_PARAGRAPH.LEFT, base: str | None = "Normal",
) -> ParagraphStyle:  # fmt: skip
    styles = document.styles
    exists = any(style.name == name for style in styles)
    style = styles[name] if exists else styles.add_style(name, WD_STYLE_TYPE.PARAGRAPH)
    assert isinstance(style, ParagraphStyle)
    for tag in ("w:pPr", "w:rPr"):
        for child in style.element.findall(qn(tag)):
            style.element.remove(child)
    style.base_style = styles[base] if base and name != base else None
    style.quick_style = True
    style.hidden = False
    set_fonts(style.element, latin, east)
    style.font.size, style.font.bold, style.font.italic = Pt(size), bold, False
    style.font.color.rgb = colour
    layout = style.paragraph_format
    layout.space_before, layout.space_after = Pt(before), Pt(after)
    layout.line_spacing_rule, layout.line_spacing = WD_LINE_SPACING.MULTIPLE, line
    layout.alignment = align
    layout.widow_control = True
    return style


def _paragraph_styles(document: WordDocument, language: str, faces: Faces) -> None:
    text: dict[str, Any] = {"latin": faces.text, "east": faces.east_text}
    head: dict[str, Any] = {"latin": faces.heading, "east": faces.east_heading}
    chinese = language == "zh"
    size = 10.5
    _style(document, "Normal", size=size, **text, line=1.15, base=None)
    body = _style(
        document, "Report Text", size=size, **text, after=4 if chinese else 6, line=1.4 if chinese else 1.2,
        align=WD_ALIGN_PARAGRAPH.JUSTIFY if chinese else WD_ALIGN_PARAGRAPH.LEFT,
    )  # fmt: skip
    if chinese:  # Chinese paragraphs open with two empty characters
        indent = body.element.get_or_add_pPr().get_or_add_ind()
        indent.set(qn("w:firstLineChars"), "200")
        indent.set(qn("w:firstLine"), str(int(size * 2 * 20)))
    _style(document, "Report Item", size=size, **text, after=3, line=1.25)
    document.styles["Report Item"].paragraph_format.left_indent = Cm(0.75)
    _style(document, "Report Note", size=9, **text, colour=QUIET, before=2, after=8, line=1.15)
    warning = _style(
        document, "Report Warning", size=size, **head, colour=RGBColor(0x9A, 0x3B, 0x00), before=4, after=6
    )
    warning.element.get_or_add_pPr().append(
        parse_xml(f'<w:pBdr {nsdecls("w")}><w:left w:val="single" w:sz="24" w:space="8" w:color="D55E00"/></w:pBdr>')
    )
    _order_border(warning)
    _style(document, "Title", size=26, **head, bold=True, colour=ACCENT, before=120, after=10, line=1.1)
    _style(document, "Subtitle", size=15, **head, colour=QUIET, after=36)
    for level, (points, before, after) in enumerate(((16, 22, 8), (13, 14, 6), (11, 10, 4)), start=1):
        heading = _style(
            document, f"Heading {level}", size=points, **head, bold=True, colour=ACCENT if level == 1 else INK,
            before=before, after=after, line=1.1,
        )  # fmt: skip
        heading.paragraph_format.keep_with_next = True
        heading.next_paragraph_style = document.styles["Report Text"]
    _style(document, "Contents Heading", size=16, **head, bold=True, colour=ACCENT, before=0, after=10)
    for level in (1, 2):
        entry = _style(document, f"toc {level}", size=size, **text, after=3, line=1.2)
        entry.paragraph_format.left_indent = Cm(0.75 * (level - 1))
    caption = {"size": 9, **head, "line": 1.1}
    _style(document, "Table Caption", **caption, before=10, after=4).paragraph_format.keep_with_next = True
    _style(document, "Figure Caption", **caption, before=2, after=10)
    figure = _style(document, "Figure", size=9, **text, before=6, after=0, align=WD_ALIGN_PARAGRAPH.CENTER)
    figure.paragraph_format.keep_with_next = True
    cell: dict[str, Any] = {"size": 8.5, "before": 1.5, "after": 1.5, "line": 1.0}
    _style(document, "Table Head", **head, **cell, bold=True)
    _style(document, "Table Head Number", **head, **cell, bold=True, align=WD_ALIGN_PARAGRAPH.RIGHT)
    _style(document, "Table Text", **text, **cell)
    _style(document, "Table Number", **text, **cell, align=WD_ALIGN_PARAGRAPH.RIGHT)
    small = cell | {"size": 7.5, "before": 1.0, "after": 1.0}
    _style(document, "Table Small", **text, **small)
    _style(document, "Table Small Number", **text, **small, align=WD_ALIGN_PARAGRAPH.RIGHT)
    _style(document, "Table Code", latin=faces.heading, east=faces.east_heading, **small | {"size": 7.0})
    _style(document, "Header", size=8, **head, colour=QUIET)
    _style(document, "Footer", size=8, **head, colour=QUIET, align=WD_ALIGN_PARAGRAPH.CENTER)


def _order_border(style: ParagraphStyle) -> None:
    """Move the border to the place that the schema demands: before spacing, indentation and alignment."""
    properties = style.element.pPr
    border = properties.find(qn("w:pBdr"))
    properties.remove(border)
    later = [qn(f"w:{tag}") for tag in ("shd", "tabs", "spacing", "ind", "jc", "outlineLvl")]
    place = next((number for number, child in enumerate(properties) if child.tag in later), len(properties))
    properties.insert(place, border)


def _table_style(document: WordDocument) -> None:
    """The three-line table: heavy rules above and below, a fine one under the head, hair lines between rows."""
    accent = str(ACCENT)
    document.styles.element.append(
        parse_xml(
            f"""<w:style {nsdecls("w")} w:type="table" w:customStyle="1" w:styleId="EcoparkTable">
            <w:name w:val="{TABLE_STYLE}"/><w:basedOn w:val="TableNormal"/><w:uiPriority w:val="59"/><w:qFormat/>
            <w:tblPr><w:tblBorders>
              <w:top w:val="single" w:sz="10" w:space="0" w:color="{accent}"/>
              <w:bottom w:val="single" w:sz="10" w:space="0" w:color="{accent}"/>
              <w:insideH w:val="single" w:sz="2" w:space="0" w:color="D5DAE0"/>
            </w:tblBorders>
            <w:tblCellMar><w:top w:w="20" w:type="dxa"/><w:left w:w="60" w:type="dxa"/>
            <w:bottom w:w="20" w:type="dxa"/><w:right w:w="60" w:type="dxa"/></w:tblCellMar></w:tblPr>
            <w:tblStylePr w:type="firstRow"><w:tblPr/><w:tcPr><w:tcBorders>
              <w:bottom w:val="single" w:sz="6" w:space="0" w:color="{accent}"/>
            </w:tcBorders></w:tcPr></w:tblStylePr>
            </w:style>"""
        )
    )


def _number_headings(document: WordDocument) -> None:
    """Tie the heading styles to one multilevel list, so that Word numbers them: 1, 1.1, 1.1.1."""
    numbering = document.part.numbering_part.element
    for child in list(numbering):
        numbering.remove(child)
    levels = "".join(
        f"""<w:lvl w:ilvl="{level}"><w:start w:val="1"/><w:numFmt w:val="decimal"/>
        <w:pStyle w:val="Heading{level + 1}"/><w:suff w:val="space"/>
        <w:lvlText w:val="{".".join(f"%{number + 1}" for number in range(level + 1))}"/><w:lvlJc w:val="left"/>
        <w:pPr><w:ind w:left="0" w:firstLine="0"/></w:pPr></w:lvl>"""
        for level in range(3)
    )
    numbering.append(
        parse_xml(
            f'<w:abstractNum {nsdecls("w")} w:abstractNumId="1"><w:multiLevelType w:val="multilevel"/>'
            f"{levels}</w:abstractNum>"
        )
    )
    numbering.append(parse_xml(f'<w:num {nsdecls("w")} w:numId="1"><w:abstractNumId w:val="1"/></w:num>'))
    for level in range(3):
        properties = document.styles[f"Heading {level + 1}"].element.get_or_add_pPr()
        number = parse_xml(f'<w:numPr {nsdecls("w")}><w:ilvl w:val="{level}"/><w:numId w:val="1"/></w:numPr>')
        properties._insert_numPr(number)
        outline = OxmlElement("w:outlineLvl")
        outline.set(qn("w:val"), str(level))
        properties.append(outline)
