"""Ranges where none is stated: a visible assumption by method, never a silent one."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import polars as pl

from ecopark.catalogue.loading import DATA

STOCK = "stock"
"""Stands for the change of a store in the table of assumed ranges."""


@lru_cache(maxsize=1)
def assumed_ranges() -> pl.DataFrame:
    """Return the catalogue's assumptions: method, half_width_95 (part of the amount), status, note_zh, note_en."""
    return pl.read_csv(DATA / "assumed_ranges.csv", schema_overrides={"half_width_95": pl.Float64})


def half_widths(assumed: Mapping[str, float] | None = None) -> dict[str, float]:
    """Return method -> assumed half width of the 95 % range as a part of the amount, `assumed` in place of defaults.

    ValueError names an unknown method or a width that is negative.
    """
    widths = dict(assumed_ranges().select("method", "half_width_95").iter_rows())
    for method, width in (assumed or {}).items():
        if method not in widths:
            raise ValueError(f"unknown method {method!r}; known: {', '.join(widths)}")
        if not width >= 0:
            raise ValueError(f"the assumed half width of {method!r} must not be negative: {width}")
        widths[method] = float(width)
    return widths
