"""PostHog's cleaning job: it removes symbol sets that were not used for 30 days (docs/posthog-api.md, section 4)."""

from datetime import UTC, datetime, timedelta

import anyio

from errtrack_mcp.sandbox.database import Database, stored_time
from errtrack_mcp.sandbox.storage import Storage

KEPT = timedelta(days=30)
SECONDS_BETWEEN = 3600.0


def remove_expired(database: Database, storage: Storage, now: datetime) -> int:
    """Delete symbol sets last used, or else created, more than 30 days ago, with their files; return how many."""
    limit = (stored_time(now - KEPT),)
    expired = database.all(
        "DELETE FROM symbol_sets WHERE coalesce(last_used, created_at) < ? RETURNING storage_ptr", limit
    )
    for row in expired:
        if row["storage_ptr"]:
            storage.delete(row["storage_ptr"])
    return len(expired)


async def remove_expired_hourly(database: Database, storage: Storage) -> None:
    """Remove what has expired meanwhile, every hour until cancelled."""
    while True:
        await anyio.sleep(SECONDS_BETWEEN)
        remove_expired(database, storage, datetime.now(UTC))
