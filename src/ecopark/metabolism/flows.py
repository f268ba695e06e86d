"""The record's effective flows as a network in layers: edges between nodes, each with its value in every layer.

An edge is one stream in one period (the whole period asked for, or each of its months). Its amount is the sum of the
stream's effective flows; its value in a layer is amount times coefficient (`layers`). Streams that are part of another
take their amount out of it, so that finer meters refine the picture and nothing counts twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Literal

import polars as pl

from ecopark.accounting.inventory import all_commodities, resolve_boundary
from ecopark.accounting.result import Remark
from ecopark.catalogue import Catalogue
from ecopark.metabolism.amounts import in_one_unit, silent_months, stream_totals
from ecopark.metabolism.implied import implied_edges
from ecopark.metabolism.layers import KEY, LayerCoefficients, LayerGap, layer_ids
from ecopark.metabolism.parts import take_out_parts
from ecopark.metabolism.result import name_in
from ecopark.metabolism.stocks import stock_changes
from ecopark.model.effective import effective_flows
from ecopark.model.network import PARK, Network
from ecopark.model.periods import month_bounds, year_bounds
from ecopark.model.record import Record
from ecopark.model.tables import ACTUAL, OUTSIDE_KINDS
from ecopark.translation import N_

Resolution = Literal["period", "month"]
Level = Literal["node", "process", "firm", "zone", "park"]

EDGE_SCHEMA: dict[str, type[pl.DataType]] = {
    "edge": pl.Int64, "stream": pl.String, "source": pl.String, "target": pl.String, "source_firm": pl.String,
    "target_firm": pl.String, "source_inside": pl.Boolean, "target_inside": pl.Boolean, "commodity": pl.String,
    "group": pl.String, "activity": pl.String, "technology": pl.String, "period_start": pl.Date, "period_end": pl.Date,
    "amount": pl.Float64, "unit": pl.String, "sd": pl.Float64, "correlation_group": pl.String, "method": pl.String,
    "notation": pl.String, "flow": pl.String, "flows": pl.Int64, "coverage": pl.Float64, "spread": pl.Boolean,
    "part": pl.Boolean, "implied": pl.String, "variable": pl.Int64, "whole": pl.Int64,
}  # fmt: skip
"""One edge per stream and period.

`amount` is null where nothing is known (`notation` NE or C; with an amount beside it, only a part is known); `sd` is
its standard deviation, null where no range was stated; `coverage` the part of the period's days that flows cover;
`spread` marks amounts of a longer flow spread by days; `part` the rest of a stream after its parts were taken out.
`implied` names the disposition by which an edge follows from another one, whose amount (`variable`) it shares. `whole`
is the edge (a rest) that a part was taken out of; the errors of a part and of its rest are opposite.
"""

VALUE_SCHEMA: dict[str, type[pl.DataType]] = {
    "edge": pl.Int64, "layer": pl.String, "coefficient": pl.Int32, "value": pl.Float64, "sd": pl.Float64,
}  # fmt: skip
"""The value of an edge in a layer, in the layer's unit; `sd` null where neither amount nor coefficient has a range."""

UNKNOWN_SCHEMA: dict[str, type[pl.DataType]] = {
    "edge": pl.Int64, "stream": pl.String, "layer": pl.String, "reason": pl.String, "quantity": pl.String,
    "commodity": pl.String, "source": pl.String, "target": pl.String, "coefficient": pl.Int32,
}  # fmt: skip
"""Edges without a value in a layer: reason no_amount, no_property, unstated (content not required) or unit.

`coefficient` is that of an edge which lacks nothing but the amount.
"""

STOCK_SCHEMA: dict[str, type[pl.DataType]] = {
    "node": pl.String, "commodity": pl.String, "layer": pl.String, "coefficient": pl.Int32, "period_start": pl.Date,
    "amount": pl.Float64, "unit": pl.String, "value": pl.Float64, "sd": pl.Float64, "sd_amount": pl.Float64,
    "first": pl.Date, "last": pl.Date,
}  # fmt: skip
"""Increase of a store's level over a period, in commodity unit (`amount`) and in the layer's unit (`value`)."""

