"""Workspaces that tests of the command line share: they read and draw, and change nothing of the record."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.calls import EXAMPLES, workspace


@pytest.fixture(scope="session")
def eastman(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with the real example, Eastman Business Park."""
    return workspace(tmp_path_factory.mktemp("eastman") / "park", EXAMPLES / "eastman")


@pytest.fixture(scope="session")
def twelve_firms(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with the synthetic park of twelve firms."""
    return workspace(tmp_path_factory.mktemp("twelve") / "park", EXAMPLES / "twelve-firms")


@pytest.fixture
def rule_case(tmp_path: Path) -> Path:
    """A workspace of its own with a small park, for tests that change it."""
    return workspace(tmp_path / "park", EXAMPLES / "rules" / "v1")
