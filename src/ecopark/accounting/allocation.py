"""Allocate the emissions of the park's power and steam plants to their consumers by solving the supply network.

Unknown is the intensity x (t per GJ) of each carrier (electricity, heat) at each node, under perfect mixing:

    T_n x_n = sum_m E_mn x_m + imports_n + generation_n

with T the carrier's throughput at the node (received plus generated, GJ), E_mn what node m sends to n, imports the
emissions of what comes from outside the boundary, and generation the emissions of fuels burnt there for power and heat,
split between the carriers by the energy generated. What a node does not pass on is its own use. Every tonne ends at a
consumer or leaves with what is sold outside, so the allocation adds up to the emissions that were there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy.sparse import coo_array

from ecopark.accounting.coefficients import local_rows
from ecopark.accounting.explanation import Explanation, Input
from ecopark.accounting.result import Inventory
from ecopark.accounting.supply_system import SupplySystem
from ecopark.catalogue import Catalogue, FactorLookup, Missing, Request
from ecopark.model.network import Network
from ecopark.model.record import Record
from ecopark.translation import N_, translate
from ecopark.units import UnitError, factor

GENERATION = ("power_generation", "heat_generation", "chp")
"""Activities whose fuel is burnt to make power or heat for others."""
_CARRIERS = {"electricity": "electricity", "heat": "heat", "steam": "heat"}

_CARRIER_NAMES = {"electricity": N_("electricity"), "heat": N_("heat")}


@dataclass(frozen=True)
class Allocation:
    """Where the emissions of energy supply end.

    `consumers`: node, own (t emitted there, less what generation passes on), supplied (t allocated with the energy
    kept), total; `intensities`: node, carrier, throughput (GJ), emissions (t), intensity (t/GJ), and what they are made
    of: received, generated and kept (GJ), source (t from own generation and purchases); `supplies`: stream, seller,
    buyer, carrier, energy (GJ), emissions (t), outside; `own_lines`: node, line, rule, result of what is emitted on a
    firm's own; `exported` what leaves the boundary with the energy sold (t). `inventory` is the one that was allocated.
    consumers' totals + exported = `emitted`. `left_out` names the streams of steam whose energy is not known, so that
    nothing could be allocated with them.
    """

    consumers: pl.DataFrame
    intensities: pl.DataFrame
    supplies: pl.DataFrame
    exported: float
    emitted: float
    inventory: Inventory
    own_lines: pl.DataFrame
    left_out: tuple[str, ...] = ()

    @property
    def unit(self) -> str:
        """The unit of the emissions: that of the inventory's headline total."""
        return self.inventory.scheme.totals[0].unit

    def _titled(self, node: str, zh: str, en: str) -> tuple[str, str]:
        names = self._named(node, "node")
        return f"{names[0]}：{zh}", f"{names[1]}: {en}"

    def _named(self, identity: str, kind: str) -> tuple[str, str]:
        return self.inventory.name(identity, "zh", kind), self.inventory.name(identity, "en", kind)

    def explain(self, key: str) -> Explanation:
        """Explain a number of the allocation; KeyError for a key that names none.

        Keys: "allocation:NODE", "own:NODE", "supplied:NODE", "intensity:NODE:CARRIER", "throughput:NODE:CARRIER",
        "supply:NODE:CARRIER" (the emissions of what a node has to pass on or use) and "exported".
        """
        kind, _, rest = key.partition(":")
        if kind in ("allocation", "own", "supplied"):
            return self._explain_consumer(key, kind, rest)
        if kind in ("intensity", "throughput", "supply"):
            return self._explain_place(key, kind, *rest.rpartition(":")[::2])
        if key == "exported":
            outside = self.supplies.filter(pl.col("outside"))
            names = ("随外送能源流出", "leaves with energy sold")
            return Explanation(key, *names, self.exported, self.unit, "sum(parts)", self._supply_inputs(outside))
        raise KeyError(f"no allocation key {key!r}")

    @staticmethod
    def _carrier(carrier: str) -> tuple[str, str]:
        return translate(_CARRIER_NAMES[carrier], "zh"), translate(_CARRIER_NAMES[carrier], "en")

    def _supply_inputs(self, supplies: pl.DataFrame) -> list[Input]:
        return [
            Input(
                "parts",
                *self._named(row["seller"], "node"),
                row["emissions"],
                self.unit,
                "total",
                self.inventory.reference(f"intensity:{row['seller']}:{row['carrier']}"),
                note=f"{row['energy']!r} GJ",
            )
            for row in supplies.iter_rows(named=True)
        ]

    def _explain_consumer(self, key: str, kind: str, node: str) -> Explanation:
        rows = self.consumers.filter(pl.col("node") == node)
        if rows.is_empty():
            raise KeyError(f"no consumer {node!r}")
        row = rows.row(0, named=True)
        if kind == "allocation":
            inputs = [
                Input(
                    "own",
                    "自身排放",
                    "emitted on its own",
                    row["own"],
                    self.unit,
                    "total",
                    self.inventory.reference(f"own:{node}"),
                ),
                Input(
                    "supplied",
                    "所用能源分摊",
                    "with the energy it keeps",
                    row["supplied"],
                    self.unit,
                    "total",
                    self.inventory.reference(f"supplied:{node}"),
                ),
            ]
            names = self._titled(node, "分摊后排放", "after allocation")
            return Explanation(key, *names, row["total"], self.unit, "own + supplied", inputs)
        if kind == "own":
            lines = self.own_lines.filter(pl.col("node") == node)
            inputs = [
                Input(
                    "lines",
                    *self._named(line["rule"], "rule"),
                    line["result"],
                    self.unit,
                    "line",
                    self.inventory.reference(f"line:{line['line']}"),
                )
                for line in lines.iter_rows(named=True)
            ]
            names = self._titled(node, "自身排放", "emitted on its own")
            return Explanation(key, *names, row["own"], self.unit, "sum(lines)", inputs)
        places = self.intensities.filter(pl.col("node") == node)
        inputs = [
            Input(
                "parts",
                *self._carrier(place["carrier"]),
                place["intensity"] * place["kept"],
                self.unit,
                "total",
                self.inventory.reference(f"intensity:{node}:{place['carrier']}"),
                note=f"{place['intensity']!r} * {place['kept']!r} GJ",
            )
            for place in places.iter_rows(named=True)
        ]
        names = self._titled(node, "所用能源分摊", "with the energy it keeps")
        return Explanation(key, *names, row["supplied"], self.unit, "sum(parts)", inputs)

    def _explain_place(self, key: str, kind: str, node: str, carrier: str) -> Explanation:
        rows = self.intensities.filter((pl.col("node") == node) & (pl.col("carrier") == carrier))
        if rows.is_empty():
            raise KeyError(f"no {carrier!r} at {node!r}")
        row = rows.row(0, named=True)
        energy = self._carrier(carrier)
        if kind == "intensity":
            inputs = [
                Input(
                    "emissions",
                    "供能排放",
                    "emissions of the supply",
                    row["emissions"],
                    self.unit,
                    "total",
                    self.inventory.reference(f"supply:{node}:{carrier}"),
                ),
                Input(
                    "throughput",
                    "供能量",
                    "energy supplied",
                    row["throughput"],
                    "GJ",
                    "total",
                    self.inventory.reference(f"throughput:{node}:{carrier}"),
                ),
            ]
            names = self._titled(node, f"{energy[0]}排放强度", f"intensity of {energy[1]}")
            return Explanation(key, *names, row["intensity"], f"{self.unit}/GJ", "emissions / throughput", inputs)
        if kind == "throughput":
            inputs = [
                Input("received", "受入", "received", row["received"], "GJ", "total"),
                Input("generated", "自产", "generated", row["generated"], "GJ", "total"),
            ]
            names = self._titled(node, f"{energy[0]}供能量", f"{energy[1]} to pass on or use")
            return Explanation(key, *names, row["throughput"], "GJ", "received + generated", inputs)
        inside = (pl.col("buyer") == node) & (pl.col("carrier") == carrier) & (pl.col("seller") != node)
        inputs = [
            *self._supply_inputs(self.supplies.filter(inside)),
            Input("parts", "自身发电供热与外购", "own generation and purchases", row["source"], self.unit, "total"),
        ]
        names = self._titled(node, f"{energy[0]}供能排放", f"emissions of its {energy[1]}")
        return Explanation(key, *names, row["emissions"], self.unit, "sum(parts)", inputs)


