"""Checks that follow from the attribute tables alone: required, choices, references, units, keys, ids, numbers."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

import polars as pl

from ecopark.model.findings import Findings, Hints
from ecopark.model.network import split_references
from ecopark.model.tables import ACTUAL, TABLES, Attribute, Table
from ecopark.translation import N_
from ecopark.units import UnitError, parse

ID_PATTERN = r"^[\p{L}\p{N}._-]+$"
"""Letters of any script, digits, full stop, underscore and hyphen: safe in file names, cells and addresses."""

_SHOWN = 12
"""So many known values are listed in a remedy."""


def check_attributes(findings: Findings, named: Mapping[tuple[str, str], Collection[str]]) -> None:
    """Check every column of every table against its declaration.

    `named` gives, by (table, column), the values that a text column may have because they are names of the catalogue
    (commodities, activities, groups, quantities).
    """
    record = findings.record
    ids = {name: set(record[name]["id"].drop_nulls()) for name, table in TABLES.items() if "id" in table.schema}
    ids["scenarios"].add(ACTUAL)
    for table in TABLES.values():
        if record[table.name].is_empty():
            continue
        for attribute in table.attributes:
            if attribute.required:
                _check_required(findings, table, attribute)
            if attribute.kind == "choice":
                _check_choice(findings, table, attribute)
            elif attribute.kind == "reference":
                _check_reference(findings, table, attribute, ids[attribute.references])
            elif attribute.kind == "references":
                _check_references(findings, table, attribute, ids[attribute.references])
            elif attribute.kind == "unit":
                _check_unit(findings, table, attribute)
            elif attribute.kind == "number":
                _check_number(findings, table, attribute)
            if (table.name, attribute.name) in named:
                _check_named(findings, table, attribute, named[table.name, attribute.name])
        _check_key(findings, table)
        if "id" in table.schema:
            _check_id(findings, table)


def _blank(column: str, kind: type[pl.DataType]) -> pl.Expr:
    empty = pl.col(column).is_null()
    return empty | (pl.col(column).str.strip_chars() == "") if kind == pl.String else empty


def _check_required(findings: Findings, table: Table, attribute: Attribute) -> None:
    for row in findings.rows(table.name, _blank(attribute.name, table.schema[attribute.name])):
        findings.add(
            table.name, row, attribute.name, "required_missing",
            N_("“{column}” is empty."), N_("Fill in “{column}”."), column=attribute.name,
        )  # fmt: skip


def _check_choice(findings: Findings, table: Table, attribute: Attribute) -> None:
    hints = Hints(attribute.choices)
    for row, found in _unknown(findings, table, attribute, attribute.choices):
        near = hints.near(found)
        findings.add(
            table.name, row, attribute.name, "choice_unknown", N_("“{found}” is not a value of “{column}”."),
            N_("Did you mean {near}? Possible are: {known}.") if near else N_("Possible are: {known}."),
            column=attribute.name, found=found, near=near, known=", ".join(attribute.choices),
        )  # fmt: skip


def _check_reference(findings: Findings, table: Table, attribute: Attribute, known: Collection[str]) -> None:
    hints = Hints(known)
    for row, found in _unknown(findings, table, attribute, known):
        _add_unknown(findings, table, row, attribute, found, hints.near(found), attribute.references)


def _check_references(findings: Findings, table: Table, attribute: Attribute, known: Collection[str]) -> None:
    hints = Hints(known)
    for row, cell in enumerate(findings.record[table.name][attribute.name]):
        listed = split_references(cell)
        for found in dict.fromkeys(listed):
            if found not in known:
                _add_unknown(findings, table, row, attribute, found, hints.near(found), attribute.references)
        if cell is not None and cell.strip() and not listed:
            _add_unknown(findings, table, row, attribute, cell, "", attribute.references)


def _add_unknown(
    findings: Findings, table: Table, row: int, attribute: Attribute, found: str, near: str, target: str
) -> None:
    findings.add(
        table.name, row, attribute.name, "reference_unknown", N_("“{found}” is not an id in {target}."),
        N_("Did you mean {near}? Otherwise add it to {target}.") if near else N_("Correct it, or add it to {target}."),
        found=found, near=near, target=target,
    )  # fmt: skip


def _check_named(findings: Findings, table: Table, attribute: Attribute, known: Collection[str]) -> None:
    hints = Hints(known)
    shown = ", ".join(sorted(known)[:_SHOWN]) + (" …" if len(known) > _SHOWN else "")
    for row, found in _unknown(findings, table, attribute, known):
        near = hints.near(found)
        findings.add(
            table.name, row, attribute.name, "name_unknown",
            N_("“{found}” is not a known value of “{column}”."),
            N_("Did you mean {near}? Otherwise see the catalogue: {known}.") if near
            else N_("See the catalogue: {known}."),
            column=attribute.name, found=found, near=near, known=shown,
        )  # fmt: skip


def _unknown(
    findings: Findings, table: Table, attribute: Attribute, known: Collection[str]
) -> Iterator[tuple[int, str]]:
    """Rows (index, value) whose value is given and not among the known ones."""
    column = findings.record[table.name][attribute.name]
    wrong = [value for value in column.unique().drop_nulls() if value not in known and value.strip()]
    if wrong:
        for row in findings.rows(table.name, pl.col(attribute.name).is_in(wrong)):
            yield row, column[row]


def _check_unit(findings: Findings, table: Table, attribute: Attribute) -> None:
    column = findings.record[table.name][attribute.name]
    faults: dict[str, UnitError] = {}
    for text in column.unique().drop_nulls():
        try:
            if text.strip():
                parse(text)
        except UnitError as error:
            faults[text] = error
    if faults:
        for row in findings.rows(table.name, pl.col(attribute.name).is_in(list(faults))):
            findings.add_fault(table.name, row, attribute.name, faults[column[row]])


def _check_number(findings: Findings, table: Table, attribute: Attribute) -> None:
    for row in findings.rows(table.name, ~pl.col(attribute.name).is_finite()):
        findings.add(
            table.name, row, attribute.name, "number_not_finite",
            N_("“{column}” is not a finite number."), N_("Leave it empty where the value is not known."),
            column=attribute.name,
        )  # fmt: skip


def _check_key(findings: Findings, table: Table) -> None:
    frame = findings.record[table.name]
    key = list(table.key)
    complete = pl.col(key[0]).is_not_null()
    if table.name == "certificates" or not frame.filter(complete).select(pl.struct(key).is_duplicated().any()).item():
        return  # a certificate that stands twice is claimed twice: `network_checks` says so
    numbered = frame.with_row_index("row").filter(complete)
    numbered = numbered.with_columns(pl.col("row").first().over(key).alias("first"))
    for row, first in numbered.filter(pl.col("row") != pl.col("first")).select("row", "first").iter_rows():
        values = [str(frame[name][row]) for name in key if frame[name][row] is not None]
        findings.add(
            table.name, row, key[0], "key_duplicate", N_("“{found}” already stands at {first}."),
            N_("Give each row its own key ({key}), or delete one of the two."),
            found=" / ".join(values), first=findings.locate(table.name, first, key[0]), key=", ".join(key),
        )  # fmt: skip


def _check_id(findings: Findings, table: Table) -> None:
    given = ~_blank("id", pl.String)
    for row in findings.rows(table.name, given & ~pl.col("id").str.contains(ID_PATTERN)):
        findings.add(
            table.name, row, "id", "id_characters", N_("The id “{found}” has characters that an id may not have."),
            N_("Use letters (Chinese ones too), digits, full stop, hyphen and underscore, and no blanks."),
            found=findings.record[table.name]["id"][row],
        )  # fmt: skip
