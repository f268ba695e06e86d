"""What is said of a balance must not be more than the record holds: verdicts, boundaries of parts, shared errors."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import polars as pl
import pytest

from ecopark.catalogue import load_catalogue
from ecopark.metabolism.balances.balances import BOUNDARY, Balances, draw_balances
from ecopark.metabolism.flows import layered_flows
from ecopark.model.record import Record
from tests.metabolism.build import layered
from tests.metabolism.test_balances import drawn, edge, row
from tests.metabolism.test_flows import flow, stream

CATALOGUE = load_catalogue()


def with_gaps(edges: list[dict[str, Any]], gaps: list[tuple[int, str]], layer: str = "mass", **more: Any) -> Balances:
    """Draw a network of which some edges lack a value in the layer: (edge, reason)."""
    network = layered(edges, **more)
    rows = [
        (n, f"s{n}", layer, reason, "", "material", edges[n]["source"], edges[n]["target"], None) for n, reason in gaps
    ]
    unknown = pl.DataFrame(rows, schema=network.unknown.schema, orient="row")
    return draw_balances(replace(network, unknown=unknown), CATALOGUE)


def test_an_outflow_that_is_not_estimated_is_no_missing_side() -> None:
    """100 t in and an outflow of unknown size: incomplete, for the other side is in the record."""
    balances = with_gaps([edge("IN", "A", 100.0), edge("A", "OUT", None, notation="NE")], [(1, "no_amount")])
    assert row(balances, "A")["verdict"] == "incomplete"


def test_a_node_of_which_nothing_is_known_has_a_balance_that_says_so() -> None:
    """A firm with flows of unknown size only is not left out."""
    balances = with_gaps([edge("IN", "A", None, notation="NE")], [(0, "no_amount")])
    found = row(balances, "A")
    assert (found["unknown"], found["edges"], found["verdict"]) == (1, 0, "incomplete")


def test_zeros_close_nothing_where_contents_are_not_stated() -> None:
    """No chlorine in what is known, and a waste nobody analysed: not closed, incomplete."""
    content = {"mass": 1.0, "chlorine": 0.0}
    edges = [edge("IN", "A", 100.0, content=content), edge("A", "OUT", 100.0, content={"mass": 1.0})]
    balances = with_gaps(edges, [(1, "unstated")], "chlorine", layers=("mass", "chlorine"))
    assert row(balances, "A", "chlorine")["verdict"] == "incomplete"


@pytest.mark.parametrize(("waste", "verdict"), [(200.0, "incomplete"), (20.0, "one_sided")])
def test_contents_that_could_be_the_other_side(waste: float, verdict: str) -> None:
    """50 t of chlorine come in: 200 t of waste without a content could hold them, 20 t could not."""
    edges = [edge("IN", "A", 100.0, content={"mass": 1.0, "chlorine": 0.5}),
             edge("A", "OUT", waste, content={"mass": 1.0})]  # fmt: skip
    balances = with_gaps(edges, [(1, "unstated")], "chlorine", layers=("mass", "chlorine"))
    assert row(balances, "A", "chlorine")["verdict"] == verdict


def test_a_measured_outflow_beside_a_rule_is_a_test() -> None:
    """80 t leave by rule and 20 t of slag are weighed: the balance closes, not only by rule."""
    edges = [edge("IN", "A", 100.0), edge("A", "AIR", 80.0, implied="flue_gas", variable=0), edge("A", "OUT", 20.0)]
    assert row(drawn(edges), "A")["verdict"] == "closed"


def test_errors_that_cancel_leave_no_range() -> None:
    """The same correlated meter in and out cancels; a residual of flows beside it has no range to be judged by."""
    edges = [
        edge("IN", "A", 50.0, sd=1.0, correlation_group="m"), edge("A", "OUT", 50.0, sd=1.0, correlation_group="m"),
        edge("IN", "A", 5.0),
    ]  # fmt: skip
    found = row(drawn(edges), "A")
    assert (found["residual"], found["sd"], found["verdict"]) == (5.0, None, "no_range")


def test_flows_stated_as_exact_that_contradict_each_other_are_open() -> None:
    """A range of no width is a statement: 100 exactly in and 90 exactly out do not close."""
    found = row(drawn([edge("IN", "A", 100.0, sd=0.0), edge("A", "OUT", 90.0, sd=0.0)]), "A")
    assert (found["sd"], found["verdict"]) == (0.0, "open")


def test_what_is_stored_has_the_content_of_what_came() -> None:
    """All of an uncertain coal goes into store: its carbon's error is the same on both sides and cancels."""
    stock = {"node": "A", "commodity": "material", "layer": "carbon", "coefficient": 0, "value": 50.0, "sd": 5.0,
             "period_start": date(2022, 1, 1), "amount": 100.0, "unit": "t", "sd_amount": 2.0,
             "first": date(2022, 1, 1), "last": date(2023, 1, 1)}  # fmt: skip
    balances = drawn([edge("IN", "A", 100.0, content={"carbon": (0.5, 0.05)})], layers=("carbon",), stocks=[stock])
    assert row(balances, "A", "carbon")["sd"] == pytest.approx(0.5 * 2.0)


