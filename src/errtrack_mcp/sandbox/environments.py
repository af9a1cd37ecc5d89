"""The deprecated prefix `/api/environments/`: answered in place as `/api/projects/`."""

from collections.abc import Sequence

from starlette.datastructures import MutableHeaders
from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

OLD = "/api/environments/"
NEW = "/api/projects/"
SUNSET = "Fri, 31 Jul 2026 00:00:00 GMT"


class EnvironmentsAlias:
    """Rewrites the path where a projects route exists, and says so in three headers."""

    def __init__(self, app: ASGIApp, routes: Sequence[BaseRoute]) -> None:
        self._app = app
        self._routes = routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, rewritten where it has to be."""
        if scope["type"] != "http" or not scope["path"].startswith(OLD):
            await self._app(scope, receive, send)
            return
        raw_path = scope["raw_path"].decode("latin-1").removeprefix(OLD)
        path = NEW + scope["path"].removeprefix(OLD)
        rewritten = {**scope, "path": path, "raw_path": (NEW + raw_path).encode("latin-1")}
        if all(route.matches(rewritten)[0] is Match.NONE for route in self._routes):
            await self._app(scope, receive, send)
            return
        query = scope["query_string"].decode("latin-1")
        successor = NEW + raw_path + (f"?{query}" if query else "")

        async def send_deprecated(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["Deprecation"] = "true"
                headers["Link"] = f'<{successor}>; rel="successor-version"'
                headers["Sunset"] = SUNSET
            await send(message)

        await self._app(rewritten, receive, send_deprecated)
