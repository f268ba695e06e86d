"""Indicators: the published carbon and sulphur metabolism of a fine-chemical park, sums at every level, and gaps."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecopark.catalogue import load_catalogue
from ecopark.metabolism.flows import LayeredFlows, layered_flows
from ecopark.metabolism.indicators.indicator_definitions import definitions, evaluate_arrays, measures
from ecopark.metabolism.indicators.indicators import REASONS, Indicators, draw_indicators
from ecopark.model.record import Record
from ecopark.storage.folder import read_record
from tests.metabolism.build import layered

ELEMENTS = ["mass", "carbon", "sulphur"]
COLUMNS = ("id", "source", "target", "commodity", "activity")
SLAG = {"group": "waste", "commodity": "slag"}


def record_of(
    streams: list[tuple[str, str, str, str, str, float | None]],
    properties: list[tuple[str, str, float, str]],
    **tables: Any,
) -> Record:
    """A record of 2010 with a park of two firms (chemistry and boiler in each) from (id, from, to, what, why, t)."""
    nodes = [
        {"id": "park", "kind": "park"},
        *({"id": firm, "kind": "firm", "parent": "park"} for firm in ("first", "second")),
        *(
            {"id": f"{firm}_{unit}", "kind": "process", "parent": firm}
            for firm in ("first", "second")
            for unit in ("chemistry", "boiler")
        ),
        {"id": "market", "kind": "market"}, {"id": "landfill", "kind": "market"}, {"id": "air", "kind": "environment"},
    ]  # fmt: skip
    commodities = [
        {"id": name, "group": group, "unit": "t"}
        for name, group in (
            ("raw_chemical", "material"), ("intermediate", "product"), ("fine_chemical", "product"),
            ("residue", "waste"), ("calcium_sulphate", "waste"), ("sulphur_gas", "pollutant"),
        )
    ]  # fmt: skip
    return Record.of(
        nodes=nodes, commodities=commodities,
        streams=[dict(zip(COLUMNS, row[:5], strict=True)) for row in streams],
        flows=[
            {"stream": row[0], "period_start": "2010", "amount": row[5], "unit": "t",
             "notation": "NE" if row[5] is None else None}
            for row in streams
        ],
        properties=[
            dict(zip(("commodity", "property", "value", "unit"), row, strict=True)) for row in properties
        ],
        **tables,
    )  # fmt: skip


def carbon_park() -> Record:
    """V8: 0.38 Mt of carbon, 32 % to chemistry (69 % of it into products), 3.4 % of that passed between the firms."""
    chemistry, energy = 0.32 * 380e3, 0.68 * 380e3
    products, passed = 0.69 * chemistry, 0.034 * chemistry
    return record_of(
        [
            ("raw_1", "market", "first_chemistry", "raw_chemical", "feedstock", 0.6 * chemistry / 0.5),
            ("raw_2", "market", "second_chemistry", "raw_chemical", "feedstock", 0.4 * chemistry / 0.5),
            ("coal_1", "market", "first_boiler", "bituminous_coal", "final_use", 0.7 * energy / 0.6),
            ("coal_2", "market", "second_boiler", "bituminous_coal", "final_use", 0.3 * energy / 0.6),
            ("passed", "first_chemistry", "second_chemistry", "intermediate", "feedstock", passed / 0.5),
            ("out_1", "first_chemistry", "market", "fine_chemical", "production", 0.5 * products / 0.4),
            ("out_2", "second_chemistry", "market", "fine_chemical", "production", 0.5 * products / 0.4),
            ("waste_1", "first_chemistry", "landfill", "residue", "treatment", 0.5 * (chemistry - products) / 0.25),
            ("waste_2", "second_chemistry", "landfill", "residue", "treatment", 0.5 * (chemistry - products) / 0.25),
        ],
        [
            ("raw_chemical", "carbon_fraction", 0.5, "tC/t"), ("intermediate", "carbon_fraction", 0.5, "tC/t"),
            ("fine_chemical", "carbon_fraction", 0.4, "tC/t"), ("residue", "carbon_fraction", 0.25, "tC/t"),
            ("bituminous_coal", "carbon_fraction", 0.6, "tC/t"), ("bituminous_coal", "oxidation", 1.0, "1"),
        ],
    )  # fmt: skip


def measure(result: Indicators, name: str, layer: str, node: str = "park") -> float:
    """A sum of the result."""
    found = result.measures.filter((pl.col("measure") == name) & (pl.col("layer") == layer) & (pl.col("node") == node))[
        "value"
    ].item()
    assert found is not None
    return float(found)


def test_carbon_metabolism_of_a_fine_chemical_park() -> None:
    """V8 (Tian and co-authors, ES&T 2013): from 0.38 Mt C and the printed shares, through the real engine, to 0.5 %.

    A program that took coal for a reactant, or passed intermediates for products, would miss 69 % and 3.4 %.
    """
    record = carbon_park()
    flows = layered_flows(record, load_catalogue(), 2010, layers=["mass", "energy", "carbon"])
    result = draw_indicators(flows, record)
    assert measure(result, "reactants", "carbon") == pytest.approx(121.6e3, rel=0.005)
    assert measure(result, "products", "carbon") == pytest.approx(83.9e3, rel=0.005)
    assert measure(result, "exchanged", "carbon") == pytest.approx(4.1e3, rel=0.01)
    assert measure(result, "exchanged", "carbon") == pytest.approx(0.034 * 121.6e3, rel=1e-9)
    assert measure(result, "fuel_input", "carbon") == pytest.approx(258.4e3, rel=0.005)
    wasted = measure(result, "reactants", "carbon") - measure(result, "products", "carbon")
    assert wasted == pytest.approx(37.7e3, rel=0.005)
    assert measure(result, "emitted_carbon", "carbon") * 44 / 12 == pytest.approx(947e3, rel=0.005)
    assert result.value("carbon_efficiency", layer="carbon") == pytest.approx(69.0, rel=1e-9)
    assert result.value("element_loss_share", layer="carbon") == pytest.approx(31.0, rel=1e-9)
    assert result.value("energy_use_share", layer="carbon") == pytest.approx(68.0, rel=1e-9)
    assert result.value("inter_firm_share", layer="carbon") == pytest.approx(3.4, rel=1e-9)
    products = measure(result, "product_mass", "mass")
    assert result.value("c_factor") == pytest.approx(258.4e3 * 44 / 12 / products, rel=1e-9)
    assert result.value("e_factor") == pytest.approx(measure(result, "waste_mass", "mass") / products, rel=1e-9)


def test_levels_agree_without_being_worked_out_again() -> None:
    """Reactants that enter the two firms are those of the park plus what they pass to each other."""
    record = carbon_park()
    result = draw_indicators(layered_flows(record, load_catalogue(), 2010, layers=["carbon"]), record)
    firms = sum(measure(result, "reactants", "carbon", firm) for firm in ("first", "second"))
    passed = measure(result, "exchanged", "carbon")
    assert firms == pytest.approx(measure(result, "reactants", "carbon") + passed, rel=1e-12)
    assert measure(result, "reactants", "carbon", "first_chemistry") == measure(result, "reactants", "carbon", "first")
    row = result.row("inter_firm_share", "first", "carbon")
    assert row["value"] is None
    assert result.reason(row, "en") == "There are fewer than two firms in it."


@pytest.mark.parametrize(("fraction", "expected"), [(32.06 / 136.14, 35.3e3), (32.06 / 172.17, 27.9e3)])
def test_sulphur_metabolism_closes(fraction: float, expected: float) -> None:
    """V9 (J. Clean. Prod. 2012): 65 % of the sulphur in products, 35 % in wastes, closed; 150 kt CaSO4 hold 35.3 kt."""
    landfilled = 150e3 * fraction
    assert landfilled == pytest.approx(expected, rel=0.005)
    entering = 1.05 * landfilled / 0.35
    record = record_of(
        [
            ("raw", "market", "first_chemistry", "raw_chemical", "feedstock", entering / 0.3),
            ("out", "first_chemistry", "market", "fine_chemical", "production", 0.65 * entering / 0.2),
            ("gypsum", "first_chemistry", "landfill", "calcium_sulphate", "treatment", 150e3),
            ("gas", "first_chemistry", "air", "sulphur_gas", "emission", 0.05 * landfilled / 0.5),
        ],
        [
            ("raw_chemical", "sulphur_content", 0.3, "tS/t"), ("fine_chemical", "sulphur_content", 0.2, "tS/t"),
            ("calcium_sulphate", "sulphur_content", fraction, "tS/t"), ("sulphur_gas", "sulphur_content", 0.5, "tS/t"),
        ],
    )  # fmt: skip
    flows = layered_flows(record, load_catalogue(), 2010, layers=["sulphur"])
    result = draw_indicators(flows, record)
    assert result.value("element_efficiency", layer="sulphur") == pytest.approx(65.0, rel=1e-9)
    assert result.value("element_loss_share", layer="sulphur") == pytest.approx(35.0, rel=1e-9)
    ends = flows.layer("sulphur").group_by("stream").agg(pl.col("value").sum())
    worth = dict(ends.iter_rows())
    assert worth["gypsum"] == pytest.approx(expected, rel=0.005)
    assert worth["out"] + worth["gypsum"] + worth["gas"] == pytest.approx(worth["raw"], rel=1e-9)


# ----------------------------------------------------------------------------------------------------- small networks


def by_product_park() -> LayeredFlows:
    """A gives half of its slag to B and sends a quarter to a landfill; C takes a quarter on and passes it to B."""
    return layered(
        [
            {"source": "IN", "target": "A", "amount": 200.0, "activity": "feedstock"},
            {"source": "A", "target": "OUT", "amount": 100.0, "group": "product", "activity": "production"},
            {"source": "A", "target": "B", "amount": 50.0, **SLAG, "activity": "feedstock"},
            {"source": "A", "target": "OUT", "amount": 25.0, **SLAG, "activity": "treatment"},
            {"source": "A", "target": "C", "amount": 25.0, **SLAG, "activity": "transfer"},
            {"source": "C", "target": "B", "amount": 20.0, **SLAG, "activity": "feedstock"},
            {"source": "C", "target": "OUT", "amount": 5.0, **SLAG, "activity": "treatment"},
            {"source": "B", "target": "OUT", "amount": 65.0, "group": "product", "activity": "production"},
        ]
    )  # fmt: skip


def test_solid_waste_is_generated_and_used_once() -> None:
    """Slag that passes through a collector counts once as generated (100) and once as used (70), not twice."""
    result = draw_indicators(by_product_park(), Record.empty())
    assert measure(result, "waste_generated", "mass", "P") == 100.0
    assert measure(result, "waste_utilised", "mass", "P") == 70.0
    assert result.value("solid_waste_utilisation") == pytest.approx(70.0)
    assert result.value("solid_waste_disposal_share") == pytest.approx(30.0)
    assert result.value("by_product_links") == 3.0
    assert result.value("recycled_input_share", "B") == pytest.approx(100.0)


def test_past_stock_enters_the_utilisation_rate() -> None:
    """Used 90 of which 30 from a store: 90 / (60 + 30) is 100 %; without the stock the rate would pass 100 %."""
    flows = layered(
        [
            {
                "source": "A",
                "target": "B",
                "amount": 60.0,
                "group": "waste",
                "commodity": "ash",
                "activity": "feedstock",
            },
            {
                "source": "S",
                "target": "B",
                "amount": 30.0,
                "group": "waste",
                "commodity": "ash",
                "activity": "feedstock",
            },
        ],
        kinds={"S": "store"},
    )
    assert draw_indicators(flows, Record.empty()).value("solid_waste_utilisation") == pytest.approx(100.0)


def test_water_reuse_rate() -> None:
    """V_r/(V_f+V_r): 300 reclaimed and 600 circulated of 1,000 fresh: 900/1,900."""
    water: dict[str, Any] = {"group": "water", "content": {"water": 1.0}}
    flows = layered(
        [
            {"source": "IN", "target": "A", "amount": 1000.0, "commodity": "surface_water", **water},
            {"source": "A", "target": "A", "amount": 600.0, "commodity": "circulating_water", "activity": "transfer",
             **water},
            {"source": "A", "target": "W", "amount": 500.0, "commodity": "industrial_wastewater",
             "activity": "treatment", **(water | {"group": "wastewater"})},
            {"source": "W", "target": "A", "amount": 300.0, "commodity": "reclaimed_water", **water},
            {"source": "W", "target": "RIVER", "amount": 200.0, "commodity": "industrial_wastewater",
             "activity": "emission", **(water | {"group": "wastewater"})},
        ],
        layers=("water",),
    )  # fmt: skip
    result = draw_indicators(flows, Record.empty())
    assert result.value("water_reuse_rate") == pytest.approx(100 * 900 / 1900)
    assert result.value("reclaimed_water_rate") == pytest.approx(60.0)
    assert result.row("water_reuse_rate", "W")["reason"] == "nothing"


def test_a_missing_input_gives_null_with_its_reason() -> None:
    """No amount, no property, nothing recorded, no statistic, a zero below the line: each is told, none is 0."""
    record = record_of(
        [
            ("raw", "market", "first_chemistry", "raw_chemical", "feedstock", 100.0),
            ("out", "first_chemistry", "market", "fine_chemical", "production", None),
            ("coal", "market", "second_boiler", "bituminous_coal", "feedstock", 10.0),
        ],
        [("raw_chemical", "carbon_fraction", 0.5, "tC/t"), ("fine_chemical", "carbon_fraction", 0.5, "tC/t")],
    )
    result = draw_indicators(layered_flows(record, load_catalogue(), 2010, layers=ELEMENTS), record)
    row = result.row("carbon_efficiency", "first", "carbon")
    assert (row["value"], row["status"], row["reason"], row["detail"]) == (None, "missing", "no_amount", "out")
    assert "no amount of out" in result.reason(row, "en")
    assert "out" in result.reason(row, "zh")
    assert result.row("e_factor")["reason"] in ("nothing", "no_amount")
    assert result.row("resource_productivity", "second")["value"] is None
    assert result.row("e_factor", "second")["reason"] == "nothing"
    assert set(result.indicators["reason"].unique()) <= {"", *REASONS}
    assert result.indicators.filter(pl.col("status") == "missing")["value"].is_null().all()
    with pytest.raises(KeyError, match="has no value"):
        result.explain("indicator:e_factor:second")


def test_value_added_comes_from_the_park_or_from_all_its_firms() -> None:
    """The park states nothing: its value added is the sum of its firms', and null where one of them is silent."""
    record = carbon_park()
    both = [
        {"node": firm, "period_start": "2010", "variable": "value_added", "value": value, "unit": "万元"}
        for firm, value in (("first", 700.0), ("second", 300.0))
    ]
    catalogue = load_catalogue()
    flows = layered_flows(record, catalogue, 2010, layers=["mass", "energy"])
    full = draw_indicators(flows, record.replace(statistics=both))
    consumed = sum(measure(full, name, "mass") for name in ("material_mass", "fuel_mass")) - measure(
        full, "product_mass", "mass"
    )
    assert full.value("resource_productivity") == pytest.approx(1000.0 / consumed, rel=1e-12)
    silent = draw_indicators(flows, record.replace(statistics=both[:1]))
    row = silent.row("resource_productivity")
    assert (row["value"], row["reason"], row["detail"]) == (None, "statistic_parts", "second")
    assert silent.value("resource_productivity", "first") is not None


