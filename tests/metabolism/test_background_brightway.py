"""A Brightway matrix package is read as Brightway reads it; burdens agree with hand-worked numbers and with bw2calc.

The packages are written here, array by array, so that nothing but numpy is needed.
"""

from __future__ import annotations

import io
import json
import warnings
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from ecopark.metabolism.burdens.background import Background, read_brightway, read_mapping
from ecopark.model.problems import InputError

INDICES = [("row", np.int64), ("col", np.int64)]
UNCERTAIN = [
    ("uncertainty_type", np.uint8), ("loc", np.float32), ("scale", np.float32), ("shape", np.float32),
    ("minimum", np.float32), ("maximum", np.float32), ("negative", bool),
]  # fmt: skip
Entry = tuple[int, int, float]
STEEL, POWER, COAL = 11, 12, 13
CO2, WATER = 91, 92


def group(
    name: str, matrix: str, entries: Sequence[Entry], *, flip: Sequence[bool] | None = None,
    uncertain: Sequence[tuple[int, float, float]] | None = None, **more: Any,
) -> dict[str, Any]:  # fmt: skip
    """The arrays of one resource group; `uncertain` gives (type, loc, scale) for each entry."""
    arrays: dict[str, Any] = {
        "indices": np.array([(row, col) for row, col, _ in entries], dtype=INDICES),
        "data": np.array([value for _, _, value in entries], dtype=np.float64),
    }
    if flip is not None:
        arrays["flip"] = np.array(flip, dtype=bool)
    if uncertain is not None:
        arrays["distributions"] = np.array(
            [(kind, loc, scale, np.nan, np.nan, np.nan, loc < 0 and kind != 2) for kind, loc, scale in uncertain],
            dtype=UNCERTAIN,
        )
    return {"name": name, "matrix": matrix, "arrays": arrays, "more": more}


def write_package(
    path: Path, groups: Sequence[Mapping[str, Any]], *, labels: str = "", adds: bool = False, name: str = "test"
) -> Path:
    """Write a package in Brightway's layout, as a folder or (where the path ends in .zip) as a zip."""
    files: dict[str, bytes] = {}
    resources: list[dict[str, Any]] = []
    for each in groups:
        for kind, array in each["arrays"].items():
            buffer = io.BytesIO()
            np.save(buffer, array, allow_pickle=False)
            file = f"{each['name']}.{kind}.npy"
            files[file] = buffer.getvalue()
            resources.append({
                "profile": "data-resource", "format": "npy", "mediatype": "application/octet-stream",
                "name": f"{each['name']}.{kind}", "matrix": each["matrix"], "kind": kind, "path": file,
                "group": each["name"], "category": "vector", "nrows": len(array), **each["more"],
            })  # fmt: skip
    if labels:
        files["labels.csv"] = labels.encode()
        resources.append({"profile": "data-resource", "mediatype": "text/csv", "path": "labels.csv", "name": "labels",
                          "valid_for": []})  # fmt: skip
    files["datapackage.json"] = json.dumps({
        "profile": "data-package", "name": name, "id": name, "licenses": [], "resources": resources,
        "created": "2026-01-01T00:00:00Z", "combinatorial": False, "sequential": False, "seed": None,
        "64_bit_indices": True, "sum_intra_duplicates": True, "sum_inter_duplicates": adds,
        "matrix_serialize_format_type": "numpy",
    }).encode()  # fmt: skip
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w") as archive:
            for file, content in files.items():
                archive.writestr(file, content)
    else:
        path.mkdir()
        for file, content in files.items():
            (path / file).write_bytes(content)
    return path


LABELS = """id,name,unit,location
11,steel,kg,CN
12,power,kWh,CN
13,coal,kg,
91,carbon dioxide,kg,
92,water,m3,
"""


