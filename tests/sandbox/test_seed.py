"""The project that a sandbox begins with: seeded once, the same everywhere, in every state that there is."""

from datetime import timedelta
from pathlib import Path

import httpx

from errtrack_mcp.sandbox.database import Database
from errtrack_mcp.sandbox.seed import chunk_id, seed
from tests.support.project import NOW, find_symbol_sets


def test_seed_happens_once(tmp_path: Path) -> None:
    """A file that holds a project is opened as it is."""
    path = tmp_path / "sandbox.db"
    contents = []
    for age in (0, 40):
        database = Database(path)
        seed(database, NOW + timedelta(days=age))
        database.execute("DELETE FROM releases WHERE project = 'checkout-api'")
        contents.append([tuple(row) for row in database.all("SELECT * FROM releases")])
        database.close()
    assert contents[0] == contents[1]


def test_seed_is_the_same_everywhere() -> None:
    """Ids do not depend on when the sandbox was seeded, and times do."""
    contents = []
    for now in (NOW, NOW + timedelta(days=100)):
        database = Database()
        seed(database, now)
        rows = database.all("SELECT id, created_at FROM releases UNION SELECT id, created_at FROM symbol_sets")
        contents.append({row["id"]: row["created_at"] for row in rows})
        database.close()
    assert contents[0].keys() == contents[1].keys()
    assert all(contents[0][row] < contents[1][row] for row in contents[0])


def test_every_state_is_seeded(api: httpx.Client) -> None:
    """Each state that a symbol set can be in is there to be found."""
    pending = find_symbol_sets(api, search="2.14.0")
    assert all(row["has_uploaded_file"] for row in pending)
    assert sorted(row["last_used"] is None for row in pending) == [False, True, True]
    [never, unbound] = [find_symbol_sets(api, ref=chunk_id(name))[0] for name in ("never/admin", "unbound/main")]
    assert (never["has_uploaded_file"], never["last_used"]) == (True, None)
    assert (unbound["has_uploaded_file"], unbound["release"]) == (True, None)
    assert find_symbol_sets(api, order_by="last_used")[0]["last_used"] < "2026-08-25"


def test_a_used_set_with_an_old_reason_is_seeded(api: httpx.Client) -> None:
    """A reason next to a file is older than the file."""
    [row] = find_symbol_sets(api, ref=chunk_id("unbound/polyfills"))
    assert row["has_uploaded_file"]
    assert row["last_used"]
    assert row["failure_reason"]
