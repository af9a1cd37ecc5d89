"""One issue, complete: also where PostHog's own answer drops what it does not count, and after a merge."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from errtrack_mcp.sandbox.database import Database
from errtrack_mcp.sandbox.seed import OWNER, READ_KEY
from errtrack_mcp.sandbox.seed_issues import issue_id
from errtrack_mcp.sandbox.seeded_issue import fingerprint_of
from errtrack_mcp.sandbox.web_issues import ROLE_ID
from errtrack_mcp.tools.issues.internal_users import ONLY_INTERNAL
from tests.support.fixtures import Answer, Connect, ConnectTo, Refusal
from tests.support.issue_queries import add_event, add_issue, exception, frame
from tests.support.misbehaving import misbehave
from tests.support.replies import json_of
from tests.support.upstream import Upstream

pytestmark = pytest.mark.anyio

ISSUE = "query-error-tracking-issue"
CART, QUIET, MERGED, GONE = (issue_id(key) for key in ("cart-total", "no-event-in-7-days", "merged", "merged-away"))
ERAS = ("2026-03", "2026-06", "2026-09")
NOBODY = "019a9da0-9220-7000-912a-de2d7c339fae"


async def test_an_issue_is_shown_with_its_state_its_counts_and_its_frame(connect: Connect, answer: Answer) -> None:
    """Exact counts are called so, and estimates are called estimates."""
    async with connect() as client:
        issue = await answer(client, ISSUE, issue_id=CART)
    assert (issue["name"], issue["status"], issue["severity"]) == ("TypeError", "active", "high")
    assert issue["assignee"] == {"id": OWNER, "type": "user"}
    assert (issue["occurrences"], issue["estimated_users"], issue["estimated_sessions"]) == (56, 24, 24)
    assert (issue["top_app_frame"]["function"], issue["top_app_frame"]["readable"]) == ("qe", False)
    assert [release["version"] for release in issue["releases"]] == ["2.13.2"]
    assert issue["link"].endswith(f"/error_tracking/{CART}")
    assert "breakdown" not in issue


@pytest.mark.parametrize("era", ERAS)
async def test_an_issue_without_an_event_in_the_time_keeps_what_it_is(
    connect_to: ConnectTo, answer: Answer, era: str
) -> None:
    """PostHog's answer drops the assignee and when it was first seen; here they stay, and the counts are nought."""
    async with connect_to(era) as (client, _):
        issue = await answer(client, ISSUE, issue_id=QUIET)
        earlier = await answer(client, ISSUE, issue_id=QUIET, date_from="-4w")
    assert issue["assignee"] == earlier["assignee"] == {"id": ROLE_ID, "type": "role"}
    assert issue["first_seen"] == earlier["first_seen"]
    assert (issue["occurrences"], earlier["occurrences"]) == (0, 6)
    assert "The newest is of" in issue["hidden"]
    assert "top_app_frame" not in issue
    assert earlier["top_app_frame"]["function"] == "onPayClicked"


async def test_what_was_changed_a_moment_ago_is_shown(connect: Connect, answer: Answer, database: Database) -> None:
    """The stored issue is read, not the copy that queries see later."""
    database.execute("UPDATE issues SET status = 'resolved', assignee_user_id = NULL WHERE id = ?", (CART,))
    async with connect() as client:
        issue = await answer(client, ISSUE, issue_id=CART)
    assert (issue["status"], issue["assignee"]) == ("resolved", None)


@pytest.mark.parametrize("era", ERAS)
async def test_a_readable_frame_has_its_name_in_the_source(
    connect_to: ConnectTo, answer: Answer, database: Database, era: str
) -> None:
    """PostHog's top_in_app_frame shows the name in the deployed script even then."""
    issue = add_issue(database)
    readable = frame(resolved=True, resolved_name="cartTotal", mangled_name="qe", source="src/cart/total.ts")
    recent = datetime.now(UTC) - timedelta(hours=1)
    add_event(database, issue, recent, exception_list=[exception(frame(3, in_app=False), readable)], lib="web")
    async with connect_to(era) as (client, _):
        shown = await answer(client, ISSUE, issue_id=issue)
    assert shown["top_app_frame"]["function"] == "cartTotal"
    assert shown["top_app_frame"]["readable"] is True


