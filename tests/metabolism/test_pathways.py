"""Where something comes from and goes to: mixing by hand, loops, unexplained rests, paths, shares that sum to one."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecopark.metabolism.flows import LayeredFlows
from ecopark.metabolism.tracing.pathways import Pathways, follow
from ecopark.model.problems import InputError
from tests.metabolism.build import layered


def flows_of(*edges: tuple[Any, ...], **more: Any) -> LayeredFlows:
    """Edges as (source, target, amount, commodity) with the amount as the layer's value."""
    return layered(
        [{"source": e[0], "target": e[1], "amount": e[2], "commodity": e[3] if len(e) > 3 else "brine"} for e in edges],
        layers=("chlorine",),
        **more,
    )


def stock(node: str, value: float) -> dict[str, Any]:
    day = date(2022, 1, 1)
    return {"node": node, "commodity": "brine", "layer": "chlorine", "coefficient": 0, "period_start": day,
            "amount": value, "unit": "t", "value": value, "sd": None, "sd_amount": None, "first": day,
            "last": day}  # fmt: skip


def shares(result: Pathways, column: str = "stream") -> dict[str, float]:
    return dict(result.by(column).select(column, "share").rows())


def sums_to_one(result: Pathways) -> None:
    assert result.shares["share"].sum() == pytest.approx(1.0, abs=1e-12)
    assert result.shares["amount"].sum() == pytest.approx(result.total, rel=1e-12)


OUTFALL = flows_of(
    ("IN", "salt", 60.0), ("IN", "acid", 30.0), ("salt", "plant", 40.0), ("salt", "OUT", 20.0),
    ("acid", "plant", 30.0), ("IN", "plant", 10.0), ("plant", "RIVER", 80.0),
)  # fmt: skip


def test_the_outfalls_chloride_comes_from_its_sources_in_proportion() -> None:
    """80 t leave a plant that mixes 40 of salt, 30 of acid and 10 of its own make-up: 50, 37.5 and 12.5 %."""
    result = follow(OUTFALL, "chlorine", "upstream", stream="s6")
    assert shares(result) == pytest.approx({"s0": 0.5, "s1": 0.375, "s5": 0.125})
    assert result.total == 80
    sums_to_one(result)
    by_node = follow(OUTFALL, "chlorine", "upstream", node="RIVER")
    assert shares(by_node) == pytest.approx(shares(result))


def test_downstream_of_a_source_splits_by_outflow() -> None:
    """A third of the salt leaves with the product, two thirds end in the river."""
    result = follow(OUTFALL, "chlorine", "downstream", stream="s0")
    assert shares(result) == pytest.approx({"s3": 1 / 3, "s6": 2 / 3})
    assert dict(result.by("node").select("node", "amount").rows()) == pytest.approx({"OUT": 20.0, "RIVER": 40.0})
    sums_to_one(result)


def test_a_loop_is_followed_to_its_end_and_its_turns_are_counted() -> None:
    """Half of what passes B returns to A: all comes from outside; paths of 0, 1, 2 turns carry 1/2, 1/4, 1/8."""
    flows = flows_of(("IN", "A", 10.0), ("A", "B", 20.0), ("B", "A", 10.0), ("B", "OUT", 10.0))
    result = follow(flows, "chlorine", "upstream", stream="s3", paths=3)
    assert shares(result) == {"s0": pytest.approx(1.0, abs=1e-12)}
    assert result.paths["share"].to_list() == pytest.approx([1 / 2, 1 / 4, 1 / 8])
    assert result.paths["turns"].to_list() == [0, 2, 4]  # each round comes back to A and to B
    first = result.steps.filter(pl.col("path") == 1)
    assert first.select("source", "target").rows() == [("IN", "A"), ("A", "B"), ("B", "OUT")]
    second = result.steps.filter(pl.col("path") == 2)
    assert second["source"].to_list() == ["IN", "A", "B", "A", "B"]
    through = dict(result.stations.select("node", "amount").rows())
    assert through == pytest.approx({"A": 20.0, "B": 20.0})  # each unit passes twice on average


def test_downstream_paths_run_from_origin_to_destination() -> None:
    """The steps of a downstream path start at the stream that is asked about."""
    result = follow(OUTFALL, "chlorine", "downstream", stream="s0", paths=5)
    assert result.paths["share"].to_list() == pytest.approx([2 / 3, 1 / 3])
    assert result.steps.filter(pl.col("path") == 1).select("source", "target").rows() == [
        ("IN", "salt"), ("salt", "plant"), ("plant", "RIVER")
    ]  # fmt: skip


def test_from_the_river_to_the_river_is_no_turn() -> None:
    """Only coming back to a station of the network is a turn: a river that is source and outfall is none."""
    flows = flows_of(("RIVER", "A", 9.0), ("A", "RIVER", 9.0))
    assert follow(flows, "chlorine", "upstream", node="RIVER").paths["turns"].to_list() == [0]


