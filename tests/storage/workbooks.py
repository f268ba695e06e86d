"""Helpers to make workbooks, good and broken."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import openpyxl
from openpyxl.workbook import Workbook

from ecopark.model.problems import Problem
from ecopark.storage.importing import Preview


def write_sheets(path: Path, sheets: Mapping[str, Sequence[Sequence[Any]]]) -> Path:
    """A plain workbook, as somebody types it: rows as given, from A1."""
    workbook = openpyxl.Workbook()
    workbook.remove(workbook.worksheets[0])
    for name, rows in sheets.items():
        sheet = workbook.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
    workbook.save(path)
    return path


def edit(path: Path, change: Callable[[Workbook], object]) -> Path:
    """Open a workbook, change it, and save it."""
    workbook = openpyxl.load_workbook(path)
    change(workbook)
    workbook.save(path)
    return path


def rewrite(path: Path, member: str, change: Callable[[bytes], bytes]) -> Path:
    """Change the bytes of one member of a workbook."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    changed = change(members[member])
    assert changed != members[member]
    members[member] = changed
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def found(problems: Sequence[Problem]) -> set[tuple[str, str]]:
    """Code and place of each problem."""
    return {(problem.code, problem.place) for problem in problems}


def errors(preview: Preview) -> set[tuple[str, str]]:
    """Code and place of each error of a preview."""
    return found(preview.errors)
