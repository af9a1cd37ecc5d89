"""Which entries are of this server, and which only look so."""

import json
from pathlib import Path
from typing import Any

import pytest

from errtrack_mcp.client_config.atomic_write import RefusedError
from errtrack_mcp.client_config.ours import entries_of_ours
from errtrack_mcp.client_config.paths import Configuration

OURS = {"command": "errtrack-mcp", "args": ["serve"]}


def found(client: str, text: str) -> list[Any]:
    """Return the entries of ours in a client's file that are on."""
    return [entry.value for entry in entries_of_ours(Configuration(client, Path("file")), text) if entry.on]


@pytest.mark.parametrize(
    "entry",
    [
        OURS,
        {"command": "/opt/bin/errtrack-mcp"},
        {"command": "C:\\errtrack\\errtrack-mcp.exe"},
        {"command": "python3", "args": ["-P", "-m", "errtrack_mcp"]},
        {"command": "uvx", "args": ["errtrack-mcp[redis]==1.0"]},
        {"command": "docker", "args": ["run", "-i", "errtrack-mcp:1"]},
        {"command": {"path": "errtrack-mcp", "args": []}},
    ],
)
def test_a_program_of_ours_is_found_by_any_name(entry: dict[str, Any]) -> None:
    """The full path or the module says what is started."""
    held = {"mcpServers": {"mine": entry, "other": {"command": "x"}}}
    assert found("Claude Code", json.dumps(held)) == [entry]


@pytest.mark.parametrize(
    "entry",
    [
        {"command": "npx", "args": ["server-filesystem", "/home/me/errtrack-mcp"]},
        {"command": "mcp-server-git", "args": ["--repository", "errtrack-mcp"]},
        {"url": "https://example.com/?q=errtrack-mcp"},
        {"command": "uvx", "args": ["other", "/src/errtrack-mcp"]},
        {"command": ["x"], "args": "errtrack-mcp"},
        {"command": None, "args": ["-m", "errtrack_mcp"]},
        {"command": "python3", "args": ["-m"]},
        "errtrack-mcp",
    ],
)
def test_our_name_in_the_entry_of_another_is_none(entry: Any) -> None:
    """A folder or an address may be called so."""
    assert found("Claude Code", json.dumps({"mcpServers": {"mine": entry}})) == []


@pytest.mark.parametrize("switch", [{"disabled": True}, {"enabled": False}])
def test_an_entry_that_is_switched_off_is_told(switch: dict[str, bool]) -> None:
    """The client does not start it."""
    [entry] = entries_of_ours(
        Configuration("Claude Code", Path("file")), json.dumps({"mcpServers": {"errtrack": OURS | switch}})
    )
    assert not entry.on


def test_a_server_at_an_address_is_found_by_our_name() -> None:
    """Nothing else tells it from others."""
    at_an_address = {"url": "https://mcp.example.com/mcp"}
    assert found("Cursor", json.dumps({"mcpServers": {"errtrack": at_an_address}})) == [at_an_address]


def test_claude_code_keeps_entries_for_one_folder() -> None:
    """That of the folder that we are in counts; that of another does not."""
    here, elsewhere = ({"projects": {folder: {"mcpServers": {"a": OURS}}}} for folder in (str(Path.cwd()), "/x"))
    assert found("Claude Code", json.dumps(here)) == [OURS]
    assert found("Claude Code", json.dumps(elsewhere)) == []


@pytest.mark.parametrize(
    ("client", "text"),
    [
        ("Claude Code", '{"enabledPlugins": {"errtrack@errtrack-mcp": %s}}'),
        ("Codex", '[plugins."errtrack@errtrack-mcp"]\nenabled = %s\n'),
    ],
)
def test_a_plugin_counts_where_it_is_on(client: str, text: str) -> None:
    """Not where it is off."""
    assert len(found(client, text % "true")) == 1
    assert found(client, text % "false") == []


@pytest.mark.parametrize(
    "held",
    [
        {"extraKnownMarketplaces": {"errtrack-mcp": {"source": {"path": "/src/errtrack-mcp"}}}},
        {"projects": {"/home/me/errtrack-mcp": {"mcpServers": {}}}},
        {"projects": []},
        {"mcpServers": ["errtrack-mcp"], "enabledPlugins": ["errtrack@x"]},
        {"note": "errtrack-mcp"},
    ],
)
def test_our_name_alone_starts_nothing(held: dict[str, Any]) -> None:
    """A folder, a marketplace or a text is no entry."""
    assert found("Claude Code", json.dumps(held)) == []


def test_a_file_in_another_format_is_no_file_without_us() -> None:
    """Whether it knows this server cannot be said."""
    with pytest.raises(RefusedError):
        found("Cursor", "{")
