"""Life-cycle burdens of a small park, worked by hand: what it emits, takes, causes upstream and in treatment.

A wrong program would count a substance twice (nitrogen and the ammonia in it), take an unknown factor for nought, hide
what has no background value, or give a total that its own explanation does not reproduce.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecopark.accounting.inventory import draw_inventory
from ecopark.catalogue import load_catalogue
from ecopark.metabolism.burdens.background import Background, Mapped, read_mapping
from ecopark.metabolism.burdens.background.distributions import Distributions
from ecopark.metabolism.burdens.background.system import Exchanges
from ecopark.metabolism.burdens.burdens import Burdens, draw_burdens
from ecopark.metabolism.flows import layered_flows
from ecopark.model.problems import InputError
from ecopark.model.record import Record

CATALOGUE = load_catalogue()
LAYERS = ["mass", "energy", "nitrogen", "phosphorus", "money"]
NODES = [
    {"id": "park", "kind": "park", "region": "CN-JS", "name_zh": "园区", "name_en": "Park"},
    {"id": "plant", "parent": "park", "kind": "firm", "name_zh": "热电厂", "name_en": "Plant"},
    {"id": "mill", "parent": "park", "kind": "firm", "name_zh": "纸厂", "name_en": "Mill"},
    {"id": "market", "kind": "market", "name_zh": "市场", "name_en": "Market"},
    {"id": "air", "kind": "environment", "name_zh": "大气", "name_en": "Air"},
    {"id": "taihu", "kind": "environment", "name_zh": "太湖", "name_en": "Lake Tai"},
]
STREAMS: dict[str, tuple[str, str, str, str, float, str]] = {
    "so2": ("plant", "air", "sulphur_dioxide", "emission", 20.0, "t"),
    "nox": ("plant", "air", "nitrogen_oxides", "emission", 30.0, "t"),
    "pm": ("plant", "air", "particulate_matter", "emission", 4.0, "t"),
    "cod": ("mill", "taihu", "cod", "emission", 10.0, "t"),
    "nh3n": ("mill", "taihu", "ammonia_nitrogen", "emission", 1.0, "t"),
    "tn": ("mill", "taihu", "total_nitrogen", "emission", 3.0, "t"),
    "ch4": ("mill", "air", "methane", "emission", 2.0, "t"),
    "lake": ("taihu", "mill", "surface_water", "supply", 50000.0, "m3"),
    "tap": ("market", "plant", "tap_water", "supply", 7000.0, "m3"),
    "reclaimed": ("market", "plant", "reclaimed_water", "supply", 900.0, "m3"),
    "coal": ("market", "plant", "bituminous_coal", "chp", 1000.0, "t"),
    "steel": ("market", "mill", "steel_rebar", "process_input", 200.0, "t"),
    "ammonia": ("market", "mill", "ammonia", "process_input", 50.0, "t"),
    "ash": ("plant", "market", "fly_ash", "treatment", 300.0, "t"),
    "sludge": ("mill", "market", "industrial_sludge", "treatment", 40.0, "t"),
    "steam": ("plant", "mill", "steam", "transfer", 5000.0, "t"),
}


def record(leave_out: tuple[str, ...] = (), amounts: dict[str, float] | None = None, **more: Any) -> Record:
    """The park, with streams left out or amounts changed; `more` are further tables and flow columns by stream."""
    given = {key: row for key, row in STREAMS.items() if key not in leave_out}
    extra: dict[str, dict[str, Any]] = more.pop("flow_columns", {})
    technologies: dict[str, str] = more.pop("technologies", {"ash": "landfill"})
    streams = [
        {"id": key, "source": source, "target": target, "commodity": commodity, "activity": activity,
         "technology": technologies.get(key)}
        for key, (source, target, commodity, activity, _, _) in given.items()
    ]  # fmt: skip
    flows = [
        {"stream": key, "period_start": "2022", "amount": (amounts or {}).get(key, row[4]), "unit": row[5],
         "method": "metered", **extra.get(key, {})}
        for key, row in given.items()
    ]  # fmt: skip
    return Record.of(nodes=NODES, streams=streams, flows=flows, **more)


def burdens(park: Record, **more: Any) -> Burdens:
    return draw_burdens(layered_flows(park, CATALOGUE, 2022, layers=LAYERS), park, CATALOGUE, **more)


def check_explanations(result: Burdens) -> None:
    """Every row, total and part of a total is reproduced by its explanation to 1e-9, and units are readable."""
    keys = [f"row:{row}" for row in result.rows["row"]]
    values = dict(zip(keys, result.rows["value"], strict=True))
    for category in result.categories:
        if result.total(category) is not None:
            values[f"total:{category}"] = result.total(category)
            for split in (("stage",), ("node", "commodity"), ("stage", "stream")):
                values |= dict(result.by(category, *split).select("key", "value").iter_rows())
    assert len(values) > 20
    for key, value in values.items():
        explanation = result.explain(key)
        assert explanation.value == pytest.approx(value, rel=1e-12, abs=1e-12)
        assert explanation.recompute() == pytest.approx(value, rel=1e-9, abs=1e-12)
        assert explanation.name_zh
        assert explanation.name_en


def test_foreground_by_hand() -> None:
    """Emissions and withdrawals times the factors of the catalogue's sources."""
    result = burdens(record())
    expected = {
        "sulphur_dioxide": 20e3,
        "nitrogen_oxides": 30e3,
        "particulate_matter": 4e3,
        "cod": 10e3,
        "ammonia_nitrogen": 1e3,
        "acidification": 20e3 * 1.20 + 30e3 * 0.50,
        # ammonia nitrogen is inside total nitrogen and does not count again
        "eutrophication": 30e3 * 0.13 + 10e3 * 0.022 + 3e3 * 0.42,
        "photochemical_ozone": 30e3 * 1.22 + 2e3 * 0.014,
        "particulate_formation": 4e3 + 30e3 * 0.88 + 20e3 * 0.54,
    }
    for category, value in expected.items():
        assert result.total(category) == pytest.approx(value, rel=1e-12), category
        assert result.total(category, "direct") == pytest.approx(value, rel=1e-12)
        assert result.total(category, "upstream") is None
    check_explanations(result)


