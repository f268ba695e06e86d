"""Rows of one table: which differ, how they are merged, and their form in the audit."""

from __future__ import annotations

import polars as pl

from ecopark.model.tables import Table
from ecopark.storage.schema import ROW_KEY, row_key

SAME_TOLERANCE = 1e-12
"""Numbers closer than this, relative to the larger, are the same: a workbook keeps 15 to 16 digits of 17."""


def difference(table: Table, before: pl.DataFrame, rows: pl.DataFrame) -> pl.Series:
    """Tell for each row of `rows` whether it is new, changed or the same beside the table `before`.

    Numbers are the same within `SAME_TOLERANCE` of the larger. Returns a text series in the order of `rows`.
    """
    old = before.with_columns(row_key(table), __known=pl.lit(True))
    joined = rows.with_columns(row_key(table)).join(old, on=ROW_KEY, how="left", suffix="__old", maintain_order="left")
    equal = []
    for name, kind in table.schema.items():
        if name == ROW_KEY or (len(table.key) == 1 and name == table.key[0]):
            continue
        new, former = pl.col(name), pl.col(f"{name}__old")
        same = new.eq_missing(former)
        if kind is pl.Float64:
            close = (new - former).abs() <= SAME_TOLERANCE * pl.max_horizontal(new.abs(), former.abs())
            same = same | close.fill_null(False)
        equal.append(same)
    status = (
        pl.when(pl.col("__known").is_null())
        .then(pl.lit("new"))
        .when(pl.all_horizontal(equal))
        .then(pl.lit("same"))
        .otherwise(pl.lit("changed"))
    )
    return joined.select(status.alias("status"))["status"]


def merge(table: Table, before: pl.DataFrame, rows: pl.DataFrame, removed: pl.DataFrame | None = None) -> pl.DataFrame:
    """Return the table `before` with `rows` put in (by key, in the old row's place) and `removed` keys taken out.

    Both may have further columns beside the table's; those of `before` are returned.
    """
    keyed = before.with_columns(row_key(table)).with_row_index("__order")
    incoming = rows.with_columns(row_key(table))
    order = keyed.select(ROW_KEY, "__order")
    incoming = incoming.join(order, on=ROW_KEY, how="left", maintain_order="left").select(keyed.columns)
    kept = keyed.join(incoming, on=ROW_KEY, how="anti")
    result = pl.concat([kept, incoming]).sort("__order", nulls_last=True, maintain_order=True)
    if removed is not None and removed.height:
        result = result.join(removed.select(row_key(table)), on=ROW_KEY, how="anti")
    return result.select(before.columns)


def to_json(table: Table) -> pl.Expr:
    """Expression for each row as a JSON object of its filled columns."""
    # A quote inside a text is always escaped, so `,"name":null` can only be a whole member.
    return pl.struct(table.names).struct.json_encode().str.replace_all(r',"[a-z0-9_]+":null', "")


def from_json(table: Table, rows: pl.Series) -> pl.DataFrame:
    """Return the rows that `to_json` wrote, with exactly the table's columns."""
    texts = {name: pl.String if kind is pl.Date else kind for name, kind in table.schema.items()}
    dates = [pl.col(name).str.to_date("%Y-%m-%d") for name, kind in table.schema.items() if kind is pl.Date]
    return rows.str.json_decode(pl.Struct(texts)).struct.unnest().select(table.names).with_columns(dates)
