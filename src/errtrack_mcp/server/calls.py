"""One tool, run for one request: its arguments checked, its client bound to the project, its failures put in words."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from traceback import walk_tb
from typing import Any

from mcp.server.context import ServerRequestContext
from mcp.server.mcpserver import resolve
from mcp.server.mcpserver.exceptions import ToolError
from mcp.shared.exceptions import MCPError
from mcp_types import (
    MISSING_REQUIRED_CLIENT_CAPABILITY,
    CallToolResult,
    InputRequiredResult,
    InputResponseRequestParams,
    TextContent,
)
from pydantic import BaseModel, ValidationError
from pydantic_core import to_json

from errtrack_mcp.api.errors import ApiError
from errtrack_mcp.api.models import ToolOutput
from errtrack_mcp.api.sanitize import can_be_sent
from errtrack_mcp.server.catalog.catalog import OfferedTool
from errtrack_mcp.server.catalog.untrusted import NOTICE, PAGE
from errtrack_mcp.server.errors import (
    ErrorMessage,
    message_for_api_error,
    message_for_arguments,
    message_for_client_error,
    message_for_refusal,
    message_for_unclear_answer,
    message_for_unknown_arguments,
    message_for_unsendable_arguments,
)
from errtrack_mcp.server.progress import ReportingContext
from errtrack_mcp.settings import ProjectNumber
from errtrack_mcp.tools.dependencies import ClientProvider
from errtrack_mcp.tools.refusal import Refusal

ERROR_META = "errtrack-mcp/error"
RequestContext = ServerRequestContext[ClientProvider, Any]
Result = CallToolResult | InputRequiredResult


class CallFailedError(Exception):
    """A call failed in a way that was foreseen; `message` says how, for the model."""

    def __init__(self, message: ErrorMessage) -> None:
        super().__init__(message.text)
        self.message = message


class ProjectArgument(BaseModel):
    """The argument that every tool takes where the operator has not fixed the project."""

    project_id: ProjectNumber


async def run_tool(
    request: RequestContext,
    offered: OfferedTool,
    arguments: Mapping[str, Any],
    input_params: InputResponseRequestParams | None = None,
) -> dict[str, Any] | InputRequiredResult:
    """Run a tool and return its structured answer, or the question that the client must answer first.

    Raises CallFailedError for what was foreseen, MCPError for a capability that the client must declare, and ToolError
    for a crash, which the caller must log and mask.
    """
    given = _checked(offered, arguments)
    request = _for_project(request, given.pop("project_id", None))
    try:
        context = ReportingContext(request_context=request, input_params=input_params)
        output = await context.report_while(partial(offered.tool.runnable.run, given, context))
    except ToolError as error:
        raise CallFailedError(_foreseen(error)) from error
    except MCPError as error:
        if error.error.code == MISSING_REQUIRED_CLIENT_CAPABILITY:
            raise
        raise CallFailedError(message_for_client_error(error.error.message)) from error
    if isinstance(output, InputRequiredResult):
        return output
    if not isinstance(output, ToolOutput):
        raise TypeError(f"{offered.listed.name} returned {type(output).__name__}, which is no ToolOutput")
    answer = output.model_dump(mode="json")
    api = request.lifespan_context.client_for(request)
    page = offered.page(api.origin, _team_id(answer) or api.prefix[-1], answer)
    return {NOTICE: offered.notice, PAGE: page, **answer}


def _checked(offered: OfferedTool, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments that were given. Null and "" count as not given: strict clients send every argument."""
    given = {name: value for name, value in arguments.items() if value not in (None, "")}
    valid = offered.argument_names
    if unknown := [name for name in given if name not in valid]:
        raise CallFailedError(message_for_unknown_arguments(unknown, valid))
    if unsendable := [name for name, value in given.items() if not can_be_sent(value)]:
        raise CallFailedError(message_for_unsendable_arguments(unsendable))
    return given


def _for_project(request: RequestContext, project: Any) -> RequestContext:
    """Bind the request to the project that the call names; no tool has this argument in its signature."""
    if project is None:
        return request
    try:
        number = ProjectArgument(project_id=str(project)).project_id
    except ValidationError as error:
        raise CallFailedError(message_for_arguments(error)) from None
    return replace(request, lifespan_context=request.lifespan_context.for_project(number))


def _foreseen(error: ToolError) -> ErrorMessage:
    """Return the message for the cause of a tool's failure; raise again what nobody foresaw."""
    cause = error.__cause__
    if isinstance(cause, ApiError):
        return message_for_api_error(cause)
    if isinstance(cause, ValidationError):
        return message_for_arguments(cause)
    if isinstance(cause, Refusal):
        return message_for_refusal(cause)
    if isinstance(cause, ToolError) and _raised_in(cause) == resolve.__name__:  # a client's answer was of no use
        return message_for_unclear_answer()
    raise error


def _team_id(answer: dict[str, Any]) -> int | None:
    """Return the number of the project that an answer, or an object in it, belongs to."""
    objects = [answer, *(value for value in answer.values() if isinstance(value, dict))]
    return next((each["team_id"] for each in objects if each.get("team_id")), None)


def _raised_in(error: Exception) -> str:
    """Return the module that raised an error: the SDK has no class of its own for what its resolvers refuse."""
    [*_, (frame, _)] = walk_tb(error.__traceback__)
    module: str = frame.f_globals["__name__"]
    return module


def succeeded(structured: dict[str, Any], *, text_only: bool) -> CallToolResult:
    """Return an answer in both halves; clients show one or the other, so both carry the same facts."""
    text = TextContent(type="text", text=to_json(structured).decode())
    return CallToolResult(content=[text], structured_content=None if text_only else structured)


def failed(message: ErrorMessage) -> CallToolResult:
    """Put the message where every client shows it, and its code where no client checks it against a schema."""
    return CallToolResult(
        content=[TextContent(type="text", text=message.text)],
        is_error=True,
        _meta={ERROR_META: message.structured()},
    )


def crashed(name: str) -> CallToolResult:
    """Return the answer to a call whose tool broke: nothing of the exception is in it."""
    text = TextContent(type="text", text=f"Error executing tool {name}")
    return CallToolResult(content=[text], is_error=True)
