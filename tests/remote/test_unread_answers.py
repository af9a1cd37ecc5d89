"""Answers that nobody reads: what a replica holds of them is bounded for each key and in all."""

import json
import socket
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack

import httpx
import pytest

from errtrack_mcp.remote.connections import MAX_UNREAD, MAX_UNREAD_OF_KEY
from errtrack_mcp.remote.unread_events import MAX_WAITING_OF_KEY
from tests.support.deployment import mmap_threshold
from tests.support.memory import memory, needs_proc
from tests.support.misbehaving import misbehave
from tests.support.replies import PAGE, RELEASE, json_of
from tests.support.serving import Serving, call_body, get, post, posting, serving
from tests.support.waiting import until

pytestmark = [needs_proc, pytest.mark.slow, pytest.mark.attack("answers that are not read")]

INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "test", "version": "0"}},
}
INITIALIZED = {"jsonrpc": "2.0", "method": "notifications/initialized"}
ROWS = [{**RELEASE, "metadata": {"texts": ['"' * 900] * 100}}] * 10  # 1.8 MB, of which an answer makes 5.4 MB
WHOLE = call_body(detail="full", max_tokens=1_000_000)
KEY = "phx_caller"
CALLS = 40
SLACK = 25_000_000  # what one more call takes while it is made


@pytest.fixture
def replica() -> Iterator[Serving]:
    """Serve in front of a PostHog whose lists are as large as is read."""
    large = json_of(PAGE | {"results": ROWS})
    as_in_the_image = mmap_threshold()
    with (
        misbehave(large) as upstream,
        serving(POSTHOG_HOST=upstream.url, MALLOC_MMAP_THRESHOLD_=as_in_the_image) as running,
    ):
        yield running


def never_read(replica: Serving, key: str, request: str = "POST /mcp HTTP/1.1") -> socket.socket:
    """Send a request over a connection whose answer is left in it."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.settimeout(20)
    connection.connect(("127.0.0.1", httpx.URL(replica.url).port))
    content = json.dumps(WHOLE)
    sent = posting(key, Host="localhost") | {"Content-Length": str(len(content))}
    head = "\r\n".join([request, *(f"{name}: {value}" for name, value in sent.items())])
    connection.sendall(f"{head}\r\n\r\n{content}".encode())
    return connection


def metrics(replica: Serving) -> str:
    """Read the metrics."""
    return get(f"{replica.url}/metrics", timeout=30).text


def answered(replica: Serving) -> int:
    """Return how many calls have ended."""
    lines = [line for line in metrics(replica).splitlines() if line.startswith("errtrack_calls_total")]
    return int(sum(float(line.split()[-1]) for line in lines))


def assert_served(replica: Serving) -> None:
    """Let another caller read the same answer."""
    answer = post(f"{replica.url}/mcp", json=WHOLE, headers=posting("phx_another"), timeout=30)
    assert len(answer.json()["result"]["structuredContent"]["results"]) == len(ROWS)


@pytest.mark.parametrize(
    ("keys", "held"), [(1, MAX_UNREAD_OF_KEY), (CALLS, MAX_UNREAD)], ids=["of one key", "of many keys"]
)
def test_answers_that_are_not_read_take_little_memory(replica: Serving, keys: int, held: int) -> None:
    """They are 216 MB; the next caller is served."""
    assert_served(replica)
    before = memory(replica.process.pid)
    with ExitStack() as stack:
        for number in range(CALLS):
            stack.enter_context(never_read(replica, f"phx_caller_{number % keys}"))
            until(lambda number=number: answered(replica) == number + 2, 60)  # type: ignore[misc]
        grown = memory(replica.process.pid) - before
        assert_served(replica)
    assert grown < held + SLACK, grown


def test_streams_that_are_not_read_take_little_memory(replica: Serving) -> None:
    """Their messages are taken one after the other, and the answers pile up behind the first."""
    assert_served(replica)
    before = memory(replica.process.pid)
    with ExitStack() as stack:
        paths = [opened(replica, stack.enter_context(never_read(replica, KEY, "GET /sse HTTP/1.1"))) for _ in range(4)]
        taken = Counter(post_message(replica, path, WHOLE) for path in paths * 15)
        until(lambda: "errtrack_calls_in_flight 0.0" in metrics(replica), 60)
        grown = memory(replica.process.pid) - before
        assert_served(replica)
    assert set(taken) == {202, 404}, taken
    assert grown < 10 * MAX_WAITING_OF_KEY, grown  # they are 320 MB, and what they are made of as much again


def opened(replica: Serving, connection: socket.socket) -> str:
    """Read where a stream's messages are posted to, and post the first ones; nothing else is read of it."""
    head = b""
    while b"session_id=" not in head or not head.endswith(b"\r\n\r\n"):
        head += connection.recv(1000)
    path = head.split(b"data: ")[1].split()[0].decode()
    assert [post_message(replica, path, message) for message in (INITIALIZE, INITIALIZED)] == [202, 202]
    return path


def post_message(replica: Serving, path: str, message: object) -> int:
    """Post a message to a stream, and return the status."""
    return post(replica.url + path, json=message, headers=posting(KEY), timeout=30).status_code
