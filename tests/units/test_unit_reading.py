"""Units are read in every way in which Chinese and English workbooks write them, and nothing else is guessed."""

from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import ecopark
from ecopark.unit_definitions import basis_rows, multiplier_rows, unit_rows
from ecopark.units import UnitError, display, known_units, parse

WRITTEN = {
    "t": ["吨", "公吨", "t", "T", " t ", "tonne", "metric ton"],
    "kg": ["千克", "公斤", "kg", "KG", "Kg", "㎏"],
    "万t": ["万t", "万吨", "万 t", "10^4 t", "10⁴t", "10⁴ 吨", "1e4 t", "10000t"],
    "kt": ["kt", "千吨"],
    "tce": ["tce", "TCE", "吨标准煤", "吨标煤", "t标准煤"],
    "万tce": ["万tce", "万吨标准煤"],
    "tce_eq": ["tce_eq", "tce(等价)", "tce（等价）", "吨标准煤(等价值)"],
    "tce_cal": ["tce_cal", "tce(当量)", "吨标准煤（当量值）"],
    "kgce": ["kgce", "千克标准煤"],
    "kWh": ["kWh", "KWH", "kwh", "千瓦时", "度", "千瓦小时"],
    "万kWh": ["万kWh", "万千瓦时", "万度", "10⁴kWh", "万KWH"],
    "亿kWh": ["亿kWh", "亿千瓦时", "10^8kWh"],
    "MWh": ["MWh", "mwh", "MWH", "兆瓦时"],
    "GWh": ["GWh", "吉瓦时"],
    "GJ": ["GJ", "吉焦", "百万千焦"],
    "TJ": ["TJ", "太焦"],
    "GJ_LHV": ["GJ_LHV", "GJ LHV", "GJ(低位)", "GJ（低位）", "GJ(低位发热量)", "GJ (LHV)", "吉焦（低位）", "GJ (NCV)"],
    "GJ_HHV": ["GJ_HHV", "GJ HHV", "GJ(高位)", "GJ (gross CV)"],
    "kWh_HHV": ["kWh_HHV", "kWh (Gross CV)"],
    "mmBtu_HHV": ["mmBtu_HHV", "mmBtu HHV"],
    "万Nm3": ["万Nm3", "万Nm³", "万 Nm³", "万标准立方米", "万标方", "10⁴ Nm³", "万Nm^3"],
    "Nm3": ["Nm3", "Nm³", "NM3", "标立方", "Nm^3"],
    "m3": ["m3", "m³", "㎥", "M3", "立方米", "方", "m^3"],
    "万m3": ["万m³", "万立方米", "万m3"],
    "m3_20C": ["m3_20C", "m³(20℃)", "m3 (20 °C)"],
    "tCO2": ["tCO2", "tCO₂", "吨CO2", "t CO2", "吨二氧化碳", "TCO2"],
    "tCO2e": ["tCO2e", "tCO₂e", "tCO2eq", "tCO2-eq", "吨二氧化碳当量", "tco2e"],
    "万tCO2e": ["万tCO2e", "万吨二氧化碳当量", "万吨CO2当量"],
    "kgCO2e": ["kgCO2e", "千克二氧化碳当量"],
    "tHFC-134a": ["tHFC-134a", "tHFC134a", "tR134a"],
    "short_ton": ["short_ton", "short ton", "短吨"],
    "bbl": ["bbl", "barrel", "barrels", "桶"],
    "Mcf": ["Mcf", "mcf"],
    "mmBtu": ["mmBtu", "MMBtu", "mmbtu"],
    "t_dry": ["t_dry", "t(干基)", "吨(干基)", "t (dry)"],
    "kWh_cumulated": ["kWh_cumulated", "kWh(累计)", "kWh (cumulated)"],
    "CNY": ["CNY", "元", "RMB", "¥", "人民币元"],
    "万CNY": ["万元", "万CNY"],
    "亿CNY": ["亿元"],
    "person": ["人", "person", "persons"],
    "piece": ["个", "piece"],
    "%": ["%", "％"],
    "1": ["1", "无量纲"],
    "m2": ["m2", "㎡", "平方米"],
    "GJ_LHV/t": ["GJ_LHV/t", "GJ(低位)/吨", "GJ LHV / t", "GJ_LHV·t^-1", "GJ_LHV per t"],
    "kgCO2/kWh": ["kgCO2/kWh", "kgCO₂/kWh", "千克CO2/千瓦时"],
    "tC/GJ_LHV": ["tC/GJ_LHV", "tC/GJ(低位)"],
    "GJ_LHV/万Nm3": ["GJ_LHV/万Nm3", "GJ(低位)/万Nm³"],
    "kgce/kWh": ["kgce/kWh"],
    "kgCO2/(t·km)": ["kgCO2/(t·km)", "kgCO2/(t*km)", "kgCO2/t/km"],
    "kW·h": ["kW·h", "kW*h", "kW.h", "千瓦·时"],
}


@pytest.mark.parametrize(("canonical", "text"), [(unit, text) for unit, texts in WRITTEN.items() for text in texts])
def test_written_forms_have_one_canonical_text(canonical: str, text: str) -> None:
    assert parse(text).text == canonical
    assert parse(canonical) == parse(text)


