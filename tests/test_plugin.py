"""The plugin folder: the package's own skills, this version everywhere, nothing secret, and each format's own rules."""

import json
import re
import subprocess
import sysconfig
from pathlib import Path
from typing import Any

import click
import pytest

from errtrack_mcp import __version__
from errtrack_mcp.cli.main import main
from errtrack_mcp.client_config.entries import NAME
from errtrack_mcp.skills.skill import SKILL_FILE, SKILLS

ROOT = Path(__file__).parent.parent
PLUGIN = ROOT / "plugin"
SKILLSAW = str(Path(sysconfig.get_path("scripts")) / "skillsaw")
MANIFESTS = ["plugin.json", ".claude-plugin/plugin.json", "gemini-extension.json"]
EVERY_MANIFEST = pytest.mark.parametrize("manifest", MANIFESTS)


def read(path: Path) -> Any:
    """Return the JSON of a file."""
    return json.loads(path.read_text())


def test_the_plugin_holds_the_skills_of_the_package_and_no_other_file() -> None:
    """After a change of a skill: make docs."""
    held = {file.relative_to(PLUGIN).as_posix(): file for file in PLUGIN.rglob("*") if file.is_file()}
    skills = {f"skills/{skill.name}/{SKILL_FILE}": skill.text for skill in SKILLS}
    assert held.keys() == {*skills, *MANIFESTS, "mcp.json", "README.md"}
    assert {name: held[name].read_text() for name in skills} == skills


@EVERY_MANIFEST
def test_every_manifest_names_this_version(manifest: str) -> None:
    """And says the same about the plugin as the others."""
    said, first = read(PLUGIN / manifest), read(PLUGIN / MANIFESTS[0])
    assert said["version"] == __version__
    assert (said["name"], said["description"]) == (first["name"], first["description"])
    assert all(said[field] == first[field] for field in ("author", "license", "keywords") if field in said)


def test_the_marketplace_leads_to_the_plugin() -> None:
    """By its folder, with the same words; its version stands in the plugin alone."""
    [entry] = read(ROOT / ".claude-plugin" / "marketplace.json")["plugins"]
    first = read(PLUGIN / MANIFESTS[0])
    assert entry == {"name": first["name"], "source": "./plugin", "description": first["description"]}


def test_every_format_starts_the_same_server() -> None:
    """Under the name that install gives it, with a command that there is, without environment, key or address."""
    server = read(PLUGIN / "mcp.json")["mcpServers"][NAME]
    assert server == {"type": "stdio", "command": "errtrack-mcp", "args": ["serve"]}
    assert main.get_command(click.Context(main), server["args"][0])
    assert read(PLUGIN / "gemini-extension.json")["mcpServers"] == {
        NAME: {key: server[key] for key in ("command", "args")}
    }
    assert read(PLUGIN / ".claude-plugin" / "plugin.json")["mcpServers"] == "./mcp.json"
    assert not re.search(
        r"phx_|pha_|POSTHOG_|https?://(?!agent-plugins\.org/)",
        "".join((PLUGIN / name).read_text() for name in (*MANIFESTS, "mcp.json")),
    )


def lint(folder: Path) -> "subprocess.CompletedProcess[str]":
    """Run a published linter of agent plugins, skills and marketplaces; a warning is a failure too."""
    command = [SKILLSAW, "lint", "--strict", "--no-color", "--no-baseline", str(folder)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Copy marketplace and plugin to where nothing else is."""
    for file in [*PLUGIN.rglob("*"), *(ROOT / ".claude-plugin").rglob("*")]:
        if file.is_file():
            target = tmp_path / file.relative_to(ROOT)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(file.read_text())
    return tmp_path


def test_a_linter_finds_nothing(copy: Path) -> None:
    """It knows the closed schemas of Agent Plugins 1.0.0, marketplaces, and the rules of Agent Skills."""
    for folder, kind in ((copy / "plugin", "agent-plugin"), (copy, "marketplace")):
        done = lint(folder)
        assert done.returncode == 0, done.stdout
        assert re.search(rf"Repo type: .*\b{kind}\b", done.stdout)
        assert re.search(rf"Skills: +{len(SKILLS)}\b", done.stdout)


@pytest.mark.parametrize(
    ("file", "found", "replaced", "rule"),
    [
        ("plugin.json", '"license"', '"mcpServers": {}, "license"', "agent-plugin-json-valid"),
        ("mcp.json", '"type": "stdio"', '"type": "stdin"', "agent-plugin-mcp-valid"),
        ("skills/triage-issues/SKILL.md", "name: triage-issues", "name: Triage", "agentskill-name"),
    ],
)
def test_the_linter_refuses_what_a_host_would(copy: Path, file: str, found: str, replaced: str, rule: str) -> None:
    """The check above can fail."""
    path = copy / "plugin" / file
    path.write_text(path.read_text().replace(found, replaced))
    done = lint(copy / "plugin")
    assert done.returncode == 1
    assert f"({rule})" in done.stdout
