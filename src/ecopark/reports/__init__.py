"""Documents from results: Word and Excel inventory reports and print figures.

`write_inventory_report` writes the Word report of a workspace or of inventories, `write_inventory_workbook` the same
results as an Excel workbook. Every number that a document prints is registered with its reference and full value, and
comes back in `ReportSummary.figures`. The Word templates in `reports/templates` may be restyled (see `template`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ecopark.reports.inventory_report import ReportSummary, write_inventory_report
    from ecopark.reports.inventory_workbook import write_inventory_workbook
    from ecopark.reports.numbers import RegisteredFigure

__all__ = ["RegisteredFigure", "ReportSummary", "write_inventory_report", "write_inventory_workbook"]

_HOMES = {
    "ReportSummary": "inventory_report",
    "write_inventory_report": "inventory_report",
    "write_inventory_workbook": "inventory_workbook",
    "RegisteredFigure": "numbers",
}


def __getattr__(name: str) -> Any:
    """Load the parts on first use: the program's help must not wait for Word and matplotlib."""
    if name not in _HOMES:
        raise AttributeError(name)
    from importlib import import_module

    return getattr(import_module(f"ecopark.reports.{_HOMES[name]}"), name)
