"""Write a new migration: `python -m ecopark.storage.migrations "what changes"`.

Compares the tables of `ecopark.storage.schema` with a database at the newest revision and writes the difference as a
new revision file, to be read, corrected and committed, with `HEAD` in `__init__.py` moved to it.
"""

from __future__ import annotations

import sys
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from ecopark.storage.migrations import HEAD, upgrade


def main(message: str) -> None:
    """Write the revision file."""
    config = Config()
    config.set_main_option("script_location", Path(__file__).parent.as_posix().replace("%", "%%"))
    engine = sa.create_engine("sqlite://")
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        if HEAD:
            upgrade(connection)
        command.revision(config, message, autogenerate=True, rev_id=f"{int(HEAD or 0) + 1:04d}")


if __name__ == "__main__":
    main(" ".join(sys.argv[1:]))
