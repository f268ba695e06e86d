"""Causes of a pollutant's rise: an exact split over origins and nodes, and honest words about how sure one can be."""

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

from ecopark.metabolism.changes.cause_months import adjusted, rank_correlation
from ecopark.metabolism.changes.causes import Causes, likely_causes, subject_streams
from ecopark.metabolism.flows import UNKNOWN_SCHEMA, LayeredFlows
from ecopark.metabolism.tracing.pathways import follow
from ecopark.model.periods import month_bounds
from ecopark.model.problems import InputError
from tests.metabolism.build import layered

Edge = dict[str, Any]


def network(year: int, edges: Sequence[Mapping[str, Any]], **options: Any) -> LayeredFlows:
    """A network of one year in the layer chlorine."""
    made = layered(edges, layers=("chlorine",), **options)
    start, end = date(year, 1, 1), date(year + 1, 1, 1)
    dated = made.edges.with_columns(pl.lit(start).alias("period_start"), pl.lit(end).alias("period_end"))
    return replace(made, year=year, start=start, end=end, edges=dated)


def monthly(year: int, months: Sequence[Sequence[Mapping[str, Any]]]) -> LayeredFlows:
    """A network of one year drawn by month, from the edges of each month."""
    made = layered([edge for month in months for edge in month], layers=("chlorine",))
    bounds = [month_bounds(year, number) for number, month in enumerate(months, 1) for _ in month]
    dated = made.edges.with_columns(
        pl.Series("period_start", [start for start, _ in bounds]), pl.Series("period_end", [end for _, end in bounds])
    )
    return replace(made, year=year, start=date(year, 1, 1), end=date(year + 1, 1, 1), resolution="month", edges=dated)


def edge(stream: str, source: str, target: str, amount: float, content: Any = 1.0, **more: Any) -> Edge:
    return {"stream": stream, "source": source, "target": target, "amount": amount, "commodity": stream,
            "content": {"chlorine": content}, **more}  # fmt: skip


def works(salt: float, brine: float, removed: float, content: float = 1.0) -> list[Edge]:
    """Salt to A, brine to B, both to the treatment T, which removes a share into a salt cake and lets out the rest."""
    reaching = salt * content + brine
    return [edge("salt", "IN", "A", salt, content), edge("brine", "IN", "B", brine),
            edge("a_water", "A", "T", salt * content), edge("b_water", "B", "T", brine),
            edge("cake", "T", "OUT", removed * reaching),
            edge("outfall", "T", "RIVER", (1 - removed) * reaching)]  # fmt: skip


def effects(causes: Causes) -> dict[str, float]:
    return dict(causes.causes.select("cause", "effect").iter_rows())


def test_more_brought_in_is_told_from_less_removed() -> None:
    """Worked by hand. Only salt rises, 100 -> 140, half removed: +20, all from the amount of salt.

    Only removal falls, 0.5 -> 0.3: 75 -> 105 of 150: +30, all from the treatment. Both: x 150 -> 190, passed on 0.5 ->
    0.7: 40 · 0.6 = 24 from salt and 0.2 · 170 = 34 from the treatment, 58 together.
    """
    base = network(2021, works(100.0, 50.0, 0.5))
    salt = likely_causes(base, network(2022, works(140.0, 50.0, 0.5)), "chlorine", "outfall")
    assert effects(salt) == {"amount:salt": pytest.approx(20.0)}
    removal = likely_causes(base, network(2022, works(100.0, 50.0, 0.3)), "chlorine", "RIVER")
    assert effects(removal) == {"passing:T": pytest.approx(30.0)}
    both = likely_causes(base, network(2022, works(140.0, 50.0, 0.3)), "chlorine", "outfall")
    assert effects(both) == {"passing:T": pytest.approx(34.0), "amount:salt": pytest.approx(24.0)}
    assert both.before == 75.0
    assert both.after == pytest.approx(133.0)
    assert both.rise == pytest.approx(58.0)
    assert both.causes["rank"].to_list() == [1, 2]
    assert both.causes["share"].sum() == pytest.approx(1.0)
    passing = both.causes.row(0, named=True)
    assert (passing["before"], passing["after"]) == (pytest.approx(0.5), pytest.approx(0.7))


