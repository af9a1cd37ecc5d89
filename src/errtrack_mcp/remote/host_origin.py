"""Host and Origin: a request for another host, or from a web page that is not listed, is refused (pure ASGI)."""

import re
from collections.abc import Iterable

from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocketClose

from errtrack_mcp.loopback import is_loopback
from errtrack_mcp.settings import ConfigurationError, Settings

HOST = re.compile(r"(?:\[([0-9a-f:.]{2,45})\]|([^:\[\]@/]{1,255}))(?::[0-9]{1,5})?")


class HostOriginMiddleware:
    """Answers 421 to a Host and 403 to an Origin that is not this machine's own or listed in the settings."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        public = [settings.public_url.partition("://")[2]] if settings.public_url else []
        self._hosts = {name.lower() for name in [*public, *(settings.served_hosts or ())]}
        self._origins = served_origins(settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check one request. A websocket is closed: this server has none."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            refusal = self._refuse_host(scope) or self._refuse_origin(scope)
            await (refusal or self._app)(scope, receive, send)
        else:
            await WebSocketClose()(scope, receive, send)

    def _refuse_host(self, scope: Scope) -> Response | None:
        hosts = _values(scope["headers"], b"host")
        if len(hosts) == 1:
            name = _name(hosts[0])
            if name and (hosts[0].lower() in self._hosts or name in self._hosts or is_loopback(name)):
                return None
        message = "This server does not answer to that Host; --allowed-hosts (ERRTRACK_SERVED_HOSTS) adds names.\n"
        return PlainTextResponse(message, 421)

    def _refuse_origin(self, scope: Scope) -> Response | None:
        origins = _values(scope["headers"], b"origin")
        if not origins or (len(origins) == 1 and origins[0] in self._origins):
            return None
        message = (
            "Pages of that Origin may not call this server; --allowed-origins (ERRTRACK_SERVED_ORIGINS) adds it.\n"
        )
        return PlainTextResponse(message, 403)


def served_origins(settings: Settings) -> frozenset[str]:
    """Return the origins whose pages may call, as browsers write them.

    Raises ConfigurationError for `*`: every page that the operator's browser shows could then call.
    """
    origins = frozenset(origin.lower().rstrip("/") for origin in settings.served_origins or ())
    if "*" in origins:
        raise ConfigurationError(["ERRTRACK_SERVED_ORIGINS (--allowed-origins) must name each origin; * is refused."])
    return origins


def _name(host: str) -> str:
    """Return a Host header without its port, or nothing if it cannot be parsed."""
    match = HOST.fullmatch(host.lower())
    return (match[1] or match[2]) if match else ""


def _values(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> list[str]:
    return [value.decode("latin-1").strip() for key, value in headers if key == name]
