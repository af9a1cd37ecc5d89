"""Which entries of a client's file start this server or reach it at an address, by whatever name."""

import re
from collections.abc import Iterator
from pathlib import Path, PureWindowsPath
from typing import Any, NamedTuple

from errtrack_mcp.client_config.clients import CLIENTS
from errtrack_mcp.client_config.edit import contents
from errtrack_mcp.client_config.entries import NAME, Client
from errtrack_mcp.client_config.paths import Configuration

PROGRAM, MODULE = "errtrack-mcp", "errtrack_mcp"
_RUNNERS = {"uvx", "uv", "pipx", "docker", "podman"}  # which fetch a program or an image by its name
_NAMED = re.compile(rf"{PROGRAM}(?:[\[=@<>~:].*)?")  # with extras, a version or a tag


class OurEntry(NamedTuple):
    """An entry of this server, or a plugin that brings one; `on` says whether the client uses it."""

    name: str
    value: Any
    on: bool
    is_plugin: bool = False
    program: Path = Path()


def entries_of_ours(place: Configuration, text: str) -> list[OurEntry]:
    """Return the entries in a client's file that are of this server.

    Raises RefusedError where the file is not in the client's format.
    """
    client = next(client for client in CLIENTS.values() if client.name == place.client)
    held = contents(client, place.path, text)
    return [*_servers(client, held), *_servers(client, _of_this_folder(held)), *_plugins(held)]


def _servers(client: Client, held: dict[str, Any]) -> Iterator[OurEntry]:
    servers = held.get(client.container)
    for name, entry in servers.items() if isinstance(servers, dict) else ():
        words = _words(entry.get(client.inside, entry)) if isinstance(entry, dict) else []
        if isinstance(entry, dict) and (name == NAME or _is_ours(words)):
            on = entry.get("enabled") is not False and entry.get("disabled") is not True
            yield OurEntry(name, entry, on, program=Path(*words[:1]))


def _plugins(held: dict[str, Any]) -> Iterator[OurEntry]:
    for switched in (held.get("enabledPlugins"), held.get("plugins")):
        for name, plugin in switched.items() if isinstance(switched, dict) else ():
            if str(name).partition("@")[0] == NAME:
                on = plugin.get("enabled") if isinstance(plugin, dict) else plugin
                yield OurEntry(name, plugin, on is True, is_plugin=True)


def _is_ours(words: list[str]) -> bool:
    """Return whether a command is our program: a path of this name among the arguments of another is none."""
    command, *arguments = words or [""]
    program = PureWindowsPath(command).stem  # of both kinds of path
    if program == PROGRAM:
        return True
    if program in _RUNNERS:
        return any(_NAMED.fullmatch(word) for word in arguments)
    return "-m" in arguments[:-1] and arguments[arguments.index("-m") + 1] == MODULE


def _words(entry: Any) -> list[str]:
    """Return program and arguments, which some clients keep in one list and older ones of Zed in an object."""
    command = entry.get("command") if isinstance(entry, dict) else None
    if isinstance(command, dict):
        return _words({"command": command.get("path"), "args": command.get("args")})
    words = command if isinstance(command, list) else [command]
    arguments = entry.get("args") if isinstance(entry, dict) else None
    words = [*words, *(arguments if isinstance(arguments, list) else [])]
    return [str(word) for word in words] if command else []


def _of_this_folder(held: dict[str, Any]) -> dict[str, Any]:
    """Return what Claude Code keeps about the folder that we are in."""
    projects = held.get("projects")
    found = projects.get(str(Path.cwd())) if isinstance(projects, dict) else None
    return found if isinstance(found, dict) else {}