NODES = [
    {"id": "p", "kind": "park"}, {"id": "q", "kind": "park"},
    {"id": "z", "parent": "p", "kind": "zone"}, {"id": "a", "parent": "z", "kind": "firm"},
    {"id": "b", "parent": "z", "kind": "firm"}, {"id": "c", "parent": "q", "kind": "firm"},
    {"id": "r", "parent": "a", "kind": "process"}, {"id": "s", "parent": "a", "kind": "process"},
    {"id": "market", "kind": "market"},
]  # fmt: skip


def bounded(boundary: str, streams: list[dict[str, Any]], amounts: list[float], **more: Any) -> Balances:
    record = Record.of(
        nodes=NODES, streams=streams, flows=[flow(s["id"], v, "t") for s, v in zip(streams, amounts, strict=True)],
        **more,
    )  # fmt: skip
    return draw_balances(layered_flows(record, CATALOGUE, 2022, boundary=boundary), CATALOGUE)


def test_a_virtual_park_of_two_sites_is_one_boundary() -> None:
    """What goes from one site to the other crosses both, and not the boundary of the whole."""
    streams = [stream("in", "market", "a", "limestone", "supply"), stream("over", "a", "c", "limestone", "supply"),
               stream("out", "c", "market", "limestone", "sale")]  # fmt: skip
    balances = bounded("park", streams, [10.0, 8.0, 7.0])
    found = {node: row(balances, node)["residual"] for node in ("p", "q", BOUNDARY + "park")}
    assert found == {"p": 2.0, "q": 1.0, BOUNDARY + "park": 3.0}


def test_a_list_that_leaves_a_firm_out_explains_what_it_sums() -> None:
    """The zone without firm b: what b sends to a comes from outside, in the row and in its explanation."""
    streams = [stream("in", "b", "a", "limestone", "supply"), stream("out", "a", "market", "limestone", "sale")]
    listed = [{"id": "some", "rule": "list", "nodes": "z;a"}]
    balances = bounded("some", streams, [10.0, 9.0], boundaries=listed)
    for node in ("z", "a", BOUNDARY + "some"):
        assert row(balances, node)["inflow"] == 10.0
        assert balances.explain(f"inflow:mass:2022-01-01:{node}").recompute() == 10.0
    assert balances.of(node="b").is_empty()


def test_a_process_inside_without_its_firm_keeps_its_remainder() -> None:
    """The boundary holds one process of a firm: the water it uses up is named there, not left as a residual."""
    streams = [stream("in", "market", "r", "tap_water", "supply")]
    listed = [{"id": "some", "rule": "list", "nodes": "r"}]
    record = Record.of(nodes=NODES, streams=streams, flows=[flow("in", 10.0, "m3")], boundaries=listed)
    balances = draw_balances(layered_flows(record, CATALOGUE, 2022, boundary="some"), CATALOGUE)
    for node in ("r", BOUNDARY + "some"):
        found = row(balances, node, "water")
        assert (found["remainder"], found["residual"]) == (10.0, 0.0)


def test_a_park_that_uses_water_itself_leaves_its_firms_to_be_tested() -> None:
    """Water used up by the park's own node is its remainder; a zone beside it still has to close."""
    streams = [stream("green", "market", "p", "tap_water", "supply"),
               stream("in", "market", "z", "tap_water", "supply"),
               stream("out", "z", "market", "tap_water", "sale")]  # fmt: skip
    record = Record.of(nodes=NODES, streams=streams, flows=[flow("green", 5.0, "m3"), flow("in", 10.0, "m3"),
                                                            flow("out", 10.0, "m3")])  # fmt: skip
    balances = draw_balances(layered_flows(record, CATALOGUE, 2022), CATALOGUE)
    assert row(balances, "p", "water")["remainder"] == 5.0
    assert row(balances, "z", "water")["verdict"] == "closed"


def test_a_flow_that_does_not_occur_explains_its_zero() -> None:
    """NO is an amount of zero: its value is explained too."""
    streams = [stream("in", "market", "a", "limestone", "supply")]
    record = Record.of(nodes=NODES, streams=streams, flows=[{"stream": "in", "period_start": "2022", "notation": "NO",
                                                             "method": "metered"}])  # fmt: skip
    balances = draw_balances(layered_flows(record, CATALOGUE, 2022), CATALOGUE)
    assert balances.explain("value:mass:0").recompute() == 0.0
