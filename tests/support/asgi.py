"""An ASGI app called directly: a request in, messages out, and a body that arrives as the test wants it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import anyio
from starlette.types import ASGIApp, Message, Receive, Scope, Send


@dataclass
class Response:
    """What an app has sent: the messages in their order."""

    messages: list[Message] = field(default_factory=list)

    async def send(self, message: Message) -> None:
        """Take one message."""
        self.messages.append(message)

    @property
    def status(self) -> int:
        """Return the status, 0 if none was sent."""
        return next((message["status"] for message in self.messages if "status" in message), 0)

    @property
    def headers(self) -> dict[str, str]:
        """Return the headers."""
        start = next(message for message in self.messages if "status" in message)
        return {name.decode(): value.decode() for name, value in start.get("headers", ())}

    @property
    def text(self) -> str:
        """Return the body so far."""
        return b"".join(message.get("body", b"") for message in self.messages).decode()

    @property
    def complete(self) -> bool:
        """Return whether the body has ended."""
        return any(m["type"] == "http.response.body" and not m.get("more_body", False) for m in self.messages)


def scope_of(
    method: str = "POST",
    path: str = "/",
    headers: Mapping[str, str] | None = None,
    fields: Mapping[str, Any] | None = None,
) -> Scope:
    """Return the scope of a request from this machine."""
    pairs = {"host": "localhost"} | {name.lower(): value for name, value in (headers or {}).items()}
    return {
        "type": "http",
        "method": method,
        "path": path,
        "root_path": "",
        "query_string": b"",
        "scheme": "http",
        "server": ("127.0.0.1", 80),
        "client": ("127.0.0.1", 5),
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in pairs.items()],
        **(fields or {}),
    }


def body_of(*chunks: bytes, then_wait: bool = False) -> Receive:
    """Return a `receive` that gives these chunks, then waits for more or, once the body has ended, a disconnect."""
    left = list(chunks)

    async def receive() -> Message:
        if left:
            chunk = left.pop(0)
            return {"type": "http.request", "body": chunk, "more_body": bool(left) or then_wait}
        await anyio.sleep_forever()
        raise AssertionError

    return receive


async def call(app: ASGIApp, scope: Scope, receive: Receive | None = None) -> Response:
    """Send one request to an app, and return what it answered."""
    response = Response()
    await app(scope, receive or body_of(b""), response.send)
    return response


def echo(status: int = 200) -> ASGIApp:
    """Return an app that answers with the body that it was sent."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        del scope
        message = await receive()
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": message.get("body", b"")})

    return app
