"""Metabolism: what is embodied in what, and where something comes from or goes to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from ecopark.translation import N_
from ecopark.web.metabolism_results import Field, Notice, attempt, frame_table, problem_notices, remarks_of
from ecopark.web.metabolism_selection import Look
from ecopark.web.metabolism_tables import metabolism_page
from ecopark.web.numbers import write_number, write_percent
from ecopark.web.rendering import respond
from ecopark.web.selection import known
from ecopark.web.tables import Cell, Column, Row, Table
from ecopark.web.visit import Choice

if TYPE_CHECKING:
    from ecopark.metabolism.tracing.pathways import Direction, Pathways
    from ecopark.metabolism.tracing.tracing import Trace

router = APIRouter()

DIRECTIONS = {"upstream": N_("where it comes from"), "downstream": N_("where it goes")}
ROLES = {"product": N_("made"), "treatment": N_("treatment for others")}
ENDS = {
    "leaves": N_("leaves with a good, or with treatment done for others"),
    "stock": N_("goes into stock"),
    "used": N_("used for good inside"),
    "unallocated": N_("stays: nothing to share it by"),
    "closed_loop": N_("runs in a loop that nothing leaves"),
}
ORIGINS = {
    "outside": N_("over the boundary"),
    "implied": N_("by rule"),
    "stock": N_("from or into stock"),
    "unexplained": N_("not explained by the record (residual)"),
}
CAUSES = {"direct": N_("set free or taken by the node itself"), "upstream": N_("behind what is bought")}


@router.get("/{language}/metabolism/trace")
def trace_page(request: Request) -> Response:
    """Answer what is embodied in firms' goods, and the trace of a commodity, node or stream in a layer."""
    look = Look.of(request)
    text = look.visit.text
    found, problems = attempt(lambda: look.kept("trace", lambda workspace: workspace.trace(look.year, **look.of_year)))
    tables: list[Table] = []
    choices = look.choices("year", "month", "boundary", "level", "scenario")
    headline: list[Any] = []
    said = problem_notices(look, problems)
    if found is not None:
        layer = known("embodied", request.query_params.get("embodied", "") or next(iter(found.layers)),
                      list(found.layers))  # fmt: skip
        choices.append(_embodied_choice(look, found, layer))
        tables += _embodied(look, found, layer)
        headline.append(
            (text(N_("Embodied in all that leaves or ends")),
             look.number(found, found.total(layer), f"total:{layer}"),
             f"{write_number(found.total(layer))} {look.visit.unit(found.layers[layer])}", None)
        )  # fmt: skip
    path, more, choices_of_path, path_notices = _pathways(look)
    choices += choices_of_path
    tables += more
    page = metabolism_page(
        look,
        text(N_("Tracing")),
        "trace",
        choices=choices,
        hidden={name: request.query_params.get(name) for name in ("stream", "firm")},
        introduction=text(
            N_(
                "Embodied is what was emitted, used or paid for a good along its whole way through the park, with what "
                "is bought from outside. A trace follows a substance upstream or downstream; its shares add up to one."
            )
        ),
        notices=[*said, *path_notices],
        headline=headline,
        tables=tables,
        remarks=remarks_of(look, found, path),
    )
    return respond(request, page)


def _embodied_choice(look: Look, found: Trace, chosen: str) -> Choice:
    options = [
        (layer, f"{look.name(layer, 'layer')} ({look.visit.unit(unit)})") for layer, unit in found.layers.items()
    ]
    return "embodied", look.visit.text(N_("Embodied")), options, chosen


