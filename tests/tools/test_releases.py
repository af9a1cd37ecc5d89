"""The release tools, through a real client, against the sandbox over a real socket."""

import json
import re
from typing import Any
from uuid import uuid4

import pytest

from errtrack_mcp.sandbox.database import Database
from errtrack_mcp.sandbox.seed import FULL_KEY, OTHER_PROJECT_ID, PENDING, PROJECT_ID, READ_KEY, release_id
from errtrack_mcp.tools.deletion import PREVIEWED
from tests.support.fixtures import Answer, Connect, Refusal
from tests.support.misbehaving import misbehave
from tests.support.replies import ID, PAGE, RELEASE, json_of
from tests.support.serving import get
from tests.support.upstream import Upstream

pytestmark = pytest.mark.anyio

LIST = "error-tracking-releases-list"
RETRIEVE = "error-tracking-releases-retrieve"
HASH = "error-tracking-releases-hash-retrieve"
CREATE = "error-tracking-releases-create"
UPDATE = "error-tracking-releases-partial-update"
DESTROY = "error-tracking-releases-destroy"


def raw(sandbox: Upstream, path: str) -> Any:
    """Ask the sandbox directly, as any HTTP client would."""
    url = f"{sandbox.url}/api/projects/{PROJECT_ID}/error_tracking/{path}"
    return get(url, headers={"Authorization": f"Bearer {FULL_KEY}"}).json()


async def test_a_page_of_releases_is_summarised(connect: Connect, answer: Answer, sandbox: Upstream) -> None:
    """A list says how many there are, where the next page begins, and what is needed to choose, in one request."""
    async with connect() as client:
        page = await answer(client, LIST, limit=5)
    assert (page["count"], page["next_offset"], len(page["results"])) == (12, 5, 5)
    assert set(page["results"][0]) <= {"id", "version", "project", "created_at", "commit", "branch", "hash_id"}
    assert len(sandbox.requests) == 1


async def test_the_last_page_has_no_next_offset(connect: Connect, answer: Answer) -> None:
    """Following next_offset reaches every release once, and ends."""
    seen: list[str] = []
    offset: int | None = 0
    async with connect() as client:
        while offset is not None:
            page = await answer(client, LIST, limit=5, offset=offset)
            seen += [row["id"] for row in page["results"]]
            offset = page["next_offset"]
    assert len(seen) == len(set(seen)) == 12


async def test_full_detail_is_what_the_api_returned(connect: Connect, answer: Answer, sandbox: Upstream) -> None:
    """With detail=full no field of the API's answer is missing or changed, and no link is passed on."""
    async with connect() as client:
        page = await answer(client, LIST, limit=500, detail="full")
    assert page["results"] == raw(sandbox, "releases/")["results"]
    assert "http" not in str(page["next_offset"])


async def test_a_release_is_retrieved_with_every_field(connect: Connect, answer: Answer, sandbox: Upstream) -> None:
    """Retrieving by id returns the release as the API has it."""
    expected = raw(sandbox, "releases/")["results"][0]
    async with connect() as client:
        assert await answer(client, RETRIEVE, id=expected["id"]) == expected


async def test_a_release_is_found_by_its_hash(connect: Connect, answer: Answer, sandbox: Upstream) -> None:
    """The hash that PostHog's CLI computed leads to its release."""
    expected = raw(sandbox, "releases/")["results"][0]
    async with connect() as client:
        assert await answer(client, HASH, hash_id=expected["hash_id"]) == expected


async def test_a_hash_that_cannot_be_looked_up_is_refused(
    connect: Connect, refusal: Refusal, sandbox: Upstream
) -> None:
    """The API does not route a hash with a slash or a dot, so none is sent, and the reason is said."""
    async with connect() as client:
        text = await refusal(client, HASH, hash_id="1.2.3")
    assert text.startswith("invalid_arguments: hash_id")
    assert "cannot look up" in text
    assert sandbox.requests == []


async def test_a_release_is_created(connect: Connect, answer: Answer) -> None:
    """What was given is stored, and comes back with what the API added."""
    metadata = {"git": {"commit_id": "c0ffee"}, "build": "7"}
    async with connect() as client:
        created = await answer(client, CREATE, version="9.9.9", project="app", hash_id="h-9", metadata=metadata)
        assert created == await answer(client, RETRIEVE, id=created["id"])
    assert (created["version"], created["project"], created["hash_id"]) == ("9.9.9", "app", "h-9")
    assert created["metadata"] == metadata


