"""What is installed is whole: the wheel carries messages, browser libraries, templates and data, and nothing else."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
NEEDED = [
    "ecopark/py.typed",
    "ecopark/locale/zh/LC_MESSAGES/model.mo",
    "ecopark/catalogue/data/schemes/zero-carbon-park-2025.toml",
    "ecopark/catalogue/data/sources.csv",
    "ecopark/reports/templates/inventory_zh.docx",
    "ecopark/reports/templates/inventory_en.docx",
    "ecopark/storage/migrations/script.py.mako",
    "ecopark/web/templates/base.html",
    "ecopark/web/static/page.css",
    "ecopark/web/static/vendor/echarts.min.js",
    "ecopark/web/static/vendor/htmx.min.js",
    "ecopark/web/static/vendor/echarts.LICENSE.txt",
]


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The names of all files in the wheel."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return archive.namelist()


@pytest.mark.parametrize("name", NEEDED)
def test_wheel_holds(name: str, names: list[str]) -> None:
    """A wheel without it would fail only at its user's."""
    assert name in names


def test_wheel_holds_the_licence(names: list[str]) -> None:
    """The licence and the notice travel with the package."""
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert any(name.endswith("licenses/NOTICE") for name in names)


def test_wheel_holds_nothing_else(names: list[str]) -> None:
    """No caches, tests or parks."""
    assert [name for name in names if not name.startswith("ecopark/") and ".dist-info/" not in name] == []
    assert [name for name in names if name.endswith((".pyc", ".sqlite", ".nbi", ".nbc"))] == []
