"""The MCP server for many callers: each call with its caller's key, on its caller's project, counted and logged."""

from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import Any

import anyio
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.server.request_state import RequestStateSecurity
from mcp_types import (
    CallToolRequestParams,
    CompleteRequestParams,
    CompleteResult,
    InputRequiredResult,
    ReadResourceRequestParams,
    ReadResourceResult,
)

from errtrack_mcp.api.client import Client
from errtrack_mcp.remote.auth import CALLER, Caller
from errtrack_mcp.remote.idempotency import IdempotencyStore, idempotency_key
from errtrack_mcp.remote.redis import RedisStore
from errtrack_mcp.remote.replica import Replica
from errtrack_mcp.remote.request_log import log_event
from errtrack_mcp.remote.streamable_http import CANNOT_ASK
from errtrack_mcp.remote.upstream import Upstream
from errtrack_mcp.remote.used_states import SharedUsedStates
from errtrack_mcp.server.app import create_server
from errtrack_mcp.server.calls import ERROR_META, RequestContext, Result, failed
from errtrack_mcp.server.catalog.catalog import Catalog, Narrowing
from errtrack_mcp.server.catalog.filters import is_read_only
from errtrack_mcp.server.errors import message_for_repeated_change
from errtrack_mcp.server.handlers import Handlers
from errtrack_mcp.settings import Settings
from errtrack_mcp.tools.dependencies import ClientProvider


def caller_of(request: ServerRequestContext[Any, Any]) -> Caller:
    """Return who sent a message. Raises LookupError for one that did not come over HTTP."""
    if request.request is None:
        raise LookupError("a message over HTTP has a request")
    caller: Caller = request.request.scope[CALLER]
    return caller


def narrowing_of(request: ServerRequestContext[Any, Any]) -> Narrowing:
    """Return what the caller of a message gives up of what the operator offers."""
    caller = caller_of(request)
    return Narrowing(caller.narrowing, caller.project_fixed)


@dataclass(frozen=True, slots=True)
class RequestKey:
    """Makes the client of each request with the key that the request itself carries."""

    upstream: Upstream
    project: str = ""
    build_root: Path | None = None
    local: bool = False

    def for_project(self, project: str) -> "RequestKey":
        """Return the same provider, for a call that names its project."""
        return replace(self, project=project)

    def client_for(self, request: ServerRequestContext[Any, Any]) -> Client:
        """Return the client for this request."""
        caller = caller_of(request)
        return self.upstream.client(caller, ("projects", self.project) if self.project else caller.prefix)

    def has_said_that_it_cannot_ask(self, request: ServerRequestContext[Any, Any]) -> bool:
        """Tell it by the Mcp-Session-Id that `initialize` gave to a client without elicitation."""
        return request.request is not None and request.request.scope.get(CANNOT_ASK) is True


class CountedCalls:
    """The handlers of calls and reads, with each of them counted; a replica that leaves finishes them first."""

    def __init__(self, catalog: Catalog, replica: Replica, idempotency: IdempotencyStore) -> None:
        self._catalog = catalog
        self._plain = Handlers(catalog)
        self._replica = replica
        self._idempotency = idempotency

    async def call_tool(self, request: RequestContext, params: CallToolRequestParams) -> Result:
        """Call a tool for its caller, count it, and write its line in the log."""
        begun, outcome = perf_counter(), "crashed"
        with self._replica.track_call(caller_of(request).key_hash):
            try:
                result = await self._call_once(request, params)
                outcome = _outcome(result)
            except anyio.get_cancelled_exc_class():
                outcome = "cancelled"  # its client has left, or has taken it back
                raise
            else:
                return result
            finally:
                self._record(request, params.name, outcome, perf_counter() - begun)

    async def read_resource(self, request: RequestContext, params: ReadResourceRequestParams) -> ReadResourceResult:
        """Read a resource for its caller."""
        with self._replica.track_call(caller_of(request).key_hash):
            return await self._plain.read_resource(request, params)

    async def complete(self, request: RequestContext, params: CompleteRequestParams) -> CompleteResult:
        """Propose values to a caller."""
        with self._replica.track_call(caller_of(request).key_hash):
            return await self._plain.complete(request, params)

    async def _call_once(self, request: RequestContext, params: CallToolRequestParams) -> Result:
        """Refuse to do again what a proxy sends again because another replica died over it, unless it only reads."""
        offered = self._catalog.for_caller(request).tools.get(params.name)
        if offered is not None and not is_read_only(offered.tool):
            caller = caller_of(request)
            key = idempotency_key(request.request.headers) if request.request else None
            if key and not await self._idempotency.begin(caller.key_hash, key):
                return failed(message_for_repeated_change())
        return await self._plain.call_tool(request, params)

    def _record(self, request: RequestContext, name: str, outcome: str, seconds: float) -> None:
        """Count a call that has ended, and write its line; a name that a caller made up is not repeated."""
        tool = name if name in self._catalog.whole.tools else "unknown"
        self._replica.metrics.call(tool, outcome, seconds)
        caller = caller_of(request)
        ms = round(seconds * 1000, 1)
        log_event("call", tool=tool, outcome=outcome, ms=ms, request_id=caller.request_id, key=caller.key_hash[:8])


def create_remote_server(
    settings: Settings, upstream: Upstream, replica: Replica, shared: RedisStore | None
) -> Server[ClientProvider]:
    """Make the server of every caller of one process. Raises ConfigurationError for settings that cannot work."""
    security = state_security(settings)
    catalog = Catalog(settings, narrowing_of=narrowing_of)
    counted = CountedCalls(catalog, replica, upstream.idempotency)
    return create_server(
        catalog,
        RequestKey(upstream),
        security=security,
        is_first_use=SharedUsedStates(shared, security.ttl).is_first_use if shared else None,
        on_call_tool=counted.call_tool,
        on_read_resource=counted.read_resource,
        on_completion=counted.complete,
    )


def state_security(settings: Settings) -> RequestStateSecurity:
    """Seal what a caller takes from one round of a question to the next, so that only the same caller brings it back.

    Without ERRTRACK_STATE_KEYS only the process that asked can read the answer.
    """
    keys = [key.get_secret_value() for key in settings.state_keys]
    security = RequestStateSecurity(keys=keys) if keys else RequestStateSecurity.ephemeral()
    security.bind_principal = lambda request: caller_of(request).principal
    return security


def _outcome(result: Result) -> str:
    """Name how a call ended: ok, input_required, or the code of its failure."""
    if isinstance(result, InputRequiredResult):
        return "input_required"
    if not result.is_error:
        return "ok"
    return str((result.meta or {}).get(ERROR_META, {}).get("code", "crashed"))
