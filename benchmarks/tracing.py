"""Tracing of 8 layers through a park of 10,000 nodes, and a life-cycle system of 3,000 processes with Monte Carlo.

Peers, on the same matrices and in the same run: scipy's default sparse direct solve (SuperLU with COLAMD), and bw2calc,
the calculation core of Brightway (`pip install bw2calc bw-processing`; without it that part is left out and says so).
"""

from __future__ import annotations

import argparse
import importlib.util
import statistics
import time
from typing import Any

import numpy as np
from measure import machine, measure

PROCESSES, INPUTS, FLOWS, FLOWS_PER_PROCESS = 3_000, 8, 800, 20
CLUSTER, HUBS = 30, 30
INPUT_SPREAD, FLOW_SPREAD = 0.2, 0.3


def park(nodes: int, flows: int, layers: int) -> tuple[Any, Any, dict[str, str]]:
    """Return a park whose outputs are sold, with direct burdens of all nodes in all layers."""
    from dataclasses import replace

    import polars as pl
    from park_layers import layered_network
    from park_network import park_network

    layered = layered_network(park_network(nodes, flows, layers))
    layered = replace(layered, edges=layered.edges.with_columns(pl.col("target").replace("river", "market")))
    units = {f"layer {number}": "t" for number in range(layers)}
    places = layered.nodes.filter(pl.col("kind") == "process")["node"]
    random = np.random.default_rng(0)
    direct = pl.concat([
        pl.DataFrame({"node": places, "layer": layer, "value": random.lognormal(0, 1, len(places))}) for layer in units
    ])  # fmt: skip
    return layered, direct, units


def traced(nodes: int, flows: int, layers: int) -> dict[str, Any]:
    """Trace five times through the public function: first call, middle of the others, and how exactly it closes."""
    import polars as pl

    from ecopark.metabolism.tracing.tracing import trace

    layered, direct, units = park(nodes, flows, layers)
    seconds = []
    for _ in range(5):
        start = time.perf_counter()
        result = trace(layered, layers=units, direct=direct, level="node")
        seconds.append(time.perf_counter() - start)
    closing = max(
        abs(float(result.finals.filter(pl.col("layer") == layer)["embodied"].sum()) / result.total(layer) - 1)
        for layer in units
    )
    return {"first": seconds[0], "again": statistics.median(seconds[1:]), "closing": closing,
            "places": result.places.height, "transfers": result.transfers.height}  # fmt: skip


def solves(nodes: int, flows: int, layers: int, peer: bool) -> dict[str, Any]:
    """The linear system of that trace alone: ours, and scipy's default direct solve of the same right-hand sides."""
    from scipy.sparse import csc_array, eye_array
    from scipy.sparse.linalg import splu

    from ecopark.accounting.supply_system import SupplySystem
    from ecopark.metabolism.tracing.burden_network import burden_network

    layered, _, _ = park(nodes, flows, layers)
    matrix = burden_network(layered, "node", "auto").transfers
    right = np.random.default_rng(1).lognormal(0, 1, (matrix.shape[0], layers))
    start = time.perf_counter()
    system = SupplySystem(matrix)
    x = system.solve(right)
    found: dict[str, Any] = {"seconds": time.perf_counter() - start, "methods": ", ".join(system.methods)}
    residual = np.abs(system.residual(x, right)).sum(axis=0) / np.abs(x).sum(axis=0)
    found["residual"] = float(residual.max())
    if peer:
        start = time.perf_counter()
        factor = splu(csc_array(eye_array(matrix.shape[0], format="csc") - matrix))
        other = factor.solve(right)
        found |= {"peer": time.perf_counter() - start, "fill": int(factor.nnz),
                  "difference": float(np.abs(other / x - 1).max())}  # fmt: skip
    return found