def test_ammonia_nitrogen_counts_where_total_nitrogen_is_not_recorded() -> None:
    """Without the sum, the part stands for itself."""
    result = burdens(record(leave_out=("tn",)))
    assert result.total("eutrophication") == pytest.approx(30e3 * 0.13 + 10e3 * 0.022 + 1e3 * 0.42)


def test_water_and_energy_taken() -> None:
    """Fresh water from nature is direct, from others upstream; reclaimed water counts nought; coal by its heat."""
    result = burdens(record())
    assert result.total("water_use", "direct") == 50000.0
    assert result.total("water_use", "upstream") == 7000.0
    heat = layered_flows(record(), CATALOGUE, 2022).layer("energy").filter(pl.col("stream") == "coal")["value"].item()
    assert heat > 10000.0
    assert result.total("energy_use") == pytest.approx(heat, rel=1e-12)
    kinds = result.factors.filter(pl.col("category") == "energy_use")["kind"].unique().to_list()
    assert kinds == ["content"]


def test_upstream_factors_and_what_they_do_not_cover() -> None:
    """Steel has an upstream factor; ammonia only for stated technologies; coal none: named with its share of mass."""
    result = burdens(record())
    assert result.total("climate", "upstream") == pytest.approx(200.0 * 2.34, rel=1e-12)
    uncovered = result.uncovered.filter(pl.col("category") == "climate")
    reasons = dict(uncovered.select("commodity", "reason").iter_rows())
    assert reasons["bituminous_coal"] == "no_factor"
    assert reasons["ammonia"] == "technology"
    assert "steel_rebar" not in reasons
    # received: coal, steel, ammonia, tap and reclaimed water (1 t/m3)
    coal = uncovered.filter(pl.col("commodity") == "bituminous_coal").row(0, named=True)
    assert coal["mass"] == pytest.approx(1000.0)
    assert coal["share_mass"] == pytest.approx(1000.0 / (1000 + 200 + 50 + 7000 + 900), rel=1e-9)
    assert coal["share_energy"] == pytest.approx(1.0)
    explanation = result.explain("share:upstream:mass:climate:bituminous_coal")
    assert explanation.recompute() == pytest.approx(coal["share_mass"], rel=1e-9)
    # with the technology stated the factor is found
    stated = burdens(record(technologies={"ammonia": "coal"}))
    assert stated.total("climate", "upstream") == pytest.approx(200.0 * 2.34 + 50.0 * 2.41, rel=1e-12)


