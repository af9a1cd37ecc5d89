"""One request over a kept connection: nothing that follows a response answers the next request."""

import gzip
import socket
import time
from contextlib import suppress
from pathlib import Path

import anyio
import pytest
import trustme
from anyio.abc import SocketAttribute, SocketStream
from starlette.applications import Starlette
from starlette.requests import Request as HttpRequest
from starlette.responses import JSONResponse
from starlette.routing import Route

from errtrack_mcp.api import transport
from errtrack_mcp.api.errors import TlsFailed, TooLarge
from errtrack_mcp.api.response_body import BYTES_A_VALUE
from errtrack_mcp.api.transport import MAX_BODY_BYTES, HttpTransport, Request, Response
from tests.support.misbehaving import Misbehaving, Reply, http, misbehave
from tests.support.upstream import serve

pytestmark = [pytest.mark.anyio, pytest.mark.attack("hostile responses")]
GOOD = http(200, '{"answer": "its own"}', Connection="keep-alive")
POISON = http(200, '{"answer": "POISON"}', Connection="keep-alive")
FILLED = 65_536  # what httpcore reads at once
FULL = http(
    200, b" " * (FILLED - len(http(200, b" " * 50_000, Connection="keep-alive")) + 50_000), Connection="keep-alive"
)


def late(reply: bytes) -> Reply:
    """Send a reply, and a second one a little later."""

    def answer(connection: socket.socket) -> None:
        connection.sendall(reply)
        time.sleep(0.002)
        connection.sendall(POISON)

    return answer


