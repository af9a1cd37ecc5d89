"""Issues as queries answer them: what is known of each, and what its events of a period add up to."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from errtrack_mcp.sandbox.database import shown_time
from errtrack_mcp.sandbox.exception_events import Event
from errtrack_mcp.sandbox.known_issues import KnownIssue, KnownIssues
from errtrack_mcp.sandbox.query_dates import Period

ORDERS = ("last_seen", "first_seen", "occurrences", "users", "sessions")


def shortened(text: Any, longest: int) -> Any:
    """Cut a text that is too long; the note about it counts as part of the text."""
    if not isinstance(text, str) or len(text) <= longest:
        return text
    note = f"… [truncated from {len(text)} chars]"
    return text[: longest - len(note)] + note


def issue_rows(
    events: Iterable[Event], known: KnownIssues, period: Period, resolution: int, *, overlapping: bool = False
) -> list[dict[str, Any]]:
    """Make a row for each issue that has an event among these; buckets of older installations are `overlapping`."""
    by_issue: dict[str, list[Event]] = {}
    for event in events:
        if event.fingerprint in known.by_fingerprint:
            by_issue.setdefault(event.issue_id, []).append(event)
    return [
        _row(known.issues[issue_id], found, _volume(found, period, resolution, overlapping=overlapping))
        for issue_id, found in by_issue.items()
        if issue_id in known.issues
    ]


def ordered(rows: list[dict[str, Any]], by: str, *, descending: bool) -> list[dict[str, Any]]:
    """Sort rows; those that are equal stay in no order that means anything."""
    counted = by in {"occurrences", "users", "sessions"}
    return sorted(rows, key=lambda row: row["aggregations"][by] if counted else row[by] or "", reverse=descending)


def _row(issue: KnownIssue, events: list[Event], volume: dict[str, Any]) -> dict[str, Any]:
    latest = events[-1]
    return {
        "id": issue.id,
        "name": issue.name,
        "description": issue.description,
        "status": issue.status,
        "severity": issue.severity,
        "first_seen": shown_time(issue.first_seen),
        "last_seen": shown_time(latest.timestamp),
        "library": latest.properties.get("$lib"),
        "source": _innermost(latest, "$exception_sources"),
        "function": _innermost(latest, "$exception_functions"),
        "assignee": issue.assignee,
        "aggregations": {
            "occurrences": float(len(events)),
            "sessions": float(len({event.session_id for event in events} - {None})),
            "users": float(len({event.distinct_id for event in events})),
            **volume,
        },
    }


def _innermost(event: Event, name: str) -> str | None:
    values = event.properties.get(name)
    return str(values[-1]) if isinstance(values, list) and values else None


def _volume(events: list[Event], period: Period, resolution: int, *, overlapping: bool) -> dict[str, Any]:
    """Count the events in so many buckets of the period."""
    if resolution == 0:
        return {}
    moments = [datetime.fromisoformat(event.timestamp) for event in events]
    start = period.since or moments[0]
    length = period.until - start
    count = _counts_of_overlapping_buckets if overlapping else _counts_of_buckets
    counts = count(moments, start.replace(microsecond=0), int(length.total_seconds()), resolution)
    width = timedelta(milliseconds=int(length / timedelta(milliseconds=1) / resolution))
    buckets = [{"label": (start + place * width).isoformat(), "value": value} for place, value in enumerate(counts)]
    return {"volumeRange": counts, "volume_buckets": buckets}


def _counts_of_buckets(moments: list[datetime], start: datetime, seconds: int, resolution: int) -> list[float]:
    """Count in buckets of whole seconds. What is left of the period belongs to the last one."""
    width = max(1, seconds // resolution)
    counts = [0.0] * resolution
    for moment in moments:
        counts[min(resolution - 1, _seconds(start, moment) // width)] += 1
    return counts


def _counts_of_overlapping_buckets(
    moments: list[datetime], start: datetime, seconds: int, resolution: int
) -> list[float]:
    """Count from just after the start of each bucket to the end of the second in which the next one starts."""
    width = seconds / resolution
    starts = [start + timedelta(seconds=int(number * width)) for number in range(resolution)]
    return [float(sum(begin < moment and _seconds(begin, moment) <= width for moment in moments)) for begin in starts]


def _seconds(start: datetime, moment: datetime) -> int:
    """Return how many whole seconds of the clock lie between; `start` is on one."""
    return int((moment.replace(microsecond=0) - start).total_seconds())
