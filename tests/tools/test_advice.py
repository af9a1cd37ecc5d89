"""What follows from the counts of symbol sets: readable or not, and what to do."""

import pytest

from errtrack_mcp.tools import advice
from errtrack_mcp.tools.symbol_set_counts import SymbolSetRow
from tests.support.symbol_set_rows import counts_of_sets, row


@pytest.mark.parametrize(
    ("rows", "whole", "readable", "begin"),
    [
        ([], True, None, "Could not tell"),
        ([row(used=1)], True, None, "No symbol set is known to fail"),
        ([row(used=1), row()], True, None, "No symbol set is known to fail"),
        ([row(used=1)], False, None, "Could not tell"),
        ([row(used=1), row(has_uploaded_file=False)], True, False, "Not all readable"),
        ([row(has_uploaded_file=False)], False, False, "Not all readable"),
    ],
)
def test_many_symbol_sets_may_show_what_fails_and_never_that_all_is_readable(
    rows: list[SymbolSetRow], begin: str, *, whole: bool, readable: bool | None
) -> None:
    """A chunk that was never uploaded has no row, so complete ones prove nothing about a release."""
    counted = counts_of_sets(*rows)
    assert advice.is_readable(counted) is readable
    assert advice.summary(counted, whole=whole).startswith(f"{begin}: ")


def test_steps_come_in_the_order_of_what_they_fix() -> None:
    """Twelve expiring files go before two failures; the last step says what none of them changes."""
    failed = [row(has_uploaded_file=False, failure_reason='{"JavaScript":{"NoSourcemap":"x"}}')] * 2
    steps = advice.steps_for(counts_of_sets(*failed, *[row(days=60, used=29)] * 12), [], 7)
    assert steps[0].startswith("12 symbol sets with a file will be removed within 7 days: Upload again")
    assert steps[1].startswith("2 symbol sets without a usable map: Upload the map with the build")
    assert steps[-1] == advice.LATER
    assert advice.steps_for(counts_of_sets(row(used=1)), [], 7) == [
        "Nothing to do here; error-tracking-issues-diagnose looks at an issue's errors."
    ]
