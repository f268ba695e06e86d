"""The settings of a workspace: the file `ecopark.toml` in its folder."""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass
from pathlib import Path

from ecopark.model.problems import InputError, Problem
from ecopark.translation import LANGUAGES, N_, default_language

FILE_NAME = "ecopark.toml"
DEFAULT_DATABASE = "sqlite:///park.sqlite"


@dataclass(frozen=True, slots=True)
class Settings:
    """What a workspace says about itself.

    `database` is an SQLAlchemy URL (a relative SQLite path is relative to the workspace's folder), `language` the
    language of its output, `year` the accounting year used where none is given (None: the last year with flows).
    """

    database: str = DEFAULT_DATABASE
    language: str = "zh"
    year: int | None = None

    @classmethod
    def default(cls) -> Settings:
        """Settings for a new workspace: SQLite, this process's language, no year."""
        return cls(language=default_language())

    @classmethod
    def load(cls, folder: Path) -> Settings:
        """Read the settings of the workspace in `folder`.

        Raises InputError where the file is missing, is not TOML, or holds an unknown name or a value of the wrong
        type; all faults at once.
        """
        file = folder / FILE_NAME
        if not file.is_file():
            raise InputError(
                [
                    Problem(
                        "workspace_missing",
                        folder.as_posix(),
                        N_("This folder is not a workspace: it has no {file}."),
                        N_("Create one with `ecopark init {folder}`, or name the right folder."),
                        {"file": FILE_NAME, "folder": folder.as_posix()},
                    )
                ]
            )
        try:
            values = tomllib.loads(file.read_text(encoding="utf-8-sig"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise InputError(
                [
                    Problem(
                        "settings_unreadable",
                        FILE_NAME,
                        N_("The settings cannot be read: {error}."),
                        N_("Correct the file; each line is `name = value` as in TOML, in UTF-8."),
                        {"error": str(error)},
                    )
                ]
            ) from error
        problems = _check(values)
        if problems:
            raise InputError(problems)
        return cls(**values)

    def save(self, folder: Path) -> None:
        """Write the settings into `folder`, replacing the file as a whole."""
        lines = [f"database = {json.dumps(self.database, ensure_ascii=False)}", f'language = "{self.language}"']
        if self.year is not None:
            lines.append(f"year = {self.year}")
        temporary = folder / (FILE_NAME + ".part")
        temporary.write_text("\n".join(lines) + "\n", encoding="utf-8")
        temporary.replace(folder / FILE_NAME)


def _check(values: dict[str, object]) -> list[Problem]:
    problems = []
    known: dict[str, type] = {"database": str, "language": str, "year": int}
    for name, value in values.items():
        if name not in known:
            problems.append(
                Problem(
                    "settings_unknown",
                    f"{FILE_NAME}, {name}",
                    N_("There is no setting {name}."),
                    N_("Remove it; the settings are {known}."),
                    {"name": name, "known": ", ".join(known)},
                )
            )
        elif type(value) is not known[name] or (name == "language" and value not in LANGUAGES):
            problems.append(
                Problem(
                    "settings_value",
                    f"{FILE_NAME}, {name}",
                    N_("{value} is not a value of {name}."),
                    N_("Give {expected}."),
                    {
                        "value": repr(value),
                        "name": name,
                        "expected": " | ".join(LANGUAGES) if name == "language" else known[name].__name__,
                    },
                )
            )
    return problems
