"""Connections: too many, too slow, and more than there are files for. Each test serves on a socket."""

import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import SimpleNamespace

import anyio
import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from errtrack_mcp.remote.auth import CALLER
from errtrack_mcp.remote.connections import LimitedProtocol
from errtrack_mcp.sandbox.seed import FULL_KEY
from tests.support.installed import COMMAND, environment
from tests.support.serving import NO_AUTHORITIES, get, posting, serving
from tests.support.waiting import until

pytestmark = pytest.mark.attack("connections held open")

HEALTH = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"


async def large(request: Request) -> PlainTextResponse:
    """Answer with more than the buffers between two processes hold; who asks is named by a header."""
    if name := request.headers.get("x-caller"):
        request.scope[CALLER] = SimpleNamespace(key_hash=name)
    return PlainTextResponse("x" * 30_000_000)


async def small(_request: Request) -> PlainTextResponse:
    """Answer."""
    return PlainTextResponse("ok")


async def never(request: Request) -> PlainTextResponse:
    """Wait for a body that does not come."""
    await request.body()
    return PlainTextResponse("ok")


async def later(_request: Request) -> PlainTextResponse:
    """Take longer than a head may take."""
    await anyio.sleep(0.5)
    return PlainTextResponse("ok")


@contextmanager
def limited(**limits: float) -> Iterator[tuple[int, uvicorn.Server]]:
    """Serve with these limits; yields the port and the server."""
    listener = socket.create_server(("127.0.0.1", 0))
    routes = {"/large": large, "/later": later, "/never": never, "/healthz": small, "/": small}
    app = Starlette(routes=[Route(path, endpoint) for path, endpoint in routes.items()])
    protocol = type("Limited", (LimitedProtocol,), limits)
    server = uvicorn.Server(uvicorn.Config(app, http=protocol, ws="none", lifespan="off", log_config=None))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1], server
    finally:
        server.should_exit = True
        thread.join()


def ends(connection: socket.socket) -> bytes:
    """Return what comes until the other side closes."""
    received = b""
    connection.settimeout(10)
    try:
        while chunk := connection.recv(100_000):
            received += chunk
    except ConnectionResetError:
        pass
    return received


def until_ends_with(connection: socket.socket, end: bytes) -> bytes:
    """Return what comes until it ends so."""
    received = b""
    while not received.endswith(end):
        chunk = connection.recv(10_000)
        assert chunk, received
        received += chunk
    return received


def occupied(port: int) -> socket.socket:
    """Ask for what is never answered, and wait until it is being worked on."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=10)
    connection.sendall(b"GET /never HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n")
    assert connection.recv(100).startswith(b"HTTP/1.1 100 ")
    return connection


def asked(port: int, request: bytes) -> bytes:
    """Return the answer on a connection of its own, up to its end."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(request)
        return ends(connection)


def test_a_connection_too_many_is_reported_so() -> None:
    """503 at once, for a proxy to ask another replica; then there is room again."""
    with limited(max_connections=2) as (port, _):
        with occupied(port), occupied(port):
            assert asked(port, b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").startswith(b"HTTP/1.1 503 ")
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", verify=NO_AUTHORITIES) as client:
            assert client.get("/").status_code == 200


def test_health_is_told_while_every_connection_is_taken() -> None:
    """On one of the spare connections, which ends after its answer, and is there for nothing else."""
    body = b"Content-Length: 1\r\n\r\n"
    with limited(max_connections=2, spare_connections=2) as (port, _), ExitStack() as stack:
        for _ in range(2):
            stack.enter_context(occupied(port))
        for _ in range(3):
            assert asked(port, HEALTH).startswith(b"HTTP/1.1 200 ")
        assert asked(port, HEALTH[:-2] + body).startswith(b"HTTP/1.1 503 ")


def test_no_connection_becomes_more_than_a_spare_one_while_all_are_taken() -> None:
    """Not by pushing out a spare one that has not asked for anything yet."""
    with limited(max_connections=2, spare_connections=2) as (port, _), ExitStack() as stack:
        for _ in range(2):
            stack.enter_context(occupied(port))
        idle = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
        assert asked(port, b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").startswith(b"HTTP/1.1 503 ")
        assert ends(idle) == b""


def test_connections_without_a_head_keep_nobody_out() -> None:
    """The one that has waited longest makes room for the next."""
    with limited(max_connections=5) as (port, _), ExitStack() as stack:
        silent = [stack.enter_context(socket.create_connection(("127.0.0.1", port))) for _ in range(5)]
        silent[1].sendall(b"GET / HTTP/1.1\r\nHo")
        with socket.create_connection(("127.0.0.1", port)) as another:
            another.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert until_ends_with(another, b"ok").startswith(b"HTTP/1.1 200 ")
            assert ends(silent[0]) == b""
            silent[1].sendall(b"st: localhost\r\n\r\n")
            assert until_ends_with(silent[1], b"ok").startswith(b"HTTP/1.1 200 ")


def test_a_slow_head_ends_in_time() -> None:
    """One that never comes, one that trickles, and a second one on a kept connection."""
    with limited(head_seconds=0.3) as (port, _), ExitStack() as stack:
        silent, half, kept = (
            stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=10)) for _ in range(3)
        )
        half.sendall(b"GET / HTTP/1.1\r\nHo")
        kept.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert until_ends_with(kept, b"ok").startswith(b"HTTP/1.1 200 ")
        kept.sendall(b"GET")
        assert [ends(connection) for connection in (silent, half, kept)] == [b"", b"", b""]


