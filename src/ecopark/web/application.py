"""The web application: routes, static files, twins of tables, error pages."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from fastapi import Depends, FastAPI
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

from ecopark.translation import LANGUAGES, N_
from ecopark.web import errors, rooms
from ecopark.web.pages import (
    accounting,
    analysis,
    details,
    explain,
    factors,
    history,
    metabolism,
    metabolism_changes,
    metabolism_costs,
    metabolism_reconciliation,
    metabolism_tracing,
    overview,
    reports,
)
from ecopark.web.pending import Pending
from ecopark.web.rendering import FOLDER, language_of
from ecopark.web.security import UPLOAD_LIMIT, Guard, Refusal
from ecopark.web.session import Session
from ecopark.web.visit import shell

if TYPE_CHECKING:
    from ecopark.workspace import Workspace

NO_LANGUAGE = N_("There is no language {code!r} here.")
NO_LANGUAGE_REMEDY = N_("Use /zh/ or /en/.")


class Twins:
    """ASGI middleware: an address below a language that ends in .json or .csv is the page's twin in that form."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] == "http":
            path: str = scope["path"]
            head, dot, form = path.rpartition(".")
            if dot and form in ("json", "csv") and path.split("/", 2)[1] in LANGUAGES:
                scope = dict(scope, path=head, raw_path=head.encode())
                scope.setdefault("state", {})["format"] = form
        await self.app(scope, receive, send)


def create_app(
    workspace: Workspace, *, hosts: Collection[str] = (), upload_limit: int = UPLOAD_LIMIT, default_language: str = "zh"
) -> FastAPI:
    """Return the application that shows `workspace`.

    `hosts` are host names it answers for beside the loopback's ("*" for any); `upload_limit` is the largest request in
    bytes; `default_language` is where the bare address leads when the browser names no language that ecopark has.
    """
    pending = Pending()

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        pending.close()

    app = FastAPI(title="ecopark", docs_url=None, redoc_url=None, openapi_url=None, lifespan=lifespan)
    app.state.session = Session(workspace)
    app.state.pending = pending
    app.add_middleware(Twins)
    app.add_middleware(Guard, refuse=errors.refusal_response, hosts=hosts, upload_limit=upload_limit)
    errors.install(app)

    app.mount("/static", StaticFiles(directory=FOLDER / "static"), name="static")

    @app.get("/")
    def start(request: Request) -> Response:
        language = language_of("", request.headers.get("accept-language", ""), default_language)
        query = f"?{request.url.query}" if request.url.query else ""
        return RedirectResponse(f"/{language}/overview{query}", 307)

    @app.get("/{language}", dependencies=[Depends(enter)])
    @app.get("/{language}/", dependencies=[Depends(enter)])
    def home(request: Request, language: str) -> Response:
        query = f"?{request.url.query}" if request.url.query else ""
        return RedirectResponse(f"/{language}/overview{query}", 307)

    for router in (
        overview.router,
        accounting.router,
        analysis.router,
        metabolism.router,
        metabolism_reconciliation.router,
        metabolism_tracing.router,
        metabolism_costs.router,
        metabolism_changes.router,
        explain.router,
        details.router,
        factors.router,
        history.router,
        reports.router,
        rooms.router,
    ):
        app.include_router(router, dependencies=[Depends(enter)])
    return app


def enter(request: Request, language: str) -> None:
    """Check the language of a page and give its frame the park's name; pages with selectors add their query."""
    if language not in LANGUAGES:
        raise Refusal(404, NO_LANGUAGE, NO_LANGUAGE_REMEDY, code=language)
    request.state.shell = shell(request)
