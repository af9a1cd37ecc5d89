"""What no request passes by: Host, Origin and the size of the body, checked before anything is read (pure ASGI)."""

import re
from collections.abc import Iterable

from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from errtrack_mcp.loopback import is_loopback
from errtrack_mcp.settings import Settings

MAX_BODY_BYTES = 1_000_000
ALLOWED_HEADERS = (
    "authorization, content-type, accept, last-event-id, mcp-protocol-version, mcp-session-id, mcp-method, mcp-name, "
    "x-posthog-project-id, x-posthog-host, x-errtrack-read-only, x-errtrack-toolsets, x-request-id"
)


class HostOriginMiddleware:
    """Turns away requests for other hosts, from unlisted web pages, and with bodies that are too large.

    It also answers the questions that browsers ask first (CORS), for listed origins only.
    """

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        public = [settings.public_url.partition("://")[2]] if settings.public_url else []
        self._hosts = {name.lower() for name in [*public, *(settings.served_hosts or ())]}
        self._origins = {origin.lower().rstrip("/") for origin in settings.served_origins or ()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers: list[tuple[bytes, bytes]] = scope["headers"]
        origins = _values(headers, b"origin")
        refusal = self._refuse_host(_values(headers, b"host")) or self._refuse_origin(origins)
        if refusal is None and scope["method"] == "OPTIONS" and origins:
            refusal = Response(status_code=204, headers=_preflight())
        refusal = refusal or _refuse_body(_values(headers, b"content-length"))
        origin = origins[0] if origins and origins[0].lower() in self._origins else None
        await (refusal or self._app)(scope, receive, _with_cors(send, origin) if origin else send)

    def _refuse_host(self, hosts: list[str]) -> Response | None:
        if len(hosts) == 1:
            name = _name(hosts[0])
            if hosts[0].lower() in self._hosts or name in self._hosts or is_loopback(name):
                return None
        words = "This server does not answer to that Host; --allowed-hosts (ERRTRACK_SERVED_HOSTS) adds names.\n"
        return PlainTextResponse(words, 421)

    def _refuse_origin(self, origins: list[str]) -> Response | None:
        if not origins or (len(origins) == 1 and origins[0].lower() in self._origins):
            return None
        words = "Pages of that Origin may not call this server; --allowed-origins (ERRTRACK_SERVED_ORIGINS) adds it.\n"
        return PlainTextResponse(words, 403)


def _name(host: str) -> str:
    """Return a Host header without its port, or nothing where it is none."""
    match = re.fullmatch(r"(?:\[([0-9a-f:.]+)\]|([^:\[\]]+))(?::\d*)?", host.lower())
    return (match[1] or match[2]) if match else ""


def _refuse_body(lengths: Iterable[str]) -> Response | None:
    """Refuse by its announced length a body that would be too large."""
    if any(length.isdigit() and int(length) > MAX_BODY_BYTES for length in lengths):
        return too_large()
    return None


def too_large() -> Response:
    """Answer to a body that is too large; what is left of it stays unread."""
    words = f"A request may have {MAX_BODY_BYTES:,} bytes at most.\n"
    return PlainTextResponse(words, 413, headers={"connection": "close"})


async def read_body(receive: Receive) -> bytes | None:
    """Read a body up to the limit; None where there is more of it, or where the caller has left."""
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > MAX_BODY_BYTES:
            return None
        chunks.append(chunk)
        if not message.get("more_body", False):
            return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def _values(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> list[str]:
    return [value.decode("latin-1").strip() for key, value in headers if key == name]


def _preflight() -> dict[str, str]:
    return {
        "access-control-allow-methods": "GET, POST, DELETE, OPTIONS",
        "access-control-allow-headers": ALLOWED_HEADERS,
        "access-control-max-age": "600",
    }


def _with_cors(send: Send, origin: str) -> Send:
    """Add to an answer what lets pages of this origin read it."""
    added = [
        (b"access-control-allow-origin", origin.encode("latin-1")),
        (b"access-control-expose-headers", b"www-authenticate, x-request-id, retry-after"),
        (b"vary", b"origin"),
    ]

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", ()), *added]
        await send(message)

    return sending
