"""The diagnosis through a real client, against the sandbox over a real socket."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import anyio
import pytest

from errtrack_mcp.sandbox.database import Database, stored_time
from errtrack_mcp.sandbox.failures import FAILURES
from errtrack_mcp.sandbox.seed import PENDING, PROJECT_ID, STALE, chunk_id, release_id
from errtrack_mcp.sandbox.seed_issues import issue_id
from errtrack_mcp.tools import symbol_set_reader as reader_module
from errtrack_mcp.tools.advice import ISSUES_OF_REF, LATER, LOOK_INTO_IT
from tests.support.fixtures import Answer, Connect, Refusal
from tests.support.project import add_symbol_sets
from tests.support.slow_sandbox import SlowSandbox
from tests.support.upstream import Upstream

pytestmark = pytest.mark.anyio

DIAGNOSE = "error-tracking-symbol-sets-diagnose"


def counted(database: Database, condition: str) -> int:
    """Count rows of the project by SQL."""
    sql = f"SELECT count(*) FROM symbol_sets WHERE team_id = {PROJECT_ID} AND {condition}"  # noqa: S608
    return int(database.all(sql)[0][0])


async def test_a_project_is_counted_by_what_ails_it(connect: Connect, answer: Answer, database: Database) -> None:
    """Every number is that of the table, every kind of failure is there once with an example."""
    async with connect() as client:
        found = await answer(client, DIAGNOSE)
    file, loaded = "storage_ptr IS NOT NULL", "last_used IS NOT NULL"
    limit = stored_time(datetime.now(UTC) - timedelta(days=23))
    assert found["symbol_sets"] == counted(database, "1")
    assert found["complete"] == counted(database, f"{file} AND {loaded}")
    assert found["never_loaded"] == counted(database, f"{file} AND NOT {loaded}")
    assert found["no_file"] == len(FAILURES)
    assert found["unbound"] == counted(database, "release_id IS NULL")
    assert found["expiring"] == counted(database, f"coalesce(last_used, created_at) < '{limit}'") == 4
    assert found["readable"] is False
    assert sum(group["symbol_sets"] for group in found["failures"]) == len(FAILURES)
    refs = dict(FAILURES)
    for group in found["failures"]:
        assert group["failure"] == "unrecognised" or group["failure"].split()[-1] in refs[group["ref"]]
    assert "not_seen" not in found


async def test_the_newest_releases_show_their_coverage(connect: Connect, answer: Answer) -> None:
    """Five of them, newest first. The one without symbol sets may be right, so it comes behind what is surely wrong."""
    async with connect() as client:
        found = await answer(client, DIAGNOSE)
    releases = found["newest_releases"]
    assert [row["id"] for row in releases] == [release_id(index) for index in range(5)]
    assert [row["symbol_sets"] for row in releases] == [3, 3, 3, 0, 7]
    assert (releases[0]["complete"], releases[0]["never_loaded"]) == (1, 2)
    *_, release, issues, last = found["next_steps"]
    assert release.startswith(f"Release {release_id(3)} has no symbol set, as is right in release mode event.")
    assert (issues, last) == (ISSUES_OF_REF, LATER)


async def test_the_issues_of_a_failed_ref_are_found_as_the_project_s_diagnosis_says(
    connect: Connect, answer: Answer
) -> None:
    """From a failure to the issue that it leaves minified, in two calls."""
    async with connect() as client:
        failures = (await answer(client, DIAGNOSE))["failures"]
        ref = next(group["ref"] for group in failures if group["failure"] == "JavaScript NetworkError")
        asked = {"search": ref, "status": "all"}
        assert all(f"{name}={'REF' if name == 'search' else value}" in ISSUES_OF_REF for name, value in asked.items())
        [issue] = (await answer(client, "query-error-tracking-issues-list", **asked))["results"]
        found = await answer(client, "error-tracking-issues-diagnose", issue_id=issue["id"])
    assert found["readable"] is False


@pytest.mark.parametrize("by", ["id", "name"])
async def test_a_release_is_diagnosed_by_id_or_name(connect: Connect, answer: Answer, by: str) -> None:
    """Only the symbol sets bound to it count, also where its version is found in others."""
    asked = {"release_id": release_id(STALE)} if by == "id" else {"project": "storefront-web", "version": "2.12.4"}
    async with connect() as client:
        found = await answer(client, DIAGNOSE, **asked)
    assert (found["symbol_sets"], found["complete"], found["expiring"], found["readable"]) == (4, 3, 4, None)
    assert found["next_steps"][0].startswith("4 symbol sets with a file will be removed within 7 days: Upload again")
    [coverage] = found["newest_releases"]
    assert (coverage["version"], coverage["symbol_sets"]) == ("2.12.4", 4)


async def test_a_release_with_a_hash_of_its_own_is_found_by_name(connect: Connect, answer: Answer) -> None:
    """The CLI's hash leads nowhere, the list does; without symbol sets the command names the release."""
    async with connect() as client:
        found = await answer(client, DIAGNOSE, project="checkout-api", version="1.9.1-hotfix")
    assert (found["symbol_sets"], found["readable"]) == (0, None)
    command = (
        "errtrack-mcp upload DIST --project checkout-api --version 1.9.1-hotfix, or "
        "posthog-cli sourcemap process --directory DIST --release-name checkout-api --release-version 1.9.1-hotfix"
    )
    assert found["next_steps"] == [f"Unless the build was uploaded in event release mode: {command}"]
    assert found["summary"].endswith("no symbol set is bound to the release. In event release mode none ever is.")
    assert any("event release mode" in note for note in found["cannot_know"])


