"""Translation of everything a person reads: English is the message id, Chinese stands in `locale/zh`.

Each room has its own catalogue file (`locale/zh/LC_MESSAGES/<room>.po`), compiled to `.mo` at set-up; all are read as
one. Messages carry named fields (`{sheet}`) that are filled after translation.
"""

from __future__ import annotations

import gettext
import os
from functools import cache
from pathlib import Path

LANGUAGES = ("zh", "en")
_LOCALE = Path(__file__).parent / "locale"


def N_(message: str) -> str:  # noqa: N802 - the customary name for "extract, translate later"
    """Mark `message` for extraction and return it unchanged."""
    return message


@cache
def catalogue(language: str) -> gettext.NullTranslations:
    """Return all rooms' messages for `language`; English is the message itself.

    Raises ValueError for a language that ecopark does not have, FileNotFoundError where the Chinese catalogues have
    not been compiled.
    """
    if language not in LANGUAGES:
        raise ValueError(f"unknown language {language!r}; known: {', '.join(LANGUAGES)}")
    if language == "en":
        return gettext.NullTranslations()
    files = sorted((_LOCALE / language / "LC_MESSAGES").glob("*.mo"))
    if not files:
        raise FileNotFoundError(f"no compiled messages for {language!r}; run `make setup`")
    rooms = gettext.NullTranslations()
    for file in files:
        with file.open("rb") as stream:
            rooms.add_fallback(gettext.GNUTranslations(stream))
    return rooms


def translate(message: str, language: str, **values: object) -> str:
    """Return `message` in `language` with its `{named}` fields filled from `values`."""
    text = catalogue(language).gettext(message) if message else message
    return text.format(**values) if values else text


def default_language() -> str:
    """Return the language of this process: ECOPARK_LANG, else the system's locale, else English."""
    for variable in ("ECOPARK_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        value = os.environ.get(variable, "").lower()
        if value.startswith("zh"):
            return "zh"
        if value:
            return "en"
    return "en"


def choose(language: str, zh: str | None, en: str | None) -> str:
    """Return the name in `language`, or the other one where it is missing (data carry their own two names)."""
    first, second = (zh, en) if language == "zh" else (en, zh)
    return first or second or ""
