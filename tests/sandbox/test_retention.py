"""The cleaning job: what it removes, and what it spares."""

from datetime import timedelta

from errtrack_mcp.sandbox.database import Database
from errtrack_mcp.sandbox.retention import KEPT, remove_expired
from errtrack_mcp.sandbox.seed import chunk_id
from errtrack_mcp.sandbox.storage import Storage
from tests.sandbox.conftest import NOW


def refs(database: Database) -> set[str]:
    """Return every ref there is."""
    return {row["ref"] for row in database.all("SELECT ref FROM symbol_sets")}


def test_what_nobody_used_for_thirty_days_goes_with_its_file(database: Database) -> None:
    """Counted from the last use, or from creation where there was none; releases stay."""
    storage = Storage()
    sql = "SELECT storage_ptr FROM symbol_sets WHERE ref = ?"
    [gone], [kept] = (database.all(sql, (chunk_id(name),))[0] for name in ("stale/main", "unbound/main"))
    storage.write(gone, b"old")
    storage.write(kept, b"new")
    before, releases = refs(database), len(database.all("SELECT id FROM releases"))
    assert remove_expired(database, storage, NOW) == 0
    assert remove_expired(database, storage, NOW + timedelta(days=4)) == 4
    stale = {chunk_id(f"stale/{name}") for name in ("main", "vendor", "checkout", "unused")}
    assert before - refs(database) == stale
    assert (storage.read(gone), storage.read(kept)) == (None, b"new")
    assert len(database.all("SELECT id FROM releases")) == releases
    remove_expired(database, storage, NOW + KEPT + timedelta(days=1))
    assert not refs(database)