def life_cycle_system() -> tuple[Any, Any, Any]:
    """Return inputs (n by n), flows (m by n) and weights (m,): 60 % of inputs of the own cluster, 30 % of hubs."""
    from scipy.sparse import coo_array, csc_array, csr_array

    random = np.random.default_rng(7)
    user = np.repeat(np.arange(PROCESSES), INPUTS)
    kind = random.random(user.size)
    near = user // CLUSTER * CLUSTER + random.integers(0, CLUSTER, user.size)
    hubs = random.choice(PROCESSES, HUBS, replace=False)
    supplier = np.where(kind < 0.6, near, np.where(kind < 0.9, random.choice(hubs, user.size),
                                                   random.integers(0, PROCESSES, user.size)))  # fmt: skip
    keep = supplier != user
    amount = 0.75 / INPUTS * random.lognormal(-0.1, 0.5, user.size)
    inputs = csr_array(coo_array((amount[keep], (supplier[keep], user[keep])), shape=(PROCESSES, PROCESSES)))
    count = PROCESSES * FLOWS_PER_PROCESS
    entries = (random.integers(0, FLOWS, count), np.repeat(np.arange(PROCESSES), FLOWS_PER_PROCESS))
    flows = csc_array(coo_array((random.lognormal(0, 1, count), entries), shape=(FLOWS, PROCESSES)))
    return inputs, flows, random.lognormal(0, 1, FLOWS)


def life_cycle(samples: int) -> dict[str, Any]:
    """One factorisation and `samples` samples of the score of one demand, first and second call."""
    from scipy.sparse import csc_array, eye_array
    from scipy.sparse.linalg import splu

    from ecopark.accounting.supply_system import SupplySystem
    from ecopark.metabolism.tracing.supply_sampling import UncertainSystem

    inputs, flows, weights = life_cycle_system()
    demand = np.zeros(PROCESSES)
    demand[0] = 1.0
    start = time.perf_counter()
    factorised = SupplySystem(inputs, method="direct")
    factorised.solve(demand)
    factorisation = time.perf_counter() - start
    start = time.perf_counter()
    splu(csc_array(eye_array(PROCESSES, format="csc") - inputs)).solve(demand)
    default = time.perf_counter() - start
    spreads = np.full(inputs.nnz, INPUT_SPREAD), np.full(flows.nnz, FLOW_SPREAD)
    system = UncertainSystem(inputs, spreads[0], flows, spreads[1], weights[None, :])
    found: dict[str, Any] = {"factorisation": factorisation, "fill": factorised.fill, "default": default,
                             "score": float(system.burdens(demand)[0])}  # fmt: skip
    for name, threads in (("first", None), ("again", None), ("one thread", 1)):
        start = time.perf_counter()
        scores = system.simulate(demand, samples, threads=threads)
        found[name] = samples / (time.perf_counter() - start)
    sampled, sampled_flows = system.sample(samples - 1)
    exact = weights @ (sampled_flows @ SupplySystem(sampled, method="direct").solve(demand))
    return found | {"agreement": abs(float(scores[-1, 0] / exact) - 1), "mean": float(scores.mean()),
                    "sd": float(scores.std())}  # fmt: skip


