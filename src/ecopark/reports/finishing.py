"""Last touches on a filled Word document: contents, descriptions of pictures, and a write that leaves no half file."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from docx.document import Document as WordDocument
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.text.paragraph import Paragraph

from ecopark.reports.template_writer import CONTENTS_MARK

_HEADING = re.compile(r"^heading (\d)$", re.IGNORECASE)
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


def clean(text: str) -> str:
    """Return `text` without the control characters that no Word document may hold."""
    return _CONTROL.sub("", text)


def fill_contents(document: WordDocument, depth: int = 2) -> int:
    """Replace the contents mark by a contents field that is filled already; return how many entries it has.

    Each entry links to its heading. The field says "no page numbers" (switch n), because only the program that lays
    out the pages knows them; Word's "update field" keeps the entries right after editing. A template without the mark
    gets no contents.
    """
    place = next((p for p in document.paragraphs if p.text.strip() == CONTENTS_MARK), None)
    if place is None:
        return 0
    entries = list(_headings(document, depth))
    styles = {style.name.lower(): style.style_id for style in document.styles if style.name}
    for number, (level, text, paragraph) in enumerate(entries):
        anchor = f"_Toc{number + 1:06d}"
        _bookmark(paragraph, anchor, number + 100)
        entry = OxmlElement("w:p")
        properties = OxmlElement("w:pPr")
        if (style_id := styles.get(f"toc {level}")) is not None:
            style = OxmlElement("w:pStyle")
            style.set(qn("w:val"), style_id)
            properties.append(style)
        entry.append(properties)
        if number == 0:
            for part in _field_opening(f' TOC \\o "1-{depth}" \\n \\h \\z '):
                entry.append(part)
        link = OxmlElement("w:hyperlink")
        link.set(qn("w:anchor"), anchor)
        link.set(qn("w:history"), "1")
        link.append(_run(text))
        entry.append(link)
        if number == len(entries) - 1:
            entry.append(_field_character("end"))
        place._element.addprevious(entry)
    place._element.getparent().remove(place._element)
    return len(entries)


def _headings(document: WordDocument, depth: int) -> Iterator[tuple[int, str, Paragraph]]:
    counters = [0] * 9
    for paragraph in document.paragraphs:
        match = _HEADING.match(paragraph.style.name or "") if paragraph.style is not None else None
        if match is None or not paragraph.text.strip():
            continue
        level = int(match.group(1))
        counters[level - 1] += 1
        counters[level:] = [0] * (9 - level)
        if level <= depth:
            number = ".".join(str(counter) for counter in counters[:level])
            yield level, f"{number} {paragraph.text.strip()}", paragraph


def _bookmark(paragraph: Paragraph, name: str, identity: int) -> None:
    start, end = OxmlElement("w:bookmarkStart"), OxmlElement("w:bookmarkEnd")
    start.set(qn("w:id"), str(identity))
    start.set(qn("w:name"), name)
    end.set(qn("w:id"), str(identity))
    first = paragraph.runs[0]._element
    first.addprevious(start)
    paragraph._element.append(end)


def _run(text: str) -> Any:
    run, inner = OxmlElement("w:r"), OxmlElement("w:t")
    inner.text = text
    inner.set(qn("xml:space"), "preserve")
    run.append(inner)
    return run


def _field_character(kind: str) -> Any:
    run, character = OxmlElement("w:r"), OxmlElement("w:fldChar")
    character.set(qn("w:fldCharType"), kind)
    run.append(character)
    return run


def _field_opening(instruction: str) -> Iterator[Any]:
    yield _field_character("begin")
    run, text = OxmlElement("w:r"), OxmlElement("w:instrText")
    text.set(qn("xml:space"), "preserve")
    text.text = instruction
    run.append(text)
    yield run
    yield _field_character("separate")


def describe_pictures(document: WordDocument, descriptions: Iterable[str]) -> None:
    """Give each picture, in document order, the sentence that a screen reader speaks in its place."""
    pictures = document.element.body.iter(qn("wp:docPr"))
    for picture, description in zip(pictures, descriptions, strict=False):
        picture.set("descr", clean(description))


def repair_ids(document: WordDocument) -> None:
    """Number all pictures anew: the ids of drawings must be unique in a document."""
    for number, picture in enumerate(document.element.body.iter(qn("wp:docPr")), start=1):
        picture.set("id", str(number))


@contextmanager
def whole_or_nothing(path: Path) -> Iterator[Path]:
    """Give a temporary file beside `path` that takes its place when the block ends well and vanishes when it fails.

    Raises FileNotFoundError where the folder does not exist.
    """
    if not path.parent.is_dir():
        raise FileNotFoundError(f"no folder {path.parent}")
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
