"""A call that cannot be read, or input that cannot be used: said in both languages, with a remedy, no traceback."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.calls import CHINESE, EXAMPLES, Answer, call, done


def check(answer: Answer, code: int, *words: str) -> None:
    """The exit code, the words on standard error, nothing on standard output and no traceback."""
    assert answer.code == code
    assert "Traceback" not in answer.err
    assert answer.out == ""
    for word in words:
        assert word in answer.err


@pytest.mark.parametrize(
    ("arguments", "english", "chinese"),
    [
        (
            ["inventry"],
            ["There is no command inventry.", "Did you mean inventory?", "ecopark --help"],
            "没有命令 inventry",
        ),
        (["inventory"], ["DIR is missing.", "ecopark inventory --help"], "缺少 DIR"),
        (["inventory", "x"], ["--scheme is missing."], "缺少 --scheme"),
        (["inventory", "x", "--schem", "y"], ["There is no option --schem here.", "--scheme"], "没有选项 --schem"),
        (["inventory", "x", "--scheme", "energy", "--year", "soon"], ["--year", "Give a number."], "请给出数字"),
        (["undo", "x", "y"], ["y is one argument too many."], "多了一个参数 y"),
        (["close", "x", "2019"], ["--reason is missing."], "缺少 --reason"),
        (["factors", "lst"], ["There is no command lst.", "Did you mean list?"], "没有命令 lst"),
        (["factors", "show", "a", "b", "c"], ["c is one argument too many."], "多了一个参数 c"),
        (["serve", "x", "--port", "99999"], ["--port"], "--port"),
        (["undo", "x", "--reason"], ["--reason needs one value"], "--reason 须给一个取值"),
    ],
)
def test_calls_that_cannot_be_read(arguments: list[str], english: list[str], chinese: str) -> None:
    """Exit code 2, what is wrong, and where to read on."""
    # --lang before the verb: the last case would take it for a reason
    for language, words in (("en", english), ("zh", [chinese])):
        answer = call(*arguments, language=language, language_first=True)
        check(answer, 2, *words)
        assert bool(CHINESE.search(answer.err)) is (language == "zh")


def test_an_unknown_language() -> None:
    check(call("version", language="fr"), 2, "--lang", "zh, en")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_folder_that_is_no_workspace(tmp_path: Path, language: str) -> None:
    for verb in (["history"], ["undo"], ["runs"], ["inventory", "--scheme", "energy"], ["explain", "R1"], ["reported"]):
        answer = call(verb[0], tmp_path, *verb[1:], language=language)
        check(answer, 1, tmp_path.as_posix(), "ecopark init")
        assert bool(CHINESE.search(answer.err)) is (language == "zh")


def test_unknown_names_are_told_with_the_known_ones(eastman: Path) -> None:
    """Scheme, boundary, scenario, dimension, run, number, factor: each with what there is instead."""
    draw = ["inventory", eastman, "--year", "2019"]
    check(call(*draw, "--scheme", "zero"), 1, "There is no scheme zero.", "zero-carbon-park-2025", "us-ghgrp")
    check(call(*draw, "--scheme", "energy", "--boundary", "kodk"), 1, "kodk", "kodak")
    check(call(*draw, "--scheme", "energy", "--scenario", "plan"), 1, "plan", "actual")
    check(call(*draw, "--scheme", "energy", "--by", "firm"), 1, "cannot be split by firm", "node")
    check(call("explain", eastman, "R999-total"), 1, "There is no run R999.")
    check(call("explain", eastman, "total"), 1, "not the reference of a stored number", "R3-total")
    check(call("replay", eastman, "17"), 1, "There is no run 17.")
    check(call("factors", "show", eastman, "Q.natural_gas.nvc"), 1, "Q.natural_gas.ncv")
    check(
        call("factors", "list", "--set", "QQ", "--status", "good"),
        1,
        "2 errors",
        "--set QQ",
        "--status good",
        "primary",
    )
    check(call("schemes", "energie"), 1, "There is no scheme energie.")
    check(call("report", eastman, "--kind", "poem", "-o", "x.docx"), 1, "--kind poem", "inventory-workbook")
    check(call("report", eastman, "-o", "x.pdf"), 1, "x.pdf", ".docx")
    check(
        call("report", eastman, "-o", "no/such/folder/x.docx"), 1, "no/such/folder", "There is no such file or folder."
    )
    check(call("allocate", eastman, "--year", "2019", "--scheme", "energy"), 1, "tce")
    check(call("reported", eastman, "--scheme", "energy"), 1, "us-ghgrp")


def test_all_faulty_options_are_told_at_once(eastman: Path) -> None:
    options = ["--option", "gwp", "--option", "gwp=AR9", "--option", "speed=1"]
    answer = call("inventory", eastman, "--year", "2019", "--scheme", "park-ghg", *options)
    check(answer, 1, "3 errors", "NAME=VALUE", "cannot be AR9", "gwp-AR6", "no option speed", "fuel_set")


def test_a_key_that_names_nothing(eastman: Path) -> None:
    run = done("inventory", eastman, "--year", "2019", "--scheme", "us-ghgrp", "--json").json["run"]
    for key in ("line:99999", "indicator:none", "colour:red", "total:none", "low:total:none", "step:1"):
        check(call("explain", eastman, f"{run}-{key}"), 1, f"{run} has no number {key}.")


def test_a_year_without_data(eastman: Path) -> None:
    """A year of which nothing is known has no inventory: not one of zero."""
    check(
        call("inventory", eastman, "--year", "1999", "--scheme", "energy"),
        1,
        "no flows in 1999",
        "2016, 2017, 2018, 2019",
    )


def test_an_empty_record(tmp_path: Path) -> None:
    done("init", tmp_path / "park")
    check(call("inventory", tmp_path / "park", "--scheme", "energy"), 1, "no flows yet", "ecopark template")
    check(call("undo", tmp_path / "park"), 1, "ecopark history")
    assert "Nothing is stored yet" in done("runs", tmp_path / "park").out


def test_serving_the_network_needs_a_word(eastman: Path) -> None:
    """There is no login: another address than the loopback's is refused unless it is asked for in so many words."""
    for host in ("0.0.0.0", "192.0.2.7", "::"):
        check(call("serve", eastman, "--host", host), 1, host, "--allow-network")


def test_files_that_are_not_there_or_not_wanted(tmp_path: Path) -> None:
    park = tmp_path / "park"
    done("init", park)
    check(call("init", park), 1, "is a workspace already")
    assert call("import", park, tmp_path / "none.xlsx").code == 1
    assert call("import", park, EXAMPLES.parent / "pyproject.toml").code == 1
    filled = tmp_path / "filled.xlsx"
    filled.write_bytes(b"hours of work")
    check(call("template", "-o", filled), 1, "exists already", "--force")
    assert filled.read_bytes() == b"hours of work"


def test_a_database_that_cannot_be_used(tmp_path: Path) -> None:
    check(call("init", tmp_path / "a", "--database", "oracle://x/y"), 1, "oracle")
    assert not (tmp_path / "a" / "ecopark.toml").exists()
    done("init", tmp_path / "b")
    (tmp_path / "b" / "park.sqlite").write_bytes(b"this is no database, whatever it is called " * 99)
    check(call("history", tmp_path / "b"), 1, "park.sqlite", "not a database", "ecopark.toml")
