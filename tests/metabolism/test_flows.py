"""The record's flows in layers: amounts, coefficients, parts, implied flows and stores, against sums done by hand."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl
import pytest

from ecopark.accounting.inventory import draw_inventory
from ecopark.catalogue import load_catalogue
from ecopark.metabolism.balances.balances import draw_balances
from ecopark.metabolism.flows import LayeredFlows, layered_flows
from ecopark.model.problems import InputError
from ecopark.model.record import Record

NODES = [
    {"id": "p", "kind": "park", "region": "CN-JS"},
    {"id": "works", "parent": "p", "kind": "firm"},
    {"id": "reactor", "parent": "works", "kind": "process"},
    {"id": "plant", "parent": "p", "kind": "firm"},
    {"id": "market", "kind": "market"},
    {"id": "river", "kind": "environment"},
]


def stream(identity: str, source: str, target: str, commodity: str, activity: str, **more: Any) -> dict[str, Any]:
    return {"id": identity, "source": source, "target": target, "commodity": commodity, "activity": activity, **more}


def flow(identity: str, amount: float | None, unit: str, period: str = "2022", **more: Any) -> dict[str, Any]:
    return {"stream": identity, "period_start": period, "amount": amount, "unit": unit, "method": "metered", **more}


def drawn(streams: list[dict[str, Any]], flows: list[dict[str, Any]], **more: Any) -> LayeredFlows:
    settings = {name: more.pop(name) for name in ("month", "resolution", "layers") if name in more}
    record = Record.of(nodes=NODES, streams=streams, flows=flows, **more)
    return layered_flows(record, load_catalogue(), 2022, **settings)


def value(layered: LayeredFlows, layer: str, name: str) -> dict[str, Any]:
    return layered.layer(layer).filter(pl.col("stream") == name).row(0, named=True)


def test_layers_of_steam() -> None:
    """1,000 t of steam at 2.75 GJ/t: 1,000 t of mass, 2,750 GJ, 1,000 m3 of water, nothing of carbon."""
    layered = drawn(
        [stream("s", "plant", "works", "steam", "supply")],
        [flow("s", 1000.0, "t", low=980.0, high=1020.0)],
        properties=[{"commodity": "steam", "property": "net_enthalpy", "value": 2.75, "unit": "GJ/t"}],
    )
    assert value(layered, "mass", "s")["value"] == 1000.0
    assert value(layered, "energy", "s")["value"] == 2750.0
    assert value(layered, "water", "s")["value"] == 1000.0
    assert layered.layer("carbon").is_empty()
    # the deviation of a range of +-20 t is 20 / 1.96; a coefficient without a range adds nothing
    assert value(layered, "energy", "s")["sd_value"] == pytest.approx(2.75 * 20 / 1.959963984540054, rel=1e-12)


def test_composition_belongs_to_the_stream() -> None:
    """Chloride: 2 kg/m3 in one waste water and 0.5 kg/m3 in another, each by its own property; a third states none."""
    streams = [stream(name, "works", "plant", "industrial_wastewater", "treatment") for name in ("a", "b", "c")]
    properties = [
        {"commodity": "industrial_wastewater", "property": "chlorine_content", "stream": name, "value": content,
         "unit": "kgCl/m3", "low": content * 0.9, "high": content * 1.1}
        for name, content in (("a", 2.0), ("b", 0.5))
    ]  # fmt: skip
    layered = drawn(streams, [flow(name, 1000.0, "m3") for name in ("a", "b", "c")], properties=properties)
    assert value(layered, "chlorine", "a")["value"] == pytest.approx(2.0)
    assert value(layered, "chlorine", "b")["value"] == pytest.approx(0.5)
    unknown = layered.unknown.filter((pl.col("layer") == "chlorine") & (pl.col("stream") == "c"))
    assert unknown["reason"].to_list() == ["unstated"]
    assert value(layered, "chlorine", "a")["sd_value"] == pytest.approx(0.1 * 2.0 / 1.959963984540054)


@pytest.mark.parametrize(("content", "unit"), [(0.03, "1"), (3.0, "%"), (30.0, "kgCl/t"), (0.03, "tCl/t")])
def test_a_mass_fraction_is_a_content(content: float, unit: str) -> None:
    """3 % of 200 t of salt sludge is 6 t of chlorine, however the content is written."""
    layered = drawn(
        [stream("s", "works", "market", "industrial_sludge", "treatment")],
        [flow("s", 200.0, "t")],
        properties=[{"commodity": "industrial_sludge", "property": "chlorine_content", "value": content, "unit": unit}],
    )
    assert value(layered, "chlorine", "s")["value"] == pytest.approx(6.0)


def test_carbon_of_fuel_agrees_with_the_inventory() -> None:
    """What the rule sends to the air, times 44/12, is the inventory's CO2 of the same fuel."""
    catalogue = load_catalogue()
    streams = [stream("coal", "market", "plant", "bituminous_coal", "heat_generation"),
               stream("gas", "market", "works", "natural_gas", "final_use")]  # fmt: skip
    record = Record.of(nodes=NODES, streams=streams, flows=[flow("coal", 500.0, "t"), flow("gas", 12.0, "万Nm3")])
    layered = layered_flows(record, catalogue, 2022)
    burnt = float(layered.layer("carbon").filter(pl.col("implied") == "combustion_carbon")["value"].sum())
    inventory = draw_inventory(record, catalogue, "park-ghg", 2022)
    co2 = inventory.lines.filter(pl.col("measure") == "CO2")["value"].sum()
    assert co2 > 0
    assert burnt * 44 / 12 == pytest.approx(co2, rel=1e-12)
    total = layered.layer("carbon").filter(pl.col("implied").is_null())["value"].sum()
    unburnt = float(layered.layer("carbon").filter(pl.col("implied") == "unburnt_carbon")["value"].sum())
    assert burnt + unburnt == pytest.approx(total, rel=1e-12)


