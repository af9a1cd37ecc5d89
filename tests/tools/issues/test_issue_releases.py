"""In which releases an issue occurs, and whether still in the newest."""

from datetime import UTC, datetime, timedelta

import pytest

from errtrack_mcp.sandbox.database import Database
from errtrack_mcp.sandbox.seed import READ_KEY, release_id
from errtrack_mcp.sandbox.seed_issues import issue_id
from errtrack_mcp.sandbox.seeded_issue import fingerprint_of
from tests.support.fixtures import Answer, Connect, ConnectTo, Refusal
from tests.support.issue_queries import add_event, add_issue

pytestmark = pytest.mark.anyio

RELEASES = "error-tracking-issues-releases"
ERAS = ("2026-03", "2026-06", "2026-09")
API_1_9_3 = 1


@pytest.mark.parametrize("era", ERAS)
async def test_releases_are_counted_whatever_events_call_them(connect_to: ConnectTo, answer: Answer, era: str) -> None:
    """Today events hold $exception_release; PostHog's own filters still read what was written before August 2026."""
    async with connect_to(era) as (client, _):
        found = await answer(client, RELEASES, issue_id=issue_id("in-three-releases"), date_from="-4w")
    counts = {release["version"]: release["occurrences"] for release in found["releases"]}
    assert list(counts) == ["1.9.3", "1.9.2", "1.9.1"]
    assert sum(counts.values()) == 40
    assert all(release["first_seen"] < release["last_seen"] for release in found["releases"])
    assert found["newest_release"]["id"] == release_id(API_1_9_3)
    assert found["occurs_in_newest"] is True
    assert found["summary"].startswith('It still occurs in "1.9.3"')


async def test_an_issue_that_is_gone_in_the_newest_release_says_what_that_leaves_open(
    connect: Connect, answer: Answer
) -> None:
    """A release of today has had little time."""
    async with connect() as client:
        found = await answer(client, RELEASES, issue_id=issue_id("gone-in-newest-release"), date_from="-4w")
    assert [release["version"] for release in found["releases"]] == ["2.13.1", "2.13.0"]
    assert found["newest_release"]["version"] == "2.14.0"
    assert found["occurs_in_newest"] is None
    assert "may be too new to tell" in found["summary"]


async def test_events_without_a_release_leave_it_open(connect: Connect, answer: Answer, database: Database) -> None:
    """They could be of the newest one."""
    issue = add_issue(database)
    recent = datetime.now(UTC) - timedelta(hours=1)
    release = {"id": release_id(4), "version": "2.13.1", "project": "storefront-web"}
    add_event(database, issue, recent, exception_release=release)
    add_event(database, issue, recent, lib="web")
    async with connect() as client:
        found = await answer(client, RELEASES, issue_id=issue)
    assert (found["without_release"], found["occurs_in_newest"]) == (1, None)
    assert "Events that name no release: 1." in found["summary"]


async def test_texts_that_differ_beside_the_release_are_one_release(
    connect: Connect, answer: Answer, database: Database
) -> None:
    """Ingestion may write more of a release from one day on."""
    issue = add_issue(database)
    now = datetime.now(UTC)
    release = {"id": release_id(4), "version": "2.13.1", "project": "storefront-web"}
    add_event(database, issue, now - timedelta(hours=2), exception_release=release)
    add_event(database, issue, now - timedelta(hours=1), exception_release={**release, "metadata": {"build": 7}})
    async with connect() as client:
        (found,) = (await answer(client, RELEASES, issue_id=issue))["releases"]
    assert found["occurrences"] == 2
    assert found["first_seen"] < found["last_seen"]


async def test_an_issue_without_releases_says_so(connect: Connect, answer: Answer) -> None:
    """Nothing is concluded from it."""
    async with connect() as client:
        found = await answer(client, RELEASES, issue_id=issue_id("python"))
    assert (found["releases"], found["newest_release"], found["occurs_in_newest"]) == ([], None, None)
    assert "no event of the issue names a release" in found["summary"]


async def test_an_issue_without_events_in_the_time_names_its_newest(connect: Connect, answer: Answer) -> None:
    """That no event names a release would say that there are events."""
    async with connect() as client:
        found = await answer(client, RELEASES, issue_id=issue_id("no-event-in-7-days"))
    assert found["summary"].startswith("There is no event in this time. The newest is of 20")


@pytest.mark.parametrize("hours", [2, 0])
async def test_a_release_that_no_event_is_newer_than_leaves_it_open(
    connect: Connect, answer: Answer, database: Database, hours: int
) -> None:
    """The newest one is twelve minutes old; an event since then of an older one tells more."""
    issue = add_issue(database)
    release = {"id": release_id(4), "version": "2.13.1", "project": "storefront-web"}
    add_event(database, issue, datetime.now(UTC) - timedelta(hours=hours), exception_release=release)
    async with connect() as client:
        found = await answer(client, RELEASES, issue_id=issue)
    assert found["occurs_in_newest"] is (None if hours else False)
    assert 'no event names "2.14.0"' in found["summary"]
    assert ("too new to tell" in found["summary"]) == bool(hours)


async def test_a_second_release_of_the_same_version_is_the_same(
    connect: Connect, answer: Answer, database: Database
) -> None:
    """Two uploads of one version may each make a release."""
    issue = add_issue(database)
    release = {"id": release_id(4), "version": "2.14.0", "project": "storefront-web"}
    add_event(database, issue, datetime.now(UTC) - timedelta(hours=1), exception_release=release)
    async with connect() as client:
        found = await answer(client, RELEASES, issue_id=issue)
    assert found["occurs_in_newest"] is True


async def test_events_that_were_merged_in_are_counted(connect: Connect, answer: Answer) -> None:
    """The issue that an event was captured for stays on it for good: a count by that would miss half."""
    gone = issue_id("merged-away")
    address = f"/error_tracking/{gone}?fingerprint={fingerprint_of('merged-away')}"
    async with connect() as client:
        found = await answer(client, RELEASES, issue_id=address)
    assert found["issue_id"] == issue_id("merged")
    assert gone in found["merged"]
    assert [release["occurrences"] for release in found["releases"]] == [22]


async def test_without_the_scope_the_message_says_what_to_add(connect: Connect, refusal: Refusal) -> None:
    """error_tracking:read is not enough."""
    async with connect(POSTHOG_PERSONAL_API_KEY=READ_KEY) as client:
        said = await refusal(client, RELEASES, issue_id=issue_id("cart-total"))
    assert said.startswith("missing_scope: The key lacks the scope query:read. Add it")


async def test_an_issue_that_does_not_exist_is_not_found(connect: Connect, refusal: Refusal) -> None:
    """The query itself would answer with nothing."""
    async with connect() as client:
        said = await refusal(client, RELEASES, issue_id="019a9da0-9220-7000-912a-de2d7c339fae")
    assert said.startswith("not_found:")
