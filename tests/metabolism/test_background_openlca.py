"""An openLCA JSON-LD package becomes a background system: units, providers, allocation and waste as openLCA means them.

The packages are written here in both spellings of the format; the expected numbers are worked by hand.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from ecopark.metabolism.burdens.background import Background, read_openlca
from ecopark.model.problems import InputError

Files = dict[str, dict[str, Any]]


def reference(identity: str) -> dict[str, str]:
    return {"@id": identity, "name": identity}


def unit_group(identity: str, *units: tuple[str, float]) -> tuple[str, dict[str, Any]]:
    """The first unit is the reference."""
    rows = [
        {"@id": f"u_{name}", "name": name, "conversionFactor": factor, "isRefUnit": number == 0}
        for number, (name, factor) in enumerate(units)
    ]
    return f"unit_groups/{identity}.json", {"@id": identity, "name": identity, "units": rows}


def flow_property(identity: str, group: str) -> tuple[str, dict[str, Any]]:
    return f"flow_properties/{identity}.json", {"@id": identity, "name": identity, "unitGroup": reference(group)}


def flow(identity: str, kind: str, *properties: tuple[str, float]) -> tuple[str, dict[str, Any]]:
    """The first property is the reference; the others with their factor per unit of it."""
    rows = [
        {"flowProperty": reference(name), "conversionFactor": factor, "isRefFlowProperty": number == 0}
        for number, (name, factor) in enumerate(properties)
    ]
    return f"flows/{identity}.json", {"@id": identity, "name": identity, "flowType": kind, "flowProperties": rows}


def exchange(flow: str, amount: float, unit: str = "", *, given: str = "", **more: Any) -> dict[str, Any]:
    row: dict[str, Any] = {"flow": reference(flow), "amount": amount, "isInput": False, **more}
    if unit:
        row["unit"] = reference(f"u_{unit}")
    if given:
        row["flowProperty"] = reference(given)
    return row


def process(identity: str, *exchanges: Mapping[str, Any], **more: Any) -> tuple[str, dict[str, Any]]:
    rows = [{"internalId": number, **row} for number, row in enumerate(exchanges, 1)]
    return f"processes/{identity}.json", {"@id": identity, "name": identity, "exchanges": rows, **more}


def category(identity: str, unit: str, *factors: tuple[str, float, str]) -> tuple[str, dict[str, Any]]:
    rows = [{"flow": reference(name), "value": value, "unit": reference(f"u_{of}")} for name, value, of in factors]
    return f"lcia_categories/{identity}.json", {
        "@id": identity, "name": identity, "refUnit": unit, "impactFactors": rows
    }  # fmt: skip


MADE = {"isQuantitativeReference": True}
IN = {"isInput": True}
BASE = dict([
    unit_group("g_mass", ("kg", 1.0), ("t", 1000.0), ("g", 0.001)),
    unit_group("g_energy", ("MJ", 1.0), ("kWh", 3.6)),
    unit_group("g_volume", ("m3", 1.0)),
    flow_property("mass", "g_mass"), flow_property("energy", "g_energy"), flow_property("volume", "g_volume"),
    flow("steel", "PRODUCT_FLOW", ("mass", 1.0)),
    flow("power", "PRODUCT_FLOW", ("energy", 1.0)),
    # 1 m3 of gas is 0.8 kg
    flow("gas", "PRODUCT_FLOW", ("volume", 1.0), ("mass", 0.8)),
    flow("co2", "ELEMENTARY_FLOW", ("mass", 1.0)),
    flow("water", "ELEMENTARY_FLOW", ("volume", 1.0)),
    category("climate", "kg CO2e", ("co2", 1.0, "kg")),
    category("water use", "m3", ("water", 1.0, "m3")),
])  # fmt: skip

STEEL = process("p_steel", exchange("steel", 1.0, "t", **MADE), exchange("power", 500.0, "kWh", **IN),
                exchange("gas", 40.0, "kg", given="mass", **IN), exchange("co2", 1.2, "t"))  # fmt: skip
POWER = process("p_power", exchange("power", 1.0, "kWh", **MADE), exchange("gas", 0.2, "m3", **IN),
                exchange("co2", 400.0, "g"), exchange("water", 0.002, "m3", **IN))  # fmt: skip
GAS = process("p_gas", exchange("gas", 1.0, "m3", **MADE), exchange("co2", 0.05, "kg"))
# gas per kWh: 0.2 m3 x 0.05; power per kWh; gas of a tonne of steel: 40 kg / 0.8 = 50 m3
GAS_CARBON = 0.05
POWER_CARBON = 0.4 + 0.2 * GAS_CARBON
STEEL_CARBON = (1200.0 + 500.0 * POWER_CARBON + 50.0 * GAS_CARBON) / 1000.0


def old_spelling(row: Any) -> Any:
    """The same data as version 1 of the format spells it."""
    names = {
        "isInput": "input", "isQuantitativeReference": "quantitativeReference", "isAvoidedProduct": "avoidedProduct",
        "isRefUnit": "referenceUnit", "isRefFlowProperty": "referenceFlowProperty", "refUnit": "referenceUnitName",
    }  # fmt: skip
    if isinstance(row, dict):
        return {names.get(key, key): old_spelling(value) for key, value in row.items()}
    return [old_spelling(each) for each in row] if isinstance(row, list) else row


def write(path: Path, files: Mapping[str, Any]) -> Path:
    """Write files into a folder, or into a zip where the path ends so."""
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in files.items():
                archive.writestr(name, json.dumps(content))
        return path
    for name, content in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_text(json.dumps(content), encoding="utf-8")
    return path


def value(background: Background, product: str, category: str = "climate") -> float:
    frame = background.intensity([product])
    return float(frame.filter(pl.col("category") == category)["value"].item())


@pytest.mark.parametrize("spelling", ["old", "new"])
@pytest.mark.parametrize("kind", ["folder", "system.zip"])
def test_chain_with_units_and_properties(tmp_path: Path, spelling: str, kind: str) -> None:
    """Tonnes, grams, kWh and gas by mass all come to the flows' own units; both spellings give the same."""
    files: Files = dict([*BASE.items(), STEEL, POWER, GAS])
    background = read_openlca(write(tmp_path / kind, old_spelling(files) if spelling == "old" else files))
    assert background.unit_of("p_power") == "MJ"
    assert dict(background.categories.select("category", "unit").iter_rows()) == {
        "climate": "kg CO2e", "water use": "m3"
    }  # fmt: skip
    assert value(background, "p_gas") == pytest.approx(GAS_CARBON, rel=1e-12)
    assert value(background, "p_power") == pytest.approx(POWER_CARBON / 3.6, rel=1e-12)
    assert value(background, "p_steel") == pytest.approx(STEEL_CARBON, rel=1e-12)
    # what is taken from nature counts positive
    assert value(background, "p_steel", "water use") == pytest.approx(0.5 * 0.002, rel=1e-12)


