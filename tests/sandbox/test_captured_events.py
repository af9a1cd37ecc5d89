"""Bodies of events, in every form that SDKs send, and what is refused."""

import base64
import gzip
import json
from typing import Any
from urllib.parse import quote

import pytest

from errtrack_mcp.sandbox import captured_events
from errtrack_mcp.sandbox.captured_events import (
    MAX_EVENTS,
    MAX_FRAMES,
    CapturedEvent,
    Unreadable,
    distinct_id,
    read_captured,
    read_exceptions,
)

EVENT = {"event": "$exception", "distinct_id": "v", "properties": {"$exception_list": [{"type": "Error"}]}}
PAGE_EVENT = {"event": "$exception", "properties": {"token": "phc_x", "distinct_id": "v"}}
BATCH = {"api_key": "phc_x", "sent_at": "2026-09-20T12:00:00Z", "batch": [EVENT]}


def as_bytes(value: Any) -> bytes:
    """Write JSON."""
    return json.dumps(value).encode()


def event_with(frames: list[dict[str, Any]]) -> CapturedEvent:
    """Make an event of one exception with these frames."""
    listed = [{"type": "Error", "stacktrace": {"type": "raw", "frames": frames}}]
    return CapturedEvent(event="$exception", distinct_id="v", properties={"$exception_list": listed})


@pytest.mark.parametrize(
    ("content", "compression"),
    [
        (as_bytes(BATCH), None),  # posthog-python
        (gzip.compress(as_bytes(BATCH)), None),  # posthog-node
        (as_bytes({**EVENT, "token": "phc_x"}), None),
        (as_bytes({**EVENT, "api_key": "phc_x"}), None),
        (as_bytes([PAGE_EVENT, PAGE_EVENT]), None),  # posthog-js
        (gzip.compress(as_bytes([PAGE_EVENT])), "gzip-js"),
        (b"data=" + quote(base64.b64encode(as_bytes(PAGE_EVENT))).encode(), "base64"),  # when a page is left
    ],
    ids=["batch", "gzip", "token", "api_key", "list", "list in gzip", "form"],
)
def test_each_form_of_the_sdks_is_read(content: bytes, compression: str | None) -> None:
    """The token stands beside the events, or in the properties of the first."""
    captured = read_captured(content, compression)
    assert captured.token == "phc_x"
    assert {event.event for event in captured.events} == {"$exception"}
    assert {distinct_id(event) for event in captured.events} == {"v"}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (as_bytes({**BATCH, "batch": [json.loads("[" * 150 + "]" * 150)]}), "nested more than 100 deep"),
        (b'{"api_key": "phc_x", "batch": [NaN]}', "not JSON"),
        (b'"text"', "neither an event"),
        (as_bytes({**BATCH, "batch": "text"}), "neither an event"),
        (as_bytes([1]), "neither an event"),
        (as_bytes(EVENT), "names no project"),
        (as_bytes({**EVENT, "token": 5}), "names no project"),
        (as_bytes({"api_key": "phc_x", "batch": [{"properties": {}}]}), "events.0.event"),
        (as_bytes({"api_key": "phc_x", "batch": [EVENT] * (MAX_EVENTS + 1)}), "events"),
        (gzip.compress(as_bytes(BATCH))[:-9], "ends too early"),
        (b"\x1f\x8bnot gzip", "damaged"),
        (b"data=%%%", "base64"),
    ],
)
def test_what_is_no_body_of_events_is_refused(content: bytes, reason: str) -> None:
    """With a reason, and in no more time than it takes to read."""
    with pytest.raises(Unreadable, match=reason):
        read_captured(content)


def test_a_bomb_is_unpacked_to_no_more_than_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit holds before and after unpacking."""
    monkeypatch.setattr(captured_events, "MAX_BODY_BYTES", 50_000)
    for content in (gzip.compress(bytes(1_000_000)), b" " * 50_001):
        with pytest.raises(Unreadable, match="more than") as refused:
            read_captured(content)
        assert refused.value.status == 413


def test_half_a_pair_of_surrogates_is_replaced() -> None:
    """JavaScript sends one where it has cut a text within a character; it could not be stored."""
    content = as_bytes({**BATCH, "batch": [{**EVENT, "distinct_id": "cut \ud83d"}]})
    assert distinct_id(read_captured(content).events[0]) == "cut ?"


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        ({"platform": "java", "function": "a"}, "platform"),
        ({"function": "a"}, "platform"),
        ({"platform": "python", "lineno": -1}, "lineno"),
        ({"platform": "node:javascript", "lineno": 1, "colno": 2**32}, "colno"),
        ({"platform": "web:javascript", "chunk_id": "x" * 3_000}, "chunk_id"),
    ],
)
def test_a_frame_that_is_not_known_is_refused(frame: dict[str, Any], reason: str) -> None:
    """It is told by its place."""
    with pytest.raises(Unreadable, match=rf"exception_list.0.stacktrace.frames.0.{reason}"):
        read_exceptions(event_with([frame]))


def test_frames_are_bounded() -> None:
    """An event with more is refused."""
    frame = {"platform": "python"}
    assert read_exceptions(event_with([frame] * MAX_FRAMES)).exceptions
    with pytest.raises(Unreadable, match="1,001 frames"):
        read_exceptions(event_with([frame] * (MAX_FRAMES + 1)))


def test_an_exception_event_needs_exceptions_and_an_owner() -> None:
    """A long message is cut."""
    with pytest.raises(Unreadable, match="exception_list"):
        read_exceptions(CapturedEvent(event="$exception", properties={"$exception_list": []}))
    with pytest.raises(Unreadable, match="distinct_id"):
        distinct_id(CapturedEvent(event="$exception"))
    event = CapturedEvent(event="$exception", properties={"$exception_list": [{"type": "E", "value": "x" * 20_000}]})
    assert len(read_exceptions(event).exceptions[0].value) == 10_000