async def test_pending_uploads_leave_it_open(connect: Connect, answer: Answer) -> None:
    """A file that was never loaded may be an upload that never ended, and the answer says so."""
    async with connect() as client:
        found = await answer(client, DIAGNOSE, ref=chunk_id("pending/main"))
        release = await answer(client, DIAGNOSE, release_id=release_id(PENDING))
    assert (found["readable"], found["never_loaded"]) == (None, 1)
    assert (found["symbol_set"]["state"], found["symbol_set"]["release"]["id"]) == ("never_loaded", release_id(PENDING))
    assert "an error that came before its file stays minified" in found["next_steps"][0]
    assert f"//# chunkId={chunk_id('pending/main')}" in found["next_steps"][1]
    assert found["cannot_know"][0].startswith("Whether an upload was finished")
    assert (release["readable"], release["complete"], release["never_loaded"]) == (None, 1, 2)
    assert release["summary"].startswith("No symbol set is known to fail: of 3 symbol sets 1 complete, 2 never loaded")


async def test_a_release_with_an_unreadable_issue_is_not_called_readable(connect: Connect, answer: Answer) -> None:
    """A chunk of it was never uploaded: its symbol sets are all complete, and its errors minified all the same."""
    issue, version = issue_id("cart-total"), "2.13.2"
    async with connect() as client:
        assert (await answer(client, "error-tracking-issues-diagnose", issue_id=issue))["readable"] is False
        found = await answer(client, DIAGNOSE, project="storefront-web", version=version)
    assert (found["complete"], found["symbol_sets"], found["readable"]) == (3, 3, None)
    assert found["summary"].startswith("No symbol set is known to fail: ")
    assert found["next_steps"] == ["Nothing to do here; error-tracking-issues-diagnose looks at an issue's errors."]
    assert any(note.startswith("Chunks that were never uploaded") for note in found["cannot_know"])


