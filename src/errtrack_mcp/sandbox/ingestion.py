"""Ingestion: an error happens again, and its frames are resolved anew (docs/posthog-api.md, section 7)."""

import json
import sqlite3
from datetime import datetime
from typing import Any

from errtrack_mcp.sandbox.database import Database, TimeOrderedIds, stored_time
from errtrack_mcp.sandbox.exception_properties import frame_properties
from errtrack_mcp.sandbox.frame_rows import RowOfFrame, find_row, is_young, write_row
from errtrack_mcp.sandbox.frames import Contents, Original, resolve, source_context, unresolve
from errtrack_mcp.sandbox.symbol_sets import note_use

REOPENED = ("resolved", "archived", "pending_release")
LATEST = (
    "SELECT e.* FROM exception_events e JOIN issue_fingerprints f USING (team_id, fingerprint)"
    " WHERE f.issue_id = ? ORDER BY e.timestamp DESC LIMIT 1"
)


def happen_again(database: Database, ids: TimeOrderedIds, issue_id: str, moment: datetime) -> str | None:
    """Let an issue's latest event happen once more; return the new one's id, or None where the issue is suppressed.

    Rows of frames that are old enough are resolved anew and overwritten; events that were stored before stay as they
    are. The new event keeps the fingerprint, as one does that the client has chosen. Raises LookupError for an issue
    without events.
    """
    with database.transaction():
        latest, issue = (
            database.one(LATEST, (issue_id,)),
            database.one("SELECT * FROM issues WHERE id = ?", (issue_id,)),
        )
        if latest is None or issue is None:
            raise LookupError(issue_id)
        if issue["status"] == "suppressed":
            return None
        properties = json.loads(latest["properties"])
        frames: list[Contents] = []
        for exception in properties["$exception_list"]:
            if "stacktrace" in exception:
                found = [
                    _current(database, issue["team_id"], each, moment) for each in exception["stacktrace"]["frames"]
                ]
                exception["stacktrace"]["frames"] = found
                frames += found
        properties |= frame_properties(frames) | {"$exception_issue_id": issue_id}
        event_id = ids.next()
        values = (event_id, latest["team_id"], stored_time(moment), latest["distinct_id"], latest["fingerprint"])
        database.execute(
            "INSERT INTO exception_events VALUES (?, ?, ?, ?, ?, ?, ?)",
            (*values, issue_id, json.dumps(properties, ensure_ascii=False)),
        )
        if issue["status"] in REOPENED:
            database.execute("UPDATE issues SET status = 'active' WHERE id = ?", (issue_id,))
        return event_id


def _current(database: Database, team_id: int, frame: Contents, moment: datetime) -> Contents:
    """Return a frame as it is resolved at a moment: by its row while that is young, else anew."""
    row = find_row(database, team_id, frame["raw_id"])
    if row is not None and is_young(row, moment):
        young: Contents = json.loads(row["contents"])
        return young
    contents, context, symbol_set_id = _resolved_anew(database, team_id, frame, row, moment)
    write_row(database, team_id, RowOfFrame(contents, context, symbol_set_id), moment)
    return contents


def _resolved_anew(
    database: Database, team_id: int, frame: Contents, row: sqlite3.Row | None, moment: datetime
) -> tuple[Contents, str | None, str | None]:
    """Resolve a frame by the symbol set of its chunk; return it with its context and the id of that symbol set."""
    chunk = frame.get("junk_drawer", {}).get("raw_frame", {}).get("chunk_id")
    if chunk is None:
        return frame, None if row is None else row["context"], None if row is None else row["symbol_set_id"]
    symbol_set = database.one("SELECT * FROM symbol_sets WHERE team_id = ? AND ref = ?", (team_id, chunk))
    if symbol_set is None or not symbol_set["content_hash"]:
        failure = f"No sourcemap uploaded for chunk id: {chunk}"
        return unresolve(frame, failure), None, None if symbol_set is None else symbol_set["id"]
    note_use(database, team_id, chunk, moment)
    found = database.one("SELECT original FROM originals WHERE raw_id = ?", (frame["raw_id"],))
    if found is None:
        raw: dict[str, Any] = frame["junk_drawer"]["raw_frame"]
        failure = f"Token not found for frame: {raw['function']}:{raw['lineno']}:{raw['colno']}"
        return unresolve(frame, failure), None, symbol_set["id"]
    original = Original(**json.loads(found["original"]))
    context = json.dumps(source_context(original), ensure_ascii=False)
    return resolve(frame, original), context, symbol_set["id"]
