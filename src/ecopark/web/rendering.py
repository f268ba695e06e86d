"""From a `Page` to a response: HTML in the reader's language, or the JSON or CSV twin of its tables."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from ecopark import palette
from ecopark.translation import LANGUAGES, N_, translate
from ecopark.web.charts import Chart
from ecopark.web.navigation import RAIL, TABS, address
from ecopark.web.numbers import write_number, write_percent
from ecopark.web.security import Refusal
from ecopark.web.tables import Table

FOLDER = Path(__file__).parent
LOCALES = {"zh": "zh-Hans", "en": "en"}
VENDOR = FOLDER / "static" / "vendor"
NO_TABLE = N_("This page has no table called {table!r}.")
NO_TABLE_REMEDY = N_("Its tables are: {tables}.")


def libraries_present() -> bool:
    """Tell whether the browser libraries are in place (`python scripts/browser_libraries.py` brings them)."""
    return all((VENDOR / name).is_file() for name in ("echarts.min.js", "htmx.min.js"))


@dataclass(frozen=True, slots=True)
class Page:
    """What a handler answers: a template with its data, and the tables and charts on it.

    `room` and `tab` say where it stands in the menus. `fragment` names the part that htmx may fetch alone. `content`
    replaces the JSON twin where a page is not made of tables (an explanation).
    """

    template: str
    title: str
    room: str
    tab: str = ""
    tables: Sequence[Table] = ()
    charts: Sequence[Chart] = ()
    data: Mapping[str, Any] = field(default_factory=dict)
    content: Mapping[str, Any] | None = None
    fragment: str | None = None

    @property
    def every_table(self) -> dict[str, Table]:
        """All tables by id, those behind the charts included."""
        return {table.id: table for table in (*self.tables, *(chart.table for chart in self.charts))}


def _embed(value: object) -> Markup:
    """JSON for a data block of the page: nothing in it can end the block or start a tag."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    for character, escape in (("<", "\\u003c"), (">", "\\u003e"), ("&", "\\u0026"), ("\u2028", "\\u2028")):
        text = text.replace(character, escape)
    return Markup(text)  # nothing in it can end the block


@pass_context
def _translated(context: Context, message: str, /, **values: object) -> str:
    return translate(message, str(context["language"]), **values)


@cache
def environment() -> Environment:
    """Return the template environment: autoescape on, an unknown name is an error."""
    env = Environment(
        loader=FileSystemLoader(FOLDER / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    env.globals.update(_=_translated, rail=RAIL, tabs=TABS, libraries_present=libraries_present)
    env.filters.update(number=write_number, percent=write_percent, embed=_embed, colour=palette.colour)
    return env


def language_of(path: str, accepted: str = "", default: str = "en") -> str:
    """Return the language in `path`, else the first one of the Accept-Language header that ecopark has."""
    first = path.strip("/").split("/", 1)[0]
    if first in LANGUAGES:
        return first
    for entry in accepted.lower().split(","):
        code = entry.strip()[:2]
        if code in LANGUAGES:
            return code
    return default


def with_query(request: Request, path: str | None = None, **changes: object) -> str:
    """Return this request's path (or `path`) with its query changed; None removes a name."""
    pairs = [(name, value) for name, value in parse_qsl(request.url.query) if name not in changes]
    pairs += [(name, str(value)) for name, value in changes.items() if value is not None]
    target = request.url.path if path is None else path
    return f"{target}?{urlencode(pairs)}" if pairs else target


def twin(request: Request, form: str, table: str | None = None) -> str:
    """Return the address of this page's JSON or CSV twin."""
    return with_query(request, f"{request.url.path}.{form}", format=None, table=table, screen=None)


def respond(request: Request, page: Page, status: int = 200) -> Response:
    """Return the page in the form that was asked for."""
    form = getattr(request.state, "format", None) or request.query_params.get("format", "html")
    if form == "json":
        return _json(request, page, status)
    if form == "csv":
        return _csv(request, page, status)
    return HTMLResponse(render(request, page), status)


def render(request: Request, page: Page) -> str:
    """Return the page's HTML; only its fragment where htmx asked for that."""
    language = language_of(request.url.path, request.headers.get("accept-language", ""))
    partial = page.fragment is not None and request.headers.get("hx-request") == "true"
    template = environment().get_template(str(page.fragment) if partial else page.template)
    other = "en" if language == "zh" else "zh"
    rest = request.url.path.strip("/").split("/", 1)
    switch = with_query(request, f"/{other}/" + (rest[1] if len(rest) > 1 else ""))
    charts = {chart.id: chart for chart in page.charts}
    context = {
        "language": language,
        "locale": LOCALES[language],
        "page": page,
        "request": request,
        "switch": switch,
        "other_language": other,
        "other_locale": LOCALES[other],
        "charts": charts,
        "every_table": page.every_table,
        "screen": request.query_params.get("screen") == "1",
        "address": lambda path, **query: address(language, path, query),
        "twin": lambda form, table=None: twin(request, form, table),
        "with_query": lambda **changes: with_query(request, **changes),
        **getattr(request.state, "shell", {"park": None, "query": {}, "synthetic": False}),
        **page.data,
    }
    return template.render(context)


def _chosen(request: Request, page: Page) -> str | None:
    name = request.query_params.get("table")
    if name is not None and name not in page.every_table:
        raise Refusal(404, NO_TABLE, NO_TABLE_REMEDY, table=name, tables=", ".join(page.every_table) or "–")
    return name


def _json(request: Request, page: Page, status: int) -> Response:
    # an error page answers for any table
    name = _chosen(request, page) if status < 400 else None
    if name is not None:
        return JSONResponse(page.every_table[name].to_json(), status)
    content: dict[str, object] = {"title": page.title, "address": str(request.url.path)}
    content |= dict(page.content or {})
    content["tables"] = [table.to_json() for table in page.every_table.values()]
    return JSONResponse(content, status)


def _csv(request: Request, page: Page, status: int) -> Response:
    name = _chosen(request, page)
    if not page.every_table:
        raise Refusal(404, NO_TABLE, NO_TABLE_REMEDY, table="", tables="–")
    table = page.every_table[name] if name else next(iter(page.every_table.values()))
    disposition = {"content-disposition": f'attachment; filename="{table.id}.csv"'}
    # the byte order mark makes spreadsheets read the Chinese text as UTF-8
    return Response("\ufeff" + table.to_csv(), status, disposition, "text/csv; charset=utf-8")
