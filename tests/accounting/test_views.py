"""Views: what is drawn adds up to what was computed, and every part of a drawing leads to its explanation."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from ecopark import palette
from ecopark.accounting import views
from ecopark.accounting.comparison import compare
from ecopark.accounting.derived import PER, SHARE, explain_derived, is_derived
from ecopark.workspace import Workspace
from tests.web.serving import make_workspace


@pytest.fixture(scope="module")
def park(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """The synthetic park of twelve firms."""
    workspace = Workspace.open(make_workspace(tmp_path_factory.mktemp("views") / "park", "twelve-firms"))
    yield workspace
    workspace.close()


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """The real park with the operator's own statements."""
    workspace = Workspace.open(make_workspace(tmp_path_factory.mktemp("views") / "real", "eastman"))
    yield workspace
    workspace.close()


@pytest.mark.parametrize("total", [None, "market", "scope_1"])
@pytest.mark.parametrize("make", [views.scope_view, views.source_view, views.gas_view])
def test_bars_add_up_to_the_total(make: object, total: str | None, park: Workspace) -> None:
    """A part left out or drawn twice would show: the bars add up to the total, and each part is what explain gives."""
    inventory = park.inventory(2022, "park-ghg")
    view = make(inventory, total)  # type: ignore[operator]
    assert view.kind == "bars"
    assert view.frame["value"].sum() == pytest.approx(inventory.total(total), rel=1e-12)
    assert view.unit == "tCO2e"
    assert inventory.explain(view.key).value == pytest.approx(inventory.total(total), rel=1e-12)
    for key, value in view.frame.select("key", "value").iter_rows():
        assert inventory.explain(key).recompute() == pytest.approx(value, rel=1e-9)


def test_groups_stand_together_largest_first(park: Workspace) -> None:
    frame = views.source_view(park.inventory(2022, "park-ghg")).frame
    order = frame["group"].to_list()
    assert order == sorted(order, key=order.index)
    sums = frame.group_by("group", maintain_order=True).agg(pl.col("value").sum())["value"].to_list()
    assert sums == sorted(sums, reverse=True)
    assert len(set(order)) == len(sums)


def test_treemap_parts_add_up_to_their_firm(park: Workspace) -> None:
    inventory = park.inventory(2022, "park-ghg")
    view = views.firm_view(inventory)
    firms = view.frame.filter(pl.col("parent").is_null())
    parts = view.frame.filter(pl.col("parent").is_not_null())
    assert firms["value"].sum() == pytest.approx(inventory.total(), rel=1e-12)
    by_firm = dict(parts.group_by("parent").agg(pl.col("value").sum()).iter_rows())
    for firm, value in firms.select("id", "value").iter_rows():
        assert by_firm[firm] == pytest.approx(value, rel=1e-12, abs=1e-9)
    assert bool(view.note) == bool((view.frame["value"] < 0).any())


def test_trend_has_each_year(park: Workspace) -> None:
    inventories = [park.inventory(year, "park-ghg") for year in park.years]
    view = views.trend_view(inventories)
    sums = dict(view.frame.group_by("group").agg(pl.col("value").sum()).iter_rows())
    assert sums == {str(item.year): pytest.approx(item.total(), rel=1e-12) for item in inventories}
    years = {str(item.year): item for item in inventories}
    for key, value in view.frame.select("key", "value").iter_rows():
        year, _, rest = key.partition("/")
        assert years[year].explain(rest).value == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize("most", [3, 16, 1000])
def test_waterfall_is_gapless(most: int, park: Workspace) -> None:
    """Each step starts where the one before ended; the last ends at the second total; few or many, none is dropped."""
    first, second = park.inventory(2021, "park-ghg"), park.inventory(2023, "park-ghg")
    comparison = compare(first, second)
    rows = views.waterfall_view(comparison, most).frame.to_dicts()
    assert rows[0]["value"] == first.total()
    assert rows[-1]["value"] == second.total()
    level = rows[0]["end"]
    for row in rows[1:-1]:
        assert row["role"] == "step"
        assert row["start"] == level
        assert row["end"] == row["start"] + row["value"]
        assert row["colour"] == ("step:increase" if row["value"] >= 0 else "step:decrease")
        level = row["end"]
        if row["key"]:
            assert comparison.explain(row["key"]).value == row["value"]
    assert level == pytest.approx(second.total(), rel=1e-12)
    assert len(rows) == 2 + min(most, len(comparison.steps))


