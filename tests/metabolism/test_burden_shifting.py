"""Burden shifting between two states, worked by hand: what got better, what worse, where, and whether it is certain.

The case: a scrubber cuts sulphur dioxide with limestone and power bought for it, and its sludge goes to a landfill.
"""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecopark.catalogue import load_catalogue
from ecopark.metabolism.burdens.burden_shifting import BurdenShift, compare_burdens
from ecopark.metabolism.burdens.burdens import Burdens, draw_burdens
from ecopark.metabolism.flows import layered_flows
from ecopark.model.problems import InputError
from ecopark.model.record import Record

CATALOGUE = load_catalogue()
NODES = [
    {"id": "park", "kind": "park", "region": "CN-JS", "name_zh": "园区", "name_en": "Park"},
    {"id": "plant", "parent": "park", "kind": "firm", "name_zh": "热电厂", "name_en": "Plant"},
    {"id": "mill", "parent": "park", "kind": "firm", "name_zh": "纸厂", "name_en": "Mill"},
    {"id": "market", "kind": "market"},
    {"id": "air", "kind": "environment"},
    {"id": "river", "kind": "environment"},
]
STREAMS = [
    {"id": "so2", "source": "plant", "target": "air", "commodity": "sulphur_dioxide", "activity": "emission"},
    {"id": "cod", "source": "mill", "target": "river", "commodity": "cod", "activity": "emission"},
    {"id": "lime", "source": "market", "target": "plant", "commodity": "lime", "activity": "process_input"},
    {"id": "gypsum", "source": "plant", "target": "market", "commodity": "fgd_gypsum", "activity": "treatment",
     "technology": "landfill"},
]  # fmt: skip
BEFORE = {"so2": 100.0, "cod": 10.0, "lime": 10.0, "gypsum": 5.0}
AFTER = {"so2": 20.0, "cod": 10.0, "lime": 90.0, "gypsum": 200.0}
FACTORS = [
    {"id": "lime", "quantity": "upstream_emission_factor", "commodity": "lime", "value": 1.2, "unit": "tCO2e/t",
     "source": "study", "status": "secondary"},
    {"id": "lime_so2", "quantity": "upstream_sulphur_dioxide", "commodity": "lime", "value": 0.5, "unit": "kg/t",
     "source": "study", "status": "secondary"},
]  # fmt: skip


def state(
    amounts: dict[str, float], ranges: float | None = None, factors: Any = FACTORS, absent: tuple[str, ...] = (),
    **more: Any,
) -> Burdens:  # fmt: skip
    """Burdens of the park with these amounts; `ranges` is the half width of the 95 % range as a share, `absent` are
    streams of which nothing is known."""
    flows = [
        {"stream": key, "period_start": "2022", "amount": amount, "unit": "t", "method": "metered"}
        | ({"amount": None, "notation": "NE"} if key in absent else {})
        | ({"low": amount * (1 - ranges), "high": amount * (1 + ranges)} if ranges is not None else {})
        for key, amount in amounts.items()
    ]
    streams = [stream for stream in STREAMS if stream["id"] in amounts]
    park = Record.of(nodes=NODES, streams=streams, flows=flows, factors=factors)
    return draw_burdens(layered_flows(park, CATALOGUE, 2022, layers=["mass"]), park, CATALOGUE, **more)


def row(shift: BurdenShift, category: str) -> dict[str, Any]:
    return shift.categories.filter(pl.col("category") == category).row(0, named=True)


def test_scrubber_shifts_to_climate_and_landfill() -> None:
    """Sulphur dioxide and acidification fall, climate and landfill rise; the words and the places say so."""
    shift = compare_burdens(state(BEFORE), state(AFTER))
    assert row(shift, "sulphur_dioxide")["change"] == pytest.approx(-80e3 + 40.0)
    assert row(shift, "climate")["change"] == pytest.approx(80 * 1.2)
    assert row(shift, "landfill")["change"] == pytest.approx(195.0)
    assert set(shift.of("better")) == {"sulphur_dioxide", "acidification", "particulate_formation"}
    assert set(shift.of("worse")) == {"climate", "landfill"}
    assert set(shift.of("unchanged")) == {"cod", "eutrophication"}
    assert row(shift, "nitrogen_oxides")["verdict"] == "unknown"
    assert ("shifted_to", ["climate", "landfill"]) in shift.verdicts
    assert "shifted to Climate change, Waste landfilled" in shift.words("en")
    assert any("气候变化、填埋量" in words for words in shift.words("zh"))
    top = shift.contributors("climate", 1).row(0, named=True)
    assert (top["node"], top["commodity"], top["stage"]) == ("plant", "lime", "upstream")
    top = shift.contributors("landfill", 1, rising=True).row(0, named=True)
    assert (top["node"], top["commodity"], top["stage"]) == ("plant", "fgd_gypsum", "treatment")


