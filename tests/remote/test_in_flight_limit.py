"""Requests in flight: one key and all keys together have a limit; what needs no key is always answered."""

import anyio
import pytest
from pydantic import SecretStr
from starlette.types import Receive, Scope, Send

from errtrack_mcp.remote.auth import CALLER, Caller
from errtrack_mcp.remote.connections import WITHOUT_KEY
from errtrack_mcp.remote.in_flight_limit import (
    MAX_IN_FLIGHT,
    MAX_IN_FLIGHT_PER_KEY,
    InFlightLimit,
    InFlightLimitMiddleware,
)
from errtrack_mcp.remote.metrics import Metrics
from errtrack_mcp.remote.replica import Replica
from errtrack_mcp.server.catalog.filters import Selection
from tests.support.asgi import Response, body_of, call, echo, scope_of
from tests.support.fixtures import MakeApp
from tests.support.serving import call_body, posting

pytestmark = [pytest.mark.anyio, pytest.mark.attack("more requests than may be in flight")]
HOST = "https://us.posthog.com"


def caller(key: str) -> Caller:
    """Return a caller."""
    return Caller(SecretStr(key), HOST, ("projects", "1"), project_fixed=True, narrowing=Selection(), request_id="1")


def post(key: str = "phx_one", method: str = "POST") -> Scope:
    """Return a request of a caller."""
    return scope_of(method, "/mcp", fields={CALLER: caller(key)})


async def test_requests_are_bounded_for_each_key_and_in_all() -> None:
    """Then 429 or 503, with when to ask again; a request that ends makes room."""
    release = anyio.Event()

    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        await release.wait()
        await echo()(scope, receive, send)

    app = InFlightLimitMiddleware(slow, InFlightLimit(Replica(Metrics()), in_all=3, per_key=2))
    responses = [Response() for _ in range(3)]
    async with anyio.create_task_group() as tasks:
        for response, key in zip(responses, ["phx_one", "phx_one", "phx_two"], strict=True):
            tasks.start_soon(app, post(key), body_of(b""), response.send)
        await anyio.wait_all_tasks_blocked()
        of_this_key, of_another = await call(app, post("phx_one")), await call(app, post("phx_three"))
        release.set()
    assert (of_this_key.status, of_another.status) == (429, 503)
    assert of_this_key.headers["retry-after"] == of_another.headers["retry-after"] == "1"
    assert [response.status for response in responses] == [200] * 3
    assert (await call(app, post("phx_one"))).status == 200


async def test_calls_count_whose_requests_have_ended() -> None:
    """A call over SSE goes on after its message was taken."""
    replica = Replica(Metrics())
    app = InFlightLimitMiddleware(echo(), InFlightLimit(replica, in_all=2, per_key=1))
    with replica.track_call(caller("phx_one").key_hash):
        assert (await call(app, post("phx_one"))).status == 429
        with replica.track_call(caller("phx_two").key_hash):
            assert (await call(app, post("phx_three"))).status == 503
    assert (await call(app, post("phx_one"))).status == 200


async def test_streams_pass() -> None:
    """They have a limit of their own."""
    app = InFlightLimitMiddleware(echo(), InFlightLimit(Replica(Metrics()), in_all=0, per_key=0))
    assert (await call(app, post(method="GET"))).status == 200
    assert (await call(app, post())).status == 429


async def test_health_is_told_while_every_place_is_taken(make_app: MakeApp) -> None:
    """Of the app as it is served: calls are refused, and what needs no key is answered."""
    app = make_app()
    replica: Replica = app.state.replica
    replica.calls.update({f"key {number}": MAX_IN_FLIGHT_PER_KEY for number in range(MAX_IN_FLIGHT)})
    headers = posting("phx_made_up") | {"Content-Type": "application/json"}
    scope = scope_of("POST", "/mcp", headers)
    assert (await call(app, scope, body_of(str(call_body()).encode()))).status == 503
    for path in WITHOUT_KEY:
        assert (await call(app, scope_of("GET", path))).status == 200
