"""Importing: what a workbook or a folder would change, shown before anything is written, and then applied.

A row of the source replaces the whole row of the record with the same key, or is new; rows that the source does not
mention stay as they are. Amounts of flows and levels of stocks are scaled to the unit of their commodity; nothing else
is converted.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import polars as pl

from ecopark.model.problems import InputError, Problem
from ecopark.model.record import Record, fill_flow_ids
from ecopark.model.tables import ACTUAL, TABLES
from ecopark.model.validation import check_record, default_locate
from ecopark.storage import closures
from ecopark.storage.cells import Collector, RawTable, typed
from ecopark.storage.changesets import Changes, Changeset, stale
from ecopark.storage.evidence import bundle, file_hash
from ecopark.storage.rows import difference, merge
from ecopark.storage.schema import ROW_KEY, row_key
from ecopark.storage.workbook_reader import Source, read_workbook
from ecopark.translation import N_
from ecopark.units import column_factors

if TYPE_CHECKING:
    from ecopark.storage.store import Store

STATUSES = ("new", "changed", "same", "blank", "error")
"""What becomes of a row: `blank` rows give neither amount nor notation and are left out."""

_RAW = "__raw"


class Vocabulary(Protocol):
    """What the catalogue must tell: frames with a column `id` (and, for commodities, `unit`); a `Catalogue` is one."""

    @property
    def commodities(self) -> pl.DataFrame:
        """Commodities: id, unit and, for the workbook's lists, name_zh, name_en, group."""

    @property
    def activities(self) -> pl.DataFrame:
        """Activities: id, name_zh, name_en."""

    @property
    def groups(self) -> pl.DataFrame:
        """Commodity groups: id, name_zh, name_en."""

    @property
    def quantities(self) -> pl.DataFrame:
        """Quantities of properties and factors: id."""


@dataclass(frozen=True)
class Preview:
    """What an import would do.

    `rows`: per table, columns line, place, row_key, status (one of `STATUSES`); `problems`: errors first, then
    warnings; `record_before` and `record_after`: the record as it is and as it would be (None while there are
    errors), for the effect on results; `changes`: what `apply` would write; `version`: of the record it rests on.
    """

    source: Source
    version: int
    problems: list[Problem]
    rows: Mapping[str, pl.DataFrame]
    record_before: Record
    record_after: Record | None
    changes: Changes = field(repr=False)

    @property
    def errors(self) -> list[Problem]:
        """The problems that keep the import from being applied."""
        return [problem for problem in self.problems if problem.severity == "error"]

    @property
    def warnings(self) -> list[Problem]:
        """The problems that do not."""
        return [problem for problem in self.problems if problem.severity == "warning"]

    @property
    def counts(self) -> dict[str, dict[str, int]]:
        """Number of rows per table and status; every table of the source, every status."""
        counts = {}
        for name, frame in self.rows.items():
            found = dict(frame.group_by("status").len().iter_rows())
            counts[name] = {status: int(found.get(status, 0)) for status in STATUSES}
        return counts

    def to_json(self, language: str) -> dict[str, Any]:
        """Return the preview as JSON: source, version, counts and problems in `language`."""
        problems = [
            {
                "severity": problem.severity,
                "code": problem.code,
                "place": problem.place,
                "cause": problem.describe(language)[0],
                "remedy": problem.describe(language)[1],
            }
            for problem in self.problems
        ]
        return {"source": self.source.name, "version": self.version, "counts": self.counts, "problems": problems}

    def apply(self, store: Store, *, reason: str = "", author: str | None = None) -> Changeset | None:
        """Keep the source as evidence, apply the changes in one transaction and return the changeset.

        Returns None where nothing differs. Raises InputError with all problems where there are errors, where the
        source was changed since, or where the record has moved on; then nothing of the record is changed.
        """
        if self.errors:
            raise InputError(self.errors)
        if not self.changes.rows:
            return None
        if store.version != self.version:  # before the file is kept; looked at again when it is written
            raise InputError([stale(store.version, self.version)])
        digest = _keep(store, self.source) if self.source.files else None
        return store.apply(
            self.changes,
            action="import" if self.source.files else "edit",
            reason=reason,
            author=author,
            source_name=self.source.name or None,
            source_sha256=digest,
            expected_version=self.version,
        )


