"""A refused request's body: it is read and dropped after the answer, or the caller would see a reset connection.

A socket that is closed with unread bytes in it sends a reset, which throws away the answer that the caller has not
read yet. So the answer goes out first, then the rest of the body is dropped for a few seconds, then the answer ends.
"""

import anyio
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from errtrack_mcp.remote.replica import Replica

LINGER_SECONDS = 5.0


class UnreadBodyMiddleware:
    """Ends an answer only when the request's body has been read, or has had its time, or the replica stops."""

    def __init__(self, app: ASGIApp, replica: Replica, *, linger_seconds: float = LINGER_SECONDS) -> None:
        self._app = app
        self._replica = replica
        self._linger_seconds = linger_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Accompany one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        unread = has_body(scope)

        async def receiving() -> Message:
            nonlocal unread
            message = await receive()
            unread = message["type"] == "http.request" and message.get("more_body", False)
            return message

        async def sending(message: Message) -> None:
            if unread and message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), (b"connection", b"close")]
            if unread and message["type"] == "http.response.body" and not message.get("more_body", False):
                await send({**message, "more_body": True})
                with anyio.move_on_after(0 if self._replica.streams_end.is_set() else self._linger_seconds):
                    while unread:
                        await receiving()
                message = {"type": "http.response.body", "body": b"", "more_body": False}
            await send(message)

        await self._app(scope, receiving, sending)


def has_body(scope: Scope) -> bool:
    """Return whether a request announces a body."""
    lengths = [value for name, value in scope["headers"] if name == b"content-length"]
    chunked = any(name == b"transfer-encoding" for name, _ in scope["headers"])
    return chunked or any(value.strip(b"0 ") for value in lengths)
