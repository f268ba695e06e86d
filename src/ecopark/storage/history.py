"""What happened to the record: the list of changes, the story of a row, and the tables as they were."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl
import sqlalchemy as sa

from ecopark.model.tables import Table
from ecopark.storage.database import read_frame
from ecopark.storage.rows import from_json, merge
from ecopark.storage.schema import POSITION, ROW_KEY, audit, changesets, key_column, record_tables, row_key

if TYPE_CHECKING:
    from ecopark.storage.store import Store

UNDO = "undo"
"""The action of a changeset that takes another one back."""

FEW_ROWS = 10_000
"""Up to so many touched rows are fetched one by one instead of reading their table again."""


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
        return [Changeset(**row) for row in connection.execute(select).mappings()]


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


def table_since(connection: sa.Connection, table: Table, former: pl.DataFrame, version: int) -> pl.DataFrame | None:
    """Return a table as it is now, from its `former` rows at `version` and the few that were touched since.

    None where reading the whole table is the better way: many rows were touched, or an undo put removed rows back
    into the middle.
    """
    touched = sa.and_(audit.c.table_name == table.name, audit.c.changeset > version)
    select = (
        sa.select(audit.c.row_key, audit.c.change, changesets.c.action)
        .join(changesets, changesets.c.id == audit.c.changeset)
        .where(touched)
        .limit(FEW_ROWS + 1)
    )
    found = read_frame(connection, select, {ROW_KEY: pl.String, "change": pl.String, "action": pl.String})
    put_back = found.filter((pl.col("change") == "new") & (pl.col("action") == UNDO))
    if found.height > FEW_ROWS or put_back.height:
        return None
    columns = record_tables[table.name].c
    rows = read_frame(
        connection,
        sa.select(*(columns[name] for name in table.names))
        .where(columns[key_column(table)].in_(sa.select(audit.c.row_key).where(touched)))
        .order_by(columns[POSITION]),
        dict(table.schema),
    )
    moved = found.filter(pl.col("change") != "changed")
    kept = former.with_columns(row_key(table)).join(moved, on=ROW_KEY, how="anti", maintain_order="left")
    return merge(table, kept.select(table.names), rows)
