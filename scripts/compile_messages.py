"""Compile the translated messages: `python scripts/compile_messages.py [FILE.po ...]`, without files all of them.

Each `locale/<language>/LC_MESSAGES/<room>.po` becomes a `.mo` beside it. (Babel's own command takes the per cent sign
of "95 % range" for a printf field and complains; the fields of our messages are `{named}`, and tests/test_messages.py
compares them.)
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

LOCALE = Path(__file__).resolve().parent.parent / "src" / "ecopark" / "locale"


def sources(locale: Path = LOCALE) -> list[Path]:
    """Return the message files of every language and room below `locale`."""
    return sorted(locale.glob("*/LC_MESSAGES/*.po"))


def compile_messages(files: Iterable[Path]) -> list[Path]:
    """Compile each file and return what was written; a file is never left half-written."""
    written = []
    for source in files:
        with source.open("rb") as stream:
            messages = read_po(stream, locale=source.parent.parent.name, abort_invalid=True)
        target, scratch = source.with_suffix(".mo"), source.with_suffix(".mo.new")
        with scratch.open("wb") as stream:
            write_mo(stream, messages)
        scratch.replace(target)
        written.append(target)
    return written


if __name__ == "__main__":
    compile_messages([Path(name) for name in sys.argv[1:]] or sources())
