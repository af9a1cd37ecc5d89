"""The installed command over stdio, as clients of every era start it."""

import json
import os
import signal
import subprocess
import sys
from typing import Any

import pytest
from mcp import Client, StdioServerParameters

from errtrack_mcp import __version__
from errtrack_mcp.client_config.clients import CLIENTS
from errtrack_mcp.server.catalog.toolsets import LOCAL_TOOLSETS, TOOLSETS
from errtrack_mcp.settings import is_reference_to_itself
from tests.support.fixtures import Spawn
from tests.support.installed import COMMAND, environment
from tests.support.terminal import own_terminal, run_on_terminal
from tests.support.upstream import Upstream

TOOLS = sum(map(len, [*TOOLSETS.values(), *LOCAL_TOOLSETS.values()]))
HELLO = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "test", "version": "0"}}
FIRST: list[tuple[str, dict[str, Any], str]] = [
    ("tools/call", {"name": "error-tracking-releases-list", "arguments": {"limit": 1}}, '"structuredContent"'),
    ("prompts/get", {"name": "tidy-symbol-sets"}, "Tidy up the symbol sets."),
    ("resources/read", {"uri": "errtrack://reference/failure-reasons"}, "remedy"),
    (
        "completion/complete",
        {"ref": {"type": "ref/prompt", "name": "release-check"}, "argument": {"name": "when", "value": "b"}},
        '"before"',
    ),
]
REFERENCES = sorted({client.reference for client in CLIENTS.values() if client.reference})
OLDER_VERSIONS = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"]


def test_serving_imports_no_client(spawn: Spawn) -> None:
    """Neither listing nor calling needs the SDK's client, which would be a tenth of the start."""
    with spawn("serve", "--sandbox", PYTHONPROFILEIMPORTTIME="1") as session:
        session.initialize("2025-11-25")
        session.request("tools/list")
        session.request("tools/call", {"name": "error-tracking-releases-list", "arguments": {"limit": 1}})
        session.close()
        imported = session.errors()
    assert "mcp.server.lowlevel" in imported
    assert "mcp.client" not in imported


@pytest.mark.parametrize("version", OLDER_VERSIONS)
def test_an_older_client_is_served(spawn: Spawn, version: str) -> None:
    """A client that shakes hands lists every tool and calls one; the server ends when its input does."""
    with spawn("serve", "--sandbox") as session:
        hello = session.initialize(version)
        assert hello["protocolVersion"] == version
        assert hello["serverInfo"]["name"] == "errtrack-mcp"
        assert hello["serverInfo"]["version"] == __version__
        assert "strangers" in hello["instructions"]
        assert len(session.request("tools/list")["tools"]) == TOOLS
        call = {"name": "error-tracking-releases-list", "arguments": {"limit": 1}}
        assert session.request("tools/call", call)["content"][0]["text"].startswith('{"untrusted":"Data from outside')
        assert session.close() == 0
        assert session.rest_of_output() == ""
        assert session.errors() == ""


@pytest.mark.anyio
@pytest.mark.parametrize("mode", ["legacy", "2026-07-28"])
async def test_the_sdk_client_is_served_in_both_eras(mode: str) -> None:
    """The SDK's own client gets the same answer in either era, and the schemas hold for it."""
    server = StdioServerParameters(command=COMMAND, args=["serve", "--sandbox"], env=environment())
    async with Client(server, mode=mode) as client:
        assert client.protocol_version == ("2026-07-28" if mode == "2026-07-28" else "2025-11-25")
        listed = await client.call_tool("error-tracking-symbol-sets-list", {"status": "invalid", "limit": 1})
        assert not listed.is_error
        assert listed.structured_content is not None
        release = (await client.call_tool("error-tracking-releases-list", {"limit": 1})).structured_content
        assert release is not None
        preview = await client.call_tool("error-tracking-releases-destroy", {"id": release["results"][0]["id"]})
        assert preview.structured_content is not None
        assert preview.structured_content["deleted"] is False


