"""Reconciliation of a park of 10,000 nodes, 200,000 measured flows and 8 layers: 80,000 balances at once, with tests.

The peer is scipy's default sparse direct solve of the normal equations A V A' (`splu`, COLAMD), which gives the
reconciled values only: no tests, no standard deviations, no refinement. On the full problem its factor does not come to
an end within the limit; so both are also compared on a smaller park of the same shape, where it does.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

from measure import machine, measure


def problem(nodes: int, flows: int, layers: int, seed: int) -> Any:
    """Return the park, its balances, measured values and standard deviations."""
    import numpy as np
    from park_network import park_network

    park = park_network(nodes, flows, layers, seed)
    random = np.random.default_rng(seed)
    sd = park.amount * random.choice([0.01, 0.02, 0.05, 0.1], park.flows)
    values = park.amount + sd * random.standard_normal(park.flows)
    return park, park.balances(), values, sd


def ours(nodes: int, flows: int, layers: int, seed: int) -> dict[str, Any]:
    """Reconcile with all tests; the first call of a process also loads the compiled kernels."""
    import numpy as np

    from ecopark.metabolism.reconciliation.constraints import LinearConstraints
    from ecopark.metabolism.reconciliation.measurements import Measurements
    from ecopark.metabolism.reconciliation.solving import reconcile_measurements

    park, matrix, values, sd = problem(nodes, flows, layers, seed)
    inner = np.flatnonzero((park.source >= 0) & (park.target >= 0))
    biased = int(inner[np.argmax(park.amount[inner])])
    values[biased] += 40 * sd[biased]
    groups = np.repeat(np.arange(park.nodes), park.layers)
    times = []
    for _ in range(2):
        start, busy = time.perf_counter(), time.process_time()
        solved = reconcile_measurements(Measurements(values, sd), LinearConstraints(matrix, groups=groups))
        times.append(time.perf_counter() - start)
        busy = time.process_time() - busy
    largest = np.maximum.reduceat(np.abs(matrix.data * solved.x[matrix.indices]), matrix.indptr[:-1])
    return {
        "first": times[0], "again": times[1], "busy": busy, "balances": matrix.shape[0], "method": solved.method,
        "open": float((np.abs(matrix @ solved.x) / largest).max()), "objective": solved.test.objective,
        "degrees_of_freedom": solved.test.degrees_of_freedom, "exact": int(solved.variances.exact.sum()),
        "error": solved.variances.error, "negative": int((solved.x < 0).sum()),
        "found": biased in {s.index for s in solved.suspects if s.kind == "measurement"},
        "tested": solved.measurement_tests.tested, "checksum": float(np.abs(solved.x - values).sum()),
    }  # fmt: skip


def scipy_direct(nodes: int, flows: int, layers: int, seed: int) -> dict[str, Any]:
    """Solve the normal equations by `splu` with its defaults; values only."""
    import numpy as np
    import scipy.sparse as sp
    from scipy.sparse.linalg import splu

    park, matrix, values, sd = problem(nodes, flows, layers, seed)
    inner = np.flatnonzero((park.source >= 0) & (park.target >= 0))
    biased = int(inner[np.argmax(park.amount[inner])])
    values[biased] += 40 * sd[biased]
    start = time.perf_counter()
    normal = (matrix @ sp.diags(sd**2) @ matrix.T).tocsc()
    scale = sp.diags(1 / np.sqrt(normal.diagonal()))
    # balances that follow from others make it singular: the least shift that lets the peer finish
    shifted = (scale @ normal @ scale + 1e-10 * sp.eye(normal.shape[0])).tocsc()
    factor = splu(shifted)
    multipliers = scale @ factor.solve(scale @ (matrix @ values))
    x = values - sd**2 * (matrix.T @ multipliers)
    seconds = time.perf_counter() - start
    largest = np.maximum.reduceat(np.abs(matrix.data * x[matrix.indices]), matrix.indptr[:-1])
    return {
        "seconds": seconds, "entries": int(factor.L.nnz + factor.U.nnz), "normal": int(normal.nnz),
        "open": float((np.abs(matrix @ x) / largest).max()), "checksum": float(np.abs(x - values).sum()),
    }  # fmt: skip


def scipy_limited(nodes: int, flows: int, layers: int, seed: int, limit: float) -> dict[str, Any]:
    """Run `scipy_direct` for at most `limit` seconds; an empty answer where it does not finish."""
    import multiprocessing

    queue: Any = multiprocessing.get_context("fork").Queue()

    def work() -> None:
        queue.put(scipy_direct(nodes, flows, layers, seed))

    process = multiprocessing.get_context("fork").Process(target=work)
    process.start()
    process.join(limit)
    if process.is_alive():
        process.kill()
        process.join()
        return {}
    return dict(queue.get()) if process.exitcode == 0 else {}


def main() -> None:
    """Run and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nodes", type=int, default=10_000)
    parser.add_argument("--flows", type=int, default=200_000)
    parser.add_argument("--layers", type=int, default=8)
    parser.add_argument("--limit", type=float, default=120.0, help="seconds that the peer may take")
    arguments = parser.parse_args()
    print(machine())
    sizes = [(500, 6_000, 4), (1_000, 20_000, 8), (arguments.nodes, arguments.flows, arguments.layers)]
    for nodes, flows, layers in sizes:
        size = {"nodes": nodes, "flows": flows, "layers": layers, "seed": 1}
        run = measure(__file__, "ours", **size)
        result = run.result
        print(f"\n{nodes:,} nodes, {flows:,} flows, {layers} layers: {result['balances']:,} balances")
        print(f"ecopark ({result['method']}): first {result['first']:.2f} s, again {result['again']:.2f} s")
        print(f"  processor time of the second call {result['busy']:.2f} s (on one thread)")
        print(
            f"  peak {run.peak_mib:,.0f} MiB; balances closed to {result['open']:.1e}; "
            f"{result['degrees_of_freedom']:,} degrees of freedom; {result['tested']:,} flows tested"
        )
        print(
            f"  seeded error found: {result['found']}; {result['exact']:,} deviations exact, the others to "
            f"{result['error']:.1%}; negative flows: {result['negative']}"
        )
        peer = measure(__file__, "scipy_limited", limit=arguments.limit, **size)
        if not peer.result:
            print(f"scipy splu: not finished in {arguments.limit:.0f} s (or out of memory)")
            print(f"ratio below {result['again'] / arguments.limit:.3f}")
            continue
        found = peer.result
        same = abs(found["checksum"] / result["checksum"] - 1)
        print(f"scipy splu, values only: {found['seconds']:.2f} s, factor {found['entries']:,} entries")
        print(f"  balances closed to {found['open']:.1e}; sum of adjustments differs by {same:.1e}")
        print(f"ratio {result['again'] / found['seconds']:.3f} (first call {result['first'] / found['seconds']:.3f})")


if __name__ == "__main__":
    main()
