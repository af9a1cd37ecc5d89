"""The MCP clients of this machine, and whether they know this server."""

import os
from collections.abc import Iterator
from typing import NamedTuple

from errtrack_mcp.cli.doctor.run import KEY_LIKE, DoctorRun, Finding, passed, warned
from errtrack_mcp.client_config.atomic_write import RefusedError, read
from errtrack_mcp.client_config.clients import CLIENTS
from errtrack_mcp.client_config.ours import OurEntry, entries_of_ours
from errtrack_mcp.client_config.paths import Configuration, client_configurations

_EXPOSED = "Refer to the environment there, where the client can; or see that nobody else reads it."


class _File(NamedTuple):
    """A client's file with its entries of ours; None where it cannot be read, or is not in the client's format."""

    place: Configuration
    entries: list[OurEntry] | None

    @property
    def knows(self) -> str:
        if self.entries is None:
            return "unreadable"
        return "yes" if any(entry.on for entry in self.entries) else "off" if self.entries else "no"


async def check_clients(run: DoctorRun) -> Finding:  # noqa: ARG001 - it needs nothing that came before
    """See whether any client starts or reaches this server, and whether one keeps a key in the open."""
    files = [file for place in client_configurations() if (file := _read(place)) is not None]
    details = tuple(_detail(file) for file in files)
    if not files:
        return warned("none found", "errtrack-mcp install CLIENT, or see the README for yours.")
    knowing = _clients(files, "yes")
    unreadable = [str(file.place.path) for file in files if file.knows == "unreadable"]
    also = [f"switched off in {name}" for name in _clients(files, "off") if name not in knowing]
    also += [f"could not be read: {', '.join(unreadable)}"] if unreadable else []
    if not knowing:
        said = "; ".join(["none of those found starts this server, or reaches one at an address", *also])
        return warned(said, "errtrack-mcp install CLIENT", *details)
    notes = [client.note for client in CLIENTS.values() if client.note and client.name in knowing]
    said = "; ".join([". ".join([f"known to {', '.join(knowing)}", *notes]), *also])
    if problem := next(_problems(files), None):
        what, remedy = problem
        return warned(f"{said}; {what}", remedy, *details)
    return passed(said, *details)


def _clients(files: list[_File], knows: str) -> list[str]:
    return list(dict.fromkeys(file.place.client for file in files if file.knows == knows))


def _problems(files: list[_File]) -> Iterator[tuple[str, str]]:
    """Return what is wrong with entries that are on, worst first, each with its remedy."""
    entries = [(file.place, entry) for file in files for entry in file.entries or () if entry.on]
    if exposed := [str(place.path) for place, entry in entries if KEY_LIKE.search(str(entry.value))]:
        yield f"there is a key in {', '.join(dict.fromkeys(exposed))}", _EXPOSED
    for place, entry in entries:
        # Path.exists raises for a folder that nobody else may enter.
        if entry.program.is_absolute() and not os.path.exists(entry.program):  # noqa: PTH110
            yield f"{place.client} starts {entry.program}, which is not there", "errtrack-mcp install, for that client"
    for name in dict.fromkeys(place.client for place, _ in entries):
        kinds = {entry.is_plugin for place, entry in entries if place.client == name}
        if len(kinds) > 1:
            yield f"{name} has an entry and the plugin, so it has every tool twice", "Take one of the two out."


def _detail(file: _File) -> dict[str, str]:
    return {"client": file.place.client, "knows_this_server": file.knows, "file": str(file.place.path)}


def _read(place: Configuration) -> _File | None:
    try:
        data = read(place.path)
        return None if data is None else _File(place, entries_of_ours(place, data.decode(errors="replace")))
    except RefusedError:
        return _File(place, None)
