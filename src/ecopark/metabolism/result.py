"""What every result of this room has: settings, names, remarks, a reference for each number, and a stored form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, ClassVar, Self

import polars as pl

from ecopark.accounting.explanation import Explanation
from ecopark.accounting.result import Remark

NAME_KINDS = ("node", "commodity", "layer", "activity", "disposition", "symbol", "indicator", "category")
"""Kinds of things that have names; `names` is keyed by "kind:id"."""


def name_in(names: Mapping[str, tuple[str, str]], identity: str, language: str, kind: str = "") -> str:
    """Return the name in `language` of something, or its id; without a `kind` the kinds are tried in order."""
    kinds = (kind,) if kind else NAME_KINDS
    zh, en = next((pair for k in kinds if (pair := names.get(f"{k}:{identity}"))), ("", ""))
    first, second = (zh, en) if language == "zh" else (en, zh)
    return first or second or identity


@dataclass(frozen=True, eq=False, kw_only=True)
class Result:
    """A result: frames and numbers as fields of the subclass, with what they were made from.

    `settings` (plain data) say of what: year, month, boundary, scenario, layer and the engine's own. `names` maps
    "kind:id" to (Chinese, English), `sources` a source or evidence id to its titles. `run` is the run it is stored as.
    """

    engine: ClassVar[str] = ""

    settings: Mapping[str, Any]
    names: Mapping[str, tuple[str, str]]
    sources: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    remarks: Sequence[Remark] = ()
    run: str | None = None

    def name(self, identity: str, language: str, kind: str = "") -> str:
        """Return the name in `language` of a node, commodity, layer …, or its id."""
        return name_in(self.names, identity, language, kind)

    def both(self, identity: str, kind: str = "") -> tuple[str, str]:
        """Return the Chinese and the English name."""
        return self.name(identity, "zh", kind), self.name(identity, "en", kind)

    def source_titles(self, source: str) -> tuple[str, str]:
        """Return the titles of a source or piece of evidence; its text as it stands where it is none of the listed."""
        return self.sources.get(source, (source, source))

    def with_run(self, run: str) -> Self:
        """Return the same result carrying the id of the run under which it is stored."""
        return replace(self, run=run)

    def reference(self, key: str) -> str:
        """Return the reference under which a number of this result is explained."""
        return f"{self.run}-{key}" if self.run else key

    def explain(self, key: str) -> Explanation:
        """Return where the number called `key` comes from; KeyError for a key that names nothing here."""
        raise KeyError(f"no number {key!r}")

    def to_json(self) -> dict[str, Any]:
        """Return the result as plain data: settings, remarks, and every frame as rows."""
        data: dict[str, Any] = {"engine": self.engine, "run": self.run, "settings": dict(self.settings)}
        for item in fields(self):
            value = getattr(self, item.name)
            if item.name in ("settings", "names", "sources", "run"):
                continue
            if item.name == "remarks":
                data["remarks"] = [
                    {"code": r.code, "severity": r.severity, "zh": r.text("zh"), "en": r.text("en")} for r in value
                ]
            else:
                data[item.name] = value.to_dicts() if isinstance(value, pl.DataFrame) else value
        return data

    def to_store(self) -> tuple[dict[str, Any], dict[str, pl.DataFrame]]:
        """Return what to store: an outcome that JSON can hold, and the frames by name."""
        outcome: dict[str, Any] = {}
        frames: dict[str, pl.DataFrame] = {}
        for item in fields(self):
            value = getattr(self, item.name)
            if isinstance(value, pl.DataFrame):
                frames[item.name] = value
            elif item.name == "remarks":
                outcome["remarks"] = [asdict(remark) for remark in value]
            elif item.name in ("names", "sources"):
                outcome[item.name] = {key: list(pair) for key, pair in value.items()}
            elif item.name != "run":
                outcome[item.name] = dict(value) if isinstance(value, Mapping) else value
        return outcome, frames

    @classmethod
    def from_store(cls, run: str, outcome: Mapping[str, Any], frames: Mapping[str, pl.DataFrame]) -> Self:
        """Return the result that `to_store` gave, carrying the id of its run."""
        values: dict[str, Any] = dict(outcome) | dict(frames)
        values["remarks"] = tuple(Remark(**data) for data in outcome.get("remarks", ()))
        for name in ("names", "sources"):
            values[name] = {key: (pair[0], pair[1]) for key, pair in outcome.get(name, {}).items()}
        known = {item.name for item in fields(cls)}
        return cls(**{name: value for name, value in values.items() if name in known}, run=run)
