"""The panel and its host as a small web server for the browser of one person on this machine.

Who knows the token may open the page once. That page holds a second secret, without which no tool is called. Other
pages cannot read it, and requests for another Host, or from another Origin, are refused. The key stays in this process.
"""

import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from secrets import token_urlsafe
from typing import Any

from mcp import Client
from pydantic_core import from_json, to_json
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from errtrack_mcp.server.catalog.filters import is_read_only
from errtrack_mcp.views.page import panel_page

FILES = Path(__file__).parent
PLACE = re.compile(r"\{(secret|call|origin)\}")
MAX_CALL = 100_000  # bytes
HOST_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'unsafe-inline'; connect-src 'self'; frame-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
# What the specification of MCP Apps has a host enforce for a page that declares nothing.
PANEL_POLICY = (
    "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; media-src 'self' data:; connect-src 'none'; frame-ancestors 'self'; sandbox allow-scripts"
)
ALWAYS = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff"}


@dataclass(slots=True)
class View:
    """One answer to look at: the tool's call, the client that makes it, and the PostHog that links may lead to."""

    client: Client
    tool: str
    arguments: Mapping[str, Any]
    origin: str
    token: str = field(default_factory=token_urlsafe)
    secret: str = field(default_factory=token_urlsafe)
    opened: bool = False

    def app(self, address: str) -> ASGIApp:
        """Return the server; `address` is its own origin, the only one it answers to and takes calls from."""
        routes = [
            Route("/", self._host),
            Route("/host.js", self._script),
            Route("/panel", self._panel),
            Route("/call", self._call, methods=["POST"]),
        ]
        return OwnAddress(Starlette(routes=routes), address)

    async def _host(self, request: Request) -> Response:
        """Return the page once, to who knows the token."""
        given = request.query_params.get("token", "")
        if self.opened or not _same(given, self.token):
            return _refused("This link was used, or is not whole. Run the command again for a new one.")
        self.opened = True
        texts = {
            "secret": self.secret,
            "call": to_json({"name": self.tool, "arguments": self.arguments}).decode(),
            "origin": self.origin,
        }
        # In one go: a text of the call that looks like a place for another text stays as it is.
        page = PLACE.sub(lambda place: escape(texts[place[1]]), (FILES / "host.html").read_text("utf-8"))
        return _sent(page, "text/html", HOST_POLICY)

    async def _script(self, _request: Request) -> Response:
        return _sent((FILES / "host.js").read_text("utf-8"), "text/javascript", HOST_POLICY)

    async def _panel(self, _request: Request) -> Response:
        return _sent(panel_page(self.origin), "text/html", PANEL_POLICY)

    async def _call(self, request: Request) -> Response:
        """Call a tool that only reads, for the page with the secret."""
        if not _same(request.headers.get("x-view-secret", ""), self.secret):
            return _refused("This page may not call tools.")
        body = await _body(request)
        try:
            asked = from_json(body)
            name, arguments = str(asked["name"]), dict(asked.get("arguments") or {})
        except (ValueError, TypeError, KeyError, AttributeError):
            return PlainTextResponse("This is no call of a tool.", 400)
        reading = {tool.name for tool in (await self.client.list_tools()).tools if is_read_only(tool)}
        if name not in reading:
            return _refused("The page may call only tools that read.")
        result = await self.client.call_tool(name, arguments)
        sent = result.model_dump_json(by_alias=True, exclude_none=True)
        return _sent(sent, "application/json", HOST_POLICY)


class OwnAddress:
    """Refuses what is asked of another Host, or by a page of another Origin (pure ASGI)."""

    def __init__(self, app: ASGIApp, address: str) -> None:
        self._app = app
        self._address = address

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check one request. There are no websockets, and a lifespan of nothing."""
        if scope["type"] != "http":
            return
        headers = [(name, value.decode("latin-1")) for name, value in scope["headers"]]
        hosts = [value for name, value in headers if name == b"host"]
        origins = [value for name, value in headers if name == b"origin"]
        if [f"http://{host}" for host in hosts] != [self._address] or set(origins) - {self._address}:
            await _refused("This server answers to its own page alone.")(scope, receive, send)
            return
        await self._app(scope, receive, send)


async def _body(request: Request) -> bytes:
    """Return the body, or as much of it as no call needs."""
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > MAX_CALL:
            return b""
    return body


def _same(given: str, known: str) -> bool:
    return hmac.compare_digest(given.encode(), known.encode())


def _refused(message: str) -> Response:
    return PlainTextResponse(message, 403, ALWAYS)


def _sent(text: str, media_type: str, policy: str) -> Response:
    return Response(text, media_type=media_type, headers={**ALWAYS, "Content-Security-Policy": policy})
