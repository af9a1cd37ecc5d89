"""Captured events become events of issues."""

from typing import Any
from uuid import uuid4

import httpx
import pytest

from errtrack_mcp.sandbox.database import Database
from errtrack_mcp.sandbox.seed import RELEASES, chunk_id, release_id
from tests.support.capturing import FRAME, UPLOADED, exception_event, send, stored

READABLE = FRAME | {"chunk_id": UPLOADED}


def test_an_error_begins_an_issue_and_the_next_one_joins_it(origin: str, database: Database, api: httpx.Client) -> None:
    """It is named after its exception."""
    assert send(origin, exception_event(READABLE), exception_event(READABLE)).status_code == 200
    first, second = stored(database)
    assert first["$exception_issue_id"] == second["$exception_issue_id"]
    issue = api.get(f"issues/{first['$exception_issue_id']}/").json()
    assert (issue["name"], issue["description"], issue["status"]) == ("TypeError", "no discount", "active")
    assert issue["first_seen"] == "2026-09-20T12:00:00Z"
    assert first["$exception_functions"] == ["discountFor"]
    assert (first["$exception_handled"], first["$lib"]) == (False, "web")


def test_the_client_may_choose_the_fingerprint(origin: str, database: Database) -> None:
    """Then the stack decides nothing."""
    send(origin, exception_event(READABLE, **{"$exception_fingerprint": "mine"}))
    send(origin, exception_event(**{"$exception_fingerprint": "mine"}))
    first, second = stored(database)
    assert first["$exception_fingerprint"] == "mine"
    assert first["$exception_fingerprint_record"] == [{"type": "manual"}]
    assert first["$exception_issue_id"] == second["$exception_issue_id"]


def test_an_event_that_is_sent_again_is_stored_once(origin: str, database: Database) -> None:
    """SDKs send again when they do not hear an answer."""
    event = exception_event() | {"uuid": str(uuid4())}
    for _ in range(2):
        send(origin, event)
    assert len(stored(database)) == 1


@pytest.mark.parametrize("status", ["resolved", "archived", "suppressed"])
def test_the_next_error_reopens_an_issue_unless_it_is_suppressed(origin: str, database: Database, status: str) -> None:
    """Of a suppressed one it is dropped."""
    send(origin, exception_event())
    issue_id = stored(database)[0]["$exception_issue_id"]
    database.execute("UPDATE issues SET status = ? WHERE id = ?", (status, issue_id))
    assert send(origin, exception_event()).status_code == 200
    found = database.one("SELECT status FROM issues WHERE id = ?", (issue_id,))
    assert found is not None
    dropped = status == "suppressed"
    assert (found["status"], len(stored(database))) == (("suppressed", 1) if dropped else ("active", 2))


@pytest.mark.parametrize(
    ("chunk", "properties", "index"),
    [
        (chunk_id("checkout-api/1.9.3/main"), {}, 1),
        (chunk_id("checkout-api/1.9.3/main"), {"$release_id": release_id(3)}, 3),
        (chunk_id("checkout-api/1.9.3/main"), {"$release_id": 5}, 1),
        (UPLOADED, {}, None),
    ],
)
def test_the_release_is_the_one_that_is_named_or_that_of_the_symbol_set(
    origin: str, database: Database, chunk: str, properties: dict[str, Any], index: int | None
) -> None:
    """A symbol set that belongs to none gives none."""
    send(origin, exception_event(FRAME | {"chunk_id": chunk}, **properties))
    [event] = stored(database)
    release = event.get("$exception_release", {})
    assert release.get("version") == (None if index is None else RELEASES[index].version)
    assert release.get("id") == (None if index is None else release_id(index))
