"""The input form of the uncertainty methods: frames in, faults out, differences."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from ecopark.accounting.uncertainty import ProductSum, draw_numbers, first_order
from ecopark.model.problems import InputError

LINES = pl.DataFrame(
    {"line": [7, 8, 9], "constant": [1.0, 1.0, -0.5], "category": ["fuel", "fuel", "power"], "node": ["a", None, "a"]}
)
INCIDENCE = pl.DataFrame(
    {
        "line": [9, 7, 8, 7, 8],
        "variable": ["flow:3", "flow:1", "flow:2", "factor:gas", "factor:gas"],
    }
)
VARIABLES = pl.DataFrame(
    {
        "variable": ["flow:1", "flow:2", "flow:3", "factor:gas"],
        "central": [10.0, 20.0, 30.0, 2.0],
        "low": [9.0, 18.0, 27.0, None],
        "high": [11.0, 22.0, 33.0, None],
        "distribution": [None, "normal", "uniform", None],
        "correlation_group": ["meter", "meter", None, None],
    }
)


def test_frames_become_lines_groups_and_draws() -> None:
    """Groups are named like the keys of explanations; one correlation group is one draw; ids keep their rows."""
    sums = ProductSum.from_frames(LINES, INCIDENCE, VARIABLES, dimensions=["category", "node"])
    assert sums.totals() == {"total": 45.0, "category:fuel": 60.0, "category:power": -15.0, "node:a": 5.0}
    assert sums.line_values().tolist() == [20.0, 40.0, -15.0]
    assert sums.draw[0] == sums.draw[1] != sums.draw[2]
    lines = first_order(sums).lines("category:fuel")
    assert lines["line"].to_list() == [7, 8]
    assert lines["share"].to_list() == pytest.approx([1 / 3, 2 / 3])  # fully correlated: by size, not by its square


def test_draw_numbers_are_the_same_everywhere() -> None:
    """Equal ids have equal draws in any sum and on any machine (fixed values), so years can be compared."""
    assert draw_numbers(["factor:gas", "flow:1"]).tolist() == [7545112480843986092, 14317099795829293271]
    part = ProductSum.from_frames(LINES[:2], INCIDENCE.filter(pl.col("line") < 9), VARIABLES)
    whole = ProductSum.from_frames(LINES, INCIDENCE, VARIABLES)
    assert part.draw.tolist() == whole.draw.tolist()


def test_unknown_and_repeated_ids_are_refused() -> None:
    """A misspelt variable or a line twice is an error, not a line without its factor."""
    with pytest.raises(ValueError, match="unknown"):
        ProductSum.from_frames(LINES, INCIDENCE, VARIABLES[:3])
    with pytest.raises(ValueError, match="not unique"):
        ProductSum.from_frames(pl.concat([LINES, LINES]), INCIDENCE, VARIABLES)


def test_all_faults_of_ranges_come_at_once() -> None:
    """Six variables, six faults, with the variable's id as the place and both ends in the message."""
    nan, inf = np.nan, np.inf
    rows = {
        "half": (1.0, 0.5, None, None),
        "reversed": (1.0, 2.0, 0.5, None),
        "outside": (3.0, 0.5, 2.0, None),
        "crossing": (1.0, -0.5, 2.0, "lognormal"),
        "infinite": (inf, 0.5, 2.0, None),
        "sound": (1.0, 0.5, 2.0, "lognormal"),
    }
    faulty = pl.DataFrame(
        [(name, *row) for name, row in rows.items()],
        schema={"variable": pl.String, "central": pl.Float64, "low": pl.Float64, "high": pl.Float64,
                "distribution": pl.String},
        orient="row",
    )  # fmt: skip
    lines = pl.DataFrame({"line": ["one"], "constant": [nan]})
    incidence = pl.DataFrame({"line": ["one"], "variable": ["sound"]})
    with pytest.raises(InputError) as caught:
        ProductSum.from_frames(lines, incidence, faulty)
    found = [(problem.code.removeprefix("uncertainty."), problem.place) for problem in caught.value.problems]
    assert sorted(found) == sorted(
        [("line_not_finite", "one"), ("not_finite", "infinite"), ("half_range", "half"), ("reversed", "reversed"),
         ("outside", "outside"), ("outside", "infinite"), ("crosses_zero", "crossing")]
    )  # fmt: skip
    assert "3.0 lies outside its 95 % range, 0.5 to 2.0" in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"line_start": [0, 1]}, "line_start"),
        ({"line_start": [0, 2, 1]}, "line_start"),
        ({"line_variable": [0, 4]}, "does not exist"),
        ({"low": [1.0]}, "length"),
        ({"groups": {"total": [0, 5]}}, "does not exist"),
        ({"groups": {"total": [0, 0]}}, "twice"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(changes: dict[str, object], message: str) -> None:
    """A wrong index would otherwise read past an array in compiled code."""
    sound: dict[str, object] = {
        "constant": [1, 1], "line_start": [0, 1, 2], "line_variable": [0, 1], "central": [1, 2], "low": [np.nan] * 2,
        "high": [np.nan] * 2, "distribution": [-1, -1], "draw": [0, 1], "groups": {"total": [0, 1]},
    }  # fmt: skip
    ProductSum(**sound)
    with pytest.raises(ValueError, match=message):
        ProductSum(**(sound | changes))


def test_what_two_years_share_cancels_in_their_difference() -> None:
    """The factor of both years: 2·(10 - 9) varies with the factor by a tenth of what either year does."""
    factor = pl.col("variable") == "factor:gas"
    variables = VARIABLES.with_columns(low=pl.when(factor).then(1.8), high=pl.when(factor).then(2.2))

    def year(amount: float) -> ProductSum:
        rows = variables.with_columns(central=pl.when(pl.col("variable") == "flow:1").then(amount).otherwise("central"))
        return ProductSum.from_frames(LINES[:1], INCIDENCE.filter(pl.col("line") == 7), rows)

    difference = year(10.0).minus(year(9.0))
    assert difference.totals()["total"] == pytest.approx(2.0)
    single = first_order(year(10.0)).totals["sd"][0]
    assert first_order(difference).totals["sd"][0] == pytest.approx(single / 10)
