"""Keys taken out of headers and of refusals, by this server or by the SDK (pure ASGI).

Results and errors of MCP pass `server/redaction.py`. What is refused before or beside it often quotes the request.
"""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from errtrack_mcp.api.redaction import without_keys


def sent_key(scope: Scope) -> str:
    """Return the key that a request brings, or whatever stands in its place."""
    given = next((value for name, value in scope["headers"] if name == b"authorization"), b"")
    return given.decode("latin-1").strip().rpartition(" ")[2]


class RedactionMiddleware:
    """Takes keys out of every header, and of every body whose status says that something went wrong."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Accompany one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        key = sent_key(scope)
        start: Message = {}
        body = b""

        async def sending(message: Message) -> None:
            """Hold a refusal back until all of it is there; the other answers pass as they come."""
            nonlocal start, body
            if message["type"] == "http.response.start":
                message["headers"] = [(name, _without(value, key)) for name, value in message.get("headers", ())]
                start = message
                if message["status"] < 400:
                    await send(message)
            elif start["status"] < 400:
                await send(message)
            else:
                body += message.get("body", b"")
                if not message.get("more_body", False):
                    await self._refuse(start, _without(body, key), send)

        await self._app(scope, receive, sending)

    async def _refuse(self, start: Message, body: bytes, send: Send) -> None:
        headers = [pair for pair in start["headers"] if pair[0] != b"content-length"]
        start["headers"] = [*headers, (b"content-length", str(len(body)).encode())]
        await send(start)
        await send({"type": "http.response.body", "body": body})


def _without(value: bytes, key: str) -> bytes:
    text = value.decode("latin-1")
    return without_keys(text, key).encode("latin-1")
