"""What each method does on a path, and what a call reads from its request."""

import httpx
import pytest

from errtrack_mcp.sandbox.app import create_app
from errtrack_mcp.sandbox.database import Database
from errtrack_mcp.sandbox.seed import FULL_KEY, NO_SCOPES_KEY, READ_KEY
from tests.support.fixtures import MakeClient
from tests.support.upstream import SwappableApp

CRASH = {"type": "server_error", "code": "error", "detail": "A server error occurred.", "attr": None}
MISSING = {"type": "invalid_request", "code": "not_found", "detail": "Not found.", "attr": None}


def test_head_has_no_body(api: httpx.Client) -> None:
    """HEAD is GET without the body."""
    response = api.head("releases/")
    assert (response.status_code, response.content) == (200, b"")


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("releases/", "GET, POST, HEAD, OPTIONS"),
        ("symbol_sets/", "GET, POST, HEAD, OPTIONS"),
        ("symbol_sets/bulk_delete/", "POST, OPTIONS"),
        ("releases/hash/mobile-119/", "GET, HEAD, OPTIONS"),
    ],
)
def test_options_is_open_to_read(make_client: MakeClient, path: str, allowed: str) -> None:
    """Even where only writing is offered."""
    answer = make_client(READ_KEY).options(path)
    assert (answer.status_code, answer.headers["allow"]) == (200, allowed)
    assert set(answer.json()) == {"name", "description", "renders", "parses"}
    assert make_client(NO_SCOPES_KEY).options(path).status_code == 403


def test_patch_on_a_hash_is_405(make_client: MakeClient) -> None:
    """It passes the scope check with write, and not with read."""
    answer = make_client(FULL_KEY).patch("releases/hash/mobile-119/", json={})
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD, OPTIONS")
    assert make_client(READ_KEY).patch("releases/hash/mobile-119/", json={}).status_code == 403
    assert make_client(FULL_KEY).put("releases/hash/mobile-119/", json={}).status_code == 403


def test_malformed_id_breaks_the_service(api: httpx.Client) -> None:
    """An id that is no UUID is a server error, and so is a hash lookup without a hash."""
    for path in ("releases/nonsense/", "releases/hash/", "symbol_sets/nonsense"):
        response = api.get(path)
        assert (response.status_code, response.json()) == (500, CRASH)


def test_malformed_id_can_be_not_found(api: httpx.Client, stage: SwappableApp, database: Database) -> None:
    """An older service answers 404 to an id that is no UUID."""
    stage.app = create_app(database, malformed_uuid_status=404)
    response = api.get("releases/nonsense/")
    assert (response.status_code, response.json()) == (404, MISSING)
