"""The routes that SDKs send to."""

import gzip
import json
from datetime import timedelta

import httpx
import pytest

from errtrack_mcp.sandbox import capture, captured_frames
from errtrack_mcp.sandbox.capture import happened
from errtrack_mcp.sandbox.captured_events import CapturedEvent
from errtrack_mcp.sandbox.database import Database
from tests.support.capturing import FRAME, TOKEN, UPLOADED, exception_event, send, stored
from tests.support.project import NOW
from tests.support.serving import post


@pytest.mark.parametrize("path", ["/batch/", "/batch", "/e/", "/e", "/i/v0/e/", "/i/v0/e"])
def test_each_route_takes_events(origin: str, database: Database, path: str) -> None:
    """One that is no exception is taken and not kept."""
    answer = send(origin, exception_event(), {"event": "$pageview", "distinct_id": "v"}, path=path)
    assert (answer.status_code, answer.json()) == (200, {"status": "Ok"})
    [properties] = stored(database)
    assert properties["$exception_types"] == ["TypeError"]


def test_a_page_of_another_address_may_send(origin: str, database: Database) -> None:
    """A browser asks before it sends JSON; packed events it sends as text, and says so in the address."""
    asked = {"Origin": "http://shop.example", "Access-Control-Request-Method": "POST"}
    asked["Access-Control-Request-Headers"] = "content-type"
    assert httpx.options(f"{origin}/i/v0/e/", headers=asked).headers["access-control-allow-origin"] == "*"
    event = exception_event(FRAME | {"chunk_id": "none"})
    event["properties"] |= {"token": TOKEN, "distinct_id": event.pop("distinct_id")}
    content = gzip.compress(json.dumps([event]).encode())
    sent = post(f"{origin}/e/?ver=1.449.2&compression=gzip-js", content=content, headers={"Origin": "http://x"})
    assert sent.status_code == 200
    [properties] = stored(database)
    assert "token" not in properties


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize(
    ("content", "status", "reason"),
    [
        (b'{"api_key": "phc_other", "batch": []}', 401, "token is that of no project"),
        (b'{"batch": []}', 401, "names no project"),
        (b"{", 400, "not JSON"),
        (bytes((20 << 20) + 1), 413, "more than 20 MB"),
    ],
)
def test_what_is_not_taken_is_told(origin: str, content: bytes, status: int, reason: str) -> None:
    """In a sentence."""
    answer = post(f"{origin}/batch/", content=content)
    assert answer.status_code == status
    assert answer.text.startswith("The body was not taken: ")
    assert reason in answer.text


def test_a_body_is_stored_whole_or_not_at_all(origin: str, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """One event that cannot be read, too many frames or too many files leave nothing behind."""
    good = exception_event(FRAME | {"chunk_id": UPLOADED})
    refused = [send(origin, good, exception_event({"platform": "java"})), send(origin, good, {"event": "x"})]
    monkeypatch.setattr(capture, "MAX_BODY_FRAMES", 1)
    refused.append(send(origin, good, good))
    monkeypatch.undo()
    monkeypatch.setattr(captured_frames, "MAX_FILES", 0)
    refused.append(send(origin, good))
    assert [answer.status_code for answer in refused] == [400] * 4
    assert stored(database) == []


@pytest.mark.parametrize(
    ("event", "sent_at", "ago"),
    [
        ({"timestamp": "2026-09-20T11:59:00Z"}, None, 60),
        ({"timestamp": "2020-01-01T00:00:00Z"}, "2020-01-01T00:00:09+00:00", 9),  # its clock is wrong
        ({"offset": 3_000}, None, 3),
        ({"timestamp": "2030-01-01T00:00:00Z"}, None, 0),
        ({"timestamp": "2026-09-20T11:59:00"}, None, 60),
        ({"timestamp": "yesterday"}, None, 0),
        ({"offset": 10**30}, None, 0),
        ({}, None, 0),
    ],
)
def test_an_event_happened_as_long_ago_as_its_sender_says(
    event: dict[str, object], sent_at: str | None, ago: int
) -> None:
    """By this machine's clock, never in the future, and now where it does not say."""
    captured = CapturedEvent.model_validate({"event": "$exception", **event})
    assert happened(captured, sent_at, NOW) == NOW - timedelta(seconds=ago)