def _embodied(look: Look, found: Trace, layer: str) -> list[Table]:
    text = look.visit.text
    unit = found.layers[layer]
    name = look.name(layer, "layer")
    firm = look.request.query_params.get("firm", "")
    firms = frame_table(
        look, found, "firms",
        text(N_("By firm: what it caused, and what ends with what it gives off ({layer})"), layer=name),
        found.by_firm(layer),
        [
            Field("firm", N_("Firm"), "node"),
            Field("caused", N_("Caused"), "number", unit=unit),
            Field("ending", N_("In what it gives off"), "number", lambda row: f"firm:{row['firm']}:{layer}", unit),
            Field("share", N_("Share"), "percent", lambda row: f"share:{row['firm']}:{layer}"),
        ],
    )  # fmt: skip
    goods = found.intensities.filter((pl.col("layer") == layer) & (pl.col("amount") > 0.0))
    if firm:
        known("firm", firm, found.intensities["firm"].unique().sort().to_list())
        goods = goods.filter(pl.col("firm") == firm)

    def key(product: str, treatment: str) -> Any:
        def made(row: Any) -> str:
            kind = product if row["role"] == "product" else treatment
            return f"{kind}:{row['node']}:{row['commodity']}:{layer}"

        return made

    caption = text(N_("By good: what is embodied in it ({layer})"), layer=name)
    if firm:
        caption += f" · {look.name(firm)}"
    made = frame_table(
        look, found, "goods", caption, goods.sort("embodied", descending=True, nulls_last=True),
        [
            Field("node", N_("Node"), "node"),
            Field("commodity", N_("Commodity"), "commodity"),
            Field("role", N_("As"), "words", words=ROLES),
            Field("amount", N_("Amount"), "mixed"),
            Field("unit", N_("Unit"), "unit"),
            Field("embodied", N_("Embodied"), "number", key("embodied", "treated"), unit),
            Field("value", N_("Per unit"), "mixed", key("intensity", "treatment")),
            Field("value_unit", N_("Unit of it"), "unit"),
            Field("complete", N_("Complete"), "flag"),
        ],
        note=text(N_("Not complete: something unknown flows in, so the value is a lower bound.")),
    )  # fmt: skip
    kinds = (
        found.finals.filter(pl.col("layer") == layer).group_by("kind")
        .agg(pl.col("embodied").sum(), pl.col("share").sum()).sort(["embodied", "kind"], descending=[True, False])
    )  # fmt: skip
    ends = frame_table(
        look, found, "ends", text(N_("How it ends ({layer})"), layer=name), kinds,
        [
            Field("kind", N_("End"), "words", words=ENDS),
            Field("embodied", N_("Embodied"), "number", unit=unit),
            Field("share", N_("Share"), "percent"),
        ],
    )  # fmt: skip
    missing = found.not_estimated.filter(pl.col("layer") == layer)
    tables = [firms, made, ends]
    if missing.height:
        tables.append(
            frame_table(
                look, found, "not-estimated", text(N_("Entered with an unknown burden ({layer})"), layer=name), missing,
                [
                    Field("commodity", N_("Commodity"), "commodity"),
                    Field("node", N_("Node"), "node"),
                    Field("amount", N_("Amount"), "mixed"),
                    Field("unit", N_("Unit"), "unit"),
                    Field("edges", N_("Flows"), "integer"),
                ],
            )
        )  # fmt: skip
    return tables


def _subject(look: Look) -> dict[str, str]:
    query = look.request.query_params
    return {name: query[name] for name in ("stream", "node", "commodity") if query.get(name)}