def test_nothing_is_asked_of_the_api_before_a_call(spawn: Spawn, sandbox: Upstream) -> None:
    """Starting and listing tools costs no upstream request; one call costs one."""
    with spawn(POSTHOG_HOST=sandbox.url, POSTHOG_PERSONAL_API_KEY="phx_sandbox_full") as session:
        session.initialize("2025-11-25")
        session.request("tools/list")
        assert sandbox.requests == []
        session.request("tools/call", {"name": "error-tracking-releases-list", "arguments": {}})
        assert len(sandbox.requests) == 1
        assert session.close() == 0


@pytest.mark.parametrize(("method", "params", "expected"), FIRST)
def test_whatever_is_asked_first_is_there(spawn: Spawn, method: str, params: dict[str, Any], expected: str) -> None:
    """In the newer protocol neither a list nor a handshake comes before it."""
    meta = {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": HELLO["clientInfo"],
        "io.modelcontextprotocol/clientCapabilities": {},
    }
    with spawn("serve", "--sandbox") as session:
        assert expected in json.dumps(session.request(method, {**params, "_meta": meta}))


def test_no_list_need_come_before_what_an_older_client_asks(spawn: Spawn) -> None:
    """It shakes hands, and then asks what it wants."""
    with spawn("serve", "--sandbox") as session:
        session.request("initialize", HELLO)
        for method, params, expected in FIRST:
            assert expected in json.dumps(session.request(method, params))


def test_an_interrupt_ends_it_at_once(spawn: Spawn) -> None:
    """SIGINT ends a server that waits for input, with 130 and without a word."""
    with spawn("serve", "--sandbox") as session:
        session.initialize("2025-11-25")
        session.request("tools/list")
        session.process.send_signal(signal.SIGINT)
        assert session.process.wait(timeout=5) == 130
        assert session.rest_of_output() == ""
        assert session.errors() == ""


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")
def test_ctrl_c_ends_it_on_a_terminal() -> None:
    """Typed where a person could type a message, it ends the server as its first sentence says."""
    keyboard, terminal = os.openpty()
    with subprocess.Popen(
        [COMMAND, "serve", "--sandbox"],
        stdin=terminal,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
        preexec_fn=own_terminal,  # noqa: PLW1509 - nothing else runs in this process between fork and exec
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        os.write(keyboard, b'{"jsonrpc": "2.0", "id": 1, "method": "ping"}\n')
        assert json.loads(process.stdout.readline())["id"] == 1
        os.write(keyboard, b"\x03")
        try:
            assert process.wait(timeout=5) == 130
            assert process.stdout.read() == b""
            assert process.stderr.read().endswith(b"Ctrl-C stops it.\n")
        finally:
            process.kill()
            os.close(keyboard)
            os.close(terminal)


@pytest.mark.parametrize("key", ["", REFERENCES[0]])
def test_without_a_key_a_call_says_what_to_do(spawn: Spawn, key: str) -> None:
    """The server starts, lists its tools, and answers a call with how to log in and where a key is made.

    A client that does not find the variable may hand over the reference to it: that is no key either.
    """
    assert REFERENCES[1:]
    assert all(is_reference_to_itself(reference) for reference in REFERENCES)
    with spawn(POSTHOG_PERSONAL_API_KEY=key) as session:
        session.initialize("2025-11-25")
        assert len(session.request("tools/list")["tools"]) == TOOLS
        answer = session.request("tools/call", {"name": "error-tracking-releases-list", "arguments": {}})
        assert session.close() == 0
        assert session.errors() == ""
    assert answer["isError"] is True
    text = answer["content"][0]["text"]
    assert text.startswith(
        "no_key: There is no key, so nothing was sent. The user runs in a terminal: errtrack-mcp login;"
    )
    assert text.endswith("Fix this, then try again.")
    assert "https://us.posthog.com/settings/user-api-keys" in text


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")
def test_without_a_key_a_terminal_is_told() -> None:
    """A person who starts it by hand learns of the missing key at once."""
    said = "There is no key: every tool call will say what to do."
    without = run_on_terminal("serve", typed="\x03", awaited=said)
    assert without.returncode == 130
