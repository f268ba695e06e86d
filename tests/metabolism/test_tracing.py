"""What is embodied in what: hand-computed networks, conservation of every burden, keys, loops, gaps, explanations."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecopark.metabolism.flows import LayeredFlows
from ecopark.metabolism.tracing.tracing import Trace, trace
from ecopark.model.problems import InputError
from tests.metabolism.build import layered

LAYERS = ("mass", "energy", "water", "money")


def edge(source: str, target: str, commodity: str, amount: float | None, **more: Any) -> dict[str, Any]:
    """An edge whose content is mass 1 unless `content` says otherwise."""
    return {"source": source, "target": target, "commodity": commodity, "amount": amount, **more}


def network(*edges: dict[str, Any], **more: Any) -> LayeredFlows:
    return layered(edges, layers=LAYERS, **more)


def emitted(**values: float) -> pl.DataFrame:
    return pl.DataFrame(
        {"node": list(values), "layer": "carbon", "value": list(values.values())},
        schema={"node": pl.String, "layer": pl.String, "value": pl.Float64},
    )


def factors(**values: float) -> pl.DataFrame:
    return pl.DataFrame({"commodity": list(values), "layer": "carbon", "value": list(values.values())})


def closes(result: Trace) -> None:
    """What entered is what ended, in every layer, and the shares of both sum to one."""
    for layer in result.layers:
        ended = result.finals.filter(pl.col("layer") == layer)["embodied"].sum()
        assert ended == pytest.approx(result.total(layer), rel=1e-9, abs=1e-9)
        if result.total(layer):
            assert result.by_firm(layer)["share"].sum() == pytest.approx(1.0, abs=1e-12)
            assert result.by_product(layer)["share"].sum() == pytest.approx(1.0, abs=1e-12)


def test_a_chain_adds_up_what_each_step_emits() -> None:
    """10 t of ore at 0.5 t/t, 20 t emitted by A, 5 by B: 30 t in B's 4 t of product, 7.5 t/t; A's 8 t carry 25/8."""
    flows = network(
        edge("IN", "A", "ore", 10), edge("A", "B", "metal", 8), edge("B", "OUT", "part", 4),
    )  # fmt: skip
    result = trace(flows, direct=emitted(A=20, B=5), upstream=factors(ore=0.5))
    assert result.intensity("A", "metal", "carbon") == pytest.approx(25 / 8)
    assert result.intensity("B", "part", "carbon") == pytest.approx(30 / 4)
    assert result.total("carbon") == pytest.approx(30)
    shares = {row["node"]: row["share"] for row in result.contributions("carbon", "B", "part").iter_rows(named=True)
              if row["kind"] == "direct"}  # fmt: skip
    assert shares == pytest.approx({"A": 20 / 30, "B": 5 / 30})
    closes(result)


def test_a_loop_is_solved_exactly() -> None:
    """A sends 10 of x to B, B returns 4 of y and sells 6 of z, both of B's by mass: a = 100 + 0.4 b, b = a."""
    flows = network(
        edge("IN", "A", "raw", 6), edge("A", "B", "x", 10), edge("B", "A", "y", 4), edge("B", "OUT", "z", 6),
    )  # fmt: skip
    result = trace(flows, direct=emitted(A=100), upstream=factors(raw=0))
    pool = 100 / (1 - 0.4)
    assert result.intensity("A", "x", "carbon") == pytest.approx(pool / 10)
    assert result.intensity("B", "z", "carbon") == pytest.approx(pool * 0.6 / 6)
    assert pool * 0.6 == pytest.approx(result.total("carbon"))
    closes(result)


def test_what_is_passed_on_mixes_with_what_the_node_makes() -> None:
    """B receives 30 of steam at 0.2, makes 10 itself with 8 emitted, sends 20 on: all 40 carry 14/40."""
    flows = network(
        edge("IN", "A", "coal", 100), edge("A", "B", "steam", 30), edge("B", "C", "steam", 40),
        edge("C", "OUT", "goods", 1),
    )  # fmt: skip
    result = trace(flows, direct=emitted(A=6, B=8), upstream=factors(coal=0))
    assert result.intensity("A", "steam", "carbon") == pytest.approx(0.2)
    assert result.intensity("B", "steam", "carbon") == pytest.approx(14 / 40)
    assert result.intensity("C", "goods", "carbon") == pytest.approx(14)
    closes(result)


