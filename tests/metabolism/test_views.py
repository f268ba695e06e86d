"""Sankey, matrix and network: grouping loses nothing, opposite flows and loops stay, the layout is drawable."""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecopark.metabolism.pictures.sankey import LINK_SCHEMA, sankey_view
from ecopark.metabolism.pictures.sankey_layout import sankey_layout, trophic_levels
from ecopark.metabolism.pictures.views import (
    change_view,
    edge_frame,
    edge_list,
    network_view,
    residual_view,
    resource_matrix,
    unmeasured_edges,
    with_values,
)
from tests.metabolism.build import layered

INSIDE = ("mill", "plant", "works", "shop", "pond")
OUTSIDE = ("market", "air", "river")
GROUPS = ("water", "steam", "material")
Edge = tuple[str, str, str, float, str]


def frame(edges: list[Edge]) -> pl.DataFrame:
    """Edges (source, target, group, value, method) as `edge_frame` gives them."""
    rows = [
        {
            "edge": place, "stream": f"s{place}", "source": source, "target": target,
            "source_inside": source in INSIDE, "target_inside": target in INSIDE, "commodity": group, "group": group,
            "method": method, "implied": "burnt" if method == "implied" else None, "value": value, "sd": 0.1,
        }
        for place, (source, target, group, value, method) in enumerate(edges)
    ]  # fmt: skip
    schema = {"edge": pl.Int64, "implied": pl.String, "value": pl.Float64, "source": pl.String, "target": pl.String,
              "source_inside": pl.Boolean, "target_inside": pl.Boolean, "group": pl.String, "method": pl.String,
              "commodity": pl.String, "stream": pl.String, "sd": pl.Float64}  # fmt: skip
    return pl.DataFrame(rows, schema=schema)


def view_of(edges: list[Edge], **options: object) -> object:
    return sankey_view(frame(edges), layer="mass", level="firm", unit="t", **options)  # type: ignore[arg-type]


ENDS = st.sampled_from(INSIDE + OUTSIDE)
EDGES = st.lists(
    st.tuples(
        ENDS, ENDS, st.sampled_from(GROUPS), st.floats(-1e6, 1e6, allow_nan=False).filter(lambda x: abs(x) > 1e-6),
        st.sampled_from(["metered", "invoiced", "estimated", "reconciled", "implied"]),
    ),
    max_size=40,
)  # fmt: skip


@given(EDGES, st.floats(0.0, 1.0), st.integers(2, 9))
@settings(max_examples=150, deadline=None)
def test_grouping_conserves_sums_and_counts(edges: list[Edge], share: float, most: int) -> None:
    """However much is put together: values, numbers of flows and every edge are still there, in each direction."""
    view = sankey_view(frame(edges), layer="mass", level="firm", unit="t", smallest_share=share, most_nodes=most)
    across = [edge for edge in edges if edge[0] != edge[1]]
    scale = sum(abs(edge[3]) for edge in edges) or 1.0
    assert math.isclose(view.total, sum(edge[3] for edge in across), abs_tol=1e-9 * scale)
    assert math.isclose(view.inside_value, sum(e[3] for e in edges if e[0] == e[1]), abs_tol=1e-9 * scale)
    assert view.inside_flows == len(edges) - len(across)
    assert view.links["flows"].sum() == len(across)
    numbers = sorted(number for each in view.links["edges"].to_list() for number in each)
    assert numbers == [place for place, edge in enumerate(edges) if edge[0] != edge[1]]
    assert view.links["value"].abs().sum() == pytest.approx(sum(abs(edge[3]) for edge in across))
    assert view.links.schema == pl.Schema(LINK_SCHEMA)


@given(EDGES, st.floats(0.0, 1.0))
@settings(max_examples=100, deadline=None)
def test_each_pair_and_direction_keeps_its_sum(edges: list[Edge], share: float) -> None:
    """Between two nodes each direction has its own links, and a negative flow is not set against a positive one."""
    view = sankey_view(frame(edges), layer="mass", level="firm", unit="t", smallest_share=share)
    wanted: dict[tuple[str, str, bool], float] = defaultdict(float)
    for source, target, _, value, _ in edges:
        if source != target:
            wanted[source, target, value < 0] += value
    found: dict[tuple[str, str, bool], float] = defaultdict(float)
    for row in view.links.iter_rows(named=True):
        found[row["source_node"], row["target_node"], row["negative"]] += row["value"]
    assert found == pytest.approx(wanted)


