"""Finn's cycling index against published ecosystems, hand-computed loops and the full inverse."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecopark.metabolism.tracing import cycling as cycling_module
from ecopark.metabolism.tracing.cycling import Cycling, cycling
from ecopark.model.problems import InputError
from tests.metabolism.build import layered


def cycling_of(*edges: tuple[str, str, float], **more: Any) -> Cycling:
    return cycling(layered([{"source": s, "target": t, "amount": v} for s, t, v in edges], **more), "mass")


def test_cone_spring() -> None:
    """Cone Spring (L. J. Tilly, Ecological Monographs 38, 1968; kcal/m2/a): the index is published as 0.0919.

    Flows as printed by R. E. Ulanowicz, "Growth and Development" (1986); index 0.0919 in the article "Ecological
    network analysis, environ analysis" of the Encyclopedia of Ecology (2008). What detritus gets back is 1600 + 200 +
    167 = 1967, which is its cycled throughflow, since every loop passes it.
    """
    result = cycling_of(
        ("IN", "plants", 11184), ("IN", "detritus", 635), ("plants", "detritus", 8881), ("plants", "OUT", 300),
        ("plants", "AIR", 2003), ("detritus", "bacteria", 5205), ("detritus", "detritivores", 2309),
        ("detritus", "OUT", 860), ("detritus", "AIR", 3109), ("bacteria", "detritivores", 75),
        ("bacteria", "detritus", 1600), ("bacteria", "OUT", 255), ("bacteria", "AIR", 3275),
        ("detritivores", "detritus", 200), ("detritivores", "carnivores", 370), ("detritivores", "AIR", 1814),
        ("carnivores", "detritus", 167), ("carnivores", "AIR", 203),
    )  # fmt: skip
    assert result.index == pytest.approx(0.0919, abs=5e-5)
    assert result.throughflow == 30626
    assert result.inputs == 11819
    assert result.path_length == pytest.approx(30626 / 11819)
    rows = {row["node"]: row for row in result.stations.iter_rows(named=True)}
    assert rows["detritus"]["cycled"] == pytest.approx(1967)
    assert rows["plants"]["cycled"] == 0
    assert rows["plants"]["loop"] is None


def test_a_loop_by_hand() -> None:
    """Half of 20 returns: n = 2 at both stations, so half of both throughflows is cycled; 4 steps on average."""
    result = cycling_of(("IN", "A", 10), ("A", "B", 20), ("B", "A", 10), ("B", "OUT", 10))
    assert result.index == pytest.approx(0.5)
    assert result.cycled == pytest.approx(20)
    assert result.path_length == pytest.approx(4)
    assert result.stations["visits"].to_list() == pytest.approx([2.0, 2.0])


def test_a_chain_does_not_cycle() -> None:
    """Without a loop nothing is cycled; the mean path length is the number of stations."""
    result = cycling_of(("IN", "A", 10), ("A", "B", 10), ("B", "C", 10), ("C", "OUT", 10))
    assert result.index == 0
    assert result.path_length == pytest.approx(3)


def test_what_is_unexplained_counts_as_input_or_output() -> None:
    """A station that sends more than it receives has an input; nothing flows means no index."""
    result = cycling_of(("A", "B", 10), ("B", "A", 4), ("B", "OUT", 6))
    assert result.inputs == pytest.approx(6)
    assert result.index == pytest.approx(0.4)
    empty = cycling_of(("IN", "A", 0.0))
    assert (empty.index, empty.path_length) == (None, None)


def test_an_endless_loop_is_refused_by_name() -> None:
    """Two stations that only feed each other are never left: the error names them."""
    with pytest.raises(InputError, match=r"A, B|B, A"):
        cycling_of(("A", "B", 5), ("B", "A", 5))


def test_a_firm_hides_its_inner_cycling() -> None:
    """At the level of firms, a loop inside a firm is no cycling between firms."""
    edges = [{"source": s, "target": t, "amount": v} for s, t, v in
             [("IN", "a1", 10), ("a1", "a2", 20), ("a2", "a1", 10), ("a2", "OUT", 10)]]  # fmt: skip
    flows = layered(edges, parents={"a1": "A", "a2": "A"}, kinds={"a1": "process", "a2": "process"})
    assert cycling(flows, "mass").index == pytest.approx(0.5)
    assert cycling(flows, "mass", level="firm").index == 0


def test_every_number_explains_itself() -> None:
    """Index, path length and cycled throughflow give themselves again from what they lead on to."""
    result = cycling_of(("IN", "A", 10), ("A", "B", 20), ("B", "A", 10), ("B", "OUT", 10))
    for key in ("index", "path_length", "cycled", "throughflow", "inputs", "cycled:A"):
        explanation = result.explain(key)
        assert explanation.recompute() == pytest.approx(explanation.value, rel=1e-9)
    with pytest.raises(KeyError):
        result.explain("cycled:Z")


NODES = "ABCDEF"


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(NODES), st.sampled_from(NODES), st.floats(0.1, 100.0)), max_size=20),
    st.floats(0.1, 30.0),
)
def test_loops_one_by_one_equal_the_whole_inverse(drawn: list[tuple[str, str, float]], scale: float) -> None:
    """The index from separate loops is that of (I - G)⁻¹ as a whole, lies in [0, 1) and does not change with scale."""
    inner = [edge for edge in drawn if edge[0] != edge[1]]
    edges = [*inner, *(("IN", node, 5.0) for node in NODES), *((node, "OUT", 3.0) for node in NODES)]
    result = cycling_of(*edges)
    through = np.zeros(len(NODES))
    matrix = np.zeros((len(NODES), len(NODES)))
    into, out = through + 5.0, through + 3.0
    for source, target, value in inner:
        into[NODES.index(target)] += value
        out[NODES.index(source)] += value
    through = np.maximum(into, out)
    for source, target, value in inner:
        matrix[NODES.index(target), NODES.index(source)] += value / through[NODES.index(source)]
    visits = np.diag(np.linalg.inv(np.eye(len(NODES)) - matrix))
    expected = float((through * (1 - 1 / visits)).sum() / through.sum())
    assert result.index == pytest.approx(expected, rel=1e-9, abs=1e-12)
    assert 0 <= expected < 1
    scaled = cycling_of(*((s, t, v * scale) for s, t, v in edges))
    assert scaled.index == pytest.approx(result.index, rel=1e-9, abs=1e-12)


def test_large_loops_column_by_column(monkeypatch: pytest.MonkeyPatch) -> None:
    """The way for loops too large for a full inverse gives the same visits."""
    random = np.random.default_rng(5)
    size = 150
    edges = [
        (f"n{i}", f"n{int(random.integers(size))}", float(random.uniform(1, 9))) for i in range(size) for _ in range(4)
    ]
    edges = [edge for edge in edges if edge[0] != edge[1]]
    edges += [("IN", f"n{i}", 4.0) for i in range(size)] + [(f"n{i}", "OUT", 4.0) for i in range(size)]
    whole = cycling_of(*edges)
    monkeypatch.setattr(cycling_module, "DENSE", 10)
    parts = cycling_of(*edges)
    assert parts.index == pytest.approx(whole.index, rel=1e-10)
    assert parts.stations.sort("node")["visits"].to_list() == pytest.approx(
        whole.stations.sort("node")["visits"].to_list(), rel=1e-10
    )
    assert whole.stations.filter(pl.col("loop").is_not_null()).height > 100
