"""The symbol set tools, through a real client, against the sandbox over a real socket."""

import json
from typing import Any
from uuid import uuid4

import pytest

from errtrack_mcp.sandbox.database import Database
from errtrack_mcp.sandbox.seed import FULL_KEY, PROJECT_ID, chunk_id
from tests.support.fixtures import Answer, Connect, Refusal
from tests.support.misbehaving import misbehave
from tests.support.replies import ID, PAGE, RELEASE, SYMBOL_SET, json_of
from tests.support.serving import get
from tests.support.upstream import Upstream

pytestmark = pytest.mark.anyio

LIST = "error-tracking-symbol-sets-list"
RETRIEVE = "error-tracking-symbol-sets-retrieve"
DESTROY = "error-tracking-symbol-sets-destroy"


def raw(sandbox: Upstream, query: str = "") -> Any:
    """Ask the sandbox directly, as any HTTP client would."""
    url = f"{sandbox.url}/api/projects/{PROJECT_ID}/error_tracking/symbol_sets/?limit=100{query}"
    answer = get(url, headers={"Authorization": f"Bearer {FULL_KEY}"})
    sandbox.requests.clear()
    return answer.json()["results"]


async def test_a_page_is_summarised_in_half_the_bytes(connect: Connect, answer: Answer, sandbox: Upstream) -> None:
    """A summary names each set, its state and its release, in at most half of the API's bytes, in one request."""
    rows = raw(sandbox)
    async with connect() as client:
        page = await answer(client, LIST, limit=100)
    assert len(json.dumps(page, separators=(",", ":"))) <= 0.5 * len(json.dumps(rows, separators=(",", ":")))
    assert [row["id"] for row in page["results"]] == [row["id"] for row in rows]
    assert len(sandbox.requests) == 1
    for row, source in zip(page["results"], rows, strict=True):
        assert row["ref"] == source["ref"]
        told = "old_failure" if source["has_uploaded_file"] else "failure"
        assert (told in row) == bool(source["failure_reason"])
        assert row.get("release", {}).get("id") == (source["release"] or {}).get("id")


async def test_full_detail_is_what_the_api_returned(connect: Connect, answer: Answer, sandbox: Upstream) -> None:
    """With detail=full each row is the API's own, nested release included."""
    rows = raw(sandbox)
    async with connect() as client:
        page = await answer(client, LIST, limit=100, detail="full", max_tokens=50_000)
    assert page["results"] == rows


async def test_filters_reach_the_api(connect: Connect, answer: Answer, sandbox: Upstream) -> None:
    """A ref is exact, search finds parts, status separates those without a file, order_by sorts."""
    rows = raw(sandbox)
    chosen = next(row for row in rows if row["release"])
    async with connect() as client:
        by_ref = await answer(client, LIST, ref=chosen["ref"])
        assert [row["id"] for row in by_ref["results"]] == [chosen["id"]]
        assert (await answer(client, LIST, ref=chosen["ref"][:-1]))["count"] == 0
        found = await answer(client, LIST, search=chosen["ref"][:8], limit=100)
        assert chosen["id"] in [row["id"] for row in found["results"]]
        invalid = await answer(client, LIST, status="invalid", limit=100)
        assert invalid["count"] == sum(not row["has_uploaded_file"] for row in rows)
        refs = [row["ref"] for row in (await answer(client, LIST, order_by="ref", limit=100))["results"]]
        assert refs == sorted(refs)
    assert sandbox.requests[-1].endswith("?limit=100&order_by=ref")


async def test_every_failure_in_the_project_is_reported_by_name(connect: Connect, answer: Answer) -> None:
    """A failed set says in its summary which of PostHog's reasons it has."""
    async with connect() as client:
        page = await answer(client, LIST, limit=100, status="no_file")
    reasons = {row["failure"] for row in page["results"]}
    assert {"JavaScript NoSourcemap", "JavaScript HttpStatus 404", "unrecognised"} <= reasons


async def test_a_reason_next_to_a_file_is_called_old(connect: Connect, answer: Answer) -> None:
    """The set works, and its summary says which failure was before the file."""
    async with connect() as client:
        page = await answer(client, LIST, ref=chunk_id("unbound/polyfills"))
    [row] = page["results"]
    assert row["old_failure"].startswith("MissingChunkIdData")
    assert (row["state"], "failure" in row) == ("complete" if row["last_used"] else "never_loaded", False)


async def test_a_listed_symbol_set_has_the_state_that_its_diagnosis_has(connect: Connect, answer: Answer) -> None:
    """One name for one thing."""
    async with connect() as client:
        rows = (await answer(client, LIST, limit=100))["results"]
        for state in ("complete", "never_loaded", "no_file"):
            row = next(row for row in rows if row["state"] == state)
            diagnosis = await answer(client, "error-tracking-symbol-sets-diagnose", ref=row["ref"])
            assert diagnosis["symbol_set"]["state"] == state
    assert not any("has_uploaded_file" in row for row in rows)


