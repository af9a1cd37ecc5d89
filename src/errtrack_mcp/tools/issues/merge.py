"""Merging issues into one, for good: PostHog deletes the others."""

from typing import Annotated, Any
from uuid import UUID

from mcp.server.mcpserver import Context, Elicit, Resolve
from pydantic import BaseModel, Field

from errtrack_mcp.api.client import Client
from errtrack_mcp.api.errors import NotFound
from errtrack_mcp.api.models import ApiModel, ToolOutput
from errtrack_mcp.api.sanitize import quoted
from errtrack_mcp.tools.annotations import UPDATE, Tool
from errtrack_mcp.tools.deletion import PREVIEWED, ChangeOutput, ConfirmCode, Preview, consent_to, kept_from_changing
from errtrack_mcp.tools.dependencies import Api
from errtrack_mcp.tools.elicitation import Consent, Decision
from errtrack_mcp.tools.issues.address import IssueOrAddress, find_issue_id
from errtrack_mcp.tools.issues.issue_changes import Issue
from errtrack_mcp.tools.issues.read_back import Outcome, made_and_read
from errtrack_mcp.tools.parameters import Confirm, ListInText
from errtrack_mcp.tools.refusal import Refusal

NAME = "error-tracking-issues-merge-create"
MAX_MERGED = 10
FINGERPRINTS_SHOWN = 20

MergedIds = Annotated[
    list[UUID],
    Field(min_length=1, max_length=MAX_MERGED, description="Issues that go into it and are deleted"),
    ListInText,
]
UNDONE_BY = (
    "To undo by hand: split it by the fingerprints of former_issues, then set names, descriptions, severities, "
    "statuses and assignees again. Ids and links do not come back."
)
TO_BE_MERGED = f" A merge deletes former_issues. {UNDONE_BY}"
MERGED = f"Their errors count for this issue now; counts follow within seconds. {UNDONE_BY}"
NOT_MERGED = "PostHog merged nothing: every issue is still there."


class FormerIssue(ToolOutput):
    """An issue that goes, with what is needed to make its like by hand."""

    issue: Issue
    fingerprints: list[str]
    fingerprints_in_all: int


class IssueMerge(ChangeOutput):
    """A merge, previewed or made."""

    issue: Issue
    former_issues: list[FormerIssue]


class OwnedFingerprint(ApiModel):
    """A fingerprint of an issue (docs/posthog-api.md, section 10.4)."""

    fingerprint: str
    issue_id: str = ""


class Success(BaseModel):
    """What PostHog answers to a merge; false where nothing was left to merge."""

    success: bool


async def preview_merge(api: Api, issue_id: IssueOrAddress, merged_ids: MergedIds) -> Preview[IssueMerge]:
    """Read what would be merged, and what would be lost."""
    into_id, ids = await find_issue_id(api, issue_id), [str(merged) for merged in merged_ids]
    if len({into_id, *ids}) != len(ids) + 1:
        raise Refusal("invalid_arguments", "merged_ids names an issue twice, or issue_id itself. Nothing was merged.")
    into = (await api.get("issues", into_id, into=Issue)).summary()
    former = [await _former(api, merged) for merged in ids]
    code = ConfirmCode(api, NAME, into.model_dump(), *(each.model_dump() for each in former))
    shown = IssueMerge(
        changed=False, issue=into, former_issues=former, confirm=str(code), next_step=PREVIEWED + TO_BE_MERGED
    )
    names = ", ".join(quoted(each.issue.name or each.issue.id) for each in former)
    number = "1 issue" if len(former) == 1 else f"{len(former)} issues"
    question = f"Merge {number} into {quoted(into.name or into.id)} and delete {names}? There is no undo."
    return Preview(shown, question)


Previewed = Annotated[Preview[IssueMerge], Resolve(preview_merge)]


async def ask_consent(
    context: Context[Any, Any], preview: Previewed, confirm: Confirm = ""
) -> Elicit[Consent] | Consent:
    """Ask the user before a merge that the caller has confirmed."""
    return consent_to(context, preview, confirm)


async def merge_issues(
    api: Api,
    preview: Previewed,
    decision: Annotated[Decision, Resolve(ask_consent)],
    issue_id: IssueOrAddress,
    merged_ids: MergedIds,
    confirm: Confirm = "",
) -> IssueMerge:
    """Merge issues into one and delete them, for good. The first call, without confirm, only previews."""
    if kept := await kept_from_changing(preview, confirm, decision, lambda: preview_merge(api, issue_id, merged_ids)):
        return kept
    into_id, ids = preview.shown.issue.id, [str(merged) for merged in merged_ids]
    outcome = await made_and_read(
        lambda: api.post("issues", into_id, "merge", body={"ids": ids}, into=Success),
        lambda: _afterwards(api, into_id, ids),
    )
    return _told(preview.shown, outcome, ids)


async def _former(api: Client, issue_id: str) -> FormerIssue:
    """Read an issue that would go, with its first fingerprints."""
    issue = (await api.get("issues", issue_id, into=Issue)).summary()
    page = await api.get_page(
        "fingerprints", of=OwnedFingerprint, offset=0, limit=FINGERPRINTS_SHOWN, issue_id=issue_id
    )
    own = [row.fingerprint for row in page.results if row.issue_id in {"", issue_id}]
    return FormerIssue(issue=issue, fingerprints=own, fingerprints_in_all=max(page.count or 0, len(own)))


async def _afterwards(api: Client, issue_id: str, ids: list[str]) -> tuple[Issue, list[str]]:
    """Read the issue that the others went into, and which of the others are still there."""
    left = []
    for merged in ids:
        try:
            await api.get("issues", merged, into=Issue)
        except NotFound:
            continue
        left.append(merged)
    return (await api.get("issues", issue_id, into=Issue)).summary(), left


def _told(shown: IssueMerge, outcome: Outcome[Success, tuple[Issue, list[str]]], ids: list[str]) -> IssueMerge:
    """Say what is true after a merge."""
    issue, left = outcome.now
    shown = shown.model_copy(update={"issue": issue})
    if not left:
        return shown.done(outcome.how + MERGED)
    said = NOT_MERGED if len(left) == len(ids) else f"Still there: {', '.join(left)}. The others are gone. {MERGED}"
    return shown.because(outcome.how + said)


TOOLS = [Tool(merge_issues, NAME, "Merge issues", annotations=UPDATE)]
