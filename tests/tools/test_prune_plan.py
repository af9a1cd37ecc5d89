"""Which symbol sets a plan deletes: decided from rows alone."""

from datetime import timedelta
from typing import Any

import pytest

from errtrack_mcp.tools.prune_plan import Filters, Plan
from errtrack_mcp.tools.symbol_set_counts import SymbolSetRow
from tests.support.symbol_set_rows import NOW, row


def named(id_: str, days: float = 1, used: float | None = None, **fields: Any) -> SymbolSetRow:
    """Make a symbol set with an id of its own."""
    return row(days, used, id=id_, **fields)


@pytest.mark.parametrize(
    ("filters", "symbol_set", "fits"),
    [
        (Filters(no_file=True), row(has_uploaded_file=False), True),
        (Filters(no_file=True), row(failure_reason="old", used=1), False),
        (Filters(unbound=True), row(), True),
        (Filters(unbound=True), row(release={"id": "r"}), False),
        (Filters(release_id="r"), row(release={"id": "r"}), True),
        (Filters(release_id="r"), row(release={"id": "s"}), False),
        (Filters(unused_for_days=20), row(days=25, used=21), True),
        (Filters(unused_for_days=20), row(days=25, used=19), False),
        (Filters(unused_for_days=20), row(days=25), True),
        (Filters(older_than_days=20), row(days=20.01), True),
        (Filters(older_than_days=20), row(days=19.99), False),
        (Filters(older_than_days=20), row(created_at="once"), False),
        (Filters(no_file=True, older_than_days=20), row(days=30), False),
    ],
)
def test_a_symbol_set_fits_all_filters_or_is_left(filters: Filters, symbol_set: SymbolSetRow, fits: bool) -> None:  # noqa: FBT001
    """Days are exact; a time that cannot be read never makes a symbol set old."""
    assert filters.fit(symbol_set, NOW) is fits


def test_the_oldest_are_planned() -> None:
    """Of all that fit, whatever the order in which they are read, and all are counted."""
    plan = Plan(Filters(older_than_days=1), 3, NOW)
    for days in (5, 9, 2, 7, 30, 3, 8, 4, 6, 10, 11, 12, 13, 14):
        plan.visit(named(f"age-{days}", days))
    plan.visit(named("young", 0.5))
    plan.settle()
    assert [each["id"] for each in plan.rows] == ["age-30", "age-14", "age-13"]
    assert plan.matching == 14


def test_a_plan_is_counted_by_state_failure_and_release() -> None:
    """Only what it would delete."""
    reason = '{"JavaScript":{"HttpStatus":[404,"x"]}}'
    plan = Plan(Filters(older_than_days=1), 10, NOW)
    plan.visit(named("a", 3, has_uploaded_file=False, failure_reason=reason, team_id=7))
    plan.visit(named("b", 2, used=1, release={"id": "r"}))
    assert dict(plan.states) == {"no_file": 1, "complete": 1}
    assert dict(plan.failures) == {"JavaScript HttpStatus": 1}
    assert dict(plan.releases) == {"none": 1, "r": 1}
    assert plan.team_id == 7
    assert plan.now - timedelta(days=1) < NOW
