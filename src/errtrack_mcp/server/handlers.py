"""The answers to each request of the protocol. Every handler gets its request's context, in both protocol eras."""

import logging
from typing import Any

from mcp.server.caching import CacheableMethod, CacheHint
from mcp.shared.exceptions import MCPError
from mcp_types import (
    INTERNAL_ERROR,
    INVALID_PARAMS,
    CallToolRequestParams,
    CompleteRequestParams,
    CompleteResult,
    Completion,
    GetPromptRequestParams,
    GetPromptResult,
    InputRequiredResult,
    ListPromptsResult,
    ListResourcesResult,
    ListResourceTemplatesResult,
    ListToolsResult,
    PaginatedRequestParams,
    PromptMessage,
    PromptReference,
    ReadResourceRequestParams,
    ReadResourceResult,
    TextContent,
    TextResourceContents,
)
from pydantic import ValidationError
from pydantic_core import to_json

from errtrack_mcp.api.errors import ApiError
from errtrack_mcp.server.calls import (
    CallFailedError,
    RequestContext,
    Result,
    crashed,
    failed,
    run_tool,
    succeeded,
)
from errtrack_mcp.server.catalog.catalog import Catalog, OfferedTool, listed_prompt, listed_template
from errtrack_mcp.server.completion import SUBJECTS, complete
from errtrack_mcp.server.errors import (
    message_for_api_error,
    message_for_arguments,
    message_for_refusal,
    message_for_unknown_prompt,
    message_for_unknown_tool,
)
from errtrack_mcp.server.resources import FAILURE_REASONS, JSON, PANEL, failure_reasons
from errtrack_mcp.server.skills import MARKDOWN, listed_skill, skill_resource
from errtrack_mcp.tools.refusal import Refusal
from errtrack_mcp.views.page import MIME_TYPE, panel_page

# A release can be renamed, `last_used` moves, and who may see what differs by caller. What failures mean is the same
# for everybody and changes with a version of this server only. Lists change with that and with the settings, and differ
# by caller; who asks what the server is gets the same answer as everybody.
ROW = CacheHint(ttl_ms=60_000, scope="private")
LIST = CacheHint(ttl_ms=300_000, scope="private")
DISCOVER = CacheHint(ttl_ms=300_000, scope="public")
REFERENCE = CacheHint(ttl_ms=86_400_000, scope="public")
PAGE = CacheHint(ttl_ms=3_600_000, scope="private")  # it names the caller's PostHog
CACHE_HINTS: dict[CacheableMethod, CacheHint] = {
    "server/discover": DISCOVER,
    "tools/list": LIST,
    "prompts/list": LIST,
    "resources/list": LIST,
    "resources/templates/list": LIST,
}
ABSENT = frozenset({"not_found", "invalid_arguments"})  # codes that mean: there is no such resource


log = logging.getLogger("errtrack_mcp")


