"""Every fault of a record is found, all at once, with its place and a remedy; a sound record has none."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import polars as pl
import pytest

from ecopark.model import Problem, Record, check_record
from ecopark.model.flow_checks import overlapping

CATALOGUE = pl.DataFrame(
    {
        "id": ["electricity", "raw_coal", "natural_gas", "steam", "sludge"],
        "unit": ["MWh", "t", "万Nm3", "t", "t_dry"],
        "name_zh": ["电力", "原煤", "天然气", "蒸汽", "污泥"],
    }
)
ACTIVITIES = ["final_use", "power_generation", "transfer"]
GROUPS = ["coal", "electricity", "product"]

Rows = dict[str, list[dict[str, Any]]]


def sound() -> Rows:
    """A small park without any fault."""
    return {
        "nodes": [
            {"id": "P", "kind": "park", "lon": 120.5, "lat": 31.2, "valid_from": "1994"},
            {"id": "chp", "kind": "firm", "parent": "P"},
            {"id": "mill", "kind": "firm", "parent": "P"},
            {"id": "grid", "kind": "market"},
            {"id": "air", "kind": "environment"},
        ],
        "boundaries": [{"id": "fence", "nodes": "chp; mill"}],
        "commodities": [{"id": "paper", "group": "product", "unit": "t"}],
        "streams": [
            {"id": "elec", "source": "grid", "target": "mill", "commodity": "electricity", "activity": "final_use"},
            {"id": "coal", "source": "grid", "target": "chp", "commodity": "raw_coal", "activity": "power_generation"},
            {"id": "gas", "source": "grid", "target": "mill", "commodity": "natural_gas", "activity": "final_use"},
            {"id": "own", "source": "chp", "target": "chp", "commodity": "electricity", "activity": "final_use"},
            {"id": "inner", "source": "grid", "target": "mill", "commodity": "electricity", "activity": "final_use",
             "part_of": "elec"},
        ],
        "flows": [
            {"id": "f1", "stream": "elec", "period_start": "2019", "amount": 12.5, "unit": "万kWh", "evidence": "bill",
             "low": 12.0, "high": 13.0},
            {"id": "f2", "stream": "elec", "period_start": "2020", "amount": 130.0, "unit": "MWh"},
            {"id": "f3", "stream": "coal", "period_start": "2019-05", "amount": 0.0, "unit": "万t",
             "method": "metered"},
            {"id": "f4", "stream": "gas", "period_start": "2019", "notation": "NO"},
            {"id": "f5", "stream": "elec", "period_start": "2030", "scenario": "plan", "amount": 1.0, "unit": "GWh",
             "method": "planned"},
        ],
        "stocks": [
            {"node": "chp", "commodity": "raw_coal", "time": "2019", "level": 1.2, "unit": "万t", "low": 1.1,
             "high": 1.3, "evidence": "bill"},
            {"node": "chp", "commodity": "raw_coal", "time": "2019-12-31", "level": 0.0, "unit": "t"},
        ],
        "properties": [
            {"commodity": "raw_coal", "property": "ncv", "value": 20.9, "unit": "GJ_LHV/t", "valid_to": "2019"},
            {"commodity": "raw_coal", "property": "ncv", "value": 21.5, "unit": "MJ_LHV/kg", "valid_from": "2019"},
            {"commodity": "raw_coal", "property": "oxidation", "value": 98.0, "unit": "%", "stream": "coal"},
        ],
        "factors": [
            {"id": "local", "quantity": "emission_factor", "commodity": "electricity", "gas": "CO2", "value": 0.5,
             "unit": "kgCO2/kWh", "source": "contract"},
        ],
        "certificates": [
            {"id": "GEC-0001", "holder": "mill", "period_start": "2019", "volume": 10.0, "unit": "万kWh"},
            {"id": "GEC-0002", "holder": "mill", "period_start": "2019", "volume": 10.0, "unit": "MWh"},
        ],
        "statistics": [
            {"node": "P", "period_start": "2019", "variable": "value_added", "value": 90.0, "unit": "亿元"},
            {"node": "P", "period_start": "2019", "variable": "trees", "value": 90.0, "unit": "1"},
        ],
        "scenarios": [{"id": "plan"}, {"id": "bold", "parent": "plan"}, {"id": "低碳", "parent": "actual"}],
        "evidence": [{"id": "bill", "title": "电费单"}],
    }  # fmt: skip


def check(rows: Rows, **options: Any) -> list[Problem]:
    return check_record(Record.of(**rows), CATALOGUE, ACTIVITIES, GROUPS, **options)


def test_a_sound_record_has_no_problem() -> None:
    """Scaled units, own use (source = target), zero amounts, several scenarios and Chinese ids are all in order."""
    assert check(sound()) == []
    assert check({}) == []


def change(table: str, row: int, **values: Any) -> Callable[[Rows], None]:
    def apply(rows: Rows) -> None:
        rows[table][row].update(values)

    return apply


def add(table: str, **values: Any) -> Callable[[Rows], None]:
    def apply(rows: Rows) -> None:
        rows[table].append(values)

    return apply


FAULTS: list[tuple[str, Callable[[Rows], None], str, str, str]] = [
    # stocks
    ("stock at an unknown node", change("stocks", 0, node="chq"), "reference_unknown",
     "stocks:chq/raw_coal/2019-01-01 node", "chp"),
    ("stock of an unknown commodity", change("stocks", 0, commodity="raw_coa"), "name_unknown",
     "stocks:chp/raw_coa/2019-01-01 commodity", "raw_coal"),
    ("stock unit", change("stocks", 0, unit="MWh"), "unit_mismatch", "stocks:chp/raw_coal/2019-01-01 unit", "t"),
    ("negative stock", change("stocks", 1, level=-1.0), "level_negative", "stocks:chp/raw_coal/2019-12-31 level",
     "zero where it is empty"),
    ("stock outside its range", change("stocks", 0, low=1.25), "range_order", "stocks:chp/raw_coal/2019-01-01 low",
     "1.25"),
    ("two levels at one moment", change("stocks", 1, time="2019-01-01"), "key_duplicate",
     "stocks:chp/raw_coal/2019-01-01 node", "own key"),
    ("stock without a level", change("stocks", 0, level=None, low=None, high=None), "required_missing",
     "stocks:chp/raw_coal/2019-01-01 level", "level"),
    # table-wide rules
    ("duplicate id", add("nodes", id="chp", kind="firm", parent="P"), "key_duplicate", "nodes:chp id", "nodes:chp id"),
    ("two values of a property", add("properties", commodity="raw_coal", property="ncv", value=1.0, unit="GJ_LHV/t",
        valid_from="2019"), "key_duplicate", "properties:raw_coal/ncv/2019-01-01 commodity", "2019-01-01"),
    ("required", change("streams", 0, activity=" "), "required_missing", "streams:elec activity", "activity"),
    ("required number", change("certificates", 0, volume=None), "required_missing", "certificates:GEC-0001 volume",
        "volume"),
    ("kind", change("nodes", 1, kind="frm"), "choice_unknown", "nodes:chp kind", "firm"),
    ("method", change("flows", 0, method="guessed"), "choice_unknown", "flows:f1 method", "estimated"),
    ("notation", change("flows", 3, notation="NA"), "choice_unknown", "flows:f4 notation", "NO, NE, IE, C"),
    ("unknown node", change("streams", 0, target="mil"), "reference_unknown", "streams:elec target", "mill"),
    ("unknown stream", change("flows", 0, stream="Elec"), "reference_unknown", "flows:f1 stream", "elec"),
    ("unknown parent", change("nodes", 1, parent="Q9"), "reference_unknown", "nodes:chp parent", "nodes"),
    ("unknown evidence", change("flows", 0, evidence="bil"), "reference_unknown", "flows:f1 evidence", "bill"),
    ("unknown scenario", change("flows", 4, scenario="plam"), "reference_unknown", "flows:f5 scenario", "plan"),
    ("boundary node", change("boundaries", 0, nodes="chp; mills"), "reference_unknown", "boundaries:fence nodes",
        "mill"),
    ("commodity", change("streams", 1, commodity="rawcoal"), "name_unknown", "streams:coal commodity", "raw_coal"),
    ("activity", change("streams", 1, activity="final use"), "name_unknown", "streams:coal activity", "final_use"),
    ("group", change("commodities", 0, group="products"), "name_unknown", "commodities:paper group", "product"),
    ("quantity", change("properties", 2, property="oxydation"), "name_unknown",
        "properties:raw_coal/oxydation/coal property", "oxidation"),
    ("id characters", change("evidence", 0, id="a b/c"), "id_characters", "evidence:a b/c id", "hyphen"),
    ("not a number", change("flows", 0, amount=float("nan")), "number_not_finite", "flows:f1 amount", "empty"),
    ("unreadable unit", change("flows", 0, unit="万kWhh"), "unit_unknown", "flows:f1 unit", "万kWh"),
    ("unreadable commodity unit", change("commodities", 0, unit="tt"), "unit_unknown", "commodities:paper unit", "t"),
    # flows
    ("negative", change("flows", 0, amount=-1.0, low=None, high=None), "amount_negative", "flows:f1 amount",
        "from target to source"),
    ("both", change("flows", 1, notation="NE"), "amount_and_notation", "flows:f2 notation", "NE"),
    ("neither", change("flows", 1, amount=None), "amount_missing", "flows:f2 amount", "NO not occurring"),
    ("no unit", change("flows", 1, unit=None), "unit_missing", "flows:f2 unit", "unit"),
    ("low above amount", change("flows", 0, low=12.6), "range_order", "flows:f1 low", "12.6"),
    ("high below amount", change("flows", 0, high=12.4), "range_order", "flows:f1 high", "12.4"),
    ("low above high", change("flows", 0, low=14.0), "range_order", "flows:f1 low", "13"),
    ("factor range", change("factors", 0, low=0.6), "range_order", "factors:local low", "0.6"),
    ("reversed", change("flows", 1, period_end="2019-06"), "period_order", "flows:f2 period_end", "2019-06-01"),
    ("empty period", change("flows", 1, period_end="2020"), "period_order", "flows:f2 period_end", "first day after"),
    ("overlap", add("flows", id="f9", stream="elec", period_start="2019-12", amount=1.0, unit="MWh"),
        "period_overlap", "flows:f9 period_start", "f1"),
    ("wrong dimension", change("flows", 1, unit="t"), "unit_mismatch", "flows:f2 unit", "MWh"),
    ("wrong basis", change("flows", 1, unit="MWh_cumulated"), "unit_basis", "flows:f2 unit", "two readings"),
    # network
    ("outside to outside", change("streams", 0, target="air"), "stream_outside", "streams:elec target", "grid"),
    ("longitude", change("nodes", 0, lon=220.0), "coordinate_range", "nodes:P lon", "180"),
    ("latitude", change("nodes", 0, lat=-91.0), "coordinate_range", "nodes:P lat", "90"),
    ("validity", change("nodes", 0, valid_to="1994"), "validity_order", "nodes:P valid_to", "1994-01-01"),
    ("part of itself", change("streams", 0, part_of="inner"), "cycle", "streams:elec part_of", "elec → inner → elec"),
    ("parent of itself", change("nodes", 1, parent="chp"), "cycle", "nodes:chp parent", "chp → chp"),
    ("scenario cycle", change("scenarios", 0, parent="bold"), "cycle", "scenarios:plan parent", "plan → bold → plan"),
    ("actual with a parent", add("scenarios", id="actual", parent="plan"), "actual_parent", "scenarios:actual parent",
        "empty"),
    # properties, factors, statistics, certificates
    ("heating value without basis", change("properties", 1, unit="MJ/kg"), "unit_basis",
        "properties:raw_coal/ncv/2019-01-01 unit", "lower"),
    ("higher heating value", change("properties", 1, unit="MJ_HHV/kg"), "unit_basis",
        "properties:raw_coal/ncv/2019-01-01 unit", "lower_over_higher"),
    ("per wrong unit", change("properties", 1, unit="MJ_LHV/m3"), "unit_mismatch",
        "properties:raw_coal/ncv/2019-01-01 unit", "density"),
    ("oxidation above one", change("properties", 2, unit="1"), "value_range",
        "properties:raw_coal/oxidation/coal value", "98 %"),
    ("property overlap", add("properties", commodity="raw_coal", property="ncv", value=1.0, unit="GJ_LHV/t",
        valid_from="2018"), "validity_overlap", "properties:raw_coal/ncv/2018-01-01 valid_from", "valid_to"),
    ("factor unit", change("factors", 0, unit="kgce/kWh"), "unit_basis", "factors:local unit", "emission factor"),
    ("factor of another gas", change("factors", 0, gas="CH4"), "unit_basis", "factors:local unit", "kgCO2/kWh"),
    ("statistic unit", change("statistics", 0, unit="tce"), "unit_mismatch",
        "statistics:P/2019-01-01/value_added unit", "CNY"),
    ("certificate unit", change("certificates", 0, unit="t"), "unit_mismatch", "certificates:GEC-0001 unit", "MWh"),
    ("certificate claimed twice", add("certificates", id="gec 0001", holder="chp", period_start="2020", volume=1.0,
        unit="MWh"), "certificate_claimed_twice", "certificates:gec 0001 id", "GEC-0001"),
    ("certificate of nothing", change("certificates", 0, volume=0.0), "volume_not_positive",
        "certificates:GEC-0001 volume", "electricity"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "code", "place", "says"), [fault[1:] for fault in FAULTS], ids=[f[0] for f in FAULTS]
)
def test_each_fault_is_found_at_its_place(change: Callable[[Rows], None], code: str, place: str, says: str) -> None:
    rows = sound()
    change(rows)
    problems = check(rows)
    found = [problem for problem in problems if (problem.code, problem.place) == (code, place)]
    assert len(found) == 1, [problem.line("en") for problem in problems]
    assert says in found[0].line("en")
    assert found[0].severity == "error"
    assert all(found[0].describe("en"))


def test_all_faults_at_once_in_the_order_of_the_tables() -> None:
    """A person who mends the first fault must not meet a second one that could have been said at the same time."""
    rows = sound()
    rows["flows"][0].update(amount=-1.0, stream="nothing", unit="xyz", period_end="2018", method="guess")
    rows["nodes"][1].update(kind="factory", lon=500.0)
    rows["evidence"].append({"id": "bill", "title": "again"})
    problems = check(rows)
    assert {"amount_negative", "reference_unknown", "unit_unknown", "period_order", "choice_unknown"} <= {
        problem.code for problem in problems if problem.place.startswith("flows:f1")
    }
    tables = [problem.place.split(":")[0] for problem in problems]
    assert sorted(set(tables), key=tables.index) == ["nodes", "flows", "evidence"]


def test_one_fault_is_said_once() -> None:
    """A unit that cannot be read is not also reported as not fitting the commodity, nor a stated id as overlapping."""
    rows = sound()
    change("flows", 0, unit="foo")(rows)
    change("properties", 0, unit="foo/t")(rows)
    rows["flows"].append(dict(rows["flows"][1]))
    assert [problem.code for problem in check(rows)] == ["unit_unknown", "key_duplicate", "unit_unknown"]


def test_warnings() -> None:
    """What is allowed but rarely meant: a meter for a month beside the invoice of the year; a node without a park."""
    rows = sound()
    add("flows", id="m", stream="elec", period_start="2019-05", amount=1.0, unit="MWh", method="metered")(rows)
    add("nodes", id="lost", kind="firm")(rows)
    change("boundaries", 0, nodes="chp; grid")(rows)
    problems = check(rows)
    assert {(problem.code, problem.place, problem.severity) for problem in problems} == {
        ("period_uncovered", "flows:f1 period_start", "warning"),
        ("node_without_park", "nodes:lost parent", "warning"),
        ("boundary_outside", "boundaries:fence nodes", "warning"),
    }
    uncovered = next(problem for problem in problems if problem.code == "period_uncovered")
    assert uncovered.values == {"better": "m", "days": 365, "lost": 334}


def test_no_park_at_all() -> None:
    rows: Rows = {"nodes": [{"id": "f", "kind": "firm"}]}
    assert [problem.code for problem in check(rows)] == ["park_missing"]


def test_several_parks_may_stand_side_by_side() -> None:
    rows = sound()
    add("nodes", id="Q", kind="park")(rows)
    assert check(rows) == []


def test_missing_end_of_a_period() -> None:
    record = Record.of(**sound())
    flows = record.flows.with_columns(pl.when(pl.col("id") == "f1").then("period_end").alias("period_end"))
    codes = [p.code for p in check_record(record.replace(flows=flows), CATALOGUE, ACTIVITIES, GROUPS)]
    assert codes == ["period_end_missing"] * 4


def test_a_slip_of_the_pen_in_the_year() -> None:
    record = Record.of(**sound())
    shifted = pl.when(pl.col("id") == "f2").then(pl.col("period_start").dt.offset_by("-1000y"))
    flows = record.flows.with_columns(shifted.otherwise("period_start").alias("period_start"))
    problems = check_record(record.replace(flows=flows), CATALOGUE, ACTIVITIES, GROUPS)
    assert ("period_unlikely", "flows:f2 period_start") in {(problem.code, problem.place) for problem in problems}


def test_place_comes_from_the_caller() -> None:
    """The importer knows the cell: `locate` gets table, row index and column."""
    rows = sound()
    change("flows", 1, amount=-3.0)(rows)
    problems = check(rows, locate=lambda table, row, column: f"{table}!{column}{row + 2}")
    assert [problem.place for problem in problems] == ["flows!amount3"]


def test_own_commodities_and_their_units() -> None:
    rows = sound()
    add("streams", id="p", source="mill", target="grid", commodity="paper", activity="transfer")(rows)
    add("flows", id="fp", stream="p", period_start="2019", amount=5.0, unit="kg")(rows)
    assert check(rows) == []
    change("commodities", 0, unit="t_dry")(rows)
    assert [(problem.code, problem.place) for problem in check(rows)] == [("unit_basis", "flows:fp unit")]


def test_quantities_of_the_catalogue() -> None:
    """A catalogue's frame of quantities adds names and, with them, what they are measured in."""
    rows = sound()
    add("properties", commodity="raw_coal", property="degradable_carbon", value=0.1, unit="tC/t")(rows)
    add("factors", id="u", quantity="leak", commodity="sludge", gas="CH4", value=1.0, unit="kgCH4/t_dry", source="x")(
        rows
    )
    assert [problem.code for problem in check(rows)] == ["name_unknown", "name_unknown"]
    assert check(rows, quantities=["degradable_carbon", "leak"]) == []
    frame = pl.DataFrame(
        {"id": ["degradable_carbon", "leak"], "numerator": ["tC", "gas"], "per_commodity": ["yes", "yes"]}
    )
    assert check(rows, quantities=frame) == []
    change("properties", 3, unit="tC/GJ_LHV")(rows)
    change("factors", 1, unit="kgCO2/t_dry")(rows)
    assert [problem.code for problem in check(rows, quantities=frame)] == ["unit_mismatch", "unit_basis"]


