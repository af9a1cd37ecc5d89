"""No key in any answer: whatever PostHog repeats in whatever encoding, and whatever the caller sends."""

import json
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import quote

import pytest
from mcp import Client
from mcp.client.context import ClientRequestContext
from mcp.shared.exceptions import MCPError
from mcp_types import CallToolRequestParams, CallToolResult, ElicitRequestParams, ElicitResult

from errtrack_mcp.api.transport import HttpTransport
from errtrack_mcp.sandbox.database import Database
from errtrack_mcp.sandbox.seed import FULL_KEY, release_id
from errtrack_mcp.server.app import build_server, create_server, fixed_project
from errtrack_mcp.server.calls import RequestContext
from errtrack_mcp.server.catalog.catalog import Catalog
from errtrack_mcp.tools.dependencies import StaticKey
from tests.support.fixtures import Connect, MakeSettings
from tests.support.misbehaving import http, misbehave
from tests.support.replies import ID, RELEASE

pytestmark = pytest.mark.attack("keys in answers")

KEY = "phx_Secret_Canary1"
OTHER = "pha_another_persons_token"
DESTROY = "error-tracking-releases-destroy"
RETRIEVE = "error-tracking-releases-retrieve"
ESCAPED = KEY.replace("S", "\\u0053").replace("p", "\\u0070")
RELEASE_WITH = json.dumps({**RELEASE, "version": "VALUE", "metadata": {"VALUE": ["VALUE"]}})

REPEATED = {
    "plain": http(200, RELEASE_WITH.replace("VALUE", f"v {KEY}")),
    "escaped": http(200, RELEASE_WITH.replace("VALUE", ESCAPED)),
    "lower case": http(200, RELEASE_WITH.replace("VALUE", KEY.lower())),
    "percent": http(200, RELEASE_WITH.replace("VALUE", KEY.replace("p", "%70"))),
    "another key": http(200, RELEASE_WITH.replace("VALUE", OTHER)),
    "after a line break": http(200, RELEASE_WITH.replace("VALUE", f"\\n{OTHER}")),
    "escaped error": http(400, json.dumps({"code": "x", "detail": "KEY"}).replace("KEY", ESCAPED)),
    "title": http(502, f"<title>{KEY.replace('S', '&#83;')}</title>", "text/html"),
    "title in hexadecimal": http(404, f"<title>{KEY.replace('S', '&#x53;')}</title>", "text/html"),
    "location": http(302, Location=f"https://{KEY.lower()}.example/"),
    "encoded location": http(302, Location=f"https://{KEY.replace('p', '%70')}.example/"),
}


def holds_a_key(said: str) -> bool:
    """Return whether a key is there, plain or escaped."""
    lowered = without_escapes(said).lower()
    return "secret_can" in lowered or "another_persons" in lowered


def without_escapes(said: str) -> str:
    """Resolve the escapes that these tests use."""
    for escape, character in {"%70": "p", "\\\\u0053": "S", "\\\\u0070": "p", "&#83;": "S"}.items():
        said = said.replace(escape, character)
    return said


@pytest.mark.anyio
@pytest.mark.parametrize("reply", REPEATED.values(), ids=REPEATED)
async def test_a_key_that_posthog_repeats_is_in_neither_half_of_an_answer(connect: Connect, reply: bytes) -> None:
    """Plain or in any encoding, in a body, a title or an address."""
    with misbehave(reply) as upstream:
        async with connect(POSTHOG_HOST=upstream.url, POSTHOG_PERSONAL_API_KEY=KEY) as client:
            result = await client.call_tool(RETRIEVE, {"id": ID})
    assert "phx_***" in repr(result.content)
    assert not holds_a_key(repr(result))
    if not result.is_error:
        (block,) = result.content
        assert block.type == "text"
        assert json.loads(block.text) == result.structured_content


