"""Releases, as the API really handles them."""

import hashlib
import re
from typing import Any

import httpx
import pytest

from errtrack_mcp.sandbox.seed import OTHER_PROJECT_ID, PROJECT_ID, RELEASES, release_id

CRASH = {"type": "server_error", "code": "error", "detail": "A server error occurred.", "attr": None}
MISSING = {"type": "invalid_request", "code": "not_found", "detail": "Not found.", "attr": None}
NOBODY = "00000000-0000-0000-0000-000000000000"


def refused(detail: str, code: str = "invalid_input") -> dict[str, Any]:
    """Spell the body of a refused value."""
    return {"type": "validation_error", "code": code, "detail": detail, "attr": None}


def create(api: httpx.Client, **body: Any) -> dict[str, Any]:
    """Create a release, filling in what it cannot do without."""
    response = api.post("releases/", json={"version": "1.0", "project": "web"} | body)
    assert response.status_code == 201
    release: dict[str, Any] = response.json()
    return release


def test_list_is_newest_first(api: httpx.Client) -> None:
    """The list holds every seeded release, newest first."""
    body = api.get("releases/").json()
    assert (body["count"], body["next"], body["previous"]) == (len(RELEASES), None, None)
    assert [release["id"] for release in body["results"]] == [release_id(n) for n in range(len(RELEASES))]


def test_list_ignores_unknown_parameters_and_has_no_cap(api: httpx.Client) -> None:
    """A limit of 5000 is honoured, and a parameter that does not exist filters nothing."""
    for number in range(120):
        create(api, version=str(number))
    body = api.get("releases/", params={"limit": 5000, "search": "nothing"}).json()
    assert (body["count"], len(body["results"]), body["next"]) == (132, 132, None)


def test_retrieve_answers_seven_keys(api: httpx.Client) -> None:
    """A release made by the CLI comes back whole, with its hash and its git metadata."""
    response = api.get(f"releases/{release_id(1)}/")
    assert response.status_code == 200
    assert response.json() == {
        "id": release_id(1),
        "hash_id": hashlib.sha512(b"checkout-api1.9.3").hexdigest(),
        "team_id": PROJECT_ID,
        "created_at": "2026-09-20T05:00:00Z",
        "metadata": {
            "git": {
                "commit_id": hashlib.sha256(b"checkout-api@1.9.3").hexdigest()[:40],
                "branch": "main",
                "remote_url": "https://github.com/northwind-shop/checkout-api.git",
                "repo_name": "checkout-api",
            },
            "build": "418",
        },
        "version": "1.9.3",
        "project": "checkout-api",
    }


def test_retrieve_by_hash_is_exact(api: httpx.Client) -> None:
    """A hash finds its release, and in other letter case finds nothing."""
    assert api.get("releases/hash/mobile-119").json()["id"] == release_id(3)
    response = api.get("releases/hash/Mobile-119/")
    assert (response.status_code, response.json()) == (404, MISSING)


@pytest.mark.parametrize(
    ("hash_id", "detail"), [("a.b", "Not found."), ("a.b.c", "Endpoint not found."), ("a%2Fb", "Endpoint not found.")]
)
def test_hash_with_dot_or_slash_is_not_found(api: httpx.Client, hash_id: str, detail: str) -> None:
    """A hash with a dot or a slash can be stored, and cannot be looked up."""
    create(api, hash_id=hash_id.replace("%2F", "/"))
    response = api.get(f"releases/hash/{hash_id}/")
    assert (response.status_code, response.json()["detail"]) == (404, detail)


def test_hash_with_other_signs_routes(api: httpx.Client) -> None:
    """Spaces, plus, colon, at and tilde are fine in a hash."""
    created = create(api, hash_id="a b+c:d@e~f")
    assert api.get("releases/hash/a%20b+c:d@e~f/").json() == created


def test_create_answers_the_whole_release(api: httpx.Client) -> None:
    """What is created comes back with 201, and what the service decides itself is ignored."""
    asked = {"id": NOBODY, "team_id": 1, "created_at": "1999-01-01T00:00:00Z", "hash_id": "h"}
    release = create(api, **asked, metadata={"build": "7"})
    assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", release["id"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?Z", release["created_at"])
    assert release["id"] != NOBODY
    assert release["created_at"] > "2026"
    assert {name: release[name] for name in ("hash_id", "team_id", "metadata", "version", "project")} == {
        "hash_id": "h",
        "team_id": PROJECT_ID,
        "metadata": {"build": "7"},
        "version": "1.0",
        "project": "web",
    }
    assert list(release) == ["id", "hash_id", "team_id", "created_at", "metadata", "version", "project"]


