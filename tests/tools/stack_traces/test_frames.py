"""Frames to resolve, from text and from events."""

from datetime import UTC, datetime

import pytest

from errtrack_mcp.symbolication.places import Original, Place
from errtrack_mcp.symbolication.traces import read_traces
from errtrack_mcp.tools.issues.models import Event, ExceptionItem, Frame
from errtrack_mcp.tools.stack_traces.frames import (
    MEANINGS,
    WantedFrame,
    WantedTrace,
    first_frames,
    from_event,
    from_text,
    take_code_out,
)

NOW = datetime(2026, 9, 1, tzinfo=UTC)


def test_frames_of_the_platform_are_not_tried() -> None:
    """Node's own modules, native code and extensions of the browser have no map of this app."""
    lines = [
        "Error: x",
        "at f (app.js:1:2)",
        "at node:fs:3:4",
        "at map (native)",
        "at g (chrome-extension://id/a.js:1:2)",
    ]
    [trace] = from_text(read_traces("\n".join(lines)))
    assert [(frame.reason, frame.counts) for frame in trace.frames] == [
        (None, True),
        ("maps_cannot_help", False),
        ("maps_cannot_help", False),
        ("maps_cannot_help", False),
    ]


def test_the_message_is_there_although_node_shows_a_long_line_of_code_first() -> None:
    """An injected script is one long line, and a line of blanks points at a place in it."""
    code = "f();" * 500
    lines = ["/srv/app.js:1", code, f"{' ' * len(code)}^", "", "TypeError: no name", "    at f (/srv/app.js:1:9)"]
    [trace] = from_text(read_traces("\n".join(lines)))
    place, shown, message = trace.header.splitlines()
    assert (place, message) == ("/srv/app.js:1", "TypeError: no name")
    assert len(shown) < 600


@pytest.mark.attack("hostile stack traces")
@pytest.mark.parametrize(
    ("line", "column", "place"),
    [
        (1, 2, Place(1, 2, "f")),
        (2**31 - 1, 2**31 - 1, Place(2**31 - 1, 2**31 - 1, "f")),
        (0, 2, None),
        (-1, 2, None),
        (1, -1, None),
        (2**31, 2, None),
        (1, 2**32, None),
        (1, None, None),
    ],
)
def test_a_position_that_no_file_can_have_is_none(line: int, column: int | None, place: Place | None) -> None:
    """An event may hold any number; one that the worker cannot take would cost all frames of the file their map."""
    assert WantedFrame("f", "app.js", line, column).place() == place


def test_a_frame_counts_by_where_its_source_is() -> None:
    """A library inside the app's bundle is known once the frame is resolved."""
    frame = WantedFrame("f", "https://shop.example/app.js", 1, 2)
    assert frame.counts
    frame.originals = (Original("flush", "../node_modules/scheduler/index.js", 3),)
    assert not frame.counts


@pytest.mark.parametrize(("library", "first"), [("web", "thrower"), ("posthog-go", "outermost")])
def test_the_throw_site_comes_first_where_it_is_known(library: str, first: str) -> None:
    """PostHog stores it last, but for an SDK that sent stacks the other way round: that order is kept."""
    outermost, thrower = (
        Frame(mangled_name=name, line=1, column=2, url="https://shop.example/app.js", in_app=True, chunk_id="c")
        for name in ("outermost", "thrower")
    )
    event = Event("u", NOW, library=library, exceptions=(ExceptionItem("Error", "x", frames=(outermost, thrower)),))
    [trace] = from_event(event)
    assert (trace.header, trace.frames[0].function, trace.frames[0].ref) == ("Error: x", first, "c")


def test_the_id_in_the_text_of_a_failure_is_the_ref() -> None:
    """It is all that a key without query:read sees."""
    frame = Frame("qe", line=1, column=2, in_app=True, resolve_failure="No sourcemap uploaded for chunk id: 5c7a")
    [trace] = from_event(Event("u", NOW, library="web", exceptions=(ExceptionItem(frames=(frame,)),)))
    assert trace.frames[0].ref == "5c7a"


def test_the_first_frames_are_kept_whichever_trace_they_are_of() -> None:
    """An error without a stack stays: it is all there is of it."""
    frame = WantedFrame("f", "app.js", 1, 2)
    traces = [WantedTrace("a", [frame] * 3), WantedTrace("b", [frame] * 3), WantedTrace("c", [frame]), WantedTrace("d")]
    kept, left_out = first_frames(traces, 4)
    assert [(trace.header, len(trace.frames)) for trace in kept] == [("a", 3), ("b", 1), ("d", 0)]
    assert left_out == 3
    assert first_frames(traces, 7) == (traces, 0)


def test_source_code_beyond_a_size_is_taken_out() -> None:
    """Places stay; the first frames, nearest to the throw, keep theirs."""
    frames = [
        WantedFrame("f", "app.js", 1, 2, originals=(Original("f", "a.ts", 3, 1, "12345", ("12",), ("123",)),))
        for _ in range(3)
    ]
    assert not take_code_out(frames, 30)
    assert take_code_out(frames, 20)
    assert [frame.originals[0].code for frame in frames] == ["12345", "12345", ""]
    assert frames[2].originals[0] == Original("f", "a.ts", 3, 1)


def test_every_reason_has_a_meaning_that_ends_a_sentence() -> None:
    """They are shown next to each other."""
    assert all(meaning.endswith(".") for meaning in MEANINGS.values())
