"""What an assistant pays for: the size of definitions and of answers, against committed numbers."""

import json
import os
from datetime import UTC, datetime
from hashlib import sha1, sha256
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from mcp_types import TextResourceContents
from rs_bpe.bpe import openai

from errtrack_mcp.sandbox.database import Database
from errtrack_mcp.sandbox.seed import FULL_KEY, PROJECT_ID, chunk_id, release_hash
from errtrack_mcp.server.catalog.toolsets import TOOLSETS
from tests.support.fixtures import Answer, Connect
from tests.support.results import text_of
from tests.support.serving import NO_AUTHORITIES
from tests.support.upstream import Upstream

SIZES = Path(__file__).parent / "snapshots" / "sizes.json"
TOKENIZER = openai.o200k_base()
RELEASES = "error-tracking-releases-list"
SYMBOL_SETS = "error-tracking-symbol-sets-list"
NINE = 9


def tokens(text: str) -> int:
    """Count tokens as a current model does."""
    count: int = TOKENIZER.count(text)
    return count


def compact(value: Any) -> str:
    """Write JSON as it travels."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


@pytest.mark.anyio
async def test_definitions_are_as_large_as_reviewed(connect: Connect) -> None:
    """Bytes and tokens of every definition are committed; run with UPDATE_SNAPSHOTS=1 and review the difference."""
    async with connect() as client:
        listed = await client.list_tools()
    sizes: dict[str, dict[str, int]] = {}
    for tool in listed.tools:
        definition = tool.model_dump(mode="json", by_alias=True, exclude_none=True)
        whole = compact(definition)
        definition.pop("outputSchema")
        definition.pop("_meta", None)  # hosts read it; a model is not shown it
        sizes[tool.name] = {"bytes": len(whole), "tokens_without_output": tokens(compact(definition))}
    current = json.dumps(sizes, indent=2) + "\n"
    if os.environ.get("UPDATE_SNAPSHOTS"):
        SIZES.write_text(current)
    assert SIZES.read_text() == current
    assert sum(size["bytes"] for size in sizes.values()) <= 2200 * len(sizes)
    assert sum(size["tokens_without_output"] for size in sizes.values()) <= 230 * len(sizes)


@pytest.mark.anyio
async def test_the_nine_calls_are_listed_in_fourteen_kilobytes(connect: Connect) -> None:
    """The list of the nine tools, as the client receives it, output schemas included, without panels."""
    async with connect(
        panels="0", toolsets="releases,symbol-sets", exclude_tools=",".join(_beyond_the_nine())
    ) as client:
        listed = await client.list_tools()
    assert len(listed.tools) == NINE
    assert len(compact(listed.model_dump(mode="json", by_alias=True, exclude_none=True))) <= 14 * 1024


def _beyond_the_nine() -> list[str]:
    """Name the tools of these toolsets that are not one call of the API."""
    endings = ("-list", "-retrieve", "-create", "-update", "-destroy")
    names = [tool.name for name in ("releases", "symbol-sets") for tool in TOOLSETS[name]]
    return [name for name in names if not name.endswith(endings) or "download" in name]


@pytest.fixture
def full_project(database: Database) -> None:
    """Fill the project with 100 releases made by PostHog's CLI and 100 symbol sets."""
    with database.transaction():
        database.execute("DELETE FROM symbol_sets")
        database.execute("DELETE FROM releases")
        for number in range(100):
            _insert(database, number)


def _insert(database: Database, number: int) -> None:
    version = sha1(str(number).encode(), usedforsecurity=False).hexdigest()
    git = {"commit_id": version, "branch": "main", "remote_url": "https://github.com/o/r.git", "repo_name": "r"}
    now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
    release = str(UUID(bytes=sha256(version.encode()).digest()[:16]))
    database.execute(
        "INSERT INTO releases (id, team_id, hash_id, created_at, metadata, version, project) VALUES (?,?,?,?,?,?,?)",
        (release, PROJECT_ID, release_hash("app", version), now, json.dumps({"git": git}), version, "app"),
    )
    ref = chunk_id(version)
    database.execute(
        "INSERT INTO symbol_sets (id, team_id, ref, created_at, release_id) VALUES (?,?,?,?,?)",
        (str(UUID(bytes=sha256(ref.encode()).digest()[:16])), PROJECT_ID, ref, now, release),
    )