Asked = Callable[[Client, str], Awaitable[Any]]
SENT: dict[str, Asked] = {
    "tool": lambda client, key: client.call_tool(key, {}),
    "argument": lambda client, key: client.call_tool(RETRIEVE, {key: "x"}),
    "id": lambda client, key: client.call_tool(RETRIEVE, {"id": key}),
    "hash_id": lambda client, key: client.call_tool("error-tracking-releases-hash-retrieve", {"hash_id": key}),
    "uri": lambda client, key: client.read_resource(f"errtrack://releases/{key}"),
    "unknown uri": lambda client, key: client.read_resource(f"unknown://{key}"),
    "encoded uri": lambda client, key: client.read_resource(f"unknown://{quote(key).replace('p', '%70')}"),
    "prompt": lambda client, key: client.get_prompt(key, {}),
    "prompt argument": lambda client, key: client.get_prompt("release-check", {key: "x"}),
    "trace": lambda client, key: client.get_prompt("readable-stack-trace", {"trace": f"at {key} (a.js:1:2)"}),
}


@pytest.mark.anyio
@pytest.mark.parametrize("key", [KEY, OTHER, "an.opaque+token/of-a-proxy="], ids=["own", "another", "opaque"])
@pytest.mark.parametrize("ask", SENT.values(), ids=SENT)
async def test_a_key_that_the_caller_sends_does_not_come_back(connect: Connect, ask: Asked, key: str) -> None:
    """Names and values are quoted in words, and a prompt repeats its arguments: never a key."""
    async with connect(POSTHOG_PERSONAL_API_KEY=KEY if key == OTHER else key) as client:
        try:
            said = repr(await ask(client, key))
        except MCPError as error:
            said = repr(error.error)
    assert "opaque+token" not in said
    assert not holds_a_key(said)


@pytest.mark.anyio
@pytest.mark.parametrize("mode", ["legacy", "2026-07-28"])
async def test_a_key_that_posthog_repeats_is_in_no_question(
    settings: MakeSettings, database: Database, mode: str
) -> None:
    """An older client gets the question as a request of the server, in the middle of its call."""
    questions: list[str] = []

    async def decline(context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
        assert context is not None
        questions.append(repr(params))
        return ElicitResult(action="decline")

    with database.transaction():
        database.execute("UPDATE releases SET version = ? WHERE id = ?", (f"1.0 {FULL_KEY} {OTHER}", release_id(2)))
    pool = HttpTransport(settings().host)
    async with Client(build_server(settings(), pool), mode=mode, elicitation_callback=decline) as client:
        preview = (await client.call_tool(DESTROY, {"id": release_id(2)})).structured_content or {}
        await client.call_tool(DESTROY, {"id": release_id(2), "confirm": preview["confirm"]})
    await pool.aclose()
    (question,) = questions
    assert "1.0 phx_*** phx_***" in question


@pytest.mark.anyio
@pytest.mark.parametrize("mode", ["legacy", "2026-07-28"])
@pytest.mark.filterwarnings("ignore::mcp.shared.exceptions.MCPDeprecationWarning")  # log messages still exist
async def test_no_message_in_the_middle_of_a_call_holds_a_key(settings: MakeSettings, mode: str) -> None:
    """Progress, log messages and other notifications: whatever a tool may come to say in them."""
    received: list[str] = []

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        assert (progress, total) == (1, None)
        received.append(str(message))

    async def take(message: Any) -> None:
        received.append(repr(message))

    async def talk(request: RequestContext, _params: CallToolRequestParams) -> CallToolResult:
        session = request.session
        await session.report_progress(1, None, f"Read {KEY}")
        await session.send_progress_notification("own", 1, None, f"Sent {KEY}", str(request.request_id))
        await session.send_log_message("info", {"deep": [KEY]}, KEY, request.request_id)
        return CallToolResult(content=[], is_error=True)

    chosen = settings(POSTHOG_PERSONAL_API_KEY=KEY)
    pool = HttpTransport(chosen.host)
    provider = StaticKey(pool, chosen.personal_api_key, fixed_project(chosen), chosen.timeout)
    server = create_server(Catalog(chosen), provider, on_call_tool=talk)
    async with Client(server, mode=mode, log_level="debug", message_handler=take) as client:
        await client.call_tool(RETRIEVE, {}, progress_callback=hear)
    await pool.aclose()
    assert sum("phx_***" in said for said in received) >= 3
    assert not [said for said in received if holds_a_key(said)]
