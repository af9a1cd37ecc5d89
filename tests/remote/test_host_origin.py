"""Host and Origin, on every route: an unknown one is refused, and so is one that cannot be parsed."""

import pytest
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from errtrack_mcp.remote.host_origin import HostOriginMiddleware
from errtrack_mcp.settings import ConfigurationError, load_settings
from tests.support.asgi import Response, echo, scope_of
from tests.support.fixtures import Serve
from tests.support.serving import posting

pytestmark = pytest.mark.attack("foreign Host and Origin")

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
LISTED = {"ERRTRACK_SERVED_HOSTS": "mcp.example", "ERRTRACK_SERVED_ORIGINS": PAGE}


@EVERY_ROUTE
@pytest.mark.parametrize(
    "host",
    ["evil.example", "localhost.evil.example", "", "mcp.example:1:2", "[::1", "[]", "a@localhost", "localhost:123456"],
)
def test_an_unknown_host_is_refused_everywhere(in_memory: Serve, method: str, path: str, host: str) -> None:
    """A page that rebinds its name to this address gets nothing, and the operator learns the setting."""
    with in_memory(**LISTED) as client:
        response = client.request(method, path, headers=posting() | {"Host": host})
    assert response.status_code == 421
    assert "--allowed-hosts (ERRTRACK_SERVED_HOSTS)" in response.text


@EVERY_ROUTE
@pytest.mark.parametrize("origin", ["https://evil.example", "null", f"{PAGE}.evil.example", "http://localhost:3000"])
def test_an_unlisted_origin_is_refused_everywhere(in_memory: Serve, method: str, path: str, origin: str) -> None:
    """Only pages of listed origins may call."""
    with in_memory(**LISTED) as client:
        response = client.request(method, path, headers=posting() | {"Origin": origin})
    assert response.status_code == 403
    assert "--allowed-origins (ERRTRACK_SERVED_ORIGINS)" in response.text
    assert "access-control-allow-origin" not in response.headers


@pytest.mark.parametrize("host", ["mcp.example", "MCP.example:443", "127.0.0.1", "127.0.0.2:9", "localhost", "[::1]:9"])
def test_listed_hosts_and_this_machine_are_answered(in_memory: Serve, host: str) -> None:
    """With and without a port."""
    with in_memory(**LISTED) as client:
        assert client.get("/healthz", headers={"Host": host}).status_code == 200


@pytest.mark.anyio
@pytest.mark.parametrize("twice", ["host", "origin"])
async def test_a_header_given_twice_is_refused(twice: str) -> None:
    """A proxy and this server could take different ones for true."""
    app = HostOriginMiddleware(echo(), load_settings(None, served_hosts="mcp.example", served_origins=PAGE))
    scope = scope_of(headers={"origin": PAGE})
    scope["headers"] += [(name, value) for name, value in scope["headers"] if name == twice.encode()]
    response = Response()
    await app(scope, None, response.send)  # type: ignore[arg-type] # a refusal reads nothing
    assert response.status in {403, 421}


def test_a_websocket_is_closed(in_memory: Serve) -> None:
    """The middlewares behind this one check HTTP requests only."""
    client = in_memory()
    assert isinstance(client, TestClient)
    with pytest.raises(WebSocketDisconnect), client.websocket_connect("/mcp"):
        pass


def test_every_origin_at_once_is_refused() -> None:
    """`*` would let every page that the operator opens call this server."""
    with pytest.raises(ConfigurationError, match="must name each origin"):
        HostOriginMiddleware(echo(), load_settings(None, served_origins="*"))
