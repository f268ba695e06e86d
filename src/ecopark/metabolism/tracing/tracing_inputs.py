"""The burdens that enter a network: what nodes emit or take themselves, and what comes with the goods they buy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ecopark.accounting.supply_system import Floats
from ecopark.metabolism.flows import LayeredFlows, Level
from ecopark.metabolism.tracing.burden_network import BurdenNetwork
from ecopark.model.problems import InputError, Problem
from ecopark.translation import N_
from ecopark.units import UnitError, factor

OWN_LAYERS: Mapping[str, tuple[str, ...]] = {"energy": (), "water": ("water",), "money": ()}
"""Layers in which what comes from outside counts with its own value: of these commodity groups (all where empty)."""

ENTERING_SCHEMA: dict[str, type[pl.DataType]] = {
    "layer": pl.String, "kind": pl.String, "place": pl.Int64, "node": pl.String, "firm": pl.String, "edge": pl.Int64,
    "stream": pl.String, "commodity": pl.String, "amount": pl.Float64, "unit": pl.String, "factor": pl.Float64,
    "factor_id": pl.String, "source": pl.String, "status": pl.String, "embodied": pl.Float64,
}  # fmt: skip

NOT_ESTIMATED_SCHEMA: dict[str, type[pl.DataType]] = {
    "layer": pl.String, "reason": pl.String, "node": pl.String, "commodity": pl.String, "edges": pl.Int64,
    "amount": pl.Float64, "unit": pl.String,
}  # fmt: skip

_UNKNOWN_NODE = N_("The direct {layer} of {node} cannot be traced: {node} is not inside the boundary.")
_NODE_REMEDY = N_("Give direct values for nodes inside the boundary only.")
_UNIT = N_("The upstream {layer} of {commodity} is given in {unit}, which is not {wanted}.")
_UNIT_REMEDY = N_("Give it in a unit of the layer per unit of the commodity.")


@dataclass(frozen=True, eq=False)
class EnteringBurdens:
    """What enters the network.

    `entering` as `ENTERING_SCHEMA`; `matrix` their sums (places, layers); `unknown` (places, layers) where something
    enters whose burden is not known; `not_estimated` as `NOT_ESTIMATED_SCHEMA`.
    """

    entering: pl.DataFrame
    matrix: Floats
    unknown: NDArray[np.bool_]
    not_estimated: pl.DataFrame


def burdens_entering(
    network: BurdenNetwork,
    flows: LayeredFlows,
    layers: Mapping[str, str],
    direct: pl.DataFrame | None,
    upstream: pl.DataFrame | None,
    level: Level,
) -> EnteringBurdens:
    """Return what enters at each place in each layer, and what enters with an unknown burden.

    See `tracing.trace` for `direct` and `upstream`. InputError for direct values of nodes outside the boundary and for
    upstream values in a unit that is not the layer's per commodity unit: all of them at once.
    """
    bought = network.deliveries.filter(pl.col("received") & ~pl.col("provided"))
    valued = _upstream(bought, flows, layers, upstream)
    entering = pl.concat([_direct(network, flows, layers, direct, level), valued.filter(pl.col("factor").is_not_null())
                          .select(pl.col(name).cast(kind) for name, kind in ENTERING_SCHEMA.items())])  # fmt: skip
    number = {layer: index for index, layer in enumerate(layers)}
    matrix = np.zeros((network.places.height, len(layers)))
    columns = _numbers(entering["layer"], number)
    np.add.at(matrix, (entering["place"].to_numpy(), columns), entering["embodied"].to_numpy())
    unvalued = valued.filter(pl.col("factor").is_null() & ~pl.col("extracted"))
    unknown = np.zeros(matrix.shape, dtype=np.bool_)
    unknown[unvalued["place"].to_numpy(), _numbers(unvalued["layer"], number)] = True
    unlinked = network.unlinked.filter("received").join(
        network.places.filter(pl.col("role") == "pool").select(pl.col("node").alias("receiver"), "place"),
        on="receiver", maintain_order="left",
    )  # fmt: skip
    unknown[unlinked["place"].to_numpy(), :] = True
    missing = network.keys.filter(pl.col("share").is_null()).join(
        network.places.select("node", "commodity", "role", "place"), on=["node", "commodity", "role"]
    )
    unknown[missing["place"].to_numpy(), :] = True
    every = pl.DataFrame({"layer": list(layers)})
    lost = unlinked.join(every, how="cross").select(
        "layer", "reason", pl.col("receiver").alias("node"), "commodity", pl.lit(None, pl.Float64).alias("amount"),
        "unit",
    )  # fmt: skip
    no_value = unvalued.select(
        "layer", pl.when(pl.col("layer") == "money").then(pl.lit("no_price")).otherwise(pl.lit("no_upstream"))
        .alias("reason"), "node", "commodity", "amount", "unit",
    )  # fmt: skip
    not_estimated = (
        pl.concat([no_value, lost])
        .group_by("layer", "reason", "node", "commodity", "unit", maintain_order=True)
        .agg(pl.len().alias("edges"), pl.col("amount").sum())
        .select(pl.col(name).cast(kind) for name, kind in NOT_ESTIMATED_SCHEMA.items())
    )
    return EnteringBurdens(entering, matrix, unknown, not_estimated)


def _numbers(layers: pl.Series, number: Mapping[str, int]) -> NDArray[np.int64]:
    codes = layers.replace_strict(list(number), list(number.values()), return_dtype=pl.Int64)
    return np.asarray(codes.to_numpy(), dtype=np.int64)


def _direct(
    network: BurdenNetwork, flows: LayeredFlows, layers: Mapping[str, str], direct: pl.DataFrame | None, level: Level
) -> pl.DataFrame:
    if direct is None or direct.is_empty():
        return pl.DataFrame(schema=ENTERING_SCHEMA)
    pools = network.places.filter(pl.col("role") == "pool").select(pl.col("node").alias("station"), "place", "firm")
    found = (
        direct.filter(pl.col("layer").is_in(list(layers)) & (pl.col("value") != 0))
        .join(flows.at_level(level), on="node", how="left", maintain_order="left")
        .join(pools, on="station", how="left", maintain_order="left")
    )
    lacking = found.filter(pl.col("place").is_null())
    if lacking.height:
        raise InputError([
            Problem("direct_outside", "direct", _UNKNOWN_NODE, _NODE_REMEDY, {"layer": layer, "node": node})
            for layer, node in lacking.select("layer", "node").unique(maintain_order=True).iter_rows()
        ])  # fmt: skip
    absent = {"edge", "stream", "commodity", "amount", "unit", "factor", "factor_id", "source", "status"}
    return (
        found.group_by("layer", "place", pl.col("station").alias("node"), "firm", maintain_order=True)
        .agg(pl.col("value").sum().alias("embodied"))
        .with_columns(pl.lit("direct").alias("kind"), *(pl.lit(None).alias(name) for name in absent))
        .select(pl.col(name).cast(kind) for name, kind in ENTERING_SCHEMA.items())
    )


def _upstream(
    bought: pl.DataFrame, flows: LayeredFlows, layers: Mapping[str, str], upstream: pl.DataFrame | None
) -> pl.DataFrame:
    """Return every delivery from outside in every layer with its `factor` (null where unknown) and `embodied`."""
    rows = bought.select(
        "edge", "stream", "commodity", "group", "amount", "unit", "extracted", pl.col("to_place").alias("place"),
        pl.col("receiver").alias("node"), pl.col("receiver_firm").alias("firm"),
    ).join(pl.DataFrame({"layer": list(layers)}, schema={"layer": pl.String}), how="cross")  # fmt: skip
    own = flows.values.filter(pl.col("layer").is_in(list(OWN_LAYERS))).select(
        "edge", "layer", pl.col("value").abs().alias("own_value")
    )
    counts = pl.lit(False)
    for layer, groups in OWN_LAYERS.items():
        within = pl.col("group").is_in(list(groups)) if groups else pl.lit(True)
        counts = counts | ((pl.col("layer") == layer) & within)
    rows = (
        _with_factors(rows, layers, upstream)
        .join(own, on=["edge", "layer"], how="left", maintain_order="left")
        .with_columns(
            pl.coalesce("factor", pl.when(counts).then(pl.col("own_value") / pl.col("amount"))).alias("factor"),
        )
    )
    return rows.with_columns(pl.lit("upstream").alias("kind"), (pl.col("amount") * pl.col("factor")).alias("embodied"))


def _with_factors(rows: pl.DataFrame, layers: Mapping[str, str], upstream: pl.DataFrame | None) -> pl.DataFrame:
    """Return the rows with factor, factor_id, source and status: of the stream, else the node, else the commodity."""
    columns: dict[str, Any] = {
        "commodity": pl.String, "layer": pl.String, "value": pl.Float64, "unit": pl.String, "stream": pl.String,
        "node": pl.String, "factor": pl.String, "source": pl.String, "status": pl.String,
    }  # fmt: skip
    given = pl.DataFrame(schema=columns) if upstream is None else upstream
    given = given.with_columns(
        pl.lit(None, kind).alias(name) for name, kind in columns.items() if name not in given.columns
    )
    given = _in_units(given.select(*columns), rows, layers)
    facts = ["value", "factor", "source", "status"]
    keys = (["commodity", "layer", "stream"], ["commodity", "layer", "node"], ["commodity", "layer"])
    for number, key in enumerate(keys):
        others = [name for name in ("stream", "node") if name not in key]
        chosen = given.filter(
            *(pl.col(name).is_not_null() for name in key), *(pl.col(name).is_null() for name in others)
        ).unique(key, keep="first", maintain_order=True)  # fmt: skip
        chosen = chosen.select(*key, *(pl.col(name).alias(f"{name}_{number}") for name in facts))
        rows = rows.join(chosen, on=key, how="left", maintain_order="left")
    first = {
        name: pl.coalesce(pl.when(pl.col(f"value_{number}").is_not_null()).then(pl.col(f"{name}_{number}"))
                          for number in range(len(keys)))
        for name in facts
    }  # fmt: skip
    return rows.with_columns(
        first["value"].alias("factor"), first["factor"].alias("factor_id"), first["source"].alias("source"),
        first["status"].alias("status"),
    )  # fmt: skip


def _in_units(given: pl.DataFrame, rows: pl.DataFrame, layers: Mapping[str, str]) -> pl.DataFrame:
    """Return the upstream values per unit of the commodity as the network has it, in the layer's unit."""
    own = rows.select("commodity", pl.col("unit").alias("own_unit")).unique("commodity", maintain_order=True)
    given = given.join(own, on="commodity", how="inner", maintain_order="left").filter(
        pl.col("layer").is_in(list(layers)) & pl.col("value").is_not_null()
    )
    scales, problems = [], []
    for commodity, layer, unit, own_unit in given.select("commodity", "layer", "unit", "own_unit").iter_rows():
        wanted = f"{layers[layer]}/{own_unit}"
        try:
            scales.append(factor(unit, wanted) if unit else 1.0)
        except UnitError:
            scales.append(float("nan"))
            values = {"layer": layer, "commodity": commodity, "unit": unit, "wanted": wanted}
            problems.append(Problem("upstream_unit", "upstream", _UNIT, _UNIT_REMEDY, values))
    if problems:
        raise InputError(problems)
    return given.with_columns(pl.col("value") * pl.Series(scales, dtype=pl.Float64))
