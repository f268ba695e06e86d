"""Error pages: what is wrong and how to mend it, in both languages; never a stack trace."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from ecopark.model.problems import InputError, Problem
from ecopark.translation import N_, translate
from ecopark.web.rendering import Page, language_of, respond
from ecopark.web.security import Refusal
from ecopark.web.session import EmptyRecord

NOT_FOUND = N_("There is no page at this address: {path}.")
NOT_FOUND_REMEDY = N_("Follow the menu, or check the address for a typing error.")
NOT_ALLOWED = N_("This address does not take the request {method}.")
NOT_ALLOWED_REMEDY = N_("Open it from the page that links to it.")
BAD_QUERY = N_("The address holds a value that cannot be used: {names}.")
BAD_QUERY_REMEDY = N_("Correct the value, or leave it out to get the default.")
REQUEST_FAILED = N_("The request could not be answered ({status}).")
REQUEST_FAILED_REMEDY = N_("Go back and try again.")
FAULT = N_("The page could not be made: there is a fault in the program. Nothing was changed.")
FAULT_REMEDY = N_("The details are in the window in which the server runs; please report them.")


def error_response(request: Request, status: int, problems: Sequence[Problem]) -> Response:
    """Return the page (or its JSON twin) that names every problem with its cause and remedy."""
    language = language_of(request.url.path, request.headers.get("accept-language", ""))
    other = "en" if language == "zh" else "zh"

    def told(into: str) -> list[dict[str, str]]:
        rows = []
        for problem in problems:
            cause, remedy = problem.describe(into)
            rows.append({"place": problem.place, "cause": cause, "remedy": remedy})
        return rows

    title = translate(N_("This did not work"), language)
    page = Page(
        "error.html",
        title,
        "",
        data={"problems": told(language), "problems_other": told(other)},
        content={"status": status, "problems": told(language)},
    )
    if getattr(request.state, "format", None) == "csv" or request.query_params.get("format") == "csv":
        lines = [f"{row['place']} {row['cause']} {row['remedy']}".strip() for row in told(language)]
        return Response("\n".join(lines) + "\n", status, media_type="text/plain; charset=utf-8")
    return respond(request, page, status)


def one(status: int, code: str, cause: str, remedy: str, values: Mapping[str, object]) -> tuple[int, list[Problem]]:
    """Return the arguments of `error_response` for a single problem without a place."""
    return status, [Problem(code, "", cause, remedy, dict(values))]


def refusal_response(request: Request, refusal: Refusal) -> Response:
    """Return the error page of a request that was turned away."""
    return error_response(request, *one(refusal.status, "refused", refusal.cause, refusal.remedy, refusal.values))


def install(app: FastAPI) -> None:
    """Let the application answer every kind of failure with an error page."""

    @app.exception_handler(InputError)
    def input_error(request: Request, error: InputError) -> Response:
        return error_response(request, 422, error.problems)

    @app.exception_handler(EmptyRecord)
    def empty(request: Request, error: EmptyRecord) -> Response:
        if getattr(request.state, "format", None) or request.query_params.get("format"):
            return refusal_response(request, error)
        title = translate(N_("Nothing here yet"), language_of(request.url.path))
        return respond(request, Page("empty.html", title, "overview"))

    @app.exception_handler(Refusal)
    def refused(request: Request, error: Refusal) -> Response:
        return refusal_response(request, error)

    @app.exception_handler(RequestValidationError)
    def bad_query(request: Request, error: RequestValidationError) -> Response:
        names = ", ".join(str(item["loc"][-1]) for item in error.errors())
        return error_response(request, *one(422, "query", BAD_QUERY, BAD_QUERY_REMEDY, {"names": names}))

    @app.exception_handler(HTTPException)
    def http_error(request: Request, error: HTTPException) -> Response:
        if isinstance(error.__cause__, Refusal):  # raised while the body was being read
            return refusal_response(request, error.__cause__)
        if error.status_code == 404:
            found = one(404, "not_found", NOT_FOUND, NOT_FOUND_REMEDY, {"path": request.url.path})
        elif error.status_code == 405:
            found = one(405, "not_allowed", NOT_ALLOWED, NOT_ALLOWED_REMEDY, {"method": request.method})
        else:
            values = {"status": error.status_code}
            found = one(error.status_code, "request", REQUEST_FAILED, REQUEST_FAILED_REMEDY, values)
        return error_response(request, *found)

    @app.exception_handler(Exception)
    def fault(request: Request, _error: Exception) -> Response:
        # the server logs the stack trace
        return error_response(request, *one(500, "fault", FAULT, FAULT_REMEDY, {}))
