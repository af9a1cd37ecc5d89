"""What a server offers beside its tools, to those whom the tools of the same data are offered to."""

from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from mcp.server import CacheHint
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.lowlevel.helper_types import ReadResourceContents
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ResourceError, ResourceNotFoundError, ToolError, UnexpectedResourceError
from mcp.server.mcpserver.resources import FunctionResource
from mcp.server.mcpserver.tools import Tool
from mcp.shared.exceptions import MCPError
from mcp_types import (
    INTERNAL_ERROR,
    INVALID_PARAMS,
    Completion,
    CompletionArgument,
    CompletionContext,
    GetPromptResult,
    InputRequiredResult,
    PromptReference,
    ResourceTemplateReference,
)
from mcp_types import Prompt as ListedPrompt
from mcp_types import ResourceTemplate as ListedTemplate
from pydantic import AnyUrl, ValidationError

from errtrack_mcp.api.errors import ApiError, NotFound
from errtrack_mcp.server.errors import Asked, explain, explain_arguments, explain_tool_error, explain_unknown_prompt
from errtrack_mcp.tools.dependencies import ClientProvider

if TYPE_CHECKING:
    from errtrack_mcp.server.prompts.base import GatedPrompt
    from errtrack_mcp.server.resources import Template

# A client is greeted before anything is built that it can ask for only afterwards.
GREETINGS = frozenset({"initialize", "server/discover", "ping"})

FAILURE_REASONS = "errtrack://reference/failure-reasons"

# `last_used` moves, a release can be renamed, and who may see what differs by caller; what failures mean changes with a
# version of this server only.
ROW = CacheHint(ttl_ms=60_000, scope="private")
REFERENCE = CacheHint(ttl_ms=86_400_000, scope="public")

# Set for the length of one message, since the SDK completes arguments without a context.
present_request: ContextVar[ServerRequestContext[Any, Any]] = ContextVar("present_request")