def test_a_richer_stream_a_new_one_and_one_that_held_it_back() -> None:
    """Salt's content 1 -> 1.2 at 100 t: +20 · 0.5. A new stream of 10: +5. Less brine: -10 · 0.5, offsetting."""
    after = [*works(100.0, 40.0, 0.5, content=1.2), edge("acid", "IN", "T", 10.0)]
    after[4] = edge("cake", "T", "OUT", 85.0)
    after[5] = edge("outfall", "T", "RIVER", 85.0)
    causes = likely_causes(network(2021, works(100.0, 50.0, 0.5)), network(2022, after), "chlorine", "outfall")
    assert effects(causes) == {
        "content:salt": pytest.approx(10.0), "source:acid": pytest.approx(5.0), "amount:brine": pytest.approx(-5.0),
    }  # fmt: skip
    rows = {row["cause"]: row for row in causes.causes.iter_rows(named=True)}
    assert rows["amount:brine"]["direction"] == "offsetting"
    assert rows["amount:brine"]["rank"] == 3
    assert causes.likeliest()["cause"].to_list() == ["content:salt", "source:acid"]
    assert any("one period only" in sentence for sentence in causes.reasons("source:acid", "en"))
    assert any("other way" in sentence for sentence in causes.reasons("amount:brine", "en"))


def test_the_upstream_trace_of_both_periods() -> None:
    """Of the outfall 2/3 came from salt and 1/3 from brine; then 14/19 and 5/19. Shares sum to one."""
    causes = likely_causes(
        network(2021, works(100.0, 50.0, 0.5)), network(2022, works(140.0, 50.0, 0.3)), "chlorine", "outfall"
    )
    shares = {row["stream"]: row for row in causes.origins.iter_rows(named=True)}
    assert shares["salt"]["share_before"] == pytest.approx(2 / 3)
    assert shares["salt"]["share_after"] == pytest.approx(14 / 19)
    assert causes.origins["share_before"].sum() == pytest.approx(1.0)
    assert causes.origins["share_after"].sum() == pytest.approx(1.0)
    assert causes.origins["change"].sum() == pytest.approx(causes.rise)
    outlets = causes.outlets.filter(pl.col("node") == "T")
    assert dict(outlets.select("target", "share_after").iter_rows())["OUT"] == pytest.approx(0.3)
    assert outlets["share_before"].sum() == pytest.approx(1.0)
    assert any("50" in text and "30" in text for text in causes.reasons("passing:T", "en"))


def test_a_source_that_is_not_recorded_is_named() -> None:
    """More leaves T than enters it in the later year: the 30 t above what came in have no recorded source."""
    after = works(100.0, 50.0, 0.5)
    after[5] = edge("outfall", "T", "RIVER", 105.0)
    causes = likely_causes(network(2021, works(100.0, 50.0, 0.5)), network(2022, after), "chlorine", "outfall")
    found = effects(causes)
    assert found["unexplained:T"] == pytest.approx(30.0 * (0.5 + 105 / 180) / 2)
    assert found["unexplained:T"] + found["passing:T"] == pytest.approx(30.0)
    assert "sources_not_recorded" in [remark.code for remark in causes.remarks]
    assert "T" in next(r for r in causes.remarks if r.code == "sources_not_recorded").text("zh")
    assert set(causes.causes.filter(pl.col("kind") == "unexplained")["confidence"]) == {"balance"}


