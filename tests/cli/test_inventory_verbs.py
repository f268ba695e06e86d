"""Inventories by command line: the numbers of the real example, schemes side by side, every number explained."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from tests.cli.calls import CHINESE, call, done

SCHEMES = ["zero-carbon-park-2025", "park-ghg", "energy", "us-ghgrp"]
RATIOS = {2016: 1.009, 2017: 1.015, 2018: 0.990, 2019: 0.994}
"""Calculated over reported CO2e of the park's utility, as its own report and the fuel statistics give it."""


def explained(park: Path, reference: str) -> dict[str, Any]:
    """An explanation, with the check that its inputs give its value."""
    answer: dict[str, Any] = done("explain", park, reference, "--json").json
    assert math.isclose(answer["recomputed"], answer["value"], rel_tol=1e-9, abs_tol=1e-9), reference
    return answer


def test_calculated_beside_reported(eastman: Path) -> None:
    """The issue's ratios; another heating-value basis or GWP set would move them by per cents."""
    answer = done("reported", eastman, "--json").json
    rows = {row["year"]: row for row in answer["rows"] if row["node"] == "red_rochester"}
    assert {year: round(row["ratio"], 3) for year, row in rows.items() if row["ratio"]} == RATIOS
    assert rows[2014]["calculated"] is None
    covered = {(one["stream"], one["notation"]) for one in rows[2019]["not_covered"]}
    assert {
        ("tenant_purchased_power", "NE"),
        ("tenant_gas", "NE"),
        ("lake_water", "NE"),
        ("tenant_solid_waste", "NE"),
    } <= covered
    assert all(one["notation"] != "NO" for row in rows.values() for one in row["not_covered"])
    printed = done("reported", eastman).out
    assert all(f"{ratio:.3f}" in printed for ratio in RATIOS.values())
    assert "tenant_purchased_power" in printed


@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_number_that_is_printed_can_be_explained(eastman: Path, scheme: str) -> None:
    """Totals, categories, splits and lines of a real inventory, each worked out again from its own explanation."""
    draw = [
        "inventory",
        eastman,
        "--year",
        "2016",
        "--scheme",
        scheme,
        "--by",
        "category,commodity",
        "--lines",
        "--json",
    ]
    answer = done(*draw).json
    for row in [answer["total"], *answer["totals"], *answer["categories"], *answer["split"], *answer["lines"][:6]]:
        found = explained(eastman, row["reference"])
        assert found["value"] == row.get("result", row["value"])
        assert found["unit"] == row.get("result_unit", row.get("unit"))
    assert sum(row["value"] for row in answer["split"]) == pytest.approx(answer["total"]["value"], rel=1e-12)


def test_a_line_leads_to_its_flow_its_factors_and_their_sources(eastman: Path) -> None:
    answer = done("inventory", eastman, "--year", "2019", "--scheme", "us-ghgrp", "--lines", "--json").json
    line = max(answer["lines"], key=lambda row: row["result"])
    found = explained(eastman, line["reference"])
    inputs = {item["symbol"]: item for item in found["inputs"]}
    assert found["formula"] == "amount * hhv * heat_emission_factor_hhv * gwp * unit_scale"
    assert inputs["amount"]["reference"] == "powerhouse_gas.2019"
    assert "EIA-923" in inputs["amount"]["source_en"]
    assert inputs["heat_emission_factor_hhv"]["value"] == 53.06
    assert "40 CFR" in inputs["heat_emission_factor_hhv"]["source_en"]
    assert inputs["heat_emission_factor_hhv"]["status"]
    printed = done("explain", eastman, line["reference"]).out
    for words in (found["formula"], "53.06", "kgCO₂/mmBtu (HHV)", "powerhouse_gas.2019", "Worked out again"):
        assert words in printed
    assert CHINESE.search(done("explain", eastman, line["reference"], language="zh").out)
    assert "R1-total" in done("explain", eastman, "R1").out