@pytest.fixture
def long_refs(full_project: None, database: Database) -> None:  # noqa: ARG001 - the rows must be there
    """Make the refs of all symbol sets as long as the API allows."""
    with database.transaction():
        database.execute("UPDATE symbol_sets SET ref = substr(ref || ?, 1, 2048)", ("/abcdefgh/12345." * 130,))


@pytest.mark.usefixtures("full_project")
@pytest.mark.anyio
@pytest.mark.parametrize(("tool", "path"), [(RELEASES, "releases"), (SYMBOL_SETS, "symbol_sets")])
async def test_a_page_of_summaries_is_half_of_the_raw_answer(
    connect: Connect, sandbox: Upstream, tool: str, path: str
) -> None:
    """A hundred rows take at most half of the API's bytes, in the structured as in the text half."""
    url = f"{sandbox.url}/api/projects/{PROJECT_ID}/error_tracking/{path}/?limit=100"
    async with (
        connect() as client,
        httpx.AsyncClient(headers={"Authorization": f"Bearer {FULL_KEY}"}, verify=NO_AUTHORITIES) as plain,
    ):
        raw = len((await plain.get(url)).content)
        result = await client.call_tool(tool, {"limit": 100, "max_tokens": 20_000})
    assert len(result.structured_content["results"]) == 100
    assert len(compact(result.structured_content).encode()) <= 0.5 * raw
    assert len(text_of(result).encode()) <= 0.5 * raw


@pytest.mark.usefixtures("long_refs")
@pytest.mark.anyio
@pytest.mark.parametrize("tool", [RELEASES, SYMBOL_SETS])
@pytest.mark.parametrize("detail", ["summary", "full"])
async def test_no_page_is_larger_than_clients_take(connect: Connect, answer: Answer, tool: str, detail: str) -> None:
    """With refs of 2,048 bytes a page stays below 25,000 tokens, and says what was left out and how to get it."""
    seen: list[str] = []
    offset: int | None = 0
    async with connect() as client:
        while offset is not None:
            page = await answer(client, tool, limit=100, detail=detail, offset=offset)
            assert tokens(compact(page)) < 25_000
            assert ("left_out" in page) == (len(page["results"]) < 100 and page["next_offset"] is not None)
            seen += [row["id"] for row in page["results"]]
            offset = page["next_offset"]
    assert len(seen) == len(set(seen)) == 100


@pytest.mark.usefixtures("full_project")
@pytest.mark.anyio
async def test_a_caller_can_ask_for_less(connect: Connect, answer: Answer) -> None:
    """max_tokens drops rows from the end, whole ones, and the next page begins where they were."""
    async with connect() as client:
        page = await answer(client, RELEASES, limit=100, max_tokens=1000)
        rest = await answer(client, RELEASES, limit=1, offset=page["next_offset"])
    kept = len(page["results"])
    assert 1 <= kept < 100
    assert tokens(compact(page)) <= 1000
    assert page["next_offset"] == kept
    assert f"{100 - kept} rows" in page["left_out"]
    assert rest["results"][0]["id"] not in [row["id"] for row in page["results"]]


@pytest.mark.anyio
async def test_what_stands_beside_the_tools_is_as_reviewed(connect: Connect) -> None:
    """Definitions of prompts and resources change with their snapshot (UPDATE_SNAPSHOTS=1), and stay small."""
    async with connect() as client:
        lists: dict[str, list[Any]] = {
            "prompts": (await client.list_prompts()).prompts,
            "resources": (await client.list_resources()).resources,
            "templates": (await client.list_resource_templates()).resource_templates,
        }
        (reference,) = (await client.read_resource("errtrack://reference/failure-reasons")).contents
    for name, rows in lists.items():
        path = SIZES.parent / "prompts_and_resources" / f"{name}.json"
        listed = [row.model_dump(mode="json", by_alias=True, exclude_none=True) for row in rows]
        current = json.dumps(listed, indent=2) + "\n"
        if os.environ.get("UPDATE_SNAPSHOTS"):
            path.parent.mkdir(exist_ok=True)
            path.write_text(current)
        assert path.read_text() == current
        assert tokens(compact(listed)) <= 250 * len(listed)
    assert isinstance(reference, TextResourceContents)
    assert tokens(reference.text) <= 4_000
