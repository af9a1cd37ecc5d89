"""Changes of issues: status, assignee, merging, splitting (docs/posthog-api.md, section 7)."""

import json
import sqlite3
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from starlette.responses import JSONResponse, Response

from errtrack_mcp.sandbox import issues
from errtrack_mcp.sandbox.assignees import Assignee, check_assignee
from errtrack_mcp.sandbox.calls import READ, WRITE, Action, Call, Resource, refuse_method
from errtrack_mcp.sandbox.database import stored_time
from errtrack_mcp.sandbox.envelope import invalid, server_error
from errtrack_mcp.sandbox.fields import RefusedError, or_null, read_field, read_list, read_text
from errtrack_mcp.sandbox.issues import PATH, find_issue, issue_body

WRITTEN_STATUSES = ("active", "resolved", "suppressed")
SEVERITIES = ("low", "medium", "high", "critical")
ACTIVITY = "activity_log:read"
UNTITLED = "Untitled issue"
LOGGED = ("status", "severity", "name")  # a new description leaves no trace


async def update_issue(call: Call) -> Response:
    """PATCH and PUT: change what is given, and answer the issue; anything else in the body is passed over."""
    data, issue_id = call.data(), call.uuid()
    readers = {"status": _one_of(WRITTEN_STATUSES), "name": or_null(_read_any_text)}
    readers |= {"description": or_null(_read_any_text)}
    readers |= {"severity": or_null(_one_of(SEVERITIES))} if call.era.severity else {}
    changed = {name: read_field(name, data[name], read) for name, read in readers.items() if name in data}
    with call.database.transaction():
        row = find_issue(call, issue_id)
        _write(call, row, changed)
    return JSONResponse(issue_body(call, find_issue(call, issue_id)))


async def assign_issue(call: Call) -> Response:
    """PATCH: give an issue to a user or a role; to nobody when null is given, and when nothing is."""
    issue_id, assignee = call.uuid(), call.data().get("assignee")
    with call.database.transaction():
        row = find_issue(call, issue_id)
        _assign(call, row, check_assignee(call, assignee))
    return JSONResponse({"success": True})


async def merge_issues(call: Call) -> Response:
    """POST: move the fingerprints of other issues here and delete those; ids that name none are passed over."""
    issue_id = call.uuid()
    if "ids" not in call.data():
        raise invalid("This field is required.", "required", "ids")
    named = read_list("ids", call.data()["ids"])
    if not named:
        raise invalid("This list may not be empty.", "empty", "ids")
    ids = [read_field(f"ids__{number}", each, _read_uuid) for number, each in enumerate(named)]
    with call.database.transaction():
        target = find_issue(call, issue_id)
        sources = [row for row in _known(call, ids) if row["id"] != issue_id]
        if sources:
            _merge(call, target, sources)
    return JSONResponse({"success": bool(sources)})


async def split_issue(call: Call) -> Response:
    """POST: make an issue of each fingerprint that is named and known; named or not, the issue's spikes are deleted."""
    issue_id = call.uuid()
    named = read_list("fingerprints", call.data().get("fingerprints", []))
    asked = [_read_split(number, each) for number, each in enumerate(named)]
    with call.database.transaction():
        row = find_issue(call, issue_id)
        call.database.execute("DELETE FROM spike_events WHERE issue_id = ?", (issue_id,))
        split = [_split_off(call, row, each) for each in asked]
        made = [each for each in split if each is not None]
        if made:
            _log(call, row, "split", [_change("split", None, None, made)])
    return JSONResponse({"success": True, "new_issue_ids": made})


async def bulk_change(call: Call) -> Response:
    """POST: change many issues. The body is hardly checked: an unknown action or id changes nothing, and succeeds."""
    data = call.data()
    action, ids = data.get("action"), data.get("ids", [])
    if action == "set_status" and data.get("status") not in WRITTEN_STATUSES:
        raise invalid("Invalid status")
    with call.database.transaction():
        rows = _known(call, [_row_id(each) for each in ids] if isinstance(ids, list) else [])
        assignee = check_assignee(call, data.get("assignee")) if action == "assign" else None
        for row in rows:
            if action == "set_status":
                _write(call, row, {"status": data["status"]})
            elif action == "assign":
                _assign(call, row, assignee)
    return JSONResponse({"success": True})


def _write(call: Call, row: sqlite3.Row, changed: dict[str, Any]) -> None:
    """Store fields of an issue, and note what became different."""
    different = {name: value for name, value in changed.items() if row[name] != value}
    for name, value in different.items():
        sql = f"UPDATE issues SET {name} = ?, updated_at = ? WHERE id = ?"  # noqa: S608 - a name of ours
        call.database.execute(sql, (value, _now(call), row["id"]))
    changes = [_change("changed", name, row[name], different[name]) for name in LOGGED if name in different]
    if changes:
        _log(call, row, "updated", changes)


def _assign(call: Call, row: sqlite3.Row, assignee: Assignee | None) -> None:
    before, after = issues.assignee_of(row), assignee and {"id": assignee.id, "type": assignee.type}
    if before == after:
        return
    user = assignee.id if assignee and assignee.type == "user" else None
    role = assignee.id if assignee and assignee.type == "role" else None
    sql = "UPDATE issues SET assignee_user_id = ?, assignee_role_id = ?, updated_at = ? WHERE id = ?"
    call.database.execute(sql, (user, role, _now(call), row["id"]))
    _log(call, row, "assigned", [_change("changed", "assignee", before, after)])


