"""A workspace is made, opened and brought up to date, and refuses what it cannot be, on both databases."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import polars as pl
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from ecopark.model.problems import InputError
from ecopark.model.record import Record
from ecopark.model.tables import TABLES
from ecopark.storage import migrations
from ecopark.storage.changesets import Changes
from ecopark.storage.schema import metadata
from ecopark.storage.settings import FILE_NAME, Settings
from ecopark.storage.store import Store


def _codes(error: pytest.ExceptionInfo[InputError]) -> list[str]:
    return [problem.code for problem in error.value.problems]


def test_a_new_store_is_empty_and_at_version_zero(store: Store) -> None:
    assert store.version == 0
    record = store.record()
    assert all(record[name].is_empty() for name in TABLES)
    assert store.history() == []


def test_the_record_comes_back_exactly(store: Store, park: Record) -> None:
    """Every value, type, null and row order survives the database: a wrong program loses digits, dates or blanks."""
    store.apply(Changes(rows=park.tables))
    cold = Store.open(store.folder)
    try:
        for name in TABLES:
            assert cold.record()[name].equals(park[name]), name
            assert dict(cold.record()[name].schema) == TABLES[name].schema
    finally:
        cold.close()


def test_the_record_in_memory_follows_what_another_process_writes(store: Store, park: Record) -> None:
    """A cached record that ignored the version would go on showing the old rows."""
    other = Store.open(store.folder, author="other")
    try:
        assert other.record().flows.is_empty()
        store.apply(Changes(rows=park.tables))
        assert other.record().flows.equals(park.flows)
        unchanged = other.record().nodes
        store.apply(Changes(removed={"statistics": park.statistics}))
        assert other.record().statistics.is_empty()
        assert other.record().nodes is unchanged  # only what changed is read again
    finally:
        other.close()


def test_the_migrations_give_the_declared_tables(store: Store) -> None:
    """The revisions, run one after the other, end in exactly the tables that the attribute tables declare."""
    with store.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
        assert migrations.revision(connection) == migrations.HEAD


def test_head_is_the_newest_revision() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    assert ScriptDirectory.from_config(config).get_heads() == [migrations.HEAD]


def test_an_empty_database_is_brought_up_to_date_on_opening(tmp_path: Path) -> None:
    Settings().save(tmp_path)
    sqlite3.connect(tmp_path / "park.sqlite").close()
    with Store.open(tmp_path) as store:
        assert store.version == 0


def test_a_database_of_a_newer_version_is_refused(sqlite_store: Store) -> None:
    with sqlite_store.engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(InputError) as error:
        Store.open(sqlite_store.folder)
    assert _codes(error) == ["database_newer"]


def test_sqlite_is_durable_and_lets_readers_read(sqlite_store: Store) -> None:
    with sqlite_store.engine.connect() as connection:
        pragma = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }
    assert pragma == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


def test_a_folder_becomes_a_workspace_only_once(sqlite_store: Store) -> None:
    with pytest.raises(InputError) as error:
        Store.create(sqlite_store.folder)
    assert _codes(error) == ["workspace_exists"]


def test_what_is_not_a_workspace_says_so(tmp_path: Path) -> None:
    with pytest.raises(InputError) as error:
        Store.open(tmp_path / "nowhere")
    assert _codes(error) == ["workspace_missing"]


def test_a_missing_database_is_not_replaced_by_an_empty_one(sqlite_store: Store) -> None:
    """Opening SQLite makes a missing file; a program that let it would show an empty park as if nothing were lost."""
    sqlite_store.close()
    for file in sqlite_store.folder.glob("park.sqlite*"):
        file.unlink()
    with pytest.raises(InputError) as error:
        Store.open(sqlite_store.folder)
    assert _codes(error) == ["database_missing"]
    assert not (sqlite_store.folder / "park.sqlite").exists()


def test_a_folder_that_cannot_be_made_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError) as error:
        Store.create(tmp_path / "file" / "park")
    assert _codes(error) == ["folder_unwritable"]


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ('language = "fr"\nyear = "x"\ndatabases = 1\n', ["settings_value", "settings_value", "settings_unknown"]),
        ("language = zh", ["settings_unreadable"]),
        ('database = "mysql://host/park"', ["database_url"]),
        ('database = "no url"', ["database_url"]),
    ],
)
def test_wrong_settings_are_all_named_at_once(tmp_path: Path, text: str, codes: list[str]) -> None:
    (tmp_path / FILE_NAME).write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as error:
        Store.open(tmp_path)
    assert _codes(error) == codes


def test_a_database_that_cannot_be_reached_says_so_without_the_password(tmp_path: Path) -> None:
    pytest.importorskip("psycopg", reason="PostgreSQL's driver is missing: pip install 'ecopark[postgresql]'")
    Settings(f"postgresql://li:secret@/park?host={tmp_path}").save(tmp_path)
    with pytest.raises(InputError) as error:
        Store.open(tmp_path)
    assert _codes(error) == ["database_unreachable"]
    assert "secret" not in str(error.value)


def test_a_file_that_is_no_database_says_so(sqlite_store: Store) -> None:
    sqlite_store.close()
    (sqlite_store.folder / "park.sqlite").write_bytes(b"not a database, but long enough to be looked at" * 100)
    with pytest.raises(InputError) as error:
        Store.open(sqlite_store.folder)
    assert _codes(error) == ["database_unreachable"]


def test_settings_come_back(tmp_path: Path) -> None:
    settings = Settings('sqlite:///a "quoted" 园.sqlite', "en", 2024)
    settings.save(tmp_path)
    assert Settings.load(tmp_path) == settings


def test_a_large_table_is_read_in_pieces_without_loss(
    store: Store, park: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With pieces of 7 rows the columns must still join up in order, dates and nulls included."""
    monkeypatch.setattr("ecopark.storage.database.READ_ROWS", 7)
    streams = pl.DataFrame({"id": [f"s{i}" for i in range(50)]}).with_columns(
        source=pl.lit("grid"), target=pl.lit("firm-a"), commodity=pl.lit("diesel"), activity=pl.lit("final_use")
    )
    record = Record.of(nodes=park.nodes, streams=streams)
    store.apply(Changes(rows={"nodes": record.nodes, "streams": record.streams}))
    store._cache = None
    assert store.record().streams.equals(record.streams)