def small_groups() -> list[dict[str, Any]]:
    """Steel takes 2 kWh and 0.5 kg coal, power 0.4 kg coal and 0.01 kg steel, coal 0.05 kWh."""
    return [
        group(
            "inventory", "technosphere_matrix",
            [(STEEL, STEEL, 1), (POWER, POWER, 1), (COAL, COAL, 1), (POWER, STEEL, 2), (COAL, STEEL, 0.5),
             (COAL, POWER, 0.4), (STEEL, POWER, 0.01), (POWER, COAL, 0.05)],
            flip=[False] * 3 + [True] * 5,
        ),
        group("flows", "biosphere_matrix",
              [(CO2, STEEL, 1.2), (CO2, POWER, 0.9), (WATER, POWER, 0.002), (WATER, COAL, 0.001)]),
        group("gwp", "characterization_matrix", [(CO2, 1, 1.0)], identifier=["m", "climate"], unit="kg CO2e"),
        group("water", "characterization_matrix", [(WATER, 1, 1.0)], identifier=["m", "water"], unit="m3"),
    ]  # fmt: skip


def small_by_hand() -> dict[str, tuple[float, float]]:
    """Burdens per unit by eliminating the three unknowns: p of steel, e of power, c of coal (CO2, water).

    c = c0 + 0.05 e,  e = e0 + 0.4 c + 0.01 p,  p = p0 + 2 e + 0.5 c  with direct effects c0, e0, p0.
    """
    found = {}
    for p0, e0, c0 in ((1.2, 0.9, 0.0), (0.0, 0.002, 0.001)):
        # e = e0 + 0.4 (c0 + 0.05 e) + 0.01 (p0 + 2 e + 0.5 (c0 + 0.05 e))
        e = (e0 + 0.4 * c0 + 0.01 * p0 + 0.005 * c0) / (1 - 0.02 - 0.02 - 0.00025)
        c = c0 + 0.05 * e
        p = p0 + 2 * e + 0.5 * c
        for name, value in (("11", p), ("12", e), ("13", c)):
            found[name] = (*found.get(name, ()), value)
    return found


def value(background: Background, product: str, category: str) -> float:
    frame = background.intensity([product]).filter(pl.col("category") == category)
    return float(frame["value"].item())


@pytest.mark.parametrize("kind", ["folder", "pack.zip"])
def test_small_system_by_hand(tmp_path: Path, kind: str) -> None:
    """Loops (steel needs power needs steel) are solved; a reader that forgot the flip would add inputs to outputs."""
    background = read_brightway(write_package(tmp_path / kind, small_groups(), labels=LABELS))
    assert background.shape == (3, 2, 2)
    assert background.products["name"].to_list() == ["steel", "power", "coal"]
    assert background.unit_of("12") == "kWh"
    for product, (carbon, water) in small_by_hand().items():
        assert value(background, product, "m | climate") == pytest.approx(carbon, rel=1e-12)
        assert value(background, product, "m | water") == pytest.approx(water, rel=1e-12)


def test_all_products_equal_each_alone(tmp_path: Path) -> None:
    """One transposed solve gives what solving for one unit of each product gives."""
    background = read_brightway(write_package(tmp_path / "p", small_groups()))
    everything = background.intensity()
    assert everything.height == 6
    for product in ("11", "12", "13"):
        alone = background.contributions(product, "m | climate")
        assert alone["value"].sum() == pytest.approx(value(background, product, "m | climate"), rel=1e-12)
        assert alone["share"].sum() == pytest.approx(1.0, rel=1e-12)


def test_entries_add_inside_a_group_and_replace_between_groups(tmp_path: Path) -> None:
    """A second group overrides the first in the same place; in a package that says so they add up."""
    twice = [*small_groups(), group("correction", "biosphere_matrix", [(CO2, STEEL, 0.1), (CO2, STEEL, 0.2)])]
    replaced = read_brightway(write_package(tmp_path / "r", twice))
    added = read_brightway(write_package(tmp_path / "a", twice, adds=True))
    base = value(read_brightway(write_package(tmp_path / "b", small_groups())), "11", "m | climate")
    # steel's own effect counts with the steel that goes into its power: 1 / (1 - loop) of it
    steel_runs = (base - value(replaced, "11", "m | climate")) / (1.2 - 0.3)
    assert steel_runs > 1.0
    assert value(added, "11", "m | climate") == pytest.approx(base + 0.3 * steel_runs, rel=1e-12)


