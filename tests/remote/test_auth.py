"""Who is calling, and what a request gives up: read from its headers and its route, on each path that serves calls."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pytest
from pydantic import SecretStr
from starlette.testclient import TestClient

from errtrack_mcp.remote.auth import Caller, RequestRefused, RouteNarrowing, held_to, read_caller
from errtrack_mcp.remote.request_log import REQUEST_ID
from errtrack_mcp.sandbox.seed import FULL_KEY, PROJECT_ID
from errtrack_mcp.server.catalog.filters import Selection, is_read_only
from errtrack_mcp.server.catalog.toolsets import TOOLSETS
from errtrack_mcp.settings import load_settings
from tests.support.asgi import scope_of
from tests.support.fixtures import Serve
from tests.support.serving import LIST, call_body, document_address, posting

DEPLOY = Path(__file__).parents[2] / "deploy"
OF_ANY_CLIENT = {"Host", "Connection"}


def names(client: TestClient, path: str = "/mcp", **headers: str) -> set[str]:
    """List the tools that such a caller sees."""
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    response = client.post(path, json=body, headers=posting(FULL_KEY, **headers))
    return {tool["name"] for tool in response.json()["result"]["tools"]}


@pytest.mark.parametrize(
    ("authorization", "message"),
    [
        (None, "Send your own PostHog key"),
        ("Bearer", "Bearer, a space, and"),
        ("Basic cGh4X3NhbmRib3g6", "Bearer, a space, and"),
        ("Bearer phc_public", "public project token"),
        ("Bearer sk-something", "Only personal API keys"),
        ("Bearer phx_a b", "Bearer, a space, and"),
        ("Bearer phx_" + "a" * 600, "Bearer, a space, and"),
    ],
)
@pytest.mark.parametrize("path", ["/mcp", "/mcp/readonly", "/mcp/x/releases", "/sse", "/messages/"])
def test_nobody_is_served_without_a_usable_key(
    in_memory: Serve, path: str, authorization: str | None, message: str
) -> None:
    """401 with the address of a document, which names nobody who issues tokens: a sandbox is behind this server."""
    headers = posting(None) | ({"Authorization": authorization} if authorization else {})
    with in_memory() as client:
        response = client.request("GET" if path == "/sse" else "POST", path, headers=headers)
        document = client.get(document_address(response.headers["www-authenticate"])).json()
    assert response.status_code == 401
    assert message in response.json()["message"]
    assert document["resource"] == ("http://localhost" + path).rstrip("/")
    assert "authorization_servers" not in document
    assert "error_tracking:read" in document["scopes_supported"]


@pytest.mark.parametrize("name", ["Authorization", "X-Errtrack-Read-Only", "Idempotency-Key", "X-Errtrack-Once"])
def test_a_header_given_twice_is_refused(in_memory: Serve, name: str) -> None:
    """Proxy and server could take different ones for true."""
    twice = httpx2.Headers([*posting().items(), (name, "1"), (name, "0")])
    with in_memory() as client:
        response = client.post("/mcp", json=call_body(), headers=twice)
    assert response.status_code == 400
    assert "more than once" in response.json()["message"]


def test_headers_and_paths_can_only_narrow(in_memory: Serve) -> None:
    """Both together leave what both allow."""
    with in_memory() as client:
        everything = names(client)
        reads = {tool.name for tools in TOOLSETS.values() for tool in tools if is_read_only(tool)} & everything
        releases = {tool.name for tool in TOOLSETS["releases"]} & everything
        assert names(client, "/mcp/readonly") == reads
        assert names(client, **{"X-Errtrack-Read-Only": "1"}) == reads
        assert names(client, "/mcp/x/releases") == releases
        assert names(client, "/mcp/x/releases/readonly") == releases & reads
        assert names(client, "/mcp/readonly", **{"X-Errtrack-Read-Only": "0"}) == reads
        assert names(client, "/mcp/x/releases", **{"X-Errtrack-Toolsets": "releases,symbol-sets"}) == releases
        assert names(client, "/mcp/x/releases", **{"X-Errtrack-Toolsets": "symbol-sets"}) == set()
        assert names(client) == everything


def test_a_tool_beyond_the_narrowing_cannot_be_called(in_memory: Serve) -> None:
    """What is not listed is refused in words."""
    body = call_body("error-tracking-releases-create", version="1", project="p")
    with in_memory() as client:
        result = client.post("/mcp/readonly", json=body, headers=posting()).json()["result"]
    assert result["content"][0]["text"].startswith("unknown_tool: ")


@pytest.mark.parametrize(
    ("headers", "path"),
    [
        ({"X-Errtrack-Toolsets": "nope"}, "/mcp"),
        ({"X-Errtrack-Read-Only": "maybe"}, "/mcp"),
        ({}, "/mcp/x/nope"),
        ({}, "/mcp/x/nope/readonly/"),
    ],
)
def test_a_narrowing_that_means_nothing_is_refused(in_memory: Serve, headers: dict[str, str], path: str) -> None:
    """Silence would offer more than was asked for."""
    with in_memory() as client:
        assert client.post(path, json=call_body(), headers=posting() | headers).status_code == 400


@pytest.mark.parametrize(
    "path", ["/mcp/readonly/more", "/mcp/x", "/mcp/x//readonly", "/mcp/READONLY", "//mcp/readonly"]
)
def test_a_path_that_is_not_recognised_is_refused(in_memory: Serve, path: str) -> None:
    """It may have been meant to narrow."""
    with in_memory() as client:
        assert client.post(path, json=call_body(), headers=posting()).status_code == 404


def test_a_route_whose_toolsets_are_missing_is_refused() -> None:
    """A router that leaves out the path's parameters must not widen what is offered."""
    scope = scope_of(headers=posting(), fields={REQUEST_ID: "1"})
    with pytest.raises(RequestRefused, match="The path must name toolsets"):
        read_caller(scope, load_settings(), RouteNarrowing(toolsets=True))


