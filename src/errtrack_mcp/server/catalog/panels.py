"""What a client with MCP Apps reads about a tool: whether the panel shows its answers, and who may call it. Pure."""

from typing import Any

from errtrack_mcp.server.catalog.filters import is_read_only
from errtrack_mcp.tools.annotations import PANEL, Tool

FOR_THE_MODEL_ALONE = {"visibility": ["model"]}


def listed_meta(tool: Tool, *, panels: bool) -> dict[str, Any] | None:
    """Return the `_meta` of a tool, without a word of panels where the operator has turned them off.

    No page may call a tool unless its annotations say that it changes nothing: a page may have been taken over by the
    text that it shows.
    """
    declared = tool.meta or {}
    if not panels:
        return {key: value for key, value in declared.items() if key not in PANEL} or None
    if is_read_only(tool):
        return declared or None
    return {**declared, "ui": {**declared.get("ui", {}), **FOR_THE_MODEL_ALONE}}