def test_own_use_of_what_is_passed_on_goes_into_what_the_node_makes() -> None:
    """B receives 30 at 0.2, passes 12 on and uses 18 for its goods: 3.6 go into the goods, not into the steam."""
    flows = network(
        edge("IN", "A", "coal", 100), edge("A", "B", "steam", 30), edge("B", "C", "steam", 12),
        edge("B", "OUT", "goods", 9),
    )  # fmt: skip
    result = trace(flows, direct=emitted(A=6, B=1.8), upstream=factors(coal=0))
    assert result.intensity("B", "steam", "carbon") == pytest.approx(0.2)
    assert result.intensity("B", "goods", "carbon") == pytest.approx((3.6 + 1.8) / 9)
    used = result.finals.filter((pl.col("kind") == "used") & (pl.col("layer") == "carbon"))
    assert used.select("node", "embodied").rows() == [("C", pytest.approx(2.4))]
    closes(result)


def test_a_distributor_puts_its_own_burden_and_its_losses_on_what_it_delivers() -> None:
    """A heat station receives 100 at 0.06, delivers 90 and pumps with 3 of its own: 90 carry 9. A firm that passes on
    a little of what it buys keeps its own burden."""
    flows = network(
        edge("IN", "A", "coal", 100), edge("A", "S", "heat", 100), edge("S", "B", "heat", 90),
        edge("B", "OUT", "goods", 1),
    )  # fmt: skip
    result = trace(flows, direct=emitted(A=6, S=3), upstream=factors(coal=0))
    assert result.intensity("S", "heat", "carbon") == pytest.approx(0.1)
    assert result.intensity("B", "goods", "carbon") == pytest.approx(9)
    closes(result)
    flows = network(
        edge("IN", "A", "coal", 100), edge("A", "S", "heat", 100), edge("S", "B", "heat", 20),
        edge("B", "OUT", "goods", 1),
    )  # fmt: skip
    result = trace(flows, direct=emitted(A=6, S=3), upstream=factors(coal=0))
    assert result.intensity("S", "heat", "carbon") == pytest.approx(0.06)
    assert result.by_product("carbon").filter(pl.col("kind") == "used")["embodied"].to_list() == [pytest.approx(7.8)]
    closes(result)


def test_a_plant_that_burns_is_shared_by_energy() -> None:
    """Power (36 GJ) and heat (64 GJ) of a plant that burns coal: the key is energy, 50 t are split 18 to 32."""
    flows = network(
        edge("IN", "P1", "coal", 10, activity="chp", content={"energy": 20.0}),
        edge("P1", "A", "power", 10, content={"energy": 3.6, "money": 600.0}),
        edge("P1", "B", "heat", 64, content={"energy": 1.0, "money": 50.0}),
    )
    result = trace(flows, direct=emitted(P1=50), upstream=factors(coal=0))
    assert result.keys["key"].unique().to_list() == ["energy"]
    assert result.intensity("P1", "power", "carbon") == pytest.approx(1.8)
    assert result.intensity("P1", "heat", "carbon") == pytest.approx(0.5)
    by_money = trace(flows, direct=emitted(P1=50), upstream=factors(coal=0), key="money")
    assert by_money.intensity("P1", "power", "carbon") == pytest.approx(50 * 6000 / 9200 / 10)
    closes(by_money)


def test_prices_share_where_all_are_known_else_mass() -> None:
    """A maker of two goods: with both prices money shares; without one of them mass does."""
    priced = [edge("A", "OUT", "fine", 1, content={"mass": 1.0, "money": 90.0}),
              edge("A", "OUT", "coarse", 9, content={"mass": 1.0, "money": 1.1111111111111112})]  # fmt: skip
    result = trace(network(*priced), direct=emitted(A=10))
    assert set(result.keys["key"]) == {"money"}
    assert result.intensity("A", "fine", "carbon") == pytest.approx(9)
    del priced[1]["content"]["money"]
    result = trace(network(*priced), direct=emitted(A=10))
    assert set(result.keys["key"]) == {"mass"}
    assert result.intensity("A", "fine", "carbon") == pytest.approx(1)


