"""The code of each preview, through the tools: it confirms the very thing that was previewed, and nothing else."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from errtrack_mcp.sandbox.database import Database
from errtrack_mcp.sandbox.seed import FULL_KEY, OTHER_PROJECT_ID, PROJECT_ID, READ_KEY, release_id
from tests.support.fixtures import Answer, Connect

pytestmark = [pytest.mark.anyio, pytest.mark.attack("a confirm code for something else")]

FIRST_SET = "SELECT id FROM symbol_sets WHERE storage_ptr IS NOT NULL ORDER BY id LIMIT 1 OFFSET {}"


@dataclass(frozen=True)
class Deletion:
    """One tool that deletes, with what a test does to its target."""

    tool: str
    target: Callable[[Database, int], dict[str, Any]]
    change: str
    write: str


def symbol_set(database: Database, number: int) -> dict[str, Any]:
    """Name one of the symbol sets."""
    return {"id": database.all(FIRST_SET.format(number))[0][0]}


DELETIONS = [
    Deletion(
        "error-tracking-releases-destroy",
        lambda _database, number: {"id": release_id(number)},
        "UPDATE symbol_sets SET release_id = NULL",
        "UPDATE releases SET version = ?",
    ),
    Deletion(
        "error-tracking-symbol-sets-destroy",
        symbol_set,
        "UPDATE symbol_sets SET last_used = '2026-11-11T11:11:11.000000Z'",
        "UPDATE symbol_sets SET ref = ? || id",
    ),
    Deletion(
        "error-tracking-symbol-sets-prune",
        lambda _database, number: {"no_file": True} if number == 1 else {"older_than_days": 1},
        "UPDATE symbol_sets SET last_used = '2026-11-11T11:11:11.000000Z'",
        "UPDATE symbol_sets SET failure_reason = ? WHERE storage_ptr IS NULL",
    ),
]
EACH = pytest.mark.parametrize("deletion", DELETIONS, ids=lambda deletion: deletion.tool)


def size(database: Database) -> int:
    """Count everything that could be deleted."""
    return sum(database.all(f"SELECT count(*) FROM {table}")[0][0] for table in ("releases", "symbol_sets"))  # noqa: S608


@EACH
async def test_it_confirms_what_was_previewed(
    connect: Connect, answer: Answer, database: Database, deletion: Deletion
) -> None:
    """The second call with the code deletes; the same code does not delete twice."""
    before = size(database)
    async with connect() as client:
        preview = await answer(client, deletion.tool, **deletion.target(database, 1))
        assert (preview["deleted"], preview["team_id"], size(database)) == (False, PROJECT_ID, before)
        target = deletion.target(database, 1)
        done = await answer(client, deletion.tool, **target, confirm=preview["confirm"])
    assert done["deleted"] is True
    assert size(database) < before


@EACH
async def test_it_does_not_fit_another_target(
    connect: Connect, answer: Answer, database: Database, deletion: Deletion
) -> None:
    """The code of one release, symbol set or plan confirms no other."""
    before = size(database)
    async with connect() as client:
        code = (await answer(client, deletion.tool, **deletion.target(database, 1)))["confirm"]
        kept = await answer(client, deletion.tool, **deletion.target(database, 2), confirm=code)
    assert (kept["deleted"], size(database)) == (False, before)
    assert kept["confirm"] != code


@EACH
async def test_it_does_not_fit_another_key(
    connect: Connect, answer: Answer, database: Database, deletion: Deletion
) -> None:
    """What one caller has previewed confirms nothing for another."""
    before, target = size(database), deletion.target(database, 1)
    async with connect(POSTHOG_PERSONAL_API_KEY=READ_KEY) as other:
        code = (await answer(other, deletion.tool, **target))["confirm"]
    async with connect(POSTHOG_PERSONAL_API_KEY=FULL_KEY) as client:
        kept = await answer(client, deletion.tool, **target, confirm=code)
    assert (kept["deleted"], size(database)) == (False, before)


@EACH
async def test_it_does_not_fit_another_project(
    connect: Connect, answer: Answer, database: Database, deletion: Deletion
) -> None:
    """The same rows in another project have another code."""
    target = deletion.target(database, 1)
    async with connect() as client:
        code = (await answer(client, deletion.tool, **target, project_id=str(PROJECT_ID)))["confirm"]
        for table in ("symbol_sets", "releases"):
            database.execute(f"UPDATE {table} SET team_id = {OTHER_PROJECT_ID} WHERE team_id = {PROJECT_ID}")  # noqa: S608
        before = size(database)
        kept = await answer(client, deletion.tool, **target, project_id=str(OTHER_PROJECT_ID), confirm=code)
    assert (kept["deleted"], kept["team_id"], size(database)) == (False, OTHER_PROJECT_ID, before)


@EACH
async def test_it_does_not_fit_a_target_that_has_changed(
    connect: Connect, answer: Answer, database: Database, deletion: Deletion
) -> None:
    """What the preview showed is no longer so: a new preview is the answer."""
    target = deletion.target(database, 1)
    async with connect() as client:
        code = (await answer(client, deletion.tool, **target))["confirm"]
        database.execute(deletion.change)
        before = size(database)
        kept = await answer(client, deletion.tool, **target, confirm=code)
    assert (kept["deleted"], size(database)) == (False, before)
    assert kept["confirm"] not in {"", code}


@EACH
async def test_text_from_outside_never_holds_it(
    connect: Connect, answer: Answer, database: Database, deletion: Deletion
) -> None:
    """Writing a known code into the target changes the target, and with it the code."""
    target = deletion.target(database, 1)
    async with connect() as client:
        known = (await answer(client, deletion.tool, **target))["confirm"]
        database.execute(deletion.write, (f"confirm {known}",))
        poisoned = await answer(client, deletion.tool, **target)
        before = size(database)
        kept = await answer(client, deletion.tool, **target, confirm=known)
    assert poisoned.pop("confirm") not in str(poisoned)
    assert (kept["deleted"], size(database)) == (False, before)
