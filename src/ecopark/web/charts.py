"""Charts of a page: what the browser draws, as JSON in the page, and the same numbers as a table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ecopark import palette
from ecopark.accounting.views import View
from ecopark.translation import N_, choose, translate
from ecopark.units import display
from ecopark.web.numbers import decimals, write_number
from ecopark.web.tables import Cell, Column, Row, Table

Link = Callable[[str], tuple[str, str]]
"""Gives the reference and the address of the explanation of an inventory's key."""


@dataclass(frozen=True, slots=True)
class Chart:
    """One figure: what is drawn (`payload`), its table, unit, source line and the address that explains it."""

    id: str
    title: str
    unit: str
    payload: Mapping[str, Any]
    table: Table
    source: str = ""
    explain: str | None = None
    note: str = ""
    height: int = 18

    @property
    def description(self) -> str:
        """Return what a screen reader says for the drawing; the numbers are in the table below it."""
        return f"{self.title} ({self.unit})"


def chart(view: View, language: str, source: str, link: Link | None = None) -> Chart:
    """Return the chart and the table of a view in `language`; `link` turns explain keys into addresses."""
    title = translate(view.title, language, **view.values)
    unit = display(view.unit, language)
    build = {
        "bars": _bars,
        "columns": _bars,
        "paired": _bars,
        "treemap": _treemap,
        "waterfall": _waterfall,
        "ranges": _ranges,
    }
    payload, table = build[view.kind](view, language, link)
    rows = len(payload.get("groups") or payload.get("rows") or ())
    payload |= {"kind": view.kind, "unit": unit, "empty": view.empty}
    note = translate(view.note, language, **view.values) if view.note else ""
    explain = link(view.key)[1] if link and view.key else None
    return Chart(view.id, title, unit, payload, table, source, explain, note, _height(view.kind, rows))


def _height(kind: str, rows: int) -> int:
    """Return the height in rem: lying bars grow with their number."""
    if kind == "waterfall":
        return max(10, min(46, 4 + round(2.4 * rows)))
    return max(9, min(46, 6 + round(1.7 * rows))) if kind in ("bars", "ranges") else 20


def _cell(row: Mapping[str, Any], link: Link | None, column: str = "value") -> Cell:
    key = row.get("key")
    if link is None or not key or row[column] is None:
        return Cell(row[column])
    reference, href = link(str(key))
    return Cell(row[column], href=href, explain=reference)


def _href(row: Mapping[str, Any], link: Link | None) -> str | None:
    key = row.get("key")
    return link(str(key))[1] if link and key else None


def _table(view: View, language: str, columns: list[Column], rows: list[Row]) -> Table:
    title = translate(view.title, language, **view.values)
    return Table(f"{view.id}-data", title, columns, rows, compact=True)


def _bars(view: View, language: str, link: Link | None) -> tuple[dict[str, Any], Table]:
    unit = display(view.unit, language)
    records = view.frame.to_dicts()
    groups = {str(row["group"]): choose(language, row["group_zh"], row["group_en"]) for row in records}
    series = {str(row["series"]): choose(language, row["series_zh"], row["series_en"]) for row in records}
    shades = palette.colours([row["colour"] for row in records])
    places = {(str(row["group"]), str(row["series"])): row for row in records}
    drawn = []
    for identity, name in series.items():
        first = next(row for row in records if str(row["series"]) == identity)
        parts = [places.get((group, identity)) for group in groups]
        drawn.append(
            {
                "name": name,
                "colour": shades[first["colour"]],
                "values": [part["value"] if part else None for part in parts],
                "links": [_href(part, link) if part else None for part in parts],
            }
        )
    head = Column("group", translate(_HEADS[view.kind], language))
    columns = [head, *(Column(identity, name, unit, "number") for identity, name in series.items())]
    rows: list[Row] = [
        {"group": name}
        | {identity: _cell(places[group, identity], link) for identity in series if (group, identity) in places}
        for group, name in groups.items()
    ]
    sums = [sum(row["value"] or 0.0 for row in records if str(row["group"]) == group) for group in groups]
    drawing = {
        "groups": list(groups.values()),
        "series": drawn,
        "sums": [write_number(value, decimals(sums)) for value in sums],
    }
    return drawing, _table(view, language, columns, rows)


def _treemap(view: View, language: str, link: Link | None) -> tuple[dict[str, Any], Table]:
    unit = display(view.unit, language)
    records = view.frame.to_dicts()
    shades = palette.colours([row["colour"] for row in records if row["colour"]])
    nodes: dict[str, dict[str, Any]] = {}
    tops: list[dict[str, Any]] = []
    rows: list[Row] = []
    names = {row["id"]: choose(language, row["name_zh"], row["name_en"]) for row in records}
    for row in records:
        node = {"name": names[row["id"]], "value": row["value"], "link": _href(row, link)}
        if row["colour"]:
            node["itemStyle"] = {"color": shades[row["colour"]]}
        nodes[row["id"]] = node
        if row["parent"] is None:
            tops.append(node)
        else:
            nodes[row["parent"]].setdefault("children", []).append(node)
            rows.append({"parent": names[row["parent"]], "name": node["name"], "value": _cell(row, link)})
    columns = [
        Column("parent", translate(FIRM, language)),
        Column("name", translate(SOURCE, language)),
        Column("value", translate(VALUE, language), unit, "number"),
    ]
    return {"rows": tops}, _table(view, language, columns, rows)


def _waterfall(view: View, language: str, link: Link | None) -> tuple[dict[str, Any], Table]:
    unit = display(view.unit, language)
    drawn: list[dict[str, Any]] = []
    rows: list[Row] = []
    places = decimals(view.frame["value"])
    for row in view.frame.to_dicts():
        name = choose(language, row["name_zh"], row["name_en"])
        drawn.append(
            {
                "name": name,
                "role": row["role"],
                "colour": palette.colour(row["colour"]),
                "value": row["value"],
                "start": row["start"],
                "end": row["end"],
                "link": _href(row, link),
                "text": write_number(row["value"], places),
            }
        )
        rows.append({"name": name, "value": _cell(row, link)})
    columns = [Column("name", translate(STEP, language)), Column("value", translate(VALUE, language), unit, "number")]
    return {"rows": drawn}, _table(view, language, columns, rows)


def _ranges(view: View, language: str, link: Link | None) -> tuple[dict[str, Any], Table]:
    unit = display(view.unit, language)
    drawn: list[dict[str, Any]] = []
    rows: list[Row] = []
    for row in view.frame.to_dicts():
        name = choose(language, row["name_zh"], row["name_en"])
        drawn.append(
            {
                "name": name,
                "colour": palette.colour(row["colour"]),
                "value": row["value"],
                "low": row["low"],
                "high": row["high"],
                "link": _href(row, link),
            }
        )
        rows.append({"name": name, "value": _cell(row, link), "low": row["low"], "high": row["high"]})
    columns = [
        Column("name", translate(PART, language)),
        Column("value", translate(VALUE, language), unit, "number"),
        Column("low", translate(LOW, language), unit, "number"),
        Column("high", translate(HIGH, language), unit, "number"),
    ]
    return {"rows": drawn}, _table(view, language, columns, rows)


FIRM = N_("Firm")
SOURCE = N_("Source")
VALUE = N_("Value")
STEP = N_("Step")
PART = N_("Part")
YEAR = N_("Year")
LOW = N_("95 % low")
HIGH = N_("95 % high")
_HEADS = {"bars": PART, "columns": YEAR, "paired": YEAR}
