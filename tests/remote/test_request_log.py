"""The log: no value forges a line or a field, and no line holds a key."""

import io
import json
import logging

import pytest

from errtrack_mcp.remote.metrics import Metrics
from errtrack_mcp.remote.replica import Replica
from errtrack_mcp.remote.request_log import FIELDS, REQUEST_ID, LogFormatter, RepeatFilter, RequestLogMiddleware
from tests.support.asgi import call, echo, scope_of

HOSTILE = "x\n2026-01-01T00:00:00.000+00:00 info call tool=forged\x1b[2J\u2028 status=200"


def line(message: str, *, as_json: bool = False, error: Exception | None = None, **fields: object) -> str:
    """Write one record."""
    record = logging.makeLogRecord({"msg": message, "levelname": "INFO", "name": "test", FIELDS: fields})
    if error is not None:
        record.exc_info = (type(error), error, error.__traceback__)
    return LogFormatter(as_json=as_json).format(record)


@pytest.mark.parametrize("as_json", [True, False])
def test_no_value_begins_a_line_or_reaches_the_terminal(as_json: bool) -> None:  # noqa: FBT001
    """Neither a message of the SDK nor a fact."""
    for written in (line(HOSTILE, as_json=as_json), line("request", as_json=as_json, path=HOSTILE)):
        assert len(written.splitlines()) == 1
        assert written.isascii()
        assert "\x1b" not in written


def test_no_value_forges_a_field() -> None:
    """What has blanks or equals signs is quoted."""
    assert line("request", path="/a status=200").endswith(' path="/a status=200"')
    assert line("request", path='/a" status="200').endswith(' path="/a\\" status=\\"200"')
    assert line("status=200 ").count(' "status=200 " ') == 1


def test_a_traceback_is_read_line_by_line_and_forges_none() -> None:
    """Every line of it is marked."""
    with pytest.raises(KeyError) as raised:
        dict[str, str]()[HOSTILE]
    written = line("crashed", error=raised.value)
    first, *rest = written.split("\n")
    assert "crashed" in first
    assert len(rest) > 2
    assert all(one.startswith("    | ") for one in rest)
    assert "\x1b" not in written


@pytest.mark.parametrize("as_json", [True, False])
def test_no_line_holds_a_key(as_json: bool) -> None:  # noqa: FBT001
    """Wherever it came from."""
    error = ValueError("input_value='phx_secret'")
    written = line("the key phx_secret", as_json=as_json, error=error, path="/pha_secret?x=phs_secret")
    assert "secret" not in written
    assert "phx_***" in written


def test_a_long_value_is_cut() -> None:
    """A log line is no place for a body."""
    assert len(line("x" * 100_000)) < 1000


def test_numbers_stay_numbers_in_json() -> None:
    """A machine adds them up."""
    written = json.loads(line("request", as_json=True, status=200, ms=1.5))
    assert (written["status"], written["ms"]) == (200, 1.5)


def test_a_repeated_message_is_written_once_in_ten_seconds() -> None:
    """A loop that fails thousands of times a second says so once."""
    now = 0.0
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.addFilter(RepeatFilter(clock=lambda: now))
    for _ in range(1000):
        handler.handle(logging.makeLogRecord({"msg": "socket.accept() out of system resource\nsocket: 1"}))
    now = 11
    handler.handle(logging.makeLogRecord({"msg": "socket.accept() out of system resource\nsocket: 1"}))
    assert stream.getvalue().count("out of system resource") == 2


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("given", "kept"), [(["from-the-proxy-1"], True), (["not an id!"], False), (["a" * 65], False), (["a", "b"], False)]
)
async def test_a_requests_own_id_is_kept_where_it_is_one(given: list[str], kept: bool) -> None:  # noqa: FBT001
    """Another one is made in place of what could forge or collide."""
    scope = scope_of()
    scope["headers"] += [(b"x-request-id", value.encode()) for value in given]
    response = await call(RequestLogMiddleware(echo(), Replica(Metrics())), scope)
    assert (scope[REQUEST_ID] == given[0]) is kept
    assert response.headers["x-request-id"] == scope[REQUEST_ID]
