"""The tables, and a connection to them."""

import secrets
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

SCHEMA = """
CREATE TABLE IF NOT EXISTS organizations (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS projects (
    id INTEGER PRIMARY KEY,
    uuid TEXT NOT NULL,
    name TEXT NOT NULL,
    api_token TEXT NOT NULL UNIQUE,
    created_at TEXT NOT NULL,
    organization_id TEXT NOT NULL REFERENCES organizations (id)
);
CREATE TABLE IF NOT EXISTS users (
    id INTEGER PRIMARY KEY,
    uuid TEXT NOT NULL,
    email TEXT NOT NULL UNIQUE,
    first_name TEXT NOT NULL,
    date_joined TEXT NOT NULL,
    current_project_id INTEGER NOT NULL REFERENCES projects (id)
);
CREATE TABLE IF NOT EXISTS memberships (
    user_id INTEGER NOT NULL REFERENCES users (id),
    project_id INTEGER NOT NULL REFERENCES projects (id),
    PRIMARY KEY (user_id, project_id)
);
CREATE TABLE IF NOT EXISTS roles (
    id TEXT PRIMARY KEY,
    organization_id TEXT NOT NULL REFERENCES organizations (id),
    name TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS personal_api_keys (
    value TEXT PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    label TEXT NOT NULL,
    user_id INTEGER NOT NULL REFERENCES users (id),
    scopes TEXT NOT NULL,
    scoped_teams TEXT NOT NULL,
    created_at TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS oauth_tokens (
    value TEXT PRIMARY KEY,
    refresh_token TEXT NOT NULL,
    client_id TEXT NOT NULL,
    user_id INTEGER NOT NULL REFERENCES users (id),
    scopes TEXT NOT NULL,
    scoped_teams TEXT NOT NULL,
    created_at TEXT NOT NULL,
    expires_at TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS releases (
    id TEXT PRIMARY KEY,
    hash_id TEXT NOT NULL,
    team_id INTEGER NOT NULL REFERENCES projects (id),
    created_at TEXT NOT NULL,
    metadata TEXT,
    version TEXT NOT NULL,
    project TEXT NOT NULL,
    UNIQUE (team_id, hash_id)
);
CREATE TABLE IF NOT EXISTS symbol_sets (
    id TEXT PRIMARY KEY,
    ref TEXT NOT NULL,
    team_id INTEGER NOT NULL REFERENCES projects (id),
    created_at TEXT NOT NULL,
    last_used TEXT,
    failure_reason TEXT,
    storage_ptr TEXT,
    content_hash TEXT,
    release_id TEXT REFERENCES releases (id) ON DELETE CASCADE,
    UNIQUE (team_id, ref)
);
CREATE INDEX IF NOT EXISTS symbol_sets_release ON symbol_sets (release_id);
CREATE INDEX IF NOT EXISTS symbol_sets_newest ON symbol_sets (team_id, created_at DESC, id DESC);
CREATE TABLE IF NOT EXISTS issues (
    id TEXT PRIMARY KEY,
    team_id INTEGER NOT NULL REFERENCES projects (id),
    name TEXT,
    description TEXT,
    status TEXT NOT NULL,
    severity TEXT,
    created_at TEXT NOT NULL,
    assignee_user_id INTEGER REFERENCES users (id),
    assignee_role_id TEXT REFERENCES roles (id),
    updated_at TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS issues_newest ON issues (team_id, id DESC);
CREATE TABLE IF NOT EXISTS issue_fingerprints (
    id TEXT PRIMARY KEY,
    team_id INTEGER NOT NULL REFERENCES projects (id),
    issue_id TEXT NOT NULL REFERENCES issues (id) ON DELETE CASCADE,
    fingerprint TEXT NOT NULL,
    first_seen TEXT,
    created_at TEXT NOT NULL,
    UNIQUE (team_id, fingerprint)
);
CREATE INDEX IF NOT EXISTS issue_fingerprints_issue ON issue_fingerprints (issue_id);
CREATE TABLE IF NOT EXISTS exception_events (
    uuid TEXT PRIMARY KEY,
    team_id INTEGER NOT NULL REFERENCES projects (id),
    timestamp TEXT NOT NULL,
    distinct_id TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    issue_id_when_captured TEXT NOT NULL,
    properties TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS exception_events_fingerprint ON exception_events (team_id, fingerprint, timestamp DESC);
CREATE TABLE IF NOT EXISTS former_issues (
    id TEXT NOT NULL,
    team_id INTEGER NOT NULL,
    name TEXT,
    description TEXT,
    status TEXT NOT NULL,
    severity TEXT,
    created_at TEXT NOT NULL,
    assignee_user_id INTEGER,
    assignee_role_id TEXT,
    updated_at TEXT NOT NULL,
    replaced_at TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS former_issue_fingerprints (
    id TEXT NOT NULL,
    team_id INTEGER NOT NULL,
    issue_id TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    first_seen TEXT,
    created_at TEXT NOT NULL,
    replaced_at TEXT NOT NULL
);
CREATE TRIGGER IF NOT EXISTS issue_changed BEFORE UPDATE ON issues BEGIN
    INSERT INTO former_issues SELECT *, strftime('%Y-%m-%dT%H:%M:%f000Z', 'now') FROM issues WHERE id = OLD.id;
END;
CREATE TRIGGER IF NOT EXISTS issue_deleted BEFORE DELETE ON issues BEGIN
    INSERT INTO former_issues SELECT *, strftime('%Y-%m-%dT%H:%M:%f000Z', 'now') FROM issues WHERE id = OLD.id;
END;
CREATE TRIGGER IF NOT EXISTS fingerprint_moved BEFORE UPDATE ON issue_fingerprints BEGIN
    INSERT INTO former_issue_fingerprints
    SELECT *, strftime('%Y-%m-%dT%H:%M:%f000Z', 'now') FROM issue_fingerprints WHERE id = OLD.id;
END;
CREATE TABLE IF NOT EXISTS stack_frames (
    id TEXT PRIMARY KEY,
    team_id INTEGER NOT NULL REFERENCES projects (id),
    raw_id TEXT NOT NULL,
    part INTEGER NOT NULL,
    created_at TEXT NOT NULL,
    contents TEXT NOT NULL,
    resolved INTEGER NOT NULL,
    context TEXT,
    symbol_set_id TEXT REFERENCES symbol_sets (id) ON DELETE SET NULL,
    UNIQUE (team_id, raw_id, part)
);
CREATE TABLE IF NOT EXISTS originals (
    raw_id TEXT PRIMARY KEY,
    original TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS stack_frames_symbol_set ON stack_frames (symbol_set_id);
CREATE TABLE IF NOT EXISTS spike_events (
    id TEXT PRIMARY KEY,
    team_id INTEGER NOT NULL REFERENCES projects (id),
    issue_id TEXT NOT NULL REFERENCES issues (id) ON DELETE CASCADE,
    detected_at TEXT NOT NULL,
    computed_baseline REAL NOT NULL,
    current_bucket_value INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS issue_activities (
    id TEXT PRIMARY KEY,
    team_id INTEGER NOT NULL REFERENCES projects (id),
    issue_id TEXT NOT NULL,
    issue_name TEXT,
    activity TEXT NOT NULL,
    user_id INTEGER NOT NULL REFERENCES users (id),
    created_at TEXT NOT NULL,
    changes TEXT NOT NULL
);
"""


