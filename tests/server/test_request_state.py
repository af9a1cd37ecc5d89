"""A state that a client carries from a question to its answer is read once."""

from typing import Any

import pytest
from mcp.server.request_state import AESGCMRequestStateCodec, InvalidRequestState
from starlette.testclient import TestClient

from errtrack_mcp.sandbox.database import Database
from errtrack_mcp.sandbox.seed import release_id
from errtrack_mcp.server import request_state as module
from errtrack_mcp.server.request_state import SingleUseCodec
from tests.support.clock import Clock
from tests.support.fixtures import Serve
from tests.support.serving import asked_call

pytestmark = pytest.mark.attack("a question answered twice")

DESTROY = "error-tracking-releases-destroy"


def codec(clock: Clock) -> SingleUseCodec:
    """Return a codec whose time a test moves."""
    return SingleUseCodec(AESGCMRequestStateCodec([b"x" * 32]), 600, clock)


def test_a_state_is_read_once() -> None:
    """Another one, with the same content or not, is read too."""
    states = codec(Clock())
    first, second = states.seal(b"a"), states.seal(b"b")
    assert (states.unseal(first), states.unseal(second)) == (b"a", b"b")
    for state in (first, second):
        with pytest.raises(InvalidRequestState, match="used before"):
            states.unseal(state)


def test_a_state_that_was_changed_uses_nothing_up() -> None:
    """The right one still works."""
    states = codec(Clock())
    state = states.seal(b"a")
    with pytest.raises(InvalidRequestState):
        states.unseal(f"{state[:-2]}xx")
    assert states.unseal(state) == b"a"


def test_the_record_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """When it is full, no state is read until the time of an earlier one is over."""
    monkeypatch.setattr(module, "MAX_USED", 2)
    clock = Clock()
    states = codec(clock)
    for payload in (b"a", b"b"):
        states.unseal(states.seal(payload))
    with pytest.raises(InvalidRequestState, match="too many"):
        states.unseal(states.seal(b"c"))
    clock.now += 601
    assert states.unseal(states.seal(b"d")) == b"d"


def call(client: TestClient, confirm: str = "", **more: Any) -> dict[str, Any]:
    """Call the deletion of a release."""
    arguments = {"id": release_id(2), "confirm": confirm}
    reply: dict[str, Any] = client.post("/mcp", **asked_call(DESTROY, arguments=arguments, **more)).json()
    return reply


def test_a_no_cannot_be_turned_into_a_yes(in_memory: Serve, database: Database) -> None:
    """The user declines; the same state with a yes is refused, and the release stays."""
    with in_memory() as client:
        confirm = call(client)["result"]["structuredContent"]["confirm"]
        asked = call(client, confirm)["result"]
        state = {"confirm": confirm, "requestState": asked["requestState"]}
        (question,) = asked["inputRequests"]
        declined = call(client, **state, inputResponses={question: {"action": "decline"}})
        yes = {"action": "accept", "content": {"agree": True}}
        replayed = call(client, **state, inputResponses={question: yes})
    assert declined["result"]["structuredContent"]["deleted"] is False
    assert replayed["error"]["message"] == "Invalid or expired requestState"
    assert database.one("SELECT 1 FROM releases WHERE id = ?", (release_id(2),))
