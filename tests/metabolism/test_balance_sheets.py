"""What a reader is shown of balances: the nodes of a level, the sheet of one node, and gaps."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import polars as pl
import pytest

from ecopark.catalogue import load_catalogue
from ecopark.metabolism.balances.balance_sheets import REASONS, balance_sheet, gaps_of, rows_at, stations
from ecopark.metabolism.balances.balances import Balances, draw_balances
from ecopark.metabolism.flows import UNKNOWN_SCHEMA
from ecopark.metabolism.wording import GAP_REASONS, GAP_REMEDIES, VERDICT_MEANINGS, VERDICTS
from tests.metabolism.build import layered

KINDS = {"Z": "zone", "mill": "process", "press": "equipment", "yard": "store"}
PARENTS = {"Z": "P", "A": "Z", "B": "P", "mill": "A", "press": "mill", "yard": "P"}


@pytest.fixture(scope="module")
def balances() -> Balances:
    """A park with a zone, a firm in it and one outside, a process with a press, and a store in no firm."""
    edges: list[dict[str, Any]] = [
        {"source": "IN", "target": "press", "amount": 100.0, "sd": 1.0},
        {"source": "press", "target": "B", "amount": 60.0, "sd": 1.0},
        {"source": "mill", "target": "OUT", "amount": 35.0, "sd": 1.0},
        {"source": "B", "target": "yard", "amount": 20.0, "sd": 1.0},
        {"source": "yard", "target": "OUT", "amount": 20.0, "sd": 1.0},
    ]
    gaps = [
        ("s5", "no_property", "density", "gas", "IN", "A"),
        ("s6", "unstated", "content", "gas", "A", "B"),
        ("s7", "no_amount", None, "ash", "A", "mill"),
        ("s8", "no_property", "density", "gas", "IN", "OUT"),
    ]
    edges += [{"source": gap[4], "target": gap[5], "stream": gap[0], "amount": None} for gap in gaps]
    network = layered(edges, parents=PARENTS, kinds=KINDS)
    names = ("stream", "reason", "quantity", "commodity", "source", "target")
    rows = [dict(zip(names, gap, strict=True)) | {"edge": 5 + k, "layer": "mass"} for k, gap in enumerate(gaps)]
    unknown = pl.DataFrame(rows, schema=UNKNOWN_SCHEMA)
    return draw_balances(replace(network, unknown=unknown), load_catalogue())


@pytest.mark.parametrize(
    ("level", "expected"),
    [
        ("park", []),
        ("zone", ["Z", "B"]),
        ("firm", ["A", "B", "yard"]),
        ("process", ["mill", "yard"]),
    ],
)
def test_a_level_shows_each_thing_once(balances: Balances, level: str, expected: list[str]) -> None:
    """A firm in no zone stands beside the zones, a store in no firm beside the firms; equipment is in its process."""
    assert sorted(stations(balances, level)) == sorted(expected)  # type: ignore[arg-type]
    rows = rows_at(balances, "mass", level)  # type: ignore[arg-type]
    assert rows["kind"][-1] == "boundary"
    shown = set(rows["node"][:-1])
    assert shown <= set(expected)


def test_all_nodes_are_there_at_the_finest_level(balances: Balances) -> None:
    assert set(stations(balances, "node")) == {"P", "Z", "A", "B", "mill", "press", "yard"}


def test_the_sheet_holds_what_crosses_and_nothing_inside(balances: Balances) -> None:
    """Of firm A: 100 in, 60 and 35 out; what passes from mill to press would count on neither side."""
    sheet = balance_sheet(balances, "mass", "A")
    assert [(row["side"], row["value"], row["other"]) for row in sheet] == [
        ("in", 100.0, "IN"), ("out", 60.0, "B"), ("out", 35.0, "OUT"),
    ]  # fmt: skip
    row = balances.of(layer="mass", node="A").row(0, named=True)
    assert math.fsum(one["value"] for one in sheet if one["side"] == "out") == row["outflow"]
    assert row["residual"] == pytest.approx(5.0)


def test_gaps_are_those_that_touch_what_is_looked_at(balances: Balances) -> None:
    """Inside the boundary: three; over the border of A: two, since s7 stays inside A. Gravest first."""
    whole = gaps_of(balances, "mass")
    assert whole["reason"].to_list() == ["no_amount", "no_property", "unstated"]
    assert gaps_of(balances, "mass", "A")["streams"].to_list() == [["s5"], ["s6"]]
    assert gaps_of(balances, "mass", "B")["reason"].to_list() == ["unstated"]


def test_every_verdict_and_reason_has_its_words() -> None:
    assert set(VERDICTS) == set(VERDICT_MEANINGS)
    assert set(GAP_REASONS) == set(GAP_REMEDIES) == set(REASONS)
