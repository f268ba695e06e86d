"""A font is chosen for what it really has; without one the figures are English and say what to install."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from matplotlib import font_manager

from ecopark.reports import fonts
from ecopark.reports.fonts import FontChoice, FontMissing, covers, demand_chinese_font, find_chinese_font


@pytest.fixture(autouse=True)
def _forget_choices() -> Iterator[None]:
    fonts._search.cache_clear()
    yield
    fonts._search.cache_clear()


@pytest.fixture
def chinese() -> FontChoice:
    choice = find_chinese_font()
    if not choice.chinese:
        pytest.skip("no font with Chinese characters (Debian and Ubuntu: apt install fonts-noto-cjk)")
    return choice


def test_the_found_font_has_the_characters(chinese: FontChoice) -> None:
    assert chinese.path is not None
    assert covers(chinese.path, text="碳排放核算清单")
    assert chinese.remark is None


def test_a_font_is_not_trusted_for_its_name() -> None:
    """DejaVu ships with matplotlib and has no Chinese; a program that goes by names would take it."""
    path = font_manager.findfont("DejaVu Sans")
    assert covers(path, text="CO₂e")
    assert not covers(path)
    assert not covers("no such file.ttf")


def test_a_named_family_without_chinese_is_passed_over(monkeypatch: pytest.MonkeyPatch, chinese: FontChoice) -> None:
    monkeypatch.setenv(fonts.FONT_VARIABLE, "DejaVu Sans")
    assert find_chinese_font().family == chinese.family


def test_a_named_file_goes_first(monkeypatch: pytest.MonkeyPatch, chinese: FontChoice) -> None:
    monkeypatch.setenv(fonts.FONT_VARIABLE, str(chinese.path))
    assert find_chinese_font().path == chinese.path


def test_no_font_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a machine without Chinese fonts: no family, a remark that names packages, and an error on demand."""
    monkeypatch.setattr(fonts, "SANS_FAMILIES", ("DejaVu Sans",))
    monkeypatch.setattr(font_manager, "findSystemFonts", list)
    choice = find_chinese_font()
    assert not choice.chinese
    assert "fonts-noto-cjk" in (choice.remark or "")
    with pytest.raises(FontMissing, match="fonts-noto-cjk"):
        demand_chinese_font()
    with pytest.raises(FontMissing, match="中文字体"):
        demand_chinese_font("zh")
