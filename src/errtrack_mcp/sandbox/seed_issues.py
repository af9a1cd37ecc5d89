"""Write seeded issues with their fingerprints, events and stack frames into a project."""

import json
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from errtrack_mcp.sandbox.app_issues import APP_ISSUES
from errtrack_mcp.sandbox.database import Database, stored_time
from errtrack_mcp.sandbox.exception_properties import exception_properties, visit_properties
from errtrack_mcp.sandbox.fetched_issues import FETCHED_ISSUES
from errtrack_mcp.sandbox.frames import Frame
from errtrack_mcp.sandbox.hostile_issue import HOSTILE_ISSUE
from errtrack_mcp.sandbox.seed import EPOCH, ORGANIZATION_ID, OTHER_PROJECT_ID, OWNER, PROJECT_ID, time_ordered_id
from errtrack_mcp.sandbox.seeded_issue import NODE, SeededIssue, Stack, Thrown
from errtrack_mcp.sandbox.web_issues import ROLE_ID, WEB_ISSUES

ISSUES = (*WEB_ISSUES, *FETCHED_ISSUES, *APP_ISSUES, HOSTILE_ISSUE)
THEIRS = SeededIssue(
    "back-office", (Stack((Thrown("Error", "Ledger is closed"),)),), 2, timedelta(days=2), timedelta(days=1), sdk=NODE
)
WITHOUT_EVENTS = "no-fingerprints"
"""The key of an issue that is left over: all of its fingerprints were split off."""
TEST_ACCOUNT = "dev@northwind.example"
SPAN = timedelta(days=40)
MERGER = timedelta(hours=20)


def seed_issues(database: Database, now: datetime) -> None:
    """Fill a seeded project with issues, in one go; leave one that has some alone."""
    with database.transaction():
        if database.one("SELECT 1 FROM roles"):
            return
        database.execute("INSERT INTO roles VALUES (?, ?, ?)", (ROLE_ID, ORGANIZATION_ID, "Payments"))
        for issue in ISSUES:
            insert_issue(database, now, PROJECT_ID, issue)
        insert_issue(database, now, OTHER_PROJECT_ID, THEIRS)
        left = SeededIssue(WITHOUT_EVENTS, (Stack((Thrown("Error", "All of it was split off"),)),), 0, MERGER, MERGER)
        _insert_row(database, now, PROJECT_ID, left)
        _insert_spikes(database, now)
        _insert_activities(database, now)


def issue_id(key: str, first: timedelta | None = None) -> str:
    """Name the id of a seeded issue by its key: the same in every sandbox, and later for a newer issue."""
    if first is None:
        known = {issue.key: issue.first for issue in (*ISSUES, THEIRS)} | {WITHOUT_EVENTS: MERGER}
        merged = {key: issue.first for issue in ISSUES for key in issue.merged}
        first = (known | merged)[key]
    return time_ordered_id(f"issue/{key}", EPOCH + int((SPAN - first).total_seconds() * 1000))


def event_id(key: str, number: int) -> str:
    """Name the id of an event of a seeded issue, the oldest being number 0."""
    return time_ordered_id(f"event/{key}/{number}", EPOCH + number * 1000)


def insert_issue(database: Database, now: datetime, team_id: int, issue: SeededIssue) -> None:
    """Write an issue with all that belongs to it."""
    _insert_row(database, now, team_id, issue)
    for turn, (key, fingerprint) in enumerate(zip(issue.keys(), issue.fingerprints(), strict=True)):
        first_seen = stored_time(now - issue.moment(turn))
        row_id = time_ordered_id(f"fingerprint/{key}", EPOCH)
        values = (row_id, team_id, issue_id(issue.key, issue.first), fingerprint, first_seen, first_seen)
        database.execute("INSERT INTO issue_fingerprints VALUES (?, ?, ?, ?, ?, ?)", values)
    database.many("INSERT INTO exception_events VALUES (?, ?, ?, ?, ?, ?, ?)", _events(now, team_id, issue))
    for stack in issue.stacks:
        for frame in {frame.contents["raw_id"]: frame for each in stack.exceptions for frame in each.frames}.values():
            _insert_frame(database, now - issue.last, team_id, frame)


