"""LangChain, through its adapters for MCP."""

import asyncio
import json
import sys
from typing import Any

from langchain_mcp_adapters.client import MultiServerMCPClient
from langchain_mcp_adapters.tools import load_mcp_tools

command, *arguments = sys.argv[1:]


async def main() -> None:
    """Print what the framework saw; its tools return the text of an answer in a list."""
    client = MultiServerMCPClient({"errtrack": {"transport": "stdio", "command": command, "args": arguments}})
    async with client.session("errtrack") as session:
        tools = {tool.name: tool for tool in await load_mcp_tools(session)}

        async def call(tool: str, **sent: Any) -> Any:
            (content,) = await tools[f"error-tracking-{tool}"].ainvoke(sent)
            return json.loads(content["text"])

        listed = await call("releases-list", limit=2)
        preview = await call("releases-destroy", id=listed["results"][0]["id"])
    print(json.dumps({"tools": list(tools), "listed": listed, "preview": preview}))


asyncio.run(main())
