"""Kalundborg: every link has a source and years, and an amount stands only where a source prints one."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from ecopark.catalogue import load_catalogue
from ecopark.metabolism.flows import layered_flows
from ecopark.storage.folder import read_record

FOLDER = Path(__file__).parents[2] / "examples" / "kalundborg"

PRINTED = {
    ("fly_ash_to_cement", 1995): (170_000, "t", "iisd-case-77"),
    ("gypsum_to_gyproc", 1995): (80_000, "t", "iisd-case-77"),
    ("cooling_water_to_asnaes", 1995): (700_000, "m3", "encyclopedia-kalundborg"),
    ("gypsum_to_gyproc", 2015): (150_000, "t", "mag-5"),
    ("yeast_to_farms", 2015): (150_000, "t", "mag-5"),
}
"""Every amount that was read in a source."""

STARTED = {
    "lake_water_refinery": 1961, "gas_to_gyproc": 1972, "lake_water_asnaes": 1973, "novogro_to_farms": 1976,
    "fly_ash_to_cement": 1979, "heat_to_town": 1982, "steam_to_novo": 1982, "steam_to_refinery": 1982,
    "lake_water_novo": 1987, "cooling_water_to_asnaes": 1987, "yeast_to_farms": 1989, "sulphur_to_acid_maker": 1990,
    "technical_water_to_asnaes": 1991, "gypsum_to_gyproc": 1993, "waste_water_to_town": 1995,
}  # fmt: skip
"""First years as the figure of 2000 and the chronology of 1997 print them."""


def table(name: str) -> pl.DataFrame:
    return pl.read_csv(FOLDER / f"{name}.csv", infer_schema_length=None, try_parse_dates=True)


def test_amounts_are_those_that_a_source_prints() -> None:
    """Nothing else has an amount, and what has none says NE."""
    flows = table("flows")
    known = flows.filter(pl.col("amount").is_not_null())
    found = {
        (stream, start.year): (amount, unit, evidence)
        for stream, start, amount, unit, evidence in known.select(
            "stream", "period_start", "amount", "unit", "evidence"
        ).iter_rows()
    }
    assert found == PRINTED
    assert set(flows.filter(pl.col("amount").is_null())["notation"]) == {"NE"}
    assert known["low"].null_count() == known.height  # no source prints a range


def test_every_link_has_its_source_and_its_years() -> None:
    """Each stream has flows, each flow a publication; what is only recalled says so; links begin when sources say."""
    flows, evidence = table("flows"), table("evidence")
    assert set(table("streams")["id"]) == set(flows["stream"])
    assert flows["evidence"].null_count() == 0
    assert set(flows["evidence"]) <= set(evidence["id"])
    kinds = dict(evidence.select("id", "kind").iter_rows())
    recalled = flows.filter(pl.col("evidence").replace_strict(kinds) == "recalled")
    assert recalled["stream"].to_list() == ["gas_to_asnaes"]
    assert evidence.filter(~pl.col("note").str.contains("Read as an excerpt|recalled")).is_empty()
    first = dict(flows.group_by("stream").agg(pl.col("period_start").min().dt.year()).iter_rows())
    assert {stream: first[stream] for stream in STARTED} == STARTED


def test_the_network_of_2000_is_the_published_one() -> None:
    """Eighteen streams (19 numbered links, two of them one) hold in 2000, around the power station as hub."""
    streams = table("streams")
    held = table("flows").filter(
        (pl.col("period_start").dt.year() <= 2000) & (pl.col("period_end").dt.year() > 2000)
    )["stream"]  # fmt: skip
    links = streams.filter(pl.col("id").is_in(held.implode()))
    assert links.height == 18
    assert links["note"].str.contains(r"^Links? \d").all()
    ends = pl.concat([links["source"], links["target"]]).value_counts(sort=True)
    assert ends["source"][0] == "asnaes"


def test_metabolism_draws_the_links_without_amounts() -> None:
    """The engine keeps an NE link as an edge whose amount is absent, never zero."""
    network = layered_flows(read_record(FOLDER), load_catalogue(), 1995, layers=["mass"])
    edges = dict(network.edges.select("stream", "amount").iter_rows())
    assert edges["gypsum_to_gyproc"] == 80_000
    assert edges["steam_to_novo"] is None
    absent = network.unknown.filter(pl.col("reason") == "no_amount")["stream"]
    assert "steam_to_novo" in absent.to_list()