def test_a_product_without_a_key_is_named_and_never_zero() -> None:
    """By money, one good has no price: it gets no intensity (not 0), the others take the burden, a remark names it."""
    flows = network(
        edge("A", "OUT", "sold", 1, content={"mass": 1.0, "money": 5.0}),
        edge("A", "B", "given", 1, content={"mass": 1.0}),
        edge("B", "OUT", "made", 1),
    )
    result = trace(flows, direct=emitted(A=10, B=1), key="money")
    assert result.intensity("A", "given", "carbon") is None
    assert result.intensity("A", "sold", "carbon") == pytest.approx(10)
    made = result.intensities.filter((pl.col("commodity") == "made") & (pl.col("layer") == "carbon"))
    assert made.select("value", "complete").rows() == [(pytest.approx(1.0), False)]
    texts = [remark.text("en") for remark in result.remarks if remark.code == "no_key"]
    assert len(texts) == 1
    assert "A" in texts[0]
    assert "given" in texts[0]
    closes(result)


def test_without_any_key_the_burden_stays_and_says_so() -> None:
    """Two goods without price, energy or mass: nothing is passed on; the burden is `unallocated`, not lost."""
    flows = network(edge("A", "OUT", "x", 1, content={}), edge("A", "OUT", "y", 1, content={}))
    result = trace(flows, direct=emitted(A=10))
    assert result.finals.filter(pl.col("kind") == "unallocated")["embodied"].to_list() == [pytest.approx(10)]
    assert result.intensity("A", "x", "carbon") is None
    closes(result)


def test_treatment_is_borne_by_who_sends_the_waste() -> None:
    """The plant T emits 12 for treating 30 of A's and 10 of B's: 9 and 3 go into their products, none to the river."""
    flows = network(
        edge("IN", "A", "raw", 1), edge("A", "T", "wastewater", 30, group="wastewater", activity="treatment"),
        edge("B", "T", "wastewater", 10, group="wastewater", activity="treatment"),
        edge("T", "RIVER", "wastewater", 40, group="wastewater", activity="emission"),
        edge("A", "OUT", "a", 3), edge("B", "OUT", "b", 1),
    )  # fmt: skip
    result = trace(flows, direct=emitted(T=12), upstream=factors(raw=0))
    assert result.intensity("T", "wastewater", "carbon", "treatment") == pytest.approx(0.3)
    assert result.intensity("A", "a", "carbon") == pytest.approx(3)
    assert result.intensity("B", "b", "carbon") == pytest.approx(3)
    closes(result)


def test_a_sewer_passes_treatment_on() -> None:
    """A sewer S collects 30 and 10 and hands 40 to T: the same result as without the sewer."""
    flows = network(
        edge("A", "S", "wastewater", 30, group="wastewater", activity="treatment"),
        edge("B", "S", "wastewater", 10, group="wastewater", activity="treatment"),
        edge("S", "T", "wastewater", 40, group="wastewater", activity="treatment"),
        edge("A", "OUT", "a", 3), edge("B", "OUT", "b", 1),
    )  # fmt: skip
    result = trace(flows, direct=emitted(T=12))
    assert result.intensity("A", "a", "carbon") == pytest.approx(3)
    assert result.intensity("B", "b", "carbon") == pytest.approx(3)
    closes(result)


