"""Every number of the examples' balances recomputes from its explanation, and every name is there in Chinese."""

from __future__ import annotations

from pathlib import Path

import pytest

from ecopark.catalogue import load_catalogue
from ecopark.metabolism.balances.balance_explanations import TERM_NAMES
from ecopark.metabolism.balances.balance_sheets import balance_sheet
from ecopark.metabolism.balances.balances import Balances, draw_balances
from ecopark.metabolism.flows import Resolution, layered_flows
from ecopark.storage.folder import read_record

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
CASES: list[tuple[str, int, Resolution, int]] = [
    ("twelve-firms", 2022, "period", 11), ("twelve-firms", 2022, "month", 97), ("eastman", 2019, "period", 1),
    *((f"rules/{name}", year, "period", 1) for name, year in (("v1", 2025), ("v2", 2025), ("v3", 2025), ("v4", 2025),
                                                              ("v5", 2025), ("v6", 2025), ("v7a", 2035),
                                                              ("v7b", 2035))),
]  # fmt: skip


def drawn(name: str, year: int, resolution: Resolution) -> Balances:
    record = read_record(EXAMPLES / name)
    return draw_balances(layered_flows(record, load_catalogue(), year, resolution=resolution), load_catalogue())


@pytest.mark.parametrize(("name", "year", "resolution", "step"), CASES)
def test_every_number_recomputes(name: str, year: int, resolution: Resolution, step: int) -> None:
    """Terms, values, stock changes: recomputed to 1e-9 of the row's largest term (every `step`-th of a large example).

    A wrong sign, a lost part or a coefficient that does not match its parameters would show here.
    """
    balances = drawn(name, year, resolution)
    assert balances.rows.height
    for row in balances.rows[::step].iter_rows(named=True):
        size = max(abs(row["inflow"]), abs(row["outflow"]), abs(row["stock_change"]), abs(row["by_rule"]), 1e-12)
        for term in TERM_NAMES:
            explanation = balances.explain(f"{term}:{row['layer']}:{row['period_start']}:{row['node']}")
            assert explanation.value == row[term]
            assert explanation.recompute() == pytest.approx(row[term], rel=1e-9, abs=1e-9 * size)
            assert explanation.name_zh != explanation.name_en
    keys = [f"value:{layer}:{edge}" for layer, edge in balances.values[::step].select("layer", "edge").iter_rows()]
    keys += [f"stock:{number}" for number in range(balances.stocks.height)][::step]
    for key in keys:
        explanation = balances.explain(key)
        assert explanation.recompute() == pytest.approx(explanation.value, rel=1e-9, abs=1e-12)


def test_sheets_hold_what_the_rows_sum() -> None:
    """The sheet of every firm adds up, side by side, to its row; every name on it is there in Chinese."""
    balances = drawn("twelve-firms", 2022, "period")
    for row in balances.of(layer="carbon", kinds=("firm", "boundary")).iter_rows(named=True):
        sheet = balance_sheet(balances, "carbon", row["node"])
        for side, term in (("in", "inflow"), ("out", "outflow"), ("rule", "by_rule"), ("stock", "stock_change")):
            total = sum(line["value"] for line in sheet if line["side"] == side)
            assert total == pytest.approx(row[term], rel=1e-9, abs=1e-9)
        for line in sheet:
            assert balances.name(line["other"], "zh", "node") != line["other"]
            if line["commodity"]:
                assert balances.name(line["commodity"], "zh", "commodity") != line["commodity"]
