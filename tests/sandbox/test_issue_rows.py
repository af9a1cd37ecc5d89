"""Rows of issues."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from errtrack_mcp.sandbox.exception_events import Event
from errtrack_mcp.sandbox.issue_rows import issue_rows, ordered, shortened
from errtrack_mcp.sandbox.known_issues import KnownIssue, KnownIssues
from errtrack_mcp.sandbox.query_dates import Period

UNTIL = datetime(2026, 9, 20, 12, tzinfo=UTC)
PERIOD = Period(UNTIL - timedelta(hours=10), UNTIL)
ISSUE = KnownIssue("i", "TypeError", None, "active", None, None, None)
KNOWN = KnownIssues({"i": ISSUE}, {"f": "i", "second": "i", "of a lost issue": "lost"})


def event(hour: int, who: str = "somebody", session: str | None = None, fingerprint: str = "f") -> Event:
    """Make an event of an hour of the day."""
    properties = json.dumps({"$lib": f"lib-{hour}", "$exception_sources": ["outer.ts", f"inner-{hour}.ts"]})
    moment = f"2026-09-20T{hour:02}:00:00.500000Z"
    issue = KNOWN.by_fingerprint.get(fingerprint, "i")
    return Event("u", moment, who, fingerprint, issue, "i", session, None, properties, release_map=False)


def test_events_of_all_fingerprints_add_up() -> None:
    """Users and sessions are counted once; library and source are those of the latest event."""
    events = [event(3, "a", "s"), event(4, "a", "s", "second"), event(5, "b")]
    [row] = issue_rows(events, KNOWN, PERIOD, 0)
    assert row["aggregations"] == {"occurrences": 3.0, "sessions": 1.0, "users": 2.0}
    assert (row["library"], row["source"], row["function"]) == ("lib-5", "inner-5.ts", None)
    assert row["last_seen"] == "2026-09-20T05:00:00.500000Z"


def test_events_of_no_known_issue_make_no_row() -> None:
    """Their fingerprint is unknown, or their issue is."""
    assert issue_rows([event(3, fingerprint="new"), event(3, fingerprint="of a lost issue")], KNOWN, PERIOD, 0) == []


def test_volume_has_equal_parts() -> None:
    """An event at the very end belongs to the last one."""
    [row] = issue_rows([event(2), event(3), event(12)], KNOWN, PERIOD, 5)
    assert row["aggregations"]["volumeRange"] == [2.0, 0.0, 0.0, 0.0, 1.0]
    labels = [bucket["label"] for bucket in row["aggregations"]["volume_buckets"]]
    assert labels[:2] == ["2026-09-20T02:00:00+00:00", "2026-09-20T04:00:00+00:00"]
    short = Period(UNTIL - timedelta(hours=1), UNTIL - timedelta(minutes=59, seconds=58))
    [row] = issue_rows([event(11)], KNOWN, short, 200)
    assert len(row["aggregations"]["volumeRange"]) == 200


def test_older_installations_count_an_event_twice_where_two_buckets_meet() -> None:
    """One within the second in which a bucket starts is in the one before as well; all others are in one."""
    events = [event(3), event(4), event(7)]
    for overlapping, counts in ((True, [2.0, 1.0, 1.0, 0.0, 0.0]), (False, [1.0, 1.0, 1.0, 0.0, 0.0])):
        [row] = issue_rows(events, KNOWN, PERIOD, 5, overlapping=overlapping)
        assert (row["aggregations"]["volumeRange"], row["aggregations"]["occurrences"]) == (counts, 3.0)


def test_buckets_begin_at_a_whole_second() -> None:
    """Also where the period does not: an event belongs to the bucket of its second."""
    late = timedelta(seconds=0.75)
    period = Period(UNTIL - timedelta(hours=10) + late, UNTIL + late)
    [row] = issue_rows([event(4)], KNOWN, period, 5)
    assert row["aggregations"]["volumeRange"] == [0.0, 1.0, 0.0, 0.0, 0.0]


def test_rows_are_sorted_by_count_or_moment() -> None:
    """What has no value comes first when sorted upward."""
    rows: list[dict[str, Any]] = [
        {"id": 1, "first_seen": "b", "aggregations": {"users": 1.0}},
        {"id": 2, "first_seen": None, "aggregations": {"users": 3.0}},
    ]
    assert [row["id"] for row in ordered(rows, "users", descending=True)] == [2, 1]
    assert [row["id"] for row in ordered(rows, "first_seen", descending=False)] == [2, 1]


def test_the_note_about_a_cut_counts_too() -> None:
    """A text of exactly the limit stays; what is no text stays as it is."""
    assert shortened("x" * 50, 50) == "x" * 50
    assert shortened("x" * 51, 50) == "x" * 23 + "… [truncated from 51 chars]"
    assert len(shortened("x" * 51, 50)) == 50
    assert shortened(None, 50) is None
