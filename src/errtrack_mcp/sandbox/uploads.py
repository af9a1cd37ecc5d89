"""Uploads of symbol sets: started here, sent to object storage, finished here (docs/posthog-api.md, section 6)."""

import hashlib
import sqlite3
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from errtrack_mcp.sandbox.calls import READ, WRITE, Action, Call, Resource
from errtrack_mcp.sandbox.database import stored_time
from errtrack_mcp.sandbox.envelope import ApiError, invalid, server_error
from errtrack_mcp.sandbox.storage import MAX_BYTES
from errtrack_mcp.sandbox.symbol_sets import PATH, find_symbol_set, list_symbol_sets
from errtrack_mcp.sandbox.throttle import SYMBOL_SETS
from errtrack_mcp.sandbox.upload_requests import Conflicts, Upload, read_conflicts, read_query, read_uploads

MAX_CHECKED = 1000
USED_AT_MOST_EVERY = timedelta(hours=12)


async def bulk_start_upload(call: Call) -> Response:
    """POST: bind what is unbound, and give an address for each set that has to be sent; all of them or none."""
    data = await call.data()
    uploads, conflicts = read_uploads(data), read_conflicts(data)
    with call.database.transaction():
        wanted = _wanted(call, uploads, conflicts)
        _bind(call, uploads)
        id_map = {upload.chunk_id: _start(call, upload) for upload in wanted}
        _touch(call, uploads)
    return JSONResponse({"id_map": id_map}, 201)


async def bulk_check_upload(call: Call) -> Response:
    """POST: the same decision without the upload; that the sets were asked for is noted all the same."""
    data = await call.data()
    uploads, conflicts = read_uploads(data), read_conflicts(data)
    if len(uploads) > MAX_CHECKED:
        detail = f"Ensure this field has no more than {MAX_CHECKED} elements."
        raise invalid(detail, "max_length", "symbol_sets")
    with call.database.transaction():
        wanted = [upload.chunk_id for upload in _wanted(call, uploads, conflicts)]
        _touch(call, uploads)
    return JSONResponse({"chunk_ids_to_upload": wanted})


async def bulk_finish_upload(call: Call) -> Response:
    """POST: note the hash of each file that has arrived; one that has not leaves every row as it was."""
    hashes = (await call.data()).get("content_hashes")
    if hashes is None:
        return JSONResponse({"detail": "content_hashes are required"}, 400)
    if not isinstance(hashes, dict):
        raise server_error()
    rows = [_pending(call, symbol_set_id) for symbol_set_id in hashes]
    for row in rows:
        _check_arrived(call, row, hashes[row["id"]])
    with call.database.transaction():
        for row in rows:
            _finish(call, row["id"], hashes[row["id"]])
    return JSONResponse({"success": True}, 201)


async def start_upload(call: Call) -> Response:
    """POST, deprecated: start one upload; when the set was last used stays as it was."""
    upload = read_query(call.request)
    if upload is None:
        return _chunk_id_required()
    with call.database.transaction():
        _wanted(call, [upload], Conflicts())
        _bind(call, [upload])
        started = _start(call, upload)
    return JSONResponse(started, 201)


async def finish_upload(call: Call) -> Response:
    """PUT, deprecated: note the hash of a file that has arrived, unless one is noted."""
    row = find_symbol_set(call)
    content_hash = (await call.data()).get("content_hash")
    _check_arrived(call, row, content_hash)
    _finish(call, row["id"], content_hash)
    return JSONResponse({"success": True})


async def create_symbol_set(call: Call) -> Response:
    """POST on the list, deprecated: the file in the request itself, of any content type, in place of what was there."""
    upload = read_query(call.request)
    if upload is None:
        return _chunk_id_required()
    if upload.release_id is not None and not _release_exists(call, upload.release_id):
        raise server_error()
    content = await _read_file(call.request)
    replacing = replace(upload, content_hash=hashlib.sha512(content).hexdigest())
    with call.database.transaction():
        _has_to_be_sent(_find_by_ref(call, upload.chunk_id), replacing, Conflicts(force=True))
        _bind(call, [replacing])
        started = _start(call, replacing)
        call.storage.write(started["presigned_url"]["fields"]["key"], content)
        _finish(call, started["symbol_set_id"], replacing.content_hash)
    return JSONResponse({"ok": True}, 201)


def _chunk_id_required() -> Response:
    return JSONResponse({"detail": "chunk_id query parameter is required"}, 400)


async def _read_file(request: Request) -> bytes:
    """Return the first file of a form, or the body itself where it is no form."""
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        return await request.body()
    async with request.form() as form:
        for _name, value in form.multi_items():
            if isinstance(value, UploadFile):
                return await value.read()
    return b""


def _wanted(call: Call, uploads: list[Upload], conflicts: Conflicts) -> list[Upload]:
    """Return what has to be sent, or refuse the whole call for the first thing that is wrong."""
    chunk_ids = [upload.chunk_id for upload in uploads]
    if len(set(chunk_ids)) != len(chunk_ids):
        raise invalid("Duplicate chunk IDs provided", "invalid_chunk_ids")
    for upload in uploads:
        if upload.release_id is not None and not _release_exists(call, upload.release_id):
            raise invalid(f"Unknown release ID provided: {upload.release_id}", "invalid_release_id")
        if upload.content_length is not None and upload.content_length > MAX_BYTES:
            raise _too_large()
    return [upload for upload in uploads if _has_to_be_sent(_find_by_ref(call, upload.chunk_id), upload, conflicts)]


