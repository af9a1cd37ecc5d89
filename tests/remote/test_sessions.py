"""Sessions of the older protocol: whoever holds most makes room, and nobody ends another's."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from errtrack_mcp.remote.sessions import MAX_SESSIONS, MAX_SESSIONS_OF_A_KEY, Sessions
from errtrack_mcp.sandbox.seed import FULL_KEY
from tests.support.fixtures import Serve
from tests.support.serving import posting

pytestmark = pytest.mark.attack("sessions of other keys")

FULL = [(f"{key}-{number}", f"key {key}") for number in range(20) for key in range(MAX_SESSIONS // 20)]


def full() -> Sessions:
    """Return sessions of a few keys that hold all there is room for."""
    sessions = Sessions()
    for session_id, key_hash in FULL:
        sessions.open(session_id, key_hash)
    return sessions


def initialize(client: TestClient, key: str) -> str:
    """Connect as a client that can ask its user, and return the id of its session."""
    about = {"name": "test", "version": "0"}
    hello = {"protocolVersion": "2025-11-25", "capabilities": {"elicitation": {}}, "clientInfo": about}
    body = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello}
    return str(client.post("/mcp", json=body, headers=posting(key)).headers.get("mcp-session-id", ""))


def ping(client: TestClient, session_id: str, key: str) -> int:
    """Send a message of a session, and return the status of its answer."""
    body: dict[str, Any] = {"jsonrpc": "2.0", "id": 2, "method": "ping"}
    return client.post("/mcp", json=body, headers=posting(key) | {"Mcp-Session-Id": session_id}).status_code


def test_the_key_that_holds_most_makes_room() -> None:
    """The session that it has used longest ago; a key with fewer keeps all of its own."""
    sessions = full()
    sessions.close("3-0")
    sessions.open("honest", "honest key")
    sessions.use("0-0")
    ended = sessions.make_room()
    assert ended
    assert ended.id == "1-0"
    assert sessions.holder("1-0") == ""
    assert sessions.holder("honest") == "honest key"


def test_there_is_room_while_not_all_is_taken() -> None:
    """Nothing ends then."""
    sessions = full()
    sessions.close("3-0")
    assert sessions.make_room() is None
    assert sessions.holder("1-0") == "key 1"


def test_a_key_that_holds_its_share_gets_no_more() -> None:
    """And takes nobody's."""
    sessions = full()
    assert not sessions.may_open("key 1")
    assert sessions.may_open("new key")


def test_many_made_up_keys_do_not_keep_an_honest_client_out(in_memory: Serve) -> None:
    """Its session opens and works; the one that made room is gone."""
    with in_memory() as client:
        first = initialize(client, "phx_made_up_0")
        assert ping(client, first, "phx_made_up_0") == 200
        for key in range(MAX_SESSIONS // MAX_SESSIONS_OF_A_KEY):
            for _ in range(MAX_SESSIONS_OF_A_KEY):
                initialize(client, f"phx_made_up_{key}")
        own = initialize(client, FULL_KEY)
        assert len(own) == 32
        assert ping(client, own, FULL_KEY) == 200
        gone = client.delete("/mcp", headers=posting("phx_made_up_0") | {"Mcp-Session-Id": first})
        assert gone.status_code == 405


def test_a_foreign_key_cannot_end_a_session(in_memory: Serve) -> None:
    """404, as if there were none, and its owner goes on with it; the owner can end it."""
    with in_memory() as client:
        own = initialize(client, FULL_KEY)
        header = {"Mcp-Session-Id": own}
        assert client.delete("/mcp", headers=posting("phx_foreign") | header).status_code == 404
        assert ping(client, own, "phx_foreign") == 404
        body = {"jsonrpc": "2.0", "method": "notifications/initialized"}
        assert client.post("/mcp", json=body, headers=posting() | header).status_code == 202
        assert client.delete("/mcp", headers=posting() | header).status_code == 200
        assert client.delete("/mcp", headers=posting() | header).status_code == 405
