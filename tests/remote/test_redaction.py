"""No key in anything that is answered over HTTP, nor in the log: wherever in the request it stood."""

import json
from typing import Any

import httpx
import pytest

from errtrack_mcp.remote.redaction import RedactionMiddleware, sent_key
from tests.support.asgi import body_of, call, echo, scope_of
from tests.support.serving import NO_AUTHORITIES, Serving, call_body, posting
from tests.support.waiting import until

pytestmark = pytest.mark.attack("keys in answers")

KEY = "phx_Secret_Canary1"
MODERN = {"MCP-Protocol-Version": "2026-07-28", "Mcp-Method": "tools/call", "Mcp-Name": "x"}
HEADERS = [
    "X-Request-Id",
    "X-Errtrack-Toolsets",
    "X-Errtrack-Read-Only",
    "X-PostHog-Host",
    "X-PostHog-Project-Id",
    "MCP-Protocol-Version",
    "Mcp-Method",
    "Mcp-Name",
    "Mcp-Session-Id",
    "Accept",
    "Content-Type",
    "Content-Encoding",
    "Origin",
    "Host",
    "Idempotency-Key",
    "Last-Event-Id",
    "traceparent",
]
PATHS = [
    f"/{KEY}",
    f"/mcp/{KEY}",
    f"/mcp/x/{KEY}",
    f"/mcp/x/x{KEY}/readonly",
    "/mcp/x/%70hx_Secret_Canary1",
    "/mcp/x/%2570hx_Secret_Canary1",
    f"/.well-known/oauth-protected-resource/{KEY}",
    f"/messages/?session_id={KEY}",
]


def request(method: str, **params: Any) -> dict[str, Any]:
    """Return a message of JSON-RPC."""
    return {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}


META = {
    "io.modelcontextprotocol/protocolVersion": KEY,
    "io.modelcontextprotocol/clientCapabilities": {KEY: 1},
    "io.modelcontextprotocol/clientInfo": {"name": KEY, "version": "0"},
}
BODIES: list[Any] = [
    KEY,
    [KEY],
    {"jsonrpc": KEY},
    request(KEY),
    request("tools/call", name={KEY: 1}),
    request("tools/call", name="x", arguments=[KEY]),
    request("completion/complete", ref=KEY),
    request("initialize", protocolVersion=KEY, capabilities={}, clientInfo={"name": KEY, "version": "1"}),
    request("tools/list", cursor=KEY, _meta=META),
    {"jsonrpc": "2.0", "id": {KEY: 1}, "method": "ping"},
    {"jsonrpc": "2.0", "method": f"notifications/{KEY}"},
]


def said_by(replica: Serving, method: str, path: str, body: object, **headers: str) -> str:
    """Send a request with a key of its own, and return all that is answered, and all that is logged of it."""
    before = len(replica.log)
    with httpx.Client(base_url=replica.url, timeout=30, verify=NO_AUTHORITIES) as client:
        content = None if method == "GET" else json.dumps(body)
        answer = client.request(method, path, content=content, headers=posting(KEY) | headers)
    until(lambda: any(" request " in line for line in replica.log[before:]))
    said = f"{answer.headers} {answer.text} {replica.log[before:]}".lower()
    assert len(said) < 100_000
    return said


def assert_nothing_leaves(said: str) -> None:
    """Look for the part of the key that is nowhere else."""
    assert "secret_canary" not in said, said


@pytest.mark.parametrize("name", HEADERS)
def test_no_header_of_a_request_tells_a_key(replica: Serving, name: str) -> None:
    """A header that is echoed, quoted in a refusal, or written to the log."""
    assert_nothing_leaves(said_by(replica, "POST", "/mcp", call_body(), **{name: KEY}))


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
@pytest.mark.parametrize("path", PATHS)
def test_no_path_tells_a_key(replica: Serving, path: str, method: str) -> None:
    """Plain or encoded, once or twice."""
    assert_nothing_leaves(said_by(replica, method, path, call_body()))


@pytest.mark.parametrize("headers", [{}, MODERN, MODERN | {"MCP-Protocol-Version": KEY}], ids=["old", "new", "unknown"])
@pytest.mark.parametrize("body", BODIES, ids=str)
def test_no_body_that_is_refused_tells_a_key(replica: Serving, body: object, headers: dict[str, str]) -> None:
    """The SDK answers what is no message, before any handler of ours sees it."""
    assert_nothing_leaves(said_by(replica, "POST", "/mcp", body, **headers))


@pytest.mark.anyio
@pytest.mark.parametrize(("status", "kept"), [(200, True), (404, False)])
async def test_a_refusal_is_complete_and_has_its_length(status: int, kept: bool) -> None:  # noqa: FBT001
    """Every other answer passes as it is."""
    text = f"x {KEY} \u00fc"
    response = await call(RedactionMiddleware(echo(status)), scope_of(), body_of(text.encode()))
    assert (response.text == text) is kept
    assert response.complete
    if not kept:
        assert response.text == "x phx_*** \u00fc"
        assert int(response.headers["content-length"]) == len(response.text.encode())


def test_the_key_of_a_request_is_read_from_its_header() -> None:
    """Nothing where there is none."""
    assert sent_key(scope_of(headers={"Authorization": f"Bearer  {KEY} "})) == KEY
    assert sent_key(scope_of()) == ""
