"""Tokens at the door that PostHog does not answer about: nobody waits long, and nobody waits for strangers."""

import socket
import threading

import anyio
import pytest
from starlette.types import Message

from errtrack_mcp.remote import token_check
from errtrack_mcp.remote.app import build_app
from errtrack_mcp.remote.auth import RequestRefused
from errtrack_mcp.remote.in_flight_limit import MAX_IN_FLIGHT_PER_KEY
from errtrack_mcp.remote.stream_limit import MAX_STREAMS_PER_KEY
from errtrack_mcp.remote.token_check import TokenCheck
from errtrack_mcp.remote.upstream import Upstream
from errtrack_mcp.settings import load_settings
from tests.support.asgi import Response, body_of, call, scope_of
from tests.support.clock import Clock
from tests.support.misbehaving import Misbehaving, http, misbehave
from tests.support.serving import posting
from tests.support.tokens import TOKEN, caller
from tests.support.waiting import until

pytestmark = [pytest.mark.anyio, pytest.mark.attack("strangers' tokens")]

ACTIVE = http(200, b'{"active": true, "scoped_teams": [7]}')
UNKNOWN = http(200, b'{"active": false}')
SOON = 2.0  # seconds; less than PATIENCE


def silent(connection: socket.socket) -> None:
    """Answer nothing for as long as the other side waits."""
    while connection.recv(1000):
        pass


async def asked(upstream: Misbehaving, times: int) -> None:
    """Wait until PostHog has been asked so often."""
    await anyio.to_thread.run_sync(until, lambda: len(upstream.requests) >= times)


async def test_requests_with_one_token_wait_together(upstreams: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    """For one question, which is asked again only some time after it has ended."""
    monkeypatch.setattr(token_check, "PATIENCE", 0.3)
    monkeypatch.setattr(token_check, "ASK_AGAIN_AFTER", 0.3)
    check = TokenCheck(upstreams)
    with misbehave(silent) as upstream:
        async with anyio.create_task_group() as tasks:
            for _ in range(8):
                tasks.start_soon(check, caller(upstream.url))
        assert len(upstream.requests) == 1


async def test_nobody_waits_where_an_answer_is_known(upstreams: Upstream, clock: Clock) -> None:
    """One request asks anew, and the others take the latest answer."""
    check = TokenCheck(upstreams, clock)
    with misbehave(ACTIVE, silent) as upstream:
        await check(caller(upstream.url))
        clock.now += 60
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(check, caller(upstream.url))
            await asked(upstream, 2)
            with anyio.fail_after(SOON):
                assert (await check(caller(upstream.url))).prefix == ("projects", "7")
            tasks.cancel_scope.cancel()
        assert len(upstream.requests) == 2


async def test_strangers_take_no_place_of_a_token_that_is_confirmed(
    upstreams: Upstream, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostHog is asked about it while all places of others are taken."""
    monkeypatch.setattr(token_check, "AT_ONCE", 1)
    check = TokenCheck(upstreams, clock)
    with misbehave(ACTIVE, silent, ACTIVE) as upstream:
        await check(caller(upstream.url))
        clock.now += 60
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(check, caller(upstream.url, "pha_made_up"))
            await asked(upstream, 2)
            with anyio.fail_after(SOON):
                await check(caller(upstream.url))
            tasks.cancel_scope.cancel()
        assert len(upstream.requests) == 3


async def test_a_refused_token_stays_refused_while_the_places_are_taken(
    upstreams: Upstream, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At once: its latest answer is known."""
    monkeypatch.setattr(token_check, "AT_ONCE", 1)
    check = TokenCheck(upstreams, clock)
    with misbehave(UNKNOWN, silent) as upstream:
        with pytest.raises(RequestRefused):
            await check(caller(upstream.url))
        clock.now += 60
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(check, caller(upstream.url, "pha_made_up"))
            await asked(upstream, 2)
            with pytest.raises(RequestRefused), anyio.fail_after(SOON):
                await check(caller(upstream.url))
            tasks.cancel_scope.cancel()
        assert len(upstream.requests) == 2


async def test_strangers_push_no_confirmed_token_out(
    upstreams: Upstream, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many they make up, PostHog is not asked about it again."""
    monkeypatch.setattr(token_check, "MAX_TOKENS", 2)
    check = TokenCheck(upstreams, clock)
    with misbehave(ACTIVE, UNKNOWN) as upstream:
        await check(caller(upstream.url))
        for number in range(3):
            with pytest.raises(RequestRefused):
                await check(caller(upstream.url, f"pha_made_up_{number}"))
        await check(caller(upstream.url))
        assert len(upstream.requests) == 4


async def test_strangers_do_not_wait_in_any_number(
    upstreams: Upstream, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One more than may wait is let through at once: whoever waits is in flight."""
    monkeypatch.setattr(token_check, "AT_ONCE", 1)
    monkeypatch.setattr(token_check, "MAX_WAITING", 1)
    check = TokenCheck(upstreams, clock)
    with misbehave(silent) as upstream:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(check, caller(upstream.url, "pha_made_up_1"))
            await asked(upstream, 1)
            tasks.start_soon(check, caller(upstream.url, "pha_made_up_2"))
            await anyio.wait_all_tasks_blocked()
            with anyio.fail_after(SOON):
                await check(caller(upstream.url, "pha_made_up_3"))
            tasks.cancel_scope.cancel()


@pytest.mark.parametrize(
    ("method", "path", "limit"),
    [
        ("POST", "/mcp", MAX_IN_FLIGHT_PER_KEY),
        ("DELETE", "/mcp", MAX_IN_FLIGHT_PER_KEY),
        ("HEAD", "/sse", MAX_IN_FLIGHT_PER_KEY),
        ("GET", "/mcp", MAX_STREAMS_PER_KEY),
        ("GET", "/sse", MAX_STREAMS_PER_KEY),
    ],
)
async def test_what_waits_for_an_answer_about_its_token_is_in_flight(
    monkeypatch: pytest.MonkeyPatch, method: str, path: str, limit: int
) -> None:
    """One made-up token takes as many places as any key may, and the next request is refused at once."""
    with misbehave(silent) as upstream:
        monkeypatch.setenv("POSTHOG_HOST", upstream.url)
        app = build_app(load_settings())
        async with anyio.create_task_group() as tasks:
            for _ in range(limit):
                tasks.start_soon(app, scope_of(method, path, posting(TOKEN)), body_of(b""), Response().send)
            await asked(upstream, 1)
            with anyio.fail_after(SOON):
                refused = await call(app, scope_of(method, path, posting(TOKEN)))
            tasks.cancel_scope.cancel()
    assert refused.status == 429


async def test_a_client_that_leaves_is_asked_about_no_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    """The question ends with the request, and so does what the request holds."""
    given_up = threading.Event()
    left = anyio.Event()

    def until_given_up(connection: socket.socket) -> None:
        silent(connection)
        given_up.set()

    messages: list[Message] = [{"type": "http.request", "body": b"{}", "more_body": False}]

    async def receive() -> Message:
        if messages:
            return messages.pop()
        await left.wait()
        return {"type": "http.disconnect"}

    response = Response()
    with misbehave(until_given_up) as upstream:
        monkeypatch.setenv("POSTHOG_HOST", upstream.url)
        app = build_app(load_settings())
        with anyio.fail_after(SOON):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(app, scope_of("POST", "/mcp", posting(TOKEN)), receive, response.send)
                await asked(upstream, 1)
                left.set()
        assert given_up.wait(SOON)
    assert not response.messages
