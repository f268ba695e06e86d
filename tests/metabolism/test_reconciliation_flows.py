"""Reconciliation of a park's layered flows: what becomes a variable, what a balance, and what is said of the rest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecopark.catalogue import load_catalogue
from ecopark.metabolism.balances.balances import draw_balances
from ecopark.metabolism.flows import LayeredFlows, layered_flows
from ecopark.metabolism.reconciliation.assumed import assumed_ranges, half_widths
from ecopark.metabolism.reconciliation.flow_rows import unwritten
from ecopark.metabolism.reconciliation.reconcile import reconcile, without_reconciled
from ecopark.metabolism.reconciliation.result import Reconciliation
from ecopark.model.problems import InputError
from ecopark.model.record import Record
from tests.metabolism.build import layered

CATALOGUE = load_catalogue()
NORMAL = 1.959963984540054


def edge(source: str, target: str, amount: float | None, **more: Any) -> dict[str, Any]:
    return {"source": source, "target": target, "amount": amount, **more}


def flow(result: Reconciliation, stream: str) -> Mapping[str, Any]:
    return result.flows.filter(pl.col("stream") == stream).row(0, named=True)


def with_unknown(network: LayeredFlows, layer: str = "mass") -> LayeredFlows:
    """The network with its edges without an amount told as unmeasured in a layer, by the coefficient of the others."""
    missing = network.edges.filter(pl.col("amount").is_null())
    unknown = missing.select(
        "edge", "stream", pl.lit(layer).alias("layer"), pl.lit("no_amount").alias("reason"),
        pl.lit("").alias("quantity"), "commodity", "source", "target",
        pl.lit(network.values["coefficient"][0], pl.Int32).alias("coefficient"),
    )  # fmt: skip
    return replace(network, unknown=unknown)


def chain(**more: Any) -> LayeredFlows:
    """IN -> A -> B -> OUT, read as 100, 96 and 104, with deviations of 1, 2 and 3."""
    return layered(
        [
            edge("IN", "A", 100.0, sd=1.0, stream="in"),
            edge("A", "B", 96.0, sd=2.0, stream="between"),
            edge("B", "OUT", 104.0, sd=3.0, stream="out"),
        ],
        **more,
    )


def test_a_chain_meets_at_its_weighted_mean() -> None:
    """Three readings of one flow: the mean by inverse variances, its deviation, and the misfit as objective."""
    result = reconcile(chain(), CATALOGUE)
    weights = np.array([1, 1 / 4, 1 / 9])
    mean = weights @ [100, 96, 104] / weights.sum()
    for stream in ("in", "between", "out"):
        assert flow(result, stream)["reconciled"] == pytest.approx(mean, rel=1e-12)
        assert flow(result, stream)["sd_reconciled"] == pytest.approx(weights.sum() ** -0.5, rel=1e-9)
        assert flow(result, stream)["classification"] == "redundant"
    objective = float(weights @ (np.array([100, 96, 104]) - mean) ** 2)
    assert result.test["objective"][0] == pytest.approx(objective)
    assert result.test["degrees_of_freedom"][0] == 2
    assert result.passed
    before = dict(result.balances.select("node", "before").iter_rows())
    assert (before["A"], before["B"]) == (pytest.approx(4), pytest.approx(-8))
    assert result.balances["relative_after"].max() < 1e-9


def test_every_number_is_explained() -> None:
    """Flow, residual and objective recompute from their parts to 1e-9."""
    result = reconcile(chain(), CATALOGUE).with_run("R7")
    keys = [f"flow:{number}" for number in result.flows["edge"]]
    keys += [f"{side}:{number}" for number in result.balances["balance"] for side in ("before", "after")]
    for key in [*keys, "objective"]:
        explained = result.explain(key)
        assert explained.recompute() == pytest.approx(explained.value, rel=1e-9, abs=1e-9)
    reading = result.explain("flow:1")
    assert reading.inputs[0].value == 96.0
    assert all(part.reference.startswith("R7-before:") for part in reading.inputs[1:])
    with pytest.raises(KeyError):
        result.explain("flow:99")


def test_the_result_survives_its_store() -> None:
    """What is stored and read again is the same result."""
    result = reconcile(chain(), CATALOGUE)
    outcome, frames = result.to_store()
    again = Reconciliation.from_store("R3", outcome, frames)
    assert again.run == "R3"
    assert again.flows.equals(result.flows)
    assert again.explain("objective").value == result.explain("objective").value
    assert result.to_json()["test"][0]["passed"] is True


def test_an_unmeasured_flow_is_worked_out_or_left_open() -> None:
    """One unknown in a balance is determined; two that stand in the same balance only are not, and get no number."""
    network = layered(
        [
            edge("IN", "A", 100.0, sd=1.0, stream="in"),
            edge("A", "B", None, notation="NE", stream="between"),
            edge("B", "OUT", 90.0, sd=1.0, stream="out"),
            edge("B", "AIR", None, notation="NE", stream="loss"),
        ]
    )
    result = reconcile(with_unknown(network), CATALOGUE)
    between = flow(result, "between")
    assert (between["classification"], between["verdict"]) == ("observable", "worked_out")
    assert between["reconciled"] == pytest.approx(100)
    assert between["sd_reconciled"] == pytest.approx(1)
    assert flow(result, "loss")["reconciled"] == pytest.approx(10)
    assert result.explain("flow:3").recompute() == pytest.approx(10, rel=1e-9)
    assert flow(result, "in")["classification"] == "nonredundant"
    open_ended = layered(
        [
            edge("IN", "A", 100.0, sd=1.0, stream="in"),
            edge("A", "OUT", None, notation="NE", stream="one"),
            edge("A", "AIR", None, notation="C", stream="other"),
        ]
    )
    free = reconcile(with_unknown(open_ended), CATALOGUE)
    for stream in ("one", "other"):
        row = flow(free, stream)
        assert (row["reconciled"], row["sd_reconciled"], row["classification"]) == (None, None, "unobservable")
    with pytest.raises(KeyError):
        free.explain("flow:1")


def test_all_layers_at_once_move_one_amount() -> None:
    """An amount is one number in all layers: carbon's balance corrects the mass of the flow that carries it."""
    content = {"mass": 1.0, "carbon": 0.5}
    network = layered(
        [
            edge("IN", "A", 100.0, sd=1.0, content=content, stream="coal"),
            edge("IN", "A", 50.0, sd=1.0, content={"mass": 1.0, "carbon": 0.0}, stream="water"),
            edge("A", "OUT", 140.0, sd=1.0, content={"mass": 1.0, "carbon": 0.35}, stream="product"),
        ],
        layers=("mass", "carbon"),
    )
    result = reconcile(network, CATALOGUE, level="firm")
    amounts = dict(result.flows.select("stream", "reconciled").iter_rows())
    assert amounts["coal"] + amounts["water"] == pytest.approx(amounts["product"], rel=1e-10)
    assert 0.5 * amounts["coal"] == pytest.approx(0.35 * amounts["product"], rel=1e-10)
    only = reconcile(network, CATALOGUE, layers=["mass"])
    assert set(only.balances["layer"]) == {"mass"}
    assert set(only.flows["layers"]) == {"mass"}


