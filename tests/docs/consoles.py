"""Reading and running the shell blocks of the documentation.

A block that starts with three backquotes and `console` holds commands (`$ …`, continued by `> …`) and what they print.
In what is printed, `…` stands for anything within a line, and a line of `…` alone for any lines; spaces, blank lines
and the length of rules do not matter. `console exit=1` says that the last command ends with that status. `ecopark
serve` is started, asked for its first page and ended again.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
_BLOCK = re.compile(r"^```console([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass
class Command:
    """One command of a block with what it should print and the status it should end with."""

    text: str
    line: int
    status: int = 0
    printed: list[str] = field(default_factory=list)


def commands(page: Path) -> list[Command]:
    """Return the commands of all console blocks of a page, in order."""
    text = page.read_text(encoding="utf-8")
    found: list[Command] = []
    for block in _BLOCK.finditer(text):
        first = text.count("\n", 0, block.start()) + 2
        status = re.search(r"exit=(\d+)", block[1])
        for number, line in enumerate(block[2].splitlines(), first):
            if line.startswith("$ "):
                found.append(Command(line[2:], number))
            elif line.startswith("> ") or line == ">":
                found[-1].text += "\n" + line[2:]
            elif line.strip():
                found[-1].printed.append(line)
        if status:
            found[-1].status = int(status[1])
    return found


def environment(language: str) -> dict[str, str]:
    """Return the environment of a reader who speaks `language` and has activated this virtual environment."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "ECOPARK_LANG": language, "LC_ALL": "C.UTF-8", "COLUMNS": "400"}


def run(command: Command, folder: Path, language: str) -> str:
    """Run a command in `folder` and return what it prints; AssertionError where it ends with another status."""
    if command.text.startswith("ecopark serve"):
        return _serve(command, folder, language)
    done = subprocess.run(
        ["bash", "-c", command.text], cwd=folder, env=environment(language), stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, encoding="utf-8", check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == command.status, f"line {command.line}: {command.text}\n{done.stdout}"
    return done.stdout


def _serve(command: Command, folder: Path, language: str) -> str:
    """Serve on a free port until the first page has come; return the line that says where."""
    said = folder / "served.txt"
    with said.open("w", encoding="utf-8") as stream:
        server = subprocess.Popen(
            [*command.text.split(), "--port", "0"], cwd=folder, stdin=subprocess.DEVNULL, stdout=stream, stderr=stream,
            env={**environment(language), "PYTHONUNBUFFERED": "1"},
        )  # fmt: skip
        try:
            _wait_for_page(server, said, language)
        finally:
            server.send_signal(signal.SIGINT)
            server.wait(timeout=60)
    return re.sub(r"127\.0\.0\.1:\d+/", "127.0.0.1:8000/", said.read_text(encoding="utf-8"))


def _wait_for_page(server: subprocess.Popen[bytes], said: Path, language: str) -> None:
    """Ask for the first page until it comes, a minute at most; AssertionError where it does not."""
    for _ in range(200):
        text = said.read_text(encoding="utf-8")
        assert server.poll() is None, f"it ended without serving:\n{text}"
        if address := re.search(r"http://127\.0\.0\.1:\d+/", text):
            try:
                with urllib.request.urlopen(f"{address[0]}{language}/", timeout=60):
                    return
            except urllib.error.HTTPError as error:
                raise AssertionError(f"the page answers {error.code}:\n{said.read_text(encoding='utf-8')}") from error
            except urllib.error.URLError:
                pass  # not listening yet
        time.sleep(0.3)
    raise AssertionError(f"no page came:\n{said.read_text(encoding='utf-8')}")


def _plain(line: str) -> str:
    """Without what only sets a table: repeated spaces, and the length of its rules."""
    return re.sub(r"-{4,}…?", "----", re.sub(r"\s+", " ", line).strip())


def _pattern(line: str) -> re.Pattern[str]:
    return re.compile(".*".join(re.escape(part.strip()) for part in _plain(line).split("…")))


def difference(expected: list[str], printed: str) -> str:
    """Return the first expected line that `printed` does not have in its place; empty where all are there."""
    lines = [plain for line in printed.splitlines() if (plain := _plain(line))]
    place, anywhere = 0, False
    for line in expected:
        if line.strip() == "…":
            anywhere = True
            continue
        pattern = _pattern(line)
        last = len(lines) if anywhere else min(place + 1, len(lines))
        found = next((number for number in range(place, last) if pattern.fullmatch(lines[number])), None)
        if found is None:
            return line
        place, anywhere = found + 1, False
    return "" if anywhere or place == len(lines) or not expected else f"(nothing more, but: {lines[place]})"
