"""Splitting fingerprints off an issue, each into a new issue of its own."""

from functools import partial
from typing import Annotated, Any

from mcp.server.mcpserver import Context, Elicit, Resolve
from pydantic import BaseModel, Field

from errtrack_mcp.api.client import Client
from errtrack_mcp.api.errors import IssueMerged
from errtrack_mcp.api.models import ToolOutput
from errtrack_mcp.api.sanitize import quoted
from errtrack_mcp.tools.annotations import UPDATE, Tool
from errtrack_mcp.tools.deletion import PREVIEWED, ChangeOutput, ConfirmCode, Preview, consent_to, kept_from_changing
from errtrack_mcp.tools.dependencies import Api
from errtrack_mcp.tools.elicitation import Consent, Decision
from errtrack_mcp.tools.issues.address import IssueOrAddress, find_issue_id
from errtrack_mcp.tools.issues.issue_changes import Issue
from errtrack_mcp.tools.issues.merge import OwnedFingerprint
from errtrack_mcp.tools.issues.read_back import Outcome, made_and_read
from errtrack_mcp.tools.parameters import Confirm, ListInText, Text
from errtrack_mcp.tools.refusal import Refusal

NAME = "error-tracking-issues-split-create"
MAX_SPLIT = 10
MAX_PAGES = 10
ROWS_A_PAGE = 100
LISTING = "error-tracking-fingerprints-list"

Fingerprints = Annotated[
    list[Annotated[Text, Field(min_length=1, max_length=2_048)]],
    Field(min_length=1, max_length=MAX_SPLIT, description=f"From {LISTING}"),
    ListInText,
]
Names = Annotated[
    list[Annotated[Text, Field(max_length=1_000)]],
    Field(max_length=MAX_SPLIT, description="Of the new issues, in the order of fingerprints. Default: Untitled issue"),
    ListInText,
]
SPIKES = "The spike events of the former issue are deleted"
UNDONE_BY = "To undo by hand: merge the new issues into the former one."
TO_BE_SPLIT = f" {SPIKES} by a split, and do not come back. {UNDONE_BY}"
SPLIT = f"Each is an active issue without assignee and severity; counts follow within seconds. {SPIKES}. {UNDONE_BY}"
NOT_SPLIT = "PostHog split nothing off: every fingerprint still belongs to the issue."
EMPTIED = " That is every fingerprint that it has: the issue stays behind empty."


class SplitOff(ToolOutput):
    """A fingerprint, and the issue that it belongs to."""

    fingerprint: str
    issue_id: Annotated[str, Field(description="New issue, once it is made")] = ""
    name: str = ""


class IssueSplit(ChangeOutput):
    """A split, previewed or made."""

    issue: Issue
    fingerprints: list[SplitOff]
    fingerprints_in_all: Annotated[int, Field(description="Of the issue before")]


class NewIssues(BaseModel):
    """What PostHog answers to a split."""

    new_issue_ids: list[str] = []


async def preview_split(
    api: Api, issue_id: IssueOrAddress, fingerprints: Fingerprints, names: Names | None = None
) -> Preview[IssueSplit]:
    """Read what would be split off."""
    if len(set(fingerprints)) != len(fingerprints) or len(names or ()) > len(fingerprints):
        raise Refusal("invalid_arguments", "Give each of fingerprints once, and no more names than fingerprints.")
    issue = (await api.get("issues", await find_issue_id(api, issue_id), into=Issue)).summary()
    in_all = await _check_ownership(api, issue.id, fingerprints)
    named = [*(names or ()), *[""] * len(fingerprints)]
    rows = [
        SplitOff(fingerprint=fingerprint, **({"name": name} if name else {}))
        for fingerprint, name in zip(fingerprints, named, strict=False)
    ]
    code = ConfirmCode(api, NAME, issue.model_dump(), in_all, [row.model_dump() for row in rows])
    emptied = EMPTIED if in_all == len(rows) else ""
    shown = IssueSplit(
        changed=False,
        issue=issue,
        fingerprints=rows,
        fingerprints_in_all=in_all,
        confirm=str(code),
        next_step=PREVIEWED + TO_BE_SPLIT + emptied,
    )
    number = f"{len(rows)} of its {in_all} fingerprints"
    question = f"Split {number} off {quoted(issue.name or issue.id)}, and delete its spike events? There is no undo."
    return Preview(shown, question + emptied)


