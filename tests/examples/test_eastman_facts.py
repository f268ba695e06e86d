"""Eastman Business Park: the folder holds the published facts, and they give the published comparison.

Worked here from the CSV files alone, so that a fault of the importer or of the engine cannot hide one of the data.
"""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

FOLDER = Path(__file__).parents[2] / "examples" / "eastman"

FUELS = ("powerhouse_coal", "powerhouse_distillate", "powerhouse_gas", "powerhouse_residual")
TOTAL_HEAT: dict[int, tuple[int | None, ...]] = {
    2016: (7248198, 10046, 926623, 113563),
    2017: (5100316, 9080, 2527406, 155012),
    2018: (339705, 34644, 7833331, 119135),
    2019: (None, 3085, 7451263, 16753),
}
"""Fuel heat by year, in the order of `FUELS`, mmBtu (higher heating value), as EIA prints it."""

FACTORS = {
    "powerhouse_coal": (93.28, 0.011, 0.0016),
    "powerhouse_gas": (53.06, 0.001, 0.0001),
    "powerhouse_distillate": (73.96, 0.003, 0.0006),
    "powerhouse_residual": (75.10, 0.003, 0.0006),
}
"""40 CFR 98 tables C-1 and C-2: kg of CO2, CH4 and N2O per mmBtu."""


def table(name: str) -> pl.DataFrame:
    return pl.read_csv(FOLDER / f"{name}.csv", infer_schema_length=None, try_parse_dates=True)


@pytest.fixture(scope="module")
def heat() -> pl.DataFrame:
    """Year, stream and amount x heating value of every fuel flow with an amount."""
    flows = table("flows").filter(pl.col("amount").is_not_null(), pl.col("stream").str.starts_with("powerhouse_"))
    values = table("properties").filter(pl.col("property") == "hhv")
    joined = flows.join(values, left_on=["stream", "period_start"], right_on=["stream", "valid_from"], how="left")
    assert (joined["unit_right"] == "mmBtu_HHV/" + joined["unit"]).all()
    return joined.select(
        pl.col("period_start").dt.year().alias("year"), "stream", (pl.col("amount") * pl.col("value")).alias("heat")
    )


def test_amount_times_heating_value_is_the_published_heat(heat: pl.DataFrame) -> None:
    """A heating value of another year, fuel or unit would miss EIA's total by per cents, not by rounding."""
    found = {(year, stream): value for year, stream, value in heat.iter_rows()}
    expected = {
        (year, stream): value
        for year, heats in TOTAL_HEAT.items()
        for stream, value in zip(FUELS, heats, strict=True)
        if value is not None
    }
    assert found.keys() == expected.keys()
    for key, value in expected.items():
        assert found[key] == pytest.approx(value, rel=1e-14), key


@pytest.mark.parametrize(("year", "ratio"), [(2016, 1.0088), (2017, 1.0148), (2018, 0.9897), (2019, 0.9940)])
def test_calculated_over_reported(heat: pl.DataFrame, year: int, ratio: float) -> None:
    """Heat x factors over the operator's report; lower heating values instead would give a ratio 5 to 10 % smaller."""
    calculated = sum(
        value * (FACTORS[stream][0] + 25 * FACTORS[stream][1] + 298 * FACTORS[stream][2]) / 1000
        for found, stream, value in heat.iter_rows()
        if found == year
    )
    reported = table("statistics").filter(
        pl.col("variable") == "reported_co2e",
        pl.col("node") == "red_rochester",
        pl.col("period_start").dt.year() == year,
    )["value"]
    assert calculated / reported.item() == pytest.approx(ratio, abs=5e-5)


def test_coal_leaves_and_gas_comes() -> None:
    """The coal-to-gas switch is in the amounts, and its end is a statement (NO), not a zero or a blank."""
    flows = table("flows").sort("period_start")
    coal = flows.filter(pl.col("stream") == "powerhouse_coal")
    assert coal["amount"].to_list() == [280367, 200907, 13116, None]
    assert coal["notation"].to_list() == [None, None, None, "NO"]
    assert flows.filter(pl.col("stream") == "powerhouse_gas")["amount"].to_list() == [899634, 2453794, 7604505, 7234237]


def test_power_and_heat_are_plant_sums() -> None:
    """Power in MWh and heat in mmBtu are the sums over fuels that EIA's rows give."""
    flows = table("flows").sort("period_start")
    assert flows.filter(pl.col("stream") == "tenant_power")["amount"].to_list() == [379956, 312870, 370122, 316292]
    assert flows.filter(pl.col("stream") == "tenant_heat")["amount"].to_list() == [2484011, 2476281, 2620620, 2487004]


def test_reported_gases_add_up() -> None:
    """CO2 + CH4 + N2O of the operator's report give its CO2e in every year that has the split."""
    wide = (
        table("statistics")
        .filter(pl.col("node") == "red_rochester")
        .pivot("variable", index="period_start", values="value")
        .drop_nulls("reported_co2")
    )
    assert wide.height == 4
    parts = wide["reported_co2"] + wide["reported_ch4_co2e"] + wide["reported_n2o_co2e"]
    assert parts.to_list() == pytest.approx(wide["reported_co2e"].to_list(), rel=1e-9)


def test_reported_series_is_whole() -> None:
    """Every year 2011-2020 has what was reported for the park, the power plant's node from 2013 on."""
    reported = table("statistics").filter(pl.col("variable") == "reported_co2e")
    years = reported.select("node", pl.col("period_start").dt.year().alias("year"))
    assert sorted(years.filter(pl.col("node") == "red_rochester")["year"]) == list(range(2013, 2021))
    assert sorted(years.filter(pl.col("node") == "kodak")["year"]) == list(range(2011, 2016))


def test_every_number_has_evidence() -> None:
    """No flow, property or statistic stands without its source; statements of what is unknown need none."""
    flows = table("flows").filter(pl.col("amount").is_not_null())
    known = set(table("evidence")["id"])
    for rows in (flows, table("properties"), table("statistics")):
        assert rows["evidence"].null_count() == 0
        assert set(rows["evidence"]) <= known


def test_what_is_not_covered_is_said() -> None:
    """Each gap named in the README has a stream with a notation in every year, and no flow is blank."""
    flows = table("flows")
    assert flows.filter(pl.col("amount").is_null() & pl.col("notation").is_null()).is_empty()
    gaps = {
        "tenant_purchased_power", "utility_purchased_power", "power_to_grid", "tenant_gas", "kodak_gas",
        "tenant_diesel_vehicles", "lake_water", "waste_water_treated", "tenant_solid_waste", "tenant_process",
    }  # fmt: skip
    for stream in gaps:
        assert flows.filter(pl.col("stream") == stream)["notation"].to_list() == ["NE"] * 4, stream