@pytest.mark.parametrize(
    ("gas", "unit", "codes"),
    [
        ("HFC-23", "kg/t", []),
        ("HFC-23", "kgHFC-23/t", []),
        ("HFC-23", "kgHFC-32/t", ["unit_basis"]),
        ("CO2", "kg/t", ["unit_basis"]),
        (None, "kgCH4/t", []),
    ],
)
def test_gas_of_a_factor(gas: str | None, unit: str, codes: list[str]) -> None:
    """Fluorinated gases may be in plain mass, the common gases never: a kg of what would be anybody's guess."""
    rows = sound()
    rows["factors"] = [
        {
            "id": "x",
            "quantity": "emission_factor",
            "commodity": "paper",
            "gas": gas,
            "value": 1.0,
            "unit": unit,
            "source": "s",
        }
    ]
    assert [problem.code for problem in check(rows)] == codes


def test_overlaps_name_the_row_that_reaches_furthest() -> None:
    """Row 0 spans the year, so it is what 2 and 3 run into, though row 1 lies between them."""
    frame = pl.DataFrame(
        {"key": ["a", "a", "a", "a", "b"], "start": [1, 2, 5, 9, 5], "end": [10, 3, 7, 12, 7]},
    ).with_columns(pl.from_epoch(pl.col("start", "end"), time_unit="d"))
    assert overlapping(frame, ["key"], "start", "end").rows() == [(1, 0), (2, 0), (3, 0)]
    # touching is not overlapping
    touching = pl.DataFrame({"key": ["a", "a"], "start": [1, 2], "end": [2, 3]}).with_columns(
        pl.from_epoch(pl.col("start", "end"), time_unit="d")
    )
    assert overlapping(touching, ["key"], "start", "end").is_empty()


