"""Pages and links: what is the same for every list."""

from typing import Any

import httpx
import pytest

from errtrack_mcp.sandbox.seed import PROJECT_ID


def ids(body: dict[str, Any]) -> list[str]:
    """Take the ids of a page."""
    return [row["id"] for row in body["results"]]


def test_page_has_four_keys_in_order(api: httpx.Client) -> None:
    """A page is a count, two links and the results."""
    assert list(api.get("releases/").json()) == ["count", "next", "previous", "results"]


def test_links_lead_through_the_whole_list(api: httpx.Client) -> None:
    """Following the links visits every row once, there and back."""
    whole = ids(api.get("releases/").json())
    page = api.get("releases/", params={"limit": 5}).json()
    seen = ids(page)
    while page["next"]:
        page = api.get(page["next"]).json()
        seen += ids(page)
    assert seen == whole
    while page["previous"]:
        page = api.get(page["previous"]).json()
    assert ids(page) == whole[:5]


def test_links_are_spelled_exactly(api: httpx.Client, origin: str) -> None:
    """Links keep other parameters, sort them, and leave the offset out for the first page."""
    path = f"{origin}/api/projects/{PROJECT_ID}/error_tracking/symbol_sets/"
    body = api.get("symbol_sets/", params={"status": "valid", "ref": "", "limit": 10, "offset": 10}).json()
    assert body["next"] == f"{path}?limit=10&offset=20&ref=&status=valid"
    assert body["previous"] == f"{path}?limit=10&ref=&status=valid"
    body = api.get("symbol_sets/", params={"limit": 10, "offset": 25}).json()
    assert body["previous"] == f"{path}?limit=10&offset=15"
    body = api.get("symbol_sets/", params={"limit": 10, "offset": 3}).json()
    assert body["previous"] == f"{path}?limit=10"


def test_links_echo_slash_and_host(api: httpx.Client) -> None:
    """Links repeat the form that was called, and the host of the request."""
    path = f"/api/projects/{PROJECT_ID}/error_tracking/releases"
    body = api.get("releases?limit=1", headers={"Host": "us.posthog.com"}).json()
    assert body["next"] == f"http://us.posthog.com{path}?limit=1&offset=1"


@pytest.mark.parametrize("limit", ["0", "-5", "abc", "", "1.5"])
def test_bad_limit_is_100(api: httpx.Client, limit: str) -> None:
    """A limit that cannot be used is silently 100."""
    for _ in range(100):
        api.post("releases/", json={"version": "1", "project": "a"})
    body = api.get("releases/", params={"limit": limit}).json()
    assert len(body["results"]) == 100
    assert "limit=100&offset=100" in body["next"]


@pytest.mark.parametrize("offset", ["-1", "abc", ""])
def test_bad_offset_is_0(api: httpx.Client, offset: str) -> None:
    """An offset that cannot be used is silently 0."""
    body = api.get("releases/", params={"offset": offset}).json()
    assert (len(body["results"]), body["previous"]) == (12, None)


@pytest.mark.parametrize("offset", ["50", str(2**63 - 1)])
def test_offset_beyond_the_end(api: httpx.Client, offset: str) -> None:
    """Beyond the end there are no results, the count, and a way back."""
    body = api.get("releases/", params={"offset": offset, "limit": 10}).json()
    assert (body["count"], body["next"], body["results"]) == (12, None, [])
    assert "limit=10&offset=" in body["previous"]


def test_answers_are_json(api: httpx.Client) -> None:
    """Success and failure are both sent as JSON."""
    for path in ("releases/", "releases/hash/none/"):
        assert api.get(path).headers["content-type"] == "application/json"
