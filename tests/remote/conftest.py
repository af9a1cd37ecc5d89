"""The server over HTTP: in memory in front of a sandbox, and as one replica for tests that change nothing."""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime

import pytest

from errtrack_mcp.remote.idempotency import IdempotencyStore
from errtrack_mcp.remote.metrics import Metrics
from errtrack_mcp.remote.rate_limit import KeyRateLimiter
from errtrack_mcp.remote.upstream import Upstream
from errtrack_mcp.settings import load_settings
from tests.support.clock import Clock
from tests.support.serving import Serving, serving


@pytest.fixture(scope="module")
def replica() -> Iterator[Serving]:
    """Serve the embedded sandbox over HTTP."""
    with serving("--sandbox") as replica:
        yield replica


@pytest.fixture
async def upstreams() -> AsyncIterator[Upstream]:
    """Make what leads to PostHog."""
    made = Upstream(load_settings(), KeyRateLimiter(), IdempotencyStore(None), Metrics())
    yield made
    await made.aclose()


@pytest.fixture
def clock() -> Clock:
    """Give a clock that begins now."""
    clock = Clock()
    clock.now = datetime.now(UTC).timestamp()
    return clock
