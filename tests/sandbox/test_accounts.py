"""Keys: who is let in, and what they may do."""

from typing import Any

import pytest

from errtrack_mcp.sandbox.database import Database
from errtrack_mcp.sandbox.seed import (
    FULL_KEY,
    KEYS,
    NO_SCOPES_KEY,
    OTHER_PROJECT_ID,
    OUTSIDER_KEY,
    PROJECT_ID,
    PROJECT_NAME,
    READ_KEY,
    SCOPED_KEY,
)
from tests.support.fixtures import MakeClient

NOBODY = "00000000-0000-0000-0000-000000000000"
UNSUPPORTED = "This action does not support personal API key access"
INVALID = "Personal API key found in request {} is invalid."


def denied(code: str, detail: str) -> dict[str, Any]:
    """Spell the body of a refusal."""
    return {"type": "authentication_error", "code": code, "detail": detail, "attr": None}


@pytest.mark.parametrize("header", [None, "bearer phx_sandbox_full", "Token phx_sandbox_full", "Bearer"])
def test_no_credentials(make_client: MakeClient, header: str | None) -> None:
    """Without a key that is announced in the right way nobody is let in."""
    api = make_client(FULL_KEY)
    del api.headers["authorization"]
    response = api.get("releases/", headers={"Authorization": header} if header else {})
    assert response.status_code == 401
    detail = "Authentication credentials were not provided."
    assert response.json() == denied("not_authenticated", detail)
    assert "www-authenticate" not in response.headers


@pytest.mark.parametrize("key", ["phx_wrong", "phc_sandbox_4242", "phs_secret"])
def test_wrong_key(make_client: MakeClient, key: str) -> None:
    """A key that is not one of the keys is called invalid, whatever kind it is."""
    response = make_client(key).get("releases/")
    expected = denied("authentication_failed", INVALID.format("Authorization header"))
    assert (response.status_code, response.json()) == (401, expected)


def test_wrong_oauth_token(make_client: MakeClient) -> None:
    """An unknown access token is called so."""
    expected = denied("authentication_failed", "Invalid access token.")
    assert make_client("pha_wrong").get("releases/").json() == expected


def test_key_in_body_or_query(make_client: MakeClient) -> None:
    """A key may come in the body or the query, and only the first one found is tried."""
    api = make_client(FULL_KEY)
    in_query = {"personal_api_key": FULL_KEY}
    assert api.get("releases/", params={"personal_api_key": "phx_wrong"}).status_code == 200
    del api.headers["authorization"]
    assert api.get("releases/", params=in_query).status_code == 200
    body = {"personal_api_key": FULL_KEY, "version": "1", "project": "a"}
    assert api.post("releases/", json=body).status_code == 201
    assert api.post("releases/", data=body).status_code == 201
    wrong = body | {"personal_api_key": "phx_wrong"}
    response = api.post("releases/", json=wrong, params=in_query)
    assert response.json() == denied("authentication_failed", INVALID.format("body"))
    response = api.get("releases/", params={"personal_api_key": "phx_wrong"})
    assert response.json() == denied("authentication_failed", INVALID.format("query string"))


def test_extra_space_before_the_key_is_fine(make_client: MakeClient) -> None:
    """Space around the key does no harm."""
    api = make_client(FULL_KEY)
    assert api.get("releases/", headers={"Authorization": f"Bearer   {FULL_KEY}"}).status_code == 200


@pytest.mark.parametrize(
    ("key", "method", "scope"),
    [
        (NO_SCOPES_KEY, "GET", "error_tracking:read"),
        (NO_SCOPES_KEY, "POST", "error_tracking:write"),
        (READ_KEY, "POST", "error_tracking:write"),
        (READ_KEY, "PATCH", "error_tracking:write"),
    ],
)
def test_missing_scope(make_client: MakeClient, key: str, method: str, scope: str) -> None:
    """A key without the scope is told which scope is missing."""
    response = make_client(key).request(method, "releases/")
    expected = denied("permission_denied", f"API key missing required scope '{scope}'")
    assert (response.status_code, response.json()) == (403, expected)


