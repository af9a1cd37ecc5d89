"""The key is nowhere but in the request; nothing that a model says chooses where that goes."""

import logging
import traceback

import httpx
import pytest
from pydantic import SecretStr

from errtrack_mcp.api.client import Client
from errtrack_mcp.api.errors import ApiError, StatusError, UnusableName
from errtrack_mcp.api.retry import RetryPolicy
from errtrack_mcp.api.transport import HttpTransport
from errtrack_mcp.server.app import build_server
from errtrack_mcp.settings import load_settings
from tests.support.fixtures import Answer, Connect, MakeSettings, Refusal
from tests.support.upstream import Upstream

pytestmark = pytest.mark.attack("keys in logs, tracebacks and addresses")

CANARY = "phx_canary_3f9a"
LIST = "error-tracking-releases-list"
HOSTILE_PARTS = ["a/b", "%2e%2e", "a?b=c", "a#b", "ünï", "a b", "a\\b", "a;b", "@current", "\r\nHost: evil"]


def client(pool: HttpTransport) -> Client:
    """Return a client with the canary for its key."""
    return Client(pool, SecretStr(CANARY), ("projects", "@current"))


@pytest.mark.anyio
async def test_no_log_line_holds_the_key(
    connect: Connect, refusal: Refusal, answer: Answer, caplog: pytest.LogCaptureFixture
) -> None:
    """Not at the most talkative level of any library, on success as on failure."""
    caplog.set_level(logging.DEBUG)
    for name in ("httpx", "httpcore", "mcp", "asyncio"):
        caplog.set_level(logging.DEBUG, name)
    async with connect() as talker:
        await answer(talker, LIST)
    async with connect(POSTHOG_PERSONAL_API_KEY=CANARY) as talker:
        await refusal(talker, LIST)
    async with connect(POSTHOG_PERSONAL_API_KEY=CANARY, POSTHOG_HOST="http://127.0.0.1:9") as talker:
        await refusal(talker, LIST)
    assert any(record.name.startswith("httpcore") for record in caplog.records)
    said = [record.getMessage() + repr(record.args) for record in caplog.records]
    assert not [line for line in said if "canary" in line or "phx_sandbox_full" in line]


def test_no_representation_holds_the_key() -> None:
    """Settings, pools, clients and servers may be printed by anyone."""
    settings = load_settings(None, POSTHOG_PERSONAL_API_KEY=CANARY)
    pool = HttpTransport(settings.host)
    server = build_server(settings, pool)
    for thing in (settings, pool, client(pool), server, vars(server)):
        assert "canary" not in f"{thing!r} {thing!s}"
    assert "canary" not in settings.model_dump_json()


@pytest.mark.anyio
@pytest.mark.parametrize("refused", [False, True])
async def test_no_traceback_holds_the_key(sandbox: Upstream, refused: bool) -> None:  # noqa: FBT001
    """Not even one that shows the local variables of each frame, as crash reporters do."""
    pool = HttpTransport(sandbox.url if refused else "http://127.0.0.1:9")
    api = Client(pool, SecretStr(CANARY), ("projects", "@current"), retry=RetryPolicy(attempts=0))
    try:
        with pytest.raises(ApiError) as raised:
            await api.delete("releases", "x")
    finally:
        await pool.aclose()
    told = "".join(traceback.TracebackException.from_exception(raised.value, capture_locals=True).format())
    assert "_request" in told
    assert "canary" not in told
    assert "canary" not in repr(raised.value)


@pytest.mark.anyio
async def test_an_unforeseen_failure_does_not_tell_the_key(
    connect: Connect, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is logged with its traceback, masked for the client, and the key is in neither."""

    def broken(_self: HttpTransport) -> httpx.AsyncBaseTransport:
        raise RuntimeError("unforeseen")

    monkeypatch.setattr(HttpTransport, "_made", broken)
    async with connect(POSTHOG_PERSONAL_API_KEY=CANARY) as talker:
        result = await talker.call_tool(LIST, {})
    assert result.is_error
    assert "unforeseen" not in repr(result)
    assert "RuntimeError: unforeseen" in caplog.text
    assert "canary" not in caplog.text + repr(result)


@pytest.mark.anyio
@pytest.mark.parametrize("part", HOSTILE_PARTS)
async def test_a_value_is_one_segment_of_the_path_that_leaves(sandbox: Upstream, part: str) -> None:
    """Whatever it holds, it stays between two slashes of the URL that reaches the upstream."""
    pool = HttpTransport(sandbox.url)
    try:
        with pytest.raises(StatusError):
            await client(pool).delete("releases", "hash", part)
    finally:
        await pool.aclose()
    (request,) = sandbox.requests
    method, path = request.split(" ")
    start, end = "/api/projects/@current/error_tracking/releases/hash/", "/"
    assert method == "DELETE"
    assert path.startswith(start)
    assert path.endswith(end)
    segment = path.removeprefix(start).removesuffix(end)
    assert not set(segment) & set("/?#\\\r\n ")
    assert httpx.URL(f"http://x/{segment}").path == f"/{part}"


@pytest.mark.parametrize("part", ["", ".", ".."])
def test_a_segment_that_climbs_is_refused(part: str) -> None:
    """These would change the path even when encoded."""
    with pytest.raises(UnusableName, match="cannot be a part"):
        client(HttpTransport("http://127.0.0.1")).path("releases", part)


@pytest.mark.anyio
async def test_no_argument_chooses_the_host(
    connect: Connect, refusal: Refusal, settings: MakeSettings, sandbox: Upstream
) -> None:
    """Addresses in arguments are refused or sent as data; every request goes to the configured host."""
    evil = "http://127.0.0.1:9/"
    async with connect() as talker:
        for name in ("host", "POSTHOG_HOST", "base_url", "url"):
            await refusal(talker, LIST, **{name: evil})
        await refusal(talker, LIST, project_id=evil)
        await refusal(talker, "error-tracking-releases-hash-retrieve", hash_id=evil)
        await talker.call_tool("error-tracking-symbol-sets-list", {"ref": evil, "search": evil})
    assert len(sandbox.requests) == 1
    assert settings().host == sandbox.url