def test_less_removed_is_told_from_a_meter_that_failed() -> None:
    """A treatment with no recorded outlet for what it removes leaves its balance open in both periods: less removed.

    Where the balance closes in one period and not in the other, the measuring is as likely, and the words say so.
    """

    def year(number: int, out: float) -> LayeredFlows:
        return network(number, [edge("in", "IN", "T", 100.0), edge("outfall", "T", "RIVER", out)])

    removal = likely_causes(year(2021, 50.0), year(2022, 70.0), "chlorine", "outfall")
    assert effects(removal) == {"passing:T": pytest.approx(20.0)}
    assert removal.causes["confidence"].item() == "untested"
    failed = likely_causes(year(2021, 80.0), year(2022, 100.0), "chlorine", "outfall")
    assert effects(failed) == {"passing:T": pytest.approx(20.0)}
    assert failed.causes["confidence"].item() == "balance"
    assert "measurement may be wrong" in failed.reasons("passing:T", "en")[-1]


def test_a_loop_is_followed_and_a_closed_one_is_named() -> None:
    """Water sent round B and back is counted once per passage; a loop that loses nothing is told with its nodes."""
    loop = [edge("i", "IN", "A", 100.0), edge("ab", "A", "B", 150.0), edge("ba", "B", "A", 50.0),
            edge("out", "B", "RIVER", 100.0)]  # fmt: skip
    more = [edge("i", "IN", "A", 120.0), edge("ab", "A", "B", 300.0), edge("ba", "B", "A", 180.0),
            edge("out", "B", "RIVER", 120.0)]  # fmt: skip
    causes = likely_causes(network(2021, loop), network(2022, more), "chlorine", "out")
    assert effects(causes) == {"amount:i": pytest.approx(20.0)}
    closed = [edge("i", "IN", "C", 1.0), edge("ab", "A", "B", 10.0), edge("ba", "B", "A", 10.0)]
    with pytest.raises(InputError, match="A, B"):
        likely_causes(network(2021, closed), network(2022, closed), "chlorine", "ab")
    beside = [*works(100.0, 50.0, 0.5), edge("xy", "X", "Y", 10.0), edge("yx", "Y", "X", 10.0)]
    assert likely_causes(network(2021, beside), network(2022, beside), "chlorine", "outfall").rise == 0.0


numbers = st.floats(0.0, 100.0).map(lambda number: 0.0 if number < 0.01 else number)
ENDS = [("IN", "A"), ("IN", "B"), ("IN", "C"), ("A", "B"), ("B", "C"), ("C", "A"), ("A", "C"), ("B", "OUT"),
        ("C", "OUT"), ("A", "RIVER"), ("C", "RIVER")]  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(st.lists(numbers, min_size=22, max_size=22), st.lists(st.floats(0.5, 2.0), min_size=22, max_size=22))
def test_the_effects_always_add_up_to_the_rise(amounts: list[float], contents: list[float]) -> None:
    """In any network, loops, imbalances and vanished streams included, nothing of the rise is lost or counted twice."""

    def year(number: int, part: slice) -> LayeredFlows:
        rows = zip(ENDS, amounts[part], contents[part], strict=True)
        edges = [edge(f"{a}{b}", a, b, amount, content) for (a, b), amount, content in rows if amount > 0]
        return network(number, [*edges, edge("in", "IN", "C", 1.0), edge("last", "C", "RIVER", 1.0)])

    causes = likely_causes(year(2021, slice(0, 11)), year(2022, slice(11, 22)), "chlorine", "RIVER")
    scale = max(causes.before, causes.after)
    assert causes.causes["effect"].sum() == pytest.approx(causes.rise, abs=1e-9 * scale)
    assert causes.origins["contribution_before"].sum() == pytest.approx(causes.before, rel=1e-9)
    assert causes.origins["contribution_after"].sum() == pytest.approx(causes.after, rel=1e-9)
    for key in ("rise", *(f"effect:{cause}" for cause in causes.causes["cause"])):
        explained = causes.explain(key)
        assert explained.recompute() == pytest.approx(explained.value, rel=1e-9, abs=1e-9 * scale), key