def test_landfill_and_waste_handed_over() -> None:
    """Waste into a landfill counts by its way of treatment; treatment without a factor is named."""
    result = burdens(record())
    assert result.total("landfill") == pytest.approx(300.0)
    assert result.total("landfill", "treatment") == pytest.approx(300.0)
    wastes = result.uncovered.filter((pl.col("category") == "climate") & (pl.col("stage") == "treatment"))
    assert set(wastes["commodity"]) == {"fly_ash", "industrial_sludge"}
    assert wastes["share_mass"].sum() == pytest.approx(1.0)


def test_waste_received_is_cut_off_by_convention() -> None:
    """Waste taken from outside carries no upstream burden, and the reason says so."""
    park = record().append(
        streams=[{"id": "scrap", "source": "market", "target": "mill", "commodity": "waste_paper",
                  "activity": "process_input"}],
        flows=[{"stream": "scrap", "period_start": "2022", "amount": 10.0, "unit": "t", "method": "metered"}],
    )  # fmt: skip
    uncovered = burdens(park).uncovered.filter(pl.col("commodity") == "waste_paper")
    assert set(uncovered["reason"]) == {"cut_off"}


def test_park_factor_for_another_category() -> None:
    """The park's own factor of any category's quantity counts before everything else."""
    factors = [
        {"id": "f1", "quantity": "upstream_sulphur_dioxide", "commodity": "bituminous_coal", "value": 1.5,
         "unit": "kg/t", "low": 1.2, "high": 1.8, "source": "study", "status": "secondary"},
        {"id": "f2", "quantity": "treatment_emission_factor", "commodity": "fly_ash", "value": 0.02,
         "unit": "tCO2e/t", "source": "study", "status": "secondary"},
    ]  # fmt: skip
    result = burdens(record(factors=factors))
    assert result.total("sulphur_dioxide", "upstream") == pytest.approx(1500.0)
    assert result.total("sulphur_dioxide") == pytest.approx(21500.0)
    assert result.total("climate", "treatment") == pytest.approx(6.0)
    sd = result.by("sulphur_dioxide", "stage").filter(pl.col("stage") == "upstream")["sd"].item()
    assert sd == pytest.approx(1000.0 * 0.3 / 1.959963984540054, rel=1e-9)
    check_explanations(result)


def test_unknown_factor_is_not_nought() -> None:
    """Hydrogen chloride has no factor among the European averages: named, and not counted as harmless."""
    park = record().append(
        streams=[{"id": "hcl", "source": "plant", "target": "air", "commodity": "hydrogen_chloride_emitted",
                  "activity": "emission"}],
        flows=[{"stream": "hcl", "period_start": "2022", "amount": 5.0, "unit": "t", "method": "metered"}],
    )  # fmt: skip
    result = burdens(park)
    row = result.uncovered.filter(pl.col("commodity") == "hydrogen_chloride_emitted").row(0, named=True)
    assert (row["category"], row["reason"]) == ("acidification", "unknown_factor")