class Database:
    """One SQLite database, in memory or in a file; a finished write survives a kill."""

    def __init__(self, path: str | Path = ":memory:") -> None:
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._connection.row_factory = sqlite3.Row
        self._connection.create_function("icontains", 2, _icontains, deterministic=True)
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
            self._connection.execute(f"PRAGMA {pragma}")
        self._connection.executescript(SCHEMA)
        self._listed: tuple[object, list[int]] = (None, [])

    def execute(self, sql: str, values: Any = ()) -> sqlite3.Cursor:
        """Run one statement; outside a transaction it is durable on return."""
        return self._connection.execute(sql, values)

    def many(self, sql: str, rows: Iterable[tuple[object, ...]]) -> None:
        """Run one statement for every row."""
        self._connection.executemany(sql, rows)

    def one(self, sql: str, values: Any = ()) -> sqlite3.Row | None:
        """Fetch the first row, or None."""
        row: sqlite3.Row | None = self._connection.execute(sql, values).fetchone()
        return row

    def all(self, sql: str, values: Any = ()) -> list[sqlite3.Row]:
        """Fetch every row."""
        return self._connection.execute(sql, values).fetchall()

    def listing(self, sql: str, values: dict[str, Any]) -> list[int]:
        """Fetch the one column of a query, or the same as last time if nothing was written since.

        Without this, a client that reads a long list page by page would have it sorted and counted for every page.
        """
        version = self._connection.execute("PRAGMA data_version").fetchone()[0]
        asked = (sql, tuple(sorted(values.items(), key=str)), self._connection.total_changes, version)
        if self._listed[0] != asked:
            self._listed = (asked, [row[0] for row in self._connection.execute(sql, values)])
        return self._listed[1]

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Make all writes inside happen, or none."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


class TimeOrderedIds:
    """UUIDs that only grow: 48 bits of milliseconds, a 16-bit series within one, 64 random bits."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._position = 0

    def next(self) -> str:
        """Make an id greater than every id made before, even when the clock stands or goes back."""
        self._position = max(self._position + 1, int(self._clock() * 1000) << 16)
        return str(UUID(int=self._position << 64 | secrets.randbits(64)))


def stored_time(moment: datetime) -> str:
    """Write a moment so that text order is time order."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def shown_time(stored: str | None) -> str | None:
    """Render a stored moment as the API does: microseconds only when there are any."""
    return stored and stored.replace(".000000Z", "Z")


def _icontains(text: object, part: str) -> bool:
    return text is not None and part.upper() in str(text).upper()