def _energy_flows(inventory: Inventory, placed: pl.DataFrame, enthalpy: Mapping[str, float]) -> pl.DataFrame:
    """Return seller, buyer, carrier, energy (GJ), stream, and whether each end is inside, for power, heat and steam."""
    flows = inventory.flows.filter(pl.col("amount").is_not_null()).select(
        "stream", (pl.col("amount") * pl.col("share")).alias("amount")
    )
    goods = placed.filter(pl.col("group").is_in(list(_CARRIERS)) & (pl.col("used") | pl.col("produced")))
    scale: dict[str, float] = {}
    for row in goods.select("id", "group", "commodity_unit").iter_rows(named=True):
        try:
            scale[row["id"]] = factor(row["commodity_unit"], "GJ")
        except UnitError:
            scale[row["id"]] = enthalpy.get(row["id"], float("nan"))
    return (
        goods.with_columns(
            pl.col("id")
            .replace_strict(list(scale), list(scale.values()), return_dtype=pl.Float64, default=None)
            .alias("gj"),
            pl.col("group").replace_strict(list(_CARRIERS), list(_CARRIERS.values())).alias("carrier"),
        )
        .join(flows.group_by("stream").agg(pl.col("amount").sum()), left_on="id", right_on="stream", how="inner")
        .select(
            pl.col("id").alias("stream"),
            pl.col("source_firm").alias("seller"),
            pl.col("target_firm").alias("buyer"),
            "carrier",
            (pl.col("amount") * pl.col("gj")).alias("energy"),
            "source_inside",
            "target_inside",
        )
    )


