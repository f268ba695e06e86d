"""The database's tables: one per table of the record (generated from the attribute tables), and the keeping ones.

The record's tables have their key column as primary key; a table whose key has several columns (some of them blank)
has the joined key as a column `row_key` instead, so that both databases treat blanks alike. `position` keeps the
order in which rows came, through changes and undos, on both databases. References are held by the database too,
deferred to the end of the transaction: the last defence, behind the checks that explain.
"""

from __future__ import annotations

from typing import Any

import polars as pl
import sqlalchemy as sa

from ecopark.model.tables import TABLES, Kind, Table

ROW_KEY, POSITION = "row_key", "position"
_COUNTER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

REFERENCED = ("nodes", "streams", "evidence")
"""Tables whose rows the database itself insists on (the scenario `actual` needs no row, so scenarios are not held)."""

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

_TYPES: dict[Kind, type[sa.types.TypeEngine[Any]]] = {
    "text": sa.Text,
    "number": sa.Double,
    "date": sa.Date,
    "choice": sa.Text,
    "reference": sa.Text,
    "references": sa.Text,
    "unit": sa.Text,
}


def key_column(table: Table) -> str:
    """Name of the column that holds a row's key in the database."""
    return table.key[0] if len(table.key) == 1 else ROW_KEY


def row_key(table: Table) -> pl.Expr:
    """Expression for the key of each row as text: the key column, or the key columns joined with ``|``.

    Dates are written as 2019-01-31 and blanks as nothing; a ``|`` or ``%`` inside a value is escaped.
    """
    if len(table.key) == 1:
        return pl.col(table.key[0]).alias(ROW_KEY)
    parts = [
        pl.col(name)
        .cast(pl.String)
        .fill_null("")
        .str.replace_all("%", "%25", literal=True)
        .str.replace_all("|", "%7C", literal=True)
        for name in table.key
    ]
    return pl.concat_str(parts, separator="|").alias(ROW_KEY)


def _record_table(table: Table) -> sa.Table:
    key = key_column(table)
    columns: list[sa.Column[object]] = []
    if key == ROW_KEY:
        columns.append(sa.Column(ROW_KEY, sa.Text, primary_key=True))
    for attribute in table.attributes:
        held = attribute.kind == "reference" and attribute.references in REFERENCED
        reference = [sa.ForeignKey(f"{attribute.references}.id", deferrable=True, initially="DEFERRED")] if held else []
        primary = attribute.name == key
        columns.append(
            sa.Column(
                attribute.name,
                _TYPES[attribute.kind](),
                *reference,
                primary_key=primary,
                nullable=not (attribute.required or primary),
                index=True if held else None,
            )
        )
    return sa.Table(table.name, metadata, *columns, sa.Column(POSITION, _COUNTER, nullable=False))


record_tables: dict[str, sa.Table] = {name: _record_table(table) for name, table in TABLES.items()}

changesets = sa.Table(
    "changesets",
    metadata,
    sa.Column("id", _COUNTER, primary_key=True, autoincrement=True),
    sa.Column("created", sa.Text, nullable=False),
    sa.Column("author", sa.Text, nullable=False),
    sa.Column("action", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("source_name", sa.Text),
    sa.Column("source_sha256", sa.Text),
    sa.Column("undoes", _COUNTER, sa.ForeignKey("changesets.id"), unique=True),
    sa.Column("counts", sa.JSON, nullable=False),
    sqlite_autoincrement=True,
)
"""Every change of the record: when (UTC, ISO 8601), who, why, from which file, which one it takes back, and how many
rows of which table it touched."""

audit = sa.Table(
    "audit",
    metadata,
    sa.Column("changeset", _COUNTER, sa.ForeignKey("changesets.id"), primary_key=True),
    sa.Column("table_name", sa.Text, primary_key=True),
    sa.Column("row_key", sa.Text, primary_key=True),
    sa.Column("change", sa.Text, nullable=False),
    sa.Column("before", sa.Text),
    sa.Column("after", sa.Text),
    sa.Column("place", sa.Text),
    sa.Column(POSITION, _COUNTER),
    sa.Index("ix_audit_table_name_row_key", "table_name", "row_key"),
)
"""Each row a changeset touched, before and after as JSON (blank columns left out), its place in the source, and the
position of a row that was removed."""

closures = sa.Table(
    "closures",
    metadata,
    sa.Column("id", _COUNTER, primary_key=True, autoincrement=True),
    sa.Column("year", sa.Integer, nullable=False, index=True),
    sa.Column("closed", sa.Text, nullable=False),
    sa.Column("closed_by", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("reopened", sa.Text),
    sa.Column("reopened_by", sa.Text),
    sa.Column("reopen_reason", sa.Text),
    sqlite_autoincrement=True,
)
"""Years that were closed, and when and why they were opened again (rows are never deleted)."""

results = sa.Table(
    "results",
    metadata,
    sa.Column("number", _COUNTER, primary_key=True, autoincrement=True),
    sa.Column("engine", sa.Text, nullable=False),
    sa.Column("created", sa.Text, nullable=False),
    sa.Column("author", sa.Text, nullable=False),
    sa.Column("inputs_hash", sa.Text, nullable=False, index=True),
    sa.Column("record_version", _COUNTER, nullable=False),
    sa.Column("catalogue_version", sa.Text, nullable=False),
    sa.Column("factor_versions", sa.JSON, nullable=False),
    sa.Column("settings", sa.JSON, nullable=False),
    sa.Column("outcome", sa.JSON, nullable=False),
    sa.Column("restates", _COUNTER, sa.ForeignKey("results.number"), unique=True),
    sa.Column("reason", sa.Text),
    sqlite_autoincrement=True,
)
"""Stored runs of the engines; run number n is shown as ``Rn``."""

result_frames = sa.Table(
    "result_frames",
    metadata,
    sa.Column("run", _COUNTER, sa.ForeignKey("results.number"), primary_key=True),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("parquet", sa.LargeBinary, nullable=False),
)
"""The frames of a run (lines, coefficients, parameters …), each as one Parquet file."""
