"""What query/issue adds to the row of an issue: its frame, its release, and where its events come from."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from errtrack_mcp.sandbox.calls import Call
from errtrack_mcp.sandbox.database import shown_time, stored_time
from errtrack_mcp.sandbox.event_context import Shown, compact, exceptions_of
from errtrack_mcp.sandbox.exception_events import Condition, Event, read_events
from errtrack_mcp.sandbox.issue_rows import shortened
from errtrack_mcp.sandbox.known_issues import KnownIssues
from errtrack_mcp.sandbox.query_dates import breakdown_period

APP_FRAMES = Shown(("$exception_list",), stacks=True, only_app_frames=True)
MOST_VALUES = 5
LONGEST_VALUE = 200
DIMENSIONS = {
    "path": "$pathname",
    "url": "$current_url",
    "screen": "$screen_name",
    "browser": "$browser",
    "os": "$os",
    "library": "$lib",
    "library_version": "$lib_version",
    "app_version": "$app_version",
}


def top_in_app_frame(event: Event, row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the last frame of the app in the last exception that has one, by the name that the script had."""
    frames = [
        frame
        for exception in exceptions_of(event, APP_FRAMES)
        for frame in exception.get("stacktrace", {}).get("frames", [])
    ]
    if not frames:
        return {}
    frame = frames[-1]
    function = frame.get("mangled_name")
    return compact(
        {
            "function": row["function"] if function in (None, "?") else function,
            "source": frame.get("source") or frame.get("module") or row["source"],
            "line": frame.get("line"),
            "column": frame.get("column"),
            "in_app": True,
        }
    )


def latest_release(event: Event) -> dict[str, Any]:
    """Return the newest release of `$exception_releases`, which newer events do not have."""
    releases = list((event.properties.get("$exception_releases") or {}).values())
    if not releases:
        return {}
    release = max(releases, key=lambda each: str(each.get("timestamp") or ""))
    git = (release.get("metadata") or {}).get("git") or {}
    named = {name: release.get(name) for name in ("version", "project", "timestamp")}
    return compact(named | {name: git.get(name) for name in ("commit_id", "branch", "repo_name")})


def breakdown(
    call: Call, known: KnownIssues, asked: Mapping[str, Any], conditions: Iterable[Condition]
) -> dict[str, Any]:
    """Count where the events of at most 30 days come from; `asked` names the issue and the dates."""
    period, cut = breakdown_period(asked["dateRange"], call.sandbox.now(), call.sandbox.timezone)
    events = read_events(call, known, period, conditions, issue=asked["issueId"])
    values = {name: _counted(event.properties.get(key) for event in events) for name, key in DIMENSIONS.items()}
    if values["path"]:
        values["url"] = []
    sessions = _counted(event.session_id for event in events)
    return {
        "date_from": None if period.since is None else shown_time(stored_time(period.since)),
        "date_to": shown_time(stored_time(period.until)),
        "range_limited": cut,
        "occurrences": len(events),
        "sample_session_ids": [each["value"] for each in sessions],
        "top_values": {name: counted for name, counted in values.items() if counted},
    }


def _counted(values: Iterable[Any]) -> list[dict[str, Any]]:
    """Count texts that are not empty, the most frequent first."""
    counts = Counter(value for value in values if isinstance(value, str) and value)
    return [
        {"value": shortened(value, LONGEST_VALUE), "count": count} for value, count in counts.most_common(MOST_VALUES)
    ]
