"""The metabolism of the synthetic park: what must balance does, by plain arithmetic on the CSV files, and what is
seeded (one wrong meter, one missing one, one cause of a chloride rise) is there and nowhere else."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from ecopark.accounting.inventory import draw_inventory
from ecopark.catalogue import load_catalogue
from ecopark.storage.folder import read_record

FOLDER = Path(__file__).parents[2] / "examples" / "twelve-firms"
YEARS = (2021, 2022, 2023)
NORMAL = 1.96
CO2_PER_C, SALT_CHLORINE, ACID_CHLORINE = 44.01 / 12.011, 0.60661, 0.31 * 35.45 / 36.46
BEST = ("metered", "calculated", "estimated", "invoiced")

WATER_NODES = (
    "water_works", "chemicals_cooling", "chemicals_demineralisation", "dyeing_softening", "rinse_recovery",
    "chp_demineralisation", "chp_cooling", "equalisation", "aerobic_tanks", "reclamation", "outfall", "paper_digester",
    "data_centre", "logistics", "electronics", "steel_rolling", "pickling_line", "aluminium_parts", "car_assembly",
)  # fmt: skip
"""Nodes whose whole water is in streams counted in m3."""


def table(name: str) -> pl.DataFrame:
    return pl.read_csv(FOLDER / f"{name}.csv", infer_schema_length=None, try_parse_dates=True)


Known = tuple[float, float]
"""An amount and its variance."""


@pytest.fixture(scope="module")
def streams() -> pl.DataFrame:
    return table("streams")


@pytest.fixture(scope="module")
def amount() -> Callable[[str, int], Known]:
    """Amount of a stream in a year and its variance; by the best method; errors of single flows are independent."""
    flows = table("flows").with_columns(pl.col("period_start").dt.year().alias("year"))
    groups = dict(flows.group_by("stream", "year"))

    def of(stream: str, year: int) -> Known:
        rows = groups[stream, year]
        best = min(rows["method"].unique(), key=BEST.index)
        rows = rows.filter(pl.col("method") == best)
        variance = (((pl.col("high") - pl.col("low")) / 2 / NORMAL) ** 2).fill_null(0.0).sum()
        total = rows.select(pl.col("amount").sum(), variance.alias("variance")).row(0)
        return float(total[0]), float(total[1])

    return of


@pytest.fixture(scope="module")
def content() -> Callable[[str, str, int], float]:
    """A content of a stream in a year, or of its commodity where the stream has none of its own."""
    rows = table("properties")
    goods = dict(table("streams").select("id", "commodity").iter_rows())

    def of(stream: str, name: str, year: int) -> float:
        named = rows.filter(pl.col("property") == name)
        for found in (
            named.filter(pl.col("stream") == stream),
            named.filter(pl.col("commodity") == goods[stream], pl.col("stream").is_null(), pl.col("node").is_null()),
        ):
            if found.height > 1:
                found = found.filter(pl.col("valid_from").dt.year() == year)
            if found.height:
                return float(found["value"].item())
        raise KeyError((stream, name, year))

    return of


def balance(streams: pl.DataFrame, amount: Callable[[str, int], Known], node: str, year: int) -> Known:
    """Water in less water out of a node in m3, with the variance of the difference."""
    water = streams.filter(pl.col("commodity").str.contains("water|brine|condensate|sludge_liquor|steam"))
    water = water.filter(~pl.col("commodity").str.contains("cod_removed"))
    whole = set(water["part_of"].drop_nulls())
    residual = variance = 0.0
    for stream, source, target in water.select("id", "source", "target").iter_rows():
        if stream in whole or node not in (source, target):
            continue
        value, spread = amount(stream, year)
        residual += value if target == node else -value
        variance += spread
    if node == "aerobic_tanks":  # the cake leaves with the sludge liquor
        assert water.filter(pl.col("id") == "sludge_dewatering.sludge")["source"].item() == node
    return residual, variance


@pytest.mark.parametrize("year", YEARS)
@pytest.mark.parametrize("node", WATER_NODES)
def test_water_closes_within_the_meters(
    streams: pl.DataFrame, amount: Callable[[str, int], Known], node: str, year: int
) -> None:
    """Water in = water out within 1.96 deviations; only where the wrong meter stands and in its year it does not."""
    residual, variance = balance(streams, amount, node, year)
    if year == 2022 and node in ("paper_digester", "equalisation"):
        assert abs(residual) > 5 * math.sqrt(variance)
        return
    if year == 2022 and node == "rinse_recovery":  # one meter is missing: NE, not zero
        assert residual == pytest.approx(amount("dye_house.recovered_water", 2021)[0], rel=0.1)
        return
    assert abs(residual) < NORMAL * math.sqrt(variance)


def test_one_meter_explains_both_open_balances(streams: pl.DataFrame, amount: Callable[[str, int], Known]) -> None:
    """Paper's waste-water meter read 12 % too little in 2022: with its reading over 0.88 both nodes close."""
    read, _ = amount("paper.waste_water", 2022)
    missing = read / 0.88 - read
    for node, side in (("paper_digester", -1.0), ("equalisation", 1.0)):
        residual, variance = balance(streams, amount, node, 2022)
        assert abs(residual + side * missing) < NORMAL * math.sqrt(variance), node
    other = [amount("paper.waste_water", year)[0] / amount("paper.water", year)[0] for year in (2021, 2023)]
    assert read / amount("paper.water", 2022)[0] == pytest.approx(0.88 * sum(other) / 2, rel=0.02)


