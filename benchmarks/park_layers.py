"""The park network of `park_network` as a network in layers, as the product's own engine would hold it."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import polars as pl
from park_network import OUTSIDE, ParkNetwork

LAYERS = ("mass", "energy", "water", "carbon", "nitrogen", "phosphorus", "sulphur", "chlorine")


def layered_network(park: ParkNetwork, deviation: float = 0.02) -> Any:
    """Return the `LayeredFlows` of a park: nodes in their firms, every amount with a relative standard deviation."""
    from ecopark.accounting.coefficients import PARAMETER_SCHEMA
    from ecopark.catalogue import load_catalogue
    from ecopark.metabolism.flows import (
        EDGE_SCHEMA,
        NODE_SCHEMA,
        STOCK_SCHEMA,
        UNKNOWN_SCHEMA,
        VALUE_SCHEMA,
        LayeredFlows,
    )
    from ecopark.metabolism.layers import COEFFICIENT_SCHEMA

    names = np.array([f"n{number}" for number in range(park.nodes)])
    firms = np.array([f"f{number}" for number in park.firm])
    firm_ids = sorted(set(firms))
    nodes = pl.DataFrame(
        [
            ("park", None, "park", "park", None, 0, True, False),
            ("market", None, "market", "market", None, 0, False, True),
            ("river", None, "environment", "river", None, 0, False, True),
            *((firm, "park", "firm", firm, None, 1, True, False) for firm in firm_ids),
            *((node, firm, "process", firm, None, 2, True, False) for node, firm in zip(names, firms, strict=True)),
        ],
        schema=NODE_SCHEMA,
        orient="row",
    )
    source = np.where(park.source == OUTSIDE, "market", names[park.source])
    target = np.where(park.target == OUTSIDE, "river", names[park.target])
    firm_of = dict(zip(nodes["node"], nodes["firm"], strict=True))
    count = park.flows
    edges = pl.DataFrame({
        "edge": np.arange(count), "stream": [f"s{number}" for number in range(count)], "source": source,
        "target": target, "source_firm": [firm_of[node] for node in source],
        "target_firm": [firm_of[node] for node in target], "source_inside": park.source != OUTSIDE,
        "target_inside": park.target != OUTSIDE, "commodity": "material", "group": "material", "activity": "supply",
        "technology": None, "period_start": date(2022, 1, 1), "period_end": date(2023, 1, 1), "amount": park.amount,
        "unit": "t", "sd": park.amount * deviation, "correlation_group": None, "method": "metered", "notation": None,
        "flow": None, "flows": 1, "coverage": 1.0, "spread": False, "part": False, "implied": None,
        "variable": np.arange(count), "whole": np.full(count, None),
    }, schema=EDGE_SCHEMA)  # fmt: skip
    layers = LAYERS[: park.layers]
    # one coefficient per flow and layer: compositions belong to streams
    coefficients = pl.concat([
        pl.DataFrame({
            "coefficient": np.arange(count, dtype=np.int32) + np.int32(count * number), "layer": layer,
            "disposition": None, "commodity": "material", "formula": "amount * content",
            "value": park.contents[:, number], "unit": "t", "unit_scale": 1.0, "amount_unit": "t", "sd": None,
        }, schema=COEFFICIENT_SCHEMA)
        for number, layer in enumerate(layers)
    ])  # fmt: skip
    values = pl.concat([
        pl.DataFrame({
            "edge": np.arange(count), "layer": layer,
            "coefficient": np.arange(count, dtype=np.int32) + np.int32(count * number),
            "value": park.amount * park.contents[:, number],
            "sd": park.amount * park.contents[:, number] * deviation,
        }, schema=VALUE_SCHEMA)
        for number, layer in enumerate(layers)
    ])  # fmt: skip
    catalogue = load_catalogue()
    chosen = catalogue.layers.filter(pl.col("id").is_in(list(layers)))
    return LayeredFlows(
        2022, date(2022, 1, 1), date(2023, 1, 1), "period", "park", "actual", edges, values, coefficients,
        pl.DataFrame(schema=PARAMETER_SCHEMA), pl.DataFrame(schema=STOCK_SCHEMA), pl.DataFrame(schema=UNKNOWN_SCHEMA),
        nodes, chosen, pl.DataFrame(schema={"id": pl.String}),
    )  # fmt: skip
