"""What a workspace answers about the metabolism: each result is drawn once per state of the record and stored."""

from __future__ import annotations

import hashlib
import importlib
import json
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import polars as pl

from ecopark.catalogue import Catalogue
from ecopark.model.network import PARK
from ecopark.model.record import Record
from ecopark.model.tables import ACTUAL
from ecopark.storage.runs import Runs
from ecopark.storage.store import Store

if TYPE_CHECKING:
    from ecopark.metabolism.balances import Balances
    from ecopark.metabolism.flows import LayeredFlows, Resolution
    from ecopark.metabolism.result import Result

_ResultT = TypeVar("_ResultT", bound="Result")
_KEPT = 48

ENGINES: Mapping[str, str] = {
    "balance": "ecopark.metabolism.balances:Balances",
}
"""Engine of a run -> the class of its result."""


def result_class(engine: str) -> type[Result]:
    """Return the class of an engine's results; KeyError for an engine that is not of this room."""
    module, _, name = ENGINES[engine].partition(":")
    found: type[Result] = getattr(importlib.import_module(module), name)
    return found


class MetabolismCalls:
    """The part of `Workspace` that answers about metabolism; see there for the record, the catalogue and the runs."""

    store: Store
    catalogue: Catalogue
    runs: Runs
    _results: OrderedDict[str, Result]

    @property
    def record(self) -> Record:
        """The record as it is now."""
        return self.store.record()

    def stored_result(self, run: str) -> Result:
        """Return the result of a stored run of this room, as it was; InputError for an unknown run."""
        kept = next((result for result in self._results.values() if result.run == run), None)
        if kept is not None:
            return kept
        found = self.runs.get(run)
        return result_class(found.engine).from_store(run, found.outcome, self.runs.frames(run))

    def _result(self, kind: type[_ResultT], settings: Mapping[str, Any], draw: Callable[[], _ResultT]) -> _ResultT:
        """Return the result of `draw`, stored as a run; the stored one where nothing has changed."""
        from ecopark import __version__

        version = self.store.version
        parts = [kind.engine, __version__, self.catalogue.version, version, settings]
        digest = hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
        if (kept := self._results.get(digest)) is not None:
            self._results.move_to_end(digest)
            return kept  # type: ignore[return-value]
        if (run := self.runs.find(kind.engine, digest)) is not None:
            result = kind.from_store(run.id, run.outcome, self.runs.frames(run.id))
        else:
            drawn = draw()
            outcome, frames = drawn.to_store()
            run = self.runs.save(
                engine=kind.engine, inputs_hash=digest, settings=dict(settings),
                catalogue_version=self.catalogue.version, factor_versions=_factor_versions(frames), outcome=outcome,
                frames=frames, record_version=version,
            )  # fmt: skip
            result = drawn.with_run(run.id)
        self._results[digest] = result
        while len(self._results) > _KEPT:
            self._results.popitem(last=False)
        return result

    def layered(
        self,
        year: int,
        *,
        month: int | None = None,
        boundary: str = PARK,
        scenario: str = ACTUAL,
        layers: Sequence[str] | None = None,
        resolution: Resolution = "period",
    ) -> LayeredFlows:
        """Return the effective flows of a year or month as a network in layers."""
        from ecopark.metabolism.flows import layered_flows

        return layered_flows(
            self.record, self.catalogue, year, month=month, boundary=boundary, scenario=scenario, layers=layers,
            resolution=resolution,
        )  # fmt: skip

    def balance(
        self,
        year: int,
        *,
        month: int | None = None,
        boundary: str = PARK,
        scenario: str = ACTUAL,
        resolution: Resolution = "period",
    ) -> Balances:
        """Return the balances of every node in every layer for a year or month, stored as a run.

        `resolution` "month" gives a row for each month of the year. InputError for an unknown boundary or scenario.
        """
        from ecopark.metabolism.balances import Balances, draw_balances

        settings = {
            "year": year, "month": month, "boundary": boundary, "scenario": scenario, "resolution": resolution,
        }  # fmt: skip

        def draw() -> Balances:
            layered = self.layered(year, month=month, boundary=boundary, scenario=scenario, resolution=resolution)
            return draw_balances(layered, self.catalogue)

        return self._result(Balances, settings, draw)


def _factor_versions(frames: Mapping[str, pl.DataFrame]) -> dict[str, str]:
    """Return the factors in a result's parameters with the version (or set) of each."""
    parameters = frames.get("parameters")
    if parameters is None or parameters.is_empty():
        return {}
    used = parameters.select("factor", "version", "set").unique()
    return {factor: version or name for factor, version, name in used.iter_rows()}
