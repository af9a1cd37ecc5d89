"""The floor over HTTP: a bare SDK server, without sessions, whose only tool forwards the same request."""

import sys
from typing import Any

import httpx
import uvicorn
from mcp.server import MCPServer

server = MCPServer("floor", log_level="WARNING")
client = httpx.AsyncClient(base_url=sys.argv[1], headers={"Authorization": "Bearer phx_any"})


@server.tool()
async def forward(limit: int = 100) -> dict[str, Any]:
    """Forward a GET to the API."""
    response = await client.get("/api/projects/@current/error_tracking/releases/", params={"limit": limit})
    answer: dict[str, Any] = response.json()
    return answer


if __name__ == "__main__":
    app = server.streamable_http_app(stateless_http=True, json_response=True)
    uvicorn.run(app, port=int(sys.argv[2]), http="h11", access_log=False, log_level="warning")