@given(EDGES)
@settings(max_examples=100, deadline=None)
def test_layout_holds_every_link_in_proportion(edges: list[Edge]) -> None:
    """Any network, loops and self-loops included, is drawn: finite, thick in proportion, no two nodes overlapping."""
    view = sankey_view(frame(edges), layer="mass", level="firm", unit="t", smallest_share=0.01, most_nodes=5)
    layout = sankey_layout(view)
    assert [link.link for link in layout.links] == view.links["link"].to_list()
    sizes = view.links["value"].abs().to_list()
    scale = {round(link.thickness / size, 6) for link, size in zip(layout.links, sizes, strict=True) if size > 1.0}
    assert len({f"{value:.3g}" for value in scale}) <= 2  # one scale, but for rounding
    columns = defaultdict(list)
    for node in layout.nodes:
        columns[node.column].append(node)
        assert 0.0 <= node.y <= node.y + node.height <= layout.height
    for column in columns.values():
        column.sort(key=lambda node: node.y)
        for one, other in itertools.pairwise(column):
            assert one.y + one.height <= other.y + 1e-6
    places = {node.id: node for node in layout.nodes}
    for link, row in zip(layout.links, view.links.iter_rows(named=True), strict=True):
        source, target = places[row["source"]], places[row["target"]]
        half = max(link.thickness, 0.8) / 2
        for edge in (link.upper, link.lower):
            assert all(math.isfinite(number) for number in edge)
            assert (len(edge) - 2) % 6 == 0
            # it leaves at the right of its source and enters at the left of its target, within their heights
            assert (edge[0], edge[-2]) == pytest.approx((source.x + source.width, target.x))
            assert source.y - half - 1e-6 <= edge[1] <= source.y + source.height + half + 1e-6
            assert target.y - half - 1e-6 <= edge[-1] <= target.y + target.height + half + 1e-6
        assert abs(link.upper[1] - link.lower[1]) == pytest.approx(2 * half)
        assert link.back == (target.column <= source.column)


def test_opposite_flows_stay_two_links() -> None:
    """Water out and condensate back: a net of 20 would hide both."""
    view = sankey_view(
        frame([("mill", "plant", "water", 100.0, "metered"), ("plant", "mill", "water", 80.0, "metered")]),
        layer="water", level="firm", unit="m3",
    )  # fmt: skip
    assert sorted(view.links.select("source", "target", "value").rows()) == [
        ("mill", "plant", 100.0), ("plant", "mill", 80.0)
    ]  # fmt: skip
    assert sorted(link.back for link in sankey_layout(view).links) == [False, True]


def test_a_loop_of_three_is_drawn_with_one_link_back() -> None:
    edges: list[Edge] = [
        ("market", "mill", "material", 10.0, "metered"), ("mill", "plant", "water", 100.0, "metered"),
        ("plant", "works", "water", 90.0, "metered"), ("works", "mill", "water", 80.0, "metered"),
        ("works", "river", "water", 10.0, "metered"),
    ]  # fmt: skip
    view = sankey_view(frame(edges), layer="water", level="firm", unit="m3")
    layout = sankey_layout(view)
    back = [row for row, link in zip(view.links.to_dicts(), layout.links, strict=True) if link.back]
    assert [(row["source"], row["target"]) for row in back] == [("works", "mill")]