def test_reported_beside_calculated(real: Workspace) -> None:
    """Both values of a year stand side by side; a year without flows has no calculated value."""
    rows = [
        (row.year, row.calculated, row.reported, row.reference or None, None)
        for row in real.reported("us-ghgrp")
        if row.node == "red_rochester"
    ]
    view = views.calculated_and_reported(rows, "tCO2e")
    assert view.kind == "paired"
    found = {
        (group, series): value for group, series, value in view.frame.select("group", "series", "value").iter_rows()
    }
    assert found["2019", "calculated"] / found["2019", "reported"] == pytest.approx(0.994, abs=5e-4)
    assert found["2016", "calculated"] / found["2016", "reported"] == pytest.approx(1.009, abs=5e-4)
    assert found["2020", "calculated"] is None
    assert found["2020", "reported"] is not None


def test_ranges_keep_to_one_unit(park: Workspace) -> None:
    inventory = park.inventory(2022, "zero-carbon-park-2025")
    keys = [("total", 1.0, 2.0), ("total:energy", 1.0, 2.0), ("total&category:fuel", None, None)]
    view = views.ranges_view(inventory, keys)
    assert view.unit == "tCO2"
    assert "total:energy" not in view.frame["key"].to_list()


def test_empty_inventory_gives_empty_views(park: Workspace) -> None:
    inventory = park.inventory(1999, "park-ghg")
    for view in (
        views.scope_view(inventory),
        views.source_view(inventory),
        views.firm_view(inventory),
        views.trend_view([]),
    ):
        assert view.empty


def test_share_and_intensity_are_explained(park: Workspace) -> None:
    inventory = park.inventory(2022, "park-ghg")
    part = inventory.by("category").row(0, named=True)
    share = inventory.explain(f"{SHARE}{part['key']}")
    assert share.value == pytest.approx(part["value"] / inventory.total(), rel=1e-12)
    assert share.recompute() == pytest.approx(share.value, rel=1e-12)
    for variable, statistic in inventory.statistics.items():
        ratio = inventory.explain(f"{PER}location:{variable}")
        assert ratio.recompute() == pytest.approx(inventory.total("location") / statistic.value, rel=1e-12)
    assert not is_derived("total")
    with pytest.raises(KeyError):
        explain_derived(inventory, "total")


def test_every_colour_is_fixed_and_distinct_where_shown_together() -> None:
    """Keys keep their colour whatever stands beside them; unknown keys get different ones while there are any."""
    assert all(re.fullmatch("#[0-9a-f]{6}", colour) for colour in palette.COLOURS.values())
    keys = ["scope:1", "x:a", "x:b", "x:c", "scope:2"]
    chosen = palette.colours(keys)
    assert chosen["scope:1"] == palette.COLOURS["scope:1"]
    assert len(set(chosen.values())) == len(keys)
    assert palette.colour("x:a") == palette.colour("x:a")


def test_colours_of_scopes_differ_for_the_colour_blind() -> None:
    """Seen by a reader without the red or the green receptor, the scopes' colours stay apart (Viénot et al. 1999)."""
    matrices = {
        "protan": ((0.11238, 0.88762, 0.0), (0.11238, 0.88762, 0.0), (0.00401, -0.00401, 1.0)),
        "deutan": ((0.29275, 0.70725, 0.0), (0.29275, 0.70725, 0.0), (-0.02234, 0.02234, 1.0)),
    }

    def seen(colour: str, matrix: tuple[tuple[float, float, float], ...]) -> list[float]:
        linear = [(int(colour[i : i + 2], 16) / 255) ** 2.2 for i in (1, 3, 5)]
        return [max(0.0, sum(a * b for a, b in zip(row, linear, strict=True))) ** (1 / 2.2) for row in matrix]

    together = [
        [f"scope:{scope}" for scope in "123"],
        [f"category:{name}" for name in ("combustion", "process", "electricity_location", "heat")],
        [f"category:{name}" for name in ("fuel", "process", "electricity", "heat")],
        ["series:calculated", "series:reported"],
        ["step:increase", "step:decrease"],
    ]
    for matrix, keys in itertools.product(matrices.values(), together):
        found = [seen(palette.COLOURS[key], matrix) for key in keys]
        for place, one in enumerate(found):
            for other in found[:place]:
                assert sum((a - b) ** 2 for a, b in zip(one, other, strict=True)) ** 0.5 > 0.2


def test_sources_of_examples_exist() -> None:
    """The fixtures really read the examples of the repository."""
    root = Path(__file__).resolve().parents[2] / "examples"
    assert (root / "twelve-firms" / "flows.csv").is_file()
