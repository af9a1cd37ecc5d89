"""How each failure reaches a client, and for how long an answer may be kept."""

import logging
from typing import Any

import pytest
from mcp import Client
from mcp.server.mcpserver.exceptions import ToolError
from mcp.shared.exceptions import MCPError
from mcp_types import INTERNAL_ERROR, INVALID_PARAMS

from errtrack_mcp.api.transport import HttpTransport
from errtrack_mcp.sandbox.app import create_app
from errtrack_mcp.sandbox.database import Database
from errtrack_mcp.sandbox.seed import FULL_KEY, release_id
from errtrack_mcp.server.app import build_server
from errtrack_mcp.settings import load_settings
from tests.support.fixtures import Connect
from tests.support.results import text_of
from tests.support.upstream import Upstream

pytestmark = pytest.mark.anyio

RETRIEVE = "error-tracking-releases-retrieve"
REASONS_URI = "errtrack://reference/failure-reasons"
RELEASE = f"errtrack://releases/{release_id(2)}"
ABSENT = "019b0000-0000-7000-8000-00000000dead"


async def test_an_error_without_a_code_is_logged_and_masked(
    database: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Only a Refusal is passed on: what else a tool raises may hold anything, even words that look like the SDK's."""

    async def careless(*_arguments: object, **_named: object) -> None:
        raise ToolError("Resolver 'x' received a secret")

    transport = HttpTransport("http://localhost", create_app(database))
    settings = load_settings(None, POSTHOG_HOST="http://localhost", POSTHOG_PERSONAL_API_KEY=FULL_KEY)
    monkeypatch.setattr(type(transport), "send", careless)
    caplog.set_level(logging.ERROR)
    async with Client(build_server(settings, transport)) as client:
        result = await client.call_tool(RETRIEVE, {"id": ABSENT})
    await transport.aclose()
    assert result.is_error
    assert text_of(result) == f"Error executing tool {RETRIEVE}"
    assert "secret" in caplog.text


@pytest.mark.parametrize(
    ("uri", "code", "words"),
    [
        (f"errtrack://releases/{ABSENT}", INVALID_PARAMS, "not_found: "),
        (f"errtrack://symbol-sets/{ABSENT}", INVALID_PARAMS, "not_found: "),
        ("errtrack://releases/storefront", INVALID_PARAMS, "invalid_arguments: id "),
        ("errtrack://releases/../symbol-sets", INVALID_PARAMS, "not_found: There is no resource"),
        ("errtrack://nonsense", INVALID_PARAMS, "not_found: There is no resource"),
    ],
)
async def test_what_cannot_be_read_is_explained(connect: Connect, uri: str, code: int, words: str) -> None:
    """As a tool would word it, and as an error that the client takes for a wrong address."""
    async with connect() as client:
        with pytest.raises(MCPError, match=words) as failure:
            await client.read_resource(uri)
    assert failure.value.error.code == code
    assert "Traceback" not in failure.value.error.message


async def test_a_failing_posthog_is_explained(connect: Connect) -> None:
    """An unknown key says what to do about it, and is not taken for a wrong address."""
    async with connect(POSTHOG_PERSONAL_API_KEY="phx_unknown") as client:
        with pytest.raises(MCPError, match="unauthenticated: ") as failure:
            await client.read_resource(RELEASE)
    assert failure.value.error.code == INTERNAL_ERROR


async def test_what_is_not_offered_as_a_tool_is_not_read_either(connect: Connect, sandbox: Upstream) -> None:
    """An operator who leaves a tool out has left its resource out."""
    async with connect(exclude_tools="error-tracking-releases-retrieve") as client:
        listed = await client.list_resource_templates()
        with pytest.raises(MCPError, match="not_found: "):
            await client.read_resource(RELEASE)
    assert [template.uri_template for template in listed.resource_templates] == ["errtrack://symbol-sets/{id}"]
    assert not sandbox.requests


async def test_what_may_be_kept_is_said(connect: Connect) -> None:
    """A row for a minute and by its reader alone, as a list for five; the reference for a day and by everybody."""
    async with connect(mode="2026-07-28") as client:
        row = await client.read_resource(RELEASE)
        reference = await client.read_resource(REASONS_URI)
        lists: list[Any] = [
            await client.list_tools(),
            await client.list_prompts(),
            await client.list_resources(),
            await client.list_resource_templates(),
        ]
    async with connect() as client:
        discovered = client.session.discover_result
    assert (row.ttl_ms, row.cache_scope) == (60_000, "private")
    assert (reference.ttl_ms, reference.cache_scope) == (86_400_000, "public")
    assert {(listed.ttl_ms, listed.cache_scope) for listed in lists} == {(300_000, "private")}
    assert discovered
    assert (discovered.ttl_ms, discovered.cache_scope) == (300_000, "public")
