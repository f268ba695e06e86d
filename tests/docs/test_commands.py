"""Every command in the documentation runs, and prints what the page says it prints."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.consoles import ROOT, commands, difference, run

PAGES = {
    "README.md": "en",
    "README.zh.md": "zh",
    "docs/tutorial.md": "en",
    "docs/zh/tutorial.md": "zh",
}


@pytest.mark.parametrize("page", PAGES)
def test_commands_print_what_the_page_says(page: str, tmp_path: Path) -> None:
    """The page's commands, one after the other in an empty folder beside the examples."""
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    found = commands(ROOT / page)
    assert len(found) >= 5
    wrong = []
    for command in found:
        printed = run(command, tmp_path, PAGES[page])
        if (missing := difference(command.printed, printed)) and command.printed:
            wrong.append(f"{page}:{command.line}: $ {command.text}\nnot printed: {missing}\n--- printed:\n{printed}")
    assert not wrong, "\n\n".join(wrong)
    for snippet in re.findall(r"^```python\n(.*?)^```$", (ROOT / page).read_text(encoding="utf-8"), re.M | re.S):
        subprocess.run([sys.executable, "-c", snippet], cwd=tmp_path, check=True)


def test_make_targets_exist() -> None:
    """Every `make` target that a page names is one of the Makefile's."""
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for page in [*PAGES, "CONTRIBUTING.md", "docs/decisions.md"]:
        named = set(re.findall(r"(?:^|`)make ([a-z-]+)", (ROOT / page).read_text(encoding="utf-8"), re.MULTILINE))
        assert named <= targets, page


def test_links_lead_somewhere() -> None:
    """Every relative link of a page leads to a file of the project."""
    pages = [path for path in ROOT.rglob("*.md") if ".venv" not in path.parts and "node_modules" not in path.parts]
    lost = [
        f"{page.relative_to(ROOT)}: {target}"
        for page in pages
        for target in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
        if not (page.parent / target).exists()
    ]
    assert lost == []


@pytest.mark.parametrize(
    ("expected", "printed", "found"),
    [
        (["Total 12 t"], "Total   12 t\n\n", ""),
        (["Total 13 t"], "Total 12 t", "Total 13 t"),
        (["Run R… at …"], "Run R3 at 12:00", ""),
        (["a", "c"], "a\nb\nc", "c"),
        (["a", "…", "c"], "a\nb\nc", ""),
        (["a"], "a\nb", "(nothing more, but: b)"),
        (["a", "…"], "a\nb", ""),
    ],
)
def test_the_comparison_notices(expected: list[str], printed: str, found: str) -> None:
    """The comparison itself: another number, a line left out without saying so, and more than is quoted are noticed."""
    assert difference(expected, printed) == found
