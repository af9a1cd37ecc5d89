"""A deletion over HTTP asks the user of every client that can ask, on either protocol era and transport."""

from typing import Any

import httpx2
import pytest
from mcp import Client
from mcp.client.context import ClientRequestContext
from mcp.client.streamable_http import streamable_http_client
from mcp_types import ElicitRequestParams, ElicitResult

from errtrack_mcp.sandbox.seed import FULL_KEY, release_id
from tests.support.serving import Serving, caller, serving_here
from tests.support.upstream import Upstream

pytestmark = pytest.mark.anyio

DESTROY = "error-tracking-releases-destroy"
HEADERS = {"Authorization": f"Bearer {FULL_KEY}", "Accept": "application/json, text/event-stream"}
CALL = {"jsonrpc": "2.0", "id": 2, "method": "tools/call"}


async def confirmed(client: Client) -> dict[str, Any]:
    """Preview the deletion of a release, confirm it, and return the answer."""
    preview = (await client.call_tool(DESTROY, {"id": release_id(2)})).structured_content or {}
    arguments = {"id": release_id(2), "confirm": preview["confirm"]}
    return (await client.call_tool(DESTROY, arguments)).structured_content or {}


@pytest.mark.parametrize("mode", ["legacy", "2026-07-28"])
async def test_a_client_that_can_ask_is_asked(replica: Serving, mode: str) -> None:
    """A user who always says no keeps the release."""
    questions: list[str] = []

    async def decline(context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
        assert context is not None
        questions.append(params.message)
        return ElicitResult(action="decline")

    async with (
        httpx2.AsyncClient(headers={"Authorization": f"Bearer {FULL_KEY}"}) as http,
        Client(
            streamable_http_client(f"{replica.url}/mcp", http_client=http), mode=mode, elicitation_callback=decline
        ) as client,
    ):
        answer = await confirmed(client)
    assert len(questions) == 1
    assert answer["deleted"] is False


def test_a_client_that_has_not_said_whether_it_can_ask_deletes_nothing(replica: Serving) -> None:
    """Without the session of its handshake nobody knows; the message names the ways that work."""
    with httpx2.Client(base_url=replica.url, headers=HEADERS) as http:
        call: dict[str, Any] = {**CALL, "params": {"name": DESTROY, "arguments": {"id": release_id(2)}}}
        preview = http.post("/mcp", json=call).json()["result"]["structuredContent"]
        call["params"]["arguments"]["confirm"] = preview["confirm"]
        result = http.post("/mcp", json=call).json()["result"]
    assert result["isError"]
    assert "cannot_ask: " in result["content"][0]["text"]
    assert "2026-07-28" in result["content"][0]["text"]


async def test_a_client_without_elicitation_deletes_with_its_confirm(sandbox: Upstream) -> None:
    """The session that its handshake returned says that nobody can be asked; it works on any replica."""
    with serving_here(POSTHOG_HOST=sandbox.url) as replica:
        async with caller(replica.url, mode="legacy") as client:
            assert (await confirmed(client))["deleted"] is True
