"""Fingerprints of issues: routes and SQL (docs/posthog-api.md, section 7)."""

import sqlite3
from typing import Any
from uuid import UUID

from starlette.responses import JSONResponse, Response

from errtrack_mcp.sandbox.calls import READ, Action, Call, Resource
from errtrack_mcp.sandbox.database import shown_time
from errtrack_mcp.sandbox.envelope import Window, invalid, not_found, page

PATH = "/api/projects/{project_id:segment}/error_tracking/fingerprints"


async def list_fingerprints(call: Call) -> Response:
    """GET: oldest first, of one issue or of all."""
    window = Window.asked_by(call.request)
    asked = call.request.query_params.get("issue_id")
    issue_id = _read_uuid(asked, "issue_id must be a valid UUID") if asked else None
    rows = call.database.all(
        "SELECT * FROM issue_fingerprints WHERE team_id = ? AND issue_id = coalesce(?, issue_id) ORDER BY created_at",
        (call.team_id, issue_id),
    )
    end = window.offset + window.limit
    shown = [_body(row) for row in rows[window.offset : end]]
    return page(call.request, window, shown, count=len(rows), more=end < len(rows))


async def retrieve_fingerprint(call: Call) -> Response:
    """GET by id."""
    row_id = _read_uuid(call.request.path_params["id"], "Invalid fingerprint id")
    return JSONResponse(_body(_find(call, "id", row_id)))


async def resolve_fingerprint(call: Call) -> Response:
    """GET by the fingerprint itself: the way to the issue that has its errors now."""
    fingerprint = call.request.query_params.get("fingerprint")
    if not fingerprint:
        raise invalid("fingerprint is required")
    return JSONResponse(_body(_find(call, "fingerprint", fingerprint)))


def _find(call: Call, column: str, value: str) -> sqlite3.Row:
    sql = f"SELECT * FROM issue_fingerprints WHERE team_id = ? AND {column} = ?"  # noqa: S608 - a name of ours
    row = call.database.one(sql, (call.team_id, value))
    if row is None:
        raise not_found("Fingerprint not found")
    return row


def _body(row: sqlite3.Row) -> dict[str, Any]:
    return {
        "id": row["id"],
        "fingerprint": row["fingerprint"],
        "issue_id": row["issue_id"],
        "created_at": shown_time(row["created_at"]),
        "first_seen": shown_time(row["first_seen"]),
    }


def _read_uuid(value: str, otherwise: str) -> str:
    try:
        return str(UUID(value))
    except ValueError:
        raise invalid(otherwise) from None


RESOURCES = [
    Resource(PATH, {"GET": Action(READ, list_fingerprints)}),
    Resource(f"{PATH}/resolve", {"GET": Action(READ, resolve_fingerprint)}),
    Resource(f"{PATH}/{{id:segment}}", {"GET": Action(READ, retrieve_fingerprint)}),
]
