"""The routes, under a root path and mounted in another application too."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.testclient import TestClient

from errtrack_mcp.server.catalog.filters import is_read_only
from errtrack_mcp.server.catalog.toolsets import TOOLSETS
from tests.support.fixtures import MakeApp, Serve
from tests.support.serving import call_body, document_address, posting

READS = {tool.name for tools in TOOLSETS.values() for tool in tools if is_read_only(tool)}
RELEASES = {tool.name for tool in TOOLSETS["releases"]}


def under_root_path(app: Starlette) -> TestClient:
    """Serve it as `uvicorn --root-path /tools` does."""
    return TestClient(app, base_url="http://localhost", root_path="/tools")


def mounted(app: Starlette) -> TestClient:
    """Mount it at /tools in another application."""

    @asynccontextmanager
    async def lifespan(_outer: Starlette) -> AsyncIterator[None]:
        async with app.router.lifespan_context(app):
            yield

    return TestClient(Starlette(routes=[Mount("/tools", app)], lifespan=lifespan), base_url="http://localhost")


def names(client: TestClient, path: str) -> set[str]:
    """List the tools on a path."""
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    response = client.post("/tools" + path, json=body, headers=posting())
    return {tool["name"] for tool in response.json()["result"]["tools"]}


@pytest.mark.parametrize("place", [under_root_path, mounted])
def test_a_path_narrows_wherever_the_app_is(make_app: MakeApp, place: type) -> None:
    """What is offered follows from the route, not from the whole path."""
    with place(make_app()) as client:
        everything = names(client, "/mcp")
        assert RELEASES - READS
        assert everything & RELEASES == RELEASES
        assert names(client, "/mcp/readonly") == READS & everything
        assert names(client, "/mcp/x/releases") == RELEASES
        assert names(client, "/mcp/x/releases/readonly") == RELEASES & READS


@pytest.mark.parametrize("place", [under_root_path, mounted])
def test_the_document_about_logging_in_is_found_wherever_the_app_is(make_app: MakeApp, place: type) -> None:
    """The challenge names an address that answers, with the resource that was asked for."""
    with place(make_app()) as client:
        refused = client.post("/tools/mcp/readonly", json=call_body(), headers=posting(None))
        document = client.get(document_address(refused.headers["www-authenticate"])).json()
    assert document["resource"] == "http://localhost/tools/mcp/readonly"


def test_health_and_readiness(in_memory: Serve) -> None:
    """Both say yes, and where the budget is kept."""
    with in_memory() as client:
        assert client.get("/healthz").json()["status"] == "ok"
        assert client.get("/readyz").json() == {"status": "ready", "budget": "process"}


def test_a_draining_replica_is_not_ready(make_app: MakeApp) -> None:
    """Balancers take it out; it is alive still."""
    app = make_app()
    with TestClient(app, base_url="http://localhost") as client:
        app.state.replica.draining = True
        assert client.get("/readyz").status_code == 503
        assert client.get("/healthz").status_code == 200