def test_an_incomplete_record_gives_a_subtotal_with_its_gaps(eastman: Path) -> None:
    """No total, no verdict: what is missing, who owes it, what to do."""
    answer = done("inventory", eastman, "--year", "2019", "--scheme", "zero-carbon-park-2025", "--json").json
    assert answer["complete"] is False
    assert answer["total"]["is"] == "subtotal of the covered sources"
    assert {gap["stream"] for gap in answer["gaps"]} >= {"tenant_purchased_power", "tenant_gas"}
    core = [item for item in answer["indicators"] if item["kind"] == "core"]
    assert {item["verdict"] for item in core} == {"not_available"}
    printed = done("inventory", eastman, "--year", "2019", "--scheme", "zero-carbon-park-2025").out
    for words in ("Subtotal of the covered sources", "Tenant firms", "Stated as not estimated (NE).", "not available"):
        assert words in printed


def test_schemes_side_by_side(eastman: Path) -> None:
    """The steps of every comparison add up to the difference, and each step explains itself; tce is not compared."""
    draw = ["inventory", eastman, "--year", "2019"] + [word for scheme in SCHEMES for word in ("--scheme", scheme)]
    answer = done(*draw, "--json").json
    totals = [one["total"]["value"] for one in answer["inventories"]]
    assert [one["scheme"] for one in answer["inventories"]] == SCHEMES
    for other, comparison in zip(totals[1:], answer["comparisons"], strict=True):
        if not comparison["comparable"]:
            continue
        assert comparison["difference"] == pytest.approx(other - totals[0], rel=1e-12)
        assert sum(step["value"] for step in comparison["steps"]) == pytest.approx(other - totals[0], rel=1e-9)
        for step in comparison["steps"]:
            assert explained(eastman, step["reference"])["value"] == step["value"]
    assert [one["comparable"] for one in answer["comparisons"]] == [True, False, True]
    printed = done(*draw).out
    assert "measure different things" in printed
    for one in answer["inventories"]:
        assert one["run"] in printed
    runs = [one["run"] for one in answer["inventories"]]
    assert done("compare", eastman, runs[0], runs[3], "--json").json == answer["comparisons"][2]
    assert done("compare", eastman, runs[0], runs[2], "--json").json["comparable"] is False


def test_two_years_compared(eastman: Path) -> None:
    """2016 -> 2019: the coal-to-gas switch shows as coal that ended and gas that grew."""
    runs = [
        done("inventory", eastman, "--year", year, "--scheme", "us-ghgrp", "--json").json["run"]
        for year in (2016, 2019)
    ]
    answer = done("compare", eastman, *runs, "--json").json
    steps = {(step["commodity"], step["reason"]): step["value"] for step in answer["steps"]}
    assert steps["bituminous_coal", "ended"] < -600_000
    assert steps["natural_gas", "amount"] > 300_000
    assert sum(steps.values()) == pytest.approx(answer["difference"], rel=1e-9)
    assert "2016" in done("compare", eastman, *runs).out


def test_options_and_boundaries_change_the_result_and_are_named(eastman: Path) -> None:
    draw = ["inventory", eastman, "--year", "2016", "--scheme", "us-ghgrp"]
    usual = done(*draw, "--json").json
    assert usual["options"]["gwp"] == "gwp-AR4"
    other = done(*draw, "--option", "gwp=gwp-AR5", "--json").json
    assert other["options"]["gwp"] == "gwp-AR5"
    assert other["total"]["value"] != usual["total"]["value"]
    assert other["run"] != usual["run"]
    assert "gwp=gwp-AR5" in done(*draw, "--option", "gwp=gwp-AR5").out
    utility = done(*draw, "--boundary", "red_rochester", "--json").json
    assert utility["boundary"] == "red_rochester"
    assert done(*draw, "--json").json["run"] == usual["run"]  # the same question gives the same run


def test_ranges(twelve_firms: Path) -> None:
    """95 % ranges with both approaches; the shares of the variance add up to one; an end of a range explains itself."""
    draw = ["inventory", twelve_firms, "--year", "2023", "--scheme", "park-ghg", "--uncertainty"]
    answer = done(*draw, "--json").json
    ranges = {row["group"]: row for row in answer["uncertainty"]["ranges"]}
    for row in ranges.values():
        assert row["low"] <= row["high"]
        assert row["unit"] == "tCO2e"
    assert ranges["total"]["low"] < answer["total"]["value"] < ranges["total"]["high"]
    assert sum(row["share"] for row in answer["uncertainty"]["variables"]) == pytest.approx(1.0, rel=1e-9)
    assert answer["uncertainty"]["without_range"]
    assert explained(twelve_firms, ranges["total"]["reference_low"])["value"] == ranges["total"]["low"]
    printed = done(*draw).out
    assert "Sobol" in printed
    assert "Part of the variance" in printed


