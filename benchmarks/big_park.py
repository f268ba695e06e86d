"""A made-up park of any size for the benchmarks: monthly flows of fuels, power, heat, products, waste and leaks."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl

from ecopark.model.record import Record

YEAR = 2022
_KINDS = (
    ("natural_gas", "final_use", None, True, "万Nm3"),
    ("bituminous_coal", "chp", None, True, "t"),
    ("diesel", "mobile", None, True, "t"),
    ("electricity", "supply", None, True, "MWh"),
    ("heat", "supply", None, True, "GJ"),
    ("cement_clinker", "production", "portland", False, "t"),
    ("hazardous_waste", "treatment", "incineration", True, "t"),
    ("wastewater_cod_removed", "treatment", "anaerobic", True, "t"),
    ("hfc_134a", "leakage", None, False, "t"),
)


def big_park(flows: int, firms: int = 2000) -> Record:
    """Return a synthetic record with `flows` monthly flows (a multiple of 12 of them), each with a 95 % range."""
    count = flows // 12
    kind = np.arange(count) % len(_KINDS)
    streams = [f"s{number}" for number in range(count)]
    firm = [f"f{number}" for number in np.arange(count) % firms]
    bought = [_KINDS[k][3] for k in kind]
    starts = [date(YEAR, month, 1) for month in range(1, 13)]
    ends = [*starts[1:], date(YEAR + 1, 1, 1)]
    amounts = np.random.default_rng(1).lognormal(3.0, 1.0, count * 12)
    nodes = [{"id": "park", "kind": "park", "region": "CN-JS", "note": "synthetic"}, {"id": "market", "kind": "market"}]
    nodes += [{"id": f"f{number}", "kind": "firm", "parent": "park"} for number in range(firms)]
    return Record.of(
        nodes=nodes,
        streams=pl.DataFrame(
            {
                "id": streams,
                "source": ["market" if inward else f for inward, f in zip(bought, firm, strict=True)],
                "target": [f if inward else "market" for inward, f in zip(bought, firm, strict=True)],
                "commodity": [_KINDS[k][0] for k in kind],
                "activity": [_KINDS[k][1] for k in kind],
                "technology": [_KINDS[k][2] for k in kind],
            }
        ),
        flows=pl.DataFrame(
            {
                "stream": np.repeat(streams, 12),
                "period_start": pl.Series(starts * count),
                "period_end": pl.Series(ends * count),
                "amount": amounts,
                "unit": np.repeat([_KINDS[k][4] for k in kind], 12),
                "low": amounts * 0.95,
                "high": amounts * 1.05,
                "method": ["metered"] * (count * 12),
            }
        ),
    )
