"""Of all observations of a stream exactly one counts on each day, by method and scenario."""

from __future__ import annotations

import time
from datetime import date, timedelta
from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecopark.model import METHODS, InputError, Record, effective_flows, scenario_chain, year_bounds
from ecopark.model.effective import lost_days

Y2019 = year_bounds(2019)
SCENARIOS = [{"id": "plan"}, {"id": "bold", "parent": "plan"}]


def shares(record: Record, scenario: str = "actual", period: tuple[date, date] = Y2019) -> dict[str, float]:
    frame = effective_flows(record, scenario, *period)
    return dict(frame.select("id", "share").iter_rows())


def flow(key: str, start: str, end: str | None = None, **rest: object) -> dict[str, object]:
    return {"id": key, "stream": "s", "period_start": start, "period_end": end, "amount": 1.0, "unit": "t", **rest}


def test_single_flow_counts_whole() -> None:
    record = Record.of(flows=[flow("a", "2019")])
    assert shares(record) == {"a": 1.0}
    frame = effective_flows(record, "actual", *Y2019)
    assert frame.columns == [*record.flows.columns, "share"]
    assert frame["amount"].to_list() == [1.0]


def test_better_method_takes_the_place() -> None:
    """An invoice beside the meter must not be added to it: that would double the stream."""
    rows = [flow(method, "2019", method=method) for method in reversed(METHODS)]
    assert shares(Record.of(flows=rows)) == {"reconciled": 1.0}
    assert shares(Record.of(flows=rows[:-1])) == {"metered": 1.0}


def test_a_partly_better_observation_takes_the_place_of_the_whole() -> None:
    rows = [flow("year", "2019"), flow("may", "2019-05", method="metered")]
    record = Record.of(flows=rows)
    assert shares(record) == {"may": 1.0}
    assert lost_days(record.flows).rows() == [(0, 365, 334, "may")]


def test_methods_that_do_not_meet_stand_side_by_side() -> None:
    rows = [flow("first", "2019-01", "2019-07", method="metered"), flow("second", "2019-07", "2020")]
    record = Record.of(flows=rows)
    assert shares(record) == {"first": 1.0, "second": 1.0}
    assert lost_days(record.flows).is_empty()


def test_only_effective_flows_displace() -> None:
    """The invoice gives way to the meter, so it displaces nothing itself: the estimate of the autumn still counts."""
    rows = [
        flow("estimate", "2019-06", "2020", method="estimated"),
        flow("invoice", "2019-01", "2019-07", method="invoiced"),
        flow("meter", "2019-01", method="metered"),
    ]
    assert shares(Record.of(flows=rows)) == {"estimate": 1.0, "meter": 1.0}


def test_missing_gives_way_to_any_amount_but_not_occurring_does_not() -> None:
    for notation in ("NE", "C"):
        rows = [flow("none", "2019", method="metered", amount=None, notation=notation), flow("bill", "2019")]
        assert shares(Record.of(flows=rows)) == {"bill": 1.0}
    for notation in ("NO", "IE"):
        rows = [flow("none", "2019", method="metered", amount=None, notation=notation), flow("bill", "2019")]
        frame = effective_flows(Record.of(flows=rows), "actual", *Y2019)
        assert frame.select("id", "notation").rows() == [("none", notation)]


def test_share_by_days_across_the_years_ends() -> None:
    rows = [
        flow("winter", "2018-12-02", "2019-01-02"),
        flow("spring", "2019-05"),
        flow("next", "2019-12-31", "2020-01-10"),
    ]
    found = shares(Record.of(flows=rows))
    assert found["winter"] == pytest.approx(1 / 31, rel=1e-15)
    assert found["spring"] == 1.0
    assert found["next"] == pytest.approx(1 / 10, rel=1e-15)


def test_flows_that_only_touch_the_period_do_not_count() -> None:
    assert shares(Record.of(flows=[flow("a", "2018"), flow("b", "2020")])) == {}


def test_which_method_counts_does_not_depend_on_the_question() -> None:
    """Months must add up to the year: the invoice displaced by a meter in December does not come back in January."""
    record = Record.of(flows=[flow("year", "2019"), flow("december", "2019-12", method="metered")])
    assert shares(record, period=(date(2019, 1, 1), date(2019, 2, 1))) == {}
    assert shares(record) == {"december": 1.0}


