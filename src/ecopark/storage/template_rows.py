"""Which rows a pre-filled workbook shows: the whole record or one firm's part, and the streams of the next year."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from ecopark.model.effective import effective_flows
from ecopark.model.network import PARK, Network
from ecopark.model.periods import period_label, year_bounds
from ecopark.model.problems import InputError, Problem
from ecopark.model.record import Record
from ecopark.model.tables import ACTUAL, TABLES
from ecopark.storage.cells import nearest
from ecopark.translation import N_, choose

STREAM_NAME, LAST_YEAR = "#stream", "#last_year"
"""Columns of the flows sheet that only help the reader; names beginning with # are not imported."""


@dataclass(frozen=True, slots=True)
class Part:
    """What a template shows: a record, and the ids of the nodes its rows may name (also those it does not show)."""

    record: Record
    nodes: list[str]


def part_of_record(record: Record, firm: str) -> Part:
    """Return what concerns one node (a firm) and all below it, with nothing of what its neighbours report.

    Its nodes; the streams that it owns, or, where no owner is named, that touch it; their flows; its stocks,
    statistics, certificates, properties and factors; and the evidence these name. Of the nodes at the other ends of
    its streams and above it only the ids are given. Raises InputError for a node that is not known.
    """
    network = Network(record)
    if firm not in network:
        near = nearest(firm, network.ids)
        raise InputError(
            [
                Problem(
                    "node_unknown",
                    firm,
                    N_("There is no node {node}."),
                    N_("Did you mean {near}?") if near else N_("`ecopark template` without --firm shows all nodes."),
                    {"node": firm, "near": near},
                )
            ]
        )
    own = list(network.subtree(firm))
    touches = pl.col("source").is_in(own) | pl.col("target").is_in(own)
    owned = pl.when(pl.col("owner").is_null()).then(touches).otherwise(pl.col("owner").is_in(own))
    streams = record.streams.filter(owned)
    ids = streams["id"].implode()
    tables = {
        "nodes": record.nodes.filter(pl.col("id").is_in(own)),
        "streams": streams,
        "flows": record.flows.filter(pl.col("stream").is_in(ids)),
        "stocks": record.stocks.filter(pl.col("node").is_in(own)),
        "statistics": record.statistics.filter(pl.col("node").is_in(own)),
        "certificates": record.certificates.filter(pl.col("holder").is_in(own)),
        "properties": record.properties.filter(pl.col("stream").is_in(ids) | pl.col("node").is_in(own)),
        "factors": record.factors.filter(pl.col("node").is_in(own)),
        "scenarios": record.scenarios,
    }
    used_here = pl.concat([streams["commodity"], tables["stocks"]["commodity"]])
    tables["commodities"] = record.commodities.filter(pl.col("id").is_in(used_here.implode()))
    named = [frame["evidence"] for name, frame in tables.items() if "evidence" in TABLES[name].schema]
    tables["evidence"] = record.evidence.filter(pl.col("id").is_in(pl.concat(named).drop_nulls().implode()))
    used = {node for column in ("source", "target", "owner") for node in streams[column].drop_nulls()}
    known = used | set(own) | set(network.ancestors(firm))
    return Part(Record.of(**tables), [node for node in network.ids if node in known])


