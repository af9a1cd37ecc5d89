"""Stack traces as people paste them."""

import time

import pytest

from errtrack_mcp.symbolication.traces import MAX_CHARACTERS, TraceFrame, UnreadableTrace, read_frame, read_traces

JS = "https://shop.example/assets/app-4f1c.js"
WASM = "wasm://wasm/0004c8d6:wasm-function[1]:0x1a2b"
REFLECTION = "java.lang.reflect.Method.invoke"


@pytest.mark.parametrize(
    ("line", "function", "url", "position"),
    [
        (f"    at qe ({JS}:1:88213)", "qe", JS, (1, 88213)),
        (f"    at {JS}:1:88213", "", JS, (1, 88213)),
        (f"    at async qe ({JS}:1:2)", "qe", JS, (1, 2)),
        (f"    at async {JS}:1:2", "", JS, (1, 2)),
        (f"    at new Cart ({JS}:1:2)", "new Cart", JS, (1, 2)),
        (f"    at Cart.total [as onClick] ({JS}:1:2)", "Cart.total", JS, (1, 2)),
        (f"    at eval (eval at run ({JS}:3:4), <anonymous>:1:7)", "eval", JS, (3, 4)),
        (f"    at eval (eval at a (eval at b ({JS}:3:4)), <anonymous>:1:7)", "eval", JS, (3, 4)),
        ("    at Object.<anonymous> (/srv/dist/index.js:1:2)", "Object.<anonymous>", "/srv/dist/index.js", (1, 2)),
        ("    at file:///srv/app/dist/index.mjs:1:2", "", "file:///srv/app/dist/index.mjs", (1, 2)),
        (r"    at f (C:\app\dist\index.js:1:2)", "f", r"C:\app\dist\index.js", (1, 2)),
        ("    at node:internal/main/run_main_module:28:49", "", "node:internal/main/run_main_module", (28, 49)),
        ("    at f (webpack-internal:///./src/a.ts:5:1)", "f", "webpack-internal:///./src/a.ts", (5, 1)),
        ("    at f (webpack://shop/./src/a.ts?1f2e:5:1)", "f", "webpack://shop/./src/a.ts?1f2e", (5, 1)),
        ("    at f (address at index.android.bundle:1:1234)", "f", "index.android.bundle", (1, 1234)),
        (f"2026-11-20T10:00:00Z ERROR [worker]     at qe ({JS}:1:2)", "qe", JS, (1, 2)),
        (f"qe@{JS}:1:88213", "qe", JS, (1, 88213)),
        (f"@{JS}:1:2", "", JS, (1, 2)),
        (f"{JS}:1:2", "", JS, (1, 2)),
        (f"async*qe@{JS}:1:2", "qe", JS, (1, 2)),
        (f"promise callback*qe@{JS}:1:2", "qe", JS, (1, 2)),
        (f"global code@{JS}:1:2", "global code", JS, (1, 2)),
        (f"f@{JS} line 7 > eval:1:1", "f", JS, (7, 1)),
        ("f@index.android.bundle:1:99", "f", "index.android.bundle", (1, 99)),
        ("    at f (http://[::1]:8080/a.js:1:2)", "f", "http://[::1]:8080/a.js", (1, 2)),
        (f"App/<@{JS}:1:2", "App/<", JS, (1, 2)),
        (f"onClick/</<@{JS}:1:2", "onClick/</<", JS, (1, 2)),
        (f"promise callback*App/<@{JS}:1:2", "App/<", JS, (1, 2)),
        (f"e/this.run@{JS}:1:2", "e/this.run", JS, (1, 2)),
        ("e/this.run@index.android.bundle:1:2", "e/this.run", "index.android.bundle", (1, 2)),
        ("f/<@https://cdn.example/@scope/a.js:1:2", "f/<", "https://cdn.example/@scope/a.js", (1, 2)),
        ("f@moz-extension://id/a.js:1:2", "f", "moz-extension://id/a.js", (1, 2)),
        ("a@b@https://cdn.example/a.js:1:2", "a@b", "https://cdn.example/a.js", (1, 2)),
        ("/srv/node_modules/@scope/a.js:1:2", "", "/srv/node_modules/@scope/a.js", (1, 2)),
        ("https://cdn.example/@scope/a.js:1:2", "", "https://cdn.example/@scope/a.js", (1, 2)),
        ("    at Array.map (<anonymous>)", "Array.map", "<anonymous>", (None, None)),
        ("    at async Promise.all (index 0)", "Promise.all", "index 0", (None, None)),
        ("map@[native code]", "map", "[native code]", (None, None)),
        ("[native code]", "", "[native code]", (None, None)),
        ("<?>.wasm-function[1]@[wasm code]", "<?>.wasm-function[1]", "[wasm code]", (None, None)),
        ("@[native code]", "", "[native code]", (None, None)),
        ("    at <anonymous>", "", "<anonymous>", (None, None)),
        ("    at async <anonymous>", "", "<anonymous>", (None, None)),
        ("2026-11-20 ERROR     at <anonymous>", "", "<anonymous>", (None, None)),
        (f"    at {WASM}", "", WASM, (None, None)),
        (f"    at main ({WASM})", "main", WASM, (None, None)),
        (f"main@{WASM}", "main", WASM, (None, None)),
        ("\tat java.lang.reflect.Method.invoke(Native Method)", REFLECTION, "Native Method", (None, None)),
        ("\tat java.lang.reflect.Method.invoke(Unknown Source)", REFLECTION, "Unknown Source", (None, None)),
        (
            "\tat java.base/java.lang.Thread.run(Thread.java:829)",
            "java.base/java.lang.Thread.run",
            "Thread.java",
            (829, None),
        ),
        ("    at a.b.c(SourceFile)", "a.b.c", "SourceFile", (None, None)),
        ("    at a.b.c(Cart.java)", "a.b.c", "Cart.java", (None, None)),
        ("    at a.b.c.d(SourceFile:33)", "a.b.c.d", "SourceFile", (33, None)),
        ("    at a.b.c(Unknown Source:12)", "a.b.c", "Unknown Source", (12, None)),
    ],
)
def test_each_engines_frame_is_read(line: str, function: str, url: str, position: tuple[int | None, ...]) -> None:
    """Function, address, line and column, each as the engine printed it."""
    assert read_frame(line) == TraceFrame(line, function, url, *position)


