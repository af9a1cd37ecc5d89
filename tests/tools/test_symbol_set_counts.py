"""Counting symbol sets by their state."""

import pytest

from tests.support.symbol_set_rows import NOW, ROW, counts_of_sets, row


def test_reasons_are_grouped_with_the_first_ref_as_example() -> None:
    """The most frequent first, whatever a reason carries."""
    stored = ['{"JavaScript":{"Timeout":"a"}}', '{"JavaScript":{"Timeout":"b"}}', '{"JavaScript":{"NoSourcemap":"c"}}']
    counted = counts_of_sets(
        *(row(ref=str(n), has_uploaded_file=False, failure_reason=each) for n, each in enumerate(stored)),
        row(ref="none", has_uploaded_file=False),
    )
    shown = [(group.failure.reason, group.count, group.ref) for group in counted.failures()]
    assert shown == [("JavaScript Timeout", 2, "0"), ("JavaScript NoSourcemap", 1, "2"), ("no reason given", 1, "none")]


@pytest.mark.parametrize(
    ("days", "used", "expiring"),
    [(40, 22.9, 0), (40, 23, 1), (40, 31, 1), (22.9, None, 0), (23, None, 1), (29, 0, 0)],
)
def test_retention_counts_from_the_last_use_or_else_from_creation(
    days: float, used: float | None, expiring: int
) -> None:
    """Thirty days after either, a set is removed."""
    assert counts_of_sets(row(days, used)).expiring == expiring


def test_a_date_that_cannot_be_read_expires_nothing() -> None:
    """Older installations leave fields out; times without a zone are in UTC."""
    assert counts_of_sets(row(created_at="")).expiring == 0
    assert counts_of_sets(row(created_at="2026-10-01T00:00:00")).expiring == 1


def test_the_shape_before_may_2026_is_read() -> None:
    """A storage pointer stood where the flag is now."""
    old = {"id": "x", "ref": "r", "created_at": NOW.isoformat(), "failure_reason": None, "last_used": None}
    rows = [ROW.validate_python({**old, "storage_ptr": pointer}) for pointer in ("symbolsets/x", "", None)]
    assert dict(counts_of_sets(*rows).states) == {"never_loaded": 1, "no_file": 2}


def test_a_symbol_set_is_in_one_state() -> None:
    """Complete once loaded, never loaded before, no_file without one; a reason next to a file is an old one."""
    counted = counts_of_sets(row(used=1), row(), row(has_uploaded_file=False), row(used=1, failure_reason="no"))
    assert dict(counted.states) == {"complete": 2, "never_loaded": 1, "no_file": 1}
