"""Bodies: their size, the time that they take, and the memory of all of them."""

import anyio
import pytest
from starlette.types import Receive, Scope, Send

from errtrack_mcp.remote.body_limit import MAX_BODY_BYTES, SMALL_BODY_BYTES, BodyLimitMiddleware
from errtrack_mcp.remote.metrics import Metrics
from errtrack_mcp.remote.replica import Replica
from tests.support.asgi import Response, body_of, call, echo, scope_of
from tests.support.fixtures import Serve
from tests.support.serving import posting

pytestmark = [pytest.mark.anyio, pytest.mark.attack("large and slow bodies")]
LARGE = b" " * (SMALL_BODY_BYTES + 1)


async def test_a_body_reaches_the_app_whole() -> None:
    """However many pieces it came in."""
    response = await call(
        BodyLimitMiddleware(echo(), Replica(Metrics())), scope_of(), body_of(b"one ", b"two ", b"three")
    )
    assert response.text == "one two three"


async def test_a_large_body_is_refused_by_its_announced_length() -> None:
    """Nothing of it is read."""
    scope = scope_of(headers={"content-length": str(MAX_BODY_BYTES + 1)})
    response = await call(BodyLimitMiddleware(echo(), Replica(Metrics())), scope, body_of(then_wait=True))
    assert response.status == 413
    assert "1,000,000 bytes" in response.text


@pytest.mark.parametrize("length", ["-1", "ten", "1, 2", "9" * 5000])
async def test_a_length_that_is_no_number_is_refused(length: str) -> None:
    """Other servers than uvicorn may pass one on."""
    response = await call(BodyLimitMiddleware(echo(), Replica(Metrics())), scope_of(headers={"content-length": length}))
    assert response.status == 400


async def test_a_large_body_is_refused_by_its_bytes() -> None:
    """When no length was announced."""
    chunks = [b" " * 300_000] * 4
    response = await call(BodyLimitMiddleware(echo(), Replica(Metrics())), scope_of(), body_of(*chunks, then_wait=True))
    assert response.status == 413


async def test_a_slow_body_is_refused_in_time() -> None:
    """Half a body holds nothing for long."""
    app = BodyLimitMiddleware(echo(), Replica(Metrics()), body_seconds=0.01)
    response = await call(app, scope_of(), body_of(b"half", then_wait=True))
    assert response.status == 408


async def test_slow_bodies_keep_nobody_out() -> None:
    """The one that has been on its way for longest makes room for the next."""
    replica = Replica(Metrics())
    app = BodyLimitMiddleware(echo(), replica, max_reading=2)
    responses = [Response() for _ in range(2)]
    async with anyio.create_task_group() as tasks:
        for response in responses:
            tasks.start_soon(app, scope_of(), body_of(b"half", then_wait=True), response.send)
            await anyio.wait_all_tasks_blocked()
        assert (await call(app, scope_of(), body_of(b"whole"))).text == "whole"
        await anyio.wait_all_tasks_blocked()
        assert [response.status for response in responses] == [408, 0]
        tasks.cancel_scope.cancel()


async def test_half_a_body_is_given_up_when_the_replica_stops() -> None:
    """Nothing else is in flight, so nobody waits for it."""
    replica = Replica(Metrics())
    app = BodyLimitMiddleware(echo(), replica)
    response = Response()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(app, scope_of(), body_of(b"half", then_wait=True), response.send)
        await replica.end_streams_when_idle()
    assert response.status == 408
    assert not replica.reading


async def test_large_bodies_together_are_bounded_and_small_ones_always_pass() -> None:
    """A body counts until its request is answered; then there is room again."""
    arrived, answer = anyio.Event(), anyio.Event()

    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        arrived.set()
        await answer.wait()
        await echo()(scope, receive, send)

    app = BodyLimitMiddleware(slow, Replica(Metrics()), max_held_bytes=len(LARGE))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(call, app, scope_of(), body_of(LARGE))
        await arrived.wait()
        refused = await call(app, scope_of(), body_of(LARGE))
        answer.set()
        small = await call(app, scope_of(), body_of(b" " * SMALL_BODY_BYTES))
    assert (refused.status, refused.headers["retry-after"]) == (503, "1")
    assert small.status == 200
    assert (await call(app, scope_of(), body_of(LARGE))).status == 200


async def test_a_caller_that_leaves_gets_no_answer() -> None:
    """There is nobody to send one to, and the app is not called."""

    async def gone() -> dict[str, str]:
        return {"type": "http.disconnect"}

    assert (await call(BodyLimitMiddleware(echo(), Replica(Metrics())), scope_of(), gone)).messages == []


def test_every_route_has_the_limit(in_memory: Serve) -> None:
    """Those too that read no body."""
    with in_memory() as client:
        for method, path in [("POST", "/mcp"), ("POST", "/messages/"), ("GET", "/healthz"), ("POST", "/nothing")]:
            response = client.request(method, path, content=b" " * 1_000_001, headers=posting())
            assert response.status_code == 413, path
