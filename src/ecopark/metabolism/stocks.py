"""Changes of stores: the difference of the levels at both ends of a period."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date
from typing import Any

import polars as pl

from ecopark.metabolism.layers import LayerCoefficients, standard_deviation
from ecopark.model.network import Network
from ecopark.model.record import Record
from ecopark.units import factor

_SCHEMA: dict[str, type[pl.DataType]] = {
    "node": pl.String, "commodity": pl.String, "layer": pl.String, "coefficient": pl.Int32, "period_start": pl.Date,
    "amount": pl.Float64, "unit": pl.String, "value": pl.Float64, "sd": pl.Float64, "sd_amount": pl.Float64,
    "first": pl.Date, "last": pl.Date,
}  # fmt: skip


def stock_changes(
    record: Record,
    coefficients: LayerCoefficients,
    goods: pl.DataFrame,
    network: Network,
    layers: Sequence[str],
    spans: Sequence[tuple[date, date]],
) -> pl.DataFrame:
    """Return the increase of every store over each span, in commodity unit and in each layer (`flows.STOCK_SCHEMA`).

    A level stands for the start of its day. The levels nearest to both ends of the span count, at most a tenth of the
    span away; `first` and `last` are their days. Where one end has none there is no change to be stated. The deviation
    is that of two independent levels.
    """
    rows: list[dict[str, Any]] = []
    groups = {row["id"]: (row["group"], row["unit"]) for row in goods.iter_rows(named=True)}
    stores = record.stocks.filter(pl.col("level").is_not_null())
    for (node, commodity), levels in stores.group_by(["node", "commodity"], maintain_order=True):
        if node not in network or commodity not in groups:
            continue
        group, unit = groups[str(commodity)]
        own = coefficients.nearest_own(str(node))
        key = {
            "commodity": commodity, "unit": unit, "group": group, "technology": "",
            "region": network.region_of(str(node)) or "", "own_source": own, "own_target": own, "own_stream": "",
        }  # fmt: skip
        chosen = [(layer, number) for layer in layers if isinstance(number := coefficients.of(layer, key), int)]
        for start, end in spans:
            first, last = _nearest(levels, start, start, end), _nearest(levels, end, start, end)
            if first is None or last is None or first["time"] >= last["time"]:
                continue
            begin, finish = _scaled(first, unit), _scaled(last, unit)
            amount = finish[0] - begin[0]
            deviation = _together(begin[1], finish[1])
            for layer, number in chosen:
                worth = coefficients.coefficients[number]
                parts = [worth["value"] * deviation if deviation is not None else None,
                         amount * worth["sd"] if worth["sd"] is not None else None]  # fmt: skip
                rows.append({
                    "node": node, "commodity": commodity, "layer": layer, "coefficient": number,
                    "period_start": start, "amount": amount, "unit": unit, "value": amount * worth["value"],
                    "sd": _together(*parts), "sd_amount": deviation, "first": first["time"], "last": last["time"],
                })  # fmt: skip
    return pl.DataFrame(rows, schema=_SCHEMA)


def _nearest(levels: pl.DataFrame, day: date, start: date, end: date) -> dict[str, Any] | None:
    slack = (end - start).days // 10
    near = levels.with_columns((pl.col("time") - pl.lit(day)).dt.total_days().abs().alias("away"))
    near = near.filter(pl.col("away") <= slack).sort("away", maintain_order=True)
    return None if near.is_empty() else near.row(0, named=True)


def _scaled(row: dict[str, Any], unit: str) -> tuple[float, float | None]:
    scale = factor(row["unit"] or unit, unit)
    deviation = standard_deviation(row["level"], row["low"], row["high"])
    return row["level"] * scale, None if deviation is None else deviation * scale


def _together(*deviations: float | None) -> float | None:
    known = [deviation for deviation in deviations if deviation is not None]
    return math.sqrt(sum(deviation**2 for deviation in known)) if known else None