def test_a_stated_emission_replaces_the_rule() -> None:
    """A firm that states its own CO2 gets none by rule."""
    streams = [stream("gas", "market", "works", "natural_gas", "final_use"),
               stream("co2", "works", "river", "carbon_dioxide", "emission")]  # fmt: skip
    layered = drawn(streams, [flow("gas", 10.0, "万Nm3"), flow("co2", 200.0, "t")])
    assert layered.edges["implied"].drop_nulls().is_empty()


def test_parts_are_taken_out_of_their_whole() -> None:
    """Of 1,000 MWh to a firm 300 go to its reactor by a sub-meter: 700 stay on the firm's own edge."""
    streams = [stream("all", "market", "works", "electricity", "supply"),
               stream("sub", "market", "reactor", "electricity", "supply", part_of="all")]  # fmt: skip
    layered = drawn(streams, [flow("all", 1000.0, "MWh"), flow("sub", 300.0, "MWh")])
    amounts = dict(layered.edges.select("stream", "amount").iter_rows())
    assert amounts == {"all": 700.0, "sub": 300.0}
    assert layered.edges.filter("part")["stream"].to_list() == ["all"]


def test_parts_that_exceed_their_whole_are_told() -> None:
    """A sub-meter above its main meter leaves nothing of the whole, and a remark names both amounts."""
    streams = [stream("all", "market", "works", "electricity", "supply"),
               stream("sub", "market", "reactor", "electricity", "supply", part_of="all")]  # fmt: skip
    layered = drawn(streams, [flow("all", 100.0, "MWh"), flow("sub", 130.0, "MWh")])
    assert dict(layered.edges.select("stream", "amount").iter_rows()) == {"all": 0.0, "sub": 130.0}
    assert [remark.code for remark in layered.remarks] == ["parts_exceed"]
    assert "130" in layered.remarks[0].text("en")
    assert "130" in layered.remarks[0].text("zh")


