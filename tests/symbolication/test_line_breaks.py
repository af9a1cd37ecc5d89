"""Line breaks that a stack trace lost on its way: escaped in JSON, or turned into blanks."""

import time

import pytest

from errtrack_mcp.symbolication.line_breaks import with_line_breaks
from errtrack_mcp.symbolication.traces import MAX_CHARACTERS, UnreadableTrace, read_traces

JS = "https://shop.example/static/checkout.2b94e0.js"
BREAKS = ["\\n    ", "\\r\\n    ", "\\\\n    ", "\\n\\t", "\\n", "    ", " ", "\t"]


@pytest.mark.parametrize("between", BREAKS)
def test_every_frame_of_a_trace_without_line_breaks_is_read(between: str) -> None:
    """And what was thrown; the throw site is the first frame that a reader looks for."""
    places = [f"u ({JS}:1:48)", "Array.map (<anonymous>)", f"{JS}:1:159", f"eval (eval at run ({JS}:3:4), a.js:1:7)"]
    text = "TypeError: x is undefined" + "".join(f"{between}at {place}" for place in places)
    [trace] = read_traces(text)
    assert trace.header == "TypeError: x is undefined"
    assert [(frame.function, frame.url, frame.line, frame.column) for frame in trace.frames] == [
        ("u", JS, 1, 48),
        ("Array.map", "<anonymous>", None, None),
        ("", JS, 1, 159),
        ("eval", JS, 3, 4),
    ]


@pytest.mark.parametrize("between", ["\\n", "\\r\\n", " "])
def test_every_frame_with_an_at_sign_is_read(between: str) -> None:
    """As Firefox and Safari print them."""
    [trace] = read_traces(between.join([f"u@{JS}:1:48", f"App/<@{JS}:1:159", f"@{JS}:1:239"]))
    assert [(frame.function, frame.line, frame.column) for frame in trace.frames] == [
        ("u", 1, 48),
        ("App/<", 1, 159),
        ("", 1, 239),
    ]


def test_the_frames_of_lines_of_json_are_read() -> None:
    """A log holds one record in each line, and other fields behind the trace."""
    line = f'{{"level":"error","stack":"TypeError: x\\n    at u ({JS}:1:48)\\n    at {JS}:1:159","pid":7}}'
    traces = read_traces(f"{line}\n{line}")
    assert [[(frame.function, frame.column) for frame in trace.frames] for trace in traces] == [
        [("u", 48), ("", 159)],
        [("u", 48), ("", 159)],
    ]


@pytest.mark.parametrize("between", ["\\n\\t", " "])
def test_the_frames_of_java_are_read(between: str) -> None:
    """They have a line and no column."""
    [trace] = read_traces(f"java.lang.Error: x{between}at a.B.c(D.java:12){between}at a.B.d(Native Method)")
    assert [frame.function for frame in trace.frames] == ["a.B.c", "a.B.d"]


@pytest.mark.parametrize(
    "line",
    [
        r"    at f (C:\Program Files (x86)\nodejs\new\index.js:1:2)",
        r"    at C:\app2\new\@scope\nvm\index.js:1:2",
        "2026-11-20T10:00:00     at f (https://shop.example/a.js:1:2)",
        "[12:30:45] at f (https://shop.example/a.js:1:2)",
        "    at f (/home/me/look at this/a.js:1:2)",
        f"    at eval (eval at a (eval at b ({JS}:3:4)), <anonymous>:1:7)",
        'Error: "http://localhost:8080" does not answer',
        "Error: no place (here) at all",
        f'Error: cannot load "{JS}:1:2" twice',
        f"Error: see {JS}:1:2 at home",
        f'{{"caller": "{JS}:10:5", "level": "error"}}',
    ],
)
def test_a_line_that_is_whole_stays_so(line: str) -> None:
    """Paths of Windows hold what looks like an escaped line break, and logs begin with times."""
    assert with_line_breaks(line) == line


@pytest.mark.parametrize("page", ["/2", "/v12", "/120", ":3000"])
def test_an_address_that_ends_in_a_number_is_no_time(page: str) -> None:
    """Scripts within a page have its address."""
    url = f"https://shop.example{page}"
    [trace] = read_traces(f"Error: x at u ({url}:1:48) at i ({url}:1:159)")
    assert [(frame.function, frame.url, frame.column) for frame in trace.frames] == [("u", url, 48), ("i", url, 159)]


def test_a_place_that_holds_two_frames_is_refused() -> None:
    """No sign tells where the name of the second function begins; no frame is read as one of another script."""
    with pytest.raises(UnreadableTrace):
        read_traces(f"u@{JS}:1:48 global code@{JS}:1:159")


def test_the_limit_of_lines_holds_for_lost_line_breaks() -> None:
    """Each of them becomes a line to read."""
    with pytest.raises(UnreadableTrace, match="lines"):
        read_traces(f"    at u ({JS}:1:48)\\n" * 2_100)


@pytest.mark.attack("hostile stack traces")
@pytest.mark.parametrize("part", ["\\n", "\\", ":1:1 ", ":1", ":1:1)", "a@", "\\na@", " ", "\\r", "9", ':1:1"', "at "])
def test_strange_text_is_read_in_bounded_time(part: str) -> None:
    """The time grows with the length alone."""
    text = (part * MAX_CHARACTERS)[:MAX_CHARACTERS]
    begun = time.process_time()
    with_line_breaks(text)
    assert time.process_time() - begun < 2
