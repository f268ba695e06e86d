"""Material-flow cost accounting: published examples, the identity of costs, loops, and what is not priced."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecopark.catalogue import load_catalogue
from ecopark.metabolism.flows import LayeredFlows, layered_flows
from ecopark.metabolism.value_flow.value_flow import ValueFlow, draw_value_flow
from ecopark.model.problems import InputError
from ecopark.model.record import Record
from tests.metabolism.build import layered

LAYERS = ("mass", "money", "energy", "water", "carbon")
COSTS = ("material", "energy", "system")


def network(edges: list[dict[str, Any]], **more: Any) -> LayeredFlows:
    """A network whose edges carry their mass; what comes from IN costs `price` CNY per tonne (10 if none is given)."""
    filled = []
    for edge in edges:
        content = {"mass": 1.0}
        price = edge.pop("price", 10.0 if edge["source"] == "IN" else None)
        if price is not None:
            content["money"] = price
        filled.append({"content": content, "activity": "feedstock" if edge["source"] == "IN" else "transfer"} | edge)
    return layered(filled, layers=LAYERS, **more)


def values_of(flows: LayeredFlows, record: Record | None = None, key: str = "mass") -> ValueFlow:
    return draw_value_flow(flows, record or Record.empty(), load_catalogue(), key=key)


def statistics(**stated: float) -> list[dict[str, Any]]:
    """Statistics rows from node__variable=value, shares in 1 and costs in CNY."""
    return [
        {"node": name.split("__")[0], "period_start": "2022", "variable": name.split("__")[1], "value": value,
         "unit": "1" if name.endswith("share") else "CNY"}
        for name, value in stated.items()
    ]  # fmt: skip


def check_identity(result: ValueFlow) -> None:
    """At every node and level and for every kind of cost: bought + carried in = delivered + lost + unassigned."""
    for row in result.nodes.iter_rows(named=True):
        for cost in COSTS:
            if row[f"{cost}_loss"] is None:
                continue
            into = row[f"{cost}_cost_in"] + row[f"{cost}_carried_in"]
            out = row[f"{cost}_delivered"] + row[f"{cost}_loss"] + row[f"{cost}_unassigned"]
            assert out == pytest.approx(into, rel=1e-9, abs=1e-9 * max(abs(into), 1.0)), (row["node"], cost)


def test_textbook_example_of_one_process() -> None:
    """100 kg of input (1,000 for material, 1,000 for labour and tools, 500 for power), 80 kg of product, 200 for waste
    disposal: conventional accounts show 200 for waste, material-flow cost accounting 20 % of 2,500 and the 200: 700.
    Example of a training page on environmental management accounting (qualitysystems.com, learning resources).
    """
    record = Record.of(
        nodes=[
            {"id": "park", "kind": "park"}, {"id": "mill", "kind": "firm", "parent": "park"},
            {"id": "market", "kind": "market"}, {"id": "grid", "kind": "market"},
            {"id": "contractor", "kind": "market"},
        ],
        commodities=[
            {"id": "raw", "group": "material", "unit": "t"}, {"id": "product", "group": "product", "unit": "t"},
            {"id": "scrap", "group": "waste", "unit": "t"},
        ],
        streams=[
            {"id": "raw", "source": "market", "target": "mill", "commodity": "raw", "activity": "feedstock"},
            {"id": "power", "source": "grid", "target": "mill", "commodity": "electricity", "activity": "supply"},
            {"id": "product", "source": "mill", "target": "market", "commodity": "product", "activity": "production"},
            {"id": "scrap", "source": "mill", "target": "contractor", "commodity": "scrap", "activity": "treatment"},
        ],
        flows=[
            {"stream": name, "period_start": "2022", "amount": amount, "unit": unit}
            for name, amount, unit in (
                ("raw", 0.1, "t"), ("power", 1.0, "MWh"), ("product", 0.08, "t"), ("scrap", 0.02, "t"),
            )
        ],
        properties=[
            {"commodity": "raw", "property": "price", "value": 10000.0, "unit": "CNY/t"},
            {"commodity": "electricity", "property": "price", "value": 0.5, "unit": "CNY/kWh"},
            {"commodity": "scrap", "property": "treatment_cost", "value": 1.0, "unit": "万元/t"},
        ],
        statistics=statistics(mill__system_cost=1000.0),
    )  # fmt: skip
    flows = layered_flows(record, load_catalogue(), 2022, layers=["mass", "money", "energy", "water"])
    result = values_of(flows, record)
    row = result.at("mill")
    assert [row[f"{cost}_cost_in"] for cost in COSTS] == pytest.approx([1000.0, 500.0, 1000.0])
    assert [row[f"{cost}_delivered"] for cost in COSTS] == pytest.approx([800.0, 400.0, 800.0])
    assert [row[f"{cost}_loss"] for cost in COSTS] == pytest.approx([200.0, 100.0, 200.0])
    assert row["treatment_cost"] == pytest.approx(200.0)
    assert row["loss_total"] == pytest.approx(700.0)
    waste = result.wastes.row(0, named=True)
    assert (waste["stream"], waste["value_lost"], waste["total"]) == (
        "scrap",
        pytest.approx(500.0),
        pytest.approx(700.0),
    )
    assert row["complete"]
    assert result.gaps.is_empty()
    check_identity(result)


def test_two_processes_of_the_japanese_guide() -> None:
    """METI's guide to material-flow cost accounting (ver. 3, 2009), figure 2-1: costs of the first process's product
    go on to the second; the printed loss shares of each give 8,220 in the product and 3,287 - 6 in the second's losses.
    """
    flows = network(
        [
            {"source": "IN", "target": "A", "amount": 1.0, "price": 9254.0},
            {"source": "IN", "target": "A", "amount": 1.0, "price": 95.0, "group": "electricity", "activity": "supply"},
            {"source": "A", "target": "B", "amount": 0.9, "group": "product"},
            {"source": "A", "target": "OUT", "amount": 0.1, "group": "waste", "activity": "treatment"},
            {"source": "IN", "target": "B", "amount": 1.0, "price": 150.0},
            {"source": "IN", "target": "B", "amount": 1.0, "price": 71.0, "group": "electricity", "activity": "supply"},
            {"source": "B", "target": "OUT", "amount": 0.7, "group": "product", "activity": "production"},
            {"source": "B", "target": "OUT", "amount": 0.3, "group": "waste", "activity": "treatment"},
        ]
    )
    record = Record.of(
        statistics=statistics(
            A__system_cost=1266.0, B__system_cost=796.0,
            A__material_loss_share=128 / 9254, A__energy_loss_share=0.0, A__system_loss_share=3 / 1266,
            B__material_loss_share=2937 / 9276, B__energy_loss_share=7 / 166, B__system_loss_share=337 / 2059,
        )
    )  # fmt: skip
    result = values_of(flows, record)
    first, second = result.at("A"), result.at("B")
    assert [first[f"{cost}_delivered"] for cost in COSTS] == pytest.approx([9126.0, 95.0, 1263.0])
    assert [second[f"{cost}_carried_in"] for cost in COSTS] == pytest.approx([9126.0, 95.0, 1263.0])
    assert [second[f"{cost}_delivered"] for cost in COSTS] == pytest.approx([6339.0, 159.0, 1722.0])
    assert [second[f"{cost}_loss"] for cost in COSTS] == pytest.approx([2937.0, 7.0, 337.0])
    assert sum(second[f"{cost}_delivered"] for cost in COSTS) == pytest.approx(8220.0)
    assert sum(second[f"{cost}_loss"] for cost in COSTS) == pytest.approx(3287.0 - 6.0)
    check_identity(result)


def test_a_loss_downstream_carries_the_cost_from_upstream() -> None:
    """Half lost at each of two steps: the second loses a quarter of the first's purchase, not half of nothing."""
    flows = network(
        [
            {"source": "IN", "target": "A", "amount": 100.0},
            {"source": "A", "target": "B", "amount": 50.0, "group": "product"},
            {"source": "A", "target": "OUT", "amount": 50.0, "group": "waste", "activity": "treatment"},
            {"source": "B", "target": "OUT", "amount": 25.0, "group": "product", "activity": "production"},
            {"source": "B", "target": "OUT", "amount": 25.0, "group": "waste", "activity": "treatment"},
        ]
    )
    result = values_of(flows)
    assert result.at("A")["material_loss"] == pytest.approx(500.0)
    assert result.at("B")["material_loss"] == pytest.approx(250.0)
    assert result.at()["material_loss"] == pytest.approx(750.0)
    assert result.at()["material_delivered"] == pytest.approx(250.0)
    assert result.at("B")["energy_loss"] is None
    assert result.at("B")["system_loss"] is None


