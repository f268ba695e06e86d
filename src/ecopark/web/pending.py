"""Uploaded workbooks between preview and apply: kept for a while in a temporary folder of this process."""

from __future__ import annotations

import re
import secrets
import shutil
import tempfile
import threading
from collections import OrderedDict
from pathlib import Path
from typing import BinaryIO

KEPT = 8


class Pending:
    """The latest uploads, each under a token that only the reader who uploaded it is told."""

    def __init__(self) -> None:
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._files: OrderedDict[str, Path] = OrderedDict()
        self._versions: dict[str, int] = {}
        self._lock = threading.Lock()

    def keep(self, stream: BinaryIO, name: str) -> tuple[str, Path]:
        """Copy an upload into the folder and return its token and path; the oldest beyond `KEPT` go."""
        token = secrets.token_urlsafe(18)
        safe = re.sub(r"[^\w.\- ]+", "_", Path(name).name).strip("._ ") or "upload.xlsx"
        with self._lock:
            if self._folder is None:
                self._folder = tempfile.TemporaryDirectory(prefix="ecopark-upload-")
            folder = Path(self._folder.name) / token
            folder.mkdir()
        path = folder / safe[-80:]
        with path.open("wb") as copy:
            shutil.copyfileobj(stream, copy, 1 << 20)
        with self._lock:
            self._files[token] = path
            old = list(self._files)[: len(self._files) - KEPT]
        for gone in old:
            self.drop(gone)
        return token, path

    def shown(self, token: str, version: int) -> None:
        """Note the version of the record against which a reader was shown the preview of an upload."""
        with self._lock:
            self._versions[token] = version

    def version(self, token: str) -> int | None:
        """Return the version that the reader was shown a preview against."""
        with self._lock:
            return self._versions.get(token)

    def find(self, token: str) -> Path | None:
        """Return the upload of a token, None where it is gone or never was."""
        with self._lock:
            return self._files.get(token)

    def drop(self, token: str) -> None:
        """Forget an upload and delete its file."""
        with self._lock:
            path = self._files.pop(token, None)
            self._versions.pop(token, None)
        if path is not None:
            shutil.rmtree(path.parent, ignore_errors=True)

    def close(self) -> None:
        """Delete all uploads."""
        with self._lock:
            self._files.clear()
            if self._folder is not None:
                self._folder.cleanup()
                self._folder = None
