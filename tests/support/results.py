"""What a tool call returned."""

from typing import Any

from mcp_types import CallToolResult, TextContent


def text_of(result: CallToolResult) -> str:
    """Return the one block of text in a result."""
    (block,) = result.content
    assert isinstance(block, TextContent)
    return block.text


def as_sent(result: CallToolResult) -> Any:
    """Return a result as the JSON that it travels as."""
    return result.model_dump(mode="json", by_alias=True, exclude_none=True)
