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
from ecopark.storage.schema import POSITION, ROW_KEY, audit, changesets, key_column, record_tables, row_key
from ecopark.storage.times import now
from ecopark.translation import N_

if TYPE_CHECKING:
    from ecopark.storage.store import Store

SAME_TOLERANCE = 1e-12
"""Numbers closer than this, relative to the larger, are the same: a workbook keeps 15 to 16 digits of 17."""

UNDO = "undo"
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


@dataclass(frozen=True, slots=True)
class Changeset:
    """One recorded change; `id` is the record's version after it.

    `counts` holds the number of rows per table and kind of change (new, changed, removed); `undoes` the changeset
    that this one takes back, `undone_by` the one that took this back.
    """

    id: int
    created: str
    author: str
    action: str
    reason: str
    source_name: str | None
    source_sha256: str | None
    undoes: int | None
    undone_by: int | None
    counts: Mapping[str, Mapping[str, int]]


def difference(table: Table, before: pl.DataFrame, rows: pl.DataFrame) -> pl.Series:
    """Tell for each row of `rows` whether it is new, changed or the same beside the table `before`.

    Numbers are the same within `SAME_TOLERANCE` of the larger. Returns a text series in the order of `rows`.
    """
    old = before.with_columns(row_key(table), __known=pl.lit(True))
    joined = rows.with_columns(row_key(table)).join(old, on=ROW_KEY, how="left", suffix="__old", maintain_order="left")
    equal = []
    for name, kind in table.schema.items():
        if name == ROW_KEY or (len(table.key) == 1 and name == table.key[0]):
            continue
        new, former = pl.col(name), pl.col(f"{name}__old")
        same = new.eq_missing(former)
        if kind is pl.Float64:
            close = (new - former).abs() <= SAME_TOLERANCE * pl.max_horizontal(new.abs(), former.abs())
            same = same | close.fill_null(False)
        equal.append(same)
    status = (
        pl.when(pl.col("__known").is_null())
        .then(pl.lit("new"))
        .when(pl.all_horizontal(equal))
        .then(pl.lit("same"))
        .otherwise(pl.lit("changed"))
    )
    return joined.select(status.alias("status"))["status"]


def merge(table: Table, before: pl.DataFrame, rows: pl.DataFrame, removed: pl.DataFrame | None = None) -> pl.DataFrame:
    """Return the table `before` with `rows` put in (by key, in the old row's place) and `removed` keys taken out.

    Both may have further columns beside the table's; those of `before` are returned.
    """
    keyed = before.with_columns(row_key(table)).with_row_index("__order")
    incoming = rows.with_columns(row_key(table))
    order = keyed.select(ROW_KEY, "__order")
    incoming = incoming.join(order, on=ROW_KEY, how="left", maintain_order="left").select(keyed.columns)
    kept = keyed.join(incoming, on=ROW_KEY, how="anti")
    result = pl.concat([kept, incoming]).sort("__order", nulls_last=True, maintain_order=True)
    if removed is not None and removed.height:
        result = result.join(removed.select(row_key(table)), on=ROW_KEY, how="anti")
    return result.select(before.columns)


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
            raise InputError([_stale(version, expected_version)])
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
            connection, action, reason, author or store.author, source_name, source_sha256, undoes=None
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
        number = _insert_changeset(connection, UNDO, reason, author or store.author, None, None, undoes=last)
        for name, frame in frames.items():
            _write(connection, TABLES[name], frame)
            _insert_audit(connection, number, name, frame)
    return get(store, number)


def get(store: Store, number: int) -> Changeset:
    """Return changeset `number`; KeyError where there is none."""
    for changeset in history(store, only=number):
        return changeset
    raise KeyError(number)


def history(store: Store, only: int | None = None, limit: int | None = None) -> list[Changeset]:
    """Return the changesets, newest first, with the number of rows each touched."""
    later = changesets.alias("later")
    select = (
        sa.select(*changesets.c, later.c.id.label("undone_by"))
        .outerjoin(later, later.c.undoes == changesets.c.id)
        .order_by(changesets.c.id.desc())
    )
    if only is not None:
        select = select.where(changesets.c.id == only)
    if limit is not None:
        select = select.limit(limit)
    with store.engine.connect() as connection:
        rows = connection.execute(select).mappings().all()
        numbers = [row["id"] for row in rows]
        counted = connection.execute(
            sa.select(audit.c.changeset, audit.c.table_name, audit.c.change, sa.func.count())
            .where(audit.c.changeset >= min(numbers), audit.c.changeset <= max(numbers))
            .group_by(audit.c.changeset, audit.c.table_name, audit.c.change)
            if numbers
            else sa.select(audit.c.changeset, audit.c.table_name, audit.c.change, sa.literal(0)).where(sa.false())
        ).all()
    counts: dict[int, dict[str, dict[str, int]]] = {}
    for changeset, table, change, count in counted:
        counts.setdefault(changeset, {}).setdefault(table, {})[change] = count
    return [Changeset(**row, counts=counts.get(row["id"], {})) for row in rows]


