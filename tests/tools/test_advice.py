"""What follows from the counts of symbol sets: readable or not, and what to do."""

import pytest

from errtrack_mcp.tools import advice
from errtrack_mcp.tools.symbol_set_counts import SymbolSetRow
from tests.support.symbol_set_rows import counts_of_sets, row


@pytest.mark.parametrize(
    ("rows", "complete", "readable"),
    [
        ([], True, None),
        ([row(used=1)], True, True),
        ([row(used=1), row()], True, True),
        ([row()], True, None),
        ([row(used=1)], False, None),
        ([row(used=1), row(has_uploaded_file=False)], True, False),
        ([row(has_uploaded_file=False)], False, False),
    ],
)
def test_readable_only_where_a_map_was_found_and_none_is_missing(
    rows: list[SymbolSetRow], *, complete: bool, readable: bool | None
) -> None:
    """What was not seen leaves it open, what failed decides it."""
    assert advice.is_readable(counts_of_sets(*rows), complete=complete) is readable


def test_steps_come_in_the_order_of_what_they_fix() -> None:
    """Twelve expiring files go before two failures; the last step says what none of them changes."""
    failed = [row(has_uploaded_file=False, failure_reason='{"JavaScript":{"NoSourcemap":"x"}}')] * 2
    steps = advice.steps_for(counts_of_sets(*failed, *[row(days=60, used=29)] * 12), [], 7)
    assert steps[0].startswith("12 symbol sets with a file will be removed within 7 days: Upload again")
    assert steps[1].startswith("2 symbol sets without a usable map: Upload the map with the build")
    assert steps[-1] == advice.LATER
    assert advice.steps_for(counts_of_sets(row(used=1)), [], 7) == ["Nothing to do."]
