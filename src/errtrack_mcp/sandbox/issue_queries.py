"""The three queries about issues: the ranking, one issue, and the events of one."""

from typing import Any

from starlette.responses import JSONResponse, Response

from errtrack_mcp.sandbox.calls import READ, Action, Call, Resource
from errtrack_mcp.sandbox.event_context import (
    DEFAULT_INCLUDES,
    INCLUDES,
    VERBOSITIES,
    Shown,
    compact,
    event_bodies,
    shown_by_include,
    shown_by_verbosity,
)
from errtrack_mcp.sandbox.event_filters import (
    is_no_test_account,
    phrase_condition,
    property_condition,
    release_condition,
    search_condition,
)
from errtrack_mcp.sandbox.exception_events import Condition, Event, read_events
from errtrack_mcp.sandbox.issue_detail import breakdown, latest_release, top_in_app_frame
from errtrack_mcp.sandbox.issue_rows import ORDERS, issue_rows, ordered, shortened
from errtrack_mcp.sandbox.known_issues import KnownIssues, known_issues
from errtrack_mcp.sandbox.query_dates import DEFAULT_START, events_period, issues_period
from errtrack_mcp.sandbox.query_fields import (
    REQUIRED,
    Field,
    assignee,
    choice,
    choices,
    dates,
    filters,
    flag,
    read_fields,
    text,
    text_or_texts,
    uuid,
    whole_number,
)

PATH = "/api/projects/{project_id:segment}/error_tracking/query"
STATUSES = ("archived", "active", "resolved", "pending_release", "suppressed", "all")
PREVIEW = 300
SPARKLINE = 12
DATES = Field(dates, {"date_from": DEFAULT_START, "date_to": None})
DIRECTION = Field(choice("ASC", "DESC"), "DESC")

LIST_FIELDS = {
    "dateRange": DATES,
    "status": Field(choice(*STATUSES), "active"),
    "assignee": Field(assignee),
    "filterTestAccounts": Field(flag, default=True),
    "searchQuery": Field(text(500)),
    "filterGroup": Field(filters, ()),
    "orderBy": Field(choice(*ORDERS), "occurrences"),
    "orderDirection": DIRECTION,
    "limit": Field(whole_number(1, 100)),
    "offset": Field(whole_number(0), 0),
    "volumeResolution": Field(whole_number(0, 200), 0),
    "library": Field(text_or_texts),
    "release": Field(text(500)),
    "fingerprint": Field(text_or_texts),
    "user": Field(text(500)),
    "personId": Field(uuid),
    "url": Field(text(1000)),
    "filePath": Field(text(1000)),
}
ISSUE_FIELDS = {
    "issueId": Field(uuid, REQUIRED),
    "dateRange": DATES,
    "filterTestAccounts": Field(flag, default=True),
    "volumeResolution": Field(whole_number(0, 200), 0),
    "includeSparkline": Field(flag, default=False),
    "includeBreakdown": Field(flag, default=False),
}
EVENTS_FIELDS = {
    "issueId": Field(uuid, REQUIRED),
    "dateRange": DATES,
    "filterTestAccounts": Field(flag, default=True),
    "filterGroup": Field(filters, ()),
    "searchQuery": Field(text(500)),
    "orderDirection": DIRECTION,
    "limit": Field(whole_number(1, 20), 1),
    "offset": Field(whole_number(0), 0),
    "onlyAppFrames": Field(flag, default=True),
}
INCLUDE = {"include": Field(choices(*INCLUDES), DEFAULT_INCLUDES)}
VERBOSITY = {"verbosity": Field(choice(*VERBOSITIES), "summary")}


async def query_issues(call: Call) -> Response:
    """POST: the issues with an event in the period, ranked."""
    asked = read_fields(call.body.data, LIST_FIELDS)
    limit = asked["limit"] or call.era.list_limit
    known = known_issues(call)
    period = issues_period(asked["dateRange"], call.sandbox.now())
    resolution = asked["volumeResolution"]
    if not call.era.compact_list:
        resolution = max(1, resolution)
    events = read_events(call, known, period, _conditions(call, asked, known))
    rows = [
        row
        for row in issue_rows(events, known, period, resolution, overlapping=call.era.overlapping_buckets)
        if asked["status"] in ("all", row["status"]) and is_assigned(row, asked["assignee"])
    ]
    rows = ordered(rows, asked["orderBy"], descending=asked["orderDirection"] == "DESC")
    return _page([_list_row(call, row) for row in rows], limit, asked["offset"])


async def query_issue(call: Call) -> Response:
    """POST: one issue, without what is empty; of one that has no event in the period, only the basics."""
    asked = read_fields(call.body.data, ISSUE_FIELDS)
    stored = _stored(call, asked["issueId"])
    if stored is None:
        return Response(status_code=404)
    known = known_issues(call)
    period = issues_period(asked["dateRange"], call.sandbox.now())
    resolution = asked["volumeResolution"] or (SPARKLINE if asked["includeSparkline"] else 1)
    conditions = [is_no_test_account] if asked["filterTestAccounts"] else []
    events = read_events(call, known, period, conditions, issue=asked["issueId"])
    rows = issue_rows(events, known, period, resolution, overlapping=call.era.overlapping_buckets)
    if not rows:
        sparkline: dict[str, Any] = {"sparkline": []} if asked["includeSparkline"] else {}
        return JSONResponse(stored | {"impact": {}} | sparkline)
    body = _issue_body(call, rows[0], events[-1], sparkline=asked["includeSparkline"])
    if asked["includeBreakdown"] and call.era.include:
        body["breakdown"] = breakdown(call, known, asked, conditions)
    return JSONResponse(body)


