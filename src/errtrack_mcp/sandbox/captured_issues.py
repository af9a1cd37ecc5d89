"""A captured event becomes a stored one, of a known issue or a new one (docs/posthog-api.md, section 7)."""

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from errtrack_mcp.sandbox.captured_events import CapturedEvent, ExceptionProperties, RawException, distinct_id
from errtrack_mcp.sandbox.captured_frames import Resolved
from errtrack_mcp.sandbox.database import Database, TimeOrderedIds, shown_time, stored_time
from errtrack_mcp.sandbox.exception_properties import distinct, frame_properties
from errtrack_mcp.sandbox.fingerprinting import fingerprint
from errtrack_mcp.sandbox.frame_rows import RowOfFrame, write_row
from errtrack_mcp.sandbox.ingestion import REOPENED
from errtrack_mcp.sandbox.issues import issue_with_fingerprint
from errtrack_mcp.sandbox.symbol_sets import insert_symbol_set, note_use

MAX_NAME_LENGTH = 300  # characters of an issue's name; its description has as many as the message
MAX_REF_LENGTH = 2_048
KEPT_OUT = ("token", "$exception_list", "$exception_fingerprint", "$exception_issue_id")


def store_event(  # noqa: PLR0913, PLR0917 - an event has these parts
    database: Database,
    ids: TimeOrderedIds,
    team_id: int,
    event: CapturedEvent,
    sent: ExceptionProperties,
    frames: Sequence[Resolved],
    moment: datetime,
    now: datetime,
) -> str | None:
    """Store an event of a moment, whose frames are resolved by now; return the id of its issue.

    A suppressed issue takes no event: None. An event that is sent again is stored once.
    """
    with database.transaction():
        _write_frames(database, ids, team_id, frames, now)
        rest = iter(frames)
        exceptions = [_exception(ids, each, rest) for each in sent.exceptions]
        computed, record = fingerprint(exceptions)
        if sent.fingerprint:
            record = [{"type": "manual"}]
        marked = sent.fingerprint or computed
        issue_id = _issue(database, ids, team_id, marked, exceptions[0], moment)
        if issue_id is None:
            return None
        kept = {name: value for name, value in event.properties.items() if name not in KEPT_OUT}
        properties = kept | _properties(exceptions, frames) | _release(database, team_id, sent.release_id, frames)
        properties |= {
            "$exception_level": kept.get("$exception_level", "error"),
            "$exception_fingerprint": marked,
            "$exception_fingerprint_record": record,
            "$exception_issue_id": issue_id,
        }
        values = (_uuid(event.uuid) or ids.next(), team_id, stored_time(moment), distinct_id(event), marked, issue_id)
        sql = "INSERT OR IGNORE INTO exception_events VALUES (?, ?, ?, ?, ?, ?, ?)"
        database.execute(sql, (*values, json.dumps(properties, ensure_ascii=False)))
        return issue_id


def _write_frames(
    database: Database, ids: TimeOrderedIds, team_id: int, frames: Sequence[Resolved], now: datetime
) -> None:
    """Write the rows of frames, when their symbol sets were used, and why a script's URL has none."""
    for frame in frames:
        if not frame.anew:
            continue
        row, ref = frame.row, frame.ref
        if ref is not None and ref.startswith(("http://", "https://")) and not frame.has_file:
            row = RowOfFrame(row.contents, row.context, _failed_set(database, ids, team_id, ref, now))
        elif ref is not None and frame.has_file:
            note_use(database, team_id, ref, now)
        write_row(database, team_id, row, now)


