"""Metabolism: the reconciliation of a period: tests, suspects, adjusted flows, and what can be checked at all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from ecopark.metabolism.wording import ASSUMED, SUSPECTS, suspect_kind
from ecopark.translation import N_
from ecopark.web.metabolism_reconciled import reconciliation
from ecopark.web.metabolism_results import Field, frame_table, problem_notices, remarks_of
from ecopark.web.metabolism_selection import Look
from ecopark.web.metabolism_tables import layer_links, metabolism_page, nothing_table, notices
from ecopark.web.numbers import write_number
from ecopark.web.rendering import respond
from ecopark.web.selection import known
from ecopark.web.tables import Cell, Table

if TYPE_CHECKING:
    from ecopark.metabolism.reconciliation.result import Reconciliation

router = APIRouter()

ALONE, TOGETHER = "layer", "all"

CLASSES = {
    "redundant": N_("redundant: measured and checked by balances"),
    "nonredundant": N_("not redundant: measured, checked by nothing"),
    "exact": N_("exact: no range"),
    "observable": N_("observable: not measured, worked out"),
    "unobservable": N_("unobservable: not measured, not determined"),
}
FOUND = {
    "consistent": N_("consistent"),
    "suspicious": N_("suspicious"),
    "unchecked": N_("unchecked"),
    "worked_out": N_("worked out"),
    "unknown": N_("unknown"),
}


@router.get("/{language}/metabolism/reconciliation")
def reconciliation_page(request: Request) -> Response:
    """Answer whether the measurements fit together, what is suspected, and the flows raw and reconciled."""
    look = Look.of(request)
    text = look.visit.text
    together = known("balances", request.query_params.get("balances", "") or ALONE, [ALONE, TOGETHER]) == TOGETHER
    conserved = look.balances.layers.filter(pl.col("conserved") == "yes")["id"].to_list()
    choices = look.choices("year", "month", "boundary", "level", "scenario")
    options = [(ALONE, text(N_("of this layer"))), (TOGETHER, text(N_("of all layers together")))]
    choices.append(("balances", text(N_("Balances")), options, TOGETHER if together else ALONE))
    said = notices(look)
    found: Reconciliation | None = None
    if together or look.layer in conserved:
        found, problems = reconciliation(look, None if together else (look.layer,))
        said = [*said, *problem_notices(look, problems)]
    else:
        words = text(N_("The layer {layer} is not conserved, so it has no balances to reconcile with."),
                     layer=look.name(look.layer, "layer"))  # fmt: skip
        said.append(("", words, "", ""))
    tables: list[Table] = []
    headline: list[Any] = []
    if found is not None:
        headline = _test(look, found)
        tables = [_suspects(look, found), _flows(look, found), _balances(look, found), _classes(look, found)]
        tables += [_contents(look, found), _stocks(look, found), _skipped(look, found)]
    page = metabolism_page(
        look,
        text(N_("Reconciliation")),
        "reconciliation",
        choices=choices,
        hidden={"layer": look.layer},
        layer_links=layer_links(look, "metabolism/reconciliation"),
        introduction=text(
            N_(
                "Weighted least squares over all balances that can be tested: the amounts are "
                "moved as little as their stated ranges ask for until every balance holds. What had to be moved "
                "further than its range allows is suspicious."
            )
        ),
        notices=said,
        headline=headline,
        tables=tables or [nothing_table(look)],
        folded=("skipped", "contents"),
        most=25,
        remarks=remarks_of(look, found),
    )
    return respond(request, page)


def _test(look: Look, found: Reconciliation) -> list[Any]:
    text = look.visit.text
    row = found.test.row(0, named=True)
    passed = (text(N_("passed")), "good") if row["passed"] else (text(N_("not passed")), "bad")
    if not row["degrees_of_freedom"]:
        return [(text(N_("Global test")), Cell(None), text(N_("nothing to test: no balance is redundant")), None)]
    words = text(
        N_("{objective}; limit {critical} with {degrees} degrees of freedom (p = {p})"),
        objective=write_number(row["objective"]),
        critical=write_number(row["critical"]),
        degrees=row["degrees_of_freedom"],
        p=f"{row['p_value']:.3g}",
    )
    made: list[Any] = [
        (text(N_("Global test (chi-square)")), look.number(found, row["objective"], "objective"), words, passed)
    ]
    suspicious = found.suspicious().height
    said = text(N_("{count} of {tested}, limit {limit} deviations"), count=suspicious, tested=row["tested"],
                limit=write_number(row["critical_single"]))  # fmt: skip
    made.append((text(N_("Suspicious flows")), Cell(suspicious), said, None))
    for method, count in found.assumed().iter_rows():
        width = write_number(100 * found.settings["assumed"][method])
        head = text(N_("Range assumed: {method}"), method=text(ASSUMED.get(method, method)))
        made.append((head, Cell(count), text(N_("± {width} %, unverified"), width=width), None))
    return made


def _suspects(look: Look, found: Reconciliation) -> Table:
    def what(row: dict[str, Any]) -> str:
        if row["stream"]:
            return str(row["stream"])
        if row["node"]:
            return found.name(row["node"], look.visit.language, "node")
        return str(row["key"] or "")

    rows = found.suspects.with_columns(
        pl.Series("what", [what(row) for row in found.suspects.iter_rows(named=True)], dtype=pl.String),
        pl.Series(
            "direction", [suspect_kind(*row) for row in found.suspects.select("kind", "size").iter_rows()],
            dtype=pl.String,
        ),
        pl.col("size").abs(),
    )  # fmt: skip
    fields = [
        Field("rank", N_("Rank"), "integer"),
        Field("direction", N_("Kind"), "words", words=SUSPECTS),
        Field("size", N_("Size"), "mixed"),
        Field("unit", N_("Unit"), "unit"),
        Field("what", N_("Where")),
        Field("layer", N_("Layer"), "layer"),
        Field("statistic", N_("Lowers the test by"), "number", places=1),
        Field("explains", N_("Explains all alone"), "flag"),
    ]
    caption = look.visit.text(N_("Suspects: single errors that would explain most, likeliest first"))
    empty = look.visit.text(N_("No single error is suspected."))
    return frame_table(look, found, "suspects", caption, rows, fields, empty=empty)


def _flows(look: Look, found: Reconciliation) -> Table:
    rows = found.flows.filter(pl.col("balances") > 0) if found.balances.height else found.flows
    rows = rows.sort(
        [pl.col("standardised"), pl.col("adjustment").abs()], descending=True, nulls_last=True, maintain_order=True
    )
    fields = [
        Field("stream", N_("Stream"), "stream"),
        Field("source", N_("From"), "node"),
        Field("target", N_("To"), "node"),
        Field("commodity", N_("Commodity"), "commodity"),
        Field("raw", N_("As recorded"), "mixed"),
        Field("sd_raw", N_("Standard deviation"), "mixed", hidden=True),
        Field("reconciled", N_("Reconciled"), "mixed", lambda row: f"flow:{row['edge']}"),
        Field("sd_reconciled", N_("Its standard deviation"), "mixed"),
        Field("unit", N_("Unit"), "unit"),
        Field("adjustment", N_("Adjustment"), "mixed"),
        Field("relative", N_("Relative"), "percent"),
        Field("standardised", N_("Test (deviations)"), "number", places=2),
        Field("vdi", N_("Test of VDI 2048"), "number", places=2, hidden=True),
        Field("verdict", N_("Verdict"), "words", words=FOUND),
        Field("classification", N_("Class"), "words", words={key: key for key in CLASSES}, hidden=True),
        Field("assumed", N_("Range assumed"), "flag", hidden=True),
    ]
    caption = look.visit.text(N_("Flows raw and reconciled, most suspicious first"))
    return frame_table(look, found, "reconciled", caption, rows, fields)


def _balances(look: Look, found: Reconciliation) -> Table:
    rows = found.balances.sort(pl.col("standardised"), descending=True, nulls_last=True)
    fields = [
        Field("node", N_("Node"), "node"),
        Field("layer", N_("Layer"), "layer"),
        Field("before", N_("Residual before"), "mixed", lambda row: f"before:{row['balance']}"),
        Field("relative_before", N_("Relative residual"), "percent"),
        Field("standardised", N_("Test (deviations)"), "number", places=2),
        Field("suspicious", N_("Suspicious"), "flag"),
        Field("after", N_("Residual after"), "mixed", lambda row: f"after:{row['balance']}"),
        Field("unit", N_("Unit"), "unit"),
        Field("part", N_("Part of the test"), "number", places=2),
    ]
    caption = look.visit.text(N_("Balances before and after"))
    empty = look.visit.text(N_("No balance can be tested."))
    return frame_table(look, found, "tested", caption, rows, fields, empty=empty)


def _classes(look: Look, found: Reconciliation) -> Table:
    order = {name: place for place, name in enumerate(CLASSES)}
    rows = found.flows.group_by("classification").agg(pl.len().cast(pl.Int64).alias("count"))
    rows = rows.sort(pl.col("classification").replace_strict(order, default=99, return_dtype=pl.Int64))
    fields = [Field("classification", N_("Class"), "words", words=CLASSES), Field("count", N_("Flows"), "integer")]
    return frame_table(look, found, "classes", look.visit.text(N_("What can be checked")), rows, fields)


def _contents(look: Look, found: Reconciliation) -> Table:
    rows = found.contents.sort(pl.col("standardised"), descending=True, nulls_last=True)
    fields = [
        Field("symbol", N_("Content"), "symbol"),
        Field("factor", N_("Factor")),
        Field("raw", N_("As stated"), "mixed"),
        Field("reconciled", N_("Reconciled"), "mixed", lambda row: f"content:{row['key']}"),
        Field("unit", N_("Unit"), "unit"),
        Field("standardised", N_("Test (deviations)"), "number", places=2),
        Field("verdict", N_("Verdict"), "words", words=FOUND),
    ]
    caption = look.visit.text(N_("Contents that were adjusted"))
    return frame_table(look, found, "contents", caption, rows, fields, empty=look.visit.text(N_("None.")))


def _stocks(look: Look, found: Reconciliation) -> Table:
    fields = [
        Field("node", N_("Node"), "node"),
        Field("commodity", N_("Commodity"), "commodity"),
        Field("raw", N_("As recorded"), "mixed"),
        Field("reconciled", N_("Reconciled"), "mixed", lambda row: f"stock:{row['variable']}"),
        Field("unit", N_("Unit"), "unit"),
        Field("adjustment", N_("Adjustment"), "mixed"),
        Field("standardised", N_("Test (deviations)"), "number", places=2),
        Field("verdict", N_("Verdict"), "words", words=FOUND),
    ]
    caption = look.visit.text(N_("Changes of stores"))
    return frame_table(look, found, "stocks", caption, found.stocks, fields, empty=look.visit.text(N_("None.")))


def _skipped(look: Look, found: Reconciliation) -> Table:
    from ecopark.metabolism.wording import VERDICTS

    fields = [
        Field("node", N_("Node"), "node"),
        Field("layer", N_("Layer"), "layer"),
        Field("verdict", N_("Why"), "words", words=VERDICTS),
        Field("unknown", N_("Flows without a value"), "integer"),
        Field("unstated", N_("Contents not stated"), "integer"),
    ]
    caption = look.visit.text(N_("Balances that were not used"))
    return frame_table(look, found, "skipped", caption, found.skipped, fields, empty=look.visit.text(N_("None.")))
