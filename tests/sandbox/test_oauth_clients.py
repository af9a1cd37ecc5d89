"""Clients that describe themselves at an address."""

import pytest
from pydantic_core import to_json

from errtrack_mcp.sandbox.oauth_clients import Client, Clients, OAuthError, may_redirect
from tests.support.misbehaving import http, misbehave

pytestmark = pytest.mark.anyio
BACK = "http://127.0.0.1/callback"


async def test_a_client_may_be_an_address() -> None:
    """Its document says its name and where consent may lead back to."""
    documents: list[bytes] = []
    with misbehave(lambda connection: connection.sendall(documents[0])) as upstream:
        address = f"{upstream.url}/client.json"
        documents.append(http(200, to_json({"client_id": address, "client_name": "Mine", "redirect_uris": [BACK]})))
        found = await Clients().find(address)
    assert found == Client("Mine", (BACK,))


@pytest.mark.parametrize(
    "reply",
    [
        http(200, to_json({"client_id": "http://other/x", "redirect_uris": [BACK]})),
        http(200, b"{}"),
        http(200, b"["),
        http(404, b"{}"),
        http(302, b"", Location="http://127.0.0.1:9/client.json"),
        http(200, b" " * 6000),
    ],
)
async def test_a_document_that_is_none_is_refused(reply: bytes) -> None:
    """Another client's, too large, moved, or not there."""
    with misbehave(reply) as upstream, pytest.raises(OAuthError) as refused:
        await Clients().find(f"{upstream.url}/client.json")
    assert refused.value.error == "invalid_client"


@pytest.mark.parametrize("address", ["https://client.example/client.json", "http://127.0.0.1", "file:///etc/passwd"])
async def test_no_other_machine_is_asked(address: str) -> None:
    """The sandbox fetches nothing from the web."""
    with pytest.raises(OAuthError):
        await Clients().find(address)


async def test_only_the_port_of_loopback_is_free() -> None:
    """Not that of localhost, not the path, not another host."""
    client = Client("Mine", (BACK, "http://localhost:1/callback"))
    assert may_redirect(client, "http://127.0.0.1:5/callback")
    for other in ("http://localhost:2/callback", "http://127.0.0.1:5/other", "https://127.0.0.1:5/callback", "x"):
        assert not may_redirect(client, other)
