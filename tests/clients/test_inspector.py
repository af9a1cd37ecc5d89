"""The MCP Inspector's command line, over stdio, streamable HTTP and SSE."""

import json

import pytest

from errtrack_mcp.sandbox.seed import FULL_KEY
from errtrack_mcp.skills.skill import SKILLS
from tests.support.installed import COMMAND
from tests.support.npm import Node

INSPECTOR = "@modelcontextprotocol/inspector/clients/launcher/build/index.js"
CALL = ["--method", "tools/call", "--tool-name", "error-tracking-releases-list", "--tool-arg", "limit=2"]
EVERY_TRANSPORT = pytest.mark.parametrize("transport", ["stdio", "http", "sse"])


def target(transport: str, origin: str) -> list[str]:
    """Return what leads the inspector to the server."""
    if transport == "stdio":
        return [COMMAND, "serve", "--sandbox"]
    path = "/sse" if transport == "sse" else "/mcp"
    return [origin + path, "--transport", transport, "--header", f"Authorization: Bearer {FULL_KEY}"]


@EVERY_TRANSPORT
def test_it_calls_a_tool(transport: str, node: Node, origin: str) -> None:
    """Two rows were asked for, and two come."""
    done = node(INSPECTOR, "--cli", *target(transport, origin), *CALL)
    assert done.returncode == 0, done.stderr
    assert len(json.loads(done.stdout)["structuredContent"]["results"]) == 2


def test_it_finds_no_schema_that_a_client_would_reject(node: Node, origin: str) -> None:
    """Its own portability check has no error; it would exit with 6."""
    done = node(INSPECTOR, "--cli", *target("http", origin), "--method", "tools/list", "--strict")
    assert done.returncode == 0, done.stderr
    assert len(json.loads(done.stdout)["tools"]) >= 9


def test_it_finds_the_page_of_each_tool_that_has_one(node: Node, origin: str) -> None:
    """It follows the definition to the page itself, and knows it by its type."""
    done = node(INSPECTOR, "--cli", *target("http", origin), "--method", "tools/list", "--app-info")
    assert done.returncode == 0, done.stderr
    found = [json.loads(line) for line in done.stdout.splitlines()]
    pages = {(each["resourceUri"], each["resourceMimeType"]) for each in found if each["hasApp"]}
    assert pages == {("ui://errtrack/v1", "text/html;profile=mcp-app")}
    assert {each["toolName"] for each in found if each["hasApp"]} > {"query-error-tracking-issue"}


@EVERY_TRANSPORT
def test_it_verifies_every_skill(transport: str, node: Node, origin: str) -> None:
    """It reads each file and compares digest, size and frontmatter; it would exit with 7 or 8 for one that differs."""
    modern = [*target(transport, origin), "--protocol-era", "modern"]
    done = node(INSPECTOR, "--cli", *modern, "--method", "skills/list", "--verify")
    assert done.returncode == 0, done.stderr
    checked = [json.loads(line) for line in done.stdout.splitlines()]
    assert {(each["name"], each["outcome"]) for each in checked} == {(skill.name, "verified") for skill in SKILLS}
    assert not [each for each in checked if each["conformance"] or each["frontmatter"]]
    for skill in SKILLS:
        got = node(INSPECTOR, "--cli", *modern, "--method", "skills/get", "--uri", skill.uri, "--verify")
        assert got.returncode == 0, got.stderr
        assert json.loads(got.stdout)["conformance"] == []


def test_without_a_key_it_asks_for_one(node: Node, origin: str) -> None:
    """It understands the refusal of a server over HTTP as a missing authorization."""
    done = node(INSPECTOR, "--cli", f"{origin}/mcp", "--transport", "http", "--method", "tools/list")
    assert done.returncode != 0
    assert "auth_required" in done.stderr
