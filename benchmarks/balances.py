"""Balances of a park of 10,000 nodes, 200,000 flows and 8 layers: residuals with their uncertainty and a verdict each.

The peer is pandas doing the least that gives the same residuals: two group-by sums per layer at the level of the nodes,
without uncertainty, without the levels above, without verdicts.
"""

from __future__ import annotations

import argparse
import statistics
import time
from typing import Any

from measure import machine, measure


def balances(nodes: int, flows: int, layers: int) -> dict[str, Any]:
    """Draw the balances five times; the first call and the middle of the others, and the largest relative residual."""
    from park_layers import layered_network
    from park_network import park_network

    from ecopark.catalogue import load_catalogue
    from ecopark.metabolism.balances.balances import draw_balances

    layered = layered_network(park_network(nodes, flows, layers))
    catalogue = load_catalogue()
    seconds = []
    for _ in range(5):
        start = time.perf_counter()
        drawn = draw_balances(layered, catalogue)
        seconds.append(time.perf_counter() - start)
    relative = drawn.rows["relative"].abs().max()
    return {"first": seconds[0], "again": statistics.median(seconds[1:]), "rows": drawn.rows.height,
            "relative": relative}  # fmt: skip


def pandas_sums(nodes: int, flows: int, layers: int) -> dict[str, Any]:
    """The node residuals alone, by group-by sums in pandas from frames in memory."""
    import pandas as pd
    from park_layers import layered_network
    from park_network import park_network

    layered = layered_network(park_network(nodes, flows, layers))
    values = pd.DataFrame({name: layered.values[name].to_numpy() for name in ("edge", "value")})
    values["layer"] = pd.Categorical(layered.values["layer"].to_list())
    edges = pd.DataFrame({name: layered.edges[name].to_list() for name in ("edge", "source", "target")})
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        joined = values.merge(edges, on="edge")
        inflow = joined.groupby(["target", "layer"], observed=True)["value"].sum()
        outflow = joined.groupby(["source", "layer"], observed=True)["value"].sum()
        names = ["node", "layer"]
        residual = inflow.rename_axis(names).sub(outflow.rename_axis(names), fill_value=0.0)
        seconds.append(time.perf_counter() - start)
    return {"seconds": min(seconds), "rows": len(residual)}


def main() -> None:
    """Run and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nodes", type=int, default=10_000)
    parser.add_argument("--flows", type=int, default=200_000)
    parser.add_argument("--layers", type=int, default=8)
    size = vars(parser.parse_args())
    print(machine())
    ours = measure(__file__, "balances", **size)
    peer = measure(__file__, "pandas_sums", **size).result
    found = ours.result
    print(f"{size['nodes']:,} nodes, {size['flows']:,} flows, {size['layers']} layers: {found['rows']:,} balances")
    print(f"first call {found['first']:.2f} s, again {found['again']:.2f} s, peak {ours.peak_mib:,.0f} MiB")
    print(f"largest relative residual of the consistent network {found['relative']:.1e}")
    print(f"pandas, sums at node level only: {peer['seconds']:.2f} s; ratio {found['again'] / peer['seconds']:.2f}")


if __name__ == "__main__":
    main()
