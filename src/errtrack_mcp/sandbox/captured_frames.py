"""Raw frames are looked up in the uploaded files, as ingestion does (docs/posthog-api.md, section 8)."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from errtrack_mcp.sandbox.captured_events import RawFrame, Unreadable
from errtrack_mcp.sandbox.database import Database
from errtrack_mcp.sandbox.frame_rows import RowOfFrame, find_row, is_young
from errtrack_mcp.sandbox.raw_frames import as_stored, missing_text, reference, stored_id, token_not_found
from errtrack_mcp.sandbox.storage import Storage, seeded_file
from errtrack_mcp.symbolication.places import Original, Place
from errtrack_mcp.symbolication.process import MAX_PLACES, FileUnusable, is_installed, look_up

MAX_FILES = 50  # that the frames of one body are looked up in
LINES_AROUND = 15


@dataclass(frozen=True, slots=True)
class Resolved:
    """A frame as it is stored; `ref` is that of the symbol set it needed, `anew` whether its row has to be written."""

    row: RowOfFrame
    ref: str | None
    has_file: bool = False
    anew: bool = True


@dataclass(frozen=True, slots=True)
class _MapFile:
    """The symbol set of a ref: its id if there is one, and what its file says, or why that cannot be used."""

    symbol_set_id: str | None = None
    has_file: bool = False
    unusable: str = ""
    originals: Mapping[Place, Original] = field(default_factory=dict)


async def resolve_frames(
    database: Database, storage: Storage, team_id: int, frames: Sequence[RawFrame], moment: datetime
) -> list[Resolved]:
    """Resolve raw frames by their young rows, else by the files of their symbol sets; nothing is written yet.

    Without the extra `symbolicate` every map counts as missing. Raises Unreadable for frames of too many files.
    """
    young = [_young(database, team_id, frame, moment) for frame in frames]
    old = [frame for frame, row in zip(frames, young, strict=True) if row is None]
    maps = await _read_maps(database, storage, team_id, old)
    return [row or _resolved(frame, maps) for frame, row in zip(frames, young, strict=True)]


def _young(database: Database, team_id: int, frame: RawFrame, moment: datetime) -> Resolved | None:
    ref = reference(frame)
    row = None if ref is None else find_row(database, team_id, stored_id(frame))
    if row is None or not is_young(row, moment):
        return None
    return Resolved(RowOfFrame(json.loads(row["contents"]), row["context"], row["symbol_set_id"]), ref, anew=False)


def _resolved(frame: RawFrame, maps: Mapping[str, _MapFile]) -> Resolved:
    ref = reference(frame)
    if ref is None:
        return Resolved(_row(*as_stored(frame), None), None)
    file = maps[ref]
    original = file.originals.get(_place(frame))
    failure = None
    if not file.has_file:
        failure = missing_text(frame)
    elif original is None:
        failure = file.unusable or token_not_found(frame)
    return Resolved(_row(*as_stored(frame, original, failure), file.symbol_set_id), ref, file.has_file)


def _row(contents: dict[str, Any], context: dict[str, Any] | None, symbol_set_id: str | None) -> RowOfFrame:
    return RowOfFrame(contents, None if context is None else json.dumps(context, ensure_ascii=False), symbol_set_id)


async def _read_maps(
    database: Database, storage: Storage, team_id: int, frames: Iterable[RawFrame]
) -> dict[str, _MapFile]:
    places: dict[str, dict[Place, None]] = {}
    for frame in frames:
        if (ref := reference(frame)) is not None:
            of_file = places.setdefault(ref, {})
            if frame.lineno:  # line 0 is in no map
                of_file[_place(frame)] = None
    maps: dict[str, _MapFile] = {}
    files = 0
    for ref, wanted in places.items():
        row = database.one("SELECT * FROM symbol_sets WHERE team_id = ? AND ref = ?", (team_id, ref))
        maps[ref] = _MapFile(None if row is None else row["id"])
        if row is not None and row["content_hash"] and is_installed():
            files += 1
            if files > MAX_FILES:
                raise Unreadable(f"its frames are of more than {MAX_FILES} files; send it in smaller batches")
            content = storage.read(row["storage_ptr"]) or seeded_file(database, row["storage_ptr"]) or b""
            maps[ref] = await _read_map(row["id"], content, list(wanted))
    return maps


async def _read_map(symbol_set_id: str, content: bytes, places: list[Place]) -> _MapFile:
    originals: dict[Place, Original] = {}
    try:
        for start in range(0, len(places), MAX_PLACES):
            asked = places[start : start + MAX_PLACES]
            found = await look_up(content, asked, lines_around=LINES_AROUND)
            originals |= {place: each[0] for place, each in zip(asked, found.originals, strict=True) if each}
    except FileUnusable as error:
        return _MapFile(symbol_set_id, has_file=True, unusable=f"Invalid source map: {error}")
    return _MapFile(symbol_set_id, has_file=True, originals=originals)


def _place(frame: RawFrame) -> Place:
    """Return where a frame is: PostHog counts columns from 0, and takes those of SDKs as they are."""
    return Place(frame.lineno or 0, (frame.colno or 0) + 1)
