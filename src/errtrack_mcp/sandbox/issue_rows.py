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


def issue_rows(events: Iterable[Event], known: KnownIssues, period: Period, resolution: int) -> list[dict[str, Any]]:
    """Make a row for each issue that has an event among these."""
    by_issue: dict[str, list[Event]] = {}
    for event in events:
        if event.fingerprint in known.by_fingerprint:
            by_issue.setdefault(event.issue_id, []).append(event)
    return [
        _row(known.issues[issue_id], found, period, resolution)
        for issue_id, found in by_issue.items()
        if issue_id in known.issues
    ]


def ordered(rows: list[dict[str, Any]], by: str, *, descending: bool) -> list[dict[str, Any]]:
    """Sort rows; those that are equal stay in no order that means anything."""
    counted = by in {"occurrences", "users", "sessions"}
    return sorted(rows, key=lambda row: row["aggregations"][by] if counted else row[by] or "", reverse=descending)


def _row(issue: KnownIssue, events: list[Event], period: Period, resolution: int) -> dict[str, Any]:
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
            **_volume(events, period, resolution),
        },
    }


def _innermost(event: Event, name: str) -> str | None:
    values = event.properties.get(name)
    return str(values[-1]) if isinstance(values, list) and values else None


def _volume(events: list[Event], period: Period, resolution: int) -> dict[str, Any]:
    """Count the events in so many parts of the period. What is left of its seconds belongs to the last part."""
    if resolution == 0:
        return {}
    start = period.since or datetime.fromisoformat(events[0].timestamp)
    seconds = (period.until - start).total_seconds()
    width = max(1, int(seconds) // resolution)
    counts = [0.0] * resolution
    for event in events:
        elapsed = int((datetime.fromisoformat(event.timestamp) - start).total_seconds())
        counts[min(resolution - 1, elapsed // width)] += 1
    labels = [start + timedelta(milliseconds=number * int(seconds * 1000 / resolution)) for number in range(resolution)]
    buckets = [{"label": label.isoformat(), "value": count} for label, count in zip(labels, counts, strict=True)]
    return {"volumeRange": counts, "volume_buckets": buckets}
