"""The release that a build is uploaded for: as the caller names it, and otherwise as git does."""

from typing import Any, NamedTuple
from uuid import UUID

from errtrack_mcp.api.client import Client
from errtrack_mcp.builds.git import GitFacts
from errtrack_mcp.tools.ensure import ensure_release, find_by_hash
from errtrack_mcp.tools.refusal import Refusal
from errtrack_mcp.tools.releases import Release, cli_hash_id
from errtrack_mcp.tools.uploads.models import UploadRelease


class WantedRelease(NamedTuple):
    """A release by app and version, with the metadata that it gets if it is created."""

    project: str
    version: str
    metadata: dict[str, Any]

    async def find(self, api: Client) -> str:
        """Return the id of the release, or "" where there is none yet. Raises Refusal where its hash id is taken."""
        hash_id = cli_hash_id(Release(id="", project=self.project, version=self.version))
        found = await find_by_hash(api, hash_id, self.version, self.project)
        return _checked(found.id) if found else ""

    async def ensure(self, api: Client) -> UploadRelease:
        """Return the release, created where it was missing."""
        ensured = await ensure_release(api, self.version, self.project, metadata=self.metadata or None)
        return self.shown(_checked(ensured.release.id), created=ensured.created)

    def shown(self, id_: str, *, created: bool = False) -> UploadRelease:
        """Return the release as an answer has it."""
        given = {"id": id_} if id_ else {}
        return UploadRelease(
            project=self.project, version=self.version, **given, **({"created": True} if created else {})
        )


def _checked(release_id: str) -> str:
    """Return the id of a release, which goes into code: nothing but a UUID may. Raises Refusal."""
    try:
        if str(UUID(release_id)) == release_id.lower():
            return release_id
    except ValueError:
        pass
    raise Refusal(
        "incomplete", "PostHog answered with a release whose id is no UUID. Nothing was injected or uploaded."
    )


def wanted_release(project: str, version: str, build: str, git: GitFacts | None) -> WantedRelease | None:
    """Return the release that PostHog's CLI would bind a build to, or None (docs/posthog-api.md, section 6.2).

    Raises Refusal where only a part of it is known.
    """
    if not (project or version or build or (git and git.repo_name)):
        return None
    project = project or (git.repo_name if git else "")
    version = version or (git.commit_id if git and not build else "")
    version = "+".join(part for part in (version, build) if part)
    if not (project and version):
        missing = "version" if project else "project"
        raise Refusal(
            "invalid_arguments",
            f"The release is only half known: give {missing} as well, since git does not tell it here. Without any of "
            "project, version and build, and outside of a git repository, a build is uploaded for no release.",
        )
    metadata: dict[str, Any] = {"git": git.metadata()} if git else {}
    return WantedRelease(project, version, metadata | ({"build": build} if build else {}))
