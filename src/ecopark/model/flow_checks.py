"""Checks of flows, stocks and other dated amounts: amount or notation, ranges, periods, overlaps, units."""

from __future__ import annotations

from datetime import date

import polars as pl

from ecopark.model.effective import lost_days
from ecopark.model.findings import Findings
from ecopark.model.periods import EARLIEST_YEAR, LATEST_YEAR
from ecopark.translation import N_
from ecopark.units import column_factors

_RANGED = {"flows": "amount", "stocks": "level", "properties": "value", "factors": "value"}
_DATED = ("flows", "certificates", "statistics")
_VALID = ("nodes", "properties", "factors")


def check_flows(findings: Findings, commodity_units: pl.DataFrame) -> None:
    """Check flows and stocks; `commodity_units` has the columns commodity and unit (String)."""
    _check_amounts(findings)
    _check_levels(findings)
    for table, column in _RANGED.items():
        _check_range(findings, table, column)
    for table in _DATED:
        _check_period(findings, table)
    for table in _VALID:
        _check_validity(findings, table)
    _check_overlaps(findings)
    _check_lost(findings)
    streams = findings.record.streams.select("id", "commodity").unique("id")
    flows = findings.record.flows.join(streams, left_on="stream", right_on="id", how="left", maintain_order="left")
    _check_units(findings, "flows", flows["commodity"], commodity_units)
    _check_units(findings, "stocks", findings.record.stocks["commodity"], commodity_units)


def _check_amounts(findings: Findings) -> None:
    amount, notation, unit = pl.col("amount"), pl.col("notation"), pl.col("unit")
    has_notation = notation.is_not_null() & (notation.str.strip_chars() != "")
    for row in findings.rows("flows", amount.is_not_null() & has_notation):
        findings.add(
            "flows", row, "notation", "amount_and_notation",
            N_("The flow has both an amount ({amount}) and the notation {notation}."),
            N_("Keep one of them: the amount if it is known, the notation if it is not."),
            amount=_number(findings.record.flows["amount"][row]), notation=findings.record.flows["notation"][row],
        )  # fmt: skip
    for row in findings.rows("flows", amount.is_null() & ~has_notation):
        findings.add(
            "flows", row, "amount", "amount_missing", N_("The flow has neither an amount nor a notation."),
            N_("Give the amount, or say why there is none: NO not occurring, NE not estimated, IE included elsewhere, "
               "C confidential."),
        )  # fmt: skip
    for row in findings.rows("flows", amount < 0):
        findings.add(
            "flows", row, "amount", "amount_negative", N_("The amount {amount} is negative."),
            N_("Give what flows back as a stream of its own, from target to source."),
            amount=_number(findings.record.flows["amount"][row]),
        )  # fmt: skip
    blank_unit = unit.is_null() | (unit.str.strip_chars() == "")
    for row in findings.rows("flows", amount.is_not_null() & blank_unit):
        findings.add(
            "flows", row, "unit", "unit_missing", N_("The amount has no unit."), N_("Give the unit it was stated in.")
        )


def _check_levels(findings: Findings) -> None:
    stocks = findings.record.stocks
    for row in findings.rows("stocks", pl.col("level") < 0):
        findings.add(
            "stocks", row, "level", "level_negative", N_("The level {level} is negative."),
            N_("Give what the node holds at the start of the day: zero where it is empty."),
            level=_number(stocks["level"][row]),
        )  # fmt: skip
    earliest, latest = date(EARLIEST_YEAR, 1, 1), date(LATEST_YEAR + 1, 1, 1)
    for row in findings.rows("stocks", (pl.col("time") < pl.lit(earliest)) | (pl.col("time") > pl.lit(latest))):
        findings.add(
            "stocks", row, "time", "time_unlikely",
            N_("The day {time} is outside the years {earliest} to {latest}."), N_("Correct the date."),
            time=stocks["time"][row], earliest=EARLIEST_YEAR, latest=LATEST_YEAR,
        )  # fmt: skip


def _number(value: object) -> str:
    return f"{value:g}" if isinstance(value, int | float) else str(value)


def _check_range(findings: Findings, table: str, column: str) -> None:
    value, low, high = pl.col(column), pl.col("low"), pl.col("high")
    ordered = ~(low > high).fill_null(False)
    frame = findings.record[table]
    for where, at, cause in (
        (low > high, "low", N_("The lower end of the range, {low}, is above the upper end, {high}.")),
        (ordered & (low > value), "low", N_("The lower end, {low}, is above the value, {value}.")),
        (ordered & (high < value), "high", N_("The upper end, {high}, is below the value, {value}.")),
    ):
        for row in findings.rows(table, where):
            findings.add(
                table, row, at, "range_order", cause,
                N_("Give both ends in the unit of the value: low ≤ value ≤ high."),
                low=_number(frame["low"][row]), high=_number(frame["high"][row]), value=_number(frame[column][row]),
            )  # fmt: skip