def test_factor_per_other_unit(tmp_path: Path) -> None:
    """A characterisation factor stated per tonne is a thousandth of it per kilogram."""
    files = dict([*BASE.items(), GAS, category("climate", "kg CO2e", ("co2", 1000.0, "t"))])
    assert value(read_openlca(write(tmp_path / "f", files)), "p_gas") == pytest.approx(GAS_CARBON, rel=1e-12)


def test_default_provider_chooses(tmp_path: Path) -> None:
    """Of two makers of power the default provider counts; without one both are named."""
    other = process("p_wind", exchange("power", 1.0, "kWh", **MADE))
    chosen = process("p_steel", exchange("steel", 1.0, "kg", **MADE),
                     exchange("power", 1.0, "kWh", defaultProvider=reference("p_wind"), **IN))  # fmt: skip
    files = dict([*BASE.items(), POWER, GAS, other, chosen])
    assert value(read_openlca(write(tmp_path / "f", files)), "p_steel") == 0.0
    files["processes/p_steel.json"]["exchanges"][1].pop("defaultProvider")
    with pytest.raises(InputError) as error:
        read_openlca(write(tmp_path / "g", files))
    assert [problem.code for problem in error.value.problems] == ["openlca_providers"]
    assert "p_power, p_wind" in str(error.value)


