"""The way from one process to PostHog: connections and rate limit of each key, and what is seen of each request."""

from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from time import perf_counter

import anyio
from opentelemetry import trace
from opentelemetry.trace import SpanKind, StatusCode
from starlette.types import ASGIApp

from errtrack_mcp.api.client import Client
from errtrack_mcp.api.errors import RateLimited
from errtrack_mcp.api.large_answers import LargeAnswers
from errtrack_mcp.api.query_routes import QueryRoutes
from errtrack_mcp.api.retry import RetryPolicy
from errtrack_mcp.api.transport import HttpTransport, Request, Response
from errtrack_mcp.remote.auth import Caller
from errtrack_mcp.remote.idempotency import IdempotencyStore
from errtrack_mcp.remote.metrics import Metrics
from errtrack_mcp.remote.rate_limit import KeyRateLimiter
from errtrack_mcp.settings import Settings

MAX_KEYS_CONNECTED = 200
MAX_CONNECTIONS_OF_A_KEY = 16
MAX_RESPONSE_BYTES = 2_000_000  # parsed JSON takes up to twenty times as much, and all callers share the memory
MAX_HELD_BYTES = 8_000_000  # of large responses that are being read and parsed at once


class Upstream:
    """Makes the client of each caller; it holds no key."""

    def __init__(
        self,
        settings: Settings,
        rate_limiter: KeyRateLimiter,
        idempotency: IdempotencyStore,
        metrics: Metrics,
        app: ASGIApp | None = None,
    ) -> None:
        self.idempotency = idempotency
        self._connections = KeyConnections(app)
        self._rate_limiter = rate_limiter
        self._metrics = metrics
        self._timeout = settings.timeout
        self._large_answers = LargeAnswers(MAX_HELD_BYTES // MAX_RESPONSE_BYTES)
        self._query_routes = QueryRoutes()
        self._retry = RetryPolicy(max_rate_limit_wait=settings.max_retry_wait)

    def client(self, caller: Caller, prefix: tuple[str, ...]) -> Client:
        """Return the client of one caller, with their key."""
        transport = MeteredTransport(self._connections, caller, self._rate_limiter, self._metrics)
        headers = {"X-Request-Id": caller.request_id}
        return Client(
            transport,
            caller.key,
            prefix,
            self._timeout,
            self._retry,
            headers=headers,
            large_answers=self._large_answers,
            query_routes=self._query_routes,
        )

    async def aclose(self) -> None:
        """Close every connection."""
        await self._connections.aclose()


@dataclass(slots=True)
class OwnConnections:
    """The connections of one key, and how many requests use them now."""

    transport: HttpTransport
    in_use: int = 0


class KeyConnections:
    """Connections, apart for each key.

    Bytes that a broken response leaves on a kept connection would answer the next request on it: here that is never
    another caller's. And a caller that waits for slow responses takes no connections from others.
    """

    def __init__(self, app: ASGIApp | None = None) -> None:
        self._app = app
        self._open: OrderedDict[tuple[str, str], OwnConnections] = OrderedDict()  # the one used longest ago first

    @asynccontextmanager
    async def of(self, caller: Caller) -> AsyncIterator[HttpTransport]:
        """Give the connections of a caller's key for the length of one request."""
        name = (caller.host, caller.key_hash)
        own = self._open.get(name)
        if own is None:
            transport = HttpTransport(caller.host, self._app, MAX_RESPONSE_BYTES, MAX_CONNECTIONS_OF_A_KEY)
            own = self._open[name] = OwnConnections(transport)
        self._open.move_to_end(name)
        own.in_use += 1
        try:
            yield own.transport
        finally:
            own.in_use -= 1
            await self._close_surplus()

    async def _close_surplus(self) -> None:
        """Close the connections of the keys that were used longest ago, as far as no request uses them."""
        idle = [name for name, own in self._open.items() if not own.in_use]
        surplus = [self._open.pop(name) for name in idle[: max(0, len(self._open) - MAX_KEYS_CONNECTED)]]
        with anyio.CancelScope(shield=True):  # a request whose client has left closes them as well
            for own in surplus:
                await own.transport.aclose()

    async def aclose(self) -> None:
        """Close every connection."""
        for own in self._open.values():
            await own.transport.aclose()


@dataclass(frozen=True, slots=True)
class MeteredTransport:
    """A transport that counts each request of one caller: against the rate limit, in a span, in the metrics."""

    connections: KeyConnections
    caller: Caller
    rate_limiter: KeyRateLimiter
    metrics: Metrics

    @property
    def origin(self) -> str:
        """Scheme and host."""
        return self.caller.host

    async def send(self, request: Request) -> Response:
        """Send a request. Raises RateLimited where PostHog's limit is used up, and ApiError for no response."""
        wait = await self.rate_limiter.acquire(self.caller.key_hash, request.resource)
        if wait is not None:
            self.metrics.throttled("budget")
            raise RateLimited(429, "budget", "", wait)
        status = "no_answer"
        begun = perf_counter()
        attributes = {
            "http.request.method": request.method,
            "server.address": self.caller.host,
            "errtrack.resource": request.resource,
        }
        name = f"{request.method} {request.resource}"
        tracer = trace.get_tracer("errtrack-mcp")
        try:
            with tracer.start_as_current_span(name, kind=SpanKind.CLIENT, attributes=attributes) as span:
                async with self.connections.of(self.caller) as transport:
                    response = await transport.send(request)
                status = str(response.status)
                span.set_attribute("http.response.status_code", response.status)
                if response.status >= 400:
                    span.set_status(StatusCode.ERROR)
                if response.status == 429:
                    self.metrics.throttled("posthog")
                return response
        finally:
            self.metrics.upstream(request.method, request.resource, status, perf_counter() - begun)
