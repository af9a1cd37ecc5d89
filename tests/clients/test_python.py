"""The Python SDK's client, in both eras and over every transport, against the installed command."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest
from mcp import Client
from mcp.client.sse import sse_client
from mcp.client.stdio import StdioServerParameters
from mcp.client.streamable_http import streamable_http_client

from errtrack_mcp.sandbox.seed import FULL_KEY
from tests.support.fixtures import Answer
from tests.support.installed import COMMAND, environment

pytestmark = pytest.mark.anyio
HEADERS = {"Authorization": f"Bearer {FULL_KEY}"}


@asynccontextmanager
async def connected(transport: str, mode: Any, origin: str) -> AsyncIterator[Client]:
    """Connect over a transport, with the key where that transport carries it."""
    if transport == "stdio":
        command = StdioServerParameters(command=COMMAND, args=["serve", "--sandbox"], env=environment())
        async with Client(command, mode=mode) as client:
            yield client
    elif transport == "sse":
        async with Client(sse_client(f"{origin}/sse", headers=HEADERS), mode=mode) as client:
            yield client
    else:
        async with (
            httpx2.AsyncClient(headers=HEADERS) as http,
            Client(streamable_http_client(f"{origin}/mcp", http_client=http), mode=mode) as client,
        ):
            yield client


@pytest.mark.parametrize(
    ("transport", "mode", "protocol"),
    [
        ("stdio", "auto", "2026-07-28"),
        ("stdio", "legacy", "2025-11-25"),
        ("http", "auto", "2026-07-28"),
        ("http", "legacy", "2025-11-25"),
        ("sse", "legacy", "2025-11-25"),
    ],
)
async def test_it_pages_through_the_releases(
    transport: str, mode: str, protocol: str, origin: str, answer: Answer
) -> None:
    """The second page begins where the first one ended."""
    async with connected(transport, mode, origin) as client:
        assert client.protocol_version == protocol
        first = await answer(client, "error-tracking-releases-list", limit=2)
        second = await answer(client, "error-tracking-releases-list", limit=2, offset=first["next_offset"])
    seen = [release["id"] for page in (first, second) for release in page["results"]]
    assert len(set(seen)) == 4
