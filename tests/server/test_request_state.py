"""A state that a client carries from a question to its answer is read once."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from errtrack_mcp.sandbox.database import Database
from errtrack_mcp.sandbox.seed import release_id
from errtrack_mcp.server import request_state as module
from errtrack_mcp.server.request_state import UsedStates
from tests.support.clock import Clock
from tests.support.fixtures import Serve
from tests.support.serving import asked_call

pytestmark = pytest.mark.attack("a question answered twice")

DESTROY = "error-tracking-releases-destroy"


@pytest.mark.anyio
async def test_a_state_is_used_once() -> None:
    """Another one is used too."""
    used = UsedStates(600, Clock())
    assert [await used.is_first_use(digest) for digest in ("a", "b", "a", "b")] == [True, True, False, False]


@pytest.mark.anyio
async def test_the_record_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """When it is full, no state is taken until the time of an earlier one is over."""
    monkeypatch.setattr(module, "MAX_USED", 2)
    clock = Clock()
    used = UsedStates(600, clock)
    assert [await used.is_first_use(digest) for digest in "abc"] == [True, True, False]
    clock.now += 601
    assert await used.is_first_use("d")


def call(client: TestClient, confirm: str = "", **more: Any) -> dict[str, Any]:
    """Call the deletion of a release."""
    arguments = {"id": release_id(2), "confirm": confirm}
    reply: dict[str, Any] = client.post("/mcp", **asked_call(DESTROY, arguments=arguments, **more)).json()
    return reply


def test_a_no_cannot_be_turned_into_a_yes(in_memory: Serve, database: Database) -> None:
    """The user declines; the same state with a yes is refused, and the release stays. A changed one uses nothing up."""
    with in_memory() as client:
        confirm = call(client)["result"]["structuredContent"]["confirm"]
        asked = call(client, confirm)["result"]
        state = {"confirm": confirm, "requestState": asked["requestState"]}
        (question,) = asked["inputRequests"]
        changed = call(client, **(state | {"requestState": f"{asked['requestState'][:-2]}xx"}))
        declined = call(client, **state, inputResponses={question: {"action": "decline"}})
        yes = {"action": "accept", "content": {"agree": True}}
        replayed = call(client, **state, inputResponses={question: yes})
    assert changed["error"]["message"] == "Invalid or expired requestState"
    assert declined["result"]["structuredContent"]["deleted"] is False
    assert replayed["error"]["message"] == "Invalid or expired requestState"
    assert database.one("SELECT 1 FROM releases WHERE id = ?", (release_id(2),))