def _check_period(findings: Findings, table: str) -> None:
    start, end = pl.col("period_start"), pl.col("period_end")
    frame = findings.record[table]
    for row in findings.rows(table, start.is_not_null() & end.is_null()):
        findings.add(
            table, row, "period_end", "period_end_missing", N_("The period has no end."),
            N_("Give the first day after it, or write its start as a year (2019) or a month (2019-05)."),
        )  # fmt: skip
    for row in findings.rows(table, end <= start):
        findings.add(
            table, row, "period_end", "period_order", N_("The period's end ({end}) is not after its start ({start})."),
            N_("The end is the first day after the period: 2019 is from 2019-01-01 to 2020-01-01."),
            start=frame["period_start"][row], end=frame["period_end"][row],
        )  # fmt: skip
    earliest, latest = date(EARLIEST_YEAR, 1, 1), date(LATEST_YEAR + 1, 1, 1)
    for row in findings.rows(table, (start < pl.lit(earliest)) | (end > pl.lit(latest))):
        findings.add(
            table, row, "period_start", "period_unlikely",
            N_("The period {start} to {end} is outside the years {earliest} to {latest}."), N_("Correct the date."),
            start=frame["period_start"][row], end=frame["period_end"][row],
            earliest=EARLIEST_YEAR, latest=LATEST_YEAR,
        )  # fmt: skip


def _check_validity(findings: Findings, table: str) -> None:
    frame = findings.record[table]
    for row in findings.rows(table, pl.col("valid_to") <= pl.col("valid_from")):
        findings.add(
            table, row, "valid_to", "validity_order",
            N_("valid_to ({valid_to}) is not after valid_from ({valid_from})."),
            N_("Give the first day on which it no longer holds, or leave it empty."),
            valid_from=frame["valid_from"][row], valid_to=frame["valid_to"][row],
        )  # fmt: skip


def overlapping(frame: pl.DataFrame, keys: list[str], start: str, end: str) -> pl.DataFrame:
    """Rows whose interval begins before that of an earlier row with the same keys has ended.

    Returns the columns row and other: indices in `frame` of the later row and of the one whose end reaches into it.
    Blank ends are open. Rows of equal start count as earlier in the order of the frame.
    """
    ends = pl.col(end).fill_null(date.max)
    sort = [*keys, "from", "row"]
    held = (
        frame.lazy()
        .with_row_index("row")
        .with_columns(pl.col(start).fill_null(date.min).alias("from"), ends.alias("until"))
        .filter(pl.col("from") < pl.col("until"))
        .select(*keys, "row", "from", "until")
        .sort(sort)
        .with_columns(pl.col("until").cum_max().over(keys).alias("reach"))
        .with_columns(pl.col("reach").shift().over(keys).alias("before"))
        .with_columns(
            # the row that reaches furthest so far: the first of its group, and whichever goes beyond those before it
            pl.when(pl.col("before").is_null() | (pl.col("reach") > pl.col("before")))
            .then(pl.col("row"))
            .alias("holder")
        )
        .with_columns(pl.col("holder").forward_fill().shift().over(keys).alias("other"))
        .filter(pl.col("from") < pl.col("before"))
        .select("row", "other")
        .sort("row")
    )
    return held.collect()


def _check_overlaps(findings: Findings) -> None:
    flows = findings.record.flows
    known = flows.with_row_index("index").filter(
        pl.col("period_start").is_not_null() & pl.col("period_end").is_not_null()
    )
    for row, other in overlapping(known, ["stream", "scenario", "method"], "period_start", "period_end").iter_rows():
        index, earlier = known["index"][row], known["index"][other]
        if flows["id"][index] == flows["id"][earlier]:
            continue  # already reported as standing twice
        findings.add(
            "flows", index, "period_start", "period_overlap",
            N_("The period {start} to {end} overlaps that of {other}, which has the same stream, scenario and method."),
            N_("Shorten one of the two, delete one, or give the method by which it was really found."),
            start=flows["period_start"][index], end=flows["period_end"][index], other=flows["id"][earlier],
        )  # fmt: skip
    properties = findings.record.properties
    keys = ["commodity", "property", "stream", "node"]
    for row, other in overlapping(properties, keys, "valid_from", "valid_to").iter_rows():
        if properties["valid_from"][row] == properties["valid_from"][other]:
            continue  # the same key twice
        findings.add(
            "properties", row, "valid_from", "validity_overlap",
            N_("It holds from {start}, while {other} still holds."),
            N_("Give the earlier row an end (valid_to), so that one value holds at a time."),
            start=properties["valid_from"][row], other=findings.locate("properties", other, "valid_to"),
        )  # fmt: skip


def _check_lost(findings: Findings) -> None:
    for row, days, lost, better in lost_days(findings.record.flows).iter_rows():
        findings.add(
            "flows", row, "period_start", "period_uncovered",
            N_("{better} was found by a better method and takes the place of this flow, but leaves {lost} of its "
               "{days} days without any flow."),
            N_("Give flows of the better method for the rest of the period, or split this one at the same dates."),
            severity="warning", better=better, lost=lost, days=days,
        )  # fmt: skip


def _check_units(findings: Findings, table: str, commodities: pl.Series, commodity_units: pl.DataFrame) -> None:
    """Report the rows of a table whose unit does not fit that of their commodity (`commodities`: one per row)."""
    known = commodity_units.select(commodity="commodity", target="unit").unique("commodity")
    named = commodities.rename("commodity").to_frame()
    targets = named.join(known, on="commodity", how="left", maintain_order="left")["target"]
    units = findings.record[table]["unit"]
    _, errors = column_factors(units, targets)
    faults = {pair: error for pair, error in errors.items() if error.expected}  # unreadable ones are reported already
    if not faults:
        return
    pairs = pl.DataFrame({"unit": units, "target": targets}).with_row_index("row")
    wrong = pl.DataFrame(list(faults), schema={"unit": pl.String, "target": pl.String}, orient="row")
    for row, unit, target in pairs.join(wrong, on=["unit", "target"], how="semi", maintain_order="left").iter_rows():
        findings.add_fault(table, row, "unit", faults[unit, target])