def _failed_set(database: Database, ids: TimeOrderedIds, team_id: int, url: str, now: datetime) -> str:
    """Note that there was no map for a script that is known by its URL; a row that is there stays as it is."""
    ref = url[:MAX_REF_LENGTH]
    found = database.one("SELECT id FROM symbol_sets WHERE team_id = ? AND ref = ?", (team_id, ref))
    if found is not None:
        note_use(database, team_id, ref, now)
        return str(found["id"])
    values: dict[str, Any] = {"id": ids.next(), "ref": ref, "team_id": team_id, "created_at": stored_time(now)}
    values |= {"last_used": stored_time(now), "storage_ptr": None, "content_hash": None, "release_id": None}
    reason = json.dumps({"JavaScript": {"NoSourcemap": url}}, separators=(",", ":"))
    insert_symbol_set(database, values | {"failure_reason": reason})
    return str(values["id"])


def _exception(ids: TimeOrderedIds, sent: RawException, frames: Iterator[Resolved]) -> dict[str, Any]:
    """Return an exception as it is stored; its frames are the next of `frames`."""
    stored = sent.model_dump(exclude={"stacktrace"}, exclude_none=True)
    stored["id"] = sent.id or ids.next()
    if sent.stacktrace is not None:
        found = [next(frames).row.contents for _ in sent.stacktrace.frames]
        stored["stacktrace"] = {"type": "resolved", "frames": found}
    return stored


def _properties(exceptions: list[dict[str, Any]], frames: Sequence[Resolved]) -> dict[str, Any]:
    return {
        "$exception_list": exceptions,
        "$exception_types": distinct(each["type"] for each in exceptions),
        "$exception_values": distinct(each["value"] for each in exceptions),
        **frame_properties([frame.row.contents for frame in frames]),
        "$exception_handled": bool(exceptions[0].get("mechanism", {}).get("handled", False)),
    }


def _issue(  # noqa: PLR0913, PLR0917 - an issue begins with these parts
    database: Database,
    ids: TimeOrderedIds,
    team_id: int,
    marked: str,
    exception: dict[str, Any],
    moment: datetime,
) -> str | None:
    """Find the issue of a fingerprint, active again if it was resolved, or begin one; None where it is suppressed."""
    issue_id = issue_with_fingerprint(database, team_id, marked)
    if issue_id is not None:
        status = database.all("SELECT status FROM issues WHERE id = ?", (issue_id,))[0]["status"]
        if status in REOPENED:
            database.execute("UPDATE issues SET status = 'active' WHERE id = ?", (issue_id,))
        return None if status == "suppressed" else issue_id
    issue_id, now = ids.next(), stored_time(moment)
    name = exception["type"][:MAX_NAME_LENGTH]
    values = (issue_id, team_id, name, exception["value"], "active", None, now, None, None, now)
    database.execute("INSERT INTO issues VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", values)
    values_of_fingerprint = (ids.next(), team_id, issue_id, marked, now, now)
    database.execute("INSERT INTO issue_fingerprints VALUES (?, ?, ?, ?, ?, ?)", values_of_fingerprint)
    return issue_id


def _release(database: Database, team_id: int, named: Any, frames: Sequence[Resolved]) -> dict[str, Any]:
    """Return the release of an event: the one it names, else the newest of the symbol sets that were used."""
    row = None
    if isinstance(named, str):
        row = database.one("SELECT * FROM releases WHERE team_id = ? AND id = ?", (team_id, named.lower()))
    if row is None:
        used = [frame.row.symbol_set_id for frame in frames if frame.row.contents["resolved"]]
        sql = (
            "SELECT r.* FROM releases r JOIN symbol_sets s ON s.release_id = r.id"
            " WHERE s.id IN (SELECT value FROM json_each(?)) ORDER BY r.created_at DESC LIMIT 1"
        )
        row = database.one(sql, (json.dumps(used),))
    if row is None:
        return {}
    release = {name: row[name] for name in ("id", "version", "project")}
    release["timestamp"] = shown_time(row["created_at"])
    return {"$exception_release": release | ({"metadata": json.loads(row["metadata"])} if row["metadata"] else {})}


def _uuid(text: str | None) -> str | None:
    try:
        return str(UUID(text or ""))
    except ValueError:
        return None
