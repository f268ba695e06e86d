"""Where something in one layer comes from and where it goes: "where does the chloride in the outfall come from".

Every station mixes what it receives in proportion, so what leaves it has the origins of all that enters, by amount.
Then the way of a unit is an absorbing Markov chain over the stations: from each station back along its inflows, with
the parts of its throughflow as probabilities, until it is absorbed in an origin (J. G. Kemeny and J. L. Snell, "Finite
Markov chains", 1960; proportional sharing: J. Bialek, IEE Proceedings C 143, 1996). With w what is asked about and
U[s, t] the part of t's throughflow that comes from s,

    a = U a + w          amount from an origin of value v at s = a_s v / T_s

Downstream is the same with outflows. Origins and ends are edges across the boundary, changes of stock, flows that
follow by rule, and, by name, what a station has unexplained; their shares sum to one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import polars as pl

from ecopark.accounting.explanation import Explanation
from ecopark.accounting.supply_system import Floats, SupplySystem
from ecopark.metabolism.flows import LayeredFlows, Level
from ecopark.metabolism.result import Result
from ecopark.metabolism.tracing.layer_network import LayerNetwork, layer_network
from ecopark.metabolism.tracing.main_paths import main_paths
from ecopark.model.problems import InputError, Problem
from ecopark.translation import N_

Direction = Literal["upstream", "downstream"]
END_KINDS = ("outside", "implied", "stock", "unexplained")
"""What absorbs: an edge across the boundary, an outflow by rule, a change of stock, a station's unexplained rest."""

_NOTHING = N_("Nothing of {what} is known to flow in the layer {layer}.")
_NOTHING_REMEDY = N_("Choose a stream, node or commodity that has a value in this layer; the balance sheet lists them.")
_ASK = N_("It is not said what is to be traced.")
_ASK_REMEDY = N_("Name a stream, a node, a commodity, or a node and a commodity.")
_CIRCULATES = N_("{nodes}: the {layer} here only circulates; where it comes from or goes to cannot be told.")
_CIRCULATES_REMEDY = N_("Add the flow that enters or leaves the loop.")


@dataclass(frozen=True, eq=False, kw_only=True)
class Pathways(Result):
    """Origins (upstream) or destinations (downstream) of something in one layer.

    * `shares`: kind (of `END_KINDS`), edge, stream, node (outside, or the station with the change of stock or the
      unexplained rest), station (where it enters or leaves the network), firm (of the station), commodity, disposition,
      flow (the whole of that edge, change or rest, in the layer's unit), asked (it is itself what is asked about, and
      not a way to it), amount (of what is asked about), share; largest first.
    * `stations`: node, firm, throughflow, asked (of what is asked about, at the station itself), amount (of it that
      passes the station, each turn counted).
    * `edges`: edge, stream, source, target, commodity, amount (of it that goes over the edge), asked (what of the edge
      itself is asked about, counted in amount).
    * `paths`: path (1 is the largest), amount, share, turns (how often it comes back to a station it has been at),
      kind; `steps`: path, step, source, target, commodity, from the origin to the destination.

    `total` is what is asked about, in the layer's unit: the sum of `shares`, whose shares sum to one.
    """

    engine: ClassVar[str] = "pathways"

    shares: pl.DataFrame
    stations: pl.DataFrame
    edges: pl.DataFrame
    paths: pl.DataFrame
    steps: pl.DataFrame
    total: float

    @property
    def unit(self) -> str:
        """The layer's unit."""
        return str(self.settings["unit"])

    @property
    def direction(self) -> str:
        """Which way was followed: "upstream" or "downstream"."""
        return str(self.settings["direction"])

    def by(self, column: str) -> pl.DataFrame:
        """Return amount and share by a column of `shares` (kind, node, station, firm, commodity), largest first."""
        return (
            self.shares.group_by(column, maintain_order=True)
            .agg(pl.col("amount").sum(), pl.col("share").sum())
            .sort("amount", descending=True, maintain_order=True)
        )

    def explain(self, key: str) -> Explanation:
        """Return where a number comes from.

        Keys: "total", "amount:N" and "share:N" (row N of `shares`, from 0), "through:NODE" (what passes a station).
        KeyError for a key that names nothing here.
        """
        from ecopark.metabolism.tracing.pathway_explanations import explain_pathways

        return explain_pathways(self, key)


@dataclass(frozen=True, eq=False)
class _Asked:
    """What is asked about: parts of edges (edge number -> amount) and amounts at stations (by station number)."""

    edges: pl.DataFrame
    stations: Floats


