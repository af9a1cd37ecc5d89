"""The one list of every tool there is, and what of it settings and callers are shown.

Every tool is built when this is imported, which takes a tenth of a start: over stdio that is after the greeting.
"""

from mcp.server.mcpserver.tools import Tool

from errtrack_mcp.server.catalog.filters import Selection, select, unknown_names
from errtrack_mcp.server.catalog.schemas import input_schema, output_schema
from errtrack_mcp.server.catalog.untrusted import NOTICE, strangers_fields
from errtrack_mcp.settings import ConfigurationError, Settings
from errtrack_mcp.tools import build_check, compare, diagnose, download, ensure, prune, releases, symbol_sets

TOOLSETS = {
    "releases": [*releases.TOOLS, *ensure.TOOLS, *compare.TOOLS],
    "symbol-sets": [*symbol_sets.TOOLS, *diagnose.TOOLS, *prune.TOOLS, *download.TOOLS],
}

# These read this machine's files: only a caller who runs this process may have them, never one over HTTP.
LOCAL_TOOLSETS = {
    "builds": build_check.TOOLS,
}
EVERY_TOOLSET = {**TOOLSETS, **LOCAL_TOOLSETS}


def offered_tools(
    settings: Settings, *narrowing: Selection, project_fixed: bool = False, local: bool = False
) -> list[Tool]:
    """Return the tools that these settings allow, with the schemas that clients are shown.

    A caller may narrow what the operator offers; `project_fixed` says that no argument chooses the project,
    `local` that the caller runs this process and may have this machine's files read.

    Raises ConfigurationError for a name in the settings that stands for no tool or toolset.
    """
    selection = Selection(settings.read_only, settings.toolsets, settings.tools, settings.exclude_tools or frozenset())
    if problems := unknown_names(EVERY_TOOLSET, selection):
        raise ConfigurationError(problems)
    with_project = settings.project_id is None and settings.environment_id is None and not project_fixed
    toolsets = EVERY_TOOLSET if local else TOOLSETS
    return [_shown(tool, with_project=with_project) for tool in select(toolsets, selection, *narrowing)]


def _shown(tool: Tool, *, with_project: bool) -> Tool:
    answer = output_schema(tool.fn_metadata.output_schema or {})
    if strangers_fields(answer):
        answer["properties"] = {NOTICE: {"type": "string"}, **answer["properties"]}
    return tool.model_copy(
        update={
            "parameters": input_schema(tool.parameters, with_project=with_project),
            "fn_metadata": tool.fn_metadata.model_copy(update={"output_schema": answer}),
        }
    )
