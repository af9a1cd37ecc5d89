"""The server as a whole: what it does before anything is configured."""

import json

import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError
from mcp_types import PromptReference

from errtrack_mcp.api.transport import HttpTransport
from errtrack_mcp.server.app import build_server
from errtrack_mcp.settings import load_settings
from tests.support.fixtures import Answer, Connect, Refusal
from tests.support.results import text_of
from tests.support.upstream import Upstream

pytestmark = pytest.mark.anyio


async def test_without_a_key_every_call_says_what_to_do(sandbox: Upstream, refusal: Refusal) -> None:
    """The server starts and lists its tools; a call names the variable and where to make a key, and sends nothing."""
    pool = HttpTransport(sandbox.url)
    async with Client(build_server(load_settings(None, POSTHOG_HOST=sandbox.url), pool)) as client:
        assert len((await client.list_tools()).tools) >= 15
        message = await refusal(client, "error-tracking-releases-list")
        with pytest.raises(MCPError, match="no_key: "):
            await client.complete(
                PromptReference(type="ref/prompt", name="release-check"), {"name": "version", "value": ""}
            )
        with pytest.raises(MCPError, match="no_key: "):
            await client.read_resource("errtrack://releases/019b0000-0000-7000-8000-00000000dead")
    await pool.aclose()
    assert message.startswith("no_key: There is no key, so nothing was sent.")
    assert f"errtrack-mcp login --host {sandbox.url};" in message
    assert f"{sandbox.url}/settings/user-api-keys" in message
    assert not sandbox.requests


async def test_an_empty_argument_counts_as_not_given(connect: Connect, answer: Answer) -> None:
    """Strict clients send every argument that the schema has, and "" for those that the model leaves out."""
    async with connect() as client:
        everything = await answer(client, "error-tracking-releases-list")
        empty = await answer(client, "error-tracking-releases-list", project_id="", offset="", detail="", limit="")
        project = await answer(client, "error-tracking-symbol-sets-diagnose", ref="", release_id="", project="")
    assert empty == everything
    assert project["newest_releases"]


async def test_an_answer_may_come_as_text_alone(connect: Connect) -> None:
    """Some clients give the model both halves; then the operator leaves one out, and the schema that promises it."""
    async with connect(text_only="1") as client:
        listed = (await client.list_tools()).tools
        result = await client.call_tool("error-tracking-releases-list", {"limit": 2})
    assert all(tool.output_schema is None for tool in listed)
    assert result.structured_content is None
    assert len(json.loads(text_of(result))["results"]) == 2