def test_the_paths_are_the_largest_ones() -> None:
    """In a mesh with loops, the k paths found are those of a full enumeration, in order."""
    random = np.random.default_rng(3)
    names = "ABCD"
    edges = [("IN", n, float(random.uniform(1, 5))) for n in names] + [
        (n, "OUT", float(random.uniform(1, 5))) for n in names
    ]
    edges += [(a, b, float(random.uniform(0.5, 9))) for a in names for b in names if a != b]
    result = follow(flows_of(*edges), "chlorine", "upstream", node="D", paths=12)
    every: list[float] = []
    inflow = {n: sum(v for _, t, v in edges if t == n) for n in names}
    outflow = {n: sum(v for s, _, v in edges if s == n) for n in names}
    through = {n: max(inflow[n], outflow[n]) for n in names}

    def walk(node: str, weight: float, depth: int) -> None:
        rest = through[node] - inflow[node]
        if rest > 1e-9:
            every.append(weight * rest / through[node])
        for source, target, value in edges:
            if target == node:
                part = weight * value / through[node]
                if source == "IN":
                    every.append(part)
                elif depth:
                    walk(source, part, depth - 1)

    walk("D", through["D"], 6)
    assert result.paths["amount"].to_list() == pytest.approx(sorted(every, reverse=True)[:12])


def test_what_cannot_be_explained_is_a_named_origin() -> None:
    """B sends 10 but receives 6: 40 % of what it sends comes from an unexplained inflow, at B."""
    flows = flows_of(("IN", "A", 6.0), ("A", "B", 6.0), ("B", "OUT", 10.0))
    result = follow(flows, "chlorine", "upstream", stream="s2")
    assert shares(result, "kind") == pytest.approx({"outside": 0.6, "unexplained": 0.4})
    row = result.shares.row(by_predicate=pl.col("kind") == "unexplained", named=True)
    assert (row["node"], row["amount"]) == ("B", pytest.approx(4.0))
    sums_to_one(result)


def test_losses_stocks_and_rules_are_named_ends() -> None:
    """Of 10, A loses 1 without word and stores 2; B's 7 leave by rule: 10, 20 and 70 %."""
    flows = layered(
        [
            {"source": "IN", "target": "A", "amount": 10.0, "commodity": "coal"},
            {"source": "A", "target": "B", "amount": 7.0, "commodity": "coal"},
            {"source": "B", "target": "AIR", "amount": 7.0, "commodity": "coal", "implied": "combustion_carbon"},
        ],
        layers=("carbon",),
        stocks=[stock("A", 2.0) | {"layer": "carbon", "commodity": "coal"}],
    )
    result = follow(flows, "carbon", "downstream", node="A")
    assert shares(result, "kind") == pytest.approx({"implied": 0.7, "stock": 0.2, "unexplained": 0.1})
    assert result.shares.row(0, named=True)["disposition"] == "combustion_carbon"
    sums_to_one(result)


def test_stock_drawn_down_is_an_origin() -> None:
    """A quarter of what A sends is drawn from its store."""
    flows = flows_of(("IN", "A", 6.0), ("A", "OUT", 8.0), stocks=[stock("A", -2.0)])
    result = follow(flows, "chlorine", "upstream", stream="s1")
    assert shares(result, "kind") == pytest.approx({"outside": 0.75, "stock": 0.25})


def test_a_commodity_that_is_passed_on_counts_once() -> None:
    """100 of brine go through A to B: asked upstream it is the 100 that B uses, downstream the 100 that enter."""
    flows = flows_of(("IN", "A", 100.0), ("A", "B", 100.0), ("B", "OUT", 100.0, "salt"))
    assert follow(flows, "chlorine", "upstream", commodity="brine").total == pytest.approx(100.0)
    down = follow(flows, "chlorine", "downstream", commodity="brine")
    assert down.total == pytest.approx(100.0)
    assert shares(down, "commodity") == pytest.approx({"salt": 1.0})


def test_a_nodes_commodity_and_a_node_outside() -> None:
    """What A sends of brine has A's mix; the market's supply can be followed too."""
    flows = flows_of(("IN", "A", 3.0, "salt"), ("IN", "A", 1.0, "acid"), ("A", "OUT", 2.0), ("A", "RIVER", 2.0, "slop"))
    result = follow(flows, "chlorine", "upstream", node="A", commodity="brine")
    assert result.total == 2.0
    assert shares(result, "commodity") == pytest.approx({"salt": 0.75, "acid": 0.25})
    market = follow(flows, "chlorine", "downstream", node="IN", commodity="salt")
    assert shares(market, "node") == pytest.approx({"OUT": 0.5, "RIVER": 0.5})


