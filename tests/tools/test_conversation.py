"""Thirteen questions that an engineer asks, answered from the tools alone: right, in few calls and few bytes."""

import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from mcp import Client

from errtrack_mcp.sandbox.database import Database, stored_time
from errtrack_mcp.sandbox.generate import generate
from errtrack_mcp.sandbox.seed import PROJECT_ID
from errtrack_mcp.sandbox.symbol_sets import insert_symbol_set
from tests.support.fixtures import Connect
from tests.support.results import text_of

pytestmark = pytest.mark.anyio

MAX_CALLS, MAX_BYTES = 20, 40_000
RELEASES = "error-tracking-releases-"
SYMBOL_SETS = "error-tracking-symbol-sets-"
QUOTED = "the bundle was built on a Tuesday"


@dataclass
class Conversation:
    """A client that counts what an assistant reads of it."""

    client: Client
    calls: int = 0
    bytes_read: int = 0
    by_tool: Counter[str] = field(default_factory=Counter)

    async def ask(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """Call a tool and return its answer."""
        result = await self.client.call_tool(tool, arguments)
        text = text_of(result)
        assert not result.is_error, text
        self.calls += 1
        self.bytes_read += len(text.encode())
        self.by_tool[tool] += 1
        answer: dict[str, Any] = json.loads(text)
        return answer


@pytest.fixture
def project(database: Database) -> Database:
    """Fill the project: 70 releases and 3,000 symbol sets, one uploaded just now, one with a reason of its own."""
    now = datetime.now(UTC)
    generate(database, now, PROJECT_ID, 58, 2_940)
    add(database, "fresh-chunk", age=timedelta(minutes=3), release=newest(database, 1)["id"])
    add(database, "odd-chunk", age=timedelta(days=2), reason=QUOTED)
    return database


def add(database: Database, ref: str, *, age: timedelta, reason: str | None = None, release: str | None = None) -> None:
    """Add a symbol set: with a file that nothing has loaded, or failed for a reason."""
    file = None if reason else "symbolsets/x"
    values = {
        "id": str(uuid4()),
        "ref": ref,
        "team_id": PROJECT_ID,
        "created_at": stored_time(datetime.now(UTC) - age),
        "last_used": None,
        "failure_reason": reason,
        "storage_ptr": file,
        "content_hash": file,
        "release_id": release,
    }
    insert_symbol_set(database, values)


def newest(database: Database, number: int) -> Any:
    """Return one of the newest releases, counted from 0."""
    sql = "SELECT * FROM releases WHERE team_id = ? ORDER BY created_at DESC, id DESC LIMIT 1 OFFSET ?"
    return database.all(sql, (PROJECT_ID, number))[0]


def count(database: Database, condition: str, table: str = "symbol_sets") -> int:
    """Count rows of the project by SQL."""
    sql = f"SELECT count(*) FROM {table} WHERE team_id = {PROJECT_ID} AND {condition}"  # noqa: S608
    return int(database.all(sql)[0][0])


async def about_the_project(talk: Conversation, database: Database) -> None:
    """Ask for the most frequent failure, for what expires, and for a reason that nobody knows."""
    found = await talk.ask(SYMBOL_SETS + "diagnose")
    by_kind = Counter(
        next(iter(json.loads(row[0])["JavaScript"]))
        for row in database.all("SELECT failure_reason FROM symbol_sets WHERE failure_reason LIKE '{\"JavaScript\":{%'")
    )
    kind, number = by_kind.most_common(1)[0]
    first = found["failures"][0]
    assert (first["failure"], first["symbol_sets"]) == (f"JavaScript {kind}", number)
    assert sum(first["statuses"].values()) == number
    limit = stored_time(datetime.fromisoformat(found["expiring_before"]))
    assert found["expiring"] == count(
        database, f"coalesce(last_used, created_at) < '{limit}' AND storage_ptr IS NOT NULL"
    )
    assert found["symbol_sets"] == count(database, "1")
    odd = next(group for group in found["failures"] if group["failure"] == "unrecognised")
    assert odd["failure_reason"]


async def about_releases(talk: Conversation, database: Database) -> None:
    """Ask which of the ten newest have no symbol sets, and which release a commit is, with its symbol sets."""
    listed = await talk.ask(RELEASES + "list", limit=10, counts=True)
    for row in listed["results"]:
        assert row["symbol_sets"] == count(database, f"release_id = '{row['id']}'")
    wanted = newest(database, 30)
    commit = json.loads(wanted["metadata"])["git"]["commit_id"]
    found = await talk.ask(RELEASES + "list", search=commit[:9], counts=True)
    assert [row["id"] for row in found["results"]] == [wanted["id"]]
    assert found["results"][0]["symbol_sets"] == count(database, f"release_id = '{wanted['id']}'")


async def about_refs(talk: Conversation, database: Database) -> None:
    """Ask why a chunk is minified: one that is not there, one uploaded just now, one with an odd reason."""
    absent = await talk.ask(SYMBOL_SETS + "diagnose", ref=str(uuid4()))
    assert absent["readable"] is False
    assert "never uploaded" in absent["summary"]
    fresh = await talk.ask(SYMBOL_SETS + "diagnose", ref="fresh-chunk")
    assert fresh["symbol_set"]["release"]["id"] == newest(database, 1)["id"]
    assert fresh["next_steps"][0].startswith(f"Compare the time of the error with {fresh['symbol_set']['file_since']}")
    odd = await talk.ask(SYMBOL_SETS + "diagnose", ref="odd-chunk")
    assert odd["failures"][0]["failure_reason"] == QUOTED


async def making_releases(talk: Conversation, database: Database) -> None:
    """Get or make a release, note its build, and ask whether it has lost source maps."""
    made = await talk.ask(RELEASES + "ensure", version="88.1.0", project="storefront-web")
    again = await talk.ask(RELEASES + "ensure", version="88.1.0", project="storefront-web", metadata={"build": "7"})
    assert (made["created"], again["created"], again["release"]["id"]) == (True, False, made["release"]["id"])
    assert "left alone" in again["note"]
    changed = await talk.ask(RELEASES + "partial-update", id=made["release"]["id"], metadata={"build": "7"})
    assert (changed["metadata"], changed["team_id"]) == ({"build": "7"}, PROJECT_ID)
    compared = await talk.ask(RELEASES + "compare", first=newest(database, 31)["id"], second=made["release"]["id"])
    assert (compared["lost_symbol_sets"], compared["newer"]["symbol_sets"]) == (None, 0)


async def deleting(talk: Conversation, database: Database) -> None:
    """Delete that release again, and every set without a file that is older than 20 days; ask how many."""
    made = (await talk.ask(RELEASES + "list", search="88.1.0"))["results"][0]
    preview = await talk.ask(RELEASES + "destroy", id=made["id"])
    assert (preview["team_id"], preview["symbol_sets"]) == (PROJECT_ID, 0)
    gone = await talk.ask(RELEASES + "destroy", id=made["id"], confirm=preview["confirm"])
    assert gone["next_step"] == "It had no symbol sets: nothing else changes."
    filters: dict[str, Any] = {"no_file": True, "older_than_days": 20, "limit": 500}
    plan = await talk.ask(SYMBOL_SETS + "prune", **filters)
    moment = stored_time(datetime.fromisoformat(plan["created_before"]))
    fitting = count(database, f"storage_ptr IS NULL AND created_at < '{moment}'")
    assert plan["planned"] == sum(plan["failures"].values()) == fitting > 20
    done = await talk.ask(SYMBOL_SETS + "prune", **filters, confirm=plan["confirm"])
    assert (done["deleted"], done["deleted_count"], done["team_id"]) == (True, fitting, PROJECT_ID)
    assert not count(database, f"storage_ptr IS NULL AND created_at < '{moment}'")


async def test_thirteen_questions_take_few_calls_and_few_bytes(connect: Connect, project: Database) -> None:
    """Every answer is right; the bounds are those of the issue, and far below what the bare API takes."""
    assert count(project, "1", "releases") == 70
    assert count(project, "1") >= 3_000
    async with connect(POSTHOG_PROJECT_ID=str(PROJECT_ID)) as client:
        talk = Conversation(client)
        for part in (about_the_project, about_releases, about_refs, making_releases, deleting):
            await part(talk, project)
    print(f"{talk.calls} calls, {talk.bytes_read:,} bytes: {dict(talk.by_tool)}")
    assert talk.calls <= MAX_CALLS
    assert talk.bytes_read <= MAX_BYTES
