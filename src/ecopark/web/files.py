"""Files that pages give: the workbook to fill in and the Word report."""

from __future__ import annotations

from pathlib import Path

from ecopark.translation import N_
from ecopark.web.security import Refusal
from ecopark.web.visit import Visit

NO_REPORT = N_("The report cannot be written: {reason}.")
NO_REPORT_REMEDY = N_("Choose a year with data, or import the data first.")


def workbook_template(visit: Visit, folder: Path, next_year: int | None, firm: str) -> Path:
    """Write the template of the record (`firm`: of one firm; `next_year`: to fill in that year) and return its path."""
    from ecopark.storage.workbook_template import write_template

    with visit.session.reading() as workspace:
        record = workspace.record
    name = "ecopark" + (f"-{firm}" if firm else "") + (f"-{next_year}" if next_year else "") + ".xlsx"
    return write_template(
        folder / name.replace("/", "_"),
        visit.session.workspace.catalogue,
        record,
        firm=firm or None,
        next_year=next_year,
    )


def docx_report(visit: Visit, folder: Path) -> Path:
    """Write the inventory report of the selection, in the reader's language, and return its path."""
    from ecopark.reports.inventory_report import write_report
    from ecopark.reports.material import DEFAULT_SCHEMES, gather

    selection = visit.selection
    with visit.session.reading() as workspace:
        known = workspace.catalogue.schemes
        others = [name for name in DEFAULT_SCHEMES if name in known and name != selection.scheme]
        try:
            material = gather(
                workspace,
                selection.year,
                [selection.scheme, *others],
                boundary=selection.boundary,
                scenario=selection.scenario,
                options=dict(selection.options),
            )
        except ValueError as error:
            raise Refusal(422, NO_REPORT, NO_REPORT_REMEDY, reason=str(error)) from error
    path = folder / f"inventory-{selection.year}-{visit.language}.docx"
    write_report(material, visit.language, path)
    return path
