"""A project of any size: how many, how varied, and always the same."""

import time

import pytest

from errtrack_mcp.sandbox.database import Database
from errtrack_mcp.sandbox.failures import FAILURES
from errtrack_mcp.sandbox.generate import generate
from errtrack_mcp.sandbox.seed import PROJECT_ID, seed
from tests.support.project import NOW


def crowded(releases: int, symbol_sets: int) -> Database:
    """Seed a project and so many more."""
    database = Database()
    seed(database, NOW)
    generate(database, NOW, PROJECT_ID, releases, symbol_sets)
    return database


def rows(database: Database, table: str) -> list[tuple[object, ...]]:
    """Return a whole table."""
    return [tuple(row) for row in database.all(f"SELECT * FROM {table} ORDER BY id")]  # noqa: S608


@pytest.mark.parametrize(("releases", "symbol_sets"), [(0, 0), (1, 0), (0, 7), (3, 2), (20, 1_000)])
def test_as_many_as_asked_for_and_always_the_same(releases: int, symbol_sets: int) -> None:
    """The same numbers make the same data; seeding again changes nothing."""
    first, second, plain = crowded(releases, symbol_sets), crowded(releases, symbol_sets), crowded(0, 0)
    for table, number in (("releases", releases), ("symbol_sets", symbol_sets)):
        assert rows(first, table) == rows(second, table)
        assert len(rows(first, table)) == len(rows(plain, table)) + number
    generate(first, NOW, PROJECT_ID, releases, symbol_sets)
    assert rows(first, "symbol_sets") == rows(second, "symbol_sets")
    for database in (first, second, plain):
        database.close()


def test_every_state_is_among_a_thousand() -> None:
    """Complete, never loaded, unfinished, failed for several reasons, unbound, and about to be removed."""
    database = crowded(20, 1_000)
    added = "FROM symbol_sets WHERE id LIKE '019c%'"
    for condition in (
        "storage_ptr IS NOT NULL AND content_hash IS NOT NULL AND last_used IS NOT NULL",
        "storage_ptr IS NOT NULL AND content_hash IS NULL",
        "storage_ptr IS NOT NULL AND content_hash IS NOT NULL AND last_used IS NULL",
        "storage_ptr IS NULL AND failure_reason IS NOT NULL",
        "storage_ptr IS NOT NULL AND failure_reason IS NOT NULL AND last_used IS NOT NULL",
        "storage_ptr IS NOT NULL AND release_id IS NULL",
        "coalesce(last_used, created_at) < '2026-08-28'",
    ):
        found = database.all(f"SELECT count(*) {added} AND {condition}")[0][0]
        assert found > 10, condition
    failed = database.all(f"SELECT ref, failure_reason {added} AND storage_ptr IS NULL")
    kinds = {row["failure_reason"].replace(row["ref"], "its ref") for row in failed}
    assert len(kinds) > 15
    assert kinds <= {reason.replace(ref, "its ref") for ref, reason in FAILURES}
    database.close()


def test_a_hundred_thousand_are_seeded_in_seconds() -> None:
    """Nobody should wait for a large project."""
    began = time.process_time()
    database = crowded(200, 100_000)
    assert time.process_time() - began < 15
    assert len(database.all("SELECT id FROM symbol_sets WHERE release_id IS NOT NULL")) > 60_000
    database.close()