async def test_what_an_answer_of_posthog_did_not_tell_is_no_state(connect: Connect, answer: Answer) -> None:
    """Unknown is not the same as without a file."""
    row = {name: value for name, value in SYMBOL_SET.items() if name != "has_uploaded_file"}
    with misbehave(json_of(PAGE | {"results": [row]})) as upstream:
        async with connect(POSTHOG_HOST=upstream.url) as client:
            [listed] = (await answer(client, LIST))["results"]
    assert "state" not in listed


async def test_the_metadata_of_a_symbol_sets_release_is_bounded(connect: Connect, answer: Answer) -> None:
    """It is left out with a note."""
    release = RELEASE | {"metadata": {"rows": ["x" * 1000] * 40}}
    with misbehave(json_of(SYMBOL_SET | {"release": release})) as upstream:
        async with connect(POSTHOG_HOST=upstream.url) as client:
            cut = (await answer(client, RETRIEVE, id=ID))["release"]
    assert "metadata" not in cut
    assert "max_tokens=" in cut["left_out"]


async def test_filters_are_trimmed(connect: Connect, answer: Answer) -> None:
    """Space around a filter does no harm, and nothing but space is no filter."""
    ref = chunk_id("unbound/polyfills")
    async with connect() as client:
        for filters in ({"ref": f" {ref} "}, {"search": f" {ref} "}):
            assert [row["ref"] for row in (await answer(client, LIST, **filters))["results"]] == [ref]
        assert (await answer(client, LIST, ref=" ", search=" "))["count"] == (await answer(client, LIST))["count"]


async def test_values_outside_the_range_are_refused(connect: Connect, refusal: Refusal, sandbox: Upstream) -> None:
    """What the API would clamp or refuse is refused before anything is sent, with what is allowed."""
    async with connect() as client:
        assert "100" in await refusal(client, LIST, limit=101)
        assert "'-created_at'" in await refusal(client, LIST, order_by="size")
        for status in ("broken", ["no_file"]):
            assert "'has_file'" in await refusal(client, LIST, status=status)
        assert (await refusal(client, LIST, offset=-1)).startswith("invalid_arguments: offset")
        assert (await refusal(client, RETRIEVE, id="x")).startswith("invalid_arguments: id")
    assert sandbox.requests == []


async def test_a_symbol_set_is_retrieved_with_its_release(connect: Connect, answer: Answer, sandbox: Upstream) -> None:
    """Retrieving returns every field the API has, the release included."""
    expected = next(row for row in raw(sandbox) if row["release"])
    async with connect() as client:
        assert await answer(client, RETRIEVE, id=expected["id"]) == expected


async def test_an_unknown_symbol_set_is_named(connect: Connect, refusal: Refusal) -> None:
    """The words for 404 name the id."""
    missing = str(uuid4())
    async with connect() as client:
        assert missing in await refusal(client, RETRIEVE, id=missing)
        assert missing in await refusal(client, DESTROY, id=missing)


async def test_a_deletion_needs_the_code(connect: Connect, answer: Answer, refusal: Refusal, sandbox: Upstream) -> None:
    """Only with the preview's confirm is the set deleted; before that it is shown."""
    target = raw(sandbox)[0]
    async with connect() as client:
        for confirm in ({}, {"confirm": "wrong"}):
            preview = await answer(client, DESTROY, id=target["id"], **confirm)
            assert preview["deleted"] is False
            assert preview["symbol_set"]["ref"] == target["ref"]
        assert not any(request.startswith("DELETE") for request in sandbox.requests)
        done = await answer(
            client, DESTROY, id=target["id"], confirm=(await answer(client, DESTROY, id=target["id"]))["confirm"]
        )
        assert done["deleted"] is True
        assert (await refusal(client, RETRIEVE, id=target["id"])).startswith("not_found: ")


SHOP = "https://shop.northwind.example/static/js"


@pytest.mark.parametrize(
    ("asked", "stored"),
    [
        (f"{SHOP}/checkout.2b94e0.js", f"{SHOP}/checkout.2b94e0.js.map"),
        (f"{SHOP}/account.c07d55.js.map", f"{SHOP}/account.c07d55.js"),
    ],
)
async def test_the_failure_of_a_script_is_found_by_the_address_of_its_map_and_the_reverse(
    connect: Connect, answer: Answer, asked: str, stored: str
) -> None:
    """PostHog keeps it under whichever of both it could not fetch."""
    async with connect() as client:
        found = await answer(client, "error-tracking-symbol-sets-diagnose", ref=asked)
        resolved = await answer(
            client, "error-tracking-stack-traces-resolve", trace=f"Error: x\n    at f ({asked}:1:2)\n"
        )
    assert [group["ref"] for group in found["failures"]] == [stored]
    assert list(resolved["reasons"]) == ["fetch_failed"]


async def test_a_file_under_the_address_of_a_map_is_not_that_of_its_script(
    connect: Connect, answer: Answer, database: Database
) -> None:
    """PostHog looks for the address of the script alone."""
    database.execute(
        "UPDATE symbol_sets SET ref = ? WHERE team_id = ? AND ref = ?",
        (f"{SHOP}/other.js.map", PROJECT_ID, chunk_id("unbound/main")),
    )
    async with connect() as client:
        found = await answer(client, "error-tracking-symbol-sets-diagnose", ref=f"{SHOP}/other.js")
    assert found["symbol_sets"] == 0