def read_source(path: str | Path) -> Source:
    """Read a workbook, a folder of CSV files or a single CSV file; what is wrong stands in its `problems`."""
    path = Path(path)
    if path.is_dir() or path.suffix.lower() in (".csv", ".json"):
        from ecopark.storage.folder import read_folder

        return read_folder(path)
    return read_workbook(path)


def preview_import(store: Store, path: str | Path, vocabulary: Vocabulary) -> Preview:
    """Return what importing the workbook or folder at `path` would do; nothing is written."""
    return preview_source(store, read_source(path), vocabulary)


def preview_rows(store: Store, rows: Mapping[str, pl.DataFrame], vocabulary: Vocabulary) -> Preview:
    """Return what writing these rows (per table, as `Record.of` takes them) would do; for forms and programs."""
    record = Record.of(**rows)
    source = Source("", Path())
    for name in rows:
        frame = record[name]
        columns = {column: frame[column].to_list() for column in frame.columns}
        positions = {column: index for index, column in enumerate(frame.columns)}
        lines = list(range(1, frame.height + 1))
        source.tables[name] = RawTable(TABLES[name], columns, lines, positions, name, is_text=True)
    return preview_source(store, source, vocabulary)


def preview_source(store: Store, source: Source, vocabulary: Vocabulary) -> Preview:
    """Return what importing `source` would do; nothing is written."""
    version, before = store.state()
    found = Collector(list(source.problems), set(source.cells))
    frames = {name: typed(raw, found).with_row_index(_RAW) for name, raw in source.tables.items()}
    blank: set[int] = set()
    if "flows" in frames:
        frames["flows"] = fill_flow_ids(frames["flows"])
        blank = _blank_flows(source.tables["flows"], frames["flows"], before, found)
        frames["flows"] = frames["flows"].filter(~pl.col(_RAW).is_in(sorted(blank)))
    merged = {
        name: merge(TABLES[name], before[name].with_columns(pl.lit(None, pl.UInt32).alias(_RAW)), _keyed(name, frame))
        for name, frame in frames.items()
    }
    record = before.replace(**{name: frame.drop(_RAW) for name, frame in merged.items()})
    _check(record, merged, source, vocabulary, found)
    units = _commodity_units(record, vocabulary)
    if "flows" in frames:
        streams = record.streams.select(stream="id", commodity="commodity").unique("stream", keep="first")
        carried = frames["flows"].select("stream").join(streams, on="stream", how="left", maintain_order="left")
        frames["flows"] = _scale(frames["flows"], _AMOUNTS, carried["commodity"], units)
    if "stocks" in frames:
        frames["stocks"] = _scale(frames["stocks"], _LEVELS, frames["stocks"]["commodity"], units)
    status = {name: difference(TABLES[name], before[name], frame) for name, frame in frames.items()}
    changed = {name: frame.filter(status[name] != "same") for name, frame in frames.items()}
    changed = {name: frame for name, frame in changed.items() if frame.height}
    _check_closed(store, source, changed, before, found)
    _check_years(source, changed, record, found)
    after = None
    if not found.failed:
        after = before.replace(**{n: merge(TABLES[n], before[n], f.drop(_RAW)) for n, f in changed.items()})
    rows = {
        name: _statuses(raw, frames[name], status[name], found.rows(name), blank if name == "flows" else set())
        for name, raw in source.tables.items()
    }
    places = {
        name: frame.select(row_key(TABLES[name]), source.tables[name].row_places().gather(frame[_RAW]).alias("place"))
        for name, frame in changed.items()
    }
    changes = Changes({name: frame.drop(_RAW) for name, frame in changed.items()}, places=places)
    return Preview(source, version, found.finish(), rows, before, after, changes)


