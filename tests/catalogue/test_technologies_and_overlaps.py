"""Codes of technologies have names, what may be counted twice refers to what exists, and derivations can be read."""

from __future__ import annotations

import re

import polars as pl
import pytest

from ecopark.catalogue import FactorLookup, Missing, Request, load_catalogue
from ecopark.catalogue.formulas import parse_product

CATALOGUE = load_catalogue()


def test_every_technology_has_names_and_a_meaning_in_both_languages() -> None:
    """A code without a name would stand bare in lists and remedies; a name without a use is a leftover."""
    used = set(CATALOGUE.factors["technology"].drop_nulls())
    used |= {name for scheme in CATALOGUE.schemes.values() for rule in scheme.rules for name in rule.technologies}
    technologies = CATALOGUE.technologies
    assert set(technologies["id"]) == used - {""}
    assert technologies["id"].is_unique().all()
    for row in technologies.iter_rows(named=True):
        assert re.search(r"[一-鿿]", row["name_zh"]), row["id"]
        assert re.search(r"[一-鿿]", row["meaning_zh"]), row["id"]
        assert row["name_en"], row["id"]
        assert not re.search(r"[一-鿿]", row["name_en"] + row["meaning_en"]), row["id"]


def test_no_treatment_technology_is_left_out_of_the_rules() -> None:
    """A landfill or treatment with a factor but in no rule would be counted as zero without a word."""
    factors = CATALOGUE.factors.filter((pl.col("set") == "ipcc-waste") & pl.col("technology").is_not_null())
    groups = dict(CATALOGUE.commodities.select("id", "group").iter_rows())
    wanted = {row["technology"] for row in factors.iter_rows(named=True) if groups[row["commodity"]] == "waste"}
    rules = [rule for rule in CATALOGUE.schemes["park-ghg"].rules if "waste" in rule.groups]
    for crossing in ("used", "sent"):
        assert wanted <= {name for rule in rules if rule.crossing == crossing for name in rule.technologies}


def test_overlaps_refer_to_what_exists() -> None:
    """Products, inputs, sets, activities and technologies are known ones, and the reason stands in both languages."""
    goods = set(CATALOGUE.commodities["id"])
    for row in CATALOGUE.overlaps.iter_rows(named=True):
        assert {row["product"], row["covers"]} <= goods
        assert row["set"] in {None, *CATALOGUE.factors["set"]}
        assert row["activity"] in {"*", *CATALOGUE.activities["id"]}
        assert row["unless"] in {None, *CATALOGUE.technologies["id"]}
        assert re.search(r"[一-鿿]", row["note_zh"])
        assert row["note_en"]
        with_factor = CATALOGUE.factors.filter(
            (pl.col("quantity") == "emission_factor") & (pl.col("commodity").str.starts_with(row["product"]))
        )
        assert not with_factor.is_empty(), row["product"]


def test_derivations_are_products_of_known_quantities() -> None:
    """A formula's first quantity is in it, and all are in the list of quantities."""
    known = set(CATALOGUE.quantities["id"])
    for row in CATALOGUE.derivations.iter_rows(named=True):
        symbols = {symbol for symbol, _ in parse_product(row["formula"])}
        assert row["first"] in symbols
        assert symbols | {row["quantity"]} <= known
        assert row["origin"] in ("own", "catalogue")
        assert (row["origin"] == "catalogue") == bool(row["first_sets"])


@pytest.mark.parametrize("edition", ["gbt2589-2008", "gbt2589-2020"])
def test_every_fuel_of_the_chosen_set_has_an_energy_value(edition: str) -> None:
    """Whatever a set can turn into CO2, it can turn into standard coal, under both editions."""
    units = dict(CATALOGUE.commodities.select("id", "unit").iter_rows())
    for fuel_set in ("Q", "P", "E"):
        options = {"edition": edition, "fuel_set": fuel_set}
        lookup = FactorLookup(CATALOGUE, 2023, options=options, parent_commodity=CATALOGUE.parent_commodity)
        fuels = CATALOGUE.factors.filter(
            (pl.col("set") == fuel_set) & (pl.col("quantity") == "ncv") & pl.col("technology").is_null()
        )
        for fuel in fuels["commodity"]:
            found = lookup.find("coal_equivalent_calorific", Request(fuel, units[fuel]), {"*": ["{edition}"]})
            assert not isinstance(found, Missing), (fuel_set, fuel)


def test_the_heat_coefficient_of_steam_is_that_of_heat() -> None:
    """Steam of known enthalpy counts like the heat it carries: 0.03412 kgce/MJ in both editions."""
    factors = {row["id"]: row for row in CATALOGUE.factors.iter_rows(named=True)}
    for edition in ("gbt2589-2008", "gbt2589-2020"):
        steam, heat = (
            factors[f"{edition}.steam.heat_coal_equivalent"],
            factors[f"{edition}.heat.coal_equivalent_calorific"],
        )
        assert (steam["value"], steam["unit"]) == (heat["value"], heat["unit"])