async def test_resolved_alone_is_not_readable(connect: Connect, answer: Answer, database: Database) -> None:
    """PostHog calls a frame resolved where it had nothing to look up."""
    issue = add_issue(database)
    nothing = frame(resolved=True, resolve_failure="This frame had no source url or chunk id")
    add_event(database, issue, datetime.now(UTC) - timedelta(hours=1), exception_list=[exception(nothing)])
    async with connect() as client:
        shown = await answer(client, ISSUE, issue_id=issue)
    assert shown["top_app_frame"]["readable"] is False
    assert shown["top_app_frame"]["failure"] == "This frame had no source url or chunk id"


async def test_no_top_frame_is_made_up_where_the_order_is_unknown(connect: Connect, answer: Answer) -> None:
    """Older SDKs for Go send the frame that threw first."""
    async with connect() as client:
        issue = await answer(client, ISSUE, issue_id=issue_id("throw-site-first"))
    assert "top_app_frame" not in issue
    assert "posthog-go" in issue["hidden"]


async def test_releases_come_from_where_events_name_them_today(connect: Connect, answer: Answer) -> None:
    """PostHog's latest_release is empty for them."""
    async with connect() as client:
        issue = await answer(client, ISSUE, issue_id=issue_id("in-three-releases"), date_from="-4w")
    assert [release["version"] for release in issue["releases"]] == ["1.9.3", "1.9.2", "1.9.1"]


async def test_without_the_scope_for_releases_the_rest_is_shown(connect: Connect, answer: Answer) -> None:
    """The answer says which scope to add."""
    async with connect(POSTHOG_PERSONAL_API_KEY=READ_KEY) as client:
        issue = await answer(client, ISSUE, issue_id=CART)
    assert issue["occurrences"] == 56
    assert "releases" not in issue
    assert "Releases need the scope query:read" in issue["hidden"]


@pytest.mark.parametrize("era", ERAS)
async def test_occurrences_are_counted_in_equal_parts_of_the_time(
    connect_to: ConnectTo, answer: Answer, database: Database, era: str
) -> None:
    """Of a week in half days, the oldest first; of a time without an event there is nothing, not noughts.

    Older installations count an event in the first second of a bucket in the one before it too.
    """
    issue = add_issue(database)
    start = datetime(2026, 9, 1, 6, tzinfo=UTC)
    for hours in (1, 13, 13.5, 24, 167.5):
        moment = start + timedelta(hours=hours, milliseconds=500)
        add_event(database, issue, moment, exception_list=[exception(frame())])
    week = {"date_from": "2026-09-01T06:00:00Z", "date_to": "2026-09-08T06:00:00Z"}
    async with connect_to(era) as (client, _):
        shown = await answer(client, ISSUE, issue_id=issue, **week)
        before = await answer(client, ISSUE, issue_id=issue, date_from="2026-08-01", date_to="2026-08-02")
    counts = [1, 2 if era == "2026-09" else 3, 1, *[0] * 10, 1]
    assert shown["occurrences_over_time"] == {"bucket_seconds": 12 * 3600, "counts": counts}
    assert (shown["occurrences"], before["occurrences"]) == (5, 0)
    assert "occurrences_over_time" not in before
    assert "counts over time" not in shown["hidden"] + before["hidden"]


@pytest.mark.attack("values where PostHog answers counts")
@pytest.mark.parametrize(
    "sparkline", [[1] * 13, [*[1] * 13, "1"], [*[1] * 13, -1], {"length": 14}, "1" * 14, 10**4 * [1]]
)
async def test_what_is_no_count_is_not_shown_as_one(connect: Connect, answer: Answer, sparkline: Any) -> None:
    """The rest of the answer is, and says that something is missing."""
    stored = {"id": NOBODY, "name": "Error"}
    happened = stored | {"impact": {"occurrences": 14.0}, "sparkline": sparkline}
    with misbehave(
        json_of(stored), json_of(happened), json_of({"results": []}), json_of({"results": []}), in_turn=True
    ) as upstream:
        async with connect(POSTHOG_HOST=upstream.url) as client:
            shown = await answer(client, ISSUE, issue_id=NOBODY)
    assert shown["occurrences"] == 14
    assert "occurrences_over_time" not in shown
    assert "no counts over time" in shown["hidden"]


