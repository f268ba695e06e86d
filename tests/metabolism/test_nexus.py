"""Water-energy nexus: the sums of the method, the pattern of the study, gaps, and the factors of the catalogue."""

from __future__ import annotations

import csv
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecopark.catalogue import load_catalogue
from ecopark.catalogue.loading import DATA
from ecopark.metabolism.flows import layered_flows
from ecopark.metabolism.indicators.nexus import Nexus, draw_nexus
from ecopark.model.problems import InputError
from ecopark.model.record import Record
from ecopark.units import factor

LAYERS = ["energy", "water"]
COLUMNS = ("id", "source", "target", "commodity", "activity")
Stream = tuple[str, str, str, str, str, float | None, str]


def park(streams: list[Stream], **tables: Any) -> Record:
    """A park of 2015 with a mill and a plant in a zone, from (id, from, to, commodity, activity, amount, unit)."""
    return Record.of(
        nodes=[
            {"id": "park", "kind": "park"}, {"id": "zone", "kind": "zone", "parent": "park"},
            {"id": "mill", "kind": "firm", "parent": "zone"}, {"id": "plant", "kind": "firm", "parent": "zone"},
            {"id": "grid", "kind": "market"}, {"id": "mine", "kind": "market"}, {"id": "works", "kind": "market"},
            {"id": "river", "kind": "environment"},
        ],
        streams=[dict(zip(COLUMNS, row[:5], strict=True)) for row in streams],
        flows=[
            {"stream": row[0], "period_start": "2015", "amount": row[5], "unit": row[6],
             "notation": "NE" if row[5] is None else None}
            for row in streams
        ],
        **tables,
    )  # fmt: skip


def nexus_of(record: Record) -> Nexus:
    return draw_nexus(layered_flows(record, load_catalogue(), 2015, layers=LAYERS), record, load_catalogue())


def own_factor(quantity: str, commodity: str, value: float, unit: str, **more: Any) -> dict[str, Any]:
    """A factor of the park's own."""
    return {"id": f"{commodity}.{quantity}", "quantity": quantity, "commodity": commodity, "value": value, "unit": unit,
            "source": "stated for the test", **more}  # fmt: skip


def pattern_park() -> Record:
    """95 % of the direct water from the surface, 74 % of the direct energy coal, and factors by which 29 % of all water
    stands behind the energy: 1e6 m3 direct, 408,451 behind (1e6 x 29/71).
    """
    behind = 1e6 * 29 / 71
    coal, power = 74_000.0, 26_000.0
    return park(
        [
            ("surface", "works", "mill", "surface_water", "supply", 0.95e6, "m3"),
            ("ground", "works", "mill", "groundwater", "supply", 0.05e6, "m3"),
            ("coal", "mine", "mill", "bituminous_coal", "final_use", coal / 20.0, "t"),
            ("power", "grid", "mill", "electricity", "supply", power / 3.6, "MWh"),
        ],
        properties=[{"commodity": "bituminous_coal", "property": "ncv", "value": 20.0, "unit": "GJ_LHV/t"}],
        factors=[
            own_factor("water_factor", "electricity", 0.9 * behind / (power / 3.6), "m3/MWh"),
            own_factor("water_factor", "bituminous_coal", 0.1 * behind / (coal / 20.0), "m3/t"),
        ],
    )  # fmt: skip


def test_pattern_of_the_national_parks() -> None:
    """V18: 29 % of the water stands behind the energy, about 0 % of the energy behind the water.

    The energy behind the water here follows from the catalogue's 0.37 and 0.48 kWh/m3: 1.35 TJ beside 100 TJ.
    """
    row = nexus_of(pattern_park()).at()
    assert row["direct_water"] == pytest.approx(1e6)
    assert row["direct_energy"] == pytest.approx(100_000.0)
    assert row["water_share"] == pytest.approx(0.29, rel=1e-9)
    expected = (0.95e6 * 0.37 + 0.05e6 * 0.48) * 0.0036
    assert row["energy_of_water"] == pytest.approx(expected)
    assert row["energy_share"] == pytest.approx(expected / (100_000.0 + expected))
    assert row["energy_share"] < 0.015
    assert row["complete"]


