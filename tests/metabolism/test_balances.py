"""Balances against sums done by hand: levels add up, errors that are shared are shared, verdicts say what holds."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import date
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecopark.catalogue import load_catalogue
from ecopark.metabolism.balances.balances import BOUNDARY, Balances, draw_balances
from tests.metabolism.build import layered

CATALOGUE = load_catalogue()


def drawn(*args: Any, **more: Any) -> Balances:
    return draw_balances(layered(*args, **more), CATALOGUE)


def row(balances: Balances, node: str, layer: str = "mass") -> dict[str, Any]:
    return balances.of(layer=layer, node=node).row(0, named=True)


def edge(source: str, target: str, amount: float | None, **more: Any) -> dict[str, Any]:
    return {"source": source, "target": target, "amount": amount, **more}


def test_in_out_stock_residual() -> None:
    """100 t in, 80 out, 15 into store: 5 t do not add up, 5 % of what came in."""
    stock = {"node": "A", "commodity": "material", "layer": "mass", "coefficient": 0, "period_start": date(2022, 1, 1),
             "amount": 15.0, "unit": "t", "value": 15.0, "sd": 1.0, "sd_amount": 1.0, "first": date(2022, 1, 1),
             "last": date(2023, 1, 1)}  # fmt: skip
    balances = drawn([edge("IN", "A", 100.0, sd=2.0), edge("A", "OUT", 80.0, sd=2.0)], stocks=[stock])
    found = row(balances, "A")
    assert (found["inflow"], found["outflow"], found["stock_change"], found["residual"]) == (100.0, 80.0, 15.0, 5.0)
    assert found["relative"] == pytest.approx(0.05)
    assert found["sd"] == pytest.approx(3.0)
    assert found["significance"] == pytest.approx(5 / 3)
    assert found["verdict"] == "closed"


def test_a_firm_is_the_sum_of_its_parts() -> None:
    """Flows inside a firm count on neither side of it; its residual is the sum of its processes' residuals."""
    balances = drawn(
        [edge("IN", "A1", 100.0), edge("A1", "A2", 60.0), edge("A1", "OUT", 30.0), edge("A2", "OUT", 50.0)],
        parents={"A1": "A", "A2": "A"}, kinds={"A1": "process", "A2": "process"},
    )  # fmt: skip
    firm = row(balances, "A")
    assert (firm["inflow"], firm["outflow"], firm["residual"]) == (100.0, 80.0, 20.0)
    assert row(balances, "A1")["residual"] + row(balances, "A2")["residual"] == 20.0
    park, boundary = row(balances, "P"), row(balances, BOUNDARY + "park")
    assert (park["inflow"], park["residual"]) == (boundary["inflow"], boundary["residual"]) == (100.0, 20.0)


def test_shared_factor_cancels_but_shared_amount_does_too() -> None:
    """In and out with the same uncertain content: the error of the content only touches the difference of amounts."""
    content = {"carbon": (0.5, 0.05)}
    shared = drawn(
        [edge("IN", "A", 100.0, content=content), edge("A", "OUT", 90.0, content=content)], layers=("carbon",)
    )
    assert row(shared, "A", "carbon")["sd"] == pytest.approx(0.05 * 10.0)
    apart = drawn(
        [edge("IN", "A", 100.0, content=content), edge("A", "OUT", 90.0, content={"carbon": (0.5, 0.0501)})],
        layers=("carbon",),
    )
    assert row(apart, "A", "carbon")["sd"] == pytest.approx(math.hypot(0.05 * 100, 0.0501 * 90), rel=1e-9)


def test_correlated_meters_move_together() -> None:
    """Two inflows of one correlation group: deviations add; independent ones add as squares."""
    one = [edge("IN", "A", 50.0, sd=3.0, correlation_group="m"), edge("IN", "A", 50.0, sd=4.0, correlation_group="m")]
    two = [edge("IN", "A", 50.0, sd=3.0), edge("IN", "A", 50.0, sd=4.0)]
    out = edge("A", "OUT", 100.0)
    assert row(drawn([*one, out]), "A")["sd"] == pytest.approx(7.0)
    assert row(drawn([*two, out]), "A")["sd"] == pytest.approx(5.0)


@pytest.mark.parametrize(
    ("edges", "verdict"),
    [
        ([edge("IN", "A", 100.0, sd=1.0), edge("A", "OUT", 90.0, sd=1.0)], "open"),
        ([edge("IN", "A", 100.0, sd=9.0), edge("A", "OUT", 90.0, sd=1.0)], "closed"),
        ([edge("IN", "A", 100.0), edge("A", "OUT", 90.0)], "no_range"),
        ([edge("IN", "A", 100.0), edge("A", "OUT", 100.0)], "closed"),
        ([edge("IN", "A", 100.0, sd=1.0)], "one_sided"),
        ([edge("IN", "A", 100.0), edge("A", "AIR", 100.0, implied="flue_gas", variable=0)], "by_rule"),
        ([edge("IN", "A", 100.0, sd=1.0), edge("A", "AIR", 100.0, sd=1.0, implied="flue_gas", variable=0)], "by_rule"),
    ],
)  # fmt: skip
def test_verdicts(edges: list[dict[str, Any]], verdict: str) -> None:
    """Each verdict where it holds: 10 t are significant at 1 t, not at 9 t, and not judged without a range."""
    assert row(drawn(edges), "A")["verdict"] == verdict