Previewed = Annotated[Preview[IssueSplit], Resolve(preview_split)]


async def ask_consent(
    context: Context[Any, Any], preview: Previewed, confirm: Confirm = ""
) -> Elicit[Consent] | Consent:
    """Ask the user before a split that the caller has confirmed."""
    return consent_to(context, preview, confirm)


async def split_issue(
    api: Api,
    preview: Previewed,
    decision: Annotated[Decision, Resolve(ask_consent)],
    issue_id: IssueOrAddress,
    fingerprints: Fingerprints,
    names: Names | None = None,
    confirm: Confirm = "",
) -> IssueSplit:
    """Split fingerprints off an issue, each into a new issue. The first call, without confirm, only previews."""
    again = partial(preview_split, api, issue_id, fingerprints, names)
    if kept := await kept_from_changing(preview, confirm, decision, again):
        return kept
    former = preview.shown.issue.id
    body = {"fingerprints": [row.model_dump(include={"fingerprint", "name"}) for row in preview.shown.fingerprints]}
    outcome = await made_and_read(
        lambda: api.post("issues", former, "split", body=body, into=NewIssues),
        lambda: _owners(api, former, fingerprints),
    )
    return _told(preview.shown, outcome)


async def _check_ownership(api: Client, issue_id: str, fingerprints: list[str]) -> int:
    """Return how many fingerprints the issue has. Raises Refusal for one that is not among them: PostHog skips it."""
    missing, in_all, offset = set(fingerprints), 0, 0
    for _ in range(MAX_PAGES):
        page = await api.get_page(
            "fingerprints", of=OwnedFingerprint, offset=offset, limit=ROWS_A_PAGE, issue_id=issue_id
        )
        missing -= {row.fingerprint for row in page.results if row.issue_id in {"", issue_id}}
        in_all = max(in_all, page.count or 0, offset + len(page.results))
        if not missing or page.next_offset is None:
            break
        offset = page.next_offset
    if missing:
        named = ", ".join(quoted(fingerprint, 40) for fingerprint in sorted(missing)[:3])
        raise Refusal(
            "invalid_arguments",
            f"These fingerprints were not found among those of issue {issue_id}: {named}. Nothing was split. Take them "
            f"from {LISTING}.",
        )
    return in_all


async def _owners(api: Client, issue_id: str, fingerprints: list[str]) -> dict[str, str]:
    """Return the issue that each fingerprint belongs to: PostHog names it where it is another than the one asked."""
    owners = {}
    for fingerprint in fingerprints:
        try:
            await api.get("issues", issue_id, into=Issue, fingerprint=fingerprint)
        except IssueMerged as elsewhere:
            owners[fingerprint] = elsewhere.issue_id
        else:
            owners[fingerprint] = issue_id
    return owners


def _told(shown: IssueSplit, outcome: Outcome[NewIssues, dict[str, str]]) -> IssueSplit:
    """Say what is true after a split."""
    former = shown.issue.id
    rows = [
        row.model_copy(update={"issue_id": owner}) if (owner := outcome.now[row.fingerprint]) != former else row
        for row in shown.fingerprints
    ]
    shown = shown.model_copy(update={"fingerprints": rows})
    made = sum(bool(row.issue_id) for row in rows)
    if made == len(rows):
        return shown.done(outcome.how + SPLIT)
    if not made:
        return shown.because(outcome.how + NOT_SPLIT)
    return shown.because(f"{outcome.how}Only those with an issue_id were split off. {SPLIT}")


TOOLS = [Tool(split_issue, NAME, "Split issue", annotations=UPDATE)]
