"""ecopark: one record of everything that flows through an industrial park, and every answer explained from it.

Example::

    import ecopark as ep
    park = ep.open("my-park")
    park.inventory(2019, "zero-carbon-park-2025")
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ecopark.workspace import Workspace

    __version__: str

__all__ = ["__version__", "open"]


def __getattr__(name: str) -> str:
    """Look the version up only when it is asked for: reading the metadata would slow every start of the command."""
    if name == "__version__":
        from importlib.metadata import version

        return version("ecopark")
    raise AttributeError(f"module 'ecopark' has no attribute {name!r}")


def open(folder: str | Path, author: str | None = None) -> Workspace:
    """Open the workspace in `folder`; InputError where it is none."""
    from ecopark.workspace import Workspace

    return Workspace.open(folder, author)
