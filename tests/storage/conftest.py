"""Shared by the storage tests: a small catalogue, a small park, and stores on SQLite and on a real PostgreSQL."""

from __future__ import annotations

import getpass
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pytest
import sqlalchemy as sa

from ecopark.model.record import Record
from ecopark.storage.settings import Settings
from ecopark.storage.store import Store


@dataclass(frozen=True)
class SmallCatalogue:
    """As much of a catalogue as storage asks for."""

    commodities: pl.DataFrame
    activities: pl.DataFrame
    groups: pl.DataFrame
    quantities: pl.DataFrame


def _names(ids: list[str], **columns: list[str]) -> pl.DataFrame:
    return pl.DataFrame({"id": ids, "name_zh": ids, "name_en": ids, **columns})


@pytest.fixture(scope="session")
def vocabulary() -> SmallCatalogue:
    return SmallCatalogue(
        _names(
            ["raw_coal", "diesel", "natural_gas", "electricity"],
            group=["coal", "oil", "gas", "electricity"],
            unit=["t", "t", "万Nm3", "MWh"],
        ),
        _names(["final_use", "feedstock", "power_generation"]),
        _names(["coal", "oil", "gas", "electricity", "product"]),
        _names(["ncv", "carbon_content"]),
    )


@pytest.fixture
def park() -> Record:
    """A park with two firms, two streams, two years of flows, a property, a statistic and evidence."""
    return Record.of(
        nodes=[
            {"id": "park", "kind": "park", "name_zh": "示范园", "name_en": "Demo park"},
            {"id": "firm-a", "parent": "park", "kind": "firm", "name_zh": "甲厂"},
            {"id": "firm-b", "parent": "park", "kind": "firm", "name_zh": "乙厂", "note": "a secret of firm b"},
            {"id": "grid", "kind": "market", "name_zh": "电网"},
        ],
        streams=[
            {"id": "coal-a", "source": "grid", "target": "firm-a", "commodity": "raw_coal", "activity": "final_use"},
            {
                "id": "power-b",
                "source": "grid",
                "target": "firm-b",
                "commodity": "electricity",
                "activity": "final_use",
            },
        ],
        flows=[
            {"stream": "coal-a", "period_start": "2019", "amount": 1200.0, "unit": "t", "low": 1100.0, "high": 1300.0},
            {"stream": "coal-a", "period_start": "2020", "amount": 0.1 + 0.2, "unit": "t", "evidence": "bill"},
            {"stream": "power-b", "period_start": "2019", "amount": 5e3, "unit": "MWh", "method": "metered"},
            {"stream": "power-b", "period_start": "2020-01", "amount": 400.0, "unit": "MWh", "method": "metered"},
            {"stream": "power-b", "period_start": "2020-02", "notation": "NE", "method": "metered"},
        ],
        properties=[
            {"commodity": "raw_coal", "property": "ncv", "stream": "coal-a", "value": 21.5, "unit": "GJ_LHV/t"},
            {"commodity": "raw_coal", "property": "carbon_content", "value": 0.026, "unit": "tC/GJ_LHV"},
        ],
        statistics=[
            {"node": "park", "period_start": "2019", "variable": "value_added", "value": 3.5, "unit": "亿元"},
        ],
        evidence=[{"id": "bill", "title": "煤炭发票“2020”, 第1册\nsecond line"}],
    )


@dataclass(frozen=True)
class PostgreSQL:
    """A running PostgreSQL server."""

    socket_folder: Path
    user: str

    def empty_database(self) -> str:
        """Empty the server's database (one test at a time uses it) and return its URL."""
        address = f"{self.user}@/postgres?host={self.socket_folder}"
        engine = sa.create_engine(f"postgresql+psycopg://{address}", poolclass=sa.NullPool)
        with engine.begin() as connection:
            connection.exec_driver_sql("DROP SCHEMA public CASCADE")
            connection.exec_driver_sql("CREATE SCHEMA public")
        return f"postgresql://{address}"


def _server_program(name: str) -> Path | None:
    found = shutil.which(name)
    if found:
        return Path(found)
    return next(iter(sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), reverse=True)), None)


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQL]:
    """A temporary PostgreSQL server on a Unix socket, run by a user who is not root."""
    pytest.importorskip("psycopg", reason="PostgreSQL's driver is missing: pip install 'ecopark[postgresql]'")
    initdb, control = _server_program("initdb"), _server_program("pg_ctl")
    if initdb is None or control is None:
        pytest.skip("PostgreSQL's server is missing: apt-get install postgresql")
    root = os.geteuid() == 0
    prefix: list[str] = []
    user = "postgres" if root else getpass.getuser()
    folder = Path(tempfile.mkdtemp(prefix="ecopark-pg-"))
    if root:
        if shutil.which("runuser") is None:
            pytest.skip("runuser is missing (util-linux): PostgreSQL does not run as root")
        try:
            shutil.chown(folder, "postgres")
        except LookupError:
            pytest.skip("there is no user postgres: apt-get install postgresql")
        prefix = ["runuser", "-u", "postgres", "--"]
    data, log = folder / "data", folder / "log"

    def call(*command: str) -> None:
        subprocess.run([*prefix, *command], cwd=folder, check=True, stdout=subprocess.DEVNULL, timeout=120)

    call(str(initdb), "-D", str(data), "-U", user, "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
    options = f"-c listen_addresses='' -c unix_socket_directories={folder} -c fsync=off"
    call(str(control), "-D", str(data), "-l", str(log), "-w", "-o", options, "start")
    try:
        yield PostgreSQL(folder, user)
    finally:
        call(str(control), "-D", str(data), "-m", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def sqlite_store(tmp_path: Path) -> Iterator[Store]:
    with Store.create(tmp_path / "park", author="tester") as store:
        yield store


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """An empty store, on SQLite and on PostgreSQL."""
    settings = Settings()
    if request.param == "postgresql":
        server: PostgreSQL = request.getfixturevalue("postgresql")
        settings = Settings(database=server.empty_database())
    with Store.create(tmp_path / "park", settings, author="tester") as opened:
        yield opened