def next_year_flows(record: Record, year: int) -> pl.DataFrame:
    """Return the flows sheet's rows for `year`: what is known already, and a row to fill in for every other stream.

    A stream that was observed by month in the year before gets its months, others one row for the year; unit and
    method are those of the year before. Columns: those of the flows table, and `#last_year`: the value of the same
    period one year earlier (its notation where it had one).
    """
    start, end = year_bounds(year)
    before = effective_flows(record, ACTUAL, *year_bounds(year - 1), include_parts=True).filter(
        (pl.col("period_start") >= year_bounds(year - 1)[0]) & (pl.col("period_end") <= start)
    )
    value = pl.coalesce(pl.col("amount").cast(pl.String), "notation")
    shifted = before.select(
        "stream",
        pl.col("period_start").dt.offset_by("1y"),
        pl.col("period_end").dt.offset_by("1y"),
        "unit",
        "method",
        value.alias(LAST_YEAR),
    )
    unseen = record.streams.join(before, left_on="id", right_on="stream", how="anti").select(
        stream="id", period_start=pl.lit(start), period_end=pl.lit(end)
    )
    present = record.flows.filter(
        (pl.col("scenario") == ACTUAL) & (pl.col("period_start") >= start) & (pl.col("period_end") <= end)
    )
    wanted = pl.concat([shifted, unseen], how="diagonal")
    keys = ["stream", "period_start", "period_end"]
    known = present.join(wanted.select(*keys, LAST_YEAR), on=keys, how="left", maintain_order="left")
    spans = present.select("stream", "period_start", "period_end")
    begun = wanted.join(spans, on="stream", suffix="_present").filter(
        (pl.col("period_start") < pl.col("period_end_present"))
        & (pl.col("period_start_present") < pl.col("period_end"))
    )
    missing = wanted.join(begun, on=keys, how="anti")
    flows = TABLES["flows"]
    blank = missing.with_columns(
        pl.lit(None, flows.schema[name]).alias(name) for name in flows.names if name not in missing.columns
    )
    order = record.streams.select(stream="id").with_row_index("__order")
    columns = [*flows.names, LAST_YEAR]
    return (
        pl.concat([known.select(columns), blank.select(columns)])
        .join(order, on="stream", how="left")
        .sort("__order", "period_start", maintain_order=True)
        .select(columns)
    )


def stream_names(record: Record, commodities: pl.DataFrame) -> pl.DataFrame:
    """Return what each stream is, in words: columns stream, `#stream` (from → to · commodity)."""
    name = pl.struct("name_zh", "name_en", "id").map_elements(
        lambda row: choose("zh", row["name_zh"], row["name_en"]) or row["id"], return_dtype=pl.String
    )
    nodes = record.nodes.select("id", name.alias("name"))
    both = pl.concat(
        [record.commodities.select("id", "name_zh", "name_en"), commodities.select("id", "name_zh", "name_en")]
    )
    items = both.unique("id", keep="first").select("id", name.alias("name"))
    text = pl.concat_str(
        pl.coalesce("name", "source"), pl.lit(" → "), pl.coalesce("name_target", "target"), pl.lit(" · "),
        pl.coalesce("name_item", "commodity"),
    )  # fmt: skip
    return (
        record.streams.join(nodes, left_on="source", right_on="id", how="left")
        .join(nodes, left_on="target", right_on="id", how="left", suffix="_target")
        .join(items, left_on="commodity", right_on="id", how="left", suffix="_item")
        .select(pl.col("id").alias("stream"), text.alias(STREAM_NAME))
    )


def period_texts(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the frame with its dates as text: periods as 2019 or 2019-05 with a blank end where that says all."""
    if "period_start" in frame.columns:
        spans = frame.select("period_start", "period_end").unique()
        labels = []
        for start, end in spans.iter_rows():
            label = period_label(start, end) if start and end else ""
            short = label and "_" not in label and label.count("-") < 2
            labels.append((label, None) if short else (start and start.isoformat(), end and end.isoformat()))
        texts = spans.with_columns(
            pl.Series("__start", [label[0] for label in labels], dtype=pl.String),
            pl.Series("__end", [label[1] for label in labels], dtype=pl.String),
        )
        frame = frame.join(
            texts, on=["period_start", "period_end"], how="left", nulls_equal=True, maintain_order="left"
        )
        frame = frame.with_columns(period_start="__start", period_end="__end").drop("__start", "__end")
    return frame.with_columns(pl.col(pl.Date).dt.to_string("%Y-%m-%d"))


def park_name(record: Record) -> tuple[str, str]:
    """Return the park's Chinese and English name, blank where it has none."""
    network = Network(record)
    row = record.nodes.filter(pl.col("id").is_in(network.parks[:1])).select("name_zh", "name_en").rows()
    zh, en = row[0] if row else (None, None)
    return choose("zh", zh, en), choose("en", zh, en) or (PARK if row else "")