@pytest.mark.parametrize(("ref", "stored"), FAILURES)
async def test_a_failed_ref_has_its_reason_and_remedy(connect: Connect, answer: Answer, ref: str, stored: str) -> None:
    """From what stands on the row to what fixes it."""
    async with connect() as client:
        found = await answer(client, DIAGNOSE, ref=ref)
    [group] = found["failures"]
    assert (found["readable"], found["no_file"], group["ref"]) == (False, 1, ref)
    assert group["failure"] == "unrecognised" or group["failure"].split()[-1] in stored
    assert found["next_steps"][0] == group["remedy"]


async def test_a_loaded_ref_is_readable(connect: Connect, answer: Answer) -> None:
    """With what to look at should it be minified all the same."""
    async with connect() as client:
        found = await answer(client, DIAGNOSE, ref=chunk_id("unbound/main"))
    assert (found["readable"], found["complete"], found["unbound"]) == (True, 1, 1)
    assert found["symbol_set"]["release"] is None
    used = f"{found['symbol_set']['last_used'][:19]}Z"
    assert found["summary"] == f"PostHog has a file for it, uploaded or last used at {used}."
    assert found["next_steps"][0].startswith(f"Compare the time of the error with {found['symbol_set']['file_since']}")
    assert found["next_steps"][1].startswith("If a newer error is minified too: Compare")
    assert found["next_steps"][-1] == LOOK_INTO_IT


@pytest.mark.parametrize(
    ("ref", "said"), [(chunk_id("nobody"), "never uploaded"), ("https://x.example/a.js", "this URL")]
)
async def test_an_absent_ref_is_explained(
    connect: Connect, answer: Answer, sandbox: Upstream, ref: str, said: str
) -> None:
    """No row means something else for a chunk id than for a URL; a script has its map's address as well."""
    async with connect() as client:
        found = await answer(client, DIAGNOSE, ref=ref)
    assert (found["readable"], found["symbol_sets"]) == (False, 0)
    assert said in found["summary"]
    assert any("posthog-cli sourcemap process" in step for step in found["next_steps"])
    assert len(sandbox.requests) == (2 if "://" in ref else 1)


@pytest.mark.parametrize(
    "arguments",
    [
        {"project": "storefront-web"},
        {"version": "2.14.0"},
        {"ref": "x", "release_id": release_id(0)},
        {"ref": "x", "project": "a", "version": "b"},
        {"release_id": release_id(0), "project": "a", "version": "b"},
        {"expiring_within_days": 31},
        {"release_id": "x"},
    ],
)
async def test_arguments_that_do_not_go_together_are_refused(
    connect: Connect, refusal: Refusal, sandbox: Upstream, arguments: dict[str, Any]
) -> None:
    """Before anything is asked."""
    async with connect() as client:
        assert (await refusal(client, DIAGNOSE, **arguments)).startswith("invalid_arguments: ")
    assert not sandbox.requests


async def test_a_release_that_is_not_there(connect: Connect, refusal: Refusal) -> None:
    """Neither by id nor by name."""
    async with connect() as client:
        assert (await refusal(client, DIAGNOSE, release_id=str(uuid4()))).startswith("not_found: ")
        text = await refusal(client, DIAGNOSE, project="storefront-web", version="0.0.0")
    assert text.startswith('not_found: No release is called "0.0.0"')


async def test_progress_is_reported_in_sentences(connect: Connect, database: Database) -> None:
    """Rising numbers out of the whole, each with words a person can read."""
    add_symbol_sets(database, 4_000)
    told: list[tuple[float, float | None, str | None]] = []

    async def note(progress: float, total: float | None, message: str | None) -> None:
        told.append((progress, total, message))

    async with connect() as client:
        result = await client.call_tool(DIAGNOSE, {}, progress_callback=note)
    total = result.structured_content["symbol_sets"]
    assert [done for done, _, _ in told] == sorted({done for done, _, _ in told})
    assert {whole for _, whole, _ in told} == {total}
    assert told[0][2] == f"Read 100 of {total:,} symbol sets."