def test_waste_treatment_with_negative_production(tmp_path: Path) -> None:
    """Treatment that takes in a waste (-1 on the diagonal): a unit handed over bears the burden, with its own sign."""
    slag, landfill = 21, 21
    groups = [
        group("t", "technosphere_matrix", [(STEEL, STEEL, 1), (slag, landfill, -1), (slag, STEEL, -0.3)],
              flip=[False, False, True]),
        group("b", "biosphere_matrix", [(CO2, landfill, 5.0)]),
        group("c", "characterization_matrix", [(CO2, 1, 1.0)]),
    ]  # fmt: skip
    background = read_brightway(write_package(tmp_path / "w", groups))
    assert value(background, "11", "c") == pytest.approx(0.3 * 5.0)
    assert background.produced("21") == -1.0
    assert value(background, "21", "c") == pytest.approx(-5.0)


def test_regional_factors_follow_the_global_index(tmp_path: Path) -> None:
    """Where the method states which column is the world's, factors of other places are not added to it."""
    groups = [*small_groups()[:2], group("gwp", "characterization_matrix", [(CO2, 1, 1.0), (CO2, 7, 50.0)],
                                         global_index=1)]  # fmt: skip
    background = read_brightway(write_package(tmp_path / "g", groups))
    assert value(background, "13", "gwp") == pytest.approx(small_by_hand()["13"][0], rel=1e-12)


def test_singular_system_is_told(tmp_path: Path) -> None:
    """Power that needs as much power as it yields: an error in words with its name, not a huge number."""
    groups = small_groups()
    groups[0] = group("inventory", "technosphere_matrix", [(STEEL, STEEL, 1), (POWER, POWER, 1), (COAL, COAL, 1),
                      (COAL, POWER, 1), (POWER, COAL, 1)], flip=[False, False, False, True, True])  # fmt: skip
    background = read_brightway(write_package(tmp_path / "s", groups, labels=LABELS))
    with pytest.raises(InputError) as error:
        background.intensity()
    assert {problem.code for problem in error.value.problems} == {"background_singular"}
    assert "power" in str(error.value)
    assert "coal" in str(error.value)


def test_faults_are_told_together(tmp_path: Path) -> None:
    """A short array, a missing file and a missing matrix are all named in one error."""
    groups = small_groups()[:2]
    groups[0]["arrays"]["data"] = groups[0]["arrays"]["data"][:-1]
    package = write_package(tmp_path / "f", groups)
    (package / "flows.data.npy").unlink()
    with pytest.raises(InputError) as error:
        read_brightway(package)
    assert [problem.code for problem in error.value.problems] == [
        "background_length", "background_array", *["background_matrix"] * 3
    ]  # fmt: skip
    for problem in error.value.problems:
        assert all("{" not in text for language in ("zh", "en") for text in problem.describe(language))


def test_no_package_and_not_square(tmp_path: Path) -> None:
    """A folder without a description, a path that is nothing, and more products than processes."""
    (tmp_path / "empty").mkdir()
    for place, code in ((tmp_path / "empty", "background_description"), (tmp_path / "none.zip", "background_file")):
        with pytest.raises(InputError) as error:
            read_brightway(place)
        assert error.value.problems[0].code == code
    groups = small_groups()
    groups[0]["arrays"]["indices"]["row"][3] = 99
    with pytest.raises(InputError) as error:
        read_brightway(write_package(tmp_path / "n", groups))
    assert error.value.problems[0].code == "background_not_square"


