"""Where each client keeps its file, on every platform."""

import sys
from pathlib import Path

import pytest

from errtrack_mcp.client_config.clients import CLIENTS
from errtrack_mcp.client_config.paths import client_configurations, own_configuration, own_folder


def test_files_are_where_the_environment_says(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client's own variable, XDG_CONFIG_HOME or APPDATA moves them; each client has a file of its own."""
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("CODEX_HOME", str(home / "c"))
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(home / "d"))
    monkeypatch.setenv("GEMINI_CLI_HOME", str(home / "g"))
    monkeypatch.setenv("QWEN_HOME", str(home / "q"))
    monkeypatch.setenv("COPILOT_HOME", str(home / "p"))
    monkeypatch.setenv("CLINE_DIR", str(home / "l"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / "x"))
    monkeypatch.setenv("APPDATA", str(home / "roaming"))
    assert own_configuration("Codex") == home / "c" / "config.toml"
    assert own_configuration("Claude Code") == home / "d" / ".claude.json"
    assert own_configuration("Gemini CLI") == home / "g" / ".gemini" / "settings.json"
    assert own_configuration("Qwen Code") == home / "q" / "settings.json"
    assert own_configuration("Copilot CLI") == home / "p" / "mcp-config.json"
    assert own_configuration("opencode") == home / "x" / "opencode" / "opencode.json"
    assert own_configuration("Zed") == home / "x" / "zed" / "settings.json"
    assert own_configuration("VS Code") == home / "x" / "Code" / "User" / "mcp.json"
    assert own_folder() == home / "x" / "errtrack-mcp"
    monkeypatch.setenv("XDG_CONFIG_HOME", "x")
    assert own_folder() == home / ".config" / "errtrack-mcp"
    monkeypatch.delenv("XDG_CONFIG_HOME")
    assert own_folder() == home / ".config" / "errtrack-mcp"
    monkeypatch.setattr(sys, "platform", "darwin")
    support = home / "Library" / "Application Support"
    assert own_configuration("Claude Desktop") == support / "Claude" / "claude_desktop_config.json"
    assert own_folder() == support / "errtrack-mcp"
    monkeypatch.setattr(sys, "platform", "win32")
    assert own_folder() == home / "roaming" / "errtrack-mcp"
    assert own_configuration("Claude Desktop") == home / "roaming" / "Claude" / "claude_desktop_config.json"
    assert own_configuration("Zed") == home / "roaming" / "Zed" / "settings.json"
    assert {client.name for client in CLIENTS.values()} == {place.client for place in client_configurations()}


def test_files_of_the_folder_that_we_are_in_count_too(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A user's own file comes first; where that folder is the home, no file is named twice."""
    of_cursor = [place.path for place in client_configurations() if place.client == "Cursor"]
    assert of_cursor == [home / ".cursor" / "mcp.json", Path.cwd() / ".cursor" / "mcp.json"]
    monkeypatch.chdir(home)
    paths = [place.path for place in client_configurations()]
    assert len(paths) == len(set(paths))


def test_of_two_files_of_opencode_the_one_with_comments_wins(home: Path) -> None:
    """It reads both, that one last."""
    folder = home / ".config" / "opencode"
    assert own_configuration("opencode") == folder / "opencode.json"
    folder.mkdir(parents=True)
    for name in ("opencode.json", "opencode.jsonc"):
        (folder / name).touch()
    assert own_configuration("opencode") == folder / "opencode.jsonc"


def test_each_variable_of_cline_moves_its_file(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The narrower one goes before the wider one."""
    assert own_configuration("Cline CLI") == home / ".cline" / "data" / "settings" / "cline_mcp_settings.json"
    monkeypatch.setenv("CLINE_DIR", str(home / "l"))
    assert own_configuration("Cline CLI") == home / "l" / "data" / "settings" / "cline_mcp_settings.json"
    monkeypatch.setenv("CLINE_DATA_DIR", str(home / "d"))
    assert own_configuration("Cline CLI") == home / "d" / "settings" / "cline_mcp_settings.json"
    monkeypatch.setenv("CLINE_MCP_SETTINGS_PATH", str(home / "m.json"))
    assert own_configuration("Cline CLI") == home / "m.json"
