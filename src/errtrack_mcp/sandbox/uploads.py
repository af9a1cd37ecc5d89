"""Uploads of symbol sets: started here, sent to object storage, finished here (docs/posthog-api.md, section 6)."""

import re
import sqlite3
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from starlette.responses import JSONResponse, Response

from errtrack_mcp.sandbox.bodies import JSON_ONLY
from errtrack_mcp.sandbox.calls import WRITE, Action, Call, Resource
from errtrack_mcp.sandbox.database import stored_time
from errtrack_mcp.sandbox.envelope import ApiError, invalid, server_error
from errtrack_mcp.sandbox.storage import MAX_BYTES
from errtrack_mcp.sandbox.symbol_sets import PATH, note_use
from errtrack_mcp.sandbox.throttle import SYMBOL_SETS
from errtrack_mcp.sandbox.upload_requests import Conflicts, Upload, read_check, read_start

RELEASE_ID = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
HEXADECIMAL = re.compile("[0-9a-f]{32}", re.IGNORECASE)


async def bulk_start_upload(call: Call) -> Response:
    """POST: bind what is unbound, and give an address for each set that has to be sent; all of them or none."""
    uploads, conflicts = read_start(call.body.data)
    with call.database.transaction():
        wanted = _wanted(call, uploads, conflicts)
        for upload in uploads:
            bind(call, upload)
        id_map = {upload.chunk_id: start(call, upload) for upload in wanted}
        _touch(call, uploads)
    return JSONResponse({"id_map": id_map}, 201)


async def bulk_check_upload(call: Call) -> Response:
    """POST: list the chunks that a start would still change; the others are noted as used."""
    uploads, conflicts = read_check(call.body.data)
    with call.database.transaction():
        wanted = {upload.chunk_id for upload in _wanted(call, uploads, conflicts)}
        wanted |= {upload.chunk_id for upload in uploads if _has_to_be_bound(call, upload)}
        _touch(call, [upload for upload in uploads if upload.chunk_id not in wanted])
    return JSONResponse({"chunk_ids_to_upload": [each.chunk_id for each in uploads if each.chunk_id in wanted]})


async def bulk_finish_upload(call: Call) -> Response:
    """POST: note the hash of each file that has arrived; one that has not leaves every row as it was."""
    hashes = call.data().get("content_hashes", {})
    if hashes is None:
        return JSONResponse({"detail": "content_hashes are required"}, 400)
    if not isinstance(hashes, dict):
        raise server_error()
    rows = [_pending(call, symbol_set_id) for symbol_set_id in hashes]
    for row in rows:
        check_hash(hashes[row["id"]])
        check_arrived(call, row)
    with call.database.transaction():
        for row in rows:
            sql = "UPDATE symbol_sets SET content_hash = ? WHERE id = ?"
            call.database.execute(sql, (hashes[row["id"]], row["id"]))
    return JSONResponse({"success": True}, 201)


def start(call: Call, upload: Upload) -> dict[str, Any]:
    """Make or restart a set, under a new key each time, and sign the addresses that take its file.

    A `failure_reason` from before the upload stays.
    """
    key = f"symbolsets/{call.sandbox.ids.next()}"
    existing = find_by_ref(call, upload.chunk_id)
    if existing is None:
        symbol_set_id = call.sandbox.ids.next()
        call.database.execute(
            "INSERT INTO symbol_sets (id, ref, team_id, created_at, storage_ptr, release_id) VALUES (?, ?, ?, ?, ?, ?)",
            (symbol_set_id, upload.chunk_id, call.team_id, stored_time(datetime.now(UTC)), key, upload.release_id),
        )
    else:
        symbol_set_id = existing["id"]
        sql = "UPDATE symbol_sets SET storage_ptr = ?, content_hash = NULL WHERE id = ?"
        call.database.execute(sql, (key, symbol_set_id))
    base = str(call.request.base_url).rstrip("/")
    started = {"presigned_url": call.storage.presigned_post(base, key), "symbol_set_id": symbol_set_id}
    if upload.content_length is not None:
        started["presigned_put_url"] = call.storage.presigned_put(base, key, upload.content_length)
    return started


