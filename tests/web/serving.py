"""Workspaces made from the examples, and a real server over them on a free port."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn

from ecopark.catalogue import load_catalogue
from ecopark.storage.importing import preview_import
from ecopark.storage.settings import Settings
from ecopark.storage.store import Store
from ecopark.web import create_app
from ecopark.workspace import Workspace

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def make_workspace(folder: Path, example: str | None = None) -> Path:
    """Create a workspace, filled from an example folder where one is named."""
    store = Store.create(folder, Settings(), author="tester")
    if example:
        preview = preview_import(store, EXAMPLES / example, load_catalogue())
        assert preview.errors == []
        preview.apply(store, reason="example")
    store.close()
    return folder


@contextmanager
def serving(folder: Path, **options: Any) -> Iterator[str]:
    """Serve a workspace in a thread and give its address."""
    workspace = Workspace.open(folder, author="tester")
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(create_app(workspace, **options), log_level="critical"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    limit = time.monotonic() + 20
    while not server.started and time.monotonic() < limit:
        time.sleep(0.02)
    assert server.started
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(20)
        listener.close()
        workspace.close()
