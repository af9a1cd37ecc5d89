"""The database that a statement of HogQL runs in: a table of events, and the functions that are known here."""

import json
import sqlite3
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from errtrack_mcp.sandbox.database import stored_time
from errtrack_mcp.sandbox.exception_events import Event
from errtrack_mcp.sandbox.query_dates import read_absolute

MOST_STEPS = 2_000  # of a thousand instructions each, about two seconds
TABLE = "CREATE TABLE events (uuid, event, timestamp, distinct_id, issue_id, event_issue_id, person_id, properties)"


def database_of(events: Iterable[Event], now: datetime) -> sqlite3.Connection:
    """Put events into a new database in memory, which the caller closes."""
    database = sqlite3.connect(":memory:")
    for name, function in SCALARS.items():
        database.create_function(name, -1, function)
    database.create_function("now", 0, lambda: stored_time(now))
    for name, aggregate in AGGREGATES.items():
        database.create_aggregate(name, -1, aggregate)
    database.execute(TABLE)
    database.executemany("INSERT INTO events VALUES (?, '$exception', ?, ?, ?, ?, ?, ?)", map(_row, events))
    steps = iter(range(MOST_STEPS))
    database.set_progress_handler(lambda: next(steps, None) is None, 1000)
    return database


def _row(event: Event) -> tuple[str, ...]:
    ids = (event.issue_id, event.captured_as, event.person_id)
    return (event.uuid, event.timestamp, event.distinct_id, *ids, event.properties_text)


def property_text(properties: str, *path: str) -> str | None:
    """Return a property as text: what is no text as JSON, and nothing for null and the empty text."""
    value = _value_at(properties, path)
    return _text(value) or None


class Any_:  # noqa: N801 - the function's own name is taken
    """The first value that is not null."""

    value: Any = None

    def step(self, value: Any) -> None:
        """Take the next value."""
        if self.value is None:
            self.value = value

    def finalize(self) -> Any:
        """Give the value."""
        return self.value


class Uniq:
    """How many different values there are."""

    def __init__(self) -> None:
        self._values: set[Any] = set()

    def step(self, value: Any) -> None:
        """Take the next value."""
        if value is not None:
            self._values.add(value)

    def finalize(self) -> int:
        """Give the number."""
        return len(self._values)


class ArgMax:
    """The value beside the greatest of others."""

    greatest = True
    best: Any = None
    value: Any = None

    def step(self, value: Any, by: Any) -> None:
        """Take the next value, and what decides about it."""
        better = self.best is None or (by is not None and (by > self.best if self.greatest else by < self.best))
        if by is not None and better:
            self.best, self.value = by, value

    def finalize(self) -> Any:
        """Give the value."""
        return self.value


class ArgMin(ArgMax):
    """The value beside the smallest of others."""

    greatest = False


def _moment(text: str) -> str | None:
    moment = read_absolute(text)
    return None if moment is None else stored_time(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def _value_at(text: str | None, path: Iterable[str]) -> Any:
    """Find a value in JSON; None where the way there ends, or where it is no JSON."""
    try:
        value = json.loads(text or "null")
    except ValueError:
        return None
    for part in path:
        value = value.get(part) if isinstance(value, dict) else None
    return value


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else _json(value)


def _raw(text: str, *path: str) -> str:
    value = _value_at(text, path)
    return "" if value is None else _json(value)


SCALARS: dict[str, Callable[..., Any]] = {
    "property": property_text,
    "touuid": lambda text: str(UUID(text)),
    "tostring": lambda value: value if value is None else str(value),
    "todatetime": _moment,
    "jsonextractstring": lambda text, *path: value if isinstance(value := _value_at(text, path), str) else "",
    "jsonextractraw": _raw,
    "isnotnull": lambda value: value is not None,
    "empty": lambda value: not value,
    "notempty": bool,
}
AGGREGATES: dict[str, Any] = {"any": Any_, "uniq": Uniq, "argmax": ArgMax, "argmin": ArgMin}
OF_SQLITE = ("count", "min", "max", "ifnull", "coalesce", "nullif", "lower")
FUNCTIONS = frozenset({*SCALARS, *AGGREGATES, *OF_SQLITE, "now"} - {"property"})
