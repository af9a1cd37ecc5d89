"""The seeded issues: every kind of failure, and each state that an issue can be in."""

import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest

from errtrack_mcp.sandbox.database import Database
from errtrack_mcp.sandbox.hostile_issue import HOSTILE
from errtrack_mcp.sandbox.seed import PROJECT_ID, seed
from errtrack_mcp.sandbox.seed_issues import ISSUES, event_id, issue_id, seed_issues
from errtrack_mcp.sandbox.seeded_issue import fingerprint_of
from tests.support.project import NOW

FAILURES = (
    "No sourcemap uploaded for chunk id: ",
    "No symbol set for chunk id: ",
    "No proguard map uploaded for id: ",
    "No dSYM uploaded for debug_id: ",
    "No debug symbols uploaded for debug_id: ",
    "Could not find sourcemap for source url: ",
    "HTTP error 404 while fetching: ",
    "HTTP error 403 while fetching: ",
    "HTTP error 503 while fetching: ",
    "Request timed out while fetching: ",
    "Network error ",
    "Redirect error ",
    "Could not parse source-map header from url ",
    "Could not parse source-map url ",
    "Invalid source url: ",
    "Invalid data url found at ",
    "Invalid source map: ",
    "JSDataError: ",
    "Invalid Source and Map",
    "Failed to parse dSYM: ",
    "Failed to parse debug symbols: ",
    "Invalid map: ",
    "Data error: ",
    "Invalid mapping",
    "Invalid class format",
    "Token not found for frame: ",
    "No token for column ",
    "Symbol not found at address: 0x",
    "No class matched",
    "No original frames could be derived",
    "This frame had no source url or chunk id",
    "No source url found",
    "No chunk id sent with frame",
    "No map ID sent with frame",
    "No debug_id found for frame",
    "No matching debug image found for frame",
    "No module provided",
)
OURS = {"$exception_handled", "$exception_fingerprint_record", "$exception_issue_id", "$pathname", "$host"}


def events_of(database: Database, key: str) -> list[dict[str, Any]]:
    """Return the properties of an issue's events, oldest first."""
    sql = (
        "SELECT properties FROM exception_events e JOIN issue_fingerprints f USING (fingerprint, team_id)"
        " WHERE f.issue_id = ? ORDER BY timestamp"
    )
    return [json.loads(row["properties"]) for row in database.all(sql, (issue_id(key),))]