def test_parts_are_left_out_unless_asked() -> None:
    record = Record.of(
        streams=[{"id": "s"}, {"id": "inner", "part_of": "s"}],
        flows=[flow("a", "2019"), flow("b", "2019", stream="inner")],
    )
    assert shares(record) == {"a": 1.0}
    assert effective_flows(record, "actual", *Y2019, include_parts=True)["id"].to_list() == ["a", "b"]


class TestScenarios:
    """What a scenario does not say, its parent says, and the record itself last."""

    def test_falls_back(self) -> None:
        flows = [flow("real", "2019"), flow("planned", "2030", scenario="plan", method="planned")]
        record = Record.of(scenarios=SCENARIOS, flows=flows)
        assert shares(record, "bold") == {"real": 1.0}
        assert shares(record, "bold", year_bounds(2030)) == {"planned": 1.0}
        assert shares(record, "actual", year_bounds(2030)) == {}

    def test_the_child_speaks_first_whatever_its_method(self) -> None:
        flows = [
            flow("real", "2019", method="metered"),
            flow("planned", "2019", scenario="plan", method="planned"),
            flow("bolder", "2019", scenario="bold", method="planned"),
        ]
        record = Record.of(scenarios=SCENARIOS, flows=flows)
        assert shares(record) == {"real": 1.0}
        assert shares(record, "plan") == {"planned": 1.0}
        assert shares(record, "bold") == {"bolder": 1.0}

    def test_the_parent_still_speaks_for_the_rest_of_the_time(self) -> None:
        flows = [flow("real", "2019"), flow("may", "2019-05", scenario="plan", method="planned")]
        record = Record.of(scenarios=SCENARIOS, flows=flows)
        assert shares(record, "plan") == {"may": 1.0, "real": pytest.approx(334 / 365, rel=1e-15)}

    def test_days_that_two_children_claim_are_taken_from_the_grandparent_once(self) -> None:
        """Plan says May to August, bold July to October: the record keeps the year less May to October."""
        flows = [
            flow("real", "2019"),
            flow("plan", "2019-05", "2019-09", scenario="plan"),
            flow("bold", "2019-07", "2019-11", scenario="bold"),
        ]
        found = shares(Record.of(scenarios=SCENARIOS, flows=flows), "bold")
        assert found == pytest.approx({"real": (365 - 184) / 365, "plan": 61 / 123, "bold": 1.0}, rel=1e-15)

    def test_other_streams_are_untouched(self) -> None:
        flows = [flow("real", "2019"), flow("other", "2019", stream="o"), flow("new", "2019", scenario="plan")]
        assert shares(Record.of(scenarios=SCENARIOS, flows=flows), "plan") == {"other": 1.0, "new": 1.0}

    def test_chain(self) -> None:
        record = Record.of(scenarios=SCENARIOS)
        assert scenario_chain(record, "bold") == ["bold", "plan", "actual"]
        assert scenario_chain(record, "actual") == ["actual"]

    def test_unknown_and_circular(self) -> None:
        with pytest.raises(InputError, match=r"no scenario “bald”.*actual, plan, bold"):
            effective_flows(Record.of(scenarios=SCENARIOS), "bald", *Y2019)
        circle = Record.of(scenarios=[{"id": "a", "parent": "b"}, {"id": "b", "parent": "a"}])
        with pytest.raises(InputError, match="a → b → a"):
            scenario_chain(circle, "a")


ORIGIN = date(2019, 1, 1)


@st.composite
def records(draw: st.DrawFn) -> Record:
    """Valid flows of two streams: of one stream, scenario and method, none overlap."""
    rows: list[dict[str, object]] = []
    for stream in ("s", "t"):
        for scenario in ("actual", "plan", "bold"):
            for method in draw(st.sets(st.sampled_from(METHODS), max_size=3)):
                cuts = sorted(draw(st.sets(st.integers(-20, 40), max_size=5)))
                for low, high in pairwise(cuts):
                    if draw(st.booleans()):
                        notation = draw(st.sampled_from([None, None, None, "NO", "NE", "C"]))
                        rows.append(
                            flow(
                                f"f{len(rows)}", "2019", stream=stream, scenario=scenario, method=method,
                                period_start=ORIGIN + timedelta(days=low), period_end=ORIGIN + timedelta(days=high),
                                amount=None if notation else 1.0, notation=notation,
                            )
                        )  # fmt: skip
    order = draw(st.permutations(range(len(rows))))
    return Record.of(scenarios=SCENARIOS, flows=[rows[index] for index in order])


