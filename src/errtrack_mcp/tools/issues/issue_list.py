"""The list of issues that occurred in a time, ranked and filtered."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field
from pydantic_core import to_json

from errtrack_mcp.api.client import Client
from errtrack_mcp.api.models import OURS, Page, ToolOutput
from errtrack_mcp.api.posthog import issue_url
from errtrack_mcp.api.sanitize import clean
from errtrack_mcp.tools.annotations import READ, Tool
from errtrack_mcp.tools.dependencies import Api
from errtrack_mcp.tools.issues.dates import DateFrom, DateTo, read_window
from errtrack_mcp.tools.issues.internal_users import TestAccounts
from errtrack_mcp.tools.issues.queries import Rows, ask_general, ask_route
from errtrack_mcp.tools.issues.rows import IssueRow
from errtrack_mcp.tools.parameters import MAX_TOKENS, MaxTokens, Offset, Text, WholeNumber
from errtrack_mcp.tools.refusal import Refusal

MAX_LISTED_LENGTH = 400  # of a description or a source; newer installations cut the first themselves
# Where events name their release: since August 2026, and before (docs/posthog-api.md, section 11.3).
RELEASE_PROPERTIES = ("$exception_release", "$exception_releases")
LATEST, EARLIER = RELEASE_PROPERTIES

OrderBy = Literal["occurrences", "last_seen", "first_seen", "users", "sessions"]
Ascending = Annotated[bool, Field(description="Smallest or oldest first")]
Status = Annotated[
    Literal["active", "resolved", "suppressed", "all"],
    Field(description="resolved: also archived and pending_release"),
]
Search = Annotated[
    Text, Field(max_length=250, description="Words that all occur in type, message, function, source or email")
]
FilePath = Annotated[Text, Field(max_length=240, description="Part of a source path")]
Release = Annotated[Text, Field(max_length=500, description="Id, version or commit")]
Library = Annotated[Text, Field(max_length=250, description="SDK, as web or posthog-node")]
Url = Annotated[Text, Field(max_length=1000, description="Part of the page's URL")]
Severity = Literal["any", "none", "low", "medium", "high", "critical"]
UserId = Annotated[int, Field(ge=0, le=2**31 - 1, description="Assigned to this user; 0: any"), WholeNumber]
RoleId = Annotated[UUID | None, Field(description="Assigned to this role")]
IssuesLimit = Annotated[int, Field(ge=1, le=100), WholeNumber]
Question = dict[str, Any]


class ListedIssue(ToolOutput):
    """An issue with its counts in the time asked for."""

    id: str
    name: str
    description: str
    status: str
    severity: str = ""
    first_seen: str
    last_seen: str
    library: str
    source: str
    assignee: dict[str, Any] | None
    occurrences: int
    estimated_users: int
    estimated_sessions: int
    link: Annotated[str, OURS]


class IssuesPage(Page[ListedIssue]):
    """Some of the issues that occurred between two moments."""

    date_from: str
    date_to: str
    hidden: Annotated[str, Field(description="What is not listed or counted"), OURS]


async def list_issues(
    api: Api,
    order_by: OrderBy = "occurrences",
    ascending: Ascending = False,
    date_from: DateFrom = "",
    date_to: DateTo = "",
    status: Status = "active",
    severity: Severity = "any",
    search: Search = "",
    file_path: FilePath = "",
    release: Release = "",
    library: Library = "",
    url: Url = "",
    assignee_user_id: UserId = 0,
    assignee_role_id: RoleId = None,
    test_accounts: TestAccounts = False,
    limit: IssuesLimit = 10,
    offset: Offset = 0,
    max_tokens: MaxTokens = MAX_TOKENS,
) -> IssuesPage:
    """List issues with an event in a time, ranked. Filters apply to events, so they lower counts too."""
    window = read_window(date_from, date_to, datetime.now(UTC))
    question: Question = {
        "orderBy": order_by,
        "orderDirection": "ASC" if ascending else "DESC",
        "dateRange": window.date_range,
        "status": status,
        "filterTestAccounts": not test_accounts,
        "limit": limit,
        "offset": offset,
        "filterGroup": [*_event_filters(library, url), *_severity_filter(severity)],
    }
    if words := _search_words(search, file_path):
        question["searchQuery"] = words
    if assignee := _assignee(assignee_user_id, assignee_role_id):
        question["assignee"] = assignee
    rows = await _ask(api, question, release)
    _check_severity(rows.results, severity)
    listed = [_listed(api, row) for row in rows.results]
    exact = _exact(release, library) if not listed and not offset else []
    page = IssuesPage(
        count=None,
        next_offset=rows.next_offset(offset),
        results=listed,
        date_from=window.date_from,
        date_to=window.date_to,
        hidden=" ".join([_hidden(api, status, test_accounts=test_accounts), *exact]),
    )
    return page.shrunk(listed, range(offset, offset + len(listed)), max_tokens)


def _event_filters(library: str, url: str) -> list[Question]:
    filters = (("$lib", library, "exact"), ("$current_url", url, "icontains"))
    return [_event_filter(key, value, operator) for key, value, operator in filters if value]


def _event_filter(key: str, value: str, operator: str) -> Question:
    return {"key": key, "value": value, "operator": operator, "type": "event"}


def _severity_filter(severity: str) -> list[Question]:
    if severity == "any":
        return []
    operator = "is_not_set" if severity == "none" else "exact"  # neither goes without a value
    return [{"key": "severity", "value": severity, "operator": operator, "type": "error_tracking_issue"}]


def _check_severity(rows: list[IssueRow], severity: str) -> None:
    """Refuse an answer that passed over the filter, as before August 2026 (docs/posthog-api.md, section 10.1)."""
    wanted = {"any": [row.severity for row in rows], "none": [None, ""]}.get(severity, [severity])
    if any(row.severity not in wanted for row in rows):
        raise Refusal("invalid_arguments", "This installation of PostHog does not filter by severity: ask without it.")


def _search_words(search: str, file_path: str) -> str:
    """Return what is searched for: PostHog, too, looks for a path as for one more word."""
    return " ".join(word for word in (search, f'"{file_path}"' if file_path else "") if word)


def _assignee(user_id: int | None, role_id: UUID | None) -> Question | None:
    if user_id and role_id is not None:
        raise Refusal("invalid_arguments", "Give assignee_user_id or assignee_role_id: an issue has one assignee.")
    if user_id:
        return {"id": user_id, "type": "user"}
    return {"id": str(role_id), "type": "role"} if role_id is not None else None


async def _ask(api: Client, question: Question, release: str) -> Rows[IssueRow]:
    """Ask for the issues; for those of a release where its events name it today, and else where they did before."""
    if not release:
        return await _ask_once(api, question)
    rows = await _ask_once(api, _of_release(question, LATEST, release))
    return rows if rows.results else await _ask_once(api, _of_release(question, EARLIER, release))


def _of_release(question: Question, name: str, release: str) -> Question:
    """Look for a whole value in the JSON of the property: PostHog's own filter reads the one that is not written now.

    The id, the version or the commit fits; so would an app of that name.
    """
    value = to_json(release).decode()
    return {**question, "filterGroup": [*question["filterGroup"], _event_filter(name, value, "icontains")]}


async def _ask_once(api: Client, question: Question) -> Rows[IssueRow]:
    rows = await ask_route(api, "issues", question, Rows[IssueRow])
    return await ask_general(api, _general(question), Rows[IssueRow]) if rows is None else rows


def _general(question: Mapping[str, Any]) -> Question:
    """Return the same question for the general query; its older forms divide by the resolution of the volume."""
    group = {"type": "AND", "values": [{"type": "AND", "values": question["filterGroup"]}]}
    fixed = {"kind": "ErrorTrackingQuery", "volumeResolution": 1, "withFirstEvent": False}
    return {**fixed, **question, "filterGroup": group}


def _listed(api: Client, row: IssueRow) -> ListedIssue:
    return ListedIssue(
        id=row.id,
        name=clean(row.name, MAX_LISTED_LENGTH),
        description=clean(row.description, MAX_LISTED_LENGTH),
        status=row.status,
        **({"severity": row.severity} if row.severity else {}),
        first_seen=row.first_seen,
        last_seen=row.last_seen,
        library=clean(row.library, MAX_LISTED_LENGTH),
        source=clean(row.source, MAX_LISTED_LENGTH),
        assignee=row.assignee,
        occurrences=row.aggregations.occurrences,
        estimated_users=row.aggregations.users,
        estimated_sessions=row.aggregations.sessions,
        link=issue_url(api.origin, api.prefix[-1], row.id),
    )


def _hidden(api: Client, status: str, *, test_accounts: bool) -> str:
    """Say what a reader could otherwise take for absent (docs/posthog-api.md, section 10.2)."""
    said = ["Not listed: issues without an event in this time" + (f" or not {status}." if status != "all" else ".")]
    if not test_accounts:
        said.append("Not counted: events of internal and test users.")
    if api.query_routes.are_missing(api.origin):
        said.append("This installation knows no severity.")
    return " ".join(said)


def _exact(release: str, library: str) -> list[str]:
    """Say which filters have to be whole, where nothing was found with them."""
    said = []
    if release:
        said.append("release must be exactly an id, version or commit, without the name of the app.")
    if library:
        said.append("library must be exactly an SDK's own name: web, posthog-node, posthog-python, posthog-ios.")
    return said


TOOLS = [Tool(list_issues, "query-error-tracking-issues-list", "List issues", annotations=READ)]
