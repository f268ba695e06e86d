"""Every message of units and model has a Chinese translation with the same fields."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_file
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

import ecopark
from ecopark import translation
from ecopark.units import UnitError, factor

ROOT = Path(ecopark.__file__).parent


@pytest.fixture(scope="module")
def chinese() -> Catalog:
    with (ROOT / "locale/zh/LC_MESSAGES/model.po").open("rb") as stream:
        return read_po(stream, locale="zh")


def messages() -> set[str]:
    files = [*ROOT.glob("unit*.py"), *(ROOT / "model").glob("*.py")]
    return {str(found[1]) for file in files for found in extract_from_file("python", str(file), keywords={"N_": None})}


def test_same_keys(chinese: Catalog) -> None:
    assert {str(message.id) for message in chinese if message.id} == messages()


def test_translated_with_the_same_fields(chinese: Catalog) -> None:
    for message in chinese:
        if message.id:
            text = str(message.string)
            assert re.search("[\u4e00-\u9fff]", text), message.id
            fields = [set(re.findall(r"\{(\w+)\}", part)) for part in (str(message.id), text)]
            assert fields[0] == fields[1], message.id


def test_unit_error_speaks_chinese(chinese: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "zh" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    buffer = io.BytesIO()
    write_mo(buffer, chinese)
    (folder / "model.mo").write_bytes(buffer.getvalue())
    monkeypatch.setattr(translation, "_LOCALE", tmp_path)
    translation.catalogue.cache_clear()
    try:
        with pytest.raises(UnitError) as caught:
            factor("GJ_LHV", "GJ_HHV")
        cause, remedy = caught.value.describe("zh")
    finally:
        translation.catalogue.cache_clear()
    assert cause == "GJ_LHV 不能换算为 GJ_HHV。"
    assert "lower_over_higher" in remedy
    assert "低位" in remedy
