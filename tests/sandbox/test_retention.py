"""The cleaning job: what it removes, and what it spares."""

import sqlite3
import time
from datetime import timedelta
from pathlib import Path

from errtrack_mcp.sandbox.database import Database
from errtrack_mcp.sandbox.retention import KEPT, remove_expired
from errtrack_mcp.sandbox.seed import chunk_id
from errtrack_mcp.sandbox.storage import Storage
from tests.support.project import NOW
from tests.support.sandbox_process import running


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


def test_a_sandbox_that_runs_on_removes_what_expires_meanwhile(tmp_path: Path) -> None:
    """It is looked for again and again, not only on start."""
    path = tmp_path / "project.db"
    often = "import errtrack_mcp.sandbox.retention as retention; retention.SECONDS_BETWEEN = 0.05\n"
    with running(path, often) as (_process, client):
        before = client.get("symbol_sets/").json()["count"]
        other = sqlite3.connect(path)
        other.execute("UPDATE symbol_sets SET last_used = '2020' WHERE ref = ?", (chunk_id("unbound/main"),))
        other.commit()
        other.close()
        deadline = time.monotonic() + 10
        while client.get("symbol_sets/").json()["count"] == before:
            assert time.monotonic() < deadline
        assert client.get("symbol_sets/").json()["count"] == before - 1
