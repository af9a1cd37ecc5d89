"""Changes of one issue that can be taken back: its fields, and who is to look after it."""

from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from errtrack_mcp.api.models import OURS, ApiModel, ToolOutput
from errtrack_mcp.api.sanitize import clean
from errtrack_mcp.tools.annotations import UPDATE, Tool
from errtrack_mcp.tools.dependencies import Api
from errtrack_mcp.tools.issues.address import IssueOrAddress, find_issue_id
from errtrack_mcp.tools.issues.read_back import made_and_read
from errtrack_mcp.tools.parameters import Text, WholeNumber
from errtrack_mcp.tools.refusal import Refusal

MAX_SHOWN_DESCRIPTION = 300
UNCHANGED = "unchanged"  # a strict client must send a value for everything
CONSEQUENCES = {
    "active": "PostHog tells those who subscribed to alerts that it was reopened.",
    "resolved": "The next error of this kind reopens it, also one from an old version that somebody still uses.",
    "suppressed": "PostHog drops its errors from now on and does not count them.",
}
LAG = "Lists may show the earlier state for a while."

Status = Annotated[
    Literal["unchanged", "active", "resolved", "suppressed"],
    Field(description="archived and pending_release can only be read"),
]
Severity = Annotated[
    Literal["unchanged", "low", "medium", "high", "critical", "none"], Field(description="none: take it away")
]
Name = Annotated[Text | None, Field(min_length=1)]
Description = Annotated[Text | None, Field(min_length=1)]
UserId = Annotated[
    int, Field(ge=0, le=2**31 - 1, description="Number of a user, as in an assignee; 0: no user"), WholeNumber
]
RoleId = Annotated[UUID | None, Field(description="Id of a role")]


class Issue(ApiModel):
    """An issue as its own endpoint has it (docs/posthog-api.md, section 10)."""

    id: str
    name: str = ""
    description: str = ""
    status: str = ""
    severity: str | None = None
    first_seen: str = ""
    assignee: dict[str, Any] | None = None
    external_issues: list[dict[str, Any]] = Field(default=[])
    cohort: dict[str, Any] | None = None

    def summary(self) -> "Issue":
        """Return it with its description cut, and without what only a few issues have and this one has not."""
        shown = self.model_fields_set - {"description", "external_issues", "cohort"}
        kept = {name: value for name, value in self.model_dump().items() if name in shown & Issue.model_fields.keys()}
        if self.description:
            kept["description"] = clean(self.description, MAX_SHOWN_DESCRIPTION)
        kept |= {name: value for name in ("external_issues", "cohort") if (value := getattr(self, name))}
        return Issue.model_validate(kept)


class ChangedIssue(ToolOutput):
    """An issue as it is after a change; `changed`: it is now as was asked."""

    changed: bool
    issue: Issue
    note: Annotated[str, OURS]


async def update_issue(
    api: Api,
    issue_id: IssueOrAddress,
    status: Status = "unchanged",
    severity: Severity = "unchanged",
    name: Name = None,
    description: Description = None,
    clear_name: bool = False,
    clear_description: bool = False,
) -> ChangedIssue:
    """Change the fields given and return the issue as it is afterwards."""
    if (name and clear_name) or (description and clear_description):
        raise Refusal("invalid_arguments", "Give a text or clear it, not both. Nothing was changed.")
    texts = {"name": name, "description": description}
    body: dict[str, Any] = {field: text for field, text in texts.items() if text is not None}
    body |= {field: None for field, asked in (("name", clear_name), ("description", clear_description)) if asked}
    if status != UNCHANGED:
        body["status"] = status
    if severity != UNCHANGED:
        body["severity"] = None if severity == "none" else severity
    if not body:
        raise Refusal("invalid_arguments", "Nothing to change: give a field, or clear_name or clear_description.")
    return await _changed(api, issue_id, (), body, CONSEQUENCES.get(status, ""))


async def assign_issue(
    api: Api, issue_id: IssueOrAddress, user_id: UserId = 0, role_id: RoleId = None, nobody: bool = False
) -> ChangedIssue:
    """Assign an issue to a user, to a role, or with nobody=true to nobody. PostHog emails the new assignee."""
    if sum((bool(user_id), role_id is not None, nobody)) != 1:
        raise Refusal(
            "invalid_arguments", "Give one of user_id, role_id and nobody=true. Nothing was sent, nothing was changed."
        )
    assignee: dict[str, Any] | None = None
    if user_id:
        assignee = {"id": user_id, "type": "user"}
    elif role_id is not None:
        assignee = {"id": str(role_id), "type": "role"}
    return await _changed(api, issue_id, ("assign",), {"assignee": assignee}, "")


async def _changed(
    api: Api, issue: str, path: tuple[str, ...], body: Mapping[str, Any], consequence: str
) -> ChangedIssue:
    """Send a change, read the issue back, and compare."""
    one = ("issues", await find_issue_id(api, issue))
    outcome = await made_and_read(partial(api.patch, *one, *path, body=body), partial(api.get, *one, into=Issue))
    now = outcome.now
    different = [field for field, value in body.items() if not _same(getattr(now, field), value)]
    if different:
        said = (
            f"Not as asked: {', '.join(different)}. Somebody else may have changed it, or PostHog kept the old value."
        )
    else:
        said = f"{consequence} {LAG}".strip()
    return ChangedIssue(changed=not different, issue=now.summary(), note=outcome.how + said)


def _same(now: Any, asked: Any) -> bool:
    """Return whether what was read is what was asked for; text comes back cleaned."""
    if isinstance(asked, dict):
        return isinstance(now, dict) and all(str(now.get(key)) == str(value) for key, value in asked.items())
    return bool(now == clean(asked)) if isinstance(asked, str) else not now


TOOLS = [
    Tool(update_issue, "error-tracking-issues-partial-update", "Update issue", annotations=UPDATE),
    Tool(assign_issue, "error-tracking-issues-assign-partial-update", "Assign issue", annotations=UPDATE),
]