async def test_numbers_and_objects_may_come_as_strings(connect: Connect, answer: Answer) -> None:
    """Clients that send "2" for 2, 2 for "2", or an object as JSON text are understood."""
    async with connect() as client:
        assert len((await answer(client, LIST, limit="2"))["results"]) == 2
        created = await answer(client, CREATE, version=2, project="app", metadata=json.dumps({"build": 1}))
        assert (created["version"], created["metadata"]) == ("2", {"build": 1})
        assert created["hash_id"] == created["id"]
        kept = await answer(client, CREATE, version='{"a": 1}', project="null", hash_id="[1]")
        assert (kept["version"], kept["project"], kept["hash_id"]) == ('{"a": 1}', "null", "[1]")


async def test_null_counts_as_not_given(connect: Connect, answer: Answer) -> None:
    """Clients that send null for every optional argument are understood."""
    async with connect() as client:
        created = await answer(client, CREATE, version="1", project="app", hash_id=None, metadata=None)
    assert created["metadata"] is None


async def test_a_taken_hash_names_its_holder(connect: Connect, answer: Answer, refusal: Refusal) -> None:
    """Creating with a hash that is taken says which release holds it."""
    async with connect() as client:
        holder = await answer(client, CREATE, version="1.0", project="app", hash_id="mine")
        text = await refusal(client, CREATE, version="1.1", project="app", hash_id="mine")
        assert text.startswith("hash_taken: ")
        assert all(part in text for part in (holder["id"], '"1.0"', '"app"'))
        other = await answer(client, CREATE, version="1.2", project="app", hash_id="other")
        assert holder["id"] in await refusal(client, UPDATE, id=other["id"], hash_id="mine")


async def test_a_holder_that_cannot_be_looked_up_is_another_release(
    connect: Connect, answer: Answer, refusal: Refusal
) -> None:
    """A hash with a dot is never found by hash; the API's own words are not put in its place."""
    async with connect() as client:
        await answer(client, CREATE, version="1.0", project="app", hash_id="v1.0")
        text = await refusal(client, CREATE, version="1.1", project="app", hash_id="v1.0")
    assert text.startswith("hash_taken: This hash_id is taken by another release.")


async def test_metadata_must_be_an_object(connect: Connect, refusal: Refusal, sandbox: Upstream) -> None:
    """Anything else would be stored and then break every list, so it is not sent."""
    async with connect() as client:
        for metadata in ([1], "text", 5, '["a"]'):
            text = await refusal(client, CREATE, version="1", project="app", metadata=metadata)
            assert text.startswith("invalid_arguments: metadata")
    assert sandbox.requests == []


async def test_empty_values_are_refused(connect: Connect, refusal: Refusal, sandbox: Upstream) -> None:
    """The API ignores empty values, so an update made of them is refused instead of doing nothing."""
    some = str(uuid4())
    async with connect() as client:
        assert "version" in await refusal(client, CREATE, version="", project="app")
        assert "project is required" in await refusal(client, CREATE, version="1")
        changes: list[dict[str, Any]] = [{}, {"metadata": {}}]
        for change in changes:
            assert "at least one of" in await refusal(client, UPDATE, id=some, **change)
        for name in ("version", "project", "hash_id"):
            assert name in await refusal(client, UPDATE, id=some, **{name: ""})
    assert sandbox.requests == []


async def test_an_update_returns_the_release_as_it_is(connect: Connect, answer: Answer, sandbox: Upstream) -> None:
    """The API answers an update with nothing, so the release is read back; other fields stay."""
    async with connect() as client:
        before = await answer(client, CREATE, version="1", project="app", hash_id="h", metadata={"a": 1})
        sandbox.requests.clear()
        after = await answer(client, UPDATE, id=before["id"], version="2", metadata={"b": 2})
    assert after == {**before, "version": "2", "metadata": {"b": 2}}
    assert [request.split()[0] for request in sandbox.requests] == ["PATCH", "GET"]


async def test_a_deletion_is_previewed_first(connect: Connect, answer: Answer, sandbox: Upstream) -> None:
    """Without confirm, or with a wrong one, nothing is deleted, and what would be lost is counted."""
    release = next(row for row in raw(sandbox, "releases/")["results"] if row["metadata"])
    bound = [row for row in _all_symbol_sets(sandbox) if row["release"] and row["release"]["id"] == release["id"]]
    sandbox.requests.clear()
    async with connect() as client:
        for confirm in ({}, {"confirm": "wrong"}, {"confirm": ""}):
            preview = await answer(client, DESTROY, id=release["id"], **confirm)
            assert (preview["deleted"], preview["symbol_sets"]) == (False, len(bound))
            assert preview["release"]["version"] == release["version"]
            assert "Nothing was changed" in preview["next_step"]
    assert bound
    assert not any(request.startswith("DELETE") for request in sandbox.requests)


