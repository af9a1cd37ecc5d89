"""The authorization server, as PostHog's answers."""

import base64
import hashlib
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from errtrack_mcp.sandbox.app import create_app
from errtrack_mcp.sandbox.database import Database
from errtrack_mcp.sandbox.seed import OTHER_PROJECT_ID, PROJECT_ID
from tests.support.clock import Calendar
from tests.support.upstream import SwappableApp

pytestmark = pytest.mark.usefixtures("clock")

VERIFIER = "v" * 50
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")
BACK = "http://127.0.0.1:7777/callback"


@pytest.fixture
def clock(stage: SwappableApp, database: Database) -> Calendar:
    """Give the sandbox a clock that the test moves."""
    clock = Calendar()
    stage.app = create_app(database, now=clock, token_seconds=3600)
    return clock


@pytest.fixture
def web(origin: str) -> Iterator[httpx.Client]:
    """Give a client without a key."""
    with httpx.Client(base_url=origin) as client:
        yield client


def register(web: httpx.Client, **fields: Any) -> httpx.Response:
    """Register a client."""
    return web.post("/oauth/register/", json={"redirect_uris": [BACK], "client_name": "Test", **fields})


def asked(client_id: str, **fields: str) -> dict[str, str]:
    """Return what a client asks consent for."""
    usual = {"response_type": "code", "client_id": client_id, "redirect_uri": BACK, "state": "s"}
    usual |= {"code_challenge": CHALLENGE, "code_challenge_method": "S256", "scope": "error_tracking:read made:up"}
    return usual | fields


def consent(web: httpx.Client, query: dict[str, str], **form: str) -> dict[str, list[str]]:
    """Say yes as the page does, and return what the client is told."""
    assert web.get("/oauth/authorize/", params=query).status_code == 200
    answer = web.post("/oauth/authorize/", data={**query, "allow": "yes", **form})
    assert answer.status_code == 302
    assert answer.headers["location"].startswith(query["redirect_uri"])
    return parse_qs(urlsplit(answer.headers["location"]).query)


def exchange(web: httpx.Client, code: str, client: str, **fields: str) -> httpx.Response:
    """Exchange a code."""
    form = {"grant_type": "authorization_code", "code": code, "client_id": client}
    return web.post("/oauth/token/", data={**form, "redirect_uri": BACK, "code_verifier": VERIFIER, **fields})


def token(web: httpx.Client, **form: str) -> dict[str, Any]:
    """Log in, and return the answer with the token."""
    client_id = register(web).json()["client_id"]
    [code] = consent(web, asked(client_id), **form)["code"]
    answer: dict[str, Any] = exchange(web, code, client_id).json()
    return {**answer, "client_id": client_id}


def introspect(web: httpx.Client, value: str, bearer: str | None = None) -> httpx.Response:
    """Ask what a token is good for, with itself."""
    headers = {"Authorization": f"Bearer {bearer or value}"}
    return web.post("/oauth/introspect/", json={"token": value}, headers=headers)


def status(web: httpx.Client, value: str, project: int = PROJECT_ID) -> int:
    """Use a token."""
    path = f"/api/projects/{project}/error_tracking/releases/"
    return web.get(path, headers={"Authorization": f"Bearer {value}"}).status_code


def test_the_metadata_name_every_endpoint(web: httpx.Client, origin: str) -> None:
    """With PKCE by S256, public clients, registration and documents of clients."""
    metadata = web.get("/.well-known/oauth-authorization-server").json()
    assert metadata["issuer"] == origin
    assert metadata["authorization_endpoint"] == f"{origin}/oauth/authorize/"
    assert metadata["code_challenge_methods_supported"] == ["S256"]
    assert metadata["client_id_metadata_document_supported"] is True


def test_consent_becomes_a_token_with_what_was_asked(web: httpx.Client, clock: Calendar) -> None:
    """Unknown scopes are dropped; the token works until it expires, and says so about itself."""
    given = token(web)
    assert (given["scope"], given["scoped_teams"], given["expires_in"]) == ("error_tracking:read", [], 3600)
    assert status(web, given["access_token"]) == 200
    told = introspect(web, given["access_token"]).json()
    assert (told["active"], told["scope"]) == (True, "error_tracking:read")
    assert told["exp"] == int((clock.now + timedelta(hours=1)).timestamp())
    clock.now += timedelta(hours=1)
    assert status(web, given["access_token"]) == 401
    assert introspect(web, given["access_token"]).json() == {"active": False}


