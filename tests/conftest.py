"""What all tests share: where a tool is missing a test is skipped with a hint, but in CI such a skip is a failure.

A person's machine may lack LibreOffice or PostgreSQL; the machine that decides whether a change lands must not. So a
test skips in the ordinary way (`pytest.skip`, `skipif`, `importorskip`), and under `CI=true` this file turns every
skip into a failure that repeats the reason.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from typing import Any

import pytest

IN_CI = os.environ.get("CI", "").lower() in ("1", "true", "yes")

# Chinese or English must come from what a test asks for, not from the machine it runs on
os.environ["ECOPARK_LANG"] = "en"
os.environ.setdefault("MPLBACKEND", "Agg")


def _fail_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    if not (IN_CI and report.skipped) or hasattr(report, "wasxfail"):
        return
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    report.outcome = "failed"
    report.longrepr = f"skipped, which is a failure in CI: {reason}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    _fail_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: Any) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    _fail_skip(report)
    return report
