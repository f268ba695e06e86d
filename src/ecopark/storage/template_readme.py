"""The first sheet of the workbook: how to fill it in, in both languages side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ecopark.model.record import Record
from ecopark.model.tables import TABLES
from ecopark.storage.template_rows import park_name
from ecopark.storage.workbook_reader import README
from ecopark.translation import N_, translate

if TYPE_CHECKING:
    from xlsxwriter import Workbook

_STEPS = (
    N_("Each sheet is one table. Row 1 holds the names of the columns and must stay; data begin in row 4."),
    N_("Columns with * must be filled in. Drop-down lists show what may be chosen; the sheet #catalogue explains it."),
    N_(
        "A row replaces the whole row with the same id in the park's record, or is new: a cell that you empty becomes "
        "empty there, and a column that you delete becomes empty for every row of the sheet."
    ),
    N_("Nothing is deleted because it is not in the workbook: you may delete sheets and rows that you do not need."),
    N_(
        "Write periods as 2019, 2019Q1, 2019-05 or a date. The end is the first day after the period and may stay "
        "empty for a year, quarter or month."
    ),
    N_(
        "Give amounts in the unit they were stated in (t, 万t, kWh, 万kWh, 万Nm3, GJ …); they are scaled to the "
        "commodity's unit on import, and nothing else is converted."
    ),
    N_(
        "Never write 0 for what is missing: leave the amount empty and give a notation. NO not occurring, NE not "
        "estimated, IE included elsewhere, C confidential."
    ),
    N_("A row with neither amount nor notation says nothing and is left out of the import, with a warning."),
    N_("Write numbers as numbers: no unit, no thousands separators, no text. Do not merge cells."),
    N_("Formulas may be used; the value last computed is read."),
    N_("Rows, columns and sheets whose first cell or name begins with # are not imported: use them for notes."),
    N_("Importing first shows a preview; what was imported can be undone."),
)
_NEXT_YEAR = N_(
    "The flows sheet asks for {year}: the grey columns show what each stream is and its value a year before."
)
_FIRM = N_("This workbook holds only what concerns {firm}.")


def both(message: str, **values: object) -> str:
    """Return a message in both languages, Chinese first."""
    return f"{translate(message, 'zh', **values)} / {translate(message, 'en', **values)}"


def write(workbook: Workbook, record: Record, firm: str | None, next_year: int | None) -> None:
    """Write the sheet into `workbook`, as its first."""
    sheet = workbook.add_worksheet(README)
    title = workbook.add_format({"bold": True, "font_size": 14})
    head = workbook.add_format({"bold": True, "bg_color": "#E8EDF2", "bottom": 1})
    wrap = workbook.add_format({"text_wrap": True, "valign": "top"})
    sheet.set_column(0, 0, 6)
    sheet.set_column(1, 2, 70)
    names = park_name(record)
    languages = ("zh", "en")
    for column, (language, name) in enumerate(zip(languages, names, strict=True), 1):
        heading = translate(N_("Data of an industrial park"), language)
        sheet.write_string(0, column, f"{heading}: {name}" if name else heading, title)
    steps: list[tuple[str, dict[str, object]]] = [(step, {}) for step in _STEPS]
    if next_year is not None:
        steps.insert(0, (_NEXT_YEAR, {"year": next_year}))
    if firm is not None:
        steps.insert(0, (_FIRM, {"firm": firm}))
    line = 2
    for number, (step, values) in enumerate(steps, 1):
        sheet.write_number(line, 0, number, wrap)
        for column, language in enumerate(languages, 1):
            sheet.write_string(line, column, translate(step, language, **values), wrap)
        line += 1
    line += 1
    for column, text in enumerate(("", *(translate(N_("Sheets and columns"), language) for language in languages))):
        sheet.write_string(line, column, text, head)
    for table in TABLES.values():
        line += 1
        sheet.write_url(line, 1, f"internal:'{table.name}'!A1", string=f"{table.name}: {table.zh}")
        sheet.write_string(line, 2, f"{table.name}: {table.en}")
        for attribute in table.attributes:
            line += 1
            star = " *" if attribute.required and attribute.default is None else ""
            for column, (name, meaning) in enumerate(
                ((attribute.zh, attribute.meaning_zh), (attribute.en, attribute.meaning_en)), 1
            ):
                text = f"    {attribute.name}{star}: {name}" + (f" ({meaning})" if meaning else "")
                sheet.write_string(line, column, text, wrap)
    sheet.activate()
