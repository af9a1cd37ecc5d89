"""Requests in flight: how many one key and all keys together may have at once (pure ASGI)."""

from collections import Counter

from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from errtrack_mcp.remote.auth import CALLER
from errtrack_mcp.remote.replica import Replica

MAX_IN_FLIGHT = 200
MAX_IN_FLIGHT_PER_KEY = 32


class InFlightLimit:
    """What is in flight in one process, for all paths together.

    A call can outlive its request: one over SSE, and one of a session whose client has lost its connection. So the
    larger of both numbers counts.
    """

    def __init__(self, replica: Replica, *, in_all: int = MAX_IN_FLIGHT, per_key: int = MAX_IN_FLIGHT_PER_KEY) -> None:
        self._replica = replica
        self._in_all = in_all
        self._per_key = per_key
        self._requests: Counter[str] = Counter()

    def refuse(self, key_hash: str) -> Response | None:
        """Return the answer to one request too many."""
        calls = self._replica.calls
        again = {"retry-after": "1"}
        if max(self._requests[key_hash], calls[key_hash]) >= self._per_key:
            message = f"This key has {self._per_key} requests in flight here; wait until one has been answered.\n"
            return PlainTextResponse(message, 429, headers=again)
        if max(self._requests.total(), calls.total()) >= self._in_all:
            message = "This replica has as many requests in flight as it can work on; try again in a second.\n"
            return PlainTextResponse(message, 503, headers=again)
        return None

    def begin(self, key_hash: str) -> None:
        """Count a request."""
        self._requests[key_hash] += 1

    def end(self, key_hash: str) -> None:
        """Count a request no longer."""
        self._requests[key_hash] -= 1
        if not self._requests[key_hash]:
            del self._requests[key_hash]


class InFlightLimitMiddleware:
    """Answers 429 or 503 to a request while too many are in flight; streams (GET) have a limit of their own."""

    def __init__(self, app: ASGIApp, limit: InFlightLimit) -> None:
        self._app = app
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Carry one request."""
        if scope["method"] == "GET":
            await self._app(scope, receive, send)
            return
        key_hash: str = scope[CALLER].key_hash
        response = self._limit.refuse(key_hash)
        if response is not None:
            await response(scope, receive, send)
            return
        self._limit.begin(key_hash)
        try:
            await self._app(scope, receive, send)
        finally:
            self._limit.end(key_hash)
