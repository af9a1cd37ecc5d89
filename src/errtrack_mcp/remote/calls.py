"""One MCP server for many callers: each call with its caller's key, on its caller's project, within what it may do."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from time import perf_counter
from typing import Any

from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel.helper_types import ReadResourceContents
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.tools import Tool
from mcp.server.request_state import RequestStateSecurity
from mcp_types import CallToolResult, InputRequiredResult
from pydantic import AnyUrl

from errtrack_mcp.api.client import Client
from errtrack_mcp.remote.auth import CALLER, Caller
from errtrack_mcp.remote.replica import Replica
from errtrack_mcp.remote.request_log import log_event
from errtrack_mcp.remote.upstream import Upstream
from errtrack_mcp.server.app import ERROR_META, Server, failed
from errtrack_mcp.server.catalog.filters import Selection, is_read_only
from errtrack_mcp.server.catalog.toolsets import offered_tools
from errtrack_mcp.server.errors import explain_repeated
from errtrack_mcp.server.readable import present_request
from errtrack_mcp.settings import Settings
from errtrack_mcp.tools.dependencies import requested_project
from errtrack_mcp.tools.kept import Kept

ONCE = "x-errtrack-once"


def caller_of(context: ServerRequestContext[Any, Any]) -> Caller:
    """Return who sent the message that is being answered."""
    if context.request is None:
        raise LookupError("a message over HTTP has a request")
    caller: Caller = context.request.scope[CALLER]
    return caller


def present_caller() -> Caller | None:
    """Return who sent the message that is being answered, where the SDK gives no context."""
    context = present_request.get(None)
    return caller_of(context) if context is not None and context.request is not None else None


@dataclass(frozen=True, slots=True)
class RequestKey:
    """Lends each call its own caller's key, for the length of that call."""

    upstream: Upstream
    kept: Kept = field(default_factory=Kept)

    def client_for(self, context: Context[Any, Any] | None) -> Client:
        """Return the client for the call that is being answered."""
        if context is None:
            raise LookupError("a call over HTTP has a context")
        caller = caller_of(context.request_context)
        project = requested_project.get()
        prefix = ("projects", project) if project else caller.prefix
        return self.upstream.client(caller, prefix)


class RemoteServer(Server):
    """The server of every caller of one process."""

    def __init__(self, settings: Settings, upstream: Upstream, replica: Replica) -> None:
        super().__init__(
            RequestKey(upstream),
            partial(offered_tools, settings),
            state_security=state_security(settings),
            listening=False,
        )
        self._settings = settings
        self._replica = replica
        self._ledger = upstream.ledger
        self._offers: dict[tuple[Selection, bool], Mapping[str, Tool]] = {}
        self.furnish()  # before the first caller comes

    def offer(self, context: Context[Any, Any] | None) -> Mapping[str, Tool]:
        """Return the tools that this caller may see and call: the operator's, narrowed by the caller."""
        caller = caller_of(context.request_context) if context else present_caller()
        if caller is None:
            return {}
        asked = (caller.narrowing, caller.project_fixed)
        if asked not in self._offers:  # there are no more of these than combinations of toolsets
            tools = offered_tools(self._settings, caller.narrowing, project_fixed=caller.project_fixed)
            self._offers[asked] = {tool.name: tool for tool in tools}
        return self._offers[asked]

    async def call_tool(
        self, name: str, arguments: dict[str, Any], context: Context[Any, Any] | None = None
    ) -> CallToolResult | InputRequiredResult:
        """Call a tool for its caller, and count it."""
        begun, outcome = perf_counter(), "crashed"
        with self._replica.track_call():
            try:
                result = await self._call_once(name, arguments, context)
                outcome = _outcome(result)
                return result
            finally:
                self._note(name, outcome, perf_counter() - begun)

    async def read_resource(
        self, uri: AnyUrl | str, context: Context[Any, Any] | None = None
    ) -> Iterable[ReadResourceContents] | InputRequiredResult:
        """Read a resource for its caller; a replica that leaves finishes it first."""
        with self._replica.track_call():
            return await super().read_resource(uri, context)

    def _note(self, name: str, outcome: str, seconds: float) -> None:
        """Count a call that has ended, and write its line; a name that a caller made up is not repeated."""
        tool = name if name in self._offered else "unknown"
        self._replica.metrics.call(tool, outcome, seconds)
        caller = present_caller()
        about = {"request_id": caller.request_id, "key": caller.key_hash[:8]} if caller else {}
        log_event("call", tool=tool, outcome=outcome, ms=round(seconds * 1000, 1), **about)

    async def _call_once(
        self, name: str, arguments: dict[str, Any], context: Context[Any, Any] | None
    ) -> CallToolResult | InputRequiredResult:
        """Refuse to do again what a proxy sends again because another replica died over it, unless it only reads."""
        tool = self.offer(context).get(name)
        if context is not None and tool is not None and not is_read_only(tool):
            request = context.request_context.request
            once = request.headers.get(ONCE) if request is not None else None
            if once and not await self._ledger.first(caller_of(context.request_context).key_hash, once[:128]):
                return failed(explain_repeated())
        return await super().call_tool(name, arguments, context)


def state_security(settings: Settings) -> RequestStateSecurity:
    """Seal what a caller takes from one round of a question to the next, so that only the same caller brings it back.

    Without ERRTRACK_STATE_KEYS only the process that asked can read the answer.
    """
    keys = [key.get_secret_value() for key in settings.state_keys]
    security = RequestStateSecurity(keys=keys) if keys else RequestStateSecurity.ephemeral()
    security.bind_principal = lambda context: caller_of(context).principal
    return security


def _outcome(result: CallToolResult | InputRequiredResult) -> str:
    """Name how a call ended: ok, input_required, or the code of its failure."""
    if isinstance(result, InputRequiredResult):
        return "input_required"
    if not result.is_error:
        return "ok"
    return str((result.meta or {}).get(ERROR_META, {}).get("code", "failed"))
