"""Issues: what is read of them without a query (docs/posthog-api.md, section 7)."""

import json
import sqlite3
from typing import Any
from urllib.parse import urlencode

from starlette.responses import JSONResponse, Response

from errtrack_mcp.sandbox.calls import Call
from errtrack_mcp.sandbox.database import Database, shown_time
from errtrack_mcp.sandbox.envelope import ApiError, Window, not_found, page, server_error

PATH = "/api/projects/{project_id:segment}/error_tracking/issues"
FIRST_SEEN = "(SELECT min(first_seen) FROM issue_fingerprints f WHERE f.issue_id = i.id) AS first_seen"
SEARCHED = {"name": "name", "issue_description": "description"}
ACTIVITIES = "FROM issue_activities a JOIN users u ON u.id = a.user_id WHERE team_id = ?"
NEWEST_FIRST = "ORDER BY a.created_at DESC, a.id DESC"
ACTIVITIES_SHOWN = 10


def assignee_of(row: sqlite3.Row) -> dict[str, Any] | None:
    """Return who looks after an issue: a user by a number, a role by a UUID, or nobody."""
    if row["assignee_user_id"] is not None:
        return {"id": row["assignee_user_id"], "type": "user"}
    if row["assignee_role_id"] is not None:
        return {"id": row["assignee_role_id"], "type": "role"}
    return None


def issue_body(call: Call, row: sqlite3.Row) -> dict[str, Any]:
    """Render an issue; counts, last time and fingerprints are elsewhere."""
    return _preview(call, row) | {"external_issues": [], "cohort": None}


async def list_issues(call: Call) -> Response:
    """GET: newest first, unfiltered, each without its external issues and its cohort."""
    window = Window.asked_by(call.request)
    count = int(call.database.all("SELECT count(*) FROM issues WHERE team_id = ?", (call.team_id,))[0][0])
    rows = call.database.all(
        f"SELECT i.*, {FIRST_SEEN} FROM issues i WHERE team_id = ? ORDER BY id DESC LIMIT ? OFFSET ?",  # noqa: S608
        (call.team_id, window.limit, window.offset),
    )
    more = window.offset + window.limit < count
    return page(call.request, window, [_preview(call, row) for row in rows], count=count, more=more)


async def retrieve_issue(call: Call) -> Response:
    """GET by id; a fingerprint that belongs to another issue by now leads there, without a Location header."""
    issue_id = call.uuid()
    fingerprint = call.request.query_params.get("fingerprint")
    if fingerprint:
        holder = issue_with_fingerprint(call.database, call.team_id, fingerprint)
        if holder is not None and holder != issue_id:
            return JSONResponse({"issue_id": holder}, 308)
    return JSONResponse(issue_body(call, find_issue(call, issue_id)))


async def list_values(call: Call) -> Response:
    """GET: every name or description that contains a text, as often as it occurs."""
    column = SEARCHED.get(call.request.query_params.get("key", ""))
    value = call.request.query_params.get("value")
    rows: list[sqlite3.Row] = []
    if column and value:
        sql = f"SELECT {column} AS name FROM issues WHERE team_id = ? AND icontains({column}, ?)"  # noqa: S608 - ours
        rows = call.database.all(sql, (call.team_id, value))
    return JSONResponse({"results": [{"name": row["name"]} for row in rows], "refreshing": False})


async def exists(call: Call) -> Response:
    """GET: whether the project has any issue."""
    found = call.database.one("SELECT 1 FROM issues WHERE team_id = ?", (call.team_id,))
    return JSONResponse({"exists": found is not None})


async def list_all_activity(call: Call) -> Response:
    """GET: what was done to any issue."""
    return _activities(call, "1", ())


async def list_activity(call: Call) -> Response:
    """GET: what was done to one issue; nothing at all is answered where there is no such issue."""
    issue_id = call.uuid()
    if call.database.one("SELECT 1 FROM issues WHERE team_id = ? AND id = ?", (call.team_id, issue_id)) is None:
        return Response(status_code=404)
    return _activities(call, "issue_id = ?", (issue_id,))


def find_issue(call: Call, issue_id: str) -> sqlite3.Row:
    """Find an issue of the project, or answer 404."""
    sql = f"SELECT i.*, {FIRST_SEEN} FROM issues i WHERE team_id = ? AND id = ?"  # noqa: S608 - a text of ours
    row = call.database.one(sql, (call.team_id, issue_id))
    if row is None:
        raise issue_not_found()
    return row


def issue_not_found() -> ApiError:
    """Say that the project has no such issue."""
    return not_found("Issue not found")


def issue_with_fingerprint(database: Database, team_id: int, fingerprint: str) -> str | None:
    """Return the id of the issue that a fingerprint belongs to now."""
    sql = "SELECT issue_id FROM issue_fingerprints WHERE team_id = ? AND fingerprint = ?"
    row = database.one(sql, (team_id, fingerprint))
    return None if row is None else str(row["issue_id"])


def _preview(call: Call, row: sqlite3.Row) -> dict[str, Any]:
    return {
        "id": row["id"],
        "status": row["status"],
        **({"severity": row["severity"]} if call.era.severity else {}),
        "name": row["name"],
        "description": row["description"],
        "first_seen": shown_time(row["first_seen"]),
        "assignee": assignee_of(row),
    }


def _activities(call: Call, condition: str, values: tuple[str, ...]) -> Response:
    """Answer one page of what was done, newest first; a page or limit that is no number breaks the service."""
    query = call.request.query_params
    try:
        number, limit = int(query.get("page", "1")), int(query.get("limit", str(ACTIVITIES_SHOWN)))
    except ValueError:
        raise server_error() from None
    if number < 1 or limit < 1:
        raise server_error()
    rows = call.database.all(
        f"SELECT a.*, u.email, u.first_name {ACTIVITIES} AND {condition} {NEWEST_FIRST}",
        (call.team_id, *values),
    )
    end = number * limit
    return JSONResponse(
        {
            "results": [_activity_body(row) for row in rows[end - limit : end]],
            "next": _page_link(call, number + 1, limit) if end < len(rows) else None,
            "previous": _page_link(call, number - 1, limit) if number > 1 else None,
            "total_count": len(rows),
        }
    )


def _activity_body(row: sqlite3.Row) -> dict[str, Any]:
    return {
        "activity": row["activity"],
        "created_at": shown_time(row["created_at"]),
        "item_id": row["issue_id"],
        "scope": "ErrorTrackingIssue",
        "user": {"email": row["email"], "first_name": row["first_name"]},
        "detail": {
            "name": row["issue_name"],
            "short_id": None,
            "trigger": None,
            "type": None,
            "changes": json.loads(row["changes"]),
        },
    }


def _page_link(call: Call, number: int, limit: int) -> str:
    return f"{call.request.url.replace(query='')}?{urlencode({'page': number, 'limit': limit})}"
