"""Deprecated uploads, one symbol set at a time (docs/posthog-api.md, section 6)."""

import hashlib
from typing import Any

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from errtrack_mcp.sandbox.bodies import FILES, JSON_ONLY, MULTIPART
from errtrack_mcp.sandbox.calls import READ, WRITE, Action, Call, Resource
from errtrack_mcp.sandbox.envelope import invalid, server_error
from errtrack_mcp.sandbox.symbol_sets import PATH, find_symbol_set, list_symbol_sets
from errtrack_mcp.sandbox.throttle import SYMBOL_SETS
from errtrack_mcp.sandbox.upload_requests import Upload, read_query
from errtrack_mcp.sandbox.uploads import bind, check_arrived, check_hash, find_by_ref, release_exists, start


async def start_upload(call: Call) -> Response:
    """POST: start one upload, whatever was uploaded before; `last_used` stays as it was."""
    upload = read_query(call.request)
    if upload is None:
        return _chunk_id_required()
    with call.database.transaction():
        started = _restart(call, upload)
    return JSONResponse(started, 201)


async def finish_upload(call: Call) -> Response:
    """PUT: note the hash of a file that has arrived, unless one is noted."""
    content_hash = call.data().get("content_hash")
    check_hash(content_hash)
    row = find_symbol_set(call)
    check_arrived(call, row)
    _note_hash(call, row["id"], content_hash)
    return JSONResponse({"success": True})


async def create_symbol_set(call: Call) -> Response:
    """POST on the list: the file in the request itself, in place of what was there."""
    upload = read_query(call.request)
    if upload is None:
        return _chunk_id_required()
    content = await _read_file(call.request)
    with call.database.transaction():
        started = _restart(call, upload)
        call.storage.write(started["presigned_url"]["fields"]["key"], content)
        _note_hash(call, started["symbol_set_id"], hashlib.sha512(content).hexdigest())
    return JSONResponse({"ok": True}, 201)


def _chunk_id_required() -> Response:
    return JSONResponse({"detail": "chunk_id query parameter is required"}, 400)


def _restart(call: Call, upload: Upload) -> dict[str, Any]:
    """Start a set anew; one that is bound has to be named with its release. An unknown release breaks the service."""
    if upload.release_id is not None and not release_exists(call, upload.release_id):
        raise server_error()
    existing = find_by_ref(call, upload.chunk_id)
    if existing is not None and existing["release_id"] not in {None, upload.release_id}:
        raise invalid("Symbol set has already been uploaded for a different release")
    bind(call, upload)
    return start(call, upload)


async def _read_file(request: Request) -> bytes:
    """Return the first file of a form, or the body itself where it is no form."""
    if not request.headers.get("content-type", "").startswith(MULTIPART):
        return await request.body()
    form = await request.form()
    files = [value for _name, value in form.multi_items() if isinstance(value, UploadFile)]
    return await files[0].read() if files else b""


def _note_hash(call: Call, symbol_set_id: str, content_hash: object) -> None:
    sql = "UPDATE symbol_sets SET content_hash = coalesce(content_hash, ?) WHERE id = ?"
    call.database.execute(sql, (content_hash, symbol_set_id))


RESOURCES = [
    Resource(
        PATH, {"GET": Action(READ, list_symbol_sets), "POST": Action(WRITE, create_symbol_set)}, SYMBOL_SETS, FILES
    ),
    Resource(f"{PATH}/start_upload", {"POST": Action(WRITE, start_upload)}, SYMBOL_SETS, FILES),
    Resource(f"{PATH}/{{id:segment}}/finish_upload", {"PUT": Action(WRITE, finish_upload)}, SYMBOL_SETS, JSON_ONLY),
]
