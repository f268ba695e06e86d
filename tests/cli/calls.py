"""Calling the command line from tests: in this process (fast), or as a program of its own."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ecopark.cli import run

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
CHINESE = re.compile("[\u4e00-\u9fff]")


@dataclass(frozen=True)
class Answer:
    """What a call printed on both streams, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output as JSON; fails where anything else stands there."""
        return json.loads(self.out)


def call(*arguments: object, language: str | None = "en", language_first: bool = False) -> Answer:
    """Carry out a call in this process, in `language` (given after the verb, or before it; None: not given)."""
    words, chosen = [*map(str, arguments)], ["--lang", language] if language else []
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run([*chosen, *words] if language_first else [*words, *chosen])
    return Answer(code, out.getvalue(), err.getvalue())


def done(*arguments: object, language: str = "en") -> Answer:
    """Carry out a call that must succeed."""
    answer = call(*arguments, language=language)
    assert answer.code == 0, answer.err
    return answer


def program(*arguments: object, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the command line as a program of its own, with environment variables."""
    return subprocess.run(
        [sys.executable, "-m", "ecopark.cli", *map(str, arguments)], capture_output=True, text=True, encoding="utf-8",
        env={**os.environ, "PYTHONUTF8": "1", **variables}, stdin=subprocess.DEVNULL, timeout=120, check=False,
    )  # fmt: skip


def workspace(folder: Path, *sources: Path) -> Path:
    """Make a workspace in `folder` and bring in sources."""
    done("init", folder)
    for source in sources:
        done("import", folder, source)
    return folder
