"""From an empty folder to a record and back: what the verbs on the record print, write and leave alone."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from ecopark.storage.store import Store
from tests.cli.calls import CHINESE, EXAMPLES, call, done

V1 = EXAMPLES / "rules" / "v1"
CLEAN = {"new": 0, "changed": 0, "blank": 0, "error": 0}


def draw(park: Path, scheme: str = "zero-carbon-park-2025", year: int = 2025) -> float:
    """The headline total of a year."""
    return float(done("inventory", park, "--year", year, "--scheme", scheme, "--json").json["total"]["value"])


def edited(folder: Path, table: str, row: str, column: str, value: object) -> Path:
    """A CSV file in `folder` with one cell of V1's table changed."""
    frame = pl.read_csv(V1 / f"{table}.csv", infer_schema=False)
    changed = pl.when(pl.col("id") == row).then(pl.lit(str(value))).otherwise(pl.col(column)).alias(column)
    folder.mkdir(exist_ok=True)
    frame.with_columns(changed).write_csv(folder / f"{table}.csv")
    return folder / f"{table}.csv"


def test_import_inventory_explain_undo(tmp_path: Path) -> None:
    """The way of a new user: every step says what it did, and undo brings the record back to where it was."""
    park = tmp_path / "park"
    assert "is a workspace now" in done("init", park).out
    shown = done("import", park, V1, "--dry-run")
    assert "dry run" in shown.out
    assert Store.open(park).version == 0
    applied = done("import", park, V1, "--json", "--reason", "first data").json
    assert applied["applied"] is True
    assert applied["counts"]["flows"] == CLEAN | {"new": 7, "same": 0}
    (effect,) = applied["effect"]
    assert effect["year"] == 2025
    assert (effect["before"], effect["unit"]) == (None, "tCO2e")
    answer = done("inventory", park, "--scheme", "zero-carbon-park-2025", "--json").json
    assert answer["total"]["value"] == pytest.approx(193250, rel=1e-12)
    explained = done("explain", park, answer["total"]["reference"], "--json").json
    assert explained["recomputed"] == pytest.approx(193250, rel=1e-12)
    assert "first data" in done("history", park).out
    undone = done("undo", park, "--reason", "by mistake", "--json").json
    assert (undone["id"], undone["undoes"], undone["reason"]) == (2, 1, "by mistake")
    assert call("inventory", park, "--scheme", "energy").code == 1
    # what was drawn before stays as it was
    assert done("explain", park, answer["total"]["reference"], "--json").json == explained


def test_the_same_import_again_changes_nothing(rule_case: Path) -> None:
    """Workbook and folder say the same; nothing is written for them."""
    for source in (V1, V1 / "v1.xlsx"):
        answer = done("import", rule_case, source, "--json").json
        assert answer["applied"] is False
        assert all(counts == CLEAN | {"same": counts["same"]} for counts in answer["counts"].values())
    assert "the same already" in done("import", rule_case, V1).out
    assert Store.open(rule_case).version == 1


def test_a_change_shows_its_effect_before_it_is_made(rule_case: Path, tmp_path: Path) -> None:
    """Power 150 GWh -> 160 GWh at 0.8325 kg/kWh adds 8,325 t; the preview shows the effect under park-ghg."""
    file = edited(tmp_path / "edit", "flows", "grid_power.2025", "amount", "160.0")
    answer = done("import", rule_case, file, "--dry-run", "--json").json
    assert answer["counts"]["flows"] == CLEAN | {"changed": 1, "same": 6}
    assert (answer["dry_run"], answer["applied"], answer["change"]) == (True, False, None)
    (effect,) = answer["effect"]
    assert effect["after"] > effect["before"]
    before = draw(rule_case)
    done("import", rule_case, file)
    assert draw(rule_case) - before == pytest.approx(10_000 * 0.8325, rel=1e-12)
    done("undo", rule_case)
    assert draw(rule_case) == before