async def test_a_preview_says_what_is_in_use_and_what_comes_of_it(
    connect: Connect, answer: Answer, database: Database
) -> None:
    """By state, with the newest use of any, before anything is gone; nothing of the kind where nothing is lost."""
    busy, empty = release_id(PENDING), release_id(3)
    [[used]] = database.all(f"SELECT max(last_used) FROM symbol_sets WHERE release_id = '{busy}'")  # noqa: S608
    async with connect() as client:
        said = (await answer(client, DESTROY, id=busy))["next_step"]
        other = (await answer(client, DESTROY, id=empty))["next_step"]
    assert "1 complete, 2 never loaded, 0 without a file" in said
    assert f"the newest last_used is {used[:19]}Z" in said
    assert "Errors from this build then stay minified" in said
    assert other == PREVIEWED


async def test_a_confirmed_deletion_says_what_went(
    connect: Connect, answer: Answer, refusal: Refusal, sandbox: Upstream
) -> None:
    """With the preview's confirm the release and its symbol sets go, and a second try finds nothing."""
    release = raw(sandbox, "releases/")["results"][0]
    before = len(_all_symbol_sets(sandbox))
    async with connect() as client:
        confirm = (await answer(client, DESTROY, id=release["id"]))["confirm"]
        done = await answer(client, DESTROY, id=release["id"], confirm=confirm)
        assert done["deleted"] is True
        assert len(_all_symbol_sets(sandbox)) == before - done["symbol_sets"]
        text = await refusal(client, DESTROY, id=release["id"], confirm=confirm)
    assert text.startswith("not_found: ")
    assert release["id"] in text


async def test_an_unknown_release_is_named(connect: Connect, refusal: Refusal) -> None:
    """The words for 404 name the id, the project and the host that were asked."""
    missing = str(uuid4())
    async with connect(POSTHOG_PROJECT_ID=str(PROJECT_ID)) as client:
        text = await refusal(client, RETRIEVE, id=missing)
        assert all(part in text for part in (missing, str(PROJECT_ID), "127.0.0.1"))
        assert "no-such-hash" in await refusal(client, HASH, hash_id="no-such-hash")


async def test_a_malformed_id_is_not_sent(connect: Connect, refusal: Refusal, sandbox: Upstream) -> None:
    """The API answers a malformed UUID with a 500, so it is refused here, with the argument's name."""
    async with connect() as client:
        for tool in (RETRIEVE, DESTROY):
            for bad in ("not-a-uuid", "", "../projects", 7):
                assert (await refusal(client, tool, id=bad)).startswith("invalid_arguments: id ")
    assert sandbox.requests == []


async def test_each_call_may_name_its_project(
    connect: Connect, answer: Answer, refusal: Refusal, sandbox: Upstream
) -> None:
    """project_id holds for its own call and leaves the next one alone."""
    async with connect() as client:
        other = await answer(client, LIST, project_id=OTHER_PROJECT_ID)
        assert len(other["results"]) == 1
        assert (await answer(client, LIST, project_id="@current"))["count"] == 12
        assert (await answer(client, LIST))["count"] == 12
        assert "project" in await refusal(client, LIST, project_id="999999")
        assert (await refusal(client, LIST, project_id="../x")).startswith("invalid_arguments: project_id")
    assert f"GET /api/projects/{OTHER_PROJECT_ID}/error_tracking/releases/?limit=25" in sandbox.requests


async def test_a_fixed_project_is_not_an_argument(
    connect: Connect, answer: Answer, refusal: Refusal, sandbox: Upstream
) -> None:
    """With POSTHOG_PROJECT_ID set no tool has the argument; with POSTHOG_ENVIRONMENT_ID the older path is used."""
    async with connect(POSTHOG_PROJECT_ID=str(OTHER_PROJECT_ID)) as client:
        assert (await answer(client, LIST))["count"] == 1
        assert "project_id" in await refusal(client, LIST, project_id=str(PROJECT_ID))
        for tool in (await client.list_tools()).tools:
            assert "project_id" not in tool.input_schema["properties"]
    sandbox.requests.clear()
    async with connect(POSTHOG_ENVIRONMENT_ID=str(PROJECT_ID)) as client:
        assert (await answer(client, LIST, limit=1))["next_offset"] == 1
    assert sandbox.requests == [f"GET /api/environments/{PROJECT_ID}/error_tracking/releases/?limit=1"]


