"""The floors hold, files stay readable, and nothing of one machine or one workplace stands in the project."""

from __future__ import annotations

import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MOST_LINES = 600
TEXT = {
    "", ".cfg", ".css", ".csv", ".html", ".ini", ".js", ".json", ".mako", ".md", ".po", ".py", ".sh", ".svg", ".toml",
    ".txt", ".yaml", ".yml",
}  # fmt: skip

# Written in two halves, so that this file does not find itself.
FORBIDDEN = [
    r"(^|[^A-Za-z0-9_.])/(" + "wo" + "rk|" + "fa" + "rm)/",
    "bash" + "_jobs",
    "sub" + "agent",
    "fa" + "rm-(studio|bench)",
    "py" + r"pi\.org",
    r"files\.py" + "thonhosted",
    r"registry\.n" + "pmjs",
    r"deb\.de" + "bian",
    r"(^|[^A-Za-z0-9_.~])/(" + "home|" + "Users|" + "root|" + "opt)/[A-Za-z0-9_]",
]
UNFINISHED = [
    r"\bTO" + r"DO\b",
    r"\bFIX" + r"ME\b",
    r"\bXX" + r"X\b",
    r"assert Tr" + "ue$",
    "pragma: no co" + "ver",
    "raise NotImpl" + "ementedError",
    "except Excep" + "tion:",
    "except" + ":$",
    r"pytest\.mark\.sk" + r"ip\(",
]


@cache
def project_files() -> list[Path]:
    """Every file that is, or would be, in a commit."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    return [path for name in listing.stdout.decode().split("\0") if name and (path := ROOT / name).is_file()]


def findings(pattern: str, suffixes: set[str]) -> list[str]:
    """`file:line: text` of every line of the project's text files that matches."""
    expression = re.compile(pattern)
    return [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:160]}"
        for path in project_files()
        if path.suffix in suffixes
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if expression.search(line)
    ]


def lint_floors(folder: Path) -> subprocess.CompletedProcess[str]:
    """Check the contract on the package `ecopark` that stands in `folder`."""
    command = (
        "import sys; from importlinter.cli import lint_imports;"
        f"sys.exit(lint_imports({str(ROOT / 'pyproject.toml')!r}, no_cache=True, no_logo=True))"
    )
    return subprocess.run([sys.executable, "-c", command], cwd=folder, capture_output=True, text=True, check=False)


def test_floors() -> None:
    """A room imports only from floors below it (the contract is in pyproject.toml)."""
    run = lint_floors(ROOT / "src")
    assert run.returncode == 0, run.stdout + run.stderr


def test_floors_notice_an_import_that_goes_up(tmp_path: Path) -> None:
    """The contract is alive: a copy of the package whose units import the storage room breaks it."""
    package = ROOT / "src" / "ecopark"
    for source in package.rglob("*.py"):
        target = tmp_path / "ecopark" / source.relative_to(package)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(source.read_bytes())
    with (tmp_path / "ecopark" / "units.py").open("a", encoding="utf-8") as stream:
        stream.write("\nimport ecopark.storage.store\n")
    run = lint_floors(tmp_path)
    assert run.returncode == 1
    assert re.search(r"ecopark\.units\s+->\s+ecopark\.storage", run.stdout), run.stdout


def test_files_are_one_subject_each() -> None:
    """No source file passes 600 lines: one that does holds two subjects."""
    counted = {
        str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines())
        for path in project_files()
        if path.suffix in {".py", ".js", ".html", ".css"}
    }
    assert {name: count for name, count in counted.items() if count > MOST_LINES} == {}


@pytest.mark.parametrize("pattern", FORBIDDEN)
def test_nothing_of_one_machine(pattern: str) -> None:
    """No absolute path, registry address or word of one workplace: the project must build anywhere."""
    assert findings(pattern, TEXT) == []


@pytest.mark.parametrize("pattern", UNFINISHED)
def test_nothing_unfinished(pattern: str) -> None:
    """No stub, swallowed error or test that cannot fail."""
    assert findings(pattern, {".py"}) == []


def test_locked_requirements_have_hashes_and_no_address() -> None:
    """Every pinned package carries hashes, so that plain pip can check it, and no file names an index."""
    for name in ("requirements.txt", "requirements-dev.txt", "requirements-docs.txt", "requirements-npm.txt"):
        text = (ROOT / name).read_text(encoding="utf-8")
        assert "://" not in text
        assert "--index-url" not in text
        for block in re.split(r"\n(?=\S)", text.strip()):
            if block.startswith("#"):
                continue
            assert re.match(r"[A-Za-z0-9._-]+(\[[^\]]+\])?==\S+", block), block
            assert "--hash=sha256:" in block, block


def test_the_lock_of_the_browser_libraries_has_no_address() -> None:
    """npm's lock pins by integrity hash, without resolved addresses."""
    text = (ROOT / "package-lock.json").read_text(encoding="utf-8")
    assert '"resolved"' not in text
    assert '"integrity": "sha512-' in text
