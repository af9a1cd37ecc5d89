"""One call: who makes it, in which project, and what it carries; and the table of what can be called."""

import sqlite3
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from errtrack_mcp.sandbox import throttle
from errtrack_mcp.sandbox.bodies import JSON, JSON_OR_FORM, Body
from errtrack_mcp.sandbox.database import Database, TimeOrderedIds
from errtrack_mcp.sandbox.envelope import method_not_allowed, not_found, server_error
from errtrack_mcp.sandbox.eras import ERAS, NEWEST, Era
from errtrack_mcp.sandbox.storage import Storage

READ = "error_tracking:read"
WRITE = "error_tracking:write"


def present() -> datetime:
    """Tell the time of the machine."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Sandbox:
    """The parts that all calls of one app share."""

    database: Database
    ids: TimeOrderedIds
    throttle: throttle.Throttle | None
    malformed_uuid_status: int
    storage: Storage
    era: str = NEWEST
    list_lag: float = 0  # seconds until queries see a change of an issue
    timezone: str = "UTC"
    now: Callable[[], datetime] = present


@dataclass(frozen=True)
class Call:
    """A request that has passed authentication, authorisation and throttling."""

    request: Request
    sandbox: Sandbox
    key: sqlite3.Row
    project: sqlite3.Row
    resource: "Resource"
    body: Body

    @property
    def database(self) -> Database:
        """The database."""
        return self.sandbox.database

    @property
    def storage(self) -> Storage:
        """The storage of files."""
        return self.sandbox.storage

    @property
    def era(self) -> Era:
        """What this installation has."""
        return ERAS[self.sandbox.era]

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

    def data(self) -> dict[str, Any]:
        """Return the body; JSON that is no object breaks the service."""
        if not isinstance(self.body.data, dict):
            raise server_error()
        return self.body.data


@dataclass(frozen=True)
class Action:
    """The function for a method, and the scope that a key needs for it (None: any key)."""

    scope: str | None
    run: Callable[[Call], Awaitable[Response]]


@dataclass(frozen=True)
class Resource:
    """A path, without its optional trailing slash, its actions by method, and the content types that it parses."""

    path: str
    actions: Mapping[str, Action]
    bucket: throttle.Bucket = throttle.DEFAULT
    parses: tuple[str, ...] = JSON_OR_FORM

    def action(self, method: str) -> Action | None:
        """Return what a method does; HEAD is a GET, and OPTIONS is open to every key that may read."""
        if method == "OPTIONS":
            scope = next(iter(self.actions.values())).scope
            return Action(scope and scope.replace(":write", ":read"), describe)
        return self.actions.get("GET" if method == "HEAD" else method)

    @property
    def allowed(self) -> str:
        """The methods that work, as the Allow header lists them."""
        methods = [method for method, action in self.actions.items() if action.run is not refuse_method]
        return ", ".join([*methods, *(["HEAD"] if "GET" in methods else []), "OPTIONS"])


async def describe(call: Call) -> Response:
    """OPTIONS: what is answered here, and what is parsed."""
    name = call.resource.path.rpartition("/")[2].strip("{}").partition(":")[0]
    body = {"name": name, "description": "", "renders": [JSON], "parses": list(call.resource.parses)}
    return JSONResponse(body, headers={"Allow": call.resource.allowed})


async def refuse_method(call: Call) -> Response:
    """Answer 405 for a method that the scope check knows and the view does not."""
    raise method_not_allowed(call.request.method, call.resource.allowed)
