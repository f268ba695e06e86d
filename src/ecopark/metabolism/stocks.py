"""Changes of stores: the difference of the levels at both ends of a period."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date
from typing import Any

import polars as pl

from ecopark.accounting.result import Remark
from ecopark.metabolism.layers import LayerCoefficients, standard_deviation
from ecopark.model.network import Network
from ecopark.model.record import Record
from ecopark.translation import N_
from ecopark.units import convertible, factor

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
) -> tuple[pl.DataFrame, tuple[Remark, ...]]:
    """Return the increase of every store over each span, in commodity unit and in each layer (`flows.STOCK_SCHEMA`).

    A level stands for the start of its day. The levels nearest to both ends of the span count, at most a tenth of the
    span away; `first` and `last` are their days. Where one end has none there is no change to be stated. The deviation
    is that of two independent levels. Levels in a unit that does not convert to the commodity's are brought to the
    layers in their own unit. Remarks tell of stores with levels near one end of the whole period only, of levels in two
    units, and of changes that lack a value for a layer.
    """
    rows: list[dict[str, Any]] = []
    remarks: list[Remark] = []
    groups = {row["id"]: (row["group"], row["unit"]) for row in goods.iter_rows(named=True)}
    names = _names(record.nodes)
    goods_names = _names(goods)
    layer_names = _names(coefficients.catalogue.layers)
    stores = record.stocks.filter(pl.col("level").is_not_null())
    start, end = spans[0][0], spans[-1][1]
    for (node, commodity), levels in stores.group_by(["node", "commodity"], maintain_order=True):
        if node not in network or commodity not in groups:
            continue
        about = {**_both("node", str(node), names), **_both("commodity", str(commodity), goods_names)}
        group, unit = groups[str(commodity)]
        unit = _common_unit(levels, unit)
        if unit is None:
            remarks.append(Remark("stock_units", _UNITS, about, "warning"))
            continue
        near = [_nearest(levels, day, start, end) for day in (start, end)]
        if (near[0] is None) != (near[1] is None):
            remarks.append(
                Remark("stock_one_end", _ONE_END, {**about, "start": str(start), "end": str(end)}, "warning")
            )
        own = coefficients.nearest_own(str(node))
        key = {
            "commodity": commodity, "unit": unit, "group": group, "technology": "",
            "region": network.region_of(str(node)) or "", "own_source": own, "own_target": own, "own_stream": "",
            "activity": "", "span": "",
        }  # fmt: skip
        chosen, lacking = [], []
        for layer in layers:
            number = coefficients.of(layer, key)
            if isinstance(number, int):
                chosen.append((layer, number))
            elif number is not None and number.reason != "unstated":
                lacking.append(layer)
        changed = False
        for begin_day, end_day in spans:
            first, last = (_nearest(levels, day, begin_day, end_day) for day in (begin_day, end_day))
            if first is None or last is None or first["time"] >= last["time"]:
                continue
            begin, finish = _scaled(first, unit), _scaled(last, unit)
            amount = finish[0] - begin[0]
            changed = changed or amount != 0
            deviation = _together(begin[1], finish[1])
            for layer, number in chosen:
                worth = coefficients.coefficients[number]
                parts = [worth["value"] * deviation if deviation is not None else None,
                         amount * worth["sd"] if worth["sd"] is not None else None]  # fmt: skip
                rows.append({
                    "node": node, "commodity": commodity, "layer": layer, "coefficient": number,
                    "period_start": begin_day, "amount": amount, "unit": unit, "value": amount * worth["value"],
                    "sd": _together(*parts), "sd_amount": deviation, "first": first["time"], "last": last["time"],
                })  # fmt: skip
        if changed and lacking:
            remarks.append(Remark("stock_no_value", _NO_VALUE, {**about, **_listed(lacking, layer_names)}, "warning"))
    return pl.DataFrame(rows, schema=_SCHEMA), tuple(remarks)


_UNITS = N_("The levels of {commodity_en} in {node_en} stand in units that do not convert; the change is not counted.")
_ONE_END = N_(
    "{node_en} has a level of {commodity_en} near one end of {start} to {end} only; its stock change is not counted."
)
_NO_VALUE = N_("The stock change of {commodity_en} in {node_en} lacks a value for {layers_en} and is missing there.")


def _names(frame: pl.DataFrame) -> dict[str, tuple[str, str]]:
    return {
        identity: (zh or en or identity, en or zh or identity)
        for identity, zh, en in frame.select("id", "name_zh", "name_en").iter_rows()
    }


def _both(kind: str, identity: str, names: dict[str, tuple[str, str]]) -> dict[str, str]:
    zh, en = names.get(identity, (identity, identity))
    return {f"{kind}_zh": zh, f"{kind}_en": en}


def _listed(layers: Sequence[str], names: dict[str, tuple[str, str]]) -> dict[str, str]:
    return {"layers_zh": "、".join(names[layer][0] for layer in layers),
            "layers_en": ", ".join(names[layer][1].lower() for layer in layers)}  # fmt: skip


def _common_unit(levels: pl.DataFrame, unit: str | None) -> str | None:
    """Return the unit to bring the levels to: the commodity's, else the one they all have; None if there is none."""
    found = levels["unit"].drop_nulls().unique(maintain_order=True).to_list()
    if unit is not None and all(convertible(one, unit) for one in found):
        return unit
    return found[0] if found and all(convertible(one, found[0]) for one in found) else None


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
