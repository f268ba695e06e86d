"""Metabolism: what changed between two periods and why a substance rose; indicators, cycling, water and energy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from ecopark.metabolism.pictures.views import change_view
from ecopark.translation import N_
from ecopark.web.charts import Chart, chart
from ecopark.web.metabolism_results import (
    Field,
    Notice,
    attempt,
    frame_table,
    indicator_table,
    indicators,
    problem_notices,
    remarks_of,
)
from ecopark.web.metabolism_selection import Look
from ecopark.web.metabolism_tables import layer_links, metabolism_page, nothing_table, notices
from ecopark.web.numbers import write_number, write_percent
from ecopark.web.rendering import respond
from ecopark.web.selection import known, year_of
from ecopark.web.tables import Cell, Table
from ecopark.web.visit import OTHER

if TYPE_CHECKING:
    from ecopark.metabolism.changes.causes import Causes
    from ecopark.metabolism.changes.dynamics import Change
    from ecopark.metabolism.indicators.nexus import Nexus
    from ecopark.metabolism.tracing.cycling import Cycling

router = APIRouter()


@router.get("/{language}/metabolism/changes")
def changes_page(request: Request) -> Response:
    """Answer what changed in the layer since another year, the few changes that explain most, and likely causes."""
    look = Look.of(request)
    text = look.visit.text
    other = year_of(request.query_params, f"{OTHER}year") or _earlier(look)
    choices = look.choices("year", "boundary", "level", "scenario")
    years = [(str(year), str(year)) for year in look.visit.session.years()]
    choices.append((f"{OTHER}year", text(N_("Compared with")), years, str(other)))
    node = request.query_params.get("node", "")
    if node:
        known("node", node, look.balances.nodes["node"].to_list())
    inside = look.balances.nodes.filter(pl.col("inside") & pl.col("kind").is_in(("firm", "zone")))["node"].to_list()
    options = [("", text(N_("the whole boundary"))), *((one, look.name(one)) for one in inside)]
    if node and node not in inside:
        options.append((node, look.name(node)))
    choices.append(("node", text(N_("Change of")), options, node))
    subject = request.query_params.get("subject", "")
    choices.append(("subject", text(N_("Causes of a rise at")), _subjects(look, subject), subject))
    tables: list[Table] = []
    charts: list[Chart] = []
    said = list(notices(look))
    found: Change | None = None
    causes: Causes | None = None
    if other == look.year:
        said.append(("warn", text(N_("There is no other year to compare with.")), look.visit.address("reports"),
                     text(N_("Import data, or choose another year."))))  # fmt: skip
    else:
        found, problems = attempt(
            lambda: look.kept(
                "change",
                lambda workspace: workspace.changes(
                    other, look.year, look.layer, node=node, level=look.level, **look.of_year
                ),
                other, look.layer, node, look.level,
            )
        )  # fmt: skip
        said += problem_notices(look, problems)
        if found is not None:
            tables += _changes(look, found, other)
            charts += _waterfalls(look, found, other)
            said += [("", found.summary(side, look.visit.language), "", "") for side in found.totals["side"]]
        if subject:
            causes, more, tables_of_causes = _causes(look, other, subject)
            said += more
            tables = [*tables_of_causes, *tables]
    page = metabolism_page(
        look,
        text(N_("Changes and causes")),
        "changes",
        choices=choices,
        hidden={"layer": look.layer},
        layer_links=layer_links(look, "metabolism/changes"),
        notices=said,
        charts=charts,
        most=20,
        tables=tables or [nothing_table(look)],
        remarks=remarks_of(look, found, causes),
    )
    return respond(request, page)


def _earlier(look: Look) -> int:
    years = look.visit.session.years()
    earlier = [year for year in years if year < look.year]
    return earlier[-1] if earlier else next((year for year in years if year != look.year), look.year)


def _subjects(look: Look, chosen: str) -> list[tuple[str, str]]:
    """Return what a rise can be asked of: places outside that receive something, then firms that give it off."""
    edges = look.layered.layer(look.layer).filter(pl.col("implied").is_null())
    kinds = dict(look.balances.nodes.select("node", "kind").iter_rows())
    outside = edges.filter(~pl.col("target_inside"))["target"].unique().sort().to_list()
    places = [node for node in outside if kinds.get(node) == "environment"]
    firms = edges.filter(pl.col("source_inside"))["source_firm"].unique().drop_nulls().sort().to_list()
    options = [("", "–"), *((node, look.name(node)) for node in dict.fromkeys([*places, *firms]))]
    if chosen and chosen not in {value for value, _ in options}:
        options.append((chosen, look.name(chosen)))
    return options


def _stream_names(found: Change, row: dict[str, Any]) -> tuple[str, str]:
    def name(language: str) -> str:
        goods = found.name(row["commodity"], language, "commodity")
        if row["implied"]:
            goods = found.name(row["implied"], language, "disposition")
        ends = " → ".join(found.name(row[end], language, "node") for end in ("source", "target"))
        return f"{goods}: {ends}"

    return name("zh"), name("en")


def _waterfalls(look: Look, found: Change, other: int) -> list[Chart]:
    """Return, for what comes in and what goes out, the way from one year's total to the other's by stream."""
    from dataclasses import replace

    from ecopark.metabolism.changes.dynamics import SIDE_NAMES

    charts = []
    for side in ("in", "out"):
        total = found.totals.filter(pl.col("side") == side)
        streams = found.streams.filter((pl.col("side") == side) & pl.col("change").is_not_null())
        if total.is_empty() or streams.is_empty():
            continue
        rows = []
        for row in streams.iter_rows(named=True):
            zh, en = _stream_names(found, row)
            rows.append((row["stream"], zh, en, row["change"], f"change:{row['stream']}"))
        steps = pl.DataFrame(rows, schema=["id", "name_zh", "name_en", "value", "key"], orient="row")
        before, after = (float(streams[name].fill_null(0.0).sum()) for name in ("before", "after"))
        view = change_view(steps, found.unit, (str(other), before), (str(look.year), after), most=10)
        view = replace(view, id=f"change-{side}", title=SIDE_NAMES[side])
        link = look.visit.link_in(found)  # type: ignore[arg-type]  # it only asks for `reference`
        drawn = chart(view, look.visit.language, look.source(), link)
        charts.append(replace(drawn, explain=link(f"total:{side}")[1]))
    return charts


def _changes(look: Look, found: Change, other: int) -> list[Table]:
    from ecopark.metabolism.changes.dynamics import SIDE_NAMES, STATE_NAMES, VERDICT_NAMES

    text, unit = look.visit.text, found.unit
    values = {"before": other, "after": look.year}
    totals = frame_table(
        look, found, "totals", text(N_("In all: {before} to {after}"), **values), found.totals,
        [
            Field("side", N_("Side"), "words", words=SIDE_NAMES),
            Field("before", look.in_year(other), "number", unit=unit),
            Field("after", look.in_year(look.year), "number", unit=unit),
            Field("change", N_("Change"), "number", lambda row: f"total:{row['side']}", unit),
            Field("sd", N_("Standard deviation"), "number", unit=unit),
            Field("verdict", N_("Verdict"), "words", words=VERDICT_NAMES),
            Field("few", N_("Streams that explain most"), "integer"),
            Field("few_weight", N_("of all changes"), "percent"),
            Field("streams", N_("Streams"), "integer"),
        ],
    )  # fmt: skip

    def key(number: str) -> Any:
        return lambda row: f"{number}:{row['stream']}"

    ranked = found.streams.sort(["side", "rank"], nulls_last=True).filter(pl.col("change").fill_null(1.0) != 0.0)
    streams = frame_table(
        look, found, "streams", text(N_("By stream, largest change first")), ranked,
        [
            Field("stream", N_("Stream"), "stream"),
            Field("side", N_("Side"), "words", words=SIDE_NAMES),
            Field("source", N_("From"), "node"),
            Field("target", N_("To"), "node"),
            Field("commodity", N_("Commodity"), "commodity"),
            Field("before", look.in_year(other), "number", key("before"), unit),
            Field("after", look.in_year(look.year), "number", key("after"), unit),
            Field("change", N_("Change"), "number", key("change"), unit),
            Field("amount_effect", N_("By amount"), "number", key("amount_effect"), unit),
            Field("content_effect", N_("By content"), "number", key("content_effect"), unit),
            Field("cumulative", N_("Explained up to here"), "percent"),
            Field("state", N_("Known"), "words", words=STATE_NAMES),
            Field("verdict", N_("Verdict"), "words", words=VERDICT_NAMES),
        ],
    )  # fmt: skip
    nodes = frame_table(
        look, found, "change-nodes", text(N_("By node and commodity")),
        found.nodes.sort(pl.col("change").abs(), descending=True),
        [
            Field("node", N_("Node"), "node"),
            Field("side", N_("Side"), "words", words=SIDE_NAMES),
            Field("commodity", N_("Commodity"), "commodity"),
            Field("before", look.in_year(other), "number", unit=unit),
            Field("after", look.in_year(look.year), "number", unit=unit),
            Field("change", N_("Change"), "number",
                  lambda row: f"node:{row['side']}:{row['commodity']}:{row['node']}", unit),
        ],
    )  # fmt: skip
    return [totals, streams, nodes]


def _causes(look: Look, other: int, subject: str) -> tuple[Causes | None, list[Notice], list[Table]]:
    from ecopark.metabolism.changes.cause_words import CONFIDENCE_NAMES, KIND_NAMES

    text = look.visit.text
    found, problems = attempt(
        lambda: look.kept(
            "causes",
            lambda workspace: workspace.causes(other, look.year, look.layer, subject, **look.of_year),
            other, look.layer, subject,
        )
    )  # fmt: skip
    if found is None:
        return None, problem_notices(look, problems), []
    said: list[Notice] = [("", found.headline(look.visit.language), "", "")]
    rows = found.causes.with_columns(
        pl.Series("reasons", [" ".join(found.reasons(cause, look.visit.language)) for cause in found.causes["cause"]],
                  dtype=pl.String)
    )  # fmt: skip
    caption = text(N_("Likely causes at {subject}, likeliest first"), subject=look.name(subject))
    table = frame_table(
        look, found, "causes", caption, rows,
        [
            Field("kind", N_("Kind"), "words", words=KIND_NAMES),
            Field("node", N_("Node"), "node"),
            Field("commodity", N_("Commodity"), "commodity"),
            Field("effect", N_("Effect"), "number", lambda row: f"effect:{row['cause']}", found.unit),
            Field("sd", N_("Standard deviation"), "number", unit=found.unit),
            Field("share", N_("Share of the rise"), "percent"),
            Field("confidence", N_("How sure"), "words", words=CONFIDENCE_NAMES),
            Field("reasons", N_("What speaks for and against it")),
            Field("stream", N_("Stream"), "stream"),
        ],
    )  # fmt: skip
    return found, said, [table]


@router.get("/{language}/metabolism/indicators")
def indicators_page(request: Request) -> Response:
    """Answer the indicators of the boundary or a node, the cycling of the layer, and water and energy of each other."""
    look = Look.of(request)
    text = look.visit.text
    found, problems = attempt(lambda: indicators(look))
    cycle, more = attempt(
        lambda: look.kept(
            "cycling",
            lambda workspace: workspace.cycling(look.year, look.layer, level=look.level, **look.of_year),
            look.layer, look.level,
        )
    )  # fmt: skip
    nexus, yet_more = attempt(lambda: look.kept("nexus", lambda ws: ws.nexus(look.year, **look.of_year)))
    tables: list[Table] = []
    choices = look.choices("year", "boundary", "level", "scenario")
    if found is not None:
        node = known(
            "node", request.query_params.get("node", "") or found.top, [found.top, *look.balances.nodes["node"]]
        )
        rows = found.indicators.filter(pl.col("kind").is_in(("firm", "zone", "park", "boundary")))["node"].unique()
        options = [(one, look.name(one)) for one in [found.top, *rows.sort().to_list()]]
        choices.append(("node", text(N_("Indicators of")), list(dict.fromkeys(options)), node))
        tables.append(indicator_table(look, found, node))
    if cycle is not None:
        tables.append(_loops(look, cycle))
    if nexus is not None:
        tables += _nexus(look, nexus)
    page = metabolism_page(
        look,
        text(N_("Indicators and water–energy nexus")),
        "indicators",
        choices=choices,
        hidden={"layer": look.layer},
        layer_links=layer_links(look, "metabolism/indicators"),
        notices=problem_notices(look, [*problems, *more, *yet_more]),
        headline=_cycling(look, cycle) if cycle is not None else [],
        tables=tables or [nothing_table(look)],
        remarks=remarks_of(look, found, cycle, nexus),
    )
    return respond(request, page)


def _cycling(look: Look, found: Cycling) -> list[tuple[str, Cell, str, None]]:
    text = look.visit.text
    unit = look.visit.unit(look.unit)
    layer = look.name(look.layer, "layer")
    made: list[tuple[str, Cell, str, None]] = []
    if found.index is not None:
        head = text(N_("Cycling index of {layer} (Finn)"), layer=layer)
        made.append((head, look.number(found, found.index, "index"), write_percent(found.index), None))
        head = text(N_("Mean path length"))
        made.append((head, look.number(found, found.path_length, "path_length"), write_number(found.path_length), None))
    for key, head in (("throughflow", N_("Total throughflow")), ("cycled", N_("of which comes back"))):
        value = float(getattr(found, key))
        made.append((text(head), look.number(found, value, key), f"{write_number(value)} {unit}", None))
    return made


def _loops(look: Look, found: Cycling) -> Table:
    rows = found.stations.filter(pl.col("cycled") > 0.0).sort("cycled", descending=True)
    fields = [
        Field("node", N_("Node"), "node"),
        Field("throughflow", N_("Throughflow"), "number", unit=look.unit),
        Field("cycled", N_("of which comes back"), "number", lambda row: f"cycled:{row['node']}", look.unit),
        Field("returning", N_("Share"), "percent"),
        Field("loop", N_("Loop"), "integer"),
    ]
    caption = look.visit.text(N_("What comes back, by node: {layer}"), layer=look.name(look.layer, "layer"))
    empty = look.visit.text(N_("Nothing comes back to where it has been: the layer has no loop at this level."))
    return frame_table(look, found, "cycling", caption, rows, fields, empty=empty)


def _nexus(look: Look, found: Nexus) -> list[Table]:
    text = look.visit.text
    rows = found.nodes.filter(pl.col("kind").is_in(("firm", "zone", "park", "boundary")))

    def key(column: str) -> Any:
        return lambda row: f"{column}:{row['node']}"

    def fields(names: dict[str, str], unit: str, share: str) -> list[Field]:
        return [
            Field("node", N_("Node"), "node"),
            *(Field(name, head, "number", key(name), unit) for name, head in names.items()),
            Field(share, N_("Share embodied"), "percent", key(share)),
            Field("complete", N_("Complete"), "flag"),
        ]

    water = {
        "direct_water": N_("Fresh water taken in"),
        "water_of_energy": N_("Water behind the energy"),
        "life_cycle_water": N_("Life-cycle water"),
    }
    energy = {
        "direct_energy": N_("Energy taken in"),
        "energy_of_water": N_("Energy behind the water"),
        "life_cycle_energy": N_("Life-cycle energy"),
    }
    empty = text(N_("No water or energy factor is known for this boundary."))
    water_fields, energy_fields = fields(water, "m3", "water_share"), fields(energy, "GJ", "energy_share")
    return [
        frame_table(look, found, "water-of-energy", text(N_("Water of energy")), rows, water_fields, empty=empty),
        frame_table(look, found, "energy-of-water", text(N_("Energy of water")), rows, energy_fields, empty=empty),
    ]