def test_create_without_hash_takes_the_id(api: httpx.Client) -> None:
    """A release without a hash, or with an empty one, is found by its own id."""
    for hash_id in (None, "", 0):
        release = create(api, hash_id=hash_id)
        assert release["hash_id"] == release["id"]


def test_create_turns_scalars_into_text(api: httpx.Client) -> None:
    """Numbers and truth values become text."""
    release = create(api, version=1, project=True, hash_id=2.5)
    assert (release["version"], release["project"], release["hash_id"]) == ("1", "True", "2.5")


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ({}, "Version is required"),
        ({"version": 0, "project": "", "hash_id": "x" * 129}, "Version is required"),
        ({"version": "1", "project": None, "hash_id": "x" * 129}, "Project is required"),
        ({"version": "1", "project": "a", "hash_id": "x" * 129}, "Hash id length cannot exceed 128 bytes"),
    ],
)
def test_create_checks_in_order(api: httpx.Client, body: dict[str, Any], detail: str) -> None:
    """Version is checked before project, and project before the length of the hash."""
    response = api.post("releases/", json=body)
    assert (response.status_code, response.json()) == (400, refused(detail))


def test_hash_length_counts_characters(api: httpx.Client) -> None:
    """A hash of 128 characters fits, however many bytes they take."""
    assert create(api, hash_id="ü" * 128)["hash_id"] == "ü" * 128


def test_create_refuses_a_hash_in_use(api: httpx.Client) -> None:
    """A taken hash is refused by name, while the same version twice is welcome."""
    create(api, hash_id="one")
    create(api, hash_id="two")
    response = api.post("releases/", json={"version": "2", "project": "b", "hash_id": "one"})
    expected = refused("Hash id one already in use", "release_hash_in_use")
    assert (response.status_code, response.json()) == (400, expected)


@pytest.mark.parametrize("metadata", [["a"], "text", 3, [], False, "", 0])
def test_metadata_that_is_no_object_is_stored_and_breaks_lists(api: httpx.Client, metadata: Any) -> None:
    """Metadata other than an object is a server error after the row is made, which then breaks the list."""
    body = {"version": "1", "project": "a", "hash_id": "bad", "metadata": metadata}
    assert api.post("releases/", json=body).json() == CRASH
    assert api.post("releases/", json=body).json()["code"] == "release_hash_in_use"
    for path in ("releases/", "releases/hash/bad/"):
        response = api.get(path)
        assert (response.status_code, response.json()) == (500, CRASH)
    assert api.get("releases/", params={"offset": 1}).status_code == 200


def test_remote_url_loses_its_secrets(api: httpx.Client) -> None:
    """Userinfo, query and fragment are taken out of the remote URL, on create and on patch."""
    git = {"remote_url": "https://me:secret@github.com:443/a/b.git?token=x#y", "branch": "main"}
    clean = {"git": {"remote_url": "https://github.com:443/a/b.git", "branch": "main"}}
    release = create(api, metadata={"git": git})
    assert release["metadata"] == clean
    assert api.patch(f"releases/{release_id(3)}/", json={"metadata": {"git": git}}).status_code == 204
    assert api.get(f"releases/{release_id(3)}/").json()["metadata"] == clean


def test_bodies_of_other_kinds(api: httpx.Client) -> None:
    """Forms are read, JSON other than an object breaks, bad JSON and other types are refused."""
    assert api.post("releases/", data={"version": "1", "project": "a"}).status_code == 201
    parts = {"version": (None, "1"), "project": (None, "a")}
    assert api.post("releases/", files=parts).status_code == 201
    assert api.post("releases/", json=["version"]).json() == CRASH
    as_json = {"Content-Type": "application/json"}
    response = api.post("releases/", content=b"{", headers=as_json)
    assert (response.status_code, response.json()) == (
        400,
        {
            "type": "invalid_request",
            "code": "parse_error",
            "detail": "JSON parse error - Expecting property name enclosed in double quotes: line 1 column 2 (char 1)",
            "attr": None,
        },
    )
    response = api.post("releases/", content=b"hi", headers={"Content-Type": "text/plain"})
    assert (response.status_code, response.json()) == (
        415,
        {
            "type": "invalid_request",
            "code": "unsupported_media_type",
            "detail": 'Unsupported media type "text/plain" in request.',
            "attr": None,
        },
    )


