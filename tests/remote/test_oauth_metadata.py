"""What a client is told that looks for OAuth: where keys come from, and that no tokens are issued here."""

import pytest

from tests.support.fixtures import Serve
from tests.support.serving import call_body, posting


@pytest.mark.parametrize(
    ("host", "issuers"),
    [
        ("https://us.posthog.com", ["https://us.posthog.com"]),
        ("https://eu.posthog.com", ["https://eu.posthog.com"]),
        ("https://posthog.example.com", None),
    ],
)
def test_only_posthog_cloud_is_named_as_the_issuer_of_tokens(
    in_memory: Serve, host: str, issuers: list[str] | None
) -> None:
    """A client would try to register with any server that is named, and fail where there is no OAuth."""
    with in_memory(POSTHOG_HOST=host) as client:
        document = client.get("/.well-known/oauth-protected-resource/mcp").json()
    assert document.get("authorization_servers") == issuers


def test_another_posthog_is_named_where_the_operator_says_so(in_memory: Serve) -> None:
    """One that has OAuth."""
    with in_memory(POSTHOG_HOST="https://posthog.example.com", ERRTRACK_OAUTH="1") as client:
        document = client.get("/.well-known/oauth-protected-resource/mcp").json()
    assert document["authorization_servers"] == ["https://posthog.example.com"]


BOTH, READS = "error_tracking:read error_tracking:write", "error_tracking:read"


@pytest.mark.parametrize(
    ("path", "variables", "scopes"),
    [
        ("/mcp", {}, BOTH),
        ("/mcp/x/releases", {}, BOTH),
        ("/mcp/readonly", {}, READS),
        ("/mcp/x/releases/readonly", {}, READS),
        ("/mcp", {"ERRTRACK_READ_ONLY": "1"}, READS),
    ],
)
def test_no_more_scopes_are_named_than_a_caller_needs(
    in_memory: Serve, path: str, variables: dict[str, str], scopes: str
) -> None:
    """In the challenge and in the document: a token is as strong as its scopes."""
    with in_memory(**variables) as client:
        challenge = client.post(path, json=call_body(), headers=posting(None)).headers["www-authenticate"]
        document = client.get(f"/.well-known/oauth-protected-resource{path}").json()
    assert challenge.startswith(f'Bearer scope="{scopes}", resource_metadata="')
    assert document["scopes_supported"] == scopes.split()


def test_what_was_of_no_use_is_called_so(in_memory: Serve) -> None:
    """A client that sees this error refreshes its token; one that has sent nothing has nothing to refresh."""
    with in_memory() as client:
        refused = client.post("/mcp", json=call_body(), headers=posting("phs_made_up"))
    assert refused.headers["www-authenticate"].startswith('Bearer error="invalid_token", scope="')


@pytest.mark.parametrize(("method", "path"), [("POST", "/register"), ("GET", "/authorize"), ("POST", "/token")])
def test_a_client_that_wants_a_token_is_told_what_to_send(in_memory: Serve, method: str, path: str) -> None:
    """OAuth's own form of an error, in words that a client shows."""
    with in_memory() as client:
        response = client.request(method, path)
    assert response.status_code == 400
    assert response.json()["error"] == "invalid_request"
    assert "Authorization: Bearer phx_..." in response.json()["error_description"]


@pytest.mark.parametrize("path", ["%E4%BD%A0", "%0d%0aX-Injected:%20yes", "%22,%20Basic%20realm=%22b"])
def test_no_path_gets_into_the_challenge_but_encoded(in_memory: Serve, path: str) -> None:
    """The header names the path that was asked for, and holds nothing else of it."""
    with in_memory() as client:
        response = client.post(f"/mcp/x/{path}", json=call_body(), headers=posting(None))
    assert response.status_code == 401
    challenge = response.headers["www-authenticate"]
    assert challenge.count('"') == 4
    assert challenge.isascii()
    assert "x-injected" not in response.headers


@pytest.mark.parametrize("path", ["/mcp", "/mcp/x/releases/readonly"])
def test_the_address_is_the_one_that_callers_use(in_memory: Serve, path: str) -> None:
    """Behind a proxy a request does not tell it, so the operator does."""
    with in_memory(ERRTRACK_PUBLIC_URL="https://mcp.example") as client:
        challenge = client.post(path, json=call_body(), headers=posting(None)).headers["www-authenticate"]
        document = client.get(f"/.well-known/oauth-protected-resource{path}").json()
    assert challenge.endswith(f', resource_metadata="https://mcp.example/.well-known/oauth-protected-resource{path}"')
    assert document["resource"] == f"https://mcp.example{path}"
