"""Bodies: how large one may be, how long it may take to arrive, and how much memory all may take (pure ASGI)."""

from collections.abc import Callable

import anyio
from starlette.requests import ClientDisconnect
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from errtrack_mcp.remote.replica import Replica

MAX_BODY_BYTES = 1_000_000
SMALL_BODY_BYTES = 64_000  # a tool call; these do not count against MAX_HELD_BYTES, so they always find room
MAX_HELD_BYTES = 4_000_000  # parsed JSON can take 50 times its bytes, so the limit is far below a replica's memory
BODY_SECONDS = 20.0
MAX_READING = 100  # bodies on their way at once; beyond that, the one that takes longest makes room


class BodyRefused(Exception):  # noqa: N818 - named after what happened
    """The body cannot be taken; `response` says why."""

    def __init__(self, response: Response) -> None:
        super().__init__()
        self.response = response


class BodyLimitMiddleware:
    """Reads a body before the app sees the request: 400, 408, 413 or 503 if it breaks a limit."""

    def __init__(
        self,
        app: ASGIApp,
        replica: Replica,
        *,
        max_held_bytes: int = MAX_HELD_BYTES,
        body_seconds: float = BODY_SECONDS,
        max_reading: int = MAX_READING,
    ) -> None:
        self._app = app
        self._replica = replica
        self._max_held_bytes = max_held_bytes
        self._body_seconds = body_seconds
        self._max_reading = max_reading
        self._held = 0  # bytes of bodies that are not small, until their requests are answered

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read the body of one request, then pass the request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        held = 0

        def hold(size: int) -> None:
            nonlocal held
            self._held += size
            held += size
            if self._held > self._max_held_bytes:
                raise BodyRefused(busy())

        try:
            try:
                body = await self._read(scope, receive, hold)
            except BodyRefused as refused:
                await refused.response(scope, receive, send)
                return
            except ClientDisconnect:
                return
            await self._app(scope, replay(body, receive), send)
        finally:
            self._held -= held

    async def _read(self, scope: Scope, receive: Receive, hold: Callable[[int], None]) -> bytes:
        _check_announced(scope)
        with anyio.move_on_after(self._body_seconds) as limit:
            reading = self._replica.reading
            if len(reading) >= self._max_reading:
                reading.popleft().cancel()
            reading.append(limit)
            try:
                return await read_body(receive, hold)
            finally:
                if limit in reading:
                    reading.remove(limit)
        raise BodyRefused(too_slow(self._body_seconds))


def _check_announced(scope: Scope) -> None:
    """Refuse a body by its announced length, with nothing of it read."""
    for name, value in scope["headers"]:
        if name == b"content-length":
            if not value.isdigit() or len(value) > 20:
                raise BodyRefused(PlainTextResponse("Content-Length must be a number.\n", 400))
            if int(value) > MAX_BODY_BYTES:
                raise BodyRefused(too_large())


async def read_body(receive: Receive, hold: Callable[[int], None]) -> bytes:
    """Return a whole body; `hold` is called with the bytes beyond a small body as they arrive.

    Raises BodyRefused if there is too much of it, and ClientDisconnect if the caller has left.
    """
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise ClientDisconnect
        chunk = message.get("body", b"")
        before, size = size, size + len(chunk)
        if size > MAX_BODY_BYTES:
            raise BodyRefused(too_large())
        if size > SMALL_BODY_BYTES:
            hold(size - (before if before > SMALL_BODY_BYTES else 0))
        chunks.append(chunk)
        if not message.get("more_body", False):
            return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def replay(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that gives the body that has been read, then whatever comes."""
    unread: bytes | None = body

    async def receiving() -> Message:
        nonlocal unread
        if unread is None:
            return await receive()
        message = {"type": "http.request", "body": unread, "more_body": False}
        unread = None
        return message

    return receiving


def too_large() -> Response:
    """Return the answer to a body that is too large."""
    return PlainTextResponse(f"A request may have {MAX_BODY_BYTES:,} bytes at most.\n", 413)


def too_slow(seconds: float) -> Response:
    """Return the answer to a body that has not arrived in time, or before the replica stops, or made room."""
    return PlainTextResponse(f"The body of a request must arrive within {seconds:g} s, or sooner under load.\n", 408)


def busy() -> Response:
    """Return the answer to a large body for which there is no memory now."""
    message = "This replica holds as many large requests as it has memory for; try again in a second.\n"
    return PlainTextResponse(message, 503, headers={"retry-after": "1"})