def test_a_token_may_be_limited_to_one_project(web: httpx.Client) -> None:
    """As the person chooses."""
    given = token(web, project_id=str(OTHER_PROJECT_ID))
    assert given["scoped_teams"] == [OTHER_PROJECT_ID]
    assert [status(web, given["access_token"], project) for project in (PROJECT_ID, OTHER_PROJECT_ID)] == [403, 200]


def test_a_refresh_token_stays_and_outlives_the_token(web: httpx.Client, clock: Calendar) -> None:
    """For clients that registered themselves PostHog rotates none."""
    given = token(web)
    clock.now += timedelta(hours=2)
    form = {"grant_type": "refresh_token", "client_id": given["client_id"], "refresh_token": given["refresh_token"]}
    again = web.post("/oauth/token/", data=form).json()
    assert again["refresh_token"] == given["refresh_token"]
    assert status(web, again["access_token"]) == 200
    web.post("/oauth/revoke/", data={"token": given["refresh_token"]})
    assert status(web, again["access_token"]) == 401
    assert introspect(web, again["access_token"]).status_code == 403
    assert web.post("/oauth/token/", data=form).json()["error"] == "invalid_grant"


def test_a_code_fits_its_client_verifier_and_address_once(web: httpx.Client, clock: Calendar) -> None:
    """Whoever else has it gets nothing, and it is used up by the try."""
    client_id = register(web).json()["client_id"]
    for wrong in ({"code_verifier": "x"}, {"client_id": "other"}, {"redirect_uri": "http://127.0.0.1:1/callback"}):
        [code] = consent(web, asked(client_id))["code"]
        assert exchange(web, code, client_id, **wrong).json()["error"] == "invalid_grant"
        assert exchange(web, code, client_id).json()["error"] == "invalid_grant"
    [code] = consent(web, asked(client_id))["code"]
    clock.now += timedelta(seconds=300)
    assert exchange(web, code, client_id).json()["error"] == "invalid_grant"
    assert exchange(web, code, client_id, grant_type="password").json()["error"] == "unsupported_grant_type"


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"client_id": "unknown"}, "invalid_request"),
        ({"redirect_uri": "https://evil.example/"}, "invalid_request"),
        ({"redirect_uri": "http://127.0.0.1:7777/other"}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge": ""}, "invalid_request"),
    ],
)
def test_what_must_not_be_answered_is_not(web: httpx.Client, fields: dict[str, str], error: str) -> None:
    """Nobody is sent anywhere."""
    query = asked(register(web).json()["client_id"]) | fields
    answers = [
        web.get("/oauth/authorize/", params=query),
        web.post("/oauth/authorize/", data={**query, "allow": "yes"}),
    ]
    assert [answer.json()["error"] for answer in answers] == [error, error]


def test_a_refusal_goes_back_to_the_client(web: httpx.Client) -> None:
    """With its state; another port of loopback is as good as the registered one."""
    query = asked(register(web).json()["client_id"], redirect_uri="http://127.0.0.1:9999/callback")
    assert consent(web, query, allow="no") == {"error": ["access_denied"], "state": ["s"]}


@pytest.mark.parametrize(
    "fields",
    [
        {"redirect_uris": []},
        {"redirect_uris": ["http://other.example/"]},
        {"client_name": "PostHog for you"},
        {"client_name": "The Official One"},
        {"token_endpoint_auth_method": "client_secret_post"},
    ],
)
def test_a_registration_that_posthog_would_refuse_is_refused(web: httpx.Client, fields: dict[str, Any]) -> None:
    """Names that pretend, addresses in the open, and what the sandbox has not."""
    assert register(web, **fields).status_code == 400


def test_another_token_tells_nothing(web: httpx.Client) -> None:
    """A token may ask about itself alone."""
    one, other = token(web)["access_token"], token(web)["access_token"]
    assert introspect(web, one, other).status_code == 403
    assert introspect(web, "pha_unknown").status_code == 403
