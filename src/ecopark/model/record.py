"""The record: everything that is known of a park, as one frame per table of `tables`."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Any

import polars as pl

from ecopark.model.periods import parse_period, period_label
from ecopark.model.tables import ACTUAL, TABLES, Table

FrameInput = pl.DataFrame | Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Record:
    """All tables of a park.

    `tables` maps every name of `tables.TABLES` to a frame with exactly that table's columns and types. Records are
    never changed; `replace` and `append` return new ones.
    """

    tables: Mapping[str, pl.DataFrame]

    def __post_init__(self) -> None:
        for name, table in TABLES.items():
            frame = self.tables.get(name)
            if frame is None or dict(frame.schema) != table.schema:
                raise ValueError(f"table {name!r} is missing or has other columns than declared; use Record.of")
        object.__setattr__(self, "tables", MappingProxyType(dict(self.tables)))

    @classmethod
    def empty(cls) -> Record:
        """A record without rows."""
        return cls({name: table.empty() for name, table in TABLES.items()})

    @classmethod
    def of(cls, **frames: FrameInput) -> Record:
        """A record from frames or lists of rows; tables that are not given are empty.

        Missing columns are filled with their default, or null; values are cast to the declared types; blank cells of
        a column with a default take it; dates may be written as `parse_period` reads them (a `period_start` of
        ``"2019"`` also sets `period_end`); flows without an id get one. Raises ValueError for a table or column that
        is not declared and for values that cannot be cast.
        """
        return cls.empty().replace(**frames)

    def replace(self, **frames: FrameInput) -> Record:
        """Return a record in which the given tables stand in place of the old ones (see `of` for what is accepted)."""
        tables = dict(self.tables)
        for name, frame in frames.items():
            if name not in TABLES:
                raise ValueError(f"unknown table {name!r}{_hint(name, TABLES)}")
            tables[name] = conform(TABLES[name], frame)
        return Record(tables)

    def append(self, **frames: FrameInput) -> Record:
        """Return a record with rows added to the given tables."""
        added = Record.of(**frames)
        return Record({name: pl.concat([self.tables[name], added.tables[name]]) for name in TABLES})

    def __getitem__(self, name: str) -> pl.DataFrame:
        return self.tables[name]

    @property
    def nodes(self) -> pl.DataFrame:
        """Nodes: the tree of park, zones, firms, processes, and what lies outside."""
        return self.tables["nodes"]

    @property
    def boundaries(self) -> pl.DataFrame:
        """Named sets of nodes."""
        return self.tables["boundaries"]

    @property
    def commodities(self) -> pl.DataFrame:
        """The park's own commodities, beside the catalogue's."""
        return self.tables["commodities"]

    @property
    def streams(self) -> pl.DataFrame:
        """Lasting identities of flows: source, target, commodity, activity."""
        return self.tables["streams"]

    @property
    def flows(self) -> pl.DataFrame:
        """Observations of streams."""
        return self.tables["flows"]

    @property
    def stocks(self) -> pl.DataFrame:
        """What nodes hold of a commodity at the start of a day."""
        return self.tables["stocks"]

    @property
    def properties(self) -> pl.DataFrame:
        """Measured properties of commodities, streams and nodes."""
        return self.tables["properties"]

    @property
    def factors(self) -> pl.DataFrame:
        """The park's own factors, beside the catalogue's."""
        return self.tables["factors"]

    @property
    def certificates(self) -> pl.DataFrame:
        """Green certificates and green-power trades."""
        return self.tables["certificates"]

    @property
    def statistics(self) -> pl.DataFrame:
        """Values of variables by node and period."""
        return self.tables["statistics"]

    @property
    def scenarios(self) -> pl.DataFrame:
        """Scenarios and their parents."""
        return self.tables["scenarios"]

    @property
    def evidence(self) -> pl.DataFrame:
        """What stands behind the numbers."""
        return self.tables["evidence"]


def conform(table: Table, rows: FrameInput) -> pl.DataFrame:
    """Return `rows` with exactly the columns and types of `table` (the rules of `Record.of`)."""
    frame = rows if isinstance(rows, pl.DataFrame) else _frame_of_rows(table, rows)
    unknown = [name for name in frame.columns if name not in table.schema]
    if unknown:
        hints = ", ".join(f"{name!r}{_hint(name, table.names)}" for name in unknown)
        raise ValueError(f"table {table.name!r} has no column {hints}")
    frame = _read_dates(table, frame)
    columns = []
    for attribute in table.attributes:
        kind = table.schema[attribute.name]
        if attribute.name not in frame.columns:
            column = pl.lit(attribute.default, dtype=kind)
        else:
            column = pl.col(attribute.name)
            if frame.schema[attribute.name] != kind:
                column = column.cast(kind)
            if attribute.default is not None:
                column = column.fill_null(pl.lit(attribute.default, dtype=kind))
        columns.append(column.alias(attribute.name))
    # an empty frame with literals only would otherwise become one row
    frame = frame.select(columns) if frame.columns else table.empty()
    return fill_flow_ids(frame) if table.name == "flows" else frame


def _frame_of_rows(table: Table, rows: Iterable[Mapping[str, Any]]) -> pl.DataFrame:
    rows = list(rows)
    names = list(dict.fromkeys(name for row in rows for name in row))
    columns = {}
    for name in names:
        values = [row.get(name) for row in rows]
        is_date = name in table.schema and table.schema[name] == pl.Date
        if is_date and any(isinstance(value, str | int | float) for value in values):
            values = [None if value is None else value if isinstance(value, str) else str(value) for value in values]
        columns[name] = pl.Series(name, values, strict=False)
    return pl.DataFrame(columns)


def _read_dates(table: Table, frame: pl.DataFrame) -> pl.DataFrame:
    """Turn dates written as text or numbers into dates; a period's end follows from its start where it is blank."""
    dates = [a.name for a in table.attributes if a.kind == "date" and a.name in frame.columns]
    written = [name for name in dates if frame.schema[name] not in (pl.Date, pl.Null)]
    if not written:
        return frame
    if "period_start" in written:
        if "period_end" not in frame.columns:
            frame = frame.with_columns(pl.lit(None, dtype=pl.String).alias("period_end"))
        starts, ends = (frame[name].cast(pl.String) for name in ("period_start", "period_end"))
        pairs = pl.DataFrame([starts, ends])
        distinct = pairs.unique(maintain_order=True)
        spans: list[tuple[date | None, date | None]] = [
            (None, None) if start is None else parse_period(start, end) for start, end in distinct.iter_rows()
        ]
        read = distinct.with_columns(
            pl.Series("start_read", [span[0] for span in spans], dtype=pl.Date),
            pl.Series("end_read", [span[1] for span in spans], dtype=pl.Date),
        )
        joined = pairs.join(
            read, on=["period_start", "period_end"], how="left", nulls_equal=True, maintain_order="left"
        )
        frame = frame.with_columns(joined["start_read"].alias("period_start"), joined["end_read"].alias("period_end"))
        written = [name for name in written if name not in ("period_start", "period_end")]
    for name in written:
        texts = frame[name].cast(pl.String)
        written_days = texts.unique().drop_nulls()
        days = pl.Series([parse_period(text)[0] for text in written_days], dtype=pl.Date)
        read_days = texts.replace_strict(written_days, days, default=None, return_dtype=pl.Date)
        frame = frame.with_columns(read_days.alias(name))
    return frame


def fill_flow_ids(flows: pl.DataFrame) -> pl.DataFrame:
    """Give flows without an id one: stream, scenario (unless `actual`), period, method, joined by hyphens.

    The same observation always gets the same id, so that importing a sheet twice changes nothing.
    """
    blank = flows["id"].is_null() | (flows["id"].str.strip_chars() == "")
    if not blank.any():
        return flows
    periods = flows.filter(blank).select("period_start", "period_end").unique().drop_nulls()
    labels = periods.with_columns(
        pl.Series("label", [period_label(start, end) for start, end in periods.iter_rows()], dtype=pl.String)
    )
    scenario = pl.when(pl.col("scenario") == ACTUAL).then(None).otherwise(pl.col("scenario"))
    made = flows.join(labels, on=["period_start", "period_end"], how="left", maintain_order="left").select(
        pl.concat_str("stream", scenario, "label", "method", separator="-", ignore_nulls=True).alias("id")
    )["id"]
    return flows.with_columns(pl.when(blank).then(made).otherwise(pl.col("id")).alias("id"))


def _hint(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(known), n=1)
    return f" (did you mean {near[0]!r}?)" if near else ""