def test_origins_are_those_of_the_upstream_trace() -> None:
    """The contributions in both periods agree with `pathways.follow`, solved another way, loops and rests included."""
    random = np.random.default_rng(5)
    years = [
        network(year, [edge(f"{a}{b}", a, b, float(random.uniform(1, 100)), float(random.uniform(0.5, 2)))
                       for a, b in ENDS])
        for year in (2021, 2022)
    ]  # fmt: skip
    causes = likely_causes(years[0], years[1], "chlorine", "ARIVER")
    for side, year in zip(("before", "after"), years, strict=True):
        traced = follow(year, "chlorine", "upstream", stream="ARIVER").shares
        by_stream = dict(traced.filter(pl.col("kind") == "outside").select("stream", "amount").iter_rows())
        rest = dict(traced.filter(pl.col("kind") == "unexplained").select("station", "amount").iter_rows())
        for row in causes.origins.filter(pl.col(f"contribution_{side}") > 0).iter_rows(named=True):
            found = by_stream.pop(row["stream"]) if row["kind"] == "stream" else rest.pop(row["node"])
            assert row[f"contribution_{side}"] == pytest.approx(found, rel=1e-9)
        assert not by_stream
        assert not rest


def test_what_is_known_in_one_period_only_is_not_called_a_cause() -> None:
    """A stream NE in the later year did not bring in nothing, and a node with such a stream may only look changed."""
    before = network(2021, [*works(100.0, 50.0, 0.5), edge("acid", "IN", "T", 60.0)])
    lacking = pl.DataFrame(
        [{"edge": 9, "stream": "acid", "layer": "chlorine", "reason": "no_amount", "quantity": "", "commodity": "acid",
          "source": "IN", "target": "T"}], schema=UNKNOWN_SCHEMA)  # fmt: skip
    after = replace(network(2022, works(100.0, 50.0, 0.4)), unknown=lacking)
    causes = likely_causes(before, after, "chlorine", "outfall")
    rows = {row["cause"]: row for row in causes.causes.iter_rows(named=True)}
    assert (rows["source:acid"]["state"], rows["source:acid"]["confidence"]) == ("unknown_after", "record")
    assert rows["passing:T"]["confidence"] == "record"
    assert "not known" in causes.reasons("source:acid", "en")[0]
    assert "single out" in causes.headline("en")


def test_a_cause_within_its_uncertainty_ranks_behind_a_smaller_sure_one() -> None:
    """Salt +40 ± 50 t may be nothing; brine +20 ± 2 t is sure: it comes first, and the words say which is which."""

    def year(number: int, salt: float, brine: float) -> LayeredFlows:
        edges = works(salt, brine, 0.5)
        edges[0]["sd"], edges[1]["sd"] = 35.0, 1.4
        return network(number, edges)

    causes = likely_causes(year(2021, 100.0, 50.0), year(2022, 140.0, 70.0), "chlorine", "outfall")
    rows = {row["cause"]: row for row in causes.causes.iter_rows(named=True)}
    assert causes.causes["cause"].to_list() == ["amount:brine", "amount:salt"]
    assert rows["amount:brine"]["sd"] == pytest.approx(np.hypot(1.4, 1.4) * 0.5, rel=0.05)
    assert (rows["amount:brine"]["confidence"], rows["amount:salt"]["confidence"]) == ("indicated", "uncertain")
    said = causes.headline("en")
    assert "from 75 tCl (2021) to 105 tCl (2022)" in said
    assert "(+10 of +30 tCl): The amount of brine" in said
    assert "within its uncertainty" in causes.reasons("amount:salt", "en")[-1]
    assert "no_months" in [remark.code for remark in causes.remarks]


