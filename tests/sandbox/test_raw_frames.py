"""Raw frames as they are stored, platform by platform."""

from typing import Any

import pytest

from errtrack_mcp.sandbox.captured_events import RawFrame
from errtrack_mcp.sandbox.raw_frames import as_stored, missing_text, reference, stored_id
from errtrack_mcp.symbolication.places import Original

URL = "https://shop.northwind.example/static/app.js"
PAGE = RawFrame(platform="web:javascript", filename=URL, function="t", lineno=1, colno=900)
NODE = RawFrame(platform="node:javascript", filename="dist/app.js", function="t", lineno=1, colno=9, chunk_id="c1")
ORIGINAL = Original("total", "src/cart.ts", 4, 2, "return x;", ("a", "b"), ("c",))


def changed(frame: RawFrame, **fields: Any) -> RawFrame:
    """Return a frame with other fields."""
    return frame.model_copy(update=fields)


@pytest.mark.parametrize(
    ("frame", "ref"),
    [
        (PAGE, URL),
        (changed(PAGE, filename=f"{URL}:1:900"), URL),
        (changed(PAGE, chunk_id="c1"), "c1"),
        (changed(PAGE, filename="app:///x.js"), None),
        (changed(PAGE, colno=None), None),
        (NODE, "c1"),
        (changed(NODE, chunk_id=None), None),
        (RawFrame(platform="python", filename="app.py", lineno=3), None),
    ],
)
def test_the_ref_is_the_chunk_id_or_the_address(frame: RawFrame, ref: str | None) -> None:
    """A server's frame without a chunk id, and one without a position, need no map."""
    assert reference(frame) == ref


@pytest.mark.parametrize("frame", [PAGE, NODE])
def test_a_map_gives_the_original_place(frame: RawFrame) -> None:
    """The frame as it was sent stays in it; lines before it ascend."""
    contents, context = as_stored(frame, ORIGINAL)
    found = {name: contents[name] for name in ("resolved_name", "source", "line", "column", "resolved", "in_app")}
    assert list(found.values()) == ["total", "src/cart.ts", 4, 2, True, True]
    assert contents["junk_drawer"]["raw_frame"]["colno"] == frame.colno
    assert "resolve_failure" not in contents
    assert context is not None
    assert [line["number"] for part in ("before", "after") for line in context[part]] == [2, 3, 5]


def test_a_dependency_is_not_of_the_app() -> None:
    """Whatever its SDK said."""
    dependency = Original("f", "../node_modules/react/index.js", 1, 1)
    assert as_stored(PAGE, dependency)[0]["in_app"] is False
    assert as_stored(changed(NODE, chunk_id=None, filename="node:fs"))[0]["in_app"] is False
    installed = "/usr/lib/python3/site-packages/x.py"
    assert as_stored(RawFrame(platform="python", abs_path=installed, filename="x.py"))[0]["in_app"] is False
    assert as_stored(RawFrame(platform="python", filename="json.py", module="json.decoder"))[0]["in_app"] is False


@pytest.mark.parametrize(
    ("frame", "failure", "resolved"),
    [
        (changed(PAGE, chunk_id="c1"), "No sourcemap uploaded for chunk id: c1", False),
        (PAGE, f"Could not find sourcemap for source url: {URL}", False),
        (changed(PAGE, colno=300), f"Could not find sourcemap for source url: {URL}", True),
        (NODE, "No sourcemap uploaded for chunk id: c1", True),
        (changed(NODE, post_context=["x" * 400]), "No sourcemap uploaded for chunk id: c1", False),
    ],
)
def test_without_a_map_the_text_says_so(frame: RawFrame, failure: str, *, resolved: bool) -> None:
    """A frame of Node counts as resolved all the same, and so does a short line of a page."""
    assert missing_text(frame) == failure
    contents, _ = as_stored(frame, failure=failure)
    assert (contents["resolve_failure"], contents["resolved"]) == (failure, resolved)
    assert ("resolved_name" in contents) is resolved


def test_a_frame_without_a_place_has_nothing_to_look_up() -> None:
    """One without a position has no failure; one without an address has."""
    contents, _ = as_stored(changed(PAGE, lineno=None, filename="<anonymous>"))
    assert (contents["resolved"], contents["in_app"], "line" in contents) == (True, False, False)
    contents, _ = as_stored(changed(PAGE, filename="app:///x.js"))
    assert contents["resolve_failure"] == "This frame had no source url or chunk id"


def test_python_brings_its_lines_along_with_the_nearest_first() -> None:
    """No map is needed."""
    raw = RawFrame(
        platform="python", function="f", filename="app.py", lineno=3, context_line="z", pre_context=["x", "y"]
    )
    contents, context = as_stored(raw)
    assert (contents["resolved_name"], contents["source"], contents["lang"]) == ("f", "app.py", "python")
    assert context is not None
    assert context["before"] == [{"number": 2, "line": "y"}, {"number": 1, "line": "x"}]
    assert "junk_drawer" not in contents


def test_a_chunk_id_is_no_part_of_the_raw_id() -> None:
    """Two builds at one address share the row of a position."""
    assert stored_id(PAGE) == stored_id(changed(PAGE, chunk_id="c1"))
    assert stored_id(PAGE) != stored_id(changed(PAGE, colno=901))
    assert stored_id(NODE) != stored_id(changed(NODE, context_line="x"))