@pytest.mark.parametrize(
    "line",
    [
        "TypeError: Cannot read properties of undefined (reading 'total')",
        "Error: look at this (and that)",
        "at home",
        "Caused by: java.lang.NullPointerException: a.b.c",
        "    ... 5 more",
        "mail ada@northwind.example:1:2 about it",
        "TypeError: x is not a function at <anonymous>",
        f"RuntimeError: unreachable at {WASM}",
        "Error: look at this.thing(and that)",
        "Error: look at this.thing(Native Speaker)",
        "12:30:45",
        "TimeoutError: lock lost at 12:30:45",
        "TimeoutError: lock lost at 2026-11-27 12:30:45",
        "TimeoutError: lock lost at 2026-11-27T12:30:45",
        "TimeoutError: lock lost at 11/27/2026, 12:30:45",
        "TimeoutError: gave up at step (12:30:45)",
        "ada@12:30:45",
        "user@host",
        "node_modules/@scope/a.js:1:2",
        "    at f (1:2)",
        "    at f (a.js:x:2)",
        "    at f (a.js:1:99999999999)",
    ],
)
def test_other_lines_are_no_frames(line: str) -> None:
    """Messages may hold the word "at", an @ and numbers."""
    assert read_frame(line) is None


def test_several_traces_are_told_apart() -> None:
    """A line that is no frame begins the next trace; empty lines do not."""
    text = f"TypeError: x\nmore\n    at a ({JS}:1:2)\n\n    at b ({JS}:1:3)\nCaused by: y\n    at c ({JS}:1:4)\n"
    first, second = read_traces(text)
    assert (first.header, [frame.function for frame in first.frames]) == ("TypeError: x\nmore", ["a", "b"])
    assert (second.header, [frame.function for frame in second.frames]) == ("Caused by: y", ["c"])


@pytest.mark.parametrize(
    "line",
    [
        "[native code]",
        "    at <anonymous>",
        "\tat java.lang.reflect.Method.invoke(Native Method)",
        f"    at {WASM}",
        f"    at f ({WASM})",
    ],
)
def test_a_frame_without_a_place_does_not_end_a_trace(line: str) -> None:
    """What follows it belongs to the same error."""
    [trace] = read_traces(f"TypeError: x\n    at a ({JS}:1:2)\n{line}\n    at b ({JS}:1:3)\n")
    assert [frame.line for frame in trace.frames] == [1, None, 1]


def test_a_message_that_ends_in_a_time_stays_the_message() -> None:
    """It is the error, and no frame."""
    [trace] = read_traces(f"TimeoutError: lock lost at 12:30:45\n    at a ({JS}:1:2)\n")
    assert (trace.header, len(trace.frames)) == ("TimeoutError: lock lost at 12:30:45", 1)


@pytest.mark.parametrize("text", ["", "nothing here", "x" * (MAX_CHARACTERS + 1), "\n" * 3_000])
def test_a_text_without_frames_or_too_long_is_refused(text: str) -> None:
    """With the reason."""
    with pytest.raises(UnreadableTrace, match=r"No line|longer than"):
        read_traces(text)


@pytest.mark.attack("hostile stack traces")
@pytest.mark.parametrize(
    "part", ["at ", "at (", "(", "@", ":1", "eval at (", " line 1 > eval", "a@b:1:2 ", "at a (b:1:2)"]
)
def test_the_longest_text_takes_no_time(part: str) -> None:
    """As one line, and as many."""
    began = time.process_time()
    for text in (part * (MAX_CHARACTERS // len(part)), (part * 30 + "\n")[: MAX_CHARACTERS // 2_000] * 1_999):
        try:
            read_traces(text)
        except UnreadableTrace:
            continue
    assert time.process_time() - began < 2
