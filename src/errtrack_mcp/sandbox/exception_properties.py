"""The properties of an exception event, as ingestion stores them (docs/posthog-api.md, section 7)."""

from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from errtrack_mcp.sandbox.database import shown_time, stored_time
from errtrack_mcp.sandbox.frames import Contents
from errtrack_mcp.sandbox.seed import RELEASES, cli_metadata, release_id
from errtrack_mcp.sandbox.seeded_issue import SeededIssue, Thrown, session_id

BROWSERS = (
    {"$browser": "Safari", "$browser_version": 18, "$os": "iOS", "$os_version": "18.6", "$device_type": "Mobile"},
    {"$browser": "Chrome", "$browser_version": 140, "$os": "Windows", "$os_version": "11", "$device_type": "Desktop"},
    {"$browser": "Firefox", "$browser_version": 142, "$os": "Linux", "$os_version": "", "$device_type": "Desktop"},
)


def exception_properties(exceptions: tuple[Thrown, ...]) -> dict[str, Any]:
    """Return what an event says of its exceptions; the four sets are without duplicates, so indices do not align."""
    frames = [frame.contents for each in exceptions for frame in each.frames]
    deciding = next((frame for frame in reversed(frames) if frame["in_app"]), None)
    return {
        "$exception_list": [_listed(number, each) for number, each in enumerate(exceptions)],
        "$exception_types": distinct(each.type for each in exceptions),
        "$exception_values": distinct(each.value for each in exceptions),
        **frame_properties(frames),
        "$exception_handled": exceptions[0].handled,
        "$exception_level": "error",
        "$exception_fingerprint_record": [{"type": "exception", "id": "0", "pieces": ["Exception Type"]}]
        if deciding is None
        else [{"type": "frame", "raw_id": deciding["raw_id"], "pieces": ["Source", "Function"]}],
    }


def frame_properties(frames: list[Contents]) -> dict[str, Any]:
    """Return which sources and functions occur in frames."""
    return {
        "$exception_sources": distinct(frame.get("source") for frame in frames),
        "$exception_functions": distinct(frame.get("resolved_name", frame["mangled_name"]) for frame in frames),
    }


def visit_properties(issue: SeededIssue, release: int | None, visitor: int, now: datetime) -> dict[str, Any]:
    """Return what an event says of who was where with what: SDK, session, page, browser, release."""
    properties = issue.sdk | {"$session_id": session_id(visitor)}
    if issue.url is not None:
        url = urlsplit(issue.url)
        properties |= {"$current_url": issue.url, "$pathname": url.path, "$host": url.hostname}
        properties |= BROWSERS[visitor % len(BROWSERS)]
    if release is not None:
        properties["$exception_release"] = release_property(release, now)
    return properties | issue.properties


def release_property(index: int, now: datetime) -> dict[str, Any]:
    """Return the release that ingestion found for an event, as it stands on it."""
    release = RELEASES[index]
    metadata = None if release.hash_id else cli_metadata(release)
    return {
        "id": release_id(index),
        "version": release.version,
        "project": release.project,
        "timestamp": shown_time(stored_time(now - release.age)),
        **({"metadata": metadata} if metadata else {}),
    }


def _listed(number: int, thrown: Thrown) -> dict[str, Any]:
    listed: dict[str, Any] = {
        "id": f"exception-{number}",
        "type": thrown.type,
        "value": thrown.value,
        "mechanism": {"handled": thrown.handled, "synthetic": False, "type": "generic"},
    }
    if thrown.frames:
        listed["stacktrace"] = {"type": "resolved", "frames": [frame.contents for frame in thrown.frames]}
    return listed


def distinct(texts: Any) -> list[Any]:
    """Return texts without None and repetitions, in order."""
    return list(dict.fromkeys(text for text in texts if text is not None))