class ReadableServer(MCPServer[ClientProvider]):
    """MCPServer with the resources, prompts and completion of this project; `options` are those of MCPServer."""

    def __init__(self, provider: ClientProvider, **options: Any) -> None:
        super().__init__(
            **options,
            middleware=[self._furnish_after_greeting, _remember, _keep_reference],
            cache_hints={"resources/read": ROW, "resources/list": ROW, "resources/templates/list": ROW},
        )
        self._provider = provider
        self._furnished = False
        self._prompts: dict[str, GatedPrompt] = {}
        self._templates: dict[str, Template] = {}
        self.completion()(self._complete)  # type: ignore[no-untyped-call]

    def furnish(self) -> None:
        """Build all that is offered; it is done once, when somebody first asks for any of it."""
        from errtrack_mcp.server import resources  # noqa: PLC0415 - imports what tools are made of
        from errtrack_mcp.server.prompts import PROMPTS  # noqa: PLC0415

        self._furnished = True
        reasons = FunctionResource.from_function(
            resources.failure_reasons,
            FAILURE_REASONS,
            name="failure-reasons",
            title="Failure reasons",
            mime_type=resources.JSON,
        )
        self.add_resource(reasons)
        for ready in PROMPTS:
            self._prompts[ready.prompt.name] = ready
            self.add_prompt(ready.prompt)
        for template in resources.TEMPLATES:
            self._templates[template.uri] = template
            add = self.resource(template.uri, name=template.name, title=template.title, mime_type=resources.JSON)
            add(template.read)

    def offer(self, context: Context[Any, Any] | None) -> Mapping[str, Tool]:
        """Return by name the tools that the caller behind `context` may call; None stands for the present caller."""
        raise NotImplementedError

    async def list_resource_templates(self) -> list[ListedTemplate]:
        """List the templates whose tool the present caller may call."""
        offered = self.offer(None)
        listed = await super().list_resource_templates()
        return [template for template in listed if self._templates[template.uri_template].needs in offered]

    async def read_resource(
        self, uri: AnyUrl | str, context: Context[ClientProvider, Any] | None = None
    ) -> Iterable[ReadResourceContents] | InputRequiredResult:
        """Read a resource. Raises ResourceError, in words, for what was foreseen."""
        if not self._may_read(str(uri), context):
            raise ResourceNotFoundError(f"not_found: There is no resource {str(uri)[:200]!r} on offer.")
        try:
            return await super().read_resource(uri, context)
        except UnexpectedResourceError as error:
            raise self._reworded(error, str(uri), context) from error

    async def list_prompts(self) -> list[ListedPrompt]:
        """List the prompts whose tools the present caller may all call."""
        offered = self.offer(None)
        return [prompt for prompt in await super().list_prompts() if self._prompts[prompt.name].needs <= offered.keys()]

    async def get_prompt(
        self, name: str, arguments: dict[str, Any] | None = None, context: Context[ClientProvider, Any] | None = None
    ) -> GetPromptResult | InputRequiredResult:
        """Write out a prompt. Raises MCPError, in words, for what was foreseen; an empty argument is none."""
        ready = self._prompts.get(name)
        offered = self.offer(context)
        if ready is None or not ready.needs <= offered.keys():
            names = [name for name, ready in self._prompts.items() if ready.needs <= offered.keys()]
            raise MCPError(INVALID_PARAMS, explain_unknown_prompt(name, names).text)
        given = {key: value for key, value in (arguments or {}).items() if value}
        if refused := ready.refusal(given):
            raise MCPError(INVALID_PARAMS, refused.text)
        try:
            return await super().get_prompt(name, given, context)
        except ValueError as error:
            raise _worded(error) from error

    async def _complete(
        self,
        ref: PromptReference | ResourceTemplateReference,
        argument: CompletionArgument,
        context: CompletionContext | None,
    ) -> Completion:
        """Propose values for an argument, with the present caller's key. Raises MCPError, in words."""
        from errtrack_mcp.server.completion import SUBJECTS, complete  # noqa: PLC0415 - imports what tools are made of

        name = ref.name if isinstance(ref, PromptReference) else ref.uri
        subject = SUBJECTS.get((name, argument.name))
        if subject is None:
            return Completion(values=[])
        asking = Context(request_context=present_request.get(), mcp_server=self)
        api = self._provider.client_for(asking)
        given = (context.arguments if context else None) or {}
        try:
            return await complete(api, subject, argument.value, given, self.offer(asking))
        except ApiError as error:
            text = explain(error, Asked(api.pool.origin, api.prefix[1], {})).text
            raise MCPError(INTERNAL_ERROR, text) from error

    def _may_read(self, uri: str, context: Context[ClientProvider, Any] | None) -> bool:
        offered = self.offer(context)
        return all(
            template.needs in offered
            for template in self._templates.values()
            if uri.startswith(template.uri.removesuffix("{id}"))
        )

    async def _furnish_after_greeting(self, ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        """Let no client wait for what it has not asked for yet."""
        if not self._furnished and ctx.method not in GREETINGS:
            self.furnish()
        return await call_next(ctx)

    def _reworded(
        self, error: UnexpectedResourceError, uri: str, context: Context[ClientProvider, Any] | None
    ) -> ResourceError:
        """Word the cause of a failure; return unchanged what nobody foresaw, so that the SDK masks and logs it."""
        cause = error.__cause__
        if isinstance(cause, ValidationError):
            return ResourceNotFoundError(explain_arguments(cause).text)
        if not isinstance(cause, ApiError):
            return error
        api = self._provider.client_for(context)
        text = explain(cause, Asked(api.pool.origin, api.prefix[1], {"id": uri.rpartition("/")[2]})).text
        return ResourceNotFoundError(text) if isinstance(cause, NotFound) else ResourceError(text)


def _worded(error: ValueError) -> Exception:
    """Word what a prompt refused, two causes below; return unchanged what nobody foresaw."""
    cause = error.__cause__.__cause__ if error.__cause__ else None
    if isinstance(cause, ValidationError):
        return MCPError(INVALID_PARAMS, explain_arguments(cause).text)
    if isinstance(cause, ToolError):
        return MCPError(INVALID_PARAMS, explain_tool_error(str(cause)).text)
    return error


async def _remember(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
    token = present_request.set(ctx)
    try:
        return await call_next(ctx)
    finally:
        present_request.reset(token)


async def _keep_reference(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
    """Let what is the same for everybody be kept longer than what is not; older protocols have no such hint."""
    result = await call_next(ctx)
    asked = (ctx.params or {}).get("uri")
    if ctx.method == "resources/read" and asked == FAILURE_REASONS and isinstance(result, dict) and "ttlMs" in result:
        return {**result, "ttlMs": REFERENCE.ttl_ms, "cacheScope": REFERENCE.scope}
    return result