def by_the_day(record: Record, scenario: str, start: date, end: date) -> dict[str, float]:
    """The same question answered day by day in plain loops."""
    chain = scenario_chain(record, scenario)
    owned: dict[str, int] = {}
    rows = record.flows.to_dicts()
    for stream in {row["stream"] for row in rows}:
        chosen: list[list[dict[str, object]]] = []
        for name in chain:
            level: list[dict[str, object]] = []
            own = [row for row in rows if row["stream"] == stream and row["scenario"] == name]
            own.sort(key=lambda row: (row["notation"] in ("NE", "C"), METHODS.index(row["method"])))
            for row in own:
                if not any(
                    row["period_start"] < o["period_end"] and o["period_start"] < row["period_end"] for o in level
                ):
                    level.append(row)
            chosen.append(level)
        day = start
        while day < end:
            for level in chosen:
                here = [row for row in level if row["period_start"] <= day < row["period_end"]]
                if here:
                    assert len(here) == 1
                    owned[here[0]["id"]] = owned.get(here[0]["id"], 0) + 1
                    break
            day += timedelta(days=1)
    length = {row["id"]: (row["period_end"] - row["period_start"]).days for row in rows}
    return {key: days / length[key] for key, days in owned.items()}


@settings(max_examples=150, deadline=None)
@given(records(), st.sampled_from(["actual", "plan", "bold"]), st.integers(-25, 45), st.integers(1, 30))
def test_agrees_with_counting_days(record: Record, scenario: str, first: int, length: int) -> None:
    """The vectorised answer equals the day-by-day one: no day counts twice, none that has a flow is lost."""
    start = ORIGIN + timedelta(days=first)
    end = start + timedelta(days=length)
    assert shares(record, scenario, (start, end)) == pytest.approx(by_the_day(record, scenario, start, end), rel=1e-12)


@settings(max_examples=60, deadline=None)
@given(records(), st.sampled_from(["actual", "bold"]), st.integers(-20, 40))
def test_periods_add_up(record: Record, scenario: str, cut: int) -> None:
    """The shares of two halves add up to the shares of the whole."""
    low, middle, high = (ORIGIN + timedelta(days=days) for days in (-25, cut, 45))
    whole = shares(record, scenario, (low, high))
    halves = [shares(record, scenario, (low, middle)), shares(record, scenario, (middle, high))]
    assert {key: sum(half.get(key, 0.0) for half in halves) for key in whole} == pytest.approx(whole, rel=1e-12)


def test_keeps_the_records_order() -> None:
    rows = [
        flow("b", "2019", stream="z"),
        flow("x", "2019"),
        flow("m", "2019", method="metered"),
        flow("a", "2019", stream="a"),
    ]
    assert list(shares(Record.of(flows=rows))) == ["b", "m", "a"]


def test_empty_and_reversed_periods_count_nowhere() -> None:
    rows = [
        flow("none", "2019", period_start=date(2019, 5, 1), period_end=date(2019, 5, 1)),
        flow("back", "2019", period_start=date(2019, 6, 1), period_end=date(2019, 5, 1), method="metered"),
    ]
    assert shares(Record.of(flows=rows)) == {}
    assert shares(Record.empty()) == {}


@pytest.mark.parametrize("methods", [["invoiced"], ["metered", "invoiced", "estimated"]])
def test_a_hundred_thousand_flows(methods: list[str]) -> None:
    """Vectorised: a loop over flows would take many seconds; the bound leaves room for slow machines."""
    count = 100_000
    generator = np.random.default_rng(1)
    start = pl.Series(generator.integers(17_900, 18_300, count)).cast(pl.Int32).cast(pl.Date)
    flows = pl.DataFrame(
        {
            "id": pl.int_range(count, eager=True).cast(pl.String),
            "stream": pl.Series(generator.integers(0, 20_000, count)).cast(pl.String),
            "period_start": start,
            "period_end": start + timedelta(days=30),
            "amount": pl.Series(generator.random(count)),
            "method": pl.Series(generator.choice(methods, count)),
        }
    )
    record = Record.of(flows=flows)
    begun = time.perf_counter()
    frame = effective_flows(record, "actual", *Y2019)
    assert time.perf_counter() - begun < 3
    assert 0 < len(frame) < count
    assert frame["share"].min() > 0  # type: ignore[operator]
    assert frame["share"].max() == 1
