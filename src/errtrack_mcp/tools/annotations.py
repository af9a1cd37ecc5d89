"""What a tool is: a function, its kind, whether the panel shows its answers, and what clients load at once."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from mcp.server.mcpserver.tools import Tool as RunnableTool
from mcp_types import ToolAnnotations

from errtrack_mcp.views.page import URI


@dataclass(frozen=True, eq=False)
class Tool:
    """An async function with the name and the title by which clients know it; the rest is in its signature.

    `annotations` is its kind, one of those below; clients get `meta` as it is.
    """

    fn: Callable[..., Any]
    name: str
    title: str
    annotations: ToolAnnotations
    meta: dict[str, Any] | None = None

    @cached_property
    def runnable(self) -> RunnableTool:
        """The SDK's tool, which checks arguments and calls the function.

        Made at its first use, since no start needs it. The SDK describes no answers: their schema is in the definition.
        """
        return RunnableTool.from_function(self.fn, self.name, structured_output=False)


READ = ToolAnnotations(read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=True)
CREATE = ToolAnnotations(read_only_hint=False, destructive_hint=False, idempotent_hint=False, open_world_hint=True)
UPDATE = ToolAnnotations(read_only_hint=False, destructive_hint=True, idempotent_hint=True, open_world_hint=True)
DELETE = ToolAnnotations(read_only_hint=False, destructive_hint=True, idempotent_hint=True, open_world_hint=True)

# `meta=PANEL`: views/ has a view for the answers of this tool. Some hosts read only the second key, which is older.
PANEL = {"ui": {"resourceUri": URI}, "ui/resourceUri": URI}
# `meta=LOADED_AT_ONCE`: Claude Code keeps definitions back until its model searches for tools, but not the one of this
# tool. One tool alone has it, since every conversation pays for its definition.
LOADED_AT_ONCE = {"anthropic/alwaysLoad": True}