NODE_SCHEMA: dict[str, type[pl.DataType]] = {
    "node": pl.String, "parent": pl.String, "kind": pl.String, "firm": pl.String, "zone": pl.String,
    "depth": pl.Int64, "inside": pl.Boolean, "outside": pl.Boolean,
}  # fmt: skip


IMPLIED_ENDS: dict[str, tuple[str, str]] = {
    "implied:air": ("大气（按规则得出）", "air (by rule)"),
    "implied:residue": ("灰渣（按规则得出）", "ash and slag (by rule)"),
    "implied:use": ("终端利用与消耗（余量）", "final use and consumption (remainder)"),
}
"""Where implied edges and remainders end, with their names; outside every boundary."""


@dataclass(frozen=True, eq=False)
class LayeredFlows:
    """The network of a period in layers; frames as the schemas of this module say.

    `inside` of a node: member of the boundary; `outside`: a market or the environment, which never balances. `flows`
    holds the effective flows behind the edges, for explanations.
    """

    year: int
    start: date
    end: date
    resolution: Resolution
    boundary: str
    scenario: str
    edges: pl.DataFrame
    values: pl.DataFrame
    coefficients: pl.DataFrame
    parameters: pl.DataFrame
    stocks: pl.DataFrame
    unknown: pl.DataFrame
    nodes: pl.DataFrame
    layers: pl.DataFrame
    flows: pl.DataFrame
    names: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    sources: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    remarks: Sequence[Remark] = ()

    @property
    def settings(self) -> dict[str, Any]:
        """What the network was drawn for, as plain data."""
        return {
            "year": self.year, "start": self.start.isoformat(), "end": self.end.isoformat(),
            "resolution": self.resolution, "boundary": self.boundary, "scenario": self.scenario,
        }  # fmt: skip

    def layer(self, layer: str) -> pl.DataFrame:
        """Return the edges that have a value in a layer: their columns, coefficient, `value` and `sd_value`."""
        values = self.values.filter(pl.col("layer") == layer).select(
            "edge", "coefficient", "value", pl.col("sd").alias("sd_value")
        )
        return self.edges.join(values, on="edge", how="inner", maintain_order="left")

    def unit(self, layer: str) -> str:
        """Return the unit of a layer; KeyError for one that was not asked for."""
        found = self.layers.filter(pl.col("id") == layer)["unit"]
        if found.is_empty():
            raise KeyError(f"no layer {layer!r} in this network")
        return str(found.item())

    def name(self, identity: str, language: str, kind: str = "") -> str:
        """Return the name of a node, commodity, layer or activity in `language`, or its id."""
        return name_in(self.names, identity, language, kind)

    def at_level(self, level: Level) -> pl.DataFrame:
        """Return node -> station: what each node counts as at a level, as columns node, station (String).

        "node" leaves every node as it is; "process" lifts equipment into what holds it; "firm" and "zone" lift a node
        into its firm or zone (the park itself where it has none); "park" makes one station of all inside. Nodes outside
        stay themselves.
        """
        if level != "process":
            return self.nodes.select("node", _station_at(level).alias("station"))
        above = {node: parent for node, parent, kind in self.nodes.select("node", "parent", "kind").iter_rows()
                 if kind == "equipment" and parent is not None}  # fmt: skip
        stations = []
        for node in self.nodes["node"]:
            step, path = node, {node}
            while (parent := above.get(step)) is not None and parent not in path:
                path.add(parent)
                step = parent
            stations.append(step)
        return pl.DataFrame({"node": self.nodes["node"], "station": pl.Series(stations, dtype=pl.String)})