def test_consolidation(twelve_firms: Path) -> None:
    """Sum of the firms - eliminations = park; each elimination is explained by the lines on both sides."""
    answer = done("consolidate", twelve_firms, "--year", "2023", "--scheme", "park-ghg", "--json").json
    assert answer["sum_of_firms"] - answer["eliminated"] == pytest.approx(answer["park"], rel=1e-12)
    assert sum(row["elimination"] for row in answer["eliminations"]) == pytest.approx(answer["eliminated"], rel=1e-9)
    assert {"paper.steam", "chemicals.plant_power"} <= {row["stream"] for row in answer["eliminations"]}
    for row in answer["eliminations"][:3]:
        assert explained(twelve_firms, row["reference"])["value"] == row["elimination"]
    firms = done("inventory", twelve_firms, "--year", "2023", "--scheme", "park-ghg", "--firms", "--json").json
    assert (firms["run"], firms["total"]["value"]) == (answer["run_of_firms"], answer["sum_of_firms"])
    printed = done("consolidate", twelve_firms, "--year", "2023", "--scheme", "park-ghg").out
    for words in ("Sum of the firms", "Eliminated: sold inside the park", "Paper mill (synthetic)"):
        assert words in printed


def test_allocation(twelve_firms: Path) -> None:
    """What is emitted ends at the consumers or leaves with the energy sold."""
    answer = done("allocate", twelve_firms, "--year", "2023", "--scheme", "park-ghg", "--json").json
    ends = sum(row["total"] for row in answer["consumers"]) + answer["exported"]
    assert ends == pytest.approx(answer["emitted"], rel=1e-9)
    for row in [*answer["consumers"][:3], *answer["intensities"][:3]]:
        explained(twelve_firms, row["reference"])
    printed = done("allocate", twelve_firms, "--year", "2023", "--scheme", "park-ghg").out
    assert "Intensity of the energy supplied" in printed


def test_runs_are_kept_replayed_and_restated(twelve_firms: Path) -> None:
    """A restatement keeps the old run with the reason; a run that has been restated is not restated again."""
    run = done("inventory", twelve_firms, "--year", "2021", "--scheme", "energy", "--json").json["run"]
    replayed = done("replay", twelve_firms, run, "--json").json
    assert replayed["same"] is True
    assert replayed["recomputed"] == pytest.approx(replayed["stored"], rel=1e-9)
    new = done("restate", twelve_firms, run, "--reason", "audit of 2024", "--json").json
    listed = {row["run"]: row for row in done("runs", twelve_firms, "--json").json}
    assert (listed[new["run"]]["restates"], listed[new["run"]]["reason"]) == (run, "audit of 2024")
    assert listed[run]["restated_by"] == new["run"]
    assert listed[run]["total"] == new["old"]
    assert "the same" in done("replay", twelve_firms, run).out
    again = call("restate", twelve_firms, run, "--reason", "once more")
    assert (again.code, new["run"] in again.err) == (1, True)
    assert call("restate", twelve_firms, new["run"], "--reason", " ").code == 1
    assert "audit of 2024" in done("runs", twelve_firms).out


@pytest.mark.parametrize("language", ["en", "zh"])
def test_printed_inventories_are_in_one_language(twelve_firms: Path, language: str) -> None:
    """Heads, names, gaps and remarks follow the language; ids, units and formulas are the same in both."""
    draw = ["inventory", twelve_firms, "--year", "2023", "--scheme", "park-ghg", "--by", "node,category", "--lines"]
    printed = done(*draw, language=language).out
    if language == "en":
        assert [line for line in printed.splitlines() if CHINESE.search(line)] == []
    else:
        heads = [line for line in printed.splitlines() if "tCO₂e)" in line]
        assert heads
        assert all(CHINESE.search(line) for line in heads)
        assert "缺失内容" in printed
