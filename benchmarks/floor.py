"""The floor: as little as an MCP server in Python can be and still forward a request."""

import sys
from typing import Any

import httpx
from mcp.server import MCPServer

server = MCPServer("floor")
client: list[httpx.AsyncClient] = []


@server.tool()
async def forward(path: str, limit: int = 100) -> dict[str, Any]:
    """Forward a GET to the API."""
    if not client:
        headers = {"Authorization": f"Bearer {sys.argv[2]}"}
        client.append(httpx.AsyncClient(base_url=sys.argv[1], headers=headers))
    response = await client[0].get(path, params={"limit": limit})
    answer: dict[str, Any] = response.json()
    return answer


if __name__ == "__main__":
    server.run()
