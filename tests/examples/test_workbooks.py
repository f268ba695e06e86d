"""The examples' workbooks and folders are two forms of one record, as the product itself writes and reads them."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path
from types import ModuleType

import pytest

from ecopark.catalogue import load_catalogue
from ecopark.storage.folder import read_record, write_folder
from ecopark.storage.importing import preview_import
from ecopark.storage.store import Store

EXAMPLES = Path(__file__).parents[2] / "examples"
FOLDERS = sorted(path.parent.relative_to(EXAMPLES).as_posix() for path in EXAMPLES.rglob("nodes.csv"))


@pytest.fixture(scope="module")
def build() -> ModuleType:
    """The script `examples/build.py` as a module."""
    spec = importlib.util.spec_from_file_location("examples_build", EXAMPLES / "build.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_all_examples_are_there() -> None:
    """The parametrised tests below cover what is expected, not just what is found."""
    rules = [f"rules/{case}" for case in ("v1", "v2", "v3", "v4", "v5", "v6", "v7a", "v7b")]
    assert ["eastman", "kalundborg", *rules, "twelve-firms"] == FOLDERS


@pytest.mark.parametrize("name", FOLDERS)
def test_workbook_and_folder_hold_the_same_record(build: ModuleType, name: str) -> None:
    """Imported after its folder, the committed workbook changes nothing and lacks nothing."""
    folder = EXAMPLES / name
    assert build.differences(folder, build.workbook_of(folder)) == []


def test_a_changed_number_is_noticed(build: ModuleType, tmp_path: Path) -> None:
    """The comparison can fail: one amount changed, one row taken away."""
    folder = tmp_path / "v4"
    shutil.copytree(EXAMPLES / "rules" / "v4", folder)
    flows = folder / "flows.csv"
    text = flows.read_text(encoding="utf-8")
    flows.write_text(text.replace("600000", "600001"), encoding="utf-8")
    assert build.differences(folder, build.workbook_of(folder)) == [
        "flows: 1 changed",
        f"flows: {text.count(chr(10)) - 2} of {text.count(chr(10)) - 1} rows in the workbook",
    ]
    kept = [line for line in text.splitlines(keepends=True) if not line.startswith("no_power")]
    flows.write_text("".join(kept), encoding="utf-8")
    assert "flows: 1 new" in build.differences(folder, build.workbook_of(folder))


@pytest.mark.parametrize("name", FOLDERS)
def test_folder_is_in_the_form_the_product_writes(build: ModuleType, name: str, tmp_path: Path) -> None:
    """Exporting the record gives the committed files byte for byte, so that git shows changes of content only."""
    folder = EXAMPLES / name
    record = read_record(folder)
    written = write_folder(record, tmp_path, name=name.replace("/", "-"), title=build.title_of(record))
    expected = {path.name: path.read_bytes() for path in [*folder.glob("*.csv"), folder / "datapackage.json"]}
    assert {path.name: path.read_bytes() for path in written} == expected


@pytest.mark.parametrize("name", FOLDERS)
def test_import_finds_no_fault(name: str, tmp_path: Path) -> None:
    """No error, and no warning but that of years with statistics only (Eastman) or between a case's years."""
    with Store.create(tmp_path / "park") as store:
        preview = preview_import(store, EXAMPLES / name, load_catalogue())
    assert preview.errors == []
    allowed = {"years_without_data"} if name in ("eastman", "kalundborg", "rules/v7a", "rules/v7b") else set()
    assert {problem.code for problem in preview.warnings} == allowed


@pytest.mark.parametrize("name", ["eastman", "kalundborg", "rules", "twelve-firms"])
def test_readme_speaks_both_languages(name: str) -> None:
    """Sources, boundaries and what is not covered stand in Chinese and in English."""
    text = (EXAMPLES / name / "README.md").read_text(encoding="utf-8")
    chinese = sum("\u4e00" <= character <= "\u9fff" for character in text)
    words = sum(word.isascii() and word.isalpha() for word in text.split())
    assert chinese > 200
    assert words > 150
