"""Many calls to one process, faults among them: all answered, no memory and no sockets kept."""

import gzip
import itertools
import json
import os
import socket
import threading
import time
from typing import Any

import psutil
import pytest
from starlette.types import Receive, Scope, Send

from tests.support.fixtures import Spawn
from tests.support.installed import Session
from tests.support.misbehaving import Reply, http, misbehave, reset
from tests.support.replies import ID, KEY, PAGE, RELEASE, SYMBOL_SET, json_of
from tests.support.upstream import serve

CALLS = int(os.environ.get("ERRTRACK_SOAK_CALLS", "2000"))
WARM_UP = min(2000, CALLS // 2)
KEPT_A_CALL = 5_500  # bytes by which memory may grow with each call
IN_FLIGHT = 32
KEPT_ALIVE = 64
TURNS = itertools.count()
SHORT = json.dumps({**PAGE, **SYMBOL_SET, **RELEASE}).encode()
LARGE = gzip.compress(b" " * 21_000_000, 1)

MIX: list[tuple[str, dict[str, Any]]] = [
    ("error-tracking-releases-list", {"limit": 10}),
    ("error-tracking-releases-retrieve", {"id": ID}),
    ("error-tracking-releases-create", {"version": "1", "project": "app"}),
    ("error-tracking-symbol-sets-list", {"status": "invalid"}),
    ("error-tracking-releases-partial-update", {"id": ID, "version": "2"}),
    ("error-tracking-releases-list", {"limit": "many", "nonsense": 1}),
    ("error-tracking-symbol-sets-retrieve", {"id": ID}),
    ("error-tracking-releases-hash-retrieve", {"hash_id": "a/b"}),
]


def slow(connection: socket.socket) -> None:
    """Answer after a moment."""
    time.sleep(0.05)
    connection.sendall(json_of({**PAGE, **RELEASE}))


GOOD = json_of({**PAGE, **SYMBOL_SET, **RELEASE})
REPLIES: list[Reply] = [
    *[GOOD] * 28,
    http(500),
    reset,
    http(200, '{"id": "trunc'),
    http(502, "<html><title>Bad gateway</title>", "text/html"),
    http(404, json.dumps({"code": "not_found", "detail": "Not found."})),
    slow,
    http(301, Location="https://elsewhere.example/"),
]


@pytest.mark.slow
def test_a_long_life_keeps_nothing(spawn: Spawn) -> None:
    """Every call is answered; memory grows by at most 10% after the warm-up, and sockets do not add up."""
    with misbehave(*REPLIES, in_turn=True) as upstream:
        settings = {"POSTHOG_HOST": upstream.url, "POSTHOG_PERSONAL_API_KEY": KEY, "ERRTRACK_TIMEOUT": "20"}
        with spawn(**settings) as session:
            session.initialize("2025-11-25")
            process = psutil.Process(session.process.pid)
            began = time.monotonic()
            assert drive(session, WARM_UP) == WARM_UP
            warm = process.memory_info().rss
            assert drive(session, CALLS - WARM_UP) == CALLS - WARM_UP
            after = process.memory_info().rss
            sockets = len(process.net_connections())
            seconds = time.monotonic() - began
            assert session.close() == 0
            assert "canary" not in session.errors()
    print(f"\n{CALLS} calls in {seconds:.0f} s: {warm / 1e6:.1f} MB after {WARM_UP}, {after / 1e6:.1f} MB at the end, ")
    print(f"{sockets} sockets open, {len(upstream.requests)} requests upstream")
    assert after - warm <= min(0.1 * warm, KEPT_A_CALL * (CALLS - WARM_UP))
    assert sockets == 0


async def kept_open(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer on connections that stay open; some requests get no answer, half of one, or one that is far too large."""
    assert scope["type"] == "http"
    turn = next(TURNS) % 100
    if turn % 20 == 0:
        while (await receive())["type"] != "http.disconnect":
            pass
        return
    body, headers = SHORT, [(b"content-type", b"application/json")]
    if turn == 1:
        body = LARGE
        headers.append((b"content-encoding", b"gzip"))
    broken_off = turn % 20 == 2
    headers.append((b"content-length", str(len(body) + broken_off).encode()))
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": broken_off})


@pytest.mark.slow
def test_connections_that_are_kept_do_not_add_up(spawn: Spawn) -> None:
    """Calls given up half-way hand their connections back: later calls still find one, and idle ones are closed."""
    calls = CALLS // 3
    with serve(kept_open) as upstream:
        settings = {"POSTHOG_HOST": upstream.url, "POSTHOG_PERSONAL_API_KEY": KEY, "ERRTRACK_TIMEOUT": "2"}
        with spawn(**settings) as session:
            session.initialize("2025-11-25")
            process = psutil.Process(session.process.pid)
            assert drive(session, calls) == calls
            assert len(upstream.requests) > calls // 2
            assert len(process.net_connections()) <= KEPT_ALIVE
            deadline = time.monotonic() + 15
            while len(process.net_connections()) > 1:
                assert time.monotonic() < deadline
                drive(session, 1)
                time.sleep(0.1)


def drive(session: Session, calls: int) -> int:
    """Make that many calls with 32 under way at once, and return how many were answered."""
    room = threading.Semaphore(IN_FLIGHT)
    first = 1_000_000

    def send() -> None:
        for number in range(calls):
            room.acquire()
            name, arguments = MIX[number % len(MIX)]
            session.send("tools/call", {"name": name, "arguments": arguments}, id=first + number)

    sender = threading.Thread(target=send, daemon=True)
    sender.start()
    answered: set[int] = set()
    while len(answered) < calls:
        message = session.receive()
        assert "result" in message, message
        answered.add(message["id"])
        room.release()
    sender.join()
    return len(answered)