def test_shifted_outside() -> None:
    """Where the park's own part falls and the outside rises, the smaller of both has moved out."""
    factors = [{**FACTORS[1], "value": 500.0}]
    shift = compare_burdens(state(BEFORE, factors=factors), state(AFTER, factors=factors))
    found = row(shift, "sulphur_dioxide")
    assert found["inside"] == pytest.approx(-80e3)
    assert found["outside"] == pytest.approx(40e3)
    assert found["shifted_outside"] == pytest.approx(40e3)
    assert ("shifted_outside", ["sulphur_dioxide"]) in shift.verdicts
    # without the background the same change would look like pure gain
    blind = compare_burdens(state(BEFORE, factors=[]), state(AFTER, factors=[]))
    assert row(blind, "sulphur_dioxide")["shifted_outside"] == 0.0


def test_no_shift() -> None:
    """Everything falls: no shift; everything as it was: no shift and nothing counts."""
    less = {key: amount / 2 for key, amount in BEFORE.items()}
    shift = compare_burdens(state(BEFORE), state(less))
    assert shift.verdicts == [("no_shift", [])]
    assert shift.words("en") == ["no shift"]
    assert not shift.of("worse")
    same = compare_burdens(state(BEFORE), state(BEFORE))
    assert not same.of("better")
    assert same.changes["change"].abs().max() == 0.0
    assert not same.remarks


def test_change_within_its_uncertainty_does_not_count() -> None:
    """A rise of 10 % with ranges of 20 % on both sides is no verdict; with ranges of 1 % it is."""
    more = {**BEFORE, "so2": 110.0}
    wide = row(compare_burdens(state(BEFORE, 0.2), state(more, 0.2)), "sulphur_dioxide")
    assert wide["verdict"] == "unchanged"
    sd = 1000.0 * 0.2 / 1.959963984540054 * (100.0**2 + 110.0**2 + (0.0005 * 10) ** 2 * 2) ** 0.5
    assert wide["sd"] == pytest.approx(sd, rel=1e-6)
    assert wide["significance"] == pytest.approx(10e3 / sd, rel=1e-6)
    tight = row(compare_burdens(state(BEFORE, 0.01), state(more, 0.01)), "sulphur_dioxide")
    assert tight["verdict"] == "worse"


def test_shared_factor_cancels() -> None:
    """A factor known to 50 % counts in both states alike: a rise of what it multiplies is certain all the same."""
    factors = [{**FACTORS[0], "low": 0.6, "high": 1.8}]
    before, after = state(BEFORE, factors=factors), state({**BEFORE, "lime": 12.0}, factors=factors)
    found = row(compare_burdens(before, after), "climate")
    assert found["change"] == pytest.approx(2.4)
    assert found["sd"] == pytest.approx(2.0 * 0.6 / 1.959963984540054, rel=1e-9)
    assert found["verdict"] == "worse"
    # taken for independent, the change would drown in the factor's error
    apart = (10.0**2 + 12.0**2) ** 0.5 * 0.6 / 1.959963984540054
    assert apart * 1.96 > found["change"]


def test_new_factor_is_not_the_parks_deed() -> None:
    """Amount and factor effects are told apart and add up to the change."""
    other = [{**FACTORS[0], "value": 0.9}]
    found = row(compare_burdens(state(BEFORE), state({**BEFORE, "lime": 20.0}, factors=other)), "climate")
    assert found["change"] == pytest.approx(20 * 0.9 - 10 * 1.2)
    assert found["amount_effect"] == pytest.approx(10 * 1.05)
    assert found["factor_effect"] == pytest.approx(15 * -0.3)


