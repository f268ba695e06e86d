"""Files of a background system, read from a folder or a zip alike."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ecopark.metabolism.burdens.background.system import background_problem
from ecopark.model.problems import InputError
from ecopark.translation import N_

MOST_BYTES = 4 * 2**30
"""A single file inside a package larger than this is refused rather than unpacked."""


@dataclass(frozen=True)
class Package:
    """A folder or a zip file; `names` are its files with paths relative to it, sorted."""

    path: Path
    names: tuple[str, ...]

    @classmethod
    def open(cls, path: str | Path) -> Package:
        """Return the package at `path`; InputError where there is none or it is no zip."""
        place = Path(path)
        if place.is_dir():
            names = (str(PurePosixPath(*file.relative_to(place).parts)) for file in place.rglob("*") if file.is_file())
            return cls(place, tuple(sorted(names)))
        if place.is_file() and zipfile.is_zipfile(place):
            with zipfile.ZipFile(place) as archive:
                return cls(place, tuple(sorted(name for name in archive.namelist() if not name.endswith("/"))))
        raise InputError([
            background_problem(
                "background_file", str(path),
                N_("There is no folder or zip file of a life-cycle database here."),
                N_("Give the folder or the .zip file as the program exported it."),
            )
        ])  # fmt: skip

    def read(self, name: str) -> bytes:
        """Return a file's bytes; KeyError where there is none of that name."""
        if name not in self.names:
            raise KeyError(name)
        if self.path.is_dir():
            return (self.path / name).read_bytes()
        with zipfile.ZipFile(self.path) as archive:
            self._check(archive.getinfo(name))
            return archive.read(name)

    def read_all(self, names: list[str]) -> Iterator[tuple[str, bytes]]:
        """Yield names with their bytes, opening a zip once."""
        if self.path.is_dir():
            for name in names:
                yield name, (self.path / name).read_bytes()
            return
        with zipfile.ZipFile(self.path) as archive:
            for name in names:
                self._check(archive.getinfo(name))
                yield name, archive.read(name)

    def _check(self, member: zipfile.ZipInfo) -> None:
        if member.file_size > MOST_BYTES:
            raise InputError([
                background_problem(
                    "background_size", f"{self.path.name}: {member.filename}",
                    N_("This file unpacks to more than 4 GiB."), N_("Export a smaller part of the database."),
                )
            ])  # fmt: skip
