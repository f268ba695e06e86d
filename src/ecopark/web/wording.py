"""The words for the record's own codes: methods, notations, quantities, uses."""

from __future__ import annotations

from ecopark.translation import N_
from ecopark.web.visit import Visit

METHODS = {
    "reconciled": N_("reconciled"),
    "metered": N_("metered"),
    "invoiced": N_("invoiced"),
    "calculated": N_("calculated"),
    "estimated": N_("estimated"),
    "planned": N_("planned"),
}
NOTATIONS = {
    "NO": N_("NO: not occurring"),
    "NE": N_("NE: not estimated"),
    "IE": N_("IE: included elsewhere"),
    "C": N_("C: confidential"),
}


def method(visit: Visit, code: str | None) -> str:
    """Return how a flow is known, in words."""
    return visit.text(METHODS[code]) if code in METHODS else code or ""


def notation(visit: Visit, code: str | None) -> str:
    """Return what a notation says, in words."""
    return visit.text(NOTATIONS[code]) if code in NOTATIONS else code or ""


def scenario(visit: Visit, code: str) -> str:
    """Return a scenario's name; the record itself is "actual"."""
    with visit.session.reading() as workspace:
        for identity, zh, en in workspace.record.scenarios.select("id", "name_zh", "name_en").iter_rows():
            if identity == code and (zh or en):
                return visit.choose(zh, en)
    return visit.text(N_("Actual")) if code == "actual" else code


def activities(visit: Visit) -> dict[str, str]:
    """Return the name of every use of a stream."""
    rows = visit.session.workspace.catalogue.activities.select("id", "name_zh", "name_en").iter_rows()
    return {identity: visit.choose(zh, en) or identity for identity, zh, en in rows}


def quantities(visit: Visit) -> dict[str, str]:
    """Return the name of every quantity of factors and properties."""
    rows = visit.session.workspace.catalogue.quantities.select("id", "name_zh", "name_en").iter_rows()
    return {identity: visit.choose(zh, en) or identity for identity, zh, en in rows}
