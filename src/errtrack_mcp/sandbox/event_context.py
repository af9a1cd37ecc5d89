"""What query/issue_events shows of an event: the properties that were asked for, with stacks cut and not repeated."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from errtrack_mcp.sandbox.database import shown_time
from errtrack_mcp.sandbox.exception_events import Event
from errtrack_mcp.sandbox.issue_rows import shortened

LONGEST_TEXT = 1000
MOST_FRAMES = 50
INTERNAL = ("junk_drawer", "raw_id")
INCLUDES = {
    "exception": (
        *("$exception_types", "$exception_values", "$exception_list", "$exception_fingerprint"),
        *("$exception_level", "$exception_handled"),
    ),
    "stacktrace": ("$exception_list",),
    "code_variables": ("$exception_list",),
    "environment": (
        *("$lib", "$lib_version", "$browser", "$browser_version", "$os", "$os_version"),
        *("$app_namespace", "$app_version", "$device_type"),
    ),
    "release": ("$exception_releases",),
    "navigation": ("$current_url", "$screen_name", "$referrer"),
    "correlation": ("$session_id", "$trace_id", "$span_id", "$ai_trace_id", "$ai_span_id"),
    "diagnostics": ("$cymbal_errors",),
}
DEFAULT_INCLUDES = ("exception", "environment", "navigation", "correlation")
VERBOSITIES = ("summary", "stack", "raw")
OF_ANY_VERBOSITY = (
    *("$exception_types", "$exception_values", "$exception_list", "$exception_fingerprint", "$exception_issue_id"),
    *("$session_id", "$lib", "$browser", "$browser_version", "$os", "$os_version", "$current_url"),
)


@dataclass(frozen=True, slots=True)
class Shown:
    """What is shown of events: which properties, and how much of their stacks."""

    properties: tuple[str, ...]
    stacks: bool
    only_app_frames: bool
    code_variables: bool = True
    raw: bool = False  # everything as it was stored
    most_frames: int | None = MOST_FRAMES
    repeated_stacks: bool = False


def shown_by_include(include: Iterable[str], *, only_app_frames: bool) -> Shown:
    """Choose by groups of properties, as newer installations do."""
    names = tuple(dict.fromkeys(name for group in include for name in INCLUDES[group]))
    stacks = bool({"stacktrace", "code_variables"} & set(include))
    return Shown(names, stacks, only_app_frames, code_variables="code_variables" in include)


def shown_by_verbosity(verbosity: str, *, only_app_frames: bool) -> Shown:
    """Choose by how much, as older installations did: without a limit of frames, and `raw` with what is internal."""
    stacks, raw = verbosity != "summary", verbosity == "raw"
    return Shown(OF_ANY_VERBOSITY, stacks, only_app_frames, raw=raw, most_frames=None, repeated_stacks=True)


def compact(record: dict[str, Any]) -> dict[str, Any]:
    """Leave out what is empty; 0 and false are not."""
    return {key: value for key, value in record.items() if value is not None and value not in ("", [], {})}


def event_bodies(events: Iterable[Event], shown: Shown) -> list[dict[str, Any]]:
    """Render events."""
    bodies = [_event_body(event, shown) for event in events]
    return bodies if shown.repeated_stacks else _without_repeated_stacks(bodies)


def exceptions_of(event: Event, shown: Shown) -> list[dict[str, Any]]:
    """Render the exceptions of an event, the outermost first."""
    return [_exception(exception, shown) for exception in event.properties.get("$exception_list") or []]


def _event_body(event: Event, shown: Shown) -> dict[str, Any]:
    properties: dict[str, Any] = {}
    for name in shown.properties:
        value = event.properties.get(name)
        if value is None:
            continue
        if name == "$exception_list":
            value = exceptions_of(event, shown)
        elif name == "$exception_values" and not shown.raw:
            value = [shortened(each, LONGEST_TEXT) for each in value]
        properties[name] = value
    return {
        "uuid": event.uuid,
        "timestamp": shown_time(event.timestamp),
        "distinct_id": event.distinct_id,
        "properties": properties,
    }


def _exception(exception: dict[str, Any], shown: Shown) -> dict[str, Any]:
    summary = compact(
        {
            "type": exception.get("type"),
            "value": exception.get("value") if shown.raw else shortened(exception.get("value"), LONGEST_TEXT),
            "module": exception.get("module"),
            "mechanism": exception.get("mechanism"),
        }
    )
    if not shown.stacks:
        return summary
    stack = _stack(exception.get("stacktrace"), shown)
    return compact({**(exception if shown.raw else summary), "stacktrace": stack})


def _stack(stack: dict[str, Any] | None, shown: Shown) -> dict[str, Any] | None:
    if stack is None:
        return None
    frames = [
        _frame(frame, shown)
        for frame in stack.get("frames") or []
        if frame.get("in_app") is True or not shown.only_app_frames
    ]
    omitted = len(frames) - shown.most_frames if shown.most_frames else 0
    frames = frames[omitted:] if omitted > 0 else frames
    return compact({**stack, "frames": frames, "frames_omitted": omitted if omitted > 0 else None})


def _frame(frame: dict[str, Any], shown: Shown) -> dict[str, Any]:
    hidden = () if shown.raw else (*INTERNAL, *(() if shown.code_variables else ("code_variables",)))
    return compact({key: value for key, value in frame.items() if key not in hidden})


def _without_repeated_stacks(bodies: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Put, where a stack stands that an earlier exception has as well, a pointer to that exception."""
    first: dict[str, dict[str, Any]] = {}
    for body in bodies:
        for index, exception in enumerate(body["properties"].get("$exception_list", [])):
            stack = exception.get("stacktrace") or {}
            if not stack.get("frames"):
                continue
            key = json.dumps(stack, sort_keys=True)
            if key in first:
                exception["stacktrace"] = dict(first[key])
            else:
                first[key] = {"same_as_event": body["uuid"], "same_as_exception": index}
    return bodies
