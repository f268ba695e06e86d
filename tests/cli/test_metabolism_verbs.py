"""Metabolism by command line: every verb in both languages, as a table and as JSON, and every number explained."""

from __future__ import annotations

import csv
import math
from pathlib import Path
from typing import Any

import pytest

from tests.cli.calls import CHINESE, EXAMPLES, call, done, workspace

VERBS: dict[str, list[str]] = {
    "balance": ["--year", "2022", "--layer", "carbon"],
    "balance of all layers": ["--year", "2022"],
    "balance of a node": ["--year", "2022", "--layer", "energy", "--node", "chp"],
    "balance by month": ["--year", "2022", "--layer", "energy", "--node", "chp", "--monthly"],
    "trace": ["--year", "2022", "--layer", "carbon", "--node", "chemicals"],
    "trace downstream": ["--year", "2022", "--layer", "carbon", "--commodity", "natural_gas", "--downstream"],
    "embodied": ["--year", "2022"],
    "embodied in one good": ["--year", "2022", "--node", "chemicals", "--commodity", "methanol", "--layer", "energy"],
    "reconcile": ["--year", "2022", "--layer", "water"],
    "changes": ["--from", "2022", "--to", "2023", "--layer", "carbon"],
    "trend": ["--layer", "carbon", "--node", "chp"],
    "indicators": ["--year", "2022"],
    "indicators of all firms": ["--year", "2022", "--indicator", "e_factor", "--level", "firm"],
    "values": ["--year", "2022"],
    "burdens": ["--year", "2022", "--category", "climate"],
    "burdens against another year": ["--year", "2023", "--against", "2022", "--category", "climate"],
}
"""A name for each call -> what follows the folder; the first word of the name is the verb."""


def words_of(name: str, park: Path) -> list[str]:
    return [name.split()[0], str(park), *VERBS[name]]


def references(data: Any) -> list[tuple[str, dict[str, Any]]]:
    """Every reference in a JSON answer, with the object that holds it."""
    found: list[tuple[str, dict[str, Any]]] = []
    if isinstance(data, dict):
        if isinstance(data.get("reference"), str):
            found.append((data["reference"], data))
        for value in data.values():
            found += references(value)
    elif isinstance(data, list):
        for value in data:
            found += references(value)
    return found


def explained(park: Path, reference: str) -> dict[str, Any]:
    """An explanation, with the check that its inputs give its value."""
    answer: dict[str, Any] = done("explain", park, reference, "--json").json
    largest = max((abs(item["value"]) for item in answer["inputs"]), default=0.0)
    slack = max(1e-9, 1e-14 * largest)  # what a subtraction of large numbers leaves of them
    assert math.isclose(answer["recomputed"], answer["value"], rel_tol=1e-9, abs_tol=slack), reference
    return answer


@pytest.mark.parametrize("name", VERBS)
def test_tables_speak_the_language_asked_for(twelve_firms: Path, name: str) -> None:
    """The words around the data are English or Chinese throughout; heads left untranslated would show here."""
    english, chinese = (done(*words_of(name, twelve_firms), language=language) for language in ("en", "zh"))
    assert not CHINESE.search(english.out.replace("：", ""))
    heads = [line for line, rule in zip(chinese.out.splitlines(), chinese.out.splitlines()[1:], strict=False)
             if rule and set(rule) == {"-"}]  # fmt: skip
    assert heads
    assert all(CHINESE.search(head) for head in heads), heads
    assert len(english.out.splitlines()) == len(chinese.out.splitlines())


@pytest.mark.parametrize("name", VERBS)
def test_numbers_of_the_answer_can_be_explained(twelve_firms: Path, name: str) -> None:
    """Of each list in the JSON the first references: each is worked out again from what its explanation shows."""
    data = done(*words_of(name, twelve_firms), "--json").json
    seen: dict[tuple[str, ...], int] = {}
    chosen = []
    for reference, row in references(data):
        kind = (reference.partition("-")[2].partition(":")[0], *sorted(row)[:3])
        seen[kind] = seen.get(kind, 0) + 1
        if seen[kind] <= 2:
            chosen.append(reference)
    assert chosen
    for reference in chosen:
        explained(twelve_firms, reference)