def test_the_content_of_a_waste_is_not_treated_a_second_time() -> None:
    """A's COD stands beside its waste water: only the water is treated; B states COD alone, which counts."""
    flows = network(
        edge("A", "T", "wastewater", 30, group="wastewater", activity="treatment"),
        edge("A", "T", "cod", 2, group="wastewater", activity="treatment", content={}),
        edge("A", "OUT", "a", 3),
    )  # fmt: skip
    result = trace(flows, direct=emitted(T=12))
    assert result.keys.filter(pl.col("node") == "T").select("commodity", "key").rows() == [("wastewater", "single")]
    assert result.intensity("A", "a", "carbon") == pytest.approx(4)
    flows = network(
        edge("B", "T", "cod", 2, group="wastewater", activity="treatment", content={}), edge("B", "OUT", "b", 3),
    )  # fmt: skip
    assert trace(flows, direct=emitted(T=12)).intensity("B", "b", "carbon") == pytest.approx(4)


def test_the_steps_of_a_treatment_plant_are_one_treatment() -> None:
    """Tank to tank inside the plant is a transfer of waste water; the last tank's burden comes back to the senders."""
    flows = network(
        edge("A", "t1", "wastewater", 30, group="wastewater", activity="treatment"),
        edge("t1", "t2", "wastewater", 30, group="wastewater", activity="transfer"),
        edge("A", "OUT", "a", 3),
        parents={"t1": "T", "t2": "T"}, kinds={"t1": "process", "t2": "process"},
    )  # fmt: skip
    result = trace(flows, direct=emitted(t1=2, t2=10), level="node")
    assert result.intensity("t2", "wastewater", "carbon", "treatment") == pytest.approx(1 / 3)
    assert result.intensity("A", "a", "carbon") == pytest.approx(4)
    closes(result)


def test_waste_that_is_used_carries_nothing() -> None:
    """Fly ash used by a cement maker is cut off: it takes no burden with it and asks for no treatment."""
    flows = network(
        edge("P1", "C", "fly_ash", 5, group="waste", activity="process_input"), edge("P1", "A", "power", 10),
        edge("C", "OUT", "cement", 20),
    )  # fmt: skip
    result = trace(flows, direct=emitted(P1=50, C=8))
    assert result.intensity("P1", "power", "carbon") == pytest.approx(5)
    assert result.intensity("C", "cement", "carbon") == pytest.approx(8 / 20)
    closes(result)


def test_energy_water_and_money_enter_with_their_own_values() -> None:
    """Coal brings its energy, water of the group water its volume, purchases their price, value added its money."""
    flows = network(
        edge("IN", "A", "coal", 10, group="coal", content={"mass": 1.0, "energy": 20.0, "money": 700.0}),
        edge("RIVER", "A", "river_water", 50, group="water", content={"mass": 1.0, "water": 1.0}),
        edge("IN", "A", "brine", 5, content={"mass": 1.0, "water": 0.9}),
        edge("A", "OUT", "salt", 4),
    )
    added = pl.DataFrame({"node": ["A"], "layer": ["money"], "value": [3000.0]})
    result = trace(flows, direct=added)
    assert result.intensity("A", "salt", "energy") == pytest.approx(50)
    assert result.intensity("A", "salt", "water") == pytest.approx(12.5)
    assert result.intensity("A", "salt", "money") == pytest.approx(2500)
    missing = set(result.not_estimated.select("layer", "reason", "commodity").rows())
    assert ("carbon", "no_upstream", "coal") in missing
    assert ("money", "no_price", "brine") in missing
    assert ("water", "no_upstream", "brine") in missing  # its own water is not what was taken to make it
    assert not any(commodity == "river_water" for _, _, commodity in missing)  # nature needs no upstream
    closes(result)


def test_an_upstream_factor_of_a_stream_comes_before_that_of_the_commodity() -> None:
    """Power of two suppliers: the stream's own factor, else the general one; units are brought to the commodity's."""
    flows = network(
        edge("IN", "A", "power", 10, stream="green"), edge("IN", "A", "power", 10, stream="grid"),
        edge("A", "OUT", "x", 1),
    )  # fmt: skip
    given_factors = pl.DataFrame({
        "commodity": ["power", "power"], "layer": ["carbon", "carbon"], "value": [500.0, 0.02],
        "unit": ["kgCO2e/t", None], "stream": [None, "green"], "factor": ["f1", "f2"],
    })  # fmt: skip
    result = trace(flows, upstream=given_factors)
    assert result.total("carbon") == pytest.approx(5 + 0.2)
    assert set(result.entering.filter(pl.col("layer") == "carbon")["factor_id"]) == {"f1", "f2"}