def _station_at(level: Level) -> pl.Expr:
    """Return the station of a node at a level other than process, over the columns of `NODE_SCHEMA`."""
    own = pl.col("node")
    if level == "node":
        return own
    if level == "firm":
        return pl.when(pl.col("outside")).then(own).otherwise("firm")
    if level == "zone":
        return pl.when(pl.col("outside")).then(own).otherwise(pl.coalesce("zone", "firm"))
    return pl.when(pl.col("inside")).then(pl.lit(PARK)).otherwise(pl.coalesce("firm", own))


def period_of(year: int, month: int | None = None) -> tuple[date, date]:
    """Return the half-open interval of a year, or of one of its months."""
    return year_bounds(year) if month is None else month_bounds(year, month)


def layered_flows(
    record: Record,
    catalogue: Catalogue,
    year: int,
    *,
    month: int | None = None,
    boundary: str = PARK,
    scenario: str = ACTUAL,
    layers: Sequence[str] | None = None,
    resolution: Resolution = "period",
    options: Mapping[str, str] | None = None,
) -> LayeredFlows:
    """Return the effective flows of a year (or one month) as a network in layers.

    `resolution` "month" gives each month its own edges; flows of a longer period are spread by days and marked, and a
    stream of which some months say nothing has edges without an amount there. A period without flows is a network
    without edges, with a remark that names the years which have some. `options` choose factor sets (such as
    fuel_set). Raises InputError for an unknown boundary, scenario or layer.
    """
    wanted = layer_ids(catalogue, layers)
    network = Network(record)
    limits = resolve_boundary(record, network, boundary)
    start, end = period_of(year, month)
    spans = [(start, end)]
    if resolution == "month" and month is None:
        spans = [month_bounds(year, number) for number in range(1, 13)]
    goods = all_commodities(record, catalogue)
    nodes = _nodes(network, limits.members)
    flows, remarks = in_one_unit(record, goods)
    scaled = record.replace(flows=flows)
    effective, totals = [], []
    for span in spans:
        found = effective_flows(scaled, scenario, *span, include_parts=True).with_columns(
            pl.lit(span[0]).alias("span_start"), pl.lit(span[1]).alias("span_end")
        )
        effective.append(found)
        totals.append(stream_totals(found, span))
    sums, behind = pl.concat(totals), pl.concat(effective)
    if len(spans) > 1:
        included = behind.filter(pl.col("notation") == "IE").select(
            "stream", pl.col("span_start").alias("period_start")
        )
        sums = _existing(silent_months(sums, included), record)
    sums, told = take_out_parts(sums, record.streams)
    remarks += told if sums.height else (*told, _nothing_said(record, start, end))
    edges = _placed(sums, record, goods, nodes)
    coefficients = LayerCoefficients(catalogue, record, network, year, {"fuel_set": "Q", **(options or {})})
    keyed = _keyed(edges, coefficients, network)
    values, unknown = _values(edges, keyed, coefficients, wanted)
    implied, implied_values, lacking, statements = implied_edges(
        edges, keyed, coefficients, catalogue, wanted, nodes, _biogenic(record, catalogue)
    )
    # the gas of burnt fuel leaves by rule, without the oxygen of the air that stated carbon dioxide holds
    values = values.join(statements.with_columns(pl.lit("mass").alias("layer")), on=["edge", "layer"], how="anti",
                         maintain_order="left")  # fmt: skip
    edges, values = pl.concat([edges, implied]), pl.concat([values, implied_values])
    unknown = pl.concat([unknown, lacking.select(unknown.columns)])
    if coefficients.changing and len(spans) == 1 and month is None:
        remarks += (_changes_within(coefficients.changing),)
    stocks, untold = stock_changes(record, coefficients, goods, network, wanted, spans)
    remarks += untold
    coefficient_frame, parameters = coefficients.frames()
    values = _with_deviation(values, edges, coefficient_frame)
    return LayeredFlows(
        year, start, end, resolution, boundary, scenario, edges, values, coefficient_frame, parameters, stocks, unknown,
        nodes, catalogue.layers.filter(pl.col("id").is_in(wanted)), behind,
        _names(record, catalogue, goods, edges), _sources(record, catalogue), remarks,
    )  # fmt: skip