def test_uncertain_contents_are_adjusted_too() -> None:
    """A content with a range takes its share of the misfit; with exact contents the amounts alone do."""
    network = layered(
        [
            edge("IN", "A", 100.0, sd=1.0, content={"carbon": (0.5, 0.05)}, stream="coal"),
            edge("A", "AIR", 45.0, sd=0.5, content={"carbon": 1.0}, stream="stack"),
        ],
        layers=("carbon",),
    )
    result = reconcile(network, CATALOGUE)
    content = result.contents.row(0, named=True)
    coal, stack = flow(result, "coal"), flow(result, "stack")
    assert coal["reconciled"] * content["reconciled"] == pytest.approx(stack["reconciled"], rel=1e-9)
    assert content["adjustment"] < 0
    assert abs(content["adjustment"] / 0.05) > abs(coal["adjustment"] / 1.0)
    # to first order the misfit of 5 is shared by variances (50 * 0.1)^2 : 0.5^2 : 0.5^2
    assert stack["reconciled"] == pytest.approx(45 + 5 * 0.25 / 25.5, rel=0.01)
    assert result.explain(f"content:{content['key']}").recompute() == pytest.approx(content["reconciled"], rel=1e-9)
    values = dict(result.layer("carbon").select("edge", "value").iter_rows())
    assert values[0] == pytest.approx(values[1], rel=1e-9)
    fixed = reconcile(network, CATALOGUE, contents=False)
    assert fixed.contents.is_empty()
    assert flow(fixed, "coal")["reconciled"] * 0.5 == pytest.approx(flow(fixed, "stack")["reconciled"], rel=1e-9)