def test_material_circularity_follows_its_definition() -> None:
    """MCI = 1 - LFI F(X) worked out step by step as the definition says, per tonne of product."""
    statistics = [
        {"node": "park", "period_start": "2010", "variable": name, "value": value, "unit": "1"}
        for name, value in (
            ("product_utility", 1.2), ("end_of_life_collection", 0.4), ("recycling_efficiency", 0.8),
            ("recycled_feedstock_efficiency", 0.9),
        )
    ]  # fmt: skip
    record = record_of(
        [
            ("raw", "market", "first_chemistry", "raw_chemical", "feedstock", 70.0),
            ("scrap", "market", "first_chemistry", "residue", "feedstock", 30.0),
            ("out", "first_chemistry", "market", "fine_chemical", "production", 90.0),
        ],
        [],
        statistics=statistics,
    )
    result = draw_indicators(layered_flows(record, load_catalogue(), 2010, layers=["mass"]), record)
    virgin, unrecovered = 1 - 0.3, 1 - 0.4
    recycling, feedstock = (1 - 0.8) * 0.4, (1 - 0.9) * 0.3 / 0.9
    linear = (virgin + unrecovered + (feedstock + recycling) / 2) / (2 + (feedstock - recycling) / 2)
    assert result.value("material_circularity") == pytest.approx(1 - linear * 0.9 / 1.2, rel=1e-12)