def test_every_error_is_told_with_place_and_remedy_and_nothing_is_written(rule_case: Path, tmp_path: Path) -> None:
    """Seven faults of different kinds in one file: seven messages at once, exit code 1, the record as it was."""
    rows = (V1 / "flows.csv").read_text(encoding="utf-8").splitlines()
    rows += [
        "a,grid_power,actual,2024-01-01,2025-01-01,many,MWh,,,,,metered,,rule,",
        "b,grid_powr,actual,2024-01-01,2025-01-01,1,MWh,,,,,metered,,rule,",
        "c,bought_heat,actual,2024-01-01,2025-01-01,1,kWhh,,,,,metered,,rule,",
        "d,bought_heat,actual,2025-01-01,2024-01-01,1,GJ,,,,,metered,,rule,",
        "e,direct_power,actual,2023-01-01,2024-01-01,-5,MWh,,,,,metered,,rule,",
        "f,no_coal,actual,2023-01-01,2024-01-01,3,t,,,,,metred,,rule,",
        "g,no_oil,actual,2023-01-01,2024-01-01,3,MWh,,,,,metered,,rule,",
    ]
    file = tmp_path / "flows.csv"
    file.write_text("\n".join(rows) + "\n", encoding="utf-8")
    for language in ("en", "zh"):
        answer = call("import", rule_case, file, language=language)
        assert answer.code == 1
        for line, column in zip(
            range(9, 16), ["amount", "stream", "unit", "period_end", "amount", "method", "unit"], strict=True
        ):
            assert f"flows.csv line {line}, {column}" in answer.err, answer.err
        assert bool(CHINESE.search(answer.err)) is (language == "zh")
    told = call("import", rule_case, file, "--json")
    assert told.code == 1
    errors = [problem for problem in told.json["problems"] if problem["severity"] == "error"]
    assert len(errors) == 7
    assert all(problem["cause"] and problem["remedy"] and problem["place"] for problem in errors)
    assert told.json["counts"]["flows"]["error"] == 7
    assert (told.json["applied"], told.json["effect"]) == (False, None)
    assert Store.open(rule_case).version == 1


def test_closed_years(rule_case: Path, tmp_path: Path) -> None:
    """A closed year refuses changes, in import and in undo, until it is opened; both reasons stay in the history."""
    done("close", rule_case, 2025, "--reason", "reported to the province")
    file = edited(tmp_path / "edit", "flows", "grid_power.2025", "amount", "160.0")
    refused = call("import", rule_case, file)
    assert refused.code == 1
    assert "2025, which is closed" in refused.err
    assert call("undo", rule_case).code == 1
    assert call("close", rule_case, 2025, "--reason", "again").code == 1
    assert call("reopen", rule_case, 2025, "--reason", " ").code == 1
    done("reopen", rule_case, 2025, "--reason", "wrong meter")
    done("import", rule_case, file)
    closures = done("history", rule_case, "--json").json["closures"]
    assert [(one["reason"], one["reopen_reason"]) for one in closures] == [("reported to the province", "wrong meter")]


def test_export_and_import_give_the_same_record(eastman: Path, tmp_path: Path) -> None:
    """Record -> data package, record -> workbook: each brought into a new workspace gives the record again."""
    package = done("export", eastman, tmp_path / "package", "--json").json["files"]
    assert (tmp_path / "package" / "datapackage.json").as_posix() in package
    done("export", eastman, tmp_path / "park.xlsx")
    kept = Store.open(eastman).record()
    for name, source in (("a", "package"), ("b", "park.xlsx")):
        done("init", tmp_path / name)
        done("import", tmp_path / name, tmp_path / source)
        record = Store.open(tmp_path / name).record()
        for table, frame in kept.tables.items():
            assert record[table].height == frame.height, table
        assert done("import", tmp_path / name, EXAMPLES / "eastman", "--dry-run", "--json").json["applied"] is False
    assert sorted(path.name for path in (tmp_path / "package").iterdir()) == sorted(Path(file).name for file in package)


def test_export_leaves_other_files_alone_and_takes_away_what_is_gone(rule_case: Path, tmp_path: Path) -> None:
    target = tmp_path / "package"
    target.mkdir()
    (target / "README.md").write_text("mine", encoding="utf-8")
    (target / "scenarios.csv").write_text("id\nold\n", encoding="utf-8")
    done("export", rule_case, target)
    assert (target / "README.md").read_text(encoding="utf-8") == "mine"
    assert not (target / "scenarios.csv").exists()


