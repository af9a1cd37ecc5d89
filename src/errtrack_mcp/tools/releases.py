"""Releases: one deployment of one app each."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha512
from typing import Annotated, Any, Self
from uuid import UUID

import anyio
from mcp.server.mcpserver import Context, Elicit, Resolve
from pydantic import Field

from errtrack_mcp.api.client import Client
from errtrack_mcp.api.errors import ApiError, HashTaken
from errtrack_mcp.api.models import BYTES_A_TOKEN, ApiModel
from errtrack_mcp.api.sanitize import quoted
from errtrack_mcp.tools.annotations import CREATE, DELETE, READ, UPDATE, Tool
from errtrack_mcp.tools.deletion import PREVIEWED, ConfirmCode, DeletionOutput, Preview, consent_to, kept_from_changing
from errtrack_mcp.tools.dependencies import Api
from errtrack_mcp.tools.elicitation import Consent, Decision
from errtrack_mcp.tools.parameters import (
    MAX_TOKENS,
    Confirm,
    HashId,
    HashToLookUp,
    Metadata,
    ProjectName,
    ReplacingMetadata,
    Version,
)
from errtrack_mcp.tools.refusal import Refusal
from errtrack_mcp.tools.symbol_set_counts import SymbolSetRow, in_words, moment, state_of, written
from errtrack_mcp.tools.symbol_set_reader import SymbolSetReader, read_all

MAX_SECONDS_COUNTING = 20.0
DESTROY = "error-tracking-releases-destroy"
LOST = "Errors from this build then stay minified until its source maps are uploaded again."


class Release(ApiModel):
    """A release (docs/posthog-api.md, section 4). A summary has `commit` and `branch` in place of `metadata`.

    One whose metadata is too large has `left_out` as well, which the schemas do not list.
    """

    id: str
    version: str = ""
    project: str = ""
    created_at: str = ""
    hash_id: str = ""
    team_id: int = 0
    metadata: dict[str, Any] | None = None
    commit: str = ""
    branch: str = ""

    @property
    def search(self) -> str | None:
        """The search that finds its symbol sets: its version, or None where that is blank, which PostHog refuses."""
        return self.version.strip() or None

    def fitted(self, max_tokens: int = MAX_TOKENS) -> Self:
        """Return the release, without its metadata where that makes it larger than `max_tokens`."""
        size = len(self.model_dump_json(exclude_unset=True))
        if size <= max_tokens * BYTES_A_TOKEN:
            return self
        kept = {name: value for name, value in self.model_dump().items() if name != "metadata"}
        git = {name: value for name, value in self.summary().model_dump().items() if name in {"commit", "branch"}}
        enough = size // BYTES_A_TOKEN + 1
        said = f"metadata, for its size: error-tracking-releases-list has it with detail=full, max_tokens={enough}"
        return self.model_validate({**kept, **git, "left_out": said})

    def summary(self) -> Self:
        """Return what is needed to choose from a list."""
        git = (self.metadata or {}).get("git")
        git = git if isinstance(git, dict) else {}
        derived = {
            "commit": git.get("commit_id") if git.get("commit_id") != self.version else None,
            "branch": git.get("branch"),
            "hash_id": self.hash_id if self.hash_id not in {self.id, cli_hash_id(self)} else None,
        }
        kept = {name: value for name, value in derived.items() if isinstance(value, str)}
        return self.only("id", "version", "project", "created_at", **kept)


class ReleaseDeletion(DeletionOutput):
    """The deletion of a release, previewed or done."""

    team_id: Annotated[int, Field(description="PostHog project")]
    release: Release
    symbol_sets: Annotated[int, Field(description="Symbol sets that go with it")]
    more_than_counted: Annotated[bool, Field(description="True: it has more symbol sets than were counted")] = False


def cli_hash_id(release: Release) -> str:
    """Return the hash id that PostHog's CLI gives to this project and version (docs/posthog-api.md, section 5.6)."""
    return sha512(f"{release.project}{release.version}".encode()).hexdigest()


async def retrieve_release(api: Api, id: UUID) -> Release:  # noqa: A002 - PostHog's name for it
    """Fetch one release by its id."""
    return (await api.get("releases", str(id), into=Release)).fitted()


async def retrieve_release_by_hash(api: Api, hash_id: HashToLookUp) -> Release:
    """Fetch one release by its exact hash id."""
    return (await api.get("releases", "hash", hash_id, into=Release)).fitted()


async def create_release(
    api: Api, version: Version, project: ProjectName, hash_id: HashId = "", metadata: Metadata = None
) -> Release:
    """Create a release, even beside one of that version. Without hash_id its own id becomes the hash id."""
    body = _given(version=version, project=project, hash_id=hash_id, metadata=metadata)
    try:
        return await api.post("releases", body=body, into=Release)
    except HashTaken as taken:
        raise await _naming_the_holder(api, taken, hash_id) from taken