def test_monte_carlo_of_one_lognormal_input(tmp_path: Path) -> None:
    """With one uncertain exchange without loops the deviation is that of the lognormal, in closed form."""
    sigma, median = 0.2, 2.0
    groups = [
        group("t", "technosphere_matrix", [(STEEL, STEEL, 1), (POWER, POWER, 1), (POWER, STEEL, median)],
              flip=[False, False, True],
              uncertain=[(0, 1, np.nan), (0, 1, np.nan), (2, float(np.log(median)), sigma)]),
        group("b", "biosphere_matrix", [(CO2, POWER, 3.0)]),
        group("c", "characterization_matrix", [(CO2, 1, 1.0)]),
    ]  # fmt: skip
    background = read_brightway(write_package(tmp_path / "m", groups))
    assert background.uncertain
    draws = background.sample(["11", "12"], 4000, seed=5)
    assert np.median(draws[:, 0, 0]) == pytest.approx(6.0, rel=0.02)
    assert np.log(draws[:, 0, 0]).std() == pytest.approx(sigma, rel=0.05)
    assert np.ptp(draws[:, 0, 1]) == pytest.approx(0.0, abs=1e-8)
    exact = 6.0 * np.exp(sigma**2 / 2) * np.sqrt(np.exp(sigma**2) - 1)
    sd = background.intensity(["11"], samples=4000, seed=5)["sd"].item()
    assert sd == pytest.approx(exact, rel=0.06)
    assert background.intensity(["11"])["sd"].item() is None


def random_groups(size: int, seed: int) -> list[dict[str, Any]]:
    """A random system of `size` processes with 6 inputs each, 40 flows, all lognormal."""
    random = np.random.default_rng(seed)
    made = [(i, i, float(random.uniform(0.5, 2.0))) for i in range(1, size + 1)]
    inputs = []
    for column in range(1, size + 1):
        for row in random.choice(np.setdiff1d(np.arange(1, size + 1), [column]), 6, replace=False):
            inputs.append((int(row), column, float(random.uniform(0.005, 0.06))))
    flows = [
        (1000 + int(flow), column, float(random.uniform(0.1, 5)))
        for column in range(1, size + 1)
        for flow in random.choice(40, 5, replace=False)
    ]
    entries = [*made, *inputs]

    def lognormal(rows: Sequence[Entry]) -> list[tuple[int, float, float]]:
        return [(2, float(np.log(row[2])), 0.1) for row in rows]

    return [
        group("t", "technosphere_matrix", entries, flip=[False] * len(made) + [True] * len(inputs),
              uncertain=[(0, row[2], np.nan) for row in made] + lognormal(inputs)),
        group("b", "biosphere_matrix", flows, uncertain=lognormal(flows)),
        group("c", "characterization_matrix", [(1000 + i, 1, float(random.uniform(0, 3))) for i in range(40)]),
    ]  # fmt: skip


def test_random_system_against_a_dense_inverse(tmp_path: Path) -> None:
    """300 processes: intensities equal those of the dense inverse built here from the same entries."""
    groups = random_groups(300, 3)
    background = read_brightway(write_package(tmp_path / "random.zip", groups))
    a, b, c = np.zeros((300, 300)), np.zeros((40, 300)), np.zeros(40)
    t = groups[0]["arrays"]
    for (row, col), amount, turned in zip(t["indices"], t["data"], t["flip"], strict=True):
        a[row - 1, col - 1] += -amount if turned else amount
    for (row, col), amount in zip(groups[1]["arrays"]["indices"], groups[1]["arrays"]["data"], strict=True):
        b[row - 1000, col - 1] += amount
    for (row, _), amount in zip(groups[2]["arrays"]["indices"], groups[2]["arrays"]["data"], strict=True):
        c[row - 1000] += amount
    expected = c @ b @ np.linalg.inv(a)
    found = background.intensity()
    order = [int(product) - 1 for product in found["product"]]
    np.testing.assert_allclose(found["value"].to_numpy(), expected[order], rtol=1e-10)


