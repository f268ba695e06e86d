"""A change of the record: rows that become new or changed or go, applied and taken back in one transaction.

Every row that a changeset touches is written to the audit table before and after as JSON, so that the record can be
shown as it was at any version and the last change can be undone. Undoing is itself a changeset: versions only grow.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import polars as pl
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from ecopark.model.problems import InputError, Problem
from ecopark.model.tables import TABLES, Table
from ecopark.storage import closures
from ecopark.storage.database import read_frame, write_frame, writing
from ecopark.storage.history import UNDO, Changeset, get
from ecopark.storage.rows import difference, from_json, to_json
from ecopark.storage.schema import POSITION, ROW_KEY, audit, changesets, key_column, record_tables, row_key
from ecopark.storage.times import now
from ecopark.translation import N_

if TYPE_CHECKING:
    from ecopark.storage.store import Store

__all__ = ["Changes", "Changeset", "apply", "stale", "undo"]

_ROW: dict[str, type[pl.DataType]] = {
    ROW_KEY: pl.String, "before": pl.String, "after": pl.String, "place": pl.String, POSITION: pl.Int64,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Changes:
    """What is to become of the record.

    `rows`: per table, rows as they shall be, with the table's columns; each replaces the whole row with its key or
    is new. `removed`: per table, the key columns of rows that shall go. `places`: per table, columns `row_key` and
    `place` (where the row stands in the source), kept in the audit.
    """

    rows: Mapping[str, pl.DataFrame] = field(default_factory=dict)
    removed: Mapping[str, pl.DataFrame] = field(default_factory=dict)
    places: Mapping[str, pl.DataFrame] = field(default_factory=dict)


def apply(
    store: Store,
    changes: Changes,
    *,
    action: str = "edit",
    reason: str = "",
    author: str | None = None,
    source_name: str | None = None,
    source_sha256: str | None = None,
    expected_version: int | None = None,
) -> Changeset | None:
    """Apply `changes` in one transaction and return the changeset, or None where nothing differs.

    `expected_version`: the version that the changes were prepared against. Raises InputError where the record has
    moved on since, where a closed year is touched, where a reference would point nowhere, or where another program
    holds the database; then nothing is written.
    """
    with writing(store.engine) as connection:
        version = store.version_of(connection)
        if expected_version is not None and version != expected_version:
            raise InputError([stale(version, expected_version)])
        record = store.record_of(connection)
        frames = {
            name: _audit_rows(connection, TABLES[name], record.tables[name], changes)
            for name in TABLES
            if name in changes.rows or name in changes.removed
        }
        frames = {name: frame for name, frame in frames.items() if frame.height}
        if not frames:
            return None
        _refuse_closed(connection, frames, record.tables["flows"])
        number = _insert_changeset(
            connection,
            frames,
            action=action,
            reason=reason,
            author=author or store.author,
            source_name=source_name,
            source_sha256=source_sha256,
        )
        for name, frame in frames.items():
            _write(connection, TABLES[name], frame, changes.rows.get(name))
            _insert_audit(connection, number, name, frame)
    return get(store, number)


def undo(store: Store, reason: str = "", author: str | None = None) -> Changeset:
    """Take back the last changeset that has not been taken back, in one transaction, and record that.

    Raises InputError where there is none, or where it touches a year that was closed since.
    """
    with writing(store.engine) as connection:
        done = sa.select(changesets.c.undoes).where(changesets.c.undoes.is_not(None))
        last = connection.execute(
            sa.select(sa.func.max(changesets.c.id)).where(changesets.c.action != UNDO, changesets.c.id.not_in(done))
        ).scalar()
        if last is None:
            raise InputError(
                [
                    Problem(
                        "nothing_to_undo",
                        "changesets",
                        N_("There is no import or edit left that could be taken back."),
                        N_("Look at the history with `ecopark history`."),
                    )
                ]
            )
        frames = {}
        for name in TABLES:
            rows = _read_audit(connection, audit.c.changeset == last, audit.c.table_name == name)
            if rows.height:
                frames[name] = rows.rename({"before": "after", "after": "before"}).select(list(_ROW))
        if closures.closed_years(connection):
            _refuse_closed(connection, frames, store.record_of(connection).tables["flows"])
        number = _insert_changeset(
            connection, frames, action=UNDO, reason=reason, author=author or store.author, undoes=last
        )
        for name, frame in frames.items():
            _write(connection, TABLES[name], frame)
            _insert_audit(connection, number, name, frame)
    return get(store, number)


def _audit_rows(connection: sa.Connection, table: Table, before: pl.DataFrame, changes: Changes) -> pl.DataFrame:
    """Rows of the audit: row_key, before, after, place, position; a row that stays the same is left out."""
    old = before.with_columns(row_key(table))
    frames = [pl.DataFrame(schema=_ROW)]
    if table.name in changes.rows:
        rows = changes.rows[table.name].select(table.names)
        rows = rows.filter(difference(table, before, rows) != "same").with_columns(row_key(table))
        after = rows.select(ROW_KEY, after=to_json(table))
        former = old.join(after, on=ROW_KEY, how="semi").select(ROW_KEY, before=to_json(table))
        joined = after.join(former, on=ROW_KEY, how="left", maintain_order="left")
        places = changes.places.get(table.name, pl.DataFrame(schema={ROW_KEY: pl.String, "place": pl.String}))
        joined = joined.join(places, on=ROW_KEY, how="left", maintain_order="left")
        frames.append(joined.with_columns(pl.lit(None, pl.Int64).alias(POSITION)).select(list(_ROW)))
    if table.name in changes.removed and changes.removed[table.name].height:
        columns = record_tables[table.name].c
        select = sa.select(columns[key_column(table)], columns[POSITION])
        positions = read_frame(connection, select, {ROW_KEY: pl.String, POSITION: pl.Int64})
        gone = old.join(changes.removed[table.name].select(row_key(table)), on=ROW_KEY, how="semi")
        gone = gone.join(positions, on=ROW_KEY, maintain_order="left")
        nothing = pl.lit(None, pl.String)
        frames.append(
            gone.select(ROW_KEY, POSITION, before=to_json(table), after=nothing, place=nothing).select(list(_ROW))
        )
    return pl.concat(frames)


def _refuse_closed(connection: sa.Connection, frames: Mapping[str, pl.DataFrame], flows: pl.DataFrame) -> None:
    years = closures.closed_years(connection)
    if not years:
        return

    def side(name: str, column: str) -> pl.DataFrame:
        filled = frames[name].filter(pl.col(column).is_not_null())
        return from_json(TABLES[name], filled[column]).with_columns(row_key(TABLES[name]))

    held = [name for name in closures.DATED_TABLES if name in frames]
    after, before = ({name: side(name, column) for name in held} for column in ("after", "before"))
    found = closures.touched(after, before, years)
    if "streams" in frames:
        streams = closures.touched_streams(side("streams", "after"), side("streams", "before"), flows, years)
        found = pl.concat([found, streams])
    if found.height:
        raise InputError(
            [
                closures.closed_problem(table, key, year, f"{table}:{key}")
                for table, key, year in found.head(MAX_LISTED).iter_rows()
            ]
        )


MAX_LISTED = 100
"""Rows of closed years listed one by one."""


_CHANGE = (
    pl.when(pl.col("before").is_null())
    .then(pl.lit("new"))
    .when(pl.col("after").is_null())
    .then(pl.lit("removed"))
    .otherwise(pl.lit("changed"))
    .alias("change")
)


def _insert_changeset(
    connection: sa.Connection, frames: Mapping[str, pl.DataFrame], **details: str | int | None
) -> int:
    counts = {name: dict(frame.group_by(_CHANGE).len().sort("change").iter_rows()) for name, frame in frames.items()}
    inserted = connection.execute(sa.insert(changesets).values(created=now(), counts=counts, **details))
    key = inserted.inserted_primary_key
    assert key is not None
    return int(key[0])


def _insert_audit(connection: sa.Connection, number: int, table: str, frame: pl.DataFrame) -> None:
    rows = frame.select(
        pl.lit(number).alias("changeset"), pl.lit(table).alias("table_name"), ROW_KEY, _CHANGE, "before", "after",
        "place", POSITION,
    )  # fmt: skip
    write_frame(connection, sa.insert(audit), rows)


def _read_audit(connection: sa.Connection, *conditions: sa.ColumnElement[bool]) -> pl.DataFrame:
    columns = (audit.c[name] for name in _ROW)
    return read_frame(connection, sa.select(*columns).where(*conditions), _ROW)


def _write(connection: sa.Connection, table: Table, frame: pl.DataFrame, rows: pl.DataFrame | None = None) -> None:
    """Bring the database's table to the `after` side of an audit frame (`rows` are those rows, where at hand)."""
    target = record_tables[table.name]
    key = target.c[key_column(table)]
    gone = frame.filter(pl.col("after").is_null()).select(pl.col(ROW_KEY).alias("gone_key"))
    if gone.height:
        write_frame(connection, sa.delete(target).where(key == sa.bindparam("gone_key")), gone)
    for known in (False, True):
        wanted = frame.filter(pl.col("after").is_not_null() & (pl.col("before").is_not_null() == known))
        if wanted.is_empty():
            continue
        if rows is None:
            full = from_json(table, wanted["after"]).with_columns(row_key(table), wanted[POSITION])
        else:
            full = rows.with_columns(row_key(table)).join(
                wanted.select(ROW_KEY, POSITION), on=ROW_KEY, maintain_order="left"
            )
        last = connection.execute(sa.select(sa.func.max(target.c[POSITION]))).scalar() or 0
        full = full.with_columns(pl.coalesce(POSITION, pl.int_range(pl.len(), dtype=pl.Int64) + (last + 1)))
        statement = _upsert(connection, target) if known else sa.insert(target)
        write_frame(connection, statement, full.select([column.name for column in target.c]))


def _upsert(connection: sa.Connection, target: sa.Table) -> sa.Insert:
    dialect: Callable[[sa.Table], sqlite.Insert | postgresql.Insert] = (
        sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    )
    statement = dialect(target)
    keys = [column.name for column in target.primary_key]
    kept = (*keys, POSITION)
    values = {column.name: statement.excluded[column.name] for column in target.c if column.name not in kept}
    return statement.on_conflict_do_update(index_elements=keys, set_=values)


def stale(version: int, expected: int) -> Problem:
    """Return the problem that says that the record has moved on."""
    return Problem(
        "record_moved_on",
        "changesets",
        N_("The record has changed since the preview was made (version {version}, the preview rests on {expected})."),
        N_("Make the preview again; nothing was changed."),
        {"version": version, "expected": expected},
    )
