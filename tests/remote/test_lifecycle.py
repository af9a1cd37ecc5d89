"""How a process leaves: SIGTERM, drain, stop. Each test starts a replica."""

import signal
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import anyio
import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from errtrack_mcp.sandbox.seed import FULL_KEY
from tests.support.serving import LIST, Serving, call_body, caller, get, post, posting, serving
from tests.support.upstream import Upstream, serve
from tests.support.waiting import until

EMPTY: dict[str, Any] = {"count": 0, "next": None, "previous": None, "results": []}


def call_list(replica: Serving) -> httpx.Response:
    """Call a tool."""
    return post(f"{replica.url}/mcp", json=call_body(LIST), headers=posting(FULL_KEY), timeout=60)


@contextmanager
def slow(seconds: float) -> Iterator[Upstream]:
    """Answer each list after so many seconds."""

    async def releases(_request: Request) -> JSONResponse:
        await anyio.sleep(seconds)
        return JSONResponse(EMPTY)

    with serve(Starlette(routes=[Route("/api/projects/{team}/error_tracking/releases/", releases)])) as upstream:
        yield upstream


def test_a_replica_that_leaves_finishes_what_it_has_begun() -> None:
    """SIGTERM: not ready for the time balancers need, then closed, and every accepted call is answered."""
    with slow(2) as upstream, ThreadPoolExecutor(10) as threads:
        with serving(POSTHOG_HOST=upstream.url, ERRTRACK_DRAIN_DELAY="1") as replica:
            assert get(f"{replica.url}/readyz").status_code == 200
            answers = [threads.submit(call_list, replica) for _ in range(10)]
            until(lambda: len(upstream.requests) == 10)
            replica.process.terminate()
            until(lambda: get(f"{replica.url}/readyz").status_code == 503)
            assert call_list(replica).json()["result"]["isError"] is False, "it still answers while balancers notice"
            assert replica.process.wait(timeout=20) == 0
        assert [answer.result().json()["result"]["isError"] for answer in answers] == [False] * 10


@pytest.mark.anyio
async def test_a_stream_is_not_cut_by_leaving() -> None:
    """A call that reports progress, and a client over SSE, get their answers after SIGTERM too."""
    with slow(1.5) as upstream, serving(POSTHOG_HOST=upstream.url) as replica:
        outcomes: list[bool | None] = []

        async def heard(progress: float, total: float | None, message: str | None) -> None: ...

        async def ask() -> None:
            async with caller(replica.url, mode="legacy") as client:
                await client.list_tools()  # the client wants the schema once it has the answer
                outcomes.append((await client.call_tool(LIST, {}, progress_callback=heard)).is_error)

        async with anyio.create_task_group() as group:
            for _ in range(3):
                group.start_soon(ask)
            await anyio.to_thread.run_sync(until, lambda: len(upstream.requests) == 3)
            replica.process.terminate()
        assert outcomes == [False] * 3
        assert await anyio.to_thread.run_sync(replica.process.wait, 20) == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_idle_stream_does_not_hold_a_replica_back(number: signal.Signals) -> None:
    """Clients of the older transport keep a stream open for hours; leaving takes seconds, and no traceback."""
    with serving("--sandbox") as leaving, httpx.stream("GET", f"{leaving.url}/sse", headers=posting()) as stream:
        lines = stream.iter_lines()
        next(lines)
        begun = time.monotonic()
        leaving.process.send_signal(number)
        assert leaving.process.wait(timeout=20) == 0
        assert time.monotonic() - begun < 5
        list(lines)  # the stream ends as HTTP wants it
    log = "".join(leaving.log)
    assert "stopped" in log
    assert "Traceback" not in log
    assert "error" not in log


def test_a_second_signal_leaves_at_once() -> None:
    """Calls under way are given up."""
    with slow(5) as upstream, ThreadPoolExecutor(1) as threads:
        with serving(POSTHOG_HOST=upstream.url, ERRTRACK_DRAIN_DELAY="60") as replica:
            answer = threads.submit(call_list, replica)
            until(lambda: len(upstream.requests) == 1)
            replica.process.terminate()
            until(lambda: get(f"{replica.url}/readyz").status_code == 503)
            begun = time.monotonic()
            assert replica.stop() == 0
            assert time.monotonic() - begun < 4
        assert answer.exception() or answer.result().status_code == 500


def test_half_a_request_does_not_hold_a_replica_back() -> None:
    """Neither half a body, nor half a head, nor a connection that says nothing."""
    with serving("--sandbox") as leaving:
        address = ("127.0.0.1", httpx.URL(leaving.url).port or 0)
        with (
            socket.create_connection(address) as half_head,
            socket.create_connection(address) as half_body,
            socket.create_connection(address),
        ):
            half_head.sendall(b"POST /mcp HTTP/1.1\r\nHost: loc")
            half_body.sendall(b"POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{")
            assert get(f"{leaving.url}/healthz").status_code == 200  # by now the others have arrived
            begun = time.monotonic()
            assert leaving.stop() == 0
            assert time.monotonic() - begun < 5
