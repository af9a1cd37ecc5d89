"""A sandbox whose answers to changes get lost, and sandboxes of another age."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest
from mcp import Client

from errtrack_mcp.sandbox.app import create_app
from errtrack_mcp.sandbox.database import Database
from tests.support.fixtures import Connect, ConnectTo
from tests.support.lossy import LossySandbox
from tests.support.upstream import Upstream, serve


@pytest.fixture
def lossy(database: Database) -> Iterator[LossySandbox]:
    """Serve the seeded project over a connection that a test can break; the settings need its url as POSTHOG_HOST."""
    sandbox = LossySandbox(create_app(database))
    with serve(sandbox) as upstream:
        sandbox.upstream = upstream
        yield sandbox


@pytest.fixture
def connect_to(connect: Connect, database: Database) -> ConnectTo:
    """Connect an MCP client to our server in front of a sandbox of a given age, in the same project."""

    @asynccontextmanager
    async def connected(era: str, timezone: str = "UTC", **variables: str) -> AsyncIterator[tuple[Client, Upstream]]:
        with serve(create_app(database, era=era, timezone=timezone)) as upstream:
            async with connect(POSTHOG_HOST=upstream.url, **variables) as client:
                yield client, upstream

    return connected
