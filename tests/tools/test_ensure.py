"""Getting or creating a release, above all when many want the same one at once."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from errtrack_mcp.sandbox.database import Database
from errtrack_mcp.sandbox.seed import RELEASES, release_hash, release_id
from tests.support.fixtures import Answer, Connect, Refusal
from tests.support.serving import call_body, post, posting, serving_here
from tests.support.upstream import Upstream, serve

pytestmark = pytest.mark.anyio

ENSURE = "error-tracking-releases-ensure"
NEW: dict[str, Any] = {"project": "storefront-web", "version": "9.9.9"}


async def test_a_release_is_created_once_under_the_hash_of_posthogs_cli(connect: Connect, answer: Answer) -> None:
    """The second call gets what the first one made."""
    async with connect() as client:
        first = await answer(client, ENSURE, **NEW, metadata={"build": "7"})
        second = await answer(client, ENSURE, **NEW)
    assert first["created"] is True
    assert second["created"] is False
    assert second["release"] == first["release"]
    assert first["release"]["hash_id"] == release_hash("storefront-web", "9.9.9")


async def test_one_that_is_there_is_left_as_it_is(connect: Connect, answer: Answer) -> None:
    """Other metadata is not written over it, and the answer says so."""
    there = RELEASES[0]
    async with connect() as client:
        found = await answer(client, ENSURE, project=there.project, version=there.version, metadata={"x": 1})
        after = await answer(client, "error-tracking-releases-retrieve", id=release_id(0))
    assert found["created"] is False
    assert found["release"] == after
    assert "partial-update" in found["note"]


async def test_a_hash_id_of_someone_else_is_not_taken_over(connect: Connect, refusal: Refusal) -> None:
    """The hash id stands for another version: an error that names it."""
    async with connect() as client:
        words = await refusal(client, ENSURE, **NEW, hash_id="mobile-119")
    assert words.startswith("hash_taken: ")
    assert '"5.3.0 (119)"' in words


def test_twenty_callers_at_once_get_one_release(sandbox: Upstream, database: Database) -> None:
    """Over two servers, twenty race: one release, one id, and one of them made it."""
    with serving_here(POSTHOG_HOST=sandbox.url) as one, serving_here(POSTHOG_HOST=sandbox.url) as other:

        def ensure(number: int) -> Any:
            url = (one, other)[number % 2].url
            answer = post(f"{url}/mcp", json=call_body(ENSURE, **NEW), headers=posting(), timeout=30)
            return answer.json()["result"]["structuredContent"]

        with ThreadPoolExecutor(20) as threads:
            answers = list(threads.map(ensure, range(20)))
    assert len({answer["release"]["id"] for answer in answers}) == 1
    assert [answer["created"] for answer in answers].count(True) == 1
    assert database.execute("SELECT count(*) FROM releases WHERE version = '9.9.9'").fetchone()[0] == 1


@pytest.mark.parametrize(
    ("status", "code"), [(400, "release_hash_in_use"), (400, "invalid_input"), (500, "server_error")]
)
async def test_a_lost_race_ends_with_the_winners_release(
    connect: Connect, answer: Answer, status: int, code: str
) -> None:
    """Whichever way the installation words it that somebody was faster."""
    row = {"id": release_id(1), "hash_id": release_hash("storefront-web", "9.9.9"), **NEW}
    made: list[bool] = []

    async def create(_request: Request) -> JSONResponse:
        made.append(True)
        return JSONResponse({"type": "x", "code": code, "detail": f"Hash id {row['hash_id']} already in use"}, status)

    async def look_up(_request: Request) -> JSONResponse:
        return JSONResponse(row) if made else JSONResponse({"detail": "Not found."}, 404)

    base = "/api/projects/{team}/error_tracking/releases/"
    app = Starlette(routes=[Route(base, create, methods=["POST"]), Route(base + "hash/{hash}/", look_up)])
    with serve(app) as upstream:
        async with connect(POSTHOG_HOST=upstream.url) as client:
            found = await answer(client, ENSURE, **NEW)
    assert found == {"created": False, "release": row}
    assert len(made) == 1


async def test_an_empty_name_is_called_empty(connect: Connect, refusal: Refusal) -> None:
    """In words for a reader, not for a validator."""
    async with connect() as client:
        assert "version is required." in await refusal(client, ENSURE, version="", project="storefront-web")