def test_an_outside_node_stands_on_both_sides() -> None:
    """A grid that sells and buys is supply at the left and sink at the right; both lead to the one node."""
    view = sankey_view(
        frame([("market", "mill", "steam", 5.0, "metered"), ("mill", "market", "steam", 3.0, "metered")]),
        layer="energy", level="firm", unit="GJ",
    )  # fmt: skip
    sides = {row["id"]: (row["node"], row["side"]) for row in view.nodes.iter_rows(named=True)}
    assert sides == {"mill": ("mill", ""), "market@supply": ("market", "supply"), "market@sink": ("market", "sink")}
    columns = {node.id: node.column for node in sankey_layout(view).nodes}
    assert columns["market@supply"] < columns["mill"] < columns["market@sink"]


def test_small_flows_of_a_pair_are_named_together() -> None:
    """Three small flows of one pair make "other" with their number; a single small one keeps its name."""
    edges: list[Edge] = [
        ("mill", "plant", "water", 1000.0, "metered"), ("mill", "plant", "steam", 0.5, "metered"),
        ("mill", "plant", "material", 0.25, "estimated"), ("mill", "plant", "steam", 0.125, "invoiced"),
        ("plant", "works", "steam", 0.5, "metered"),
    ]  # fmt: skip
    links = sankey_view(frame(edges), layer="mass", level="firm", unit="t", smallest_share=0.01).links
    other = links.filter("grouped").row(0, named=True)
    assert (other["group"], other["flows"], other["value"], other["edges"]) == ("other", 3, 0.875, [1, 3, 2])
    single = links.filter(pl.col("source") == "plant").row(0, named=True)
    assert (single["group"], single["grouped"]) == ("steam", False)


def test_flows_of_zero_are_counted_but_not_drawn() -> None:
    """What does not occur has no link; the view says how many such flows there are."""
    edges: list[Edge] = [("mill", "plant", "water", 0.0, "metered"), ("mill", "plant", "steam", 2.0, "metered")]
    view = sankey_view(frame(edges), layer="mass", level="firm", unit="t")
    assert (view.links.height, view.zero_flows, view.total) == (1, 1, 2.0)


def test_a_share_must_be_a_share() -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        view_of([], smallest_share=1.5)


def test_empty_network_has_an_empty_view() -> None:
    view = sankey_view(frame([]), layer="mass", level="firm", unit="t")
    assert view.empty
    assert sankey_layout(view).links == ()
    assert network_view(frame([]), layer="mass", level="firm", unit="t").nodes == ()
    assert resource_matrix(frame([])).is_empty()


def test_trophic_levels_of_a_chain_are_its_steps() -> None:
    """In a chain with equal flows each step is one level (the published definition), whatever the sizes' unit."""
    size = np.zeros((4, 4))
    size[0, 1] = size[1, 2] = size[2, 3] = 7e5
    assert trophic_levels(size) == pytest.approx([0.0, 1.0, 2.0, 3.0])


def test_a_dense_network_has_few_columns() -> None:
    """Fifteen firms that all trade with each other do not make fifteen columns."""
    edges: list[Edge] = []
    names = [f"f{place}" for place in range(15)]
    for one in names:
        for other in names:
            if one != other:
                edges.append((one, other, "steam", 1.0 + names.index(one), "metered"))
    wide = frame(edges).with_columns(source_inside=pl.lit(value=True), target_inside=pl.lit(value=True))
    layout = sankey_layout(sankey_view(wide, layer="energy", level="firm", unit="GJ", smallest_share=0.0))
    assert layout.columns <= 8
    assert len(layout.links) == 15 * 14


@given(EDGES)
@settings(max_examples=80, deadline=None)
def test_matrix_sums_are_those_of_the_flows(edges: list[Edge]) -> None:
    """Each node's row adds up to what flows over its rim, in and out apart; nodes outside have no row."""
    matrix = resource_matrix(frame(edges))
    assert set(matrix["node"]) <= set(INSIDE)
    for node in INSIDE:
        row = matrix.filter(pl.col("node") == node)
        inflow = sum(edge[3] for edge in edges if edge[1] == node and edge[0] != node)
        outflow = sum(edge[3] for edge in edges if edge[0] == node and edge[1] != node)
        assert (row["inflow"].sum(), row["outflow"].sum()) == pytest.approx((inflow, outflow), abs=1e-6)


