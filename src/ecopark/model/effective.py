"""Effective flows: of all observations of a stream, the one that counts.

Two orders decide. *Method*: within a scenario, a flow is effective unless an effective flow of a better method
(`tables.METHODS`, best first) of the same stream overlaps it in time; a flow without an amount (notation NE or C) gives
way to every flow that has one. *Scenario*: what a scenario says of a stream stands in place of what its parent says
over the same days; where it says nothing, the parent's flows count, and `actual` comes last. Which method wins does not
depend on the period that is asked for, so that the months of a year add up to the year.
"""

from __future__ import annotations

from datetime import date

import numpy as np
import numpy.typing as npt
import polars as pl

from ecopark.model.problems import InputError, Problem
from ecopark.model.record import Record
from ecopark.model.tables import ACTUAL, METHODS
from ecopark.translation import N_

Days = npt.NDArray[np.int64]

_MISSING = ("NE", "C")


def scenario_chain(record: Record, scenario: str) -> list[str]:
    """Return the scenario, its parent, and so on to ``actual``, which ends every chain.

    Raises InputError for a scenario that is not known and for a cycle of parents.
    """
    parents = dict(record.scenarios.select("id", "parent").iter_rows())
    chain: list[str] = []
    step = scenario
    while step != ACTUAL:
        if step not in parents:
            raise InputError(
                [
                    Problem(
                        "scenario_unknown",
                        "scenarios",
                        N_("There is no scenario “{found}”."),
                        N_("Use one of: {known}."),
                        {"found": step, "known": ", ".join([ACTUAL, *parents])},
                    )
                ]
            )
        if step in chain:
            raise InputError(
                [
                    Problem(
                        "scenario_cycle",
                        "scenarios",
                        N_("The scenarios {cycle} are each other's parents."),
                        N_("Give one of them another parent, or none."),
                        {"cycle": " → ".join([*chain[chain.index(step) :], step])},
                    )
                ]
            )
        chain.append(step)
        step = parents[step] or ACTUAL
    return [*chain, ACTUAL]


def effective_flows(
    record: Record, scenario: str, start: date, end: date, *, include_parts: bool = False
) -> pl.DataFrame:
    """Return the flows of `scenario` that count in [start, end).

    Columns: those of the flows table, and `share` (Float64, above 0, at most 1): the part of the flow's days that lies
    in [start, end) and is not taken over by a scenario nearer to the one asked for. The amount for the period is
    ``amount * share``; `amount` itself is left as recorded, notations are kept. Streams with `part_of` are left out
    unless `include_parts`. Rows keep the record's order. Flows whose period is empty or reversed count nowhere;
    overlaps of one method are errors of the record that validation reports, and are not resolved here.

    Raises InputError for a scenario that is not known.
    """
    chain = scenario_chain(record, scenario)
    flows = record.flows
    if len(chain) == 1:
        flows = flows.filter(pl.col("scenario") == ACTUAL)
    else:
        flows = flows.filter(pl.col("scenario").is_in(chain))
    if not include_parts:
        parts = record.streams.filter(pl.col("part_of").is_not_null())["id"]
        if len(parts):
            flows = flows.filter(~pl.col("stream").is_in(parts.implode()))

    begins, ends = pl.col("period_start"), pl.col("period_end")
    inside = (begins < pl.lit(end)) & (ends > pl.lit(start)) & (begins < ends)
    first = pl.max_horizontal(begins, pl.lit(start))
    last = pl.min_horizontal(ends, pl.lit(end))
    share = (last - first).dt.total_days() / (ends - begins).dt.total_days()

    ranked = flows.with_columns(_rank(chain).alias("rank"))
    rivals = _streams_with_rivals(ranked, inside)
    if rivals is None:
        return ranked.filter(inside).with_columns(share.alias("share")).drop("rank")

    contested = pl.col("stream").is_in(rivals.implode())
    ranked = ranked.with_row_index("row")
    simple = ranked.filter(~contested & inside).with_columns(share.alias("share"))
    resolved = _resolve(ranked.filter(contested & (begins < ends)), start, end)
    return pl.concat([simple, resolved]).sort("row").drop("row", "rank")