def test_assumed_ranges_are_told() -> None:
    """Without a stated range the catalogue's assumption by method counts, is listed, and can be changed."""
    network = layered(
        [
            edge("IN", "A", 100.0, method="metered", stream="in"),
            edge("A", "OUT", 90.0, method="estimated", stream="out"),
        ]
    )
    result = reconcile(network, CATALOGUE)
    widths = half_widths()
    assert flow(result, "in")["sd_raw"] == pytest.approx(100 * widths["metered"] / NORMAL)
    assert flow(result, "out")["sd_raw"] == pytest.approx(90 * widths["estimated"] / NORMAL)
    assert result.flows["assumed"].all()
    said = next(remark for remark in result.remarks if remark.code == "assumed_ranges")
    assert "metered ±2% (1)" in said.text("en")
    assert "估算" in said.text("zh")
    assert set(assumed_ranges()["status"]) == {"unverified"}
    changed = reconcile(network, CATALOGUE, assumed={"metered": 0.5, "estimated": 0.001})
    assert flow(changed, "in")["reconciled"] == pytest.approx(90, rel=0.01)
    with pytest.raises(ValueError, match="unknown method 'guessed'"):
        reconcile(network, CATALOGUE, assumed={"guessed": 0.1})


def test_contradictory_exact_flows_name_the_node() -> None:
    """Exact flows that do not meet are an error with the node, the layer and both sides, in both languages."""
    network = layered([edge("IN", "A", 100.0, sd=0.0), edge("A", "B", 90.0, sd=0.0), edge("B", "OUT", 90.0, sd=1.0)])
    with pytest.raises(InputError) as caught:
        reconcile(network, CATALOGUE)
    problem = caught.value.problems[0]
    assert problem.code == "exact_contradiction"
    assert problem.place == "A, mass"
    cause, remedy = problem.describe("en")
    assert cause.startswith("A cannot balance in mass (2022): 100 t comes in and 90 t goes out")
    assert "range" in remedy
    assert "无法平衡" in problem.describe("zh")[0]


def codes(result: Reconciliation) -> set[str]:
    return {remark.code for remark in result.remarks}


def said(result: Reconciliation, code: str, language: str = "en") -> str:
    return next(remark.text(language) for remark in result.remarks if remark.code == code)


def test_what_cannot_be_checked_is_told_with_names() -> None:
    """Separate networks, nodes that only receive or only send, and a park without any uncertainty."""
    network = layered(
        [
            edge("IN", "A", 10.0, sd=1.0),
            edge("A", "B", 10.0, sd=1.0),
            edge("B", "OUT", 9.0, sd=1.0),
            edge("IN", "C", 5.0, sd=1.0),
            edge("D", "OUT", 5.0, sd=1.0),
        ]
    )
    result = reconcile(network, CATALOGUE)
    assert {"separate_networks", "only_receives", "only_sends"} <= codes(result)
    assert "3 separate networks" in said(result, "separate_networks")
    assert "C, D" in said(result, "separate_networks")
    assert "C (mass)" in said(result, "only_receives")
    assert "D (mass)" in said(result, "only_sends")
    assert "只" in said(result, "only_receives", "zh")
    exact = layered([edge("IN", "A", 10.0, sd=0.0), edge("A", "OUT", 10.0, sd=0.0)])
    assert "zero_uncertainty" in codes(reconcile(exact, CATALOGUE))
    nothing = layered([edge("IN", "C", 5.0, sd=1.0)])
    assert "no_balance" in codes(reconcile(nothing, CATALOGUE))


def test_what_has_no_layer_is_told() -> None:
    """A flow that could not be brought to the layer leaves its balances untested, by name."""
    network = chain()
    unknown = pl.DataFrame(
        [{"edge": 1, "stream": "between", "layer": "mass", "reason": "no_property", "quantity": "density",
          "commodity": "material", "source": "A", "target": "B", "coefficient": None}], schema=network.unknown.schema,
    )  # fmt: skip
    network = replace(network, unknown=unknown, values=network.values.filter(pl.col("edge") != 1))
    result = reconcile(network, CATALOGUE)
    assert "not_in_layer" in codes(result)
    assert {"A", "B"}.isdisjoint(result.balances["node"])


def test_a_gross_error_is_listed_with_its_stream() -> None:
    """A wrong meter among consistent ones: the global test fails and the flow that would explain it is named."""
    network = layered(
        [
            edge("IN", "A", 100.0, sd=1.0, stream="in"),
            edge("A", "B", 100.0, sd=1.0, stream="first"),
            edge("B", "C", 130.0, sd=1.0, stream="wrong"),
            edge("C", "OUT", 100.0, sd=1.0, stream="out"),
        ]
    )
    result = reconcile(network, CATALOGUE)
    assert not result.passed
    assert {"global_test", "one_error"} <= codes(result)
    first = result.suspects.row(0, named=True)
    assert (first["kind"], first["stream"], first["explains"]) == ("flow", "wrong", True)
    assert first["size"] == pytest.approx(30)
    assert flow(result, "wrong")["verdict"] == "suspicious"
    assert result.eliminated["stream"].to_list() == ["wrong"]


