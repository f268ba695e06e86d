"""The methods pages are true: what they name exists, and the formula they print is the one that is applied."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

from ecopark.catalogue import load_catalogue
from scripts.reference_pages import pages

DOCS = Path(__file__).resolve().parent.parent.parent / "docs"
METHODS = sorted((DOCS / "methods").glob("*.md"))
NAME = re.compile(r"`(ecopark(?:\.\w+)+)`")
RULE = re.compile(r"\| `(-?[^`|]+)` \| rule `([\w-]+):(\w+)` \|")


def find(name: str) -> object:
    """Import the longest module of a dotted name and follow the rest; AttributeError where it leads nowhere."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        try:
            found: object = importlib.import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        for part in parts[length:]:
            found = getattr(found, part)
        return found
    raise AttributeError(name)


def test_every_page_is_listed() -> None:
    """A page that the contents do not list is not found by a reader."""
    contents = (DOCS / "methods" / "index.md").read_text(encoding="utf-8")
    for page in METHODS:
        assert page.stem == "index" or f"\n{page.stem}\n" in contents, page.name


@pytest.mark.parametrize("page", METHODS, ids=lambda page: page.stem)
def test_what_a_page_names_exists(page: Path) -> None:
    """Each function, class or constant that a methods page names can be imported."""
    names = NAME.findall(page.read_text(encoding="utf-8"))
    assert names or page.stem == "index" or RULE.search(page.read_text(encoding="utf-8"))
    for name in names:
        find(name)


@pytest.mark.parametrize("page", METHODS, ids=lambda page: page.stem)
def test_printed_formulas_are_those_applied(page: Path) -> None:
    """Each row that names a rule prints that rule's formula, with its sign."""
    for formula, scheme, identity in RULE.findall(page.read_text(encoding="utf-8")):
        rule = next(rule for rule in load_catalogue().scheme(scheme).rules if rule.id == identity)
        assert formula == f"{'-' if rule.sign < 0 else ''}{rule.formula}", f"{scheme}:{identity}"


def test_every_scheme_has_its_equations_on_a_page() -> None:
    """A scheme without a methods page would be a black box."""
    named = {scheme for page in METHODS for _, scheme, _ in RULE.findall(page.read_text(encoding="utf-8"))}
    assert named == set(load_catalogue().schemes)


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.stem)
def test_generated_pages_are_current(page: Path) -> None:
    """Pages made from declarations say what the declarations say; else run `python scripts/reference_pages.py`."""
    assert page.read_text(encoding="utf-8") == pages()[page]


def test_limits_on_the_method_page_are_the_schemes() -> None:
    """The thresholds printed for the zero-carbon park are those of the scheme file."""
    text = (DOCS / "methods" / "zero-carbon-park.md").read_text(encoding="utf-8")
    limits = load_catalogue().scheme("zero-carbon-park-2025").limits
    national = [limit for limit in limits if limit.variant == "national" and limit.indicator == "co2_per_energy"]
    assert len(national) == 2
    for limit in national:
        start = f"{limit.size_from:,.0f}"
        assert re.search(rf"{start}[^|\n]* \| {limit.limit} \|", text), limit
