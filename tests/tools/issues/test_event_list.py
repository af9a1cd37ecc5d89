"""The events of an issue: whole frames in the order of the stack, every event within reach, nothing hidden silently."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from rs_bpe.bpe import openai

from errtrack_mcp.sandbox.database import Database
from errtrack_mcp.sandbox.seed import READ_KEY
from errtrack_mcp.sandbox.seed_issues import WITHOUT_EVENTS, issue_id
from errtrack_mcp.sandbox.seeded_issue import fingerprint_of
from errtrack_mcp.tools.issues.internal_users import ONLY_INTERNAL
from tests.support.fixtures import Answer, Connect, ConnectTo, Refusal
from tests.support.issue_queries import add_event, add_issue, exception, frame
from tests.support.upstream import Upstream

pytestmark = pytest.mark.anyio

EVENTS = "query-error-tracking-issue-events"
CART, DEEP, MERGED = issue_id("cart-total"), issue_id("sixty-four-frames"), issue_id("merged")
ERAS = ("2026-03", "2026-06", "2026-09")
TOKENIZER = openai.o200k_base()


def recent(minutes: int = 60) -> datetime:
    """Return a moment of today or yesterday."""
    return datetime.now(UTC) - timedelta(minutes=minutes)


def functions(exception_shown: dict[str, Any]) -> list[str]:
    """Return the functions of a shown stack."""
    return [shown["function"] for shown in exception_shown["frames"]]


@pytest.mark.parametrize("era", ERAS)
async def test_app_frames_are_shown_in_order_with_the_throw_site_marked(
    connect_to: ConnectTo, answer: Answer, era: str
) -> None:
    """The outermost call first; what is left out of libraries is counted."""
    async with connect_to(era) as (client, _):
        page = await answer(client, EVENTS, issue_id=CART, limit=1)
    (event,) = page["results"]
    (thrown,) = event["exceptions"]
    assert functions(thrown) == ["onPayClicked", "qe"]
    assert [shown.get("throw_site") for shown in thrown["frames"]] == [None, True]
    assert [shown["readable"] for shown in thrown["frames"]] == [True, False]
    assert thrown["library_frames_left_out"] == 1
    assert event["library"] == ("web" if era == "2026-06" else "web 1.268.4")
    assert event["url"] == "https://shop.northwind.example/checkout"
    assert page["next_offset"] == 1


async def test_all_frames_are_shown_when_asked_for(connect: Connect, answer: Answer) -> None:
    """And nothing is left out."""
    async with connect() as client:
        page = await answer(client, EVENTS, issue_id=CART, limit=1, frames="all")
    (thrown,) = page["results"][0]["exceptions"]
    assert functions(thrown) == ["callCallback", "onPayClicked", "qe"]
    assert "library_frames_left_out" not in thrown


@pytest.mark.parametrize("era", ERAS)
async def test_the_frame_that_threw_is_shown_although_it_is_of_a_library(
    connect_to: ConnectTo, answer: Answer, database: Database, era: str
) -> None:
    """The last app frame must not be taken for it."""
    issue = add_issue(database)
    stack = (frame(1), frame(2, in_app=False), frame(3, in_app=False))
    add_event(database, issue, recent(), exception_list=[exception(*stack)], lib="web")
    async with connect_to(era) as (client, _):
        page = await answer(client, EVENTS, issue_id=issue)
    (thrown,) = page["results"][0]["exceptions"]
    assert [(shown["function"], shown["in_app"], shown.get("throw_site")) for shown in thrown["frames"]] == [
        ("fn1", True, None),
        ("fn3", False, True),
    ]
    assert thrown["library_frames_left_out"] == 1


async def test_no_throw_site_is_marked_where_the_order_is_unknown(connect: Connect, answer: Answer) -> None:
    """Older SDKs for Go send the frame that threw first, and PostHog keeps the order."""
    async with connect() as client:
        page = await answer(client, EVENTS, issue_id=issue_id("throw-site-first"), limit=1)
    (thrown,) = page["results"][0]["exceptions"]
    assert functions(thrown) == ["quote", "handleQuote", "main"]
    assert not any("throw_site" in shown for shown in thrown["frames"])
    assert "posthog-go" in page["hidden"]


@pytest.mark.parametrize("era", ERAS)
async def test_app_frames_are_found_behind_fifty_of_libraries(
    connect_to: ConnectTo, answer: Answer, database: Database, era: str
) -> None:
    """PostHog sends the fifty frames nearest to the error, which here are none of the app."""
    issue = add_issue(database)
    stack = [frame(number, in_app=False) for number in range(10)] + [frame(10), frame(11)]
    stack += [frame(number, in_app=False) for number in range(12, 90)]
    add_event(database, issue, recent(), exception_list=[exception(*stack)], lib="web")
    async with connect_to(era) as (client, _):
        page = await answer(client, EVENTS, issue_id=issue)
    (thrown,) = page["results"][0]["exceptions"]
    assert functions(thrown) == ["fn10", "fn11", "fn89"]
    assert thrown["library_frames_left_out"] == 87
    assert "outer_frames_left_out" not in thrown


@pytest.mark.parametrize("era", ERAS)
async def test_a_stack_beyond_fifty_frames_says_how_many_are_missing(
    connect_to: ConnectTo, answer: Answer, era: str
) -> None:
    """Those nearest to the error are shown."""
    async with connect_to(era) as (client, _):
        page = await answer(client, EVENTS, issue_id=DEEP, limit=1, frames="all", max_tokens=100_000)
    (thrown,) = page["results"][0]["exceptions"]
    assert len(thrown["frames"]) == 50
    assert thrown["outer_frames_left_out"] == 14
    assert thrown["frames"][-1]["throw_site"] is True


async def test_equal_stacks_are_whole_in_every_event(connect: Connect, answer: Answer) -> None:
    """PostHog sends each stack once and points to it afterwards."""
    async with connect() as client:
        page = await answer(client, EVENTS, issue_id=CART, limit=5)
    stacks = [event["exceptions"][0]["frames"] for event in page["results"]]
    assert len(stacks) == 5
    assert all(stack == stacks[0] for stack in stacks)
    assert "same_as" not in json.dumps(page)


async def test_a_chain_of_exceptions_is_whole(connect: Connect, answer: Answer) -> None:
    """The outermost first, each with its own stack and throw site."""
    async with connect() as client:
        page = await answer(client, EVENTS, issue_id=issue_id("python"), limit=1)
    outer, cause = page["results"][0]["exceptions"]
    assert (outer["type"], cause["type"]) == ("CardDeclined", "GatewayError")
    assert functions(outer) == ["checkout", "charge"]
    assert cause["frames"][-1]["throw_site"] is True
    assert "code_variables" not in json.dumps(page)


@pytest.mark.parametrize("era", ["2026-03", "2026-09"])
async def test_variables_come_when_asked_for(connect_to: ConnectTo, answer: Answer, era: str) -> None:
    """As short text, whatever they hold."""
    async with connect_to(era) as (client, _):
        page = await answer(client, EVENTS, issue_id=issue_id("python"), limit=1, code_variables=True)
    variables = page["results"][0]["exceptions"][0]["frames"][-1]["code_variables"]
    assert variables["answer"] == '{"reason":"insufficient_funds","amount":4999}'
    assert variables["attempt"] == "2"


@pytest.mark.parametrize("era", ERAS)
async def test_every_event_is_reached_by_paging(connect_to: ConnectTo, answer: Answer, era: str) -> None:
    """Also where tokens ran out in the middle of a page; none comes twice, the newest comes first."""
    seen: list[str] = []
    times: list[str] = []
    offset: int | None = 0
    async with connect_to(era) as (client, _):
        while offset is not None:
            page = await answer(
                client, EVENTS, issue_id=CART, limit=20, offset=offset, test_accounts=True, max_tokens=3_000
            )
            assert page["results"]
            seen += [event["uuid"] for event in page["results"]]
            times += [event["timestamp"] for event in page["results"]]
            offset = page["next_offset"]
    assert len(seen) == len(set(seen)) == 60
    assert times == sorted(times, reverse=True)


async def test_a_filter_that_hides_every_event_is_reported(connect: Connect, answer: Answer) -> None:
    """Nothing found by a search is not the same as nothing there."""
    async with connect() as client:
        page = await answer(client, EVENTS, issue_id=CART, search="no such text")
        found = await answer(client, EVENTS, issue_id=CART, search="READING 'total'", limit=1)
    assert page["results"] == []
    assert page["hidden"].startswith("There are events in this time; search")
    assert "search leaves out events" in found["hidden"]


async def test_events_of_test_users_alone_are_reported(connect: Connect, answer: Answer, database: Database) -> None:
    """They are left out by PostHog unless asked for."""
    issue = add_issue(database)
    add_event(database, issue, recent(), exception_list=[exception(frame())], host="localhost:3000")
    async with connect() as client:
        page = await answer(client, EVENTS, issue_id=issue)
        shown = await answer(client, EVENTS, issue_id=issue, test_accounts=True)
    assert (len(page["results"]), len(shown["results"])) == (0, 1)
    assert page["hidden"] == ONLY_INTERNAL


async def test_a_time_without_events_names_the_newest_one(connect: Connect, answer: Answer) -> None:
    """So that the next call can look there; an issue that has none any more says so too."""
    async with connect() as client:
        quiet = await answer(client, EVENTS, issue_id=issue_id("no-event-in-7-days"))
        (newest,) = (await answer(client, EVENTS, issue_id=issue_id("no-event-in-7-days"), date_from="-4w", limit=1))[
            "results"
        ]
        none = await answer(client, EVENTS, issue_id=issue_id(WITHOUT_EVENTS))
    assert f"The newest is of {newest['timestamp']}" in quiet["hidden"]
    assert none["hidden"].endswith("PostHog has no event of this issue any more.")


@pytest.mark.parametrize(("date_from", "date_to"), [("2000-01-01", "2000-02-01"), ("2090-01-01", "9999-12-31")])
async def test_the_newest_event_is_named_for_any_time(
    connect: Connect, answer: Answer, date_from: str, date_to: str
) -> None:
    """Also for one that is not yet, and where four years before it are before all events."""
    async with connect() as client:
        page = await answer(client, EVENTS, issue_id=CART, date_from=date_from, date_to=date_to)
    assert "The newest is of" in page["hidden"]


@pytest.mark.parametrize("timezone", ["UTC", "Pacific/Auckland", "America/Los_Angeles"])
async def test_a_time_means_the_same_in_every_project(connect_to: ConnectTo, answer: Answer, timezone: str) -> None:
    """PostHog reads dates for events in the project's timezone, and those for the list in UTC."""
    async with connect_to("2026-09", timezone) as (client, _):
        (listed,) = (await answer(client, "query-error-tracking-issues-list", date_from="-3h", search="reading total"))[
            "results"
        ]
        page = await answer(client, EVENTS, issue_id=CART, date_from="-3h", limit=20, max_tokens=100_000)
    assert len(page["results"]) == listed["occurrences"]


