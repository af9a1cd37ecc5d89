"""The sandbox behind a real socket, and MCP clients of our server in front of it."""

import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime

import pytest
from mcp import Client

from errtrack_mcp.api.client import Pool
from errtrack_mcp.sandbox.app import create_app
from errtrack_mcp.sandbox.database import Database
from errtrack_mcp.sandbox.seed import FULL_KEY, seed
from errtrack_mcp.server import build_server
from errtrack_mcp.settings import Settings, load_settings
from tests.upstream import Upstream, serve

Connect = Callable[..., AbstractAsyncContextManager[Client]]


@pytest.fixture
def anyio_backend() -> str:
    """Run async tests on asyncio, as the server does."""
    return "asyncio"


@pytest.fixture(autouse=True)
def empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the settings of whoever runs the tests out of them."""
    for name in os.environ:
        if name.startswith(("POSTHOG_", "ERRTRACK_")):
            monkeypatch.delenv(name)


@pytest.fixture
def database() -> Iterator[Database]:
    """Seed a project in memory."""
    database = Database()
    seed(database, datetime.now(UTC))
    yield database
    database.close()


@pytest.fixture
def sandbox(database: Database) -> Iterator[Upstream]:
    """Serve that project by the sandbox, behind a real socket."""
    with serve(create_app(database)) as upstream:
        yield upstream


@pytest.fixture
def settings(sandbox: Upstream) -> Callable[..., Settings]:
    """Make settings that lead to the sandbox; variables may be given by name."""

    def make(**variables: str) -> Settings:
        return load_settings(None, **{"POSTHOG_HOST": sandbox.url, "POSTHOG_PERSONAL_API_KEY": FULL_KEY, **variables})

    return make


@pytest.fixture
def connect(settings: Callable[..., Settings]) -> Connect:
    """Connect an MCP client in memory to our server in front of the sandbox."""

    @asynccontextmanager
    async def connected(mode: str = "auto", **variables: str) -> AsyncIterator[Client]:
        chosen = settings(**variables)
        pool = Pool(chosen.host)
        try:
            async with Client(build_server(chosen, pool), mode=mode) as client:
                yield client
        finally:
            await pool.aclose()

    return connected
