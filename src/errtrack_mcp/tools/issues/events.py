"""Reading the events of an issue, each with its exceptions and frames."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from errtrack_mcp.api.client import Client
from errtrack_mcp.api.errors import BadShape
from errtrack_mcp.tools.issues.dates import Window
from errtrack_mcp.tools.issues.internal_users import ONLY_INTERNAL
from errtrack_mcp.tools.issues.models import Event, read_events_of
from errtrack_mcp.tools.issues.queries import AnyIssue, Rows, ask_general, ask_route, of_issue

# What newer installations are told to send, and what older ones are: each ignores the word of the other.
INCLUDE = ("exception", "stacktrace", "environment", "navigation", "correlation")
EARLIEST = timedelta(days=4 * 365)  # PostHog itself looks no further back for "all"
VERBOSITY = "raw"
COLUMNS = ("uuid", "timestamp", "distinct_id", "properties")


class EventsPage(NamedTuple):
    """Some of the events of an issue, newest first, and the offset of the next ones (None: there are no more).

    `searched_messages_only`: the installation is too old to search types and URLs as well.
    """

    events: list[Event]
    next_offset: int | None
    searched_messages_only: bool = False


async def read_events(
    api: Client,
    issue_id: str,
    window: Window,
    *,
    limit: int,
    offset: int = 0,
    only_app_frames: bool = False,
    test_accounts: bool = False,
    search: str = "",
    code_variables: bool = False,
) -> EventsPage:
    """Read events of an issue: `limit` is 1 to 20, `search` a part of a type, message or URL.

    Events of internal and test users are left out unless `test_accounts`. On installations without the query routes
    the key needs query:read. Raises NotFound where there is no such issue.
    """
    body: dict[str, Any] = {
        "issueId": issue_id,
        "dateRange": window.date_range,
        "filterTestAccounts": not test_accounts,
        "onlyAppFrames": only_app_frames,
        "include": [*INCLUDE, "code_variables"] if code_variables else list(INCLUDE),
        "verbosity": VERBOSITY,
        "limit": limit,
        "offset": offset,
    }
    if search:
        body["searchQuery"] = search
    rows = await ask_route(api, "issue_events", body, Rows[dict[str, Any]])
    if rows is not None:
        return EventsPage(_read(rows.results, only_app_frames=only_app_frames), rows.next_offset(offset))
    general = await _ask_general(api, issue_id, _events_query(api, issue_id, window, body))
    events = _read(general.results, only_app_frames=only_app_frames)
    return EventsPage(events, general.next_offset(offset), searched_messages_only=bool(search))


async def about_newest_event(api: Client, issue_id: str, window: Window) -> str:
    """Say when the newest event of an issue was, where none is in the time that was asked about."""
    now = datetime.now(UTC)
    ever = Window(min(window.end, now) - EARLIEST, now)
    newest = (await read_events(api, issue_id, ever, limit=1, test_accounts=True)).events
    if not newest:
        return "PostHog has no event of this issue any more."
    if window.start <= newest[0].timestamp < window.end:
        return ONLY_INTERNAL
    return f"The newest is of {newest[0].written_time}: choose date_from and date_to around it."


async def read_captured_events(api: Client, issue_id: str, window: Window, *, limit: int) -> list[Event]:
    """Read the newest events as they were captured, with the ids of chunks and frames, which the route leaves out.

    The key needs query:read.
    """
    query = _events_query(api, issue_id, window, {"filterTestAccounts": False, "limit": limit, "offset": 0})
    return _read((await _ask_general(api, issue_id, query)).results)


def _events_query(api: Client, issue_id: str, window: Window, body: Mapping[str, Any]) -> dict[str, Any]:
    """Return the same question for the general query (docs/posthog-api.md, section 12)."""
    query: dict[str, Any] = {
        "kind": "EventsQuery",
        "event": "$exception",
        "select": list(COLUMNS),
        "where": [of_issue(api, issue_id)],
        "after": window.date_from,
        "before": window.date_to,
        "orderBy": ["timestamp DESC"],
        "filterTestAccounts": body["filterTestAccounts"],
        "limit": body["limit"],
        "offset": body["offset"],
    }
    if search := body.get("searchQuery"):
        found = {"key": "$exception_values", "value": search, "operator": "icontains", "type": "event"}
        query["properties"] = [found]
    return query


async def _ask_general(api: Client, issue_id: str, query: Mapping[str, Any]) -> Rows[dict[str, Any]]:
    """Ask the general query, and give the values in its rows their names."""
    rows = await ask_general(api, query, Rows[list[Any]], json_columns=[COLUMNS.index("properties")])
    if not rows.results:
        await api.get("issues", issue_id, into=AnyIssue)  # this query knows no issue that does not exist
    named = [dict(zip(COLUMNS, row, strict=False)) for row in rows.results]
    return Rows(results=named, hasMore=rows.has_more)


def _read(rows: list[dict[str, Any]], *, only_app_frames: bool = False) -> list[Event]:
    try:
        return read_events_of(rows, only_app_frames=only_app_frames)
    except ValueError:
        raise BadShape(200, "timestamp") from None
