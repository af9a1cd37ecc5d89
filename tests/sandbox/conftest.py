"""A seeded sandbox behind a real socket, new for every test."""

from collections.abc import Iterator

import httpx
import pytest

from errtrack_mcp.sandbox.app import create_app
from errtrack_mcp.sandbox.database import Database
from errtrack_mcp.sandbox.seed import FULL_KEY, PROJECT_ID
from tests.support.fixtures import MakeClient
from tests.support.project import NOW
from tests.support.seeded import seeded
from tests.support.serving import NO_AUTHORITIES
from tests.support.upstream import SwappableApp


@pytest.fixture
def database(stage: SwappableApp) -> Iterator[Database]:
    """Serve a freshly seeded project."""
    database = seeded(NOW)
    stage.show(create_app(database, now=lambda: NOW))
    yield database
    database.close()


@pytest.fixture
def make_client(stage: SwappableApp, database: Database) -> Iterator[MakeClient]:
    """Make clients of the error tracking API, each with a key."""
    assert database.one("SELECT 1 FROM projects") is not None
    clients: list[httpx.Client] = []

    def make(key: str) -> httpx.Client:
        base_url = f"{stage.upstream.url}/api/projects/{PROJECT_ID}/error_tracking/"
        client = httpx.Client(base_url=base_url, headers={"Authorization": f"Bearer {key}"}, verify=NO_AUTHORITIES)
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
    return stage.upstream.url