def test_a_balance_adds_up_term_by_term(twelve_firms: Path) -> None:
    """Residual = in - out - stock - rule - remainder in every row; a wrong sign in one column shows at once."""
    data = done("balance", twelve_firms, "--year", "2022", "--level", "node", "--json").json
    rows = [row for layer in data["layers"] for row in layer["rows"]]
    assert len(rows) > 50
    for row in rows:
        rest = row["inflow"] - row["outflow"] - row["stock_change"] - row["by_rule"] - row["remainder"]
        scale = max(abs(row[term]) for term in ("inflow", "outflow", "by_rule", "remainder", "residual"))
        assert rest == pytest.approx(row["residual"], abs=1e-9 * max(scale, 1.0))
        assert row["unit"]
    assert {layer["layer"] for layer in data["layers"]} >= {"mass", "energy", "water", "carbon", "money"}


def test_the_sheet_of_a_node_adds_up_to_its_balance(twelve_firms: Path) -> None:
    """Each side of the sheet is the sum of its flows, and every number of the row explains itself."""
    data = done("balance", twelve_firms, "--year", "2022", "--layer", "carbon", "--node", "chemicals", "--json").json
    (layer,) = data["layers"]
    (row,) = layer["rows"]
    for side, term in (("in", "inflow"), ("out", "outflow"), ("rule", "by_rule")):
        parts = math.fsum(flow["value"] for flow in layer["sheet"] if flow["side"] == side)
        assert parts == pytest.approx(row[term], rel=1e-12)
        assert explained(twelve_firms, row["references"][term])["value"] == row[term]
    printed = done("balance", twelve_firms, "--year", "2022", "--layer", "carbon", "--node", "chemicals").out
    assert "Methanol" in printed
    assert f"{data['run']}-residual:carbon:2022-01-01:chemicals" in printed


def test_months_add_up_to_the_year(twelve_firms: Path) -> None:
    def inflow(*more: str) -> float:
        words = ("balance", twelve_firms, "--year", "2022", "--layer", "energy", "--node", "chp", *more, "--json")
        return math.fsum(row["inflow"] for row in done(*words).json["layers"][0]["rows"])

    assert inflow("--monthly") == pytest.approx(inflow(), rel=1e-9)
    assert 0 < inflow("--month", "7") < inflow()


def test_levels_show_their_own_nodes(twelve_firms: Path) -> None:
    def kinds(level: str) -> set[str]:
        words = ("balance", twelve_firms, "--year", "2022", "--layer", "mass", "--level", level, "--json")
        return {row["kind"] for row in done(*words).json["layers"][0]["rows"]}

    assert kinds("park") == {"boundary"}
    assert "firm" in kinds("firm") <= {"firm", "boundary", "store", "process", "equipment"}
    assert "zone" in kinds("zone")
    assert "process" in kinds("process")
    assert kinds("node") >= {"boundary", "park", "zone", "firm", "process"}


def test_gaps_are_named_with_their_mend(twelve_firms: Path) -> None:
    """What could not be brought to the layer is a gap with its flows and a remedy, and never a zero."""
    data = done("balance", twelve_firms, "--year", "2022", "--layer", "mass", "--json").json
    gaps = [gap for gap in data["layers"][0]["gaps"] if gap["reason"] != "unstated"]
    assert gaps
    assert all(gap["streams"] and gap["flows"] >= len(gap["streams"]) for gap in gaps)
    printed = done("balance", twelve_firms, "--year", "2022", "--layer", "mass").out
    assert "What could not be brought to this layer" in printed
    assert all(gap["commodity_en"] in printed for gap in gaps)


def test_trace_shares_sum_to_one(twelve_firms: Path) -> None:
    for more in (["--commodity", "natural_gas"], ["--node", "chp"], ["--node", "chp", "--downstream"]):
        data = done("trace", twelve_firms, "--year", "2022", "--layer", "carbon", *more, "--json").json
        assert math.fsum(row["share"] for row in data["shares"]) == pytest.approx(1.0, rel=1e-9)
        assert data["total"] == pytest.approx(math.fsum(row["amount"] for row in data["shares"]), rel=1e-9)
        assert data["unit"] == "tC"


def test_the_park_sends_on_all_that_is_embodied(twelve_firms: Path) -> None:
    """Firms' shares of what is embodied sum to one, and to the total that entered."""
    data = done("embodied", twelve_firms, "--year", "2022", "--json").json
    assert math.fsum(row["share"] for row in data["firms"]) == pytest.approx(1.0, rel=1e-9)
    assert math.fsum(row["ending"] for row in data["firms"]) == pytest.approx(data["total"], rel=1e-9)
    assert data["unit"] == "tCO2e"


