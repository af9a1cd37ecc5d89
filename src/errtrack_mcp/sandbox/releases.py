"""Releases: routes and SQL."""

import json
import math
import re
import sqlite3
from datetime import UTC, datetime
from typing import Any

from starlette.responses import JSONResponse, Response

from errtrack_mcp.sandbox.calls import READ, WRITE, Action, Call, Resource, refuse_method
from errtrack_mcp.sandbox.database import Database, shown_time, stored_time
from errtrack_mcp.sandbox.envelope import (
    ApiError,
    Window,
    invalid,
    no_content,
    not_found,
    page,
    server_error,
)

PATH = "/api/projects/{project_id:segment}/error_tracking/releases"
MAX_HASH_ID = 128
UNSTORABLE = re.compile("[\0\ud800-\udfff]")
USERINFO = re.compile("^([^/]*//)[^/]*@")


def release_body(row: sqlite3.Row) -> dict[str, Any]:
    """Render a release; one whose metadata is no object cannot be rendered."""
    metadata = None if row["metadata"] is None else json.loads(row["metadata"])
    if not isinstance(metadata, dict | None):
        raise server_error()
    return {
        "id": row["id"],
        "hash_id": row["hash_id"],
        "team_id": row["team_id"],
        "created_at": shown_time(row["created_at"]),
        "metadata": metadata,
        "version": row["version"],
        "project": row["project"],
    }


async def list_releases(call: Call) -> Response:
    """GET: newest first, with no cap on the limit."""
    window = Window.asked_by(call.request)
    counted = call.database.one("SELECT count(*) FROM releases WHERE team_id = ?", (call.team_id,))
    count = counted[0] if counted else 0
    rows = call.database.all(
        "SELECT * FROM releases WHERE team_id = ? ORDER BY created_at DESC, id DESC LIMIT ? OFFSET ?",
        (call.team_id, window.limit, window.offset),
    )
    more = window.offset + window.limit < count
    return page(call.request, window, [release_body(row) for row in rows], count=count, more=more)


async def retrieve_release(call: Call) -> Response:
    """GET by id."""
    return JSONResponse(release_body(_find(call, call.uuid())))


async def retrieve_release_by_hash(call: Call) -> Response:
    """GET by hash_id, exactly."""
    row = _find_by_hash(call.database, call.team_id, call.request.path_params["hash_id"])
    if row is None:
        raise not_found()
    return JSONResponse(release_body(row))


async def create_release(call: Call) -> Response:
    """POST: store what was sent, and only then fail to render metadata that is no object."""
    data = call.data()
    for field in ("version", "project"):
        if not data.get(field):
            raise invalid(f"{field.capitalize()} is required")
    release_id = call.sandbox.ids.next()
    hash_id = _read_hash_id(data) or release_id
    values = {
        "id": release_id,
        "hash_id": hash_id,
        "team_id": call.team_id,
        "created_at": stored_time(datetime.now(UTC)),
        "metadata": _written_metadata(data.get("metadata")),
        "version": _text(data["version"]),
        "project": _text(data["project"]),
    }
    with call.database.transaction():
        if _find_by_hash(call.database, call.team_id, hash_id):
            raise _hash_in_use(hash_id)
        insert_release(call.database, values)
    return JSONResponse(release_body(_find(call, release_id)), 201)


async def update_release(call: Call) -> Response:
    """PATCH and PUT: falsy values change nothing, metadata is replaced, nothing is answered."""
    release_id = call.uuid()
    data = call.data()
    hash_id = _read_hash_id(data)
    with call.database.transaction():
        row = _find(call, release_id)
        holder = _find_by_hash(call.database, call.team_id, hash_id) if hash_id else None
        if hash_id and holder is not None and holder["id"] != release_id:
            raise _hash_in_use(hash_id)
        metadata = data.get("metadata")
        values = (
            hash_id or row["hash_id"],
            _written_metadata(metadata) if metadata else row["metadata"],
            _text(data.get("version") or row["version"]),
            _text(data.get("project") or row["project"]),
            release_id,
        )
        sql = "UPDATE releases SET hash_id = ?, metadata = ?, version = ?, project = ? WHERE id = ?"
        call.database.execute(sql, values)
    return no_content()


async def destroy_release(call: Call) -> Response:
    """DELETE: the release, and every symbol set bound to it."""
    row = _find(call, call.uuid())
    call.database.execute("DELETE FROM releases WHERE id = ?", (row["id"],))
    return no_content()


def insert_release(database: Database, values: dict[str, Any]) -> None:
    """Write one row; `values` is keyed by column."""
    database.execute(
        "INSERT INTO releases VALUES (:id, :hash_id, :team_id, :created_at, :metadata, :version, :project)",
        values,
    )


def _find(call: Call, release_id: str) -> sqlite3.Row:
    sql = "SELECT * FROM releases WHERE team_id = ? AND id = ?"
    row = call.database.one(sql, (call.team_id, release_id))
    if row is None:
        raise not_found()
    return row


def _find_by_hash(database: Database, team_id: int, hash_id: str) -> sqlite3.Row | None:
    return database.one("SELECT * FROM releases WHERE team_id = ? AND hash_id = ?", (team_id, hash_id))


def _hash_in_use(hash_id: str) -> ApiError:
    return invalid(f"Hash id {hash_id} already in use", "release_hash_in_use")


def _read_hash_id(data: dict[str, Any]) -> str | None:
    if not data.get("hash_id"):
        return None
    hash_id = _text(data["hash_id"])
    if len(hash_id) > MAX_HASH_ID:
        raise invalid(f"Hash id length cannot exceed {MAX_HASH_ID} bytes")
    return hash_id


def _text(value: Any) -> str:
    """Turn a value into text; what the API's database cannot keep breaks the service."""
    text = str(value)
    if not _is_storable(text):
        raise server_error()
    return text


def _written_metadata(metadata: Any) -> str | None:
    if metadata is None:
        return None
    if not _is_storable(metadata):
        raise server_error()
    git = metadata.get("git") if isinstance(metadata, dict) else None
    if isinstance(git, dict) and isinstance(git.get("remote_url"), str):
        cleaned = {**git, "remote_url": _without_secrets(git["remote_url"])}
        metadata = {**metadata, "git": cleaned}
    return json.dumps(metadata, ensure_ascii=False)


def _is_storable(value: Any) -> bool:
    """Return whether the API's database keeps a JSON value: no NUL, half surrogate pair, NaN or Infinity anywhere."""
    if isinstance(value, str):
        return UNSTORABLE.search(value) is None
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, dict):
        return all(_is_storable(name) and _is_storable(each) for name, each in value.items())
    return not isinstance(value, list) or all(map(_is_storable, value))


def _without_secrets(url: str) -> str:
    """Take query and fragment out of a URL of any form, and userinfo out of one with `//`."""
    bare = re.split("[?#]", url, maxsplit=1)[0]
    return USERINFO.sub(r"\1", bare)


RESOURCES = [
    Resource(
        PATH,
        {
            "GET": Action(READ, list_releases),
            "POST": Action(WRITE, create_release),
            "PATCH": Action(WRITE, refuse_method),
        },
    ),
    Resource(
        f"{PATH}/{{id:segment}}",
        {
            "GET": Action(READ, retrieve_release),
            "PUT": Action(WRITE, update_release),
            "PATCH": Action(WRITE, update_release),
            "DELETE": Action(WRITE, destroy_release),
        },
    ),
    Resource(
        f"{PATH}/hash/{{hash_id:segment}}",
        {"GET": Action(READ, retrieve_release_by_hash), "PATCH": Action(WRITE, refuse_method)},
    ),
]
