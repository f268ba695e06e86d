"""Finding a font with Chinese characters for print figures, so that none is ever drawn as an empty box."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ecopark.translation import N_, translate

SANS_FAMILIES = (
    "Noto Sans CJK SC",
    "Noto Sans SC",
    "Source Han Sans SC",
    "Source Han Sans CN",
    "Microsoft YaHei",
    "PingFang SC",
    "Hiragino Sans GB",
    "SimHei",
    "DengXian",
    "STHeiti",
    "Heiti SC",
    "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei",
    "FandolHei",
    "Sarasa Gothic SC",
    "LXGW Neo XiHei",
    "Arial Unicode MS",
    "Droid Sans Fallback",
    "Noto Serif CJK SC",
    "Noto Serif SC",
    "Source Han Serif SC",
    "Source Han Serif CN",
    "SimSun",
    "NSimSun",
    "Songti SC",
    "STSong",
    "FangSong",
    "KaiTi",
    "AR PL UMing CN",
    "AR PL SungtiL GB",
    "FandolSong",
    "Noto Sans CJK JP",
    "Noto Sans CJK TC",
    "Noto Serif CJK JP",
)
"""Families with simplified Chinese, best first: sans serif (legible at figure size), then serif, then other regions'
forms of the same characters."""

FONT_VARIABLE = "ECOPARK_FONT"
"""Environment variable that names a font file or a font family and goes before the search."""

_PROBE = "园区碳排放核算清单，吨万缺"
"""Characters that a usable font must have; a font's name alone proves nothing."""


@dataclass(frozen=True, slots=True)
class FontChoice:
    """The font that print figures use.

    `family` is the family name known to matplotlib (None: no font with Chinese characters was found), `path` its file,
    `remark` an English message id that tells the user what to install (None when all is well).
    """

    family: str | None
    path: Path | None
    remark: str | None = None

    @property
    def chinese(self) -> bool:
        """Whether Chinese characters can be drawn."""
        return self.family is not None


class FontMissing(RuntimeError):
    """No font with Chinese characters is installed, and one was demanded."""

    def __init__(self, language: str = "en") -> None:
        super().__init__(translate(MISSING, language))


MISSING = N_(
    "No font with Chinese characters was found, so figures are labelled in English. Install one (Debian and Ubuntu: "
    "fonts-noto-cjk; Fedora: google-noto-sans-cjk-fonts; Windows and macOS bring one), or name a font file in the "
    "environment variable ECOPARK_FONT."
)


def covers(path: str | Path, index: int = 0, text: str = _PROBE) -> bool:
    """Return whether face `index` of the font file at `path` has a glyph for every character of `text`."""
    from matplotlib.ft2font import FT2Font

    try:
        try:
            font = FT2Font(str(path), face_index=index)
        except TypeError:  # matplotlib before 3.11 knows only the first face of a collection
            font = FT2Font(str(path))
        available = font.get_charmap()
    except (OSError, RuntimeError):
        return False
    return all(ord(character) in available for character in text)


def find_chinese_font() -> FontChoice:
    """Return the best installed font with Chinese characters, or a choice without family that says what to install.

    Looks at the file or family named by ECOPARK_FONT first, then through `SANS_FAMILIES` in order; every candidate is
    opened and must really have the characters. The answer is kept for the life of the process and each value of
    ECOPARK_FONT.
    """
    return _search(os.environ.get(FONT_VARIABLE, ""))


@cache
def _search(wanted: str) -> FontChoice:
    from matplotlib import font_manager

    manager = font_manager.fontManager
    families = list(SANS_FAMILIES)
    if wanted and Path(wanted).is_file():
        manager.addfont(wanted)
        inside = [entry.name for entry in manager.ttflist if entry.fname == wanted]
        # A collection holds one face per region: the simplified Chinese one goes first.
        families = sorted(inside, key=lambda name: families.index(name) if name in families else 99) + families
    elif wanted:
        families.insert(0, wanted)
    found = _first_usable(families)
    if found is None:
        # matplotlib keeps its list of fonts in a file that a font installed since then is not in.
        known = {entry.fname for entry in manager.ttflist}
        for path in font_manager.findSystemFonts():
            if path not in known and not _unreadable(path):
                manager.addfont(path)
        found = _first_usable(families)
    return found or FontChoice(None, None, MISSING)


def _first_usable(families: list[str]) -> FontChoice | None:
    from matplotlib.font_manager import fontManager

    for family in families:
        # Regular weight first: figures set labels in it, and a bold face would shout.
        entries = sorted(
            (e for e in fontManager.ttflist if e.name == family), key=lambda e: abs(_weight(e.weight) - 400)
        )
        for entry in entries:
            if covers(entry.fname, getattr(entry, "index", 0)):
                return FontChoice(family, Path(entry.fname))
    return None


def _unreadable(path: str) -> bool:
    return not covers(path, text="A")


def _weight(weight: int | str) -> int:
    return weight if isinstance(weight, int) else {"normal": 400, "bold": 700, "light": 300}.get(weight, 400)


def demand_chinese_font(language: str = "en") -> FontChoice:
    """Return `find_chinese_font()`; FontMissing, with what to install, where there is none."""
    choice = find_chinese_font()
    if not choice.chinese:
        raise FontMissing(language)
    return choice
