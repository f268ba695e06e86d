"""Compile the Chinese messages (`.po`) to the form that ecopark reads (`.mo`), where they are out of date.

Fields are in braces (`{share:.1%}`), which Babel's own checker mistakes for percent formats; that both languages have
the same fields is checked by the test suite instead.
"""

from __future__ import annotations

from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

LOCALE = Path(__file__).parent.parent / "src" / "ecopark" / "locale"


def main() -> None:
    """Compile every catalogue whose compiled form is missing or older."""
    for source in sorted(LOCALE.glob("*/LC_MESSAGES/*.po")):
        target = source.with_suffix(".mo")
        if target.exists() and target.stat().st_mtime >= source.stat().st_mtime:
            continue
        with source.open("rb") as stream:
            messages = read_po(stream, locale=source.parent.parent.name, abort_invalid=True)
        with target.open("wb") as compiled:
            write_mo(compiled, messages)


if __name__ == "__main__":
    main()
