"""Dates become two moments in UTC, or are refused: PostHog would take any text."""

from datetime import UTC, datetime

import pytest

from errtrack_mcp.tools.issues.dates import read_window
from errtrack_mcp.tools.refusal import Refusal

NOW = datetime(2026, 9, 18, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("date_from", "date_to", "start", "end"),
    [
        ("", "", "2026-09-11T12:00:00.000000Z", "2026-09-18T12:00:00.000000Z"),
        ("-24h", "", "2026-09-17T12:00:00.000000Z", "2026-09-18T12:00:00.000000Z"),
        ("-4w", "-1d", "2026-08-21T12:00:00.000000Z", "2026-09-17T12:00:00.000000Z"),
        ("", "2026-08-10", "2026-08-03T00:00:00.000000Z", "2026-08-10T00:00:00.000000Z"),
        ("2026-09-01T10:00:00+02:00", "", "2026-09-01T08:00:00.000000Z", "2026-09-18T12:00:00.000000Z"),
        ("2026-09-01 10:00", "2026-09-01T11:00Z", "2026-09-01T10:00:00.000000Z", "2026-09-01T11:00:00.000000Z"),
    ],
)
def test_every_form_means_one_moment(date_from: str, date_to: str, start: str, end: str) -> None:
    """-1d is yesterday at either end, and an end alone has the seven days before it."""
    window = read_window(date_from, date_to, NOW)
    assert window.date_range == {"date_from": start, "date_to": end}


@pytest.mark.parametrize(
    "text",
    ["yesterday", "all", "7d", "+1d", "-7", "-7m", "-7x", "dStart", "2026-13-01", "-99999w", "0001-01-01T00:00+14:00"],
)
@pytest.mark.parametrize("name", ["date_from", "date_to"])
def test_what_posthog_would_guess_at_is_refused(text: str, name: str) -> None:
    """The message names the argument and shows what can be written; a month and a minute look alike to PostHog."""
    with pytest.raises(Refusal, match=name) as raised:
        read_window(**{"date_from": "", "date_to": "", name: text}, now=NOW)
    assert "-7d" in raised.value.message


@pytest.mark.parametrize("text", ["0001-01-02", "0003-01-01T00:00Z", "1999-12-31T23:59:59", "-9999d"])
@pytest.mark.parametrize("name", ["date_from", "date_to"])
def test_a_year_that_no_event_can_have_is_refused(text: str, name: str) -> None:
    """The seven days before the first day of all would be none."""
    with pytest.raises(Refusal, match=f"{name} is before the year 2000") as raised:
        read_window(**{"date_from": "", "date_to": "", name: text}, now=NOW)
    assert "-7d" in raised.value.message
    assert read_window("", "2000-01-01", NOW).date_to == "2000-01-01T00:00:00.000000Z"


@pytest.mark.parametrize(("date_from", "date_to"), [("-1d", "-2d"), ("2026-10-01", ""), ("-1d", "-1d")])
def test_a_time_that_ends_before_it_begins_is_refused(date_from: str, date_to: str) -> None:
    """PostHog would answer with nothing."""
    with pytest.raises(Refusal, match="is not before"):
        read_window(date_from, date_to, NOW)


def test_a_long_text_is_not_repeated_whole() -> None:
    """Only its beginning is looked at."""
    with pytest.raises(Refusal) as raised:
        read_window("9" * 100_000, "", NOW)
    assert len(raised.value.message) < 300
