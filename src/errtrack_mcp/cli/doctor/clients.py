"""The MCP clients of this machine, and whether they know this server."""

import re

from errtrack_mcp.cli.doctor.run import KEY_LIKE, DoctorRun, Finding, passed, warned
from errtrack_mcp.client_config.clients import CLIENTS
from errtrack_mcp.client_config.entries import NAME
from errtrack_mcp.client_config.paths import Configuration, client_configurations

OURS = ("errtrack-mcp", "errtrack_mcp")
# The entry for a server at an address holds the name of ours alone, as a member in JSON or a table in TOML.
_NAMED = re.compile(rf'"{NAME}"\s*:|\.{NAME}\]')


async def check_clients(run: DoctorRun) -> Finding:  # noqa: ARG001 - it needs nothing that came before
    """See whether any client starts or reaches this server, and whether one keeps a key in the open."""
    files = [(place, text) for place in client_configurations() if (text := _read(place)) is not None]
    details = tuple(_detail(place, text) for place, text in files)
    if not files:
        return warned("none found", "errtrack-mcp install CLIENT, or see the README for yours.")
    knowing = list(dict.fromkeys(place.client for place, text in files if _knows(text)))
    if not knowing:
        return warned(
            "none of those found starts this server, or reaches one at an address",
            "errtrack-mcp install CLIENT",
            *details,
        )
    exposed = [str(place.path) for place, text in files if _knows(text) and KEY_LIKE.search(text)]
    notes = [client.note for client in CLIENTS.values() if client.note and client.name in knowing]
    said = ". ".join([f"known to {', '.join(knowing)}", *notes])
    if exposed:
        remedy = "Refer to the environment there, where the client can; or see that nobody else reads it."
        return warned(f"{said}; there is a key in {', '.join(exposed)}", remedy, *details)
    return passed(said, *details)


def _detail(place: Configuration, text: str) -> dict[str, str]:
    return {
        "client": place.client,
        "knows_this_server": "yes" if _knows(text) else "no",
        "file": str(place.path),
    }


def _knows(text: str) -> bool:
    return any(name in text for name in OURS) or _NAMED.search(text) is not None


def _read(place: Configuration) -> str | None:
    try:
        return place.path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