@pytest.mark.parametrize("era", ERAS)
async def test_a_breakdown_comes_when_asked_for(connect_to: ConnectTo, answer: Answer, era: str) -> None:
    """Only newer installations have one; of others the answer says so."""
    async with connect_to(era) as (client, _):
        issue = await answer(client, ISSUE, issue_id=CART, breakdown=True)
    assert issue["occurrences"] == 56
    if era == "2026-09":
        assert issue["breakdown"]["top_values"]["path"] == [{"value": "/checkout", "count": 56}]
    else:
        assert "no breakdown" in issue["hidden"]


async def test_test_users_count_only_when_asked_for(connect: Connect, answer: Answer) -> None:
    """And the answer says that they do not."""
    async with connect() as client:
        without = await answer(client, ISSUE, issue_id=CART)
        with_them = await answer(client, ISSUE, issue_id=CART, test_accounts=True)
    assert (without["occurrences"], with_them["occurrences"]) == (56, 60)
    assert "internal and test users" in without["hidden"]
    assert with_them["hidden"] == ""


async def test_where_only_test_users_had_events_they_are_named(
    connect: Connect, answer: Answer, database: Database
) -> None:
    """An earlier date_from alone would not find them."""
    issue = add_issue(database)
    add_event(database, issue, datetime.now(UTC) - timedelta(hours=1), host="localhost:3000")
    async with connect() as client:
        without = await answer(client, ISSUE, issue_id=issue)
        with_them = await answer(client, ISSUE, issue_id=issue, test_accounts=True)
        quiet = await answer(client, ISSUE, issue_id=QUIET, test_accounts=True)
    assert (without["occurrences"], with_them["occurrences"]) == (0, 1)
    assert without["hidden"] == (
        "Nothing is counted in this time, so nothing is known of it. Events of internal and test users are not "
        f"counted, except by releases. {ONLY_INTERNAL}"
    )
    assert quiet["hidden"].startswith("Nothing is counted in this time, so nothing is known of it. The newest is of 20")


async def test_the_page_of_an_issue_leads_to_what_it_became(connect: Connect, answer: Answer) -> None:
    """Its fingerprint is in the address; the answer says that the issue was merged."""
    address = f"/project/1/error_tracking/{GONE}?fingerprint={fingerprint_of('merged-away')}&timestamp=x"
    async with connect() as client:
        issue = await answer(client, ISSUE, issue_id=address)
    assert (issue["id"], issue["name"]) == (MERGED, "Error")
    assert f"{GONE} was merged: this is {MERGED}" in issue["merged"]


async def test_a_permalink_leads_to_the_issue_of_its_fingerprint(connect: Connect, answer: Answer) -> None:
    """Newer installations have such addresses."""
    async with connect() as client:
        issue = await answer(client, ISSUE, issue_id=f"/error_tracking/fingerprint/{fingerprint_of('merged-away')}")
    assert issue["id"] == MERGED
    assert "merged" not in issue


@pytest.mark.parametrize("gone", [GONE, NOBODY])
async def test_an_issue_that_is_gone_is_not_found(connect: Connect, refusal: Refusal, gone: str) -> None:
    """An id alone leads nowhere; the message says what would."""
    async with connect() as client:
        said = await refusal(client, ISSUE, issue_id=gone)
    assert said.startswith("not_found:")
    assert "?fingerprint=" in said


@pytest.mark.attack("instructions in what PostHog answers")
async def test_hostile_text_stays_data(connect: Connect, answer: Answer) -> None:
    """Nothing invisible is left of it, and none of it is in a sentence of ours."""
    async with connect() as client:
        issue = await answer(client, ISSUE, issue_id=issue_id("hostile"), breakdown=True)
    ours = {name: issue[name] for name in ("link", "hidden")}
    assert "Ignore previous" not in json.dumps(ours)
    assert not {"\u202e", "\u200b", "\U000e0041", "\x1b"} & set(json.dumps(issue, ensure_ascii=False))


async def test_what_it_costs(connect: Connect, answer: Answer, sandbox: Upstream) -> None:
    """Four requests, and three where nothing happened in the time: the last one says when the newest event was."""
    async with connect() as client:
        await answer(client, ISSUE, issue_id=CART)
        whole = len(sandbox.requests)
        await answer(client, ISSUE, issue_id=QUIET)
    assert (whole, len(sandbox.requests) - whole) == (4, 3)