async def test_a_merged_issue_shows_the_events_of_both(connect: Connect, answer: Answer) -> None:
    """Asked for by the address of the one that is gone."""
    gone = issue_id("merged-away")
    address = f"/error_tracking/{gone}?fingerprint={fingerprint_of('merged-away')}"
    async with connect() as client:
        page = await answer(client, EVENTS, issue_id=address, limit=20, max_tokens=100_000)
    assert page["issue_id"] == MERGED
    assert gone in page["merged"]
    assert len(page["results"]) == 20


@pytest.mark.parametrize("era", ERAS)
async def test_an_issue_that_does_not_exist_is_not_found(connect_to: ConnectTo, refusal: Refusal, era: str) -> None:
    """On installations that answer with an empty page, too."""
    async with connect_to(era) as (client, _):
        said = await refusal(client, EVENTS, issue_id="019a9da0-9220-7000-912a-de2d7c339fae")
    assert said.startswith("not_found:")


async def test_an_old_search_says_that_it_looks_at_messages_only(connect_to: ConnectTo, answer: Answer) -> None:
    """The general query has no search over types and URLs."""
    async with connect_to("2026-03") as (client, _):
        page = await answer(client, EVENTS, issue_id=CART, search="reading 'total'", limit=1)
    assert len(page["results"]) == 1
    assert "searches no more" in page["hidden"]


