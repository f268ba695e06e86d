"""Connections: one writer at a time, durable writes, and fast reads of whole tables into frames.

SQLite runs in WAL mode with full synchronisation, so that what was committed is on disk and readers (a serving
process, the command line) go on reading while one process writes. PostgreSQL does the same by nature; there the lock
on `changesets` makes writers queue.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import polars as pl
import sqlalchemy as sa
from sqlalchemy.engine.interfaces import DBAPIConnection

from ecopark.model.problems import InputError, Problem
from ecopark.model.tables import TABLES
from ecopark.storage.schema import POSITION, changesets, record_tables
from ecopark.translation import N_

BUSY_SECONDS = 60
"""How long a writer waits for another one before it gives up."""

READ_ROWS, WRITE_ROWS = 2_000, 20_000
"""Rows fetched and written at a time: bounds the memory that Python objects take beside the frames, and so few rows
fetched at once stay in the processor's cache until they are columns (measured: half the time of 50,000)."""


def open_engine(url: str, folder: Path) -> sa.Engine:
    """Return an engine for `url`; a relative SQLite path is taken from `folder`.

    Raises InputError for a URL that cannot be used (unknown kind of database, missing driver).
    """
    try:
        parsed = sa.make_url(url)
        if parsed.get_backend_name() == "sqlite":
            if parsed.database and parsed.database != ":memory:":
                parsed = parsed.set(database=str((folder / parsed.database).resolve()))
            return _sqlite(parsed)
        if parsed.get_backend_name() == "postgresql":
            if parsed.drivername == "postgresql":
                parsed = parsed.set(drivername="postgresql+psycopg")
            return sa.create_engine(parsed, pool_pre_ping=True)
    except (sa.exc.ArgumentError, ModuleNotFoundError) as error:
        raise _url_error(N_("The database address cannot be used: {error}."), error=str(error)) from error
    raise _url_error(N_("{kind} is not a database that ecopark can use."), kind=parsed.get_backend_name())


def _url_error(cause: str, **values: object) -> InputError:
    remedy = N_(
        "In ecopark.toml give `sqlite:///park.sqlite` or `postgresql://user@host/name` "
        "(for the latter install `ecopark[postgresql]`)."
    )
    return InputError([Problem("database_url", "ecopark.toml, database", cause, remedy, dict(values))])


