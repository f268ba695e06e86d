"""The seven items of the left rail, the tabs inside its rooms, and addresses of pages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from ecopark.translation import N_


@dataclass(frozen=True, slots=True)
class Item:
    """One item of a menu: its id, its name (message id) and the path below the language."""

    id: str
    name: str
    path: str


RAIL = (
    Item("overview", N_("Overview"), "overview"),
    Item("monitor", N_("Monitor"), "monitor"),
    Item("metabolism", N_("Metabolism"), "metabolism"),
    Item("accounting", N_("Accounting"), "accounting"),
    Item("roadmap", N_("Roadmap"), "roadmap"),
    Item("benchmark", N_("Benchmark & symbiosis"), "benchmark"),
    Item("reports", N_("Reports & data"), "reports"),
)

TABS: Mapping[str, tuple[Item, ...]] = {
    "accounting": (
        Item("inventory", N_("Inventory"), "accounting"),
        Item("compare", N_("Compare"), "accounting/compare"),
        Item("schemes", N_("Schemes"), "accounting/schemes"),
        Item("uncertainty", N_("Uncertainty"), "accounting/uncertainty"),
        Item("reported", N_("Calculated and reported"), "accounting/reported"),
        Item("consolidation", N_("Consolidation"), "accounting/consolidation"),
        Item("energy", N_("Energy"), "accounting/energy"),
        Item("gaps", N_("Missing data"), "accounting/gaps"),
        Item("lines", N_("Lines"), "accounting/lines"),
        Item("factors", N_("Factors"), "factors"),
    ),
    "metabolism": (
        Item("sankey", N_("Sankey diagram"), "metabolism"),
        Item("network", N_("Network and matrix"), "metabolism/network"),
        Item("flows", N_("Edge list"), "metabolism/flows"),
        Item("balances", N_("Balances"), "metabolism/balances"),
        Item("reconciliation", N_("Reconciliation"), "metabolism/reconciliation"),
        Item("trace", N_("Tracing"), "metabolism/trace"),
        Item("value", N_("Value flow"), "metabolism/value"),
        Item("burdens", N_("Burdens"), "metabolism/burdens"),
        Item("changes", N_("Changes and causes"), "metabolism/changes"),
        Item("indicators", N_("Indicators and nexus"), "metabolism/indicators"),
    ),
    "reports": (
        Item("exchange", N_("Import and export"), "reports"),
        Item("history", N_("History"), "reports/history"),
        Item("evidence", N_("Evidence"), "reports/evidence"),
        Item("addresses", N_("Addresses of data"), "reports/addresses"),
    ),
}


def address(language: str, path: str, query: Mapping[str, object] | None = None) -> str:
    """Return the address of the page at `path` in `language`, with the non-empty values of `query`."""
    pairs = [(name, str(value)) for name, value in (query or {}).items() if value not in (None, "")]
    text = f"/{language}/" + quote(path, safe="/:.~-_")
    return f"{text}?{urlencode(pairs)}" if pairs else text