def test_a_store_takes_part() -> None:
    """What comes in is what goes out and what the stock gains."""
    network = layered(
        [edge("IN", "A", 100.0, sd=1.0, stream="in"), edge("A", "OUT", 88.0, sd=1.0, stream="out")],
        stocks=[
            {"node": "A", "commodity": "material", "layer": "mass", "coefficient": 0, "period_start": date(2022, 1, 1),
             "amount": 10.0, "unit": "t", "value": 10.0, "sd": 1.0, "sd_amount": 1.0, "first": date(2022, 1, 1),
             "last": date(2023, 1, 1)}
        ],
    )  # fmt: skip
    result = reconcile(network, CATALOGUE)
    stock = result.stocks.row(0, named=True)
    assert stock["reconciled"] == pytest.approx(10 + 2 / 3)
    assert flow(result, "in")["reconciled"] == pytest.approx(100 - 2 / 3)
    assert result.explain(f"stock:{stock['variable']}").recompute() == pytest.approx(stock["reconciled"])


def test_flows_of_one_group_keep_their_ratio() -> None:
    """A correlation group is one error."""
    network = layered(
        [
            edge("IN", "A", 100.0, sd=0.1, stream="in"),
            edge("A", "B", 40.0, sd=4.0, stream="one", correlation_group="meter"),
            edge("A", "OUT", 50.0, sd=5.0, stream="two", correlation_group="meter"),
            edge("B", "OUT", 40.0, sd=40.0, stream="rest"),
        ]
    )
    result = reconcile(network, CATALOGUE)
    assert flow(result, "one")["reconciled"] / flow(result, "two")["reconciled"] == pytest.approx(0.8, rel=1e-6)
    for number in result.flows["edge"]:
        explained = result.explain(f"flow:{number}")
        assert explained.recompute() == pytest.approx(explained.value, rel=1e-9, abs=1e-9)


def test_nested_nodes_close_on_every_level() -> None:
    """Processes inside a firm: its own balance and theirs hold together, and no balance counts twice."""
    network = layered(
        [
            edge("IN", "p1", 100.0, sd=2.0, stream="in"),
            edge("p1", "p2", 94.0, sd=2.0, stream="inner"),
            edge("p2", "OUT", 97.0, sd=2.0, stream="out"),
        ],
        parents={"p1": "F", "p2": "F"},
        kinds={"p1": "process", "p2": "process"},
    )
    firm, process = reconcile(network, CATALOGUE, level="firm"), reconcile(network, CATALOGUE, level="process")
    assert flow(firm, "inner")["classification"] == "nonredundant"
    assert flow(firm, "in")["reconciled"] == pytest.approx(98.5)
    assert [flow(process, name)["reconciled"] for name in ("in", "inner", "out")] == pytest.approx([97] * 3)
    assert process.test["degrees_of_freedom"][0] == 2
    assert len(firm.balances) == 1


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000))
def test_reconciled_networks_balance(seed: int) -> None:
    """Draw the balances of the reconciled network anew: every one that was used closes to 1e-9."""
    random = np.random.default_rng(seed)
    names = ["A", "B", "C", "D"]
    edges = []
    for node in names:
        edges.append(edge("IN", node, float(random.uniform(5, 20)), sd=1.0))
        edges.append(edge(node, "OUT", float(random.uniform(5, 20)), sd=1.0))
    for _ in range(6):
        source, target = random.choice(names, 2, replace=False)
        amount = float(random.uniform(1, 10))
        content = {"mass": 1.0, "carbon": float(random.uniform(0.1, 0.9))}
        edges.append(edge(str(source), str(target), amount, sd=0.1 * amount, content=content))
    for item in edges[:8]:
        item["content"] = {"mass": 1.0, "carbon": (0.4, 0.02)}
    network = layered(edges, layers=("mass", "carbon"))
    result = reconcile(network, CATALOGUE)
    values = network.values.drop("value", "sd").join(
        result.values, on=["edge", "layer"], how="left", maintain_order="left"
    ).select(network.values.columns)  # fmt: skip
    rows = draw_balances(replace(network, values=values), CATALOGUE).rows
    used = rows.join(result.balances.select("node", "layer"), on=["node", "layer"], how="semi")
    assert used.height == result.balances.height
    worst = (used["residual"].abs() / pl.Series(np.maximum(used["inflow"], used["outflow"]))).max()
    assert worst < 1e-9  # type: ignore[operator]
    for number in result.flows["edge"]:
        explained = result.explain(f"flow:{number}")
        assert explained.recompute() == pytest.approx(explained.value, rel=1e-9, abs=1e-9)


