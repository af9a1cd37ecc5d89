"""The older transport: what its messages may do, and what is refused without a word in the log."""

import json
import logging
import re
from typing import TYPE_CHECKING, Any

import anyio
import httpx
import pytest

from errtrack_mcp.sandbox.seed import FULL_KEY
from errtrack_mcp.server.catalog.filters import is_read_only
from errtrack_mcp.server.catalog.toolsets import TOOLSETS
from tests.support.fixtures import Serve
from tests.support.results import text_of
from tests.support.serving import LIST, Serving, post, posting, sse_caller

if TYPE_CHECKING:
    from mcp_types import CallToolResult

INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "test", "version": "0"}},
}
INITIALIZED = {"jsonrpc": "2.0", "method": "notifications/initialized"}
TOOLS = {"jsonrpc": "2.0", "id": 2, "method": "tools/list"}


def events(lines: Any) -> Any:
    """Yield the data of each event."""
    for line in lines:
        if line.startswith("data: "):
            yield line.removeprefix("data: ")


def test_a_streams_narrowing_holds_for_each_of_its_messages(replica: Serving) -> None:
    """A client that sends its headers only once is narrowed all the same, and its project stays."""
    narrowed = posting() | {"X-Errtrack-Read-Only": "1", "X-PostHog-Project-Id": "7"}
    with httpx.stream("GET", f"{replica.url}/sse", headers=narrowed, timeout=20) as stream:
        data = events(stream.iter_lines())
        url = replica.url + next(data)
        for message in (INITIALIZE, INITIALIZED, TOOLS):
            assert post(url, json=message, headers=posting()).status_code == 202
        next(data)
        offered = {tool["name"] for tool in json.loads(next(data))["result"]["tools"]}
        other = post(url, json=TOOLS, headers=posting() | {"X-PostHog-Project-Id": "8"})
    assert offered <= {tool.name for tools in TOOLSETS.values() for tool in tools if is_read_only(tool)}
    assert offered
    assert other.status_code == 403
    assert "opened for project 7" in other.json()["message"]


def test_a_message_that_is_none_is_refused_and_not_logged(replica: Serving) -> None:
    """It may hold anything, a key among it."""
    with httpx.stream("GET", f"{replica.url}/sse", headers=posting(), timeout=20) as stream:
        data = events(stream.iter_lines())  # the stream ends with it
        url = replica.url + next(data)
        refused = post(url, content=b'{"secret": "phx_not_to_be_seen"}', headers=posting())
        strange = post(url + "%0A2026%20error%20forged", json=TOOLS, headers=posting())
        foreign = post(url, json=TOOLS, headers=posting("phx_other"))
    assert (refused.status_code, strange.status_code, foreign.status_code) == (400, 404, 404)
    log = "".join(replica.log)
    assert "phx_" not in log
    assert "secret" not in log
    assert "forged" not in log


@pytest.mark.parametrize(
    "query", ["", "session_id=", "session_id=" + "0" * 32, "session_id=1&session_id=2", "&".join(["a=1"] * 50)]
)
def test_a_message_for_no_stream_is_refused(in_memory: Serve, caplog: pytest.LogCaptureFixture, query: str) -> None:
    """Whatever its query holds."""
    caplog.set_level(logging.WARNING)
    with in_memory() as client:
        assert client.post(f"/messages/?{query}", json=TOOLS, headers=posting()).status_code == 404
    assert not caplog.records


@pytest.mark.anyio
async def test_callers_of_several_streams_get_their_own_answers(replica: Serving) -> None:
    """Each stream's answers reach its own client."""
    results: list[CallToolResult] = []

    async def one(limit: int) -> None:
        async with sse_caller(replica.url, FULL_KEY) as client:
            result = await client.call_tool(LIST, {"limit": limit})
            assert len((result.structured_content or {})["results"]) == limit, text_of(result)
            results.append(result)

    async with anyio.create_task_group() as tasks:
        for limit in (1, 2, 3):
            tasks.start_soon(one, limit)
    assert len(results) == 3
    assert not re.search("Traceback", "".join(replica.log))