def _pathways(look: Look) -> tuple[Pathways | None, list[Table], list[Choice], list[Notice]]:
    """Return the trace that the address asks for: the result, its tables, its selectors, and what is to be said."""
    text = look.visit.text
    edges = look.edges()
    goods = edges["commodity"].unique().drop_nulls().sort().to_list()
    ends = sorted(set(edges["source"]) | set(edges["target"]))
    asked = _subject(look)
    direction = known("direction", look.request.query_params.get("direction", "") or "upstream", list(DIRECTIONS))
    layers = [(layer, look.name(layer, "layer")) for layer in look.filled] or [(look.layer, look.layer)]
    choices: list[Choice] = [
        ("layer", text(N_("Trace in the layer")), layers, look.layer),
        ("direction", text(N_("Trace")), [(name, text(words)) for name, words in DIRECTIONS.items()], direction),
        ("node", text(N_("of the node")), [("", "–"), *((node, look.name(node)) for node in ends)],
         asked.get("node", "")),
        ("commodity", text(N_("of the commodity")), [("", "–"), *((one, look.name(one, "commodity")) for one in goods)],
         asked.get("commodity", "")),
    ]  # fmt: skip
    given: dict[str, Any] = {**asked, "level": look.level}
    follow: Direction = "downstream" if direction == "downstream" else "upstream"
    if not asked:
        words = text(N_("To trace something through the park, choose a node, a commodity, or both."))
        return None, [], choices, [("", words, "", "")]
    found, problems = attempt(
        lambda: look.kept(
            "pathways",
            lambda workspace: workspace.follow(look.year, look.layer, follow, **given, **look.of_period),
            look.layer, direction, look.level, tuple(asked.items()),
        )
    )  # fmt: skip
    if found is None:
        return None, [], choices, problem_notices(look, problems)
    return found, _path_tables(look, found, asked, direction), choices, []


def _path_tables(look: Look, found: Pathways, asked: dict[str, str], direction: str) -> list[Table]:
    text, unit = look.visit.text, found.unit
    kinds = {"stream": "", "node": "node", "commodity": "commodity"}
    what = " · ".join(look.name(value, kinds[name]) if kinds[name] else value for name, value in asked.items())
    values = {"what": what, "layer": look.name(look.layer, "layer"), "total": write_number(found.total),
              "unit": look.visit.unit(unit)}  # fmt: skip
    words = N_("{what}: where its {layer} comes from ({total} {unit})") if direction == "upstream" else N_(
        "{what}: where its {layer} goes ({total} {unit})"
    )  # fmt: skip
    shares = frame_table(
        look, found, "shares", text(words, **values), found.shares.with_row_index("row"),
        [
            Field("kind", N_("Kind"), "words", words=ORIGINS),
            Field("node", N_("From") if direction == "upstream" else N_("To"), "node"),
            Field("station", N_("Enters at") if direction == "upstream" else N_("Leaves at"), "node"),
            Field("commodity", N_("Commodity"), "commodity"),
            Field("amount", N_("Amount"), "number", lambda row: f"amount:{row['row']}", unit),
            Field("share", N_("Share"), "percent", lambda row: f"share:{row['row']}"),
            Field("flow", N_("Of a flow of"), "number", unit=unit),
            Field("stream", N_("Stream"), "stream", hidden=True),
        ],
    )  # fmt: skip
    stations = frame_table(
        look, found, "stations", text(N_("What passes where")),
        found.stations.filter(pl.col("amount") > 0.0).sort("amount", descending=True),
        [
            Field("node", N_("Node"), "node"),
            Field("amount", N_("Of it passes"), "number", lambda row: f"through:{row['node']}", unit),
            Field("throughflow", N_("Throughflow"), "number", unit=unit),
        ],
    )  # fmt: skip
    return [shares, _paths(look, found), stations]


def _paths(look: Look, found: Pathways) -> Table:
    text = look.visit.text
    steps: dict[int, list[str]] = {}
    for row in found.steps.sort("path", "step").iter_rows(named=True):
        way = steps.setdefault(row["path"], [])
        if not way:
            way.append(found.name(row["source"] or "", look.visit.language, "node"))
        way.append(found.name(row["target"] or "", look.visit.language, "node"))
    rows: list[Row] = [
        {
            "path": Cell(" → ".join(steps.get(row["path"], []))),
            "amount": row["amount"],
            "share": Cell(row["share"], text=write_percent(row["share"])),
            "turns": row["turns"],
        }
        for row in found.paths.iter_rows(named=True)
    ]
    columns = [
        Column("path", text(N_("Path"))),
        Column("amount", text(N_("Amount")), look.visit.unit(found.unit), "number"),
        Column("share", text(N_("Share")), kind="percent"),
        Column("turns", text(N_("Turns")), kind="integer"),
    ]
    return Table("paths", text(N_("The largest paths")), columns, rows, look.source())
