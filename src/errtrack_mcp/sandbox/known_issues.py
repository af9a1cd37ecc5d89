"""What queries know of issues: their store learns of a change later than the one that the other endpoints read."""

import sqlite3
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from errtrack_mcp.sandbox.calls import Call, present
from errtrack_mcp.sandbox.database import stored_time

RECENT = timedelta(seconds=60)
MOST_RECENT_ISSUES = 100
KNOWN_AS_RESOLVED = ("archived", "pending_release")


@dataclass(frozen=True, slots=True)
class KnownIssue:
    """An issue as queries know it; `first_seen` is the earliest of its fingerprints."""

    id: str
    name: str | None
    description: str | None
    status: str
    severity: str | None
    first_seen: str | None
    assignee: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class KnownIssues:
    """The issues of a project by id, and the id of the issue that each fingerprint belongs to."""

    issues: dict[str, KnownIssue]
    by_fingerprint: dict[str, str]


def known_issues(call: Call) -> KnownIssues:
    """Read the issues of the project, as they were before the changes that queries have not seen yet."""
    lag = call.sandbox.list_lag
    rows = {row["id"]: row for row in _rows(call, "issues")}
    fingerprints = {row["fingerprint"]: row for row in _rows(call, "issue_fingerprints")}
    if lag:
        seen_until = stored_time(present() - timedelta(seconds=lag))
        fresh = _recently_changed(call)
        for row in _replaced_after(call, "former_issues", seen_until):
            if row["id"] not in fresh or row["id"] not in rows:
                rows[row["id"]] = row
        for row in _replaced_after(call, "former_issue_fingerprints", seen_until):
            fingerprints[row["fingerprint"]] = row
    first_seen: dict[str, str] = {}
    for row in fingerprints.values():
        moment = row["first_seen"] or row["created_at"]
        first_seen[row["issue_id"]] = min(moment, first_seen.get(row["issue_id"], moment))
    issues = {issue_id: _known(row, first_seen.get(issue_id)) for issue_id, row in rows.items()}
    return KnownIssues(issues, {fingerprint: row["issue_id"] for fingerprint, row in fingerprints.items()})


def _known(row: sqlite3.Row, first_seen: str | None) -> KnownIssue:
    assignee = None
    if row["assignee_user_id"]:
        assignee = {"id": row["assignee_user_id"], "type": "user"}
    elif row["assignee_role_id"]:
        assignee = {"id": row["assignee_role_id"], "type": "role"}
    status = "resolved" if row["status"] in KNOWN_AS_RESOLVED else row["status"]
    return KnownIssue(row["id"], row["name"], row["description"], status, row["severity"], first_seen, assignee)


def _recently_changed(call: Call) -> set[str]:
    """Name the issues whose change shows at once: those of the last minute, unless they are too many."""
    if not call.era.recent_changes:
        return set()
    changed = {row["id"] for row in _replaced_after(call, "former_issues", stored_time(present() - RECENT))}
    return changed if len(changed) <= MOST_RECENT_ISSUES else set()


def _rows(call: Call, table: str) -> list[sqlite3.Row]:
    sql = f"SELECT * FROM {table} WHERE team_id = ?"  # noqa: S608 - a table of our own
    return call.database.all(sql, (call.team_id,))


def _replaced_after(call: Call, table: str, moment: str) -> list[sqlite3.Row]:
    """List former rows, the earliest last, so that it wins."""
    sql = f"SELECT * FROM {table} WHERE team_id = ? AND replaced_at > ? ORDER BY rowid DESC"  # noqa: S608 - likewise
    return call.database.all(sql, (call.team_id, moment))
