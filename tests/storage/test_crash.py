"""A process that is killed while it writes leaves the record as it was."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
import sqlalchemy as sa

from ecopark.model.record import Record
from ecopark.storage.changesets import Changes
from ecopark.storage.store import Store

_SCRIPT = textwrap.dedent(
    """
    import sys, time
    import sqlalchemy as sa
    from ecopark.model.record import Record
    from ecopark.storage.changesets import Changes
    from ecopark.storage.store import Store

    folder, moment = sys.argv[1:]
    store = Store.open(folder)

    @sa.event.listens_for(store.engine, "after_cursor_execute")
    def stop(connection, cursor, statement, parameters, context, many):
        if statement.startswith(moment):
            print("in the middle", flush=True)
            time.sleep(60)

    if moment == "DELETE":
        store.undo()
    else:
        store.apply(Changes(rows={"nodes": Record.of(nodes=[
            {"id": f"n{i}", "kind": "firm", "parent": "park"} for i in range(2000)]).nodes}))
    """
)


@pytest.mark.parametrize("moment", ["INSERT INTO nodes", "INSERT INTO audit", "DELETE"])
def test_kill_nine_in_the_middle_changes_nothing(
    sqlite_store: Store, park: Record, tmp_path: Path, moment: str
) -> None:
    """Killed after the rows, after the audit, and within an undo: always all or nothing."""
    sqlite_store.apply(Changes(rows={"nodes": park.nodes}))
    process = subprocess.Popen(
        [sys.executable, "-c", _SCRIPT, str(sqlite_store.folder), moment], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "in the middle\n"
    os.kill(process.pid, signal.SIGKILL)
    process.wait(30)
    process.stdout.close()
    with Store.open(sqlite_store.folder) as store:
        assert store.version == 1
        assert store.record().nodes.equals(park.nodes)
        with store.engine.connect() as connection:
            assert connection.execute(sa.text("PRAGMA integrity_check")).scalar() == "ok"
            assert connection.execute(sa.text("SELECT count(*) FROM audit")).scalar() == park.nodes.height
        assert store.undo().undoes == 1  # and the workspace is not locked