def test_changes_add_up_to_the_difference(twelve_firms: Path) -> None:
    data = done("changes", twelve_firms, "--from", "2022", "--to", "2023", "--layer", "carbon", "--json").json
    for total in data["totals"]:
        streams = [row for row in data["streams"] if row["side"] == total["side"] and row["change"] is not None]
        assert math.fsum(row["change"] for row in streams) == pytest.approx(total["change"], rel=1e-9, abs=1e-6)
        assert total["after"] - total["before"] == pytest.approx(total["change"], rel=1e-9, abs=1e-6)


def test_causes_of_a_rise_add_up_and_say_how_sure(twelve_firms: Path) -> None:
    """Gas burnt at the power plant rose; the causes sum to the rise, and the sentences are in both languages."""
    words = ("changes", twelve_firms, "--from", "2022", "--to", "2023", "--layer", "carbon", "--rise-in", "air")
    data = done(*words, "--json").json
    effects = math.fsum(cause["effect"] for cause in data["causes"])
    assert effects == pytest.approx(data["rise"], rel=1e-9, abs=1e-6)
    assert data["headline_en"] in done(*words).out
    assert CHINESE.search(data["headline_zh"])
    assert "not proof" in done(*words).out


def test_sankey_writes_pictures_and_every_edge(twelve_firms: Path, tmp_path: Path) -> None:
    """The picture's total is that of its edges: small flows are drawn together and never dropped."""
    files = {ending: tmp_path / f"carbon.{ending}" for ending in ("svg", "png", "csv")}
    answers = {
        ending: done("sankey", twelve_firms, "--year", "2022", "--layer", "carbon", "-o", file, "--json").json
        for ending, file in files.items()
    }
    assert files["png"].read_bytes().startswith(b"\x89PNG")
    assert "<svg" in files["svg"].read_text(encoding="utf-8")[:2000]
    with files["csv"].open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == answers["csv"]["edges"]
    across = math.fsum(float(row["value"]) for row in rows if row["source"] != row["target"] and row["value"])
    assert answers["png"]["total"] == pytest.approx(across, rel=1e-9)
    assert {row["unit"] for row in rows} == {"tC"}
    assert {"source_zh", "target_en", "commodity_zh"} <= set(rows[0])


def test_all_that_is_wrong_is_said_at_once(twelve_firms: Path, tmp_path: Path) -> None:
    """Year, layers and node in one answer, each with place and remedy; nothing is stored."""
    before = done("runs", twelve_firms, "--json").json
    wrong_layers = ("--layer", "carbun", "--layer", "mas")
    answer = call("balance", twelve_firms, "--year", "2030", *wrong_layers, "--node", "chemical")
    assert answer.code == 1
    for words in ("4 errors", "2030", "carbun", "mas", "chemical", "Did you mean chemicals", "2021, 2022, 2023"):
        assert words in answer.err
    assert answer.out == ""
    for wrong, said in (
        (("balance", twelve_firms, "--year", "2022", "--boundary", "nowhere"), "nowhere"),
        (("balance", twelve_firms, "--year", "2022", "--node", "fuel_market"), "outside the boundary"),
        (("sankey", twelve_firms, "--layer", "mass", "--year", "2022", "-o", tmp_path / "a.pdf"), ".svg, .png, .csv"),
        (("trace", twelve_firms, "--year", "2022", "--layer", "carbon"), "not said what is to be traced"),
        (("trace", twelve_firms, "--year", "2022", "--layer", "carbon", "--stream", "chp.gaz"), "chp.gas"),
        (("embodied", twelve_firms, "--year", "2022", "--layer", "chlorine"), "ecopark trace"),
        (("changes", twelve_firms, "--from", "2022", "--to", "2022", "--layer", "carbon"), "not compared with itself"),
        (("indicators", twelve_firms, "--year", "2022", "--indicator", "efactor"), "e_factor"),
        (("burdens", twelve_firms, "--year", "2022", "--category", "climat"), "climate"),
        (("burdens", twelve_firms, "--year", "2022", "--background", tmp_path), "--mapping"),
        (("burdens", twelve_firms, "--year", "2022", "--against", "2022"), "not compared with itself"),
        (("values", twelve_firms, "--year", "2022", "--split-by", "weight"), "weight"),
    ):
        answer = call(*wrong)
        assert (answer.code, answer.out) == (1, ""), wrong
        assert said in answer.err, (wrong, answer.err)
        chinese = call(*wrong, language="zh")
        assert CHINESE.search(chinese.err)
    assert call("balance", twelve_firms, "--year", "2022", "--level", "street").code == 2
    assert call("balance", twelve_firms, "--year", "2022", "--month", "13").code == 2
    assert done("runs", twelve_firms, "--json").json == before


