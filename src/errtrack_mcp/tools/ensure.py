"""Get a release, or create it."""

from typing import Annotated

from mcp_types import ToolAnnotations

from errtrack_mcp.api.client import Client
from errtrack_mcp.api.errors import HashTaken, NotFound, ServerError, TimedOut
from errtrack_mcp.api.models import OURS, ToolOutput
from errtrack_mcp.api.sanitize import quoted
from errtrack_mcp.tools.annotations import Tool
from errtrack_mcp.tools.dependencies import Api
from errtrack_mcp.tools.parameters import EnsuredHashId, Metadata, ProjectName, Version
from errtrack_mcp.tools.refusal import Refusal
from errtrack_mcp.tools.releases import Release, cli_hash_id

ENSURE = ToolAnnotations(read_only_hint=False, destructive_hint=False, idempotent_hint=True, open_world_hint=True)


class EnsuredRelease(ToolOutput):
    """A release, and whether this call made it."""

    created: bool
    release: Release
    note: Annotated[str, OURS] = ""


async def ensure_release(
    api: Api, version: Version, project: ProjectName, hash_id: EnsuredHashId = "", metadata: Metadata = None
) -> EnsuredRelease:
    """Get the release with this hash_id, or create it. One that exists is returned unchanged, its metadata too."""
    key = hash_id or cli_hash_id(Release(id="", project=project, version=version))
    there = await find_by_hash(api, key, version, project)
    if there is None:
        body = {"version": version, "project": project, "hash_id": key} | ({"metadata": metadata} if metadata else {})
        try:
            return EnsuredRelease(created=True, release=await api.post("releases", body=body, into=Release))
        except (HashTaken, ServerError, TimedOut):
            # Somebody else was faster; older installations answer that with a 500 (docs/posthog-api.md, section 5.2).
            there = await find_by_hash(api, key, version, project)
            if there is None:
                raise
    if metadata and there.metadata != metadata:
        note = "Its metadata differs and was left alone; error-tracking-releases-partial-update replaces it."
        return EnsuredRelease(created=False, release=there, note=note)
    return EnsuredRelease(created=False, release=there)


async def find_by_hash(api: Client, hash_id: str, version: str, project: str) -> Release | None:
    """Return the release with a hash id, or None. Raises Refusal where it is that of another version or project."""
    try:
        there = await api.get("releases", "hash", hash_id, into=Release)
    except NotFound:
        return None
    if (there.project, there.version) != (project, version):
        raise Refusal(
            "hash_taken",
            f"Release {there.id} has this hash id, but is version {quoted(there.version)} of "
            f"{quoted(there.project)}. Give a hash_id of your own, or fix that release.",
        )
    return there


TOOLS = [Tool(ensure_release, "error-tracking-releases-ensure", "Ensure release", annotations=ENSURE)]