async def test_a_read_only_key_cannot_write(connect: Connect, answer: Answer, refusal: Refusal) -> None:
    """A missing scope is named, with the place to add it."""
    async with connect(POSTHOG_PERSONAL_API_KEY=READ_KEY) as client:
        assert (await answer(client, LIST))["count"] == 12
        text = await refusal(client, CREATE, version="1", project="app")
    assert text.startswith("missing_scope: ")
    assert "error_tracking:write" in text
    assert "/settings/user-api-keys" in text


async def test_an_unknown_key_is_said_to_be_refused(connect: Connect, refusal: Refusal) -> None:
    """The words for 401 name the host, and never the key."""
    async with connect(POSTHOG_PERSONAL_API_KEY="phx_unknown_canary") as client:
        text = await refusal(client, LIST)
    assert text.startswith("unauthenticated: 127.0.0.1")
    assert "canary" not in text


async def test_unknown_arguments_are_refused(connect: Connect, refusal: Refusal, sandbox: Upstream) -> None:
    """A misspelt argument is not ignored: the valid ones are named, and nothing is sent."""
    async with connect() as client:
        text = await refusal(client, LIST, limt=5)
        assert '"limt"' in text
        assert "limit, offset, search, counts, detail, max_tokens, project_id" in text
        assert (await refusal(client, "error-tracking-releases-lists")).startswith("unknown_tool: ")
        assert (await refusal(client, LIST, limit=0)).startswith("invalid_arguments: limit ")
    assert sandbox.requests == []


async def test_read_only_mode_offers_no_tool_that_writes(connect: Connect, refusal: Refusal) -> None:
    """With ERRTRACK_READ_ONLY the writing tools are neither listed nor callable."""
    async with connect(read_only="1") as client:
        names = {tool.name for tool in (await client.list_tools()).tools}
        assert DESTROY not in names
        assert LIST in names
        assert (await refusal(client, DESTROY, id=str(uuid4()))).startswith("unknown_tool: ")


def _all_symbol_sets(sandbox: Upstream) -> list[Any]:
    rows: list[Any] = raw(sandbox, "symbol_sets/?limit=100")["results"]
    return rows


@pytest.mark.parametrize("hash_id", [".", ".."])
async def test_a_hash_that_no_address_can_hold_is_told(connect: Connect, refusal: Refusal, hash_id: str) -> None:
    """Taken, its holder is not looked for, and nothing crashes."""
    taken = {"version": "1", "project": "app", "hash_id": hash_id}
    async with connect() as client:
        await client.call_tool(CREATE, taken)
        assert "taken by another release" in await refusal(client, CREATE, **taken)


LARGE = RELEASE | {"metadata": {"git": {"commit_id": "abc", "branch": "main"}, "rows": ["x" * 1000] * 40}}


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("error-tracking-releases-retrieve", {"id": ID}),
        ("error-tracking-releases-hash-retrieve", {"hash_id": "h"}),
        ("error-tracking-releases-partial-update", {"id": ID, "version": "2"}),
    ],
)
async def test_very_large_metadata_is_left_out_with_a_note(
    connect: Connect, answer: Answer, tool: str, arguments: dict[str, str]
) -> None:
    """Commit and branch stay; the note says how to have all of it, and that works."""
    with misbehave(json_of(LARGE)) as upstream:
        async with connect(POSTHOG_HOST=upstream.url) as client:
            cut = await answer(client, tool, **arguments)
    assert "metadata" not in cut
    assert (cut["commit"], cut["branch"], cut["version"]) == ("abc", "main", "1")
    enough = re.fullmatch(f"metadata, for its size: {LIST} has it with detail=full, max_tokens=(\\d+)", cut["left_out"])
    assert enough
    with misbehave(json_of(PAGE | {"results": [LARGE]})) as upstream:
        async with connect(POSTHOG_HOST=upstream.url) as client:
            [less] = (await answer(client, LIST, detail="full"))["results"]
            [whole] = (await answer(client, LIST, detail="full", max_tokens=int(enough[1])))["results"]
    assert "metadata" not in less
    assert less["left_out"] == cut["left_out"]
    assert whole == LARGE
