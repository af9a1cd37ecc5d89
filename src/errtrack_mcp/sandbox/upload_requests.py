"""What a client wants to upload, read from its request (docs/posthog-api.md, section 6)."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from starlette.requests import Request

from errtrack_mcp.sandbox.envelope import invalid
from errtrack_mcp.sandbox.fields import or_null, read_boolean, read_field, read_list, read_objects, read_size, read_text

MAX_CHECKED = 1000
SYMBOL_SETS = "symbol_sets"
NOT_OF_A_FIELD = f"{SYMBOL_SETS}__non_field_errors"
FIELDS = {
    "chunk_id": read_text,
    "release_id": or_null(read_text),
    "content_hash": or_null(read_text),
    "content_length": read_size,
}


@dataclass(frozen=True)
class Upload:
    """One symbol set that a client wants to upload."""

    chunk_id: str
    release_id: str | None = None
    content_hash: str | None = None
    content_length: int | None = None


@dataclass(frozen=True)
class Conflicts:
    """What to do about a set whose content differs: refuse (neither), replace it, or keep it."""

    force: bool = False
    skip: bool = False


def read_query(request: Request) -> Upload | None:
    """Read the one set that a deprecated call is about, or None where it names none."""
    chunk_id, release_id = request.query_params.get("chunk_id"), request.query_params.get("release_id")
    return Upload(chunk_id, _canonical(release_id) if release_id else None) if chunk_id else None


def read_start(data: Any) -> tuple[list[Upload], Conflicts]:
    """Read the body of a start: symbol sets, and chunk ids that share a release as older clients list them."""
    body = _read_object(data)
    uploads = _read_symbol_sets(body) if SYMBOL_SETS in body else []
    chunk_ids = read_list("chunk_ids", body.get("chunk_ids", []))
    listed = [read_field(f"chunk_ids__{number}", each, read_text) for number, each in enumerate(chunk_ids)]
    release_id = read_field("release_id", body.get("release_id"), or_null(read_text))
    uploads += [Upload(chunk_id, release_id) for chunk_id in listed]
    return uploads, _read_conflicts(body)


def read_check(data: Any) -> tuple[list[Upload], Conflicts]:
    """Read the body of a check, which cannot do without symbol sets, and takes a thousand at most."""
    body = _read_object(data)
    if SYMBOL_SETS not in body:
        raise invalid("This field is required.", "required", SYMBOL_SETS)
    uploads = _read_symbol_sets(body)
    if len(uploads) > MAX_CHECKED:
        raise invalid(f"Ensure this field has no more than {MAX_CHECKED} elements.", "max_length", NOT_OF_A_FIELD)
    return uploads, _read_conflicts(body)


def _read_object(data: Any) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise invalid(f"Invalid data. Expected a dictionary, but got {type(data).__name__}.")
    return data


def _read_symbol_sets(body: dict[str, Any]) -> list[Upload]:
    value = body[SYMBOL_SETS]
    rows = read_list(SYMBOL_SETS if value is None else NOT_OF_A_FIELD, value)
    return [Upload(**values) for values in read_objects(SYMBOL_SETS, rows, FIELDS, required="chunk_id")]


def _read_conflicts(body: dict[str, Any]) -> Conflicts:
    """Read what to do where a set is there already; the two choices exclude each other."""
    force, skip = (read_field(name, body.get(name, False), read_boolean) for name in ("force", "skip_on_conflict"))
    if force and skip:
        raise invalid("force and skip_on_conflict exclude each other", "invalid_conflict_handling")
    return Conflicts(force=force, skip=skip)


def _canonical(release_id: str) -> str:
    """Write a UUID as ids are stored; anything else stays, and is not found."""
    try:
        return str(UUID(release_id))
    except ValueError:
        return release_id
