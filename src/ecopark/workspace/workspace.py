"""The park a user opens: load the record, call an engine, keep the result.

Example::

    import ecopark as ep
    park = ep.open("my-park")
    inventory = park.inventory(2019, "zero-carbon-park-2025")
    park.explain(f"{inventory.run}-total")
"""

from __future__ import annotations

import hashlib
import json
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from ecopark.accounting.comparison import Comparison, compare
from ecopark.accounting.consolidation import Consolidation, consolidate
from ecopark.accounting.explanation import Explanation
from ecopark.accounting.inventory import all_commodities, draw_inventory, resolve_boundary
from ecopark.accounting.result import Inventory
from ecopark.accounting.selection import Perspective, place_streams
from ecopark.accounting.stored import (
    ENGINE,
    factor_versions,
    inventory_from_store,
    inventory_to_store,
    recomputed_lines,
)
from ecopark.catalogue import Catalogue, load_catalogue
from ecopark.model.network import PARK, Network
from ecopark.model.record import Record
from ecopark.model.tables import ACTUAL
from ecopark.storage.runs import Run, Runs
from ecopark.storage.store import Store
from ecopark.units import factor
from ecopark.workspace.metabolism import MetabolismCalls

if TYPE_CHECKING:
    from ecopark.accounting.allocation import Allocation

_KEPT = 32


@dataclass(frozen=True, slots=True)
class Replay:
    """A stored run worked out anew from its own stored amounts and factors: both headline totals."""

    run: Run
    stored: float
    recomputed: float
    unit: str


@dataclass(frozen=True, slots=True)
class Reported:
    """A year's emissions calculated by a scheme beside what the operator reported, for one node.

    `calculated` is None where the record holds no flows for the year; `complete` says whether it is a total.
    """

    node: str
    year: int
    reported: float
    unit: str
    calculated: float | None
    complete: bool
    reference: str
    evidence: str

    @property
    def ratio(self) -> float | None:
        """Calculated over reported, or None."""
        return None if self.calculated is None or not self.reported else self.calculated / self.reported


