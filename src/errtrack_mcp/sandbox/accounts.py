"""Keys, their owners and their projects: who is calling, what they may do, and the three calls about it."""

import json
import re
import sqlite3
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from errtrack_mcp.sandbox.bodies import Body
from errtrack_mcp.sandbox.calls import Action, Call, Resource, Sandbox
from errtrack_mcp.sandbox.database import Database, shown_time
from errtrack_mcp.sandbox.envelope import (
    authentication_failed,
    not_authenticated,
    not_found,
    permission_denied,
)
from errtrack_mcp.sandbox.oauth import find_token

BEARER = re.compile(r"^Bearer\s+(\S.*)$")
KEY_FIELD = "personal_api_key"
ADMIN_LEVEL = 8


def authenticate(request: Request, sandbox: Sandbox, body: Body) -> sqlite3.Row:
    """Find the key that a request carries: in its header, else its body, else its query."""
    database = sandbox.database
    value, source = _find_credential(request, body)
    if not value:
        raise not_authenticated()
    if value.startswith("pha_"):
        token: sqlite3.Row | None = find_token(database, value, sandbox.now())
        if token is None:
            raise authentication_failed("Invalid access token.")
        return token
    key = database.one("SELECT * FROM personal_api_keys WHERE value = ?", (value,))
    if key is None:
        raise authentication_failed(f"Personal API key found in request {source} is invalid.")
    return key


def authorise(key: sqlite3.Row, action: Action | None) -> None:
    """Refuse what no key may do, and what needs a scope that this one lacks."""
    if action is None:
        raise permission_denied("This action does not support personal API key access")
    if action.scope is None:
        return
    held = set(json.loads(key["scopes"]))
    if not held & {"*", action.scope, action.scope.replace(":read", ":write")}:
        raise permission_denied(f"API key missing required scope '{action.scope}'")


def locate(request: Request, database: Database, key: sqlite3.Row, body: Body) -> sqlite3.Row:
    """Find the project that a request is about."""
    current = "SELECT projects.* FROM projects JOIN users ON current_project_id = projects.id WHERE users.id = ?"
    asked = request.path_params.get("project_id")
    token = _find_project_token(request, body)
    if asked is not None and token:
        project = database.one("SELECT * FROM projects WHERE api_token = ?", (token,))
        if project is None:
            raise authentication_failed("Incorrect authentication credentials.")
    elif asked in (None, "@current"):
        project = database.one(current, (key["user_id"],))
    else:
        project = _find_project(database, str(asked))
    if project is None:
        raise not_found("Project not found.")
    return project


def check_reach(database: Database, key: sqlite3.Row, project_id: int) -> None:
    """Refuse a key that is limited to other projects, or whose owner is no member of this one."""
    scoped_teams = json.loads(key["scoped_teams"])
    if scoped_teams and project_id not in scoped_teams:
        raise permission_denied(f"API key does not have access to the requested project: ID {project_id}.")
    membership = "SELECT 1 FROM memberships WHERE user_id = ? AND project_id = ?"
    if database.one(membership, (key["user_id"], project_id)) is None:
        raise permission_denied("You don't have access to the project.")


def _find_credential(request: Request, body: Body) -> tuple[str | None, str]:
    header = BEARER.match(request.headers.get("authorization", ""))
    if header:
        return header[1].strip(), "Authorization header"
    field = body.text(KEY_FIELD)
    if field:
        return field, "body"
    return request.query_params.get(KEY_FIELD), "query string"


def _find_project_token(request: Request, body: Body) -> str | None:
    """Look for a project token where the API does: in the query of a GET, in the form of a POST."""
    if request.method == "GET":
        return request.query_params.get("token") or request.query_params.get("api_key")
    if request.method == "POST" and body.is_form:
        return body.text("token") or body.text("api_key")
    return None


def _find_project(database: Database, asked: str) -> sqlite3.Row | None:
    if not re.fullmatch(r"[0-9]{1,18}", asked):
        return None
    return database.one("SELECT * FROM projects WHERE id = ?", (int(asked),))


async def retrieve_user(call: Call) -> Response:
    """GET /api/users/@me/: the key's owner."""
    database = call.database
    user = _row(database, "SELECT * FROM users WHERE id = ?", call.key["user_id"])
    organization = _organization(database, call.project)
    return JSONResponse(
        {
            "date_joined": shown_time(user["date_joined"]),
            "uuid": user["uuid"],
            "distinct_id": user["uuid"],
            "first_name": user["first_name"],
            "last_name": "",
            "email": user["email"],
            "is_email_verified": True,
            "is_staff": False,
            "is_2fa_enabled": False,
            "has_password": True,
            "team": _team(call),
            "organization": organization,
            "organizations": [organization],
        }
    )


async def retrieve_project(call: Call) -> Response:
    """GET /api/projects/{id}/: the project."""
    organization = call.project["organization_id"]
    created_at = shown_time(call.project["created_at"])
    return JSONResponse(
        _team(call)
        | {"organization": organization, "created_at": created_at, "effective_membership_level": ADMIN_LEVEL}
    )


async def retrieve_key(call: Call) -> Response:
    """GET /api/personal_api_keys/@current: the key itself, without its value."""
    value = str(call.key["value"])
    return JSONResponse(
        {
            "id": call.key["id"],
            "label": call.key["label"],
            "value": None,
            "mask_value": f"{value[:4]}...{value[-4:]}",
            "created_at": shown_time(call.key["created_at"]),
            "last_used_at": None,
            "last_rolled_at": None,
            "user_id": call.key["user_id"],
            "scopes": json.loads(call.key["scopes"]),
            "scoped_teams": json.loads(call.key["scoped_teams"]),
            "scoped_organizations": [],
        }
    )


def _team(call: Call) -> dict[str, Any]:
    project = call.project
    return {
        "id": project["id"],
        "uuid": project["uuid"],
        "organization": project["organization_id"],
        "project_id": project["id"],
        "api_token": project["api_token"],
        "name": project["name"],
        "completed_snippet_onboarding": True,
        "ingested_event": True,
        "is_demo": False,
        "timezone": call.sandbox.timezone,
        "access_control": False,
    }


def _organization(database: Database, project: sqlite3.Row) -> dict[str, Any]:
    row = _row(database, "SELECT * FROM organizations WHERE id = ?", project["organization_id"])
    return {
        "id": row["id"],
        "name": row["name"],
        "slug": str(row["name"]).lower().replace(" ", "-"),
        "logo_media_id": None,
        "membership_level": ADMIN_LEVEL,
        "members_can_use_personal_api_keys": True,
    }


def _row(database: Database, sql: str, value: Any) -> sqlite3.Row:
    row = database.one(sql, (value,))
    if row is None:
        raise LookupError(sql)
    return row


RESOURCES = [
    Resource("/api/users/@me", {"GET": Action("user:read", retrieve_user)}),
    Resource("/api/personal_api_keys/@current", {"GET": Action(None, retrieve_key)}),
    Resource("/api/projects/{project_id:segment}", {"GET": Action("project:read", retrieve_project)}),
]
