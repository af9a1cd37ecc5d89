"""Which entries of a client's file start this server or reach it at an address, by whatever name."""

from pathlib import Path
from typing import Any

from errtrack_mcp.client_config.clients import CLIENTS
from errtrack_mcp.client_config.edit import contents
from errtrack_mcp.client_config.entries import NAME
from errtrack_mcp.client_config.paths import Configuration

_PROGRAMS = ("errtrack-mcp", "errtrack_mcp")


def entries_of_ours(place: Configuration, text: str) -> list[Any]:
    """Return the entries in a client's file that are of this server: of a program, an address or a plugin that is on.

    Raises RefusedError where the client could not read the file either.
    """
    client = next(client for client in CLIENTS.values() if client.name == place.client)
    held = contents(client, place.path, text)
    servers = [
        entry
        for holder in (held, _of_this_folder(held))
        if isinstance(found := holder.get(client.container), dict)
        for name, entry in found.items()
        if name == NAME or any(program in str(entry) for program in _PROGRAMS)
    ]
    plugins = [
        plugin
        for switched in (held.get("enabledPlugins"), held.get("plugins"))
        if isinstance(switched, dict)
        for name, plugin in switched.items()
        if str(name).partition("@")[0] == NAME and (plugin.get("enabled") if isinstance(plugin, dict) else plugin)
    ]
    return servers + plugins


def _of_this_folder(held: dict[str, Any]) -> dict[str, Any]:
    """Return what Claude Code keeps about the folder that we are in."""
    projects = held.get("projects")
    found = projects.get(str(Path.cwd())) if isinstance(projects, dict) else None
    return found if isinstance(found, dict) else {}
