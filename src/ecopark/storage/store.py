"""`Store`: an open workspace folder with its database."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import TYPE_CHECKING

import polars as pl
import sqlalchemy as sa

from ecopark.model.problems import InputError, Problem
from ecopark.model.record import Record
from ecopark.model.tables import TABLES
from ecopark.storage import changesets, history, migrations
from ecopark.storage.closures import Closures
from ecopark.storage.database import open_engine, reaching, read_table, reading, writing
from ecopark.storage.evidence import FOLDER, EvidenceFolder
from ecopark.storage.schema import audit
from ecopark.storage.schema import changesets as changesets_table
from ecopark.storage.settings import FILE_NAME, Settings
from ecopark.storage.times import current_user
from ecopark.translation import N_

if TYPE_CHECKING:
    from ecopark.storage.runs import Runs


class Store(AbstractContextManager["Store"]):
    """The record of one workspace, its history, closures, stored runs and evidence.

    `author` is who is written into the history. A store may be shared by the threads of a server; several processes
    may open the same workspace, of which one writes at a time.
    """

    def __init__(self, folder: Path, settings: Settings, engine: sa.Engine, author: str | None = None) -> None:
        self.folder = folder
        self.settings = settings
        self.engine = engine
        self.author = author or current_user()
        self._cache: tuple[int, Record] | None = None
        self._lock = Lock()

    @classmethod
    def create(cls, folder: str | Path, settings: Settings | None = None, author: str | None = None) -> Store:
        """Make `folder` (created where missing) a workspace with an empty record, and open it.

        Raises InputError where it is a workspace already, or where the folder cannot be written.
        """
        path, settings = Path(folder), settings or Settings.default()
        if (path / FILE_NAME).exists():
            raise InputError(
                [
                    Problem(
                        "workspace_exists",
                        path.as_posix(),
                        N_("This folder is a workspace already."),
                        N_("Use it as it is, or name another folder."),
                    )
                ]
            )
        try:
            path.mkdir(parents=True, exist_ok=True)
            (path / FOLDER).mkdir(exist_ok=True)
        except OSError as error:
            raise InputError(
                [
                    Problem(
                        "folder_unwritable",
                        path.as_posix(),
                        N_("The folder cannot be made: {error}."),
                        N_("Name a folder that you may write to."),
                        {"error": error.strerror or str(error)},
                    )
                ]
            ) from error
        engine = open_engine(settings.database, path)
        with reaching(engine), writing(engine) as connection:
            migrations.upgrade(connection)
        settings.save(path)
        return cls(path, settings, engine, author)

    @classmethod
    def open(cls, folder: str | Path, author: str | None = None) -> Store:
        """Open the workspace in `folder`, bringing its database to the newest revision where needed.

        Raises InputError where the folder is not a workspace, its database is missing, or it is from a newer version.
        """
        path = Path(folder)
        settings = Settings.load(path)
        engine = open_engine(settings.database, path)
        file = engine.url.database
        if engine.dialect.name == "sqlite" and file and file != ":memory:" and not Path(file).is_file():
            raise InputError(
                [
                    Problem(
                        "database_missing",
                        path.as_posix(),
                        N_("The workspace's database {file} is missing."),
                        N_("Put it back from a backup, or make a new workspace and import the data again."),
                        {"file": Path(file).name},
                    )
                ]
            )
        with reaching(engine), engine.connect() as connection:
            current = migrations.revision(connection) == migrations.HEAD
        if not current:
            with writing(engine) as connection:
                migrations.upgrade(connection)
        return cls(path, settings, engine, author)

    def close(self) -> None:
        """Close the database's connections."""
        self.engine.dispose()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the store at the end of a `with` block."""
        self.close()

    @property
    def version(self) -> int:
        """The record's version: the number of the last changeset, 0 for a new record."""
        with self.engine.connect() as connection:
            return self.version_of(connection)

    def record(self, version: int | None = None) -> Record:
        """Return the record as it is, or as it was at an earlier `version` (0: before the first change).

        The present record is kept in memory and only tables that have changed since are read again. Raises
        InputError for a version that does not exist yet.
        """
        with reading(self.engine) as connection:
            present = self.version_of(connection)
            record = self.record_of(connection)
            if version is None or version == present:
                return record
            if not 0 <= version < present:
                raise InputError(
                    [
                        Problem(
                            "version_unknown",
                            str(version),
                            N_("The record has no version {version}; it is at version {present}."),
                            N_("Give a version from 0 to {present}."),
                            {"version": version, "present": present},
                        )
                    ]
                )
            return Record(
                {
                    name: history.table_at(connection, table, record.tables[name], version)
                    for name, table in TABLES.items()
                }
            )

    def state(self) -> tuple[int, Record]:
        """Return version and record as of one moment."""
        with reading(self.engine) as connection:
            return self.version_of(connection), self.record_of(connection)

    def version_of(self, connection: sa.Connection) -> int:
        """Return the version that an open transaction sees."""
        return int(connection.execute(sa.select(sa.func.max(changesets_table.c.id))).scalar() or 0)

    def record_of(self, connection: sa.Connection) -> Record:
        """Return the record that an open transaction sees."""
        version = self.version_of(connection)
        with self._lock:
            cached = self._cache
        if cached is not None and cached[0] == version:
            return cached[1]
        tables: dict[str, pl.DataFrame] = {}
        stale = set(TABLES)
        if cached is not None and cached[0] < version:
            touched = sa.select(audit.c.table_name).where(audit.c.changeset > cached[0]).distinct()
            stale = set(connection.execute(touched).scalars())
            tables = dict(cached[1].tables)
        for name, table in TABLES.items():
            if name not in stale:
                continue
            now = history.table_since(connection, table, tables[name], cached[0]) if cached and name in tables else None
            tables[name] = read_table(connection, name) if now is None else now
        record = Record(tables)
        with self._lock:
            if self._cache is None or self._cache[0] < version:
                self._cache = (version, record)
        return record

    def apply(
        self,
        changes: changesets.Changes,
        *,
        action: str = "edit",
        reason: str = "",
        author: str | None = None,
        source_name: str | None = None,
        source_sha256: str | None = None,
        expected_version: int | None = None,
    ) -> history.Changeset | None:
        """Apply a change in one transaction; see `changesets.apply`."""
        return changesets.apply(
            self,
            changes,
            action=action,
            reason=reason,
            author=author,
            source_name=source_name,
            source_sha256=source_sha256,
            expected_version=expected_version,
        )

    def undo(self, reason: str = "", author: str | None = None) -> history.Changeset:
        """Take the last change back; see `changesets.undo`."""
        return changesets.undo(self, reason, author)

    def history(self, limit: int | None = None) -> list[history.Changeset]:
        """Return the changes, newest first."""
        return history.history(self, limit=limit)

    def row_history(self, table: str, key: str) -> pl.DataFrame:
        """Return what happened to one row; see `history.row_history`."""
        return history.row_history(self, table, key)

    @property
    def closures(self) -> Closures:
        """The closed years."""
        return Closures(self)

    @property
    def runs(self) -> Runs:
        """The stored results."""
        from ecopark.storage.runs import Runs

        return Runs(self)

    @property
    def evidence(self) -> EvidenceFolder:
        """The kept files."""
        return EvidenceFolder(self.folder / FOLDER)
