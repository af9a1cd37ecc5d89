"""Stored stack frames, as the API really answers them."""

from typing import Any

import httpx
import pytest

from errtrack_mcp.sandbox.app_issues import PYTHON_ISSUE
from errtrack_mcp.sandbox.database import Database
from errtrack_mcp.sandbox.frames import Frame
from errtrack_mcp.sandbox.seed import chunk_id, release_id
from errtrack_mcp.sandbox.seeded_issue import SeededIssue
from errtrack_mcp.sandbox.web_issues import CART, FIXED, MERGED
from tests.support.project import find_symbol_sets


def throw_site(issue: SeededIssue) -> Frame:
    """Return the last frame of an issue's first exception."""
    return issue.stacks[0].exceptions[0].frames[-1]


def batch_get(api: httpx.Client, **body: Any) -> list[dict[str, Any]]:
    """Ask for frames by their raw ids, by a symbol set, or by both."""
    response = api.post("stack_frames/batch_get/", json=body)
    assert response.status_code == 200
    results: list[dict[str, Any]] = response.json()["results"]
    return results


def test_a_frame_whose_map_was_never_uploaded(api: httpx.Client) -> None:
    """No symbol set and no release are named; the chunk id is in the failure, and in what the SDK sent."""
    raw_id = throw_site(CART).contents["raw_id"]
    [row] = batch_get(api, raw_ids=[raw_id])
    assert row["raw_id"] == raw_id
    assert (row["resolved"], row["context"], row["symbol_set_ref"], row["release"]) == (False, None, None, None)
    assert row["created_at"] == "2026-09-20T11:48:00Z"
    chunk = chunk_id("missing/cart")
    assert row["contents"]["resolve_failure"] == f"No sourcemap uploaded for chunk id: {chunk}"
    assert row["contents"]["junk_drawer"]["raw_frame"]["chunk_id"] == chunk
    assert "chunk_id" not in row["contents"]
    assert api.get(f"stack_frames/{row['id']}/").json() == row
    names = ["id", "raw_id", "created_at", "contents", "resolved", "context", "symbol_set_ref", "release"]
    assert list(row) == names


def test_a_readable_frame_names_its_symbol_set(api: httpx.Client) -> None:
    """With the release of that set, and the lines around, in their order."""
    [row] = batch_get(api, raw_ids=[throw_site(MERGED).contents["raw_id"]])
    assert (row["resolved"], row["contents"]["resolved_name"]) == (True, "submitPayment")
    assert row["symbol_set_ref"] == chunk_id("storefront-web/2.13.2/checkout")
    assert row["release"] == api.get(f"releases/{release_id(2)}/").json()
    numbers = [line["number"] for line in row["context"]["before"]]
    assert numbers == sorted(numbers)


def test_lines_before_a_python_frame_begin_with_the_nearest(api: httpx.Client) -> None:
    """Only their numbers tell the order."""
    [row] = batch_get(api, raw_ids=[throw_site(PYTHON_ISSUE).contents["raw_id"]])
    assert [line["number"] for line in row["context"]["before"]] == [87, 86]
    assert row["symbol_set_ref"] is None


def test_a_stored_row_can_be_ahead_of_its_events(api: httpx.Client, database: Database) -> None:
    """The events of an issue stay minified where a later upload has made the frame readable."""
    frame = throw_site(FIXED)
    [row] = batch_get(api, raw_ids=[frame.contents["raw_id"]])
    assert (frame.contents["resolved"], row["resolved"]) == (False, True)
    [symbol_set] = find_symbol_sets(api, ref=row["symbol_set_ref"])
    assert symbol_set["created_at"] < row["created_at"]
    properties = "SELECT properties FROM exception_events WHERE fingerprint = ?"
    stored = [row["properties"] for row in database.all(properties, (FIXED.fingerprints()[0],))]
    assert len(stored) == 7
    assert all("No sourcemap uploaded for chunk id" in each for each in stored)


@pytest.mark.parametrize("body", [{}, {"raw_ids": []}, {"raw_ids": None}, {"raw_id": ["x/0"]}])
def test_asking_for_no_frame_answers_all(api: httpx.Client, database: Database, body: dict[str, Any]) -> None:
    """An empty list, null and a misspelt key are no filter."""
    assert len(batch_get(api, **body)) == len(database.all("SELECT id FROM stack_frames")) > 60


def test_raw_ids_and_a_symbol_set_add_up(api: httpx.Client) -> None:
    """A hash alone is part 0; the symbol set is named by its id, not by its ref."""
    frame = throw_site(MERGED)
    raw_id = frame.contents["raw_id"]
    [symbol_set] = find_symbol_sets(api, ref=frame.ref)
    assert [row["raw_id"] for row in batch_get(api, raw_ids=[raw_id.removesuffix("/0")])] == [raw_id]
    assert batch_get(api, raw_ids=[raw_id.replace("/0", "/1"), raw_id.replace("/0", "/x")]) == []
    assert [row["raw_id"] for row in batch_get(api, raw_ids=[raw_id], symbol_set=symbol_set["id"])] == [raw_id]
    assert batch_get(api, raw_ids=[throw_site(CART).contents["raw_id"]], symbol_set=symbol_set["id"]) == []
    for malformed in (frame.contents["source"], 5):
        assert api.post("stack_frames/batch_get/", json={"symbol_set": malformed}).status_code == 500


def test_the_list_is_paged(api: httpx.Client) -> None:
    """As other lists are."""
    body = api.get("stack_frames/", params={"limit": 3}).json()
    assert len(body["results"]) == 3
    assert body["count"] > 60


def test_deleting_a_symbol_set_keeps_what_it_made_readable(api: httpx.Client) -> None:
    """A readable frame stays, without symbol set and release; one that is not is deleted with its set."""
    [readable] = batch_get(api, raw_ids=[throw_site(MERGED).contents["raw_id"]])
    [broken] = find_symbol_sets(api, ref=chunk_id("unbound/main"))
    assert len(batch_get(api, symbol_set=broken["id"])) == 1
    for ref in (readable["symbol_set_ref"], broken["ref"]):
        [symbol_set] = find_symbol_sets(api, ref=ref)
        assert api.delete(f"symbol_sets/{symbol_set['id']}/").status_code == 204
    [left] = batch_get(api, raw_ids=[readable["raw_id"]])
    assert left == readable | {"symbol_set_ref": None, "release": None}
    assert not [row for row in batch_get(api) if "Token not found for frame: fd" in str(row["contents"])]


def test_deleting_a_release_keeps_all_frames(api: httpx.Client) -> None:
    """Only their symbol sets go."""
    before = len(batch_get(api))
    assert api.delete(f"releases/{release_id(2)}/").status_code == 204
    assert len(batch_get(api)) == before
