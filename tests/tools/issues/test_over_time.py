"""Counts over time: whose they are, how long a bucket is, and what is taken for counts."""

from datetime import timedelta
from typing import Any

import pytest

from errtrack_mcp.tools.issues.dates import Window
from errtrack_mcp.tools.issues.over_time import number_of_buckets, read_over_time
from tests.support.project import NOW

HOUR = timedelta(hours=1)


def window_of(length: timedelta) -> Window:
    """Return the time of this length that ends now."""
    return Window(NOW - length, NOW)


@pytest.mark.parametrize(
    ("length", "buckets", "seconds"),
    [
        (24 * HOUR, 12, 7_200),
        (timedelta(weeks=1), 14, 43_200),
        (timedelta(weeks=4), 14, 172_800),
        (timedelta(days=30), 12, 216_000),
        (timedelta(seconds=100), 12, 8),
        (timedelta(seconds=1), 12, 1),
    ],
)
def test_a_bucket_is_as_long_as_posthog_makes_it(length: timedelta, buckets: int, seconds: int) -> None:
    """Whole seconds, one at least; days and weeks are cut into hours and half days."""
    window = window_of(length)
    assert number_of_buckets(window) == buckets
    read = read_over_time([1.0, *[0.0] * (buckets - 1)], window)
    assert read is not None
    assert (read.bucket_seconds, read.counts) == (seconds, [1, *[0] * (buckets - 1)])


NO_COUNTS: list[Any] = ["1", None, True, -1, float("nan"), float("inf"), 1e300, 2**53, [1], {}]


@pytest.mark.parametrize("given", [None, [], {}, "0" * 12, [0] * 11, [0] * 13])
def test_anything_but_a_list_with_a_number_for_each_bucket_is_none(given: Any) -> None:
    """A list of another length would be cut at other moments."""
    assert read_over_time(given, window_of(24 * HOUR)) is None


@pytest.mark.parametrize("value", NO_COUNTS)
def test_one_value_that_is_no_count_makes_all_of_them_none(value: Any) -> None:
    """Left out, it would move the others to another time."""
    assert read_over_time([*[0] * 11, value], window_of(24 * HOUR)) is None
    assert read_over_time([*[0] * 11, 2**53 - 1], window_of(24 * HOUR)) is not None
