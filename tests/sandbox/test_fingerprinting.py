"""Which events are one issue."""

from typing import Any

import pytest

from errtrack_mcp.sandbox.fingerprinting import fingerprint

READABLE = {"raw_id": "a/0", "in_app": True, "resolved": True, "mangled_name": "t", "resolved_name": "total"}
READABLE |= {"source": "src/cart.ts", "line": 4, "column": 2, "lang": "javascript"}
MINIFIED = {name: value for name, value in READABLE.items() if name != "resolved_name"} | {"resolved": False}


def of(*frames: dict[str, Any], value: str = "no prices") -> str:
    """Return the fingerprint of an exception with these frames."""
    return fingerprint([{"type": "Error", "value": value, "stacktrace": {"frames": list(frames)}}])[0]


@pytest.mark.parametrize("change", [{"line": 9}, {"column": 9}, {"mangled_name": "x"}, {"raw_id": "b/0"}])
def test_a_readable_frame_counts_by_its_names(change: dict[str, Any]) -> None:
    """Another line, or another build, is the same issue."""
    assert of(READABLE | change) == of(READABLE)


@pytest.mark.parametrize("change", [{"source": "src/x.ts"}, {"resolved_name": "x"}, {"module": "x"}])
def test_another_name_is_another_issue(change: dict[str, Any]) -> None:
    """Its function, file or module."""
    assert of(READABLE | change) != of(READABLE)


def test_an_upload_begins_a_new_issue() -> None:
    """A minified frame counts by its position."""
    assert of(MINIFIED) != of(READABLE)
    assert of(MINIFIED) != of(MINIFIED | {"column": 3})


def test_frames_of_the_app_decide_and_of_those_the_readable_ones() -> None:
    """Where none is of the app it is the first frame."""
    library = READABLE | {"in_app": False, "source": "node_modules/x.js"}
    assert of(library, MINIFIED, READABLE) == of(READABLE)
    assert of(library, library | {"source": "y"}) == of(library)


def test_the_message_decides_only_without_a_stack() -> None:
    """With one it changes from event to event."""
    assert of(READABLE, value="other") == of(READABLE)
    assert of(value="other") != of()


def test_the_record_names_what_decided() -> None:
    """The frames by their raw ids."""
    _, record = fingerprint([{"type": "Error", "value": "", "id": "x", "stacktrace": {"frames": [READABLE]}}])
    assert record == [
        {"type": "exception", "id": "x", "pieces": ["Exception Type"]},
        {"type": "frame", "raw_id": "a/0", "pieces": ["Source file name", "Resolved function name"]},
    ]