def bw2calc_system(samples: int) -> dict[str, Any]:
    """The same system and uncertainties in bw2calc: score, seconds of one calculation, samples a second."""
    import warnings

    warnings.simplefilter("ignore")
    import bw2calc
    import bw_processing

    inputs, flows, weights = life_cycle_system()
    diagonal = np.arange(PROCESSES)
    entries = inputs.tocoo()
    package = bw_processing.create_datapackage()

    def add(name: str, rows: Any, columns: Any, data: Any, spread: Any, flip: Any = None) -> None:
        indices = np.zeros(len(data), dtype=bw_processing.INDICES_DTYPE)
        indices["row"], indices["col"] = rows, columns
        shapes = np.zeros(len(data), dtype=bw_processing.UNCERTAINTY_DTYPE)
        shapes["uncertainty_type"] = np.where(spread > 0, 2, 0)  # 2 is lognormal
        shapes["loc"] = np.where(spread > 0, np.log(data), data)
        shapes["scale"] = np.where(spread > 0, spread, np.nan)
        for unused in ("shape", "minimum", "maximum"):
            shapes[unused] = np.nan
        more = {} if flip is None else {"flip_array": flip}
        package.add_persistent_vector(matrix=name, indices_array=indices, data_array=data, distributions_array=shapes,
                                      **more)  # fmt: skip

    products = 1_000_000
    add(
        "technosphere_matrix",
        np.concatenate([diagonal, entries.row]) + products,
        np.concatenate([diagonal, entries.col]),
        np.concatenate([np.ones(PROCESSES), entries.data]),
        np.concatenate([np.zeros(PROCESSES), np.full(entries.nnz, INPUT_SPREAD)]),
        np.concatenate([np.zeros(PROCESSES, dtype=bool), np.ones(entries.nnz, dtype=bool)]),
    )
    emitted = flows.tocoo()
    add("biosphere_matrix", emitted.row + 2 * products, emitted.col, emitted.data, np.full(emitted.nnz, FLOW_SPREAD))
    own = np.arange(FLOWS) + 2 * products
    add("characterization_matrix", own, own, weights, np.zeros(FLOWS))
    plain = bw2calc.LCA({products: 1}, data_objs=[package])
    start = time.perf_counter()
    plain.lci()
    plain.lcia()
    once = time.perf_counter() - start
    sampled = bw2calc.LCA({products: 1}, data_objs=[package], use_distributions=True, seed_override=3)
    sampled.lci()
    sampled.lcia()
    scores = []
    start = time.perf_counter()
    for _ in range(samples):
        next(sampled)
        scores.append(sampled.score)
    rate = samples / (time.perf_counter() - start)
    return {"version": ".".join(str(part) for part in bw2calc.__version__.split(".")), "score": float(plain.score),
            "once": once, "rate": rate, "mean": float(np.mean(scores)), "sd": float(np.std(scores))}  # fmt: skip


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nodes", type=int, default=10_000)
    parser.add_argument("--flows", type=int, default=200_000)
    parser.add_argument("--layers", type=int, default=8)
    parser.add_argument("--samples", type=int, default=2_048)
    parser.add_argument("--no-direct", action="store_true", help="leave out scipy's direct solve (a minute, 2 GiB)")
    options = parser.parse_args()
    size = {"nodes": options.nodes, "flows": options.flows, "layers": options.layers}
    print(machine())
    ours = measure(__file__, "traced", **size)
    found = ours.result
    print(f"traced {options.layers} layers, {options.nodes:,} nodes, {options.flows:,} flows: first "
          f"{found['first']:.2f} s, again {found['again']:.2f} s, peak {ours.peak_mib:,.0f} MiB; closes to "
          f"{found['closing']:.0e} ({found['places']:,} places, {found['transfers']:,} transfers)")  # fmt: skip
    alone = measure(__file__, "solves", **size, peer=not options.no_direct).result
    print(f"its linear system: {alone['seconds']:.2f} s ({alone['methods']}), residual {alone['residual']:.0e}")
    if "peer" in alone:
        solve, whole = alone["seconds"] / alone["peer"], found["again"] / alone["peer"]
        print(f"scipy's default direct solve: {alone['peer']:.1f} s, factor of {alone['fill'] / 1e6:.0f} million "
              f"entries, differs by {alone['difference']:.0e}; ratio {solve:.4f}, whole {whole:.4f}")  # fmt: skip
    print(f"\n{PROCESSES:,} processes, {INPUTS} inputs each, {FLOWS} flows, {FLOWS_PER_PROCESS} per process")
    ours_lca = measure(__file__, "life_cycle", samples=options.samples).result
    print(f"one factorisation and solve {ours_lca['factorisation']:.3f} s ({ours_lca['fill'] / 1e6:.2f} million "
          f"entries); scipy's default {ours_lca['default']:.2f} s, ratio "
          f"{ours_lca['factorisation'] / ours_lca['default']:.3f}")  # fmt: skip
    print(f"Monte Carlo of {options.samples:,}: {ours_lca['again']:,.0f} samples/s ({ours_lca['first']:,.0f} with the "
          f"first call, {ours_lca['one thread']:,.0f} on one thread), agrees with a factorised sample to "
          f"{ours_lca['agreement']:.0e}; mean {ours_lca['mean']:.4f}, sd {ours_lca['sd']:.4f}")  # fmt: skip
    if importlib.util.find_spec("bw2calc") is None:
        print("bw2calc is not installed: `pip install bw2calc bw-processing` to compare with it")
        return
    peer = measure(__file__, "bw2calc_system", samples=50).result
    same = abs(peer["score"] / ours_lca["score"] - 1)
    print(f"bw2calc {peer['version']}: one calculation {peer['once']:.2f} s, score differs by {same:.0e}; "
          f"{peer['rate']:.1f} samples/s, mean {peer['mean']:.4f}, sd {peer['sd']:.4f} (50 samples); ratio "
          f"{ours_lca['again'] / peer['rate']:.0f}")  # fmt: skip


if __name__ == "__main__":
    main()
