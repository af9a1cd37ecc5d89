"""Streamable HTTP without sessions, for both protocol eras: the form of the answer follows the request."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

from mcp.server.lowlevel import Server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecuritySettings
from starlette.responses import PlainTextResponse
from starlette.types import Message, Receive, Scope, Send

from errtrack_mcp.remote.host_origin import MAX_BODY_BYTES, read_body, too_large

UNGUARDED = TransportSecuritySettings(enable_dns_rebinding_protection=False)  # the middlewares check it


class StreamableHttp:
    """Answers a request that asks for progress with a stream, and every other with plain JSON.

    A stream costs a short call more than half of its speed, and only a request with a progress token can be told of
    progress in either era.
    """

    def __init__(self, server: Server[Any]) -> None:
        self._plain = _manager(server, json_response=True)
        self._streaming = _manager(server, json_response=False)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Serve for as long as the context lasts."""
        async with self._plain.run(), self._streaming.run():
            yield

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["method"] != "POST":
            words = "This server keeps no sessions: send every message by POST.\n"
            await PlainTextResponse(words, 405, headers={"allow": "POST"})(scope, receive, send)
            return
        body = await read_body(receive)
        if body is None:
            await too_large()(scope, receive, send)
            return
        manager = self._streaming if wants_stream(body, scope["headers"]) else self._plain
        await manager.handle_request(scope, _replaying(body, receive), send)


def wants_stream(body: bytes, headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Tell whether a request asks to hear of progress, and can read a stream."""
    if b'"progressToken"' not in body:
        return False
    accept = b",".join(value for name, value in headers if name == b"accept")
    return b"text/event-stream" in accept or b"*/*" in accept


def _manager(server: Server[Any], *, json_response: bool) -> StreamableHTTPSessionManager:
    return StreamableHTTPSessionManager(
        app=server,
        json_response=json_response,
        stateless=True,
        max_request_body_size=MAX_BODY_BYTES,
        security_settings=UNGUARDED,
    )


def _replaying(body: bytes, receive: Receive) -> Receive:
    """Give a body that has been read to the next reader, and then whatever comes."""
    unread = True

    async def receiving() -> Message:
        nonlocal unread
        if unread:
            unread = False
            return {"type": "http.request", "body": body, "more_body": False}
        return await receive()

    return receiving