def _has_to_be_sent(existing: sqlite3.Row | None, upload: Upload, conflicts: Conflicts) -> bool:
    """Decide about one set by what is there already (the contract's table)."""
    if existing is None:
        return True
    bound = existing["release_id"]
    if bound is not None and upload.release_id not in (None, bound):
        raise invalid(f"Symbol set {upload.chunk_id} already has a release ID", "release_id_mismatch")
    if not existing["content_hash"]:
        return True
    if upload.content_hash is None:
        raise invalid(f"Content hash is required: {upload.chunk_id} has been uploaded", "content_hash_required")
    if upload.content_hash == existing["content_hash"]:
        return False
    if not conflicts.force and not conflicts.skip:
        raise invalid(f"Content of {upload.chunk_id} differs from what was uploaded", "content_hash_mismatch")
    return conflicts.force


def _start(call: Call, upload: Upload) -> dict[str, Any]:
    """Make or restart a set, under a new key each time, and sign the address that takes its file."""
    key = f"symbolsets/{call.sandbox.ids.next()}"
    existing = _find_by_ref(call, upload.chunk_id)
    if existing is None:
        symbol_set_id = call.sandbox.ids.next()
        call.database.execute(
            "INSERT INTO symbol_sets (id, ref, team_id, created_at, storage_ptr, release_id) VALUES (?, ?, ?, ?, ?, ?)",
            (symbol_set_id, upload.chunk_id, call.team_id, stored_time(datetime.now(UTC)), key, upload.release_id),
        )
    else:
        symbol_set_id = existing["id"]
        call.database.execute(
            "UPDATE symbol_sets SET storage_ptr = ?, content_hash = NULL, failure_reason = NULL WHERE id = ?",
            (key, symbol_set_id),
        )
    base = str(call.request.base_url).rstrip("/")
    return {"presigned_url": call.storage.presigned_post(base, key), "symbol_set_id": symbol_set_id}


def _bind(call: Call, uploads: list[Upload]) -> None:
    """Give sets that belong to no release theirs, those that need not be sent too."""
    for upload in uploads:
        call.database.execute(
            "UPDATE symbol_sets SET release_id = ? WHERE team_id = ? AND ref = ? AND release_id IS NULL",
            (upload.release_id, call.team_id, upload.chunk_id),
        )


def _touch(call: Call, uploads: list[Upload]) -> None:
    """Note that every set was asked for, at most twice a day."""
    now = datetime.now(UTC)
    for upload in uploads:
        call.database.execute(
            "UPDATE symbol_sets SET last_used = ? WHERE team_id = ? AND ref = ? AND coalesce(last_used, '') < ?",
            (stored_time(now), call.team_id, upload.chunk_id, stored_time(now - USED_AT_MOST_EVERY)),
        )


def _pending(call: Call, symbol_set_id: str) -> sqlite3.Row:
    try:
        UUID(symbol_set_id)
    except ValueError:
        raise server_error() from None
    sql = "SELECT * FROM symbol_sets WHERE team_id = ? AND id = ?"
    row = call.database.one(sql, (call.team_id, symbol_set_id))
    if row is None:
        raise invalid(f"Symbol set {symbol_set_id} not found", "symbol_set_not_found")
    return row


def _check_arrived(call: Call, row: sqlite3.Row, content_hash: object) -> None:
    """Refuse a set without a file or a hash; one whose file is too large is deleted at once."""
    if not isinstance(content_hash, str) or not content_hash:
        raise invalid(f"Content hash is required for {row['ref']}", "content_hash_required")
    size = call.storage.size(row["storage_ptr"]) if row["storage_ptr"] else None
    if size is None:
        raise invalid(f"No file has been uploaded for {row['ref']}", "file_not_found")
    if size > MAX_BYTES:
        call.database.execute("DELETE FROM symbol_sets WHERE id = ?", (row["id"],))
        call.storage.delete(row["storage_ptr"])
        raise _too_large()


def _finish(call: Call, symbol_set_id: str, content_hash: str | None) -> None:
    call.database.execute(
        "UPDATE symbol_sets SET content_hash = coalesce(content_hash, ?) WHERE id = ?", (content_hash, symbol_set_id)
    )


def _find_by_ref(call: Call, ref: str) -> sqlite3.Row | None:
    return call.database.one("SELECT * FROM symbol_sets WHERE team_id = ? AND ref = ?", (call.team_id, ref))


def _release_exists(call: Call, release_id: str) -> bool:
    sql = "SELECT 1 FROM releases WHERE team_id = ? AND id = ?"
    return call.database.one(sql, (call.team_id, release_id)) is not None


def _too_large() -> ApiError:
    return invalid(f"File is too large: at most {MAX_BYTES} bytes", "file_too_large")


RESOURCES = [
    Resource(PATH, {"GET": Action(READ, list_symbol_sets), "POST": Action(WRITE, create_symbol_set)}, SYMBOL_SETS),
    Resource(f"{PATH}/bulk_start_upload", {"POST": Action(WRITE, bulk_start_upload)}, SYMBOL_SETS),
    Resource(f"{PATH}/bulk_check_upload", {"POST": Action(WRITE, bulk_check_upload)}, SYMBOL_SETS),
    Resource(f"{PATH}/bulk_finish_upload", {"POST": Action(WRITE, bulk_finish_upload)}, SYMBOL_SETS),
    Resource(f"{PATH}/start_upload", {"POST": Action(WRITE, start_upload)}, SYMBOL_SETS),
    Resource(f"{PATH}/{{id:segment}}/finish_upload", {"PUT": Action(WRITE, finish_upload)}, SYMBOL_SETS),
]