async def update_release(
    api: Api,
    id: UUID,  # noqa: A002
    version: Version = "",
    project: ProjectName = "",
    hash_id: HashId = "",
    metadata: ReplacingMetadata = None,
) -> Release:
    """Change the fields given and return the release as it is afterwards. Symbol sets stay bound to it."""
    body = _given(version=version, project=project, hash_id=hash_id, metadata=metadata)
    if not body:
        raise Refusal(
            "invalid_arguments",
            "Nothing to change: give at least one of version, project, hash_id, metadata, none of them empty "
            "(PostHog ignores empty values, so metadata cannot be cleared).",
        )
    try:
        await api.patch("releases", str(id), body=body)
    except HashTaken as taken:
        raise await _naming_the_holder(api, taken, hash_id) from taken
    return (await api.get("releases", str(id), into=Release)).fitted()


@dataclass
class Bound:
    """The symbol sets of a release: how many in which state, and when one of them was last used."""

    states: Counter[str] = field(default_factory=Counter)
    last_used: datetime | None = None

    def add(self, row: SymbolSetRow) -> None:
        """Count one of them."""
        self.states[state_of(row)] += 1
        if used := moment(row.get("last_used")):
            self.last_used = max(used, self.last_used or used)

    def loss(self) -> str:
        """Say what is lost with them. An upload sets `last_used` (docs/posthog-api.md, section 4)."""
        used = f"the newest last_used is {written(self.last_used)}" if self.last_used else "none has a last_used"
        return f"Its symbol sets: {in_words(self.states)}; {used}, and an upload counts as use. {LOST}"


async def preview_deletion(api: Api, id: UUID) -> Preview[ReleaseDeletion]:  # noqa: A002
    """Read what deleting a release would take with it."""
    release = await api.get("releases", str(id), into=Release)
    bound, more = await _read_bound(api, release)
    code = ConfirmCode(api, DESTROY, release.team_id, release.id)
    code.add(release.version, release.project, release.hash_id, bound.states.total(), more)
    shown = ReleaseDeletion(
        deleted=False,
        team_id=release.team_id,
        release=release.summary(),
        symbol_sets=bound.states.total(),
        **({"more_than_counted": True} if more else {}),
        confirm=str(code),
        next_step=f"{PREVIEWED} {bound.loss()}" if bound.states else PREVIEWED,
    )
    named = f"release {quoted(release.version)} of {quoted(release.project)}"
    number = f"{'more than ' if more else ''}{bound.states.total()}"
    where = f"in project {release.team_id}"
    return Preview(shown, f"Delete {named} {where} and {number} symbol sets with it? There is no undo.")


Previewed = Annotated[Preview[ReleaseDeletion], Resolve(preview_deletion)]


async def ask_consent(
    context: Context[Any, Any], preview: Previewed, confirm: Confirm = ""
) -> Elicit[Consent] | Consent:
    """Ask the user before a deletion that the caller has confirmed."""
    return consent_to(context, preview, confirm)


async def destroy_release(
    api: Api,
    preview: Previewed,
    decision: Annotated[Decision, Resolve(ask_consent)],
    id: UUID,  # noqa: A002
    confirm: Confirm = "",
) -> ReleaseDeletion:
    """Delete a release and every symbol set bound to it, for good. The first call, without confirm, only previews."""
    if kept := await kept_from_changing(preview, confirm, decision, lambda: preview_deletion(api, id)):
        return kept
    await api.delete("releases", str(id))
    return preview.shown.done(LOST if preview.shown.symbol_sets else "It had no symbol sets: nothing else changes.")


def _given(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value}


async def _naming_the_holder(api: Client, taken: HashTaken, hash_id: str) -> ApiError:
    """Say which release has the hash id, where that can be looked up."""
    try:
        holder = await api.get("releases", "hash", hash_id, into=Release)
    except ApiError:
        return taken
    named = f"release {holder.id} (version {quoted(holder.version)}, project {quoted(holder.project)})"
    return HashTaken(taken.status, taken.api_code, taken.detail, named)


async def _read_bound(api: Client, release: Release) -> tuple[Bound, bool]:
    """Read the symbol sets of a release, and say whether there are more than were looked at.

    The API has no filter by release. `search` narrows by version where it is known; an older installation
    ignores it and lists everything, so each row is compared all the same (docs/posthog-api.md, section 5.7).
    """
    bound = Bound()

    def visit(row: SymbolSetRow) -> None:
        if row.get("release_id") == release.id:
            bound.add(row)

    deadline = anyio.current_time() + MAX_SECONDS_COUNTING
    reader = SymbolSetReader(api, deadline=deadline, search=release.search)
    not_seen = await read_all(reader, visit)
    return bound, bool(not_seen)


TOOLS = [
    Tool(retrieve_release, "error-tracking-releases-retrieve", "Get release", annotations=READ),
    Tool(
        retrieve_release_by_hash,
        "error-tracking-releases-hash-retrieve",
        "Get release by hash",
        annotations=READ,
    ),
    Tool(create_release, "error-tracking-releases-create", "Create release", annotations=CREATE),
    Tool(update_release, "error-tracking-releases-partial-update", "Update release", annotations=UPDATE),
    Tool(destroy_release, DESTROY, "Delete release", annotations=DELETE),
]