def lost_days(flows: pl.DataFrame) -> pl.DataFrame:
    """Days that no flow counts for although one was given: what a partial better observation leaves uncovered.

    A metered month takes the place of an invoiced year as a whole; the other eleven months are then lost. Returns the
    index of each flow that gave way (row), its days and those of them that no effective flow of its stream and scenario
    covers (lost, above 0), and the id of one flow it gave way to (better).
    """
    empty = pl.DataFrame(schema={"row": pl.UInt32, "days": pl.Int64, "lost": pl.Int64, "better": pl.String})
    scenarios = flows["scenario"].unique(maintain_order=True).drop_nulls().to_list()
    ranked = flows.with_row_index("row").with_columns(_rank(scenarios).alias("rank"))
    ranked = ranked.filter(
        (pl.col("period_start") < pl.col("period_end")) & pl.col("rank").is_not_null() & pl.col("stream").is_not_null()
    )
    rivals = _streams_with_rivals(ranked, pl.lit(True))
    if rivals is None:
        return empty
    axis = _Axis(ranked.filter(pl.col("stream").is_in(rivals.implode())))
    found = [empty]
    for depth in np.unique(axis.rank // 64):
        chosen = axis.chosen(int(depth))
        gone = np.flatnonzero((axis.rank // 64 == depth) & ~chosen)
        if not len(gone):
            continue
        low, high = axis.low[chosen], axis.high[chosen]
        lost = (axis.high - axis.low)[gone] - _Coverage(low, high).days(axis.low[gone], axis.high[gone])
        index = np.minimum(np.searchsorted(high, axis.low[gone], side="right"), len(high) - 1)
        found.append(
            pl.DataFrame(
                {
                    "row": axis.flows["row"].gather(gone),
                    "days": (axis.high - axis.low)[gone],
                    "lost": lost,
                    "better": axis.flows["id"].filter(pl.Series(chosen)).gather(index),
                },
                schema=empty.schema,
            ).filter(pl.col("lost") > 0)
        )
    return pl.concat(found).sort("row")


def _rank(chain: list[str]) -> pl.Expr:
    """The place in the two orders as one small number: 64 x depth of the scenario + 16 if missing + method."""
    depth = pl.col("scenario").replace_strict(chain, list(range(len(chain))), default=None, return_dtype=pl.UInt16)
    method = pl.col("method").replace_strict(
        list(METHODS), list(range(len(METHODS))), default=len(METHODS), return_dtype=pl.UInt16
    )
    late = pl.col("notation").is_in(_MISSING).fill_null(False).cast(pl.UInt16) * 16
    return depth * 64 + late + method


def _streams_with_rivals(ranked: pl.DataFrame, inside: pl.Expr) -> pl.Series | None:
    """Streams with flows of more than one rank, some of them inside the window; None where there are none."""
    if ranked.is_empty() or ranked["rank"].min() == ranked["rank"].max():
        return None
    several = (
        ranked.lazy()
        .group_by("stream")
        .agg(pl.col("rank").min().alias("least"), pl.col("rank").max().alias("most"), inside.any().alias("inside"))
        .filter((pl.col("least") != pl.col("most")) & pl.col("inside"))
        .collect()["stream"]
    )
    return several if len(several) else None


def _resolve(flows: pl.DataFrame, start: date, end: date) -> pl.DataFrame:
    """Effective flows among rivals with their share; see the module's docstring for the two orders."""
    if flows.is_empty():
        return flows.with_columns(pl.lit(None, dtype=pl.Float64).alias("share"))
    axis = _Axis(flows)
    first, last = axis.clipped(start, end)
    days = np.zeros(len(flows), dtype=np.int64)
    nearer: _Coverage | None = None
    for depth in np.unique(axis.rank // 64):
        chosen = axis.chosen(int(depth))
        days[chosen] = (last - first)[chosen]
        low, high = axis.low[chosen], axis.high[chosen]
        if nearer is not None:
            days[chosen] -= nearer.days(first[chosen], last[chosen])
            low, high = np.append(nearer.low, low), np.append(nearer.high, high)
        nearer = _Coverage(low, high)
    share = days / (axis.high - axis.low)
    return axis.flows.with_columns(pl.Series("share", share, dtype=pl.Float64)).filter(pl.col("share") > 0)


class _Axis:
    """Flows with all their streams laid end to end on one axis of days, so that one sorted look-up serves them all.

    `flows` are sorted along the axis (later sorts and look-ups then walk through memory in order); `low` and `high`
    are the ends of their periods on it, `rank` their place in the two orders.
    """

    def __init__(self, flows: pl.DataFrame) -> None:
        stream = flows["stream"].cast(pl.Categorical).to_physical().to_numpy().astype(np.int64)
        begins = flows["period_start"].to_physical().to_numpy().astype(np.int64)
        ends = flows["period_end"].to_physical().to_numpy().astype(np.int64)
        # streams keep a day's distance, lest the end of one touches the start of the next
        self._origin, width = int(begins.min()), int(ends.max() - begins.min()) + 1
        order = np.argsort(stream * width + begins, kind="stable")
        self.flows = flows[order]
        self.rank: Days = self.flows["rank"].to_numpy().astype(np.int64)
        self._begins, self._ends = begins[order], ends[order]
        self._offset = stream[order] * width - self._origin
        self.low: Days = self._begins + self._offset
        self.high: Days = self._ends + self._offset

    def clipped(self, start: date, end: date) -> tuple[Days, Days]:
        """The ends of the flows' periods, cut to [start, end)."""
        low, high = ((moment - date(1970, 1, 1)).days for moment in (start, end))
        return np.clip(self._begins, low, high) + self._offset, np.clip(self._ends, low, high) + self._offset

    def chosen(self, depth: int) -> npt.NDArray[np.bool_]:
        """Which flows are effective among those of one scenario: best method first, each if no better one overlaps."""
        chosen = np.zeros(len(self.rank), dtype=bool)
        for level in np.unique(self.rank[self.rank // 64 == depth]):
            here = np.flatnonzero(self.rank == level)
            if chosen.any():
                taken = _Coverage(self.low[chosen], self.high[chosen])
                here = here[taken.days(self.low[here], self.high[here]) == 0]
            chosen[here] = True
        return chosen


class _Coverage:
    """A union of (one or more) half-open intervals on a line, and how many of its days lie in others."""

    def __init__(self, low: Days, high: Days) -> None:
        if not (low[1:] >= low[:-1]).all():
            order = np.argsort(low, kind="stable")
            low, high = low[order], high[order]
        high = np.maximum.accumulate(high)
        opens = np.ones(len(low), dtype=bool)
        opens[1:] = low[1:] > high[:-1]
        closes = np.append(opens[1:], True)
        self.low = low[opens]
        self.high = high[closes]
        self._before = np.concatenate([[0], np.cumsum(self.high - self.low)]).astype(np.int64)

    def _up_to(self, moments: Days) -> Days:
        """Covered days before each moment."""
        index = np.searchsorted(self.low, moments, side="right") - 1
        safe = np.maximum(index, 0)
        partial = np.minimum(moments, self.high[safe]) - self.low[safe]
        return np.where(index < 0, 0, self._before[safe] + partial).astype(np.int64)

    def days(self, low: Days, high: Days) -> Days:
        """Covered days within each [low, high)."""
        return self._up_to(high) - self._up_to(low)
