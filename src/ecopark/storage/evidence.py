"""The files behind the numbers, kept in the workspace's folder `evidence` under their SHA-256."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import zipfile
from dataclasses import dataclass
from pathlib import Path

from ecopark.model.problems import InputError, Problem
from ecopark.translation import N_

FOLDER = "evidence"
_ZIP_DATE = (1980, 1, 1, 0, 0, 0)


def file_hash(path: Path) -> str:
    """Return the SHA-256 of a file as 64 hexadecimal digits."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


@dataclass(frozen=True, slots=True)
class EvidenceFolder:
    """The kept files of one workspace: each is `<sha256>-<name>`, written once and never changed."""

    folder: Path

    def keep(self, path: Path, name: str | None = None) -> str:
        """Copy the file at `path` here and return its SHA-256; a file that is already here is not written again.

        The copy is on disk before this returns: first a part file, then its final name.
        """
        digest = file_hash(path)
        if self.find(digest) is not None:
            return digest
        self.folder.mkdir(parents=True, exist_ok=True)
        target = self.folder / f"{digest}-{_safe_name(name or path.name)}"
        part = self.folder / f".{digest}.{os.getpid()}.part"
        try:
            with path.open("rb") as source, part.open("wb") as copy:
                shutil.copyfileobj(source, copy, 1 << 20)
                copy.flush()
                os.fsync(copy.fileno())
            if file_hash(part) != digest:
                raise InputError(
                    [
                        Problem(
                            "evidence_changed",
                            path.name,
                            N_("The file was changed while it was being read."),
                            N_("Close it in other programs and import it again."),
                        )
                    ]
                )
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)
        return digest

    def find(self, sha256: str) -> Path | None:
        """Return the kept file with this SHA-256, None where there is none."""
        if not re.fullmatch(r"[0-9a-f]{64}", sha256):
            return None
        return next(iter(self.folder.glob(f"{sha256}-*")), None)

    def files(self) -> list[Path]:
        """Return all kept files by name."""
        return sorted(path for path in self.folder.glob("*") if re.match(r"[0-9a-f]{64}-", path.name))

    def damaged(self) -> list[Path]:
        """Return the kept files whose content no longer has the hash in their name."""
        return [path for path in self.files() if file_hash(path) != path.name[:64]]


def bundle(files: list[Path], root: Path, target: Path) -> Path:
    """Pack `files` (below `root`) into one zip that has the same bytes whenever the files have the same content."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(files):
            entry = zipfile.ZipInfo(file.relative_to(root).as_posix(), _ZIP_DATE)
            entry.compress_type = zipfile.ZIP_DEFLATED
            with file.open("rb") as source, archive.open(entry, "w", force_zip64=True) as copy:
                shutil.copyfileobj(source, copy, 1 << 20)
    return target


def _safe_name(name: str) -> str:
    # Letters of any script stay; what a file system or a shell could read otherwise becomes an underscore.
    cleaned = re.sub(r"[^\w.\-]+", "_", Path(name).name).strip("._") or "file"
    stem, dot, ending = cleaned.rpartition(".")
    return f"{stem[:80]}{dot}{ending[:10]}" if dot else cleaned[:80]
