"""The older transport: a stream for each client, and a path that messages are posted to."""

import re
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs

from anyio import CancelScope
from mcp.server.lowlevel import Server
from mcp.server.sse import SseServerTransport
from mcp.shared._stream_protocols import WriteStream
from mcp.shared.message import SessionMessage
from mcp_types import jsonrpc_message_adapter
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import Message, Receive, Scope, Send

from errtrack_mcp.remote.auth import CALLER, Caller, RequestRefused, held_to, refusal
from errtrack_mcp.remote.body_limit import MAX_BODY_BYTES, replay
from errtrack_mcp.remote.streamable_http import UNGUARDED
from errtrack_mcp.remote.unread_events import Outbox, UnreadEvents

SESSION_ID = re.compile(rb"session_id=([0-9a-f]{32})\s")


class CountedStream:
    """The messages for one client, each counted until it has been sent."""

    def __init__(self, stream: WriteStream[SessionMessage], unread: UnreadEvents, outbox: Outbox) -> None:
        self._stream = stream
        self._unread = unread
        self._outbox = outbox

    async def send(self, item: SessionMessage, /) -> None:
        """Send one message; it waits where the client does not read."""
        self._unread.add(self._outbox, len(item.message.model_dump_json(by_alias=True, exclude_unset=True)))
        await self._stream.send(item)

    async def aclose(self) -> None:
        """End the stream."""
        await self._stream.aclose()

    async def __aenter__(self) -> Self:
        """Enter the stream's context."""
        await self._stream.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        """Leave it."""
        return await self._stream.__aexit__(kind, error, trace)


class Sse:
    """Serves each stream as one connection of the server, and holds each message to what its stream was opened with."""

    def __init__(self, server: Server[Any]) -> None:
        self._server = server
        self._transport = SseServerTransport(
            "/messages/", security_settings=UNGUARDED, max_request_body_size=MAX_BODY_BYTES
        )
        self._unread = UnreadEvents()
        self._callers: dict[str, Caller] = {}  # by the session id of their stream

    async def stream(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Open a stream, and answer over it until its client leaves."""
        session_id = ""

        async def sending(message: Message) -> None:
            """Read the session id from the first event: the SDK makes it, and tells it to the client alone."""
            nonlocal session_id
            if not session_id and (found := SESSION_ID.search(message.get("body", b""))):
                session_id = found[1].decode()
                self._callers[session_id] = scope[CALLER]
            await send(message)
            if message["type"] == "http.response.body" and not message.get("body", b":").startswith(b":"):
                outbox.sent()

        try:
            with CancelScope() as carrying, self._unread.outbox(scope[CALLER].key_hash, carrying.cancel) as outbox:
                async with self._transport.connect_sse(scope, receive, sending) as (reading, writing):
                    counted = CountedStream(writing, self._unread, outbox)
                    await self._server.run(reading, counted, self._server.create_initialization_options())
        finally:
            self._callers.pop(session_id, None)

    async def post(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take one message for a stream."""
        body = await Request(scope, receive).body()
        response = self._refuse(scope, body)
        if response is None:
            await self._transport.handle_post_message(scope, replay(body, receive), send)
        else:
            await response(scope, receive, send)

    def _refuse(self, scope: Scope, body: bytes) -> Response | None:
        """Narrow a message's caller to its stream's, or return why the message cannot be taken."""
        stream = self._callers.get(_session_id(scope["query_string"]))
        if stream is None or stream.key_hash != scope[CALLER].key_hash:
            return PlainTextResponse("Could not find session: no stream of this key has that session_id.\n", 404)
        try:
            jsonrpc_message_adapter.validate_json(body, by_name=False)  # the SDK would log a body that is no message
            scope[CALLER] = held_to(scope[CALLER], stream)
        except ValidationError:
            return PlainTextResponse("Could not parse message: it is not JSON-RPC.\n", 400)
        except RequestRefused as refused:
            return refusal(refused)
        return None


def _session_id(query: bytes) -> str:
    """Return the one session_id of a query, or nothing."""
    try:
        named = parse_qs(query.decode("latin-1"), max_num_fields=10).get("session_id", [])
    except ValueError:  # more fields than that
        return ""
    return named[0] if len(named) == 1 else ""