def _merge(call: Call, target: sqlite3.Row, sources: list[sqlite3.Row]) -> None:
    """Move what belongs to the sources, take over an assignee that all of them share, and delete them."""
    for source in sources:
        for table in ("issue_fingerprints", "spike_events"):
            sql = f"UPDATE {table} SET issue_id = ? WHERE issue_id = ?"  # noqa: S608 - a name of ours
            call.database.execute(sql, (target["id"], source["id"]))
        call.database.execute("DELETE FROM issues WHERE id = ?", (source["id"],))
    shared = {(source["assignee_user_id"], source["assignee_role_id"]) for source in sources}
    if issues.assignee_of(target) is None and len(shared) == 1:
        sql = "UPDATE issues SET assignee_user_id = ?, assignee_role_id = ? WHERE id = ?"
        call.database.execute(sql, (*shared.pop(), target["id"]))
    call.database.execute("UPDATE issues SET updated_at = ? WHERE id = ?", (_now(call), target["id"]))
    _log(call, target, "merged", [_change("merged", None, None, [source["id"] for source in sources])])


def _split_off(call: Call, row: sqlite3.Row, asked: dict[str, str]) -> str | None:
    """Make an issue of one fingerprint: active, with neither severity nor assignee. None if it is not of this issue."""
    sql = "SELECT id FROM issue_fingerprints WHERE issue_id = ? AND fingerprint = ?"
    found = call.database.one(sql, (row["id"], asked["fingerprint"]))
    if found is None:
        return None
    made, now = call.sandbox.ids.next(), _now(call)
    call.database.execute(
        "INSERT INTO issues (id, team_id, name, description, status, created_at, updated_at)"
        " VALUES (?, ?, ?, ?, 'active', ?, ?)",
        (made, call.team_id, asked.get("name") or UNTITLED, asked.get("description"), now, now),
    )
    call.database.execute("UPDATE issue_fingerprints SET issue_id = ? WHERE id = ?", (made, found["id"]))
    return made


def _known(call: Call, ids: Iterable[str]) -> list[sqlite3.Row]:
    """Return the issues of the project among these ids, each once."""
    sql = "SELECT * FROM issues WHERE team_id = ? AND id = ?"
    found = (call.database.one(sql, (call.team_id, each)) for each in dict.fromkeys(ids))
    return [row for row in found if row is not None]


def _change(action: str, field: str | None, before: Any, after: Any) -> dict[str, Any]:
    return {"type": "ErrorTrackingIssue", "action": action, "field": field, "before": before, "after": after}


def _log(call: Call, row: sqlite3.Row, activity: str, changes: list[dict[str, Any]]) -> None:
    values = (call.sandbox.ids.next(), call.team_id, row["id"], row["name"], activity, call.key["user_id"], _now(call))
    call.database.execute(
        "INSERT INTO issue_activities VALUES (?, ?, ?, ?, ?, ?, ?, ?)", (*values, json.dumps(changes))
    )


def _read_split(number: int, value: Any) -> dict[str, str]:
    name = f"fingerprints__{number}"
    if not isinstance(value, dict):
        raise invalid(f"Invalid data. Expected a dictionary, but got {type(value).__name__}.", attr=name)
    if "fingerprint" not in value:
        raise invalid("This field is required.", "required", f"{name}__fingerprint")
    asked = {"fingerprint": read_field(f"{name}__fingerprint", value["fingerprint"], read_text)}
    for field in ("name", "description"):
        if field in value:
            asked[field] = read_field(f"{name}__{field}", value[field], _read_any_text)
    return asked


def _one_of(choices: tuple[str, ...]) -> Any:
    def read(value: Any) -> str:
        if value is None:
            raise RefusedError("null", "This field may not be null.")
        if value not in choices:
            raise RefusedError("invalid_choice", f'"{value}" is not a valid choice.')
        return str(value)

    return read


def _read_any_text(value: Any) -> str:
    """Read a text that may be blank."""
    return "" if isinstance(value, str) and not value.strip() else read_text(value)


def _read_uuid(value: Any) -> str:
    try:
        return str(UUID(value))
    except (AttributeError, TypeError, ValueError):
        raise RefusedError("invalid", "Must be a valid UUID.") from None


def _row_id(value: Any) -> str:
    """Read an id that nobody checked: what is no UUID breaks the service."""
    try:
        return _read_uuid(value)
    except RefusedError:
        raise server_error() from None


def _now(call: Call) -> str:
    return stored_time(call.sandbox.now())


RESOURCES = [
    Resource(PATH, {"GET": Action(READ, issues.list_issues)}),
    Resource(f"{PATH}/values", {"GET": Action(READ, issues.list_values)}),
    Resource(f"{PATH}/exists", {"GET": Action(READ, issues.exists)}),
    Resource(f"{PATH}/activity", {"GET": Action(ACTIVITY, issues.list_all_activity)}),
    Resource(f"{PATH}/bulk", {"POST": Action(WRITE, bulk_change)}),
    Resource(f"{PATH}/{{id:segment}}/activity", {"GET": Action(ACTIVITY, issues.list_activity)}),
    Resource(f"{PATH}/{{id:segment}}/assign", {"PATCH": Action(WRITE, assign_issue)}),
    Resource(f"{PATH}/{{id:segment}}/merge", {"POST": Action(WRITE, merge_issues)}),
    Resource(f"{PATH}/{{id:segment}}/split", {"POST": Action(WRITE, split_issue)}),
    Resource(
        f"{PATH}/{{id:segment}}",
        {
            "GET": Action(READ, issues.retrieve_issue),
            "PUT": Action(WRITE, update_issue),
            "PATCH": Action(WRITE, update_issue),
            "DELETE": Action(WRITE, refuse_method),
        },
    ),
]