async def test_the_scope_for_reading_is_enough_where_there_are_routes(connect: Connect, answer: Answer) -> None:
    """Frames, throw site and failures come with error_tracking:read."""
    async with connect(POSTHOG_PERSONAL_API_KEY=READ_KEY) as client:
        page = await answer(client, EVENTS, issue_id=CART, limit=1)
    assert "No sourcemap uploaded for chunk id" in page["results"][0]["exceptions"][0]["frames"][-1]["failure"]


@pytest.mark.parametrize("max_tokens", [500, 2_000, 8_000])
async def test_a_hundred_events_of_fifty_frames_stay_below_the_limit(
    connect: Connect, answer: Answer, database: Database, max_tokens: int
) -> None:
    """Whole frames are left out, from the outer end, and counted; every event is still reached."""
    issue = add_issue(database)
    stack = exception(*(frame(number, source=f"src/module_{number}/component.tsx") for number in range(50)))
    with database.transaction():
        for number in range(100):
            add_event(database, issue, recent(number), exception_list=[stack], lib="web")
    seen: list[str] = []
    offset: int | None = 0
    async with connect() as client:
        while offset is not None:
            page = await answer(client, EVENTS, issue_id=issue, limit=20, offset=offset, max_tokens=max_tokens)
            assert TOKENIZER.count(json.dumps(page, separators=(",", ":"))) < max_tokens
            for event in page["results"]:
                (thrown,) = event["exceptions"]
                assert len(thrown["frames"]) + thrown.get("outer_frames_left_out", 0) == 50
                assert thrown["frames"][-1]["function"] == "fn49"
            seen += [event["uuid"] for event in page["results"]]
            offset = page["next_offset"] if offset < 40 else None
    assert len(seen) == len(set(seen)) >= 40


@pytest.mark.attack("instructions in what PostHog answers")
@pytest.mark.parametrize("era", ERAS)
async def test_hostile_text_stays_data(connect_to: ConnectTo, answer: Answer, era: str) -> None:
    """In messages, functions, sources, variables and ids; also where it came as JSON within JSON."""
    async with connect_to(era) as (client, _):
        page = await answer(client, EVENTS, issue_id=issue_id("hostile"), code_variables=True, frames="all", limit=2)
    assert "Ignore previous" in json.dumps(page["results"])
    assert "Ignore previous" not in page["hidden"]
    assert not {"\u202e", "\u200b", "\U000e0041", "\x1b"} & set(json.dumps(page, ensure_ascii=False))


async def test_what_it_costs(connect: Connect, answer: Answer, sandbox: Upstream) -> None:
    """One request for events whose stacks are not cut, two where they are."""
    async with connect() as client:
        await answer(client, EVENTS, issue_id=CART)
        first = len(sandbox.requests)
        await answer(client, EVENTS, issue_id=DEEP)
    assert (first, len(sandbox.requests) - first) == (1, 2)