def test_write_satisfies_read(make_client: MakeClient, database: Database) -> None:
    """Write includes read, and a star includes everything."""
    assert "error_tracking:read" not in KEYS[FULL_KEY]
    assert make_client(FULL_KEY).get("releases/").status_code == 200
    assert make_client(READ_KEY).get("releases/").status_code == 200
    sql = "UPDATE personal_api_keys SET scopes = ? WHERE value = ?"
    database.execute(sql, ('["*"]', NO_SCOPES_KEY))
    assert make_client(NO_SCOPES_KEY).delete(f"releases/{NOBODY}/").status_code == 404


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("DELETE", "releases/"),
        ("PUT", "releases/"),
        ("POST", f"releases/{NOBODY}/"),
        ("DELETE", "releases/hash/mobile-119/"),
        ("PATCH", "symbol_sets/"),
        ("POST", f"symbol_sets/{NOBODY}/"),
    ],
)
def test_unmapped_methods_are_403(make_client: MakeClient, method: str, path: str) -> None:
    """A method that does not exist is refused as closed to keys, not as a method."""
    response = make_client(FULL_KEY).request(method, path)
    assert (response.status_code, response.json()) == (403, denied("permission_denied", UNSUPPORTED))


@pytest.mark.parametrize("project", ["999", "abc", "phc_sandbox_4242", "-1"])
def test_unknown_project(make_client: MakeClient, origin: str, project: str) -> None:
    """A project that does not exist is not found, a project token in its place neither."""
    response = make_client(FULL_KEY).get(f"{origin}/api/projects/{project}/error_tracking/releases/")
    expected = {"type": "invalid_request", "code": "not_found", "detail": "Project not found.", "attr": None}
    assert (response.status_code, response.json()) == (404, expected)


def test_current_project(make_client: MakeClient, origin: str) -> None:
    """The owner's current project can be named without its number."""
    body = make_client(FULL_KEY).get(f"{origin}/api/projects/@current/error_tracking/releases/").json()
    assert {release["team_id"] for release in body["results"]} == {PROJECT_ID}


def test_keys_that_reach_other_projects_only(make_client: MakeClient, origin: str) -> None:
    """A key limited to another project, and one whose owner is no member, are each told so."""
    detail = f"API key does not have access to the requested project: ID {PROJECT_ID}."
    assert make_client(SCOPED_KEY).get("releases/").json() == denied("permission_denied", detail)
    detail = "You don't have access to the project."
    assert make_client(OUTSIDER_KEY).get("releases/").json() == denied("permission_denied", detail)
    for key in (SCOPED_KEY, OUTSIDER_KEY):
        url = f"{origin}/api/projects/{OTHER_PROJECT_ID}/error_tracking/releases/"
        assert make_client(key).get(url).json()["count"] == 1


@pytest.mark.parametrize("name", ["token", "api_key"])
def test_project_token_in_the_query_overrides_the_path(make_client: MakeClient, name: str) -> None:
    """On GET a project token in the query decides the project, and a wrong one is a 401."""
    api = make_client(FULL_KEY)
    body = api.get("releases/", params={name: f"phc_sandbox_{OTHER_PROJECT_ID}"}).json()
    assert {release["team_id"] for release in body["results"]} == {OTHER_PROJECT_ID}
    response = api.get("releases/", params={name: "phc_wrong"})
    assert response.status_code == 401
    detail = "Incorrect authentication credentials."
    assert response.json() == denied("authentication_failed", detail)
    created = api.post("releases/", params={name: "phc_wrong"}, json={"version": "1", "project": "a"})
    assert created.json()["team_id"] == PROJECT_ID


def test_owner_of_the_key(make_client: MakeClient, origin: str) -> None:
    """The key's owner is told with the current project and the organization."""
    body = make_client(FULL_KEY).get(f"{origin}/api/users/@me/").json()
    assert body["email"] == "ada@northwind.example"
    assert (body["team"]["id"], body["team"]["name"]) == (PROJECT_ID, PROJECT_NAME)
    assert body["team"]["organization"] == body["organization"]["id"]
    assert body["organizations"] == [body["organization"]]


@pytest.mark.parametrize("prefix", ["projects/4242", "environments/4242", "projects/@current"])
def test_project(make_client: MakeClient, origin: str, prefix: str) -> None:
    """A project can be asked for under both prefixes, and by nickname."""
    body = make_client(READ_KEY).get(f"{origin}/api/{prefix}/").json()
    assert (body["id"], body["name"], body["api_token"]) == (PROJECT_ID, PROJECT_NAME, "phc_sandbox_4242")


def test_key_about_itself(make_client: MakeClient, origin: str) -> None:
    """A key is told its scopes and reach, never its value."""
    response = make_client(SCOPED_KEY).get(f"{origin}/api/personal_api_keys/@current")
    assert SCOPED_KEY not in response.text
    body = response.json()
    assert (body["value"], body["mask_value"]) == (None, "phx_...oped")
    assert body["scopes"] == list(KEYS[SCOPED_KEY])
    assert body["scoped_teams"] == [OTHER_PROJECT_ID]
