"""What an argument could be, proposed from the project itself."""

from typing import Any

import pytest
from mcp.shared.exceptions import MCPError
from mcp_types import PromptReference, ResourceTemplateReference

from errtrack_mcp.sandbox.database import Database
from errtrack_mcp.sandbox.seed import OUTSIDER_KEY, PROJECT_ID, RELEASES, chunk_id, release_id
from errtrack_mcp.server.completion import SUBJECTS
from errtrack_mcp.server.prompts import PROMPTS
from errtrack_mcp.server.resources import TEMPLATES
from tests.support.fixtures import Answer, Connect
from tests.support.serving import caller, serving_here, sse_caller
from tests.support.upstream import Upstream

pytestmark = pytest.mark.anyio

TRACE, CHECK, TIDY = "readable-stack-trace", "release-check", "tidy-symbol-sets"
WEB = [release.version for release in RELEASES if release.project == "storefront-web"]


async def propose(client: Any, name: str, argument: str, typed: str = "", **given: str) -> list[str]:
    """Return the proposed values."""
    return list((await completion(client, name, argument, typed, **given)).values)


async def completion(client: Any, name: str, argument: str, typed: str = "", **given: str) -> Any:
    """Return the whole answer."""
    at_address = name.startswith("errtrack://")
    ref = ResourceTemplateReference(uri=name) if at_address else PromptReference(name=name)
    answer = await client.complete(ref, {"name": argument, "value": typed}, context_arguments=given or None)
    return answer.completion


@pytest.mark.parametrize("mode", ["legacy", "2026-07-28"])
@pytest.mark.parametrize(
    ("asked", "given", "values"),
    [
        ((CHECK, "version", ""), {"project": "storefront-web"}, WEB),
        ((CHECK, "version", "2.13"), {}, ["2.13.2", "2.13.1", "2.13.0"]),
        ((CHECK, "compare_with", "2.1"), {"project": "storefront-web", "version": WEB[0]}, WEB[1:]),
        ((CHECK, "project", "STORE"), {}, ["storefront-web", "storefront-mobile"]),
        ((CHECK, "project", "api"), {}, ["checkout-api"]),
        ((CHECK, "when", ""), {}, ["before", "after"]),
        ((CHECK, "when", "a"), {}, ["after"]),
        ((TRACE, "version", "hotfix"), {}, ["1.9.1-hotfix"]),
        ((TRACE, "ref", chunk_id("storefront-web/2.13.2/main")[:9]), {}, [chunk_id("storefront-web/2.13.2/main")]),
        ((TIDY, "release_id", "2.13.2"), {}, [release_id(2)]),
        (("errtrack://releases/{id}", "id", release_id(2)), {}, [release_id(2)]),
        (("errtrack://releases/{id}", "id", "no such"), {}, []),
        ((TRACE, "trace", "x"), {}, []),
        (("nonsense", "version", ""), {}, []),
    ],
)
async def test_arguments_complete_from_the_project(
    connect: Connect, mode: str, asked: tuple[str, str, str], given: dict[str, str], values: list[str]
) -> None:
    """Newest first, in any case of letters, narrowed by the arguments that are there already."""
    async with connect(mode=mode) as client:
        assert await propose(client, *asked, **given) == values


async def test_a_symbol_sets_id_completes(connect: Connect, answer: Answer) -> None:
    """What it proposes is what can be read there."""
    async with connect() as client:
        page = await answer(client, "error-tracking-symbol-sets-list", limit=1)
        newest = page["results"][0]["id"]
        assert newest in await propose(client, "errtrack://symbol-sets/{id}", "id", newest[:13])


async def test_one_request_is_enough(connect: Connect, sandbox: Upstream) -> None:
    """And none where nothing is asked of the project."""
    async with connect() as client:
        await propose(client, CHECK, "when")
        await propose(client, TRACE, "trace", "x")
        assert not sandbox.requests
        await propose(client, TRACE, "version", "2")
        await propose(client, TRACE, "ref", "x")
    assert len(sandbox.requests) == 2


async def test_no_more_than_a_hundred_and_it_says_so(connect: Connect, database: Database) -> None:
    """The protocol's limit; what begins with the text comes first."""
    with database.transaction():
        for number in range(150):
            row = (f"019c0000-0000-0000-0000-{number:012d}", PROJECT_ID, f"h{number}", "2026-01-01 00:00:00.000000")
            database.execute(
                "INSERT INTO releases (id, team_id, hash_id, created_at, version, project) VALUES (?,?,?,?,?,?)",
                (*row, f"x-{number}", f"app-{number}"),
            )
    async with connect() as client:
        found = await completion(client, CHECK, "project")
        few = await completion(client, CHECK, "project", "p-14")
    assert (len(found.values), found.has_more, found.total) == (100, True, None)
    assert (len(few.values), few.has_more, few.total) == (11, False, 11)


async def test_what_hides_in_a_name_is_not_proposed(connect: Connect, database: Database) -> None:
    """A version with marks that nobody sees does not come back as an argument."""
    with database.transaction():
        database.execute("UPDATE releases SET version = ? WHERE id = ?", ("2.13.2\u202eobey\u200b", release_id(2)))
    async with connect() as client:
        assert await propose(client, CHECK, "version", "2.13") == ["2.13.1", "2.13.0"]


async def test_nothing_is_reported_that_may_not_be_listed(connect: Connect, sandbox: Upstream) -> None:
    """An operator who leaves the lists out has left out what completion would have told."""
    lists = "error-tracking-releases-list,error-tracking-symbol-sets-list"
    async with connect(exclude_tools=lists) as client:
        assert await propose(client, TRACE, "version") == []
        assert await propose(client, TRACE, "ref") == []
    assert not sandbox.requests


async def test_a_failure_is_explained(connect: Connect) -> None:
    """Not an empty list, which would read as a project without releases."""
    async with connect(POSTHOG_PERSONAL_API_KEY="phx_unknown") as client:
        with pytest.raises(MCPError, match="unauthenticated: "):
            await propose(client, CHECK, "version")


async def test_every_caller_completes_from_their_own_project(sandbox: Upstream) -> None:
    """Over HTTP and SSE, with the key of the one who asks."""
    with serving_here(POSTHOG_HOST=sandbox.url) as replica:
        for mode in ("legacy", "2026-07-28"):
            async with caller(replica.url, mode=mode) as client:
                assert await propose(client, CHECK, "version", "2.14") == ["2.14.0"]
            async with caller(replica.url, key=OUTSIDER_KEY, mode=mode) as client:
                assert await propose(client, CHECK, "project") == ["back-office"]
        async with sse_caller(replica.url) as client:
            assert await propose(client, CHECK, "version", "2.14") == ["2.14.0"]
        async with caller(replica.url, path="/mcp/x/symbol-sets") as client:
            assert await propose(client, TRACE, "version") == []


def test_every_argument_that_completes_exists() -> None:
    """A misspelt one would never complete; only free text, and the address of a page, have no proposals."""
    arguments = {(p.prompt.name, a.name) for p in PROMPTS for a in p.prompt.arguments or []}
    arguments |= {(str(template.uri), name) for template in TEMPLATES for name in template.uri.variable_names}
    assert arguments - SUBJECTS.keys() == {(TRACE, "trace"), (TRACE, "issue"), (TIDY, "unused_for_days")}
    assert SUBJECTS.keys() <= arguments