def test_notations_are_not_zeros() -> None:
    """NO is an amount of zero, NE and C no amount, IE no edge of its own."""
    names = {"no": "NO", "ne": "NE", "c": "C", "ie": "IE"}
    streams = [stream(name, "market", "works", "limestone", "supply") for name in names]
    layered = drawn(streams, [flow(name, None, "t", notation=notation) for name, notation in names.items()])
    assert dict(layered.edges.select("stream", "amount").iter_rows()) == {"no": 0.0, "ne": None, "c": None}
    missing = layered.unknown.filter((pl.col("layer") == "mass") & (pl.col("reason") == "no_amount"))
    assert sorted(missing["stream"]) == ["c", "ne"]


def test_months_add_up_to_the_year_and_say_when_they_were_spread() -> None:
    """A year's bill is spread over the months by days and marked; metered months stand as they are."""
    streams = [stream("bill", "market", "works", "tap_water", "supply"),
               stream("meter", "market", "plant", "tap_water", "supply")]  # fmt: skip
    months = [flow("meter", 100.0 + number, "m3", f"2022-{number:02d}") for number in range(1, 13)]
    layered = drawn(streams, [flow("bill", 3650.0, "m3"), *months], resolution="month")
    totals = dict(layered.layer("water").group_by("stream").agg(pl.col("value").sum()).iter_rows())
    assert totals["bill"] == pytest.approx(3650.0)
    assert totals["meter"] == pytest.approx(1278.0)
    january = layered.edges.filter(pl.col("period_start") == date(2022, 1, 1))
    assert dict(january.select("stream", "amount").iter_rows())["bill"] == pytest.approx(310.0)
    assert set(layered.edges.filter("spread")["stream"]) == {"bill"}


def test_errors_of_one_correlation_group_add_up() -> None:
    """Twelve months of one meter: deviations add (12 s); without a group their squares do (s sqrt 12)."""

    def year(group: str | None) -> float:
        months = [
            flow("m", 100.0, "m3", f"2022-{number:02d}", low=90.0, high=110.0, correlation_group=group)
            for number in range(1, 13)
        ]
        layered = drawn([stream("m", "market", "plant", "tap_water", "supply")], months)
        return float(layered.edges["sd"].item())

    single = 10 / 1.959963984540054
    assert year("meter") == pytest.approx(12 * single)
    assert year(None) == pytest.approx(single * 12**0.5)


def test_stock_changes_come_from_levels_at_both_ends() -> None:
    """Coal 400 t on 1 January, 650 t on 1 January after: an increase of 250 t, and of its carbon."""
    record = Record.of(
        nodes=[*NODES, {"id": "yard", "parent": "plant", "kind": "store"}],
        stocks=[
            {"node": "yard", "commodity": "bituminous_coal", "time": date(2022, 1, 1), "level": 400.0, "unit": "t"},
            {"node": "yard", "commodity": "bituminous_coal", "time": date(2023, 1, 1), "level": 650.0, "unit": "t"},
            {"node": "yard", "commodity": "limestone", "time": date(2022, 1, 1), "level": 5.0, "unit": "t"},
        ],
    )
    layered = layered_flows(record, load_catalogue(), 2022)
    mass = layered.stocks.filter(pl.col("layer") == "mass")
    assert mass.select("node", "commodity", "value").rows() == [("yard", "bituminous_coal", 250.0)]
    assert layered.stocks.filter(pl.col("layer") == "carbon")["value"].item() > 0


def test_unknown_layer_names_the_known_ones() -> None:
    """A layer that does not exist is an input error which lists all that do."""
    with pytest.raises(InputError, match="no layer “carbn”") as caught:
        drawn([], [], layers=["carbn", "mass"])
    assert "carbon" in caught.value.problems[0].line("en")


def stored(levels: list[tuple[str, str, date, float, str]], **more: Any) -> LayeredFlows:
    """Draw the year 2022 of stores alone: (node, commodity, day, level, unit) each."""
    stocks = [{"node": n, "commodity": c, "time": t, "level": v, "unit": u} for n, c, t, v, u in levels]
    return drawn(more.pop("streams", []), more.pop("flows", []), stocks=stocks, **more)


