"""A refused request whose body was not read gets its answer before the connection ends."""

import pytest
from starlette.types import ASGIApp

from errtrack_mcp.remote.metrics import Metrics
from errtrack_mcp.remote.replica import Replica
from errtrack_mcp.remote.unread_body import UnreadBodyMiddleware
from tests.support.asgi import body_of, call, echo, scope_of

pytestmark = pytest.mark.anyio


def guarded(app: ASGIApp) -> UnreadBodyMiddleware:
    """Put the middleware in front of an app."""
    return UnreadBodyMiddleware(app, Replica(Metrics()))


async def refuse(_scope: object, _receive: object, send: object) -> None:
    """Answer without reading."""
    assert callable(send)
    await send({"type": "http.response.start", "status": 413, "headers": []})
    await send({"type": "http.response.body", "body": b"too large"})


async def test_the_rest_of_the_body_is_read_after_the_answer() -> None:
    """Then the response ends, and says that the connection will close."""
    receive = body_of(b"one", b"two", b"three")
    response = await call(guarded(refuse), scope_of(headers={"content-length": "11"}), receive)
    assert response.text == "too large"
    assert response.headers["connection"] == "close"
    assert [message.get("more_body") for message in response.messages[1:]] == [True, False]


async def test_a_body_that_never_ends_is_given_up() -> None:
    """After the time for it."""
    app = UnreadBodyMiddleware(refuse, Replica(Metrics()), linger_seconds=0.01)
    scope = scope_of(headers={"transfer-encoding": "chunked"})
    assert (await call(app, scope, body_of(b"one", then_wait=True))).complete


@pytest.mark.parametrize("headers", [{}, {"content-length": "0"}])
async def test_a_request_without_a_body_is_answered_at_once(headers: dict[str, str]) -> None:
    """Nothing is waited for, and the connection is kept."""
    response = await call(guarded(refuse), scope_of(headers=headers), body_of(then_wait=True))
    assert response.complete
    assert "connection" not in response.headers


async def test_a_body_that_was_read_changes_nothing() -> None:
    """The connection is kept."""
    response = await call(guarded(echo()), scope_of(headers={"content-length": "3"}), body_of(b"one"))
    assert response.text == "one"
    assert "connection" not in response.headers
