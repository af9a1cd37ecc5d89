"""What an operator watches: health, readiness, metrics, logs, traces; and how a replica leaves."""

import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import anyio
import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from errtrack_mcp.sandbox.seed import FULL_KEY
from tests.support.misbehaving import http, misbehave
from tests.support.serving import LIST, Serving, call_body, caller, posting, serving
from tests.support.upstream import Upstream, serve
from tests.support.waiting import until

EMPTY: dict[str, Any] = {"count": 0, "next": None, "previous": None, "results": []}


def samples(replica: Serving) -> dict[str, float]:
    """Read the metrics as Prometheus would."""
    answer = httpx.get(f"{replica.url}/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=")
    return {
        " ".join([sample.name, *(sample.labels[name] for name in sorted(sample.labels))]): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def post(replica: Serving, tool: str = LIST, **headers: str) -> httpx.Response:
    """Call a tool."""
    return httpx.post(f"{replica.url}/mcp", json=call_body(tool), headers=posting(FULL_KEY, **headers), timeout=60)


def test_health_and_readiness(replica: Serving) -> None:
    """Both say yes, and where the budget is kept."""
    assert httpx.get(f"{replica.url}/healthz").json()["status"] == "ok"
    assert httpx.get(f"{replica.url}/readyz").json() == {"status": "ready", "budget": "process"}


def test_calls_and_requests_are_counted(sandbox: Upstream) -> None:
    """By tool and outcome, by resource and status; nothing that a caller made up becomes a label."""
    with serving(POSTHOG_HOST=sandbox.url) as replica:
        post(replica)
        post(replica, "error-tracking-symbol-sets-list")
        post(replica, "made-up-name")
        httpx.post(f"{replica.url}/mcp", json=call_body(), headers=posting("phx_unknown"))
        httpx.get(f"{replica.url}/made-up-path")
        seen = samples(replica)
    assert seen[f"errtrack_calls_total ok {LIST}"] == 1
    assert seen["errtrack_calls_total ok error-tracking-symbol-sets-list"] == 1
    assert seen["errtrack_calls_total unknown_tool unknown"] == 1
    assert seen[f"errtrack_calls_total unauthenticated {LIST}"] == 1
    assert seen["errtrack_upstream_requests_total GET releases 200"] == 1
    assert seen["errtrack_upstream_requests_total GET releases 401"] == 1
    assert seen[f"errtrack_call_seconds_count {LIST}"] == 2
    assert seen["errtrack_upstream_seconds_count symbol_sets"] == 1
    assert seen["errtrack_http_responses_total 404"] == 1
    assert seen["errtrack_calls_in_flight"] == 0
    assert not [name for name in seen if "made-up" in name or "phx_" in name]


def test_throttling_is_counted() -> None:
    """A 429 of PostHog shows, though the call succeeded."""
    with (
        misbehave(http(429, "{}", Retry_After="0"), http(200, json.dumps(EMPTY))) as upstream,
        serving(POSTHOG_HOST=upstream.url) as replica,
    ):
        assert post(replica).json()["result"]["isError"] is False
        assert samples(replica)["errtrack_throttled_total posthog"] == 1


def test_a_request_can_be_followed_through_the_log_to_posthog() -> None:
    """One id in the caller's answer, in each line of JSON, and in what goes upstream; no line holds a key."""
    ids: list[str] = []

    async def releases(request: Request) -> JSONResponse:
        ids.append(request.headers["x-request-id"])
        return JSONResponse(EMPTY)

    app = Starlette(routes=[Route("/api/projects/{team}/error_tracking/releases/", releases)])
    with serve(app) as upstream, serving("--log-format", "json", POSTHOG_HOST=upstream.url) as replica:
        given = post(replica, **{"X-Request-Id": "from-the-proxy-1"})
        assert given.headers["x-request-id"] == "from-the-proxy-1"
        made = post(replica, **{"X-Request-Id": "not an id!"})
        replica.stop()
    lines = [json.loads(line) for line in replica.log]
    assert ids == ["from-the-proxy-1", made.headers["x-request-id"]]
    calls = [line for line in lines if line["event"] == "call"]
    assert [call["request_id"] for call in calls] == ids
    assert [(call["tool"], call["outcome"]) for call in calls] == [(LIST, "ok")] * 2
    assert [line["status"] for line in lines if line["event"] == "request"] == [200, 200]
    assert {"draining", "stopped"} <= {line["event"] for line in lines}
    assert FULL_KEY not in "".join(replica.log)


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
            assert httpx.get(f"{replica.url}/readyz").status_code == 200
            answers = [threads.submit(post, replica) for _ in range(10)]
            until(lambda: len(upstream.requests) == 10)
            replica.process.terminate()
            until(lambda: httpx.get(f"{replica.url}/readyz").status_code == 503)
            assert post(replica).json()["result"]["isError"] is False, "it still answers while balancers notice"
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


@pytest.mark.slow
def test_an_idle_stream_does_not_hold_a_replica_back(replica: Serving) -> None:
    """Clients of the older transport keep a stream open for hours; leaving takes seconds all the same."""
    del replica
    with serving("--sandbox") as leaving, httpx.stream("GET", f"{leaving.url}/sse", headers=posting()) as stream:
        next(stream.iter_lines())
        begun = time.monotonic()
        assert leaving.stop() == 0
        assert time.monotonic() - begun < 5


def test_spans_are_exported_where_the_environment_names_an_endpoint(sandbox: Upstream) -> None:
    """The SDK's span of the call and ours of the request upstream arrive at a collector."""
    bodies: list[bytes] = []
    arrived = threading.Event()

    async def traces(request: Request) -> Response:
        bodies.append(await request.body())
        arrived.set()
        return Response(b"", media_type="application/x-protobuf")

    with (
        serve(Starlette(routes=[Route("/v1/traces", traces, methods=["POST"])])) as collector,
        serving(POSTHOG_HOST=sandbox.url, OTEL_EXPORTER_OTLP_ENDPOINT=collector.url) as replica,
    ):
        post(replica)
        replica.stop()
        assert arrived.wait(10)
    sent = b"".join(bodies)
    assert b"GET releases" in sent
    assert LIST.encode() in sent
    assert b"errtrack-mcp" in sent
    assert FULL_KEY.encode() not in sent
