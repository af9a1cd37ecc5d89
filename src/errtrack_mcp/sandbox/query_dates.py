"""Dates of queries, as freely as the API reads them: what it does not understand is the present, never an error."""

import re
from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from errtrack_mcp.sandbox.database import stored_time
from errtrack_mcp.sandbox.envelope import server_error

DEFAULT_START = "-7d"
FOUR_YEARS = timedelta(days=365 * 4)
LEEWAY = timedelta(seconds=5)  # that an event may lie ahead
BREAKDOWN_RANGE = timedelta(days=30)

RELATIVE = re.compile(r"-?(?P<number>[0-9]+)?(?P<unit>[hdwmMqys])(?P<edge>Start|End)?")
LENGTHS = {
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
    "M": timedelta(minutes=1),
    "q": timedelta(weeks=13),
    "s": timedelta(seconds=1),
}
MONTHS = {"m": 1, "y": 12}
SHORT_FORMS = ("%Y-%m-%d", "%Y-%m", "%Y")


@dataclass(frozen=True, slots=True)
class Period:
    """The time that a query is about; `since` is None for as long ago as there are events."""

    since: datetime | None
    until: datetime
    bounds_included: bool = True

    def holds(self, stored: str) -> bool:
        """Return whether a stored moment lies in it."""
        first = "" if self.since is None else stored_time(self.since)
        last = stored_time(self.until)
        return first <= stored <= last if self.bounds_included else first < stored < last


def issues_period(dates: Mapping[str, Any], now: datetime) -> Period:
    """Read the dates of query/issues, query/issue and ErrorTrackingQuery: in UTC, and a relative end counts forward."""
    start, end = dates.get("date_from"), dates.get("date_to")
    if end == "all":
        raise server_error()
    since = now - FOUR_YEARS if start in (None, "all") else read_moment(str(start), now, UTC)
    return Period(since, read_moment(str(end), now, UTC, forward=True) if end else now)


def events_period(start: str | None, end: str | None, now: datetime, timezone: str) -> Period:
    """Read the dates of query/issue_events and EventsQuery: in the project's time zone, both backward."""
    zone = ZoneInfo(timezone)
    since = None if start == "all" else read_moment(start or "-24h", now, zone)
    until = read_moment(end, now, zone) if end else now + LEEWAY
    return Period(since, until, bounds_included=False)


def breakdown_period(dates: Mapping[str, Any], now: datetime, timezone: str) -> tuple[Period, bool]:
    """Read the dates of a breakdown, and tell whether the limit of 30 days cut them."""
    zone = ZoneInfo(timezone)
    start, end = dates.get("date_from"), dates.get("date_to")
    until = read_moment(str(end), now, zone) if end else now
    since = read_moment(str(start), now, zone) if start and start != "all" else None
    earliest = until - BREAKDOWN_RANGE
    cut = since is None or since < earliest
    return Period(earliest if since is None or cut else since, until), cut


def read_moment(text: str, now: datetime, zone: tzinfo, *, forward: bool = False) -> datetime:
    """Read an absolute or relative date; the first letter that could be a unit is one, and without any it is now."""
    absolute = read_absolute(text)
    if absolute is not None:
        return absolute.astimezone(zone) if absolute.tzinfo else absolute.replace(tzinfo=zone)
    found = RELATIVE.search(text)
    moment = now.astimezone(zone)
    if found is None:
        return moment
    try:
        return _at_edge(_moved(moment, found, forward=forward), found)
    except (OverflowError, ValueError):
        raise server_error() from None


def read_absolute(text: str) -> datetime | None:
    """Read a date in a form of ISO 8601, without a time zone where it names none; None for anything else."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        pass
    for form in SHORT_FORMS:
        try:
            return datetime.strptime(text, form)  # noqa: DTZ007 - its caller knows the time zone
        except ValueError:
            continue
    return None


def _moved(moment: datetime, found: re.Match[str], *, forward: bool) -> datetime:
    number = int(found["number"] or 0) * (1 if forward else -1)
    if found["unit"] in LENGTHS:
        return moment + number * LENGTHS[found["unit"]]
    months = moment.year * 12 + moment.month - 1 + number * MONTHS[found["unit"]]
    year, month = months // 12, months % 12 + 1
    return moment.replace(year=year, month=month, day=min(moment.day, monthrange(year, month)[1]))


def _at_edge(moment: datetime, found: re.Match[str]) -> datetime:
    """Move a moment to the start or the end of its hour, day, month or year; of a month, only the day changes."""
    start = found["edge"] == "Start"
    if not found["edge"]:
        return moment
    if found["unit"] == "h":
        return moment.replace(minute=0 if start else 59, second=0 if start else 59, microsecond=0 if start else 999999)
    if found["unit"] == "d":
        return datetime.combine(moment.date(), datetime.min.time() if start else datetime.max.time(), moment.tzinfo)
    if found["unit"] == "m":
        return moment.replace(day=1 if start else monthrange(moment.year, moment.month)[1])
    if found["unit"] == "y":
        return moment.replace(month=1 if start else 12, day=1 if start else 31)
    return moment