async def query_issue_events(call: Call) -> Response:
    """POST: the events of one issue, with what was asked for of each."""
    asked = read_fields(call.body.data, EVENTS_FIELDS | (INCLUDE if call.era.include else VERBOSITY))
    if _stored(call, asked["issueId"]) is None:
        return Response(status_code=404)
    known = known_issues(call)
    conditions = [property_condition(item, known) for item in asked["filterGroup"]]
    if asked["filterTestAccounts"]:
        conditions.append(is_no_test_account)
    if asked["searchQuery"]:
        conditions.append(phrase_condition(asked["searchQuery"]))
    asked_dates = asked["dateRange"]
    period = events_period(asked_dates["date_from"], asked_dates["date_to"], call.sandbox.now(), call.sandbox.timezone)
    events = read_events(call, known, period, conditions, issue=asked["issueId"])
    if asked["orderDirection"] == "DESC":
        events.reverse()
    page = events[asked["offset"] : asked["offset"] + asked["limit"]]
    more = len(events) > asked["offset"] + asked["limit"]
    return _answer(event_bodies(page, _shown(asked)), asked["limit"], asked["offset"], more=more)


def _issue_body(call: Call, row: dict[str, Any], latest: Event, *, sparkline: bool) -> dict[str, Any]:
    hidden = {"aggregations"} if call.era.severity else {"aggregations", "severity"}
    counts = row["aggregations"]
    return compact(
        {key: value for key, value in row.items() if key not in hidden}
        | {
            "top_in_app_frame": top_in_app_frame(latest, row),
            "latest_release": latest_release(latest),
            "impact": {name: counts[name] for name in ("occurrences", "users", "sessions")},
            "sparkline": counts["volumeRange"] if sparkline else None,
        }
    )


def is_assigned(row: dict[str, Any], wanted: dict[str, Any] | None) -> bool:
    """Compare whom an issue is assigned to; asking for nobody is not possible."""
    if wanted is None:
        return True
    held = row["assignee"] or {}
    return held.get("type") == wanted["type"] and str(held.get("id")) == str(wanted["id"])


def _shown(asked: dict[str, Any]) -> Shown:
    if "include" in asked:
        return shown_by_include(asked["include"], only_app_frames=asked["onlyAppFrames"])
    return shown_by_verbosity(asked["verbosity"], only_app_frames=asked["onlyAppFrames"])


def _conditions(call: Call, asked: dict[str, Any], known: KnownIssues) -> list[Condition]:
    """Make the conditions of the ranking: everything but status and assignee is asked of each event."""
    items = list(asked["filterGroup"])
    if asked["library"] is not None:
        items.append({"key": "$lib", "value": asked["library"]})
    if asked["fingerprint"] is not None:
        items.append({"key": "$exception_fingerprint", "value": asked["fingerprint"]})
    if asked["url"] is not None:
        items.append({"key": "$current_url", "operator": "icontains", "value": asked["url"]})
    conditions = [property_condition(item, known) for item in items]
    words = [asked[name] for name in ("searchQuery", "user", "filePath") if asked[name]]
    if words:
        conditions.append(search_condition(" ".join(words), whole_list=call.era.search_frames))
    if asked["release"] is not None:
        conditions.append(release_condition(asked["release"]))
    if asked["personId"] is not None:
        conditions.append(lambda event: event.person_id == asked["personId"])
    if asked["filterTestAccounts"]:
        conditions.append(is_no_test_account)
    return conditions


def _stored(call: Call, issue_id: str) -> dict[str, Any] | None:
    """Read the basics of an issue from the other store, where they are always of now."""
    names = ("id", "name", "description", "status", *(("severity",) if call.era.severity else ()))
    sql = "SELECT * FROM issues WHERE team_id = ? AND id = ?"
    row = call.database.one(sql, (call.team_id, issue_id))
    return None if row is None else compact({name: row[name] for name in names})


def _list_row(call: Call, row: dict[str, Any]) -> dict[str, Any]:
    """Leave out what the ranking does not show; null stays."""
    hidden = {"function"} if call.era.severity else {"function", "severity"}
    shown = {key: value for key, value in row.items() if key not in hidden}
    if call.era.compact_list:
        shown["description"] = shortened(row["description"], PREVIEW)
    return shown


def _page(rows: list[dict[str, Any]], limit: int, offset: int) -> Response:
    return _answer(rows[offset : offset + limit], limit, offset, more=len(rows) > offset + limit)


def _answer(results: list[dict[str, Any]], limit: int, offset: int, *, more: bool) -> Response:
    following = {"nextOffset": offset + limit} if more else {}
    return JSONResponse({"results": results, "hasMore": more, "limit": limit, "offset": offset, **following})


RESOURCES = [
    Resource(f"{PATH}/issues", {"POST": Action(READ, query_issues)}),
    Resource(f"{PATH}/issue", {"POST": Action(READ, query_issue)}),
    Resource(f"{PATH}/issue_events", {"POST": Action(READ, query_issue_events)}),
]