OPERATOR = {"POSTHOG_PERSONAL_API_KEY": FULL_KEY, "ERRTRACK_SHARED_KEY": "1"}


def test_the_operators_key_is_lent_on_this_machine(in_memory: Serve) -> None:
    """To a caller without a key, where the operator says so."""
    with in_memory(**OPERATOR) as client:
        response = client.post("/mcp", json=call_body(), headers=posting(None))
    assert response.json()["result"]["isError"] is False


@pytest.mark.parametrize(
    "header",
    [
        *("X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Server", "X-Forwarded-Port", "X-Original-Forwarded-For"),
        *("X-Real-IP", "Forwarded", "Via", "X-Request-Id", "CF-Connecting-IP", "True-Client-IP", "X-Client-IP"),
        *("X-Envoy-External-Address", "X-Amzn-Trace-Id", "Fly-Client-IP", "Tailscale-User-Login", "X-Never-Heard-Of"),
        *("Idempotency-Key", "X-Errtrack-Once"),  # the shipped nginx.conf adds them, of today and of earlier versions
    ],
)
def test_the_operators_key_is_not_lent_through_a_proxy(in_memory: Serve, header: str) -> None:
    """Everybody who reaches the proxy could use it; the refusal names the header that may be a proxy's."""
    with in_memory(**OPERATOR) as client:
        response = client.post("/mcp", json=call_body(), headers=posting(None) | {header: "1"})
    assert response.status_code == 401
    assert f"the header '{header.lower()}' may come from one" in response.json()["message"]


@pytest.mark.parametrize("version", ["0.9", "1.0", None])
def test_the_operators_key_is_not_lent_to_an_older_version_of_http(version: str | None) -> None:
    """A proxy that is configured no further speaks HTTP/1.0 and adds no header."""
    settings = load_settings(None, POSTHOG_PERSONAL_API_KEY=FULL_KEY, shared_key="1")
    scope = scope_of(fields={"http_version": version, REQUEST_ID: "1"})
    with pytest.raises(RequestRefused, match="is not HTTP"):
        read_caller(scope, settings, RouteNarrowing())