def test_a_quick_head_has_no_time_limit_afterwards() -> None:
    """An answer may take longer than a head."""
    with limited(head_seconds=0.2) as (port, _), socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(b"GET /later HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        assert ends(connection).endswith(b"ok")


def test_a_caller_that_stops_reading_is_given_up() -> None:
    """Its answer does not stay in memory for ever."""
    with limited(read_seconds=0.3) as (port, server), socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(b"GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert connection.recv(10).startswith(b"HTTP/1.1 ")
        until(lambda: not server.server_state.connections)
        assert len(ends(connection)) < 30_000_000


def unread(port: int, name: str) -> socket.socket:
    """Ask for 30 MB, and read the first bytes of them."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=10)
    connection.sendall(f"GET /large HTTP/1.1\r\nHost: localhost\r\nX-Caller: {name}\r\n\r\n".encode())
    assert connection.recv(10).startswith(b"HTTP/1.1 ")
    return connection


@pytest.mark.parametrize(
    ("limits", "names", "lost"),
    [
        ({"max_unread": 100_000_000, "max_unread_of_key": 10**9}, "abcd", [0]),
        ({"max_unread": 10**9, "max_unread_of_key": 70_000_000}, "abbab", [1]),
        ({"max_unread": 70_000_000, "max_unread_of_key": 10**9}, "abb", [1]),
    ],
    ids=["in all", "of a key", "in all, of the key with most"],
)
def test_what_waits_to_be_read_is_bounded(limits: dict[str, int], names: str, lost: list[int]) -> None:
    """The answer that has waited longest is given up, and the others are complete."""
    with limited(**limits) as (port, _), ExitStack() as stack:
        asked = [stack.enter_context(unread(port, name)) for name in names]
        complete = [len(ends(connection)) > 30_000_000 for connection in asked]
    assert [number for number, whole in enumerate(complete) if not whole] == lost


def test_a_second_answer_does_not_wait_behind_one_that_is_not_read() -> None:
    """Both requests come at once; the connection ends after the first answer."""
    with limited() as (port, _), socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(b"GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n" * 2)
        assert ends(connection).count(b"HTTP/1.1 200") == 1


def test_more_connections_than_files_are_held_back_in_few_lines() -> None:
    """With 200 files and 300 connections the log stays short, and afterwards the replica serves."""
    command = f"ulimit -n 200; exec {COMMAND} serve --transport http --sandbox --port 0"
    variables = environment()
    with subprocess.Popen(["sh", "-c", command], stderr=subprocess.PIPE, text=True, env=variables) as process:
        assert process.stderr is not None
        port = int(process.stderr.readline().split("/mcp")[0].rpartition(":")[2])
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=10) as first, ExitStack() as stack:
                first.sendall(HEALTH)  # one that is used makes no room for others
                assert until_ends_with(first, b"}").startswith(b"HTTP/1.1 200 ")
                for _ in range(300):
                    try:
                        stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=0.5))
                    except OSError:  # the queue is full
                        break
                for _ in range(100):  # the queue outside is full, and those inside are served
                    first.sendall(HEALTH)
                    assert until_ends_with(first, b"}").startswith(b"HTTP/1.1 200 ")
            until(lambda: get(f"http://127.0.0.1:{port}/healthz", timeout=10).status_code == 200)
        finally:
            process.terminate()
            log = process.stderr.read()
        assert process.wait(timeout=20) == 0
        assert len([line for line in log.splitlines() if "/healthz" not in line]) < 50, log[:3000]


def test_a_body_that_is_too_large_gets_its_answer_over_a_socket() -> None:
    """A simple client sends all of it before it reads: the connection must not be reset."""
    head = "\r\n".join(["POST /mcp HTTP/1.1", *(f"{n}: {v}" for n, v in posting(FULL_KEY).items())])
    with serving("--sandbox") as replica:
        for host in ("localhost", "evil.example"):
            with socket.create_connection(("127.0.0.1", httpx.URL(replica.url).port or 0), timeout=20) as connection:
                connection.sendall(f"{head}\r\nHost: {host}\r\nContent-Length: 8000000\r\n\r\n".encode())
                connection.sendall(b" " * 8_000_000)
                answer = b""
                while chunk := connection.recv(10_000):
                    answer += chunk
            assert answer.startswith(b"HTTP/1.1 4"), answer
            assert b"connection: close" in answer
