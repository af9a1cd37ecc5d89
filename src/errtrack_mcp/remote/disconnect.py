"""A client that leaves before it has its answer: what is being done for it ends (pure ASGI)."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
from starlette.types import ASGIApp, Receive, Scope, Send

from errtrack_mcp.remote.body_limit import replay


@asynccontextmanager
async def cancelled_when_left(receive: Receive) -> AsyncIterator[None]:
    """Do what is in the block for a client whose body has been read, and cancel it when the client disconnects."""
    async with anyio.create_task_group() as tasks:

        async def cancel_when_left() -> None:
            while (await receive())["type"] != "http.disconnect":
                pass
            tasks.cancel_scope.cancel()

        tasks.start_soon(cancel_when_left)
        yield
        tasks.cancel_scope.cancel()


async def answer_while_connected(app: ASGIApp, body: bytes, scope: Scope, receive: Receive, send: Send) -> None:
    """Let an app answer a request whose body has been read, and cancel it when the client disconnects.

    The SDK does so for a stream. For a plain answer it would work on for nobody.
    """
    async with cancelled_when_left(receive):
        await app(scope, replay(body, receive), send)