def test_missing_amounts_and_nothing_known() -> None:
    """A stream without an amount is named; a category of which nothing is recorded is null, not nought."""
    flow_columns = {"so2": {"amount": None, "notation": "NE"}}
    result = burdens(record(leave_out=("cod",), flow_columns=flow_columns))
    reasons = result.uncovered.filter(pl.col("commodity") == "sulphur_dioxide")
    assert set(reasons["reason"]) == {"no_amount"}
    assert result.total("sulphur_dioxide") is None
    assert result.total("cod") is None
    assert result.total("volatile_organic_compounds") is None


def test_gases_without_an_inventory() -> None:
    """Recorded gases count by the chosen set of warming potentials, and a remark says what is missing."""
    result = burdens(record(), gwp="gwp-AR5")
    assert result.total("climate", "direct") == pytest.approx(2.0 * 28.0)
    assert "burdens_without_inventory" in {remark.code for remark in result.remarks}
    assert burdens(record(), gwp="gwp-SAR").total("climate", "direct") == pytest.approx(2.0 * 21.0)


def test_gases_from_the_inventory() -> None:
    """With an inventory climate is its scopes 1, 2 and 3 to the last digit, and no gas is counted twice."""
    park = record()
    inventory = draw_inventory(park, CATALOGUE, "park-ghg", 2022)
    result = burdens(park, inventory=inventory)
    assert result.total("climate", "direct") == pytest.approx(inventory.total("scope_1"), rel=1e-12)
    outside = (result.total("climate", "upstream") or 0.0) + (result.total("climate", "treatment") or 0.0)
    assert outside == pytest.approx(inventory.total("scope_2_location") + inventory.total("scope_3"), rel=1e-12)
    assert (result.total("climate", "upstream") or 0.0) >= 200.0 * 2.34
    check_explanations(result)


def test_gaps_of_the_inventory_are_named() -> None:
    """A fuel without an amount is a gap of the inventory: named inside the park, with a remark on the lower bound."""
    park = record(flow_columns={"coal": {"amount": None, "notation": "NE"}})
    result = burdens(park, inventory=draw_inventory(park, CATALOGUE, "park-ghg", 2022))
    inside = result.uncovered.filter((pl.col("category") == "climate") & (pl.col("stage") == "direct"))
    assert ("bituminous_coal", "no_amount", "coal") in set(inside.select("commodity", "reason", "streams").iter_rows())
    assert "burdens_gaps" in {remark.code for remark in result.remarks}


def test_inventory_of_something_else() -> None:
    """An inventory of another year, of the firms' view, or without scopes is refused in words, all at once."""
    park = record()
    other = draw_inventory(park, CATALOGUE, "park-ghg", 2021, perspective="firms")
    with pytest.raises(InputError) as error:
        burdens(park, inventory=other)
    assert [problem.code for problem in error.value.problems] == ["burdens_inventory", "burdens_perspective"]
    for problem in error.value.problems:
        assert all("{" not in text for language in ("zh", "en") for text in problem.describe(language))
    with pytest.raises(InputError) as error:
        burdens(park, categories=["climate", "noise"])
    assert "noise" in str(error.value)
    with pytest.raises(ValueError, match="one period"):
        draw_burdens(layered_flows(park, CATALOGUE, 2022, resolution="month"), park, CATALOGUE)