@pytest.mark.parametrize("year", YEARS)
def test_lime_kiln_closes_in_mass_and_carbon(
    amount: Callable[[str, int], Known], content: Callable[[str, str, int], float], year: int
) -> None:
    """Limestone and the ash of the coal = lime, carbon dioxide, dust and slag; the limestone's carbon is the gas's."""
    limestone, spread = amount("lime_kiln.limestone", year)
    ash, ash_spread = (part * content("lime.coal", "ash", year) for part in amount("lime.coal", year))
    gas, gas_spread = amount("lime_kiln.carbon_dioxide", year)
    out = [amount(s, year) for s in ("lime.product", "brick_line.lime", "brick_line.kiln_dust", "lime_kiln.slag")]
    residual = limestone + ash - gas - sum(value for value, _ in out)
    variance = spread + ash_spread + gas_spread + sum(part for _, part in out)
    assert abs(residual) < NORMAL * math.sqrt(variance)
    carbon = limestone * content("lime_kiln.limestone", "carbon_fraction", year)
    assert carbon == pytest.approx(gas / CO2_PER_C, rel=0.04)
    lime = sum(amount(stream, year)[0] for stream in ("lime.product", "brick_line.lime"))
    assert gas / lime == pytest.approx(0.683, rel=0.03)  # the inventory's factor


@pytest.mark.parametrize("year", YEARS)
def test_sulphur_of_the_coal_is_found_again(
    amount: Callable[[str, int], Known], content: Callable[[str, str, int], float], year: int
) -> None:
    """Coal's sulphur = gypsum, stack, fly ash and slag; 95 % of the raw gas is captured."""
    coal = amount("chp.coal", year)[0] * content("chp.coal", "sulphur_content", year)
    ways = {
        stream: amount(stream, year)[0] * content(stream, "sulphur_content", year)
        for stream in ("brick_line.gypsum", "chp_desulphurisation.gypsum", "brick_line.fly_ash", "chp.fly_ash",
                       "chp.slag")
    }  # fmt: skip
    stack = amount("chp_desulphurisation.stack", year)[0] * 32.06 / 64.058
    assert coal == pytest.approx(sum(ways.values()) + stack, rel=0.03)
    assert stack / (stack + ways["brick_line.gypsum"] + ways["chp_desulphurisation.gypsum"]) == pytest.approx(
        0.05, abs=0.006
    )


@pytest.mark.parametrize("year", YEARS)
def test_steel_and_stores_close(amount: Callable[[str, int], Known], year: int) -> None:
    """Billets = steel, scrap, iron in scale and spent acid; what was bought and not burnt lies in the coal yard."""
    billets = amount("steel_rolling.billets", year)[0] + amount("steel_rolling.oxygen", year)[0]
    iron = amount("pickling_line.strip", year)[0] - amount("steel_rolling.pickled_strip", year)[0]
    out = ("steel_rolling.product", "car_assembly.sheet", "steel_rolling.scrap", "steel_rolling.scale")
    assert billets == pytest.approx(sum(amount(stream, year)[0] for stream in out) + iron, rel=0.007)
    levels = table("stocks")
    for node, bought, used in (
        ("coal_yard", "coal_yard.coal", "chp.coal"),
        ("methanol_tank", "chemicals.methanol", "methanol_tank.sales"),
    ):
        at = dict(levels.filter(pl.col("node") == node).select(pl.col("time").dt.year(), "level").iter_rows())
        change = amount(bought, year)[0] - amount(used, year)[0]
        width = 0.03 * (at[year] + at[year + 1]) + 0.008 * amount(used, year)[0]
        assert abs(change - (at[year + 1] - at[year])) < width


