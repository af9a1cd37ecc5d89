"""Streamable HTTP for both protocol eras: plain JSON, a stream for progress, a session for questions to the user."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

from mcp.server.lowlevel import Server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecuritySettings
from mcp_types import ClientCapabilities
from pydantic import ValidationError
from pydantic_core import from_json
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import Message, Receive, Scope, Send

from errtrack_mcp.remote.auth import CALLER, user_of
from errtrack_mcp.remote.body_limit import MAX_BODY_BYTES, replay
from errtrack_mcp.remote.disconnect import answer_while_connected
from errtrack_mcp.remote.in_flight_limit import MAX_IN_FLIGHT
from errtrack_mcp.remote.sessions import IDLE_SECONDS, MAX_SESSIONS, Session, Sessions
from errtrack_mcp.tools.elicitation import can_ask

UNGUARDED = TransportSecuritySettings(enable_dns_rebinding_protection=False)  # the middlewares check it
SESSION_ID = b"mcp-session-id"
CANNOT_ASK = "errtrack.cannot_ask"
# The id of a client that has said that it cannot ask its user. It names no state: any replica can read it.
CANNOT_ASK_PREFIX = "cannot-ask-"


class StreamableHttp:
    """Answers each request by the cheapest way that can carry its answer.

    - A client of the older protocol that can ask its user gets a session: only there can it be asked.
    - A request with a progress token gets a stream. A stream costs a short call more than half of its speed.
    - Every other request gets plain JSON.

    Outside a session a client takes a call back by leaving. In a session it sends `notifications/cancelled`: there the
    protocol says that a lost connection takes nothing back.
    """

    def __init__(self, server: Server[Any]) -> None:
        self._plain = _stateless(server, json_response=True)
        self._streaming = _stateless(server, json_response=False)
        self._in_session = StreamableHTTPSessionManager(
            app=server,
            max_request_body_size=MAX_BODY_BYTES,
            security_settings=UNGUARDED,
            session_idle_timeout=IDLE_SECONDS,
            max_sessions=MAX_SESSIONS + MAX_IN_FLIGHT,  # Sessions keeps the limit; requests at once may pass it
        )
        self._sessions = Sessions()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Serve for as long as the context lasts."""
        async with self._plain.run(), self._streaming.run(), self._in_session.run():
            yield

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        session_id = _header(scope, SESSION_ID)
        if holder := self._sessions.holder(session_id):
            if holder == scope[CALLER].key_hash:  # the SDK answers 404 to any other key
                (self._sessions.close if scope["method"] == "DELETE" else self._sessions.use)(session_id)
            await self._in_session.handle_request(scope, receive, send)
            return
        if scope["method"] != "POST":
            message = "Send every message by POST. GET and DELETE need the Mcp-Session-Id of an open session.\n"
            await PlainTextResponse(message, 405, headers={"allow": "POST"})(scope, receive, send)
            return
        body = await Request(scope, receive).body()
        scope[CANNOT_ASK] = session_id.startswith(CANNOT_ASK_PREFIX)
        await self._answer(body, _without_session(scope), receive, send)

    async def _answer(self, body: bytes, scope: Scope, receive: Receive, send: Send) -> None:
        manager = self._streaming if wants_stream(body, scope["headers"]) else self._plain
        capabilities = declared_capabilities(body)
        if capabilities is None:
            await answer_while_connected(manager.handle_request, body, scope, receive, send)
            return
        receive = replay(body, receive)
        key_hash = scope[CALLER].key_hash
        if not can_ask(capabilities):
            await manager.handle_request(scope, receive, _with_session(send, CANNOT_ASK_PREFIX + uuid4().hex))
        elif self._sessions.may_open(key_hash):
            if surplus := self._sessions.make_room():
                await self._end(surplus)
            await self._in_session.handle_request(scope, receive, self._noting_session(send, key_hash))
        else:
            await manager.handle_request(scope, receive, send)

    async def _end(self, session: Session) -> None:
        """End a session as its owner would."""
        headers = [(SESSION_ID, session.id.encode())]
        scope = {"type": "http", "method": "DELETE", "path": "/mcp", "query_string": b"", "headers": headers}
        await self._in_session.handle_request(scope | {"user": user_of(session.key_hash)}, _nothing, _drop)

    def _noting_session(self, send: Send, key_hash: str) -> Send:
        """Read from the response which session was opened."""

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] < 300:
                for name, value in message.get("headers", ()):
                    if name == SESSION_ID:
                        self._sessions.open(value.decode("latin-1"), key_hash)
            await send(message)

        return sending


def declared_capabilities(body: bytes) -> ClientCapabilities | None:
    """Return what a client declares in `initialize`; None for any other message, and where it cannot be read."""
    if b'"initialize"' not in body:
        return None
    try:
        message = from_json(body)
        if not isinstance(message, dict) or message.get("method") != "initialize":
            return None
        return ClientCapabilities.model_validate(message["params"]["capabilities"])
    except (ValueError, ValidationError, KeyError, TypeError):
        return None


def wants_stream(body: bytes, headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Return whether a request asks for progress, and can read a stream."""
    if b'"progressToken"' not in body:
        return False
    accept = b",".join(value for name, value in headers if name == b"accept")
    return b"text/event-stream" in accept or b"*/*" in accept


def _stateless(server: Server[Any], *, json_response: bool) -> StreamableHTTPSessionManager:
    return StreamableHTTPSessionManager(
        app=server,
        json_response=json_response,
        stateless=True,
        max_request_body_size=MAX_BODY_BYTES,
        security_settings=UNGUARDED,
    )


async def _nothing() -> Message:
    """Receive an empty body."""
    return {"type": "http.request", "body": b"", "more_body": False}


async def _drop(_message: Message) -> None:
    """Send to nobody."""


def _header(scope: Scope, name: bytes) -> str:
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), "")


def _without_session(scope: Scope) -> Scope:
    """Leave out the id of a session that this process does not hold: the request can do without one."""
    scope["headers"] = [(name, value) for name, value in scope["headers"] if name != SESSION_ID]
    return scope


def _with_session(send: Send, session_id: str) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start" and message["status"] < 300:
            message["headers"] = [*message.get("headers", ()), (SESSION_ID, session_id.encode())]
        await send(message)

    return sending
