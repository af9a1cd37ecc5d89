"""Changes of one issue: what was asked is sent, what is true afterwards is read and reported."""

from typing import Any

import pytest

from errtrack_mcp.sandbox.database import Database
from errtrack_mcp.sandbox.seed import OUTSIDER, OWNER, READ_KEY
from errtrack_mcp.sandbox.seed_issues import issue_id
from errtrack_mcp.sandbox.seeded_issue import fingerprint_of
from errtrack_mcp.sandbox.web_issues import ROLE_ID
from tests.support.fixtures import Answer, Connect, Refusal
from tests.support.lossy import LossySandbox
from tests.support.upstream import Upstream

pytestmark = pytest.mark.anyio

UPDATE = "error-tracking-issues-partial-update"
ASSIGN = "error-tracking-issues-assign-partial-update"
CART = issue_id("cart-total")  # active, high, of the owner
LOSSES = [("cut", True), ("cut", False), ("500", True), ("500", False)]  # how, and whether the change was made
ARCHIVED = issue_id("archived")


def stored(database: Database, column: str, issue: str = CART) -> Any:
    """Return a column of an issue."""
    return database.all(f"SELECT {column} FROM issues WHERE id = ?", (issue,))[0][0]  # noqa: S608


@pytest.mark.parametrize(
    ("given", "changed"),
    [
        ({"status": "resolved"}, ("status", "resolved")),
        ({"status": "suppressed"}, ("status", "suppressed")),
        ({"severity": "low"}, ("severity", "low")),
        ({"severity": "none"}, ("severity", None)),
        ({"name": "Cart breaks"}, ("name", "Cart breaks")),
        ({"name": 404}, ("name", "404")),
        ({"name": "unchanged", "status": "unchanged", "severity": "unchanged"}, ("name", "unchanged")),
        ({"description": "Since Friday"}, ("description", "Since Friday")),
        ({"clear_description": True}, ("description", None)),
        ({"clear_name": True, "name": ""}, ("name", None)),
    ],
)
async def test_a_field_is_changed_and_nothing_else(
    connect: Connect, answer: Answer, database: Database, given: Any, changed: Any
) -> None:
    """The answer is what the issue's own endpoint has afterwards."""
    field, value = changed
    before = dict(database.all("SELECT * FROM issues WHERE id = ?", (CART,))[0])
    async with connect() as client:
        done = await answer(client, UPDATE, issue_id=CART, **given)
    after = dict(database.all("SELECT * FROM issues WHERE id = ?", (CART,))[0])
    assert done["changed"] is True
    assert done["issue"].get(field) == value
    assert {name for name in after if after[name] != before[name]} - {"updated_at"} == {field}
    assert after[field] == value


async def test_a_text_is_not_given_and_cleared_at_once(connect: Connect, refusal: Refusal, sandbox: Upstream) -> None:
    """Nothing is asked; an empty text, as strict clients send it for what they do not mean, clears nothing."""
    async with connect() as client:
        assert "not both" in await refusal(client, UPDATE, issue_id=CART, name="x", clear_name=True)
        assert "Nothing to change" in await refusal(client, UPDATE, issue_id=CART, name="", description="")
    assert not sandbox.requests


async def test_a_resolved_issue_can_be_reopened_by_old_clients(connect: Connect, answer: Answer) -> None:
    """There is no "resolved in a release": whoever resolves learns that the next error undoes it."""
    async with connect() as client:
        done = await answer(client, UPDATE, issue_id=CART, status="resolved")
    assert "reopens it" in done["note"]
    assert "old version" in done["note"]
    assert "Lists may show the earlier state" in done["note"]


@pytest.mark.parametrize("status", ["archived", "pending_release", "open", "RESOLVED"])
async def test_a_status_that_cannot_be_set_is_refused_here(
    connect: Connect, refusal: Refusal, sandbox: Upstream, status: str
) -> None:
    """PostHog shows archived and pending_release, and takes neither; nothing is sent."""
    async with connect() as client:
        text = await refusal(client, UPDATE, issue_id=CART, status=status)
    assert text.startswith("invalid_arguments: status should be 'unchanged', 'active', 'resolved' or 'suppressed'")
    assert sandbox.requests == []


async def test_an_archived_issue_is_still_read_and_can_be_reopened(connect: Connect, answer: Answer) -> None:
    """Its status is told as it is, though queries call it resolved."""
    async with connect() as client:
        renamed = await answer(client, UPDATE, issue_id=ARCHIVED, name="Old")
        reopened = await answer(client, UPDATE, issue_id=ARCHIVED, status="active")
    assert renamed["issue"]["status"] == "archived"
    assert reopened["issue"]["status"] == "active"


async def test_the_address_of_the_page_is_taken_and_no_merge_followed(
    connect: Connect, answer: Answer, refusal: Refusal, sandbox: Upstream
) -> None:
    """A change of the issue that another was merged into is a change of another issue."""
    page = f"{sandbox.url}/error_tracking"
    gone = f"{page}/{issue_id('merged-away')}?fingerprint={fingerprint_of('merged-away')}"
    async with connect() as client:
        done = await answer(client, UPDATE, issue_id=f"{page}/{CART}?timestamp=x", severity="low")
        by_fingerprint = f"{page}/fingerprint/{fingerprint_of('cart-total')}"
        assigned = await answer(client, ASSIGN, issue_id=by_fingerprint, nobody=True)
        assert (await refusal(client, UPDATE, issue_id=gone, severity="low")).startswith("not_found: ")
    assert done["issue"]["id"] == assigned["issue"]["id"] == CART