def _keyed(name: str, frame: pl.DataFrame) -> pl.DataFrame:
    return frame.select(*TABLES[name].names, _RAW)


def _blank_flows(raw: RawTable, flows: pl.DataFrame, before: Record, found: Collector) -> set[int]:
    """Rows (indices) that state nothing about a flow that is not in the record: left out, with a warning per year."""
    wrong = [row for _, row, column in found.cells if column in ("amount", "notation")]
    blank = flows.filter(pl.col("amount").is_null() & pl.col("notation").is_null() & ~pl.col(_RAW).is_in(wrong)).join(
        before.flows, on="id", how="anti", maintain_order="left"
    )
    if blank.is_empty():
        return set()
    year = pl.col("period_start").dt.year()
    totals = dict(flows.group_by(year.alias("year")).len().iter_rows())
    for value, rows in blank.group_by(year.alias("year"), maintain_order=True).agg(_RAW).iter_rows():
        found.add(
            "year_without_data" if len(rows) == totals[value] else "flows_blank",
            raw.place(rows[0], "amount"),
            N_("{count} of {total} rows for {year} have neither an amount nor a notation and were left out."),
            N_("Give the amounts, or say why there is none: NO not occurring, NE not estimated, IE included elsewhere, "
               "C confidential."),
            severity="warning",
            count=len(rows),
            total=totals[value],
            year=value if value is not None else "?",
        )  # fmt: skip
    return set(blank[_RAW])


def _check(
    record: Record, merged: Mapping[str, pl.DataFrame], source: Source, vocabulary: Vocabulary, found: Collector
) -> None:
    """Check the record as it would be; what lies in a cell that is known to be unreadable is not reported again."""
    cells: dict[str, tuple[RawTable, int, str]] = {}
    in_record = default_locate(record)
    origin = {name: frame[_RAW].to_list() for name, frame in merged.items()}

    def locate(table: str, row: int, column: str) -> str:
        raw_row = origin[table][row] if table in origin else None
        if raw_row is None:
            return in_record(table, row, column)
        raw = source.tables[table]
        place = raw.place(raw_row, column)
        cells[place] = (raw, raw_row, column)
        return place

    problems = check_record(
        record,
        vocabulary.commodities,
        vocabulary.activities["id"].to_list(),
        vocabulary.groups["id"].to_list(),
        vocabulary.quantities["id"].to_list(),
        locate=locate,
    )
    unreadable = frozenset(found.cells)
    for problem in problems:
        if problem.place in cells:
            raw, row, column = cells[problem.place]
            absent = column not in raw.positions and problem.code == "required_missing"  # said once for the column
            if not absent and (raw.table.name, row, column) not in unreadable:
                found.put_cell(raw, row, column, problem)
        elif problem.severity == "error":  # a row of the record that the import would break
            found.put(problem, problem.place.partition(":")[0])


def _commodity_units(record: Record, vocabulary: Vocabulary) -> pl.DataFrame:
    """Return the unit of every commodity (columns commodity, target); the park's own row comes first."""
    return pl.concat(
        [
            record.commodities.select(commodity="id", target="unit"),
            vocabulary.commodities.select(commodity=pl.col("id"), target=pl.col("unit")),
        ]
    ).unique("commodity", keep="first", maintain_order=True)


def _scale(rows: pl.DataFrame, columns: tuple[str, ...], commodities: pl.Series, units: pl.DataFrame) -> pl.DataFrame:
    """Bring `columns` of `rows` to the unit of each row's commodity; rows whose unit does not fit stay as they are."""
    named = commodities.rename("commodity").to_frame()
    targets = named.join(units, on="commodity", how="left", maintain_order="left")["target"]
    factors, _ = column_factors(rows["unit"], targets)
    known = factors.is_not_null()
    scaled = [pl.when(known).then(pl.col(name) * factors).otherwise(pl.col(name)).alias(name) for name in columns]
    return rows.with_columns(*scaled, pl.when(known).then(targets).otherwise(pl.col("unit")).alias("unit"))


_AMOUNTS = ("amount", "low", "high")
_LEVELS = ("level", "low", "high")