def test_levels_in_a_unit_of_their_own_are_brought_to_the_layers_by_a_property() -> None:
    """Diesel counted in m3 beside a commodity in t: its density brings the change to mass; without one it is told."""
    levels = [("works", "diesel", date(2022, 1, 1), 1.0, "m3"), ("works", "diesel", date(2023, 1, 1), 4.0, "m3")]
    untold = stored(levels, layers=["mass"])
    assert untold.stocks.is_empty()
    assert [remark.code for remark in untold.remarks if remark.code != "no_flows"] == ["stock_no_value"]
    density = {"commodity": "diesel", "property": "density", "value": 0.84, "unit": "t/m3"}
    told = stored(levels, layers=["mass"], properties=[density])
    assert told.stocks["value"].to_list() == [pytest.approx(2.52)]


def test_a_store_that_is_read_at_one_end_only_is_told() -> None:
    """A level in January and none a year later: no change is invented, and a remark names the store."""
    found = stored(
        [("works", "limestone", date(2022, 1, 1), 1.0, "t"), ("works", "limestone", date(2022, 6, 1), 3.0, "t")]
    )
    assert found.stocks.is_empty()
    assert "stock_one_end" in [remark.code for remark in found.remarks]
    mixed = stored([("works", "stuff", date(2022, 1, 1), 1.0, "t"), ("works", "stuff", date(2023, 1, 1), 3.0, "m3")],
                   commodities=[{"id": "stuff", "unit": "t", "group": "material"}])  # fmt: skip
    assert "stock_units" in [remark.code for remark in mixed.remarks]


def test_a_month_with_a_stock_change_and_no_flow_keeps_its_month() -> None:
    """Flows in January, a store that fills in May: the change stands in May's balance."""
    layered = stored(
        [("works", "limestone", date(2022, 5, 1), 1.0, "t"), ("works", "limestone", date(2022, 6, 1), 4.0, "t")],
        streams=[stream("in", "market", "works", "limestone", "supply")], flows=[flow("in", 1.0, "t", "2022-01")],
        resolution="month", layers=["mass"],
    )  # fmt: skip
    rows = draw_balances(layered, load_catalogue()).of(layer="mass", node="works")
    changes = dict(rows.select(pl.col("period_start").cast(pl.String), "stock_change").iter_rows())
    assert changes["2022-05-01"] == 3.0
    assert changes["2022-01-01"] == 0.0


def test_equipment_inside_equipment_belongs_to_its_process() -> None:
    """A coil in a boiler in a boiler house counts as the boiler house at the level of processes."""
    nodes = [*NODES, {"id": "boiler", "parent": "reactor", "kind": "equipment"},
             {"id": "coil", "parent": "boiler", "kind": "equipment"}]  # fmt: skip
    layered = layered_flows(Record.of(nodes=nodes), load_catalogue(), 2022)
    stations = dict(layered.at_level("process").iter_rows())
    assert (stations["coil"], stations["boiler"], stations["works"]) == ("reactor", "reactor", "works")


def test_compositions_may_change_from_month_to_month() -> None:
    """2 kg/m3 until June, 5 kg/m3 from July: each month counts with its own; the year says that it cannot."""
    properties = [
        {"commodity": "industrial_wastewater", "property": "chlorine_content", "stream": "s", "value": content,
         "unit": "kgCl/m3", "valid_from": start, "valid_to": end}
        for content, start, end in (
            (2.0, date(2022, 1, 1), date(2022, 7, 1)), (5.0, date(2022, 7, 1), date(2023, 1, 1)),
        )
    ]  # fmt: skip
    streams = [stream("s", "works", "plant", "industrial_wastewater", "treatment")]
    flows = [flow("s", 1000.0, "m3", f"2022-{number:02d}") for number in range(1, 13)]
    months = drawn(streams, flows, properties=properties, resolution="month").layer("chlorine")
    assert months.sort("period_start")["value"].to_list() == pytest.approx([2.0] * 6 + [5.0] * 6)
    june = drawn(streams, flows, properties=properties, month=6)
    assert june.layer("chlorine")["value"].to_list() == pytest.approx([2.0])
    assert june.remarks == ()
    year = drawn(streams, flows, properties=properties)
    assert [remark.code for remark in year.remarks] == ["contents_change"]
