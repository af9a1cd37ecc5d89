"""The plugin in the clients that install plugins from their command line; their versions are in vendors/package.json.

Each validates it where it can, installs it from this repository into an empty home, and connects to its server. A
login gives the key, since a plugin holds none: clients do not hand their whole environment on.
"""

import json
import os
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from errtrack_mcp import __version__
from errtrack_mcp.sandbox.database import Database
from errtrack_mcp.sandbox.seed import release_id
from errtrack_mcp.skills.skill import SKILLS
from tests.support.approving import approving_sandbox
from tests.support.installed import COMMAND
from tests.support.vendors import Person, program

ROOT = Path(__file__).parent.parent.parent
PLUGIN = ROOT / "plugin"
INSTALLED = "errtrack@errtrack-mcp"
NAMES = {skill.name for skill in SKILLS}
TRUSTED = {"GEMINI_CLI_TRUST_WORKSPACE": "true"}


@pytest.fixture
def owner(person: Person) -> Person:
    """Give somebody without a key, who has the command in PATH: as pipx puts it there."""
    path = f"{Path(COMMAND).parent}{os.pathsep}{os.environ['PATH']}"
    return replace(person, variables={"PATH": path, "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring"})


@pytest.fixture
def logged_in(owner: Person, database: Database) -> Iterator[Person]:
    """Give the same person after a login to the sandbox."""
    with approving_sandbox(database) as (upstream, _):
        done = owner.run("errtrack-mcp", "login", "--host", upstream.url, "--no-browser")
        assert done.returncode == 0, done.stderr
        yield owner


def test_claude_code_validates_installs_and_connects(owner: Person) -> None:
    """Plugin and marketplace pass with warnings as errors; the skills are there under the plugin's name."""
    for folder in (PLUGIN, ROOT):
        assert "Validation passed" in owner.use("claude", "plugin", "validate", "--strict", str(folder))
    owner.use("claude", "plugin", "marketplace", "add", str(ROOT))
    owner.use("claude", "plugin", "install", INSTALLED)
    [listed] = json.loads(owner.use("claude", "plugin", "list", "--json"))
    assert (listed["id"], listed["version"], listed["enabled"]) == (INSTALLED, __version__, True)
    assert re.search(r"plugin:errtrack:errtrack: errtrack-mcp serve .* Connected", owner.use("claude", "mcp", "list"))
    found = re.search(r"Skills \(3\) +(.*)", owner.use("claude", "plugin", "details", INSTALLED))
    assert found
    assert set(found[1].split(", ")) == NAMES
    assert "known to Claude Code" in owner.run("errtrack-mcp", "doctor").stdout


def test_claude_code_refuses_a_manifest_that_is_none(owner: Person) -> None:
    """The check above can fail."""
    manifest = owner.here / ".claude-plugin" / "plugin.json"
    manifest.parent.mkdir()
    manifest.write_text(json.dumps({"name": "errtrack", "version": __version__, "mcpServers": 1}))
    assert owner.run(*program("claude"), "plugin", "validate", "--strict", str(owner.here)).returncode == 1


def test_gemini_cli_validates_installs_and_connects(owner: Person) -> None:
    """As an extension, with its skills."""
    assert "successfully validated" in owner.use("gemini", "extensions", "validate", str(PLUGIN))
    owner.use("gemini", "extensions", "install", str(PLUGIN), "--consent", **TRUSTED)
    listed = owner.use("gemini", "extensions", "list", **TRUSTED)
    assert f"errtrack ({__version__})" in listed
    assert all(f"{name}: " in listed for name in NAMES)
    assert re.search(r"errtrack .*: errtrack-mcp serve .* Connected", owner.use("gemini", "mcp", "list", **TRUSTED))
    assert "known to Gemini CLI" in owner.run("errtrack-mcp", "doctor").stdout


def test_qwen_code_installs_it_as_an_agent_plugin(owner: Person) -> None:
    """It reads plugin.json, mcp.json and skills/, the format that several vendors share."""
    owner.use("qwen", "extensions", "install", str(PLUGIN), "--consent")
    listed = owner.use("qwen", "extensions", "list")
    assert f"errtrack ({__version__})" in listed
    assert "Origin: AgentPlugins" in listed
    assert all(name in listed for name in NAMES)
    assert re.search(r"errtrack: errtrack-mcp serve .* Connected", owner.use("qwen", "mcp", "list"))
    assert "known to Qwen Code" in owner.run("errtrack-mcp", "doctor").stdout


def test_codex_installs_lists_and_calls(logged_in: Person) -> None:
    """From the same marketplace; the skills are listed, and a call is answered with the key of the login."""
    logged_in.use("codex", "plugin", "marketplace", "add", str(ROOT))
    logged_in.use("codex", "plugin", "add", INSTALLED)
    assert re.search(
        rf"{INSTALLED} +installed, enabled +{re.escape(__version__)}", logged_in.use("codex", "plugin", "list")
    )
    with logged_in.session("codex", "app-server") as session:
        session.request("initialize", {"clientInfo": {"name": "test", "title": "test", "version": "0"}})
        session.send("initialized")
        [listed] = session.request("skills/list", {"cwds": [str(logged_in.here)]})["data"]
        thread = session.request("thread/start", {})["thread"]["id"]
        asked = {"tool": "error-tracking-releases-retrieve", "arguments": {"id": release_id(0)}}
        answer = session.request("mcpServer/tool/call", {"threadId": thread, "server": "errtrack", **asked})
        assert session.close() == 0
    ours = {skill["name"] for skill in listed["skills"] if skill["pluginId"] == INSTALLED}
    assert ours == {f"errtrack:{name}" for name in NAMES}
    assert answer["structuredContent"]["id"] == release_id(0)
    assert "known to Codex" in logged_in.run("errtrack-mcp", "doctor").stdout
