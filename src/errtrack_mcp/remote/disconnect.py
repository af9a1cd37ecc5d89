"""A client that leaves before it has its answer: what is being done for it ends (pure ASGI)."""

import anyio
from starlette.types import ASGIApp, Receive, Scope, Send

from errtrack_mcp.remote.body_limit import replay


async def answer_while_connected(app: ASGIApp, body: bytes, scope: Scope, receive: Receive, send: Send) -> None:
    """Let an app answer a request whose body has been read, and cancel it when the client disconnects.

    The SDK does so for a stream. For a plain answer it would work on for nobody.
    """
    async with anyio.create_task_group() as tasks:

        async def cancel_when_left() -> None:
            while (await receive())["type"] != "http.disconnect":
                pass
            tasks.cancel_scope.cancel()

        tasks.start_soon(cancel_when_left)
        await app(scope, replay(body, receive), send)
        tasks.cancel_scope.cancel()
