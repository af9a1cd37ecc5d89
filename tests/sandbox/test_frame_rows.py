"""The rows of frames: found by their part, overwritten, and old after a while."""

from datetime import timedelta

import pytest

from errtrack_mcp.sandbox.database import Database
from errtrack_mcp.sandbox.frame_rows import RowOfFrame, find_row, is_young, write_row
from errtrack_mcp.sandbox.seed import PROJECT_ID
from tests.support.project import NOW


def row_of(raw_id: str, *, resolved: bool = False) -> RowOfFrame:
    """Make a row that names no symbol set."""
    return RowOfFrame({"raw_id": raw_id, "resolved": resolved}, None, None)


def test_a_later_row_takes_the_place_of_the_one_before(database: Database) -> None:
    """The same part of the same frame has one row, with the time of the last one."""
    for minutes in (0, 7):
        write_row(database, PROJECT_ID, row_of("aa/1"), NOW + timedelta(minutes=minutes))
    found = find_row(database, PROJECT_ID, "aa/1")
    assert found is not None
    assert found["created_at"] == "2026-09-20T12:07:00.000000Z"
    assert find_row(database, PROJECT_ID, "aa/0") is None


@pytest.mark.parametrize(("resolved", "seconds"), [(True, 1800), (False, 300)])
def test_a_readable_row_is_kept_for_longer(database: Database, *, resolved: bool, seconds: int) -> None:
    """Half an hour against five minutes."""
    write_row(database, PROJECT_ID, row_of("aa/0", resolved=resolved), NOW)
    found = find_row(database, PROJECT_ID, "aa/0")
    assert found is not None
    assert is_young(found, NOW + timedelta(seconds=seconds - 1))
    assert not is_young(found, NOW + timedelta(seconds=seconds))


def test_a_symbol_set_that_is_gone_by_now_is_not_named(database: Database) -> None:
    """It may be deleted while its file is read."""
    write_row(database, PROJECT_ID, RowOfFrame({"raw_id": "aa/0", "resolved": True}, None, "gone"), NOW)
    found = find_row(database, PROJECT_ID, "aa/0")
    assert found is not None
    assert found["symbol_set_id"] is None
