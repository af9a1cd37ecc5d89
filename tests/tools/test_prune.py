"""Deleting by filter: a plan first, then exactly that plan."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import anyio
import pytest
from mcp import Client
from mcp_types import ElicitResult

from errtrack_mcp.api.transport import HttpTransport
from errtrack_mcp.sandbox.database import Database, stored_time
from errtrack_mcp.sandbox.seed import PROJECT_ID, READ_KEY, release_id
from errtrack_mcp.server.app import build_server
from errtrack_mcp.tools import prune as prune_module
from errtrack_mcp.tools import symbol_set_reader as reader_module
from tests.support.fixtures import Answer, Connect, MakeSettings, Refusal
from tests.support.project import add_symbol_sets
from tests.support.slow_sandbox import SlowSandbox
from tests.support.upstream import Upstream

pytestmark = pytest.mark.anyio

PRUNE = "error-tracking-symbol-sets-prune"
RELEASES = "error-tracking-releases-list"
FAILED = "storage_ptr IS NULL"


def ids(database: Database, condition: str = "1") -> set[str]:
    """Return the ids of the project's symbol sets from the database itself."""
    query = f"SELECT id FROM symbol_sets WHERE team_id = ? AND {condition}"  # noqa: S608 - the tests' own words
    return {row[0] for row in database.execute(query, (PROJECT_ID,))}


def oldest_first(database: Database) -> list[str]:
    """Return the ids of those that failed, the oldest first."""
    failed = ids(database, FAILED)
    rows = database.execute("SELECT id FROM symbol_sets ORDER BY created_at, id")
    return [row[0] for row in rows if row[0] in failed]


def days_ago(days: float) -> str:
    """Return the moment so many days ago, as the database keeps it."""
    return stored_time(datetime.now(UTC) - timedelta(days=days))


@pytest.mark.parametrize(
    ("filters", "condition"),
    [
        ({"no_file": True}, FAILED),
        ({"unbound": True}, "release_id IS NULL"),
        ({"no_file": True, "unbound": True}, f"{FAILED} AND release_id IS NULL"),
        ({"release_id": release_id(4)}, f"release_id = '{release_id(4)}'"),
        ({"unused_for_days": 20}, "coalesce(last_used, created_at) < '{20}'"),
        ({"older_than_days": 10}, "created_at < '{10}'"),
        ({"older_than_days": 10, "unused_for_days": 27}, "coalesce(last_used, created_at) < '{27}'"),
    ],
)
async def test_a_plan_names_what_fits_and_its_confirm_deletes_just_that(
    connect: Connect, answer: Answer, database: Database, filters: dict[str, Any], condition: str
) -> None:
    """Counted against the database; everything else stays."""
    condition = re.sub(r"\{(\d+)\}", lambda days: days_ago(int(days[1])), condition)
    before, fitting = ids(database), ids(database, condition)
    assert fitting, "or the case shows nothing"
    async with connect() as client:
        plan = await answer(client, PRUNE, **filters)
        assert (plan["deleted"], plan["matching"], plan["planned"]) == (False, len(fitting), len(fitting))
        assert {row["id"] for row in plan["sample"]} <= fitting
        assert all("release_id" in row for row in plan["sample"])
        assert all(row["failure"] for row in plan["sample"] if filters.get("no_file"))
        assert ids(database) == before, "a plan deletes nothing"
        done = await answer(client, PRUNE, **filters, confirm=plan["confirm"])
    assert (done["deleted"], done["deleted_count"]) == (True, len(fitting))
    assert "confirm" not in done
    assert ids(database) == before - fitting


async def test_days_are_exact_moments_that_the_plan_names(connect: Connect, answer: Answer, database: Database) -> None:
    """Twenty days are twenty times 24 hours, not the beginning of a day."""
    younger, older = sorted(ids(database))[:2]
    with database.transaction():
        database.execute("UPDATE symbol_sets SET created_at = ?", (days_ago(1),))
        database.execute("UPDATE symbol_sets SET created_at = ? WHERE id = ?", (days_ago(19.99), younger))
        database.execute("UPDATE symbol_sets SET created_at = ? WHERE id = ?", (days_ago(20.01), older))
    async with connect() as client:
        plan = await answer(client, PRUNE, older_than_days=20)
    assert [row["id"] for row in plan["sample"]] == [older]
    named = datetime.fromisoformat(plan["created_before"])
    assert abs(datetime.now(UTC) - timedelta(days=20) - named) < timedelta(minutes=1)
    assert "last_used_before" not in plan