def test_input_that_cannot_be_used_is_told_all_at_once() -> None:
    """An upstream factor in another unit, and direct values of a node outside, are refused by name."""
    flows = network(edge("IN", "A", "x", 1), edge("IN", "A", "y", 1), edge("A", "OUT", "z", 1))
    wrong = factors(x=1.0, y=1.0).with_columns(pl.lit("GJ/t").alias("unit"))
    with pytest.raises(InputError) as caught:
        trace(flows, upstream=wrong)
    assert [problem.values["commodity"] for problem in caught.value.problems] == ["x", "y"]
    with pytest.raises(InputError, match="OUT"):
        trace(flows, direct=emitted(OUT=1))


def test_a_closed_loop_is_named_and_holds_what_enters() -> None:
    """A and B only supply each other: no intensity there, the burden ends in the loop, C's is untouched."""
    flows = network(edge("A", "B", "x", 5), edge("B", "A", "y", 5), edge("C", "OUT", "z", 2))
    result = trace(flows, direct=emitted(A=7, C=4))
    assert result.intensity("A", "x", "carbon") is None
    assert result.intensity("C", "z", "carbon") == pytest.approx(2)
    ended = result.finals.filter(pl.col("kind") == "closed_loop")
    assert ended["embodied"].sum() == pytest.approx(7)
    remark = next(remark for remark in result.remarks if remark.code == "closed_loop")
    assert {"A", "B"} <= set(remark.text("en").replace(":", ",").replace(" ", "").split(","))
    closes(result)


def test_stock_takes_its_part() -> None:
    """A makes 10, sells 6 and puts 4 into stock: 40 % of the burden is in stock."""
    day = __import__("datetime").date(2022, 1, 1)
    stock = {"node": "A", "commodity": "x", "layer": "mass", "coefficient": 0, "period_start": day, "amount": 4.0,
             "unit": "t", "value": 4.0, "sd": None, "sd_amount": None, "first": day, "last": day}  # fmt: skip
    result = trace(network(edge("A", "OUT", "x", 6), stocks=[stock]), direct=emitted(A=10))
    kinds = dict(result.by_product("carbon").select("kind", "embodied").rows())
    assert kinds == pytest.approx({"leaves": 6.0, "stock": 4.0})
    closes(result)


def test_an_unknown_amount_makes_what_depends_on_it_incomplete() -> None:
    """A delivery without an amount (NE) is listed; the receiver's goods are a lower bound, others are not."""
    flows = network(
        edge("A", "B", "x", None, notation="NE"), edge("B", "OUT", "z", 2), edge("A", "OUT", "y", 1),
    )  # fmt: skip
    result = trace(flows, direct=emitted(A=3, B=4))
    complete = dict(result.intensities.filter(pl.col("layer") == "carbon").select("commodity", "complete").rows())
    assert complete == {"z": False, "y": True}
    assert set(result.not_estimated["reason"]) == {"no_amount"}


def test_firms_are_stations_at_their_level() -> None:
    """At the level of firms, flows inside a firm are no deliveries, and the firm's product carries the same burden."""
    parents = {"a1": "A", "a2": "A"}
    kinds = {"a1": "process", "a2": "process"}
    flows = network(
        edge("IN", "a1", "raw", 5), edge("a1", "a2", "half", 4), edge("a2", "OUT", "whole", 2), parents=parents,
        kinds=kinds,
    )  # fmt: skip
    inner = trace(flows, direct=emitted(a1=3, a2=1), upstream=factors(raw=1), level="node")
    outer = trace(flows, direct=emitted(a1=3, a2=1), upstream=factors(raw=1))
    assert inner.intensity("a2", "whole", "carbon") == pytest.approx(9 / 2)
    assert outer.intensity("A", "whole", "carbon") == pytest.approx(9 / 2)
    closes(outer)


