"""Skills over MCP: who is offered which, in which protocol, and that what is read is what was listed."""

from hashlib import sha256
from typing import Any

import pytest
import yaml
from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_PARAMS, METHOD_NOT_FOUND, Request
from pydantic import TypeAdapter

from errtrack_mcp.skills.skill import SKILLS
from tests.support.fixtures import Connect
from tests.support.serving import caller, serving_here, sse_caller
from tests.support.upstream import Upstream

pytestmark = pytest.mark.anyio

FIX, CHECK, TRIAGE = "fix-minified-traces", "check-a-release", "triage-issues"
EVERY = [FIX, CHECK, TRIAGE]
MODERN = "2026-07-28"
ASKED = Request[dict[str, Any], str]
ANY = TypeAdapter(dict[str, Any])
ERAS = pytest.mark.parametrize("mode", ["legacy", MODERN])


async def ask(client: Any, method: str, **params: str) -> dict[str, Any]:
    """Send a request that the SDK's client does not know, and return its answer as it travelled."""
    answer: dict[str, Any] = await client.session.send_request(ASKED(method=method, params=params), ANY)
    return answer


async def listed(client: Any) -> list[str]:
    """Return the names of the skills that a client is offered."""
    return [skill["frontmatter"]["name"] for skill in (await ask(client, "skills/list"))["skills"]]


async def read(client: Any, uri: str) -> str:
    """Return a skill's file."""
    [content] = (await client.read_resource(uri)).contents
    assert (content.uri, content.mime_type) == (uri, "text/markdown")
    return str(content.text)


async def test_what_is_read_is_what_was_listed(connect: Connect, sandbox: Upstream) -> None:
    """Digest, size and frontmatter are those of the file, as a host checks them; PostHog is not asked."""
    async with connect() as client:
        assert (client.server_capabilities.extensions or {})["io.modelcontextprotocol/skills"] == {}
        answer = await ask(client, "skills/list")
        assert (answer["ttlMs"], answer["cacheScope"]) == (300_000, "private")
        for skill in answer["skills"]:
            text = await read(client, skill["uri"])
            digest = f"sha256:{sha256(text.encode()).hexdigest()}"
            assert skill["resources"] == [{"uri": skill["uri"], "digest": digest, "size": len(text.encode())}]
            assert skill["frontmatter"] == yaml.safe_load(text.split("---\n", 2)[1])
            assert skill["uri"] == f"skill://{skill['frontmatter']['name']}/SKILL.md"
            one = await ask(client, "skills/get", uri=skill["uri"])
            assert one["skill"] == skill
            assert (one["ttlMs"], one["cacheScope"]) == (300_000, "private")
        assert [skill["frontmatter"]["name"] for skill in answer["skills"]] == EVERY
    assert not sandbox.requests


async def test_an_older_client_reads_them_as_resources(connect: Connect) -> None:
    """Its protocol has no extensions, so it is told of none, and the requests of this one do not exist."""
    async with connect(mode="legacy") as client:
        assert not client.server_capabilities.extensions
        for method in ("skills/list", "skills/get"):
            with pytest.raises(MCPError) as failure:
                await ask(client, method, uri=SKILLS[0].uri)
            assert failure.value.error.code == METHOD_NOT_FOUND
        assert await read(client, SKILLS[0].uri) == SKILLS[0].text


@ERAS
async def test_the_list_of_resources_says_what_each_is_for(connect: Connect, mode: str) -> None:
    """By name, description, type and size."""
    async with connect(mode=mode) as client:
        resources = {row.uri: row for row in (await client.list_resources()).resources}
    for skill in SKILLS:
        row = resources[skill.uri]
        assert (row.name, row.mime_type, row.size) == (skill.name, "text/markdown", len(skill.text.encode()))
        assert row.description == skill.frontmatter["description"]


@pytest.mark.parametrize(
    ("variables", "names"),
    [
        ({"read_only": "1"}, EVERY),
        ({"toolsets": "symbol-sets"}, [FIX]),
        ({"toolsets": "releases,symbol-sets"}, [FIX, CHECK]),
        ({"toolsets": "issues"}, [TRIAGE]),
        ({"exclude_tools": "error-tracking-symbol-sets-diagnose"}, [TRIAGE]),
        ({"toolsets": "builds"}, []),
    ],
)
async def test_a_skill_needs_its_tools(connect: Connect, variables: dict[str, str], names: list[str]) -> None:
    """Nobody is led to a tool that they are not offered, nor gets the skill by asking for it."""
    async with connect(mode=MODERN, **variables) as client:
        assert await listed(client) == names
        resources = {row.uri for row in (await client.list_resources()).resources}
        for skill in SKILLS:
            assert (skill.uri in resources) is (skill.name in names)
            if skill.name in names:
                assert await read(client, skill.uri) == skill.text
                continue
            with pytest.raises(MCPError, match="not_found: There is no skill"):
                await ask(client, "skills/get", uri=skill.uri)
            with pytest.raises(MCPError, match="not_found: There is no resource"):
                await client.read_resource(skill.uri)


@pytest.mark.parametrize(
    "uri", ["skill://nonsense/SKILL.md", "skill://triage-issues/../skill.py", "skill://triage-issues", "x" * 9_000]
)
async def test_what_is_no_skill_is_a_mistake_of_the_client(connect: Connect, uri: str) -> None:
    """In a short sentence, whether it is asked for as a skill or as a resource."""
    async with connect(mode=MODERN) as client:
        for method in ("skills/get", "resources/read"):
            with pytest.raises(MCPError, match="not_found: ") as failure:
                await ask(client, method, uri=uri)
            assert failure.value.error.code == INVALID_PARAMS
            assert len(failure.value.error.message) < 400


async def test_skills_follow_the_caller_over_http(sandbox: Upstream) -> None:
    """Every way in offers them, and a caller who narrows the tools narrows the skills."""
    offered = {
        "/mcp": EVERY,
        "/mcp/readonly": EVERY,
        "/mcp/x/issues": [TRIAGE],
        "/mcp/x/symbol-sets/readonly": [FIX],
        "/mcp/x/releases": [],
    }
    with serving_here(POSTHOG_HOST=sandbox.url) as replica:
        for path, names in offered.items():
            async with caller(replica.url, path=path, mode=MODERN) as client:
                assert await listed(client) == names
        async with caller(replica.url, path="/mcp/x/issues", mode="legacy") as client:
            assert await read(client, SKILLS[2].uri) == SKILLS[2].text
            with pytest.raises(MCPError, match="not_found: "):
                await read(client, SKILLS[0].uri)
        async with sse_caller(replica.url) as client:
            assert await read(client, SKILLS[0].uri) == SKILLS[0].text