def test_input_nobody_makes_is_cut_off_and_told(tmp_path: Path) -> None:
    """The cut-off is a remark with the flow's name, not a silent zero."""
    files = dict([*BASE.items(), POWER])
    background = read_openlca(write(tmp_path / "f", files))
    assert [remark.code for remark in background.remarks] == ["background_cut_off"]
    assert "gas" in background.remarks[0].text("en")
    assert "gas" in background.remarks[0].text("zh")
    assert value(background, "p_power") == pytest.approx(0.4 / 3.6)


def several(**more: Any) -> tuple[str, dict[str, Any]]:
    return process("p_chp", exchange("power", 10.0, "kWh", **MADE), exchange("steel", 2.0, "kg"),
                   exchange("co2", 5.0, "kg"), exchange("gas", 1.0, "m3", **IN), **more)  # fmt: skip


def test_several_products_need_allocation(tmp_path: Path) -> None:
    """Without factors: an error with both products; with them: each bears its share per unit of its own amount."""
    with pytest.raises(InputError) as error:
        read_openlca(write(tmp_path / "f", dict([*BASE.items(), GAS, several()])))
    assert [problem.code for problem in error.value.problems] == ["openlca_allocation"]
    assert "power, steel" in str(error.value)
    factors = [
        {"allocationType": "ECONOMIC_ALLOCATION", "product": reference("power"), "value": 0.7},
        {"allocationType": "ECONOMIC_ALLOCATION", "product": reference("steel"), "value": 0.3},
        {"allocationType": "PHYSICAL_ALLOCATION", "product": reference("power"), "value": 0.5},
        {"allocationType": "PHYSICAL_ALLOCATION", "product": reference("steel"), "value": 0.5},
    ]
    files = dict([*BASE.items(), GAS,
                  several(allocationFactors=factors, defaultAllocationMethod="ECONOMIC_ALLOCATION")])  # fmt: skip
    background = read_openlca(write(tmp_path / "g", files))
    whole = 5.0 + GAS_CARBON
    assert value(background, "p_chp:power") == pytest.approx(0.7 * whole / 36.0, rel=1e-12)
    assert value(background, "p_chp:steel") == pytest.approx(0.3 * whole / 2.0, rel=1e-12)


def test_causal_allocation_by_exchange(tmp_path: Path) -> None:
    """Causal factors go by exchange: the carbon to power, the gas to steel."""
    factors = [
        {"allocationType": "CAUSAL_ALLOCATION", "product": reference(product), "value": share,
         "exchange": {"internalId": number}}
        for number, shares in ((3, (1.0, 0.0)), (4, (0.0, 1.0)))
        for product, share in zip(("power", "steel"), shares, strict=True)
    ]  # fmt: skip
    files = dict([*BASE.items(), GAS, several(allocationFactors=factors, defaultAllocationMethod="CAUSAL_ALLOCATION")])
    background = read_openlca(write(tmp_path / "g", files))
    assert value(background, "p_chp:power") == pytest.approx(5.0 / 36.0, rel=1e-12)
    assert value(background, "p_chp:steel") == pytest.approx(GAS_CARBON / 2.0, rel=1e-12)


def test_waste_is_an_input_of_treatment(tmp_path: Path) -> None:
    """A waste that leaves goes to the process that treats it; treating one unit bears its burden, positive."""
    slag = flow("slag", "WASTE_FLOW", ("mass", 1.0))
    treat = process("p_landfill", exchange("slag", 1.0, "t", isInput=True, **MADE), exchange("co2", 20.0, "kg"))
    steel = process("p_steel", exchange("steel", 1.0, "t", **MADE), exchange("slag", 300.0, "kg"))
    background = read_openlca(write(tmp_path / "f", dict([*BASE.items(), slag, treat, steel])))
    assert value(background, "p_landfill") == pytest.approx(0.02, rel=1e-12)
    assert value(background, "p_steel") == pytest.approx(0.3 * 0.02, rel=1e-12)


