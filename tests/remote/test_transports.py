"""Streamable HTTP for both protocol eras, and SSE next to it, as clients of the SDK use them."""

import socket
import subprocess
import sys
import time
from uuid import uuid4

import httpx
import pytest

from errtrack_mcp.sandbox.database import Database
from errtrack_mcp.sandbox.seed import FULL_KEY, PROJECT_ID
from errtrack_mcp.server.catalog.toolsets import toolsets_for
from tests.support.installed import environment
from tests.support.results import text_of
from tests.support.serving import LIST, Serving, call_body, caller, post, posting, serving, serving_here, sse_caller
from tests.support.upstream import Upstream

TOOLS = sum(map(len, toolsets_for(local=False, source_code_over_http=False).values()))


@pytest.mark.anyio
@pytest.mark.parametrize(("mode", "version"), [("legacy", "2025-11-25"), ("2026-07-28", "2026-07-28")])
async def test_clients_of_both_eras_are_served(replica: Serving, mode: str, version: str) -> None:
    """The SDK's client lists every tool that needs none of this machine's files and calls one."""
    async with caller(replica.url, mode=mode) as client:
        assert client.protocol_version == version
        assert len((await client.list_tools()).tools) == TOOLS
        result = await client.call_tool(LIST, {"limit": 2})
    assert result.structured_content is not None
    assert len(result.structured_content["results"]) == 2


@pytest.mark.anyio
async def test_a_client_of_the_older_transport_is_served(replica: Serving) -> None:
    """SSE gives the same answers."""
    async with sse_caller(replica.url) as client:
        assert len((await client.list_tools()).tools) == TOOLS
        result = await client.call_tool(LIST, {"limit": 2})
    assert result.structured_content is not None
    assert len(result.structured_content["results"]) == 2


def test_the_older_transport_alone() -> None:
    """With --transport sse there is no streamable HTTP."""
    with serving("--transport", "sse", "--sandbox") as replica:
        assert post(f"{replica.url}/mcp", json=call_body(), headers=posting()).status_code == 404
        with httpx.stream("GET", f"{replica.url}/sse", headers=posting()) as stream:
            assert next(stream.iter_lines()) == "event: endpoint"


def test_any_asgi_server_can_serve_it_with_workers(sandbox: Upstream) -> None:
    """`errtrack_mcp.remote:create_app` is a factory, and two workers share one port."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "uvicorn", "--factory", "errtrack_mcp.remote:create_app", "--workers", "2"]
    variables = environment(POSTHOG_HOST=sandbox.url)
    with subprocess.Popen([*command, "--port", str(port)], stderr=subprocess.DEVNULL, env=variables) as process:
        try:
            answers = [_patiently_post(f"http://127.0.0.1:{port}/mcp") for _ in range(8)]
        finally:
            process.terminate()
            process.wait(timeout=30)
    assert [answer.json()["result"]["isError"] for answer in answers] == [False] * 8


def _patiently_post(url: str) -> httpx.Response:
    deadline = time.monotonic() + 20
    while True:
        try:
            return post(url, json=call_body(limit=1), headers=posting(FULL_KEY))
        except httpx.ConnectError:
            assert time.monotonic() < deadline
            time.sleep(0.1)


@pytest.mark.anyio
@pytest.mark.parametrize("mode", ["legacy", "2026-07-28"])
async def test_progress_of_a_long_call_reaches_clients_of_both_eras(
    sandbox: Upstream, database: Database, mode: str
) -> None:
    """Over streamable HTTP, while it is still at work."""
    rows = [(str(uuid4()), PROJECT_ID, f"filler-{number}", "2026-11-20 10:00:00", "x") for number in range(2500)]
    with database.transaction():
        for row in rows:
            database.execute(
                "INSERT INTO symbol_sets (id, team_id, ref, created_at, storage_ptr) VALUES (?,?,?,?,?)", row
            )
    heard: list[str | None] = []

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        assert total is None or progress <= total
        heard.append(message)

    with serving_here(POSTHOG_HOST=sandbox.url) as replica:
        async with caller(replica.url, mode=mode) as client:
            result = await client.call_tool("error-tracking-symbol-sets-diagnose", {}, progress_callback=hear)
    assert not result.is_error, text_of(result)
    assert len(heard) >= 2
    assert all((message or "").startswith("Read ") for message in heard)
