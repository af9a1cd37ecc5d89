"""The time that a question is about: PostHog takes any text for a date, so dates are checked here. Pure.

What leaves here are two moments in UTC, since the three endpoints read everything else differently
(docs/posthog-api.md, section 10.1).
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, NamedTuple

from pydantic import Field

from errtrack_mcp.api.sanitize import quoted
from errtrack_mcp.tools.refusal import Refusal

DEFAULT_LENGTH = timedelta(days=7)
UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
AGO = re.compile(r"-(\d{1,4})([hdw])")
MAX_LENGTH_OF_DATE = 40
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)  # no event is older, and there is room for a time before it
FORMS = "Write a moment as 2026-09-18 or 2026-09-18T09:41:00Z, or -24h, -7d, -4w for so long ago."

DateFrom = Annotated[str, Field(description="ISO time, or -24h, -7d, -4w; default 7 days before date_to")]
DateTo = Annotated[str, Field(description="Default now")]


class Window(NamedTuple):
    """The time from `start` to `end`, both in UTC."""

    start: datetime
    end: datetime

    @property
    def date_from(self) -> str:
        """The start as PostHog and everybody else reads it in one way only."""
        return _written(self.start)

    @property
    def date_to(self) -> str:
        """The end, in the same form."""
        return _written(self.end)

    @property
    def date_range(self) -> dict[str, str]:
        """Both, as a query of PostHog takes them."""
        return {"date_from": self.date_from, "date_to": self.date_to}


def read_window(date_from: str, date_to: str, now: datetime) -> Window:
    """Read two dates; "" stands for seven days before the end, and for now. Raises Refusal for any other text."""
    end = _moment("date_to", date_to, now) if date_to else now
    start = _moment("date_from", date_from, now) if date_from else end - DEFAULT_LENGTH
    if start >= end:
        raise Refusal(
            "invalid_arguments",
            f"date_from ({_written(start)}) is not before date_to ({_written(end)}), which leaves no time. {FORMS}",
        )
    return Window(start, end)


def _moment(name: str, text: str, now: datetime) -> datetime:
    """Read one date; `-7d` is so long before `now`, whichever end of the window it is."""
    text = text[:MAX_LENGTH_OF_DATE]
    try:
        read = _ago(text, now) or datetime.fromisoformat(text)
        read = read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)
    except (ValueError, OverflowError):
        raise Refusal("invalid_arguments", f"{name} is no date that can be read: {quoted(text)}. {FORMS}") from None
    if read < EARLIEST:
        raise Refusal("invalid_arguments", f"{name} is before the year {EARLIEST.year}: {quoted(text)}. {FORMS}")
    return read


def _ago(text: str, now: datetime) -> datetime | None:
    ago = AGO.fullmatch(text)
    return now - int(ago[1]) * UNITS[ago[2]] if ago else None


def _written(moment: datetime) -> str:
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")
