"""How a tool is defined: the four kinds of tool, whether the panel shows its answers, and what clients load at once."""

from functools import partial

from mcp.server.mcpserver.tools import Tool
from mcp_types import ToolAnnotations

from errtrack_mcp.views.page import URI

# The catalog makes the output schema. The SDK would also build a validator for each answer, which nobody uses: 0.01 of
# the start.
tool = partial(Tool.from_function, structured_output=False)

READ = ToolAnnotations(read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=True)
CREATE = ToolAnnotations(read_only_hint=False, destructive_hint=False, idempotent_hint=False, open_world_hint=True)
UPDATE = ToolAnnotations(read_only_hint=False, destructive_hint=True, idempotent_hint=True, open_world_hint=True)
DELETE = ToolAnnotations(read_only_hint=False, destructive_hint=True, idempotent_hint=True, open_world_hint=True)

# `meta=PANEL`: views/ has a view for the answers of this tool. Some hosts read only the second key, which is older.
PANEL = {"ui": {"resourceUri": URI}, "ui/resourceUri": URI}
# `meta=LOADED_AT_ONCE`: Claude Code keeps definitions back until its model searches for tools, but not the one of this
# tool. One tool alone has it, since every conversation pays for its definition.
LOADED_AT_ONCE = {"anthropic/alwaysLoad": True}
