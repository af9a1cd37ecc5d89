"""What no request passes by, on every route: Host, Origin, and the size of the body."""

import socket
from collections.abc import Iterator

import httpx
import pytest

from tests.support.serving import Serving, call_body, posting, serving

ROUTES = [
    ("POST", "/mcp"),
    ("POST", "/mcp/readonly"),
    ("POST", "/mcp/x/releases"),
    ("GET", "/sse"),
    ("POST", "/messages/"),
    ("GET", "/healthz"),
    ("GET", "/readyz"),
    ("GET", "/metrics"),
    ("GET", "/.well-known/oauth-protected-resource/mcp"),
    ("GET", "/nothing-here"),
]
EVERY_ROUTE = pytest.mark.parametrize(("method", "path"), ROUTES)
PAGE = "https://tools.example"


@pytest.fixture(scope="module")
def listed() -> Iterator[Serving]:
    """Serve under another name too, and for one web page."""
    with serving("--sandbox", "--allowed-hosts", "mcp.example", "--allowed-origins", PAGE) as replica:
        yield replica


@EVERY_ROUTE
@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "", "mcp.example:1:2", "[::1"])
def test_an_unknown_host_is_refused_everywhere(replica: Serving, method: str, path: str, host: str) -> None:
    """A page that rebinds its name to this address gets nothing, and the operator learns the setting."""
    answer = httpx.request(method, replica.url + path, headers=posting() | {"Host": host})
    assert answer.status_code == 421
    assert "--allowed-hosts (ERRTRACK_SERVED_HOSTS)" in answer.text


@EVERY_ROUTE
@pytest.mark.parametrize("origin", ["https://evil.example", "null", f"{PAGE}.evil.example", "http://localhost:3000"])
def test_an_unlisted_origin_is_refused_everywhere(listed: Serving, method: str, path: str, origin: str) -> None:
    """No page may call but those listed."""
    answer = httpx.request(method, listed.url + path, headers=posting() | {"Origin": origin})
    assert answer.status_code == 403
    assert "--allowed-origins (ERRTRACK_SERVED_ORIGINS)" in answer.text
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize("host", ["mcp.example", "MCP.example:443", "127.0.0.1", "127.0.0.2:9", "localhost", "[::1]:9"])
def test_listed_hosts_and_this_machine_are_answered(listed: Serving, host: str) -> None:
    """With and without a port."""
    assert httpx.get(f"{listed.url}/healthz", headers={"Host": host}).status_code == 200


def test_a_listed_page_may_call(listed: Serving) -> None:
    """Its browser asks first, and may then read the answer."""
    asked = {"Origin": PAGE, "Access-Control-Request-Method": "POST"}
    preflight = httpx.options(f"{listed.url}/mcp", headers=asked)
    assert preflight.status_code == 200
    assert preflight.headers["access-control-allow-origin"] == PAGE
    for header in ("authorization", "mcp-protocol-version", "mcp-method", "x-posthog-project-id"):
        assert header in preflight.headers["access-control-allow-headers"]
    answer = httpx.post(f"{listed.url}/mcp", json=call_body(), headers=posting() | {"Origin": PAGE})
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == PAGE
    refused = httpx.post(f"{listed.url}/mcp", json=call_body(), headers=posting(None) | {"Origin": PAGE})
    assert refused.headers["access-control-allow-origin"] == PAGE, "or the page could not read why"


def test_a_large_body_is_refused_before_it_is_read(replica: Serving) -> None:
    """By its announced length, with nothing sent of it; and by count where no length was announced."""
    lines = [f"{name}: {value}" for name, value in posting().items()]
    head = "\r\n".join(["POST /mcp HTTP/1.1", "Host: localhost", *lines, "Content-Length: 1000001", "", ""])
    with socket.create_connection(("127.0.0.1", httpx.URL(replica.url).port or 0)) as connection:
        connection.sendall(head.encode())
        assert connection.recv(1000).startswith(b"HTTP/1.1 413 ")

    def chunks() -> Iterator[bytes]:
        for _ in range(20):
            yield b" " * 100_000

    assert httpx.post(f"{replica.url}/mcp", content=chunks(), headers=posting()).status_code == 413
    fits = b" " * 900_000
    assert httpx.post(f"{replica.url}/mcp", content=fits, headers=posting()).status_code == 400
