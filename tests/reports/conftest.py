"""Workspaces and reports that several tests look at: made once, from the examples, with the real engine."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ecopark.catalogue import load_catalogue
from ecopark.reports import write_inventory_report
from ecopark.reports.material import Material, gather
from ecopark.storage.importing import preview_import
from ecopark.storage.store import Store
from ecopark.workspace import Workspace
from tests.reports.reporting import CHOICES, DATE, Written

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(scope="session")
def open_example(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Workspace]]:
    """Gives the workspace of an example, imported once."""
    opened: dict[str, Workspace] = {}

    def give(name: str) -> Workspace:
        if name not in opened:
            folder = tmp_path_factory.mktemp(name.replace("/", "-")) / "park"
            with Store.create(folder) as store:
                preview_import(store, EXAMPLES / name, load_catalogue()).apply(store)
            opened[name] = Workspace.open(folder)
        return opened[name]

    yield give
    for workspace in opened.values():
        workspace.close()


@pytest.fixture(scope="session")
def written(
    open_example: Callable[[str], Workspace], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str, str], Written]:
    """Gives the Word report of an example in a language, written once."""
    materials: dict[str, Material] = {}
    reports: dict[tuple[str, str], Written] = {}

    def give(name: str, language: str) -> Written:
        if name not in materials:
            materials[name] = gather(open_example(name), **CHOICES[name], date=DATE)
        if (name, language) not in reports:
            path = tmp_path_factory.mktemp("reports") / f"{name.replace('/', '-')}_{language}.docx"
            summary = write_inventory_report(materials[name], language, path, most_lines=40)
            reports[name, language] = Written(open_example(name), materials[name], summary, language)
        return reports[name, language]

    return give


@pytest.fixture(scope="session")
def to_pdf(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], Path]:
    """Converts a document with LibreOffice; skips, naming what to install, where it is missing."""
    for tool, package in (
        ("soffice", "libreoffice-writer"),
        ("pdftotext", "poppler-utils"),
        ("pdffonts", "poppler-utils"),
    ):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed (Debian and Ubuntu: apt install {package})")
    profile = tmp_path_factory.mktemp("office")
    made: dict[Path, Path] = {}

    def convert(path: Path) -> Path:
        if path not in made:
            folder = tmp_path_factory.mktemp("pdf")
            command = ["soffice", f"-env:UserInstallation=file://{profile}", "--headless", "--convert-to", "pdf"]
            run = subprocess.run(
                [*command, "--outdir", str(folder), str(path)], capture_output=True, text=True, timeout=300, check=True
            )
            assert "error" not in run.stderr.lower(), run.stderr
            made[path] = folder / f"{path.stem}.pdf"
        return made[path]

    return convert
