"""What a stream moves: one unit, what is elsewhere, what is missing in some months, parts and their errors."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl
import pytest

from ecopark.catalogue import load_catalogue
from ecopark.metabolism.balances.balances import Balances, draw_balances
from ecopark.metabolism.flows import LayeredFlows, layered_flows
from ecopark.model.record import Record
from tests.metabolism.test_flows import NODES, drawn, flow, stream, value

CATALOGUE = load_catalogue()
NORMAL = 1.959963984540054


def balanced(layered: LayeredFlows) -> Balances:
    return draw_balances(layered, CATALOGUE)


def row(balances: Balances, node: str, layer: str, start: str = "2022-01-01") -> dict[str, Any]:
    found = balances.of(layer=layer, node=node).filter(pl.col("period_start").cast(pl.String) == start)
    return found.row(0, named=True)


def test_amounts_of_one_stream_come_to_one_unit() -> None:
    """1 MWh in January and 500 kWh in February are 1.5 MWh, with the range of the second scaled too."""
    layered = drawn(
        [stream("w", "market", "works", "electricity", "supply")],
        [flow("w", 1.0, "MWh", "2022-01"), flow("w", 500.0, "kWh", "2022-02", low=400.0, high=600.0)],
    )
    edge = layered.edges.row(0, named=True)
    assert (edge["amount"], edge["unit"]) == (1.5, "MWh")
    assert edge["sd"] == pytest.approx(0.1 / NORMAL)
    assert balanced(layered).explain("value:energy:0").recompute() == pytest.approx(5.4)


def test_units_that_do_not_convert_are_told_and_not_added() -> None:
    """5 t and 3 m3 of one stream: only the tonnes count, the rest is missing, and a remark says so."""
    layered = drawn(
        [stream("w", "market", "works", "limestone", "supply")],
        [flow("w", 5.0, "t", "2022-01"), flow("w", 3.0, "m3", "2022-02")],
    )
    edge = layered.edges.row(0, named=True)
    assert (edge["amount"], edge["unit"], edge["notation"]) == (5.0, "t", "NE")
    assert [remark.code for remark in layered.remarks] == ["units_mixed"]
    assert row(balanced(layered), "works", "mass")["verdict"] == "incomplete"


def test_a_part_in_another_unit_is_taken_out_in_the_unit_of_its_whole() -> None:
    """Of 10 MWh to a firm a sub-meter saw 500 kWh: 9.5 MWh stay."""
    streams = [stream("all", "market", "works", "electricity", "supply"),
               stream("sub", "market", "reactor", "electricity", "supply", part_of="all")]  # fmt: skip
    layered = drawn(streams, [flow("all", 10.0, "MWh"), flow("sub", 500.0, "kWh")])
    assert value(layered, "energy", "all")["value"] == pytest.approx(9.5 * 3.6)
    assert layered.remarks == ()


def test_a_part_that_does_not_convert_is_told() -> None:
    """Tonnes of a salt cannot be taken out of cubic metres of brine: both stand, with a remark."""
    streams = [stream("all", "market", "works", "tap_water", "supply"),
               stream("sub", "market", "reactor", "limestone", "supply", part_of="all")]  # fmt: skip
    layered = drawn(streams, [flow("all", 10.0, "m3"), flow("sub", 5.0, "t")])
    assert dict(layered.edges.select("stream", "amount").iter_rows()) == {"all": 10.0, "sub": 5.0}
    assert [remark.code for remark in layered.remarks] == ["part_unit"]


def test_a_firm_knows_its_whole_as_well_as_the_main_meter_does() -> None:
    """Main meter +-20, sub-meters +-60 and +-30, one inside the other: the firm's inflow has the main meter's error."""
    nodes = [*NODES, {"id": "coil", "parent": "reactor", "kind": "equipment"}]
    streams = [
        stream("all", "market", "works", "tap_water", "supply"),
        stream("sub", "market", "reactor", "tap_water", "supply", part_of="all"),
        stream("inner", "market", "coil", "tap_water", "supply", part_of="sub"),
        stream("out", "works", "river", "industrial_wastewater", "emission"),
        stream("loss", "works", "river", "tap_water", "loss"),
    ]
    flows = [
        flow("all", 1000.0, "m3", low=980.0, high=1020.0), flow("sub", 600.0, "m3", low=540.0, high=660.0),
        flow("inner", 100.0, "m3", low=70.0, high=130.0), flow("out", 900.0, "m3"), flow("loss", 50.0, "m3"),
    ]  # fmt: skip
    record = Record.of(nodes=nodes, streams=streams, flows=flows)
    balances = balanced(layered_flows(record, CATALOGUE, 2022))
    assert row(balances, "works", "water")["inflow"] == 1000.0
    assert row(balances, "works", "water")["sd"] == pytest.approx(20 / NORMAL)
    assert row(balances, "reactor", "water")["sd"] == pytest.approx(60 / NORMAL)
    assert row(balances, "coil", "water")["sd"] == pytest.approx(30 / NORMAL)
    # mass holds the same amounts: the same deviations
    assert row(balances, "works", "mass")["sd"] == pytest.approx(20 / NORMAL)


def test_a_part_that_nobody_read_leaves_the_firm_complete() -> None:
    """The main meter knows what came in; the sub-meter that was not read only leaves its process incomplete."""
    streams = [stream("all", "market", "works", "limestone", "supply"),
               stream("sub", "market", "reactor", "limestone", "supply", part_of="all"),
               stream("out", "works", "market", "limestone", "sale")]  # fmt: skip
    flows = [flow("all", 10.0, "t"), flow("sub", None, "t", notation="NE") | {"unit": None}, flow("out", 10.0, "t")]
    balances = balanced(drawn(streams, flows))
    assert row(balances, "works", "mass")["verdict"] == "closed"
    assert row(balances, "p", "mass")["unknown"] == 0
    assert row(balances, "reactor", "mass")["verdict"] == "incomplete"


def test_days_included_elsewhere_are_no_gap() -> None:
    """January metered, the other months included elsewhere: the year is covered."""
    months = [flow("w", None, "m3", f"2022-{number:02d}", notation="IE") for number in range(2, 13)]
    streams = [stream("w", "market", "works", "tap_water", "supply")]
    layered = drawn(streams, [flow("w", 5.0, "m3", "2022-01"), *months])
    assert layered.edges.select("amount", "coverage").row(0) == (5.0, 1.0)
    monthly = drawn(streams, [flow("w", 5.0, "m3", "2022-01"), *months], resolution="month")
    assert monthly.edges["period_start"].to_list() == [date(2022, 1, 1)]


def test_a_month_of_which_nothing_is_said_is_no_zero() -> None:
    """In and out in January, only in in February: February's outflow is missing, not zero."""
    streams = [stream("in", "market", "works", "limestone", "supply"),
               stream("out", "works", "market", "limestone", "sale")]  # fmt: skip
    flows = [flow("in", 5.0, "t", "2022-01"), flow("in", 5.0, "t", "2022-02"), flow("out", 5.0, "t", "2022-01")]
    balances = balanced(drawn(streams, flows, resolution="month"))
    assert row(balances, "works", "mass")["verdict"] == "closed"
    february = row(balances, "works", "mass", "2022-02-01")
    assert (february["inflow"], february["outflow"], february["verdict"]) == (5.0, 0.0, "incomplete")


