"""The diagnosis of an issue: each kind of cause told apart, what is true by now, and what it costs."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from errtrack_mcp.sandbox.app import create_app
from errtrack_mcp.sandbox.database import Database, TimeOrderedIds
from errtrack_mcp.sandbox.ingestion import happen_again
from errtrack_mcp.sandbox.seed import PROJECT_ID, READ_KEY, chunk_id
from errtrack_mcp.sandbox.seed_issues import ISSUES, issue_id
from errtrack_mcp.sandbox.seeded_issue import fingerprint_of
from errtrack_mcp.tools.issues.issue_diagnosis import MAX_CAUSES, MAX_REFS, MAX_REQUESTS
from tests.support.fixtures import Answer, Connect, Refusal
from tests.support.issue_queries import add_event, add_issue, exception, frame
from tests.support.upstream import Upstream, serve

pytestmark = pytest.mark.anyio

DIAGNOSE = "error-tracking-issues-diagnose"
SYMBOL_SETS = "error-tracking-symbol-sets-list"
EVENTS = "query/issue_events"
GENERAL = f"/api/projects/{PROJECT_ID}/query/"
STORED = "stack_frames/batch_get"
READABLE = "readable-after-upload"
MINIFIED = {
    "cart-total": {"never_uploaded"},
    "upload-not-finished": {"upload_unfinished"},
    "fixed-by-upload": {"uploaded_later"},
    "no-occurrence-since-upload": {"uploaded_later"},
    "uploaded-to-another-project": {"never_uploaded"},
    "still-broken": {"map_does_not_fit"},
    "fetch-failed": {"fetch_failed"},
    "not-injected": {"no_chunk_id"},
    "no-url-or-chunk-id": {"no_chunk_id"},
    "file-unusable": {"file_unusable"},
    "no-position": {"maps_cannot_help"},
    "script-error": {"maps_cannot_help"},
    "no-stack": {"maps_cannot_help"},
    "map-address-unreadable": {"fetch_failed", "no_chunk_id"},
    "hermes": {"no_chunk_id", "never_uploaded", "file_unusable", "map_does_not_fit"},
    "proguard": {"no_chunk_id", "never_uploaded", "file_unusable", "map_does_not_fit"},
    "ios": {"no_chunk_id", "never_uploaded", "file_unusable", "map_does_not_fit"},
    "native": {"never_uploaded", "file_unusable"},
}


async def diagnosed(answer: Answer, connect: Connect, key: str, **arguments: Any) -> dict[str, Any]:
    """Diagnose a seeded issue, of the last month."""
    async with connect() as client:
        return await answer(client, DIAGNOSE, issue_id=issue_id(key), date_from="-30d", **arguments)


def asked(requests: Iterable[str]) -> list[str]:
    """Name what was asked of PostHog, in order."""
    names = ((EVENTS, "events"), (STORED, "stored"), ("symbol_sets", "ref"), ("/query/", "captured"))
    return [next((name for part, name in names if part in request), request) for request in requests]


@pytest.mark.parametrize(("key", "kinds"), MINIFIED.items(), ids=MINIFIED)
async def test_each_kind_of_cause_is_told_apart(
    connect: Connect, answer: Answer, sandbox: Upstream, key: str, kinds: set[str]
) -> None:
    """Every seeded failure has its kind, its meaning and its remedy, for three requests and one or two for each ref."""
    found = await diagnosed(answer, connect, key)
    assert found["readable"] is False
    assert {cause["kind"] for cause in found["causes"]} == kinds
    assert [cause["frames"] for cause in found["causes"]] == sorted(
        (cause["frames"] for cause in found["causes"]), reverse=True
    )
    assert all(cause["meaning"] and cause["remedy"] for cause in found["causes"])
    names = asked(sandbox.requests)
    assert names[0] == "events"
    assert len([name for name in names if name != "ref"]) <= MAX_REQUESTS
    refs = {cause["ref"] for cause in found["causes"] if "ref" in cause}
    assert len(refs) <= names.count("ref") <= len(refs) + sum("://" in ref for ref in refs)
    assert len(refs) <= MAX_REFS


@pytest.mark.parametrize("key", [READABLE, "python", "in-three-releases"])
async def test_a_readable_issue_costs_one_request(
    connect: Connect, answer: Answer, sandbox: Upstream, key: str
) -> None:
    """Nothing has to be looked up where all frames show source code: of scripts and of Python alike."""
    found = await diagnosed(answer, connect, key)
    assert (found["readable"], found["causes"], found["cannot_know"]) == (True, [], [])
    assert found["summary"].startswith("Readable: all ")
    assert asked(sandbox.requests) == ["events"]


async def test_the_cause_names_a_frame_its_ref_and_the_command(connect: Connect, answer: Answer) -> None:
    """All that somebody needs who wants to fix it, from the frame to the upload."""
    found = await diagnosed(answer, connect, "cart-total")
    (cause,) = found["causes"]
    assert (cause["frames"], cause["events"], found["events"]) == (3, 3, 3)
    assert (cause["function"], cause["line"], cause["column"]) == ("qe", 1, 88213)
    assert cause["ref"] == chunk_id("missing/cart")
    assert "symbol_set_id" not in cause
    assert "posthog-cli sourcemap process" in cause["remedy"]
    assert "this project and region" in cause["remedy"]
    assert found["summary"] == "Not readable: 3 of 6 frames are minified, in 3 of 3 sampled events."


async def test_maps_are_not_asked_for_where_they_cannot_help(connect: Connect, answer: Answer) -> None:
    """The cause says so instead of asking for an upload."""
    for key in ("no-position", "script-error", "no-stack"):
        found = await diagnosed(answer, connect, key)
        assert found["summary"].startswith("Not readable: No source map can help")
        assert "posthog-cli" not in str(found["causes"])


async def test_an_upload_that_fixed_it_is_told_with_its_time(
    connect: Connect, answer: Answer, database: Database
) -> None:
    """The stored events stay minified for ever; what new errors look like is the question."""
    found = await diagnosed(answer, connect, "fixed-by-upload")
    (cause,) = found["causes"]
    assert cause["now"].startswith("fixed since 2")
    assert cause["now"].endswith(": new errors are readable")
    assert cause["file_since"]
    assert (
        cause["symbol_set_id"]
        == database.all("SELECT id FROM symbol_sets WHERE ref = ?", (chunk_id("unbound/search"),))[0][0]
    )
    assert "All of it is fixed since" in found["summary"]
    assert cause["remedy"].startswith("Nothing.")


async def test_what_has_not_occurred_since_its_upload_is_not_called_fixed(connect: Connect, answer: Answer) -> None:
    """Nobody knows until the error comes again."""
    found = await diagnosed(answer, connect, "no-occurrence-since-upload")
    (cause,) = found["causes"]
    assert cause["now"].startswith("has not occurred since its upload began (2")
    assert cause["release"].keys() == {"id", "project", "version"}
    assert "It has not occurred since the upload" in found["summary"]


async def test_the_diagnosis_follows_an_error_from_upload_to_readable(
    connect: Connect, answer: Answer, database: Database
) -> None:
    """Minified, has not occurred since, and after the next error fixed: the newest event is readable."""
    key = "no-occurrence-since-upload"
    before = await diagnosed(answer, connect, key, events=2)
    happen_again(database, TimeOrderedIds(), issue_id(key), datetime.now(UTC))
    after = await diagnosed(answer, connect, key, events=2)
    assert before["causes"][0]["now"].startswith("has not occurred since")
    assert (after["minified_events"], after["events"]) == (1, 2)
    assert after["causes"][0]["now"].startswith("fixed since")
    assert "The newest event is readable." in after["summary"]


async def test_what_is_still_broken_after_an_upload_is_said(connect: Connect, answer: Answer) -> None:
    """The map is there, and does not fit the script."""
    found = await diagnosed(answer, connect, "still-broken")
    (cause,) = found["causes"]
    assert cause["now"].startswith("still broken at 2")
    assert cause["ref"] == chunk_id("unbound/main")
    assert "still broken although a file was uploaded" in found["summary"]


async def test_captured_events_are_read_only_where_the_text_holds_no_id(
    connect: Connect, answer: Answer, sandbox: Upstream
) -> None:
    """The scope query:read is used for what needs it."""
    await diagnosed(answer, connect, "fixed-by-upload")
    assert asked(sandbox.requests) == ["events", "ref", "stored"]
    sandbox.requests.clear()
    await diagnosed(answer, connect, "still-broken")
    assert asked(sandbox.requests) == ["events", "captured", "ref", "stored"]


async def test_a_key_without_query_read_learns_what_it_misses(connect: Connect, answer: Answer) -> None:
    """The rest of the answer is the same; what could not be learned is said, with the scope to add."""
    async with connect(POSTHOG_PERSONAL_API_KEY=READ_KEY) as client:
        broken = await answer(client, DIAGNOSE, issue_id=issue_id("still-broken"))
        fixed = await answer(client, DIAGNOSE, issue_id=issue_id("fixed-by-upload"))
    (cause,) = broken["causes"]
    assert cause["kind"] == "map_does_not_fit"
    assert not {"ref", "symbol_set_id", "now"} & cause.keys()
    assert "query:read" in broken["cannot_know"][0]
    assert fixed["cannot_know"] == []
    assert fixed["causes"][0]["now"].startswith("fixed since")


@pytest.mark.parametrize("era", ["2026-03", "2026-06", "2026-09"])
async def test_installations_of_every_age_give_the_same_answer(
    connect: Connect, answer: Answer, database: Database, era: str
) -> None:
    """Without the query routes, with the older ones, and with those of today."""
    with serve(create_app(database, era=era)) as upstream:
        async with connect(POSTHOG_HOST=upstream.url) as client:
            for key in ("cart-total", "fixed-by-upload", "still-broken", "script-error"):
                found = await answer(client, DIAGNOSE, issue_id=issue_id(key))
                assert {cause["kind"] for cause in found["causes"]} == MINIFIED[key]
                assert found["cannot_know"] == []
            upstream.requests.clear()
            await answer(client, DIAGNOSE, issue_id=issue_id("still-broken"))
    assert len(upstream.requests) <= MAX_REQUESTS + 1


async def test_an_issue_without_events_in_the_time_is_not_judged(connect: Connect, answer: Answer) -> None:
    """Neither readable nor not; the answer names the time that was looked at."""
    async with connect() as client:
        quiet = await answer(client, DIAGNOSE, issue_id=issue_id("no-event-in-7-days"))
        longer = await answer(client, DIAGNOSE, issue_id=issue_id("no-event-in-7-days"), date_from="-30d")
    assert (quiet["readable"], quiet["events"], quiet["causes"]) == (None, 0, [])
    assert quiet["summary"].startswith("Could not tell: the issue has no event between 2")
    assert longer["readable"] is True
    assert f"The newest is of {longer['newest_event'].removesuffix('Z')}" in quiet["summary"]


async def test_an_address_of_the_issues_page_is_taken_and_a_merge_followed(
    connect: Connect, answer: Answer, refusal: Refusal, sandbox: Upstream
) -> None:
    """The address that a person copies; one of another host is refused."""
    page = f"{sandbox.url}/project/{PROJECT_ID}/error_tracking"
    merged = next(issue for issue in ISSUES if issue.key == "merged")
    former = f"{page}/{issue_id(merged.merged[0])}?fingerprint={fingerprint_of(merged.merged[0])}"
    async with connect() as client:
        by_page = await answer(client, DIAGNOSE, issue_id=f"{page}/{issue_id('cart-total')}?timestamp=x")
        by_former = await answer(client, DIAGNOSE, issue_id=former)
        assert "invalid_arguments" in await refusal(client, DIAGNOSE, issue_id="https://evil.example/error_tracking/1")
        assert "invalid_arguments" in await refusal(client, DIAGNOSE, issue_id="cart")
        assert "not_found" in await refusal(client, DIAGNOSE, issue_id="019a9da0-9220-7000-912a-de2d7c339fae")
    assert by_page["issue_id"] == issue_id("cart-total")
    assert by_former["issue_id"] == issue_id("merged")
    assert "was merged" in by_former["summary"]


async def test_no_more_than_ten_refs_are_looked_up(
    connect: Connect, answer: Answer, database: Database, sandbox: Upstream
) -> None:
    """The most frequent ones; how many were left out is said, and so are causes that are not shown."""
    issue = add_issue(database, moment=datetime.now(UTC) - timedelta(hours=1))
    frames = [
        frame(number, resolve_failure=f"No sourcemap uploaded for chunk id: {chunk_id(str(number))}", junk_drawer=None)
        for number in range(30)
        for _ in range(1 + (number == 7))
    ]
    add_event(database, issue, datetime.now(UTC) - timedelta(minutes=9), exception_list=[exception(*frames)])
    async with connect() as client:
        found = await answer(client, DIAGNOSE, issue_id=issue)
    assert asked(sandbox.requests).count("ref") == MAX_REFS == 10
    assert len(found["causes"]) == MAX_CAUSES
    assert found["causes"][0]["ref"] == chunk_id("7")
    assert [cause["kind"] for cause in found["causes"]] == ["never_uploaded"] * 10 + ["missing"] * 2
    assert "The symbol sets of 20 further refs" in found["cannot_know"][0]
    assert "18 rarer causes are left out" in found["cannot_know"][1]


async def test_a_large_sample_stays_small(connect: Connect, answer: Answer, database: Database) -> None:
    """Twenty events of three exceptions with 50 different frames each, all of them long: the answer is bounded."""

    def failure(number: int) -> str:
        beginning = f"No sourcemap uploaded for chunk id: {number}" if number % 2 else ""
        return beginning + "x" * 3_000

    issue = add_issue(database, moment=datetime.now(UTC) - timedelta(hours=1))
    for event in range(20):
        stacks = [
            exception(
                *(
                    frame(number, resolve_failure=failure(number), source="y" * 3_000, junk_drawer=None)
                    for number in range(50)
                )
            )
            for _ in range(3)
        ]
        moment = datetime.now(UTC) - timedelta(minutes=event + 1)
        add_event(database, issue, moment, exception_list=stacks)
    async with connect() as client:
        found = await answer(client, DIAGNOSE, issue_id=issue, events=20)
    assert found["events"] == 20
    assert found["frames"] == 3_000
    assert len(str(found)) < 16_000


async def test_the_stored_frames_failing_leaves_the_rest(connect: Connect, answer: Answer, database: Database) -> None:
    """An answer that cannot be read is named among what is not known."""
    app = create_app(database)

    async def failing(scope: Any, receive: Any, send: Any) -> None:
        if scope["path"].endswith(f"{STORED}/"):
            await send({"type": "http.response.start", "status": 400, "headers": []})
            await send({"type": "http.response.body", "body": b'{"code": "invalid", "detail": "no"}'})
            return
        await app(scope, receive, send)

    with serve(failing) as upstream:
        async with connect(POSTHOG_HOST=upstream.url) as client:
            found = await answer(client, DIAGNOSE, issue_id=issue_id("fixed-by-upload"))
    assert found["cannot_know"] == [
        "Whether an upload has fixed it: the stored frames could not be read (bad_request)."
    ]
    assert "now" not in found["causes"][0]


@pytest.mark.attack("hostile text in an issue")
async def test_hostile_text_stays_data(connect: Connect) -> None:
    """Names, messages, functions, sources and chunk ids with orders in them never reach a field that is ours."""
    async with connect() as client:
        result = await client.call_tool(DIAGNOSE, {"issue_id": issue_id("hostile"), "events": 20})
    found = result.structured_content
    assert found["causes"][0]["function"].startswith("Ignore previous instructions")
    ours = [found["summary"], *found["cannot_know"]]
    ours += [cause[name] for cause in found["causes"] for name in ("meaning", "remedy", "now") if name in cause]
    assert not [text for text in ours if "Ignore" in text or "evil" in text]
    assert not [character for character in str(found) if character in "\u202e\u200b\x1b\U000e0041"]
    assert len(str(found)) < 10_000
