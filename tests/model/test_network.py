"""The tree of nodes answers where a node belongs."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecopark.model import InputError, Network, Record, split_references
from ecopark.model.network_checks import cycles


@pytest.fixture
def network() -> Network:
    nodes = [
        {"id": "P", "kind": "park", "region": "CN-JS"},
        {"id": "east", "kind": "zone", "parent": "P"},
        {"id": "chp", "kind": "firm", "parent": "east"},
        {"id": "boiler", "kind": "equipment", "parent": "chp", "valid_from": "2015", "valid_to": "2019-07"},
        {"id": "burner", "kind": "equipment", "parent": "boiler"},
        {"id": "road", "kind": "process", "parent": "east"},
        {"id": "lamp", "kind": "equipment", "parent": "P"},
        {"id": "mill", "kind": "firm", "parent": "P", "region": "CN-ZJ"},
        {"id": "grid", "kind": "market", "parent": "P"},
        {"id": "coalmine", "kind": "firm", "parent": "grid"},
        {"id": "air", "kind": "environment"},
    ]
    boundaries = [
        {"id": "fence", "nodes": "chp; mill", "rule": "subtree"},
        {"id": "owners", "nodes": "chp；mill;grid", "rule": "list"},
    ]
    return Network(Record.of(nodes=nodes, boundaries=boundaries))


def test_park_and_ancestors(network: Network) -> None:
    assert network.park() == "P"
    assert network.ancestors("burner") == ["boiler", "chp", "east", "P"]
    assert network.subtree("chp") == {"chp", "boiler", "burner"}
    assert network.subtree(["road", "boiler"]) == {"road", "boiler", "burner"}
    assert network.children("P") == ["east", "lamp", "mill", "grid"]
    assert network.parent("chp") == "east"
    assert network.kind("grid") == "market"
    assert "chp" in network
    assert "nobody" not in network


def test_market_and_environment_are_outside_every_boundary(network: Network) -> None:
    """Also where they hang below the park, and with all below them: a grid counted inside would hide all power."""
    inside = {"P", "east", "chp", "boiler", "burner", "road", "lamp", "mill"}
    assert network.members() == inside
    assert network.members("fence") == {"chp", "boiler", "burner", "mill"}
    assert network.members("owners") == {"chp", "mill"}
    assert network.members("east") == {"east", "chp", "boiler", "burner", "road"}
    assert network.members("grid") == frozenset()
    assert network.outside == {"grid", "coalmine", "air"}


def test_members_of_a_time(network: Network) -> None:
    """The boiler was shut in July 2019: from then on neither it nor its burner is a member."""
    first, second = (date(2019, 1, 1), date(2020, 1, 1)), (date(2020, 1, 1), date(2021, 1, 1))
    assert network.members("chp", *first) == {"chp", "boiler", "burner"}
    assert network.members("chp", *second) == {"chp"}
    assert network.members("chp", date(2019, 7, 1), date(2020, 1, 1)) == {"chp"}
    assert network.members("chp", date(2014, 1, 1), date(2015, 1, 1)) == {"chp"}


def test_unknown_boundary_names_the_nearest(network: Network) -> None:
    with pytest.raises(InputError, match="fence"):
        network.members("fense")


def test_firm_of(network: Network) -> None:
    firms = {
        "burner": "chp", "chp": "chp", "road": "east", "lamp": "P", "P": "P", "grid": "grid",
        "coalmine": "coalmine", "air": "air",
    }  # fmt: skip
    assert {node: network.firm_of(node) for node in firms} == firms
    frame = network.firm_frame()
    assert frame.columns == ["node", "firm"]
    assert dict(frame.iter_rows()) == {node: network.firm_of(node) for node in network.ids}


def test_region_of(network: Network) -> None:
    assert network.region_of("burner") == "CN-JS"
    assert network.region_of("mill") == "CN-ZJ"
    assert network.region_of("air") is None
    assert network.region_of("road") == "CN-JS"


def test_several_parks_make_one_boundary() -> None:
    nodes = [
        {"id": "A", "kind": "park"},
        {"id": "A1", "kind": "firm", "parent": "A"},
        {"id": "B", "kind": "park"},
        {"id": "inner", "kind": "park", "parent": "B"},
    ]
    network = Network(Record.of(nodes=nodes))
    assert network.parks == ["A", "B"]
    assert network.members() == {"A", "A1", "B", "inner"}
    assert network.boundaries() == ["park"]


def test_no_park() -> None:
    with pytest.raises(InputError, match="kind park"):
        Network(Record.of(nodes=[{"id": "f", "kind": "firm"}])).park()
    assert Network(Record.empty()).members() == frozenset()


def test_declared_boundary_may_be_called_park() -> None:
    record = Record.of(
        nodes=[{"id": "P", "kind": "park"}, {"id": "f", "kind": "firm", "parent": "P"}],
        boundaries=[{"id": "park", "nodes": "f"}],
    )
    assert Network(record).members() == {"f"}


@given(st.lists(st.integers(-1, 9), min_size=1, max_size=10))
def test_any_parents_terminate(parents: list[int]) -> None:
    """Cycles and unknown parents, which validation reports, neither hang nor lose a node; cycles are all found."""
    nodes = [
        {"id": str(index), "kind": "park" if index == 0 else "firm", "parent": None if parent < 0 else str(parent)}
        for index, parent in enumerate(parents)
    ]
    network = Network(Record.of(nodes=nodes))
    for node in network.ids:
        assert len(network.ancestors(node)) < len(nodes)
        assert node in network.subtree(node)
        assert network.firm_of(node) in network
    found = {node for cycle in cycles({str(row["id"]): row["parent"] for row in nodes}) for node in cycle}
    for start in range(len(parents)):
        step = start
        for _ in range(20):
            step = parents[step] if 0 <= step < len(parents) else -1
            if step == start:
                break
        assert (str(start) in found) == (step == start)


def test_split_references() -> None:
    assert split_references(" a; b；c ;; ") == ("a", "b", "c")
    assert split_references(None) == ()
