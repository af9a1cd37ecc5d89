"""Command lines of vendors at a team's server over HTTP, with the entry that `install --url` writes."""

import re
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from errtrack_mcp.sandbox.seed import release_id
from errtrack_mcp.server.catalog.toolsets import TOOLSETS
from tests.support.serving import serving_here
from tests.support.stand_in_model import SAID, StandInModel, continue_config
from tests.support.upstream import Upstream, serve
from tests.support.vendors import Person

DIRECT = {"NO_PROXY": "127.0.0.1"}
TRUSTED = {"GEMINI_CLI_TRUST_WORKSPACE": "true"}
CONNECTED = {
    "claude-code": ("claude", r"errtrack: .* Connected"),
    "gemini": ("gemini", r"✓ errtrack: .* Connected"),
    "qwen": ("qwen", r"errtrack: .* Connected"),
    "opencode": ("opencode", r"✓ errtrack .*connected"),
}


@pytest.fixture
def address(sandbox: Upstream) -> Iterator[str]:
    """Serve the sandbox's project to callers with a key or a login of their own."""
    with serving_here(POSTHOG_HOST=sandbox.url, ERRTRACK_OAUTH="1") as replica:
        yield f"{replica.url}/mcp"


@pytest.mark.parametrize("client", CONNECTED)
def test_with_the_key_of_its_environment_it_connects(client: str, person: Person, address: str) -> None:
    """Without the key in the environment it does not."""
    name, connected = CONNECTED[client]
    person.install(client, "--url", address, "--send-key")
    assert re.search(connected, person.use(name, "mcp", "list", **DIRECT, **TRUSTED))
    keyless = replace(person, variables={})
    assert not re.search(connected, keyless.use(name, "mcp", "list", **DIRECT, **TRUSTED))


def test_claude_code_asks_for_a_login_only_without_the_header(person: Person, address: str) -> None:
    """This is why `install` writes none unasked: a header that refers to nothing turns its login off."""
    keyless = replace(person, variables={})
    person.install("claude-code", "--url", address)
    assert "Needs authentication" in keyless.use("claude", "mcp", "list", **DIRECT)
    person.install("claude-code", "--url", address, "--send-key")
    assert "Needs authentication" not in keyless.use("claude", "mcp", "list", **DIRECT)


@pytest.mark.skipif(sys.platform != "linux", reason="an address is opened otherwise there")
def test_opencode_logs_in(person: Person, address: str) -> None:
    """With the command that `install` names; the person at the browser is played by a script."""
    (person.here / "xdg-open").write_text(f'#!/bin/sh\nexec {sys.executable} {Path(__file__).parent}/allow.py "$1"\n')
    (person.here / "xdg-open").chmod(0o755)
    keyless = replace(person, variables={})
    opening = {"PATH": f"{person.here}:{person.environment()['PATH']}"}
    keyless.install("opencode", "--url", address)
    assert "needs authentication" in keyless.use("opencode", "mcp", "list", **DIRECT)
    keyless.use("opencode", "mcp", "auth", "errtrack", **DIRECT, **opening)
    assert re.search(r"✓ errtrack .*connected", keyless.use("opencode", "mcp", "list", **DIRECT))


def test_codex_sends_its_key_and_knows_where_to_log_in(person: Person, address: str) -> None:
    """With the key it lists every tool that a server over HTTP offers, and calls one."""
    person.install("codex", "--url", address)
    assert re.search(r"errtrack .*Not logged in", person.use("codex", "mcp", "list", **DIRECT))
    person.install("codex", "--url", address, "--send-key")
    with person.session("codex", "app-server", **DIRECT) as session:
        session.request("initialize", {"clientInfo": {"name": "test", "title": "test", "version": "0"}})
        session.send("initialized")
        (server,) = session.request("mcpServerStatus/list", {})["data"]
        thread = session.request("thread/start", {})["thread"]["id"]
        call = {"threadId": thread, "server": "errtrack", "tool": "error-tracking-releases-retrieve"}
        release = session.request("mcpServer/tool/call", {**call, "arguments": {"id": release_id(0)}})
        assert session.close() == 0
    offered = {tool.name for tools in TOOLSETS.values() for tool in tools}
    assert set(server["tools"]) <= offered
    assert "error-tracking-symbol-sets-diagnose" in server["tools"]
    assert release["structuredContent"]["id"] == release_id(0)


def test_copilot_cli_calls_a_tool_with_its_key(person: Person, address: str) -> None:
    """A model on this machine stands in, since it connects only then."""
    model = StandInModel("error-tracking-releases-retrieve", {"id": release_id(0)})
    person.install("copilot", "--url", address, "--send-key")
    with serve(model.app()) as upstream:
        served = {"COPILOT_PROVIDER_BASE_URL": f"{upstream.url}/v1", "COPILOT_MODEL": "stand-in"}
        asked = ("-p", "Show the release", "--allow-all-tools")
        assert SAID in person.use("copilot", *asked, COPILOT_OFFLINE="true", **served, **DIRECT)
    [answer] = model.answers
    assert release_id(0) in answer


def test_continue_calls_a_tool_with_its_key(person: Person, address: str) -> None:
    """As Copilot CLI does."""
    model = StandInModel("error-tracking-releases-retrieve", {"id": release_id(0)})
    with serve(model.app()) as upstream:
        (person.home / ".continue").mkdir()
        (person.home / ".continue" / "config.yaml").write_text(continue_config(f"{upstream.url}/v1"))
        person.install("continue", "--url", address, "--send-key")
        assert SAID in person.use("continue", "-p", "Show the release", "--auto", **DIRECT)
    [answer] = model.answers
    assert release_id(0) in answer


def test_cline_reads_the_address(person: Person, address: str) -> None:
    """It can refer to no key, so nothing more can be shown without a person who logs in."""
    person.install("cline", "--url", address)
    assert "errtrack [streamableHttp]" in person.use("cline", "config", "mcp")
