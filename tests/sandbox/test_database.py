"""What is kept: through a kill, a second start, and a clock that goes back."""

import contextlib
import signal
import sqlite3
import threading
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from uuid import UUID

import httpx
import pytest

from errtrack_mcp.sandbox.database import Database, TimeOrderedIds, shown_time, stored_time
from tests.support.project import NOW
from tests.support.sandbox_process import running, stop


def write_until_cut_off(client: httpx.Client, answered: list[str], enough: threading.Event) -> None:
    """Create releases one after another, noting each that was answered, until nobody answers."""
    with contextlib.suppress(httpx.TransportError):
        while True:
            response = client.post("releases/", json={"version": str(len(answered)), "project": "a"})
            answered.append(response.json()["id"])
            if len(answered) % 20 == 0:
                enough.set()


def test_writes_survive_a_kill(tmp_path: Path) -> None:
    """Killed in the middle of writing, the file keeps every release that was answered, and opens again."""
    path = tmp_path / "sandbox.db"
    answered: list[str] = []
    for _ in range(3):
        enough = threading.Event()
        with running(path) as (process, client):
            writer = threading.Thread(target=write_until_cut_off, args=(client, answered, enough))
            writer.start()
            assert enough.wait(30)
            assert stop(process, signal.SIGKILL) == -signal.SIGKILL
            writer.join()
    with running(path) as (process, client):
        listed = client.get("releases/", params={"limit": 5000}).json()
        assert stop(process, signal.SIGTERM) == 0
    kept = [release["id"] for release in listed["results"]]
    assert [release for release in kept[::-1] if release in answered] == answered
    assert 0 <= len(kept) - 12 - len(answered) <= 3  # a kill may come between a write and its answer


def test_a_failed_seed_leaves_nothing(tmp_path: Path) -> None:
    """A transaction that breaks takes back all of its writes."""
    database = Database(tmp_path / "sandbox.db")

    def break_off() -> None:
        with database.transaction():
            database.execute("INSERT INTO organizations VALUES ('a', 'A')")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        break_off()
    assert database.all("SELECT * FROM organizations") == []
    database.close()


def test_hash_and_ref_are_unique_within_a_project(database: Database) -> None:
    """The tables themselves refuse a second hash or ref."""
    with pytest.raises(sqlite3.IntegrityError, match=r"releases\.team_id, releases\.hash_id"):
        database.execute("INSERT INTO releases SELECT 'x', hash_id, team_id, '', NULL, '', '' FROM releases")
    with pytest.raises(sqlite3.IntegrityError, match=r"symbol_sets\.team_id, symbol_sets\.ref"):
        database.execute(
            "INSERT INTO symbol_sets (id, ref, team_id, created_at) SELECT 'x', ref, team_id, '' FROM symbol_sets"
        )


def test_ids_only_grow() -> None:
    """Ids grow while the clock runs, stands, and goes back, and begin with the time."""
    times = iter([1.0] * 5 + [2.0] + [0.5] * 5)
    ids = TimeOrderedIds(lambda: next(times))
    made = [ids.next() for _ in range(11)]
    assert all(before < after for before, after in pairwise(made))
    assert UUID(made[0]).int >> 80 == 1000
    assert made[0].split("-")[2] == "0000"


def test_times_show_microseconds_only_when_there_are_any() -> None:
    """A whole second is shown without a fraction."""
    assert shown_time(stored_time(NOW)) == "2026-09-20T12:00:00Z"
    assert shown_time(stored_time(NOW + timedelta(microseconds=5))) == "2026-09-20T12:00:00.000005Z"
    assert shown_time(None) is None
