"""Stored stack frames: routes and SQL (docs/posthog-api.md, section 7)."""

import json
import sqlite3
from typing import Any
from uuid import UUID

from starlette.responses import JSONResponse, Response

from errtrack_mcp.sandbox.calls import READ, Action, Call, Resource
from errtrack_mcp.sandbox.database import Database, shown_time
from errtrack_mcp.sandbox.envelope import Window, not_found, page, server_error
from errtrack_mcp.sandbox.releases import release_body

PATH = "/api/projects/{project_id:segment}/error_tracking/stack_frames"
ROWS = (
    "SELECT f.*, s.ref, s.release_id FROM stack_frames f LEFT JOIN symbol_sets s ON s.id = f.symbol_set_id"
    " WHERE f.team_id = ?"
)


async def list_stack_frames(call: Call) -> Response:
    """GET: in no order, unfiltered."""
    window = Window.asked_by(call.request)
    rows = call.database.all(ROWS, (call.team_id,))
    end = window.offset + window.limit
    shown = _bodies(call.database, rows[window.offset : end])
    return page(call.request, window, shown, count=len(rows), more=end < len(rows))


async def retrieve_stack_frame(call: Call) -> Response:
    """GET by id."""
    row = call.database.one(f"{ROWS} AND f.id = ?", (call.team_id, call.uuid()))
    if row is None:
        raise not_found()
    return JSONResponse(_bodies(call.database, [row])[0])


async def batch_get_stack_frames(call: Call) -> Response:
    """POST: the frames with these raw ids, and of this symbol set, by its id; without either every frame there is."""
    raw_ids, symbol_set = call.data().get("raw_ids"), call.data().get("symbol_set")
    rows = call.database.all(ROWS, (call.team_id,))
    if raw_ids:
        wanted = _read_raw_ids(raw_ids)
        rows = [row for row in rows if (row["raw_id"], row["part"]) in wanted]
    if symbol_set:
        symbol_set_id = _read_uuid(symbol_set)
        rows = [row for row in rows if row["symbol_set_id"] == symbol_set_id]
    return JSONResponse({"results": _bodies(call.database, rows)})


def _bodies(database: Database, rows: list[sqlite3.Row]) -> list[dict[str, Any]]:
    releases = {}
    for release_id in {row["release_id"] for row in rows} - {None}:
        releases[release_id] = database.one("SELECT * FROM releases WHERE id = ?", (release_id,))
    return [_body(row, releases.get(row["release_id"])) for row in rows]


def _body(row: sqlite3.Row, release: sqlite3.Row | None) -> dict[str, Any]:
    """Render a row; `created_at` is when it was resolved last, for rows are overwritten."""
    return {
        "id": row["id"],
        "raw_id": f"{row['raw_id']}/{row['part']}",
        "created_at": shown_time(row["created_at"]),
        "contents": json.loads(row["contents"]),
        "resolved": bool(row["resolved"]),
        "context": None if row["context"] is None else json.loads(row["context"]),
        "symbol_set_ref": row["ref"],
        "release": None if release is None else release_body(release),
    }


def _read_raw_ids(value: Any) -> set[tuple[str, int]]:
    """Read `hash/part`; a hash alone is its part 0, and a part that is no number finds nothing."""
    if not isinstance(value, list | str) or not all(isinstance(each, str) for each in value):
        raise server_error()
    return {_read_raw_id(each) for each in value}


def _read_raw_id(text: str) -> tuple[str, int]:
    hash_id, slash, part = text.partition("/")
    try:
        return (hash_id, int(part)) if slash else (text, 0)
    except ValueError:
        return text, 0


def _read_uuid(value: Any) -> str:
    try:
        return str(UUID(value))
    except (AttributeError, TypeError, ValueError):
        raise server_error() from None


RESOURCES = [
    Resource(PATH, {"GET": Action(READ, list_stack_frames)}),
    Resource(f"{PATH}/batch_get", {"POST": Action(READ, batch_get_stack_frames)}),
    Resource(f"{PATH}/{{id:segment}}", {"GET": Action(READ, retrieve_stack_frame)}),
]