class Handlers:
    """The handlers of one server; `catalog` decides what each caller may see and call."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    async def list_tools(self, request: RequestContext, _: PaginatedRequestParams | None) -> ListToolsResult:
        """List the tools that the caller may call."""
        return ListToolsResult(tools=[offered.listed for offered in self._catalog.for_caller(request).tools.values()])

    async def call_tool(self, request: RequestContext, params: CallToolRequestParams) -> Result:
        """Call a tool. A failure comes back as a result in words, not as an exception."""
        tools = self._catalog.for_caller(request).tools
        offered = tools.get(params.name)
        if offered is None:
            return failed(message_for_unknown_tool(params.name, list(tools)))
        try:
            answer = await run_tool(request, offered, params.arguments or {}, params)
        except CallFailedError as failure:
            return failed(failure.message)
        except MCPError:
            raise
        except Exception:
            log.exception("The tool %r crashed", params.name)
            return crashed(params.name)
        if isinstance(answer, InputRequiredResult):
            return answer
        return succeeded(answer, text_only=self._catalog.text_only)

    async def list_resources(
        self, request: RequestContext, _params: PaginatedRequestParams | None
    ) -> ListResourcesResult:
        """List the resources that do not depend on the caller's project, and the skills of the caller."""
        ours = [FAILURE_REASONS, PANEL] if self._catalog.panels else [FAILURE_REASONS]
        skills = self._catalog.for_caller(request).skills.values()
        return ListResourcesResult(resources=[*ours, *map(skill_resource, skills)])

    async def list_resource_templates(
        self, request: RequestContext, _params: PaginatedRequestParams | None
    ) -> ListResourceTemplatesResult:
        """List the templates whose tool the caller may call."""
        templates = [listed_template(template) for template in self._catalog.for_caller(request).templates]
        return ListResourceTemplatesResult(resource_templates=templates)

    async def read_resource(self, request: RequestContext, params: ReadResourceRequestParams) -> ReadResourceResult:
        """Read a resource: what no template of the caller's claims is not there. Raises MCPError, in words."""
        uri = str(params.uri)
        if uri == FAILURE_REASONS.uri:
            return _contents(uri, failure_reasons(), REFERENCE)
        if uri == PANEL.uri and self._catalog.panels:
            page = panel_page(request.lifespan_context.client_for(request).origin)
            return _contents(uri, page, PAGE, MIME_TYPE)
        caller = self._catalog.for_caller(request)
        if uri in caller.skills:
            return _contents(uri, caller.skills[uri].text, LIST, MARKDOWN)
        for template in caller.templates:
            variables = template.uri.match(uri)
            if variables is not None:
                return _contents(uri, await _read(request, caller.tools[template.tool], variables, uri), ROW)
        raise MCPError(INVALID_PARAMS, f"not_found: There is no resource {uri[:200]!r}.", {"uri": uri[:200]})

    async def list_skills(self, request: RequestContext, _: PaginatedRequestParams) -> dict[str, Any]:
        """List the skills whose needed tools the caller may all call."""
        skills = self._catalog.for_caller(request).skills.values()
        return {"skills": [listed_skill(skill) for skill in skills], "ttlMs": LIST.ttl_ms, "cacheScope": LIST.scope}

    async def get_skill(self, request: RequestContext, params: ReadResourceRequestParams) -> dict[str, Any]:
        """Return one of these skills by the address of its SKILL.md. Raises MCPError, in words."""
        skill = self._catalog.for_caller(request).skills.get(params.uri)
        if skill is None:
            sentence = f"not_found: There is no skill {params.uri[:200]!r}. skills/list names those that there are."
            raise MCPError(INVALID_PARAMS, sentence, {"uri": params.uri[:200]})
        return {"skill": listed_skill(skill), "ttlMs": LIST.ttl_ms, "cacheScope": LIST.scope}

    async def list_prompts(self, request: RequestContext, _: PaginatedRequestParams | None) -> ListPromptsResult:
        """List the prompts whose tools the caller may all call."""
        prompts = self._catalog.for_caller(request).prompts
        return ListPromptsResult(prompts=[listed_prompt(gated) for gated in prompts.values()])

    async def get_prompt(self, request: RequestContext, params: GetPromptRequestParams) -> GetPromptResult:
        """Write out a prompt; an empty argument counts as not given. Raises MCPError, in words."""
        prompts = self._catalog.for_caller(request).prompts
        gated = prompts.get(params.name)
        if gated is None:
            raise MCPError(INVALID_PARAMS, message_for_unknown_prompt(params.name, list(prompts)).text)
        given = {name: value for name, value in (params.arguments or {}).items() if value}
        if refused := gated.refusal(given):
            raise MCPError(INVALID_PARAMS, refused.text)
        try:
            texts = gated.write(given)
        except ValidationError as error:
            raise MCPError(INVALID_PARAMS, message_for_arguments(error).text) from None
        except Refusal as refusal:
            raise MCPError(INVALID_PARAMS, message_for_refusal(refusal).text) from None
        messages = [PromptMessage(role="user", content=TextContent(type="text", text=text)) for text in texts]
        return GetPromptResult(description=gated.prompt.description, messages=messages)

    async def complete(self, request: RequestContext, params: CompleteRequestParams) -> CompleteResult:
        """Propose values for an argument, from the caller's own project. Raises MCPError, in words."""
        name = params.ref.name if isinstance(params.ref, PromptReference) else params.ref.uri
        subject = SUBJECTS.get((name, params.argument.name))
        if subject is None:
            return CompleteResult(completion=Completion(values=[]))
        given = (params.context.arguments if params.context else None) or {}
        tools = self._catalog.for_caller(request).tools
        try:
            api = request.lifespan_context.client_for(request)
            return CompleteResult(completion=await complete(api, subject, params.argument.value, given, tools))
        except Refusal as refusal:
            raise MCPError(INTERNAL_ERROR, message_for_refusal(refusal).text) from None
        except ApiError as error:
            raise MCPError(INTERNAL_ERROR, message_for_api_error(error).text) from error


async def _read(request: RequestContext, offered: OfferedTool, variables: dict[str, Any], uri: str) -> str:
    """Return as JSON what the template's tool answers."""
    try:
        answer = await run_tool(request, offered, variables)
    except CallFailedError as failure:
        code = INVALID_PARAMS if failure.message.code in ABSENT else INTERNAL_ERROR
        raise MCPError(code, failure.message.text, {"uri": uri[:200]}) from None
    return to_json(answer).decode()


def _contents(uri: str, text: str, hint: CacheHint, mime_type: str = JSON) -> ReadResourceResult:
    contents = TextResourceContents(uri=uri, text=text, mime_type=mime_type)
    return ReadResourceResult(contents=[contents], ttl_ms=hint.ttl_ms, cache_scope=hint.scope)
