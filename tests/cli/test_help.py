"""Help: in both languages, whole, and at once: nothing heavy is loaded for it."""

from __future__ import annotations

import json
import resource
import subprocess
import sys

import pytest
import typer

from ecopark.cli import create_app
from ecopark.commands.helping import width_of, wrapped
from tests.cli.calls import CHINESE, call, program

HEAVY = {
    "polars", "pint", "sqlalchemy", "alembic", "fastapi", "starlette", "numba", "numpy", "scipy", "matplotlib", "docx",
    "docxtpl", "xlsxwriter", "python_calamine", "uvicorn", "pydantic", "rich",
}  # fmt: skip
VERBS = [
    "init", "template", "import", "export", "undo", "history", "close", "reopen", "inventory", "reported", "compare",
    "consolidate", "allocate", "explain", "runs", "replay", "restate", "schemes", "report", "serve", "version",
    "factors", "balance", "reconcile", "trace", "embodied", "changes", "trend", "indicators", "values", "burdens",
    "sankey",
]  # fmt: skip
MOST_SECONDS = 0.4


def verbs() -> list[list[str]]:
    """Every verb with its words, groups included."""
    root = typer.main.get_command(create_app())
    found: list[list[str]] = [[]]
    for name, command in root.commands.items():  # type: ignore[attr-defined]
        found.append([name])
        found += [[name, inner] for inner in getattr(command, "commands", {})]
    return found


def test_the_verbs_are_the_ones_promised() -> None:
    assert sorted(words[0] for words in verbs() if len(words) == 1) == sorted(VERBS)
    assert {words[1] for words in verbs() if len(words) == 2} == {"list", "show", "diff"}


@pytest.mark.parametrize("words", verbs(), ids=" ".join)
def test_help_is_whole_in_both_languages(words: list[str]) -> None:
    """Each description is in the language asked for; one left untranslated shows as a line without Chinese."""
    english, chinese = (call(*words, "--help", language=language) for language in ("en", "zh"))
    assert (english.code, chinese.code) == (0, 0)
    assert english.out.startswith("Usage: ecopark")
    assert not CHINESE.search(english.out)
    assert chinese.out.startswith("用法： ecopark")
    assert english.out.count("--") == chinese.out.count("--")  # the same options in both
    described = [line for line in chinese.out.splitlines() if line.startswith("  ") and len(line.split()) > 1]
    assert described
    joined = "".join(chinese.out.split("\n  "))
    assert all(CHINESE.search(line) for line in described if line.strip().startswith("-") and "  " in line.strip()), (
        joined
    )


@pytest.mark.parametrize(
    "arguments", [["--help"], ["inventory", "--help"], ["factors", "--help"], ["serve", "--port", "x"]]
)
def test_help_loads_nothing_heavy(arguments: list[str]) -> None:
    """Help and usage errors answer at once: the libraries behind the engines are loaded by the verbs that need them.

    pydantic is excepted for verbs: typer itself checks their arguments with it.
    """
    script = (
        "import sys, json; from ecopark.cli import run; code = run(sys.argv[1:]);"
        "print(json.dumps(sorted(name for name in sys.modules if '.' not in name)), file=sys.stderr); sys.exit(code)"
    )
    ran = subprocess.run([sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=False)
    loaded = set(json.loads(ran.stderr.splitlines()[-1]))
    assert "typer" in loaded
    assert loaded & (HEAVY if arguments == ["--help"] else HEAVY - {"pydantic"}) == set()


def test_help_answers_at_once() -> None:
    """Processor time of the best of three calls, so that other work on the machine does not count."""

    def seconds() -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert program("--help").returncode == 0
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime

    assert min(seconds() for _ in range(3)) < MOST_SECONDS


@pytest.mark.parametrize(
    ("variables", "chinese"),
    [
        ({"ECOPARK_LANG": "zh", "LC_ALL": "en_US.UTF-8"}, True),
        ({"ECOPARK_LANG": "", "LC_ALL": "zh_CN.UTF-8"}, True),
        ({"ECOPARK_LANG": "", "LC_ALL": "C.UTF-8"}, False),
        ({"ECOPARK_LANG": "en", "LC_ALL": "zh_CN.UTF-8"}, False),
    ],
)
def test_the_language_at_the_start(variables: dict[str, str], chinese: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """ECOPARK_LANG comes before the system's locale."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert bool(CHINESE.search(call("--help", language=None).out)) is chinese


def test_lang_before_the_verb_counts_too() -> None:
    assert "不给年份时采用的核算年份" in call("init", "--help", language="zh", language_first=True).out


def test_without_a_verb_help_is_printed() -> None:
    assert call().out == call("--help").out


def test_chinese_takes_two_columns() -> None:
    """Counted as one, columns beside Chinese text would drift and lines would run over the edge."""
    assert width_of("园区 park") == 9
    lines = wrapped("每个结果都能据此说明来历，按 Ctrl-C 结束。 And English words stay whole.", 20)
    assert all(width_of(line) <= 20 for line in lines)
    assert "".join(lines).replace(" ", "") == "每个结果都能据此说明来历，按Ctrl-C结束。AndEnglishwordsstaywhole."
    assert not any(line.startswith(("，", "。")) for line in lines)