def test_every_number_is_explained() -> None:
    """Recomputing an indicator from its measures, and a measure from its flows, gives it back to 1e-9."""
    record = carbon_park()
    result = draw_indicators(layered_flows(record, load_catalogue(), 2010, layers=ELEMENTS), record)
    seen = 0
    for row in result.indicators.filter(pl.col("value").is_not_null()).iter_rows(named=True):
        explanation = result.explain(row["key"])
        assert explanation.recompute() == pytest.approx(row["value"], rel=1e-9)
        for part in explanation.inputs:
            if part.kind == "total":
                assert result.explain(part.reference).recompute() == pytest.approx(part.value, rel=1e-9, abs=1e-9)
                seen += 1
    assert seen > 20
    with pytest.raises(KeyError):
        result.explain("indicator:unknown:park")


def test_stored_and_read_back() -> None:
    """A stored result explains its numbers as before."""
    result = draw_indicators(by_product_park(), Record.empty())
    outcome, frames = result.to_store()
    again = Indicators.from_store("R1", outcome, frames)
    key = "indicator:solid_waste_utilisation:P"
    assert again.explain(key).recompute() == pytest.approx(70.0)
    assert again.explain(key).inputs[0].reference.startswith("R1-measure:")


def test_uncertainty_of_a_quotient() -> None:
    """Of independent parts: sd(w/p)/(w/p) is the root of the squared relative deviations."""
    flows = layered(
        [
            {"source": "A", "target": "OUT", "amount": 50.0, "sd": 2.0, "group": "product", "activity": "production"},
            {"source": "A", "target": "OUT", "amount": 10.0, "sd": 1.0, "group": "waste", "activity": "treatment"},
        ]
    )
    row = draw_indicators(flows, Record.empty()).row("e_factor")
    assert row["value"] == pytest.approx(0.2)
    assert row["sd"] == pytest.approx(0.2 * math.hypot(2 / 50, 1 / 10), rel=1e-6)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from("ABCDEF"), st.sampled_from("ABCDEF"), st.floats(0.1, 1e4)), min_size=1, max_size=25
    ),
    st.lists(st.sampled_from(["X", "Y"]), min_size=6, max_size=6),
)
def test_aggregation_commutes_with_balancing(rows: list[tuple[str, str, float]], homes: list[str]) -> None:
    """In less out of a firm is the sum of that of its processes, and of the park that of its firms, whatever flows."""
    parents = dict(zip("ABCDEF", homes, strict=True))
    edges = [
        {"source": a if n % 3 else "IN", "target": b if n % 4 else "OUT", "amount": x, "activity": "feedstock"}
        for n, (a, b, x) in enumerate(rows)
    ]
    flows = layered(edges, parents=parents, kinds=dict.fromkeys("ABCDEF", "process"))
    from ecopark.metabolism.regions import incidence

    sides = incidence(flows).join(flows.values.select("edge", "value"), on="edge", how="inner")
    sums = {
        (node, str(side)): value
        for node, side, value in sides.group_by("node", "side").agg(pl.col("value").sum()).iter_rows()
    }
    nodes = set(flows.nodes.filter(pl.col("inside"))["node"])

    def net(node: str) -> float:
        return sums.get((node, "enters"), 0.0) - sums.get((node, "leaves"), 0.0)

    scale = sum(row[2] for row in rows)
    for firm in nodes & {"X", "Y"}:
        inner = sum(net(process) for process in nodes & set("ABCDEF") if parents[process] == firm)
        assert net(firm) == pytest.approx(inner, abs=1e-9 * scale)
    assert net("P") == pytest.approx(sum(net(firm) for firm in nodes & {"X", "Y"}), abs=1e-9 * scale)


