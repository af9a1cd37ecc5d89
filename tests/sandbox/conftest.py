"""A seeded sandbox behind a real socket, new for every test."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import httpx
import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from errtrack_mcp.sandbox.app import create_app
from errtrack_mcp.sandbox.database import Database
from errtrack_mcp.sandbox.seed import FULL_KEY, PROJECT_ID, seed
from tests.support.upstream import serve

NOW = datetime(2026, 9, 20, 12, tzinfo=UTC)

MakeClient = Callable[[str], httpx.Client]


class SwappableApp:
    """The one app that the server runs, exchanged between tests."""

    app: ASGIApp
    origin: str

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request to the app of the moment."""
        await self.app(scope, receive, send)


@pytest.fixture(scope="session")
def stage() -> Iterator[SwappableApp]:
    """Run one server for all tests, on a port of its own."""
    stage = SwappableApp()
    with serve(stage) as upstream:
        stage.origin = upstream.url
        yield stage


@pytest.fixture
def database(stage: SwappableApp) -> Iterator[Database]:
    """Put a freshly seeded sandbox on the stage."""
    database = Database()
    seed(database, NOW)
    stage.app = create_app(database)
    yield database
    database.close()


@pytest.fixture
def make_client(stage: SwappableApp, database: Database) -> Iterator[MakeClient]:
    """Make clients of the error tracking API, each with a key."""
    assert database.one("SELECT 1 FROM projects") is not None
    clients: list[httpx.Client] = []

    def make(key: str) -> httpx.Client:
        base_url = f"{stage.origin}/api/projects/{PROJECT_ID}/error_tracking/"
        client = httpx.Client(base_url=base_url, headers={"Authorization": f"Bearer {key}"})
        clients.append(client)
        return client

    yield make
    for client in clients:
        client.close()


@pytest.fixture
def api(make_client: MakeClient) -> httpx.Client:
    """Give a client with the full key."""
    return make_client(FULL_KEY)


@pytest.fixture
def origin(stage: SwappableApp) -> str:
    """Give the address of the server."""
    return stage.origin
