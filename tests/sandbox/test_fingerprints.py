"""Fingerprints, as the API really answers them."""

import httpx
import pytest

from errtrack_mcp.sandbox.seed_issues import issue_id
from errtrack_mcp.sandbox.seeded_issue import fingerprint_of


def test_those_of_an_issue_are_listed_oldest_first(api: httpx.Client) -> None:
    """A merged issue has its own, and those that were moved to it."""
    body = api.get("fingerprints/", params={"issue_id": issue_id("merged")}).json()
    assert [row["fingerprint"] for row in body["results"]] == [fingerprint_of("merged"), fingerprint_of("merged-away")]
    assert body["count"] == 2
    assert body["results"][0]["created_at"] < body["results"][1]["created_at"]
    assert list(body["results"][0]) == ["id", "fingerprint", "issue_id", "created_at", "first_seen"]


def test_the_list_is_paged(api: httpx.Client) -> None:
    """Without an issue it holds all of the project."""
    body = api.get("fingerprints/", params={"limit": 10}).json()
    assert (len(body["results"]), body["count"]) == (10, 32)
    assert body["next"].endswith("/fingerprints/?limit=10&offset=10")


def test_one_by_its_id_or_by_itself(api: httpx.Client) -> None:
    """Both lead to the issue that has its errors now."""
    fingerprint = fingerprint_of("merged-away")
    resolved = api.get("fingerprints/resolve/", params={"fingerprint": fingerprint}).json()
    assert resolved["issue_id"] == issue_id("merged")
    assert api.get(f"fingerprints/{resolved['id']}/").json() == resolved


@pytest.mark.parametrize(
    ("path", "status", "detail"),
    [
        ("fingerprints/?issue_id=x", 400, "issue_id must be a valid UUID"),
        ("fingerprints/x/", 400, "Invalid fingerprint id"),
        ("fingerprints/00000000-0000-4000-8000-000000000000/", 404, "Fingerprint not found"),
        ("fingerprints/resolve/", 400, "fingerprint is required"),
        ("fingerprints/resolve/?fingerprint=x", 404, "Fingerprint not found"),
    ],
)
def test_what_is_refused(api: httpx.Client, path: str, status: int, detail: str) -> None:
    """Each refusal says why."""
    response = api.get(path)
    assert (response.status_code, response.json()["detail"]) == (status, detail)