def bind(call: Call, upload: Upload) -> None:
    """Give a set that belongs to no release the one that is named."""
    call.database.execute(
        "UPDATE symbol_sets SET release_id = ? WHERE team_id = ? AND ref = ? AND release_id IS NULL",
        (upload.release_id, call.team_id, upload.chunk_id),
    )


def find_by_ref(call: Call, ref: str) -> sqlite3.Row | None:
    """Find the set of a chunk."""
    return call.database.one("SELECT * FROM symbol_sets WHERE team_id = ? AND ref = ?", (call.team_id, ref))


def release_exists(call: Call, release_id: str) -> bool:
    """Return whether the project has a release, by its id as it is stored."""
    sql = "SELECT 1 FROM releases WHERE team_id = ? AND id = ?"
    return call.database.one(sql, (call.team_id, release_id)) is not None


def check_hash(content_hash: object) -> None:
    """Refuse to finish an upload without the hash of its file."""
    if not isinstance(content_hash, str) or not content_hash:
        raise invalid("Content hash is required", "content_hash_required")


def check_arrived(call: Call, row: sqlite3.Row) -> None:
    """Refuse a set without a file; one whose file is empty or too large is deleted at once."""
    size = call.storage.size(row["storage_ptr"]) if row["storage_ptr"] else None
    if size is None:
        raise invalid(f"No file has been uploaded for {row['ref']}", "file_not_found")
    if not 0 < size <= MAX_BYTES:
        call.database.execute("DELETE FROM symbol_sets WHERE id = ?", (row["id"],))
        call.storage.delete(row["storage_ptr"])
        raise _too_large()


def _wanted(call: Call, uploads: list[Upload], conflicts: Conflicts) -> list[Upload]:
    """Return what has to be sent, or refuse the whole call for the first thing that is wrong."""
    chunk_ids = [upload.chunk_id for upload in uploads]
    if len(set(chunk_ids)) != len(chunk_ids):
        raise invalid("Duplicate chunk IDs provided", "invalid_chunk_ids")
    _check_releases(call, {upload.release_id for upload in uploads if upload.release_id is not None})
    if any(upload.content_length is not None and upload.content_length > MAX_BYTES for upload in uploads):
        raise _too_large()
    return [upload for upload in uploads if _has_to_be_sent(find_by_ref(call, upload.chunk_id), upload, conflicts)]


def _check_releases(call: Call, release_ids: set[str]) -> None:
    """Refuse releases that cannot be or are not there; 32 characters pass for an id until the database reads them."""
    malformed = sorted(each for each in release_ids if len(each) != 32 and not RELEASE_ID.fullmatch(each))
    if malformed:
        raise invalid(f"Invalid release ID provided: {', '.join(malformed)}", "invalid_release_id")
    if any(len(each) == 32 and not HEXADECIMAL.fullmatch(each) for each in release_ids):
        raise server_error()
    unknown = sorted(each for each in release_ids if not release_exists(call, each))
    if unknown:
        raise invalid(f"Unknown release ID provided: {', '.join(unknown)}", "invalid_release_id")


def _has_to_be_sent(existing: sqlite3.Row | None, upload: Upload, conflicts: Conflicts) -> bool:
    """Decide about one set by what is there already (docs/posthog-api.md, section 6)."""
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


def _has_to_be_bound(call: Call, upload: Upload) -> bool:
    existing = find_by_ref(call, upload.chunk_id)
    return existing is not None and existing["release_id"] is None and upload.release_id is not None


def _touch(call: Call, uploads: list[Upload]) -> None:
    """Note that sets were asked for, at most twice a day."""
    now = datetime.now(UTC)
    for upload in uploads:
        note_use(call.database, call.team_id, upload.chunk_id, now)


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


def _too_large() -> ApiError:
    return invalid(f"File is empty or too large: at most {MAX_BYTES} bytes", "file_too_large")


RESOURCES = [
    Resource(f"{PATH}/{name}", {"POST": Action(WRITE, run)}, SYMBOL_SETS, JSON_ONLY)
    for name, run in (
        ("bulk_start_upload", bulk_start_upload),
        ("bulk_check_upload", bulk_check_upload),
        ("bulk_finish_upload", bulk_finish_upload),
    )
]