def test_life_cycle_use_is_direct_use_and_what_stands_behind() -> None:
    """1,000 MWh at the world's 4,241 m3/TJ is 15,268 m3; 2,000 m3 of desalinated water at 3.035 kWh/m3 is 21.9 GJ."""
    result = nexus_of(
        park(
            [
                ("power", "grid", "mill", "electricity", "supply", 1000.0, "MWh"),
                ("water", "works", "mill", "desalinated_water", "supply", 2000.0, "m3"),
                ("dirty", "mill", "works", "industrial_wastewater", "treatment", 1500.0, "m3"),
            ]
        )
    )
    row = result.at("mill")
    assert row["water_of_energy"] == pytest.approx(1000 * 3.6e-3 * 4241)
    assert row["life_cycle_water"] == pytest.approx(2000 + 15_267.6)
    assert row["energy_of_water"] == pytest.approx((2000 * 3.035 + 1500 * 0.745) * 0.0036)
    assert row["life_cycle_energy"] == pytest.approx(3600 + row["energy_of_water"])


def test_a_plant_inside_the_park_counts_once_at_its_level() -> None:
    """Heat from the plant: behind the mill's heat stands water by factor; at the park the plant's own water counts."""
    result = nexus_of(
        park(
            [
                ("heat", "plant", "mill", "heat", "transfer", 500.0, "GJ"),
                ("water", "river", "plant", "surface_water", "supply", 80.0, "m3"),
            ],
            factors=[own_factor("water_factor", "heat", 0.1, "m3/GJ")],
        )
    )
    assert result.at("mill")["water_of_energy"] == pytest.approx(50.0)
    assert result.at("mill")["life_cycle_water"] is None
    assert (result.at("mill")["direct_energy"], result.at("plant")["direct_energy"]) == (500.0, -500.0)
    for node in ("zone", "park"):
        assert (result.at(node)["water_of_energy"], result.at(node)["direct_water"]) == (0.0, 80.0)


def test_power_by_technology() -> None:
    """Wind takes no water in operation, coal 687 gal/MWh (2.60 m3/MWh); green power of no stated kind is a gap."""
    streams: list[Stream] = [
        ("coal", "grid", "mill", "electricity", "supply", 10.0, "MWh"),
        ("wind", "grid", "mill", "electricity_direct_nonfossil", "supply", 10.0, "MWh"),
        ("green", "grid", "mill", "electricity_direct_nonfossil", "supply", 10.0, "MWh"),
    ]
    record = park(streams)
    technologies = {"coal": "coal", "wind": "wind", "green": None}
    record = record.replace(
        streams=record.streams.with_columns(
            pl.col("id").replace_strict(technologies, return_dtype=pl.String).alias("technology")
        )
    )
    result = nexus_of(record)
    assert result.at("mill")["water_of_energy"] == pytest.approx(6870 * factor("gal", "m3"))
    gap = result.gaps.row(0, named=True)
    assert (result.gaps.height, gap["stream"], gap["reason"]) == (1, "green", "no_factor")
    assert "wind" in gap["technologies"]


def test_unknown_factors_are_gaps_and_never_zero() -> None:
    """Natural gas has a row without a value: named, the node is incomplete, and with no other carrier null."""
    result = nexus_of(
        park(
            [
                ("gas", "mine", "mill", "natural_gas", "final_use", 10.0, "万Nm3"),
                ("water", "river", "mill", "surface_water", "supply", 80.0, "m3"),
                ("missing", "works", "mill", "tap_water", "supply", None, "m3"),
            ]
        )
    )
    row = result.at("mill")
    assert row["water_of_energy"] is None
    assert row["life_cycle_water"] is None
    assert not row["complete"]
    assert row["missing"] == "natural_gas; tap_water"
    reasons = dict(result.gaps.select("commodity", "reason").iter_rows())
    assert reasons == {"natural_gas": "unknown_factor", "tap_water": "no_amount"}
    assert result.gaps["factor"][0] == "nexus.natural_gas.water_factor"
    remark = next(remark for remark in result.remarks if remark.code == "nexus_gaps")
    assert "natural_gas" in remark.text("en")
    assert "natural_gas" in remark.text("zh")