_DATE_COLUMNS = {"streams": "id", "stocks": "time"}
"""Where a problem with a closed year is shown, in tables that have no period."""


def _check_closed(
    store: Store, source: Source, changed: Mapping[str, pl.DataFrame], before: Record, found: Collector
) -> None:
    years = store.closures.years()
    if not years:
        return
    keyed = {name: frame.with_columns(row_key(TABLES[name])) for name, frame in changed.items()}
    old = {
        name: before[name].with_columns(row_key(TABLES[name])).join(frame, on=ROW_KEY, how="semi")
        for name, frame in keyed.items()
    }
    forbidden = [closures.touched(keyed, old, years)]
    if "streams" in keyed:
        forbidden.append(closures.touched_streams(keyed["streams"], old["streams"], before.flows, years))
    for table, key, year in pl.concat(forbidden).iter_rows():
        raw = source.tables[table]
        for row in keyed[table].filter(pl.col(ROW_KEY) == key)[_RAW]:
            column = _DATE_COLUMNS.get(table, "period_start")
            problem = closures.closed_problem(table, key, year, raw.place(row, column))
            found.put_cell(raw, row, column, problem)


def _check_years(source: Source, changed: Mapping[str, pl.DataFrame], record: Record, found: Collector) -> None:
    """Warn of years without any flow between others, or for which only statistics or certificates are given."""
    flows = record.flows.filter(pl.col("scenario") == ACTUAL)
    covered = _years(flows)
    if not covered or not changed.keys() & set(closures.PERIOD_TABLES):
        return
    expected = set(range(min(covered), max(covered) + 1))
    for name in ("statistics", "certificates"):
        if name in changed:
            expected |= _years(changed[name])
    missing = sorted(expected - covered)
    if missing:
        found.add(
            "years_without_data",
            source.tables["flows"].name if "flows" in source.tables else "flows",
            N_("There are no flows for {years}."),
            N_("Add them, or state with a notation why there are none; these years will have no inventory."),
            severity="warning",
            years=", ".join(str(year) for year in missing),
        )


def _years(frame: pl.DataFrame) -> set[int]:
    spans = frame.select(first="period_start", last=pl.col("period_end") - pl.duration(days=1)).unique().drop_nulls()
    years = spans.select(pl.col("first").dt.year(), pl.col("last").dt.year()).unique()
    return {year for first, last in years.iter_rows() for year in range(first, min(last, first + 200) + 1)}


def _statuses(raw: RawTable, frame: pl.DataFrame, status: pl.Series, wrong: set[int], blank: set[int]) -> pl.DataFrame:
    lines = pl.DataFrame({"line": raw.lines, "place": raw.row_places()}, schema={"line": pl.Int64, "place": pl.String})
    known = frame.select(_RAW, row_key(raw.table), status.alias("status"))
    index = pl.col(_RAW)
    return (
        lines.with_row_index(_RAW)
        .join(known, on=_RAW, how="left", maintain_order="left")
        .with_columns(
            pl.when(index.is_in(sorted(wrong)))
            .then(pl.lit("error"))
            .when(index.is_in(sorted(blank)))
            .then(pl.lit("blank"))
            .otherwise(pl.col("status"))
            .alias("status")
        )
        .select("line", "place", ROW_KEY, "status")
    )


def _keep(store: Store, source: Source) -> str:
    """Keep the source's files (several as one zip) and return the SHA-256 of what is kept."""
    for file, digest in source.files.items():
        if not file.is_file() or file_hash(file) != digest:
            raise InputError(
                [
                    Problem(
                        "source_changed",
                        file.name,
                        N_("The file was changed after the preview was made."),
                        N_("Make the preview again; nothing was changed."),
                    )
                ]
            )
    if len(source.files) == 1:
        return store.evidence.keep(next(iter(source.files)))
    with tempfile.TemporaryDirectory() as folder:
        archive = bundle(list(source.files), source.path, Path(folder) / "source.zip")
        return store.evidence.keep(archive, f"{source.name}.zip")