def _changes_within(quantities: Sequence[str]) -> Remark:
    return Remark(
        "contents_change",
        N_("Within the year the park's values of {quantities} change; the year counts with the latest. Drawn by "
           "months, each month counts with its own."),
        {"quantities": ", ".join(quantities)},
        "warning",
    )  # fmt: skip


def _existing(totals: pl.DataFrame, record: Record) -> pl.DataFrame:
    """Return the rows that say something, or whose both ends exist in their period."""
    valid = record.nodes.select("id", pl.col("valid_from").fill_null(date.min), pl.col("valid_to").fill_null(date.max))
    ends = record.streams.select(pl.col("id").alias("stream"), "source", "target").unique("stream")
    for side in ("source", "target"):
        ends = ends.join(
            valid.rename({"id": side, "valid_from": f"{side}_from", "valid_to": f"{side}_to"}), on=side, how="left"
        )
    exist = pl.all_horizontal(
        *((pl.col(f"{side}_from") < pl.col("period_end")) & (pl.col(f"{side}_to") > pl.col("period_start"))
          for side in ("source", "target"))
    )  # fmt: skip
    joined = totals.join(ends, on="stream", how="left", maintain_order="left")
    return joined.filter((pl.col("flows") > 0) | exist).select(totals.columns)


def _nothing_said(record: Record, start: date, end: date) -> Remark:
    flows = record.flows.select("period_start", pl.col("period_end").dt.offset_by("-1d"))
    years = pl.concat([flows[name].dt.year() for name in flows.columns]).drop_nulls().unique().sort().to_list()
    if not years:
        return Remark("no_flows", N_("The record holds no flows yet."), {}, "warning")
    return Remark(
        "no_flows",
        N_("No flow falls into {start} to {end}; the record has flows in {years}."),
        {"start": start.isoformat(), "end": (end - timedelta(days=1)).isoformat(), "years": ", ".join(map(str, years))},
        "warning",
    )


def _nodes(network: Network, members: frozenset[str]) -> pl.DataFrame:
    rows = []
    for node in network.ids:
        above = network.ancestors(node)
        zone = next((step for step in (node, *above) if network.kind(step) == "zone"), None)
        rows.append(
            (
                node,
                network.parent(node),
                network.kind(node),
                network.firm_of(node),
                zone,
                len(above),
                node in members,
                node in network.outside or network.kind(node) in OUTSIDE_KINDS,
            )
        )
    rows += [(end, None, "environment", end, None, 0, False, True) for end in IMPLIED_ENDS]
    return pl.DataFrame(rows, schema=NODE_SCHEMA, orient="row")


def _placed(edges: pl.DataFrame, record: Record, goods: pl.DataFrame, nodes: pl.DataFrame) -> pl.DataFrame:
    """Return the edges with their ends, commodity and how they lie to the boundary."""
    streams = record.streams.select(pl.col("id").alias("stream"), "source", "target", "commodity", "activity",
                                    "technology")  # fmt: skip
    groups = goods.select(pl.col("id").alias("commodity"), "group", pl.col("unit").alias("own_unit"))
    source = nodes.select(pl.col("node").alias("source"), pl.col("firm").alias("source_firm"),
                          pl.col("inside").alias("source_inside"))  # fmt: skip
    target = nodes.select(pl.col("node").alias("target"), pl.col("firm").alias("target_firm"),
                          pl.col("inside").alias("target_inside"))  # fmt: skip
    placed = (
        edges.join(streams, on="stream", how="inner", maintain_order="left")
        .join(groups, on="commodity", how="left", maintain_order="left")
        .join(source, on="source", how="inner", maintain_order="left")
        .join(target, on="target", how="inner", maintain_order="left")
        .with_columns(pl.coalesce("unit", "own_unit").alias("unit"), pl.lit(None, pl.String).alias("implied"))
        .with_row_index("edge")
        .with_columns(pl.col("edge").cast(pl.Int64))
        .with_columns(pl.col("edge").alias("variable"))
    )
    number = placed.select(pl.col("stream").alias("whole"), "period_start", pl.col("edge").alias("of"))
    return (
        placed.join(number, on=["whole", "period_start"], how="left", maintain_order="left")
        .with_columns(pl.col("of").alias("whole"))
        .select(pl.col(name).cast(kind) for name, kind in EDGE_SCHEMA.items())
    )


