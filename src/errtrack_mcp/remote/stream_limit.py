"""Event streams that clients keep open (GET): how many there may be, how long one may be idle, when they end."""

from dataclasses import dataclass, field
from time import monotonic

import anyio
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from errtrack_mcp.remote.auth import CALLER
from errtrack_mcp.remote.replica import Replica

MAX_STREAMS = 200  # of each transport, 81 KB each
MAX_STREAMS_PER_KEY = 50
IDLE_SECONDS = 3600.0


@dataclass(eq=False)
class Stream:
    """One open stream: whose it is, when it last carried an event, and whether it has to end."""

    key_hash: str
    last_used: float = field(default_factory=monotonic)
    ended: anyio.Event = field(default_factory=anyio.Event)


class StreamLimitMiddleware:
    """Answers 429 or 503 to a stream too many, and ends a stream that is idle or whose replica stops.

    A stream ends as if its client had left, which the SDK takes as its end, and then its response is completed.
    """

    def __init__(
        self,
        app: ASGIApp,
        replica: Replica,
        *,
        max_streams: int = MAX_STREAMS,
        max_streams_per_key: int = MAX_STREAMS_PER_KEY,
        idle_seconds: float = IDLE_SECONDS,
    ) -> None:
        self._app = app
        self._replica = replica
        self._max_streams = max_streams
        self._max_streams_per_key = max_streams_per_key
        self._idle_seconds = idle_seconds
        self._streams: set[Stream] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Carry one stream; a request by any other method than GET opens none."""
        if scope["method"] != "GET":
            await self._app(scope, receive, send)
            return
        key_hash: str = scope[CALLER].key_hash
        response = self._refuse(key_hash)
        if response is not None:
            await response(scope, receive, send)
            return
        stream = Stream(key_hash)
        self._streams.add(stream)
        try:
            await self._carry(stream, scope, receive, send)
        finally:
            self._streams.remove(stream)

    def _refuse(self, key_hash: str) -> Response | None:
        if sum(stream.key_hash == key_hash for stream in self._streams) >= self._max_streams_per_key:
            message = f"This key has {self._max_streams_per_key} streams open here; close one first.\n"
            return PlainTextResponse(message, 429)
        if len(self._streams) >= self._max_streams:
            message = "This replica has as many streams open as it can hold; try again later.\n"
            return PlainTextResponse(message, 503, headers={"retry-after": "5"})
        return None

    async def _carry(self, stream: Stream, scope: Scope, receive: Receive, send: Send) -> None:
        begun = completed = False

        async def receiving() -> Message:
            message: Message = {"type": "http.disconnect"}
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(_cancel_when, stream.ended, tasks.cancel_scope)
                message = await receive()
                tasks.cancel_scope.cancel()
            if message["type"] == "http.disconnect":
                stream.ended.set()
            return message

        async def sending(message: Message) -> None:
            nonlocal begun, completed
            if stream.ended.is_set() or completed:
                return
            begun = True
            if message["type"] == "http.response.body":
                completed = not message.get("more_body", False)
                if not message.get("body", b"").startswith(b":"):  # a comment is a ping
                    stream.last_used = monotonic()
            await send(message)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._end_in_time, stream)
            await self._app(scope, receiving, sending)
            tasks.cancel_scope.cancel()
        if begun and not completed:
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _end_in_time(self, stream: Stream) -> None:
        """End a stream when it has been idle for too long, or when its replica ends all of them."""
        while (left := stream.last_used + self._idle_seconds - monotonic()) > 0:
            with anyio.move_on_after(left):
                await self._replica.streams_end.wait()
                break
        stream.ended.set()


async def _cancel_when(event: anyio.Event, scope: anyio.CancelScope) -> None:
    await event.wait()
    scope.cancel()
