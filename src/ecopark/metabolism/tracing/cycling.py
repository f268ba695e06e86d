"""How much of a layer's throughflow is cycled: Finn's cycling index and its companions.

With T_i the throughflow of station i, G[i, j] the part of T_j that flows to i and N = (I - G)⁻¹, n_ii is how often a
unit that is at i will be there in all. Then

    cycled throughflow     Σ T_i (n_ii - 1) / n_ii
    cycling index          cycled throughflow / Σ T_i
    mean path length       Σ T_i / Σ inputs

Sources: J. T. Finn, "Measures of ecosystem structure and function derived from analysis of flows", Journal of
Theoretical Biology 56 (1976) 363-380; J. T. Finn, "Flow analysis of models of the Hubbard Brook ecosystem", Ecology 61
(1980) 562-571, for the cycled part (n_ii - 1)/n_ii. A station's n_ii depends on its own loop (strongly connected part)
only, since what leaves that never returns; so every loop is solved by itself, exactly.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import polars as pl
from scipy.sparse import csr_array

from ecopark.accounting.explanation import Explanation, Input
from ecopark.accounting.supply_system import Floats, SupplySystem
from ecopark.metabolism.flows import LayeredFlows, Level
from ecopark.metabolism.result import Result
from ecopark.metabolism.tracing.layer_network import layer_network
from ecopark.model.problems import InputError, Problem
from ecopark.translation import N_, translate

DENSE = 12_000
"""Stations of one loop up to which its inverse is computed as a whole (a gigabyte); above it, column by column."""
_COLUMNS = 64

_ENDLESS = N_("{nodes}: the {layer} here only circulates and never leaves, so that its cycling has no measure.")
_ENDLESS_REMEDY = N_("Add the flow that leaves the loop or enters it, or a loss.")
_INDEX = N_("cycling index (Finn)")
_CYCLED = N_("cycled throughflow")
_TOTAL = N_("total throughflow of the stations")
_INPUTS = N_("inputs from beyond the stations")
_PATH = N_("mean path length")
_THROUGH = N_("throughflow of {node_en}")
_RETURNING = N_("part of it that has been there before")


@dataclass(frozen=True, eq=False, kw_only=True)
class Cycling(Result):
    """Cycling of one layer.

    `stations`: node, firm, throughflow, visits (n_ii), returning ((n_ii - 1)/n_ii), cycled, loop (number of the loop
    that the station belongs to; null in none). `throughflow` Σ T_i, `cycled` and `inputs` (from outside, stock and
    unexplained) in the layer's unit; `index` and `path_length` are pure numbers, null where nothing flows.
    """

    engine: ClassVar[str] = "cycling"

    stations: pl.DataFrame
    throughflow: float
    cycled: float
    inputs: float
    index: float | None
    path_length: float | None

    def explain(self, key: str) -> Explanation:
        """Return where a number comes from: "index", "path_length", "cycled", "throughflow", "inputs", "cycled:NODE".

        KeyError for a key that names nothing here.
        """
        unit = str(self.settings["unit"])
        totals = {
            "cycled": (_CYCLED, self.cycled), "throughflow": (_TOTAL, self.throughflow),
            "inputs": (_INPUTS, self.inputs),
        }  # fmt: skip

        def named(message: str) -> tuple[str, str]:
            return translate(message, "zh"), translate(message, "en")

        def total(name: str) -> Input:
            message, value = totals[name]
            return Input(name, *named(message), value, unit, "total", self.reference(name))

        if key == "index" and self.index is not None:
            parts = [total("cycled"), total("throughflow")]
            return Explanation(key, *named(_INDEX), self.index, "1", "cycled / throughflow", parts)
        if key == "path_length" and self.path_length is not None:
            parts = [total("throughflow"), total("inputs")]
            return Explanation(key, *named(_PATH), self.path_length, "1", "throughflow / inputs", parts)
        if key == "inputs":
            return Explanation(key, *named(_INPUTS), self.inputs, unit, "inputs", [total("inputs")])
        if key in ("cycled", "throughflow"):
            inputs = [
                Input("parts", *self.both(row["node"], "node"), row[key], unit, "total",
                      self.reference(f"cycled:{row['node']}") if key == "cycled" else "")
                for row in self.stations.filter(pl.col(key) != 0).iter_rows(named=True)
            ]  # fmt: skip
            return Explanation(key, *named(totals[key][0]), totals[key][1], unit, "sum(parts)", inputs)
        kind, _, node = key.partition(":")
        rows = self.stations.filter(pl.col("node") == node)
        if kind != "cycled" or rows.is_empty():
            raise KeyError(f"no number {key!r}")
        row = rows.row(0, named=True)
        zh, en = self.both(node, "node")
        names_of = {"node_zh": zh, "node_en": en}
        through = (translate(_THROUGH, "zh", **names_of), translate(_THROUGH, "en", **names_of))
        inputs = [
            Input("throughflow", *through, row["throughflow"], unit, "total"),
            Input("returning", *named(_RETURNING), row["returning"], "1", "share"),
        ]
        names = (f"{zh}：{translate(_CYCLED, 'zh')}", f"{en}: {translate(_CYCLED, 'en')}")
        return Explanation(key, *names, row["cycled"], unit, "throughflow * returning", inputs)


def cycling(flows: LayeredFlows, layer: str, *, level: Level = "node") -> Cycling:
    """Return the cycling of a layer between the stations of a level.

    Flows inside one station do not count. Where a station's inflow and outflow differ, what is missing counts as input
    or output (see `layer_network`). KeyError for an unknown layer; InputError names a loop that nothing leaves.
    """
    network = layer_network(flows, layer, level)
    system = SupplySystem(network.shares(upstream=False))
    nodes = network.stations["node"].to_list()
    if system.closed_loops:
        raise InputError([
            Problem("circulates", layer, _ENDLESS, _ENDLESS_REMEDY,
                    {"nodes": ", ".join(nodes[int(n)] for n in members), "layer": layer})
            for members in system.closed_loops
        ])  # fmt: skip
    visits = np.ones(network.size)
    loop = np.zeros(network.size, dtype=np.int64)
    for number, members in enumerate(system.loops, 1):
        visits[members] = visits_of_loop(csr_array(system.inputs[members][:, members]))
        loop[members] = number
    returning = (visits - 1.0) / visits
    cycled = network.throughflow * returning
    stations = network.stations.select("node", "firm").with_columns(
        pl.Series("throughflow", network.throughflow), pl.Series("visits", visits), pl.Series("returning", returning),
        pl.Series("cycled", cycled), pl.Series("loop", loop).replace(0, None),
    )  # fmt: skip
    total, inputs = float(network.throughflow.sum()), float(network.origins["value"].sum())
    return Cycling(
        settings={**flows.settings, "layer": layer, "unit": flows.unit(layer), "level": level}, names=flows.names,
        sources=flows.sources, stations=stations.filter(pl.col("throughflow") > 0), throughflow=total,
        cycled=float(cycled.sum()), inputs=inputs, index=float(cycled.sum()) / total if total else None,
        path_length=total / inputs if inputs else None,
    )  # fmt: skip


def visits_of_loop(parts: csr_array) -> Floats:
    """Return the diagonal of (I - G)⁻¹ for one loop: how often each station is visited by what is there once."""
    size = parts.shape[0]
    if size <= DENSE:
        return np.asarray(np.diag(np.linalg.inv(np.eye(size) - parts.toarray())))
    system, found = SupplySystem(parts), np.empty(size)
    for start in range(0, size, _COLUMNS):
        columns = np.arange(start, min(start + _COLUMNS, size))
        unit = np.zeros((size, columns.size))
        unit[columns, np.arange(columns.size)] = 1.0
        found[columns] = system.solve(unit)[columns, np.arange(columns.size)]
    return found