def follow(
    flows: LayeredFlows,
    layer: str,
    direction: Direction = "upstream",
    *,
    stream: str | None = None,
    node: str | None = None,
    commodity: str | None = None,
    level: Level = "node",
    paths: int = 10,
) -> Pathways:
    """Return where a stream, node, commodity or a node's commodity comes from (upstream) or goes to (downstream).

    A node of the boundary is asked about with all that passes it, a node outside with all it receives (upstream) or
    sends (downstream); a node's commodity with what it sends of it, or receives where it sends none; a commodity with
    what of it is used up or leaves (upstream) or is made or enters (downstream), so that what is passed on counts once.
    `level` says between which stations: exactly those, each mixing for itself. The `paths` largest paths are listed.

    KeyError for a layer that `flows` does not have; InputError where nothing of what is asked about flows, where
    nothing is asked about, and where it runs in a loop that nothing enters (or leaves).
    """
    if stream is None and node is None and commodity is None:
        raise InputError([Problem("pathway_target", "", _ASK, _ASK_REMEDY)])
    network = layer_network(flows, layer, level)
    upstream = direction == "upstream"
    edges = network.edges
    if stream is not None:
        asked = _Asked(edges.filter(pl.col("stream") == stream).select("edge", "value"), np.zeros(network.size))
    elif node is None:
        asked = _Asked(_net(edges, str(commodity), upstream), np.zeros(network.size))
    else:
        asked = _at_node(network, _station_of(flows, node, level), commodity, upstream)
    total = float(asked.edges["value"].sum() + asked.stations.sum())
    if total <= 0:
        what = stream or " / ".join(part for part in (node, commodity) if part)
        values: dict[str, object] = {"what": what, "layer": layer}
        raise InputError([Problem("pathway_nothing", what, _NOTHING, _NOTHING_REMEDY, values)])
    near, far = ("source", "target") if upstream else ("target", "source")
    own = edges.join(asked.edges.rename({"value": "asked"}), on="edge", how="inner", maintain_order="left")
    weights = asked.stations.copy()
    inside = own.filter(pl.col(near).is_not_null())
    np.add.at(weights, inside[near].to_numpy(), inside["asked"].to_numpy())
    passing = _passing(network, layer, weights, upstream)
    absorbing = network.origins if upstream else network.ends
    shares = _shares(network, absorbing, passing, own.filter(pl.col(near).is_null()), far, total)
    over = _over_edges(network, passing, own, far)
    found, steps = main_paths(network, absorbing, own, asked.stations, upstream, paths)
    settings: dict[str, Any] = {
        **flows.settings, "layer": layer, "unit": flows.unit(layer), "direction": direction, "stream": stream,
        "node": node, "commodity": commodity, "level": level,
    }  # fmt: skip
    stations = network.stations.select("node", "firm").with_columns(
        pl.Series("throughflow", network.throughflow), pl.Series("asked", weights), pl.Series("amount", passing)
    )
    return Pathways(
        settings=settings, names=flows.names, sources=flows.sources, shares=shares,
        stations=stations.filter(pl.col("amount") > 0).sort("amount", descending=True, maintain_order=True),
        edges=over, paths=found.with_columns((pl.col("amount") / total).alias("share")), steps=steps, total=total,
    )  # fmt: skip


def _station_of(flows: LayeredFlows, node: str, level: Level) -> str:
    found = flows.at_level(level).filter(pl.col("node") == node)["station"]
    return str(found[0]) if len(found) else node


def _net(edges: pl.DataFrame, commodity: str, upstream: bool) -> pl.DataFrame:
    """Return edge, value: the edges of a commodity by what of it is used up (or made) at their far end."""
    chosen = edges.filter(pl.col("commodity") == commodity)
    far, near = ("target", "source") if upstream else ("source", "target")
    here = chosen.filter(pl.col(far).is_not_null()).group_by(pl.col(far).alias("at")).agg(
        pl.col("value").sum().alias("comes")
    )  # fmt: skip
    there = chosen.filter(pl.col(near).is_not_null()).group_by(pl.col(near).alias("at")).agg(
        pl.col("value").sum().alias("goes")
    )  # fmt: skip
    kept = here.join(there, on="at", how="left").select(
        "at", (1.0 - pl.col("goes").fill_null(0.0) / pl.col("comes")).clip(0.0).alias("part")
    )
    return (
        chosen.join(kept, left_on=far, right_on="at", how="left", maintain_order="left")
        .select("edge", pl.col("value") * pl.col("part").fill_null(1.0))
        .filter(pl.col("value") > 0)
    )