def at_once(reply: bytes) -> Reply:
    """Send a reply and a second one without a pause, in records of their own where there is TLS."""

    def answer(connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.sendall(reply + POISON)

    return answer


async def send(pool: HttpTransport, path: str = "/") -> Response:
    """Send one GET."""
    return await pool.send(Request("GET", pool.origin + path, "releases", {}, None, dict))


async def bodies(upstream: Misbehaving, count: int) -> list[bytes]:
    """Send so many requests over the connections of one key, and return what came."""
    pool = HttpTransport(upstream.url)
    try:
        return [(await send(pool)).body for _ in range(count)]
    finally:
        await pool.aclose()


FOLLOWED: dict[str, Reply] = {
    "two answers": GOOD + POISON,
    "two answers and half of a third": GOOD + POISON + POISON[:30],
    "a length that is too short": http(200, '{"answer": 1}', Content_Length="2", Connection="keep-alive") + POISON,
    "a body after 204": http(204, Connection="keep-alive") + POISON,
    "a body after 404": http(404, Connection="keep-alive") + POISON,
    "a late body after 204": late(http(204, Connection="keep-alive")),
    "a late body after 404": late(http(404, "{}", Connection="keep-alive")),
    "a full read": at_once(FULL),
}


@pytest.mark.parametrize("reply", FOLLOWED.values(), ids=FOLLOWED)
async def test_what_follows_a_response_answers_no_other_request(reply: Reply) -> None:
    """The connection is closed instead, and the next request has one of its own."""
    with misbehave(reply, GOOD, kept=True) as upstream:
        _, *others = await bodies(upstream, 4)
    assert others == [b'{"answer": "its own"}'] * 3
    assert upstream.connections == [1, 3]


async def test_what_follows_over_tls_answers_no_other_request(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A record that is not decrypted yet counts as well."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    certificate = authority.issue_cert("127.0.0.1")
    with misbehave(at_once(FULL), GOOD, kept=True, certificate=certificate) as upstream:
        _, *others = await bodies(upstream, 3)
    assert others == [b'{"answer": "its own"}'] * 2
    assert upstream.connections == [1, 2]


async def test_authorities_are_read_once_for_all_connections(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that is gone keeps nobody out who comes later; one by another name is read anew."""
    authority, file = trustme.CA(), tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(file))
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    with misbehave(GOOD, certificate=authority.issue_cert("127.0.0.1")) as upstream:
        await bodies(upstream, 1)
        file.unlink()
        assert await bodies(upstream, 1) == [b'{"answer": "its own"}']
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
        with pytest.raises(TlsFailed):
            await bodies(upstream, 1)


async def test_a_clean_connection_is_kept() -> None:
    """Short and long responses, whatever the framing."""
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
    with misbehave(GOOD, FULL, chunked, kept=True, in_turn=True) as upstream:
        await bodies(upstream, 9)
    assert upstream.connections == [9]


async def test_requests_share_as_few_connections_as_are_allowed() -> None:
    """The others wait for their turn."""
    connections = set()

    async def answer(request: HttpRequest) -> JSONResponse:
        connections.add(request.client)
        return JSONResponse({})

    with serve(Starlette(routes=[Route("/", answer)])) as upstream:
        pool = HttpTransport(upstream.url, max_connections=3)
        async with anyio.create_task_group() as group:
            for _ in range(20):
                group.start_soon(send, pool)
        await pool.aclose()
    assert len(connections) == 3


async def test_connections_that_were_not_used_for_long_are_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    """All of them, at the next request, which has a new one."""
    closed, opened = anyio.Semaphore(0), anyio.Semaphore(0)
    all_there = anyio.Event()

    async def serve_one(connection: SocketStream) -> None:
        opened.release()
        if opened.value == 3:
            all_there.set()
        async with connection:
            with suppress(anyio.EndOfStream):
                while await connection.receive():
                    await all_there.wait()
                    await connection.send(GOOD)
        closed.release()

    async with (
        await anyio.create_tcp_listener(local_host="127.0.0.1") as listener,
        anyio.create_task_group() as serving,
    ):
        serving.start_soon(listener.serve, serve_one)
        port = listener.extra(SocketAttribute.local_port)  # noqa: S610 - not Django's
        pool = HttpTransport(f"http://127.0.0.1:{port}")
        async with anyio.create_task_group() as group:
            for _ in range(3):
                group.start_soon(send, pool)
        monkeypatch.setattr(transport, "KEPT_SECONDS", 0)
        await send(pool)
        with anyio.fail_after(5):
            for _ in range(3):
                await closed.acquire()
        assert opened.value == 4
        await pool.aclose()
        serving.cancel_scope.cancel()


def zipped(times: int) -> bytes:
    """Pack JSON in gzip, so many times."""
    body = b'{"answer": "its own"}'
    for _ in range(times):
        body = gzip.compress(body)
    return body


@pytest.mark.parametrize(
    ("body", "encoding", "read"),
    [
        (zipped(1), "gzip", b'{"answer": "its own"}'),
        (zipped(2), "gzip, gzip", b""),
        (zipped(2), "gzip\r\nContent-Encoding: gzip", b""),
        (zipped(1), "gzip\r\nContent-Encoding: gzip", b""),
        (zipped(1), "br", b""),
    ],
    ids=["once", "gzip in gzip", "doubled header", "doubled header, packed once", "another"],
)
async def test_only_one_encoding_is_unpacked(body: bytes, encoding: str, read: bytes) -> None:
    """What was packed twice counts as no body, however the encodings are listed."""
    with misbehave(http(200, body, Content_Encoding=encoding)) as upstream:
        assert await bodies(upstream, 1) == [read]


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize("value", [b"[],", b"{},", b"0,"])
async def test_many_tiny_values_are_too_large(value: bytes, packed: bool) -> None:  # noqa: FBT001
    """Far fewer bytes than the limit are refused where each few of them are a value that JSON takes memory for."""
    body = b"[" + value * (MAX_BODY_BYTES // BYTES_A_VALUE + 1) + b"0]"
    assert len(body) < MAX_BODY_BYTES / 4
    headers = {"Content_Encoding": "gzip"} if packed else {}
    reply = http(200, gzip.compress(body) if packed else body, **headers)
    with misbehave(reply) as upstream, pytest.raises(TooLarge):
        await bodies(upstream, 1)
