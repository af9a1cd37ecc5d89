"""A release by whatever a person calls it: its id, its hash id, or its project and version."""

from contextlib import suppress
from uuid import UUID

from mcp.server.mcpserver.exceptions import ToolError

from errtrack_mcp.api.client import Client
from errtrack_mcp.api.errors import NotFound
from errtrack_mcp.api.text import quoted
from errtrack_mcp.tools.releases import Release, cli_hash_id

RELEASES_SEARCHED = 500


async def find_release(api: Client, named: str, project: str = "") -> Release:
    """Return the release whose id, hash id or version `named` is; `project` says which app's version.

    Raises NotFound or ToolError where there is none, ToolError where there are several.
    """
    for path in _paths(named):
        with suppress(NotFound):
            return await api.get("releases", *path, into=Release)
    return await find_version(api, named, project)


async def find_version(api: Client, version: str, project: str = "") -> Release:
    """Return the release of this version: by the hash id that PostHog's CLI gives, or among the newest ones.

    Raises ToolError where there is none, or where several projects have such a version.
    """
    if project:
        hash_id = cli_hash_id(Release(id="", project=project, version=version))
        with suppress(NotFound):  # made by hand, its hash id could be anything
            return await api.get("releases", "hash", hash_id, into=Release)
    newest = (await api.get_page("releases", of=Release, limit=RELEASES_SEARCHED, offset=0)).results
    found = [each for each in newest if each.version == version and project in {"", each.project}]
    if not found:
        raise ToolError(
            f"not_found: No release is called {quoted(version)}, neither by id or hash id nor by version among the "
            f"{len(newest)} newest. Look at error-tracking-releases-list."
        )
    if len({each.project for each in found}) > 1:
        projects = ", ".join(sorted({quoted(each.project) for each in found}))
        raise ToolError(
            f"invalid_arguments: Several projects have version {quoted(version)}: {projects}. Give project."
        )
    return found[0]


def _paths(named: str) -> list[tuple[str, ...]]:
    """Return where to look a name up; what has a slash or a dot cannot be looked up by hash (contract, 5.6)."""
    paths: list[tuple[str, ...]] = []
    with suppress(ValueError):
        paths.append((str(UUID(named)),))
    if len(named) <= 128 and "/" not in named and "." not in named:
        paths.append(("hash", named))
    return paths