def test_draws_solve_the_drawn_system(tmp_path: Path) -> None:
    """Refinement from the base solution gives what factorising the drawn matrices gives."""
    background = read_brightway(write_package(tmp_path / "r", random_groups(120, 4)))
    products = ["1", "60", "120"]
    draws = background.sample(products, 3, seed=9)
    random = np.random.default_rng(9)
    for draw in draws:
        a, direct = background._matrices(random)
        expected = direct @ np.linalg.inv(a.toarray())
        np.testing.assert_allclose(draw, expected[:, background.positions(products)], rtol=1e-8)


@pytest.mark.parametrize("system", ["small", "random"])
def test_agrees_with_bw2calc(tmp_path: Path, system: str) -> None:
    """The same package through Brightway's own calculation gives the same scores."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        bw2calc = pytest.importorskip("bw2calc", reason="bw2calc is not installed: compared with it only where it is")
        import bw_processing
        from fsspec.implementations.zip import ZipFileSystem

        groups = small_groups()[:3] if system == "small" else random_groups(300, 3)
        path = write_package(tmp_path / "p.zip", groups)
        background = read_brightway(path)
        category = background.categories["category"].item()
        for product in (11, 13) if system == "small" else (1, 150, 300):
            package = bw_processing.load_datapackage(ZipFileSystem(path))
            lca = bw2calc.LCA({product: 1.0}, data_objs=[package])
            lca.lci()
            lca.lcia()
            assert value(background, str(product), category) == pytest.approx(lca.score, rel=1e-9)


def test_mapping_file(tmp_path: Path) -> None:
    """Units give the factor where it is blank; commodity, treatment and category rows are told apart."""
    background = read_brightway(write_package(tmp_path / "p", small_groups(), labels=LABELS))
    file = tmp_path / "background.csv"
    file.write_text(
        "commodity,product,unit,factor,note\nraw_coal,13,kg,,\nelectricity,12,,,grid\ntreatment:fly_ash,13,kg,500,\n"
        "category:climate,m | climate,tCO2e,0.001,\ncategory:water_use,m | water,,,\n",
        encoding="utf-8",
    )
    units = {"raw_coal": "t", "electricity": "MWh", "fly_ash": "t"}
    mapped = read_mapping(file, background, units, {"climate": "tCO2e", "water_use": "m3"})
    assert {key: link.factor for key, link in mapped.received.items()} == {"raw_coal": 1000.0, "electricity": 1000.0}
    assert mapped.treated["fly_ash"].factor == 500.0
    assert mapped.categories["climate"].factor == 0.001
    assert mapped.categories["water_use"].factor == 1.0


def test_mapping_faults_with_near_misses(tmp_path: Path) -> None:
    """Every fault of the file at once: unknown commodity, unknown product, unit that does not fit, no number, twice."""
    background = read_brightway(write_package(tmp_path / "p", small_groups(), labels=LABELS))
    file = tmp_path / "background.csv"
    file.write_text(
        "commodity,product,unit,factor\nraw_coall,13,kg,\nelectricity,stel,kWh,\nraw_coal,13,m3,\n"
        "fly_ash,13,kg,many\ncategory:climat,m | climate,,1\nelectricity,12,,\nelectricity,12,,\n",
        encoding="utf-8",
    )
    units = {"raw_coal": "t", "electricity": "MWh", "fly_ash": "t"}
    with pytest.raises(InputError) as error:
        read_mapping(file, background, units, {"climate": "tCO2e"})
    found = [(problem.code, problem.place) for problem in error.value.problems]
    assert found == [
        ("mapping_unknown", "background.csv line 2"), ("background_product", "background.csv line 3"),
        ("mapping_unit", "background.csv line 4"), ("mapping_number", "background.csv line 5"),
        ("mapping_unknown", "background.csv line 6"), ("mapping_twice", "background.csv line 8"),
    ]  # fmt: skip
    words = str(error.value)
    assert "raw_coal" in words
    assert "11 (steel)" in words
    assert "climate" in words
