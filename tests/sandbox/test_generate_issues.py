"""Any number of issues."""

import pytest

from errtrack_mcp.sandbox.database import Database
from errtrack_mcp.sandbox.generate_issues import generate_issues
from errtrack_mcp.sandbox.seed import PROJECT_ID, seed
from errtrack_mcp.sandbox.seed_issues import seed_issues
from tests.support.project import NOW


def crowded(number: int) -> Database:
    """Seed a project with so many more issues."""
    database = Database()
    seed(database, NOW)
    seed_issues(database, NOW)
    generate_issues(database, NOW, PROJECT_ID, number)
    return database


def rows(database: Database, table: str) -> list[tuple[object, ...]]:
    """Return a whole table."""
    return [tuple(row) for row in database.all(f"SELECT * FROM {table} ORDER BY 1")]  # noqa: S608


@pytest.mark.parametrize("number", [0, 1, 150])
def test_as_many_as_asked_for_and_always_the_same(number: int) -> None:
    """The same number makes the same issues and events; seeding again changes nothing."""
    first, second, plain = crowded(number), crowded(number), crowded(0)
    assert len(rows(first, "issues")) == len(rows(plain, "issues")) + number
    generate_issues(first, NOW, PROJECT_ID, number)
    for table in ("issues", "issue_fingerprints", "exception_events", "stack_frames"):
        assert rows(first, table) == rows(second, table)
    for database in (first, second, plain):
        database.close()


def test_they_differ() -> None:
    """Readable, minified and without a stack; several statuses and severities; all events in the past."""
    database = crowded(150)
    added = "FROM issues WHERE description LIKE 'Generated%'"
    assert {row[0] for row in database.all(f"SELECT status {added}")} == {"active", "resolved", "suppressed"}
    assert len(database.all(f"SELECT DISTINCT severity {added}")) == 5
    frames = "FROM stack_frames WHERE contents LIKE '%\"g1%'"
    assert {row[0] for row in database.all(f"SELECT resolved {frames}")} == {0, 1}
    events = "FROM exception_events WHERE properties LIKE '%Generated error%'"
    assert len(database.all(f"SELECT 1 {events} AND properties NOT LIKE '%stacktrace%'")) > 10
    assert len(database.all(f"SELECT 1 {events} AND timestamp > '2026-09-20T12'")) == 0
    database.close()
