"""What a workspace answers about the metabolism: each result is drawn once per state of the record and stored."""

from __future__ import annotations

import hashlib
import importlib
import json
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import polars as pl

from ecopark.catalogue import Catalogue
from ecopark.model.network import PARK
from ecopark.model.record import Record
from ecopark.model.tables import ACTUAL
from ecopark.storage.changesets import Changeset
from ecopark.storage.runs import Runs
from ecopark.storage.store import Store

if TYPE_CHECKING:
    from ecopark.accounting.result import Inventory
    from ecopark.metabolism.balances.balances import Balances
    from ecopark.metabolism.burdens.burden_shifting import BurdenShift
    from ecopark.metabolism.burdens.burdens import Burdens
    from ecopark.metabolism.changes.causes import Causes
    from ecopark.metabolism.changes.dynamics import Change
    from ecopark.metabolism.changes.trend import Trend
    from ecopark.metabolism.flows import LayeredFlows, Level, Resolution
    from ecopark.metabolism.indicators.indicators import Indicators
    from ecopark.metabolism.indicators.nexus import Nexus
    from ecopark.metabolism.reconciliation.result import Reconciliation
    from ecopark.metabolism.result import Result
    from ecopark.metabolism.tracing.burden_network import Key
    from ecopark.metabolism.tracing.cycling import Cycling
    from ecopark.metabolism.tracing.pathways import Direction, Pathways
    from ecopark.metabolism.tracing.tracing import Trace
    from ecopark.metabolism.value_flow.value_flow import ValueFlow

_ResultT = TypeVar("_ResultT", bound="Result")
_KEPT = 48
INVENTORY = "park-ghg"
"""The scheme whose inventory gives the greenhouse gases of traces and burdens."""

