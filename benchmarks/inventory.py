"""An inventory of a million flow lines through the public interface: stored record, stored run, provenance kept.

The peer is pandas doing the least that any tool must do for the same numbers: join flows to streams and to one factor
per (commodity, gas), multiply, and sum by category. It keeps no provenance and checks nothing.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

from measure import machine, measure

SCHEME = "park-ghg"


def prepare(folder: str, flows: int) -> int:
    """Make a workspace with a synthetic park of `flows` flows; return how many it holds."""
    from big_park import big_park

    from ecopark.storage.changesets import Changes
    from ecopark.storage.store import Store

    record = big_park(flows)
    with Store.create(folder) as store:
        store.apply(Changes({name: record[name] for name in ("nodes", "streams", "flows")}), action="import")
    return record.flows.height


def inventory(folder: str) -> dict[str, Any]:
    """Open the workspace, load the record, draw the inventory and store it; then another scheme in the same process."""
    from big_park import YEAR

    import ecopark as ep

    start = time.perf_counter()
    park = ep.open(folder)
    flows = park.record.flows.height
    loaded = time.perf_counter()
    drawn = park.inventory(YEAR, SCHEME)
    first = time.perf_counter()
    park.inventory(YEAR, "zero-carbon-park-2025")
    second = time.perf_counter()
    explained = park.explain(f"{drawn.run}-line:{drawn.lines.height}")
    return {
        "flows": flows, "lines": drawn.lines.height, "total": drawn.total(), "complete": drawn.complete,
        "load": loaded - start, "inventory": first - loaded, "another": second - first,
        "explains": explained.recompute() == drawn.lines["result"][-1],
    }  # fmt: skip


def pandas_join(folder: str) -> dict[str, Any]:
    """The same numbers by joins and a multiplication in pandas, from frames in memory."""
    import pandas as pd
    from big_park import YEAR

    import ecopark as ep

    park = ep.open(folder)
    drawn = park.inventory(YEAR, SCHEME)
    factors = drawn.coefficients.to_pandas()[["commodity", "rule", "value"]]
    rules = {rule.id: rule.category for rule in drawn.scheme.rules}
    factors["category"] = factors["rule"].map(rules)
    columns = ["stream", "amount"]
    flows = pd.DataFrame({name: park.record.flows[name].to_numpy() for name in columns})
    streams = pd.DataFrame({name: park.record.streams[name].to_numpy() for name in ("id", "commodity")})
    start = time.perf_counter()
    lines = flows.merge(streams, left_on="stream", right_on="id").merge(factors, on="commodity")
    lines["result"] = lines["amount"] * lines["value"]
    sums = lines.groupby("category")["result"].sum()
    seconds = time.perf_counter() - start
    total = float(sums[sums.index.isin(drawn.scheme.total().categories)].sum())
    return {"seconds": seconds, "total": total}


def main() -> None:
    """Run and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--flows", type=int, default=1_000_000)
    flows = parser.parse_args().flows
    print(machine())
    with tempfile.TemporaryDirectory() as folder:
        workspace = str(Path(folder) / "park")
        made = measure(__file__, "prepare", folder=workspace, flows=flows)
        print(f"stored {made.result:,} flows in {made.seconds:.1f} s")
        ours = measure(__file__, "inventory", folder=workspace)
        result = ours.result
        print(f"loaded in {result['load']:.2f} s")
        print(f"{SCHEME}: {result['lines']:,} lines in {result['inventory']:.2f} s (drawn, checked, stored as a run)")
        print(f"zero-carbon-park-2025 in the same process: {result['another']:.2f} s")
        print(f"peak memory {ours.peak_mib:,.0f} MiB; last line explained and recomputed: {result['explains']}")
        peer = measure(__file__, "pandas_join", folder=workspace).result
        same = abs(peer["total"] / result["total"] - 1) < 1e-9
        ratio = result["inventory"] / peer["seconds"]
        print(f"pandas, join and multiply only: {peer['seconds']:.2f} s; same total: {same}; ratio {ratio:.2f}")


if __name__ == "__main__":
    main()