def _biogenic(record: Record, catalogue: Catalogue) -> list[str]:
    """Return the commodities of biogenic origin: those of the catalogue, and the park's own below one of them."""
    known = set(catalogue.commodities.filter(pl.col("origin") == "biogenic")["id"])
    own = dict(record.commodities.select("id", "parent").iter_rows())
    return sorted(known | {identity for identity, parent in own.items() if parent in known})


def _keyed(edges: pl.DataFrame, coefficients: LayerCoefficients, network: Network) -> pl.DataFrame:
    """Return edge with the columns of `layers.KEY`: what decides its coefficients."""
    ends = pl.concat([edges["source"], edges["target"]]).unique()
    own = pl.DataFrame(
        {
            "end": ends,
            "own": [coefficients.nearest_own(node) for node in ends],
            "region": [network.region_of(node) or "" for node in ends],
        },
        schema={"end": pl.String, "own": pl.String, "region": pl.String},
    )
    spans = edges.select("period_start", "period_end").unique(maintain_order=True)
    spans = spans.with_columns(
        pl.Series("span", [coefficients.span_text(*row) for row in spans.iter_rows()], dtype=pl.String)
    )
    user = pl.when(pl.col("target_inside")).then("target").otherwise("source")
    return (
        edges.select("edge", "stream", "source", "target", "commodity", "unit", "group", "activity",
                     pl.col("technology").fill_null(""), user.alias("user"), "period_start", "period_end")
        .join(spans, on=["period_start", "period_end"], how="left", maintain_order="left")
        .join(own.select(pl.col("end").alias("source"), pl.col("own").alias("own_source")), on="source", how="left",
              maintain_order="left")
        .join(own.select(pl.col("end").alias("target"), pl.col("own").alias("own_target")), on="target", how="left",
              maintain_order="left")
        .join(own.select(pl.col("end").alias("user"), "region"), on="user", how="left", maintain_order="left")
        .with_columns(
            pl.when(pl.col("stream").is_in(sorted(coefficients.own_streams))).then("stream").otherwise(pl.lit(""))
            .alias("own_stream")
        )
        .select("edge", *KEY)
    )  # fmt: skip