def test_internal_recycling_is_solved_as_a_loop() -> None:
    """A returns scrap to itself through C: the cost stays in the loop until it leaves in product (90) or waste (10)."""
    flows = network(
        [
            {"source": "IN", "target": "A", "amount": 100.0},
            {"source": "A", "target": "OUT", "amount": 90.0, "group": "product", "activity": "production"},
            {"source": "A", "target": "C", "amount": 40.0, "group": "waste", "activity": "recovery"},
            {"source": "C", "target": "A", "amount": 30.0, "group": "product"},
            {"source": "C", "target": "OUT", "amount": 10.0, "group": "waste", "activity": "treatment"},
        ]
    )
    result = values_of(flows)
    held = {row["node"]: row["cost"] for row in result.held.filter(pl.col("category") == "material").to_dicts()}
    assert held["A"] == pytest.approx(1000.0 / (1 - 40 / 130 * 30 / 40))
    assert result.at()["material_delivered"] == pytest.approx(900.0)
    assert result.at()["material_loss"] == pytest.approx(100.0)
    check_identity(result)


def test_a_loop_without_a_way_out_is_told() -> None:
    flows = network(
        [
            {"source": "IN", "target": "A", "amount": 100.0},
            {"source": "A", "target": "B", "amount": 100.0, "group": "product"},
            {"source": "B", "target": "A", "amount": 100.0, "group": "product"},
        ]
    )
    with pytest.raises(InputError, match="A, B"):
        values_of(flows)


