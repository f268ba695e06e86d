"""Data carry their own two names: every Chinese name is Chinese, every English one English, and neither is missing."""

from __future__ import annotations

import csv
import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from ecopark.model.tables import TABLES

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / "src" / "ecopark" / "catalogue" / "data"
EXAMPLES = ROOT / "examples"
CHINESE = re.compile("[\u4e00-\u9fff]")
# Names that are the same in both languages: formulas of gases, codes of refrigerants, titles of Western documents.
SAME_IN_BOTH = re.compile(
    r"([A-Z][a-z]?\d*[₀-₉]*)+|(HFC|HCFC|CFC|PFC|R|HFE)-?\d+[A-Za-z]*|SAR|AR\d|GWP|[A-Z]{2}-[A-Z0-9]+|[\W\d_]*", re.ASCII
)
PAIRS = ("name", "meaning", "note", "title", "reason", "remedy", "label", "description", "category", "term")


def _walk(value: Any, place: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every table of a TOML document with its place."""
    if isinstance(value, dict):
        yield place, value
        for key, inner in value.items():
            yield from _walk(inner, f"{place}.{key}")
    elif isinstance(value, list):
        for number, inner in enumerate(value, 1):
            yield from _walk(inner, f"{place}[{number}]")


@cache
def rows() -> list[tuple[str, dict[str, Any]]]:
    """Every row of the catalogue's and the examples' data with its place."""
    found: list[tuple[str, dict[str, Any]]] = []
    for file in sorted([*DATA.rglob("*.csv"), *EXAMPLES.rglob("*.csv")]):
        with file.open(encoding="utf-8-sig", newline="") as stream:
            found += [
                (f"{file.relative_to(ROOT)}:{number}", row) for number, row in enumerate(csv.DictReader(stream), 2)
            ]
    for file in sorted(DATA.rglob("*.toml")):
        document = tomllib.loads(file.read_text(encoding="utf-8"))
        found += _walk(document, str(file.relative_to(ROOT)))
    return found


def names(language: str) -> list[tuple[str, str, str]]:
    """Place, field and text of everything that is named in `language`."""
    return [
        (place, key, value)
        for place, row in rows()
        for key, value in row.items()
        if isinstance(key, str) and key.endswith(f"_{language}") and isinstance(value, str) and value.strip()
    ]


def test_names_are_found() -> None:
    """The search itself works."""
    assert len(names("zh")) > 1000
    assert any(".toml" in place for place, _, _ in names("zh"))


def test_chinese_names_are_chinese() -> None:
    """A Chinese name without a Chinese character is an English one in the wrong column."""
    assert [each for each in names("zh") if not CHINESE.search(each[2]) and not SAME_IN_BOTH.fullmatch(each[2])] == []


def test_english_names_are_english() -> None:
    """An English name with Chinese characters tells an English reader nothing (a term quoted in brackets does)."""
    quoted = re.compile(r"[（(“\"][^）)”\"]*[）)”\"]")
    assert [each for each in names("en") if CHINESE.search(quoted.sub("", each[2]))] == []


def test_no_name_in_one_language_only() -> None:
    """What is named in one language is named in the other."""
    lonely = []
    for place, row in rows():
        for stem in PAIRS:
            if f"{stem}_zh" in row or f"{stem}_en" in row:
                zh, en = ((row.get(f"{stem}_{language}") or "").strip() for language in ("zh", "en"))
                if bool(zh) != bool(en):
                    lonely.append((place, stem, zh or en))
    assert lonely == []


@pytest.mark.parametrize("table", TABLES.values(), ids=lambda table: table.name)
def test_attributes_have_both_languages(table: Any) -> None:
    """Each table and column of the record is named, and where needed explained, in both languages."""
    assert CHINESE.search(table.zh)
    assert table.en
    assert not CHINESE.search(table.en)
    for attribute in table.attributes:
        place = f"{table.name}.{attribute.name}"
        assert CHINESE.search(attribute.zh), place
        assert attribute.en, place
        assert not CHINESE.search(attribute.en), place
        assert bool(attribute.meaning_zh) == bool(attribute.meaning_en), place
        assert not CHINESE.search(attribute.meaning_en.replace("万", "")), place
        assert not attribute.meaning_zh or CHINESE.search(attribute.meaning_zh), place
