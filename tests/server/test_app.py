"""The server as a whole: what it does before anything is configured."""

import json

import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError
from mcp_types import PromptReference

from errtrack_mcp.api.transport import HttpTransport
from errtrack_mcp.sandbox.seed import FULL_KEY, READ_KEY
from errtrack_mcp.server.app import build_server
from errtrack_mcp.settings import load_settings
from tests.support.fixtures import Answer, Connect, Refusal
from tests.support.results import text_of
from tests.support.serving import caller, serving_here
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


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_the_instructions_hold_what_people_ask_for(connect: Connect, mode: str) -> None:
    """Clients that show a model no tools until it searches for them show these words; they stay few."""
    async with connect(mode=mode) as client:
        words = (client.instructions or "").lower()
    asked = ["error", "exception", "minified", "stack trace", "source map", "symbol set", "release", "dsym", "proguard"]
    assert [word for word in asked if word not in words] == []
    assert len(words) < 650


async def test_the_answer_to_discover_is_the_same_for_every_caller(sandbox: Upstream) -> None:
    """Or it could not be kept for everybody."""
    seen = []
    with serving_here(POSTHOG_HOST=sandbox.url) as replica:
        for path, key in (("/mcp", FULL_KEY), ("/mcp/x/releases/readonly", READ_KEY)):
            async with caller(replica.url, key=key, path=path) as client:
                seen.append((client.instructions, client.server_capabilities))
    assert seen[0] == seen[1]