def small_background(uncertain: bool = False) -> Background:
    """Two products: coal (0.2 kg CO2e, 3 kg SO2 e-3 and 0.01 m3 a kg) and ash treatment that takes in a waste."""
    values, nothing = np.array([0.2, 0.003, 0.01, 0.05]), np.full(4, np.nan)
    kinds = np.array([3 if uncertain else 1, 1, 1, 1], np.uint8)
    scale = np.array([0.02, np.nan, np.nan, np.nan])
    distributions = Distributions(kinds, values, scale, nothing, nothing, np.zeros(4, bool))
    biosphere = Exchanges(np.array([0, 1, 2, 0]), np.array([0, 0, 0, 1]), values, np.ones(4), distributions)
    return Background(
        name="small", processes=["mining", "ash treatment"], maker=np.array([0, 1]),
        products=pl.DataFrame(
            {"product": ["coal", "ash"], "name": ["Coal", "Ash"], "unit": ["kg", "kg"], "location": [None, None],
             "process": ["mining", "ash treatment"]}),
        elementary_flows=pl.DataFrame({"flow": ["co2", "so2", "water"], "name": ["", "", ""], "unit": ["", "", ""]}),
        categories=pl.DataFrame({"category": ["gwp", "so2", "water"], "name": ["GWP", "SO2", "Water"],
                                 "unit": ["kg CO2-Eq", "kg", "m3"]}),
        technosphere=Exchanges.of([0, 1], [0, 1], [1.0, -1.0]), biosphere=biosphere,
        characterisation=Exchanges.of([0, 1, 2], [0, 1, 2], [1.0, 1.0, 1.0]),
    )  # fmt: skip


def mapped(folder: Path, background: Background, park: Record) -> Mapped:
    file = folder / "background.csv"
    file.write_text(
        "commodity,product,unit,factor,note\nbituminous_coal,coal,kg,1000,hard coal\ntreatment:fly_ash,ash,kg,,\n"
        "category:climate,gwp,,0.001,\ncategory:sulphur_dioxide,so2,,,\ncategory:water_use,water,,,\n",
        encoding="utf-8",
    )
    units = dict(CATALOGUE.commodities.select("id", "unit").iter_rows())
    return read_mapping(file, background, units, dict(CATALOGUE.impact_categories.select("id", "unit").iter_rows()))


def test_background_system(tmp_path: Path) -> None:
    """A mapped product gives all its categories at once; treated waste bears a positive burden."""
    park = record()
    result = burdens(park, background=mapped(tmp_path, small_background(), park))
    assert result.total("climate", "upstream") == pytest.approx(200.0 * 2.34 + 1000.0 * 0.2, rel=1e-12)
    # treatment is kept as negative production: handing a tonne over is 1000 kg x 0.05 kg
    assert result.total("climate", "treatment") == pytest.approx(300.0 * 0.05, rel=1e-12)
    assert result.total("sulphur_dioxide", "upstream") == pytest.approx(1000.0 * 3.0, rel=1e-12)
    assert result.total("water_use", "upstream") == pytest.approx(7000.0 + 1000.0 * 10.0, rel=1e-12)
    left = result.uncovered.filter((pl.col("category") == "climate") & (pl.col("stage") == "upstream"))
    assert set(left["commodity"]) == {"ammonia", "tap_water", "reclaimed_water"}
    check_explanations(result)


def test_background_replaces_lines_of_the_inventory(tmp_path: Path) -> None:
    """Power mapped to a background product leaves out its line of scope 2, so that it counts once."""
    streams = [{"id": "power", "source": "market", "target": "mill", "commodity": "electricity", "activity": "supply"}]
    flows = [{"stream": "power", "period_start": "2022", "amount": 1000.0, "unit": "MWh", "method": "metered"}]
    park = record().append(streams=streams, flows=flows)
    inventory = draw_inventory(park, CATALOGUE, "park-ghg", 2022)
    assert inventory.total("scope_2_location") > 0
    file = tmp_path / "background.csv"
    file.write_text(
        "commodity,product,unit,factor\nelectricity,coal,kg,400\ncategory:climate,gwp,,0.001\n", encoding="utf-8"
    )
    links = read_mapping(file, small_background(), {"electricity": "MWh"}, {"climate": "tCO2e"})
    result = burdens(park, inventory=inventory, background=links)
    rows = result.rows.filter((pl.col("category") == "climate") & (pl.col("stream") == "power"))
    assert rows["value"].to_list() == pytest.approx([1000.0 * 400 * 0.2 / 1000])


