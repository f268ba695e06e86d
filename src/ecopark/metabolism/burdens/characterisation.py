"""Characterisation: what is emitted or taken from nature, brought to impact categories by factors of the catalogue.

``burden = amount * factor`` (ISO 14044, 4.4.2). A factor speaks of a commodity (or of what stands above it), of a
group, or of what a flow holds in a layer; in this order the first that applies counts. A factor with `unless` gives way
where the same node also releases a substance that holds its own already (ammonia nitrogen inside total nitrogen).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from ecopark.catalogue import Catalogue, FactorLookup, Missing, Request
from ecopark.catalogue.lookup import gas_unit
from ecopark.metabolism.burdens.burden_rows import FactorTable, stated_part, with_burden
from ecopark.metabolism.flows import LayeredFlows
from ecopark.units import UnitError, combine
from ecopark.units import factor as unit_factor

Row = Mapping[str, Any]
Uncounted = dict[str, Any]


@dataclass
class Characteriser:
    """Applies the characterisation factors of one catalogue to edges; coefficients go into `table`.

    `lookup` gives lineages of commodities and warming potentials, `gwp` the set of the latter. Edges that a category
    speaks of but cannot count are noted in `uncounted` (category, edge, reason).
    """

    catalogue: Catalogue
    lookup: FactorLookup
    layered: LayeredFlows
    table: FactorTable
    gwp: str
    uncounted: list[Uncounted]

    def __post_init__(self) -> None:
        self._factors: dict[tuple[str, str], list[Row]] = {}
        self._layers: dict[str, list[str]] = {}
        self._unless: dict[str, tuple[str, ...]] = {}
        for row in self.catalogue.characterisation.iter_rows(named=True):
            category, substance = row["category"], row["substance"]
            self._factors.setdefault((category, substance), []).append(row)
            layer = substance.removeprefix("layer:")
            if layer != substance and layer not in self._layers.setdefault(category, []):
                self._layers[category].append(layer)
            if row["unless"]:
                self._unless[_reference(row)] = tuple(row["unless"].split(";"))
        gases = self.catalogue.gases.filter(pl.col("commodity").is_not_null())
        self._gas_of = dict(gases.select("commodity", "id").iter_rows())

    def rows(
        self, category: Row, edges: pl.DataFrame, *, stage: str, side: str, kind: str = "characterisation"
    ) -> pl.DataFrame:
        """Return the burdens of edges (with a column `compartment`) in one category, without values yet."""
        layers = self._layers.get(category["id"], [])
        wide = edges
        for layer in layers:
            values = self.layered.values.filter(pl.col("layer") == layer)
            own = values.select("edge", pl.col("coefficient").alias(f"layer:{layer}"))
            wide = wide.join(own, on="edge", how="left", maintain_order="left")
        key = ["commodity", "group", "unit", "compartment", *(f"layer:{layer}" for layer in layers)]
        found: list[Row] = []
        for item in wide.unique(key, maintain_order=True).iter_rows(named=True):
            found += [{name: item[name] for name in key} | {"factor": f} for f in self._of(category, item, stage, kind)]
        schema = {name: wide.schema[name] for name in key} | {"factor": pl.String()}
        factors = pl.DataFrame(found, schema=schema)
        counted = wide.join(factors, on=key, how="inner", maintain_order="left", nulls_equal=True)
        self._note(category, stage, "no_amount", counted.filter(pl.col("amount").is_null())["edge"].unique().to_list())
        counted = counted.filter(pl.col("amount").is_not_null())
        if side == "source":
            counted = counted.filter(~pl.Series(self._inside_another(counted), dtype=pl.Boolean))
        return with_burden(counted, category["id"], category["unit"], stage, side)

    def _note(self, category: Row, stage: str, reason: str, edges: Sequence[int]) -> None:
        self.uncounted += [
            {"category": category["id"], "stage": stage, "edge": edge, "reason": reason} for edge in edges
        ]  # fmt: skip

    def _candidates(self, category: str, edge: Row) -> list[Row]:
        """Return the factor rows that apply: by commodity, by what stands above it, by group, else by layers."""
        lineage = [name for name in self.lookup.lineage(edge["commodity"]) if name != "*"]
        for substance in (*lineage, f"group:{edge['group']}"):
            if fitting := self._fitting(category, substance, edge["compartment"]):
                return fitting[:1]
        layers = [layer for layer in self._layers.get(category, []) if edge[f"layer:{layer}"] is not None]
        return [row for layer in layers for row in self._fitting(category, f"layer:{layer}", edge["compartment"])[:1]]

    def _fitting(self, category: str, substance: str, compartment: str) -> list[Row]:
        rows = self._factors.get((category, substance), [])
        if not compartment and len(rows) == 1 and not substance.startswith("layer:"):
            return rows  # a substance that is only ever counted in one compartment needs no telling
        return [row for row in rows if row["compartment"] == compartment]

    def _of(self, category: Row, edge: Row, stage: str, kind: str) -> list[str]:
        """Return the ids of the coefficients that count an edge (added to the table)."""
        if category["method"] == "gwp":
            return self._warming(category, edge, stage)
        found: list[str] = []
        for row in self._candidates(category["id"], edge):
            if row["value"] is None:
                self._note(category, stage, "unknown_factor", [edge["edge"]])
                continue
            part = stated_part(
                "characterisation", row["value"], row["unit"], _reference(row), status=row["status"],
                source=row["source"], remark=f"alternatives:{row['alternatives']}" if row["alternatives"] else None,
            )  # fmt: skip
            try:
                if row["substance"].startswith("layer:"):
                    found.append(self._by_layer(category, edge, row, part, kind))
                    continue
                identity = f"{part['reference']}:{edge['commodity']}:{edge['unit']}"
                found.append(
                    self.table.add(
                        identity, category["id"], kind, edge["commodity"], edge["unit"], category["unit"], [part]
                    )
                )
            except UnitError:
                self._note(category, stage, "unit", [edge["edge"]])
        return found

    def _by_layer(self, category: Row, edge: Row, row: Row, part: dict[str, Any], kind: str) -> str:
        layer = row["substance"].removeprefix("layer:")
        number = edge[f"layer:{layer}"]
        coefficient = self.layered.coefficients.filter(pl.col("coefficient") == number).row(0, named=True)
        parameters = self.layered.parameters.filter(pl.col("coefficient") == number).to_dicts()
        parts = [{**each, "reference": each["factor"]} for each in parameters] + [part]
        # the layer's own unit carries no basis (GJ holds lower heating values), so only the last step is by units
        scale = coefficient["unit_scale"] * combine([(self.layered.unit(layer), 1), (row["unit"], 1)], category["unit"])
        known = "+".join(str(each["factor"]) for each in parameters) or str(coefficient["value"])
        identity = f"{part['reference']}:{edge['commodity']}:{known}"
        return self.table.add(
            identity, category["id"], kind, edge["commodity"], edge["unit"], category["unit"], parts, scale,
            f"{part['reference']}:{edge['commodity']}",
        )  # fmt: skip

    def _warming(self, category: Row, edge: Row, stage: str) -> list[str]:
        """Return the coefficient of a greenhouse gas released to the air, by the chosen set of warming potentials."""
        gas = self._gas_of.get(edge["commodity"])
        if gas is None or edge["compartment"] not in ("air", ""):
            return []
        found = self.lookup.find("gwp", Request(edge["commodity"], edge["unit"], gas), {"gwp": [self.gwp]})
        if isinstance(found, Missing):
            self._note(category, stage, "unknown_factor", [edge["edge"]])
            return []
        choice = found[0]
        part = stated_part("gwp", choice.value, f"tCO2e/{gas_unit(gas)}", choice.factor, set=choice.set,
                           status=choice.status, source=choice.source)  # fmt: skip
        # a tonne of the commodity is a tonne of the gas, whatever basis its unit has
        scale = unit_factor(edge["unit"], "t")
        return [
            self.table.add(
                f"{choice.factor}:{edge['commodity']}:{edge['unit']}", category["id"], "characterisation",
                edge["commodity"], edge["unit"], category["unit"], [part], scale, f"gwp:{edge['commodity']}",
            )
        ]  # fmt: skip

    def _inside_another(self, counted: pl.DataFrame) -> list[bool]:
        """Tell for each edge whether what it counts is held in another substance that the same node also releases."""
        present = set(counted.select("source", "commodity").iter_rows())
        held = []
        for source, commodity, factor in counted.select("source", "commodity", "factor").iter_rows():
            names = self._unless.get(":".join(factor.split(":")[:4]), ())
            held.append(any((source, name) in present for name in names if name != commodity))
        return held


def _reference(row: Row) -> str:
    """Return the id of a characterisation factor."""
    return f"characterisation:{row['category']}:{row['substance'].replace(':', '.')}:{row['compartment']}"
