"""Who may look after an issue."""

from typing import Any

import httpx
import pytest

from errtrack_mcp.sandbox.seed_issues import issue_id
from errtrack_mcp.sandbox.web_issues import ROLE_ID

CART = issue_id("cart-total")
NOWHERE = "00000000-0000-4000-8000-000000000000"


def assignee_of(api: httpx.Client) -> dict[str, Any] | None:
    """Read who looks after the issue of the cart."""
    assignee: dict[str, Any] | None = api.get(f"issues/{CART}/").json()["assignee"]
    return assignee


def test_omitting_the_assignee_unassigns(api: httpx.Client) -> None:
    """A user by a number or its digits, a role by its UUID; null is nobody, and so is an empty body."""
    for assignee in ({"id": 2, "type": "user"}, {"id": ROLE_ID, "type": "role"}):
        assert api.patch(f"issues/{CART}/assign/", json={"assignee": assignee}).json() == {"success": True}
        assert assignee_of(api) == assignee
    api.patch(f"issues/{CART}/assign/", json={"assignee": {"id": "1", "type": "user"}})
    assert assignee_of(api) == {"id": 1, "type": "user"}
    api.patch(f"issues/{CART}/assign/", json={})
    assert assignee_of(api) is None
    done = api.get(f"issues/{CART}/activity/").json()["results"]
    assert [item["activity"] for item in done] == ["assigned"] * 4


@pytest.mark.parametrize(
    ("assignee", "attr", "detail"),
    [
        ({"id": 99, "type": "user"}, None, "Assignee user does not belong to this organization."),
        ({"id": NOWHERE, "type": "role"}, None, "Assignee role does not belong to this organization."),
        ({"id": "ada", "type": "user"}, "assignee__id", "User assignee IDs must be integers."),
        ({"id": 7, "type": "role"}, "assignee__id", "Role assignee IDs must be UUIDs."),
        ({"id": 1, "type": "team"}, "assignee__type", '"team" is not a valid choice.'),
        ({"type": "user"}, "assignee__id", "This field is required."),
    ],
)
def test_an_assignee_is_checked(api: httpx.Client, assignee: dict[str, Any], attr: str | None, detail: str) -> None:
    """Somebody who is not of the organisation cannot look after an issue."""
    response = api.patch(f"issues/{CART}/assign/", json={"assignee": assignee})
    assert (response.status_code, response.json()["attr"], response.json()["detail"]) == (400, attr, detail)
    assert assignee_of(api) == {"id": 1, "type": "user"}