def test_a_water_works_uses_only_what_it_does_not_pass_on() -> None:
    """100 from the river, 90 passed on: direct water 10 and 90, together the park's 100; a river has no factor."""
    result = nexus_of(
        park(
            [
                ("intake", "river", "plant", "surface_water", "supply", 100.0, "m3"),
                ("passed", "plant", "mill", "tap_water", "supply", 90.0, "m3"),
            ]
        )
    )
    assert [result.at(node)["direct_water"] for node in ("plant", "mill", "park")] == [10.0, 90.0, 100.0]
    assert result.at("park")["energy_of_water"] == 0.0
    assert result.at("mill")["energy_of_water"] == pytest.approx(90 * 0.37 * 0.0036)


def test_own_factors_go_before_and_belong_to_their_place() -> None:
    """The plant's factor holds for the plant only; the mill keeps the catalogue's."""
    result = nexus_of(
        park(
            [
                ("one", "grid", "mill", "electricity", "supply", 100.0, "MWh"),
                ("two", "grid", "plant", "electricity", "supply", 100.0, "MWh"),
            ],
            factors=[own_factor("water_factor", "electricity", 1.0, "m3/MWh", node="plant")],
        )
    )
    assert result.at("plant")["water_of_energy"] == pytest.approx(100.0)
    assert result.at("mill")["water_of_energy"] == pytest.approx(100 * 3.6e-3 * 4241)


def test_layers_that_are_not_there_are_named() -> None:
    record = pattern_park()
    with pytest.raises(InputError, match="water"):
        draw_nexus(layered_flows(record, load_catalogue(), 2015, layers=["energy"]), record, load_catalogue())


def test_every_number_is_explained() -> None:
    """Each column of each node recomputes to 1e-9, down to amount x factor, with the factor's source named."""
    result = nexus_of(pattern_park()).with_run("R3")
    seen = 0
    for row in result.nodes.iter_rows(named=True):
        for column, value in row.items():
            if not isinstance(value, float):
                continue
            if value == 0.0 and not result.members.filter(pl.col("node") == row["node"]).height:
                continue
            explanation = result.explain(f"{column}:{row['node']}")
            assert explanation.recompute() == pytest.approx(value, rel=1e-9)
            seen += 1
            for part in explanation.inputs:
                if part.reference.startswith("R3-"):
                    inner = result.explain(part.reference.removeprefix("R3-"))
                    assert inner.recompute() == pytest.approx(part.value, rel=1e-9)
    assert seen >= 24
    edge = result.factors.filter(pl.col("factor") == "nexus.surface_water.water_energy_factor")["edge"][0]
    source = result.explain(f"behind:{edge}").inputs[1]
    assert source.source_en
    assert source.status == "secondary"
    outcome, frames = result.to_store()
    assert Nexus.from_store("R4", outcome, frames).at() == result.at()


@settings(max_examples=25, deadline=None)
@given(st.floats(0.0, 1e5), st.floats(1.0, 1e6), st.floats(0.1, 10.0))
def test_shares_scale_with_nothing(power: float, water: float, scale: float) -> None:
    """Shares lie in 0..1 and do not change when all flows are multiplied by one number."""

    def share(by: float) -> tuple[float, float]:
        record = park(
            [
                ("power", "grid", "mill", "electricity", "supply", power * by, "MWh"),
                ("water", "river", "mill", "surface_water", "supply", water * by, "m3"),
            ]
        )
        row = nexus_of(record).at()
        return row["water_share"], row["life_cycle_water"] / by

    first, second = share(1.0), share(scale)
    assert 0.0 <= first[0] <= 1.0
    assert first == pytest.approx(second, rel=1e-9, abs=1e-12)


def test_factors_cite_their_source_or_say_that_they_are_unknown() -> None:
    """Every row of the set has a listed source and a note; one without a value says so; none is verified by recall."""
    sources = set(load_catalogue().sources["id"])
    with (DATA / "factors" / "nexus.csv").open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) > 20
    for row in rows:
        assert row["source"] in sources
        assert row["note_en"]
        assert row["note_zh"]
        assert row["value"] or "unknown" in row["note_en"]
