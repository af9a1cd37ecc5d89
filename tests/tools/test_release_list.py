"""Listing releases: by search, by page and with the symbol sets of each, against the sandbox."""

import json

import pytest

from errtrack_mcp.sandbox.database import Database
from errtrack_mcp.sandbox.seed import FULL_KEY, PROJECT_ID, release_id
from errtrack_mcp.tools import release_list
from errtrack_mcp.tools import symbol_set_reader as reader_module
from tests.support.fixtures import Answer, Connect
from tests.support.project import add_symbol_sets
from tests.support.serving import post
from tests.support.upstream import Upstream

pytestmark = pytest.mark.anyio

LIST = "error-tracking-releases-list"


def make_release(sandbox: Upstream, version: str, **fields: object) -> str:
    """Create a release directly in the sandbox, and return its id."""
    url = f"{sandbox.url}/api/projects/{PROJECT_ID}/error_tracking/releases/"
    body = {"version": version, "project": "searched", **fields}
    response = post(url, json=body, headers={"Authorization": f"Bearer {FULL_KEY}"})
    assert response.status_code == 201
    created: str = response.json()["id"]
    return created


@pytest.mark.parametrize("search", ["77.8", "SEARCHED", "abc123def", "topic/x", "hand-made"])
async def test_a_release_is_found_by_any_part_that_a_person_knows(
    connect: Connect, answer: Answer, sandbox: Upstream, search: str
) -> None:
    """By version, app, the beginning of a commit, branch or hash id, in one call; case does not matter."""
    git = {"commit_id": "abc123def4567890", "branch": "topic/x"}
    made = make_release(sandbox, "77.8.9", hash_id="hand-made-1", metadata={"git": git})
    async with connect() as client:
        found = await answer(client, LIST, search=search)
    assert [row["id"] for row in found["results"]] == [made]
    assert (found["count"], found["next_offset"]) == (None, None)
    assert "not_seen" not in found


async def test_a_search_that_finds_nothing_says_so(connect: Connect, answer: Answer) -> None:
    """An empty page that is the last one: every release was looked at."""
    async with connect() as client:
        found = await answer(client, LIST, search="no such release")
    assert (found["results"], found["next_offset"]) == ([], None)


async def test_a_search_is_paged_without_a_gap(connect: Connect, answer: Answer) -> None:
    """next_offset leads to the next release that fits, also where an answer was cut by max_tokens."""
    async with connect() as client:
        whole = await answer(client, LIST, search="storefront", limit=500)
        seen: list[str] = []
        offset: int | None = 0
        while offset is not None:
            page = await answer(client, LIST, search="storefront", limit=2, offset=offset)
            seen += [row["id"] for row in page["results"]]
            offset = page["next_offset"]
        cut = await answer(client, LIST, search="storefront", detail="full", max_tokens=500)
        rest = await answer(client, LIST, search="storefront", offset=cut["next_offset"])
    expected = [row["id"] for row in whole["results"]]
    assert seen == expected
    assert len(cut["results"]) < len(expected)
    assert [row["id"] for row in [*cut["results"], *rest["results"]]] == expected


async def test_a_search_stops_at_a_bound_and_goes_on_from_there(
    connect: Connect, answer: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says how many releases it looked at, and next_offset is where the next call begins."""
    monkeypatch.setattr(release_list, "ROWS_A_PAGE", 5)
    monkeypatch.setattr(release_list, "MAX_SEARCHED", 10)
    async with connect() as client:
        first = await answer(client, LIST, search="1.8.0")
        second = await answer(client, LIST, search="1.8.0", offset=first["next_offset"])
    assert (first["results"], first["next_offset"]) == ([], 10)
    assert first["not_seen"].startswith("The search looked at 10 of 12 releases")
    assert [row["version"] for row in second["results"]] == ["1.8.0"]


async def test_counts_come_with_one_reading_for_all_releases(
    connect: Connect, answer: Answer, sandbox: Upstream, database: Database
) -> None:
    """Each release listed has its symbol sets by state; the requests do not grow with the releases."""
    rows = database.all("SELECT release_id, count(*) FROM symbol_sets GROUP BY release_id")
    expected = {row[0]: row[1] for row in rows}
    async with connect() as client:
        listed = await answer(client, LIST, counts=True, limit=10)
    assert len(sandbox.requests) == 2
    for row in listed["results"]:
        assert row["symbol_sets"] == expected.get(row["id"], 0)
        assert row["symbol_sets"] == row["complete"] + row["never_loaded"] + row["no_file"]
    assert listed["results"][0]["id"] == release_id(0)
    assert listed["results"][0]["never_loaded"] == 2


async def test_without_counts_a_row_has_none(connect: Connect, answer: Answer, sandbox: Upstream) -> None:
    """A number that nobody counted is not zero: it is left out, and so is the request."""
    async with connect() as client:
        listed = await answer(client, LIST)
    assert "symbol_sets" not in json.dumps(listed)
    assert len(sandbox.requests) == 1


async def test_counting_that_stopped_says_how_to_go_on(
    connect: Connect, answer: Answer, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So does a comparison."""
    monkeypatch.setattr(reader_module, "MAX_PAGES", 1)
    add_symbol_sets(database, 1_200)
    with database.transaction():
        database.execute("UPDATE symbol_sets SET release_id = ? WHERE ref LIKE 'added-%'", (release_id(2),))
    async with connect() as client:
        listed = await answer(client, LIST, counts=True)
        pair = {"first": release_id(2), "second": release_id(3)}
        compared = await answer(client, "error-tracking-releases-compare", **pair)
    for said in (listed["not_seen"], compared["not_seen"]):
        assert "Stopped after" in said
        assert said.endswith(f" {reader_module.GO_ON}")
