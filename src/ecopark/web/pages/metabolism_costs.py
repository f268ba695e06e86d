"""Metabolism: value flow (material-flow cost accounting), life-cycle burdens, and whether burdens were shifted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from ecopark.translation import N_
from ecopark.web.metabolism_results import Field, attempt, frame_table, problem_notices, remarks_of
from ecopark.web.metabolism_selection import Look
from ecopark.web.metabolism_tables import metabolism_page, nothing_table
from ecopark.web.numbers import write_number
from ecopark.web.rendering import respond
from ecopark.web.selection import known, year_of
from ecopark.web.tables import Table
from ecopark.web.visit import OTHER, Choice

if TYPE_CHECKING:
    from ecopark.metabolism.burdens.burden_shifting import BurdenShift
    from ecopark.metabolism.burdens.burdens import Burdens
    from ecopark.metabolism.value_flow.value_flow_result import ValueFlow

router = APIRouter()

KEYS = {"mass": N_("by mass"), "energy": N_("by energy"), "money": N_("by value")}
CHANGES = {"better": N_("better"), "worse": N_("worse"), "unchanged": N_("unchanged"), "unknown": N_("unknown")}
MONEY = "CNY"


@router.get("/{language}/metabolism/value")
def value_page(request: Request) -> Response:
    """Answer the costs in products and in losses, per node and per waste stream."""
    look = Look.of(request)
    text = look.visit.text
    key = known("key", request.query_params.get("key", "") or "mass", list(KEYS))
    found, problems = attempt(
        lambda: look.kept(
            "value", lambda workspace: workspace.value_flow(look.year, key=key, **look.of_year), key
        )
    )  # fmt: skip
    choices = look.choices("year", "boundary", "level", "scenario")
    choices.append(("key", text(N_("Costs are split")), [(name, text(words)) for name, words in KEYS.items()], key))
    headline: list[Any] = []
    tables: list[Table] = []
    if found is not None:
        headline = _loss(look, found)
        tables = [_wastes(look, found), _nodes(look, found), _price_gaps(look, found)]
    page = metabolism_page(
        look,
        text(N_("Value flow")),
        "value",
        choices=choices,
        introduction=text(
            N_(
                "Material-flow cost accounting: what was paid for materials, energy and operation goes into products "
                "or is lost with waste and waste energy; the treatment of waste comes on top."
            )
        ),
        notices=problem_notices(look, problems),
        headline=headline,
        tables=tables or [nothing_table(look)],
        remarks=remarks_of(look, found),
    )
    return respond(request, page)


def _loss(look: Look, found: ValueFlow) -> list[Any]:
    row = found.at()
    text, unit = look.visit.text, look.visit.unit(MONEY)
    heads = {
        "material_loss": N_("Material value lost"),
        "energy_loss": N_("Energy value lost"),
        "system_loss": N_("Operating cost lost"),
        "treatment_cost": N_("Paid for treatment"),
    }
    made = []
    for column, head in heads.items():
        if row.get(column) is None:
            continue
        reference = f"{column}:{found.top}" if column.endswith("_loss") else None
        cell = look.number(found, row[column], reference)
        made.append((text(head), cell, f"{write_number(row[column])} {unit}", None))
    return made


def _wastes(look: Look, found: ValueFlow) -> Table:
    text = look.visit.text
    fields = [
        Field("commodity", N_("Waste or loss"), "commodity"),
        Field("source", N_("From"), "node"),
        Field("target", N_("To"), "node"),
        Field("amount", N_("Amount"), "mixed"),
        Field("unit", N_("Unit"), "unit"),
        Field("material_lost", N_("Material value"), "number", unit=MONEY),
        Field("energy_lost", N_("Energy value"), "number", unit=MONEY),
        Field("system_lost", N_("Operating cost"), "number", unit=MONEY),
        Field("treatment_cost", N_("Paid for treatment"), "number", unit=MONEY),
        Field("treatment_inside", N_("Treatment inside"), "number", unit=MONEY),
        Field("revenue", N_("Earned with it"), "number", unit=MONEY),
        Field("total", N_("Cost in all"), "number", lambda row: f"waste:{row['edge']}", MONEY),
        Field("complete", N_("Complete"), "flag"),
    ]
    caption = text(N_("What wastes and losses cost, costliest first"))
    empty = text(N_("No waste or loss with a price: the record states none in the period."))
    return frame_table(look, found, "wastes", caption, found.wastes, fields, empty=empty)


def _nodes(look: Look, found: ValueFlow) -> Table:
    kinds = {"zone": ("zone",), "firm": ("firm",), "process": ("firm", "process"), "node": ()}[look.level]
    rows = found.nodes.filter(pl.col("kind").is_in(kinds)) if kinds else found.nodes
    rows = rows.sort("loss_total", descending=True, nulls_last=True)

    def key(column: str) -> Any:
        return lambda row: f"{column}:{row['node']}"

    fields = [
        Field("node", N_("Node"), "node"),
        Field("material_cost_in", N_("Materials bought"), "number", key("material_cost_in"), MONEY),
        Field("energy_cost_in", N_("Energy bought"), "number", key("energy_cost_in"), MONEY),
        Field("system_cost_in", N_("Operation"), "number", key("system_cost_in"), MONEY),
        Field("material_delivered", N_("Materials in products"), "number", key("material_delivered"), MONEY),
        Field("material_loss", N_("Materials lost"), "number", key("material_loss"), MONEY),
        Field("energy_loss", N_("Energy lost"), "number", key("energy_loss"), MONEY),
        Field("system_loss", N_("Operation lost"), "number", key("system_loss"), MONEY),
        Field("treatment_cost", N_("Paid for treatment"), "number", unit=MONEY),
        Field("loss_total", N_("Lost in all"), "number", unit=MONEY),
        Field("loss_share", N_("Share lost"), "percent"),
        Field("complete", N_("Complete"), "flag"),
    ]
    caption = look.visit.text(N_("Value in products and in losses, by node"))
    return frame_table(look, found, "value-nodes", caption, rows, fields)


def _price_gaps(look: Look, found: ValueFlow) -> Table:
    fields = [
        Field("commodity", N_("Commodity"), "commodity"),
        Field("quantity", N_("What is missing"), "symbol"),
        Field("node", N_("Node"), "node"),
        Field("stream", N_("Stream"), "stream"),
    ]
    caption = look.visit.text(N_("Prices and keys that are missing"))
    empty = look.visit.text(N_("Nothing is missing."))
    return frame_table(look, found, "value-gaps", caption, found.gaps, fields, empty=empty)


@router.get("/{language}/metabolism/burdens")
def burdens_page(request: Request) -> Response:
    """Answer the life-cycle burdens by impact category, where they come from, and what shifted since another year."""
    look = Look.of(request)
    text = look.visit.text
    found, problems = attempt(lambda: _burdens(look, look.year))
    other = year_of(request.query_params, f"{OTHER}year") or _earlier(look)
    shift: BurdenShift | None = None
    notices = problem_notices(look, problems)
    tables: list[Table] = []
    choices = look.choices("year", "boundary", "scenario")
    years = [(str(year), str(year)) for year in look.visit.session.years()]
    choices.append((f"{OTHER}year", text(N_("Compared with")), [("", "–"), *years], str(other or "")))
    if found is not None:
        category = known("category", request.query_params.get("category", "") or found.categories[0], found.categories)
        choices.append(_category_choice(look, found, category))
        tables = [_totals(look, found), *_category(look, found, category)]
        if other is not None and other != look.year:
            shift, more = attempt(
                lambda: look.kept(
                    "shift", lambda workspace: workspace.burden_shift(_burdens(look, other), found), other
                )
            )  # fmt: skip
            notices += problem_notices(look, more)
        if shift is not None:
            notices = [*[("", words, "", "") for words in shift.words(look.visit.language)], *notices]
            tables[1:1] = _shift(look, shift, category, other or look.year)
        tables.append(_uncovered(look, found, category))
    page = metabolism_page(
        look,
        text(N_("Burdens and burden shifting")),
        "burdens",
        choices=choices,
        introduction=text(
            N_(
                "Direct burdens of the boundary, those behind what it receives, and those of treating outside what it "
                "hands over. A burden is shifted where one category, or one place, gets better and another worse."
            )
        ),
        notices=notices,
        tables=tables or [nothing_table(look)],
        remarks=remarks_of(look, found, shift),
    )
    return respond(request, page)


def _burdens(look: Look, year: int) -> Burdens:
    return look.kept("burdens", lambda workspace: workspace.burdens(year, **look.of_year), year)


def _earlier(look: Look) -> int | None:
    earlier = [year for year in look.visit.session.years() if year < look.year]
    return earlier[-1] if earlier else None


def _category_choice(look: Look, found: Burdens, chosen: str) -> Choice:
    names = {row["category"]: look.visit.choose(row["name_zh"], row["name_en"]) for row in found.totals.to_dicts()}
    options = [(category, names.get(category, category)) for category in found.categories]
    return "category", look.visit.text(N_("Impact category")), options, chosen


def _totals(look: Look, found: Burdens) -> Table:
    def stage(name: str) -> Any:
        return lambda row: f"total:{row['category']}&stage:{name}"

    rows = found.totals.with_columns(
        pl.when(pl.lit(look.visit.language == "zh")).then("name_zh").otherwise("name_en").alias("name"),
        pl.col("unit").alias("shown"),
    )
    fields = [
        Field("name", N_("Impact category")),
        Field("value", N_("In all"), "mixed", lambda row: f"total:{row['category']}"),
        Field("direct", N_("Inside the park"), "mixed", stage("direct")),
        Field("upstream", N_("Upstream of what is received"), "mixed", stage("upstream")),
        Field("treatment", N_("Treatment outside"), "mixed", stage("treatment")),
        Field("shown", N_("Unit"), "unit"),
        Field("sd", N_("Standard deviation"), "mixed"),
        Field("category", N_("Id"), hidden=True),
    ]
    caption = look.visit.text(N_("Burdens by impact category, {year}"), year=look.year)
    return frame_table(look, found, "burdens", caption, rows, fields)


def _category(look: Look, found: Burdens, category: str) -> list[Table]:
    from ecopark.metabolism.burdens.burdens import STAGE_NAMES

    text = look.visit.text
    row = found.totals.filter(pl.col("category") == category).row(0, named=True)
    name, unit = look.visit.choose(row["name_zh"], row["name_en"]), row["unit"]
    tables = []
    for identity, dimensions, caption in (
        ("burden-firms", ("firm",), N_("{category}: by firm")),
        ("burden-goods", ("stage", "commodity"), N_("{category}: by commodity")),
    ):
        fields = [
            Field(dimension, {"firm": N_("Firm"), "stage": N_("Where"), "commodity": N_("Commodity")}[dimension],
                  {"firm": "node", "stage": "words", "commodity": "commodity"}[dimension], words=STAGE_NAMES)
            for dimension in dimensions
        ]  # fmt: skip
        fields += [
            Field("value", N_("Value"), "number", lambda row: row["key"], unit),
            Field("sd", N_("Standard deviation"), "number", unit=unit),
        ]
        frame = found.by(category, *dimensions)
        tables.append(frame_table(look, found, identity, text(caption, category=name), frame, fields))
    return tables


def _shift(look: Look, shift: BurdenShift, category: str, other: int) -> list[Table]:
    from ecopark.metabolism.burdens.burdens import STAGE_NAMES

    text = look.visit.text
    zh = look.visit.language == "zh"
    rows = shift.categories.with_columns(
        pl.when(pl.lit(zh)).then("name_zh").otherwise("name_en").alias("name"),
        pl.col("unit").alias("shown"),
    )
    fields = [
        Field("name", N_("Impact category")),
        Field("before", look.in_year(other), "mixed"),
        Field("after", look.in_year(look.year), "mixed"),
        Field("change", N_("Change"), "mixed", lambda row: f"change:{row['category']}"),
        Field("relative", N_("Relative change"), "percent"),
        Field("verdict", N_("Verdict"), "words", words=CHANGES),
        Field("inside", N_("Change inside"), "mixed"),
        Field("outside", N_("Change outside"), "mixed"),
        Field("significance", N_("Significance (deviations)"), "number", places=1),
        Field("shown", N_("Unit"), "unit"),
    ]
    values = {"before": other, "after": look.year}
    table = frame_table(
        look, shift, "shift", text(N_("Did burdens shift? {before} to {after}"), **values), rows, fields
    )
    unit = rows.filter(pl.col("category") == category)["unit"].to_list()
    if not unit:
        return [table]
    parts = [
        Field("stage", N_("Where"), "words", words=STAGE_NAMES),
        Field("node", N_("Node"), "node"),
        Field("commodity", N_("Commodity"), "commodity"),
        Field("before", look.in_year(other), "number", unit=unit[0]),
        Field("after", look.in_year(look.year), "number", unit=unit[0]),
        Field("change", N_("Change"), "number", lambda row: f"part:{row['part']}", unit[0]),
        Field("amount_effect", N_("By amount"), "number", unit=unit[0]),
        Field("factor_effect", N_("By factor"), "number", unit=unit[0]),
    ]
    named = rows.filter(pl.col("category") == category)["name"].item()
    caption = text(N_("{category}: the largest changes, {before} to {after}"), category=named, **values)
    frame = shift.contributors(category, 20)
    return [table, frame_table(look, shift, "shift-parts", caption, frame, parts)]


def _uncovered(look: Look, found: Burdens, category: str) -> Table:
    from ecopark.metabolism.burdens.burdens import REASONS, STAGE_NAMES

    rows = found.uncovered.filter(pl.col("category") == category)
    fields = [
        Field("stage", N_("Where"), "words", words=STAGE_NAMES),
        Field("commodity", N_("Commodity"), "commodity"),
        Field("reason", N_("Why it is not counted"), "words", words=REASONS),
        Field("edges", N_("Flows"), "integer"),
        Field("share_mass", N_("Of the mass received or handed over"), "percent"),
        Field("share_energy", N_("Of the energy"), "percent"),
        Field("share_money", N_("Of the value"), "percent"),
    ]
    caption = look.visit.text(N_("Not counted in this category"))
    empty = look.visit.text(N_("Everything that belongs to this category is counted."))
    return frame_table(look, found, "uncovered", caption, rows, fields, empty=empty)