def test_the_operators_key_is_lent_whatever_clients_and_browsers_send(in_memory: Serve) -> None:
    """Their protocol's own headers, those of a page, and those that follow a trace."""
    sent = {"Origin": "http://localhost", "Referer": "http://localhost/", "Cookie": "a=b", "DNT": "1"}
    sent |= {"Sec-Fetch-Mode": "cors", "Sec-CH-UA-Mobile": "?0", "Priority": "u=1, i", "Pragma": "no-cache"}
    sent |= {"Accept-Language": "*", "Cache-Control": "no-cache", "TE": "trailers", "Last-Event-ID": "1"}
    sent |= {"Traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "Baggage": "a=b"}
    sent |= {"MCP-Protocol-Version": "2025-11-25", "X-PostHog-Project-Id": str(PROJECT_ID), "X-Errtrack-Read-Only": "1"}
    with in_memory(ERRTRACK_SERVED_ORIGINS="http://localhost", **OPERATOR) as client:
        response = client.post("/mcp", json=call_body(), headers=posting(None) | sent)
    assert response.json()["result"]["isError"] is False


@pytest.mark.parametrize("end", ["server", "client"])
@pytest.mark.parametrize("address", [None, ("192.0.2.1", 1), ("server.sock", None)])
def test_the_operators_key_is_not_lent_to_an_unknown_address(end: str, address: tuple[str, int | None] | None) -> None:
    """Both ends of the connection must be on this machine."""
    settings = load_settings(None, POSTHOG_PERSONAL_API_KEY=FULL_KEY, shared_key="1")
    scope = scope_of(fields={end: address, REQUEST_ID: "1"})
    with pytest.raises(RequestRefused, match="Send your own PostHog key"):
        read_caller(scope, settings, RouteNarrowing())


def caller(**fields: Any) -> Caller:
    """Return a caller."""
    usual = Caller(SecretStr(FULL_KEY), "https://us.posthog.com", ("projects", "@current"), False, Selection(), "1")  # noqa: FBT003
    return replace(usual, **fields)


def test_a_message_is_held_to_its_streams_narrowing_and_project() -> None:
    """What the stream was opened with holds for every message of it."""
    stream = caller(
        prefix=("projects", "1"),
        project_fixed=True,
        narrowing=Selection(read_only=True, toolsets=frozenset({"releases"})),
    )
    held = held_to(caller(narrowing=Selection(toolsets=frozenset({"releases", "symbol-sets"}))), stream)
    assert held.prefix == ("projects", "1")
    assert held.project_fixed
    assert held.narrowing == Selection(read_only=True, toolsets=frozenset({"releases"}))
    with pytest.raises(RequestRefused, match="opened for project 1"):
        held_to(caller(prefix=("projects", "2"), project_fixed=True), stream)


def test_a_message_can_narrow_further_than_its_stream() -> None:
    """For that message alone."""
    held = held_to(caller(prefix=("projects", "2"), project_fixed=True, narrowing=Selection(read_only=True)), caller())
    assert held.prefix == ("projects", "2")
    assert held.narrowing.read_only


def test_a_question_is_sealed_to_the_key_and_the_project_that_somebody_named() -> None:
    """Not to one that PostHog's answer about a token brings, perhaps only between two rounds."""
    seven = ("projects", "7")
    assert caller(prefix=seven).principal == caller().principal
    assert caller(prefix=seven, project_fixed=True).principal != caller().principal
    assert caller(prefix=seven, project_fixed=True).principal != caller(project_fixed=True).principal
    assert caller(key=SecretStr("phx_other")).principal != caller().principal


def test_a_call_succeeds_in_memory(in_memory: Serve) -> None:
    """The way that the tests above refuse is open otherwise."""
    with in_memory() as client:
        assert client.post("/mcp", json=call_body(LIST), headers=posting()).json()["result"]["isError"] is False


def test_the_operators_key_is_not_used_behind_the_shipped_proxy(in_memory: Serve) -> None:
    """The proxy calls from this machine, and whatever header it adds tells it from a caller there."""
    conf = (DEPLOY / "nginx.conf").read_text()
    added = [header for header in re.findall(r"proxy_set_header\s+(\S+)", conf) if header not in OF_ANY_CLIENT]
    assert {"X-Forwarded-For", "X-Forwarded-Proto", "X-Request-Id", "Idempotency-Key"} <= set(added)
    with in_memory(ERRTRACK_SHARED_KEY="1", POSTHOG_PERSONAL_API_KEY=FULL_KEY) as client:
        assert client.post("/mcp", json=call_body(limit=1), headers=posting(None)).status_code == 200
        for header in added:
            sent = posting(None) | {header: "1"}
            assert client.post("/mcp", json=call_body(limit=1), headers=sent).status_code == 401, header
