"""Streams that clients keep open: too many, idle, and ended with the replica."""

import anyio
import pytest
from pydantic import SecretStr
from starlette.types import Receive, Scope, Send

from errtrack_mcp.remote.auth import CALLER, Caller
from errtrack_mcp.remote.metrics import Metrics
from errtrack_mcp.remote.replica import Replica
from errtrack_mcp.remote.stream_limit import StreamLimitMiddleware
from errtrack_mcp.server.catalog.filters import Selection
from tests.support.asgi import Response, body_of, call, scope_of

pytestmark = [pytest.mark.anyio, pytest.mark.attack("streams held open")]
HOST = "https://us.posthog.com"


def get(key: str = "phx_one", method: str = "GET") -> Scope:
    """Return a request of a caller."""
    caller = Caller(SecretStr(key), HOST, ("projects", "1"), project_fixed=True, narrowing=Selection(), request_id="1")
    return scope_of(method, "/sse", fields={CALLER: caller})


async def stream(_scope: Scope, receive: Receive, send: Send) -> None:
    """Keep a stream open until the client leaves, then answer again, as the SDK does."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"event: endpoint\r\n\r\n", "more_body": True})
    while (await receive())["type"] != "http.disconnect":
        pass
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def test_an_idle_stream_ends() -> None:
    """Once, and completely: the SDK's second answer goes nowhere."""
    app = StreamLimitMiddleware(stream, Replica(Metrics()), idle_seconds=0.01)
    response = await call(app, get(), body_of(b"", then_wait=True))
    assert [message["type"] for message in response.messages] == ["http.response.start"] + ["http.response.body"] * 2
    assert response.complete


async def test_a_stream_that_is_used_goes_on() -> None:
    """An event starts the time anew, a ping does not."""
    replica = Replica(Metrics())
    sent = 0

    async def lively(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal sent
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(stream, scope, receive, send)
            for event in [b"event: message\r\n\r\n"] * 8 + [b": ping\r\n\r\n"] * 100:
                await anyio.sleep(0.05)
                await send({"type": "http.response.body", "body": event, "more_body": True})
                sent += event.startswith(b"event")
            tasks.cancel_scope.cancel()

    app = StreamLimitMiddleware(lively, replica, idle_seconds=0.3)
    response = Response()
    with anyio.move_on_after(2):
        await app(get(), body_of(b"", then_wait=True), response.send)
    assert sent == 8
    assert response.text.count("event: message") == 8
    assert response.text.count("ping") < 10


async def test_streams_are_bounded_for_each_key_and_in_all() -> None:
    """Then 429 or 503; a stream that ends makes room."""
    replica = Replica(Metrics())
    app = StreamLimitMiddleware(stream, replica, max_streams=3, max_streams_per_key=2)
    opened = [Response() for _ in range(3)]
    async with anyio.create_task_group() as tasks:
        for response, key in zip(opened, ["phx_one", "phx_one", "phx_two"], strict=True):
            tasks.start_soon(app, get(key), body_of(b"", then_wait=True), response.send)
        await anyio.wait_all_tasks_blocked()
        assert (await call(app, get("phx_one"))).status == 429
        assert (await call(app, get("phx_three"))).status == 503
        replica.streams_end.set()
    assert all(response.complete for response in opened)
    assert (await call(app, get("phx_three"), body_of(b"", then_wait=True))).status == 200


async def test_streams_end_when_the_last_call_has_ended() -> None:
    """Not before: one of them may carry its answer."""
    replica = Replica(Metrics())
    app = StreamLimitMiddleware(stream, replica)
    response = Response()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(app, get(), body_of(b"", then_wait=True), response.send)
        with replica.track_call("key"):
            tasks.start_soon(replica.end_streams_when_idle)
            await anyio.sleep(0.3)
            assert not response.complete
    assert response.complete


async def test_other_methods_pass() -> None:
    """They open no stream."""
    app = StreamLimitMiddleware(stream, Replica(Metrics()), max_streams=0, max_streams_per_key=0)
    assert (await call(app, get(method="GET"))).status == 429

    async def gone() -> dict[str, str]:
        return {"type": "http.disconnect"}

    assert (await call(app, get(method="POST"), gone)).status == 200
