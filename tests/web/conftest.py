"""A real server on a free port over real workspaces, and Debian's Chromium."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from scripts.browser_libraries import VENDOR, is_current
from tests.web.serving import make_workspace, serving

BROWSER_OPTIONS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def twelve_firms(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the synthetic park's pages; tests only read it."""
    with serving(make_workspace(tmp_path_factory.mktemp("web") / "twelve", "twelve-firms")) as address:
        yield address


@pytest.fixture(scope="session")
def eastman(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the real park's pages; tests only read it."""
    with serving(make_workspace(tmp_path_factory.mktemp("web") / "eastman", "eastman")) as address:
        yield address


@pytest.fixture
def writable(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """Address and folder of the real park's pages, for tests that change the record."""
    folder = make_workspace(tmp_path / "park", "eastman")
    with serving(folder) as address:
        yield address, folder


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[str]:
    """The address of a workspace without a record."""
    with serving(make_workspace(tmp_path / "empty")) as address:
        yield address


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    """An HTTP client that knows nothing of browsers."""
    with httpx.Client(timeout=60) as opened:
        yield opened


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Debian's Chromium, driven by Playwright."""
    program = next(
        (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None
    )
    if program is None:
        pytest.skip("no Chromium: apt-get install chromium")
    if not is_current(VENDOR):
        pytest.skip("the browser libraries are missing: python scripts/browser_libraries.py")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=program, args=BROWSER_OPTIONS)
        yield opened
        opened.close()
