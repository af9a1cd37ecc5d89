"""The fingerprints of an issue: what its events have in common, and what a merge or a split moves."""

from typing import Annotated

from pydantic import Field

from errtrack_mcp.api.models import OURS, ApiModel, Page
from errtrack_mcp.tools.annotations import READ, Tool
from errtrack_mcp.tools.dependencies import Api
from errtrack_mcp.tools.issues.address import IssueOrAddress, ask_about
from errtrack_mcp.tools.issues.queries import AnyIssue
from errtrack_mcp.tools.parameters import MAX_TOKENS, MaxTokens, Offset, WholeNumber

FingerprintsLimit = Annotated[int, Field(ge=1, le=500), WholeNumber]


class Fingerprint(ApiModel):
    """A fingerprint (docs/posthog-api.md, section 10.4); `first_seen` is missing on older installations."""

    id: str
    fingerprint: str
    first_seen: str | None = None
    created_at: str = ""


class FingerprintsPage(Page[Fingerprint]):
    """Some of an issue's fingerprints, oldest first."""

    issue_id: str
    merged: Annotated[str, OURS] = ""


async def list_fingerprints(
    api: Api,
    issue_id: IssueOrAddress,
    limit: FingerprintsLimit = 50,
    offset: Offset = 0,
    max_tokens: MaxTokens = MAX_TOKENS,
) -> FingerprintsPage:
    """List the fingerprints of an issue, oldest first."""

    async def ask(known_id: str) -> Page[Fingerprint]:
        page = await api.get_page("fingerprints", of=Fingerprint, offset=offset, limit=limit, issue_id=known_id)
        if not page.count:
            await api.get("issues", known_id, into=AnyIssue)  # an issue that does not exist has no fingerprints either
        return page

    page, found = await ask_about(api, issue_id, ask)
    rows = [row.only("id", "fingerprint", "first_seen", "created_at") for row in page.results]
    answer = FingerprintsPage(
        count=page.count,
        next_offset=page.next_offset,
        results=rows,
        issue_id=found.id,
        **({"merged": found.merged} if found.merged else {}),
    )
    return answer.shrunk(rows, range(offset, offset + len(rows)), max_tokens)


TOOLS = [Tool(list_fingerprints, "error-tracking-fingerprints-list", "List fingerprints", annotations=READ)]
