"""Dates of queries: what is read, and what is read wrongly without a word."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from errtrack_mcp.sandbox.envelope import ApiError
from errtrack_mcp.sandbox.query_dates import Period, breakdown_period, events_period, issues_period, read_moment
from tests.support.project import NOW

TOKYO = ZoneInfo("Asia/Tokyo")


def day(month: int, number: int, hour: int = 0) -> datetime:
    """Name a moment of the year."""
    return datetime(2026, month, number, hour, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-09-18", day(9, 18)),
        ("2026-9-8", day(9, 8)),
        ("2026-09", day(9, 1)),
        ("2026-09-18T09:30:00+09:00", datetime(2026, 9, 18, 0, 30, tzinfo=UTC)),
        ("-3h", day(9, 20, 9)),
        ("-7d", day(9, 13, 12)),
        ("-2w", day(9, 6, 12)),
        ("-6m", day(3, 20, 12)),
        ("-120M", day(9, 20, 10)),
        ("-1q", day(6, 21, 12)),
        ("-1y", datetime(2025, 9, 20, 12, tzinfo=UTC)),
        ("dStart", day(9, 20)),
        ("-1dStart", day(9, 19)),
        ("mStart", day(9, 1, 12)),
        ("yStart", day(1, 1, 12)),
    ],
)
def test_a_date_is_read(text: str, moment: datetime) -> None:
    """Absolute dates, and numbers of units before now, are what they say."""
    assert read_moment(text, NOW, UTC) == moment


@pytest.mark.parametrize("text", ["", "nonsense", "yesterday", "last 7d", "7 days ago", "42", "2026-13-01"])
def test_what_is_no_date_is_now(text: str) -> None:
    """Nothing is refused: a text without a number before its first unit is the present."""
    assert read_moment(text, NOW, UTC) == NOW


def test_words_around_a_number_and_a_unit_are_passed_over() -> None:
    """A unit with a number before it counts, wherever it stands first."""
    assert read_moment("-7days", NOW, UTC) == day(9, 13, 12)


def test_the_31st_becomes_the_last_day_of_a_shorter_month() -> None:
    """Six months before 31 August is the last of February."""
    assert read_moment("-6m", datetime(2026, 8, 31, 5, tzinfo=UTC), UTC) == day(2, 28, 5)


def test_an_end_counts_forward_for_issues_and_backward_for_events() -> None:
    """The same text means tomorrow on one endpoint, and yesterday on the other."""
    dates = {"date_from": "-7d", "date_to": "-1d"}
    assert issues_period(dates, NOW).until == day(9, 21, 12)
    assert events_period("-7d", "-1d", NOW, "UTC").until == day(9, 19, 12)


def test_days_begin_in_utc_for_issues_and_in_the_project_for_events() -> None:
    """A bare date is nine hours earlier in Tokyo."""
    assert issues_period({"date_from": "2026-09-18"}, NOW).since == day(9, 18)
    assert events_period("2026-09-18", None, NOW, "Asia/Tokyo").since == datetime(2026, 9, 18, tzinfo=TOKYO)


def test_all_reaches_four_years_back_for_issues_and_without_end_for_events() -> None:
    """`all` as a start means something else on each endpoint, 30 days in a breakdown, and as an end breaks one."""
    issues = issues_period({"date_from": "all"}, NOW)
    assert issues.since is not None
    assert (NOW - issues.since).days == 1460
    assert events_period("all", None, NOW, "UTC").since is None
    assert breakdown_period({"date_from": "all"}, NOW, "UTC") == (Period(day(8, 21, 12), NOW), True)
    assert breakdown_period({"date_from": "-29d"}, NOW, "UTC") == (Period(day(8, 22, 12), NOW), False)
    with pytest.raises(ApiError) as refused:
        issues_period({"date_from": "-7d", "date_to": "all"}, NOW)
    assert refused.value.status == 500


def test_events_are_of_a_day_when_no_start_is_given() -> None:
    """EventsQuery without `after` looks at 24 hours, and a little ahead."""
    period = events_period(None, None, NOW, "UTC")
    assert (period.since, period.until) == (day(9, 19, 12), datetime(2026, 9, 20, 12, 0, 5, tzinfo=UTC))


def test_only_one_of_the_endpoints_includes_the_bounds() -> None:
    """An event exactly at the end belongs to the issue's counts, and not to its events."""
    stored = "2026-09-18T00:00:00.000000Z"
    assert issues_period({"date_from": "2026-09-18"}, NOW).holds(stored)
    assert not events_period("2026-09-18", None, NOW, "UTC").holds(stored)


def test_an_absurd_number_breaks_the_service() -> None:
    """A date before the year 1 is not caught."""
    with pytest.raises(ApiError) as refused:
        read_moment("-99999999y", NOW, UTC)
    assert refused.value.status == 500
