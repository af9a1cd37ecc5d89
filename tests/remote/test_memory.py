"""Every limit reached at once: the replica stays in the memory that its deployment allows, and answers."""

import json
import re
import socket
import time
from collections import Counter
from contextlib import ExitStack, suppress

import httpx
import pytest

from tests.support.deployment import memory_limit
from tests.support.memory import needs_proc, peak_memory
from tests.support.misbehaving import misbehave
from tests.support.replies import PAGE, RELEASE, json_of
from tests.support.serving import NO_AUTHORITIES, Serving, call_body, get, posting, serving
from tests.support.waiting import until

pytestmark = pytest.mark.attack("every limit at once")

POST = "POST /mcp HTTP/1.1"
IN_WORDS = (
    "timed_out: 127.0.0.1",
    "429 This key has 32 requests in flight here; wait until",
    "503 This replica has as many requests in flight as it can work on; try again",
)
HEADS, BODIES, STREAMS, CALLS, SESSIONS = 60, 90, 100, 200, 500
LARGE = json_of(PAGE | {"results": [RELEASE] * (1_900_000 // len(json.dumps(RELEASE)))})


def slowly(connection: socket.socket) -> None:
    """Answer with two megabytes, after all callers have come."""
    time.sleep(3)
    connection.sendall(LARGE)


def begin(replica: Serving, key: str, request: str, body: str = "", missing: int = 0) -> socket.socket:
    """Send a request, or all but so many bytes of its body, and leave its connection open."""
    connection = socket.create_connection(("127.0.0.1", httpx.URL(replica.url).port or 0), timeout=10)
    sent = posting(key, Host="localhost") | ({"Content-Length": str(len(body) + missing)} if body else {})
    head = "\r\n".join([request, *(f"{name}: {value}" for name, value in sent.items())])
    connection.sendall((f"{head}\r\n\r\n{body}" if request else "POST").encode())
    return connection


def open_session(client: httpx.Client, key: str) -> None:
    """Connect as a client of the older protocol that can ask its user."""
    about = {"name": "test", "version": "0"}
    hello = {"protocolVersion": "2025-11-25", "capabilities": {"elicitation": {}}, "clientInfo": about}
    body = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello}
    assert client.post("/mcp", json=body, headers=posting(key)).status_code == 200


@needs_proc
@pytest.mark.slow
def test_every_limit_at_once_fits_into_the_memory_of_the_deployment() -> None:
    """Slow heads and bodies, streams, sessions, and calls for large answers: each succeeds or says why not."""
    # A call that finds no place for its answer waits as long as it may; the most is held before the first one gives up.
    with (
        misbehave(slowly) as upstream,
        serving(POSTHOG_HOST=upstream.url, ERRTRACK_TIMEOUT="15") as replica,
        ExitStack() as stack,
    ):
        with httpx.Client(base_url=replica.url, timeout=60, verify=NO_AUTHORITIES) as client:
            for number in range(SESSIONS):
                open_session(client, f"phx_session_{number % 25}")
        begun = [begin(replica, f"phx_stream_{number % 10}", "GET /sse HTTP/1.1") for number in range(STREAMS)]
        begun += [begin(replica, f"phx_body_{number}", POST, " " * 60_000, 4_000) for number in range(BODIES)]
        calls = [begin(replica, f"phx_call_{number % 10}", POST, json.dumps(call_body())) for number in range(CALLS)]
        begun += [begin(replica, "phx_head", "") for number in range(HEADS)]
        for connection in begun + calls:
            stack.enter_context(connection)
        until(lambda: len(upstream.requests) > CALLS // 2, 30)
        until(lambda: "errtrack_calls_in_flight 0.0" in metrics(replica), 120)
        peak = peak_memory(replica.process.pid)
        outcomes = Counter(outcome_of(connection) for connection in calls)
    print(outcomes, f"peak {peak / 1_048_576:.0f} MiB")
    assert peak < memory_limit()
    assert outcomes.pop("ok") >= 1, outcomes
    assert all(outcome.startswith(IN_WORDS) for outcome in outcomes), outcomes


def outcome_of(connection: socket.socket) -> str:
    """Read the answer to a call, and return ok, the words of its refusal, or that there was none."""
    received = b""
    with suppress(TimeoutError, ConnectionResetError):
        while b"\r\n\r\n" not in received or len(received.partition(b"\r\n\r\n")[2]) < length_in(received):
            chunk = connection.recv(100_000)
            if not chunk:
                break
            received += chunk
    head, _, body = received.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200 "):
        return f"{head[9:12].decode()} {body.decode()}" if head else "no answer"
    result = json.loads(body)["result"]
    return str(result["content"][0]["text"]) if result["isError"] else "ok"


def length_in(head: bytes) -> int:
    """Return the length that an answer announces."""
    found = re.search(rb"content-length: (\d+)", head)
    return int(found[1]) if found else 0


def metrics(replica: Serving) -> str:
    """Read the metrics, which are answered all the while."""
    answer = get(f"{replica.url}/metrics", timeout=30)
    assert answer.status_code == 200
    return answer.text
