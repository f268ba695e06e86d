"""The synthetic park: made anew it is the same, its power plant balances, and only what is meant to be missing is."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

FOLDER = Path(__file__).parents[2] / "examples" / "twelve-firms"
STEAM, POWER = 2.75, 3.6
"""GJ per t of steam and per MWh."""


def table(name: str) -> pl.DataFrame:
    return pl.read_csv(FOLDER / f"{name}.csv", infer_schema_length=None, try_parse_dates=True)


def test_generator_gives_the_committed_files(tmp_path: Path) -> None:
    """A change of the generator (or of the random numbers) that was not written out shows as another byte."""
    subprocess.run([sys.executable, FOLDER / "generate.py", tmp_path], check=True, capture_output=True)
    made = {path.name: path.read_bytes() for path in tmp_path.glob("*.csv")}
    assert made == {path.name: path.read_bytes() for path in FOLDER.glob("*.csv")}


@pytest.fixture(scope="module")
def monthly() -> pl.DataFrame:
    """Amounts of the power plant by month: one column per stream of `chp_units`."""
    streams = table("streams").filter(pl.col("part_of").is_null())
    ends = pl.col("source").eq("chp_units") | pl.col("target").eq("chp_units")
    return (
        table("flows")
        .join(streams.filter(ends).select(pl.col("id").alias("stream"), "source", "commodity"), on="stream")
        .filter(pl.col("method").is_in(["metered", "calculated"]))
        .with_columns(pl.col("amount").fill_null(0.0))
    )


def test_power_plant_balances_every_month(monthly: pl.DataFrame) -> None:
    """Fuel heat = steam + heat + power + loss in each of the 36 months, to the last digit written.

    A wrong heating value, a sale left out or a loss of another month breaks it.
    """
    values = table("properties").filter(pl.col("property") == "ncv")
    of_coal = values.filter(pl.col("stream") == "chp.coal").select("valid_from", "value")
    coal = {start.year: value for start, value in of_coal.iter_rows()}
    gas = values.filter(pl.col("commodity") == "natural_gas")["value"].item()
    for (start,), rows in monthly.group_by("period_start"):
        of = dict(rows.group_by("commodity").agg(pl.col("amount").sum()).iter_rows())
        fuel = of["bituminous_coal"] * coal[start.year] + of["natural_gas"] * gas
        useful = of["steam"] * STEAM + of["heat"] + of["electricity"] * POWER
        assert fuel == pytest.approx(useful + of["lost_heat"], rel=1e-12), start
        assert 0.785 < useful / fuel < 0.815, start
    assert monthly["period_start"].n_unique() == 36


def test_gas_takes_over_from_coal(monthly: pl.DataFrame) -> None:
    """The plant's fuel switch, which the comparison of two years shows, is in the data."""
    gas = (
        monthly.filter(pl.col("stream") == "chp.gas")
        .group_by(pl.col("period_start").dt.year().alias("year"))
        .agg(pl.col("amount").sum())
        .sort("year")["amount"]
        .to_list()
    )
    assert gas[0] * 1.7 < gas[1] < gas[2] / 1.4


def test_roof_power_goes_somewhere() -> None:
    """What the roof makes is used, sold next door or sent to the grid, month by month."""
    roof = table("flows").filter(pl.col("stream").str.contains("car_pv"))
    wide = roof.pivot("stream", index="period_start", values="amount")
    gone = wide["car_pv.own_use"] + wide["car_pv_to_electronics.power"] + wide["car_pv.to_grid"]
    assert gone.to_list() == pytest.approx(wide["car_pv.generation"].to_list(), abs=1e-6)


def test_only_what_is_meant_to_be_missing_is() -> None:
    """NE stands twice: the logistics firm's diesel of 2023, and recovered rinse water of 2022, which balances give."""
    owed = table("flows").filter(pl.col("notation").is_in(["NE", "C"]))
    assert owed.select("stream", pl.col("period_start").dt.year()).rows() == [
        ("logistics.diesel", 2023),
        ("dye_house.recovered_water", 2022),
    ]


def test_ranges_hold_their_amounts() -> None:
    """Every 95 % range encloses its amount; metered and estimated flows have one, bills do not."""
    flows = table("flows").filter(pl.col("amount").is_not_null())
    ranged = flows.filter(pl.col("low").is_not_null())
    assert ranged.filter((pl.col("low") >= pl.col("amount")) | (pl.col("high") <= pl.col("amount"))).is_empty()
    assert flows.filter(pl.col("method").is_in(["metered", "estimated"]) & pl.col("low").is_null()).is_empty()
    assert flows.filter((pl.col("method") == "invoiced") & pl.col("low").is_not_null()).is_empty()


def test_labelled_synthetic() -> None:
    """Whoever opens a table sees that the park is made up."""
    nodes = table("nodes").filter(~pl.col("kind").is_in(["market", "environment"]))
    inside = nodes.filter(pl.col("kind").is_in(["park", "zone", "firm"]))
    labelled = pl.col("name_zh").str.contains("合成") & pl.col("name_en").str.contains("synthetic")
    assert inside.filter(~labelled).is_empty()
    assert nodes.filter(~pl.col("note").str.contains("synthetic")).is_empty()
    firms = set(nodes.filter(pl.col("kind") == "firm")["id"]) - {"chp", "waste_water"}
    assert len(firms) == 12
