"""The stored rows of frames, which ingestion reads and overwrites (docs/posthog-api.md, section 11.2)."""

import json
import sqlite3
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from errtrack_mcp.sandbox.database import Database, stored_time
from errtrack_mcp.sandbox.frames import Contents

RESOLVED_KEPT, UNRESOLVED_KEPT = timedelta(seconds=1800), timedelta(seconds=300)


@dataclass(frozen=True, slots=True)
class RowOfFrame:
    """What a row holds: the frame as it stands on an event, the lines around it (in JSON), and its symbol set."""

    contents: Contents
    context: str | None
    symbol_set_id: str | None


def find_row(database: Database, team_id: int, raw_id: str) -> sqlite3.Row | None:
    """Find the row of a frame by `hash/part`."""
    sql = "SELECT * FROM stack_frames WHERE team_id = ? AND raw_id = ? AND part = ?"
    return database.one(sql, (team_id, *_key(raw_id)))


def is_young(row: sqlite3.Row, moment: datetime) -> bool:
    """Return whether a row is taken as it is: for half an hour where it is resolved, else for five minutes."""
    kept = RESOLVED_KEPT if row["resolved"] else UNRESOLVED_KEPT
    return moment - datetime.fromisoformat(row["created_at"]) < kept


def write_row(database: Database, team_id: int, row: RowOfFrame, moment: datetime) -> None:
    """Write the row of a frame that was resolved at a moment, over the one before.

    Its symbol set may have been deleted while the file was read: then the row names none.
    """
    values: tuple[Any, ...] = (
        str(uuid4()),
        team_id,
        *_key(row.contents["raw_id"]),
        stored_time(moment),
        json.dumps(row.contents, ensure_ascii=False),
        row.contents["resolved"],
        row.context,
        row.symbol_set_id,
    )
    database.execute(
        "INSERT INTO stack_frames VALUES (?, ?, ?, ?, ?, ?, ?, ?, (SELECT id FROM symbol_sets WHERE id = ?))"
        " ON CONFLICT (team_id, raw_id, part) DO UPDATE SET created_at = excluded.created_at,"
        " contents = excluded.contents, resolved = excluded.resolved, context = excluded.context,"
        " symbol_set_id = excluded.symbol_set_id",
        values,
    )


def _key(raw_id: str) -> tuple[str, int]:
    hash_id, _, part = raw_id.rpartition("/")
    return hash_id, int(part)