def test_an_empty_record_has_no_balance(tmp_path: Path) -> None:
    done("init", tmp_path / "park")
    answer = call("balance", tmp_path / "park", "--layer", "mass")
    assert answer.code == 1
    assert "no flows yet" in answer.err


def test_runs_of_all_engines_are_listed_and_kept_apart(twelve_firms: Path) -> None:
    """A balance is listed beside inventories; what only inventories can do says so in words."""
    inventory = done("inventory", twelve_firms, "--year", "2022", "--scheme", "park-ghg", "--json").json["run"]
    balance = done("balance", twelve_firms, "--year", "2022", "--json").json["run"]
    rows = {row["run"]: row for row in done("runs", twelve_firms, "--json").json}
    assert rows[balance]["engine"] == "balance"
    assert rows[balance]["total"] is None
    assert rows[inventory]["engine"] == "inventory"
    assert "Balances" in done("runs", twelve_firms).out
    for words in (("compare", twelve_firms, inventory, balance), ("replay", twelve_firms, balance)):
        answer = call(*words)
        assert answer.code == 1
        assert f"{balance} is no inventory" in answer.err
    answer = call("explain", twelve_firms, f"{balance}-residual:carbon:2022-01-01:nowhere")
    assert answer.code == 1
    assert "has no number" in answer.err


def test_reconciled_flows_close_the_balances_and_stand_beside_the_raw_ones(tmp_path: Path) -> None:
    """Written as one change with method reconciled; the raw flows stay; `undo` takes all of it back."""
    park = workspace(tmp_path / "park", EXAMPLES / "twelve-firms")
    words = ("reconcile", park, "--year", "2022", "--layer", "water")
    data = done(*words, "--json").json
    assert data["change"] is None
    assert all(abs(row["relative_after"]) < 1e-9 for row in data["balances"])
    assert {row["classification"] for row in data["flows"]} <= {
        "redundant", "nonredundant", "exact", "observable", "unobservable",
    }  # fmt: skip
    assert data["test"]["degrees_of_freedom"] > 0
    checked = [row for row in data["flows"] if row["classification"] == "redundant"]
    assert checked
    for row in checked[:2]:
        assert explained(park, row["reference"])["value"] == row["reconciled"]
    printed = done(*words).out
    assert "Global test" in printed
    assert "--apply" in printed
    before = {row["id"]: row for row in flows_of(park, tmp_path / "before")}
    applied = done(*words, "--apply", "--json").json
    assert applied["change"] == 2
    after = {row["id"]: row for row in flows_of(park, tmp_path / "after")}
    added = {identity: row for identity, row in after.items() if identity not in before}
    assert added
    assert {row["method"] for row in added.values()} == {"reconciled"}
    assert all(after[identity] == row for identity, row in before.items())
    assert "data reconciliation" in done("history", park).out
    again = done(*words, "--json").json
    assert again["test"]["objective"] == pytest.approx(data["test"]["objective"], rel=1e-9)  # raw flows are measured
    done("undo", park)
    assert {row["id"]: row for row in flows_of(park, tmp_path / "undone")} == before


def flows_of(park: Path, folder: Path) -> list[dict[str, str]]:
    """The record's flows as exported."""
    done("export", park, folder)
    with (folder / "flows.csv").open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))


def test_reconcile_says_what_cannot_be_assumed(twelve_firms: Path) -> None:
    words = ("reconcile", twelve_firms, "--year", "2022", "--layer", "water")
    answer = call(*words, "--assume", "metered", "--assume", "guessed=3")
    assert answer.code == 1
    assert "2 errors" in answer.err
    assert "metered=2" in answer.err
    wide = done(*words, "--assume", "invoiced=50", "--assume", "metered=50", "--json").json
    narrow = done(*words, "--json").json
    assert wide["test"]["objective"] <= narrow["test"]["objective"]
