"""Queries about issues that go to the sandbox, and events that a test writes into it."""

import json
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx

from errtrack_mcp.sandbox.database import Database, stored_time
from errtrack_mcp.sandbox.seed import PROJECT_ID
from tests.support.project import NOW


def ask(api: httpx.Client, query: str, **body: Any) -> Any:
    """Send a query to one of the three routes; it must succeed."""
    response = api.post(f"query/{query}", json=body)
    assert response.status_code == 200, response.text
    return response.json()


def ask_generally(api: httpx.Client, **query: Any) -> httpx.Response:
    """Send a query to the general route, whatever comes of it."""
    return api.post("../query/", json={"query": query})


def refused(response: httpx.Response) -> dict[str, Any]:
    """Read the refusal of a value."""
    assert response.status_code == 400, response.text
    answer: dict[str, Any] = response.json()
    assert answer.pop("type") == "validation_error"
    return answer


def add_issue(database: Database, name: str = "Added", moment: datetime = NOW - timedelta(days=1)) -> str:
    """Add an issue with a fingerprint that is its id, and no event; return that id."""
    added = str(uuid4())
    stored = stored_time(moment)
    issue = (added, PROJECT_ID, name, None, "active", None, stored, None, None, stored)
    database.execute("INSERT INTO issues VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", issue)
    fingerprint = (str(uuid4()), PROJECT_ID, added, added, stored, stored)
    database.execute("INSERT INTO issue_fingerprints VALUES (?, ?, ?, ?, ?, ?)", fingerprint)
    return added


def add_event(database: Database, issue: str, moment: datetime = NOW - timedelta(hours=1), **properties: Any) -> str:
    """Add an event of an added issue; return its id. Properties are named without their dollar sign."""
    uuid = str(uuid4())
    named = {f"${name}": value for name, value in properties.items()}
    row = (uuid, PROJECT_ID, stored_time(moment), "somebody", issue, issue, json.dumps(named))
    database.execute("INSERT INTO exception_events VALUES (?, ?, ?, ?, ?, ?, ?)", row)
    return uuid


def frame(number: int = 1, **more: Any) -> dict[str, Any]:
    """Make a frame as ingestion stores it."""
    return {
        "raw_id": f"raw-{number}/0",
        "mangled_name": f"fn{number}",
        "line": number,
        "column": 0,
        "source": "/app.js",
        "in_app": True,
        "lang": "javascript",
        "resolved": False,
        "junk_drawer": {"raw_frame": {"chunk_id": "chunk"}},
        **more,
    }


def exception(*frames: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Make an exception with these frames."""
    stack = {"type": "resolved", "frames": list(frames)}
    return {"id": "e", "type": "Error", "value": "broken", "thread_id": 1, "stacktrace": stack, **more}