def test_missing_prices_are_named_with_the_nodes_they_reach() -> None:
    """No price of B's ore: B and C, which it reaches, are lower bounds; A is complete; no cost is a silent 0."""
    flows = network(
        [
            {"source": "IN", "target": "A", "amount": 10.0, "commodity": "sand"},
            {"source": "A", "target": "OUT", "amount": 10.0, "group": "product", "activity": "production"},
            {"source": "IN", "target": "B", "amount": 10.0, "commodity": "ore", "price": None},
            {"source": "B", "target": "C", "amount": 8.0, "group": "product"},
            {"source": "B", "target": "OUT", "amount": 2.0, "group": "waste", "commodity": "slag",
             "activity": "treatment"},
            {"source": "C", "target": "OUT", "amount": 8.0, "group": "product", "activity": "production"},
        ]
    )  # fmt: skip
    result = values_of(flows)
    gap = result.gaps.filter(pl.col("quantity") == "price").row(0, named=True)
    assert (gap["commodity"], gap["node"], gap["affected"]) == ("ore", "B", "B; C")
    assert result.gaps.filter(pl.col("quantity") == "treatment_cost")["commodity"].to_list() == ["slag"]
    assert [result.at(node)["complete"] for node in ("A", "B", "C", "P")] == [True, False, False, False]
    assert result.at("B")["material_loss"] is None
    assert result.at("B")["missing"] == "ore"
    assert result.wastes.row(0, named=True)["value_lost"] is None
    codes = {remark.code for remark in result.remarks}
    assert {"prices_missing", "treatment_missing"} <= codes
    assert all(remark.text("zh") for remark in result.remarks)


