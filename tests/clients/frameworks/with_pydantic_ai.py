"""Pydantic AI, through its toolset for MCP."""

import asyncio
import json
import sys
from typing import Any

from fastmcp.client.transports import StdioTransport
from pydantic_ai.mcp import MCPToolset

command, *arguments = sys.argv[1:]


async def main() -> None:
    """Print what the framework saw."""
    toolset: Any = MCPToolset(StdioTransport(command, arguments))
    async with toolset:
        tools = [tool.name for tool in await toolset.list_tools()]
        listed = await toolset.direct_call_tool("error-tracking-releases-list", {"limit": 2})
        wanted = {"id": listed["results"][0]["id"]}
        preview = await toolset.direct_call_tool("error-tracking-releases-destroy", wanted)
    print(json.dumps({"tools": tools, "listed": listed, "preview": preview}))


asyncio.run(main())
