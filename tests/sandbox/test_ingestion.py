"""An error happens again: what an upload changes, and when."""

import json
from datetime import timedelta
from typing import Any

import httpx
import pytest

from errtrack_mcp.sandbox.database import Database, TimeOrderedIds
from errtrack_mcp.sandbox.ingestion import happen_again
from errtrack_mcp.sandbox.seed import PROJECT_ID, chunk_id
from errtrack_mcp.sandbox.seed_issues import event_id, issue_id
from errtrack_mcp.sandbox.symbol_sets import insert_symbol_set
from errtrack_mcp.sandbox.web_issues import CART
from tests.support.project import NOW, find_symbol_sets

RAW_ID = CART.stacks[0].exceptions[0].frames[-1].contents["raw_id"]
LATER = NOW + timedelta(hours=1)


def upload(database: Database, ref: str, *, finished: bool = True) -> None:
    """Put a symbol set into the project, as an upload does."""
    values = {"id": "00000000-0000-4000-8000-0000000000aa", "ref": ref, "team_id": PROJECT_ID, "last_used": None}
    values |= {"created_at": "2026-09-20T12:00:00.000000Z", "failure_reason": None, "storage_ptr": "symbolsets/x"}
    insert_symbol_set(database, values | {"content_hash": "hash" if finished else None, "release_id": None})


def frame_of(database: Database, event: str | None) -> dict[str, Any]:
    """Return the throw site of an event."""
    row = database.one("SELECT properties FROM exception_events WHERE uuid = ?", (event,))
    assert row is not None
    frame: dict[str, Any] = json.loads(row["properties"])["$exception_list"][0]["stacktrace"]["frames"][-1]
    return frame


def test_an_upload_makes_the_next_occurrence_readable(api: httpx.Client, database: Database) -> None:
    """The row is overwritten, the symbol set has been used, and events from before stay as they are."""
    upload(database, chunk_id("missing/cart"))
    event = happen_again(database, TimeOrderedIds(), issue_id("cart-total"), LATER)
    assert frame_of(database, event)["resolved_name"] == "cartTotal"
    assert "resolve_failure" in frame_of(database, event_id("cart-total", 59))
    [row] = api.post("stack_frames/batch_get/", json={"raw_ids": [RAW_ID]}).json()["results"]
    assert (row["resolved"], row["created_at"]) == (True, "2026-09-20T13:00:00Z")
    assert row["symbol_set_ref"] == chunk_id("missing/cart")
    [symbol_set] = find_symbol_sets(api, ref=chunk_id("missing/cart"))
    assert symbol_set["last_used"] == "2026-09-20T13:00:00Z"
    properties = database.one("SELECT properties FROM exception_events WHERE uuid = ?", (event,))
    assert properties is not None
    assert "cartTotal" in json.loads(properties["properties"])["$exception_functions"]


def test_a_young_row_is_not_resolved_anew(database: Database) -> None:
    """A map that is uploaded now shows five minutes after the row was written."""
    upload(database, chunk_id("missing/cart"))
    written = NOW - timedelta(minutes=12)
    for seconds, readable in ((299, False), (300, True)):
        event = happen_again(database, TimeOrderedIds(), issue_id("cart-total"), written + timedelta(seconds=seconds))
        assert frame_of(database, event)["resolved"] is readable


def test_an_unfinished_upload_helps_nobody(database: Database) -> None:
    """The row names the symbol set all the same."""
    upload(database, chunk_id("missing/cart"), finished=False)
    event = happen_again(database, TimeOrderedIds(), issue_id("cart-total"), LATER)
    assert frame_of(database, event)["resolve_failure"].startswith("No sourcemap uploaded")
    row = database.one("SELECT * FROM stack_frames WHERE raw_id = ?", (RAW_ID.removesuffix("/0"),))
    assert row is not None
    assert row["symbol_set_id"] is not None


def test_a_map_that_does_not_fit_stays_broken(database: Database) -> None:
    """However often the error happens."""
    event = happen_again(database, TimeOrderedIds(), issue_id("still-broken"), LATER)
    assert frame_of(database, event)["resolve_failure"] == "Token not found for frame: fd:1:90412"


def test_without_its_symbol_set_a_frame_is_minified_again(api: httpx.Client, database: Database) -> None:
    """A deletion shows in the next occurrence, as soon as the row is half an hour old."""
    [symbol_set] = find_symbol_sets(api, ref=chunk_id("storefront-web/2.13.2/checkout"))
    api.delete(f"symbol_sets/{symbol_set['id']}/")
    event = happen_again(database, TimeOrderedIds(), issue_id("merged"), LATER)
    frame = frame_of(database, event)
    assert (frame["resolved"], frame["line"], frame["column"]) == (False, 1, 9021)
    assert "resolved_name" not in frame


def test_a_deleted_row_is_written_again(database: Database) -> None:
    """Its original is known all the same."""
    database.execute("DELETE FROM stack_frames")
    upload(database, chunk_id("missing/cart"))
    event = happen_again(database, TimeOrderedIds(), issue_id("cart-total"), LATER)
    assert frame_of(database, event)["resolved"] is True
    assert len(database.all("SELECT id FROM stack_frames")) == 3


@pytest.mark.parametrize("key", ["resolved", "archived", "pending-release"])
def test_another_occurrence_reopens(database: Database, key: str) -> None:
    """Whatever it was resolved as."""
    assert happen_again(database, TimeOrderedIds(), issue_id(key), LATER) is not None
    row = database.one("SELECT status FROM issues WHERE id = ?", (issue_id(key),))
    assert row is not None
    assert row["status"] == "active"


def test_a_suppressed_issue_takes_no_events(database: Database) -> None:
    """They are dropped, and counted nowhere."""
    before = len(database.all("SELECT uuid FROM exception_events"))
    assert happen_again(database, TimeOrderedIds(), issue_id("suppressed"), LATER) is None
    assert len(database.all("SELECT uuid FROM exception_events")) == before
    with pytest.raises(LookupError):
        happen_again(database, TimeOrderedIds(), issue_id("no-fingerprints"), LATER)