def test_uncertainty_of_background_and_amounts(tmp_path: Path) -> None:
    """The deviation of a background product and of an amount both reach the total."""
    columns = {"coal": {"low": 900.0, "high": 1100.0}}
    park = record(flow_columns=columns)
    result = burdens(park, background=mapped(tmp_path, small_background(uncertain=True), park), samples=3000)
    row = result.rows.filter((pl.col("category") == "climate") & (pl.col("commodity") == "bituminous_coal"))
    amount_part, factor_part = 0.2 * 100.0 / 1.959963984540054, 1000.0 * 0.02
    assert row["sd_amount"].item() == pytest.approx(amount_part, rel=1e-9)
    assert row["sd_factor"].item() == pytest.approx(factor_part, rel=0.05)
    assert row["sd"].item() == pytest.approx((amount_part**2 + factor_part**2) ** 0.5, rel=0.05)


def test_errors_of_one_group_add_up() -> None:
    """Two emissions of one correlation group: their deviations add, those of separate ones add in squares."""
    ranged = {"so2": {"low": 18.0, "high": 22.0}, "nox": {"low": 27.0, "high": 33.0}}
    apart = burdens(record(flow_columns=ranged))
    grouped = {key: {**row, "correlation_group": "stack"} for key, row in ranged.items()}
    together = burdens(record(flow_columns=grouped))
    a, b = 1200.0 * 2.0 / 1.959963984540054, 500.0 * 3.0 / 1.959963984540054

    def sd(result: Burdens) -> float:
        return float(result.totals.filter(pl.col("category") == "acidification")["sd"].item())

    assert sd(apart) == pytest.approx((a**2 + b**2) ** 0.5, rel=1e-9)
    assert sd(together) == pytest.approx(a + b, rel=1e-9)


def test_compartment_that_is_not_known() -> None:
    """A node of the environment without a telling name: single-compartment substances count, a remark asks for it."""
    nodes = [{**row} for row in NODES]
    nodes[-1] = {"id": "outfall_3", "kind": "environment", "name_zh": "三号口", "name_en": "Number 3"}
    streams = {**STREAMS, "cod": ("mill", "outfall_3", *STREAMS["cod"][2:])}
    park = Record.of(
        nodes=nodes,
        streams=[{"id": "cod", "source": "mill", "target": "outfall_3", "commodity": "cod", "activity": "emission"}],
        flows=[{"stream": "cod", "period_start": "2022", "amount": streams["cod"][4], "unit": "t",
                "method": "metered"}],
    )  # fmt: skip
    result = burdens(park)
    assert result.total("cod") == pytest.approx(10e3)
    assert "burdens_compartment" in {remark.code for remark in result.remarks}
    given = burdens(park, compartments={"outfall_3": "water"})
    assert "burdens_compartment" not in {remark.code for remark in given.remarks}


def test_nitrogen_held_in_waste_water() -> None:
    """Waste water with a stated nitrogen content counts by what it holds, where nothing else says it."""
    park = Record.of(
        nodes=NODES,
        streams=[{"id": "effluent", "source": "mill", "target": "taihu", "commodity": "industrial_wastewater",
                  "activity": "emission"}],
        flows=[{"stream": "effluent", "period_start": "2022", "amount": 20000.0, "unit": "m3", "method": "metered"}],
        properties=[
            {"commodity": "industrial_wastewater", "property": "nitrogen_content", "value": 15e-6, "unit": "tN/m3"},
            {"commodity": "industrial_wastewater", "property": "phosphorus_content", "value": 5e-7, "unit": "tP/m3"},
        ],
    )  # fmt: skip
    result = burdens(park)
    assert result.total("eutrophication") == pytest.approx(300.0 * 0.42 + 10.0 * 3.06, rel=1e-9)
    for row in result.rows["row"]:
        explanation = result.explain(f"row:{row}")
        assert explanation.recompute() == pytest.approx(explanation.value, rel=1e-9)