def test_months_before_a_firm_exists_are_no_gap() -> None:
    """A firm that opens in July owes nothing for June."""
    nodes: list[dict[str, Any]] = [*NODES[:3], {**NODES[3], "valid_from": date(2022, 7, 1)}, *NODES[4:]]
    months = [flow("w", 5.0, "m3", f"2022-{number:02d}") for number in range(8, 13)]
    record = Record.of(nodes=nodes, streams=[stream("w", "market", "plant", "tap_water", "supply")], flows=months)
    layered = layered_flows(record, CATALOGUE, 2022, resolution="month")
    silent = layered.edges.filter(pl.col("amount").is_null())["period_start"].to_list()
    assert silent == []  # no other stream makes July a month of this record
    more = [
        stream("w", "market", "plant", "tap_water", "supply"),
        stream("v", "market", "works", "tap_water", "supply"),
    ]
    record = record.replace(streams=Record.of(streams=more).streams,
                            flows=Record.of(flows=[*months, flow("v", 12.0, "m3")]).flows)  # fmt: skip
    layered = layered_flows(record, CATALOGUE, 2022, resolution="month")
    silent = layered.edges.filter(pl.col("amount").is_null())["period_start"].to_list()
    assert silent == [date(2022, 7, 1)]


def test_an_amount_that_is_blank_is_missing() -> None:
    """A flow with neither amount nor notation is no zero: what is known of the year is a part of it."""
    layered = drawn(
        [stream("w", "market", "works", "tap_water", "supply")],
        [flow("w", 5.0, "m3", "2022-01"), flow("w", None, "m3", "2022-02")],
    )
    assert layered.edges["notation"].item() == "NE"
    assert row(balanced(layered), "works", "mass")["verdict"] == "incomplete"


