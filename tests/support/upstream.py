"""An ASGI app behind a real socket, in a thread, that remembers what it was asked."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send


@dataclass
class Upstream:
    """A running app: its `url`, and every request that reached it as `METHOD /raw/path?query`."""

    url: str
    requests: list[str] = field(default_factory=list)


@contextmanager
def serve(app: ASGIApp, lifespan: Literal["on", "off"] = "off") -> Iterator[Upstream]:
    """Serve `app` on a free loopback port for as long as the context lasts."""
    # Named TCP, as asyncio wants it before it turns off Nagle's waiting: 40 ms with each answer on a kept connection.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    listener.listen(128)
    upstream = Upstream(f"http://127.0.0.1:{listener.getsockname()[1]}")

    async def recording(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            query = f"?{scope['query_string'].decode()}" if scope["query_string"] else ""
            upstream.requests.append(f"{scope['method']} {scope['raw_path'].decode()}{query}")
        await app(scope, receive, send)

    server = uvicorn.Server(uvicorn.Config(recording, http="h11", ws="none", lifespan=lifespan, log_config=None))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.005)
    try:
        yield upstream
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


class SwappableApp:
    """The one app that a server runs, exchanged between tests."""

    app: ASGIApp
    upstream: Upstream

    def show(self, app: ASGIApp) -> Upstream:
        """Serve this app from now on; what the one before it was asked is forgotten."""
        self.app = app
        self.upstream.requests = []
        return self.upstream

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request to the app of the moment."""
        await self.app(scope, receive, send)
