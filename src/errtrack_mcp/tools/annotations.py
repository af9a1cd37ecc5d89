"""How a tool is defined: the four kinds of tool, and whether the panel shows its answers."""

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
