"""What is embodied in what: carbon, energy, water and money per unit of every commodity at every node.

Every burden that enters the boundary (emitted by a node, or brought in with what it buys) is passed on with what the
nodes make and pass on, until it leaves, is stored or is used for good. With y the burden of each place
(`burden_network`), P the parts that go from place to place and B what enters at each, for all layers at once:

    y = P y + B          intensity of a good = y / amount

This is the input-output model of physical flows: W. Leontief, "Environmental repercussions and the economic structure",
Review of Economics and Statistics 52 (1970), with mixing at each place as in the tracing of electricity (J. Bialek,
"Tracing the flow of electricity", IEE Proceedings C 143, 1996). Nothing is lost: what ends equals what entered.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import polars as pl
from scipy.sparse import csr_array

from ecopark.accounting.explanation import Explanation
from ecopark.accounting.supply_system import SupplySystem
from ecopark.metabolism.flows import LayeredFlows, Level
from ecopark.metabolism.result import Result
from ecopark.metabolism.tracing.burden_network import Key, burden_network
from ecopark.metabolism.tracing.tracing_frames import (
    Solution,
    carried_of,
    finals_of,
    intensities_of,
    pools_of,
    reached,
    with_shares,
)
from ecopark.metabolism.tracing.tracing_inputs import burdens_entering
from ecopark.metabolism.tracing.tracing_remarks import tracing_remarks

EMBODIED: Mapping[str, str] = {"carbon": "tCO2e", "energy": "GJ", "water": "m3", "money": "CNY"}
"""The layers that are traced unless others are asked for, with their units (carbon in CO2 equivalents)."""

FINAL_KINDS = ("leaves", "stock", "used", "unallocated", "closed_loop")
"""How a burden ends: it leaves with a good or a treatment done for others, goes into stock, is used for good by a node
that makes nothing (in the record), stays for want of an allocation key, or runs into a loop that nothing leaves.
"""


@dataclass(frozen=True, eq=False, kw_only=True)
class Trace(Result):
    """What is embodied in what.

    * `intensities`: node, firm, commodity, role (product, or treatment done for others), layer, amount (received and
      made), unit, embodied, value (embodied / amount; null where not known at all), value_unit, key (of what is made),
      complete (nothing unknown flows in: else a lower bound).
    * `pools`: node, firm, layer, direct, upstream (of what is bought and not passed on), received (from others inside
      and from own goods), total, ends ("shared" over what it makes, else of `FINAL_KINDS`), complete.
    * `finals`: layer, kind (of `FINAL_KINDS`), node, firm, commodity, role, edge, amount, unit, embodied, share.
    * `entering`: layer, kind (direct, upstream), node, firm, edge, stream, commodity, amount, unit, factor (value per
      amount), factor_id, source, status, embodied, share.
    * `carried`: edge, layer, embodied in each delivery; `deliveries`, `places`, `keys`, `transfers` (target place,
      source place, part) as in `BurdenNetwork`.
    * `not_estimated`: layer, reason, node, commodity, edges, amount, unit: what entered with an unknown burden.

    For every layer the sums of `finals` and of `entering` are equal.
    """

    engine: ClassVar[str] = "trace"

    intensities: pl.DataFrame
    pools: pl.DataFrame
    finals: pl.DataFrame
    entering: pl.DataFrame
    carried: pl.DataFrame
    deliveries: pl.DataFrame
    places: pl.DataFrame
    keys: pl.DataFrame
    transfers: pl.DataFrame
    not_estimated: pl.DataFrame

    @property
    def layers(self) -> Mapping[str, str]:
        """The layers traced and their units."""
        return dict(self.settings["layers"])

    def total(self, layer: str) -> float:
        """Return all that entered in a layer (direct and upstream), which is all that ends."""
        return float(self.entering.filter(pl.col("layer") == layer)["embodied"].sum())

    def by_firm(self, layer: str) -> pl.DataFrame:
        """Return what each firm caused and what ends with it in a layer, largest first.

        Columns: firm, caused (direct and with what it buys from outside), ending (in what leaves from it, is stored or
        used there), share (of all that ends); the shares of all firms sum to one.
        """
        ending = self.finals.filter(pl.col("layer") == layer).group_by("firm").agg(
            pl.col("embodied").sum().alias("ending"), pl.col("share").sum()
        )  # fmt: skip
        caused = self.entering.filter(pl.col("layer") == layer).group_by("firm").agg(
            pl.col("embodied").sum().alias("caused")
        )  # fmt: skip
        return (
            ending.join(caused, on="firm", how="full", coalesce=True)
            .select("firm", *(pl.col(name).fill_null(0.0) for name in ("caused", "ending", "share")))
            .sort("ending", "firm", descending=[True, False])
        )

    def by_product(self, layer: str) -> pl.DataFrame:
        """Return kind, node, firm, commodity, role, amount, unit, embodied, share of what ends; largest first."""
        return (
            self.finals.filter(pl.col("layer") == layer)
            .group_by("kind", "node", "firm", "commodity", "role", "unit", maintain_order=True)
            .agg(
                pl.when(pl.col("amount").is_not_null().any()).then(pl.col("amount").sum()),
                pl.col("embodied").sum(),
                pl.col("share").sum(),
            )
            .sort("embodied", descending=True, maintain_order=True)
            .select("kind", "node", "firm", "commodity", "role", "amount", "unit", "embodied", "share")
        )

    def intensity(self, node: str, commodity: str, layer: str, role: str = "product") -> float | None:
        """Return what is embodied in one unit of a commodity that a node sends; None where that is not known.

        KeyError where the node sends no such thing.
        """
        row = self._good(node, commodity, layer, role)
        return None if row["value"] is None else float(row["value"])

    def _good(self, node: str, commodity: str, layer: str, role: str) -> dict[str, Any]:
        rows = self.intensities.filter(
            (pl.col("node") == node) & (pl.col("commodity") == commodity) & (pl.col("layer") == layer)
            & (pl.col("role") == role)
        )  # fmt: skip
        if rows.is_empty():
            raise KeyError(f"{node!r} sends no {commodity!r} ({role}, {layer})")
        return rows.row(0, named=True)

    def contributions(self, layer: str, node: str, commodity: str | None = None, role: str = "product") -> pl.DataFrame:
        """Return which sources make up the burden of a node's good (or of its pool, without a commodity).

        Columns: kind, node, firm, commodity (bought; null for direct), embodied, share (they sum to one); largest
        first. KeyError where there is no such place.
        """
        same = pl.col("commodity").is_null() if commodity is None else pl.col("commodity") == commodity
        same = same & (pl.col("role") == ("pool" if commodity is None else role))
        found = self.places.filter((pl.col("node") == node) & same)
        if found.is_empty():
            raise KeyError(f"no place {node!r}, {commodity!r}")
        size = self.places.height
        target, source = self.transfers["target"].to_numpy(), self.transfers["source"].to_numpy()
        matrix = csr_array((self.transfers["part"].to_numpy(), (target, source)), shape=(size, size))
        wanted = np.zeros(size)
        wanted[found["place"][0]] = 1.0
        reaches = SupplySystem(matrix).solve(wanted, transposed=True)
        reaching = pl.DataFrame({"place": np.arange(size), "reaches": reaches})
        rows = (
            self.entering.filter(pl.col("layer") == layer)
            .join(reaching, on="place", how="left", maintain_order="left")
            .with_columns(pl.col("embodied") * pl.col("reaches"))
            .filter(pl.col("embodied") != 0)
            .group_by("kind", "node", "firm", "commodity", maintain_order=True)
            .agg(pl.col("embodied").sum())
        )
        whole = float(rows["embodied"].sum()) or 1.0
        return rows.with_columns((pl.col("embodied") / whole).alias("share")).sort("embodied", descending=True)

    def explain(self, key: str) -> Explanation:
        """Return where a number comes from.

        Keys: "total:LAYER", "intensity:NODE:COMMODITY:LAYER" and "embodied:…" (products), "treatment:…" and
        "treated:…" (intensity and burden of treatment done for others), "pool:NODE:LAYER", "direct:NODE:LAYER",
        "edge:EDGE:LAYER", "firm:FIRM:LAYER", "share:FIRM:LAYER". KeyError for a key that names nothing here.
        """
        from ecopark.metabolism.tracing.tracing_explanations import explain_trace

        return explain_trace(self, key)


def trace(
    flows: LayeredFlows,
    *,
    layers: Mapping[str, str] = EMBODIED,
    direct: pl.DataFrame | None = None,
    upstream: pl.DataFrame | None = None,
    key: Key = "auto",
    level: Level = "firm",
) -> Trace:
    """Return what is embodied in every good of every node, all layers (id -> unit) solved at once.

    `direct` (node, layer, value in the layer's unit) is what nodes themselves emit, take or add: scope 1 emissions,
    value added. `upstream` (commodity, layer, value per unit of the commodity, and optionally unit, stream, node,
    factor, source, status) is what was emitted for what comes from outside; a row for a stream or a receiving node
    comes before the general one. Energy, water (of the group water) and money enter with their own value in those
    layers where `upstream` says nothing. What then has no value is listed in `not_estimated` and marks all that it
    flows into as incomplete. `key` shares a node's burden over what it makes: "auto" takes energy for a conversion
    whose products all have an energy value, else money where all prices are known, else mass; where none covers all
    products, the one that covers most, and the products left out are named. Needs the layers energy, money, mass and
    water of the flows for that. `level`: the stations between which burdens pass; below "firm", what is bought and
    emitted at a firm's own node stays there unless the firm's node itself sends something.

    InputError for direct values of nodes outside the boundary and upstream values in unsuitable units.
    """
    network = burden_network(flows, level, key)
    burdens = burdens_entering(network, flows, layers, direct, upstream, level)
    names = network.places["node"].to_list()
    system = SupplySystem(network.transfers, names)
    transfers, closed = network.transfers, system.closed_loops
    if closed:  # what runs into them ends there: nothing else depends on them
        passing = np.ones(len(names))
        passing[np.concatenate(closed)] = 0.0
        transfers = csr_array(transfers.multiply(passing[None, :]))
        transfers.eliminate_zeros()
        system = SupplySystem(transfers, names)
    solution = Solution(
        network, dict(layers), transfers, system.solve(burdens.matrix), reached(transfers, burdens.unknown), closed
    )
    entering = with_shares(burdens.entering)
    finals = finals_of(solution)
    entries = transfers.tocoo()
    return Trace(
        settings={**flows.settings, "layers": dict(layers), "key": key, "level": level},
        names=flows.names,
        sources=flows.sources,
        remarks=tracing_remarks(solution, burdens, flows),
        intensities=intensities_of(solution),
        pools=pools_of(solution, entering),
        finals=finals,
        carried=carried_of(solution, entering),
        entering=entering,
        deliveries=network.deliveries,
        places=network.places,
        keys=network.keys,
        transfers=pl.DataFrame(
            {"target": entries.row, "source": entries.col, "part": entries.data},
            schema={"target": pl.Int64, "source": pl.Int64, "part": pl.Float64},
        ),
        not_estimated=burdens.not_estimated,
    )
