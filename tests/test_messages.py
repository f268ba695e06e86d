"""Every sentence a person sees exists in both languages, with the same fields, and nothing is translated in vain."""

from __future__ import annotations

import re
import string
from collections import defaultdict
from functools import cache
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from ecopark.translation import translate
from scripts.compile_messages import compile_messages, sources

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "src" / "ecopark"
CHINESE = re.compile("[\u4e00-\u9fff]")
# What reads the same in both languages: units, formulas, gases, product names, and lines that hold only fields.
SAME_IN_BOTH = re.compile(
    r"(\{\w+\}|CO2e?|CO₂e?|CH4|N2O|SF6|NF3|HFCs?|PFCs?|CSV|JSON|ID|Sobol|Excel|Word|ecopark|English|[\W\d_])*"
)


@cache
def used() -> dict[str, list[str]]:
    """Every message id in code and templates, with the places where it stands."""
    found: dict[str, list[str]] = defaultdict(list)
    method_map = [("**.py", "python"), ("**/templates/**.html", "jinja2")]
    keywords = {"N_": None, "_": None, "translate": None, "gettext": None}
    for name, line, message, _comments, _context in extract_from_dir(
        PACKAGE, method_map, {"**/templates/**.html": {"extensions": "jinja2.ext.i18n", "silent": "false"}}, keywords
    ):
        assert isinstance(message, str), f"{name}:{line}: plural forms are not used here"
        found[message].append(f"{name}:{line}")
    return dict(found)


@cache
def rooms() -> dict[str, Catalog]:
    """The Chinese catalogue of every room."""
    catalogues = {}
    for file in sorted((PACKAGE / "locale" / "zh" / "LC_MESSAGES").glob("*.po")):
        with file.open("rb") as stream:
            catalogues[file.stem] = read_po(stream, locale="zh", abort_invalid=True)
    return catalogues


@cache
def chinese() -> dict[str, dict[str, str]]:
    """Message id to its translation, by room."""
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for room, catalogue in rooms().items():
        for message in catalogue:
            if message.id:
                found[str(message.id)][room] = str(message.string)
    return dict(found)


def fields(text: str, *, stem: bool = True) -> set[str]:
    """The names of the fields in a message; `name_zh` and `name_en` are one name in two languages (`stem`)."""
    names = {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}
    return {re.sub("_(zh|en)$", "", name) for name in names} if stem else names


def test_messages_are_found() -> None:
    """The search itself works: it finds messages of code, of templates, and their places."""
    places = [place for each in used().values() for place in each]
    assert any(".html:" in place for place in places)
    assert any(".py:" in place for place in places)
    assert len(used()) > 500


def test_every_message_has_a_translation() -> None:
    """A message without one would show English on a Chinese page."""
    assert {message: places for message, places in used().items() if not any(chinese().get(message, {}).values())} == {}


def test_every_translation_is_used() -> None:
    """A translation whose message is gone is a leftover."""
    assert {message: list(each) for message, each in chinese().items() if message not in used()} == {}


def test_translations_are_chinese() -> None:
    """A Chinese string holds Chinese characters, unless it is one that reads the same in both languages."""
    assert [
        (room, message, text)
        for message, each in chinese().items()
        for room, text in each.items()
        if text and not CHINESE.search(text) and not SAME_IN_BOTH.fullmatch(text)
    ] == []


def test_message_ids_are_english() -> None:
    """The message id is what an English reader sees."""
    units = re.compile(
        "[万亿]|元|吨|标准煤|千瓦时|当量|等价|低位|高位|“[^”]*”|中文"
    )  # a unit or name that is quoted as it is written
    assert [message for message in used() if CHINESE.search(units.sub("", message))] == []


def test_same_fields_in_both_languages() -> None:
    """A field that one language lacks loses a value; one in excess is an error when it is shown."""
    assert [
        (room, message, text)
        for message, each in chinese().items()
        for room, text in each.items()
        if fields(message) != fields(text)
        or any(name.endswith("_en") for name in fields(text, stem=False))
        or any(name.endswith("_zh") for name in fields(message, stem=False))
    ] == []


def test_fields_are_named() -> None:
    """`{}` and `{0}` tell a translator nothing, and printf fields are never filled."""
    unnamed = [message for message in used() if any(not name.isidentifier() for name in fields(message))]
    printf = [message for message in used() if re.search(r"%\(\w+\)[sd]|%[sd]\b", message)]
    assert (unnamed, printf) == ([], [])


def test_one_message_one_translation() -> None:
    """Two rooms may use one message, but must say it in the same words."""
    assert {message: each for message, each in chinese().items() if len(set(each.values())) > 1} == {}


@pytest.mark.parametrize("room", sorted(rooms()))
def test_catalogue_file_is_clean(room: str) -> None:
    """Nothing is fuzzy (a guess), and the file says that it is Chinese in UTF-8."""
    catalogue = rooms()[room]
    assert [message.id for message in catalogue if message.fuzzy and message.id] == []
    assert str(catalogue.locale).startswith("zh")
    assert (catalogue.charset or "").lower() == "utf-8"


def test_compiled_messages_say_what_the_source_says(tmp_path: Path) -> None:
    """Compiling keeps every translation, per cent signs included."""
    import gettext
    import shutil

    shutil.copytree(PACKAGE / "locale", tmp_path / "locale", ignore=shutil.ignore_patterns("*.mo"))
    written = compile_messages(sources(tmp_path / "locale"))
    assert {file.stem for file in written} == set(rooms())
    for file in written:
        with file.open("rb") as stream:
            compiled = gettext.GNUTranslations(stream)
        for message, each in chinese().items():
            if each.get(file.stem):
                assert compiled.gettext(message) == each[file.stem]


def test_the_translations_in_use_are_current() -> None:
    """What the program shows now is what the source says: a stale .mo would show yesterday's words."""
    for message, each in chinese().items():
        assert translate(message, "zh") in each.values()
