"""Changes of issues: what they do, what they do silently, and what they refuse."""

from typing import Any

import httpx
import pytest

from errtrack_mcp.sandbox.database import Database
from errtrack_mcp.sandbox.seed import READ_KEY
from errtrack_mcp.sandbox.seed_issues import issue_id
from errtrack_mcp.sandbox.seeded_issue import fingerprint_of
from tests.support.fixtures import MakeClient

CART, PYTHON, QUIET = issue_id("cart-total"), issue_id("python"), issue_id("no-event-in-7-days")
NOWHERE = "00000000-0000-4000-8000-000000000000"


def read(api: httpx.Client, issue: str) -> dict[str, Any]:
    """Read an issue."""
    body: dict[str, Any] = api.get(f"issues/{issue}/").json()
    return body


def activities(api: httpx.Client, issue: str) -> list[str]:
    """Name what was done to an issue, newest first."""
    return [item["activity"] for item in api.get(f"issues/{issue}/activity/").json()["results"]]


def spikes(database: Database, issue: str) -> int:
    """Count the spikes of an issue."""
    return len(database.all("SELECT id FROM spike_events WHERE issue_id = ?", (issue,)))


@pytest.mark.parametrize("method", ["PATCH", "PUT"])
def test_an_update_answers_the_issue(api: httpx.Client, method: str) -> None:
    """Status, severity, name and description change; null empties all but the status; the assignee is not touched."""
    sent = {"status": "resolved", "severity": None, "name": "", "description": None, "assignee": None}
    response = api.request(method, f"issues/{CART}/", json=sent)
    assert response.status_code == 200
    assert response.json() == read(api, CART)
    changed = {name: response.json()[name] for name in sent}
    assert changed == {**sent, "assignee": {"id": 1, "type": "user"}}


def test_an_update_with_nothing_new_leaves_no_trace(api: httpx.Client) -> None:
    """An empty body and the same value succeed; a new description is not noted, other changes are."""
    for sent in ({}, {"status": "active"}, {"description": "other"}):
        assert api.patch(f"issues/{CART}/", json=sent).status_code == 200
    assert activities(api, CART) == []
    api.patch(f"issues/{CART}/", json={"status": "suppressed", "name": "Cart"})
    [item] = api.get(f"issues/{CART}/activity/").json()["results"]
    changes = [(each["field"], each["before"], each["after"]) for each in item["detail"]["changes"]]
    assert changes == [("status", "active", "suppressed"), ("name", "TypeError", "Cart")]


@pytest.mark.parametrize(
    ("sent", "code", "attr"),
    [
        ({"status": "archived"}, "invalid_choice", "status"),
        ({"status": "pending_release"}, "invalid_choice", "status"),
        ({"status": None}, "null", "status"),
        ({"severity": "urgent"}, "invalid_choice", "severity"),
        ({"name": True}, "invalid_input", "name"),
    ],
)
def test_an_update_is_checked(api: httpx.Client, sent: dict[str, Any], code: str, attr: str) -> None:
    """Two statuses that can be read cannot be written."""
    response = api.patch(f"issues/{CART}/", json=sent)
    assert (response.status_code, response.json()["code"], response.json()["attr"]) == (400, code, attr)


def test_writing_needs_the_scope(make_client: MakeClient) -> None:
    """A key that reads changes nothing."""
    api = make_client(READ_KEY)
    for method, path in (("PATCH", f"issues/{CART}/"), ("POST", f"issues/{CART}/merge/"), ("POST", "issues/bulk/")):
        assert api.request(method, path, json={}).status_code == 403


def test_merging_deletes_the_sources(api: httpx.Client, database: Database) -> None:
    """Fingerprints and spikes move; the target keeps what it is; ids that name nothing are passed over."""
    before = read(api, PYTHON)
    assert api.post(f"issues/{PYTHON}/merge/", json={"ids": [CART, NOWHERE, PYTHON]}).json() == {"success": True}
    assert api.get(f"issues/{CART}/").status_code == 404
    assert {row["fingerprint"] for row in api.get("fingerprints/", params={"issue_id": PYTHON}).json()["results"]} == {
        "checkout-card-declined",
        fingerprint_of("cart-total"),
    }
    assert spikes(database, PYTHON) == 2
    after = read(api, PYTHON)
    assert after == before | {"first_seen": after["first_seen"]}
    assert activities(api, PYTHON) == ["merged"]
    followed = api.get(f"issues/{CART}/", params={"fingerprint": fingerprint_of("cart-total")})
    assert (followed.status_code, followed.json()) == (308, {"issue_id": PYTHON})


def test_merging_takes_over_an_assignee_that_all_sources_share(api: httpx.Client) -> None:
    """Only where the target has none, and the sources agree."""
    target = issue_id("script-error")
    api.post(f"issues/{target}/merge/", json={"ids": [CART, PYTHON]})
    assert read(api, target)["assignee"] == {"id": 1, "type": "user"}
    other = issue_id("no-stack")
    api.post(f"issues/{other}/merge/", json={"ids": [target, QUIET]})
    assert read(api, other)["assignee"] is None