def test_every_number_explains_itself() -> None:
    """Each key leads to inputs from which its formula gives the number again, to 1e-9."""
    flows = network(
        edge("IN", "A", "raw", 6, content={"mass": 1.0, "money": 10.0}), edge("A", "B", "x", 10),
        edge("B", "A", "y", 4), edge("B", "OUT", "z", 6),
        edge("B", "T", "slop", 3, group="waste", activity="treatment"),
        edge("B", "C", "x", 2), edge("C", "OUT", "w", 1), edge("IN", "T", "raw", 1),
    )  # fmt: skip
    result = trace(flows, direct=emitted(A=100, T=6), upstream=factors(raw=0.5)).with_run("R7")
    keys = ["total:carbon", "intensity:B:z:carbon", "embodied:B:z:carbon", "embodied:B:x:carbon", "pool:B:carbon",
            "pool:A:carbon", "direct:A:carbon", "treatment:T:slop:carbon", "treated:T:slop:carbon", "edge:0:carbon",
            "edge:2:carbon", "edge:4:carbon", "firm:B:carbon", "share:B:carbon", "total:money",
            "intensity:B:z:money"]  # fmt: skip
    for key in keys:
        explanation = result.explain(key)
        assert explanation.recompute() == pytest.approx(explanation.value, rel=1e-9), key
        assert explanation.name_zh
        for item in explanation.inputs:
            if item.reference and item.kind == "total":
                inner = result.explain(item.reference.removeprefix("R7-"))
                assert inner.recompute() == pytest.approx(inner.value, rel=1e-9)
    with pytest.raises(KeyError):
        result.explain("intensity:B:nothing:carbon")
    with pytest.raises(KeyError):
        result.explain("total:gold")


def test_a_stored_trace_comes_back() -> None:
    """To the store and back gives the same numbers, explanations and remarks."""
    flows = network(edge("IN", "A", "raw", 6), edge("A", "OUT", "z", 3))
    result = trace(flows, direct=emitted(A=9))
    outcome, frames = result.to_store()
    again = Trace.from_store("R3", outcome, frames)
    assert again.intensity("A", "z", "carbon") == result.intensity("A", "z", "carbon")
    assert [remark.text("zh") for remark in again.remarks] == [remark.text("zh") for remark in result.remarks]
    assert again.explain("total:carbon").value == pytest.approx(9)


NODES = "ABCDE"
random_edges = st.lists(
    st.tuples(
        st.sampled_from([*NODES, "IN"]), st.sampled_from([*NODES, "OUT"]), st.sampled_from(["x", "y", "waste"]),
        st.floats(0.1, 100.0), st.booleans(),
    ),
    min_size=1, max_size=25,
)  # fmt: skip


@settings(max_examples=25, deadline=None)
@given(random_edges, st.floats(0.5, 20.0))
def test_nothing_is_lost_whatever_the_network(drawn: list[tuple[str, str, str, float, bool]], factor: float) -> None:
    """Any network, loops, self-deliveries, closed loops and wastes included: all that enters ends; scaling holds."""
    edges = [
        edge(source, target, commodity, amount, group="waste" if commodity == "waste" else "material",
             content={"mass": 1.0, "money": 3.0} if priced else {"mass": 1.0})
        for source, target, commodity, amount, priced in drawn
    ]  # fmt: skip
    inside = {end for row in drawn for end in row[:2]} & set(NODES)
    direct = emitted(**{node: 1.0 + index for index, node in enumerate(sorted(inside))})
    result = trace(network(*edges), direct=direct, upstream=factors(x=0.5, y=2.0))
    closes(result)
    bigger = direct.with_columns(pl.col("value") * factor)
    scaled = trace(network(*edges), direct=bigger, upstream=factors(x=0.5 * factor, y=2.0 * factor))
    first = result.intensities.filter(pl.col("layer") == "carbon")["value"].fill_null(-1.0 / factor)
    second = scaled.intensities.filter(pl.col("layer") == "carbon")["value"].fill_null(-1.0)
    assert second.to_list() == pytest.approx((first * factor).to_list(), rel=1e-8, abs=1e-9)