def test_a_receiver_that_pays_and_a_by_product_that_is_sold() -> None:
    """A negative treatment cost is money received; a waste that is sold earns its price; both lower the total."""
    flows = network(
        [
            {"source": "IN", "target": "A", "amount": 100.0},
            {"source": "A", "target": "OUT", "amount": 60.0, "group": "product", "activity": "production",
             "price": 50.0},
            {"source": "A", "target": "OUT", "amount": 30.0, "group": "waste", "commodity": "scrap", "activity": "sale",
             "price": 3.0},
            {"source": "A", "target": "OUT", "amount": 10.0, "group": "waste", "commodity": "ash",
             "activity": "treatment"},
        ]
    )  # fmt: skip
    record = Record.of(properties=[{"commodity": "ash", "property": "treatment_cost", "value": -4.0, "unit": "CNY/t"}])
    result = values_of(flows, record)
    totals = dict(result.wastes.select("commodity", "total").iter_rows())
    assert totals == {"scrap": pytest.approx(300.0 - 90.0), "ash": pytest.approx(100.0 - 40.0)}
    row = result.at("A")
    assert (row["treatment_cost"], row["revenue_by_products"], row["revenue_products"]) == (
        pytest.approx(-40.0), pytest.approx(90.0), pytest.approx(3000.0)
    )  # fmt: skip


def test_treatment_inside_goes_back_to_the_wastes_treated() -> None:
    """The plant W spends 600 on chemicals and 100 outside for sludge: 700 for 30 and 40 of waste water: 300 and 400."""
    dirty: dict[str, Any] = {"group": "wastewater", "activity": "treatment", "commodity": "industrial_wastewater"}
    flows = network(
        [
            {"source": "IN", "target": "A", "amount": 100.0},
            {"source": "A", "target": "OUT", "amount": 100.0, "group": "product", "activity": "production"},
            {"source": "A", "target": "W", "amount": 30.0, "content": {"water": 1.0}, **dirty},
            {"source": "B", "target": "W", "amount": 40.0, "content": {"water": 1.0}, **dirty},
            {"source": "IN", "target": "W", "amount": 6.0, "price": 100.0, "commodity": "lime"},
            {"source": "W", "target": "OUT", "amount": 5.0, "group": "waste", "commodity": "sludge",
             "activity": "treatment"},
            {"source": "W", "target": "RIVER", "amount": 65.0, "content": {"water": 1.0},
             **(dirty | {"activity": "emission"})},
        ]
    )  # fmt: skip
    record = Record.of(
        properties=[{"commodity": "sludge", "property": "treatment_cost", "value": 20.0, "unit": "CNY/t"}]
    )
    result = values_of(flows, record)
    inside = result.wastes.filter(pl.col("treatment_inside").is_not_null())
    assert dict(inside.select("source", "treatment_inside").iter_rows()) == {
        "A": pytest.approx(300.0), "B": pytest.approx(400.0)
    }  # fmt: skip
    check_identity(result)


def test_an_element_can_be_the_key() -> None:
    """By mass a fifth is lost; by carbon, nine tenths: the waste holds nearly all of the carbon that was bought."""
    flows = network(
        [
            {"source": "IN", "target": "A", "amount": 100.0},
            {"source": "A", "target": "OUT", "amount": 80.0, "group": "product", "activity": "production",
             "content": {"mass": 1.0, "carbon": 0.01}},
            {"source": "A", "target": "OUT", "amount": 20.0, "group": "waste", "activity": "treatment",
             "content": {"mass": 1.0, "carbon": 0.36}},
        ]
    )  # fmt: skip
    assert values_of(flows).at("A")["material_loss"] == pytest.approx(200.0)
    assert values_of(flows, key="carbon").at("A")["material_loss"] == pytest.approx(900.0)