def frames_of(properties: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the frames of an event."""
    stacks = [each.get("stacktrace", {"frames": []})["frames"] for each in properties["$exception_list"]]
    return [frame for frames in stacks for frame in frames]


@pytest.mark.parametrize("failure", FAILURES)
def test_every_failure_is_on_a_frame(database: Database, failure: str) -> None:
    """Of an event, and of the row that is stored for the frame."""
    found = [frame for issue in ISSUES for frame in frames_of(events_of(database, issue.key)[0])]
    texts = [frame["resolve_failure"] for frame in found if "resolve_failure" in frame]
    assert any(text.startswith(failure) for text in texts)
    rows = [json.loads(row["contents"]) for row in database.all("SELECT contents FROM stack_frames")]
    assert any(row.get("resolve_failure", "").startswith(failure) for row in rows)


def test_every_frame_has_a_row(database: Database) -> None:
    """By its raw id; the row points to the symbol set of its chunk, where the project has one."""
    rows = {f"{row['raw_id']}/{row['part']}": row for row in database.all("SELECT * FROM stack_frames")}
    refs = {row["ref"]: row["id"] for row in database.all("SELECT * FROM symbol_sets WHERE team_id = ?", (PROJECT_ID,))}
    chunks = 0
    for issue in ISSUES:
        for properties in events_of(database, issue.key):
            for frame in frames_of(properties):
                chunk = frame.get("junk_drawer", {}).get("raw_frame", {}).get("chunk_id")
                if chunk is not None:
                    chunks += 1
                    assert rows[frame["raw_id"]]["symbol_set_id"] == refs.get(chunk)
                assert frame["raw_id"] in rows
    assert chunks > 100


def test_addresses_in_failures_are_refs_or_those_of_maps(database: Database) -> None:
    """Once the map's address is in the text and the script's is the ref: a look-up by the text finds nothing there."""
    refs = {row["ref"] for row in database.all("SELECT ref FROM symbol_sets")}
    named = {
        match[0]
        for row in database.all("SELECT contents FROM stack_frames")
        if (
            match := re.search(
                r"(?:https://(?:shop|cdn|widgets)|app:)\S+", json.loads(row["contents"]).get("resolve_failure", "")
            )
        )
    }
    assert len(named) > 10
    assert {each for each in named if each not in refs} == {
        "https://shop.northwind.example/static/js/account.c07d55.js.map"
    }
    assert "https://shop.northwind.example/static/js/account.c07d55.js" in refs


def test_a_merged_issue_is_gone_and_its_events_remember_it(database: Database) -> None:
    """What an event says of its issue is frozen."""
    captured = {properties["$exception_issue_id"] for properties in events_of(database, "merged")}
    assert captured == {issue_id("merged"), issue_id("merged-away")}
    assert database.one("SELECT 1 FROM issues WHERE id = ?", (issue_id("merged-away"),)) is None


def test_an_upload_that_did_not_finish_is_older_than_the_frames(database: Database) -> None:
    """So what is missing is not the upload, but its end."""
    rows = database.all(
        "SELECT f.created_at AS seen, s.created_at AS started, content_hash, storage_ptr FROM stack_frames f"
        " JOIN symbol_sets s ON s.id = symbol_set_id WHERE contents LIKE '%pending-%'"
    )
    assert len(rows) == 3
    assert all(row["started"] < row["seen"] and row["storage_ptr"] and row["content_hash"] is None for row in rows)


@pytest.mark.parametrize(
    ("ref_of", "resolved", "newer"),
    [("unbound-search", 1, True), ("unbound-main", 0, True), ("never-admin", 0, False)],
    ids=["fixed by a later upload", "still broken", "no occurrence since"],
)
def test_rows_before_and_after_an_upload(database: Database, ref_of: str, resolved: int, *, newer: bool) -> None:
    """Fixed: resolved now. Still broken: newer than the upload, and not. No occurrence since: older than the upload."""
    rows = database.all(
        "SELECT f.resolved, f.created_at > s.created_at AS newer FROM stack_frames f"
        " JOIN symbol_sets s ON s.id = symbol_set_id WHERE contents LIKE ?",
        (f"%{ref_of}.js%",),
    )
    assert {(row["resolved"], bool(row["newer"])) for row in rows} == {(resolved, newer)}


def test_what_else_is_there(database: Database) -> None:
    """Long stacks, errors without one, quiet issues, test accounts, releases over time, code variables."""
    assert len(frames_of(events_of(database, "sixty-four-frames")[0])) == 64
    assert frames_of(events_of(database, "script-error")[0]) == []
    [page] = frames_of(events_of(database, "no-position")[0])
    assert (page["mangled_name"], page["line"], page["column"]) == ("?", 0, 0)
    newest = database.one(
        "SELECT max(timestamp) FROM exception_events WHERE fingerprint = ?", (fingerprint_of("no-event-in-7-days"),)
    )
    assert newest is not None
    assert newest[0] < "2026-09-13"
    assert [each["$host"] for each in events_of(database, "cart-total")].count("localhost:3000") == 4
    versions = [each["$exception_release"]["version"] for each in events_of(database, "in-three-releases")]
    assert versions == sorted(versions)
    assert set(versions) == {"1.9.1", "1.9.2", "1.9.3"}
    assert frames_of(events_of(database, "python")[0])[2]["code_variables"]["attempt"] == 2
    assert frames_of(events_of(database, "throw-site-first")[0])[0]["resolved_name"] == "quote"


def test_hostile_text_is_in_every_field(database: Database) -> None:
    """Also in the names of code variables, and at the length that ingestion keeps."""
    row = database.one("SELECT * FROM issues WHERE id = ?", (issue_id("hostile"),))
    assert row is not None
    assert row["name"] == HOSTILE
    assert 9_000 < len(row["description"]) <= 10_000
    [properties, *_] = events_of(database, "hostile")
    for name, value in properties.items():
        if name not in OURS:
            assert HOSTILE[:40] in str(value), name
    for frame in frames_of(properties):
        assert HOSTILE in frame["mangled_name"]
        assert HOSTILE in frame.get("resolve_failure", "") or HOSTILE in frame["source"]


def test_seeding_again_changes_nothing() -> None:
    """The same ids each time; a project that has roles has been seeded."""
    first, second = Database(), Database()
    for database, moment in ((first, NOW), (second, datetime.now(UTC))):
        seed(database, moment)
        seed_issues(database, moment)
    seed_issues(first, datetime.now(UTC))
    for table, column in (("issues", "id"), ("exception_events", "uuid"), ("stack_frames", "id")):
        sql = f"SELECT {column} FROM {table} ORDER BY 1"  # noqa: S608 - names of our own
        assert [tuple(row) for row in first.all(sql)] == [tuple(row) for row in second.all(sql)]
    assert first.one("SELECT 1 FROM exception_events WHERE uuid = ?", (event_id("cart-total", 59),))
    first.close()
    second.close()