def large(count: int) -> Record:
    streams = [
        {"id": f"s{i}", "source": "grid", "target": "mill", "commodity": "electricity", "activity": "final_use"}
        for i in range(count // 50)
    ]
    index = pl.int_range(count, eager=True)
    month = (index // len(streams)).cast(pl.Int32)
    start = pl.select(pl.date(2015 + month // 12, month % 12 + 1, 1)).to_series()
    flows = pl.DataFrame(
        {
            "stream": "s" + (index % len(streams)).cast(pl.String),
            "period_start": start,
            "period_end": start.dt.offset_by("1mo"),
            "amount": index.cast(pl.Float64),
            "unit": pl.select(pl.when(index % 2 == 0).then(pl.lit("万kWh")).otherwise(pl.lit("MWh"))).to_series(),
        }
    )
    rows = sound()
    return Record.of(nodes=rows["nodes"], streams=streams, flows=flows)


def test_a_hundred_thousand_flows() -> None:
    """Checks are vectorised; the bound leaves room for slow machines. Every third flow wrong: every third reported."""
    record = large(100_000)
    begun = time.perf_counter()
    assert check_record(record, CATALOGUE, ACTIVITIES, GROUPS) == []
    assert time.perf_counter() - begun < 4
    wrong = pl.int_range(pl.len()) % 3 == 0
    flows = record.flows.with_columns(
        pl.when(wrong).then(-1.0).otherwise("amount").alias("amount"),
        pl.when(wrong).then(pl.lit("kgce")).otherwise("unit").alias("unit"),
    )
    problems = check_record(record.replace(flows=flows), CATALOGUE, ACTIVITIES, GROUPS)
    assert [problem.code for problem in problems[:2]] == ["amount_negative", "unit_mismatch"]
    assert len(problems) == 2 * len(range(0, 100_000, 3))


def test_many_unknown_values_stay_fast() -> None:
    """Did-you-mean is worked out for some, not for a hundred thousand distinct mistakes."""
    record = large(100_000)
    flows = record.flows.with_columns(("x" + pl.int_range(pl.len()).cast(pl.String)).alias("stream"))
    begun = time.perf_counter()
    problems = check_record(record.replace(flows=flows), CATALOGUE, ACTIVITIES, GROUPS)
    assert time.perf_counter() - begun < 8
    assert len(problems) == 100_000
