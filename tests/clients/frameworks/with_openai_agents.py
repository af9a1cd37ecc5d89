"""The OpenAI Agents SDK, with the functions in the strict form that it makes for its models."""

import asyncio
import json
import sys
from typing import Any

from agents import Agent, RunContextWrapper
from agents.mcp import MCPServerStdio, MCPUtil

command, *arguments = sys.argv[1:]


async def call(server: MCPServerStdio, tool: str, **sent: Any) -> Any:
    """Call a tool, and return its structured answer."""
    return (await server.call_tool(f"error-tracking-{tool}", sent)).structuredContent


async def main() -> None:
    """Print what the framework saw, and which functions it could not make strict."""
    async with MCPServerStdio({"command": command, "args": arguments}, client_session_timeout_seconds=30) as server:
        agent: Any = Agent(name="test")
        functions: Any = await MCPUtil.get_function_tools(
            server, convert_schemas_to_strict=True, run_context=RunContextWrapper(None), agent=agent
        )
        listed = await call(server, "releases-list", limit=2)
        report = {
            "tools": [function.name for function in functions],
            "not_strict": sorted(function.name for function in functions if not function.strict_json_schema),
            "listed": listed,
            "preview": await call(server, "releases-destroy", id=listed["results"][0]["id"], confirm="", project_id=""),
        }
    print(json.dumps(report))


asyncio.run(main())
