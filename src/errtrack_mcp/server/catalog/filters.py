"""Filters on the list of tools, from settings and requests. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from mcp_types import Tool as ListedTool

from errtrack_mcp.tools.annotations import Tool


class Selection(NamedTuple):
    """A filter of the operator or of a caller; None means no restriction.

    Read-only beats everything, exclusion beats inclusion, and `toolsets` and `tools` together offer what either names.
    """

    read_only: bool = False
    toolsets: frozenset[str] | None = None
    tools: frozenset[str] | None = None
    excluded: frozenset[str] = frozenset()

    def offers(self, toolset: str, tool: Tool) -> bool:
        """Return whether a tool is on offer; the same answer decides what is listed and what may be called."""
        if tool.name in self.excluded or (self.read_only and not is_read_only(tool)):
            return False
        if self.toolsets is None and self.tools is None:
            return True
        return toolset in (self.toolsets or ()) or tool.name in (self.tools or ())


def is_read_only(tool: Tool | ListedTool) -> bool:
    """Return whether a tool changes nothing, by its hint."""
    return tool.annotations is not None and tool.annotations.read_only_hint is True


def select(toolsets: Mapping[str, Sequence[Tool]], *selections: Selection) -> list[Tool]:
    """Return the tools that every selection offers, in the order of the list."""
    return [
        tool
        for toolset, tools in toolsets.items()
        for tool in tools
        if all(selection.offers(toolset, tool) for selection in selections)
    ]


def unknown_names(toolsets: Mapping[str, Sequence[Tool]], selection: Selection) -> list[str]:
    """Return a sentence for each name that stands for no toolset or tool, with the valid ones."""
    tools = [tool.name for members in toolsets.values() for tool in members]
    named = (selection.tools or frozenset()) | selection.excluded
    return [
        *_unknown("toolset", selection.toolsets or (), toolsets),
        *_unknown("tool", named, tools),
    ]


def _unknown(kind: str, names: Iterable[str], valid: Iterable[str]) -> list[str]:
    known = list(valid)
    return [f"There is no {kind} {name!r}. Valid: {', '.join(known)}." for name in sorted(names) if name not in known]
