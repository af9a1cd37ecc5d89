"""Exception events as queries read them."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from errtrack_mcp.sandbox.calls import Call
from errtrack_mcp.sandbox.database import stored_time
from errtrack_mcp.sandbox.known_issues import KnownIssues
from errtrack_mcp.sandbox.query_dates import Period

Condition = Callable[["Event"], bool]

EVENTS = (
    "SELECT uuid, timestamp, distinct_id, fingerprint, issue_id_when_captured, properties,"
    """ json_extract(properties, '$."$session_id"') AS session_id, json_extract(properties, '$."$host"') AS host"""
    " FROM exception_events WHERE team_id = ? AND timestamp BETWEEN ? AND ?"
)


@dataclass(frozen=True)
class Event:
    """One event; `issue_id` is the issue that its fingerprint belongs to, or else the one it was captured for."""

    uuid: str
    timestamp: str
    distinct_id: str
    fingerprint: str
    issue_id: str
    captured_as: str
    session_id: str | None
    host: str | None
    stored_properties: str
    release_map: bool

    @cached_property
    def properties(self) -> dict[str, Any]:
        """The properties, with its release in the form that the age of the installation has."""
        properties: dict[str, Any] = json.loads(self.stored_properties)
        release = properties.get("$exception_release")
        if self.release_map and release is not None:
            del properties["$exception_release"]
            entry = {key: value for key, value in release.items() if key != "id"}
            properties["$exception_releases"] = {release.get("id", ""): entry}
        return properties

    @property
    def properties_text(self) -> str:
        """The properties as JSON; not read where nothing in them has to change."""
        return json.dumps(self.properties, ensure_ascii=False) if self.release_map else self.stored_properties

    @property
    def person_id(self) -> str:
        """The id of the person behind the event."""
        return str(uuid5(NAMESPACE_URL, self.distinct_id))


def read_events(
    call: Call, known: KnownIssues, period: Period, conditions: Iterable[Condition] = (), *, issue: str | None = None
) -> list[Event]:
    """Read the events of a period, and of one issue if it is given, that meet every condition; the oldest first."""
    sql, values = EVENTS, [call.team_id, "" if period.since is None else stored_time(period.since)]
    values.append(stored_time(period.until))
    if issue is not None:
        own = [fingerprint for fingerprint, issue_id in known.by_fingerprint.items() if issue_id == issue]
        sql += f" AND (issue_id_when_captured = ? OR fingerprint IN ({', '.join('?' * len(own))}))"
        values += [issue, *own]
    rows = call.database.all(f"{sql} ORDER BY timestamp, uuid", values)
    found = []
    for row in rows:
        if not period.holds(row["timestamp"]):
            continue
        event = Event(
            uuid=row["uuid"],
            timestamp=row["timestamp"],
            distinct_id=row["distinct_id"],
            fingerprint=row["fingerprint"],
            issue_id=known.by_fingerprint.get(row["fingerprint"], row["issue_id_when_captured"]),
            captured_as=row["issue_id_when_captured"],
            session_id=row["session_id"] or None,
            host=row["host"],
            stored_properties=row["properties"],
            release_map=call.era.release_map,
        )
        if issue in (None, event.issue_id) and all(condition(event) for condition in conditions):
            found.append(event)
    return found