def _at_node(network: LayerNetwork, station: str, commodity: str | None, upstream: bool) -> _Asked:
    none = np.zeros(network.size)
    number = network.stations.filter(pl.col("node") == station)["station"]
    into, out = pl.col("to_node") == station, pl.col("from_node") == station
    if len(number) and commodity is None:
        none[number[0]] = network.throughflow[number[0]]
        return _Asked(network.edges.head(0).select("edge", "value"), none)
    edges = network.edges if commodity is None else network.edges.filter(pl.col("commodity") == commodity)
    if len(number):
        sent, received = edges.filter(out), edges.filter(into)
        # what a station sends has been mixed there, what it receives has the origins of its senders
        chosen = sent if sent.height else received
    else:
        chosen = edges.filter(into if upstream else out)
    return _Asked(chosen.select("edge", "value"), none)


def _passing(network: LayerNetwork, layer: str, weights: Floats, upstream: bool) -> Floats:
    """Return a: how much of what is asked about passes each station, solved on the stations that it can reach."""
    parts = network.shares(upstream)
    reach = weights > 0
    front = reach
    while front.any():
        front = (parts @ front.astype(np.float64) > 0) & ~reach
        reach = reach | front
    members = np.flatnonzero(reach)
    names = [network.stations["node"][int(number)] for number in members]
    system = SupplySystem(parts[members][:, members], names)
    if system.closed_loops:
        raise InputError([
            Problem("circulates", layer, _CIRCULATES, _CIRCULATES_REMEDY,
                    {"nodes": ", ".join(names[int(n)] for n in loop), "layer": layer})
            for loop in system.closed_loops
        ])  # fmt: skip
    passing = np.zeros(network.size)
    passing[members] = system.solve(weights[members])
    return passing


def _shares(
    network: LayerNetwork, absorbing: pl.DataFrame, passing: Floats, beyond: pl.DataFrame, far: str, total: float
) -> pl.DataFrame:
    """Return what each origin or end gets; `beyond` are asked-about edges that come from (or go) outside themselves."""
    station = absorbing["station"].to_numpy()
    amount = absorbing["value"].to_numpy() * (passing[station] / network.throughflow[station])
    outside = "from_node" if far == "target" else "to_node"
    direct = beyond.select(
        pl.when(pl.col("implied").is_not_null()).then(pl.lit("implied")).otherwise(pl.lit("outside")).alias("kind"),
        pl.col(far).alias("station"), "edge", "stream", pl.col(outside).alias("node"), "commodity",
        pl.col("implied").alias("disposition"), pl.col("value").alias("flow"), pl.lit(True).alias("asked"),
        pl.col("asked").alias("amount"),
    )  # fmt: skip
    names = network.stations.select("station", pl.col("node").alias("at"), "firm")
    ways = absorbing.rename({"value": "flow"}).with_columns(pl.lit(False).alias("asked"), pl.Series("amount", amount))
    found = pl.concat([ways.select(direct.columns), direct])
    return (
        found.filter(pl.col("amount") > 0)
        .join(names, on="station", how="left", maintain_order="left")
        .with_columns((pl.col("amount") / total).alias("share"))
        .sort("amount", descending=True, maintain_order=True)
        .select("kind", "edge", "stream", "node", pl.col("at").alias("station"), "firm", "commodity", "disposition",
                "flow", "asked", "amount", "share")
    )  # fmt: skip


def _over_edges(network: LayerNetwork, passing: Floats, own: pl.DataFrame, far: str) -> pl.DataFrame:
    """Return how much of what is asked about goes over each edge (asked-about edges with what is asked of them)."""
    rate = passing / np.where(network.throughflow > 0, network.throughflow, 1.0)
    before = network.edges.filter(pl.col(far).is_not_null())
    through = before.select("edge").with_columns(
        pl.Series("through", before["value"].to_numpy() * rate[before[far].to_numpy()])
    )
    return (
        network.edges.join(through, on="edge", how="left", maintain_order="left")
        .join(own.select("edge", "asked"), on="edge", how="left", maintain_order="left")
        .with_columns(pl.col("through", "asked").fill_null(0.0))
        .with_columns((pl.col("through") + pl.col("asked")).alias("amount"))
        .filter(pl.col("amount") > 0)
        .select("edge", "stream", pl.col("from_node").alias("source"), pl.col("to_node").alias("target"), "commodity",
                "amount", "asked")
    )  # fmt: skip