def test_a_zero_with_a_range_has_a_deviation() -> None:
    """0 (at most 5) t in and 1 t out: the residual of -1 t lies within the range of the zero."""
    layered = drawn(
        [stream("in", "market", "works", "limestone", "supply"), stream("out", "works", "market", "limestone", "sale")],
        [flow("in", 0.0, "t", low=0.0, high=5.0), flow("out", 1.0, "t")],
    )
    assert row(balanced(layered), "works", "mass")["sd"] == pytest.approx(2.5 / NORMAL)


@pytest.mark.parametrize("unit", [None, "t"])
def test_a_commodity_that_no_list_holds(unit: str | None) -> None:
    """An unknown commodity is a mass where its unit is one, else a gap; never an error of the program."""
    layered = drawn([stream("w", "market", "works", "unobtainium", "supply")], [flow("w", 1.0, "t") | {"unit": unit}])
    if unit:
        assert value(layered, "mass", "w")["value"] == 1.0
    else:
        assert row(balanced(layered), "works", "mass")["verdict"] == "incomplete"


def test_a_year_without_flows_names_the_years_that_have_some() -> None:
    """Nothing to balance is told, in both languages, with the years of the record."""
    layered = drawn([stream("w", "market", "works", "limestone", "supply")], [flow("w", 1.0, "t", "2021")])
    assert [remark.code for remark in layered.remarks] == ["no_flows"]
    assert "2021" in layered.remarks[0].text("en")
    assert "2021" in layered.remarks[0].text("zh")
    assert layered.remarks[0].text("zh") != layered.remarks[0].text("en")
    assert balanced(layered).rows.is_empty()
    assert [remark.code for remark in drawn([], []).remarks] == ["no_flows"]


def test_coefficients_are_worked_out_once_however_many_nodes() -> None:
    """A price at the park is found by every node, with one coefficient for all."""
    firms = [{"id": f"f{number}", "parent": "p", "kind": "firm"} for number in range(40)]
    streams = [stream(f"s{n}", "market", f"f{n}", "limestone", "supply") for n in range(40)]
    record = Record.of(
        nodes=[*NODES, *firms], streams=streams, flows=[flow(f"s{n}", 1.0, "t") for n in range(40)],
        properties=[{"commodity": "limestone", "property": "price", "value": 3.0, "unit": "CNY/t", "node": "p"}],
    )  # fmt: skip
    layered = layered_flows(record, CATALOGUE, 2022, layers=["money"])
    assert layered.layer("money")["value"].to_list() == [3.0] * 40
    assert layered.coefficients.height == 1
