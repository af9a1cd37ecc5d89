"""A client that leaves in the middle of a call: nothing more is done for it, and the operator sees how far it came."""

import json
import socket
from typing import Any

import anyio
import httpx
import pytest
from starlette.types import Message, Receive, Scope, Send

from errtrack_mcp.remote.disconnect import answer_while_connected
from errtrack_mcp.sandbox.database import Database
from errtrack_mcp.sandbox.seed import FULL_KEY
from tests.support.asgi import Response, body_of, echo, scope_of
from tests.support.project import add_symbol_sets
from tests.support.serving import Serving, call_body, get, post, posting, serving
from tests.support.slow_sandbox import SlowSandbox
from tests.support.waiting import until

pytestmark = pytest.mark.attack("a client that leaves during a call")

PRUNE = "error-tracking-symbol-sets-prune"
NEW = "2026-07-28"
HEADERS = {
    "older": {"Mcp-Session-Id": "cannot-ask-0"},
    "newer": {"MCP-Protocol-Version": NEW, "Mcp-Method": "tools/call", "Mcp-Name": PRUNE},
}
META: dict[str, dict[str, Any]] = {
    "older": {},
    "newer": {
        "io.modelcontextprotocol/protocolVersion": NEW,
        "io.modelcontextprotocol/clientCapabilities": {},
        "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "0"},
    },
}


def count(database: Database) -> int:
    """Return how many symbol sets there are."""
    return int(database.execute("SELECT count(*) FROM symbol_sets").fetchone()[0])


def send(replica: Serving, body: dict[str, Any], headers: dict[str, str]) -> socket.socket:
    """Post a message over a connection that can be closed at any moment."""
    content = json.dumps(body)
    sent = posting(FULL_KEY, Host="localhost", **headers) | {"Content-Length": str(len(content))}
    connection = socket.create_connection(("127.0.0.1", httpx.URL(replica.url).port or 0), timeout=10)
    head = "\r\n".join(["POST /mcp HTTP/1.1", *(f"{name}: {value}" for name, value in sent.items())])
    connection.sendall(f"{head}\r\n\r\n{content}".encode())
    return connection


@pytest.mark.parametrize("era", ["older", "newer"])
@pytest.mark.parametrize("form", ["plain", "stream"])
def test_a_prune_ends_when_its_client_leaves(
    database: Database, slow_sandbox: SlowSandbox, era: str, form: str
) -> None:
    """Most symbol sets are still there; the metrics say `cancelled`, and the log says how many were deleted."""
    add_symbol_sets(database, 400)
    filters: dict[str, Any] = {"older_than_days": 0, "unbound": True, "limit": 400}
    meta = META[era] | ({"progressToken": 1} if form == "stream" else {})
    with serving(POSTHOG_HOST=slow_sandbox.url) as replica:
        plan = post(
            f"{replica.url}/mcp",
            json=call_body(PRUNE, META[era], **filters),
            headers=posting(FULL_KEY, **HEADERS[era]),
            timeout=30,
        ).json()["result"]["structuredContent"]
        before = count(database)
        with send(replica, call_body(PRUNE, meta, confirm=plan["confirm"], **filters), HEADERS[era]):
            until(lambda: count(database) < before)
        until(lambda: "errtrack_calls_in_flight 0.0" in get(f"{replica.url}/metrics").text)
        metrics = get(f"{replica.url}/metrics").text
        replica.stop()
    assert before - 100 < count(database) < before
    assert f'errtrack_calls_total{{outcome="cancelled",tool="{PRUNE}"}} 1.0' in metrics
    log = "".join(replica.log)
    assert " outcome=cancelled " in log
    assert f"of {plan['planned']} symbol sets were deleted" in log


@pytest.mark.anyio
async def test_an_answer_is_sent_to_a_client_that_stays() -> None:
    """The app reads the body, and its answer goes out."""
    response = Response()
    await answer_while_connected(echo(), b"hello", scope_of(), body_of(), response.send)
    assert response.text == "hello"


@pytest.mark.anyio
async def test_an_app_is_cancelled_when_the_client_leaves() -> None:
    """Nothing is sent."""
    ends: list[str] = []

    async def slow(_scope: Scope, _receive: Receive, _send: Send) -> None:
        try:
            await anyio.sleep_forever()
        finally:
            ends.append("cancelled")

    async def left() -> Message:
        return {"type": "http.disconnect"}

    response = Response()
    with anyio.fail_after(5):
        await answer_while_connected(slow, b"", scope_of(), left, response.send)
    assert ends == ["cancelled"]
    assert not response.messages
