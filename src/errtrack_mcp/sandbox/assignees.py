"""Who may look after an issue: a user of the organisation, or one of its roles (docs/posthog-api.md, section 7)."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from errtrack_mcp.sandbox.calls import Call
from errtrack_mcp.sandbox.envelope import LARGEST, invalid

USER = (
    "SELECT 1 FROM memberships JOIN projects ON projects.id = project_id"
    " WHERE user_id = ? AND projects.organization_id = ?"
)
ROLE = "SELECT 1 FROM roles WHERE id = ? AND organization_id = ?"


@dataclass(frozen=True)
class Assignee:
    """A user by a number, or a role by a UUID."""

    type: str
    id: int | str


def check_assignee(call: Call, value: Any) -> Assignee | None:
    """Read an assignee, and refuse one who is not of the organisation; what is empty is nobody."""
    if not value:
        return None
    if not isinstance(value, dict):
        detail = f"Invalid data. Expected a dictionary, but got {type(value).__name__}."
        raise invalid(detail, attr="assignee")
    for field in ("id", "type"):
        if value.get(field) is None:
            raise invalid("This field is required.", "required", f"assignee__{field}")
    if value["type"] not in {"user", "role"}:
        raise invalid(f'"{value["type"]}" is not a valid choice.', "invalid_choice", "assignee__type")
    assignee = Assignee(value["type"], _read_user(value["id"]) if value["type"] == "user" else _read_role(value["id"]))
    sql = USER if assignee.type == "user" else ROLE
    if call.database.one(sql, (assignee.id, call.project["organization_id"])) is None:
        raise invalid(f"Assignee {assignee.type} does not belong to this organization.")
    return assignee


def _read_user(value: Any) -> int:
    """Read the number of a user; digits in a text are one."""
    try:
        number = int(value)
    except (TypeError, ValueError):
        number = LARGEST + 1
    if isinstance(value, bool) or abs(number) > LARGEST:
        raise invalid("User assignee IDs must be integers.", attr="assignee__id")
    return number


def _read_role(value: Any) -> str:
    try:
        return str(UUID(value))
    except (AttributeError, TypeError, ValueError):
        raise invalid("Role assignee IDs must be UUIDs.", attr="assignee__id") from None
