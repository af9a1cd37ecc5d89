"""One call: who makes it, in which project, and what it carries; and the table of what can be called."""

import json
import sqlite3
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn
from uuid import UUID

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from errtrack_mcp.sandbox import throttle
from errtrack_mcp.sandbox.database import Database, TimeOrderedIds
from errtrack_mcp.sandbox.envelope import (
    ApiError,
    not_found,
    parse_error,
    server_error,
    unsupported_media_type,
)
from errtrack_mcp.sandbox.storage import Storage

READ = "error_tracking:read"
WRITE = "error_tracking:write"
FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")


@dataclass(frozen=True)
class Sandbox:
    """The parts that all calls of one app share."""

    database: Database
    ids: TimeOrderedIds
    throttle: throttle.Throttle | None
    malformed_uuid_status: int
    storage: Storage


@dataclass(frozen=True)
class Call:
    """A request that has passed authentication, authorisation and throttling."""

    request: Request
    sandbox: Sandbox
    key: sqlite3.Row
    project: sqlite3.Row

    @property
    def database(self) -> Database:
        """The database."""
        return self.sandbox.database

    @property
    def storage(self) -> Storage:
        """The storage of files."""
        return self.sandbox.storage

    @property
    def team_id(self) -> int:
        """The project that the call is about."""
        return int(self.project["id"])

    def uuid(self) -> str:
        """Read the id in the path; what is no UUID breaks the service, or is not found."""
        try:
            return str(UUID(self.request.path_params["id"]))
        except ValueError:
            if self.sandbox.malformed_uuid_status == not_found().status:
                raise not_found() from None
            raise server_error() from None

    async def data(self) -> dict[str, Any]:
        """Read the body; JSON that is no object breaks the service."""
        data = await read_data(self.request)
        if not isinstance(data, dict):
            raise server_error()
        return data


@dataclass(frozen=True)
class Action:
    """The function for a method, and the scope that a key needs for it (None: any key)."""

    scope: str | None
    run: Callable[[Call], Awaitable[Response]]


@dataclass(frozen=True)
class Resource:
    """A path, without its optional trailing slash, and its actions by method."""

    path: str
    actions: Mapping[str, Action]
    bucket: throttle.Bucket = throttle.DEFAULT


async def read_data(request: Request) -> Any:
    """Parse a body by its content type: JSON, a form, or nothing at all."""
    body = await request.body()
    if not body:
        return {}
    content_type = request.headers.get("content-type", "")
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type == "application/json":
        return _parse_json(body)
    if media_type in FORMS:
        return await _parse_form(request)
    raise unsupported_media_type(content_type)


def _parse_json(body: bytes) -> Any:
    try:
        return json.loads(body.decode(), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise parse_error(f"JSON parse error - {error}") from None


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"Out of range float values are not JSON compliant: {name!r}")


async def _parse_form(request: Request) -> dict[str, str]:
    try:
        form = await request.form()
    except HTTPException as error:
        raise parse_error(f"Multipart form parse error - {error.detail}") from None
    return {name: value for name, value in form.multi_items() if isinstance(value, str)}


async def read_field(request: Request, name: str) -> str | None:
    """Look for one text in the body, whatever the body is."""
    try:
        data = await read_data(request)
    except ApiError:
        return None
    value = data.get(name) if isinstance(data, dict) else None
    return value if isinstance(value, str) else None