@pytest.mark.parametrize("method", ["PATCH", "PUT"])
def test_update_ignores_falsy_values(api: httpx.Client, method: str) -> None:
    """Null, empty and zero change nothing, and success has no body."""
    before = api.get(f"releases/{release_id(1)}/").json()
    falsy: list[dict[str, Any]] = [{}, {"version": "", "project": None, "metadata": {}, "hash_id": 0}]
    for body in falsy:
        response = api.request(method, f"releases/{release_id(1)}/", json=body)
        assert (response.status_code, response.content) == (204, b"")
        assert "content-type" not in response.headers
    assert api.get(f"releases/{release_id(1)}/").json() == before


@pytest.mark.parametrize("method", ["PATCH", "PUT"])
def test_update_replaces_metadata_and_keeps_the_rest(api: httpx.Client, method: str) -> None:
    """Metadata is replaced and not merged, other fields stay, and symbol sets show the change."""
    before = api.get(f"releases/{release_id(1)}/").json()
    changes = {"metadata": {"build": 5}, "version": 2}
    assert api.request(method, f"releases/{release_id(1)}", json=changes).status_code == 204
    after = api.get(f"releases/{release_id(1)}/").json()
    assert after == before | {"metadata": {"build": 5}, "version": "2"}
    bound = api.get("symbol_sets/", params={"search": "checkout-api"}).json()["results"]
    assert after in [symbol_set["release"] for symbol_set in bound]


def test_update_checks_the_hash(api: httpx.Client) -> None:
    """Its own hash is fine, another's is refused, and the length comes before existence."""
    path = f"releases/{release_id(3)}/"
    assert api.patch(path, json={"hash_id": "mobile-119"}).status_code == 204
    expected = refused("Hash id mobile-118 already in use", "release_hash_in_use")
    assert api.patch(path, json={"hash_id": "mobile-118"}).json() == expected
    expected = refused("Hash id length cannot exceed 128 bytes")
    assert api.patch(f"releases/{NOBODY}/", json={"hash_id": "x" * 129}).json() == expected
    assert api.patch(f"releases/{NOBODY}/", json={}).json() == MISSING


def test_destroy_takes_the_symbol_sets_along(api: httpx.Client) -> None:
    """A deleted release is gone with every symbol set bound to it, and only with those."""
    before = api.get("symbol_sets/").json()["count"]
    response = api.delete(f"releases/{release_id(1)}/")
    assert (response.status_code, response.content) == (204, b"")
    assert "content-type" not in response.headers
    assert api.get("symbol_sets/").json()["count"] == before - 3
    assert api.delete(f"releases/{release_id(1)}/").json() == MISSING


def test_other_projects_are_out_of_sight(api: httpx.Client, origin: str) -> None:
    """A release of another project is not found here, and its hash is free to take."""
    there = f"{origin}/api/projects/{OTHER_PROJECT_ID}/error_tracking/releases/"
    theirs = api.get(there).json()["results"][0]
    assert theirs["team_id"] == OTHER_PROJECT_ID
    for method in ("GET", "PATCH", "DELETE"):
        response = api.request(method, f"releases/{theirs['id']}/")
        assert (response.status_code, response.json()) == (404, MISSING)
    assert create(api, hash_id=theirs["hash_id"])["team_id"] == PROJECT_ID


def test_patch_on_the_collection_is_405(api: httpx.Client) -> None:
    """PATCH on the collection passes the scope check, and is then not allowed."""
    response = api.patch("releases/", json={})
    assert response.status_code == 405
    assert response.headers["allow"] == "GET, POST, HEAD, OPTIONS"
    assert response.json() == {
        "type": "invalid_request",
        "code": "method_not_allowed",
        "detail": 'Method "PATCH" not allowed.',
        "attr": None,
    }


def test_text_that_the_database_cannot_keep_breaks_the_service(api: httpx.Client) -> None:
    """A NUL or half a surrogate pair is a server error, and stores nothing."""
    count = api.get("releases/").json()["count"]
    as_json = {"Content-Type": "application/json"}
    for version in ("\\u0000", "\\ud800"):
        content = f'{{"version": "1{version}", "project": "a"}}'
        assert api.post("releases/", content=content, headers=as_json).json() == CRASH
    assert api.get("releases/").json()["count"] == count


def test_a_body_of_nothing_but_brackets_is_bad_json(api: httpx.Client) -> None:
    """However deep it goes, it is refused as other broken JSON is."""
    answer = api.post("releases/", content=b"[" * 100_000, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (400, "parse_error")
