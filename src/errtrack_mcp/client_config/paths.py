"""Where the clients that people use keep which MCP servers they start, in a file of their own or with a plugin."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from errtrack_mcp.client_config.entries import NAME


@dataclass(frozen=True, slots=True)
class Configuration:
    """A file in which `client` looks for MCP servers; it need not be there."""

    client: str
    path: Path


def client_configurations() -> list[Configuration]:
    """Return every such file of this user, then those of the folder that we are in."""
    home, here, data = Path.home(), Path.cwd(), _application_data()
    claude = Path(os.environ.get("CLAUDE_CONFIG_DIR") or home)
    codex = Path(os.environ.get("CODEX_HOME") or home / ".codex")
    gemini = Path(os.environ.get("GEMINI_CLI_HOME") or home)
    qwen = Path(os.environ.get("QWEN_HOME") or home / ".qwen")
    copilot = Path(os.environ.get("COPILOT_HOME") or home / ".copilot")
    continue_ = Path(os.environ.get("CONTINUE_GLOBAL_DIR") or home / ".continue")
    opencode = Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config") / "opencode"
    zed = data / "Zed" if sys.platform == "win32" else _settings_folder() / "zed"
    places = {
        "Claude Code": [claude / ".claude.json", here / ".mcp.json", *_claude_settings(home, here)],
        "Claude Desktop": [data / "Claude" / "claude_desktop_config.json"],
        "Cursor": [home / ".cursor" / "mcp.json", here / ".cursor" / "mcp.json"],
        "VS Code": [data / "Code" / "User" / "mcp.json", here / ".vscode" / "mcp.json"],
        "Windsurf": [home / ".codeium" / "windsurf" / "mcp_config.json"],
        "Zed": [zed / "settings.json", here / ".zed" / "settings.json"],
        "Codex": [codex / "config.toml", here / ".codex" / "config.toml"],
        "Gemini CLI": [
            *(folder / ".gemini" / "settings.json" for folder in (gemini, here)),
            gemini / ".gemini" / "extensions" / NAME / "gemini-extension.json",
        ],
        "JetBrains": [home / ".junie" / "mcp" / "mcp.json", here / ".junie" / "mcp" / "mcp.json"],
        "opencode": [*_either(opencode / "opencode.json"), *_either(here / "opencode.json")],
        "Qwen Code": [
            *(qwen / "settings.json", here / ".qwen" / "settings.json"),
            qwen / "extensions" / NAME / "mcp.json",
        ],
        "Copilot CLI": [copilot / "mcp-config.json", here / ".github" / "mcp.json"],
        "Cline CLI": [_cline_settings(home)],
        "Continue": [continue_ / "config.yaml"],
    }
    found = {path: Configuration(client, path) for client, paths in places.items() for path in paths}
    return list(found.values())


def own_folder() -> Path:
    """Return the folder of this server itself; XDG_CONFIG_HOME moves it on every platform."""
    return (_xdg_config_home() or _application_data()) / "errtrack-mcp"


def own_configuration(client: str) -> Path:
    """Return the file in which a client looks for this user's MCP servers, whatever folder is open in it."""
    return next(place.path for place in client_configurations() if place.client == client)


def _either(path: Path) -> list[Path]:
    """Return the two names that opencode's file may have; with both there, the first of these wins in opencode."""
    commented = path.with_suffix(".jsonc")
    return [commented, path] if commented.exists() else [path, commented]


def _claude_settings(home: Path, here: Path) -> list[Path]:
    """Return the files that say which plugins are on."""
    folders = (Path(os.environ.get("CLAUDE_CONFIG_DIR") or home / ".claude"), here / ".claude")
    return [folder / name for folder in folders for name in ("settings.json", "settings.local.json")]


def _cline_settings(home: Path) -> Path:
    named = os.environ.get("CLINE_MCP_SETTINGS_PATH")
    folder = Path(os.environ.get("CLINE_DIR") or home / ".cline")
    data = Path(os.environ.get("CLINE_DATA_DIR") or folder / "data")
    return Path(named) if named else data / "settings" / "cline_mcp_settings.json"


def _application_data() -> Path:
    """Return where this platform's desktop applications keep their settings."""
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support"
    if sys.platform == "win32":
        return Path(os.environ.get("APPDATA") or Path.home() / "AppData" / "Roaming")
    return _settings_folder()


def _settings_folder() -> Path:
    return _xdg_config_home() or Path.home() / ".config"


def _xdg_config_home() -> Path | None:
    """Return what XDG_CONFIG_HOME names; its specification says to ignore a path that depends on the current folder."""
    path = Path(os.environ.get("XDG_CONFIG_HOME", ""))
    return path if path.is_absolute() else None