def test_coverage_and_settings_that_differ_are_told() -> None:
    """A commodity covered in one state only, and other warming potentials, are no change of the park."""
    shift = compare_burdens(state(BEFORE, factors=[]), state(AFTER, gwp="gwp-AR4"))
    codes = {remark.code: remark for remark in shift.remarks}
    assert {"shift_coverage", "shift_gwp"} <= set(codes)
    assert "Lime" in codes["shift_coverage"].text("en")
    assert "石灰" in codes["shift_coverage"].text("zh")


def test_missing_data_is_no_improvement() -> None:
    """An emission that is not estimated any more does not make the park better: it is left out and named."""
    after = state({**BEFORE, "cod": 12.0}, absent=("so2",))
    assert after.total("sulphur_dioxide", "direct") is None
    shift = compare_burdens(state(BEFORE), after)
    found = row(shift, "sulphur_dioxide")
    assert found["change"] == pytest.approx(-100e3)
    assert found["coverage_effect"] == pytest.approx(-100e3)
    assert found["verdict"] == "unchanged"
    assert row(shift, "cod")["verdict"] == "worse"
    assert shift.verdicts == [("no_shift", [])]
    remark = next(remark for remark in shift.remarks if remark.code == "shift_coverage")
    assert "Sulphur dioxide" in remark.text("en")


def test_explanations_and_storing() -> None:
    """Every change is after less before, and a stored comparison gives the same."""
    shift = compare_burdens(state(BEFORE).with_run("R1"), state(AFTER).with_run("R2"))
    for category in shift.of("better") + shift.of("worse"):
        explanation = shift.explain(f"change:{category}")
        assert explanation.recompute() == pytest.approx(row(shift, category)["change"], rel=1e-9)
        assert [item.reference for item in explanation.inputs] == [f"R2-total:{category}", f"R1-total:{category}"]
    after = state(AFTER)
    for part in shift.changes.iter_rows(named=True):
        explanation = shift.explain(f"part:{part['part']}")
        assert explanation.recompute() == pytest.approx(part["change"], rel=1e-9, abs=1e-9)
        if part["after"]:
            key = explanation.inputs[0].reference.removeprefix("R2-")
            assert after.explain(key).value == pytest.approx(part["after"], rel=1e-9)
    again = BurdenShift.from_store("R9", *shift.to_store())
    assert again.verdicts == shift.verdicts
    with pytest.raises(KeyError):
        shift.explain("change:nitrogen_oxides")
    with pytest.raises(KeyError):
        shift.explain("part:0")


def test_nothing_in_common() -> None:
    """States drawn for different categories cannot be compared."""
    with pytest.raises(InputError) as error:
        compare_burdens(state(BEFORE, categories=["cod"]), state(BEFORE, categories=["climate"]))
    assert error.value.problems[0].code == "shift_categories"


AMOUNTS = st.fixed_dictionaries({key: st.floats(0.1, 1e4) for key in BEFORE})


@settings(max_examples=10, deadline=None)
@given(AMOUNTS, AMOUNTS)
def test_parts_add_up(first: dict[str, float], second: dict[str, float]) -> None:
    """Parts add up to the change of their category, effects to each part, and turning the states turns the signs."""
    before, after = state(first), state(second)
    there, back = compare_burdens(before, after), compare_burdens(after, before)
    for found in there.categories.iter_rows(named=True):
        if found["change"] is None:
            continue
        scale = max(abs(found["before"]), abs(found["after"]))
        parts = there.changes.filter(pl.col("category") == found["category"])
        assert parts["change"].sum() == pytest.approx(found["change"], abs=1e-9 * scale)
        assert found["coverage_effect"] == pytest.approx(0.0, abs=1e-9 * scale)
        assert found["inside"] + found["outside"] == pytest.approx(found["change"], abs=1e-9 * scale)
        assert found["amount_effect"] + found["factor_effect"] == pytest.approx(found["change"], abs=1e-9 * scale)
        assert row(back, found["category"])["change"] == pytest.approx(-found["change"], abs=1e-9 * scale)