def row_history(store: Store, table: str, key: str) -> pl.DataFrame:
    """Return what happened to one row, oldest first.

    Columns changeset, created, author, action, reason, source_name, source_sha256, change, before, after (JSON),
    place (where the row stood in its source, such as ``flows!12``).
    """
    names = ("created", "author", "action", "reason", "source_name", "source_sha256")
    select = (
        sa.select(
            audit.c.changeset, *(changesets.c[name] for name in names),
            audit.c.change, audit.c.before, audit.c.after, audit.c.place,
        )
        .join(changesets, changesets.c.id == audit.c.changeset)
        .where(audit.c.table_name == table, audit.c.row_key == key)
        .order_by(audit.c.changeset)
    )  # fmt: skip
    schema: dict[str, type[pl.DataType]] = {"changeset": pl.Int64}
    schema |= dict.fromkeys((*names, "change", "before", "after", "place"), pl.String)
    with store.engine.connect() as connection:
        return read_frame(connection, select, schema)


def table_at(connection: sa.Connection, table: Table, current: pl.DataFrame, version: int) -> pl.DataFrame:
    """Return a table as it was at `version`, from its `current` rows and the audit of what happened since.

    Rows that were removed since come last.
    """
    since = audit.alias("since")
    first = (
        sa.select(since.c.row_key, sa.func.min(since.c.changeset).label("changeset"))
        .where(since.c.table_name == table.name, since.c.changeset > version)
        .group_by(since.c.row_key)
        .subquery()
    )
    select = (
        sa.select(audit.c.row_key, audit.c.before)
        .join(first, sa.and_(first.c.row_key == audit.c.row_key, first.c.changeset == audit.c.changeset))
        .where(audit.c.table_name == table.name)
    )
    undone = read_frame(connection, select, {ROW_KEY: pl.String, "before": pl.String})
    if undone.is_empty():
        return current
    former = from_json(table, undone["before"].drop_nulls())
    absent = undone.filter(pl.col("before").is_null())
    kept = current.with_columns(row_key(table)).join(absent, on=ROW_KEY, how="anti").select(table.names)
    return merge(table, kept, former)


def to_json(table: Table) -> pl.Expr:
    """Expression for each row as a JSON object of its filled columns."""
    # A quote inside a text is always escaped, so `,"name":null` can only be a whole member.
    return pl.struct(table.names).struct.json_encode().str.replace_all(r',"[a-z0-9_]+":null', "")


def from_json(table: Table, rows: pl.Series) -> pl.DataFrame:
    """Return the rows that `to_json` wrote, with exactly the table's columns."""
    texts = {name: pl.String if kind is pl.Date else kind for name, kind in table.schema.items()}
    dates = [pl.col(name).str.to_date("%Y-%m-%d") for name, kind in table.schema.items() if kind is pl.Date]
    return rows.str.json_decode(pl.Struct(texts)).struct.unnest().select(table.names).with_columns(dates)


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

    held = [name for name in closures.PERIOD_TABLES if name in frames]
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


def _insert_changeset(
    connection: sa.Connection,
    action: str,
    reason: str,
    author: str,
    source_name: str | None,
    source_sha256: str | None,
    undoes: int | None,
) -> int:
    inserted = connection.execute(
        sa.insert(changesets).values(
            created=now(), author=author, action=action, reason=reason, source_name=source_name,
            source_sha256=source_sha256, undoes=undoes,
        )
    )  # fmt: skip
    key = inserted.inserted_primary_key
    assert key is not None
    return int(key[0])


def _insert_audit(connection: sa.Connection, number: int, table: str, frame: pl.DataFrame) -> None:
    change = (
        pl.when(pl.col("before").is_null())
        .then(pl.lit("new"))
        .when(pl.col("after").is_null())
        .then(pl.lit("removed"))
        .otherwise(pl.lit("changed"))
    )
    rows = frame.select(
        pl.lit(number).alias("changeset"), pl.lit(table).alias("table_name"), ROW_KEY, change.alias("change"),
        "before", "after", "place", POSITION,
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


def _stale(version: int, expected: int) -> Problem:
    return Problem(
        "record_moved_on",
        "changesets",
        N_("The record has changed since the preview was made (version {version}, the preview rests on {expected})."),
        N_("Make the preview again; nothing was changed."),
        {"version": version, "expected": expected},
    )
