"""The same over years and months: what goes in and out of every node in a layer, period by period."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import polars as pl

from ecopark.accounting.explanation import Explanation, Input
from ecopark.accounting.result import Remark
from ecopark.metabolism.changes.period_pairs import check_comparable
from ecopark.metabolism.flows import LayeredFlows, Level, period_of
from ecopark.metabolism.result import Result
from ecopark.translation import N_, translate

TERMS = {"inflow": N_("Inflow"), "outflow": N_("Outflow"), "by_rule": N_("Leaves by rule")}


@dataclass(frozen=True, eq=False, kw_only=True)
class Trend(Result):
    """A layer over consecutive periods.

    `rows`: node (a station of the level, inside the boundary), period_start, period_end, inflow, outflow, by_rule
    (leaves by a stated rule), stock_change, spread (the part of inflow and outflow that is a longer flow spread by
    days, so that it cannot show when within it something happened), unknown (streams without a value), and
    inflow_change, outflow_change against the period before. `streams`: the values behind it by stream and period.
    """

    engine: ClassVar[str] = "trend"

    unit: str
    rows: pl.DataFrame
    streams: pl.DataFrame

    def of(self, node: str) -> pl.DataFrame:
        """Return the rows of one station in time order."""
        return self.rows.filter(pl.col("node") == node).sort("period_start")

    def explain(self, key: str) -> Explanation:
        """Explain "inflow:PERIOD:NODE", "outflow:…" or "by_rule:…", PERIOD being its first day; else KeyError."""
        term, _, rest = key.partition(":")
        period, _, node = rest.partition(":")
        row = self.rows.filter((pl.col("node") == node) & (pl.col("period_start").cast(pl.String) == period))
        if term not in TERMS or row.is_empty():
            raise KeyError(f"no number {key!r}")
        own, other = ("target_station", "source_station") if term == "inflow" else ("source_station", "target_station")
        parts = self.streams.filter(
            (pl.col(own) == node)
            & (pl.col(other) != node)
            & (pl.col("period_start").cast(pl.String) == period)
            & ((pl.col("implied").is_not_null()) == (term == "by_rule"))
        )
        inputs = [
            Input("parts", *self._names(part), part["value"], self.unit, "flow", part["stream"])
            for part in parts.iter_rows(named=True)
        ]
        zh, en = self.both(node, "node")
        titles = (f"{zh}：{translate(TERMS[term], 'zh')}", f"{en}: {translate(TERMS[term], 'en')}")
        return Explanation(key, *titles, row[term].item(), self.unit, "sum(parts)", inputs)

    def _names(self, row: dict[str, object]) -> tuple[str, str]:
        def text(language: str) -> str:
            ends = " → ".join(self.name(str(row[end]), language, "node") for end in ("source", "target"))
            return f"{self.name(str(row['commodity']), language, 'commodity')}: {ends}"

        return text("zh"), text("en")


def draw_trend(networks: Sequence[LayeredFlows], layer: str, *, level: Level = "firm") -> Trend:
    """Return what goes in and out of every station of a level in a layer, over the periods of the networks.

    `networks` are years, months, or years drawn by month (resolution "month"), each period once, all over one boundary;
    stations outside the boundary are left out. Raises ValueError without a network or where a period comes twice, and
    InputError for another boundary or a missing layer.
    """
    if not networks:
        raise ValueError("a trend needs at least one network")
    ordered = sorted(networks, key=lambda network: network.start)
    for network in ordered:
        check_comparable(ordered[0], network, layer)
    streams = pl.concat([_streams(network, layer, level) for network in ordered])
    starts = pl.concat([_periods(network) for network in ordered])
    if starts.n_unique() != starts.len():
        raise ValueError("a period comes twice")
    stations = pl.concat([_inside(network, level) for network in ordered]).unique(maintain_order=True)
    grid = stations.join(streams.select("period_start", "period_end").unique().sort("period_start"), how="cross")
    keys = ["node", "period_start"]
    between = streams.filter(pl.col("source_station") != pl.col("target_station"))
    enters = between.rename({"target_station": "node"}).group_by(keys).agg(
        pl.col("value").sum().alias("inflow"), pl.col("value").filter("spread").sum().alias("spread_in")
    )  # fmt: skip
    by_rule = pl.col("implied").is_not_null()
    leaves = between.rename({"source_station": "node"}).group_by(keys).agg(
        pl.col("value").filter(~by_rule).sum().alias("outflow"), pl.col("value").filter(by_rule).sum().alias("by_rule"),
        pl.col("value").filter(~by_rule & pl.col("spread")).sum().alias("spread_out"),
    )  # fmt: skip
    stocks = pl.concat([_stocks(network, layer, level) for network in ordered])
    unknown = pl.concat([_unknown(network, layer, level) for network in ordered])
    rows = grid
    for part in (enters, leaves, stocks, unknown):
        rows = rows.join(part, on=keys, how="left", maintain_order="left")
    numbers = ("inflow", "outflow", "by_rule", "stock_change", "spread_in", "spread_out")
    throughput = pl.col("inflow") + pl.col("outflow")
    rows = (
        rows.with_columns(*(pl.col(name).fill_null(0.0) for name in numbers), pl.col("unknown").fill_null(0))
        .with_columns(
            pl.when(throughput > 0).then((pl.col("spread_in") + pl.col("spread_out")) / throughput).alias("spread")
        )
        .filter((throughput.sum() > 0).over("node") | (pl.col("unknown").sum() > 0).over("node"))
        .sort(keys)
        .with_columns(
            (pl.col("inflow") - pl.col("inflow").shift()).over("node").alias("inflow_change"),
            (pl.col("outflow") - pl.col("outflow").shift()).over("node").alias("outflow_change"),
        )
        .select("node", "period_start", "period_end", "inflow", "outflow", "by_rule", "stock_change", "inflow_change",
                "outflow_change", "spread", "unknown")
    )  # fmt: skip
    names: dict[str, tuple[str, str]] = {}
    for network in ordered:
        names |= network.names
    last = ordered[-1]
    settings = {**last.settings, "start": ordered[0].start.isoformat(), "end": last.end.isoformat(),
                "year": ordered[0].year, "to_year": last.year, "layer": layer, "level": level}  # fmt: skip
    return Trend(
        settings=settings, names=names, remarks=_remarks(rows), unit=last.unit(layer), rows=rows, streams=streams
    )


def _periods(network: LayeredFlows) -> pl.Series:
    if network.resolution == "month" and (network.end - network.start).days > 31:
        return pl.Series("start", [period_of(network.year, month)[0] for month in range(1, 13)])
    return pl.Series("start", [network.start])


def _streams(network: LayeredFlows, layer: str, level: Level) -> pl.DataFrame:
    stations = network.at_level(level)
    return (
        network.layer(layer)
        .select("stream", "source", "target", "commodity", "activity", "implied", "period_start", "period_end",
                "amount", "value", "spread")
        .join(stations.rename({"node": "source", "station": "source_station"}), on="source", how="left",
              maintain_order="left")
        .join(stations.rename({"node": "target", "station": "target_station"}), on="target", how="left",
              maintain_order="left")
    )  # fmt: skip


def _inside(network: LayeredFlows, level: Level) -> pl.DataFrame:
    members = network.nodes.filter("inside").select("node")
    return network.at_level(level).join(members, on="node").select(pl.col("station").alias("node")).unique()


def _stocks(network: LayeredFlows, layer: str, level: Level) -> pl.DataFrame:
    return (
        network.stocks.filter(pl.col("layer") == layer)
        .join(network.at_level(level), on="node", how="inner")
        .group_by(pl.col("station").alias("node"), "period_start")
        .agg(pl.col("value").sum().alias("stock_change"))
    )


def _unknown(network: LayeredFlows, layer: str, level: Level) -> pl.DataFrame:
    stations = network.at_level(level)
    missing = network.unknown.filter(pl.col("layer") == layer).join(
        network.edges.select("edge", "period_start"), on="edge", how="inner"
    )
    ends = pl.concat(
        [missing.select("edge", "period_start", pl.col(end).alias("node")) for end in ("source", "target")]
    )
    return (
        ends.join(stations, on="node", how="inner")
        .group_by(pl.col("station").alias("node"), "period_start")
        .agg(pl.col("edge").n_unique().cast(pl.Int64).alias("unknown"))
    )


def _remarks(rows: pl.DataFrame) -> tuple[Remark, ...]:
    spread = rows.filter(pl.col("spread") > 0.5)
    if spread.is_empty():
        return ()
    return (
        Remark(
            "periods_spread",
            N_("For {count} of {total} rows most of the value is a flow of a longer period spread by days: it says "
               "nothing about single periods."),
            {"count": spread.height, "total": rows.height},
            "warning",
        ),
    )  # fmt: skip