async def test_a_plan_is_carried_out_in_parts(connect: Connect, answer: Answer, database: Database) -> None:
    """`limit` takes the oldest; the answer says how many are left."""
    total = len(ids(database, FAILED))
    async with connect() as client:
        plan = await answer(client, PRUNE, no_file=True, limit=5)
        done = await answer(client, PRUNE, no_file=True, limit=5, confirm=plan["confirm"])
    assert (plan["matching"], plan["planned"]) == (total, 5)
    assert len(ids(database, FAILED)) == total - 5
    assert f"{total - 5} are left" in done["next_step"]


async def test_a_plan_counts_what_it_would_delete(connect: Connect, answer: Answer, database: Database) -> None:
    """By state, by reason and by release; each adds up to what is planned."""
    async with connect() as client:
        plan = await answer(client, PRUNE, no_file=True)
    for counts in (plan["states"], plan["failures"], plan["releases"]):
        assert sum(counts.values()) == plan["planned"] == len(ids(database, FAILED))
    assert len(plan["failures"]) > 3


async def test_a_plan_warns_that_to_delete_a_failure_repairs_nothing(connect: Connect, answer: Answer) -> None:
    """A project without failed rows looks healthy, and its errors are as minified as before."""
    warning = "Those without a file only record why source maps are missing: "
    async with connect() as client:
        assert warning in (await answer(client, PRUNE, no_file=True))["next_step"]
        assert warning not in (await answer(client, PRUNE, release_id=release_id(4)))["next_step"]


async def test_the_states_are_of_what_is_planned(connect: Connect, answer: Answer, database: Database) -> None:
    """Not of all that fits: a plan of one names one."""
    fitting = len(ids(database, "release_id IS NULL"))
    async with connect() as client:
        plan = await answer(client, PRUNE, unbound=True, limit=1)
    assert fitting > 1
    assert (plan["matching"], sum(plan["states"].values())) == (fitting, 1)


async def test_a_plan_survives_what_comes_to_fit_later(connect: Connect, answer: Answer, database: Database) -> None:
    """Another process carries it out too; what fits since then is left for the next plan."""
    planned = ids(database, FAILED)
    async with connect() as client:
        plan = await answer(client, PRUNE, no_file=True)
    add_symbol_sets(database, 3)
    with database.transaction():
        database.execute("UPDATE symbol_sets SET storage_ptr = NULL WHERE ref LIKE 'added-%'")
    async with connect() as client:
        done = await answer(client, PRUNE, no_file=True, confirm=plan["confirm"])
    assert done["deleted_count"] == len(planned)
    assert ids(database, FAILED) == ids(database, "ref LIKE 'added-%'")
    assert "3 are left" in done["next_step"]


async def test_a_plan_whose_symbol_sets_have_changed_is_made_again(
    connect: Connect, answer: Answer, database: Database
) -> None:
    """One was used since: nothing goes, and the present plan has a code of its own."""
    async with connect() as client:
        plan = await answer(client, PRUNE, no_file=True)
        with database.transaction():
            database.execute(
                "UPDATE symbol_sets SET last_used = ? WHERE id = ?", (days_ago(0), plan["sample"][0]["id"])
            )
        before = ids(database)
        late = await answer(client, PRUNE, no_file=True, confirm=plan["confirm"])
    assert late["deleted"] is False
    assert late["confirm"] != plan["confirm"]
    assert "something has changed since" in late["next_step"]
    assert ids(database) == before


@pytest.mark.parametrize("other", [{"confirm": "yes"}, {"limit": 2}, {"unbound": True}])
async def test_a_confirm_of_something_else_deletes_nothing(
    connect: Connect, answer: Answer, database: Database, other: dict[str, Any]
) -> None:
    """Neither a guess nor another plan's confirm deletes."""
    before = ids(database)
    async with connect() as client:
        plan = await answer(client, PRUNE, no_file=True)
        wrong = await answer(client, PRUNE, **{"no_file": True, "confirm": plan["confirm"], **other})
    assert wrong["deleted"] is False
    assert "show it to the user" in wrong["next_step"]
    assert ids(database) == before


