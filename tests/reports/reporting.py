"""The reports that the tests of this room make of the examples."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Any

from docx import Document

from ecopark.reports import ReportSummary
from ecopark.reports.material import Material
from ecopark.workspace import Workspace

DATE = datetime.date(2025, 3, 1)
CHOICES: dict[str, dict[str, Any]] = {
    "eastman": {
        "year": 2019,
        "schemes": ["us-ghgrp", "zero-carbon-park-2025", "park-ghg"],
        "boundary": "red_rochester",
    },
    "twelve-firms": {"year": 2023, "schemes": ["park-ghg", "zero-carbon-park-2025", "energy"]},
    "rules/v4": {"year": 2025, "schemes": ["zero-carbon-park-2025", "energy"]},
}
"""Example -> the report that the tests make of it."""


@dataclass(frozen=True)
class Written:
    """A report that was written, with what it was written from."""

    workspace: Workspace
    material: Material
    summary: ReportSummary
    language: str

    @property
    def document(self) -> Any:
        return Document(str(self.summary.path))