def steam_energy(
    record: Record, catalogue: Catalogue, network: Network, placed: pl.DataFrame, year: int
) -> dict[str, float]:
    """Return GJ per unit of each steam stream that the record states a net enthalpy for (by stream, node or park)."""
    lookup = FactorLookup(catalogue, year, local_rows(record), {}, catalogue.parent_commodity)
    found: dict[str, float] = {}
    for row in placed.filter(pl.col("group") == "steam").iter_rows(named=True):
        nodes = (row["source"], *network.ancestors(row["source"]), row["target"], *network.ancestors(row["target"]))
        request = Request(row["commodity"], row["commodity_unit"], stream=row["id"], nodes=nodes)
        choices = lookup.find("net_enthalpy", request, {})
        if not isinstance(choices, Missing):
            found[row["id"]] = choices[0].value * factor(choices[0].unit, f"GJ/{row['commodity_unit']}")
    return found


def allocate(inventory: Inventory, placed: pl.DataFrame, enthalpy: Mapping[str, float] | None = None) -> Allocation:
    """Return the allocation of an inventory's energy supply to the firms that use it.

    `placed` comes from `selection.place_streams`; `enthalpy` (of `steam_energy`) gives GJ per unit for steam counted by
    mass; streams without one are left out and named. Deductions for energy sent outside (negative lines) are not
    allocated: what is exported is computed instead. Raises UnsolvableSupply for a loop without inflow.
    """
    flows = _energy_flows(inventory, placed, enthalpy or {})
    left_out = tuple(flows.filter(pl.col("energy").is_nan())["stream"])
    flows = flows.filter(pl.col("energy").is_not_nan())
    inside = flows.filter(pl.col("source_inside") & pl.col("target_inside"))
    imports = flows.filter(~pl.col("source_inside") & pl.col("target_inside"))
    exports = flows.filter(pl.col("source_inside") & ~pl.col("target_inside"))
    activity = placed.select(pl.col("id").alias("stream"), "activity", "group", "sent")
    lines = inventory.lines_of().join(activity, on="stream", how="left", maintain_order="left")
    lines = lines.filter(~(pl.col("sent").fill_null(False) & (pl.col("result") < 0)))
    purchased = pl.col("group").is_in(list(_CARRIERS)).fill_null(False) | pl.col("flow").str.starts_with("certificate:")
    generated = pl.col("activity").is_in(GENERATION).fill_null(False)
    fuel = _sums(lines.filter(generated), "node")
    bought = lines.filter(purchased).with_columns(
        pl.col("group")
        .replace_strict(list(_CARRIERS), list(_CARRIERS.values()), default="electricity")
        .alias("carrier")
    )

    places = sorted(
        {(row["seller"], row["carrier"]) for row in pl.concat([inside, exports]).iter_rows(named=True)}
        | {(row["buyer"], row["carrier"]) for row in pl.concat([inside, imports]).iter_rows(named=True)}
    )
    index = {place: number for number, place in enumerate(places)}
    count = len(places)
    received, sent, kept = np.zeros(count), np.zeros(count), np.zeros(count)
    rows, columns, energies = [], [], []
    for row in inside.iter_rows(named=True):
        seller, buyer = index[row["seller"], row["carrier"]], index[row["buyer"], row["carrier"]]
        if seller == buyer:
            kept[seller] += row["energy"]
            continue
        sent[seller] += row["energy"]
        received[buyer] += row["energy"]
        rows.append(buyer)
        columns.append(seller)
        energies.append(row["energy"])
    for row in imports.iter_rows(named=True):
        received[index[row["buyer"], row["carrier"]]] += row["energy"]
    for row in exports.iter_rows(named=True):
        sent[index[row["seller"], row["carrier"]]] += row["energy"]

    made = np.maximum(0.0, sent + kept - received)
    made_by_node: dict[str, float] = {}
    for (node, _), number in index.items():
        made_by_node[node] = made_by_node.get(node, 0.0) + made[number]
    source = np.zeros(count)
    for (node, _), number in index.items():
        if made_by_node[node] > 0:
            source[number] += fuel.get(node, 0.0) * made[number] / made_by_node[node]
    placed_node = pl.struct("node", "carrier").is_in([{"node": node, "carrier": carrier} for node, carrier in places])
    purchases = bought.filter(placed_node).group_by("node", "carrier", maintain_order=True).agg(pl.col("result").sum())
    for row in purchases.iter_rows(named=True):
        source[index[row["node"], row["carrier"]]] += row["result"]
    # on a firm's own: what is no energy supply, a boiler that serves its own firm only, and purchases whose energy is
    # not known
    unsold = [node for node in fuel if made_by_node.get(node, 0.0) == 0]
    own_lines = pl.concat(
        [
            lines.filter(~purchased & ~generated),
            lines.filter(generated & pl.col("node").is_in(unsold)),
            bought.filter(~placed_node).select(lines.columns),
        ]
    ).select("node", "line", "rule", "result")
    own = _sums(own_lines, "node")
    throughput = received + made
    intensity = _solve(places, throughput, rows, columns, energies, source)

    supplied: dict[str, float] = {}
    for (node, _), number in index.items():
        supplied[node] = supplied.get(node, 0.0) + intensity[number] * (throughput[number] - sent[number])
    nodes = sorted({*own, *supplied})
    consumers = pl.DataFrame(
        {
            "node": nodes,
            "own": [own.get(node, 0.0) for node in nodes],
            "supplied": [supplied.get(node, 0.0) for node in nodes],
        },
        schema={"node": pl.String, "own": pl.Float64, "supplied": pl.Float64},
    ).with_columns((pl.col("own") + pl.col("supplied")).alias("total"))
    intensities = pl.DataFrame(
        {
            "node": [node for node, _ in places],
            "carrier": [carrier for _, carrier in places],
            "throughput": throughput,
            "emissions": intensity * throughput,
            "intensity": intensity,
            "received": received,
            "generated": made,
            "kept": throughput - sent,
            "source": source,
        }
    )
    worth = intensities.select(pl.col("node").alias("seller"), "carrier", "intensity")
    supplies = (
        pl.concat([inside, exports])
        .join(worth, on=["seller", "carrier"], how="left", maintain_order="left")
        .select(
            "stream",
            "seller",
            "buyer",
            "carrier",
            "energy",
            (pl.col("energy") * pl.col("intensity")).alias("emissions"),
            (~pl.col("target_inside")).alias("outside"),
        )
    )
    exported = float(supplies.filter(pl.col("outside"))["emissions"].sum())
    return Allocation(
        consumers.sort("total", descending=True),
        intensities.filter(pl.col("throughput") > 0),
        supplies,
        exported,
        float(lines["result"].sum()),
        inventory,
        own_lines,
        left_out,
    )


def _sums(lines: pl.DataFrame, column: str) -> dict[str, float]:
    sums = lines.group_by(column, maintain_order=True).agg(pl.col("result").sum())
    return dict(zip(sums[column], sums["result"], strict=True))


def _solve(
    places: list[tuple[str, str]],
    throughput: np.ndarray[tuple[int], np.dtype[np.float64]],
    rows: list[int],
    columns: list[int],
    energies: list[float],
    source: np.ndarray[tuple[int], np.dtype[np.float64]],
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return x of ``(T - E) x = source``; idle places (next to no throughput) get 0."""
    count = len(places)
    if count == 0:
        return np.zeros(0)
    idle = throughput <= 1e-12 * throughput.max()
    diagonal = np.where(idle, 1.0, throughput)
    shares = coo_array((np.asarray(energies, dtype=np.float64) / diagonal[rows], (rows, columns)), shape=(count, count))
    system = SupplySystem(shares, [f"{node} ({carrier})" for node, carrier in places])
    solution = system.solve(source / diagonal)
    solution[idle] = 0.0
    return solution
