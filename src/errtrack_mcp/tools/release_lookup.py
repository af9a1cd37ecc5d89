"""A release by whatever a person calls it: its id, its hash id, or its project and version."""

from contextlib import suppress
from uuid import UUID

from errtrack_mcp.api.client import Client
from errtrack_mcp.api.errors import NotFound
from errtrack_mcp.api.sanitize import quoted
from errtrack_mcp.tools.refusal import Refusal
from errtrack_mcp.tools.releases import Release, cli_hash_id

ROWS_A_PAGE = 500
MAX_PAGES = 20


async def find_release(api: Client, named: str, project: str = "") -> Release:
    """Return the release whose id, hash id or version `named` is; `project` says which app's version.

    Raises NotFound or Refusal where there is none, Refusal where there are several.
    """
    for path in _paths(named):
        with suppress(NotFound):
            found = await api.get("releases", *path, into=Release)
            if project in {"", found.project}:
                return found
    return await find_version(api, named, project)


async def find_version(api: Client, version: str, project: str = "") -> Release:
    """Return the release of this version: by the hash id that PostHog's CLI gives, or by looking through all.

    Raises Refusal where there is none, or where there are several.
    """
    if project:
        asked = Release(id="", project=project, version=version)
        with suppress(NotFound):  # made by hand, its hash id could be anything
            found = await api.get("releases", "hash", cli_hash_id(asked), into=Release)
            if (found.project, found.version) == (project, version):
                return found
    alike: list[Release] = []
    offset: int | None = 0
    for _ in range(MAX_PAGES):
        page = await api.get_page("releases", of=Release, offset=offset or 0, limit=ROWS_A_PAGE)
        alike += [row for row in page.results if row.version == version and project in {"", row.project}]
        offset = page.next_offset
        if offset is None:
            break
    if not alike:
        raise Refusal(
            "not_found",
            f"No release is called {quoted(version)}, by id, hash id or version"
            f"{f' of {quoted(project)}' if project else ''}. Look at error-tracking-releases-list; project is the "
            "app's name, not the PostHog project.",
        )
    projects = sorted({quoted(release.project) for release in alike})
    if len(projects) > 1:
        raise Refusal(
            "invalid_arguments",
            f"Several projects have version {quoted(version)}: {', '.join(projects)}. Give project.",
        )
    if len(alike) > 1:
        ids = ", ".join(f"{release.id} (created {release.created_at})" for release in alike[:5])
        raise Refusal(
            "invalid_arguments",
            f"{len(alike)} releases are version {quoted(version)} of {projects[0]}: {ids}. Name one by its id.",
        )
    return alike[0]


def _paths(named: str) -> list[tuple[str, ...]]:
    """Return the paths under which a name may be found.

    A name with a slash or a dot cannot be looked up by hash (docs/posthog-api.md, section 5.6).
    """
    paths: list[tuple[str, ...]] = []
    with suppress(ValueError):
        paths.append((str(UUID(named)),))
    if len(named) <= 128 and "/" not in named and "." not in named:
        paths.append(("hash", named))
    return paths
