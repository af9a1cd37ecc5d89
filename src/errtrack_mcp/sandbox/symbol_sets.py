"""Symbol sets: routes and SQL."""

import sqlite3
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from starlette.datastructures import QueryParams
from starlette.responses import JSONResponse, Response

from errtrack_mcp.sandbox.bodies import FILES, JSON_ONLY
from errtrack_mcp.sandbox.calls import READ, WRITE, Action, Call, Resource
from errtrack_mcp.sandbox.database import Database, shown_time, stored_time
from errtrack_mcp.sandbox.envelope import Window, invalid, no_content, not_found, page, server_error
from errtrack_mcp.sandbox.fields import read_boolean, read_field, read_text
from errtrack_mcp.sandbox.releases import release_body
from errtrack_mcp.sandbox.throttle import SYMBOL_SETS

PATH = "/api/projects/{project_id:segment}/error_tracking/symbol_sets"
MAX_LIMIT = 100
USED_AT_MOST_EVERY = timedelta(hours=12)
STATUSES = ("all", "valid", "invalid")
ORDERS = {
    "created_at": "s.created_at, s.id",
    "-created_at": "s.created_at DESC, s.id DESC",
    "ref": "s.ref, s.id DESC",
    "-ref": "s.ref DESC, s.id DESC",
    "last_used": "s.last_used NULLS LAST, s.id",
    "-last_used": "s.last_used DESC NULLS FIRST, s.id DESC",
}
RELEASES = "LEFT JOIN releases r ON r.id = s.release_id"
FILTERS = {
    "ref": "s.ref = :ref",
    "valid": "coalesce(s.storage_ptr, '') <> ''",
    "invalid": "coalesce(s.storage_ptr, '') = ''",
    "search": "(icontains(s.ref, :search) OR icontains(r.version, :search) OR icontains(r.project, :search)"
    " OR icontains(json_extract(r.metadata, '$.git.commit_id'), :search))",
}


def matching(filters: dict[str, str | None]) -> str:
    """Write the SQL that finds rows; without a filter an index alone answers it, however deep the page."""
    used = [name for name in ("ref", "search") if filters[name]] + [filters["status"] or "all"]
    conditions = " AND ".join(["s.team_id = :team_id", *(FILTERS[name] for name in used if name in FILTERS)])
    return f"FROM symbol_sets s {RELEASES if 'search' in used else ''} WHERE {conditions}"


def symbol_set_body(row: sqlite3.Row, release: dict[str, Any] | None) -> dict[str, Any]:
    """Render a symbol set; where its file lies and what it hashes to stay inside."""
    return {
        "id": row["id"],
        "ref": row["ref"],
        "team_id": row["team_id"],
        "created_at": shown_time(row["created_at"]),
        "last_used": shown_time(row["last_used"]),
        "failure_reason": row["failure_reason"],
        "has_uploaded_file": bool(row["storage_ptr"]),
        "release": release,
    }


async def list_symbol_sets(call: Call) -> Response:
    """GET: filtered by ref, status and search, at most 100 at a time."""
    query = call.request.query_params
    filters = _read_filters(query)
    values = {"team_id": call.team_id, **filters}
    order = ORDERS[_read_choice(query, "order_by", tuple(ORDERS)) or "-created_at"]
    counting = _read_include_count(query)
    window = Window.asked_by(call.request, MAX_LIMIT)
    found = call.database.listing(f"SELECT s.rowid {matching(filters)} ORDER BY {order}", values)
    shown = found[window.offset : window.offset + window.limit]
    places = ", ".join(map(str, shown))
    rows = {
        row["place"]: row
        for row in call.database.all(
            f"SELECT rowid AS place, * FROM symbol_sets WHERE rowid IN ({places})"  # noqa: S608 - numbers of our own
        )
    }
    results = _bodies(call.database, [rows[place] for place in shown])
    more = len(found) > window.offset + window.limit
    return page(call.request, window, results, count=len(found) if counting else None, more=more)


async def retrieve_symbol_set(call: Call) -> Response:
    """GET by id; PUT and PATCH too, for they change nothing whatever the body."""
    return JSONResponse(_bodies(call.database, [find_symbol_set(call)])[0])


async def destroy_symbol_set(call: Call) -> Response:
    """DELETE: the symbol set, its file and its unresolved frames; its release stays, and what it made readable."""
    row = find_symbol_set(call)
    with call.database.transaction():
        call.database.execute("DELETE FROM stack_frames WHERE symbol_set_id = ? AND NOT resolved", (row["id"],))
        call.database.execute("DELETE FROM symbol_sets WHERE id = ?", (row["id"],))
    if row["storage_ptr"]:
        call.storage.delete(row["storage_ptr"])
    return no_content()


