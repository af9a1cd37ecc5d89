"""What a tool call returned."""

from mcp_types import CallToolResult, TextContent


def text_of(result: CallToolResult) -> str:
    """Return the one block of text in a result."""
    (block,) = result.content
    assert isinstance(block, TextContent)
    return block.text
