"""Send exceptions to the sandbox as an SDK does, and read what it stored."""

import json
from typing import Any

import httpx

from errtrack_mcp.sandbox.database import Database
from errtrack_mcp.sandbox.seed import PROJECT_ID, chunk_id
from tests.support.serving import post

TOKEN = f"phc_sandbox_{PROJECT_ID}"
URL = "https://shop.northwind.example/assets/checkout.js"
UPLOADED = chunk_id("unbound/main")  # the file of the sandbox's own small build, finished
FRAME = {"platform": "web:javascript", "filename": URL, "function": "u", "lineno": 1, "colno": 48, "in_app": True}


def exception_event(*frames: dict[str, Any], **properties: Any) -> dict[str, Any]:
    """Make an event of one exception; the throw site is the last frame."""
    listed = {"type": "TypeError", "value": "no discount", "mechanism": {"handled": False}}
    if frames:
        listed["stacktrace"] = {"type": "raw", "frames": list(frames)}
    return {
        "event": "$exception",
        "distinct_id": "visitor-1",
        "properties": {"$exception_list": [listed], "$lib": "web", **properties},
    }


def send(origin: str, *events: dict[str, Any], path: str = "/batch/", **around: Any) -> httpx.Response:
    """Send events, in one body."""
    return post(f"{origin}{path}", json={"api_key": TOKEN, "batch": list(events), **around}, timeout=60)


def stored(database: Database) -> list[dict[str, Any]]:
    """Return the properties of the events that were captured, the first one first."""
    sql = "SELECT properties FROM exception_events WHERE distinct_id = 'visitor-1' ORDER BY rowid"
    return [json.loads(row["properties"]) for row in database.all(sql)]