async def test_where_every_deletion_fails_the_call_fails(
    connect: Connect, answer: Answer, refusal: Refusal, database: Database
) -> None:
    """A key that may not delete is told so, in place of a list of failures."""
    async with connect(POSTHOG_PERSONAL_API_KEY=READ_KEY) as client:
        plan = await answer(client, PRUNE, no_file=True)
        words = await refusal(client, PRUNE, no_file=True, confirm=plan["confirm"])
    assert words.startswith("missing_scope: ")
    assert len(ids(database, FAILED)) == plan["matching"]


async def test_what_changes_or_goes_meanwhile_is_distinguished(
    connect: Connect, answer: Answer, database: Database, slow_sandbox: SlowSandbox
) -> None:
    """Between plan and deletion one is uploaded, one deleted, and PostHog fails once for good: each has its place."""
    async with connect(POSTHOG_HOST=slow_sandbox.url, max_retry_wait="0") as client:
        plan = await answer(client, PRUNE, no_file=True)
        order = oldest_first(database)

        def change() -> None:
            with database.transaction():
                database.execute("UPDATE symbol_sets SET storage_ptr = 'symbolsets/x' WHERE id = ?", (order[-1],))
                database.execute("DELETE FROM symbol_sets WHERE id = ?", (order[-2],))

        slow_sandbox.after(len(slow_sandbox.requests) + 3, change)
        done = await answer(client, PRUNE, no_file=True, confirm=plan["confirm"])
    assert done["changed_since"] == [order[-1]]
    assert done["already_gone"] == [order[-2]]
    assert done["deleted_count"] == len(order) - 2
    assert slow_sandbox.most_at_once == 8


async def test_failures_are_named_and_counted_as_left(
    connect: Connect, answer: Answer, database: Database, slow_sandbox: SlowSandbox
) -> None:
    """When PostHog stops answering, what was deleted and what was not are both said."""
    async with connect(POSTHOG_HOST=slow_sandbox.url, max_retry_wait="0") as client:
        plan = await answer(client, PRUNE, no_file=True)
        total = len(ids(database, FAILED))
        slow_sandbox.fails_after = len(slow_sandbox.requests) + 20
        done = await answer(client, PRUNE, no_file=True, confirm=plan["confirm"])
    assert set(done["failed"].values()) == {"server_failed"}
    assert done["deleted_count"] + len(done["failed"]) == total
    assert 0 < done["deleted_count"] < total
    assert f"{len(done['failed'])} are left" in done["next_step"]


async def test_without_a_filter_nothing_is_even_planned(connect: Connect, refusal: Refusal, sandbox: Upstream) -> None:
    """Every symbol set of a project is never what was meant."""
    async with connect() as client:
        assert "at least one filter" in await refusal(client, PRUNE)
    assert not sandbox.requests


@pytest.mark.parametrize("mode", ["legacy", "2026-07-28"])
@pytest.mark.parametrize("action", ["accept", "decline"])
async def test_the_user_is_asked_wherever_the_client_can(
    settings: MakeSettings, answer: Answer, database: Database, mode: str, action: Any
) -> None:
    """The question says how many of which kinds; no means no."""
    questions: list[str] = []

    async def ask(context: Any, params: Any) -> ElicitResult:
        assert context is not None
        questions.append(params.message)
        return ElicitResult(action=action, content={"agree": True} if action == "accept" else None)

    @asynccontextmanager
    async def connected() -> AsyncIterator[Client]:
        pool = HttpTransport(settings().host)
        try:
            async with Client(build_server(settings(), pool), mode=mode, elicitation_callback=ask) as client:
                yield client
        finally:
            await pool.aclose()

    total = len(ids(database, FAILED))
    async with connected() as client:
        plan = await answer(client, PRUNE, no_file=True)
        assert questions == []
        done = await answer(client, PRUNE, no_file=True, confirm=plan["confirm"])
    what = f"Delete {total} symbol sets of project {PROJECT_ID} and their files ({total} without a file)?"
    assert questions == [f"{what} There is no undo."]
    assert done["deleted"] is (action == "accept")
    assert len(ids(database, FAILED)) == (0 if action == "accept" else total)


