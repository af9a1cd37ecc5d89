"""What a client wants to upload, read from its request (docs/posthog-api.md, section 6)."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from starlette.requests import Request

from errtrack_mcp.sandbox.envelope import invalid


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


def read_conflicts(data: dict[str, Any]) -> Conflicts:
    """Read what to do where a set is there already; the two choices exclude each other."""
    conflicts = Conflicts(force=bool(data.get("force")), skip=bool(data.get("skip_on_conflict")))
    if conflicts.force and conflicts.skip:
        raise invalid("force and skip_on_conflict exclude each other", "invalid_conflict_handling")
    return conflicts


def read_uploads(data: dict[str, Any]) -> list[Upload]:
    """Read the sets of today's body, or of the older one that only lists chunk ids."""
    if "symbol_sets" in data:
        rows = _read_list(data, "symbol_sets")
    else:
        rows = [{"chunk_id": each, "release_id": data.get("release_id")} for each in _read_list(data, "chunk_ids")]
    return [_read_upload(number, row) for number, row in enumerate(rows)]


def _read_list(data: dict[str, Any], field: str) -> list[Any]:
    value = data.get(field) or []
    if not isinstance(value, list):
        raise invalid(f'Expected a list of items but got type "{type(value).__name__}".', "not_a_list", field)
    return value


def _read_upload(number: int, row: Any) -> Upload:
    if not isinstance(row, dict) or not row.get("chunk_id"):
        raise invalid("This field is required.", "required", f"symbol_sets__{number}__chunk_id")
    length = row.get("content_length")
    return Upload(
        chunk_id=str(row["chunk_id"]),
        release_id=_canonical(row["release_id"]) if row.get("release_id") else None,
        content_hash=str(row["content_hash"]) if row.get("content_hash") else None,
        content_length=length if isinstance(length, int) else None,
    )


def _canonical(release_id: object) -> str:
    """Write a UUID as ids are stored; anything else stays, and is not found."""
    try:
        return str(UUID(str(release_id)))
    except ValueError:
        return str(release_id)