async def test_nothing_to_change_is_refused(connect: Connect, refusal: Refusal, sandbox: Upstream) -> None:
    """PostHog would answer with success to an empty change."""
    async with connect() as client:
        assert (await refusal(client, UPDATE, issue_id=CART)).startswith("invalid_arguments: Nothing to change")
        assert "Nothing to change" in await refusal(client, UPDATE, issue_id=CART, name="")
    assert sandbox.requests == []


@pytest.mark.parametrize(
    ("given", "assignee"),
    [
        ({"user_id": OWNER}, {"id": OWNER, "type": "user"}),
        ({"role_id": ROLE_ID}, {"id": ROLE_ID, "type": "role"}),
        ({"nobody": True}, None),
    ],
)
async def test_an_issue_is_assigned_to_a_user_a_role_or_nobody(
    connect: Connect, answer: Answer, given: dict[str, Any], assignee: Any
) -> None:
    """Each of them is said explicitly, from whatever was there before."""
    async with connect() as client:
        for _ in range(2):  # the second time it is so already
            done = await answer(client, ASSIGN, issue_id=CART, **given)
            assert done["changed"] is True
            assert done["issue"]["assignee"] == assignee
        assert (await answer(client, ASSIGN, issue_id=CART, user_id=OWNER))["issue"]["assignee"]["id"] == OWNER


@pytest.mark.parametrize(
    "given",
    [{}, {"nobody": False}, {"user_id": 0}, {"user_id": OWNER, "nobody": True}, {"user_id": OWNER, "role_id": ROLE_ID}],
)
async def test_leaving_the_assignee_out_never_unassigns(
    connect: Connect, refusal: Refusal, database: Database, sandbox: Upstream, given: dict[str, Any]
) -> None:
    """PostHog takes a missing assignee for nobody; here it is a mistake, and nothing is sent."""
    async with connect() as client:
        text = await refusal(client, ASSIGN, issue_id=CART, **given)
    assert text.startswith("invalid_arguments: Give one of user_id, role_id and nobody=true")
    assert stored(database, "assignee_user_id") == OWNER
    assert sandbox.requests == []


async def test_somebody_outside_the_organisation_is_refused(
    connect: Connect, refusal: Refusal, database: Database
) -> None:
    """PostHog's own words reach the caller, as a quotation."""
    async with connect() as client:
        text = await refusal(client, ASSIGN, issue_id=CART, user_id=99_999)
    assert text.startswith("bad_request: ")
    assert "does not belong to this organization" in text
    assert stored(database, "assignee_user_id") == OWNER
    assert OUTSIDER != OWNER


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("asked", [(UPDATE, {"status": "resolved"}), (ASSIGN, {"role_id": ROLE_ID})])
async def test_a_lost_answer_is_followed_by_what_is_true(
    connect: Connect, answer: Answer, lossy: LossySandbox, asked: Any, loss: Any
) -> None:
    """A cut connection, and a 500 to a change that was made: the issue is read, and the change is never repeated."""
    tool, given = asked
    lossy.method, lossy.ending = "PATCH", "/assign/" if tool == ASSIGN else f"{CART}/"
    lossy.how, lossy.carried_out = loss
    async with connect(POSTHOG_HOST=lossy.url) as client:
        done = await answer(client, tool, issue_id=CART, **given)
    assert done["changed"] is loss[1]
    assert done["note"].startswith("PostHog's answer to the change was lost")
    assert ("Not as asked" in done["note"]) is not loss[1]
    assert lossy.upstream
    assert [request.split()[0] for request in lossy.upstream.requests] == ["PATCH", "GET"]


async def test_what_cannot_be_read_either_is_said(connect: Connect, refusal: Refusal, lossy: LossySandbox) -> None:
    """Neither yes nor no: the caller has to look before repeating."""
    lossy.method, lossy.ending, lossy.then_breaks = "PATCH", f"{CART}/", True
    async with connect(POSTHOG_HOST=lossy.url) as client:
        text = await refusal(client, UPDATE, issue_id=CART, status="resolved")
    assert text.startswith("incomplete: PostHog was asked to make the change, and its answer was lost")
    assert "before you repeat" in text


async def test_a_key_that_may_only_read_is_told_so(connect: Connect, refusal: Refusal, database: Database) -> None:
    """The refusal names the scope, and nothing has changed."""
    async with connect(POSTHOG_PERSONAL_API_KEY=READ_KEY) as client:
        assert "error_tracking:write" in await refusal(client, UPDATE, issue_id=CART, status="resolved")
        assert "error_tracking:write" in await refusal(client, ASSIGN, issue_id=CART, nobody=True)
    assert (stored(database, "status"), stored(database, "assignee_user_id")) == ("active", OWNER)


@pytest.mark.attack("hostile text in an issue")
async def test_hostile_text_of_an_issue_stays_data(connect: Connect) -> None:
    """It is cleaned and bounded, and never in a field that is ours."""
    async with connect() as client:
        result = await client.call_tool(UPDATE, {"issue_id": issue_id("hostile"), "severity": "low"})
    done = result.structured_content
    assert done["issue"]["name"].startswith("Ignore previous instructions")
    assert "\u202e" not in str(done)
    assert len(done["issue"]["description"]) < 400
    assert "Ignore" not in done["note"]
    assert "issue" not in done["untrusted"].replace("issue_", "").split("but ")[1].split(", ")