async def test_a_cancelled_diagnosis_asks_no_further(connect: Connect, database: Database, sandbox: Upstream) -> None:
    """Cancelled after the first page: the pages on their way end, and nothing else is sent."""
    add_symbol_sets(database, 6_000)
    async with connect() as client:
        with anyio.CancelScope() as scope:

            async def stop(progress: float, total: float | None, message: str | None) -> None:
                del progress, total, message
                scope.cancel()

            await client.call_tool(DIAGNOSE, {}, progress_callback=stop)
        assert scope.cancelled_caught
        await client.call_tool("error-tracking-releases-list", {"limit": 1})
        asked = len(sandbox.requests)
        await client.call_tool("error-tracking-releases-list", {"limit": 2})
    assert asked < 40
    assert len(sandbox.requests) == asked + 1


async def test_what_was_not_seen_is_said(connect: Connect, answer: Answer, database: Database) -> None:
    """When PostHog stops answering, what was read is told as a part, and nothing is called readable."""
    add_symbol_sets(database, 2_000)
    database.execute("DELETE FROM symbol_sets WHERE failure_reason IS NOT NULL")
    # Metadata that is no JSON breaks every page that a symbol set of this release is on.
    database.execute("UPDATE releases SET metadata = '{' WHERE id = ?", (release_id(STALE),))
    database.execute("UPDATE symbol_sets SET release_id = ? WHERE ref = 'added-500'", (release_id(STALE),))
    total = counted(database, "1")
    async with connect() as client:
        found = await answer(client, DIAGNOSE)
    assert found["readable"] is None
    assert 1_300 < found["symbol_sets"] < 1_500
    assert found["not_seen"] == (
        f"Stopped after {found['symbol_sets']:,} of {total:,} symbol sets, newest first: PostHog stopped answering "
        f"(server_failed). The rest was not seen. Call again with offset={found['next_offset']} for the rest."
    )
    assert found["next_offset"] == found["symbol_sets"]


async def test_failures_of_one_kind_are_one_group(connect: Connect, answer: Answer, database: Database) -> None:
    """HTTP errors are one kind, with their statuses inside: the most frequent kind of failure comes first."""
    database.execute("DELETE FROM symbol_sets WHERE failure_reason IS NOT NULL")
    reasons = ["404"] * 3 + ["503"] * 2 + ["NoSourcemap"] * 4
    for number, reason in enumerate(reasons):
        stored = {"JavaScript": {"NoSourcemap": "x"} if reason == "NoSourcemap" else {"HttpStatus": [int(reason), "x"]}}
        database.execute(
            "INSERT INTO symbol_sets (id, ref, team_id, created_at, failure_reason) VALUES (?, ?, ?, ?, ?)",
            (str(uuid4()), f"r{number}", PROJECT_ID, "2026-11-01T00:00:00.000000Z", json.dumps(stored)),
        )
    async with connect() as client:
        found = await answer(client, DIAGNOSE)
    shown = [(group["failure"], group["symbol_sets"], group.get("statuses")) for group in found["failures"]]
    assert shown == [("JavaScript HttpStatus", 5, {"404": 3, "503": 2}), ("JavaScript NoSourcemap", 4, None)]


async def test_expiring_counts_what_the_advice_counts(connect: Connect, answer: Answer, database: Database) -> None:
    """Only symbol sets with a file expire for a reader of traces, and the answer names the moment that decides."""
    database.execute("UPDATE symbol_sets SET last_used = '2026-01-01T00:00:00.000000Z'")
    with_file = counted(database, "storage_ptr IS NOT NULL")
    async with connect() as client:
        found = await answer(client, DIAGNOSE)
    assert found["expiring"] == with_file < found["symbol_sets"]
    assert any(step.startswith(f"{with_file} symbol sets with a file will be removed") for step in found["next_steps"])
    age = datetime.now(UTC) - datetime.fromisoformat(found["expiring_before"])
    assert timedelta(days=23) <= age < timedelta(days=23, minutes=5)


