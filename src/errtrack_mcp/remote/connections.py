"""Connections: how many there are, how slow a head or the reading of an answer may be, how much waits to be read.

uvicorn has a time limit for idle kept connections only. `uvicorn.Config(http=...)` takes any asyncio protocol, so this
one adds to uvicorn's own; it overrides nothing but the callbacks that asyncio defines for every protocol.
"""

import asyncio
import socket
import sys
from collections import Counter
from typing import Any, cast

import h11
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from errtrack_mcp.remote.auth import CALLER, Caller
from errtrack_mcp.remote.unread_body import has_body

MAX_CONNECTIONS = 500
SPARE_CONNECTIONS = 20  # beyond these, each for one question how the replica is
BACKLOG = 100  # asyncio accepts so many in one go, before any of them can be counted
OTHER_FILES = 100  # connections to PostHog and Redis, standard streams
HEAD_SECONDS = 10.0
READ_SECONDS = 60.0
MAX_UNREAD = 48_000_000  # bytes of answers that the system has not taken yet, of all callers
MAX_UNREAD_OF_KEY = 16_000_000
SEND_BUFFER = 64_000  # Linux doubles it; by itself it would take 2.6 MB of an answer that nobody reads
WITHOUT_KEY = {"/healthz", "/readyz", "/metrics"}
FULL_MESSAGE = b"This replica holds as many connections as it can; try again in a second.\n"
FULL = (
    b"HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\nretry-after: 1\r\ncontent-type: text/plain\r\n"
    b"content-length: %d\r\n\r\n%b" % (len(FULL_MESSAGE), FULL_MESSAGE)
)


class LimitedProtocol(H11Protocol):
    """One connection; it is closed when there are too many, or when its caller is too slow.

    Where there are too many, one that still waits for a head makes room. Where none waits, a few spare ones are for
    what needs no key, and are closed after the answer: that is answered whatever the callers do.
    """

    max_connections = MAX_CONNECTIONS
    spare_connections = SPARE_CONNECTIONS
    head_seconds = HEAD_SECONDS
    read_seconds = READ_SECONDS
    max_unread = MAX_UNREAD
    max_unread_of_key = MAX_UNREAD_OF_KEY
    _spare = False
    _head_timer: asyncio.TimerHandle | None = None
    _read_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn's own
        """Count a connection, and wait for its first head."""
        super().connection_made(transport)
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        if len(self.connections) > self.max_connections:
            slowest = self._slowest()
            if slowest is None and len(self.connections) > self.max_connections + self.spare_connections:
                transport.write(FULL)
                transport.close()
                return
            if slowest is None or slowest._spare:  # noqa: SLF001 - of the same class
                self._spare = True
                self.app = for_spare_connections(self.app)
            if slowest is not None:
                slowest._stop_head_timer()  # noqa: SLF001 - none is chosen twice
                slowest.transport.abort()
        self._head_timer = self.loop.call_later(self.head_seconds, transport.abort)

    def _slowest(self) -> "LimitedProtocol | None":
        """Return the connection that has waited longest for a head, if one waits.

        Peers cannot be told apart by their addresses: behind a proxy all callers have the same one.
        """
        timers = {other: other._head_timer for other in self.connections if isinstance(other, LimitedProtocol)}  # noqa: SLF001
        waiting = {other: timer.when() for other, timer in timers.items() if timer}
        return min(waiting, key=waiting.__getitem__) if waiting else None

    def data_received(self, data: bytes) -> None:
        """Take bytes; the time for a head runs from its first byte to its last."""
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            self._stop_head_timer()
        elif self._head_timer is None:
            self._head_timer = self.loop.call_later(self.head_seconds, self.transport.abort)

    def pause_writing(self) -> None:
        """Start the time that a caller has to go on reading: an answer does not leave at once."""
        super().pause_writing()
        self.cycle.keep_alive = False  # or the next answer would wait behind this one, in memory
        self._read_timer = self.loop.call_later(self.read_seconds, self.transport.abort)
        self._close_unread()

    def _close_unread(self) -> None:
        """Close connections until what waits in the others fits, each time the one that has waited longest.

        It is of a key that has too much, or else of the one with most answers that wait. Nothing of ours is read again
        once uvicorn has it, so only the connection can end an answer.
        """
        waiting = [other for other in self.connections if isinstance(other, LimitedProtocol) and other._read_timer]  # noqa: SLF001
        waiting.sort(key=lambda other: other._read_timer.when())  # type: ignore[union-attr] # noqa: SLF001
        while waiting:
            answers, held = Counter[str](), Counter[str]()
            for other in waiting:
                answers[other._key_hash()] += 1  # noqa: SLF001
                held[other._key_hash()] += other.transport.get_write_buffer_size()  # noqa: SLF001
            key = next((key for key, size in held.items() if size > self.max_unread_of_key), None)
            if key is None and held.total() <= self.max_unread:
                return
            key = answers.most_common(1)[0][0] if key is None else key
            longest = next(other for other in waiting if other._key_hash() == key)  # noqa: SLF001
            waiting.remove(longest)
            longest._stop_read_timer()  # noqa: SLF001 - of the same class; none is chosen twice
            longest.transport.abort()

    def _key_hash(self) -> str:
        """Return whose answer is being sent; nothing for one that needs no key."""
        caller: Caller | None = cast("dict[str, Any]", self.scope).get(CALLER)
        return caller.key_hash if caller else ""

    def resume_writing(self) -> None:
        """Stop that time."""
        super().resume_writing()
        self._stop_read_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget a connection."""
        self._stop_head_timer()
        self._stop_read_timer()
        super().connection_lost(exc)

    def _stop_head_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _stop_read_timer(self) -> None:
        if self._read_timer is not None:
            self._read_timer.cancel()
            self._read_timer = None


def for_spare_connections(app: ASGIApp) -> ASGIApp:
    """Return an app that tells how the replica is, closes the connection, and has no place for anything else."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), (b"connection", b"close")]
            await send(message)

        if scope["path"] in WITHOUT_KEY and not has_body(scope):
            await app(scope, receive, sending)
        else:
            await PlainTextResponse(FULL_MESSAGE, 503, {"retry-after": "1"})(scope, receive, sending)

    return answer


def limited_protocol() -> type[LimitedProtocol]:
    """Return the protocol with a limit that fits the files that this process may open."""
    limit = max(16, min(MAX_CONNECTIONS, open_file_limit() - SPARE_CONNECTIONS - BACKLOG - OTHER_FILES))
    return type("FittedProtocol", (LimitedProtocol,), {"max_connections": limit})


def open_file_limit() -> int:
    """Return how many files this process may open, after asking for as many as the system allows it."""
    if sys.platform == "win32":
        return 512
    import resource  # noqa: PLC0415 - Windows has none

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_CONNECTIONS + SPARE_CONNECTIONS + BACKLOG + OTHER_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return wanted if soft == resource.RLIM_INFINITY else soft
