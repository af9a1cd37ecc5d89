"""Issues, as the API really answers them."""

import httpx
import pytest

from errtrack_mcp.sandbox.database import Database
from errtrack_mcp.sandbox.seed import READ_KEY
from errtrack_mcp.sandbox.seed_issues import issue_id
from errtrack_mcp.sandbox.seeded_issue import fingerprint_of
from errtrack_mcp.sandbox.web_issues import ROLE_ID
from tests.support.fixtures import MakeClient

NOWHERE = "00000000-0000-4000-8000-000000000000"


def test_an_issue_is_nine_keys_and_no_count(api: httpx.Client) -> None:
    """Counts, the last time and fingerprints are not among them."""
    response = api.get(f"issues/{issue_id('cart-total')}/")
    assert response.status_code == 200
    assert response.json() == {
        "id": issue_id("cart-total"),
        "status": "active",
        "severity": "high",
        "name": "TypeError",
        "description": "Cannot read properties of undefined (reading 'total')",
        "first_seen": "2026-09-18T14:24:00Z",
        "assignee": {"id": 1, "type": "user"},
        "external_issues": [],
        "cohort": None,
    }


def test_a_role_is_named_by_its_uuid(api: httpx.Client) -> None:
    """The id of an assignee is a number or a text, by its type."""
    assert api.get(f"issues/{issue_id('merged')}/").json()["assignee"] == {"id": ROLE_ID, "type": "role"}


def test_the_list_is_an_inventory(api: httpx.Client) -> None:
    """Every status is in it, quiet issues too, the newest id first; filters are ignored; pages are linked."""
    body = api.get("issues/", params={"limit": 5, "status": "active"}).json()
    assert body["count"] == 32
    assert body["next"].endswith("/issues/?limit=5&offset=5&status=active")
    everything = api.get("issues/", params={"limit": 1000}).json()["results"]
    ids = [row["id"] for row in everything]
    assert ids == sorted(ids, reverse=True)
    assert {row["status"] for row in everything} == {"active", "resolved", "suppressed", "archived", "pending_release"}
    assert issue_id("no-event-in-7-days") in ids
    assert issue_id("back-office") not in ids
    assert "external_issues" not in everything[0]


def test_an_issue_without_fingerprints_was_never_seen(api: httpx.Client) -> None:
    """Where all fingerprints were split off, there is no first time."""
    assert api.get(f"issues/{issue_id('no-fingerprints')}/").json()["first_seen"] is None


def test_a_fingerprint_leads_to_the_issue_that_has_it_now(api: httpx.Client) -> None:
    """A merged issue is gone: only a fingerprint of it leads on, by a 308 without a Location header."""
    old, new = issue_id("merged-away"), issue_id("merged")
    assert api.get(f"issues/{old}/").status_code == 404
    moved = api.get(f"issues/{old}/", params={"fingerprint": fingerprint_of("merged-away")})
    assert (moved.status_code, moved.json()) == (308, {"issue_id": new})
    assert "location" not in moved.headers
    for fingerprint in (fingerprint_of("merged"), fingerprint_of("merged-away"), "unknown"):
        assert api.get(f"issues/{new}/", params={"fingerprint": fingerprint}).status_code == 200
    unknown = api.get(f"issues/{old}/", params={"fingerprint": "unknown"})
    assert (unknown.status_code, unknown.json()["detail"]) == (404, "Issue not found")


def test_a_foreign_or_malformed_id(api: httpx.Client) -> None:
    """An issue of another project is not found; what is no UUID breaks the service."""
    assert api.get(f"issues/{issue_id('back-office')}/").json()["detail"] == "Issue not found"
    assert api.get("issues/nonsense/").status_code == 500


def test_values_repeat_and_are_not_paged(api: httpx.Client) -> None:
    """Every issue whose name contains the text is listed, as often as the name occurs; other keys find nothing."""
    names = [
        row["name"] for row in api.get("issues/values/", params={"key": "name", "value": "TYPE"}).json()["results"]
    ]
    assert len(names) > len(set(names)) == 1
    described = api.get("issues/values/", params={"key": "issue_description", "value": "observer"}).json()["results"]
    assert len(described) == 1
    for params in ({"key": "status", "value": "active"}, {"key": "name"}, {}):
        assert api.get("issues/values/", params=params).json() == {"results": [], "refreshing": False}


def test_whether_there_is_any_issue(api: httpx.Client, database: Database) -> None:
    """One word for the whole project."""
    assert api.get("issues/exists/").json() == {"exists": True}
    database.execute("DELETE FROM issues")
    assert api.get("issues/exists/").json() == {"exists": False}


def test_activity_is_the_only_trace_of_a_merger(api: httpx.Client, make_client: MakeClient) -> None:
    """It names the merged ids, wants a scope of its own, and answers nothing at all for an issue that is gone."""
    body = api.get(f"issues/{issue_id('merged')}/activity/").json()
    assert [item["detail"]["changes"][0]["after"] for item in body["results"]] == [[issue_id("merged-away")]]
    assert (body["next"], body["previous"], body["total_count"]) == (None, None, 1)
    gone = api.get(f"issues/{issue_id('merged-away')}/activity/")
    assert (gone.status_code, gone.content) == (404, b"")
    refused = make_client(READ_KEY).get("issues/activity/")
    assert refused.json()["detail"] == "API key missing required scope 'activity_log:read'"


@pytest.mark.parametrize("params", [{"page": "x"}, {"limit": "x"}, {"page": "0"}])
def test_activity_breaks_on_a_junk_page(api: httpx.Client, params: dict[str, str]) -> None:
    """A page that is no number is not refused, it breaks the service."""
    assert api.get("issues/activity/", params=params).status_code == 500


def test_activity_is_paged_by_number(api: httpx.Client) -> None:
    """Links lead to the pages before and after."""
    for status in ("resolved", "active", "suppressed"):
        api.patch(f"issues/{issue_id('python')}/", json={"status": status})
    body = api.get("issues/activity/", params={"limit": 2, "page": 2}).json()
    assert len(body["results"]) == 2
    assert body["total_count"] == 4
    assert body["next"] is None
    assert body["previous"].endswith("/issues/activity/?page=1&limit=2")


def test_issues_are_not_deleted(api: httpx.Client, make_client: MakeClient) -> None:
    """The method is refused: after the scope where one may write, as a matter of scope otherwise."""
    assert api.delete(f"issues/{issue_id('python')}/").status_code == 405
    assert make_client(READ_KEY).delete(f"issues/{issue_id('python')}/").status_code == 403
    for path in (f"fingerprints/{NOWHERE}/", f"stack_frames/{NOWHERE}/"):
        assert api.delete(path).status_code == 403