def test_a_power_plant_is_split_by_energy() -> None:
    """Power has no mass: 40 of 100 GJ become power, 60 are lost as heat, and so is 60 % of the fuel's cost."""
    flows = layered(
        [
            {"source": "IN", "target": "K", "amount": 10.0, "group": "coal", "activity": "power_generation",
             "content": {"mass": 1.0, "energy": 10.0, "money": 100.0}},
            {"source": "K", "target": "OUT", "amount": 40.0, "group": "electricity", "activity": "sale",
             "content": {"energy": 1.0}},
            {"source": "K", "target": "AIR", "amount": 60.0, "group": "energy_medium", "commodity": "lost_heat",
             "activity": "loss", "content": {"energy": 1.0}},
            {"source": "K", "target": "OUT", "amount": 1.0, "group": "waste", "activity": "treatment"},
        ],
        layers=LAYERS,
    )  # fmt: skip
    row = values_of(flows).at("K")
    assert (row["allocation"], row["energy_delivered"], row["energy_loss"]) == (
        "energy", pytest.approx(400.0), pytest.approx(600.0)
    )  # fmt: skip


def test_a_service_does_not_end_in_the_waste_water() -> None:
    """An office buys power and puts out a little waste: its paper goes with that, its power is told as unassigned."""
    flows = network(
        [
            {"source": "IN", "target": "A", "amount": 1.0},
            {"source": "IN", "target": "A", "amount": 9.0, "group": "electricity", "activity": "final_use"},
            {"source": "A", "target": "OUT", "amount": 1.0, "group": "waste", "activity": "treatment"},
        ]
    )
    result = values_of(flows)
    row = result.at("A")
    assert (row["material_loss"], row["energy_loss"], row["energy_unassigned"]) == pytest.approx((10.0, 0.0, 90.0))
    assert "unassigned" in {remark.code for remark in result.remarks}
    check_identity(result)


def test_a_product_that_cannot_be_measured_is_told() -> None:
    """Chips counted by pieces have no mass: their maker's cost is not put on its waste, and the gap is named."""
    record = Record.of(
        nodes=[
            {"id": "park", "kind": "park"},
            {"id": "maker", "kind": "firm", "parent": "park"},
            {"id": "market", "kind": "market"},
        ],
        commodities=[
            {"id": "wafer", "group": "material", "unit": "t"},
            {"id": "chip", "group": "product", "unit": "piece"},
            {"id": "scrap", "group": "waste", "unit": "t"},
        ],
        streams=[
            {"id": "in", "source": "market", "target": "maker", "commodity": "wafer", "activity": "feedstock"},
            {"id": "out", "source": "maker", "target": "market", "commodity": "chip", "activity": "production"},
            {"id": "scrap", "source": "maker", "target": "market", "commodity": "scrap", "activity": "treatment"},
        ],
        flows=[
            {"stream": name, "period_start": "2022", "amount": 5.0, "unit": unit}
            for name, unit in (("in", "t"), ("out", "piece"), ("scrap", "t"))
        ],
        properties=[{"commodity": "wafer", "property": "price", "value": 100.0, "unit": "CNY/t"}],
    )
    flows = layered_flows(record, load_catalogue(), 2022, layers=["mass", "money", "energy", "water"])
    result = values_of(flows, record)
    row = result.at("maker")
    assert (row["material_loss"], row["material_unassigned"], row["complete"]) == (0.0, 500.0, False)
    assert result.gaps.filter(pl.col("quantity") == "mass")["commodity"].to_list() == ["chip"]


def test_system_costs_of_a_firm_go_to_its_processes() -> None:
    """The firm X states 900 and has no flows of its own: its processes share them by what they put out (2 to 1)."""
    flows = network(
        [
            {"source": "IN", "target": "A", "amount": 30.0},
            {"source": "A", "target": "OUT", "amount": 20.0, "group": "product", "activity": "production"},
            {"source": "IN", "target": "B", "amount": 30.0},
            {"source": "B", "target": "OUT", "amount": 10.0, "group": "product", "activity": "production"},
        ],
        parents={"A": "X", "B": "X"}, kinds={"A": "process", "B": "process"},
    )  # fmt: skip
    result = values_of(flows, Record.of(statistics=statistics(X__system_cost=900.0)))
    assert [result.at(node)["system_cost_in"] for node in ("A", "B", "X")] == pytest.approx([600.0, 300.0, 900.0])


def test_layers_that_are_not_there_are_named() -> None:
    with pytest.raises(InputError, match="money"):
        values_of(layered([{"source": "IN", "target": "A", "amount": 1.0}]))