def test_template(eastman: Path, tmp_path: Path) -> None:
    """Empty without a workspace; with one, for a year to fill in: brought in unfilled it changes nothing."""
    done("template", "--empty", "-o", tmp_path / "empty.xlsx")
    done("init", tmp_path / "park")
    empty = done("import", tmp_path / "park", tmp_path / "empty.xlsx", "--json").json
    assert (empty["applied"], sum(sum(counts.values()) for counts in empty["counts"].values())) == (False, 0)
    done("template", eastman, "-o", tmp_path / "next.xlsx", "--year", 2020, "--firm", "kodak")
    unfilled = done("import", eastman, tmp_path / "next.xlsx", "--dry-run", "--json").json
    assert unfilled["counts"]["flows"]["blank"] > 0
    assert unfilled["counts"]["flows"]["new"] == 0
    done("template", eastman, "-o", tmp_path / "next.xlsx", "--force")
    assert call("template", eastman, "-o", tmp_path / "other.xlsx", "--firm", "nobody").code == 1
    assert [path.name for path in tmp_path.iterdir() if path.suffix == ".part"] == []


def test_the_workspace_decides_the_language_unless_the_user_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """--lang, then ECOPARK_LANG, then the workspace, then the system's locale."""
    park = tmp_path / "park"
    done("init", park, language="zh")
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    monkeypatch.setenv("ECOPARK_LANG", "")
    assert CHINESE.search(call("history", park, language=None).out)
    assert CHINESE.search(call("undo", park, language=None).err)  # errors too
    assert not CHINESE.search(call("version", language=None).out)  # no workspace: the system's
    monkeypatch.setenv("ECOPARK_LANG", "en")
    assert not CHINESE.search(call("history", park, language=None).out)
    monkeypatch.setenv("ECOPARK_LANG", "zh")
    assert not CHINESE.search(call("history", park, language="en").out)


def test_the_year_of_the_settings(tmp_path: Path) -> None:
    """Without --year the workspace's own year counts, then the last with flows; it says which."""
    park = tmp_path / "park"
    done("init", park, "--year", 2024)
    done("import", park, EXAMPLES / "rules" / "v3")
    answer = done("inventory", park, "--scheme", "zero-carbon-park-2025", "--json")
    assert answer.json["year"] == 2024
    assert "2024, from the workspace's settings" in answer.err
    settings = park / "ecopark.toml"
    lines = [line for line in settings.read_text(encoding="utf-8").splitlines() if not line.startswith("year")]
    settings.write_text("\n".join(lines) + "\n", encoding="utf-8")
    answer = done("inventory", park, "--scheme", "zero-carbon-park-2025", "--json")
    assert answer.json["year"] == 2025
    assert "2025, the last one with flows" in answer.err


@pytest.mark.skipif(sys.platform == "win32", reason="signals differ")
@pytest.mark.parametrize(
    "moment", ["ecopark.storage.changesets._insert_audit", "ecopark.storage.importing.preview_source"]
)
def test_ctrl_c_leaves_nothing_half_written(rule_case: Path, tmp_path: Path, moment: str) -> None:
    """An interrupt while reading, or within the transaction: exit code 130, a sentence, the record as it was."""
    file = edited(tmp_path / "edit", "flows", "grid_power.2025", "amount", "160.0")
    module, _, name = moment.rpartition(".")
    script = (
        f"import os, signal, sys, {module} as module; from ecopark.cli import run\n"
        f"def interrupt(*a, **k): os.kill(os.getpid(), signal.SIGINT)\n"
        f"module.{name} = interrupt\n"
        "sys.exit(run(sys.argv[1:]))"
    )
    signal.signal(signal.SIGINT, signal.default_int_handler)
    ran = subprocess.run(
        [sys.executable, "-c", script, "import", str(rule_case), str(file), "--lang", "en"],
        capture_output=True, text=True, env={**os.environ, "PYTHONUTF8": "1"}, check=False, timeout=120,
    )  # fmt: skip
    assert ran.returncode == 130, ran.stderr
    assert "nothing was left half-written" in ran.stderr
    assert "Traceback" not in ran.stderr
    store = Store.open(rule_case)
    assert store.version == 1
    assert store.record().flows.filter(pl.col("id") == "grid_power.2025")["amount"].to_list() == [150_000.0]


def test_json_of_every_verb_is_json(rule_case: Path, tmp_path: Path) -> None:
    """Nothing but JSON on standard output, for verbs that tests elsewhere do not look at."""
    for arguments in (["history", rule_case], ["runs", rule_case], ["version"], ["schemes"], ["schemes", "energy"]):
        json.loads(done(*arguments, "--json").out)
    made = done("init", tmp_path / "new", "--json", language="zh").json
    assert made == {"folder": (tmp_path / "new").as_posix(), "language": "zh", "year": None}
