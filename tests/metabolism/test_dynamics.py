"""Changes between two periods: sums that agree, an exact split, the few that explain most, and honest uncertainty."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecopark.metabolism.changes.dynamics import Change, compare_periods
from ecopark.metabolism.changes.trend import draw_trend
from ecopark.metabolism.flows import UNKNOWN_SCHEMA, LayeredFlows
from ecopark.model.problems import InputError
from tests.metabolism.build import layered

Edge = dict[str, Any]


def network(year: int, edges: Sequence[Mapping[str, Any]], **options: Any) -> LayeredFlows:
    """A network of one year in the layer chlorine."""
    made = layered(edges, layers=("chlorine",), **options)
    start, end = date(year, 1, 1), date(year + 1, 1, 1)
    moved = made.edges.with_columns(pl.lit(start).alias("period_start"), pl.lit(end).alias("period_end"))
    return replace(made, year=year, start=start, end=end, edges=moved)


def edge(stream: str, source: str, target: str, amount: float | None, content: Any = 1.0, **more: Any) -> Edge:
    return {"stream": stream, "source": source, "target": target, "amount": amount, "content": {"chlorine": content},
            "commodity": stream.partition(".")[0], **more}  # fmt: skip


BEFORE = [edge("salt", "IN", "A", 100.0, 0.6), edge("acid", "IN", "B", 10.0, 0.3), edge("water", "A", "B", 50.0, 0.2),
          edge("outfall", "B", "RIVER", 1000.0, 0.012), edge("old", "IN", "B", 5.0, 0.4)]  # fmt: skip
AFTER = [edge("salt", "IN", "A", 130.0, 0.6), edge("acid", "IN", "B", 10.0, 0.35), edge("water", "A", "B", 60.0, 0.25),
         edge("outfall", "B", "RIVER", 1100.0, 0.018), edge("new", "IN", "B", 2.0, 0.5)]  # fmt: skip


def row(change: Change, stream: str) -> dict[str, Any]:
    return change.streams.filter(pl.col("stream") == stream).row(0, named=True)


def test_a_change_by_hand() -> None:
    """Worked by hand: salt 60 -> 78 (all amount); the outfall 12 -> 19.8: 100·0.015 = 1.5 and 0.006·1050 = 6.3."""
    change = compare_periods(network(2021, BEFORE), network(2022, AFTER), "chlorine")
    salt, outfall = row(change, "salt"), row(change, "outfall")
    assert (salt["before"], salt["after"], salt["change"]) == (60.0, 78.0, pytest.approx(18.0))
    assert (salt["amount_effect"], salt["content_effect"]) == (pytest.approx(18.0), 0.0)
    assert outfall["change"] == pytest.approx(7.8)
    assert outfall["amount_effect"] == pytest.approx(1.5)
    assert outfall["content_effect"] == pytest.approx(6.3)
    assert {r["stream"]: r["side"] for r in change.streams.to_dicts()} == {
        "salt": "in", "acid": "in", "old": "in", "new": "in", "outfall": "out", "water": "inside",
    }  # fmt: skip
    entering = change.totals.filter(pl.col("side") == "in").row(0, named=True)
    assert entering["change"] == pytest.approx(18.0 + 0.5 - 2.0 + 1.0)
    assert entering["absolute"] == pytest.approx(18.0 + 0.5 + 2.0 + 1.0)


def test_streams_of_one_period_appear_or_end_and_say_so() -> None:
    """They count from and to zero, wholly as an amount effect, and a remark warns of a mere gap in reporting."""
    change = compare_periods(network(2021, BEFORE), network(2022, AFTER), "chlorine")
    old, new = row(change, "old"), row(change, "new")
    assert (old["state"], old["change"], old["amount_effect"], old["content_effect"]) == ("ended", -2.0, -2.0, 0.0)
    assert (new["state"], new["change"], new["amount_effect"], new["content_effect"]) == ("appeared", 1.0, 1.0, 0.0)
    remark = next(remark for remark in change.remarks if remark.code == "streams_of_one_period")
    assert "old" in remark.text("en")
    assert "2" in remark.text("zh")


def test_what_is_stated_as_unknown_is_in_no_sum() -> None:
    """A stream NE in one year is not taken for a fall to zero."""
    after = network(2022, AFTER)
    lacking = pl.DataFrame(
        [{"edge": 9, "stream": "old", "layer": "chlorine", "reason": "no_amount", "quantity": "", "commodity": "old",
          "source": "IN", "target": "B"}], schema=UNKNOWN_SCHEMA)  # fmt: skip
    change = compare_periods(network(2021, BEFORE), replace(after, unknown=lacking), "chlorine")
    old = row(change, "old")
    assert (old["state"], old["change"], old["verdict"]) == ("unknown_after", None, "not_comparable")
    entering = change.totals.filter(pl.col("side") == "in").row(0, named=True)
    assert entering["change"] == pytest.approx(19.5)
    assert [remark.code for remark in change.remarks] == ["streams_of_one_period", "streams_not_comparable"]


def test_the_few_are_the_fewest_that_reach_the_share() -> None:
    """18 of 21.5 is 84 %: one stream. At 90 % the next largest (2) is needed too: 93 %."""
    before, after = network(2021, BEFORE), network(2022, AFTER)
    one = compare_periods(before, after, "chlorine").few("in")
    assert one["stream"].to_list() == ["salt"]
    change = compare_periods(before, after, "chlorine", share=0.9)
    assert change.few("in")["stream"].to_list() == ["salt", "old"]
    total = change.totals.filter(pl.col("side") == "in").row(0, named=True)
    assert (total["few"], total["few_weight"]) == (2, pytest.approx(20 / 21.5))
    assert total["few_share"] == pytest.approx(16 / 17.5)
    assert "salt" in change.summary("in", "en")
    assert "2" in change.summary("in", "zh")


def test_a_node_and_its_table() -> None:
    """At node B what A sends it comes in; the table by node and commodity adds up to the totals of the node."""
    before, after = network(2021, BEFORE), network(2022, AFTER)
    change = compare_periods(before, after, "chlorine", node="B")
    assert set(change.streams.filter(pl.col("side") == "in")["stream"]) == {"acid", "old", "new", "water"}
    whole = compare_periods(before, after, "chlorine")
    at_b = whole.nodes.filter((pl.col("node") == "B") & (pl.col("side") == "in"))
    total = change.totals.filter(pl.col("side") == "in")["change"].item()
    assert at_b["change"].sum() == pytest.approx(total)
    assert at_b["share"].sum() == pytest.approx(1.0)
    with pytest.raises(InputError, match="no node C"):
        compare_periods(before, after, "chlorine", node="C")


def test_a_content_known_once_does_not_blur_the_change_of_the_amount() -> None:
    """Salt's content 0.6 ± 0.06 is the same analysis in both years: its error counts for the 30 t more, not for 230 t.

    sd = 0.06 · 30 = 1.8, not 0.06 · sqrt(100² + 130²) = 9.8; with two analyses the errors are apart.
    """
    before = network(2021, [edge("salt", "IN", "A", 100.0, (0.6, 0.06))])
    after = network(2022, [edge("salt", "IN", "A", 130.0, (0.6, 0.06))])
    salt = row(compare_periods(before, after, "chlorine"), "salt")
    assert salt["sd"] == pytest.approx(1.8)
    assert (salt["verdict"], salt["significance"]) == ("significant", pytest.approx(10.0))
    other = network(2022, [edge("salt", "IN", "A", 130.0, (0.61, 0.06))])
    apart = row(compare_periods(before, other, "chlorine"), "salt")
    assert apart["sd"] == pytest.approx(np.hypot(0.06 * 100, 0.06 * 130))
    assert apart["verdict"] == "significant"  # 19.3 tCl against 9.8


def test_meters_of_one_group_err_together_and_others_apart() -> None:
    """Amounts 100 ± 5 and 103 ± 5: of one meter the difference is exact (and no range is left), of two it is ± 7.1."""

    def pair(**more: Any) -> dict[str, Any]:
        before = network(2021, [edge("salt", "IN", "A", 100.0, sd=5.0, **more)])
        after = network(2022, [edge("salt", "IN", "A", 103.0, sd=5.0, **more)])
        return row(compare_periods(before, after, "chlorine"), "salt")

    assert pair()["sd"] == pytest.approx(np.hypot(5, 5))
    assert pair()["verdict"] == "within_uncertainty"
    assert pair(correlation_group="weighbridge")["sd"] == pytest.approx(0.0, abs=1e-12)
    none = compare_periods(network(2021, BEFORE), network(2022, AFTER), "chlorine")
    assert set(none.streams["verdict"]) == {"no_range"}


def test_the_deviation_agrees_with_monte_carlo() -> None:
    """Sampled amounts and contents of three streams give the deviation of the total that the formula gives."""
    specification = [
        ("salt", 100.0, 130.0, 4.0, 0.6, 0.03),
        ("acid", 20.0, 22.0, 1.0, 0.3, 0.02),
        ("dye", 5.0, 1.0, 0.5, 0.1, 0.01),
    ]
    before = network(2021, [edge(s, "IN", "A", a0, (c, dc), sd=da) for s, a0, _, da, c, dc in specification])
    after = network(2022, [edge(s, "IN", "A", a1, (c, dc), sd=da) for s, _, a1, da, c, dc in specification])
    total = compare_periods(before, after, "chlorine").totals.row(0, named=True)
    random = np.random.default_rng(7)
    drawn = np.zeros(200_000)
    for _, a0, a1, da, c, dc in specification:
        content = random.normal(c, dc, len(drawn))
        drawn += content * (random.normal(a1, da, len(drawn)) - random.normal(a0, da, len(drawn)))
    assert total["sd"] == pytest.approx(drawn.std(), rel=0.02)


positive = st.floats(0.0, 1e4, allow_nan=False).map(lambda number: 0.0 if number < 1e-3 else number)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(positive, positive, positive, positive), min_size=1, max_size=6), st.floats(0.1, 1.0))
def test_effects_add_up_and_swap_sign_with_the_periods(
    rows: list[tuple[float, float, float, float]], share: float
) -> None:
    """Both effects sum to the change exactly; swapping the periods reverses both; the few reach the share minimally."""
    first = network(2021, [edge(f"s{i}", "IN", "A", a, c) for i, (a, c, _, _) in enumerate(rows)])
    second = network(2022, [edge(f"s{i}", "IN", "A", a, c) for i, (_, _, a, c) in enumerate(rows)])
    forward = compare_periods(first, second, "chlorine", share=share)
    back = compare_periods(second, first, "chlorine", share=share)
    scale = max(max(a0 * c0, a1 * c1) for a0, c0, a1, c1 in rows) or 1.0
    for item in forward.streams.iter_rows(named=True):
        assert item["amount_effect"] + item["content_effect"] == pytest.approx(item["change"], abs=1e-9 * scale)
        other = row(back, item["stream"])
        assert other["amount_effect"] == pytest.approx(-item["amount_effect"], abs=1e-9 * scale)
        assert other["content_effect"] == pytest.approx(-item["content_effect"], abs=1e-9 * scale)
    total = forward.totals.row(0, named=True)
    if total["absolute"] > 1e-6 * scale:
        few = forward.few("in")["change"].abs().sort(descending=True)
        assert few.sum() >= share * total["absolute"] * (1 - 1e-9)
        assert few.sum() - few[-1] < share * total["absolute"]


def test_every_number_is_reproduced_from_its_explanation() -> None:
    """For streams, totals and nodes the formula over the inputs gives the number to 1e-9."""
    change = compare_periods(network(2021, BEFORE), network(2022, AFTER), "chlorine").with_run("R7")
    keys = [f"total:{side}" for side in ("in", "out", "inside")]
    keys += [f"{kind}:{stream}" for stream in change.streams["stream"]
             for kind in ("change", "before", "after", "amount_effect", "content_effect")]  # fmt: skip
    keys += [
        f"node:{side}:{goods}:{node}"
        for node, goods, side in change.nodes.select("node", "commodity", "side").iter_rows()
    ]
    for key in keys:
        explained = change.explain(key)
        assert explained.recompute() == pytest.approx(explained.value, rel=1e-9, abs=1e-12), key
        assert explained.name_zh
        assert explained.name_en
    assert change.explain("change:salt").inputs[0].reference == "R7-before:salt"
    for wrong in ("total:up", "change:nothing", "node:in:salt:Z", "weight:salt", ""):
        with pytest.raises(KeyError):
            change.explain(wrong)


def test_a_stored_change_is_the_same() -> None:
    change = compare_periods(network(2021, BEFORE), network(2022, AFTER), "chlorine")
    again = Change.from_store("R3", *change.to_store())
    assert again.streams.equals(change.streams)
    assert again.summary("in", "zh") == change.summary("in", "zh")
    assert again.to_json()["settings"]["before"]["label"] == "2021"


def test_networks_that_do_not_fit_are_refused() -> None:
    before, after = network(2021, BEFORE), network(2022, AFTER)
    with pytest.raises(InputError, match="mercury"):
        compare_periods(before, after, "mercury")
    with pytest.raises(InputError, match="boundaries"):
        compare_periods(before, replace(after, boundary="north"), "chlorine")
    month = replace(after, end=date(2022, 2, 1))
    codes = [remark.code for remark in compare_periods(before, month, "chlorine").remarks]
    assert "periods_of_different_length" in codes


def test_a_trend_shows_each_period_and_what_was_spread() -> None:
    """Inflow and outflow per firm and year with the change to the year before; spread flows are marked."""
    first, second = network(2021, BEFORE), network(2022, AFTER)
    trend = draw_trend([second, first], "chlorine")
    at_b = trend.of("B")
    assert at_b["period_start"].to_list() == [date(2021, 1, 1), date(2022, 1, 1)]
    assert at_b["inflow"].to_list() == [pytest.approx(3.0 + 2.0 + 10.0), pytest.approx(3.5 + 1.0 + 15.0)]
    assert at_b["outflow"].to_list() == [pytest.approx(12.0), pytest.approx(19.8)]
    assert at_b["outflow_change"].to_list() == [None, pytest.approx(7.8)]
    for key in ("inflow:2021-01-01:B", "outflow:2022-01-01:B", "by_rule:2022-01-01:B"):
        explained = trend.explain(key)
        assert explained.recompute() == pytest.approx(explained.value, rel=1e-9)
    spread = replace(second, edges=second.edges.with_columns(pl.lit(True).alias("spread")))
    marked = draw_trend([first, spread], "chlorine")
    assert marked.of("A")["spread"].to_list() == [0.0, 1.0]
    assert [remark.code for remark in marked.remarks] == ["periods_spread"]
    with pytest.raises(ValueError, match="twice"):
        draw_trend([first, first], "chlorine")
    with pytest.raises(ValueError, match="at least one"):
        draw_trend([], "chlorine")
