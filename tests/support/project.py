"""What the sandbox's project holds: more of it, and what the API lists."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx

from errtrack_mcp.sandbox.database import Database, stored_time
from errtrack_mcp.sandbox.seed import PROJECT_ID
from errtrack_mcp.sandbox.symbol_sets import insert_symbol_set

NOW = datetime(2026, 9, 20, 12, tzinfo=UTC)
"""The moment at which the tests of the sandbox seed a project."""


def add_symbol_sets(database: Database, number: int) -> None:
    """Add so many complete symbol sets, newer than all others."""
    now = datetime.now(UTC)
    with database.transaction():
        for index in range(number):
            moment = stored_time(now + timedelta(seconds=index))
            values = {
                "id": str(uuid4()),
                "ref": f"added-{index}",
                "team_id": PROJECT_ID,
                "created_at": moment,
                "last_used": moment,
                "failure_reason": None,
                "storage_ptr": f"symbolsets/{index}",
                "content_hash": "0",
                "release_id": None,
            }
            insert_symbol_set(database, values)


def find_symbol_sets(api: httpx.Client, **params: Any) -> list[dict[str, Any]]:
    """List the symbol sets that match."""
    response = api.get("symbol_sets/", params=params)
    assert response.status_code == 200
    results: list[dict[str, Any]] = response.json()["results"]
    return results