def small_record() -> Record:
    """A firm with monthly coal meters and a yearly slag, a part of the coal metered apart, and an unmeasured rest."""
    months = [
        {"id": f"coal-{m}", "stream": "coal", "period_start": date(2022, m, 1),
         "period_end": date(2022 + m // 12, m % 12 + 1, 1), "amount": 10.0 + m, "unit": "t", "low": 9.0 + m,
         "high": 11.0 + m, "method": "metered", "evidence": "meter"}
        for m in range(1, 13)
    ]  # fmt: skip
    year = {"period_start": date(2022, 1, 1), "period_end": date(2023, 1, 1), "unit": "t"}
    return Record.of(
        nodes=[
            {"id": "park", "kind": "park", "name_en": "Park", "name_zh": "园区"},
            {"id": "works", "kind": "firm", "parent": "park", "name_en": "Works", "name_zh": "工厂"},
            {"id": "mill", "kind": "process", "parent": "works", "name_en": "Mill", "name_zh": "磨"},
            {"id": "market", "kind": "market", "name_en": "Market", "name_zh": "市场"},
        ],
        commodities=[{"id": "ore", "name_en": "Ore", "name_zh": "矿石", "group": "material", "unit": "t"}],
        streams=[
            {"id": "coal", "source": "market", "target": "works", "commodity": "ore", "activity": "supply"},
            {"id": "to_mill", "source": "market", "target": "mill", "commodity": "ore", "activity": "supply",
             "part_of": "coal"},
            {"id": "slag", "source": "works", "target": "market", "commodity": "ore", "activity": "supply"},
        ],
        evidence=[{"id": "meter", "title": "Meter"}],
        flows=[
            *months,
            {"id": "mill-2022", "stream": "to_mill", "amount": 50.0, "low": 49.0, "high": 51.0, "method": "metered",
             **year},
            {"id": "slag-2022", "stream": "slag", "amount": 205.0, "low": 203.0, "high": 207.0, "method": "metered",
             **year},
        ],
    )  # fmt: skip


def test_reconciled_flows_stand_beside_the_raw_ones() -> None:
    """Rows for the record: months scaled by one ratio, wholes with their parts, ranges, evidence and the run's name."""
    record = small_record()
    result = reconcile(layered_flows(record, CATALOGUE, 2022), CATALOGUE, layers=["mass"]).with_run("R9")
    rows = result.as_flows(record)
    assert rows.schema == record.flows.schema
    assert set(rows["method"]) == {"reconciled"}
    coal = rows.filter(pl.col("stream") == "coal")
    assert coal.height == 12
    ratios = coal["amount"] / pl.Series([10.0 + m for m in range(1, 13)])
    assert ratios.max() == pytest.approx(ratios.min(), rel=1e-12)  # type: ignore[arg-type]
    slag = rows.filter(pl.col("stream") == "slag").row(0, named=True)
    assert coal["amount"].sum() == pytest.approx(slag["amount"], rel=1e-9)
    assert 198 < slag["amount"] < 205
    assert slag["low"] < slag["amount"] < slag["high"]
    assert coal["correlation_group"].n_unique() == 1
    assert set(coal["evidence"]) == {"meter"}
    assert "R9: coal-1 = 11 t" in coal["note"].to_list()
    assert rows["id"].n_unique() == rows.height
    # written beside the raw ones, they are what counts, and reconciling the raw record again gives the same
    both = record.replace(flows=pl.concat([record.flows, rows]))
    effective = layered_flows(both, CATALOGUE, 2022)
    assert set(effective.edges.filter(pl.col("stream") != "to_mill")["method"]) == {"reconciled"}
    again = reconcile(layered_flows(without_reconciled(both), CATALOGUE, 2022), CATALOGUE, layers=["mass"])
    assert again.flows.select("stream", "reconciled").equals(result.flows.select("stream", "reconciled"))


def test_flows_beyond_the_period_are_not_written() -> None:
    """A reconciled year must not take the place of a flow of three years: it is listed instead."""
    record = small_record()
    long = record.flows.with_columns(
        pl.when(pl.col("id") == "slag-2022").then(pl.lit(date(2024, 1, 1))).otherwise("period_end").alias("period_end")
    )
    result = reconcile(layered_flows(record.replace(flows=long), CATALOGUE, 2022), CATALOGUE, layers=["mass"])
    assert "slag" not in result.as_flows(record)["stream"].to_list()
    assert unwritten(result)["flow"].to_list() == ["slag-2022"]
