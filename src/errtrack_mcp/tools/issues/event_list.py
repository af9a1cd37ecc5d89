"""The events of an issue with their stacks, page by page."""

from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import Field

from errtrack_mcp.api.client import Client
from errtrack_mcp.api.models import OURS, Page
from errtrack_mcp.tools.annotations import PANEL, READ, Tool
from errtrack_mcp.tools.dependencies import Api
from errtrack_mcp.tools.issues.address import IssueOrAddress, ask_about
from errtrack_mcp.tools.issues.dates import DateFrom, DateTo, Window, read_window
from errtrack_mcp.tools.issues.events import EventsPage, about_newest_event, read_events
from errtrack_mcp.tools.issues.internal_users import ONLY_INTERNAL
from errtrack_mcp.tools.issues.models import with_app_frames
from errtrack_mcp.tools.issues.shown_events import Frames, ShownEvent, fitted, shown_event
from errtrack_mcp.tools.parameters import MAX_TOKENS, MaxTokens, Offset, Text, WholeNumber

EventsLimit = Annotated[int, Field(ge=1, le=20), WholeNumber]
Search = Annotated[Text, Field(max_length=500, description="Part of a type, message or URL")]
TestAccounts = Annotated[bool, Field(description="Show those of internal and test users")]


class IssueEvents(Page[ShownEvent]):
    """Some of the events of an issue, newest first."""

    issue_id: str
    merged: Annotated[str, OURS] = ""
    date_from: str
    date_to: str
    hidden: Annotated[str, Field(description="What is not listed, and how to see it"), OURS]


async def list_issue_events(
    api: Api,
    issue_id: IssueOrAddress,
    date_from: DateFrom = "",
    date_to: DateTo = "",
    search: Search = "",
    test_accounts: TestAccounts = False,
    frames: Frames = "app",
    code_variables: bool = False,
    limit: EventsLimit = 3,
    offset: Offset = 0,
    max_tokens: MaxTokens = MAX_TOKENS,
) -> IssueEvents:
    """List events of an issue, newest first, with stack traces: outermost call first, the throw_site marked."""
    window = read_window(date_from, date_to, datetime.now(UTC))
    asked: dict[str, Any] = {
        "limit": limit,
        "offset": offset,
        "search": search,
        "test_accounts": test_accounts,
        "code_variables": code_variables,
    }

    async def ask(known_id: str) -> EventsPage:
        page = await read_events(api, known_id, window, **asked)
        return await _with_app_frames(api, known_id, window, page, asked) if frames == "app" else page

    page, found = await ask_about(api, issue_id, ask)
    rows = [shown_event(event, frames) for event in page.events]
    if rows:
        rows[0] = fitted(rows[0], max_tokens)
    hidden = _hidden(page, search, test_accounts=test_accounts)
    if not rows and not offset:
        hidden = await _why_none(api, found.id, window, search, test_accounts=test_accounts)
    answer = IssueEvents(
        count=None,
        next_offset=page.next_offset,
        results=rows,
        issue_id=found.id,
        **({"merged": found.merged} if found.merged else {}),
        date_from=window.date_from,
        date_to=window.date_to,
        hidden=hidden,
    )
    return answer.shrunk(rows, range(offset, offset + len(rows)), max_tokens)


async def _with_app_frames(
    api: Client, issue_id: str, window: Window, page: EventsPage, asked: dict[str, Any]
) -> EventsPage:
    """Read cut stacks again without frames of libraries, which may have taken all the room that PostHog gives."""
    if not any(item.frames_omitted for event in page.events for item in event.exceptions):
        return page
    again = await read_events(api, issue_id, window, only_app_frames=True, **asked)
    app_only = {event.uuid: event for event in again.events}
    events = [
        with_app_frames(event, app_only[event.uuid]) if event.uuid in app_only else event for event in page.events
    ]
    return EventsPage(events, page.next_offset, page.searched_messages_only)


async def _why_none(api: Client, issue_id: str, window: Window, search: str, *, test_accounts: bool) -> str:
    """Say why there are no events: a filter hides them, or they are of another time."""
    filtered = bool(search) or not test_accounts
    if filtered and (await read_events(api, issue_id, window, limit=1, test_accounts=True)).events:
        hidden = "There are events in this time; search, or leaving out internal and test users, hides them all."
        return hidden if search else ONLY_INTERNAL
    newest = await about_newest_event(api, issue_id, window)
    return f"There is no event in this time. {newest}"


def _hidden(page: EventsPage, search: str, *, test_accounts: bool) -> str:
    said = []
    if not test_accounts:
        said.append("Events of internal and test users are not listed (test_accounts=true lists them).")
    if search:
        where = "whose message does not hold it (this installation searches no more)"
        said.append(f"search leaves out events {where if page.searched_messages_only else 'that do not hold it'}.")
    if any(event.throws_last is None for event in page.events):
        said.append("No throw_site is marked: before July 2026 posthog-go sent stacks the other way round.")
    return " ".join(said)


TOOLS = [
    Tool(
        list_issue_events, "query-error-tracking-issue-events", "List events of an issue", annotations=READ, meta=PANEL
    )
]
