"""The Starlette app: the routes of every file, put together."""

import time
from collections.abc import Callable
from datetime import datetime

from starlette.applications import Starlette
from starlette.convertors import Convertor, register_url_convertor
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from errtrack_mcp.sandbox import (
    accounts,
    fingerprints,
    issue_changes,
    issue_queries,
    older_uploads,
    query_api,
    releases,
    stack_frames,
    symbol_sets,
    uploads,
)
from errtrack_mcp.sandbox.calls import Sandbox, present
from errtrack_mcp.sandbox.capture import capture_routes
from errtrack_mcp.sandbox.database import Database, TimeOrderedIds
from errtrack_mcp.sandbox.device_login import INTERVAL_SECONDS, DeviceLogin
from errtrack_mcp.sandbox.endpoint import Endpoint
from errtrack_mcp.sandbox.envelope import ApiError, not_found, server_error
from errtrack_mcp.sandbox.environments import EnvironmentsAlias
from errtrack_mcp.sandbox.eras import ERAS, NEWEST
from errtrack_mcp.sandbox.oauth import TOKEN_SECONDS, OAuth
from errtrack_mcp.sandbox.storage import Storage, storage_routes
from errtrack_mcp.sandbox.throttle import Throttle

RESOURCES = [
    *accounts.RESOURCES,
    *releases.RESOURCES,
    *uploads.RESOURCES,
    *older_uploads.RESOURCES,
    *symbol_sets.RESOURCES,
    *issue_changes.RESOURCES,
    *fingerprints.RESOURCES,
    *stack_frames.RESOURCES,
    *issue_queries.RESOURCES,
    *query_api.RESOURCES,
]


class SegmentConvertor(Convertor[str]):
    """A path segment as the API takes it: anything without a slash or a dot."""

    regex = "[^/.]+"

    def convert(self, value: str) -> str:
        """Take the text as it is."""
        return value

    def to_string(self, value: str) -> str:
        """Give the text as it is."""
        return value


class FormatConvertor(SegmentConvertor):
    """What stands behind the dot of a path, where the API looks for a format."""

    regex = "[a-z0-9]+"


register_url_convertor("segment", SegmentConvertor())
register_url_convertor("format", FormatConvertor())
ENDINGS = ("/", "", ".{format:format}", ".{format:format}/")


def create_app(  # noqa: PLR0913 - every way in which installations differ
    database: Database,
    *,
    throttled: bool = True,
    malformed_uuid_status: int = 500,
    clock: Callable[[], float] = time.monotonic,
    storage: Storage | None = None,
    era: str = NEWEST,
    list_lag: float = 0,
    timezone: str = "UTC",
    now: Callable[[], datetime] = present,
    login_interval: int = INTERVAL_SECONDS,
    token_seconds: int = TOKEN_SECONDS,
) -> Starlette:
    """Put the API together over a database; it is up to the caller to seed it and to close it.

    Files are kept in `storage`, or in a temporary directory of their own. `era` is one of eras.ERAS; queries see a
    change of an issue after `list_lag` seconds. `timezone` is the project's, by its IANA name. A command line that logs
    in is told to ask every `login_interval` seconds, and an OAuth token is good for `token_seconds`.
    """
    storage = storage or Storage()
    throttle = Throttle(clock) if throttled else None
    sandbox = Sandbox(
        database, TimeOrderedIds(), throttle, malformed_uuid_status, storage, era, list_lag, timezone, now
    )
    logins = [*DeviceLogin(sandbox, login_interval).routes(), *OAuth(sandbox, token_seconds).routes()]
    unknown = () if ERAS[era].query_routes else issue_queries.RESOURCES
    endpoints = [(resource.path, Endpoint(sandbox, resource)) for resource in RESOURCES if resource not in unknown]
    routes = [Route(path + ending, endpoint) for path, endpoint in endpoints for ending in ENDINGS]
    app = Starlette(
        routes=[*routes, *storage_routes(storage, database), *capture_routes(sandbox), *logins],
        middleware=[Middleware(EnvironmentsAlias, routes=routes)],
        exception_handlers={ApiError: _answer_error, 404: _answer_unknown_route, Exception: _answer_crash},
    )
    app.router.redirect_slashes = False
    return app


async def _answer_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, ApiError)  # noqa: S101 - registered for this class alone
    return error.response()


async def _answer_unknown_route(_request: Request, _error: Exception) -> Response:
    return not_found("Endpoint not found.", "api_not_found").response()


async def _answer_crash(_request: Request, _error: Exception) -> Response:
    return server_error().response()