def test_splits_add_up_and_results_survive_storing() -> None:
    """Any split of a category adds up to it; a stored result gives the same numbers and explanations."""
    result = burdens(record())
    for split in (("stage",), ("node",), ("commodity", "stream"), ("firm", "stage", "activity")):
        parts = result.by("acidification", *split)
        assert parts["value"].sum() == pytest.approx(result.total("acidification"), rel=1e-12)
    with pytest.raises(ValueError, match="unknown dimension"):
        result.by("climate", "colour")
    with pytest.raises(KeyError):
        result.explain("total:noise")
    with pytest.raises(KeyError):
        result.explain("row:99999")
    outcome, frames = result.to_store()
    again = Burdens.from_store("R3", outcome, frames)
    assert again.reference("total:climate") == "R3-total:climate"
    assert again.explain("total:acidification").recompute() == pytest.approx(39000.0)
    assert result.to_json()["totals"][0]["category"] == "climate"


def test_data_of_impact_categories() -> None:
    """Every factor belongs to a category, a known commodity, group or layer, and a source; the unknown stay empty."""
    categories = CATALOGUE.impact_categories
    goods, groups = set(CATALOGUE.commodities["id"]), set(CATALOGUE.groups["id"])
    layers, sources = set(CATALOGUE.layers["id"]), set(CATALOGUE.sources["id"])
    assert categories["id"].is_unique().all()
    keys = CATALOGUE.characterisation.select("category", "substance", "compartment")
    assert keys.is_unique().all()
    for row in CATALOGUE.characterisation.iter_rows(named=True):
        assert row["category"] in set(categories["id"])
        kind, _, name = row["substance"].rpartition(":")
        assert name in {"": goods, "group": groups, "layer": layers}[kind], row["substance"]
        assert row["source"] in sources
        assert row["status"] in ("primary", "secondary", "unverified", "contested")
        assert set((row["unless"] or "").split(";")) <= {"", *goods}
        assert (row["value"] is not None) or row["note_en"]
    assert set(categories["source"].drop_nulls()) <= sources
    assert categories.filter(pl.col("method") == "gwp")["factor_set"].item() in set(CATALOGUE.factors["set"])


def test_background_intensity_is_explained_by_processes(tmp_path: Path) -> None:
    """The factor of a mapped commodity leads on to the processes behind it, which add up to it."""
    park = record()
    result = burdens(park, background=mapped(tmp_path, small_background(), park)).with_run("R5")
    row = result.rows.filter((pl.col("category") == "climate") & (pl.col("commodity") == "bituminous_coal"))
    explanation = result.explain(f"row:{row['row'].item()}")
    reference = next(item.reference for item in explanation.inputs if item.symbol == "intensity")
    assert reference == "R5-background:coal:gwp"
    behind = result.explain(reference.removeprefix("R5-"))
    assert behind.value == pytest.approx(0.2)
    assert behind.recompute() == pytest.approx(0.2, rel=1e-12)
    assert behind.inputs[0].name_en == "mining"
    with pytest.raises(KeyError):
        result.explain("background:steel:gwp")


@settings(max_examples=4, deadline=None)
@given(st.floats(0.01, 1000.0))
def test_burdens_scale_with_the_amounts(scale: float) -> None:
    """Everything a park does k times over burdens k times, in every category and stage."""
    once = burdens(record())
    times = burdens(record(amounts={key: row[4] * scale for key, row in STREAMS.items()}))
    for category in once.categories:
        for stage in ("", "direct", "upstream", "treatment"):
            value = once.total(category, stage)
            expected = None if value is None else pytest.approx(value * scale, rel=1e-9)
            assert times.total(category, stage) == expected, (category, stage)
