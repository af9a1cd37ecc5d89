"""The seeded project, made once and copied for each test: to seed it takes as long as most tests."""

from datetime import datetime
from functools import lru_cache

from errtrack_mcp.sandbox.database import Database
from errtrack_mcp.sandbox.seed import seed
from errtrack_mcp.sandbox.seed_issues import seed_issues


def seeded(now: datetime) -> Database:
    """Return a database of its own with the project as it is seeded at that moment."""
    database = Database()
    _original(now)._connection.backup(database._connection)  # noqa: SLF001 - nobody but tests copies a database
    return database


@lru_cache(maxsize=1)
def _original(now: datetime) -> Database:
    database = Database()
    seed(database, now)
    seed_issues(database, now)
    return database