async def test_an_unknown_reason_is_quoted_in_its_field(connect: Connect, answer: Answer, database: Database) -> None:
    """The first answer holds PostHog's own words, cut, in a field that is data from outside."""
    reason = "the map went missing " + "x" * 5_000
    database.execute("UPDATE symbol_sets SET failure_reason = ? WHERE storage_ptr IS NULL", (reason,))
    async with connect() as client:
        found = await answer(client, DIAGNOSE)
        result = await client.call_tool(DIAGNOSE, {})
    (group,) = found["failures"]
    assert group["failure_reason"].startswith("the map went missing xxx")
    assert len(group["failure_reason"]) < 400
    assert "the map went missing" not in found["summary"] + " ".join(found["next_steps"]) + group["meaning"]
    assert result.structured_content
    assert "failure_reason" not in result.structured_content["untrusted"]


async def test_a_reason_of_brackets_breaks_nothing(connect: Connect, answer: Answer, database: Database) -> None:
    """One row that somebody wrote to be deep does not take the whole project's diagnosis, list and plan with it."""
    database.execute("UPDATE symbol_sets SET failure_reason = ? WHERE storage_ptr IS NULL", ("[" * 4_000,))
    async with connect() as client:
        assert (await answer(client, DIAGNOSE))["failures"][0]["failure"] == "unrecognised"
        assert (await answer(client, "error-tracking-symbol-sets-list", status="no_file"))["results"]
        assert (await answer(client, "error-tracking-symbol-sets-prune", no_file=True))["planned"]


async def test_an_old_reason_next_to_a_file_is_said_to_be_old(
    connect: Connect, answer: Answer, database: Database
) -> None:
    """A set that failed before its upload works, and the answer says what the reason on it is."""
    reason = '{"JavaScript":{"NoSourcemap":"x"}}'
    ref = chunk_id("unbound/main")
    database.execute("UPDATE symbol_sets SET failure_reason = ? WHERE ref = ?", (reason, ref))
    async with connect() as client:
        found = await answer(client, DIAGNOSE, ref=ref)
    assert (found["readable"], found["complete"], found["failures"]) == (True, 1, [])
    assert "Its failure_reason is older than the file" in found["summary"]


async def test_space_around_what_is_diagnosed(connect: Connect, answer: Answer, database: Database) -> None:
    """A ref is found all the same, and a version of nothing but space is not searched for."""
    database.execute("UPDATE releases SET version = ' ' WHERE id = ?", (release_id(1),))
    async with connect() as client:
        assert (await answer(client, DIAGNOSE, ref=f" {chunk_id('unbound/main')} "))["complete"] == 1
        assert (await answer(client, DIAGNOSE, release_id=release_id(1)))["symbol_sets"] == 3


async def test_a_long_diagnosis_stops_by_itself_and_goes_on(
    connect: Connect, answer: Answer, slow_sandbox: SlowSandbox, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It ends in time with what it has; the next call counts the rest, and the two add up."""
    add_symbol_sets(database, 3_000)
    total = counted(database, "1")
    slow_sandbox.seconds = 0.1
    monkeypatch.setattr(reader_module, "MAX_SECONDS", 0.35)
    monkeypatch.setattr(reader_module, "AT_ONCE", 2)
    async with connect(POSTHOG_HOST=slow_sandbox.url) as client:
        first = await answer(client, DIAGNOSE)
        monkeypatch.setattr(reader_module, "MAX_SECONDS", 60)
        second = await answer(client, DIAGNOSE, offset=first["next_offset"])
    assert first["readable"] is None or first["no_file"]
    assert 0 < first["symbol_sets"] < total
    assert f"Call again with offset={first['next_offset']} for the rest." in first["not_seen"]
    assert second["not_seen"].startswith(f"Counted from row {first['next_offset']:,} on: add these counts")
    assert "next_offset" not in second
    assert first["symbol_sets"] + second["symbol_sets"] == total
