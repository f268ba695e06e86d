"""Stored results: every run of an engine with what it rests on, so that an old number can be shown and explained."""

from __future__ import annotations

import hashlib
import io
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl
import sqlalchemy as sa

from ecopark.model.problems import InputError, Problem
from ecopark.storage.database import writing
from ecopark.storage.schema import result_frames, results
from ecopark.storage.times import now
from ecopark.translation import N_

if TYPE_CHECKING:
    from ecopark.storage.store import Store


@dataclass(frozen=True, slots=True)
class Run:
    """One stored run, without its frames (see `Runs.frames`).

    `id` is ``R1``, ``R2`` …; `inputs_hash` stands for everything that went in; `record_version` is the changeset the
    record was at; `factor_versions` maps a factor's id to its version; `outcome` is what the engine concluded, as
    JSON. `restates` names the run that this one replaces, with its `reason`; `restated_by` the run that replaced it.
    """

    id: str
    engine: str
    created: str
    author: str
    inputs_hash: str
    record_version: int
    catalogue_version: str
    factor_versions: Mapping[str, str]
    settings: Mapping[str, Any]
    outcome: Mapping[str, Any]
    restates: str | None
    reason: str | None
    restated_by: str | None


@dataclass(frozen=True, slots=True)
class Runs:
    """The stored runs of one workspace. Nothing here is ever changed or deleted."""

    store: Store

    def save(
        self,
        *,
        engine: str,
        inputs_hash: str,
        settings: Mapping[str, Any],
        catalogue_version: str,
        factor_versions: Mapping[str, str],
        outcome: Mapping[str, Any],
        frames: Mapping[str, pl.DataFrame],
        record_version: int | None = None,
        author: str | None = None,
        restates: str | None = None,
        reason: str | None = None,
    ) -> Run:
        """Store a run and its `frames` (each as Parquet) in one transaction.

        `restates` names an older run that this one replaces; that needs a `reason`, and both are kept. Raises
        InputError where the restated run does not exist, is restated already (restate its successor instead), or no
        reason is given.
        """
        blobs = {name: _parquet(frame) for name, frame in frames.items()}
        with writing(self.store.engine) as connection:
            replaced = self._restated(connection, restates, reason)
            version = self.store.version_of(connection) if record_version is None else record_version
            inserted = connection.execute(
                sa.insert(results).values(
                    engine=engine, created=now(), author=author or self.store.author, inputs_hash=inputs_hash,
                    record_version=version, catalogue_version=catalogue_version,
                    factor_versions=dict(factor_versions), settings=dict(settings), outcome=dict(outcome),
                    restates=replaced, reason=reason.strip() if reason else None,
                )
            )  # fmt: skip
            key = inserted.inserted_primary_key
            assert key is not None
            if blobs:
                rows = [{"run": key[0], "name": name, "parquet": blob} for name, blob in blobs.items()]
                connection.execute(sa.insert(result_frames), rows)
        return self.get(f"R{key[0]}")

    def get(self, run: str) -> Run:
        """Return a run by its id; InputError where there is none."""
        found = self._select(results.c.number == _number(run))
        if not found:
            raise _unknown(run)
        return found[0]

    def find(self, engine: str, inputs_hash: str) -> Run | None:
        """Return the newest run of `engine` over these inputs, None where there is none."""
        found = self._select(results.c.engine == engine, results.c.inputs_hash == inputs_hash)
        return found[0] if found else None

    def list_runs(self, engine: str | None = None, limit: int | None = None) -> list[Run]:
        """Return the runs (of one engine), newest first."""
        return self._select(*([results.c.engine == engine] if engine else []), limit=limit)

    def frames(self, run: str, *names: str) -> dict[str, pl.DataFrame]:
        """Return the frames of a run by name (all, or those named); KeyError for a name it has not."""
        number = _number(run)
        select = sa.select(result_frames.c.name, result_frames.c.parquet).where(result_frames.c.run == number)
        if names:
            select = select.where(result_frames.c.name.in_(names))
        with self.store.engine.connect() as connection:
            found = {name: pl.read_parquet(io.BytesIO(blob)) for name, blob in connection.execute(select)}
        return {name: found[name] for name in names} if names else found

    def successors(self, run: str) -> list[Run]:
        """Return the chain of restatements of a run, the present one last; empty where it stands."""
        chain: list[Run] = []
        following = self.get(run).restated_by
        while following is not None:
            chain.append(self.get(following))
            following = chain[-1].restated_by
        return chain

    def _select(self, *conditions: sa.ColumnElement[bool], limit: int | None = None) -> list[Run]:
        later = results.alias("later")
        select = (
            sa.select(results, later.c.number.label("restated_by"))
            .outerjoin(later, later.c.restates == results.c.number)
            .where(*conditions)
            .order_by(results.c.number.desc())
        )
        if limit is not None:
            select = select.limit(limit)
        with self.store.engine.connect() as connection:
            rows = [dict(row) for row in connection.execute(select).mappings()]
        return [
            Run(
                id=f"R{row.pop('number')}",
                restates=_name(row.pop("restates")),
                restated_by=_name(row.pop("restated_by")),
                **row,
            )
            for row in rows
        ]

    def _restated(self, connection: sa.Connection, restates: str | None, reason: str | None) -> int | None:
        if restates is None:
            return None
        number = _number(restates)
        if connection.execute(sa.select(results.c.number).where(results.c.number == number)).scalar() is None:
            raise _unknown(restates)
        successor = connection.execute(sa.select(results.c.number).where(results.c.restates == number)).scalar()
        if successor is not None:
            raise InputError(
                [
                    Problem(
                        "run_restated_already",
                        restates,
                        N_("{run} has been restated by {successor} already."),
                        N_("Restate {successor} instead."),
                        {"run": restates, "successor": f"R{successor}"},
                    )
                ]
            )
        if not (reason or "").strip():
            raise InputError(
                [
                    Problem(
                        "reason_missing",
                        restates,
                        N_("No reason is given."),
                        N_("Say why: the reason stays in the history."),
                    )
                ]
            )
        return number


def inputs_hash(
    tables: Mapping[str, pl.DataFrame], settings: Mapping[str, Any], catalogue_version: str, engine: str
) -> str:
    """Return a hash of everything a run rests on, the same whatever the order of the rows.

    `tables` are the frames that go in (of the record), `settings` anything that JSON can hold.
    """
    digest = hashlib.sha256(json.dumps([engine, catalogue_version, settings], sort_keys=True, default=str).encode())
    for name in sorted(tables):
        frame = tables[name]
        digest.update(f"{name}:{','.join(frame.columns)}".encode())
        digest.update(frame.sort(frame.columns, nulls_last=True).write_csv(include_header=False).encode())
    return digest.hexdigest()


def _parquet(frame: pl.DataFrame) -> bytes:
    buffer = io.BytesIO()
    # level 1 without statistics: a run of two million lines is written in a third of the time, at the same size
    frame.write_parquet(buffer, compression="zstd", compression_level=1, statistics=False)
    return buffer.getvalue()


def _number(run: str) -> int:
    match = re.fullmatch(r"R([1-9]\d{0,17})", run.strip())
    if match is None:
        raise _unknown(run)
    return int(match[1])


def _name(number: int | None) -> str | None:
    return None if number is None else f"R{number}"


def _unknown(run: str) -> InputError:
    return InputError(
        [
            Problem(
                "run_unknown",
                run,
                N_("There is no run {run}."),
                N_("`ecopark runs` lists the stored runs, such as R1."),
                {"run": run},
            )
        ]
    )
