"""The database's migrations: `upgrade` brings a database to the newest revision."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

from ecopark.model.problems import InputError, Problem
from ecopark.translation import N_

HEAD = "0002"
"""The newest revision, held here so that opening an up-to-date database does not need Alembic (tested)."""


def revision(connection: sa.Connection) -> str | None:
    """Return the revision of the database behind `connection`, None for an empty one."""
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    found = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
    return None if found is None else str(found)


def upgrade(connection: sa.Connection) -> None:
    """Bring the database to `HEAD` inside the caller's transaction.

    Raises InputError where the database has a revision that this version of ecopark does not know.
    """
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", Path(__file__).parent.as_posix().replace("%", "%%"))
    config.attributes["connection"] = connection
    found = revision(connection)
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if found is not None and found not in known:
        raise InputError(
            [
                Problem(
                    "database_newer",
                    "ecopark.toml, database",
                    N_("The database has revision {found}; this version of ecopark knows up to {head}."),
                    N_("Open it with a newer version of ecopark."),
                    {"found": found, "head": HEAD},
                )
            ]
        )
    command.upgrade(config, HEAD)
