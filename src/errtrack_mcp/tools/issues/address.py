"""Which issue is meant: its id, or the address of its page in PostHog, which may hold a fingerprint too.

A fingerprint leads to the issue that has its errors now, also after a merge (docs/posthog-api.md, section 10.4).
"""

from collections.abc import Awaitable, Callable
from typing import Annotated, NamedTuple, TypeVar
from urllib.parse import parse_qs, unquote, urlsplit
from uuid import UUID

from pydantic import Field

from errtrack_mcp.api.client import Client
from errtrack_mcp.api.errors import IssueMerged, NotFound
from errtrack_mcp.api.models import ApiModel
from errtrack_mcp.api.sanitize import quoted
from errtrack_mcp.tools.issues.queries import AnyIssue
from errtrack_mcp.tools.parameters import Text
from errtrack_mcp.tools.refusal import Refusal

IssueOrAddress = Annotated[Text, Field(max_length=2_000, description="Id, or address of the issue's page")]
Answer = TypeVar("Answer")


class FingerprintRow(ApiModel):
    """A fingerprint, as far as its issue matters."""

    issue_id: str


class IssueAddress(NamedTuple):
    """An issue as somebody names it; one of the two may be ""."""

    id: str
    fingerprint: str = ""


class Found(NamedTuple):
    """The issue that an answer is about; `merged_from` is the one that was asked for, where that was merged into it."""

    id: str
    merged_from: str = ""

    @property
    def merged(self) -> str:
        """What happened to the issue that was asked for, in a sentence; "" where nothing did."""
        return (
            f"Issue {self.merged_from} was merged: this is {self.id}, which has its errors." if self.merged_from else ""
        )


def read_address(text: str, origin: str, project: str) -> IssueAddress:
    """Read what a caller names an issue by. Raises Refusal for what is neither, or leads to another project."""
    text = text.strip()
    if "/" not in text:
        return IssueAddress(_uuid(text, text))
    try:
        parts = urlsplit(text)
        host, query = f"{parts.scheme}://{parts.netloc}", parse_qs(parts.query, max_num_fields=50)
    except ValueError:
        raise _unreadable(text) from None
    if parts.netloc and host.lower() != origin.lower():
        raise Refusal(
            "invalid_arguments", f"issue_id leads to {quoted(host)}; this server asks {origin}. Nothing was read."
        )
    path = [unquote(part) for part in parts.path.split("/") if part]
    if path[:1] == ["project"] and len(path) > 1:
        if project != "@current" and path[1] != project:
            raise Refusal(
                "invalid_arguments",
                f"issue_id leads to project {quoted(path[1], 20)}; this call asks {project}. Nothing was read.",
            )
        path = path[2:]
    match path:
        case ["error_tracking", "fingerprint", fingerprint]:
            return IssueAddress("", fingerprint)
        case ["error_tracking", issue_id, *_]:
            return IssueAddress(_uuid(issue_id, text), query.get("fingerprint", [""])[0])
    raise _unreadable(text)


def _uuid(text: str, whole: str) -> str:
    try:
        return str(UUID(text))
    except ValueError:
        raise _unreadable(whole) from None


def _unreadable(text: str) -> Refusal:
    forms = "an id (UUID) nor an address as https://us.posthog.com/project/1/error_tracking/ID"
    return Refusal("invalid_arguments", f"issue_id is neither {forms}: {quoted(text)}. Nothing was read.")


async def find_issue_id(api: Client, issue: str) -> str:
    """Return the id of the issue that a caller wants to change: a merge is not followed, since that is another one."""
    return await _id_of(api, read_address(issue, api.origin, api.prefix[-1]))


async def _id_of(api: Client, address: IssueAddress) -> str:
    if address.id:
        return address.id
    row = await api.get("fingerprints", "resolve", into=FingerprintRow, fingerprint=address.fingerprint)
    return row.issue_id


async def ask_about(api: Client, issue: str, ask: Callable[[str], Awaitable[Answer]]) -> tuple[Answer, Found]:
    """Ask about the issue that a caller names, or about the one that has its errors since a merge.

    `ask` raises NotFound for an id that no issue has; that is raised again where no fingerprint leads further.
    """
    address = read_address(issue, api.origin, api.prefix[-1])
    issue_id = await _id_of(api, address)
    try:
        return await ask(issue_id), Found(issue_id)
    except NotFound:
        if not address.id or not address.fingerprint:
            raise
        try:
            await api.get("issues", issue_id, into=AnyIssue, fingerprint=address.fingerprint)
        except IssueMerged as merged:
            survivor = merged.issue_id
        else:
            raise
    return await ask(survivor), Found(survivor, merged_from=issue_id)
