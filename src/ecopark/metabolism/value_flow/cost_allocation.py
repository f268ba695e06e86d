"""Material-flow cost accounting: costs follow the material through a network of processes into products and losses.

The idea is that of ISO 14051: the cost of a process (material, energy, system) is split over what leaves it, products
and losses alike, by a physical key, so that a loss carries the cost of all that was put into it upstream. With c the
cost that enters process n from outside and s the share of n's cost that goes with each outflow,

    x_m = c_m + sum_n s_nm x_n        (s_nm: outflows of n that process m takes in; loops are allowed)

is solved once per kind of cost.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.sparse import coo_array, csc_array
from scipy.sparse.csgraph import breadth_first_order

from ecopark.accounting.supply_system import SupplySystem, UnsolvableSupply
from ecopark.metabolism.flows import LayeredFlows
from ecopark.metabolism.roles import with_roles
from ecopark.model.problems import InputError, Problem
from ecopark.translation import N_

Numbers = npt.NDArray[np.float64]
Booleans = npt.NDArray[np.bool_]
CATEGORIES = ("material", "water", "energy", "system")
"""Kinds of cost; water bought follows the water, and counts as material in what is shown."""
DELIVERED = ("product", "energy", "water")
LOSSES = ("waste", "wastewater", "emission", "loss")
KEYS = ("main", "energy", "water")
_SLACK = 1e-12


def outflows(flows: LayeredFlows, key: str) -> pl.DataFrame:
    """Return the edges that leave a node inside, with where their cost goes and what it is split by.

    Adds `goes` (carried: to a process inside that uses it; product: to the outside; loss) and the keys `main` (layer
    `key`), `energy` and `water`. With the key "mass" only products and wastes count: the mass of waste water and of
    gases is mostly water and air that nobody bought. With an element every outflow that holds it counts.
    """
    crossing = pl.col("source_inside") & (pl.col("source") != pl.col("target"))
    edges = with_roles(flows.edges, flows.nodes).filter(crossing)
    use = pl.col("purpose").is_in(["material", "energy", "water"]) & pl.col("utilised")
    carried = pl.col("target_inside") & (pl.col("output").is_in(DELIVERED) | use | pl.col("reused"))
    goes = (
        pl.when(carried)
        .then(pl.lit("carried"))
        .when(pl.col("output").is_in(DELIVERED))
        .then(pl.lit("product"))
        .otherwise(pl.lit("loss"))
    )
    for layer, name in ((key, "main"), ("energy", "energy"), ("water", "water")):
        values = flows.values.filter(pl.col("layer") == layer).select("edge", pl.col("value").alias(name))
        edges = edges.join(values, on="edge", how="left", maintain_order="left")
    massive = pl.col("output").is_in(["product", "waste"]) & pl.col("implied").is_null()
    counted = massive if key == "mass" else pl.lit(True)
    stated = pl.col("implied").is_null()
    return edges.with_columns(
        goes.alias("goes"),
        pl.when(counted).then(pl.col("main")).otherwise(None).fill_null(0.0).alias("main"),
        pl.when(stated & pl.col("output").is_in(["product", "energy", "loss"])).then(pl.col("energy")).otherwise(None)
        .fill_null(0.0).alias("energy"),
        pl.when(stated).then(pl.col("water")).otherwise(None).fill_null(0.0).alias("water"),
    )  # fmt: skip


def shares(
    out: pl.DataFrame, stated: Mapping[str, Mapping[str, float]], treating: Collection[str], unmeasured: Collection[str]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the share of its source's cost that each outflow takes, and what is left at each node.

    First: edge, category, share. Second: node, category, allocation (the key used: main, energy, water, or none where
    nothing that leaves can be measured), unrecorded (the part of a stated loss for which no outflow is recorded), and
    unassigned. `stated` maps "material_loss_share" … to the shares that nodes state, which go before the key's:
    products then take the rest. A node's key is `main` where the products it makes have it, else energy, else water;
    the cost of water follows the water wherever it can. A node that delivers nothing is a place of treatment (one of
    `treating`: all its cost is lost with what leaves it) or of a service: its materials go with its wastes, its energy
    and system costs stay unassigned. So do the costs of `unmeasured` nodes, a product of which has no value in the key.
    """
    delivered = pl.col("goes") != "loss"
    made = {"main": "product", "energy": "energy", "water": "water"}
    totals = out.group_by(pl.col("source").alias("node"), maintain_order=True).agg(
        *(pl.col(key).filter(delivered).sum().alias(f"{key}_delivered") for key in KEYS),
        *(pl.col(key).filter(~delivered).sum().alias(f"{key}_lost") for key in KEYS),
        *(
            pl.col(key).filter(delivered & pl.col("output").is_in(["product", made[key]])).sum().alias(f"{key}_made")
            for key in KEYS
        ),
    )
    leaves = {key: pl.col(f"{key}_delivered") + pl.col(f"{key}_lost") > 0 for key in KEYS}
    main = pl.lit("none")
    for key in reversed(KEYS):
        main = pl.when(leaves[key]).then(pl.lit(key)).otherwise(main)
    for key in reversed(KEYS):
        main = pl.when(pl.col(f"{key}_made") > 0).then(pl.lit(key)).otherwise(main)
    serves = ~pl.any_horizontal(pl.col(f"{key}_made") > 0 for key in KEYS) & ~pl.col("node").is_in(list(treating))
    taken, left = [], []
    for category in CATEGORIES:
        by_main = pl.when(leaves["main"]).then(pl.lit("main")).otherwise(pl.lit("none"))
        allocation = pl.when(serves).then(by_main if category == "material" else pl.lit("none")).otherwise(main)
        allocation = pl.when(pl.col("node").is_in(list(unmeasured))).then(pl.lit("none")).otherwise(allocation)
        if category == "water":
            allocation = pl.when(leaves["water"]).then(pl.lit("water")).otherwise(allocation)
        own = stated.get(f"{category}_loss_share", {})
        loss = pl.col("node").replace_strict(list(own), list(own.values()), default=None, return_dtype=pl.Float64)
        places = totals.with_columns(allocation.alias("allocation"), loss.alias("stated"))
        places = places.select(
            "node", "allocation", "stated", _picked("delivered").alias("sold"), _picked("lost").alias("lost")
        )
        whole = pl.col("sold") + pl.col("lost")
        joined = out.join(places.rename({"node": "source"}), on="source", how="left", maintain_order="left")
        weight = _by_key({key: pl.col(key) for key in KEYS})
        part = pl.when(delivered).then(1.0 - pl.col("stated")).otherwise(pl.col("stated"))
        base = pl.when(pl.col("stated").is_null()).then(whole).when(delivered).then("sold").otherwise("lost")
        share = pl.when(base > 0).then(weight * part.fill_null(1.0) / base).otherwise(0.0)
        taken.append(joined.select("edge", pl.lit(category).alias("category"), share.alias("share")))
        states = pl.col("stated").is_not_null() & (whole > 0)
        left.append(
            places.select(
                "node",
                pl.lit(category).alias("category"),
                "allocation",
                pl.when(states & (pl.col("lost") <= 0)).then("stated").otherwise(0.0).alias("unrecorded"),
                pl.when(whole <= 0)
                .then(1.0)
                .when(states & (pl.col("sold") <= 0))
                .then(1.0 - pl.col("stated"))
                .otherwise(0.0)
                .alias("unassigned"),
            )
        )
    return pl.concat(taken), pl.concat(left)