@pytest.mark.parametrize("year", YEARS)
def test_chlorine_of_the_park_closes(
    streams: pl.DataFrame, amount: Callable[[str, int], Known], content: Callable[[str, str, int], float], year: int
) -> None:
    """River, salt, acids, coal and solvent bring what outfall, spent acid, food and the rest take away, within 3 %."""
    outside = set(table("nodes").filter(pl.col("kind").is_in(["market", "environment"]))["id"])
    formula = {"salt": SALT_CHLORINE, "hydrochloric_acid": ACID_CHLORINE, "chloride": 1.0}
    come = gone = 0.0
    for stream, source, target, commodity, part in streams.select(
        "id", "source", "target", "commodity", "part_of"
    ).iter_rows():
        if stream == "waste_water.sludge" or (part and stream != "sludge_dewatering.cake"):
            continue
        try:
            share = formula[commodity] if commodity in formula else content(stream, "chlorine_content", year)
        except KeyError:
            continue
        if source in outside:
            come += share * amount(stream, year)[0]
        elif target in outside:
            gone += share * amount(stream, year)[0]
    assert come == pytest.approx(gone, rel=0.03)
    assert come > 6_000


def test_chloride_goes_round_through_reclaimed_water(
    amount: Callable[[str, int], Known], content: Callable[[str, str, int], float]
) -> None:
    """The dye house receives with its reclaimed water a little of the chloride that it gave to the waste water."""
    back = amount("dye_house.reclaimed_water", 2023)[0] * content("dye_house.reclaimed_water", "chlorine_content", 2023)
    given = amount("dye_house.chloride", 2023)[0]
    assert 0.01 < back / given < 0.10


def test_chloride_rises_by_one_cause() -> None:
    """From July 2023 the outfall carries half as much chloride again; of all salts and acids only dyeing's rose."""
    flows = table("flows").with_columns(
        pl.col("period_start").dt.year().alias("year"), (pl.col("period_start").dt.month() > 6).alias("later")
    )

    def half(stream: str, year: int, later: bool) -> float:
        found = flows.filter((pl.col("stream") == stream) & (pl.col("year") == year) & (pl.col("later") == later))
        return float(found["amount"].sum())

    for year in (2021, 2022):
        assert half("outfall.chloride", year, later=True) == pytest.approx(
            half("outfall.chloride", year, later=False), rel=0.04
        )
    assert half("outfall.chloride", 2023, later=True) > 1.3 * half("outfall.chloride", 2023, later=False)
    assert half("dye_house.salt", 2023, later=True) == pytest.approx(
        2.1 * half("dye_house.salt", 2023, later=False), rel=0.02
    )
    carriers = table("streams").filter(pl.col("commodity").is_in(["salt", "hydrochloric_acid"]))["id"]
    yearly = flows.filter(pl.col("stream").is_in(carriers.implode()) & (pl.col("stream") != "dye_house.salt"))
    wide = yearly.group_by("stream", "year").agg(pl.col("amount").sum()).pivot("year", index="stream", values="amount")
    assert wide.height >= 6
    assert wide.filter((pl.col("2023") / pl.col("2022") - 1).abs() > 0.05).is_empty()


def test_no_inventory_counts_the_metabolism() -> None:
    """Water, materials and wastes are there for the balances: the inventories stay those of the energy part."""
    record, catalogue = read_record(FOLDER), load_catalogue()
    ends = record.streams.select("id", "source", "target")
    added = set(record.nodes.filter(pl.col("id").is_in(["river", "soil"]))["id"]) | {
        "water_works", "brick_line", "dye_house", "finishing", "pickling_line", "outfall", "equalisation",
        "reclamation", "chp_desulphurisation", "chp_cooling",
    }  # fmt: skip
    new = set(ends.filter(pl.col("source").is_in(added) | pl.col("target").is_in(added))["id"])
    assert len(new) > 80
    for scheme in ("zero-carbon-park-2025", "park-ghg", "energy"):
        inventory = draw_inventory(record, catalogue, scheme, 2022)
        assert not new & set(inventory.lines["stream"])
        assert inventory.complete
