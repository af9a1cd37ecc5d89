"""Events as they are read: by type, since anybody may have sent them."""

from typing import Any

import pytest

from errtrack_mcp.tools.issues.models import MAX_EXCEPTIONS, MAX_FRAMES, Event, read_events_of, with_app_frames
from tests.support.issue_queries import exception, frame

STRANGE: tuple[Any, ...] = (None, True, 7, 7.5, "text", [], ["x"], {}, {"a": 1}, [[{"frames": 1}]])


def row(*exceptions: dict[str, Any], uuid: str = "e1", **properties: Any) -> dict[str, Any]:
    """Make an event as PostHog answers it."""
    named = {f"${name}": value for name, value in properties.items()}
    return {
        "uuid": uuid,
        "timestamp": "2026-09-18T09:41:03.551000Z",
        "properties": {"$exception_list": list(exceptions), **named},
    }


def read(*rows: dict[str, Any]) -> list[Event]:
    """Read events."""
    return read_events_of(rows)


def test_a_pointer_is_followed_to_another_event_and_within_one() -> None:
    """PostHog sends equal stacks once for each answer."""
    here = exception(frame(1))
    there = {"type": "Error", "value": "v", "stacktrace": {"same_as_event": "e1", "same_as_exception": 0}}
    first, second = read(row(here, there), row(there, uuid="e2"))
    assert first.exceptions[1].frames == second.exceptions[0].frames == first.exceptions[0].frames
    assert len(first.exceptions[0].frames) == 1


def test_a_pointer_to_nowhere_is_no_stack() -> None:
    """Nor does one that points to a pointer, or to itself, lead in a circle."""
    lost = {"stacktrace": {"same_as_event": "e9", "same_as_exception": 3}}
    itself = {"stacktrace": {"same_as_event": "e1", "same_as_exception": 1}}
    (event,) = read(row(lost, itself))
    assert [item.frames for item in event.exceptions] == [(), ()]


@pytest.mark.parametrize("value", STRANGE)
@pytest.mark.parametrize(
    "place", ["$exception_list", "$lib", "$session_id", "$exception_release", "$exception_releases"]
)
def test_a_property_of_another_type_counts_as_missing(place: str, value: Any) -> None:
    """Nothing breaks."""
    (event,) = read_events_of([{**row(), "properties": {place: value}}])
    assert event.exceptions == ()
    assert event.release is None


@pytest.mark.parametrize("value", STRANGE)
@pytest.mark.parametrize(
    "name", ["frames", "line", "in_app", "source", "junk_drawer", "code_variables", "mangled_name"]
)
def test_a_frame_of_another_shape_breaks_nothing(name: str, value: Any) -> None:
    """Each field has its own type."""
    stack = {"frames": value} if name == "frames" else {"frames": [{**frame(), name: value}]}
    (event,) = read(row({"type": value, "value": value, "stacktrace": stack}))
    for shown in event.exceptions[0].frames:
        assert isinstance(shown.function, str)
        assert shown.line is None or isinstance(shown.line, int)


@pytest.mark.parametrize(
    ("fields", "readable"),
    [
        ({"resolved": True}, True),
        ({"resolved": False, "resolve_failure": "No sourcemap uploaded for chunk id: x"}, False),
        ({"resolved": True, "resolve_failure": "This frame had no source url or chunk id"}, False),
        ({}, False),
    ],
)
def test_only_what_was_resolved_without_a_failure_is_readable(fields: dict[str, Any], readable: bool) -> None:  # noqa: FBT001
    """PostHog also calls resolved what it had nothing to look up for."""
    (event,) = read(row(exception(frame(**{"resolved": False, **fields}))))
    assert event.exceptions[0].frames[0].readable is readable


def test_too_much_is_counted() -> None:
    """The frames nearest to the error and the first exceptions are kept."""
    many = exception(*(frame(number) for number in range(MAX_FRAMES + 7)))
    (event,) = read(row(*[many] * (MAX_EXCEPTIONS + 2)))
    assert event.exceptions_omitted == 2
    assert event.exceptions[0].frames_omitted == 7
    assert event.exceptions[0].frames[-1].mangled_name == f"fn{MAX_FRAMES + 6}"


def test_what_was_captured_is_read_where_it_is_sent() -> None:
    """The general query and older installations send the chunk id and the whole URL of the script."""
    captured = {"raw_frame": {"chunk_id": "c-1", "filename": "https://x/app.js"}}
    (event,) = read(row(exception(frame(junk_drawer=captured))))
    (shown,) = event.exceptions[0].frames
    assert (shown.chunk_id, shown.url, shown.raw_id) == ("c-1", "https://x/app.js", "raw-1/0")


@pytest.mark.parametrize(
    "properties",
    [
        {"exception_release": {"id": "r", "version": "1", "project": "app"}},
        {"exception_releases": {"r": {"version": "1", "project": "app"}}},
    ],
)
def test_a_release_is_read_in_both_forms(properties: dict[str, Any]) -> None:
    """That of today, and that of before August 2026."""
    (event,) = read(row(**properties))
    assert event.release is not None
    assert (event.release.id, event.release.version, event.release.project) == ("r", "1", "app")


def test_app_frames_complete_a_cut_stack_and_what_threw_stays() -> None:
    """What is left out of libraries is counted."""
    cut = exception(*(frame(number, in_app=False) for number in range(60)))
    whole = read_events_of([row(exception(frame(100), frame(101)))])
    (event,) = read(row(cut))
    (item,) = with_app_frames(event, whole[0]).exceptions
    assert [shown.mangled_name for shown in item.frames] == ["fn100", "fn101", "fn59"]
    assert (item.frames_omitted, item.library_frames_omitted) == (0, 57)


def test_an_event_without_a_time_is_no_event() -> None:
    """The caller turns this into an error of the answer."""
    with pytest.raises(ValueError, match="isoformat"):
        read_events_of([{**row(), "timestamp": "soon"}])