def _insert_row(database: Database, now: datetime, team_id: int, issue: SeededIssue) -> None:
    thrown = issue.stacks[0].exceptions[0]
    created = stored_time(now - issue.first)
    values = (
        issue_id(issue.key, issue.first),
        team_id,
        thrown.type if issue.name is None else issue.name,
        thrown.value if issue.description is None else issue.description,
        issue.status,
        issue.severity,
        created,
        issue.user,
        issue.role,
        created,
    )
    database.execute("INSERT INTO issues VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", values)


def _events(now: datetime, team_id: int, issue: SeededIssue) -> list[tuple[object, ...]]:
    keys = issue.keys()
    fingerprints = issue.fingerprints()
    stacks = [_members(exception_properties(stack.exceptions)) for stack in issue.stacks]
    rows: list[tuple[object, ...]] = []
    for number in range(issue.count):
        turn = number % len(keys)
        captured_as = issue_id(keys[turn], issue.first)
        test = number < issue.test_events
        visitor = number % (issue.users or max(1, issue.count * 2 // 3))
        stack = number * len(issue.stacks) // issue.count
        own = {"$exception_fingerprint": fingerprints[turn], "$exception_issue_id": captured_as}
        own |= visit_properties(issue, issue.stacks[stack].release, visitor, now)
        own |= {"$host": "localhost:3000"} if test else {}
        rows.append(
            (
                event_id(issue.key, number),
                team_id,
                stored_time(now - issue.moment(number)),
                TEST_ACCOUNT if test else f"visitor-{issue.key}-{visitor}",
                fingerprints[turn],
                captured_as,
                f"{{{stacks[stack]}, {_members(own)}}}",
            )
        )
    return rows


def _members(properties: dict[str, Any]) -> str:
    """Write the members of an object: those of a stack are written once for all of its events."""
    return json.dumps(properties, ensure_ascii=False)[1:-1]


def _insert_frame(database: Database, moment: datetime, team_id: int, frame: Frame) -> None:
    """Write the row of a frame; a later one for the same raw frame takes its place."""
    hash_id, _, part = frame.contents["raw_id"].rpartition("/")
    found = database.one("SELECT id FROM symbol_sets WHERE team_id = ? AND ref = ?", (team_id, frame.ref))
    values = (
        time_ordered_id(f"frame/{team_id}/{hash_id}", EPOCH),
        team_id,
        hash_id,
        int(part),
        stored_time(moment),
        json.dumps(frame.contents, ensure_ascii=False),
        frame.contents["resolved"],
        None if frame.context is None else json.dumps(frame.context, ensure_ascii=False),
        None if found is None else found["id"],
    )
    database.execute("INSERT OR REPLACE INTO stack_frames VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", values)
    if frame.original is not None:
        original = (frame.contents["raw_id"], json.dumps(asdict(frame.original)))
        database.execute("INSERT OR REPLACE INTO originals VALUES (?, ?)", original)


def _insert_spikes(database: Database, now: datetime) -> None:
    for number, key in enumerate(("cart-total", "merged", "cart-total")):
        values = (
            time_ordered_id(f"spike/{number}", EPOCH),
            PROJECT_ID,
            issue_id(key),
            stored_time(now - timedelta(hours=5 + number)),
            1.5,
            18 + number,
        )
        database.execute("INSERT INTO spike_events VALUES (?, ?, ?, ?, ?, ?)", values)


def _insert_activities(database: Database, now: datetime) -> None:
    """Leave the trace of a merger: the only place where the id of a merged issue is kept."""
    merged = issue_id("merged-away")
    changes = [{"type": "ErrorTrackingIssue", "action": "merged", "field": None, "before": None, "after": [merged]}]
    values = (
        time_ordered_id("activity/merged", EPOCH),
        PROJECT_ID,
        issue_id("merged"),
        "Error",
        "merged",
        OWNER,
        stored_time(now - MERGER),
        json.dumps(changes),
    )
    database.execute("INSERT INTO issue_activities VALUES (?, ?, ?, ?, ?, ?, ?, ?)", values)
