"""What one gets for ten lines of work: tools that fastmcp makes out of an OpenAPI document."""

import json
import sys
from pathlib import Path

import httpx
from fastmcp import FastMCP

if __name__ == "__main__":
    document = json.loads((Path(__file__).parent / "openapi.json").read_text())
    client = httpx.AsyncClient(base_url=sys.argv[1], headers={"Authorization": f"Bearer {sys.argv[2]}"})
    FastMCP.from_openapi(openapi_spec=document, client=client, name="generated").run(show_banner=False)
