"""What keeps a page safe: response headers, known hosts, same-origin posts, a limit on uploads.

The server has no login in local mode and listens on the loopback address. A foreign page open in the same browser must
neither read it (host check against DNS rebinding, no foreign framing) nor write to it (same-origin check).
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ecopark.translation import N_

UPLOAD_LIMIT = 64 * 1024 * 1024
"""Largest body of a request, in bytes."""

HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
LOCAL_HOSTS = frozenset({"127.0.0.1", "localhost", "::1"})

FOREIGN_HOST = N_("This server does not answer for the host name {host}.")
FOREIGN_HOST_REMEDY = N_("Open it under the address that `ecopark serve` printed, or start it with --host {host}.")
FOREIGN_ORIGIN = N_("The request came from another site and was not carried out.")
FOREIGN_ORIGIN_REMEDY = N_("Open the page on this server and press the button there.")
TOO_LARGE = N_("The file is larger than {limit} MiB and was not read.")
TOO_LARGE_REMEDY = N_("Split it by firm or by year, or import it with `ecopark import`.")


class Refusal(Exception):
    """A request that is turned away: HTTP status, cause and remedy (message ids) with the values of their fields."""

    def __init__(self, status: int, cause: str, remedy: str, **values: object) -> None:
        super().__init__(cause)
        self.status, self.cause, self.remedy, self.values = status, cause, remedy, values


def host_name(host: str) -> str:
    """Return the name in a Host header, without its port."""
    return (urlsplit(f"//{host}").hostname or "").lower()


def check_host(headers: Headers, allowed: Collection[str]) -> None:
    """Raise Refusal unless the Host header names an allowed host ("*" allows any)."""
    host = host_name(headers.get("host", ""))
    if "*" not in allowed and host not in LOCAL_HOSTS and host not in allowed:
        raise Refusal(400, FOREIGN_HOST, FOREIGN_HOST_REMEDY, host=host or "?")


def check_same_origin(headers: Headers) -> None:
    """Raise Refusal unless the browser says that the request was made by a page of this server.

    Sec-Fetch-Site decides where a browser sends it; else Origin or Referer must name this host and port. A request
    with none of the three does not come from a page in a browser (a script's own call) and cannot be forged by one.
    """
    site = headers.get("sec-fetch-site")
    if site is not None:
        if site in ("same-origin", "none"):
            return
        raise Refusal(403, FOREIGN_ORIGIN, FOREIGN_ORIGIN_REMEDY)
    origin = headers.get("origin") or headers.get("referer")
    if origin is not None and urlsplit(origin).netloc.lower() != headers.get("host", "").lower():
        raise Refusal(403, FOREIGN_ORIGIN, FOREIGN_ORIGIN_REMEDY)


class Guard:
    """ASGI middleware: checks host and origin, limits the body, and sets the security headers on every response.

    `refuse` makes the error page for a request that is turned away before it reaches the application.
    """

    def __init__(
        self,
        app: ASGIApp,
        refuse: Callable[[Request, Refusal], Response],
        hosts: Collection[str] = (),
        upload_limit: int = UPLOAD_LIMIT,
    ) -> None:
        self.app, self.refuse, self.hosts, self.upload_limit = app, refuse, frozenset(hosts), upload_limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        received = 0

        async def limited_receive() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self.upload_limit:
                raise self._too_large()
            return message

        async def guarded_send(message: Message) -> None:
            if message["type"] == "http.response.start":
                present = {name.lower() for name, _ in message["headers"]}
                added = [(name.encode(), value.encode()) for name, value in HEADERS.items()]
                message["headers"] = [*message["headers"], *(pair for pair in added if pair[0] not in present)]
            await send(message)

        try:
            check_host(headers, self.hosts)
            if scope["method"] not in ("GET", "HEAD", "OPTIONS"):
                check_same_origin(headers)
                self._check_length(headers)
        except Refusal as refusal:
            await self.refuse(Request(scope), refusal)(scope, receive, guarded_send)
            return
        await self.app(scope, limited_receive, guarded_send)

    def _check_length(self, headers: Headers) -> None:
        length = headers.get("content-length", "0")
        if not length.isdigit() or int(length) > self.upload_limit:
            raise self._too_large()

    def _too_large(self) -> Refusal:
        return Refusal(413, TOO_LARGE, TOO_LARGE_REMEDY, limit=self.upload_limit // (1024 * 1024))