def test_money_is_not_conserved_and_its_surplus_has_a_name() -> None:
    """Bought for 60, sold for 100: a surplus of 40 (as a remainder of -40), never a residual."""
    balances = drawn(
        [edge("IN", "A", 60.0, content={"money": 1.0}), edge("A", "OUT", 100.0, content={"money": 1.0})],
        layers=("money",),
    )
    found = row(balances, "A", "money")
    assert (found["remainder"], found["disposition"], found["residual"]) == (-40.0, "surplus", 0.0)
    assert found["verdict"] == "not_testable"


def test_energy_of_a_user_ends_in_its_use_and_of_a_plant_must_close() -> None:
    """A user's energy is a named remainder; a plant that only converts has to close."""
    content = {"energy": 1.0}
    balances = drawn(
        [
            edge("IN", "PLANT", 100.0, activity="chp", sd=1.0, content=content),
            edge("PLANT", "USER", 70.0, sd=1.0, content=content),
            edge("PLANT", "AIR", 20.0, activity="loss", sd=1.0, content=content),
        ],
        layers=("energy",),
    )
    user, plant = row(balances, "USER", "energy"), row(balances, "PLANT", "energy")
    assert (user["remainder"], user["disposition"], user["residual"]) == (70.0, "final_use", 0.0)
    assert (plant["remainder"], plant["residual"], plant["verdict"]) == (0.0, 10.0, "open")


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from("ABCDEF"), st.sampled_from("ABCDEF"), st.floats(0.0, 1e6)), min_size=1, max_size=25
    )
)
def test_aggregation_commutes_with_balancing(flows: list[tuple[str, str, float]]) -> None:
    """The residual of a zone is the sum of the residuals of its nodes, whatever the flows (loops included)."""
    edges = [edge("IN", "A", 1.0)]
    edges += [edge(source, target, amount) for source, target, amount in flows]
    parents = {"A": "Z1", "B": "Z1", "C": "Z1", "D": "Z2", "E": "Z2", "F": "Z2"}
    balances = drawn(edges, parents=parents, kinds={"Z1": "zone", "Z2": "zone"})
    mass = dict(balances.of(layer="mass").select("node", "residual").iter_rows())
    largest = max(amount for _, _, amount in [*flows, ("", "", 1.0)])
    for zone, nodes in (("Z1", "ABC"), ("Z2", "DEF"), ("P", "ABCDEF")):
        assert mass.get(zone, 0.0) == pytest.approx(sum(mass.get(node, 0.0) for node in nodes), abs=1e-9 * largest)


def test_every_number_explains_itself() -> None:
    """Recomputing residual, inflow, outflow, stock change and edge values from their explanations gives them back."""
    balances = drawn(
        [edge("IN", "A1", 100.0, sd=1.0), edge("A1", "A2", 60.0), edge("A2", "OUT", 50.0)],
        parents={"A1": "A", "A2": "A"}, kinds={"A1": "process", "A2": "process"},
    )  # fmt: skip
    for found in balances.rows.iter_rows(named=True):
        for term in ("inflow", "outflow", "stock_change", "by_rule", "residual", "remainder"):
            explanation = balances.explain(f"{term}:{found['layer']}:{found['period_start']}:{found['node']}")
            assert explanation.value == found[term]
            assert explanation.recompute() == pytest.approx(explanation.value, rel=1e-9, abs=1e-12)
    with pytest.raises(KeyError, match="no balance of 'Q'"):
        balances.explain("residual:mass:2022-01-01:Q")
    with pytest.raises(KeyError, match="no number"):
        balances.explain("weight:mass:2022-01-01:A")


def test_stored_and_read_back() -> None:
    """A result that was stored and read back holds the same rows and explains them."""
    balances = drawn([edge("IN", "A", 100.0, sd=1.0), edge("A", "OUT", 90.0)])
    outcome, frames = balances.to_store()
    again = Balances.from_store("R5", outcome, frames)
    assert again.rows.equals(balances.rows)
    assert again.reference("residual:mass:2022-01-01:A") == "R5-residual:mass:2022-01-01:A"
    assert again.explain("inflow:mass:2022-01-01:A").recompute() == 100.0
    assert isinstance(again.rows, pl.DataFrame)


def test_unstated_contents_excuse_only_what_they_could_explain() -> None:
    """10 t of chlorine missing among outflows: 50 t of waste without a stated content may hold them, 5 t may not."""

    def verdict(waste: float) -> str:
        network = layered(
            [
                edge("IN", "A", 100.0, sd=0.1, content={"mass": 1.0, "chlorine": 0.5}),
                edge("A", "OUT", 80.0, sd=0.1, content={"mass": 1.0, "chlorine": 0.5}),
                edge("A", "OUT", waste, sd=0.1, content={"mass": 1.0}),
            ],
            layers=("mass", "chlorine"),
        )
        unknown = pl.DataFrame(
            [(2, "s2", "chlorine", "unstated", "chlorine_content", "material", "A", "OUT", None)],
            schema=network.unknown.schema, orient="row",
        )  # fmt: skip
        return str(row(draw_balances(replace(network, unknown=unknown), CATALOGUE), "A", "chlorine")["verdict"])

    assert verdict(50.0) == "incomplete"
    assert verdict(5.0) == "open"
