"""The catalogue by command line, the park's own values beside it, and what a new value would change."""

from __future__ import annotations

from pathlib import Path

import pytest

from ecopark.commands.printing import number
from ecopark.storage.store import Store
from tests.cli.calls import CHINESE, call, done


def test_list_by_set_quantity_status_and_words() -> None:
    rows = done("factors", "list", "--set", "Q", "--quantity", "ncv", "--json").json
    assert rows
    assert {(row["set"], row["quantity"]) for row in rows} == {("Q", "ncv")}
    doubtful = done("factors", "list", "--status", "contested", "--json").json
    assert doubtful
    assert {row["status"] for row in doubtful} == {"contested"}
    coal = done("factors", "list", "--commodity", "bituminous_coal", "--search", "NCV", "--json").json
    assert {row["commodity"] for row in coal} == {"bituminous_coal"}
    assert done("factors", "list", "--search", "no such words at all").out.strip() == "No factor fits."
    printed = done("factors", "list", "--set", "Q", "--quantity", "ncv")
    assert "second-hand" in printed.out
    assert f"{len(rows)} factors." in printed.out
    assert "烟煤" in done("factors", "list", "--set", "Q", "--search", "烟煤", language="zh").out


def test_list_with_the_parks_own_values(twelve_firms: Path) -> None:
    rows = done("factors", "list", twelve_firms, "--set", "local", "--json").json
    assert {row["kind"] for row in rows} == {"factor", "property"}
    assert done("factors", "list", "--json").json == [
        row for row in done("factors", "list", twelve_firms, "--json").json if row["kind"] == "catalogue"
    ]


def test_show_a_borrowed_range_a_source_and_where_it_is_used(twelve_firms: Path) -> None:
    run = done("inventory", twelve_firms, "--year", "2023", "--scheme", "park-ghg", "--json").json["run"]
    found = done("factors", "show", twelve_firms, "Q.natural_gas.carbon_content", "--json").json
    assert (found["value"], found["unit"]) == (15.3, "tC/TJ_LHV")
    assert found["range_source"] == "borrowed:ipcc-2006.natural_gas.carbon_content"
    assert found["source_details"]["id"] == found["source"]
    assert run in {one["run"] for one in found["used_in"]}
    printed = done("factors", "show", twelve_firms, "Q.natural_gas.carbon_content").out
    for words in ("borrowed from ipcc-2006.natural_gas.carbon_content", "14.8 – 15.9", found["source"], run):
        assert words in printed
    assert done("factors", "show", "Q.natural_gas.carbon_content", "--json").json["used_in"] is None
    assert "借自" in done("factors", "show", "Q.natural_gas.carbon_content", language="zh").out


def test_a_contested_value_shows_its_other_readings() -> None:
    row = done("factors", "list", "--status", "contested", "--json").json
    with_alternatives = next(one for one in row if one["alternatives"])
    assert with_alternatives["alternatives"] in done("factors", "show", with_alternatives["id"]).out


def test_an_unknown_value_is_said_to_be_unknown() -> None:
    """A factor that the reference does not hold has no number, and the reader is told so."""
    unknown = [row for row in done("factors", "list", "--json").json if row["value"] is None]
    assert unknown
    assert "unknown" in done("factors", "show", unknown[0]["id"]).out


def test_diff_tells_what_would_change_and_changes_nothing(twelve_firms: Path) -> None:
    """CO2 of natural gas is proportional to its carbon content: +1 % of it is +1 % of those lines, and no other."""
    answer = done(
        "inventory", twelve_firms, "--year", "2022", "--scheme", "zero-carbon-park-2025", "--lines", "--json"
    ).json
    gas = sum(
        row["result"]
        for row in answer["lines"]
        if row["commodity"] == "natural_gas"
        and row["category"] in ("fuel", "conversion", "process")
        and row["rule"] == "fuel"
    )
    version, runs = Store.open(twelve_firms).version, done("runs", twelve_firms, "--json").json
    effect = done(
        "factors", "diff", twelve_firms, "Q.natural_gas.carbon_content", "--value", 15.3 * 1.01, "--json"
    ).json
    mine = next(row for row in effect["results"] if row["run"] == answer["run"])
    assert mine["old"] == answer["total"]["value"]
    assert mine["difference"] == pytest.approx(0.01 * gas, rel=1e-9)
    assert gas > 0
    assert (Store.open(twelve_firms).version, done("runs", twelve_firms, "--json").json) == (version, runs)
    printed = done("factors", "diff", twelve_firms, "Q.natural_gas.carbon_content", "--value", 15.453)
    assert "Nothing was changed" in printed.out
    assert number(mine["difference"]) in printed.out


def test_diff_converts_the_unit_or_says_why_not(twelve_firms: Path) -> None:
    direct = done("factors", "diff", twelve_firms, "Q.natural_gas.carbon_content", "--value", 15.4, "--json").json
    other = ["--value", 15.4, "--unit", "kgC/GJ_LHV", "--json"]
    converted = done("factors", "diff", twelve_firms, "Q.natural_gas.carbon_content", *other).json
    assert converted["new_value"] == pytest.approx(direct["new_value"], rel=1e-12)
    wrong = call("factors", "diff", twelve_firms, "Q.natural_gas.carbon_content", "--value", 1, "--unit", "kgC/GJ_HHV")
    assert wrong.code == 1
    assert "lower_over_higher" in wrong.err
    unused = done("factors", "diff", twelve_firms, "us-40cfr98.natural_gas.heat_emission_factor_hhv.CO2", "--value", 50)
    assert "No stored result uses it" in unused.out


def test_schemes_are_listed_and_shown() -> None:
    listed = {row["id"]: row for row in done("schemes", "--json").json}
    assert {"zero-carbon-park-2025", "park-ghg", "energy", "us-ghgrp"} <= set(listed)
    assert listed["us-ghgrp"]["reported"]
    for identity in listed:
        shown = done("schemes", identity).out
        for words in (identity, "Rules", "amount *"):
            assert words in shown
        assert CHINESE.search(done("schemes", identity, language="zh").out)
    core = done("schemes", "zero-carbon-park-2025").out
    assert "<= 0.2" in core
    assert "200,000 – 1,000,000 tce" in core
    assert "≥ 1,000,000 tce" in core