def test_every_number_is_explained() -> None:
    """Every cost of every node, every waste and every share recomputes to 1e-9 from what its explanation shows."""
    flows = network(
        [
            {"source": "IN", "target": "A", "amount": 100.0},
            {"source": "IN", "target": "A", "amount": 5.0, "group": "electricity", "activity": "supply", "price": 60.0},
            {"source": "A", "target": "B", "amount": 70.0, "group": "product"},
            {"source": "B", "target": "A", "amount": 10.0, "group": "waste", "activity": "recovery"},
            {"source": "A", "target": "OUT", "amount": 20.0, "group": "waste", "commodity": "ash",
             "activity": "treatment"},
            {"source": "B", "target": "OUT", "amount": 55.0, "group": "product", "activity": "production"},
        ]
    )  # fmt: skip
    record = Record.of(
        properties=[{"commodity": "ash", "property": "treatment_cost", "value": 7.0, "unit": "CNY/t"}],
        statistics=statistics(B__system_cost=333.0),
    )
    result = values_of(flows, record).with_run("R5")
    seen = 0

    def check(key: str, value: float) -> None:
        nonlocal seen
        explanation = result.explain(key)
        assert explanation.recompute() == pytest.approx(value, rel=1e-9, abs=1e-9)
        seen += 1
        for part in explanation.inputs:
            if part.reference.startswith("R5-flow:") and seen < 400:
                check(part.reference.removeprefix("R5-"), part.value)

    for row in result.nodes.iter_rows(named=True):
        for cost in COSTS:
            for part in ("cost_in", "carried_in", "delivered", "loss", "unassigned"):
                if row[f"{cost}_{part}"] is not None:
                    check(f"{cost}_{part}:{row['node']}", row[f"{cost}_{part}"])
    for row in result.held.iter_rows(named=True):
        check(f"held:{row['category']}:{row['node']}", row["cost"])
    for row in result.wastes.iter_rows(named=True):
        check(row["key"], row["total"])
    check("fee:4", 140.0)
    assert seen > 40
    with pytest.raises(KeyError):
        result.explain("material_loss:nowhere")
    outcome, frames = result.to_store()
    assert ValueFlow.from_store("R6", outcome, frames).at() == result.at()


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 5), st.integers(0, 5), st.floats(0.1, 1e3), st.sampled_from(["product", "waste"])),
        max_size=20,
    ),
    st.lists(st.floats(0.5, 500.0), min_size=6, max_size=6),
    st.lists(st.floats(0.0, 1e4), min_size=6, max_size=6),
)
def test_no_cost_is_lost_or_made(
    inner: list[tuple[int, int, float, str]], leaving: list[float], system: list[float]
) -> None:
    """In any network in which every node has a way out: what was bought ends in products and losses, to 1e-9."""
    names = "ABCDEF"
    edges: list[dict[str, Any]] = [
        {"source": names[a], "target": names[b], "amount": x, "group": group, "activity": "transfer"}
        for a, b, x, group in inner
    ]
    for number, (name, amount) in enumerate(zip(names, leaving, strict=True)):
        edges.append({"source": "IN", "target": name, "amount": amount, "price": 1.0 + number})
        edges.append({"source": name, "target": "OUT", "amount": amount / 3, "group": "waste", "activity": "treatment"})
        edges.append({"source": name, "target": "OUT", "amount": amount, "group": "product", "activity": "production"})
    record = Record.of(
        statistics=statistics(**{f"{name}__system_cost": cost for name, cost in zip(names, system, strict=True)})
    )
    result = values_of(network(edges), record)
    check_identity(result)
    top = result.at()
    bought = sum((1.0 + number) * amount for number, amount in enumerate(leaving))
    assert top["material_cost_in"] == pytest.approx(bought, rel=1e-9)
    assert top["material_delivered"] + top["material_loss"] == pytest.approx(bought, rel=1e-9)
    assert top["system_delivered"] + top["system_loss"] == pytest.approx(sum(system), rel=1e-9, abs=1e-9)
