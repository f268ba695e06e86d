"""The pages: FastAPI and Jinja2 on the server, htmx and ECharts in the browser, the language in the path.

A page holds no formula: it asks the workspace, puts the numbers into `Table` and `Chart` and renders them. Every table
has a JSON and a CSV twin at the same address (`….json`, `….csv` or `?format=json|csv`, one of several with `&table=`).
Exports `create_app`, imported only when a server starts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ecopark.web.application import create_app

__all__ = ["create_app"]


def __getattr__(name: str) -> object:
    """Load `create_app` (and with it FastAPI) on first use."""
    if name == "create_app":
        from ecopark.web.application import create_app

        return create_app
    raise AttributeError(name)