def test_months_support_or_contradict() -> None:
    """The outfall follows the brine month by month and moves against the salt: one is supported, one contradicted."""
    random = np.random.default_rng(3)
    brine = 4.0 + 2.0 * random.random(12)
    salt = 20.0 - 2.0 * brine
    months = [works(float(s), float(b), 0.0) for s, b in zip(salt, brine, strict=True)]
    for month, b in zip(months, brine, strict=True):
        month[5]["amount"] = 3.0 * float(b)
    first = network(2021, [dict(e, sd=0.1) for e in works(90.0, 40.0, 0.5)])
    second = network(2022, [dict(e, sd=0.1) for e in works(130.0, 60.0, 0.5)])
    causes = likely_causes(first, second, "chlorine", "outfall", months=[monthly(2022, months)])
    rows = {row["cause"]: row for row in causes.causes.iter_rows(named=True)}
    assert (rows["amount:brine"]["confidence"], rows["amount:brine"]["months"]) == ("supported", 12)
    assert rows["amount:brine"]["correlation"] == pytest.approx(1.0)
    assert rows["amount:salt"]["confidence"] == "contradicted"
    assert rows["amount:salt"]["correlation"] == pytest.approx(-1.0)
    assert causes.likeliest()["cause"][0] == "amount:brine"
    assert any("12" in sentence for sentence in causes.reasons("amount:brine", "zh"))
    yearly = monthly(2022, months)
    spread = replace(yearly, edges=yearly.edges.with_columns(pl.lit(True).alias("spread")))
    untold = likely_causes(first, second, "chlorine", "outfall", months=[spread])
    assert "months_not_observed" in [remark.code for remark in untold.remarks]
    assert untold.causes["correlation"].null_count() == untold.causes.height


def test_rank_correlation_against_known_values() -> None:
    """Spearman's coefficient of a textbook series (IQ and hours of television: -29/165) and its p-value near 0.63."""
    iq = np.array([106, 100, 86, 101, 99, 103, 97, 113, 112, 110], dtype=float)
    hours = np.array([7, 27, 2, 50, 28, 29, 20, 12, 6, 17], dtype=float)
    correlation, p = rank_correlation(iq, hours)
    assert correlation == pytest.approx(-29 / 165)
    assert p == pytest.approx(0.627, abs=0.03)
    assert np.isnan(rank_correlation(iq, np.ones(10))).all()
    assert adjusted([0.01, 0.04, 0.03, float("nan")]) == pytest.approx([0.03, 0.06, 0.06, float("nan")], nan_ok=True)


def test_a_p_value_is_right_in_as_many_trials_as_it_says() -> None:
    """Of 400 pairs of unrelated series about 5 % have p below 0.05 (binomial: 400 · 0.05 ± 3 · 4.4)."""
    random = np.random.default_rng(11)
    below = sum(rank_correlation(random.random(10), random.random(10))[1] < 0.05 for _ in range(400))
    assert 7 <= below <= 33


def test_subjects_and_bad_input() -> None:
    base = network(2021, works(100.0, 50.0, 0.5))
    assert subject_streams(base, base, "chlorine", "T") == {"cake", "outfall"}
    assert subject_streams(base, base, "chlorine", "A") == {"a_water"}
    assert subject_streams(base, base, "chlorine", "RIVER") == {"outfall"}
    with pytest.raises(InputError, match="neither a stream nor a node"):
        likely_causes(base, base, "chlorine", "nowhere")
    with pytest.raises(InputError, match="No stream"):
        likely_causes(base, base, "chlorine", "IN")
    same = likely_causes(base, base, "chlorine", "outfall")
    assert same.causes.is_empty()
    assert "no_rise" in [remark.code for remark in same.remarks]
    assert "single out" in same.headline("en")
    with pytest.raises(KeyError):
        same.reasons("amount:salt", "en")
    with pytest.raises(KeyError):
        same.explain("effect:amount:salt")
    with pytest.raises(KeyError):
        same.explain("contribution:before:nothing")


def test_causes_are_stored_and_speak_both_languages() -> None:
    causes = likely_causes(
        network(2021, works(100.0, 50.0, 0.5)), network(2022, works(140.0, 50.0, 0.3)), "chlorine", "outfall"
    )
    again = Causes.from_store("R5", *causes.to_store())
    assert again.causes.equals(causes.causes)
    assert again.headline("zh") == causes.headline("zh")
    assert again.explain("rise").inputs[0].reference == f"R5-effect:{causes.causes['cause'][0]}"
    for cause in causes.causes["cause"]:
        for zh, en in zip(causes.reasons(cause, "zh"), causes.reasons(cause, "en"), strict=True):
            assert zh != en
    explained = causes.explain("contribution:after:stream:salt")
    assert explained.recompute() == pytest.approx(explained.value)