class Workspace(MetabolismCalls):
    """A workspace folder with the engines at hand. Results are stored as runs; one input gives one run."""

    def __init__(self, store: Store, catalogue: Catalogue | None = None) -> None:
        self.store = store
        self.catalogue = catalogue or load_catalogue()
        self.runs = Runs(store)
        self._kept: OrderedDict[str, Inventory] = OrderedDict()
        self._results = OrderedDict()

    @classmethod
    def open(cls, folder: str | Path, author: str | None = None) -> Workspace:
        """Open the workspace in `folder`; InputError where it is none."""
        return cls(Store.open(folder, author))

    def close(self) -> None:
        """Close the database."""
        self.store.close()

    @property
    def version(self) -> int:
        """The record's version: the number of the last change."""
        return self.store.version

    @property
    def network(self) -> Network:
        """The record's tree of nodes."""
        return Network(self.record)

    @property
    def name(self) -> tuple[str, str]:
        """The park's Chinese and English name (the folder's name where the record has no park yet)."""
        parks = self.network.parks
        if not parks:
            return self.store.folder.name, self.store.folder.name
        row = self.record.nodes.filter(pl.col("id") == parks[0]).row(0, named=True)
        return row["name_zh"] or row["name_en"] or parks[0], row["name_en"] or row["name_zh"] or parks[0]

    @property
    def synthetic(self) -> bool:
        """Whether the park says of itself (name or note) that its data are synthetic."""
        rows = self.record.nodes.filter(pl.col("id").is_in(self.network.parks))
        texts = [text for name in ("name_zh", "name_en", "note") for text in rows[name] if text]
        return any("synthetic" in text.lower() or "合成" in text or "虚构" in text for text in texts)

    @property
    def years(self) -> list[int]:
        """Calendar years in which the record has flows, oldest first."""
        flows = self.record.flows.filter(pl.col("scenario") == ACTUAL)
        years = pl.concat([flows["period_start"].dt.year(), flows["period_end"].dt.offset_by("-1d").dt.year()])
        return [int(year) for year in years.unique().sort()]

    def inventory(
        self,
        year: int,
        scheme: str,
        boundary: str = PARK,
        scenario: str = ACTUAL,
        *,
        perspective: Perspective = "park",
        **options: str,
    ) -> Inventory:
        """Return the inventory of a year under a scheme, stored as a run (the old one where nothing has changed)."""
        chosen = self.catalogue.scheme(scheme).chosen(options)
        settings = {
            "year": year, "scheme": scheme, "boundary": boundary, "scenario": scenario, "perspective": perspective,
            "options": chosen,
        }  # fmt: skip
        return self._inventory(settings)

    def _inventory(self, settings: Mapping[str, Any]) -> Inventory:
        version = self.version
        digest = self._hash(settings, version)
        if digest in self._kept:
            self._kept.move_to_end(digest)
            return self._kept[digest]
        if (run := self.runs.find(ENGINE, digest)) is not None:
            return self._keep(digest, self.stored(run.id))
        inventory = self._draw(settings)
        run = self._save(inventory, settings, digest, version)
        return self._keep(digest, inventory.with_run(run.id))

    def _hash(self, settings: Mapping[str, Any], version: int) -> str:
        from ecopark import __version__

        text = json.dumps([ENGINE, __version__, self.catalogue.version, version, settings], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    def _keep(self, digest: str, inventory: Inventory) -> Inventory:
        self._kept[digest] = inventory
        while len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        return inventory

    def _draw(self, settings: Mapping[str, Any], record: Record | None = None) -> Inventory:
        return draw_inventory(
            self.record if record is None else record, self.catalogue, settings["scheme"], settings["year"],
            boundary=settings["boundary"], scenario=settings["scenario"], perspective=settings["perspective"],
            options=settings["options"],
        )  # fmt: skip

    def _save(
        self, inventory: Inventory, settings: Mapping[str, Any], digest: str, version: int, **restatement: str
    ) -> Run:
        outcome, frames = inventory_to_store(inventory)
        return self.runs.save(
            engine=ENGINE, inputs_hash=digest, settings=settings, catalogue_version=self.catalogue.version,
            factor_versions=factor_versions(inventory), outcome=outcome, frames=frames, record_version=version,
            restates=restatement.get("restates"), reason=restatement.get("reason"),
        )  # fmt: skip

    def stored(self, run: str) -> Inventory:
        """Return the inventory of a stored run, as it was; InputError for an unknown run."""
        return inventory_from_store(run, self.runs.get(run).outcome, self.runs.frames(run))

    def explain(self, reference: str) -> Explanation:
        """Return where a number comes from.

        References: "R3-KEY" for a number of run R3 (keys as in the `explain` of its result; for inventories also
        "elimination:STREAM", and those of `Allocation.explain`), "R3~R4-KEY" for a number of the comparison of two
        runs.
        KeyError for a key that names nothing, InputError for an unknown run.
        """
        runs, _, key = reference.partition("-")
        first, _, second = runs.partition("~")
        if second:
            return self.compare(self.stored(first), self.stored(second)).explain(key)
        if self.runs.get(first).engine != ENGINE:
            return self.stored_result(first).explain(key)
        inventory = self._by_run(first)
        kind = key.partition(":")[0]
        if kind in ("elimination", "eliminated"):
            return self.consolidation(inventory).explain(key)
        if kind in ("allocation", "own", "supplied", "intensity", "throughput", "supply", "exported"):
            return self.allocation(inventory).explain(key)
        return inventory.explain(key)

    def _by_run(self, run: str) -> Inventory:
        kept = next((inventory for inventory in self._kept.values() if inventory.run == run), None)
        return kept or self.stored(run)

    def compare(self, first: Inventory, second: Inventory) -> Comparison:
        """Return the steps from one inventory to another; ValueError where their totals are not comparable."""
        return compare(first, second)

    def consolidation(self, inventory: Inventory) -> Consolidation:
        """Return the enterprise sum against an inventory of the park, with the eliminations."""
        settings = {
            "year": inventory.year, "scheme": inventory.scheme.id, "boundary": inventory.boundary,
            "scenario": inventory.scenario, "perspective": "firms", "options": dict(inventory.options),
        }  # fmt: skip
        firms = self._inventory(settings)
        return consolidate(firms, inventory, self.record.streams)

    def allocation(self, inventory: Inventory) -> Allocation:
        """Return the emissions of the park's power and steam plants allocated to their consumers."""
        from ecopark.accounting.allocation import allocate, steam_energy

        record = self.record
        network = Network(record)
        members = resolve_boundary(record, network, inventory.boundary).members
        placed = place_streams(record.streams, all_commodities(record, self.catalogue), members, network.firm_frame())
        return allocate(inventory, placed, steam_energy(record, self.catalogue, network, placed, inventory.year))

    def reported(self, scheme: str, **options: str) -> list[Reported]:
        """Return calculated against reported emissions, by node and year, for a scheme that names such a statistic."""
        variable = self.catalogue.scheme(scheme).reported
        if not variable:
            return []
        rows = self.record.statistics.filter(pl.col("variable") == variable).sort("node", "period_start")
        with_flows = set(self.years)
        titles = dict(self.record.evidence.select("id", "title").iter_rows())
        found: list[Reported] = []
        for row in rows.iter_rows(named=True):
            year = row["period_start"].year
            inventory = (
                self.inventory(year, scheme, row["node"], perspective="park", **options) if year in with_flows else None
            )
            counted = inventory is not None and not inventory.lines_of().is_empty()
            unit = self.catalogue.scheme(scheme).totals[0].unit
            found.append(
                Reported(
                    row["node"], year, row["value"] * factor(row["unit"], unit), unit,
                    inventory.total() if inventory is not None and counted else None,
                    bool(inventory is not None and inventory.complete),
                    inventory.run or "" if inventory is not None and counted else "", titles.get(row["evidence"], ""),
                )
            )  # fmt: skip
        return found

    def replay(self, run: str) -> Replay:
        """Return a stored run's headline total as stored and as its stored amounts and factors give it now."""
        stored = self.runs.get(run)
        inventory = self.stored(run)
        headline = inventory.scheme.totals[0]
        lines = inventory.lines.with_columns(recomputed_lines(inventory))
        recomputed = float(lines.filter(pl.col("category").is_in(headline.categories))["result"].sum())
        return Replay(stored, float(stored.outcome["totals"][headline.id]), recomputed, headline.unit)

    def restate(self, run: str, reason: str) -> Inventory:
        """Draw a stored inventory again from the record as it is now, keeping the old run with the reason.

        InputError for an unknown run, one restated already, or a missing reason.
        """
        old = self.runs.get(run)
        version = self.version
        settings = dict(old.settings)
        inventory = self._draw(settings)
        digest = self._hash({**settings, "restates": run}, version)
        new = self._save(inventory, settings, digest, version, restates=run, reason=reason)
        return inventory.with_run(new.id)

    def factor_effect(self, identity: str, value: float) -> pl.DataFrame:
        """Return what would change in the stored runs if a factor had another value (in its own unit).

        One row per run that stands (not restated) and used the factor: run, scheme, year, boundary, old, new,
        difference, unit; newest first. Nothing is changed.
        """
        rows: list[dict[str, Any]] = []
        for run in self.runs.list_runs(ENGINE):
            if run.restated_by is not None or identity not in run.factor_versions:
                continue
            inventory = self.stored(run.id)
            headline = inventory.scheme.totals[0]
            lines = inventory.lines.with_columns(recomputed_lines(inventory, {identity: value}))
            new = float(lines.filter(pl.col("category").is_in(headline.categories))["result"].sum())
            old = inventory.total()
            rows.append({
                "run": run.id, "scheme": inventory.scheme.id, "year": inventory.year, "boundary": inventory.boundary,
                "old": old, "new": new, "difference": new - old, "unit": headline.unit,
            })  # fmt: skip
        schema = {"run": pl.String, "scheme": pl.String, "year": pl.Int64, "boundary": pl.String, "old": pl.Float64,
                  "new": pl.Float64, "difference": pl.Float64, "unit": pl.String}  # fmt: skip
        return pl.DataFrame(rows, schema=schema)

    def effect(self, before: Record, after: Record, scheme: str = "park-ghg") -> pl.DataFrame:
        """Return the headline total of every year before and after a change of the record: year, before, after, unit.

        Years without flows on a side count as null there.
        """
        years: dict[str, set[int]] = {}
        for name, record in (("before", before), ("after", after)):
            flows = record.flows.filter((pl.col("scenario") == ACTUAL) & pl.col("amount").is_not_null())
            years[name] = set(flows["period_start"].dt.year().unique())
        settings = {"scheme": scheme, "boundary": PARK, "scenario": ACTUAL, "perspective": "park", "options": {}}
        rows = []
        for year in sorted(years["before"] | years["after"]):
            totals = {
                name: self._draw({**settings, "year": year}, record).total() if year in years[name] else None
                for name, record in (("before", before), ("after", after))
            }
            rows.append({"year": year, **totals})
        unit = self.catalogue.scheme(scheme).totals[0].unit
        frame = pl.DataFrame(rows, schema={"year": pl.Int64, "before": pl.Float64, "after": pl.Float64})
        return frame.with_columns(pl.lit(unit).alias("unit"))