async def download_symbol_set(call: Call) -> Response:
    """GET: a link to the file, good for an hour; given for an unfinished upload too, whose file is not there."""
    key = find_symbol_set(call)["storage_ptr"]
    if not key:
        return JSONResponse({"detail": "Symbol set has no uploaded file."}, 404)
    return JSONResponse({"url": call.storage.download_url(str(call.request.base_url).rstrip("/"), key)})


async def bulk_delete_symbol_sets(call: Call) -> Response:
    """POST: delete the rows with these ids and leave their files behind; other ids are passed over."""
    ids = call.data().get("ids")
    if not ids:
        return JSONResponse({"detail": "ids is required"}, 400)
    if not isinstance(ids, list):
        return JSONResponse({"detail": "ids must be a list"}, 400)
    named = [_row_id(each) for each in ids if each is not None]
    with call.database.transaction():
        gone = [
            call.database.execute("DELETE FROM symbol_sets WHERE team_id = ? AND id = ?", (call.team_id, each)).rowcount
            for each in named
        ]
    return JSONResponse({"deleted": sum(gone)})


def _row_id(value: Any) -> str:
    """Read an id as the API's database does: a number counts as the UUID of that value."""
    try:
        if isinstance(value, int):
            return str(UUID(int=value))
        return str(UUID(value))
    except (AttributeError, TypeError, ValueError):
        raise server_error() from None


def insert_symbol_set(database: Database, values: dict[str, Any]) -> None:
    """Write one row; `values` is keyed by column."""
    database.execute(
        "INSERT INTO symbol_sets VALUES (:id, :ref, :team_id, :created_at, :last_used, :failure_reason,"
        " :storage_ptr, :content_hash, :release_id)",
        values,
    )


def note_use(database: Database, team_id: int, ref: str, moment: datetime) -> None:
    """Note that a set was used, at most twice a day."""
    database.execute(
        "UPDATE symbol_sets SET last_used = ? WHERE team_id = ? AND ref = ? AND coalesce(last_used, '') < ?",
        (stored_time(moment), team_id, ref, stored_time(moment - USED_AT_MOST_EVERY)),
    )


def find_symbol_set(call: Call) -> sqlite3.Row:
    """Find the row that the path names, or answer 404."""
    sql = "SELECT * FROM symbol_sets WHERE team_id = ? AND id = ?"
    row = call.database.one(sql, (call.team_id, call.uuid()))
    if row is None:
        raise not_found()
    return row


def _bodies(database: Database, rows: list[sqlite3.Row]) -> list[dict[str, Any]]:
    """Render rows, each release once."""
    releases: dict[str | None, dict[str, Any] | None] = {None: None}
    for release_id in {row["release_id"] for row in rows} - {None}:
        release = database.one("SELECT * FROM releases WHERE id = ?", (release_id,))
        releases[release_id] = None if release is None else release_body(release)
    return [symbol_set_body(row, releases[row["release_id"]]) for row in rows]


def _read_filters(query: QueryParams) -> dict[str, str | None]:
    """Read the filters; an empty one is as good as none."""
    status = _read_choice(query, "status", STATUSES) or "all"
    return {"ref": _read_text(query, "ref"), "status": status, "search": _read_text(query, "search")}


def _read_text(query: QueryParams, field: str) -> str | None:
    value = query.get(field)
    return read_field(field, value, read_text) if value else None


def _read_choice(query: QueryParams, field: str, choices: tuple[str, ...]) -> str | None:
    value = query.get(field)
    if not value:
        return None
    if value not in choices:
        raise invalid(f'"{value}" is not a valid choice.', "invalid_choice", field)
    return value


def _read_include_count(query: QueryParams) -> bool:
    value = query.get("include_count")
    return read_field("include_count", value, read_boolean) if value else True


# The list itself stands in older_uploads.py, next to the upload that shares its path.
RESOURCES = [
    Resource(f"{PATH}/bulk_delete", {"POST": Action(WRITE, bulk_delete_symbol_sets)}, SYMBOL_SETS, JSON_ONLY),
    Resource(f"{PATH}/{{id:segment}}/download", {"GET": Action(READ, download_symbol_set)}, SYMBOL_SETS, FILES),
    Resource(
        f"{PATH}/{{id:segment}}",
        {
            "GET": Action(READ, retrieve_symbol_set),
            "PUT": Action(WRITE, retrieve_symbol_set),
            "PATCH": Action(WRITE, retrieve_symbol_set),
            "DELETE": Action(WRITE, destroy_symbol_set),
        },
        SYMBOL_SETS,
        FILES,
    ),
]