def _by_key(values: Mapping[str, pl.Expr]) -> pl.Expr:
    chosen = pl.lit(0.0)
    for key in KEYS:
        chosen = pl.when(pl.col("allocation") == key).then(values[key]).otherwise(chosen)
    return chosen


def _picked(what: str) -> pl.Expr:
    return _by_key({key: pl.col(f"{key}_{what}") for key in KEYS})


@dataclass(frozen=True, eq=False)
class Carrier:
    """The network in which costs are carried: nodes by number, and per category the shares between them."""

    nodes: list[str]
    numbers: Mapping[str, int]
    matrices: Mapping[str, csc_array]
    _systems: list[tuple[csc_array, SupplySystem]] = field(default_factory=list)

    @classmethod
    def of(cls, nodes: list[str], out: pl.DataFrame, taken: pl.DataFrame) -> Carrier:
        """Return the carrier of the outflows whose cost goes on to a node inside."""
        numbers = {node: number for number, node in enumerate(nodes)}
        inner = out.filter(pl.col("goes") == "carried").select("edge", "source", "target")
        matrices = {}
        for category in CATEGORIES:
            joined = inner.join(taken.filter(pl.col("category") == category), on="edge", how="inner")
            rows = [numbers[node] for node in joined["target"]]
            columns = [numbers[node] for node in joined["source"]]
            data = joined["share"].to_numpy()
            matrices[category] = coo_array((data, (rows, columns)), shape=(len(nodes), len(nodes))).tocsc()
        return cls(nodes, numbers, matrices)

    def solve(self, category: str, entering: Numbers) -> Numbers:
        """Return the cost held by each node: what enters it and what is carried to it.

        InputError names the nodes of a loop from which no cost ever leaves.
        """
        matrix = self.matrices[category]
        trapped = self._trapped(matrix)
        caught = trapped & self.reached(category, entering != 0.0)
        if caught.any():
            raise _without_a_way_out([node for node, inside in zip(self.nodes, caught, strict=True) if inside])
        free = np.flatnonzero(~trapped)
        held = np.zeros(len(self.nodes))
        try:
            held[free] = self._system(matrix, free).solve(entering[free])
        except UnsolvableSupply as error:
            raise _without_a_way_out(error.nodes) from error
        return held

    def _system(self, matrix: csc_array, free: npt.NDArray[np.int64]) -> SupplySystem:
        """Return the solver of a matrix; kinds of cost that are split alike share one."""
        for known, system in self._systems:
            if known.nnz == matrix.nnz and not (known != matrix).nnz:
                return system
        system = SupplySystem(matrix[free][:, free], [self.nodes[number] for number in free.tolist()])
        self._systems.append((matrix, system))
        return system

    def reached(self, category: str, starts: Booleans) -> Booleans:
        """Return the nodes that cost held by `starts` reaches, themselves included."""
        return _reach(csc_array(self.matrices[category].T), starts)

    def _trapped(self, matrix: csc_array) -> Booleans:
        """Return the nodes from which no part of the cost can leave the carried network."""
        exits = np.asarray(matrix.sum(axis=0)).ravel() < 1.0 - _SLACK
        return ~_reach(csc_array(matrix), exits)


def _without_a_way_out(nodes: list[str]) -> InputError:
    return InputError(
        [
            Problem(
                "cost_loop",
                "streams",
                N_("The nodes {nodes} pass all that they hold to each other: their cost has no way out."),
                N_("Record what leaves the loop (a product, a waste), or correct the streams inside it."),
                {"nodes": ", ".join(nodes)},
            )
        ]
    )


def _reach(matrix: csc_array, starts: Booleans) -> Booleans:
    """Return what can be reached from `starts` along matrix[i, j] != 0 as i -> j."""
    size = matrix.shape[0]
    if not starts.any():
        return np.zeros(size, dtype=bool)
    pattern = matrix.tocoo()
    first = np.flatnonzero(starts)
    rows = np.concatenate([pattern.row, np.full(len(first), size)])
    columns = np.concatenate([pattern.col, first])
    joined = coo_array((np.ones(len(rows)), (rows, columns)), shape=(size + 1, size + 1)).tocsr()
    order = breadth_first_order(joined, size, directed=True, return_predecessors=False)
    found = np.zeros(size + 1, dtype=bool)
    found[order] = True
    return found[:size]
