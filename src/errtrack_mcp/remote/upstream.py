"""The way from one process to PostHog: a pool for each host, the budget of each key, and what is seen of a request."""

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from time import perf_counter

from opentelemetry import trace
from opentelemetry.trace import SpanKind, StatusCode
from starlette.types import ASGIApp

from errtrack_mcp.api.client import Client
from errtrack_mcp.api.errors import RateLimited
from errtrack_mcp.api.retry import RetryPolicy
from errtrack_mcp.api.transport import Pool
from errtrack_mcp.remote.auth import Caller
from errtrack_mcp.remote.idempotency import IdempotencyStore
from errtrack_mcp.remote.metrics import Metrics
from errtrack_mcp.remote.rate_limit import KeyRateLimiter
from errtrack_mcp.settings import Settings


class Upstream:
    """Lends clients over the pools of this process; it holds no key."""

    def __init__(
        self,
        settings: Settings,
        budget: KeyRateLimiter,
        idempotency: IdempotencyStore,
        metrics: Metrics,
        app: ASGIApp | None = None,
    ) -> None:
        hosts: Iterable[str] = {settings.host, *settings.allowed_hosts}
        self.idempotency = idempotency
        self._pools = {host: Pool(host, app) for host in hosts}
        self._budget = budget
        self._metrics = metrics
        self._timeout = settings.timeout
        self._retry = RetryPolicy(max_rate_limit_wait=settings.max_retry_wait)

    def client(self, caller: Caller, prefix: tuple[str, str]) -> Client:
        """Bind one caller's key to the pool of the host that it leads to."""
        passage = Passage(caller, self._budget, self._metrics)
        headers = {"X-Request-Id": caller.request_id}
        return Client(
            self._pools[caller.host], caller.key, prefix, self._timeout, self._retry, headers=headers, passage=passage
        )

    async def aclose(self) -> None:
        """Close every connection."""
        for pool in self._pools.values():
            await pool.aclose()


@dataclass(frozen=True, slots=True)
class Passage:
    """Everything that one caller's request passes on its way out: budget, span, counts."""

    caller: Caller
    budget: KeyRateLimiter
    metrics: Metrics

    def __call__(self, method: str, resource: str) -> AbstractAsyncContextManager[Callable[[int], None]]:
        """Accompany one request; the answer's status is told to what this yields."""
        return self._accompany(method, resource)

    @asynccontextmanager
    async def _accompany(self, method: str, resource: str) -> AsyncIterator[Callable[[int], None]]:
        wait = await self.budget.acquire(self.caller.key_hash, resource)
        if wait is not None:
            self.metrics.throttled("budget")
            raise RateLimited(429, "budget", "", wait)
        status = "no_answer"
        begun = perf_counter()
        attributes = {"http.request.method": method, "server.address": self.caller.host, "errtrack.resource": resource}
        tracer = trace.get_tracer("errtrack-mcp")
        with tracer.start_as_current_span(f"{method} {resource}", kind=SpanKind.CLIENT, attributes=attributes) as span:

            def answered(code: int) -> None:
                nonlocal status
                status = str(code)
                span.set_attribute("http.response.status_code", code)
                if code >= 400:
                    span.set_status(StatusCode.ERROR)
                if code == 429:
                    self.metrics.throttled("posthog")

            try:
                yield answered
            finally:
                self.metrics.upstream(method, resource, status, perf_counter() - begun)
