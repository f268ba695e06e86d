"""Closed years: what was reported stays as it was, until somebody opens the year again and says why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import polars as pl
import sqlalchemy as sa

from ecopark.model.problems import InputError, Problem
from ecopark.model.tables import ACTUAL
from ecopark.storage.database import writing
from ecopark.storage.schema import ROW_KEY, closures
from ecopark.storage.times import now
from ecopark.translation import N_

if TYPE_CHECKING:
    from ecopark.storage.store import Store

PERIOD_TABLES = ("flows", "statistics", "certificates")
"""Tables whose rows belong to a period and are held by a closure."""

DATED_TABLES = (*PERIOD_TABLES, "stocks")
"""All tables that a closure holds: a stock's level belongs to the year that ends with it and to the one that begins."""

STREAM_IDENTITY = ("source", "target", "commodity", "activity", "technology", "part_of")
"""What may not change in a stream that carries flows of a closed year: it would change the meaning of those flows."""


@dataclass(frozen=True, slots=True)
class Closure:
    """One closing of a year and, where it happened, its reopening (times are UTC, ISO 8601)."""

    year: int
    closed: str
    closed_by: str
    reason: str
    reopened: str | None = None
    reopened_by: str | None = None
    reopen_reason: str | None = None


@dataclass(frozen=True, slots=True)
class Closures:
    """The closures of one workspace."""

    store: Store

    def years(self) -> tuple[int, ...]:
        """Return the years that are closed now, ascending."""
        with self.store.engine.connect() as connection:
            return closed_years(connection)

    def history(self) -> list[Closure]:
        """Return every closing and reopening, oldest first."""
        columns = (
            closures.c.year, closures.c.closed, closures.c.closed_by, closures.c.reason,
            closures.c.reopened, closures.c.reopened_by, closures.c.reopen_reason,
        )  # fmt: skip
        with self.store.engine.connect() as connection:
            return [Closure(*row) for row in connection.execute(sa.select(*columns).order_by(closures.c.id))]

    def close(self, year: int, reason: str, author: str | None = None) -> Closure:
        """Close `year`: its flows of the record itself, stocks, statistics and certificates can no longer be changed.

        Raises InputError where no reason is given or the year is closed already.
        """
        _need_reason(reason, year)
        author = author or self.store.author
        with writing(self.store.engine) as connection:
            if year in closed_years(connection):
                raise InputError(
                    [
                        Problem(
                            "year_closed_already",
                            str(year),
                            N_("The year {year} is closed already."),
                            N_("Nothing needs to be done."),
                            {"year": year},
                        )
                    ]
                )
            closure = Closure(year, now(), author, reason.strip())
            connection.execute(
                sa.insert(closures).values(year=year, closed=closure.closed, closed_by=author, reason=closure.reason)
            )
        return closure

    def reopen(self, year: int, reason: str, author: str | None = None) -> Closure:
        """Open a closed year again; the reason stays in the history.

        Raises InputError where no reason is given or the year is not closed.
        """
        _need_reason(reason, year)
        author = author or self.store.author
        with writing(self.store.engine) as connection:
            changed = connection.execute(
                sa.update(closures)
                .where(closures.c.year == year, closures.c.reopened.is_(None))
                .values(reopened=now(), reopened_by=author, reopen_reason=reason.strip())
            )
            if changed.rowcount == 0:
                raise InputError(
                    [
                        Problem(
                            "year_not_closed",
                            str(year),
                            N_("The year {year} is not closed."),
                            N_("Nothing needs to be done."),
                            {"year": year},
                        )
                    ]
                )
        return [closure for closure in self.history() if closure.year == year][-1]


def closed_years(connection: sa.Connection) -> tuple[int, ...]:
    """Return the years that are closed in the database behind `connection`, ascending."""
    select = sa.select(closures.c.year).where(closures.c.reopened.is_(None)).order_by(closures.c.year)
    return tuple(connection.execute(select).scalars())


def touched(
    rows: Mapping[str, pl.DataFrame], before: Mapping[str, pl.DataFrame], years: tuple[int, ...]
) -> pl.DataFrame:
    """Find the rows of a change that closed years forbid.

    `rows` and `before` hold, per table, the changed rows as they become and as they were (each with `row_key`; a new
    row is only in the first, a removed one only in the second). Returns columns table, row_key, year (the first
    closed year that is touched); empty where nothing is forbidden. Flows of scenarios other than the record itself
    are free.
    """
    found = [pl.DataFrame(schema={"table": pl.String, ROW_KEY: pl.String, "year": pl.Int64})]
    for table in DATED_TABLES if years else ():
        for frames in (rows, before):
            if table not in frames:
                continue
            frame = frames[table].lazy()
            if table == "flows":
                frame = frame.filter(pl.col("scenario") == ACTUAL)
            for year in years:
                inside = _inside(table, date(year, 1, 1), date(year + 1, 1, 1))
                found.append(
                    frame.filter(inside)
                    .select(table=pl.lit(table), row_key=pl.col(ROW_KEY), year=pl.lit(year, pl.Int64))
                    .collect()
                )
    return pl.concat(found).group_by("table", ROW_KEY, maintain_order=True).agg(pl.col("year").min())


def _inside(table: str, start: date, end: date) -> pl.Expr:
    """Whether a row of `table` says something of the half-open period from `start` to `end`."""
    if table == "stocks":  # the level at the first moment of the next year is the closing stock of this one
        return (pl.col("time") >= start) & (pl.col("time") <= end)
    until = pl.coalesce("period_end", pl.col("period_start") + pl.duration(days=1))
    return (pl.col("period_start") < end) & (until > start)


def touched_streams(
    rows: pl.DataFrame, before: pl.DataFrame, flows: pl.DataFrame, years: tuple[int, ...]
) -> pl.DataFrame:
    """Find changed or removed streams that carry flows of a closed year.

    `rows` and `before` are the streams as they become and as they were, `flows` all flows before the change. Returns
    table, row_key, year as `touched` does.
    """
    same = pl.all_horizontal(pl.col(name).eq_missing(pl.col(f"{name}_new")) for name in STREAM_IDENTITY)
    changed = (
        before.join(rows, on=ROW_KEY, how="left", suffix="_new")
        .filter(~same)
        .select(pl.col(ROW_KEY))
    )  # fmt: skip
    carried = flows.join(changed, left_on="stream", right_on=ROW_KEY, how="semi").with_columns(
        pl.col("stream").alias(ROW_KEY)
    )
    return touched({"flows": carried}, {}, years).with_columns(pl.lit("streams").alias("table"))


def closed_problem(table: str, row_key: str, year: int, place: str) -> Problem:
    """Return the problem that says that a row lies in a closed year, at `place`."""
    cause = (
        N_("The stream {row_key} carries flows of {year}, which is closed: its source, target and use may not change.")
        if table == "streams"
        else N_("{row_key} lies in {year}, which is closed.")
    )
    remedy = N_("Leave it as it is, or open the year first: `ecopark reopen DIR {year} --reason …`.")
    return Problem("year_closed", place, cause, remedy, {"row_key": row_key, "year": year})


def _need_reason(reason: str, year: int) -> None:
    if not reason.strip():
        raise InputError(
            [
                Problem(
                    "reason_missing",
                    str(year),
                    N_("No reason is given."),
                    N_("Say why: the reason stays in the history."),
                )
            ]
        )