def test_definitions_refer_to_what_exists() -> None:
    """Every symbol of a formula is a measure, every measure is used, and array and scalar evaluation agree."""
    from ecopark.accounting.explanation import Input, evaluate

    used = {name for item in definitions().values() for name in item.measures}
    assert used == set(measures())
    sources = set(load_catalogue().sources["id"])
    numbers = {name: 0.1 + 0.05 * place for place, name in enumerate(sorted(used))}
    for item in definitions().values():
        assert item.source in sources or not item.source
        assert item.status in ("primary", "secondary", "unverified")
        assert "recalled" not in item.note_en or item.status == "unverified"
        inputs = [Input(name, "", "", numbers[name], "", "total") for name in item.measures]
        arrays = {name: pl.Series([numbers[name]]).to_numpy() for name in item.measures}
        assert evaluate(item.formula, inputs) == pytest.approx(float(evaluate_arrays(item.formula, arrays)[0]))


def test_a_reason_names_the_commodity_and_not_the_firm_of_the_same_id() -> None:
    """In the synthetic park the chip maker and its product share an id; a missing content is that of the product."""
    record = read_record(Path(__file__).parents[2] / "examples" / "twelve-firms")
    found = draw_indicators(layered_flows(record, load_catalogue(), 2022), record)
    row = found.row("carbon_efficiency", layer="carbon")
    assert "electronics" in row["detail"].split("; ")
    assert "Electronic products" in found.reason(row, "en")
    assert "Chip maker" not in found.reason(row, "en")
