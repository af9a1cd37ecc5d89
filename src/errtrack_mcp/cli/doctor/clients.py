"""The MCP clients of this machine, and whether they know this server."""

from dataclasses import dataclass

from errtrack_mcp.cli.doctor.run import KEY_LIKE, DoctorRun, Finding, passed, warned
from errtrack_mcp.client_config.atomic_write import RefusedError
from errtrack_mcp.client_config.clients import CLIENTS
from errtrack_mcp.client_config.ours import entries_of_ours
from errtrack_mcp.client_config.paths import Configuration, client_configurations


@dataclass(frozen=True, slots=True)
class _File:
    """A client's file, and whether it knows this server: yes, no or unreadable."""

    place: Configuration
    knows: str
    holds_key: bool = False


async def check_clients(run: DoctorRun) -> Finding:  # noqa: ARG001 - it needs nothing that came before
    """See whether any client starts or reaches this server, and whether one keeps a key in the open."""
    files = [file for place in client_configurations() if (file := _read(place)) is not None]
    details = tuple(_detail(file) for file in files)
    if not files:
        return warned("none found", "errtrack-mcp install CLIENT, or see the README for yours.")
    knowing = list(dict.fromkeys(file.place.client for file in files if file.knows == "yes"))
    unreadable = [str(file.place.path) for file in files if file.knows == "unreadable"]
    if not knowing:
        said = "none of those found starts this server, or reaches one at an address"
        return warned(_with_unreadable(said, unreadable), "errtrack-mcp install CLIENT", *details)
    exposed = [str(file.place.path) for file in files if file.holds_key]
    notes = [client.note for client in CLIENTS.values() if client.note and client.name in knowing]
    said = _with_unreadable(". ".join([f"known to {', '.join(knowing)}", *notes]), unreadable)
    if exposed:
        remedy = "Refer to the environment there, where the client can; or see that nobody else reads it."
        return warned(f"{said}; there is a key in {', '.join(exposed)}", remedy, *details)
    return passed(said, *details)


def _with_unreadable(said: str, unreadable: list[str]) -> str:
    return f"{said}; not in the format that its client reads: {', '.join(unreadable)}" if unreadable else said


def _detail(file: _File) -> dict[str, str]:
    return {"client": file.place.client, "knows_this_server": file.knows, "file": str(file.place.path)}


def _read(place: Configuration) -> _File | None:
    try:
        text = place.path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    try:
        entries = entries_of_ours(place, text)
    except RefusedError:
        return _File(place, "unreadable")
    return _File(place, "yes" if entries else "no", KEY_LIKE.search(str(entries)) is not None)