def test_a_stream_that_crosses_on_its_own_is_its_own_origin() -> None:
    """Upstream of a purchase is the purchase."""
    result = follow(OUTFALL, "chlorine", "upstream", stream="s1")
    assert shares(result) == {"s1": 1.0}
    assert result.paths["share"].to_list() == [1.0]
    assert result.explain("amount:0").recompute() == pytest.approx(30.0)


def test_a_loop_that_nothing_enters_is_refused_by_name() -> None:
    """What only circulates has no origin; asked about something else, the loop does not matter."""
    flows = flows_of(("A", "B", 5.0), ("B", "A", 5.0), ("IN", "C", 2.0), ("C", "OUT", 2.0))
    with pytest.raises(InputError, match=r"A, B|B, A"):
        follow(flows, "chlorine", "upstream", stream="s0")
    sums_to_one(follow(flows, "chlorine", "upstream", stream="s3"))


def test_what_does_not_flow_is_told() -> None:
    """A stream without a value in the layer, nothing asked, an unknown layer."""
    with pytest.raises(InputError, match="unobtainium"):
        follow(OUTFALL, "chlorine", commodity="unobtainium")
    with pytest.raises(InputError):
        follow(OUTFALL, "chlorine")
    with pytest.raises(KeyError):
        follow(OUTFALL, "mercury", stream="s0")


def test_every_number_explains_itself() -> None:
    """Formulas give the numbers again to 1e-9, and lead on to what passes each station."""
    flows = flows_of(("IN", "A", 10.0), ("A", "B", 20.0), ("B", "A", 9.0), ("B", "OUT", 10.0), ("IN", "B", 1.0))
    for direction in ("upstream", "downstream"):
        result = follow(flows, "chlorine", direction, commodity="brine").with_run("R4")  # type: ignore[arg-type]
        keys = ["total", *(f"{kind}:{n}" for kind in ("amount", "share") for n in range(result.shares.height)),
                *(f"through:{node}" for node in result.stations["node"])]  # fmt: skip
        for key in keys:
            explanation = result.explain(key)
            assert explanation.recompute() == pytest.approx(explanation.value, rel=1e-9), (direction, key)
            for item in explanation.inputs:
                if item.reference.startswith("R4-"):
                    assert result.explain(item.reference.removeprefix("R4-")).value == pytest.approx(item.value) or (
                        item.reference.startswith("R4-through")
                    )
    with pytest.raises(KeyError):
        result.explain("amount:99")


NODES = "ABCDEF"
random_edges = st.lists(
    st.tuples(st.sampled_from([*NODES, "IN"]), st.sampled_from([*NODES, "OUT"]), st.floats(0.01, 1000.0)),
    min_size=1, max_size=30,
)  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(random_edges, st.sampled_from(["upstream", "downstream"]), st.integers(0, 29), st.floats(0.1, 50.0))
def test_shares_sum_to_one(drawn: list[tuple[str, str, float]], direction: Any, which: int, scale: float) -> None:
    """For any network and stream the shares sum to one to 1e-12, do not change with the scale, and paths are within."""
    flows = flows_of(*drawn)
    stream = f"s{which % len(drawn)}"
    source, target, _ = drawn[which % len(drawn)]
    if source == target or (source, target) == ("IN", "OUT"):
        return
    try:
        result = follow(flows, "chlorine", direction, stream=stream, paths=4)
    except InputError:  # a loop that nothing enters; the scaled network has it too
        with pytest.raises(InputError):
            follow(flows_of(*((s, t, v * scale) for s, t, v in drawn)), "chlorine", direction, stream=stream)
        return
    sums_to_one(result)
    assert result.paths["share"].sum() <= 1 + 1e-9
    assert result.paths["share"].is_sorted(descending=True) or result.paths["share"].diff().drop_nulls().max() < 1e-12
    scaled = follow(flows_of(*((s, t, v * scale) for s, t, v in drawn)), "chlorine", direction, stream=stream)
    assert shares(scaled, "edge") == pytest.approx(shares(result, "edge"), rel=1e-6, abs=1e-9)


@settings(max_examples=20, deadline=None)
@given(random_edges)
def test_the_level_of_the_park_makes_one_station(drawn: list[tuple[str, str, float]]) -> None:
    """With one station for all, what leaves comes from what enters by amount: aggregation of flows, not of traces."""
    if not any(s == "IN" and t != "OUT" for s, t, _ in drawn) or not any(t == "OUT" and s != "IN" for s, t, _ in drawn):
        return
    result = follow(flows_of(*drawn), "chlorine", "upstream", node="OUT", level="park")
    entering = sum(v for s, t, v in drawn if s == "IN" and t != "OUT")
    leaving = sum(v for s, t, v in drawn if t == "OUT" and s != "IN")
    outside = result.shares.filter(pl.col("kind") == "outside")["share"].sum()
    assert outside == pytest.approx(min(1.0, entering / leaving), rel=1e-9)
    sums_to_one(result)