def _values(
    edges: pl.DataFrame, keyed: pl.DataFrame, coefficients: LayerCoefficients, layers: Sequence[str]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the values of the edges in the layers (without deviations yet), and the edges that have none, with why."""
    found: list[dict[str, Any]] = []
    gaps: list[dict[str, Any]] = []
    for key in keyed.select(KEY).unique(maintain_order=True).iter_rows(named=True):
        for layer in layers:
            outcome = coefficients.of(layer, key)
            if isinstance(outcome, LayerGap):
                gaps.append({**key, "layer": layer, "reason": outcome.reason, "quantity": outcome.quantity})
            elif outcome is not None:
                found.append({**key, "layer": layer, "coefficient": outcome})
    texts = dict.fromkeys(KEY, pl.String)
    chosen = pl.DataFrame(found, schema={**texts, "layer": pl.String, "coefficient": pl.Int32})
    lacking = pl.DataFrame(gaps, schema={**texts, "layer": pl.String, "reason": pl.String, "quantity": pl.String})
    numbers = pl.DataFrame(
        {
            "coefficient": range(len(coefficients.coefficients)),
            "worth": [c["value"] for c in coefficients.coefficients],
        },
        schema={"coefficient": pl.Int32, "worth": pl.Float64},
    )
    ends = edges.select("edge", "stream", "source", "target", "amount", "notation")
    joined = (
        keyed.join(chosen, on=list(KEY), how="inner", maintain_order="left", nulls_equal=True)
        .join(ends, on="edge", how="left", maintain_order="left")
        .join(numbers, on="coefficient", how="left", maintain_order="left")
    )
    values = joined.filter(pl.col("amount").is_not_null()).select(
        "edge", "layer", "coefficient", (pl.col("amount") * pl.col("worth")).alias("value"),
        pl.lit(None, pl.Float64).alias("sd"),
    )  # fmt: skip
    absent = joined.filter(pl.col("amount").is_null() | pl.col("notation").is_not_null()).select(
        "edge", "stream", "layer", pl.lit("no_amount").alias("reason"), pl.lit("").alias("quantity"), "commodity",
        "source", "target", "coefficient",
    )  # fmt: skip
    without = (
        keyed.join(lacking, on=list(KEY), how="inner", maintain_order="left", nulls_equal=True)
        .join(ends, on="edge", how="left", maintain_order="left")
        .filter(pl.col("amount").is_null() | (pl.col("amount") != 0))
        .with_columns(pl.lit(None, pl.Int32).alias("coefficient"))
        .select(UNKNOWN_SCHEMA.keys())
    )
    return values, pl.concat([absent.select(UNKNOWN_SCHEMA.keys()), without])


def _with_deviation(values: pl.DataFrame, edges: pl.DataFrame, coefficients: pl.DataFrame) -> pl.DataFrame:
    """Fill the standard deviation of values: ``sqrt((c sd_a)^2 + (a sd_c)^2)``, null where neither has a range."""
    joined = values.join(
        edges.select("edge", "amount", pl.col("sd").alias("sd_amount")), on="edge", how="left", maintain_order="left"
    ).join(
        coefficients.select("coefficient", pl.col("value").alias("worth"), pl.col("sd").alias("sd_worth")),
        on="coefficient", how="left", maintain_order="left",
    )  # fmt: skip
    variance = (pl.col("worth") * pl.col("sd_amount").fill_null(0.0)).pow(2) + (
        pl.col("amount") * pl.col("sd_worth").fill_null(0.0)
    ).pow(2)
    ranged = pl.col("sd_amount").is_not_null() | pl.col("sd_worth").is_not_null()
    return joined.with_columns(pl.when(ranged).then(variance.sqrt()).alias("sd")).select(VALUE_SCHEMA.keys())


def _names(
    record: Record, catalogue: Catalogue, goods: pl.DataFrame, edges: pl.DataFrame
) -> dict[str, tuple[str, str]]:
    used = sorted(set(edges["commodity"].drop_nulls()) | set(record.streams["commodity"].drop_nulls()))
    constants = catalogue.constants.select(pl.col("symbol").alias("id"), "name_zh", "name_en")
    frames = (
        ("symbol", catalogue.quantities), ("symbol", constants), ("layer", catalogue.layers),
        ("activity", catalogue.activities), ("disposition", catalogue.dispositions), ("group", catalogue.groups),
        ("commodity", goods.filter(pl.col("id").is_in(used))), ("node", record.nodes),
    )  # fmt: skip
    names: dict[str, tuple[str, str]] = {}
    for kind, frame in frames:
        for identity, zh, en in frame.select("id", "name_zh", "name_en").iter_rows():
            names[f"{kind}:{identity}"] = (zh or "", en or "")
    names |= {f"node:{end}": pair for end, pair in IMPLIED_ENDS.items()}
    return names


def _sources(record: Record, catalogue: Catalogue) -> dict[str, tuple[str, str]]:
    titles = dict(catalogue.source_titles)
    titles |= {identity: (title, title) for identity, title in record.evidence.select("id", "title").iter_rows()}
    return titles