@given(EDGES)
@settings(max_examples=80, deadline=None)
def test_network_keeps_both_directions(edges: list[Edge]) -> None:
    """One link per direction with the sum of its flows; both ends of a curve are finite and inside the picture."""
    view = network_view(frame(edges), layer="mass", level="firm", unit="t")
    wanted: dict[tuple[str, str], float] = defaultdict(float)
    for source, target, _, value, _ in edges:
        if source != target:
            wanted[source, target] += value
    assert {(link.source, link.target): link.value for link in view.links} == pytest.approx(wanted, abs=1e-6)
    assert all(0.0 <= number <= view.size for link in view.links for number in link.points)


def test_reconciled_values_stand_in_for_raw_ones() -> None:
    """Only edges that were reconciled change, and they say so."""
    raw = frame([("mill", "plant", "water", 100.0, "metered"), ("plant", "river", "water", 90.0, "estimated")])
    values = pl.DataFrame({"edge": [1], "value": [99.5], "sd": [0.5]})
    found = with_values(raw, values)
    assert found.select("value", "method", "sd").rows() == [(100.0, "metered", 0.1), (99.5, "reconciled", 0.5)]


def test_edge_list_names_ends_and_shares() -> None:
    names = {"node:mill": ("磨坊", "Mill"), "commodity:water": ("水", "Water")}
    listed = edge_list(frame([("mill", "river", "water", 3.0, "metered"), ("plant", "river", "steam", 1.0, "implied")]),
                       "t", names)  # fmt: skip
    first, second = listed.to_dicts()
    assert [first[name] for name in ("source_zh", "source_en", "commodity_zh", "share")] == ["磨坊", "Mill", "水", 0.75]
    assert (second["source_zh"], second["known"], second["unit"]) == ("plant", "implied", "t")


def test_residuals_are_ranked_with_their_ranges() -> None:
    rows = pl.DataFrame({"node": ["mill", "plant", "shop"], "residual": [1.0, -5.0, None], "sd": [0.5, None, 1.0],
                         "key": ["a", "b", "c"]})  # fmt: skip
    drawn = residual_view(rows, "t", {}).frame
    assert drawn["id"].to_list() == ["plant", "mill"]
    assert drawn["low"].to_list() == [None, pytest.approx(1.0 - 1.96 * 0.5, abs=1e-3)]


def test_changes_add_up_however_many_are_shown() -> None:
    steps = pl.DataFrame({"id": [f"s{n}" for n in range(30)], "name_zh": ["步"] * 30, "name_en": ["step"] * 30,
                          "value": [float(n - 10) for n in range(30)], "key": [None] * 30},
                         schema_overrides={"key": pl.String})  # fmt: skip
    view = change_view(steps, "t", ("2021", 100.0), ("2022", 100.0 + sum(range(-10, 20))), most=6)
    rows = view.frame.to_dicts()
    assert len(rows) == 8
    assert rows[-2]["end"] == pytest.approx(rows[-1]["value"])


def test_links_without_an_amount_are_drawn_and_listed() -> None:
    """A link of which only NE is known stays in the network without a value; a known one of the same ends wins."""
    network = layered([
        {"source": "IN", "target": "A", "amount": 5.0},
        {"source": "A", "target": "B", "amount": None, "notation": "NE"},
        {"source": "IN", "target": "A", "amount": None, "notation": "C"},
    ])  # fmt: skip
    unknown = pl.DataFrame(
        [(number, f"s{number}", "mass", "no_amount", "", "material", "A", "B", 0) for number in (1, 2)],
        schema=network.unknown.schema, orient="row",
    )  # fmt: skip
    network = replace(network, unknown=unknown)
    bare = unmeasured_edges(network, "mass", "firm")
    assert bare.select("source", "target", "notation").rows() == [("A", "B", "NE"), ("IN", "A", "C")]
    view = network_view(edge_frame(network, "mass"), layer="mass", level="firm", unit="t", unmeasured=bare)
    assert {(link.source, link.target): link.value for link in view.links} == {("IN", "A"): 5.0, ("A", "B"): None}
    assert {node.node for node in view.nodes} == {"IN", "A", "B"}
