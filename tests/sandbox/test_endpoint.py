"""The checks that every request passes, in the API's own order."""

from typing import Any

import pytest

from errtrack_mcp.sandbox.app import create_app
from errtrack_mcp.sandbox.database import Database
from errtrack_mcp.sandbox.seed import FULL_KEY, NO_SCOPES_KEY, PROJECT_ID, release_id
from tests.support.fixtures import MakeClient
from tests.support.upstream import SwappableApp

NOBODY = "00000000-0000-0000-0000-000000000000"
BAD_JSON = {"content": b"{", "headers": {"Content-Type": "application/json"}}
PLAIN = {"content": b"hi", "headers": {"Content-Type": "text/plain"}}


def test_checks_come_in_order(make_client: MakeClient, database: Database, stage: SwappableApp) -> None:
    """Key, project, scope, rate, method, values: the first that fails is the one told."""
    stage.app = create_app(database, clock=lambda: 0.0)
    api = make_client(FULL_KEY)
    for _ in range(480):
        assert api.get(f"releases/{NOBODY}/").status_code == 404
    assert make_client("phx_wrong").get("releases/").status_code == 401
    assert api.delete("releases/").status_code == 403
    assert api.get(f"{str(api.base_url).replace('4242', '999')}releases/").status_code == 404
    assert api.patch("releases/").status_code == 429
    assert api.post("releases/", json={}).status_code == 429


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "PATCH", "OPTIONS"])
@pytest.mark.parametrize(("sent", "status"), [(BAD_JSON, 400), (PLAIN, 415)])
def test_a_bad_body_comes_before_scope_and_project(
    make_client: MakeClient, method: str, sent: dict[str, Any], status: int
) -> None:
    """Without a scope and in a missing project, on any method."""
    api = make_client(NO_SCOPES_KEY)
    missing = str(api.base_url).replace(str(PROJECT_ID), "999")
    for path in ("releases/", f"{missing}releases/"):
        assert api.request(method, path, **sent).status_code == status
    assert make_client("phx_wrong").request(method, "releases/", **sent).status_code == 401


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "OPTIONS"])
def test_a_missing_project_comes_before_the_scope(make_client: MakeClient, origin: str, method: str) -> None:
    """A missing scope hides objects, and not the project."""
    api = make_client(NO_SCOPES_KEY)
    there = api.request(method, f"{origin}/api/projects/999/error_tracking/releases/")
    assert (there.status_code, there.json()["detail"]) == (404, "Project not found.")
    assert api.request(method, "releases/").status_code == 403
    assert api.get(f"releases/{release_id(99)}/").status_code == 403
