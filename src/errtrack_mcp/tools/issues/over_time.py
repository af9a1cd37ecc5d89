"""How often an issue occurred in equal parts of a time, called buckets (docs/posthog-api.md, section 10.3). Pure."""

from datetime import timedelta
from typing import Any

from errtrack_mcp.api.models import ToolOutput
from errtrack_mcp.tools.issues.dates import Window

WEEK = timedelta(weeks=1)
LARGEST_COUNT = 2**53 - 1  # up to here every reader of JSON takes a number for the same


class OverTime(ToolOutput):
    """Occurrences in buckets of equal length, without a gap; the first begins at date_from."""

    bucket_seconds: int
    counts: list[int]


def number_of_buckets(window: Window) -> int:
    """Return into how many buckets to cut a time: 14 are half days of a week, and 12 are two hours each of a day."""
    return 12 if (window.end - window.start) % WEEK else 14


def read_over_time(given: Any, window: Window) -> OverTime | None:
    """Read the counts that PostHog gives for the buckets of `window`; None for anything but one count for each."""
    buckets = number_of_buckets(window)
    if not isinstance(given, list) or len(given) != buckets or not all(map(_is_count, given)):
        return None
    seconds = int((window.end - window.start).total_seconds())
    return OverTime(bucket_seconds=max(1, seconds // buckets), counts=[round(count) for count in given])


def _is_count(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= LARGEST_COUNT