@pytest.mark.parametrize(
    ("zh", "en", "unit"),
    [
        ("万Nm³", "10⁴ Nm³", "万Nm3"),
        ("GJ(低位)/t", "GJ (LHV)/t", "GJ_LHV/t"),
        ("亿元", "10⁸ CNY", "亿CNY"),
        ("tCO₂e", "tCO₂e", "tCO2e"),
        ("万人", "10⁴ person", "万person"),
        ("kWh(累计)", "kWh (cumulated)", "kWh_cumulated"),
        ("tce(等价)", "tce (equivalent)", "tce_eq"),
        ("tCO₂/万元", "tCO₂/10⁴ CNY", "tCO2/万CNY"),
        ("kgCO₂/(t·km)", "kgCO₂/(t·km)", "kgCO2/(t·km)"),
        ("10³ Nm³", "10³ Nm³", "千Nm3"),
        ("1/GJ", "1/GJ", "1/GJ"),
    ],
)
def test_display(zh: str, en: str, unit: str) -> None:
    assert display(unit, "zh") == zh
    assert display(unit, "en") == en


def test_every_known_unit_survives_display() -> None:
    """A label copied from a page into a workbook is read back as the same unit, in both languages."""
    for text in known_units():
        for multiplier in ("", "万"):
            unit = parse(multiplier + text)
            for language in ("zh", "en"):
                shown = parse(display(unit.text, language))
                assert (shown.scale, shown.dimension) == (unit.scale, unit.dimension), (text, language)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["", "万", "亿", "10^3", "10^5"]),
            st.sampled_from(known_units()),
            st.sampled_from([1, 2, 3, -1, -2]),
        ),
        min_size=1, max_size=4,
    )
)  # fmt: skip
def test_canonical_text_is_read_back(parts: list[tuple[str, str, int]]) -> None:
    """Canonical and displayed text carry everything: reading them again gives the same unit, exactly."""
    text = "·".join(f"({multiplier}{unit})^{power}" for multiplier, unit, power in parts)
    unit = parse(text) if len(text) <= 100 else parse(f"({parts[0][0]}{parts[0][1]})^{parts[0][2]}")
    for again in (unit.text, display(unit.text, "zh"), display(unit.text, "en")):
        if len(again) <= 80:
            assert (parse(again).scale, parse(again).dimension) == (unit.scale, unit.dimension)


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=30) | st.text(alphabet="tkgGJWh万Nm3/·^-()0123456789. ", max_size=12))
@example("t^99999999")
@example("1e99999t")
@example("(" * 5000)
@example("GJ(低位")
def test_any_text_is_read_or_refused(text: str) -> None:
    """No text makes the reader fail in another way than by a UnitError with a cause and a remedy."""
    try:
        unit = parse(text)
    except UnitError as error:
        refused = error
    else:
        assert unit.scale > 0
        return
    assert refused.code in ("unit_unknown", "unit_syntax")
    assert all(refused.describe("en"))


@pytest.mark.parametrize("text", ["", "  ", "t//", "20t", "t/", "(t", "3 kWh", "2019", "t)", "/t"])
def test_not_a_unit(text: str) -> None:
    with pytest.raises(UnitError) as caught:
        parse(text)
    assert caught.value.code == "unit_syntax"
    assert caught.value.found == text


@pytest.mark.parametrize(
    ("text", "near"), [("kwhh", "kWh"), ("Gj_LVH", "GJ_LHV"), ("tco2ee", "tCO2e"), ("万Nm33", "万Nm3"), ("吨煤", "吨")]
)
def test_did_you_mean(text: str, near: str) -> None:
    with pytest.raises(UnitError) as caught:
        parse(text)
    assert caught.value.code == "unit_unknown"
    assert near in str(caught.value.values["near"]).split(", ")


@pytest.mark.parametrize("text", ["MT", "mt", "ton", "tons", "MG"])
def test_texts_that_mean_two_things_are_refused(text: str) -> None:
    """MT is a metric ton to some, a megatonne to others; a program that picks one is wrong by a million."""
    with pytest.raises(UnitError, match="Did you mean"):
        parse(text)


def test_spellings_with_two_readings_agree() -> None:
    """千克 is both kg and 10^3 g: wherever multiplier, unit and basis can be cut in two ways, the amounts are equal."""
    readings: dict[str, set[tuple[str, ...]]] = {}
    multipliers = [(name, row.exponent) for row in multiplier_rows().values() for name in row.spellings]
    for unit in unit_rows().values():
        for name in unit.spellings:
            readings.setdefault(name, set()).add(("", unit.id))
            for head, exponent in multipliers:
                readings.setdefault(head + name, set()).add((f"10^{exponent} ", unit.id))
            for basis in basis_rows().values():
                if unit.family in basis.families:
                    for tail in basis.spellings:
                        readings.setdefault(name + tail, set()).add(("", unit.id + basis.id))
    several = {text: ways for text, ways in readings.items() if len(ways) > 1}
    assert "千克" in several
    for ways in several.values():
        assert len({(parse("".join(way)).scale, parse("".join(way)).dimension) for way in ways}) == 1, ways


def test_every_gas_of_the_catalogue_has_its_own_mass() -> None:
    with (Path(ecopark.__file__).parent / "catalogue/data/gases.csv").open(encoding="utf-8") as stream:
        gases = [row["id"] for row in csv.DictReader(stream)]
    assert {"CO2", "CH4", "N2O", "SF6"} <= set(gases)
    dimensions = {parse(f"t{gas}").dimension for gas in gases}
    assert len(dimensions) == len(gases)


def test_pint_is_loaded_on_first_use_only() -> None:
    """`ecopark --help` must not wait for the unit registry."""
    code = (
        "import sys, ecopark.units as u; assert 'pint' not in sys.modules and 'polars' not in sys.modules; "
        "u.parse('t'); assert 'pint' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
