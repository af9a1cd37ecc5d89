"""The form of each answer: plain JSON, a stream for progress, and a session only where the user can be asked."""

import json
from typing import Any

import pytest

from errtrack_mcp.remote.streamable_http import declared_capabilities
from tests.support.fixtures import Serve
from tests.support.serving import call_body, posting

OLDER_VERSIONS = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"]


def hello(version: str = "2025-11-25", **capabilities: Any) -> dict[str, Any]:
    """Return the message that opens a conversation."""
    about = {"name": "test", "version": "0"}
    params = {"protocolVersion": version, "capabilities": capabilities, "clientInfo": about}
    return {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params}


@pytest.mark.parametrize("version", OLDER_VERSIONS)
def test_every_earlier_version_shakes_hands(in_memory: Serve, version: str) -> None:
    """The session id names no state, so the next message may go to any replica."""
    with in_memory() as client:
        answer = client.post("/mcp", json=hello(version), headers=posting())
    assert answer.json()["result"]["protocolVersion"] == version
    assert answer.headers["mcp-session-id"].startswith("cannot-ask-")


@pytest.mark.parametrize(("meta", "form"), [(None, "application/json"), ({"progressToken": 7}, "text/event-stream")])
def test_only_a_call_that_asks_for_progress_gets_a_stream(in_memory: Serve, meta: Any, form: str) -> None:
    """A short call is not made to pay for a stream."""
    with in_memory() as client:
        answer = client.post("/mcp", json=call_body(meta=meta, limit=1), headers=posting())
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith(form)
    assert "results" in answer.text


def test_a_client_that_reads_no_stream_gets_none(in_memory: Serve) -> None:
    """A client that accepts only JSON gets no progress; the answer still comes."""
    headers = posting() | {"Accept": "application/json"}
    with in_memory() as client:
        answer = client.post("/mcp", json=call_body(meta={"progressToken": 7}, limit=1), headers=headers)
    assert answer.json()["result"]["structuredContent"]["results"]


@pytest.mark.parametrize("method", ["GET", "DELETE"])
@pytest.mark.parametrize("session_id", ["", "cannot-ask-0", "0" * 32])
def test_there_are_no_sessions_to_listen_to_or_to_end(in_memory: Serve, method: str, session_id: str) -> None:
    """405, with the method that works, also for a session of another replica."""
    with in_memory() as client:
        answer = client.request(method, "/mcp", headers=posting() | {"Mcp-Session-Id": session_id})
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


def test_a_client_that_was_led_to_another_replica_can_begin_anew(in_memory: Serve) -> None:
    """The id of its old session, which this one does not hold, is no reason to refuse it."""
    with in_memory() as client:
        answer = client.post("/mcp", json=hello(elicitation={}), headers=posting() | {"Mcp-Session-Id": "0" * 32})
    assert answer.status_code == 200
    assert len(answer.headers["mcp-session-id"]) == 32
    assert answer.headers["mcp-session-id"] != "0" * 32


@pytest.mark.parametrize(
    ("message", "declared"),
    [
        (hello(elicitation={}), True),
        (hello(), False),
        (hello(elicitation=7), None),
        ({"method": "initialize"}, None),
        ({"method": "initialize", "params": None}, None),
        ({"method": "initialize", "params": {"capabilities": None}}, None),
        ({"method": "tools/call", "params": {"name": "initialize", "capabilities": {}}}, None),
        (["initialize"], None),
        ("initialize", None),
    ],
)
def test_what_a_client_can_do_is_read_from_its_first_message_alone(message: object, declared: bool | None) -> None:  # noqa: FBT001
    """What cannot be read declares nothing, and is left to the SDK to refuse."""
    capabilities = declared_capabilities(json.dumps(message).encode())
    assert (capabilities and capabilities.elicitation is not None) == declared
    assert declared_capabilities(json.dumps(message).encode()[:-1]) is None