ENGINES: Mapping[str, str] = {
    "balance": "ecopark.metabolism.balances.balances:Balances",
    "reconciliation": "ecopark.metabolism.reconciliation.result:Reconciliation",
    "trace": "ecopark.metabolism.tracing.tracing:Trace",
    "pathways": "ecopark.metabolism.tracing.pathways:Pathways",
    "cycling": "ecopark.metabolism.tracing.cycling:Cycling",
    "value_flow": "ecopark.metabolism.value_flow.value_flow:ValueFlow",
    "indicators": "ecopark.metabolism.indicators.indicators:Indicators",
    "nexus": "ecopark.metabolism.indicators.nexus:Nexus",
    "burdens": "ecopark.metabolism.burdens.burdens:Burdens",
    "burden_shift": "ecopark.metabolism.burdens.burden_shifting:BurdenShift",
    "change": "ecopark.metabolism.changes.dynamics:Change",
    "causes": "ecopark.metabolism.changes.causes:Causes",
    "trend": "ecopark.metabolism.changes.trend:Trend",
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

    if TYPE_CHECKING:

        @property
        def years(self) -> list[int]:
            """Years with flows (see `Workspace`)."""

        def inventory(self, year: int, scheme: str, boundary: str = PARK, scenario: str = ACTUAL) -> Inventory:
            """An inventory (see `Workspace`)."""

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
        from ecopark.metabolism.balances.balances import Balances, draw_balances

        settings = {
            "year": year, "month": month, "boundary": boundary, "scenario": scenario, "resolution": resolution,
        }  # fmt: skip

        def draw() -> Balances:
            layered = self.layered(year, month=month, boundary=boundary, scenario=scenario, resolution=resolution)
            return draw_balances(layered, self.catalogue)

        return self._result(Balances, settings, draw)

    def reconcile(
        self,
        year: int,
        *,
        month: int | None = None,
        boundary: str = PARK,
        scenario: str = ACTUAL,
        layers: Sequence[str] | None = None,
        level: Level = "firm",
        significance: float = 0.05,
        assumed: Mapping[str, float] | None = None,
        contents: bool = True,
    ) -> Reconciliation:
        """Return the amounts adjusted until all balances that can be tested hold, with the tests; nothing is written.

        Flows of an earlier reconciliation do not count as measurements. See `reconciliation.reconcile` for the options.
        """
        from ecopark.metabolism.flows import layered_flows
        from ecopark.metabolism.reconciliation.reconcile import reconcile, without_reconciled
        from ecopark.metabolism.reconciliation.result import Reconciliation

        settings = {
            "year": year, "month": month, "boundary": boundary, "scenario": scenario, "level": level,
            "layers": list(layers) if layers is not None else None, "significance": significance,
            "assumed": dict(assumed) if assumed else None, "contents": contents,
        }  # fmt: skip

        def draw() -> Reconciliation:
            layered = layered_flows(
                without_reconciled(self.record), self.catalogue, year, month=month, boundary=boundary, scenario=scenario
            )
            return reconcile(
                layered, self.catalogue, layers=layers, level=level, significance=significance, assumed=assumed,
                contents=contents,
            )  # fmt: skip

        return self._result(Reconciliation, settings, draw)

    def apply_reconciliation(self, found: Reconciliation, reason: str = "") -> Changeset | None:
        """Write a reconciliation's flows beside the raw ones as a change; None where nothing differs.

        Flows that an earlier reconciliation of the period wrote and this one does not give are taken out. InputError
        where the record has changed since the reconciliation was drawn.
        """
        from datetime import date

        from ecopark.storage.changesets import Changes

        run = self.runs.get(found.run or "")
        record = self.record
        rows = found.as_flows(record)
        start, end = (date.fromisoformat(found.settings[name]) for name in ("start", "end"))
        earlier = record.flows.filter(
            (pl.col("method") == "reconciled")
            & (pl.col("scenario") == found.settings["scenario"])
            & (pl.col("period_start") >= start)
            & (pl.col("period_end") <= end)
            & ~pl.col("id").is_in(rows["id"].implode())
        )
        return self.store.apply(
            Changes({"flows": rows}, {"flows": earlier.select("id")} if earlier.height else {}),
            action="reconcile", reason=reason, expected_version=run.record_version,
        )  # fmt: skip

    def trace(
        self, year: int, *, boundary: str = PARK, scenario: str = ACTUAL, level: Level = "firm", key: Key = "auto"
    ) -> Trace:
        """Return the carbon, energy, water and money embodied in every good of every firm (or process) of a year.

        Carbon enters as the inventory under park-ghg counts it: scope 1 at each firm, scopes 2 and 3 with what is
        bought. `level` "process" or "node" needs the emissions of a firm at its own node.
        """
        from ecopark.metabolism.tracing.tracing import Trace, trace
        from ecopark.metabolism.tracing.tracing_upstream import direct_emissions, upstream_emissions, upstream_nexus

        settings = {"year": year, "boundary": boundary, "scenario": scenario, "level": level, "key": key}

        def draw() -> Trace:
            inventory = self.inventory(year, INVENTORY, boundary, scenario)
            behind = upstream_nexus(self.nexus(year, boundary=boundary, scenario=scenario))
            return trace(
                self.layered(year, boundary=boundary, scenario=scenario), direct=direct_emissions(inventory),
                upstream=pl.concat([upstream_emissions(inventory, self.record.streams), behind]), key=key, level=level,
            )  # fmt: skip

        return self._result(Trace, settings, draw)

    def follow(
        self,
        year: int,
        layer: str,
        direction: Direction = "upstream",
        *,
        stream: str | None = None,
        node: str | None = None,
        commodity: str | None = None,
        month: int | None = None,
        boundary: str = PARK,
        scenario: str = ACTUAL,
        level: Level = "node",
        paths: int = 10,
    ) -> Pathways:
        """Return where a stream, a node's or all of a commodity comes from or goes to in a layer, with shares."""
        from ecopark.metabolism.tracing.pathways import Pathways, follow

        asked = {"stream": stream, "node": node, "commodity": commodity}
        settings = {
            "year": year, "month": month, "layer": layer, "direction": direction, **asked, "boundary": boundary,
            "scenario": scenario, "level": level, "paths": paths,
        }  # fmt: skip

        def draw() -> Pathways:
            layered = self.layered(year, month=month, boundary=boundary, scenario=scenario, layers=[layer])
            return follow(layered, layer, direction, **asked, level=level, paths=paths)

        return self._result(Pathways, settings, draw)

    def cycling(
        self, year: int, layer: str, *, boundary: str = PARK, scenario: str = ACTUAL, level: Level = "node"
    ) -> Cycling:
        """Return Finn's cycling index of a layer."""
        from ecopark.metabolism.tracing.cycling import Cycling, cycling

        settings = {"year": year, "layer": layer, "boundary": boundary, "scenario": scenario, "level": level}
        return self._result(
            Cycling,
            settings,
            lambda: cycling(
                self.layered(year, boundary=boundary, scenario=scenario, layers=[layer]), layer, level=level
            ),
        )

    def value_flow(self, year: int, *, boundary: str = PARK, scenario: str = ACTUAL, key: str = "mass") -> ValueFlow:
        """Return the costs in products and losses of every process and waste stream (material-flow cost accounting)."""
        from ecopark.metabolism.value_flow.value_flow import ValueFlow, draw_value_flow

        settings = {"year": year, "boundary": boundary, "scenario": scenario, "key": key}
        return self._result(
            ValueFlow,
            settings,
            lambda: draw_value_flow(
                self.layered(year, boundary=boundary, scenario=scenario), self.record, self.catalogue, key=key
            ),
        )

    def metabolism_indicators(self, year: int, *, boundary: str = PARK, scenario: str = ACTUAL) -> Indicators:
        """Return carbon efficiency, E factor, symbiosis index and the other indicators of every node."""
        from ecopark.metabolism.indicators.indicators import Indicators, draw_indicators

        settings = {"year": year, "boundary": boundary, "scenario": scenario}
        return self._result(
            Indicators,
            settings,
            lambda: draw_indicators(self.layered(year, boundary=boundary, scenario=scenario), self.record),
        )

    def nexus(self, year: int, *, boundary: str = PARK, scenario: str = ACTUAL) -> Nexus:
        """Return direct and embodied water of energy and energy of water."""
        from ecopark.metabolism.indicators.nexus import Nexus, draw_nexus

        settings = {"year": year, "boundary": boundary, "scenario": scenario}
        return self._result(
            Nexus,
            settings,
            lambda: draw_nexus(self.layered(year, boundary=boundary, scenario=scenario), self.record, self.catalogue),
        )

    def burdens(
        self,
        year: int,
        *,
        boundary: str = PARK,
        scenario: str = ACTUAL,
        categories: Sequence[str] | None = None,
        background: str | Path | None = None,
        mapping: str | Path | None = None,
    ) -> Burdens:
        """Return the life-cycle burdens of a year by impact category, node and stage.

        `background` is a Brightway matrix package or openLCA JSON-LD (a folder or a zip), `mapping` the CSV that says
        which of its products stands for which commodity; without them the catalogue's upstream factors count.
        InputError for files that cannot be read, with all that is wrong with them.
        """
        from ecopark.metabolism.burdens.background import background_for, file_state
        from ecopark.metabolism.burdens.burdens import Burdens, draw_burdens

        files = [file_state(path) for path in (background, mapping) if path is not None]
        settings = {
            "year": year, "boundary": boundary, "scenario": scenario, "files": files,
            "categories": list(categories) if categories else None,
        }  # fmt: skip

        def draw() -> Burdens:
            record = self.record
            return draw_burdens(
                self.layered(year, boundary=boundary, scenario=scenario), record, self.catalogue,
                inventory=self.inventory(year, INVENTORY, boundary, scenario), categories=categories,
                background=background_for(background, mapping, record, self.catalogue),
            )  # fmt: skip

        return self._result(Burdens, settings, draw)

    def burden_shift(self, before: Burdens, after: Burdens) -> BurdenShift:
        """Return which impact categories got worse while others got better between two states, and where."""
        from ecopark.metabolism.burdens.burden_shifting import BurdenShift, compare_burdens

        settings = {"before": before.run, "after": after.run}
        return self._result(BurdenShift, settings, lambda: compare_burdens(before, after))

    def changes(
        self,
        before: int,
        after: int,
        layer: str,
        *,
        node: str = "",
        boundary: str = PARK,
        scenario: str = ACTUAL,
        level: Level = "firm",
    ) -> Change:
        """Return what changed in a layer from one year to another, and which few streams explain most of it."""
        from ecopark.metabolism.changes.dynamics import Change, compare_periods

        settings = {
            "before": before, "after": after, "layer": layer, "node": node, "boundary": boundary,
            "scenario": scenario, "level": level,
        }  # fmt: skip

        def draw() -> Change:
            first, second = (
                self.layered(year, boundary=boundary, scenario=scenario, layers=[layer]) for year in (before, after)
            )
            return compare_periods(first, second, layer, node=node, level=level)

        return self._result(Change, settings, draw)

    def trend(
        self,
        years: Sequence[int],
        layer: str,
        *,
        resolution: Resolution = "period",
        boundary: str = PARK,
        scenario: str = ACTUAL,
        level: Level = "firm",
    ) -> Trend:
        """Return what goes in and out of every firm in a layer, year by year or (resolution "month") month by month."""
        from ecopark.metabolism.changes.trend import Trend, draw_trend

        settings = {
            "years": list(years), "layer": layer, "resolution": resolution, "boundary": boundary,
            "scenario": scenario, "level": level,
        }  # fmt: skip

        def draw() -> Trend:
            networks = [
                self.layered(year, boundary=boundary, scenario=scenario, layers=[layer], resolution=resolution)
                for year in years
            ]
            return draw_trend(networks, layer, level=level)

        return self._result(Trend, settings, draw)

    def causes(
        self,
        before: int,
        after: int,
        layer: str,
        subject: str,
        *,
        boundary: str = PARK,
        scenario: str = ACTUAL,
        level: Level = "node",
    ) -> Causes:
        """Return the likeliest sources and causes of a substance's rise in a stream or node between two years."""
        from ecopark.metabolism.changes.causes import Causes, likely_causes

        settings = {
            "before": before, "after": after, "layer": layer, "subject": subject, "boundary": boundary,
            "scenario": scenario, "level": level,
        }  # fmt: skip

        def draw() -> Causes:
            def network(year: int, resolution: Resolution) -> LayeredFlows:
                return self.layered(year, boundary=boundary, scenario=scenario, layers=[layer], resolution=resolution)

            months = [network(year, "month") for year in range(before, after + 1) if year in self.years]
            return likely_causes(
                network(before, "period"), network(after, "period"), layer, subject, months=months, level=level
            )

        return self._result(Causes, settings, draw)


def _factor_versions(frames: Mapping[str, pl.DataFrame]) -> dict[str, str]:
    """Return the factors in a result's parameters with the version (or set) of each."""
    parameters = frames.get("parameters")
    if parameters is None or parameters.is_empty():
        return {}
    used = parameters.select("factor", "version", "set").unique()
    return {factor: version or name for factor, version, name in used.iter_rows()}
