"""The general query, `POST /api/projects/{id}/query/`: the kinds that error tracking needs, and no others."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import uuid4

from starlette.responses import JSONResponse, Response

from errtrack_mcp.sandbox.calls import Action, Call, Resource
from errtrack_mcp.sandbox.database import shown_time, stored_time
from errtrack_mcp.sandbox.envelope import invalid, server_error, throttled
from errtrack_mcp.sandbox.event_filters import (
    group_condition,
    is_no_test_account,
    property_condition,
    search_condition,
)
from errtrack_mcp.sandbox.exception_events import Condition, Event, read_events
from errtrack_mcp.sandbox.hogql import DEFAULT_ROWS, MOST_ROWS, Answer, run_select, run_statement, translate
from errtrack_mcp.sandbox.issue_queries import STATUSES, is_assigned
from errtrack_mcp.sandbox.issue_rows import ORDERS, issue_rows, ordered
from errtrack_mcp.sandbox.known_issues import KnownIssues, known_issues
from errtrack_mcp.sandbox.query_dates import events_period, issues_period
from errtrack_mcp.sandbox.query_fields import (
    REQUIRED,
    Field,
    an_object,
    assignee,
    choice,
    filters,
    flag,
    or_null,
    read_fields,
    text,
    texts,
    uuid,
    whole_number,
)
from errtrack_mcp.sandbox.throttle import HOUR, MINUTE, Bucket, Limit

PATH = "/api/projects/{project_id:segment}/query"
SCOPE = "query:read"
QUERIES = Bucket("queries", (Limit(240, MINUTE), Limit(1200, HOUR)))
STATEMENTS = Bucket("statements", (Limit(120, HOUR),))  # of all keys of a project together
PASSED_OVER = {"kind", "tags", "modifiers", "version", "useQueryV1", "useQueryV2", "useQueryV3"}
FIRST_ROW, NO_LIMIT = Field(whole_number(0), 0), Field(whole_number(1, MOST_ROWS), DEFAULT_ROWS)

ISSUES_FIELDS = {
    "orderBy": Field(choice(*ORDERS), REQUIRED),
    "dateRange": Field(an_object, REQUIRED),
    "volumeResolution": Field(whole_number(0), REQUIRED),
    "issueId": Field(or_null(uuid)),
    "orderDirection": Field(or_null(choice("ASC", "DESC"))),
    "status": Field(or_null(choice(*STATUSES)), "all"),
    "assignee": Field(assignee),
    "filterGroup": Field(or_null(an_object)),
    "filterTestAccounts": Field(flag, default=False),
    "searchQuery": Field(or_null(text())),
    "personId": Field(or_null(uuid)),
    "withAggregations": Field(flag, default=True),
    "withFirstEvent": Field(flag),
    "withLastEvent": Field(flag, default=False),
    "limit": NO_LIMIT,
    "offset": FIRST_ROW,
}
STATEMENT_FIELDS = {"query": Field(text(), REQUIRED), "values": Field(an_object, {})}
EVENTS_FIELDS = {
    "select": Field(texts, REQUIRED),
    "where": Field(texts, ()),
    "event": Field(or_null(text())),
    "after": Field(or_null(text())),
    "before": Field(or_null(text())),
    "orderBy": Field(texts, ()),
    "properties": Field(filters, ()),
    "filterTestAccounts": Field(flag, default=False),
    "limit": NO_LIMIT,
    "offset": FIRST_ROW,
}


async def query(call: Call) -> Response:
    """POST: one query, answered at once whatever `refresh` says."""
    asked = call.data().get("query")
    kind = asked.get("kind") if isinstance(asked, dict) else None
    if not isinstance(asked, dict) or not isinstance(kind, str) or kind not in KINDS:
        raise invalid(f"The sandbox answers no query of kind {kind!r}, only {', '.join(KINDS)}.", attr="query__kind")
    fields, run = KINDS[kind]
    unknown = asked.keys() - fields.keys() - PASSED_OVER
    if unknown:
        raise invalid(f"Extra inputs are not permitted: {', '.join(sorted(unknown))}", attr="query")
    return JSONResponse(run(call, read_fields(asked, fields)) | _envelope(call))


def query_issues(call: Call, asked: Mapping[str, Any]) -> dict[str, Any]:
    """ErrorTrackingQuery: issues with an event in the period; an unknown issue is no row, and no error."""
    if asked["volumeResolution"] == 0 and not call.era.compact_list:
        raise server_error()  # it divides by it
    known = known_issues(call)
    period = issues_period(asked["dateRange"], call.sandbox.now())
    events = read_events(call, known, period, _conditions(call, asked, known), issue=asked["issueId"])
    overlapping = call.era.overlapping_buckets
    rows = [
        row
        for row in issue_rows(events, known, period, asked["volumeResolution"], overlapping=overlapping)
        if asked["status"] in (None, "all", row["status"]) and is_assigned(row, asked["assignee"])
    ]
    direction = asked["orderDirection"] or ("ASC" if asked["orderBy"] == "first_seen" else "DESC")
    rows = ordered(rows, asked["orderBy"], descending=direction == "DESC")
    offset, limit = asked["offset"], asked["limit"]
    shown = rows[offset : offset + limit]
    results = [_issue(call, asked, row, [event for event in events if event.issue_id == row["id"]]) for row in shown]
    columns = list(results[0]) if results else []
    return _page(results, columns, limit, offset, more=len(rows) > offset + limit)


def query_statement(call: Call, asked: Mapping[str, Any]) -> dict[str, Any]:
    """HogQLQuery: a statement on all exception events of the project."""
    if call.sandbox.throttle is not None:
        wait = call.sandbox.throttle.admit(f"project {call.team_id}", STATEMENTS)
        if wait is not None:
            raise throttled(wait)
    now = call.sandbox.now()
    known = known_issues(call)
    events = read_events(call, known, events_period("all", "9999-01-01", now, "UTC"))
    return _table(run_statement(asked["query"], events, now, asked["values"]))


def query_events(call: Call, asked: Mapping[str, Any]) -> dict[str, Any]:
    """EventsQuery: columns of the events of a period, which is a day unless `after` is given."""
    now = call.sandbox.now()
    order = ", ".join(asked["orderBy"]) or "timestamp DESC"
    where = " AND ".join(f"({condition})" for condition in asked["where"]) or "event = '$exception'"
    chosen = ", ".join(asked["select"])
    select = translate(f"SELECT {chosen} FROM events WHERE {where} ORDER BY {order}", now, {})  # noqa: S608
    known = known_issues(call)
    conditions = [property_condition(item, known) for item in asked["properties"]]
    if asked["filterTestAccounts"]:
        conditions.append(is_no_test_account)
    if asked["event"] not in (None, "$exception"):
        conditions.append(lambda _event: False)
    period = events_period(asked["after"], asked["before"], now, call.sandbox.timezone)
    events = read_events(call, known, period, conditions)
    answer = run_select(select, events, now, limit=asked["limit"], offset=asked["offset"])
    return _table(replace(answer, columns=asked["select"]))


Query = Callable[[Call, Mapping[str, Any]], dict[str, Any]]
KINDS: dict[str, tuple[Mapping[str, Field], Query]] = {
    "ErrorTrackingQuery": (ISSUES_FIELDS, query_issues),
    "HogQLQuery": (STATEMENT_FIELDS, query_statement),
    "EventsQuery": (EVENTS_FIELDS, query_events),
}


def _conditions(call: Call, asked: Mapping[str, Any], known: KnownIssues) -> list[Condition]:
    conditions: list[Condition] = []
    if asked["filterTestAccounts"]:
        conditions.append(is_no_test_account)
    if asked["searchQuery"] is not None:
        conditions.append(search_condition(asked["searchQuery"], whole_list=call.era.search_frames))
    if asked["personId"] is not None:
        conditions.append(lambda event: event.person_id == asked["personId"])
    if asked["filterGroup"] is not None:
        conditions.append(group_condition(asked["filterGroup"], known))
    return conditions


def _issue(call: Call, asked: Mapping[str, Any], row: dict[str, Any], events: list[Event]) -> dict[str, Any]:
    with_first = call.era.first_event if asked["withFirstEvent"] is None else asked["withFirstEvent"]
    body = {key: value for key, value in row.items() if key != "severity" or call.era.severity}
    return body | {
        "aggregations": row["aggregations"] if asked["withAggregations"] else None,
        "first_event": _event(events[0]) if with_first else None,
        "last_event": _event(events[-1]) if asked["withLastEvent"] else None,
    }


def _event(event: Event) -> dict[str, Any]:
    return {
        "uuid": event.uuid,
        "distinct_id": event.distinct_id,
        "timestamp": str(datetime.fromisoformat(event.timestamp)),
        "properties": event.properties_text,
    }


def _table(answer: Answer) -> dict[str, Any]:
    types = [[column, "Nullable(String)"] for column in answer.columns]
    page = _page(answer.rows, answer.columns, answer.limit, answer.offset, more=answer.more)
    return page | {"types": types}


def _page(results: list[Any], columns: list[str], limit: int, offset: int, *, more: bool) -> dict[str, Any]:
    return {"results": results, "columns": columns, "hasMore": more, "limit": limit, "offset": offset}


def _envelope(call: Call) -> dict[str, Any]:
    """Return what surrounds every answer; the sandbox keeps none of them, and shows no SQL."""
    return {
        "error": None,
        "hogql": "",
        "timings": [],
        "modifiers": {},
        "is_cached": False,
        "cache_key": f"cache_{call.team_id}_{uuid4().hex}",
        "last_refresh": shown_time(stored_time(call.sandbox.now())),
        "timezone": call.sandbox.timezone,
        "query_status": None,
    }


RESOURCES = [Resource(PATH, {"POST": Action(SCOPE, query)}, QUERIES)]
