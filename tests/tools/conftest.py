"""The sandbox behind a socket that takes its time, and watches how it is asked."""

from collections.abc import Iterator

import pytest

from errtrack_mcp.sandbox.app import create_app
from errtrack_mcp.sandbox.database import Database
from tests.support.slow_sandbox import SlowSandbox
from tests.support.upstream import serve


@pytest.fixture
def slow_sandbox(database: Database) -> Iterator[SlowSandbox]:
    """Serve the project's sandbox so, without its rate limits."""
    slow = SlowSandbox(create_app(database))
    with serve(slow) as upstream:
        slow.url = upstream.url
        yield slow
