"""The older transport: a stream for each client, and a path that messages are posted to."""

from typing import Any

from mcp.server.lowlevel import Server
from mcp.server.sse import SseServerTransport
from starlette.types import Receive, Scope, Send

from errtrack_mcp.remote.host_origin import MAX_BODY_BYTES
from errtrack_mcp.remote.streamable_http import UNGUARDED


class Sse:
    """Serves each stream as one connection of the server."""

    def __init__(self, server: Server[Any]) -> None:
        self._server = server
        self._transport = SseServerTransport(
            "/messages/", security_settings=UNGUARDED, max_request_body_size=MAX_BODY_BYTES
        )

    async def stream(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Open a stream, and answer over it until its client leaves."""
        async with self._transport.connect_sse(scope, receive, send) as (reading, writing):
            await self._server.run(reading, writing, self._server.create_initialization_options())

    async def post(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take one message for a stream."""
        await self._transport.handle_post_message(scope, receive, send)
