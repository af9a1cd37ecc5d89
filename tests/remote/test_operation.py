"""What an operator watches: metrics, logs and traces of a running replica."""

import json
import threading
from typing import Any

import httpx
from prometheus_client.parser import text_string_to_metric_families
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from errtrack_mcp.sandbox.seed import FULL_KEY
from tests.support.misbehaving import http, misbehave
from tests.support.serving import LIST, Serving, call_body, get, post, posting, serving, serving_here
from tests.support.upstream import Upstream, serve

EMPTY: dict[str, Any] = {"count": 0, "next": None, "previous": None, "results": []}


def samples(replica: Serving | Upstream) -> dict[str, float]:
    """Read the metrics as Prometheus would."""
    answer = get(f"{replica.url}/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=")
    return {
        " ".join([sample.name, *(sample.labels[name] for name in sorted(sample.labels))]): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def call_tool(replica: Serving | Upstream, tool: str = LIST, **headers: str) -> httpx.Response:
    """Call a tool."""
    return post(f"{replica.url}/mcp", json=call_body(tool), headers=posting(FULL_KEY, **headers), timeout=60)


def test_calls_and_requests_are_counted(sandbox: Upstream) -> None:
    """By tool and outcome, by resource and status; nothing that a caller made up becomes a label."""
    with serving_here(POSTHOG_HOST=sandbox.url) as replica:
        call_tool(replica)
        call_tool(replica, "error-tracking-symbol-sets-list")
        call_tool(replica, "made-up-name")
        post(f"{replica.url}/mcp", json=call_body(), headers=posting("phx_unknown"))
        get(f"{replica.url}/made-up-path")
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
        serving_here(POSTHOG_HOST=upstream.url) as replica,
    ):
        assert call_tool(replica).json()["result"]["isError"] is False
        assert samples(replica)["errtrack_throttled_total posthog"] == 1


def test_a_request_can_be_followed_through_the_log_to_posthog() -> None:
    """One id in the caller's answer, in each line of JSON, and in what goes upstream; no line holds a key."""
    ids: list[str] = []

    async def releases(request: Request) -> JSONResponse:
        ids.append(request.headers["x-request-id"])
        return JSONResponse(EMPTY)

    app = Starlette(routes=[Route("/api/projects/{team}/error_tracking/releases/", releases)])
    with serve(app) as upstream, serving("--log-format", "json", POSTHOG_HOST=upstream.url) as replica:
        given = call_tool(replica, **{"X-Request-Id": "from-the-proxy-1"})
        assert given.headers["x-request-id"] == "from-the-proxy-1"
        made = call_tool(replica, **{"X-Request-Id": "not an id!"})
        replica.stop()
    lines = [json.loads(line) for line in replica.log]
    assert ids == ["from-the-proxy-1", made.headers["x-request-id"]]
    calls = [line for line in lines if line["event"] == "call"]
    assert [call["request_id"] for call in calls] == ids
    assert [(call["tool"], call["outcome"]) for call in calls] == [(LIST, "ok")] * 2
    assert [line["status"] for line in lines if line["event"] == "request"] == [200, 200]
    assert {"draining", "stopped"} <= {line["event"] for line in lines}
    assert FULL_KEY not in "".join(replica.log)


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
        call_tool(replica)
        for hostile in (call_body(FULL_KEY), {**call_body(), "id": FULL_KEY}, {**call_body(), "method": FULL_KEY}):
            post(f"{replica.url}/mcp", json=hostile, headers=posting())
        replica.stop()
        assert arrived.wait(10)
    sent = b"".join(bodies)
    assert b"GET releases" in sent
    assert LIST.encode() in sent
    assert b"errtrack-mcp" in sent
    assert FULL_KEY.encode() not in sent  # nor where a caller's message names it
    assert b"tools/call phx_***" in sent