async def test_progress_is_reported_and_cancelling_stops(
    connect: Connect, answer: Answer, database: Database, slow_sandbox: SlowSandbox
) -> None:
    """A person sees how far it is, and what was not begun stays."""
    heard: list[str | None] = []

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        assert total is None or progress <= total
        heard.append(message)
        if (message or "").startswith("Deleted "):
            scope.cancel()

    slow_sandbox.seconds = 0.2
    async with connect(POSTHOG_HOST=slow_sandbox.url) as client:
        plan = await answer(client, PRUNE, no_file=True)
        total = len(ids(database, FAILED))
        arguments = {"no_file": True, "confirm": plan["confirm"]}
        with anyio.CancelScope() as scope:
            await client.call_tool(PRUNE, arguments, progress_callback=hear)
        await client.call_tool(RELEASES, {"limit": 1})  # once this is answered, the server has heard of the cancelling
        left = len(ids(database, FAILED))
        await client.call_tool(RELEASES, {"limit": 1})
    assert 0 < left < total
    assert left == len(ids(database, FAILED))
    assert any((message or "").startswith("Deleted ") for message in heard)


async def test_progress_only_ever_rises(connect: Connect, answer: Answer, database: Database) -> None:
    """Reading, then deleting, or reading for one release and then for another: one token, one direction."""
    add_symbol_sets(database, 2_000)
    told: list[float] = []

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        assert message
        assert total is None or progress <= total
        told.append(progress)

    async with connect() as client:
        plan = await answer(client, PRUNE, no_file=True)
    async with connect() as client:  # another process, which reads before it deletes
        await client.call_tool(PRUNE, {"no_file": True, "confirm": plan["confirm"]}, progress_callback=hear)
        assert told == sorted(set(told))
        assert len(told) > plan["planned"]
        told.clear()
        names = {"first": "2.13.1", "second": "2.13.2"}
        await client.call_tool("error-tracking-releases-compare", names, progress_callback=hear)
        assert told == sorted(set(told))


async def test_a_project_too_large_to_read_at_once_is_pruned_in_parts(
    connect: Connect, answer: Answer, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A plan of the oldest that could be read says so, is carried out, and the next one goes further."""
    monkeypatch.setattr(reader_module, "MAX_PAGES", 2)
    monkeypatch.setattr(reader_module, "PAGE", 20)
    monkeypatch.setattr(reader_module, "STRIDE", 19)
    expected = oldest_first(database)
    async with connect() as client:
        gone: list[str] = []
        while True:
            plan = await answer(client, PRUNE, older_than_days=1)
            if "confirm" not in plan:
                break
            done = await answer(client, PRUNE, older_than_days=1, confirm=plan["confirm"])
            assert done["deleted_count"] == plan["planned"]
            gone.append(plan.get("not_seen", ""))
    assert gone[0].startswith("Stopped after ")
    assert "oldest first" in gone[0]
    assert gone[0].endswith("The next plan goes further.")
    assert len(gone) > 1
    assert not ids(database, f"created_at < '{days_ago(1)}'")
    assert expected


async def test_a_long_deletion_stops_by_itself_and_says_what_is_left(
    connect: Connect, answer: Answer, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It ends before a client gives up, with what was deleted until then."""
    total = len(ids(database, FAILED))
    async with connect() as client:
        plan = await answer(client, PRUNE, no_file=True)
        monkeypatch.setattr(prune_module, "MAX_SECONDS", -1.0)
        done = await answer(client, PRUNE, no_file=True, confirm=plan["confirm"])
    assert 0 < done["deleted_count"] < total
    assert done["next_step"].startswith(f"{total - done['deleted_count']} are left: call again without confirm")
    assert len(ids(database, FAILED)) == total - done["deleted_count"]


async def test_an_id_that_no_address_can_hold_ends_no_other_deletion(
    connect: Connect, answer: Answer, database: Database
) -> None:
    """It is named under `failed`, and the rest of the plan is carried out."""
    with database.transaction():
        database.execute("UPDATE symbol_sets SET id = '..' WHERE id = ?", (oldest_first(database)[0],))
    async with connect() as client:
        plan = await answer(client, PRUNE, no_file=True)
        done = await answer(client, PRUNE, no_file=True, confirm=plan["confirm"])
    assert done["failed"] == {"..": "unusable_name"}
    assert done["deleted_count"] == plan["planned"] - 1
