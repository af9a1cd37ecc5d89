"""How old the host's API is, told by what it knows (docs/posthog-api.md, section 5.7)."""

from typing import Any
from uuid import uuid4

from errtrack_mcp.api.client import Client
from errtrack_mcp.api.errors import BadRequest
from errtrack_mcp.api.models import ApiModel, Page
from errtrack_mcp.cli.doctor.run import DoctorRun, Finding, passed, warned

NEWEST, MAY_2026, OF_2025, OLDER = "September 2026 or newer", "May 2026 or newer", "of 2025", "older than mid-2025"


async def check_age(run: DoctorRun) -> Finding:
    """See which of the newer parameters and fields the host knows."""
    run.usable()
    run.needs("scopes", "project")
    client = run.client()
    known = await _known(client)
    knows = ", ".join(name for name, answer in known.items() if answer) or "none of the newer parameters"
    lacks = ", ".join(name for name, answer in known.items() if answer is False)
    age = _age(known)
    said = f"{age}: knows {knows}" + (f"; lacks {lacks}" if lacks else "")
    unsure = [name for name, answer in known.items() if answer is None]
    if unsure:
        said += f"; cannot tell about {', '.join(unsure)} while there are no symbol sets"
    if age in {NEWEST, MAY_2026}:
        return passed(said)
    return warned(said, "Everything works, some of it slower; filters may be ignored. Update the installation.")


async def _known(client: Client) -> dict[str, bool | None]:
    """Ask for one symbol set in three ways, and see what is respected."""
    plain = await _list(client)
    row = plain.results[0].model_extra if plain.results else None
    uncounted = await _list(client, include_count="false")
    searched = await _list(client, search=str(uuid4()))
    try:
        await _list(client, status="errtrack-doctor")
        strict = False
    except BadRequest:
        strict = True
    return {
        "include_count": uncounted.count is None and plain.count is not None,
        "search": not searched.results if plain.results else None,
        "checked filters": strict,
        "has_uploaded_file": "has_uploaded_file" in row if row is not None else None,
        "last_used": "last_used" in row if row is not None else None,
    }


async def _list(client: Client, **query: Any) -> Page[ApiModel]:
    return await client.get_page("symbol_sets", of=ApiModel, offset=0, limit=1, **query)


def _age(known: dict[str, bool | None]) -> str:
    if known["include_count"]:
        return NEWEST
    if known["checked filters"] or known["has_uploaded_file"]:
        return MAY_2026
    return OLDER if known["last_used"] is False else OF_2025