def test_merging_nothing_is_no_success(api: httpx.Client) -> None:
    """Ids of nothing, and of the target itself, answer 200 and false; a target that is gone is not found."""
    for ids in ([NOWHERE], [PYTHON], [issue_id("back-office")]):
        response = api.post(f"issues/{PYTHON}/merge/", json={"ids": ids})
        assert (response.status_code, response.json()) == (200, {"success": False})
    assert api.post(f"issues/{NOWHERE}/merge/", json={"ids": [CART]}).status_code == 404
    assert read(api, CART)["id"] == CART


@pytest.mark.parametrize(
    ("sent", "code"),
    [({}, "required"), ({"ids": []}, "empty"), ({"ids": ["x"]}, "invalid_input"), ({"ids": 1}, "not_a_list")],
)
def test_a_merger_names_its_sources(api: httpx.Client, sent: dict[str, Any], code: str) -> None:
    """An empty list is refused, here."""
    response = api.post(f"issues/{PYTHON}/merge/", json=sent)
    assert (response.status_code, response.json()["code"]) == (400, code)


def test_a_split_makes_an_issue_of_each_fingerprint(api: httpx.Client) -> None:
    """Active and untitled unless named; severity and assignee stay behind, unknown fingerprints are skipped."""
    merged = issue_id("merged")
    asked = [{"fingerprint": fingerprint_of("merged-away")}, {"fingerprint": "unknown"}]
    body = api.post(f"issues/{merged}/split/", json={"fingerprints": asked}).json()
    assert body["success"] is True
    [made] = body["new_issue_ids"]
    issue = read(api, made)
    assert (issue["name"], issue["description"], issue["status"]) == ("Untitled issue", None, "active")
    assert (issue["severity"], issue["assignee"]) == (None, None)
    named = [{"fingerprint": fingerprint_of("merged"), "name": "Declined", "description": "by the bank"}]
    [second] = api.post(f"issues/{merged}/split/", json={"fingerprints": named}).json()["new_issue_ids"]
    assert (read(api, second)["name"], read(api, second)["description"]) == ("Declined", "by the bank")
    assert read(api, merged)["first_seen"] is None


@pytest.mark.parametrize("sent", [{}, {"fingerprints": []}])
def test_a_split_of_nothing_deletes_the_spikes(api: httpx.Client, database: Database, sent: dict[str, Any]) -> None:
    """It answers success, and has a side effect."""
    assert spikes(database, CART) == 2
    response = api.post(f"issues/{CART}/split/", json=sent)
    assert (response.status_code, response.json()) == (200, {"success": True, "new_issue_ids": []})
    assert spikes(database, CART) == 0


def test_a_split_takes_objects(api: httpx.Client) -> None:
    """A list of texts is refused."""
    response = api.post(f"issues/{CART}/split/", json={"fingerprints": [fingerprint_of("cart-total")]})
    assert (response.status_code, response.json()["attr"]) == (400, "fingerprints__0")


@pytest.mark.parametrize(
    "sent",
    [
        {"ids": [CART]},
        {"ids": [CART], "action": "delete"},
        {"ids": [NOWHERE], "action": "set_status", "status": "resolved"},
        {"action": "set_status", "status": "resolved"},
    ],
)
def test_a_bulk_change_that_does_nothing_succeeds(api: httpx.Client, sent: dict[str, Any]) -> None:
    """The answer does not say how many issues were changed."""
    before = read(api, CART)
    response = api.post("issues/bulk/", json=sent)
    assert (response.status_code, response.json()) == (200, {"success": True})
    assert read(api, CART) == before


def test_a_bulk_change_of_many(api: httpx.Client) -> None:
    """Statuses and assignees of those that exist."""
    api.post("issues/bulk/", json={"ids": [CART, NOWHERE, PYTHON], "action": "set_status", "status": "suppressed"})
    assert {read(api, each)["status"] for each in (CART, PYTHON)} == {"suppressed"}
    api.post("issues/bulk/", json={"ids": [CART, PYTHON], "action": "assign"})
    assert [read(api, each)["assignee"] for each in (CART, PYTHON)] == [None, None]


def test_a_bulk_change_checks_little(api: httpx.Client) -> None:
    """A status that cannot be written is refused; what is no UUID breaks the service, and changes nothing."""
    for status in (None, "archived", "pending_release"):
        response = api.post("issues/bulk/", json={"ids": [CART], "action": "set_status", "status": status})
        assert (response.status_code, response.json()["detail"]) == (400, "Invalid status")
    broken = api.post("issues/bulk/", json={"ids": [CART, "x"], "action": "set_status", "status": "resolved"})
    assert broken.status_code == 500
    assert read(api, CART)["status"] == "active"
