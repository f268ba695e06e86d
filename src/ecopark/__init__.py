"""ecopark: one record of everything that flows through an industrial park, and every answer explained from it.

    import ecopark as ep
    park = ep.open("my-park")
    park.inventory(2019, "zero-carbon-park-2025")
"""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ecopark.workspace import Workspace

__all__ = ["__version__", "open"]

__version__ = version("ecopark")


def open(folder: str | Path, author: str | None = None) -> Workspace:  # noqa: A001 - reads as ep.open("my-park")
    """Open the workspace in `folder`; InputError where it is none."""
    from ecopark.workspace import Workspace

    return Workspace.open(folder, author)
