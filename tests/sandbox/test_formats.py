"""Formats: `.json` after a path, `?format=` and the Accept header."""

import httpx
import pytest

from errtrack_mcp.sandbox.seed import release_id

NOT_FOUND = {"type": "invalid_request", "code": "not_found", "detail": "Not found.", "attr": None}
NOT_ACCEPTABLE = {
    "type": "invalid_request",
    "code": "not_acceptable",
    "detail": "Could not satisfy the request Accept header.",
    "attr": None,
}
PATHS = ["releases", f"releases/{release_id(1)}", "releases/hash/mobile-119", "symbol_sets"]


@pytest.mark.parametrize("path", PATHS)
def test_json_after_a_path_is_a_format(api: httpx.Client, path: str) -> None:
    """The answer is that of the path without it; another format is not found."""
    for slash in ("", "/"):
        assert api.get(f"{path}.json{slash}").json() == api.get(path).json()
        answer = api.get(f"{path}.xml{slash}")
        assert (answer.status_code, answer.json()) == (404, NOT_FOUND)
    assert api.get(f"{path}.a.json").json()["code"] == "api_not_found"


def test_a_format_after_an_id_deletes_the_id(api: httpx.Client) -> None:
    """An id with a suffix is no other id."""
    assert api.delete(f"releases/{release_id(1)}.json").status_code == 204
    assert api.get(f"releases/{release_id(1)}/").status_code == 404


@pytest.mark.parametrize(("asked", "status"), [("xml", 404), ("api", 404), ("json", 200), ("", 200)])
def test_format_in_the_query(api: httpx.Client, asked: str, status: int) -> None:
    """JSON is the only format there is."""
    assert api.get("releases/", params={"format": asked}).status_code == status


@pytest.mark.parametrize("accept", ["*/*", "application/json; indent=4", "text/html, */*;q=0.1", "application/*"])
def test_accept_with_json(api: httpx.Client, accept: str) -> None:
    """Whatever includes JSON gets JSON."""
    assert api.get("releases/", headers={"Accept": accept}).status_code == 200


@pytest.mark.parametrize("accept", ["text/html", "application/vnd.api+json", "text/*", ""])
def test_accept_without_json(api: httpx.Client, accept: str) -> None:
    """What does not include JSON is refused, in JSON."""
    answer = api.get("releases/", headers={"Accept": accept})
    assert (answer.status_code, answer.json()) == (406, NOT_ACCEPTABLE)
