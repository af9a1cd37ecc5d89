"""The older SSE transport: how many streams there may be, how long one may be idle, and what its messages may do."""

import re
from dataclasses import dataclass, field
from time import monotonic
from typing import Any
from urllib.parse import parse_qs

import anyio
from mcp.server.lowlevel import Server
from mcp.server.sse import SseServerTransport
from mcp_types import jsonrpc_message_adapter
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import Message, Receive, Scope, Send

from errtrack_mcp.remote.auth import CALLER, Caller, RequestRefused, held_to, refusal
from errtrack_mcp.remote.body_limit import MAX_BODY_BYTES, replay
from errtrack_mcp.remote.replica import Replica
from errtrack_mcp.remote.streamable_http import UNGUARDED

MAX_STREAMS = 200  # 81 KB each
MAX_STREAMS_PER_KEY = 50
IDLE_SECONDS = 3600.0
SESSION_ID = re.compile(rb"session_id=([0-9a-f]{32})\s")


@dataclass
class Stream:
    """One open stream: who opened it, when it last carried a message, and whether it has to end."""

    caller: Caller
    last_used: float = field(default_factory=monotonic)
    ended: anyio.Event = field(default_factory=anyio.Event)
    session_id: str = ""


class SseStreams:
    """Serves each stream as one connection of the server: `open` is for the stream, `post` for its messages."""

    def __init__(
        self,
        server: Server[Any],
        replica: Replica,
        *,
        max_streams: int = MAX_STREAMS,
        max_streams_per_key: int = MAX_STREAMS_PER_KEY,
        idle_seconds: float = IDLE_SECONDS,
    ) -> None:
        self._server = server
        self._transport = SseServerTransport(
            "/messages/", security_settings=UNGUARDED, max_request_body_size=MAX_BODY_BYTES
        )
        self._replica = replica
        self._max_streams = max_streams
        self._max_streams_per_key = max_streams_per_key
        self._idle_seconds = idle_seconds
        self._streams: list[Stream] = []

    async def open(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Carry one stream until its caller leaves, it has been idle for too long, or the replica stops."""
        response = self._refuse(scope)
        if response is not None:
            await response(scope, receive, send)
            return
        stream = Stream(scope[CALLER])
        self._streams.append(stream)
        try:
            await self._carry(stream, scope, receive, send)
        finally:
            self._streams.remove(stream)

    def _refuse(self, scope: Scope) -> Response | None:
        if scope["method"] != "GET":
            return PlainTextResponse("Open the stream by GET.\n", 405, headers={"allow": "GET"})
        key = scope[CALLER].key_hash
        if sum(stream.caller.key_hash == key for stream in self._streams) >= self._max_streams_per_key:
            message = f"This key has {self._max_streams_per_key} streams open here; close one, or use /mcp.\n"
            return PlainTextResponse(message, 429)
        if len(self._streams) >= self._max_streams:
            message = "This replica has as many streams as it can hold; try again later, or use /mcp.\n"
            return PlainTextResponse(message, 503, headers={"retry-after": "5"})
        return None

    async def _carry(self, stream: Stream, scope: Scope, receive: Receive, send: Send) -> None:
        begun = False

        async def receiving() -> Message:
            """Return what the server receives, or a disconnect as soon as the stream has to end."""
            message: Message = {"type": "http.disconnect"}
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(_cancel_when, stream.ended, tasks.cancel_scope)
                message = await receive()
                tasks.cancel_scope.cancel()
            if message["type"] == "http.disconnect":
                stream.ended.set()
            return message

        async def sending(message: Message) -> None:
            nonlocal begun
            if stream.ended.is_set():
                return  # the SDK begins a second answer when a stream ends
            begun = True
            body = message.get("body", b"")
            if body and not body.startswith(b":"):  # a comment is a ping
                stream.last_used = monotonic()
                found = None if stream.session_id else SESSION_ID.search(body)
                stream.session_id = found[1].decode() if found else stream.session_id
            await send(message)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._end_in_time, stream)
            async with self._transport.connect_sse(scope, receiving, sending) as (reading, writing):
                await self._server.run(reading, writing, self._server.create_initialization_options())
            tasks.cancel_scope.cancel()
        if begun and stream.ended.is_set():
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _end_in_time(self, stream: Stream) -> None:
        while (left := stream.last_used + self._idle_seconds - monotonic()) > 0:
            with anyio.move_on_after(left):
                await self._replica.streams_end.wait()
                break
        stream.ended.set()

    async def post(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take one message of a stream, held to what the stream was opened with."""
        if scope["method"] != "POST":
            response: Response = PlainTextResponse("Send messages by POST.\n", 405, headers={"allow": "POST"})
            await response(scope, receive, send)
            return
        caller: Caller = scope[CALLER]
        stream = self._find(scope["query_string"], caller.key_hash)
        if stream is None:
            response = PlainTextResponse("Could not find session: this key has no such stream open here.\n", 404)
            await response(scope, receive, send)
            return
        body = await Request(scope, receive).body()
        try:
            jsonrpc_message_adapter.validate_json(body, by_name=False)  # the SDK would log it with its values
            scope[CALLER] = held_to(caller, stream.caller)
        except ValidationError:
            await PlainTextResponse("Could not parse message: it is not JSON-RPC.\n", 400)(scope, receive, send)
        except RequestRefused as refused:
            await refusal(refused)(scope, receive, send)
        else:
            stream.last_used = monotonic()
            await self._transport.handle_post_message(scope, replay(body, receive), send)

    def _find(self, query: bytes, key_hash: str) -> Stream | None:
        """Return the open stream that a query names, if this key opened it."""
        try:
            named = parse_qs(query.decode("latin-1"), max_num_fields=10).get("session_id", [])
        except ValueError:  # more fields than that
            return None
        for stream in self._streams:
            if named == [stream.session_id] and stream.caller.key_hash == key_hash:
                return stream
        return None


async def _cancel_when(event: anyio.Event, scope: anyio.CancelScope) -> None:
    await event.wait()
    scope.cancel()