@pytest.mark.parametrize("given", [True, False])
def test_avoided_product_is_a_credit(tmp_path: Path, given: bool) -> None:
    """Power that is avoided takes its burden off, however the file marks its direction."""
    steel = process("p_steel", exchange("steel", 1.0, "kg", **MADE), exchange("co2", 3.0, "kg"),
                    exchange("power", 2.0, "kWh", isAvoidedProduct=True, isInput=given))  # fmt: skip
    background = read_openlca(write(tmp_path / "f", dict([*BASE.items(), POWER, GAS, steel])))
    assert value(background, "p_steel") == pytest.approx(3.0 - 2.0 * POWER_CARBON, rel=1e-12)


def test_uncertainty_is_drawn_in_reference_units(tmp_path: Path) -> None:
    """A lognormal of 500 kWh (geometric deviation 1.2) is one of 1800 MJ; the burden varies with it alone."""
    uncertainty = {"distributionType": "LOG_NORMAL_DISTRIBUTION", "geomMean": 500.0, "geomSd": 1.2}
    steel = process("p_steel", exchange("steel", 1.0, "t", **MADE),
                    exchange("power", 500.0, "kWh", uncertainty=uncertainty, **IN))  # fmt: skip
    background = read_openlca(write(tmp_path / "f", dict([*BASE.items(), POWER, GAS, steel])))
    draws = background.sample(["p_steel"], 3000, seed=2)[:, 0, 0]
    assert np.median(draws) == pytest.approx(0.5 * POWER_CARBON, rel=0.02)
    assert np.log(draws).std() == pytest.approx(np.log(1.2), rel=0.05)


def test_method_is_chosen_by_name(tmp_path: Path) -> None:
    """Of several methods only the chosen one's categories are read; an unknown one is told with those there are."""
    methods = {
        f"lcia_methods/{name}.json": {"@id": name, "name": name, "impactCategories": [reference(each)]}
        for name, each in (("CML", "climate"), ("AWARE", "water use"))
    }
    place = write(tmp_path / "f", dict([*BASE.items(), *methods.items(), POWER, GAS]))
    assert read_openlca(place, method="AWARE").categories["category"].to_list() == ["water use"]
    with pytest.raises(InputError) as error:
        read_openlca(place, method="EF")
    assert "AWARE, CML" in str(error.value)


def test_faults_are_told_together(tmp_path: Path) -> None:
    """Two references, an unknown flow, a unit of another kind and a lost provider: four faults at once."""
    wrong = process("p_wrong", exchange("steel", 1.0, "kg", **MADE), exchange("power", 1.0, "kWh", **MADE))
    steel = process("p_steel", exchange("steel", 1.0, "kg", **MADE), exchange("lime", 1.0, "kg", **IN),
                    exchange("power", 1.0, "kg", **IN),
                    exchange("gas", 1.0, "m3", defaultProvider=reference("p_lost"), **IN))  # fmt: skip
    with pytest.raises(InputError) as error:
        read_openlca(write(tmp_path / "f", dict([*BASE.items(), POWER, GAS, wrong, steel])))
    assert [problem.code for problem in error.value.problems] == [
        "openlca_reference", "openlca_flow", "openlca_unit", "openlca_provider"
    ]  # fmt: skip
    for problem in error.value.problems:
        assert all("{" not in text for language in ("zh", "en") for text in problem.describe(language))


def test_no_processes(tmp_path: Path) -> None:
    """A zip of something else."""
    with pytest.raises(InputError) as error:
        read_openlca(write(tmp_path / "x.zip", {"other/file.json": {}}))
    assert error.value.problems[0].code == "openlca_processes"