def _sqlite(url: sa.URL) -> sa.Engine:
    memory = not url.database or url.database == ":memory:"
    engine = sa.create_engine(
        url,
        connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False},
        poolclass=sa.StaticPool if memory else None,
    )

    @sa.event.listens_for(engine, "connect")
    def on_connect(connection: DBAPIConnection, _record: object) -> None:
        # The driver's own transaction handling would commit before some statements; ours begins and ends them.
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "temp_store=MEMORY"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @sa.event.listens_for(engine, "begin")
    def on_begin(connection: sa.Connection) -> None:
        writing = connection.get_execution_options().get("writing", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")

    return engine


@contextmanager
def reaching(engine: sa.Engine) -> Iterator[None]:
    """Turn the failure to reach the database at all into an InputError that says so."""
    try:
        yield
    except sa.exc.DBAPIError as error:
        raise InputError(
            [
                Problem(
                    "database_unreachable",
                    engine.url.render_as_string(hide_password=True),
                    N_("The database cannot be opened: {error}."),
                    N_("Check that it is running and that the address in ecopark.toml and your rights are correct."),
                    {"error": str(error.orig).strip().rstrip(".")},
                )
            ]
        ) from error


@contextmanager
def writing(engine: sa.Engine) -> Iterator[sa.Connection]:
    """One transaction with the right to write: all of it is kept, or, on any exception, nothing.

    Raises InputError where another process keeps the database locked for longer than `BUSY_SECONDS`, or where a
    reference would point nowhere at the end of the transaction.
    """
    with engine.connect().execution_options(writing=True) as connection:
        try:
            with connection.begin():
                if engine.dialect.name == "postgresql" and sa.inspect(connection).has_table(changesets.name):
                    connection.exec_driver_sql("LOCK TABLE changesets IN EXCLUSIVE MODE")
                yield connection
        except sa.exc.OperationalError as error:
            if isinstance(error.orig, sqlite3.OperationalError) and "locked" in str(error.orig):
                raise InputError(
                    [
                        Problem(
                            "database_busy",
                            "ecopark.toml, database",
                            N_("Another program has been writing to this workspace for {seconds} seconds."),
                            N_("Wait until it has finished and try again; nothing was changed."),
                            {"seconds": BUSY_SECONDS},
                        )
                    ]
                ) from error
            raise
        except sa.exc.IntegrityError as error:
            raise InputError(
                [
                    Problem(
                        "database_integrity",
                        "ecopark.toml, database",
                        N_(
                            "The change would leave a reference pointing nowhere, or a required column blank ({error})."
                        ),
                        N_("Change or remove what refers to it in the same step; nothing was changed."),
                        {"error": str(error.orig).strip()},
                    )
                ]
            ) from error


@contextmanager
def reading(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A connection that sees one state of the database throughout, whatever is written meanwhile."""
    with engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            connection = connection.execution_options(isolation_level="REPEATABLE READ")
        with connection.begin():
            yield connection


def read_frame(connection: sa.Connection, select: sa.Select[Any], schema: dict[str, type[pl.DataType]]) -> pl.DataFrame:
    """Return the rows of `select` as a frame with `schema` (one entry per selected column, in order).

    Reads through the driver's cursor and builds columns chunk by chunk: typed row objects would cost several times
    as much for a million rows. Dates come as ISO text (SQLite) or as dates (PostgreSQL).
    """
    compiled = select.compile(connection.engine, compile_kwargs={"render_postcompile": True})
    result = connection.exec_driver_sql(
        str(compiled),
        tuple(compiled.params[name] for name in compiled.positiontup)
        if compiled.positional and compiled.positiontup is not None
        else compiled.params,
    )
    cursor = result.cursor
    assert cursor is not None
    text_dates = connection.dialect.name == "sqlite"
    chunks = []
    while rows := cursor.fetchmany(READ_ROWS):
        columns: Sequence[Sequence[Any]] = list(zip(*rows, strict=True))
        chunks.append(
            pl.DataFrame(
                [
                    pl.Series(name, values, dtype=pl.String if kind is pl.Date and text_dates else kind)
                    for (name, kind), values in zip(schema.items(), columns, strict=True)
                ]
            )
        )
    result.close()
    if not chunks:
        return pl.DataFrame(schema=schema)
    dates = [pl.col(name).str.to_date("%Y-%m-%d") for name, kind in schema.items() if kind is pl.Date and text_dates]
    return pl.concat(chunks, rechunk=True).with_columns(dates)


def read_table(connection: sa.Connection, name: str) -> pl.DataFrame:
    """Return a whole table of the record, with exactly the columns of its attribute table, in the rows' order."""
    table, columns = TABLES[name], record_tables[name].c
    names = [*table.names, POSITION]
    schema: dict[str, type[pl.DataType]] = {**table.schema, POSITION: pl.Int64}
    frame = read_frame(connection, sa.select(*(columns[column] for column in names)), schema)
    if not frame[POSITION].is_sorted():
        frame = frame.sort(POSITION)
    return frame.drop(POSITION)


def write_frame(connection: sa.Connection, statement: sa.Insert | sa.Delete, frame: pl.DataFrame) -> None:
    """Run `statement` once per row of `frame`, whose columns are named as its parameters, in chunks.

    Hands plain tuples to the driver where it takes them, which is more than twice as fast as dictionaries.
    """
    compiled = statement.compile(connection.engine, column_keys=frame.columns)
    text = str(compiled)
    if connection.dialect.name == "sqlite":
        frame = frame.with_columns(pl.col(pl.Date).dt.to_string("%Y-%m-%d"))
    if compiled.positional and compiled.positiontup is not None:
        for chunk in frame.select(compiled.positiontup).iter_slices(WRITE_ROWS):
            connection.exec_driver_sql(text, chunk.rows())
    else:
        for chunk in frame.iter_slices(WRITE_ROWS):
            connection.exec_driver_sql(text, chunk.to_dicts())
